"""What was perhaps meant, where an error or a result says so itself.

Each function looks at one kind of slip, and gives its sentence, or nothing.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import re
import sys
import types
from collections.abc import Iterable, Iterator

import numpy as np

FORGOTTEN = "did you forget return?"
COMMA = "a comma at the end of a line makes a tuple of one; leave it out"
NOT_CALLED = "this is a function, not its result; did you forget the parentheses ()?"
GENERATOR = "a generator gives its values one by one; did you mean a list, or sum(…)?"
UNREACHABLE = "nothing below this line is reached; delete it once you have written your own"
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, np.ufunc)
NOT_CALLABLE = re.compile(r"'([\w.]+)' object is not callable")


def perhaps_meant(error: BaseException, frame, line: str = "") -> str:
    """A sentence about a slip that an error tells of, such as ``did you mean np.subtract?``.

    Parameters
    ----------
    error : BaseException
        What was raised.
    frame : frame
        Where it was raised.
    line : str
        The line that stood there.

    Returns
    -------
    str
        The sentence; empty where nothing comes near.
    """
    code = _parsed(line)
    sentences = (slip(error, frame, code) for slip in SLIPS)
    return next(filter(None, sentences), "")


def about_result(actual, expected) -> str:
    """A sentence about a result that tells of a slip by what it is; empty for all others."""
    if nothing_came(actual):
        return "" if nothing_came(expected) else FORGOTTEN
    if type(actual) is tuple and len(actual) == 1 and not isinstance(expected, tuple):
        return COMMA
    if isinstance(actual, FUNCTIONS) and not callable(expected):
        return NOT_CALLED
    return GENERATOR if isinstance(actual, types.GeneratorType) else ""


def nothing_came(came) -> bool:
    """Whether a result, or one of several, is None, as that of a function without return is."""
    return came is None or (isinstance(came, (list, tuple)) and any(x is None for x in came))


def below_a_refusal(source: str, line: int) -> bool:
    """Whether code stands below a line that raises, in the same block: it is not reached."""
    for node in ast.walk(_parsed(source)):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list) and any(x.lineno == line for x in body[:-1]):
                return True
    return False


# One slip each


def _compared(error, frame, code) -> str:
    for node in code.body:
        left = node.value.left if _is_comparison(node) else None
        if isinstance(left, ast.Name) and left.id == _name(error):
            return f"== compares; {left.id} = … gives it a value"
    return ""


def _is_comparison(node: ast.stmt) -> bool:
    compare = node.value if isinstance(node, ast.Expr) else None
    return isinstance(compare, ast.Compare) and isinstance(compare.ops[0], ast.Eq)


def _local_everywhere(error, frame, code) -> str:
    if not isinstance(error, UnboundLocalError):
        return ""
    name = _name(error)
    if name in frame.f_globals or hasattr(builtins, name):
        return (
            f"this function gives {name} a value, so {name} is its own name in all of it, and no "
            "longer that from outside; call yours something else"
        )
    return f"{name} is used before this function has given it a value"


def _not_imported(error, frame, code) -> str:
    name = _name(error)
    if not isinstance(error, NameError) or name not in sys.stdlib_module_names:
        return ""
    for node in _attributes(code):
        if ast.unparse(node.value) == name and callable(getattr(np, node.attr, None)):
            return f"{name} is not imported; np.{node.attr} does it, for whole arrays"
    return f"{name} is not imported; write import {name} at the top of this cell"


def _misspelt_name(error, frame, code) -> str:
    name = _name(error)
    if not isinstance(error, NameError) or not name:
        return ""
    own = frame.f_locals.get("self")
    if own is not None and name in _names_in(own):
        return f"did you mean self.{name}?"
    return _question(name, [*frame.f_locals, *frame.f_globals, *dir(builtins)])


def _misspelt_attribute(error, frame, code) -> str:
    name, owner = _name(error), getattr(error, "obj", None)
    if not isinstance(error, AttributeError) or not name:
        return ""
    if owner is None:
        return f"what stands before .{name} is None; a function without return gives None"
    for node in _attributes(code):
        if node.attr == name and isinstance(owner, FUNCTIONS):
            text = ast.unparse(node.value)
            return f"{text} is a function; did you mean {text}().{name}?"
    found = _question(name, _names_in(owner), "np." if owner is np else "")
    own = not name.startswith("__") and f"self.{name}" in map(ast.unparse, _attributes(code))
    return found or (f"nothing has given self.{name} a value; write self.{name} = …" if own else "")


def _called_a_value(error, frame, code) -> str:
    kind = NOT_CALLABLE.search(str(error)) if isinstance(error, TypeError) else None
    if kind is None:
        return ""
    for node in ast.walk(code):
        if not isinstance(node, ast.Call):
            continue
        text = ast.unparse(node.func)
        if isinstance(node.func, ast.Attribute) and node.func.attr in VALUES:
            return f"{text} is a value, not a function; leave out the parentheses"
        if _kind_of(node.func, frame) == kind[1]:
            return (
                f"{text} holds a value of type {kind[1]} here, not a function; is it a name of "
                "yours that hides one, or is an operator missing before the parenthesis?"
            )
    return ""


def _kind_of(node: ast.expr, frame) -> str:
    """The type of what a name holds, or of a number that is written out."""
    if isinstance(node, ast.Constant):
        return type(node.value).__name__
    if isinstance(node, ast.Name):
        held = frame.f_locals.get(node.id, frame.f_globals.get(node.id, builtins))
        return type(held).__name__
    return ""


def _power(error, frame, code) -> str:
    if isinstance(error, TypeError) and ("for ^" in str(error) or "bitwise_xor" in str(error)):
        return "a power is written with **; ^ works on bits"
    return ""


def _with_nothing(error, frame, code) -> str:
    if isinstance(error, TypeError) and "NoneType" in str(error):
        return "one of the values here is None; a function without return gives None"
    return ""


def _asks_for_input(error, frame, code) -> str:
    if type(error).__name__ == "StdinNotImplementedError":
        return "nobody can answer input() when checks are run; let the value be an argument"
    return ""


def _foreign_package(error, frame, code) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "numpy and what the cells above have imported is enough here"
    return ""


SLIPS = (
    _compared,
    _local_everywhere,
    _not_imported,
    _misspelt_name,
    _misspelt_attribute,
    _called_a_value,
    _power,
    _with_nothing,
    _asks_for_input,
    _foreign_package,
)
LOCAL_NAME = re.compile(r"'(\w+)'")
VALUES = ("shape", "ndim", "size", "dtype", "T", "data", "grad")


def _name(error: BaseException) -> str:
    """The name that was missing; before Python 3.12 it stands in some messages only."""
    name = getattr(error, "name", None)
    if isinstance(name, str):
        return name
    quoted = LOCAL_NAME.search(str(error)) if isinstance(error, UnboundLocalError) else None
    return quoted[1] if quoted else ""


def _parsed(source: str) -> ast.Module:
    """A cell or a line of one; of a line such as ``if x:``, without what depends on it."""
    for text in (source, f"{source}\n pass"):
        try:
            return ast.parse(text)
        except SyntaxError:
            continue
    return ast.Module([], [])


def _attributes(code: ast.AST) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(code) if isinstance(node, ast.Attribute))


def _names_in(x) -> list[str]:
    try:
        return [n for n in (*dir(x), *getattr(type(x), "__slots__", ())) if n[:2] != "__"]
    except Exception:  # the student's own __dir__; it is not the matter here
        return []


def _question(name: str, known: Iterable[str], owner: str = "") -> str:
    found = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=1, cutoff=0.75)
    return f"did you mean {owner}{found[0]}?" if found else ""

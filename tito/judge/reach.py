"""Whether a solution may change what other exercises use: a class, a module, a switch."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from tito.syntax import parse

SWITCHES = set(
    "seterr seterrcall simplefilter filterwarnings resetwarnings set_printoptions setattr delattr "
    "setrecursionlimit exec eval globals vars seed register reload".split()
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@functools.lru_cache(maxsize=2048)
def reaches_out(source: str) -> bool:
    """Whether a function of a cell seems to change more than its own objects.

    Parameters
    ----------
    source : str
        The text of a cell.

    Returns
    -------
    bool
        True if one assigns to an attribute or an item of what is neither a parameter nor its own,
        or to a global name, or calls what turns a switch; and for what is no Python.
    """
    try:
        tree = parse(source)
        functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
        return any(_reaches_out(function) for function in functions)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _reaches_out(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    own |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _is_changed(n)}
    for node in ast.walk(function):
        if isinstance(node, (ast.Global, ast.Import, ast.ImportFrom)):
            own -= set(_bound(node))
    return any(_changes_what_is_not(own, node) for node in ast.walk(function))


def _bound(node: ast.Global | ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Global):
        return iter(node.names)
    return ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _changes_what_is_not(own: set[str], node: ast.AST) -> bool:
    if isinstance(node, ast.Global):
        return True
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name in SWITCHES
    if not isinstance(node, (ast.Attribute, ast.Subscript)) or not _is_changed(node):
        return False
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Attribute) and node.attr == "__class__":
            return True
        node = node.value
    return not isinstance(node, ast.Name) or node.id not in own


def _is_changed(node: ast.Name | ast.Attribute | ast.Subscript) -> bool:
    return not isinstance(node.ctx, ast.Load)

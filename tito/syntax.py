"""Parsing and compiling, one thread at a time: two at once may fail before Python 3.12."""

from __future__ import annotations
import __future__

import ast
import re
import symtable
import threading

_alone = threading.Lock()

LONGEST = 100_000  # characters of a cell
MOST_DOTS = 200  # in a chain a.b.c…: of a name to be imported, each beginning is kept
NAME = re.compile(r"\w+")


def parse(source: str) -> ast.Module:
    """The syntax tree of a text.

    Raises
    ------
    ValueError
        If it is too long, or has a chain of names that takes gigabytes.
    SyntaxError, ValueError, RecursionError, MemoryError
        As `ast.parse`.
    """
    refuse_what_is_dear(source)
    with _alone:
        return ast.parse(source)


def refuse_what_is_dear(source: str) -> None:
    """Make sure that a text can be parsed in a short time and in little memory.

    Raises
    ------
    ValueError
        If it is too long, or a chain of names in it is.
    """
    if len(source) > LONGEST:
        raise ValueError(f"it has more than {LONGEST:,} characters")
    if source.count(".") > MOST_DOTS and "import" in source and _longest_chain(source) > MOST_DOTS:
        raise ValueError(f"it has more than {MOST_DOTS} names in a row, with dots between them")


def _longest_chain(source: str) -> int:
    """How many dots follow one another with nothing but names, spaces and line ends between."""
    longest = length = 0
    for between in source.split("."):
        length = length + 1 if NAME.fullmatch(between.strip(" \t\r\n\f\\")) else 1
        longest = max(longest, length)
    return longest


def scopes(source: str) -> symtable.SymbolTable:
    """The scopes of a text and the names in them; raises as `parse`."""
    refuse_what_is_dear(source)
    with _alone:
        return symtable.symtable(source, "cell", "exec")


def compiled(tree: ast.Module, name: str, future: tuple[str, ...] = ()):
    """A syntax tree as a code object of a file `name`, with features of ``__future__``."""
    flags = 0
    for feature in future:
        flags |= getattr(__future__, feature).compiler_flag
    with _alone:
        return compile(tree, name, "exec", flags, dont_inherit=True)


def futures(source: str) -> list[str]:
    """The features that a text imports from ``__future__``."""
    imports = [node for node in parse(source).body if isinstance(node, ast.ImportFrom)]
    return [alias.name for node in imports if node.module == "__future__" for alias in node.names]


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same tree (it is changed) with ``pass`` in the place of every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if _is_text(first):
                node.body[0] = ast.copy_location(ast.Pass(), first)
    return tree


def _is_text(node: ast.stmt | None) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def outline(source: str) -> str:
    """What a text does, whatever its layout, comments and docstrings: two that agree are alike."""
    return ast.dump(without_docstrings(parse(source)))


def skeleton(source: str) -> str:
    """What a text defines, whatever its functions do: its outline without their bodies."""
    tree = without_docstrings(parse(source))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = []
    return ast.dump(tree)

"""Parsing, one thread at a time: two at once may fail before Python 3.12."""

from __future__ import annotations

import ast
import re
import symtable
import threading

ALONE = threading.Lock()

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
    with ALONE:
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
    with ALONE:
        return symtable.symtable(source, "cell", "exec")

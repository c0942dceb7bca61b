"""A solution as a set of fragments: what stays of it under other names, layout and order.

Each statement is a fragment. Names that the student chose are numbered within it, comments and
layout are gone, and where it stands does not count. So renamed variables and exchanged lines leave
the set as it was.
"""

from __future__ import annotations

import ast
import functools
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from tito.syntax import parse

LONGEST_CELL = 20_000  # characters; what is longer is not compared
MOST_STATEMENTS = 400  # of a cell
SHORTEST_COMMENT = 3  # words
LONGEST_COMMENT = 300  # characters
WORD = re.compile(r"\w+")
BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
RAW = (ast.Constant, ast.Attribute, ast.keyword, ast.alias, ast.ImportFrom)  # names of others
ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Fragments:
    """What is compared of a solution.

    Attributes
    ----------
    lines : dict of str to (int, int)
        Of each statement, without chosen names, the lines that it takes, from 1.
    sizes : dict of str to int
        How many nodes its tree has.
    helpers : dict of str to int
        The functions and classes that the student added, and the line of each.
    comments : dict of str to int
        What is said in comments, in lower case, and the line of each.
    """

    lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    helpers: dict[str, int] = field(default_factory=dict)
    comments: dict[str, int] = field(default_factory=dict)


@functools.lru_cache(maxsize=4096)
def fragments_of(source: str, given: frozenset[str] = frozenset()) -> Fragments:
    """The fragments of a cell; none of a text that does not parse.

    Parameters
    ----------
    source : str
        A cell's text, from anybody.
    given : frozenset of str
        Names of the released text, which the student did not choose.
    """
    if len(source) > LONGEST_CELL:
        return Fragments()
    try:
        nodes = list(ast.walk(parse(source)))
        chosen = _names_bound(nodes) - given
        found = Fragments(comments=_comments(source), helpers=_helpers(nodes, given))
        for node in itertools.islice(_statements(nodes), MOST_STATEMENTS):
            text, size = _normal_form(node, chosen)
            found.lines.setdefault(text, _lines_of(node))
            found.sizes[text] = size
    except ERRORS:
        return Fragments()
    return found


def names_in(source: str) -> frozenset[str]:
    """All names that a text uses or binds; of one that does not parse, all its words."""
    try:
        nodes = list(ast.walk(parse(source)))
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        return frozenset(_names_bound(nodes) | used)
    except ERRORS:
        return frozenset(WORD.findall(source[:LONGEST_CELL]))


def _statements(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """All statements, but docstrings and other texts that do nothing."""
    for node in nodes:
        is_statement = isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case))
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_statement and not is_text and not isinstance(node, ast.Pass):
            yield node


def _names_bound(nodes: list[ast.AST]) -> set[str]:
    """The names that a text gives to something: variables, parameters, functions, classes."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, DEFINITIONS) or (isinstance(node, ast.ExceptHandler) and node.name):
            found.add(node.name)
    return found


def _helpers(nodes: list[ast.AST], given: frozenset[str]) -> dict[str, int]:
    return {
        node.name: node.lineno
        for node in nodes
        if isinstance(node, DEFINITIONS) and node.name not in given
    }


def _lines_of(node: ast.AST) -> tuple[int, int]:
    """The lines of a statement; of one that holds others, those of its head."""
    inner = [child for name in BODIES for child in getattr(node, name, []) or []]
    places = [child.lineno for child in inner if hasattr(child, "lineno")]
    first = getattr(node, "lineno", min(places, default=1))
    last = getattr(node, "end_lineno", first)
    return first, max(first, min([last, *(place - 1 for place in places)]))


def _normal_form(node: ast.AST, chosen: set[str]) -> tuple[str, int]:
    """A statement without the names that the student chose, and the number of its nodes."""
    numbers: dict[str, str] = {}
    size = 0

    def named(name: str) -> str:
        return numbers.setdefault(name, f"·{len(numbers)}") if name in chosen else name

    def form(part) -> str:
        nonlocal size
        if isinstance(part, list):
            return "[" + ",".join(map(form, part)) + "]"
        if not isinstance(part, ast.AST):
            return repr(part)
        if isinstance(part, ast.expr_context):
            return ""
        size += 1
        if isinstance(part, ast.Name):
            return named(part.id)
        said = []
        for name, value in ast.iter_fields(part):
            if (name in BODIES and isinstance(value, list)) or name in ("type_comment", "kind"):
                continue
            if name in ("annotation", "returns"):
                continue
            is_name = isinstance(value, str) and not isinstance(part, RAW)
            said.append(named(value) if is_name else form(value))
        return f"{type(part).__name__}({' '.join(said)})"

    text = form(node)
    return text, size


def _comments(source: str) -> dict[str, int]:
    """The comments of a text that say something, and the line of each."""
    found: dict[str, int] = {}
    if "#" not in source:
        return found
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                words = WORD.findall(token.string.lower())
                if len(words) >= SHORTEST_COMMENT:
                    found.setdefault(" ".join(words)[:LONGEST_COMMENT], token.start[0])
    except (tokenize.TokenError, *ERRORS):
        pass
    return found

"""How a call in a notebook's cell is written, and what its names hold."""

from __future__ import annotations

import ast
import functools
import linecache
import types

import numpy as np

from tito.comparison import show

SHORT = 48  # characters of a value that is shown
MANY = 6  # names that are shown at most


def plain(x):
    """Turn tensors, also inside tuples, lists and dictionaries, into arrays; ranges into lists."""
    if isinstance(x, (tuple, list, range)):
        return [plain(item) for item in x]
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    return np.asarray(x) if hasattr(x, "__array__") else x


def call_at(frame, instruction: int | None = None) -> ast.Call | None:
    """The call that a frame stands at, as it is written.

    Parameters
    ----------
    frame : frame
        Of a cell, or of a function in it.
    instruction : int, optional
        Where it stood; by default where it stands now.
    """
    instruction = frame.f_lasti if instruction is None else instruction
    position = list(frame.f_code.co_positions())[instruction // 2]
    for node in ast.walk(_tree("".join(linecache.getlines(frame.f_code.co_filename)))):
        if isinstance(node, ast.Call) and position == _position(node):
            return node
    return None


def check_around(frame, line: int) -> ast.Call | None:
    """The `check(…)` that holds a line of a frame's cell."""
    for node in ast.walk(_tree("".join(linecache.getlines(frame.f_code.co_filename)))):
        if is_check(node) and node.lineno <= line <= node.end_lineno:
            return node
    return None


def check_after(frame, line: int) -> ast.Call | None:
    """The first `check(…)` below a line of a frame's cell, which looks at what that line does."""
    tree = _tree("".join(linecache.getlines(frame.f_code.co_filename)))
    below = [node for node in ast.walk(tree) if is_check(node) and node.lineno > line]
    return min(below, key=lambda node: node.lineno, default=None)


def is_check(node: ast.AST | None) -> bool:
    """Whether it is a call of `check` or `check_raises`."""
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Name) and called.id in ("check", "check_raises")


@functools.lru_cache(maxsize=64)
def _tree(source: str) -> ast.AST:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with a line magic
        return ast.Module([], [])


def _position(node: ast.AST) -> tuple:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def text(node: ast.AST) -> str:
    """An expression in one line."""
    return " ".join(ast.unparse(node).split())


def argument(call: ast.Call | None, number: int) -> ast.AST | None:
    """One of the arguments that are given by position; of a lambda, what it computes."""
    if call is None or not call.args[number:]:
        return None
    node = call.args[number]
    return node.body if isinstance(node, ast.Lambda) else node


def values(node: ast.AST | None, frame) -> list[str]:
    """What the names in an expression hold, each as ``name = value``, where that is short."""
    found = [n for n in ast.walk(node) if isinstance(n, ast.Name)] if node else []
    own = {n.id for n in found if isinstance(n.ctx, ast.Store)}  # of a comprehension
    names = dict.fromkeys(n.id for n in found if n.id not in own)
    shown = []
    for name in names:
        held = frame.f_locals.get(name, frame.f_globals.get(name, types))
        if text_of_value := _short(held):
            shown.append(f"{name} = {text_of_value}")
    return shown[:MANY]


def _short(x) -> str:
    """A value in a few words; nothing if it is none that can be shown."""
    if callable(x) or isinstance(x, types.ModuleType):
        return ""
    try:
        held = plain(x)
        if not isinstance(held, (np.ndarray, np.generic, bool, int, float, str, list, type(None))):
            return ""
        line = repr(held) if isinstance(held, str) else show(held)
        if isinstance(held, np.ndarray) and len(line) > SHORT:
            return f"an array of shape {held.shape}"
    except Exception:  # the student's own __array__ or __repr__; it is not the matter here
        return ""
    return line if len(line) <= SHORT else ""

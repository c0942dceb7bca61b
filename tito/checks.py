"""The visible checks of a notebook: they say what came and what was expected, in one line."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable

import numpy as np

from tito.comparison import difference, show
from tito.kernel_errors import shorten_recursion_errors

shorten_recursion_errors()


class CheckFailed(AssertionError):
    """A check that did not hold. Notebooks show its message alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}"]


def check(actual, expected, hint: str = "", tolerance: float = 1e-5) -> None:
    """Compare a result with what it should be, and say so.

    Parameters
    ----------
    actual, expected : number, array_like, Tensor, str, bool, None, or tuple, list or dict of these
        What came and what was expected; shapes and values are compared, dtypes are not.
    hint : str
        Shown if they differ.
    tolerance : float
        The largest difference allowed, relative to the larger of 1 and the expected numbers.

    Raises
    ------
    CheckFailed
        If they differ; the message is one line.
    """
    found = difference(plain(actual), plain(expected), tolerance)
    call = _argument_text(sys._getframe(1)) or "the result"
    if found:
        raise CheckFailed(f"{call} gave {found}" + (f". Hint: {hint}" if hint else ""))
    print(f"✓ {call} is {show(plain(expected))}")


def check_raises(error: type[Exception], function: Callable, hint: str = "") -> None:
    """Check that a call is refused with the right kind of error.

    Parameters
    ----------
    error : type
        The exception expected.
    function : callable
        Called without arguments.
    hint : str
        Shown if it raises nothing, or something else.

    Raises
    ------
    CheckFailed
        In that case; the message is one line.
    """
    call = (_argument_text(sys._getframe(1), 1) or "the call").removeprefix("lambda: ")
    try:
        result = function()
    except error as raised:
        print(f"✓ {call} is refused: {raised}")
        return
    except NotImplementedError:
        raise
    except Exception as raised:
        came = f"raised {type(raised).__name__}: {raised}"
    else:
        came = f"gave {show(plain(result))}"
    hint = f". Hint: {hint}" if hint else ""
    raise CheckFailed(f"{call} {came}, but a {error.__name__} was expected{hint}")


def plain(x):
    """Turn tensors, also inside tuples, lists and dictionaries, into arrays."""
    if isinstance(x, (tuple, list)):
        return [plain(item) for item in x]
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    return np.asarray(x) if hasattr(x, "__array__") else x


def _argument_text(frame, number: int = 0) -> str:
    """How the argument of the call that a frame stands at is written in the notebook."""
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return ""
    for node in calls:
        if (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == positions:
            return " ".join(ast.unparse(node.args[number]).split()) if node.args[number:] else ""
    return ""

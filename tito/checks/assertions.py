"""The visible checks of a notebook: they say what was called, what came and what was expected."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from tito.checks import calls
from tito.checks.block import Block, hints_of
from tito.checks.calls import plain
from tito.checks.difference_view import view
from tito.checks.suggestions import about_result
from tito.comparison import difference, show


class CheckFailed(AssertionError):
    """A check that did not hold. Notebooks show its block, without a traceback.

    Parameters
    ----------
    message : str
        What was called, what came and what was expected, in one line.
    block : Block
        The same, to be read at leisure.
    """

    def __init__(self, message: str, block: Block | None = None):
        super().__init__(message)
        self.block = block or Block("✗", message)

    def _render_traceback_(self) -> list[str]:
        return self.block.lines()


def check(actual, expected, hint: str | Sequence[str] = "", tolerance: float = 1e-5) -> None:
    """Compare a result with what it should be, and say so.

    Parameters
    ----------
    actual, expected : number, array_like, Tensor, str, bool, None, or tuple, list or dict of these
        What came and what was expected; shapes and values are compared, dtypes are not.
    hint : str or sequence of str
        Shown if they differ, the first of several as the gentlest.
    tolerance : float
        The largest difference allowed, relative to the larger of 1 and the expected numbers.

    Raises
    ------
    CheckFailed
        If they differ; the message is one line.
    """
    came, wanted = plain(actual), plain(expected)
    found = difference(came, wanted, tolerance)
    frame = sys._getframe(1)
    node = calls.argument(calls.call_at(frame), 0)
    call = calls.text(node) if node else "the result"
    if found:
        rows = view(came, wanted, tolerance)
        said = about_result(actual, expected) or hint
        raise _failure(f"{call} gave {found}", call, calls.values(node, frame), rows, said)
    print(f"✓ {call} is {show(wanted)}")


def check_raises(
    error: type[Exception], function: Callable, hint: str | Sequence[str] = ""
) -> None:
    """Check that a call is refused with the right kind of error.

    Parameters
    ----------
    error : type
        The exception expected.
    function : callable
        Called without arguments.
    hint : str or sequence of str
        Shown if it raises nothing, or something else.

    Raises
    ------
    CheckFailed
        In that case; the message is one line.
    """
    frame = sys._getframe(1)
    node = calls.argument(calls.call_at(frame), 1)
    call = calls.text(node) if node else "the call"
    try:
        result = function()
    except error as raised:
        print(f"✓ {call} is refused: {raised}")
        return
    except NotImplementedError:
        raise
    except Exception as raised:
        row = ("raised", f"{type(raised).__name__}: {raised}")
        came = " ".join(row)
    else:
        row = ("came", show(plain(result)))
        came = f"gave {row[1]}"
    rows = [row, ("expected", f"an error, {error.__name__}")]
    message = f"{call} {came}, but a {error.__name__} was expected"
    raise _failure(message, call, calls.values(node, frame), rows, hint)


def _failure(message: str, call: str, values: list[str], rows, hint) -> CheckFailed:
    hints = hints_of(hint)
    called = [("called", call)]
    if values:
        called.append(("with", "\n".join(values)))
    block = Block("✗", "not right yet", (*called, *rows), hints)
    said = "".join(f". {label.capitalize()}: {text}" for label, text in block.numbered_hints())
    return CheckFailed(message + said, block)

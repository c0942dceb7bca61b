"""Looking for the operation that makes the first NaN or infinity: lines, texts, and the switch."""

from __future__ import annotations

import linecache
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinytorch.core.tensor import value
from tinytorch.support.losses import name_of
from tinytorch.support.recording import Switch, recording, switch


class AnomalyError(RuntimeError):
    """An operation made the first number that is not finite."""


origins: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def not_finite(x) -> bool:
    """Whether there is a NaN or an infinity among floating numbers."""
    array = np.asarray(value(x))
    return array.dtype.kind == "f" and not np.isfinite(array).all()


def shares_of(variable, grad) -> list:
    """What the inputs of a computed variable will get from its gradient; None where nothing."""
    operation: Any = getattr(variable, "grad_fn", None)
    if not getattr(operation, "inputs", None):
        return []
    array = grad if isinstance(grad, np.ndarray) else np.asarray(value(grad))
    with recording.switched(False), np.errstate(all="ignore"):
        return operation(array, variable)


def report_of_result(function: Callable, inputs: tuple, result) -> str:
    """In one sentence: what was called with what and what came, in which line of the program."""
    given = ", ".join(f"{np.asarray(value(x))!s:.60}" for x in inputs)
    return f"{name_of(function)} of {given} gave {np.asarray(result)!s:.60} in {users_line()}"


def report_of_gradient(variable, position: int, share) -> str:
    """In one sentence: which gradient is not finite, and which line had called the operation."""
    place = origins.get(variable.grad_fn, "a line that was not watched")
    return (
        f"the gradient by input {position} of {variable.grad_fn!r} is "
        f"{np.asarray(share)!s:.60}; it was called in {place}"
    )


def users_line() -> str:
    """Where the program outside of TinyTorch is: file, line, and the text of the line."""
    frame = sys._getframe(1)
    while frame.f_back and is_ours(frame):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    place = "a cell of the notebook" if "ipykernel" in name else name
    return f"{place}, line {line}: {linecache.getline(name, line).strip()}"


def is_ours(frame) -> bool:
    """Whether a frame belongs to TinyTorch, or to a watcher in a notebook."""
    if frame.f_globals.get("__name__", "").startswith(("tinytorch.", "contextlib")):
        return True
    return frame.f_code in WATCHERS


WATCHERS: set = set()  # the code of those that may be in a notebook, where they are the user's


def make_detector(check_result: Callable, check_gradient: Callable) -> Callable[[], Switch]:
    """The switch that has both watchers called for the length of a block."""
    WATCHERS.update(f.__code__ for f in (check_result, check_gradient))

    def note_the_line(function, inputs, result):
        if result.grad_fn is not None:
            origins[result.grad_fn] = users_line()
        check_result(function, inputs, result)

    def detect_anomaly() -> Iterator[None]:
        """Raise an error at the operation that first makes a NaN or an infinity.

        In a ``with detect_anomaly():`` block or a decorated function; forwards and backwards. The
        error names the operation, what it was given, and the line of the program that called it.
        Slow: for looking for a mistake only.
        """
        with recording.watched(computed=note_the_line, sending=check_gradient):
            yield

    return switch(detect_anomaly)

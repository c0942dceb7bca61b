"""Numbers that are not finite, and the line of a program that is at work."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.support.losses import name_of


class AnomalyError(RuntimeError):
    """An operation made the first number that is not finite."""

    @classmethod
    def forwards(cls, function: Callable, inputs: Sequence, result) -> AnomalyError:
        """What to raise if a function of finite inputs gave something else."""
        given = ", ".join(map(shown, inputs))
        return cls(f"{name_of(function)} of {given} gave {shown(result)} in {users_line()}")

    @classmethod
    def backwards(cls, operation, position: int, share, line: str) -> AnomalyError:
        """What to raise if an operation made of a finite gradient something else for an input."""
        return cls(
            f"the gradient by input {position} of {operation!r} is {shown(share)}; it was called in "
            f"{line}"
        )


def shown(x) -> str:
    """The beginning of an array."""
    return f"{np.asarray(x)!s:.60}"


def is_finite(x) -> bool:
    """Whether there is no NaN and no infinity in an array, tensor or variable."""
    array = np.asarray(x)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def shares_of(variable, grad) -> list:
    """What the inputs of a variable would be sent of its gradient; of a leaf, an empty list."""
    operation = getattr(variable, "grad_fn", None)
    if operation is None or not operation.inputs:
        return []
    return operation(grad, variable)


NOT_THE_ENGINE = ("tinytorch.core.derivatives", __name__)  # where watchers are


def users_line() -> str:
    """Where the program outside of TinyTorch is: file, line, and the text of the line."""
    frame = sys._getframe(1)
    while frame.f_back and (not is_ours(frame) or module_of(frame) in NOT_THE_ENGINE):
        frame = frame.f_back  # out of the watcher, which may be in a notebook
    while frame.f_back and is_ours(frame):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    place = "a cell of the notebook" if "ipykernel" in name else name
    return f"{place}, line {line}: {linecache.getline(name, line).strip()}"


def is_ours(frame) -> bool:
    """Whether a frame runs code of the library."""
    return module_of(frame).startswith("tinytorch.")


def module_of(frame) -> str:
    """The name of the module whose code a frame runs."""
    return frame.f_globals.get("__name__", "")

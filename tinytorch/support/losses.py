"""What would lose a gradient is refused in one sentence, when it is computed."""

from __future__ import annotations

from tinytorch.core.tensor import Tensor


def name_of(function) -> str:
    """What to call a function in a message."""
    return getattr(function, "__name__", repr(function))


def no_derivative(function, out):
    """A result that is no floating number: itself if it is whole or true or false, else an error."""
    if out.dtype.kind in "biu":
        return out
    what = "complex numbers" if out.dtype.kind == "c" else f"objects of dtype {out.dtype}"
    raise TypeError(
        f"{name_of(function)} gave {what}, which have no gradient here; compute with real numbers"
    )


def refuse_input(function, x) -> None:
    """Refuse a list that holds variables, and whole numbers that ask for a gradient."""
    if isinstance(x, (list, tuple)) and holds_gradient(x):
        raise TypeError(
            f"{name_of(function)} was given a list that holds Variables, whose gradients would be "
            "lost; join them first with stack() or concatenate()"
        )
    if type(x) is Tensor and x.requires_grad and x.data.dtype.kind != "f":
        raise TypeError(
            f"a Tensor of {x.data.dtype} cannot get a gradient; make it one of floating dtype, or "
            "set requires_grad=False"
        )


def refuse_settings(function, parameters: dict) -> None:
    """Refuse variables among the settings of an operation."""
    if holds_gradient(parameters):
        raise TypeError(
            f"a setting of {name_of(function)} is a Variable, whose gradient would be lost; give its "
            "number with item()"
        )


def holds_gradient(x) -> bool:
    """Whether somewhere in nested lists, tuples and dictionaries something requires a gradient."""
    if isinstance(x, (list, tuple)):
        return any(map(holds_gradient, x))
    if isinstance(x, dict):
        return any(map(holds_gradient, x.values()))
    return getattr(x, "requires_grad", False) is True

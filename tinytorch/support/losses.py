"""What would lose a gradient is refused in one sentence, when it is computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np


def name_of(function) -> str:
    """What to call a function in a message."""
    return getattr(function, "__name__", repr(function))


def no_derivative(function, inputs, out):
    """A result without floating numbers: itself if it is made of booleans or whole numbers."""
    if out.dtype.kind in "biu":
        for x in inputs:
            refuse_whole_numbers(x)
        return out
    what = "complex numbers" if out.dtype.kind == "c" else f"objects of dtype {out.dtype}"
    raise TypeError(
        f"{name_of(function)} gave {what}, which have no gradient here; compute with real numbers"
    )


# Of these types, nothing can hold a gradient, and nothing can be changed.
PLAIN = {int, float, str, bool, type(None), type(Ellipsis), np.dtype, type}


def is_plain(setting) -> bool:
    """Whether a setting can neither hold a gradient nor be changed."""
    if type(setting) is tuple:
        return all(map(is_plain, setting))
    if type(setting) is slice:
        return is_plain((setting.start, setting.stop, setting.step))
    return type(setting) in PLAIN


def refuse_losses(function, inputs: tuple, parameters: dict) -> None:
    """Refuse a list that holds variables, and variables among the settings of an operation."""
    for x in inputs:
        if isinstance(x, (list, tuple)) and holds_gradient(x):
            raise TypeError(
                f"{name_of(function)} was given a list that holds Variables, whose gradients would "
                "be lost; join them first with stack() or concatenate()"
            )
    for setting in parameters.values():
        if not is_plain(setting) and holds_gradient(setting):
            raise TypeError(
                f"a setting of {name_of(function)} is a Variable, whose gradient would be lost; "
                "give its number with item()"
            )


def refuse_whole_numbers(x) -> None:
    """Refuse whole numbers, or booleans, that ask for a gradient."""
    if getattr(x, "requires_grad", False) and x.dtype.kind != "f":
        raise TypeError(
            f"a {type(x).__name__} of {x.dtype} cannot get a gradient; make it one of floating "
            "dtype, or set requires_grad=False"
        )


def refuse_copy(data) -> None:
    """Refuse to make new data of variables, which would forget how they were computed."""
    if not hasattr(data, "dtype") or data.dtype.kind == "O":
        if holds_gradient(data):
            raise TypeError(
                "a list of Variables would lose how they were computed; join them with stack() or "
                "concatenate(), or give their numbers with item()"
            )
    elif hasattr(data, "grad_fn") and data.requires_grad:
        raise TypeError(
            "this is a Variable already, and a new one made of it would lose its gradient; use it "
            "itself, or write x.detach() for the numbers alone"
        )


def real_numbers(given, what: str) -> np.ndarray:
    """An array of numbers that a user gave as a gradient; else an error."""
    if isinstance(given, (list, tuple)):
        refuse_copy(given)
    try:
        array = given if hasattr(given, "__one_call__") else np.asarray(given)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} is made of real numbers, but this is {given!r:.60}")
    return array


def refuse_collections(function, values: tuple) -> None:
    """Refuse variables in what numpy would make an array of by itself, such as a deque."""
    for v in values:
        if isinstance(v, Collection) and not isinstance(v, np.ndarray):
            refuse_losses(function, (list(v),), {})


def holds_gradient(x) -> bool:
    """Whether somewhere in nested collections, or in an array, something requires a gradient."""
    if isinstance(x, np.ndarray):
        return x.dtype == object and any(map(holds_gradient, x.flat))
    if hasattr(x, "requires_grad"):
        return x.requires_grad is True
    if isinstance(x, (str, bytes, memoryview)):
        return False
    if isinstance(x, Mapping):
        return any(map(holds_gradient, x.values()))
    return isinstance(x, Collection) and any(map(holds_gradient, x))

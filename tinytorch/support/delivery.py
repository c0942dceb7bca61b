"""Handing gradients over: without needless copies, and so that nobody else holds them."""

from __future__ import annotations

import sys

import numpy as np

from tinytorch.support.arrays import astype
from tinytorch.support.recording import recording

SMALL = 1 << 10  # elements; a new array for so few takes less time than to ask for an old one


def plus(total, share):
    """``total + share``, in the memory of `total` if that is large and nobody else holds it."""
    large = type(total) is np.ndarray and total.size > SMALL
    if large and sys.getrefcount(total) <= ALONE_ON_THE_STACK:
        fits = total.shape == share.shape and total.dtype == share.dtype
        if fits and total.base is None and total.flags.writeable:
            return np.add(total, share, out=total)
    return total + share


def delivered(gradients: dict, create_graph: bool) -> dict:
    """The gradients of leaves, seen by their hooks, in their dtype, and held by nobody else.

    Parameters
    ----------
    gradients : dict
        Of each leaf, and of other variables whose gradient was kept; changed.
    create_graph : bool
        They are variables. Those with a history may be shared, for nobody can change them.
    """
    before, recording.enabled = recording.enabled, create_graph
    try:
        for x in gradients:
            if getattr(x, "grad_fn", None) is None:
                gradients[x] = recording.sending(x, gradients[x])
            if gradients[x].dtype != x.dtype:
                gradients[x] = astype(gradients[x], dtype=x.dtype)
            if not create_graph:
                own(gradients, x)
            elif not gradients[x].requires_grad:
                data = gradients[x].data.data.copy()
                gradients[x] = type(gradients[x])(data, requires_grad=False)
    finally:
        recording.enabled = before
    return gradients


def own(gradients: dict, x) -> None:
    """Copy a gradient unless it is certain that nobody else holds it."""
    gradient = gradients[x]
    if type(gradient) is not np.ndarray:
        stands_in = not isinstance(gradient, (np.ndarray, np.generic))
        if stands_in or hasattr(gradient, "__one_call__"):  # one that hides it well
            gradients[x] = gradient.copy(order="K") if gradient.ndim else np.copy(gradient)
            return
    counted = sys.getrefcount(gradient)
    if counted > ALONE_IN_A_DICTIONARY or gradient.base is not None or not gradient.flags.writeable:
        gradients[x] = np.array(gradient)


def references_on_the_stack(array) -> int:
    """How many references are counted where `plus` counts, if nobody else holds the array."""
    return sys.getrefcount(array)


def references_in_a_dictionary(gradients: dict, x) -> int:
    """How many references are counted where `own` counts, if nobody else holds the array."""
    gradient = gradients[x]
    return sys.getrefcount(gradient)


# Versions of Python differ in what they count, so they are asked. A debugger may add one.
ALONE_ON_THE_STACK = min(2, references_on_the_stack({0: np.zeros(1)}.pop(0)))
ALONE_IN_A_DICTIONARY = min(3, references_in_a_dictionary({0: np.zeros(1)}, 0))


def added(before, gradient):
    """The gradient of a leaf after one more backward pass; `before` is that of the earlier ones."""
    if before is None:
        return gradient
    total = gradient + before
    return np.copy(total) if isinstance(total, np.generic) else total


def picked(gradients: dict, inputs: list, variable: type | None) -> tuple:
    """The gradient of each input, each time an array of its own; zeros where nothing arrived.

    With `variable`, the class to use, gradients are variables.
    """
    found = delivered({x: gradients[x] for x in inputs if x in gradients}, variable is not None)
    chosen, given = [], set()
    for x in inputs:
        gradient = found.get(x)
        if gradient is None:
            zeros = np.zeros(x.shape, x.dtype)
            gradient = zeros if variable is None else variable(zeros, requires_grad=False)
        elif x in given and variable is None:
            gradient = np.copy(gradient)
        given.add(x)
        chosen.append(gradient)
    return tuple(chosen)

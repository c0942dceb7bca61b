"""One operation at a time: what its rule gives, and what a central difference gives.

A number is moved by a step to either side, all others stay. Where the function has a corner, or is
not finite, no number is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.graph.reading.nodes import Node, is_variable, values_of
from tinytorch.graph.walking_back.backward import summed

ELEMENTS = 40  # of an input are looked at, at most


@dataclass(slots=True)
class Comparison:
    """The gradient by one element, in two ways."""

    index: tuple[int, ...]
    by_rule: float
    by_difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether both are equal within the tolerance; a NaN never is."""
        return abs(self.by_rule - self.by_difference) <= self.tolerance


class BrokenRuleError(Exception):
    """A rule that gives no gradient; the reason is its text."""

    def __init__(self, reason: str, position: int | None = None):
        super().__init__(reason)
        self.position = position


def as_float64(x):
    """An array of floating numbers in double precision; everything else as it is."""
    x = values_of(x) if hasattr(x, "requires_grad") else x
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return np.array(x, np.float64) if kind == "f" else x


def arguments_of(node: Node) -> list:
    """What the function of a node was called with."""
    return [as_float64(x) for x in node.operation.inputs]


def call(node: Node, arguments: list) -> np.ndarray:
    """The result of a node's operation for other arguments."""
    operation = node.operation
    function: Any = operation.function
    parameters = getattr(operation, "parameters", None) or {}
    if isinstance(function, type):  # an operation of the student's own, with forward and backward
        function = operation.function.apply
        arguments = as_variables(node, arguments)
    elif (count := getattr(operation, "count", None)) is not None:  # a checkpoint
        arguments = as_variables(node, arguments)[:count]
    with np.errstate(all="ignore"):
        return np.asarray(values_of(function(*arguments, **parameters)), np.float64)


def as_variables(node: Node, arguments: list) -> list:
    """The arguments as variables, where the node was computed from variables."""
    return [
        type(x)(a, requires_grad=False) if is_variable(x) else a
        for x, a in zip(node.operation.inputs, arguments, strict=True)
    ]


def rule_gradients(node: Node, seed: np.ndarray) -> list:
    """What the rules of a node give for each argument, in the shape of that argument."""
    try:
        with np.errstate(all="ignore"):
            parts = list(node.operation(seed, node.thing))
        gradients = [None if part is None else np.asarray(values_of(part)) for part in parts]
    except Exception as error:  # a student's rule may fail in any way
        raise BrokenRuleError(" ".join(f"{type(error).__name__}: {error}".split())) from None
    for position, part in enumerate(gradients):
        if part is None:
            continue
        shape = np.shape(values_of(node.operation.inputs[position]))
        gradients[position] = fitted = summed(part, shape)
        if fitted.shape != shape:
            raise BrokenRuleError(
                f"it gives the shape {part.shape} for an input of shape {shape}", position
            )
    return gradients


def compare(
    f: Callable[[np.ndarray], float], x: np.ndarray, gradient, coarse: bool
) -> Iterator[Comparison]:
    """Compare a gradient with central differences, element after element.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, gives a number.
    x : ndarray, float64
        Where.
    gradient : ndarray
        To be judged, in the shape of `x`.
    coarse : bool
        The gradient was computed in single precision.

    Yields
    ------
    Comparison
        For each element that can be judged, of large arrays for some.
    """
    gradient = np.asarray(gradient, np.float64)
    scale = float(np.abs(gradient[np.isfinite(gradient)]).max(initial=0.0))
    indices = list(np.ndindex(x.shape))
    for index in indices[:: max(1, -(-len(indices) // ELEMENTS))]:
        slope, noise = central_difference(f, x, index)
        if slope is not None:
            size = max(abs(slope), scale)
            tolerance = 2e-3 * size + 1e-4 if coarse else 1e-5 * size + 1e-6
            yield Comparison(index, float(gradient[index]), slope, tolerance + noise)


def central_difference(f: Callable, x: np.ndarray, index: tuple[int, ...]) -> tuple:
    """The slope of `f` by one element, and how far rounding may have moved it.

    The slope is None at a corner, or where it is not finite.
    """
    step = 1e-6 * max(1.0, abs(float(x[index])))
    up, down = x.copy(), x.copy()
    up[index] += step
    down[index] -= step
    above, here, below = f(up), f(x), f(down)
    slope = (above - below) / (2 * step)
    noise = 1e-15 * abs(here) / step
    bend = abs(above - 2 * here + below) / step  # nearly 0 on a smooth curve
    if not np.isfinite(slope) or bend > 1e-2 * abs(slope) + 1e-3 + 10 * noise:
        return None, noise
    return slope, noise

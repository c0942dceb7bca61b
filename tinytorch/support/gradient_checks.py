"""Around the two slopes that `gradcheck` compares: random directions, a verdict, and an explanation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import value
from tinytorch.support.calls import Call, as_tuple, pull_back


class GradcheckError(RuntimeError):
    """A gradient that differs from the difference quotient."""


def compare(slopes_along: Callable, f: Callable, inputs, eps, atol, rtol, rng) -> bool:
    """Compare the slopes along a random direction; if they differ, say at which element.

    Parameters
    ----------
    slopes_along : callable
        Called with ``(f, xs, directions, weights, eps)``; gives the slope by the gradient, and the
        slope by a difference.
    f, inputs, eps, atol, rtol, rng
        As in `gradcheck`.
    """
    rng = np.random.default_rng(rng)
    xs = tuple(np.asarray(value(x)) for x in as_tuple(inputs))
    for position, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(
                f"gradcheck needs float64 inputs, but input {position} is {x.dtype}; "
                "differences in it are too coarse, so convert it with .astype(np.float64)"
            )
    weights = tuple(rng.normal(size=y.shape) for y in Call(f, xs).outs)
    directions = [rng.normal(size=x.shape) for x in xs]
    slopes = slopes_along(f, xs, directions, weights, eps)
    if not agree(*slopes, atol, rtol):
        call = Call(f, xs)
        terms = zip(pull_back(call.outs, call.xs, weights), directions, strict=True)
        size = sum(float(np.abs(g * d).sum()) for g, d in terms)  # rounding errors grow with it
        if not agree(*slopes, atol + rtol * size, rtol):
            raise GradcheckError(
                explanation(slopes_along, f, xs, weights, eps, atol, rtol, slopes)
            )
    return True


def agree(by_gradient: float, by_difference: float, atol: float, rtol: float) -> bool:
    """Whether two slopes are equal within the tolerance; a NaN never is."""
    return bool(abs(by_gradient - by_difference) <= atol + rtol * abs(by_difference))


def explanation(slopes_along, f, xs, weights, eps, atol, rtol, slopes) -> str:
    """Which element of which input has a wrong gradient: the first that differs by itself."""
    for position, x in enumerate(xs):
        for index in np.ndindex(x.shape):
            unit = [np.zeros_like(other) for other in xs]
            unit[position][index] = 1.0
            by_gradient, by_difference = slopes_along(f, xs, unit, weights, eps)
            if not agree(by_gradient, by_difference, atol, rtol):
                place = f"element {index} of input {position}" if index else f"input {position}"
                return (
                    f"the gradient by {place} is {by_gradient:.8g}, but the difference quotient is "
                    f"{by_difference:.8g} (outputs weighted at random)"
                )
    return (
        f"along a random direction the slope is {slopes[0]:.8g} by the gradient and {slopes[1]:.8g} "
        "by the difference quotient, though no single element differs"
    )


def gradient_of(f: Callable, inputs, rng) -> Callable:
    """A function that gives the gradient of a random combination of the outputs of `f`."""
    rng = np.random.default_rng(rng)
    seeds = tuple(rng.normal(size=out.shape) for out in Call(f, inputs).outs)

    def gradient(*xs):
        return pull_back(as_tuple(f(*xs)), xs, seeds, create_graph=True)

    return gradient

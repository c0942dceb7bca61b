"""Checking gradients against differences: what a user sees around the two slopes of module 15."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import value
from tinytorch.support.functional import as_tuple, call_recorded, pull_back


class GradcheckError(RuntimeError):
    """A gradient that differs from the difference quotient."""


def make_gradcheck(slopes_along: Callable) -> Callable:
    """`gradcheck`, made from the function that gives the slope along a direction in two ways."""

    def gradcheck(
        f: Callable, inputs, eps: float = 1e-6, atol: float = 1e-6, rtol: float = 1e-5, rng=0
    ) -> bool:
        """Check the gradients of `f` against central differences.

        The check itself is one number: the slope of a random combination of the outputs along a
        random direction. If that is wrong, every element is looked at, to say which.

        Parameters
        ----------
        f : callable
            Takes variables, gives a variable or a tuple of them.
        inputs : float64 array or Variable, or tuple of them
            Where to check; away from corners.
        eps : float
            How far to step.
        atol, rtol : float
            How far the numbers may lie apart: ``atol + rtol * |expected|``.
        rng : numpy.random.Generator or int
            The source of the random directions, or its seed.

        Returns
        -------
        True
            If all agrees.

        Raises
        ------
        GradcheckError
            If not; names the input, the element, and both numbers.
        TypeError
            If an input is not float64, in which differences would be too coarse to judge by.
        """
        rng = np.random.default_rng(rng)
        xs = tuple(np.asarray(value(x)) for x in as_tuple(inputs))
        refuse_coarse(xs)
        vs, outputs = call_recorded(f, xs, False)
        outputs = as_tuple(outputs)
        weights = tuple(rng.normal(size=y.shape) for y in outputs)
        directions = [rng.normal(size=x.shape) for x in xs]
        by_gradient, by_difference = slopes_along(f, xs, directions, weights, eps)
        if not agree(by_gradient, by_difference, atol, rtol):
            terms = zip(pull_back(outputs, vs, weights), directions, strict=True)
            size = sum(float(np.abs(g * d).sum()) for g, d in terms)  # rounding errors grow with it
            if not agree(by_gradient, by_difference, atol + rtol * size, rtol):
                found = first_wrong(slopes_along, f, xs, weights, eps, atol, rtol)
                raise GradcheckError(found or WITHOUT_ELEMENT.format(by_gradient, by_difference))
        return True

    return gradcheck


WITHOUT_ELEMENT = (
    "along a random direction the slope is {:.8g} by the gradient and {:.8g} by the difference "
    "quotient, though no single element differs"
)


def refuse_coarse(xs: tuple) -> None:
    """Refuse numbers in which a difference quotient is too coarse."""
    for position, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(
                f"gradcheck needs float64 inputs, but input {position} is {x.dtype}; "
                "differences in it are too coarse, so convert it with .astype(np.float64)"
            )


def agree(by_gradient: float, by_difference: float, atol: float, rtol: float) -> bool:
    """Whether two slopes are equal within the tolerance; a nan never is."""
    return abs(by_gradient - by_difference) <= atol + rtol * abs(by_difference)


def first_wrong(slopes_along, f, xs, weights, eps, atol, rtol) -> str | None:
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
    return None


def make_gradgradcheck(gradcheck: Callable) -> Callable:
    """`gradgradcheck`, made from `gradcheck`."""

    def gradgradcheck(f: Callable, inputs, **settings) -> bool:
        """Check the second derivatives of `f`: `gradcheck` of its gradient, weighted at random.

        Parameters
        ----------
        f, inputs, **settings
            As in `gradcheck`.

        Returns
        -------
        True
            If all agrees.

        Raises
        ------
        GradcheckError, TypeError
            As in `gradcheck`.
        """
        rng = np.random.default_rng(settings.get("rng", 0))
        outputs = as_tuple(call_recorded(f, inputs, False)[1])
        seeds = tuple(rng.normal(size=out.shape) for out in outputs)

        def gradient(*xs):
            return pull_back(as_tuple(f(*xs)), xs, seeds, create_graph=True)

        return gradcheck(gradient, inputs, **settings)

    return gradgradcheck

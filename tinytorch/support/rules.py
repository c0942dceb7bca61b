"""The table of derivative rules, and the rows that module 7 does not write."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable

import numpy as np

from tinytorch.support.arrays import (
    astype,
    clip_values,
    join,
    pile,
    scatter,
    select,
    spread,
    surround,
    total,
)


def table(rows: Callable) -> Callable:
    """Enter the rows of a table of rules, as soon as they are written."""
    with contextlib.suppress(NotImplementedError):
        rows()
    return rows


class Rules(dict):
    """For each function the rules of its inputs: ``RULES[np.multiply][0]``.

    What is not in the table is refused in a sentence.
    """

    def __init__(self):
        super().__init__()
        enter_other_rules(self)

    def derivative(self, function: Callable, *rules: Callable | None) -> None:
        """Enter a row: the derivative rules of a function, one for each of its inputs.

        Parameters
        ----------
        function : callable
            The function that `apply` is given.
        *rules : callable or None
            ``rule(grad, out, *inputs, **parameters)`` gets the gradient by the output, the output,
            and what the function was called with; it returns the gradient by one input. It may
            return more axes than the input had: the engine sums them. None for an input that can
            have no gradient.
        """
        self[function] = RulesOf(function, rules)

    def __missing__(self, function: Callable) -> RulesOf:
        return RulesOf(function, ())


class RulesOf(dict):
    """The rules of one function, by the position of the input they are for."""

    def __init__(self, function: Callable, rules: Iterable[Callable | None]):
        super().__init__({i: returned(r) for i, r in enumerate(rules) if r is not None})
        self.function = function

    def __missing__(self, position: int):
        name = getattr(self.function, "__name__", repr(self.function))
        raise NotImplementedError(
            f"no derivative rule for input {position} of {name}, so its gradient would be lost; "
            f"enter one with derivative({name}, …), or detach() that input"
        )


def returned(rule: Callable) -> Callable:
    """A rule that forgets its return would lose a gradient, so it is asked; a lambda cannot."""
    if getattr(rule, "__name__", "<lambda>") == "<lambda>":
        return rule

    @functools.wraps(rule)
    def asked(*inputs, **parameters):
        share = rule(*inputs, **parameters)
        if share is None:
            raise TypeError(
                f"the derivative rule {rule.__name__} returned None, so a gradient would be lost; "
                "did you forget return?"
            )
        return share

    return asked


class RuleForEach(dict):
    """The rules of a function with any number of inputs, all made from one.

    Parameters
    ----------
    rule : callable
        Called as ``rule(position, grad, out, *inputs, **parameters)``.
    """

    def __init__(self, rule: Callable):
        self.rule = rule

    def __contains__(self, position: object) -> bool:
        return True

    def __missing__(self, position: int) -> Callable:
        def rule(grad, out, *inputs, **parameters):
            return self.rule(position, grad, out, *inputs, **parameters)

        return rule


def enter_other_rules(table: Rules) -> None:
    """Enter the rules of functions that choose elements, move them, join them or surround them."""
    derivative = table.derivative
    derivative(
        np.maximum,
        lambda grad, out, x, y: (select(x > y, grad) + select(x >= y, grad)) * 0.5,
        lambda grad, out, x, y: (select(x < y, grad) + select(x <= y, grad)) * 0.5,
    )
    derivative(
        np.minimum,
        lambda grad, out, x, y: (select(x < y, grad) + select(x <= y, grad)) * 0.5,
        lambda grad, out, x, y: (select(x > y, grad) + select(x >= y, grad)) * 0.5,
    )
    derivative(
        np.where,
        None,  # a condition has no slope
        lambda grad, out, condition, x, y: select(truth(condition), grad),
        lambda grad, out, condition, x, y: select(~truth(condition), grad),
    )
    derivative(
        clip_values,
        lambda grad, out, x, low=None, high=None: select(within(x, low, high), grad),
        lambda grad, out, x, low=None, high=None: select(above(low, x) & ~above(low, high), grad),
        lambda grad, out, x, low=None, high=None: select(above(x, high) | above(low, high), grad),
    )
    # Helpers that rules call: each the other's inverse, so that any order of derivatives works.
    derivative(select, None, lambda grad, out, condition, x: select(condition, grad))
    derivative(spread, lambda grad, out, x, shape: grad)
    derivative(astype, lambda grad, out, x, dtype: astype(grad, dtype=x.dtype))
    derivative(scatter, lambda grad, out, x, shape, index: grad[index])
    derivative(
        total,
        lambda grad, out, x, axis, keepdims=False: spread(with_axes(grad, x, axis), shape=x.shape),
    )
    derivative(surround, inside)
    table[join] = RuleForEach(piece)
    table[pile] = RuleForEach(layer)


def truth(condition) -> np.ndarray:
    """A condition as numpy takes it: what is not 0 is true."""
    return np.asarray(condition) != 0


def above(x, y):
    """Where `x` lies above `y`; nowhere if one of them is None."""
    return np.False_ if x is None or y is None else np.asarray(x > y)


def within(x, low, high):
    """Where x lies between two bounds or on one; nowhere if they are the wrong way round."""
    return ~above(low, x) & ~above(x, high) & ~above(low, high)


def with_axes(reduced, x, axis):
    """The result of a reduction of `x`, with its lost axes back, each with length 1."""
    if axis is None:
        return reduced
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


def inside(grad, out, x, pad_width, value=0.0):
    """What was put around x is cut off again."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    parts = zip(widths, x.shape, strict=True)
    return grad[tuple(slice(before, before + n) for (before, _), n in parts)]


def piece(position, grad, out, *arrays, axis):
    """Of arrays that were joined, each gets the piece of the gradient from its place."""
    lengths = [x.shape[axis] for x in arrays]
    start = sum(lengths[:position])
    part = slice(start, start + lengths[position])
    return grad[(slice(None),) * (axis % grad.ndim) + (part,)]


def layer(position, grad, out, *arrays, axis):
    """Of arrays that were stacked, each gets its layer of the gradient."""
    return grad[(slice(None),) * (axis % grad.ndim) + (position,)]

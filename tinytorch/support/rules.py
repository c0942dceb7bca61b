"""The table of derivative rules, and the rows that module 7 does not write."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Iterable, Sequence

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
from tinytorch.support.losses import name_of

LATER = {  # where functions come from whose rules a later module enters, and what to do until then
    "tinytorch.core.cnn": "the rules of convolution and pooling come in module 11; until then "
    "compute this layer inside no_grad(), and train the layers after it"
}


class Rules(dict):
    """For each function the rules of its inputs: ``RULES[np.multiply][0]``.

    What is not in the table is refused in a sentence.
    """

    def __init__(self):
        super().__init__()
        self.entered: list[Callable] = []  # functions whose rows the table that runs has entered
        self.tables: dict[str, list[Callable]] = {}  # the same of each table, by its name
        self.products: set[Callable] = set()
        enter_other_rules(self)

    def table(self, rows: Callable) -> Callable:
        """Enter the rows of a table, as soon as they are written; those of an earlier run go."""
        for function in self.tables.pop(rows.__name__, ()):
            self.pop(function, None)
        self.entered = self.tables[rows.__name__] = []
        try:
            with contextlib.suppress(NotImplementedError):
                rows()
        finally:
            self.entered = []
        return rows

    def also_for_vectors(self, *products: Callable) -> None:
        """Have the rules of products of matrices, entered from now on, take vectors too."""
        self.products.update(products)

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
        if function in self.products:
            rules = tuple(r and with_vectors(r, position) for position, r in enumerate(rules))
        self[function] = RulesOf(function, rules)
        self.entered.append(function)

    def of(self, function: Callable, inputs: Sequence) -> Sequence[Callable | None]:
        """For each input its rule, or None if it requires no gradient."""
        row = self[function]
        whole = getattr(row, "whole", ())
        if len(whole) == len(inputs):
            for x in inputs:
                if not getattr(x, "requires_grad", False):
                    break
            else:
                return whole
        numbered = enumerate(inputs)
        return [row[i] if getattr(x, "requires_grad", False) else None for i, x in numbered]

    def __missing__(self, function: Callable) -> RulesOf:
        return RulesOf(function, ())


class RulesOf(dict):
    """The rules of one function, by the position of the input they are for."""

    def __init__(self, function: Callable, rules: Iterable[Callable | None]):
        rules = tuple(rules)
        fitting = (r and fitted(r, function, len(rules)) for r in rules)
        super().__init__({i: returned(r) for i, r in enumerate(fitting) if r is not None})
        self.function, self.rules = function, rules
        self.whole = tuple(self.values()) if len(self) == len(rules) else ()  # for all inputs

    def __setitem__(self, position: int, rule: Callable) -> None:
        super().__setitem__(position, rule)
        self.whole = ()

    def __delitem__(self, position: int) -> None:
        super().__delitem__(position)
        self.whole = ()

    def __missing__(self, position: int):
        name = name_of(self.function)
        row = f"derivative({name}, rule of input 0, rule of input 1, …)"
        lost = f"no derivative rule for input {position} of {name}, so its gradient would be lost"
        if position < len(self.rules):  # None: it can have no gradient
            raise NotImplementedError(f"{lost}; detach() that input")
        if later := LATER.get(getattr(self.function, "__module__", "")):
            raise NotImplementedError(f"{lost}; {later}")
        if self:
            raise NotImplementedError(f"{lost}; a row has a rule for each input: {row}")
        raise NotImplementedError(f"{lost}; enter its row in the table: {row}")


def fitted(rule: Callable, function: Callable, count: int) -> Callable:
    """A rule that can be called with what rules are given; else one that says so.

    Parameters
    ----------
    rule : callable
        The rule of one input.
    function : callable
        Whose rule it is.
    count : int
        How many rules the row has: so many inputs there are at least.
    """
    inputs = getattr(function, "nin", count)
    if has_arguments(rule, 2 + inputs):  # most have; a signature takes fifty times as long
        return rule
    try:
        takes = inspect.signature(rule)
        bind = takes.bind if hasattr(function, "nin") else takes.bind_partial
        bind(*[None] * (2 + inputs))
    except ValueError:  # it has no signature
        return rule
    except TypeError:
        names = ", ".join(["grad", "out", *"xyz"[:inputs]])
        message = (
            f"a rule of {name_of(function)} is called as rule({names}), but this one takes "
            f"{inspect.signature(rule)}"
        )

        def refused(*inputs, **parameters):
            raise TypeError(message)

        return refused
    return rule


def has_arguments(rule: Callable, count: int) -> bool:
    """Whether something is a plain function of just so many arguments, without keywords."""
    if not isinstance(rule, types.FunctionType) or vars(rule):
        return False
    code = rule.__code__
    return code.co_argcount == count and not code.co_kwonlyargcount


def with_vectors(rule: Callable, position: int) -> Callable:
    """Extend a rule of ``x @ y`` to vectors: a vector x is a row, a vector y is a column."""
    if position > 1:
        return rule

    def rule_for_vectors(grad, out, x, y, *bias):
        if x.ndim > 1 and y.ndim > 1:
            return rule(grad, out, x, y, *bias)
        row = x[None, :] if x.ndim == 1 else x
        column = y[:, None] if y.ndim == 1 else y
        if y.ndim == 1:
            grad = grad[..., None]
        if x.ndim == 1:
            grad = grad[..., None, :]
        share = rule(grad, out, row, column, *bias)
        # By x the axis of length 1 comes first, and the engine sums it away; by y it comes last.
        return share[..., 0] if position == 1 and y.ndim == 1 else share

    rule_for_vectors.__name__ = getattr(rule, "__name__", "<lambda>")  # what `returned` looks at
    return rule_for_vectors


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

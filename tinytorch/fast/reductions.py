"""Sums, means and extremes as loops over numpy's own inner loops, in the order numpy calls them.

numpy goes through an array in the order of its memory. The axes that lie together become one; what
is then the innermost is handed to the inner loop of a ufunc at once, which adds up in pairs where
it adds to one number. The same calls are made here from C, and tried on arrays of the same shape
and layout, with the numbers at which orders differ; if any bit is another one, numpy is asked.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.fast.operations import LETTERS, Operand, Whole, is_plain
from tinytorch.fast.ufuncs import call, inner_loop, own_loop
from tinytorch.support.calls import METHODS
from tinytorch.support.programs import Kind, Ref, Step
from tinytorch.support.writing import empty

LARGEST = 1 << 18  # elements of what is reduced; for more, numpy's own call costs nothing
MOST_AXES = 6  # see loops.c
FUNCTIONS: dict[Any, np.ufunc] = {
    METHODS["sum"]: np.add,
    METHODS["mean"]: np.add,
    METHODS["max"]: np.maximum,
    METHODS["min"]: np.minimum,
    np.sum: np.add,
    np.mean: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
}
MEANS = {METHODS["mean"], np.mean}
STARTS: dict[np.ufunc, tuple[str, ...]] = {  # "" begins with the first element
    np.add: ("-0.0", "0.0"),
    np.maximum: ("",),
    np.minimum: ("",),
}
REDUCTION = np.dtype(
    [(name, "u8") for name in "function data divide divide_data".split()]
    + [("axes", "i8"), ("itemsize", "i8"), ("start", "i8"), ("is_mean", "i8")]
    + [(name, "V8") for name in ("first", "count")]
    + [(name, "i8", MOST_AXES) for name in ("lengths", "reads", "writes")]
)


class Reduction(Whole):
    """A sum, a mean or an extreme along some axes."""

    @property
    def work(self) -> int:
        """How many elements there are."""
        return self.operands[0].size


def reduction(step: Step, kinds: list[Kind]) -> Reduction | None:
    """A step as a loop over inner loops; None if it is another kind of step."""
    ufunc, axes = FUNCTIONS.get(step.function), reduced_axes(step, kinds)
    if ufunc is None or axes is None or step.out is None:
        return None
    n, kind = step.inputs[0].number, kinds[step.out]
    found = planned(ufunc, step.function in MEANS, plain(kinds[n]), axes, plain(kind))
    if found is None:
        return None
    letter, size = LETTERS[kind.dtype], kinds[n].size
    read = Operand(n, None, "whole", letter, letter, size)
    loop = own_loop("reduce"), found.ctypes.data
    types, out = f"{letter}->{letter}", step.out
    return Reduction(step, step.function, types, loop, [read], out, kind.size, letter, found)


def plain(kind: Kind) -> Kind:
    """A kind as one of arrays, whatever numpy makes of single numbers."""
    return kind._replace(type=np.ndarray)


def reduced_axes(step: Step, kinds: list[Kind]) -> tuple[int, ...] | None:
    """The axes along which a step reduces, if it does nothing else."""
    settings = dict(step.settings)
    inputs = step.inputs
    if not inputs or type(inputs[0]) is not Ref or step.writes or len(inputs) > 2:
        return None
    axis = inputs[1] if len(inputs) == 2 else settings.pop("axis", None)
    settings.pop("keepdims", None)
    kind, dtype = kinds[inputs[0].number], settings.pop("dtype", None)
    same = dtype is None or (isinstance(dtype, (np.dtype, type)) and np.dtype(dtype) == kind.dtype)
    if any(x is not None for x in settings.values()) or not same:
        return None
    axes = range(len(kind.shape)) if axis is None else axis if type(axis) is tuple else (axis,)
    if not all(isinstance(a, (int, np.integer)) for a in axes) or not is_reducible(kind):
        return None
    return tuple(int(a) % len(kind.shape) for a in axes)


def is_reducible(kind: Kind) -> bool:
    """Whether a value is an array of real numbers, without gaps, and not too large."""
    known = kind.type is np.ndarray and kind.dtype in (np.float32, np.float64)
    return known and 0 < kind.size <= LARGEST and len(kind.shape) > 0 and is_plain(kind)


@functools.cache
def planned(
    ufunc: np.ufunc, is_mean: bool, given: Kind, axes: tuple[int, ...], result: Kind
) -> np.ndarray | None:
    """What the C function needs to know; None if it does not give numpy's bits."""
    letter = LETTERS.get(result.dtype)
    loops = [inner_loop(f, f"{letter}{letter}->{letter}") for f in (ufunc, np.divide)]
    folded = merged(given, axes, result)
    if result.dtype != given.dtype or None in loops or len(folded) > MOST_AXES:
        return None
    count = math.prod(given.shape[a] for a in axes)
    for start in STARTS[ufunc]:
        plan = written(loops, folded, start, count if is_mean else 0, result.dtype)
        if agrees(plan, ufunc, count if is_mean else 0, given, axes, result):
            return plan
    return None


def merged(given: Kind, axes: tuple[int, ...], result: Kind) -> list[tuple[int, int, int]]:
    """Lengths and strides of the axes in the order of memory; those that lie together are one."""
    kept = [a for a in range(len(given.shape)) if a not in axes]
    keeps = len(result.shape) == len(given.shape)
    strides = {a: result.strides[a if keeps else i] for i, a in enumerate(kept)}
    found: list[tuple[int, int, int]] = []
    for a in sorted(range(len(given.shape)), key=lambda a: -given.strides[a]):
        length, read, write = given.shape[a], given.strides[a], strides.get(a, 0)
        if length == 1:
            continue
        if found and found[-1][1:] == (read * length, write * length):
            length, _ = length * found[-1][0], found.pop()
        found.append((length, read, write))
    return found or [(1, given.dtype.itemsize, 0)]


def written(
    loops: list, axes: list[tuple[int, int, int]], start: str, count: int, dtype: np.dtype
) -> np.ndarray:
    """A reduction, as the C function reads it."""
    plan = np.zeros(1, REDUCTION)
    here = plan[0]
    (here["function"], here["data"]), (here["divide"], here["divide_data"]) = loops
    here["axes"], here["itemsize"] = len(axes), dtype.itemsize
    here["start"], here["is_mean"] = bool(start), bool(count)
    for name, number in (("first", float(start or 0)), ("count", count)):
        here[name] = np.array(number, dtype).tobytes().ljust(8, b"\0")
    for i, axis in enumerate(axes):
        here["lengths"][i], here["reads"][i], here["writes"][i] = axis
    return plan


def agrees(
    plan: np.ndarray, ufunc: np.ufunc, count: int, given: Kind, axes: tuple[int, ...], result: Kind
) -> bool:
    """Whether a reduction gives the bits of numpy."""
    x, out = empty(given), empty(result)
    flat = memory_order(out)
    for fill in FILLS:
        fill(np.random.default_rng(0), x)
        with np.errstate(all="ignore"):
            expected = ufunc.reduce(x, axis=axes, keepdims=out.ndim == x.ndim)
            expected = mean_of(x, axes, out.ndim == x.ndim) if count else expected
        call((own_loop("reduce"), plan.ctypes.data), [memory_order(x)[:1], flat[:1]])
        if np.asarray(expected).tobytes() != out.tobytes():
            return False
    return True


def mean_of(x: np.ndarray, axes: tuple[int, ...], keepdims: bool):
    """The mean along some axes, by numpy."""
    return x.mean(axis=axes, keepdims=keepdims)


def memory_order(x: np.ndarray) -> np.ndarray:
    """The elements of an array without gaps, in the order in which they are in memory."""
    return x.ravel("K") if x.ndim else x.reshape(1)


def any_numbers(rng: np.random.Generator, x: np.ndarray) -> None:
    """Numbers of which sums depend on the order."""
    x[...] = rng.normal(size=x.shape) * np.exp(rng.normal(size=x.shape) * 3)


def negative_zeros(rng: np.random.Generator, x: np.ndarray) -> None:
    """Zeros of one sign."""
    x[...] = -0.0


def zeros(rng: np.random.Generator, x: np.ndarray) -> None:
    """Zeros of both signs."""
    x[...] = rng.choice([0.0, -0.0], size=x.shape)


def odd_numbers(rng: np.random.Generator, x: np.ndarray) -> None:
    """Some numbers among which are NaN of both signs, and infinities."""
    any_numbers(rng, x)
    odd = rng.choice([np.nan, -np.nan, np.inf, -np.inf], size=x.shape)
    np.copyto(x, odd.astype(x.dtype), where=rng.random(x.shape) < 2 / max(x.shape))


FILLS: tuple[Callable, ...] = (any_numbers, negative_zeros, zeros, odd_numbers)

"""Products of matrices by the loop of numpy's own `matmul`, called from C as numpy calls it.

So they can be parts of a run. A call from Python takes about a microsecond before it begins, a
product of small matrices two. The loop hands them to BLAS, or goes through them itself, by what it
is told of their shapes and strides; so it is told the same. That is tried for each way in which
matrices lie in memory, and numpy is asked if any bit is another one.
"""

from __future__ import annotations

import functools
import operator

import numpy as np

from tinytorch.fast.nests import MOST_AXES, is_real, nest, with_axes
from tinytorch.fast.operations import LETTERS, Operand, Whole, is_c
from tinytorch.fast.ufuncs import Loop, call, loop_of, own_loop
from tinytorch.support.blanks import spread
from tinytorch.support.programs import Kind, Ref, Step

AT_ONCE = 8  # products that a processor does in the time of one operation
TRIED = 5  # rows and columns of matrices that are tried
FUNCTIONS = {np.matmul, operator.matmul}


class Product(Whole):
    """A product of two matrices, or of as many as other axes say."""

    @property
    def work(self) -> int:
        """About how many sums or products one after the other would take as long."""
        assert self.plan is not None
        _, _, across, _ = self.plan["shape"][0].tolist()
        return self.size * across // AT_ONCE


def product(step: Step, kinds: list[Kind]) -> Product | None:
    """A step as products of matrices; None if it is another kind of step."""
    plain = step.function in FUNCTIONS and len(step.inputs) == 2 and not step.settings
    if not plain or step.out is None or not all(type(x) is Ref for x in step.inputs):
        return None
    numbers = [x.number for x in step.inputs]
    first, second, result = [kinds[n] for n in (*numbers, step.out)]
    plan = planned(first, second, result) if all(map(is_matrix, (first, second, result))) else None
    if plan is None:
        return None
    letter = LETTERS[result.dtype]
    read = [Operand(n, None, "whole", letter, letter, kinds[n].size) for n in numbers]
    loop, types = (own_loop("nest3"), plan.ctypes.data), f"{letter}{letter}->{letter}"
    return Product(step, np.matmul, types, loop, read, step.out, result.size, letter, plan)


def is_matrix(kind: Kind) -> bool:
    """Whether a value is a matrix, or several, of real numbers."""
    return is_real(kind) and kind.size > 0 and 2 <= len(kind.shape) <= MOST_AXES + 2


@functools.lru_cache(maxsize=10_000)
def planned(first: Kind, second: Kind, result: Kind) -> np.ndarray | None:
    """What the C function needs to know; None if it does not give numpy's bits."""
    if not first.dtype == second.dtype == result.dtype or not is_c(result):
        return None
    letter, many = LETTERS[result.dtype], len(result.shape)
    loop = loop_of(np.matmul, f"{letter}{letter}->{letter}")
    kinds = with_axes(first, many), with_axes(second, many), result
    if loop is None or not agrees(loop, *map(smaller, kinds)):
        return None
    return written(loop, *kinds)


def written(loop: Loop, *kinds: Kind) -> np.ndarray:
    """A product, as the C function reads it."""
    first, second, result = kinds
    shape = 1, *first.shape[-2:], second.shape[-1]
    inner = 0, 0, 0, *[step for kind in kinds for step in kind.strides[-2:]]
    return nest(loop, kinds, list(range(len(result.shape) - 2)), shape, inner)


def smaller(kind: Kind) -> Kind:
    """A kind of fewer rows and columns that lie as far from one another."""
    return kind._replace(shape=tuple(min(n, TRIED) for n in kind.shape))


def agrees(loop: Loop, *kinds: Kind) -> bool:
    """Whether a loop gives the bits of numpy for matrices that lie in memory as some do."""
    first, second, out = arrays = [spread(kind) for kind in kinds]
    rng = np.random.default_rng(0)
    for numbers in (first, second):
        numbers[...] = rng.normal(size=numbers.shape)
    plan, sides = written(loop, *kinds), [x[(slice(1),) * x.ndim].reshape(1) for x in arrays]
    call((own_loop("nest3"), plan.ctypes.data), sides)
    return np.matmul(first, second).tobytes() == out.tobytes()

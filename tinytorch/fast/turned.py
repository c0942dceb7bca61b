"""Arrays that lie in memory in another order than a result, their axes turned: written anew first.

So does numpy, as many elements at a time as its buffers hold. Whether it does is tried, with NaN of
both signs: which of two comes out tells how many elements go together.
"""

from __future__ import annotations

import functools

import numpy as np

from tinytorch.fast.nests import MOST_AXES, is_real, nest, step_along
from tinytorch.fast.ufuncs import NAMES, own_loop
from tinytorch.support.blanks import spread
from tinytorch.support.programs import Kind

FUNCTIONS = {np.add, np.subtract, np.multiply, np.divide}
LARGEST = 1 << 16  # elements; for more, numpy's own call costs nothing


@functools.lru_cache(maxsize=10_000)
def turning(kind: Kind, result: Kind) -> np.ndarray | None:
    """A plan that writes an array in the order of a result; None if that is not worth it."""
    same = kind.shape == result.shape and kind.dtype == result.dtype
    if not same or not is_real(kind) or kind.size > LARGEST or len(kind.shape) > MOST_AXES:
        return None
    *outer, last = sorted(range(len(kind.shape)), key=lambda axis: -step_along(result, axis))
    loop = own_loop(f"copy_{NAMES[kind.dtype.char]}"), 0
    inner = [step_along(kind, last), step_along(result, last)]
    return nest(loop, (kind, result), outer, [result.shape[last]], inner)


@functools.lru_cache(maxsize=10_000)
def goes_in_order(function: np.ufunc, first: Kind, second: Kind, result: Kind) -> bool:
    """Whether numpy gives the bits that it gives for arrays in the order of the result."""
    if function not in FUNCTIONS:
        return False
    given = [spread(kind) for kind in (first, second)]
    ordered = [spread(result) for _ in given]
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=result.shape), rng.normal(size=result.shape)
    for fills in (numbers, (np.nan, -np.nan), (-np.nan, np.nan)):
        for fill, *arrays in zip(fills, given, ordered, strict=True):
            for array in arrays:
                array[...] = fill
        with np.errstate(all="ignore"):
            if function(*given).tobytes() != function(*ordered).tobytes():
                return False
    return True

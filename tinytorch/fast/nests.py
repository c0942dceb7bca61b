"""Inner loops of numpy's that are called once for each place along outer axes, as numpy does it."""

from __future__ import annotations

import numpy as np

from tinytorch.fast.ufuncs import Loop
from tinytorch.support.programs import Kind

MOST_AXES = 4  # see loops.c
NEST = np.dtype(
    [("function", "u8"), ("data", "u8"), ("axes", "i8"), ("lengths", "i8", MOST_AXES)]
    + [("steps", "i8", (3, MOST_AXES)), ("shape", "i8", 4), ("inner", "i8", 9)]
)


def nest(loop: Loop, kinds: tuple[Kind, ...], axes: list[int], shape, inner) -> np.ndarray:
    """A plan, as the C function reads it.

    Parameters
    ----------
    loop : Loop
    kinds : tuple of Kind
        Of the one or two operands and the result, with as many axes each.
    axes : list of int
        Those outside of the loop, from the outermost.
    shape, inner : sequence of int
        What the loop is told of its lengths, and of its steps in bytes.
    """
    plan = np.zeros(1, NEST)
    here = plan[0]
    here["function"], here["data"] = loop
    here["axes"] = len(axes)
    for k, axis in enumerate(axes):
        here["lengths"][k] = kinds[-1].shape[axis]
        for i, kind in enumerate(kinds):
            here["steps"][i][k] = step_along(kind, axis)
    here["shape"][: len(shape)], here["inner"][: len(inner)] = shape, inner
    return plan


def is_real(kind: Kind) -> bool:
    """Whether a value is an array of real numbers, which are whole elements apart."""
    if kind.type is not np.ndarray or kind.dtype not in (np.float32, np.float64):
        return False
    return all(step % kind.dtype.itemsize == 0 for step in kind.strides)


def step_along(kind: Kind, axis: int) -> int:
    """The bytes from one element to the next, 0 where there is one that is repeated."""
    return kind.strides[axis] if kind.shape[axis] > 1 else 0


def with_axes(kind: Kind, many: int) -> Kind:
    """A kind that has as many axes, the first ones of length one."""
    more = many - len(kind.shape)
    return kind._replace(shape=(1,) * more + kind.shape, strides=(0,) * more + kind.strides)

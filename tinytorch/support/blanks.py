"""Arrays like others, to trace with; memory that has not been written to takes no place."""

from __future__ import annotations

import mmap

import numpy as np

LARGE = 2**21  # bytes from which on it is worth the call to the system


def without_numbers(array: np.ndarray) -> np.ndarray:
    """An array of the same shape, dtype and layout, of zeros, where that saves memory.

    Parameters
    ----------
    array : ndarray
        Any; it is not changed.

    Returns
    -------
    ndarray
        `array` itself if it is small, not in C's order, or of square matrices, since zeros have
        no inverse.
    """
    if array.nbytes < LARGE or not array.flags.c_contiguous or array.dtype.hasobject:
        return array
    if array.ndim > 1 and array.shape[-1] == array.shape[-2]:
        return array
    memory = mmap.mmap(-1, array.nbytes, access=mmap.ACCESS_COPY)
    return np.frombuffer(memory, array.dtype).reshape(array.shape)


def copy_with_layout(array: np.ndarray) -> np.ndarray:
    """A copy with the same strides, also with gaps, or backwards, where numpy would make it dense.

    How an array lies in memory is part of a program: C goes from element to element by strides.
    """
    if array.flags.forc or array.dtype.hasobject:
        return np.array(array)
    made = spread(array)
    made[...] = array
    return made


def spread(like) -> np.ndarray:
    """An array of zeros that lies in memory as another one, or one of a kind, with its gaps."""
    ends = [(n - 1) * step for n, step in zip(like.shape, like.strides, strict=True)]
    begin = -sum(min(0, end) for end in ends)
    memory = np.zeros(begin + sum(max(0, end) for end in ends) + like.dtype.itemsize, np.uint8)
    return np.ndarray(like.shape, like.dtype, memory, begin, like.strides)

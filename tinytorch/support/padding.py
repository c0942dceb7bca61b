"""Sequences of unequal length: the dtype of the array that they are put into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinytorch.support.required import array_of_numbers, numbers, refuse


def common_dtype(sequences: Sequence[Sequence], value=0) -> np.dtype:
    """The dtype for the numbers of some sequences: int64, unless one of them needs another.

    Parameters
    ----------
    sequences : sequence of sequences
        Numbers, each sequence in one axis.
    value : number
        What short sequences are filled up with.

    Raises
    ------
    TypeError
        If the sequences are none, or not made of numbers, or the value is no number.

    Examples
    --------
    >>> common_dtype([[7, 8], [9]]), common_dtype([[7, 8], []], 0.5)
    (dtype('int64'), dtype('float64'))
    """
    numbers(value=value)
    if isinstance(sequences, (str, dict)) or not hasattr(sequences, "__len__"):
        refuse("sequences", sequences, "a list of sequences of numbers")
    arrays = [array_of_numbers(sequence, f"sequence {n}") for n, sequence in enumerate(sequences)]
    for n, array in enumerate(arrays):
        if array.ndim != 1:
            raise TypeError(f"sequence {n} has the shape {array.shape}; it has to have one axis")
    return np.result_type(np.int64, value, *[array for array in arrays if array.size])

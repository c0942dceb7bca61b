"""Whether all engines computed the same, before any of them is timed."""

from __future__ import annotations

import numpy as np


def difference(results: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """How far results lie from those expected.

    Parameters
    ----------
    results, expected : list of ndarray
        What a step returned, array by array.

    Returns
    -------
    float
        The largest absolute difference of an array, divided by the largest absolute element
        expected in it; the worst of all arrays. Infinite if the number of arrays, a shape, or a
        dtype of an array with axes is another one, or if something is not finite.
    """
    if len(results) != len(expected):
        return np.inf
    return max(map(difference_of_one, results, expected))


def difference_of_one(result: np.ndarray, expected: np.ndarray) -> float:
    """`difference` for one array."""
    other_dtype = expected.ndim > 0 and result.dtype != expected.dtype
    if result.shape != expected.shape or other_dtype or not np.isfinite(result).all():
        return np.inf
    return float(np.abs(result - expected).max() / np.abs(expected).max())

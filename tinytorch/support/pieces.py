"""A network on many examples, without the memory that all of them together would take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.support.recording import recording


def in_pieces(network: Callable, x: np.ndarray, size: int = 100) -> np.ndarray:
    """What a network gives for many examples, computed for some at a time; no gradient is noted.

    Parameters
    ----------
    network : callable
        Takes a Tensor of examples, and gives one with a row for each.
    x : ndarray of shape (examples, ...)
        The examples, at least one.
    size : int
        How many are computed together.

    Returns
    -------
    ndarray of shape (examples, ...)
        All rows, in the order of the examples.

    Examples
    --------
    >>> in_pieces(lambda x: x * 2, np.arange(5.0), size=2)
    array([0., 2., 4., 6., 8.])
    """
    starts = range(0, len(x), size)
    with recording.switched(False):
        return np.concatenate([network(Tensor(x[n : n + size])).numpy() for n in starts])

"""Images on a larger, empty one."""

from __future__ import annotations

import numpy as np


def place(
    images: np.ndarray, rng: np.random.Generator | int | None = None, size: int = 16
) -> np.ndarray:
    """Put each image somewhere on an empty one, a place of its own for each.

    Parameters
    ----------
    images : ndarray of shape (count, height, width)
        The images, such as those of `digits`.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Drawn are all rows, and then all columns.
    size : int
        The height and width of the new images, at least those of the old ones.

    Returns
    -------
    ndarray of shape (count, size, size)
        The new images, zero around the old ones, of the same dtype.

    Raises
    ------
    ValueError
        If `images` has not three axes, or its images do not fit.

    Examples
    --------
    >>> place(np.ones((5, 8, 8)), 0, size=20).sum(axis=(1, 2)).tolist()
    [64.0, 64.0, 64.0, 64.0, 64.0]
    """
    if images.ndim != 3:
        raise ValueError(
            f"images of shape {images.shape} were given; needed are three axes, (count, height, "
            "width): reshape them"
        )
    count, height, width = images.shape
    if max(height, width) > size:
        raise ValueError(
            f"images of {height} by {width} do not fit on {size} by {size}; pass a larger size"
        )
    rng = np.random.default_rng(rng)
    rows = rng.integers(0, size - height, size=count, endpoint=True)
    columns = rng.integers(0, size - width, size=count, endpoint=True)
    placed = np.zeros((count, size, size), dtype=images.dtype)
    for empty, image, row, column in zip(placed, images, rows, columns, strict=True):
        empty[row : row + height, column : column + width] = image
    return placed

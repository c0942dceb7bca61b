"""Numbers and arrays in a few characters, as they stand in a box."""

from __future__ import annotations

import numpy as np


def short(number) -> str:
    """A number with four digits."""
    return f"{number + 0.0:.4g}" if isinstance(number, (float, np.floating)) else str(number)


def brief(array, most: int = 3) -> str:
    """An array of any shape: all of it if it is small, or else its first elements.

    Parameters
    ----------
    array : ndarray or number
        What to show.
    most : int
        How many elements of an axis to show.

    Returns
    -------
    str
        Such as ``2.5``, ``[1, 2, 3]`` or ``[[0.5, 1, …], …]``.
    """
    if np.ndim(array) == 0:
        return short(array[()] if isinstance(array, np.ndarray) else array)
    if np.size(array) == 0:
        return "[]"
    rows = most if array.ndim == 1 else 1 if array.size > 4 else 2
    shown = [brief(row, 2 if array.ndim > 1 else most) for row in array[:rows]]
    return f"[{', '.join(shown)}{', …' if len(array) > rows else ''}]"


def plus(*arrays) -> str:
    """Numbers or arrays with a plus between them."""
    texts = [brief(array) for array in arrays]
    return " + ".join([texts[0], *(f"({t})" if t[:1] == "-" else t for t in texts[1:])])


def cut(text: str, length: int) -> str:
    """A text, shortened with an ellipsis if it is longer than `length`."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shape_text(array) -> str:
    """A shape as numpy writes it; of a single number, the word."""
    shape = np.shape(array)
    return str(shape) if shape else "number"

"""A change of examples on their way out of a dataset: what it is given, and what it has to give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.support.required import array_of_numbers


def transformed(transform: Callable, x: np.ndarray):
    """What a transform makes of several examples.

    Parameters
    ----------
    transform : callable
        Takes an array whose first axis counts the examples, and gives another of as many.
    x : ndarray of shape (count, …)
        The examples.

    Returns
    -------
    ndarray or Tensor of shape (count, …)
        The changed examples.

    Raises
    ------
    TypeError
        If the transform gives no array.
    ValueError
        If it gives more or fewer examples than it was given.
    """
    if not callable(transform):
        raise TypeError(f"the transform {transform!r:.60} is no function; it cannot be called")
    out = transform(x)
    if not hasattr(out, "shape"):
        raise TypeError(
            f"the transform {transform!r} gave {out!r:.60} for an array of shape {x.shape}; "
            "it has to return an array"
        )
    if out.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"the transform {transform!r} made shape {out.shape} of shape {x.shape}; it has to "
            f"keep the {len(x)} examples on the first axis"
        )
    return out


def as_images(x) -> np.ndarray:
    """Several images as an array of shape (count, …, height, width).

    Raises
    ------
    ValueError
        If there are fewer than three axes.
    TypeError
        If they are not made of numbers.
    """
    x = array_of_numbers(x, "the array of images")
    if x.ndim < 3:
        raise ValueError(
            f"images have the shape (count, …, height, width), but got shape {x.shape}; "
            "write image[None] for a single one"
        )
    return x

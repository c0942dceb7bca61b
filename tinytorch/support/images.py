"""The shapes that a convolution is given: read, or refused in one sentence."""

from __future__ import annotations

from tinytorch.support.required import shown

AXES = "images need four axes, (images, channels, height, width), but the shape is"


NOT_GIVEN = object()


def image_shape(x, weights=NOT_GIVEN, bias=None) -> tuple[int, int, int, int]:
    """The shape of images, once it is sure that filters fit them.

    Parameters
    ----------
    x : ndarray, Tensor or Variable of shape (images, channels, height, width)
        The images.
    weights : the same, of shape (filters, channels, kernel height, kernel width), optional
        Filters for them.
    bias : the same, of shape (filters,), optional
        A number for each filter.

    Returns
    -------
    tuple of int
        The shape of `x`.

    Raises
    ------
    ValueError
        If `x` or `weights` has not four axes, their channels differ, or `bias` does not have a
        number for each filter.
    TypeError
        If one of them is no array of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> image_shape(np.zeros((5, 3, 8, 8)), np.zeros((2, 3, 5, 5)))
    (5, 3, 8, 8)
    """
    refuse_other_than_arrays(images=x)
    shape = tuple(x.shape)
    if len(shape) != 4:
        raise ValueError(f"{AXES} {shape}{missing_axes(shape)}")
    if weights is not NOT_GIVEN:
        refuse_other_than_arrays(filters=weights)
        filters = tuple(weights.shape)
        if len(filters) != 4:
            raise ValueError(
                "filters need four axes, (filters, channels, kernel height, kernel width), but the "
                f"shape is {filters}"
            )
        if filters[1] != shape[1]:
            raise ValueError(
                f"the images have {counted(shape[1])}, but the filters are for {filters[1]}: the "
                f"second length of {shape} and of {filters} must be equal"
            )
        if bias is None:
            return shape
        refuse_other_than_arrays(bias=bias)
        if tuple(bias.shape) != filters[:1]:
            raise ValueError(
                f"{filters[0]} filters need a bias of shape {filters[:1]}, but its shape is "
                f"{tuple(bias.shape)}"
            )
    return shape


def refuse_other_than_arrays(**given) -> None:
    """Refuse the first of some named things that is no array of numbers, and no tensor."""
    for name, x in given.items():
        if isinstance(x, type) or not hasattr(x, "shape") or not hasattr(x, "dtype"):
            raise TypeError(f"{name}: an array or a Tensor is wanted, but got {shown(x)}")
        if x.dtype.kind not in "biuf":
            raise TypeError(f"{name}: numbers are wanted, but the dtype is {x.dtype}")


def missing_axes(shape: tuple[int, ...]) -> str:
    """Which axes of images are missing, and what to write."""
    if len(shape) == 3:
        return (
            ": one is missing; write x[:, None] if the first axis counts images, or x[None] if it "
            "counts the channels of one image"
        )
    if len(shape) == 2:
        return ": the first two are missing; write x[None, None] for one image with one channel"
    return ""


def counted(channels: int) -> str:
    """A number of channels in words."""
    return f"{channels} channel" + ("" if channels == 1 else "s")

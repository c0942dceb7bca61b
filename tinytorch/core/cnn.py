"""Module 5 of TinyTorch: cnn.

Made by `tito export` from source/05_cnn/cnn_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dense, he_weights
from tinytorch.core.networks import Module, Sequential
from tinytorch.core.tensor import Tensor, apply
from tinytorch.support import required
from tinytorch.support.images import image_shape
from tinytorch.support.pieces import in_pieces


def output_length(length: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """In how many places a window fits.

    Parameters
    ----------
    length : int
        What it slides along.
    kernel : int
        How long it is, at least 1.
    stride : int
        How far it moves each time, at least 1.
    padding : int
        How much is added at each end, at least 0.

    Raises
    ------
    ValueError
        If one of them is too small, or the window is too long; names all.

    Examples
    --------
    >>> output_length(28, 5, stride=2, padding=2)
    14
    """
    required.whole_numbers(kernel=kernel, stride=stride, padding=padding, length=length)
    if min(kernel, stride) < 1 or padding < 0:
        raise ValueError(
            f"kernel and stride are at least 1, and padding is at least 0, but got "
            f"kernel={kernel}, stride={stride}, padding={padding}"
        )
    if kernel > length + 2 * padding:
        raise ValueError(
            f"a window of {kernel} does not fit into a length of {length} with a padding of "
            f"{padding}; use a smaller window or a larger padding"
        )
    return (length + 2 * padding - kernel) // stride + 1


def pad(x: ndarray, padding: int, value: float = 0.0) -> ndarray:
    """Images of shape (n, c, h, w) with rows and columns of a value around each."""
    around = (padding, padding)
    return np.pad(x, ((0, 0), (0, 0), around, around), constant_values=value)


def conv2d_by_hand(
    x: ndarray, weights: ndarray, bias=None, stride=1, padding=0
) -> ndarray:
    """The same as `conv2d`, with loops, to see what it does and why loops are slow."""
    n, _, h, w = image_shape(x, weights, bias)
    o, _, height, width = weights.shape
    rows = output_length(h, height, stride, padding)
    columns = output_length(w, width, stride, padding)
    x = pad(x, padding)
    out = np.zeros((n, o, rows, columns), dtype=np.result_type(x, weights))
    for image, f, i, j in np.ndindex(out.shape):
        top, left = i * stride, j * stride
        patch = x[image, :, top : top + height, left : left + width]
        out[image, f, i, j] = np.sum(patch * weights[f])
    if bias is not None:
        out = out + bias[:, None, None]
    return out


def windows(x: ndarray, kernel: tuple[int, int], stride=1, padding=0) -> ndarray:
    """Every window of images, as a column.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        The images.
    kernel : tuple of int
        The height and the width of a window, (k, l).
    stride, padding : int
        As in `conv2d`.

    Returns
    -------
    ndarray of shape (n, c * k * l, places)
        For each image a matrix. A column is a window, with its channels, rows and
        columns in this order; the places go along the rows of the image.

    Raises
    ------
    ValueError
        If `x` has not four axes, or a window does not fit.
    """
    required.pairs(kernel=kernel)
    n, c, h, w = image_shape(x)
    rows = output_length(h, kernel[0], stride, padding)
    columns = output_length(w, kernel[1], stride, padding)
    x = pad(x, padding) if padding else x
    view = sliding_window_view(x, kernel, axis=(2, 3))
    view = view[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3).copy()
    return view.reshape(n, c * kernel[0] * kernel[1], rows * columns)


def conv2d(x: ndarray, weights: ndarray, bias=None, stride=1, padding=0) -> ndarray:
    """The convolution of images with filters, which are not turned round.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        Images.
    weights : ndarray of shape (o, c, k, l)
        Filters.
    bias : ndarray of shape (o,), optional
        A number for each filter, added everywhere.
    stride : int
        How far the window moves each time, down and across.
    padding : int
        How many rows and columns of zeros are put on each side first.

    Returns
    -------
    ndarray of shape (n, o, rows, columns)
        For each image and filter the sum of products in each place; `output_length`
        says how many places there are.

    Raises
    ------
    ValueError
        If `x` or `weights` has not four axes, their channels differ, the bias has
        another length, or a window does not fit.

    Examples
    --------
    >>> conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)))
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    n, _, h, w = image_shape(x, weights, bias)
    o, _, height, width = weights.shape
    rows = output_length(h, height, stride, padding)
    columns = output_length(w, width, stride, padding)
    out = weights.reshape(o, -1) @ windows(x, (height, width), stride, padding)
    out = out.reshape(n, o, rows, columns)
    return out if bias is None else out + bias[:, None, None]


class Conv2D(Module):
    """A convolutional layer: filters and a bias that training can change.

    Parameters
    ----------
    inputs, outputs : int
        The number of channels of the images, and of the result: one for each filter.
    kernel : int
        The height and the width of the filters.
    stride, padding : int
        As in `conv2d`.
    rng : numpy.random.Generator or int, optional
        The source of the initial weights, or its seed.
    initial : callable, optional
        Draws them, called once as
        ``initial(inputs * kernel * kernel, outputs, generator)``.

    Attributes
    ----------
    weights : Tensor of shape (outputs, inputs, kernel, kernel), float32
        A filter is a column of what `initial` gave.
    bias : Tensor of shape (outputs,)
        Zeros of the dtype of the weights.

    Raises
    ------
    ValueError
        If a number of channels, the kernel or the stride is below 1, or the padding
        below 0.

    Examples
    --------
    >>> Conv2D(1, 16, 3, padding=1)(Tensor(np.zeros((5, 1, 8, 8)))).shape
    (5, 16, 8, 8)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        rng: np.random.Generator | int | None = None,
        initial: Callable = he_weights,
    ):
        required.whole_numbers(inputs=inputs, outputs=outputs)
        required.functions(initial=initial)
        if min(inputs, outputs) < 1:
            raise ValueError(
                f"a convolution needs at least one channel on either side, but got "
                f"Conv2D({inputs}, {outputs}, …); pass the channels of the images, then the filters"
            )
        output_length(kernel, kernel, stride, padding)
        drawn = initial(inputs * kernel * kernel, outputs, np.random.default_rng(rng))
        weights = drawn.T.reshape(outputs, inputs, kernel, kernel)
        self.weights = Tensor(weights, requires_grad=True)
        self.bias = Tensor(np.zeros(outputs, dtype=weights.dtype), requires_grad=True)
        self.stride, self.padding = stride, padding

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, outputs, rows, columns) of images of shape (n, inputs, h, w)."""
        settings = {"stride": self.stride, "padding": self.padding}
        return apply(conv2d, x, self.weights, self.bias, **settings)

    def __repr__(self) -> str:
        outputs, inputs, kernel, _ = self.weights.shape
        stride = f", stride={self.stride}" if self.stride != 1 else ""
        padding = f", padding={self.padding}" if self.padding != 0 else ""
        return f"Conv2D({inputs}, {outputs}, {kernel}{stride}{padding})"


class GlobalMaxPool(Module):
    """The largest number of each channel, wherever it is."""

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c) of images of shape (n, c, h, w)."""
        image_shape(x)
        return apply(np.max, x, axis=(2, 3))

    def __repr__(self) -> str:
        return "GlobalMaxPool()"


class Flatten(Module):
    """Each example as one row of numbers."""

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c * h * w) of images of shape (n, c, h, w), or of any other axes."""
        n, *rest = required.shape_of_batch(x)
        return apply(np.reshape, x, shape=(n, math.prod(rest)))

    def __repr__(self) -> str:
        return "Flatten()"


def digits_anywhere(sheets: ndarray, labels, filters=400, rng=None) -> Sequential:
    """A network that reads digits wherever they are: random filters, and least squares.

    Parameters
    ----------
    sheets : ndarray of shape (n, 1, h, w)
        Images with a digit on each.
    labels : integer array of shape (n,)
        Which digit.
    filters : int
        How many.
    rng : numpy.random.Generator or int, optional
        The source of the filters, or its seed.
    """
    eyes = [Conv2D(1, filters, 5, rng=rng), ReLU(), GlobalMaxPool()]
    found = in_pieces(Sequential(*eyes), sheets)
    columns = np.hstack([found, np.ones((len(found), 1))])
    best = np.linalg.lstsq(columns, np.eye(10)[labels])[0]
    scores = Dense(filters, 10)
    scores.weights.data, scores.bias.data = best[:-1], best[-1]
    return Sequential(*eyes, scores)


def window_pixels(x: ndarray, kernel: int, stride: int, padding: int, value) -> list:
    """For each pixel of a window, row by row, this pixel of all windows of images."""
    _, _, h, w = image_shape(x)
    down = stride * output_length(h, kernel, stride, padding)
    across = stride * output_length(w, kernel, stride, padding)
    if padding > kernel / 2:
        raise ValueError(
            f"a padding of {padding} is more than half of a window of {kernel}, so that windows "
            "could lie outside; use a smaller padding"
        )
    x, slices = pad(x, padding, value), []
    for i, j in np.ndindex(kernel, kernel):
        slices.append(x[:, :, i : i + down : stride, j : j + across : stride])
    return slices


def max_pool2d(x: ndarray, kernel: int, stride=None, padding=0) -> ndarray:
    """The largest number of each window.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        Images.
    kernel : int
        The height and the width of a window.
    stride : int, optional
        How far it moves each time; by default `kernel`.
    padding : int
        How much is put on each side first, at most half of `kernel`; it is never the
        largest.

    Returns
    -------
    ndarray of shape (n, c, rows, columns)
        How many rows and columns there are says `output_length`.

    Raises
    ------
    ValueError
        If `x` has not four axes, a window does not fit, or `padding` is too large.
    """
    stride = kernel if stride is None else stride
    return reduce(np.maximum, window_pixels(x, kernel, stride, padding, -np.inf))


def avg_pool2d(x: ndarray, kernel: int, stride=None, padding=0) -> ndarray:
    """The mean of each window, with the zeros around; otherwise as `max_pool2d`."""
    stride = kernel if stride is None else stride
    return sum(window_pixels(x, kernel, stride, padding, 0.0)) / kernel**2


class Pool2D(Module):
    """A layer that makes one number of each window, with its function `pool`."""

    pool: Callable

    def __init__(self, kernel: int, stride: int | None = None, padding: int = 0):
        self.kernel, self.padding = kernel, padding
        self.stride = kernel if stride is None else stride
        output_length(kernel, kernel, self.stride, padding)

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c, rows, columns) of images of shape (n, c, h, w)."""
        settings = {"stride": self.stride, "padding": self.padding}
        return apply(self.pool, x, kernel=self.kernel, **settings)

    def __repr__(self) -> str:
        stride = f", stride={self.stride}" if self.stride != self.kernel else ""
        padding = f", padding={self.padding}" if self.padding != 0 else ""
        return f"{type(self).__name__}({self.kernel}{stride}{padding})"


class MaxPool2D(Pool2D):
    """The largest number of each window; it has the settings of `max_pool2d`."""

    pool = staticmethod(max_pool2d)


class AvgPool2D(Pool2D):
    """The mean of each window, as `avg_pool2d`, which has the same settings."""

    pool = staticmethod(avg_pool2d)


def fold(columns: ndarray, shape: tuple, kernel: tuple, stride=1, padding=0) -> ndarray:
    """Windows added up where they came from: the adjoint of `windows`.

    Parameters
    ----------
    columns : ndarray of shape (n, c * k * l, places)
        As `windows` gives them.
    shape : tuple of int
        That of the images, (n, c, h, w).
    kernel : tuple of int
        The height and the width of a window, (k, l).
    stride, padding : int
        Those that `windows` was given.

    Returns
    -------
    ndarray of shape `shape`
        Where windows overlap, their sum.

    Raises
    ------
    ValueError
        If the columns have not the shape that `windows` gives for these settings.
    """
    required.pairs(kernel=kernel)
    required.shapes_of_images(shape=shape)
    n, c, h, w = shape
    rows = output_length(h, kernel[0], stride, padding)
    across = output_length(w, kernel[1], stride, padding)
    required.columns((n, c * kernel[0] * kernel[1], rows * across), columns)
    parts = np.reshape(columns, (n, c, *kernel, rows, across))
    out = np.zeros((n, c, h + 2 * padding, w + 2 * padding), dtype=columns.dtype)
    for i, j in np.ndindex(*kernel):
        down, right = i + stride * rows, j + stride * across
        out[:, :, i:down:stride, j:right:stride] += parts[:, :, i, j]
    return out[:, :, padding : padding + h, padding : padding + w]


__all__ = """
    AvgPool2D Conv2D Flatten GlobalMaxPool MaxPool2D avg_pool2d conv2d conv2d_by_hand
    fold max_pool2d output_length windows
""".split()

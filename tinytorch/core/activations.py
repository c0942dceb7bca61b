"""Module 2 of TinyTorch: activations.

Made by `tito export` from source/02_activations/activations_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.tensor import FITS, Tensor, apply


def relu(x: np.ndarray) -> np.ndarray:
    """The rectified linear unit, ``max(x, 0)``, element by element.

    Parameters
    ----------
    x : ndarray
        Any shape; it is not changed.

    Returns
    -------
    ndarray
        The same shape and dtype; not a number stays not a number.

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 1.5]))
    array([0. , 0. , 1.5])
    """
    return np.maximum(x, 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function ``1 / (1 + exp(-x))``, by element, without overflow.

    Parameters
    ----------
    x : ndarray
        Any shape; it is not changed. Integers are taken as real numbers.

    Returns
    -------
    ndarray
        The same shape and (floating) dtype, between 0 and 1; right to the dtype's
        precision also where it is close to 0; not a number stays not a number.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def largest(x: np.ndarray, axis: int) -> np.ndarray:
    """The maximum along an axis, which stays with length 1; 0 without any elements."""
    return x.max(axis=axis, keepdims=True, initial=None if x.size else 0)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities in proportion to ``exp(x)`` along an axis, without overflow.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis; it is not changed. A score of minus
        infinity gets the probability 0.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, -1000.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    exponentials = np.exp(x - largest(x, axis))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `softmax`, exact also where a probability underflows to 0.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis; it is not changed.
    axis : int
        The axis along which the exponentials of the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = x - largest(x, axis)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


FITS["softmax"] = FITS["log_softmax"] = (
    "the axis must be one of those that there are, counted from 0, or from the end "
    "as -1, -2, …"
)


class ReLU:
    """`relu` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `relu` to a tensor of any shape."""
        return apply(relu, x)

    def __repr__(self) -> str:
        return "ReLU()"


class Sigmoid:
    """`sigmoid` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `sigmoid` to a tensor of any shape."""
        return apply(sigmoid, x)

    def __repr__(self) -> str:
        return "Sigmoid()"


class Tanh:
    """`np.tanh` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `np.tanh` to a tensor of any shape."""
        return apply(np.tanh, x)

    def __repr__(self) -> str:
        return "Tanh()"


class Softmax:
    """`softmax` as a layer; the result is of the kind that its input asks for.

    Parameters
    ----------
    axis : int
        The axis along which the results sum to 1.
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `softmax` to a tensor of scores."""
        return apply(softmax, x, axis=self.axis)

    def __repr__(self) -> str:
        return f"Softmax(axis={self.axis})"


class SiLU:
    """The sigmoid linear unit ``x * sigmoid(x)`` as a layer, made of two operations.

    References
    ----------
    Elfwing, Uchibe and Doya (2018), "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning"; also called swish.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Apply it to a tensor of any shape."""
        return x * apply(sigmoid, x)

    def __repr__(self) -> str:
        return "SiLU()"


__all__ = [
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "largest",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
]

"""Module 3 of TinyTorch: layers.

Made by `tito export` from source/03_layers/layers_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations


from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import FITS, Tensor, apply


def matmul_by_hand(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product with three loops: what ``a @ b`` does, and why loops are slow.

    Parameters
    ----------
    a : ndarray of shape (n, k)
        The left matrix.
    b : ndarray of shape (k, m)
        The right matrix.

    Returns
    -------
    ndarray of shape (n, m)
        The product, of the dtype that numpy gives to a result of `a` and `b`.

    Raises
    ------
    ValueError
        If one of them is not a matrix, or the inner lengths differ; names both shapes.

    Examples
    --------
    >>> a = np.array([[1, 0, 2], [0, 1, 1]])
    >>> matmul_by_hand(a, np.array([[3, 1], [2, 0], [1, 4]]))
    array([[5, 9],
           [3, 4]])
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(
            f"shapes {a.shape} and {b.shape} do not multiply: the first matrix needs as many "
            "columns as the second has rows; transpose or reshape one of them"
        )
    (n, k), m = a.shape, b.shape[1]
    out = np.zeros((n, m), dtype=np.result_type(a, b))
    for i in range(n):
        for j in range(m):
            for p in range(k):
                out[i, j] += a[i, p] * b[p, j]
    return out


def linear(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The affine map ``x W + b``, for one example or a batch of them.

    Parameters
    ----------
    x : ndarray of shape (..., inputs)
        One example per row; any axes may come in front, or none.
    weights : ndarray of shape (inputs, outputs)
        The matrix W; a column for each output.
    bias : ndarray of shape (outputs,)
        The vector b, added to every row.

    Returns
    -------
    ndarray of shape (..., outputs)
        The result; `x` itself is not changed.

    Examples
    --------
    >>> weights = np.array([[3.0, 0.0], [0.0, 5.0]])
    >>> linear(np.array([1.0, 2.0]), weights, np.array([0.0, 1.0]))
    array([ 3., 11.])
    """
    return x @ weights + bias


def initial_weights(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Weights that keep a signal's size: uniform in ±sqrt(6 / (inputs + outputs)).

    Parameters
    ----------
    inputs, outputs : int
        The number of features on either side, each at least 1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of shape (inputs, outputs), float32
        The weights, drawn with one call of ``rng.uniform``.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks", equation 16.
    """
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, size=(inputs, outputs)).astype(np.float32)


def he_weights(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Weights that keep a signal's size before ReLU: normal, with variance 2 / inputs.

    Parameters
    ----------
    inputs, outputs : int
        The number of features on either side, each at least 1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of shape (inputs, outputs), float32
        The weights, drawn with one call of ``rng.normal``.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", equation 10.
    """
    spread = np.sqrt(2 / inputs)
    return rng.normal(0, spread, size=(inputs, outputs)).astype(np.float32)


FITS["linear"] = (
    "each example, along the last axis of the first, needs as many features as the "
    "second (the weights) has rows; give the layer that many inputs, or reshape the "
    "examples"
)


class Dense:
    """A fully connected layer ``x W + b``; training can change its weights and bias.

    Parameters
    ----------
    inputs : int
        The number of features of an example.
    outputs : int
        The number of features that the layer makes of them.
    rng : numpy.random.Generator or int, optional
        The source of the initial weights, or its seed.
    initial : callable, optional
        Draws the weights, called as ``initial(inputs, outputs, generator)``; by default
        `initial_weights`. Before a ReLU, `he_weights` suits better.

    Attributes
    ----------
    weights : Tensor of shape (inputs, outputs), float32
        From `initial`, with ``requires_grad=True``.
    bias : Tensor of shape (outputs,)
        Zeros of the dtype of the weights, with ``requires_grad=True``.

    Raises
    ------
    ValueError
        If a size is below 1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        rng: np.random.Generator | int | None = None,
        initial: Callable = initial_weights,
    ):
        if inputs < 1 or outputs < 1:
            raise ValueError(
                f"a layer needs at least one input and one output, but got Dense({inputs}, "
                f"{outputs}); pass the number of features of an example, then that of the result"
            )
        weights = initial(inputs, outputs, np.random.default_rng(rng))
        self.weights = Tensor(weights, requires_grad=True)
        self.bias = Tensor(np.zeros(outputs, dtype=weights.dtype), requires_grad=True)

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape (..., inputs); gives (..., outputs).

        The result is of the kind that the input, the weights and the bias ask for.
        """
        return apply(linear, x, self.weights, self.bias)

    def parameters(self) -> list[Tensor]:
        """The tensors that training changes: the weights and the bias."""
        return [self.weights, self.bias]

    def __repr__(self) -> str:
        inputs, outputs = self.weights.shape
        return f"Dense({inputs}, {outputs})"


__all__ = [
    "Dense",
    "he_weights",
    "initial_weights",
    "linear",
    "matmul_by_hand",
]

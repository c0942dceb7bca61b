# %% [markdown]
r"""
# Module 2: Activations
"""

# %%
#| default_exp core.activations
#| export
from __future__ import annotations

import numpy as np

from tinytorch.core.tensor import Tensor, apply

# %%
from tito.checks import check


# %% exercise="relu"
#| export
def relu(x: np.ndarray) -> np.ndarray:
    """The rectified linear unit, :math:`\\max(x, 0)`, element by element.

    Parameters
    ----------
    x : ndarray
        Any shape.

    Returns
    -------
    ndarray
        The same shape and dtype; not a number stays not a number.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0)
    ### END SOLUTION


# %% exercise="sigmoid"
#| export
def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function, :math:`1 / (1 + e^{-x})`, element by element, without overflow.

    Parameters
    ----------
    x : ndarray
        Any shape.

    Returns
    -------
    ndarray
        The same shape and dtype, between 0 and 1.
    """
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)
    ### END SOLUTION


# %% exercise="softmax"
#| export
def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities in proportion to :math:`e^x` along an axis, without overflow.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% exercise="log-softmax"
#| export
def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `softmax`, exact also where a probability is too small for its dtype.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis.
    axis : int
        The axis along which the exponentials of the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.
    """
    ### BEGIN SOLUTION
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    ### END SOLUTION


# %% exercise="activation-layers"
#| export
class ReLU:
    """`relu` as a layer: takes a tensor and gives back one of the same kind."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return apply(relu, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "ReLU()"


class Sigmoid:
    """`sigmoid` as a layer: takes a tensor and gives back one of the same kind."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return apply(sigmoid, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "Sigmoid()"


class Tanh:
    """The hyperbolic tangent as a layer: takes a tensor and gives back one of the same kind."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return apply(np.tanh, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "Tanh()"


class Softmax:
    """`softmax` as a layer: takes a tensor and gives back one of the same kind.

    Parameters
    ----------
    axis : int
        The axis along which the results sum to 1.
    """

    def __init__(self, axis: int = -1):
        self.axis = axis

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return apply(softmax, x, axis=self.axis)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Softmax(axis={self.axis})"

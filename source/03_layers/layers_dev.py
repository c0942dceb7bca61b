# %% [markdown]
r"""
# Module 3: Layers
"""

# %%
#| default_exp core.layers
#| export
from __future__ import annotations

import numpy as np

from tinytorch.core.tensor import Tensor, apply

# %%
from tito.checks import check


# %% exercise="matmul-by-hand"
#| export
def matmul_by_hand(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product with three loops, to see what ``a @ b`` does and why loops are slow.

    Parameters
    ----------
    a : ndarray of shape (n, k)
        The left matrix.
    b : ndarray of shape (k, m)
        The right matrix.

    Returns
    -------
    ndarray of shape (n, m)
        The product.

    Raises
    ------
    ValueError
        If the inner lengths differ; names both shapes.
    """
    ### BEGIN SOLUTION
    (n, k), (rows, m) = a.shape, b.shape
    if k != rows:
        raise ValueError(
            f"shapes {a.shape} and {b.shape} do not multiply: the first has {k} columns and "
            f"the second {rows} rows; transpose one of them"
        )
    out = np.zeros((n, m), dtype=np.result_type(a, b))
    for i in range(n):
        for j in range(m):
            for p in range(k):
                out[i, j] += a[i, p] * b[p, j]
    return out
    ### END SOLUTION


# %% exercise="linear"
#| export
def linear(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The affine map :math:`x W + b`, for one example or a batch of them.

    Parameters
    ----------
    x : ndarray of shape (..., inputs)
        One example a row.
    weights : ndarray of shape (inputs, outputs)
        The matrix :math:`W`.
    bias : ndarray of shape (outputs,)
        The vector :math:`b`, added to every row.

    Returns
    -------
    ndarray of shape (..., outputs)
        The result.
    """
    ### BEGIN SOLUTION
    return x @ weights + bias
    ### END SOLUTION


# %% exercise="initial-weights"
#| export
def initial_weights(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Random weights that keep the size of a signal: uniform in ±sqrt(6 / (inputs + outputs)).

    Parameters
    ----------
    inputs, outputs : int
        The number of features on either side.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of shape (inputs, outputs), float32
        The weights.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 16.
    """
    ### BEGIN SOLUTION
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, size=(inputs, outputs)).astype(np.float32)
    ### END SOLUTION


# %% exercise="dense"
#| export
class Dense:
    """A fully connected layer: :math:`x W + b` with weights and a bias that training can change.

    Parameters
    ----------
    inputs : int
        The number of features of an example.
    outputs : int
        The number of features that the layer makes of them.
    rng : numpy.random.Generator or int, optional
        The source of the initial weights, or its seed.

    Attributes
    ----------
    weights : Tensor of shape (inputs, outputs), float32
        From `initial_weights`.
    bias : Tensor of shape (outputs,), float32
        Zeros.
    """

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator | int | None = None):
        ### BEGIN SOLUTION
        rng = np.random.default_rng(rng)
        self.weights = Tensor(initial_weights(inputs, outputs, rng), requires_grad=True)
        self.bias = Tensor(np.zeros(outputs, dtype=np.float32), requires_grad=True)
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape (..., inputs); gives (..., outputs), of x's own kind."""
        ### BEGIN SOLUTION
        return apply(linear, x, self.weights, self.bias)
        ### END SOLUTION

    def parameters(self) -> list[Tensor]:
        """The tensors that training changes: the weights and the bias."""
        ### BEGIN SOLUTION
        return [self.weights, self.bias]
        ### END SOLUTION

    def __repr__(self) -> str:
        inputs, outputs = self.weights.shape
        return f"Dense({inputs}, {outputs})"

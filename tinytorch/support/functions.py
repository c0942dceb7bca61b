"""The functions of variables, tensors, arrays and numbers: each applies a numpy function.

`abs`, `max`, `min` and `sum` are here as well, but not among the names that ``import *`` gives,
where they would hide Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.core import activations, layers
from tinytorch.core import tensor as module_1
from tinytorch.core.tensor import apply
from tinytorch.support.arrays import clip_values, join, pile, softmax_cross_entropy, surround
from tinytorch.support.clipping import clip_grad_norm_, clip_grad_value_  # noqa: F401

__all__ = """add clip clip_grad_norm_ clip_grad_value_ concatenate cos cross_entropy divide exp
    getitem linear log log_softmax matmul maximum mean minimum multiply negative pad power relu
    reshape sigmoid sin softmax sqrt stack subtract tanh transpose var where""".split()


def add(x, y):
    """``x + y``, element by element."""
    return apply(np.add, x, y)


def subtract(x, y):
    """``x - y``, element by element."""
    return apply(np.subtract, x, y)


def multiply(x, y):
    """``x * y``, element by element."""
    return apply(np.multiply, x, y)


def divide(x, y):
    """``x / y``, element by element."""
    return apply(np.divide, x, y)


def power(x, y):
    """``x ** y``, element by element."""
    return apply(np.power, x, y)


def matmul(x, y):
    """``x @ y``, the matrix product."""
    return apply(np.matmul, x, y)


def negative(x):
    """``-x``."""
    return apply(np.negative, x)


def exp(x):
    """The exponential of each element."""
    return apply(np.exp, x)


def log(x):
    """The natural logarithm of each element."""
    return apply(np.log, x)


def sqrt(x):
    """The square root of each element; its slope at 0 is infinite."""
    return apply(np.sqrt, x)


def sin(x):
    """The sine of each element."""
    return apply(np.sin, x)


def cos(x):
    """The cosine of each element."""
    return apply(np.cos, x)


def tanh(x):
    """The hyperbolic tangent of each element."""
    return apply(np.tanh, x)


def relu(x):
    """``max(x, 0)`` of each element; its slope at 0 is 0."""
    return apply(activations.relu, x)


def sigmoid(x):
    """The logistic function ``1 / (1 + exp(-x))`` of each element."""
    return apply(activations.sigmoid, x)


def softmax(x, axis=-1):
    """Probabilities in proportion to ``exp(x)`` along an axis."""
    return apply(activations.softmax, x, axis=axis)


def log_softmax(x, axis=-1):
    """The logarithm of `softmax`, exact also where a probability is too small for its dtype."""
    return apply(activations.log_softmax, x, axis=axis)


def linear(x, weights, bias):
    """``x @ weights + bias``."""
    return apply(layers.linear, x, weights, bias)


def cross_entropy(scores, labels):
    """The mean negative logarithm of the probability of the right class.

    Parameters
    ----------
    scores : Variable, Tensor or ndarray of shape (examples, classes)
        Their softmax gives the probabilities.
    labels : integer array or list of shape (examples,)
        The right class of each example.

    Returns
    -------
    Variable or Tensor
        A single number.

    Raises
    ------
    ValueError
        If there is not one whole number for each row, or one is no class.
    """
    given = labels if isinstance(labels, np.ndarray) else np.asarray(labels)
    return apply(softmax_cross_entropy, scores, given)


def mean(x, axis=None, keepdims=False):
    """The mean over all axes, or over some."""
    return apply(np.mean, x, axis=axis, keepdims=keepdims)


def var(x, axis=None, keepdims=False):
    """The variance over all axes, or over some: the mean squared distance from the mean."""
    return apply(np.var, x, axis=axis, keepdims=keepdims)


def maximum(x, y):
    """The larger of two numbers, element by element; equal ones share the slope."""
    return apply(np.maximum, x, y)


def minimum(x, y):
    """The smaller of two numbers, element by element; equal ones share the slope."""
    return apply(np.minimum, x, y)


def where(condition, x, y):
    """`x` where the condition holds, else `y`."""
    return apply(np.where, condition, x, y)


def clip(x, min=None, max=None):
    """What lies below `min` or above `max` is moved to that bound; None is no bound."""
    return apply(clip_values, x, min, max)


def reshape(x, shape):
    """The elements in another shape."""
    return apply(np.reshape, x, shape=shape)


def transpose(x, axes=None):
    """The axes in another order; by default, in reverse."""
    return apply(np.transpose, x, axes=axes)


def getitem(x, index):
    """``x[index]``, for every index that numpy knows."""
    return apply(module_1.getitem, x, index=index)


def pad(x, pad_width, value=0.0):
    """`x` with `value` around it, as many as `pad_width` says (as in `numpy.pad`)."""
    return apply(surround, x, pad_width=pad_width, value=value)


def concatenate(arrays, axis=0):
    """Variables, tensors or arrays one after the other, along an axis that they have."""
    return apply(join, *several(arrays, "concatenate"), axis=axis)


def stack(arrays, axis=0):
    """Variables, tensors or arrays of the same shape side by side, along a new axis."""
    return apply(pile, *several(arrays, "stack"), axis=axis)


def several(given: Sequence, name: str) -> Sequence:
    """A sequence of at least one variable, tensor or array; else an error."""
    if not isinstance(given, (list, tuple)) or not given:
        raise TypeError(f"{name} needs a list of variables or arrays, but got {given!r:.60}")
    return given


def _abs(x):
    """The absolute value of each element; its slope at 0 is 0."""
    return apply(np.abs, x)


def _max(x, axis=None, keepdims=False):
    """The largest element over all axes, or over some; equal ones share the slope."""
    return apply(np.max, x, axis=axis, keepdims=keepdims)


def _min(x, axis=None, keepdims=False):
    """The smallest element over all axes, or over some; equal ones share the slope."""
    return apply(np.min, x, axis=axis, keepdims=keepdims)


def _sum(x, axis=None, keepdims=False):
    """The sum over all axes, or over some."""
    return apply(np.sum, x, axis=axis, keepdims=keepdims)


NAMED_LIKE_BUILTINS = {"abs": _abs, "max": _max, "min": _min, "sum": _sum}
for name, function in NAMED_LIKE_BUILTINS.items():
    function.__name__ = function.__qualname__ = name


def __getattr__(name: str) -> Callable:
    """`abs`, `max`, `min` and `sum` of the module that has imported this function."""
    if name in NAMED_LIKE_BUILTINS:
        return NAMED_LIKE_BUILTINS[name]
    raise AttributeError(f"there is no function {name!r} in tinytorch.core.autograd")

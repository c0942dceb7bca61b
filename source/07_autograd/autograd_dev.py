# %% [markdown]
r"""
# Module 7: Automatic differentiation
"""

# %%
#| default_exp core.autograd
#| export
from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tinytorch.core import activations, layers
from tinytorch.core.tensor import (
    Arithmetic,
    Comparisons,
    Conversions,
    Indexing,
    ReflectedArithmetic,
    Reductions,
    Shaping,
    Tensor,
    apply,
    as_array,
    compute,
    getitem,
    value,
)

# %%
from tito.checks import check


# %% exercise="numerical-gradient"
#| export
def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element after the other.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, gives a number.
    x : array_like
        Where to differentiate; not changed.
    step : float
        How far to step to either side.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, in the shape of `x`.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[index] = step
        gradient[index] = (f(x + offset) - f(x - offset)) / (2 * step)
    return gradient
    ### END SOLUTION


# %% exercise="chain-rule-by-hand"
def chain_rule_by_hand(x: float, y: float) -> dict[str, float]:
    """Every value and every derivative of f = (x + y)(x - y), worked through backwards.

    Parameters
    ----------
    x, y : float
        Where to evaluate.

    Returns
    -------
    dict
        The values ``s = x + y``, ``d = x - y`` and ``f = s * d``, and the derivatives of f by each:
        ``df_ds``, ``df_dd``, ``df_dx`` and ``df_dy``.
    """
    ### BEGIN SOLUTION
    s, d = x + y, x - y
    df_ds, df_dd = d, s
    df_dx = df_ds * 1 + df_dd * 1
    df_dy = df_ds * 1 + df_dd * -1
    return {
        "s": s, "d": d, "f": s * d,
        "df_ds": df_ds, "df_dd": df_dd, "df_dx": df_dx, "df_dy": df_dy,
    }  # fmt: skip
    ### END SOLUTION


# %% [markdown]
r"""
## The table of rules
"""

# %%
#| export
RULES: dict[Callable, dict[int, Callable]] = {}


def derivative(function: Callable, argument: int = 0) -> Callable[[Callable], Callable]:
    """Enter a derivative rule into the table.

    A rule ``rule(grad, out, *inputs, **parameters)`` gets the gradient of the loss by the output of
    `function`, that output, and what `function` was called with. It returns the gradient of the loss
    by one input. It uses operators and methods only, so that it works for arrays, tensors and
    variables alike, and it may return more axes than the input had: the engine sums them.

    Parameters
    ----------
    function : callable
        The numpy function that `apply` is given.
    argument : int
        Which input the rule is for, counted from 0.

    Returns
    -------
    callable
        A decorator that enters the rule and returns it unchanged.
    """

    def enter(rule: Callable) -> Callable:
        RULES.setdefault(function, {})[argument] = rule
        return rule

    return enter


# %% exercise="rules-of-sums"
#| export
@derivative(np.add, 0)
def add_x(grad, out, x, y):
    """The derivative of x + y by x is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.add, 1)
def add_y(grad, out, x, y):
    """The derivative of x + y by y is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.subtract, 0)
def subtract_x(grad, out, x, y):
    """The derivative of x - y by x is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.subtract, 1)
def subtract_y(grad, out, x, y):
    """The derivative of x - y by y is -1."""
    ### BEGIN SOLUTION
    return -grad
    ### END SOLUTION


@derivative(np.negative)
def negative_x(grad, out, x):
    """The derivative of -x is -1."""
    ### BEGIN SOLUTION
    return -grad
    ### END SOLUTION


# %% exercise="rules-of-products"
#| export
@derivative(np.multiply, 0)
def multiply_x(grad, out, x, y):
    """The derivative of x * y by x is y."""
    ### BEGIN SOLUTION
    return grad * y
    ### END SOLUTION


@derivative(np.multiply, 1)
def multiply_y(grad, out, x, y):
    """The derivative of x * y by y is x."""
    ### BEGIN SOLUTION
    return grad * x
    ### END SOLUTION


@derivative(np.divide, 0)
def divide_x(grad, out, x, y):
    """The derivative of x / y by x is 1 / y."""
    ### BEGIN SOLUTION
    return grad / y
    ### END SOLUTION


@derivative(np.divide, 1)
def divide_y(grad, out, x, y):
    """The derivative of x / y by y is -x / y², that is -out / y."""
    ### BEGIN SOLUTION
    return -grad * out / y
    ### END SOLUTION


# %% exercise="rules-of-powers"
#| export
@derivative(np.power, 0)
def power_x(grad, out, x, y):
    """The derivative of x ** y by x is y * x ** (y - 1), and 0 wherever y is 0."""
    ### BEGIN SOLUTION
    return grad * y * x ** (y - (y != 0))
    ### END SOLUTION


@derivative(np.power, 1)
def power_y(grad, out, x, y):
    """The derivative of x ** y by y is x ** y * log(x), and 0 wherever x is 0."""
    ### BEGIN SOLUTION
    return grad * out * np.log(x + (x == 0))
    ### END SOLUTION


# %% [markdown]
r"""
## Recording
"""

# %%
#| export
class Recording(threading.local):
    """Whether operations on variables are recorded; every thread has its own switch."""

    enabled = True


recording = Recording()
creation_order = itertools.count()


def needs_gradient(x) -> bool:
    """Whether a gradient has to reach `x`: a variable, or a layer's weight, that asks for one."""
    return getattr(x, "requires_grad", False)


# %% exercise="operation"
#| export
class Operation:
    """One recorded step of a computation: the `grad_fn` of the variable that it produced.

    Parameters
    ----------
    function : callable
        What was applied.
    inputs : tuple
        To what: variables, tensors, arrays and numbers.
    parameters : dict
        With which settings, such as an axis.
    out : ndarray
        The result.
    """

    __slots__ = ("function", "inputs", "parameters", "out")

    def __init__(self, function: Callable, inputs: tuple, parameters: dict, out: np.ndarray):
        self.function, self.inputs = function, inputs
        self.parameters, self.out = parameters, out

    def __call__(self, grad: np.ndarray) -> list:
        """Send a gradient one step back: from the output to the inputs.

        Parameters
        ----------
        grad : ndarray
            The gradient of the loss by the output, of the output's shape.

        Returns
        -------
        list
            For each input, what its rule in `RULES` gives; None where no gradient is needed.

        Raises
        ------
        NotImplementedError
            If the table has no rule for an input that needs one.
        """
        ### BEGIN SOLUTION
        values = [value(x) for x in self.inputs]
        rules = RULES.get(self.function, {})
        gradients = []
        for position, x in enumerate(self.inputs):
            if not needs_gradient(x):
                gradients.append(None)
            elif position not in rules:
                raise missing_rule(self.function, position)
            else:
                gradients.append(rules[position](grad, self.out, *values, **self.parameters))
        return gradients
        ### END SOLUTION

    def __repr__(self) -> str:
        inputs = "freed" if self.inputs is None else ", ".join(map(describe, self.inputs))
        return f"<{self.function.__name__}({inputs})>"


def missing_rule(function: Callable, position: int) -> NotImplementedError:
    """The error to raise where the table has no rule."""
    name = getattr(function, "__name__", repr(function))
    return NotImplementedError(
        f"no derivative rule for input {position} of {name}; enter one with "
        f"@derivative({name}, {position}), or detach() that input"
    )


def describe(x) -> str:
    """An input in one word: its kind and shape, or the number itself."""
    return f"{type(x).__name__}{x.shape}" if hasattr(x, "shape") else repr(x)


# %% exercise="variable"
#| export
class Variable(
    Arithmetic, ReflectedArithmetic, Comparisons, Reductions, Shaping, Indexing, Conversions
):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is kept.
    requires_grad : bool
        Whether gradients are wanted for it.
    grad_fn : callable, optional
        What to call with the complete gradient of this variable when it is known; without one, the
        variable is a leaf and keeps its gradient in `grad`.

    Attributes
    ----------
    data : Tensor
        The values.
    grad : ndarray or None
        For a leaf, the gradient of all backward passes so far, of the shape and dtype of `data`.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, or is ragged.
    """

    def __init__(self, data, requires_grad: bool = True, grad_fn: Callable | None = None):
        ### BEGIN SOLUTION
        is_floating_tensor = isinstance(data, Tensor) and data.dtype.kind == "f"
        self.data = data if is_floating_tensor else Tensor(as_array(data))
        self.requires_grad = requires_grad
        self.grad_fn = grad_fn
        self.grad = None
        self.order = next(creation_order)
        ### END SOLUTION

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` does when one of the inputs is a variable."""
        return record(function, *inputs, **parameters)

    def backward(self, gradient=None, retain_graph: bool = False) -> None:
        """Compute the gradient of this variable by every leaf it was computed from.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss by this variable, in its shape; needed unless it has one
            element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.

        Raises
        ------
        RuntimeError
            If no gradient is required, or the graph was freed by an earlier backward pass.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph)

    @property
    def is_leaf(self) -> bool:
        """Whether it was given, and not computed from others."""
        return self.grad_fn is None

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        """The data type of the elements."""
        return self.data.dtype

    def detach(self) -> Variable:
        """The same values without a history."""
        return Variable(self.data, requires_grad=False)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.data.data, dtype=dtype, copy=copy)

    def __setitem__(self, index, new) -> None:
        raise TypeError(
            "the elements of a Variable cannot be assigned, because a backward pass may need the "
            "old ones; compute a new Variable, or change x.data inside no_grad() before using it"
        )

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", prefix="Variable(")
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        origin = "" if self.is_leaf else f", grad_fn={self.grad_fn!r}"
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({values}{dtype}{origin}{constant})"


# %% exercise="record"
#| export
def record(function: Callable, *inputs, **parameters) -> Variable | np.ndarray:
    """Compute like `apply`, wrap the result in a `Variable`, and remember how it came about.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    *inputs : Variable, Tensor, ndarray, list or number
        Its inputs.
    **parameters
        Its settings.

    Returns
    -------
    Variable or ndarray
        A variable whose `grad_fn` is an `Operation`, if recording is enabled and an input needs a
        gradient; else one without history. What is not of floating dtype has no derivative, and
        comes back as a plain array.
    """
    ### BEGIN SOLUTION
    out = compute(function, *[value(x) for x in inputs], **parameters)
    if out.dtype.kind != "f":
        return out
    wrapped = Tensor(out, dtype=out.dtype)
    if not (recording.enabled and any(needs_gradient(x) for x in inputs)):
        return Variable(wrapped, requires_grad=False)
    return Variable(wrapped, grad_fn=Operation(function, inputs, parameters, wrapped.data))
    ### END SOLUTION


# %% [markdown]
r"""
## Backward
"""


# %% exercise="order"
#| export
def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on, the youngest first.

    An operation's inputs exist before its output does, so in this order everything that uses a
    variable comes before the variable itself.

    Parameters
    ----------
    outputs : iterable of Variable
        Where to start.

    Returns
    -------
    list of Variable
        Each of them once; leaves are left out, and so is what needs no gradient.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.
    """
    ### BEGIN SOLUTION
    found = {x for x in outputs if not x.is_leaf}
    to_visit = list(found)
    while to_visit:
        for x in inputs_of(to_visit.pop()):
            if isinstance(x, Variable) and needs_gradient(x) and not x.is_leaf and x not in found:
                found.add(x)
                to_visit.append(x)
    return sorted(found, key=lambda x: x.order, reverse=True)
    ### END SOLUTION


# %%
#| export
def inputs_of(variable: Variable) -> tuple:
    """What a computed variable was computed from, if that is known and not yet freed."""
    if not isinstance(variable.grad_fn, Operation):
        return ()
    if variable.grad_fn.inputs is None:
        raise RuntimeError(
            "backward() has been here before and freed the graph; compute the output again, or "
            "write backward(retain_graph=True) the first time"
        )
    return variable.grad_fn.inputs


# %% exercise="unbroadcast"
#| export
def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its input was repeated.

    Parameters
    ----------
    grad : ndarray
        A gradient of a shape to which `shape` broadcasts.
    shape : tuple of int
        The shape of the input.

    Returns
    -------
    ndarray of shape `shape`
        The gradient by the input.
    """
    ### BEGIN SOLUTION
    new_axes = grad.ndim - len(shape)
    stretched = [
        axis + new_axes
        for axis, length in enumerate(shape)
        if length == 1 and grad.shape[axis + new_axes] != 1
    ]
    axes = (*range(new_axes), *stretched)
    return grad.sum(axis=axes).reshape(shape) if axes else grad
    ### END SOLUTION


# %% exercise="accumulate"
#| export
def accumulate(gradients: dict, x: Variable | Tensor, grad: np.ndarray) -> None:
    """Add one contribution to the gradient of `x`.

    Parameters
    ----------
    gradients : dict
        The gradient of each variable so far; changed by this call.
    x : Variable or Tensor
        Whose gradient it is.
    grad : ndarray
        The contribution, perhaps with axes along which `x` was broadcast; not changed.
    """
    ### BEGIN SOLUTION
    grad = unbroadcast(grad, x.shape)
    gradients[x] = gradients[x] + grad if x in gradients else grad
    ### END SOLUTION


# %% exercise="propagate"
#| export
def propagate(gradients: dict, retain_graph: bool = False, keep: Sequence = ()) -> dict:
    """Send gradients from the outputs of a graph back to its leaves, every node once.

    Parameters
    ----------
    gradients : dict
        The gradient of each output.
    retain_graph : bool
        If False, every operation's inputs are forgotten once it is done, to free their memory.
    keep : sequence of Variable
        Computed variables whose gradients are wanted as well.

    Returns
    -------
    dict
        The gradient of each leaf that needs one, and of each variable in `keep` that was reached.
    """
    ### BEGIN SOLUTION
    gradients = dict(gradients)
    kept = {}
    for node in reverse_creation_order(gradients):
        grad = gradients.pop(node)
        if any(node is x for x in keep):
            kept[node] = grad
        parts = node.grad_fn(grad)
        if isinstance(node.grad_fn, Operation):
            for x, part in zip(node.grad_fn.inputs, parts, strict=True):
                if part is not None:
                    accumulate(gradients, x, part)
            if not retain_graph:
                node.grad_fn.inputs = node.grad_fn.out = None
    return gradients | kept
    ### END SOLUTION


# %% exercise="starting-gradient"
#| export
def starting_gradient(output: Variable, gradient=None) -> np.ndarray:
    """The gradient to start from, of the shape and dtype of `output`.

    Parameters
    ----------
    output : Variable
        Where a backward pass is to start.
    gradient : array_like, optional
        The gradient of the loss by `output`; without one, `output` is the loss, and it is 1.

    Returns
    -------
    ndarray
        The checked gradient.

    Raises
    ------
    RuntimeError
        If `output` requires no gradient.
    ValueError
        If `gradient` has not the shape of `output`, or is missing although `output` has not exactly
        one element.
    """
    ### BEGIN SOLUTION
    if not output.requires_grad:
        raise RuntimeError(
            f"this Variable of shape {output.shape} requires no gradient, and nothing it was "
            "computed from does; create an input with requires_grad=True"
        )
    if gradient is None and output.size != 1:
        raise ValueError(
            f"backward() needs a gradient for an output of shape {output.shape}; call .sum() "
            "first, or pass backward(gradient) in that shape"
        )
    gradient = np.ones(output.shape) if gradient is None else np.asarray(gradient)
    if gradient.shape != output.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape} and the output {output.shape}; "
            "pass one number for each element of the output"
        )
    return gradient.astype(output.dtype)
    ### END SOLUTION


# %% exercise="deposit"
#| export
def deposit(leaf: Variable | Tensor, gradient: np.ndarray) -> None:
    """Add a gradient to ``leaf.grad``.

    Parameters
    ----------
    leaf : Variable or Tensor
        Where to put it. Afterwards ``leaf.grad`` is an array of the leaf's own shape and dtype that
        nobody else holds, so that it may be changed in place.
    gradient : ndarray
        What to add; not changed.
    """
    ### BEGIN SOLUTION
    if leaf.grad is None:
        leaf.grad = np.array(gradient, dtype=leaf.dtype)
    else:
        leaf.grad = leaf.grad + gradient.astype(leaf.dtype)
    ### END SOLUTION


# %% exercise="backward"
#| export
def backward(output: Variable, gradient=None, retain_graph: bool = False) -> None:
    """Add the gradient of `output` by every leaf to the ``grad`` of that leaf.

    Parameters
    ----------
    output : Variable
        Where to start.
    gradient : array_like, optional
        The gradient of the loss by `output`.
    retain_graph : bool
        Keep the graph for another backward pass.

    Raises
    ------
    RuntimeError, ValueError
        As `starting_gradient` and `reverse_creation_order`.
    """
    ### BEGIN SOLUTION
    start = starting_gradient(output, gradient)
    with np.errstate(all="ignore"):
        gradients = propagate({output: start}, retain_graph)
    for leaf, grad in gradients.items():
        deposit(leaf, grad)
    ### END SOLUTION


# %% [markdown]
r"""
## More rules
"""


# %% exercise="rules-of-exponentials"
#| export
@derivative(np.exp)
def exp_x(grad, out, x):
    """The derivative of exp(x) is exp(x), that is out."""
    ### BEGIN SOLUTION
    return grad * out
    ### END SOLUTION


@derivative(np.log)
def log_x(grad, out, x):
    """The derivative of log(x) is 1 / x."""
    ### BEGIN SOLUTION
    return grad / x
    ### END SOLUTION


@derivative(np.sqrt)
def sqrt_x(grad, out, x):
    """The derivative of sqrt(x) is 1 / (2 sqrt(x)), and infinite at 0."""
    ### BEGIN SOLUTION
    return grad / (2 * out)
    ### END SOLUTION


# %% exercise="rules-of-waves"
#| export
@derivative(np.sin)
def sin_x(grad, out, x):
    """The derivative of sin(x) is cos(x)."""
    ### BEGIN SOLUTION
    return grad * np.cos(x)
    ### END SOLUTION


@derivative(np.cos)
def cos_x(grad, out, x):
    """The derivative of cos(x) is -sin(x)."""
    ### BEGIN SOLUTION
    return -grad * np.sin(x)
    ### END SOLUTION


@derivative(np.abs)
def abs_x(grad, out, x):
    """The derivative of abs(x) is the sign of x, and 0 at 0."""
    ### BEGIN SOLUTION
    return grad * (x > 0) - grad * (x < 0)
    ### END SOLUTION


# %% exercise="rules-of-activations"
#| export
@derivative(activations.relu)
def relu_x(grad, out, x):
    """The derivative of relu(x) is 1 where x is positive, else 0; also at 0."""
    ### BEGIN SOLUTION
    return grad * (x > 0)
    ### END SOLUTION


@derivative(activations.sigmoid)
def sigmoid_x(grad, out, x):
    """The derivative of s = sigmoid(x) is s (1 - s)."""
    ### BEGIN SOLUTION
    return grad * out * (1 - out)
    ### END SOLUTION


@derivative(np.tanh)
def tanh_x(grad, out, x):
    """The derivative of t = tanh(x) is 1 - t²."""
    ### BEGIN SOLUTION
    return grad * (1 - out * out)
    ### END SOLUTION


# %% exercise="rules-of-reductions"
#| export
def restore_axes(reduced, x, axis, keepdims: bool):
    """Give the result of a reduction of `x` its lost axes back, each with length 1."""
    if axis is None or keepdims:
        return reduced
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


@derivative(np.sum)
def sum_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 times itself to its sum; returns the shape of x."""
    ### BEGIN SOLUTION
    return restore_axes(grad, x, axis, keepdims) * np.ones(x.shape, x.dtype)
    ### END SOLUTION


@derivative(np.mean)
def mean_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 / n times itself to its mean of n elements."""
    ### BEGIN SOLUTION
    return sum_x(grad, out, x, axis, keepdims) * (out.size / x.size)
    ### END SOLUTION


# %% exercise="rule-of-the-maximum"
#| export
@derivative(np.max)
@derivative(np.min)
def max_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a maximum (or minimum) is 1 at its place, else 0; ties share equally."""
    ### BEGIN SOLUTION
    at_extreme = x == restore_axes(out, x, axis, keepdims)
    ties = at_extreme.sum(axis=axis, keepdims=True)
    return restore_axes(grad, x, axis, keepdims) * at_extreme / ties
    ### END SOLUTION


# %% exercise="rules-of-the-matrix-product"
#| export
def swap(x):
    """A matrix, or a stack of them, with its last two axes exchanged."""
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


@derivative(np.matmul, 0)
def matmul_x(grad, out, x, y):
    """The gradient of x @ y by x is grad @ yᵀ; a vector y is a column, a vector x a row."""
    ### BEGIN SOLUTION
    if y.ndim == 1:
        return grad[..., None] * y
    if x.ndim == 1:
        grad = grad[..., None, :]
    return grad @ swap(y)
    ### END SOLUTION


@derivative(np.matmul, 1)
def matmul_y(grad, out, x, y):
    """The gradient of x @ y by y is xᵀ @ grad; a vector y is a column, a vector x a row."""
    ### BEGIN SOLUTION
    if x.ndim == 1:
        return x * grad if y.ndim == 1 else x[:, None] * grad[..., None, :]
    if y.ndim == 1:
        return (swap(x) @ grad[..., None])[..., 0]
    return swap(x) @ grad
    ### END SOLUTION


# %% exercise="rules-of-the-linear-layer"
#| export
@derivative(layers.linear, 0)
def linear_x(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by x."""
    ### BEGIN SOLUTION
    return matmul_x(grad, out, x, weights)
    ### END SOLUTION


@derivative(layers.linear, 1)
def linear_weights(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the weights."""
    ### BEGIN SOLUTION
    return matmul_y(grad, out, x, weights)
    ### END SOLUTION


@derivative(layers.linear, 2)
def linear_bias(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the bias: the engine sums it over the batch."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


# %% exercise="rules-of-softmax"
#| export
@derivative(activations.softmax)
def softmax_x(grad, out, x, axis=-1):
    """The gradient of p = softmax(x) is p * (grad - sum(grad * p)) along the axis."""
    ### BEGIN SOLUTION
    return out * (grad - (grad * out).sum(axis=axis, keepdims=True))
    ### END SOLUTION


@derivative(activations.log_softmax)
def log_softmax_x(grad, out, x, axis=-1):
    """The gradient of log_softmax(x) is grad - softmax(x) * sum(grad) along the axis."""
    ### BEGIN SOLUTION
    return grad - np.exp(out) * grad.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% exercise="rules-of-arrangement"
#| export
@derivative(np.reshape)
def reshape_x(grad, out, x, shape):
    """The elements go back to their places in the shape of x."""
    ### BEGIN SOLUTION
    return grad.reshape(x.shape)
    ### END SOLUTION


@derivative(np.transpose)
def transpose_x(grad, out, x, axes=None):
    """The axes go back in the inverse order."""
    ### BEGIN SOLUTION
    return grad.transpose() if axes is None else grad.transpose(*np.argsort(axes))
    ### END SOLUTION


@derivative(getitem)
def getitem_x(grad, out, x, index):
    """The gradient of what was taken goes back to where it was; what was not taken gets 0."""
    ### BEGIN SOLUTION
    gradient = np.zeros_like(x)
    np.add.at(gradient, index, grad)
    return gradient
    ### END SOLUTION


# %%
#| export
def variable_function(function: Callable) -> Callable:
    """A function of variables and tensors that applies a numpy function."""

    def applied(*inputs, **parameters):
        return apply(function, *inputs, **parameters)

    applied.__name__ = applied.__qualname__ = function.__name__
    applied.__doc__ = f"Apply `{function.__name__}` to variables, tensors, arrays and numbers."
    return applied


add = variable_function(np.add)
subtract = variable_function(np.subtract)
multiply = variable_function(np.multiply)
divide = variable_function(np.divide)
power = variable_function(np.power)
negative = variable_function(np.negative)
exp = variable_function(np.exp)
log = variable_function(np.log)
sqrt = variable_function(np.sqrt)
abs = variable_function(np.abs)
sin = variable_function(np.sin)
cos = variable_function(np.cos)
tanh = variable_function(np.tanh)
relu = variable_function(activations.relu)
sigmoid = variable_function(activations.sigmoid)
softmax = variable_function(activations.softmax)
log_softmax = variable_function(activations.log_softmax)
matmul = variable_function(np.matmul)
sum = variable_function(np.sum)
mean = variable_function(np.mean)
max = variable_function(np.max)
min = variable_function(np.min)


# %% exercise="no-grad"
#| export
class no_grad(contextlib.ContextDecorator):
    """Do not record, in a ``with no_grad():`` block or a function decorated with ``@no_grad()``.

    What is computed inside has no history and needs no memory for one. The state from before comes
    back at the end of the block, also after an error and in nested blocks.
    """

    def __enter__(self) -> no_grad:
        ### BEGIN SOLUTION
        self.before = recording.enabled
        recording.enabled = False
        return self
        ### END SOLUTION

    def __exit__(self, *error) -> None:
        ### BEGIN SOLUTION
        recording.enabled = self.before
        ### END SOLUTION


# %% exercise="grad"
#| export
def grad(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Tensor | Sequence[Variable | Tensor],
    grad_outputs=None,
    retain_graph: bool = False,
) -> tuple[np.ndarray, ...]:
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; of several, the sum.
    inputs : Variable, Tensor or sequence of them
        By what.
    grad_outputs : array_like or sequence of array_like, optional
        For each output, the gradient to start from; needed where it has not exactly one element.
    retain_graph : bool
        Keep the graph for another pass.

    Returns
    -------
    tuple of ndarray
        For each input a gradient of its own shape; zeros where the outputs do not depend on it.

    Raises
    ------
    RuntimeError, ValueError
        As `Variable.backward`.
    """
    ### BEGIN SOLUTION
    outputs = [outputs] if isinstance(outputs, Variable) else outputs
    inputs = [inputs] if isinstance(inputs, (Variable, Tensor)) else inputs
    if grad_outputs is None:
        grad_outputs = [None] * len(outputs)
    elif len(outputs) == 1 and np.shape(grad_outputs) == outputs[0].shape:
        grad_outputs = [grad_outputs]
    start = {}
    for output, gradient in zip(outputs, grad_outputs, strict=True):
        accumulate(start, output, starting_gradient(output, gradient))
    with np.errstate(all="ignore"):
        gradients = propagate(start, retain_graph, keep=inputs)
    return tuple(np.array(gradients.get(x, np.zeros(x.shape)), dtype=x.dtype) for x in inputs)
    ### END SOLUTION

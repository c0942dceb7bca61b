"""Module 7 of TinyTorch: autograd.

Made by `tito export` from source/07_autograd/autograd_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter

import numpy as np

from tinytorch.core import activations, layers, tensor
from tinytorch.core.tensor import compute
from tinytorch.support.arguments import inputs_of, list_of_inputs, starting_gradients
from tinytorch.support.arrays import total
from tinytorch.support.delivery import added, delivered, picked, plus
from tinytorch.support.losses import no_derivative
from tinytorch.support.notes import Note
from tinytorch.support.recording import recording
from tinytorch.support.rules import Rules
from tinytorch.support.variables import VariableMethods, floating_tensor, operation_of


def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x`, and returns a number.
    x : array_like
        Where to differentiate, of any shape; not changed.
    step : float
        The size of the step, in each direction.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, shaped like `x`.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[index] = step
        gradient[index] = (f(x + offset) - f(x - offset)) / (2 * step)
    return gradient


RULES = Rules()  # RULES[function][i] is the derivative rule of input i
derivative, table = RULES.derivative, RULES.table


@table
def rules_of_sums_and_products():
    """The rules of x + y and x * y, for each of the two inputs."""
    derivative(
        np.add,
        lambda grad, out, x, y: grad,
        lambda grad, out, x, y: grad,
    )
    derivative(
        np.multiply,
        lambda grad, out, x, y: grad * y,
        lambda grad, out, x, y: grad * x,
    )


from tinytorch.support.variables import bare_tensor, record_leaves, values_of

creation_order = itertools.count()


class Variable(VariableMethods):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is
        kept, and a floating-point Tensor is used as it is, without a copy.
    requires_grad : bool
        Whether to compute gradients for this variable.
    grad_fn : callable, optional
        The Operation that computed this variable, or a function of your own that is
        called with its complete gradient. Without one, it is a leaf, and keeps its
        gradient in `grad`.

    Attributes
    ----------
    data : Tensor
        The values.
    grad : ndarray or None
        Of a leaf, the sum of the gradients of all backward passes so far, with the
        shape and dtype of `data`.
    order : int
        Its number in the order of creation: later variables have larger ones.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, is ragged, or holds Variables.
    """

    __slots__ = ("__weakref__", "data", "grad", "grad_fn", "order", "requires_grad")

    def __init__(self, data, requires_grad: bool = True, grad_fn=None):
        self.data, self.grad = floating_tensor(data), None
        self.requires_grad, self.grad_fn = requires_grad, operation_of(grad_fn)
        self.order = next(creation_order)

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` calls when a Variable is among the inputs."""
        return record(function, *inputs, **parameters)

    def backward(self, gradient=None, retain_graph=False, create_graph=False) -> None:
        """Add the gradient with respect to every leaf to its ``grad``.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss with respect to this variable, in the same shape;
            needed unless this variable has exactly one element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.
        create_graph : bool
            Record the backward pass itself, and keep the graph: each ``grad`` becomes a
            Variable that can be differentiated again.

        Raises
        ------
        RuntimeError
            If this variable requires no gradient, or an earlier backward pass freed the
            graph.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph, create_graph)


def needs_gradient(x) -> bool:
    """Whether `x`, a Variable, a weight or a plain number, requires a gradient."""
    return getattr(x, "requires_grad", False)


class Operation(Note):
    """A note: this function was applied to these inputs, with these parameters."""

    __slots__ = ()

    def __init__(self, function: Callable, inputs, values: list, parameters: dict):
        self.function, self.inputs = function, inputs
        self.values, self.parameters = values, parameters
        self.rules = RULES.of(function, inputs)

    def __call__(self, grad, out: Variable) -> list:
        """The gradient of each input, given that of `out`; None if it requires none."""
        values, out = self.given_to_rules(grad, out)
        shares = []
        for rule in self.rules:
            if rule is None:
                shares.append(None)
            else:
                shares.append(rule(grad, out, *values, **self.parameters))
        return shares


def record(function: Callable, *inputs, **parameters) -> Variable | np.ndarray:
    """Compute as `apply` does, wrap the result, and note how it was computed."""
    values = values_of(inputs)
    out = compute(function, *values, **parameters)
    if out.dtype.kind != "f":
        return no_derivative(function, inputs, out)
    result = Variable(bare_tensor(out), False)
    if recording.enabled and any(map(needs_gradient, inputs)):
        result.requires_grad = True
        result.grad_fn = Operation(function, inputs, values, parameters)
    recording.computed(function, inputs, result, parameters)
    return result


record_leaves(record, Variable)


from tinytorch.support.arguments import is_computed


def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on, the youngest first."""
    nodes = list(dict.fromkeys(filter(is_computed, outputs)))
    found = set(nodes)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            if is_computed(x) and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=attrgetter("order"), reverse=True)


def propagate(gradients: dict, nodes: Iterable, retain_graph: bool = False) -> dict:
    """Send gradients back, through each computed variable once, to the ends.

    Parameters
    ----------
    gradients : dict
        The gradient of each output; not changed.
    nodes : iterable of Variable
        The computed variables to go through, the youngest first.
    retain_graph : bool
        If False, every operation is freed once it is done.

    Returns
    -------
    dict
        The gradient of each variable that is not among `nodes`, such as each leaf.
    """
    gradients, nodes = dict(gradients), deque(nodes)
    while nodes:
        node = nodes.popleft()
        if node not in gradients:
            continue
        grad = recording.sending(node, gradients.pop(node))
        for x, share in zip(inputs_of(node), node.grad_fn(grad, node)):
            if share is None:
                continue
            if share.shape != x.shape:
                share = unbroadcast(share, x.shape)
            gradients[x] = plus(gradients.pop(x), share) if x in gradients else share
        if not retain_graph:
            node.grad_fn.free()
    return gradients


def backward(output, gradient=None, retain_graph=False, create_graph=False) -> None:
    """Add the gradient of `output` with respect to every leaf to its ``grad``."""
    start = starting_gradients(output, gradient, create_graph)
    keep = retain_graph or create_graph
    with recording.going_back(create_graph):
        found = propagate(start, reverse_creation_order(start), keep)
    for leaf, grad in delivered(found, create_graph).items():
        leaf.grad = added(leaf.grad, grad)


def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an input of that shape was repeated."""
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    return total(grad, axis=(*range(new_axes), *stretched)).reshape(shape)


from tinytorch.support.arrays import swap

RULES.also_for_vectors(np.matmul, layers.linear)


@table
def rules_of_the_matrix_product():
    """The rules of x @ y and of x @ weights + bias, for matrices and stacks of them."""
    derivative(
        np.matmul,
        lambda grad, out, x, y: grad @ swap(y),
        lambda grad, out, x, y: swap(x) @ grad,
    )
    derivative(
        layers.linear,
        lambda grad, out, x, weights, bias: grad @ swap(weights),
        lambda grad, out, x, weights, bias: swap(x) @ grad,
        lambda grad, out, x, weights, bias: grad,
    )


from tinytorch.support.arrays import one_hot, select, softmax_cross_entropy, through


@table
def rules_of_relu_and_cross_entropy():
    """The rules of relu(x), and of the cross-entropy of scores and labels."""
    derivative(activations.relu, lambda grad, out, x: select(x > 0, grad))

    def by_scores(grad, out, scores, labels):
        probabilities = through(activations.softmax, scores)
        right = one_hot(labels, scores.shape, scores.dtype)
        return (probabilities - right) * (grad * (1 / len(labels)))

    derivative(softmax_cross_entropy, by_scores)


@table
def rules_of_differences_and_quotients():
    """The rules of x - y, of -x and of x / y."""
    derivative(
        np.subtract,
        lambda grad, out, x, y: grad,
        lambda grad, out, x, y: -grad,
    )
    derivative(np.negative, lambda grad, out, x: -grad)
    derivative(
        np.divide,
        lambda grad, out, x, y: grad / y,
        lambda grad, out, x, y: -grad * out / y,
    )


@table
def rules_of_powers():
    """The rules of x ** y, for both inputs; they are 0 where a power is constant."""

    def by_x(grad, out, x, y):
        base = x + ((x * x == 0) & (y == 0))
        return select((y != 0) | np.isfinite(grad), grad) * y * base ** (y - 1)

    def by_y(grad, out, x, y):
        grad = select((x != 0) | (y < 0), grad)
        return grad * out * np.log(x + ((x == 0) & (y >= 0)))

    derivative(np.power, by_x, by_y)


@table
def rules_of_functions():
    """The rules of exp, log, sqrt, sin and cos."""
    derivative(np.exp, lambda grad, out, x: grad * out)
    derivative(np.log, lambda grad, out, x: grad / x)
    derivative(np.sqrt, lambda grad, out, x: grad / (2 * out))
    derivative(np.sin, lambda grad, out, x: grad * np.cos(x))
    derivative(np.cos, lambda grad, out, x: -grad * np.sin(x))


@table
def rules_of_activations():
    """The rules of tanh, of sigmoid and of the absolute value."""
    derivative(np.tanh, lambda grad, out, x: grad * (1 - out * out))
    derivative(activations.sigmoid, lambda grad, out, x: grad * out * (1 - out))
    derivative(np.abs, lambda grad, out, x: select(x > 0, grad) - select(x < 0, grad))


@table
def rules_of_softmax():
    """The rules of softmax and of log_softmax along an axis, from the output alone."""

    def by_x(grad, out, x, axis=-1):
        return out * (grad - total(grad * out, axis=axis, keepdims=True))

    def by_x_of_the_logarithm(grad, out, x, axis=-1):
        return grad - np.exp(out) * total(grad, axis=axis, keepdims=True)

    derivative(activations.softmax, by_x)
    derivative(activations.log_softmax, by_x_of_the_logarithm)


from tinytorch.support.arrays import spread
from tinytorch.support.rules import with_axes


@table
def rules_of_reductions():
    """The rules of sum, mean and var, over all axes or over those of `axis`."""

    def by_sum(grad, out, x, axis=None, keepdims=False):
        return spread(with_axes(grad, x, axis), shape=x.shape)

    def by_mean(grad, out, x, axis=None, keepdims=False):
        share = with_axes(grad, x, axis) * (out.size / max(x.size, 1))
        return spread(share, shape=x.shape)

    def by_var(grad, out, x, axis=None, keepdims=False):
        share = with_axes(grad, x, axis) * (2 * out.size / max(x.size, 1))
        return share * (x - x.mean(axis=axis, keepdims=True))

    derivative(np.sum, by_sum)
    derivative(np.mean, by_mean)
    derivative(np.var, by_var)


from tinytorch.support.arrays import astype


def rule_of_the_maximum(grad, out, x, axis=None, keepdims=False):
    """The rule of max and min: the gradient goes to where they are; ties share it."""
    at_extreme = x == with_axes(out, x, axis)
    share = with_axes(grad, x, axis) / at_extreme.sum(axis=axis, keepdims=True)
    return select(at_extreme, spread(astype(share, dtype=x.dtype), shape=x.shape))


derivative(np.max, rule_of_the_maximum)
derivative(np.min, rule_of_the_maximum)


from tinytorch.support.arrays import inverse, scatter


@table
def rules_of_arrangement():
    """The rules of reshape, of transpose and of x[index]."""
    derivative(np.reshape, lambda grad, out, x, shape: grad.reshape(x.shape))
    derivative(
        np.transpose,
        lambda grad, out, x, axes=None: grad.transpose(inverse(axes, x.ndim)),
    )
    derivative(
        tensor.getitem,
        lambda grad, out, x, index: scatter(grad, shape=x.shape, index=index),
    )


from tinytorch.support.functions import *
from tinytorch.support.functions import __getattr__ as __getattr__


from tinytorch.support.recording import enable_grad as enable_grad
from tinytorch.support.recording import switch


@switch
def no_grad():
    """Do not record, in a ``with no_grad():`` block or in a function decorated with it.

    What is computed inside has no history and needs no memory for one. When the block
    ends, the state from before is restored, also after an error, and in nested blocks.
    """
    before = recording.enabled
    recording.enabled = False
    try:
        yield
    finally:
        recording.enabled = before


def leading_to(inputs: list, nodes: list[Variable]) -> list[Variable]:
    """Those of `nodes` that depend on at least one of the inputs, youngest first."""
    wanted, leading = set(inputs), set()
    for node in reversed(nodes):
        for x in inputs_of(node):
            if needs_gradient(x) and (x in wanted or x in leading):
                leading.add(node)
    return [node for node in nodes if node in leading]


def grad(outputs, inputs, grad_outputs=None, retain_graph=False, create_graph=False):
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; several outputs are summed.
    inputs : Variable, Tensor or sequence of them
        With respect to what.
    grad_outputs : array_like, or for a sequence of outputs a sequence of them, optional
        For each output, the gradient to start from; needed unless it has one element.
    retain_graph : bool
        Keep the graph for another pass.
    create_graph : bool
        Record the backward pass, and keep the graph: the gradients are variables, which
        can be differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input a new array of its own shape and dtype; where the outputs do not
        depend on it, zeros (with `create_graph`, a Variable that requires no gradient).

    Raises
    ------
    RuntimeError
        If an input requires no gradient; and as `Variable.backward`.
    TypeError, ValueError
        If outputs or inputs are no variables, or there are more or fewer `grad_outputs`
        than outputs; and as `Variable.backward`.
    """
    inputs = list_of_inputs(inputs)
    start = starting_gradients(outputs, grad_outputs, create_graph)
    with recording.going_back(create_graph), recording.keeping(inputs) as kept:
        nodes = leading_to(inputs, reverse_creation_order(start))
        found = propagate(start, nodes, retain_graph or create_graph)
    return picked(found | kept, inputs, Variable if create_graph else None)


__all__ = """
    Variable derivative enable_grad grad no_grad numerical_gradient add clip
    clip_grad_norm_ clip_grad_value_ concatenate cos cross_entropy divide exp getitem
    linear log log_softmax matmul maximum mean minimum multiply negative pad power relu
    reshape sigmoid sin softmax sqrt stack subtract tanh transpose var where
""".split()

"""Module 7 of TinyTorch: autograd.

Made by `tito export` from source/07_autograd/autograd_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tinytorch.core import activations, layers
from tinytorch.core.tensor import (
    Arithmetic,
    Comparisons,
    Conversions,
    Indexing,
    Reductions,
    ReflectedArithmetic,
    Shaping,
    Tensor,
    apply,
    as_array,
    compute,
    getitem,
    value,
)


def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element after the other.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, gives a number.
    x : array_like
        Where to differentiate, of any shape; not changed.
    step : float
        How far to step to either side.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, in the shape of `x`.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[index] = step
        gradient[index] = (f(x + offset) - f(x - offset)) / (2 * step)
    return gradient


RULES: dict[Callable, dict[int, Callable]] = {}


def derivative(function: Callable, argument: int = 0) -> Callable[[Callable], Callable]:
    """Enter a derivative rule into the table.

    A rule ``rule(grad, out, *inputs, **parameters)`` gets the gradient of the loss by the output of
    `function`, that output, and what `function` was called with. It returns the gradient of the loss
    by one input. It gets arrays; operators, methods and element-by-element numpy functions are
    preferred, because they work for variables as well. It may return more axes than the input had:
    the engine sums them.

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


@derivative(np.add, 0)
def add_x(grad, out, x, y):
    """The derivative of x + y by x is 1."""
    return grad


@derivative(np.add, 1)
def add_y(grad, out, x, y):
    """The derivative of x + y by y is 1."""
    return grad


@derivative(np.subtract, 0)
def subtract_x(grad, out, x, y):
    """The derivative of x - y by x is 1."""
    return grad


@derivative(np.subtract, 1)
def subtract_y(grad, out, x, y):
    """The derivative of x - y by y is -1."""
    return -grad


@derivative(np.negative)
def negative_x(grad, out, x):
    """The derivative of -x is -1."""
    return -grad


@derivative(np.multiply, 0)
def multiply_x(grad, out, x, y):
    """The derivative of x * y by x is y."""
    return grad * y


@derivative(np.multiply, 1)
def multiply_y(grad, out, x, y):
    """The derivative of x * y by y is x."""
    return grad * x


@derivative(np.divide, 0)
def divide_x(grad, out, x, y):
    """The derivative of x / y by x is 1 / y."""
    return grad / y


@derivative(np.divide, 1)
def divide_y(grad, out, x, y):
    """The derivative of x / y by y is -x / y², that is -out / y."""
    return -grad * out / y


@derivative(np.power, 0)
def power_x(grad, out, x, y):
    """The derivative of x ** y by x is y * x ** (y - 1), and 0 wherever y is 0."""
    return grad * y * x ** (y - (y != 0))


@derivative(np.power, 1)
def power_y(grad, out, x, y):
    """The derivative of x ** y by y is x ** y * log(x), and 0 where x is 0 and y is not negative."""
    return grad * out * np.log(x + (x == 0))


class Recording(threading.local):
    """Whether operations on variables are recorded; every thread has its own switch."""

    def __init__(self):
        self.enabled = True
        self.before: list[bool] = []


recording = Recording()
creation_order = itertools.count()


def needs_gradient(x) -> bool:
    """Whether a gradient has to reach `x`: a variable, or a layer's weight, that asks for one."""
    return getattr(x, "requires_grad", False)


def missing_rule(function: Callable, position: int) -> NotImplementedError:
    """The error to raise where the table has no rule."""
    name = name_of(function)
    return NotImplementedError(
        f"no derivative rule for input {position} of {name}; enter one with "
        f"@derivative({name}, {position}), or detach() that input"
    )


def name_of(function: Callable) -> str:
    """What to call a function in a message."""
    return getattr(function, "__name__", repr(function))


def refuse_variables(data) -> None:
    """Raise an error for a list of variables, which would lose their history in an array."""
    if isinstance(data, (list, tuple)) and any(isinstance(x, Variable) for x in data):
        raise TypeError(
            "a list of Variables would lose how they were computed; join them with stack() or "
            "concatenate(), or give their numbers with item()"
        )


def describe(x) -> str:
    """An input in one word: its kind and shape, or the number itself."""
    return f"{type(x).__name__}{x.shape}" if hasattr(x, "shape") else repr(x)


NOTHING: dict = {}  # the settings of all operations without settings
LINEAR = {np.add, np.subtract, np.negative, np.sum, np.mean, np.reshape, np.transpose, getitem}


def fingerprint(array: np.ndarray) -> bytes:
    """What tells whether an array was changed: all its bytes, or of a large one a sample."""
    if array.size > 4096:
        array = array[tuple(slice(None, None, max(n // 16, 1)) for n in array.shape)]
    return array.tobytes()


def guards_of(function: Callable, values: Sequence, out: np.ndarray) -> Sequence:
    """Close a result to writing; of the inputs, the arrays that stay open, with fingerprints."""
    if type(out) is np.ndarray and out is not values[0] and out is not values[-1]:
        out.setflags(False)
    if function in LINEAR and out.base is None:
        return ()
    guards = ()
    for x in values:
        if type(x) is np.ndarray and x.flags.writeable:
            guards += ((x, fingerprint(x)),)
    return guards


def refuse_changes(operation: Operation) -> None:
    """Raise an error if an array was changed after the operation had used it."""
    for array, before in operation.guards:
        if fingerprint(array) != before:
            raise RuntimeError(
                f"an input of {operation!r} was changed in place after it was used, so the gradient "
                "would be wrong; call backward() before changing it, or change a copy"
            )


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
    values : tuple, optional
        The arrays and numbers in `inputs`; by default they are taken out of them.
    """

    __slots__ = ("function", "guards", "inputs", "out", "parameters", "values")

    def __init__(
        self,
        function: Callable,
        inputs: tuple,
        parameters: dict,
        out: np.ndarray,
        values: tuple | None = None,
    ):
        self.function, self.inputs = function, inputs
        self.parameters, self.out = parameters or NOTHING, out
        self.values = values = tuple(map(value, inputs)) if values is None else values
        self.guards = ()
        if type(out) is np.ndarray or type(values[0]) is np.ndarray:
            self.guards = guards_of(function, values, out)

    def free(self) -> None:
        """Forget everything that needs memory."""
        self.inputs = self.values = self.out = None
        self.guards = ()

    def __call__(self, grad: np.ndarray, out=None, values: list | None = None) -> list:
        """Send a gradient one step back: from the output to the inputs.

        Parameters
        ----------
        grad : ndarray
            The gradient of the loss by the output, of the output's shape.
        out, values : optional
            What to give to the rules in place of the output and the values that were noted.

        Returns
        -------
        list
            For each input, what its rule in `RULES` gives; None where no gradient is needed.

        Raises
        ------
        NotImplementedError
            If the table has no rule for an input that needs one; `missing_rule` makes the error.
        RuntimeError
            If an input was changed in place.
        """
        if self.guards:
            refuse_changes(self)
        if values is None:
            out, values = self.out, self.values
        rules, parameters = RULES.get(self.function, {}), self.parameters
        arguments, gradients = (grad, out, *values), []
        for position, x in enumerate(self.inputs):
            if not getattr(x, "requires_grad", False):
                gradients.append(None)
            elif position not in rules:
                raise missing_rule(self.function, position)
            elif parameters:
                gradients.append(rules[position](*arguments, **parameters))
            else:  # the same, a little faster
                gradients.append(rules[position](*arguments))
        return gradients

    def __repr__(self) -> str:
        inputs = "freed" if self.inputs is None else ", ".join(map(describe, self.inputs))
        return f"<{name_of(self.function)}({inputs})>"


class Variable(
    Arithmetic, ReflectedArithmetic, Comparisons, Reductions, Shaping, Indexing, Conversions
):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is kept, and a
        Tensor of floating dtype is kept itself.
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
    order : int
        Its number in the order of creation.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, or is ragged.
    """

    __slots__ = ("__weakref__", "data", "grad", "grad_fn", "hooks", "order", "requires_grad")

    def __init__(self, data, requires_grad: bool = True, grad_fn: Callable | None = None):
        refuse_variables(data)
        self.hooks = None
        is_floating_tensor = isinstance(data, Tensor) and data.dtype.kind == "f"
        self.data = data if is_floating_tensor else Tensor(as_array(data))
        self.requires_grad = requires_grad
        self.grad_fn = grad_fn
        self.grad = None
        self.order = next(creation_order)
        if self.data is not data and self.data.ndim == 0:
            self.data.data = self.data.data[()]  # a numpy number: faster, and it cannot be changed

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` does when one of the inputs is a variable."""
        return record(function, *inputs, **parameters)

    def backward(
        self, gradient=None, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Compute the gradient of this variable by every leaf it was computed from.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss by this variable, in its shape; needed unless it has one
            element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.
        create_graph : bool
            Record the backward pass itself: each ``grad`` becomes a variable that can be
            differentiated again. The graph is kept.

        Raises
        ------
        RuntimeError
            If no gradient is required, or the graph was freed by an earlier backward pass.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph, create_graph)

    @property
    def is_leaf(self) -> bool:
        """Whether it was given, and not computed from others."""
        return self.grad_fn is None

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.data.size

    @property
    def dtype(self) -> np.dtype:
        """The data type of the elements."""
        return self.data.data.dtype

    def detach(self) -> Variable:
        """The same values without a history."""
        return Variable(self.data, requires_grad=False)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.data.data, dtype=dtype, copy=copy)

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(
            f"np.{function.__name__} of a Variable does not go through apply, so its gradient would "
            "be lost; use a method such as x.sum(), or detach().numpy() where none is wanted"
        )

    def __setitem__(self, index, new) -> None:
        raise TypeError(
            "the elements of a Variable cannot be assigned, because a backward pass may need the "
            "old ones; compute a new Variable, or change x.data.data before using x"
        )

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", prefix="Variable(")
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        origin = "" if self.is_leaf else f", grad_fn={self.grad_fn!r}"
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({values}{dtype}{origin}{constant})"


NUMBERS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
}


def calculate(function: Callable, values: list, parameters: dict):
    """What `compute` gives, at less cost."""
    first, last = type(values[0]), type(values[-1])
    try:
        if function in NUMBERS and first is not np.ndarray and last is not np.ndarray:
            return NUMBERS[function](*values)
        return function(*values, **parameters)
    except (ValueError, IndexError, TypeError):
        return compute(function, *values, **parameters)


def computed(out: np.ndarray, note: Operation | None = None) -> Variable:
    """A variable around the result of an operation; without a note it has no history."""
    variable, tensor = Variable.__new__(Variable), Tensor.__new__(Tensor)
    tensor.data, tensor.requires_grad, tensor.grad = out, False, None
    variable.data, variable.grad_fn, variable.requires_grad = tensor, note, note is not None
    variable.grad, variable.hooks, variable.order = None, None, next(creation_order)
    return variable


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
        gradient; else one without history, that requires no gradient. What is not of floating dtype
        has no derivative, and comes back as a plain array.
    """
    values, differentiable = [], False
    for x in inputs:
        values.append(x.data.data if type(x) is Variable else value(x))
        differentiable = differentiable or getattr(x, "requires_grad", False)
    out = calculate(function, values, parameters)
    if out.dtype.kind != "f":
        return out
    if not (differentiable and recording.enabled):
        return computed(out)
    return computed(out, Operation(function, inputs, parameters, out, tuple(values)))


def straight(function: Callable) -> Callable:
    """An operator of variables that goes to `record` straight away; `apply` would come there too."""
    return lambda self, other: record(function, self, other)


Variable.__add__, Variable.__sub__ = straight(np.add), straight(np.subtract)
Variable.__mul__, Variable.__truediv__ = straight(np.multiply), straight(np.divide)


def inputs_of(variable: Variable) -> tuple:
    """What a computed variable was computed from, if that is known and not yet freed."""
    inputs = getattr(variable.grad_fn, "inputs", ())
    if inputs is None:
        raise RuntimeError(
            "backward() has been here before and freed the graph; compute the output again, or "
            "write backward(retain_graph=True) the first time"
        )
    return inputs


def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on, the youngest first.

    An operation's inputs exist before its output does, so in this order everything that uses a
    variable comes before the variable itself.

    Parameters
    ----------
    outputs : iterable of Variable
        Where to start; those that are not leaves belong to the result.

    Returns
    -------
    list of Variable
        Each of them once; leaves are left out, and so is what needs no gradient.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.
    """
    found = {x for x in outputs if not x.is_leaf}
    nodes = list(found)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            is_computed = isinstance(x, Variable) and x.grad_fn is not None and x.requires_grad
            if is_computed and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=operator.attrgetter("order"), reverse=True)


def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its input was repeated.

    Parameters
    ----------
    grad : ndarray
        A gradient of a shape to which `shape` broadcasts; not changed.
    shape : tuple of int
        The shape of the input.

    Returns
    -------
    ndarray of shape `shape`
        The gradient by the input, of the dtype of `grad`.
    """
    if grad.shape == shape:
        return grad
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    return grad.sum(axis=(*range(new_axes), *stretched)).reshape(shape)


def accumulate(gradients: dict, sums: set, inputs: Sequence, parts: Sequence) -> None:
    """Add what an operation sends back to the gradients of its inputs.

    Parameters
    ----------
    gradients : dict
        The gradient of each variable so far; changed by this call.
    sums : set
        The variables whose entry in `gradients` is an array made here, as a sum; changed as well.
    inputs : sequence
        The inputs of the operation.
    parts : sequence of ndarray or None
        For each input its share, perhaps with axes along which the input was broadcast, or None;
        the arrays are not changed.
    """
    for position, part in enumerate(parts):
        if part is None:
            continue
        x = inputs[position]
        if part.shape != x.shape:
            part = unbroadcast(part, x.shape)
        if x not in gradients:
            gradients[x] = part
        elif x in sums:
            gradients[x] += part
        else:
            gradients[x] = gradients[x] + part
            sums.add(x)


def after_hooks(x: Variable | Tensor, grad):
    """The gradient of `x` after its hooks, if it has any, have seen it and perhaps replaced it."""
    for hook in list((getattr(x, "hooks", None) or {}).values()):
        replaced = hook(grad if isinstance(grad, Variable) else np.array(grad))
        if replaced is not None:
            grad = same_shape(replaced, x, "a hook")
    return grad


def same_shape(gradient, x: Variable | Tensor, giver: str):
    """A gradient that a user's function has given for `x`, if it has the right shape."""
    gradient = gradient if isinstance(gradient, Variable) else value(gradient)
    if np.shape(gradient) != x.shape:
        raise ValueError(
            f"{giver} gave a gradient of shape {np.shape(gradient)} for a variable of shape "
            f"{x.shape}; return one number for each element"
        )
    return gradient


def itself(x: np.ndarray) -> np.ndarray:
    """``x``, as a function, so that a weight can be made a variable by recording that."""
    return x


@derivative(itself)
def itself_x(grad, out, x):
    """The derivative of x by x is 1."""
    return grad


def linked(operation: Operation) -> list:
    """The values of an operation, as variables where their own gradient may be asked for."""
    refuse_changes(operation)
    return [
        v if not needs_gradient(x) else x if isinstance(x, Variable) else record(itself, x)
        for x, v in zip(operation.inputs, operation.values, strict=True)
    ]


def propagate(
    gradients: dict, retain_graph: bool = False, keep: Sequence = (), create_graph: bool = False
) -> dict:
    """Send gradients from the outputs of a graph back to its leaves, every node once.

    Parameters
    ----------
    gradients : dict
        The gradient of each output; the dictionary is not changed.
    retain_graph : bool
        If False, every operation is freed once it is done.
    keep : sequence of Variable
        Computed variables whose gradients are wanted as well.
    create_graph : bool
        Give the rules variables in place of arrays, so that the way back is recorded itself.

    Returns
    -------
    dict
        The gradient of each leaf that needs one, and of each variable in `keep` that was reached.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.
    """
    gradients, sums, kept = dict(gradients), set(), {}
    nodes = reverse_creation_order(gradients)[::-1]
    while nodes:
        node = nodes.pop()
        if node not in gradients:
            continue
        grad = gradients.pop(node)
        if node.hooks:
            grad = after_hooks(node, grad)
        if keep and any(node is x for x in keep):
            kept[node] = grad
        step, inputs = node.grad_fn, inputs_of(node)
        if not inputs:
            step(np.array(grad))
            continue
        parts = step(grad, node, linked(step)) if create_graph else step(grad)
        accumulate(gradients, sums, inputs, parts)
        if not retain_graph:
            step.free()
    return gradients | kept


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


def deposit(leaf: Variable | Tensor, gradient: np.ndarray, alone: bool = False) -> None:
    """Add a gradient to ``leaf.grad``.

    Parameters
    ----------
    leaf : Variable or Tensor
        Where to put it. Afterwards ``leaf.grad`` is an array of the leaf's own shape and dtype that
        nobody else holds, so that it may be changed in place.
    gradient : ndarray
        What to add, in the shape of the leaf; not changed.
    alone : bool
        Nobody else holds `gradient`: it may become ``leaf.grad`` without a copy.
    """
    if leaf.grad is not None:
        leaf.grad += gradient
    elif alone and gradient.base is None and gradient.dtype == leaf.dtype:
        leaf.grad = np.asarray(gradient)
    else:
        leaf.grad = np.array(gradient, dtype=leaf.dtype)


def start_of(output: Variable, gradient, create_graph: bool):
    """The gradient to start from: an array, or a variable if the way back is to be recorded."""
    start = starting_gradient(output, gradient)
    if not create_graph:
        return start
    return gradient if isinstance(gradient, Variable) else Variable(start, requires_grad=False)


def run_back(start: dict, retain_graph: bool, create_graph: bool, keep: Sequence = ()) -> list:
    """Propagate gradients; gives triples of a leaf, its gradient, and whether nobody else has it."""
    before, recording.enabled = recording.enabled, create_graph
    try:
        with np.errstate(all="ignore"):
            gradients = propagate(start, retain_graph or create_graph, keep, create_graph)
            gradients = {x: after_hooks(x, g) if is_leaf(x) else g for x, g in gradients.items()}
    finally:
        recording.enabled = before
    times = Counter(map(id, gradients.values()))
    return [(x, grad, times[id(grad)] == 1) for x, grad in gradients.items()]


def is_leaf(x: Variable | Tensor) -> bool:
    """Whether `x` was given: a leaf, or a layer's weight."""
    return getattr(x, "is_leaf", True)


def deposit_variable(leaf: Variable | Tensor, gradient: Variable) -> None:
    """Add a gradient that has a history of its own to ``leaf.grad``."""
    leaf.grad = gradient if leaf.grad is None else gradient + leaf.grad


def backward(
    output: Variable, gradient=None, retain_graph: bool = False, create_graph: bool = False
) -> None:
    """Add the gradient of `output` by every leaf to the ``grad`` of that leaf.

    Parameters
    ----------
    output : Variable
        Where to start.
    gradient : array_like, optional
        The gradient of the loss by `output`.
    retain_graph : bool
        Keep the graph for another backward pass.
    create_graph : bool
        Record the backward pass itself.

    Raises
    ------
    RuntimeError, ValueError
        As `starting_gradient` and `reverse_creation_order`.
    """
    start = start_of(output, gradient, create_graph)
    for leaf, grad, alone in run_back({output: start}, retain_graph, create_graph):
        if create_graph:
            deposit_variable(leaf, grad)
        else:
            deposit(leaf, grad, alone)


@derivative(np.exp)
def exp_x(grad, out, x):
    """The derivative of exp(x) is exp(x), that is out."""
    return grad * out


@derivative(np.log)
def log_x(grad, out, x):
    """The derivative of log(x) is 1 / x."""
    return grad / x


@derivative(np.sqrt)
def sqrt_x(grad, out, x):
    """The derivative of sqrt(x) is 1 / (2 sqrt(x)), and infinite at 0."""
    return grad / (2 * out)


@derivative(np.sin)
def sin_x(grad, out, x):
    """The derivative of sin(x) is cos(x)."""
    return grad * np.cos(x)


@derivative(np.cos)
def cos_x(grad, out, x):
    """The derivative of cos(x) is -sin(x)."""
    return -grad * np.sin(x)


@derivative(np.abs)
def abs_x(grad, out, x):
    """The derivative of abs(x) is the sign of x, and 0 at 0."""
    return grad * (x > 0) - grad * (x < 0)


@derivative(activations.relu)
def relu_x(grad, out, x):
    """The derivative of relu(x) is 1 where x is positive, else 0; also at 0."""
    return grad * (x > 0)


@derivative(activations.sigmoid)
def sigmoid_x(grad, out, x):
    """The gradient by x of sigmoid(x), from its output alone."""
    return grad * out * (1 - out)


@derivative(np.tanh)
def tanh_x(grad, out, x):
    """The gradient by x of tanh(x), from its output alone."""
    return grad * (1 - out * out)


def restore_axes(reduced, x, axis, keepdims: bool):
    """Give the result of a reduction of `x` its lost axes back, each with length 1."""
    if axis is None or keepdims:
        return reduced
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


@derivative(np.sum)
def sum_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 times itself to its sum; returns the shape of x."""
    return restore_axes(grad, x, axis, keepdims) * np.ones(x.shape, x.dtype)


@derivative(np.mean)
def mean_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 / n times itself to its mean of n elements."""
    return sum_x(grad, out, x, axis, keepdims) * (out.size / x.size)


@derivative(np.var)
def var_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a variance of n elements by one of them is 2 (x - mean) / n."""
    mean = x.mean(axis=axis, keepdims=True)
    return mean_x(grad, out, x, axis, keepdims) * 2 * (x - mean)


@derivative(np.max)
@derivative(np.min)
def max_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a maximum (or minimum) is 1 at its place, else 0; ties share equally."""
    at_extreme = (x == restore_axes(out, x, axis, keepdims)).astype(x.dtype)
    share = at_extreme / at_extreme.sum(axis=axis, keepdims=True)
    return restore_axes(grad, x, axis, keepdims) * share


def swap(x):
    """A matrix, or a stack of them, with its last two axes exchanged."""
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


@derivative(np.matmul, 0)
def matmul_x(grad, out, x, y):
    """The gradient of x @ y by x; a vector y is a column, a vector x a row."""
    if y.ndim == 1:
        return grad[..., None] * y
    if x.ndim == 1:
        grad = grad[..., None, :]
    return grad @ swap(y)


@derivative(np.matmul, 1)
def matmul_y(grad, out, x, y):
    """The gradient of x @ y by y; a vector y is a column, a vector x a row."""
    if x.ndim == 1:
        return x * grad if y.ndim == 1 else x[:, None] * grad[..., None, :]
    if y.ndim == 1:
        return (swap(x) @ grad[..., None])[..., 0]
    return swap(x) @ grad


@derivative(layers.linear, 0)
def linear_x(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by x."""
    return matmul_x(grad, out, x, weights)


@derivative(layers.linear, 1)
def linear_weights(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the weights."""
    return matmul_y(grad, out, x, weights)


@derivative(layers.linear, 2)
def linear_bias(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the bias: the engine sums it over the batch."""
    return grad


@derivative(activations.softmax)
def softmax_x(grad, out, x, axis=-1):
    """The gradient of softmax(x) along an axis by x, from the output alone; the shape of x."""
    return out * (grad - (grad * out).sum(axis=axis, keepdims=True))


@derivative(activations.log_softmax)
def log_softmax_x(grad, out, x, axis=-1):
    """The gradient of log_softmax(x) along an axis by x, from the output alone; the shape of x."""
    return grad - np.exp(out) * grad.sum(axis=axis, keepdims=True)


@derivative(np.reshape)
def reshape_x(grad, out, x, shape):
    """The elements go back to their places in the shape of x."""
    return grad.reshape(x.shape)


@derivative(np.transpose)
def transpose_x(grad, out, x, axes=None):
    """The axes go back in the inverse order; `axes` may be negative, and None reverses them."""
    if axes is None:
        return grad.transpose()
    return grad.transpose(*np.argsort(np.array(axes) % x.ndim))


@derivative(getitem)
def getitem_x(grad, out, x, index):
    """The gradient of what was taken goes back to where it was; what was not taken gets 0."""
    gradient = np.zeros_like(x)
    np.add.at(gradient, index, grad)
    return gradient


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
sin = variable_function(np.sin)
cos = variable_function(np.cos)
tanh = variable_function(np.tanh)
relu = variable_function(activations.relu)
sigmoid = variable_function(activations.sigmoid)
softmax = variable_function(activations.softmax)
log_softmax = variable_function(activations.log_softmax)
matmul = variable_function(np.matmul)
mean = variable_function(np.mean)

NAMED_LIKE_BUILTINS = {
    "abs": variable_function(np.abs),
    "max": variable_function(np.max),
    "min": variable_function(np.min),
    "sum": variable_function(np.sum),
}


def __getattr__(name: str) -> Callable:
    """`abs`, `max`, `min` and `sum` of this module, which must not hide Python's own in it."""
    if name in NAMED_LIKE_BUILTINS:
        return NAMED_LIKE_BUILTINS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class no_grad(contextlib.ContextDecorator):
    """Do not record, in a ``with no_grad():`` block or a function decorated with ``@no_grad()``.

    What is computed inside has no history and needs no memory for one. The state from before comes
    back at the end of the block, also after an error and in nested blocks.
    """

    def __enter__(self) -> no_grad:
        """Put the present state on the stack, switch recording off, and return this object."""
        recording.before.append(recording.enabled)
        recording.enabled = False
        return self

    def __exit__(self, *error) -> None:
        """Take the last state from the stack, and return to it."""
        recording.enabled = recording.before.pop()


def list_of_variables(x, name: str) -> list:
    """One variable, or several, as a list."""
    given = [x] if isinstance(x, (Variable, Tensor)) else x
    if not (isinstance(given, (list, tuple)) and all(hasattr(v, "requires_grad") for v in given)):
        raise TypeError(f"{name} must be a Variable or a list of Variables, but got {x!r:.80}")
    return list(given)


def list_of_gradients(grad_outputs, outputs: list, single: bool) -> list:
    """The gradient to start from for each of the outputs; None where none was given."""
    given = [grad_outputs] if single else grad_outputs
    given = [None] * len(outputs) if given is None else given
    if len(given) != len(outputs):
        raise ValueError(
            f"there are {len(outputs)} outputs and {len(given)} grad_outputs; "
            "give one for each output, or None"
        )
    return list(given)


def grad(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Tensor | Sequence[Variable | Tensor],
    grad_outputs=None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> tuple:
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; of several, the sum.
    inputs : Variable, Tensor or sequence of them
        By what.
    grad_outputs : array_like, or for a sequence of outputs a sequence of array_like, optional
        For each output, the gradient to start from; needed where it has not exactly one element.
    retain_graph : bool
        Keep the graph for another pass.
    create_graph : bool
        Record the way back, and keep the graph: the gradients are variables, which can be
        differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input a new array of its own shape and dtype; zeros where the outputs do not depend
        on it.

    Raises
    ------
    RuntimeError
        If an input requires no gradient; and as `Variable.backward`.
    TypeError, ValueError
        If outputs or inputs are no variables, or there are more or fewer `grad_outputs` than
        outputs; and as `Variable.backward`.
    """
    single = isinstance(outputs, Variable)
    outputs, inputs = list_of_variables(outputs, "outputs"), list_of_variables(inputs, "inputs")
    for x in inputs:
        if not needs_gradient(x):
            raise RuntimeError(
                f"the input {describe(x)} does not require a gradient; create it with "
                "requires_grad=True"
            )
    start, sums = {}, set()
    given = list_of_gradients(grad_outputs, outputs, single)
    for output, gradient in zip(outputs, given, strict=True):
        accumulate(start, sums, [output], [start_of(output, gradient, create_graph)])
    found = {x: g for x, g, _ in run_back(start, retain_graph, create_graph, keep=inputs)}
    if create_graph:
        return tuple(
            found[x] if x in found else Variable(np.zeros(x.shape, x.dtype), False) for x in inputs
        )
    return tuple(np.array(found.get(x, np.zeros(x.shape)), dtype=x.dtype) for x in inputs)


__all__ = [
    "LINEAR",
    "NAMED_LIKE_BUILTINS",
    "NOTHING",
    "NUMBERS",
    "Operation",
    "RULES",
    "Recording",
    "Variable",
    "abs_x",
    "accumulate",
    "add",
    "add_x",
    "add_y",
    "after_hooks",
    "backward",
    "calculate",
    "computed",
    "cos",
    "cos_x",
    "creation_order",
    "deposit",
    "deposit_variable",
    "derivative",
    "describe",
    "divide",
    "divide_x",
    "divide_y",
    "exp",
    "exp_x",
    "fingerprint",
    "getitem_x",
    "grad",
    "guards_of",
    "inputs_of",
    "is_leaf",
    "itself",
    "itself_x",
    "linear_bias",
    "linear_weights",
    "linear_x",
    "linked",
    "list_of_gradients",
    "list_of_variables",
    "log",
    "log_softmax",
    "log_softmax_x",
    "log_x",
    "matmul",
    "matmul_x",
    "matmul_y",
    "max_x",
    "mean",
    "mean_x",
    "missing_rule",
    "multiply",
    "multiply_x",
    "multiply_y",
    "name_of",
    "needs_gradient",
    "negative",
    "negative_x",
    "no_grad",
    "numerical_gradient",
    "power",
    "power_x",
    "power_y",
    "propagate",
    "record",
    "recording",
    "refuse_changes",
    "refuse_variables",
    "relu",
    "relu_x",
    "reshape_x",
    "restore_axes",
    "reverse_creation_order",
    "run_back",
    "same_shape",
    "sigmoid",
    "sigmoid_x",
    "sin",
    "sin_x",
    "softmax",
    "softmax_x",
    "sqrt",
    "sqrt_x",
    "start_of",
    "starting_gradient",
    "straight",
    "subtract",
    "subtract_x",
    "subtract_y",
    "sum_x",
    "swap",
    "tanh",
    "tanh_x",
    "transpose_x",
    "unbroadcast",
    "var_x",
    "variable_function",
]

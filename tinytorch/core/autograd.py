"""Module 7 of TinyTorch: autograd.

Made by `tito export` from source/07_autograd/autograd_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import contextlib
import itertools
import linecache
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy import ndarray

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

alarms: list[int] = []  # which threads look for anomalies (section 11): usually none


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
EVERY = -1


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
        Which input the rule is for, counted from 0; or `EVERY`: it is for all of them, however many
        there are, and is told which one by a further parameter, `argument`.

    Returns
    -------
    callable
        A decorator that enters the rule and returns it unchanged.
    """

    def enter(rule: Callable) -> Callable:
        if argument == EVERY:
            RULES[function] = RuleForEvery(rule)
        else:
            RULES.setdefault(function, {})[argument] = rule
        return rule

    return enter


class RuleForEvery(dict):
    """The rules of a function with any number of inputs, all made from one."""

    def __init__(self, rule: Callable):
        self.rule = rule

    def __contains__(self, argument: int) -> bool:
        return True

    def __missing__(self, argument: int) -> Callable:
        return partial(self.rule, argument=argument)

    def get(self, argument: int, default=None) -> Callable:
        """The rule for one input, as of any dictionary; there always is one."""
        return self[argument]


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
    return grad * y * (x + ((x == 0) & (y == 0))) ** (y - 1)


@derivative(np.power, 1)
def power_y(grad, out, x, y):
    """The derivative of x ** y by y is x ** y * log(x), and 0 where x is 0 and y is not negative."""
    return grad * out * np.log(x + ((x == 0) & (y >= 0)))


class Recording(threading.local):
    """Whether operations on variables are recorded; every thread has its own switch."""

    def __init__(self):
        self.enabled = True
        self.before: list[bool] = []
        self.touched: dict | None = None  # while a checkpoint (section 9) notes what it uses


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


WITHOUT_SLOPE = {  # numpy's functions whose results have no derivative, so that none is lost
    np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.argmax, np.argmin,
    np.argsort, np.zeros_like, np.ones_like,
}  # fmt: skip


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
    if array.size <= 4096:
        return array.tobytes("A")  # in the order of the memory, whatever that is: the fastest
    return array[tuple([slice(None, None, n // 16 or 1) for n in array.shape])].tobytes()


# Of products, which inputs the rule of each input reads: the other factor, and of a bias nothing.
READS = {np.matmul: ({1}, {0}), layers.linear: ({1}, {0}, set())}


def guards_of(function: Callable, inputs: Sequence, values: Sequence) -> tuple:
    """The arrays that rules will read and somebody may still change, each with its fingerprint."""
    read, guards = range(len(values)), ()
    if function in READS:
        rules = zip(inputs, READS[function], strict=True)
        read = set().union(*(positions for x, positions in rules if needs_gradient(x)))
    for position in read:
        v, seen = values[position], getattr(inputs[position], "tensor", True)
        if type(v) is ndarray and seen is not None and v.flags.writeable:
            guards += ((v, fingerprint(v)),)
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
    values : sequence, optional
        The arrays and numbers in `inputs`; by default they are taken out of them.
    """

    __slots__ = ("__weakref__", "function", "guards", "inputs", "out", "parameters", "values")

    def __init__(
        self,
        function: Callable,
        inputs: tuple,
        parameters: dict,
        out: np.ndarray,
        values: Sequence | None = None,
    ):
        self.function, self.inputs = function, inputs
        self.parameters, self.out = parameters or NOTHING, out
        self.values = values = tuple(map(value, inputs)) if values is None else values
        reads_values = function not in LINEAR or out.base is not None  # a view may be read later
        has_arrays = type(out) is ndarray or type(values[0]) is ndarray
        self.guards = guards_of(function, inputs, values) if reads_values and has_arrays else ()

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
            What to give to the rules in place of the output and the values that were noted; the given
            lines see to it that `out` and `values` are what the rules are to get.

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


class VariableMethods:
    """What users expect of a variable besides operators: its shape, a copy without history, hooks."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.array.shape if self.tensor is None else self.tensor.data.shape

    ndim, size, dtype = Tensor.ndim, Tensor.size, Tensor.dtype  # a tensor's: they ask `self.data`

    def detach(self) -> Variable:
        """The same values without a history."""
        return Variable(self.data, requires_grad=False)

    def clip(self, min=None, max=None) -> Variable:
        """What lies below `min` or above `max` is moved to that bound; None is no bound."""
        return record(clip_values, self, min=min, max=max)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def register_hook(self, hook: Callable) -> Handle:
        """Have a function see the gradient of this variable in each backward pass.

        Parameters
        ----------
        hook : callable
            Called with the complete gradient; what it returns takes the gradient's place, unless it
            is None.

        Returns
        -------
        Handle
            Its method ``remove()`` takes the hook off again.

        Raises
        ------
        RuntimeError
            If this variable requires no gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("a Variable that requires no gradient can have no hook")
        self.hooks = {} if self.hooks is None else self.hooks
        key = next(creation_order)
        self.hooks[key] = hook
        return Handle(self.hooks, key)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.data.data, dtype=dtype, copy=copy)

    def __array_function__(self, function, types, args, kwargs):
        if function in WITHOUT_SLOPE:
            arrays = [np.asarray(x) if isinstance(x, Variable) else x for x in args]
            return function(*arrays, **kwargs)
        raise TypeError(
            f"np.{function.__name__} of a Variable does not go through apply, so its gradient would "
            "be lost; use a method such as x.sum(), or detach().numpy() where none is wanted"
        )

    def __setitem__(self, index, new) -> None:
        raise TypeError(
            "the elements of a Variable cannot be assigned, because a backward pass may need the "
            "old ones; compute a new Variable, or change x.data.data before using x"
        )

    @property
    def name(self) -> str | None:
        """What pictures of the graph call it; None until it is given a name."""
        return getattr(self, "label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self.label = name

    def _repr_html_(self) -> str:
        from tinytorch.graph.table import table

        return table(self)

    def __str__(self) -> str:
        return self.around(np.array2string(np.asarray(self), separator=", ", prefix="Variable("))

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", threshold=100)
        return self.around(values.replace("\n", ""))

    def around(self, values: str) -> str:
        """What is printed around the values: the kind, an unusual dtype, the origin."""
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        origin = "" if self.is_leaf else f", grad_fn={self.grad_fn!r}"
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({values}{dtype}{origin}{constant})"


class Variable(
    VariableMethods,
    Arithmetic,
    ReflectedArithmetic,
    Comparisons,
    Reductions,
    Shaping,
    Indexing,
    Conversions,
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

    __slots__ = (
        "__weakref__", "array", "grad", "grad_fn", "hooks", "label", "order", "requires_grad",
        "tensor",
    )  # fmt: skip

    def __init__(self, data, requires_grad: bool = True, grad_fn: Callable | None = None):
        refuse_variables(data)
        self.array = self.hooks = None
        is_floating_tensor = isinstance(data, Tensor) and data.dtype.kind == "f"
        self.data = data if is_floating_tensor else Tensor(data)
        self.requires_grad = requires_grad
        self.grad_fn = grad_fn
        self.grad = None
        self.order = next(creation_order)
        if self.data is not data and self.data.ndim == 0:
            self.data.data = self.data.data[()]  # a numpy number: faster, and it cannot be changed

    @property
    def data(self) -> Tensor:
        """The values. Those of a result are made a tensor when somebody asks for them."""
        if self.tensor is None:
            self.tensor = closed(self.array)
        return self.tensor

    @data.setter
    def data(self, tensor: Tensor) -> None:
        self.tensor = tensor

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


NUMBERS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
}


def calculate(function: Callable, values: list, parameters: dict):
    """What `compute` gives, at less cost."""
    try:
        if (
            function in NUMBERS
            and ndarray is not type(values[0])
            and ndarray is not type(values[-1])
        ):
            return NUMBERS[function](*values)
        out = function(*values, **parameters)
        return out.view() if out is values[0] else out  # a leaf's own array must stay open
    except (ValueError, IndexError, TypeError):
        return compute(function, *values, **parameters)


def computed(out: np.ndarray, note: Operation | None = None) -> Variable:
    """A variable around the result of an operation; without a note it has no history."""
    variable = Variable.__new__(Variable)
    variable.tensor = variable.grad = variable.hooks = None
    variable.array, variable.order = out, next(creation_order)
    variable.grad_fn, variable.requires_grad = note, note is not None
    return variable


def closed(array: np.ndarray) -> Tensor:
    """A tensor around the values of a result, which nobody may change."""
    if type(array) is ndarray:
        array.setflags(False)
    tensor = Tensor.__new__(Tensor)
    tensor.data, tensor.requires_grad, tensor.grad = array, False, None
    return tensor


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
        if type(x) is Variable:
            values.append(x.array if x.tensor is None else x.tensor.data)
            differentiable = differentiable or x.requires_grad
        else:
            values.append(value(x))
            differentiable = differentiable or needs_gradient(x)
    out = calculate(function, values, parameters)
    if out.dtype.kind != "f":
        return out
    note = None
    if differentiable and recording.enabled:
        note = Operation(function, inputs, parameters, out, values)
    variable = Variable.__new__(Variable)  # as computed() does, without the call
    variable.tensor = variable.grad = variable.hooks = None
    variable.array, variable.order = out, next(creation_order)
    variable.grad_fn, variable.requires_grad = note, note is not None
    if note is None and recording.touched is not None:  # inside a checkpoint (section 9)
        recording.touched.update((x, None) for x in inputs if needs_gradient(x))
    if alarms:  # section 11
        look_at(function, values, variable)
    return variable


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
    nodes.sort(key=operator.attrgetter("order"), reverse=True)
    return nodes


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
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    summed = grad.sum(axis=(*range(new_axes), *stretched))
    return summed.reshape(shape) if stretched else summed


def accumulate(gradients: dict, sums: set, inputs: Sequence, parts: Sequence) -> None:
    """Add what an operation sends back to the gradients of its inputs.

    Parameters
    ----------
    gradients : dict
        The gradient of each variable so far; changed by this call.
    sums : set
        The variables whose entry in `gradients` is an array made here, as a sum, to which what
        comes later is added in place; changed as well.
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
    for hook in list(x.hooks.values()):
        replaced = hook(grad if isinstance(grad, Variable) else np.array(grad))
        if replaced is not None:
            grad = same_shape(replaced, x, "a hook")
    return grad


def same_shape(gradient, x: Variable | Tensor, giver: str):
    """A gradient that a user's function has given for `x`, if it has the right shape."""
    gradient = gradient if isinstance(gradient, Variable) else value(gradient)
    shape = gradient.shape if isinstance(gradient, Variable) else np.shape(gradient)
    if shape != x.shape:
        raise ValueError(
            f"{giver} gave a gradient of shape {shape} for a variable of shape {x.shape}; "
            "return one number for each element"
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
    return [
        v if not needs_gradient(x) else x if isinstance(x, Variable) else record(itself, x)
        for x, v in zip(operation.inputs, operation.values, strict=True)
    ]


def step_back(node: Variable, grad, create_graph: bool) -> list:
    """What a node sends to its inputs; a plain function as `grad_fn` is called, and sends nothing."""
    step = node.grad_fn
    if not isinstance(step, Operation):
        step(np.array(grad))
        return []
    parts = step(grad, node, linked(step)) if create_graph else step(grad)
    if alarms:
        look_back(node, grad, parts)
    return parts


def dead_ends(wanted: set, nodes: Sequence[Variable]) -> set:
    """Those of `nodes`, the youngest first, from which no way leads back to something wanted."""
    if not wanted:
        return set()
    leading = set()
    for node in reversed(nodes):
        for x in inputs_of(node):
            if needs_gradient(x) and (x in wanted or x in leading):
                leading.add(node)
    return set(nodes) - leading


def propagate(
    gradients: dict,
    retain_graph: bool = False,
    wanted: Sequence = (),
    create_graph: bool = False,
    since: int = -1,
) -> dict:
    """Send gradients from the outputs of a graph back to its leaves, every node once.

    Parameters
    ----------
    gradients : dict
        The gradient of each output; the dictionary is not changed.
    retain_graph : bool
        If False, every operation is freed once it is done.
    wanted : sequence of Variable or Tensor
        Only the gradients of these are wanted, computed variables among them, and operations that do
        not lead to them are not called; without any, the gradients of all leaves are wanted.
    create_graph : bool
        Give the rules variables in place of arrays, so that the way back is recorded itself.
    since : int
        Go back only to what was created after that; what is older is treated like a leaf.

    Returns
    -------
    dict
        The gradient of each leaf that was reached, and of each variable in `wanted`.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.
    """
    gradients, sums, kept, wanted = dict(gradients), set(), {}, set(wanted)
    nodes = [x for x in reverse_creation_order(gradients) if x.order > since]
    aside = dead_ends(wanted, nodes)
    nodes.reverse()
    while nodes:
        node = nodes.pop()
        grad = gradients.pop(node, None)
        if grad is None:
            continue
        if node.hooks:
            grad = after_hooks(node, grad)
        if node in wanted:
            kept[node] = grad
        if node not in aside:
            parts = step_back(node, grad, create_graph)
            if parts:
                accumulate(gradients, sums, node.grad_fn.inputs, parts)
                if not retain_graph:
                    node.grad_fn.free()
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


def own(gradient: np.ndarray, dtype, alone: bool) -> np.ndarray:
    """A gradient as an array that nobody else holds: itself if that is certain, or else a copy."""
    if alone and gradient.base is None and gradient.flags.writeable and gradient.dtype == dtype:
        return gradient
    return np.array(gradient, dtype=dtype)


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
    if leaf.grad is None:
        leaf.grad = own(gradient, leaf.dtype, alone)
    else:
        leaf.grad += gradient


def start_of(output: Variable, gradient, create_graph: bool):
    """The gradient to start from: an array, or a variable if the way back is to be recorded."""
    start = starting_gradient(output, gradient)
    if not create_graph:
        return start
    return gradient if isinstance(gradient, Variable) else Variable(start, requires_grad=False)


def run_back(
    start: dict, retain_graph: bool, create_graph: bool, wanted: Sequence = ()
) -> dict[Variable | Tensor, np.ndarray | Variable]:
    """Propagate gradients, with recording and numpy's warnings as they should be meanwhile."""
    before, recording.enabled = recording.enabled, create_graph
    try:
        with np.errstate(all="ignore"):
            gradients = propagate(start, retain_graph or create_graph, wanted, create_graph)
        for x, gradient in gradients.items():
            if getattr(x, "hooks", None) and x.is_leaf:  # the others' have been called on the way
                gradients[x] = after_hooks(x, gradient)
            if create_graph and gradient.dtype != x.dtype:
                gradients[x] = record(of_dtype, gradients[x], dtype=x.dtype)
        return gradients
    finally:
        recording.enabled = before


def of_dtype(x: np.ndarray, dtype) -> np.ndarray:
    """``x`` in another floating dtype."""
    return x.astype(dtype)


@derivative(of_dtype)
def of_dtype_x(grad, out, x, dtype):
    """The gradient goes back in the dtype of x."""
    return through(of_dtype, grad, dtype=x.dtype)


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
    seen = set()
    for leaf, grad in run_back({output: start}, retain_graph, create_graph).items():
        if create_graph:
            deposit_variable(leaf, grad)
        else:
            deposit(leaf, grad, alone=id(grad) not in seen)
            seen.add(id(grad))


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


def restore_axes(reduced, x, axis):
    """Give the result of a reduction of `x` its lost axes back, each with length 1."""
    if axis is None:
        return reduced
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


@derivative(np.sum)
def sum_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 times itself to its sum; returns the shape of x."""
    return restore_axes(grad, x, axis) * np.ones(x.shape, x.dtype)


@derivative(np.mean)
def mean_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 / n times itself to its mean of n; if x is empty, nothing fails."""
    return sum_x(grad, out, x, axis) * (out.size / max(x.size, 1))


@derivative(np.var)
def var_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a variance of n elements by one of them is 2 (x - mean) / n."""
    mean = x.mean(axis=axis, keepdims=True)
    return mean_x(grad, out, x, axis, keepdims) * 2 * (x - mean)


@derivative(np.max)
@derivative(np.min)
def max_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a maximum (or minimum) is 1 at its place, else 0; ties share equally."""
    at_extreme = (x == restore_axes(out, x, axis)).astype(x.dtype)
    share = at_extreme / at_extreme.sum(axis=axis, keepdims=True)
    return restore_axes(grad, x, axis) * share


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


def through(function: Callable, *inputs, **parameters):
    """Call a function of arrays; if there is a variable among its inputs, record it."""
    if any(isinstance(x, Variable) for x in inputs):
        return record(function, *inputs, **parameters)
    return function(*inputs, **parameters)


def takes_each_once(index) -> bool:
    """Whether an index cannot name an element twice, as lists of whole numbers can."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(p, plain) or np.asarray(p).dtype == bool for p in parts)


@derivative(np.reshape)
def reshape_x(grad, out, x, shape):
    """The elements go back to their places in the shape of x."""
    return grad.reshape(x.shape)


@derivative(np.transpose)
def transpose_x(grad, out, x, axes=None):
    """The axes go back in the inverse order; `axes` may be negative, and None reverses them."""
    if axes is None:
        return grad.transpose()
    return grad.transpose(np.argsort(np.array(axes) % x.ndim).tolist())


def scatter(x: np.ndarray, shape: tuple[int, ...], index) -> np.ndarray:
    """Zeros of the given shape and the dtype of `x`, with `x` added at `index`."""
    out = np.zeros(shape, x.dtype)
    if takes_each_once(index):
        out[index] = x
    else:
        np.add.at(out, index, x)
    return out


@derivative(getitem)
def getitem_x(grad, out, x, index):
    """The gradient of what was taken goes back to where it was; what was not taken gets 0."""
    return through(scatter, grad, shape=x.shape, index=index)


@derivative(scatter)
def scatter_x(grad, out, x, shape, index):
    """What was put at the index is taken from there."""
    return grad[index]


@derivative(np.maximum, 0)
def maximum_x(grad, out, x, y):
    """The derivative of maximum(x, y) by x is 1 where x is larger, and 1/2 where both are equal."""
    return (grad * (x > y) + grad * (x >= y)) * 0.5


@derivative(np.maximum, 1)
def maximum_y(grad, out, x, y):
    """The derivative of maximum(x, y) by y is 1 where y is larger, and 1/2 where both are equal."""
    return (grad * (x < y) + grad * (x <= y)) * 0.5


@derivative(np.minimum, 0)
def minimum_x(grad, out, x, y):
    """Minimum is to maximum as < is to >."""
    return maximum_y(grad, out, x, y)


@derivative(np.minimum, 1)
def minimum_y(grad, out, x, y):
    """Minimum is to maximum as < is to >."""
    return maximum_x(grad, out, x, y)


@derivative(np.where, 1)
def where_x(grad, out, condition, x, y):
    """Where the condition holds, out is x."""
    return through(np.where, condition, grad, 0.0)


@derivative(np.where, 2)
def where_y(grad, out, condition, x, y):
    """Where the condition does not hold, out is y."""
    return through(np.where, condition, 0.0, grad)


def clip_values(x: np.ndarray, min=None, max=None) -> np.ndarray:
    """``x``, with what lies below `min` or above `max` moved to that bound; None is no bound."""
    return np.clip(x, min, max)


@derivative(clip_values)
def clip_x(grad, out, x, min=None, max=None):
    """The derivative is 1 within the bounds and on them, and 0 outside."""
    return grad * (x == out)


def join(*arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays one after the other, along an axis that they have."""
    return np.concatenate(arrays, axis)


@derivative(join, EVERY)
def join_each(grad, out, *arrays, axis, argument):
    """Each array gets the piece of the gradient that stands where the array stood."""
    lengths = [x.shape[axis] for x in arrays]
    start = sum(lengths[:argument])
    piece = slice(start, start + lengths[argument])
    return grad[(slice(None),) * (axis % grad.ndim) + (piece,)]


def pile(*arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays of the same shape side by side, along a new axis."""
    return np.stack(arrays, axis)


@derivative(pile, EVERY)
def pile_each(grad, out, *arrays, axis, argument):
    """Each array gets the layer of the gradient that stands where the array stood."""
    return grad[(slice(None),) * (axis % grad.ndim) + (argument,)]


def surround(x: np.ndarray, pad_width, value: float = 0.0) -> np.ndarray:
    """``x`` with `value` around it, as many as `pad_width` says (as in `numpy.pad`)."""
    return np.pad(x, pad_width, constant_values=value)


@derivative(surround)
def surround_x(grad, out, x, pad_width, value=0.0):
    """What was put around x is cut off again."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    inside = zip(widths, x.shape, strict=True)
    return grad[tuple(slice(before, before + n) for (before, _), n in inside)]


LINEAR |= {scatter, join, pile, surround, itself}  # as in section 4: these rules read no values
for function, name in (
    (clip_values, "clip"),
    (join, "concatenate"),
    (pile, "stack"),
    (surround, "pad"),
):
    function.__name__ = name  # what messages and graphs call it


def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean negative logarithm of the probability of the right class.

    Parameters
    ----------
    scores : ndarray of shape (examples, classes)
        Their softmax gives the probabilities.
    labels : integer array of shape (examples,)
        The right class of each example.

    Returns
    -------
    number
        Of the dtype of the scores.
    """
    labels = np.asarray(labels)
    fit = scores.ndim == 2 and labels.shape == scores.shape[:1] and labels.dtype.kind in "iu"
    if not (fit and labels.size and labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise ValueError(
            f"scores of shape {scores.shape} need one whole number from 0 to the number of classes "
            f"- 1 as the label of each row, but got {labels!r:.60}"
        )
    shifted = scores - scores.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return (np.log(np.exp(shifted).sum(axis=1)).sum() - chosen.sum()) / len(labels)


def one_hot(labels: np.ndarray, shape: tuple[int, int], dtype) -> np.ndarray:
    """Rows of zeros, with a 1 at the place that the label names."""
    out = np.zeros(shape, dtype)
    out[np.arange(len(labels)), labels] = 1
    return out


@derivative(softmax_cross_entropy, 0)
def cross_entropy_scores(grad, out, scores, labels):
    """The probabilities, minus 1 at the right class, over the number of examples."""
    probabilities = through(activations.softmax, scores, axis=1)
    right = one_hot(labels, scores.shape, scores.dtype)
    return (probabilities - right) * (grad / len(labels))


def variable_function(name: str, function: Callable, inputs: int = 1, settings: str = ""):
    """A function of variables and tensors that applies a numpy function.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        The numpy function.
    inputs : int
        How many inputs it has.
    settings : str
        The names of its parameters after the inputs, separated by blanks.

    Returns
    -------
    callable
        Takes the inputs, and the settings by position or by name.
    """
    names = settings.split()

    def applied(*arguments, **parameters):
        if not inputs <= len(arguments) <= inputs + len(names):
            count = "1 input" if inputs == 1 else f"{inputs} inputs"
            too = f", then {', '.join(names)}" if names else ""
            raise TypeError(f"{name} takes {count}{too}; it was given {len(arguments)}")
        parameters.update(zip(names, arguments[inputs:], strict=False))
        return apply(function, *arguments[:inputs], **parameters)

    applied.__name__ = applied.__qualname__ = name
    applied.__doc__ = f"Apply `{function.__name__}` to variables, tensors, arrays and numbers."
    return applied


add = variable_function("add", np.add, 2)
subtract = variable_function("subtract", np.subtract, 2)
multiply = variable_function("multiply", np.multiply, 2)
divide = variable_function("divide", np.divide, 2)
power = variable_function("power", np.power, 2)
negative = variable_function("negative", np.negative)
exp = variable_function("exp", np.exp)
log = variable_function("log", np.log)
sqrt = variable_function("sqrt", np.sqrt)
sin = variable_function("sin", np.sin)
cos = variable_function("cos", np.cos)
tanh = variable_function("tanh", np.tanh)
relu = variable_function("relu", activations.relu)
sigmoid = variable_function("sigmoid", activations.sigmoid)
softmax = variable_function("softmax", activations.softmax, 1, "axis")
log_softmax = variable_function("log_softmax", activations.log_softmax, 1, "axis")
cross_entropy = variable_function("cross_entropy", softmax_cross_entropy, 2)
matmul = variable_function("matmul", np.matmul, 2)
mean = variable_function("mean", np.mean, 1, "axis keepdims")
var = variable_function("var", np.var, 1, "axis keepdims")
maximum = variable_function("maximum", np.maximum, 2)
minimum = variable_function("minimum", np.minimum, 2)
where = variable_function("where", np.where, 3)
clip = variable_function("clip", clip_values, 1, "min max")
reshape = variable_function("reshape", np.reshape, 1, "shape")
transpose = variable_function("transpose", np.transpose, 1, "axes")
pad = variable_function("pad", surround, 1, "pad_width value")


def concatenate(arrays: Sequence, axis: int = 0) -> Variable | Tensor:
    """Variables, tensors or arrays one after the other, along an axis that they have."""
    return apply(join, *several(arrays, "concatenate"), axis=axis)


def stack(arrays: Sequence, axis: int = 0) -> Variable | Tensor:
    """Variables, tensors or arrays of the same shape side by side, along a new axis."""
    return apply(pile, *several(arrays, "stack"), axis=axis)


def several(arrays: Sequence, name: str) -> Sequence:
    """A sequence of at least one variable, tensor or array; else an error."""
    if not isinstance(arrays, (list, tuple)) or not arrays:
        raise TypeError(f"{name} needs a list of variables or arrays, but got {arrays!r:.60}")
    return arrays


NAMED_LIKE_BUILTINS = {
    "abs": variable_function("abs", np.abs),
    "max": variable_function("max", np.max, 1, "axis keepdims"),
    "min": variable_function("min", np.min, 1, "axis keepdims"),
    "sum": variable_function("sum", np.sum, 1, "axis keepdims"),
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
    """The gradient to start from for each of the outputs; None where none was given.

    With `single` there is one output, given by itself, and `grad_outputs` is its gradient; else
    `grad_outputs` has one for each.
    """
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
        For each input a new array of its own shape and dtype; where the outputs do not depend on it,
        zeros (as a variable, they require no gradient).

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
    found = run_back(start, retain_graph, create_graph, wanted=inputs)
    gradients = [found[x] if x in found else np.zeros(x.shape, x.dtype) for x in inputs]
    if create_graph:
        return tuple(g if isinstance(g, Variable) else Variable(g, False) for g in gradients)
    seen = set(map(id, given))
    for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):
        gradients[i] = own(g, x.dtype, alone=id(g) not in seen)
        seen.add(id(g))
    return tuple(gradients)


class enable_grad(no_grad):
    """Record, in a ``with enable_grad():`` block or a decorated function, also inside `no_grad`."""

    def __enter__(self) -> enable_grad:
        """Put the present state on the stack, and switch recording on."""
        super().__enter__()
        recording.enabled = True
        return self


def as_tuple(x) -> tuple:
    """Several things as a tuple; whatever is not a tuple is one thing."""
    return x if isinstance(x, tuple) else (x,)


def alike(results: Sequence, like):
    """One result, or a tuple of several, as `like` is one thing or a tuple."""
    return tuple(results) if isinstance(like, tuple) else results[0]


def call_recorded(f: Callable, inputs, create_graph: bool) -> tuple[tuple, Variable | tuple]:
    """Call `f` with variables of its own to differentiate by; gives these, and the outputs.

    With `create_graph` they stay connected to the history of those inputs that have one.
    """
    with enable_grad():
        xs = tuple(
            record(itself, x) if create_graph and needs_gradient(x) else Variable(value(x))
            for x in as_tuple(inputs)
        )
        outputs = f(*xs)
    outputs = tuple(outputs) if isinstance(outputs, list) else outputs
    for out in as_tuple(outputs):
        if not isinstance(out, Variable):
            raise TypeError(
                f"{name_of(f)} must return a Variable, or a tuple of them, but returned {out!r:.60}"
            )
    return xs, outputs


def only_variable(out, f: Callable) -> Variable:
    """What `f` returned, if it is a Variable; else an error."""
    if not isinstance(out, Variable):
        raise TypeError(f"{name_of(f)} must return a Variable, but returned {out!r:.60}")
    return out


def pull_back(outputs: tuple, xs: tuple, seeds: tuple, create_graph: bool) -> tuple:
    """What `grad` gives, with the graph kept; outputs without a history add nothing."""
    if len(seeds) != len(outputs):
        one_for_each = "1 array" if len(outputs) == 1 else f"a tuple of {len(outputs)} arrays"
        raise ValueError(f"v must be {one_for_each}, but {len(seeds)} were given")
    pairs = [(out, v) for out, v in zip(outputs, seeds, strict=True) if out.requires_grad]
    if pairs:
        kept, seeds = zip(*pairs, strict=True)
        return grad(kept, xs, seeds, retain_graph=True, create_graph=create_graph)
    zeros = [np.zeros(x.shape, x.dtype) for x in xs]
    return tuple(Variable(z, requires_grad=False) for z in zeros) if create_graph else tuple(zeros)


def outputs_of(outputs, create_graph: bool):
    """The outputs as they are given back to the user: without a history, unless it was asked for."""
    return outputs if create_graph else alike([x.detach() for x in as_tuple(outputs)], outputs)


def vjp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and the product of a vector with its Jacobian: one backward pass.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : array_like or Variable, or tuple of them
        Where to differentiate. (A list is an array; several inputs are a tuple.)
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the outputs; 1 for an output with one element.
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    outputs : Variable or tuple of Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the inputs.

    Raises
    ------
    TypeError, ValueError
        If `f` gives no variable, or `v` does not fit the outputs.
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    seeds = (None,) * len(as_tuple(outputs)) if v is None else as_tuple(v)
    products = pull_back(as_tuple(outputs), xs, seeds, create_graph)
    return outputs_of(outputs, create_graph), alike(products, inputs)


def jvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and the product of its Jacobian with a vector: the slope along `v`.

    Exact, by two backward passes: the first gives the gradient by the inputs as a linear function of
    the gradient u of the outputs, and the second differentiates that function by u.

    Parameters
    ----------
    f, inputs, create_graph
        As in `vjp`.
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the inputs; 1 for an input with one element.

    Returns
    -------
    outputs : Variable or tuple of Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the outputs.

    Raises
    ------
    TypeError, ValueError
        As in `vjp`; if `v` does not fit the inputs.

    References
    ----------
    Townsend (2017), "A new trick for calculating Jacobian vector products".
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in as_tuple(outputs))
    seeds = (None,) * len(xs) if v is None else as_tuple(v)
    for x, seed in zip(xs, seeds, strict=False):
        starting_gradient(x, seed)  # refuses what does not fit
    gradients = pull_back(as_tuple(outputs), xs, us, create_graph=True)
    products = pull_back(gradients, us, seeds, create_graph)
    return outputs_of(outputs, create_graph), alike(products, outputs)


def hvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The output of `f`, and the product of its Hessian with a vector, without the Hessian.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable with one element.
    inputs, create_graph
        As in `vjp`.
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the inputs; 1 for an input with one element.

    Returns
    -------
    output : Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the inputs.

    Raises
    ------
    TypeError, ValueError
        As in `vjp`; if the output has not exactly one element.

    References
    ----------
    Pearlmutter (1994), "Fast exact multiplication by the Hessian".
    """
    xs, output = call_recorded(f, inputs, create_graph)
    gradients = pull_back((only_variable(output, f),), xs, (None,), create_graph=True)
    seeds = (None,) * len(xs) if v is None else as_tuple(v)
    products = pull_back(gradients, xs, seeds, create_graph)
    return outputs_of(output, create_graph), alike(products, inputs)


def stacked(rows: Sequence, shape: tuple[int, ...], dtype) -> np.ndarray | Variable:
    """Arrays or variables, one below the other, in a given shape; without any, zeros."""
    if not rows:
        return np.zeros(shape, dtype)
    together = stack if isinstance(rows[0], Variable) else np.stack
    return together(list(rows)).reshape(shape)


def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of one output by all inputs, a backward pass for each of its elements.

    Parameters
    ----------
    out : Variable
        The output.
    xs : tuple of Variable
        The inputs.
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    list of ndarray, or of Variable if `create_graph`
        For each input an array of shape ``out.shape + x.shape``: element ``[i, j]`` is the derivative
        of element i of the output by element j of the input (both may be several indices).
    """
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
    return [
        stacked([row[i] for row in rows], out.shape + x.shape, x.dtype) for i, x in enumerate(xs)
    ]


def jacobian(f: Callable, inputs, create_graph: bool = False):
    """All derivatives of all outputs of a function by all its inputs.

    Parameters
    ----------
    f, inputs, create_graph
        As in `vjp`.

    Returns
    -------
    ndarray of shape ``output.shape + input.shape``, or a tuple of them
        Element ``[i, j]`` is the derivative of element i of the output by element j of the input
        (both may be several indices). For several inputs a tuple, for several outputs a tuple of
        what one output gives; variables if `create_graph`.

    Raises
    ------
    TypeError
        If `f` gives no variable.
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    tables = [alike(jacobian_of(out, xs, create_graph), inputs) for out in as_tuple(outputs)]
    return alike(tables, outputs)


def hessian(f: Callable, inputs, create_graph: bool = False):
    """All second derivatives of a function with one output: the Jacobian of its gradient.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable with one element.
    inputs, create_graph
        As in `vjp`.

    Returns
    -------
    ndarray of shape ``input.shape + input.shape``, or a tuple of tuples of them
        For several inputs, element ``[a][b]`` has the derivatives by input a and input b.

    Raises
    ------
    TypeError, ValueError
        As in `hvp`.
    """

    def gradient(*xs):
        return pull_back((only_variable(f(*xs), f),), xs, (None,), create_graph=True)

    tables = jacobian(gradient, as_tuple(inputs), create_graph)
    return tables if isinstance(inputs, tuple) else tables[0][0]


def random_state(generators: Sequence) -> tuple:
    """The state of numpy's global random numbers, and of the given generators."""
    return np.random.get_state(), [g.bit_generator.state for g in generators]


def set_random_state(state: tuple, generators: Sequence) -> None:
    """Go back to a state that `random_state` gave."""
    np.random.set_state(state[0])
    for generator, one in zip(generators, state[1], strict=True):
        generator.bit_generator.state = one


def checkpoint(f: Callable, *inputs, generators: Sequence[np.random.Generator] = ()) -> Variable:
    """Call `f`, keep only its inputs and its output, and compute it again in the backward pass.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Variable. It may use weights and variables from outside; they get
        their gradients. Called again, it must do the same.
    *inputs : Variable, Tensor, array_like
        Its inputs.
    generators : sequence of numpy.random.Generator
        Generators that `f` draws from: for the second call they go back to the state of the first,
        as numpy's global random numbers do in any case.

    Returns
    -------
    Variable
        What `f` returned.

    Raises
    ------
    TypeError
        If `f` returns anything but a Variable.

    References
    ----------
    Chen, Xu, Zhang and Guestrin (2016), "Training deep nets with sublinear memory cost".
    """
    if not recording.enabled:
        return only_variable(f(*inputs), f)
    state, before, recording.touched = random_state(generators), recording.touched, {}
    try:
        with no_grad():
            out = only_variable(f(*inputs), f)
        given = {id(x) for x in inputs}
        used = (*recording.touched, *([out] if needs_gradient(out) else []))
        outside = [x for x in used if id(x) not in given]
    finally:
        recording.touched = before
    note = Checkpoint(f, (*inputs, *outside), {}, out.data.data)
    note.count, note.state, note.generators = len(inputs), state, generators
    return computed(note.out, note) if any(map(needs_gradient, note.inputs)) else out.detach()


class Checkpoint(Operation):
    """A recorded call of a whole function, of which only the inputs and the output were kept."""

    __slots__ = ("count", "generators", "state")

    def __call__(self, grad, out=None, values=None) -> list:
        """Call the function again, recorded this time, and go back through it."""
        refuse_changes(self)
        create_graph, since = values is not None, next(creation_order)
        now = random_state(self.generators)
        set_random_state(self.state, self.generators)
        try:
            with enable_grad():
                xs = [anew(x, create_graph) for x in self.inputs[: self.count]]
                again = self.function(*xs)
        finally:
            set_random_state(now, self.generators)
        found = propagate({again: grad}, create_graph, (), create_graph, since)
        for x, new in zip(self.inputs, xs, strict=False):
            if new is not x and new in found:
                accumulate(found, set(), [x], [found.pop(new)])  # f may use x from outside as well
        return [found.pop(x, None) if needs_gradient(x) else None for x in self.inputs]


def anew(x, connected: bool):
    """An input for the second call; if it needs a gradient, as a new variable.

    A leaf, so that the way back ends here; or, to be differentiated again, connected to `x`.
    """
    if not needs_gradient(x):
        return x
    return record(itself, x) if connected else Variable(x.data if isinstance(x, Variable) else x)


def checkpoint_sequential(functions: Sequence[Callable], segments: int, x: Variable) -> Variable:
    """Call functions one after the other, in nearly equal segments with a `checkpoint` around each.

    Parameters
    ----------
    functions : sequence of callable
        Each takes what the one before has returned, the first takes `x`.
    segments : int
        How many segments, from 1 to the number of functions; their lengths differ by at most one.
    x : Variable
        The input.

    Returns
    -------
    Variable
        What the last function returned.

    Raises
    ------
    ValueError
        If there are fewer segments than one, or more than functions.
    """
    n = len(functions)
    if not 1 <= segments <= n:
        raise ValueError(f"segments must be from 1 to {n}, the functions' number; got {segments}")

    def run(part, z):
        for function in part:
            z = function(z)
        return z

    for i in range(segments):
        part = functions[i * n // segments : (i + 1) * n // segments]
        x = checkpoint(partial(run, part), x)
    return x


class Context:
    """What the forward pass of a `Function` leaves for its backward pass.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each input, whether its gradient is wanted.
    saved_tensors : tuple
        What `save_for_backward` was given; variables where it was inputs or results.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        self.needs_input_grad = needs_input_grad
        self.saved: tuple = ()
        self.stand_ins: dict[int, Variable] = {}

    def save_for_backward(self, *saved) -> None:
        """Keep inputs, the output, or whatever else the backward pass will need."""
        self.saved = saved

    @property
    def saved_tensors(self) -> tuple:
        return tuple(self.stand_ins.get(id(x), x) for x in self.saved)


class Function:
    """An operation with a forward and a backward pass of your own.

    Derive from it, write the two static methods, and call ``YourFunction.apply(x, …)``.

    Examples
    --------
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3.0 * x * x
    >>> x = Variable(2.0)
    >>> Cube.apply(x).backward()
    >>> float(x.grad)
    12.0
    """

    @staticmethod
    def forward(ctx: Context, *inputs, **parameters):
        """Compute the result from the inputs, as they were given to `apply`."""
        raise NotImplementedError("a Function needs a static method forward(ctx, …)")

    @staticmethod
    def backward(ctx: Context, grad: Variable):
        """The gradient by each input, from the one by the output; None where there is none.

        With operators of variables, it can itself be differentiated.
        """
        raise NotImplementedError("a Function needs a static method backward(ctx, grad)")

    @classmethod
    def apply(cls, *inputs, **parameters) -> Variable:
        """Run the forward pass, and record it.

        Parameters
        ----------
        *inputs, **parameters
            Handed to `forward`. Gradients are asked for those inputs that require one.

        Returns
        -------
        Variable
            The result of `forward`.

        Raises
        ------
        RuntimeError, ValueError
            In the backward pass, if `backward` gives another number of gradients than there are
            inputs, or a gradient of another shape.
        """
        ctx = Context(tuple(needs_gradient(x) for x in inputs))
        with no_grad():
            result = cls.forward(ctx, *inputs, **parameters)
        array = np.array(value(result)) if any(result is x for x in inputs) else value(result)
        array = as_array(array)
        if not (recording.enabled and any(ctx.needs_input_grad)):
            if recording.touched is not None:
                recording.touched.update((x, None) for x in inputs if needs_gradient(x))
            return computed(array)
        note = CustomOperation(cls, inputs, {}, array)
        note.ctx, note.result = ctx, id(result)
        return computed(array, note)


class CustomOperation(Operation):
    """A recorded call of a `Function`."""

    __slots__ = ("ctx", "result")

    def __call__(self, grad, out=None, values=None) -> list:
        """Call the backward pass that the user has written, and check what it gives."""
        refuse_changes(self)
        if values is not None:
            self.ctx.stand_ins = dict(zip(map(id, self.inputs), values, strict=True))
            self.ctx.stand_ins[self.result] = out
        grad = grad if isinstance(grad, Variable) else computed(grad)
        given = self.function.backward(self.ctx, grad)
        self.ctx.stand_ins = {}
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        name = f"{name_of(self.function)}.backward"
        if len(parts) != len(self.inputs):
            raise RuntimeError(
                f"{name} gave {len(parts)} gradients for {len(self.inputs)} inputs; "
                "return one for each, and None where there is none"
            )
        for i, (x, part) in enumerate(zip(self.inputs, parts, strict=True)):
            if part is None or not needs_gradient(x):
                parts[i] = None
            else:
                part = part if values is not None and isinstance(part, Variable) else value(part)
                parts[i] = same_shape(part, x, name)
        return parts


def gradients_of(parameters) -> list[np.ndarray]:
    """The gradients of those parameters that have one, as arrays to be changed; each only once.

    A gradient that is a variable (from ``create_graph=True``) is first replaced by an array.
    """
    given = [parameters] if hasattr(parameters, "requires_grad") else list(parameters)
    for x in given:
        if isinstance(x.grad, Variable):
            x.grad = np.array(x.grad.data.data)
    return list({id(x.grad): x.grad for x in given if x.grad is not None}.values())


def clip_grad_norm_(parameters, max_norm: float) -> float:
    """Scale the gradients of all parameters together, in place, to a norm of at most `max_norm`.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    max_norm : float
        The largest norm to allow, not negative.

    Returns
    -------
    float
        The norm before: the square root of the sum of the squares of all elements of all gradients.
        If it is not finite, no gradient is changed.

    Raises
    ------
    ValueError
        If `max_norm` is negative or not a number.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be a number that is not negative, but got {max_norm!r}")
    gradients = gradients_of(parameters)
    norm = float(np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in gradients)))
    if max_norm < norm < np.inf:
        for g in gradients:
            g *= max_norm / norm
    return norm


def clip_grad_value_(parameters, clip_value: float) -> None:
    """Move every element of every gradient, in place, into ``[-clip_value, clip_value]``.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    clip_value : float
        The largest element to allow, not negative.

    Raises
    ------
    ValueError
        If `clip_value` is negative or not a number.
    """
    if not clip_value >= 0:
        raise ValueError(
            f"clip_value must be a number that is not negative, but got {clip_value!r}"
        )
    for g in gradients_of(parameters):
        np.clip(g, -clip_value, clip_value, out=g)


def slopes_along(
    f: Callable, xs: tuple, directions: Sequence, weights: tuple, eps: float
) -> tuple[float, float]:
    """The slope of the weighted sum of all outputs along a direction, in two ways.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    xs : tuple of ndarray
        Its inputs; not changed.
    directions : sequence of ndarray
        For each input an array of its shape: the direction.
    weights : tuple of ndarray
        For each output an array of its shape: the weights.
    eps : float
        How far to step to either side.

    Returns
    -------
    by_gradient : float
        The gradient of ``sum(weights * outputs)`` times the direction, over all inputs.
    by_difference : float
        The central difference of ``sum(weights * outputs)``, all inputs moved at once:
        from ``x - eps * direction`` to ``x + eps * direction``.
    """
    gradients = vjp(f, xs, weights)[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def total(sign: int) -> float:
        moved = tuple(x + sign * eps * d for x, d in zip(xs, directions, strict=True))
        outputs = as_tuple(call_recorded(f, moved, False)[1])
        return sum(map(np.vdot, weights, [y.numpy() for y in outputs]))

    return by_gradient, (total(1) - total(-1)) / (2 * eps)


class GradcheckError(RuntimeError):
    """A gradient that differs from the difference quotient."""


def gradcheck(
    f: Callable, inputs, eps: float = 1e-6, atol: float = 1e-6, rtol: float = 1e-5, rng=0
):
    """Check the gradients of `f` against central differences.

    The check itself is one number: the slope of a random combination of the outputs along a random
    direction. If that is wrong, every element is looked at, to say which.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : float64 array or Variable, or tuple of them
        Where to check; away from corners.
    eps : float
        How far to step.
    atol, rtol : float
        How far the numbers may lie apart: ``atol + rtol * |expected|``.
    rng : numpy.random.Generator or int
        The source of the random directions, or its seed.

    Returns
    -------
    True
        If all agrees.

    Raises
    ------
    GradcheckError
        If not; names the input, the element, and both numbers.
    TypeError
        If an input is not float64, in which differences would be too coarse to judge by.
    """
    rng = np.random.default_rng(rng)
    xs = tuple(np.asarray(value(x)) for x in as_tuple(inputs))
    for position, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(
                f"gradcheck needs float64 inputs, but input {position} is {x.dtype}; "
                "differences in it are too coarse, so convert it with .astype(np.float64)"
            )
    outputs = as_tuple(call_recorded(f, xs, False)[1])
    weights = tuple(rng.normal(size=y.shape) for y in outputs)
    directions = [rng.normal(size=x.shape) for x in xs]
    slopes = slopes_along(f, xs, directions, weights, eps)
    if not agree(*slopes, atol, rtol):
        terms = zip(vjp(f, xs, weights)[1], directions, strict=True)
        size = sum(float(np.abs(g * d).sum()) for g, d in terms)  # rounding errors grow with it
        if not agree(*slopes, atol + rtol * size, rtol):
            raise GradcheckError(explanation(f, xs, weights, eps, atol, rtol, slopes))
    return True


def agree(by_gradient: float, by_difference: float, atol: float, rtol: float) -> bool:
    """Whether two slopes are equal within the tolerance; a nan never is."""
    return abs(by_gradient - by_difference) <= atol + rtol * abs(by_difference)


def explanation(f, xs, weights, eps, atol, rtol, slopes) -> str:
    """Which element of which input has a wrong gradient: the first that differs by itself."""
    for position, x in enumerate(xs):
        for index in np.ndindex(x.shape):
            unit = [np.zeros_like(other) for other in xs]
            unit[position][index] = 1.0
            by_gradient, by_difference = slopes_along(f, xs, unit, weights, eps)
            if not agree(by_gradient, by_difference, atol, rtol):
                place = f"element {index} of input {position}" if index else f"input {position}"
                return (
                    f"the gradient by {place} is {by_gradient:.8g}, but the difference quotient is "
                    f"{by_difference:.8g} (outputs weighted at random)"
                )
    return (
        f"along a random direction the slope is {slopes[0]:.8g} by the gradient and {slopes[1]:.8g} "
        "by the difference quotient, though no single element differs"
    )


def gradgradcheck(f: Callable, inputs, **settings):
    """Check the second derivatives of `f`: `gradcheck` of its gradient along a random direction.

    Parameters
    ----------
    f, inputs, **settings
        As in `gradcheck`.

    Returns
    -------
    True
        If all agrees.

    Raises
    ------
    GradcheckError, TypeError
        As in `gradcheck`.
    """
    rng = np.random.default_rng(settings.get("rng", 0))
    outputs = as_tuple(call_recorded(f, inputs, False)[1])
    seeds = tuple(rng.normal(size=out.shape) for out in outputs)

    def gradient(*xs):
        return pull_back(as_tuple(f(*xs)), xs, seeds, create_graph=True)

    return gradcheck(gradient, inputs, **settings)


class AnomalyError(RuntimeError):
    """An operation made the first number that is not finite."""


class detect_anomaly(contextlib.ContextDecorator):
    """Raise an error at the operation that first makes a NaN or an infinity.

    In a ``with detect_anomaly():`` block or a decorated function; forwards and backwards. The error
    names the operation, what it was given, and the line of the program that called it. Slow: for
    looking for a mistake only.
    """

    def __enter__(self) -> detect_anomaly:
        alarms.append(threading.get_ident())
        return self

    def __exit__(self, *error) -> None:
        alarms.remove(threading.get_ident())


origins: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def users_line() -> str:
    """Where the program outside of TinyTorch is: file, line, and the text of the line."""
    frame = sys._getframe(1)
    functions = (
        record,
        look_at,
        look_back,
        Variable.__add__,
        Variable.__apply__,
        add,
        stack,
        concatenate,
    )
    ours = {function.__code__ for function in functions}  # in a notebook, where they are the user's
    while frame.f_back and (
        frame.f_globals.get("__name__", "").startswith("tinytorch.") or frame.f_code in ours
    ):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    place = "a cell of the notebook" if "ipykernel" in name else name
    return f"{place}, line {line}: {linecache.getline(name, line).strip()}"


def not_finite(x) -> bool:
    """Whether there is a NaN or an infinity among floating numbers."""
    array = np.asarray(value(x))
    return array.dtype.kind == "f" and not np.isfinite(array).all()


def look_at(function: Callable, values: Sequence, out: Variable) -> None:
    """Raise an error if `out` is not finite although all that it was made from is."""
    if out.grad_fn is not None:
        origins[out.grad_fn] = users_line()
    if threading.get_ident() in alarms and not_finite(out) and not any(map(not_finite, values)):
        given = ", ".join(f"{np.asarray(x)!s:.60}" for x in values)
        raise AnomalyError(
            f"{name_of(function)} of {given} gave {np.asarray(out)!s:.60} in {users_line()}"
        )


def look_back(node: Variable, grad, parts: Sequence) -> None:
    """Raise an error if a gradient is not finite although the one that it was made from is."""
    if threading.get_ident() not in alarms or not_finite(grad):
        return
    for position, part in enumerate(parts):
        if part is not None and not_finite(part):
            raise AnomalyError(
                f"the gradient by input {position} of {node.grad_fn!r} is {np.asarray(part)!s:.60}; "
                f"it was called in {origins.get(node.grad_fn, 'a line that was not watched')}"
            )


class Handle:
    """What `register_hook` gives: call ``remove()`` to take the hook off again."""

    def __init__(self, hooks: dict, key: int):
        self.hooks, self.key = hooks, key

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self.hooks.pop(self.key, None)


__all__ = [
    "AnomalyError",
    "Checkpoint",
    "Context",
    "CustomOperation",
    "EVERY",
    "Function",
    "GradcheckError",
    "Handle",
    "LINEAR",
    "NAMED_LIKE_BUILTINS",
    "NOTHING",
    "NUMBERS",
    "Operation",
    "READS",
    "RULES",
    "Recording",
    "RuleForEvery",
    "Variable",
    "VariableMethods",
    "WITHOUT_SLOPE",
    "abs_x",
    "accumulate",
    "add",
    "add_x",
    "add_y",
    "after_hooks",
    "agree",
    "alarms",
    "alike",
    "anew",
    "as_tuple",
    "backward",
    "calculate",
    "call_recorded",
    "checkpoint",
    "checkpoint_sequential",
    "clip",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_values",
    "clip_x",
    "closed",
    "computed",
    "concatenate",
    "cos",
    "cos_x",
    "creation_order",
    "cross_entropy",
    "cross_entropy_scores",
    "dead_ends",
    "deposit",
    "deposit_variable",
    "derivative",
    "describe",
    "detect_anomaly",
    "divide",
    "divide_x",
    "divide_y",
    "enable_grad",
    "exp",
    "exp_x",
    "explanation",
    "fingerprint",
    "getitem_x",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "gradients_of",
    "guards_of",
    "hessian",
    "hvp",
    "inputs_of",
    "itself",
    "itself_x",
    "jacobian",
    "jacobian_of",
    "join",
    "join_each",
    "jvp",
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
    "look_at",
    "look_back",
    "matmul",
    "matmul_x",
    "matmul_y",
    "max_x",
    "maximum",
    "maximum_x",
    "maximum_y",
    "mean",
    "mean_x",
    "minimum",
    "minimum_x",
    "minimum_y",
    "missing_rule",
    "multiply",
    "multiply_x",
    "multiply_y",
    "name_of",
    "needs_gradient",
    "negative",
    "negative_x",
    "no_grad",
    "not_finite",
    "numerical_gradient",
    "of_dtype",
    "of_dtype_x",
    "one_hot",
    "only_variable",
    "origins",
    "outputs_of",
    "own",
    "pad",
    "pile",
    "pile_each",
    "power",
    "power_x",
    "power_y",
    "propagate",
    "pull_back",
    "random_state",
    "record",
    "recording",
    "refuse_changes",
    "refuse_variables",
    "relu",
    "relu_x",
    "reshape",
    "reshape_x",
    "restore_axes",
    "reverse_creation_order",
    "run_back",
    "same_shape",
    "scatter",
    "scatter_x",
    "set_random_state",
    "several",
    "sigmoid",
    "sigmoid_x",
    "sin",
    "sin_x",
    "slopes_along",
    "softmax",
    "softmax_cross_entropy",
    "softmax_x",
    "sqrt",
    "sqrt_x",
    "stack",
    "stacked",
    "start_of",
    "starting_gradient",
    "step_back",
    "straight",
    "subtract",
    "subtract_x",
    "subtract_y",
    "sum_x",
    "surround",
    "surround_x",
    "swap",
    "takes_each_once",
    "tanh",
    "tanh_x",
    "through",
    "transpose",
    "transpose_x",
    "unbroadcast",
    "users_line",
    "var",
    "var_x",
    "variable_function",
    "vjp",
    "where",
    "where_x",
    "where_y",
]

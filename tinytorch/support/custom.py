"""Operations with a forward and a backward pass that a user writes."""

from __future__ import annotations

import sys

from tinytorch.core.autograd import Variable, creation_order, needs_gradient
from tinytorch.core.tensor import Tensor, value
from tinytorch.support.guards import UsersTurn, refuse
from tinytorch.support.hooks import of_the_same_shape
from tinytorch.support.losses import name_of
from tinytorch.support.notes import Note
from tinytorch.support.recording import recording
from tinytorch.support.variables import bare_tensor


class Context:
    """What the forward pass of a `Function` leaves for its backward pass.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each input, whether its gradient is wanted.
    saved_tensors : tuple
        What `save_for_backward` was given: inputs and results with the values that they had then,
        as variables that can be differentiated again if the backward pass is recorded.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        self.needs_input_grad = needs_input_grad
        self.saved: tuple = ()
        self.stand_ins: dict[int, Variable] = {}
        self.since = next(creation_order)
        self.until = sys.maxsize  # until forward has ended
        self.recorded = False

    def save_for_backward(self, *saved) -> None:
        """Keep inputs, the output, or whatever else the backward pass will need."""
        self.saved = saved

    @property
    def saved_tensors(self) -> tuple:
        return tuple(self.stand_in(x) for x in self.saved)

    def stand_in(self, x):
        """What the backward pass gets for something that was saved."""
        if id(x) in self.stand_ins:
            return self.stand_ins[id(x)]
        between = isinstance(x, Variable) and self.since < x.order < self.until
        if between and self.recorded:
            raise RuntimeError(
                "forward saved an intermediate result, whose history nobody knows, so the second "
                "derivative would be wrong; save inputs or the result, and compute it in backward"
            )
        return x


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
        TypeError
            If `forward` gives several results, or anything but numbers.
        RuntimeError, ValueError
            In the backward pass, if `backward` gives another number of gradients than there are
            inputs, or a gradient of another shape.
        """
        ctx = Context(tuple(needs_gradient(x) for x in inputs))
        values = [array_of(x) for x in inputs]
        with recording.switched(False):
            given = cls.forward(ctx, *inputs, **parameters)
        ctx.until = next(creation_order)
        result = Variable(one_result(cls, given, inputs), requires_grad=False)
        if recording.enabled and any(ctx.needs_input_grad):
            result.requires_grad = True
            result.grad_fn = CustomOperation(cls, inputs, values, parameters, ctx, given)
        recording.computed(cls, inputs, result, parameters)
        return result


class CustomOperation(Note):
    """A recorded call of a `Function`."""

    __slots__ = ("ctx", "given")

    def __init__(self, function, inputs, values, parameters, ctx, given):
        super().__init__(function, inputs, values, parameters)
        self.ctx, self.given = ctx, given if isinstance(given, Variable) else None

    def __call__(self, grad, out) -> list:
        """Call the backward pass that the user has written, and check what it gives."""
        recorded = isinstance(grad, Variable)
        grad = grad if recorded else constant(grad)
        name = f"{name_of(self.function)}.backward"
        self.ctx.stand_ins, self.ctx.recorded = self.stand_ins(recorded, out), recorded
        try:
            with UsersTurn():
                parts = self.function.backward(self.ctx, grad)
        finally:
            self.ctx.stand_ins = {}
        parts = list(parts) if isinstance(parts, (tuple, list)) else [parts]
        if len(parts) != len(self.inputs):
            raise RuntimeError(
                f"{name} gave {len(parts)} gradients for {len(self.inputs)} inputs; "
                "return one for each, and None where there is none"
            )
        return [
            share_of(part, x, name, recorded) for x, part in zip(self.inputs, parts, strict=True)
        ]

    def stand_ins(self, recorded: bool, out: Variable) -> dict[int, Variable]:
        """For inputs and the result, by identity, variables with the values of then."""
        found = {} if self.given is None else {id(self.given): out if recorded else out.detach()}
        for x, v in zip(self.inputs, self.values, strict=True):
            if recorded and needs_gradient(x):
                if array_of(x) is not v:
                    refuse(self)
                found[id(x)] = x
            elif isinstance(x, (Variable, Tensor)):
                found[id(x)] = constant(v)
        return found

    def free(self) -> None:
        """Forget what was saved, too."""
        super().free()
        self.ctx, self.given = None, None


def array_of(x):
    """The array or the number in a variable, a tensor or whatever else is computed with."""
    return x.data.data if isinstance(x, Variable) else value(x)


def constant(array) -> Variable:
    """A variable without a history."""
    return Variable(bare_tensor(array), requires_grad=False)


def one_result(function, given, inputs):
    """The tensor of what a forward pass gave, with a copy if that is one of the inputs."""
    if isinstance(given, (tuple, list)):
        raise TypeError(
            f"{name_of(function)}.forward gave {len(given)} results; it can have only one, so join "
            "them with stack() or concatenate(), or write a Function for each"
        )
    array = array_of(given)
    if getattr(getattr(array, "dtype", None), "kind", None) != "f":
        return given  # Variable() makes floats of other numbers, and refuses what is none
    shared = any(array is array_of(x) for x in inputs)
    return bare_tensor(array.copy() if shared else array)


def share_of(part, x, name: str, recorded: bool):
    """The gradient for one input, checked; a variable if the backward pass is recorded."""
    if part is None or not needs_gradient(x):
        return None
    part = of_the_same_shape(part if recorded else array_of(part), x, name)
    return part if isinstance(part, Variable) or not recorded else constant(array_of(part))

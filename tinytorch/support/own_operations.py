"""Operations that are not in the table of rules: notes of one's own, which the engine takes like others.

All that the engine asks of an operation is what it was computed from (`inputs`), what each input gets of
a gradient (a call), and to forget (`free`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.core.autograd import Variable, needs_gradient, no_grad
from tinytorch.core.tensor import Tensor, value
from tinytorch.support import guards
from tinytorch.support.arguments import describe
from tinytorch.support.hooks import of_the_same_shape
from tinytorch.support.losses import name_of
from tinytorch.support.recording import recording
from tinytorch.support.variables import bare_tensor, floating_tensor


class OwnOperation:
    """A note with a way back of its own: derive from it, and write ``shares(grad, out)``.

    Parameters
    ----------
    function : callable
        What was called.
    inputs : sequence
        What it was called with.

    Attributes
    ----------
    inputs : tuple
        Those who get a share of the gradient: `shares` gives a list with one for each.
    values : list
        The arrays that were in them; that they have not changed is looked after.
    """

    def __init__(self, function: Callable, inputs):
        self.function, self.inputs = function, tuple(inputs)
        self.values = [array_of(x) for x in self.inputs]
        self.kept, self.parameters = (), {}

    def __call__(self, grad, out: Variable) -> list:
        """What each input gets of the gradient by `out`, if each still holds the array that it did."""
        for x, v in zip(self.inputs, self.values, strict=True):
            if needs_gradient(x) and guards.array_in(x) is not v:
                guards.refuse(self)
        return self.shares(grad, out)

    def shares(self, grad, out: Variable) -> list:
        """What each input gets; None where there is nothing to send."""
        raise NotImplementedError

    def free(self) -> None:
        """Forget everything that needs memory."""
        self.inputs, self.values, self.kept = None, None, ()

    def __repr__(self) -> str:
        inputs = "freed" if self.inputs is None else ", ".join(map(describe, self.inputs))
        return f"<{name_of(self.function)}({inputs})>"


def array_of(x):
    """The array in a tensor or variable, an array itself; of anything else, None."""
    if isinstance(x, (Tensor, Variable)):
        return guards.array_in(x)
    return x if isinstance(x, np.ndarray) else None


def recorded(operation: OwnOperation, out) -> Variable:
    """The result of an operation as a variable: what `record` does with those of the table."""
    array = out.data.data if isinstance(out, Variable) else floating_tensor(out).data
    result = Variable(bare_tensor(array), requires_grad=False)
    if recording.enabled and any(map(needs_gradient, operation.inputs)):
        result.requires_grad, result.grad_fn = True, operation
    recording.computed(operation.function, operation.inputs, result)
    return result


class Context:
    """What the forward pass of a `Function` leaves for its backward pass.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each input, whether its gradient is wanted.
    saved_tensors : tuple
        What `save_for_backward` was given; where the way back is recorded itself, inputs and the
        result are the variables with their history.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        self.needs_input_grad = needs_input_grad
        self.saved: tuple = ()
        self.stand_ins: dict[int, Variable] = {}

    def save_for_backward(self, *saved) -> None:
        """Keep inputs, the output, or what else the backward pass will need."""
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
        """Compute the result from the inputs, which are what `apply` was given."""
        raise NotImplementedError("a Function needs a static method forward(ctx, …)")

    @staticmethod
    def backward(ctx: Context, grad: Variable):
        """The gradient by each input, from the one by the output; None where there is none.

        Written with operators of variables, it can itself be differentiated.
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
            If `forward` gives several results, or a number without a slope.
        RuntimeError, ValueError
            In the backward pass, if `backward` gives another number of gradients than there are
            inputs, or a gradient of another shape.
        """
        ctx = Context(tuple(needs_gradient(x) for x in inputs))
        with no_grad():
            out = cls.forward(ctx, *inputs, **parameters)
        guards.users_turn()
        refuse_result(out, cls)
        operation = CustomOperation(cls, inputs)
        operation.ctx, operation.result = ctx, id(out)
        return recorded(operation, np.array(value(out)) if any(out is x for x in inputs) else out)


def refuse_result(out, cls: type) -> None:
    """Refuse what cannot be one floating array."""
    if isinstance(out, (tuple, list)):
        raise TypeError(
            f"{cls.__name__}.forward gave {len(out)} results, but must give one; join them with "
            "stack() or concatenate(), or write a Function for each"
        )
    dtype = np.asarray(value(out)).dtype
    if dtype.kind != "f":
        raise TypeError(
            f"{cls.__name__}.forward must give floating numbers, but gave {dtype}; convert them "
            "with .astype(x.dtype)"
        )


class CustomOperation(OwnOperation):
    """A recorded call of a `Function`."""

    def shares(self, grad, out: Variable) -> list:
        """Call the backward pass that the user has written, and check what it gives."""
        recorded_again = isinstance(grad, Variable)
        if recorded_again:
            self.ctx.stand_ins = {id(x): x for x in self.inputs if needs_gradient(x)}
            self.ctx.stand_ins[self.result] = out
        seed = grad if recorded_again else Variable(np.array(grad), requires_grad=False)
        try:
            given = self.function.backward(self.ctx, seed)
        finally:
            self.ctx.stand_ins = {}
            guards.users_turn()
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        name = f"{self.function.__name__}.backward"
        if len(parts) != len(self.inputs):
            raise RuntimeError(
                f"{name} gave {len(parts)} gradients for {len(self.inputs)} inputs; "
                "return one for each, and None where there is none"
            )
        return [
            self.checked(part, x, recorded_again, name)
            for part, x in zip(parts, self.inputs, strict=True)
        ]

    def checked(self, part, x, recorded_again: bool, name: str):
        """One gradient as the engine wants it: a variable if the way back is recorded, else an array."""
        if part is None or not needs_gradient(x):
            return None
        array = part.data.data if isinstance(part, Variable) else value(part)
        of_the_same_shape(array, x, name)
        if not recorded_again:
            return array
        return part if isinstance(part, Variable) else Variable(array, requires_grad=False)

    def free(self) -> None:
        """Forget what was saved, too."""
        super().free()
        self.ctx.saved = ()

"""What a checkpoint has to think of: weights from outside, chance, and changes since.

`checkpoint` of module 15 calls a function without recording. The note that is taken here remembers
the function and what it read; on the way back it has module 15 call the function again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch.core.autograd import (
    Variable,
    creation_order,
    is_computed,
    needs_gradient,
    unbroadcast,
)
from tinytorch.core.tensor import Tensor, value
from tinytorch.support.arguments import inputs_of
from tinytorch.support.functional import connected, only_variable
from tinytorch.support.guards import UsersTurn, refuse
from tinytorch.support.notes import Note
from tinytorch.support.recording import recording
from tinytorch.support.variables import bare_tensor


def checkpoint_by(gradients_again: Callable, f: Callable, inputs: tuple, generators: Sequence):
    """Call `f` without recording it, and take a note that has `gradients_again` do it later."""
    if not recording.enabled:
        return only_variable(f(*inputs), f)
    state = random_state(generators)
    with outer_variables(inputs) as outside, recording.switched(False):
        out = only_variable(f(*inputs), f)
    if needs_gradient(out) and all(out is not x for x in (*inputs, *outside)):
        outside.append(out)
    inputs = tuple(inputs) + tuple(outside)
    result = Variable(bare_tensor(out.data.data), requires_grad=False)
    if any(map(needs_gradient, inputs)):
        result.requires_grad = True
        result.grad_fn = note = Checkpoint(f, inputs, [array_of(x) for x in inputs], {})
        note.again, note.state, note.generators = gradients_again, state, generators
        note.count = len(inputs) - len(outside)
    recording.computed(Checkpoint, inputs, result)
    return result


class Checkpoint(Note):
    """A recorded call of a whole function, of which only the inputs and the output were kept."""

    __slots__ = ("again", "count", "generators", "state")

    again: Any  # None once it is freed
    count: int
    generators: Sequence
    state: Any

    def __call__(self, grad, out=None) -> list:
        """Call the function again, recorded this time, and go back through it."""
        for x, before in zip(self.inputs, self.values, strict=True):
            if isinstance(x, (Variable, Tensor)) and array_of(x) is not before:
                refuse(self)  # f will be called with what is in there now
        recorded = isinstance(grad, Variable)
        xs = [anew(x, recorded) for x in self.inputs[: self.count]]
        with UsersTurn(), random_numbers_of(self.state, self.generators):
            found = self.again(self.function, xs, grad)
        found = {x: g if g.shape == x.shape else unbroadcast(g, x.shape) for x, g in found.items()}
        shares = []
        for x, new in zip(self.inputs, [*xs, *self.inputs[self.count :]], strict=True):
            share = found.pop(new, None) if needs_gradient(x) else None
            if new is not x and x in found:  # used from outside as well
                outer = found.pop(x)
                share = outer if share is None else share + outer
            shares.append(share)
        return shares

    def free(self) -> None:
        """Forget the function, too: it may hold on to anything."""
        super().free()
        self.again, self.state, self.generators = None, None, ()


def array_of(x):
    """The array or the number in a variable, a tensor or whatever else is computed with."""
    return x.data.data if isinstance(x, Variable) else value(x)


def anew(x, recorded: bool):
    """An input for the second call; if it needs a gradient, as a new variable.

    A leaf, so that the way back ends here; or, to be differentiated again, connected to `x`.
    """
    if not needs_gradient(x):
        return x
    return connected(x) if recorded else Variable(bare_tensor(array_of(x)))


@contextlib.contextmanager
def outer_variables(inputs: tuple) -> Iterator[list]:
    """A list of what is read in the block, needs a gradient, and was there before it."""
    known, outside, since = {id(x) for x in inputs}, [], next(creation_order)

    def read(function, inputs, result):
        for x in inputs:
            older = getattr(x, "order", -1) < since
            if needs_gradient(x) and older and id(x) not in known:
                known.add(id(x))
                outside.append(x)

    with recording.watched(computed=read):
        yield outside


def recorded_since(order: int, output: Variable) -> list[Variable]:
    """The computed variables younger than `order` that `output` depends on, youngest first."""
    found = {output} if is_computed(output) and output.order > order else set()
    nodes = list(found)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            if is_computed(x) and x.order > order and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=lambda node: node.order, reverse=True)


def random_state(generators: Sequence) -> tuple:
    """The state of numpy's global random numbers, and of the given generators."""
    return np.random.get_state(), [g.bit_generator.state for g in generators]


def set_random_state(state: tuple, generators: Sequence) -> None:
    """Go back to a state that `random_state` gave."""
    np.random.set_state(state[0])
    for generator, one in zip(generators, state[1], strict=True):
        generator.bit_generator.state = one


@contextlib.contextmanager
def random_numbers_of(state: tuple, generators: Sequence) -> Iterator[None]:
    """Draw the same random numbers as then, for the length of a block."""
    now = random_state(generators)
    set_random_state(state, generators)
    try:
        yield
    finally:
        set_random_state(now, generators)

"""What a checkpoint needs besides its idea: random numbers again, what a function touches, its border."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tinytorch.core.autograd import Variable, creation_order, is_computed, needs_gradient, no_grad
from tinytorch.support import guards
from tinytorch.support.arguments import inputs_of
from tinytorch.support.calls import anew, only_variable
from tinytorch.support.recording import recording


class Draws:
    """The random numbers that come next, of numpy and of some generators: to be drawn once more."""

    def __init__(self, generators: Sequence[np.random.Generator] = ()):
        self.generators = tuple(generators)
        self.state = self.now()

    def now(self) -> tuple:
        """The present state."""
        return np.random.get_state(), [g.bit_generator.state for g in self.generators]

    def go_to(self, state: tuple) -> None:
        """Go back to a state."""
        np.random.set_state(state[0])
        for generator, one in zip(self.generators, state[1], strict=True):
            generator.bit_generator.state = one

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """A block in which the same numbers are drawn again; after it, all goes on as before."""
        before = self.now()
        self.go_to(self.state)
        try:
            yield
        finally:
            self.go_to(before)
            guards.users_turn()


def call_unrecorded(f: Callable, inputs: Sequence) -> tuple[Variable, list]:
    """Call a function without recording; gives its result, and what else a gradient has to reach.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Variable.
    inputs : sequence
        What to call it with.

    Returns
    -------
    out : Variable
        What it returned; without a history, unless it was made before the call.
    used : list of Variable and Tensor
        Whatever needs a gradient and was used inside, also from outside of the inputs, such as the
        weights of a layer. What was made inside is not among them.
    """
    used: dict = {}
    beginning = next(creation_order)

    def watcher(function, inputs, result) -> None:
        if result.grad_fn is None:
            used.update(dict.fromkeys(filter(needs_gradient, inputs)))

    with no_grad(), recording.watched(computed=watcher):
        out = only_variable(f(*inputs), f)
    guards.users_turn()
    if needs_gradient(out):  # not computed, but found
        used[out] = None
    return out, [x for x in used if getattr(x, "order", -1) < beginning]


def input_for(x, connected: bool):
    """An input for the second call: a variable of its own, if a gradient has to reach it."""
    return anew(x, connected) if needs_gradient(x) else x


def computed_since(output: Variable, number: int) -> list[Variable]:
    """The computed variables that lead to `output` and came after a number in the order of creation.

    The youngest first. It is what `reverse_creation_order` gives, but does not look beyond the border.
    """
    found = {output} if is_computed(output) and output.order > number else set()
    nodes = list(found)
    for node in nodes:
        for x in inputs_of(node):
            if is_computed(x) and x.order > number and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=lambda node: node.order, reverse=True)

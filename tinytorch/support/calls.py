"""Calling a function with variables of its own, and taking what it gives apart: for module 15."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.core.autograd import Variable, enable_grad, grad, needs_gradient, stack
from tinytorch.support.losses import name_of


class Call:
    """A call of a function, made to be differentiated.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : array_like or Variable, or tuple of them
        Where to call it. (A list is an array; several inputs are a tuple.)
    create_graph : bool
        Whether the new variables stay connected to the history of the inputs.

    Attributes
    ----------
    xs, outs : tuple of Variable
        What `f` was called with, and what it gave: tuples, also where it is only one.

    Raises
    ------
    TypeError
        If `f` gives no variable.
    """

    def __init__(self, f: Callable, inputs, create_graph: bool = False):
        self.f, self.inputs, self.create_graph = f, inputs, create_graph
        with enable_grad():
            self.xs = tuple(anew(x, create_graph) for x in as_tuple(inputs))
            given = f(*self.xs)
        self.given = tuple(given) if isinstance(given, list) else given
        self.outs = as_tuple(self.given)
        for out in self.outs:
            if not isinstance(out, Variable):
                raise TypeError(
                    f"{name_of(f)} must return a Variable, or a tuple of them, but returned "
                    f"{out!r:.60}"
                )

    @property
    def out(self) -> Variable:
        """The output, of a function that gives only one; else an error."""
        return only_variable(self.given, self.f)

    @property
    def result(self):
        """What `f` gave, for the user: without a history, unless that was asked for."""
        return self.given if self.create_graph else self.like_outputs(o.detach() for o in self.outs)

    def like_inputs(self, parts):
        """A part for each input: one, or a tuple, as the inputs were."""
        return alike(parts, self.inputs)

    def like_outputs(self, parts):
        """A part for each output: one, or a tuple, as the outputs were."""
        return alike(parts, self.given)


def anew(x, connected: bool) -> Variable:
    """A new variable of the same values: a leaf; or, if `connected`, computed from `x`."""
    if connected and needs_gradient(x):
        return x.reshape(x.shape)
    return Variable(x.data if isinstance(x, Variable) else x)


def as_tuple(x) -> tuple:
    """Several things as a tuple; what is no tuple is one thing."""
    return x if isinstance(x, tuple) else (x,)


def alike(parts, like):
    """One part, or a tuple of several, as `like` is one thing or a tuple."""
    parts = tuple(parts)
    return parts if isinstance(like, tuple) else parts[0]


def only_variable(out, f: Callable) -> Variable:
    """What `f` returned, if it is one Variable; else an error."""
    if not isinstance(out, Variable):
        raise TypeError(f"{name_of(f)} must return a Variable, but returned {out!r:.60}")
    return out


def pull_back(outs, xs: tuple, v=None, create_graph: bool = False) -> tuple:
    """What `grad` gives for each of `xs`, with the graph kept; outputs without a history add nothing.

    Parameters
    ----------
    outs : Variable or tuple of Variable
        Where to start.
    xs : tuple of Variable
        Where to arrive.
    v : array_like, or tuple of array_like, optional
        What to start with, in the shape of each output; 1 for an output with one element.
    create_graph : bool
        Give variables that can be differentiated again.

    Raises
    ------
    ValueError
        If `v` does not fit the outputs.
    """
    outs = as_tuple(outs)
    vs = (None,) * len(outs) if v is None else as_tuple(v)
    if len(vs) != len(outs):
        wanted = "1 array" if len(outs) == 1 else f"a tuple of {len(outs)} arrays"
        raise ValueError(f"v must be {wanted}, but {len(vs)} were given")
    for out, one in zip(outs, vs, strict=True):
        refuse_misfit(out, one)
    pairs = [(out, one) for out, one in zip(outs, vs, strict=True) if out.requires_grad]
    if pairs:
        kept, seeds = zip(*pairs, strict=True)
        return grad(kept, xs, seeds, retain_graph=True, create_graph=create_graph)
    zeros = [np.zeros(x.shape, x.dtype) for x in xs]
    return tuple(Variable(z, requires_grad=False) if create_graph else z for z in zeros)


def refuse_misfit(out: Variable, v) -> None:
    """Refuse a vector that has another shape than its output."""
    if v is None and out.size != 1:
        raise ValueError(
            f"an output of shape {out.shape} needs a v of that shape; only for one number it is 1"
        )
    if v is not None and np.shape(v) != out.shape:
        raise ValueError(f"v has shape {np.shape(v)}, but must have {out.shape}")


def stacked(rows: Sequence, shape: tuple[int, ...], dtype) -> np.ndarray | Variable:
    """Arrays or variables, one below the other, in a given shape; without any, zeros."""
    if not rows:
        return np.zeros(shape, dtype)
    together = stack if isinstance(rows[0], Variable) else np.stack
    return together(list(rows)).reshape(shape)

"""Module 15 of TinyTorch: derivatives.

Made by `tito export` from source/15_derivatives/derivatives_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tinytorch.core.autograd import (
    Variable,
    creation_order,
    enable_grad,
    grad,
    needs_gradient,
    propagate,
)
from tinytorch.support.anomalies import AnomalyError, is_finite, shares_of, users_line
from tinytorch.support.calls import Call, as_tuple, only_variable, pull_back, stacked
from tinytorch.support.checkpoints import Draws, call_unrecorded, computed_since, input_for
from tinytorch.support.gradient_checks import GradcheckError, compare, gradient_of
from tinytorch.support.own_operations import Function, OwnOperation, recorded
from tinytorch.support.recording import recording, switch


def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of one output by each of `xs`: a backward pass for each element of `out`."""
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back(out, xs, seed, create_graph) for seed in seeds]
    tables = []
    for i, x in enumerate(xs):
        tables.append(stacked([row[i] for row in rows], out.shape + x.shape, x.dtype))
    return tables


def jacobian(f: Callable, inputs, create_graph: bool = False):
    """All derivatives of all outputs of a function by all its inputs.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : array_like or Variable, or tuple of them
        Where to differentiate. (A list is an array; several inputs are a tuple.)
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    ndarray of shape ``output.shape + input.shape``, or a tuple of them
        For several inputs a tuple, for several outputs a tuple of what one output gives.
    """
    call = Call(f, inputs, create_graph)
    tables = [jacobian_of(out, call.xs, create_graph) for out in call.outs]
    return call.like_outputs(call.like_inputs(table) for table in tables)


def vjp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and ``v @ J``, in the form of the inputs: one backward pass."""
    call = Call(f, inputs, create_graph)
    return call.result, call.like_inputs(pull_back(call.outs, call.xs, v, create_graph))


def jvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and ``J @ v``, in the form of the outputs: two backward passes."""
    call = Call(f, inputs, create_graph)
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in call.outs)
    gradients = pull_back(call.outs, call.xs, us, create_graph=True)
    return call.result, call.like_outputs(pull_back(gradients, us, v, create_graph))


def hvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The output of `f`, a single number, and the product of its Hessian with `v`."""
    call = Call(f, inputs, create_graph)
    gradients = pull_back(call.out, call.xs, create_graph=True)
    return call.result, call.like_inputs(pull_back(gradients, call.xs, v, create_graph))


def hessian(f: Callable, inputs, create_graph: bool = False):
    """All second derivatives of a function with one output, in the shape ``x.shape + x.shape``."""

    def gradient(*xs):
        return pull_back(only_variable(f(*xs), f), xs, create_graph=True)

    tables = jacobian(gradient, as_tuple(inputs), create_graph)
    return tables if isinstance(inputs, tuple) else tables[0][0]


def slopes_along(f: Callable, xs: tuple, directions: Sequence, weights: tuple, eps: float) -> tuple:
    """The slope of the weighted outputs along a direction: by the gradient, by a difference."""
    gradients = vjp(f, xs, weights)[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def total(sign: int) -> float:
        moved = tuple(x + sign * eps * d for x, d in zip(xs, directions, strict=True))
        outs = [out.numpy() for out in Call(f, moved).outs]
        return sum(map(np.vdot, weights, outs))

    return by_gradient, (total(1) - total(-1)) / (2 * eps)


def gradcheck(f: Callable, inputs, eps=1e-6, atol=1e-6, rtol=1e-5, rng=0) -> bool:
    """Check the gradients of `f` at float64 `inputs`, away from corners, along a random direction.

    Returns True, or raises a `GradcheckError` that names the input, the element and both numbers, if
    they lie further apart than ``atol + rtol * |expected|``.
    """
    return compare(slopes_along, f, inputs, eps, atol, rtol, rng)


def gradgradcheck(f: Callable, inputs, **settings) -> bool:
    """Check the second derivatives of `f`: `gradcheck` of its gradient along a random direction."""
    return gradcheck(gradient_of(f, inputs, settings.get("rng", 0)), inputs, **settings)


@switch
def detect_anomaly():
    """Raise an AnomalyError at the operation that first makes a NaN or an infinity, there or back.

    In a ``with detect_anomaly():`` block or a decorated function. Slow: for looking for a mistake only.
    """
    lines: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # operation -> line that called it

    def look(function, inputs, result) -> None:
        """Note the line, and complain if the result is the first that is not finite."""
        if result.grad_fn is not None:
            lines[result.grad_fn] = users_line()
        if not is_finite(result) and all(map(is_finite, inputs)):
            raise AnomalyError.forwards(function, inputs, result)

    def look_back(variable, grad):
        """Complain if a share is the first that is not finite; give the gradient back."""
        if is_finite(grad):
            for position, share in enumerate(shares_of(variable, grad)):
                if not is_finite(share):
                    line = lines.get(variable.grad_fn, "a line that was not watched")
                    raise AnomalyError.backwards(variable.grad_fn, position, share, line)
        return grad

    with recording.watched(computed=look, sending=look_back):
        yield


class Checkpoint(OwnOperation):
    """A note of a whole call, of which only the inputs and the output are kept."""

    def __init__(self, f: Callable, inputs: Sequence, used: Sequence, draws: Draws):
        super().__init__(f, (*inputs, *used))
        self.count, self.draws = len(inputs), draws

    def shares(self, grad, out: Variable) -> list:
        """Call the function again, recorded this time, and go back through it."""
        twice = isinstance(grad, Variable)
        xs = [input_for(x, connected=twice) for x in self.inputs[: self.count]]
        start = next(creation_order)
        with enable_grad(), self.draws.again():
            again = self.function(*xs)
        found = propagate({again: grad}, computed_since(again, start), retain_graph=twice)
        ends = [*xs, *self.inputs[self.count :]]
        return [found.get(x) if needs_gradient(x) else None for x in ends]


def checkpoint(f: Callable, *inputs, generators: Sequence[np.random.Generator] = ()) -> Variable:
    """Call `f`, keep only its inputs and its output, and compute it again in the backward pass.

    `f` returns a Variable. It may use weights from outside, and must do the same when called again;
    random numbers of numpy, and of the `generators` that are named, are drawn again.
    """
    if not recording.enabled:
        return only_variable(f(*inputs), f)
    draws = Draws(generators)
    out, used = call_unrecorded(f, inputs)
    return recorded(Checkpoint(f, inputs, used, draws), out)


def checkpoint_sequential(functions: Sequence[Callable], segments: int, x: Variable) -> Variable:
    """Call functions one after the other, in nearly equal segments with a `checkpoint` around each."""
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


__all__ = [
    "AnomalyError",
    "Function",
    "GradcheckError",
    "checkpoint",
    "checkpoint_sequential",
    "detect_anomaly",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "vjp",
]


__all__ = [
    "Checkpoint",
    "checkpoint",
    "checkpoint_sequential",
    "detect_anomaly",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jacobian_of",
    "jvp",
    "slopes_along",
    "vjp",
]

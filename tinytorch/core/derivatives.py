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
    grad,
    maximum,
    propagate,
    sigmoid,
)
from tinytorch.support.anomaly import (
    AnomalyError,
    make_detector,
    not_finite,
    report_of_gradient,
    report_of_result,
    shares_of,
)
from tinytorch.support.checkpoints import checkpoint_by, recorded_since
from tinytorch.support.custom import Context, Function
from tinytorch.support.functional import (
    make_hessian,
    make_hvp,
    make_jacobian,
    make_jvp,
    make_vjp,
    pull_back,
    stacked,
    values_of,
)
from tinytorch.support.gradchecks import GradcheckError as GradcheckError
from tinytorch.support.gradchecks import make_gradcheck, make_gradgradcheck
from tinytorch.support.recording import enable_grad


def second_derivative(f: Callable, x: Variable) -> np.ndarray:
    """The second derivative of `f` at `x`, element by element.

    Parameters
    ----------
    f : callable
        Works element by element on a Variable; its derivative depends on `x`.
    x : Variable
        Where to differentiate, of any shape.

    Returns
    -------
    ndarray
        A second derivative for each element, in the shape and dtype of `x`.
    """
    (first,) = grad(f(x).sum(), x, create_graph=True)
    return grad(first.sum(), x)[0]


def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of `out` by each of `xs`: tables of ``out.shape + x.shape``."""
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
    return [
        stacked([row[i] for row in rows], out.shape + x.shape, x.dtype)
        for i, x in enumerate(xs)
    ]


jacobian = make_jacobian(jacobian_of)


def push_forward(
    outputs: tuple, xs: tuple, vs: tuple, create_graph: bool = False
) -> tuple:
    """The Jacobian times a vector: the slopes of all outputs along `vs`."""
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in outputs)
    gradients = pull_back(outputs, xs, us, create_graph=True)
    return pull_back(gradients, us, vs, create_graph)


vjp, jvp = make_vjp(pull_back), make_jvp(push_forward)


def hvp_of(output: Variable, xs: tuple, vs: tuple, create_graph: bool = False) -> tuple:
    """The Hessian of one number times a vector, without the Hessian."""
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return pull_back(gradients, xs, vs, create_graph)


def hessian_of(output: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All second derivatives of one number: at [a][b] those by xs[a] and xs[b]."""
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return [jacobian_of(gradient, xs, create_graph) for gradient in gradients]


hvp, hessian = make_hvp(hvp_of), make_hessian(hessian_of)


def newton(f: Callable, start, steps: int = 20, tolerance: float = 1e-9) -> tuple:
    """Where the gradient of `f` is zero, and the number of steps there from `start`.

    Parameters
    ----------
    f : callable
        Takes a Variable with one axis, gives a Variable with one element.
    start : array_like
        Where to begin; not changed.
    steps : int
        How many steps to take at most.
    tolerance : float
        The largest element of a gradient, in size, that counts as zero.

    Returns
    -------
    place : ndarray, float64
        The place that was reached.
    count : int
        The number of steps taken.
    """
    x = np.array(start, dtype=np.float64)
    for step in range(steps):
        slope = vjp(f, x)[1]
        if np.abs(slope).max() <= tolerance:
            return x, step
        x = x - np.linalg.solve(hessian(f, x), slope)
    return x, steps


def slopes_along(
    f: Callable, xs: tuple, directions: Sequence, weights: Sequence, eps: float
) -> tuple[float, float]:
    """The slope of the weighted sum of all outputs along a direction, in two ways."""
    gradients = vjp(f, xs, tuple(weights))[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def weighted_sum(step: float) -> float:
        moved = tuple(x + step * d for x, d in zip(xs, directions))
        return sum(map(np.vdot, weights, values_of(f, moved)))

    return by_gradient, (weighted_sum(eps) - weighted_sum(-eps)) / (2 * eps)


gradcheck = make_gradcheck(slopes_along)
gradgradcheck = make_gradgradcheck(gradcheck)


class Softplus(Function):
    """log(1 + exp(x)), for x of any size, to all digits."""

    @staticmethod
    def forward(ctx: Context, x: Variable) -> Variable:
        """Save what the way back needs, and compute the value."""
        ctx.save_for_backward(x)
        return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))

    @staticmethod
    def backward(ctx: Context, grad: Variable) -> Variable:
        """The gradient that arrives, times the derivative."""
        (x,) = ctx.saved_tensors
        return grad * sigmoid(x)


class Sign(Function):
    """1 where x is at least 0, else -1; the gradient passes where |x| is at most 1."""

    @staticmethod
    def forward(ctx: Context, x: Variable) -> np.ndarray:
        """Save what the way back needs, and give 1 or -1 for each element."""
        ctx.save_for_backward(x)
        return 2 * (x >= 0).astype(x.dtype) - 1

    @staticmethod
    def backward(ctx: Context, grad: Variable) -> Variable:
        """Hand the gradient on where x is between -1 and 1, and 0 elsewhere."""
        (x,) = ctx.saved_tensors
        return grad * (np.abs(x) <= 1)


def check_result(function: Callable, inputs: tuple, result: Variable) -> None:
    """Raise an AnomalyError if a result is not finite, although all inputs are."""
    if not_finite(result) and not any(map(not_finite, inputs)):
        raise AnomalyError(report_of_result(function, inputs, result))


def check_gradient(variable: Variable, grad: np.ndarray) -> np.ndarray:
    """Raise an AnomalyError if a finite gradient makes a share that is not finite."""
    if not not_finite(grad):
        for position, share in enumerate(shares_of(variable, grad)):
            if not_finite(share):
                raise AnomalyError(report_of_gradient(variable, position, share))
    return grad


detect_anomaly = make_detector(check_result, check_gradient)


def gradients_again(f: Callable, xs: Sequence, grad) -> dict:
    """Call `f` again, recorded; send `grad` back through what is new, no further."""
    since = next(creation_order)
    with enable_grad():
        out = f(*xs)
    nodes = recorded_since(since, out)
    return propagate({out: grad}, nodes, isinstance(grad, Variable))


def checkpoint(f: Callable, *inputs, generators: Sequence = ()) -> Variable:
    """Call `f`, keep only inputs and output, and compute it again on the way back.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Variable. It may use weights and variables from
        outside; they get their gradients. Called again, it must do the same.
    *inputs : Variable, Tensor, array_like
        Its inputs.
    generators : sequence of numpy.random.Generator
        Generators that `f` draws from: for the second call they go back to the state of
        the first, as numpy's global random numbers do in any case.

    Returns
    -------
    Variable
        What `f` returned.

    Raises
    ------
    TypeError
        If `f` returns anything but a Variable.
    """
    return checkpoint_by(gradients_again, f, inputs, generators)


def checkpoint_sequential(
    functions: Sequence[Callable], segments: int, x: Variable
) -> Variable:
    """Call functions in turn, in nearly equal segments, each in a `checkpoint`.

    Parameters
    ----------
    functions : sequence of callable
        Each takes what the one before has returned, the first takes `x`.
    segments : int
        How many, from 1 to the number of functions; their lengths differ by at most 1.
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
        raise ValueError(
            f"segments must be from 1 to {n}, the functions' number; got {segments}"
        )

    def run(part, z):
        for function in part:
            z = function(z)
        return z

    for i in range(segments):
        part = functions[i * n // segments : (i + 1) * n // segments]
        x = checkpoint(partial(run, part), x)
    return x


class Guard:
    """Notices if an input of an operation changes before the backward pass."""

    def __init__(self):
        """Nothing is known yet."""
        self.kept = weakref.WeakKeyDictionary()

    def computed(self, function: Callable, inputs: tuple, result: Variable) -> None:
        """Remember what was computed from what, if it was recorded."""
        if result.grad_fn is not None:
            arrays = [*result.grad_fn.values, result.data.data]
            self.kept[result.grad_fn] = [(array, np.array(array)) for array in arrays]

    def sending(self, variable, grad: np.ndarray) -> np.ndarray:
        """Refuse to go on if something has changed."""
        note = getattr(variable, "grad_fn", None)
        if note is not None:
            for array, before in self.kept.get(note, ()):
                if not np.array_equal(array, before, equal_nan=True):
                    raise RuntimeError(f"what {note!r} was computed from has changed")
        return grad


__all__ = """AnomalyError Function GradcheckError Guard Sign Softplus checkpoint
    checkpoint_sequential detect_anomaly gradcheck gradgradcheck hessian hvp jacobian
    jvp newton second_derivative vjp""".split()

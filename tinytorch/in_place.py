"""Adam and SGD with momentum that make no large array in a step.

The `Adam` of module 8 makes an array for each part of its formula. These compute the same piece by
piece, in memory that they keep, and a piece is small enough to stay in the cache of the processor.
Their numbers differ from those of module 8 by rounding only, and what they remember has the same
names, so a run that was saved with one can go on with the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np

from tinytorch.core import training
from tinytorch.support.param_groups import arrays_of

PIECE = 1 << 16  # numbers: with fewer, calls of numpy take most of the time; more leave the cache


class Rooms(threading.local):
    """Memory for intermediate results, of each dtype; each thread has its own."""

    def __init__(self) -> None:
        self.arrays: dict[np.dtype, np.ndarray] = {}

    def room(self, dtype: np.dtype) -> np.ndarray:
        """Room for a piece."""
        if dtype not in self.arrays:
            self.arrays[dtype] = np.empty(PIECE, dtype)
        return self.arrays[dtype]


ROOMS = Rooms()


def pieces(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Views of the same places in arrays of one shape, and room for as many numbers."""
    first = arrays[0]
    if type(first) is not np.ndarray:  # it stands in for one
        yield *arrays, np.empty_like(first)
    elif first.size <= PIECE:
        yield *arrays, ROOMS.room(first.dtype)[: first.size].reshape(first.shape)
    elif not all(array.flags.c_contiguous for array in arrays):
        yield *arrays, np.empty(first.shape, first.dtype)
    else:
        flat, room = [array.reshape(-1) for array in arrays], ROOMS.room(first.dtype)
        for start in range(0, first.size, PIECE):
            views = [array[start : start + PIECE] for array in flat]
            yield *views, room[: views[0].size]


def moving(parameters: list) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The numbers, arrays and gradients of the parameters that have a gradient."""
    for n, p in enumerate(parameters):
        if p.grad is not None:
            array, gradient = arrays_of(p)
            yield n, array, gradient
            if array.ndim == 0 and hasattr(p, "grad_fn"):
                p.data.data = array[()]  # a Variable of one number keeps it as numpy's scalar


class SGD(training.SGD):
    """Gradient descent with momentum: ``v = momentum * v + gradient; w -= lr * v``.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable
        What is to be trained.
    lr : float
        The learning rate.
    momentum : float
        How much of its velocity a parameter keeps, from 0 to below 1.

    Attributes
    ----------
    velocities : list of ndarray
        For each parameter, v; zeros in the beginning.

    Raises
    ------
    ValueError
        If `momentum` is not from 0 to below 1; and as `tinytorch.core.training.SGD`.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    """

    def __init__(self, parameters: Iterable, lr: float, momentum: float = 0.9):
        super().__init__(parameters, lr)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}; it is a number from 0 to below 1")
        self.momentum = float(momentum)
        self.velocities = [np.zeros(p.shape, p.dtype) for p in self.parameters]

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        for n, array, gradient in moving(self.parameters):
            for w, g, v, part in pieces(array, gradient, self.velocities[n]):
                np.multiply(v, self.momentum, out=v)
                np.add(v, g, out=v)
                np.multiply(v, self.lr, out=part)
                np.subtract(w, part, out=w)


class Adam(training.Adam):
    """`tinytorch.core.training.Adam`, with the same settings and the same memory of gradients.

    The corrections of both means are drawn together into the rate and `eps`, since
    ``m / a / (sqrt(v / b) + eps)`` is ``m * sqrt(b) / a / (sqrt(v) + eps * sqrt(b))``.
    """

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        beta1, beta2 = self.betas
        for n, array, gradient in moving(self.parameters):
            self.steps[n] += 1
            t = self.steps[n].item()
            root = (1 - beta2**t) ** 0.5
            rate, eps = self.lr * root / (1 - beta1**t), self.eps * root
            for w, g, m, v, part in pieces(array, gradient, self.means[n], self.squares[n]):
                np.subtract(g, m, out=part)
                np.multiply(part, 1 - beta1, out=part)
                np.add(m, part, out=m)
                np.multiply(g, g, out=part)
                np.subtract(part, v, out=part)
                np.multiply(part, 1 - beta2, out=part)
                np.add(v, part, out=v)
                np.sqrt(v, out=part)
                np.add(part, eps, out=part)
                np.divide(m, part, out=part)
                np.multiply(part, rate, out=part)
                np.subtract(w, part, out=w)

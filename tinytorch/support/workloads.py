"""What module 16 measures at its end: steps of five kinds, by the engine and by PyTorch."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tinytorch.core import autograd
from tinytorch.core.activations import relu
from tinytorch.core.autograd import Variable
from tinytorch.core.layers import linear
from tinytorch.core.tensor import Tensor, apply

HAS_TORCH = importlib.util.find_spec("torch") is not None
WITHOUT = "PyTorch is not installed here; with it, its times stand beside yours"


def pytorch() -> Any:
    """PyTorch itself, which a course can do without."""
    return importlib.import_module("torch")


@dataclass
class Workload:
    """A step that can be measured.

    Attributes
    ----------
    name : str
        What it is.
    arguments : tuple
        What each call of a step is given.
    repeats : int
        How often a step is measured.
    engine : callable
        Makes a new step of the engine.
    torch : callable
        Makes a new step of PyTorch, of the same arguments.
    """

    name: str
    arguments: tuple
    repeats: int
    engine: Callable[[], Callable]
    torch: Callable[[], Callable]

    def peers(self) -> dict[str, Callable]:
        """PyTorch's step by its name, where PyTorch is installed."""
        return {"PyTorch": self.torch()} if HAS_TORCH else {}


def same_bits(one, other) -> bool:
    """Whether two results of a step are equal to the last bit."""
    pairs = zip(one, other, strict=True)
    return all(np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in pairs)


def numbers() -> Workload:
    """A swinging spring: 500 products and sums of single numbers, and their derivatives."""
    given = tuple(map(np.float64, (1.0, 0.5, -0.04, 0.05)))

    def swing(x, v, a, h):
        for _ in range(125):
            v = v + a * x
            x = x + h * v
        return x

    def engine():
        def step(*given):
            leaves = [Variable(number) for number in given]
            x = swing(*leaves)
            x.backward()
            return [x.numpy(), *(leaf.grad for leaf in leaves)]

        return step

    def in_torch():
        torch = pytorch()

        def step(*given):
            leaves = [torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in given]
            x = swing(*leaves)
            x.backward()
            return [x.detach(), *(leaf.grad for leaf in leaves)]

        return step

    return Workload("500 operations on numbers", given, 5, engine, in_torch)


def short_arrays() -> Workload:
    """Products and sums on 16 numbers, one after the other."""
    given = tuple(np.random.default_rng(0).normal(size=(3, 16)) * 0.1)

    def chain(x, a, b):
        for _ in range(500):
            x = x * a + b
        return x.sum()

    def engine():
        def step(*given):
            leaves = [Variable(array) for array in given]
            return list(autograd.grad(chain(*leaves), leaves))

        return step

    def in_torch():
        torch = pytorch()

        def step(*given):
            leaves = [torch.from_numpy(array).requires_grad_() for array in given]
            return torch.autograd.grad(chain(*leaves), leaves)

        return step

    return Workload("1,000 operations on 16 numbers", given, 5, engine, in_torch)


def long_arrays() -> Workload:
    """20 operations on a million numbers in single precision."""
    given = tuple(np.random.default_rng(0).normal(size=(2, 1_000_000)).astype(np.float32))

    def gates(leaves: list, tanh: Callable):
        x, w = leaves
        y = x
        for _ in range(5):
            c = tanh(y * w + x)
            y = c * c
        return y.sum()

    def engine():
        def step(*given):
            leaves = [Variable(array) for array in given]
            return list(autograd.grad(gates(leaves, autograd.tanh), leaves))

        return step

    def in_torch():
        torch = pytorch()

        def step(*given):
            leaves = [torch.from_numpy(array).requires_grad_() for array in given]
            return torch.autograd.grad(gates(leaves, torch.tanh), leaves)

        return step

    return Workload("20 operations on a million", given, 3, engine, in_torch)


def weights(sizes: tuple[int, ...], dtype: type) -> list[np.ndarray]:
    """Weights and biases of a small network, in turn."""
    rng = np.random.default_rng(0)
    found: list[Any] = []
    for many, out in pairwise(sizes):
        found += [rng.normal(size=(many, out)) * np.sqrt(2 / many), np.zeros(out)]
    return [array.astype(dtype) for array in found]


def batch(many: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """64 examples, and their labels."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(64, many)).astype(dtype), rng.integers(10, size=64)


def training() -> Workload:
    """A step of gradient descent on a network with one hidden layer."""
    sizes, given = (784, 128, 10), batch(784, np.float32)

    def engine():
        w1, b1, w2, b2 = parameters = [
            Tensor(array, requires_grad=True) for array in weights(sizes, np.float32)
        ]

        def step(x, labels):
            for p in parameters:
                p.grad = None
            hidden = apply(relu, apply(linear, Variable(x, requires_grad=False), w1, b1))
            loss = autograd.cross_entropy(apply(linear, hidden, w2, b2), labels)
            loss.backward()
            for p in parameters:
                p.data -= 0.01 * p.grad  # type: ignore[operator]
            return [loss.numpy()]

        return step

    def in_torch():
        torch = pytorch()
        w1, b1, w2, b2 = parameters = [
            torch.from_numpy(array).requires_grad_() for array in weights(sizes, np.float32)
        ]

        def step(x, labels):
            for p in parameters:
                p.grad = None
            hidden = torch.relu(torch.from_numpy(x) @ w1 + b1)
            loss = torch.nn.functional.cross_entropy(hidden @ w2 + b2, torch.from_numpy(labels))
            loss.backward()
            with torch.no_grad():
                for p in parameters:
                    p.sub_(p.grad, alpha=0.01)
            return [loss.detach()]

        return step

    return Workload("training a network, 784-128-10", given, 20, engine, in_torch)


def curvature() -> Workload:
    """The gradient of the squared gradient of a network: second derivatives."""
    sizes, given = (64, 64, 10), batch(64, np.float64)

    def engine():
        w1, b1, w2, b2 = parameters = [Variable(array) for array in weights(sizes, np.float64)]

        def step(x, labels):
            hidden = autograd.tanh(apply(linear, Variable(x, requires_grad=False), w1, b1))
            loss = autograd.cross_entropy(apply(linear, hidden, w2, b2), labels)
            first = autograd.grad(loss, parameters, create_graph=True)
            return list(autograd.grad(sum((g * g).sum() for g in first), parameters))

        return step

    def in_torch():
        torch = pytorch()
        w1, b1, w2, b2 = parameters = [
            torch.from_numpy(array).requires_grad_() for array in weights(sizes, np.float64)
        ]

        def step(x, labels):
            hidden = torch.tanh(torch.from_numpy(x) @ w1 + b1)
            loss = torch.nn.functional.cross_entropy(hidden @ w2 + b2, torch.from_numpy(labels))
            first = torch.autograd.grad(loss, parameters, create_graph=True)
            return torch.autograd.grad(sum((g * g).sum() for g in first), parameters)

        return step

    return Workload("second derivatives, 64-64-10", given, 20, engine, in_torch)


def workloads() -> list[Workload]:
    """All of them."""
    return [numbers(), short_arrays(), long_arrays(), training(), curvature()]

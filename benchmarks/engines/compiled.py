"""TinyTorch's steps, compiled by module 16: as lines of numpy, by its inner loops, or by C."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from workloads import Chain, Curvature, Gates, Network, Spring

from engines import tinytorch as eager
from tinytorch.core import autograd
from tinytorch.core.autograd import Variable
from tinytorch.core.compiler import compile
from tinytorch.core.layers import linear
from tinytorch.core.tensor import Tensor, apply


def scalar_expression(data: Spring, backend: str) -> Callable[[], list]:
    """The spring; its numbers are arguments, since a compiled step takes others as constants."""
    numbers = [np.float64(number) for number in data[1:]]

    def step(*numbers):
        leaves = x, v, a, h = [Variable(number) for number in numbers]
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        x.backward()
        return [x.data, *(leaf.grad for leaf in leaves)]

    return with_arguments(compile(step, backend=backend), numbers)


def small_chain(data: Chain, backend: str) -> Callable[[], list]:
    """The chain of products and sums."""
    return compile(eager.small_chain(data), backend=backend)


def mlp_step(data: Network, backend: str) -> Callable[[], list]:
    """A step of gradient descent."""
    return compile(eager.mlp_step(data), backend=backend)


def large_chain(data: Gates, backend: str) -> Callable[[], list]:
    """The gates."""
    return compile(eager.large_chain(data), backend=backend)


def hessian_vector_product(data: Curvature, backend: str) -> Callable[[], list]:
    """Backward through the product of the gradient and the direction: a seed cannot be traced."""
    direction = [Tensor(array) for array in data.direction]
    w1, b1, w2, b2 = parameters = [Variable(array) for array in data.network.parameters()]

    def step(x, labels):
        h = autograd.tanh(apply(linear, x, w1, b1))
        loss = autograd.cross_entropy(apply(linear, h, w2, b2), labels)
        gradients = autograd.grad(loss, parameters, create_graph=True)
        pairs = zip(gradients, direction, strict=True)
        along = sum((gradient * d).sum() for gradient, d in pairs)
        return list(autograd.grad(along, parameters))

    x = Variable(data.network.x, requires_grad=False)
    return with_arguments(compile(step, backend=backend), [x, data.network.labels])


def with_arguments(step: Callable, arguments: list) -> Callable[[], list]:
    """A step without arguments."""
    return lambda: step(*arguments)

"""MyGrad, with its memory guarding off, as its documentation advises for speed."""

from __future__ import annotations

from collections.abc import Callable

import mygrad as mg
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy
from workloads import Chain, Gates, Network, Spring

mg.turn_memory_guarding_off()


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring on tensors without axes, in float64."""

    def step():
        leaves = x, v, a, h = [mg.tensor(number) for number in data[1:]]
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        x.backward()
        return [x.item(), *(leaf.grad for leaf in leaves)]

    return step


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain of products and sums."""
    leaves = [mg.tensor(array) for array in (data.x, data.a, data.b)]

    def step():
        x, a, b = leaves
        for _ in range(data.pairs):
            x = x * a
            x = x + b
        x.backward(data.seed)
        return [x.data, *(leaf.grad for leaf in leaves)]

    return step


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent, with MyGrad's own fused loss."""
    parameters = [mg.tensor(array) for array in data.parameters()]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))

    def step():
        x = data.x
        for weights, bias in layers[:-1]:
            x = relu(mg.matmul(x, weights) + bias)
        weights, bias = layers[-1]
        loss = softmax_crossentropy(mg.matmul(x, weights) + bias, data.labels)
        loss.backward()
        for parameter in parameters:
            parameter.data -= data.rate * parameter.grad
        return [loss.item(), *(parameter.grad for parameter in parameters)]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""
    x, w = mg.tensor(data.x, copy=False), mg.tensor(data.w, copy=False)

    def step():
        y = x
        for _ in range(data.blocks):
            c = mg.tanh(y * w + x)
            y = c * c
        y.backward(data.seed)
        return [y.data, x.grad, w.grad]

    return step

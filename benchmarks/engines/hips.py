"""HIPS autograd: functions of arrays in, functions that give gradients out."""

from __future__ import annotations

from collections.abc import Callable

import autograd.numpy as np
from autograd import checkpoint, make_hvp, make_vjp, value_and_grad
from workloads import Chain, Curvature, Deep, Gates, Network, Spring


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring on Python's numbers."""

    def last_x(start):
        x, v, a, h = start
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        return x

    differentiate, start = value_and_grad(last_x), tuple(data[1:])

    def step():
        x, gradients = differentiate(start)
        return [x, *gradients]

    return step


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain of products and sums."""

    def run(arrays):
        x, a, b = arrays
        for _ in range(data.pairs):
            x = x * a
            x = x + b
        return x

    arrays = (data.x, data.a, data.b)

    def step():
        vjp, x = make_vjp(run)(arrays)
        return [x, *vjp(data.seed)]

    return step


def cross_entropy(scores, one_hot):
    """The mean cross-entropy of softmax."""
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_probabilities = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.sum(log_probabilities * one_hot) / len(one_hot)


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent.

    ReLU is a product, as `np.maximum` would turn float32 into float64 here.
    """
    parameters, one_hot = data.parameters(), data.one_hot()

    def loss(parameters):
        x = data.x
        for weights, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            x = np.dot(x, weights) + bias
            x = x * (x > 0)
        return cross_entropy(np.dot(x, parameters[-2]) + parameters[-1], one_hot)

    differentiate = value_and_grad(loss)

    def step():
        value, gradients = differentiate(parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= data.rate * gradient
        return [value, *gradients]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""

    def run(arrays):
        x, w = arrays
        y = x
        for _ in range(data.blocks):
            c = np.tanh(y * w + x)
            y = c * c
        return y

    def step():
        vjp, y = make_vjp(run)((data.x, data.w))
        return [y, *vjp(data.seed)]

    return step


def checkpointed(data: Deep) -> Callable[[], list]:
    """Each segment a checkpoint; with one segment, none."""
    pieces = data.pieces()

    def layers(x, piece):
        for w in piece:
            x = np.tanh(np.dot(x, w))
        return x

    segment = checkpoint(layers) if len(pieces) > 1 else layers

    def run(arrays):
        x, pieces = arrays
        for piece in pieces:
            x = segment(x, piece)
        return x

    def step():
        vjp, y = make_vjp(run)((data.x, pieces))
        x_grad, by_piece = vjp(data.seed)
        return [y, x_grad, *(g for piece in by_piece for g in piece)]

    return step


def hessian_vector_product(data: Curvature) -> Callable[[], list]:
    """Its own `make_hvp`, which goes backward through the gradient."""
    x, one_hot = data.network.x, data.network.one_hot()
    parameters = data.network.parameters()

    def loss(parameters):
        w1, b1, w2, b2 = parameters
        return cross_entropy(np.dot(np.tanh(np.dot(x, w1) + b1), w2) + b2, one_hot)

    def step():
        multiply_by_hessian, _ = make_hvp(loss)(parameters)
        return multiply_by_hessian(data.direction)

    return step

"""TinyTorch, as a student of module 7 writes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from workloads import Chain, Curvature, Deep, Gates, Images, Network, Spring

from tinytorch import memory
from tinytorch.core import autograd, cnn
from tinytorch.core.activations import relu
from tinytorch.core.autograd import Variable
from tinytorch.core.derivatives import checkpoint
from tinytorch.core.layers import linear
from tinytorch.core.tensor import Tensor, apply

memory.keep_freed_blocks()
memory.look_for_cycles_rarely()


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring on Variables without axes, in float64."""

    def step():
        leaves = x, v, a, h = [Variable(np.float64(number)) for number in data[1:]]
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        x.backward()
        return [x.item(), *(leaf.grad for leaf in leaves)]

    return step


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain of products and sums."""
    leaves = [Variable(array) for array in (data.x, data.a, data.b)]

    def step():
        x, a, b = leaves
        for leaf in leaves:
            leaf.zero_grad()
        for _ in range(data.pairs):
            x = x * a
            x = x + b
        x.backward(data.seed)
        return [x.numpy(), *(leaf.grad for leaf in leaves)]

    return step


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent; parameters are Tensors, as those of a Dense layer are."""
    parameters = [Tensor(array, requires_grad=True) for array in data.parameters()]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    batch = Variable(data.x, requires_grad=False)

    def step():
        for parameter in parameters:
            parameter.grad = None
        x = batch
        for weights, bias in layers[:-1]:
            x = apply(relu, apply(linear, x, weights, bias))
        loss = autograd.cross_entropy(apply(linear, x, *layers[-1]), data.labels)
        loss.backward()
        for parameter in parameters:
            parameter.data -= data.rate * parameter.grad
        return [loss.item(), *(parameter.grad for parameter in parameters)]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""
    x, w = Variable(data.x), Variable(data.w)

    def step():
        x.zero_grad()
        w.zero_grad()
        y = x
        for _ in range(data.blocks):
            c = autograd.tanh(y * w + x)
            y = c * c
        y.backward(data.seed)
        return [y.numpy(), x.grad, w.grad]

    return step


def checkpointed(data: Deep) -> Callable[[], list]:
    """Each segment a checkpoint; with one segment, none."""
    x, seed = Variable(data.x), data.seed
    pieces = [[Tensor(w, requires_grad=True) for w in piece] for piece in data.pieces()]
    weights = [w for piece in pieces for w in piece]

    def layers(piece, x):
        for w in piece:
            x = autograd.tanh(x @ w)
        return x

    def step():
        x.zero_grad()
        for w in weights:
            w.grad = None
        y = x
        for piece in pieces:
            run = partial(layers, piece)
            y = checkpoint(run, y) if len(pieces) > 1 else run(y)
        y.backward(seed)
        return [y.numpy(), x.grad, *(w.grad for w in weights)]

    return step


def convolution(data: Images) -> Callable[[], list]:
    """By the layer, whose derivative rules come in a later module."""
    _, channels, _, _ = data.x.shape
    layer = cnn.Conv2D(channels, len(data.weights), data.weights.shape[-1])
    layer.weights.data, layer.bias.data = data.weights, data.bias
    return without_gradients(layer, data.x)


def pooling(data: Images) -> Callable[[], list]:
    """By the layer."""
    return without_gradients(cnn.MaxPool2D(2), data.x)


def without_gradients(layer: Callable, x: np.ndarray) -> Callable[[], list]:
    """A step that only goes forward."""
    batch = Tensor(x)

    def step():
        with autograd.no_grad():
            return [layer(batch).numpy()]

    return step


def hessian_vector_product(data: Curvature) -> Callable[[], list]:
    """Backward through the gradient."""
    w1, b1, w2, b2 = parameters = [Variable(array) for array in data.network.parameters()]
    x, labels = Variable(data.network.x, requires_grad=False), data.network.labels

    def step():
        h = autograd.tanh(apply(linear, x, w1, b1))
        loss = autograd.cross_entropy(apply(linear, h, w2, b2), labels)
        gradients = autograd.grad(loss, parameters, create_graph=True)
        return list(autograd.grad(gradients, parameters, data.direction))

    return step

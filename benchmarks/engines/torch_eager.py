"""PyTorch in eager mode on one thread."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from workloads import Chain, Curvature, Deep, Gates, Images, Network, Spring

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def leaf(array) -> torch.Tensor:
    """A tensor that wants a gradient."""
    return torch.from_numpy(array).requires_grad_()


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring on tensors without axes, in float64."""

    def step():
        leaves = x, v, a, h = [
            torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in data[1:]
        ]
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        x.backward()
        return [x.item(), *(leaf.grad for leaf in leaves)]

    return step


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain of products and sums."""
    leaves = [leaf(array) for array in (data.x, data.a, data.b)]
    seed = torch.from_numpy(data.seed)

    def step():
        x, a, b = leaves
        for each in leaves:
            each.grad = None
        for _ in range(data.pairs):
            x = x * a
            x = x + b
        x.backward(seed)
        return [x.detach(), *(each.grad for each in leaves)]

    return step


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent, the update in place."""
    parameters = [leaf(array) for array in data.parameters()]
    # Weights of shape (inputs, outputs), as everywhere here; `linear` wants the transpose.
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    batch, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)

    def step():
        for parameter in parameters:
            parameter.grad = None
        x = batch
        for weights, bias in layers[:-1]:
            x = functional.relu(functional.linear(x, weights.T, bias))
        weights, bias = layers[-1]
        loss = functional.cross_entropy(functional.linear(x, weights.T, bias), labels)
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter.sub_(parameter.grad, alpha=data.rate)
        return [loss.item(), *(parameter.grad for parameter in parameters)]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""
    x, w, seed = leaf(data.x), leaf(data.w), torch.from_numpy(data.seed)

    def step():
        x.grad = w.grad = None
        y = x
        for _ in range(data.blocks):
            c = torch.tanh(y * w + x)
            y = c * c
        y.backward(seed)
        return [y.detach(), x.grad, w.grad]

    return step


def checkpointed(data: Deep) -> Callable[[], list]:
    """Each segment a checkpoint of the recommended kind; with one segment, none."""
    x, seed = leaf(data.x), torch.from_numpy(data.seed)
    pieces = [[leaf(w) for w in piece] for piece in data.pieces()]
    weights = [w for piece in pieces for w in piece]

    def layers(piece, x):
        for w in piece:
            x = torch.tanh(x @ w)
        return x

    def step():
        for each in (x, *weights):
            each.grad = None
        y = x
        for piece in pieces:
            if len(pieces) > 1:
                y = checkpoint(layers, piece, y, use_reentrant=False)
            else:
                y = layers(piece, y)
        y.backward(seed)
        return [y.detach(), x.grad, *(w.grad for w in weights)]

    return step


def convolution(data: Images) -> Callable[[], list]:
    """Forward only."""
    arrays = [torch.from_numpy(array) for array in data]

    def step():
        with torch.no_grad():
            return [functional.conv2d(*arrays)]

    return step


def pooling(data: Images) -> Callable[[], list]:
    """Forward only."""
    x = torch.from_numpy(data.x)

    def step():
        with torch.no_grad():
            return [functional.max_pool2d(x, 2)]

    return step


def hessian_vector_product(data: Curvature) -> Callable[[], list]:
    """Backward through the gradient."""
    w1, b1, w2, b2 = parameters = [leaf(array) for array in data.network.parameters()]
    x, labels = torch.from_numpy(data.network.x), torch.from_numpy(data.network.labels)
    direction = [torch.from_numpy(array) for array in data.direction]

    def step():
        h = torch.tanh(functional.linear(x, w1.T, b1))
        loss = functional.cross_entropy(functional.linear(h, w2.T, b2), labels)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(gradients, parameters, direction)

    return step

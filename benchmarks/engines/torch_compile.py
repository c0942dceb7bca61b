"""PyTorch with `torch.compile`, on one thread: the function forwards, and its gradients with it.

It compiles no second derivatives so, and for 1,000 operations it takes more than nine minutes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

import torch
from torch.nn import functional
from workloads import Gates, Network

from engines.torch_eager import leaf

if shutil.which("g++") is None:
    raise ImportError("it needs a compiler of C++ named g++")


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent, the update in place, compiled too."""
    parameters = [leaf(array) for array in data.parameters()]
    batch, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)

    @torch.compile
    def loss_of(x, labels, *parameters):
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        for weights, bias in hidden:
            x = functional.relu(x @ weights + bias)
        return functional.cross_entropy(x @ last[0] + last[1], labels)

    @torch.compile
    def move(parameters, gradients):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=data.rate)

    def step():
        for parameter in parameters:
            parameter.grad = None
        loss = loss_of(batch, labels, *parameters)
        loss.backward()
        with torch.no_grad():
            move(parameters, [parameter.grad for parameter in parameters])
        return [loss.item(), *(parameter.grad for parameter in parameters)]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""
    x, w, seed = leaf(data.x), leaf(data.w), torch.from_numpy(data.seed)

    @torch.compile
    def gates(x, w):
        y = x
        for _ in range(data.blocks):
            c = torch.tanh(y * w + x)
            y = c * c
        return y

    def step():
        x.grad = w.grad = None
        y = gates(x, w)
        y.backward(seed)
        return [y.detach(), x.grad, w.grad]

    return step

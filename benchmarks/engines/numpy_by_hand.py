"""No engine: derivatives worked out on paper, in numpy as a careful person writes it.

Buffers are allocated once, in the outer functions, and operations work in place. What a backward
pass does not need is not kept. Not done: working through a large array in blocks that fit the
cache, and rewriting the mathematics of a workload so that it has fewer operations.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from workloads import Chain, Curvature, Deep, Gates, Images, Network, Spring


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring in numpy's scalars, as the engines compute it; Python's own would be faster."""
    steps, (x0, v0, a, h) = data.steps, map(np.float64, data[1:])

    def step():
        x, v = x0, v0
        states = []
        for _ in range(steps):
            before = x
            v = v + a * x
            x = x + h * v
            states.append((before, v))
        grad_x, grad_v, grad_a, grad_h = map(np.float64, (1, 0, 0, 0))
        for before, after in reversed(states):
            grad_h += grad_x * after
            grad_v += grad_x * h
            grad_a += grad_v * before
            grad_x += grad_v * a
        return [x, grad_x, grad_v, grad_a, grad_h]

    return step


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain of products and sums, every intermediate result in a buffer of its own."""
    pairs, x, a, b, seed = data
    xs = [x] + [np.empty_like(x) for _ in range(pairs)]
    grad, grad_a, grad_b, product = (np.empty_like(x) for _ in range(4))

    def step():
        for before, after in pairwise(xs):
            np.multiply(before, a, after)
            np.add(after, b, after)
        grad[:] = seed
        grad_a[:] = grad_b[:] = 0
        for before in reversed(xs[:-1]):
            np.add(grad_b, grad, grad_b)
            np.multiply(grad, before, product)
            np.add(grad_a, product, grad_a)
            np.multiply(grad, a, grad)
        return [xs[-1], grad, grad_a, grad_b]

    return step


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent on softmax cross-entropy, for any number of layers with ReLU."""
    parameters = data.parameters()
    weights, biases = parameters[::2], parameters[1::2]
    gradients = [np.empty_like(array) for array in parameters]
    grad_weights, grad_biases = gradients[::2], gradients[1::2]
    updates = [np.empty_like(array) for array in parameters]
    batch, dtype = len(data.x), data.x.dtype
    outputs = [np.empty((batch, bias.size), dtype) for bias in biases]
    grad_outputs = [np.empty_like(out) for out in outputs]
    masks = [np.empty(out.shape, bool) for out in outputs]
    inputs = [data.x, *outputs[:-1]]
    rows, last = np.arange(batch), len(biases) - 1

    def step():
        for layer in range(last + 1):
            out = outputs[layer]
            np.matmul(inputs[layer], weights[layer], out=out)
            out += biases[layer]
            if layer < last:
                np.maximum(out, 0, out=out)
        scores = outputs[last]
        scores -= scores.max(axis=1, keepdims=True)
        chosen = scores[rows, data.labels]
        grad = np.exp(scores, out=grad_outputs[last])
        total = grad.sum(axis=1, keepdims=True)
        loss = (np.log(total).sum() - chosen.sum()) / batch
        grad /= total
        grad[rows, data.labels] -= 1
        grad /= batch
        for layer in range(last, -1, -1):
            np.matmul(inputs[layer].T, grad, out=grad_weights[layer])
            grad.sum(axis=0, out=grad_biases[layer])
            if layer > 0:
                np.matmul(grad, weights[layer].T, out=grad_outputs[layer - 1])
                grad = grad_outputs[layer - 1]
                grad *= np.greater(inputs[layer], 0, out=masks[layer - 1])
        for array, gradient, update in zip(parameters, gradients, updates, strict=True):
            array -= np.multiply(gradient, data.rate, out=update)
        return [loss, *gradients]

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates; of the four results in a block, the two that the backward pass needs are kept."""
    blocks, x, w, seed = data
    cs = [np.empty_like(x) for _ in range(blocks)]
    ys = [x] + [np.empty_like(x) for _ in range(blocks)]
    grad, grad_x, grad_w, buffer = (np.empty_like(x) for _ in range(4))

    def step():
        for i, c in enumerate(cs):
            np.multiply(ys[i], w, out=c)
            c += x
            np.tanh(c, out=c)
            np.multiply(c, c, out=ys[i + 1])
        grad[:] = seed
        grad_x[:] = grad_w[:] = 0
        for i in range(blocks - 1, -1, -1):
            np.multiply(grad, cs[i], out=grad)
            np.add(grad, grad, out=grad)
            np.subtract(1, ys[i + 1], out=buffer)
            np.multiply(grad, buffer, out=grad)
            np.add(grad_x, grad, out=grad_x)
            np.multiply(grad, ys[i], out=buffer)
            np.add(grad_w, buffer, out=grad_w)
            np.multiply(grad, w, out=grad)
        np.add(grad_x, grad, out=grad_x)
        return [ys[-1], grad_x, grad_w]

    return step


def checkpointed(data: Deep) -> Callable[[], list]:
    """The segments' inputs are kept; their results go into buffers that all segments share."""
    pieces = data.pieces()
    kept = [data.x] + [np.empty_like(data.x) for _ in pieces]
    results = [np.empty_like(data.x) for _ in range(max(map(len, pieces)) + 1)]
    gradients = [[np.empty_like(w) for w in piece] for piece in pieces]
    grad, slope, below = (np.empty_like(data.x) for _ in range(3))

    def step():
        for piece, before, after in zip(pieces, kept[:-1], kept[1:], strict=True):
            x = before
            for i, w in enumerate(piece):
                x = np.matmul(x, w, out=after if i == len(piece) - 1 else results[i % 2])
                np.tanh(x, out=x)
        up, down = grad, below
        up[:] = data.seed
        for piece, before, sent in zip(pieces[::-1], kept[-2::-1], gradients[::-1], strict=True):
            xs = [before, *results[: len(piece)]]
            for w, x, out in zip(piece, xs[:-1], xs[1:], strict=True):
                np.tanh(np.matmul(x, w, out=out), out=out)
            for i in range(len(piece) - 1, -1, -1):
                np.multiply(xs[i + 1], xs[i + 1], out=slope)
                np.subtract(1, slope, out=slope)
                np.multiply(up, slope, out=up)
                np.matmul(xs[i].T, up, out=sent[i])
                np.matmul(up, piece[i].T, out=down)
                up, down = down, up
        return [kept[-1], up, *(g for sent in gradients for g in sent)]

    return step


def convolution(data: Images) -> Callable[[], list]:
    """Windows copied into one buffer as columns, and a matrix product into another."""
    x, weights, bias = data
    filters, channels, height, width = weights.shape
    view = sliding_window_view(x, (height, width), axis=(2, 3)).transpose(0, 1, 4, 5, 2, 3)
    rows, columns = view.shape[-2:]
    windows = np.empty(view.shape, x.dtype)
    matrix = windows.reshape(len(x), channels * height * width, rows * columns)
    out = np.empty((len(x), filters, rows * columns), x.dtype)

    def step():
        np.copyto(windows, view)
        np.matmul(weights.reshape(filters, -1), matrix, out=out)
        np.add(out, bias[:, None], out=out)
        return [out.reshape(len(x), filters, rows, columns)]

    return step


def pooling(data: Images) -> Callable[[], list]:
    """The maximum of four slices, in place."""
    corners = [data.x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    out = np.empty_like(corners[0])

    def step():
        np.maximum(corners[0], corners[1], out=out)
        np.maximum(out, corners[2], out=out)
        np.maximum(out, corners[3], out=out)
        return [out]

    return step


def hessian_vector_product(data: Curvature) -> Callable[[], list]:
    """One hidden layer with tanh: the directional derivative of each line of the backward pass.

    References
    ----------
    Pearlmutter (1994), "Fast exact multiplication by the Hessian".
    """
    x, batch = data.network.x, len(data.network.x)
    w1, b1, w2, b2 = data.network.parameters()
    d_w1, d_b1, d_w2, d_b2 = data.direction
    rows, labels = np.arange(batch), data.network.labels
    products = [np.empty_like(array) for array in data.direction]
    gh_w1, gh_b1, gh_w2, gh_b2 = products

    def step():
        h = x @ w1
        h += b1
        np.tanh(h, out=h)
        z = h @ w2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z, out=z)
        p /= p.sum(axis=1, keepdims=True)

        slope = h * h
        np.subtract(1, slope, out=slope)
        d_h = x @ d_w1
        d_h += d_b1
        d_h *= slope
        d_z = d_h @ w2
        d_z += h @ d_w2
        d_z += d_b2
        d_g = d_z
        d_g -= (p * d_z).sum(axis=1, keepdims=True)
        d_g *= p
        d_g /= batch

        g = p
        g[rows, labels] -= 1
        g /= batch
        g_h = g @ w2.T

        np.matmul(d_h.T, g, out=gh_w2)
        np.add(gh_w2, h.T @ d_g, out=gh_w2)
        d_g.sum(axis=0, out=gh_b2)
        d_a = d_g @ w2.T
        d_a += g @ d_w2.T
        d_a *= slope
        g_h *= h
        g_h *= d_h
        g_h *= 2
        d_a -= g_h
        np.matmul(x.T, d_a, out=gh_w1)
        d_a.sum(axis=0, out=gh_b1)
        return products

    return step

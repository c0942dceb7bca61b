"""JAX: one function, compiled by its jit, on one thread."""

# ruff: noqa: E402 (the number of threads is set before JAX is imported)

from __future__ import annotations

import os
from collections.abc import Callable

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("XLA_FLAGS", ONE_THREAD)

import jax
import jax.numpy as jnp
import numpy as np
from workloads import Chain, Curvature, Gates, Network, Spring

jax.config.update("jax_enable_x64", True)


def awaited(function: Callable, *inputs) -> Callable[[], list]:
    """A step that waits for its results; the inputs are JAX's own arrays."""
    inputs = [jnp.asarray(x) for x in inputs]
    return lambda: list(jax.block_until_ready(function(*inputs)))


def with_pullback(function: Callable, *inputs, seed) -> list:
    """The result of a function, and its gradients from a seed."""
    out, pull = jax.vjp(function, *inputs)
    return [out, *pull(seed)]


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring; its steps stand in the program one by one."""

    def spring(x, v, a, h):
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        return x

    numbers = [np.float64(number) for number in data[1:]]
    compiled = jax.jit(lambda *given: with_pullback(spring, *given, seed=np.float64(1.0)))
    return awaited(compiled, *numbers)


def small_chain(data: Chain) -> Callable[[], list]:
    """The chain as a loop of JAX's: 10,000 operations one by one take minutes to compile."""

    def chain(x, a, b):
        return jax.lax.scan(lambda x, _: (x * a + b, None), x, length=data.pairs)[0]

    compiled = jax.jit(lambda *given: with_pullback(chain, *given[:3], seed=given[3]))
    return awaited(compiled, data.x, data.a, data.b, data.seed)


def loss_of(parameters: list, x, labels):
    """The mean cross-entropy of a perceptron with ReLU."""
    *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
    for weights, bias in hidden:
        x = jnp.maximum(x @ weights + bias, 0)
    return cross_entropy(x @ last[0] + last[1], labels)


def cross_entropy(scores, labels):
    """The mean negative logarithm of the probability of the right class."""
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1).mean()


def mlp_step(data: Network) -> Callable[[], list]:
    """A step of gradient descent; the old parameters are given away."""

    def move(parameters, x, labels):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, labels)
        pairs = zip(parameters, gradients, strict=True)
        return [p - x.dtype.type(data.rate) * g for p, g in pairs], loss, gradients

    compiled = jax.jit(move, donate_argnums=0)
    state = [jnp.asarray(array) for array in data.parameters()]
    x, labels = jnp.asarray(data.x), jnp.asarray(data.labels)

    def step():
        state[:], loss, gradients = compiled(state, x, labels)
        return list(jax.block_until_ready([loss, *gradients]))

    return step


def large_chain(data: Gates) -> Callable[[], list]:
    """The gates."""

    def gates(x, w):
        y = x
        for _ in range(data.blocks):
            c = jnp.tanh(y * w + x)
            y = c * c
        return y

    compiled = jax.jit(lambda *given: with_pullback(gates, *given[:2], seed=given[2]))
    return awaited(compiled, data.x, data.w, data.seed)


def hessian_vector_product(data: Curvature) -> Callable[[], list]:
    """Forwards through the gradient."""
    labels = data.network.labels

    def loss(parameters, x):
        w1, b1, w2, b2 = parameters
        return cross_entropy(jnp.tanh(x @ w1 + b1) @ w2 + b2, labels)

    @jax.jit
    def product(parameters, direction, x):
        gradient = jax.grad(loss)
        return jax.jvp(lambda p: gradient(p, x), (parameters,), (direction,))[1]

    given = [
        list(map(jnp.asarray, arrays)) for arrays in (data.network.parameters(), data.direction)
    ]
    x = jnp.asarray(data.network.x)
    return lambda: list(jax.block_until_ready(product(*given, x)))

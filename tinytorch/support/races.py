"""Optimizers side by side, for module 9: on digits, in two valleys, and what each of them costs."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinytorch.support.paths import banana, descend, ravine

Kinds = Mapping[str, Callable]


def digits_batches(seed: int = 0) -> tuple[Any, Any]:
    """Loaders of module 6: 1,437 digits to learn from, in batches of 64, and 360 others."""
    from tinytorch.core.dataloader import ArrayDataset, DataLoader, split
    from tinytorch.datasets import digits

    images, labels = digits()
    pixels = (images.reshape(-1, 64) / 16).astype(np.float32)
    seen, new = split(ArrayDataset(pixels, labels), (1437, 360), rng=0)
    return DataLoader(seen, 64, shuffle=True, rng=seed), DataLoader(new, 360)


def ravine_paths(sgd: Callable) -> dict[str, np.ndarray]:
    """The ways of four settings of SGD through the ravine, 400 steps each."""
    kinds = {
        "plain, lr 0.019": lambda p: sgd(p, 0.019),
        "momentum 0.9, lr 0.019": lambda p: sgd(p, 0.019, momentum=0.9),
        "momentum 0.8, lr 0.03": lambda p: sgd(p, 0.03, momentum=0.8),
        "Nesterov 0.9, lr 0.01": lambda p: sgd(p, 0.01, momentum=0.9, nesterov=True),
    }
    return {name: descend(ravine, [-1.0, 1.0], make, 400) for name, make in kinds.items()}


def banana_paths(sgd, adagrad, rmsprop, adam) -> dict[str, np.ndarray]:
    """The ways of five optimizers through the valley of Rosenbrock, 1,500 steps each."""
    kinds = {
        "SGD 0.001": lambda p: sgd(p, 0.001),
        "momentum 0.9, 0.001": lambda p: sgd(p, 0.001, momentum=0.9),
        "Adagrad 0.5": lambda p: adagrad(p, 0.5),
        "RMSProp 0.01": lambda p: rmsprop(p, 0.01),
        "Adam 0.1": lambda p: adam(p, 0.1),
    }
    return {name: descend(banana, [-1.2, 1.0], make, 1500) for name, make in kinds.items()}


def seven(sgd, adagrad, rmsprop, adam, adamw_cosine: Callable) -> dict[str, Callable]:
    """Makers of seven optimizers, each with a rate that does well on digits."""
    return {
        "SGD": lambda p: sgd(p, 0.5),
        "momentum": lambda p: sgd(p, 0.1, momentum=0.9),
        "Nesterov": lambda p: sgd(p, 0.1, momentum=0.9, nesterov=True),
        "Adagrad": lambda p: adagrad(p, 0.05),
        "RMSProp": lambda p: rmsprop(p, 0.003),
        "Adam": lambda p: adam(p, 0.003),
        "AdamW, cosine": adamw_cosine,
    }


def race(kinds: Kinds, fit: Callable, evaluate: Callable, accuracy: Callable) -> dict[str, Any]:
    """Train on digits with each kind, 20 epochs from three seeds, and print a table.

    Returns
    -------
    dict
        The mean losses of each kind, epoch by epoch.
    """
    from tinytorch.core.networks import MLP

    network: Any
    curves = {}
    print(f"{'':14} {'loss':>7} {'new digits':>11} {'seconds':>8}")
    for name, make in kinds.items():
        start, losses, right = time.process_time(), [], []
        for seed in range(3):
            network, (train, test) = MLP([64, 128, 10], rng=seed), digits_batches(seed)
            losses.append(fit(network, train, 20, make(network.parameters()))["loss"])
            right.append(evaluate(network, test, accuracy))
        took = (time.process_time() - start) / 3
        curves[name] = np.mean(losses, axis=0)
        print(f"{name:14} {curves[name][-1]:7.4f} {np.mean(right):11.1%} {took:8.2f}")
    return curves


def loss_after_a_break(kind: Callable, fit: Callable, forgets: bool) -> float:
    """The mean loss of ten batches after six epochs, with the optimizer or with a new one."""
    from tinytorch.core.networks import MLP
    from tinytorch.core.training import train_step

    network: Any = MLP([64, 128, 10], rng=0)
    train, _ = digits_batches()
    optimizer = kind(network.parameters(), lr=0.02)
    fit(network, train, 6, optimizer)
    if forgets:
        optimizer = kind(network.parameters(), lr=0.02)
    losses = [train_step(network, x, y, optimizer) for x, y in list(train)[:10]]
    return float(np.mean(losses))


def newton_steps(f: Callable, start, solve: Callable, low: float = 1e-6) -> int:
    """How many steps of Newton's method there are from a start to where `f` is below `low`.

    Parameters
    ----------
    f : callable
        Takes two numbers or Variables, gives one.
    start : sequence of float
        Where to begin.
    solve : callable
        Takes products of the Hessian and the slope, gives the direction.

    Raises
    ------
    ImportError
        If module 15 is not there.
    """
    from tinytorch.core.derivatives import hvp, vjp

    def of_both(w):
        return f(w[0], w[1])

    at, count = np.array(start), 0
    while f(*at) > low and count < 100:
        place = at.copy()
        at -= solve(lambda v, place=place: hvp(of_both, place, v)[1], vjp(of_both, place)[1])
        count += 1
    return count


def costs_of(kinds: Kinds) -> dict[str, tuple[float, float]]:
    """For a network with 109,386 parameters: memory in multiples of them, and ms of a step."""
    from tinytorch.core.networks import MLP

    network: Any = MLP([784, 128, 64, 10], rng=0)
    parameters = network.parameters()
    for p in parameters:
        p.grad = np.ones(p.shape, p.dtype)
    size = sum(p.data.nbytes for p in parameters)
    costs = {}
    for name, make in kinds.items():
        make(parameters).step()
        tracemalloc.start()
        optimizer = make(parameters)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        times = []
        for _ in range(20):
            start = time.perf_counter()
            optimizer.step()
            times.append(time.perf_counter() - start)
        costs[name] = held / size, 1000 * min(times)
    return costs

"""Whole training steps, compiled, beside PyTorch with its fused Adam, and JAX if it is there.

``python benchmarks/compiled_steps.py`` measures CPU time on one thread, in turns, and writes a
table into README.md; with ``--print`` it only prints.
"""

# ruff: noqa: E402 (the number of threads is set before numpy is imported)

from __future__ import annotations

import os

for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

import numpy as np
import torch
from report import only_printing, write_between_marks
from training import LARGE, ROOT, SMALL, batches, networks, their_epoch
from worker import cpu_seconds

from tinytorch import memory
from tinytorch.core import training
from tinytorch.core.compiler import compile

BEGIN, END = "<!-- compiled steps: begin -->", "<!-- compiled steps: end -->"
ROUNDS, SECONDS_A_ROUND = 15, 0.1
RATE = 1e-3
BACKENDS = ("lines", "loops", "c")
FUSED = "PyTorch, fused Adam"
Way = Callable[[], object]


def adams(sizes: list[int], fused: bool = True) -> tuple:
    """A network with its Adam, and PyTorch's with the same weights and its own."""
    mine, other = networks(sizes)
    its = torch.optim.Adam(other.parameters(), RATE, fused=fused)
    return mine, training.Adam(mine.parameters(), RATE), other, its


def adam_alone() -> dict[str, Way]:
    """A step of Adam, with gradients that stay."""
    ways: dict[str, Way] = {}
    for name in ("eager", *BACKENDS):
        network, adam, _, _ = adams(LARGE)
        rng = np.random.default_rng(0)
        for p in network.parameters():
            p.grad = rng.normal(size=p.shape).astype(np.float32)
        ways[name] = compiled(adam.step, name)
    for name, fused in (("PyTorch", False), (FUSED, True)):
        _, _, other, its = adams(LARGE, fused)
        for q in other.parameters():
            q.grad = torch.ones_like(q)
        ways[name] = its.step
    return ways


def compiled(step: Callable, name: str) -> Callable:
    """A step in one of our ways."""
    return step if name == "eager" else compile(step, backend=name)


def our_step(network, adam) -> Callable:
    """Forget, forwards, back and move."""

    def step(x, y):
        adam.zero_grad()
        loss = training.cross_entropy(network(x), y)
        loss.backward()
        adam.step()
        return loss

    return step


def an_epoch(step: Callable, loader: list) -> float:
    """All batches; the sum of the losses, as a number."""
    return sum(step(x, y).item() for x, y in loader)


def whole_steps(count: int) -> dict[str, Way]:
    """Steps of an MLP on some batches of digits, in all ways."""
    ours, theirs = batches(np.random.default_rng(0).permutation(64 * count)[:1437])
    ways: dict[str, Way] = {}
    for name in ("eager", *BACKENDS):
        network, adam, _, _ = adams(SMALL)
        ways[name] = partial(an_epoch, compiled(our_step(network, adam), name), ours)
    for name, fused in (("PyTorch", False), (FUSED, True)):
        _, _, other, its = adams(SMALL, fused)
        ways[name] = partial(their_epoch, other, theirs, its)
    try:
        ways["JAX"] = partial(an_epoch, step_of_jax(), ours)
    except ImportError:
        print("JAX: skipped, not installed")
    return ways


def step_of_jax() -> Callable:
    """The same step, by JAX's jit.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    import jax
    import jax.numpy as jnp

    network, _ = networks(SMALL)
    weights = [jnp.asarray(p.data) for p in network.parameters()]
    state = [weights, [w * 0 for w in weights], [w * 0 for w in weights], 0]

    def loss_of(weights, x, y):
        w1, b1, w2, b2 = weights
        scores = jnp.maximum(x @ w1 + b1, 0) @ w2 + b2
        return -jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], 1).mean()

    @jax.jit
    def move(weights, first, second, t, x, y):
        loss, grads = jax.value_and_grad(loss_of)(weights, x, y)
        first = [0.9 * m + 0.1 * g for m, g in zip(first, grads, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, grads, strict=True)]
        by = [
            (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
            for m, v in zip(first, second, strict=True)
        ]
        weights = [w - RATE * d for w, d in zip(weights, by, strict=True)]
        return weights, first, second, loss

    def step(x, y):
        state[3] += 1
        *state[:3], loss = move(*state[:3], float(state[3]), x.numpy(), y)
        return loss

    return step


def first_losses_agree(ways: dict[str, Way]) -> None:
    """Refuse to time ways that do not compute the same.

    Raises
    ------
    SystemExit
        If one's first loss differs from the engine's; those of compiled steps in any bit.
    """
    found = {name: way() for name, way in ways.items()}
    for name, loss in found.items():
        same = loss == found["eager"] if name in BACKENDS else np.isclose(loss, found["eager"])
        if not same:
            raise SystemExit(f"{name} gives the loss {loss}, the engine {found['eager']}")


def times(ways: dict[str, Way]) -> dict[str, float]:
    """CPU seconds of each way, medians of rounds that take turns."""
    for way in ways.values():
        for _ in range(3):
            way()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(cpu_seconds(way, SECONDS_A_ROUND))
    return {name: median(values) for name, values in found.items()}


def cost_of_the_first_calls(backend: str) -> float:
    """CPU seconds of tracing twice and writing a step of an MLP; cc's are its own process's."""
    ours, _ = batches(np.arange(64))
    network, adam, _, _ = adams(SMALL)
    step = compile(our_step(network, adam), backend=backend)
    begin = process_time()
    for _ in range(2):
        step(*ours[0])
    return process_time() - begin


def table() -> list[str]:
    """A row for each kind of step, in parts of the time that PyTorch with its fused Adam takes."""
    columns = ["eager", *BACKENDS, "PyTorch", "JAX"]
    lines = [f"| what | {FUSED} | {' | '.join(columns)} |"]
    lines.append("| --- | ---: |" + " ---: |" * len(columns))
    steps, epochs = whole_steps(1), whole_steps(23)
    first_losses_agree(steps)
    cases = {
        "a step of an MLP 64-128-10, 64 digits": steps,
        "an epoch of 1,437 digits": epochs,
        "Adam alone, 109,720 numbers": adam_alone(),
    }
    for title, ways in cases.items():
        found = times(ways)
        base = found[FUSED]
        parts = [f"{found[name] / base:.2f}" if name in found else "–" for name in columns]
        lines.append(f"| {title} | {1e6 * base:,.0f} µs | {' | '.join(parts)} |")
        print(lines[-1], flush=True)
        if ways is steps:
            eager = found["eager"]
    costs = [f"{name} {cost_of_the_first_calls(name) / eager:.0f}" for name in BACKENDS]
    return [
        *lines,
        "",
        f"The first two calls of the step, in steps of the engine: {', '.join(costs)}.",
    ]


def main() -> None:
    """Measure, print, and write the table."""
    leave = only_printing(__doc__)
    torch.set_num_threads(1)
    memory.keep_freed_blocks()
    text = "\n".join(table())
    print(text)
    if not leave:
        write_between_marks(ROOT / "benchmarks" / "README.md", text, BEGIN, END)


if __name__ == "__main__":
    main()

"""What every engine is asked to do: the data of each workload, with its sizes and seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

SEED = 7


class Spring(NamedTuple):
    """A swinging spring: ``steps`` times ``v = v + a * x`` and ``x = x + h * v``, on numbers.

    The result is the last `x`; its gradients are by the first `x` and `v`, by `a` and by `h`, which
    every step uses.
    """

    steps: int
    x: float
    v: float
    a: float
    h: float


class Chain(NamedTuple):
    """``pairs`` times ``x = x * a`` and ``x = x + b``, all of shape (16,).

    The backward pass starts from `seed`; the gradients are by the first `x`, by `a` and by `b`.
    """

    pairs: int
    x: np.ndarray
    a: np.ndarray
    b: np.ndarray
    seed: np.ndarray


class Gates(NamedTuple):
    """``blocks`` times ``c = tanh(y * w + x)`` and ``y = c * c``, beginning with ``y = x``.

    That is four operations a block. The backward pass starts from `seed`; the gradients are by `x`
    and by `w`.
    """

    blocks: int
    x: np.ndarray
    w: np.ndarray
    seed: np.ndarray


class Deep(NamedTuple):
    """``x = tanh(x @ w)`` for each of `weights`, cut into `segments` that are computed twice.

    Only what lies between the segments is kept; with one segment, everything is. The backward pass
    starts from `seed`; the gradients are by `x` and by each weight.
    """

    segments: int
    x: np.ndarray
    weights: list[np.ndarray]
    seed: np.ndarray

    def pieces(self) -> list[list[np.ndarray]]:
        """The weights of each segment."""
        ends = np.linspace(0, len(self.weights), self.segments + 1).astype(int)
        return [self.weights[a:b] for a, b in pairwise(ends)]


class Network(NamedTuple):
    """A batch for a multilayer perceptron, with labels, initial parameters and a learning rate."""

    x: np.ndarray
    labels: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    rate: float

    def one_hot(self) -> np.ndarray:
        """The labels as rows of zeros and a one, of the dtype of `x`."""
        return np.eye(self.biases[-1].size, dtype=self.x.dtype)[self.labels]

    def parameters(self) -> list[np.ndarray]:
        """Fresh copies of the weights and the bias of each layer in turn."""
        pairs = zip(self.weights, self.biases, strict=True)
        return [array.copy() for pair in pairs for array in pair]


class Images(NamedTuple):
    """A batch of images of shape (images, channels, height, width), and filters for them."""

    x: np.ndarray
    weights: np.ndarray
    bias: np.ndarray


class Curvature(NamedTuple):
    """A network, and the direction to multiply its loss's Hessian by, an array a parameter."""

    network: Network
    direction: list[np.ndarray]


def spring() -> Spring:
    """250 steps of two products and two sums: 1,000 operations on single numbers."""
    return Spring(steps=250, x=1.0, v=0.5, a=-0.04, h=0.05)


def chain() -> Chain:
    """5,000 products and 5,000 sums on 16 numbers in float64."""
    rng = np.random.default_rng(SEED)
    x, b, seed = rng.normal(size=(3, 16))
    return Chain(pairs=5_000, x=x, a=rng.uniform(0.99, 1.0, size=16), b=b, seed=seed)


def gates() -> Gates:
    """20 operations on a million numbers in float32."""
    rng = np.random.default_rng(SEED)
    x, w, seed = rng.normal(size=(3, 1_000_000)).astype(np.float32)
    return Gates(blocks=5, x=x, w=w, seed=seed)


def deep(segments: int) -> Deep:
    """1,000 layers of 128 features, 512 examples, float32; orthogonal weights keep the signal."""
    rng = np.random.default_rng(SEED)
    x, seed = rng.normal(size=(2, 512, 128)).astype(np.float32)
    orthogonal, _ = np.linalg.qr(rng.normal(size=(128, 128)))
    weights = [orthogonal[rng.permutation(128)].astype(np.float32) for _ in range(1000)]
    return Deep(segments, x, weights, seed)


def network(sizes: tuple[int, ...], batch: int, dtype: type) -> Network:
    """A perceptron with the given number of features before and after each layer.

    Parameters
    ----------
    sizes : tuple of int
        The number of inputs, then that of each layer's outputs.
    batch : int
        How many examples.
    dtype : data type
        Of the examples and the parameters.

    Returns
    -------
    Network
        Standard normal examples, He's initial weights, and small biases.
    """
    rng = np.random.default_rng(SEED)
    layers = list(pairwise(sizes))
    return Network(
        x=rng.normal(size=(batch, sizes[0])).astype(dtype),
        labels=rng.integers(sizes[-1], size=batch),
        weights=[
            (rng.normal(size=layer) * np.sqrt(2 / layer[0])).astype(dtype) for layer in layers
        ],
        biases=[rng.normal(0, 0.1, size=outputs).astype(dtype) for _, outputs in layers],
        rate=0.01,
    )


def images(batch: int, channels: int, side: int, filters: int, kernel: int) -> Images:
    """Standard normal images in float32, He's initial filters, and small biases."""
    rng = np.random.default_rng(SEED)
    spread = np.sqrt(2 / (channels * kernel * kernel))
    return Images(
        rng.normal(size=(batch, channels, side, side)).astype(np.float32),
        (rng.normal(size=(filters, channels, kernel, kernel)) * spread).astype(np.float32),
        rng.normal(0, 0.1, size=filters).astype(np.float32),
    )


def curvature() -> Curvature:
    """A perceptron 64-64-10 with tanh, 64 examples, float64, and a random direction."""
    small = network((64, 64, 10), batch=64, dtype=np.float64)
    rng = np.random.default_rng(SEED + 1)
    return Curvature(small, [rng.normal(size=array.shape) for array in small.parameters()])


class Target(NamedTuple):
    """What TinyTorch's figure should be: in words, and as a limit that may depend on the others."""

    words: str
    limit: Callable[[dict[str, float]], float]


def at_most(limit: float, unit: str = "") -> Target:
    """A fixed limit."""
    return Target(f"≤ {limit:g}{unit}", lambda figures: limit)


def at_most_and_below(limit: float, engine: str) -> Target:
    """A fixed limit that holds together with another engine's figure."""
    return Target(
        f"≤ {limit:g}, and below {engine}", lambda figures: min(limit, figures.get(engine, limit))
    )


def at_most_that_of(engine: str, times: float = 1) -> Target:
    """Another engine's figure, or a multiple of it."""
    multiple = "" if times == 1 else f"{times:g} × "
    return Target(f"≤ {multiple}{engine}'s", lambda figures: times * figures.get(engine, np.inf))


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Parameters
    ----------
    title : str
        What the table calls it.
    function : str
        The function of each engine's module that prepares it; an engine without that function
        cannot do it.
    data : callable
        Makes the data.
    tolerance : float
        How far results may lie apart, relative to the largest element of each array.
    target : Target
        For time, as a ratio to numpy by hand.
    memory_target : Target, optional
        For peak memory, which is measured if there is a target.
    plain : str, optional
        Another workload, whose peak memory in TinyTorch the memory target is a share of.
    """

    title: str
    function: str
    data: Callable[[], NamedTuple]
    tolerance: float
    target: Target
    memory_target: Target | None = None
    plain: str | None = None


WORKLOADS = {
    "scalar": Workload(
        "scalar expression, 1,000 nodes",
        "scalar_expression",
        spring,
        1e-10,
        at_most_and_below(25, "micrograd"),
    ),
    "chain": Workload(
        "chain of 10,000 operations on 16 numbers", "small_chain", chain, 1e-10, at_most(5)
    ),
    "mlp": Workload(
        "MLP 784-128-10, batch 64, float32: one SGD step",
        "mlp_step",
        partial(network, (784, 128, 10), batch=64, dtype=np.float32),
        1e-4,
        at_most(1.15),
    ),
    "wide": Workload(
        "MLP 1024-1024-1024-10, batch 256, float32: one SGD step",
        "mlp_step",
        partial(network, (1024, 1024, 1024, 10), batch=256, dtype=np.float32),
        1e-4,
        at_most(1.0),
    ),
    "million": Workload(
        "20 operations on a million numbers, float32",
        "large_chain",
        gates,
        1e-4,
        at_most(1.4),
        memory_target=at_most_that_of("PyTorch"),
    ),
    "deep": Workload(
        "deep MLP, 1,000 layers of 128, batch 512, float32, 32 checkpoints",
        "checkpointed",
        partial(deep, 32),
        1e-3,
        at_most(1.15),
        memory_target=at_most_that_of("TinyTorch"),
        plain="deep_plain",
    ),
    "conv": Workload(
        "convolution, 64 × 16 × 14 × 14, 32 filters of 3 × 3, float32: forward only",
        "convolution",
        partial(images, 64, 16, 14, 32, 3),
        1e-4,
        at_most_that_of("PyTorch", 2.5),
    ),
    "pool": Workload(
        "maximum of windows of 2 × 2, 64 × 16 × 28 × 28, float32: forward only",
        "pooling",
        partial(images, 64, 16, 28, 1, 1),
        1e-4,
        at_most_that_of("PyTorch"),
    ),
    "hvp": Workload(
        "Hessian-vector product, MLP 64-64-10, batch 64, float64",
        "hessian_vector_product",
        curvature,
        1e-10,
        at_most(2),
    ),
}
# Measured for its memory only, in comparison with another.
PLAIN = {
    "deep_plain": Workload(
        "deep MLP without checkpoints", "checkpointed", partial(deep, 1), 1e-3, at_most(1.15)
    )
}
# What compiled steps should take, as ratios to numpy by hand: as lines, and by the best backend.
COMPILED_TARGETS = {
    "scalar": (0.7, 0.2),
    "chain": (1.05, 0.06),
    "mlp": (1.1, 1.0),
    "wide": (1.03, 1.0),
    "million": (0.6, 0.35),
    "hvp": (1.0, 0.85),
}
IMPORT_TARGET = at_most(25, " ms")

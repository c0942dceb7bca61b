"""Training beside PyTorch's: an optimizer alone, a whole step, an epoch, and whole runs.

``python benchmarks/training.py`` measures, and writes three tables into README.md (with
``--print``, it only prints them): CPU time of TinyTorch divided by PyTorch's, on one thread, in
turns; losses and accuracies of runs from equal weights on equal batches; and milestone M3 over ten
seeds.
"""

# ruff: noqa: E402 (the number of threads is set before numpy is imported)

from __future__ import annotations

import os

for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy as their_cross_entropy

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from report import only_printing, write_between_marks
from worker import cpu_seconds

from tinytorch import in_place, memory
from tinytorch.core import training
from tinytorch.core.dataloader import ArrayDataset, DataLoader, split
from tinytorch.core.networks import MLP
from tinytorch.core.tensor import Tensor
from tinytorch.datasets import digits, spirals

BEGIN, END = "<!-- training: begin -->", "<!-- training: end -->"
ROUNDS, SECONDS_A_ROUND = 15, 0.1
LARGE, SMALL = [784, 138, 10], [64, 128, 10]  # 109,720 and 9,610 numbers
EPOCHS = 20
TARGET = 0.7

Kind = Callable  # takes parameters and a rate, gives an optimizer
ADAM: tuple[Kind, Kind] = in_place.Adam, torch.optim.Adam
PLAIN_ADAM: tuple[Kind, Kind] = training.Adam, torch.optim.Adam
SGD: tuple[Kind, Kind] = training.SGD, torch.optim.SGD


def their_momentum(parameters, lr: float):
    """PyTorch's SGD with the usual momentum."""
    return torch.optim.SGD(parameters, lr, momentum=0.9)


MOMENTUM: tuple[Kind, Kind] = in_place.SGD, their_momentum


def networks(sizes: list[int], seed: int = 0) -> tuple[MLP, nn.Sequential]:
    """A network, and PyTorch's with the same weights."""
    network, layers = MLP(sizes, rng=seed), []
    for dense in network[::2]:
        linear = nn.Linear(*dense.weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(dense.weights.data.T))
            linear.bias.copy_(torch.tensor(dense.bias.data))
        layers += [linear, nn.ReLU()]
    return network, nn.Sequential(*layers[:-1])


def steps_alone(kinds: tuple[Kind, Kind]) -> tuple[Callable, Callable]:
    """A step of each optimizer, with gradients that stay."""
    pair, rng = networks(LARGE), np.random.default_rng(0)
    mine, other = pair[0].parameters(), list(pair[1].parameters())
    for p in mine:
        p.grad = rng.normal(size=p.shape).astype(np.float32)
    for q in other:
        q.grad = torch.tensor(rng.normal(size=tuple(q.shape)).astype(np.float32))
    return kinds[0](mine, 1e-3).step, kinds[1](other, 1e-3).step


def images() -> tuple[np.ndarray, np.ndarray]:
    """The digits, 64 numbers for each, and their labels."""
    pictures, labels = digits()
    return (pictures.reshape(-1, 64) / 16).astype(np.float32), labels


def batches(order: np.ndarray, size: int = 64) -> tuple[list, list]:
    """The digits in an order, in batches, for both."""
    x, y = images()
    parts = [order[n : n + size] for n in range(0, len(order), size)]
    ours = [(Tensor(x[part]), y[part]) for part in parts]
    return ours, [(torch.tensor(x[part]), torch.tensor(y[part])) for part in parts]


def their_epoch(network: nn.Sequential, loader: list, optimizer) -> float:
    """What `train_epoch` does, by PyTorch."""
    total, count = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = their_cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(y), count + len(y)
    return total / count


def whole_steps(kinds: tuple[Kind, Kind], count: int) -> tuple[Callable, Callable]:
    """Forget, forwards, back and move, on some batches of digits."""
    network, other = networks(SMALL)
    ours, theirs = batches(np.random.default_rng(0).permutation(64 * count)[:1437])
    optimizer, its = kinds[0](network.parameters(), 1e-3), kinds[1](other.parameters(), 1e-3)

    def mine() -> float:
        if count == 1:
            return training.train_step(network, *ours[0], optimizer)
        return training.train_epoch(network, ours, optimizer)

    return mine, lambda: their_epoch(other, theirs, its)


def ratio(ours: Callable, theirs: Callable) -> tuple[float, float]:
    """Our CPU time by theirs, the median of rounds that take turns; and theirs in microseconds."""
    pairs = []
    for _ in range(ROUNDS):
        mine = cpu_seconds(ours, SECONDS_A_ROUND)
        pairs.append((mine, cpu_seconds(theirs, SECONDS_A_ROUND)))
    return median(a / b for a, b in pairs), 1e6 * median(b for _, b in pairs)


def times() -> list[str]:
    """A row for each comparison."""
    cases = {
        "Adam alone, 109,720 numbers, in place": (steps_alone(ADAM), TARGET),
        "… as module 8 writes it": (steps_alone(PLAIN_ADAM), None),
        "SGD with momentum alone, in place": (steps_alone(MOMENTUM), TARGET),
        "SGD alone, without momentum, as module 8 writes it": (steps_alone(SGD), None),
        "a step of an MLP 64-128-10, 64 digits, Adam in place": (whole_steps(ADAM, 1), None),
        "… Adam of module 8": (whole_steps(PLAIN_ADAM, 1), None),
        "an epoch of 1,437 digits, Adam in place": (whole_steps(ADAM, 23), None),
        "… with Adam of module 8": (whole_steps(PLAIN_ADAM, 23), None),
    }
    lines = ["| what | PyTorch | ours ÷ that | target |", "| --- | ---: | ---: | ---: |"]
    for name, (pair, target) in cases.items():
        found, base = ratio(*pair)
        lines.append(f"| {name} | {base:,.0f} µs | **{found:.2f}** | {target or '–'} |")
        print(lines[-1], flush=True)
    return lines


def both_runs(kinds: tuple[Kind, Kind], lr: float, seed: int) -> tuple[float, float, float]:
    """The largest difference of the losses of two runs, and both accuracies on other digits."""
    order = np.random.default_rng(seed).permutation(1797)
    x, y = images()
    new, right = x[order[1437:]], y[order[1437:]]
    network, other = networks(SMALL, seed)
    optimizer, its = kinds[0](network.parameters(), lr), kinds[1](other.parameters(), lr)
    ours, theirs = batches(order[:1437])
    worst = 0.0
    for _ in range(EPOCHS):
        mine = training.train_epoch(network, ours, optimizer)
        worst = max(worst, abs(mine - their_epoch(other, theirs, its)))
    answers = other(torch.tensor(new)).argmax(dim=1).numpy()
    return worst, training.accuracy(network(Tensor(new)), right), float((answers == right).mean())


def runs(seeds: int = 5) -> list[str]:
    """A row for each optimizer: what both make of the same."""
    cases = {
        "SGD, rate 0.1": (SGD, 0.1),
        "SGD with momentum, rate 0.01": (MOMENTUM, 0.01),
        "SGD with momentum, rate 0.05": (MOMENTUM, 0.05),
        "Adam, rate 0.001": (PLAIN_ADAM, 1e-3),
        "Adam in place, rate 0.001": (ADAM, 1e-3),
    }
    lines = [
        f"| {EPOCHS} epochs of digits, {seeds} seeds | ours: right, each seed | PyTorch's "
        "| largest difference of an epoch's loss, each seed |",
        "| --- | --- | --- | --- |",
    ]
    for name, (kinds, lr) in cases.items():
        found = [both_runs(kinds, lr, seed) for seed in range(seeds)]
        ours, theirs = (" ".join(f"{100 * f[n]:.1f}" for f in found) for n in (1, 2))
        differences = " ".join(f"{f[0]:.0e}" for f in found)
        lines.append(f"| {name} | {ours} | {theirs} | {differences} |")
        print(lines[-1], flush=True)
    return lines


def xor(seed: int, width: int) -> float:
    """How many of the four questions a network answers, as a share."""
    corners, right = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    scores = training.learn_xor(width, seed)(Tensor(corners)).numpy()
    return float(((scores > 0) == right).mean())


def two_spirals(seed: int) -> float:
    """The share of 500 new points that are told apart, after 200 others were learned."""
    network = training.learn_spirals(*spirals(200, turns=1, rng=seed))
    points, labels = spirals(500, turns=1, rng=100 + seed)
    return training.accuracy(network(Tensor(points)), labels)


def read_digits(seed: int, sizes: tuple[int, ...] = SMALL, slow: int = 0) -> float:
    """The share of 360 new digits that are read, after 20 epochs with Adam.

    Parameters
    ----------
    seed : int
        Of the split, the order of the batches and the first weights.
    sizes : tuple of int
        Of the network's layers.
    slow : int
        How many of the epochs, the last ones, have a tenth of the rate.
    """
    pixels, labels = images()
    seen, new = split(ArrayDataset(pixels, labels), (1437, 360), rng=seed)
    loader = DataLoader(seen, 64, shuffle=True, rng=seed)
    network = MLP(sizes, rng=seed)
    adam = training.Adam(network.parameters(), 3e-3)
    for rate, epochs in ((3e-3, EPOCHS - slow), (3e-4, slow)):
        adam.lr = rate
        training.fit(network, loader, epochs, adam)
    return training.evaluate(network, DataLoader(new, 360), training.accuracy)


def milestone(seeds: int = 10) -> list[str]:
    """A row for each part of milestone M3: right answers of each seed, and CPU seconds."""
    widths = (2, 4, 8, 16)
    cases = {f"XOR, {w} hidden neurons": (lambda s, w=w: xor(s, w)) for w in widths}
    cases |= {
        "two spirals": two_spirals,
        "digits, one hidden layer of 128, Adam, 20 epochs": read_digits,
        "digits, three of 256, the last 5 of 20 epochs at a tenth of the rate": (
            lambda s: read_digits(s, (64, 256, 256, 256, 10), slow=5)
        ),
    }
    lines = [
        f"| milestone M3, {seeds} seeds | right, in percent, each seed | mean | seconds |",
        "| --- | --- | ---: | ---: |",
    ]
    for name, learn in cases.items():
        begin = process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which names neurons that are off in the first step
            found = [100 * learn(seed) for seed in range(seeds)]
        each = " ".join(f"{f:.1f}" for f in found)
        seconds = (process_time() - begin) / seeds
        lines.append(f"| {name} | {each} | {np.mean(found):.1f} | {seconds:.2f} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure, print, and write the tables."""
    leave = only_printing(__doc__)
    torch.set_num_threads(1)
    memory.keep_freed_blocks()
    text = "\n".join([*times(), "", *runs(), "", *milestone()])
    if not leave:
        write_between_marks(ROOT / "benchmarks" / "README.md", text, BEGIN, END)


if __name__ == "__main__":
    main()

"""Convolutions beside PyTorch's: forward, and with gradients as `windows` and `fold` give them.

``python benchmarks/convolution.py`` measures, and writes the table into README.md; with
``--print`` it only prints. The gradients are what a later module will make rules of: two matrix
products with the columns of `windows`, and a `fold`. A first layer, with 1 or 3 channels, needs
none by its images.
"""

# ruff: noqa: E402 (the number of threads is set before numpy is imported)

from __future__ import annotations

import os

for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn.functional import conv2d as theirs

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from report import only_printing, write_between_marks
from worker import cpu_seconds
from workloads import Images, images

from tinytorch import memory
from tinytorch.core.cnn import conv2d, fold, windows

BEGIN, END = "<!-- convolutions: begin -->", "<!-- convolutions: end -->"
ROUNDS, SECONDS_A_ROUND = 15, 0.1
# Images, channels, side, filters, kernel; and what a prototype of this form took, ÷ PyTorch.
SIZES = {
    (64, 1, 8, 16, 3): 0.4,
    (64, 16, 8, 32, 3): 4.4,
    (64, 1, 28, 16, 3): 0.5,
    (64, 16, 14, 32, 3): 2.5,
    (64, 3, 32, 16, 3): 2.4,
    (64, 16, 32, 32, 3): 2.5,
    (64, 6, 14, 16, 5): 1.9,
}


def our_gradients(data: Images, seed: np.ndarray) -> list[np.ndarray]:
    """The result, and the gradients by filters, bias and, unless it is a first layer, images."""
    x, weights, bias = data
    filters, kernel = len(weights), weights.shape[2:]
    columns = windows(x, kernel)
    out = weights.reshape(filters, -1) @ columns
    out += bias[:, None]
    grad = seed.reshape(len(x), filters, -1)
    by_weights = (grad @ columns.transpose(0, 2, 1)).sum(axis=0).reshape(weights.shape)
    found = [out.reshape(seed.shape), by_weights, grad.sum(axis=0).sum(axis=1)]
    if x.shape[1] > 3:
        found.append(gradient_by_images(weights, seed, x.shape))
    return found


def gradient_by_images(weights: np.ndarray, seed: np.ndarray, shape: tuple) -> np.ndarray:
    """Folded down, then across.

    Windows of one column lie in one piece of memory, so that the first `fold` adds all places of
    an image at once, and the second has fewer pixels of a window to add back row by row.
    """
    n, filters, _, across = seed.shape
    _, channels, height, width = weights.shape
    rows = weights.swapaxes(2, 3).reshape(filters, -1)
    columns = rows.T @ seed.reshape(n, filters, -1)
    tall = fold(columns, (n, channels * width, shape[2], across), (height, 1))
    return fold(tall.reshape(n, channels * width, -1), shape, (1, width))


def their_gradients(data: Images, seed: np.ndarray) -> Callable[[], list[np.ndarray]]:
    """The same by PyTorch."""
    x, weights, bias = (torch.from_numpy(array) for array in data)
    leaves = [weights.requires_grad_(), bias.requires_grad_()]
    if x.shape[1] > 3:
        leaves.append(x.requires_grad_())
    upstream = torch.from_numpy(seed)

    def step():
        out = theirs(x, weights, bias)
        return [out.detach(), *torch.autograd.grad(out, leaves, upstream)]

    return step


def their_result(data: Images) -> Callable[[], list]:
    """PyTorch's forward pass alone."""
    arrays = [torch.from_numpy(array) for array in data]

    def step():
        with torch.no_grad():
            return [theirs(*arrays)]

    return step


def ratio(ours: Callable[[], list], others: Callable[[], list]) -> tuple[float, float]:
    """Our CPU time by theirs, the median of rounds that take turns; and theirs in milliseconds."""
    for mine, other in zip(ours(), others(), strict=True):
        if not np.allclose(mine, other.numpy(), rtol=1e-3, atol=1e-3 * np.abs(mine).max()):
            raise SystemExit("both give other numbers; nothing was timed")
    pairs = []
    for _ in range(ROUNDS):
        mine = cpu_seconds(ours, SECONDS_A_ROUND)
        pairs.append((mine, cpu_seconds(others, SECONDS_A_ROUND)))
    return median(a / b for a, b in pairs), 1e3 * median(b for _, b in pairs)


def main() -> None:
    """Measure every size, print, and write the table."""
    leave = only_printing(__doc__)
    torch.set_num_threads(1)
    memory.keep_freed_blocks()
    lines = [
        "| images | filters | PyTorch forward | ours ÷ that | PyTorch with gradients | ours ÷ that "
        "| prototype |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size, prototype in SIZES.items():
        data = images(*size)
        out = conv2d(*data)
        seed = np.random.default_rng(0).normal(size=out.shape).astype(np.float32)
        forward, base = ratio(lambda d=data: [conv2d(*d)], their_result(data))
        both, whole = ratio(lambda d=data, s=seed: our_gradients(d, s), their_gradients(data, seed))
        n, c, side, filters, kernel = size
        lines.append(
            f"| {n} × {c} × {side} × {side} | {filters}, {kernel} × {kernel} | {base:.2f} ms "
            f"| **{forward:.1f}** | {whole:.2f} ms | **{both:.1f}** | {prototype} |"
        )
        print(lines[-1], flush=True)
    if not leave:
        write_between_marks(ROOT / "benchmarks" / "README.md", "\n".join(lines), BEGIN, END)


if __name__ == "__main__":
    main()

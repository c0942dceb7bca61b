"""Six training runs on digits, five of them with a mistake, for a page of module 8."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Histories = dict[str, dict[str, list[float]]]


def six_runs(fit: Callable, optimizer: Callable, loss: Callable) -> Histories:
    """The histories of six runs of ten epochs, by the letters A to F.

    Parameters
    ----------
    fit, optimizer, loss : callable
        `fit`, `SGD` and `cross_entropy` of module 8.
    """
    from tinytorch.core.autograd import softmax
    from tinytorch.core.networks import MLP
    from tinytorch.core.tensor import Tensor
    from tinytorch.datasets import digits

    images, labels = digits()
    pixels = (images.reshape(-1, 64) / 16).astype(np.float32)
    new_people = Tensor(pixels[1437:])

    def run(right=labels, lr=0.5, loss=loss, count=1437, size=64) -> dict[str, list[float]]:
        """One run: the first images and what is taken for right."""
        order = np.random.default_rng(0).permutation(count)
        parts = [order[n : n + size] for n in range(0, count, size)]
        batches = [(Tensor(pixels[part]), right[part]) for part in parts]
        network: Any = MLP([64, 128, 10], rng=0)
        others = [(new_people, right[1437:])]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which would tell what one of them is about
            return fit(network, batches, 10, optimizer(network.parameters(), lr), loss, others)

    apart = np.random.default_rng(0).permutation(labels)
    return {
        "A": run(),
        "B": run(loss=lambda scores, y: loss(softmax(scores), y)),
        "C": run(count=64, size=8),
        "D": run(lr=0.002),
        "E": run(lr=3.0),
        "F": run(right=apart),
    }

"""What training can fall back on, and what its first step shows."""

from __future__ import annotations

import warnings

import numpy as np

from tinytorch.core.autograd import Variable
from tinytorch.core.networks import walk
from tinytorch.core.tensor import Tensor
from tinytorch.support.saving import array_of, listed, put


class State:
    """A copy of all numbers of a network and its optimizer, to be put back.

    Attributes
    ----------
    when : str
        When that was, for a message.
    """

    when = ""

    def __init__(self, network, optimizer):
        self.network = network
        kinds = (Tensor, Variable, np.ndarray, np.random.Generator)
        found = [part for _, part in walk([network, optimizer]) if isinstance(part, kinds)]
        self.kept = [(part, array_of(part)) for part in found]

    def put_back(self) -> None:
        """Give everything the numbers that it had."""
        for part, array in self.kept:
            put(part, array)


def warn_of_unreached(network) -> None:
    """Name the parameters whose gradient is None or has only zeros, after a training step."""
    parameters = [(n, p) for n, p in walk(network) if getattr(p, "requires_grad", False)]
    names = [name for name, p in parameters if p.grad is None or not np.any(p.grad)]
    if names:
        warnings.warn(
            f"after the first step, no gradient has reached {listed(names)}; they do not "
            "learn. Does the network go through an array somewhere, is a layer switched "
            "off, or was backward() not called before step()?",
            stacklevel=4,
        )

"""What every optimizer is given, looked at before anything moves."""

from __future__ import annotations

import numbers
from collections.abc import Iterable

import numpy as np

from tinytorch.core.tensor import Tensor


def parameters_to_train(parameters: Iterable) -> list:
    """The parameters of an optimizer as a list.

    Raises
    ------
    TypeError
        If one of them is no parameter: neither a Tensor nor a Variable that requires a gradient.
    ValueError
        If there are none, or one comes twice.
    """
    if isinstance(parameters, Tensor) or hasattr(parameters, "grad_fn"):
        raise TypeError("an optimizer is given a list of parameters; write [parameter] for one")
    found = list(parameters)
    if not found:
        raise ValueError("there are no parameters to train; pass network.parameters()")
    for number, p in enumerate(found):
        if not getattr(p, "requires_grad", False):
            raise TypeError(
                f"number {number} of the parameters is {p!r:.60}, which requires no gradient; "
                "pass network.parameters(), or set requires_grad=True"
            )
        if any(p is other for other in found[:number]):
            raise ValueError(
                f"number {number} of the parameters is there twice, and would move twice; pass "
                "each once"
            )
    return found


def learning_rate(lr: float) -> float:
    """A learning rate as a Python number, which changes no dtype.

    Raises
    ------
    TypeError
        If it is no single number.
    ValueError
        If it is negative, infinite or NaN.
    """
    if np.ndim(lr) or not isinstance(lr, (numbers.Real, np.ndarray)):
        raise TypeError(f"the learning rate is {lr!r:.60}; it must be a single number")
    if not 0 <= lr < np.inf:
        raise ValueError(f"the learning rate is {lr}; it must be a number that is not negative")
    return float(lr)


class OptimizerMethods:
    """How an optimizer shows itself."""

    parameters: list
    lr: float

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr:g})"

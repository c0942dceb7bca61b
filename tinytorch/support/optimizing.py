"""What every optimizer is given, looked at before anything moves."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

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
    return float(not_negative("the learning rate", lr))


def single_number(name: str, value: Any) -> Any:
    """A setting, if it is one number."""
    if np.ndim(value) or not isinstance(value, (numbers.Real, np.ndarray)):
        raise TypeError(f"{name} is {value!r:.60}; it must be a single number")
    return value


def not_negative(name: str, value: Any) -> Any:
    """A setting, if it is a number from 0 on."""
    if not 0 <= single_number(name, value) < np.inf:
        raise ValueError(f"{name} is {value}; it must be a number that is not negative")
    return value


def kept_share(name: str, value: Any) -> Any:
    """A setting, if it is a share that a mean can keep in each step."""
    if not 0 <= single_number(name, value) < 1:
        raise ValueError(f"{name} is {value}; it is the share that is kept, at least 0 and below 1")
    return value


def two_shares(betas: Any) -> Any:
    """The shares that the two means of Adam keep.

    Raises
    ------
    TypeError
        If they are not two numbers.
    ValueError
        If one of them is below 0, or not below 1.
    """
    if np.shape(betas) != (2,):
        raise TypeError(f"betas is {betas!r:.60}; it must be two numbers, such as (0.9, 0.999)")
    for n, beta in enumerate(betas):
        kept_share(f"betas[{n}]", beta)
    return betas


LOOKED_AT = {"betas": two_shares, "eps": lambda eps: not_negative("eps", eps)}
OF_MODULE_9 = "param_groups", "state_dict", "load_state_dict"


class OptimizerMethods:
    """How an optimizer shows itself, and which settings it takes."""

    parameters: list
    lr: float

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, LOOKED_AT[name](value) if name in LOOKED_AT else value)

    def __getattr__(self, name: str) -> Any:
        if name in OF_MODULE_9:
            raise AttributeError(
                f"{type(self).__name__} of {type(self).__module__} has no {name}; take an "
                "optimizer of module 9, from tinytorch.core.optimizers"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr:g})"

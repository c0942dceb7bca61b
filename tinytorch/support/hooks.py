"""Functions that see, and may replace, the gradient of a variable, in each backward pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from tinytorch.support.guards import UsersTurn
from tinytorch.support.losses import real_numbers

numbers = itertools.count()
HOOKED: list[bool] = []  # not empty as soon as there is a hook anywhere: usually there is none


class Handle:
    """What `register_hook` gives: call ``remove()`` to take the hook off again."""

    def __init__(self, hooks: dict, number: int):
        self.hooks, self.number = hooks, number

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self.hooks.pop(self.number, None)


def register(variable, hook: Callable) -> Handle:
    """Call `hook` with the complete gradient of a variable in each backward pass."""
    if not variable.requires_grad:
        raise RuntimeError("a Variable that requires no gradient can have no hook")
    if not hasattr(variable, "hooks"):
        variable.hooks = {}
    number = next(numbers)
    HOOKED[:] = [True]
    variable.hooks[number] = hook
    return Handle(variable.hooks, number)


def call_hooks(variable, grad):
    """The gradient of a variable after its hooks have seen it, and perhaps replaced it."""
    for hook in list(getattr(variable, "hooks", {}).values()):
        with UsersTurn():
            replaced = hook(grad if hasattr(grad, "__apply__") else np.array(grad))
        if replaced is not None:
            grad = of_the_same_shape(replaced, variable, "a hook")
    return grad


def of_the_same_shape(gradient, variable, giver: str):
    """A gradient that a user's function has given for a variable, if it has the right shape."""
    if not hasattr(gradient, "__apply__"):
        gradient = real_numbers(gradient, f"a gradient from {giver}")
    if gradient.shape != variable.shape:
        raise ValueError(
            f"{giver} gave a gradient of shape {gradient.shape} for a variable of shape "
            f"{variable.shape}; return one number for each element"
        )
    return gradient

"""Module 9 of TinyTorch: optimizers.

Made by `tito export` from source/09_optimizers/optimizers_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable

import numpy as np

from tinytorch.core import training
from tinytorch.core.networks import Module
from tinytorch.core.tensor import Tensor, extend
from tinytorch.core.training import cross_entropy, load, save, train_step
from tinytorch.support.optimizer_state import refuse_other_state
from tinytorch.support.param_groups import GroupMethods, arrays_of, groups_to_train
from tinytorch.support.schedules import (
    Schedule,
    SchedulerMethods,
    again,
    refuse_no_schedule,
)

BETAS = 0.9, 0.999  # what Adam's two means keep, if nobody says otherwise


class Optimizer(GroupMethods, training.Optimizer):
    """What moves parameters; each kind has a `direction` of its own.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained: parameters, or groups of them. A group is a dictionary
        with ``"params"`` and the settings in which it differs.
    **defaults
        The settings of all groups that have no others: ``lr``, and what the kind needs.

    Attributes
    ----------
    param_groups : list of dict
        The groups, each with ``"params"`` and all settings, which may be changed.
    state : list of dict of ndarray
        What is remembered of each parameter: ``"steps"``, and what is in `remembers`.
    remembers : tuple of str
        Of the class: the names of what is remembered besides, in the parameter's shape.

    Raises
    ------
    TypeError
        If a parameter requires no gradient, or parameters and groups are mixed.
    ValueError
        If there are none, one comes twice, or a setting is unknown or out of its range.
    """

    remembers: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable, **defaults):
        groups = groups_to_train(parameters, defaults)
        self.param_groups = [defaults | group for group in groups]
        self.state = []
        for p, _ in self.members():
            zeros = {name: np.zeros(p.shape, p.dtype) for name in self.remembers}
            self.state.append({"steps": np.array(0)} | zeros)


@extend(Optimizer)
class Stepping:
    """How an optimizer makes a step."""

    def step(self) -> None:
        """Move each parameter that has a gradient: ``w -= lr * direction``."""
        for (p, group), memory in zip(self.members(), self.state):
            if p.grad is not None:
                memory["steps"] += 1
                w, g = arrays_of(p)
                g = self.decayed(w, g, group)
                w -= group["lr"] * self.direction(w, g, memory, group)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    ``g = gradient + weight_decay * w``, ``v = momentum * v + g``, and ``w -= lr * v``;
    with `nesterov`, ``w -= lr * (g + momentum * v)``. At first, v is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate.
    momentum : float
        The share of the velocity that is kept in each step, below 1.
    nesterov : bool
        Whether to look ahead; needs a momentum.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and
    momentum in deep learning".
    """

    remembers = ("velocity",)

    def __init__(self, parameters, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        settings = {"momentum": momentum, "nesterov": nesterov}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The velocity, or where it leads."""
        momentum, velocity = group["momentum"], memory["velocity"]
        velocity *= momentum
        velocity += g
        if group["nesterov"]:
            return g + momentum * velocity
        return velocity


@extend(Optimizer)
class Decaying:
    """How weights are pulled to zero."""

    def decayed(self, w, g, group: dict) -> np.ndarray:
        """The gradient with the pull to zero, ``g + weight_decay * w``."""
        decay = group.get("weight_decay")
        return g + decay * w if decay else g


def parameter_groups(network: Module, weight_decay: float) -> list[dict]:
    """Two groups of the parameters of a network: weights, which decay, and all others.

    Parameters
    ----------
    network : Module
        Its parameters with at least two axes decay; biases and scales have one.
    weight_decay : float
        How strongly.

    Returns
    -------
    list of dict
        Groups for an optimizer: first those that decay. One without parameters is left
        out.
    """
    parameters = network.parameters()
    weights = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


class Adagrad(Optimizer):
    """Steps that get shorter where slopes were large.

    ``g = gradient + weight_decay * w``, ``s = s + g**2``, and
    ``w -= lr * g / (sqrt(s) + eps)``. At first, s is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate: the length of the first step.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning
    and stochastic optimization".
    """

    remembers = ("squares",)

    def __init__(self, parameters, lr=0.01, eps=1e-10, weight_decay=0.0):
        super().__init__(parameters, lr=lr, eps=eps, weight_decay=weight_decay)

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The slope, by the root of all squares so far."""
        squares = memory["squares"]
        squares += g**2
        return g / (np.sqrt(squares) + group["eps"])


class RMSProp(Optimizer):
    """Steps that are as long where slopes are large as where they are small.

    ``g = gradient + weight_decay * w``, ``s = alpha * s + (1 - alpha) * g**2``, and
    ``w -= lr * g / (sqrt(s) + eps)``. At first, s is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate, about as far as a number moves in one step.
    alpha : float
        The share of the mean that is kept in each step, below 1.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Hinton (2012), "Neural networks for machine learning", lecture 6e.
    """

    remembers = ("squares",)

    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
        settings = {"alpha": alpha, "eps": eps}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The slope, by the root of the mean of its squares."""
        squares = memory["squares"]
        squares += (1 - group["alpha"]) * (g**2 - squares)
        return g / (np.sqrt(squares) + group["eps"])


class Adam(Optimizer):
    """Momentum, and a rate for each number.

    ``g = gradient + weight_decay * w``, ``m = beta1 * m + (1 - beta1) * g``,
    ``s = beta2 * s + (1 - beta2) * g**2``, and after t steps
    ``w -= lr * (m / (1 - beta1**t)) / (sqrt(s / (1 - beta2**t)) + eps)``. At first, m
    and s are 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate, about as far as a number moves in one step.
    betas : tuple of float
        The shares of the two means that are kept in each step, below 1.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0, as a part of the gradient; see `AdamW`.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization".
    """

    remembers = ("means", "squares")

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8, weight_decay=0.0):
        settings = {"betas": betas, "eps": eps}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The mean slope, by the root of the mean square, both corrected."""
        (beta1, beta2), t = group["betas"], memory["steps"].item()
        means, squares = memory["means"], memory["squares"]
        means += (1 - beta1) * (g - means)
        squares += (1 - beta2) * (g**2 - squares)
        root = np.sqrt(squares / (1 - beta2**t))
        return means / (1 - beta1**t) / (root + group["eps"])


class AdamW(Adam):
    """Adam with a decay that does not go through its means.

    ``w = (1 - lr * weight_decay) * w``, and then a step of `Adam` without decay.

    Parameters
    ----------
    parameters, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        In each step, a weight loses ``lr * weight_decay`` of itself.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization".
    """

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8, weight_decay=0.01):
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def decayed(self, w, g, group: dict) -> np.ndarray:
        """The gradient as it is; the weights shrink, in place."""
        w *= 1 - group["lr"] * group["weight_decay"]
        return g


class StepLR(Schedule):
    """A rate that drops now and then: the factor is ``gamma ** (step // step_size)``.

    Parameters
    ----------
    step_size : int
        For how many steps the rate stays.
    gamma : float
        The factor after that.

    Examples
    --------
    >>> [StepLR(2, 0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    step_size: int
    gamma: float = 0.1

    def __call__(self, step: int) -> float:
        return self.gamma ** (step // self.step_size)


class ExponentialLR(Schedule):
    """A rate that falls in each step: the factor is ``gamma ** step``."""

    gamma: float

    def __call__(self, step: int) -> float:
        return self.gamma**step


def cosine(start: float, end: float, share: float) -> float:
    """What is between two numbers, along half a wave, at a share of the way."""
    wave = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return end + (start - end) * wave


class CosineLR(Schedule):
    """A rate that falls along half a wave, and stays at its end.

    The factor is ``floor + (1 - floor) * (1 + cos(pi * step / steps)) / 2``.

    Parameters
    ----------
    steps : int
        When it is at the end.
    floor : float
        The factor there.

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm
    restarts".
    """

    steps: int
    floor: float = 0.0

    def __call__(self, step: int) -> float:
        return cosine(1.0, self.floor, step / self.steps)


class WarmupCosine(Schedule):
    """A rate that rises in a line, and then falls along half a wave.

    The factor is ``(step + 1) / warmup`` while ``step < warmup``; after that it goes
    from 1 to `floor`, which it reaches at `steps`, as in `CosineLR`.

    Parameters
    ----------
    warmup : int
        For how many steps it rises; may be 0.
    steps : int
        When it is at the end.
    floor : float
        The factor there.
    """

    warmup: int
    steps: int
    floor: float = 0.0

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        share = (step - self.warmup) / (self.steps - self.warmup)
        return cosine(1.0, self.floor, share)


class OneCycle(Schedule):
    """A rate that goes up to its highest and far down again, along two half waves.

    The factor goes from ``1 / div_factor`` to 1 at step ``pct_start * steps - 1``, and
    from there to ``1 / (div_factor * final_div_factor)`` at step ``steps - 1``.

    Parameters
    ----------
    steps : int
        How many there are.
    pct_start : float
        The share of the steps in which it goes up.
    div_factor, final_div_factor : float
        By what the highest rate is divided at the start, and the rate of the start at
        the end.

    References
    ----------
    Smith and Topin (2018), "Super-convergence: very fast training of neural networks
    using large learning rates".
    """

    steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __call__(self, step: int) -> float:
        start = 1 / self.div_factor
        top, last = self.pct_start * self.steps - 1, self.steps - 1
        if step <= top:
            return cosine(start, 1.0, step / top)
        share = (step - top) / (last - top)
        return cosine(1.0, start / self.final_div_factor, share)


class Scheduler(SchedulerMethods):
    """An optimizer with a rate that changes from step to step.

    It can be used like an optimizer: `fit` and `train_step` take it.

    Parameters
    ----------
    optimizer : Optimizer
        Makes the steps.
    schedule : callable
        Takes the number of a step, from 0, and gives the factor for the rates.

    Attributes
    ----------
    rates : ndarray
        The rates of the groups, which the factors are for.
    steps : ndarray
        How many steps are done: one number.

    Raises
    ------
    TypeError
        If the schedule cannot be called.
    """

    def __init__(self, optimizer: Optimizer, schedule: Callable):
        refuse_no_schedule(schedule)
        self.optimizer, self.schedule = optimizer, schedule
        self.rates = np.array([group["lr"] for group in optimizer.param_groups])
        self.steps = np.array(0)

    def step(self) -> None:
        """Set the rate of each group, and make a step."""
        factor = self.schedule(self.steps.item())
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = (rate * factor).item()
        self.steps += 1
        self.optimizer.step()


@extend(Optimizer)
class Remembering:
    """What an optimizer remembers, to be kept and put back."""

    def state_dict(self) -> dict[str, list]:
        """A copy of what is remembered and of all settings.

        Returns
        -------
        dict
            ``"state"``: for each parameter a dictionary of arrays; ``"param_groups"``:
            the settings of each group, with the number of its parameters as
            ``"params"``.
        """
        state = []
        for memory in self.state:
            state.append({name: array.copy() for name, array in memory.items()})
        groups = []
        for group in self.param_groups:
            groups.append(group | {"params": len(group["params"])})
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: dict[str, list]) -> None:
        """Go on where an optimizer was when its `state_dict` was taken.

        Parameters
        ----------
        saved : dict
            What `state_dict` gave; its arrays are copied.

        Raises
        ------
        ValueError
            If it is of another kind, or for other parameters; nothing has changed then.
        """
        refuse_other_state(self, saved)
        for memory, kept in zip(self.state, saved["state"]):
            for name, array in kept.items():
                memory[name][...] = array
        for group, settings in zip(self.param_groups, saved["param_groups"]):
            group.update(settings | {"params": group["params"]})


def find_lr(
    network, batches, optimizer, loss=cross_entropy, lowest=1e-5, highest=10.0, steps=99
) -> tuple[np.ndarray, np.ndarray]:
    """Try rates from tiny to huge in one run, and put everything back.

    Parameters
    ----------
    network, batches, optimizer, loss
        As for `train_epoch`. The batches are gone through as often as it takes.
    lowest, highest : float
        The first rate and the last one.
    steps : int
        How many rates there are, each larger than the one before by the same factor.

    Returns
    -------
    rates, losses : ndarray of shape (tried,)
        The loss right before the step with each rate. It ends early when the loss is
        more than four times its lowest, or no number any more.

    References
    ----------
    Smith (2017), "Cyclical learning rates for training neural networks".
    """
    rates, losses = np.geomspace(lowest, highest, steps), []
    file, state = io.BytesIO(), optimizer.state_dict()
    save(file, network)
    try:
        for rate, (x, y) in zip(rates, again(batches)):
            optimizer.lr = rate
            losses.append(train_step(network, x, y, optimizer, loss))
            if losses[-1] > 4 * min(losses):
                break
    except FloatingPointError:
        pass
    finally:
        file.seek(0)
        load(file, network)
        optimizer.load_state_dict(state)
    return rates[: len(losses)], np.array(losses)


def conjugate_gradient(product: Callable, b: np.ndarray) -> np.ndarray:
    """Solve ``A x = b`` with nothing but products of A with vectors.

    Parameters
    ----------
    product : callable
        Takes an array like `b`, gives the product of A with it; A is symmetric, with
        positive curvature in each direction.
    b : ndarray of shape (n,)
        Not changed.

    Returns
    -------
    ndarray of shape (n,)
        The solution, after at most n products.

    References
    ----------
    Hestenes and Stiefel (1952), "Methods of conjugate gradients for solving linear
    systems".
    """
    x, rest, d = np.zeros_like(b), b.copy(), b.copy()
    for _ in range(len(b)):
        length = rest @ rest
        if length <= 1e-20 * (b @ b):
            break
        q = product(d)
        alpha = length / (d @ q)
        x += alpha * d
        rest -= alpha * q
        d = rest + (rest @ rest) / length * d
    return x


__all__ = """
    Adagrad Adam AdamW CosineLR ExponentialLR OneCycle Optimizer RMSProp SGD Scheduler
    StepLR WarmupCosine conjugate_gradient find_lr parameter_groups
""".split()

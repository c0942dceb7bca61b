"""What stands around the schedules of a learning rate: settings that can be used, and saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, dataclass_transform

import numpy as np

from tinytorch.support.arrays import one_call
from tinytorch.support.loops import batches_of

COUNTS = ("steps", "step_size")
SHARES = ("gamma", "floor", "pct_start")
FACTORS = ("div_factor", "final_div_factor")


@dataclass_transform(frozen_default=True)
class Schedule:
    """What all schedules have in common: each is a dataclass, and refuses what cannot be.

    Raises
    ------
    ValueError
        If a number of steps is not whole or below 1, a share is not between 0 and 1, a factor is
        below 1, or nothing is left after warming up.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)
        if "__call__" in vars(cls):
            factor = one_call(vars(cls)["__call__"])
            factor.__name__ = "factor"  # in the text of a compiled step
            setattr(cls, "__call__", factor)  # noqa: B010

    def __post_init__(self) -> None:
        settings = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        for name in settings.keys() & COUNTS:
            if settings[name] != int(settings[name]) or settings[name] < 1:
                raise ValueError(f"{name} is {settings[name]}; it is a whole number, at least 1")
        for name in settings.keys() & SHARES:
            if not 0 <= settings[name] <= 1:
                raise ValueError(f"{name} is {settings[name]}; it is between 0 and 1")
        for name in settings.keys() & FACTORS:
            if not settings[name] >= 1:
                raise ValueError(f"{name} is {settings[name]}; it divides the rate, so at least 1")
        if "warmup" in settings and not 0 <= settings["warmup"] < settings["steps"]:
            raise ValueError(
                f"warmup is {settings['warmup']} of {settings['steps']} steps; it is at least 0, "
                "and leaves some to go down"
            )
        if "pct_start" in settings:
            top = settings["pct_start"] * settings["steps"] - 1
            if not 0 < top < settings["steps"] - 1:
                raise ValueError(
                    f"a share of {settings['pct_start']} of {settings['steps']} steps leaves no "
                    "time to go up, or none to go down; take more steps, or another pct_start"
                )


class SchedulerMethods:
    """What a scheduler hands on to its optimizer, so that it can be used like one."""

    optimizer: Any
    schedule: Any
    rates: np.ndarray
    steps: np.ndarray

    def zero_grad(self) -> None:
        """Let no parameter have a gradient."""
        self.optimizer.zero_grad()

    @property
    def parameters(self) -> list:
        """The parameters of the optimizer."""
        return self.optimizer.parameters

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of the optimizer."""
        return self.optimizer.param_groups

    @property
    def lr(self) -> float:
        """The rate of the optimizer's first group, as the last step had it."""
        return self.optimizer.lr

    @lr.setter
    def lr(self, rate: float) -> None:
        raise AttributeError(
            "the schedule sets the rate in each step, so it can't be set here; for another one, "
            "make a new Scheduler, and to look for one, hand scheduler.optimizer to find_lr"
        )

    def state_dict(self) -> dict[str, Any]:
        """A copy of what changes: in the optimizer, and how many steps are done."""
        own = {"steps": int(self.steps), "rates": self.rates.tolist()}
        return {"optimizer": self.optimizer.state_dict(), **own}

    def load_state_dict(self, saved: Any) -> None:
        """Go on where a scheduler was when its `state_dict` was taken.

        Raises
        ------
        ValueError
            If it does not fit; nothing has changed then.
        """
        if not isinstance(saved, Mapping) or set(saved) != {"optimizer", "steps", "rates"}:
            raise ValueError(
                f"this is no state of a scheduler: {saved!r:.60}; pass what state_dict() of a "
                "scheduler gave"
            )
        if np.shape(saved["rates"]) != self.rates.shape:
            raise ValueError(
                f"the scheduler has the rates of {len(self.rates)} groups, the state "
                f"{saved['rates']}; load it into one for an optimizer with the same groups"
            )
        self.optimizer.load_state_dict(saved["optimizer"])
        self.steps[...], self.rates[...] = saved["steps"], saved["rates"]

    def __repr__(self) -> str:
        return f"Scheduler({self.optimizer!r}, {self.schedule!r})"


def refuse_no_schedule(schedule: object) -> None:
    """Refuse what cannot say the factor of a step.

    Raises
    ------
    TypeError
        If it cannot be called, or is a class.
    """
    if not callable(schedule) or isinstance(schedule, type):
        raise TypeError(
            f"a schedule takes a step and gives a factor, but got {schedule!r:.80}; pass one such "
            "as CosineLR(100), or a function"
        )


def again(batches: Iterable) -> Iterator[tuple]:
    """The batches of a loader or a list, over and over.

    Raises
    ------
    ValueError
        If there are none, or they can be gone through only once.
    """
    if hasattr(batches, "__next__"):
        raise ValueError(
            "the batches can be gone through only once; pass a DataLoader or a list of batches"
        )
    while True:
        yield from batches_of(batches)

"""What surrounds a training loop: batches and epochs that are there, losses that can be used."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator

import numpy as np

from tinytorch.support.progress_bars import Report, where_somebody_looks


class Place(threading.local):
    """Where the loops of this thread are, for messages; 0 is nowhere."""

    epoch = 0
    step = 0

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}"] * bool(self.epoch) + [f"step {self.step}"] * bool(self.step)
        return f" in {', '.join(parts)}" if parts else ""


PLACE = Place()


def batches_of(batches: Iterable) -> Iterator[tuple]:
    """The batches of a loader or a list, one after the other.

    Raises
    ------
    ValueError
        If there are none.
    TypeError
        If one is no pair.
    """
    before, step = PLACE.step, 0
    try:
        for step, batch in enumerate(batches, 1):
            if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                raise TypeError(f"a batch is a pair (inputs, targets), but got {batch!r:.60}")
            PLACE.step = step
            yield tuple(batch)
    finally:
        PLACE.step = before
    if not step:
        raise ValueError(
            "there are no batches; the loader is empty, or it can be gone through only once"
        )


def epochs_of(epochs: int, train, validation=None, progress: bool = False) -> Iterator[int]:
    """The numbers of some epochs, from 0.

    Raises
    ------
    ValueError
        If `epochs` is negative, `train` can be gone through only once, or `validation` is `train`.
    """
    if epochs < 0:
        raise ValueError(f"epochs is {epochs}; it is how often to go through all batches")
    for name, batches in {"train": train, "validation": validation}.items():
        if hasattr(batches, "__next__"):
            raise ValueError(
                f"{name} can be gone through only once, and each epoch needs it; pass a "
                "DataLoader or a list of batches"
            )
    if validation is train:
        raise ValueError(
            "the validation batches are those of the training, and would say nothing about new "
            "examples; pass others, or none"
        )
    return _epochs(epochs, progress)


def _epochs(epochs: int, progress: bool) -> Iterator[int]:
    before = PLACE.epoch
    looks: contextlib.AbstractContextManager[Report] = contextlib.nullcontext(lambda done: None)
    if progress:
        looks = where_somebody_looks(epochs, "epochs")
    try:
        with looks as report:
            for epoch in range(epochs):
                PLACE.epoch = epoch + 1
                yield epoch
                report(epoch + 1)
    finally:
        PLACE.epoch = before


def checked(loss):
    """A loss, if a training step can use it.

    Raises
    ------
    TypeError
        If it has no history, so that there is nothing to train.
    ValueError
        If it is not a single number.
    FloatingPointError
        If it is infinite or not a number; says in which epoch and step.
    """
    if not getattr(loss, "requires_grad", False):
        raise TypeError(
            "the loss depends on no parameter, so there is nothing to train; was it computed with "
            "no_grad(), or from numbers alone?"
        )
    if loss.size != 1:
        raise ValueError(
            f"the loss has the shape {loss.shape}, but one number is needed; take the mean, "
            "as with reduction='mean'"
        )
    if not np.isfinite(loss.item()):
        raise FloatingPointError(
            f"the loss is {loss.item()}{PLACE}; no step was made. Look at the inputs, or try a "
            "smaller learning rate"
        )
    return loss

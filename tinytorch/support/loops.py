"""What surrounds a training loop: batches and epochs that are there, losses that can be used."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator

import numpy as np

from tinytorch.support.arrays import guard
from tinytorch.support.good_states import State, warn_of_unreached
from tinytorch.support.progress_bars import Report, where_somebody_looks


class Place(threading.local):
    """Where the loops of this thread are, 0 is nowhere; and the last state known to be good."""

    epoch = 0
    step = 0
    good: State | None = None

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}"] * bool(self.epoch) + [f"step {self.step}"] * bool(self.step)
        return f" in {', '.join(parts)}" if parts else ""


PLACE = Place()


def steps_of(steps: int, network, optimizer) -> Iterator[int]:
    """The numbers of some training steps, from 0; looks after network and optimizer meanwhile."""
    return with_care(range(steps), network, optimizer)


def with_care(items: Iterable, network, optimizer) -> Iterator:
    """Hand on what a training step is made with, one after the other.

    After the first step, parameters that no gradient has reached are named in a warning, and the
    state from before it is known to be good: `checked` puts it back if a later loss is not finite.
    """
    step_before, good_before = PLACE.step, PLACE.good
    same = good_before is not None and good_before.network is network
    PLACE.good, start = good_before if same else None, State(network, optimizer)
    when = f"before epoch {PLACE.epoch}" if PLACE.epoch else "before the first step"
    try:
        for step, item in enumerate(items, 1):
            PLACE.step = step
            yield item
            if step == 1:
                start.when, PLACE.good = when, start
                if PLACE.epoch <= 1:
                    warn_of_unreached(network)
    finally:
        PLACE.step = step_before
        if not PLACE.epoch or (good_before is not None and not same):
            PLACE.good = good_before


def batches_of(batches: Iterable, network=None, optimizer=None) -> Iterator[tuple]:
    """The batches of a loader or a list, one after the other.

    With a network and its optimizer, looks after both, for training; see `with_care`.

    Raises
    ------
    ValueError
        If there are none.
    TypeError
        If one is no pair, or its targets are not one for each example.
    """
    pairs = _pairs(batches)
    return pairs if network is None else with_care(pairs, network, optimizer)


def _pairs(batches: Iterable) -> Iterator[tuple]:
    empty = True
    for batch in batches:
        empty = False
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise TypeError(f"a batch is a pair (inputs, targets), but got {batch!r:.60}")
        refuse_no_examples(batch[1])
        yield tuple(batch)
    if empty:
        raise ValueError(
            "there are no batches; the loader is empty, or it can be gone through only once"
        )


def refuse_no_examples(targets) -> None:
    """Refuse the targets of a batch that has no examples, or does not say how many.

    Raises
    ------
    TypeError
        If there is no row for each example.
    ValueError
        If there are none.
    """
    try:
        count = len(targets)
    except TypeError as error:
        raise TypeError(
            f"the targets of a batch are {targets!r:.60}; give one for each example, in an array "
            "or a list, also for a batch of one"
        ) from error
    if not count:
        raise ValueError("a batch has no examples, so it has no loss; leave it out")


def epochs_of(epochs: int, train, validation=None, progress: bool = False) -> Iterator[int]:
    """The numbers of some epochs, from 0.

    Raises
    ------
    ValueError
        If `epochs` is negative, `train` can be gone through only once, or `validation` is `train`.
    """
    if not hasattr(epochs, "__index__") or epochs < 0:
        raise ValueError(
            f"epochs is {epochs!r}; it is how often to go through all batches, a whole number"
        )
    for name, batches in {"train": train, "validation": validation}.items():
        if hasattr(batches, "__next__"):
            raise ValueError(
                f"{name} can be gone through only once, and each epoch needs it; pass a "
                "DataLoader or a list of batches"
            )
    if validation is not None and examples_of(validation) is examples_of(train):
        raise ValueError(
            "the validation batches are those of the training, and would say nothing about new "
            "examples; pass others, or none"
        )
    return _epochs(epochs, progress)


def examples_of(batches):
    """The dataset of a loader; of other batches, these."""
    return getattr(batches, "dataset", batches)


def _epochs(epochs: int, progress: bool) -> Iterator[int]:
    before = PLACE.epoch, PLACE.good
    PLACE.good = None
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
        PLACE.epoch, PLACE.good = before


def checked(loss):
    """A loss, if a training step can use it.

    Raises
    ------
    TypeError
        If it has no history, so that there is nothing to train.
    ValueError
        If it is not a single number.
    FloatingPointError
        If it is infinite or not a number; says in which epoch and step. Inside a loop, network and
        optimizer are what they were when it was last known to be finite.
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
    refuse_infinite(loss)
    return loss


@guard
def refuse_infinite(loss) -> None:
    """Refuse a loss that is infinite or not a number, and put back what is known to be good."""
    if not np.isfinite(loss.item()):
        again = ""
        if PLACE.step and PLACE.good is not None:
            PLACE.good.put_back()
            again = f", and network and optimizer are as they were {PLACE.good.when}"
        raise FloatingPointError(
            f"the loss is {loss.item()}{PLACE}; no step was made{again}. Look at the inputs, or "
            "try a smaller learning rate"
        )

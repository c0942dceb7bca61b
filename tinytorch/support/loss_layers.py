"""What losses have in common: reductions, targets and labels that fit, and their layers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from tinytorch.core.activations import sigmoid
from tinytorch.core.tensor import Tensor
from tinytorch.support.arrays import name_classes, one_call
from tinytorch.support.shown import Shown

REDUCTIONS = "mean", "sum", "none"
MENTIONED: set[str] = set()  # what has been warned of, once in a process


def reduced(losses, reduction: str = "mean"):
    """The mean of some losses, their sum, or all of them.

    Raises
    ------
    ValueError
        If `reduction` is none of "mean", "sum" and "none".
    """
    refuse_other_reductions(reduction)
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def refuse_other_reductions(reduction: str) -> None:
    """Refuse what is no reduction."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}; it is one of 'mean', 'sum' and 'none'")


def targets_for(scores, targets):
    """Targets from 0 to 1 with the shape and the dtype of some scores.

    Says once if the scores have come out of a sigmoid.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is below 0 or above 1.
    """
    if hasattr(targets, "grad_fn"):
        between_0_and_1(scores, targets.data.data)
    else:
        targets = between_0_and_1(scores, targets)
    if getattr(getattr(scores, "grad_fn", None), "function", None) is sigmoid:
        mention("bce_with_logits", "sigmoid")
    return targets


@one_call
def between_0_and_1(scores, targets) -> np.ndarray:
    """Targets as an array of the scores' dtype, once they have been looked at."""
    given = np.asarray(targets)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"targets are numbers between 0 and 1, but these are {given.dtype}")
    numbers = given.astype(scores.dtype, copy=False)
    if numbers.shape != scores.shape:
        raise ValueError(
            f"the scores have the shape {scores.shape} and the targets {numbers.shape}; give one "
            "target for each score, in the same shape"
        )
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        raise ValueError(
            f"targets lie between 0 and 1, but these go from {numbers.min()} to {numbers.max()}"
        )
    return numbers


def checked_labels(scores, labels) -> np.ndarray:
    """One class for each row of some scores, as an array.

    Raises
    ------
    ValueError
        If there is not one whole number for each row, or one is no class.
    """
    labels = np.asarray(labels)
    if not name_classes(labels, scores.shape):
        raise ValueError(
            f"scores of shape {scores.shape} need one whole number from 0 to the number of classes "
            f"- 1 as the label of each row, but got {described(labels)}"
        )
    return labels


labels_for = one_call(checked_labels)


def described(labels: np.ndarray) -> str:
    """Labels that do not fit, in a line."""
    text = f"{labels.dtype} of shape {labels.shape}"
    if labels.size and labels.dtype.kind in "iuf":
        text += f", from {labels.min()} to {labels.max()}"
    numbers_in_a_row = labels.ndim == 1 and labels.dtype.kind in "fb"
    return text + "; convert them with labels.astype(int)" * numbers_in_a_row


@one_call
def labels_for_loss(scores, labels) -> np.ndarray:
    """The same; says once if the scores look like probabilities."""
    labels, first = checked_labels(scores, labels), np.asarray(scores)[0]
    if first[0] >= 0 and first.min() >= 0 and abs(first.sum() - 1) < 1e-5:
        mention("cross_entropy", "softmax")
    return labels


def mention(loss: str, function: str) -> None:
    """Warn, once in a process, that a loss was given probabilities, where it wants scores."""
    if function not in MENTIONED:
        MENTIONED.add(function)
        warnings.warn(
            f"these look like probabilities, but {loss} wants scores, since it applies {function} "
            f"itself; leave out the {function} at the end of the network",
            stacklevel=4,
        )


class LossLayer(Shown):
    """A loss as an object that keeps its reduction.

    Parameters
    ----------
    reduction : str
        "mean", "sum" or "none".
    """

    function: ClassVar[Callable]

    def __init__(self, reduction: str = "mean"):
        refuse_other_reductions(reduction)
        self.reduction = reduction

    def __call__(self, predicted, target) -> Tensor:
        """The loss of what was predicted, given what is right."""
        return type(self).function(predicted, target, self.reduction)


def loss_class(name: str, function: Callable) -> type[LossLayer]:
    """The class of a loss whose objects keep their reduction."""
    about = f"`{function.__name__}` as an object that keeps its reduction."
    place = {"__module__": function.__module__, "__qualname__": name, "__doc__": about}
    return type(name, (LossLayer,), {"function": staticmethod(function), **place})

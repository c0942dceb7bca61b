"""Keeping gradients from exploding. (In module 8 you write `clip_grad_norm_` yourself.)"""

from __future__ import annotations

import numpy as np

from tinytorch.support.arrays import one_call


def gradients_of(parameters) -> list[np.ndarray]:
    """The gradients of those parameters that have one, as arrays to be changed; each only once.

    A gradient that is a variable (from ``create_graph=True``) is first replaced by an array.
    """
    given = [parameters] if hasattr(parameters, "requires_grad") else list(parameters)
    for x in given:
        if hasattr(x.grad, "grad_fn"):
            x.grad = np.array(x.grad.data.data)
    return list({id(x.grad): x.grad for x in given if x.grad is not None}.values())


def clip_grad_norm_(parameters, max_norm: float) -> float:
    """Scale the gradients of all parameters together, in place, to a norm of at most `max_norm`.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    max_norm : float
        The largest norm to allow, not negative.

    Returns
    -------
    float
        The norm before: the square root of the sum of the squares of all elements of all gradients.
        If it is not finite, no gradient is changed.

    Raises
    ------
    ValueError
        If `max_norm` is negative or not a number.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be a number that is not negative, but got {max_norm!r}")
    gradients = gradients_of(parameters)
    norm = np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in gradients)).item()
    share = share_kept(norm, max_norm)
    for g in gradients:
        g *= share
    return norm


@one_call
def share_kept(norm: float, max_norm: float) -> float:
    """By what gradients of a norm are multiplied."""
    return max_norm / norm if max_norm < norm < np.inf else 1.0


def clip_grad_value_(parameters, clip_value: float) -> None:
    """Move every element of every gradient, in place, into ``[-clip_value, clip_value]``.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    clip_value : float
        The largest element to allow, not negative.

    Raises
    ------
    ValueError
        If `clip_value` is negative or not a number.
    """
    if not clip_value >= 0:
        raise ValueError(
            f"clip_value must be a number that is not negative, but got {clip_value!r}"
        )
    for g in gradients_of(parameters):
        np.clip(g, -clip_value, clip_value, out=g)

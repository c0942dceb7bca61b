"""Strings that follow a rule."""

from __future__ import annotations

import numpy as np

from tinytorch.datasets.refusals import refuse_below


def brackets(
    count: int = 100, length: int = 16, rng: np.random.Generator | int | None = None
) -> tuple[list[str], np.ndarray]:
    """Strings of round and square brackets in which each one is closed, and where.

    Parameters
    ----------
    count : int
        How many strings, at least 1.
    length : int
        How many brackets each has: even, and at least 2.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Drawn are all choices between opening and closing,
        and then all kinds.

    Returns
    -------
    strings : list of str
        Such as ``"([])"``.
    partners : ndarray of shape (count, length), int64
        The position of the bracket that belongs to each: ``[3, 2, 1, 0]`` for ``"([])"``.

    Raises
    ------
    ValueError
        If `count` is below 1, or `length` is odd or below 2.

    Examples
    --------
    >>> strings, partners = brackets(1, 4, rng=3)
    >>> len(strings[0]), sorted(partners[0].tolist())
    (4, [0, 1, 2, 3])
    """
    refuse_below(1, count=count)
    refuse_below(2, length=length)
    if length % 2:
        raise ValueError(f"length is {length}, an odd number, so one bracket would stay open")
    rng = np.random.default_rng(rng)
    opens, kinds = rng.integers(0, 2, size=(count, length)), rng.integers(0, 2, (count, length))
    made = [_closed(row, kind) for row, kind in zip(opens, kinds, strict=True)]
    return [text for text, _ in made], np.array([partners for _, partners in made])


def _closed(opens: np.ndarray, kinds: np.ndarray) -> tuple[str, list[int]]:
    """One string: each bracket opens or closes as was drawn, where both are possible."""
    length = len(opens)
    text, partners = [""] * length, [0] * length
    waiting: list[int] = []
    for n in range(length):
        if not waiting or (opens[n] and len(waiting) < length - n):
            waiting.append(n)
        else:
            start = waiting.pop()
            partners[start], partners[n] = n, start
            text[start], text[n] = "()" if kinds[start] else "[]"
    return "".join(text), partners

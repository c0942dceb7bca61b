"""Two programs that tell classes apart without a network: how hard is a data set?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def nearest(x, y: np.ndarray, new) -> np.ndarray:
    """The label of the most similar known example, for each new one.

    Parameters
    ----------
    x : array_like of shape (known, …)
        The examples that are known.
    y : ndarray of shape (known,)
        Their labels.
    new : array_like of shape (count, …)
        Others, with the same number of features.

    Returns
    -------
    ndarray of shape (count,)
        Labels; of examples that are equally near the first one's.

    References
    ----------
    T. Cover and P. Hart (1967), "Nearest neighbor pattern classification".

    Examples
    --------
    >>> nearest([[0.0], [5.0]], np.array([7, 8]), [[1.0], [4.0], [9.0]]).tolist()
    [7, 8, 8]
    """
    x, new = np.reshape(x, (len(x), -1)), np.reshape(new, (len(new), -1))
    return y[((x**2).sum(axis=1) - 2 * new @ x.T).argmin(axis=1)]


def perceptron(batches: Iterable, epochs: int = 10, classes: int = 10) -> np.ndarray:
    """A template for each class, learned from batches: add what was misread, and take it away.

    Parameters
    ----------
    batches : iterable of (x, y)
        Batches of examples of shape (count, …) and their labels, 0 to `classes` - 1. It is gone
        through once in each epoch.
    epochs : int
        How often.
    classes : int
        How many there are.

    Returns
    -------
    ndarray of shape (features, classes)
        The templates, for `read`; of shape (0, classes) if there was no batch.

    References
    ----------
    F. Rosenblatt (1958), "The perceptron: a probabilistic model for information storage and
    organization in the brain".
    """
    templates, is_class = np.zeros((0, classes)), np.eye(classes)
    for _ in range(epochs):
        for x, y in batches:
            flat = np.asarray(x).reshape(len(x), -1)
            if len(templates) == 0:
                templates = np.zeros((flat.shape[1], classes))
            templates += flat.T @ (is_class[y] - is_class[read(templates, flat)])
    return templates


def read(templates: np.ndarray, x) -> np.ndarray:
    """For each example of shape (count, …) the class whose template fits best."""
    return (np.reshape(x, (len(x), -1)) @ templates).argmax(axis=1)

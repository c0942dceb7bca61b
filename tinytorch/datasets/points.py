"""Points in the plane and in space, of several classes."""

from __future__ import annotations

import numpy as np

from tinytorch.datasets.refusals import refuse_below

Rng = np.random.Generator | int | None


def moons(count: int = 200, noise: float = 0.1, rng: Rng = None) -> tuple[np.ndarray, np.ndarray]:
    """Points on two half moons, one reaching into the other; no straight line parts them.

    Parameters
    ----------
    count : int
        How many points, at least 1.
    noise : float
        The standard deviation of what is added to each coordinate; the moons have radius 1.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Drawn are all angles, and then all noise.

    Returns
    -------
    points : ndarray of shape (count, 2), float32
        Where they are.
    labels : ndarray of shape (count,), int64
        The moon each belongs to, 0 and 1 in turn.

    Raises
    ------
    ValueError
        If `count` is below 1.
    """
    refuse_below(1, count=count)
    rng, labels = np.random.default_rng(rng), np.arange(count) % 2
    angle = rng.uniform(0, np.pi, size=count)
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 - 2 * labels[:, None])
    points = arc + labels[:, None] * [1.0, 0.5] + noise * rng.normal(size=(count, 2))
    return points.astype(np.float32), labels


def spirals(
    count: int = 200,
    noise: float = 0.015,
    turns: float = 1.5,
    classes: int = 2,
    rng: Rng = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Points on spirals that wind around each other, from the middle to radius 1.

    Parameters
    ----------
    count : int
        How many points, at least 1.
    noise : float
        The standard deviation of what is added to each coordinate.
    turns : float
        How often each winds around the middle.
    classes : int
        How many spirals, at least 1.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Drawn are all radii, and then all noise.

    Returns
    -------
    points : ndarray of shape (count, 2), float32
        Where they are; as dense near the middle as outside.
    labels : ndarray of shape (count,), int64
        The spiral each belongs to, 0 to `classes` - 1 in turn.

    Raises
    ------
    ValueError
        If `count` or `classes` is below 1.
    """
    refuse_below(1, count=count, classes=classes)
    rng, labels = np.random.default_rng(rng), np.arange(count) % classes
    radius = np.sqrt(rng.uniform(size=count))
    angle = 2 * np.pi * (turns * radius + labels / classes)
    arc = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (arc + noise * rng.normal(size=(count, 2))).astype(np.float32), labels


def blobs(
    count: int = 200,
    classes: int = 3,
    features: int = 2,
    spread: float = 1.0,
    rng: Rng = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Points in round heaps, each around a centre of its own.

    Parameters
    ----------
    count : int
        How many points, at least 1.
    classes : int
        How many heaps, at least 1.
    features : int
        How many coordinates a point has, at least 1.
    spread : float
        The standard deviation of each heap; the centres lie between -5 and 5.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Drawn are all centres, and then all points.

    Returns
    -------
    points : ndarray of shape (count, features), float32
        Where they are.
    labels : ndarray of shape (count,), int64
        The heap each belongs to, 0 to `classes` - 1 in turn.

    Raises
    ------
    ValueError
        If `count`, `classes` or `features` is below 1.
    """
    refuse_below(1, count=count, classes=classes, features=features)
    rng, labels = np.random.default_rng(rng), np.arange(count) % classes
    centres = rng.uniform(-5, 5, size=(classes, features))
    points = centres[labels] + spread * rng.normal(size=(count, features))
    return points.astype(np.float32), labels

"""What test theory says of the marks of a class."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

FEWEST = 20  # students; of fewer, these numbers say next to nothing


def difficulty(marks: Sequence[float], most: float) -> float | None:
    """The mean share of an exercise's points: near 1 it is easy, near 0 it is hard."""
    return statistics.fmean(marks) / most if marks and most else None


def item_rest_correlation(marks: Mapping[str, Sequence[float]], item: str) -> float | None:
    """How well an exercise tells students apart: its correlation with the sum of all others.

    The exercise itself is left out of the sum, which would else correlate with it by itself: that
    is the *corrected* item-total correlation.

    Parameters
    ----------
    marks : mapping of str to sequence of float
        The marks of each exercise, students in the same order.
    item : str
        Which exercise.

    Returns
    -------
    float or None
        None where the exercise or the rest has the same mark for everybody.

    References
    ----------
    J. C. Nunnally, *Psychometric Theory*, 2nd ed., McGraw-Hill 1978, section 8 (item analysis).
    """
    others = [column for name, column in marks.items() if name != item]
    rest = [math.fsum(row) for row in zip(*others, strict=True)]
    try:
        return statistics.correlation(marks[item], rest)
    except statistics.StatisticsError:  # fewer than two students, or no spread
        return None


def cronbach_alpha(marks: Mapping[str, Sequence[float]]) -> float | None:
    """How reliable the sum of the exercises is.

    With k exercises, α = k / (k − 1) · (1 − Σ variance of an exercise / variance of the sum).

    Parameters
    ----------
    marks : mapping of str to sequence of float
        The marks of each exercise, students in the same order.

    Returns
    -------
    float or None
        None of fewer than two exercises or students, or where all have the same sum.

    References
    ----------
    L. J. Cronbach, "Coefficient alpha and the internal structure of tests", *Psychometrika* 16
    (1951), 297–334, equation 2.
    """
    k, columns = len(marks), list(marks.values())
    sums = [math.fsum(row) for row in zip(*columns, strict=True)]
    if k < 2 or len(sums) < 2 or not (variance := statistics.variance(sums)):
        return None
    return k / (k - 1) * (1 - math.fsum(map(statistics.variance, columns)) / variance)


def histogram(shares: Sequence[float], bins: int = 10) -> list[int]:
    """How many shares lie in each of as many equal parts of 0 to 1; the last holds 1 as well."""
    counts = [0] * bins
    for share in shares:
        counts[min(bins - 1, max(0, int(share * bins + 1e-9)))] += 1
    return counts


def quartiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    """A quarter, a half and three quarters of the values lie below these."""
    if len(values) < 2:
        return None
    first, second, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, second, third

"""The numbers of test theory, against numpy and a table worked by hand."""

import random

import numpy as np
import pytest

from tito.insights.item_statistics import (
    cronbach_alpha,
    difficulty,
    histogram,
    item_rest_correlation,
    quartiles,
)

# Three exercises, four students. Variances 1, 1, 1/3 (n − 1); sums 0, 2, 4, 6 of variance 20/3.
BY_HAND = {"a": [0, 1, 1, 2], "b": [0, 0, 2, 2], "c": [0, 1, 1, 2]}


def a_class(students: int = 60, exercises: int = 8) -> dict[str, list[float]]:
    rng = random.Random(3)
    able = [rng.gauss(0, 1) for _ in range(students)]
    return {
        f"e{n}": [min(5.0, max(0.0, round(2.5 + a + rng.gauss(0, 1), 1))) for a in able]
        for n in range(exercises)
    }


def test_alpha_of_a_table_worked_by_hand():
    # variances 2/3, 4/3, 2/3; of the sums 0, 2, 4, 6: 20/3
    assert cronbach_alpha(BY_HAND) == pytest.approx(3 / 2 * (1 - (8 / 3) / (20 / 3)))


def test_alpha_as_numpy_computes_it():
    marks = a_class()
    table = np.array(list(marks.values()))
    k = len(table)
    wanted = k / (k - 1) * (1 - table.var(axis=1, ddof=1).sum() / table.sum(axis=0).var(ddof=1))
    assert cronbach_alpha(marks) == pytest.approx(wanted)


def test_discrimination_leaves_the_exercise_itself_out():
    marks = a_class()
    rest = np.sum([marks[name] for name in marks if name != "e3"], axis=0)
    wanted = np.corrcoef(marks["e3"], rest)[0, 1]
    assert item_rest_correlation(marks, "e3") == pytest.approx(wanted)
    whole = np.corrcoef(marks["e3"], np.sum(list(marks.values()), axis=0))[0, 1]
    assert item_rest_correlation(marks, "e3") < whole


@pytest.mark.parametrize(
    "marks", [{"a": [1, 1, 1], "b": [0, 1, 2]}, {"a": [1], "b": [2]}, {"a": []}]
)
def test_what_does_not_vary_has_no_correlation(marks):
    assert item_rest_correlation(marks, "a") is None


@pytest.mark.parametrize(
    "marks", [{}, {"a": [1, 2]}, {"a": [1, 1], "b": [2, 2]}, {"a": [1], "b": [1]}]
)
def test_what_does_not_vary_has_no_reliability(marks):
    assert cronbach_alpha(marks) is None


def test_difficulty_is_the_mean_share():
    assert difficulty([0, 2, 4], 4) == 0.5
    assert difficulty([], 4) is None
    assert difficulty([0], 0) is None


def test_a_histogram_has_everybody_once():
    assert histogram([0, 0.05, 0.1, 0.3, 0.999, 1.0]) == [2, 1, 0, 1, 0, 0, 0, 0, 0, 2]
    assert histogram([-0.2, 1.3]) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_quartiles_as_numpy_has_them():
    values = [3.0, 1.0, 8.0, 4.0, 4.5, 9.0]
    assert quartiles(values) == pytest.approx(np.percentile(values, [25, 50, 75]))
    assert quartiles([1.0]) is None

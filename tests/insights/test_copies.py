"""Copies are found in a made-up class of 60, and nobody who is honest is accused."""

import functools
from random import Random

import pytest
from conftest import ROOT
from made_class import make_class, renamed

from tito.course import Course
from tito.insights import copies
from tito.insights.copies import find_copies, log_chance, threshold
from tito.insights.solution_cells import Lesson, solutions_in

SEEDS = range(5)
pytestmark = pytest.mark.xdist_group("copies")  # a class is made once, and looked at often


@functools.cache
def of(seed: int, module: str = "07_autograd"):
    """A class, and the pairs that are found in it."""
    made = make_class(Course(ROOT).module(module), seed)
    clusters = find_copies(made.solutions, made.lesson)
    return made, {frozenset(pair.students) for one in clusters for pair in one.pairs}


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_who_is_honest_is_accused(seed):
    made, found = of(seed)
    assert len(made.solutions) == 60
    assert found <= {frozenset(pair) for pair in made.copies}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", ["renamed", "reordered", "no comments"])
def test_each_kind_of_copy_of_all_is_found(seed, way):
    made, found = of(seed)
    (pair,) = [pair for pair, how in made.copies.items() if how == way]
    assert frozenset(pair) in found


def test_of_copies_of_a_half_and_of_all_nineteen_of_twenty_are_found():
    missed = {}  # half of a notebook may hold little that is one's own
    for seed in range(10):
        made, found = of(seed)
        assert len(made.copies) == 4 and found <= {frozenset(pair) for pair in made.copies}
        missed[seed] = [how for pair, how in made.copies.items() if frozenset(pair) not in found]
    assert sum(map(len, missed.values())) <= 2, missed
    assert {how for one in missed.values() for how in one} <= {"half"}, missed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("module", ["01_tensor", "04_networks"])
def test_nobody_who_is_honest_is_accused_in_short_modules(seed, module):
    made, found = of(seed, module)
    assert found <= {frozenset(pair) for pair in made.copies}


def test_twins_with_the_same_known_mistakes_are_not_alike():
    made, _ = of(0)
    twins = ["mistaken0", "mistaken1", "reference0", "reference1"]
    solutions = made.solutions | {f"{s}-again": made.solutions[s] for s in twins}
    found = {s for one in find_copies(solutions, made.lesson) for s in one.students}
    assert found.isdisjoint({*twins, *(f"{s}-again" for s in twins)})


def test_a_whole_class_that_writes_the_same_is_not_alike():
    made, _ = of(0)
    same = made.solutions["from-renamed"]
    assert find_copies({f"s{n}": same for n in range(40)}, made.lesson) == []


def test_three_who_share_are_one_cluster():
    made, _ = of(0)
    third = {
        name: renamed(text, made.lesson.blank[name], Random(8))
        for name, text in made.solutions["from-renamed"].items()
    }
    clusters = find_copies(made.solutions | {"third": third}, made.lesson)
    assert ("from-renamed", "third", "to-renamed") in [one.students for one in clusters]


def test_the_strongest_evidence_comes_first():
    made, _ = of(1)
    clusters = find_copies(made.solutions, made.lesson)
    evidence = [one.pairs[0].evidence for one in clusters]
    assert evidence == sorted(evidence, reverse=True)
    assert all(one.evidence >= threshold(60) for c in clusters for one in c.pairs)
    for exercise in clusters[0].pairs[0].exercises:
        assert exercise.shared.statements or exercise.shared.comments


LESSON = Lesson({f"e{n}": f"def e{n}(x):\n    raise NotImplementedError()" for n in range(6)})


def small_class(students: int = 30) -> dict[str, dict[str, str]]:
    """Everybody has a solution of their own to each exercise."""
    return {
        f"s{n:02}": {
            e: f"def {e}(x):\n    y = np.add(x, {n}) * {n} - x\n    return y ** {n}"
            for e in LESSON.blank
        }
        for n in range(students)
    }


def test_equal_rare_comments_are_evidence():
    solutions = small_class()
    for e in LESSON.blank:
        said = f"    # as my grandmother used to say of {e}\n"
        for student in ("s03", "s07"):
            solutions[student][e] = solutions[student][e].replace("    return", said + "    return")
    assert [one.students for one in find_copies(solutions, LESSON)] == [("s03", "s07")]


def test_equal_names_of_helpers_are_evidence():
    solutions = small_class()
    for e in LESSON.blank:
        for student in ("s03", "s07"):
            solutions[student][e] += (
                f"\n\ndef zwischenschritt_{e}(a):\n    return a + {student[1:].lstrip('0')}\n"
            )
    assert [one.students for one in find_copies(solutions, LESSON)] == [("s03", "s07")]


def test_equal_rare_behaviour_is_evidence():
    solutions = small_class()
    groups = {(s, e): f"{e}-x" for s in ("s03", "s07") for e in LESSON.blank}
    assert find_copies(solutions, LESSON) == []
    assert [one.students for one in find_copies(solutions, LESSON, groups)] == [("s03", "s07")]


def test_short_solutions_do_not_count():
    solutions = {
        f"s{n:02}": {e: f"def {e}(x):\n    return x + {n // 2}" for e in LESSON.blank}
        for n in range(40)
    }
    assert find_copies(solutions, LESSON) == []


def test_one_exercise_alone_accuses_nobody():
    solutions = small_class()
    solutions["s03"]["e1"] = solutions["s07"]["e1"]
    assert find_copies(solutions, LESSON) == []


def test_blank_and_broken_solutions_are_passed_over():
    solutions = small_class(5)
    solutions["blank"] = dict(LESSON.blank)
    solutions["broken"] = dict.fromkeys(LESSON.blank, "def (")
    solutions["less"] = {}
    assert find_copies(solutions, LESSON) == []
    assert find_copies({}, LESSON) == []
    assert find_copies({"one": solutions["s01"]}, LESSON) == []


def test_of_a_large_class_not_all_pairs_are_compared(monkeypatch):
    compared = []
    plain = copies.compare
    monkeypatch.setattr(copies, "MOST_COMPARED", 50)
    monkeypatch.setattr(copies, "compare", lambda *a: compared.append(a[1:]) or plain(*a))
    solutions = small_class(260)
    solutions["copy"] = dict(solutions["s100"])
    assert [one.students for one in find_copies(solutions, LESSON)] == [("copy", "s100")]
    assert 0 < len(compared) <= 50


def test_more_evidence_is_less_chance():
    found = [log_chance(x) for x in (0, 1, 3, 10, 30, 200)]
    assert found[0] == 0
    assert found == sorted(found, reverse=True)
    # by simulation: the sum of Poisson(1) many exponential variables is above 3 in 0.094 of cases
    assert -2.45 < log_chance(3) < -2.20


def test_a_copied_cell_belongs_to_its_exercise():
    def cell(source):
        nbgrader = {"grade_id": "e1", "solution": True}
        return {"cell_type": "code", "source": source, "metadata": {"nbgrader": nbgrader}}

    assert solutions_in({"cells": [cell("a = 1"), cell("b = 2\n")]}) == {"e1": "a = 1\n\nb = 2"}

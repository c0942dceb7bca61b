"""Honest variants through the real grader: all points, and nobody is accused."""

from __future__ import annotations

import functools

import pytest
from conftest import hand_in, reference

from cheats.honest import VARIANTS, put_in
from tito.author.grade import grade
from tito.author.marks import scores
from tito.course import Course
from tito.notebook.export import MARK


@pytest.fixture(scope="module")
def graded(released_module):
    """For a module, its variants in one submission: marks by exercise, and the report."""

    @functools.cache
    def result(folder: str):
        module = released_module(folder)
        nb = reference(module)
        for variant in VARIANTS.values():
            if variant.module == folder:
                put_in(nb, variant)
        for cell in nb["cells"]:
            cell["source"] = MARK.sub("", cell["source"])
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(module.root)
            hand_in(module, "honest", nb)
            (report,) = grade(module, ("honest",))
            found = scores(Course(module.root), [module])
        return {s.exercise: (s.score, s.most) for s in found if s.student == "honest"}, report

    return result


def test_there_are_twenty_at_least_and_no_two_solve_the_same_exercise():
    assert len(VARIANTS) >= 20
    assert len({(v.module, v.exercise) for v in VARIANTS.values()}) == len(VARIANTS)


def graded_once(folder: str):
    """A submission is graded by one of the processes that run tests, and by no other."""
    return pytest.mark.xdist_group(f"honest {folder}")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"{v.module}: {name}", marks=graded_once(v.module))
        for name, v in VARIANTS.items()
    ],
)
def test_it_gets_all_points_and_no_flag(graded, name):
    variant = VARIANTS[name]
    marks, report = graded(variant.module)
    score, most = marks[variant.exercise]
    assert score == most > 0, report.notes
    assert report.flags == []


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(folder, marks=graded_once(folder))
        for folder in dict.fromkeys(v.module for v in VARIANTS.values())
    ],
)
def test_nothing_is_said_against_them(graded, folder):
    """No cell fails to load, none is right in a graft only, and visible checks agree."""
    _, report = graded(folder)
    assert report.notes == []

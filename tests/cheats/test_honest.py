"""Honest variants through the real grader: all points, and nobody is accused."""

from __future__ import annotations

import pytest
from conftest import hand_in, reference

from cheats.honest import VARIANTS, put_in
from tito.export import MARK
from tito.instructor import grade, scores


@pytest.fixture(scope="module")
def graded(whole_course, tmp_path_factory):
    """The variants of each module in one submission: marks by exercise, and the report."""
    marks, reports = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(whole_course.root)
        for folder in dict.fromkeys(v.module for v in VARIANTS.values()):
            module = whole_course.module(folder)
            nb = reference(module)
            for variant in VARIANTS.values():
                if variant.module == folder:
                    put_in(nb, variant)
            for cell in nb["cells"]:
                cell["source"] = MARK.sub("", cell["source"])
            hand_in(module, "honest", nb)
            (reports[folder],) = grade(module, ("honest",))
            found = scores(whole_course, [module])
            marks[folder] = {s.exercise: (s.score, s.most) for s in found if s.student == "honest"}
    return marks, reports


def test_there_are_twenty_at_least_and_no_two_solve_the_same_exercise():
    assert len(VARIANTS) >= 20
    assert len({(v.module, v.exercise) for v in VARIANTS.values()}) == len(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_it_gets_all_points_and_no_flag(graded, name):
    marks, reports = graded
    variant = VARIANTS[name]
    report = reports[variant.module]
    score, most = marks[variant.module][variant.exercise]
    assert score == most > 0, report.notes
    assert report.flags == []


def test_nothing_is_said_against_them(graded):
    """No cell fails to load, none is right in a graft only, and visible checks agree."""
    _, reports = graded
    assert {folder: report.notes for folder, report in reports.items() if report.notes} == {}

"""Every cheat of the catalogue through the real grader: it gains nothing, and is recognised."""

from __future__ import annotations

import json
import os

import pytest
from conftest import hand_in, untouched, write_course

from cheats.catalogue import cheats
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.marks import scores
from tito.author.release import release
from tito.course import Course
from tito.course_settings import configuration

NAMES = list(cheats("/nowhere"))
pytestmark = pytest.mark.xdist_group("cheats")  # the class is graded once


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All cheats, handed in by one student each and graded together, with an honest one."""
    course = write_course(tmp_path_factory.mktemp("cheats") / "course")
    module = course.module("numbers")
    (course.root / "tinytorch/core/numbers.py").write_text(
        "def double(x):\n    return 2 * x\n\ndef halve(x):\n    return x / 2\n"
    )
    before = os.getcwd()
    os.chdir(course.root)
    release(module)
    for number, cheat in enumerate(cheats(str(course.root)).values()):
        nb = untouched(module)
        cheat.change(nb)
        path = hand_in(module, f"cheat{number:02}", json.loads(json.dumps(nb)))
        for name, content in cheat.files.items():
            (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (path.parent / name).write_text(content)
    hand_in(module, "honest", untouched(module))
    config = configuration(course.root)
    config["ExecuteInWorkspace"]["timeout"], config["Observe"]["timeout"] = 5, 3
    try:
        report = {graded.student: graded for graded in grade(module)}
        marks = scores(Course(course.root), [module])
        yield course, report, marks
    finally:
        os.chdir(before)


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_it_gains_nothing_and_is_recognised(graded, number):
    course, report, marks = graded
    student = f"cheat{number:02}"
    assert {m.exercise: m.score for m in marks if m.student == student} == {
        "double": 0,
        "halve": 0,
        "why-inverse": 0,
    }
    expected = cheats(str(course.root))[NAMES[number]].flag
    if expected:
        assert expected in "; ".join(report[student].flags)


def test_an_honest_submission_is_not_flagged(graded):
    _, report, _ = graded
    assert report["honest"].flags == []


def test_notes_are_plain_text(graded):
    _, report, _ = graded
    assert all(note.isprintable() for one in report.values() for note in [*one.notes, *one.flags])


def test_feedback_can_be_written_for_all_of_them(graded):
    course, report, _ = graded
    assert len(feedback(course.module("numbers"))) == len(report)


def test_nothing_was_planted(graded):
    course, _, marks = graded
    assert not list(course.root.glob("*/planted"))
    assert max(m.score for m in marks) == 0

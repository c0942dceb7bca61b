"""A class in which every kind of broken hand-in sits beside honest students: these get their marks,
and each broken one has its reason in the report."""

import json
import os
import subprocess
import sys

import pytest
from broken_hand_ins import ELSE, FOLDERS, ZIPS, zipped
from conftest import ROOT, hand_in, reference, write_course

from tito.author.release import release

pytestmark = pytest.mark.xdist_group("broken hand-ins")  # the class is graded once
HONEST = ("ada", "mia", "zoe")
NOT_UTF_8 = os.fsdecode(b"caf\xe9")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """What `tito grade` said of the class, by student and by zip file."""
    course = write_course(tmp_path_factory.mktemp("broken") / "course")
    module, before = course.module("numbers"), os.getcwd()
    os.chdir(course.root)
    try:
        release(module)
        release(course.module("doubles"))
        hand_in_all(module, course.module("doubles"))
        yield course.root, grade(course.root, module.folder)
    finally:
        os.chdir(before)


def hand_in_all(module, other) -> None:
    """Everything that is broken, and three honest notebooks, one of them in a zip file."""
    submitted = module.root / "submitted"
    for student in HONEST[:2]:
        hand_in(module, student, reference(module))
    (submitted / "zoe.ZIP").write_bytes(zipped(module, "zoe"))
    for name, (make, _) in ZIPS.items():
        make(module, submitted / name)
    for student, (make, *_) in FOLDERS.items():
        folder = hand_in(module, student, reference(module)).parent
        if student == "other-module":
            (folder / module.notebook).write_text(json.dumps(reference(other)))
        else:
            make(module, folder)
    for name in (NOT_UTF_8, "two\nlines"):
        hand_in(module, name, reference(module))
    hand_in(module, "no-place", reference(module))
    (module.root / "autograded").mkdir(exist_ok=True)
    (module.root / "autograded" / "no-place").write_text("a file in the place of a folder")
    hand_in(module, "unreadable", reference(module)).parent.chmod(0)


def grade(root, folder: str) -> dict:
    """The report of the command, which ends by itself and without a traceback."""
    command = [sys.executable, "-m", "tito", "grade", folder, "--json"]
    done = subprocess.run(
        command,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 1, done.stderr
    return report_of(root, folder)


def report_of(root, folder: str) -> dict:
    """What became of each, zip files included; nothing is graded anew."""
    from tito.author.grade import grade as grade_again
    from tito.course import Course

    return {found.student: found for found in grade_again(Course(root).module(folder))}


@pytest.mark.parametrize("student", HONEST)
def test_the_honest_get_full_marks(graded, student):
    _, report = graded
    assert (report[student].state, report[student].score) == ("graded", 7), report[student]


@pytest.mark.parametrize("name", ZIPS)
def test_a_broken_zip_file_has_its_reason(graded, name):
    _, report = graded
    assert (report[name].state, report[name].score) == ("unreadable", None)
    assert ZIPS[name][1] in " ".join(report[name].notes), report[name].notes


@pytest.mark.parametrize("name", FOLDERS)
def test_a_broken_folder_has_its_reason_or_its_marks(graded, name):
    _, report = graded
    _, reason, points = FOLDERS[name]
    found = report[name]
    assert found.score == points, found
    assert reason in " ".join(found.notes), found.notes
    if reason == ELSE:
        assert found.state == "unreadable"


def test_what_the_file_system_refuses_has_its_reason(graded):
    _, report = graded
    assert "not UTF-8" in " ".join(report[NOT_UTF_8].notes)
    assert "a line break" in " ".join(report["two\nlines"].notes)
    assert report["no-place"].state == "crashed"
    assert "no-place" in " ".join(report["no-place"].notes)
    if os.geteuid() != 0:  # who may read everything is refused nothing
        assert report["unreadable"].state == "unreadable"


def test_nothing_was_written_outside_and_nobody_is_left_out(graded):
    root, report = graded
    assert not list(root.rglob("*slipped*")) and not os.path.exists("/tmp/tito-slipped.txt")
    everybody = {p.name for p in (root / "submitted").iterdir() if p.is_dir()}
    assert set(report) == everybody | set(ZIPS)

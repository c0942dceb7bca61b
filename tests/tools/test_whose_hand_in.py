"""Whose a hand-in is: names, times, and zip files that anybody can write a name into."""

import contextlib
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, hand_in, reference, untouched

from tito.author.grade import grade
from tito.author.marks import scores, scores_csv
from tito.course import Course
from tito.errors import UsageError
from tito.files import write_atomically
from tito.grading.stamps import time_in
from tito.grading.unpacking import ZIP_NAME
from tito.submission import Submission, zip_bytes

pytestmark = pytest.mark.usefixtures("graded_once")


def zip_of(module, name: str, student: str, nb: dict, hour: int = 10, desk: str = "") -> Path:
    """A zip file in submitted/, in the name of a student."""
    files = {module.notebook: json.dumps(nb).encode()}
    time = f"2025-11-23 {hour:02}:00:00.000000 UTC"
    path = module.root / "submitted" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zip_bytes(Submission(student, module.folder, time, files, desk)))
    return path


@pytest.mark.parametrize("desks", [("a" * 32, "b" * 32), ("a" * 32, ""), ("", "")])
def test_a_hand_in_from_elsewhere_waits_and_the_mark_stays(numbers, desks):
    zip_of(numbers, "01_numbers-ada-20251123.zip", "ada", reference(numbers), 10, desks[0])
    (ada,) = grade(numbers)
    assert ada.score == 7
    zip_of(numbers, "mallory_33_01_numbers-ada-1.zip", "ada", untouched(numbers), 11, desks[1])
    for _ in range(2):
        report = {g.student: g for g in grade(numbers)}
        assert report["ada"].score == 7
        assert report["ada"].notes[0] == "taken from 01_numbers-ada-20251123.zip"
        held = report["mallory_33_01_numbers-ada-1.zip"]
        assert held.state == "flagged" and held.score is None
        assert "in the name of ada" in held.flags[0] and "--take" in held.flags[0]
    report = {g.student: g for g in grade(numbers, take=("mallory_33_01_numbers-ada-1.zip",))}
    assert report["ada"].score == 0 and list(report) == ["ada"]
    assert [g.student for g in grade(numbers)] == ["ada"], "what was decided is not asked again"


def test_who_hands_in_again_at_another_desk_is_told_apart_by_the_first_hand_in(released_course):
    numbers, doubles = released_course.modules()[:2]
    zip_of(numbers, "one.zip", "ada", reference(numbers), desk="a" * 32)
    assert [g.score for g in grade(numbers)] == [7]
    zip_of(doubles, "two.zip", "ada", reference(doubles), desk="b" * 32)
    (held,) = grade(doubles)
    assert held.state == "flagged" and held.score is None


@pytest.mark.parametrize("written", range(5))
def test_what_was_being_taken_in_when_the_command_was_ended_is_taken(numbers, monkeypatch, written):
    """A kill after any of the files that are written: the notebook, a file beside it, …"""

    class Killed(BaseException):
        pass

    def write_or_die(path, content):
        if path.is_relative_to(numbers.root / "submitted"):
            if len(done) == written:
                raise Killed
            done.append(path.name)
        write_atomically(path, content)

    done, files = [], {numbers.notebook: json.dumps(reference(numbers)).encode(), "notes.txt": b"x"}
    sent = Submission("ada", numbers.folder, "2025-11-23 10:00:00.000000 UTC", files, "a" * 32)
    path = numbers.root / "submitted" / "one.zip"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zip_bytes(sent))
    monkeypatch.setattr("tito.grading.unpacking.write_atomically", write_or_die)
    with contextlib.nullcontext() if written == 4 else pytest.raises(Killed):
        grade(numbers)
    monkeypatch.undo()
    (ada,) = grade(numbers)
    assert ada.score == 7 and ada.notes[0] == "taken from one.zip"
    folder = numbers.root / "submitted" / "ada" / numbers.folder
    assert {p.name for p in folder.iterdir()} == {*files, "timestamp.txt", ZIP_NAME}
    assert time_in(folder).hour == 10


def test_a_zip_that_is_to_be_taken_and_is_not_there_is_named(numbers):
    hand_in(numbers, "ada", reference(numbers))
    with pytest.raises(UsageError, match=r"there is no nobody\.zip"):
        grade(numbers, take=("nobody.zip",))


def test_times_are_compared_as_times(numbers):
    """As text, 9 o'clock without a nought is later than 10, and so is 23 o'clock in the east."""
    for stamp, taken in (
        ("2025-11-23 9:00:00 UTC", True),
        ("2025-11-23 23:00:00+14:00", True),
        ("2025-11-23 09:00:00-03:00", False),
    ):
        path = zip_of(numbers, "ada.zip", "ada", reference(numbers), 10)
        grade(numbers)
        folder = numbers.root / "submitted" / "ada" / numbers.folder
        (folder / "timestamp.txt").write_text(stamp)
        (folder / numbers.notebook).write_text(json.dumps(untouched(numbers)))
        assert [g.score for g in grade(numbers)] == [7 if taken else 0], stamp
        shutil.rmtree(folder)
        path.unlink()


def test_names_are_compared_without_case_and_in_one_form(numbers):
    zip_of(numbers, "one.zip", "Zo\u00eb", untouched(numbers), 10, "a" * 32)
    zip_of(numbers, "two.zip", "zoe\u0308", reference(numbers), 11, "a" * 32)
    (zoe,) = grade(numbers)
    assert (zoe.student, zoe.score) == ("Zo\u00eb", 7)
    assert [g.student for g in grade(numbers, students=("ZOE\u0308",))] == ["Zo\u00eb"]
    hand_in(numbers, "ada", reference(numbers))
    hand_in(numbers, "Ada", reference(numbers))
    flagged = {g.student for g in grade(numbers) if "more than one folder" in "".join(g.flags)}
    assert flagged == {"ada", "Ada"}


def test_names_move_no_cursor_and_no_cell_is_run_by_a_spreadsheet(numbers):
    for name in ("=1+1", "\tada", "\rada", "\x1b[31mred"):
        hand_in(numbers, name, reference(numbers))
    done = subprocess.run(
        [sys.executable, "-m", "tito", "grade", numbers.folder],
        cwd=numbers.root,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert not {"\x1b", "\t", "\r"} & set(done.stdout + done.stderr)
    course = Course(numbers.root)
    text = scores_csv(scores(course, course.modules()[:1]))
    names = {row[0] for row in csv.reader(io.StringIO(text, newline=""))}
    assert names == {"student", "'=1+1", "' ada", "\ufffd[31mred"}

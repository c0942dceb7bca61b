"""A gradebook, a ledger or a disk that fails: one sentence, nothing lost, and never advice that
loses something."""

import os
import sqlite3
import subprocess
import sys

import pytest
from conftest import ROOT, hand_in, reference

from tito.author.grade import grade
from tito.author.marks import scores
from tito.course import Course
from tito.errors import StorageError
from tito.grading.ledger import Ledger
from tito.grading.pool import LEDGER

pytestmark = pytest.mark.usefixtures("graded_once")


def two_are_right(course: Course) -> None:
    """Two right submissions, graded."""
    module = course.module("01_numbers")
    for student in ("ada", "zoe"):
        hand_in(module, student, reference(module))
    assert [g.score for g in grade(module)] == [7, 7]


@pytest.fixture
def graded_once(course_after):
    """Two right submissions, graded."""
    return course_after("two are right", two_are_right).module("01_numbers")


def said(root, *command: str) -> str:
    """What a command says when it fails: one line."""
    done = subprocess.run(
        [sys.executable, "-m", "tito", *command],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("tito: ")]
    assert "Traceback" not in done.stderr and "delete" not in line
    return line


def new_marks(module) -> list:
    return [(g.student, g.score, g.new) for g in grade(module)]


ROWS = {
    "no zlib": "UPDATE results SET result = X'0011', written = NULL WHERE student = 'ada'",
    "a text": "UPDATE results SET result = 'text', written = NULL WHERE student = 'ada'",
    "a number": "UPDATE results SET result = 7, written = NULL WHERE student = 'ada'",
    "no summary": "UPDATE results SET summary = '{' WHERE student = 'ada'",
    "another summary": "UPDATE results SET summary = '[1]' WHERE student = 'ada'",
    "an unknown state": """UPDATE results SET summary =
        '{"state": "fine", "notes": [], "flags": [], "seed": 1}' WHERE student = 'ada'""",
    "no digest": "UPDATE results SET digest = X'00' WHERE student = 'ada'",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_damaged_row_is_graded_again_and_no_other(graded_once, row):
    with sqlite3.connect(graded_once.root / LEDGER) as db:
        db.execute(ROWS[row])
    db.close()
    assert new_marks(graded_once) == [("ada", 7, True), ("zoe", 7, False)]
    assert new_marks(graded_once) == [("ada", 7, False), ("zoe", 7, False)]


def overwrite(path) -> None:
    path.write_bytes(b"no database" * 1000)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@pytest.mark.parametrize(
    "command", [("grade", "1"), ("scores",), ("release", "1"), ("feedback", "1")]
)
def test_a_damaged_gradebook_is_one_sentence(graded_once, command):
    overwrite(graded_once.root / "gradebook.db")
    line = said(graded_once.root, *command)
    assert "not a database" in line
    if command[0] in ("grade", "scores"):
        assert "marks given by hand" in line and "put a backup in its place" in line


def test_a_damaged_ledger_is_one_sentence_and_its_advice_loses_nothing(graded_once):
    overwrite(graded_once.root / LEDGER)
    line = said(graded_once.root, "grade", "1")
    assert "rename it" in line and "marks given by hand stay" in line
    (graded_once.root / LEDGER).rename(graded_once.root / "ledger-damaged.db")
    assert new_marks(graded_once) == [("ada", 7, True), ("zoe", 7, True)]


def test_a_ledger_of_another_version_is_one_sentence_with_the_same_advice(graded_once):
    with sqlite3.connect(graded_once.root / LEDGER) as db:
        db.execute("ALTER TABLE results RENAME COLUMN summary TO said")
    line = said(graded_once.root, "grade", "1")
    assert "another version's: rename it" in line and "marks given by hand stay" in line


def test_a_locked_gradebook_is_one_sentence_and_the_rest_is_kept(graded_once):
    hand_in(graded_once, "mia", reference(graded_once))
    other = sqlite3.connect(graded_once.root / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    line = said(graded_once.root, "grade", "1")
    assert "locked" in line and "run the same command again" in line
    other.close()
    assert [(s, m) for s, m, _ in new_marks(graded_once)] == [("ada", 7), ("mia", 7), ("zoe", 7)]


class Full:
    """A database on a full disk: it can be read."""

    def __init__(self, db):
        self.db = db

    def execute(self, statement, *values):
        if not statement.startswith("SELECT"):
            raise sqlite3.OperationalError("database or disk is full")
        return self.db.execute(statement, *values)

    def close(self):
        self.db.close()


def test_a_full_disk_ends_the_command_in_one_sentence(graded_once, monkeypatch):
    hand_in(graded_once, "mia", reference(graded_once))
    init = Ledger.__init__

    def on_a_full_disk(self, path):
        init(self, path)
        self.db = Full(self.db)

    with monkeypatch.context() as disk:
        disk.setattr(Ledger, "__init__", on_a_full_disk)
        with pytest.raises(StorageError, match=r"full.*the disk has space.*is kept") as error:
            grade(graded_once)
    assert "delete" not in str(error.value)
    assert [(s, m) for s, m, _ in new_marks(graded_once)] == [("ada", 7), ("mia", 7), ("zoe", 7)]


def test_a_disk_that_is_full_when_a_notebook_is_written_stops_for_all_and_loses_nothing(
    graded_once, monkeypatch
):
    from tito import files

    hand_in(graded_once, "mia", reference(graded_once))

    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(files.tempfile, "mkstemp", full)
        with pytest.raises(StorageError, match=r"no space left.*free some space"):
            grade(graded_once)
    assert [(s, m) for s, m, _ in new_marks(graded_once)] == [("ada", 7), ("mia", 7), ("zoe", 7)]
    course = Course(graded_once.root)
    assert sum(s.score for s in scores(course, course.modules()[:1])) == 21


def test_what_the_gradebook_does_not_take_of_one_costs_nobody_else(graded_once, monkeypatch):
    from nbgrader.preprocessors import SaveAutoGrades

    save = SaveAutoGrades.preprocess

    def fail_for_mia(self, nb, resources):
        if resources["nbgrader"]["student"] == "mia":
            raise ValueError("out of range")
        return save(self, nb, resources)

    for student in ("mia", "noa"):
        hand_in(graded_once, student, reference(graded_once))
    monkeypatch.setattr(SaveAutoGrades, "preprocess", fail_for_mia)
    report = {g.student: g for g in grade(graded_once)}
    assert (report["mia"].state, report["mia"].score) == ("crashed", None)
    assert "out of range" in report["mia"].notes[-1]
    assert report["noa"].score == 7

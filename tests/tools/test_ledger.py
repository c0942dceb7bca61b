"""Nothing is lost, nothing is graded twice, and what has changed is graded again."""

import json
import secrets
import sqlite3

import pytest
from conftest import cell_of, changed, hand_in, reference

from tito.author.grade import grade
from tito.author.marks import scores
from tito.course import Course
from tito.course_settings import configuration
from tito.errors import TitoError, UsageError
from tito.grading import ledger
from tito.grading.gradebook import gradebook
from tito.grading.ledger import Ledger, alone
from tito.grading.live_view import Progress
from tito.grading.pool import LEDGER, LOCK

pytestmark = pytest.mark.usefixtures("graded_once")


class Counted(Progress):
    """Counts what is graded anew."""

    def __init__(self):
        self.new = []

    def done(self, graded):
        if graded.new:
            self.new.append(graded.student)


def graded_anew(module, **settings) -> list[str]:
    """Grade everybody; returns who was graded or written anew."""
    counted = Counted()
    report = grade(module, progress=counted, **settings)
    assert all(g.score is not None for g in report), report
    return sorted(counted.new)


def marks(module) -> dict:
    """All marks of a module."""
    found = scores(Course(module.root), [module])
    return {(s.student, s.exercise): s.score for s in found}


def two_hand_in(course: Course) -> None:
    """Two submissions, graded."""
    module = course.module("01_numbers")
    hand_in(module, "ada", reference(module))
    wrong = "#| export\ndef double(x):\n    return x * 3\n"
    hand_in(module, "bob", changed(module, lambda nb: cell_of(nb, "double").update(source=wrong)))
    assert graded_anew(module) == ["ada", "bob"]


@pytest.fixture
def two(course_after):
    """Two submissions, graded."""
    return course_after("two", two_hand_in).module("01_numbers")


def test_what_has_not_changed_is_not_graded_again(two):
    before = marks(two)
    assert graded_anew(two) == []
    assert marks(two) == before


def test_force_grades_again_with_the_same_seed(two):
    before = seed_of(two, "ada")
    assert graded_anew(two, force=True) == ["ada", "bob"]
    assert seed_of(two, "ada") == before


def test_only_what_was_handed_in_again_is_graded_again(two):
    hand_in(two, "bob", reference(two))
    assert graded_anew(two) == ["bob"]
    assert marks(two)["bob", "double"] == 4


def test_changed_hidden_tests_make_all_stale(two):
    text = two.source.read_text()
    two.source.write_text(text.replace("@observe(x=normal(3, 2))", "@observe(x=normal(2, 3))"))
    assert graded_anew(two) == ["ada", "bob"]
    assert graded_anew(two) == []


@pytest.mark.parametrize(
    "section, name, value",
    [
        ("Observe", "timeout", 9),
        ("ExecuteInWorkspace", "timeout", 59),
        ("Sandbox", "memory", 2**30),
    ],
)
def test_changed_limits_make_all_stale(two, monkeypatch, section, name, value):
    monkeypatch.setitem(configuration(two.root)[section], name, value)
    assert graded_anew(two) == ["ada", "bob"]


def test_a_crash_before_the_gradebook_was_written_is_repaired(two):
    expected = marks(two)
    with gradebook(Course(two.root)) as book:
        book.remove_submission(two.folder, "bob")
    with sqlite3.connect(two.root / LEDGER) as db:
        db.execute("UPDATE results SET written = NULL WHERE student = 'bob'")
    assert graded_anew(two) == ["bob"]
    assert marks(two) == expected


@pytest.mark.parametrize("lost", ["gradebook", "autograded"])
def test_what_was_lost_is_written_again_from_the_ledger(two, lost):
    expected = marks(two)
    path = two.root / "autograded" / "bob" / two.folder / two.notebook
    before = path.read_bytes()
    if lost == "gradebook":
        with gradebook(Course(two.root)) as book:
            book.remove_submission(two.folder, "bob")
    else:
        path.unlink()
    assert graded_anew(two) == ["bob"]
    assert marks(two) == expected and path.read_bytes() == before


def test_a_gradebook_that_fails_midway_has_all_of_a_submission_or_nothing(two, monkeypatch):
    from nbgrader.preprocessors import AssignLatePenalties

    before = marks(two)
    path = two.root / "autograded" / "bob" / two.folder / two.notebook
    notebook = path.read_bytes()
    hand_in(two, "bob", reference(two))

    def fail(*arguments):
        raise RuntimeError("the power went off")

    with monkeypatch.context() as broken:
        broken.setattr(AssignLatePenalties, "preprocess", fail)
        report = {g.student: g for g in grade(two)}
    assert report["ada"].score == 7
    assert report["bob"].state == "crashed" and "the power went off" in " ".join(
        report["bob"].notes
    )
    assert marks(two) == before and path.read_bytes() == notebook
    assert graded_anew(two) == ["bob"]
    assert marks(two)["bob", "double"] == 4


def test_marks_and_comments_given_by_hand_survive(two):
    with gradebook(Course(two.root)) as book:
        book.find_grade("why-inverse", "numbers_dev", two.folder, "ada").manual_score = 2
        book.find_comment("why-inverse", "numbers_dev", two.folder, "ada").manual_comment = "Good."
        book.db.commit()
    graded_anew(two, force=True)
    assert marks(two)["ada", "why-inverse"] == 2
    with gradebook(Course(two.root)) as book:
        comment = book.find_comment("why-inverse", "numbers_dev", two.folder, "ada")
        assert comment.manual_comment == "Good."


def late(module, minutes: int) -> None:
    """Set the due date so that what was handed in at noon is late by some minutes."""
    from datetime import datetime, timedelta

    due = datetime(2026, 3, 2, 12) - timedelta(minutes=minutes)
    with gradebook(Course(module.root)) as book:
        book.find_assignment(module.folder).duedate = due
        book.db.commit()


def penalties(module) -> dict[str, float]:
    """The late penalty of each student."""
    with gradebook(Course(module.root)) as book:
        found = book.assignment_submissions(module.folder)
        return {s.student.id: s.late_submission_penalty for s in found}


def test_late_submissions_have_the_penalties_of_nbgrader(two):
    path = two.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    configuration.cache_clear()
    stamp = two.root / "submitted" / "bob" / two.folder / "timestamp.txt"
    stamp.write_text("2026-03-02 12:00:00 UTC\n")
    late(two, 30)
    assert "bob" in graded_anew(two)
    assert penalties(two) == {"ada": 0, "bob": 3}
    with gradebook(Course(two.root)) as book:
        assert str(book.find_submission(two.folder, "bob").timestamp) == "2026-03-02 12:00:00"
    late(two, -30)  # the due date is moved: nothing is graded, but the penalty goes
    assert graded_anew(two) != []
    assert penalties(two) == {"ada": 0, "bob": 0}
    assert graded_anew(two) == []


def test_marks_are_those_after_the_penalty_and_another_rule_is_followed(two):
    stamp = two.root / "submitted" / "bob" / two.folder / "timestamp.txt"
    stamp.write_text("2026-03-02 12:00:00 UTC\n")
    late(two, 30)
    before = {g.student: g.score for g in grade(two)}
    path = two.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    configuration.cache_clear()
    after = {g.student: g for g in grade(two)}
    assert before["bob"] == 3 and after["bob"].score == 0 and after["ada"].score == before["ada"]
    assert "late: 3 points were taken off" in after["bob"].notes
    found = scores(Course(two.root), [two])
    assert sum(s.score for s in found if s.student == "bob") == 0
    assert [s.score for s in found if s.exercise == "late penalty"] == [-3]


def test_a_seed_is_the_same_until_the_run_is_done_and_another_in_another_ledger(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(ledger, "secrets", secrets)  # the other tests' ledgers have one key
    first, second = Ledger(tmp_path / "a.db"), Ledger(tmp_path / "b.db")
    seed = first.seed("01_numbers")
    assert seed == first.seed("01_numbers")
    first.close()
    again = Ledger(tmp_path / "a.db")
    assert again.seed("01_numbers") == seed
    again.next_seed("01_numbers")
    others = {again.seed("01_numbers"), again.seed("02_doubles"), second.seed("01_numbers")}
    assert len(others - {seed}) == 3


def seed_of(module, student: str) -> int:
    """The seed with which a submission was graded."""
    path = module.root / "autograded" / student / module.folder / module.notebook
    return json.loads(path.read_text())["metadata"]["tito"]["seed"]


def test_a_class_has_one_seed_and_who_hands_in_again_has_another(two):
    seed = seed_of(two, "ada")
    assert seed_of(two, "bob") == seed
    hand_in(two, "bob", reference(two))
    assert graded_anew(two) == ["bob"]
    assert seed_of(two, "bob") != seed


def test_a_broken_ledger_is_named(two):
    (two.root / LEDGER).write_bytes(b"no database" * 1000)
    for suffix in ("-wal", "-shm"):
        (two.root / (LEDGER + suffix)).unlink(missing_ok=True)
    with pytest.raises(TitoError, match=r"ledger\.db cannot be used"):
        grade(two)


def test_two_commands_at_once_are_refused(two):
    with alone(two.root / LOCK), pytest.raises(UsageError, match="running for this course already"):
        grade(two)
    assert graded_anew(two) == []

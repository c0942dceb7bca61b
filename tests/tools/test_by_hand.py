"""What a person marked is neither lost nor stale, whatever happens to a course afterwards."""

import contextlib
import json
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from conftest import cell_of, changed, hand_in, reference, untouched
from ordinary_course import ASSIGNMENTS, copy_of, find, submit, write_sources

from tito.author import sharing
from tito.author.answers import answers, mark_group
from tito.author.dates import give_extension
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.marks import scores, scores_csv
from tito.author.ordinary import release_ordinary
from tito.author.release import release
from tito.author.voiding import count_again, void_exercise
from tito.course import Course
from tito.course_settings import configuration
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.grading.who_marked import markings_of
from tito.source.modules_and_others import find_assignment

pytestmark = pytest.mark.usefixtures("graded_once")
WRONG = "#| export\ndef double(x):\n    return x * 3\n"
HALF = "#| export\ndef double(x):\n    return 2 * x if np.ndim(x) else x\n"


def give(module, name: str, points: float, student: str = "ada", notebook: str = "") -> None:
    """Mark a cell by hand, as formgrader does."""
    with gradebook(Course(module.root)) as book:
        notebook = notebook or module.notebooks[0].removesuffix(".ipynb")
        mark = book.find_grade(name, notebook, module.folder, student)
        mark.manual_score, mark.needs_manual_grade = points, False
        book.db.commit()


def state(module, student: str = "ada") -> dict[str, tuple]:
    """The mark of each cell, and whether somebody is to look at it."""
    with gradebook(Course(module.root)) as book:
        submission = book.find_submission(module.folder, student)
        return {
            mark.name: (mark.score, mark.needs_manual_grade)
            for notebook in submission.notebooks
            for mark in notebook.grades
        }


def set_due(module, minutes_late: int) -> None:
    """Move the due date, so that what was handed in at noon is so late."""
    with gradebook(Course(module.root)) as book:
        due = datetime(2026, 3, 2, 12) - timedelta(minutes=minutes_late)
        book.find_assignment(module.folder).duedate = due
        book.db.commit()


def stamp(module, student: str = "ada") -> None:
    path = module.root / "submitted" / student / module.folder / "timestamp.txt"
    path.write_text("2026-03-02 12:00:00 UTC\n")


def rewrite(module, old: str, new: str) -> None:
    """Change the source of a module."""
    text = module.source.read_text()
    assert old in text
    module.source.write_text(text.replace(old, new))


class Killed(BaseException):
    """Ends a command wherever it is."""


def die(*arguments, **settings):
    raise Killed


def mark_ada(course: Course) -> None:
    """A submission with a wrong exercise; a person marks it, and the answer."""
    module = course.module("01_numbers")
    hand_in(module, "ada", changed(module, lambda nb: cell_of(nb, "double").update(source=WRONG)))
    grade(module)
    give(module, "why-inverse", 2)
    give(module, "test-double", 1)


@pytest.fixture
def marked(course_after):
    """A submission with a wrong exercise; a person marked it, and the answer."""
    return course_after("marked by hand", mark_ada).module("01_numbers")


DONE = {"test-double": (1, False), "test-halve": (3, False), "why-inverse": (2, False)}

UNCHANGED = {
    "grading again": lambda module: None,
    "grading all anew": lambda module: grade(module, force=True),
    "a due date": lambda module: (stamp(module), set_due(module, 30)),
    "another hidden test": lambda module: rewrite(
        module, "@observe(x=normal(4))", "@observe(x=normal(5))"
    ),
    "another hidden test, released": lambda module: (
        rewrite(module, "@observe(x=normal(4))", "@observe(x=normal(5))"),
        release(module),
    ),
    "another text": lambda module: (rewrite(module, "# Module 1", "# Part 1"), release(module)),
    "the other exercise": lambda module: hand_in(
        module,
        "ada",
        changed(
            module,
            lambda nb: (
                cell_of(nb, "double").update(source=WRONG),
                cell_of(nb, "halve").update(source="#| export\ndef halve(x):\n    return x"),
            ),
        ),
    ),
    "autograded/ deleted": lambda module: shutil.rmtree(module.root / "autograded"),
    "the ledger deleted": lambda module: [
        p.unlink() for p in (module.root / ".tito").glob("ledger*")
    ],
    "plain autograde": lambda module: plain_autograde(module),
}


def plain_autograde(module) -> None:
    command = ["nbgrader", "autograde", module.folder, "--force"]
    subprocess.run(command, cwd=module.root, check=True, capture_output=True)


@pytest.mark.parametrize("case", UNCHANGED)
def test_a_hand_mark_stays_done(marked, case):
    UNCHANGED[case](marked)
    grade(marked)
    found = state(marked)
    assert {name: found[name] for name in ("test-double", "why-inverse")} == {
        name: DONE[name] for name in ("test-double", "why-inverse")
    }


def with_other(name: str, source: str):
    def change(module):
        nb = changed(module, lambda nb: cell_of(nb, "double").update(source=WRONG))
        cell_of(nb, name)["source"] = source
        hand_in(module, "ada", nb)

    return change


CHANGED = {
    "its answer": (with_other("why-inverse", "Another reason."), "why-inverse"),
    "its code": (with_other("double", HALF), "test-double"),
    "its checks": (
        lambda module: rewrite(module, "@observe(x=normal(3, 2))", "@observe(x=normal(2, 3))"),
        "test-double",
    ),
    "its points": (
        lambda module: (
            rewrite(module, 'answer="why-inverse" points=3', 'answer="why-inverse" points=5'),
            release(module),
        ),
        "why-inverse",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_hand_mark_is_looked_at_again_where_its_own_cell_changed(marked, case):
    change, name = CHANGED[case]
    change(marked)
    for _ in range(2):  # also after it was graded once more
        grade(marked)
        assert state(marked) == DONE | {name: (DONE[name][0], True)}
    give(marked, name, 2)
    grade(marked, force=True)
    assert state(marked)[name] == (2, False)


def test_a_mark_given_between_the_gradebook_and_the_notebook_is_looked_at_again(
    marked, monkeypatch
):
    """Who marks then has the old notebook before them, and the new one comes afterwards."""
    from tito.grading.writer import Writer

    with_other("why-inverse", "Another reason.")(marked)

    with monkeypatch.context() as broken, contextlib.suppress(Killed):
        broken.setattr(Writer, "_write_files", die)
        grade(marked)
    give(marked, "why-inverse", 3)
    grade(marked)
    assert state(marked)["why-inverse"] == (3, True)


def test_a_later_right_solution_is_said_where_a_mark_by_hand_hides_it(marked):
    hand_in(marked, "ada", reference(marked))
    (ada,) = grade(marked)
    assert state(marked)["test-double"] == (1, True)
    assert "marked by hand: double 1 by hand, 4 of 4 by its checks now" in ada.notes
    assert "marked by hand: double 1 by hand, 4 of 4 by its checks now" in grade(marked)[0].notes


# Late penalties


@pytest.fixture
def late(numbers):
    """A late submission where whoever is late loses everything."""
    path = numbers.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    configuration.cache_clear()
    hand_in(numbers, "ada", reference(numbers))
    stamp(numbers)
    set_due(numbers, 30)
    grade(numbers)
    return numbers


def total(module) -> float:
    return sum(s.score for s in scores(Course(module.root), [module]))


def test_a_late_penalty_follows_marks_given_by_hand(late):
    assert total(late) == 0
    give(late, "why-inverse", 3)
    lines = scores_csv(scores(Course(late.root), [late])).splitlines()
    assert "ada,01_numbers,late penalty,-10,0,0" in lines
    assert lines[-1] == "ada,01_numbers,total,0,10,0"
    give(late, "why-inverse", 2)
    (ada,) = grade(late)
    assert (ada.score, ada.penalty) == (0, 9)
    give(late, "why-inverse", 1)
    (page,) = feedback(late)
    assert "It was handed in late: 8 points were taken off." in page.read_text()
    assert '<p class="mark">0 <small>of 10 points' in page.read_text()
    give(late, "why-inverse", 3)
    subprocess.run(["nbgrader", "export"], check=True, capture_output=True, cwd=late.root)
    assert ",10.0,10.0,0.0,10.0" in (late.root / "grades.csv").read_text()


def test_a_late_penalty_follows_the_due_date(late):
    set_due(late, -30)
    assert total(late) == 7
    set_due(late, 30)
    assert total(late) == 0


# Feedback


def test_feedback_does_not_show_0_for_what_nobody_has_marked(numbers):
    hand_in(numbers, "ada", reference(numbers))
    hand_in(numbers, "bob", untouched(numbers))
    grade(numbers)
    pages = {page.parts[-3]: page.read_text() for page in feedback(numbers)}
    assert pages["ada"].count("not marked yet, of 3") == 2  # in the list, and at the answer
    assert "1 answer is not marked yet" in pages["ada"] and "up to 3 points" in pages["ada"]
    assert "not marked yet" not in pages["bob"] and "why-inverse: 0 of 3" in pages["bob"]
    give(numbers, "why-inverse", 2)
    pages = {page.parts[-3]: page.read_text() for page in feedback(numbers)}
    assert "not marked yet" not in pages["ada"] and "why-inverse: 2 of 3" in pages["ada"]


# Notes


def test_notes_of_a_kind_are_together_and_the_answer_is_first():
    from tito.steps.notes import arranged

    notes = [
        "taken from a.zip",
        "the cell 'a' could not be loaded: NameError: x",
        "graft: b",
        "the cell 'b' could not be loaded: ValueError",
        "the cell 'test-a' took longer than 60 s and was stopped",
        "the answer 'why' was found in a new cell below; it waits to be marked by hand",
        "the cell 'c' could not be loaded: NameError: x",
    ]
    assert arranged(notes) == [
        "the answer 'why' was found in a new cell below; it waits to be marked by hand",
        "taken from a.zip",
        "3 cells could not be loaded: 'a' (NameError: x), 'b' (ValueError), 'c' (NameError: x)",
        "graft: b",
        "the cell 'test-a' took longer than 60 s and was stopped",
    ]


# Twenty changes in random order

ANOTHER = """
# %% exercise="triple"
#| export
def triple(x):
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION

# %% checks="triple" points=2
assert triple(1) == 3
### BEGIN HIDDEN TESTS
@observe(x=normal(4))
def triples(module, x):
    return module.triple(x)
### END HIDDEN TESTS
"""


class Model:
    """What a careful person expects of the marks by hand of one student, whatever is done."""

    def __init__(self, module):
        self.module = module
        self.answers = {"test-double": WRONG, "why-inverse": "I say so."}
        self.halve = None
        self.checks, self.points = "normal(3, 2)", 3
        self.given: dict[str, float] = {}
        self.marked_for: dict[str, tuple] = {}
        self.graded_as: dict[str, tuple] = {}
        self.open: dict[str, bool] = {}
        self.comment, self.asked, self.answered = "", {}, set()
        self.noted, self.listed = 0, []
        self.voided: dict[str, bool] = {}  # whether they are left out of the sum
        self.write()

    def now(self, name: str) -> tuple:
        """What a mark is given for."""
        own = self.checks if name == "test-double" else self.points
        return self.answers[name], own

    def write(self) -> None:
        nb = changed(self.module, lambda nb: None)
        cell_of(nb, "double")["source"] = self.answers["test-double"]
        cell_of(nb, "why-inverse")["source"] = self.answers["why-inverse"]
        if self.halve:
            cell_of(nb, "halve")["source"] = self.halve
        for why, is_there in self.asked.items():
            if is_there:
                text = f"Ask again: double\n\n{why}"
                cell = {"cell_type": "markdown", "id": why, "metadata": {}, "source": text}
                nb["cells"].append(cell)
        hand_in(self.module, "ada", nb)

    def was_graded(self) -> None:
        for name in self.given:
            if self.graded_as.get(name) != self.now(name):
                self.open[name] = True
        self.graded_as = {name: self.now(name) for name in self.answers}

    def expected(self) -> dict[str, tuple]:
        found = {name: (points, self.open[name]) for name, points in self.given.items()}
        full = {"test-double": 4, "why-inverse": self.points}
        return found | {
            name: (0 if left_out else full[name], False)
            for name, left_out in self.voided.items()
            if name in found
        }


def mark_by_hand(model, chance):
    name = chance.choice(["test-double", "why-inverse"])
    points = chance.choice([0, 0.5, 1, 2])
    give(model.module, name, points)
    model.given[name], model.open[name] = points, False


def mark_a_group(model, chance):
    """What `tito mark` may do: a mark or a comment that differs stays, unless it is asked again."""
    (question,) = answers(model.module)
    group = next(group for group in question.groups if "ada" in group.members)
    points, comment = chance.choice([0, 0.5, 1, 2]), chance.choice(["", "", "Why?", "Good."])
    if "why-inverse" in model.voided:
        with pytest.raises(UsageError, match="does not count"):
            mark_group(model.module, "why-inverse", group.name, points)
        return
    again, before = chance.random() < 0.3, model.given.get("why-inverse", points)
    done = mark_group(
        model.module, "why-inverse", group.name, points, comment, again, marker=chance.choice("xyz")
    )
    may = again or (before == points and comment in ("", model.comment or comment))
    assert (done.marked == ["ada"]) == may
    if may:
        model.given["why-inverse"], model.open["why-inverse"] = points, False
        model.comment = comment or model.comment


def comment_by_hand(model, chance):
    model.comment = f"Remark {chance.randrange(5)}."
    with gradebook(Course(model.module.root)) as book:
        remark = book.find_comment("why-inverse", "numbers_dev", model.module.folder, "ada")
        remark.manual_comment = model.comment
        book.db.commit()


def share_out(model, chance):
    people = chance.sample(["ann", "ben", "cleo", "dora"], chance.randrange(1, 4))
    sharing.assign_markers(model.module, people, chance.choice(["student", "question"]))


def ask_again(model, chance):
    """Hand in with another request, or without those of before."""
    for why in model.asked:
        model.asked[why] = chance.random() < 0.5
    model.asked[f"reason-{len(model.asked)}"] = True
    model.write()


def answer_what_is_asked(model, chance):
    if known := requests_now(model):
        sharing.answer(model.module, "ada", "double", f"So it is: {len(known)}.")
        model.answered |= set(known)


def requests_now(model) -> dict[str, bool]:
    """Why another look was asked for, and whether that is answered."""
    found = sharing.requests(Course(model.module.root), [model.module])[model.module.folder]
    return {one.why: one.answer is not None for one in found}


def give_back(model, chance):
    text = feedback(model.module)[0].read_text()
    assert all(why in text for why in requests_now(model))


def move_due_date(model, chance):
    stamp(model.module)
    set_due(model.module, chance.randrange(-100, 100))


def change_another_test(model, chance):
    old = "normal(4)" if "normal(4)" in model.module.source.read_text() else "normal(6)"
    rewrite(model.module, f"@observe(x={old})", f"@observe(x=normal({10 - int(old[7])}))")


def change_its_test(model, chance):
    new = chance.choice(["normal(3, 2)", "normal(2, 3)", "normal(5)"])
    rewrite(model.module, f"@observe(x={model.checks})", f"@observe(x={new})")
    model.checks = new


def change_points(model, chance):
    new = chance.choice([3, 4, 5])
    rewrite(model.module, f'"why-inverse" points={model.points}', f'"why-inverse" points={new}')
    model.points = new
    release(model.module)


def hand_in_another(model, chance):
    model.answers["why-inverse"] = f"Reason {chance.randrange(3)}."
    model.write()


def hand_in_other_code(model, chance):
    model.answers["test-double"] = chance.choice([WRONG, HALF])
    model.write()


def hand_in_other_halves(model, chance):
    model.halve = chance.choice([None, "#| export\ndef halve(x):\n    return x\n"])
    model.write()


def regrade(model, chance):
    assert {one.state for one in grade(model.module, force=True)} == {"graded"}
    model.was_graded()


def grade_once(model, chance):
    assert {one.state for one in grade(model.module)} == {"graded"}
    model.was_graded()


def be_killed(model, chance):
    """Stop at a place that chance decides; what was in the gradebook by then counts as graded."""
    from tito.grading.ledger import Ledger
    from tito.grading.writer import Writer

    owner, name = chance.choice(
        [(Ledger, "keep"), (Writer, "write"), (Writer, "_write_files"), (Ledger, "mark_written")]
    )
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(owner, name, die)
        with contextlib.suppress(Killed):
            grade(model.module)


def have_it_count_no_more(model, chance):
    name, left_out = chance.choice(["test-double", "why-inverse"]), chance.random() < 0.5
    void_exercise(model.module, name.removeprefix("test-"), left_out)
    model.voided[name] = left_out


def have_it_count_again(model, chance):
    for name in model.voided:
        count_again(model.module, name.removeprefix("test-"))
    model.voided = {}


def give_more_time(model, chance):
    with contextlib.suppress(UsageError):  # there is no due date yet, or no extension
        give_extension(model.module, "ada", chance.choice(["1 h", "2 days", None]))


def add_or_remove_an_exercise(model, chance):
    text = model.module.source.read_text()
    added = text.endswith(ANOTHER)
    model.module.source.write_text(text.removesuffix(ANOTHER) if added else text + ANOTHER)
    release(model.module)


CHANGES = [
    mark_by_hand,
    mark_a_group,
    comment_by_hand,
    share_out,
    ask_again,
    answer_what_is_asked,
    give_back,
    have_it_count_no_more,
    have_it_count_again,
    give_more_time,
    add_or_remove_an_exercise,
    move_due_date,
    change_another_test,
    change_its_test,
    change_points,
    hand_in_another,
    hand_in_other_code,
    hand_in_other_halves,
    regrade,
    grade_once,
    be_killed,
]


def noted_and_commented(model) -> tuple[int, str]:
    """How many marks and comments are put down with who gave them, and the comment there is."""
    with gradebook(Course(model.module.root)) as book:
        remark = book.find_comment("why-inverse", "numbers_dev", model.module.folder, "ada")
        return len(markings_of(book, model.module.folder)), remark.manual_comment or ""


@pytest.mark.parametrize("seed", range(4))
def test_hand_marks_through_twenty_changes_in_random_order(numbers, seed):
    chance = random.Random(seed)
    model = Model(numbers)
    grade_once(model, chance)
    mark_by_hand(model, chance)
    done = []
    for _ in range(20):
        change = chance.choice(CHANGES)
        change(model, chance)
        done.append(change.__name__)
        grade_once(model, chance)
        found = state(numbers)
        assert {name: found[name] for name in model.given} == model.expected(), done
        report = total(numbers)
        assert report == pytest.approx(sum(score for score, _ in found.values())), done
        noted, comment = noted_and_commented(model)
        assert noted >= model.noted and comment == model.comment, done
        model.noted = noted
        asked = requests_now(model)
        assert asked == {why: why in model.answered for why in asked}, done
        assert set(model.listed) <= set(asked) <= set(model.asked), done
        assert set(asked) == set(model.asked), done
        model.listed = list(asked)


# Ordinary assignments


@pytest.fixture
def midterm(released_course):
    write_sources(released_course.root, "midterm", ASSIGNMENTS["several"])
    write_sources(released_course.root, "midterm", ASSIGNMENTS["tasks"])
    exam = find_assignment(released_course, "midterm")
    release_ordinary(exam)
    hand_in_all(exam)
    grade(exam)
    give(exam, "project", 6, notebook="tasks")
    give(exam, "why", 2, notebook="problem2")
    give(exam, "check", 0.5, notebook="tasks")
    return exam


def hand_in_all(exam, **other: str) -> None:
    """All notebooks, with some cells' texts replaced."""
    notebooks = copy_of(ASSIGNMENTS["several"].notebooks | ASSIGNMENTS["tasks"].notebooks)
    ASSIGNMENTS["tasks"].change(notebooks)
    for name, source in other.items():
        for nb in notebooks.values():
            for cell in nb["cells"]:
                known = cell["metadata"].get("nbgrader", {}).get("grade_id") or cell["id"]
                if known.replace("-", "_") == name:
                    cell["source"] = source
    submit(exam.root, "midterm", "ada", notebooks, {})


def by_notebook(exam) -> dict:
    with gradebook(Course(exam.root)) as book:
        return {
            (notebook.name, mark.name): (mark.score, mark.needs_manual_grade)
            for notebook in book.find_submission("midterm", "ada").notebooks
            for mark in notebook.grades
        }


def test_a_task_marked_by_hand_stays_done_until_its_own_text_changes(midterm):
    hand_in_all(midterm, essay="Longer.")
    grade(midterm)
    found = by_notebook(midterm)
    assert found["tasks", "project"] == (6, False) and found["problem2", "why"] == (2, False)
    assert found["tasks", "check"] == (0.5, False)
    hand_in_all(midterm, project_text="Another project.", square="def square(x):\n    return x")
    grade(midterm)
    found = by_notebook(midterm)
    assert found["tasks", "project"] == (6, True) and found["problem2", "why"] == (2, False)
    assert found["tasks", "check"] == (0.5, True)


def test_a_mark_for_a_notebook_that_is_no_longer_there_is_looked_at_again(midterm):
    path = midterm.root / "submitted/ada/midterm/problem2.ipynb"
    path.rename(midterm.root / "aside")
    for _ in range(2):
        grade(midterm)
        assert by_notebook(midterm)["problem2", "why"] == (2, True)
        assert by_notebook(midterm)["problem2", "check"] == (0, False)
    give(midterm, "why", 0, notebook="problem2")
    grade(midterm, force=True)
    assert by_notebook(midterm)["problem2", "why"] == (0, False)


def test_one_changed_test_of_an_ordinary_assignment_leaves_the_others_done(midterm):
    path = midterm.source_folder / "tasks.ipynb"
    nb = json.loads(path.read_text())
    find(nb, "check")["source"] = "assert square(4) == 16"
    path.write_text(json.dumps(nb))
    release_ordinary(midterm)
    grade(midterm)
    found = by_notebook(midterm)
    assert found["tasks", "check"] == (0.5, True) and found["tasks", "project"] == (6, False)
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "midterm", "--force"],
        cwd=midterm.root,
        check=True,
        capture_output=True,
    )
    assert by_notebook(midterm) == found

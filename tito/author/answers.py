"""All students' answers to a question together, and one mark for all that say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tito.author.alike import Group, groups
from tito.course import Course
from tito.errors import TitoError, UsageError
from tito.files import printable
from tito.grading.gradebook import gradebook
from tito.grading.markers import question_label, questions, shares
from tito.grading.model_answers import Guide, guides
from tito.grading.who_marked import (
    COMMENT,
    answers_of,
    marker_here,
    marks_of_now,
    note_marking,
)
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.following import follow_and_keep
from tito.steps.save_marks import cells_of
from tito.steps.voided import voided

NOTHING = "blank"  # the name of the group of those who wrote nothing


@dataclass(frozen=True)
class Answer:
    """One student's answer, and what became of it.

    Attributes
    ----------
    student : str
        Whose it is.
    text : str
        What is in the cell.
    written : bool
        Whether it is more than what was handed out.
    notebook_id : str
        What formgrader calls the notebook.
    points : float or None
        The mark; None while it waits for its first.
    by_hand : float or None
        The mark that a person gave.
    waits : bool
        Whether somebody is still to look at it.
    comment : str
        What was written to the student.
    given : dict
        Who marked it, with their points.
    owner : str
        Who is to mark it, if that was shared out.
    """

    student: str
    text: str
    written: bool
    notebook_id: str
    points: float | None
    by_hand: float | None
    waits: bool
    comment: str
    given: dict[str, float]
    owner: str


@dataclass(frozen=True)
class Question:
    """A question, what its answers are marked by, and the answers in groups, largest first."""

    name: str
    notebook: str
    cell: str
    most: float
    guide: Guide
    groups: list[Group[str]]
    answers: dict[str, Answer]

    def group(self, name: str) -> Group[str]:
        """The group called `name`.

        Raises
        ------
        UsageError
            If there is none.
        """
        found = [group for group in self.groups if group.name == name.strip().lower()]
        if not found:
            raise UsageError(
                f"{self.name} has no group {name!r} of answers now; tito answers lists those "
                "there are, and their names change with the texts"
            )
        return found[0]


def question_names(book, assigned: Assigned) -> list[str]:
    """The questions of an assignment that a person marks.

    Raises
    ------
    UsageError
        If nbgrader does not know the assignment, or it has no such question.
    """
    if assigned.folder not in {one.name for one in book.assignments}:
        raise UsageError(
            f"the gradebook does not know {assigned.folder}; run tito grade {assigned.folder}"
        )
    names = questions(book, assigned.folder)
    if not names:
        raise UsageError(f"{assigned.folder} has no question that is marked by hand")
    return names


def answers(assigned: Assigned, name: str = "") -> list[Question]:
    """All answers to the questions of an assignment, or to one of them.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    name : str, optional
        Only this question.

    Raises
    ------
    UsageError
        If there is no such question.
    """
    with gradebook(Course(assigned.root)) as book:
        names = question_names(book, assigned)
        if name and name not in names:
            raise UsageError(
                f"{assigned.folder} has no question {name!r}; its questions are: {', '.join(names)}"
            )
        return [_question(book, assigned, one) for one in ([name] if name else names)]


def _question(book, assigned: Assigned, name: str) -> Question:
    notebook, cell = _place(book, assigned, name)
    shared, given = shares(book, assigned.folder), marks_of_now(book, assigned.folder)
    found = {}
    for submission in book.assignment_submissions(assigned.folder):
        student = submission.student.id
        text, written = _text(assigned, student, notebook, cell)
        if text is None:
            continue
        grade = book.find_grade(cell, notebook, assigned.folder, student)
        found[student] = Answer(
            student,
            text,
            written,
            grade.notebook_id,
            _points(grade),
            grade.manual_score,
            bool(grade.needs_manual_grade),
            _comment(book, assigned, notebook, cell, student),
            given.get((student, notebook, cell), {}),
            shared.owner(student, name),
        )
    most = book.find_graded_cell(cell, notebook, assigned.folder).max_score
    guide = guides(assigned, notebook).get(cell, Guide("", ""))
    return Question(name, notebook, cell, most, guide, _grouped(found), found)


def _place(book, assigned: Assigned, name: str) -> tuple[str, str]:
    """The notebook and the cell of a question."""
    notebooks = book.find_assignment(assigned.folder).notebooks
    for notebook in notebooks:
        for cell in [*notebook.grade_cells, *notebook.task_cells]:
            if question_label(notebook.name, cell.name, len(notebooks) > 1) == name:
                return notebook.name, cell.name
    raise UsageError(f"{assigned.folder} has no question {name!r}")


def _points(grade) -> float | None:
    return None if grade.manual_score is None and grade.auto_score is None else grade.score


def _comment(book, assigned: Assigned, notebook: str, cell: str, student: str) -> str:
    comment = _find_comment(book, assigned, notebook, cell, student)
    return (comment.manual_comment or "") if comment is not None else ""


def _find_comment(book, assigned: Assigned, notebook: str, cell: str, student: str):
    from nbgrader.api import MissingEntry

    try:
        return book.find_comment(cell, notebook, assigned.folder, student)
    except MissingEntry:
        return None


def _grouped(found: dict[str, Answer]) -> list[Group[str]]:
    """The groups of answers, and after them those who wrote nothing."""
    written = {student: one.text for student, one in found.items() if one.written}
    blank = {student: one.text for student, one in found.items() if not one.written}
    return groups(written) + ([Group(NOTHING, "", blank)] if blank else [])


def _text(assigned: Assigned, student: str, notebook: str, cell: str) -> tuple[str | None, bool]:
    """What a student wrote, and whether that is more than what was handed out."""
    text = _answer_in(_graded(assigned, student, notebook), cell)
    blank = _answer_in(assigned.release_folder / f"{notebook}.ipynb", cell) or ""
    return text, bool(text and text.strip() and text.strip() != blank.strip())


def _graded(assigned: Assigned, student: str, notebook: str) -> Path:
    return assigned.root / "autograded" / student / assigned.folder / f"{notebook}.ipynb"


def _answer_in(path: Path, name: str) -> str | None:
    """The text of an answer in a notebook; of a task, what stands below it."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):  # nothing was handed in, or it could not be read
        return None
    for number, cell in enumerate(cells):
        nbgrader = cell["metadata"].get("nbgrader") or {}
        if nbgrader.get("grade_id") == name:
            below = _below(cells[number + 1 :]) if nbgrader.get("task") else [cell]
            text = "\n\n".join("".join(one["source"]) for one in below)
            return text.encode("utf-8", "replace").decode()  # halves of characters are none
    return None


def _below(cells: list[dict]) -> Iterator[dict]:
    for cell in cells:
        if cell["metadata"].get("nbgrader"):
            return
        yield cell


@dataclass(frozen=True)
class GroupMark:
    """Whom a mark for a group went to, and whose other mark was left as it was, and why."""

    marked: list[str]
    left: dict[str, str]


def mark_group(
    assigned: Assigned,
    question: str,
    group: str,
    points: float,
    comment: str = "",
    again: bool = False,
    marker: str = "",
) -> GroupMark:
    """Give all answers of a group the same mark, and the same comment.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    question, group : str
        Which question, and the name of the group of its answers.
    points : float
        The mark.
    comment : str, optional
        What students read; without one, their comments stay as they are.
    again : bool, optional
        Also where somebody gave another mark or comment before.
    marker : str, optional
        Who marks; by default `tito.grading.who_marked.marker_here`.

    Raises
    ------
    UsageError
        If there is no such question or group, or the points are not between 0 and its points.
    TitoError
        If grading goes on: the answers may be others in a moment.
    """
    (asked,) = answers(assigned, question)
    members = asked.group(group).members
    if not 0 <= points <= asked.most:
        raise UsageError(
            f"{question} has 0 to {asked.most:g} points, not {points:g}; nothing is marked"
        )
    done, left = [], {}
    with gradebook(Course(assigned.root)) as book:
        not_counting = {(one.notebook, one.cell) for one in voided(book, assigned.folder)}
        if (asked.notebook, asked.cell) in not_counting:
            raise UsageError(f"{question} does not count now, so nothing is marked")
        for student in sorted(members):
            _check_is_graded(book, assigned, asked, student)
            if not again and (reason := _why_not(asked.answers[student], points, comment)):
                left[student] = reason
            else:
                _give(book, assigned, asked, student, points, comment, marker_here(marker))
                done.append(student)
        follow_and_keep(book, configuration(assigned.root), assigned.folder)
    return GroupMark(done, left)


def _check_is_graded(book, assigned: Assigned, asked: Question, student: str) -> None:
    """Refuse to mark an answer that is being replaced by a later one."""
    from nbformat import v4

    path = _graded(assigned, student, asked.notebook)
    shown = cells_of(v4.reads(path.read_text(encoding="utf-8"))).get(asked.cell)
    notebook = book.find_submission_notebook(asked.notebook, assigned.folder, student)
    graded = answers_of(book, notebook).get(asked.cell)
    if graded not in (None, shown):
        raise TitoError(
            f"the answer of {printable(student)} is being graded, so nothing is marked; run the "
            f"same command again, or tito grade {assigned.folder} if grading was interrupted"
        )


def _why_not(answer: Answer, points: float, comment: str) -> str:
    """Why a mark must not be replaced without being asked to; nothing if it may."""
    by = f" by {', '.join(answer.given)}" if answer.given else ""
    if answer.by_hand not in (None, points):
        return f"has {answer.by_hand:g}{by}{', for an earlier answer' * answer.waits}"
    if comment and answer.comment not in ("", comment):
        return f"has another comment{by}"
    return ""


def _give(
    book, assigned: Assigned, asked: Question, student: str, points: float, comment: str, who: str
) -> None:
    """Mark one answer, as formgrader does; nothing is committed."""
    grade = book.find_grade(asked.cell, asked.notebook, assigned.folder, student)
    grade.manual_score, grade.needs_manual_grade = points, False
    note_marking(book, grade, who)
    remark = _find_comment(book, assigned, asked.notebook, asked.cell, student)
    if comment and remark is not None:
        remark.manual_comment = comment
        note_marking(book, remark, who, COMMENT)

"""Who marked what by hand: in the gradebook, beside nbgrader's tables, and only added to."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nbgrader.api import Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, insert, select

from tito.files import printable
from tito.steps.save_marks import GRADED_CELLS

MARK, COMMENT = "mark", "comment"
MARKINGS = Table(
    "tito_markings",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("assignment", String(255), nullable=False),
    Column("notebook", String(255), nullable=False),
    Column("student", String(255), nullable=False),
    Column("cell", String(255), nullable=False),
    Column("what", String(16), nullable=False),
    Column("marker", String(255), nullable=False),
    Column("time", String(32), nullable=False),
    Column("points", Float),
    Column("comment", Text),
    Column("answer", String(64)),
)


@dataclass(frozen=True)
class Marking:
    """One time that somebody gave a mark or a comment by hand.

    Attributes
    ----------
    notebook, student, cell : str
        What was marked.
    what : str
        ``"mark"`` or ``"comment"``.
    marker, time : str
        Who, and when (ISO 8601, UTC).
    points : float or None
        The mark afterwards; None if it was taken away.
    comment : str or None
        The comment afterwards.
    answer : str or None
        A hash of what it was given for.
    """

    notebook: str
    student: str
    cell: str
    what: str
    marker: str
    time: str
    points: float | None
    comment: str | None
    answer: str | None

    @property
    def place(self) -> tuple[str, str, str]:
        """Student, notebook and cell."""
        return self.student, self.notebook, self.cell


def marker_here(named: str = "") -> str:
    """Who marks: the name given, else ``TITO_MARKER``, JupyterHub's user, or the login's name."""
    names = (named, os.environ.get("TITO_MARKER", ""), os.environ.get("JUPYTERHUB_USER", ""))
    given = next((name.strip() for name in names if name.strip()), "")
    try:
        return printable(given)[:255] or getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"


def note_marking(book, grade, marker: str, what: str = MARK) -> None:
    """Put down who gave the mark, or the comment, that a cell has now; nothing is committed.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook.
    grade : nbgrader.api.Grade or nbgrader.api.Comment
        The mark or the comment, as it was given.
    marker : str
        Who gave it.
    what : str, optional
        ``"mark"`` or ``"comment"``.
    """
    MARKINGS.create(book.db.connection(), checkfirst=True)
    notebook = grade.notebook
    row = {
        "assignment": notebook.assignment.assignment.name,
        "notebook": notebook.name,
        "student": notebook.student.id,
        "cell": grade.name,
        "what": what,
        "marker": marker,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "points": grade.manual_score if what == MARK else None,
        "comment": grade.manual_comment if what == COMMENT else None,
        "answer": answers_of(book, notebook).get(grade.name),
    }
    book.db.execute(insert(MARKINGS).values(**row))


def answers_of(book, notebook) -> dict[str, str]:
    """A hash of what each cell of a submitted notebook is marked for, as it was graded last."""
    GRADED_CELLS.create(book.db.connection(), checkfirst=True)
    row = select(GRADED_CELLS.c.cells).where(GRADED_CELLS.c.notebook_id == notebook.id)
    return json.loads(book.db.execute(row).scalar() or "{}")


def _answers_of_all(book, assignment: str) -> dict[tuple[str, str], dict[str, str]]:
    """The same of all submitted notebooks of an assignment, by student and notebook."""
    GRADED_CELLS.create(book.db.connection(), checkfirst=True)
    rows = (
        select(SubmittedAssignment.student_id, Notebook.name, GRADED_CELLS.c.cells)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(GRADED_CELLS, GRADED_CELLS.c.notebook_id == SubmittedNotebook.id)
        .where(SubmittedAssignment.assignment.has(name=assignment))
    )
    return {(student, name): json.loads(cells) for student, name, cells in book.db.execute(rows)}


def markings_of(book, assignment: str) -> list[Marking]:
    """All that is put down of an assignment, the oldest first."""
    MARKINGS.create(book.db.connection(), checkfirst=True)
    names = [getattr(MARKINGS.c, name) for name in Marking.__dataclass_fields__]
    rows = select(*names).where(MARKINGS.c.assignment == assignment).order_by(MARKINGS.c.id)
    return [Marking(*row) for row in book.db.execute(rows)]


def marks_of_now(book, assignment: str) -> dict[tuple[str, str, str], dict[str, float]]:
    """Who gave how many points for the answers as they are now, by student, notebook and cell.

    Of each marker it is the last mark; what was given for an earlier answer is left out.
    """
    graded = _answers_of_all(book, assignment)
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for one in markings_of(book, assignment):
        if one.what != MARK or graded.get(one.place[:2], {}).get(one.cell) != one.answer:
            continue
        given = found.setdefault(one.place, {})
        given.pop(one.marker, None)
        if one.points is not None:
            given[one.marker] = one.points
    return found


def marked_twice(book, assignment: str) -> Iterator[str]:
    """A line for each answer that two people marked, with what each gave."""
    for (student, _, cell), given in sorted(marks_of_now(book, assignment).items()):
        if len(given) > 1:
            said = ", ".join(f"{marker} {points:g}" for marker, points in given.items())
            yield f"{student}, {cell.removeprefix('test-')}: {said}"

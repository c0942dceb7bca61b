"""Extensions: a later date for one student, also before anything was handed in."""

from __future__ import annotations

from datetime import datetime

from nbgrader.api import MissingEntry
from sqlalchemy import Column, DateTime, MetaData, String, Table, delete, insert, select

# Beside nbgrader's own tables, which know an extension only of what was handed in.
EXTENSIONS = Table(
    "tito_extensions",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("until", DateTime, nullable=False),  # UTC, as all times in the gradebook
)


def extensions(book, assignment: str) -> dict[str, datetime]:
    """Until when each student with an extension may hand in, in UTC without saying so."""
    EXTENSIONS.create(book.db.connection(), checkfirst=True)
    this = select(EXTENSIONS).where(EXTENSIONS.c.assignment == assignment)
    return {row.student: row.until for row in book.db.execute(this.order_by("student")).all()}


def extend(book, assignment: str, student: str, until: datetime | None) -> None:
    """Give a student until a time, in UTC; None takes the extension back.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    assignment, student : str
        Whose, and for what.
    until : datetime or None
        When it is due for this student.
    """
    known = extensions(book, assignment)
    this = (EXTENSIONS.c.assignment == assignment) & (EXTENSIONS.c.student == student)
    book.db.execute(delete(EXTENSIONS).where(this))
    if until is not None:
        row = {"assignment": assignment, "student": student, "until": until}
        book.db.execute(insert(EXTENSIONS).values(row))
    elif student in known:
        for submission in _submissions(book, assignment, student):
            submission.extension = None
    follow_extensions(book, assignment)


def follow_extensions(book, assignment: str, student: str | None = None) -> None:
    """Give submissions the extensions that were meant for them, whatever the due date is now.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    assignment : str
        Which assignment.
    student : str, optional
        Only this one's.
    """
    known = extensions(book, assignment)
    for name in known if student is None else known.keys() & {student}:
        for submission in _submissions(book, assignment, name):
            due = submission.assignment.duedate
            more = max(known[name], due) - due if due else None
            if submission.extension != more:
                submission.extension = more


def _submissions(book, assignment: str, student: str) -> list:
    """What a student handed in: one submission, or none yet."""
    try:
        return [book.find_submission(assignment, student)]
    except MissingEntry:
        return []

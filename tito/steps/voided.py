"""Exercises that do not count any more: for everybody, and until they count again.

nbgrader adds a grade's extra credit to its mark, so that is what makes the mark whole, or takes it
out; the marks that checks and people gave stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from nbgrader.api import MissingEntry
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    MetaData,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    select,
    update,
)

FULL, OUT = "full marks", "left out"

# Beside nbgrader's own tables: what does not count, and what its grades were.
VOIDED = Table(
    "tito_voided",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("notebook", String(128), primary_key=True),
    Column("cell", String(128), primary_key=True),
    Column("how", String(16), nullable=False),
    Column("because", Text, nullable=False),
    Column("points", Float, nullable=False),
)
MARKS_BEFORE = Table(
    "tito_voided_marks",
    MetaData(),
    Column("grade_id", String(32), primary_key=True),
    Column("extra_credit", Float),
    Column("manual_score", Float),
    Column("waits", Boolean, nullable=False),  # for somebody to mark it
    Column("given", Float, nullable=False),  # as extra credit, here
)


@dataclass(frozen=True)
class Voided:
    """An exercise that does not count.

    Attributes
    ----------
    notebook, cell : str
        Where it is graded.
    how : str
        `FULL`: everybody has its points; `OUT`: it is no part of the sum.
    because : str
        What students read about it.
    points : float
        What it is worth.
    """

    notebook: str
    cell: str
    how: str
    because: str
    points: float


def void(book, cell, how: str, because: str) -> None:
    """Have a graded cell count no more, for everybody.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    cell : nbgrader.api.GradeCell or TaskCell
        Which cell.
    how : str
        `FULL` or `OUT`.
    because : str
        What students read about it.
    """
    restore(book, cell)
    row = {"how": how, "because": because, "points": cell.max_score}
    book.db.execute(insert(VOIDED).values(_place_of(cell) | row))
    follow_voids(book, cell.assignment.name)


def restore(book, cell) -> bool:
    """Have a graded cell count again, with the marks it had; whether it did not."""
    row = _row_of(book.db, cell)
    if row is None:
        return False
    cell.max_score = row.points
    for grade in cell.grades:
        _restore_mark(book.db, grade)
    book.db.execute(delete(VOIDED).where(_is_of(cell)))
    return True


def voided(book, assignment: str) -> list[Voided]:
    """The exercises of an assignment that do not count, in the order of their names."""
    _make_tables(book.db)
    this = select(VOIDED).where(VOIDED.c.assignment == assignment)
    rows = book.db.execute(this.order_by(VOIDED.c.notebook, VOIDED.c.cell)).all()
    return [Voided(row.notebook, row.cell, row.how, row.because, row.points) for row in rows]


def points_left_out(book, assignment: str, notebook: str) -> dict[str, float]:
    """What the cells of a notebook that are left out of the sum are worth, by name."""
    out = [one for one in voided(book, assignment) if one.how == OUT and one.notebook == notebook]
    return {one.cell: one.points for one in out}


def follow_voids(book, assignment: str, student: str | None = None) -> None:
    """Give marks of what does not count what they are to be, whoever handed in or marked since.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    assignment : str
        Which assignment.
    student : str, optional
        Only this one's marks.
    """
    known = voided(book, assignment)
    if not known:
        return
    for one in known:
        cell = _cell(book, assignment, one)
        if cell is None:  # it is no longer in the source
            continue
        if cell.max_score:  # what it is worth by the last release
            this = update(VOIDED).where(_is_of(cell))
            book.db.execute(this.values(points=cell.max_score))
        if one.how == OUT:
            cell.max_score = 0.0
        for grade in cell.grades if student is None else _marks_of(book, cell, student):
            _void_mark(book.db, grade, cell.max_score)
    book.db.flush()
    book.db.expire_all()


def _marks_of(book, cell, student: str) -> list:
    """A student's marks for a cell: one, or none."""
    place = cell.name, cell.notebook.name, cell.assignment.name
    try:
        return [book.find_grade(*place, student)]
    except MissingEntry:
        return []


def _void_mark(db, grade, wanted: float) -> None:
    """Make a mark what is wanted, and keep what it was."""
    before = _before(db, grade)
    mark = grade.auto_score if grade.manual_score is None else grade.manual_score
    own, waits = grade.extra_credit, grade.needs_manual_grade
    if before:
        own = before.extra_credit if own == before.given else own  # else a person gave it since
        waits = waits or _still_waits(grade, before)
    given = wanted - (mark or 0.0)
    db.execute(delete(MARKS_BEFORE).where(MARKS_BEFORE.c.grade_id == grade.id))
    row = {"extra_credit": own, "manual_score": grade.manual_score, "waits": waits, "given": given}
    db.execute(insert(MARKS_BEFORE).values(row | {"grade_id": grade.id}))
    grade.extra_credit, grade.needs_manual_grade = given, False
    if mark is None:  # nbgrader adds nothing to a mark that is not there
        grade.auto_score = 0.0


def _restore_mark(db, grade) -> None:
    """Make a mark what it was."""
    before = _before(db, grade)
    if before is None:
        return
    if grade.extra_credit == before.given:
        grade.extra_credit = before.extra_credit
    if _still_waits(grade, before):
        grade.needs_manual_grade = True
        if grade.manual_score is None:
            grade.auto_score = None
    db.execute(delete(MARKS_BEFORE).where(MARKS_BEFORE.c.grade_id == grade.id))


def _still_waits(grade, before) -> bool:
    """Whether a mark that waited for somebody does so still: nobody has marked it meanwhile."""
    return before.waits and grade.manual_score == before.manual_score


def _cell(book, assignment: str, one: Voided):
    """The graded cell; None if there is none any more."""
    try:
        return book.find_graded_cell(one.cell, one.notebook, assignment)
    except MissingEntry:
        return None


def _place_of(cell) -> dict[str, str]:
    names = {"assignment": cell.assignment.name, "notebook": cell.notebook.name}
    return names | {"cell": cell.name}


def _is_of(cell):
    """The condition for the row of a cell."""
    return and_(*(VOIDED.c[name] == value for name, value in _place_of(cell).items()))


def _row_of(db, cell):
    _make_tables(db)
    return db.execute(select(VOIDED).where(_is_of(cell))).first()


def _before(db, grade):
    """What is kept of a mark; None if nothing is."""
    return db.execute(select(MARKS_BEFORE).where(MARKS_BEFORE.c.grade_id == grade.id)).first()


def _make_tables(db) -> None:
    for table in (VOIDED, MARKS_BEFORE):
        table.create(db.connection(), checkfirst=True)

"""Who is to mark what: an assignment's students, or its questions, shared out among people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbgrader.api import (
    BaseCell,
    Grade,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, or_, select

from tito.errors import UsageError
from tito.grading.who_marked import marks_of_now

STUDENT, QUESTION = "student", "question"
METADATA = MetaData()
MARKERS = Table(
    "tito_markers",
    METADATA,
    Column("assignment", String(255), primary_key=True),
    Column("marker", String(255), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("by", String(16), nullable=False),
)
SHARES = Table(
    "tito_shares",
    METADATA,
    Column("assignment", String(255), primary_key=True),
    Column("item", String(255), primary_key=True),
    Column("marker", String(255), nullable=False),
)


@dataclass(frozen=True)
class Shares:
    """Who marks what in an assignment.

    Attributes
    ----------
    by : str
        ``"student"`` or ``"question"``: what was shared out.
    markers : list of str
        The people, in the order in which they were named; empty if nothing was shared out.
    owners : dict
        The marker of each student or question.
    """

    by: str = STUDENT
    markers: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)

    def owner(self, student: str, question: str) -> str:
        """Who is to mark a student's answer to a question; nothing if nobody was named."""
        return self.owners.get(student if self.by == STUDENT else question, "")


@dataclass(frozen=True)
class ToMark:
    """A mark that a person has given, or has still to give.

    Attributes
    ----------
    student, question : str
        Whose answer to what; the question as `question_label` writes it.
    notebook, cell : str
        The names of its notebook and of its cell.
    notebook_id : str
        What formgrader calls the submitted notebook.
    points : float or None
        The mark that a person gave.
    waits : bool
        Whether it is still to be marked.
    by : tuple of str
        Who marked it, as far as that is known.
    """

    student: str
    question: str
    notebook: str
    cell: str
    notebook_id: str
    points: float | None
    waits: bool
    by: tuple[str, ...]


def question_label(notebook: str, cell: str, several: bool) -> str:
    """What a question is called: its name, and before it its notebook if there are several."""
    name = cell.removeprefix("test-")
    return f"{notebook}/{name}" if several else name


def questions(book, assignment: str) -> list[str]:
    """The questions of an assignment that a person marks, in the order of its notebooks."""
    notebooks = sorted(book.find_assignment(assignment).notebooks, key=lambda one: one.name)
    found = []
    for notebook in notebooks:
        solutions = {cell.name for cell in notebook.solution_cells}
        by_hand = {cell.name for cell in notebook.grade_cells if cell.name in solutions}
        by_hand |= {cell.name for cell in notebook.task_cells}
        order = {cell.name: number for number, cell in enumerate(notebook.source_cells)}
        found += [
            question_label(notebook.name, name, len(notebooks) > 1)
            for name in sorted(by_hand, key=lambda name: order.get(name, len(order)))
        ]
    return found


def all_to_mark(book, assignment: str) -> list[ToMark]:
    """What people have marked in an assignment, and what waits for one, by student."""
    by = marks_of_now(book, assignment)
    several = len(book.find_assignment(assignment).notebooks) > 1
    rows = (
        select(
            SubmittedAssignment.student_id,
            Notebook.name,
            BaseCell.name,
            SubmittedNotebook.id,
            Grade.manual_score,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .where(SubmittedAssignment.assignment.has(name=assignment))
        .where(or_(Grade.needs_manual_grade.is_(True), Grade.manual_score.is_not(None)))
    )
    found = [
        ToMark(
            student,
            question_label(notebook, cell, several),
            notebook,
            cell,
            notebook_id,
            points,
            bool(waits),
            tuple(by.get((student, notebook, cell), ())),
        )
        for student, notebook, cell, notebook_id, points, waits in book.db.execute(rows)
    ]
    return sorted(found, key=lambda one: (one.student, one.question))


def checked_names(people: Iterable[str]) -> list[str]:
    """The names of those who mark.

    Raises
    ------
    UsageError
        If there is none, or one is empty, or stands there twice.
    """
    names = [name.strip() for name in people]
    if not names:
        raise UsageError("who marks? write, for example: tito assign-markers 07_autograd ann bob")
    if not all(names):
        raise UsageError("a marker has an empty name; give each the name that they log in with")
    known: dict[str, str] = {}
    for name in names:
        if len(name) > 255 or not name.isprintable():
            raise UsageError(f"{name[:40]!r} is no name: it is too long, or cannot be printed")
        if name.casefold() in known:
            raise UsageError(f"{name} is there twice; name each marker once")
        known[name.casefold()] = name
    return names


def assign_markers(book, assignment: str, people: Iterable[str], by: str = STUDENT) -> Shares:
    """Share out an assignment anew; whoever stays keeps what they have begun to mark.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; it is committed.
    assignment : str
        The name of the assignment.
    people : iterable of str
        Those who mark.
    by : str
        Whether ``"student"`` or ``"question"`` is shared out.
    """
    names, before = checked_names(people), _stored(book, assignment)
    owners = before.owners if before.by == by else {}
    begun = _begun(book, assignment, by)
    shared = shared_out(_items(book, assignment, by), names, owners, begun)
    _store(book, assignment, Shares(by, names, shared))
    return shares(book, assignment)


def shares(book, assignment: str) -> Shares:
    """Who marks what; what is new goes to whoever has the fewest, and the rest stays where it is.

    The gradebook is committed.
    """
    now = _stored(book, assignment)
    items = _items(book, assignment, now.by) if now.markers else []
    if any(item not in now.owners for item in items):
        loads = dict.fromkeys(now.markers, 0)
        for item in items:
            if item in now.owners:
                loads[now.owners[item]] += 1
        new = _given_to_the_least([i for i in items if i not in now.owners], loads)
        now = Shares(now.by, now.markers, now.owners | new)
        _store(book, assignment, now)
    return now


def shared_out(
    items: list[str], people: list[str], before: dict[str, str], begun: set[str]
) -> dict[str, str]:
    """Share out evenly, moving as little as possible, and nothing that somebody has begun.

    Parameters
    ----------
    items : list of str
        Students or questions.
    people : list of str
        Those who mark.
    before : dict
        Who had what until now.
    begun : set of str
        The items in which something is marked: they stay with whoever has them.
    """
    owners = {item: before[item] for item in items if before.get(item) in people}
    loads = {name: list(owners.values()).count(name) for name in people}
    owners |= _given_to_the_least([item for item in items if item not in owners], loads)
    while movable := [i for i in items if i not in begun and loads[owners[i]] > 1 + _least(loads)]:
        item = max(movable, key=lambda one: loads[owners[one]])
        loads[owners[item]] -= 1
        owners |= _given_to_the_least([item], loads)
    return owners


def _least(loads: dict[str, int]) -> int:
    return min(loads.values())


def _given_to_the_least(items: list[str], loads: dict[str, int]) -> dict[str, str]:
    """Give each item to whoever has the fewest, counting on."""
    given = {}
    for item in items:
        name = min(loads, key=lambda one: loads[one])
        given[item] = name
        loads[name] += 1
    return given


def _items(book, assignment: str, by: str) -> list[str]:
    if by == QUESTION:
        return questions(book, assignment)
    students = select(SubmittedAssignment.student_id)
    rows = book.db.execute(students.where(SubmittedAssignment.assignment.has(name=assignment)))
    return sorted(student for (student,) in rows)


def _begun(book, assignment: str, by: str) -> set[str]:
    """The students, or the questions, in which a person has marked something."""
    marked = [one for one in all_to_mark(book, assignment) if one.points is not None]
    return {one.student if by == STUDENT else one.question for one in marked}


def _stored(book, assignment: str) -> Shares:
    METADATA.create_all(book.db.connection(), checkfirst=True)
    people = select(MARKERS.c.marker, MARKERS.c.by).where(MARKERS.c.assignment == assignment)
    found = list(book.db.execute(people.order_by(MARKERS.c.place)))
    owned = select(SHARES.c.item, SHARES.c.marker).where(SHARES.c.assignment == assignment)
    owners = dict(book.db.execute(owned).all())
    return Shares(found[0].by if found else STUDENT, [row.marker for row in found], owners)


def _store(book, assignment: str, shares: Shares) -> None:
    for table in (MARKERS, SHARES):
        book.db.execute(delete(table).where(table.c.assignment == assignment))
    for place, marker in enumerate(shares.markers):
        row = {"assignment": assignment, "marker": marker, "place": place, "by": shares.by}
        book.db.execute(insert(MARKERS).values(**row))
    for item, marker in shares.owners.items():
        row = {"assignment": assignment, "item": item, "marker": marker}
        book.db.execute(insert(SHARES).values(**row))
    book.db.commit()

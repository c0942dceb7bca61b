"""Students who ask for another look: a cell of text in what they hand in, and what was answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, insert, select, update

from tito.files import printable

# The first line of such a cell; Markdown's signs around the words, and quotes, do not matter.
ASKS = re.compile(r"[\s#*_>]*ask again[*_]*\s*:[\s*_]*[`'\"]?([^\s`'\"*:]+)[`'\"]?[*_]*[:.]?", re.I)
LONGEST = 4000  # characters of a request that are kept
MOST = 50  # requests of one notebook

REQUESTS = Table(
    "tito_requests",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("assignment", String(255), nullable=False),
    Column("notebook", String(255), nullable=False),
    Column("student", String(255), nullable=False),
    Column("exercise", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("asked", String(32), nullable=False),
    Column("answer", Text),
    Column("answered_by", String(255)),
    Column("answered", String(32)),
)


@dataclass(frozen=True)
class Request:
    """A student asks for another look at an exercise; `answer` is None until somebody answers."""

    id: int
    notebook: str
    student: str
    exercise: str
    why: str
    asked: str
    answer: str | None
    answered_by: str | None


def asked_in(cells: Iterable) -> list[tuple[str, str]]:
    """The exercises that a notebook's cells ask about, and why.

    Parameters
    ----------
    cells : iterable
        The cells of a submission.
    """
    found = {}
    for cell in cells:
        if cell["cell_type"] != "markdown" or cell["metadata"].get("nbgrader"):
            continue
        first, _, rest = cell["source"].strip().partition("\n")
        if asks := ASKS.match(first):
            lines = [first[asks.end() :], *rest.splitlines()]
            why = "\n".join(printable(line).rstrip() for line in lines).strip()[:LONGEST]
            found[printable(asks[1])[:255].removeprefix("test-"), why] = None
    return list(found)[:MOST]


def keep_requests(book, assignment: str, notebook: str, student: str, cells: Iterable) -> None:
    """Put down what a submission asks; what was asked in the same words before is not new."""
    asked = asked_in(cells)
    if not asked:
        return
    REQUESTS.create(book.db.connection(), checkfirst=True)
    before = {(one.exercise, one.why) for one in requests_of(book, assignment, student)}
    for exercise, why in asked:
        if (exercise, why) not in before:
            row = {
                "assignment": assignment,
                "notebook": notebook,
                "student": student,
                "exercise": exercise,
                "why": why,
                "asked": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            book.db.execute(insert(REQUESTS).values(**row))


def requests_of(book, assignment: str, student: str | None = None) -> list[Request]:
    """The requests in an assignment, or of one of its students, the oldest first."""
    REQUESTS.create(book.db.connection(), checkfirst=True)
    names = [getattr(REQUESTS.c, name) for name in Request.__dataclass_fields__]
    rows = select(*names).where(REQUESTS.c.assignment == assignment).order_by(REQUESTS.c.id)
    if student is not None:
        rows = rows.where(REQUESTS.c.student == student)
    return [Request(*row) for row in book.db.execute(rows)]


def answer_requests(book, requests: list[Request], answer: str, marker: str) -> None:
    """Put down an answer to some requests; nothing is committed."""
    time = datetime.now(UTC).isoformat(timespec="seconds")
    values = {"answer": answer, "answered_by": marker, "answered": time}
    for one in requests:
        book.db.execute(update(REQUESTS).where(REQUESTS.c.id == one.id).values(**values))


class ShowAnswers(NbGraderPreprocessor):
    """Feedback: what a student asked, and the answer, stand first."""

    def preprocess(self, nb, resources):
        known = resources["nbgrader"]
        with Gradebook(known["db_url"]) as book:
            requests = requests_of(book, known["assignment"], known["student"])
        here = [one for one in requests if one.notebook == known["notebook"]]
        if text := said_of(here):
            nb.cells.insert(0, new_markdown_cell(text))
        return nb, resources


def said_of(requests: list[Request]) -> str:
    """What feedback says on a student's requests."""
    parts = []
    for one in requests:
        parts.append(f"**You asked for another look at `{one.exercise}`:**\n\n{_quoted(one.why)}")
        parts.append(f"**Answer:** {one.answer}" if one.answer else "*It is not answered yet.*")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in (text or "(no reason given)").splitlines())

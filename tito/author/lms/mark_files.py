"""Files of marks with the columns that Canvas, Moodle and Gradescope have; see docs/lms.md."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tito.author.marks import safe_cell, scores, totals, without_mark
from tito.course import Course
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.grading.roster import Person, roster_of
from tito.source.modules_and_others import Assigned


@dataclass(frozen=True)
class MarkFile:
    """A file of marks: its text, how many students are in it, and whose marks are not, by why."""

    text: str
    students: int
    left_out: dict[str, list[str]]


@dataclass(frozen=True)
class Marks:
    """Marks to be written; of who has none, or has an answer that nobody has marked, nothing.

    Attributes
    ----------
    modules : list of str
        Those that somebody has handed in.
    most : dict
        The points of each.
    of : dict
        The mark of a student in a module, after late penalties.
    """

    modules: list[str]
    most: dict[str, float]
    of: dict[tuple[str, str], float]

    def cells(self, student: str) -> list[str]:
        """The marks of a student, an empty text where there is none."""
        found = (self.of.get((student, module)) for module in self.modules)
        return ["" if mark is None else rounded(mark) for mark in found]


def mark_file(course: Course, modules: Sequence[Assigned], platform: str) -> MarkFile:
    """The marks of everybody in the roster, as a learning platform takes them.

    Parameters
    ----------
    course : Course
        The course.
    modules : sequence of Module or Ordinary
        Which modules and other assignments.
    platform : str
        ``canvas``, ``moodle`` or ``gradescope``.

    Raises
    ------
    UsageError
        If there is no roster, or nobody has handed in anything.
    """
    with gradebook(course) as book:
        roster = sorted(roster_of(book), key=lambda person: person.id)
    if not roster:
        raise UsageError("there is no roster to take names and e-mails from; tito roster FILE.csv")
    marks, waiting = _marks_of(course, modules)
    if not marks.modules:
        raise UsageError("nobody has handed in any of these modules; there is no mark to write")
    rows, unknown = PLATFORMS[platform](roster, marks)
    strangers = {student for student, _ in marks.of} - {person.id for person in roster}
    left_out = {
        "Answers wait to be marked, so their cells are empty": waiting,
        "Not in the roster, so not in the file": sorted(strangers),
        "Without what tells them apart there, so not in the file": unknown,
    }
    header = 2 if platform == "canvas" else 1
    return MarkFile(
        _as_csv(rows), len(rows) - header, {why: who for why, who in left_out.items() if who}
    )


def _marks_of(course: Course, modules: Sequence[Assigned]) -> tuple[Marks, list[str]]:
    """The marks, and those of whom an answer waits to be marked."""
    found, unmarked = totals(scores(course, modules)), without_mark(course, modules)
    points = {module: sum(s.most for s in lines) for (_, module), lines in found.items()}
    points |= {one.module: one.most for one in unmarked}
    there = [module.folder for module in modules if module.folder in points]
    waiting = {key for key, lines in found.items() if any(s.by_hand for s in lines)}
    marks = {k: sum(s.score for s in lines) for k, lines in found.items() if k not in waiting}
    return Marks(there, points, marks), sorted({student for student, _ in waiting})


def rounded(mark: float) -> str:
    """A mark with two digits after the point at most, which is what Canvas shows."""
    return f"{round(mark, 2) + 0:.2f}".rstrip("0").rstrip(".")


Rows = list[list[str]]


def _for_canvas(roster: list[Person], marks: Marks) -> tuple[Rows, list[str]]:
    """Canvas' columns, and the row with the points of an assignment that it does not know yet."""
    most = [rounded(marks.most[module]) for module in marks.modules]
    rows = [
        ["Student", "ID", "SIS Login ID", "Section", *marks.modules],
        ["    Points Possible", "", "", "", *most],
    ]
    for person in roster:
        number = person.lms_user_id if person.lms_user_id.isdecimal() else ""
        name = ", ".join(filter(None, (person.last_name, person.first_name))) or person.id
        rows.append([name, number, person.id, "", *marks.cells(person.id)])
    return rows, []


def _for_moodle(roster: list[Person], marks: Marks) -> tuple[Rows, list[str]]:
    """Moodle's columns, with one that tells students apart: it must be filled in every row."""
    columns = {"Email address": "email", "ID number": "lms_user_id"}
    filled = {c: [p for p in roster if getattr(p, fact)] for c, fact in columns.items()}
    column = max(columns, key=lambda name: len(filled[name]))
    rows = [["First name", "Last name", column, *marks.modules]]
    for person in filled[column]:
        who = [person.first_name, person.last_name, getattr(person, columns[column])]
        rows.append([*who, *marks.cells(person.id)])
    return rows, [person.id for person in roster if person not in filled[column]]


def _for_gradescope(roster: list[Person], marks: Marks) -> tuple[Rows, list[str]]:
    """The columns of Gradescope's own list of marks: each with the points there are."""
    pairs = [(module, f"{module} - Max Points") for module in marks.modules]
    rows = [["First Name", "Last Name", "SID", "Email", *(c for pair in pairs for c in pair)]]
    for person in roster:
        who = [person.first_name, person.last_name, person.lms_user_id or person.id, person.email]
        cells = zip(marks.cells(person.id), marks.modules, strict=True)
        rows.append([*who, *(c for mark, m in cells for c in (mark, rounded(marks.most[m])))])
    return rows, []


PLATFORMS: dict[str, Callable[[list[Person], Marks], tuple[Rows, list[str]]]] = {
    "canvas": _for_canvas,
    "moodle": _for_moodle,
    "gradescope": _for_gradescope,
}


def _as_csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; a number below nought is none that it would run."""
    try:
        float(cell)
    except ValueError:
        return safe_cell(cell)
    return cell

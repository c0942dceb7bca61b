"""The page that a student gets back: the mark, what was missed and why, and the notebook below.

It holds no script and asks for nothing from elsewhere, and nothing of a hidden test but what
observations say of the student's own answers.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from tito.author.cells_as_html import (
    highlighting,
    markdown_html,
    outputs_html,
    plain_text,
    source_html,
)
from tito.files import printable
from tito.grading.regrade_requests import Request
from tito.source.regions import BEGIN_HIDDEN, without_hidden_tests
from tito.steps.get_marks import said_of_voided, said_of_waiting
from tito.steps.voided import Voided

HEADING = re.compile(r"^#{1,4} +(.+?)\s*#*$", re.M)


@dataclass(frozen=True)
class Mark:
    """A mark of one exercise or answer, as the gradebook has it."""

    score: float
    most: float
    waits: bool = False


@dataclass(frozen=True)
class Marks:
    """What the gradebook knows of a submission.

    Attributes
    ----------
    student, module : str
        Whose, and of what.
    handed_in : str
        When; empty if nobody knows.
    penalty : float
        The points that were taken off for being late.
    cells : dict of str to Mark
        By the name of the graded cell.
    comments : dict of str to str
        What people wrote, by the name of the cell.
    voided : list of Voided
        What does not count.
    requests : list of Request
        What the student asked to be looked at again.
    mistakes : dict of str to str
        What known mistakes are, in a sentence, by the exercise in which the student made them.
    """

    student: str
    module: str
    handed_in: str = ""
    penalty: float = 0.0
    cells: dict[str, Mark] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    voided: list[Voided] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    mistakes: dict[str, str] = field(default_factory=dict)


@dataclass
class Exercise:
    """A row of the page."""

    name: str
    mark: Mark
    place: str = "notebook"  # in the page
    shown: str = ""
    mistake: str = ""  # as HTML
    section: str = ""
    section_place: str = ""
    answer: str = ""  # as HTML
    comment: str = ""

    @property
    def points(self) -> str:
        """The mark, in words."""
        if self.mark.waits:
            return f"not marked yet, of {self.mark.most:g}"
        return f"{self.mark.score:g} of {self.mark.most:g}"

    @property
    def sign(self) -> str:
        """Whether all points were had."""
        if self.mark.waits:
            return "·"
        return "✓" if self.mark.score >= self.mark.most else "✗"

    @property
    def colour(self) -> str:
        """The class of the sign."""
        return {"✓": "good", "✗": "bad", "·": "quiet"}[self.sign]


def feedback_page(nb: dict, marks: Marks) -> str:
    """The page, as HTML.

    Parameters
    ----------
    nb : dict
        The graded notebook.
    marks : Marks
        What the gradebook knows.
    """
    sections, cells, exercises = _sections(nb["cells"]), [], {}
    for number, cell in enumerate(nb["cells"]):
        name = str((cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id") or "")
        if name in marks.cells:
            exercises[name] = _exercise(cell, name, marks, sections[number], number)
        comment = marks.comments.get(name, "")
        cells.append({"place": _place(number), "html": _cell(cell), "comment": comment})
    for number, cell in enumerate(nb["cells"]):  # what a mark is for stands in another cell
        name = (cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id")
        if f"test-{name}" in exercises:
            exercises[f"test-{name}"].place = _place(number)
    rows = list(exercises.values())
    code = [row for row in rows if not row.answer]
    page = _numbers(marks) | {
        "module": marks.module,
        "student": printable(marks.student),
        "handed_in": marks.handed_in,
        "lines": _lines(marks, rows),
        "exercises": rows,
        "missed": [row for row in code if row.mark.score < row.mark.most],
        "answers": [row for row in rows if row.answer],
        "cells": cells,
        "requests": marks.requests,
        "highlighting": highlighting(),
    }
    return _template().render(page=page)


def _numbers(marks: Marks) -> dict:
    score = sum(mark.score for mark in marks.cells.values()) - marks.penalty
    most = sum(mark.most for mark in marks.cells.values())
    share = round(100 * max(0.0, min(score / most, 1.0)), 1) if most else 0.0
    return {"score": f"{score:g}", "most": f"{most:g}", "share": share}


def _lines(marks: Marks, rows: list[Exercise]) -> list[Markup]:
    """What is to be said of the mark as a whole."""
    said = [said_of_voided(one) for one in marks.voided]
    if waiting := [row.mark.most for row in rows if row.mark.waits]:
        said.insert(0, said_of_waiting(waiting))
    if marks.penalty:
        said.append(f"It was handed in late: {marks.penalty:g} points were taken off.")
    return [Markup(markdown_html(text).removeprefix("<p>").replace("</p>", "")) for text in said]


def _with_code(text: str) -> Markup:
    """A sentence, with what stands between backticks as code."""
    parts = [
        Markup("<code>{}</code>" if n % 2 else "{}").format(part)
        for n, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def _exercise(
    cell: dict, name: str, marks: Marks, section: tuple[str, str], number: int
) -> Exercise:
    row = Exercise(name.removeprefix("test-"), marks.cells[name], _place(number))
    row.section, row.section_place = section
    if cell["cell_type"] == "markdown":
        row.answer = markdown_html(_text(cell))
        row.comment = marks.comments.get(name, "")
    else:
        row.shown = "".join(
            plain_text(output.get("text", ""))
            for output in cell.get("outputs", [])
            if output.get("output_type") == "stream"
        ).rstrip()
        row.mistake = _with_code(marks.mistakes.get(row.name, ""))
    return row


def _sections(cells: list[dict]) -> list[tuple[str, str]]:
    """Of each cell, the heading that it stands under, and where that is in the page."""
    found, now = [], ("", "")
    for number, cell in enumerate(cells):
        headings = HEADING.findall(_text(cell)) if cell["cell_type"] == "markdown" else []
        if headings:
            now = (headings[-1].replace("`", ""), _place(number))
        found.append(now)
    return found


def _cell(cell: dict) -> Markup:
    """A cell of the notebook, without what is hidden in it."""
    source = _text(cell)
    if cell["cell_type"] == "markdown":
        return markdown_html(source)
    if cell["cell_type"] != "code":
        return Markup('<pre tabindex="0">{}</pre>').format(source)
    if BEGIN_HIDDEN in source:
        source = without_hidden_tests(source)
    outputs = cell.get("outputs", [])
    if (cell.get("metadata", {}).get("nbgrader") or {}).get("grade"):
        outputs = [o for o in outputs if o.get("output_type") != "execute_result"]  # the mark
    return source_html(source) + outputs_html(outputs) if source.strip() else outputs_html(outputs)


def _text(cell: dict) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def _place(number: int) -> str:
    return f"cell-{number + 1}"


@functools.cache
def _template():
    folder = Path(__file__).with_name("pages")
    return Environment(loader=FileSystemLoader(folder), autoescape=True).get_template(
        "feedback.html"
    )

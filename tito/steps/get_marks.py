"""Feedback: the marks as they are now, and what nobody has marked yet."""

from __future__ import annotations

from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import GetGrades

from tito.steps.following import follow_and_keep
from tito.steps.voided import OUT, Voided, voided


class NotMarkedYet(float):
    """Takes the place of a mark where there is none, and is shown in words."""

    def __round__(self, digits=None):
        return self

    def __str__(self) -> str:
        return "not marked yet"


def number_or_words(value, default: float = 0.0):
    """What nbgrader's page of feedback puts a mark through: jinja's filter ``float``."""
    if isinstance(value, NotMarkedYet):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return default


class GetMarks(GetGrades):
    """nbgrader's GetGrades, which does not take a mark that is not there for 0 points."""

    def preprocess(self, nb, resources):
        known, self.waiting = resources["nbgrader"], []
        with Gradebook(known["db_url"]) as book:
            follow_and_keep(book, self.config, known["assignment"], known["student"])
            cells = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
            out = [one for one in voided(book, known["assignment"]) if one.cell in cells]
        nb, resources = super().preprocess(nb, resources)
        if self.waiting:
            nb.cells.insert(0, new_markdown_cell(said_of_waiting(self.waiting)))
        nb.cells[:0] = [new_markdown_cell(said_of_voided(one)) for one in out]
        return nb, resources

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"],
            self.notebook_id,
            self.assignment_id,
            self.student_id,
        )
        if nobody_marked(grade):
            cell.metadata.nbgrader["score"] = NotMarkedYet()
            self.waiting.append(grade.max_score)


def nobody_marked(grade) -> bool:
    """Whether there is no mark at all yet, from nobody and no check."""
    return grade.needs_manual_grade and grade.manual_score is None and grade.auto_score is None


def said_of_waiting(waiting: list[float]) -> str:
    """The line for the top of a page, of the points of what is not marked yet."""
    answers = "1 answer is" if len(waiting) == 1 else f"{len(waiting)} answers are"
    points = "1 point" if sum(waiting) == 1 else f"{sum(waiting):g} points"
    return f"**{answers} not marked yet**: up to {points} may still be added to this mark."


def said_of_voided(one: Voided) -> str:
    """The line for the top of a page, of an exercise that does not count."""
    exercise, worth = one.cell.removeprefix("test-"), f"{one.points:g}"
    points = "its point" if one.points == 1 else f"its {worth} points"
    what = "it is left out of the sum" if one.how == OUT else f"everybody has {points}"
    return f"**{exercise} does not count**: {what}. {one.because}".strip()

"""Taking an exercise out of the marks after it turned out to be faulty, and putting it back."""

from __future__ import annotations

import difflib

from tito.course import Course
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.following import follow_and_keep
from tito.steps.voided import FULL, OUT, Voided, restore, void, voided


def void_exercise(assigned: Assigned, exercise: str, left_out: bool, because: str = "") -> int:
    """Have an exercise count no more, for everybody, also for who hands in later.

    Marks that checks and people gave are kept, and come back with `count_again`.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    exercise : str
        Which exercise or written answer; of several notebooks, ``notebook/cell``.
    left_out : bool
        Whether it is taken out of the sum; else everybody has its points.
    because : str
        What students read about it in their feedback.

    Returns
    -------
    int
        How many marks this changes.

    Raises
    ------
    UsageError
        If there is no such exercise, or the assignment was never released.
    """
    how = OUT if left_out else FULL
    with gradebook(Course(assigned.root)) as book:
        cell = _graded_cell(book, assigned, exercise)
        before = {grade.id: grade.score for grade in cell.grades}
        void(book, cell, how, " ".join(because.split()))
        follow_and_keep(book, configuration(assigned.root), assigned.folder)
        return sum(grade.score != before[grade.id] for grade in cell.grades)


def count_again(assigned: Assigned, exercise: str) -> None:
    """Have an exercise count again, with all marks that it had.

    Raises
    ------
    UsageError
        If there is no such exercise, or it counts.
    """
    with gradebook(Course(assigned.root)) as book:
        if not restore(book, _graded_cell(book, assigned, exercise)):
            raise UsageError(f"{exercise} of {assigned.folder} counts; there is nothing to undo")
        follow_and_keep(book, configuration(assigned.root), assigned.folder)


def exercises_without_marks(assigned: Assigned) -> list[Voided]:
    """The exercises of an assignment that do not count."""
    with gradebook(Course(assigned.root)) as book:
        return voided(book, assigned.folder)


def _graded_cell(book, assigned: Assigned, exercise: str):
    """The cell of the gradebook in which an exercise is marked."""
    from nbgrader.api import MissingEntry

    try:
        notebooks = book.find_assignment(assigned.folder).notebooks
    except MissingEntry:
        raise UsageError(
            f"{assigned.folder} is not in the gradebook; run tito release {assigned.folder} first"
        ) from None
    cells = {}
    for notebook in notebooks:
        before = f"{notebook.name}/" if len(notebooks) > 1 else ""
        for cell in [*notebook.grade_cells, *notebook.task_cells]:
            cells[before + cell.name.removeprefix("test-")] = cell
    if exercise not in cells:
        raise UsageError(
            f"{assigned.folder} has no exercise {exercise!r}; {_or_one_of(exercise, cells)}"
        )
    return cells[exercise]


def _or_one_of(name: str, known: dict) -> str:
    """What is meant perhaps, or else all there is."""
    near = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(sorted(known))}"

"""What each student wrote for each exercise, and what nobody has to have from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tito.course import Course, Module
from tito.errors import TitoError
from tito.grading.known_mistakes import named
from tito.grading.submissions import students_of
from tito.notebook.export import as_exported, notebook_cells
from tito.notebook.read import read_notebook
from tito.source.catalogue import read_catalogue
from tito.source.percent import read_source
from tito.source.regions import blank

Solutions = Mapping[str, Mapping[str, str]]  # by student and exercise


@dataclass(frozen=True)
class Lesson:
    """What a lesson gives or its catalogue knows of each exercise, by name.

    Attributes
    ----------
    blank : dict of str to str
        The text of the exercise as it is released.
    known : dict of str to tuple of str
        Its texts with the reference's solution, with each right alternative, and with each mistake
        that has a name: whoever writes one of these need not have seen another's.
    """

    blank: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)


def lesson_of(module: Module) -> Lesson:
    """What the source of a module and its catalogue of mistakes say of its exercises."""
    cells = read_source(module)
    catalogue = read_catalogue(module, tuple(cells))
    entries = (*catalogue.alternatives, *catalogue.mistakes)
    exercises = {cell.name: cell.source for cell in cells if cell.role == "exercise"}
    known = {name: [source] for name, source in exercises.items()}
    for entry in entries:
        known[entry.exercise].append(entry.made_in(exercises[entry.exercise]))
    for mistake in named(module):
        known.setdefault(mistake.exercise, []).append(mistake.source)
    blanks = {name: as_exported(blank(source)) for name, source in exercises.items()}
    return Lesson(blanks, {name: tuple(map(as_exported, texts)) for name, texts in known.items()})


def solutions_of(course: Course, module: Module) -> tuple[Solutions, list[str]]:
    """The exercises that each student handed in, and whose notebook cannot be read."""
    found, unreadable = {}, []
    for student in students_of(course, module):
        path = course.root / "submitted" / student / module.folder / module.notebook
        try:
            found[student] = solutions_in(read_notebook(path))
        except TitoError:
            unreadable.append(student)
    return found, unreadable


def solutions_in(nb: dict) -> dict[str, str]:
    """The text of each exercise in a notebook, by name; a copied cell counts with its own."""
    texts: dict[str, list[str]] = {}
    for cell in notebook_cells(nb):
        if cell.exercise:
            texts.setdefault(cell.name, []).append(cell.source.rstrip())
    return {name: "\n\n".join(parts) for name, parts in texts.items()}

"""What each student wrote for each exercise, and what nobody has to have from another."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field

from tito.course import Course, Module
from tito.errors import SourceError, TitoError
from tito.grading.submissions import students_of
from tito.notebook.export import CodeCell, as_exported, notebook_cells
from tito.notebook.read import read_notebook
from tito.source.percent import Cell, read_source
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
        Its texts with the reference's solution, with each right alternative, and with each
        catalogued mistake: whoever writes one of these need not have seen another's.
    """

    blank: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)


def lesson_of(module: Module) -> Lesson:
    """What the source of a module and its catalogue of mistakes say of its exercises."""
    cells = {cell.name: cell for cell in read_source(module) if cell.role == "exercise"}
    entries = _entries(module)
    blanks = {name: as_exported(blank(cell.source)) for name, cell in cells.items()}
    known = {
        name: tuple(map(as_exported, [cell.source, *_changed(cell, entries)]))
        for name, cell in cells.items()
    }
    return Lesson(blanks, known)


def _entries(module: Module) -> list:
    """The mistakes and alternatives of a module; none where nobody has written them down."""
    path = module.source.with_name("mistakes.py")
    if not path.exists():
        return []
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise SourceError(f"{path.name} of {module.folder} cannot be read: {error}") from None
    return [*names.get("ALTERNATIVES", ()), *names.get("MISTAKES", ())]


def _changed(cell: Cell, entries: list) -> list[str]:
    return [one.made_in(cell.source) for one in entries if one.exercise == cell.name]


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
            texts.setdefault(cell.name, []).append(_text(cell))
    return {name: "\n\n".join(parts) for name, parts in texts.items()}


def _text(cell: CodeCell) -> str:
    return cell.source.rstrip()

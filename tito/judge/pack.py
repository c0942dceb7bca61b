"""All that is needed to grade submissions of a module, as plain data."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tito.course import Module
from tito.judge import observer
from tito.judge.observations import Observation, collect
from tito.judge.outlines import futures, outline, skeleton
from tito.judge.reach import reaches_out
from tito.judge.refusals import Refusals
from tito.judge.workspace import earlier_modules
from tito.notebook.export import CodeCell
from tito.source.percent import GIVEN, Cell, read_source
from tito.source.reference import code_cells
from tito.source.regions import blank

LONGEST_KEPT = 20_000  # characters of a text whose form is remembered


@dataclass(frozen=True)
class Pack:
    """What a grader knows of a module; it needs no course folder beside it.

    Attributes
    ----------
    folder : str
        The module's folder: ``07_autograd``.
    name : str
        Its name: ``autograd``.
    cells : tuple of Cell
        Its source.
    earlier : tuple of (str, str)
        The path and the text of each file of `tinytorch` that it may import.
    """

    folder: str
    name: str
    cells: tuple[Cell, ...]
    earlier: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, module: Module) -> Pack:
        """The pack of a module of a course, as its sources are now."""
        cells = tuple(read_source(module))
        return _same(cls(module.folder, module.name, cells, tuple(earlier_modules(module).items())))

    def as_data(self) -> dict:
        """The pack as what JSON can hold."""
        cells = [[cell.role, cell.source, cell.name, cell.points] for cell in self.cells]
        return {
            "folder": self.folder,
            "name": self.name,
            "cells": cells,
            "earlier": list(self.earlier),
        }

    @classmethod
    def from_data(cls, data: dict) -> Pack:
        """The inverse of `as_data`."""
        cells = tuple(Cell(*values) for values in data["cells"])
        earlier = tuple((path, text) for path, text in data["earlier"])
        return _same(cls(data["folder"], data["name"], cells, earlier))

    @property
    def import_name(self) -> str:
        """What the module is imported as."""
        return f"tinytorch.core.{self.name}"

    @property
    def modules(self) -> dict[str, str]:
        """What `tinytorch` holds for it: the text of each file, by its path in it."""
        return dict(self.earlier)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the sources that it comes from."""
        return hashlib.sha256(repr((self.cells, self.earlier)).encode()).hexdigest()

    @cached_property
    def reference(self) -> list[CodeCell]:
        """The cells of the module with their solutions."""
        return code_cells(self.cells)

    @cached_property
    def blank(self) -> dict[str, CodeCell]:
        """Each exercise as it is released, by its name."""
        blanks = [Cell(c.role, blank(c.source), c.name) for c in self.cells if c.role == "exercise"]
        return {cell.name: cell for cell in code_cells(blanks)}

    @cached_property
    def checks(self) -> dict[str, str]:
        """A hash of each cell of checks, hidden tests included, by its name in the gradebook."""
        cells = [cell for cell in self.cells if cell.role == "checks"]
        return {c.grade_id: hashlib.sha256(c.source.encode()).hexdigest() for c in cells}

    @cached_property
    def refusals(self) -> Refusals:
        """The sentences in which the course refuses something, which every student may read."""
        ours = Path(observer.__file__).read_text(encoding="utf-8")
        return Refusals([ours, *self.modules.values(), *(cell.source for cell in self.reference)])

    @cached_property
    def future(self) -> tuple[str, ...]:
        """The features that the module imports from ``__future__``."""
        return tuple(dict.fromkeys(f for cell in self.reference for f in futures(cell.source)))

    @cached_property
    def program(self) -> list[Observation | str]:
        """The hidden tests, in order."""
        return collect(list(self.cells))

    @cached_property
    def exercises(self) -> list[str]:
        """The names of the exercises that have hidden tests, in order."""
        tested = {step.exercise for step in self.program if isinstance(step, Observation)}
        return [cell.name for cell in self.reference if cell.name in tested]

    def is_blank(self, cell: CodeCell) -> bool:
        """Whether an exercise's cell is as it was released."""
        released = self.blank.get(cell.name)
        return released is not None and form_of(cell.source) == form_of(released.source)

    def is_given(self, cell: CodeCell) -> bool:
        """Whether a cell is one that the release gives to everybody, perhaps changed."""
        return cell.id in self._given_ids or form_of(cell.source) in self._given

    def gives(self, source: str) -> bool:
        """Whether a text is that of a code cell as it was released, whatever its layout."""
        return form_of(source) in self._released

    def demo_of(self, source: str) -> bytes | None:
        """What identifies the demo that a text is, whatever its layout; None if it is none."""
        form = form_of(source)
        return form if form in self._demos else None

    @cached_property
    def _demos(self) -> set[bytes]:
        return {form_of(cell.source) for cell in self.cells if cell.role == "demo"}

    def has_the_form(self, cells: list[CodeCell]) -> bool:
        """Whether some cells are those of the release, but for what the exercises' functions do,
        and these seem to change nothing besides their own objects, or the reference does as well.
        """
        alike = len(cells) == len(self.reference)
        return alike and all(map(_has_the_form, cells, self.reference))

    @cached_property
    def _released(self) -> set[bytes]:
        sources = (blank(c.source) for c in self.cells if c.role in (*GIVEN, "exercise"))
        return {form_of(source) for source in sources}

    @cached_property
    def _given(self) -> set[bytes]:
        return {form_of(cell.source) for cell in self.reference if not cell.exercise}

    @cached_property
    def _given_ids(self) -> set[str]:
        return {cell.id for cell in self.cells if cell.role == "code"}


@functools.lru_cache(maxsize=8)
def _same(pack: Pack) -> Pack:
    """The pack that equals this one and has been used already, with all that it has worked out."""
    return pack


def _has_the_form(cell: CodeCell, ours: CodeCell) -> bool:
    if ours.exercise:
        is_alike = _form(skeleton, cell.source) == _form(skeleton, ours.source)
        reaches_further = reaches_out(cell.source) and not reaches_out(ours.source)
        return is_alike and cell.name == ours.name and not reaches_further
    return not cell.exercise and form_of(cell.source) == form_of(ours.source)


def _form(kind: Callable[[str], str], source: str) -> bytes:
    """A hash of the outline or the skeleton of a text, or of the text itself if it is no Python."""
    return (_kept_hash if len(source) <= LONGEST_KEPT else _hash)(kind, source)


def _hash(kind: Callable[[str], str], source: str) -> bytes:
    try:
        text = kind(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        text = source
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


_kept_hash = functools.lru_cache(maxsize=4096)(_hash)


def form_of(source: str) -> bytes:
    """A hash of what a text does, whatever its layout, comments and docstrings."""
    return _form(outline, source)

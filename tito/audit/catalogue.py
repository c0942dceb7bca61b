"""Mistakes that students make, and mutants that are none: ``source/NN_name/mistakes.py``."""

from __future__ import annotations

import re
import runpy
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tito.course import Module
from tito.errors import SourceError
from tito.source import BEGIN_SOLUTION, END_SOLUTION, Cell


@dataclass(frozen=True)
class Mistake:
    """A mistake that students make.

    Attributes
    ----------
    name : str
        A few words joined by hyphens.
    exercise : str
        The exercise in which it is made.
    says : str
        One sentence: what the student did, or thought.
    changes : mapping of str to str
        What stands in the exercise's cell, and what the student wrote instead.
    solution : str
        Or, instead of changes: all that the student wrote in the place of the solution.
    hidden : str
        Why the visible check does not show it, where that is on purpose.
    """

    name: str
    exercise: str
    says: str
    changes: Mapping[str, str] = field(default_factory=dict)
    solution: str = ""
    hidden: str = ""

    def made_in(self, source: str) -> str:
        """The text of the exercise's cell with the mistake in it.

        Raises
        ------
        SourceError
            If the cell does not hold what is to be changed, or holds it more than once.
        """
        if self.solution:
            return with_solution(source, self.solution)
        for old, new in self.changes.items():
            if source.count(old) != 1:
                raise SourceError(
                    f"the mistake {self.name!r} changes {old!r}, which stands "
                    f"{source.count(old)} times in the exercise {self.exercise!r}; quote more of it"
                )
            source = source.replace(old, new)
        return source


@dataclass(frozen=True)
class Equivalent:
    """A change of a solution that changes nothing that anybody could observe.

    Attributes
    ----------
    exercise : str
        Where.
    old, new : str
        The lines that the mutant removes and adds, as `tito audit` shows them.
    because : str
        Why it is no mistake.
    """

    exercise: str
    old: str
    new: str
    because: str


@dataclass(frozen=True)
class Catalogue:
    """The mistakes of a module, and the mutants known to be equivalent."""

    mistakes: tuple[Mistake, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()


def read_catalogue(module: Module, cells: tuple[Cell, ...]) -> Catalogue:
    """Read a module's ``mistakes.py``, which defines `MISTAKES` and perhaps `EQUIVALENT`.

    Raises
    ------
    SourceError
        If it cannot be run, or names an exercise that there is not, or a name twice.
    """
    path = module.source.with_name("mistakes.py")
    if not path.exists():
        return Catalogue()
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise SourceError(f"{path.name} of {module.folder} cannot be read: {error}") from None
    found = Catalogue(tuple(names.get("MISTAKES", ())), tuple(names.get("EQUIVALENT", ())))
    exercises = {cell.name for cell in cells if cell.role == "exercise"}
    for entry in (*found.mistakes, *found.equivalents):
        if entry.exercise not in exercises:
            raise SourceError(
                f"{path.name} of {module.folder}: there is no exercise {entry.exercise!r}"
            )
    twice = [m.name for m in found.mistakes if [n.name for n in found.mistakes].count(m.name) > 1]
    if twice:
        raise SourceError(f"{path.name} of {module.folder}: {twice[0]!r} is there twice")
    return found


REGION = re.compile(
    rf"^([ \t]*)[^\n]*{BEGIN_SOLUTION}[^\n]*\n(.*?)^[^\n]*{END_SOLUTION}[^\n]*$", re.M | re.S
)


def with_solution(source: str, solution: str) -> str:
    """A cell with another text in the place of each of its solutions."""
    text = textwrap.dedent(solution).strip("\n")
    return REGION.sub(
        lambda match: textwrap.indent(
            f"{BEGIN_SOLUTION}\n{text}\n{END_SOLUTION}", match[1]
        ), source,
    )  # fmt: skip


def mistaken(cell: Cell, mistake: Mistake) -> Cell:
    """An exercise's cell with a mistake in it."""
    return replace(cell, source=mistake.made_in(cell.source))

"""Mistakes, right alternatives, and mutants that are none: ``source/NN_name/mistakes.py``."""

from __future__ import annotations

import re
import runpy
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tito.course import Module
from tito.errors import SourceError
from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION
from tito.source.percent import Cell


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
    cell : str
        Or, instead of both: the whole text of the exercise's cell, as `tito name` writes it.
    """

    name: str
    exercise: str
    says: str
    changes: Mapping[str, str] = field(default_factory=dict)
    solution: str = ""
    hidden: str = ""
    cell: str = ""

    def made_in(self, source: str) -> str:
        """The text of the exercise's cell with the mistake in it; raises what `changed` does."""
        return textwrap.dedent(self.cell).strip("\n") + "\n" if self.cell else changed(source, self)


@dataclass(frozen=True)
class Alternative:
    """A right solution in another way than the reference's.

    Attributes
    ----------
    name : str
        A few words joined by hyphens.
    exercise : str
        The exercise that it solves.
    explanation : str
        One sentence: what is done in another way.
    changes : mapping of str to str
        What stands in the exercise's cell, and what stands there instead.
    solution : str
        Or, instead of changes: all that is written in the place of the solution.
    """

    name: str
    exercise: str
    explanation: str
    changes: Mapping[str, str] = field(default_factory=dict)
    solution: str = ""

    def made_in(self, source: str) -> str:
        """The text of the exercise's cell solved this way; raises what `changed` does."""
        return changed(source, self)


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
    """The mistakes of a module, the mutants known to be equivalent, and right alternatives."""

    mistakes: tuple[Mistake, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


def read_catalogue(module: Module, cells: tuple[Cell, ...]) -> Catalogue:
    """Read a module's ``mistakes.py``: `MISTAKES`, and perhaps `ALTERNATIVES` and `EQUIVALENT`.

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
    found = Catalogue(
        tuple(names.get("MISTAKES", ())),
        tuple(names.get("EQUIVALENT", ())),
        tuple(names.get("ALTERNATIVES", ())),
    )
    exercises = {cell.name for cell in cells if cell.role == "exercise"}
    for entry in (*found.mistakes, *found.equivalents, *found.alternatives):
        if entry.exercise not in exercises:
            raise SourceError(
                f"{path.name} of {module.folder}: there is no exercise {entry.exercise!r}"
            )
    entries = [entry.name for entry in (*found.mistakes, *found.alternatives)]
    if twice := [name for name in entries if entries.count(name) > 1]:
        raise SourceError(f"{path.name} of {module.folder}: {twice[0]!r} is there twice")
    return found


REGION = re.compile(
    rf"^([ \t]*)[^\n]*{BEGIN_SOLUTION}[^\n]*\n(.*?)^[^\n]*{END_SOLUTION}[^\n]*$", re.M | re.S
)


def with_solution(source: str, solution: str) -> str:
    """A cell with another text in the place of each of its solutions."""
    text = textwrap.dedent(solution).strip("\n")
    return REGION.sub(
        lambda match: textwrap.indent(f"{BEGIN_SOLUTION}\n{text}\n{END_SOLUTION}", match[1]),
        source,
    )


def changed(source: str, entry: Mistake | Alternative) -> str:
    """The text of an exercise's cell as a mistake or an alternative has it.

    Raises
    ------
    SourceError
        If the cell does not hold what is to be changed, or holds it more than once.
    """
    if entry.solution:
        return with_solution(source, entry.solution)
    for old, new in entry.changes.items():
        if source.count(old) != 1:
            raise SourceError(
                f"the {type(entry).__name__.lower()} {entry.name!r} changes {old!r}, which stands "
                f"{source.count(old)} times in the exercise {entry.exercise!r}; quote more of it"
            )
        source = source.replace(old, new)
    return source


def mistaken(cell: Cell, mistake: Mistake | Alternative) -> Cell:
    """An exercise's cell with a mistake, or an alternative, in it."""
    return replace(cell, source=mistake.made_in(cell.source))

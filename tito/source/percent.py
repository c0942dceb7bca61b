"""A module's source: from a Jupytext file in percent format to cells, with all its rules."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from tito.course import Module
from tito.errors import SourceError, UsageError
from tito.files import write_atomically
from tito.notebook.demo_cells import id_of_text
from tito.notebook.exercises import MILESTONES
from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION, EXPORT
from tito.source.raw_cells import RawCell, raw_cells
from tito.source.regions import BEGIN_HIDDEN, END_HIDDEN, without_hidden_tests
from tito.syntax import parse

ROLES = ("exercise", "checks", "answer")
GIVEN = ("code", "demo")
KNOWN_KEYS = {*ROLES, "demo", "points", "milestone", "nbgrader"}
JUPYTEXT_KEYS = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "title"}


@dataclass(frozen=True)
class Cell:
    """A cell of a module's source.

    Attributes
    ----------
    role : str
        ``"text"``, ``"code"``, ``"demo"``, ``"exercise"``, ``"checks"`` or ``"answer"``; a demo is
        code that only shows something.
    name : str
        The name of the exercise or answer it belongs to; empty for text and given code.
    points : float
        What it is worth; 0 for all but checks and answers.
    source : str
        Its text.
    milestone : str
        The milestone that its exercise is, such as ``"M1"``; empty for most.
    """

    role: str
    source: str
    name: str = ""
    points: float = 0
    milestone: str = ""

    @property
    def grade_id(self) -> str:
        """The name that nbgrader knows the cell by."""
        return f"test-{self.name}" if self.role == "checks" else self.name

    @property
    def id(self) -> str:
        """The id that its notebook cell has: its grade_id, else one of its text."""
        return (self.grade_id or id_of_text(self.source))[:64]


def read_source(module: Module) -> list[Cell]:
    """Read a module's source and check it against the rules of source/README.md.

    Parameters
    ----------
    module : Module
        Which module.

    Returns
    -------
    list of Cell
        Its cells in order.

    Raises
    ------
    SourceError
        If it breaks a rule; names the file and the cell.
    UsageError
        If there is no source.
    """
    try:
        text = module.source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{module.source} is not UTF-8 ({error.reason}); save it as UTF-8"
        ) from None
    except FileNotFoundError:
        raise UsageError(
            f"{module.folder} has no source ({module.source} is missing); "
            "this command needs the instructor's checkout"
        ) from None
    kept = module.root / ".tito" / f"read-{module.folder}.json"
    return list(_read_text(text, f"source/{module.folder}/{module.source.name}", kept))


@functools.lru_cache(maxsize=32)
def _read_text(text: str, where: str, kept: Path) -> tuple[Cell, ...]:
    cells = [_cell(raw, where) for raw in raw_cells(text, kept)]
    _check(cells, where)
    return tuple(cells)


def _cell(raw: RawCell, where: str) -> Cell:
    """One cell, from Jupytext's to ours."""
    label = f"{where}, the cell that begins {_first_line(raw.source)!r}"
    header = _header(raw, label)
    roles = [role for role in ROLES if role in header]
    if len(roles) > 1:
        raise SourceError(
            f"{label}: a cell is one of {', '.join(ROLES)}, not {' and '.join(roles)}"
        )
    if "demo" in header:
        _check_demo(raw, header, roles, label)
    if "milestone" in header:
        _check_milestone(header["milestone"], roles, label)
    if roles:
        return _cell_with_a_name(raw, header, roles[0], label)
    if "points" in header:
        raise SourceError(f"{label}: points, but it is neither checks nor an answer")
    kind = "text" if raw.cell_type == "markdown" else "demo" if "demo" in header else "code"
    return Cell(kind, raw.source)


def _header(raw: RawCell, label: str) -> dict:
    """What the header of a cell says, in its short form."""
    header = {key: v for key, v in raw.metadata.items() if key not in JUPYTEXT_KEYS}
    unknown = sorted(set(header) - KNOWN_KEYS)
    if unknown:
        raise SourceError(
            f"{label}: unknown key {', '.join(unknown)} in its header; known are "
            f"{', '.join(sorted(KNOWN_KEYS))}"
        )
    if "nbgrader" in header:
        header |= _short(header.pop("nbgrader"), raw.cell_type, label)
    return header


def _check_demo(raw: RawCell, header: dict, roles: list[str], label: str) -> None:
    if roles or raw.cell_type == "markdown" or header["demo"] is not True:
        raise SourceError(f"{label}: demo=true is for code cells that are given, and has no name")


def _check_milestone(milestone, roles: list[str], label: str) -> None:
    if roles != ["checks"] or milestone not in list(MILESTONES):
        raise SourceError(
            f"{label}: milestone={milestone!r}; a milestone stands at the checks of its exercise, "
            f"and is one of {', '.join(MILESTONES)}"
        )


def _cell_with_a_name(raw: RawCell, header: dict, role: str, label: str) -> Cell:
    """An exercise, its checks, or a written answer."""
    wanted = "markdown" if role == "answer" else "code"
    if raw.cell_type != wanted:
        raise SourceError(f"{label}: {role} needs a {wanted} cell")
    name, points = header[role], header.get("points", 0)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise SourceError(f"{label}: the name {name!r} must be lower-case words joined by hyphens")
    if isinstance(points, bool) or not isinstance(points, (int, float)) or points < 0:
        raise SourceError(f"{label}: points={points!r} must be a number of at least 0")
    if role == "exercise" and "points" in header:
        raise SourceError(f"{label}: the points of an exercise stand at its checks")
    if role != "exercise" and points == 0:
        raise SourceError(f"{label}: {role}={name!r} needs points above 0")
    return Cell(role, raw.source, name, points, header.get("milestone", ""))


def _short(nbgrader: dict, cell_type: str, label: str) -> dict:
    """The short form of the metadata that the Create Assignment panel writes."""
    name = nbgrader.get("grade_id", "")
    grade, solution = nbgrader.get("grade", False), nbgrader.get("solution", False)
    if nbgrader.get("task") or (grade and solution and cell_type == "code"):
        raise SourceError(
            f"{label}: manually graded code and tasks are not supported in a module; make it an "
            "exercise with checks or a written answer, or put it into an assignment of its own "
            "(source/midterm/midterm.ipynb)"
        )
    if grade and solution:
        return {"answer": name, "points": nbgrader.get("points", 0)}
    if grade:
        return {"checks": re.sub("^test[-_]", "", name), "points": nbgrader.get("points", 0)}
    return {"exercise": name} if solution else {}


def _check(cells: list[Cell], where: str) -> None:
    """Refuse what the format does not allow, in one sentence."""
    seen: set[str] = set()
    exercises: set[str] = set()
    for cell in cells:
        label = f"{where}, {cell.role} {cell.name or _first_line(cell.source)!r}"
        if cell.name and cell.grade_id in seen:
            raise SourceError(f"{label}: this name is used twice; give one of the cells another")
        seen.add(cell.grade_id)
        if cell.role == "exercise":
            exercises.add(cell.name)
            _check_solution(cell, label)
        elif cell.role == "checks" and cell.name not in exercises:
            raise SourceError(f'{label}: no exercise="{cell.name}" stands before it')
        elif cell.role in GIVEN and BEGIN_SOLUTION in cell.source:
            raise SourceError(
                f"{where}: the cell that begins {_first_line(cell.source)!r} holds a solution, but "
                'its header names no exercise; write # %% exercise="name"'
            )
        if BEGIN_HIDDEN in cell.source and cell.role != "checks":
            raise SourceError(f"{label}: hidden tests belong into a checks cell")
        if cell.role == "checks":
            _check_hidden(cell, label)
        if cell.role in GIVEN and EXPORT.search(cell.source):
            _parse(cell.source, label)
            if cell.role == "demo":
                raise SourceError(f"{label}: a demo only shows something, so it exports nothing")


def _check_solution(cell: Cell, label: str) -> None:
    lines = cell.source.split("\n")
    marks = [n for n, line in enumerate(lines, 1) if BEGIN_SOLUTION in line or END_SOLUTION in line]
    begins = [n for n in marks if BEGIN_SOLUTION in lines[n - 1]]
    if not marks:
        raise SourceError(f"{label}: no {BEGIN_SOLUTION} and {END_SOLUTION} in it")
    if begins != marks[::2] or len(marks) % 2:
        raise SourceError(f"{label}: {BEGIN_SOLUTION} and {END_SOLUTION} must alternate")
    tree = _parse(cell.source, label)
    functions = [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for begin in begins:
        if not any(f.lineno < begin <= f.end_lineno for f in functions):
            raise SourceError(
                f"{label}: the solution at its line {begin} is not inside a function, so the blank "
                "release could not be imported"
            )


def _check_hidden(cell: Cell, label: str) -> None:
    """Refuse marks that do not pair or are misspelt: the hidden tests would be released."""
    lines = [line.strip() for line in cell.source.split("\n")]
    marks = [line for line in lines if re.match(r"#+\s*(BEGIN|END)\b", line)]
    if any(mark not in (BEGIN_HIDDEN, END_HIDDEN) for mark in marks) or (
        marks != [BEGIN_HIDDEN, END_HIDDEN] * (len(marks) // 2)
    ):
        raise SourceError(
            f"{label}: {BEGIN_HIDDEN} and {END_HIDDEN} must alternate, but it has "
            f"{', '.join(marks)}"
        )
    shown = without_hidden_tests(cell.source)
    if "@observe" in shown or "tito.observations" in shown:
        raise SourceError(f"{label}: an observation stands outside of {BEGIN_HIDDEN}")
    _parse(shown, label)


def _parse(source: str, label: str) -> ast.Module:
    try:
        return parse(source)
    except SyntaxError as error:
        raise SourceError(f"{label}: line {error.lineno} is not Python: {error.msg}") from None


def _first_line(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:50]


def shorten(module: Module) -> int:
    """Turn ``nbgrader={…}`` in the headers of a source into the short form.

    Parameters
    ----------
    module : Module
        Which module; its source is rewritten.

    Returns
    -------
    int
        How many headers were changed.
    """
    import jupytext

    text = module.source.read_text(encoding="utf-8")
    nb = jupytext.reads(text, fmt="py:percent")
    changed = 0
    for raw in nb.cells:
        if "nbgrader" in raw.metadata:
            short = _short(raw.metadata.pop("nbgrader"), raw.cell_type, module.source.name)
            raw.metadata.update(short)
            changed += 1
    if changed:
        nb.metadata.setdefault("jupytext", {}).update(
            cell_metadata_filter=",".join(sorted(KNOWN_KEYS)),
            notebook_metadata_filter="-all",
            cell_markers='r"""',
        )
        write_atomically(module.source, jupytext.writes(nb, fmt="py:percent"))
        _read_text.cache_clear()
    return changed

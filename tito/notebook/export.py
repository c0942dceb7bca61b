"""From notebook cells to a module of `tinytorch`. Text only: no student code is run here."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from tito.course import Module
from tito.files import write_atomically
from tito.notebook.read import read_notebook
from tito.syntax import parse

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
EXPORT = re.compile(r"^#\|\s*export\s*$", re.M)
DIRECTIVE = re.compile(r"^#\|.*\n?", re.M)
MARK = re.compile(rf"^[^\n]*({BEGIN_SOLUTION}|{END_SOLUTION})[^\n]*\n?", re.M)
APPROACH = re.compile(r"([ \t]*)Approach")
UNDERLINE = re.compile(r"[ \t]*-{3,}")
MAGIC = re.compile(r"^[%!].*\n?", re.M)
ONE_LINE = re.compile(r'"""([^"\n]+)\n[ \t]*"""')  # a docstring that only had an approach besides


@dataclass(frozen=True)
class CodeCell:
    """A code cell that belongs to a module.

    Attributes
    ----------
    name : str
        The exercise it solves, or ``cell N``.
    source : str
        Its text, without directives and solution marks.
    error : str
        Why it does not parse; empty if it does.
    exported : bool
        Whether it goes into the library; an exercise without ``#| export`` is graded only.
    exercise : bool
        Whether it is an exercise, and not given or added.
    id : str
        The id of its notebook cell.
    code : bytes
        What it was compiled to, where its text is not to be seen.
    """

    name: str
    source: str
    error: str = ""
    exported: bool = True
    exercise: bool = False
    id: str = ""
    code: bytes = b""


def notebook_cells(nb: dict) -> list[CodeCell]:
    """The cells of a student's notebook that belong to its module.

    Parameters
    ----------
    nb : dict
        A notebook, as read from JSON.

    Returns
    -------
    list of CodeCell
        Every exercise, and every other cell that begins with ``#| export``, in order.
    """
    found = []
    for number, raw in enumerate(nb["cells"], 1):
        if raw["cell_type"] != "code":
            continue
        source = raw["source"] if isinstance(raw["source"], str) else "".join(raw["source"])
        source = source.replace("\r\n", "\n")  # of an editor on Windows
        nbgrader = raw.get("metadata", {}).get("nbgrader") or {}
        is_exercise = bool(nbgrader.get("solution"))
        if is_exercise or (EXPORT.search(source) and not nbgrader.get("grade")):
            name = nbgrader.get("grade_id") or f"cell {number}"
            found.append(code_cell(str(name), source, is_exercise, str(raw.get("id", ""))))
    return found


@functools.lru_cache(maxsize=1024)
def code_cell(name: str, source: str, is_exercise: bool, identity: str) -> CodeCell:
    exported, text = bool(EXPORT.search(source)), as_exported(source)
    try:
        text = without_magics(text)
        parse(text)
        error = ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        error = _why(source, problem)
    return CodeCell(name, text, error, exported, is_exercise, identity)


def as_exported(source: str) -> str:
    """A cell's text without directives, solution marks and approaches."""
    text = without_approach(MARK.sub("", DIRECTIVE.sub("", source))).strip("\n")
    return ONE_LINE.sub(r'"""\1"""', text)


def _why(source: str, problem: Exception) -> str:
    """Why a cell does not parse, with the line as it is counted in the whole cell."""
    try:
        parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as of_the_cell:
        problem = of_the_cell
    line = getattr(problem, "lineno", None)
    message = getattr(problem, "msg", None) or str(problem) or type(problem).__name__
    return f"line {line}: {message}" if line else message


def without_approach(text: str) -> str:
    """A cell without the *Approach* sections of its docstrings, each with the empty line above."""
    lines, kept, n = text.split("\n"), [], 0
    while n < len(lines):
        end = _end_of_approach(lines, n)
        if end is None:
            kept.append(lines[n])
        n = n + 1 if end is None else end
    return "\n".join(kept)


def _end_of_approach(lines: list[str], empty: int) -> int | None:
    """Where the section ends that follows an empty line; None if it is no complete approach."""
    heading = APPROACH.fullmatch(lines[empty + 1]) if empty + 2 < len(lines) else None
    if not heading or lines[empty].strip() or not UNDERLINE.fullmatch(lines[empty + 2]):
        return None
    indent = heading[1]
    for n in range(empty + 3, len(lines)):
        if lines[n].startswith(indent + '"""'):
            return n
        if not lines[n].strip():
            if n + 2 < len(lines) and UNDERLINE.fullmatch(lines[n + 2]) and lines[n + 1].strip():
                return n
        elif not lines[n].startswith(indent):
            return None
    return None


def without_magics(text: str) -> str:
    """A cell without the lines that only a notebook understands (%timeit …, !ls), if it has any."""
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return MAGIC.sub("", text)
    return text


def module_text(cells: list[CodeCell], title: str, origin: str) -> str:
    """The text of an exported module.

    Parameters
    ----------
    cells : list of CodeCell
        Its cells; those that do not parse are left out, with a comment in their place.
    title : str
        The first line of its docstring.
    origin : str
        The file it was made from, named in its docstring.

    Returns
    -------
    str
        The module, with `__all__`: as a cell assigns it, else a listing of all public names.
    """
    parts = [
        f'"""{title}.\n\n'
        f'Made by `tito export` from {origin}. Edit that notebook, not this file.\n"""'
    ]
    names: dict[str, None] = {}
    for cell in cells:
        if not cell.exported:
            continue
        if cell.error:
            parts.append(f"# Left out: {cell.name} does not parse ({cell.error}).")
            continue
        parts.append(cell.source)
        names.update(dict.fromkeys(_names_given(cell.source)))
    if "__all__" not in names:
        public = sorted(name for name in names if not name.startswith("_"))
        listing = "".join(f'    "{name}",\n' for name in public)
        parts.append(f"__all__ = [\n{listing}]" if listing else "__all__ = []")
    text = parts[0] + "\n\n" + parts[1] if len(parts) > 1 else parts[0]
    return "\n\n\n".join([text, *parts[2:]]) + "\n"


@functools.lru_cache(maxsize=1024)
def _names_given(source: str) -> tuple[str, ...]:
    """The names of a cell's functions and classes, and of what it assigns, in its top level."""
    names = []
    for node in parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            names.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [t.id for t in targets if isinstance(t, ast.Name)]
    return tuple(names)


def title_of(module: Module) -> str:
    """The first line of a module's docstring."""
    return f"Module {module.number} of TinyTorch: {module.name}"


def sources_by_name(nb: dict) -> dict[str, str]:
    """The text of each exercise and each checks cell, by its name."""
    found = {}
    for cell in nb["cells"]:
        nbgrader = cell.get("metadata", {}).get("nbgrader") or {}
        if cell["cell_type"] == "code" and (nbgrader.get("grade") or nbgrader.get("solution")):
            found[str(nbgrader.get("grade_id", ""))] = "".join(cell["source"])
    return found


def export_student(module: Module) -> Path:
    """Export the notebook on the student's desk to the student's own `tinytorch`.

    Returns
    -------
    Path
        The file that was written; cells that do not parse are left out of it.
    """
    cells = notebook_cells(read_notebook(module.desk))
    origin = f"notebooks/{module.folder}/{module.notebook}"
    write_atomically(module.exported, module_text(cells, title_of(module), origin))
    return module.exported

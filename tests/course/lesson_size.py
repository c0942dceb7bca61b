"""How much a lesson gives and how much it leaves to write, in lines, words and exercises.

``python tests/course/lesson_size.py`` prints a table of all modules, and with the name of one where
its given lines are.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:  # run as a program
    sys.path.insert(0, str(ROOT))

from tito.course import Course, Module  # noqa: E402
from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION, EXPORT, without_magics  # noqa: E402
from tito.source.percent import Cell, read_source  # noqa: E402
from tito.source.regions import without_hidden_tests  # noqa: E402

NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}
HAVE_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
HAS_CODE = ("code", "demo", "exercise")


@dataclass(frozen=True)
class Size:
    """The size of a lesson.

    Attributes
    ----------
    written, given : int
        Code lines of solutions, and all others but those of checks.
    exercises : int
        How many there are.
    words : int
        Of its text, with hints, tables, code and formulas: whatever stands between white space.
    exercises_before, words_before : int or None
        How much of both comes before a cell first calls ``.backward()``; None if none does.
    """

    written: int
    given: int
    exercises: int
    words: int
    exercises_before: int | None = None
    words_before: int | None = None


def size_of(module: Module) -> Size:
    """The size of the lesson of a module."""
    return size(read_source(module))


def size(cells: list[Cell]) -> Size:
    """The size of a lesson of some cells."""
    lines = [code_lines(cell.source) for cell in cells if cell.role in HAS_CODE]
    inside = [solution_lines(cell.source) for cell in cells if cell.role in HAS_CODE]
    written = sum(len(code & own) for code, own in zip(lines, inside, strict=True))
    given = sum(len(code - own) for code, own in zip(lines, inside, strict=True))
    first = next((n for n, cell in enumerate(cells) if calls_backward(cell)), None)
    before = (None, None) if first is None else (exercises(cells[:first]), words(cells[:first]))
    return Size(written, given, exercises(cells), words(cells), *before)


def exercises(cells: list[Cell]) -> int:
    """How many of some cells are exercises."""
    return sum(cell.role == "exercise" for cell in cells)


def words(cells: list[Cell]) -> int:
    """How many words the texts of some cells have: whatever stands between white space."""
    return sum(len(cell.source.split()) for cell in cells if cell.role == "text")


def code_lines(source: str) -> set[int]:
    """The numbers of the lines with code: without comments, docstrings and blank lines.

    Imports and the list of public names do not count either: they are a table of contents.
    """
    source = without_magics(source)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            found |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, HAVE_DOCSTRINGS) and ast.get_docstring(node) is not None:
            found -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        is_list = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if is_list or isinstance(node, (ast.Import, ast.ImportFrom)):
            found -= set(range(node.lineno, node.end_lineno + 1))
    return found


def solution_lines(source: str) -> set[int]:
    """The numbers of the lines that a student writes."""
    found, inside = set(), False
    for number, line in enumerate(without_magics(source).split("\n"), 1):
        if BEGIN_SOLUTION in line or END_SOLUTION in line:
            inside = BEGIN_SOLUTION in line
        elif inside:
            found.add(number)
    return found


def calls_backward(cell: Cell) -> bool:
    """Whether a cell calls ``x.backward(…)`` where students see it."""
    if cell.role not in ("code", "demo", "checks"):
        return False
    tree = ast.parse(without_magics(without_hidden_tests(cell.source)))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(f, ast.Attribute) and f.attr == "backward" for f in calls)


def table() -> str:
    """The sizes of all modules."""
    lines = [
        "| module | written | given | given ÷ written | exercises | words | exercises before backward() | words before |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for module in Course(ROOT).modules():
        s = size_of(module)
        before = [x if x is not None else "–" for x in (s.exercises_before, s.words_before)]
        figures = [s.written, s.given, f"{s.given / s.written:.2f}", s.exercises, s.words, *before]
        lines.append(f"| {module.folder} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def places(module: Module) -> str:
    """The given lines of a module by kind, and of each cell."""
    kinds: dict[str, int] = {}
    lines = []
    for number, cell in enumerate(read_source(module), 1):
        if cell.role in HAS_CODE:
            given = code_lines(cell.source) - solution_lines(cell.source)
            first = next((x for n, x in enumerate(cell.source.split("\n"), 1) if n in given), "")
            kind = "exported" if EXPORT.search(cell.source) and cell.role == "code" else cell.role
            kinds[kind] = kinds.get(kind, 0) + len(given)
            lines.append(f"{len(given):4}  {kind:9} cell {number:3}  {cell.name or first}")
    total = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return "\n".join([f"{module.folder}: {total}", *lines])


if __name__ == "__main__":
    print(table(), *(places(Course(ROOT).module(name)) for name in sys.argv[1:]), sep="\n\n")

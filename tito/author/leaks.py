"""Finding solutions and hidden tests in what leaves the instructor's machine.

Found by content, not by file name: a text is compared without white space, after notebooks and HTML
have been turned into what a reader sees; and Python is compared as syntax trees, so that neither
another layout nor other comments hide a solution.
"""

from __future__ import annotations

import ast
import html
import json
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tito.course import Module
from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION
from tito.source.percent import read_source
from tito.source.regions import hidden_tests
from tito.syntax import parse

SHORTEST = 30  # characters without white space; below, a line says too little to be recognised
REGION = re.compile(rf"{BEGIN_SOLUTION}[^\n]*\n(.*?)[^\n]*{END_SOLUTION}", re.S)


@dataclass(frozen=True)
class Secret:
    """A text that must not get out.

    Attributes
    ----------
    kind : str
        ``"solution"``, ``"model answer"`` or ``"hidden test"``.
    where : str
        The module and the cell.
    text : str
        The text without white space.
    statements : tuple of str
        If it is Python, the syntax tree of each of its statements.
    """

    kind: str
    where: str
    text: str
    statements: tuple[str, ...] = ()


def secrets_of(module: Module) -> list[Secret]:
    """Every solution, model answer and hidden test of a module that is long enough to be known."""
    found = []
    for cell in read_source(module):
        where = f"{module.folder} {cell.name}"
        texts: list[tuple[str, str]] = []
        if cell.role == "exercise":
            texts += [("solution", region) for region in REGION.findall(cell.source)]
        elif cell.role == "answer":
            texts.append(("model answer", cell.source))
        elif cell.role == "checks":
            texts += [("hidden test", part) for part in _functions(hidden_tests(cell.source))]
        found += [Secret(kind, where, _squeezed(text), _statements(text)) for kind, text in texts]
    return [secret for secret in found if len(secret.text) >= SHORTEST]


def _statements(text: str) -> tuple[str, ...]:
    """The syntax tree of each statement of a part of a program; nothing if it is not Python."""
    try:
        body = parse("def part():\n" + textwrap.indent(textwrap.dedent(text), "    ")).body[0].body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(ast.dump(node) for node in body)


def _functions(hidden: str) -> list[str]:
    """A hidden region, cut before each decorator; without the lines that import."""
    kept = "\n".join(line for line in hidden.splitlines() if not line.startswith("from tito"))
    return [part for part in re.split(r"^(?=@)", kept, flags=re.M) if part.strip()]


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def leaks(paths: Iterable[Path], secrets: list[Secret], kinds: tuple[str, ...] = ()) -> list[str]:
    """Look for secrets in files.

    Parameters
    ----------
    paths : iterable of Path
        Files and folders; folders are searched through and through.
    secrets : list of Secret
        What to look for.
    kinds : tuple of str
        Only these kinds; by default all.

    Returns
    -------
    list of str
        A line for each find: the file, and what it holds.
    """
    wanted = [secret for secret in secrets if not kinds or secret.kind in kinds]
    found = []
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in (f for f in files if f.is_file()):
            text, programs = _squeezed(_readable(file)), list(_bodies(file))
            found += [
                f"{file}: {s.kind} of {s.where}"
                for s in wanted
                if s.text in text or any(_holds(body, s.statements) for body in programs)
            ]
    return found


def _holds(body: list[str], statements: tuple[str, ...]) -> bool:
    """Whether some statements stand in a row."""
    n = len(statements)
    return n > 0 and any(tuple(body[k : k + n]) == statements for k in range(len(body) - n + 1))


def _bodies(path: Path) -> Iterable[list[str]]:
    """Every list of statements in a Python file, or in the code cells of a notebook."""
    if path.suffix == ".py":
        programs = [path.read_bytes().decode("utf-8", errors="replace")]
    elif path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8", errors="replace")).get("cells", [])
        programs = ["".join(c["source"]) for c in cells if c.get("cell_type") == "code"]
    else:
        programs = []
    for program in programs:
        try:
            tree = parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            for name in ("body", "orelse", "finalbody"):
                body = getattr(node, name, None)
                if isinstance(body, list):
                    yield [ast.dump(statement) for statement in body]


def _readable(path: Path) -> str:
    """What a reader of a file sees."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".ipynb":
        return "\n".join(_strings(json.loads(text)))
    if path.suffix in (".html", ".htm"):
        return html.unescape(re.sub(r"<[^>]*>", "", text))
    return text


def _strings(x) -> Iterable[str]:
    """All strings in a JSON value; lists of lines are joined by being next to each other."""
    if isinstance(x, str):
        yield x
    elif isinstance(x, list):
        if all(isinstance(item, str) for item in x):
            yield "".join(x)
        else:
            for item in x:
                yield from _strings(item)
    elif isinstance(x, dict):
        for item in x.values():
            yield from _strings(item)

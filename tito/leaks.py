"""Finding solutions and hidden tests in what leaves the instructor's machine.

Found by content, not by file name: a text is compared without white space, after notebooks and HTML
have been turned into what a reader sees.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tito.course import Module
from tito.source import BEGIN_SOLUTION, END_SOLUTION, hidden_tests, read_source

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
    """

    kind: str
    where: str
    text: str


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
        found += [Secret(kind, where, _squeezed(text)) for kind, text in texts]
    return [secret for secret in found if len(secret.text) >= SHORTEST]


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
            text = _squeezed(_readable(file))
            found += [f"{file}: {s.kind} of {s.where}" for s in wanted if s.text in text]
    return found


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

"""What the result of an audit depends on: as long as it is the same, so is the result."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from tito.course import Course, Module

LENGTH = 12  # hexadecimal digits that are kept
ELSEWHERE = ("student", "cli")  # rooms of tito that no result on a module depends on
KIT = "kit"  # what the report on the kit is called

# `from tinytorch.support import arrays, guards`, also over several lines; `tt.datasets.digits`.
FROM = re.compile(r"from\s+(tinytorch[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)")
DOTTED = re.compile(r"\b(?:tinytorch|tt)((?:\.\w+)+)")
ALWAYS = "tinytorch/__init__.py", "tinytorch/core/__init__.py"


def made_from(module: Module) -> str:
    """A checksum of a module's folder and those before it, what they use of the library, and tito.

    Of the library it takes what the texts of the others name, and what that names in turn.
    """
    modules = [m for m in Course(module.root).modules() if m <= module]
    files = _in_folders([m.source.parent for m in modules], ELSEWHERE)
    return _checksum([*files, *library_named_in(files, Course(module.root))])


def kit_made_from(course: Course) -> str:
    """The same for the kit, which holds all modules, and a student's half of tito."""
    files = _in_folders([m.source.parent for m in course.modules()], ())
    return _checksum([*files, *(course.root / path for path in course.library())])


def library_named_in(files: Iterable[Path], course: Course) -> list[Path]:
    """Files of the library that some files name, or that one of these names, and so on.

    What lies beside them and is no Python, as digits, is taken as well.
    """
    library = {path.as_posix(): course.root / path for path in course.library()}
    found = {name for name in ALWAYS if name in library}
    to_read = [*files, *(library[name] for name in found)]
    while to_read:
        text = to_read.pop().read_text(encoding="utf-8")
        new = {name for name in _files_named(text) if name in library} - found
        found |= new
        to_read += [library[name] for name in new]
    data = {name for name in library if not name.endswith(".py")}
    folders = {library[name].parent for name in found}
    found |= {name for name in data if library[name].parent in folders}
    return [library[name] for name in sorted(found)]


def _files_named(text: str) -> set[str]:
    """Where the names in a text may lead to: each beginning of each is a file or a package."""
    dotted = {f"tinytorch{name}" for name in DOTTED.findall(text)}
    for package, names in FROM.findall(text):
        dotted |= {f"{package}.{name}" for name in re.findall(r"\w+", names)}
    parts = [name.split(".") for name in dotted]
    begins = {"/".join(p[:n]) for p in parts for n in range(1, len(p) + 1)}
    return {f"{begin}{end}" for begin in begins for end in (".py", "/__init__.py")}


def _in_folders(folders: list[Path], left_out: tuple[str, ...]) -> list[Path]:
    """The texts in some folders, and those of tito but for some of its rooms."""
    tito = Path(__file__).parents[1]
    paths = [path for folder in [*folders, tito] for path in sorted(folder.rglob("*"))]
    away = [tito / name for name in left_out]
    texts = [path for path in paths if path.is_file() and path.suffix in (".py", ".md")]
    return [path for path in texts if path.parent not in away]


def _checksum(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()[:LENGTH]

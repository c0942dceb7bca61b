"""What the result of an audit depends on: as long as it is the same, so is the result."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tito.course import Course, Module

LENGTH = 12  # hexadecimal digits that are kept
# Rooms of tito that no result on a module depends on.
ELSEWHERE = ("student", "cli", "insights", "site")
TRIED_BY = ("audit/parts.py", "audit/rehearsal.py")  # what tries solutions on the checks
WHOLE = ("checks", "judge", "sandbox")  # files of these are started or copied without an import
KIT = "kit"  # what the report on the kit is called
TITO = Path(__file__).parents[1]

# `from tinytorch.support import arrays, guards`, also over several lines; `tt.datasets.digits`.
FROM = re.compile(r"from\s+((?:tinytorch|tito)[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)")
DOTTED = re.compile(r"\b(?:tinytorch|tt)((?:\.\w+)+)")
ALWAYS = "tinytorch/__init__.py", "tinytorch/core/__init__.py"


@dataclass(frozen=True)
class Known:
    """The checksums of an earlier result: what it was made from, and graded with."""

    made_from: str
    graded_with: str = ""


def made_from(module: Module) -> str:
    """A checksum of what decides whether a solution passes a module's checks.

    That is its folder and those before it, what they use of the library, and what of tito tries
    solutions. Of both it takes what the texts name, and what that names in turn.
    """
    files = [*_texts_in(_folders_up_to(module)), *what_tries_solutions()]
    return _checksum([*files, *named_in(files, Course(module.root))])


def what_tries_solutions() -> list[Path]:
    """The files of tito that try solutions on checks, but for what these import."""
    return [TITO / name for name in TRIED_BY] + _texts_in(TITO / name for name in WHOLE)


def graded_with(module: Module) -> str:
    """A checksum of what release, marks and feedback depend on: that, and nearly all of tito."""
    files = _texts_in(_folders_up_to(module)) + _all_of_tito_but(ELSEWHERE)
    return _checksum([*files, *library_named_in(files, Course(module.root))])


def kit_made_from(course: Course) -> str:
    """The same for the kit, which holds all modules, and a student's half of tito."""
    files = _texts_in(m.source.parent for m in course.modules()) + _all_of_tito_but(())
    return _checksum([*files, *(course.root / path for path in course.library())])


def named_in(files: Iterable[Path], course: Course) -> list[Path]:
    """Files of tito and of the library that some files name, or that one of these names …"""
    ours = {path.relative_to(TITO.parent).as_posix(): path for path in sorted(TITO.rglob("*.py"))}
    return _reached(files, ours | _library(course))


def library_named_in(files: Iterable[Path], course: Course) -> list[Path]:
    """Files of the library that some files name, or that one of these names, and so on.

    What lies beside them and is no Python, as digits, is taken as well.
    """
    return _reached(files, _library(course))


def _library(course: Course) -> dict[str, Path]:
    return {path.as_posix(): course.root / path for path in course.library()}


def _reached(files: Iterable[Path], those: dict[str, Path]) -> list[Path]:
    """Those of some files that others lead to, and the data that lies beside them."""
    found = {name for name in ALWAYS if name in those}
    to_read = [*files, *(those[name] for name in found)]
    while to_read:
        text = to_read.pop().read_text(encoding="utf-8")
        new = {name for name in _files_named(text) if name in those} - found
        found |= new
        to_read += [those[name] for name in new]
    data = {name for name in those if not name.endswith(".py")}
    folders = {those[name].parent for name in found}
    found |= {name for name in data if those[name].parent in folders}
    return [those[name] for name in sorted(found)]


def _files_named(text: str) -> set[str]:
    """Where the names in a text may lead to: each beginning of each is a file or a package."""
    dotted = {f"tinytorch{name}" for name in DOTTED.findall(text)}
    for package, names in FROM.findall(text):
        dotted |= {f"{package}.{name}" for name in re.findall(r"\w+", names)}
    parts = [name.split(".") for name in dotted]
    begins = {"/".join(p[:n]) for p in parts for n in range(1, len(p) + 1)}
    return {f"{begin}{end}" for begin in begins for end in (".py", "/__init__.py")}


def _folders_up_to(module: Module) -> list[Path]:
    return [m.source.parent for m in Course(module.root).modules() if m <= module]


def _all_of_tito_but(rooms: tuple[str, ...]) -> list[Path]:
    away = [TITO / name for name in rooms]
    return [path for path in _texts_in([TITO]) if path.parent not in away]


def _texts_in(folders: Iterable[Path]) -> list[Path]:
    """The programs and pages in some folders, and in the folders in these."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return [path for path in paths if path.is_file() and path.suffix in (".py", ".md")]


def _checksum(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in dict.fromkeys(files):
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()[:LENGTH]

"""What the result of an audit depends on: as long as it is the same, so is the result."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.source.reference import reference_text

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


Contents = dict[str, bytes]  # of files, by their path in the project


def made_from(module: Module) -> str:
    """A checksum of what decides whether a solution passes a module's checks.

    That is what is programmed in its folder, what it uses of the library and of the modules before
    it, as their solutions are exported, and what of tito tries solutions. Of all these it takes
    what the texts name, and what that names in turn.
    """
    programs = {name: text for name, text in _own(module).items() if name.endswith(".py")}
    begin = programs | what_tries_solutions()
    return _checksum(begin | _reached(begin, _tito() | library_of(module)))


def what_tries_solutions() -> Contents:
    """The files of tito that try solutions on checks, but for what these import."""
    return {
        name: content
        for name, content in _tito().items()
        if name.split("/")[1] in WHOLE or name.removeprefix("tito/") in TRIED_BY
    }


def graded_with(module: Module) -> str:
    """A checksum of what release, marks and feedback depend on: that, and nearly all of tito."""
    begin = _own(module) | {n: c for n, c in _tito().items() if n.split("/")[1] not in ELSEWHERE}
    return _checksum(begin | _reached(begin, library_of(module)))


def kit_made_from(course: Course) -> str:
    """The same for the kit, which holds all modules, and a student's half of tito."""
    by_hand = _contents((course.root / path for path in course.library()), course.root)
    return _checksum(_tito() | by_hand | _own(*course.modules()))


def named_in(begin: Contents, course: Course) -> Contents:
    """Files of tito and of the library that some files name, or that one of these names …"""
    return _reached(begin, _tito() | _library(course, course.modules()))


def library_named_in(module: Module) -> Contents:
    """Files of the library that a module names, or that one of these names, and so on.

    What lies beside them and is no Python, as digits, is taken as well.
    """
    return _reached(_own(module), library_of(module))


def library_of(module: Module) -> Contents:
    """The library as a module finds it: of earlier modules, what their solutions export."""
    course = Course(module.root)
    return _library(course, [m for m in course.modules() if m < module])


def _library(course: Course, modules: Iterable[Module]) -> Contents:
    by_hand = _contents((course.root / path for path in course.library()), course.root)
    return by_hand | {f"tinytorch/core/{m.name}.py": _reference(m) for m in modules}


def _reference(module: Module) -> bytes:
    try:
        return reference_text(module).encode()
    except TitoError:  # it is reported where that module is tried
        return module.source.read_bytes()


def _reached(begin: Contents, those: Contents) -> Contents:
    """Those of some files that others lead to, and the data that lies beside them."""
    found = {name for name in ALWAYS if name in those}
    to_read = [*begin.values(), *(those[name] for name in found)]
    while to_read:
        new = (_files_named(to_read.pop().decode()) & those.keys()) - found
        found |= new
        to_read += [those[name] for name in new]
    folders = {_folder(name) for name in found}
    data = {n for n in those if not n.endswith(".py") and _folder(n) in folders}
    return {name: those[name] for name in found | data}


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _files_named(text: str) -> set[str]:
    """Where the names in a text may lead to: each beginning of each is a file or a package."""
    dotted = {f"tinytorch{name}" for name in DOTTED.findall(text)}
    for package, names in FROM.findall(text):
        dotted |= {f"{package}.{name}" for name in re.findall(r"\w+", names)}
    parts = [name.split(".") for name in dotted]
    begins = {"/".join(p[:n]) for p in parts for n in range(1, len(p) + 1)}
    return {f"{begin}{end}" for begin in begins for end in (".py", "/__init__.py")}


def _tito() -> Contents:
    return _contents(TITO.rglob("*.py"), TITO.parent)


def _own(*modules: Module) -> Contents:
    """The programs and pages in the folders of some modules."""
    paths = [path for module in modules for path in module.source_folder.rglob("*")]
    return _contents((p for p in paths if p.suffix in (".py", ".md")), modules[0].root)


def _contents(paths: Iterable[Path], root: Path) -> Contents:
    return {
        path.relative_to(root).as_posix(): path.read_bytes().replace(b"\r\n", b"\n")
        for path in paths
    }


def _checksum(files: Contents) -> str:
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(name.encode() + b"\0" + content)
    return total.hexdigest()[:LENGTH]

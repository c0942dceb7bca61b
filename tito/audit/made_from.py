"""What the result of an audit depends on: as long as it is the same, so is the result."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tito.course import Course, Module

LENGTH = 12  # hexadecimal digits that are kept
ELSEWHERE = ("student", "cli")  # rooms of tito that no result on a module depends on
KIT = "kit"  # what the report on the kit is called


def made_from(module: Module) -> str:
    """A checksum of a module's folder and those before it, the library, and what of tito grades."""
    modules = [m for m in Course(module.root).modules() if m <= module]
    return _checksum(module.root, [m.source.parent for m in modules], ELSEWHERE)


def kit_made_from(course: Course) -> str:
    """The same for the kit, which holds all modules, and a student's half of tito."""
    return _checksum(course.root, [m.source.parent for m in course.modules()], ())


def _checksum(root: Path, folders: list[Path], left_out: tuple[str, ...]) -> str:
    total, tito = hashlib.sha256(), Path(__file__).parents[1]
    files = [path for folder in [*folders, tito] for path in sorted(folder.rglob("*"))]
    files = [path for path in files if path.parent not in [tito / name for name in left_out]]
    files += [root / path for path in Course(root).library()]
    for path in files:
        if path.is_file() and path.suffix in (".py", ".md"):
            total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()[:LENGTH]

"""The assignments of a course: its modules, and those of other kinds."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from tito.course import Course, Module
from tito.errors import UsageError


@dataclass(frozen=True, order=True)
class Ordinary:
    """An nbgrader assignment that is no module, such as a midterm: notebooks in ``source/``."""

    folder: str
    root: Path

    @property
    def source_folder(self) -> Path:
        """The folder in which the instructor writes."""
        return self.root / "source" / self.folder

    @property
    def release_folder(self) -> Path:
        """The folder that students get."""
        return self.root / "release" / self.folder

    @property
    def notebooks(self) -> tuple[str, ...]:
        """The names of its notebooks, in the order in which nbgrader grades them."""
        return tuple(sorted(path.name for path in self.source_folder.glob("*.ipynb")))


Assigned = Module | Ordinary


def ordinary_assignments(course: Course) -> list[Ordinary]:
    """The nbgrader assignments in ``source/`` that are no modules, by name."""
    modules = {module.folder for module in course.modules()} if course.has_sources else set()
    folders = {path.parent.name for path in (course.root / "source").glob("*/*.ipynb")}
    return [
        Ordinary(folder, course.root)
        for folder in sorted(folders - modules)
        if not folder.startswith(".")
    ]


def all_assignments(course: Course) -> list[Assigned]:
    """All modules, and the ordinary assignments after them."""
    return [*course.modules(), *ordinary_assignments(course)]


def find_assignment(course: Course, name: str) -> Assigned:
    """The module or the ordinary assignment called `name`.

    Raises
    ------
    UsageError
        If there is none; the message lists those there are.
    """
    ordinary = ordinary_assignments(course)
    found = [other for other in ordinary if other.folder == name.strip("/")]
    if found:
        return found[0]
    try:
        return course.module(name)
    except UsageError as error:
        others = ", ".join(other.folder for other in ordinary)
        raise UsageError(
            f"{error}; other assignments: {others}" if others else str(error)
        ) from None


# Of a module's folder, students get the notebook that is made of it, and data: nothing else.
SECRET = ("*_dev.py", "mistakes.py")
KEPT_IN_MODULES = ("*.py", "*.zip", ".*")


def kept_from_students(root: Path) -> list[str]:
    """The files that nbgrader must not copy from modules' folders, as it takes them: as globs.

    nbgrader joins a glob to the folder it looks into, and so takes a whole path as it is; it writes
    the paths of sources with a ``.`` for the student.
    """
    roots = dict.fromkeys((os.path.abspath(root), os.path.realpath(root)))
    course = Course(Path(root))
    folders = [module.folder for module in course.modules()] if course.has_sources else []
    paths = [
        os.path.join(glob.escape(base), "source", *dot, glob.escape(folder), pattern)
        for base in roots
        for folder in folders
        for dot in ((".",), ())
        for pattern in KEPT_IN_MODULES
    ]
    return [*SECRET, *paths]

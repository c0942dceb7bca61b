"""A fresh private copy of what a lesson imports, so that nothing in the checkout changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tito.course import Course, Module
from tito.files import write_atomically
from tito.source.reference import reference_text

SETTINGS = "nbgrader_config.py"


def write_library(course: Course, modules: Iterable[Module], folder: Path) -> None:
    """Write `tinytorch` into a folder: what is written by hand, and the reference of some modules.

    Parameters
    ----------
    course : Course
        With sources.
    modules : iterable of Module
        Those that ``tinytorch.core`` gets.
    folder : Path
        Where the package is made.
    """
    for path in course.library():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(course.root / path, folder / path)
    for module in modules:
        target = folder / "tinytorch" / "core" / f"{module.name}.py"
        write_atomically(target, reference_text(module))


def write_course(module: Module, folder: Path) -> Path:
    """Write a student's course, as it is when a module is begun: with the modules before it.

    Parameters
    ----------
    module : Module
        The one that is begun.
    folder : Path
        An empty folder.

    Returns
    -------
    Path
        The folder of the desk in which the notebook runs.
    """
    course = Course(module.root)
    write_library(course, (m for m in course.modules() if m < module), folder)
    shutil.copy(course.root / SETTINGS, folder)
    desk = folder / "notebooks" / module.folder
    desk.mkdir(parents=True)
    return desk

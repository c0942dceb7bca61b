"""nbgrader's gradebook, and its Python interface, with the settings of the course."""

from __future__ import annotations

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from traitlets.config import PyFileConfigLoader

from tito.course import Course
from tito.files import explained


@functools.cache
def configuration(root: Path):
    """The settings in nbgrader_config.py."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


@functools.cache
def be_quiet() -> None:
    """Keep nbgrader and nbformat from saying what is no news, or is said in our own words."""
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning
    from sqlalchemy.exc import SAWarning

    for category in (SAWarning, DuplicateCellId, MissingIDFieldWarning):
        warnings.simplefilter("ignore", category)
    for logger in ("traitlets", "nbformat"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)


def nbgrader_api(course: Course):
    """nbgrader's Python interface, with the settings of the course."""
    from nbgrader.apps import NbGraderAPI

    be_quiet()
    with explained(f"open the gradebook in {course.root}"):
        return NbGraderAPI(config=configuration(course.root))


@contextlib.contextmanager
def gradebook(course: Course) -> Iterator:
    """The gradebook of the course."""
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory

    be_quiet()
    directory = CourseDirectory(config=configuration(course.root))
    with Gradebook(directory.db_url, directory.course_id) as book:
        yield book

"""nbgrader's gradebook and its Python interface, with the settings of the course."""

from __future__ import annotations

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator

from tito.course import Course
from tito.errors import StorageError
from tito.files import explained
from tito.source.nbgraders_settings import configuration


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
def in_gradebook(url: str) -> Iterator[None]:
    """Turn the errors of a gradebook that cannot be used into one sentence.

    Parameters
    ----------
    url : str
        Where it is, as SQLAlchemy writes it.

    Raises
    ------
    StorageError
        If it is locked, damaged or cannot be written. What it does not take, and why, is not
        turned into anything: that is about what was to be written.
    """
    from sqlalchemy.exc import DatabaseError, InternalError, OperationalError

    try:
        yield
    except DatabaseError as error:
        if not (
            isinstance(error, (OperationalError, InternalError)) or type(error) is DatabaseError
        ):
            raise
        name = url.rpartition("/")[2] if url.startswith("sqlite") else "the gradebook"
        text = " ".join(str(error.orig or error).split())
        raise StorageError(f"{name} cannot be used ({text}); {_what_to_do(text)}") from None


def _what_to_do(text: str) -> str:
    again = "run the same command again; what was graded is kept"
    if "locked" in text:
        return f"close what else is writing to it (formgrader, nbgrader), and {again}"
    if "full" in text or "readonly" in text or "unable to open" in text or "disk I/O" in text:
        return f"make sure that it can be written and that the disk has space, and {again}"
    if "malformed" in text or "not a database" in text:
        return (
            "it is damaged, and it alone holds the marks given by hand: keep it under another "
            "name, and put a backup in its place"
        )
    return f"mend that, and {again}"


@contextlib.contextmanager
def gradebook(course: Course) -> Iterator:
    """The gradebook of the course."""
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory

    be_quiet()
    directory = CourseDirectory(config=configuration(course.root))
    with (
        in_gradebook(directory.db_url),
        Gradebook(directory.db_url, directory.course_id) as book,
    ):
        yield book

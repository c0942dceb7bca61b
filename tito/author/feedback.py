"""What students get back: a page for each, under feedback/."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

from tito.author.feedback_page import Mark, Marks, feedback_page
from tito.author.release import reason
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import printable, write_atomically
from tito.grading.gradebook import gradebook, nbgrader_api
from tito.grading.naming import sentences
from tito.grading.pool import Interrupted
from tito.grading.regrade_requests import requests_of
from tito.grading.writer import penalty_of
from tito.notebook.read import read_notebook
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.following import follow_and_keep
from tito.steps.get_marks import nobody_marked
from tito.steps.voided import voided

Write = Callable[[str], list[Path]]


def feedback(
    module: Assigned,
    students: tuple[str, ...] = (),
    on_page: Callable[[Path], None] = lambda page: None,
    on_trouble: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write what students get back, as HTML.

    Parameters
    ----------
    module : Module or Ordinary
        Which module; the pages of another assignment are nbgrader's.
    students : tuple of str
        Only these; by default everybody who was graded.
    on_page : callable
        Called with each page as soon as it is written.
    on_trouble : callable
        Called with the reason if mistakes cannot be named, as the catalogue is damaged.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    UsageError
        If nobody was graded.
    TitoError
        If it fails for somebody; the others' pages are written all the same.
    Interrupted
        If it was stopped with Ctrl-C.
    """
    course = Course(module.root)
    graded = sorted(p.parent.name for p in (course.root / "autograded").glob(f"*/{module.folder}"))
    if not graded:
        raise UsageError(
            f"nobody was graded in {module.folder}; run tito grade {module.folder} first"
        )
    with _writing(course, module, students, on_trouble) as write:
        return _write_all(students or tuple(graded), write, on_page)


def _write_all(
    students: tuple[str, ...], write: Write, on_page: Callable[[Path], None]
) -> list[Path]:
    """Write the pages of all of some students; the errors are those of `feedback`."""
    pages, failed = [], []
    for student in students:
        try:
            written = write(student)
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped; feedback for {student} and those after is not written"
            ) from None
        except Exception as error:  # whatever one notebook holds, the others get their pages
            failed.append(f"{printable(student)} ({printable(_first_line(error))})")
            continue
        for page in written:
            pages.append(page)
            on_page(page)
    if failed:
        others = "; that of all others is written" if pages else ""
        raise TitoError(f"no feedback for {', '.join(failed)}{others}")
    return pages


@contextlib.contextmanager
def _writing(
    course: Course, module: Assigned, students: tuple[str, ...], on_trouble: Callable[[str], None]
) -> Iterator[Write]:
    """A function that writes the pages of a student; what all need is got once."""
    if not isinstance(module, Module):
        yield lambda student: _have_nbgrader_write(course, module, student)
        return
    said: dict[str, dict[str, str]] = {}
    try:
        said = sentences(course, module, students)
    except TitoError as error:  # the pages are as good as they can be without
        on_trouble(f"mistakes are not named: {error}")
    with gradebook(course) as book:
        follow_and_keep(book, configuration(course.root), module.folder)
        yield lambda student: _write_page(book, module, student, said.get(student, {}))


def _write_page(book, module: Module, student: str, mistakes: dict[str, str]) -> list[Path]:
    """Write the page of a module."""
    graded = module.root / "autograded" / student / module.folder / module.notebook
    nb = read_notebook(graded)
    path = module.root / "feedback" / student / module.folder / graded.with_suffix(".html").name
    try:
        marks = marks_of(book, module, student, mistakes)
    finally:
        book.db.rollback()  # so that nobody waits for us who writes to it
    write_atomically(path, feedback_page(nb, marks))
    return [path]


def _have_nbgrader_write(course: Course, assigned: Assigned, student: str) -> list[Path]:
    """Have nbgrader write the pages of an assignment that is no module."""
    result = nbgrader_api(course).generate_feedback(assigned.folder, student, force=True)
    if (result.get("error") or "").rstrip().endswith("KeyboardInterrupt"):
        raise KeyboardInterrupt
    if not result["success"]:
        raise TitoError(reason(result))
    return sorted((course.root / "feedback" / student / assigned.folder).glob("*.html"))


def marks_of(book, module: Module, student: str, mistakes: dict[str, str]) -> Marks:
    """What the gradebook knows of a submission.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook, in which late penalties and voids have followed.
    module : Module
        The module.
    student : str
        Whose submission.
    mistakes : dict of str to str
        The sentences of known mistakes, by exercise.

    Raises
    ------
    TitoError
        If the gradebook knows nothing of it.
    """
    from nbgrader.api import MissingEntry

    try:
        submission = book.find_submission(module.folder, student)
    except MissingEntry:
        raise TitoError("the gradebook has no mark; grade it again") from None
    time = submission.timestamp
    handed_in = f"{time.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M %z}" if time else ""
    marks = Marks(student, module.folder, handed_in, penalty_of(submission), mistakes=mistakes)
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            mark = Mark(grade.score, grade.max_score, nobody_marked(grade))
            marks.cells[grade.name] = mark
        marks.comments.update({c.name: c.comment for c in notebook.comments if c.comment})
    marks.voided.extend(voided(book, module.folder))
    marks.requests.extend(requests_of(book, module.folder, student))
    return marks


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

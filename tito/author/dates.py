"""When assignments are due, for all and for one student."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tito.course import Course
from tito.errors import UsageError
from tito.files import printable
from tito.grading.gradebook import gradebook
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.extensions import extend, extensions
from tito.steps.following import follow_and_keep

WANTED = "write it like 2026-12-01 18:00 +01:00, or with a zone like Europe/Berlin"
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]+(\d\d?:\d\d)(?::\d\d)?)?\s*(\S.*)?")
LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(h|hours?|d|days?|w|weeks?)")
HOURS = {"h": 1, "d": 24, "w": 168}


def read_time(text: str) -> datetime:
    """A time that a person wrote, in UTC.

    Parameters
    ----------
    text : str
        A day, a time and a zone: ``2026-12-01 18:00 +01:00``, ``2026-12-01T17:00Z``,
        ``2026-12-01 18:00 Europe/Berlin``.

    Raises
    ------
    UsageError
        If one of them is missing, or is none.
    """
    found = TIME.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{printable(text)!r} is no time; {WANTED}")
    day, time, zone = found.groups()
    if not time:
        raise UsageError(f"{printable(text)!r} has a day and no time of day; {WANTED}")
    if not zone:
        raise UsageError(f"{printable(text)!r} does not say in which zone; {WANTED}")
    try:
        local = datetime.fromisoformat(f"{day} {time.zfill(5)}")
    except ValueError as error:
        raise UsageError(f"{printable(text)!r} is no time ({error}); {WANTED}") from None
    return _in_zone(local, zone).astimezone(UTC)


def _in_zone(local: datetime, zone: str) -> datetime:
    """A time on the clocks of a zone: an offset from UTC, or the name of one."""
    try:
        return datetime.fromisoformat(f"{local.isoformat()}{'Z' if zone == 'UTC' else zone}")
    except ValueError:
        pass
    try:
        return local.replace(tzinfo=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{printable(zone)!r} is no zone that is known here; {WANTED}") from None


def set_due(assigned: Assigned, due: datetime | None) -> None:
    """Say when an assignment is due; None for never.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment; it need not have been released.
    due : datetime or None
        With a zone.
    """
    with gradebook(Course(assigned.root)) as book:
        book.update_or_create_assignment(assigned.folder, duedate=_plain(due))
        follow_and_keep(book, configuration(assigned.root), assigned.folder)


def give_extension(assigned: Assigned, student: str, until: str | None) -> datetime | None:
    """Give a student more time, also before anything was handed in.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    student : str
        Who is in the gradebook, or has handed in.
    until : str or None
        A time, as `read_time` takes it, or what is added to the due date: ``48 h``, ``3 days``.
        None takes an extension back.

    Returns
    -------
    datetime or None
        Until when.

    Raises
    ------
    UsageError
        If nobody is called so, there is no due date, or it is no later than that.
    """
    course = Course(assigned.root)
    with gradebook(course) as book:
        known = {one.id for one in book.students}
        handed_in = {folder.name for folder in (course.root / "submitted").glob("*/")}
        if student not in known | handed_in:
            raise UsageError(
                f"nobody is called {printable(student)!r}: not in the roster, and not among those "
                "who handed in; look at the name, or read the roster first (tito roster)"
            )
        due = _due_of(book, assigned.folder)
        if until is None:
            if student not in extensions(book, assigned.folder):
                raise UsageError(f"{student} has no extension for {assigned.folder}")
            time = None
        elif due is None:
            raise UsageError(
                f"{assigned.folder} has no due date to be extended; set one first: "
                f"tito due {assigned.folder} TIME"
            )
        else:
            time = _later_than(due, until)
        extend(book, assigned.folder, student, _plain(time))
        follow_and_keep(book, configuration(assigned.root), assigned.folder)
    return time


def _later_than(due: datetime, until: str) -> datetime:
    """A time after the due date, or so long after it."""
    length = LENGTH.fullmatch(until.strip())
    if length:
        time = due + timedelta(hours=float(length[1]) * HOURS[length[2][0]])
    else:
        time = read_time(until)
    if time <= due:
        raise UsageError(f"{shown(time)} is no later than the due date, {shown(due)}")
    return time


def due_dates(course: Course, several: list[Assigned]) -> dict[str, datetime]:
    """When assignments are due, by folder; those with no due date are left out."""
    with gradebook(course) as book:
        found = {one.folder: _due_of(book, one.folder) for one in several}
    return {folder: due for folder, due in found.items() if due}


def all_extensions(course: Course, several: list[Assigned]) -> Mapping[str, dict[str, datetime]]:
    """Until when students may hand in, by folder and student."""
    with gradebook(course) as book:
        found = {one.folder: extensions(book, one.folder) for one in several}
    return {
        folder: {student: until.replace(tzinfo=UTC) for student, until in known.items()}
        for folder, known in found.items()
    }


def shown(time: datetime) -> str:
    """A time in words, on the clock of this machine."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M %z")


def _due_of(book, folder: str) -> datetime | None:
    from nbgrader.api import MissingEntry

    try:
        due = book.find_assignment(folder).duedate
    except MissingEntry:
        return None
    return due.replace(tzinfo=UTC) if due else None


def _plain(time: datetime | None) -> datetime | None:
    """As the gradebook has it: in UTC, without saying so."""
    return time.astimezone(UTC).replace(tzinfo=None) if time else None

"""How long after a release each student handed in, as receipts and the release itself say."""

from __future__ import annotations

from datetime import UTC, datetime

from tito.course import Course, Module
from tito.grading.gradebook import gradebook
from tito.grading.versions import first_release


def days_to_hand_in(course: Course, module: Module) -> dict[str, float]:
    """The days from the first release of a module to each student's hand-in.

    Students of whom no time is known are left out; so is everybody, where no release is known.
    """
    from nbgrader.api import MissingEntry

    released = first_release(course.root, module.folder)
    if released is None:
        return {}
    with gradebook(course) as book:
        try:
            submissions = book.assignment_submissions(module.folder)
        except MissingEntry:
            return {}
        times = {s.student.id: s.timestamp for s in submissions if s.timestamp}
    return {student: _days(released, time) for student, time in times.items()}


def _days(released: datetime, time: datetime) -> float:
    return max(0.0, (time.replace(tzinfo=UTC) - released).total_seconds() / 86400)

"""Marking shared among people: who has what, what is left, and what students ask again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tito.author.answers import question_names
from tito.course import Course
from tito.errors import UsageError
from tito.grading import markers
from tito.grading.gradebook import gradebook
from tito.grading.markers import Shares, ToMark
from tito.grading.regrade_requests import Request, answer_requests, keep_requests, requests_of
from tito.grading.who_marked import marked_twice, marker_here
from tito.source.modules_and_others import Assigned


@dataclass(frozen=True)
class Standing:
    """How far the marking of an assignment is.

    Attributes
    ----------
    shares : Shares
        Who is to mark what.
    to_mark : list of ToMark
        What is marked by people, or is to be.
    twice : list of str
        A line for each answer that two people marked.
    """

    shares: Shares
    to_mark: list[ToMark]
    twice: list[str]

    def of(self, marker: str) -> list[ToMark]:
        """What is one marker's; of "" what is nobody's."""
        return [o for o in self.to_mark if self.shares.owner(o.student, o.question) == marker]

    def left(self, marker: str) -> list[ToMark]:
        """What one marker has still to mark."""
        return [one for one in self.of(marker) if one.waits]


def assign_markers(assigned: Assigned, people: Sequence[str], by: str = markers.STUDENT) -> Shares:
    """Share out the marking of an assignment; no mark changes, whoever had it before.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    people : sequence of str
        Those who mark.
    by : str
        Whether ``"student"`` or ``"question"`` is shared out.

    Raises
    ------
    UsageError
        If a name is empty or there twice, or there is nothing to be marked by hand.
    """
    with gradebook(Course(assigned.root)) as book:
        names = markers.checked_names(people)
        question_names(book, assigned)
        return markers.assign_markers(book, assigned.folder, names, by)


def standing(assigned: Assigned) -> Standing:
    """How far the marking of an assignment is, and whose it is."""
    with gradebook(Course(assigned.root)) as book:
        question_names(book, assigned)
        return Standing(
            markers.shares(book, assigned.folder),
            markers.all_to_mark(book, assigned.folder),
            list(marked_twice(book, assigned.folder)),
        )


def left_of(assigned: Assigned, marker: str) -> list[ToMark]:
    """What one marker has still to mark.

    Raises
    ------
    UsageError
        If nothing was given to anybody of this name.
    """
    now = standing(assigned)
    if marker not in now.shares.markers:
        known = ", ".join(now.shares.markers) or "nobody; tito assign-markers shares it out"
        raise UsageError(f"{marker!r} marks nothing in {assigned.folder}; those who mark: {known}")
    return now.left(marker)


def twice(course: Course, assignments: Sequence[Assigned]) -> list[str]:
    """A line for each answer that two people marked."""
    with gradebook(course) as book:
        known = {one.name for one in book.assignments}
        return [
            f"{assigned.folder}, {line}"
            for assigned in assignments
            if assigned.folder in known
            for line in marked_twice(book, assigned.folder)
        ]


def requests(course: Course, assignments: Sequence[Assigned]) -> dict[str, list[Request]]:
    """What students ask again, by assignment."""
    with gradebook(course) as book:
        known = {one.name for one in book.assignments}
        found = {}
        for assigned in assignments:
            if assigned.folder in known:
                _keep_all(book, assigned)
                found[assigned.folder] = requests_of(book, assigned.folder)
        return found


def _keep_all(book, assigned: Assigned) -> None:
    """Put down the requests in what is graded, also where plain nbgrader did that."""
    from nbformat import v4

    for submission in book.assignment_submissions(assigned.folder):
        student = submission.student.id
        for notebook in submission.notebooks:
            folder = assigned.root / "autograded" / student / assigned.folder
            path = folder / f"{notebook.name}.ipynb"
            if path.exists():
                cells = v4.reads(path.read_text(encoding="utf-8")).cells
                keep_requests(book, assigned.folder, notebook.name, student, cells)
    book.db.commit()


def answer(assigned: Assigned, student: str, exercise: str, text: str, marker: str = "") -> None:
    """Answer what a student asks about an exercise; the next feedback has the answer.

    Raises
    ------
    UsageError
        If the student does not ask about it, or the answer is empty.
    """
    if not text.strip():
        raise UsageError("the answer is empty; write what the student is to read")
    asked = requests(Course(assigned.root), [assigned]).get(assigned.folder, [])
    theirs = [one for one in asked if (one.student, one.exercise) == (student, exercise)]
    if not theirs:
        others = ", ".join(f"{one.student} {one.exercise}" for one in asked) or "nobody"
        raise UsageError(
            f"{student} asks nothing about {exercise!r} in {assigned.folder}; who asks: {others}"
        )
    with gradebook(Course(assigned.root)) as book:
        answer_requests(book, theirs, text.strip(), marker_here(marker))
        book.db.commit()

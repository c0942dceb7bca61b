"""The roster: whom the gradebook knows by more than the folder of a hand-in."""

from __future__ import annotations

from dataclasses import dataclass

FACTS = ("first_name", "last_name", "email", "lms_user_id")


@dataclass(frozen=True)
class Person:
    """A student of the roster.

    Attributes
    ----------
    id : str
        The name of the student's folder.
    first_name, last_name, email : str
        Empty where nobody knows.
    lms_user_id : str
        What the learning platform calls the student.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}".strip()


def people_in(book) -> list[Person]:
    """Everybody in a gradebook of nbgrader."""
    return [
        Person(student.id, *(getattr(student, fact) or "" for fact in FACTS))
        for student in book.students
    ]


def roster_of(book) -> list[Person]:
    """Those of a gradebook of whom more is known than the folder that they handed in."""
    return [one for one in people_in(book) if any(getattr(one, fact) for fact in FACTS)]

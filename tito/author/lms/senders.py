"""Who sent a hand-in, as a learning platform says, and which student of the roster that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from tito.grading.read_zip import known_as
from tito.grading.roster import Person


@dataclass(frozen=True)
class Sender:
    """Who sent a hand-in, as a learning platform says.

    Attributes
    ----------
    platform : str
        "Canvas", "Moodle", "Gradescope", or nothing.
    numbers, emails, names : tuple of str
        What it calls the student; of a group, all of them.
    late : bool
        Whether it says that the hand-in was late.
    order : int
        Of several files of one student, the later has the larger one.
    time : datetime or None
        When it was handed in, if the platform says so.
    students : int
        How many handed it in together.
    """

    platform: str = ""
    numbers: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    late: bool = False
    order: int = 0
    time: datetime | None = None
    students: int = 1


class Directory:
    """A roster in which students are found by what others call them."""

    def __init__(self, roster: list[Person]):
        self.roster = roster

    def called(self, name: str) -> str:
        """The id of the student who signs so, with the id or the e-mail; nothing if nobody does."""
        key = known_as(name)
        found = [p.id for p in self.roster if key in (known_as(p.id), known_as(p.email))]
        return found[0] if len(found) == 1 else name if name in found else ""

    def who(self, sender: Sender) -> list[str]:
        """The ids of those who may have sent something: one, if the platform is clear."""
        names = {letters(name) for name in sender.names}
        numbered = [p for p in self.roster if {p.lms_user_id, p.id} & set(sender.numbers)]
        if sender.platform == "Canvas":  # a number of another platform may be the same
            numbered = [p for p in numbered if not names or names & spellings(p)]
        mails = {known_as(mail) for mail in sender.emails}
        mailed = [p for p in self.roster if p.email and known_as(p.email) in mails]
        named = [p for p in self.roster if names & spellings(p)]
        return [person.id for person in numbered or mailed or named]


def letters(name: str) -> str:
    """A name without case, blanks and marks, as Canvas writes it into the name of a file."""
    return re.sub(r"[\W_]", "", known_as(name))


def spellings(person: Person) -> set[str]:
    """The ways in which platforms write a student's name."""
    first, last = person.first_name, person.last_name
    if not (first or last):
        return set()
    return {letters(text) for text in (first + last, last + first, person.id + first + last)}

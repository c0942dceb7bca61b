"""Rosters: who is in the course, by the lists that Canvas and Moodle export."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tito.author.lms.tables import Row, Table, read_table
from tito.author.marks import FORMULA
from tito.course import Course
from tito.errors import UsageError
from tito.files import printable
from tito.grading.gradebook import gradebook
from tito.grading.read_zip import known_as
from tito.grading.roster import FACTS, Person, people_in

FOLDER = re.compile(r"\w[\w.@-]*")
LONGEST = 128  # characters that the gradebook keeps
NO_STUDENT = {"points possible", "student, test", "test student"}  # rows of Canvas
POSTING = re.compile(r"(muted|manual posting.*)?", re.I)


@dataclass(frozen=True)
class Kind:
    """How a platform writes its list: the columns of each fact, the better ones first."""

    name: str
    id: tuple[str, ...]
    lms_user_id: tuple[str, ...]
    email: tuple[str, ...]
    first_name: tuple[str, ...] = ("first name",)
    last_name: tuple[str, ...] = ("last name", "surname")
    whole_name: tuple[str, ...] = ()


CANVAS = Kind(
    "Canvas",
    ("sis login id", "sis user id", "id"),
    ("id",),
    (),
    ("firstname",),
    ("lastname",),
    ("student",),
)
MOODLE = Kind(
    "Moodle",
    ("username", "id number", "email address"),
    ("id number",),
    ("email address",),
)
PLAIN = Kind(
    "a plain list",
    ("id", "sid"),
    ("lms_user_id",),
    ("email", "e-mail"),
    ("first_name", "first name"),
    ("last_name", "last name"),
    ("name",),
)


@dataclass(frozen=True)
class Roster:
    """What is in a roster's file.

    Attributes
    ----------
    kind : str
        Whose file it is: "Canvas", "Moodle" or "a plain list".
    people : dict
        The students, by the line of each.
    left_out : list of str
        Rows that are no students'.
    """

    kind: str
    people: dict[int, Person]
    left_out: list[str] = field(default_factory=list)


@dataclass
class Changes:
    """What a roster has changed in the gradebook, by the ids of students.

    Those that are `absent` are in the gradebook and not in the roster.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def read_roster(path: Path) -> Roster:
    """Read a roster: of Canvas, of Moodle, or with the columns id, name and email.

    Raises
    ------
    UsageError
        If it is none, or a row of it cannot be a student; says which line.
    OSError
        If it cannot be read.
    """
    table = read_table(path)
    try:
        return roster_in(table)
    except UsageError as error:
        raise UsageError(f"{printable(path.name)}: {error}") from None


def roster_in(table: Table) -> Roster:
    """The roster that is in a table; the errors are those of `read_roster`."""
    kind = _kind_of(table.columns)
    others = [row for row in table.rows if kind is CANVAS and _is_no_student(row)]
    rows = [row for row in table.rows if row not in others]
    if not rows:
        raise UsageError("it names no student; export the list once more")
    columns = {fact: _column(table, rows, kind, fact) for fact in ("id", *FACTS, "whole_name")}
    people = {row.line: _person(row, columns) for row in rows}
    for fact, what in (("id", "id"), ("email", "e-mail"), ("lms_user_id", "number")):
        _refuse_twice(people, fact, what)
    return Roster(kind.name, people, [name for name in map(_name_in, others) if name])


def _kind_of(columns: list[str]) -> Kind:
    there = set(columns)
    named = "student" in there or {"firstname", "lastname"} <= there
    if named and "id" in there and there & {"section", "sis login id", "sis user id"}:
        return CANVAS
    if "first name" in there and there & set(MOODLE.last_name) and there & set(MOODLE.id):
        return MOODLE
    if there & set(PLAIN.id):
        return PLAIN
    raise UsageError(
        "no column says who a student is; it needs Canvas' columns (Student, ID, SIS Login ID, "
        "Section), Moodle's (First name, Last name, Email address), or id, name and email"
    )


def _is_no_student(row: Row) -> bool:
    """Whether a row of Canvas' is about the assignments, or of its made-up student."""
    return _name_in(row).lower() in NO_STUDENT or all(
        POSTING.fullmatch(cell) for cell in row.cells.values()
    )


def _name_in(row: Row) -> str:
    parts = (row.cells.get(column, "") for column in ("lastname", "firstname"))
    return row.cells.get("student") or ", ".join(filter(None, parts))


def _column(table: Table, rows: list[Row], kind: Kind, fact: str) -> str:
    """The column of a fact: the first that has a value in any row; none if none has."""
    columns = [c for c in getattr(kind, fact) if any(row.cells.get(c) for row in rows)]
    column = columns[0] if columns else ""
    if fact == "id" and not column:
        wanted = " or ".join(c for c in getattr(kind, fact) if c in table.columns)
        raise UsageError(f"no row has a value in its column {wanted}; it tells students apart")
    if table.columns.count(column) > 1:
        raise UsageError(f"two columns are called {column!r}; remove one of them")
    return column


def _person(row: Row, columns: dict[str, str]) -> Person:
    found = {fact: row.cells.get(column, "") for fact, column in columns.items()}
    whole_name = found.pop("whole_name")
    if not (found["first_name"] or found["last_name"]):
        found["first_name"], found["last_name"] = _split(whole_name)
    found["id"] = unicodedata.normalize("NFC", found["id"])
    if not found["email"] and "@" in found["id"]:
        found["email"] = found["id"]
    person = Person(**found)
    _refuse_strange(person, row.line, columns["id"])
    return person


def _split(name: str) -> tuple[str, str]:
    """The first and the last names of a whole one: ``Lovelace, Ada`` or ``Ada Lovelace``."""
    last, comma, first = name.partition(",")
    if comma:
        return first.strip(), last.strip()
    first, _, last = name.rpartition(" ")
    return first.strip(), last


def _refuse_strange(person: Person, line: int, column: str) -> None:
    """Refuse what cannot be a student of the gradebook."""
    if not person.id:
        raise UsageError(f"line {line} has nothing in its column {column}; fill it in")
    if not FOLDER.fullmatch(person.id):
        raise UsageError(
            f"line {line}: {person.id!r} cannot be the name of a student's folder; ids have "
            "letters, digits and . @ _ - only"
        )
    if too_long := next((v for v in asdict(person).values() if len(v) > LONGEST), ""):
        raise UsageError(f"line {line}: {too_long[:20]!r}… has more than {LONGEST} characters")
    if person.email and not re.fullmatch(r"\w[^@\s]*@[^@\s]+", person.email):
        raise UsageError(f"line {line}: {person.email!r} is no e-mail address")
    if person.lms_user_id.startswith(FORMULA):  # a file of marks could not hold it as it is
        raise UsageError(f"line {line}: {person.lms_user_id!r} cannot be a student's number")
    if not (person.name or person.email):
        raise UsageError(f"line {line} has neither a name nor an e-mail address")


def _refuse_twice(people: dict[int, Person], fact: str, what: str) -> None:
    seen: dict[str, int] = {}
    for line, person in people.items():
        value = known_as(getattr(person, fact))
        if value and value in seen:
            raise UsageError(
                f"lines {seen[value]} and {line} have the same {what}, "
                f"{getattr(person, fact)}; correct one of them"
            )
        seen[value] = line


def enrol(course: Course, roster: Roster) -> Changes:
    """Put the students of a roster into the gradebook: all of them, or, if one cannot be, none.

    Nobody is removed, and no mark is touched. What the roster does not say stays as it is.

    Raises
    ------
    UsageError
        If a student of the gradebook has the e-mail of another one in the roster.
    StorageError
        If the gradebook cannot be used.
    """
    from nbgrader.api import Student

    changes = Changes()
    with gradebook(course) as book:
        known = {person.id: person for person in people_in(book)}
        ids = {line: _id_in(known, person.id) for line, person in roster.people.items()}
        _refuse_mails_of_others(known, roster, ids)
        try:
            for line, person in roster.people.items():
                name = ids[line]
                facts = {f: getattr(person, f) for f in FACTS if getattr(person, f)}
                before = known.get(name)
                if before is None:
                    book.db.add(Student(id=name, **facts))
                    changes.added.append(name)
                elif any(getattr(before, fact) != value for fact, value in facts.items()):
                    for fact, value in facts.items():
                        setattr(book.find_student(name), fact, value)
                    changes.changed.append(name)
                else:
                    changes.left.append(name)
            book.db.commit()
        except BaseException:
            book.db.rollback()
            raise
    changes.absent = sorted(set(known) - set(ids.values()))
    return changes


def _id_in(known: dict[str, Person], name: str) -> str:
    """The id of a student in the gradebook, which may be written a little differently there."""
    if name in known:
        return name
    return next((other for other in known if known_as(other) == known_as(name)), name)


def _refuse_mails_of_others(known: dict[str, Person], roster: Roster, ids: dict[int, str]) -> None:
    """Refuse to know one e-mail of two students."""
    new = {ids[line]: person.email for line, person in roster.people.items() if person.email}
    owners = {known_as(person.email): person.id for person in known.values() if person.email}
    for line, person in roster.people.items():
        owner = owners.get(known_as(person.email), ids[line]) if person.email else ids[line]
        if owner != ids[line] and known_as(new.get(owner, person.email)) == known_as(person.email):
            raise UsageError(
                f"line {line}: {person.email} is {owner}'s in the gradebook already; if both are "
                f"the same student, write {owner} as the id there, else correct the e-mail"
            )

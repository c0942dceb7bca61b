"""Grading as hand-ins come, and an answer to each: what its visible checks say, and no mark.

Marks come from hidden tests; whoever could hand in again and again and read them would learn these
tests by heart. So an answer says what the student's own checks say on the grader's machine, and
only so many are given a day.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from tito.author.grade import grade
from tito.course import Course
from tito.errors import TitoError, UsageError
from tito.files import printable, write_atomically
from tito.grading.ledger import alone
from tito.grading.pool import LOCK, sandbox_settings
from tito.grading.report import Graded
from tito.grading.submissions import handed_in, students_of
from tito.grading.unpacking import unpack_zips
from tito.notebook.read import read_notebook
from tito.source.modules_and_others import Assigned

ANSWERS = "answers"
MOST_LINES = 12  # of what a check says
HIDDEN = re.compile(r"^\d+ of \d+ hidden tests passed: .*\n", re.M)


@dataclass(frozen=True)
class Answer:
    """What a student is told at once.

    Attributes
    ----------
    student, module : str
        Whose, and of what.
    path : Path
        The text for the student.
    graded : Graded or None
        What the instructor sees; None if the day's tries were used up.
    """

    student: str
    module: str
    path: Path
    graded: Graded | None


def watch(
    assigned: Assigned,
    on_answer: Callable[[Answer], None],
    tries: int = 3,
    every: float = 30.0,
    rounds: int | None = None,
    on_trouble: Callable[[str], None] = lambda text: None,
) -> None:
    """Grade what is handed in as it comes, and write an answer to each, until Ctrl-C.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    on_answer : callable
        Called with each answer as soon as it is written.
    tries : int
        How many hand-ins of a student are answered in a day; later ones wait for the next day, or
        for `tito grade`.
    every : float
        Seconds from one look to the next.
    rounds : int, optional
        How often to look; by default for ever.
    on_trouble : callable
        Called with what went wrong in a round; the next one tries again.

    Raises
    ------
    UsageError
        If there is nothing to grade by: no release, no sandbox.
    """
    if tries < 1 or every <= 0:
        raise UsageError("--tries and --every are numbers of at least 1")
    said = ""
    for number in itertools.count() if rounds is None else range(rounds):
        if number:
            time.sleep(every)
        try:
            for answer in answer_what_is_new(assigned, tries):
                on_answer(answer)
            said = ""
        except UsageError:
            raise
        except TitoError as error:  # a locked gradebook, say: the next round finds it open
            if str(error) != said:
                on_trouble(str(error))
            said = str(error)


def answer_what_is_new(assigned: Assigned, tries: int) -> Iterator[Answer]:
    """Grade what has been handed in since the last look, and answer it."""
    course = Course(assigned.root)
    with alone(course.root / LOCK), sandbox_settings(course):
        unpack_zips(course, assigned)
    tally = Tally(course.root / ".tito" / f"answered-{assigned.folder}.json")
    new = dict(_not_answered(course, assigned, tally))
    late = {student for student in new if tally.today(student) >= tries}
    for student in sorted(late):
        if tally.is_told(student, new[student]):
            continue
        text = _too_many(assigned, student, tries)
        tally.tell(student, new[student])
        yield Answer(student, assigned.folder, _write(assigned, student, text), None)
    todo = tuple(sorted(new.keys() - late))
    for graded in grade(assigned, todo) if todo else ():
        if graded.student in new:
            tally.note(graded.student, new[graded.student])
            text = _answer(assigned, graded, f"{tally.today(graded.student)} of {tries}")
            path = _write(assigned, graded.student, text)
            yield Answer(graded.student, assigned.folder, path, graded)


def _not_answered(course: Course, assigned: Assigned, tally: Tally) -> Iterator[tuple[str, str]]:
    """Who has handed in something else than what was answered last, and a checksum of it."""
    for student in students_of(course, assigned):
        try:
            digest = handed_in(assigned, student).digest
        except (OSError, TitoError, ValueError) as error:  # it is told why when it is graded
            digest = f"unreadable: {error}"
        if digest != tally.last(student):
            yield student, digest


class Tally:
    """What was answered, and how often today; kept in a file."""

    def __init__(self, path: Path):
        self.path = path
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self.known: dict[str, dict] = known if isinstance(known, dict) else {}

    def last(self, student: str) -> str:
        """The checksum of what was answered last."""
        return str(self._of(student).get("digest", ""))

    def today(self, student: str) -> int:
        """How many hand-ins were answered today."""
        entry = self._of(student)
        return int(entry.get("count", 0)) if entry.get("day") == str(date.today()) else 0

    def is_told(self, student: str, digest: str) -> bool:
        """Whether a student knows that this one waits."""
        return self._of(student).get("waits") == digest

    def note(self, student: str, digest: str) -> None:
        """Put down that one was answered."""
        entry = {"day": str(date.today()), "count": self.today(student) + 1, "digest": digest}
        self._keep(student, entry)

    def tell(self, student: str, digest: str) -> None:
        """Put down that a student was told that one waits."""
        self._keep(student, self._of(student) | {"waits": digest})

    def _keep(self, student: str, entry: dict) -> None:
        self.known[student] = entry
        write_atomically(self.path, json.dumps(self.known, indent=1))

    def _of(self, student: str) -> dict:
        entry = self.known.get(student)
        return entry if isinstance(entry, dict) else {}


def _answer(assigned: Assigned, graded: Graded, count: str) -> str:
    """What a student is told of a hand-in."""
    lines = [_heading(assigned, graded.student), f"Answer {count} today.", ""]
    if graded.score is None:
        return "\n".join([*lines, *map(printable, graded.notes), ""])
    checks = visible_checks(assigned, graded.student)
    passed = sum(sign == "✓" for _, sign, _ in checks)
    lines.append(f"{passed} of {len(checks)} visible checks passed on the grader's machine:")
    for name, sign, says in checks:
        lines.append(f"{sign} {name}")
        lines += [f"    {line}" for line in says]
    lines += ["", "Marks come from hidden tests, and written answers are marked by a person:"]
    return "\n".join([*lines, "you get those with your feedback.", ""])


def _too_many(assigned: Assigned, student: str, tries: int) -> str:
    """What a student is told whose tries are used up."""
    return (
        f"{_heading(assigned, student)}\nIt has arrived and will be graded. {tries} hand-ins were "
        "answered today already; the next answer comes tomorrow at the earliest.\n"
    )


def _heading(assigned: Assigned, student: str) -> str:
    now = datetime.now().astimezone()
    return f"{assigned.folder}, handed in by {printable(student)}; {now:%Y-%m-%d %H:%M %z}"


def visible_checks(assigned: Assigned, student: str) -> list[tuple[str, str, list[str]]]:
    """How the visible checks of a graded notebook went: exercise, sign, and what a check says."""
    found = []
    for name in assigned.notebooks:
        path = assigned.root / "autograded" / student / assigned.folder / name
        for cell in read_notebook(path)["cells"] if path.exists() else ():
            nbgrader = cell.get("metadata", {}).get("nbgrader") or {}
            if cell["cell_type"] == "code" and nbgrader.get("grade"):
                exercise = str(nbgrader["grade_id"]).removeprefix("test-")
                found.append((exercise, *_how_it_went(cell.get("outputs", []))))
    return found


def _how_it_went(outputs: list[dict]) -> tuple[str, list[str]]:
    """A sign, and the lines that a check shows before what hidden tests say."""
    for output in outputs:
        if output.get("output_type") == "error":  # of an ordinary assignment
            return "✗", str(output.get("evalue", "")).splitlines()[:1]
    text = "".join(str(part) for output in outputs for part in output.get("text", []))
    lines = [printable(line) for line in HIDDEN.split(text)[0].splitlines()]
    begins = [n for n, line in enumerate(lines) if line.startswith(("✗ ", "· "))]
    if begins:
        return lines[begins[0]][0], lines[begins[0] :][:MOST_LINES]
    return ("✓", []) if lines or not HIDDEN.search(text) else ("·", ["it was not run"])


def _write(assigned: Assigned, student: str, text: str) -> Path:
    path = assigned.root / ANSWERS / student / f"{assigned.folder}.txt"
    write_atomically(path, text)
    return path

"""Zip files in submitted/: each is unpacked to where nbgrader looks, or it is said why not."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import MOST_BYTES, printable, read_regular, write_atomically
from tito.grading.read_zip import known_as, read_zip, time_of
from tito.grading.report import Graded
from tito.grading.stamps import STAMP, time_in
from tito.source.modules_and_others import Assigned
from tito.submission import Submission

ZIP_NAME = "taken-from.txt"  # beside a submission: the zip files it came in, the newest first
SAFE_NAME = re.compile(r"[\w.@-]+")
LONGEST_ORIGIN = 100_000  # bytes
MOST_ORIGINS = 100
NO_SENDER = re.compile(r"assignsubmission|file|late|copy|submission|[\W\d_]+")


@dataclass(frozen=True)
class Origin:
    """Where a hand-in came from.

    Attributes
    ----------
    zip : str
        The name of the zip file.
    desk : str
        What tells the desk it was made at; empty if nobody knows.
    student : str
        In whose name it is.
    since : str
        When it was there at the latest, where its time is only a part of what is known.
    kit : str
        The version of the kit that it was made with.
    """

    zip: str
    desk: str = ""
    student: str = ""
    since: str = field(default="", compare=False)
    kit: str = field(default="", compare=False)

    @property
    def sender(self) -> str:
        """Who sent it, as far as the file's name tells: what a learning platform adds to ours."""
        student = re.escape(known_as(self.student))
        ours = rf"\d\d_[^\W_]+-{student}-\d+|{student}"
        return NO_SENDER.sub(" ", re.sub(ours, " ", known_as(Path(self.zip).stem))).strip()


@dataclass
class Unpacked:
    """What became of the zip files of a module.

    Attributes
    ----------
    aside : list of Graded
        Those that could not be used, and those that wait for the instructor, with the reason.
    notes : dict
        What is to be said of students.
    """

    aside: list[Graded] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def unpack_zips(course: Course, module: Assigned, take: tuple[str, ...] = ()) -> Unpacked:
    """Put the zip files of a module that lie in ``submitted/`` where nbgrader looks for them.

    Anybody can write another one's name into a zip file. So what comes from another desk than what
    was handed in before in that name is not taken, but shown to the instructor.

    Parameters
    ----------
    course : Course
        The course.
    module : Module
        Whose submissions.
    take : tuple of str
        The names of those that the instructor has looked at and wants to be graded.

    Raises
    ------
    UsageError
        If one of these is not there.
    """
    done, sent = Unpacked(), []
    paths = zips_in(course)
    if missing := set(take) - {path.name for path in paths}:
        raise UsageError(f"there is no {', '.join(sorted(missing))} in submitted/")
    for path in paths:
        try:
            submission = _of_module(path, module)
            if submission:
                sent.append((time_of(submission), path.name, submission))
        except Exception as error:  # whatever is wrong with one, the others are graded
            done.aside.append(_aside(path.name, error))
    for _, name, submission in sorted(sent, key=lambda found: found[:2]):
        try:
            take_in(course, module, name, submission, done.notes, name in take)
        except Exception as error:
            done.aside.append(_aside(name, error))
    for student, names in _by_student(course, [(n, s) for _, n, s in sent]).items():
        if len(names) > 1:
            several = f"{len(names)} zip files are in this name: {', '.join(sorted(names))}"
            done.notes[student].append(printable(several))
    return done


def zips_in(course: Course) -> list[Path]:
    """The zip files in ``submitted/``, whatever they are."""
    paths = sorted((course.root / "submitted").glob("*"))
    return [p for p in paths if p.suffix.lower() == ".zip" and not p.is_dir()]


def _aside(name: str, error: Exception) -> Graded:
    reason = str(error) or type(error).__name__
    state = "flagged" if isinstance(error, InAnothersName) else "unreadable"
    graded = Graded(printable(name)).failed(state, reason)
    graded.flags = [printable(reason)] if state == "flagged" else []
    return graded


class InAnothersName(TitoError):
    """A hand-in that does not seem to be of the student in whose name it is."""


def _of_module(path: Path, module: Assigned) -> Submission | None:
    """What is in a zip file, if it is for a module."""
    submission = read_zip(path)
    if submission.module != module.folder or not isinstance(module, Module):
        return None
    name = unicodedata.normalize("NFC", submission.student)
    if not SAFE_NAME.fullmatch(name) or name.startswith("."):
        raise TitoError(f"{name[:80]!r} cannot be a student's name")
    if not any(name.endswith(".ipynb") for name in submission.files):
        raise TitoError("it holds no notebook")
    return submission


def take_in(
    course: Course,
    module: Assigned,
    name: str,
    sent: Submission,
    notes: dict[str, list[str]],
    wanted: bool = False,
    vouched: bool = False,
    since: str = "",
) -> bool:
    """Unpack a hand-in, if it is newer than what is there and of the same student.

    Parameters
    ----------
    course, module
        Where to.
    name : str
        What it is called; kept beside it.
    sent : Submission
        What was handed in.
    notes : dict
        What is to be said of students is added here.
    wanted : bool
        Whether the instructor wants this one, whatever it is.
    vouched : bool
        Whether a learning platform says that it is of the student in whose name it is.
    since : str
        When it was there at the latest, if that is not its time.

    Returns
    -------
    bool
        Whether it is there now, and was not before.

    Raises
    ------
    InAnothersName
        If it does not seem to be of the student in whose name it is.
    TitoError
        If another one was put there by hand.
    """
    student = _folder_of(course, sent.student)
    folder = course.root / "submitted" / student / module.folder
    before = origins(folder)
    origin = Origin(name, sent.desk, sent.student, since, sent.kit)
    by_hand = any((folder / notebook).exists() for notebook in module.notebooks) and not before
    if by_hand and not _is_unfinished(folder, sent):
        if all(_is_there(folder / file, content) for file, content in sent.files.items()):
            return False
        raise TitoError(
            f"submitted/{student}/{module.folder} holds another notebook that was put "
            "there by hand; remove one of the two"
        )
    is_later = not before or _is_later(sent, folder, origin, before[0])
    if not wanted:
        if origin in before and (origin != before[0] or not is_later):
            return False
        if not vouched and not _is_of_the_same(origin, before or _of_other_modules(folder)):
            notes[student].append(f"{printable(name)} is in this name too, and was not taken")
            raise InAnothersName(
                f"it is in the name of {student}, and does not seem to come from the same student "
                f"as before; to take it: tito grade {module.folder} --take {name!r}; else move it "
                "out of submitted/"
            )
        if not is_later:
            return False
    elif before and before[0] == origin and not is_later:
        return False
    for file, content in sent.files.items():
        write_atomically(folder / file, content)
    write_atomically(folder / STAMP, sent.time + "\n")
    history = [origin, *(one for one in before if one != origin)]
    lines = [json.dumps(asdict(one)) + "\n" for one in history[:MOST_ORIGINS]]
    write_atomically(folder / ZIP_NAME, "".join(lines))
    return True


def _is_there(path: Path, content: bytes) -> bool:
    return path.exists() and read_regular(path, MOST_BYTES) == content


def _is_unfinished(folder: Path, sent: Submission) -> bool:
    """Whether a command was ended while it took this hand-in: there is nothing else in the folder.

    Its time is written after its files, and where it came from last.
    """
    known = {**sent.files, STAMP: f"{sent.time}\n".encode()}
    return all(_is_there(folder / f, text) for f, text in known.items() if (folder / f).exists())


def _folder_of(course: Course, name: str) -> str:
    """The name of a student's folder, which may be written a little differently."""
    name = unicodedata.normalize("NFC", name)
    if (course.root / "submitted" / name).is_dir():
        return name
    folders = sorted(p.name for p in (course.root / "submitted").glob("*") if p.is_dir())
    return next((f for f in folders if known_as(f) == known_as(name)), name)


def _is_later(sent: Submission, folder: Path, origin: Origin, last: Origin) -> bool:
    """Whether a hand-in is newer than the last one that is there."""
    try:
        there = _moment(last.since) if last.since else time_in(folder)
    except TitoError:
        return True
    return there is None or _moment(origin.since or sent.time) > there


def _moment(time: str) -> datetime:
    """A time in UTC, as nbgrader compares them."""
    return time_of(Submission("", "", time, {})).replace(tzinfo=None)


def _is_of_the_same(origin: Origin, before: list[Origin]) -> bool:
    """Whether a hand-in seems to be of the student who handed in before."""
    desks = {one.desk for one in before if one.desk}
    if desks:
        return origin.desk in desks
    return not before or origin.sender in {one.sender for one in before}


def _of_other_modules(folder: Path) -> list[Origin]:
    """Where a student's hand-ins for other modules came from."""
    return [one for other in folder.parent.glob(f"*/{ZIP_NAME}") for one in origins(other.parent)]


def origins(folder: Path) -> list[Origin]:
    """The zip files that a submission came in, the newest first; nothing if it came in none."""
    try:
        text = read_regular(folder / ZIP_NAME, LONGEST_ORIGIN).decode("utf-8", "replace")
    except (OSError, TitoError):
        return []
    first, *others = text.splitlines() or [""]
    if first and not first.startswith("{"):  # as it was written before there were desks
        return [Origin(first, student=folder.parent.name)]
    return [one for line in (first, *others) if (one := _origin(line))]


def _origin(line: str) -> Origin | None:
    try:
        data = json.loads(line)
        known = (str(data[key]) for key in ("zip", "desk", "student"))
        return Origin(*known, *(str(data.get(key, "")) for key in ("since", "kit")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def notes_of_origin(folder: Path) -> list[str]:
    """A note of the zip file that a submission came in."""
    return [printable(f"taken from {one.zip}") for one in origins(folder)[:1]]


def _by_student(course: Course, sent: list[tuple[str, Submission]]) -> dict[str, list[str]]:
    """The names of the zip files in each student's name."""
    found = defaultdict(list)
    for name, submission in sent:
        found[_folder_of(course, submission.student)].append(name)
    return found

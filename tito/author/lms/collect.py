"""Collecting hand-ins out of what a learning platform lets one download."""

from __future__ import annotations

import contextlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tito.author.lms.downloads import Delivered, delivered_in, opened
from tito.author.lms.senders import Directory, Sender
from tito.course import Course, Module
from tito.errors import StorageError, TitoError, UsageError
from tito.files import MOST_BYTES, printable, read_regular, write_atomically
from tito.grading.gradebook import gradebook
from tito.grading.ledger import alone
from tito.grading.pool import LOCK
from tito.grading.read_zip import submission_of, time_of, unpacked
from tito.grading.roster import roster_of
from tito.grading.submissions import notebook_like, released_names
from tito.grading.unpacking import SAFE_NAME, InAnothersName, take_in
from tito.source.modules_and_others import Assigned, all_assignments
from tito.submission import RECORD, TIME, Submission, zip_bytes

ASIDE = "not-collected"  # where lies what could not be collected
TAKEN, AS_BEFORE, OLDER = "collected", "as before", "older than what is there"
WAITS, ELSEWHERE = "waits for you", "of another module"
UNKNOWN, REFUSED, OTHER = "unknown", "refused", "no hand-in"
LEFT_OVER = (UNKNOWN, REFUSED, OTHER)  # what somebody has to look at


@dataclass(frozen=True)
class Outcome:
    """What became of one hand-in of a download.

    Attributes
    ----------
    name : str
        What it is called.
    state : str
        One of the words above.
    student, module : str
        Whose, and of which module, if that is known.
    note : str
        What the instructor should know.
    """

    name: str
    state: str
    student: str = ""
    module: str = ""
    note: str = ""


@dataclass(frozen=True)
class HandIn:
    """One hand-in of a download, before it is known whose it is."""

    delivered: Delivered
    sent: Submission
    module: Assigned
    has_receipt: bool


def collect(course: Course, path: Path, only: Assigned | None = None) -> list[Outcome]:
    """Put the hand-ins of a download where `grade` looks for them.

    Parameters
    ----------
    course : Course
        The course.
    path : Path
        A zip file of Canvas, Moodle or Gradescope, or a folder that it was unpacked to.
    only : Module or Ordinary, optional
        Only those of this module; a notebook without a receipt is taken to be of it.

    Returns
    -------
    list of Outcome
        One for each file, or hand-in that was unpacked.

    Raises
    ------
    UsageError
        If there is no such download, or `grade` is running.
    """
    _refuse_own_folders(course, path)
    with alone(course.root / LOCK), opened(path) as entries:
        if not entries:
            raise UsageError(f"{printable(path.name)} is empty; download it once more")
        return Collecting(course, only).all(delivered_in(entries))


def _refuse_own_folders(course: Course, path: Path) -> None:
    """Refuse to collect from the course itself."""
    folder, own = path.resolve(), course.root.resolve()
    if own.is_relative_to(folder) or folder.is_relative_to(own / "submitted"):
        raise UsageError(f"{path} is the course's own folder; name a download outside of it")


class Collecting:
    """One run of `collect`."""

    def __init__(self, course: Course, only: Assigned | None):
        self.course, self.only = course, only
        self.assignments = {one.folder: one for one in all_assignments(course)}
        self.released = released_names([only] if only else list(self.assignments.values()))
        with gradebook(course) as book:
            self.directory = Directory(roster_of(book))
            self.due = {one.name: one.duedate for one in book.assignments}
            self.extended = {
                (one.name, submission.student_id): submission.duedate
                for one in book.assignments
                for submission in one.submissions
                if one.duedate
            }
        self.notes: dict[str, list[str]] = defaultdict(list)
        self.bare_ones: set[tuple[str, str]] = set()

    def all(self, delivered: Sequence[Delivered]) -> list[Outcome]:
        """Collect everything in its order; each is read twice, so that one at most is in memory."""
        outcomes: list[Outcome] = []
        order: list[tuple[tuple, Delivered, int]] = []
        for one in delivered:
            with self.guarded(one, outcomes):
                hand_ins = self.hand_ins_in(one)
                order += [(_order(h), one, number) for number, h in enumerate(hand_ins)]
        for _, one, number in sorted(order, key=lambda found: found[0]):
            with self.guarded(one, outcomes):
                outcomes.append(self.take(self.hand_ins_in(one)[number]))
        return outcomes

    @contextlib.contextmanager
    def guarded(self, one: Delivered, outcomes: list[Outcome]) -> Iterator[None]:
        """Put aside what cannot be collected; whatever is wrong with it, the others are."""
        try:
            yield
        except Aside as aside:
            outcomes.append(self.put_aside(one, aside))
        except StorageError:
            raise
        except Exception as error:
            outcomes.append(self.put_aside(one, Aside(REFUSED, error)))

    def hand_ins_in(self, one: Delivered) -> list[HandIn]:
        """The hand-ins that are in something delivered; several, if it holds several notebooks."""
        files = self.files_of(one)
        if RECORD in files:
            sent = submission_of(files) if len(one.entries) == 1 else _unpacked_by_others(files)
            module = self.assignments.get(sent.module)
            if not isinstance(module, Module):
                raise Aside(UNKNOWN, f"its receipt says {sent.module[:40]!r}, which is no module")
            return [HandIn(one, sent, module, True)]
        notebooks = {name: c for name, c in files.items() if name.endswith(".ipynb")}
        if not notebooks:
            raise Aside(OTHER, "it is neither what tito submit makes nor a notebook")
        return [self.bare(one, name, content) for name, content in notebooks.items()]

    def files_of(self, one: Delivered) -> dict[str, bytes]:
        """The files of a hand-in, by name."""
        if len(one.entries) > 1 or one.entries[0].name == RECORD:
            return {entry.name: entry.read() for entry in one.entries}
        (entry,) = one.entries
        suffix = Path(entry.name).suffix.lower()
        if suffix == ".zip":
            return unpacked(entry.read())
        return {entry.name: entry.read()} if suffix == ".ipynb" else {}

    def bare(self, one: Delivered, name: str, content: bytes) -> HandIn:
        """A notebook without a receipt: of which module it is, its cells say."""
        found = notebook_like(content, self.released)
        if found is None:
            where = self.only.folder if self.only else "any assignment"
            raise Aside(UNKNOWN, f"its notebook {name[:60]!r} does not seem to be of {where}")
        module, expected = found
        time = (one.time or datetime.now(UTC)).strftime(TIME)
        return HandIn(one, Submission("", module.folder, time, {expected: content}), module, False)

    def take(self, hand_in: HandIn) -> Outcome:
        """Put a hand-in where `grade` looks for it."""
        one, module = hand_in.delivered, hand_in.module
        if self.only and module.folder != self.only.folder:
            return Outcome(one.name, ELSEWHERE, hand_in.sent.student, module.folder)
        student, vouched, note = self.whose(hand_in)
        sent, since = self.with_its_time(hand_in, student)
        if not hand_in.has_receipt:  # the newest comes first, and one is enough
            if (student, module.folder) in self.bare_ones:
                return Outcome(one.name, OLDER, student, module.folder)
            self.bare_ones.add((student, module.folder))
            if self.holds(module, student, sent):
                return self.done(one, AS_BEFORE, student, module)
        try:
            new = take_in(
                self.course, module, one.name, sent, self.notes, vouched=vouched, since=since
            )
        except InAnothersName as error:
            name = f"{one.name.removesuffix('.zip')}.zip"
            write_new(self.course.root / "submitted" / name, zip_bytes(hand_in.sent))
            why = str(error).replace(repr(one.name), repr(name))
            return Outcome(one.name, WAITS, student, module.folder, why)
        if not new:
            old = AS_BEFORE if self.holds(module, student, sent) else OLDER
            return self.done(one, old, student, module)
        if hand_in.has_receipt and one.sender.late and self.is_in_time(sent):
            note = "; ".join(filter(None, (note, "late by Canvas, and in time by its receipt")))
        return self.done(one, TAKEN, student, module, note)

    def done(
        self, one: Delivered, state: str, student: str, module: Assigned, note: str = ""
    ) -> Outcome:
        """What became of a hand-in whose owner is known; nothing of it lies aside any more."""
        with contextlib.suppress(OSError):
            (self.course.root / ASIDE / one.name).unlink(missing_ok=True)
        return Outcome(one.name, state, student, module.folder, note)

    def whose(self, hand_in: HandIn) -> tuple[str, bool, str]:
        """Whose a hand-in is, whether the platform says so too, and what is to be said of it.

        Raises
        ------
        Aside
            If nobody knows, or the receipt and the platform name different students.
        """
        signed, sender = hand_in.sent.student, hand_in.delivered.sender
        platform, sent_by = sender.platform, self.directory.who(sender)
        own = self.directory.called(signed) if hand_in.has_receipt else ""
        if own and own in sent_by:
            return own, len(sent_by) == 1 or sender.students > 1, ""
        if own and sent_by:
            raise Aside(
                UNKNOWN,
                f"its receipt is in the name of {own}, and by {platform} "
                f"{' or '.join(sent_by)} handed it in; ask both",
            )
        if len(sent_by) == 1 and sender.students <= 1:
            note = f"its receipt says {signed!r}" if hand_in.has_receipt else ""
            return sent_by[0], True, note
        if hand_in.has_receipt:
            name = own or unicodedata.normalize("NFC", signed)
            if not SAFE_NAME.fullmatch(name) or name.startswith("."):
                raise Aside(REFUSED, f"{name[:80]!r} cannot be a student's name")
            return name, False, self.doubts(own, hand_in.delivered.sender)
        raise Aside(UNKNOWN, _nobody(sender.platform, sender.names, sent_by))

    def doubts(self, own: str, sender: Sender) -> str:
        """What is to be said of a hand-in that only its receipt gives to a student."""
        if not self.directory.roster:
            return ""
        if not own:
            return "not in the roster"
        called = ", ".join(sender.names)[:80]
        return f"the roster does not know {called!r}, as {sender.platform} writes" if called else ""

    def with_its_time(self, hand_in: HandIn, student: str) -> tuple[Submission, str]:
        """A hand-in in the name of its student and with its time; and, if that is not all that is
        known, when it was there at the latest.

        What Canvas and Moodle write beside a file is the time of the download. So what was not
        late by Canvas, and all of Moodle, was handed in by the due date at the latest.
        """
        sent, sender = replace(hand_in.sent, student=student), hand_in.delivered.sender
        if sender.time:
            return replace(sent, time=sender.time.strftime(TIME)), ""
        due = self.due_of(sent)
        if hand_in.has_receipt or not due or sender.late or not sender.platform:
            return sent, ""
        return replace(sent, time=min(time_of(sent), due).strftime(TIME)), sent.time

    def due_of(self, sent: Submission) -> datetime | None:
        """When a hand-in is due, with an extension of its student."""
        due = self.extended.get((sent.module, sent.student)) or self.due.get(sent.module)
        return due.replace(tzinfo=UTC) if due else None

    def is_in_time(self, sent: Submission) -> bool:
        """Whether a hand-in is in time, as far as its own time goes."""
        due = self.due_of(sent)
        return due is not None and time_of(sent) <= due

    def holds(self, module: Assigned, student: str, sent: Submission) -> bool:
        """Whether just this notebook is there already."""
        folder = self.course.root / "submitted" / student / module.folder
        paths = {folder / name: content for name, content in sent.files.items()}
        return all(p.exists() and read_regular(p, MOST_BYTES) == c for p, c in paths.items())

    def put_aside(self, one: Delivered, aside: Aside) -> Outcome:
        """Lay what could not be collected where the instructor finds it."""
        where = self.course.root / ASIDE / one.name
        for entry in one.entries:
            path = where if len(one.entries) == 1 else where / Path(entry.name).name
            try:
                write_new(path, entry.read())
            except StorageError:
                raise
            except Exception:  # it cannot be read, or not be written by this name
                return Outcome(one.name, aside.state, note=str(aside))
        return Outcome(one.name, aside.state, note=str(aside))


class Aside(TitoError):
    """Why something cannot be collected."""

    def __init__(self, state: str, reason: object):
        super().__init__(str(reason) or type(reason).__name__)
        self.state = state


def _unpacked_by_others(files: dict[str, bytes]) -> Submission:
    """The submission in a folder, in which other files may lie beside those of `submit`."""
    try:
        return submission_of(files)
    except TitoError:
        ours = {n: c for n, c in files.items() if n == RECORD or n.endswith(".ipynb")}
        return submission_of(ours)


def write_new(path: Path, content: bytes) -> None:
    """Write a file, unless it is there with the same content."""
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def _order(hand_in: HandIn) -> tuple:
    """Those with receipts first, the older before the newer; then the others, the newest first."""
    sender = hand_in.delivered.sender
    time = (sender.time or time_of(hand_in.sent)).timestamp()
    if hand_in.has_receipt:
        return False, time, 0, hand_in.delivered.name
    return True, -sender.order, -time, hand_in.delivered.name


def _nobody(platform: str, names: tuple[str, ...], ids: list[str]) -> str:
    if len(ids) > 1:
        return f"it has no receipt, and it may be of {', '.join(ids)}"
    if names:
        called = ", ".join(names)[:80]
        return f"it has no receipt, and the roster knows no {called!r}, as {platform} writes it"
    return "it has no receipt, and its name says nothing of who sent it"

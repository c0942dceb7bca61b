"""Grading a class: on all cores or on a cluster, resumable, and each submission exactly once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path

from tito import sandbox
from tito.course import Course, Module
from tito.errors import StorageError, TitoError, UsageError
from tito.files import printable
from tito.grading.assignment import Assignment
from tito.grading.executors import Place, place
from tito.grading.ledger import DamagedRow, Entry, Ledger, alone
from tito.grading.live_view import Progress
from tito.grading.read_zip import known_as
from tito.grading.report import Graded
from tito.grading.stamps import time_in
from tito.grading.submissions import (
    find_notebooks,
    handed_in,
    in_one_name,
    refuse_name,
    students_of,
)
from tito.grading.task import Handed, digest_of, grade_submission
from tito.grading.unpacking import Unpacked, notes_of_origin, origins, unpack_zips
from tito.grading.versions import notes_on_release
from tito.grading.writer import Writer
from tito.notebook.read import notebook_of
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.inspection import inspect_submission
from tito.steps.notes import arranged

LEDGER, LOCK = ".tito/ledger.db", ".tito/grading.lock"
IN_ADVANCE = 2  # submissions for each job that are read before their turn comes


class Interrupted(TitoError):
    """Ctrl-C: what was graded is kept."""

    exit_code = 130


@dataclass
class Waiting:
    """A submission that is being graded."""

    student: str
    handed: Handed | None
    digest: str
    notes: list[str]


def grade(
    module: Assigned,
    prepare: Callable[[Assigned], Assignment],
    students: tuple[str, ...] = (),
    force: bool = False,
    progress: Progress | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    sandboxed: bool = True,
    take: tuple[str, ...] = (),
) -> list[Graded]:
    """Grade the submissions of a module; whatever one of them does, the others are graded.

    Parameters
    ----------
    module : Module or Ordinary
        Which module or other assignment.
    prepare : callable
        Gives what submissions are graded by, once it is certain that there are any.
    students : tuple of str
        Only these; by default everybody who handed in.
    force : bool
        Grade again what has been graded and has not changed; marks given by hand are kept.
    progress : Progress, optional
        Told after each submission.
    jobs : int, optional
        How many at once; by default one more than there are cores.
    scheduler : str, optional
        The address of a Dask scheduler whose workers grade.
    sandboxed : bool
        Whether submissions are run in the sandbox, if the settings say nothing else.
    take : tuple of str
        Zip files that wait for the instructor, and are to be graded.

    Returns
    -------
    list of Graded
        One for each zip file that could not be used, and one for each student.

    Raises
    ------
    UsageError
        If nothing has been handed in, or a named student has not.
    TitoError
        If there is no sandbox here.
    Interrupted
        If it was stopped with Ctrl-C; says how to go on.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs} is less than one; give a number of at least 1")
    course = Course(module.root)
    with alone(module.root / LOCK), sandbox_settings(course, sandboxed):
        if scheduler is None:
            sandbox.choose(sandbox.current())
        unpacked = unpack_zips(course, module, take)
        chosen = _chosen(module, students, bool(unpacked.aside))
        assignment = prepare(module)
        with _opened(module, assignment, unpacked) as grading:
            return grading.grade(chosen, force, progress or Progress(), jobs, scheduler)


@contextlib.contextmanager
def sandbox_settings(course: Course, sandboxed: bool = True) -> Iterator[None]:
    """Make the course's settings of the sandbox those of this process, for all steps of grading."""
    from tito.sandbox.settings import Sandbox

    config, before = configuration(course.root), sandbox.current()
    settings = config.Sandbox.copy()
    if not sandboxed:
        config.Sandbox.enabled = False
    sandbox.use(Sandbox(config=config).policy())
    try:
        yield
    finally:
        config.Sandbox = settings
        sandbox.use(before)


def _chosen(module: Assigned, students: tuple[str, ...], there_are_zips: bool) -> list[str]:
    """Whose submissions are meant."""
    present = students_of(Course(module.root), module)
    meant = {name: _called(name, present) for name in students}
    if missing := sorted(printable(name) for name, found in meant.items() if not found):
        raise UsageError(f"{', '.join(missing)} has not handed in {module.folder}")
    if not present and not there_are_zips:
        raise UsageError(
            f"nothing was handed in for {module.folder}; put notebooks into "
            f"submitted/STUDENT/{module.folder}/, or zip files into submitted/"
        )
    return list(dict.fromkeys(name for found in meant.values() for name in found)) or present


def _called(name: str, present: list[str]) -> list[str]:
    """Those who have a name, written just so or a little differently."""
    return [name] if name in present else [s for s in present if known_as(s) == known_as(name)]


@contextlib.contextmanager
def _opened(module: Assigned, assignment: Assignment, unpacked: Unpacked) -> Iterator[Grading]:
    ledger, writer = Ledger(module.root / LEDGER), Writer(module)
    try:
        yield Grading(module, assignment, ledger, writer, unpacked)
    finally:
        writer.close()
        ledger.close()


class Grading:
    """One run of `grade`."""

    def __init__(
        self,
        module: Assigned,
        assignment: Assignment,
        ledger: Ledger,
        writer: Writer,
        unpacked: Unpacked,
    ):
        self.module, self.ledger, self.writer, self.unpacked = module, ledger, writer, unpacked
        self.assignment, self.digest = assignment.to_bytes(), assignment.digest
        self.seed = ledger.seed(module.folder)
        self.marks: dict[str, Graded] = {}
        self.renamed: dict[str, list[str]] = {}
        self.namesakes = in_one_name(students_of(Course(module.root), module))
        self.roster = writer.roster()
        self.released = b"" if not isinstance(module, Module) else module.released.read_bytes()

    def grade(
        self,
        students: list[str],
        force: bool,
        progress: Progress,
        jobs: int | None,
        scheduler: str | None,
    ) -> list[Graded]:
        """Grade what has to be graded, and write what has to be written."""
        self.report, self.force = dict.fromkeys(students), force
        self.marks = self.writer.marks()
        self.entries = self.ledger.entries(self.module.folder)
        todo = [student for student in students if self._is_open(student, force)]
        done = [*self.unpacked.aside, *(graded for graded in self.report.values() if graded)]
        total = len(todo) + sum(graded.new for graded in done)
        with place(jobs, scheduler) if todo else contextlib.nullcontext(Place(None, 0)) as where:
            progress.begin(total, where.jobs, where.dashboard)
            try:
                for graded in done:
                    progress.done(graded)
                self._work(todo, where, progress)
            finally:
                progress.end()
        if todo:
            self.ledger.next_seed(self.module.folder)
        return [*self.unpacked.aside, *self.report.values()]

    def _is_open(self, student: str, force: bool) -> bool:
        """Whether a submission has to be graded; if not, it is in the report afterwards."""
        try:
            waiting = self._read(student)
            entry = self.entries.get(student)
            if force or entry is None or entry.digest != waiting.digest:
                for name, content in waiting.handed.notebooks.items():
                    notebook_of(content, f"{student}'s {name}.ipynb")
                return True
        except StorageError:
            raise
        except Exception as error:
            self._failed(student, "unreadable", error)
            return False
        return self._is_damaged_in_the_ledger(waiting, entry)

    def _is_damaged_in_the_ledger(self, waiting: Waiting, entry: Entry) -> bool:
        """Write a result that was kept, if need be; whether it cannot be read any more."""
        try:
            self._report(waiting, entry, self._write(waiting, entry))
        except StorageError:
            raise
        except DamagedRow:
            return True
        except Exception as error:
            self._failed(waiting.student, "crashed", error, waiting.notes)
        return False

    def _read(self, student: str) -> Waiting:
        """A submission, ready to be graded."""
        folder = self._folder(student)
        refuse_name(student)
        inspect_submission(folder)
        time_in(folder)
        found = self.renamed.get(student, []) + find_notebooks(self.module, folder)
        self.renamed[student] = list(dict.fromkeys(found))  # one is renamed only once
        handed = handed_in(self.module, student)
        notes = self._origin(student) + self.renamed[student] + self._of_old(student, handed)
        return Waiting(student, handed, digest_of(self.digest, handed.digest), notes)

    def _folder(self, student: str) -> Path:
        return self.module.root / "submitted" / student / self.module.folder

    def _origin(self, student: str) -> list[str]:
        """What is to be said of where a submission came from."""
        return notes_of_origin(self._folder(student)) + self.unpacked.notes.get(student, [])

    def _of_old(self, student: str, handed: Handed) -> list[str]:
        """What is to be said of a notebook that was made from an older release."""
        if not isinstance(self.module, Module):
            return []
        kit = next((one.kit for one in origins(self._folder(student))), "")
        return [
            sentence
            for content in handed.notebooks.values()
            for sentence in notes_on_release(
                self.module.root, self.module.folder, content, self.released, kit
            )
        ]

    def _work(self, todo: list[str], where: Place, progress: Progress) -> None:
        """Keep all jobs busy until everything is graded and written."""
        queue, running = iter(todo), {}
        try:
            while True:
                for student in _next(queue, where.jobs * IN_ADVANCE - len(running)):
                    running.update(self._submit(student, where, progress))
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    progress.done(self._finish(running.pop(future), future))
        except KeyboardInterrupt:
            for future in running:
                future.cancel()
            raise Interrupted(
                f"stopped; what was graded is kept, and this goes on with the rest: tito grade "
                f"{self.module.folder}" + " (without --force)" * self.force
            ) from None

    def _submit(self, student: str, where: Place, progress: Progress) -> dict[Future, Waiting]:
        """Hand out a submission."""
        try:
            waiting = self._read(student)
        except StorageError:
            raise
        except Exception as error:  # it was removed since
            progress.done(self._failed(student, "unreadable", error))
            return {}
        seed = self._seed(waiting)
        submission, waiting.handed = waiting.handed.to_bytes(), None
        try:
            future = where.executor.submit(grade_submission, self.assignment, submission, seed)
        except Exception as error:
            raise TitoError(
                f"no more work can be handed out ({error}); what was graded is kept, and the same "
                "command goes on with the rest"
            ) from None
        return {future: waiting}

    def _seed(self, waiting: Waiting) -> int:
        """The seed of this run, unless just the same has been graded: then the mark is to stay."""
        entry = self.entries.get(waiting.student)
        if entry and entry.digest == waiting.digest:
            return entry.summary.get("seed", self.seed)
        return self.seed

    def _finish(self, waiting: Waiting, future: Future) -> Graded:
        """Keep a result in the ledger, and write it."""
        try:
            result = future.result()
        except Exception as error:  # of a cluster whose workers die on it
            return self._failed(waiting.student, "crashed", error, waiting.notes)
        if "error" in result:
            return self._failed(waiting.student, result["state"], result["error"], waiting.notes)
        try:
            entry = self._keep(waiting, result)
            self._write(waiting, entry)
            return self._report(waiting, entry, True)
        except StorageError:
            raise
        except Exception as error:  # of what nbgrader or the file system does not take
            return self._failed(waiting.student, "crashed", error, waiting.notes)

    def _keep(self, waiting: Waiting, result: dict) -> Entry:
        """Keep a result in the ledger."""
        summary = {"state": result["state"], "seed": result["seed"]}
        summary |= {key: _said(result["notebooks"], key) for key in ("notes", "flags")}
        entry = Entry(waiting.digest, summary)
        self.ledger.keep(self.module.folder, waiting.student, entry, result)
        return entry

    def _write(self, waiting: Waiting, entry: Entry) -> bool:
        """Write a result unless it is written already; returns whether it was."""
        student, circumstances = waiting.student, self.writer.circumstances(waiting.student)
        is_there = student in self.marks and self.writer.is_there(student)
        if entry.written == circumstances and is_there:
            return False
        result = self.ledger.result(self.module.folder, student)
        self.writer.write(student, result)
        self.ledger.mark_written(self.module.folder, student, entry.digest, circumstances)
        self.marks[student] = self.writer.mark(student)
        return True

    def _report(self, waiting: Waiting, entry: Entry, new: bool) -> Graded:
        """What became of a submission that has a mark."""
        graded, summary = self.marks[waiting.student], entry.summary
        late = [f"late: {graded.penalty:g} points were taken off"] if graded.penalty else []
        differ = [f"marked by hand: {', '.join(graded.differ)}"] if graded.differ else []
        stranger = self.roster and waiting.student not in self.roster
        unknown = ["not in the roster"] if stranger else []
        notes = arranged([*late, *differ, *unknown, *waiting.notes, *summary["notes"]])
        graded.notes = [*map(printable, notes)]
        namesakes = [self.namesakes[graded.student]] if graded.student in self.namesakes else []
        graded.flags = [*map(printable, [*namesakes, *summary["flags"]])]
        graded.state = "flagged" if graded.flags else summary["state"]
        graded.new = new
        self.report[waiting.student] = graded
        return graded

    def _failed(self, student: str, state: str, error, notes: list[str] = ()) -> Graded:
        """What became of a submission that has no mark; an earlier one is kept."""
        reason = str(error).replace(f"{self.module.root}/", "") or type(error).__name__
        graded = Graded(student, notes=[*(notes or self._origin(student))])
        self.report[student] = graded.failed(state, reason)
        if self.writer.is_there(student):
            graded.notes.append("its earlier mark and notebook are kept")
        return graded


def _said(notebooks: dict[str, str], key: str) -> list[str]:
    """The notes or the flags on graded notebooks; of several, each with the notebook's name."""
    found = {n: json.loads(text)["metadata"].get("tito", {}) for n, text in notebooks.items()}
    before = {name: f"{name}: " if len(found) > 1 else "" for name in found}
    return [before[name] + line for name, one in found.items() for line in one.get(key, [])]


def _next(items: Iterator[str], most: int) -> list[str]:
    """The next few."""
    return [item for _, item in zip(range(max(most, 0)), items, strict=False)]

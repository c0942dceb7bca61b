"""The one writer: puts results into nbgrader's gradebook and into autograded/."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import CheckCellMetadata as NbgraderCheckCellMetadata
from nbgrader.utils import find_all_files
from sqlalchemy import func, select

from tito.files import MOST_BYTES, explained, read_regular, write_atomically
from tito.grading.assignment import SAVING
from tito.grading.gradebook import be_quiet, in_gradebook
from tito.grading.record import CheckCellMetadata
from tito.grading.regrade_requests import keep_requests
from tito.grading.report import Graded
from tito.grading.roster import roster_of
from tito.grading.stamps import LONGEST_STAMP, STAMP, time_in
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.following import follow_decisions
from tito.steps.save_marks import SEEN, cells_of, forget

READ_ONLY = 0o444  # nbgrader's permissions for what was graded


class OneTransaction(Gradebook):
    """A gradebook that changes nothing until a whole submission is in it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.db.commit = lambda: None  # nbgrader commits after each grade
        self.of_notebook: dict[tuple, dict] = {}  # grades or comments that were looked up together

    def close(self) -> None:
        """Nothing: nbgrader's steps close it after each submission."""

    def shut(self) -> None:
        """Close it."""
        super().close()

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """All changes are sent together at the end, and not before each question."""
        self.db.flush()
        with self.db().no_autoflush:
            yield
        self.db.flush()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within, or nothing of it."""
        self.of_notebook.clear()
        try:
            yield
            self.db().commit()
        except BaseException:
            self.db().rollback()
            raise
        finally:
            self.of_notebook.clear()
            self.db.remove()

    def find_grade(self, grade_cell: str, notebook: str, assignment: str, student: str) -> Grade:
        """As nbgrader; all of a notebook are looked up together."""
        found = self._of_notebook(Grade, notebook, assignment, student).get(grade_cell)
        return found or super().find_grade(grade_cell, notebook, assignment, student)

    def find_comment(
        self, solution_cell: str, notebook: str, assignment: str, student: str
    ) -> Comment:
        """As nbgrader; all of a notebook are looked up together."""
        found = self._of_notebook(Comment, notebook, assignment, student).get(solution_cell)
        return found or super().find_comment(solution_cell, notebook, assignment, student)

    def _of_notebook(
        self, kind: type[Grade] | type[Comment], notebook: str, assignment: str, student: str
    ) -> dict[str, Grade | Comment]:
        """The grades or comments of a submitted notebook, by the names of their cells; those of
        tasks come after others of the same name."""
        key = kind, notebook, assignment, student
        if key not in self.of_notebook:
            rows = (
                self.db.query(BaseCell.type, BaseCell.name, kind)
                .select_from(kind)
                .join(BaseCell, BaseCell.id == kind.cell_id)
                .join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
                .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
                .join(
                    SubmittedAssignment,
                    SubmittedAssignment.id == SubmittedNotebook.assignment_id,
                )
                .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
                .filter(Notebook.name == notebook, Assignment.name == assignment)
                .filter(SubmittedAssignment.student_id == student)
            )
            tasks_first = sorted(rows, key=lambda row: row[0] != "TaskCell")
            self.of_notebook[key] = {name: one for _, name, one in tasks_first}
        return self.of_notebook[key]


class Writer:
    """Writes results, one submission after another.

    Parameters
    ----------
    module : Module or Ordinary
        Which module or other assignment.
    """

    def __init__(self, module: Assigned):
        be_quiet()
        self.module = module
        self.config = configuration(module.root)
        self.directory = CourseDirectory(config=self.config)
        converter = Autograde(coursedir=self.directory, config=self.config)
        steps = converter.autograde_preprocessors
        first = next((n for n, s in enumerate(steps) if s.__name__ in SAVING), len(steps))
        self.steps = [
            CheckCellMetadata if s is NbgraderCheckCellMetadata else s for s in steps[first:]
        ]
        self.kept = converter.exclude_overwriting.get(module.folder, [])
        with explained(f"open the gradebook in {module.root}"), self._usable():
            self.book = OneTransaction(self.directory.db_url, self.directory.course_id)

    def _usable(self):
        return in_gradebook(self.directory.db_url)

    def close(self) -> None:
        """Close the gradebook."""
        self.book.shut()

    def graded_folder(self, student: str) -> Path:
        """Where the graded notebooks of a student are."""
        return self.module.root / "autograded" / student / self.module.folder

    def is_there(self, student: str) -> bool:
        """Whether there is a graded notebook of a student."""
        return any((self.graded_folder(student) / name).exists() for name in self.module.notebooks)

    def circumstances(self, student: str) -> str:
        """What decides a mark besides the result: the due date, and when it was handed in."""
        stamp = self._handed_in(student) / STAMP
        time = (
            read_regular(stamp, LONGEST_STAMP).decode("utf-8", "replace") if stamp.exists() else ""
        )
        with self._usable():
            due, extensions = self._due
        late = str({name: self.config[name] for name in sorted(self._late_sections())})
        steps = [step.__name__ for step in self.steps]
        facts = [time, str(due), str(extensions.get(student)), late, steps]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _late_sections(self) -> set[str]:
        """The sections of the settings that decide how late submissions are penalised."""
        plugin = str(self.config.get("AssignLatePenalties", {}).get("plugin_class", ""))
        plugin = re.findall(r"\w+", plugin)[-1:]
        return {name for name in self.config if "Late" in name or name in plugin}

    @functools.cached_property
    def _due(self) -> tuple[object, dict[str, object]]:
        """When the module is due, and the extensions that students were given."""
        assignment = self.book.find_assignment(self.module.folder)
        due = assignment.duedate, {s.student_id: s.extension for s in assignment.submissions}
        self.book.db.remove()
        return due

    def _handed_in(self, student: str) -> Path:
        return self.module.root / "submitted" / student / self.module.folder

    def write(self, student: str, result: dict) -> None:
        """Write one result: the marks in one transaction, then the notebook.

        Parameters
        ----------
        student : str
            Whose.
        result : dict
            From `tito.grading.task.grade_submission`, with a notebook.
        """
        graded = result["notebooks"]
        with self._usable(), self.book.transaction(), self._steps_use_this_book():
            with self.book.step():
                self.book.update_or_create_student(student)
            time = time_in(self._handed_in(student))
            stamp = {"timestamp": time} if time else {}
            with self.book.step():
                self.book.update_or_create_submission(self.module.folder, student, **stamp)
            for name in [Path(name).stem for name in self.module.notebooks]:
                if name in graded:
                    graded = graded | {name: self._save(student, name, graded[name])}
                else:
                    self._save_missing(student, name)
            with self.book.step():
                follow_decisions(self.book, self.config, self.module.folder, student)
        self._write_files(student, graded)

    def _save(self, student: str, name: str, text: str) -> str:
        """Put the marks of one notebook into the gradebook; returns it as it is kept."""
        from nbformat import v4

        nb = v4.reads(text)
        resources = {
            "nbgrader": {
                "student": student,
                "assignment": self.module.folder,
                "notebook": name,
                "db_url": self.directory.db_url,
            },
            "metadata": {"path": str(self._handed_in(student))},
            SEEN: self._seen(student, name),
        }
        for step in self.steps:
            with self.book.step():
                nb, resources = step(config=self.config)(nb, resources)
        with self.book.step():
            keep_requests(self.book, self.module.folder, name, student, nb.cells)
        return v4.writes(nb)

    def _seen(self, student: str, name: str) -> dict[str, str] | None:
        """The cells of the notebook that formgrader shows until this one is written."""
        from nbformat import v4

        path = self.graded_folder(student) / f"{name}.ipynb"
        try:
            return cells_of(v4.reads(path.read_text(encoding="utf-8")))
        except Exception:  # there is none, or somebody has written into it
            return None

    def _save_missing(self, student: str, name: str) -> None:
        """Give a notebook that was not handed in 0 points, as nbgrader does; a mark that was given
        by hand, when there was one, is to be looked at again."""
        with self.book.step():
            notebook = self.book.find_submission_notebook(name, self.module.folder, student)
            was_there = forget(self.book.db, notebook) is not None
            for grade in notebook.grades:
                is_open = was_there or grade.needs_manual_grade
                grade.auto_score = 0.0
                grade.needs_manual_grade = grade.manual_score is not None and is_open

    @contextlib.contextmanager
    def _steps_use_this_book(self) -> Iterator[None]:
        """Have nbgrader's steps write into this gradebook, where each would open one of its own."""
        modules = {sys.modules[base.__module__] for step in self.steps for base in step.__mro__}
        places = [module for module in modules if hasattr(module, "Gradebook")]
        before = [module.Gradebook for module in places]
        for module in places:
            module.Gradebook = lambda *args, **kwargs: self.book
        try:
            yield
        finally:
            for module, kind in zip(places, before, strict=True):
                module.Gradebook = kind

    def _write_files(self, student: str, notebooks: dict[str, str]) -> None:
        """Write what nbgrader has in autograded/; no reader sees less than before."""
        folder = self.graded_folder(student)
        contents = self._files_of(self._handed_in(student)) | self._files_of_the_source
        contents |= {f"{name}.ipynb": text.encode() for name, text in notebooks.items()}
        for name, content in contents.items():
            _write(folder, name, content)
        for path in [p for p in folder.rglob("*") if p.is_file()]:
            if str(path.relative_to(folder)) not in contents:
                path.unlink()

    @functools.cached_property
    def _files_of_the_source(self) -> dict[str, bytes]:
        """The instructor's own, which may be links."""
        paths = self._paths_of(self.module.source_folder)
        return {n: path.read_bytes() for n, path in paths.items() if n not in self.kept}

    def _files_of(self, folder: Path) -> dict[str, bytes]:
        paths = self._paths_of(folder)
        return {name: read_regular(path, MOST_BYTES) for name, path in paths.items()}

    def _paths_of(self, folder: Path) -> dict[str, Path]:
        ignored = self.directory.ignore + ["*.ipynb"]
        paths = [Path(path) for path in find_all_files(str(folder), ignored)]
        return {str(path.relative_to(folder)): path for path in paths}

    def roster(self) -> set[str]:
        """The ids of those in the roster; nothing if there is none."""
        with self._usable():
            found = {person.id for person in roster_of(self.book)}
            self.book.db.remove()
        return found

    def marks(self) -> dict[str, Graded]:
        """The marks of everybody, as they are in the gradebook; late penalties follow them."""
        with self._usable():
            return self._marks()

    def _marks(self) -> dict[str, Graded]:
        with self.book.transaction():
            follow_decisions(self.book, self.config, self.module.folder)
        differ = self._marked_otherwise()
        by_hand = dict(
            self.book.db.execute(
                select(SubmittedAssignment.student_id, func.count())
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
                .where(SubmittedAssignment.assignment.has(name=self.module.folder))
                .where(Grade.needs_manual_grade.is_(True))
                .group_by(SubmittedAssignment.student_id)
            ).all()
        )
        late = self.book.db.query(SubmittedAssignment).filter(
            SubmittedAssignment.assignment.has(name=self.module.folder),
            SubmittedAssignment.late_submission_penalty > 0,
        )
        penalties = {submission.student_id: penalty_of(submission) for submission in late}
        found = {
            s["student"]: _graded(
                s["student"],
                s["score"],
                s["max_score"],
                by_hand.get(s["student"], 0),
                penalties.get(s["student"], 0),
                differ.get(s["student"], []),
            )
            for s in self.book.submission_dicts(self.module.folder)
        }
        self.book.db.remove()
        return found

    def mark(self, student: str) -> Graded:
        """The mark of one student, as it is in the gradebook."""
        with self._usable():
            return self._mark(student)

    def _mark(self, student: str) -> Graded:
        submission = self.book.find_submission(self.module.folder, student)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        by_hand = sum(bool(grade.needs_manual_grade) for grade in grades)
        penalty, differ = penalty_of(submission), list(filter(None, map(_otherwise, grades)))
        score, most = submission.score, submission.max_score
        graded = _graded(student, score, most, by_hand, penalty, differ)
        self.book.db.remove()
        return graded

    def _marked_otherwise(self) -> dict[str, list[str]]:
        """Of each student, which marks given by hand are not what the checks give now."""
        grades = (
            self.book.db.query(Grade)
            .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .where(SubmittedAssignment.assignment.has(name=self.module.folder))
            .where(Grade.manual_score != Grade.auto_score)
        )
        found: dict[str, list[str]] = {}
        for grade in grades:
            found.setdefault(grade.student.id, []).append(_otherwise(grade))
        return found


def penalty_of(submission: SubmittedAssignment) -> float:
    """The points that a submission loses for being late; not more than it has."""
    return min(submission.late_submission_penalty or 0.0, submission.score)


def _otherwise(grade: Grade) -> str:
    """A mark given by hand, and what the checks give now, if they give something else."""
    by_hand, now = grade.manual_score, grade.auto_score
    if by_hand is None or now is None or by_hand == now:
        return ""
    name = grade.name.removeprefix("test-")
    return f"{name} {by_hand:g} by hand, {now:g} of {grade.max_score:g} by its checks now"


def _graded(
    student: str, score: float, most: float, by_hand: int, penalty: float, differ: list[str]
) -> Graded:
    """A mark as the gradebook has it, after the penalty."""
    return Graded(student, score - penalty, most, by_hand, penalty=penalty, differ=differ)


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that was handed in; a folder that was there under its name goes, and so does a
    file where its folder is to be."""
    path = folder / name
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return
    for above in path.parents:
        if above.is_file() and folder in above.parents:
            above.unlink()
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    write_atomically(path, content)
    os.chmod(path, READ_ONLY)

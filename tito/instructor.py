"""The instructor's path: release, grade, feedback, scores; nbgrader does the work."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import logging
import re
import shutil
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tito import sandbox
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.export import notebook_cells, read_notebook
from tito.files import explained, printable, refuse_links, replaced_folder, write_atomically
from tito.grading.graft import needs_of, reference_answers
from tito.grading.pack import Pack
from tito.source import build

ZIP_NAME = "taken-from.txt"  # beside a submission, the name of the zip file it came in
SAFE_NAME = re.compile(r"[\w.@-]+")


@functools.cache
def configuration(root: Path):
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


def nbgrader_api(course: Course):
    """nbgrader's Python interface, with the settings of the course."""
    from nbformat.warnings import DuplicateCellId
    from nbgrader.apps import NbGraderAPI
    from sqlalchemy.exc import SAWarning

    warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own making
    warnings.simplefilter("ignore", DuplicateCellId)  # students copy cells; RestoreCells says so
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    with explained(f"open the gradebook in {course.root}"):
        return NbGraderAPI(config=configuration(course.root))


@contextlib.contextmanager
def gradebook(course: Course) -> Iterator:
    """The gradebook of the course."""
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory

    directory = CourseDirectory(config=configuration(course.root))
    with Gradebook(directory.db_url, directory.course_id) as book:
        yield book


def _reason(result: dict) -> str:
    """What went wrong, out of the log of an nbgrader command: the last line of its traceback."""
    log = f"{result.get('log') or ''}\n{result.get('error') or ''}"
    raised = re.findall(r"^\s*[\w.]+(?:Error|Exception|Entry|Timeout): (.+)$", log, flags=re.M)
    useful = [line for line in raised if not line.startswith("Please see")]
    logged = re.findall(
        r"^\[ERROR\] (?!There was an error|Please see|Traceback)(.+)$", log, flags=re.M
    )
    return [*useful, *logged, "nbgrader gave no reason"][0]


def release(module: Module) -> Path:
    """Build a module and make the notebook that students get.

    Parameters
    ----------
    module : Module
        Which module.

    Returns
    -------
    Path
        The released notebook.

    Raises
    ------
    TitoError
        If nbgrader refuses, for example because graded cells were added or renamed after a
        submission came in; the earlier release is kept.
    """
    build(module)
    check_reference(module)
    with explained(f"write to {module.released.parent}"):
        module.released.parent.parent.mkdir(parents=True, exist_ok=True)
    with replaced_folder(module.released.parent):
        api = nbgrader_api(Course(module.root))
        result = api.generate_assignment(module.folder, force=True, create=True)
        if not result["success"]:
            raise TitoError(f"{module.folder} cannot be released: {_reason(result)}")
    return module.released


def check_reference(module: Module) -> None:
    """Make sure that the hidden tests work on the reference, before anybody is graded by them.

    Raises
    ------
    TitoError
        If one fails; names it.
    """
    pack = Pack.of(module)
    # The course's own code may run without a sandbox where there is none.
    with contextlib.nullcontext() if sandbox.available() else sandbox.trusted():
        reference_answers(pack, 0)
        needs_of(module, pack)


@dataclass
class Graded:
    """What became of one submission.

    Attributes
    ----------
    student : str
        Whose it is.
    score, most : float or None
        The mark so far and the points there are; None without a mark.
    by_hand : int
        How many written answers are still to be marked.
    notes : list of str
        What the instructor should know.
    flags : list of str
        Why it looks as if it tried to get marks without solving.
    """

    student: str
    score: float | None = None
    most: float | None = None
    by_hand: int = 0
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def grade(
    module: Module,
    students: tuple[str, ...] = (),
    force: bool = True,
    on_progress: Callable[[Graded], None] = lambda graded: None,
    sandboxed: bool = True,
) -> list[Graded]:
    """Grade the submissions of a module; whatever one of them does, the others are graded.

    Parameters
    ----------
    module : Module
        Which module.
    students : tuple of str
        Only these; by default everybody who handed in.
    force : bool
        Grade again what has been graded; marks given by hand are kept.
    on_progress : callable
        Called after each submission.
    sandboxed : bool
        Whether submissions are run in the sandbox, if the settings say nothing else.

    Returns
    -------
    list of Graded
        One for each student, and one for each zip file that could not be used.

    Raises
    ------
    UsageError
        If nothing has been handed in, or a named student has not.
    TitoError
        If there is no sandbox here.
    """
    course = Course(module.root)
    with sandbox_settings(course, sandboxed):
        sandbox.choose(sandbox.current())
        return _grade(course, module, students, force, on_progress)


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


def _grade(
    course: Course, module: Module, students: tuple[str, ...], force: bool, on_progress: Callable
) -> list[Graded]:
    report = unpack_zips(course, module)
    folder = course.root / "submitted"
    present = sorted(p.parent.name for p in folder.glob(f"*/{module.folder}") if p.is_dir())
    missing = set(students) - set(present)
    if missing:
        raise UsageError(f"{', '.join(sorted(missing))} has not handed in {module.folder}")
    if not present and not report:
        raise UsageError(
            f"nothing was handed in for {module.folder}; put notebooks into "
            f"submitted/STUDENT/{module.folder}/, or zip files into submitted/"
        )
    if not module.released.exists():
        release(module)
    else:
        check_reference(module)
    for student in students or present:
        graded = _grade_one(module, student, force)
        report.append(graded)
        on_progress(graded)
    return report


def _grade_one(module: Module, student: str, force: bool) -> Graded:
    graded = Graded(student)
    folder = module.root / "submitted" / student / module.folder
    done = module.root / "autograded" / student / module.folder / module.notebook
    source = folder / ZIP_NAME
    try:
        refuse_links(folder)
        if source.exists():
            name, *several = source.read_text(encoding="utf-8").splitlines()
            graded.notes += map(printable, [f"taken from {name}", *several])
        graded.notes += find_notebook(module, folder)
        read_notebook(folder / module.notebook)
        with replaced_folder(done.parent):  # a failure leaves what was graded before
            result = nbgrader_api(Course(module.root)).autograde(
                module.folder, student, force=force, create=True
            )
            if not result["success"]:
                raise TitoError(_reason(result))
    except Exception as error:  # whatever is wrong with one submission, the others are graded
        reason = str(error).replace(f"{module.root}/", "") or type(error).__name__
        graded.notes.append(printable(f"not graded: {reason}"))
        if done.exists():
            graded.notes.append("its earlier mark and notebook are kept")
        return graded
    if done.exists():
        facts = read_notebook(done)["metadata"].get("tito", {})
        graded.notes += map(printable, facts.get("notes", []))
        graded.flags = [printable(flag) for flag in facts.get("flags", [])]
    with gradebook(Course(module.root)) as book:
        submission = book.find_submission(module.folder, student)
        graded.score, graded.most = submission.score, submission.max_score
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        graded.by_hand = sum(bool(grade.needs_manual_grade) for grade in grades)
    return graded


def find_notebook(module: Module, folder: Path) -> list[str]:
    """Make sure that the submitted notebook has its expected name.

    Parameters
    ----------
    module : Module
        Which module.
    folder : Path
        A submission.

    Returns
    -------
    list of str
        A note, where a renamed notebook was copied to the expected name.

    Raises
    ------
    TitoError
        If there is no notebook, or none that can be told to be the right one.
    """
    if (folder / module.notebook).exists():
        return []
    released = {cell.name for cell in notebook_cells(read_notebook(module.released))}
    candidates = []
    for path in sorted(folder.glob("*.ipynb")):
        with contextlib.suppress(TitoError):
            names = {cell.name for cell in notebook_cells(read_notebook(path))}
            if len(names & released) * 2 > len(released):
                candidates.append(path)
    if len(candidates) != 1:
        found = ", ".join(printable(p.name) for p in sorted(folder.iterdir())) or "nothing"
        raise TitoError(f"{module.notebook} is missing; the folder holds {found}")
    shutil.copy(candidates[0], folder / module.notebook)
    return [f"{printable(candidates[0].name)} was taken for {module.notebook}"]


def unpack_zips(course: Course, module: Module) -> list[Graded]:
    """Put the zip files of a module that lie in ``submitted/`` where nbgrader looks for them.

    Parameters
    ----------
    course : Course
        The course.
    module : Module
        Whose submissions.

    Returns
    -------
    list of Graded
        Those that could not be used, each with the reason. The zip files themselves stay.
    """
    unusable, sent = [], defaultdict(list)
    for path in sorted((course.root / "submitted").glob("*.zip")):
        try:
            sent[_unpack(path, module)].append(path.name)
        except (TitoError, zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
            unusable.append(Graded(printable(path.name), notes=[printable(f"not graded: {error}")]))
    for folder, names in sent.items():
        # Anybody can write another one's name into a zip file.
        if folder and len(names) > 1 and (folder / ZIP_NAME).exists():
            origin = (folder / ZIP_NAME).read_text(encoding="utf-8").splitlines()[0]
            several = f"{len(names)} zip files are in this name: {', '.join(names)}"
            write_atomically(folder / ZIP_NAME, f"{origin}\n{several}\n")
    return unusable


def _unpack(path: Path, module: Module) -> Path | None:
    """Unpack a zip file if it is newer than what is there; returns the folder it is for."""
    from tito.submission import read_zip

    handed_in = read_zip(path)
    if handed_in.module != module.folder:
        return None
    if not SAFE_NAME.fullmatch(handed_in.student) or handed_in.student.startswith("."):
        raise TitoError(f"{handed_in.student!r} cannot be a student's name")
    folder = module.root / "submitted" / handed_in.student / module.folder
    notebook, stamp = folder / module.notebook, folder / "timestamp.txt"
    if notebook.exists() and not stamp.exists():
        if notebook.read_bytes() == handed_in.files.get(module.notebook):
            return None
        raise TitoError(
            f"submitted/{handed_in.student}/{module.folder} holds another notebook that was put "
            "there by hand; remove one of the two"
        )
    if notebook.exists() and stamp.read_text().strip() >= handed_in.time:
        return folder
    for name, content in handed_in.files.items():
        write_atomically(folder / name, content)
    write_atomically(stamp, handed_in.time + "\n")
    write_atomically(folder / ZIP_NAME, path.name + "\n")
    return folder


def feedback(module: Module, students: tuple[str, ...] = ()) -> list[Path]:
    """Write what students get back, as HTML.

    Parameters
    ----------
    module : Module
        Which module.
    students : tuple of str
        Only these; by default everybody who was graded.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    UsageError
        If nobody was graded.
    TitoError
        If nbgrader fails for somebody; the others' pages are written all the same.
    """
    course = Course(module.root)
    graded = sorted(p.parent.name for p in (course.root / "autograded").glob(f"*/{module.folder}"))
    if not graded:
        raise UsageError(
            f"nobody was graded in {module.folder}; run tito grade {module.folder} first"
        )
    api = nbgrader_api(course)
    pages, failed = [], []
    for student in students or graded:
        result = api.generate_feedback(module.folder, student, force=True)
        if not result["success"]:
            failed.append(f"{student} ({printable(_reason(result))})")
        pages += (course.root / "feedback" / student / module.folder).glob("*.html")
    if failed:
        raise TitoError(f"no feedback for {', '.join(failed)}; that of all others is written")
    return pages


@dataclass(frozen=True)
class Score:
    """One line of the list of marks; `by_hand` is the number of marks still to be given."""

    student: str
    module: str
    exercise: str
    score: float
    most: float
    by_hand: int


def scores(course: Course, modules: list[Module]) -> list[Score]:
    """All marks in the gradebook.

    Parameters
    ----------
    course : Course
        The course.
    modules : list of Module
        Which modules.

    Returns
    -------
    list of Score
        By module, student, and exercise in the order of the notebook.
    """
    found: list[Score] = []
    with gradebook(course) as book:
        known = {assignment.name for assignment in book.assignments}
        for module in modules:
            if module.folder in known:
                for submission in book.assignment_submissions(module.folder):
                    found += _marks(module.folder, submission)
    return found


def _marks(module: str, submission) -> list[Score]:
    """The marks of one submission, in the order of its notebook."""
    marks = []
    for notebook in submission.notebooks:
        order = {cell.name: n for n, cell in enumerate(notebook.notebook.source_cells)}
        for mark in sorted(notebook.grades, key=lambda mark: order.get(mark.name, 0)):
            exercise, by_hand = mark.name.removeprefix("test-"), int(mark.needs_manual_grade)
            student = submission.student.id
            marks.append(Score(student, module, exercise, mark.score, mark.max_score, by_hand))
    return marks


def scores_csv(found: list[Score]) -> str:
    """Marks as CSV: a line for each student, module and exercise, and the totals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "module", "exercise", "score", "max_score", "to_mark_by_hand"])
    for (student, module), lines in totals(found).items():
        total = Score(
            student, module, "total", sum(s.score for s in lines), sum(s.most for s in lines),
            sum(s.by_hand for s in lines),
        )  # fmt: skip
        for s in [*lines, total]:
            marks = [_plain(s.score), _plain(s.most), int(s.by_hand)]
            writer.writerow([_safe(student), module, s.exercise, *marks])
    return text.getvalue()


def totals(found: list[Score]) -> dict[tuple[str, str], list[Score]]:
    """Marks by student and module."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for line in found:
        groups.setdefault((line.student, line.module), []).append(line)
    return groups


def _plain(number: float) -> str:
    return f"{number:.10g}"


def _safe(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text

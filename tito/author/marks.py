"""What comes of grading: the list of marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from tito.course import Course, Module
from tito.files import printable
from tito.grading.gradebook import gradebook
from tito.grading.submissions import students_of
from tito.grading.writer import penalty_of
from tito.source.modules_and_others import Assigned
from tito.source.nbgraders_settings import configuration
from tito.steps.following import follow_and_keep


def not_marked_yet(assigned: Assigned, students: tuple[str, ...] = ()) -> str:
    """How many answers nobody has marked, and of how many students; nothing if there are none."""
    found = scores(Course(assigned.root), [assigned])
    waiting = [s for s in found if s.by_hand and (not students or s.student in students)]
    count, of = len(waiting), len({s.student for s in waiting})
    answers = "1 answer" if count == 1 else f"{count} answers"
    return f"{answers} of {of} student{'s' * (of > 1)}" if count else ""


LATE = "late penalty"  # stands in the place of an exercise
NOTHING = "nothing handed in"


@dataclass(frozen=True)
class Score:
    """One line of the list of marks; `by_hand` is the number of marks still to be given.

    The points that a late submission loses are a line of their own, with a negative score.
    """

    student: str
    module: str
    exercise: str
    score: float
    most: float
    by_hand: int


def scores(course: Course, modules: Sequence[Assigned]) -> list[Score]:
    """All marks in the gradebook; late penalties follow them.

    Parameters
    ----------
    course : Course
        The course.
    modules : sequence of Module or Ordinary
        Which modules and other assignments.

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
                follow_and_keep(book, configuration(course.root), module.folder)
                for submission in book.assignment_submissions(module.folder):
                    found += _marks(module, submission) if is_graded(course, submission) else []
    return found


def is_graded(course: Course, submission) -> bool:
    """Whether a submission of the gradebook is more than a place for marks to come."""
    folder = course.root / "autograded" / submission.student_id / submission.assignment.name
    marks = (mark for notebook in submission.notebooks for mark in notebook.grades)
    return folder.is_dir() or any(
        mark.auto_score is not None or mark.manual_score is not None for mark in marks
    )


@dataclass(frozen=True)
class Unmarked:
    """A student without a mark: the points there are, and why there is none."""

    student: str
    module: str
    most: float
    why: str


def without_mark(course: Course, modules: Sequence[Assigned]) -> list[Unmarked]:
    """Of each module that somebody has handed in, the students of the gradebook without a mark."""
    found: list[Unmarked] = []
    with gradebook(course) as book:
        known = {assignment.name: assignment for assignment in book.assignments}
        for module in [module for module in modules if module.folder in known]:
            submissions = book.assignment_submissions(module.folder)
            graded = {s.student_id for s in submissions if is_graded(course, s)}
            there = set(students_of(course, module))
            if not graded | there:
                continue
            most = known[module.folder].max_score
            for student in sorted(s.id for s in book.students if s.id not in graded):
                why = "not graded yet" if student in there else NOTHING
                found.append(Unmarked(student, module.folder, most, why))
    return found


def _marks(assigned: Assigned, submission) -> list[Score]:
    """The marks of one submission, in the order of its notebooks."""
    marks, module = [], assigned.folder
    for notebook in sorted(submission.notebooks, key=lambda notebook: notebook.name):
        before = f"{notebook.name}/" if len(submission.notebooks) > 1 else ""
        order = {cell.name: n for n, cell in enumerate(notebook.notebook.source_cells)}
        for mark in sorted(notebook.grades, key=lambda mark: order.get(mark.name, 0)):
            exercise, by_hand = _exercise(assigned, mark.name), int(mark.needs_manual_grade)
            student = submission.student.id
            marks.append(
                Score(student, module, before + exercise, mark.score, mark.max_score, by_hand)
            )
    if penalty := penalty_of(submission):
        marks.append(Score(submission.student.id, module, LATE, -penalty, 0, 0))
    return marks


def _exercise(assigned: Assigned, name: str) -> str:
    """What a mark is for: in a module the exercise, else the cell."""
    return name.removeprefix("test-") if isinstance(assigned, Module) else name


def scores_csv(found: list[Score], unmarked: Sequence[Unmarked] = ()) -> str:
    """Marks as CSV: a line for each student, module and exercise, and the totals; for those without
    a mark a line with an empty one, and why there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "module", "exercise", "score", "max_score", "to_mark_by_hand"])
    for (student, module), lines in totals(found).items():
        total = Score(
            student,
            module,
            "total",
            sum(s.score for s in lines),
            sum(s.most for s in lines),
            sum(s.by_hand for s in lines),
        )
        for s in [*lines, total]:
            marks = [_plain(s.score), _plain(s.most), int(s.by_hand)]
            writer.writerow([safe_cell(student), module, safe_cell(s.exercise), *marks])
    for one in unmarked:
        writer.writerow([safe_cell(one.student), one.module, one.why, "", _plain(one.most), 0])
    return text.getvalue()


def totals(found: list[Score]) -> dict[tuple[str, str], list[Score]]:
    """Marks by student and module."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for line in found:
        groups.setdefault((line.student, line.module), []).append(line)
    return groups


def _plain(number: float) -> str:
    return f"{number:.10g}"


FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what a cell begins with that a spreadsheet runs


def safe_cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return printable(f"'{text}" if text.startswith(FORMULA) else text)

"""What a class did with a module: marks, what was missed and by how many, and who has not begun."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tito.author.marks import LATE, Score, scores, totals, without_mark
from tito.author.voiding import exercises_without_marks
from tito.course import Course, Module
from tito.errors import UsageError
from tito.grading.naming import Missed, missed
from tito.insights.copies import find_copies
from tito.insights.evidence import Suspected, shown
from tito.insights.hand_in_times import days_to_hand_in
from tito.insights.item_statistics import (
    FEWEST,
    cronbach_alpha,
    difficulty,
    histogram,
    item_rest_correlation,
    quartiles,
)
from tito.insights.solution_cells import lesson_of, solutions_of
from tito.insights.student_names import Names
from tito.insights.what_was_missed import Group, Mistake, groups_without_name, mistakes
from tito.source.percent import read_source

MOST_GROUPS = 20  # of an exercise, that are shown
BINS = 10
NEARLY = 1e-9


@dataclass(frozen=True)
class ExerciseReport:
    """What a class did with an exercise.

    Attributes
    ----------
    name : str
        Which.
    points : float
        What it is worth.
    full, partial, none : int
        How many students have all of its points, some, and none.
    does_not_count : str
        How it was taken out of the marks; empty if it counts.
    difficulty, discrimination : float or None
        The mean share of its points, and the item-rest correlation; None for a small class, and
        for an exercise that does not count.
    failed : tuple of (str, int)
        Its observations that failed, and at how many students.
    mistakes, groups : tuple
        Mistakes by name, and equal behaviour without a name; the largest first.
    more_groups : int
        How many groups there are besides.
    not_begun : tuple of str
        Who wrote nothing.
    """

    name: str
    points: float
    full: int
    partial: int
    none: int
    does_not_count: str = ""
    difficulty: float | None = None
    discrimination: float | None = None
    failed: tuple[tuple[str, int], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    groups: tuple[Group, ...] = ()
    more_groups: int = 0
    not_begun: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerReport:
    """A written answer: how many of them people have marked."""

    name: str
    points: float
    marked: int
    waiting: int


@dataclass(frozen=True)
class ModuleReport:
    """What a class did with a module.

    Attributes
    ----------
    module : str
        Which.
    students : int
        How many have a mark.
    without_mark : tuple of (str, str)
        Who has none, and why.
    histogram : tuple of int
        How many students have up to a tenth of the points, up to two tenths, and so on.
    median, alpha : float or None
        The median share of the points, and Cronbach's alpha of the exercises; None for a small
        class.
    days : tuple of float
        From the release to each hand-in, where both are known.
    middle_days : tuple of float or None
        The quartiles of these; None for a small class.
    exercises, answers : tuple
        Each exercise, and each written answer.
    copies : tuple of Suspected
        Where work was shared, perhaps.
    unreadable : tuple of str
        Whose notebook was not compared with the others'.
    """

    module: str
    students: int
    without_mark: tuple[tuple[str, str], ...] = ()
    histogram: tuple[int, ...] = ()
    median: float | None = None
    alpha: float | None = None
    days: tuple[float, ...] = ()
    middle_days: tuple[float, float, float] | None = None
    exercises: tuple[ExerciseReport, ...] = ()
    answers: tuple[AnswerReport, ...] = ()
    copies: tuple[Suspected, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def is_small(self) -> bool:
        """Whether there are too few students for statistics."""
        return self.students < FEWEST


@dataclass
class _Class:
    """What is known of a class and a module."""

    course: Course
    module: Module
    names: Names
    scores: list[Score]
    missed: list[Missed] = field(default_factory=list)

    @property
    def students(self) -> list[str]:
        return sorted({one.student for one in self.scores})


def report_on(course: Course, module: Module, names: Names | None = None) -> ModuleReport:
    """What a class did with a module.

    Parameters
    ----------
    course : Course
        With sources and a gradebook.
    module : Module
        A module that was graded.
    names : Names, optional
        What students are called; by default, by their own names.

    Raises
    ------
    UsageError
        If nobody was graded.
    """
    found = scores(course, [module])
    if not found:
        raise UsageError(
            f"nobody was graded in {module.folder}; run tito grade {module.folder} first"
        )
    known = _Class(course, module, names or Names(), found, missed(course, module))
    answers = {cell.name for cell in read_source(module) if cell.role == "answer"}
    by_exercise: dict[str, list[Score]] = {}
    for one in found:
        if one.exercise != LATE:
            by_exercise.setdefault(one.exercise, []).append(one)
    code = {name: own for name, own in by_exercise.items() if name not in answers}
    texts = [own for name, own in by_exercise.items() if name in answers]
    return _report(known, code, [_answer(own) for own in texts])


def _report(
    known: _Class, code: Mapping[str, list[Score]], answers: list[AnswerReport]
) -> ModuleReport:
    voided = {v.cell.removeprefix("test-"): v.how for v in exercises_without_marks(known.module)}
    counting = {n: [s.score for s in own] for n, own in code.items() if n not in voided}
    shares = _shares(known.scores)
    days = days_to_hand_in(known.course, known.module)
    enough = len(known.students) >= FEWEST
    copies, unreadable = _copies(known)
    return ModuleReport(
        known.module.folder,
        len(known.students),
        _without_mark(known),
        tuple(histogram(shares, BINS)),
        statistics.median(shares) if enough else None,
        cronbach_alpha(counting) if enough else None,
        tuple(sorted(days.values())),
        quartiles(list(days.values())) if len(days) >= FEWEST else None,
        tuple(_exercise(known, own, counting, voided, enough) for own in code.values()),
        tuple(answers),
        copies,
        unreadable,
    )


def _without_mark(known: _Class) -> tuple[tuple[str, str], ...]:
    found = without_mark(known.course, [known.module])
    return tuple((known.names.of(one.student), one.why) for one in found)


def _shares(found: Sequence[Score]) -> list[float]:
    """The mark of each student as a share of the points, late penalties included."""
    shares = []
    for lines in totals(list(found)).values():
        most = sum(line.most for line in lines)
        shares.append(max(0.0, sum(line.score for line in lines) / most) if most else 0.0)
    return shares


def _answer(own: list[Score]) -> AnswerReport:
    waiting = sum(one.by_hand for one in own)
    return AnswerReport(own[0].exercise, own[0].most, len(own) - waiting, waiting)


def _exercise(
    known: _Class,
    own: list[Score],
    counting: Mapping[str, list[float]],
    voided: Mapping[str, str],
    enough: bool,
) -> ExerciseReport:
    name, most = own[0].exercise, max(one.most for one in own)
    full = sum(one.score >= one.most - NEARLY for one in own)
    none = sum(one.score <= NEARLY < one.most for one in own)
    lost = [one for one in known.missed if one.exercise == name]
    groups = groups_without_name(lost, known.names)
    statistic = enough and name in counting
    return ExerciseReport(
        name,
        most,
        full,
        len(own) - full - none,
        none,
        voided.get(name, ""),
        difficulty(counting[name], most) if statistic else None,
        item_rest_correlation(counting, name) if statistic else None,
        tuple(Counter(f for one in lost if not one.blank for f in one.failed).most_common()),
        mistakes(lost, known.names),
        tuple(groups[:MOST_GROUPS]),
        max(0, len(groups) - MOST_GROUPS),
        tuple(sorted(known.names.of(one.student) for one in lost if one.blank)),
    )


def _copies(known: _Class) -> tuple[tuple[Suspected, ...], tuple[str, ...]]:
    """Where work was shared, perhaps, and whose notebook was not compared."""
    solutions, unreadable = solutions_of(known.course, known.module)
    unnamed = {
        (one.student, one.exercise): one.group
        for one in known.missed
        if one.group and not one.mistake and not one.blank
    }
    clusters = find_copies(solutions, lesson_of(known.module), unnamed)
    suspected = shown(clusters, solutions, known.names)
    return suspected, tuple(sorted(map(known.names.of, unreadable)))

"""Where work was shared, perhaps: evidence for a person to look at, and never a mark."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tito.insights.base_rate import ExerciseInClass, Shared
from tito.insights.solution_cells import Lesson, Solutions

ONE_IN = 10  # classes of which chance lists a pair in one, at most
RARE = 30  # students who share what makes two worth a closer look
MOST_COMPARED = 20_000  # pairs
TERMS = 60  # of a series that falls like 1/k!


@dataclass(frozen=True)
class Alike:
    """An exercise that two solved alike, beyond what is usual in their class.

    Attributes
    ----------
    exercise : str
        Which.
    evidence : float
        −log of the share of other pairs that have as much in common.
    shared : Shared
        What they have in common.
    """

    exercise: str
    evidence: float
    shared: Shared


@dataclass(frozen=True)
class Pair:
    """Two students whose work is alike beyond what is usual in their class.

    Attributes
    ----------
    students : tuple of str
        Who, by name.
    evidence : float
        −log of how often chance makes an honest pair so alike.
    exercises : tuple of Alike
        The strongest first.
    """

    students: tuple[str, str]
    evidence: float
    exercises: tuple[Alike, ...]


@dataclass(frozen=True)
class Cluster:
    """Students of whom each is alike to another; most often two."""

    students: tuple[str, ...]
    pairs: tuple[Pair, ...]


def find_copies(
    solutions: Solutions, lesson: Lesson, behaviours: Mapping[tuple[str, str], str] | None = None
) -> list[Cluster]:
    """Find students whose work is alike beyond what is usual in their class.

    Parameters
    ----------
    solutions : mapping
        The text of each exercise, by student and exercise.
    lesson : Lesson
        What the lesson gives, and what is known of its exercises.
    behaviours : mapping, optional
        The group of equal wrong behaviour that has no name, by student and exercise.

    Returns
    -------
    list of Cluster
        The strongest evidence first; empty where nothing is beyond chance.
    """
    exercises = in_class(solutions, lesson, behaviours or {})
    wanted = threshold(len(solutions))
    found = [compare(exercises, *pair) for pair in _candidates(exercises, wanted)]
    listed = [pair for pair in found if pair.evidence >= wanted]
    return _clusters(sorted(listed, key=lambda pair: (-pair.evidence, pair.students)))


def in_class(
    solutions: Solutions, lesson: Lesson, behaviours: Mapping[tuple[str, str], str]
) -> dict[str, ExerciseInClass]:
    """Each exercise of a class, by name."""
    found = {}
    for name, blank in lesson.blank.items():
        texts = {
            student: texts[name]
            for student, texts in solutions.items()
            if texts.get(name, blank).strip() not in ("", blank.strip())
        }
        groups = {student: behaviours.get((student, name), "") for student in texts}
        found[name] = ExerciseInClass(texts, blank, lesson.known.get(name, ()), groups)
    return found


def threshold(students: int) -> float:
    """How much evidence a pair needs, so that chance lists one pair in `ONE_IN` classes."""
    return math.log(ONE_IN * max(1, students * (students - 1) // 2))


def compare(exercises: Mapping[str, ExerciseInClass], a: str, b: str) -> Pair:
    """What the work of two has in common.

    Of so many exercises, one is as rarely alike as one in their number by mere chance: only what is
    rarer counts.
    """
    both = {name: one for name, one in exercises.items() if a in one.own and b in one.own}
    chance = math.log(max(1, len(both)))
    alike = []
    for name, one in both.items():
        shared = one.shared(a, b)
        evidence = one.evidence(a, b, shared.weight)
        if evidence > chance:
            alike.append(Alike(name, evidence, shared))
    beyond = math.fsum(one.evidence - chance for one in alike)
    alike.sort(key=lambda one: (-one.evidence, one.exercise))
    return Pair((a, b), -log_chance(beyond), tuple(alike))


def log_chance(beyond: float) -> float:
    """The logarithm of the probability that chance gives a pair so much evidence or more.

    By chance, one exercise is alike, of a Poisson distribution, and how much beyond that is
    exponentially distributed, as −log of a probability is. The sum over k exercises is at least s
    with probability e^−s · (1 + s + … + s^(k−1) / (k−1)!).
    """
    if beyond <= 0:
        return 0.0
    total, tail, term, poisson = 0.0, 0.0, 1.0, math.exp(-1)
    for k in range(1, TERMS):
        tail += term  # (1 + s + … + s^(k−1) / (k−1)!)
        term *= beyond / k
        poisson /= k
        total += poisson * tail
    return min(0.0, math.log(total) - beyond)


def _candidates(exercises: Mapping[str, ExerciseInClass], wanted: float) -> list[tuple[str, str]]:
    """The pairs that have enough rare things in common to be worth a closer look."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in exercises.values():
        sums.update(one.rare_pairs(RARE))
    return sorted(pair for pair, total in sums.most_common(MOST_COMPARED) if total >= wanted / 2)


def _clusters(pairs: list[Pair]) -> list[Cluster]:
    """Put pairs that have somebody in common together."""
    parents: dict[str, str] = {}

    def head(student: str) -> str:
        while parents.setdefault(student, student) != student:
            student = parents[student]
        return student

    for pair in pairs:
        parents[head(pair.students[0])] = head(pair.students[1])
    members: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        members[head(pair.students[0])].append(pair)
    return [
        Cluster(tuple(sorted({s for pair in found for s in pair.students})), tuple(found))
        for found in members.values()
    ]

"""Where work was shared, perhaps, as a page shows it: two texts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tito.insights.base_rate import Shared
from tito.insights.copies import Alike, Cluster, Pair
from tito.insights.fragments import fragments_of
from tito.insights.solution_cells import Solutions
from tito.insights.student_names import Names

MOST_CLUSTERS = 30
MOST_PAIRS = 10  # of a cluster, with their code
MOST_EXERCISES = 6  # of a pair, with their code


@dataclass(frozen=True)
class Line:
    """A line of code, and whether both have it and hardly anybody else."""

    indent: str
    text: str
    rare: bool


@dataclass(frozen=True)
class SideBySide:
    """An exercise of two students.

    Attributes
    ----------
    exercise : str
        Which.
    statements : int
        How many rare statements both have.
    comments, helpers : tuple of str
        Rare comments, and rare names of functions of their own, that both have.
    behaviour : bool
        Whether both are wrong in the same rare way.
    left, right : tuple of Line
        The code of the first and of the second; empty where there is no place to show it.
    """

    exercise: str
    statements: int
    comments: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    behaviour: bool = False
    left: tuple[Line, ...] = ()
    right: tuple[Line, ...] = ()


@dataclass(frozen=True)
class SuspectedPair:
    """Two students, what is alike, and how strong the evidence is."""

    students: tuple[str, str]
    evidence: float
    exercises: tuple[SideBySide, ...]


@dataclass(frozen=True)
class Suspected:
    """Students of whom each is alike to another; most often two."""

    students: tuple[str, ...]
    pairs: tuple[SuspectedPair, ...]


def shown(clusters: Sequence[Cluster], solutions: Solutions, names: Names) -> tuple[Suspected, ...]:
    """What a page shows of clusters."""
    return tuple(
        Suspected(
            tuple(sorted(map(names.of, one.students))),
            tuple(
                _pair(pair, solutions, names, with_code=number < MOST_PAIRS)
                for number, pair in enumerate(one.pairs)
            ),
        )
        for one in clusters[:MOST_CLUSTERS]
    )


def _pair(pair: Pair, solutions: Solutions, names: Names, with_code: bool) -> SuspectedPair:
    a, b = sorted(pair.students, key=names.of)
    exercises = [
        _side_by_side(alike, a, b, solutions, names, with_code and number < MOST_EXERCISES)
        for number, alike in enumerate(pair.exercises)
    ]
    return SuspectedPair((names.of(a), names.of(b)), round(pair.evidence, 1), tuple(exercises))


def _side_by_side(
    alike: Alike, a: str, b: str, solutions: Solutions, names: Names, with_code: bool
) -> SideBySide:
    shared, name = alike.shared, alike.exercise
    sides = [_lines(solutions[s][name], shared, names) if with_code else () for s in (a, b)]
    return SideBySide(
        name,
        len(shared.statements),
        tuple(map(names.text, shared.comments)),
        tuple(map(names.text, shared.helpers)),
        bool(shared.behaviour),
        *sides,
    )


def _lines(source: str, shared: Shared, names: Names) -> tuple[Line, ...]:
    """The lines of a text, those marked that hold what is shared."""
    found = fragments_of(source, shared.given)
    marked: set[int] = set()
    for text in shared.statements:
        first, last = found.lines.get(text, (1, 0))
        marked.update(range(first, last + 1))
    marked |= {found.comments[text] for text in shared.comments if text in found.comments}
    marked |= {found.helpers[text] for text in shared.helpers if text in found.helpers}
    lines = names.code(source).split("\n")
    return tuple(_line(text, number in marked) for number, text in enumerate(lines, 1))


def _line(text: str, rare: bool) -> Line:
    bare = text.lstrip()
    return Line(text[: len(text) - len(bare)], bare, rare)

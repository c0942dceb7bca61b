"""Where work was shared, perhaps: evidence for a person to look at, and never a mark.

What counts is what hardly anybody else wrote. Each statement weighs by how rare it is in the class;
what the lesson gives, and what the reference, its alternatives and the catalogued mistakes hold,
weighs nothing, since two who write that need not know of each other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from tito.insights.fragments import Fragments, fragments_of, names_in
from tito.insights.solution_cells import Lesson, Solutions

COPIED = 0.7  # of a shared solution's statements, how many stay as they were
ADDED = 0.3  # what a statement costs that only the longer of two solutions has
FEWEST_STATEMENTS = 2  # rare ones that two have in common, else an exercise does not count
FEWEST_NODES = 16  # of their syntax trees, all together
ONE_IN = 1000  # classes like this in which an honest pair may look like this by chance
RARE = 30  # students who share what two are compared for
MOST_COMPARED = 20_000  # pairs
MOST_IN_ONE = 0.8  # of the shared statements: who has as many of them has the same solution


@dataclass(frozen=True)
class Alike:
    """An exercise that two solved alike, beyond what is usual in their class.

    Attributes
    ----------
    exercise : str
        Which.
    evidence : float
        How little chance explains it, as a natural logarithm.
    statements : tuple of str
        The rare statements that both have, without the names they chose.
    comments, helpers : tuple of str
        The rare comments, and the rare names of functions of their own, that both have.
    behaviour : str
        The group of equal and rare wrong behaviour that both are in; empty if there is none.
    """

    exercise: str
    evidence: float
    statements: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    behaviour: str = ""


@dataclass(frozen=True)
class Pair:
    """Two students whose work is alike beyond what is usual in their class."""

    students: tuple[str, str]
    evidence: float
    exercises: tuple[Alike, ...]


@dataclass(frozen=True)
class Cluster:
    """Students of whom each is alike to another; most often two."""

    students: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def evidence(self) -> float:
        """That of its strongest pair."""
        return self.pairs[0].evidence


@dataclass(frozen=True)
class _Exercise:
    """The solutions of one exercise, and who has what of them."""

    own: dict[str, frozenset[str]]  # the statements of each student that nothing explains
    sizes: dict[str, int]
    fragments: dict[str, Fragments]
    holders: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # by kind, of each

    @property
    def count(self) -> int:
        """How many students wrote something."""
        return len(self.fragments)

    def surprise(self, kind: str, what: str) -> float:
        """How surprising it is to find something at two students, as −log of its share among all
        others."""
        return _surprise(len(self.holders[kind].get(what, ())) - 2, self.count)


def _surprise(others: int, count: int) -> float:
    """−log of the share of others, of whom half a one more is counted, so that it is never 0."""
    return max(0.0, -math.log((others + 0.5) / max(count - 1, 1)))


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
    groups = behaviours or {}
    exercises = {name: _read(name, solutions, lesson, groups) for name in lesson.blank}
    wanted = threshold(len(solutions))
    found = []
    for pair in _candidates(exercises, wanted):
        alike = [_compare(name, one, *pair) for name, one in exercises.items()]
        counted = sorted((a for a in alike if a.evidence > 0), key=lambda a: -a.evidence)
        evidence = math.fsum(a.evidence for a in counted)
        if evidence >= wanted:
            found.append(Pair(pair, evidence, tuple(counted)))
    return _clusters(sorted(found, key=lambda pair: (-pair.evidence, pair.students)))


def threshold(students: int) -> float:
    """How much evidence a pair needs, so that chance gives one pair in `ONE_IN` classes."""
    pairs = max(1, students * (students - 1) // 2)
    return math.log(pairs * ONE_IN)


def _read(
    name: str, solutions: Solutions, lesson: Lesson, groups: Mapping[tuple[str, str], str]
) -> _Exercise:
    """Read one exercise of all students."""
    blank = lesson.blank[name]
    given = names_in(blank)
    usual = [fragments_of(text, given) for text in (blank, *lesson.known.get(name, ()))]
    known = {text for one in usual for text in (*one.lines, *one.comments, *one.helpers)}
    fragments = {
        student: fragments_of(texts[name], given)
        for student, texts in solutions.items()
        if name in texts and texts[name] != blank
    }
    own = {student: frozenset(one.lines.keys() - known) for student, one in fragments.items()}
    sizes = {text: size for one in fragments.values() for text, size in one.sizes.items()}
    kinds = {
        "statements": own,
        "comments": {s: one.comments.keys() - known for s, one in fragments.items()},
        "helpers": {s: one.helpers.keys() - known for s, one in fragments.items()},
        "behaviour": {s: {groups[s, name]} for s in fragments if groups.get((s, name))},
    }
    return _Exercise(own, sizes, fragments, {kind: _holders(of) for kind, of in kinds.items()})


def _holders(of: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for student, texts in of.items():
        for text in texts:
            found[text].append(student)
    return {text: sorted(students) for text, students in found.items()}


def _candidates(exercises: Mapping[str, _Exercise], wanted: float) -> list[tuple[str, str]]:
    """The pairs that have enough rare things in common to be worth a closer look."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in exercises.values():
        for kind, holders in one.holders.items():
            for text, students in holders.items():
                if 2 <= len(students) <= RARE:
                    weight = one.surprise(kind, text)
                    for pair in combinations(students, 2):
                        sums[pair] += weight
    likely = [pair for pair, total in sums.most_common(MOST_COMPARED) if total >= wanted]
    return sorted(likely)


def _compare(name: str, one: _Exercise, a: str, b: str) -> Alike:
    """What two solutions of an exercise have in common, and how little chance explains it."""
    if a not in one.fragments or b not in one.fragments:
        return Alike(name, 0.0)
    shared = one.own[a] & one.own[b]
    code = _evidence_of_code(one, a, b, shared)
    comments = _rarest(one, "comments", a, b)
    helpers = _rarest(one, "helpers", a, b)
    behaviour = _rarest(one, "behaviour", a, b)
    evidence = max([code, *behaviour.values()]) + math.fsum(
        max(kind.values(), default=0.0) for kind in (comments, helpers)
    )
    counted = sorted(shared, key=lambda text: one.fragments[a].lines[text]) if code else []
    return Alike(
        name, evidence, tuple(counted), tuple(comments), tuple(helpers), "".join(behaviour)
    )


def _rarest(one: _Exercise, kind: str, a: str, b: str) -> dict[str, float]:
    """What two have in common of a kind and few others have, and how surprising that is."""
    holders = one.holders[kind]
    return {
        text: one.surprise(kind, text)
        for text in _texts_of(one, kind, a)
        if len(holders.get(text, ())) <= RARE and b in holders.get(text, ())
    }


def _texts_of(one: _Exercise, kind: str, student: str) -> Iterable[str]:
    if kind == "behaviour":
        return [text for text, students in one.holders[kind].items() if student in students]
    return getattr(one.fragments[student], kind)


def _evidence_of_code(one: _Exercise, a: str, b: str, shared: frozenset[str]) -> float:
    """How much more likely two solutions are if one comes from the other, as a logarithm.

    A statement that both have and few others counts much, one that many have little, and one that
    only one of both has counts against it. Statements come together: so it never counts for more
    than the solution as a whole is rare.
    """
    nodes = sum(one.sizes[text] for text in shared)
    if len(shared) < FEWEST_STATEMENTS or nodes < FEWEST_NODES:
        return 0.0
    shorter, longer = sorted((one.own[a], one.own[b]), key=len)
    for_it = math.fsum(
        math.log(COPIED * math.exp(one.surprise("statements", text)) + 1 - COPIED)
        for text in shared
    )
    against = -len(shorter - shared) * math.log(1 - COPIED) + len(longer - shared) * ADDED
    return max(0.0, min(for_it - against, _rarity_as_a_whole(one, shared)))


def _rarity_as_a_whole(one: _Exercise, shared: frozenset[str]) -> float:
    """How rare it is to have so many of some statements."""
    counts = Counter(s for text in shared for s in one.holders["statements"][text])
    same = sum(count >= MOST_IN_ONE * len(shared) for count in counts.values())
    return _surprise(same - 2, one.count)


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

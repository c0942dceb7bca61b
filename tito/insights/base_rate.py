"""How alike the solutions of an exercise are in a class anyway, and which are more alike than that.

Each statement weighs by how rare it is in the class. How much of such weight two have in common is
then compared with all other pairs of the class: if many have as much, it is nothing special.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tito.insights.fragments import Fragments, fragments_of, names_in

COPIED = 0.7  # of a shared solution's statements, how many stay as they were
ADDED = 0.3  # what a statement costs that only the longer of two solutions has
FEWEST_NODES = 12  # of the syntax trees of what two share, else it counts nothing
MOST_STUDENTS = 200  # among whom all pairs are compared, to see what is usual
OF_OWN = 0.4  # of what two wrote of their own, how much others need to be compared with them
NEARLY = 1e-9
RARE = math.log(5)  # what fewer than one in five of the others have is pointed out
KINDS = ("statements", "comments", "helpers", "behaviour")


@dataclass(frozen=True)
class Shared:
    """What two solutions of an exercise have in common, and nothing in the lesson explains.

    Attributes
    ----------
    weight : float
        How rare that is, all in all.
    statements, comments, helpers, behaviour : tuple of str
        Rare statements without chosen names; comments; names of functions that were added; and the
        group of equal wrong behaviour.
    given : frozenset of str
        The names that the lesson gives.
    """

    weight: float = 0.0
    statements: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    behaviour: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


class ExerciseInClass:
    """The solutions of one exercise, by all students who wrote one.

    Parameters
    ----------
    texts : mapping of str to str
        What each student wrote; those who wrote nothing are left out.
    blank : str
        The exercise as it is released.
    known : iterable of str
        Solutions, right and wrong, that nobody needs to have from another.
    groups : mapping of str to str
        The group of equal wrong behaviour of each student who is in one.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        blank: str,
        known: Iterable[str] = (),
        groups: Mapping[str, str] | None = None,
    ):
        given, groups = names_in(blank), groups or {}
        self.given = given
        self.fragments: dict[str, Fragments] = {s: fragments_of(t, given) for s, t in texts.items()}
        usual = [fragments_of(text, given) for text in (blank, *known)]
        explained = {t for one in usual for t in (*one.lines, *one.comments, *one.helpers)}
        self.sizes = {t: n for one in self.fragments.values() for t, n in one.sizes.items()}
        self.own: dict[str, dict[str, frozenset[str]]] = {
            student: {
                "statements": frozenset(one.lines.keys() - explained),
                "comments": frozenset(one.comments.keys() - explained),
                "helpers": frozenset(one.helpers.keys() - explained),
                "behaviour": frozenset(filter(None, [groups.get(student)])),
            }
            for student, one in self.fragments.items()
        }
        self.holders = {kind: self._holders(kind) for kind in KINDS}
        self.names = {student: number for number, student in enumerate(sorted(self.own))}
        self.lengths = {student: len(own["statements"]) for student, own in self.own.items()}
        self._compare_all()

    def _holders(self, kind: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for student in sorted(self.own):
            for text in self.own[student][kind]:
                found[text].append(student)
        return found

    def surprise(self, kind: str, text: str) -> float:
        """How surprising it is that two have something: −log of its share among all others."""
        others, students = len(self.holders[kind][text]) - 2, len(self.own)
        return max(0.0, -math.log((others + 0.5) / max(students - 1, 1)))

    def shared(self, a: str, b: str) -> Shared:
        """What two have in common that the lesson does not explain."""
        if a not in self.own or b not in self.own:
            return Shared()
        both = {kind: self.own[a][kind] & self.own[b][kind] for kind in KINDS}
        if not any(both.values()):
            return Shared()
        code = self._weight_of_code(a, b, both["statements"])
        most = {k: max((self.surprise(k, t) for t in both[k]), default=0.0) for k in KINDS[1:]}
        weight = max(code, most["behaviour"]) + most["comments"] + most["helpers"]
        others = [tuple(sorted(both[kind])) for kind in KINDS[1:]]
        return Shared(weight, self._rare(a, both["statements"]), *others, self.given)

    def _rare(self, student: str, statements: Iterable[str]) -> tuple[str, ...]:
        """Those of some statements that few have, in the order in which one student has them."""
        lines = self.fragments[student].lines
        surprise = {text: self.surprise("statements", text) for text in statements}
        enough = min(RARE, max(surprise.values(), default=0.0))
        rare = [text for text in surprise if surprise[text] >= enough]
        return tuple(sorted(rare, key=lambda text: (lines[text], text)))

    def _weight_of_code(self, a: str, b: str, shared: frozenset[str]) -> float:
        """How much more likely the code of two is if one has it from the other, as a logarithm.

        What both have and few others counts much, what many have little, and what only one of the
        two has counts against it.
        """
        if sum(self.sizes[text] for text in shared) < FEWEST_NODES:
            return 0.0
        ours, theirs = self.own[a]["statements"], self.own[b]["statements"]
        shorter, longer = sorted((ours, theirs), key=len)
        for_it = math.fsum(
            math.log(COPIED * math.exp(self.surprise("statements", text)) + 1 - COPIED)
            for text in shared
        )
        alone = -math.log(1 - COPIED) * len(shorter - shared) + ADDED * len(longer - shared)
        return max(0.0, for_it - alone)

    def _compare_all(self) -> None:
        """See how much all pairs have in common; of a large class, those of a part of it."""
        names = list(self.names)
        chosen = names[:: -(-len(names) // MOST_STUDENTS) or 1]
        weights = {pair: self.shared(*pair).weight for pair in combinations(chosen, 2)}
        rows = [
            (weight, self._own_of_both(a, b), self.names[a], self.names[b])
            for (a, b), weight in weights.items()
            if weight
        ]
        table = np.array(sorted(rows), dtype=float).reshape(-1, 4)
        self._weights, self._shorter, *self._who = table.T
        self._lengths = np.sort([self.lengths[student] for student in chosen])

    def _own_of_both(self, a: str, b: str) -> int:
        """How many statements of their own two have that they could have in common."""
        return min(self.lengths[a], self.lengths[b])

    def evidence(self, a: str, b: str, weight: float) -> float:
        """−log of the share of other pairs that have as much in common as these two.

        Counted are pairs that have written as much of their own: whoever goes their own way
        everywhere meets others who do so more often.
        """
        if not weight:
            return 0.0
        length = OF_OWN * self._own_of_both(a, b)
        first = int(np.searchsorted(self._weights, weight - NEARLY))
        counted = self._shorter[first:] >= length
        for student in (a, b):
            for column in self._who:
                counted &= column[first:] != self.names[student]
        students = len(self._lengths) - int(np.searchsorted(self._lengths, length))
        pairs = students * (students - 1) // 2
        return max(0.0, -math.log((int(counted.sum()) + 0.5) / (pairs + 1)))

    def rare_pairs(self, most: int) -> Counter[tuple[str, str]]:
        """The pairs that share what at most so many have, and how surprising that is in sum."""
        sums: Counter[tuple[str, str]] = Counter()
        for kind, holders in self.holders.items():
            for text, students in holders.items():
                if 2 <= len(students) <= most:
                    surprise = self.surprise(kind, text)
                    for pair in combinations(students, 2):
                        sums[pair] += surprise
        return sums

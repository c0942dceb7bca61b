"""What was missed in an exercise: mistakes by name, and what is wrong in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tito.grading.naming import Missed
from tito.insights.student_names import Names


@dataclass(frozen=True)
class Mistake:
    """A mistake with a name: how many made it, and one's code."""

    name: str
    says: str
    students: int
    example: str


@dataclass(frozen=True)
class Group:
    """Students whose solutions behave just as wrong, which nobody has named yet."""

    name: str
    students: int
    example: str
    failed: tuple[str, ...]


def mistakes(lost: Sequence[Missed], names: Names) -> tuple[Mistake, ...]:
    """Mistakes by name, the most frequent first."""
    named: dict[str, list[Missed]] = {}
    for one in lost:
        if one.mistake:
            named.setdefault(one.mistake, []).append(one)
    found = [
        Mistake(name, same[0].says, len(same), names.code(_example(same)))
        for name, same in named.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.students, one.name)))


def groups_without_name(lost: Sequence[Missed], names: Names) -> list[Group]:
    """Equal behaviour that nobody has named, the largest group first."""
    alike: dict[str, list[Missed]] = {}
    for one in lost:
        if one.group and not one.mistake and not one.blank:
            alike.setdefault(one.group, []).append(one)
    found = [
        Group(name, len(same), names.code(_example(same)), same[0].failed)
        for name, same in alike.items()
    ]
    return sorted(found, key=lambda one: (-one.students, one.name))


def _example(same: list[Missed]) -> str:
    """The text that most have, of these the shortest."""
    counts = Counter(one.code for one in same)
    return min(counts, key=lambda text: (-counts[text], len(text), text))

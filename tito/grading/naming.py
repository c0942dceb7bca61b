"""What was missed, by name: a mistake that answers just what the student's solution answers."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tito.course import Course, Module
from tito.errors import UsageError
from tito.files import printable
from tito.grading.known_mistakes import Behaviours, Known, keep_named
from tito.grading.ledger import Ledger
from tito.grading.pool import LEDGER, sandbox_settings
from tito.judge.behaviour import Behaviour, behave_alike
from tito.judge.variants import Variant

LETTERS = 5  # of a group's name


@dataclass(frozen=True)
class Missed:
    """An exercise of a student's that lost points.

    Attributes
    ----------
    student, exercise : str
        Whose, and which.
    failed : tuple of str
        The names of the observations that failed.
    code : str
        The student's text of the exercise's cell.
    mistake, says : str
        The name and the sentence of the known mistake that behaves just so; empty if none does.
    group : str
        The name of the group of those that behave just so, where there is no such mistake; empty
        where nothing was written.
    blank : bool
        Whether nothing was written.
    """

    student: str
    exercise: str
    failed: tuple[str, ...]
    code: str
    mistake: str = ""
    says: str = ""
    group: str = ""
    blank: bool = False


@dataclass(frozen=True)
class _Row:
    """One of these as the ledger has it."""

    missed: Missed
    name: str  # of a group with this code alone
    form: str
    seed: int
    behaviour: Behaviour | None


def missed(course: Course, module: Module, grouped: bool = True) -> list[Missed]:
    """What all students missed, by student, with the names of mistakes and groups.

    Parameters
    ----------
    course : Course
        The course.
    module : Module
        A module that was graded.
    grouped : bool
        Whether what has no name is put into groups, for which it may have to be run again.

    Returns
    -------
    list of Missed
        Nothing of what was graded with other sources than today's.

    Raises
    ------
    SourceError
        If the catalogue of mistakes cannot be read.
    """
    with _opened(course, module) as behaviours:
        rows = _named_rows(behaviours, _rows(behaviours, module))
        groups = _groups(behaviours, [row for row in rows if grouped and _is_unknown(row)])
    called = {id(row): _name_of(group) for group in groups for row in group}
    return [replace(row.missed, group=called.get(id(row), "")) for row in rows]


def most_common(found: Sequence[Missed], most: int) -> list[tuple[Missed, int]]:
    """The known mistakes that most students made, one of those who made each, and how many did."""
    counts = Counter((one.exercise, one.mistake) for one in found if one.mistake)
    example = {(one.exercise, one.mistake): one for one in found}
    return [(example[key], count) for key, count in counts.most_common(most)]


def sentences(
    course: Course, module: Module, students: Sequence[str] = ()
) -> dict[str, dict[str, str]]:
    """The sentences of the known mistakes that students made, by student and exercise.

    Of some students, or of all; the errors are those of `missed`.
    """
    with _opened(course, module) as behaviours:
        found = [row.missed for row in _named_rows(behaviours, _rows(behaviours, module, students))]
    said: dict[str, dict[str, str]] = {}
    for one in found:
        if one.says:
            said.setdefault(one.student, {})[one.exercise] = one.says
    return said


def name_group(
    course: Course, module: Module, group: str, sentence: str
) -> tuple[Known, list[str]]:
    """Name a group for everybody in it, now and in later classes.

    Parameters
    ----------
    course : Course
        The course.
    module : Module
        The module.
    group : str
        The name of the group, from `missed`; also of one that has been named since, which then gets
        another sentence.
    sentence : str
        What those in it did, or thought.

    Returns
    -------
    Known, list of str
        The mistake, and the students whom its name reaches.

    Raises
    ------
    UsageError
        If there is no such group, or the sentence is empty.
    """
    sentence = " ".join(sentence.split())
    if not re.search(r"\w", sentence):
        raise UsageError("the sentence is empty; write what those in the group did, or thought")
    with _opened(course, module) as behaviours:
        members = _members(behaviours, module, group)
        forms = tuple(sorted({row.form for row in members}))
        others = [one for one in behaviours.named if not set(one.forms) & set(forms)]
        exercise, taken = (
            members[0].missed.exercise,
            {one.name for one in [*behaviours.catalogue, *others]},
        )
        mistake = Known(_slug(sentence, taken), exercise, sentence, _example(members), forms)
        keep_named(module, [*others, mistake])
    return mistake, sorted({row.missed.student for row in members})


def module_of(course: Course, group: str) -> Module:
    """The module of a group.

    Raises
    ------
    UsageError
        If nobody's code has this name.
    """
    with contextlib.closing(Ledger(course.root / LEDGER)) as ledger:
        for module in course.modules():
            found = ledger.missed(module.folder).values()
            if any(_called(one) == group for _, exercises in found for one in exercises):
                return module
    raise UsageError(f"there is no group {printable(group)!r}; tito insights lists those there are")


def _members(behaviours: Behaviours, module: Module, group: str) -> list[_Row]:
    """The rows of a group, by any name that it has or had."""
    rows = _named_rows(behaviours, _rows(behaviours, module))
    ours = {one.name for one in behaviours.named}
    for members in _groups(
        behaviours, [r for r in rows if _is_unknown(r) or r.missed.mistake in ours]
    ):
        if group in {row.name for row in members}:
            return members
    known = next((r.missed for r in rows if r.name == group and not r.missed.blank), None)
    if known:
        raise UsageError(f"{group} has a name in the catalogue already: {known.says}")
    raise UsageError(
        f"{module.folder} has no group {printable(group)!r}; tito insights {module.folder} lists "
        "those there are"
    )


@contextlib.contextmanager
def _opened(course: Course, module: Module) -> Iterator[Behaviours]:
    with (
        sandbox_settings(course),
        contextlib.closing(Ledger(module.root / LEDGER)) as ledger,
    ):
        yield Behaviours(module, ledger)


def _rows(behaviours: Behaviours, module: Module, students: Sequence[str] = ()) -> list[_Row]:
    """What the ledger has of today's sources."""
    return [
        _row(student, seed, one)
        for student, (seed, found) in sorted(behaviours.ledger.missed(module.folder).items())
        for one in found
        if one["digest"] == behaviours.pack.digest and (not students or student in students)
    ]


def _row(student: str, seed: int, one: dict) -> _Row:
    seen = Missed(student, one["exercise"], tuple(one["failed"]), one["code"], blank=one["blank"])
    behaviour = Behaviour.from_data(one["behaviour"]) if one["behaviour"] else None
    return _Row(seen, _called(one), one["form"], seed, behaviour)


def _called(one: dict) -> str:
    text = f"{one['exercise']} {one['form']}"
    return hashlib.sha256(text.encode()).hexdigest()[:LETTERS]


def _named_rows(behaviours: Behaviours, rows: list[_Row]) -> list[_Row]:
    """The same rows, with the names of known mistakes."""
    failed: dict[int, set[str]] = {}
    for row in rows:
        if not row.missed.blank:
            failed.setdefault(row.seed, set()).add(row.missed.exercise)
    behaviours.learn(failed)
    return [row if row.missed.blank else _named_row(behaviours, row) for row in rows]


def _named_row(behaviours: Behaviours, row: _Row) -> _Row:
    exercise = row.missed.exercise
    for mistake in behaviours.known_in(exercise):
        theirs = behaviours.of(mistake, row.seed)
        if row.form in mistake.forms or behave_alike(
            behaviours.pack, exercise, row.behaviour, theirs
        ):
            return replace(row, missed=replace(row.missed, mistake=mistake.name, says=mistake.says))
    return row


def _is_unknown(row: _Row) -> bool:
    return not (row.missed.blank or row.missed.mistake)


def _groups(behaviours: Behaviours, rows: list[_Row]) -> list[list[_Row]]:
    """Rows put together that have the same code, or behave alike; the largest group first."""
    groups: list[list[_Row]] = []
    for row in rows:
        same = next((group for group in groups if _is_alike(behaviours, group[0], row)), None)
        if same is None:
            groups.append([row])
        else:
            same.append(row)
    return sorted(groups, key=lambda group: (-len(group), _name_of(group)))


def _is_alike(behaviours: Behaviours, ours: _Row, theirs: _Row) -> bool:
    """Whether two rows belong together; those of other inputs are tried with ours."""
    exercise = ours.missed.exercise
    if theirs.missed.exercise != exercise:
        return False
    if theirs.form == ours.form:
        return True
    if set(theirs.missed.failed) != set(ours.missed.failed):
        return False
    behaviour = theirs.behaviour
    if theirs.seed != ours.seed:
        behaviour = behaviours.of_untrusted(Variant(exercise, theirs.missed.code), ours.seed)
    return behave_alike(behaviours.pack, exercise, ours.behaviour, behaviour)


def _name_of(group: list[_Row]) -> str:
    return min(row.name for row in group)


def _example(group: list[_Row]) -> str:
    """The code that most of a group have."""
    counts = Counter(row.form for row in group)
    return min(
        group, key=lambda row: (-counts[row.form], len(row.missed.code), row.name)
    ).missed.code


def _slug(sentence: str, taken: set[str]) -> str:
    """A name for a sentence that no other mistake has."""
    words = re.findall(r"[a-z0-9]+", sentence.casefold())[:6] or ["a-mistake"]
    name, number = "-".join(words), 2
    while name in taken:
        name, number = f"{'-'.join(words)}-{number}", number + 1
    return name

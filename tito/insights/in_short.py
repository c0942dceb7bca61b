"""What the page of a class says, in a few lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tito.insights.class_report import ExerciseReport, Group, Mistake, ModuleReport

MOST_LINES = 12  # of an example's code
MOST_NAMED = 20  # mistakes, and groups
MOST_SHOWN = 5  # groups with their code


def in_short(reports: Sequence[ModuleReport]) -> Iterator[str]:
    """The lines: of one module what was missed, of several how each of them went."""
    if len(reports) == 1:
        yield from _module(reports[0])
        return
    for report in reports:
        yield f"{_students(report)} {_lost(report)}"


def _module(report: ModuleReport) -> Iterator[str]:
    yield _students(report)
    mistakes = [(e, m) for e in report.exercises for m in e.mistakes]
    groups = [(e, g) for e in report.exercises for g in e.groups]
    if mistakes:
        yield ""
        yield "Mistakes by name:"
        for exercise, one in sorted(mistakes, key=_most_first)[:MOST_NAMED]:
            yield f"  {one.students:3}  {exercise.name}, {one.name}: {one.says}"
        yield from _others(len(mistakes))
    if groups:
        yield ""
        yield "Wrong in the same way, without a name:"
        for number, (exercise, one) in enumerate(sorted(groups, key=_most_first)[:MOST_NAMED]):
            yield f"  {one.students:3}  {exercise.name}, group {one.name}"
            if number < MOST_SHOWN:
                yield from (f"         {line}" for line in _code(one.example))
        yield from _others(len(groups))
    begun = [f"{e.name} {len(e.not_begun)}" for e in report.exercises if e.not_begun]
    if begun:
        yield ""
        yield f"Not begun, by how many: {', '.join(begun)}."
    if report.copies:
        yield ""
        yield "Work that is alike beyond chance, to be looked at on the page:"
        yield from (f"  {', '.join(one.students)}" for one in report.copies)
    yield ""


def _others(count: int) -> Iterator[str]:
    if count > MOST_NAMED:
        yield f"  and {count - MOST_NAMED} more on the page"


def _most_first(found: tuple[ExerciseReport, Mistake | Group]) -> tuple:
    return -found[1].students, found[0].name, found[1].name


def _students(report: ModuleReport) -> str:
    counts = f"{report.students} with a mark, {len(report.without_mark)} without"
    median = "" if report.median is None else f"; median {100 * report.median:.0f} %"
    return f"{report.module}: {counts}{median}."


def _lost(report: ModuleReport) -> str:
    lost = sorted((-e.partial - e.none, e.name) for e in report.exercises if e.partial + e.none)
    most = ", ".join(f"{name} ({-count})" for count, name in lost[:3])
    return f"Most lost points in {most}." if most else "Nobody lost points."


def _code(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else [])

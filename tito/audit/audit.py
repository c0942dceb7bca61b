"""The audit of a course: does a wrong solution keep its points, a right one lose some?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tito.audit import known_again, parts, school
from tito.audit.alone import left_out
from tito.audit.findings import Report
from tito.audit.made_from import KIT, Known, graded_with, kit_made_from, made_from
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.judge.graft import needs_of
from tito.judge.pack import Pack
from tito.source.catalogue import read_catalogue

NOTHING: Mapping[str, Known] = {}
PARTS = ("grading", "answers", "alone", "mutants", "visible", "alternatives", "kit")


def check_parts(chosen: tuple[str, ...]) -> None:
    """Refuse a part that there is not."""
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        raise UsageError(f"there is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")


def run(
    modules: list[Module],
    chosen: tuple[str, ...],
    say: Callable[[str], None],
    known: Mapping[str, Known] = NOTHING,
) -> Iterator[Report]:
    """Audit some modules, and the kit of their course; each report comes as soon as it is made.

    Parameters
    ----------
    modules : list of Module
        Of one course.
    chosen : tuple of str
        Which of `PARTS`; all, if it is empty.
    say : callable
        Called with what is being done.
    known : mapping of str to Known
        Of earlier results, by module: what has not changed since is left out.

    Yields
    ------
    Report
        One for each module, and one for the kit.
    """
    chosen = chosen or PARTS
    for module in modules if set(chosen) - {"kit"} else ():
        now = Known(made_from(module), graded_with(module))
        needed = _parts_to_try(chosen, known.get(module.folder), now)
        if not needed:
            say(f"{module.folder}: nothing that it depends on has changed")
            continue
        report = audit(module, needed, say)
        report.made_from, report.graded_with = now.made_from, now.graded_with
        yield report
    course = Course(modules[0].root)
    if "kit" in chosen and known.get(KIT) != (now := Known(kit_made_from(course))):
        say("kit: what students get")
        report = audit_kit(course)
        report.made_from = now.made_from
        yield report


def _parts_to_try(chosen: tuple[str, ...], known: Known | None, now: Known) -> tuple[str, ...]:
    """The chosen parts whose result can have changed since."""
    if known == now:
        return ()
    if known and known.made_from == now.made_from:
        return tuple(part for part in chosen if part == "grading")
    return chosen


def audit(
    module: Module,
    chosen: tuple[str, ...] = PARTS,
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """Audit one module; nothing of the course is changed.

    Parameters
    ----------
    module : Module
        Which module.
    chosen : tuple of str
        Which of `PARTS`.
    say : callable
        Called with what is being done.

    Returns
    -------
    Report
        Its findings are empty if the checks can be trusted.
    """
    report, begin = Report(module.folder), time.monotonic()
    try:
        _parts(module, chosen, report, say)
    except TitoError as error:
        report.add("course", module.folder, str(error).replace(f"{module.root}/", ""))
    report.seconds = round(time.monotonic() - begin, 1)
    return report


def _parts(module: Module, chosen: tuple[str, ...], report: Report, say) -> None:
    pack = Pack.of(module)
    catalogue = read_catalogue(module, pack.cells)
    parts.count(pack, report)
    needs = needs_of(module, pack)
    if "answers" in chosen:
        say(f"{module.folder}: can answers be made up?")
        parts.answers(pack, report)
    if "alone" in chosen:
        say(f"{module.folder}: each exercise left out, each mistake made, alone")
        left_out(pack, needs, report)
        known_again.mistakes_alone(pack, needs, catalogue, report)
        known_again.no_mistake_is_lucky(pack, catalogue, report)
    if "visible" in chosen:
        say(f"{module.folder}: what visible checks say to each mistake")
        parts.visible(pack, catalogue, report)
    if "alternatives" in chosen:
        say(f"{module.folder}: right solutions in another way")
        parts.alternatives(pack, catalogue, report)
    if "mutants" in chosen:
        say(f"{module.folder}: mutants of every solution")
        parts.all_mutants(pack, catalogue, report)
    if "grading" in chosen:
        say(f"{module.folder}: released, graded and given back by nbgrader")
        with tempfile.TemporaryDirectory(prefix="tito-audit-") as folder:
            copied = school.copy_of(Course(module.root), Path(folder)).module(module.folder)
            school.through_nbgrader(copied, report)
            school.given_away(copied, report)


def audit_kit(course: Course) -> Report:
    """Audit the kit of a course."""
    report = Report("kit")
    with tempfile.TemporaryDirectory(prefix="tito-audit-") as folder:
        school.kit(school.copy_of(course, Path(folder)), report)
    return report

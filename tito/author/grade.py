"""Grading a module: what submissions are graded by is prepared here, and `tito.grading` does it."""

from __future__ import annotations

from tito.author.ordinary import check_sources, release_ordinary
from tito.author.release import check_reference, release
from tito.course import Module
from tito.grading import pool
from tito.grading.assignment import Assignment
from tito.grading.live_view import Progress
from tito.grading.report import Graded
from tito.source.kept import kept
from tito.source.modules_and_others import Assigned


def grade(
    module: Assigned,
    students: tuple[str, ...] = (),
    force: bool = False,
    progress: Progress | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    sandboxed: bool = True,
    take: tuple[str, ...] = (),
) -> list[Graded]:
    """Grade the submissions of a module, which is released first if it was not yet.

    The parameters, the result and the errors are those of `tito.grading.pool.grade`.
    """
    return pool.grade(module, prepared, students, force, progress, jobs, scheduler, sandboxed, take)


def prepared(assigned: Assigned) -> Assignment:
    """What is graded, after the reference of a module has passed its own hidden tests."""
    is_released = all((assigned.release_folder / name).exists() for name in assigned.notebooks)
    if not isinstance(assigned, Module):
        check_sources(assigned) if is_released else release_ordinary(assigned)
        return Assignment.of(assigned)
    if not is_released:
        release(assigned)
        return Assignment.of(assigned)
    assignment = Assignment.of(assigned)
    passed = assigned.root / ".tito" / f"checked-{assigned.folder}.json"
    kept(passed, assignment.digest, lambda: check_reference(assigned))
    return assignment

"""Grading a module: what submissions are graded by is prepared here, and `tito.grading` does it."""

from __future__ import annotations

import contextlib
import json

from tito.author.release import check_reference, release
from tito.course import Module
from tito.grading import pool
from tito.grading.assignment import Assignment
from tito.grading.live_view import Progress
from tito.grading.report import Graded


def grade(
    module: Module,
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


def prepared(module: Module) -> Assignment:
    """What is graded, after the reference has passed its own hidden tests."""
    if not module.released.exists():
        release(module)
        return Assignment.of(module)
    path = module.root / ".tito" / f"checked-{module.folder}.json"
    assignment = Assignment.of(module)
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text(encoding="utf-8")) == assignment.digest:
            return assignment
    check_reference(module)
    path.write_text(json.dumps(assignment.digest), encoding="utf-8")
    return assignment

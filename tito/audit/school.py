"""The real path: a course of its own, released, handed in, graded and given back by nbgrader."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from tito.audit.findings import Report
from tito.audit.parts import cheap_solutions
from tito.author.demo import hand_in
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.kit import make_kit
from tito.author.leaks import leaks, secrets_of
from tito.author.marks import scores
from tito.author.release import release
from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import write_atomically
from tito.grading.ledger import Ledger
from tito.grading.pool import LEDGER
from tito.source.catalogue import with_solution
from tito.source.instructors_notebook import notebook
from tito.source.percent import Cell, read_source

NEEDED = (
    "source",
    "nbgrader_config.py",
    "tito",
    "bin",
    "locks",
    "tinytorch",
    "pyproject.toml",
    "LICENSE",
    ".gitignore",
)


def copy_of(course: Course, folder: Path) -> Course:
    """A copy of a course in an empty folder, to grade in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.ipynb", ".ipynb_checkpoints")
    for name in NEEDED:
        source = course.root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder / name)
    for kind in ("read", "needs"):
        for path in (course.root / ".tito").glob(f"{kind}-*.json"):
            write_atomically(folder / ".tito" / path.name, path.read_bytes())
    return Course(folder)


def through_nbgrader(module: Module, report: Report) -> None:
    """Hand in what is right and what solves nothing, grade, and look into the gradebook."""
    release(module)
    with contextlib.closing(Ledger(module.root / LEDGER)) as ledger:
        ledger.set("key", "audit")  # the same inputs each time, so that the result is the same
    cells = read_source(module)
    hand_in(module, "reference", notebook(cells))
    hand_in(module, "untouched", json.loads(module.released.read_text(encoding="utf-8")))
    for number, label in enumerate(("none", "first-argument", "raise")):
        hand_in(module, label, notebook([_cheap(cell, number) for cell in cells]))
    for graded in grade(module):
        if graded.score is None:
            report.add("grading", graded.student, f"has no mark: {'; '.join(graded.notes)}")
        elif graded.student == "reference" and graded.notes:
            report.add("grading", graded.student, f"has notes: {'; '.join(graded.notes)}")
    written = {cell.name for cell in cells if cell.role == "answer"}
    for mark in scores(Course(module.root), [module]):
        if mark.exercise in written:
            continue
        if mark.student == "reference" and mark.score != mark.most:
            report.add(
                "grading",
                mark.exercise,
                f"the reference gets {mark.score:g} of {mark.most:g} points",
            )
        elif mark.student != "reference" and mark.score:
            report.add("grading", mark.exercise, f"{mark.student} gets {mark.score:g} points")
    feedback(module)


def _cheap(cell: Cell, number: int) -> Cell:
    if cell.role == "answer":
        return replace(cell, source="I do not know.")
    if cell.role != "exercise":
        return cell
    return replace(cell, source=with_solution(cell.source, cheap_solutions(cell)[number][1]))


def given_away(module: Module, report: Report) -> None:
    """Look for solutions, hidden tests and paths in what leaves the instructor's machine."""
    root, secrets = module.root, secrets_of(module)
    own = {"reference"}  # gets its own solutions back
    for kind in ("feedback", "autograded"):
        for folder in sorted((root / kind).glob(f"*/{module.folder}")):
            if kind == "feedback" and folder.parent.name not in own:
                _add(report, leaks([folder], secrets), root)
            _add(report, _paths(folder, root), root)
    pages = [root / "feedback" / "reference" / module.folder]
    _add(report, leaks(pages, secrets, kinds=("hidden test",)), root)
    _add(report, leaks([module.released.parent], secrets), root)
    _add(report, _paths(module.released.parent, root), root)


def _add(report: Report, found: list[str], root: Path) -> None:
    for line in found:
        where, _, what = line.replace(f"{root}/", "").partition(": ")
        report.add("leaks", where, f"it holds {what}")


def _paths(folder: Path, root: Path) -> list[str]:
    """Files that name a folder of this machine."""
    ours = {str(root), str(Path.home()), sys.prefix, str(Path(__file__).parents[2])}
    wanted = ours - {"/", "/root"}  # too common to tell anything
    files = (path for path in folder.rglob("*") if path.is_file())
    return [
        f"{path}: the path {name}"
        for path in files
        for name in sorted(wanted)
        if name in path.read_bytes().decode("utf-8", errors="replace")
    ]


def kit(course: Course, report: Report) -> None:
    """Make the kit, which looks for solutions and hidden tests of all modules itself."""
    out = course.root / "kit"
    try:
        make_kit(course, out)
    except TitoError as error:
        report.add("leaks", "kit", str(error).replace(f"{course.root}/", ""))
        return
    _add(report, _paths(out, course.root), course.root)

"""A class of the small course of the tests, for measurements of many submissions."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import cell_of, hand_in, reference, untouched, write_course  # noqa: E402

from tito.author.marks import scores  # noqa: E402
from tito.author.release import release  # noqa: E402
from tito.course import Course, Module  # noqa: E402

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
HALF_RIGHT = "#| export\ndef double(x):\n    return 2 * x if np.ndim(x) else x\n"
RAISES = "#| export\ndef double(x):\n    raise ValueError('not today')\n"
MARKS = (7, 5, 0, 3)  # of each kind of submission, in turn


def class_of(folder: Path, count: int) -> Module:
    """A course with one released module and submissions: of four, one is right, one half right, one
    blank, and one raises; no two are the same, and each prints 20 kB."""
    module = write_course(folder).module("01_numbers")
    release(module)
    kinds = [reference(module), reference(module), untouched(module), reference(module)]
    cell_of(kinds[1], "double")["source"] = HALF_RIGHT
    cell_of(kinds[3], "double")["source"] = RAISES
    for number in range(count):
        nb = kinds[number % len(kinds)]
        own = {
            "cell_type": "code",
            "id": "own",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": f"print('Student {number} ' * 1500)",
        }
        hand_in(module, student(number), nb | {"cells": [*nb["cells"], own]})
    return module


def student(number: int) -> str:
    """The name of one of them."""
    return f"s{number:04}"


def marks(module: Module) -> dict[tuple[str, str], float]:
    """The mark of each exercise of each student, as the gradebook has it."""
    course = Course(module.root)
    return {(s.student, s.exercise): s.score for s in scores(course, [module])}


def totals(module: Module) -> dict[str, float]:
    """The mark of each student."""
    found: dict[str, float] = {}
    for (name, _), score in marks(module).items():
        found[name] = found.get(name, 0) + score
    return found


def command(module: Module, *options: str) -> list[str]:
    """What grades the class and says what it does, a line of JSON for each submission."""
    return [sys.executable, "-m", "tito", "grade", module.folder, "--json", *options]

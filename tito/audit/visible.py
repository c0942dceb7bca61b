"""Do the visible checks help? What they say to each mistake of the catalogue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tito.audit import rehearsal
from tito.errors import TitoError
from tito.judge.pack import Pack
from tito.judge.workspace import workspace
from tito.notebook.exercises import header
from tito.source.catalogue import Mistake
from tito.source.percent import Cell
from tito.source.regions import without_hidden_tests

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shown:
    """What the visible check says to a mistake.

    Attributes
    ----------
    mistake : Mistake
        Which one.
    error : str
        The kind of error: ``"CheckFailed"``, another exception, or nothing if the check passed.
    message : str
        What the student reads, in one line.
    block : tuple of str
        The same as a notebook shows it; nothing where it shows a traceback.
    """

    mistake: Mistake
    error: str
    message: str
    block: tuple[str, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether it says what came and what was expected; an exception says where it came from."""
        if self.error == "CheckFailed":
            return "expected" in self.message
        return bool(self.error) and self.error != "NotImplementedError"


def what_checks_say(pack: Pack, mistakes: Iterable[Mistake]) -> list[Shown]:
    """Run the visible check of each mistake's exercise, with the mistake made.

    Parameters
    ----------
    pack : Pack
        The module.
    mistakes : iterable of Mistake
        Of its catalogue.

    Returns
    -------
    list of Shown
        One for each mistake.

    Raises
    ------
    TitoError
        If the notebook with all solutions does not run.
    """
    by_name = {mistake.name: mistake for mistake in mistakes}
    sources = {cell.name: cell.source for cell in pack.cells if cell.role == "exercise"}
    cells = _until(pack, {mistake.exercise for mistake in by_name.values()})
    with workspace(pack.modules) as folder:
        request = {
            "path": [str(folder), str(ROOT)],
            "cells": [_visible(cell) for cell in cells],
            "mistakes": [
                {"name": m.name, "exercise": m.exercise, "source": m.made_in(sources[m.exercise])}
                for m in by_name.values()
            ],
        }
        process = subprocess.run(
            [sys.executable, str(Path(rehearsal.__file__))],
            input=json.dumps(request),
            text=True,
            capture_output=True,
            cwd=folder,
            env=os.environ | {"MPLBACKEND": "agg"},
            check=False,
        )
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TitoError(f"the notebook of {pack.folder} does not run with all solutions: {last}")
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    return [
        Shown(by_name[line["name"]], line["error"], line["message"], tuple(line["block"]))
        for line in lines
    ]


def _until(pack: Pack, exercises: set[str]) -> list[Cell]:
    """The code cells up to the check of the last of these exercises."""
    cells = [cell for cell in pack.cells if cell.role in ("code", "exercise", "checks")]
    last = max(
        (n for n, c in enumerate(cells) if c.role == "checks" and c.name in exercises), default=-1
    )
    return cells[: last + 1]


def _visible(cell: Cell) -> dict:
    source = without_hidden_tests(cell.source)
    if cell.role == "checks":
        source = header(cell.name, cell.points, cell.milestone) + source
    return {"role": cell.role, "name": cell.name, "source": source}

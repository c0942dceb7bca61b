"""nbgrader's preprocessors with the same results: some without a gradebook, one that remembers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import ClassVar

from nbgrader.api import MissingEntry
from nbgrader.preprocessors import CheckCellMetadata as NbgraderCheckCellMetadata
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.preprocessors import OverwriteCells as NbgraderOverwriteCells

from tito.steps.job import job_of
from tito.steps.voided import points_left_out

FIELDS = ("name", "cell_type", "source", "checksum", "locked")


def record_of(book, folder: str, notebook: str) -> dict:
    """What a gradebook knows of a released notebook.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook.
    folder, notebook : str
        The assignment, and the name of its notebook without suffix.
    """
    known, out = book.find_notebook(notebook, folder), points_left_out(book, folder, notebook)
    graded = [*known.grade_cells, *known.task_cells]
    return {
        "kernelspec": json.loads(known.kernelspec or "null"),
        "cells": [
            {name: getattr(cell, name) for name in FIELDS} | {"cell_type": _text(cell.cell_type)}
            for cell in known.source_cells
        ],
        "points": {cell.name: out.get(cell.name, cell.max_score) for cell in graded},
        "solutions": [cell.name for cell in known.solution_cells],
        "tasks": [cell.name for cell in known.task_cells],
    }


def _text(cell_type) -> str:
    return str(getattr(cell_type, "value", cell_type))


class ReleaseRecord:
    """Answers what nbgrader's OverwriteCells asks a gradebook, from such a record."""

    def __init__(self, data: dict):
        self.kernelspec = data["kernelspec"]
        self.cells = {cell["name"]: SimpleNamespace(**cell) for cell in data["cells"]}
        self.points = data["points"]
        graded = [n for n in self.points if n not in data["tasks"]]
        self.notebook = SimpleNamespace(
            source_cells=list(self.cells.values()),
            grade_cells=[self.find_graded_cell(n) for n in graded],
            task_cells=[self.find_graded_cell(n) for n in data["tasks"]],
            solution_cells=[SimpleNamespace(name=n) for n in data["solutions"]],
        )

    def find_notebook(self, name: str, assignment: str):
        """The notebook; there is only one."""
        return self.notebook

    def find_source_cell(self, name: str, notebook: str, assignment: str):
        """A cell as it was built, hidden tests included."""
        if name not in self.cells:
            raise MissingEntry(f"no cell {name!r}")
        return self.cells[name]

    def find_graded_cell(self, name: str, notebook: str = "", assignment: str = ""):
        """The points of a cell."""
        if name not in self.points:
            raise MissingEntry(f"no graded cell {name!r}")
        return SimpleNamespace(name=name, max_score=self.points[name])


class OverwriteCells(NbgraderOverwriteCells):
    """nbgrader's preprocessor of this name, with the record in the gradebook's place."""

    def preprocess(self, nb, resources):
        self.gradebook = job_of(resources).record
        self.notebook_id = resources["nbgrader"]["notebook"]
        self.assignment_id = resources["nbgrader"]["assignment"]
        nb, resources = super(NbgraderOverwriteCells, self).preprocess(nb, resources)
        if self.add_missing_cells:
            nb, resources = self.add_missing_grade_cells(nb, resources)
            nb, resources = self.add_missing_task_cells(nb, resources)
        return nb, resources


class OverwriteKernelspec(NbGraderPreprocessor):
    """nbgrader's preprocessor of this name, with the record in the gradebook's place."""

    def preprocess(self, nb, resources):
        if kernelspec := job_of(resources).record.kernelspec:
            nb.metadata["kernelspec"] = dict(kernelspec)
        return nb, resources


class CheckCellMetadata(NbgraderCheckCellMetadata):
    """nbgrader's preprocessor of this name; what it found valid once, it does not check again.

    It checks its schema anew for every cell, which takes longer than all other steps before the
    notebook is run; and the submissions of a class have the same metadata.
    """

    valid: ClassVar[set[str]] = set()

    def preprocess(self, nb, resources):
        cells = [cell for cell in nb.cells if "nbgrader" in cell.metadata]
        described = json.dumps([[cell.cell_type, cell.metadata["nbgrader"]] for cell in cells])
        if described not in self.valid:
            nb, resources = super().preprocess(nb, resources)
            self.valid.add(described)
        return nb, resources

"""Step 1, sanitize: whatever a student did to the cells, the graded ones are there, once each."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.judge.limited_parser import PARSER
from tito.notebook.export import texts_parsed
from tito.steps.job import job_of
from tito.steps.notes import flag, note, some_of

LEFT_OUT = "# This cell was left out, because it is too long or too dear to parse.\n"


class RestoreCells(NbGraderPreprocessor):
    """Give every cell of the release its metadata back, add missing ones, and free copied ones.

    A copied cell has the grade_id of the original: the last one keeps it, as it is the one that ran
    last, and the others become ordinary cells. Tags are removed, because some change what is run.
    The text of locked cells is restored by nbgrader's own OverwriteCells, which follows.
    """

    def preprocess(self, nb, resources):
        job = job_of(resources)
        nb.metadata.pop("tito", None)  # ours to write
        leave_out_dear_cells(nb)
        restore_cells(nb, job.released)
        return nb, resources


def leave_out_dear_cells(nb) -> None:
    """Put a comment in the place of cells that nobody could parse without harm; it is noted."""
    code = [n for n, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    for place, why in PARSER.too_dear(texts_parsed(nb.cells[n].source) for n in code).items():
        cell, number = nb.cells[code[place]], code[place] + 1
        cell.source = LEFT_OUT
        name = (cell.metadata.get("nbgrader") or {}).get("grade_id") or f"cell {number}"
        note(nb, f"the cell {name!r} was left out: {why}")


def restore_cells(nb, released: list[dict]) -> None:
    """Make sure that every graded cell is in a notebook, once.

    Parameters
    ----------
    nb : NotebookNode
        A submission; notes of what was done are added to its metadata.
    released : list of dict
        The graded cells as they were released.
    """
    by_id = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in released}
    seen: set[str] = set()
    for cell in reversed(nb.cells):
        tags = cell.metadata.pop("tags", None)
        if isinstance(tags, list) and "skip-execution" in tags:
            flag(nb, "cells have the tag skip-execution")
        nbgrader = cell.metadata.pop("nbgrader", None)
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        if not isinstance(grade_id, str) or grade_id not in by_id:
            continue
        if grade_id in seen:
            note(nb, f"the cell {grade_id!r} is there more than once; the last one is graded")
            continue
        seen.add(grade_id)
        original = by_id[grade_id]
        cell.metadata["nbgrader"] = _copy(original["metadata"]["nbgrader"])
        _set_type(cell, original["cell_type"])
    absent = [grade_id for grade_id in by_id if grade_id not in seen]
    if absent:
        note(nb, f"missing, and added as released: {some_of(absent)}")
    for missing in absent:
        nb.cells.insert(_place(nb, missing, list(by_id)), _released(by_id[missing]))


def _place(nb, missing: str, order: list[str]) -> int:
    """Where a missing cell belongs: after the nearest cell before it in the release."""
    earlier = set(order[: order.index(missing)])
    places = [
        number
        for number, cell in enumerate(nb.cells, 1)
        if cell.metadata.get("nbgrader", {}).get("grade_id") in earlier
    ]
    return max(places, default=0)


def _copy(metadata: dict) -> dict:
    from nbformat import from_dict

    return from_dict(dict(metadata))


def _released(cell: dict):
    from nbformat import from_dict

    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    return from_dict({**cell, "source": source, "id": f"restored-{cell['id']}"[:64]})


def _set_type(cell, cell_type: str) -> None:
    if cell.cell_type == cell_type:
        return
    cell.cell_type = cell_type
    for key in ("outputs", "execution_count", "attachments"):
        cell.pop(key, None)
    if cell_type == "code":
        cell.outputs, cell.execution_count = [], None

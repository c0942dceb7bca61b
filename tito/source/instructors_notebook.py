"""From the cells of a source to the notebook that nbgrader releases."""

from __future__ import annotations

import re

from tito.notebook.exercises import header
from tito.source.percent import Cell
from tito.source.regions import BEGIN_HIDDEN


def notebook(cells: list[Cell]):
    """The instructor's notebook, ready for nbgrader.

    Parameters
    ----------
    cells : list of Cell
        The cells of a module's source.

    Returns
    -------
    nbformat.NotebookNode
        With nbgrader's metadata, and with cell ids that depend on the content only.
    """
    import nbformat

    used: set[str] = set()
    nb = nbformat.v4.new_notebook(
        cells=[_notebook_cell(cell, used) for cell in cells],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    return nb


def _notebook_cell(cell: Cell, used: set[str]):
    import nbformat

    new = (
        nbformat.v4.new_markdown_cell
        if cell.role in ("text", "answer")
        else nbformat.v4.new_code_cell
    )
    identity = cell.id
    while identity in used:
        identity += "-again"
    used.add(identity)
    source = cell.source
    if cell.role == "checks":
        # a student gets what stands before the hidden tests; it should not end in blank lines
        source = re.sub(rf"\n\s*\n(?={BEGIN_HIDDEN})", "\n", source)
        source = header(cell.name, cell.points, cell.milestone) + source
    raw = new(source, id=identity[:64])
    if cell.name:
        raw.metadata["nbgrader"] = _nbgrader(cell)
    if cell.role == "demo":
        raw.metadata["tito"] = {"demo": cell.id}  # for tito test, which leaves it out
    return raw


def _nbgrader(cell: Cell) -> dict:
    graded = cell.role in ("checks", "answer")
    metadata = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "grade": graded,
        "solution": cell.role in ("exercise", "answer"),
        "locked": cell.role == "checks",
        "task": False,
    }
    return metadata | ({"points": cell.points} if graded else {})

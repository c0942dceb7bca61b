"""Model answers and mark schemes: read from the sources, for the eyes of whoever marks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tito.course import Module
from tito.source.modules_and_others import Assigned
from tito.source.percent import read_source

ANSWER = re.compile(r"\A\s*\*\*Model answer\.?\*\*\s*", re.I)
SCHEME = re.compile(r"^\*\*(?:Marks|Mark scheme)\.?\*\*\s*", re.I | re.M)
# An ordinary assignment's, with nbgrader's own delimiters.
SOLUTION_LINES = re.compile(r"^.*(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS).*\n?", re.M)
TASK_SCHEME = re.compile(r"BEGIN MARK SCHEME[^\n]*\n(.*?)^[^\n]*END MARK SCHEME", re.M | re.S)


@dataclass(frozen=True)
class Guide:
    """What helps to mark an answer, as Markdown; either may be empty."""

    answer: str
    scheme: str


def guide_of(text: str) -> Guide:
    """The model answer and the mark scheme in the cell of a module's answer.

    The paragraph that begins with ``**Marks.**`` or ``**Mark scheme.**`` begins the scheme; what
    is before it is the model answer.
    """
    answer, *scheme = SCHEME.split(text, maxsplit=1)
    return Guide(ANSWER.sub("", answer).strip(), "".join(scheme).strip())


def missing_in(text: str) -> list[str]:
    """What a module's answer lacks of its form."""
    guide = guide_of(text)
    parts = {
        "model answer": guide.answer,
        "mark scheme": guide.scheme,
    }
    return [name for name, there in parts.items() if not there]


def guides(assigned: Assigned, notebook: str) -> dict[str, Guide]:
    """The model answers and mark schemes of a notebook, by the name of the cell.

    Parameters
    ----------
    assigned : Module or Ordinary
        Which module or other assignment.
    notebook : str
        The name of the notebook, without suffix.
    """
    if isinstance(assigned, Module):
        cells = read_source(assigned)
        return {cell.grade_id: guide_of(cell.source) for cell in cells if cell.role == "answer"}
    path = assigned.source_folder / f"{notebook}.ipynb"
    return dict(filter(None, map(_ordinary, _cells(path))))


def _cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _ordinary(cell: dict) -> tuple[str, Guide] | None:
    """The guide to a cell of nbgrader's that a person marks."""
    nbgrader = cell["metadata"].get("nbgrader") or {}
    name, text = nbgrader.get("grade_id"), "".join(cell["source"])
    if nbgrader.get("task"):
        return name, Guide("", "\n\n".join(TASK_SCHEME.findall(text)).strip())
    if not (nbgrader.get("grade") and nbgrader.get("solution")):
        return None
    if cell["cell_type"] == "code":
        return name, Guide(f"```python\n{SOLUTION_LINES.sub('', text).strip()}\n```", "")
    return name, guide_of(SOLUTION_LINES.sub("", text))

"""Feedback: marks and messages, and never the text of a hidden test."""

from __future__ import annotations

import re

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.source.regions import BEGIN_HIDDEN, without_hidden_tests
from tito.steps.clear_for_students import delimiters
from tito.steps.job import is_ordinary


class HideTests(NbGraderPreprocessor):
    """Take hidden tests, mark schemes and our notes out of what the student gets back."""

    def preprocess(self, nb, resources):
        nb.metadata.pop("tito", None)
        if is_ordinary(resources):
            for begin, end in delimiters(self.config):
                hide_regions(nb, begin, end)
            return nb, resources
        for cell in nb.cells:
            if BEGIN_HIDDEN in cell.source:
                cell.source = without_hidden_tests(cell.source)
        return nb, resources


def hide_regions(nb, begin: str, end: str) -> None:
    """Take what stands between two delimiters out of a notebook, and out of what its errors quote.

    An error shows the lines around the one that failed. Of an error in a cell that has a hidden
    region stay its name, and what it says where the instructor wrote that into the cell.

    Parameters
    ----------
    nb : NotebookNode
        A graded notebook.
    begin, end : str
        What the first and the last line of a region hold.
    """
    pattern = rf"^[^\n]*{re.escape(begin)}.*?(?:{re.escape(end)}[^\n]*(?:\n|\Z)|\Z)"
    region = re.compile(pattern, re.M | re.S)
    for cell in nb.cells:
        hidden = "\n".join(region.findall(cell.source))
        if hidden:
            cell.source = region.sub("", cell.source).rstrip("\n")
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    said = output.evalue if _is_written(output.evalue, hidden) else ""
                    line = f"{output.ename}: {said}" if said else output.ename
                    output.evalue, output.traceback = said, [line]


def _is_written(said: str, text: str) -> bool:
    """Whether what an error says stands in a text between quotation marks."""
    return bool(said) and any(f"{mark}{said}{mark}" in text for mark in ("'", '"'))

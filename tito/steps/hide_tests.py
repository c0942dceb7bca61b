"""Feedback: marks and messages, and never the text of a hidden test."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.notebook.source import BEGIN_HIDDEN, without_hidden_tests


class HideTests(NbGraderPreprocessor):
    """Take hidden tests, and our notes, out of what the student gets back."""

    def preprocess(self, nb, resources):
        nb.metadata.pop("tito", None)
        for cell in nb.cells:
            if BEGIN_HIDDEN in cell.source:
                cell.source = without_hidden_tests(cell.source)
        return nb, resources

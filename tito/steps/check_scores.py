"""Before step 5, save: a score is a finite number between 0 and the points."""

from __future__ import annotations

import math

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.steps.job import is_ordinary
from tito.steps.notes import note


class CheckScores(NbGraderPreprocessor):
    """Turn a score that nbgrader would misread into 0, and report it.

    It matters for checks without observations, whose last expression is the mark: nbgrader gives
    full marks for what is not a number, and refuses the submission for one above the points.
    In an ordinary assignment the first is nbgrader's rule, which its author knows: it stays.
    """

    def preprocess(self, nb, resources):
        self.is_ordinary = is_ordinary(resources)
        for cell in nb.cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and nbgrader.get("grade") and not nbgrader.get("solution"):
                self.check(nb, cell, nbgrader)
        return nb, resources

    def check(self, nb, cell, nbgrader) -> None:
        """Check the results of one cell."""
        if cell.source.strip() and not cell.get("execution_count") and not cell.outputs:
            self.report(nb, cell, nbgrader, "it did not run")
        for output in cell.outputs:
            if self.is_ordinary and _is_trouble(output):
                return
            if output.output_type == "execute_result":
                text = output["data"].get("text/plain", "")
                if not self.is_score(_number(text), float(nbgrader["points"])):
                    self.report(nb, cell, nbgrader, f"its score was {text[:50]!r}")
                    return

    def is_score(self, number: float, points: float) -> bool:
        """Whether nbgrader takes a result for what its author meant."""
        if self.is_ordinary:
            return not number > points
        return 0 <= number <= points

    def report(self, nb, cell, nbgrader, reason: str) -> None:
        """Give 0 points, and say why."""
        from nbformat.v4 import new_output

        points = f"{float(nbgrader['points']):g}"
        note(nb, f"the cell {nbgrader['grade_id']!r} gets 0 of {points} points: {reason}")
        result = new_output("execute_result", data={"text/plain": "0.0"}, execution_count=1)
        cell.outputs = [o for o in cell.outputs if o.output_type != "execute_result"] + [result]


def _is_trouble(output) -> bool:
    """Whether an output costs the points, whatever follows it."""
    is_stderr = output.output_type == "stream" and output.name == "stderr"
    return is_stderr or output.output_type == "error"


def _number(text) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan

"""Before step 5, save: a score is a finite number between 0 and the points."""

from __future__ import annotations

import math

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.steps.notes import note


class CheckScores(NbGraderPreprocessor):
    """Turn a score that nbgrader would misread into 0, and report it.

    It matters for checks without observations, whose last expression is the mark: nbgrader gives
    full marks for what is not a number, and refuses the submission for one above the points.
    """

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and nbgrader.get("grade"):
                self.check(nb, cell, nbgrader)
        return nb, resources

    def check(self, nb, cell, nbgrader) -> None:
        """Check the results of one cell."""
        if not cell.get("execution_count") and not cell.outputs:
            self.report(nb, cell, nbgrader, "it did not run")
        for output in cell.outputs:
            if output.output_type == "execute_result":
                text = output["data"].get("text/plain", "")
                if not 0 <= _number(text) <= float(nbgrader["points"]):
                    self.report(nb, cell, nbgrader, f"its score was {text[:50]!r}")
                    return

    def report(self, nb, cell, nbgrader, reason: str) -> None:
        """Give 0 points, and say why."""
        from nbformat.v4 import new_output

        points = f"{float(nbgrader['points']):g}"
        note(nb, f"the cell {nbgrader['grade_id']!r} gets 0 of {points} points: {reason}")
        result = new_output("execute_result", data={"text/plain": "0.0"}, execution_count=1)
        cell.outputs = [o for o in cell.outputs if o.output_type != "execute_result"] + [result]


def _number(text) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan

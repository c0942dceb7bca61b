"""Restoring graded cells from the gradebook, also those that are left out of the sum."""

from __future__ import annotations

from nbgrader.api import Gradebook
from nbgrader.preprocessors import OverwriteCells as NbgraderOverwriteCells

from tito.steps.voided import points_left_out


class OverwriteCells(NbgraderOverwriteCells):
    """nbgrader's OverwriteCells, for which a cell left out is worth what its release says.

    The gradebook has 0 points for it, and follows again as soon as marks are asked for.
    """

    def preprocess(self, nb, resources):
        known = resources["nbgrader"]
        assignment, notebook = known["assignment"], known["notebook"]
        with Gradebook(known["db_url"]) as book:
            for name, points in points_left_out(book, assignment, notebook).items():
                book.find_graded_cell(name, notebook, assignment).max_score = points
            book.db.commit()
        return super().preprocess(nb, resources)

"""After step 3: what was run is made safe to be read."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.course import Course
from tito.steps.job import IN_POOL
from tito.steps.notes import note
from tito.steps.outputs import LONGEST_TEXT, clean


class CleanOutputs(NbGraderPreprocessor):
    """Take out of a notebook what would run in formgrader or feedback, and our folders' names."""

    def preprocess(self, nb, resources):
        note_long_answers(nb)
        if IN_POOL in resources:
            clean(nb, [resources[IN_POOL].folder])
        else:
            clean(nb, [str(Course.find().root), str(resources["metadata"]["path"])])
        return nb, resources


def note_long_answers(nb) -> None:
    """Say which answers are too long to be shown whole where they are marked."""
    for cell in nb.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        is_answer = nbgrader.get("grade") and nbgrader.get("solution")
        if is_answer and cell.cell_type == "markdown" and len(cell.source) > LONGEST_TEXT:
            name = nbgrader["grade_id"]
            note(
                nb,
                f"the answer {name!r} has more than {LONGEST_TEXT:,} characters; formgrader shows "
                "its beginning, and all of it is in submitted/",
            )

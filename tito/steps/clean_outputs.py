"""After step 3: what was run is made safe to be read."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.course import Course
from tito.steps.job import IN_POOL
from tito.steps.outputs import clean


class CleanOutputs(NbGraderPreprocessor):
    """Take out of a notebook what would run in formgrader or feedback, and our folders' names."""

    def preprocess(self, nb, resources):
        if IN_POOL in resources:
            clean(nb, [resources[IN_POOL].folder])
        else:
            clean(nb, [str(Course.find().root), str(resources["metadata"]["path"])])
        return nb, resources

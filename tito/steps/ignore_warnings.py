"""Before scores are read: a warning that a test cell of a module prints is no failure."""

from __future__ import annotations

from nbgrader.preprocessors import IgnorePattern
from traitlets import Bool

from tito.steps.job import is_ordinary


class IgnoreWarnings(IgnorePattern):
    """nbgrader's IgnorePattern, with its settings, which leaves out warnings in modules as well.

    For an ordinary assignment the settings of IgnorePattern alone decide, as in any other course.
    """

    enabled = Bool(True).tag(config=True)
    warnings = r"Warning: "

    def preprocess(self, nb, resources):
        own = self.config.IgnorePattern
        pattern = str(own.get("pattern", "")) if own.get("enabled") else ""
        if not is_ordinary(resources):
            pattern = f"{pattern}|{self.warnings}" if pattern else self.warnings
        self.pattern = pattern
        return super().preprocess(nb, resources)

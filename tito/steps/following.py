"""Marks follow what people decided: other dates, exercises that do not count, marks by hand."""

from __future__ import annotations

from nbgrader.plugins import CsvExportPlugin as NbgraderCsvExportPlugin
from traitlets.config import Config

from tito.steps.extensions import follow_extensions
from tito.steps.late_penalties import follow_marks
from tito.steps.voided import follow_voids


def follow_decisions(book, config: Config, assignment: str, student: str | None = None) -> None:
    """Bring all marks of an assignment up to date.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    config : Config
        The settings, with the rule for late penalties.
    assignment : str
        Which assignment.
    student : str, optional
        Only this one's marks.
    """
    follow_extensions(book, assignment, student)
    follow_voids(book, assignment, student)
    follow_marks(book, config, assignment, student)


def follow_and_keep(book, config: Config, assignment: str, student: str | None = None) -> None:
    """The same, and commit it."""
    follow_decisions(book, config, assignment, student)
    book.db.commit()


class CsvExportPlugin(NbgraderCsvExportPlugin):
    """nbgrader's export of marks, after they have followed."""

    def export(self, gradebook):
        for assignment in gradebook.assignments:
            follow_and_keep(gradebook, self.config, assignment.name)
        super().export(gradebook)

"""Late penalties that follow all marks, also those that were given by hand since."""

from __future__ import annotations

from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config


def follow_marks(book, config: Config, assignment: str, student: str | None = None) -> None:
    """Make late penalties what nbgrader's rule gives for the marks and due dates as they are now.

    Parameters
    ----------
    book : nbgrader.api.Gradebook
        The gradebook; nothing is committed.
    config : Config
        The settings, with the rule.
    assignment : str
        Which assignment.
    student : str, optional
        Only this one's.
    """
    if student is None:
        submissions = book.assignment_submissions(assignment)
    else:
        submissions = [book.find_submission(assignment, student)]
    notebooks = [
        (notebook, submission.student.id, _seconds_late(submission))
        for submission in submissions
        for notebook in submission.notebooks
    ]
    touched = [one for one in notebooks if one[-1] or one[0].late_submission_penalty]
    step = _step(config) if touched else None  # it takes as long as all the rest
    for notebook, whose, seconds in touched if step else ():
        penalty = _penalty(step, notebook, whose, seconds)
        if penalty != notebook.late_submission_penalty:
            notebook.late_submission_penalty = penalty


def _seconds_late(submission) -> float:
    return submission.total_seconds_late if submission.assignment.duedate else 0


def _step(config: Config) -> AssignLatePenalties | None:
    """The step that the settings have for it."""
    kinds = Autograde(config=config).autograde_preprocessors
    found = [kind for kind in kinds if issubclass(kind, AssignLatePenalties)]
    if not found:
        return None
    step = found[0](config=config)
    step.init_plugin()
    return step


def _penalty(step: AssignLatePenalties, notebook, student: str, seconds: float) -> float | None:
    if not seconds:
        return None
    penalty = step.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
    return None if penalty is None else step._check_late_penalty(notebook, penalty)

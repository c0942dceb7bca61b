"""Where a student stands with a module: exercises done, points so far, time that is left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.notebook.card import Hours, hours_of
from tito.notebook.exercises import (
    MILESTONES,
    POINTS,
    REACHES,
    RESULTS,
    answers_of,
    milestones_of,
    worth,
)

SIGNS = {"passed": "✓", "failed": "✗", "not done": "·", "not run": "·", "waits": "·"}
WORDS = {
    "passed": "done",
    "failed": "not right yet",
    "not done": "not done yet",
    "not run": "not run",
    "waits": "waits for another",
}


@dataclass(frozen=True)
class Progress:
    """Where a student stands with a module.

    Attributes
    ----------
    states : dict of str to str
        Each exercise, and ``"passed"``, ``"failed"``, ``"not done"`` or ``"not run"``.
    points : dict of str to float
        What each is worth.
    unanswered : tuple of str
        Written answers that have not been begun.
    answers : int
        Written answers that are asked for; an instructor marks them.
    answer_points : float
        What those are worth.
    hours : Hours or None
        How long the whole module takes, by its card.
    milestones : dict of str to str
        The exercises that are milestones, and which.
    """

    states: dict[str, str]
    points: dict[str, float]
    unanswered: tuple[str, ...] = ()
    answers: int = 0
    answer_points: float = 0.0
    hours: Hours | None = None
    milestones: dict[str, str] = field(default_factory=dict)

    @property
    def reached(self) -> list[str]:
        """The milestones whose checks pass."""
        return [m for name, m in self.milestones.items() if self.states.get(name) == "passed"]

    @property
    def done(self) -> int:
        """How many exercises pass their checks."""
        return sum(state == "passed" for state in self.states.values())

    @property
    def written(self) -> int:
        """How many written answers have been begun."""
        return self.answers - len(self.unanswered)

    @property
    def points_so_far(self) -> float:
        """The points of these exercises."""
        return sum(self.points[n] for n, state in self.states.items() if state == "passed")

    @property
    def most(self) -> float:
        """The points of all exercises."""
        return sum(self.points.values())

    @property
    def left(self) -> Hours | None:
        """The card's time for what is not done, by points."""
        whole = self.most + self.answer_points
        if self.hours is None or not whole:
            return None
        share = self.written / self.answers if self.answers else 0
        done = self.points_so_far + share * self.answer_points
        return self.hours.share(1 - done / whole)

    def sentences(self) -> list[str]:
        """All of it in a few lines."""
        lines = [
            f"{self.done} of {len(self.states)} exercises done, "
            f"{self.points_so_far:g} of {worth(self.most)}"
        ]
        if self.answers:
            lines.append(
                f"{self.written} of {self.answers} written answers begun "
                f"({worth(self.answer_points)}, marked by hand)"
                + (f"; not yet: {', '.join(self.unanswered)}" if self.unanswered else "")
            )
        if self.left and self.left.most:
            lines.append(f"{self.left} left, by the module's card")
        for name, milestone in self.milestones.items():
            how = "reached" if milestone in self.reached else f"when {name} passes"
            lines.append(f"Milestone {milestone}, {MILESTONES[milestone].title}: {how}")
        return lines

    def __repr__(self) -> str:
        width = max(map(len, self.states), default=0)
        each = [
            f"{SIGNS[state]} {name:{width}}  {worth(self.points[name]):>9}  {WORDS[state]}"
            for name, state in self.states.items()
        ]
        return "\n".join([*self.sentences(), *each])

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left;padding:0.1em 1em 0.1em 0"'
        rows = "".join(
            f'<tr><th scope="row" {cell}>{escape(name)}</th><td {cell}>{SIGNS[s]} {WORDS[s]}</td>'
            f"<td {cell}>{worth(self.points[name])}</td></tr>"
            for name, s in self.states.items()
        )
        first, *others = map(escape, self.sentences())
        text = "<br>".join([f"<strong>{first}</strong>", *others])
        return (
            f"<div>{text}</div><details><summary style='cursor:pointer'>Each exercise</summary>"
            f"<table><tbody>{rows}</tbody></table></details>"
        )


def progress_of(module: Module, known: Mapping[str, str] = RESULTS) -> Progress:
    """Where a student stands with a module.

    Parameters
    ----------
    module : Module
        Which module; it must have been started.
    known : mapping of str to str
        How checks went since the last `tito test`, which is believed for all others.
    """
    from tito.student.desk import read_desk, remembered

    nb = read_desk(module)
    tested = (remembered(module).get("tested") or {}).get("states") or {}
    states, points, answers = {}, {}, answers_of(nb)
    for cell in nb["cells"]:
        nbgrader = cell.get("metadata", {}).get("nbgrader") or {}
        name = str(nbgrader.get("grade_id", "")).removeprefix("test-")
        if nbgrader.get("grade") and not nbgrader.get("solution"):
            points[name] = float(nbgrader.get("points", 0))
            states[name] = known.get(name) or tested.get(name) or "not run"
    unanswered = tuple(name for name, (_, begun) in answers.items() if not begun)
    worth_of_answers = sum(points for points, _ in answers.values())
    return Progress(
        states,
        points,
        unanswered,
        len(answers),
        worth_of_answers,
        hours_of(module),
        milestones_of(nb),
    )


def progress() -> Progress:
    """Where you stand with the module of this notebook: what is done, and about how long is left.

    Checks that have not run since this notebook was opened count as they did at the last
    `tito test`. The notebook is read as it was last saved; one that is not on a desk is judged by
    the checks that have run in it.
    """
    path, folder = Path(os.environ.get("JPY_SESSION_NAME", "")), Path.cwd()
    try:
        modules = [m for m in Course.find().modules() if m.desk.parent == folder or m.desk == path]
        return progress_of(modules[0])
    except (TitoError, IndexError):
        return Progress(dict(RESULTS), dict(POINTS), milestones=dict(REACHES))

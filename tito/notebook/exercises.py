"""What the first line of a checks cell says: which exercise it checks, and what that is worth."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How the checks that have run in this process went, by exercise: passed, not done or failed.
RESULTS: dict[str, str] = {}
POINTS: dict[str, float] = {}
HEADER = re.compile(r"# ([\w.-]+): (\d+(?:\.\d+)?) points?\s*(?:\n|\Z)")


@dataclass(frozen=True)
class Exercise:
    """An exercise and its points."""

    name: str
    points: float

    @property
    def worth(self) -> str:
        """Its points in words."""
        return worth(self.points)


UNANSWERED = "YOUR ANSWER HERE"


def answers_of(nb: dict) -> dict[str, tuple[float, bool]]:
    """The written answers of a notebook, by name: what each is worth, and whether it is begun."""
    found = {}
    for cell in nb["cells"]:
        nbgrader = cell.get("metadata", {}).get("nbgrader") or {}
        if nbgrader.get("grade") and nbgrader.get("solution"):
            text = "".join(cell["source"])
            begun = bool(text.strip()) and UNANSWERED not in text
            found[str(nbgrader.get("grade_id", ""))] = (float(nbgrader.get("points", 0)), begun)
    return found


def worth(points: float) -> str:
    """Points in words."""
    return f"{points:g} point" + ("" if points == 1 else "s")


def header(name: str, points: float) -> str:
    """The first line of a checks cell."""
    return f"# {name}: {points:g} points\n"


def exercise_of(source: str) -> Exercise | None:
    """What a cell's first line says; None if it is no checks cell.

    Parameters
    ----------
    source : str
        The text of a cell.
    """
    found = HEADER.match(source.lstrip())
    return Exercise(found[1], float(found[2])) if found else None

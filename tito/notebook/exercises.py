"""What the first line of a checks cell says: its exercise, what that is worth, and a milestone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import fill

# How the checks that have run in this process went, by exercise: passed, not done or failed.
RESULTS: dict[str, str] = {}
POINTS: dict[str, float] = {}
REACHES: dict[str, str] = {}  # the exercises among them that are milestones
HEADER = re.compile(r"# ([\w.-]+): (\d+(?:\.\d+)?) points?(?:, milestone (\w+))?[^\S\n]*(?:\n|\Z)")


@dataclass(frozen=True)
class Milestone:
    """A place in the course from which a student can look back.

    Attributes
    ----------
    name : str
        Such as ``"M1"``.
    title : str
        What has been built, in a few words.
    means : str
        What it means, in a sentence.
    then : str
        What comes next, in a sentence.
    """

    name: str
    title: str
    means: str
    then: str

    def sentences(self) -> list[str]:
        """What is said when it is reached."""
        return [f"★ Milestone {self.name}: {self.title}", fill(self.means, 88), fill(self.then, 88)]


MILESTONES = {
    m.name: m
    for m in [
        Milestone(
            "M1",
            "XOR and two spirals, out of a dictionary of numbers",
            "Your own package builds a network of any size, and loads what somebody else has "
            "trained. That is what happens whenever a published model is used.",
            "Next: the rest of this module; then other layers (5), or how numbers are found (7).",
        ),
        Milestone(
            "M2",
            "digits anywhere, read without one gradient",
            "Random filters, a bend, a maximum and a system of linear equations read what pixels "
            "alone cannot: what a network is made of matters before anything is trained.",
            "Next: the rest of this module; then batches of data (6), and filters that learn (11).",
        ),
        Milestone(
            "M3",
            "XOR and two spirals, from random weights",
            "Your own package finds the weights: losses, gradients, steps and loops are yours, and "
            "nobody has sent you a file.",
            "Next: runs that are interrupted and go on, in the rest of this module.",
        ),
        Milestone(
            "M6",
            "your own engine, compiled",
            "A step that nobody wrote for speed runs as lines of numpy, to the same bits: this "
            "is what JAX's jit and torch.compile do.",
            "Next: five kinds of steps on your own package, measured beside PyTorch.",
        ),
    ]
}


@dataclass(frozen=True)
class Exercise:
    """An exercise, its points, and the milestone that it is, if it is one."""

    name: str
    points: float
    milestone: str = ""


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


def header(name: str, points: float, milestone: str = "") -> str:
    """The first line of a checks cell."""
    return f"# {name}: {points:g} points{f', milestone {milestone}' if milestone else ''}\n"


def exercise_of(source: str) -> Exercise | None:
    """What a cell's first line says; None if it is no checks cell.

    Parameters
    ----------
    source : str
        The text of a cell.
    """
    found = HEADER.match(source.lstrip())
    return Exercise(found[1], float(found[2]), found[3] or "") if found else None


def milestones_of(nb: dict) -> dict[str, str]:
    """The exercises of a notebook that are milestones, and which."""
    texts = ("".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "code")
    found = [exercise for exercise in map(exercise_of, texts) if exercise]
    return {one.name: one.milestone for one in found if one.milestone in MILESTONES}

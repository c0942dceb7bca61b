"""A module's card: its README, which says among other things how long the module takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tito.course import Module

RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:\s*(?:–|-|to)\s*(\d+(?:\.\d+)?))?\s*hours?")


@dataclass(frozen=True)
class Hours:
    """From how many to how many hours something takes."""

    least: float
    most: float

    def share(self, fraction: float) -> Hours:
        """A fraction of it."""
        return Hours(self.least * fraction, self.most * fraction)

    def short(self) -> str:
        """It in a table: ``2–4 h``."""
        words = str(self).removeprefix("about ").replace(" to ", "–")
        return words.replace(" hours", " h").replace(" hour", " h").replace(" minutes", " min")

    def __str__(self) -> str:
        if self.most < 1:
            minutes = max(5 * round(self.most * 12), 5)
            return f"about {minutes} minutes"
        least, most = _halves(self.least), _halves(self.most)
        if least == most:
            return f"about {most:g} hour" + ("" if most == 1 else "s")
        return f"about {least:g} to {most:g} hours"


def _halves(hours: float) -> float:
    return max(round(hours * 2) / 2, 0.5)


def hours_of(module: Module) -> Hours | None:
    """How long a module takes, by its card; None if that says nothing.

    Parameters
    ----------
    module : Module
        Which module. Its card lies beside the source, the release or the notebook on the desk.
    """
    for folder in (module.source.parent, module.released.parent, module.desk.parent):
        card = folder / "README.md"
        if card.exists():
            row = re.search(r"^\| *Time *\|(.*)", card.read_text(encoding="utf-8"), flags=re.M)
            return _sum(row[1]) if row else None
    return None


def _sum(text: str) -> Hours | None:
    """All spans of a row together: ``7–8 hours, and 2–3 hours more`` are 9 to 11."""
    spans = RANGE.findall(text)
    if not spans:
        return None
    return Hours(sum(float(a) for a, _ in spans), sum(float(b or a) for a, b in spans))

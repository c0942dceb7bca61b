"""What became of each submission."""

from __future__ import annotations

from dataclasses import dataclass, field

from tito.files import printable

STATES = ("graded", "timed out", "crashed", "unreadable", "flagged")


@dataclass
class Graded:
    """What became of one submission.

    Attributes
    ----------
    student : str
        Whose it is.
    score, most : float or None
        The mark so far and the points there are; None without a mark.
    by_hand : int
        How many written answers are still to be marked.
    notes : list of str
        What the instructor should know.
    state : str
        One of `STATES`: "timed out" and "crashed" with a mark say how the notebook's own run ended;
        the mark is that of the hidden tests all the same.
    flags : list of str
        Why it looks as if it tried to get marks without solving.
    new : bool
        Whether it was graded now, and not before.
    penalty : float
        The points that were taken off for being late.
    differ : list of str
        Marks given by hand where the checks now give another.
    """

    student: str
    score: float | None = None
    most: float | None = None
    by_hand: int = 0
    notes: list[str] = field(default_factory=list)
    state: str = "graded"
    flags: list[str] = field(default_factory=list)
    new: bool = True
    penalty: float = 0.0
    differ: list[str] = field(default_factory=list)

    def failed(self, state: str, reason: str) -> Graded:
        """Note why there is no mark."""
        self.state = state
        self.notes.append(printable(f"not graded: {reason}"))
        return self

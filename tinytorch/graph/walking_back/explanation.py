"""What `explain` has to say."""

from __future__ import annotations


class Explanation:
    """What `explain` found.

    Attributes
    ----------
    agrees : bool
        Whether everything that could be judged agrees.
    rule : str or None
        The first rule along the graph that disagrees.
    text : str
        The findings, one short block.
    """

    def __init__(self, lines: list[str], agrees: bool = False, rule: str | None = None):
        self.text, self.agrees, self.rule = "\n".join(lines), agrees, rule

    def __repr__(self) -> str:
        return self.text


def several(count: int, word: str) -> str:
    """How many there are of something."""
    return f"1 {word}" if count == 1 else f"{count} {word}s"

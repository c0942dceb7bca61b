"""Notes on a submission, kept in its notebook's metadata until the report is printed."""

from __future__ import annotations


def note(nb, sentence: str) -> None:
    """Add a note to the notebook of a submission."""
    nb.metadata.setdefault("tito", {}).setdefault("notes", []).append(sentence)

"""Notes and flags on a submission, kept in its notebook's metadata until the report is printed."""

from __future__ import annotations


def note(nb, sentence: str) -> None:
    """Add a note to the notebook of a submission."""
    nb.metadata.setdefault("tito", {}).setdefault("notes", []).append(sentence)


def flag(nb, sentence: str) -> None:
    """Say that a submission looks as if it tried to get marks without solving."""
    flags = nb.metadata.setdefault("tito", {}).setdefault("flags", [])
    if sentence not in flags:
        flags.append(sentence)

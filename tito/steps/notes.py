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


def some_of(names: list[str], most: int = 6) -> str:
    """A list of names in a sentence, which says how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

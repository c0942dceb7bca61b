"""Notes and flags on a submission, kept in its notebook's metadata until the report is printed."""

from __future__ import annotations

import re

ANSWERS = re.compile(r"(?:\S+: )?the answer '")
# Notes on one cell, and how several of a kind begin: what comes after the colon differs.
KINDS = {
    re.compile(r"the cell ('.*?') could not be loaded: (.*)"): "could not be loaded",
    re.compile(r"the cell ('.*?') does not parse \((.*)\)"): "do not parse",
    re.compile(r"the cell ('.*?') took longer than (.*) s and was stopped"): "took too long",
    re.compile(r"the cell ('.*?') is there more than once; (.*)"): "are there more than once",
    re.compile(r"the cell ('.*?') gets 0 of (.* points: .*)"): "get 0 points",
}


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


def arranged(notes: list[str]) -> list[str]:
    """Notes as they are read best: on answers that wait for a person first, and kinds together."""
    answers = [sentence for sentence in notes if ANSWERS.match(sentence)]
    others = [sentence for sentence in notes if sentence not in answers]
    kinds: dict[str, list[str]] = {}
    for sentence in others:
        kinds.setdefault(_kind(sentence), []).append(sentence)
    return [*answers, *(_joined(kind, several) for kind, several in kinds.items())]


def _kind(sentence: str) -> str:
    found = (said for pattern, said in KINDS.items() if pattern.fullmatch(sentence))
    return next(found, sentence)


def _joined(kind: str, sentences: list[str]) -> str:
    """One sentence in place of several of a kind."""
    sentences = list(dict.fromkeys(sentences))
    if len(sentences) == 1:
        return sentences[0]
    cells = [_cell(sentence) for sentence in sentences]
    return f"{len(cells)} cells {kind}: {some_of(cells)}"


def _cell(sentence: str) -> str:
    """The name of a cell, and why it is named."""
    match = next(m for m in (pattern.fullmatch(sentence) for pattern in KINDS) if m)
    return f"{match[1]} ({match[2]})"

"""What was changed in a notebook since it was released, cell by cell."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

AROUND = 2  # lines that have not changed are shown before and after those that have


@dataclass(frozen=True)
class Change:
    """One cell that is not as it was released.

    Attributes
    ----------
    cell : str
        Its name, or its number.
    what : str
        ``"changed"``, ``"new"`` or ``"gone"``.
    lines : list of str
        The difference, each line with what stands before it: ``+``, ``-``, or a space.
    """

    cell: str
    what: str
    lines: list[str]


def changes(released: dict, other: dict) -> list[Change]:
    """The cells in which two notebooks differ, in the order of the second.

    Parameters
    ----------
    released, other : dict
        Notebooks, as read from JSON. Outputs do not count.

    Returns
    -------
    list of Change
        The changed and the new cells, and then those that are gone.
    """
    before, after = _by_key(released), _by_key(other)
    found = []
    for key, (name, text) in after.items():
        if key not in before:
            if text.strip():
                found.append(Change(name, "new", [f"+{line}" for line in text.splitlines()]))
        elif before[key][1].split() != text.split():
            found.append(Change(name, "changed", _difference(before[key][1], text)))
    gone = [(name, text) for key, (name, text) in before.items() if key not in after]
    return found + [Change(n, "gone", [f"-{line}" for line in t.splitlines()]) for n, t in gone]


def _by_key(nb: dict) -> dict[str, tuple[str, str]]:
    """The name and the text of each cell, by what stays when cells are moved."""
    found: dict[str, tuple[str, str]] = {}
    for number, cell in enumerate(nb["cells"], 1):
        name = (cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id")
        key = f"name {name}" if name else f"id {cell.get('id', number)}"
        if key in found:  # a copy of a cell has its id
            key = f"{key}, again at {number}"
        found[key] = (name or f"cell {number}", "".join(cell["source"]))
    return found


def _difference(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=AROUND)
    return ["…" if line.startswith("@@") else line for line in list(lines)[3:]]

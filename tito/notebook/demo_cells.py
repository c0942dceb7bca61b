"""Demos: cells that the release gives to everybody and that only show something.

Whoever wants to know what the checks say, or what a submission is worth, does not need the
measurement or the figure once more. Names decide which of these cells are needed by others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from tito.notebook.names import Names, names_of, words

HISTORY = re.compile(r"In|Out|_+|_i+|_ih|_oh|_dh|_i?\d+")  # what a notebook keeps of its cells
MOST_CELLS, LONGEST = 1_000, 50_000  # of notebooks in which it is worth to look; characters


def id_of_text(source: str) -> str:
    """What identifies a cell that has no name: a hash of its text."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def left_out(cells: Sequence, demo_of: Callable[[Any], Hashable | None]) -> set[int]:
    """The places of the cells that need not be run.

    Parameters
    ----------
    cells : sequence of NotebookNode
        The cells of a notebook.
    demo_of : callable
        What identifies the demo that a code cell is; None for a cell that is none.

    Returns
    -------
    set of int
        Those of the demos of which no other cell that is run needs anything. A second one that is
        the same was copied to be run.
    """
    sources = [cell.source if cell.cell_type == "code" else "" for cell in cells]
    if len(sources) > MOST_CELLS or any(len(source) > LONGEST for source in sources):
        return set()
    names = [names_of(source) or _every_word(source) for source in sources]
    if any(HISTORY.fullmatch(name) for cell in names for name in cell.reads | cell.reads_later):
        return set()
    demos: dict[Hashable, int] = {}
    for number, cell in enumerate(cells):
        if sources[number] and (demo := demo_of(cell)) is not None:
            demos.setdefault(demo, number)
    out = set(demos.values())
    while needed := {n for n in out if _is_needed(n, names, out)}:
        out -= needed
    return out


def _is_needed(demo: int, names: list[Names], out: set[int]) -> bool:
    """Whether cells that are run read what a demo defines, and have it from no other cell."""
    run = [n for n in range(len(names)) if n not in out]
    before = [names[n] for n in run if n < demo]
    lacking = names[demo].defines.difference(*(cell.surely for cell in before))
    if any(cell.reads_later & lacking for cell in before):
        return True
    latest = set(names[demo].defines)
    for number in range(demo + 1, len(names)):
        cell = names[number]
        if number not in out:
            if latest & (cell.reads | cell.reads_later - cell.surely):
                return True
            latest -= cell.surely
    return False


def _every_word(source: str) -> Names:
    """What only a notebook understands may read every word in it."""
    return Names(words(source), frozenset(), frozenset(), frozenset())

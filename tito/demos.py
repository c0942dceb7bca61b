"""Demos: cells that the release gives to everybody and that only show something.

Whoever wants to know what the checks say, or what a submission is worth, does not need the
measurement or the figure once more. Names decide which of these cells are needed by others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tito.names import Names, names_of


def left_out(sources: Sequence[str], demos: Collection[int]) -> set[int]:
    """The places of the cells that need not be run.

    Parameters
    ----------
    sources : sequence of str
        The texts of a notebook's cells; empty for what is no code.
    demos : collection of int
        The places of the demos.

    Returns
    -------
    set of int
        Those of the demos of which no other cell that is run needs anything.
    """
    names = [names_of(source) or _every_word(source) for source in sources]
    out = set(demos)
    while needed := {n for n in out if _is_needed(n, names, out)}:
        out -= needed
    return out


def _is_needed(demo: int, names: list[Names], out: set[int]) -> bool:
    """Whether cells that are run read what a demo defines, and have it from no other cell."""
    run = [n for n in range(len(names)) if n not in out]
    before = [names[n] for n in run if n < demo]
    lacking = names[demo].defines.difference(*(cell.defines for cell in before))
    if any(cell.reads_later & lacking for cell in before):
        return True
    latest = set(names[demo].defines)
    for number in range(demo + 1, len(names)):
        cell = names[number]
        if number not in out and latest & (cell.reads | cell.reads_later - cell.defines):
            return True
        latest -= cell.defines
    return False


def _every_word(source: str) -> Names:
    """What only a notebook understands may read every word in it."""
    return Names(frozenset(re.findall(r"[^\W\d]\w*", source)), frozenset(), frozenset())

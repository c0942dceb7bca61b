"""The cells of a source as Jupytext reads them, kept until the text changes."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tito.source.kept import kept


class RawCell(NamedTuple):
    """A cell before the course's rules are looked at: what nbformat calls its parts."""

    cell_type: str
    source: str
    metadata: dict


def raw_cells(text: str, path: Path) -> list[RawCell]:
    """The cells of a text in percent format.

    Parameters
    ----------
    text : str
        The text.
    path : Path
        Where they are kept: Jupytext takes a tenth of a second for a module, and a command reads
        all modules before the one that it is given.
    """
    state = hashlib.sha256(f"{version('jupytext')}\n{text}".encode("utf-8", "surrogatepass"))
    return [RawCell(*cell) for cell in kept(path, state.hexdigest(), lambda: _read(text))]


def _read(text: str) -> list[list]:
    import jupytext

    cells = jupytext.reads(text, fmt="py:percent").cells
    return [[cell.cell_type, cell.source, dict(cell.metadata)] for cell in cells]

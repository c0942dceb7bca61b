"""The library as the sources solve it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tito.course import Module
from tito.files import write_atomically
from tito.notebook.export import EXPORT, CodeCell, code_cell, module_text, title_of
from tito.source.percent import Cell, read_source


def reference_cells(module: Module) -> list[CodeCell]:
    """The cells of a module with the solutions of its source."""
    return code_cells(read_source(module))


def code_cells(cells: Iterable[Cell]) -> list[CodeCell]:
    """Those cells of a source that belong to its module."""
    return [
        code_cell(c.name or f"cell {n}", c.source, c.role == "exercise", c.id)
        for n, c in enumerate(cells, 1)
        if _belongs(c)
    ]


def _belongs(cell: Cell) -> bool:
    return cell.role == "exercise" or (cell.role == "code" and bool(EXPORT.search(cell.source)))


def reference_text(module: Module) -> str:
    """The text of a module as its source exports it."""
    origin = f"source/{module.folder}/{module.source.name}"
    return module_text(reference_cells(module), title_of(module), origin)


def export_reference(module: Module) -> Path:
    """Regenerate a module of the library from its source."""
    write_atomically(module.exported, reference_text(module))
    return module.exported

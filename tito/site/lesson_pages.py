"""A lesson's page: the notebook that students get, with the outputs of one that is solved."""

from __future__ import annotations

import re

from tito.course import Module
from tito.notebook.card import hours_of
from tito.site.headings import demoted
from tito.site.pictures import is_figure, with_files
from tito.site.run_lessons import Run
from tito.source.instructors_notebook import notebook
from tito.source.percent import Cell, read_source
from tito.source.regions import blank, without_hidden_tests
from tito.steps.clear_for_students import ClearSolutions

SOLVED = '<p class="solved">What it looks like when solved:</p>'
TEMPORARY = re.compile(r"/[^\s'\"]*/(ipykernel_\d+|tito-site-\w+)/")


def lesson_page(run: Run, files: dict[str, bytes], pdf: bool = False) -> dict:
    """The page of a lesson, as a notebook.

    Parameters
    ----------
    run : Run
        What came out when it was run.
    files : dict
        Gets the pictures, by their names.
    pdf : bool
        Whether there will be a PDF beside the page.
    """
    cells = read_source(run.module)
    nb = notebook(cells)
    shown = []
    for cell, raw in zip(cells, nb.cells, strict=True):
        raw.source = released_text(cell, raw.source)
        raw.metadata = _tags(cell)
        if raw.cell_type == "code":
            outputs = shown_outputs(cell, run.outputs.get(raw.id, []))
            raw.outputs = [_plain(with_files(output, files)) for output in outputs]
        shown.append(raw)
    _one_title(shown)
    _add_note(shown[0], run.module, pdf)
    nb.cells = shown
    return nb


def released_text(cell: Cell, text: str) -> str:
    """The text of a cell as students get it.

    Parameters
    ----------
    cell : Cell
        From the source.
    text : str
        What the instructor's notebook has in its place.
    """
    if cell.role == "exercise":
        return blank(text)
    if cell.role == "answer":
        return ClearSolutions().text_stub_of_modules
    return without_hidden_tests(text)


def shown_outputs(cell: Cell, outputs: list[dict]) -> list[dict]:
    """Those outputs of a cell that may be seen.

    A solution shows nothing but its figures; a cell that ended in an error shows nothing.
    """
    if any(output["output_type"] == "error" for output in outputs):
        return []
    if cell.role != "exercise":
        return outputs
    figures = [output for output in outputs if is_figure(output)]
    label = {"output_type": "display_data", "data": {"text/html": SOLVED}, "metadata": {}}
    return [label, *figures] if figures else []


def _tags(cell: Cell) -> dict:
    """The checks are folded, as they are in JupyterLab."""
    return {"tags": ["hide-input"]} if cell.role == "checks" else {}


def _plain(output: dict) -> dict:
    """An output without the folders of the machine that it was made on."""
    text = output.get("text")
    if text is None:
        return output
    joined = text if isinstance(text, str) else "".join(text)
    return output | {"text": TEMPORARY.sub("", joined)}


def _one_title(cells: list) -> None:
    """Move all headings but the first a level down: a page has one title."""
    seen = False
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        cell.source, seen = demoted(cell.source, seen)


def _add_note(first, module: Module, pdf: bool) -> None:
    """Put below the title what the module's card says, and where to go on."""
    title, _, rest = first.source.partition("\n")
    hours = hours_of(module)
    note = [
        f"Takes {hours}." if hours else "",
        f"Builds {{doc}}`{module.import_name} </reference/{module.name}>`.",
        f"{{doc}}`About this module </cards/{module.folder}>`: what you need and what you learn.",
        f'<a class="pdf" href="{module.folder}.pdf">As a PDF</a>.' if pdf else "",
    ]
    text = " ".join(part for part in note if part)
    first.source = f"{title}\n\n:::{{container}} about\n{text}\n:::\n{rest}"

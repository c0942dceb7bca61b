"""Notebooks that a kernel runs, as Jupyter does, and how long each of their cells computes."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path

import nbformat
from conftest import ROOT
from nbclient import NotebookClient

from tito.course import Course
from tito.judge.workspace import earlier_modules, workspace
from tito.source.instructors_notebook import notebook
from tito.source.percent import read_source

PROCESSOR_TIME = "print(__import__('time').process_time())"


def of_the_course(folder: str):
    """The notebook of a module with its solutions, without hidden tests."""
    nb = notebook(read_source(Course(ROOT).module(folder)))
    for cell in nb.cells:
        cell.source = cell.source.partition("### BEGIN HIDDEN")[0]
    return nb


def with_kernel(nb, files: dict[str, str]):
    """A copy of a notebook, run by a kernel in a folder that holds a library of these files."""
    ran = copy.deepcopy(nb)
    ran.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with workspace(files, pictures=True) as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(ran, allow_errors=True, timeout=300, resources=place).execute()
    return ran


def write_run(folder: str, file: Path) -> None:
    """Run a module, and keep its notebook: each code cell with its seconds of processor time."""
    nb = of_the_course(folder)
    timed = [[cell, a_clock()] if is_code(cell) else [cell] for cell in nb.cells]
    nb.cells = [a_clock(), *itertools.chain.from_iterable(timed)]
    cells = with_kernel(nb, earlier_modules(Course(ROOT).module(folder))).cells
    now = seconds_on(cells[0])
    for cell, after in itertools.pairwise(cells[1:]):
        if is_code(cell) and cell.source != PROCESSOR_TIME:
            before, now = now, seconds_on(after)
            cell.metadata["seconds"] = now - before
    nb.cells = [cell for cell in cells if cell.source != PROCESSOR_TIME]
    file.write_text(json.dumps(nb), encoding="utf-8")


def a_clock():
    """A cell that says how long the kernel's process has computed."""
    return nbformat.v4.new_code_cell(PROCESSOR_TIME)


def is_code(cell) -> bool:
    """Whether a cell of a notebook is run."""
    return cell.cell_type == "code"


def seconds_on(clock) -> float:
    """The processor time of the kernel's process when this cell ran."""
    return float(clock.outputs[0].text)

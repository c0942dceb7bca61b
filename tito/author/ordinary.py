"""An ordinary nbgrader assignment beside the modules, such as a midterm: checked, and released."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tito.author.release import generate
from tito.errors import SourceError, TitoError
from tito.notebook.read import language_of, read_notebook
from tito.source.modules_and_others import Ordinary
from tito.source.nbgraders_settings import configuration
from tito.steps.notes import some_of

LITTER = [".ipynb_checkpoints", "*.pyc", "__pycache__"]  # of Jupyter and Python


def check_sources(assignment: Ordinary) -> list[Path]:
    """Make sure that nbgrader can use the notebooks of an assignment; nothing is made of them.

    Parameters
    ----------
    assignment : Ordinary
        Which assignment.

    Returns
    -------
    list of Path
        Its notebooks.

    Raises
    ------
    SourceError
        If one breaks a rule; says which, and where.
    """
    paths = [assignment.source_folder / name for name in assignment.notebooks]
    for path in paths:
        _check(path, str(path.relative_to(assignment.root)))
    return paths


def release_ordinary(assignment: Ordinary) -> list[Path]:
    """Make what students get of an assignment; the notebooks, and the files beside them.

    Raises
    ------
    TitoError
        If nbgrader refuses; the earlier release is kept.
    """
    check_sources(assignment)
    generate(assignment)
    return [assignment.release_folder / name for name in assignment.notebooks]


def kept_back(assignment: Ordinary) -> str:
    """A sentence on the files beside the notebooks that nbgrader neither hands out nor uses, since
    its settings ignore them; empty if there are none."""
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import find_all_files

    folder = assignment.source_folder
    ignored = CourseDirectory(config=configuration(assignment.root)).ignore
    there, taken = (
        {os.path.relpath(path, folder) for path in find_all_files(str(folder), globs)}
        for globs in (LITTER, ignored)
    )
    names = some_of(sorted(there - taken))
    where = "c.CourseDirectory.ignore in nbgrader_config.py"
    return f"not handed out, and not there for grading: {names} ({where})" if names else ""


def _check(path: Path, where: str) -> None:
    """Refuse a notebook that cannot be released or graded."""
    import nbformat
    from nbgrader.nbgraderformat import MetadataValidator, SchemaTooOldError, ValidationError

    try:
        nb = nbformat.from_dict(read_notebook(path))
    except TitoError as error:
        raise SourceError(str(error).replace(str(path), where)) from None
    if (language := language_of(nb.metadata)) != "python":
        raise SourceError(
            f"{where} is for {language}; only notebooks for Python are graded in the sandbox"
        )
    try:
        with contextlib.redirect_stderr(None):
            MetadataValidator().validate_nb(nb)
    except SchemaTooOldError:
        raise SourceError(
            f"{where} has nbgrader's metadata of an older version; run: nbgrader update {where}"
        ) from None
    except (ValidationError, KeyError, ValueError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SourceError(f"{where}: nbgrader does not take its cells: {said}") from None
    if not any(cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells):
        raise SourceError(
            f"{where} has no cell that nbgrader knows; mark graded cells in JupyterLab's "
            "Create Assignment panel"
        )

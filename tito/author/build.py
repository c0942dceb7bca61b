"""Making the instructor's notebook of a module, once its source and its hidden tests hold."""

from __future__ import annotations

import json
from pathlib import Path

from tito.course import Module
from tito.errors import SourceError
from tito.files import write_atomically
from tito.grading.model_answers import missing_in
from tito.judge.observations import collect
from tito.source.instructors_notebook import notebook
from tito.source.percent import read_source


def build(module: Module) -> Path:
    """Make the instructor's notebook of a module from its source; the same bytes each time.

    Parameters
    ----------
    module : Module
        Which module.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    SourceError
        If the source breaks a rule.
    """
    cells = read_source(module)
    checked = {cell.name for cell in cells if cell.role == "checks"}
    unchecked = [c.name for c in cells if c.role == "exercise" and c.name not in checked]
    if unchecked:
        raise SourceError(f"{module.source.name}: no checks for exercise {', '.join(unchecked)}")
    for cell in [cell for cell in cells if cell.role == "answer"]:
        if missing := missing_in(cell.source):
            raise SourceError(
                f"{module.source.name}: the answer {cell.name!r} has no {' and no '.join(missing)}"
                "; write the answer, and a paragraph after it that begins with **Mark scheme.**"
            )
    try:
        collect(cells)
    except SourceError as error:  # hidden tests that are not understood
        raise SourceError(f"{module.source.name}: {error}") from None
    text = json.dumps(notebook(cells), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if not module.built.exists() or module.built.read_text(encoding="utf-8") != text:
        write_atomically(module.built, text)
    return module.built

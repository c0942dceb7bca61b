"""What a student does in JupyterLite, where Python runs in the browser: no processes, no threads.

`tito site --lite` puts this file into the wheel of the course, as `tito/in_browser.py`.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tito import files
from tito.course import Course, Module
from tito.errors import TitoError
from tito.student import actions

LIBRARY = Path(__file__).resolve().parents[1] / "tinytorch" / "core"


class InBrowser:
    """A student's desk on the drive of JupyterLite, which the browser keeps.

    Parameters
    ----------
    module : Module
        The module of this notebook.
    library : Path
        The folder that `tinytorch.core` is imported from, which a new session finds empty.
    """

    def __init__(self, module: Module, library: Path = LIBRARY):
        self.module, self.library = module, library

    def export(self) -> None:
        """Write the code of this notebook to `tinytorch.core`, for the notebooks that import it."""
        _tell(self._export)

    def submit(self, student: str) -> None:
        """Make the file that you hand in."""
        _tell(lambda: self._submit(student))

    def _export(self) -> list[str]:
        path, state = actions.export(self.module)
        self.bring()
        where = path.relative_to(self.module.root).as_posix()
        return [self._saved(), f"{where} is written.", *state.lines()]

    def _submit(self, student: str) -> list[str]:
        receipt, state = actions.submit(self.module, student)
        how = "To download it: the list of files on the left, right click, Download."
        return [self._saved(), receipt, how, *state.lines()]

    def _saved(self) -> str:
        when = time.localtime(self.module.desk.stat().st_mtime)
        return f"The notebook as it was saved at {time.strftime('%H:%M:%S', when)}."

    def bring(self) -> None:
        """Put what was exported where Python imports it, and say what is missing."""
        for path in sorted(self.module.exported.parent.glob("*.py")):
            (self.library / path.name).write_bytes(path.read_bytes())
            sys.modules.pop(f"tinytorch.core.{path.stem}", None)
        importlib.invalidate_caches()
        for missing in actions.missing_modules(self.module):
            print(
                f"This notebook imports {missing.import_name}, which is not here yet. Run "
                f"lite.export() in the notebook of {missing.folder}, and then this cell again."
            )


def begin(folder: str, root: Path | None = None) -> InBrowser:
    """Get a notebook in JupyterLite ready.

    Parameters
    ----------
    folder : str
        The module of the notebook, such as ``07_autograd``.
    root : Path, optional
        The drive; by default that of the folder in which the notebook runs.

    Returns
    -------
    InBrowser
        What exports and makes the file to hand in.
    """
    files.FOR_READING = os.O_RDONLY  # the drive takes more for writing, and saves the file again
    os.environ.setdefault("JPY_SESSION_NAME", "lite")  # somebody reads what a check says
    desk = InBrowser(Course(root or Path.cwd().parents[1]).module(folder))
    _tell(desk.bring)
    return desk


def _tell(action: Callable[[], list[str] | None]) -> None:
    """Print what an action has to say, or in one sentence why it could not be done."""
    try:
        lines = action() or []
    except (TitoError, OSError) as error:
        lines = [f"lite: {error}"]
    print(*lines, sep="\n", end="\n" if lines else "")

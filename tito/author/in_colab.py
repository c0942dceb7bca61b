"""What a student does in Colab, where there is a notebook and no command line.

This file is not in the kit. `tito kit --colab` puts it beside the kit that the first cell of a
notebook fetches, as `tito/in_colab.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import write_atomically
from tito.student import actions

OLDEST_NUMPY = (2, 1)
KEPT = ("notebooks", "tinytorch/core")  # what a student makes in a kit
PATIENCE = 60  # seconds, for the browser to give the notebook


class InColab:
    """A student's desk in Colab: it exports, hands in, and keeps both in Google Drive.

    Parameters
    ----------
    module : Module
        The module of this notebook.
    kept : Path, optional
        The folder that stays when the session ends.
    """

    def __init__(self, module: Module, kept: Path | None = None):
        self.module, self.kept = module, kept

    def export(self) -> None:
        """Write the code of this notebook to `tinytorch.core`, for the notebooks that import it."""
        _tell(self._export)

    def submit(self, student: str) -> None:
        """Download the file that you hand in."""
        _tell(lambda: self._submit(student))

    def _export(self) -> list[str]:
        self._save()
        path, state = actions.export(self.module)
        where = path.relative_to(self.module.root).as_posix()
        if not self._keep():
            _download(path)
        return [f"{where} is written.", *state.lines()]

    def _submit(self, student: str) -> list[str]:
        self._save()
        before = set(self.module.desk.parent.glob("*.zip"))
        receipt, state = actions.submit(self.module, student)
        self._keep()
        for path in set(self.module.desk.parent.glob("*.zip")) - before:
            _download(path)
        return [receipt, *state.lines()]

    def _save(self) -> None:
        """Put the notebook on the desk, as it is in the browser."""
        from google.colab import _message

        reply = _message.blocking_request("get_ipynb", request="", timeout_sec=PATIENCE) or {}
        if not isinstance(reply.get("ipynb"), dict):
            raise TitoError(
                "Colab did not give the notebook; run this cell again, or hand in what "
                "File → Download → Download .ipynb gives you"
            )
        text = json.dumps(reply["ipynb"], indent=1, ensure_ascii=False)
        write_atomically(self.module.desk, text + "\n")

    def _keep(self) -> bool:
        """Copy what the student has made to where it stays; says if there is such a place."""
        if self.kept:
            for name in KEPT:
                _copy(self.module.root / name, self.kept / name)
        return self.kept is not None

    def bring(self) -> None:
        """Bring back what was kept in an earlier session, and say what is missing."""
        for name in KEPT if self.kept else ():
            _copy(self.kept / name, self.module.root / name)
        actions.start(self.module)
        for missing in actions.missing_modules(self.module):
            path = missing.exported.relative_to(self.module.root)
            there = "" if self.kept else f", put the file at TinyTorch/{path}"
            print(
                f"This notebook imports {missing.import_name}, which is not here yet. Run "
                f"colab.export() in the notebook of {missing.folder}{there}, and then this cell "
                "again."
            )


def begin(folder: str) -> InColab:
    """Get a notebook in Colab ready.

    Parameters
    ----------
    folder : str
        The module of the notebook, such as ``07_autograd``.

    Returns
    -------
    InColab
        What exports and hands in.
    """
    import numpy

    if tuple(map(int, numpy.__version__.split(".")[:2])) < OLDEST_NUMPY:
        print(
            f"This is numpy {numpy.__version__}, and the course needs 2.1 or newer. Take a newer "
            "runtime: Tools → Command palette → Change runtime version."
        )
    os.environ.setdefault("JPY_SESSION_NAME", "colab")  # somebody reads what a check says
    desk = InColab(Course(Path(__file__).resolve().parents[1]).module(folder), _drive())
    _tell(desk.bring)
    return desk


def _drive() -> Path | None:
    """A folder in the student's Google Drive; None if Colab was not allowed to use it."""
    from google.colab import drive

    place = Path("drive").resolve()
    try:
        drive.mount(str(place))
    except Exception as error:  # Colab has several, and all say the same
        print(
            f"Google Drive is not used ({' '.join(str(error).split())}). What you export is gone "
            "when this session ends, so each export is also downloaded."
        )
        return None
    return place / "MyDrive" / "TinyTorch"


def _copy(source: Path, target: Path) -> None:
    """Copy the files of a folder, but for what belongs to the kit."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_file() and path.name != "__init__.py" and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def _download(path: Path) -> None:
    from google.colab import files

    files.download(str(path))


def _tell(action: Callable[[], list[str] | None]) -> None:
    """Print what an action has to say, or in one sentence why it could not be done."""
    try:
        lines = action() or []
    except (TitoError, OSError) as error:
        lines = [f"colab: {error}"]
    print(*lines, sep="\n", end="\n" if lines else "")

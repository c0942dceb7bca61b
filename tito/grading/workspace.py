"""A private folder with a package `tinytorch` that holds the reference of the earlier modules."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tito.course import Course, Module
from tito.export import reference_text


@contextlib.contextmanager
def workspace(module: Module) -> Iterator[Path]:
    """A temporary folder from which `tinytorch` can be imported, without the graded module.

    Modules before the graded one come from the sources, so a mistake in module 1 costs nothing in
    module 7; the graded one and those after it are not there.

    Parameters
    ----------
    module : Module
        The graded module.

    Yields
    ------
    Path
        The folder; it is removed at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="tito-grading-"))
    try:
        core = folder / "tinytorch" / "core"
        core.mkdir(parents=True)
        (folder / "tinytorch" / "__init__.py").touch()
        (core / "__init__.py").touch()
        for earlier in Course(module.root).modules():
            if earlier < module:
                (core / f"{earlier.name}.py").write_text(reference_text(earlier), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

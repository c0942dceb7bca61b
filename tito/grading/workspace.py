"""A private folder with a package `tinytorch` that holds the reference of the earlier modules."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tito.course import Course, Module
from tito.export import reference_text


def earlier_modules(module: Module) -> dict[str, str]:
    """The reference of the modules before the graded one: the text of each, by its name.

    A mistake in module 1 so costs nothing in module 7; the graded module is not among them.
    """
    earlier = [m for m in Course(module.root).modules() if m < module]
    return {m.name: reference_text(m) for m in earlier}


@contextlib.contextmanager
def workspace(modules: dict[str, str]) -> Iterator[Path]:
    """A temporary folder from which `tinytorch` can be imported.

    Parameters
    ----------
    modules : dict
        What its package `core` holds, from `earlier_modules`.

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
        for name, text in modules.items():
            (core / f"{name}.py").write_text(text, encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""What is installed, what is missing, and how to fix it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

INSTALL = 'missing; run: pip install ".[course]" in the course folder'
OLDEST_PYTHON = (3, 11)
LEAST_SPACE = 500_000_000  # bytes


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        The thing.
    fine : bool
        Whether it is as it should be.
    details : str
        Its version or place, or what to do.
    """

    what: str
    fine: bool
    details: str


def examine(root: Path) -> list[Finding]:
    """Look at everything the course needs.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    list of Finding
        In the order in which to mend them.
    """
    return [
        _python(),
        *map(_package, required(root)),
        _program("alembic"),
        _kernel(),
        *_folder(root),
    ]


def required(root: Path) -> list[str]:
    """The packages that the library and the extra ``course`` declare in pyproject.toml."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except FileNotFoundError:
        return ["numpy", "jupyterlab", "nbgrader", "jupytext"]
    declared = project["dependencies"] + project["optional-dependencies"]["course"]
    return [re.match(r"[\w.-]+", requirement)[0] for requirement in declared]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", fine, version if fine else f"{version}; install 3.11 or newer")


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, INSTALL)


def _program(name: str) -> Finding:
    path = shutil.which(name)
    remedy = "not on PATH; start tito from the environment it is installed in"
    return Finding(f"{name} (command)", path is not None, path or remedy)


def _kernel() -> Finding:
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Finding("Python kernel", False, INSTALL)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding(
            "Python kernel", False, "missing; run: python -m ipykernel install --sys-prefix"
        )
    return Finding("Python kernel", True, spec.display_name)


def _folder(root: Path) -> list[Finding]:
    writable = os.access(root, os.W_OK)
    space = shutil.disk_usage(root).free
    return [
        Finding("course folder", writable, str(root) if writable else f"{root} is not writable"),
        Finding(
            "disk space",
            space >= LEAST_SPACE,
            f"{space / 1e9:.1f} GB free" + ("" if space >= LEAST_SPACE else "; free half a GB"),
        ),
    ]

"""What can be seen in a sandbox: files of this machine, at the same or at another place."""

from __future__ import annotations

import atexit
import compileall
import functools
import importlib.util
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tito
from tito.sandbox.interpreter import interpreter, site_folders

ENTER = Path(__file__).with_name("enter.py")
ABSENT = Path(__file__).with_name("absent")
HOME = "/opt/course"  # where our own files are inside
CHECKS = (  # what a notebook imports of ours; a test holds that it is all of it
    *("__init__.py", "comparison.py", "course.py", "errors.py", "figures.py"),
    *sorted(f"checks/{p.name}" for p in (Path(tito.__file__).parent / "checks").glob("*.py")),
    *("notebook/__init__.py", "notebook/card.py", "notebook/exercises.py"),
    *("student/__init__.py", "student/progress.py"),
)


@dataclass(frozen=True)
class View:
    """Files that a sandboxed process may read.

    Attributes
    ----------
    files : tuple of (str, str)
        Where a file or folder is on this machine, and where it is inside.
    masked : tuple of str
        Folders and files inside these that must look empty.
    path : tuple of str
        The folders of packages, for ``sys.path``.
    """

    files: tuple[tuple[str, str], ...]
    masked: tuple[str, ...]
    path: tuple[str, ...]


@functools.cache
def view(name: str, hidden: tuple[str, ...]) -> View:
    """The view of an observer or of a notebook.

    Parameters
    ----------
    name : str
        ``"observer"`` or ``"notebook"``.
    hidden : tuple of str
        Packages that must not be found.

    Returns
    -------
    View
        The interpreter, and the packages it may import.
    """
    python = interpreter()
    files = [(path, path) for path in (python.program, *python.standard, *python.libraries)]
    if Path("/etc/ld.so.cache").exists():
        files.append(("/etc/ld.so.cache", "/etc/ld.so.cache"))
    files.append((str(ENTER), f"{HOME}/enter.py"))
    folders = site_folders() if name == "notebook" else []
    files += [(str(f), str(f)) for f in folders if not _within(f, python.standard)]
    masked = [str(f) for f in _other_site_folders(python.standard) if f not in folders]
    for folder in folders:
        masked += [str(path) for path in folder.iterdir() if _is_one_of(path.name, hidden)]
    if name == "notebook":
        files.append((str(checks_folder()), f"{HOME}/notebook/tito"))
        path = [f"{HOME}/notebook", *map(str, folders)]
    else:
        files += [(str(path), f"{HOME}/observer/{path.name}") for path in numpy_folders()]
        path = [f"{HOME}/observer"]
    return View(tuple(files), tuple(masked), tuple(path))


def numpy_folders() -> list[Path]:
    """The folder of numpy, and that of the libraries it brings."""
    folder = Path(importlib.util.find_spec("numpy").submodule_search_locations[0])
    libraries = folder.with_name("numpy.libs")
    return [folder, libraries] if libraries.is_dir() else [folder]


@functools.cache
def checks_folder() -> Path:
    """A copy of what a notebook imports of ours, compiled: no sandbox keeps what it compiles."""
    folder = Path(tempfile.mkdtemp(prefix="tito-checks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in CHECKS:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(tito_folder() / name, folder / name)
    compileall.compile_dir(folder, quiet=2)
    folder.chmod(0o755)  # whoever runs the notebook reads it
    return folder


def tito_folder() -> Path:
    """Where `tito` is."""
    return Path(tito.__file__).parent


def _within(folder: Path, folders: tuple[str, ...]) -> bool:
    return any(folder.is_relative_to(other) for other in folders)


def _other_site_folders(standard: tuple[str, ...]) -> list[Path]:
    """Folders of packages that lie inside the standard library's folder."""
    inside = [Path(f) / name for f in standard for name in ("site-packages", "dist-packages")]
    return [folder for folder in inside if folder.is_dir()]


def _is_one_of(entry: str, packages: tuple[str, ...]) -> bool:
    """Whether a file or folder belongs to one of the packages, or links to its checkout."""
    if entry.startswith("__editable__"):
        return any(
            re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", entry.lower()) for name in packages
        )
    return re.split(r"[-.]", entry.removeprefix("_"))[0] in packages

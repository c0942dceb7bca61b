"""What was handed in: zip files, renamed notebooks, and the files of a submission."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections import defaultdict
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import printable, write_atomically
from tito.grading.report import Graded
from tito.grading.task import Handed
from tito.notebook.export import notebook_cells, read_notebook
from tito.submission import read_zip

ZIP_NAME = "taken-from.txt"  # beside a submission, the name of the zip file it came in
SAFE_NAME = re.compile(r"[\w.@-]+")


def handed_in(module: Module, student: str) -> Handed:
    """A submission as it is sent to whoever grades it.

    Parameters
    ----------
    module : Module
        Which module.
    student : str
        Whose.

    Raises
    ------
    OSError
        If its notebook cannot be read.
    """
    folder = module.root / "submitted" / student / module.folder
    beside = {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".ipynb"
        and path.name != ZIP_NAME
    }
    folders = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    return Handed((folder / module.notebook).read_bytes(), beside, folders)


def origin(module: Module, student: str) -> list[str]:
    """A note of the zip file that a submission came in, and of others in the same name."""
    source = module.root / "submitted" / student / module.folder / ZIP_NAME
    if source.is_symlink() or not source.exists():
        return []
    name, *several = source.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    return [printable(line) for line in (f"taken from {name}", *several)]


def students_of(course: Course, module: Module) -> list[str]:
    """Everybody who handed in."""
    folders = (course.root / "submitted").glob(f"*/{module.folder}")
    return sorted(path.parent.name for path in folders if path.is_dir())


def find_notebook(module: Module, folder: Path) -> list[str]:
    """Make sure that the submitted notebook has its expected name.

    Parameters
    ----------
    module : Module
        Which module.
    folder : Path
        A submission.

    Returns
    -------
    list of str
        A note, where a renamed notebook was copied to the expected name, or where a newer one lies
        beside it.

    Raises
    ------
    TitoError
        If there is no notebook, or none that can be told to be the right one.
    """
    expected = folder / module.notebook
    if expected.exists():
        return [
            f"{printable(path.name)} lies beside it and is newer; {module.notebook} was graded"
            for path in _candidates(module, folder)
            if path != expected
            and path.stat().st_mtime > expected.stat().st_mtime
            and path.read_bytes() != expected.read_bytes()
        ]
    candidates = _candidates(module, folder)
    if len(candidates) != 1:
        found = ", ".join(printable(p.name) for p in sorted(folder.iterdir())) or "nothing"
        raise TitoError(f"{module.notebook} is missing; the folder holds {found}")
    write_atomically(expected, candidates[0].read_bytes())
    return [f"{printable(candidates[0].name)} was taken for {module.notebook}"]


def _candidates(module: Module, folder: Path) -> list[Path]:
    """The notebooks in a folder that have most of a module's exercises."""
    paths = sorted(folder.glob("*.ipynb"))
    if [path.name for path in paths] == [module.notebook]:
        return paths
    released = {cell.name for cell in notebook_cells(read_notebook(module.released))}
    candidates = []
    for path in paths:
        with contextlib.suppress(TitoError):
            names = {cell.name for cell in notebook_cells(read_notebook(path))}
            if len(names & released) * 2 > len(released):
                candidates.append(path)
    return candidates


def unpack_zips(course: Course, module: Module) -> list[Graded]:
    """Put the zip files of a module that lie in ``submitted/`` where nbgrader looks for them.

    Parameters
    ----------
    course : Course
        The course.
    module : Module
        Whose submissions.

    Returns
    -------
    list of Graded
        Those that could not be used, each with the reason. The zip files themselves stay.
    """
    unusable, sent = [], defaultdict(list)
    for path in sorted((course.root / "submitted").glob("*.zip")):
        try:
            sent[_unpack(path, module)].append(path.name)
        except (TitoError, zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
            unusable.append(Graded(printable(path.name)).failed("unreadable", str(error)))
    for folder, names in sent.items():
        # Anybody can write another one's name into a zip file.
        if folder and len(names) > 1 and (folder / ZIP_NAME).exists():
            first = (folder / ZIP_NAME).read_text(encoding="utf-8").splitlines()[0]
            several = f"{len(names)} zip files are in this name: {', '.join(names)}"
            write_atomically(folder / ZIP_NAME, f"{first}\n{several}\n")
    return unusable


def _unpack(path: Path, module: Module) -> Path | None:
    """Unpack a zip file if it is newer than what is there; returns the folder it is for."""
    handed_in = read_zip(path)
    if handed_in.module != module.folder:
        return None
    if not SAFE_NAME.fullmatch(handed_in.student) or handed_in.student.startswith("."):
        raise TitoError(f"{handed_in.student!r} cannot be a student's name")
    folder = module.root / "submitted" / handed_in.student / module.folder
    notebook, stamp = folder / module.notebook, folder / "timestamp.txt"
    if notebook.exists() and not stamp.exists():
        if notebook.read_bytes() == handed_in.files.get(module.notebook):
            return None
        raise TitoError(
            f"submitted/{handed_in.student}/{module.folder} holds another notebook that was put "
            "there by hand; remove one of the two"
        )
    if notebook.exists() and stamp.read_text("utf-8").strip() >= handed_in.time:
        return folder
    for name, content in handed_in.files.items():
        write_atomically(folder / name, content)
    write_atomically(stamp, handed_in.time + "\n")
    write_atomically(folder / ZIP_NAME, path.name + "\n")
    return folder


def not_looked_at(course: Course) -> list[str]:
    """What lies under submitted/ in places where no module is looked for."""
    folder, known = course.root / "submitted", {module.folder for module in course.modules()}
    inside = [path for path in folder.glob("*") if not path.name.startswith(".")]
    lost = [path for path in inside if path.is_file() and path.suffix.lower() != ".zip"]
    lost += [
        path
        for student in inside
        if student.is_dir()
        for path in sorted(student.iterdir())
        if path.name not in known and not path.name.startswith(".")
    ]
    return [printable(str(path.relative_to(course.root))) for path in sorted(lost)]

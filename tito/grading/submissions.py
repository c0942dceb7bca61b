"""What was handed in: zip files, renamed notebooks, and the files of a submission."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections import defaultdict
from pathlib import Path

from tito.course import Assigned, Course, Module
from tito.errors import TitoError
from tito.files import printable, write_atomically
from tito.grading.report import Graded
from tito.grading.task import Handed
from tito.notebook.export import read_notebook
from tito.steps.job import files_within
from tito.submission import read_zip

ZIP_NAME = "taken-from.txt"  # beside a submission, the name of the zip file it came in
SAFE_NAME = re.compile(r"[\w.@-]+")


def handed_in(module: Assigned, student: str) -> Handed:
    """A submission as it is sent to whoever grades it.

    Parameters
    ----------
    module : Module or Ordinary
        Which module or other assignment.
    student : str
        Whose.

    Raises
    ------
    OSError
        If its notebook cannot be read.
    """
    folder = module.root / "submitted" / student / module.folder
    there = [name for name in module.notebooks if (folder / name).exists()]
    notebooks = {Path(name).stem: (folder / name).read_bytes() for name in there}
    if not isinstance(module, Module):
        files = {n: c for n, c in files_within(folder).items() if n != ZIP_NAME}
        return Handed(notebooks, files)
    beside = {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".ipynb"
        and path.name != ZIP_NAME
    }
    folders = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    return Handed(notebooks, beside, folders)


def origin(module: Assigned, student: str) -> list[str]:
    """A note of the zip file that a submission came in, and of others in the same name."""
    source = module.root / "submitted" / student / module.folder / ZIP_NAME
    if source.is_symlink() or not source.exists():
        return []
    name, *several = source.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    return [printable(line) for line in (f"taken from {name}", *several)]


def students_of(course: Course, module: Assigned) -> list[str]:
    """Everybody who handed in."""
    folders = (course.root / "submitted").glob(f"*/{module.folder}")
    return sorted(path.parent.name for path in folders if path.is_dir())


def find_notebooks(module: Assigned, folder: Path) -> list[str]:
    """Make sure that the submitted notebooks have their expected names.

    Parameters
    ----------
    module : Module or Ordinary
        Which module or other assignment.
    folder : Path
        A submission.

    Returns
    -------
    list of str
        Notes: where a renamed notebook was copied to the expected name, where a newer one lies
        beside it, and which of several notebooks are missing.

    Raises
    ------
    TitoError
        If there is no notebook, or none that can be told to be the right one.
    """
    notes = [note for name in module.notebooks for note in _find_notebook(module, folder, name)]
    if not any((folder / name).exists() for name in module.notebooks):
        found = ", ".join(printable(p.name) for p in sorted(folder.iterdir())) or "nothing"
        missing = " and ".join(module.notebooks)
        raise TitoError(f"{missing} is missing; the folder holds {found}")
    return notes


def _find_notebook(module: Assigned, folder: Path, name: str) -> list[str]:
    """Notes on one of the notebooks, which may have another name."""
    expected = folder / name
    candidates = _candidates(module, folder, name)
    if expected.exists():
        return [
            f"{printable(path.name)} lies beside it and is newer; {name} was graded"
            for path in candidates
            if path != expected
            and path.stat().st_mtime > expected.stat().st_mtime
            and path.read_bytes() != expected.read_bytes()
        ]
    if len(candidates) == 1:
        write_atomically(expected, candidates[0].read_bytes())
        return [f"{printable(candidates[0].name)} was taken for {name}"]
    return [f"{name} is missing: 0 points for it"] if len(module.notebooks) > 1 else []


def _candidates(module: Assigned, folder: Path, name: str) -> list[Path]:
    """The notebooks in a folder that have most of the graded cells of a released one."""
    others = {other for other in module.notebooks if other != name}
    paths = [path for path in sorted(folder.glob("*.ipynb")) if path.name not in others]
    if [path.name for path in paths] == [name]:
        return paths
    released = _names(module.release_folder / name)
    candidates = []
    for path in paths:
        with contextlib.suppress(TitoError):
            if len(_names(path) & released) * 2 > len(released):
                candidates.append(path)
    return candidates


def _names(path: Path) -> set[str]:
    """The names of the cells of a notebook that nbgrader knows."""
    known = [cell["metadata"].get("nbgrader") for cell in read_notebook(path)["cells"]]
    return {str(n.get("grade_id")) for n in known if isinstance(n, dict) and n.get("grade_id")}


def unpack_zips(course: Course, module: Assigned) -> list[Graded]:
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


def _unpack(path: Path, module: Assigned) -> Path | None:
    """Unpack a zip file if it is newer than what is there; returns the folder it is for."""
    handed_in = read_zip(path)
    if handed_in.module != module.folder or not isinstance(module, Module):
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
    folder, known = course.root / "submitted", {one.folder for one in course.assignments()}
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

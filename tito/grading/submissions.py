"""What was handed in: folders, zip files, renamed notebooks, and the files of a submission."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import MOST_BYTES, printable, read_regular, write_atomically
from tito.grading.read_zip import known_as
from tito.grading.task import Handed
from tito.grading.unpacking import ZIP_NAME, zips_in
from tito.notebook.read import grade_ids, notebook_of, read_notebook
from tito.source.modules_and_others import Assigned, all_assignments
from tito.steps.job import files_within


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
    OSError, TitoError
        If its notebook cannot be read.
    """
    folder = module.root / "submitted" / student / module.folder
    there = [name for name in module.notebooks if (folder / name).exists()]
    notebooks = {Path(name).stem: read_regular(folder / name, MOST_BYTES) for name in there}
    if not isinstance(module, Module):
        files = {n: c for n, c in files_within(folder).items() if n != ZIP_NAME}
        return Handed(notebooks, files)
    beside = {
        path.name: read_regular(path, MOST_BYTES)
        for path in folder.iterdir()
        if path.is_file()
        and not path.is_symlink()
        and path.suffix != ".ipynb"
        and path.name != ZIP_NAME
    }
    folders = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    return Handed(notebooks, beside, folders)


def refuse_name(student: str) -> None:
    """Make sure that a student's name can be kept.

    Raises
    ------
    TitoError
        If it is no text, or has several lines.
    """
    if "\n" in student:
        raise TitoError(
            "a line break is in the name of its folder, where nbgrader stops; rename it"
        )
    try:
        student.encode()
    except UnicodeEncodeError:
        raise TitoError("the name of its folder is not UTF-8; rename the folder") from None


def students_of(course: Course, module: Assigned) -> list[str]:
    """Everybody who handed in, a file or a link in the place of the folder included."""
    folders = (course.root / "submitted").glob("*")
    return sorted(f.name for f in folders if os.path.lexists(f / module.folder))


def in_one_name(students: list[str]) -> dict[str, str]:
    """Of students whose names are the same but for case and spelling of accents, what to say."""
    counts = Counter(map(known_as, students))
    return {
        student: "submitted/ holds more than one folder in this name: "
        + ", ".join(s for s in students if known_as(s) == known_as(student))
        for student in students
        if counts[known_as(student)] > 1
    }


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
            and read_regular(path, MOST_BYTES) != read_regular(expected, MOST_BYTES)
        ]
    if len(candidates) == 1:
        write_atomically(expected, read_regular(candidates[0], MOST_BYTES))
        return [f"{printable(candidates[0].name)} was taken for {name}"]
    return [f"{name} is missing: 0 points for it"] if len(module.notebooks) > 1 else []


def _candidates(module: Assigned, folder: Path, name: str) -> list[Path]:
    """The notebooks in a folder that have most of the graded cells of a released one."""
    others = {other for other in module.notebooks if other != name}
    paths = [path for path in sorted(folder.glob("*.ipynb")) if path.name not in others]
    if [path.name for path in paths] == [name]:
        return paths
    released = {n: grade_ids(read_notebook(module.release_folder / n)) for n in module.notebooks}
    candidates = []
    for path in paths:
        with contextlib.suppress(TitoError):
            names = grade_ids(read_notebook(path))
            is_most = len(names & released[name]) * 2 > len(released[name])
            if is_most and _most_like(names, released) == name:
                candidates.append(path)
    return candidates


def _most_like(names: set[str], released: dict[str, set[str]]) -> str:
    """Which of the released notebooks has cells of the same names."""
    return max(released, key=lambda n: len(names & released[n]) / len(names | released[n] | {""}))


Names = dict[tuple[Assigned, str], set[str]]


def released_names(among: list[Assigned]) -> Names:
    """The names of the cells in each released notebook of some assignments."""
    return {
        (one, name): grade_ids(read_notebook(one.release_folder / name))
        for one in among
        for name in one.notebooks
        if (one.release_folder / name).exists()
    }


def notebook_like(content: bytes, released: Names) -> tuple[Assigned, str] | None:
    """The assignment, and its notebook, that has most of the cells of a given one; maybe none.

    Raises
    ------
    TitoError
        If it is no notebook.
    """
    names = grade_ids(notebook_of(content, "it"))
    likely = {key: ids for key, ids in released.items() if len(names & ids) * 2 > len(ids)}
    return max(likely, key=lambda k: len(names & likely[k]) / len(names | likely[k]), default=None)


def not_looked_at(course: Course) -> list[str]:
    """What lies under submitted/ in places where no assignment is looked for."""
    folder, known = course.root / "submitted", {one.folder for one in all_assignments(course)}
    zips, lost = set(zips_in(course)), []
    for path in _inside(folder):
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            lost += [inner for inner in _inside(path) if inner.name not in known]
        elif path not in zips:
            lost.append(path)
    return [printable(str(path.relative_to(course.root))) for path in sorted(lost)]


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, but for what is hidden; nothing of one that cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []

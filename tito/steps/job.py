"""What the steps of grading need to know, from the course around them or from a pack alone."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import MOST_BYTES, read_regular
from tito.judge.graft import Needs, needs_of
from tito.judge.pack import Pack
from tito.judge.workspace import whole_library
from tito.notebook.read import read_notebook
from tito.source.modules_and_others import Assigned, Ordinary
from tito.steps.inspection import inspect_submission

IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+tinytorch\b", re.M)
IN_POOL = "tito"  # the key of a job in nbconvert's resources, where there is no course around it


@dataclass
class Job:
    """Grading one submission.

    Attributes
    ----------
    pack : Pack or None
        What is graded; None for an assignment that is no module.
    needs : dict
        From `tito.judge.graft.needs_of`.
    released : list of dict
        The cells of the released notebook.
    files : dict
        The files beside the notebook, by name; those in folders by their path.
    names : list of str
        What was handed in, files and folders.
    given : set of str
        In an assignment that is no module, the files that the instructor laid beside the notebook.
    seed : int
        Decides the random inputs.
    record : ReleaseRecord, optional
        What nbgrader's gradebook knows of the release, where there is no gradebook.
    parallel : int
        How many processes may observe at once.
    ran : Ran, optional
        What came of running the notebook.
    folder : str
        The private folder in which it ran.
    seconds : dict
        How long each step took.
    library : dict
        What `tinytorch` holds for an assignment that is no module and imports it, by path.
    missed : list of dict
        What is to be known of each exercise that lost points, from `tito.judge.missed`.
    """

    pack: Pack | None
    needs: Needs
    released: list[dict]
    files: dict[str, bytes]
    names: list[str]
    seed: int
    record: object = None
    parallel: int = 1
    ran: object = None
    folder: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    library: dict[str, str] = field(default_factory=dict)
    missed: list[dict] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    @property
    def is_ordinary(self) -> bool:
        """Whether this is no module, so that nbgrader's own rules decide."""
        return self.pack is None

    @property
    def graded(self) -> dict[str, dict]:
        """The released cells that nbgrader knows, by their names."""
        return {
            cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in graded_cells(self.released)
        }

    @property
    def module(self) -> Module:
        """The module, by name and number only."""
        return Module(int(self.pack.folder[:2]), self.pack.name, Path())


def job_of(resources) -> Job:
    """The job of a step: that of the pool, or one made from the course around.

    Raises
    ------
    TitoError
        If the module was not released.
    """
    if IN_POOL in resources:
        return resources[IN_POOL]
    course, name = Course.find(), resources["nbgrader"]["assignment"]
    submitted = course.root / "submitted" / resources["nbgrader"].get("student", "") / name
    inspect_submission(submitted)  # nbgrader's copies of what they point at are files
    modules = {module.folder: module for module in course.modules()}
    if name not in modules:
        return _job_of_ordinary(Ordinary(name, course.root), resources)
    module = modules[name]
    pack = Pack.of(module)
    released = released_cells(module, resources["nbgrader"]["notebook"])
    files = files_beside(Path(resources["metadata"]["path"]))
    names, seed = names_in(submitted), secrets.randbits(32)
    return Job(pack, needs_of(module, pack), released, files, names, seed, parallel=2)


def is_ordinary(resources) -> bool:
    """Whether a step works on an assignment that is no module."""
    if IN_POOL in resources:
        return resources[IN_POOL].is_ordinary
    name = resources["nbgrader"]["assignment"]
    return name not in {module.folder for module in Course.find().modules()}


def _job_of_ordinary(assignment: Ordinary, resources) -> Job:
    """That of an assignment which is no module, for which nbgrader's gradebook may be enough."""
    path = assignment.release_folder / f"{resources['nbgrader']['notebook']}.ipynb"
    released = read_notebook(path)["cells"] if path.exists() else []
    files = files_within(Path(resources["metadata"]["path"]))
    library = whole_library(Course(assignment.root)) if imports_library(assignment) else {}
    source = assignment.source_folder
    given = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    return Job(None, {}, released, files, [], 0, library=library, given=given)


def imports_library(assignment: Ordinary) -> bool:
    """Whether the instructor's notebooks of an assignment use what the modules build."""
    notebooks = [assignment.source_folder / name for name in assignment.notebooks]
    return any(
        cell["cell_type"] == "code" and IMPORT.search(text_of(cell))
        for path in notebooks
        for cell in read_notebook(path)["cells"]
    )


def text_of(cell: dict) -> str:
    """The text of a cell as read from JSON."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def graded_cells(cells: list[dict]) -> list[dict]:
    """Those of some released cells that nbgrader knows."""
    return [cell for cell in cells if (cell["metadata"].get("nbgrader") or {}).get("grade_id")]


def names_in(folder: Path) -> list[str]:
    """The names of what is in a folder, if there is one."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def files_beside(folder: Path) -> dict[str, bytes]:
    """The files in a folder, by name."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def files_within(folder: Path) -> dict[str, bytes]:
    """The files in a folder and in those below, by their path in it; no notebooks, and nothing
    compiled, which Python would run in the place of the instructor's own module."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else ()
    return {
        path.relative_to(folder).as_posix(): read_regular(path, MOST_BYTES)
        for path in paths
        if path.suffix not in (".ipynb", ".pyc")
        and "__pycache__" not in path.relative_to(folder).parts
        and path.is_file()
        and not path.is_symlink()
    }


def released_cells(assignment: Assigned, notebook: str) -> list[dict]:
    """The cells of a released notebook.

    Raises
    ------
    TitoError
        If there is none.
    """
    path = assignment.release_folder / f"{notebook}.ipynb"
    if not path.exists():
        raise TitoError(f"{path} is missing; run tito release {assignment.folder} first")
    return read_notebook(path)["cells"]

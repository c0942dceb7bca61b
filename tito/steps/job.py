"""What the steps of grading need to know, from the course around them or from a pack alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import inspect_submission
from tito.judge.graft import Needs, needs_of
from tito.judge.pack import Pack
from tito.notebook.read import read_notebook

IN_POOL = "tito"  # the key of a job in nbconvert's resources, where there is no course around it


@dataclass
class Job:
    """Grading one submission.

    Attributes
    ----------
    pack : Pack
        What is graded.
    needs : dict
        From `tito.judge.graft.needs_of`.
    released : list of dict
        The cells of the released notebook that nbgrader knows.
    files : dict
        The files beside the notebook, by name.
    names : list of str
        What was handed in, files and folders.
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
    """

    pack: Pack
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
    module = Course.find().module(resources["nbgrader"]["assignment"])
    pack = Pack.of(module)
    released = released_cells(module, resources["nbgrader"]["notebook"])
    files = files_beside(Path(resources["metadata"]["path"]))
    student = resources["nbgrader"].get("student", "")
    submitted = module.root / "submitted" / student / module.folder
    inspect_submission(submitted)  # nbgrader's copies of what they point at are files
    names = names_in(submitted)
    seed = secrets.randbits(32)
    return Job(pack, needs_of(module, pack), released, files, names, seed, parallel=2)


def names_in(folder: Path) -> list[str]:
    """The names of what is in a folder, if there is one."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def files_beside(folder: Path) -> dict[str, bytes]:
    """The files in a folder, by name."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def released_cells(module: Module, notebook: str) -> list[dict]:
    """The cells of the released notebook that nbgrader knows.

    Raises
    ------
    TitoError
        If there is none.
    """
    path = module.released.with_name(notebook + ".ipynb")
    if not path.exists():
        raise TitoError(f"{path} is missing; run tito release {module.folder} first")
    return [c for c in read_notebook(path)["cells"] if "nbgrader" in c.get("metadata", {})]

"""All that is needed to grade submissions of a module anywhere, as plain data."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import tito
from tito.course import Course, Module
from tito.errors import TitoError
from tito.judge.graft import needs_of
from tito.judge.pack import Pack
from tito.judge.workspace import whole_library
from tito.source.modules_and_others import Assigned
from tito.steps.job import imports_library, released_cells

# Steps that have a twin here, mostly one that does not ask the gradebook;
TWINS = {
    "nbgrader.preprocessors.checkcellmetadata.CheckCellMetadata": (
        "tito.grading.record.CheckCellMetadata"
    ),
    "nbgrader.preprocessors.overwritecells.OverwriteCells": "tito.grading.record.OverwriteCells",
    "tito.steps.overwrite_cells.OverwriteCells": "tito.grading.record.OverwriteCells",
    "nbgrader.preprocessors.overwritekernelspec.OverwriteKernelspec": (
        "tito.grading.record.OverwriteKernelspec"
    ),
}
# from the first of these on, they are left to the instructor's machine.
SAVING = ("SaveMarks", "SaveAutoGrades", "AssignLatePenalties")
SETTINGS = ("Sandbox",)  # sections that the steps read besides those named after themselves
SANDBOX_KIND = ("enabled", "backend", "image")
# The code that decides what a mark is: these folders, and the files that all of tito shares.
GRADER = ("judge", "steps", "sandbox", "source", "notebook", "checks", "")


@dataclass(frozen=True)
class Assignment:
    """What a grader knows of an assignment; it needs no course folder and no gradebook.

    Attributes
    ----------
    folder : str
        The folder of the assignment: ``07_autograd``.
    pack : dict or None
        From `Pack.as_data`; None for an assignment that is no module.
    needs : dict
        From `tito.judge.graft.needs_of`.
    released : dict
        The cells of each released notebook, by its name without suffix.
    record : dict
        From `tito.grading.record.record_of`, in the same way.
    library : dict
        What `tinytorch` holds for an assignment that is no module and imports it.
    files : dict
        Files that the release holds beside the notebook, base64.
    steps : list of str
        The classes of the steps, in order.
    settings : dict
        Of the steps.
    grader : str
        A hash of the code that grades.
    """

    folder: str
    pack: dict | None
    needs: dict
    released: dict
    record: dict
    library: dict
    files: dict
    steps: list
    settings: dict
    grader: str

    @classmethod
    def of(cls, assigned: Assigned) -> Assignment:
        """That of a module or another assignment, as its sources, its release and the settings are.

        Raises
        ------
        TitoError
            If nbgrader does not know it.
        """
        from tito.source.nbgraders_settings import configuration

        course, names = Course(assigned.root), [Path(name).stem for name in assigned.notebooks]
        pack, needs, library = None, {}, {}
        if isinstance(assigned, Module):
            pack = Pack.of(assigned)
            needs = needs_of(assigned, pack)
        elif imports_library(assigned):
            library = whole_library(course)
        steps, settings = _steps(configuration(assigned.root))
        return cls(
            assigned.folder,
            pack.as_data() if pack else None,
            needs,
            {name: released_cells(assigned, name) for name in names},
            _records(assigned, names),
            library,
            _files(assigned),
            steps,
            settings,
            grader(),
        )

    def to_bytes(self) -> bytes:
        """As JSON, compressed."""
        return zlib.compress(self._json())

    def _json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it that decides marks; which sandbox is used does not."""
        data = asdict(self)
        limits = data["settings"].get("Sandbox", {})
        data["settings"]["Sandbox"] = {k: v for k, v in limits.items() if k not in SANDBOX_KIND}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Assignment:
        """The inverse of `to_bytes`."""
        return cls(**json.loads(zlib.decompress(data)))


def _steps(config) -> tuple[list[str], dict]:
    """The steps until marks are saved, and their settings."""
    from nbgrader.converters import Autograde

    converter = Autograde(config=config)
    classes = [*converter.sanitize_preprocessors, *converter.autograde_preprocessors]
    first = next((n for n, c in enumerate(classes) if c.__name__ in SAVING), len(classes))
    steps = classes[:first]
    sections = {base.__name__ for step in steps for base in step.__mro__} | set(SETTINGS)
    settings = {name: _plain(config[name]) for name in sorted(sections) if name in config}
    names = [f"{step.__module__}.{step.__qualname__}" for step in steps]
    return [TWINS.get(name, name) for name in names], settings


def _plain(section) -> dict:
    """Settings as what JSON can hold; others cannot travel."""
    return json.loads(json.dumps(dict(section), default=str))


def _records(assigned: Assigned, names: list[str]) -> dict[str, dict]:
    """What the gradebook knows of each notebook."""
    from nbgrader.api import MissingEntry

    from tito.grading.gradebook import gradebook
    from tito.grading.record import record_of

    folder = assigned.folder
    with gradebook(Course(assigned.root)) as book:
        try:
            return {name: record_of(book, folder, name) for name in names}
        except MissingEntry:
            raise TitoError(
                f"the gradebook does not know {folder}; run tito release {folder}"
            ) from None


def _files(assigned: Assigned) -> dict[str, str]:
    """The files that nbgrader lays beside every submission, by their path."""
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import find_all_files

    from tito.source.nbgraders_settings import configuration

    folder, config = assigned.source_folder, configuration(assigned.root)
    ignored = CourseDirectory(config=config).ignore + ["*.ipynb"]
    paths = [Path(path) for path in find_all_files(str(folder), ignored)]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    if isinstance(assigned, Module):
        names = {name: path for name, path in names.items() if "/" not in name}
    else:
        for name in Autograde(config=config).exclude_overwriting.get(assigned.folder, []):
            names.pop(name, None)
    return {n: base64.b64encode(path.read_bytes()).decode() for n, path in sorted(names.items())}


@functools.cache
def grader() -> str:
    """A hash of the code that grades, so that two machines can tell whether theirs is the same."""
    total, root = hashlib.sha256(), Path(tito.__file__).parent
    for folder in GRADER:
        for path in sorted((root / folder).glob("*.py")):
            total.update(f"{folder}/{path.name}".encode() + path.read_bytes())
    return total.hexdigest()

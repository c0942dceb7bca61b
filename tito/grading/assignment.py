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
from tito.steps.job import released_cells

# Steps that have a twin here, mostly one that does not ask the gradebook;
TWINS = {
    "nbgrader.preprocessors.checkcellmetadata.CheckCellMetadata": (
        "tito.grading.record.CheckCellMetadata"
    ),
    "nbgrader.preprocessors.overwritecells.OverwriteCells": "tito.grading.record.OverwriteCells",
    "nbgrader.preprocessors.overwritekernelspec.OverwriteKernelspec": (
        "tito.grading.record.OverwriteKernelspec"
    ),
}
# from the first of these on, they are left to the instructor's machine.
SAVING = ("SaveAutoGrades", "AssignLatePenalties")
SETTINGS = ("Sandbox",)  # sections that the steps read besides those named after themselves
SANDBOX_KIND = ("enabled", "backend", "image")
# The code that decides what a mark is: these folders, and the files that all of tito shares.
GRADER = ("judge", "steps", "sandbox", "notebook", "checks", "")


@dataclass(frozen=True)
class Assignment:
    """What a grader knows of a module; it needs no course folder and no gradebook.

    Attributes
    ----------
    pack : dict
        From `Pack.as_data`.
    needs : dict
        From `tito.judge.graft.needs_of`.
    released : list of dict
        The cells of the released notebook that nbgrader knows.
    record : dict
        From `tito.grading.record.record_of`.
    files : dict
        Files that the release holds beside the notebook, base64.
    steps : list of str
        The classes of the steps, in order.
    settings : dict
        Of the steps.
    grader : str
        A hash of the code that grades.
    """

    pack: dict
    needs: dict
    released: list
    record: dict
    files: dict
    steps: list
    settings: dict
    grader: str

    @classmethod
    def of(cls, module: Module) -> Assignment:
        """That of a module of a course, as its sources, its release and the settings are now.

        Raises
        ------
        TitoError
            If nbgrader does not know the module.
        """
        from nbgrader.api import MissingEntry

        from tito.gradebook import configuration, gradebook
        from tito.grading.record import record_of

        pack, notebook = Pack.of(module), Path(module.notebook).stem
        with gradebook(Course(module.root)) as book:
            try:
                record = record_of(book, module.folder, notebook)
            except MissingEntry:
                raise TitoError(
                    f"the gradebook does not know {module.folder}; run tito release {module.folder}"
                ) from None
        steps, settings = _steps(configuration(module.root))
        return cls(
            pack.as_data(),
            needs_of(module, pack),
            released_cells(module, notebook),
            record,
            _files(module),
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


def _files(module: Module) -> dict[str, str]:
    """The files that nbgrader lays beside every submission."""
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import find_all_files

    from tito.gradebook import configuration

    folder = module.source.parent
    ignored = CourseDirectory(config=configuration(module.root)).ignore + ["*.ipynb"]
    paths = [Path(p) for p in find_all_files(str(folder), ignored)]
    return {p.name: base64.b64encode(p.read_bytes()).decode() for p in paths if p.parent == folder}


@functools.cache
def grader() -> str:
    """A hash of the code that grades, so that two machines can tell whether theirs is the same."""
    total, root = hashlib.sha256(), Path(tito.__file__).parent
    for folder in GRADER:
        for path in sorted((root / folder).glob("*.py")):
            total.update(f"{folder}/{path.name}".encode() + path.read_bytes())
    return total.hexdigest()

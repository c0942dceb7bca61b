"""Grading one submission: a function of an assignment's bytes and the submission's, and no more."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import json
import time
import zlib
from dataclasses import dataclass

from tito.errors import TitoError
from tito.gradebook import be_quiet
from tito.grading.assignment import Assignment, grader
from tito.judge.pack import Pack
from tito.notebook.read import notebook_of, without_what_is_cleared
from tito.steps.job import IN_POOL, Job


@dataclass(frozen=True)
class Handed:
    """A submission as it travels.

    Attributes
    ----------
    notebook : bytes
        The notebook.
    files : dict
        What lies beside it, by name.
    folders : tuple of str
        The names of folders that were handed in as well; nothing in them is used.
    """

    notebook: bytes
    files: dict[str, bytes]
    folders: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As JSON, compressed; the same bytes for the same submission."""
        data = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        notebook = base64.b64encode(self.notebook).decode()
        text = {"notebook": notebook, "files": data, "folders": self.folders}
        return zlib.compress(json.dumps(text, sort_keys=True).encode())

    @classmethod
    def from_bytes(cls, data: bytes) -> Handed:
        """The inverse of `to_bytes`."""
        sent = json.loads(zlib.decompress(data))
        files = {name: base64.b64decode(content) for name, content in sent["files"].items()}
        return cls(base64.b64decode(sent["notebook"]), files, tuple(sent["folders"]))

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        total = hashlib.sha256(repr(self.folders).encode())
        for name, content in sorted((self.files | {"*": self.notebook}).items()):
            total.update(f"{name}\0{len(content)}\0".encode() + content)
        return total.hexdigest()


def digest_of(assignment: str, submission: str) -> str:
    """What identifies a result, of the digests of what was graded."""
    return hashlib.sha256(f"{assignment} {submission}".encode()).hexdigest()


def grade_submission(assignment: bytes, submission: bytes, seed: int) -> dict:
    """Grade one submission.

    Parameters
    ----------
    assignment : bytes
        From `Assignment.to_bytes`.
    submission : bytes
        From `Handed.to_bytes`.
    seed : int
        Decides the random inputs of the hidden tests.

    Returns
    -------
    dict
        Plain data. Either ``error``, in one sentence, with ``state`` ("unreadable" or "crashed");
        or ``notebook``, the graded notebook as JSON text with outputs, marks, and notes in its
        metadata, and ``state`` ("graded", "timed out" or "crashed": of the notebook's own run).
        And ``seconds`` that the steps took.
    """
    begin = time.monotonic()
    try:
        result = _grade(_known(assignment), Handed.from_bytes(submission), seed)
    except Exception as error:  # whatever is wrong with one submission, the others are graded
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        result = {"state": "crashed", "error": said[:300], "seconds": {}}
    result["seconds"]["all"] = time.monotonic() - begin
    return result


def _grade(known: _Known, handed: Handed, seed: int) -> dict:
    import nbformat

    try:
        slim = without_what_is_cleared(notebook_of(handed.notebook, "it"))
        nb = nbformat.reads(json.dumps(slim, ensure_ascii=False), as_version=4)
    except TitoError as error:
        return {"state": "unreadable", "error": str(error), "seconds": {}}
    exercises = set(filter(None, map(_name, nb.cells)))
    if exercises and exercises.isdisjoint(known.names):
        reason = f"it has other exercises than {known.pack.folder}: it is another module's notebook"
        return {"state": "unreadable", "error": reason, "seconds": {}}
    files = handed.files | known.files
    names = [*handed.files, *handed.folders]
    job = Job(known.pack, known.needs, known.released, files, names, seed, known.record)
    resources = {
        "nbgrader": {"assignment": known.pack.folder, "notebook": f"{known.pack.name}_dev"},
        "metadata": {"path": ""},
        IN_POOL: job,
    }
    for step in known.steps:
        begin = time.monotonic()
        nb, resources = step(nb, resources)
        name = step.args[0].rpartition(".")[2]
        job.seconds[name] = job.seconds.get(name, 0) + time.monotonic() - begin
    if job.ran:
        job.seconds["cells"] = job.ran.seconds
    state = "graded"
    if job.ran and (job.ran.timeouts or job.ran.ended):
        state = "timed out" if job.ran.timeouts or job.ran.late else "crashed"
    return {
        "state": state,
        "notebook": nbformat.v4.writes(nb),
        "seed": seed,
        "seconds": job.seconds,
    }


def _name(cell) -> str:
    """The name by which nbgrader would know a cell."""
    nbgrader = cell.metadata.get("nbgrader")
    return str(nbgrader.get("grade_id", "")) if isinstance(nbgrader, dict) else ""


@dataclass(frozen=True)
class _Known:
    pack: Pack
    needs: dict
    released: list
    record: object
    files: dict[str, bytes]
    steps: list

    @functools.cached_property
    def names(self) -> set[str]:
        """The names of the released cells that nbgrader knows."""
        return {cell["metadata"]["nbgrader"]["grade_id"] for cell in self.released}


@functools.lru_cache(maxsize=4)
def _known(assignment: bytes) -> _Known:
    """An assignment, ready for use."""
    from traitlets.config import Config

    from tito.grading.record import ReleaseRecord

    data = Assignment.from_bytes(assignment)
    if data.grader != grader():
        raise TitoError(
            "the machine that grades has another version of tito than the one that asks; "
            "install the same there"
        )
    be_quiet()
    settings = Config(data.settings)
    files = {name: base64.b64decode(content) for name, content in data.files.items()}
    return _Known(
        Pack.from_data(data.pack),
        data.needs,
        data.released,
        ReleaseRecord(data.record),
        files,
        [functools.partial(_step, name, settings) for name in data.steps],
    )


def _step(name: str, settings, nb, resources):
    """Apply a preprocessor; another instance each time, as some keep what they did."""
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)(config=settings)(nb, resources)

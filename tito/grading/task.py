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
from tito.grading.assignment import Assignment, grader
from tito.grading.gradebook import be_quiet
from tito.judge.pack import Pack
from tito.judge.remembered import remembered
from tito.notebook.read import notebook_of
from tito.steps.job import IN_POOL, Job, graded_cells
from tito.steps.slim_notebook import without_what_is_cleared


@dataclass(frozen=True)
class Handed:
    """A submission as it travels.

    Attributes
    ----------
    notebooks : dict
        The notebooks, by their names without suffix.
    files : dict
        What lies beside them, by name; in an ordinary assignment also what is in folders, by path.
    folders : tuple of str
        The names of folders that were handed in as well; in a module nothing in them is used.
    """

    notebooks: dict[str, bytes]
    files: dict[str, bytes]
    folders: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As JSON, compressed; the same bytes for the same submission."""
        text = {
            "notebooks": _encoded(self.notebooks),
            "files": _encoded(self.files),
            "folders": self.folders,
        }
        return zlib.compress(json.dumps(text, sort_keys=True).encode())

    @classmethod
    def from_bytes(cls, data: bytes) -> Handed:
        """The inverse of `to_bytes`."""
        sent = json.loads(zlib.decompress(data))
        return cls(_decoded(sent["notebooks"]), _decoded(sent["files"]), tuple(sent["folders"]))

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        total = hashlib.sha256(repr(self.folders).encode())
        notebooks = {f"{name}.ipynb": content for name, content in self.notebooks.items()}
        for name, content in sorted((self.files | notebooks).items()):
            total.update(f"{name}\0{len(content)}\0".encode() + content)
        return total.hexdigest()


def _encoded(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in contents.items()}


def _decoded(contents: dict[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(content) for name, content in contents.items()}


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
        or ``notebooks``, the graded notebooks by name, as JSON text with outputs, marks, and notes
        in their metadata, and ``state`` ("graded", "timed out" or "crashed": of their own run), and
        ``missed``, from `tito.judge.missed`. And ``seconds`` that the steps took.
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
    """Grade the notebooks of a submission, one after another, as nbgrader does."""
    graded, states, missed, seconds = {}, [], [], {}
    for name, content in sorted(handed.notebooks.items()):
        try:
            nb = _read(known, name, content)
        except TitoError as error:
            return {"state": "unreadable", "error": str(error), "seconds": seconds}
        nb, job = _apply_steps(known, handed, name, nb, seed)
        graded[name] = _text_of(nb)
        states.append(_state(job))
        missed += job.missed
        for step, took in job.seconds.items():
            seconds[step] = seconds.get(step, 0) + took
    state = next((s for s in ("timed out", "crashed") if s in states), "graded")
    return {
        "state": state,
        "notebooks": graded,
        "missed": missed,
        "seed": seed,
        "seconds": seconds,
    }


def _read(known: _Known, name: str, content: bytes):
    """A notebook that was handed in.

    Raises
    ------
    TitoError
        If it is none, or another assignment's.
    """
    import nbformat

    slim = without_what_is_cleared(notebook_of(content, known.called(name)))
    nb = nbformat.reads(json.dumps(slim, ensure_ascii=False), as_version=4)
    exercises = set(filter(None, map(_name, nb.cells)))
    if exercises and exercises.isdisjoint(known.names(name)):
        other = "notebook" if known.pack is None else "module's notebook"
        raise TitoError(
            f"{known.called(name)} has other exercises than {known.folder}: it is another {other}"
        )
    return nb


def _apply_steps(known: _Known, handed: Handed, name: str, nb, seed: int):
    """Apply all steps to one notebook; returns it, and the job."""
    names = [*handed.files, *handed.folders]
    job = Job(
        known.pack,
        known.needs,
        known.released[name],
        handed.files | known.files,
        names,
        seed,
        known.records[name],
        library=known.library,
        given=set(known.files),
    )
    resources = {
        "nbgrader": {"assignment": known.folder, "notebook": name},
        "metadata": {"path": ""},
        IN_POOL: job,
    }
    for step in known.steps:
        begin = time.monotonic()
        nb, resources = step(nb, resources)
        kind = step.args[0].rpartition(".")[2]
        job.seconds[kind] = job.seconds.get(kind, 0) + time.monotonic() - begin
    if job.ran:
        job.seconds["cells"] = job.ran.seconds
    return nb, job


def _text_of(nb) -> str:
    """A notebook as JSON, without the layout of its file, which takes longer than all else."""
    return json.dumps(nb, ensure_ascii=False, sort_keys=True)


def _state(job: Job) -> str:
    """How the notebook's own run ended."""
    if job.ran and (job.ran.timeouts or job.ran.ended):
        return "timed out" if job.ran.timeouts or job.ran.late else "crashed"
    return "graded"


def _name(cell) -> str:
    """The name by which nbgrader would know a cell."""
    nbgrader = cell.metadata.get("nbgrader")
    return str(nbgrader.get("grade_id", "")) if isinstance(nbgrader, dict) else ""


@dataclass(frozen=True)
class _Known:
    folder: str
    pack: Pack | None
    needs: dict
    released: dict[str, list]
    records: dict
    library: dict[str, str]
    files: dict[str, bytes]
    steps: list

    def names(self, notebook: str) -> set[str]:
        """The names of the released cells that nbgrader knows."""
        return {
            c["metadata"]["nbgrader"]["grade_id"] for c in graded_cells(self.released[notebook])
        }

    def called(self, notebook: str) -> str:
        """What a notebook is called in a sentence: there are several, or just one."""
        return "it" if len(self.released) == 1 else f"{notebook}.ipynb"


@remembered(4)
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
    return _Known(
        data.folder,
        Pack.from_data(data.pack) if data.pack else None,
        data.needs,
        data.released,
        {name: ReleaseRecord(record) for name, record in data.record.items()},
        data.library,
        _decoded(data.files),
        [functools.partial(_step, name, settings) for name in data.steps],
    )


def _step(name: str, settings, nb, resources):
    """Apply a preprocessor; another instance each time, as some keep what they did."""
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)(config=settings)(nb, resources)

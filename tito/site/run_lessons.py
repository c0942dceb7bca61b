"""Running each lesson once with its solutions, and keeping what came out as long as it holds."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import printable, write_atomically
from tito.site.private_course import write_course
from tito.source.instructors_notebook import notebook
from tito.source.percent import read_source
from tito.source.reference import reference_text
from tito.source.regions import without_hidden_tests

AT_ONCE = 2
CELL_TIMEOUT = 900  # seconds; on a machine of its own, the longest cell takes some 30
DECIDE = ("numpy", "matplotlib", "ipykernel", "rich")  # packages that decide what comes out
TITO = Path(__file__).parents[1]
OURS = ("*.py", "checks/*.py", "notebook/*.py", "student/*.py")  # what runs beside a lesson


@dataclass(frozen=True)
class Run:
    """What came out when a lesson was run.

    Attributes
    ----------
    module : Module
        Which module.
    outputs : dict
        The outputs of each code cell, as a notebook has them, by the cell's id.
    is_new : bool
        Whether it ran now, and was not kept from before.
    """

    module: Module
    outputs: dict[str, list[dict]]
    is_new: bool


def run_lessons(
    modules: Sequence[Module], kept: Path, say: Callable[[str], None] = lambda text: None
) -> list[Run]:
    """Run the lessons that have changed, two at a time, each in a process of its own.

    Parameters
    ----------
    modules : sequence of Module
        Which.
    kept : Path
        The folder in which outputs are kept; what is there and still holds is not run again.
    say : callable
        Called with a line for each lesson that runs.

    Raises
    ------
    TitoError
        If a cell fails; names the cell.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda module: _run_or_kept(module, kept, say), modules))


def _run_or_kept(module: Module, kept: Path, say: Callable[[str], None]) -> Run:
    path = kept / f"{module.folder}-{hash_of(module)}.json"
    if path.exists():
        return Run(module, json.loads(path.read_text(encoding="utf-8")), False)
    say(f"Running {module.folder} …")
    outputs = run_lesson(module)
    for old in kept.glob(f"{module.folder}-*.json"):
        old.unlink()
    write_atomically(path, json.dumps(outputs))
    return Run(module, outputs, True)


def hash_of(module: Module) -> str:
    """Letters that differ if anything does on which the outputs of a lesson depend."""
    course, total = Course(module.root), hashlib.sha256(sys.version.encode())
    for name in DECIDE:
        total.update(f"{name} {_version(name)}\n".encode())
    total.update(json.dumps(lesson_of(module), sort_keys=True).encode())
    for earlier in course.modules():
        if earlier < module:
            total.update(reference_text(earlier).encode())
    files = [course.root / path for path in course.library()]
    files += [path for pattern in OURS for path in sorted(TITO.glob(pattern))]
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def lesson_of(module: Module):
    """The notebook of a student who has solved everything: the solutions, and no hidden tests."""
    nb = notebook(read_source(module))
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.source = without_hidden_tests(cell.source)
    return nb


def run_lesson(module: Module) -> dict[str, list[dict]]:
    """Run a lesson in a private course, and give the outputs of each code cell by its id.

    Raises
    ------
    TitoError
        If a cell fails, or takes more than a quarter of an hour.
    """
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    nb, begun = lesson_of(module), [""]
    with tempfile.TemporaryDirectory(prefix="tito-site-") as folder:
        desk = write_course(module, Path(folder))
        client = _client(nb, desk, begun)
        try:
            with client.setup_kernel(env=_environment(folder), cwd=desk, stderr=subprocess.DEVNULL):
                for number, cell in enumerate(nb.cells):
                    client.execute_cell(cell, number)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise TitoError(
                f"{module.folder} cannot be shown: its cell {begun[0]} fails with its own "
                f"solutions ({_why(error)}); mend the source"
            ) from None
    return {cell.id: cell.outputs for cell in nb.cells if cell.cell_type == "code"}


def _why(error: Exception) -> str:
    """What a cell ended with, in a line."""
    said = f"{getattr(error, 'ename', '')}: {getattr(error, 'evalue', '')}".strip(": ")
    return printable(said or str(error).strip().partition("\n")[0])[:200]


def _client(nb, desk: Path, begun: list[str]):
    """What runs the cells; puts the id of each into `begun`."""
    from nbclient import NotebookClient
    from traitlets.config import Config

    return NotebookClient(
        nb,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        resources={"metadata": {"path": str(desk)}},
        config=Config(KernelManager={"transport_encryption": "auto"}),
        on_cell_start=lambda cell, **place: begun.__setitem__(0, cell.id),
    )


def _environment(folder: str) -> dict[str, str]:
    """That of a notebook's kernel, in which the private library is found before all others."""
    ours = {"JPY_SESSION_NAME", "MPLBACKEND", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return environment | {"PYTHONPATH": os.pathsep.join([folder, str(TITO.parent)])}

"""Releasing a module: its notebook without solutions, after the hidden tests were tried."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path

from tito import sandbox
from tito.author.build import build
from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import explained, replaced_folder, write_atomically
from tito.grading.assignment import grader
from tito.grading.gradebook import nbgrader_api
from tito.grading.versions import remember_release, with_version
from tito.judge.graft import needs_of, reference_answers
from tito.judge.pack import Pack
from tito.source.modules_and_others import Assigned


def reason(result: dict) -> str:
    """What went wrong, out of the log of an nbgrader command: the last line of its traceback."""
    log = f"{result.get('log') or ''}\n{result.get('error') or ''}"
    raised = re.findall(r"^\s*[\w.]+(?:Error|Exception|Entry|Timeout): (.+)$", log, flags=re.M)
    useful = [line for line in raised if not line.startswith("Please see")]
    logged = re.findall(
        r"^\[ERROR\] (?!There was an error|Please see|Traceback)(.+)$", log, flags=re.M
    )
    return [*useful, *logged, "nbgrader gave no reason"][0]


def release(module: Module) -> Path:
    """Build a module and make the notebook that students get.

    Parameters
    ----------
    module : Module
        Which module.

    Returns
    -------
    Path
        The released notebook.

    Raises
    ------
    TitoError
        If nbgrader refuses, for example because graded cells were added or renamed after a
        submission came in; the earlier release is kept.
    """
    build(module)
    check_reference(module)
    generate(module)
    fold_checks(module)
    mark_release(module)
    write_atomically(_record(module), _made_from(module))
    return module.released


def generate(assigned: Assigned) -> None:
    """Have nbgrader make what students get.

    Raises
    ------
    TitoError
        If it refuses; the earlier release is kept.
    """
    folder = assigned.release_folder
    with explained(f"write to {folder}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with replaced_folder(folder):
        api = nbgrader_api(Course(assigned.root))
        result = api.generate_assignment(assigned.folder, force=True, create=True)
        if not result["success"]:
            raise TitoError(f"{assigned.folder} cannot be released: {reason(result)}")


def fold_checks(module: Module) -> None:
    """Hide the text of checks cells, hints and all; a click on one in JupyterLab shows it."""
    nb = json.loads(module.released.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if nbgrader.get("grade") and not nbgrader.get("solution"):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
    text = json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    write_atomically(module.released, text)


def mark_release(module: Module) -> None:
    """Have the notebook say which release it is, and keep what that was."""
    nb = with_version(json.loads(module.released.read_text(encoding="utf-8")))
    text = json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    write_atomically(module.released, text)
    remember_release(module.root, module.folder, nb)


def is_up_to_date(module: Module) -> bool:
    """Whether the released notebook was made from the files that are there now."""
    try:
        known = _record(module).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return module.released.exists() and known == _made_from(module)


def _record(module: Module) -> Path:
    return module.root / ".tito" / f"released-{module.folder}.txt"


def _made_from(module: Module) -> str:
    """A checksum of all that a release depends on: its sources, those before, and our own code."""
    folders = [m.source.parent for m in Course(module.root).modules() if m <= module]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files += [module.root / path for path in Course(module.root).library()]
    total = hashlib.sha256(grader().encode())
    for path in files:
        if path != module.built and path.suffix not in (".pyc", ".ipynb"):
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    total.update(module.released.read_bytes() if module.released.exists() else b"")
    return total.hexdigest()


def check_reference(module: Module) -> None:
    """Make sure that the hidden tests work on the reference, before anybody is graded by them.

    Raises
    ------
    TitoError
        If one fails; names it.
    """
    pack = Pack.of(module)
    # The course's own code may run without a sandbox where there is none.
    with contextlib.nullcontext() if sandbox.available() else sandbox.trusted():
        reference_answers(pack, 0)
        needs_of(module, pack)

"""Releasing a module: its notebook without solutions, after the hidden tests were tried."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from tito import sandbox
from tito.author.build import build
from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import explained, replaced_folder
from tito.gradebook import nbgrader_api
from tito.judge.graft import needs_of, reference_answers
from tito.judge.pack import Pack


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
    with explained(f"write to {module.released.parent}"):
        module.released.parent.parent.mkdir(parents=True, exist_ok=True)
    with replaced_folder(module.released.parent):
        api = nbgrader_api(Course(module.root))
        result = api.generate_assignment(module.folder, force=True, create=True)
        if not result["success"]:
            raise TitoError(f"{module.folder} cannot be released: {reason(result)}")
    return module.released


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

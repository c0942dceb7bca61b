"""A student's desk: the notebook that they work on, and what is kept beside it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import write_atomically
from tito.notebook.read import read_notebook


def on_desk(module: Module) -> Path:
    """The notebook on the desk.

    Raises
    ------
    UsageError
        If there is none.
    """
    if module.desk.exists():
        return module.desk
    others = sorted(path.name for path in module.desk.parent.glob("*.ipynb"))
    if others:
        raise UsageError(
            f"notebooks/{module.folder}/{module.notebook} is missing, but {', '.join(others)} is "
            "there; rename it back"
        )
    raise UsageError(f"{module.folder} has not been started; run: tito start {module.folder}")


def last_worked_on(course: Course) -> Module | None:
    """The module whose notebook was saved last; None if none has been started."""
    begun = [module for module in course.modules() if module.desk.exists()]
    return max(begun, key=lambda module: module.desk.stat().st_mtime, default=None)


def read_desk(module: Module) -> dict:
    """The notebook on the desk, as plain JSON.

    Raises
    ------
    UsageError
        If there is none.
    TitoError
        If it is not a notebook.
    """
    try:
        return read_notebook(on_desk(module))
    except UsageError:
        raise
    except TitoError as error:
        raise TitoError(
            f"{error}; tito reset {module.folder} begins again and keeps this file"
        ) from None


def digest(module: Module) -> str:
    """A checksum of the notebook on the desk."""
    return hashlib.sha256(module.desk.read_bytes()).hexdigest()


def name_of_desk(course: Course) -> str:
    """What tells this desk from all others, so that a hand-in from elsewhere can be told."""
    path = course.root / "notebooks" / ".desk"
    try:
        name = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        name = ""
    if not re.fullmatch(r"[0-9a-f]{32}", name):
        name = secrets.token_hex(16)
        write_atomically(path, name + "\n")
    return name


def _record(module: Module) -> Path:
    return module.desk.parent / ".tito.json"


STATES = ("passed", "failed", "not done", "not run", "waits")  # of a check
KINDS = {
    "tested": {"digest": str, "passed": int, "checks": int, "states": dict},
    "exported": {"digest": str},
    "submitted": {"digest": str, "time": str},
}


def remembered(module: Module) -> dict:
    """What is kept about a module; nothing of what cannot be read."""
    try:
        record = json.loads(_record(module).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    known = record if isinstance(record, dict) else {}
    return {name: known[name] for name, kinds in KINDS.items() if _is_whole(known.get(name), kinds)}


def _is_whole(fact, kinds: dict[str, type]) -> bool:
    if not isinstance(fact, dict):
        return False
    states = fact.get("states")
    texts = states.values() if isinstance(states, dict) else ()
    return all(isinstance(fact.get(key), kind) for key, kind in kinds.items()) and all(
        text in STATES for text in texts
    )


def remember(module: Module, **facts: dict) -> None:
    """Keep something about a module."""
    write_atomically(_record(module), json.dumps(remembered(module) | facts, indent=1))

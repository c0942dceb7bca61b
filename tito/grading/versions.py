"""Which release of a module a notebook was made from, and what has changed since."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from tito.files import write_atomically
from tito.steps.notes import some_of

KEY, FIELD = "tinytorch", "release"  # in the metadata of a notebook
WRITTEN = re.compile(rb'"tinytorch"\s*:\s*\{\s*"release"\s*:\s*"([0-9a-f]{8})"')
MEMORY = ".tito/releases.json"
LESSON = "the lesson"
TIME = "%Y-%m-%d %H:%M UTC"


def with_version(nb: dict) -> dict:
    """A released notebook that says which release it is."""
    metadata = nb["metadata"] | {KEY: {FIELD: _version_of(_cells_of(nb))}}
    return nb | {"metadata": metadata}


def version_in(content: bytes) -> str:
    """Which release a notebook was made from, as its metadata say; nothing if they do not."""
    found = WRITTEN.search(content)
    return found[1].decode() if found else ""


def remember_release(root: Path, folder: str, nb: dict) -> None:
    """Keep what a release of a module was, so that later ones can be compared with it."""
    known = _remembered(root)
    cells = _cells_of(nb)
    version = _version_of(cells)
    releases = [one for one in known.get(folder, []) if one["version"] != version]
    before = next((one for one in known.get(folder, []) if one["version"] == version), {})
    time = before.get("time") or datetime.now(UTC).strftime(TIME)
    known[folder] = [*releases, {"version": version, "time": time, "cells": cells}]
    write_atomically(root / MEMORY, json.dumps(known, indent=1) + "\n")


def first_release(root: Path, folder: str) -> datetime | None:
    """When a module was released for the first time; None if nobody knows."""
    times = []
    for one in _remembered(root).get(folder, []):
        with contextlib.suppress(ValueError):
            times.append(datetime.strptime(one["time"], TIME).replace(tzinfo=UTC))
    return min(times, default=None)


def notes_on_release(
    root: Path, folder: str, content: bytes, current: bytes, kit: str
) -> list[str]:
    """What is to be said of a notebook that was made from another release than the one now.

    Parameters
    ----------
    root : Path
        The course's folder.
    folder : str
        The module.
    content, current : bytes
        The notebook that was handed in, and the released one.
    kit : str
        The version of the kit that it was made with, if that is known.
    """
    its, now = version_in(content), version_in(current)
    if not its or not now or its == now:
        return []
    known = {one["version"]: one for one in _remembered(root).get(folder, [])}
    with_kit = f", kit {kit}" if kit else ""
    if its not in known:
        return [f"made from another release ({its}{with_kit}), of which nothing is known here"]
    old, new = known[its], known.get(now, {"cells": {}, "time": ""})
    changed = _differences(old["cells"], new["cells"]) if now in known else []
    since = f"; changed since: {some_of(changed)}" if changed else ""
    return [f"made from the release of {old['time']}{with_kit}, which is not the one now{since}"]


def _cells_of(nb: dict) -> dict[str, str]:
    """A checksum of each cell that nbgrader knows, and of all others together."""
    texts: dict[str, list[str]] = {}
    for cell in nb["cells"]:
        nbgrader = cell["metadata"].get("nbgrader") or {}
        text = json.dumps([cell["cell_type"], "".join(cell["source"]), nbgrader.get("points")])
        texts.setdefault(nbgrader.get("grade_id") or LESSON, []).append(text)
    return {
        name: hashlib.sha256("\0".join(found).encode()).hexdigest()[:16]
        for name, found in texts.items()
    }


def _version_of(cells: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:8]


def _differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """The names of cells that are not the same in two releases; checks by their exercise."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [re.sub(r"^test-", "the checks of ", name) for name in names]


def _remembered(root: Path) -> dict[str, list[dict]]:
    """The releases that are known, by module; nothing of what cannot be read."""
    known: dict[str, list[dict]] = {}
    with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError, TypeError):
        data = json.loads((root / MEMORY).read_text(encoding="utf-8"))
        for folder, releases in data.items():
            known[folder] = [one for one in releases if _is_whole(one)]
    return known


def _is_whole(one) -> bool:
    kinds = {"version": str, "time": str, "cells": dict}
    return isinstance(one, dict) and all(isinstance(one.get(k), kind) for k, kind in kinds.items())

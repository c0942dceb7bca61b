"""Run as a process: what the visible checks of a notebook say to each mistake.

The notebook with all solutions is run once, from top to bottom. Before each exercise with mistakes
the process forks, and each child makes one of them and goes on to the exercise's check. It reads
one request from standard input (JSON: cells, mistakes) and writes one line for each mistake.
"""

from __future__ import annotations

import json
import linecache
import os
import signal
import sys
import traceback

PATIENCE = 30  # seconds for one mistake


def run(source: str, name: str, names: dict) -> None:
    """Run a cell as a notebook does: later cells see its names, tracebacks its lines."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)


def outcome(cells: list[dict], number: int, mistake: dict, names: dict) -> dict:
    """What a student reads who made a mistake: the error of the cell, or of its check."""
    exercise = cells[number]["name"]
    try:
        run(mistake["source"], f"<the cell {exercise}>", names)
        for cell in cells[number + 1 :]:
            if cell["role"] in ("exercise", "code"):
                run(cell["source"], f"<cell {cell['name'] or 'given'}>", names)
            elif cell["name"] == exercise:
                run(cell["source"], f"<the check {exercise}>", names)
                return {"error": "", "message": "", "block": []}
    except BaseException as error:
        found = {"error": type(error).__name__, "block": block(error, names)}
        if type(error).__name__ == "CheckFailed":
            return found | {"message": str(error)}
        lines = traceback.format_exception_only(error)
        return found | {"message": "".join(lines).strip()[:500]}
    return {"error": "", "message": "", "block": []}


def block(error: BaseException, names: dict) -> list[str]:
    """The block that a notebook shows for an error; nothing where it shows a traceback."""
    from tito.checks.errors_in_cells import block_of

    shown = block_of(error, error.__traceback__, names)
    return shown.lines() if shown else []


def in_a_child(cells: list[dict], number: int, mistake: dict, names: dict) -> dict:
    """The outcome of a mistake, found in a forked process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.write(writing, json.dumps(outcome(cells, number, mistake, names)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    said = f"it took longer than {PATIENCE} seconds"
    late = {"error": "Timeout", "message": said, "block": []}
    return json.loads(text) if text else late


def main() -> None:
    request = json.load(sys.stdin)
    sys.path[:0] = request["path"]
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    cells, names = request["cells"], {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        for mistake in request["mistakes"]:
            if cell["role"] == "exercise" and mistake["exercise"] == cell["name"]:
                found = in_a_child(cells, number, mistake, names)
                channel.write(json.dumps({"name": mistake["name"], **found}) + "\n")
                channel.flush()
        if not request["mistakes"]:
            break
        run(cell["source"], f"<cell {number}>", names)


if __name__ == "__main__":
    main()

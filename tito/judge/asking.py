"""Asking another process what a module under test does."""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tito import sandbox
from tito.files import printable
from tito.judge import observer
from tito.judge.observations import Observation
from tito.judge.refusals import Told, in_full
from tito.judge.workspace import library_of, temporary_folder
from tito.notebook.export import CodeCell
from tito.notebook.read import refuse_too_many_values

START_UP = 30.0  # seconds that a process may take until its first line
MOST_VALUES = 100_000  # in one line, of which an answer takes a few for each array
MOST_KILLED = 3  # processes that are lost by no fault of the module's, until it is blamed for it
NOT_STARTED = "the process that was to make it did not start; grade it again"
TOO_LONG = "BaseException: it took too long"  # as the observer says it of a variant


@dataclass(frozen=True)
class Limits:
    """How long an observation may take, in seconds.

    Attributes
    ----------
    each : float
        For loading one cell, and for one observation.
    total : float
        For all observations of one module.
    grafts : float
        For those of all its grafts together.
    hangs : int
        After so many observations that took too long, the others are not tried.
    """

    each: float = 10.0
    total: float = 180.0
    grafts: float = 180.0
    hangs: int = 3


@dataclass
class Answers:
    """What a process answered.

    Attributes
    ----------
    cells : dict
        The cells that could not be loaded, or not to their end, and why.
    said : dict
        Of those of them that raised something, the whole message, which is not for students.
    fatal : set
        Those of them that end or hang the process.
    answers : dict
        For each observation's place in the program, its answer.
    faults : dict
        For each observation that gave no answer, why.
    raised : dict
        Of those, what was raised, in full, or `TOO_LONG`; it is not for students.
    hangs : int
        How many took too long.
    strays : int
        How many lines the process wrote that the observer never writes.
    killed : int
        How many processes were ended by somebody else, or ended before they loaded anything.
    late : bool
        Whether there was no time left for all of it.
    """

    cells: dict[int, str] = field(default_factory=dict)
    said: dict[int, str] = field(default_factory=dict)
    fatal: set[int] = field(default_factory=set)
    answers: dict[int, object] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    raised: dict[int, str] = field(default_factory=dict)
    hangs: int = 0
    strays: int = 0
    killed: int = 0
    late: bool = False


def ask(
    name: str,
    cells: list[CodeCell],
    program: list,
    modules: dict[str, str],
    seed: int,
    limits: Limits,
    future: tuple[str, ...] = (),
    told: Told = in_full,
    deadline: float | None = None,
) -> Answers:
    """Observe a module in a process of its own, or in several where one hangs or dies.

    Parameters
    ----------
    name : str
        What it is imported as: ``tinytorch.core.autograd``.
    cells : list of CodeCell
        Its text, or what was compiled of it.
    program : list of Observation, str or None
        From `tito.judge.observations.collect`; None stands for what is not asked.
    modules : dict
        The package it may import, from `earlier_modules`.
    seed : int
        Decides the random inputs.
    limits : Limits
        How long to wait.
    future : tuple of str
        Features of ``__future__`` for the cells that are text, where the first cell is not.
    told : callable
        What is said of an exception; `Refusals.told` for a student's module.
    deadline : float, optional
        When it is to be over, by `time.monotonic`; by default after the limit for all of it.

    Returns
    -------
    Answers
        Data only; nothing that the process sent is run or unpickled.
    """
    steps = [step_of(step, seed) if isinstance(step, Observation) else step for step in program]
    sources = [None if cell.error else sent(cell) for cell in cells]
    got = Answers(cells={n: c.error for n, c in enumerate(cells) if c.error})
    if deadline is None:
        deadline = time.monotonic() + limits.total
    lines = "".join(f"from __future__ import {f}\n" for f in future)
    common = {"module": name, "seed": seed % 2**32, "future": lines}
    library = library_of(modules)
    while True:
        todo = [
            None if isinstance(s, dict) and not _open(got, n) else s for n, s in enumerate(steps)
        ]
        if not any(isinstance(step, dict) for step in todo):
            return got
        loaded = [None if n in got.fatal else cell for n, cell in enumerate(sources)]
        with temporary_folder() as folder:  # another one each time: nothing is passed on
            request = {"package": ".", "cells": loaded, "program": todo, **common}
            got.late = time.monotonic() > deadline
            tired = got.hangs >= limits.hangs or got.late
            places = (folder, library.folder)
            if tired or not _one_process(request, got, places, limits, deadline, told):
                got.late = time.monotonic() > deadline  # it may have passed meanwhile
                in_time = not (tired or got.late)
                _give_up(got, todo, NOT_STARTED if in_time else "there was no time left for it")


def _give_up(got: Answers, todo: list, why: str) -> None:
    """Say of everything that is still to be asked that it cannot be."""
    for n, step in enumerate(todo):
        if isinstance(step, dict):
            got.faults.setdefault(n, why)


def sent(cell: CodeCell) -> dict:
    if cell.code:
        return {"name": cell.name, "code": base64.b64encode(cell.code).decode()}
    return {"name": cell.name, "source": cell.source}


def _open(got: Answers, number: int) -> bool:
    return number not in got.answers and number not in got.faults


def step_of(observation: Observation, seed: int) -> dict:
    inputs = {name: observer.encode(x) for name, x in observation.draw(seed).items()}
    return {
        "name": observation.name,
        "check": observation.check,
        "source": observation.source,
        "inputs": inputs,
    }


def _one_process(
    request: dict,
    got: Answers,
    places: tuple[Path, Path],
    limits: Limits,
    deadline: float,
    told: Told,
) -> bool:
    """Run one process as long as it answers in time; returns whether to try another."""
    folder, library = places
    process = sandbox.start_python(Path(observer.__file__), folder, library=library)
    lines: queue.Queue = queue.Queue()
    data = json.dumps(request).encode()
    most = 2 * observer.LARGEST_ANSWER * (len(request["cells"]) + len(request["program"]))
    for job in (lambda: send(process, data), lambda: receive(process, lines, most)):
        threading.Thread(target=job, daemon=True).start()
    busy_with, due = None, time.monotonic() + START_UP
    try:
        while True:
            try:
                line = lines.get(timeout=max(min(due, deadline) - time.monotonic(), 0.01))
            except queue.Empty:
                if busy_with is None and _is_lost(got):
                    return True
                return _blame_time(got, busy_with, limits)
            if line is None:
                if (busy_with is None or sandbox.was_killed(process)) and _is_lost(got):
                    return True
                reason = process.stopped_because or "it ended the Python process"
                return _blame(got, busy_with, reason)
            if "done" in line:
                for n, step in enumerate(request["program"]):
                    if isinstance(step, dict) and _open(got, n):
                        got.faults[n] = "it gave no answer"
                return True
            step = _step_begun(line, request)
            if step:
                busy_with, due = step, time.monotonic() + limits.each
            elif not _is_expected(line, got, busy_with, request):
                got.strays += 1
            note_line(line, got, request, told)
            if time.monotonic() > min(due, deadline):
                return _blame_time(got, busy_with, limits)
    finally:
        sandbox.kill(process)


def _is_lost(got: Answers) -> bool:
    """Count a process that was lost by no fault of the module's; whether to try another."""
    got.killed += 1
    return got.killed <= MOST_KILLED


def _step_begun(line: dict, request: dict) -> tuple[str, int] | None:
    """What a process says it begins, if that is one of the things it was asked to do."""
    for kind, asked in (("loading", request["cells"]), ("observing", request["program"])):
        number = line.get(kind)
        if type(number) is int and 0 <= number < len(asked) and isinstance(asked[number], dict):
            return kind, number
    return None


def _is_expected(line: dict, got: Answers, busy_with, request: dict) -> bool:
    """Whether the observer itself would write such a line now."""
    if "observation" in line:
        number = line["observation"]
        return busy_with == ("observing", number) and _open(got, number)
    if "cell" in line:
        number = line["cell"]
        return type(number) is int and 0 <= number < len(request["cells"])
    return "helper" in line


def send(process, data: bytes) -> None:
    try:
        process.stdin.write(data)
        process.stdin.close()
    except OSError:
        pass  # it died; the reader sees that


def receive(process, lines: queue.Queue, most: int) -> None:
    """Pass on each line, an empty one if it is no dictionary, up to a limit; None at the end."""
    longest = 2 * observer.LARGEST_ANSWER
    try:
        while most > 0 and (text := process.stdout.readline(longest)):
            most -= len(text)
            try:
                refuse_too_many_values(text, MOST_VALUES)
                line = json.loads(text)
            except (ValueError, RecursionError, MemoryError):
                line = {}
            lines.put(line if isinstance(line, dict) else {})
    except (OSError, ValueError):
        pass
    lines.put(None)
    with contextlib.suppress(OSError):
        process.stdout.close()  # here, for a close from another thread would wait for this one


def _blame(got: Answers, busy_with: tuple[str, int] | None, reason: str) -> bool:
    """Note what a process was doing when it stopped answering; False if that is not known."""
    if busy_with is None:
        return False
    kind, number = busy_with
    if kind == "loading":
        got.cells.setdefault(number, reason)
        got.fatal.add(number)
    elif _open(got, number):
        got.faults[number] = reason
    return True


def _blame_time(got: Answers, busy_with: tuple[str, int] | None, limits: Limits) -> bool:
    got.hangs += 1
    if busy_with and busy_with[0] == "observing":
        got.raised[busy_with[1]] = TOO_LONG
    return _blame(got, busy_with, f"it took longer than {limits.each:g} seconds")


def note_line(line: dict, got: Answers, request: dict, told: Told) -> None:
    """Keep one line of a process; what is malformed counts as no answer."""
    number = line.get("cell", line.get("observation"))
    if type(number) is not int:
        return
    error = line.get("error")
    if "cell" in line:
        if error and 0 <= number < len(request["cells"]):
            got.cells.setdefault(number, _told(error, told))
            got.said.setdefault(number, _told(error, in_full))
    elif 0 <= number < len(request["program"]) and isinstance(request["program"][number], dict):
        if not _open(got, number):
            return
        if "answer" not in line:
            got.faults[number] = _told(error, told)
            got.raised[number] = _told(error, in_full)
            return
        try:
            got.answers[number] = observer.decode(line["answer"])
        except Exception:  # whatever a forged answer leads to
            got.faults[number] = "its answer was not data"


def _told(error, told: Told) -> str:
    if not isinstance(error, dict):
        return "it gave no answer"
    return printable(told(error)[: observer.LONGEST_MESSAGE])

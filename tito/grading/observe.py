"""Observing a module in another process, and comparing it with the reference."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tito.comparison import difference
from tito.course import Module
from tito.errors import TitoError
from tito.export import CodeCell, reference_cells
from tito import sandbox
from tito.grading import observer
from tito.grading.workspace import earlier_modules, workspace
from tito.observations import Observation, collect
from tito.source import read_source

START_UP = 30.0  # seconds that a process may take until its first line


@dataclass(frozen=True)
class Limits:
    """How long an observation may take, in seconds.

    Attributes
    ----------
    each : float
        For loading one cell, and for one observation.
    total : float
        For all of a submission.
    """

    each: float = 10.0
    total: float = 180.0


@dataclass(frozen=True)
class Result:
    """What one observation showed.

    Attributes
    ----------
    observation : Observation
        Which one.
    fault : str
        What was wrong, in one line; empty if it agreed with the reference.
    """

    observation: Observation
    fault: str

    @property
    def line(self) -> str:
        """The line that the student reads."""
        if not self.fault:
            return f"✓ {self.observation.title}"
        says = f" {self.observation.says}" if self.observation.says else ""
        return f"✗ {self.observation.title}: {self.fault}.{says}"


@dataclass
class Answers:
    """What a process answered.

    Attributes
    ----------
    cells : dict
        The cells that could not be loaded, and why.
    answers : dict
        For each observation's place in the program, its answer.
    faults : dict
        For each observation that gave no answer, why.
    """

    cells: dict[int, str] = field(default_factory=dict)
    answers: dict[int, object] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)


def ask(
    module: Module,
    cells: list[CodeCell],
    program: list,
    modules: dict[str, str],
    seed: int,
    limits: Limits,
) -> Answers:
    """Observe a module in a process of its own, or in several where one hangs or dies.

    Parameters
    ----------
    module : Module
        Which module it is.
    cells : list of CodeCell
        Its text.
    program : list of Observation or str
        From `tito.observations.collect`.
    modules : dict
        The modules it may import, from `earlier_modules`.
    seed : int
        Decides the random inputs.
    limits : Limits
        How long to wait.

    Returns
    -------
    Answers
        Data only; nothing that the process sent is run or unpickled.
    """
    steps = [step if isinstance(step, str) else _step(step, seed) for step in program]
    sent = [{"name": c.name, "source": c.source} if not c.error else None for c in cells]
    got = Answers(cells={n: c.error for n, c in enumerate(cells) if c.error})
    deadline = time.monotonic() + limits.total
    with workspace(modules) as folder:
        while True:
            todo = [s if isinstance(s, str) or _open(got, n) else None for n, s in enumerate(steps)]
            if not any(isinstance(step, dict) for step in todo):
                return got
            request = {
                "package": str(folder), "module": module.import_name, "seed": seed % 2**32,
                "cells": [None if n in got.cells else cell for n, cell in enumerate(sent)],
                "program": todo,
            }  # fmt: skip
            if time.monotonic() > deadline or not _one_process(
                request, got, folder, limits, deadline
            ):
                for n, step in enumerate(todo):
                    if isinstance(step, dict):
                        got.faults.setdefault(n, "there was no time left for it")


def _open(got: Answers, number: int) -> bool:
    return number not in got.answers and number not in got.faults


def _step(observation: Observation, seed: int) -> dict:
    inputs = {name: observer.encode(x) for name, x in observation.draw(seed).items()}
    return {
        "name": observation.name, "check": observation.check, "source": observation.source,
        "inputs": inputs,
    }  # fmt: skip


def _one_process(
    request: dict, got: Answers, folder: Path, limits: Limits, deadline: float
) -> bool:
    """Run one process as long as it answers in time; returns whether to try another."""
    process = sandbox.start_python(Path(observer.__file__), folder)
    lines: queue.Queue = queue.Queue()
    data = json.dumps(request).encode()
    for job in (lambda: _send(process, data), lambda: _receive(process, lines)):
        threading.Thread(target=job, daemon=True).start()
    busy_with, due = None, time.monotonic() + START_UP
    try:
        while True:
            try:
                line = lines.get(timeout=max(min(due, deadline) - time.monotonic(), 0.01))
            except queue.Empty:
                return _blame(got, busy_with, f"it took longer than {limits.each:g} seconds")
            if line is None:
                return _blame(got, busy_with, "it ended the Python process")
            if "done" in line:
                for n, step in enumerate(request["program"]):
                    if isinstance(step, dict) and _open(got, n):
                        got.faults[n] = "it gave no answer"
                return True
            step = _step_begun(line, request)
            if step:
                busy_with, due = step, time.monotonic() + limits.each
            _note(line, got, request)
            if time.monotonic() > min(due, deadline):
                return _blame(got, busy_with, f"it took longer than {limits.each:g} seconds")
    finally:
        sandbox.kill(process)


def _step_begun(line: dict, request: dict) -> tuple[str, int] | None:
    """What a process says it begins, if that is one of the things it was asked to do."""
    for kind, asked in (("loading", request["cells"]), ("observing", request["program"])):
        number = line.get(kind)
        if type(number) is int and 0 <= number < len(asked) and isinstance(asked[number], dict):
            return kind, number
    return None


def _send(process, data: bytes) -> None:
    try:
        process.stdin.write(data)
        process.stdin.close()
    except OSError:
        pass  # it died; the reader sees that


def _receive(process, lines: queue.Queue) -> None:
    """Pass on each line that is a dictionary; None at the end."""
    longest = 2 * observer.LARGEST_ANSWER
    try:
        while text := process.stdout.readline(longest):
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                lines.put(line)
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
    elif _open(got, number):
        got.faults[number] = reason
    return True


def _note(line: dict, got: Answers, request: dict) -> None:
    """Keep one line of a process; what is malformed counts as no answer."""
    number = line.get("cell", line.get("observation"))
    if type(number) is not int:
        return
    if "cell" in line:
        if line.get("error") and 0 <= number < len(request["cells"]):
            got.cells.setdefault(number, _message(line["error"], request))
    elif 0 <= number < len(request["program"]) and isinstance(request["program"][number], dict):
        if not _open(got, number):
            return
        if "answer" not in line:
            got.faults[number] = _message(line.get("error", "it gave no answer"), request)
            return
        try:
            got.answers[number] = observer.decode(line["answer"])
        except Exception:  # whatever a forged answer leads to
            got.faults[number] = "its answer was not data"


def _message(error, request: dict) -> str:
    """A student's error message, unless it quotes a hidden test."""
    text = str(error)[: observer.LONGEST_MESSAGE]
    squeezed = re.sub(r"\W", "", text)
    for step in request["program"]:
        source = step["source"] if isinstance(step, dict) else step
        for line in (source or "").splitlines()[1:]:
            quoted = re.sub(r"\W", "", line)
            if len(quoted) >= 12 and quoted in squeezed:
                return "an error"
    return text


def grade(
    module: Module, cells: list[CodeCell], seed: int, limits: Limits | None = None
) -> tuple[list[Result], dict[str, str]]:
    """Observe a module and the reference with the same inputs, and compare.

    Parameters
    ----------
    module : Module
        Which module it is.
    cells : list of CodeCell
        The text under test.
    seed : int
        Decides the random inputs; the same seed gives the same result.
    limits : Limits, optional
        How long to wait.

    Returns
    -------
    results : list of Result
        One for each observation.
    broken : dict
        For each cell that could not be loaded, by its name, why.

    Raises
    ------
    TitoError
        If the reference itself gives no answer: then the course is wrong, not the student.
    """
    program = collect(read_source(module))
    limits = limits or Limits()
    # All parsing is done here: before Python 3.12, ast.parse fails now and then in two threads.
    correct, modules = reference_cells(module), earlier_modules(module)
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(ask, module, cells, program, modules, seed, limits)
        ours = pool.submit(ask, module, correct, program, modules, seed, Limits(60, 600))
        got, reference = theirs.result(), ours.result()
    results = []
    for n, step in enumerate(program):
        if isinstance(step, str):
            continue
        if n not in reference.answers:
            raise TitoError(
                f"the reference of {module.folder} itself fails the observation {step.name!r}: "
                f"{reference.faults.get(n)}; {reference.cells or 'mend the source'}"
            )
        fault = got.faults.get(n) or _fault(got.answers.get(n), reference.answers[n])
        results.append(Result(step, fault))
    return results, {cells[n].name: why for n, why in got.cells.items()}


def _fault(answer, expected) -> str:
    try:
        found = difference(answer, expected)
    except Exception:  # whatever a strange answer leads to
        return "its answer could not be compared"
    return f"gave {found}" if found else ""

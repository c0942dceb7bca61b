"""Observing many variants of a module's reference, each with another text of one exercise."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tito import sandbox
from tito.judge import observer
from tito.judge.asking import (
    START_UP,
    Answers,
    Limits,
    ask,
    note_line,
    receive,
    send,
    sent,
    step_of,
)
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.judge.refusals import in_full
from tito.judge.workspace import library_of, temporary_folder
from tito.notebook.export import CodeCell
from tito.source.percent import Cell
from tito.source.reference import code_cells

PATIENCE = 2  # seconds of a processor for an observation of a variant among others
ALONE = Limits(each=3, total=12, hangs=1)  # for one that was too slow, or ended its process


class Variant(NamedTuple):
    """Another text of an exercise's cell."""

    exercise: str
    source: str


class Asked(NamedTuple):
    """The cells of a module, and what of its hidden tests is asked of them."""

    cells: list[CodeCell]
    program: list[Observation | str | None]


def changed_cells(pack: Pack, exercise: str, source: str) -> list[CodeCell]:
    """The reference with another text of one exercise's cell."""
    (cell,) = code_cells([Cell("exercise", source, exercise)])
    return [cell if c.name == exercise else c for c in pack.reference]


def program_of(pack: Pack, exercise: str) -> list[Observation | str | None]:
    """The hidden tests of a module, without the observations of all exercises but one."""
    return [s if isinstance(s, str) or s.exercise == exercise else None for s in pack.program]


def _asked(pack: Pack, variant: Variant) -> Asked:
    return Asked(changed_cells(pack, *variant), program_of(pack, variant.exercise))


def ask_alone(pack: Pack, variant: Variant, seed: int, limits: Limits = ALONE) -> Answers:
    """Observe a variant in a process of its own."""
    return _ask_alone(pack, _asked(pack, variant), seed, limits)


def _ask_alone(pack: Pack, asked: Asked, seed: int, limits: Limits) -> Answers:
    return ask(pack.import_name, *asked, pack.modules, seed, limits, pack.future)


def ask_variants(pack: Pack, variants: Sequence[Variant], seed: int) -> list[Answers]:
    """Observe variants of the course's own, which takes much less time than one by one.

    Parameters
    ----------
    pack : Pack
        The module.
    variants : sequence of Variant
        Made by the course's authors: one of them could change what another answers.
    seed : int
        Decides the random inputs.

    Returns
    -------
    list of Answers
        To the observations of each variant's exercise.
    """
    return ask_together(pack, [_asked(pack, variant) for variant in variants], seed)


def ask_together(
    pack: Pack, asked: Sequence[Asked], seed: int, limits: Limits = ALONE
) -> list[Answers]:
    """Observe some texts of a module which the course's authors wrote.

    Parameters
    ----------
    pack : Pack
        The module.
    asked : sequence of Asked
        The texts.
    seed : int
        Decides the random inputs.
    limits : Limits
        Those of one that is asked once more, alone.

    Returns
    -------
    list of Answers
        Of each.
    """
    jobs = min(os.cpu_count() or 1, len(asked)) or 1
    shares = [asked[n::jobs] for n in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda share: _ask_share(pack, share, seed, limits), shares))
    return [found[n % jobs][n // jobs] for n in range(len(asked))]


def _ask_share(pack: Pack, share: Sequence[Asked], seed: int, limits: Limits) -> list[Answers]:
    """Observe some in one process after another; again alone what had no time."""
    steps = [step_of(s, seed) if isinstance(s, Observation) else s for s in pack.program]
    requests = [_request(asked, steps) for asked in share]
    found = _one_process(pack, requests, seed, limits) if share else []
    return [
        answers if _is_complete(answers, request) else _ask_alone(pack, asked, seed, limits)
        for answers, request, asked in zip(found, requests, share, strict=True)
    ]


def _request(asked: Asked, steps: list) -> dict:
    program = [
        None if kept is None else step for step, kept in zip(steps, asked.program, strict=True)
    ]
    return {"cells": [sent(cell) for cell in asked.cells], "program": program}


def _is_complete(answers: Answers, request: dict) -> bool:
    asked = {n for n, step in enumerate(request["program"]) if isinstance(step, dict)}
    return asked <= answers.answers.keys() | answers.faults.keys()


def _one_process(pack: Pack, requests: list[dict], seed: int, limits: Limits) -> list[Answers]:
    """What a process says of each variant until it ends, or until there is no more time."""
    found = [Answers() for _ in requests]
    future = "".join(f"from __future__ import {name}\n" for name in pack.future)
    common = {"module": pack.import_name, "seed": seed % 2**32, "future": future}
    cells = [sent(cell) for cell in pack.reference]
    library = library_of(pack.modules)
    with temporary_folder() as folder:
        request = {
            "package": ".",
            **common,
            "cells": cells,
            "variants": requests,
            "patience": PATIENCE,
        }
        process = sandbox.start_python(Path(observer.__file__), folder, library=library.folder)
        lines: queue.Queue = queue.Queue()
        data, most = json.dumps(request).encode(), observer.LARGEST_ANSWER * 100
        for job in (lambda: send(process, data), lambda: receive(process, lines, most)):
            threading.Thread(target=job, daemon=True).start()
        try:
            _read(lines, requests, found, limits.total)
        finally:
            sandbox.kill(process)
    return found


def _read(lines: queue.Queue, requests: list[dict], found: list[Answers], each: float) -> None:
    due, now = time.monotonic() + START_UP + each * len(requests), 0
    while (left := due - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            return
        if line is None or "done" in line:
            return
        if "variant" in line:
            now = line["variant"]
        else:
            note_line(line, found[now], requests[now], in_full)

"""Trying changed solutions: which observations do they lose?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tito.comparison import difference
from tito.judge.asking import Limits, ask
from tito.judge.graft import reference_answers
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.notebook.export import CodeCell
from tito.source.percent import Cell
from tito.source.reference import code_cells

SEEDS = (1, 2)  # a mistake is to be found whatever the inputs
PATIENCE = Limits(each=3, total=12, hangs=1)


@dataclass(frozen=True)
class Trial:
    """What a changed exercise lost.

    Attributes
    ----------
    lost, kept : tuple of str
        The names of the exercise's own observations that failed and that agreed.
    """

    lost: tuple[str, ...]
    kept: tuple[str, ...]


def changed_cells(pack: Pack, exercise: str, source: str) -> list[CodeCell]:
    """The reference with another text of one exercise's cell."""
    (cell,) = code_cells([Cell("exercise", source, exercise)])
    return [cell if c.name == exercise else c for c in pack.reference]


def try_change(pack: Pack, exercise: str, source: str, seed: int) -> Trial:
    """Observe one exercise of the reference, changed."""
    cells = changed_cells(pack, exercise, source)
    program = [s if isinstance(s, str) or s.exercise == exercise else None for s in pack.program]
    expected = reference_answers(pack, seed)
    got = ask(pack.import_name, cells, program, pack.modules, seed, PATIENCE)
    own = {n: step.name for n, step in enumerate(program) if isinstance(step, Observation)}
    agreed = {n for n in own if n in got.answers and agrees(got.answers[n], expected[n])}
    return Trial(
        tuple(name for n, name in own.items() if n not in agreed),
        tuple(name for n, name in own.items() if n in agreed),
    )


def agrees(answer, expected) -> bool:
    """Whether an answer is the reference's."""
    try:
        return not difference(answer, expected)
    except Exception:  # whatever a strange answer leads to
        return False


def survives(pack: Pack, exercise: str, source: str) -> bool:
    """Whether a changed exercise keeps all its points with one of the seeds."""
    return any(not try_change(pack, exercise, source, seed).lost for seed in SEEDS)


def in_parallel(function: Callable, items: Iterable) -> Iterator:
    """Apply a function that waits for other processes, on all cores; results in order."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(function, items)


def answers_alike(pack: Pack, seeds: int = 6) -> list[Observation]:
    """The observations whose answer hardly depends on the inputs, and so could be made up."""
    answers = [reference_answers(pack, 100 + seed) for seed in range(seeds)]
    return [
        step
        for n, step in enumerate(pack.program)
        if isinstance(step, Observation) and _different([given[n] for given in answers]) < seeds - 1
    ]


def _different(answers: list) -> int:
    """How many of some answers the grader would tell apart."""
    kinds: list = []
    for answer in answers:
        if not any(agrees(answer, other) for other in kinds):
            kinds.append(answer)
    return len(kinds)

"""Trying changed solutions: which observations do they lose?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tito.comparison import difference
from tito.judge.asking import Answers
from tito.judge.behaviour import Behaviour, behaviour_of, observations_of, wrong_places
from tito.judge.graft import reference_answers
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.judge.variants import Variant, ask_variants

SEEDS = (1, 2)  # a mistake is to be found whatever the inputs


@dataclass(frozen=True)
class Trial:
    """What a changed exercise lost.

    Attributes
    ----------
    lost, kept : tuple of str
        The names of the exercise's own observations that failed and that agreed.
    behaviour : Behaviour or None
        What came in the place of what failed; None where that is not known of all.
    """

    lost: tuple[str, ...]
    kept: tuple[str, ...]
    behaviour: Behaviour | None


def try_changes(pack: Pack, variants: Sequence[Variant], seed: int) -> list[Trial]:
    """Observe the reference with one exercise changed, for each of some changes."""
    expected, found = reference_answers(pack, seed), ask_variants(pack, variants, seed)
    return [
        _trial(pack, variant.exercise, got, expected)
        for variant, got in zip(variants, found, strict=True)
    ]


def _trial(pack: Pack, exercise: str, got: Answers, expected: dict[int, object]) -> Trial:
    wrong = wrong_places(pack, exercise, got, expected)
    own = observations_of(pack, exercise)
    lost = {pack.program[n].name for n in wrong}
    return Trial(
        tuple(name for name in own if name in lost),
        tuple(name for name in own if name not in lost),
        behaviour_of(pack, wrong, got),
    )


def try_change(pack: Pack, exercise: str, source: str, seed: int) -> Trial:
    """Observe one exercise of the reference, changed."""
    (trial,) = try_changes(pack, [Variant(exercise, source)], seed)
    return trial


def agrees(answer, expected) -> bool:
    """Whether an answer is the reference's."""
    try:
        return not difference(answer, expected)
    except Exception:  # whatever a strange answer leads to
        return False


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

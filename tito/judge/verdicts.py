"""Comparing what a student's module does with what the reference does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from tito.comparison import difference
from tito.judge.asking import Answers, Limits, ask
from tito.judge.behaviour import Behaviour, behaviour_of
from tito.judge.graft import Needs, graft, reference_answers
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.judge.refusals import without_texts
from tito.notebook.export import CodeCell


@dataclass(frozen=True)
class Result:
    """What one observation showed.

    Attributes
    ----------
    observation : Observation
        Which one.
    fault : str
        What was wrong, in one line; empty if it agreed with the reference.
    grafted : bool
        Whether it agreed only with the other exercises taken from the reference.
    """

    observation: Observation
    fault: str
    grafted: bool = False

    @property
    def line(self) -> str:
        """The line that the student reads."""
        if not self.fault:
            return f"✓ {self.observation.title}"
        says = f" {self.observation.says}" if self.observation.says else ""
        return f"✗ {self.observation.title}: {self.fault}.{says}"


class Verdict(NamedTuple):
    """What grading a module showed.

    Attributes
    ----------
    results : list of Result
        One for each observation.
    broken : dict
        For each cell that could not be loaded, by its name, why.
    said : dict
        The same with whole messages, for the instructor.
    strays : int
        How many lines its process forged.
    late : bool
        Whether there was no time left for all observations.
    late_grafts : tuple of str
        The exercises for whose grafts there was no time left.
    behaviours : dict
        For each exercise that fails and was begun, how it behaves beside the reference's others;
        None where that is not known.
    """

    results: list[Result]
    broken: dict[str, str]
    said: dict[str, str]
    strays: int
    late: bool = False
    late_grafts: tuple[str, ...] = ()
    behaviours: Mapping[str, Behaviour | None] = MappingProxyType({})


def grade(
    pack: Pack,
    needs: Needs,
    cells: list[CodeCell],
    seed: int,
    limits: Limits | None = None,
    parallel: int = 2,
) -> Verdict:
    """Observe a module and the reference with the same inputs, and compare.

    What fails is observed once more on a graft, so that it costs nothing if the fault lies in
    another exercise; the better result counts. Where no other exercise that it needs fails, nor
    anything else differs from the release, the fault lies in itself, and there is no need to.

    Parameters
    ----------
    pack : Pack
        The module.
    needs : dict
        From `tito.judge.graft.needs_of`.
    cells : list of CodeCell
        The text under test.
    seed : int
        Decides the random inputs; the same seed gives the same result.
    limits : Limits, optional
        How long to wait.
    parallel : int
        How many processes may observe at once.

    Returns
    -------
    Verdict
        The results, and what else there is to say.

    Raises
    ------
    TitoError
        If the reference itself gives no answer: then the course is wrong, not the student.
    """
    limits = limits or Limits()
    with ThreadPoolExecutor(parallel) as pool:
        ours = pool.submit(reference_answers, pack, seed)
        whole = pool.submit(_ask, pack, cells, pack.program, seed, limits)
        expected, got = ours.result(), whole.result()
        results = _compare(pack, got, expected)
        failing = [name for name in pack.exercises if _failing(results, name)]
        in_order = _is_in_order(pack, cells, got)
        tried = [
            name
            for name in failing
            if _may_be_right(pack, cells, name)
            and not (in_order and set(failing).isdisjoint(needs[name]))
        ]
        deadline = time.monotonic() + limits.grafts
        grafts = pool.map(
            lambda name: _ask(
                pack,
                graft(pack, cells, name, needs[name]),
                _only(pack, results, name),
                seed,
                limits,
                deadline,
            ),
            tried,
        )
        grafted = dict(zip(tried, list(grafts), strict=True))
    for answers in grafted.values():
        _improve(results, answers, expected)
    late = [name for name, answers in grafted.items() if answers.late]
    behaviours = {
        name: behaviour_of(pack, _failing(results, name), grafted.get(name, got))
        for name in failing
        if _may_be_right(pack, cells, name) and _failing(results, name)
    }
    broken = {cells[n].name: why for n, why in got.cells.items()}
    said = broken | {cells[n].name: text for n, text in got.said.items()}
    return Verdict(
        list(results.values()), broken, said, got.strays, got.late, tuple(late), behaviours
    )


def _ask(
    pack: Pack,
    cells: list[CodeCell],
    program: list,
    seed: int,
    limits: Limits,
    deadline: float | None = None,
) -> Answers:
    """Observe what a student wrote."""
    return ask(
        pack.import_name,
        cells,
        program,
        pack.modules,
        seed,
        limits,
        pack.future if deadline else (),
        pack.refusals.told,
        deadline,
    )


def _compare(pack: Pack, got: Answers, expected: dict[int, object]) -> dict[int, Result]:
    """The result of each observation, by its place in the program."""
    return {
        n: Result(step, got.faults.get(n) or _fault(step, got.answers.get(n), expected[n]))
        for n, step in enumerate(pack.program)
        if isinstance(step, Observation)
    }


def _fault(observation: Observation, answer, expected) -> str:
    try:
        found = observation.fault_of(answer, expected)
        if not found or not difference(answer, expected):
            return found
        shown = difference(without_texts(answer, expected), expected)
        return f"gave {shown or 'something else'}"
    except Exception:  # whatever a strange answer leads to
        return "its answer could not be compared"


def _failing(results: dict[int, Result], exercise: str) -> list[int]:
    """The places in the program of an exercise's observations that failed."""
    return [n for n, r in results.items() if r.fault and r.observation.exercise == exercise]


def _is_in_order(pack: Pack, cells: list[CodeCell], got: Answers) -> bool:
    """Whether nothing but the exercises' functions can be at fault."""
    return not (got.cells or got.hangs or got.strays or got.killed) and pack.has_the_form(cells)


def _may_be_right(pack: Pack, cells: list[CodeCell], exercise: str) -> bool:
    """Whether an exercise has a solution that a graft could show to be right."""
    own = [cell for cell in cells if cell.name == exercise and not cell.error]
    return bool(own) and not pack.is_blank(own[0])


def _only(pack: Pack, results: dict[int, Result], exercise: str) -> list[Observation | str | None]:
    """The program with those observations of one exercise that failed, and no others."""
    return [
        step if isinstance(step, str) or _asked_again(results[n], exercise) else None
        for n, step in enumerate(pack.program)
    ]


def _asked_again(result: Result, exercise: str) -> bool:
    return bool(result.fault) and result.observation.exercise == exercise


def _improve(results: dict[int, Result], answers: Answers, expected: dict[int, object]) -> None:
    """Count what a graft got right; of what it got wrong, nothing is told."""
    for n, answer in answers.answers.items():
        if not _fault(results[n].observation, answer, expected[n]):
            results[n] = replace(results[n], fault="", grafted=True)

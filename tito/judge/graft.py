"""Grafts: one exercise of a student's among the reference's others.

So a mistake costs its own points and no others. A graft has the reference's given cells and those
of its exercises that the observations of the exercise under test need; the other exercises are
the student's own where the solution under test uses them, and blank where it does not, so that
nothing can be solved by calling the reference's solution of something else. The reference's cells
go along compiled, without text and docstrings.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from functools import lru_cache

from tito.course import Module
from tito.errors import TitoError
from tito.judge.asking import Limits, ask
from tito.judge.lending import lent_exercises, lent_statements, reference_names
from tito.judge.observations import Observation
from tito.judge.outlines import compiled, without_docstrings
from tito.judge.pack import Pack
from tito.judge.remembered import remembered
from tito.judge.variants import Asked, ask_together
from tito.notebook.export import CodeCell
from tito.source.kept import kept
from tito.syntax import parse

Needs = dict[str, list[str]]


def graft(
    pack: Pack, cells: list[CodeCell], exercise: str, needed: Iterable[str]
) -> list[CodeCell]:
    """The cells of a graft.

    Parameters
    ----------
    pack : Pack
        The module.
    cells : list of CodeCell
        A student's cells; of these, the exercise's own, those that are neither an exercise nor
        given to everybody, and what these use of the others go into the graft.
    exercise : str
        The exercise under test; its reference does not go in.
    needed : iterable of str
        The other exercises that its observations need.

    Returns
    -------
    list of CodeCell
        The student's as text, the reference's compiled.
    """
    others = set(needed)
    theirs = [c for c in cells if c.name == exercise or is_extra(pack, c)]
    lent = lent_exercises(pack, cells, theirs, {exercise, *others})
    replaced = [c for c in cells if not c.error and c not in theirs and c.name not in lent]
    helpers = lent_statements(replaced, [*theirs, *lent.values()], reference_names(pack))
    grafted = []
    for cell in pack.reference:
        if cell.name == exercise:
            grafted += [*helpers, *theirs]
        elif cell.exercise and cell.name not in others:
            blank = pack.blank[cell.name]
            grafted.append(lent.get(cell.name) or _compiled(blank, pack.future))
        else:
            grafted.append(_compiled(cell, pack.future))
    return grafted


def is_extra(pack: Pack, cell: CodeCell) -> bool:
    """Whether a cell is a student's own addition; given cells that were changed are none."""
    return not (cell.exercise or cell.error or pack.is_given(cell))


@lru_cache(maxsize=2048)
def _compiled(cell: CodeCell, future: tuple[str, ...]) -> CodeCell:
    """A cell of the reference without its text."""
    code = compiled(without_docstrings(parse(cell.source)), "reference", future)
    return CodeCell(cell.name, "", code=marshal.dumps(code))


@lru_cache(maxsize=8)
def needs(pack: Pack) -> Needs:
    """Which other exercises the observations of each exercise need.

    Parameters
    ----------
    pack : Pack
        The module.

    Returns
    -------
    dict
        For each exercise, those others without which the reference fails one of its observations;
        where these do not suffice, all of them.
    """
    without = _failing(pack, [leave_out(pack, name) for name in pack.exercises])
    found = {
        name: [
            other
            for other, failing in zip(pack.exercises, without, strict=True)
            if other != name and name in failing
        ]
        for name in pack.exercises
    }
    grafts = [
        graft(pack, [cell for cell in pack.reference if cell.name == name], name, found[name])
        for name in pack.exercises
    ]
    failing = _failing(pack, grafts)
    everything = [cell.name for cell in pack.reference if cell.exercise]
    for name, still in zip(pack.exercises, failing, strict=True):
        if name in still:
            found[name] = [other for other in everything if other != name]
    return found


def leave_out(pack: Pack, name: str) -> list[CodeCell]:
    """The reference with one exercise as it is released."""
    return [pack.blank[name] if cell.name == name else cell for cell in pack.reference]


def _failing(pack: Pack, texts: list[list[CodeCell]]) -> list[set[str]]:
    """Of each text, the exercises of which an observation does not agree with the reference's."""
    expected, asked = reference_answers(pack, 0), [Asked(cells, pack.program) for cells in texts]
    return [
        {
            step.exercise
            for n, step in enumerate(pack.program)
            if isinstance(step, Observation)
            and (n not in got.answers or step.fault_of(got.answers[n], expected[n]))
        }
        for got in ask_together(pack, asked, 0, Limits(3, 60))
    ]


@remembered(32)
def reference_answers(pack: Pack, seed: int) -> dict[int, object]:
    """What the reference answers, by the place of each observation in the program.

    Raises
    ------
    TitoError
        If it gives no answer to one: then the course is wrong, not the student.
    """
    got = ask(pack.import_name, pack.reference, pack.program, pack.modules, seed, Limits(60, 600))
    for n, step in enumerate(pack.program):
        if isinstance(step, Observation) and n not in got.answers:
            raise TitoError(
                f"the reference of {pack.folder} itself fails the observation {step.name!r}: "
                f"{got.faults.get(n)}; {got.cells or 'mend the source'}"
            )
    return got.answers


def needs_of(module: Module, pack: Pack) -> Needs:
    """The needs of a module, worked out once for each state of its sources."""
    path = module.root / ".tito" / f"needs-{pack.folder}.json"
    return kept(path, pack.digest, lambda: needs(pack))

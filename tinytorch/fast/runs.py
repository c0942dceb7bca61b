"""Runs: the steps of a program that can be one call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinytorch.fast.operations import SELECT, Operation, operation
from tinytorch.fast.products import product
from tinytorch.fast.reductions import Reduction, reduction
from tinytorch.fast.simplifying import shows_all
from tinytorch.support.calls import METHODS
from tinytorch.support.programs import Kind, Program, Step, used

FEWEST = 2  # steps that one call of the C function is worth
HARMLESS: set[Any] = {METHODS["item"], float}


class Views:
    """The values that show all of an array in another shape, or with its axes turned.

    They begin where it does, so that their kinds tell all of them, and nobody needs to make them.

    Attributes
    ----------
    steps : dict of Step
        By such a value: what makes it. Of those through which nobody writes.
    arrays : dict of int
        By the same: the array.
    """

    def __init__(self, program: Program):
        self.steps: dict[int, Step] = {}
        self.arrays: dict[int | None, int] = {}
        changed = {n for step in program.steps for n in step.writes}
        for step in program.steps:
            out = step.out
            if out is None or out in changed or not shows_all(step, program.groups):
                continue
            (n,) = map(self.array, used(step))
            if program.kinds[n].type is program.kinds[out].type is np.ndarray:
                self.steps[out], self.arrays[out] = step, n

    def array(self, n: Any) -> Any:
        """The array that a value shows; itself, if it is none of these."""
        return self.arrays.get(n, n)

    def made_for(self, step: Step) -> list[Step]:
        """What makes the views that a step uses, in order."""
        found: list[Step] = []
        for n in used(step):
            if n in self.steps:
                found += [*self.made_for(self.steps[n]), self.steps[n]]
        return found


@dataclass
class Run:
    """Steps that follow one another.

    Attributes
    ----------
    views : Views
        Those of the program.
    operations : list of Operation
        What is computed; it reads arrays where they are, and not views of them.
    steps : list of Step
        The same as it was written, and what makes views of its results.
    shown : set of int
        These views.
    later : list of Step
        What only takes a number from a result, and is put off until the run has ended.
    """

    views: Views
    operations: list[Operation] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    shown: set[int | None] = field(default_factory=set)
    later: list[Step] = field(default_factory=list)
    put_off: set[int | None] = field(default_factory=set)  # what these give
    made: set[int] = field(default_factory=set)  # values that it makes
    reads: dict[int, set[int]] = field(default_factory=dict)  # by group: the values that are read
    writes: dict[int, set[int]] = field(default_factory=dict)  # and those that are changed

    def takes(self, found: Operation, groups: list[int]) -> bool:
        """Whether an operation may be one of the run: memory that is changed has one name in it."""
        names = {self.views.array(x.value) for x in found.operands if x.value is not None}
        changed = found.step.writes
        if names & self.put_off:
            return False
        for n in names:
            if groups[n] in self.writes and self.writes[groups[n]] != {n}:
                return False
        for n in changed:
            others = self.reads.get(groups[n], set()) | self.writes.get(groups[n], set())
            others |= {m for m in names if groups[m] == groups[n]}
            if others - {n}:
                return False
        return True

    def add(self, found: Operation, groups: list[int]) -> None:
        """Make an operation the last one of the run."""
        self.steps.append(found.step)
        if any(x.value in self.views.arrays for x in found.operands):
            read = [replace(x, value=self.views.array(x.value)) for x in found.operands]
            found = replace(found, operands=read)
        self.operations.append(found)
        for x in found.operands:
            if x.value is not None:
                self.reads.setdefault(groups[x.value], set()).add(x.value)
        for n in found.step.writes:
            self.writes.setdefault(groups[n], set()).add(n)
        if found.step.out is not None:
            self.made.add(found.step.out)

    def operands(self) -> set[int]:
        """The values that are read."""
        read = [x.value for this in self.operations for x in this.operands]
        return {n for n in read if n is not None}

    def shows(self, step: Step) -> bool:
        """Whether a step makes a view of a result; then it is noted."""
        if step.out not in self.views.arrays or self.views.arrays[step.out] not in self.made:
            return False
        self.shown.add(step.out)
        self.steps.append(step)
        return True

    def puts_off(self, step: Step) -> bool:
        """Whether a step can wait until the run has ended; then it is noted."""
        if step.function not in HARMLESS or step.writes or not set(used(step)) <= self.made:
            return False
        self.later.append(step)
        self.put_off.add(step.out)
        return True

    def comes_after(self, step: Step, groups: list[int]) -> bool:
        """Whether a step that followed the run may as well go before it."""
        names = set(used(step))
        if names & self.made or names & self.shown or names & self.put_off:
            return False
        if step.out in self.views.steps:
            return True
        touched = {groups[n] for n in names} | {groups[n] for n in step.writes}
        changed = {groups[n] for n in step.writes}
        return not touched & self.writes.keys() and not changed & self.reads.keys()

    def step_by_step(self) -> list[Step]:
        """Its steps, each after those that make the views that it uses."""
        found: dict[int, Step] = {}
        for step in self.steps:
            for this in (*self.views.made_for(step), step):
                found.setdefault(id(this), this)
        return list(found.values())


def in_runs(program: Program, views: Views) -> list[Step | Run]:
    """The steps of a program, with runs instead of steps that C can do."""
    found: list[Step | Run] = []
    groups = program.groups
    run = Run(views)
    for step in program.steps:
        if run.shows(step) or run.puts_off(step):
            continue
        this = found_in(step, program.kinds)
        if this is not None and step.writes and not Run(views).takes(this, groups):
            this = None  # it changes memory that it also reads under another name
        if this is not None and run.takes(this, groups):
            run.add(this, groups)
        elif this is None and run.comes_after(step, groups):
            found.append(step)
        else:
            found += ended(run)
            run = Run(views)
            if this is None:
                found.append(step)
            else:
                run.add(this, groups)
    return found + ended(run)


def found_in(step: Step, kinds: list[Kind]) -> Operation | None:
    """What a step computes, if a run can."""
    return operation(step, kinds) or reduction(step, kinds) or product(step, kinds)


def ended(run: Run) -> list:
    """A run that has come to its end; the steps themselves if there are only a few."""
    longer = [this.step.function is SELECT or type(this) is Reduction for this in run.operations]
    calls = [1 + more for more in longer]  # of numpy
    if sum(calls) < FEWEST:
        return [*run.steps, *run.later]
    return [run, *[step for step in run.steps if step.out in run.shown], *run.later]

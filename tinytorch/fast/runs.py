"""Runs: the elementwise steps of a program that can be one call."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinytorch.fast.operations import SELECT, Operation, operation
from tinytorch.fast.reductions import Reduction, reduction
from tinytorch.support.programs import Program, Step, used

FEWEST = 2  # steps that one call of the C function is worth


@dataclass
class Run:
    """Elementwise steps that follow one another."""

    operations: list[Operation] = field(default_factory=list)
    made: set[int] = field(default_factory=set)  # values that it makes
    reads: dict[int, set[int]] = field(default_factory=dict)  # by group: the values that are read
    writes: dict[int, set[int]] = field(default_factory=dict)  # and those that are changed

    def takes(self, found: Operation, groups: list[int]) -> bool:
        """Whether an operation may be one of the run: memory that is changed has one name in it."""
        names = {x.value for x in found.operands if x.value is not None}
        changed = found.step.writes
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
        self.operations.append(found)
        for x in found.operands:
            if x.value is not None:
                self.reads.setdefault(groups[x.value], set()).add(x.value)
        for n in found.step.writes:
            self.writes.setdefault(groups[n], set()).add(n)
        if found.step.out is not None:
            self.made.add(found.step.out)

    def comes_after(self, step: Step, groups: list[int]) -> bool:
        """Whether a step that followed the run may as well go before it."""
        names = set(used(step))
        if names & self.made:
            return False
        touched = {groups[n] for n in names} | {groups[n] for n in step.writes}
        changed = {groups[n] for n in step.writes}
        return not touched & self.writes.keys() and not changed & self.reads.keys()


def in_runs(program: Program) -> list[Step | Run]:
    """The steps of a program, with runs instead of elementwise steps."""
    found: list[Step | Run] = []
    run, groups = Run(), program.groups
    for step in program.steps:
        this = operation(step, program.kinds) or reduction(step, program.kinds)
        if this is not None and step.writes and not Run().takes(this, groups):
            this = None  # it changes memory that it also reads under another name
        if this is not None and run.takes(this, groups):
            run.add(this, groups)
        elif this is None and run.comes_after(step, groups):
            found.append(step)
        else:
            found += ended(run)
            run = Run()
            if this is None:
                found.append(step)
            else:
                run.add(this, groups)
    return found + ended(run)


def ended(run: Run) -> list:
    """A run that has come to its end; the steps themselves if there are only a few."""
    longer = [this.step.function is SELECT or type(this) is Reduction for this in run.operations]
    calls = [1 + more for more in longer]  # of numpy
    if sum(calls) < FEWEST:
        return [this.step for this in run.operations]
    return [run]

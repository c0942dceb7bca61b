"""A program in which runs of elementwise steps have become single steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytorch.fast.alignment import Memory, aligned_bytes
from tinytorch.fast.joining import Functions, JoinedTable
from tinytorch.fast.lines import with_cheap_calls
from tinytorch.fast.results import can_be_looped, with_copied_results
from tinytorch.fast.runs import Run, Views, in_runs
from tinytorch.fast.simplifying import simplified
from tinytorch.fast.tables import Looped, Table
from tinytorch.fast.views import written
from tinytorch.support.calls import METHODS, getitem
from tinytorch.support.programs import Program, Ref, Step, refs, used
from tinytorch.support.writing import empty


class Rewriting:
    """What is known while a program is rewritten.

    Attributes
    ----------
    steps : list of Step
        Of the new program.
    arrays : dict of ndarray
        By name: the memory of values that keep the same one in every call.
    functions : Functions or None
        Those of C that stand for several steps each, if it is for such.
    """

    def __init__(self, program: Program, joining: bool = False):
        self.functions = Functions() if joining else None
        self.program = program
        self.steps: list[Step] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.kept: dict[int, np.ndarray] = {}
        self.looped: list[Looped] = []
        self.memory = Memory()
        self.outputs = {ref.number for ref in refs(program.outputs)}
        views = Views(program)
        self.items = without_unused_views(in_runs(program, views), views, self.outputs)
        self.going_out = {program.groups[n] for n in self.outputs}
        self.readers, self.ends = readers(self.items, program.groups)
        self.plain = plain_uses(self.items) | self.outputs
        self.ending: dict[int, list[np.ndarray]] = {}

    def write(self) -> None:
        """Make the new steps."""
        for place, item in enumerate(self.items):
            if isinstance(item, Run):
                self.add(place, item)
            else:
                self.steps.append(item)
            for memory in self.ending.pop(place, ()):
                self.memory.give_back(memory)
        size = max([x.table.scratch_size for x in self.looped], default=0)
        scratch = aligned_bytes(size)
        if self.functions is not None:
            self.functions.load()
        for looped in self.looped:
            looped.finish(scratch)
        kept = [scratch, *self.memory.arrays]
        self.arrays |= {f"memory_{i}": x for i, x in enumerate(kept)}

    def add(self, place: int, run: Run) -> None:
        """Make a step of a run, with what must come before and after it."""
        fresh, after = [], []
        for n in run.made:
            if self.readers[n] <= {place} and n not in self.outputs:
                continue
            if self.is_array(n) and self.program.groups[n] in self.going_out:
                self.steps.append(fresh_step(n, self.program.kinds[n]))
                fresh.append(n)
            elif self.is_array(n):
                self.keep(n, place)
            else:
                self.kept[n] = np.empty((), self.dtype(n))
                after += [taken_step(n, self.kept[n], self.program.kinds[n])] * (n in self.plain)
        self.steps.append(self.step_of(run, fresh))
        self.steps += after

    def is_array(self, n: int) -> bool:
        """Whether a value is an array, and no single number."""
        return self.program.kinds[n].type is np.ndarray

    def dtype(self, n: int) -> np.dtype:
        """The dtype of a value, also of a number of Python's."""
        dtype = self.program.kinds[n].dtype
        return np.dtype(float if dtype is None else dtype)

    def keep(self, n: int, place: int) -> None:
        """Give a value memory that it has in every call."""
        array, memory = self.memory.take(self.program.kinds[n])
        self.kept[n] = self.arrays[f"v{n}"] = array
        end = self.ends[self.program.groups[n]]
        self.ending.setdefault(end, []).append(memory)

    def step_of(self, run: Run, fresh: list[int]) -> Step:
        """The step that calls a run."""
        inside = run.made - set(fresh)
        changed = {n for this in run.operations for n in this.step.writes}
        touched = [x.value for this in run.operations for x in this.operands]
        needed = [n for n in dict.fromkeys([*touched, *changed]) if n is not None]
        needed = [n for n in needed if n not in inside and n not in self.kept and n not in fresh]
        arrays = [*[n for n in needed if self.is_array(n)], *fresh]
        numbers = [n for n in needed if not self.is_array(n)]
        cells = cells_for(run, numbers, self.program)
        given = {n: i for i, n in enumerate(arrays)}
        known = run.operations, given, self.kept | cells, changed | set(fresh), self.memory
        f = self.functions
        table = Table(*known) if f is None else JoinedTable(f, *known)
        looped = Looped(f"run_{len(self.looped) + 1}", run, table, arrays + numbers)
        looped.numbers = [(cells[n], len(arrays) + i) for i, n in enumerate(numbers)]
        looped.weak = {n for n in self.kept if self.program.kinds[n].type is float}
        self.looped.append(looped)
        writes = [*fresh, *sorted(changed - inside), *sorted(inside & self.kept.keys())]
        return Step(looped, tuple(Ref(n) for n in arrays + numbers), {}, writes)


def cells_for(run: Run, numbers: list[int], program: Program) -> dict[int, np.ndarray]:
    """Memory for the numbers that a run is given, with the type that its loops want."""
    letters = {
        x.value: x.old for this in run.operations for x in this.operands if x.value in numbers
    }
    return {n: np.empty((), letters[n]) for n in numbers}


def fresh_step(n: int, kind) -> Step:
    """A step that makes a new array for a value."""
    if kind.strides == np.empty(kind.shape, kind.dtype).strides:
        return Step(np.empty, (kind.shape, kind.dtype), {}, (), "", n)
    return Step(empty, (kind,), {}, (), "", n)


def taken_step(n: int, cell: np.ndarray, kind) -> Step:
    """A step that takes a number from where a run has put it."""
    if kind.type is float:
        return Step(METHODS["item"], (cell,), {}, (), "", n)
    return Step(getitem, (cell, ()), {}, (), "", n)


def readers(items: list, groups: list[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    """By value: the places that have to do with it; by group: the last one of them."""
    found: dict[int, set[int]] = {}
    ends: dict[int, int] = {}
    for place, item in enumerate(items):
        steps = [this.step for this in item.operations] if isinstance(item, Run) else [item]
        read = item.operands() if isinstance(item, Run) else used(item)
        for n in (*read, *[n for step in steps for n in targets(step)]):
            found.setdefault(n, set()).add(place)
            ends[groups[n]] = place
    return found, ends


def targets(step: Step) -> list[int]:
    """The values that a step makes or changes."""
    return [*step.writes, *([] if step.out is None else [step.out])]


def without_unused_views(items: list, views: Views, outputs: set[int]) -> list:
    """The same items without steps that make views that only runs read, where the arrays are."""
    needed, found = set(outputs), []
    for item in reversed(items):
        if isinstance(item, Run):
            needed |= item.operands()
        elif item.out in views.steps and item.out not in needed:
            continue
        else:
            needed.update(used(item))
        found.append(item)
    return found[::-1]


def plain_uses(items: list) -> set[int]:
    """The values that steps use which are in no run."""
    return {n for item in items if isinstance(item, Step) for n in used(item)}


def rewritten(program: Program, lesson, backend: str = "loops") -> tuple[str, dict, dict] | None:
    """The text of a program with runs as single steps, what its names are, and its memory.

    Parameters
    ----------
    program : Program
    lesson : module
        What writes a program, and takes out the steps that are there twice: that of `compile`.
    backend : {"loops", "c"}
        Whether steps that follow one another are also joined in functions of C.

    Returns
    -------
    tuple or None
        None if there are no runs in it.
    """
    program = with_copied_results(simplified(program, lesson.without_common), can_be_looped)
    found = Rewriting(program, joining=backend == "c")
    found.write()
    if not found.looped:
        return None
    program = with_cheap_calls(replace(program, steps=found.steps))
    text, space, memory = written(program, lesson, found.arrays)
    return with_kept_names(text, found), space, memory


def with_kept_names(text: str, found: Rewriting) -> str:
    """A text in which ``v1 -= v2`` may change memory that is kept: a name of its own has none."""
    changed = {n for step in found.steps if type(step.function) is not Looped for n in step.writes}
    names = sorted({f"v{n}" for n in changed} & found.arrays.keys())
    head, _, body = text.partition("\n")
    return f"{head}\n    global {', '.join(names)}\n{body}" if names else text

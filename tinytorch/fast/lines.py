"""Lines of numpy, and what is between runs, by cheaper calls with the same bits."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from tinytorch.fast.cells import Constants, with_arrays, with_cells
from tinytorch.fast.operations import is_square
from tinytorch.fast.results import can_be_cut, with_copied_results
from tinytorch.fast.simplifying import simplified
from tinytorch.fast.ufuncs import OPERATORS
from tinytorch.fast.views import written
from tinytorch.support.calls import METHODS
from tinytorch.support.programs import Program, Ref, Step, used
from tinytorch.support.runs import count_uses
from tinytorch.support.writing import copied

COUNTING = {operator.add, operator.sub, operator.mul}
REDUCING: dict[Any, Any] = {METHODS["sum"]: np.add.reduce, METHODS["max"]: np.maximum.reduce}
TOLD = {"axis", "dtype", "keepdims", "initial"}  # to one of these
PYTHONS: list[tuple[type, type]] = [(np.integer, int), (np.floating, float), (np.bool_, bool)]


def as_lines(program: Program, lesson) -> tuple[str, dict, dict]:
    """The text of a program of fewer steps, what its names are, and its memory.

    Parameters
    ----------
    program : Program
    lesson : module
        What writes programs: that of `compile`.
    """
    program = simplified(program, lesson.without_common)
    program = with_copied_results(program, can_be_cut, copied)
    program = lesson.with_python_numbers(program)
    program, cells = with_cells(with_cheap_calls(program))
    return written(with_terms(lesson.in_pieces(program, lesson.Run)), lesson, cells)


def with_terms(program: Program) -> Program:
    """The same program, in which a product that only one sum needs is written inside of it.

    Of Python's numbers only: they need no names then, and are free at once. Any of the three
    operations may stand inside any, with the same bits, since each is done as before.
    """
    if not any(counts(step, program) for step in program.steps):
        return program
    uses = count_uses(program)
    terms: dict[int, Step] = {}  # by their results, which one step needs
    inside: set[int] = set()
    steps = []
    for step in program.steps:
        if counts(step, program):
            found = {n: terms[n] for n in used(step) if n in terms}
            if found:
                inside |= found.keys()
                inputs = [found.get(x.number, x) if type(x) is Ref else x for x in step.inputs]
                step = replace(step, inputs=tuple(inputs))
            elif step.out is not None and uses[step.out] == 1:
                terms[step.out] = step
        steps.append(step)
    return replace(program, steps=[step for step in steps if step.out not in inside])


def counts(step: Step, program: Program) -> bool:
    """Whether a step is a sum, a difference or a product of Python's numbers."""
    if step.function not in COUNTING or step.out is None:
        return False
    kinds = [program.kinds[n].type for n in (*used(step), step.out)]
    plain = all(type(x) in (Ref, float) for x in step.inputs)
    return plain and all(kind is float for kind in kinds)


def with_cheap_calls(program: Program) -> Program:
    """The same program with numbers as numpy and Python take them at once."""
    constants = Constants()
    steps = [as_ufunc(as_number(step, program), program) for step in map(as_method, program.steps)]
    steps = [with_arrays(as_reduction(step, program), program, constants) for step in steps]
    return replace(program, steps=steps)


def as_method(step: Step) -> Step:
    """A step that turns axes as the method that takes them one by one, which is quickest."""
    axes = (*step.inputs[1:], *step.settings.values())
    turns = step.function in (np.transpose, METHODS["transpose"]) and len(axes) == 1
    if not turns or type(axes[0]) not in (tuple, list) or type(step.inputs[0]) is not Ref:
        return step
    inputs = (step.inputs[0], *axes[0])
    return replace(step, function=METHODS["transpose"], inputs=inputs, settings={})


def as_reduction(step: Step, program: Program) -> Step:
    """A sum or a maximum of an array by the function that its method calls, in Python."""
    reduce = REDUCING.get(step.function)
    (x, *more), known = step.inputs or (None,), step.settings
    if reduce is None or more or type(x) is not Ref or known.keys() - TOLD:
        return step
    if program.kinds[x.number].type is not np.ndarray:
        return step
    told = known.get("axis"), known.get("dtype"), None, known.get("keepdims", False)
    initial = {"initial": known["initial"]} if "initial" in known else {}
    return replace(step, function=reduce, inputs=(x, *told), settings=initial)


def as_number(step: Step, program: Program) -> Step:
    """A step that makes a Python number of one of numpy's without an array in between."""
    if step.function is not METHODS["item"] or len(step.inputs) != 1:
        return step
    (x,) = step.inputs
    if type(x) is not Ref or step.out is None:
        return step
    old, new = program.kinds[x.number].type, program.kinds[step.out].type
    fits = any(issubclass(old, kind) and new is python for kind, python in PYTHONS)
    return replace(step, function=new) if fits and issubclass(old, np.generic) else step


def as_ufunc(step: Step, program: Program) -> Step:
    """A square, or an operator of arrays, as the function that numpy calls: it takes a buffer."""
    if step.out is None or program.kinds[step.out].type is not np.ndarray:
        return step
    if is_square(step, program.kinds):
        return replace(step, function=np.square, inputs=step.inputs[:1])
    ufunc = OPERATORS.get(step.function)
    return step if ufunc is None else replace(step, function=ufunc)

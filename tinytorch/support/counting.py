"""What a program needs to count with Python's numbers beside numpy's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinytorch.support.calls import METHODS
from tinytorch.support.programs import Kind, Program, Ref, Step, filled

PYTHONS: dict[Any, Callable] = {  # those of numpy's functions that give the same bits in Python
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.negative: operator.neg,
}
PYTHONS |= {function: function for function in PYTHONS.values()}
PLAIN = (Ref, float, int, np.float64)


def is_single(x) -> bool:
    """Whether a constant is a single number in double precision, in an array."""
    return type(x) is np.ndarray and x.shape == () and x.dtype == np.float64


def is_arithmetic(step: Step) -> bool:
    """Whether Python can do what a step does: sums, products, differences, and the sign."""
    if step.function not in PYTHONS or step.settings:
        return False
    return all(type(x) in PLAIN or is_single(x) for x in step.inputs)


def twin(program: Program, n: int) -> int:
    """The number of the value that is the Python number beside value `n`."""
    return n + len(program.kinds)


def to_python(program: Program, n: int) -> Step:
    """The step that makes a number of Python's of a number of numpy's."""
    return Step(METHODS["item"], (Ref(n),), {}, (), "", twin(program, n))


def to_numpy(program: Program, n: int) -> Step:
    """The step back."""
    return Step(np.float64, (Ref(twin(program, n)),), {}, (), "", n)


def in_python(program: Program, step: Step) -> Step:
    """The same step on Python's numbers."""
    inputs = filled(step.inputs, lambda n: Ref(twin(program, n)))
    inputs = tuple(float(x) if type(x) is np.float64 else x for x in inputs)
    out = None if step.out is None else twin(program, step.out)
    return replace(step, function=PYTHONS[step.function], inputs=inputs, out=out)


def with_twins(program: Program, steps: list[Step]) -> Program:
    """A program of some steps, in which each value has a number of Python's beside it.

    The program as it was, if the steps from one to the other cost more than they bring.
    """
    many = len(program.kinds)
    added = [step for step in steps if step.out is not None and step.out >= many]
    sums = [step for step in added if is_arithmetic(step)]
    if 2 * (len(steps) - len(program.steps)) > len(sums):
        return program
    first, steps = constants_in_python(steps, 2 * many)
    names = {step.out: f"n{step.out - many}" for step in (*first, *added) if step.out is not None}
    most = 2 * many + len(first)
    return replace(
        program,
        steps=first + steps,
        kinds=[*program.kinds, *[Kind(float, (), None, ())] * (most - many)],
        groups=[*program.groups, *range(many, most)],
        names=program.names | names,
    )


def constants_in_python(steps: list[Step], many: int) -> tuple[list[Step], list[Step]]:
    """Steps that make Python's numbers of constants, and the steps that use these."""
    arrays = {id(x): x for s in steps if s.function in PYTHONS for x in s.inputs if is_single(x)}
    numbers = {place: many + i for i, place in enumerate(arrays)}
    first = [Step(METHODS["item"], (x,), {}, (), "", numbers[place]) for place, x in arrays.items()]

    def changed(step: Step) -> Step:
        if step.function not in PYTHONS or not any(map(is_single, step.inputs)):
            return step
        inputs = tuple(Ref(numbers[id(x)]) if id(x) in numbers else x for x in step.inputs)
        return replace(step, inputs=inputs)

    return first, [changed(step) for step in steps]

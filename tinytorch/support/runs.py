"""Runs of elementwise steps, which can go through large arrays piece by piece."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tinytorch.support.compiling import function_of
from tinytorch.support.programs import Kind, Program, Ref, Step, kind_of, refs, used
from tinytorch.support.writing import elementwise, room

PIECE = 32_768  # elements of a piece: a few of them fit the second cache
FEWEST = 3  # steps that are worth it
VECTOR = 64  # elements; loops that round may treat what is no whole vector otherwise


def piece_length(shape: tuple[int, ...]) -> int:
    """How many rows of an array make a piece of about the right size."""
    row = math.prod(shape[1:])
    unit = VECTOR // math.gcd(VECTOR, row)
    return unit * max(1, PIECE // (row * unit))


def is_dense(kind: Kind) -> bool:
    """Whether a value is a single number, or an array without gaps, its last axis innermost."""
    steps = [math.prod(kind.shape[axis + 1 :]) for axis in range(len(kind.shape))]
    return list(kind.strides) == [step * kind.dtype.itemsize for step in steps]


def kind_given(x, kinds: list[Kind]) -> Kind:
    """The kind of what a step is given: a value or a constant."""
    return kinds[x.number] if type(x) is Ref else kind_of(x)


def run_shape(step: Step, program: Program) -> tuple[int, ...] | None:
    """The shape of a step's result if it can go piece by piece through large arrays."""
    kinds, n = program.kinds, step.out
    if not elementwise(step) or step.settings or step.writes or n is None:
        return None
    shape, own = kinds[n].shape, program.groups[n] == n
    if getattr(step.function, "nout", 1) != 1 or not own or kinds[n].size < 2 * PIECE:
        return None
    given = [kind_given(x, kinds) for x in (*step.inputs, Ref(n))]
    dense = all(is_dense(kind) for kind in given if kind.shape)
    return shape if dense and piece_length(shape) < shape[0] else None


@dataclass
class Stretch:
    """Steps that follow one another; with the shape of their results if they are a run."""

    shape: tuple[int, ...] | None
    steps: list[Step]


def stretches(program: Program) -> list[Stretch]:
    """A program cut into runs, and what is between them."""
    found: list[Stretch] = []
    for step in program.steps:
        shape = run_shape(step, program)
        if not found or found[-1].shape != shape:
            found.append(Stretch(shape, []))
        found[-1].steps.append(step)
    return found


def in_pieces(program: Program, make_run: Callable) -> Program:
    """The same program, in which runs of elementwise steps are one step each.

    Parameters
    ----------
    program : Program
    make_run : callable
        The class `Run` of the lesson.
    """
    found = stretches(program)
    if all(stretch.shape is None for stretch in found):
        return program
    uses = count_uses(program)
    steps: list[Step] = []
    number = 0
    for stretch in found:
        if stretch.shape is None or len(stretch.steps) < FEWEST:
            steps += stretch.steps
            continue
        inside = count_uses(replace(program, steps=stretch.steps, outputs=[]))
        made = [step.out for step in stretch.steps if step.out is not None]
        leaving = [n for n in made if uses[n] > inside[n]]
        number += 1
        run = make_run(number, program, stretch.steps, leaving)
        for n in leaving:
            kind = program.kinds[n]
            steps.append(Step(room, (kind.shape, kind.dtype), {}, (), "", n))
        steps.append(Step(run, (*run.given, *map(Ref, leaving)), {}, leaving))
    return replace(program, steps=steps)


def count_uses(program: Program) -> Counter:
    """How often each value is used by steps, and comes out."""
    found = Counter(ref.number for ref in refs(program.outputs))
    for step in program.steps:
        found.update(used(step))
    return found


class RunMethods:
    """What a run knows of itself.

    Attributes
    ----------
    shape : tuple of int
        That of its results.
    length : int
        How many rows a piece has.
    given : list
        What it reads: references, and arrays that are constants.
    cut : list of bool
        Of what it reads, and then of its results: whether it goes through in pieces.
    text : str
        What it does with a piece, as a function.
    buffers : dict of ndarray
        The memory of a piece.
    """

    write: Callable
    is_cut: Callable

    def __init__(self, number: int, program: Program, steps: list[Step], leaving: list[int]):
        self.__name__ = f"run_{number}"
        self.shape = program.kinds[leaving[0]].shape
        self.length = piece_length(self.shape)
        constants = arrays_in(steps)
        numbers = {id(x): len(program.kinds) + i for i, x in enumerate(constants)}
        kinds = [*program.kinds, *map(kind_of, constants)]
        made = [step.out for step in steps if step.out is not None]
        outside = dict.fromkeys(n for step in steps for n in used(step) if n not in made)
        self.given = [*map(Ref, outside), *constants]
        inputs = [*outside, *numbers.values(), *leaving]
        self.cut = [self.is_cut(kinds[n]) for n in inputs]
        pieces = {n for n, cut in zip(inputs, self.cut, strict=True) if cut} | set(made)
        for n in pieces:
            kinds[n] = kinds[n]._replace(shape=(self.length, *self.shape[1:]))
        inside = [for_a_piece(step, numbers, leaving) for step in steps]
        groups = list(range(len(kinds)))
        self.program = Program(inside, inputs, [], kinds, groups, program.names)
        text, self.space, self.buffers = type(self).write(self.program)
        self.text = text.rpartition("\n")[0]
        self.functions: dict[int, Callable] = {}

    @property
    def source(self) -> str:
        """Its text, with its name."""
        rows = f"  # on {self.length} of {self.shape[0]} rows at a time"
        first, _, rest = self.text.partition("\n")
        return f"{first.replace('step', self.__name__, 1)}{rows}\n{rest}"

    def function(self, many: int) -> Callable:
        """What computes a piece of so many rows, with buffers of that length."""
        if many not in self.functions:
            buffers = {name: buffer[:many] for name, buffer in self.buffers.items()}
            self.functions[many] = function_of(self.text, self.space | buffers)
        return self.functions[many]


def arrays_in(steps: list[Step]) -> list[np.ndarray]:
    """The arrays with axes that steps are given as constants, each once."""
    arrays = [x for step in steps for x in step.inputs if isinstance(x, np.ndarray) and x.ndim]
    return list({id(x): x for x in arrays}.values())


def for_a_piece(step: Step, numbers: dict[int, int], leaving: list[int]) -> Step:
    """A step with references to constants; its result goes where it is needed later."""
    inputs = tuple(Ref(numbers[id(x)]) if id(x) in numbers else x for x in step.inputs)
    if step.out not in leaving:
        return replace(step, inputs=inputs)
    return replace(
        step, inputs=inputs, settings={"out": Ref(step.out)}, writes=[step.out], out=None
    )

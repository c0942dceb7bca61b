"""Single numbers beside arrays, as arrays of one number: numpy makes one of each anyhow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinytorch.fast.ufuncs import IN_PLACE, OPERATORS, UFUNCS
from tinytorch.support.calls import setitem
from tinytorch.support.programs import Kind, Program, Ref, Step, kind_of

MOST = 100  # constants that become arrays; each gets a name
ARITHMETIC: set[Any] = {*UFUNCS, *OPERATORS, *IN_PLACE}


class Constants:
    """Numbers as arrays, each once."""

    def __init__(self):
        self.known: dict[tuple, np.ndarray] = {}  # by the number
        self.arrays: dict[tuple, np.ndarray] = {}  # by its bits

    def array(self, x: float, dtype: np.dtype) -> np.ndarray:
        """The array of a number of Python's, which nobody may change."""
        found = self.known.get((repr(x), dtype))
        if found is None or x != x:  # NaN of any sign look alike
            with np.errstate(all="ignore"):
                made = np.array(x, dtype)
            made.flags.writeable = False
            found = self.arrays.setdefault((dtype, made.tobytes()), made)
            self.known[repr(x), dtype] = found
        return found


def with_arrays(step: Step, program: Program, constants: Constants) -> Step:
    """A step in which Python's numbers are arrays already, of the dtype that they would get."""
    if not any(type(x) in (int, float) for x in step.inputs) or len(constants.arrays) > MOST:
        return step
    dtype = dtype_beside(step, program.kinds)
    if dtype is None:
        return step
    inputs = [constants.array(x, dtype) if type(x) in (int, float) else x for x in step.inputs]
    return replace(step, inputs=tuple(inputs))


def with_cells(program: Program) -> tuple[Program, dict[str, np.ndarray]]:
    """The same program, in which Python's numbers are put into arrays before they meet others.

    To put one there, and to read it, takes half the time that numpy needs to make an array of it.
    """
    cells = Cells(program)
    steps = [cells.read_by(step) for step in program.steps]
    found = [step for n in program.inputs for step in cells.filled_from(n)]
    for step in steps:
        found += [step, *cells.filled_from(step.out)]
    return replace(program, steps=found, kinds=cells.kinds, groups=cells.groups), cells.arrays


class Cells:
    """Arrays of one number, each for a value that is a number of Python's, and a dtype.

    Attributes
    ----------
    known : dict of dict of int
        By value, and by dtype: the value that is the array.
    arrays : dict of ndarray
        By name: these arrays.
    """

    def __init__(self, program: Program):
        self.kinds, self.groups = list(program.kinds), list(program.groups)
        self.known: dict[int, dict[np.dtype, int]] = {}
        self.arrays: dict[str, np.ndarray] = {}

    def read_by(self, step: Step) -> Step:
        """A step that reads arrays of one number instead of Python's."""
        numbers = [type(x) is Ref and self.kinds[x.number].type is float for x in step.inputs]
        dtype = dtype_beside(step, self.kinds) if any(numbers) else None
        if dtype is None:
            return step
        inputs = [
            self.cell(x.number, dtype) if is_number else x
            for x, is_number in zip(step.inputs, numbers, strict=True)
        ]
        return replace(step, inputs=tuple(inputs))

    def cell(self, n: int, dtype: np.dtype) -> Ref:
        """The array for a number; new if it has none."""
        known = self.known.setdefault(n, {})
        if dtype not in known:
            number = known[dtype] = len(self.kinds)
            made = self.arrays[f"v{number}"] = np.empty((), dtype)
            self.kinds.append(kind_of(made))
            self.groups.append(number)
        return Ref(known[dtype])

    def filled_from(self, n: int | None) -> list[Step]:
        """Steps that put a number into its arrays."""
        if n is None or n not in self.known:
            return []
        return [Step(setitem, (Ref(to), (), Ref(n)), {}, [to]) for to in self.known[n].values()]


def dtype_beside(step: Step, kinds: list[Kind]) -> np.dtype | None:
    """The dtype of the floating array that an elementwise step reads beside another input."""
    if step.function not in ARITHMETIC or len(step.inputs) != 2:
        return None
    found = [dtype for dtype in (dtype_of(x, kinds) for x in step.inputs) if dtype is not None]
    return found[0] if len(found) == 1 else None


def dtype_of(x, kinds: list[Kind]) -> np.dtype | None:
    """The dtype of a floating array with axes; None of anything else."""
    if type(x) is not Ref:
        return None
    kind = kinds[x.number]
    plain = kind.type is np.ndarray and kind.shape and kind.dtype in (np.float32, np.float64)
    return kind.dtype if plain else None

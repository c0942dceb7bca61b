"""Which steps of a program are elementwise, and what inner loop each of them is."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.fast.turned import goes_in_order, turning
from tinytorch.fast.ufuncs import (
    IN_PLACE,
    NAMES,
    OPERATORS,
    UFUNCS,
    Loop,
    conversion,
    inner_loop,
    own_loop,
    types_of,
)
from tinytorch.support.arrays import select
from tinytorch.support.calls import METHODS
from tinytorch.support.programs import Kind, Ref, Step, kind_of

LETTERS = {np.dtype(letter): letter for letter in NAMES}
NUMBERS = (bool, int, float)
LONGEST = 4096  # elements that go through as one block, so that rows are no longer
SELECT = vars(select)["__wrapped__"]  # what a trace notes of it


@dataclass
class Operand:
    """What an operation reads.

    Attributes
    ----------
    value : int or None
        The number of a value of the program; None if it is a constant.
    constant : object
        A single number, if it is one.
    form : str
        Whether it is as large as the result ("full"), a row or a column of it ("row", "column"),
        a number ("one"), or lies in memory in another order ("turned"); of what needs all there
        is, "whole".
    old, new : str
        The type it has, and the type that the loop wants.
    size : int
        How many elements it has.
    each : int
        Of a column, how many elements of the result each of its numbers is for.
    plan : ndarray
        Of a turned one, what its C function needs to know to write it in the order of the result.
    """

    value: int | None
    constant: Any
    form: str
    old: str
    new: str
    size: int = 1
    each: int = 1
    plan: np.ndarray | None = None


@dataclass
class Operation:
    """A step as an inner loop: its operands, and the value that it makes or changes.

    Attributes
    ----------
    function : callable
        A ufunc, `numpy.where`, or the method ``copy``.
    types : str
        What its loop takes and gives, as ``dd->d``.
    """

    step: Step
    function: Callable
    types: str
    loop: Loop
    operands: list[Operand]
    target: int
    size: int
    letter: str

    @property
    def extent(self) -> int:
        """How many elements it goes through."""
        return self.size

    @property
    def work(self) -> int:
        """About how many sums or products it takes."""
        return self.size

    @property
    def rows(self) -> list[int]:
        """How long the rows are that it repeats, and those along its columns."""
        rows = [x.size for x in self.operands if x.form == "row"]
        return rows + [x.each for x in self.operands if x.form == "column"]


@dataclass
class Whole(Operation):
    """An operation that needs all of its operands at once, so that no other goes along with it.

    Attributes
    ----------
    plan : ndarray
        What its C function needs to know of it.
    """

    plan: np.ndarray | None = None

    @property
    def extent(self) -> int:
        """How often it is called."""
        return 1


def operation(step: Step, kinds: list[Kind]) -> Operation | None:
    """A step as an inner loop; None if it is another kind of step."""
    found = as_ufunc(step, kinds) or as_copy(step, kinds)
    if found is None:
        return None
    function, inputs, target = found
    kind = kinds[target]
    letter = LETTERS.get(kind.dtype) if kind.type is not float else "d"
    if letter is None or kind.size == 0 or not is_plain(kind):
        return None
    if kind.type is float and function not in (np.add, np.subtract, np.multiply, np.negative):
        return None
    given = tuple(given_type(x, kinds) for x in inputs)
    types = types_for(function, given, letter)
    if types is None or types[-1] != letter:
        return None
    loop = loop_for(function, types)
    if loop is None:
        return None
    operands = [operand(x, kinds, kind, want) for x, want in zip(inputs, types, strict=False)]
    if any(x is None for x in operands) or not in_order(function, inputs, operands, kinds, kind):
        return None
    read = [x for x in operands if x is not None]
    made = Operation(step, function, types, loop, read, target, kind.size, letter)
    return made if len(set(made.rows)) < 2 else None


def as_ufunc(step: Step, kinds: list[Kind]) -> tuple[Any, tuple, int] | None:
    """The ufunc, or where, that a step is, its inputs, and the value that it makes or changes."""
    f, inputs, target = step.function, step.inputs, step.out
    if f in IN_PLACE and target is None and len(inputs) == 2:
        owned = type(inputs[0]) is Ref and kinds[inputs[0].number].type is np.ndarray
        return (IN_PLACE[f], inputs, inputs[0].number) if owned else None
    if f is np.where and len(inputs) == 3 and not step.settings and target is not None:
        return np.where, inputs, target
    if f is SELECT and len(inputs) == 2 and not step.settings and target is not None:
        return np.where, (*inputs, 0.0), target
    if is_square(step, kinds) and target is not None:
        return np.square, inputs[:1], target
    f = OPERATORS.get(f, f)
    if not (isinstance(f, np.ufunc) and f in UFUNCS and len(inputs) == f.nin):
        return None
    if step.settings:
        target = only_out(step.settings)
    elif step.writes:
        return None
    if target is None or (step.settings and step.out is not None):
        return None
    return f, inputs, target


def only_out(settings: dict) -> int | None:
    """The value that a step writes to, if that is all that its settings say."""
    out = settings.get("out") if len(settings) == 1 else None
    out = out[0] if type(out) is tuple and len(out) == 1 else out
    return out.number if type(out) is Ref else None


def is_square(step: Step, kinds: list[Kind]) -> bool:
    """Whether a step is ``array ** 2``, which numpy computes as a square."""
    if getattr(step.function, "__name__", "") != "pow" or len(step.inputs) != 2 or step.settings:
        return False
    base, exponent = step.inputs
    is_array = type(base) is Ref and kinds[base.number].type is np.ndarray
    return is_array and type(exponent) in (int, float) and exponent == 2 and not step.writes


def as_copy(step: Step, kinds: list[Kind]) -> tuple[Any, tuple, int] | None:
    """The same for copies, also to another type."""
    astype = step.function is METHODS["astype"] and len(step.inputs) == 2
    copying = step.function in (METHODS["copy"], np.copy) and len(step.inputs) == 1
    if not (astype or copying) or step.settings or step.out is None or step.writes:
        return None
    return METHODS["copy"], step.inputs[:1], step.out


def given_type(x, kinds: list[Kind]):
    """What numpy's rules of promotion ask of an input: its dtype, or the type of a number."""
    if type(x) is Ref:
        kind = kinds[x.number]
        return kind.type if kind.dtype is None else kind.dtype
    if isinstance(x, (np.generic, np.ndarray)):
        return x.dtype
    return type(x)


def types_for(function: Callable, given: tuple, letter: str) -> str | None:
    """The types that a function computes with, as ``dd->d``."""
    if function is METHODS["copy"]:
        old = LETTERS.get(given[0], "")
        return f"{old}->{letter}" if conversion(old, letter) else None
    if function is np.where:
        is_mask = LETTERS.get(given[0]) == "?"
        return f"?{letter}{letter}->{letter}" if letter in "fd" and is_mask else None
    if not all(isinstance(x, np.dtype) or x in NUMBERS for x in given):
        return None
    return types_of(function, tuple(np.dtype(bool) if x is bool else x for x in given))


def loop_for(function: Any, types: str) -> Loop | None:
    """The loop that computes a function with some types."""
    if function is METHODS["copy"]:
        return own_loop(conversion(types[0], types[-1]) or ""), 0
    if function is np.where:
        return own_loop(f"where_{NAMES[types[-1]]}"), 0
    return inner_loop(function, types)


def operand(x, kinds: list[Kind], result: Kind, new: str) -> Operand | None:
    """An input of an operation; None if it is laid out otherwise than its result."""
    if type(x) is np.ndarray:
        return constant(x, result, new)
    if type(x) is not Ref:
        is_number = type(x) in NUMBERS or isinstance(x, np.generic)
        return Operand(None, x, "one", new, new) if is_number else None
    kind = kinds[x.number]
    if kind.dtype is None:
        if kind.type not in (int, float) or conversion("d", new) is None:
            return None
        return Operand(x.number, None, "one", "d", new)
    old, form = LETTERS.get(kind.dtype, ""), form_of(kind, result)
    if form is None and old == new:
        plan = turning(kind, result)
        found = Operand(x.number, None, "turned", old, new, kind.size, 1, plan)
        return None if plan is None else found
    if form is None or conversion(old, new) is None or (form == "column" and old != new):
        return None
    each = result.size // kind.size if form == "column" else 1
    return Operand(x.number, None, form, old, new, kind.size, each)


def in_order(function: Any, inputs: tuple, operands: list, kinds: list[Kind], kind: Kind) -> bool:
    """Whether operands that are turned, if there are any, may be written in order first."""
    forms = [x.form for x in operands]
    if "turned" not in forms:
        return True
    if set(forms) - {"turned", "full"} or len(forms) != 2:
        return False
    return goes_in_order(function, *[kinds[x.number] for x in inputs], kind)


def constant(x: np.ndarray, result: Kind, new: str) -> Operand | None:
    """An array that is no value of the program; it is read where it is."""
    kind, old = kind_of(x), LETTERS.get(x.dtype, "")
    form = form_of(kind, result) if old and x.flags.aligned else None
    if form not in ("full", "one") or conversion(old, new) is None:
        return None
    return Operand(None, x, form, old, new, x.size)


@functools.lru_cache(maxsize=10_000)
def form_of(kind: Kind, result: Kind) -> str | None:
    """How an input lies beside its result; None if in no plain way."""
    if kind.size == 1:
        return "one" if result.size > 1 else "full"
    if kind.shape == result.shape and steps_of(kind, result) == steps_of(result):
        return "full"
    if kind.size == result.size:
        return "full" if is_c(kind) and is_c(result) else None
    if not (is_c(kind) and is_c(result)):
        return None
    return "row" if is_row(kind, result) else "column" if is_column(kind, result) else None


def is_row(kind: Kind, result: Kind) -> bool:
    """Whether an input is repeated along the first axes of a result."""
    shape = tuple(kind.shape)
    while shape and shape[0] == 1:
        shape = shape[1:]
    fits = result.shape[len(result.shape) - len(shape) :] == shape
    return bool(shape) and fits and kind.size <= LONGEST


def is_column(kind: Kind, result: Kind) -> bool:
    """Whether each number of an input is repeated along the last axes of a result."""
    shape = tuple(kind.shape)
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    fits = len(kind.shape) == len(result.shape) and result.shape[: len(shape)] == shape
    return fits and result.size // kind.size <= LONGEST


def steps_of(kind: Kind, other: Kind | None = None) -> tuple[float, ...]:
    """The strides of the axes that are longer than one, for elements as large as another's."""
    scale = 1.0 if other is None else other.dtype.itemsize / kind.dtype.itemsize
    return tuple(s * scale for s, n in zip(kind.strides, kind.shape, strict=True) if n > 1)


def is_c(kind: Kind) -> bool:
    """Whether the last axis is the innermost, without gaps."""
    return steps_of(kind) == dense(kind.shape, kind.dtype.itemsize)


@functools.cache
def dense(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of an array without gaps, of its axes that are longer than one."""
    axes = [n for n in shape if n > 1]
    return tuple(math.prod(axes[i + 1 :]) * itemsize for i in range(len(axes)))


@functools.lru_cache(maxsize=10_000)
def is_plain(kind: Kind) -> bool:
    """Whether elements lie side by side, whatever the order of the axes."""
    if kind.dtype is None or kind.size == 1:
        return True
    axes = [(s, n) for s, n in zip(kind.strides, kind.shape, strict=True) if n > 1]
    axes.sort(key=lambda axis: -axis[0])
    expected = dense(tuple(n for _, n in axes), kind.dtype.itemsize)
    return tuple(s for s, _ in axes) == expected

"""Programs of fewer and simpler steps, with the same bits, before they are cut into runs."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinytorch.support.arrays import one_hot, refuse_labels, softmax_cross_entropy
from tinytorch.support.blanks import without_numbers
from tinytorch.support.calls import METHODS, getitem
from tinytorch.support.loss_layers import labels_for_loss
from tinytorch.support.programs import (
    Kind,
    Program,
    Ref,
    Step,
    copied_by,
    filled,
    joined,
    kind_of,
    refs,
    renamed,
    used,
)
from tinytorch.support.runs import kind_given
from tinytorch.support.writing import empty

REPEATING: set[Any] = {np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum}
REPEATING |= {operator.add, operator.sub, operator.mul, operator.truediv}


def simplified(program: Program, without_common: Callable) -> Program:
    """The same program, with a loss written out, and without steps that only turn or repeat.

    Parameters
    ----------
    program : Program
    without_common : callable
        What takes out the steps that are there twice.
    """
    if any(step.function is softmax_cross_entropy for step in program.steps):
        program = without_common(without_second_look(written_out(program)))
    program = looking_at_shapes(taking_rows(program))
    return without_idle(reading_what_is_repeated(program))


# ---- Steps that do nothing


TURNING: set[Any] = {METHODS["reshape"], METHODS["transpose"], METHODS["swapaxes"]}
TURNING |= {np.reshape, np.transpose, np.swapaxes}


def without_idle(program: Program) -> Program:
    """The same program without idle copies, views that are there, and products with ones."""
    same: dict[int, int] = {}
    groups = list(program.groups)
    sources: dict[int, int] = {}  # of views that show all of an array: the array
    views: dict[tuple, int] = {}  # by the array, and a shape and an order: what shows it so
    written = {groups[n] for step in program.steps for n in step.writes}
    steps = []
    for step in program.steps:
        step, out = renamed(step, same), step.out
        n = idle(step, program, written)
        if n is not None:
            groups = [groups[n] if group == out else group for group in groups]
        elif out is not None and shows_all(step, groups):
            source = sources[out] = sources.get(used(step)[0], used(step)[0])
            views.setdefault((source, program.kinds[source]), source)
            n = views.setdefault((source, program.kinds[out]), out)
        if n is None or n == out or out is None:
            steps.append(step)
        else:
            same[out] = n
    return joined(replace(program, steps=steps), same)


def shows_all(step: Step, groups: list[int]) -> bool:
    """Whether a step shows all of an array, in another shape, or with its axes turned.

    Where it begins is then the same, so that its shape and its strides tell all of it.
    """
    if step.function not in TURNING or step.out is None or len(used(step)) != 1:
        return False
    return groups[used(step)[0]] == groups[step.out]


def idle(step: Step, program: Program, written: set[int]) -> int | None:
    """The value that a step copies, or multiplies by ones, if nobody writes to one of the two."""
    if step.out is None or program.groups[step.out] in written:
        return None
    n = copied_by(program, step)
    n = factor_of_one(step, program) if n is None else n
    return None if n is None or program.groups[n] in written else n


def factor_of_one(step: Step, program: Program) -> int | None:
    """The value that a step multiplies by ones."""
    if step.function is not np.multiply or step.settings or len(used(step)) != 1:
        return None
    (n,), kinds = used(step), program.kinds
    ones = [x for x in step.inputs if type(x) is np.ndarray]
    if step.out is None or len(ones) != 1 or ones[0].dtype != kinds[n].dtype:
        return None
    return n if kinds[n] == kinds[step.out] and bool(np.all(ones[0] == 1)) else None


def reading_what_is_repeated(program: Program) -> Program:
    """The same program, in which sums and products repeat an operand themselves."""
    sources: dict[int, int] = {}
    steps = []
    for step in program.steps:
        steps.append(reading(step, sources, program))
        if step.function is np.broadcast_to and type(step.inputs[0]) is Ref:
            n, out = step.inputs[0].number, step.out
            if out is not None and program.kinds[n].dtype == program.kinds[out].dtype:
                sources[out] = n
    read = {n for step in steps for n in used(step)} | {ref.number for ref in refs(program.outputs)}
    steps = [step for step in steps if step.out not in sources or step.out in read]
    return replace(program, steps=steps)


def reading(step: Step, sources: dict[int, int], program: Program) -> Step:
    """A step that reads what was repeated instead of its repetition, if it repeats it itself."""
    names, out = used(step), step.out
    plain = step.function in REPEATING and not step.settings and not step.writes
    if sources.keys().isdisjoint(names) or not plain or out is None:
        return step
    inputs = tuple(
        Ref(sources.get(x.number, x.number)) if type(x) is Ref else x for x in step.inputs
    )
    shapes = [kind_given(x, program.kinds).shape for x in inputs]
    same = np.broadcast_shapes(*shapes) == program.kinds[out].shape
    return replace(step, inputs=inputs) if same and program.kinds[out].shape else step


# ---- Labels

CLASSES = 256  # of as many, a matrix with a row for each is kept


def taking_rows(program: Program) -> Program:
    """The same program, in which labels take their rows from a matrix of zeros and ones."""
    return replace(program, steps=[taken(step, program) for step in program.steps])


def taken(step: Step, program: Program) -> Step:
    """A step that takes rows, if it makes rows of few classes for labels."""
    if step.function is not one_hot or step.settings or type(step.inputs[0]) is not Ref:
        return step
    labels, (many, classes), dtype = step.inputs
    kind = program.kinds[labels.number]
    fits = kind.shape == (many,) and kind.dtype == np.intp and classes <= CLASSES
    if kind.type is not np.ndarray or not fits:
        return step
    inputs = identity(classes, np.dtype(dtype)), labels
    return replace(step, function=METHODS["take"], inputs=inputs, settings={"axis": 0})


@functools.cache
def identity(classes: int, dtype: np.dtype) -> np.ndarray:
    """The matrix with ones on its diagonal, which nobody may change."""
    made = np.eye(classes, dtype=dtype)
    made.flags.writeable = False
    return made


def looking_at_shapes(program: Program) -> Program:
    """The same program, in which checks of labels do not wait for the scores.

    They need only to know how many there are.
    """
    return replace(program, steps=[with_shape(step, program.kinds) for step in program.steps])


def with_shape(step: Step, kinds: list[Kind]) -> Step:
    """A check of labels with scores of the same shape, which are always there."""
    if step.function is not refuse_labels or len(step.inputs) != 2:
        return step
    scores, labels = step.inputs
    if type(scores) is not Ref or kinds[scores.number].type is not np.ndarray:
        return step
    kind = kinds[scores.number]
    shown = np.broadcast_to(np.zeros((), kind.dtype), kind.shape)
    return replace(step, inputs=(shown, labels))


def without_second_look(program: Program) -> Program:
    """The same program without checks of labels that have been checked, and not changed since.

    A check that a step makes is the last of its outputs, so that it is made; nobody reads it.
    """
    checked: set[tuple] = set()  # shapes of scores, and labels
    steps, left_out = [], set()
    asked: Counter[int | None] = Counter(ref.number for ref in refs(program.outputs))
    for step in program.steps:
        found = looked_at(step, program)
        is_second = step.function is refuse_labels and found and found <= checked
        if is_second and asked[step.out] <= (type(program.outputs) is list):
            left_out.add(step.out)
            continue
        steps.append(step)
        if step.writes:
            changed = {program.groups[n] for n in step.writes}
            checked = {(shape, n) for shape, n in checked if program.groups[n] not in changed}
        checked |= found
    outputs = program.outputs
    if left_out.intersection(asked):
        outputs = [ref for ref in outputs if ref.number not in left_out]
    return replace(program, steps=steps, outputs=outputs)


def looked_at(step: Step, program: Program) -> set[tuple]:
    """For which shape of scores a step checks which labels: those it is given, and gives on."""
    if step.function not in (refuse_labels, labels_for_loss) or len(step.inputs) != 2:
        return set()
    scores, labels = step.inputs
    if type(labels) is not Ref or type(scores) is not Ref:
        return set()
    same = {labels.number} | ({step.out} if step.function is labels_for_loss else set())
    return {(program.kinds[scores.number].shape, n) for n in same}


# ---- A loss, written out


class Longer:
    """A program to which steps are added that make new values."""

    def __init__(self, program: Program):
        self.kinds, self.groups = list(program.kinds), list(program.groups)
        self.steps: list[Step] = []
        self.examples: dict[int, Any] = {}

    def example(self, n: int):
        """Zeros, laid out as a value is; of a value that is new, what comes of zeros."""
        if n not in self.examples:
            kind = self.kinds[n]
            array = empty(kind)
            array[...] = 0
            self.examples[n] = array if kind.type is np.ndarray else kind.type(0)
        return self.examples[n]

    def add(self, function: Callable, *inputs, **settings) -> Ref:
        """Add a step; gives what stands for its result, which is new memory."""
        with np.errstate(all="ignore"):
            example = function(*filled(inputs, self.example), **settings)
        n = len(self.kinds)
        self.kinds.append(kind_of(example))
        is_array = type(example) is np.ndarray
        self.examples[n] = without_numbers(example) if is_array else example
        self.groups.append(n)
        self.steps.append(Step(function, inputs, settings, (), "", n))
        return Ref(n)


def written_out(program: Program) -> Program:
    """The same program with the softmax cross-entropy as steps that its gradient has, too."""
    longer = Longer(program)
    for step in program.steps:
        if can_be_written_out(step, program):
            cross_entropy(longer, *step.inputs)
            longer.steps[-1].out = step.out
        else:
            longer.steps.append(step)
    return replace(program, steps=longer.steps, kinds=longer.kinds, groups=longer.groups)


def can_be_written_out(step: Step, program: Program) -> bool:
    """Whether a step is a softmax cross-entropy of common arrays."""
    if step.function is not softmax_cross_entropy or type(step.inputs[0]) is not Ref:
        return False
    scores, labels = [kind_given(x, program.kinds) for x in step.inputs]
    return labels.type is np.ndarray and scores.dtype in (np.float32, np.float64)


def cross_entropy(longer: Longer, scores: Ref, labels) -> None:
    """Add the steps of `softmax_cross_entropy`, the first ones as those of `softmax`."""
    add, sums = longer.add, METHODS["sum"]
    (many, _), dtype = longer.kinds[scores.number].shape, longer.kinds[scores.number].dtype
    add(refuse_labels, scores, labels)
    largest = add(METHODS["max"], scores, axis=-1, keepdims=True, initial=None)
    shifted = add(np.subtract, scores, largest)
    total = add(sums, add(np.exp, shifted), axis=-1, keepdims=True)
    chosen = add(sums, add(getitem, shifted, (np.arange(many), labels)))
    logarithms = add(sums, add(np.log, total))
    mean = add(operator.truediv, add(operator.sub, logarithms, chosen), many)
    add(METHODS["astype"], mean, dtype)

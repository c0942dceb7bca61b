"""Results that need memory of their own, copied by steps: a run can write them on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinytorch.fast.operations import LETTERS, is_plain
from tinytorch.support.programs import Kind, Program, Ref, Step
from tinytorch.support.runs import PIECE, is_dense
from tinytorch.support.writing import held_elsewhere


def with_copied_results(
    program: Program, can_be_copied: Callable[[Kind], bool], copy: Callable = np.copy
) -> Program:
    """The same program, with a copy as its last steps of each result that somebody else holds.

    A gradient, for example, that is returned and also stays in its leaf.

    Parameters
    ----------
    program : Program
    can_be_copied : callable
        Whether a value of a kind can be copied so; others are copied when they are returned.
    copy : callable
        What copies an array.
    """
    kinds, groups, steps = list(program.kinds), list(program.groups), list(program.steps)
    outputs = []
    for ref, is_held in zip(program.outputs, held_elsewhere(program), strict=True):
        kind = kinds[ref.number]
        if is_held and can_be_copied(kind):
            steps.append(Step(copy, (ref,), {}, (), "", len(kinds)))
            ref = Ref(len(kinds))
            groups.append(ref.number)
            kinds.append(kind)
        outputs.append(ref)
    return replace(program, steps=steps, outputs=outputs, kinds=kinds, groups=groups)


def can_be_looped(kind: Kind) -> bool:
    """Whether a loop can copy a value so that it is laid out as before."""
    return kind.type is np.ndarray and kind.dtype in LETTERS and kind.size > 0 and is_plain(kind)


def can_be_cut(kind: Kind) -> bool:
    """Whether a copy of a value can go piece by piece with what computes it."""
    return kind.dtype in (np.float32, np.float64) and kind.size >= 2 * PIECE and is_dense(kind)

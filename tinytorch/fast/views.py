"""Views of memory that a program keeps: they are made once, and not at each call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytorch.fast.alignment import with_aligned_memory
from tinytorch.fast.simplifying import shows_all
from tinytorch.support.programs import Program, Step, filled, used


def written(program: Program, lesson, arrays: dict) -> tuple[str, dict, dict]:
    """The text of a program, what its names are, and its memory.

    Parameters
    ----------
    program : Program
    lesson : module
        What writes programs: that of `compile`.
    arrays : dict of ndarray
        By name: the memory of values that have it already.
    """
    buffered, _ = lesson.share_buffers(program)
    kept = buffered.keys() | {n for n in range(len(program.kinds)) if f"v{n}" in arrays}
    changed = {n for step in program.steps for n in step.writes}
    steps, views = [], []
    for step in program.steps:
        if step.out not in changed and shows_what_is_kept(step, kept, program):
            kept.add(step.out)
            views.append(step)
        else:
            steps.append(step)
    program = replace(program, steps=steps)
    text, space, buffers = with_aligned_memory(*lesson.write(program))
    names, _ = lesson.share_buffers(program)
    known = {n: buffers[name] for n, name in names.items()}
    return text, space, arrays | buffers | seen(views, known, arrays)


def shows_what_is_kept(step: Step, kept: set, program: Program) -> bool:
    """Whether a step only shows an array of a program, in another shape, or with axes turned."""
    return shows_all(step, program.groups) and used(step)[0] in kept


def seen(views: list[Step], known: dict, arrays: dict) -> dict[str, np.ndarray]:
    """What some steps show, by name."""

    def value(n: int):
        return known[n] if n in known else arrays[f"v{n}"]

    for step in views:
        inputs, settings = filled((step.inputs, step.settings), value)
        known[step.out] = step.function(*inputs, **settings)
    return {f"v{step.out}": known[step.out] for step in views}

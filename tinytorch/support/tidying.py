"""Programs put in order before they are kept: values numbered anew, inputs that have names."""

from __future__ import annotations

import re
from dataclasses import replace

from tinytorch.support.programs import filled, ref, refs, used, with_numbers


def tidied(program, places: list[int], slots: list):
    """The same program with values numbered in the order of the text, and inputs named.

    Parameters
    ----------
    program : Program
    places : list of int
        The slot of each input.
    slots : list of Slot

    Returns
    -------
    program
        Without the inputs that it does not need.
    takes : list of int
        The slot of each input that is left.
    """
    needed = {n for step in program.steps for n in used(step)}
    needed |= {r.number for r in refs(program.outputs)}
    pairs = [(n, i) for n, i in zip(program.inputs, places, strict=True) if n in needed]
    order = [n for n, _ in pairs] + [s.out for s in program.steps if s.out is not None]
    takes = [i for _, i in pairs]
    names = identifiers([slots[i].name for i in takes])
    return renumbered(program, order, names), takes


def renumbered(program, order: list[int], names: dict[int, str]):
    """A program whose values have the numbers from 0 in the given order, its inputs first."""
    new = {n: i for i, n in enumerate(order)}
    groups: dict[int, int] = {}
    for n in order:
        groups.setdefault(program.groups[n], new.get(program.groups[n], new[n]))

    number = new.__getitem__
    return replace(
        program,
        steps=[with_numbers(step, number, new.get(step.out)) for step in program.steps],
        inputs=list(range(len(names))),
        outputs=filled(program.outputs, lambda n: ref(new[n])),
        kinds=[program.kinds[n] for n in order],
        groups=[groups[program.groups[n]] for n in order],
        names=names,
    )


def identifiers(names: list[str]) -> dict[int, str]:
    """Names that Python allows, each another."""
    found: dict[int, str] = {}
    for i, name in enumerate(names):
        name = re.sub(r"\W", "_", name).strip("_") or "x"
        name = f"x{name}" if name[0].isdigit() or re.fullmatch(r"[vb]\d+", name) else name
        while name in found.values():
            name += "_"
        found[i] = name
    return found

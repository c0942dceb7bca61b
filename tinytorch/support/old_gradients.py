"""Large gradients of the call before, which are let go before a program makes new ones.

The step itself does that, by `zero_grad`. A program would hold both, for it puts all that it has
computed in its place at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinytorch.support.templates import Part, Place

LARGE = 2**20  # bytes of a gradient
NOTHING = object()


def made_anew(program, takes: list[int], template) -> list[int]:
    """The slots for which a program makes large arrays, without a use for what they hold."""
    kinds = [program.kinds[ref.number] for ref in program.outputs]
    large = [kind.type is np.ndarray and kind.size * kind.dtype.itemsize >= LARGE for kind in kinds]
    parts = [*template.changes, *[(None, part) for _, _, part in template.made]]
    needed = {*takes, *[place.slot for _, part in parts for place in places_in(part)]}
    return [
        i
        for i, part in template.changes
        if type(part) is Part and part.number is not None and large[part.number] and i not in needed
    ]


def places_in(x) -> Iterator[Place]:
    """The places in nested tuples, lists and dictionaries of parts."""
    if type(x) is Place:
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from places_in(part)
    elif type(x) is dict:
        yield from places_in(list(x.values()))


def let_go(holders, slots: list[int]) -> None:
    """Forget what is in those of some slots that are gradients."""
    for slot, i in [(holders.walk.slots[i], i) for i in slots if i < len(holders.walk.slots)]:
        is_gradient = slot.place is not None and slot.place[1] == "grad"
        if is_gradient and type(holders.values[i]) is np.ndarray:
            holders.values[i] = NOTHING
            slot.put(None)

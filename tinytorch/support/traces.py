"""What a step was when it was last traced: it is cleaned once, though it is traced at two calls.

As a rule both traces are the same, step for step. Then so is what is left of them. Their values may
have other numbers: at its second call, a step may find gradients that it had not at its first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tinytorch.support.programs import HOLD_NOTHING, Program, Ref, Step
from tinytorch.support.tidying import tidied
from tinytorch.support.writing import by_value

MOST = 8  # traces that are remembered


class Traces:
    """The last traces of a step, and what they were when they had been cleaned."""

    def __init__(self):
        self.known: deque[tuple] = deque(maxlen=MOST)

    def tidied(self, program: Program, places: list[int], slots: list, clean: Callable) -> tuple:
        """A traced program, cleaned and tidied, and the slots that it takes."""
        named = {(i, slots[i].name): n for i, n in zip(places, program.inputs, strict=True)}
        for trace, names, found in self.known:
            inputs = {n: names[slot] for slot, n in named.items() if slot in names}
            if Same(trace, program, inputs).is_all():
                return found
        found = tidied(clean(program), places, slots)
        self.known.append((program, named, found))
        return found


class Same:
    """Whether two programs are the same, to the last bit of their constants.

    Inputs that none of them uses do not matter.

    Parameters
    ----------
    one, other : Program
    numbers : dict of int
        By the number of an input of the other one, that of the same input of the first.
    """

    def __init__(self, one: Program, other: Program, numbers: dict[int, int]):
        self.one, self.other, self.numbers = one, other, numbers

    def is_all(self) -> bool:
        """Whether all steps, what comes out, and the memory that it is in are the same."""
        steps = self.one.steps, self.other.steps
        return (
            len(steps[0]) == len(steps[1])
            and all(map(self.is_step, *steps))
            and self.is_value(self.one.outputs, self.other.outputs)
            and self.are_kinds()
            and self.are_groups()
        )

    def is_step(self, one: Step, other: Step) -> bool:
        """Whether two steps call the same, with the same; their results are the same from now."""
        same = (
            (one.function is other.function or self.is_value(one.function, other.function))
            and self.is_value(one.inputs, other.inputs)
            and self.is_value(one.settings, other.settings)
            and (one.out is None) == (other.out is None)
            and [self.numbers.get(n) for n in other.writes] == one.writes
        )
        if one.out is not None and other.out is not None:
            self.numbers[other.out] = one.out
        return same

    def is_value(self, one, other) -> bool:
        """Whether references are to the same, and constants have the same bits; also nested."""
        kind = type(one)
        if kind is not type(other):
            return False
        if kind is Ref:
            return self.numbers.get(other.number) == one.number
        if kind in HOLD_NOTHING and one is other:
            return True
        if kind is tuple or kind is list:
            return len(one) == len(other) and all(map(self.is_value, one, other))
        if kind is dict:
            same_keys = one.keys() == other.keys()
            return same_keys and all(map(self.is_value, one.values(), map(other.get, one)))
        if kind is slice:
            return self.is_value(
                (one.start, one.stop, one.step), (other.start, other.stop, other.step)
            )
        return one is other or by_value(one) == by_value(other)

    def are_kinds(self) -> bool:
        """Whether all values are of the same kind."""
        one, other = self.one.kinds, self.other.kinds
        return all(one[m] == other[n] for n, m in self.numbers.items())

    def are_groups(self) -> bool:
        """Whether the same values are in the same memory."""
        one, other = self.one.groups, self.other.groups
        pairs = {(one[m], other[n]) for n, m in self.numbers.items()}
        return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})

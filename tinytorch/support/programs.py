"""Programs: lists of calls, with references to values."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from tinytorch.support.calls import METHODS


@dataclass(frozen=True)
class Ref:
    """A value of a program, by its number."""

    number: int

    def __repr__(self) -> str:
        return f"v{self.number}"


@functools.lru_cache(maxsize=10_000)
def ref(number: int) -> Ref:
    """The reference to a value: the same object again, so that it is made and compared quickly."""
    return Ref(number)


class Kind(NamedTuple):
    """What is known of a value without its numbers."""

    type: type
    shape: tuple[int, ...]
    dtype: Any
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.shape}" if self.dtype is not None else self.type.__name__


def kind_of(example) -> Kind:
    """What is known of an example without its numbers."""
    if isinstance(example, (np.ndarray, np.generic)):
        return Kind(type(example), example.shape, example.dtype, example.strides)
    return Kind(type(example), (), None, ())


@dataclass
class Step:
    """One call: ``out = function(*inputs, **settings)``.

    Attributes
    ----------
    function : callable
        What is called.
    inputs, settings : tuple and dict
        With a `Ref` for each value; a step, where one's result is needed only there.
    writes : list of int
        The numbers of the values that the call changes in place.
    line : str
        Where the user wrote it.
    out : int or None
        The number of the result; None if the call only changes what is there.
    uses : list of int or None
        What `used` gives, once it has been asked.
    """

    function: Callable
    inputs: tuple
    settings: dict
    writes: Sequence[int] = ()
    line: str = ""
    out: int | None = None
    uses: list[int] | None = field(default=None, init=False, repr=False, compare=False)

    def __str__(self) -> str:
        name = getattr(self.function, "__name__", "a function")
        given = [*map(shown, self.inputs), *(f"{k}={shown(v)}" for k, v in self.settings.items())]
        text = f"{name}({', '.join(given)})"
        return text if self.out is None else f"v{self.out} = {text}"


@dataclass
class Program:
    """What a function does with arrays, as a list of calls.

    Attributes
    ----------
    steps : list of Step
        In their order.
    inputs : list of int
        The numbers of the arguments.
    outputs : object
        References, in tuples, lists and dictionaries.
    kinds : list of Kind
        Of each value, its shape, dtype and layout in memory.
    groups : list of int
        Of each value, the number of the first one in the same memory.
    names : dict of str
        Of some values, what they are called.
    kept : int
        How many of the outputs, the first ones, a step keeps where it has put them.
    """

    steps: list[Step]
    inputs: list[int]
    outputs: Any
    kinds: list[Kind]
    groups: list[int]
    names: dict[int, str] = field(default_factory=dict)
    kept: int = 0

    def __str__(self) -> str:
        first = f"inputs: {', '.join(f'v{n}' for n in self.inputs)}"
        return "\n".join([first, *map(str, self.steps), f"outputs: {self.outputs}"])


def shown(x) -> str:
    """An input of a step in a few letters."""
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}"
    return getattr(x, "__name__", None) or repr(x)


def used(step: Step) -> list[int]:
    """The numbers of the values that a step uses."""
    if step.uses is None:
        step.uses = [r.number for r in refs((step.inputs, step.settings))]
    return step.uses.copy()


def may_be_shared(program: Program) -> Callable[[Step], bool]:
    """A function that says whether the result of a step may be used instead of another.

    That of a step that writes may not, nor an array of its own that is written to later.
    """
    written = {program.groups[n] for step in program.steps for n in step.writes}

    def answer(step: Step) -> bool:
        own = step.out is not None and program.groups[step.out] == step.out
        return not step.writes and not (own and step.out in written)

    return answer


def copied_by(program: Program, step: Step) -> int | None:
    """The value that a step only copies, array and layout; None if it does anything else."""
    copying = np.copy, METHODS["copy"], METHODS["astype"]
    if step.function not in copying or step.out is None or len(used(step)) != 1:
        return None
    (n,) = used(step)
    kinds, owner = program.kinds, program.groups[n]
    alike = kinds[n] == kinds[step.out] and kinds[owner].size == kinds[n].size
    return n if alike else None


HOLD_NOTHING = frozenset([type(None), bool, int, float, str, np.ndarray, np.float32, np.float64])


def of_the_kind(x, parts: list):
    """A list or a tuple like another one, with other parts."""
    if type(x) in (tuple, list):
        return type(x)(parts)
    made = tuple.__new__(type(x), parts)
    if hasattr(x, "__dict__"):
        vars(made).update(vars(x))
    return made


def refs(x) -> list[Ref]:
    """All references in nested tuples, lists, slices and dictionaries."""
    found: list[Ref] = []
    add_refs((x,), found)
    return found


def add_refs(parts: Iterable, found: list[Ref]) -> None:
    """Add all references in some things to a list."""
    for x in parts:
        kind = type(x)
        if kind is Ref:
            found.append(x)
        elif kind in HOLD_NOTHING:
            continue
        elif kind is tuple or kind is list:
            add_refs(x, found)
        elif kind is dict:
            add_refs(x.values(), found)
        elif kind is slice:
            add_refs((x.start, x.stop, x.step), found)
        elif kind is Step:
            add_refs(x.inputs, found)


def filled(x, values: Callable):
    """The same, with ``values(number)`` for each reference."""
    kind = type(x)
    if kind is Ref:
        return values(x.number)
    if kind is tuple or kind is list:
        return kind(
            [
                values(part.number)
                if type(part) is Ref
                else part
                if type(part) in HOLD_NOTHING
                else filled(part, values)
                for part in x
            ]
        )
    if kind is slice:
        return slice(*filled((x.start, x.stop, x.step), values))
    return {k: filled(part, values) for k, part in x.items()} if kind is dict and x else x


def with_numbers(step: Step, new: Callable[[int], int], out: int | None) -> Step:
    """The same step for other values, and with another result."""

    def change(n: int) -> Ref:
        return ref(new(n))

    given = filled(step.inputs, change), filled(step.settings, change)
    made = Step(step.function, *given, list(map(new, step.writes)), step.line, out)
    made.uses = list(map(new, used(step)))
    return made


def renamed(step: Step, same: dict[int, int]) -> Step:
    """A step with other values where `same` has one."""
    if same.keys().isdisjoint(used(step)) and same.keys().isdisjoint(step.writes):
        return step
    return with_numbers(step, lambda n: same.get(n, n), step.out)


def joined(program, same: dict[int, int]):
    """A program whose outputs and memory are those of the values that have become one."""

    def change(n: int) -> Ref:
        return ref(same.get(n, n))

    outputs = filled(program.outputs, change)
    groups = list(program.groups)
    for n, other in same.items():
        if groups[n] == n:
            groups[n] = groups[other]
    return replace(program, outputs=outputs, groups=[groups[g] for g in groups])

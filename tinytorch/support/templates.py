"""How what a step returns, and keeps, is made of the results of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.support.programs import of_the_kind
from tinytorch.support.stand_ins import CannotTrace, StandInMethods, is_tensor, numbers_in
from tinytorch.support.variables import bare_tensor
from tinytorch.support.writing import by_value

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.dtype, np.generic)


def nested(x) -> bool:
    """Whether it is a tuple, also a named one, a list or a dictionary."""
    return type(x) in (list, dict) or isinstance(x, tuple)


def replaced(x, change: Callable):
    """Nested tuples, lists and dictionaries, with `change` of everything in them."""
    if type(x) is list or isinstance(x, tuple):
        return of_the_kind(x, [replaced(part, change) for part in x])
    if type(x) is dict:
        return {key: replaced(part, change) for key, part in x.items()}
    return change(x)


def like(tensor, array):
    """A Tensor, or a Variable that requires no gradient, with another array."""
    bare = bare_tensor(array)
    return type(tensor)(bare, requires_grad=False) if hasattr(tensor, "grad_fn") else bare


class Part:
    """A place in a template: which result, or which constant, and in what Tensor."""

    def __init__(self, number: int | None, constant, tensor=None):
        self.number, self.constant, self.tensor = number, constant, tensor

    def __eq__(self, other) -> bool:
        return isinstance(other, Part) and self.described() == other.described()

    def described(self) -> tuple:
        """What it is, to be compared."""
        return self.number, by_value(self.constant), type(self.tensor)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Place:
    """In a template, the array itself that a slot held when the step was called."""

    slot: int


class Template:
    """How outputs, and new contents of slots, are made of the results of a program."""

    def __init__(self):
        self.found: list = []
        self.kept = 0  # how many of these, the first ones, go into slots
        self.outputs: Any = None
        self.changes: list = []
        self.made: list = []

    @property
    def has_each_once(self) -> bool:
        """Whether each slot gets a new array, that no other gets."""
        numbers = [x.number for x in self.found[: self.kept]]
        new = all(type(part) is Part for _, part in self.changes)
        return new and len(set(numbers)) == len(numbers)

    def part(self, x) -> Part:
        """The part for something that came out."""
        held = numbers_in(x)
        if isinstance(held, StandInMethods):
            self.found.append(held)
            number = len(self.found) - 1
            return Part(number, None, x if is_tensor(x) else None)
        if is_tensor(x):
            return Part(None, np.array(held), x)
        if not isinstance(x, (*PLAIN, np.ndarray, np.random.Generator)) and not callable(x):
            raise CannotTrace(
                f"the step returns, or keeps, {x!r:.60}, which a compiled step cannot make anew; "
                "use arrays, Tensors, and tuples, lists and dictionaries of them"
            )
        return Part(None, x)

    def __eq__(self, other) -> bool:
        parts = (self.outputs, self.changes, self.made)
        return isinstance(other, Template) and parts == (other.outputs, other.changes, other.made)

    __hash__ = None  # type: ignore[assignment]


def built(x, results: list):
    """Nested tuples, lists and dictionaries with each part filled in."""
    if type(x) is Part and x.number is not None:
        return results[x.number] if x.tensor is None else like(x.tensor, results[x.number])
    if type(x) is list or isinstance(x, tuple):
        return of_the_kind(x, [built(part, results) for part in x])
    if type(x) is dict:
        return {key: built(part, results) for key, part in x.items()}
    value = np.array(x.constant) if type(x.constant) is np.ndarray else x.constant
    return value if x.tensor is None else like(x.tensor, value)

"""A quick look before a call: is all as it was at the call before, but for the numbers in arrays?

Most calls of a compiled step are like the one before. So what a step refers to is read by one
function that is written for it, without a call for each place; and what it is given is compared
with what it was given then. Whatever is new is left to those who look closely.
"""

from __future__ import annotations

import functools
import keyword
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.support.recording import ENABLED
from tinytorch.support.stand_ins import is_tensor, memory_owner, numbers_in
from tinytorch.support.templates import PLAIN
from tinytorch.support.walking import GONE, AsItIs, Walk, held_by

LEAVES = (np.ndarray, np.random.Generator, *PLAIN)
MOST = 5000  # places; a function that looks at more would take long to compile
Form = Callable[[Any], tuple | None]


# ---- What a step refers to


class Names:
    """Names for objects, each the same one again."""

    def __init__(self):
        self.space: dict[str, Any] = {}
        self.known: dict[int, str] = {}

    def __call__(self, x) -> str:
        name = self.known.setdefault(id(x), f"x{len(self.known)}")
        self.space[name] = x
        return name

    def read(self, get: Callable) -> str:
        """The text that does what a slot's `get` does, without calling it if that can be."""
        function: Any = getattr(get, "func", None)
        given: Any = getattr(get, "args", ())
        if function is getattr and given[1].isidentifier() and not keyword.iskeyword(given[1]):
            return f"{self(given[0])}.{given[1]}"
        if function is held_by:
            return f"{self(given[0])}.data.data"
        owner: Any = getattr(function, "__self__", None)
        if type(owner) in (list, dict) and function == owner.__getitem__:
            key = given[0]
            return f"{self(owner)}[{key if type(key) is int else self(key)}]"
        return f"{self(get)}()"


def watcher(walk: Walk, layouts: list) -> Callable[[list], list | None]:
    """A function that takes what was in all slots, and gives those that hold other objects now.

    It gives pairs of a slot's number and the new object; None if an object on the way is another
    one, a collection has grown or shrunk, or an array has another layout than in `layouts`.
    """
    if len(walk.slots) + len(walk.edges) > MOST:
        return lambda known: None
    names = Names()
    lines = [
        f"if list({names(c)}) != {names(keys)}: return None"
        if type(keys) is list and id(c) in walk.seen  # of attributes, the order is no matter
        else f"if len({names(c)}) != {length}: return None"
        for (_, c), length, keys in zip(walk.collections, walk.lengths, walk.keys, strict=True)
    ]
    lines += [
        f"if {names.read(slot.get)} is not {names(thing)}: return None"
        for slot, thing in walk.edges
    ]
    lines.append(f"[{', '.join(f'k{i}' for i in range(len(walk.slots)))}] = known")
    for i, slot in enumerate(walk.slots):
        if not isinstance(slot, AsItIs):
            lines.append(f"now = {names.read(slot.get)}")
            if layouts[i] is not None:
                shape, strides, dtype = map(names, layouts[i])
                lines.append(f"if now.shape != {shape} or now.strides != {strides}: return None")
                lines.append(f"if now.dtype is not {dtype}: return None")
            lines.append(f"if now is not k{i}: changed.append(({i}, now))")
    body = "\n".join(f"        {line}" for line in ["changed = []", *lines, "return changed"])
    text = f"def watch(known):\n    try:\n{body}\n    except GONE:\n        return None\n"
    names.space["GONE"] = GONE
    exec(compile(text, "<step>", "exec"), names.space)
    return names.space["watch"]


# ---- What it is given: functions that give the values in an argument, or None if it is another one


def form(x, is_counted: bool) -> Form | None:
    """What tells whether another argument is like this one; None if that has to be looked at."""
    kind = type(x)
    if kind is np.ndarray:
        return array_like(x)
    if is_tensor(x):
        plain = type(numbers_in(x)) is np.ndarray and not x.requires_grad
        return tensor_like(x) if plain else None
    if is_counted:
        return lambda other: (other,) if type(other) is kind else None
    if kind in (tuple, list, dict) or isinstance(x, tuple):
        return None
    if kind in (bool, int, str):
        return lambda other: (other,) if type(other) is kind and other == x else None
    values = (x,) if isinstance(x, LEAVES) else ()
    return lambda other: values if other is x else None


def array_like(x: np.ndarray) -> Form:
    """The form of an array: its shape, strides and dtype."""
    shape, strides, dtype = x.shape, x.strides, x.dtype

    def values(other):
        if (
            type(other) is np.ndarray
            and other.shape == shape
            and other.strides == strides
            and other.dtype == dtype
        ):
            return (other,)
        return None

    return values


def tensor_like(x) -> Form:
    """The form of a Tensor, or a Variable, that requires no gradient."""
    kind, like, deep = type(x), array_like(numbers_in(x)), not isinstance(x, Tensor)

    def values(other):
        if type(other) is not kind or other.requires_grad is not False:
            return None
        if deep and other.grad_fn is not None:
            return None
        found = other.data.data if deep else other.data
        return None if like(found) is None else (found, False)

    return values


# ---- The call before


class Before:
    """What a call was like that a program was ready for.

    Parameters
    ----------
    call : Call
        It is not kept, nor are the arrays that it was given.

    Attributes
    ----------
    key : int
        That of the call.
    """

    def __init__(self, call):
        holders = self.holders = call.holders
        self.walk, self.taken, self.key, self.names = call.walk, holders.taken, call.key, call.names
        self.part, self.records = holders.part, ENABLED.get()
        self.many, self.settings = len(call.arguments), tuple(call.settings)
        self.forms: list[Any] = [form(x, call.is_value(x)) for _, x in call.given]
        nested = len(self.forms) != self.many + len(self.settings)
        self.is_plain = not nested and None not in self.forms and not call.sharing()
        first = len(self.walk.slots)
        self.places = [i for i in self.taken if i < first]
        own = len(call.own_values)
        self.own_places = [(i - first, i) for i in self.taken if first <= i < first + own]
        self.arrays = [i for i, x in enumerate(call.own_values) if isinstance(x, np.ndarray)]
        self.alike, self.found = alike(holders.values), self.places_of(call.own_values)
        alone = self.found == [-1 - i for i in self.arrays]
        self.is_elsewhere = not alone or len(self.own_places) < len(self.arrays)

    @functools.cached_property
    def watch(self) -> Callable[[list], list | None]:
        """What tells what has changed; it is written when a second call is like the first."""
        return self.holders.watch()

    def is_valid(self) -> bool:
        """Whether what is referred to is still the same, but for the numbers in arrays."""
        now = self.holders
        same = now.walk is self.walk and now.taken is self.taken and now.part is self.part
        return same and self.is_plain

    def again(self, arguments: tuple, settings: dict) -> list | None:
        """The values in the arguments, if a call is like the one before; else None."""
        if not self.is_valid():
            return None
        if ENABLED.get() is not self.records:
            return None
        if len(arguments) != self.many or (
            (settings or self.settings) and tuple(settings) != self.settings
        ):
            return None
        own: list = []
        given = (*arguments, *settings.values()) if settings else arguments
        for like, x in zip(self.forms, given, strict=True):
            found = like(x)
            if found is None:
                return None
            own += found
        same = self.is_as_it_was() and self.are_the_same(own) and self.are_apart(own)
        return own if same else None

    def is_as_it_was(self) -> bool:
        """Whether only numbers have changed in what is referred to; what is new is kept then."""
        holders = self.holders
        changed = self.watch(holders.values)
        if not changed:
            return changed is not None
        for i, now in changed:
            if not holders.takes_instead(i, now):
                return False
            holders.values[i] = now
            holders.forget_owner(i)
            if i not in holders.made:  # those are new gradients, most often
                holders.kept = None
        return holders.kept is not None or alike(holders.values) == self.alike

    def are_the_same(self, own: list) -> bool:
        """Whether what is given is also in the slots in which it was, or in none as before."""
        kept = self.holders.kept
        if kept is None:
            kept = self.holders.arrays_kept()
        if not self.is_elsewhere:
            return kept.keys().isdisjoint([id(own[i]) for i in self.arrays])
        return self.places_of(own) == self.found

    def places_of(self, own: list) -> list:
        """Of each array that is given, the slot that also holds it, or the place in which it is."""
        kept, found = self.holders.arrays_kept(), dict[int, int]()
        return [kept.get(id(own[i]), found.setdefault(id(own[i]), -1 - i)) for i in self.arrays]

    def are_apart(self, own: list) -> bool:
        """Whether no two of the arrays that programs take are in the same memory."""
        apart = self.holders.apart
        if apart is None:
            found = [self.holders.owner(i) for i in self.places]
            apart = set(found)
            if len(apart) < len(found):
                return False
            self.holders.apart = apart
        mine = [owner_number(own[i], place) for i, place in self.own_places]
        return apart.isdisjoint(mine) and (len(mine) < 2 or len(set(mine)) == len(mine))


def alike(values: list) -> tuple:
    """Which arrays are one and the same object, which a step may ask for; nothing if none are."""
    numbers = [id(x) for x in values if isinstance(x, np.ndarray)]
    if len(set(numbers)) == len(numbers):
        return ()
    first: dict[int, int] = {}
    return tuple([first.setdefault(n, i) for i, n in enumerate(numbers)])


def owner_number(value, place: int) -> int:
    """What tells the memory of an array from that of others; of other things, always another."""
    return memory_owner(value) if isinstance(value, np.ndarray) else -place

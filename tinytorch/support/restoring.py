"""What a step changes while it is traced: it is put back, or refused if only a trace would do it.

A program gives new contents to slots, which hold arrays, generators and numbers. If a step puts
another object where a list, a Tensor or a function was, or makes a list longer, the program would
go on with the old one.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import operator
import pickle
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinytorch.support.losses import name_of
from tinytorch.support.stand_ins import SAID, CannotTrace, refused, stand_ins
from tinytorch.support.templates import nested
from tinytorch.support.walking import CACHED, GONE, Slot, Walk

NOTHING = object()


class OutOfReach:
    """Stands for an iterator while a step is traced: what it gives next is known to nobody."""

    def __iter__(self) -> OutOfReach:
        return self

    def __next__(self):
        raise refused("next")

    def __getattr__(self, name: str):
        raise refused("next")


def is_iterator(thing) -> bool:
    """Whether it is one of Python's own iterators, which forget what they have given."""
    return isinstance(thing, Iterator) and type(thing).__module__ in ("builtins", "itertools")


def looked_through(function) -> Callable:
    """A function that remembers its results, while a step is traced.

    It may give what somebody keeps, and what never changes. What it computes of arrays is refused:
    the plain step would get the first of these results for ever, and a program new ones.
    """

    @functools.wraps(function.__wrapped__)
    def called(*inputs, **settings):
        begin = len(SAID.steps)
        out = function.__wrapped__(*inputs, **settings)
        name, noted = name_of(function.__wrapped__), SAID.steps[begin:]
        if any(step.writes for step in noted):
            raise refused("keeps", name)
        found = stand_ins(out)
        if not {x.number for x in found}.isdisjoint(step.out for step in noted):
            raise refused("remembers", name)
        return out if found else function(*inputs, **settings)

    return called


@contextlib.contextmanager
def no_draws(walk: Walk) -> Iterator[None]:
    """Refuse a step that draws from a source that is not followed, and put that back.

    Two traces would not show it where a coin falls the same way twice. Generators of numpy are no
    such sources: what is drawn from them is a step of the program.
    """
    sources = [random, np.random, *(thing for _, thing in walk.edges if is_source(thing))]
    before = [state_of(source) for source in sources]
    drawn = []
    try:
        yield
    finally:
        for source, state in zip(sources, before, strict=True):
            if state_of(source) != state:
                drawn.append(getattr(source, "__name__", type(source).__name__))
                set_state(source, state)
    if drawn:
        raise CannotTrace(
            f"the step draws from {drawn[0]}, which a compiled step cannot follow; draw from a "
            "generator that the step refers to (numpy.random.default_rng)"
        )


@contextlib.contextmanager
def no_files() -> Iterator[None]:
    """Refuse a step that reads a file: what was in it would be frozen."""
    plain, thread, read = builtins.open, threading.get_ident(), []

    def opened(file, mode="r", *rest, **settings):
        reads = not {"r", "+"}.isdisjoint(mode) and not str(file).endswith(".py")
        if reads and threading.get_ident() == thread:  # others' files are no matter
            read.append(file)
        return plain(file, mode, *rest, **settings)

    builtins.open = io.open = opened
    try:
        yield
    finally:
        builtins.open = io.open = plain
    if read:
        raise CannotTrace(
            f"the step reads {str(read[0])!r}, and a compiled step would go on with what is in it "
            "now; read it outside, and give the step what you have read"
        )


def is_source(thing) -> bool:
    """Whether it gives random numbers from a state that can be asked for."""
    followed_by_nobody = isinstance(thing, random.SystemRandom)  # it has no state
    return isinstance(thing, (random.Random, np.random.RandomState)) and not followed_by_nobody


def state_of(source) -> Any:
    """What decides the next numbers of a source."""
    if hasattr(source, "getstate"):
        return source.getstate()
    return pickle.dumps(source.get_state(legacy=False))


def set_state(source, state: Any) -> None:
    """Give a source the state that it had."""
    if hasattr(source, "setstate"):
        source.setstate(state)
    else:
        source.set_state(pickle.loads(state))


@contextlib.contextmanager
def restored(call) -> Iterator[None]:
    """Afterwards, everything that a call knows is as it was."""
    inside = [(c, c.copy()) for _, c in call.walk.collections]
    SAID.begin()
    held = [(slot, thing) for slot, thing in call.walk.edges if not slot.is_condition]
    try:
        for slot, thing in held:
            if isinstance(thing, CACHED):
                slot.put(looked_through(thing))
            elif is_iterator(thing):
                slot.put(OutOfReach())
        yield
    finally:
        SAID.end()
        for collection, copy in inside:
            put_back(collection, copy)
        for slot, value in [*zip(call.slots, call.values, strict=True), *held]:
            if content(slot) is not value:
                slot.put(value)


@contextlib.contextmanager
def nothing_caught() -> Iterator[None]:
    """Raise the first of what was refused, whatever a step has made of it."""
    try:
        yield
    except Exception:
        if SAID.refusals:
            raise SAID.refusals[0] from None
        raise
    for error in [*SAID.refusals, *SAID.errors]:
        raise error


@contextlib.contextmanager
def unchanged(arguments: list) -> Iterator[None]:
    """Refuse a step that changes a list or a dictionary that it is given: it is a copy here."""
    before = [(part, part.copy()) for part in collections_in(arguments)]
    yield
    for part, copy in before:
        if len(part) != len(copy) or any(map(operator.is_not, flat(part), flat(copy))):
            raise CannotTrace(
                f"the step changes a {type(part).__name__} that it is given; return the new value "
                "instead, and put it there outside"
            )


def collections_in(x) -> Iterator[Any]:
    """The lists and dictionaries in nested tuples, lists and dictionaries."""
    if type(x) in (list, dict):
        yield x
    if nested(x):
        for part in x.values() if type(x) is dict else x:
            yield from collections_in(part)


def flat(x) -> Iterable:
    """The elements of a list; of a dictionary, its keys and then its values."""
    return [*x, *x.values()] if type(x) is dict else x


def put_back(collection, copy) -> None:
    """Give a list, a deque or a dictionary what it had."""
    if isinstance(collection, list):
        collection[:] = copy
    elif isinstance(collection, deque):
        if len(collection) != len(copy) or any(map(operator.is_not, collection, copy)):
            collection.clear()
            collection.extend(copy)
    elif collection.keys() != copy.keys() or any(collection[k] is not copy[k] for k in copy):
        collection.clear()
        collection.update(copy)


def content(slot: Slot) -> Any:
    """What is in a slot; `NOTHING` if the slot is no more."""
    try:
        return slot.get()
    except GONE:
        return NOTHING


def refuse_what_is_lost(walk: Walk, slots: list[Slot]) -> None:
    """Refuse what a step has done to the places that it refers to, and no program would do.

    Raises
    ------
    CannotTrace
        If a list has another length, a place is no more, or another object is in it.
    """
    refuse_growth(walk)
    for slot in slots:
        if content(slot) is NOTHING:
            raise removed(slot)
    for slot, thing in walk.edges:
        if not slot.is_condition:
            now = content(slot)
            if now is NOTHING:
                raise removed(slot)
            if now is not thing and not may_be_instead(now, thing):
                raise CannotTrace(
                    f"the step puts another object into {slot.name or 'a place'}, and a compiled "
                    f"step goes on with the {type(thing).__name__} that it knows; change what is "
                    "in that one (of a list, old[:] = new; of a Tensor, old.data = new.data), or "
                    "return the new one"
                )


def refuse_growth(walk: Walk) -> None:
    """Refuse lists that a step has made longer: only the trace would do so."""
    for (name, collection), length in zip(walk.collections, walk.lengths, strict=True):
        if isinstance(collection, (list, deque)) and len(collection) != length:
            raise CannotTrace(
                f"the step changes the length of the list {name}; return the value instead, and "
                "put it into the list outside"
            )


def may_be_instead(now, thing) -> bool:
    """Whether it is a tuple whose items have slots, or what stands for something in a trace."""
    if isinstance(thing, CACHED):
        return getattr(now, "__wrapped__", None) is thing.__wrapped__
    if is_iterator(thing):
        return type(now) is OutOfReach
    return isinstance(thing, tuple) and type(now) is type(thing) and len(now) == len(thing)


def removed(slot: Slot) -> CannotTrace:
    """The error of a step that takes away what it refers to."""
    return CannotTrace(
        f"the step removes {slot.name or 'a place'}, which a compiled step looks at before each "
        "call; set it to None instead"
    )

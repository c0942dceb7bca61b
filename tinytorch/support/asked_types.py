"""What ``type(x)`` gives while a step is traced: the type of what `x` stands in for.

Python lets no object say that of itself, nor refuse to tell its ``id(x)``. So where a user's
functions name these, they are for that time others, which ask the example, and refuse.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator

from tinytorch.support.stand_ins import StandInMethods, refused
from tinytorch.support.walking import Walk, is_stateless, names_in


class Asking(type):
    """The type of that class; it is for everything else what `type` is."""

    def __call__(cls, *given, **settings):
        if cls is not TypeOf:  # a class of classes that a step makes
            return super().__call__(*given, **settings)
        if len(given) != 1 or settings:
            return type(*given, **settings)
        kind = type(given[0])
        if issubclass(kind, StandInMethods):
            return type(given[0].example)
        return cls if kind is type else kind

    def __instancecheck__(cls, x) -> bool:
        return isinstance(x, type) if cls is TypeOf else super().__instancecheck__(x)

    def __subclasscheck__(cls, kind) -> bool:
        return issubclass(kind, type) if cls is TypeOf else super().__subclasscheck__(kind)


class TypeOf(type, metaclass=Asking):
    """`type`, with the type of its example for what stands in for something."""


TypeOf.__name__ = TypeOf.__qualname__ = "type"


def id_of(x, /) -> int:
    """`id`, which nobody is told of what stands in for an array."""
    if issubclass(type(x), StandInMethods):
        raise refused("id")
    return id(x)


OTHERS = {"type": TypeOf, "id": id_of}


@contextlib.contextmanager
def types_of_examples(walk: Walk) -> Iterator[None]:
    """Have ``type(x)`` give the type of the example, in what a user's functions name."""
    functions = [f for f in walk.seen.values() if isinstance(f, types.FunctionType)]
    changed = {(id(f.__globals__), name): f.__globals__ for f in functions for name in named_by(f)}
    for (_, name), space in changed.items():
        space[name] = OTHERS[name]
    try:
        yield
    finally:
        for (_, name), space in changed.items():
            del space[name]


def named_by(function: types.FunctionType) -> set[str]:
    """Which of Python's own functions a user's function names that are others in a trace."""
    if is_stateless(function.__module__):
        return set()
    return OTHERS.keys() & set(names_in(function.__code__)) - function.__globals__.keys()

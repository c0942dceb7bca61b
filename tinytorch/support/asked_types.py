"""What ``type(x)`` gives while a step is traced: the type of what `x` stands in for.

Python lets no object say that of itself. So where a user's functions name `type`, it is for that
time a class that asks the example.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator

from tinytorch.support.stand_ins import StandInMethods
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


@contextlib.contextmanager
def types_of_examples(walk: Walk) -> Iterator[None]:
    """Have ``type(x)`` give the type of the example, in what a user's functions name."""
    functions = [f for f in walk.seen.values() if isinstance(f, types.FunctionType)]
    spaces = {id(f.__globals__): f.__globals__ for f in functions if names_type(f)}.values()
    for space in spaces:
        space["type"] = TypeOf
    try:
        yield
    finally:
        for space in spaces:
            del space["type"]


def names_type(function: types.FunctionType) -> bool:
    """Whether a function of a user's names Python's own `type`."""
    if is_stateless(function.__module__) or "type" in function.__globals__:
        return False
    return "type" in names_in(function.__code__)

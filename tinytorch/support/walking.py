"""Everything that a step refers to: the places of arrays, generators and numbers.

A slot is a place that holds one of them, such as ``network.layers[0].weights.data``. They are found
by walking through what the step refers to, and through the arguments that it is given. An array
that is not found is read once, while the step is traced: what is computed of it alone is frozen. So
whatever a person may keep an array in is walked through.
"""

from __future__ import annotations

import array
import contextvars
import functools
import mmap
import os
import sys
import threading
import types
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinytorch.support.programs import of_the_kind
from tinytorch.support.stand_ins import is_tensor
from tinytorch.support.templates import PLAIN
from tinytorch.support.variables import bare_tensor
from tinytorch.support.writing import by_value

NOT_WALKED = (types.BuiltinFunctionType, np.ufunc)
NOT_OF_THESE = ("numpy", "matplotlib", "_thread", "threading", "concurrent", "asyncio", "logging")
STATELESS = {"numpy", "matplotlib", "tinytorch", *sys.stdlib_module_names}
GONE = AttributeError, IndexError, KeyError, ValueError  # what a place says that is no more
CACHED = type(functools.lru_cache(len))  # a function that remembers its results


class Slot:
    """A place that holds a value: an attribute, an element, a variable of an enclosing function.

    Attributes
    ----------
    place : tuple or None
        What tells it from others, however it was come to.
    is_condition : bool
        Whether it only says if something still holds, and nothing can be put into it.
    """

    is_condition = False

    def __init__(self, name: str, get: Callable, put: Callable, place: tuple | None = None):
        self.name, self.get, self.put, self.place = name, get, put, place

    def __repr__(self) -> str:
        return self.name


def attribute(owner, key: str, name: str) -> Slot:
    """The slot of an attribute, also of a frozen dataclass."""
    settings = getattr(type(owner), "__dataclass_params__", None)
    change = object.__setattr__ if settings is not None and settings.frozen else setattr
    get, put = functools.partial(getattr, owner, key), functools.partial(change, owner, key)
    return Slot(name, get, put, (id(owner), key))


def element(owner, key, name: str) -> Slot:
    """The slot of an element of a list or a dictionary."""
    get = functools.partial(owner.__getitem__, key)
    return Slot(name, get, functools.partial(owner.__setitem__, key), (id(owner), key))


class AsItIs(Slot):
    """A slot of something that cannot be another thing, and leads on to its parts."""

    def __init__(self, name: str, thing):
        super().__init__(name, lambda: thing, lambda new: None)


def as_it_is(name: str, *things) -> Iterator[Slot]:
    """Slots of some such things."""
    for thing in things:
        yield AsItIs(name, thing)


def item(owner: tuple, i: int, name: str, slot: Slot | None) -> Slot:
    """The slot of an item of a tuple: to put another one there, the tuple is made anew."""
    if slot is None:
        return AsItIs(name, owner[i])

    def put(new) -> None:
        now = slot.get()
        if now[i] is not new:
            slot.put(of_the_kind(now, [*now[:i], new, *now[i + 1 :]]))

    return Slot(name, lambda: slot.get()[i], put)


def part_of_tuple(slot: Slot, key: str, name: str) -> Slot:
    """The slot of an attribute of a tuple, which may be another one by then."""
    return Slot(
        f"{name}_{key}",
        lambda: getattr(slot.get(), key),
        lambda new: setattr(slot.get(), key, new),
    )


def data_of(tensor, name: str) -> Slot:
    """The slot of the array in a Tensor or a Variable."""
    if not hasattr(tensor, "grad_fn"):
        return attribute(tensor, "data", name)

    def put(array) -> None:
        if array is not tensor.data.data:
            tensor.data = bare_tensor(array)

    return Slot(name, functools.partial(held_by, tensor), put)


def held_by(variable) -> np.ndarray:
    """The array in a Variable."""
    return variable.data.data


class Walk:
    """All slots of some things, and the collections that they are in.

    Attributes
    ----------
    slots : list of Slot
        Those that hold an array, a generator or a plain value.
    edges : list of (Slot, object)
        What gives an object on the way, and which it was.
    collections : list of (name, collection)
        Lists, dictionaries and dictionaries of attributes.
    """

    def __init__(self, things: Iterable[tuple[str, Slot | None, Any]]):
        self.slots: list[Slot] = []
        self.edges: list[tuple[Slot, Any]] = []
        self.collections: list[tuple[str, Any]] = []
        self.seen: dict[int, Any] = {}
        self.places: set[tuple] = set()
        self.taken: Counter = Counter()
        for name, slot, thing in things:
            self.visit(name, slot, thing)
        self.lengths = [len(c) for _, c in self.collections]
        self.keys = [keys_of(c) for _, c in self.collections]

    def visit(self, name: str, slot: Slot | None, thing) -> None:
        """Note what a slot holds, and go on to its parts."""
        if is_value(thing):
            if slot is not None and slot.place not in self.places:
                self.add(slot)
            return
        if slot is not None and not isinstance(slot, AsItIs):
            self.edges.append((slot, thing))
        if id(thing) in self.seen or isinstance(thing, NOT_WALKED):
            return
        if not isinstance(thing, tuple):  # each place of a tuple gets another one in a trace
            self.seen[id(thing)] = thing
        for part in parts_of(thing, name, self.collections, slot):
            self.visit(part.name, part, part.get())

    def add(self, slot: Slot) -> None:
        """One more slot, with a name that no other has."""
        if slot.place is not None:
            self.places.add(slot.place)
        self.taken[slot.name] += 1
        if self.taken[slot.name] > 1:  # of two functions, perhaps
            slot.name += f"_{self.taken[slot.name]}"
        self.slots.append(slot)

    def is_as_it_was(self) -> bool:
        """Whether all objects are where they were, and no collection has grown or shrunk."""
        for slot, thing in self.edges:
            try:
                if slot.get() is not thing:
                    return False
            except GONE:
                return False
        return self.keys == [keys_of(c) for _, c in self.collections]


def keys_of(collection) -> int | list:
    """The keys of a dictionary, in their order; of a list, how many there are."""
    return list(collection) if isinstance(collection, dict) else len(collection)


def while_it_is(name: str, thing, condition: Callable[[], bool]) -> Slot:
    """A slot that holds a thing already known as long as a condition does."""
    slot = Slot(name, lambda: thing if condition() else None, lambda new: None)
    slot.is_condition = True
    return slot


def is_value(thing) -> bool:
    """Whether it is an array of numbers, a generator or a plain value, which has no parts."""
    if isinstance(thing, np.ndarray):
        return thing.dtype != object
    return isinstance(thing, (np.random.Generator, *PLAIN))


def parts_of(thing, name: str, collections: list, slot: Slot | None) -> Iterator[Slot]:
    """The slots directly in a thing, which is itself in a slot."""
    if is_tensor(thing):
        if getattr(thing, "grad_fn", None) is None:
            yield data_of(thing, name)
            yield attribute(thing, "grad", f"{name}_grad")
            yield attribute(thing, "requires_grad", f"{name}_requires_grad")
        return
    if hasattr(type(thing), "is_compiled_step"):
        yield from as_it_is(name, thing.refers_to)
    elif isinstance(thing, types.FunctionType):
        yield from referred_to(thing)
    elif isinstance(thing, type):
        yield from parts_of_class(thing, name)
    elif isinstance(thing, types.ModuleType):  # in a variable of its own, or in an attribute
        if not is_stateless(thing.__name__):
            public = [key for key in vars(thing) if not key.startswith("__")]
            yield from (element(vars(thing), key, key) for key in public)
    elif isinstance(thing, weakref.ref):
        yield weakly_held(thing, name)
    elif isinstance(thing, (types.MethodType, functools.partial)):
        yield from parts_of_callable(thing, name)
    else:
        yield from inside(thing, name, collections, slot)
        if isinstance(thing, tuple) and slot is not None:
            yield from (part_of_tuple(slot, key, name) for key in getattr(thing, "__dict__", ()))
        elif is_walked(thing):
            yield from attributes_of(thing, name, collections)
        if not is_stateless(type(thing).__module__):
            yield attribute(thing, "__class__", name)


def parts_of_callable(thing, name: str) -> Iterator[Slot]:
    """What a method, or a partial function, is made of."""
    if isinstance(thing, types.MethodType):
        yield from as_it_is(name, thing.__self__, thing.__func__)
    else:
        yield Slot(name, lambda: thing.args, functools.partial(put_arguments, thing))
        yield from as_it_is(name, thing.func, thing.keywords, vars(thing))


def inside(thing, name: str, collections: list, slot: Slot | None) -> Iterator[Slot]:
    """What a collection holds."""
    if isinstance(thing, (list, dict, deque)):
        collections.append((name, thing))
        for key in list(thing) if isinstance(thing, dict) else range(len(thing)):
            yield element(thing, key, f"{name}_{key}")
    elif isinstance(thing, np.ndarray):
        yield from (element(thing, i, f"{name}_{i}") for i in np.ndindex(thing.shape))
    elif isinstance(thing, tuple):
        yield from (item(thing, i, f"{name}_{i}", slot) for i in range(len(thing)))
    elif isinstance(thing, types.MappingProxyType):
        yield from as_it_is(name, hidden(thing))
    elif isinstance(thing, (bytearray, array.array, memoryview, mmap.mmap)) or is_of_ctypes(thing):
        content = bytes(thing)
        yield while_it_is(name, thing, lambda: bytes(thing) == content)
    elif isinstance(thing, contextvars.ContextVar):
        yield Slot(name, functools.partial(value_in, thing), thing.set, (id(thing), "value"))
    elif isinstance(thing, (set, frozenset)):
        before = set(thing)
        yield while_it_is(name, thing, lambda: thing == before)
        yield from as_it_is(name, *before)


def is_of_ctypes(thing) -> bool:
    """Whether it is a number, an array or a structure as C has them."""
    return any(kind.__module__ == "_ctypes" for kind in type(thing).__mro__)


def value_in(variable: contextvars.ContextVar):
    """What a variable of a context holds; None if nothing."""
    try:
        return variable.get()
    except LookupError:
        return None


def weakly_held(reference: weakref.ref, name: str) -> Slot:
    """The slot of what a weak reference leads to, where nothing can be put instead."""
    thing = reference()
    if not is_value(thing):
        return Slot(name, reference, lambda new: None)
    before = by_value(thing)
    return while_it_is(name, reference, lambda: by_value(reference()) == before)


def put_arguments(thing: functools.partial, arguments: tuple) -> None:
    """Give a partial function other arguments."""
    thing.__setstate__((thing.func, arguments, thing.keywords, vars(thing)))  # type: ignore[attr-defined]


def hidden(proxy: types.MappingProxyType):
    """The dictionary behind a view of it that cannot be written to."""

    class Asking:
        def __ror__(self, other):
            return other

    return proxy | Asking()


def attributes_of(thing, name: str, collections: list) -> Iterator[Slot]:
    """The attributes of an object, in its dictionary or in slots."""
    own = getattr(thing, "__dict__", None)
    if isinstance(own, dict):
        collections.append((name, own))
        for key in list(own):
            yield attribute(thing, key, f"{name}_{key}" if name else key)
    for kind in type(thing).__mro__:
        for key in vars(kind).get("__slots__", ()):
            if key.startswith("__"):
                continue
            if hasattr(thing, key):
                yield attribute(thing, key, f"{name}_{key}" if name else key)
            else:
                yield while_it_is(key, thing, functools.partial(has_not, thing, key))


def is_walked(thing) -> bool:
    """Whether the attributes of an object may be anybody's."""
    is_private = type(thing).__module__.startswith(NOT_OF_THESE)
    return not is_private or isinstance(thing, threading.local)


@functools.cache
def is_stateless(module: Any) -> bool:
    """Whether a module is no user's own, and holds no state of a step."""
    if not isinstance(module, str):  # of what is built in
        return True
    name = module.partition(".")[0]
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return name in STATELESS or "site-packages" in file or "dist-packages" in file


def parts_of_class(kind: type, name: str) -> Iterator[Slot]:
    """The attributes of a class, and what its methods refer to."""
    if is_stateless(kind.__module__):
        return
    for key, thing in list(vars(kind).items()):
        if key.startswith("__") and key != "__call__" and not isinstance(thing, types.FunctionType):
            continue
        functions = functions_in(thing)
        get, put = functools.partial(vars(kind).get, key), functools.partial(setattr, kind, key)
        yield Slot(key, get, put, (id(kind), key))
        yield from as_it_is(key, *functions)
    many = len(vars(kind))
    yield while_it_is(name, kind, lambda: len(vars(kind)) == many)
    yield from as_it_is(name, *kind.__bases__, type(kind))


def functions_in(thing) -> list:
    """The functions of a method, a property and their like."""
    if isinstance(thing, (staticmethod, classmethod)):
        return [thing.__func__]
    if isinstance(thing, property):
        return [f for f in (thing.fget, thing.fset, thing.fdel) if f is not None]
    if isinstance(thing, functools.cached_property):
        return [thing.func]
    return [thing] if isinstance(thing, types.FunctionType) else []


def referred_to(function: types.FunctionType) -> Iterator[Slot]:
    """The variables that a function's text names, what it has by default, and its attributes.

    The library's own functions hold no state in their module.
    """
    where = function.__module__ or ""
    if where.startswith("numpy"):
        return
    yield attribute(function, "__code__", function.__name__)
    for key, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            cell.cell_contents  # noqa: B018
        except ValueError:
            yield while_it_is(key, function, functools.partial(is_not_filled, cell))
        else:
            yield attribute(cell, "cell_contents", key)
    if function.__defaults__:
        yield attribute(function, "__defaults__", function.__name__)
    if function.__kwdefaults__:
        yield attribute(function, "__kwdefaults__", function.__name__)
    if vars(function):
        yield from as_it_is(function.__name__, vars(function))
    if not where.startswith("tinytorch"):
        names = set(names_in(function.__code__))
        if not names.isdisjoint(("environ", "getenv")):
            yield while_it_is("environ", function, functools.partial(is_set_as, dict(os.environ)))
        missing = names - function.__globals__.keys()
        yield while_it_is(
            function.__name__, function, StillMissing(function.__globals__, missing).all
        )
        yield from globals_in(function.__globals__, names)


def is_set_as(before: dict) -> bool:
    """Whether the variables of the environment are as they were."""
    return dict(os.environ) == before


def has_not(thing, key: str) -> bool:
    """Whether an attribute is not there yet."""
    return not hasattr(thing, key)


def is_not_filled(cell: types.CellType) -> bool:
    """Whether a variable of an enclosing function has no value yet."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


class StillMissing:
    """Whether names are still none of a namespace; they are looked up when that has changed."""

    def __init__(self, namespace: dict, names: set[str]):
        self.namespace, self.names, self.many = namespace, names, len(namespace)

    def all(self) -> bool:
        """Whether all of them are missing."""
        if len(self.namespace) != self.many:
            if not self.names.isdisjoint(self.namespace.keys()):
                return False
            self.many = len(self.namespace)
        return True


def globals_in(namespace: dict, names: set[str]) -> Iterator[Slot]:
    """The global names in a function's text, and those of modules that it names."""
    for key in sorted(names):
        thing = namespace.get(key, sys.modules.get(key))
        if isinstance(thing, types.ModuleType):
            if not is_stateless(thing.__name__) and vars(thing) is not namespace:
                yield from globals_in(vars(thing), names - {key})
        elif key in namespace:
            yield element(namespace, key, key)


def names_in(code: types.CodeType) -> list[str]:
    """The global names in a function's text, also in quotes, and in functions inside it."""
    found = list(code.co_names)
    found += [x for x in code.co_consts if isinstance(x, str) and x.isidentifier()]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += names_in(constant)
    return list(dict.fromkeys(found))

"""Arrays that a compiled step finds wherever a person may keep one: what is in them is never frozen."""

import collections
import dataclasses
import enum
import functools
import logging
import sys
import threading
import types
import typing

import numpy as np
import pytest

from tinytorch.core.autograd import cross_entropy
from tinytorch.core.compiler import compile
from tinytorch.core.layers import Dense

KEPT = np.array([0, 1, 2, 0, 1])
START = KEPT.copy()
Pair = collections.namedtuple("Pair", "other kept")
module = types.ModuleType("a_module_of_a_user")
sys.modules[module.__name__] = module
module.kept = KEPT


@dataclasses.dataclass(frozen=True)
class Frozen:
    kept: object


class Meta(type):
    kept = KEPT


class Holder(metaclass=Meta):
    mine = KEPT

    def method(self):
        return KEPT

    @staticmethod
    def static():
        return KEPT

    @classmethod
    def by_class(cls):
        return cls.mine

    @property
    def asked(self):
        return KEPT

    @functools.cached_property
    def once(self):
        return KEPT

    def __call__(self):
        return KEPT


class Descriptor:
    def __get__(self, owner, kind=None):
        return KEPT


class Described:
    kept = Descriptor()


class ATuple(tuple):
    pass


class AList(list):
    pass


def with_attribute(kind, *parts):
    made = kind(parts)
    made.kept = KEPT
    return made


def objects():
    made = np.empty(1, object)
    made[0] = KEPT
    return made


def decorated(function):
    @functools.wraps(function)
    def call():
        return function()

    return call


def by_default(kept=KEPT):
    return kept


def by_keyword(*, kept=KEPT):
    return kept


def with_it():
    return with_it.kept


with_it.kept = KEPT


def where():
    """A function for each way to keep an array."""
    kept, holder = KEPT, Holder()
    things = {
        "tuple": ((1, kept), lambda t: t[1]),
        "nested tuple": (((kept,), 2), lambda t: t[0][0]),
        "named tuple": (Pair(1, kept), lambda t: t.kept),
        "own tuple": (with_attribute(ATuple, kept), lambda t: t[0]),
        "attribute of a tuple": (with_attribute(ATuple, kept), lambda t: t.kept),
        "own list": (AList([kept]), lambda x: x[0]),
        "attribute of a list": (with_attribute(AList), lambda x: x.kept),
        "deque": (collections.deque([1, kept]), lambda d: d[1]),
        "ordered": (collections.OrderedDict(a=kept), lambda d: d["a"]),
        "default": (collections.defaultdict(list, a=kept), lambda d: d["a"]),
        "chain": (collections.ChainMap({}, {"a": kept}), lambda d: d["a"]),
        "proxy": (types.MappingProxyType({"a": kept}), lambda d: d["a"]),
        "namespace": (types.SimpleNamespace(a=kept), lambda n: n.a),
        "frozen dataclass": (Frozen(kept), lambda f: f.kept),
        "array of objects": (objects(), lambda o: o[0]),
        "partial": (functools.partial(lambda x: x, kept), lambda f: f()),
        "keyword of a partial": (functools.partial(lambda x: x, x=kept), lambda f: f()),
        "default of a function": (by_default, lambda f: f()),
        "default of a keyword": (by_keyword, lambda f: f()),
        "attribute of a function": (with_it, lambda f: f()),
        "function that remembers": (functools.lru_cache(lambda: kept), lambda f: f()),
        "decorated": (decorated(lambda: kept), lambda f: f()),
        "method": (holder.method, lambda f: f()),
        "object that is called": (holder, lambda h: h()),
        "static method": (holder, lambda h: h.static()),
        "class method": (holder, lambda h: h.by_class()),
        "property": (holder, lambda h: h.asked),
        "cached property": (holder, lambda h: h.once),
        "class": (Holder, lambda kind: kind.mine),
        "class of a class": (Holder, lambda kind: kind.kept),
        "descriptor": (Described(), lambda d: d.kept),
        "by its name": (types.SimpleNamespace(a=kept), lambda n: getattr(n, "ab"[:1])),
    }
    found = {name: functools.partial(read, thing) for name, (thing, read) in things.items()}
    return found | {
        "module": lambda: module.kept,
        "all modules": lambda: sys.modules["a_module_of_a_user"].kept,
        "all globals": lambda: globals()["KEPT"],
        "inside": lambda: (lambda: kept)(),
    }


WHERE = where()


def a_step(get, network, x):
    """What is computed of the array alone is not seen by a trace that takes it as it is."""

    def step():
        for p in network.parameters():
            p.grad = None
        loss = cross_entropy(network(x), get()) + (get() * 2).sum()
        loss.backward()
        return loss, [p.grad for p in network.parameters()]

    return step


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
@pytest.mark.parametrize("name", WHERE)
def test_what_is_in_an_array_is_read_at_each_call(name, backend):
    network = Dense(4, 3, np.random.default_rng(0))
    step = a_step(WHERE[name], network, np.random.default_rng(1).normal(size=(5, 4)))
    compiled = compile(step, backend=backend)
    try:
        for labels in (START, START, START, [2, 2, 1, 1, 0], [1, 1, 1, 0, 2]):
            KEPT[:] = labels
            loss, grads = compiled()
            expected, right = step()
            assert loss.item() == expected.item()
            assert all(np.array_equal(g, r) for g, r in zip(grads, right, strict=True))
            assert type(WHERE[name]()) is np.ndarray and WHERE[name]() is KEPT
    finally:
        KEPT[:] = START
    assert compiled.traces <= 3  # a cached property is kept at the first call


def test_what_holds_an_array_is_the_same_object_after_a_trace():
    pair, remembers = Pair(1, KEPT), functools.lru_cache(lambda: KEPT)
    holder = {"pair": pair, "nested": (pair, 3), "remembers": remembers}
    before = dict(holder)
    compiled = compile(lambda: holder["pair"].kept + holder["nested"][0].kept + remembers())
    try:
        for i in range(5):
            KEPT[0] = i
            assert np.array_equal(compiled(), 3 * KEPT)
            assert all(holder[key] is before[key] for key in before)
            assert holder["nested"][0] is pair and pair.kept is KEPT
    finally:
        KEPT[:] = START


def test_what_a_step_names_of_classes_and_libraries_is_only_looked_at():
    class Kind(enum.Enum):
        DOUBLE, HALF = 2.0, 0.5

    class Named(typing.NamedTuple):
        factor: float = 3.0

    @dataclasses.dataclass(frozen=True)
    class Setting:
        kind: Kind = Kind.DOUBLE
        lock: object = dataclasses.field(default_factory=threading.Lock)

    setting, named, log = Setting(), Named(), logging.getLogger("a step")

    def step(x):
        with setting.lock:
            log.debug("named: %s", pytest.approx)
            return x * setting.kind.value * named.factor + Kind["HALF"].value

    compiled = compile(step)
    for i in range(4):
        assert compiled(np.full(2, i)).tolist() == [6.0 * i + 0.5] * 2
    assert len(compiled.holders.walk.slots) < 40


def test_an_array_in_two_places_is_one_value():
    here, there = [KEPT], {"a": KEPT}
    get = decorated(lambda: KEPT)

    def step(x):
        return x + get() + KEPT + here[0] + there["a"]

    compiled = compile(step)
    for i in range(4):
        assert np.array_equal(compiled(np.full(5, i)), i + 4 * KEPT)
        assert here[0] is KEPT and there["a"] is KEPT


def test_named_tuples_are_given_and_returned():
    def step(pair):
        return Pair(pair.kept * 2, (pair.other, pair))

    compiled = compile(step)
    for i in range(4):
        given = Pair(np.full(3, 1.0 * i), np.arange(3.0) + i)
        out = compiled(given)
        assert type(out) is Pair and np.array_equal(out.other, 2 * given.kept)
        other, again = out.kept
        assert type(again) is Pair
        assert np.array_equal(other, given.other) and np.array_equal(again.kept, given.kept)


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
def test_a_compiled_step_without_arguments_runs_inside_another(backend):
    weights = np.arange(3.0)
    inner = compile(lambda: weights * 2, backend="c")
    for _ in range(3):
        inner()
    outer = compile(lambda x: x + inner().sum(), backend=backend)
    for i in range(5):
        weights[:] = i
        assert outer(np.ones(2)).tolist() == [1 + 6 * i] * 2
        assert inner().tolist() == [2 * i] * 3


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
def test_an_array_that_gets_another_place_stays_itself(backend):
    def beginning():
        return types.SimpleNamespace(a=np.arange(3.0), b=np.arange(3.0) + 10, seen={})

    def step():
        state.a, state.b = state.b, state.a
        state.a += 1
        state.best = state.b
        state.seen["a"] = state.a
        return state.a.sum() + state.b.sum()

    expected = []
    for run in (lambda: step, lambda: compile(step, backend=backend)):
        state = beginning()
        arrays = {id(state.a): "a", id(state.b): "b"}
        call, found = run(), []
        for _ in range(5):
            total = call()
            held = (state.a, state.b, state.best, state.seen["a"])
            found.append((float(total), [arrays[id(x)] for x in held], [x.tolist() for x in held]))
        expected.append(found)
    assert expected[0] == expected[1]

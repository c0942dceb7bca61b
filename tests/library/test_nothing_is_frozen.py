"""What a compiled step would freeze in silence is refused, and all is left as it was."""

import array
import collections
import contextlib
import contextvars
import ctypes
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import itertools
import linecache
import mmap
import os
import random
import re
import sys
import threading
import types
import warnings
import weakref

import numpy as np
import pytest

from tinytorch.core.autograd import Variable, cross_entropy, log, no_grad, recording
from tinytorch.core.compiler import CannotTrace, compile, trace
from tinytorch.core.derivatives import AnomalyError, detect_anomaly
from tinytorch.core.tensor import Tensor
from tinytorch.support.unguarded import unguarded

X = np.array([[2.0, -1.0], [0.5, 3.0]])
HELD: dict = {}  # what the steps below refer to, in places of many kinds


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A setting that is never changed, only replaced."""

    n: float


class Plain:
    """An object with one attribute."""

    def __init__(self, n):
        self.n = n


class Slotted:
    """The same, without a dictionary."""

    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n


class Side(enum.Enum):
    """Two sides."""

    LEFT, RIGHT = 2.0, 3.0


OTHERS = {  # what is held; the next one, made of it; and the number in it
    "a list": ([1.0], lambda x: [x[0] + 1], lambda x: x[0]),
    "a list of arrays": ([np.ones(2)], lambda x: [x[0] + 1], lambda x: x[0]),
    "a longer list": ([1.0], lambda x: [*x, 1.0], len),
    "a dictionary": ({"k": 1.0}, lambda x: {"k": x["k"] + 1}, lambda x: x["k"]),
    "parameters": ({"w": np.ones(2)}, lambda x: {k: 0.9 * v for k, v in x.items()}, lambda x: x["w"]),
    "a deque": (collections.deque([1.0]), lambda x: collections.deque([x[0] + 1]), lambda x: x[0]),
    "a Tensor": (Tensor([1.0, 2.0]), lambda x: x + 1, lambda x: x.data),
    "an object": (Plain(1.0), lambda x: Plain(x.n + 1), lambda x: x.n),
    "a frozen object": (Frozen(1.0), lambda x: dataclasses.replace(x, n=x.n + 1), lambda x: x.n),
    "a number of a kind of its own": (decimal.Decimal(1), lambda x: x + 1, float),
    "a date": (datetime.date(2020, 1, 1), lambda x: x + datetime.timedelta(1), lambda x: x.day),
    "a member": (Side.LEFT, lambda x: Side.RIGHT if x is Side.LEFT else Side.LEFT, lambda x: x.value),
    "a range": (range(1), lambda x: range(len(x) + 1), len),
    "a frozen set": (frozenset([1]), lambda x: x | {len(x) + 5}, len),
    "a function": (np.sin, lambda x: np.cos if x is np.sin else np.sin, lambda f: f(1.0)),
    "a type": (np.float32, lambda x: np.float64 if x is np.float32 else np.float32, lambda t: t(0.1)),
    "a partial function": (functools.partial(pow, 2.0), lambda f: functools.partial(pow, f.args[0] + 1), lambda f: f(2)),
    "a longer tuple": ((1.0,), lambda x: (*x, 1.0), len),
    "a tuple of objects": ((Plain(1.0),), lambda x: (Plain(x[0].n + 1),), lambda x: x[0].n),
}  # fmt: skip


def in_variable(first):
    """In a variable of an enclosing function."""
    held = first

    def change(new):
        nonlocal held
        held = new

    return lambda: held, change


PLACES = {
    "an attribute": lambda first: by_attribute(types.SimpleNamespace(held=first)),
    "an attribute in slots": lambda first: by_attribute(Slotted(first), "n"),
    "an attribute of a class": lambda first: by_attribute(type("Kind", (), {"held": first})),
    "an element of a list": lambda first: by_index([first], 0),
    "an element of a deque": lambda first: by_index(collections.deque([first]), 0),
    "an entry of a dictionary": lambda first: by_index({"held": first}, "held"),
    "a global variable": lambda first: by_global(first),
    "a variable outside": in_variable,
}


def by_attribute(owner, name="held"):
    """In an attribute."""
    return lambda: getattr(owner, name), lambda new: setattr(owner, name, new)


def by_index(owner, key):
    """In an element."""
    return lambda: owner[key], lambda new: owner.__setitem__(key, new)


def by_global(first):
    """In a global variable's entry."""
    HELD["now"] = first
    return lambda: HELD["now"], lambda new: HELD.__setitem__("now", new)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("other", OTHERS)
def test_a_step_that_puts_another_object_into_a_place_is_refused(place, other):
    first, following, number = OTHERS[other]
    get, change = PLACES[place](first)

    def step(x):
        change(following(get()))
        return x * number(get())

    compiled = compile(step)
    for _ in range(2):
        with pytest.raises(CannotTrace, match=r"puts another object into|changes the length"):
            compiled(X)
        assert get() is first  # nothing is left of the trace


def swapped_attributes():
    a, b = Plain(1.0), Plain(2.0)
    held = types.SimpleNamespace(a=a, b=b)

    def step(x):
        held.a, held.b = held.b, held.a
        return x * held.a.n

    return step


def turned_list():
    layers = [np.sin, np.cos]

    def step(x):
        layers.reverse()
        return layers[0](x)

    return step


def turned_deque():
    held = collections.deque([Plain(1.0), Plain(2.0)])

    def step(x):
        held.rotate(1)
        return x * held[0].n

    return step


def other_default():
    def power(x, by=[1.0]):  # noqa: B006
        return x * by[0]

    def step(x):
        power.__defaults__ = ([power.__defaults__[0][0] + 1],)
        return power(x)

    return step


def other_kind():
    class Double(Plain):
        factor = 2.0

    class Triple(Plain):
        factor = 3.0

    held = Double(1.0)

    def step(x):
        held.__class__ = Triple if type(held) is Double else Double
        return x * held.factor

    return step


def removed_attribute():
    held = types.SimpleNamespace(first=True)

    def step(x):
        if hasattr(held, "first"):
            del held.first
            return x * 2
        return x * 3

    return step


def emptied_dictionary():
    held = {i: float(i) for i in range(9)}
    return lambda x: x * held.pop(next(iter(held)))


AMONG_THEMSELVES = {
    "two attributes are swapped": (swapped_attributes, "puts another object"),
    "a list is turned": (turned_list, "puts another object"),
    "a deque is turned": (turned_deque, "puts another object"),
    "a function gets another default": (other_default, "puts another object"),
    "an object gets another class": (other_kind, "puts another object"),
    "an attribute is removed": (removed_attribute, "removes held_first"),
    "a dictionary is emptied": (emptied_dictionary, "removes held_0"),
}


@pytest.mark.parametrize("name", AMONG_THEMSELVES)
def test_a_step_that_moves_or_removes_what_it_refers_to_is_refused(name):
    make, said = AMONG_THEMSELVES[name]
    eager, step = make(), make()
    first, compiled = eager(X), compile(step)
    with pytest.raises(CannotTrace, match=said):
        compiled(X)
    np.testing.assert_array_equal(step(X), first)  # as if it had not been called


CHANGED = {
    "an element": lambda things: things.__setitem__(0, things[0] * 2),
    "another element": lambda things: things.append(things[0]),
    "one less": lambda things: things.pop(),
    "none left": lambda things: things.clear(),
    "another order": lambda things: things.reverse(),
}


@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x, 1), lambda x: {"in": [x]}])
def test_a_step_that_changes_a_list_that_it_is_given_is_refused(change, wrap):
    def step(x, given, things):
        CHANGED[change](things)
        return x + 1

    def unwrapped(x, given):
        things = given if type(given) is list else given[0 if type(given) is tuple else "in"]
        return step(x, given, things[0] if type(given) is dict else things)

    things = [X, -X]
    with pytest.raises(CannotTrace, match="changes a list that it is given"):
        compile(unwrapped)(X, wrap(things))
    assert things[0] is X and len(things) == 2


def test_a_step_that_changes_a_dictionary_that_it_is_given_is_refused():
    def grows(given):
        given["new"] = given["x"] * 2

    def shrinks(given):
        return given.pop("x") * 2

    def changes(given):
        given["x"] = given["x"] * 2

    for step in (grows, shrinks, changes):
        given = {"x": X}
        with pytest.raises(CannotTrace, match="changes a dict that it is given"):
            compile(step)(given)
        assert given == {"x": X}


def test_an_object_that_answers_for_all_its_attributes_is_walked_through():
    class Entries:
        def __init__(self):
            self.entries = {"k": 1.0}

        def __getattr__(self, name):
            return self.entries[name]  # and raises KeyError for what is none

    held = Entries()
    compiled = compile(lambda x: x * held.k)
    for k in (1.0, 1.0, 2.0, 3.0):
        held.entries["k"] = k
        np.testing.assert_array_equal(compiled(X), X * k)


def caught(action, error=Exception):
    """A step that does without, if something cannot be done."""

    def step(x):
        with contextlib.suppress(error):
            return x * action(x)
        return x

    return step


def converted_in_an_error(x):
    try:
        return float(x[0, 0])
    except TypeError as error:
        raise ValueError("no number") from error


CAUGHT = {
    "a number": (caught(lambda x: float(x[0, 0])), "Python number"),
    "a branch": (caught(lambda x: 1 if x.sum() > 0 else -1, TypeError), "no branches"),
    "a whole number": (caught(lambda x: [1, 2][x.astype(int)[1, 0]]), "whole number"),
    "a method": (caught(lambda x: x.tolist()[0][0], AttributeError), "tolist cannot be traced"),
    "whether there is a method": (lambda x: x * (2 if hasattr(x, "tofile") else 3), "tofile"),
    "a method, or nothing": (lambda x: x * (getattr(x, "ctypes", None) is None), "ctypes"),
    "numpy's array": (caught(lambda x: np.array([x[0], x[1]])), "np.stack"),
    "an error within an error": (caught(converted_in_an_error), "Python number"),
    "an array outside": (caught(lambda x: np.add(x, 1, out=np.zeros((2, 2)))), "not know"),
    "a text": (caught(lambda x: len(str(x))), "a text of it"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_a_refusal_that_a_step_catches_is_raised_at_its_end(name):
    step, said = CAUGHT[name]
    with pytest.raises(CannotTrace, match=said):
        compile(step)(X)


def test_an_error_that_the_numbers_decide_cannot_be_caught():
    def inverse(x):
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            return np.zeros_like(x)

    def chosen(x, places):
        try:
            return x[places]
        except IndexError:
            return x[:1]

    with pytest.raises(CannotTrace, match=r"error is caught .*\(Singular matrix\)"):
        compile(inverse)(np.zeros((2, 2)))
    with pytest.raises(CannotTrace, match=r"error is caught .*out of bounds"):
        compile(chosen)(X, np.array([7]))
    compiled = compile(inverse)
    for _ in range(2):  # then it is confirmed
        np.testing.assert_array_equal(compiled(X), np.linalg.inv(X))
    with pytest.raises(np.linalg.LinAlgError):  # in words, if not as the step would have it
        compiled(np.zeros((2, 2)))


def test_an_error_that_the_shapes_decide_can_be_caught():
    def step(x, y):
        try:
            return x + y
        except ValueError:
            return x

    compiled = compile(step)
    for y in (np.ones(2), np.ones(3), np.ones(2), np.ones(3)):
        np.testing.assert_array_equal(compiled(X, y), step(X, y))


@pytest.mark.parametrize("how", ["raise", "call"])
def test_a_step_in_which_numpy_is_to_raise_errors_is_refused(how):
    def step(x):
        with np.errstate(all=how, call=print):
            return 1 / x

    with pytest.raises(CannotTrace, match="numpy is to raise errors"):
        compile(step)(X)


def recorded(x):
    with warnings.catch_warnings(record=True) as seen:
        y = np.log(x)
    return y * len(seen)


def shown_by_another(x):
    with warnings.catch_warnings():
        warnings.showwarning = print
        return np.log(x)


def as_errors(x):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.log(x)
    except RuntimeWarning:
        return x


def as_errors_from_now_on(x):
    warnings.simplefilter("error")
    return np.log(x)


@pytest.mark.parametrize("step", [recorded, shown_by_another, as_errors, as_errors_from_now_on])
def test_a_step_that_looks_at_warnings_of_numbers_is_refused(step):
    with (
        warnings.catch_warnings(),
        pytest.raises(CannotTrace, match=r"depends? on the numbers; look for them"),
    ):
        compile(step)(X)


def test_a_list_that_is_made_by_hand_may_be_made_where_warnings_are_errors():
    compile(lambda x: x + 1)(X)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert len(trace(lambda x: x * 2, X).steps) == 1


def test_a_step_that_only_silences_warnings_is_compiled():
    def step(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.log(x)

    compiled = compile(step)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(X), step(X))


TEXTS = {
    "str": lambda x: x * len(str(x)),
    "repr": lambda x: x * len(repr(x)),
    "print": lambda x: print(x) or x,
    "format": lambda x: x * len(f"{x.sum():.3f}"),
    "percent": lambda x: x * len(f"{x.sum()}"),
    "in a message": lambda x: warnings.warn(f"sum {x.sum()}", stacklevel=1) or x,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_the_numbers_is_refused(name):
    with pytest.raises(CannotTrace, match="a text of it depends on the numbers"):
        compile(TEXTS[name])(X)


LOOKED_UP = {
    "a set": lambda x: x * len({x[0, 0], x[0, 1]}),
    "a key": lambda x: {x[0, 0]: x}[x[0, 0]],
    "an entry": lambda x: x * {2.0: 3.0}.get(x[0, 0], 1.0),
    "hash": lambda x: x * (hash(x[0, 0]) % 7),
}


@pytest.mark.parametrize("name", LOOKED_UP)
def test_what_is_looked_up_by_its_number_is_refused(name):
    with pytest.raises(CannotTrace, match="set or a dictionary depends on the numbers"):
        compile(LOOKED_UP[name])(X)


def test_an_array_is_no_key_as_everywhere():
    for step in (lambda x: {x: 1}, compile(lambda x: {x: 1})):
        with pytest.raises(TypeError, match=r"unhashable type: 'numpy\.ndarray'"):
            step(X)


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
@pytest.mark.parametrize("losses", [1, 2])
def test_labels_are_looked_at_though_nobody_reads_the_loss(backend, losses):
    weights = Variable([2.0, 1.0, 0.5])

    def step(x, labels):
        weights.grad = None
        for n in range(losses):
            cross_entropy(weights * x * (n + 1.0), labels).backward()
        return weights.grad

    compiled, x = compile(step, backend=backend), np.eye(3) - 0.5
    for labels in ([0, 1, 2], [0, 1, 2], [2, 2, 1]):
        np.testing.assert_array_equal(compiled(x, np.array(labels)), step(x, np.array(labels)))
    for labels in ([-1, 1, 2], [0, 1, 3], [0.0, 1.0, 2.0]):
        before = weights.grad
        with pytest.raises(ValueError, match="number of classes - 1 as the label"):
            compiled(x, np.array(labels))
        assert weights.grad is before


def test_whether_gradients_are_recorded_is_noticed_at_each_call():
    weights, x = Variable([2.0, 1.0]), np.array([3.0, 4.0])

    def trained(x):
        weights.grad = None
        (weights * x).sum().backward()
        return weights.grad

    def asked(x):
        z = weights * x
        return z * (1.0 if z.requires_grad else 2.0)

    compiled, compiled_asking = compile(trained), compile(asked)
    for n in range(8):
        if n % 2:
            np.testing.assert_array_equal(compiled(x), x)
            np.testing.assert_array_equal(compiled_asking(x), [6.0, 4.0])
        else:
            with no_grad():
                with pytest.raises(RuntimeError, match="requires no gradient"):
                    compiled(x)
                np.testing.assert_array_equal(compiled_asking(x), [12.0, 8.0])
    assert compiled_asking.traces == 4


def test_where_somebody_watches_a_compiled_step_runs_as_it_is():
    weights = Variable([1.0, 2.0])

    def step(x):
        weights.grad = None
        (log(weights * x) * 0.0).sum().backward()
        return weights.grad

    compiled, x = compile(step), np.array([0.0, 1.0])
    for _ in range(3):
        quiet = np.errstate(all="ignore")
        with pytest.raises(AnomalyError, match="log of"), quiet, detect_anomaly():
            compiled(x)
        assert np.isnan(compiled(x)[0])
    seen, traces = [], compiled.traces
    with recording.watched(computed=lambda function, inputs, result: seen.append(function)):
        compiled(np.ones(2))
    assert seen == [np.multiply, np.log, np.multiply, np.sum]
    assert compiled.traces == traces
    with unguarded():
        assert not compiled.holders.tracing  # without guards, nobody watches


def closure_over(iterator):
    return lambda x: x * next(iterator)


def attribute_with(iterator):
    held = types.SimpleNamespace(rates=iterator)
    return lambda x: x * next(held.rates)


def unpacked(iterator):
    return lambda x: x * list(itertools.islice(iterator, 2))[1]


def looped(iterator):
    def step(x):
        for rate in iterator:
            return x * rate

    return step


RATES = [0.5, 0.5, 0.5, 0.5, 0.25]  # in two traces, nothing seems to change
ITERATORS = {
    "a list's": lambda: iter(RATES),
    "a cycle": lambda: itertools.cycle(RATES),
    "a generator": lambda: (rate for rate in RATES),
    "zip": lambda: map(sum, zip(RATES, strict=True)),
    "enumerate": lambda: (1 + 0 * n for n, _ in enumerate(RATES)),
}


@pytest.mark.parametrize("use", [closure_over, attribute_with, unpacked, looped])
@pytest.mark.parametrize("name", ITERATORS)
def test_a_step_that_goes_on_through_an_iterator_is_refused(name, use):
    iterator, other = ITERATORS[name](), ITERATORS[name]()
    with pytest.raises(CannotTrace, match="what an iterator gives next"):
        compile(use(iterator))(X)
    assert list(itertools.islice(iterator, 5)) == list(itertools.islice(other, 5))


def test_an_iterator_that_is_given_is_refused_and_one_that_is_only_there_is_not():
    with pytest.raises(CannotTrace, match="rates is an iterator"):
        compile(lambda x, rates: x * next(rates))(X, iter(RATES))
    held = types.SimpleNamespace(batches=iter(RATES), rate=2.0)
    before, compiled = held.batches, compile(lambda x: x * held.rate)
    for _ in range(4):
        np.testing.assert_array_equal(compiled(X), X * 2)
        next(held.batches)
    assert held.batches is before and next(held.batches) == 0.25


LEGACY, PYTHONS = np.random.RandomState(0), random.Random(0)
OTHERS_STATE, WITHOUT_STATE = np.random.RandomState(np.random.PCG64(0)), random.SystemRandom()
COINS = {
    "random": random.random,
    "numpy.random": np.random.random_sample,
    "RandomState": lambda: LEGACY.random_sample(),
    "Random": lambda: PYTHONS.random(),
}


@pytest.mark.parametrize("name", COINS)
def test_a_coin_that_falls_the_same_way_twice_is_noticed(name):
    coin = COINS[name]
    random.seed(1)
    np.random.seed(1)
    states = random.getstate(), np.random.get_state()[2], LEGACY.get_state()[2], PYTHONS.getstate()
    with pytest.raises(CannotTrace, match=rf"draws from {re.escape(name)}, which"):
        compile(lambda x: x * 2 if coin() < 0.999 else x)(X)
    assert states == (
        random.getstate(), np.random.get_state()[2], LEGACY.get_state()[2], PYTHONS.getstate()
    )  # fmt: skip


def test_sources_of_other_states_are_asked_and_put_back_too():
    before = OTHERS_STATE.get_state(legacy=False)
    with pytest.raises(CannotTrace, match="draws from RandomState, which"):
        compile(lambda x: x * 2 if OTHERS_STATE.random_sample() < 0.999 else x)(X)
    assert OTHERS_STATE.get_state(legacy=False) == before
    held = types.SimpleNamespace(source=WITHOUT_STATE, factor=2.0)  # not drawn from
    np.testing.assert_array_equal(compile(lambda x: x * held.factor)(X), X * 2)
    with pytest.raises(CannotTrace, match="a second trace differs"):
        twice(compile(lambda x: x * WITHOUT_STATE.random()))


def twice(compiled):
    return compiled(X), compiled(X)


CONTEXT: contextvars.ContextVar = contextvars.ContextVar("factor", default=1.0)
LOCAL, BYTES, NUMBERS = threading.local(), bytearray([1]), array.array("d", [1.0])
LOCAL.factor = 1.0
OF_C, MANY_OF_C, MEMORY = ctypes.c_double(1.0), (ctypes.c_int * 2)(1, 1), mmap.mmap(-1, 1)
SOMETHING, A_MODULE = Plain(1.0), types.ModuleType("settings_of_a_user")
WEAKLY, HOLDER, AN_ARRAY = weakref.ref(SOMETHING), Plain(A_MODULE), np.ones(2)
WEAK_ARRAY = weakref.ref(AN_ARRAY)


def of_a_module():
    """The number of a module that is in a variable of an enclosing function."""
    settings = A_MODULE
    return lambda: settings.n


FACTORS = {
    "a context": (lambda: CONTEXT.get(), CONTEXT.set),
    "a thread": (lambda: LOCAL.factor, lambda new: setattr(LOCAL, "factor", new)),
    "bytes": (lambda: BYTES[0], lambda new: BYTES.__setitem__(0, int(new))),
    "a view of bytes": (lambda: memoryview(BYTES)[0], lambda new: BYTES.__setitem__(0, int(new))),
    "an array of Python's": (lambda: NUMBERS[0], lambda new: NUMBERS.__setitem__(0, new)),
    "a number of C": (lambda: OF_C.value, lambda new: setattr(OF_C, "value", new)),
    "an array of C": (lambda: MANY_OF_C[1], lambda new: MANY_OF_C.__setitem__(1, int(new))),
    "memory": (lambda: MEMORY[0], lambda new: MEMORY.__setitem__(0, int(new))),
    "a weak reference": (lambda: WEAKLY().n, lambda new: setattr(SOMETHING, "n", new)),
    "an array, weakly": (lambda: WEAK_ARRAY()[0], lambda new: AN_ARRAY.fill(new)),
    "a module in a variable": (of_a_module(), lambda new: setattr(A_MODULE, "n", new)),
    "a module in an attribute": (lambda: HOLDER.n.n, lambda new: setattr(A_MODULE, "n", new)),
    "the environment": (
        lambda: float(os.environ["TINYTORCH_FACTOR"]),
        lambda new: os.environ.__setitem__("TINYTORCH_FACTOR", str(new)),
    ),
    "the environment, or nothing": (
        lambda: float(os.getenv("TINYTORCH_FACTOR", "1")),
        lambda new: os.environ.__setitem__("TINYTORCH_FACTOR", str(new)),
    ),
}


@pytest.mark.parametrize("name", FACTORS)
def test_a_number_that_is_kept_elsewhere_is_looked_at_before_each_call(name, monkeypatch):
    monkeypatch.setenv("TINYTORCH_FACTOR", "1.0")
    get, change = FACTORS[name]
    compiled = compile(lambda x: x * get())
    for new in (1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 1.0):
        change(new)
        np.testing.assert_array_equal(compiled(X), X * new)


def read_by_numpy(path):
    """An array in a file of numpy's."""
    np.save(path.with_suffix(".npy"), np.full(2, 2.0))
    return lambda x: x * np.load(path.with_suffix(".npy"))


def read_as_text(path):
    """A number in a file."""
    path.write_text("2", encoding="utf-8")
    return lambda x: x * float(path.read_text(encoding="utf-8"))


def read_by_open(path):
    """The same, read in the plainest way."""
    path.write_bytes(b"2")

    def step(x):
        with open(path, "rb") as file:
            return x * float(file.read())

    return step


@pytest.mark.parametrize("make", [read_by_numpy, read_as_text, read_by_open])
def test_a_step_that_reads_a_file_is_refused_with_its_name(make, tmp_path):
    step = make(tmp_path / "settings")
    np.testing.assert_array_equal(step(X), X * 2)
    for _ in range(2):
        with pytest.raises(CannotTrace, match=r"reads '.*settings.*read it outside"):
            compile(step)(X)
    np.testing.assert_array_equal(step(X), X * 2)
    assert open is io.open


def test_a_step_that_writes_a_file_or_asks_for_lines_of_a_program_is_compiled(tmp_path):
    def step(x):
        (tmp_path / "log").write_text("a step", encoding="utf-8")
        return x * len(linecache.getlines(__file__)[:2])

    compiled = compile(step)
    for _ in range(3):
        linecache.clearcache()
        np.testing.assert_array_equal(compiled(X), X * 2)


class OfAUser(np.ndarray):
    """An array by another name."""


OTHER_ARRAYS = {
    "masked": lambda: np.ma.masked_array(X, X > 1),
    "a matrix": lambda: np.matrix(X),
    "records": lambda: np.rec.array(np.zeros(2, [("a", "f8")])),
    "a user's": lambda: X.copy().view(OfAUser),
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("kind", OTHER_ARRAYS)
def test_arrays_of_other_classes_are_refused_where_they_are_given_or_held(kind):
    held = OTHER_ARRAYS[kind]()
    words = f"is a {type(held).__name__}, whose operations"
    for step, given in ((lambda x: x * x, held), (lambda x: x * held, np.ones(2))):
        with pytest.raises(CannotTrace, match=words):
            compile(step)(given)


def test_an_array_in_a_file_of_its_own_is_an_array(tmp_path):
    held = np.memmap(tmp_path / "numbers", "f8", "w+", shape=(2, 2))
    compiled = compile(lambda x: x * held)
    for i in range(4):
        held[...] = i
        np.testing.assert_array_equal(compiled(X), X * i)


def closes(x):
    """What nobody may write to."""
    y = x * 2
    y.flags.writeable = False
    return y


ASKS = {
    "base": (lambda x: x.base is None, "ndarray.base cannot be traced"),
    "size": (lambda x: sys.getsizeof(x) > 0, "ndarray.__sizeof__ cannot be traced"),
    "writeable": (lambda x: x * x.flags.writeable, "ndarray.flags.writeable cannot be traced"),
    "W": (lambda x: x * x.flags["W"], "ndarray.flags.w cannot be traced"),
    "closed": (closes, "ndarray.flags.writeable cannot be traced"),
    "id": (lambda x: x * (id(x) == id(X)), "where it is in memory"),
}


@pytest.mark.parametrize(("ask", "words"), ASKS.values(), ids=ASKS)
def test_questions_about_memory_that_a_trace_cannot_answer_are_refused(ask, words):
    with pytest.raises(CannotTrace, match=re.escape(words)):
        compile(lambda x: x * 2 if ask(x + 1) else x)(X)


def remembering(kind):
    """A weight, and functions that remember what they computed of it, or of nothing."""
    weight, settings = Tensor(np.ones(3)), {"by": 2.0}

    class Model:
        @functools.lru_cache  # noqa: B019
        def scaled(self, by):
            return by * weight.data

    @functools.lru_cache
    def sum_of(tensor):
        return tensor.data.sum()

    @functools.cache
    def doubled():
        weight.data *= 2

    @functools.cache
    def nested(by):
        return {"all": [Variable(weight.data * by)]}

    @functools.lru_cache
    def kept():
        return weight.data

    @functools.lru_cache
    def powers(n):
        return np.arange(n) ** 2.0

    @functools.lru_cache
    def setting(n):
        return n * settings["by"]

    of_a_partial = functools.lru_cache(functools.partial(lambda by, n: n + by, 2))
    model = Model()
    uses = {
        "a partial": lambda x: x * of_a_partial(3),
        "a result of arrays": lambda x: x * sum_of(weight),
        "a method": lambda x: x * model.scaled(2),
        "in a dictionary": lambda x: x * nested(2)["all"][0],
        "a change": lambda x: (doubled(), x * weight.data)[1],
        "what is kept": lambda x: x * kept(),
        "what never changes": lambda x: x * powers(3) + powers(3).sum(),
        "a setting": lambda x: x * setting(3),
    }
    return uses[kind], weight, settings


X_OF_THREE = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("kind", ["a result of arrays", "a method", "in a dictionary", "a change"])
def test_a_function_that_remembers_what_it_computed_of_arrays_is_refused(kind):
    step, weight, _ = remembering(kind)
    compiled = compile(step)
    for _ in range(2):
        with pytest.raises(CannotTrace, match="call it without lru_cache"):
            compiled(X_OF_THREE)
        assert np.array_equal(weight.data, np.ones(3))
    step(X_OF_THREE)  # and remembers no stand-in


@pytest.mark.parametrize("kind", ["what is kept", "what never changes", "a setting", "a partial"])
def test_a_function_that_remembers_anything_else_gives_what_it_does_in_a_plain_step(kind):
    plain, weight, settings = remembering(kind)
    step, other_weight, other_settings = remembering(kind)
    compiled = compile(step)
    for i in range(6):
        weight.data[:] = other_weight.data[:] = i
        settings["by"] = other_settings["by"] = 2.0 + i // 3
        assert np.array_equal(compiled(X_OF_THREE), plain(X_OF_THREE))

"""Calls of a compiled step like the one before: quick, and whatever is new is still noticed."""

import dis
import shutil
import types
import warnings
import weakref
from collections import Counter

import numpy as np
import pytest
from test_compiler import assert_same_bits, random_program

from tinytorch.core.autograd import Variable, grad
from tinytorch.core.compiler import compile
from tinytorch.core.networks import MLP
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import SGD, Adam, cross_entropy
from tinytorch.support import holders
from tinytorch.support.arrays import name_classes, one_call
from tinytorch.support.holders import CallAgain, layout
from tinytorch.support.walking import Walk
from tinytorch.support.watching import watcher

HAS_COMPILER = shutil.which("cc") is not None
BACKENDS = ["lines", *(["loops", "c"] if HAS_COMPILER else [])]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """What is for speed is not switched off."""
    monkeypatch.setenv("TINYTORCH_FAST", "1")


def looked_at(compiled, *arguments, **settings):
    """Whether a call would be told to be like the one before."""
    return type(compiled.holders.look(arguments, settings)) is CallAgain


# ---- What is noticed


class Things:
    """What a step may refer to."""

    def __init__(self):
        self.rate, self.on = 2.0, True
        self.parts = [np.full(3, 2.0), np.full(3, 3.0)]
        self.named = {"bias": np.full(3, 0.5)}
        self.tensor = Tensor(np.full(3, 4.0))
        self.variable = Variable(np.full(3, 5.0))
        self.square = np.arange(9.0).reshape(3, 3).copy()

    def __call__(self, x):
        out = x * self.rate + self.named["bias"] if self.on else -x
        for part in self.parts:
            out = out * part
        return out + self.tensor.data * self.variable.data.data + self.square.sum(axis=0)


def turned_in_place(array):
    """The same array, its axes turned: numpy will not have that for long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        array.strides = array.strides[::-1]


CHANGES = {
    "a number": lambda t: setattr(t, "rate", 3.5),
    "a mode": lambda t: setattr(t, "on", False),
    "an array in a list": lambda t: t.parts.__setitem__(0, np.full(3, 7.0)),
    "its numbers": lambda t: t.parts[0].__setitem__(1, 9.0),
    "its dtype": lambda t: t.parts.__setitem__(0, np.full(3, 7.0, "f4")),
    "its shape": lambda t: t.parts.__setitem__(0, np.full((1, 3), 7.0)),
    "its strides": lambda t: t.parts.__setitem__(0, np.full(6, 7.0)[::2]),
    "its strides, in place": lambda t: turned_in_place(t.square),
    "its shape, in place": lambda t: t.square.resize((1, 3), refcheck=False),
    "its dtype, in place": lambda t: t.square.setfield(0, "f8") or setattr(t.square, "dtype", "i8"),
    "a longer list": lambda t: t.parts.append(np.full(3, 0.1)),
    "another list": lambda t: setattr(t, "parts", [np.full(3, 0.1)]),
    "a shorter list": lambda t: t.parts.pop(),
    "an array in a dictionary": lambda t: t.named.update(bias=np.full(3, 8.0)),
    "another tensor": lambda t: setattr(t, "tensor", Tensor(np.full(3, 0.2))),
    "an array in a tensor": lambda t: setattr(t.tensor, "data", np.full(3, 0.3)),
    "an array in a variable": lambda t: setattr(t.variable, "data", Tensor(np.full(3, 0.4))),
    "the same array twice": lambda t: t.parts.__setitem__(0, t.parts[1]),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CHANGES)
def test_what_has_changed_since_the_last_call_is_noticed(name, backend):
    things = Things()
    compiled, x = compile(things, backend=backend), np.array([1.0, 2.0, 3.0])
    for _ in range(4):
        assert_same_bits(compiled(x), things(x))
    assert looked_at(compiled, x + 1)
    CHANGES[name](things)
    for n in range(4):
        assert_same_bits(compiled(x + n), things(x + n))


GIVEN = {
    "longer": np.ones(5),
    "another dtype": np.ones(3, "f4"),
    "other strides": np.ones(6)[::2],
    "more axes": np.ones((2, 3)),
    "a tensor": Tensor(np.full(3, 2.0)),
    "a variable": Variable(np.full(3, 2.0), requires_grad=False),
    "a number": 2.0,
    "a whole number": 2,
    "numpy's number": np.float32(2),
}


@pytest.mark.parametrize("first", GIVEN)
@pytest.mark.parametrize("second", GIVEN)
def test_other_arguments_are_noticed(first, second):
    def step(x, by=1):
        return x * 2 + by

    compiled = compile(step)
    for name in (first, second, first, first, first, second):
        for by in (1, 1.0, True, np.ones(1)):
            for given, settings in (((GIVEN[name],), {}), ((GIVEN[name],), {"by": by})):
                found, expected = compiled(*given, **settings), step(*given, **settings)
                assert type(found) is type(expected)
                assert_same_bits(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CHANGES)
def test_what_has_changed_is_noticed_where_two_kinds_of_calls_take_turns(name, backend):
    def step(x):
        return things(x), things(x[:1])

    things = Things()
    compiled, kinds = compile(step, backend=backend), (np.array([1.0, 2.0, 3.0]), np.ones((1, 3)))
    for change in (None, CHANGES[name], lambda t: setattr(t, "on", True)):
        for n in range(6):
            if change is not None and n == 0:
                change(things)
            assert_same_bits(compiled(kinds[n % 2] + n), step(kinds[n % 2] + n))
        assert change is not None or all(looked_at(compiled, x) for x in kinds)


SHAPES = [(), (1,), (6,), (2, 3), (1, 6), (2, 1, 3), (3, 2, 2), (1, 1, 1), (4, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_other_layout_of_an_array_is_noticed_also_where_it_is(shape):
    holder = types.SimpleNamespace(array=np.arange(float(np.prod(shape))).reshape(shape).copy())
    walk = Walk([("", None, holder)])
    watch = watcher(walk, [layout(holder.array)])
    assert watch([holder.array]) == []
    for other in {s for s in SHAPES if np.prod(s) == np.prod(shape)} - {shape}:
        changed = holder.array.copy()
        changed.resize(other, refcheck=False)
        known, holder.array = holder.array, changed
        assert watch([known]) is None, other
        holder.array = known
    for rows in range(1, 5):
        changed = holder.array.copy()
        changed.resize((rows, *shape[1:]), refcheck=False)
        known, holder.array = holder.array, changed
        assert (watch([known]) is None) == (changed.shape != shape), rows
        holder.array = known
    known, holder.array = holder.array, np.broadcast_to(1.0, shape)
    repeated = watcher(walk, [layout(holder.array)])
    assert repeated([holder.array]) == []
    holder.array = np.broadcast_to(1.0, (*shape, 2))
    assert repeated([known]) is None


def test_batches_of_two_sizes_are_looked_at_by_one_function(monkeypatch):
    written = []
    monkeypatch.setattr(holders, "watcher", lambda *given: written.append(given) or watcher(*given))
    things = Things()
    compiled, kinds = compile(things), (np.ones((4, 3)), np.ones((2, 3)))
    for _ in range(3):
        for x in (*[kinds[0]] * 4, kinds[1]):
            assert_same_bits(compiled(x), things(x))
    assert len(written) == 1


def test_arrays_that_come_to_share_memory_between_other_calls_are_told_from_others():
    held = [np.ones(3), np.ones(3)]

    def step(x):
        held[0] += x[:3] * 0.5
        return x[:3] * held[0] + held[1]

    compiled, long, short = compile(step), np.arange(4.0), np.arange(3.0)
    for turn in range(12):
        if turn == 7:
            held[0] = short  # while calls are given the long one
        x = (long, short)[turn % 4 > 1]
        before = [a.copy() for a in (*held, long, short)]
        found, after = compiled(x), [a.copy() for a in (*held, long, short)]
        for a, b in zip((*held, long, short), before, strict=True):
            a[...] = b
        assert_same_bits(found, step(x))
        assert_same_bits(after, [*held, long, short])


def test_arrays_that_come_to_share_memory_are_told_from_others():
    def step(x, y):
        x += 1
        return x * y

    compiled, base = compile(step), np.arange(6.0)
    for turn in range(8):
        apart = turn % 4 < 3
        mine, theirs = base.copy(), base.copy()
        views = [(a[:3], a[3:].copy() if apart else a[1:4]) for a in (mine, theirs)]
        assert_same_bits(compiled(*views[0]), step(*views[1]))
        assert_same_bits(mine, theirs)


def test_an_argument_that_is_what_the_step_refers_to_is_noticed():
    held = np.ones(3)

    def step(x):
        x += 1
        return x * held

    compiled, others = compile(step), [np.ones(3) * n for n in range(4)]
    for x in (*others, held, others[0], held):
        mine = x.copy()
        before = held.copy()
        found = compiled(x)
        expected = mine + 1
        assert_same_bits(found, expected * (expected if x is held else before))


def test_a_variable_that_has_got_a_history_is_refused_at_any_call():
    compiled, x = compile(lambda x: x * 2), Variable(np.ones(3), requires_grad=False)
    for _ in range(4):
        compiled(x)
    with pytest.raises(TypeError, match="computed outside"):
        compiled(Variable(np.ones(3)) * 2)


def test_gradients_that_are_put_there_or_taken_away_between_calls_are_noticed():
    def steps():
        weights = Tensor(np.full(3, 2.0), requires_grad=True)

        def step(x):
            loss = (Variable(x, requires_grad=False) * weights).sum()
            loss.backward()
            return loss

        return weights, step

    (mine, step), (theirs, eager) = steps(), steps()
    compiled = compile(step)
    for n in range(12):
        for weights in (mine, theirs):
            if n in (4, 5, 9):
                weights.grad = None
            if n == 7:
                weights.grad = np.full(3, 0.25)
        x = np.full(3, n + 0.5)
        assert_same_bits([compiled(x), mine.grad], [eager(x), theirs.grad])


def training_step(network, optimizer):
    """Forget, forwards, back and move."""

    def step(x, y):
        optimizer.zero_grad()
        loss = cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_most_calls_of_a_training_step_are_like_the_one_before():
    network = MLP([4, 8, 3], rng=0)
    adam = Adam(network.parameters(), 0.01)
    step = training_step(network, adam)

    compiled, rng = compile(step), np.random.default_rng(0)
    batches = [(Tensor(rng.normal(size=(5, 4))), rng.integers(0, 3, 5)) for _ in range(8)]
    again = []
    for x, y in batches:
        again.append(looked_at(compiled, x, y))
        compiled(x, y)
    assert again[3:] == [True] * 5
    adam.lr = 0.02
    assert not looked_at(compiled, *batches[0])


def test_no_array_that_was_given_is_kept():
    compiled = compile(lambda x: x * 2)
    for _ in range(5):
        x = np.ones(1000)
        compiled(x)
    given = weakref.ref(x)
    del x
    assert given() is None


def test_places_that_are_no_more_are_left_to_a_closer_look():
    holder = Things()
    walk = Walk([("", None, holder)])
    known = [slot.get() for slot in walk.slots]
    watch = watcher(walk, [layout(x) for x in known])
    assert watch(known) == []
    holder.rate = 7.0
    assert [now for _, now in watch(known)] == [7.0]
    del holder.rate
    assert watch(known) is None


# ---- What is noticed of functions, classes and collections


def in_a_namespace(text, **known):
    """A function of a user's module, and the names in it."""
    space = {"__name__": "users", **known}
    exec(text, space)
    return space["step"], space


def steps_alike(compiled, step, x):
    for n in range(4):
        assert_same_bits(compiled(x + n), step(x + n))


@pytest.mark.parametrize("backend", BACKENDS)
def test_global_names_that_come_later_are_noticed(backend):
    text = "def step(x):\n    return abs(x) * w if mode else abs(x)\n"
    step, space = in_a_namespace(text, mode=False)
    compiled, x = compile(step, backend=backend), -np.arange(3.0)
    steps_alike(compiled, step, x)
    space.update(mode=True, w=np.full(3, 2.0))
    steps_alike(compiled, step, x)
    space["w"] = np.full(3, 3.0)
    steps_alike(compiled, step, x)
    space["abs"] = np.exp
    steps_alike(compiled, step, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_variables_and_slots_that_are_filled_later_are_noticed(backend):
    class Slots:
        __slots__ = ("by", "on")

    slots = Slots()
    slots.on = False

    def step(x):
        return late(x) * slots.by if slots.on else x

    compiled, x = compile(step, backend=backend), np.arange(3.0)
    steps_alike(compiled, step, x)
    weights = np.full(3, 2.0)

    def late(x):
        return x + weights

    slots.by, slots.on = np.full(3, 3.0), True
    steps_alike(compiled, step, x)
    weights, slots.by = np.full(3, 5.0), np.full(3, 7.0)
    steps_alike(compiled, step, x)


class Base:
    by = np.full(3, 2.0)

    def __call__(self, x):
        return x * self.by


def other_code(x, *, by=2.0):
    return x - by


def test_other_classes_methods_and_text_are_noticed():
    kind = type("Kind", (Base,), {"__module__": "users"})
    other = type("Other", (Base,), {"__module__": "users", "by": np.full(3, 9.0)})

    def helper(x, *, by=2.0):
        return x + by

    thing, names = kind(), {1, 2}

    def step(x):
        return helper(thing(x)) * len(names)

    compiled, x = compile(step), np.arange(3.0)
    steps_alike(compiled, step, x)
    kind.by = np.full(3, 4.0)
    steps_alike(compiled, step, x)
    kind.__call__ = lambda self, x: x - self.by
    steps_alike(compiled, step, x)
    kind.__call__ = lambda self, x: x + self.by
    steps_alike(compiled, step, x)
    thing.__class__ = other
    steps_alike(compiled, step, x)
    helper.__kwdefaults__ = {"by": 8.0}
    steps_alike(compiled, step, x)
    helper.__code__ = other_code.__code__
    steps_alike(compiled, step, x)
    names.add(3)
    steps_alike(compiled, step, x)


def test_other_keys_and_their_order_are_noticed():
    named = {"a": np.full(3, 2.0), "b": np.full(3, 3.0)}

    def step(x):
        for key, array in named.items():
            x = x * (2 if key == "a" else 5) + array
        return x

    compiled, x = compile(step), np.arange(3.0)
    steps_alike(compiled, step, x)
    named["a"] = named.pop("a")
    steps_alike(compiled, step, x)
    named["c"] = named.pop("b")
    steps_alike(compiled, step, x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("change", ["(2, 3)", "(3, 2)", "(1, 6)"])
def test_another_shape_in_place_is_noticed(change, backend):
    weights = np.arange(6.0)
    step = lambda x: x[0] + weights.sum(axis=0)  # noqa: E731
    compiled, x = compile(step, backend=backend), np.arange(3.0)
    steps_alike(compiled, step, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        weights.shape = eval(change)
    steps_alike(compiled, step, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_memory_given_twice_is_noticed(backend):
    def step(x, y):
        x += 1
        y *= 2
        return x * y

    def given(n, way):
        x = np.arange(4.0) + n
        return x, [x * 1, x, x[::-1], np.asarray(memoryview(x))][way]

    compiled = compile(step, backend=backend)
    for n in range(5):
        for way in range(4):
            assert_same_bits(compiled(*given(n, way)), step(*given(n, way)))


def test_whole_numbers_are_told_apart_after_other_numbers():
    step = lambda x, by: x * by + by  # noqa: E731
    compiled, x = compile(step), np.ones(3, "f4")
    for by in (1.0, 2.0, 1, 1, 2, 2, 2, 3.0, 3, 2**40, np.float32(0.5), 1, True, 2.5):
        found, expected = compiled(x, by), step(x, by)
        assert_same_bits(found, expected)


# ---- Silence


def test_numpys_settings_are_those_of_the_caller_after_a_call_and_an_error():
    def step(x, labels):
        return cross_entropy(Variable(x) / 0.0, labels)

    compiled, x = compile(step), np.array([[1.0, -2.0, 0.0]])
    with np.errstate(divide="raise", invalid="call", over="warn"):
        before = np.geterr()
        for _ in range(4):
            compiled(x, np.array([1]))
            assert np.geterr() == before
        with pytest.raises(ValueError, match="classes"):
            compiled(x, np.array([3]))
        assert np.geterr() == before


def test_a_compiled_step_may_run_within_a_program():
    inner = compile(lambda x: np.log(x) + 1)

    @one_call
    def pure(x):
        return inner(x)

    outer = compile(lambda x: pure(x) * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(5):
            x = np.array([0.0, n + 1.0])
            with np.errstate(all="ignore"):
                expected = (np.log(x) + 1) * 2
            assert_same_bits(outer(x), expected)


# ---- Fewer and cheaper calls


@pytest.mark.parametrize("block", range(4))
def test_random_programs_as_cheaper_lines_have_the_same_bits(block):
    for seed in range(block * 40, block * 40 + 40):
        step, fresh = random_program(seed)
        compiled = compile(step, backend="lines")
        for call in range(4):
            mine, theirs = fresh(call), fresh(call)
            with np.errstate(all="ignore"):
                expected = step(*theirs)
            assert_same_bits(compiled(*mine), expected, (seed, call))
            assert_same_bits(mine, theirs, (seed, call))


def numbers(x):
    """Python's numbers beside arrays, in all the ways of writing it."""
    y = x * 0.1 + 3
    y -= 1e-3
    y *= 2
    return y, x > 0, 1 - x, x**2, x**2.0, 2 / x, x < 0.1, (x > 0) * 2, (x * 1e300) * -0.0, -x


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "u1"])
def test_numbers_beside_arrays_have_the_bits_and_dtypes_of_the_step(dtype, backend):
    if dtype in ("i8", "u1"):
        step = lambda x: (x * 3 + 1, x > 0, x**2, x * 0.5, 7 - x)  # noqa: E731
    else:
        step = numbers
    compiled = compile(step, backend=backend)
    for values in ([1, 2, 3], [4, 5, 250], [7, 0, 9], [1, 2, 3]):
        x = np.array(values, dtype)
        with np.errstate(all="ignore"):
            expected = step(x)
        assert_same_bits(compiled(x), expected)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u2"])
def test_a_number_that_is_taken_out_is_the_same_number_of_pythons(dtype):
    compiled = compile(lambda x: (x[0].item(), x.sum().item(), x * x[1].item()), backend="lines")
    for values in ([0.3, 1], [2.7, 0], [1, 1], [0, 1]):
        x = np.array(values).astype(dtype)
        found, expected = compiled(x), (x[0].item(), x.sum().item(), x * x[1].item())
        assert [type(f) for f in found] == [type(e) for e in expected]
        assert_same_bits(found, expected)


ODD_NUMBERS = [0.37, -2.5, np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 5e-324, 1e-40, 0.1]


def numbers_that_change(x, by):
    """Arrays beside numbers of Python's that are given, computed, and taken out of an array."""
    rate, largest = 1 - by * 0.5, np.max(x[1:]).item()
    y = x * by
    y += rate
    y -= largest
    return y, x / rate, rate - x, np.maximum(x, by), x > rate, x**2 * largest, by * x[:1], y == by


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_numbers_that_change_have_the_bits_of_the_step_beside_arrays(dtype, backend):
    compiled = compile(numbers_that_change, backend=backend)
    for by in (*ODD_NUMBERS, *ODD_NUMBERS[::-1]):
        for x in (np.array([1.5, -2.0, 0.25], dtype), np.array([7.0, 1e-3, -4.0], dtype)):
            with np.errstate(all="ignore"):
                expected = numbers_that_change(x, by)
            assert_same_bits(compiled(x, by), expected, by)


def test_numbers_that_change_are_put_into_arrays_once():
    compiled = compile(lambda x, by: (x * by + by, x.astype("f8") - by), backend="lines")
    for by in (0.5, 1.5, 2.5, 3.5):
        compiled(np.ones(3, "f4"), by)
    numbers = [b.dtype for b in compiled.buffers if b.shape == ()]
    assert sorted(map(str, numbers)) == ["float32", "float64"]
    assert names_that_run(compiled)["by"] == 2


def names_that_run(compiled):
    """How often each name is read in the text that runs."""
    code = compiled.last.function.__code__
    return Counter(i.argval for i in dis.get_instructions(code) if i.opname.startswith("LOAD"))


def sums_of(x):
    """Sums and largest numbers in all the ways of asking for them."""
    y = x * np.arange(3.0)
    return (
        [x.sum(), x.sum(0), x.sum(axis=-1), x.sum(axis=(0, 1)), x.sum(axis=0, keepdims=True)],
        [x.sum(dtype="f8"), x.sum(axis=1, initial=3), x.sum(axis=0, where=x > 0), np.sum(y, 0)],
        [x.max(), x.max(1), x.max(axis=0, keepdims=True), x.max(initial=0.5), np.max(y, axis=1)],
        [x.sum(axis=()), x.max(axis=None, initial=None), y[0, 0].sum(), y.sum().max()],
        [np.add.reduce(y), np.add.reduce(x, 1), np.maximum.reduce(y, axis=None), x.min(axis=0)],
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "?"])
def test_sums_and_largest_numbers_have_the_bits_and_dtypes_of_the_step(dtype, backend):
    compiled, rng = compile(sums_of, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        x = (rng.normal(size=(4, 3)) * 3).astype(dtype)
        assert_same_bits(compiled(x), sums_of(x))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_largest_number_of_nothing_is_refused_as_by_the_step(backend):
    compiled = compile(lambda x: x[:0].max(axis=0), backend=backend)
    with pytest.raises(ValueError, match="zero-size"):
        compiled(np.ones((2, 3)))
    compiled = compile(lambda x: x[:0].sum(axis=0), backend=backend)
    for _ in range(3):
        assert compiled(np.ones((2, 3))).tolist() == [0.0, 0.0, 0.0]


# ---- Labels


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_of_a_loss_are_looked_at_once(backend):
    network = MLP([4, 3], rng=0)
    compiled = compile(training_step(network, SGD(network.parameters(), 0.1)), backend=backend)
    for _ in range(4):
        compiled(Tensor(np.ones((2, 4), "f4")), np.array([0, 2]))
    names = names_that_run(compiled)
    assert names["labels_for_loss"] + names["look_at_labels"] == 1


def losses(x, labels):
    """Two losses of the same labels, with their gradients."""
    x = Variable(x)
    loss = cross_entropy(x, labels) + cross_entropy(x * 2, labels)
    return (loss, *grad(loss, [x]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["i1", "i4", "i8", ">i8", "u1", "u8"])
@pytest.mark.parametrize("classes", [3, 300])
def test_labels_of_every_kind_have_the_bits_of_the_step_or_are_refused(kind, classes, backend):
    compiled, rng = compile(losses, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        x, labels = rng.normal(size=(4, classes)), rng.integers(0, min(classes, 100), 4)
        assert_same_bits(compiled(x, labels.astype(kind)), losses(x, labels.astype(kind)))
    for wrong in (-1, classes, 120) if classes == 3 else (-1,):
        labels = np.array([0, 1, 2, 0])
        with np.errstate(all="ignore"):
            labels = labels.astype(kind)
            labels[2] = np.array(wrong).astype(kind)
        for step in (losses, compiled):
            if labels[2] >= classes or labels[2] < 0:
                with pytest.raises(ValueError, match="number of classes - 1"):
                    step(x, labels)


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_in_the_same_memory_are_each_looked_at(backend):
    def step(x, labels):
        x = Variable(x)
        return cross_entropy(x, labels[:2]) + cross_entropy(x, labels[1:])

    compiled, x = compile(step, backend=backend), np.random.default_rng(0).normal(size=(2, 3))
    for labels in ([0, 1, 2], [2, 0, 1], [0, 0, 0], [1, 1, 2]):
        assert_same_bits(compiled(x, np.array(labels)), step(x, np.array(labels)))
    with pytest.raises(ValueError, match="number of classes - 1"):
        compiled(x, np.array([0, 1, 3]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_that_a_step_changes_are_looked_at_again(backend):
    def step(x, labels):
        x = Variable(x)
        first = cross_entropy(x, labels)
        labels += 1
        return first + cross_entropy(x, labels)

    compiled, x = compile(step, backend=backend), np.random.default_rng(0).normal(size=(3, 4))
    for labels in ([0, 1, 2], [2, 0, 1], [0, 0, 0], [1, 1, 2]):
        mine, theirs = np.array(labels), np.array(labels)
        assert_same_bits(compiled(x, mine), step(x, theirs))
        assert mine.tolist() == theirs.tolist()
    with pytest.raises(ValueError, match="number of classes - 1"):
        compiled(x, np.array([0, 3, 1]))


def test_labels_name_classes_only_if_there_is_one_for_each_row():
    shape = (3, 4)
    assert name_classes(np.array([0, 3, 1]), shape)
    assert name_classes(np.array([0, 3, 1], "u1"), shape)
    for labels in ([0, 4, 1], [0, -1, 1], [0, 1], [[0, 1, 2]], [0.0, 1.0, 2.0]):
        assert not name_classes(np.array(labels), shape)
    assert not name_classes(np.array([0, 1, 2]), (3,))
    assert not name_classes(np.array([], int), (0, 4))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_optimizer_sees_a_loss_whose_labels_are_refused_as_by_the_step(backend):
    network = MLP([4, 3], rng=0)
    sgd = SGD(network.parameters(), 0.1)
    step = training_step(network, sgd)

    compiled, x = compile(step, backend=backend), Tensor(np.ones((2, 4), "f4"))
    for _ in range(4):
        compiled(x, np.array([0, 2]))
    before = [p.data.tobytes() for p in network.parameters()]
    with pytest.raises(ValueError, match="number of classes - 1"):
        compiled(x, np.array([0, 3]))
    assert [p.data.tobytes() for p in network.parameters()] == before

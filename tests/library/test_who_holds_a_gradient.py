"""Memory is used again only if nobody else holds it: no array that somebody keeps is ever changed."""

import gc
import sys
import threading

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import RULES, Variable, derivative, grad, tanh
from tinytorch.core.tensor import Tensor, apply
from tinytorch.support import delivery

SIZES = [3, 50_000]


@pytest.fixture(autouse=True)
def memory_of_any_size_is_used_again(monkeypatch):
    """What holds for large arrays is tried on small ones, too."""
    monkeypatch.setattr(delivery, "SMALL", 0)


def leaves(n, size=3):
    return [Variable(np.full(size, float(i + 1))) for i in range(n)]


class Kept(list):
    """Arrays that somebody holds, and what was in them."""

    def keep(self, array):
        self.append((array, np.array(array)))
        return None

    def check(self):
        assert self
        for array, before in self:
            np.testing.assert_array_equal(array, before)


def used_often(x, times=4):
    """A sum in which a variable is used several times, so that its shares are added up."""
    total = x * 1.0
    for n in range(times):
        total = total + x * float(n)
    return total


@pytest.mark.parametrize("size", SIZES)
def test_a_seed_is_never_changed(size):
    (x,) = leaves(1, size)
    seed, kept = np.ones(size), Kept()
    kept.keep(seed)
    for build in (
        lambda: x + x,
        lambda: used_often(x),
        lambda: x,
        lambda: x.reshape(1, -1).T[:, 0] + x,
    ):
        build().backward(seed)
        grad([build(), build()], [x], [seed, seed])
        kept.check()
        assert not np.shares_memory(x.grad, seed)
        x.grad += 5
        kept.check()


@pytest.mark.parametrize("size", SIZES)
def test_a_gradient_that_a_hook_keeps_is_never_changed(size):
    x, y = leaves(2, size)
    kept = Kept()
    middle = x * y
    for variable in (x, y, middle):
        variable.register_hook(kept.keep)
    (used_often(middle) + used_often(x) + middle).sum().backward()
    x.grad *= 7
    y.grad[:] = 0
    kept.check()


@pytest.mark.parametrize("size", SIZES)
def test_a_gradient_that_a_hook_gives_and_keeps_is_never_changed(size):
    x, y = leaves(2, size)
    mine, kept = np.full(size, 2.0), Kept()
    kept.keep(mine)
    middle = x + y
    for variable in (x, y, middle):
        variable.register_hook(lambda g: mine)
    (used_often(middle) + used_often(x)).sum().backward()
    assert not np.shares_memory(x.grad, mine) and not np.shares_memory(x.grad, y.grad)
    x.grad *= 7
    y.grad[:] = 0
    kept.check()
    view = mine[:]
    x.register_hook(lambda g: view)
    (x * 2 + x).sum().backward()
    x.grad *= 3
    kept.check()


@pytest.mark.parametrize("size", SIZES)
def test_a_gradient_that_a_plain_function_keeps_is_never_changed(size):
    kept = Kept()
    x = Variable(np.ones(size))
    a, b = (Variable(np.ones(size), grad_fn=kept.keep) for _ in range(2))
    (used_often(a) + b + a + x).sum().backward()
    x.grad *= 3
    assert len(kept) == 2
    kept.check()


@pytest.fixture
def rule_that_keeps(request):
    """A function whose rules return what `request.param` says of what they hold."""
    kept, cache = Kept(), {}

    def plain(x, y):
        return x + y

    def rule(grad, out, x, y):
        choices = {
            "the gradient": lambda: grad,
            "an input": lambda: x,
            "the output": lambda: out,
            "a cached array": lambda: cache.setdefault("array", np.full(grad.shape, 2.0)),
            "a view of a cached array": lambda: cache.setdefault("rows", np.ones((2, *grad.shape)))[
                0
            ],
            "the transposed gradient": lambda: grad.T.T,
            "a new array that is kept": lambda: grad * 2.0,
            "a new array with a kept view": lambda: grad * 2.0,
            "a new array with a memoryview": lambda: grad * 2.0,
            "a read-only array": lambda: np.broadcast_to(np.float64(3.0), grad.shape),
        }
        share = choices[request.param]()
        held = share[...] if request.param == "a new array with a kept view" else share
        if request.param == "a new array with a memoryview":
            cache[len(cache)] = view = memoryview(share)
            kept.append((np.asarray(view), np.array(view)))
        else:
            kept.keep(held)
        return share

    derivative(plain, rule, rule)
    yield plain, kept
    del RULES[plain]


ANSWERS = [
    "the gradient",
    "an input",
    "the output",
    "a cached array",
    "a view of a cached array",
    "the transposed gradient",
    "a new array that is kept",
    "a new array with a kept view",
    "a new array with a memoryview",
    "a read-only array",
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule_that_keeps", ANSWERS, indirect=True)
def test_an_array_that_a_rule_returns_and_somebody_holds_is_never_changed(rule_that_keeps, size):
    function, kept = rule_that_keeps
    x, y = leaves(2, size)
    weight = Tensor(np.ones(size), requires_grad=True)
    z = apply(function, x, y)
    w = apply(function, z, weight)
    out = (apply(function, w, z) + used_often(z) + used_often(x) + w * x).sum()
    out.backward(retain_graph=True)
    first = [leaf.grad.copy() for leaf in (x, y, weight)]
    for leaf in (x, y, weight):
        leaf.grad *= 5
        leaf.grad = None
    kept.check()
    out.backward()
    for leaf, expected in zip((x, y, weight), first, strict=True):
        np.testing.assert_array_equal(leaf.grad, expected)
    kept.check()


@pytest.mark.parametrize("size", SIZES)
def test_values_of_the_graph_are_never_changed(size):
    """The rule of a product returns what it computes from them; that of a sum, the gradient."""
    x, y = leaves(2, size)
    a, b = x * y, x + y
    c = tanh(a) * b + a
    kept = Kept()
    for variable in (x, y, a, b, c):
        kept.keep(variable.data.data)
    (c + c + a + b + x).sum().backward(retain_graph=True)
    expected = x.grad.copy()
    x.grad[:] = 99
    kept.check()
    (d,) = grad((c + c + a + b + x).sum(), [x])
    np.testing.assert_array_equal(d, expected)


def test_gradients_of_variables_in_between_are_kept_as_they_were():
    x, y = leaves(2)
    a = x + y
    b = used_often(a)
    found = grad(b.sum(), [x, y, a, b], retain_graph=True)
    for i, one in enumerate(found):
        assert one.flags.writeable and one.base is None
        for other in found[:i]:
            assert not np.shares_memory(one, other)
    expected = [g.copy() for g in found]
    for g in found:
        g[:] = 0
    for g, e in zip(grad(b.sum(), [x, y, a, b]), expected, strict=True):
        np.testing.assert_array_equal(g, e)


def test_an_output_or_an_input_that_is_named_twice():
    x, y = leaves(2)
    out = x * y
    both = grad([out, out], [x, x, out], [np.ones(3), np.ones(3)])
    assert [g.tolist() for g in both] == [[4, 4, 4], [4, 4, 4], [2, 2, 2]]
    both[0][:] = 0
    assert both[1].tolist() == [4, 4, 4]


@pytest.mark.parametrize("create_graph", [False, True])
def test_no_two_leaves_share_a_gradient(create_graph):
    xs = leaves(4)
    weight = Tensor(np.ones(3), requires_grad=True)
    out = xs[0] + xs[1] - xs[2] + weight
    out = out.reshape(3, 1).T[0] + xs[3]
    out.backward(np.ones(3), create_graph=create_graph)
    gradients = [np.asarray(x.grad) for x in (*xs, weight)]
    for i, one in enumerate(gradients):
        assert one.flags.writeable and one.base is None
        for other in gradients[:i]:
            assert not np.shares_memory(one, other)


def test_gradients_with_a_history_may_be_shared_because_nobody_can_change_them():
    x, y = leaves(2)
    (x * x + y * 0 + (x + y) ** 2).sum().backward(create_graph=True)
    for leaf in (x, y):
        assert leaf.grad.requires_grad and not np.asarray(leaf.grad).flags.writeable


def test_the_gradient_of_an_earlier_pass_that_somebody_holds_is_not_changed():
    (x,) = leaves(1)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert first.tolist() == [2, 2, 2] and x.grad.tolist() == [5, 5, 5]


def test_passes_in_two_threads_do_not_disturb_each_other():
    x = Variable(np.ones(20_000))
    shared = tanh(x) * 2
    expected = grad(used_often(shared).sum(), [x], retain_graph=True)[0]
    wrong = []

    def work():
        for _ in range(20):
            (g,) = grad(used_often(shared).sum(), [x], retain_graph=True)
            if not np.array_equal(g, expected):
                wrong.append(g)
            g[:] = 0

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("watch", [sys.settrace, sys.setprofile], ids=["trace", "profile"])
def test_a_debugger_does_not_make_a_held_array_look_free(watch):
    x, y = leaves(2)
    kept = Kept()

    def see(frame, event, argument):
        return see

    watch(see)
    try:
        x.register_hook(kept.keep)
        (used_often(x + y) + x).sum().backward()
    finally:
        watch(None)
    kept.check()
    assert x.grad.tolist() == [8, 8, 8]


def test_what_is_counted_as_alone_is_one_reference():
    array = np.zeros(3)
    held = [array]
    assert delivery.plus(array, np.ones(3)) is not array and held[0].tolist() == [0, 0, 0]
    gradients = {0: array}
    assert sys.getrefcount(array) > delivery.ALONE_IN_A_DICTIONARY
    delivery.own(gradients, 0)
    assert gradients[0] is not array
    fresh = {0: np.zeros(3)}
    address = fresh[0].ctypes.data
    delivery.own(fresh, 0)
    assert fresh[0].ctypes.data == address, "what nobody else holds is not copied"
    total = delivery.plus(fresh.pop(0), np.ones(3))
    assert total.ctypes.data == address, "what nobody else holds is used again"


def test_memory_of_a_large_array_is_used_again_without_the_fixture(monkeypatch):
    monkeypatch.undo()
    total, share = {0: np.zeros(delivery.SMALL + 1)}, np.ones(delivery.SMALL + 1)
    address = total[0].ctypes.data
    found = delivery.plus(total.pop(0), share)
    assert found.ctypes.data == address


def test_memory_is_used_again_where_a_variable_is_used_often():
    """So the peak does not grow with the number of shares."""
    import tracemalloc

    (x,) = leaves(1, 200_000)
    out = used_often(x, times=12).sum()
    gc.collect()
    tracemalloc.start()
    out.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 200_000 * 8


def test_random_graphs_change_nothing_that_somebody_holds():
    functions = [
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: a - b,
        lambda a, b: tanh(a) + b,
        lambda a, b: a[::-1] + b,
        lambda a, b: a.reshape(1, -1)[0] * b,
        lambda a, b: a,
        lambda a, b: autograd.maximum(a, b),
        lambda a, b: autograd.stack([a, b]).sum(axis=0),
        lambda a, b: autograd.where(np.array([True, False, True]), a, b),
        lambda a, b: -a,
    ]
    for seed in range(150):
        rng = np.random.default_rng(seed)
        xs = [Variable(rng.normal(size=3)) for _ in range(3)]
        nodes, kept = list(xs), Kept()
        for _ in range(12):
            f = functions[rng.integers(len(functions))]
            a, b = (nodes[i] for i in rng.integers(len(nodes), size=2))
            nodes.append(f(a, b))
        for node in nodes:
            kept.keep(node.data.data)
            if rng.random() < 0.3:
                node.register_hook(kept.keep)
        start, outputs = rng.normal(size=3), nodes[-3:]
        kept.keep(start)
        expected = grad(outputs, xs, [start] * 3, retain_graph=True, create_graph=True)
        for output in outputs:
            output.backward(start, retain_graph=True)
            kept.keep(xs[0].grad) if xs[0].grad is not None else None
        for x, e in zip(xs, expected, strict=True):
            found = np.zeros(3) if x.grad is None else x.grad
            np.testing.assert_allclose(found, np.asarray(e), 1e-9, 1e-9)
        kept.check()

"""Large gradients of the call before are let go before a compiled step makes new ones."""

import tracemalloc

import numpy as np
import pytest

from tinytorch.core.autograd import Variable
from tinytorch.core.compiler import compile

MANY = 400_000
BACKENDS = ("lines", "loops", "c")


def leaf():
    return Variable(np.random.default_rng(0).normal(size=MANY))


def forgetting(x, kept):
    """A step that forgets the gradient, as most do."""

    def step():
        x.zero_grad()
        y = (x * x * 1.5).sum()
        y.backward()
        return y

    return step


def adding(x, kept):
    """A step that adds to the gradient there is."""

    def step():
        y = (x * x * 1.5).sum()
        y.backward()
        return y

    return step


def moving(x, kept):
    """A step that keeps the gradient of the call before elsewhere."""

    def step():
        kept["before"], x.grad = x.grad, None
        y = (x * x * 1.5).sum()
        y.backward()
        return y

    return step


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_the_call_before_takes_no_memory_meanwhile(backend):
    x = leaf()
    step = compile(forgetting(x, {}), backend=backend)
    for _ in range(3):
        step()
    size = x.grad.nbytes
    tracemalloc.start()
    try:
        x.grad = x.grad.copy()
        step()
        x.grad = x.grad.copy()
        tracemalloc.reset_peak()
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * size


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("make", [forgetting, adding, moving])
def test_gradients_have_the_bits_of_the_step_also_those_that_somebody_holds(make, backend):
    x, y, mine, yours = leaf(), leaf(), {"before": None}, {"before": None}
    ours, theirs = compile(make(x, mine), backend=backend), make(y, yours)
    held = []
    for _ in range(5):
        assert ours().item() == theirs().item()
        held.append((x.grad, y.grad.copy()))
        assert np.array_equal(x.grad, y.grad)
        assert np.array_equal(mine["before"], yours["before"])
        x.data.data += 0.25
        y.data.data += 0.25
    if make is not adding:
        assert all(np.array_equal(a, b) for a, b in held)


def test_a_step_that_fails_keeps_its_gradients():
    x, places = leaf(), np.array([1, 2])

    def step(places):
        x.zero_grad()
        y = (x * x)[places].sum()
        y.backward()
        return y

    compiled = compile(step, backend="lines")
    for _ in range(3):
        compiled(places)
    before, bits = x.grad, x.grad.copy()
    with pytest.raises(IndexError):
        compiled(np.array([1, MANY]))
    assert x.grad is before and np.array_equal(before, bits)
    assert compiled(places).item() == float((x.numpy()[places] ** 2).sum())

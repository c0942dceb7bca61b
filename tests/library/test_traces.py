"""Two traces are the same step for step, or else they are cleaned and compared one by one."""

import numpy as np
import pytest

from tinytorch.core.compiler import compile, trace
from tinytorch.support.traces import Same

X, Y = np.ones(3), np.ones(3)


def traced(constant=2.0, turns=1, function=np.tanh, inputs=(X, Y), part=slice(0, 2)):
    """A program that has a constant, a part and a change in place."""

    def step(x, y, *unused):
        y[part] += constant
        for _ in range(turns):
            x = function(x * y)
        return {"x": x, "y": [y.sum(axis=0)]}

    return trace(step, *inputs)


def is_same(one, other):
    return Same(one, other, dict(zip(other.inputs, one.inputs, strict=False))).is_all()


def test_a_step_that_does_the_same_has_the_same_traces():
    assert is_same(traced(), traced())
    assert is_same(traced(X[:2]), traced(X[:2].copy()))


def test_inputs_that_are_not_used_do_not_matter():
    more = traced(inputs=(X, Y, np.ones((2, 2))))
    assert is_same(traced(), more) and is_same(more, traced())


OTHERS = {
    "constant": {"constant": 3.0},
    "type of a constant": {"constant": 2},
    "length": {"turns": 2},
    "no steps": {"turns": 0},
    "function": {"function": np.exp},
    "shape": {"inputs": (np.ones((1, 3)), Y)},
    "dtype": {"inputs": (X.astype("f4"), X.astype("f4"))},
    "strides": {"inputs": (np.ones(6)[::2], Y)},
    "memory": {"inputs": (X, X)},
    "slice": {"part": slice(0, 1)},
    "index": {"part": np.array([0, 1])},
}


@pytest.mark.parametrize("given", OTHERS.values(), ids=OTHERS)
def test_another_constant_function_kind_or_memory_is_another_trace(given):
    assert not is_same(traced(), traced(**given))
    assert not is_same(traced(**given), traced())
    assert is_same(traced(**given), traced(**given))


def test_zeros_of_two_signs_and_bits_of_arrays_are_told_apart():
    assert not is_same(traced(0.0), traced(-0.0))
    assert not is_same(traced(np.zeros(2)), traced(-np.zeros(2)))


def test_turned_inputs_and_other_results_are_told_apart():
    def turned(x, y):
        return y - x

    def plain(x, y):
        return x - y

    assert not is_same(trace(plain, X, Y), trace(turned, X, Y))
    assert not is_same(
        trace(lambda x, y: (x + y, x * y), X, Y),
        trace(lambda x, y: (x + y, x + y * 1), X, Y),
    )
    one = trace(lambda x: [x + 1, x + 2], X)
    other = trace(lambda x: [x + 1, x + 2][::-1], X)
    assert not is_same(one, other)


def test_a_program_is_cleaned_once_though_it_is_traced_twice(monkeypatch):
    import tinytorch.core.compiler as lesson

    cleaned, clean = [], lesson.without_dead
    monkeypatch.setattr(
        lesson, "without_dead", lambda program: cleaned.append(program) or clean(program)
    )
    step = compile(lambda x: np.tanh(x * 2))
    for n in range(4):
        assert np.array_equal(step(X + n), np.tanh((X + n) * 2))
    assert step.traces == 2 and len(cleaned) == 1
    for n in range(4):
        step(np.ones(4) + n)
    assert step.traces == 4 and len(cleaned) == 2


def test_a_program_is_written_once_it_is_confirmed(monkeypatch):
    import tinytorch.core.compiler as lesson

    texts, write = [], lesson.write
    monkeypatch.setattr(lesson, "write", lambda program: texts.append(program) or write(program))
    step = compile(lambda x: np.tanh(x * 2) + x, backend="lines")
    step(X)
    assert not texts and step.last.function is None
    step(X)
    assert len(texts) == 1
    step(X)
    assert len(texts) == 1 and "tanh" in step.source

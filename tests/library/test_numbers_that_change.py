"""A number that a step counts with, or is given, changes from call to call: the bits do, too."""

import types

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable
from tinytorch.core.compiler import compile

X = np.arange(1.0, 7.0).reshape(2, 3)

USES = {
    "product": lambda v, k: v * k,
    "product from the left": lambda v, k: k * v,
    "sum": lambda v, k: v + k,
    "difference": lambda v, k: k - v,
    "quotient": lambda v, k: v / k,
    "quotient from the left": lambda v, k: k / v,
    "power": lambda v, k: v**k,
    "power from the left": lambda v, k: k ** (v / 9),
    "maximum": lambda v, k: autograd.maximum(v, k),
    "a mean": lambda v, k: v.sum() / k,
    "of its own": lambda v, k: v * (k * k + 1 - -k),
    "its inverse": lambda v, k: v * (1 / k),
    "a remainder": lambda v, k: v * (k % 3),
    "a whole quotient": lambda v, k: v * (k // 2),
    "both": lambda v, k: v * divmod(k, 2)[0] + divmod(7, k)[1],
    "a half": lambda v, k: v * (k * 0.5),
    "a distance": lambda v, k: v * abs(k - 3),
    "a comparison": lambda v, k: v * (k > 3),
    "a root": lambda v, k: v * k**0.5,
    "a root by numpy": lambda v, k: v * np.sqrt(k),
    "a bound": lambda v, k: v * np.minimum(1.0, k / 4),
    "a shift": lambda v, k: v * (k << 1),
    "a decay": lambda v, k: v * 0.9**k,
}


def counting(use, dtype):
    """A step that counts its calls."""
    weights, calls = Variable(X.astype(dtype)), [0]

    def step(x):
        calls[0] += 1
        weights.grad = None
        out = use(weights * x, calls[0])
        out.sum().backward()
        return weights.grad, out.data

    return step


def told(use, dtype):
    """A step that is given the number."""
    weights = Variable(X.astype(dtype))

    def step(x, k):
        weights.grad = None
        out = use(weights * x, k)
        out.sum().backward()
        return weights.grad, out.data

    return step


def assert_same_bits(given, eager, compiled):
    for right, found in zip(eager(*given), compiled(*given), strict=True):
        right, found = np.asarray(right), np.asarray(found)
        assert found.dtype == right.dtype and found.tobytes() == right.tobytes()


@pytest.mark.parametrize("backend", ["lines", "c"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("use", USES)
def test_a_whole_number_that_a_step_changes_counts_as_a_number_of_python(use, dtype, backend):
    eager, step = counting(USES[use], dtype), counting(USES[use], dtype)
    compiled = compile(step, backend=backend)
    for n in range(7):
        assert_same_bits([X.astype(dtype) + n], eager, compiled)
    assert compiled.traces <= 3  # one program, and not one for each number


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("use", USES)
def test_a_whole_number_that_is_given_may_change(use, dtype):
    eager, compiled = told(USES[use], dtype), compile(told(USES[use], dtype))
    for n in (1, 2, 1, 3, 2, 5):
        assert_same_bits([X.astype(dtype) + n, n], eager, compiled)


def test_in_a_class_a_compiled_step_is_a_method():
    class Fitted:
        def __init__(self, start):
            self.weights, self.calls = Variable(np.full(3, start)), 0

        def plain(self, x):
            """One step of descent, with a rate that counts."""
            self.calls += 1
            self.weights.grad = None
            loss = ((self.weights * x) ** 2).sum() / self.calls
            loss.backward()
            self.weights.data = self.weights.data - 0.1 * self.weights.grad
            return loss.item()

        step = compile(plain)

    ones, twos = [Fitted(1.0), Fitted(1.0)], [Fitted(2.0), Fitted(2.0)]
    for n in range(6):
        for one, other in (ones, twos):
            assert one.step(np.arange(3.0) + n) == other.plain(np.arange(3.0) + n)
            np.testing.assert_array_equal(one.weights.numpy(), other.weights.numpy())
    assert Fitted.step.step is Fitted.plain


def using_an_index(kind: str):
    """A step that looks up, or writes to, one row after the other; and what holds its state."""
    held = types.SimpleNamespace(i=0, weights=np.arange(6.0).reshape(3, 2), rows=np.zeros((3, 2)))

    def gradient(x):
        v = Variable(x)
        out = (v[held.i] * v[held.i]).sum() + v[held.i, 1] * 3
        out.backward()
        return out, v.grad

    def twice(x):
        y = x * 2
        return y[held.i] + 1, y[held.i] * y[0]

    def written(x):
        held.weights[held.i] = held.weights[held.i] * 0.5 + x[0]
        return held.weights * 2

    def added(x):
        held.rows[held.i] += x[held.i]
        return held.rows.copy()

    def run_of_functions(x):
        y = np.tanh(x) * 2
        return np.exp(y[held.i]) + y[-1]

    def blanked(x):
        y = x + 1
        y[held.i] = 0
        return y.sum(axis=0) * y[held.i - 1]

    def among_others(x):
        return x[None, held.i, ..., 0] * 2

    step = locals()[kind]

    def counting(x):
        out = step(x)
        held.i = (held.i + 1) % 3
        return out

    return counting, held


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
@pytest.mark.parametrize(
    "kind",
    "gradient twice written added run_of_functions blanked among_others".split(),
)
def test_a_number_that_changes_is_an_index(kind, backend):
    (plain, theirs), (step, held) = using_an_index(kind), using_an_index(kind)
    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for _ in range(8):
        x = rng.normal(size=(3, 2))
        expected, found = plain(x), compiled(x)
        pairs = (
            zip(expected, found, strict=True) if type(expected) is tuple else [(expected, found)]
        )
        assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)
        assert held.i == theirs.i
        assert np.array_equal(held.weights, theirs.weights)
        assert np.array_equal(held.rows, theirs.rows)
    assert compiled.traces <= 3


@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
def test_an_index_that_has_come_too_far_is_an_error_and_changes_nothing(backend):
    held = types.SimpleNamespace(i=0, sums=np.zeros(2))

    def step(x):
        held.sums += 1
        held.i += 1
        return x[held.i - 1] * held.sums

    compiled = compile(step, backend=backend)
    for _ in range(3):
        compiled(np.ones((3, 2)))
    with pytest.raises(IndexError):
        compiled(np.ones((3, 2)))
    assert held.i == 3 and held.sums.tolist() == [3, 3]

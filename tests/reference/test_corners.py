"""Infinities, small dtypes, empty axes and other corners, beside PyTorch where it has the case."""

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable, grad
from tinytorch.core.tensor import Tensor

from .report import compared

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
INF, NAN = np.inf, np.nan
REAL = [-INF, -1.0, 0.0, 0.5, 1.0, 2.0, INF]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:var")


def ours(function, arrays, seed=None):
    """The value and the gradients of a function of variables."""
    xs = [Variable(np.array(x)) for x in arrays]
    out = function(autograd, *xs)
    out.backward(np.ones(out.shape) if seed is None else np.broadcast_to(seed, out.shape))
    return [np.asarray(out), *(x.grad for x in xs)]


def theirs(function, arrays, seed=None):
    """The same by PyTorch; an input that was not used has a gradient of zeros."""
    xs = [torch.tensor(np.array(x), requires_grad=True) for x in arrays]
    out = function(torch, *xs)
    seed = np.ones(tuple(out.shape)) if seed is None else np.broadcast_to(seed, tuple(out.shape))
    out.backward(torch.tensor(seed.astype(np.float64)).to(out.dtype))
    zeros = [torch.zeros_like(x) if x.grad is None else x.grad for x in xs]
    return [x.numpy(force=True) for x in (out, *zeros)]


def assert_same(function, arrays, seed=None, tolerance=1e-12):
    for x, y in zip(ours(function, arrays, seed), theirs(function, arrays, seed), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, tolerance, tolerance)
        compared["torch"] += 1


def log_where(m, x):
    condition = x > 0 if m is torch else np.asarray(x) > 0
    return m.where(condition, m.log(x), x * 2)


SELECTING = {  # what selects or cuts, so that what was not selected gets 0 whatever arrives
    "relu": lambda m, x: m.relu(x),
    "sqrt(relu)": lambda m, x: m.sqrt(m.relu(x)),
    "where": lambda m, x: m.where(x > 0 if m is torch else np.asarray(x) > 0, x, 0.0),
    "log in where": log_where,
    "clip": lambda m, x: m.clip(x, -0.75, 1.5),
    "clip at equal bounds": lambda m, x: m.clip(x, 1.25, 1.25),
    "clip below": lambda m, x: m.clip(x, -0.75),
    "clip above": lambda m, x: m.clip(x, max=1.5),
    "clip the wrong way round": lambda m, x: m.clip(x, 3.0, 1.25),
    "maximum": lambda m, x: m.maximum(x, 0.25 if m is autograd else torch.full_like(x, 0.25)),
    "minimum": lambda m, x: m.minimum(x, 0.25 if m is autograd else torch.full_like(x, 0.25)),
    "a part": lambda m, x: x[1:3],
    "pad": lambda m, x: m.pad(x, 1) if m is autograd else m.nn.functional.pad(x, (1, 1)),
}


@pytest.mark.parametrize("seed", [1.0, INF, -INF, NAN])
@pytest.mark.parametrize("name", SELECTING)
def test_what_is_not_selected_gets_nothing_also_of_infinity(name, seed):
    assert_same(SELECTING[name], [REAL], seed)


WHERE_PYTORCH_SPREADS_NAN = {  # it multiplies by 0: inf * 0 is not a number
    "abs": (lambda m, x: abs(x), [-1, -1, 0, 1, 1, 1, 1]),
    "max": (lambda m, x: x[1:6].max(), [0, 0, 0, 0, 0, 1, 0]),
    "max along an axis": (lambda m, x: x.reshape(1, 7).max(axis=1), [0, 0, 0, 0, 0, 0, 1]),
    "min": (lambda m, x: x[1:6].min(), [0, 1, 0, 0, 0, 0, 0]),
    "power 0": (lambda m, x: x**0, [0, 0, 0, 0, 0, 0, 0]),
}


@pytest.mark.parametrize("seed", [1.0, INF, -INF, NAN])
@pytest.mark.parametrize("name", WHERE_PYTORCH_SPREADS_NAN)
def test_infinity_goes_only_where_something_was_selected(name, seed):
    function, factors = WHERE_PYTORCH_SPREADS_NAN[name]
    _, found = ours(function, [REAL], seed)
    np.testing.assert_array_equal(found, [f * seed if f else 0.0 for f in factors])


POWERS = [0, 1, 2, 3, -1, -2, 0.5, -0.5, 0.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", POWERS)
def test_powers_at_their_corners(n, dtype):
    at = np.array([0.0, 1.0, 2.0, INF] if n in (0.5, -0.5) else [-INF, -2.0, 0.0, 1.0, 2.0, INF])
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    assert_same(lambda m, x: x**n, [at.astype(dtype)], tolerance=tolerance)


@pytest.mark.parametrize("base", [0.0, 2.0, 1.0, -2.0])
def test_powers_of_a_number_at_their_corners(base):
    assert_same(lambda m, x: base**x, [REAL])


def test_powers_of_variables_at_their_corners():
    pairs = [
        (0, 0),
        (0, -1),
        (0, 2),
        (-2, 2),
        (-2, 0.5),
        (2, 0),
        (INF, 0),
        (0, 0.5),
        (-1, 3),
        (0, 1),
    ]
    x, y = np.array(pairs, dtype=float).T
    assert_same(lambda m, x, y: x**y, [x, y])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_slope_of_a_power_0_is_0_everywhere_also_where_the_inverse_is_infinite(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    at = np.array([0, -0.0, tiny, -tiny, 1, INF, -INF], dtype)
    for exponent in (0, 0.0, np.zeros(7, dtype), Variable(np.zeros(7, dtype))):
        x = Variable(at)
        (g,) = grad((x**exponent).sum(), x, create_graph=True)
        assert g.dtype == dtype and np.asarray(g).tolist() == [0] * 7
        (infinite,) = grad((x**exponent).sum() * INF, x)
        assert infinite.tolist() == [0] * 7


def test_the_mixed_derivatives_of_a_power_agree_also_where_the_exponent_is_0():
    x, y = Variable(np.array([2.0, 3.0])), Variable(np.array([0.0, 1.0]))
    by_x, by_y = grad((x**y).sum(), [x, y], create_graph=True)
    (xy,), (yx,) = grad(by_x.sum(), [y], retain_graph=True), grad(by_y.sum(), [x])
    np.testing.assert_allclose(xy, [0.5, 1 + np.log(3)])
    np.testing.assert_allclose(yx, xy)


def test_clip_between_arrays_and_variables():
    x = [0.5, 0.25, 1.25, 2.0, -3.0, 5.0, 2.5, 0.5]
    low, high = [0, 0, 1, 3, 0, 0, 2, 1], [1.0, 0, 1, 1, 1, 1, 2, 2]
    bounds = [np.array(low, dtype=float), np.array(high)]

    def by_x(m, x):
        return m.clip(x, *(map(torch.tensor, bounds) if m is torch else bounds))

    assert_same(by_x, [x])
    assert_same(lambda m, x, low, high: m.clip(x, low, high), [x, *bounds])
    assert_same(lambda m, x, low: m.clip(x, low), [x, bounds[0]])
    assert_same(lambda m, x, high: m.clip(x, None, high), [x, bounds[1]])
    assert_same(lambda m, x, low: m.clip(x, low), [x, np.array(0.75)])


MANY = 70_000
RNG = np.random.default_rng(0)


def numbers(*shape, scale=1.0):
    return RNG.normal(size=shape) * scale


LARGE = {  # a function, its inputs
    "ties of max": (lambda x: x.max(), [np.ones(MANY)]),
    "ties of min along an axis": (lambda x: x.min(axis=0), [np.ones((MANY, 2))]),
    "mean": (lambda x: x.mean(), [numbers(MANY)]),
    "mean along an axis": (lambda x: x.mean(axis=0), [numbers(MANY, 2)]),
    "var": (lambda x: x.var(axis=1), [numbers(2, MANY)]),
    "softmax": (lambda x: autograd.softmax(x), [numbers(2, MANY)]),
    "log_softmax": (lambda x: autograd.log_softmax(x), [numbers(2, MANY)]),
    "cross-entropy of many": (lambda x: autograd.cross_entropy(x, [0] * MANY), [numbers(MANY, 10)]),
    "cross-entropy of many classes": (
        lambda x: autograd.cross_entropy(x, [1, 0]),
        [numbers(2, MANY)],
    ),
    "a repeated index": (lambda x: x[np.zeros(MANY, int)] * 0.125, [np.ones(2)]),
    "a repeated index in a tuple": (
        lambda x: x[(np.zeros(MANY, int), slice(None))] * 0.125,
        [np.ones((2, 2))],
    ),
    "a bias": (
        lambda b: autograd.linear(np.ones((MANY, 1), b.dtype), np.ones((1, 2), b.dtype), b) * 0.125,
        [np.ones(2)],
    ),
    "repeated rows": (lambda x: x * np.full((MANY, 2), 0.125, x.dtype), [np.ones(2)]),
    "a repeated number": (lambda x: x * np.full(MANY, 0.125, x.dtype), [np.ones(())]),
    "matrices": (lambda x, y: x @ y, [numbers(2, MANY, scale=0.01), numbers(MANY, 3)]),
    "vectors": (lambda x, y: x @ y, [numbers(MANY, scale=0.01), numbers(MANY)]),
    "a pass through a column": (
        lambda x: x.reshape(1, 2) + np.zeros((MANY, 1), x.dtype),
        [np.ones(2)],
    ),
}
TOLERANCE = {np.float16: 4e-3, np.float32: 2e-5}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", LARGE)
def test_sums_and_counts_in_gradients_are_right_to_the_dtype(name, dtype, create_graph):
    function, arrays = LARGE[name]

    def gradients(arrays):
        xs = [Variable(x) for x in arrays]
        out = function(*xs)
        seed = np.linspace(0.25, 0.75, out.size).reshape(out.shape).astype(out.dtype)
        return [np.asarray(g) for g in grad(out, xs, seed, create_graph=create_graph)]

    small = [x.astype(dtype) for x in arrays]
    wide = gradients([x.astype(np.float64) for x in small])
    for found, expected in zip(gradients(small), wide, strict=True):
        assert found.dtype == dtype and np.isfinite(found).all()
        near = TOLERANCE[dtype] * np.abs(expected).max() + 3 * float(
            np.finfo(dtype).smallest_subnormal
        )
        np.testing.assert_allclose(found, expected, TOLERANCE[dtype], near)
        compared["differences"] += 1


def test_a_bias_over_two_million_rows_in_float32():
    bias = Variable(np.zeros(1, np.float32))
    seed = np.full((2_000_000, 1), 0.1, np.float32)
    (np.zeros((2_000_000, 1), np.float32) + bias).backward(seed)
    assert bias.grad == pytest.approx(200_000, rel=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_along_a_long_first_axis_sums_its_gradient_in_a_wider_dtype(name):
    """The rule alone, on the same output: the sums of the function itself are module 2's."""
    rule = autograd.RULES[getattr(__import__("tinytorch.core.activations", fromlist=["x"]), name)][
        0
    ]
    g = numbers(MANY, 2).astype(np.float16)
    out = np.full((MANY, 2), 1 / MANY if name == "softmax" else -np.log(MANY), np.float16)
    found = rule(g, out, g, axis=0)
    g, out = g.astype(float), out.astype(float)
    expected = rule(g, out, g, axis=0)
    np.testing.assert_allclose(found, expected, 2e-2, 1e-4)


EMPTY = {
    "softmax": (lambda m, x: m.softmax(x, -1), "every"),
    "log_softmax": (lambda m, x: m.log_softmax(x, -1), "every"),
    "softmax along the first axis": (lambda m, x: m.softmax(x, 0), "every"),
    "log_softmax along the first axis": (lambda m, x: m.log_softmax(x, 0), "every"),
    "sum": (lambda m, x: x.sum(), "every"),
    "sum along the last axis": (lambda m, x: x.sum(-1), "every"),
    "sum along all": (lambda m, x: x.sum(tuple(range(x.ndim))), "every"),
    "mean": (lambda m, x: x.mean(), "every"),
    "mean along the last axis": (lambda m, x: x.mean(-1), "every"),
    "mean along the first axis": (lambda m, x: x.mean(0), "every"),
    "var": (lambda m, x: x.var() if m is autograd else x.var(correction=0), "every"),
    "var along the last axis": (
        lambda m, x: x.var(-1) if m is autograd else x.var(-1, correction=0),
        "every",
    ),
    "max where there is something": (
        lambda m, x: m.max(x, 0) if m is autograd else x.amax(0),
        [(3, 0), (2, 0, 3)],
    ),
    "matmul": (lambda m, x: x @ constant(m, x.shape[-1], 2), "every"),
    "matmul from the left": (lambda m, x: constant(m, 2, x.shape[0]) @ x, [(3, 0), (0, 3), (0,)]),
    "concatenate": (lambda m, x: m.concatenate([x, x * 2]), "every"),
    "concatenate with something": (
        lambda m, x: m.concatenate([x, constant(m, *x.shape[:-1], 2)], -1),
        "every",
    ),
    "stack": (lambda m, x: m.stack([x, x]), "every"),
    "no rows": (lambda m, x: x[:0], "every"),
    "an empty index": (lambda m, x: x[[]], "every"),
    "a mask": (
        lambda m, x: x[
            np.zeros(x.shape, bool) if m is autograd else torch.zeros(x.shape, dtype=bool)
        ],
        "every",
    ),
    "relu": (lambda m, x: m.relu(x), "every"),
    "a product": (lambda m, x: x * x / (x + 2), "every"),
    "broadcast": (lambda m, x: x + constant(m, 4, *[1] * x.ndim), "every"),
    "reshape": (lambda m, x: x.reshape((0, 5)), "every"),
    "pad": (
        lambda m, x: m.pad(x, 1) if m is autograd else m.nn.functional.pad(x, (1, 1) * x.ndim),
        "every",
    ),
    "clip": (lambda m, x: m.clip(x, 0.0, 1.0), "every"),
    "power": (lambda m, x: x**2 + 2**x, "every"),
}


def constant(m, *shape):
    """Ones that need no gradient."""
    return np.ones(shape) if m is autograd else torch.ones(shape, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0,), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("name", EMPTY)
def test_empty_axes_have_empty_gradients(name, shape):
    function, shapes = EMPTY[name]
    if shapes == "every" or shape in shapes:
        assert_same(function, [np.ones(shape)])


def test_the_largest_of_nothing_is_refused_in_one_sentence():
    for shape, axis in (((3, 0), 1), ((0,), None), ((0, 3), 0)):
        for name in ("max", "min"):
            with pytest.raises(ValueError, match="without elements there is no") as error:
                getattr(autograd, name)(Variable(np.ones(shape)), axis)
            assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="label"):
        autograd.cross_entropy(Variable(np.ones((0, 3))), [])


# A number never changes the dtype.

NUMBERS = [
    2,
    2.5,
    True,
    np.float64(2.5),
    np.float32(2.5),
    np.float16(2),
    np.int64(2),
    np.int8(2),
    np.uint8(2),
    np.bool_(True),
    np.sqrt(64),
]
WITH_NUMBERS = {
    "+": lambda x, n: x + n,
    "+ on the right": lambda x, n: n + x,
    "-": lambda x, n: x - n,
    "- on the right": lambda x, n: n - x,
    "*": lambda x, n: x * n,
    "* on the right": lambda x, n: n * x,
    "/": lambda x, n: x / n,
    "/ on the right": lambda x, n: n / x,
    "**": lambda x, n: x**n,
    "** on the right": lambda x, n: n**x,
    "maximum": autograd.maximum,
    "minimum": lambda x, n: autograd.minimum(n, x),
    "where": lambda x, n: autograd.where([True, False], x, n),
    "the other where": lambda x, n: autograd.where([True, False], n, x),
    "clip": lambda x, n: autograd.clip(x, n),
    "clip above": lambda x, n: autograd.clip(x, None, n),
    "pad": lambda x, n: autograd.pad(x, 1, n),
    "np.add": np.add,
    "np.multiply": lambda x, n: np.multiply(n, x),
    "stack": lambda x, n: autograd.stack([x[0], n]),
    "bias": lambda x, n: autograd.linear(x, np.ones((2, 2), x.dtype), n),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_a_number_of_python_or_numpy_never_changes_the_dtype(name, dtype):
    for number in NUMBERS:
        for x in (
            Variable(np.array([1, 2], dtype)),
            Tensor(np.array([1, 2], dtype), requires_grad=True),
        ):
            out = WITH_NUMBERS[name](x, number)
            assert out.dtype == dtype, repr(number)
            (g,) = grad(out, x, np.ones(out.shape), create_graph=True)
            assert g.dtype == dtype
            plain = Tensor(np.array([1, 2], dtype))
            assert WITH_NUMBERS[name](plain, number).dtype == dtype


def test_an_array_without_axes_keeps_the_rules_of_numpy():
    x = Variable(np.ones(2, np.float32))
    out = x * np.array(2.0)
    out.sum().backward()
    assert out.dtype == np.float64 and x.grad.dtype == np.float32

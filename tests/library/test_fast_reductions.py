"""Sums, extremes, rows and columns in runs of numpy's loops and of C: numpy's bits, NaN or not."""

import itertools
import shutil
import tracemalloc

import numpy as np
import pytest
from test_compiler import assert_same_bits, assert_same_call, no_memory_is_shared
from test_fast import with_odd_numbers

from tinytorch.core.autograd import Variable, tanh
from tinytorch.core.compiler import compile, trace
from tinytorch.fast import reductions, runs, tables
from tinytorch.support.blanks import copy_with_layout
from tinytorch.support.programs import kind_of

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
BACKENDS = ["loops", "c"]


@pytest.fixture
def short_runs(monkeypatch):
    """Every step that can be is in a run."""
    monkeypatch.setattr(runs, "FEWEST", 1)
    monkeypatch.setenv("TINYTORCH_FAST", "1")


def in_runs(compiled):
    """The runs of the program that ran last."""
    names = compiled.last.function.__globals__.values()
    return [found for found in names if isinstance(found, tables.Looped)]


def check(step, fresh, backend, what, calls=4):
    """The same for two arrays of a kind."""
    return check_with(step, lambda rng: [fresh(rng) for _ in "xy"], backend, what, calls)


def check_with(step, fresh, backend, what, calls=4):
    """A compiled step has the bits of the step, also with NaN, infinities and zeros of both signs.

    Returns
    -------
    Compiled
        The compiled step.
    """
    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for call in range(calls):
        given = fresh(rng)
        given = with_odd_numbers(given, rng) if call > 2 else given
        theirs = [copy_with_layout(x) for x in given]  # numpy goes in the order of the memory
        with np.errstate(all="ignore"):
            found, expected = compiled(*given), step(*theirs)
        assert_same_bits(found, expected, (what, call))
        assert_same_bits(given, theirs, (what, call))
        assert no_memory_is_shared(found, given, compiled), what
    return compiled


# ---- Reductions

SIZES = [1, 2, 7, 8, 9, 15, 16, 17, 127, 128, 129, 136, 511, 512, 513, 1025, 8193]
SHAPES = [(size,) for size in SIZES]
SHAPES += [(64, 10), (10, 64), (9, 129), (129, 8), (1, 9), (9, 1), (1, 1), (3, 8193), (8193, 3)]
SHAPES += [(4, 5, 6), (3, 1, 7), (8, 3, 9, 9), (2, 16, 8, 8), (64, 1, 1, 9)]


def all_reductions(x, y):
    """Along every axis, and pair of axes, and all."""
    axes = [None, *range(x.ndim), *itertools.combinations(range(x.ndim), 2)]
    axes += [(0, 2, 3)] * (x.ndim == 4)
    found = []
    for axis, keepdims in itertools.product(axes, (False, True)):
        found += [x.sum(axis=axis, keepdims=keepdims), y.mean(axis=axis, keepdims=keepdims)]
        found += [x.max(axis=axis, keepdims=keepdims), y.min(axis=axis, keepdims=keepdims)]
    return found


@needs_compiler
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_reductions_have_the_bits_of_numpys(dtype, order, short_runs):
    for shape in SHAPES:

        def fresh(rng, shape=shape):
            x = rng.normal(size=shape) * np.exp(rng.normal(size=shape) * 3)
            return np.array(x, dtype, order=order)

        compiled = check(all_reductions, fresh, "loops", (shape, dtype, order))
        (run,) = in_runs(compiled)
        assert all(type(this) is reductions.Reduction for this in run.operations)


@needs_compiler
def test_a_reduction_with_other_bits_is_not_used():
    x = np.empty((9, 129), "f4")
    given, result = kind_of(x), kind_of(x[:, 0].copy())
    plan = reductions.planned(np.add, False, given, (1,), result)
    assert reductions.agrees(plan, np.add, 0, given, (1,), result)
    assert not reductions.agrees(plan, np.maximum, 0, given, (1,), result)
    backwards = plan.copy()
    backwards["lengths"][0, :2], backwards["reads"][0, :2] = (129, 9), (4, 129 * 4)
    backwards["writes"][0, :2] = 0, 4
    assert not reductions.agrees(backwards, np.add, 0, given, (1,), result)


def of_other_kinds(x):
    """Reductions that numpy does: of parts, masks, in another precision, of very many, of none."""
    parts = x[:, ::2].sum(axis=1), x[::2].max(axis=0), np.broadcast_to(x[0], (3, 8)).sum(axis=0)
    others = (x > 0).sum(), (x > 0).mean(), x.sum(dtype="f8"), x.sum(axis=0, dtype="f8")
    none = x[:0].sum(axis=0), x[:0].sum(), x[:, :0].sum(axis=1, keepdims=True) * x, x.sum(axis=())
    return [*parts, *others, *none, x.sum(axis=1, where=x > 0), np.add.reduce(x, axis=0)]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_reductions_of_other_kinds_are_left_to_numpy(backend, short_runs):
    rng = np.random.default_rng(0)
    for dtype in ("f4", "f8"):
        compiled = compile(of_other_kinds, backend=backend)
        for _ in range(4):
            assert_same_call(compiled, of_other_kinds, [rng.normal(size=(6, 8)).astype(dtype)], "")


def test_large_arrays_are_left_to_numpy():
    program = trace(lambda x: [x.sum()], np.empty(reductions.LARGEST + 1))
    assert reductions.reduction(program.steps[0], program.kinds) is None


# ---- Rows and columns


def normalized(x, y):
    """What layer norm, softmax and batch norm do: numbers of a row, or a column, meet all."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
    e = np.exp(y - y.max(axis=-1, keepdims=True))
    softmax = e / e.sum(axis=-1, keepdims=True)
    down = (x + y - y.mean(axis=0)) * softmax.sum(axis=0, keepdims=True)
    mask = y[..., :1] > 0
    return [centred / scale, softmax, down, np.where(mask, x, scale), (down * x).sum(), x * mask]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_and_columns_have_the_bits_of_the_step(dtype, backend):
    shapes = [(1, 1), (3, 7), (9, 129), (64, 10), (70, 128), (260, 129), (900, 10), (3, 8, 65)]
    for shape in [*shapes, (2, 5001), (12, 1001), (30, 4097), (20, 512)]:

        def fresh(rng, shape=shape):
            return rng.normal(size=shape).astype(dtype)

        compiled = check(normalized, fresh, backend, (shape, dtype))
        assert compiled.last.backend == backend


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_columns_for_several_axes_have_the_bits_of_the_step(backend, short_runs):
    def step(x, y):
        a, b, c = x[:, :1, :1] * 1, x[:, :, :1] * 1, y[:1] * 1
        return [a * y, y - b, b * a, y + c, np.where(b > a, a, y), (a + b) * c, x + y[:, :1] * 2]

    for shape in [(3, 4, 5), (50, 7, 33), (2, 1, 9), (64, 8, 16), (1, 3, 3)]:
        check(step, lambda rng, shape=shape: rng.normal(size=shape), backend, shape)


def changed(x, y):
    """Sums of what is changed in place before and after."""
    a = x * 2
    first = a.sum(axis=0)
    a += y
    a -= a.max(axis=1, keepdims=True)
    second = a.sum(axis=1, keepdims=True)
    x *= second
    y += first
    return [first, second, a, x.sum(), (x - y.mean(axis=1, keepdims=True)).T * 2]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_changed_between_reductions_has_the_bits_of_the_step(backend, short_runs):
    for shape in [(5, 9), (100, 128), (70, 129)]:
        for dtype in ("f4", "f8"):
            check(changed, lambda rng, s=shape, d=dtype: rng.normal(size=s).astype(d), backend, "")


# ---- Random programs of all of these


def random_mixed(seed):
    """A function of two arrays: elementwise, reduced, and what comes of it spread again."""
    plan = np.random.default_rng(seed).integers(1000, size=(14, 4)).tolist()

    def step(x, y):
        wide, rest = [x, y], [x[:1] * 1, y[:, :1] * 1]
        for move, a, b, which in plan:
            p, q, r = wide[a % len(wide)], wide[b % len(wide)], rest[b % len(rest)]
            axis = (None, 0, 1)[which % 3]
            reduced = ("sum", "max", "mean", "min")[b % 4]
            match move % 8:
                case 0:
                    wide.append((np.tanh, np.exp, np.abs, np.negative)[which % 4](p))
                case 1 | 2:
                    wide.append((np.add, np.subtract, np.multiply, np.divide)[which % 4](p, q))
                case 3 | 4 | 5:
                    wide.append((np.add, np.subtract, np.multiply, np.maximum)[which % 4](p, r))
                case 6:
                    rest.append(getattr(p, reduced)(axis=axis, keepdims=True))
                case 7:
                    rest.append(r * 0.5 + 1)
        return wide[2::2] + rest[2:] + wide[-1:]

    return step


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_random_programs_with_reductions_have_the_bits_of_the_step(backend, short_runs):
    shapes = [(8, 8), (3, 129), (40, 127), (90, 100), (65, 128), (1, 513), (512, 1), (17, 512)]
    for seed in range(40 if backend == "loops" else 24):
        shape, dtype = shapes[seed % len(shapes)], ("f4", "f8")[seed // 8 % 2]

        def fresh(rng, shape=shape, dtype=dtype):
            return rng.normal(size=shape).astype(dtype)

        check(random_mixed(seed), fresh, backend, (seed, shape, dtype))


# ---- Memory


def gates_and_back(leaves, seed):
    """Four gates on large arrays and their gradients, which are returned and stay in the leaves."""
    x, w = leaves
    x.zero_grad()
    w.zero_grad()
    y = x
    for _ in range(4):
        c = tanh(y * w + x)
        y = c * c
    y.backward(seed)
    return [y.numpy(), x.grad, w.grad]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_large_step_makes_no_array_of_full_size_but_its_results(backend, monkeypatch):
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    given = np.random.default_rng(0).normal(size=(3, 500_000)).astype("f4")
    mine, theirs = ([Variable(x.copy()) for x in given[:2]] for _ in range(2))
    compiled = compile(lambda seed: gates_and_back(mine, seed), backend=backend)
    compiled.holders.look((given[2],), {})
    for _ in range(3):
        tracemalloc.start()
        found = compiled(given[2])
        peak, expected = tracemalloc.get_traced_memory()[1], gates_and_back(theirs, given[2])
        tracemalloc.stop()
        assert compiled.last.backend == backend
        assert compiled.bytes < given[0].nbytes
        assert_same_bits([found, [x.grad for x in mine]], [expected, [x.grad for x in theirs]])
        held = [*found, *[x.grad for x in mine]]
        assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(held, 2))
    assert peak < 7 * given[0].nbytes  # five results, and what little the call takes


# ---- Layouts, names and ends


def laid_out(x):
    """An array with gaps, backwards, turned and as one of several columns."""
    wide = np.repeat(x, 2, axis=1)
    return [wide[:, ::2], x[::-1], x[:, ::-1], wide.T[::2].T, wide[:, 1:2]]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("which", range(5))
def test_arrays_with_gaps_or_backwards_are_read_where_they_are(which, backend, short_runs):
    def step(x):
        y = x * 2 + 1
        x -= y
        return [x, y, x.sum(axis=0), x.max()]

    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        x = rng.normal(size=(7, 4))
        mine, theirs = laid_out(x.copy())[which], laid_out(x.copy())[which]
        assert_same_bits(compiled(mine), step(theirs))
        assert_same_bits(mine, theirs)


@needs_compiler
def test_memory_of_a_run_is_changed_by_a_line(short_runs):
    def step(x, y):
        z, sign = x.copy(), np.sign(np.arctan2(y, y))
        z -= -1.0 * sign
        x[...] = z
        return [sign, np.maximum(sign.T, -1.0)]

    check(step, lambda rng: rng.normal(size=(9, 4095)).astype("f4"), "loops", "")


@needs_compiler
@pytest.mark.parametrize("size", [2 * 8192 + 1, 3 * 8193, 64 * 65 + 63])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_of_two_nans_the_same_one_comes_out_at_the_end(size, dtype, short_runs):
    compiled = compile(lambda x, y: [np.tanh(x) * y + 1], backend="loops")
    for _ in range(3):
        x, y = np.full(size, np.nan, dtype), np.full(size, -np.nan, dtype)
        assert_same_bits(compiled(x, y), [np.tanh(x) * y + 1])

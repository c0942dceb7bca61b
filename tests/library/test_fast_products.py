"""Products of matrices, and sums of turned arrays, in runs of numpy's loops: numpy's bits."""

import itertools
import shutil

import numpy as np
import pytest
from conftest import calls_of
from test_compiler import assert_same_bits, assert_same_call, no_memory_is_shared
from test_fast import with_odd_numbers
from test_fast_reductions import BACKENDS, check_with, in_runs, short_runs

from tinytorch.core import compiler
from tinytorch.core.autograd import Variable, grad, tanh
from tinytorch.core.compiler import compile, trace
from tinytorch.fast import products, runs, turned, ufuncs
from tinytorch.fast.operations import operation
from tinytorch.fast.rewriting import rewritten
from tinytorch.support.programs import kind_of

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
__all__ = ["short_runs"]  # a fixture


LAYOUTS = {
    "C": lambda x: x.copy(),
    "F": lambda x: np.asfortranarray(x),
    "rows apart": lambda x: np.concatenate([x, x], axis=-1)[..., : x.shape[-1]],
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[..., ::-1],
    "turned and apart": lambda x: (
        np.concatenate([x, x], axis=-2)[..., : x.shape[-2], :].mT.copy().mT
    ),
}
SHAPES = [
    (1, 1, 1),
    (1, 7, 5),
    (7, 1, 5),
    (7, 5, 1),
    (1, 9, 1),
    (3, 4, 5),
    (17, 33, 9),
    (64, 64, 10),
]


@needs_compiler
@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_products_have_the_bits_of_numpys(dtype, first, second, short_runs):
    lie = LAYOUTS[first], LAYOUTS[second]
    for rows, across, columns in SHAPES:
        shapes = (rows, across), (across, columns)

        def fresh(rng, shapes=shapes):
            arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
            return [turn(x) for turn, x in zip(lie, arrays, strict=True)]

        what = dtype, first, second, rows, across, columns
        compiled = check_with(lambda x, y: [x @ y, np.matmul(y.mT, x.mT)], fresh, "loops", what)
        (run,) = in_runs(compiled)
        assert all(type(this) is products.Product for this in run.operations)


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "first, second",
    [
        ((2, 3, 4, 5), (2, 3, 5, 6)),
        ((2, 1, 4, 5), (3, 5, 6)),
        ((4, 5), (2, 3, 5, 6)),
        ((7, 4, 5), (5, 6)),
        ((1, 4, 5), (1, 1, 5, 6)),
        ((2, 1, 2, 1, 4, 5), (3, 1, 2, 5, 6)),
    ],
)
def test_several_matrices_at_once(first, second, backend, short_runs):
    rng = np.random.default_rng(0)

    def step(x, y):
        return [x @ y, y.mT @ x.mT, np.swapaxes(x, 0, 1)[0] if x.ndim < 4 else x.mean() * x]

    for dtype in ("f4", "f8"):
        compiled = compile(step, backend=backend)
        for _ in range(4):
            given = [rng.normal(size=shape).astype(dtype) for shape in (first, second)]
            assert_same_call(compiled, step, given, (first, second))
        found = [this for run in in_runs(compiled) for this in run.operations]
        assert sum(type(this) is products.Product for this in found) == 2


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_matrix_times_itself_turned(backend, short_runs):
    """BLAS has a function of its own for these, which gives other bits than a plain product."""
    rng = np.random.default_rng(0)

    def step(x):
        own = x @ x.T
        return [own, x.T @ x, own @ own.T, own.T @ own, np.tanh(own) @ np.tanh(own).T]

    for shape, dtype in itertools.product([(5, 9), (64, 48), (1, 7)], ["f4", "f8"]):
        compiled = compile(step, backend=backend)
        for _ in range(4):
            assert_same_call(compiled, step, [rng.normal(size=shape).astype(dtype)], shape)
        found = [this for run in in_runs(compiled) for this in run.operations]
        assert sum(type(this) is products.Product for this in found) == 5


def of_other_kinds(x, y, k):
    """Products that numpy does: with vectors, of whole numbers, of two types, of none, by dot."""
    vectors = x @ y[:, 0], x[0] @ y, x[0] @ y[:, 0]
    others = (
        k @ k,
        x @ k,
        x.astype("f4") @ y.astype("f8"),
        (x > 0) @ (y > 0),
        x.dot(y),
        np.dot(x, y),
    )
    return [*vectors, *others, x[:0] @ y, x[:, :0] @ y[:0], np.matmul(x, y, dtype="f8"), x * 2 + 1]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_products_of_other_kinds_are_left_to_numpy(backend, short_runs):
    rng, k = np.random.default_rng(0), np.arange(16).reshape(4, 4)
    for dtype in ("f4", "f8"):
        compiled = compile(of_other_kinds, backend=backend)
        for _ in range(4):
            given = [rng.normal(size=(4, 4)).astype(dtype) for _ in "xy"]
            assert_same_call(compiled, of_other_kinds, [*given, k.copy()], dtype)


@needs_compiler
def test_a_loop_with_other_bits_is_not_used():
    x = kind_of(np.empty((4, 5)))
    y, out = kind_of(np.empty((5, 6))), kind_of(np.empty((4, 6)))
    loop = ufuncs.loop_of(np.matmul, "dd->d")
    assert products.agrees(loop, x, y, out)
    assert not products.agrees(ufuncs.loop_of(np.add, "dd->d"), x, y, out)


# ---- Turned arrays


def sums_of_turned(x, y):
    """Arrays whose axes lie in memory in other orders, and some that are repeated besides."""
    found = [x + y.T, x.T - y, x * y.T, y.T / x, x.T + y.T, (x.T + y) * 2 - x.T]
    return [*found, x.T + y[:1], x + y[:, :1].T, x[::-1] + y.T, x.T.T + y[:, ::-1].T]


def turned_in(run):
    return [x for this in run.operations for x in this.operands if x.form == "turned"]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [1, 2, 7, 8, 33, 64, 130])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sums_of_turned_arrays_have_the_bits_of_numpys(dtype, size, backend, short_runs):
    compiled = check_with(
        sums_of_turned,
        lambda rng: list(rng.normal(size=(2, size, size)).astype(dtype)),
        backend,
        (dtype, size),
    )
    assert size == 1 or [x for run in in_runs(compiled) for x in turned_in(run)]


@needs_compiler
def test_large_turned_arrays_are_left_to_numpy():
    many = int(turned.LARGEST**0.5) + 1
    program = trace(lambda x: [x + x.T], np.empty((many, many)))
    assert operation(program.steps[-1], program.kinds) is None


# ---- All together


def curved(x, labels, *parameters):
    """The Hessian of a network times a direction, as the benchmark has it."""
    variables = [Variable(array) for array in parameters]
    w1, b1, w2, b2 = variables
    scores = tanh(Variable(x, requires_grad=False) @ w1 + b1) @ w2 + b2
    loss = ((scores - labels) * (scores - labels)).sum()
    gradients = grad(loss, variables, create_graph=True)
    along = sum((gradient * gradient).sum() for gradient in gradients)
    return list(grad(along, variables))


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_network_is_one_run_with_its_products_and_what_turns_them(backend):
    rng, shapes = np.random.default_rng(0), [(16, 8), (16, 3), (8, 9), (9,), (9, 3), (3,)]
    compiled = compile(curved, backend=backend)
    for _ in range(4):
        assert_same_call(compiled, curved, [rng.normal(size=shape) for shape in shapes], backend)
    (run,) = in_runs(compiled)
    assert turned_in(run)
    assert sum(type(this) is products.Product for this in run.operations) >= 8


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_arrays_that_are_not_aligned_go_step_by_step(backend):
    rng, shapes = np.random.default_rng(0), [(16, 8), (16, 3), (8, 9), (9,), (9, 3), (3,)]
    compiled = compile(curved, backend=backend)

    def apart(x):
        memory = np.empty(x.nbytes + 1, np.uint8)
        found = memory[1:].view(x.dtype).reshape(x.shape)
        found[...] = x
        return found

    for call in range(5):
        given = [rng.normal(size=shape) for shape in shapes]
        mine = [apart(x) for x in given] if call > 2 else [x.copy() for x in given]
        with np.errstate(all="ignore"):
            found, expected = (
                compiled(*mine),
                curved(*[apart(x) for x in given] if call > 2 else given),
            )
        assert_same_bits(found, expected, call)
        assert no_memory_is_shared(found, mine, compiled)


MOVES = [
    lambda x, y: x @ y,
    lambda x, y: x.T @ y,
    lambda x, y: x @ y.T,
    lambda x, y: x.T @ x,
    lambda x, y: x + y.T,
    lambda x, y: x.T * y,
    lambda x, y: x.T - x,
    lambda x, y: x / x.T,
    lambda x, y: x.reshape(2, -1).T.reshape(y.shape) + x.T,
    lambda x, y: x.T,
    lambda x, y: x.T.copy(),
    lambda x, y: x[::-1],
    lambda x, y: np.tanh(x) - y,
    lambda x, y: x - x.mean(axis=1, keepdims=True),
    lambda x, y: x.sum(axis=0) + y,
    lambda x, y: x.T.sum(axis=0, keepdims=True) * y.T,
    lambda x, y: x.reshape(-1).reshape(y.shape) / 3,
    lambda x, y: x.reshape(2, -1).T.reshape(y.shape),
    lambda x, y: np.where(x.T > 0, x.T, y),
    lambda x, y: x * y.max().item(),
    lambda x, y: y + x.sum().item(),
]
CHANGES = [
    lambda x, y: np.multiply(x, 0.5, out=x),
    lambda x, y: np.add(x, y, out=x),
    lambda x, y: np.add(x, y.T, out=x),
    lambda x, y: np.subtract(x.T, y, out=x.T),
    lambda x, y: np.multiply(x, x.T, out=x),
    lambda x, y: np.add(x[1:], y[1:], out=x[1:]),
    lambda x, y: np.subtract(x.reshape(-1), 1, out=x.reshape(-1)),
    lambda x, y: np.copyto(x, y),
]


def matrices(seed):
    """Inputs, and a function of them, that multiplies, turns and changes matrices."""
    rng = np.random.default_rng(seed)
    many, dtype = 2 * int(rng.integers(1, 5)), "f4" if seed % 2 else "f8"
    picks = rng.integers(1 << 30, size=(14, 3)).tolist()

    def step(*given):
        pool = list(given)
        for move, a, b in picks:
            x, y, move = (
                pool[a % len(pool)],
                pool[b % len(pool)],
                move % (len(MOVES) + len(CHANGES)),
            )
            if move < len(MOVES):
                pool.append(MOVES[move](x, y))
            elif x is y or not np.shares_memory(x, y):
                CHANGES[move - len(MOVES)](x, y)
        return pool[len(given) :]

    return step, lambda: [rng.normal(size=(many, many)).astype(dtype) for _ in range(3)]


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("block", range(4))
def test_random_programs_of_matrices_have_the_bits_of_numpys(block, backend, short_runs):
    for seed in range(block * 40, block * 40 + 40):
        step, fresh = matrices(seed)
        compiled = compile(step, backend=backend)
        for call in range(5):
            given = fresh()
            given = with_odd_numbers(given, np.random.default_rng(seed)) if call == 4 else given
            assert_same_call(compiled, step, given, (seed, call))


@needs_compiler
def test_memory_between_parts_is_used_again():
    def deep(x):
        for _ in range(30):
            x = np.tanh(x @ x)
        return x

    compiled, x = compile(deep, backend="loops"), np.random.default_rng(0).normal(size=(64, 64))
    for _ in range(3):
        assert_same_call(compiled, deep, [x.copy()], "")
    (run,) = in_runs(compiled)
    assert len(run.operations) == 60
    assert compiled.bytes < 6 * x.nbytes


@needs_compiler
def test_writing_grows_with_the_number_of_products_and_no_faster(short_runs):
    calls = {}
    for length in (100, 400, 1_600):

        def deep(x, length=length):
            for _ in range(length):
                x = np.tanh(x @ x) + x.T
            return [x]

        program = trace(deep, np.eye(3))
        calls[length] = calls_of(lambda program=program: rewritten(program, compiler))
    for_one = (calls[400] - calls[100]) / 300
    assert (calls[1_600] - calls[400]) / 1_200 == pytest.approx(for_one, rel=0.05)


@needs_compiler
def test_a_single_product_is_called_as_numpys():
    program = trace(lambda x: [x @ x], np.empty((3, 3)))
    assert all(
        not isinstance(item, runs.Run) for item in runs.in_runs(program, runs.Views(program))
    )

"""What makes the lines of a compiled step faster, and leaves every bit as it is."""

import dis

import numpy as np
import pytest

from tinytorch.core.compiler import (
    Run,
    compile,
    evaluate,
    in_pieces,
    same_in_python,
    trace,
    with_python_numbers,
    write,
)
from tinytorch.support import runs
from tinytorch.support.arrays import one_hot
from tinytorch.support.runs import piece_length

ONE = [np.exp, np.tanh, np.sqrt, np.abs, np.negative, np.square, np.sin, np.log1p]
TWO = [np.add, np.subtract, np.multiply, np.maximum, np.divide, np.greater]


def bits(x):
    """Everything about arrays, in tuples and lists."""
    if isinstance(x, (tuple, list)):
        return [bits(part) for part in x]
    return type(x), *same_bits(x)  # the type tells a number of numpy's from an array


def same_bits(x):
    """The same, whether a number is in an array or not.

    All NaN are one: which sign the sum of two has depends on the place in an array.
    """
    if isinstance(x, (tuple, list)):
        return [same_bits(part) for part in x]
    array = np.array(x)
    array[np.isnan(array)] = np.nan
    return array.shape, array.dtype, array.tobytes()


def lines_of(program):
    """A program's text as a function."""
    text, space, buffers = write(program)
    space = space | buffers
    exec(text, space)
    return space["step"]


# ---- Numbers


def random_sums(seed):
    """A function of single numbers in some precisions, and an array."""
    rng = np.random.default_rng(seed)
    dtypes = rng.choice(["f4", "f8", "f8", "f8"], size=3)
    moves = [
        (
            rng.choice([0, 1, 2, 3, 4, 5], p=[0.3, 0.3, 0.2, 0.16, 0.02, 0.02]),
            *rng.integers(1, 9, 2),
        )
        for _ in range(60)
    ]

    def function(*given):
        pool = [*given[:3], 0.5, 2, given[0] * given[1]]
        for move, a, b in moves:
            x, y = pool[-a % len(pool)], pool[-b % len(pool)]
            match move:
                case 0:
                    pool.append(x + y)
                case 1:
                    pool.append(x * y)
                case 2:
                    pool.append(x - y)
                case 3:
                    pool.append(-x)
                case 4:
                    pool.append(np.tanh(x))
                case 5:
                    pool.append((given[3] * x)[0])
        return [x + given[0] for x in (pool[-1], pool[-5])]

    def fresh(seed):
        rng = np.random.default_rng(seed)
        numbers = [np.dtype(d).type(rng.normal()) for d in dtypes]
        return [*numbers, rng.normal(size=3).astype("f4")]

    return function, fresh


@pytest.mark.parametrize("block", range(4))
def test_random_sums_of_numbers_have_the_bits_and_types_of_numpys(block):
    changed = 0
    for seed in range(100 * block, 100 * block + 100):
        function, fresh = random_sums(seed)
        program = trace(function, *fresh(1))
        faster = with_python_numbers(program)
        changed += faster is not program
        with np.errstate(all="ignore"):
            for call in range(2):
                expected = bits(function(*fresh(call)))
                assert bits(evaluate(faster, *fresh(call))) == expected, seed
                assert bits(lines_of(faster)(*fresh(call))) == expected, seed
    assert changed > 20


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, -0.0, 1e308, 5e-324])
@pytest.mark.parametrize("y", [np.inf, np.nan, -1.0, 0.0, 1e308, 0.5])
def test_numbers_that_are_none_or_huge_have_the_same_bits(x, y):
    def function(x, y):
        found = [x, y]
        for _ in range(8):
            found += [found[-2] * found[-1], found[-1] - found[-2], -found[-1] + 1.5]
        return [sum(found[2:], found[-1] * 2)]

    program = trace(function, np.float64(1), np.float64(2))
    faster = with_python_numbers(program)
    assert any("item" in str(step) for step in faster.steps)
    with np.errstate(all="ignore"):
        expected = function(np.float64(x), np.float64(y))
        found = evaluate(faster, np.float64(x), np.float64(y))
    assert bits(found) == bits(expected)


def test_an_array_that_is_written_to_is_no_number():
    place = np.array(1.0)

    def step(x):
        for _ in range(10):
            x = x * place * 0.5
            place[...] = place - x * 0.1
        return x

    compiled = compile(step, place, backend="lines")
    mine = [float(compiled(np.float64(n))) for n in range(4)], float(place)
    place[...] = 1.0
    assert mine == ([float(step(np.float64(n))) for n in range(4)], float(place))


def test_only_double_precision_counts():
    for kind, expected in ((np.float64, True), (np.float32, False), (np.int64, False)):
        program = trace(lambda x: x * x, kind(2))
        assert same_in_python(program, program.steps[0]) is expected


def test_a_program_with_little_to_count_is_left_alone():
    program = trace(lambda x, y: [x.sum() * y + 1.0], np.ones(3), np.float64(2))
    assert with_python_numbers(program) is program


def test_a_constant_is_converted_once_and_not_looked_at_before():
    constant = np.array(3.0)

    def function(x):
        for _ in range(20):
            x = x + np.multiply(constant, x)
        return [x]

    faster = with_python_numbers(trace(function, np.float64(1)))
    assert sum("item" in str(step) for step in faster.steps) == 2
    constant[...] = 0.5
    x = np.float64(2)
    assert bits(evaluate(faster, x)) == bits(function(x))


# ---- Pieces


@pytest.fixture
def short(monkeypatch):
    """Pieces of few rows, and runs of a single step."""
    monkeypatch.setattr(runs, "PIECE", 64)
    monkeypatch.setattr(runs, "FEWEST", 1)


SHAPES = [(200,), (130, 3), (70, 70), (64, 5), (256, 2), (129, 2, 2)]


def random_run(seed):
    """A function of arrays that are broadcast to one shape; some results are needed later."""
    rng = np.random.default_rng(seed)
    whole = SHAPES[rng.integers(len(SHAPES))]
    others = [whole, whole[1:], (1, *whole[1:]), (whole[0], *[1] * len(whole[1:])), ()]
    shapes = [whole, *[others[i] for i in rng.integers(len(others), size=2)]]
    dtypes = rng.choice(["f4", "f8"], size=3)
    constant = rng.normal(size=others[rng.integers(len(others))])
    moves = [(rng.integers(8), *rng.integers(1, 7, 2), rng.integers(9)) for _ in range(12)]

    def function(*given):
        pool = [*given, constant]
        for move, a, b, which in moves:
            x, y = pool[-a % len(pool)], pool[-b % len(pool)]
            match move:
                case 0 | 1 | 2:
                    pool.append(ONE[which % len(ONE)](x + y))
                case 3 | 4:
                    pool.append(TWO[which % len(TWO)](x, y) * 1.5)
                case 5:
                    pool.append(x.sum(axis=0) if np.ndim(x) else x)
                case 6:
                    pool.append(x.T if np.ndim(x) == 2 and x.shape[0] == x.shape[1] else x * 2)
                case 7:
                    z = y + given[0]
                    z[1:] += x[:1] if np.shape(x)[1:] == z.shape[1:] and np.ndim(x) == z.ndim else 1
                    pool.append(z)
        return [x * 1 for x in pool[4::3]] + pool[-1:]

    def fresh(seed):
        rng = np.random.default_rng(seed)
        return [np.array(rng.normal(size=s), d) for s, d in zip(shapes, dtypes, strict=True)]

    return function, fresh


@pytest.mark.parametrize("block", range(6))
def test_random_runs_have_the_bits_of_whole_arrays(block, short):
    in_runs = 0
    for seed in range(100 * block, 100 * block + 100):
        function, fresh = random_run(seed)
        compiled = compile(function, backend="lines")
        kept = []
        with np.errstate(all="ignore"):
            for call in range(3):
                found, expected = compiled(*fresh(call)), function(*fresh(call))
                assert same_bits(found) == same_bits(expected), seed
                kept.append((found, expected))
        assert all(same_bits(found) == same_bits(expected) for found, expected in kept), seed
        in_runs += "rows at a time" in compiled.source
    assert in_runs > 50


@pytest.mark.parametrize("rows", [63, 64, 127, 128, 129, 192, 193, 1000])
def test_the_last_piece_is_as_long_as_what_is_left(rows, short):
    x, bias = np.random.default_rng(0).normal(size=(rows, 2)), np.array([3.0, -4.0])
    program = in_pieces(trace(lambda x, b: [np.exp(x + b) * x], x, bias), Run)
    assert bits(evaluate(program, x, bias)) == bits([np.exp(x + bias) * x])


def test_a_bias_as_long_as_the_batch_is_not_cut(short):
    x, bias = np.random.default_rng(0).normal(size=(130, 130)), np.arange(130.0)
    program = in_pieces(trace(lambda x, b: [(x + b) * 2, (x + b[:, None]) * 2], x, bias), Run)
    run = program.steps[-1].function
    assert isinstance(run, Run)
    assert bits(evaluate(program, x, bias)) == bits([(x + bias) * 2, (x + bias[:, None]) * 2])


def test_pieces_are_whole_vectors_and_of_about_the_right_size():
    for shape in ((10**6,), (10**6, 3), (1000, 1000), (300, 300), (5000, 2, 7), (100, 64_000)):
        length, row = piece_length(shape), int(np.prod(shape[1:]))
        assert length * row % runs.VECTOR == 0
        assert length * row <= runs.PIECE or length == runs.VECTOR // np.gcd(runs.VECTOR, row)


def test_a_run_keeps_no_more_memory_than_pieces_of_what_is_inside():
    x = np.random.default_rng(0).normal(size=500_000)
    compiled = compile(lambda x: [np.tanh(np.exp(x) * 2 + x) - 1.0], backend="lines")
    for _ in range(3):
        compiled(x)
    assert compiled.bytes < x.nbytes / 10
    assert compiled.source.count("def ") == 2 and "rows at a time" in compiled.source


def test_results_of_a_run_that_nobody_outside_sees_have_buffers():
    x = np.random.default_rng(0).normal(size=(500, 200))
    weights = np.random.default_rng(1).normal(size=(200, 10))
    compiled = compile(lambda x: [np.tanh(np.exp(x) * 2 + x) @ weights], backend="lines")
    for _ in range(3):
        compiled(x)
    assert "room((500, 200), float64, out=b0)" in compiled.source


def test_small_arrays_and_few_steps_are_no_runs():
    for x, function in (
        (np.ones(1000), lambda x: [np.exp(x) * 2 + x]),
        (np.ones(100_000), lambda x: [np.exp(x) * 2]),
        (np.ones((400, 400)).T, lambda x: [np.exp(x) * 2 + x]),
    ):
        program = trace(function, x)
        assert in_pieces(program, Run).steps == program.steps


def test_rows_for_labels_may_be_more_than_the_labels(monkeypatch):
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    compiled = compile(lambda labels: one_hot(labels, (5, 3), "f4"))
    for seed in range(4):
        labels = np.random.default_rng(seed).integers(0, 3, 2)
        assert bits(compiled(labels)) == bits(one_hot(labels, (5, 3), "f4"))


# ---- Products that only one sum needs


def names_of(compiled):
    """How many names the text has that runs."""
    return compiled.last.function.__code__.co_nlocals


def test_products_of_numbers_that_one_sum_needs_have_no_names():
    def step(x, v, h):
        for _ in range(50):
            v = v - h * x
            x = x + v * h
        return x, v

    given = [np.float64(1.0), np.float64(0.5), np.float64(-0.04)]
    compiled = compile(step, backend="lines")
    for _ in range(4):
        assert same_bits(compiled(*given)) == same_bits(step(*given))
        given = [x * 1.25 for x in given]
    assert len(compiled.steps) >= 200 and names_of(compiled) < 120


@pytest.mark.parametrize("seed", range(20))
def test_sums_and_products_in_any_order_have_the_same_bits(seed):
    def step(*given):
        rng, values = np.random.default_rng(seed), [*given, 0.5, -3.0, 2]
        for _ in range(40):
            x, y = rng.integers(len(values), size=2)
            kind = rng.integers(4)
            if kind == 0 and not isinstance(values[x], (float, int)):
                values.append(-values[x])
            else:
                values.append([np.add, np.subtract, np.multiply][kind % 3](values[x], values[y]))
        return [v for v in values[-12:] if isinstance(v, np.generic)] + [values[-1] * given[0]]

    special = [0.0, -0.0, 1e308, -1e308, np.inf, -np.inf, np.nan, 5e-324, 1.1]
    compiled = compile(step, backend="lines")
    rng = np.random.default_rng(seed)
    for _ in range(8):
        given = [np.float64(x) for x in rng.choice(special, 3)]
        with np.errstate(all="ignore"):
            assert same_bits(compiled(*given)) == same_bits(step(*given))


# ---- Views that are there already, and products with ones

BACKENDS = ("lines", "loops")


def agree_in_four_calls(step, *arrays):
    """Compiled steps of some backends, which have given the bits of a step, and changed as much."""
    found = []
    for backend in BACKENDS:
        compiled = compile(step, backend=backend)
        for n in range(4):
            ours, theirs = [[x + n for x in arrays] for _ in range(2)]
            results = compiled(*ours)
            assert same_bits(results) == same_bits(step(*theirs))
            assert same_bits(ours) == same_bits(theirs)
            assert not any(np.may_share_memory(x, y) for x in results for y in ours)
        found.append(compiled)
    return found


def calls_in(compiled, name):
    """How often a function or a method is called in the text that runs."""
    code = compiled.last.function.__code__
    return sum(i.argval == name for i in dis.get_instructions(code))


@pytest.mark.parametrize("seed", range(12))
def test_axes_turned_and_turned_back_are_the_array_itself(seed):
    def step(x, w):
        rng, found = np.random.default_rng(seed), [x]
        for _ in range(8):
            y = found[rng.integers(len(found))]
            y = y.transpose(rng.permutation(3)) if rng.random() < 0.6 else y.reshape(3, 3, 3)
            found.append(y)
        found[3][0, 1:] += w[0, 1:]
        return [y @ w for y in found]

    x = np.random.default_rng(seed).normal(size=(3, 3, 3))
    agree_in_four_calls(step, x, x[::-1].copy())


def test_an_array_turned_twice_is_not_turned_at_all():
    def step(x, w):
        return [x.T.T @ w, np.transpose(x) @ w, x.transpose((1, 0)) @ w, x.reshape(3, 3) + w]

    lines, _ = agree_in_four_calls(step, np.arange(9.0).reshape(3, 3), np.eye(3))
    assert calls_in(lines, "transpose") == 1 and calls_in(lines, "reshape") == 0


def test_a_product_with_ones_is_what_is_multiplied_unless_somebody_writes():
    def plain(x, w):
        y = np.ones(3) * x
        return [y, np.tanh(y * np.ones(3)) + w, y.reshape(3, 1) * w]

    def writing_to_the_product(x, w):
        y = np.ones(3) * x
        y += w
        return [y, x * w]

    def writing_to_what_is_multiplied(x, w):
        y = x * np.ones(3)
        x[1:] += w[1:]
        return [y * w, x + w]

    x, w = np.array([0.5, -0.0, 1e300]), np.array([2.0, np.nan, -1.0])
    lines, _ = agree_in_four_calls(plain, x, w)
    assert calls_in(lines, "multiply") == calls_in(lines, "constant") == 0
    agree_in_four_calls(writing_to_the_product, x, w)
    agree_in_four_calls(writing_to_what_is_multiplied, x, w)


def test_products_with_ones_of_another_shape_or_dtype_stay():
    def step(x, w):
        return [np.ones((2, 3)) * x, np.ones(3, "f4") * w, np.ones(3) * w, np.full(3, 2.0) * x]

    agree_in_four_calls(step, np.array([0.5, 1.0, 2.0]), np.array([1, 2, 3], "f4"))


def test_a_copy_that_nobody_writes_to_is_no_step():
    def plain(x, w):
        seed = x.copy()
        return [seed, seed * w, np.copy(w) + x.astype("f8"), seed.reshape(3, 1) - w]

    def writing_to_the_copy(x, w):
        seed = x.copy()
        seed *= w
        return [seed, x + w]

    def writing_to_what_is_copied(x, w):
        seed = x.copy()
        x[1:] += w[1:]
        return [seed * w, x + w]

    x, w = np.array([0.5, -0.0, 1e300]), np.array([2.0, np.nan, -1.0])
    lines, _ = agree_in_four_calls(plain, x, w)
    assert calls_in(lines, "copy") == calls_in(lines, "astype") == 0
    agree_in_four_calls(writing_to_the_copy, x, w)
    agree_in_four_calls(writing_to_what_is_copied, x, w)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_returned_twice_is_copied_piece_by_piece_with_all_its_bits(dtype):
    def step(x):
        y = np.tanh(x * x + x)
        return [x, y, y]

    compiled = compile(step, backend="lines")
    x = np.random.default_rng(0).normal(size=100_000).astype(dtype)
    word = {"f4": "u4", "f8": "u8"}[dtype]
    x.view(word)[:4] = np.array([np.nan, np.inf, -np.nan, 1.0], dtype).view(word) + 5
    with np.errstate(all="ignore"):
        for _ in range(4):
            found = compiled(x)
        expected = step(x)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]
    arrays = [x, *found]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    assert "array" not in compiled.last.function.__code__.co_names


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_views_of_memory_that_is_kept_are_made_once(dtype):
    def step(x, w):
        hidden = np.tanh(x @ w)
        turned = hidden.T
        product = turned @ x
        flat = np.exp(product).reshape(-1)
        again = np.transpose(hidden, axes=(1, 0)) @ hidden
        return [flat.sum(), product.T, again, turned, hidden.T + x[:3].T.copy().T[:2].sum()]

    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 4)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)
    for compiled in agree_in_four_calls(step, x, w):
        first = compiled(x, w)
        bits_before = bits(first)
        compiled(x + 1, w)
        assert bits(first) == bits_before  # no result shows what the next call writes to
    compiled = compile(lambda x, w: [np.transpose(np.tanh(x @ w)) @ x], backend="lines")
    for _ in range(4):
        compiled(x, w)
    assert calls_in(compiled, "transpose") == 0


def test_a_view_that_is_written_through_is_made_at_each_call():
    def step(x):
        y = np.exp(x)
        z = y.T
        z += 1
        z[0] = 5
        return [y @ y, np.tanh(y)]

    agree_in_four_calls(step, np.arange(9.0).reshape(3, 3))

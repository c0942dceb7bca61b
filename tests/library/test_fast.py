"""Compiled steps by numpy's inner loops: the bits of the lines, wherever there is a compiler."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT
from test_compiler import assert_same_bits, assert_same_call, no_memory_is_shared

from tinytorch import fast
from tinytorch.core import autograd
from tinytorch.core.activations import relu
from tinytorch.core.autograd import Variable
from tinytorch.core.compiler import compile, trace, without_common
from tinytorch.core.tensor import apply
from tinytorch.fast import building, formulas, joining, runs, simplifying, tables, ufuncs
from tinytorch.support import compiling

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Nothing is known of the machine, and the cache is empty."""
    known = (fast.available, building.library, building.fresh_folder, ufuncs.own_loop)
    known += (fast.joins, fast.say_no_c, formulas.trials, formulas.formula)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    for function in known:
        function.cache_clear()
    yield tmp_path
    for function in known:
        function.cache_clear()


def gates(x, w):
    for _ in range(4):
        x = np.tanh(x * w + 1)
    return x


def run_four_times(step=gates, backend="auto"):
    """A step that has been compiled and called, with its results beside those of the step."""
    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        given = rng.normal(size=(2, 5, 7))
        assert_same_bits(compiled(*given), step(*given))
    return compiled


# ---- Random programs of elementwise steps

SIZES = [1, 7, 16, 2048, 4096, 4097, 10_000]
ONE = [np.exp, np.tanh, np.sqrt, np.abs, np.negative, np.square, np.log1p, np.sign, np.rint]
TWO = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.copysign]


def random_elementwise(seed):
    """A function of arrays of some shapes: whole, rows, columns, single numbers, turned."""
    rng = np.random.default_rng(seed)
    size = SIZES[seed % len(SIZES)]
    row = int(rng.choice([n for n in (1, 7, 16, 64, 10, 1000) if size % n == 0]))
    shapes = [
        (size // row, row),
        (row,),
        (1, row),
        (size // row, 1),
        (),
        (1, 1),
        (row, size // row),
    ]
    chosen = [shapes[0], *[shapes[i] for i in rng.integers(len(shapes), size=4)]]
    types = rng.choice(["f4", "f8"], size=len(chosen))
    plan = [(*rng.integers(1000, size=4), float(rng.normal())) for _ in range(25)]

    def step(*given):
        pool = [x.T if x.shape == shapes[-1] and x.ndim == 2 else x for x in given]
        for kind, a, b, which, number in plan:
            x, y = pool[a % len(pool)], pool[b % len(pool)]
            match kind % 9:
                case 0 | 1:
                    pool.append(ONE[which % len(ONE)](x))
                case 2 | 3 | 4:
                    pool.append(TWO[which % len(TWO)](x, y))
                case 5:
                    pool.append(np.where(x > y, x, number))
                case 6:
                    pool.append(x * number - (x <= number))
                case 7:
                    z = x * 1
                    z += number
                    z *= z
                    pool.append(z**2)
                case 8:
                    pool.append(x.astype("f4" if which % 2 else "f8"))
        return pool[len(given) :: 3]

    def fresh(seed):
        rng = np.random.default_rng(seed)
        given = [rng.normal(size=s) * 2 for s in chosen]
        return [np.array(x, t) for x, t in zip(given, types, strict=True)]

    return step, fresh


@needs_compiler
@pytest.mark.parametrize("fewest", [1, 3])
@pytest.mark.parametrize("block", range(7))
def test_random_elementwise_programs_have_the_bits_of_the_step(block, fewest, monkeypatch):
    monkeypatch.setattr(runs, "FEWEST", fewest)
    for seed in range(block * 20, block * 20 + 20):
        step, fresh = random_elementwise(seed)
        compiled = compile(step, backend="loops")
        for call in range(4):
            assert_same_call(compiled, step, fresh(call), (seed, call))
        assert compiled.last.backend == "loops"


@needs_compiler
def test_every_loop_that_is_read_gives_the_bits_of_its_ufunc():
    found = {
        (ufunc.__name__, types): ufuncs.inner_loop(ufunc, types)
        for ufunc in ufuncs.UFUNCS
        for types in ufunc.types
        if set(types) <= set("?fd->")
    }
    for name in ("add", "multiply", "divide", "maximum", "greater", "exp", "tanh", "sqrt"):
        letters = (
            "ff->?" if name == "greater" else "f->f" if np.__dict__[name].nin == 1 else "ff->f"
        )
        assert found[name, letters] is not None


def test_a_loop_that_gives_other_bits_is_not_used():
    loop = ufuncs.inner_loop(np.add, "dd->d")
    assert not ufuncs.gives_the_same(loop, np.subtract, "dd->d")


# ---- Steps that follow one another, joined in functions of C

ODD = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, 1e300, 1e30, -1.0]


def with_odd_numbers(given, rng):
    """Arrays in which a third of the numbers are NaN of both signs, infinities, zeros."""
    for x in given:
        odd = rng.choice(ODD, size=x.shape)
        with np.errstate(all="ignore"):
            np.copyto(x, odd.astype(x.dtype), where=rng.random(x.shape) < 1 / 3)
    return given


@needs_compiler
@pytest.mark.parametrize("block", range(2))
def test_random_programs_in_c_have_the_bits_of_the_step(block, monkeypatch):
    monkeypatch.setattr(runs, "FEWEST", 1 + 2 * block)
    monkeypatch.setattr(joining, "LONGEST", 100 if block else 7)
    rng = np.random.default_rng(block)
    for seed in range(block * 21, block * 21 + 21):
        step, fresh = random_elementwise(seed)
        compiled = compile(step, backend="c")
        for call in range(5):
            mine = with_odd_numbers(fresh(call), rng) if call > 2 else fresh(call)
            assert_same_call(compiled, step, mine, (seed, call))
        assert compiled.last.backend == "c"


def loss_and_gradient(x, labels):
    """A cross-entropy and its gradient, through that of relu."""
    scores = Variable(x)
    loss = autograd.cross_entropy(apply(relu, scores) - scores * 0.5, labels)
    return loss, autograd.grad(loss, [scores])[0]


LAYOUTS = {"rows": np.array, "columns": np.asfortranarray, "every second": lambda x: x[::2]}
CLASSES = [1, 2, 7, 8, 9, 17, 127, 128, 129, 300]


@needs_compiler
@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_loss_and_its_gradient_have_the_bits_of_the_step_also_with_nan(dtype, layout, backend):
    make, rng = LAYOUTS[layout], np.random.default_rng(3)
    compiled = compile(loss_and_gradient, backend=backend)
    for rows, classes in zip([1, 2, 8, 9, 64, 65, 127, 128, 130, 2], CLASSES, strict=True):
        for call in range(4):
            x = (rng.normal(size=(2 * rows, classes)) * 3).astype(dtype)
            x = make(x if call < 2 else with_odd_numbers([x], rng)[0])
            labels = rng.integers(classes, size=len(x))
            mine, theirs = x.copy("K"), x.copy("K")
            found = compiled(mine, labels)
            with np.errstate(all="ignore"):
                expected = loss_and_gradient(theirs, labels)
            assert_same_bits(found, expected, (rows, classes, call))


@needs_compiler
@pytest.mark.parametrize("backend", ["lines", "loops", "c"])
def test_a_label_that_is_no_class_is_refused_at_its_call(backend):
    compiled = compile(loss_and_gradient, backend=backend)
    x = np.random.default_rng(0).normal(size=(4, 3))
    for _ in range(3):
        compiled(x, np.array([0, 1, 2, 0]))
    for label in (3, -1):
        with pytest.raises(ValueError, match="number of classes - 1"):
            compiled(x, np.array([0, 1, label, 0]))


def repeated(x, y):
    """Sums and products with rows, columns and numbers that have been repeated before."""
    row, column = np.broadcast_to(x[0], x.shape), np.broadcast_to(y[:, :1], y.shape)
    number = np.broadcast_to(x.sum(), x.shape)
    return x * row - y / column + number, row + column, np.maximum(row, row), row[:, 1:] * 2


def repeated_and_then_changed(x, y):
    """The row is changed after it has been repeated, which shows in what is repeated."""
    first = x[0] * 1
    row = np.broadcast_to(first, x.shape)
    before = row + y
    first *= 2
    return before * y, row * y - 1, row + 0.0


def reshaped_and_then_changed(x, y):
    """A view in the same shape, through which an array is changed."""
    a = x * 2
    b = a.reshape(x.shape)
    b += y
    a *= y
    return a - 1, b.reshape(-1) + 1, b.reshape(x.shape)


@needs_compiler
@pytest.mark.parametrize("backend", ["loops", "c"])
@pytest.mark.parametrize("step", [repeated, repeated_and_then_changed, reshaped_and_then_changed])
def test_repeated_and_reshaped_arrays_have_the_bits_of_the_step(step, backend):
    rng = np.random.default_rng(5)
    for dtype in ("f4", "f8"):
        compiled = compile(step, backend=backend)
        for shape in [(1, 1), (3, 4), (8, 128), (9, 129), (5, 1), (1, 5)] * 2:
            for _ in range(3):
                given = with_odd_numbers([rng.normal(size=shape).astype(dtype) for _ in "xy"], rng)
                assert_same_call(compiled, step, given, (step.__name__, shape))


def test_what_only_repeats_or_keeps_a_shape_is_no_step_of_its_own():
    def step(x, y):
        return (np.broadcast_to(x[0], x.shape) + y).reshape(x.shape)

    program = simplifying.simplified(trace(step, np.ones((3, 4)), np.ones((3, 4))), without_common)
    assert [step.function.__name__ for step in program.steps] == ["getitem", "add"]


def moved(p, m, g):
    """A step of momentum: everything is changed in place, and read before and after."""
    m *= 0.9
    m += g
    before = p * 2
    p -= m * 0.1
    p += before * (g > 0)
    return before, np.maximum(p, 0), np.where(p >= m, p, m) / m


@needs_compiler
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_changed_in_place_has_the_bits_of_the_step_also_with_nan(dtype):
    compiled, rng = compile(moved, backend="c"), np.random.default_rng(0)
    kept = []
    for call in range(6):
        mine = [rng.normal(size=5000).astype(dtype) for _ in range(3)]
        mine = with_odd_numbers(mine, rng) if call % 2 else mine
        theirs = [x.copy() for x in mine]
        with np.errstate(all="ignore"):
            found, expected = compiled(*mine), moved(*theirs)
        kept += [(found, expected), (mine, theirs)]
        assert no_memory_is_shared([found for found, _ in kept], (), compiled)
    for found, expected in kept:
        assert_same_bits(found, expected)
    assert compiled.last.backend == "c"


@needs_compiler
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("size", "places"),
    [(5000, places) for places in ([], [0], [63, 64], [100], [2047, 2048, 4999], [4990])]
    + [(size, [*range(size)][-1:]) for size in (1, 2, 63, 64, 65, 127, 128, 129, 192)]
    + [(size, []) for size in (1, 2, 63, 64, 65, 127, 128, 129, 192)],
)
def test_where_a_nan_comes_up_the_loops_go_on_and_change_nothing_twice(size, places, dtype):
    def step(mean, weights, x):
        mean += (x - mean) * 0.1
        weights -= mean / (np.sqrt(mean * mean) + 0.5) * 0.01
        return mean * 2.0

    compiled = compile(step, backend="c")
    rng = np.random.default_rng(0)
    ours = [rng.normal(size=size).astype(dtype) for _ in range(2)]
    theirs = [a.copy() for a in ours]
    for turn in range(5):
        x = rng.normal(size=size).astype(dtype)
        x[places if turn > 2 else []] = np.nan
        assert_same_bits(compiled(*ours, x), step(*theirs, x))
        assert_same_bits(ours, theirs)


@needs_compiler
@pytest.mark.parametrize("backend", ["loops", "c"])
def test_several_arrays_that_are_changed_by_one_run_do_not_get_each_others_numbers(backend):
    def step(p, q, r, g):
        p -= g
        q += g
        r *= g
        p *= 0.5
        return [p + q, r * 2]

    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        assert_same_call(compiled, step, [rng.normal(size=45) for _ in "pqrg"], "")
    assert compiled.last.backend == backend


@needs_compiler
@pytest.mark.parametrize("backend", ["loops", "c"])
@pytest.mark.parametrize("row", [4096, 4097, 5001])
def test_rows_that_are_longer_than_a_block_have_the_bits_of_the_step(row, backend):
    def step(x, bias):
        return np.tanh(x + bias) * bias - x

    compiled, rng = compile(step, backend=backend), np.random.default_rng(0)
    for _ in range(4):
        given = [rng.normal(size=(3, row)), rng.normal(size=row)]
        assert_same_call(compiled, step, given, row)


@needs_compiler
def test_a_function_of_c_stands_for_all_loops_that_follow_one_another(monkeypatch):
    def step(x, y):
        return np.tanh((x + y) * (x - y) / 2) * x - y

    compiled, x = compile(step, backend="c"), np.linspace(-1, 1, 3000)
    for _ in range(3):
        compiled(x, x + 1)
    names = compiled.last.function.__globals__.values()
    (run,) = [found for found in names if isinstance(found, tables.Looped)]
    calls = run.table.table[1]
    assert calls["spare"].tolist() == [4, 0, 0, 0, 0, 0, 2, 0, 0]  # before tanh, and after it


@needs_compiler
def test_a_formula_with_other_bits_is_not_used(monkeypatch):
    assert formulas.formula(np.add, "dd->d") == "{0} + {1}"
    assert not formulas.agrees(np.subtract, "dd->d", formulas.trial(np.add, "dd->d", 0))
    assert not formulas.agrees(np.maximum, "dd->d", formulas.trial(np.minimum, "dd->d", 0))
    assert not formulas.agrees(np.maximum, "dd->d", formulas.trial(np.maximum, "dd->d", 1))


@needs_compiler
def test_a_step_runs_by_c_when_it_has_run_often(monkeypatch):
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    monkeypatch.setattr(compiling, "OFTEN", 3)
    compiled, found = compile(gates), []
    for _ in range(6):
        compiled(np.ones(3), np.ones(3))
        found.append(compiled.last.backend)
    assert found == ["lines", "loops", "loops", "loops", "c", "c"]
    assert repr(compiled).endswith("by C")


@needs_compiler
def test_without_functions_of_c_there_are_loops_and_it_is_said_once(fresh, monkeypatch):
    def refuse(text, name, flags=()):
        if name == "joined":
            raise building.NotHere("no")
        return compiled(text, name, flags)

    compiled = building.compiled
    monkeypatch.setattr(joining, "compiled", refuse)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            assert run_four_times(backend="c").last.backend == "loops"
    (one,) = said
    assert str(one.message) == "compiled steps run by numpy's loops, not as C: no"


@needs_compiler
def test_threads_do_not_disturb_each_other(monkeypatch):
    compiled = compile(gates, backend="c")
    inputs = [np.random.default_rng(n).normal(size=(2, 20_000)) for n in range(4)]
    for _ in range(2):
        compiled(*inputs[0])
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for x, found in zip(inputs, pool.map(lambda x: compiled(*x), inputs), strict=True):
                assert_same_bits(found, gates(*x))


# ---- Arrays that C must not touch


@needs_compiler
def test_arrays_that_are_not_aligned_are_run_step_by_step():
    compiled = compile(gates, backend="loops")
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = np.frombuffer(bytearray(8 * 6 + 1), np.float64, 6, offset=1)
        assert not x.flags.aligned
        x[:] = rng.normal(size=6)
        w = rng.normal(size=6)
        assert_same_bits(compiled(x, w), gates(x, w))


@needs_compiler
def test_arrays_that_are_closed_to_writing_are_refused_as_by_the_step():
    def step(x):
        x += 1
        x *= 2
        x -= 3

    compiled, x = compile(step, backend="loops"), np.arange(6.0)
    for _ in range(3):
        compiled(x)
    assert compiled.last.backend == "loops"
    before = x.copy()
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(x)
    assert_same_bits(x, before)


@needs_compiler
def test_there_are_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = compile(lambda x: np.log(x) / x * 1e300 * 1e300, backend="loops")
        for _ in range(4):
            assert np.isnan(compiled(np.array([-1.0]))).all()


# ---- Which backend


def test_an_unknown_backend_is_refused():
    with pytest.raises(
        ValueError, match="there is no backend 'gpu'; choose 'auto', 'lines', 'loops' or 'c'"
    ):
        compile(gates, backend="gpu")


@needs_compiler
@pytest.mark.parametrize("backend", ["auto", "loops"])
def test_a_step_runs_by_loops_from_its_second_call(fresh, backend):
    compiled = compile(gates, backend=backend)
    compiled(np.ones(3), np.ones(3))
    assert compiled.last.backend == "lines"
    compiled(np.ones(3), np.ones(3))
    assert compiled.last.backend == "loops"
    assert "tanh" in compiled.source and repr(compiled).endswith("by loops")


def test_lines_are_lines(fresh):
    assert run_four_times(backend="lines").last.backend == "lines"


IN_A_NOTEBOOK = """
fast = compile(lambda x, w: np.tanh(x * w + 1) * x, backend={backend!r})
for n in range(4):
    fast(np.ones(3) * n, np.ones(3))
print(fast.last.backend, type(fast).__module__)
print(fast.draw())
"""


@needs_compiler
@pytest.mark.parametrize(
    "backend, expected", [("auto", "lines"), ("lines", "lines"), ("loops",) * 2]
)
def test_a_notebooks_own_compiler_runs_the_lines_that_it_writes(backend, expected):
    lesson = (ROOT / "tinytorch/core/compiler.py").read_text("utf-8")
    program = lesson + IN_A_NOTEBOOK.format(backend=backend)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TINYTORCH_FAST": "1"}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert result.stdout.startswith(f"{expected} __main__\nLifetimes of "), result.stdout


@pytest.mark.parametrize("backend", ["auto", "loops", "c"])
def test_loops_can_be_switched_off(fresh, monkeypatch, backend):
    monkeypatch.setenv("TINYTORCH_FAST", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run_four_times(backend=backend).last.backend == "lines"


@needs_compiler
def test_the_library_is_kept_in_a_directory_of_ones_own(fresh, monkeypatch):
    assert run_four_times().last.backend == "loops"
    folder = fresh / "tinytorch"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.suffix for path in folder.iterdir()] == [".so"]
    building.library.cache_clear()
    monkeypatch.setattr(subprocess, "run", None)  # what is there is not compiled again
    assert building.library()


def no_compiler(monkeypatch):
    monkeypatch.setattr(building, "found", lambda name: None)


def compiler_that_fails(monkeypatch):
    monkeypatch.setattr(building, "found", lambda name: sys.executable)


def compiler_that_cannot_be_run(monkeypatch):
    monkeypatch.setattr(building, "found", lambda name: os.devnull)


def nowhere_to_write(monkeypatch):
    def refuse(*args, **settings):
        raise PermissionError("no")

    monkeypatch.setattr(building.Path, "mkdir", refuse)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)


def another_interpreter(monkeypatch):
    class Other:
        name = "pypy"

    monkeypatch.setattr(sys, "implementation", Other)


def free_threads(monkeypatch):
    monkeypatch.setattr(building.sysconfig, "get_config_var", lambda name: 1)


def other_arrays(monkeypatch):
    monkeypatch.setattr(building, "ARRAY_DATA", 24)


def other_ufuncs(monkeypatch):
    class Other(ufuncs.Beginning):
        _fields_ = [("more", ufuncs.ctypes.c_int)]
        nin = 3

    monkeypatch.setattr(ufuncs, "Beginning", Other)


MISSING = [
    no_compiler,
    compiler_that_fails,
    compiler_that_cannot_be_run,
    nowhere_to_write,
    another_interpreter,
    free_threads,
    other_arrays,
    other_ufuncs,
]


@pytest.mark.parametrize("missing", MISSING)
def test_without_what_they_need_steps_run_as_lines_and_it_is_said_once(fresh, missing, monkeypatch):
    if missing not in (no_compiler, compiler_that_cannot_be_run) and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        missing(patch)
        for _ in range(3):
            assert run_four_times().last.backend == "lines"
    (one,) = said
    assert str(one.message).startswith("compiled steps run as lines of numpy, not as loops: ")


@needs_compiler
@pytest.mark.parametrize("how", ["open to others", "of somebody else", "a file", "a link"])
def test_a_cache_that_is_not_ones_own_is_not_used(fresh, how, monkeypatch):
    folder = fresh / "tinytorch"
    if how == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    elif how == "of somebody else":
        folder.mkdir(mode=0o700)
        monkeypatch.setattr(building.os, "geteuid", lambda: folder.stat().st_uid + 1)
    elif how == "a file":
        folder.write_text("", "utf-8")
    else:
        (fresh / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(fresh / "elsewhere")
    assert run_four_times().last.backend == "loops"
    assert not folder.is_dir() or list(folder.iterdir()) == []


@needs_compiler
@pytest.mark.parametrize("size, meanwhile", [(16, False), (tables.LONG, True)])
def test_long_runs_let_other_threads_run_meanwhile(size, meanwhile, monkeypatch):
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    compiled, x = compile(gates, backend="loops"), np.ones(size)
    for _ in range(3):
        compiled(x, x)
    names = compiled.last.function.__globals__.values()
    (run,) = [found for found in names if isinstance(found, tables.Looped)]
    keeps_the_lock = bool(run.run._flags_ & 4)
    assert keeps_the_lock is not meanwhile

"""Whatever of numpy a step calls: the step's results, or a refusal; also where shapes may change."""

import functools
import warnings

import numpy as np
import pytest
from test_calls_again import BACKENDS

from tinytorch.core.compiler import CannotTrace, compile

ROWS = [np.array(row) for row in ([1.0, 2, 3, 4], [1.0, 2, 3, 5], [1.0, 1, 1, 1], [7.0, 7, 7, 8])]
CALLS = [*ROWS, *ROWS[::-1]]


def bits(x):
    """Everything about a result."""
    if isinstance(x, (tuple, list)):
        return [type(x), *map(bits, x)]
    array = np.array(x)
    numbers = repr(x) if array.dtype == object else array.tobytes()
    return type(x), array.shape, array.dtype, numbers


def outcome(step, *given):
    """What comes of a call: a result, a refusal, or another error."""
    try:
        with np.errstate(all="ignore"):
            return bits(step(*given))
    except CannotTrace as error:
        return error
    except Exception as error:
        return "error", type(error), str(error)


def pairs(x):
    """Two rows of two."""
    return np.stack([x[:2], x[2:]])


CHANGING = {  # other numbers, another shape or dtype: and what comes after it needs to know that
    "setxor1d": lambda x: np.setxor1d(x, [9.0]).sum() / len(np.setxor1d(x, [9.0])),
    "roots": lambda x: np.roots(x - 1).sum() / np.roots(x - 1).size,
    "polymul": lambda x: np.polymul(x[:2] - 1, x[2:] - 1).sum() / np.polymul(x[:2] - 1, x[2:]).size,
    "edges of bins": lambda x: np.histogram_bin_edges(x, bins="auto").size * x,
    "residuals": lambda x: np.linalg.lstsq(np.stack([x, x * 0 + 1], 1), x)[1].size * x,
    "another dtype": lambda x: np.emath.sqrt(x - 2) * 2,
    "a dtype that is asked for": lambda x: np.zeros(2, np.emath.sqrt(x - 2).dtype) + 1,
    "a part of it": lambda x: np.linalg.eig(pairs((x - 2) * [1, -1, 1, 1]))[0] * 2,
    "delete": lambda x: np.delete(x, (x > 1).astype(int)).size + x,
    "unique_inverse": lambda x: np.unique_inverse(x).values,
}
STAYING = {
    "a named tuple": lambda x: np.linalg.qr(np.outer(x, x)),
    "a part with a name": lambda x: np.linalg.svd(np.outer(x, x)).S * 2,
    "parts in their order": lambda x: np.linalg.slogdet(pairs(x))[1] + x,
    "a named tuple that is given": lambda x: np.stack(np.linalg.slogdet(pairs(x))),
    "a list of a user's": lambda x: np.stack(Rows([x, x * 2])),
    "the same twice": lambda x: np.unwrap(x) + np.unwrap(x),
    "a kind that stays": lambda x: np.percentile(x, [10, 50]) * 2,
    "results in a list": lambda x: np.gradient(np.outer(x, x))[1] * 2,
    "dot into an array": lambda x: np.dot(pairs(x), pairs(x), out=np.zeros_like(pairs(x))),
}


class Rows(list):
    """A list by another name."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CHANGING)
def test_another_shape_or_dtype_than_in_the_trace_is_refused(name, backend):
    compiled, refused = compile(CHANGING[name], backend=backend), []
    for x in CALLS:
        found, expected = outcome(compiled, x), outcome(CHANGING[name], x)
        if isinstance(found, CannotTrace):
            refused.append(str(found))
        else:
            assert found == expected
    assert refused
    assert all("line " in text or "second trace" in text for text in refused)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", STAYING)
def test_the_same_shapes_and_dtypes_go_on(name, backend):
    compiled = compile(STAYING[name], backend=backend)
    for x in CALLS:
        assert outcome(compiled, x) == bits(STAYING[name](x))


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_changed_before_a_refusal_is_as_it_was(backend):
    weights = np.ones(4)

    def step(x):
        weights[...] = weights + x
        return np.roots(x - 1).size * weights

    compiled = compile(step, backend=backend)
    for _ in range(3):
        compiled(ROWS[0])
    before = weights.copy()
    with pytest.raises(
        CannotTrace, match=r"line \d+ of step .*: the result of roots has another shape"
    ):
        compiled(ROWS[2])
    assert weights.tolist() == before.tolist()


def test_an_array_that_is_given_as_a_place_for_results_is_refused_with_its_remedy():
    compiled = compile(lambda x: np.dot(pairs(x), pairs(x), np.zeros_like(pairs(x))))
    with pytest.raises(CannotTrace, match="use out="):
        compiled(ROWS[0])


# ---- All functions of numpy

MODULES = (np, np.linalg, np.fft)
OF_FILES = "save savez savez_compressed savetxt load loadtxt fromfile genfromtxt memmap fromregex"
OTHERS = "test show_config show_runtime info set_printoptions seterr seterrcall setbufsize"
OTHERS += " printoptions get_include fromstring fromiter frombuffer from_dlpack empty empty_like"
LEFT_OUT = {*OF_FILES.split(), *OTHERS.split()}
FORMS = {
    "f(a)": lambda f, a, b: f(a),
    "f(a, b)": lambda f, a, b: f(a, b),
    "f(a, 1)": lambda f, a, b: f(a, 1),
    "f(1, a)": lambda f, a, b: f(1, a),
    "f(a, axis=0)": lambda f, a, b: f(a, axis=0),
    "f(a + b, axis=1)": lambda f, a, b: f(a + b, axis=1),
    "f([a, b])": lambda f, a, b: f([a, b]),
    "f(a, b, a)": lambda f, a, b: (f(a, b, a), a),
    "f(a, 0, 1)": lambda f, a, b: f(a, 0, 1),
    "f(a[0])": lambda f, a, b: f(a[0]),
    "f(a[0], b[0])": lambda f, a, b: f(a[0], b[0]),
    "f(a[0], a[1], b[1])": lambda f, a, b: f(a[0], a[1], b[1]),
    "f(a, out=b)": lambda f, a, b: (f(a, out=b), b),
    "f(a, b, out=a)": lambda f, a, b: (f(a, b, out=a), a),
    "f(a, (2, 8))": lambda f, a, b: f(a, (2, 8)),
}


def all_functions():
    """Every function of numpy that takes arrays, by its name."""
    found = {}
    for module in MODULES:
        for name in sorted(set(dir(module)) - LEFT_OUT):
            f = getattr(module, name)
            if not name.startswith("_") and callable(f) and not isinstance(f, type):
                found[f"{module.__name__}.{name}"] = f
    return found


def in_calls(step, calls):
    """What comes of some calls, and of the arrays that they were given."""
    found = []
    for seed in range(calls):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)) + 3
        came = outcome(step, a, b)
        found.append(came if isinstance(came, CannotTrace) else (came, bits([a, b])))
    return found


@pytest.mark.parametrize("block", range(8))
def test_every_function_of_numpy_gives_the_results_of_the_step_or_is_refused(block, monkeypatch):
    monkeypatch.setenv("TINYTORCH_FAST", "1")
    same = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, f in list(all_functions().items())[block::8]:
            for form, call in FORMS.items():
                step = functools.partial(call, f)
                expected = in_calls(step, 3)
                if all(came[0][0] == "error" for came in expected):
                    continue
                found = in_calls(compile(step, backend="lines"), 3)
                for came, wanted in zip(found, expected, strict=True):
                    assert isinstance(came, CannotTrace) or came == wanted, (name, form)
                    same += came == wanted
    assert same > 300

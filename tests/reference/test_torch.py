"""Values and gradients agree with PyTorch, also where a convention decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .cases import CASES
from .examples import (
    EVERY_CASE,
    OURS,
    SETTINGS,
    Engine,
    Example,
    examples,
    first_order,
    second_order,
)
from .report import compared

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)

TORCH = Engine(
    module=torch,
    variable=lambda x: torch.tensor(x, requires_grad=True),
    constant=torch.tensor,
    array=lambda x: x.numpy(force=True),
    grad=torch.autograd.grad,
)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def assert_same(ours, theirs, tolerance):
    """The same shapes and dtypes, and the same numbers, measured by the largest of each array."""
    assert [(x.shape, x.dtype) for x in ours] == [(x.shape, x.dtype) for x in theirs]
    for x, y in zip(ours, theirs, strict=True):
        scale = np.max(np.abs(y), initial=1, where=np.isfinite(y))
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * scale)
    compared["torch"] += len(ours)


def output(engine, example):
    """What an engine's function gives at an example."""
    return engine.array(example(engine, [engine.variable(x) for x in example.arrays]))


def assert_first_order(example):
    """The values and the gradients are those of PyTorch."""
    out = output(TORCH, example)
    (seed,) = example.noise(out)
    ours, theirs = (first_order(e, example, example.arrays, seed) for e in (OURS, TORCH))
    tolerance = {"float32": 1e-5, "float64": 1e-12}[out.dtype.name]
    np.testing.assert_allclose(output(OURS, example), out, tolerance, tolerance)
    assert_same(ours, theirs, tolerance)


def assert_second_order(example):
    """The gradients of gradients are those of PyTorch."""
    out = output(TORCH, example)
    seed, *weights = example.noise(out, *example.arrays)
    ours, theirs = (second_order(e, example, example.arrays, seed, weights) for e in (OURS, TORCH))
    assert_same(ours, theirs, {"float32": 1e-4, "float64": 1e-11}[out.dtype.name])


@DTYPES
@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_values_and_gradients_agree_with_pytorch(case, dtype, data):
    assert_first_order(data.draw(examples(case)).astype(dtype))


@DTYPES
@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_gradients_of_gradients_agree_with_pytorch(case, dtype, data):
    assert_second_order(data.draw(examples(case)).astype(dtype))


INF, TIES = np.inf, [[1.0, 3.0, 3.0], [3.0, -1.0, -1.0]]
EDGES = [  # the name of a function, its inputs (arrays as lists), its parameters
    ("relu", [[0.0, -0.0, INF, -INF]], {}),
    ("abs", [[0.0, -0.0, INF, -INF]], {}),
    ("sqrt", [[0.0, INF]], {}),
    ("log", [[0.0, INF]], {}),
    ("exp", [[-INF, INF, -800.0, 800.0]], {}),
    ("tanh", [[-INF, INF, -800.0, 800.0]], {}),
    ("sigmoid", [[-INF, INF, -800.0, 800.0]], {}),
    *(("power", [[0.0, -2.0, 2.0, INF], n], {}) for n in (0, 0.5, 1, 2, 3, -1)),
    ("maximum", [[1.0, 0.0, INF, -INF, 2.0, 1.0], [1.0, -0.0, INF, -INF, 1.0, 2.0]], {}),
    ("minimum", [[1.0, 0.0, INF, -INF, 2.0, 1.0], [1.0, -0.0, INF, -INF, 1.0, 2.0]], {}),
    *(
        (name, [TIES], parameters)
        for name in ("max", "min")
        for parameters in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"axis": (0, 1)})
    ),
    ("max", [[INF, INF, 1.0]], {}),
    ("min", [[-INF, 1.0, -INF]], {}),
    ("var", [[2.0]], {}),
    ("var", [[2.0, 2.0, 2.0]], {}),
    ("clip", [[-1.0, 0.0, 1.0, 2.0, INF, -INF]], {"min": -1.0, "max": 1.0}),
    ("clip", [[-1.0, 0.0, -INF]], {"min": -1.0}),
    ("clip", [[1.0, 0.0, INF]], {"max": 1.0}),
    *(
        (name, [[[0.0, -INF, 1.0], [-INF, -INF, 2.0], [800.0, 0.0, -800.0]]], {})
        for name in ("softmax", "log_softmax")
    ),
]
POLES = [  # where the second derivatives of PyTorch are not numbers
    ("divide", [[1.0, -1.0, 0.0, INF, 1.0], [0.0, 0.0, 0.0, 1.0, INF]], {}),
    ("power", [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.5, 1.0, 2.0, 3.0, -1.0]], {}),
    ("power", [[2.0, -2.0, -2.0, INF, INF, -3.0], [0.0, 0.0, 2.0, 0.0, 1.0, -1.0]], {}),
    ("power", [0.0, [0.0, 0.5, 1.0, 2.0, -1.0]], {}),
]


def edge_example(name, inputs, parameters, dtype):
    """A row of the tables above as an example of the first case of that name."""
    case = next(case for case in CASES if case.name == name)
    arrays = [np.array(x) for x in inputs if isinstance(x, list)]
    numbers = {i: x for i, x in enumerate(inputs) if not isinstance(x, list)}
    return Example(case, arrays, numbers, parameters, seed=0).astype(dtype)


@DTYPES
@pytest.mark.parametrize("edge", EDGES + POLES, ids=str)
@np.errstate(all="ignore")
def test_conventions_at_edges_are_those_of_pytorch(edge, dtype):
    assert_first_order(edge_example(*edge, dtype))


@DTYPES
@pytest.mark.parametrize("edge", EDGES, ids=str)
@np.errstate(all="ignore")
def test_second_derivatives_at_edges_are_those_of_pytorch(edge, dtype):
    assert_second_order(edge_example(*edge, dtype))


def scalar(m, x, y):
    """A number from a vector and a matrix, smooth everywhere."""
    mixed = m.tanh(m.matmul(y, x)) * m.exp(-(m.mean(x) ** 2))
    smooth = m.log_softmax(y, axis=-1) * m.sin(x) / (2 + m.cos(x * y))
    return m.sum(mixed) + m.sum(smooth) + m.sum(m.sqrt(1 + x**2) * m.sigmoid(x))


def vector(m, x, y):
    """A vector from a vector and a matrix."""
    return m.softmax(m.matmul(y, m.exp(x)), axis=0) * m.log(1 + y[:, 0] ** 2)


def one_input(m, x):
    """A number from a vector."""
    return m.sum(x**3 * m.sin(x)) + m.max(x) * m.sum(m.exp(-x))


def arrays(*shapes):
    """Random arrays, always the same ones."""
    rng = np.random.default_rng(3)
    return [np.array(rng.normal(size=shape)) for shape in shapes]


def derivatives(engine, order):
    """The gradients of `scalar`, of a weighted sum of these, and so on, up to some order."""
    variables = [engine.variable(x) for x in arrays((3,), (2, 3))]
    out, gradients = scalar(engine.module, *variables), []
    for _ in range(order):
        gradients += [engine.grad(out, variables, create_graph=True)]
        weights = arrays(*(g.shape for g in gradients[-1]))
        out = sum(
            (g * engine.constant(w)).sum() for g, w in zip(gradients[-1], weights, strict=True)
        )
    return [[engine.array(g) for g in of_one_order] for of_one_order in gradients]


def test_derivatives_up_to_the_fifth_order_agree_with_pytorch():
    for ours, theirs in zip(derivatives(OURS, 5), derivatives(TORCH, 5), strict=True):
        assert_same(ours, theirs, 1e-10)


ONE, BOTH = [(3,)], [(3,), (2, 3)]
FUNCTIONAL = [  # a transformation, a function, the shapes of its inputs and of the vectors
    ("jacobian", one_input, ONE, []),
    ("jacobian", scalar, BOTH, []),
    ("jacobian", vector, BOTH, []),
    ("hessian", one_input, ONE, []),
    ("hessian", scalar, BOTH, []),
    ("hvp", one_input, ONE, ONE),
    ("hvp", scalar, BOTH, BOTH),
    ("vjp", one_input, ONE, [()]),
    ("vjp", vector, BOTH, [(2,)]),
    ("jvp", one_input, ONE, ONE),
    ("jvp", scalar, BOTH, BOTH),
    ("jvp", vector, BOTH, BOTH),
]


def derivatives_of_ours():
    """Module 15, as soon as it is there."""
    return pytest.importorskip("tinytorch.core.derivatives", exc_type=ImportError)


def flat(nested):
    """The arrays in tuples of tuples, in order."""
    return [x for y in nested for x in flat(y)] if isinstance(nested, tuple) else [nested]


@pytest.mark.parametrize("name, f, inputs, vectors", FUNCTIONAL)
def test_functional_transformations_agree_with_pytorch(name, f, inputs, vectors):
    def transformed(engine, functions):
        given = [engine.constant(x) for x in arrays(*inputs, *vectors)]
        given = [tuple(given[: len(inputs)]), tuple(given[len(inputs) :])]
        given = [x[0] if len(x) == 1 else x for x in given if x]
        nested = getattr(functions, name)(lambda *x: f(engine.module, *x), *given)
        return [engine.array(x) for x in flat(nested)]

    ours = transformed(OURS, derivatives_of_ours())
    theirs = transformed(TORCH, torch.autograd.functional)
    assert_same(ours, theirs, 1e-10)

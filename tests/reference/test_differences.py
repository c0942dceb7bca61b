"""Every derivative rule agrees with central differences of the function itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.core.autograd import Variable, grad
from tinytorch.core.layers import linear
from tinytorch.core.tensor import Tensor, apply

from .examples import EVERY_CASE, OURS, SETTINGS, examples, first_order, second_order
from .report import compared

STEP = 1e-5


def dot(xs, ys):
    """The sum of all products."""
    return sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True))


def slope(f, at, directions):
    """The derivative of `f` at some arrays in some directions, by central differences."""
    ahead = f([np.asarray(x + STEP * d) for x, d in zip(at, directions, strict=True)])
    behind = f([np.asarray(x - STEP * d) for x, d in zip(at, directions, strict=True)])
    return (ahead - behind) / (2 * STEP)


def assert_agree(gradients, arrays, directions, expected):
    """The gradients have the shapes and dtypes of the arrays, and the expected slope."""
    assert [(g.shape, g.dtype) for g in gradients] == [(x.shape, x.dtype) for x in arrays]
    np.testing.assert_allclose(dot(gradients, directions), expected, rtol=1e-6, atol=1e-6)
    compared["differences"] += len(gradients)


@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_gradients_agree_with_central_differences(case, data):
    example = data.draw(examples(case))
    arrays = example.arrays
    seed, *directions = example.noise(example.output(), *arrays)
    expected = slope(lambda xs: dot([np.asarray(example(OURS, xs))], [seed]), arrays, directions)
    assert_agree(first_order(OURS, example, arrays, seed), arrays, directions, expected)


@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_gradients_of_gradients_agree_with_central_differences(case, data):
    example = data.draw(examples(case))
    arrays, out = example.arrays, example.output()
    seed, along_seed, *rest = example.noise(out, out, *arrays, *arrays)
    weights, directions = rest[: len(arrays)], [*rest[len(arrays) :], along_seed]

    def loss_and_weighted_gradients(xs):
        loss = dot([np.asarray(example(OURS, xs[:-1]))], [xs[-1]])
        return loss + dot(first_order(OURS, example, xs[:-1], xs[-1]), weights)

    expected = slope(loss_and_weighted_gradients, [*arrays, seed], directions)
    gradients = second_order(OURS, example, arrays, seed, weights)
    assert_agree(gradients, [*arrays, seed], directions, expected)


@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_gradients_in_float32_agree_with_those_in_float64(case, data):
    example = data.draw(examples(case)).astype(np.float32)
    noise = example.noise(example.output(), *example.arrays)

    def gradients(dtype):
        same = example.astype(dtype)
        seed, *weights = (x.astype(dtype) for x in noise)
        first = first_order(OURS, same, same.arrays, seed)
        return [*first, *second_order(OURS, same, same.arrays, seed, weights)]

    for gradient, expected in zip(gradients(np.float32), gradients(np.float64), strict=True):
        assert gradient.dtype == np.float32 and gradient.shape == expected.shape
        scale = max(1.0, np.max(np.abs(expected), initial=0))
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5 * scale)


@EVERY_CASE
@SETTINGS
@given(data=st.data())
def test_where_dtypes_mix_every_gradient_has_the_dtype_of_its_own_input(case, data):
    example = data.draw(examples(case))
    arrays = [x.astype((np.float32, np.float64)[i % 2]) for i, x in enumerate(example.arrays)]
    out = np.asarray(example(OURS, arrays))
    seed, *weights = example.noise(out, *arrays)
    first = first_order(OURS, example, arrays, seed)
    second = second_order(OURS, example, arrays, seed, weights)
    assert [g.dtype for g in first] == [x.dtype for x in arrays]
    assert [g.dtype for g in second] == [x.dtype for x in (*arrays, seed)]


def test_weights_that_are_tensors_have_the_second_derivatives_of_variables():
    x, w, b, v = (np.random.default_rng(0).normal(size=n) for n in ((4, 3), (3, 2), (2,), (4, 3)))

    def second_derivatives(weight):
        inputs = [Variable(x), weight(w), weight(b)]
        out = (apply(linear, *inputs) ** 3).sum()
        (by_x,) = grad(out, inputs[0], create_graph=True)
        return grad((by_x * v).sum(), inputs)

    of_tensors = second_derivatives(lambda data: Tensor(data, requires_grad=True))
    for ours, expected in zip(of_tensors, second_derivatives(Variable), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)

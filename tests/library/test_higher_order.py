"""Gradients of gradients, and the functions made of them."""

import numpy as np
import pytest

from tinytorch.core.autograd import (
    Variable,
    cos,
    exp,
    grad,
    no_grad,
    sin,
    tanh,
)
from tinytorch.core.derivatives import (
    hessian,
    hvp,
    jacobian,
    jvp,
    vjp,
)
from tinytorch.core.layers import Dense

RNG = np.random.default_rng(5)
A, X, Y, V = (RNG.normal(size=shape) for shape in [(3, 3), 3, 2, 3])


def bend(x):
    """A function from three numbers to three, none of whose derivatives vanish."""
    return tanh(x @ A) * x + sin(x).sum()


def bowl(x):
    """A function from three numbers to one."""
    return (bend(x) * x).sum()


def test_derivatives_of_a_cube_to_the_fourth_order():
    x = Variable(np.array(2.0))
    y, found = x**3, []
    for _ in range(4):
        (y,) = grad(y, x, create_graph=True)
        found.append(y.item())
    assert found == [12, 12, 6, 0]


def test_backward_with_create_graph_leaves_gradients_that_can_be_differentiated():
    x = Variable([1.0, 2.0])
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert isinstance(first, Variable)
    np.testing.assert_array_equal(first, [3, 12])
    x.zero_grad()
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 12])


def test_gradients_with_a_history_add_up():
    x = Variable([1.0, 2.0])
    for _ in range(2):
        (x**3).sum().backward(create_graph=True)
    np.testing.assert_array_equal(x.grad, [6, 24])
    (second,) = grad(x.grad.sum(), x)
    np.testing.assert_array_equal(second, [12, 24])


def test_second_derivatives_reach_weights_that_are_tensors():
    layer = Dense(3, 2, rng=0)
    layer.weights.data = layer.weights.data.astype(np.float64)
    x = Variable(RNG.normal(size=(4, 3)))

    def slope():
        return grad(tanh(layer(x)).sum(), x, create_graph=True)[0]

    (found,) = grad((slope() ** 2).sum(), layer.weights)
    step, direction = 1e-6, RNG.normal(size=(3, 2))
    values = []
    for sign in (1, -1):
        layer.weights.data = layer.weights.data + sign * step * direction
        values.append((slope().numpy() ** 2).sum())
        layer.weights.data = layer.weights.data - sign * step * direction
    np.testing.assert_allclose((found * direction).sum(), (values[0] - values[1]) / 2e-6, 1e-6)


def test_the_jacobian_by_differences():
    table, step = jacobian(bend, X), 1e-6
    assert table.shape == (3, 3) and table.dtype == np.float64
    for j in range(3):
        e = np.eye(3)[j] * step
        column = (bend(Variable(X + e)).numpy() - bend(Variable(X - e)).numpy()) / (2 * step)
        np.testing.assert_allclose(table[:, j], column, 1e-7)


def test_a_jacobian_has_the_axes_of_the_output_and_then_those_of_the_input():
    table = jacobian(lambda x: x.sum(axis=0) * 2, np.ones((4, 2, 3)))
    assert table.shape == (2, 3, 4, 2, 3)
    assert table[1, 2, 3, 1, 2] == 2 and table.sum() == 2 * 24
    assert jacobian(lambda x: x * x, 3.0).shape == ()
    assert jacobian(lambda x: x[:0], np.ones(3)).shape == (0, 3)


def test_several_inputs_and_several_outputs():
    def f(x, y):
        return x * y.sum(), y * y * x[0]

    tables = jacobian(f, (X, Y))
    np.testing.assert_allclose(tables[0][0], np.eye(3) * Y.sum())
    np.testing.assert_allclose(tables[0][1], np.outer(X, [1, 1]))
    np.testing.assert_allclose(tables[1][0], np.outer(Y * Y, [1, 0, 0]))
    np.testing.assert_allclose(tables[1][1], np.diag(2 * Y * X[0]))


def test_the_hessian_is_symmetric_and_agrees_with_the_jacobian_of_the_gradient():
    table = hessian(bowl, X)
    np.testing.assert_allclose(table, table.T)
    slope = jacobian(lambda x: grad(bowl(x), x, create_graph=True)[0], X)
    np.testing.assert_allclose(table, slope)
    blocks = hessian(lambda x, y: (x[:2] * y * y).sum(), (X, Y))
    np.testing.assert_allclose(blocks[0][1], np.vstack([np.diag(2 * Y), [0, 0]]))
    np.testing.assert_allclose(blocks[1][1], np.diag(2 * X[:2]))


def test_a_linear_function_has_a_hessian_of_zeros():
    np.testing.assert_array_equal(hessian(lambda x: (x * 2).sum(), X), np.zeros((3, 3)))


def test_products_with_vectors_agree_with_the_tables():
    table = jacobian(bend, X)
    for product, expected in ((vjp, V @ table), (jvp, table @ V)):
        out, found = product(bend, X, V)
        np.testing.assert_allclose(out, bend(Variable(X)))
        np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(hvp(bowl, X, V)[1], hessian(bowl, X) @ V)


def test_products_of_several_inputs_and_outputs_have_their_shapes():
    def f(x, y):
        return x * y.sum(), y * y

    vectors = (V, RNG.normal(size=2))
    outs, back = vjp(f, (X, Y), vectors)
    assert [o.shape for o in outs] == [(3,), (2,)] and [b.shape for b in back] == [(3,), (2,)]
    _, forth = jvp(f, (X, Y), vectors)
    np.testing.assert_allclose(forth[0], V * Y.sum() + X * vectors[1].sum())
    np.testing.assert_allclose(forth[1], 2 * Y * vectors[1])


def test_functions_of_derivatives_can_be_nested():
    third = jacobian(lambda x: hessian(lambda z: (z**3).sum(), x, create_graph=True), X)
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6
    np.testing.assert_allclose(third, expected)
    inner = jacobian(lambda x: jacobian(bend, x, create_graph=True), X)
    np.testing.assert_allclose(inner, np.swapaxes(inner, 1, 2))
    twice = jvp(lambda x: jvp(bend, x, V, create_graph=True)[1], X, V)[1]
    np.testing.assert_allclose(twice, inner @ V @ V)


def test_none_of_them_touches_grad_and_all_work_inside_no_grad():
    x = Variable(X)
    with no_grad():
        for f in (jacobian, hvp, vjp, jvp, hessian):
            f(bowl, x) if f in (jacobian, hessian, vjp) else f(bowl, x, V)
    assert x.grad is None and x.is_leaf


def test_a_gradient_by_a_result_leaves_its_own_history_alone():
    x = Variable([1.0, 2.0])
    middle = x * 3
    for _ in range(2):
        (found,) = grad((middle * middle).sum(), middle)
        np.testing.assert_array_equal(found, [6, 12])
    middle.sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 3])


def test_a_composite_has_the_fifth_derivative_that_its_series_says():
    x = Variable(np.array(0.0))
    y = exp(x) * cos(x)  # 1 + x - x³/3 - x⁴/6 - x⁵/30 + …
    for _ in range(5):
        (y,) = grad(y, x, create_graph=True)
    np.testing.assert_allclose(y.item(), -4)


def test_a_number_of_numpy_keeps_its_dtype():
    place = np.float64(0.1)
    assert jacobian(lambda x: x * x, place).dtype == np.float64
    for product in (vjp, jvp, hvp):
        out, found = product(lambda x: x * x * x, place, np.float64(1))
        assert out.dtype == found.dtype == np.float64


def test_a_vector_must_fit_an_output_that_depends_on_nothing_too():
    def constant(x):
        return Variable(Y, requires_grad=False)

    np.testing.assert_array_equal(vjp(constant, X, Y)[1], [0, 0, 0])
    with pytest.raises(ValueError, match=r"v has shape \(3,\), but must have \(2,\)"):
        vjp(constant, X, V)

"""Operations that a user writes: `Function`, hooks, and functions with a rule in the table."""

import numpy as np
import pytest

from tinytorch.core.autograd import (
    Variable,
    derivative,
    grad,
    no_grad,
)
from tinytorch.core.derivatives import (
    Function,
    gradcheck,
    gradgradcheck,
)
from tinytorch.core.tensor import Tensor, apply

X = np.random.default_rng(2).normal(size=3)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3.0 * x * x


class Exponential(Function):
    @staticmethod
    def forward(ctx, x):
        out = np.exp(x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad):
        (out,) = ctx.saved_tensors
        return grad * out


class Scaled(Function):
    @staticmethod
    def forward(ctx, x, y, factor=1.0):
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return factor * x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        seen.append(ctx.needs_input_grad)
        return grad * ctx.factor * y, grad * ctx.factor * x


seen = []


@pytest.mark.parametrize("function", [Cube, Exponential])
def test_first_and_second_derivatives(function):
    assert gradcheck(function.apply, X) and gradgradcheck(function.apply, X)


def test_inputs_parameters_and_which_gradients_are_needed():
    x, y = Variable(X), Variable(X + 1, requires_grad=False)
    out = Scaled.apply(x, y, factor=2.0)
    assert repr(out.grad_fn).startswith("<Scaled(")
    out.backward(np.ones(3))
    np.testing.assert_allclose(x.grad, 2 * (X + 1))
    assert seen[-1] == (True, False) and y.grad is None


def test_a_weight_gets_its_gradient():
    weight = Tensor(X, requires_grad=True)
    Cube.apply(weight).sum().backward()
    np.testing.assert_allclose(weight.grad, 3 * X * X)
    (first,) = grad(Cube.apply(weight).sum(), weight, create_graph=True)
    np.testing.assert_allclose(grad(first.sum(), weight)[0], 6 * X)


def test_nothing_is_recorded_where_nothing_is_needed():
    assert Cube.apply(Variable(X, requires_grad=False)).is_leaf
    with no_grad():
        assert Cube.apply(Variable(X)).is_leaf


def test_an_operation_that_returns_its_input_leaves_it_alone():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    x = Variable(X)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])
    x.data.data[0] = 1.0


def test_a_gradient_handed_on_as_it_is_becomes_the_leafs_own():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, grad):
            return grad

    x = Variable(X)
    (Same.apply(x) * 2).sum().backward()
    x.grad *= 0.5
    np.testing.assert_array_equal(x.grad, [1, 1, 1])


def wrong(gradients):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, grad):
            return gradients

    return lambda: Wrong.apply(Variable(X)).sum().backward()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (wrong((X, X)), RuntimeError, "gave 2 gradients for 1 inputs"),
        (wrong(X[:2]), ValueError, "shape (2,)"),
        (lambda: Function.apply(Variable(X)), NotImplementedError, "forward(ctx"),
        (lambda: Variable(X, requires_grad=False).register_hook(print), RuntimeError, "no hook"),
    ],
)
def test_mistakes_are_refused_in_one_sentence(call, error, words):
    with pytest.raises(error) as refused:
        call()
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_hook_sees_the_complete_gradient_and_may_replace_it():
    x, received = Variable([1.0, 2.0]), []
    middle = x * 3
    middle.register_hook(received.append)
    leaf = x.register_hook(lambda g: g * 10)
    (middle * middle + middle).sum().backward()
    np.testing.assert_array_equal(received, [[7, 13]])
    np.testing.assert_array_equal(x.grad, [210, 390])
    leaf.remove()
    leaf.remove()
    (x * 1.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [211, 391])


def test_a_hook_that_changes_its_array_changes_no_gradient():
    x, y = Variable([1.0]), Variable([1.0])
    x.register_hook(lambda g: g.fill(0.0))
    (x + y).sum().backward()
    assert (x.grad[0], y.grad[0]) == (1, 1)


def test_what_a_hook_returns_can_be_differentiated():
    x = Variable([2.0])
    handle = x.register_hook(lambda g: g * g)
    (first,) = grad((x**3).sum(), x, create_graph=True)  # (3x²)² = 9x⁴
    handle.remove()
    assert first.item() == 144
    assert grad(first.sum(), x)[0] == 36 * 2**3


def test_a_hook_that_gives_another_shape_is_refused():
    x = Variable([1.0, 2.0])
    x.register_hook(lambda g: g[:1])
    with pytest.raises(ValueError, match=r"a hook gave a gradient of shape \(1,\)"):
        (x * 1.0).sum().backward()
    assert x.grad is None


def test_a_computed_input_to_which_nothing_is_sent_has_a_gradient_of_zeros():
    class First(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * 1.0

        @staticmethod
        def backward(ctx, grad):
            return grad, None

    x = Variable(X)
    computed = x * 3.0
    by_computed, by_x = grad(First.apply(x, computed).sum(), [computed, x])
    assert by_computed.tolist() == [0, 0, 0] and by_x.tolist() == [1, 1, 1]


def test_several_results_are_refused_at_the_call():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            return x, x * 2

    with pytest.raises(TypeError, match=r"Two\.forward gave 2 results; it can have only one"):
        Two.apply(Variable(X))


def test_an_input_that_is_changed_in_place_is_refused():
    x = Variable(X.copy())
    out = Cube.apply(x).sum()
    x.data.data[0] = 7.0
    with pytest.raises(RuntimeError, match="was changed in place"):
        out.backward()


LEFT = []  # views of results that the function has left behind


def twice(x):
    LEFT[:] = [(out := x * 2.0)[:]]
    return out


def into_a_buffer(x):
    LEFT[:] = [np.multiply(x, 2.0, out=np.empty(3))]
    return LEFT[0]


class Twice(Function):
    @staticmethod
    def forward(ctx, x):
        return twice(x.numpy())

    @staticmethod
    def backward(ctx, grad):
        return grad * 2.0


for function in (twice, into_a_buffer):
    derivative(function, lambda grad, out, x: grad * 2.0)


@pytest.mark.parametrize(
    "call", [Twice.apply, lambda x: apply(twice, x), lambda x: apply(into_a_buffer, x)]
)
def test_a_change_through_a_view_that_a_function_left_behind_reaches_no_gradient(call):
    x = Variable(np.ones(3))
    y = call(x)
    loss = (y * y).sum()
    LEFT[0][0] = 100.0
    loss.backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0] and y.numpy().tolist() == [2.0, 2.0, 2.0]


def test_an_input_with_new_data_is_differentiated_at_its_old_values():
    x = Variable(X)
    out = Cube.apply(x).sum()
    x.data = Tensor(X + 1)
    out.backward()
    np.testing.assert_allclose(x.grad, 3 * X * X)


def test_a_saved_intermediate_gives_first_derivatives_and_no_wrong_second_ones():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(2 * x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (slope,) = ctx.saved_tensors
            return grad * slope

    assert gradcheck(Square.apply, X)
    with pytest.raises(RuntimeError, match="forward saved an intermediate result"):
        gradgradcheck(Square.apply, X)

"""Checkpoints: less memory, the same gradients."""

import tracemalloc

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable, grad, no_grad, tanh
from tinytorch.core.derivatives import Function, checkpoint, checkpoint_sequential
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor

RNG = np.random.default_rng(1)
DATA = RNG.normal(size=(5, 4))


def network(seed=0):
    """Three layers and the function that they make, in float64."""
    layers = [Dense(4, 4, rng=seed + i) for i in range(3)]
    for layer in layers:
        layer.weights.data = layer.weights.data.astype(np.float64)

    def f(x):
        for layer in layers:
            x = tanh(layer(x))
        return x

    return layers, f


def gradients(f, layers):
    x = Variable(DATA)
    (f(x) ** 2).sum().backward()
    return [x.grad, *(p.grad for layer in layers for p in layer.parameters())]


def test_gradients_of_inputs_and_of_weights_in_the_closure_are_the_same():
    layers, f = network()
    plain = gradients(f, layers)
    for layer in layers:
        layer.weights.grad = layer.bias.grad = None
    for a, b in zip(plain, gradients(lambda x: checkpoint(f, x), layers), strict=True):
        np.testing.assert_allclose(a, b)


def test_weights_alone_are_enough_to_need_a_gradient():
    layers, f = network()
    out = checkpoint(f, Variable(DATA, requires_grad=False))
    out.sum().backward()
    assert all(layer.weights.grad is not None for layer in layers)


def test_variables_of_the_closure_get_their_gradients_once():
    x = Variable(DATA)

    def loss(wrap):
        shared = x * 2
        return wrap(lambda y: y * shared + shared, x * 3).sum()

    (plain,) = grad(loss(lambda f, y: f(y)), x)
    (found,) = grad(loss(checkpoint), x)
    np.testing.assert_allclose(found, plain)


def test_second_derivatives_go_through_a_checkpoint():
    _, f = network()

    def second(wrap):
        x = Variable(DATA)
        (slope,) = grad(wrap(f, x).sum(), x, create_graph=True)
        return grad((slope * slope).sum(), x)[0]

    np.testing.assert_allclose(second(checkpoint), second(lambda f, x: f(x)))


def test_checkpoints_can_stand_inside_each_other():
    layers, f = network()
    plain = gradients(lambda x: f(f(x)), layers)
    for layer in layers:
        layer.weights.grad = layer.bias.grad = None
    nested = gradients(lambda x: checkpoint(lambda y: f(checkpoint(f, y)), x), layers)
    for a, b in zip(plain, nested, strict=True):
        np.testing.assert_allclose(a, b)


def test_random_numbers_are_the_same_the_second_time_and_go_on_as_before():
    rng = np.random.default_rng(3)
    x = Variable(np.ones(50))

    def drop(x):
        return x * (rng.random(50) > 0.5) * np.random.random(50)

    np.random.seed(7)
    out = checkpoint(drop, x, generators=[rng])
    expected = rng.bit_generator.state, np.random.get_state()[1].tolist()
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, out)
    assert (rng.bit_generator.state, np.random.get_state()[1].tolist()) == expected


def test_inside_no_grad_it_is_an_ordinary_call():
    with no_grad():
        assert checkpoint(lambda x: x * 2, Variable(1.0)).is_leaf


def test_what_is_no_variable_is_refused():
    with pytest.raises(TypeError, match="must return a Variable, but returned"):
        checkpoint(lambda x: 3.0, Variable(1.0))


def peak(layers: int, segments: int) -> int:
    """The most memory that forward and backward of a chain of `layers` took, in bytes."""
    x = Variable(np.ones(20_000))

    def chain(count):
        def f(y):
            for _ in range(count):
                y = tanh(y)
            return y

        return f

    tracemalloc.start()
    y = x
    for _ in range(segments):
        piece = chain(layers // segments)
        y = checkpoint(piece, y) if segments > 1 else piece(y)
    y.sum().backward()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_of_a_deep_chain_grows_with_the_root_of_its_length():
    plain, short, long = peak(1024, 1), peak(256, 16), peak(1024, 32)
    assert long < 0.1 * plain
    growth = np.log(long / short) / np.log(1024 / 256)
    assert 0.4 < growth < 0.65  # the root would be 0.5; without checkpoints it is 1
    assert 0.9 < np.log(plain / peak(256, 1)) / np.log(4) < 1.1


def test_a_function_that_returns_what_it_was_given_or_found():
    x, other = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    for f in (lambda y: y, lambda y: other):
        checkpoint(f, x).sum().backward()
    assert x.grad.tolist() == [1, 1] and other.grad.tolist() == [1, 1]


def test_an_input_that_is_also_used_from_outside_gets_both_gradients():
    x = Variable([1.0, 2.0])
    checkpoint(lambda y: y * x, x).sum().backward()
    assert x.grad.tolist() == [2, 4]


def visits(count: int, monkeypatch) -> int:
    """How often a node is looked at in the backward pass of a chain of checkpoints."""
    calls, inputs_of = [], autograd.inputs_of
    with monkeypatch.context() as patch:
        patch.setattr(autograd, "inputs_of", lambda node: calls.append(1) or inputs_of(node))
        y = Variable([1.0])
        for _ in range(count):
            y = checkpoint(tanh, y)
        y.sum().backward()
    return len(calls)


def test_the_work_grows_with_the_number_of_checkpoints_and_not_with_its_square(monkeypatch):
    assert visits(200, monkeypatch) < 4.5 * visits(50, monkeypatch)


@pytest.mark.parametrize("change", ["in place", "new data"])
@pytest.mark.parametrize("where", ["input", "outside"])
def test_what_was_changed_before_the_second_call_is_refused(change, where):
    x, weight = Variable([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True)
    loss = checkpoint(lambda y: y * y * weight, x).sum()
    tensor = x.data if where == "input" else weight
    if change == "in place":
        tensor.data[0] = 7.0
    else:
        tensor.data = tensor.data + 1
    with pytest.raises(RuntimeError, match="was changed in place"):
        loss.backward()


@pytest.mark.parametrize("kind", [Variable, Tensor])
def test_new_data_in_an_input_that_needs_no_gradient_is_refused(kind):
    x, factor = Variable(DATA), kind(2 * DATA, requires_grad=False)
    out = checkpoint(lambda z, f: z * f, x, factor)
    holder = factor.data if kind is Variable else factor
    holder.data = 5 * DATA
    with pytest.raises(RuntimeError, match="changed in place"):
        out.sum().backward()


def test_what_is_neither_changed_nor_recorded_is_left_open():
    x = Variable([1.0, 2.0])
    checkpoint(lambda y: y, x).sum().backward()
    x.data.data[0] = 5.0


def test_a_function_of_ones_own_inside_a_checkpoint_shows_what_it_reads():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    x, weight = Variable(DATA), Variable(2 * DATA)
    out = checkpoint(lambda z: Product.apply(z, weight), x)
    out.sum().backward()
    np.testing.assert_array_equal(weight.grad, DATA)
    np.testing.assert_array_equal(x.grad, 2 * DATA)


def test_a_sequence_has_the_gradients_of_its_functions():
    layers, f = network()
    plain = gradients(f, layers)
    for layer in layers:
        layer.weights.grad = layer.bias.grad = None
    steps = [lambda z, layer=layer: tanh(layer(z)) for layer in layers]
    found = gradients(lambda x: checkpoint_sequential(steps, 2, x), layers)
    for a, b in zip(plain, found, strict=True):
        np.testing.assert_allclose(a, b)

"""Changes in place by ways that the guards cannot see directly: every one is an error."""

import numpy as np
import pytest

from tinytorch.core.autograd import Variable, no_grad, tanh
from tinytorch.core.derivatives import Function, checkpoint
from tinytorch.core.layers import linear
from tinytorch.core.tensor import Tensor, apply

SIZES = {"small": (6, 4), "just small": (32, 32), "just large": (33, 32), "large": (300, 200)}
CHANGES = {  # each changes one element, or two that keep every sum
    "an index": lambda a: a.__setitem__((-1, -1), 7.0),
    "put": lambda a: np.put(a, a.size - 1, 7.0),
    "put_along_axis": lambda a: np.put_along_axis(a, np.array([[0]]), 7.0, axis=1),
    "copyto": lambda a: np.copyto(a[1:2, :1], 7.0),
    "out": lambda a: np.add(a[:1], 1.0, out=a[:1]),
    "a ufunc's at": lambda a: np.add.at(a, (0, 0), 1.0),
    "a memoryview": lambda a: memoryview(a).cast("B").__setitem__(3, 64),
    "a view of bytes": lambda a: a.view(np.uint8).reshape(-1).__setitem__(6, 64),
    "two that change places": lambda a: swap_ends(a),
    "the sign of two": lambda a: np.negative(a[:1, :2], out=a[:1, :2]),
    "the sign of zero": lambda a: a.__setitem__((0, 1), -0.0),
    "fill": lambda a: a[:, 0].fill(7.0),
    "a sort": lambda a: a.sort(axis=0),
}


def swap_ends(a):
    a[0, 0], a[-1, -1] = a[-1, -1].copy(), a[0, 0].copy()


def numbers(shape, seed=0):
    a = np.random.default_rng(seed).normal(size=shape)
    a[0, 1] = 0.0
    return a


USES = {
    "the weights of a linear layer": lambda a: apply(
        linear, Variable(np.ones((2, len(a)))), Tensor(a, requires_grad=True), np.zeros(a.shape[1])
    ),
    "the batch of a linear layer": lambda a: apply(
        linear, a, Tensor(np.ones((a.shape[1], 2)), requires_grad=True), np.zeros(2)
    ),
    "a factor": lambda a: Variable(np.ones(a.shape)) * a,
    "a leaf": lambda a: tanh(Variable(a)),
    "the right factor of a matrix product": lambda a: Variable(np.ones((2, len(a)))) @ a,
    "a variable with a grad_fn of the user's": lambda a: (
        Variable(np.ones(a.shape)) * Variable(a, grad_fn=print)
    ),
}


def refused(loss, create_graph=False):
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward(create_graph=create_graph)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("use", USES)
def test_a_change_by_any_way_is_an_error(use, change, size):
    array = numbers(SIZES[size])
    loss = USES[use](array).sum()
    CHANGES[change](array)
    refused(loss)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("use", USES)
def test_a_change_by_a_view_of_an_owner_that_is_closed_is_an_error(use, size):
    """The array that is used can itself not be written to, but a view of it can."""
    owner = numbers(SIZES[size])
    view = owner.reshape(-1)
    owner.setflags(write=False)
    loss = USES[use](owner).sum()
    view[-1] = 7.0
    refused(loss)


def test_an_array_that_goes_on_changing_is_compared_with_the_bytes_of_each_use():
    for shape in SIZES.values():
        array = numbers(shape)
        x = Variable(np.ones(shape))
        first = (x * array).sum()
        array[0, 0] += 1
        second = (x * array).sum()
        second.backward()
        np.testing.assert_array_equal(x.grad, array)
        refused(first)
        x.zero_grad()
        array[0, 0] -= 1  # as at the first use, to the bit or not
        third = (x * array).sum()
        third.backward()
        np.testing.assert_array_equal(x.grad, array)


def test_bytes_that_two_graphs_share_outlive_the_first_graph():
    array = numbers((300, 200))
    x = Variable(np.ones(array.shape))
    first, second = (x * array).sum(), (x * array).sum()
    first.backward()
    del first
    third = (x * array).sum()
    array[-1, -1] += 1
    refused(second)
    refused(third)


def test_bytes_of_an_array_whose_place_another_one_takes():
    x = Variable(np.ones((300, 200)))
    for seed in range(5):
        array = numbers((300, 200), seed)
        loss = (x * array).sum()
        array[seed, seed] += 1
        refused(loss)
        del loss, array


def test_a_list_among_the_inputs_is_looked_at_also_after_others_of_its_kind():
    x = Variable([1.0, 2.0])
    assert (x + [1.0, 2.0]).numpy().tolist() == [2, 4]
    assert (x + (1.0, 2.0)).numpy().tolist() == [2, 4]
    for given in ([x, 1.0], (x, 1.0)):
        with pytest.raises(TypeError, match=r"a list (of|that holds) Variables"):
            x + given
        with no_grad():
            assert (x + [1.0, 2.0]).numpy().tolist() == [2, 4]


class Turn:
    """Code of a user's that runs in a backward pass: it uses an array, and changes it."""

    def __init__(self, array):
        self.array, self.uses = array, []

    def __call__(self, *gradient):
        ones = Variable(np.ones(self.array.shape))
        self.uses.append(ones * self.array)
        self.array[0, 0] += 1
        self.uses.append(ones * self.array)


def by_a_hook(z, turn, create_graph):
    z.register_hook(turn)
    return z.sum()


def by_a_hook_in_a_pass_of_its_own(z, turn, create_graph):
    leaf = Variable(np.ones(3))
    leaf.register_hook(turn)
    inner = (leaf * 2.0).sum()
    z.register_hook(lambda grad: inner.backward(create_graph=create_graph))
    return z.sum()


def by_a_function(z, turn, create_graph):
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, grad):
            turn()
            return grad

    return Same.apply(z).sum()


def by_a_plain_function(z, turn, create_graph):
    return (z + Variable(np.ones(z.shape), grad_fn=turn)).sum()


def by_a_checkpoint(z, turn, create_graph):
    calls = []

    def same(x):
        calls.append(x)
        if len(calls) == 2:
            turn()
        return x * 1.0

    return checkpoint(same, z).sum()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "user",
    [
        by_a_hook,
        by_a_hook_in_a_pass_of_its_own,
        by_a_function,
        by_a_plain_function,
        by_a_checkpoint,
    ],
)
def test_a_change_during_the_pass_is_an_error_also_after_a_use_in_the_same_turn(user, create_graph):
    array = numbers((300, 200))
    x, turn = Variable(np.ones(array.shape)), Turn(array)
    loss = user(x * array, turn, create_graph)
    refused(loss, create_graph)
    assert len(turn.uses) == 2
    array[0, 0] -= 1  # as at the first use; the second one was computed from another number
    for use in turn.uses[1:]:
        if use.requires_grad:
            refused(use.sum())

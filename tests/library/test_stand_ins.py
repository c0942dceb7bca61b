"""Something that stands in for an array flows through the engine, forwards, backwards and twice.

Module 16 records programs in this way. The one here only counts what numpy is asked to do.
"""

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable, grad
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor

CALLS = []


def plain(x):
    """The array behind a stand-in, also in lists, tuples and dictionaries."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(plain, x))
    return {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else getattr(x, "_array", x)


def counted(function, name, *arguments, **parameters):
    """Note the call, and have an array or number in the result stand in for itself."""
    CALLS.append(name)
    out = function(*plain(arguments), **plain(parameters))
    return StandIn(out) if isinstance(out, (np.ndarray, np.generic)) else out


class StandIn(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that counts what is done with it."""

    def __init__(self, array):
        self._array = array

    def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
        return counted(getattr(ufunc, method), ufunc.__name__, *inputs, **parameters)

    def __array_function__(self, function, types, arguments, parameters):
        return counted(function, function.__name__, *arguments, **parameters)

    def __getattr__(self, name):
        found = getattr(self._array, name)
        if not callable(found) or name.startswith("__"):
            return found
        return lambda *arguments, **parameters: counted(found, name, *arguments, **parameters)

    def __getitem__(self, index):
        return counted(self._array.__getitem__, "getitem", index)

    def __setitem__(self, index, new):
        counted(self._array.__setitem__, "setitem", index, new)

    def __len__(self):
        return len(self._array)


RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(5, 4)), np.array([0, 2, 1, 1, 0])


def stood_in(leaf):
    """The same leaf, with a stand-in in place of its array."""
    holder = leaf if isinstance(leaf, Tensor) else leaf.data
    holder.data = StandIn(np.asarray(holder.data))
    return leaf


def mlp(x, *weights):
    first, second = Dense(4, 6, rng=0), Dense(6, 3, rng=1)
    first.weights, first.bias, second.weights, second.bias = weights
    return autograd.cross_entropy(second(autograd.relu(first(x))), LABELS)


def weights():
    shapes = [(4, 6), (6,), (6, 3), (3,)]
    rng = np.random.default_rng(3)
    return [Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]


FUNCTIONS = {
    "an MLP": (mlp, weights),
    "tanh": (lambda x: (autograd.tanh(x) * x).sum(), None),
    "softmax": (lambda x: (autograd.softmax(x) * X**2).sum(), None),
    "log_softmax": (lambda x: (autograd.log_softmax(x, axis=0) * X).sum(), None),
    "a part": (lambda x: (x[1:3] ** 2 * x[0]).sum() + x[2, 1], None),
    "a repeated index": (lambda x: (x[[0, 0, 2]] * x[np.array([1, 1, 1])]).sum(), None),
    "max": (lambda x: (x.max(axis=0) * x.min(axis=0)).sum(), None),
    "concatenate": (lambda x: (autograd.concatenate([x, x * 2, X]) ** 2).sum(), None),
    "stack": (lambda x: (autograd.stack([x, x * x]) * 3.0).sum(), None),
    "sums": (lambda x: (x.sum(axis=0) * x.mean(axis=0) + x.var(axis=0)).sum(), None),
    "arithmetic": (lambda x: (2 / (x * x + 1) - abs(x) ** 1.5).sum(), None),
    "functions": (lambda x: (autograd.exp(x) + autograd.sin(x) * autograd.sigmoid(x)).sum(), None),
    "broadcasting": (lambda x: (x + x[0] - x[:, :1] * x).sum(), None),
    "matrices": (lambda x: (x @ x.T @ x[:, 0]).sum(), None),
    "where and clip": (lambda x: autograd.where(X > 0, x.clip(-0.5, 0.5), x * x).sum(), None),
    "maximum": (lambda x: (autograd.maximum(x, 0.3) * autograd.minimum(x, X * 2)).sum(), None),
    "pad and reshape": (lambda x: (autograd.pad(x.reshape(2, 10), 1) ** 2).T.sum(), None),
}


def results(name, change, create_graph):
    """The loss, its gradients, and with `create_graph` the gradients of a sum of their squares."""
    function, others = FUNCTIONS[name]
    leaves = [change(leaf) for leaf in [Variable(X.copy()), *(others() if others else [])]]
    loss = function(*leaves)
    if not create_graph:
        loss.backward()
        loss = function(*leaves)
        loss.backward()  # a second one, which is added
        return [loss.data.data, *(leaf.grad for leaf in leaves)]
    first = grad(loss, leaves, create_graph=True)
    second = sum(((g * g).sum() for g in first), start=loss * loss)
    return [g.data.data for g in first] + list(grad(second, leaves))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_stand_in_for_an_array_gives_the_same_results(name, create_graph):
    expected = results(name, lambda leaf: leaf, create_graph)
    CALLS.clear()
    found = results(name, stood_in, create_graph)
    assert len(CALLS) > 3
    for x, y in zip(found, expected, strict=True):
        assert isinstance(x, StandIn), "the results stand in for arrays, too"
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_array_equal(plain(x), y)


def test_a_stand_in_sees_every_operation_of_a_step():
    leaves = [stood_in(leaf) for leaf in [Variable(X), *weights()]]
    CALLS.clear()
    loss = mlp(*leaves)
    forwards = len(CALLS)
    assert {"matmul", "add", "maximum", "exp", "log"} <= set(CALLS)
    loss.backward()
    assert {"matmul", "where", "transpose", "sum"} <= set(CALLS[forwards:])


def test_the_gradients_that_are_delivered_are_not_shared():
    x, y = (stood_in(Variable(X.copy())) for _ in range(2))
    (x + y).sum().backward()
    assert not np.shares_memory(plain(x.grad), plain(y.grad))

"""A gradient is right, or there is an error in one sentence; it is never lost without a word."""

import asyncio
import collections
import copy
import gc
import operator
import os
import pickle
import subprocess
import sys
import threading
import weakref
from array import array as standard_array
from pathlib import Path

import numpy as np
import pytest

import tinytorch
from tinytorch.core import autograd
from tinytorch.core.activations import relu
from tinytorch.core.autograd import (
    Variable,
    clip,
    concatenate,
    cross_entropy,
    exp,
    grad,
    linear,
    maximum,
    minimum,
    no_grad,
    pad,
    softmax,
    stack,
    tanh,
    where,
)
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor, apply


def variable(data):
    return Variable(np.array(data, dtype=float))


def weight(data):
    """A leaf that is a Tensor, as in a layer."""
    return Tensor(np.array(data, dtype=float), requires_grad=True)


LEAF = pytest.mark.parametrize("leaf", [variable, weight])


def refused(function, words: str = "", kinds=(TypeError, ValueError, RuntimeError)) -> None:
    """The call is an error that says in one sentence what is wrong."""
    with pytest.raises(kinds) as error:
        function()
    message = str(error.value)
    assert words in message and "\n" not in message and len(message) < 300, message


# A weight is recorded wherever it is used.


def test_a_penalty_on_weights_alone_gets_its_gradient():
    layer = Dense(3, 2, rng=0)
    x = np.ones((4, 3), np.float32)
    (layer(x).sum() + 0.5 * (layer.weights**2).sum()).backward()
    np.testing.assert_allclose(layer.weights.grad, 4 + layer.weights.data, rtol=1e-6)


USES_OF_A_WEIGHT = {
    "times a number": (lambda w: w * 3, [3, 3]),
    "a number minus it": (lambda w: 3 - w, [-1, -1]),
    "times a list": (lambda w: w * [2, 5], [2, 5]),
    "a list times it": (lambda w: [2, 5] * w, [2, 5]),
    "times an array": (lambda w: w * np.array([2.0, 5]), [2, 5]),
    "an array times it": (lambda w: np.array([2.0, 5]) * w, [2, 5]),
    "times a tensor": (lambda w: w * Tensor([2, 5]), [2, 5]),
    "a tensor times it": (lambda w: Tensor([2, 5]) * w, [2, 5]),
    "a constant times it": (lambda w: Variable([2, 5], requires_grad=False) * w, [2, 5]),
    "with itself": (lambda w: w * w, [2, 4]),
    "as a power": (lambda w: 2**w, [2 * np.log(2), 4 * np.log(2)]),
    "in a matrix product": (lambda w: np.array([[2.0, 5]]) @ w, [2, 5]),
    "through a function": (lambda w: relu(w), [1, 1]),
    "through numpy's function": (lambda w: np.exp(w), [np.e, np.e**2]),
    "a method": (lambda w: w.mean(), [0.5, 0.5]),
    "a part": (lambda w: w[1], [0, 1]),
    "transposed and reshaped": (lambda w: w.reshape(1, 2).T * [[2], [5]], [2, 5]),
    "in a stack": (lambda w: stack([w, [1, 1]]), [1, 1]),
    "in concatenate": (lambda w: concatenate([[1], w]), [1, 1]),
    "chosen by where": (lambda w: where([True, False], w, 0.0), [1, 0]),
    "as a bound": (lambda w: clip(np.array([0.0, 5]), w), [1, 0]),
    "as an upper bound": (lambda w: clip(np.array([0.0, 5]), None, w), [0, 1]),
    "as a bias": (lambda w: linear(np.ones((3, 1)), np.ones((1, 2)), w), [3, 3]),
    "padded": (lambda w: pad(w, 1), [1, 1]),
    "iterated over": (lambda w: sum(w), [1, 1]),
    "added up in place": (lambda w: operator.iadd(w, 1.0) * 2, [2, 2]),
}


@LEAF
@pytest.mark.parametrize("use", USES_OF_A_WEIGHT)
def test_a_leaf_is_recorded_wherever_it_is_used(use, leaf):
    function, expected = USES_OF_A_WEIGHT[use]
    w = leaf([1, 2])
    out = function(w)
    assert type(out) is Variable and out.requires_grad
    out.sum().backward()
    np.testing.assert_allclose(w.grad, expected)


def test_a_tensor_that_asks_for_no_gradient_is_left_alone():
    w = Tensor([1.0, 2.0])
    assert type(w * 2) is Tensor and type(np.exp(w)) is Tensor and not hasattr(w, "__apply__")
    w.requires_grad = True
    assert type(w * 2) is Variable


# Variables inside lists.

Pair = collections.namedtuple("Pair", "first second")
LISTS = {
    "a list as right operand": lambda x, y, z: x * [y, z],
    "a list as left operand": lambda x, y, z: [y, z] * x,
    "a tuple": lambda x, y, z: x + (y, z),
    "a list in a list": lambda x, y, z: x - [[y], [z]],
    "a deque": lambda x, y, z: Variable([1.0, 2.0]) * collections.deque([y, z]),
    "a list of a user's": lambda x, y, z: Variable([1.0, 2.0]) * collections.UserList([y, z]),
    "a tuple with names": lambda x, y, z: x * Pair(y, z),
    "three deep": lambda x, y, z: x / [[[y, 1.0]]],
    "with a number": lambda x, y, z: x ** [1.0, z],
    "in a product of matrices": lambda x, y, z: x @ [y, z],
    "in an array of objects": lambda x, y, z: x * np.array([y, z], dtype=object),
    "an array of objects times it": lambda x, y, z: np.array([y, z], dtype=object) * x,
    "maximum": lambda x, y, z: maximum([y, z], x),
    "minimum": lambda x, y, z: minimum(x, [y, z]),
    "where": lambda x, y, z: where([True, False], [y, z], 0.0),
    "the other side of where": lambda x, y, z: where([True, False], 0.0, (y, z)),
    "a bound of clip": lambda x, y, z: clip(x, [y, z]),
    "the upper bound of clip": lambda x, y, z: clip(x, None, [y, z]),
    "a list in concatenate": lambda x, y, z: concatenate([x, [y, z]]),
    "a list in stack": lambda x, y, z: stack([x, [y, z]]),
    "weights of linear": lambda x, y, z: linear(x, [[y], [z]], [0.0]),
    "bias of linear": lambda x, y, z: linear([[1.0]], [[1.0, 1.0]], [y, z]),
    "exp": lambda x, y, z: exp([y, z]),
    "softmax": lambda x, y, z: softmax([y, z]),
    "sum": lambda x, y, z: autograd.sum([y, z]),
    "cross-entropy": lambda x, y, z: cross_entropy([[y, z]], [0]),
    "a new Variable": lambda x, y, z: Variable([y, z]),
    "a new Tensor": lambda x, y, z: Tensor([[y, z]]),
    "a new Variable of objects": lambda x, y, z: Variable(np.array([y, z], dtype=object)),
    "the gradient to start from": lambda x, y, z: (x * 2).backward([y, z]),
}


@LEAF
@pytest.mark.parametrize("first", [variable, Tensor], ids=["variable", "tensor"])
@pytest.mark.parametrize("use", LISTS)
def test_variables_in_a_list_are_refused(use, first, leaf):
    if first is Tensor and use.startswith("the gradient"):
        pytest.skip("a tensor has no backward()")
    y, z = leaf(3), leaf(4)
    refused(lambda: LISTS[use](first([1.0, 2.0]), y, z))
    assert y.grad is z.grad is None


def test_lists_of_numbers_and_constants_are_fine():
    x, c = variable([1, 2]), Variable(3.0, requires_grad=False)
    (x * [c, 2] + [Tensor(1.0), 4]).sum().backward()
    assert x.grad.tolist() == [3, 2]
    with no_grad():
        assert np.asarray(Tensor([1.0, 2.0]) * [x[0], x[1]]).tolist() == [1, 4]


def test_a_new_variable_of_a_variable_is_refused_because_it_would_have_no_history():
    x = variable([1, 2])
    for make in (Variable, Tensor):
        refused(lambda make=make: make(x), "detach()")
        refused(lambda make=make: make(x * 2), "detach()")
    assert Variable(x.detach()).requires_grad
    with no_grad():
        assert np.asarray(Tensor(x * 2)).tolist() == [2, 4]


# Variables among the settings.

SETTINGS = {
    "value of pad": lambda y: pad(Tensor([1.0]), 1, y),
    "value of pad, of an array": lambda y: pad(np.ones(2), 1, value=y),
    "value of pad, in a list": lambda y: pad(variable([1.0]), 1, value=[[y]]),
    "width of pad": lambda y: pad(variable([1.0]), y),
    "axis": lambda y: variable([1.0]).sum(axis=y),
    "axis of a tensor": lambda y: Tensor([1.0]).sum(axis=y),
    "index": lambda y: variable([1.0])[y],
    "index in a list": lambda y: variable([1.0])[[y]],
    "index of a tensor": lambda y: Tensor([1.0])[y],
    "a slice": lambda y: variable([1.0, 2.0])[:y],
    "shape": lambda y: variable([1.0]).reshape(y),
    "an array of objects": lambda y: apply(np.pad, Variable([1.0], False), pad_width=1, constant_values=np.array([y], dtype=object)),
    "a dictionary": lambda y: apply(lambda x, options: x * 2, Variable([1.0], False), options={"a": [y]}),
}  # fmt: skip


@LEAF
@pytest.mark.parametrize("setting", SETTINGS)
def test_variables_among_the_settings_are_refused(setting, leaf):
    refused(lambda: SETTINGS[setting](leaf(1.0)), kinds=(TypeError, IndexError))


@LEAF
def test_a_condition_that_asks_for_a_gradient_is_refused(leaf):
    refused(lambda: where(leaf([1.0, 0.0]), 1.0, 2.0), "detach()", NotImplementedError)
    refused(lambda: np.where(leaf([1.0, 0.0]), 1.0, 2.0), "detach()", NotImplementedError)


@LEAF
def test_bounds_of_clip_get_the_gradient_where_they_hold(leaf):
    x, low, high = variable([0, 1, 2, 3, 4, 5]), leaf(1.5), leaf(3.5)
    (clip(x, low, high) * [1, 2, 4, 8, 16, 32]).sum().backward()
    assert x.grad.tolist() == [0, 0, 4, 8, 0, 0]
    assert (low.grad, high.grad) == (3, 48)


# Numpy's own functions.

A, MASK = np.ones(2), np.array([True, False])
NUMPY = {
    "stack": lambda w: np.stack([w, w]), "concatenate": lambda w: np.concatenate([A, w]),
    "dot": lambda w: np.dot(A, w), "sum": lambda w: np.sum(w), "mean": lambda w: np.mean(w),
    "einsum": lambda w: np.einsum("i,i->", A, w), "norm": lambda w: np.linalg.norm(w),
    "outer": lambda w: np.outer(A, w), "inner": lambda w: np.inner(w, A), "tensordot": lambda w: np.tensordot(A, w, 1),
    "solve": lambda w: np.linalg.solve(np.eye(2), w), "clip": lambda w: np.clip(A, w, 2.0), "max": lambda w: np.max(w),
    "prod": lambda w: np.prod(w), "cumsum": lambda w: np.cumsum(w), "diff": lambda w: np.diff(w), "sort": lambda w: np.sort(w),
    "tile": lambda w: np.tile(w, 2), "repeat": lambda w: np.repeat(w, 2), "roll": lambda w: np.roll(w, 1), "flip": lambda w: np.flip(w),
    "reshape": lambda w: np.reshape(w, (2, 1)), "transpose": lambda w: np.transpose(w), "squeeze": lambda w: np.squeeze(w),
    "expand_dims": lambda w: np.expand_dims(w, 0), "broadcast_to": lambda w: np.broadcast_to(w, (2, 2)), "take": lambda w: np.take(w, 0),
    "pad": lambda w: np.pad(w, 1), "interp": lambda w: np.interp(w, [0, 9], [0, 9]), "round": lambda w: np.round(w),
    "average": lambda w: np.average(A, weights=w), "trapezoid": lambda w: np.trapezoid(w), "gradient": lambda w: np.gradient(w),
    "copy": lambda w: np.copyto(np.zeros(2), w), "full_like": lambda w: np.full_like(A, w), "nan_to_num": lambda w: np.nan_to_num(w),
    "diag": lambda w: np.diag(w), "kron": lambda w: np.kron(A, w), "cross": lambda w: np.linalg.multi_dot([A, np.eye(2), w]),
    "select": lambda w: np.select([MASK], [w]), "real": lambda w: np.real(w), "convolve": lambda w: np.convolve(A, w),
    "putmask": lambda w: np.putmask(np.zeros(2), MASK, w), "vstack": lambda w: np.vstack([w, A]), "where=": lambda w: np.sum(A, where=w),
    "std": lambda w: np.std(w), "fft": lambda w: np.fft.fft(w),
    "add.reduce": lambda w: np.add.reduce(w), "add.outer": lambda w: np.add.outer(A, w), "add.at": lambda w: np.add.at(np.zeros(2), [0, 1], w),
    "add.accumulate": lambda w: np.add.accumulate(w), "maximum.reduce": lambda w: np.maximum.reduce(w), "reduceat": lambda w: np.add.reduceat(w, [0]),
    "divmod": lambda w: np.divmod(w, 2.0), "modf": lambda w: np.modf(w), "frexp": lambda w: np.frexp(w),
    "exp, where=": lambda w: np.exp(w, where=MASK), "exp, out=": lambda w: np.exp(w, out=np.zeros(2)),
    "exp, dtype=": lambda w: np.exp(w, dtype=np.float32), "exp, casting=": lambda w: np.exp(w, casting="no"),
    "a weight as where=": lambda w: np.exp(A, where=w), "a weight as out=": lambda w: np.exp(A, out=w),
    "matmul, axis=": lambda w: np.matmul(w, A, axes=[(0,), (0,), ()]), "array +=": lambda w: np.ones(2).__iadd__(w),
    "array @=": lambda w: np.eye(2).__imatmul__(w), "a method of an array": lambda w: np.ones(2).clip(w, 2.0),
    "square": lambda w: np.square(w), "floor": lambda w: np.floor(w), "sign": lambda w: np.sign(w), "log1p": lambda w: np.log1p(w),
    "hypot": lambda w: np.hypot(w, A), "arctan2": lambda w: np.arctan2(w, A), "fmax": lambda w: np.fmax(w, A), "mod": lambda w: np.mod(w, 2.0),
}  # fmt: skip


@LEAF
@pytest.mark.parametrize("name", NUMPY)
def test_numpys_functions_work_or_are_refused_at_the_call(name, leaf):
    w = leaf([1.0, 2.0])
    refused(lambda: NUMPY[name](w), kinds=(TypeError, NotImplementedError))


def test_the_functions_that_have_a_rule_are_recorded_also_as_numpys():
    w = weight([1.0, 2.0])
    for function in (np.exp, np.tanh, np.abs, np.negative, np.sqrt, np.log, np.sin, np.cos):
        assert function(w).requires_grad
    for function in (np.add, np.multiply, np.maximum, np.power, np.matmul, np.divide, np.subtract):
        assert function(A, w).requires_grad and function(w, A).requires_grad


def test_what_numpy_has_converted_is_an_array_and_no_variable():
    """Numpy asks an element of a list for its numbers only: what comes back cannot be mistaken."""
    x = variable([1.0, 2.0])
    results = [np.asarray(x), np.array([x, x]), np.ones(2) * [x[0], x[1]], A.dot(x)]
    results += [np.pad(A, 1, constant_values=x), np.sum(A, initial=x[0]), np.full(2, x)]
    for result in results:
        assert isinstance(result, (np.ndarray, np.generic)) and not hasattr(result, "backward")


# Something changes between its use and the backward pass.


def test_an_index_that_changes_after_its_use_does_not_change_the_gradient():
    for index in (np.array([0, 2]), [0, 2], np.array([True, False, True]), [True, False, True]):
        x = variable([1, 2, 3])
        y = x[index]
        index[:] = index[::-1] if len(index) == 2 else [False, True, False]
        y = y * [10, 20]
        y.sum().backward()
        assert x.grad.tolist() == [10, 0, 20]


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_index_in_a_tuple_a_slice_or_an_array_without_axes_may_change_too(create_graph):
    rows, stop = np.array([0, 1]), np.array(1)
    x = variable(np.ones((3, 2)))
    y = x[rows, slice(0, stop)] * 1.0 + x[(np.array(0), rows[:1])]
    rows[:], stop[...] = 2, 2
    (g,) = grad(y.sum(), x, create_graph=create_graph)
    expected = np.zeros((3, 2))
    expected[[0, 1], 0] += 1
    expected[0, 0] += 2
    np.testing.assert_array_equal(np.asarray(g), expected)


def test_shapes_axes_and_widths_that_change_after_their_use_do_not_change_the_gradient():
    x = variable(np.arange(6.0).reshape(2, 3))
    shape, axes, widths = [3, 2], [1, 0], [[1, 1], [0, 2]]
    y = autograd.reshape(x, shape).sum() + (autograd.transpose(x, axes) * np.ones((3, 2))).sum()
    y = y + pad(x, widths).sum()
    shape[:], axes[:], widths[:] = [6, 1], [0, 1], [[0, 0], [0, 0]]
    y.backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 3.0))


@pytest.mark.parametrize("labels", [[0, 1], np.array([0, 1]), Tensor([0, 1], dtype=np.int64)], ids=["list", "array", "tensor"])  # fmt: skip
def test_labels_that_change_after_their_use_do_not_change_the_gradient(labels):
    scores = variable([[1.0, 2.0], [3.0, 5.0]])
    loss = cross_entropy(scores, labels)
    expected = (np.asarray(softmax(scores.detach())) - np.eye(2)) / 2
    if isinstance(labels, list):
        labels[0] = 1
    else:
        np.asarray(labels)[0] = 1
    try:
        loss.backward()
    except RuntimeError as error:
        assert "changed in place" in str(error)
    else:
        np.testing.assert_allclose(scores.grad, expected)


def test_labels_that_are_no_whole_numbers_are_refused():
    scores = variable([[1.0, 2.0]])
    for labels in ([0.0], np.array([1.0]), Tensor([0]), Variable([0.0]), weight([0.0]), [[0]], ["0"], [1j], [True], [None], [weight(0.0)]):  # fmt: skip
        refused(lambda labels=labels: cross_entropy(scores, labels))


def test_a_gradient_that_was_given_may_change_afterwards():
    x, seed = variable([1, 2]), np.array([1.0, 2.0])
    y = x * 3
    (g,) = grad(y, x, seed, create_graph=True)
    y.backward(seed, retain_graph=True)
    seed[:] = 100
    assert x.grad.tolist() == [3, 6] == np.asarray(g).tolist()
    y.backward(np.ones(2))
    assert x.grad.tolist() == [6, 9]


def test_complex_or_text_as_a_gradient_is_refused():
    for seed in ([1j, 2], np.array([1j, 1]), ["a", "b"], [[1], [1, 2]], [None, 1], object()):
        for create_graph in (False, True):
            y = variable([1, 2]) * 2
            refused(lambda y=y, s=seed, c=create_graph: y.backward(s, create_graph=c))


LARGE = 300_000
ARRAYS = {
    "two numbers": lambda: np.array([1.0, 2.0]),
    "one number": lambda: np.array([1.0]),
    "a matrix": lambda: np.ones((100, 100)),
    "a large one": lambda: np.ones(LARGE),
    "columns first": lambda: np.asfortranarray(np.ones((40, 50))),
    "turned round": lambda: np.arange(1.0, 9.0)[::-1],
    "every second": lambda: np.arange(1.0, 9.0)[::2],
    "a column": lambda: np.ones((60, 70))[:, 3],
    "float16": lambda: np.ones(3, np.float16),
    "float32": lambda: np.ones((3, 3), np.float32),
    "long double": lambda: np.ones(3, np.longdouble),
    "big-endian": lambda: np.ones(5, ">f8"),
    "unaligned": lambda: np.frombuffer(bytearray(41), np.float64, 5, offset=1),
}


@LEAF
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", ARRAYS)
def test_one_element_that_changes_after_its_use_is_an_error(kind, create_graph, leaf):
    array = ARRAYS[kind]()
    array[...] = 1
    make = Variable if leaf is variable else lambda data: Tensor(data, requires_grad=True)
    x = make(array)
    assert np.shares_memory(np.asarray(x), array)
    y = (x * x).sum()
    array[(array.shape[0] - 1, *[0] * (array.ndim - 1))] += 1
    refused(lambda: y.backward(create_graph=create_graph), "changed in place")
    assert x.grad is None


VIEWS = {
    "a slice": lambda a: a[1:2],
    "the transposed one": lambda a: a.T,
    "another shape": lambda a: a.reshape(-1),
    "turned round": lambda a: a[::-1, ::-1],
    "a diagonal": lambda a: np.einsum("ii->i", a),
    "bytes": lambda a: a.view(np.uint8),
    "a memoryview": lambda a: np.asarray(memoryview(a)),
    "a window": lambda a: np.lib.stride_tricks.as_strided(a, (2,), (8,)),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_change_through_another_view_of_the_same_memory_is_an_error(view):
    array = np.arange(1.0, 10.0).reshape(3, 3)
    other = VIEWS[view](array)
    for use in (
        lambda x: x * x,
        lambda x: x.T @ x,
        lambda x: x.reshape(9) ** 2,
        lambda x: tanh(x[0]),
    ):
        x = Variable(array)
        y = use(x).sum()
        before = array.copy()
        other[...] = 0
        assert not np.array_equal(array, before)
        refused(y.backward, "changed in place") if not np.array_equal(array[0], before[0]) else None
        array[...] = before


def test_a_change_of_an_input_that_needs_no_gradient_is_an_error():
    for make in (np.array, Tensor, lambda a: Variable(a, requires_grad=False)):
        x, c = variable([1, 2]), make(np.array([3.0, 4.0]))
        y = x * c
        np.asarray(c)[0] = 100
        refused(y.sum().backward, "changed in place")


def test_a_broadcast_view_that_changes_is_an_error():
    row = np.array([1.0, 2.0])
    x, c = variable(np.ones((3, 2))), np.broadcast_to(row, (3, 2))
    y = x * c
    row[0] = 5
    refused(y.sum().backward, "changed in place")


def test_a_condition_or_a_bound_that_changes_is_an_error():
    condition, bound = np.array([True, False]), np.array([1.5, 1.5])
    for use in (
        lambda x: where(condition, x, 0.0),
        lambda x: clip(x, bound),
        lambda x: maximum(x, bound),
    ):
        condition[:], bound[:] = [True, False], 1.5
        y = use(variable([1, 2])).sum()
        condition[:], bound[:] = True, 0
        refused(y.backward, "changed in place")


def test_a_change_that_is_undone_in_time_is_none():
    x = variable([1, 2])
    y = (x * x).sum()
    x.data.data[0] = 5
    x.data.data[0] = 1
    y.backward()
    assert x.grad.tolist() == [2, 4]


def test_not_a_number_is_not_taken_for_a_change():
    for dtype in (np.float16, np.float64, np.longdouble):
        x = Variable(np.array([np.nan, 1], dtype))
        (x * x).sum().backward()
        assert x.grad[1] == 2


REBINDING = {
    "the data of a leaf": lambda x, y: setattr(x, "data", Tensor(np.full(x.shape, 100.0))),
    "the array of a leaf": lambda x, y: setattr(x.data, "data", np.full(x.shape, 100.0)),
    "the data of a result": lambda x, y: setattr(y, "data", Tensor(np.full(y.shape, 100.0))),
    "the array of a result": lambda x, y: setattr(y.data, "data", np.full(y.shape, 100.0)),
    "the shape of a leaf": lambda x, y: setattr(x.data, "data", np.array([100.0])),
    "the shape of a result": lambda x, y: setattr(y.data, "data", np.full((3, 2), 100.0)),
    "a leaf to a number": lambda x, y: setattr(x.data, "data", np.float64(100.0)),
    "a result to a number": lambda x, y: setattr(y.data, "data", np.float64(100.0)),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("change", REBINDING)
@pytest.mark.parametrize("function", [exp, tanh, lambda x: x * x, lambda x: x @ x * 1.0, softmax], ids=["exp", "tanh", "square", "matmul", "softmax"])  # fmt: skip
def test_new_data_between_forward_and_backward_give_the_old_gradient_or_an_error(
    function, change, create_graph
):
    def gradient(change):
        x = variable([1.0, 2.0])
        y = function(x)
        out = (y * y).sum()
        change(x, y)
        out.backward(create_graph=create_graph)
        return np.asarray(x.grad)

    expected = gradient(lambda x, y: None)
    try:
        found = gradient(REBINDING[change])
    except RuntimeError as error:
        assert "changed" in str(error)
    else:
        np.testing.assert_allclose(found, expected)


def test_two_backward_passes_with_a_change_in_between_are_an_error():
    x = variable(np.ones(LARGE))
    y = (x * x).sum()
    y.backward(retain_graph=True)
    x.data.data[7] = 3
    refused(y.backward, "changed in place")


def test_a_change_by_a_hook_is_an_error():
    for array in (np.ones(3), np.ones(LARGE)):
        x = Variable(array)
        y = x * x
        z = y * 2
        z.register_hook(lambda g, array=array: array.__setitem__(0, 5))
        refused((z.sum() + y.sum()).backward, "changed in place")


def test_a_change_by_a_plain_function_as_grad_fn_is_an_error():
    array = np.ones(3)
    x = Variable(array)
    y = (x * x).sum()
    b = Variable(1.0, grad_fn=lambda g: array.__setitem__(0, 5))
    refused((y + b).backward, "changed in place")


SEQUENCES = {
    "a memoryview": lambda: memoryview(np.array([3.0, 4.0])),
    "an array of the standard library": lambda: standard_array("d", [3.0, 4.0]),
    "a deque": lambda: collections.deque([3.0, 4.0]),
    "a list": lambda: [3.0, 4.0],
}


@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_sequence_that_changes_after_its_use_does_not_change_the_gradient(kind):
    x, sequence = variable([1, 2]), SEQUENCES[kind]()
    for y in (x * sequence, sequence * x if kind == "a list" else x * sequence):
        sequence[0] = 100.0
        x.zero_grad()
        y.sum().backward()
        assert x.grad.tolist() == [3, 4]
        sequence[0] = 3.0
    (x * range(2)).sum().backward()
    assert x.grad.tolist() == [3, 5]


# Complex numbers, whole numbers, copies.

COMPLEX = {
    "a number": lambda x: x * 1j,
    "a number on the left": lambda x: 1j + x,
    "numpy's number": lambda x: x * np.complex64(1j),
    "an array": lambda x: np.array([1j, 1]) * x,
    "a list": lambda x: x - [1j, 1],
    "on the way": lambda x: x * np.abs(x * 1j),
    "matrices": lambda x: x @ np.array([[1j, 1], [1, 1]]),
    "where": lambda x: where([True, False], x, 1j),
    "a bound": lambda x: clip(x, 1j),
    "stack": lambda x: stack([x, [1j, 1]]),
    "concatenate": lambda x: concatenate([x, np.array([1j])]),
    "a power": lambda x: x**1j,
    "a function": lambda x: apply(np.fft.fft, x),
    "linear": lambda x: linear(np.ones((1, 2), complex), [[1.0], [1.0]], x[:1]),
    "a leaf": lambda x: Variable(np.array([1j])),
    "a tensor": lambda x: Tensor([1j], requires_grad=True),
    "a value of pad": lambda x: pad(x, 1, 1j),
}


@LEAF
@pytest.mark.parametrize("use", COMPLEX)
def test_complex_numbers_are_refused_at_the_call(use, leaf):
    refused(lambda: COMPLEX[use](leaf([1.0, 2.0])), kinds=(TypeError, NotImplementedError))


WHOLE = {
    "int64": np.int64, "int8": np.int8, "uint8": np.uint8, "bool": bool,
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers_cannot_ask_for_a_gradient(kind):
    w = Tensor([1, 1], dtype=WHOLE[kind], requires_grad=True)
    x = variable([1, 2])
    for use in (lambda: w * 2, lambda: w.sum(), lambda: w[0], lambda: np.exp(w), lambda: x * w, lambda: w * x, lambda: stack([x, w]), lambda: autograd.tanh(w), lambda: where(np.array([True, False]), x, w)):  # fmt: skip
        refused(use, "cannot get a gradient")
    w.requires_grad = False
    (x * w).sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_a_leaf_that_becomes_whole_is_refused():
    x, w = variable([1, 2]), weight([1, 2])
    x.data.data, w.data = np.array([1, 2]), np.array([1, 2])
    for leaf in (x, w):
        refused(lambda leaf=leaf: leaf * 2, "cannot get a gradient")


def test_whole_numbers_and_booleans_given_to_a_variable_become_floating():
    for data in ([1, 2], np.array([1, 2]), np.array([True, True]), Tensor([1, 2], dtype=np.int64)):
        x = Variable(data)
        (x * 2).sum().backward()
        assert x.dtype == x.grad.dtype == np.float32 and x.grad.tolist() == [2, 2]


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "the oldest pickle": lambda x: pickle.loads(pickle.dumps(x, 2)),
}
COPY = pytest.mark.parametrize("way", COPIES)


@COPY
def test_a_copy_of_a_leaf_is_a_leaf_with_a_gradient_of_its_own(way):
    x = variable([1, 2])
    (x * 3).sum().backward()
    other = COPIES[way](x)
    assert type(other) is Variable and other.requires_grad and other.is_leaf
    assert other.grad.tolist() == [3, 3] and other.order != x.order
    other.zero_grad()
    (x * other).sum().backward()
    assert x.grad.tolist() == [4, 5] and other.grad.tolist() == [1, 2]
    assert not COPIES[way](Variable(1.0, requires_grad=False)).requires_grad


@COPY
def test_a_copy_of_a_computed_variable_is_refused(way):
    x = variable([1, 2])
    refused(lambda: COPIES[way](x * 2), "detach()")
    assert np.asarray(COPIES[way]((x * 2).detach())).tolist() == [2, 4]
    with no_grad():
        constant = x * 2
    assert np.asarray(COPIES[way](constant)).tolist() == [2, 4]


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "the oldest pickle"])
def test_a_copy_of_a_layer_has_weights_of_its_own(way):
    layer = Dense(2, 3, rng=0)
    other = COPIES[way](layer)
    other(np.ones((1, 2))).sum().backward()
    assert layer.weights.grad is None and other.weights.grad.tolist() == [[1, 1, 1]] * 2
    other.weights.data -= 1.0
    assert not np.array_equal(layer.weights.data, other.weights.data)
    assert other.weights.requires_grad and other.bias.requires_grad


def test_a_copy_of_a_list_with_a_computed_variable_is_refused():
    refused(lambda: copy.deepcopy({"loss": [variable(1.0) * 2]}), "detach()")


# The switch.


def recorded() -> bool:
    return (variable(1.0) * 2).requires_grad


def test_a_generator_under_no_grad_leaves_the_consumer_alone():
    @no_grad()
    def values():
        received = yield recorded()
        assert received == "sent" and not recorded()
        try:
            yield recorded()
        except KeyError:
            assert not recorded()
        yield recorded()
        return "done"

    def outer():
        return (yield from values())

    steps = outer()
    assert next(steps) is False and recorded()
    assert steps.send("sent") is False and recorded()
    assert steps.throw(KeyError) is False and recorded()
    with pytest.raises(StopIteration, match="done"):
        next(steps)
    left = values()
    next(left)
    left.close()
    assert recorded()


def test_two_generators_under_no_grad_may_take_turns():
    @no_grad()
    def values():
        yield recorded()
        yield recorded()

    for pair in zip(values(), values(), strict=True):
        assert pair == (False, False) and recorded()


def test_recursion_and_blocks_in_blocks_under_no_grad():
    @no_grad()
    def down(n):
        return recorded() if n == 0 else down(n - 1) or recorded()

    assert down(5) is False and recorded()
    same = no_grad()
    with same, same, autograd.enable_grad():
        assert recorded()
        with same:
            assert not recorded()
        assert recorded()
    assert recorded()


def test_coroutines_under_no_grad_are_refused_and_tasks_do_not_disturb_each_other():
    async def wait():
        pass

    refused(lambda: no_grad()(wait), "asynchronous")

    async def values():
        yield 1

    refused(lambda: no_grad()(values), "asynchronous")

    async def without():
        with no_grad():
            await asyncio.sleep(0.01)
            return recorded()

    async def beside():
        await asyncio.sleep(0.005)
        return recorded()

    async def both():
        return await asyncio.gather(without(), beside(), without())

    assert asyncio.run(both()) == [False, True, False] and recorded()


def test_threads_that_share_one_block_do_not_disturb_each_other():
    same, inside, leave = no_grad(), threading.Event(), threading.Event()
    seen = []

    def work():
        with same:
            inside.set()
            leave.wait(5)
        seen.append(recorded())

    thread = threading.Thread(target=work)
    with no_grad():
        same.__enter__()
        thread.start()
        inside.wait(5)
        same.__exit__(None, None, None)
        seen.append(recorded())
        leave.set()
        thread.join()
    assert seen == [False, True] and recorded()


def test_hooks_are_called_in_every_thread():
    x, calls = variable([1, 2]), []
    x.register_hook(lambda g: calls.append(g.tolist()))
    thread = threading.Thread(target=lambda: (x * 2).sum().backward())
    thread.start()
    thread.join()
    assert calls == [[2, 2]]


def test_a_hook_that_is_registered_during_a_pass_is_kept():
    x, y, calls = variable([1, 2]), variable([1, 2]), []
    y.register_hook(lambda g: x.register_hook(lambda g: calls.append(1)) and None)
    grad((x * y).sum(), [y])
    grad((x * y).sum(), [x])
    assert calls == [1]


def test_a_hook_that_knows_its_variable_does_not_keep_it_alive():
    def made():
        x = variable([1, 2])
        x.register_hook(lambda g: x.shape and None)
        return weakref.ref(x)

    alive = made()
    gc.collect()
    assert alive() is None


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul]  # fmt: skip


@LEAF
@pytest.mark.parametrize("change", IN_PLACE, ids=lambda f: f.__name__)
def test_a_step_that_would_make_a_constant_of_a_leaf_is_refused(change, leaf):
    w = leaf(np.eye(2))
    with no_grad():
        refused(lambda: change(w, np.eye(2)), "data -= step")
        assert not change((w * 2), np.eye(2)).requires_grad
    assert change(w * 2, np.eye(2)).requires_grad
    constant = Tensor(np.eye(2))
    with no_grad():
        assert type(change(constant, np.eye(2))) is Tensor


def test_variables_in_any_collection_beside_a_plain_tensor_are_refused():
    y, z, plain = Variable(2.0), Variable(3.0), Tensor([1.0, 2.0])
    for collection in (
        collections.deque([y, z]),
        collections.UserList([y, z]),
        [collections.deque([y, z])],
        np.array([y, z], dtype=object),
        {0: y, 1: z}.values(),
        [[weight([1.0, 2.0])]],
    ):
        refused(lambda c=collection: plain * c)
        refused(lambda c=collection: c * plain)
        refused(lambda c=collection: apply(np.multiply, plain, c))
        refused(lambda c=collection: Tensor(c))
    assert (plain * collections.deque([3, 4])).numpy().tolist() == [3, 8]


def test_a_rule_that_forgets_its_return_is_an_error():
    def cube(x):
        return x**3

    def by_x(grad, out, x):
        grad * 3 * x**2

    autograd.derivative(cube, by_x)
    y = apply(cube, variable([1.0, 2.0])).sum()
    refused(y.backward, "did you forget return")


AGAIN = """
import importlib
from tinytorch.core import autograd, tensor
def asked():
    Tensor = tensor.Tensor
    return [Tensor.__init__, Tensor.__array_ufunc__, tensor.compute, tensor.as_array]
once, record = asked(), autograd.record
importlib.reload(autograd)
weight = tensor.Tensor([1.0], requires_grad=True)
print(asked() == once, autograd.record is not record, weight.__apply__ is autograd.record)
"""


def test_module_7_that_is_run_again_asks_each_tensor_once():
    environment = os.environ | {"PYTHONPATH": str(Path(tinytorch.__file__).parents[1])}
    found = subprocess.run(
        [sys.executable, "-c", AGAIN], env=environment, capture_output=True, text=True
    )
    assert found.stdout.split() == ["True"] * 3, found.stderr

"""Optimizers that make no large array in a step, beside those of module 8."""

import io
import tracemalloc

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import in_place
from tinytorch.core import training
from tinytorch.core.networks import MLP
from tinytorch.core.tensor import Tensor
from tinytorch.support.saving import array_of

SHAPES = (784, 138), (138,), (138, 10), (10,)  # 109,720 numbers


class PlainMomentum(training.SGD):
    """The formula, as it is written."""

    def __init__(self, parameters, lr, momentum=0.9):
        super().__init__(parameters, lr)
        self.momentum, self.velocities = momentum, [np.zeros(p.shape) for p in self.parameters]

    def step(self):
        for n, p in enumerate(self.parameters):
            if p.grad is not None:
                v = self.velocities[n] = self.momentum * self.velocities[n] + p.grad
                p.data -= self.lr * v


def parameters(seed=0, dtype="float64", shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [Tensor(rng.normal(size=s).astype(dtype), requires_grad=True) for s in shapes]


TWINS = [
    (in_place.Adam, training.Adam, {"lr": 0.01}),
    (in_place.Adam, training.Adam, {"lr": 1.0, "betas": (0.5, 0.7), "eps": 0.1}),
    (in_place.Adam, training.Adam, {"betas": (0.0, 0.0)}),
    (in_place.SGD, PlainMomentum, {"lr": 0.1}),
    (in_place.SGD, PlainMomentum, {"lr": 0.1, "momentum": 0.0}),
]


@pytest.mark.parametrize(("kind", "plain", "settings"), TWINS)
def test_weights_are_those_of_the_formula(kind, plain, settings):
    rng, mine, others = np.random.default_rng(1), parameters(), parameters()
    one, other = kind(mine, **settings), plain(others, **settings)
    for _ in range(6):
        for p, q in zip(mine, others, strict=True):
            p.grad = rng.normal(size=p.shape) if rng.random() < 0.8 else None
            q.grad = None if p.grad is None else p.grad.copy()
        one.step()
        other.step()
        for p, q in zip(mine, others, strict=True):
            assert np.allclose(p.data, q.data, rtol=1e-11, atol=1e-12)
            assert p.grad is None or (p.grad == q.grad).all()


@pytest.mark.parametrize("kind", [in_place.Adam, in_place.SGD])
def test_each_array_stays_and_its_dtype(kind):
    turned = Tensor(np.ones((3, 4), dtype=np.float32).T, requires_grad=True)
    row = Tensor(np.ones(4, dtype=np.float32), requires_grad=True)
    variable, number = tt.Variable(np.ones(2, dtype=np.float32)), tt.Variable(1.0)
    found = [turned, row, variable, number]
    arrays = [turned.data, row.data, variable.data.data]
    optimizer = kind(found, 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (turned.sum() + (row * row).sum() + (variable * number).sum()).backward()
        optimizer.step()
    assert [p.dtype for p in found] == [np.float32] * 4
    assert all(
        p is q for p, q in zip([turned.data, row.data, variable.data.data], arrays, strict=True)
    )
    assert (turned.data < 0.8).all() and (variable.numpy() < 0.8).all() and number.item() < 0.8


def peak_of_a_step(optimizer) -> int:
    """How many bytes a step makes at most, after some steps."""
    for p in optimizer.parameters:
        p.grad = np.ones(p.shape, p.dtype)
    for _ in range(2):
        optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_makes_no_array_of_the_size_of_a_parameter(dtype):
    largest = max(p.data.nbytes for p in parameters(0, dtype))
    for kind in (in_place.Adam, in_place.SGD):
        assert peak_of_a_step(kind(parameters(0, dtype), 0.1)) < 8192 < largest / 50


def test_what_the_plain_formulas_make_in_a_step():
    """One array of the size of the largest parameter for SGD, and up to five for Adam."""
    largest = max(p.data.nbytes for p in parameters(0, "float32"))
    assert peak_of_a_step(training.SGD(parameters(0, "float32"), 0.1)) < 1.1 * largest
    assert 2 * largest < peak_of_a_step(training.Adam(parameters(0, "float32"))) < 5.1 * largest


def test_a_run_saved_with_one_adam_goes_on_with_the_other():
    network, x, y = MLP([3, 4, 2], rng=0), Tensor(np.eye(3)), np.array([0, 1, 1])
    adam, file = training.Adam(network.parameters()), io.BytesIO()
    training.overfit(network, x, y, adam, steps=5)
    training.save(file, network, adam, 1)
    file.seek(0)
    other = MLP([3, 4, 2])
    fast = in_place.Adam(other.parameters())
    assert training.load(file, other, fast) == 1
    found = [training.overfit(n, x, y, o, steps=20) for n, o in ((network, adam), (other, fast))]
    assert np.allclose(*found, rtol=1e-5)


def test_what_it_remembers_is_saved_and_the_room_for_results_is_not():
    network = MLP([3, 4, 2], rng=0)
    sgd = in_place.SGD(network.parameters(), 0.1)
    training.overfit(network, Tensor(np.eye(3)), np.array([0, 1, 1]), sgd, steps=2)
    names = [n for n in training.changing(network, sgd) if n.startswith("optimizer")]
    assert names == [f"optimizer.velocities.{n}" for n in range(4)]
    assert all(array_of(v).any() for v in sgd.velocities)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, np.nan])
def test_a_momentum_that_never_slows_down_is_refused(momentum):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        in_place.SGD(parameters(), 0.1, momentum)


def test_it_is_found_by_the_name_of_the_package():
    assert tt.in_place is in_place and "in_place" in dir(tt)

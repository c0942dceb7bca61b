"""Losses, optimizers and whole runs beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from tinytorch import in_place
from tinytorch.core.autograd import Variable
from tinytorch.core.dataloader import ArrayDataset, DataLoader
from tinytorch.core.networks import MLP
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import (
    SGD,
    Adam,
    bce_with_logits,
    clip_grad_norm_,
    cross_entropy,
    mse_loss,
    train_step,
)
from tinytorch.datasets import digits

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)
nn, theirs = torch.nn, torch.nn.functional
RNG = np.random.default_rng(0)
LOSSES = {
    "mse": (mse_loss, theirs.mse_loss, RNG.normal(size=(5, 3))),
    "bce": (
        bce_with_logits,
        theirs.binary_cross_entropy_with_logits,
        RNG.uniform(size=(5, 3)),
    ),
    "cross entropy": (cross_entropy, theirs.cross_entropy, RNG.integers(3, size=5)),
}


@pytest.mark.parametrize("scale", [0.1, 1.0, 50.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient_are_theirs(name, reduction, scale):
    ours, other, target = LOSSES[name]
    scores = scale * np.random.default_rng(1).normal(size=(5, 3))
    x, u = Variable(scores), torch.tensor(scores, requires_grad=True)
    found, wanted = ours(x, target, reduction), other(u, torch.tensor(target), reduction=reduction)
    assert np.allclose(found.numpy(), wanted.detach().numpy(), rtol=1e-12, atol=1e-14)
    seed = np.random.default_rng(2).normal(size=found.shape)
    found.backward(seed)
    wanted.backward(torch.tensor(seed))
    assert np.allclose(x.grad, u.grad.numpy(), rtol=1e-11, atol=1e-14)


def settings(seed: int) -> dict:
    """Settings of Adam, drawn."""
    rng = np.random.default_rng(seed)
    betas = tuple(float(b) for b in rng.uniform(0, 0.999, size=2))
    return {
        "lr": float(rng.uniform(1e-4, 1)),
        "betas": betas,
        "eps": float(10 ** rng.uniform(-9, 0)),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(30))
def test_weights_after_steps_are_theirs(seed, dtype):
    """Random gradients, some of them missing, over random settings."""
    rng, drawn = np.random.default_rng(seed), settings(seed)
    tolerance = (
        {"rtol": 1e-11, "atol": 1e-12} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    )
    start = [rng.normal(size=shape).astype(dtype) for shape in ((3, 4), (4,), ())]
    for ours, other, given in (
        (SGD, torch.optim.SGD, {"lr": drawn["lr"]}),
        (Adam, torch.optim.Adam, drawn),
    ):
        mine = [Tensor(a.copy(), requires_grad=True) for a in start]
        their = [torch.tensor(a, requires_grad=True) for a in start]
        optimizers = ours(mine, **given), other(their, **given)
        for _ in range(8):
            for p, q in zip(mine, their, strict=True):
                g = rng.normal(size=p.shape).astype(dtype)
                missing = rng.random() < 0.2
                p.grad, q.grad = (None, None) if missing else (np.array(g), torch.tensor(g))
            for optimizer in optimizers:
                optimizer.step()
        for p, q in zip(mine, their, strict=True):
            assert p.dtype == dtype
            assert np.allclose(p.data, q.detach().numpy(), **tolerance)


@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
def test_clipped_gradients_are_theirs(limit):
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=shape) for shape in ((3, 4), (4,))]
    mine = [Tensor(np.zeros(g.shape), requires_grad=True) for g in gradients]
    their = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for p, q, g in zip(mine, their, gradients, strict=True):
        p.grad, q.grad = g.copy(), torch.tensor(g)
    norm = clip_grad_norm_(mine, limit)
    assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(their, limit)))
    for p, q in zip(mine, their, strict=True):
        assert np.allclose(p.grad, q.grad.numpy(), rtol=1e-5)


def losses_of_both(optimizers, steps=110) -> np.ndarray:
    """Losses of a network on digits and of PyTorch's, from equal weights, on equal batches."""
    images, labels = digits()
    pixels = (images.reshape(-1, 64) / 16).astype(np.float32)
    loader = DataLoader(ArrayDataset(pixels, labels), 64, shuffle=True, rng=0)
    network = MLP([64, 32, 10], rng=0)
    copy = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        for mine, its in zip(network[::2], copy[::2], strict=True):
            its.weight.copy_(torch.tensor(mine.weights.data.T))
            its.bias.copy_(torch.tensor(mine.bias.data))
    ours, other = optimizers
    optimizer, another = ours(network.parameters()), other(copy.parameters())
    found: list[tuple[float, float]] = []
    while len(found) < steps:
        for x, y in loader:
            mine = train_step(network, x, y, optimizer)
            another.zero_grad()
            loss = theirs.cross_entropy(copy(torch.tensor(x.numpy())), torch.tensor(y))
            loss.backward()
            another.step()
            found.append((mine, loss.item()))
    assert {str(p.dtype) for p in network.parameters()} == {"float32"}
    return np.array(found)[:steps]


OPTIMIZERS = {
    "SGD": (lambda p: SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum, in place": (
        lambda p: in_place.SGD(p, 0.05, 0.9),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
    ),
    "Adam": (lambda p: Adam(p, 1e-3), lambda p: torch.optim.Adam(p, 1e-3)),
    "Adam, in place": (lambda p: in_place.Adam(p, 1e-3), lambda p: torch.optim.Adam(p, 1e-3)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_110_losses_on_digits_are_theirs(name):
    """To 4e-7 each, in float32: 330 losses of SGD, momentum and Adam, and 110 of Adam in place."""
    mine, other = losses_of_both(OPTIMIZERS[name]).T
    assert np.abs(mine - other).max() <= 4e-7

"""Optimizers and schedules beside PyTorch's: 280 draws of settings, 100 of schedules, 18 runs."""

from __future__ import annotations

import numpy as np
import pytest

from tinytorch.core import optimizers
from tinytorch.core.activations import ReLU, Tanh
from tinytorch.core.dataloader import ArrayDataset, DataLoader
from tinytorch.core.networks import MLP
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import train_step
from tinytorch.datasets import digits

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)
nn, theirs = torch.nn, torch.nn.functional
schedules = torch.optim.lr_scheduler
SHAPES = (3, 4), (4,), ()
KINDS = {
    "plain": (optimizers.SGD, torch.optim.SGD),
    "momentum": (optimizers.SGD, torch.optim.SGD),
    "nesterov": (optimizers.SGD, torch.optim.SGD),
    "adagrad": (optimizers.Adagrad, torch.optim.Adagrad),
    "rmsprop": (optimizers.RMSProp, torch.optim.RMSprop),
    "adam": (optimizers.Adam, torch.optim.Adam),
    "adamw": (optimizers.AdamW, torch.optim.AdamW),
}


def settings(name: str, rng: np.random.Generator) -> dict:
    """Settings of a kind, drawn; every third time without decay."""
    drawn = {"lr": float(10 ** rng.uniform(-4, 0)), "weight_decay": 0.0}
    if rng.random() > 1 / 3:
        drawn["weight_decay"] = float(10 ** rng.uniform(-4, 0))
    if name in ("momentum", "nesterov"):
        drawn |= {"momentum": float(rng.uniform(0.01, 0.99)), "nesterov": name == "nesterov"}
    if name in ("adagrad", "rmsprop", "adam", "adamw"):
        drawn["eps"] = float(10 ** rng.uniform(-10, 0))
    if name == "rmsprop":
        drawn["alpha"] = float(rng.uniform(0, 0.999))
    if name in ("adam", "adamw"):
        drawn["betas"] = tuple(float(b) for b in rng.uniform(0, 0.999, size=2))
    return drawn


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", KINDS)
def test_weights_after_steps_are_theirs(name, seed, dtype):
    """Two groups, random gradients, some of them missing, a rate that changes on the way."""
    rng, (ours, other) = np.random.default_rng(seed), KINDS[name]
    first, second = settings(name, rng), settings(name, rng)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    mine = [Tensor(a.copy(), requires_grad=True) for a in start]
    their = [torch.tensor(a, requires_grad=True) for a in start]
    pair = [
        kind([{"params": p[:1]}, {"params": p[1:], **second}], **first)
        for kind, p in ((ours, mine), (other, their))
    ]
    for step in range(10):
        for p, q in zip(mine, their, strict=True):
            g, missing = rng.normal(size=p.shape).astype(dtype), rng.random() < 0.2
            p.grad, q.grad = (None, None) if missing else (np.array(g), torch.tensor(g))
        for optimizer in pair:
            optimizer.param_groups[0]["lr"] *= 0.9 if step == 5 else 1.0
            optimizer.step()
    near = {"rtol": 1e-11, "atol": 1e-12} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    for p, q in zip(mine, their, strict=True):
        assert p.dtype == dtype
        assert np.allclose(p.data, q.detach().numpy(), **near)


def step_lr(optimizer, rng):
    size, gamma = int(rng.integers(1, 9)), float(rng.uniform(0.05, 1))
    return optimizers.StepLR(size, gamma), schedules.StepLR(optimizer, size, gamma), 40


def exponential(optimizer, rng):
    gamma = float(rng.uniform(0.5, 1))
    return optimizers.ExponentialLR(gamma), schedules.ExponentialLR(optimizer, gamma), 40


def cosine(optimizer, rng):
    """As far as its end: there, PyTorch's rises again, and ours stays."""
    steps, floor = int(rng.integers(2, 40)), float(rng.uniform(0, 1))
    there = schedules.CosineAnnealingLR(optimizer, steps, eta_min=floor * optimizer.defaults["lr"])
    return optimizers.CosineLR(steps, floor), there, steps + 1


def warmup(optimizer, rng):
    """PyTorch makes it of two, one after the other."""
    warm, rest = int(rng.integers(2, 20)), int(rng.integers(2, 30))
    rises = schedules.LinearLR(optimizer, 1 / warm, 1.0, total_iters=warm - 1)
    falls = schedules.CosineAnnealingLR(optimizer, rest)
    there = schedules.SequentialLR(optimizer, [rises, falls], milestones=[warm])
    return optimizers.WarmupCosine(warm, warm + rest), there, warm + rest + 1


def one_cycle(optimizer, rng):
    steps, share = int(rng.integers(12, 40)), float(rng.uniform(0.15, 0.8))
    first, last = float(rng.uniform(1, 50)), float(rng.uniform(1, 1e4))
    there = schedules.OneCycleLR(
        optimizer,
        optimizer.defaults["lr"],
        total_steps=steps,
        pct_start=share,
        div_factor=first,
        final_div_factor=last,
        cycle_momentum=False,
    )
    return optimizers.OneCycle(steps, share, first, last), there, steps


@pytest.mark.filterwarnings("ignore")  # that PyTorch's own SequentialLR calls its parts so
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", [step_lr, exponential, cosine, warmup, one_cycle])
def test_rates_of_schedules_are_theirs(kind, seed):
    rng = np.random.default_rng(seed)
    lr, weight = float(rng.uniform(0.01, 2)), torch.zeros(1, requires_grad=True)
    other = torch.optim.SGD([weight], lr)
    schedule, there, steps = kind(other, rng)
    mine = Tensor([0.0], requires_grad=True)
    scheduler = optimizers.Scheduler(optimizers.SGD([mine], lr), schedule)
    for step in range(steps):
        scheduler.step()
        assert scheduler.lr == pytest.approx(other.param_groups[0]["lr"], rel=1e-9, abs=1e-12), step
        other.step()
        if step + 1 < steps:
            there.step()


RUNS = {
    "momentum": {"lr": 0.05, "momentum": 0.9},
    "nesterov": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    "adagrad": {"lr": 0.02},
    "rmsprop": {"lr": 1e-3},
    "adam": {"lr": 1e-3},
    "adamw": {"lr": 1e-3, "weight_decay": 0.01},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(
    ("activation", "its_activation", "dtype", "bound"),
    # A float32 has 24 bits: 2.4e-7 is its unit for a loss above 2.
    [(Tanh, nn.Tanh, np.float32, 4e-7), (ReLU, nn.ReLU, np.float64, 1e-10)],
    ids=["float32", "float64"],
)
def test_110_losses_on_digits_are_theirs(activation, its_activation, dtype, bound, name, seed):
    """From equal weights, on equal batches.

    In float32 without a bend: what lies on it but for a rounding is let through by one of the two,
    and by the other not.
    """
    images, labels = digits()
    pixels = (images.reshape(-1, 64) / 16).astype(dtype)
    loader = DataLoader(ArrayDataset(pixels, labels), 64, shuffle=True, rng=seed)
    network = MLP([64, 128, 10], activation, rng=seed).astype(dtype)
    copy = nn.Sequential(nn.Linear(64, 128), its_activation(), nn.Linear(128, 10))
    copy = copy.to(torch.tensor(pixels).dtype)
    with torch.no_grad():
        for mine, its in zip(network[::2], copy[::2], strict=True):
            its.weight.copy_(torch.tensor(mine.weights.data.T))
            its.bias.copy_(torch.tensor(mine.bias.data))
    kind, other = KINDS[name]
    optimizer = kind(network.parameters(), **RUNS[name])
    another = other(copy.parameters(), **RUNS[name])
    found, wanted = [], []
    while len(found) < 110:
        for x, y in loader:
            x = Tensor(x.numpy().astype(dtype))
            found.append(train_step(network, x, y, optimizer))
            another.zero_grad()
            loss = theirs.cross_entropy(copy(torch.tensor(x.numpy())), torch.tensor(y))
            loss.backward()
            another.step()
            wanted.append(loss.item())
    assert found[0] > 2 > found[109]
    apart = np.abs(np.array(found) - wanted) / np.maximum(wanted, 1)
    assert apart[:110].max() < bound

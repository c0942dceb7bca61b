"""Networks beside PyTorch's: the same numbers, names of parts, switches and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from tinytorch.core.activations import ReLU, Sigmoid, Tanh
from tinytorch.core.layers import Dense
from tinytorch.core.networks import MLP, Module, Sequential, count_parameters
from tinytorch.core.tensor import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)
nn = torch.nn
BENDS = {ReLU: nn.ReLU, Sigmoid: nn.Sigmoid, Tanh: nn.Tanh}
SIZES = [[3, 2], [4, 5, 1], [2, 16, 16, 2], [7, 1, 1, 6, 3]]


def theirs_of(ours: Sequential):
    """The same network in PyTorch, with the same weights; shared layers are shared there, too."""
    made: dict[int, nn.Module] = {}
    for layer in ours:
        if id(layer) in made:
            continue
        if isinstance(layer, Sequential):
            made[id(layer)] = theirs_of(layer)
        elif isinstance(layer, Dense):
            made[id(layer)] = nn.Linear(*layer.weights.shape, dtype=torch.float64)
        else:
            made[id(layer)] = BENDS[type(layer)]()
    network = nn.Sequential(*[made[id(layer)] for layer in ours])
    network.load_state_dict(as_theirs(ours.state_dict()), strict=False)
    return network


def as_theirs(state: dict[str, np.ndarray]) -> dict:
    """A state under PyTorch's names; its weights are transposed."""
    names = {name: name.replace("layers.", "").replace("weights", "weight") for name in state}
    return {names[name]: torch.tensor(array.T) for name, array in state.items()}


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: bend.__name__)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)], ids=str)
def test_a_network_computes_what_theirs_computes(sizes, bend, shape):
    ours = MLP(sizes, bend, rng=0).astype(np.float64)
    x = np.random.default_rng(1).normal(size=(*shape, sizes[0]))
    expected = theirs_of(ours)(torch.tensor(x)).detach().numpy()
    assert np.allclose(ours(Tensor(x)).numpy(), expected, rtol=1e-12, atol=1e-12)


def examples() -> dict[str, Sequential]:
    shared, inner = Dense(4, 4, 0), MLP([4, 3, 4], rng=1)
    return {
        "flat": MLP([2, 3, 4, 1], rng=2),
        "nested": Sequential(inner, ReLU(), Sequential(Dense(4, 2, 3))),
        "shared layer": Sequential(shared, ReLU(), shared),
        "shared network": Sequential(inner, inner),
    }


@pytest.mark.parametrize("name", examples())
def test_parameters_have_their_names_order_and_number(name):
    ours = examples()[name].astype(np.float64)
    theirs = theirs_of(ours)
    found = as_theirs({n: p.numpy() for n, p in ours.named_parameters()})
    wanted = dict(theirs.named_parameters())
    assert list(found) == list(wanted)
    assert all(torch.equal(found[n], wanted[n].detach()) for n in wanted)
    assert count_parameters(ours) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("name", examples())
def test_networks_with_shared_parts_compute_what_theirs_compute(name):
    ours = examples()[name].astype(np.float64)
    x = np.random.default_rng(1).normal(size=(5, ours.parameters()[0].shape[0]))
    expected = theirs_of(ours)(torch.tensor(x)).detach().numpy()
    assert np.allclose(ours(Tensor(x)).numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("name", examples())
def test_switches_are_set_as_theirs_are(name, mode):
    ours, theirs = examples()[name], theirs_of(examples()[name].astype(np.float64))
    assert ours.train(mode).training == theirs.train(mode).training == mode
    assert ours.eval().training is theirs.eval().training is False
    inside = [part for part in ours if isinstance(part, Module)]
    assert not any(part.training for part in inside)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("change", ["nothing", "missing", "unexpected", "misshapen", "broadcast"])
def test_a_state_is_taken_or_refused_as_theirs_is(change, strict):
    ours = MLP([2, 3, 1], rng=0).astype(np.float64)
    theirs, state = theirs_of(ours), MLP([2, 3, 1], rng=1).astype(np.float64).state_dict()
    if change == "missing":
        del state["layers.0.bias"]
    elif change == "unexpected":
        state["layers.9.bias"] = np.ones(3)
    elif change in ("misshapen", "broadcast"):
        state["layers.0.bias"] = np.ones(4 if change == "misshapen" else 1)
    try:
        theirs.load_state_dict(as_theirs(state), strict=strict)
    except RuntimeError:
        with pytest.raises((KeyError, ValueError)):
            ours.load_state_dict(state, strict=strict)
    else:
        ours.load_state_dict(state, strict=strict)
        found, wanted = as_theirs(ours.state_dict()), theirs.state_dict()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_slice_shares_its_layers_as_theirs_does():
    ours, theirs = MLP([2, 3, 1]), nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert ours[:2][0] is ours[0] and theirs[:2][0] is theirs[0]
    assert len(ours[1:]) == len(theirs[1:]) and type(ours[1:]) is Sequential

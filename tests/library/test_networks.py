"""Networks: what is refused, what is found in odd places, and milestone M1 on other points."""

import numpy as np
import pytest

from tinytorch.core.activations import ReLU, Tanh
from tinytorch.core.layers import Dense
from tinytorch.core.networks import (
    MLP,
    Lambda,
    Module,
    Sequential,
    count_parameters,
    mlp_from_state,
    summary,
    walk,
)
from tinytorch.core.tensor import Tensor
from tinytorch.datasets import spirals, trained

STATE = MLP([2, 3, 1], rng=1).state_dict()


def loading(state, **settings):
    return lambda: MLP([2, 3, 1], rng=0).load_state_dict(state, **settings)


def but(**changes):
    return STATE | {f"layers.{name}": array for name, array in changes.items()}


REFUSED = [
    (Sequential, ValueError, "without layers computes nothing"),
    (lambda: Sequential([ReLU(), ReLU()]), TypeError, r"\[ReLU\(\), ReLU\(\)\] is no layer"),
    (lambda: Sequential(ReLU(), 3), TypeError, "3 is no layer, since it cannot be called"),
    (lambda: Sequential(ReLU())[1:], ValueError, "without layers"),
    (lambda: Sequential(ReLU())[1], IndexError, "out of range"),
    (lambda: MLP([]), ValueError, r"the sizes are \[\]"),
    (lambda: MLP([5]), ValueError, r"the sizes are \[5\]"),
    (lambda: MLP([5, 0, 2]), ValueError, r"Dense\(5, 0\)"),
    (lambda: MLP([2, 3])(Tensor(np.ones((4, 5)))), ValueError, r"shape \(4, 5\), shape \(2, 3\)"),
    (loading({}), KeyError, "missing in the state are .*layers.0.weights"),
    (loading(STATE | {"more": 1}), KeyError, r"unexpected are \['more'\]"),
    (loading(but(**{"2.bias": np.ones(2)})), ValueError, r"layers.2.bias has the shape \(1,\)"),
    (loading(but(**{"0.bias": 1.0})), ValueError, r"\(3,\) in the network and \(\) in the state"),
    (loading(but(**{"0.bias": [1.0]}), strict=False), ValueError, "and .1,. in the state"),
    (loading(but(**{"0.bias": ["a", "b", "c"]})), ValueError, "could not convert"),
    (lambda: mlp_from_state({}), ValueError, "needs a size at each end"),
    (lambda: summary(MLP([2, 3]), (3,)), ValueError, r"shape \(1, 3\)"),
    (lambda: MLP(5), TypeError, "sizes is 5; it has to be a list of whole numbers"),
    (lambda: MLP("ab"), TypeError, "sizes is 'ab'"),
    (lambda: MLP(None), TypeError, "sizes is None"),
    (lambda: MLP([2, 2.5]), TypeError, r"sizes is \[2, 2.5\]"),
    (lambda: MLP([2, True]), TypeError, r"sizes is \[2, True\]"),
    (lambda: MLP(np.ones((2, 2))), TypeError, r"sizes is of shape \(2, 2\)"),
    (lambda: MLP([2, 3, 1], ReLU()), TypeError, r"activation is ReLU\(\); .* without parentheses"),
    (lambda: MLP([2, 3, 1], "relu"), TypeError, "activation is 'relu'"),
    (lambda: MLP([2, 1], None), TypeError, "activation is None"),
    (loading(None), TypeError, "state is None; it has to be a dictionary of arrays"),
    (loading([np.ones(3)]), TypeError, "state is .*; it has to be a dictionary of arrays"),
    (loading({0: np.ones(3)}), TypeError, r"state is {0: array"),
    (lambda: mlp_from_state([1, 2]), TypeError, r"state is \[1, 2\]"),
    (lambda: mlp_from_state(STATE, Tanh()), TypeError, r"activation is Tanh\(\)"),
    (lambda: MLP([2, 3]).astype("ab"), TypeError, "dtype is 'ab'; .* floating numbers"),
    (lambda: MLP([2, 3]).astype(int), TypeError, "dtype is <class 'int'>"),
    (lambda: MLP([2, 3]).astype(None), TypeError, "dtype is None"),
    (lambda: MLP([2, 3]).astype([]), TypeError, r"dtype is \[\]"),
    (lambda: summary(MLP([2, 3]), 2), TypeError, "input_shape is 2; it has to be a list of whole"),
    (lambda: summary(MLP([2, 3]), (2.0,)), TypeError, r"input_shape is \(2.0,\)"),
    (
        lambda: summary(Dense(2, 3), (2,)),
        TypeError,
        r"network is Dense\(2, 3\); it has to be a Seq",
    ),
    (lambda: summary(None, (2,)), TypeError, "network is None"),
    (lambda: Lambda(3), TypeError, "function is 3; it has to be a function of tensors"),
    (lambda: Lambda(np.tanh, 3), TypeError, "name is 3; it has to be a text"),
]


@pytest.mark.parametrize(("make", "kind", "says"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(make, kind, says):
    with pytest.raises(kind, match=says) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "state",
    [
        {name: array for name, array in STATE.items() if name != "layers.2.bias"},
        STATE | {"unexpected": np.ones(1)},
        but(**{"2.bias": np.ones(2)}),
        but(**{"2.weights": np.ones((1, 1))}),
        but(**{"2.bias": ["a"]}),
        but(**{"2.bias": [[1], [1, 2]]}),
    ],
    ids=["missing", "unexpected", "misshapen", "would broadcast", "text", "ragged"],
)
def test_a_refused_state_changes_nothing(state):
    network = MLP([2, 3, 1], rng=0)
    before, tensors = network.state_dict(), network.parameters()
    with pytest.raises((KeyError, ValueError)):
        network.load_state_dict(state)
    assert all(np.array_equal(array, before[name]) for name, array in network.state_dict().items())
    assert all(a is b for a, b in zip(tensors, network.parameters(), strict=True))


class Odd(Module):
    """Parts in every kind of place, some of them shared, and a way back to the whole."""

    bend = ReLU

    def __init__(self):
        self.table = {"deep": [(Dense(2, 2, 0), {"er": Dense(2, 3, 1)})]}
        self.again = self.table["deep"][0][0]
        self.frozen = Tensor(np.zeros(4))
        self.kind, self.scale, self.name, self.rng = ReLU, 2.0, "odd", np.random.default_rng(0)
        self.me = [self]


def test_parts_are_found_once_in_every_kind_of_place():
    network = Odd()
    names = [name for name, _ in network.named_parameters()]
    first, second = "table.deep.0.0", "table.deep.0.1.er"
    assert names == [f"{layer}.{part}" for layer in (first, second) for part in ("weights", "bias")]
    assert list(network.state_dict()) == [*names, "frozen"]
    assert count_parameters(network) == 6 + 9
    assert sum(part is network for _, part in walk(network)) == 1


def test_a_class_in_an_attribute_keeps_its_switch():
    class Block(Module):
        pass

    network = Sequential(ReLU())
    network.kind = Block
    network.eval()
    assert Block().training and not network.training


def test_a_state_goes_through_a_file_and_back(tmp_path):
    network, other = MLP([3, 4, 2], Tanh, rng=0), MLP([3, 4, 2], Tanh, rng=1)
    np.savez(tmp_path / "state.npz", **network.state_dict())
    with np.load(tmp_path / "state.npz") as state:
        other.load_state_dict(state)
        found = mlp_from_state(state, Tanh)
    x = Tensor(np.ones((5, 3)))
    assert (other(x) == network(x)).all() and (found(x) == network(x)).all()


def test_a_network_is_a_layer_of_another():
    inner = MLP([3, 4, 3], rng=0)
    outer = Sequential(inner, ReLU(), inner)
    x = Tensor(np.ones((5, 3)))
    assert (outer(x) == inner(ReLU()(inner(x)))).all()
    assert next(name for name, _ in outer.named_parameters()) == "layers.0.layers.0.weights"
    assert count_parameters(outer) == count_parameters(inner) == summary(outer, (3,)).total


def test_a_summary_is_a_table_in_text_and_in_html():
    flatten = Lambda(lambda x: x.reshape(len(x), -1), "<flat>")
    table = summary(Sequential(flatten, Dense(64, 10)), (8, 8))
    assert table.rows == [
        ("layers.0", "Lambda(<flat>)", (64,), 0),
        ("layers.1", "Dense(64, 10)", (10,), 650),
    ]
    lines = repr(table).splitlines()
    assert lines[0].split() == ["name", "layer", "output", "shape", "parameters"]
    assert lines[2].split() == ["layers.1", "Dense(64,", "10)", "(10,)", "650"]
    assert "Lambda(&lt;flat&gt;)" in table._repr_html_() and "<flat>" not in table._repr_html_()


def test_numbers_and_dtypes_of_numpy_are_as_good_as_pythons():
    sizes = np.array([2, 3])
    assert repr(MLP(sizes, lambda: Tanh())) == "MLP(Dense(2, 3))"
    assert summary(MLP(range(2, 4)), list(sizes[:1])).total == 9
    assert MLP(sizes).astype("float64").parameters()[0].dtype == np.float64


def test_a_lambda_is_called_what_its_function_is_called():
    assert repr(Lambda(np.tanh)) == "Lambda(tanh)"
    assert Lambda(np.tanh)(Tensor([0.0])).item() == 0


def test_shuffled_twins_answer_alike_to_rounding():
    rng = np.random.default_rng(0)
    network = MLP([64, 24, 16, 10], rng=rng).astype(np.float64)
    state, order = network.state_dict(), rng.permutation(24)
    twin = dict(state)
    twin["layers.0.weights"] = state["layers.0.weights"][:, order]
    twin["layers.0.bias"] = state["layers.0.bias"][order]
    twin["layers.2.weights"] = state["layers.2.weights"][order]
    other, x = MLP([64, 24, 16, 10]).astype(np.float64), Tensor(rng.uniform(size=(100, 64)))
    other.load_state_dict(twin)
    assert np.abs(network(x).numpy() - other(x).numpy()).max() < 1e-12


def test_milestone_1_holds_for_nine_of_ten_other_spirals():
    network, shares = mlp_from_state(trained("spirals")), []
    for seed in range(10):
        points, labels = spirals(500, rng=seed)
        shares.append(np.mean(network(Tensor(points)).numpy().argmax(axis=1) == labels))
    assert sum(share > 0.98 for share in shares) >= 9, shares


def test_the_file_of_the_spirals_has_as_many_numbers_as_the_lesson_says():
    assert sum(array.size for array in trained("spirals").values()) == 354


def test_deep_networks_drawn_at_random_have_fewer_straight_pieces_than_wide_ones():
    line, means = Tensor(np.linspace(-1, 1, 2**12)[:, None]), []
    for sizes in ([1, 20, 1], [1] + [2] * 10 + [1]):
        counts = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            network = MLP(sizes, rng=rng).astype(np.float64)
            assert count_parameters(network) == 61
            for layer in network[::2]:
                shape = layer.weights.shape
                layer.weights.data = rng.normal(0, np.sqrt(2 / shape[0]), shape)
                layer.bias.data = rng.normal(0, 0.5, shape[1])
            hidden = [network[: n + 1](line).numpy() > 0 for n in range(1, len(network), 2)]
            counts.append(1 + np.diff(np.hstack(hidden), axis=0).any(axis=1).sum())
        means.append(np.mean(counts))
    wide, deep = means
    assert deep < wide < 21

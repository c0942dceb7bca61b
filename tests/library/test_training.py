"""Training: what is refused, what a user relies on, files, and whole runs."""

import io
import sys
import warnings

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.dataloader import ArrayDataset, DataLoader, split
from tinytorch.core.networks import MLP, Module, Sequential
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import (
    SGD,
    Adam,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    EarlyStopping,
    MSELoss,
    accuracy,
    bce_with_logits,
    clip_grad_norm_,
    clip_grad_value_,
    confusion_matrix,
    cross_entropy,
    evaluate,
    evaluating,
    fit,
    learn_spirals,
    learn_xor,
    load,
    mse_loss,
    overfit,
    save,
    train_epoch,
    train_step,
)
from tinytorch.datasets import digits, spirals
from tinytorch.support import loss_layers

XOR = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
SCORES = tt.Variable(np.zeros((4, 3)))


def weight(*numbers):
    return Tensor(np.array(numbers, dtype=np.float32), requires_grad=True)


def a_run():
    network = MLP([2, 4, 1], rng=0)
    return network, SGD(network.parameters(), 0.5)


def fitted(**more):
    network, sgd = a_run()
    return fit(network, [XOR], 2, sgd, bce_with_logits, **more)


def fitted_on(train, **more):
    network, sgd = a_run()
    return fit(network, train, 2, sgd, bce_with_logits, **more)


def stepped(loss=bce_with_logits, x=XOR[0], y=XOR[1]):
    network, sgd = a_run()
    return train_step(network, x, y, sgd, loss)


SHARED = weight(1.0)
REFUSED = [
    (lambda: mse_loss(np.zeros((3, 1)), np.zeros(3)), ValueError, r"\(3, 1\), \(3,\)"),
    (lambda: mse_loss(SCORES, SCORES, "all"), ValueError, "reduction is 'all'"),
    (lambda: MSELoss("all"), ValueError, "reduction is 'all'"),
    (lambda: bce_with_logits(SCORES, np.zeros(3)), ValueError, r"\(4, 3\).*\(3,\)"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), -1)), ValueError, "go from -1.0 to -1.0"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), np.nan)), ValueError, "between 0 and 1"),
    (lambda: cross_entropy(SCORES, [0, 1, 2, 3]), ValueError, "from 0 to the number of classes"),
    (lambda: cross_entropy(SCORES, [0, 1, 2, -1], "none"), ValueError, "label of each row"),
    (lambda: cross_entropy(SCORES, [0.0, 1.0, 2.0, 1.0]), ValueError, "whole number"),
    (lambda: accuracy(SCORES, [[0], [1], [2], [1]]), ValueError, "label of each row"),
    (lambda: confusion_matrix(SCORES, [0, 1]), ValueError, "label of each row"),
    (lambda: SGD([], 0.1), ValueError, "no parameters to train"),
    (lambda: SGD([SHARED, weight(2.0), SHARED], 0.1), ValueError, "number 2 .* is there twice"),
    (lambda: SGD([Tensor([1.0])], 0.1), TypeError, "requires no gradient"),
    (lambda: SGD(SHARED, 0.1), TypeError, r"write \[parameter\]"),
    (lambda: SGD([SHARED], -0.1), ValueError, "learning rate is -0.1"),
    (lambda: Adam([SHARED], np.nan), ValueError, "learning rate is nan"),
    (lambda: stepped(x=Tensor(np.full((4, 2), np.nan))), FloatingPointError, "the loss is nan"),
    (lambda: stepped(lambda p, y: p.detach().sum()), TypeError, "depends on no parameter"),
    (lambda: stepped(BCEWithLogitsLoss("none")), ValueError, r"\(4, 1\), but one number"),
    (lambda: fitted_on([]), ValueError, "there are no batches"),
    (lambda: fitted_on(iter([XOR])), ValueError, "train can be gone through only once"),
    (lambda: fitted(validation=iter([XOR])), ValueError, "validation can be gone through"),
    (lambda: fitted_on(loader := [XOR], validation=loader), ValueError, "those of the training"),
    (lambda: fitted_on([XOR[0]]), TypeError, "a batch is a pair"),
    (lambda: clip_grad_norm_([SHARED], -1), ValueError, "must not be negative"),
    (lambda: load(io.BytesIO(b"PK\x03\x04 and no more"), a_run()[0]), ValueError, "no whole file"),
    (lambda: load(io.BytesIO(b""), a_run()[0]), ValueError, "no whole file"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_what_cannot_be_is_refused_in_a_sentence(call, kind, words):
    with np.errstate(all="ignore"), pytest.raises(kind, match=words):
        call()


def test_a_loss_that_is_not_a_number_says_in_which_epoch_and_step():
    bad = Tensor(np.array([[np.nan, 0]] * 4, dtype=np.float32)), XOR[1]
    spoiled = [XOR, XOR, XOR]
    network, sgd = a_run()

    def spoil(given, history):
        spoiled[2] = bad

    with pytest.raises(FloatingPointError, match="in epoch 2, step 3; no step was made"):
        fit(network, spoiled, 4, sgd, bce_with_logits, callbacks=[spoil])
    assert all(np.isfinite(p.data).all() for p in network.parameters())
    with pytest.raises(FloatingPointError, match="the loss is nan; no step"):
        train_step(network, *bad, sgd, bce_with_logits)


def test_probabilities_instead_of_scores_are_mentioned_once(monkeypatch):
    monkeypatch.setattr(loss_layers, "MENTIONED", set())
    likely = tt.Variable(np.full((2, 4), 0.25))
    with pytest.warns(UserWarning, match="look like probabilities"):
        cross_entropy(likely, [0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_entropy(likely, [0, 1])
        accuracy(likely, [0, 1])


def test_losses_are_objects_that_show_themselves():
    assert repr(CrossEntropyLoss()) == "CrossEntropyLoss()"
    assert repr(BCEWithLogitsLoss("sum")) == "BCEWithLogitsLoss(reduction='sum')"
    assert MSELoss.__module__ == "tinytorch.core.training" and "mse_loss" in (MSELoss.__doc__ or "")
    network, sgd = a_run()
    assert fit(network, [XOR], 1, sgd, BCEWithLogitsLoss())["loss"]


def test_an_optimizer_shows_itself_in_a_line():
    network, sgd = a_run()
    assert repr(sgd) == "SGD(4 parameters, lr=0.5)"
    assert repr(Adam(network.parameters())) == "Adam(4 parameters, lr=0.001)"


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_float32_stays_with_rates_of_numpy_and_in_variables(kind):
    leaf, variable = weight(1.0, 2.0), tt.Variable([1.0, 2.0])
    optimizer = kind([leaf, variable], np.float64(0.1))
    for _ in range(3):
        optimizer.zero_grad()
        ((leaf * variable) ** 2).sum().backward()
        optimizer.step()
    assert leaf.dtype == variable.dtype == np.float32
    assert (leaf.data == variable.numpy()).all() and leaf.data[0] < 1


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_single_number_can_be_trained(kind):
    x = tt.Variable(3.0)
    optimizer = kind([x], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (x * x).backward()
        optimizer.step()
    assert abs(x.item()) < 0.2


def test_a_step_after_going_forwards_is_found_by_the_engine():
    network, sgd = a_run()
    train_step(network, *XOR, sgd, bce_with_logits)
    value = bce_with_logits(network(XOR[0]), XOR[1])
    sgd.step()
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        value.backward()


class Noisy(Module):
    """A layer that draws in training."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, x):
        return x * self.rng.uniform(0.5, 1.5, x.shape) if self.training else x


def test_evaluating_puts_each_switch_back_and_draws_nothing():
    network = Sequential(Noisy(0), MLP([2, 3], rng=0))
    network[0].training = False
    network[1].training = True
    before = network[0].rng.bit_generator.state
    evaluate(network, [(XOR[0], [0, 1, 2, 0])], accuracy)
    assert (network.training, network[0].training, network[1].training) == (True, False, True)
    assert network[0].rng.bit_generator.state == before
    with pytest.raises(KeyError), evaluating(network):
        raise KeyError
    assert network.training and not network[0].training


def test_a_loader_and_a_list_of_its_batches_train_alike():
    x, y = np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32), np.arange(10) % 3
    found = []
    for batches in (
        DataLoader(ArrayDataset(x, y), 4),
        [(Tensor(x[n : n + 4]), y[n : n + 4]) for n in (0, 4, 8)],
    ):
        network = MLP([2, 5, 3], rng=1)
        fit(network, batches, 3, SGD(network.parameters(), 0.5))
        found.append(network.state_dict())
    assert all((found[0][name] == found[1][name]).all() for name in found[0])


def test_a_callback_may_be_early_stopping_and_the_history_holds_numbers():
    network, sgd = a_run()
    stopping = EarlyStopping(patience=1)
    history = fit(
        network,
        [XOR],
        50,
        sgd,
        bce_with_logits,
        validation=[(XOR[0], 1 - XOR[1])],
        callbacks=[stopping],
    )
    assert len(history["loss"]) < 50
    assert {type(v) for values in history.values() for v in values} == {float}
    stopping.restore(network)
    other = [(XOR[0], 1 - XOR[1])]
    assert evaluate(network, other, bce_with_logits) == min(history["validation_loss"])


def test_progress_is_shown_where_somebody_looks(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    fitted(progress=True)
    assert "2 of 2 epochs" in screen.getvalue()
    monkeypatch.setattr(sys, "stderr", quiet := io.StringIO())
    fitted(progress=True)
    assert quiet.getvalue() == ""


def test_clipping_by_value_is_still_here():
    w = weight(0.0)
    w.grad = np.array([5.0], dtype=np.float32)
    clip_grad_value_([w], 2.0)
    assert w.grad[0] == 2


# Files


def test_a_run_is_saved_and_goes_on_to_the_last_bit(tmp_path):
    images, labels = digits()
    data = ArrayDataset((images.reshape(-1, 64) / 16).astype(np.float32)[:300], labels[:300])

    def new_run():
        network = Sequential(Noisy(3), MLP([64, 16, 10], rng=0))
        return network, Adam(network.parameters(), 3e-3), DataLoader(data, 32, shuffle=True, rng=5)

    network, adam, loader = new_run()
    fit(network, loader, 3, adam)
    save(tmp_path / "run.npz", network, adam, 3, loader.rng)
    fit(network, loader, 3, adam)
    other, its_adam, its_loader = new_run()
    assert load(tmp_path / "run.npz", other, its_adam, its_loader.rng) == 3
    fit(other, its_loader, 3, its_adam)
    expected, found = network.state_dict(), other.state_dict()
    assert all((expected[name] == found[name]).all() for name in expected)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch):
    path, network = tmp_path / "run.npz", MLP([2, 1], rng=0)
    save(path, network, epoch=1)
    before = path.read_bytes()

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save(path, network, epoch=2)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    save(path, network, epoch=2)
    assert load(path, network) == 2


@pytest.mark.parametrize("length", [0, 10, 200, -30])
def test_a_file_that_was_cut_is_refused_and_nothing_changes(tmp_path, length):
    path, network = tmp_path / "run.npz", MLP([2, 3, 1], rng=0)
    save(path, network)
    path.write_bytes(path.read_bytes()[:length])
    other = MLP([2, 3, 1], rng=1)
    before = other.state_dict()
    with pytest.raises(ValueError, match="no whole file of arrays"):
        load(path, other)
    assert all((before[name] == array).all() for name, array in other.state_dict().items())


def test_a_file_of_objects_is_refused_and_runs_nothing(tmp_path):
    class Harm:
        def __reduce__(self):
            return (pytest.fail, ("it ran",))

    np.savez(tmp_path / "run.npz", epoch=np.array([Harm()], dtype=object))
    with pytest.raises(ValueError, match="no whole file of arrays"):
        load(tmp_path / "run.npz", MLP([2, 1]))


@pytest.mark.parametrize(
    ("other", "kind", "words"),
    [
        (MLP([2, 3, 3, 1]), KeyError, "missing in it .*layers.4.weights"),
        (MLP([2, 1]), KeyError, "unexpected in it .*layers.2.weights"),
        (MLP([2, 4, 1]), ValueError, r"weights has the shape \(2, 4\), and \(2, 3\) in the file"),
    ],
)
def test_another_architecture_is_refused_and_nothing_changes(other, kind, words):
    file = io.BytesIO()
    save(file, MLP([2, 3, 1]))
    file.seek(0)
    before = other.state_dict()
    with pytest.raises(kind, match=words):
        load(file, other)
    assert all((before[name] == array).all() for name, array in other.state_dict().items())


def test_another_kind_of_generator_is_refused():
    file, network = io.BytesIO(), MLP([2, 1])
    save(file, network, rng=np.random.Generator(np.random.MT19937(1)))
    file.seek(0)
    with pytest.raises(ValueError, match="rng is a generator of another kind"):
        load(file, network, rng=np.random.default_rng())
    again = np.random.Generator(np.random.MT19937(2))
    file.seek(0)
    load(file, network, rng=again)
    assert again.random() == np.random.Generator(np.random.MT19937(1)).random()


def test_weights_alone_can_be_taken_from_the_file_of_a_run():
    network, file = MLP([2, 1], rng=0), io.BytesIO()
    save(file, network, Adam(network.parameters()), 4, np.random.default_rng())
    file.seek(0)
    other = MLP([2, 1], rng=1)
    assert load(file, other) == 4
    assert (other[0].weights.data == network[0].weights.data).all()


# Milestone M3


@pytest.mark.parametrize("seed", range(10))
def test_xor_is_learned_with_sixteen_neurons(seed):
    network = learn_xor(16, seed)
    assert ((network(XOR[0]).numpy() > 0) == (XOR[1] == 1)).all()


@pytest.mark.parametrize("seed", range(10))
def test_two_spirals_are_learned_from_random_weights(seed):
    network = learn_spirals(*spirals(200, turns=1, rng=seed))
    points, labels = spirals(500, turns=1, rng=100 + seed)
    assert accuracy(network(Tensor(points)), labels) > 0.97


def test_digits_are_read_after_twenty_epochs():
    images, labels = digits()
    data = ArrayDataset((images.reshape(-1, 64) / 16).astype(np.float32), labels)
    right = []
    for seed in range(10):
        seen, new = split(data, (1437, 360), rng=seed)
        network = MLP([64, 128, 10], rng=seed)
        adam = Adam(network.parameters(), 3e-3)
        fit(network, DataLoader(seen, 64, shuffle=True, rng=seed), 20, adam)
        right.append(evaluate(network, DataLoader(new, 360), accuracy))
    assert min(right) > 0.95 and np.mean(right) > 0.97


def test_one_epoch_counts_each_example_once():
    network = MLP([2, 1], rng=0)
    before = mse_loss(network(XOR[0]), XOR[1]).item()
    pieces = [(XOR[0][:3], XOR[1][:3]), (XOR[0][3:], XOR[1][3:])]
    still = SGD(network.parameters(), 0.0)
    assert train_epoch(network, pieces, still, mse_loss) == pytest.approx(before)
    assert overfit(network, *XOR, still, mse_loss, steps=2) == pytest.approx([before] * 2)

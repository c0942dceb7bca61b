"""Training: what is refused, what a user relies on, files, and whole runs."""

import io
import sys
import warnings

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import in_place
from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import sigmoid
from tinytorch.core.cnn import Conv2D, Flatten, MaxPool2D
from tinytorch.core.dataloader import ArrayDataset, DataLoader, split
from tinytorch.core.layers import Dense
from tinytorch.core.networks import MLP, Lambda, Module, Sequential
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
    changing,
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


def saved(network, optimizer=None, **more):
    """A file, to be read from the beginning."""
    file = io.BytesIO()
    save(file, network, optimizer, **more)
    file.seek(0)
    return file


def file_of(**arrays):
    """A file of arrays that is none of ours."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return file


def resumed(saved_with, resumed_with):
    """A run that was saved with one optimizer goes on with another one."""
    network, other = MLP([2, 4, 1], rng=0), MLP([2, 4, 1])
    file = saved(network, saved_with(network.parameters(), 0.1))
    return load(file, other, resumed_with(other.parameters(), 0.1))


def step_before_backward():
    network, sgd = a_run()
    train_step(network, *XOR, sgd, bce_with_logits)
    value = bce_with_logits(network(XOR[0]), XOR[1])
    sgd.step()
    value.backward()


NONE = ArrayDataset(np.zeros((0, 2), dtype=np.float32), np.zeros((0, 1)))
DATA = ArrayDataset(np.zeros((8, 2), dtype=np.float32), np.zeros((8, 1)))
SHARED = weight(1.0)
REFUSED = [
    (lambda: mse_loss(np.zeros((3, 1)), np.zeros(3)), ValueError, r"\(3, 1\), \(3,\)"),
    (lambda: mse_loss(SCORES, SCORES, "all"), ValueError, "reduction is 'all'"),
    (lambda: MSELoss("all"), ValueError, "reduction is 'all'"),
    (lambda: mse_loss(SCORES, 0.0), ValueError, r"\(4, 3\), \(\)"),
    (lambda: bce_with_logits(SCORES, np.zeros(3)), ValueError, r"\(4, 3\).*\(3,\)"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), -1)), ValueError, "go from -1.0 to -1.0"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), np.nan)), ValueError, "between 0 and 1"),
    (lambda: cross_entropy(SCORES, [0, 1, 2, 3]), ValueError, "from 0 to the number of classes"),
    (lambda: cross_entropy(SCORES, [0, 1, 2, -1], "none"), ValueError, "label of each row"),
    (lambda: cross_entropy(SCORES, [0.0, 1.0, 2.0, 1.0]), ValueError, "whole number"),
    (lambda: cross_entropy(np.zeros(3), [0]), ValueError, r"scores of shape \(3,\)"),
    (lambda: cross_entropy(np.zeros((0, 3)), []), ValueError, "label of each row"),
    (lambda: accuracy(SCORES, [0, 1, 2, 3]), ValueError, "from 0 to the number of classes"),
    (lambda: accuracy(SCORES, [[0], [1], [2], [1]]), ValueError, r"int64 of shape \(4, 1\), from"),
    (lambda: accuracy(SCORES, np.ones(4)), ValueError, r"got float64 .* labels.astype\(int\)"),
    (lambda: accuracy(SCORES, np.ones((4, 3))), ValueError, r"shape \(4, 3\), from 1.0 to 1.0$"),
    (lambda: accuracy(SCORES, [True] * 4), ValueError, r"got bool .* labels.astype\(int\)"),
    (lambda: accuracy(SCORES, 1), ValueError, r"of shape \(\)"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), "a")), TypeError, "but these are <U1"),
    (lambda: bce_with_logits(SCORES, np.full((4, 3), 1j)), TypeError, "but these are complex"),
    (lambda: confusion_matrix(SCORES, [0, 1]), ValueError, "label of each row"),
    (lambda: SGD([], 0.1), ValueError, "no parameters to train"),
    (lambda: SGD([SHARED, weight(2.0), SHARED], 0.1), ValueError, "number 2 .* is there twice"),
    (lambda: Adam([SHARED, SHARED]), ValueError, "number 1 .* is there twice"),
    (lambda: Adam([], 0.1), ValueError, r"pass network.parameters\(\)"),
    (lambda: SGD(["weights"], 0.1), TypeError, "number 0 of the parameters is 'weights'"),
    (lambda: SGD([Tensor([1.0])], 0.1), TypeError, "requires no gradient"),
    (lambda: SGD(SHARED, 0.1), TypeError, r"write \[parameter\]"),
    (lambda: SGD([SHARED], -0.1), ValueError, "learning rate is -0.1"),
    (lambda: Adam([SHARED], np.nan), ValueError, "learning rate is nan"),
    (lambda: Adam([SHARED], "fast"), TypeError, "learning rate is 'fast'"),
    (lambda: Adam([SHARED], betas=(0.9, 1.0)), ValueError, r"betas\[1\] is 1.0; .* below 1"),
    (lambda: Adam([SHARED], betas=(-0.1, 0.9)), ValueError, r"betas\[0\] is -0.1"),
    (lambda: Adam([SHARED], betas=0.9), TypeError, "betas is 0.9; it must be two numbers"),
    (lambda: Adam([SHARED], betas=(0.9,)), TypeError, "it must be two numbers"),
    (lambda: Adam([SHARED], betas=("a", "b")), TypeError, r"betas\[0\] is 'a'"),
    (lambda: Adam([SHARED], eps=-1e-8), ValueError, "eps is -1e-08; .* not negative"),
    (lambda: Adam([SHARED], eps=None), TypeError, "eps is None; it must be a single number"),
    (lambda: in_place.Adam([SHARED], betas=(0.9, 1.5)), ValueError, r"betas\[1\] is 1.5"),
    (lambda: Adam([SHARED]).state_dict(), AttributeError, "take an optimizer of module 9"),
    (lambda: Adam([SHARED]).rate, AttributeError, "'Adam' object has no attribute 'rate'"),
    (step_before_backward, RuntimeError, r"in a training loop: before optimizer.step\(\)"),
    (lambda: stepped(x=Tensor(np.full((4, 2), np.nan))), FloatingPointError, "the loss is nan"),
    (lambda: stepped(lambda p, y: p.detach().sum()), TypeError, "depends on no parameter"),
    (lambda: stepped(BCEWithLogitsLoss("none")), ValueError, r"\(4, 1\), but one number"),
    (lambda: fitted_on([]), ValueError, "there are no batches"),
    (lambda: fitted_on(iter([XOR])), ValueError, "train can be gone through only once"),
    (lambda: fitted(validation=iter([XOR])), ValueError, "validation can be gone through"),
    (lambda: fitted_on(loader := [XOR], validation=loader), ValueError, "those of the training"),
    (
        lambda: fitted_on(DataLoader(DATA, 4), validation=DataLoader(DATA, 8)),
        ValueError,
        "would say nothing about new examples",
    ),
    (lambda: fitted_on(DataLoader(NONE, 4)), ValueError, "the loader is empty"),
    (lambda: fitted(validation=[]), ValueError, "the loader is empty"),
    (lambda: evaluate(a_run()[0], [], accuracy), ValueError, "the loader is empty"),
    (lambda: fit(a_run()[0], [XOR], -1, a_run()[1]), ValueError, "epochs is -1"),
    (lambda: fit(a_run()[0], [XOR], 2.5, a_run()[1]), ValueError, "epochs is 2.5; .*whole number"),
    (lambda: fitted_on([XOR[0]]), TypeError, "a batch is a pair"),
    (lambda: fitted_on([NONE[:]]), ValueError, "a batch has no examples"),
    (lambda: fitted_on([(XOR[0], 1)]), TypeError, "give one for each example"),
    (lambda: evaluate(a_run()[0], [XOR, NONE[:]], mse_loss), ValueError, "has no examples"),
    (lambda: evaluate(a_run()[0], [(XOR[0], np.array(1))], mse_loss), TypeError, "for each exam"),
    (lambda: clip_grad_norm_([SHARED], -1), ValueError, "must not be negative"),
    (lambda: resumed(Adam, SGD), KeyError, "unexpected in it optimizer.steps.*of the kind that"),
    (lambda: resumed(SGD, Adam), KeyError, "missing in it optimizer.steps, optimizer.means.0"),
    (lambda: load(saved(MLP([2, 1])), a_run()[0]), KeyError, "missing in it network.layers.2"),
    (
        lambda: load(file_of(a=np.zeros(2)), a_run()[0]),
        KeyError,
        "missing in it .*, 1 more, unexpected in it nothing",
    ),
    (lambda: save("no/such/folder/run.npz", a_run()[0]), OSError, "run.npz could not be written"),
    (lambda: load("no-such-file.npz", a_run()[0]), FileNotFoundError, "no-such-file.npz"),
    (lambda: load(io.BytesIO(b"PK\x03\x04 and no more"), a_run()[0]), ValueError, "no whole file"),
    (lambda: load(io.BytesIO(b""), a_run()[0]), ValueError, "no whole file"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_what_cannot_be_is_refused_in_a_sentence(call, kind, words):
    with np.errstate(all="ignore"), pytest.raises(kind, match=words):
        call()


BAD = Tensor(np.array([[np.nan, 0]] * 4, dtype=np.float32)), XOR[1]


def numbers_of(network, optimizer):
    return {name: np.array(part.data) for name, part in changing(network, optimizer).items()}


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_loss_that_is_not_a_number_is_placed_and_the_last_good_state_is_kept(kind):
    spoiled, kept = [XOR, XOR, XOR], {}
    network, _ = a_run()
    optimizer = kind(network.parameters(), 0.5)

    def spoil(given, history):
        if len(history["loss"]) == 2:
            kept.update(numbers_of(network, optimizer))
            spoiled[2] = BAD

    place = "in epoch 3, step 3; no step was made, and network and optimizer are as they were"
    with pytest.raises(FloatingPointError, match=f"{place} before epoch 3. Look at the inputs"):
        fit(network, spoiled, 4, optimizer, bce_with_logits, callbacks=[spoil])
    found = numbers_of(network, optimizer)
    assert kept and all((found[name] == array).all() for name, array in kept.items())
    assert list(found) == list(kept)
    with pytest.raises(FloatingPointError, match=r"the loss is nan; no step was made\. Look"):
        train_step(network, *BAD, optimizer, bce_with_logits)
    assert all((numbers_of(network, optimizer)[n] == array).all() for n, array in kept.items())


def test_a_state_whose_first_loss_is_not_finite_is_not_the_last_good_one():
    """The last step of an epoch ruins everything, and only the next epoch shows it."""
    network, kept = MLP([1, 1], rng=0), {}
    sgd = SGD(network.parameters(), 0.1)
    line = Tensor([[-1.0], [1.0]]), np.array([[0], [1]], np.float32)
    batches = [line, line]

    def ruin(given, history):
        if len(history["loss"]) == 1:
            kept.update(numbers_of(network, sgd))
            batches[1], sgd.lr = (line[0], np.full((2, 1), 1e15, np.float32)), 1e6

    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match=r"in epoch 3, step 1; .* before epoch 2"),
    ):
        fit(network, batches, 5, sgd, mse_loss, callbacks=[ruin])
    assert all((numbers_of(network, sgd)[name] == array).all() for name, array in kept.items())


def test_a_network_that_is_trained_in_a_callback_is_not_taken_for_the_other_one():
    network, sgd = a_run()
    inner, its_sgd = a_run()
    batches = [XOR]

    def train_another(given, history):
        train_epoch(inner, [XOR], its_sgd, bce_with_logits)
        if len(history["loss"]) == 2:
            batches.insert(0, BAD)

    before = None
    with pytest.raises(FloatingPointError, match="in epoch 3, step 1"):
        fit(network, batches, 5, sgd, bce_with_logits, callbacks=[train_another])
    before = numbers_of(inner, its_sgd)
    again, its = a_run()
    for _ in range(2):
        train_epoch(again, [XOR], its, bce_with_logits)
    assert all((numbers_of(again, its)[name] == array).all() for name, array in before.items())


CUT = "no gradient has reached layers.0.weights, layers.0.bias; they do not learn"


def test_each_loop_names_what_no_gradient_reaches_in_its_first_step_and_only_then():
    def cut():
        network = MLP([2, 8, 8, 1], rng=0)
        network.layers.insert(2, Lambda(lambda x: Tensor(x.numpy()), "look"))
        return network, SGD(network.parameters(), 0.5)

    loops = [
        lambda n, o: overfit(n, *XOR, o, bce_with_logits, steps=3),
        lambda n, o: train_epoch(n, [XOR] * 3, o, bce_with_logits),
        lambda n, o: fit(n, [XOR] * 3, 3, o, bce_with_logits),
    ]
    for loop in loops:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            loop(*cut())
        assert [CUT in str(w.message) for w in found] == [True]
        assert found[0].filename == __file__ or loop is loops[2]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loop(*a_run())


def test_a_loop_that_forgets_before_it_moves_is_told_that_nothing_is_reached():
    class ForgetsFirst(SGD):
        def step(self):
            self.zero_grad()
            super().step()

    network = MLP([2, 1], rng=0)
    with pytest.warns(UserWarning, match=r"or was backward\(\) not called before step\(\)"):
        overfit(network, *XOR, ForgetsFirst(network.parameters(), 0.5), bce_with_logits, 2)


def test_a_sigmoid_before_the_loss_is_mentioned_once(monkeypatch):
    monkeypatch.setattr(loss_layers, "MENTIONED", set())
    network, sgd = Sequential(MLP([2, 4, 1], rng=0), sigmoid), None
    sgd = SGD(network.parameters(), 0.5)
    with pytest.warns(UserWarning, match="bce_with_logits wants scores, since it applies sigmoid"):
        train_step(network, *XOR, sgd, bce_with_logits)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_step(network, *XOR, sgd, bce_with_logits)
        monkeypatch.setattr(loss_layers, "MENTIONED", set())
        train_step(network[0], *XOR, sgd, bce_with_logits)


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


class Listed(Module):
    """Layers of module 3 in a list, without anything of module 4 around them."""

    def __init__(self):
        self.layers = [Dense(64, 8, rng=0), ReLU(), Dense(8, 10, rng=1)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class OfVariables(Module):
    """A layer whose weights are Variables, as users write one."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.weights = tt.Variable(rng.normal(size=(64, 10)).astype(np.float32) / 8)
        self.bias = tt.Variable(np.zeros(10, dtype=np.float32))

    def __call__(self, x):
        return x @ self.weights + self.bias


def on_fixed_filters():
    """Convolutions of module 5, which go forward only, before a network that is trained."""
    filters = Conv2D(1, 4, 3, rng=0)
    filters.weights.requires_grad = filters.bias.requires_grad = False
    images = Lambda(lambda x: x.reshape(-1, 1, 8, 8), "images")
    return Sequential(images, filters, ReLU(), MaxPool2D(2), Flatten(), MLP([36, 10], rng=0))


NETWORKS = {
    "layers in a list": Listed,
    "MLP": lambda: MLP([64, 8, 10], rng=0),
    "fixed filters": on_fixed_filters,
    "Variables": OfVariables,
}


@pytest.mark.parametrize("kind", [SGD, Adam, in_place.SGD, in_place.Adam])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_learns_in_float32_and_is_saved(name, kind):
    images, labels = digits()
    batch = Tensor((images[:50].reshape(-1, 64) / 16).astype(np.float32)), labels[:50]
    network, other = NETWORKS[name](), NETWORKS[name]()
    optimizer = kind(network.parameters(), 0.1)
    losses = fit(network, [batch], 30, optimizer)["loss"]
    assert losses[-1] < losses[0] - 0.1
    found = [*network.parameters(), *changing(None, optimizer).values()]
    assert {x.dtype for x in found if x.dtype.kind == "f"} == {np.dtype("float32")}
    its = kind(other.parameters(), 0.1)
    load(saved(network, optimizer, epoch=30), other, its)
    more, others = (fit(n, [batch], 3, o)["loss"] for n, o in ((network, optimizer), (other, its)))
    assert more == others
    kept = numbers_of(network, optimizer)
    bad = Tensor(np.full((50, 64), np.nan, dtype=np.float32)), batch[1]
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="before the first"):
        train_epoch(network, [batch, bad], optimizer)
    assert all((numbers_of(network, optimizer)[n] == array).all() for n, array in kept.items())


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_single_number_can_be_trained(kind):
    x = tt.Variable(3.0)
    optimizer = kind([x], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (x * x).backward()
        optimizer.step()
    assert abs(x.item()) < 0.2


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


def test_a_file_that_was_cut_anywhere_is_refused_and_nothing_changes():
    network = MLP([2, 3, 1], rng=0)
    whole = saved(network, Adam(network.parameters()), epoch=3).read()
    other = MLP([2, 3, 1], rng=1)
    before = other.state_dict()
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match="no whole file of arrays"):
            load(io.BytesIO(whole[:length]), other, Adam(other.parameters()))
    assert all((before[name] == array).all() for name, array in other.state_dict().items())


def test_a_file_with_a_wrong_bit_is_refused_or_its_numbers_are_right():
    """Some bits, such as those of dates, say nothing about the numbers."""
    network, rng = MLP([2, 3, 1], rng=0), np.random.default_rng(0)
    whole, expected = saved(network, epoch=3).read(), network.state_dict()
    refused = 0
    for _ in range(300):
        spoiled, other = bytearray(whole), MLP([2, 3, 1], rng=1)
        spoiled[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        before = other.state_dict()
        try:
            load(io.BytesIO(bytes(spoiled)), other)
            after = expected
        except (ValueError, KeyError):
            refused, after = refused + 1, before
        assert all((after[name] == array).all() for name, array in other.state_dict().items())
    assert refused > 100


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


def test_nine_of_ten_readers_of_digits_are_right_more_than_97_times_in_100():
    images, labels = digits()
    data = ArrayDataset((images.reshape(-1, 64) / 16).astype(np.float32), labels)
    right = []
    for seed in range(10):
        seen, new = split(data, (1437, 360), rng=seed)
        loader = DataLoader(seen, 64, shuffle=True, rng=seed)
        network = MLP([64, 256, 256, 256, 10], rng=seed)
        adam = Adam(network.parameters(), 3e-3)
        fit(network, loader, 15, adam)
        adam.lr = 3e-4
        fit(network, loader, 5, adam)
        right.append(evaluate(network, DataLoader(new, 360), accuracy))
    assert sum(share > 0.97 for share in right) >= 9 and min(right) > 0.96


def test_one_epoch_counts_each_example_once():
    network = MLP([2, 1], rng=0)
    before = mse_loss(network(XOR[0]), XOR[1]).item()
    pieces = [(XOR[0][:3], XOR[1][:3]), (XOR[0][3:], XOR[1][3:])]
    still = SGD(network.parameters(), 0.0)
    assert train_epoch(network, pieces, still, mse_loss) == pytest.approx(before)
    assert overfit(network, *XOR, still, mse_loss, steps=2) == pytest.approx([before] * 2)

"""Optimizers: what is refused, what a user relies on, schedules, whole runs, and going on."""

import io
import itertools

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import training
from tinytorch.core.cnn import Conv2D
from tinytorch.core.dataloader import ArrayDataset, DataLoader
from tinytorch.core.networks import MLP, Module, Sequential
from tinytorch.core.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    CosineLR,
    ExponentialLR,
    OneCycle,
    Optimizer,
    RMSProp,
    Scheduler,
    StepLR,
    WarmupCosine,
    conjugate_gradient,
    find_lr,
    parameter_groups,
)
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import (
    accuracy,
    bce_with_logits,
    evaluate,
    fit,
    load,
    mse_loss,
    save,
    train_step,
)
from tinytorch.datasets import digits
from tinytorch.support.paths import banana, descend, ravine, steps_to
from tinytorch.support.races import digits_batches, loss_after_a_break, newton_steps

KINDS = {
    "SGD": lambda p: SGD(p, 0.1),
    "momentum": lambda p: SGD(p, 0.1, momentum=0.9),
    "Nesterov": lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: Adagrad(p, 0.1),
    "RMSProp": lambda p: RMSProp(p, 0.01),
    "Adam": lambda p: Adam(p, 0.01, weight_decay=0.01),
    "AdamW": lambda p: AdamW(p, 0.01),
    "scheduled": lambda p: Scheduler(AdamW(p, 0.01), WarmupCosine(3, 20)),
}
XOR = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])


def weight(*numbers):
    return Tensor(np.array(numbers, dtype=np.float32), requires_grad=True)


W, V = weight(1.0, 2.0), weight(3.0)


def with_state(kind, other):
    """An optimizer that is given the state of another one."""
    return kind.load_state_dict(other.state_dict())


def scheduled_with(state):
    return Scheduler(SGD([W], 0.1), CosineLR(5)).load_state_dict(state)


REFUSED = [
    (lambda: SGD([], 0.1), ValueError, "no parameters to train"),
    (lambda: SGD([W, V, W], 0.1), ValueError, "number 2 .* is there twice"),
    (
        lambda: SGD([{"params": [W]}, {"params": [V, W]}], 0.1),
        ValueError,
        "number 2 .* is there twice",
    ),
    (lambda: Adam([{"params": []}]), ValueError, "group 0 has no parameters"),
    (lambda: Adam([{"lr": 0.1}]), ValueError, "group 0 has .*but no 'params'"),
    (lambda: Adam([W, {"params": [V]}]), TypeError, "parameters and groups are mixed"),
    (lambda: Adam({"params": [W]}), TypeError, r"write \[group\]"),
    (lambda: Adam(W), TypeError, r"write \[parameter\]"),
    (lambda: Adam([Tensor([1.0])]), TypeError, "requires no gradient"),
    (lambda: SGD([W], -0.1), ValueError, "the learning rate is -0.1"),
    (lambda: SGD([W], np.inf), ValueError, "the learning rate is inf"),
    (lambda: Adam([W], np.nan), ValueError, "the learning rate is nan"),
    (lambda: SGD([{"params": [W], "lr": -1}], 0.1), ValueError, "the learning rate is -1"),
    (lambda: SGD([{"params": [W], "rate": 1}], 0.1), ValueError, "sets rate, which .* lr, "),
    (lambda: SGD([W], 0.1, momentum=1.0), ValueError, "momentum is 1.0"),
    (lambda: SGD([W], 0.1, nesterov=True), ValueError, "nesterov needs a momentum"),
    (lambda: SGD([W], 0.1, weight_decay=-1), ValueError, "weight_decay is -1"),
    (lambda: RMSProp([W], alpha=-0.1), ValueError, "alpha is -0.1"),
    (lambda: Adam([W], betas=(0.9, 1.0)), ValueError, r"betas\[1\] is 1.0"),
    (lambda: Adam([W], betas=0.9), TypeError, "betas is 0.9; it must be two numbers"),
    (lambda: Adam([W], betas=(0.9, 0.9, 0.9)), TypeError, "it must be two numbers"),
    (lambda: SGD([W], "fast"), TypeError, "the learning rate is 'fast'; .* single number"),
    (lambda: SGD([W], [0.1]), TypeError, r"the learning rate is \[0.1\]"),
    (lambda: SGD([W], 0.1, momentum=None), TypeError, "momentum is None"),
    (lambda: setattr(SGD([W], 0.1), "lr", -1), ValueError, "the learning rate is -1"),
    (lambda: Adagrad([W], eps=-1), ValueError, "eps is -1"),
    (lambda: Optimizer([W], lr=0.1).direction(0, 0, {}, {}), NotImplementedError, "such as SGD"),
    (lambda: StepLR(0), ValueError, "step_size is 0"),
    (lambda: StepLR(2.5), ValueError, "step_size is 2.5"),
    (lambda: ExponentialLR(1.5), ValueError, "gamma is 1.5"),
    (lambda: CosineLR(5, -0.1), ValueError, "floor is -0.1"),
    (lambda: WarmupCosine(5, 5), ValueError, "warmup is 5 of 5 steps"),
    (lambda: OneCycle(3), ValueError, "a share of 0.3 of 3 steps"),
    (lambda: OneCycle(30, 1.0), ValueError, "none to go down"),
    (lambda: OneCycle(30, div_factor=0.5), ValueError, "div_factor is 0.5"),
    (lambda: Scheduler(SGD([W], 0.1), 0.5), TypeError, "a schedule takes a step"),
    (lambda: Scheduler(SGD([W], 0.1), CosineLR), TypeError, "a schedule takes a step"),
    (lambda: Scheduler(training.Adam([W]), CosineLR(5)), AttributeError, "of module 9"),
    (lambda: find_lr(MLP([2, 1]), [XOR], training.SGD([W], 0.1)), AttributeError, "of module 9"),
    (
        lambda: find_lr(MLP([2, 1]), [XOR], Scheduler(SGD([W], 0.1), CosineLR(5))),
        AttributeError,
        "hand scheduler.optimizer to find_lr",
    ),
    (lambda: scheduled_with({}), ValueError, "no state of a scheduler"),
    (lambda: scheduled_with(None), ValueError, "no state of a scheduler: None"),
    (lambda: SGD([W], 0.1).load_state_dict({"w": 1}), ValueError, "no state of an optimizer"),
    (lambda: with_state(SGD([W], 0.1), Adam([W])), ValueError, "the settings lr.*the state lr"),
    (lambda: with_state(Adam([W]), Adam([W, V])), ValueError, r"\[1\] parameters .* \[2\]"),
    (lambda: with_state(Adam([W]), Adam([V])), ValueError, r"\(2,\).*the state .*\(1,\)"),
    (lambda: find_lr(MLP([2, 1]), [], SGD([W], 0.1)), ValueError, "there are no batches"),
    (lambda: find_lr(MLP([2, 1]), iter([XOR]), SGD([W], 0.1)), ValueError, "only once"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_what_cannot_be_is_refused_in_a_sentence(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_step_before_going_back_is_found_by_the_engine(make):
    network = MLP([2, 4, 1], rng=0)
    optimizer = make(network.parameters())
    train_step(network, *XOR, optimizer, bce_with_logits)
    value = bce_with_logits(network(XOR[0]), XOR[1])
    optimizer.step()
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        value.backward()


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_step_without_any_gradient_moves_nothing_and_counts_nothing(make):
    w = weight(1.0)
    optimizer = make([w])
    optimizer.step()
    assert w.data[0] == 1
    plain = getattr(optimizer, "optimizer", optimizer)
    assert [int(memory["steps"]) for memory in plain.state] == [0]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_arrays_and_float32_stay_in_tensors_and_variables(make):
    leaf, variable = weight(1.0, 2.0), tt.Variable([1.0, 2.0])
    arrays = leaf.data, variable.data.data
    optimizer = make([leaf, variable])
    optimizer.param_groups[0]["lr"] = np.float64(0.1)
    for _ in range(3):
        optimizer.zero_grad()
        ((leaf * variable) ** 2).sum().backward()
        optimizer.step()
    assert leaf.data is arrays[0] and variable.data.data is arrays[1]
    assert leaf.dtype == variable.dtype == np.float32
    assert (leaf.data == variable.numpy()).all() and leaf.data[0] < 1
    plain = getattr(optimizer, "optimizer", optimizer)
    kinds = {m.dtype for s in plain.state for name, m in s.items() if name != "steps"}
    assert kinds <= {np.dtype(np.float32)}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_single_number_can_be_trained(make):
    x = tt.Variable(0.5)
    optimizer = make([x])
    for _ in range(100):
        optimizer.zero_grad()
        (x * x).backward()
        optimizer.step()
    assert abs(x.item()) < 0.48


def test_an_array_that_cannot_be_written_is_copied():
    fixed = np.ones(2)
    fixed.flags.writeable = False
    w = Tensor(fixed, requires_grad=True)
    w.grad = np.ones(2)
    SGD([w], 0.5).step()
    assert (w.data == 0.5).all() and (fixed == 1).all()


def test_a_gradient_with_a_history_is_taken_as_numbers():
    x = tt.Variable([3.0])
    (x * x * x).sum().backward(create_graph=True)
    SGD([x], 0.1).step()
    assert x.item() == pytest.approx(3 - 0.1 * 27)


def test_optimizers_and_schedules_show_themselves():
    network = MLP([2, 3, 1])
    assert repr(SGD(network.parameters(), 0.5)) == "SGD(4 parameters, lr=0.5)"
    groups = parameter_groups(network, 0.1)
    groups[1]["lr"] = 0.25
    assert repr(AdamW(groups, 0.5)) == "AdamW(4 parameters in 2 groups, lr=0.5, 0.25)"
    scheduler = Scheduler(SGD([W], 0.1), StepLR(30))
    shown = "StepLR(step_size=30, gamma=0.1)"
    assert repr(scheduler) == f"Scheduler(SGD(1 parameters, lr=0.1), {shown})"
    assert CosineLR(5) == CosineLR(5) != CosineLR(6)


def test_they_are_optimizers_of_module_8_and_have_its_names_in_the_package():
    assert issubclass(Optimizer, training.Optimizer)
    assert tt.SGD is SGD and tt.Adam is Adam and tt.Optimizer is Optimizer
    adam = Adam([W, V], 0.1)
    assert adam.lr == 0.1 and adam.parameters == [W, V]
    adam.lr = 0.5
    assert [group["lr"] for group in adam.param_groups] == [0.5]


def test_without_settings_they_do_what_those_of_module_8_do():
    found = {}
    for module in (training, tt):
        for kind, settings in (("SGD", {"lr": 0.5}), ("Adam", {"lr": 0.01})):
            network = MLP([2, 8, 1], rng=0).astype(np.float64)
            optimizer = getattr(module, kind)(network.parameters(), **settings)
            for _ in range(50):
                train_step(network, *XOR, optimizer, bce_with_logits)
            found.setdefault(kind, []).append(network.state_dict())
    for first, second in found.values():
        assert all(np.allclose(first[name], second[name], atol=1e-13) for name in first)


def test_filters_decay_and_biases_do_not():
    network = Sequential(Conv2D(1, 2, 3, rng=0), MLP([4, 2], rng=0))
    decay, others = parameter_groups(network, 0.1)
    assert [p.ndim for p in decay["params"]] == [4, 2]
    assert [p.ndim for p in others["params"]] == [1, 1]
    assert [decay["weight_decay"], others["weight_decay"]] == [0.1, 0.0]


def test_a_group_that_was_given_stays_as_it_was():
    given = {"params": (p for p in [W])}
    first = SGD([{"params": [W]}, {"params": [V], "lr": 1.0}], 0.5)
    SGD([given], 0.1)
    assert list(given) == ["params"]
    first.param_groups[0]["lr"] = 7.0
    assert first.param_groups[1]["lr"] == 1.0


def test_bigger_slopes_do_not_change_the_steps_of_those_that_divide():
    def end(make, scale):
        w = Tensor(np.array([1.0, -2.0]), requires_grad=True)
        optimizer = make([w])
        for slope in np.random.default_rng(0).normal(size=(20, 2)):
            w.grad = scale * slope
            optimizer.step()
        return w.data

    for name, same in {"momentum": False, "Adagrad": True, "RMSProp": True, "AdamW": True}.items():
        near = np.allclose(end(KINDS[name], 1), end(KINDS[name], 100), atol=1e-4)
        assert near == same, name


def test_decay_takes_equal_shares_in_adamw_and_not_in_adam():
    left = {}
    for kind, size in itertools.product((Adam, AdamW), (0.1, 10.0)):
        w = weight(10.0)
        optimizer = kind([w], 0.01, weight_decay=0.1)
        for step in range(2000):
            w.grad = np.array([size * (-1) ** step], dtype=np.float32)
            optimizer.step()
        left[kind.__name__, size] = float(w.data[0])
    assert left["Adam", 0.1] < 1 < 7 < left["Adam", 10.0]
    assert left["AdamW", 0.1] == pytest.approx(left["AdamW", 10.0], abs=0.05)


# The ravine and the banana


def test_steps_through_the_ravine_are_those_of_the_lesson():
    kinds = {
        343: lambda p: SGD(p, 0.019),
        169: lambda p: SGD(p, 0.019, momentum=0.9),
        71: lambda p: SGD(p, 0.03, momentum=0.8),
        61: lambda p: SGD(p, 0.01, momentum=0.9, nesterov=True),
        129: lambda p: Adam(p, 0.05),
    }
    for steps, make in kinds.items():
        assert steps_to(ravine, descend(ravine, [-1.0, 1.0], make, 400)) == steps
    path = descend(ravine, [-1.0, 1.0], lambda p: SGD(p, 0.021), 400)
    assert len(path) < 400 and np.abs(path[-1]).max() > 1e6


def test_newton_needs_one_step_in_the_ravine_and_few_in_the_banana():
    assert newton_steps(ravine, [-1.0, 1.0], conjugate_gradient) == 1
    assert newton_steps(banana, [-1.2, 1.0], conjugate_gradient) < 10


@pytest.mark.parametrize("seed", range(5))
def test_conjugate_gradients_solve_by_products_alone(seed):
    rng = np.random.default_rng(seed)
    m, b = rng.normal(size=(12, 12)), rng.normal(size=12)
    a = m @ m.T + np.eye(12)
    assert np.allclose(conjugate_gradient(lambda v: a @ v, b), np.linalg.solve(a, b), rtol=1e-6)


# Schedules


def test_a_scheduler_can_be_used_like_an_optimizer():
    network = MLP([2, 8, 1], rng=0)
    scheduler = Scheduler(SGD(parameter_groups(network, 0.01), 0.5), CosineLR(20, 0.1))
    fit(network, [XOR], 30, scheduler, bce_with_logits)
    assert scheduler.lr == pytest.approx(0.05) and int(scheduler.steps) == 30
    assert len(scheduler.parameters) == 4 and len(scheduler.param_groups) == 2


def test_any_function_of_the_step_is_a_schedule():
    scheduler = Scheduler(SGD([W], 2.0), lambda step: 1 / (1 + step))
    rates = []
    for _ in range(3):
        scheduler.step()
        rates.append(scheduler.lr)
    assert rates == pytest.approx([2, 1, 2 / 3])
    assert {type(group["lr"]) for group in scheduler.param_groups} == {float}


def deep_run(seed, lr, schedule):
    """How many digits a network with six hidden layers reads after ten epochs."""
    network, (train, test) = MLP(7 * [64] + [10], rng=seed), digits_batches(seed)
    fit(network, train, 10, Scheduler(Adam(network.parameters(), lr), schedule))
    return evaluate(network, test, accuracy)


@pytest.mark.parametrize("seed", range(3))
def test_warming_up_or_a_smaller_rate_saves_a_deep_network(seed):
    assert deep_run(seed, 0.05, lambda step: 1.0) < 0.8
    assert deep_run(seed, 0.05, WarmupCosine(46, 230)) > 0.8
    assert deep_run(seed, 0.01, lambda step: 1.0) > 0.85


# Going on


class Noisy(Module):
    """A layer that draws."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, x):
        return x * self.rng.uniform(0.5, 1.5, x.shape)


def a_run(make):
    images, labels = digits()
    data = ArrayDataset((images.reshape(-1, 64) / 16).astype(np.float32)[:200], labels[:200])
    network = Sequential(Noisy(3), MLP([64, 8, 10], rng=0))
    loader = DataLoader(data, 32, shuffle=True, rng=5)
    return network, make(network.parameters()), loader


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("by_state_dict", [False, True])
def test_a_run_that_goes_on_is_the_run_to_the_last_bit(make, by_state_dict):
    network, optimizer, loader = a_run(make)
    fit(network, loader, 2, optimizer)
    save(file := io.BytesIO(), network, optimizer, 2, loader.rng)
    state = optimizer.state_dict()
    fit(network, loader, 2, optimizer)
    other, its_optimizer, its_loader = a_run(make)
    fit(other, its_loader, 1, its_optimizer)
    file.seek(0)
    if by_state_dict:
        load(file, other, rng=its_loader.rng)
        its_optimizer.load_state_dict(state)
    else:
        load(file, other, its_optimizer, its_loader.rng)
    fit(other, its_loader, 2, its_optimizer)
    expected, found = network.state_dict(), other.state_dict()
    assert all((expected[name] == found[name]).all() for name in expected)


def test_a_state_is_a_copy_with_settings():
    w = weight(1.0)
    sgd = SGD([w], 0.5, momentum=0.9)
    w.grad = np.ones(1, dtype=np.float32)
    sgd.step()
    state = sgd.state_dict()
    sgd.step()
    assert state["state"][0]["velocity"] == 1 and state["param_groups"][0]["params"] == 1
    sgd.lr = 3.0
    sgd.load_state_dict(state)
    sgd.step()
    assert sgd.lr == 0.5 and state["state"][0]["velocity"] == 1


def test_a_state_that_does_not_fit_changes_nothing():
    adam = Adam([W, V], 0.5)
    before = adam.state_dict()
    for other in (Adam([V, W], 0.1), Adam([W], 0.1), AdamW([W, V, weight(1.0)])):
        with pytest.raises(ValueError, match="load it into an optimizer of the same kind"):
            adam.load_state_dict(other.state_dict())
    assert repr(adam.state_dict()) == repr(before)


def test_a_scheduler_refuses_the_rates_of_other_groups_before_anything_changes():
    scheduler = Scheduler(SGD([weight(1.0)], 0.1), CosineLR(5))
    saved = scheduler.state_dict() | {"rates": [0.2, 0.3]}
    saved["optimizer"]["param_groups"][0]["lr"] = 0.7
    with pytest.raises(ValueError, match=r"the rates of 1 groups, the state \[0.2, 0.3\]"):
        scheduler.load_state_dict(saved)
    assert scheduler.lr == 0.1 and scheduler.rates == [0.1]


def test_adam_that_forgets_makes_a_bump():
    assert loss_after_a_break(Adam, fit, True) > 1.5 * loss_after_a_break(Adam, fit, False)


# The rate finder


def test_a_sweep_of_rates_leaves_no_trace():
    network, optimizer, loader = a_run(lambda p: Adam(p, 0.01))
    fit(network, loader, 1, optimizer)
    weights, state = network.state_dict(), repr(optimizer.state_dict())
    draws = network[0].rng.bit_generator.state
    rates, losses = find_lr(network, loader, optimizer)
    assert len(rates) == len(losses) <= 99 and 0 < losses.argmin() < len(losses) - 1
    assert losses[-1] > 4 * losses.min()
    assert all((weights[name] == array).all() for name, array in network.state_dict().items())
    assert repr(optimizer.state_dict()) == state
    assert network[0].rng.bit_generator.state == draws


def test_a_rate_before_the_wall_trains_and_one_behind_it_does_not():
    network, (train, test) = MLP([64, 32, 10], rng=0), digits_batches()
    rates, losses = find_lr(network, train, SGD(network.parameters(), 0.1, momentum=0.9))
    right = []
    for rate in (rates[losses.argmin()] / 5, 10 * rates[-1]):
        network = MLP([64, 32, 10], rng=0)
        sgd = SGD(network.parameters(), float(rate), momentum=0.9)
        with np.errstate(all="ignore"):
            try:
                fit(network, train, 5, sgd)
            except FloatingPointError:
                pass
            right.append(evaluate(network, test, accuracy))
    assert right[0] > 0.9 > 0.5 > right[1]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_digits_are_read_with_each_kind(make):
    network, (train, test) = MLP([64, 64, 10], rng=0), digits_batches()
    optimizer = make(network.parameters())
    if not isinstance(optimizer, Scheduler):
        fit(network, train, 10, optimizer)
    else:
        fit(network, train, 10, Scheduler(optimizer.optimizer, OneCycle(230)))
    assert evaluate(network, test, accuracy) > 0.9


def test_a_line_is_found_with_variables_as_parameters():
    slope, offset = tt.Variable(0.0), tt.Variable(0.0)
    x = np.linspace(-1, 1, 20, dtype=np.float32)
    optimizer = SGD([slope, offset], 0.1, momentum=0.8)
    for _ in range(200):
        optimizer.zero_grad()
        mse_loss(slope * x + offset, 3 * x - 1).backward()
        optimizer.step()
    assert (slope.item(), offset.item()) == pytest.approx((3, -1), abs=1e-3)

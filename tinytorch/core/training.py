"""Module 8 of TinyTorch: training.

Made by `tito export` from source/08_training/training_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable, exp, log, log_softmax, maximum, no_grad
from tinytorch.core.networks import MLP, Module, walk
from tinytorch.core.tensor import Tensor, extend
from tinytorch.support.clipping import clip_grad_value_ as clip_grad_value_
from tinytorch.support.clipping import gradients_of
from tinytorch.support.loops import batches_of, checked, epochs_of, steps_of
from tinytorch.support.loss_layers import (
    labels_for,
    labels_for_loss,
    loss_class,
    reduced,
    targets_for,
)
from tinytorch.support.optimizing import (
    OptimizerMethods,
    learning_rate,
    parameters_to_train,
)
from tinytorch.support.saving import (
    array_of,
    put,
    read_arrays,
    refuse_differences,
    write_arrays,
)


def mse_loss(predicted, target, reduction: str = "mean") -> Variable:
    """The mean of the squared distances between what was predicted and what is right.

    Parameters
    ----------
    predicted : Variable, Tensor or ndarray of any shape
        What a network gives.
    target : array_like of the same shape
        What it should give.
    reduction : str
        "mean", "sum", or "none" for all squares.

    Returns
    -------
    Variable or Tensor
        One number; of the shape of `predicted` for "none".

    Raises
    ------
    ValueError
        If the shapes differ, or `reduction` is none of the three.
    """
    if np.shape(predicted) != np.shape(target):
        raise ValueError(f"shapes differ: {np.shape(predicted)}, {np.shape(target)}")
    return reduced((predicted - target) ** 2, reduction)


def bce_with_logits(scores, targets, reduction: str = "mean") -> Variable:
    """The surprise at answers of yes or no, from scores.

    Parameters
    ----------
    scores : Variable, Tensor or ndarray of any shape
        What a network gives; the sigmoid of a score is the probability of yes.
    targets : array_like of the same shape
        1 for yes, 0 for no, or a probability.
    reduction : str
        "mean", "sum", or "none" for the loss of each score.

    Returns
    -------
    Variable or Tensor
        ``max(z, 0) - z * t + log(1 + exp(-abs(z)))``, reduced.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is not between 0 and 1.
    """
    targets = targets_for(scores, targets)
    right = maximum(scores, 0) - scores * targets
    return reduced(right + log(1 + exp(-abs(scores))), reduction)


def cross_entropy(scores, labels, reduction: str = "mean") -> Variable:
    """The surprise at the right class, from scores.

    Parameters
    ----------
    scores : Variable, Tensor or ndarray of shape (examples, classes)
        What a network gives; the softmax of a row gives the probabilities.
    labels : integer array_like of shape (examples,)
        The right class of each example.
    reduction : str
        "mean", "sum", or "none" for the loss of each example.

    Returns
    -------
    Variable or Tensor
        One number; of shape (examples,) for "none".

    Raises
    ------
    ValueError
        If there is not one whole number for each row, or one is no class.
    """
    labels = labels_for_loss(scores, labels)
    if reduction == "mean":
        return autograd.cross_entropy(scores, labels)
    rows = np.arange(len(labels))
    right = log_softmax(scores)[rows, labels]
    return reduced(-right, reduction)


MSELoss = loss_class("MSELoss", mse_loss)
BCEWithLogitsLoss = loss_class("BCEWithLogitsLoss", bce_with_logits)
CrossEntropyLoss = loss_class("CrossEntropyLoss", cross_entropy)


class Optimizer(OptimizerMethods):
    """What moves parameters against their gradients; each kind has a `step` of its own.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable
        What is to be trained, such as ``network.parameters()``.
    lr : float
        The learning rate, not negative.

    Raises
    ------
    TypeError
        If one of them requires no gradient.
    ValueError
        If there are none, one comes twice, or the rate is negative.
    """

    def __init__(self, parameters: Iterable, lr: float):
        self.parameters = parameters_to_train(parameters)
        self.lr = learning_rate(lr)


class SGD(Optimizer):
    """Stochastic gradient descent: ``w -= lr * gradient``.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable
        What is to be trained.
    lr : float
        The learning rate.

    References
    ----------
    Robbins and Monro (1951), "A stochastic approximation method".
    """

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        for p in self.parameters:
            if p.grad is not None:
                p.data -= self.lr * p.grad


@extend(Optimizer)
class Forgetting:
    """How an optimizer forgets the gradients of the last step."""

    def zero_grad(self) -> None:
        """Let no parameter have a gradient: its ``grad`` is None."""
        for p in self.parameters:
            p.grad = None


def train_step(
    network: Module, x, y, optimizer: Optimizer, loss: Callable = cross_entropy
) -> float:
    """Train a network on one batch.

    Parameters
    ----------
    network : Module
        Called with `x`, it gives predictions.
    x, y : Tensor and ndarray
        The batch: inputs, and the targets or labels that the loss needs.
    optimizer : Optimizer
        Has the parameters.
    loss : callable
        Takes predictions and `y`, gives one number.

    Returns
    -------
    float
        The loss, as it was before the step.

    Raises
    ------
    FloatingPointError
        If the loss is infinite or not a number; no step is made then.
    """
    optimizer.zero_grad()
    value = checked(loss(network(x), y))
    value.backward()
    optimizer.step()
    return value.item()


def overfit(network, x, y, optimizer, loss=cross_entropy, steps: int = 300) -> list:
    """Let a network learn one batch by heart, to see whether it can.

    Parameters
    ----------
    network, x, y, optimizer, loss
        As for `train_step`.
    steps : int
        How many.

    Returns
    -------
    list of float
        The loss before each step.

    Raises
    ------
    FloatingPointError
        If a loss is infinite or not a number; all is as before the first step then.
    """
    losses = []
    for _ in steps_of(steps, network, optimizer):
        losses.append(train_step(network, x, y, optimizer, loss))
    return losses


def unreached(network: Module) -> list[str]:
    """The names of the parameters whose gradient is None, or has only zeros.

    Call it after a training step.
    """
    names = []
    for name, p in network.named_parameters():
        if p.grad is None or not p.grad.any():
            names.append(name)
    return names


def accuracy(scores, labels) -> float:
    """The share of rows in which the largest score is that of the right class.

    Parameters
    ----------
    scores : Variable, Tensor or ndarray of shape (examples, classes)
        Of equal ones, the first counts as the largest.
    labels : integer array_like of shape (examples,)
        The right class of each example.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there is not one whole number for each row, or one is no class.
    """
    labels = labels_for(scores, labels)
    answers = np.asarray(scores).argmax(axis=1)
    return float((answers == labels).mean())


@contextmanager
def evaluating(network: Module) -> Iterator[None]:
    """A block in which nothing is in training mode; then each part is as before."""
    switches = [part for _, part in walk(network) if hasattr(part, "training")]
    modes = [part.training for part in switches]
    network.eval()
    try:
        yield
    finally:
        for part, mode in zip(switches, modes):
            part.training = mode


def evaluate(network: Module, batches: Iterable, measure: Callable) -> float:
    """The mean of a measure over all examples.

    Parameters
    ----------
    network : Module
        Its weights and modes are left as they are.
    batches : iterable of (Tensor, ndarray)
        A loader or a list.
    measure : callable
        Takes predictions and targets, and gives the mean over a batch, such as
        `accuracy` or `cross_entropy`.

    Returns
    -------
    float
        In which each example has the same weight.

    Raises
    ------
    ValueError
        If there are no batches.
    """
    total, count = 0.0, 0
    with no_grad(), evaluating(network):
        for x, y in batches_of(batches):
            total += float(measure(network(x), y)) * len(y)
            count += len(y)
    return total / count


def train_epoch(
    network: Module, batches: Iterable, optimizer, loss=cross_entropy, step=train_step
) -> float:
    """Train a network once on each batch.

    Parameters
    ----------
    network : Module
        Is switched to training mode.
    batches : iterable of (Tensor, ndarray)
        A loader or a list.
    optimizer : Optimizer
        Has the parameters.
    loss : callable
        Takes predictions and targets, gives the mean over a batch.
    step : callable
        Is called like `train_step`, once for each batch.

    Returns
    -------
    float
        The mean loss over all examples, each at the moment when its batch was due.

    Raises
    ------
    ValueError
        If there are no batches.
    FloatingPointError
        If a loss is infinite or not a number; all is as before the epoch then.
    """
    network.train()
    total, count = 0.0, 0
    for x, y in batches_of(batches, network, optimizer):
        value = step(network, x, y, optimizer, loss)
        total += value * len(y)
        count += len(y)
    return total / count


def fit(
    network: Module,
    train: Iterable,
    epochs: int,
    optimizer: Optimizer,
    loss: Callable = cross_entropy,
    validation: Iterable | None = None,
    measures: Sequence[Callable] = (),
    callbacks: Sequence[Callable] = (),
    progress: bool = False,
    step: Callable = train_step,
) -> dict[str, list[float]]:
    """Train a network for some epochs, and say how it went.

    Parameters
    ----------
    network : Module
        What is trained.
    train : iterable of (Tensor, ndarray)
        A loader or a list; it's gone through once an epoch.
    epochs : int
        How often, at most.
    optimizer : Optimizer
        Has the parameters.
    loss : callable
        Takes predictions and targets, gives the mean over a batch.
    validation : iterable of (Tensor, ndarray), optional
        Other examples, on which the network is measured after each epoch.
    measures : sequence of callable
        What is measured there besides the loss, such as `accuracy`.
    callbacks : sequence of callable
        Each is called after an epoch with the network and the history; if one gives
        something true, training ends.
    progress : bool
        Whether a bar in a terminal, or a line in a notebook, shows how many epochs are
        done.
    step : callable
        Trains on one batch, such as ``compile(train_step)`` with module 16.

    Returns
    -------
    dict of list of float
        A number for each epoch: "loss", the mean during training; with validation
        batches also "validation_loss", and "validation_" with the name of each measure.

    Raises
    ------
    ValueError
        If batches can be gone through only once, there are none, or both are the same.
    FloatingPointError
        If a loss is infinite or not a number; names the epoch and the step. Network and
        optimizer are as before that epoch then.
    """
    history = {"loss": []}
    for _ in epochs_of(epochs, train, validation, progress):
        history["loss"].append(train_epoch(network, train, optimizer, loss, step))
        if validation is not None:
            named = {"loss": loss} | {m.__name__: m for m in measures}
            for name, measure in named.items():
                values = history.setdefault(f"validation_{name}", [])
                values.append(evaluate(network, validation, measure))
        ends = [callback(network, history) for callback in callbacks]
        if any(ends):
            break
    return history


def confusion_matrix(scores, labels) -> np.ndarray:
    """How often each class was taken for each.

    Parameters
    ----------
    scores : Variable, Tensor or ndarray of shape (examples, classes)
        The largest in a row says what it was taken for.
    labels : integer array_like of shape (examples,)
        What it is.

    Returns
    -------
    ndarray of int64, of shape (classes, classes)
        A row for each class, a column for what it was taken for.

    Raises
    ------
    ValueError
        If there is not one whole number for each row, or one is no class.
    """
    labels = labels_for(scores, labels)
    answers = np.asarray(scores).argmax(axis=1)
    matrix = np.zeros((scores.shape[1], scores.shape[1]), dtype=np.int64)
    for label, answer in zip(labels, answers):
        matrix[label, answer] += 1
    return matrix


def f1_scores(matrix) -> np.ndarray:
    """The F1 score of each class, from a confusion matrix.

    Parameters
    ----------
    matrix : array_like of shape (classes, classes)
        A row for each class, a column for what it was taken for.

    Returns
    -------
    ndarray of float64, of shape (classes,)
        Between 0 and 1; 0 for a class that neither occurs nor is named.
    """
    matrix = np.asarray(matrix)
    sums = matrix.sum(axis=0) + matrix.sum(axis=1)
    return 2 * np.diag(matrix) / np.maximum(sums, 1)


class EarlyStopping:
    """A callback for `fit` that ends training when the validation loss falls no more.

    Parameters
    ----------
    patience : int
        After how many epochs without a new lowest loss.

    Attributes
    ----------
    best : float
        The lowest validation loss so far.
    state : dict of ndarray
        The Tensors from the epoch with that loss, as ``network.state_dict()`` gives
        them; Variables and arrays are not among these.
    waited : int
        How many epochs ago that was.
    """

    def __init__(self, patience: int = 5):
        self.patience, self.waited = patience, 0
        self.best, self.state = np.inf, {}

    def __call__(self, network: Module, history: dict) -> bool:
        """Look at the last epoch, and say whether to stop."""
        loss = history["validation_loss"][-1]
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.state = network.state_dict()
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, network: Module) -> None:
        """Give a network the weights of its best epoch."""
        network.load_state_dict(self.state)


class Adam(Optimizer):
    """Steps with a rate for each number: ``w -= lr * m / (sqrt(v) + eps)``.

    Here m and v are the running means of gradients and of their squares, divided by
    ``1 - beta**t`` after t steps.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable
        What is to be trained.
    lr : float
        The learning rate, about as far as a number moves in one step.
    betas : tuple of float
        How much the two means keep in each step.
    eps : float
        Is added to the root.

    Attributes
    ----------
    steps : ndarray of int
        How many steps each parameter has made.
    means, squares : list of ndarray
        For each parameter, m and v.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization".
    """

    def __init__(self, parameters, lr: float = 1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps
        self.steps = np.zeros(len(self.parameters), dtype=int)
        self.means = [np.zeros(p.shape, p.dtype) for p in self.parameters]
        self.squares = [np.zeros(p.shape, p.dtype) for p in self.parameters]

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        beta1, beta2 = self.betas
        for n, p in enumerate(self.parameters):
            if p.grad is not None:
                self.steps[n] += 1
                t, m, v = self.steps[n].item(), self.means[n], self.squares[n]
                m += (1 - beta1) * (p.grad - m)
                v += (1 - beta2) * (p.grad**2 - v)
                mean = m / (1 - beta1**t)
                square = v / (1 - beta2**t)
                p.data -= self.lr * mean / (np.sqrt(square) + self.eps)


def learn_xor(width: int = 8, seed: int = 0) -> Module:
    """A network that has learned XOR from random weights: above 0 is yes.

    Parameters
    ----------
    width : int
        How many hidden neurons it has.
    seed : int
        Of its first weights.
    """
    x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    network = MLP([2, width, 1], rng=seed)
    optimizer = SGD(network.parameters(), lr=1.0)
    overfit(network, x, y, optimizer, bce_with_logits, steps=200)
    return network


def learn_spirals(points: np.ndarray, labels: np.ndarray) -> Module:
    """A network that has learned to tell two spirals apart, from random weights.

    Parameters
    ----------
    points : ndarray of shape (examples, 2)
        Where the examples are.
    labels : integer ndarray of shape (examples,)
        The spiral of each, 0 or 1.

    Returns
    -------
    Module
        Gives two scores for each point.
    """
    network = MLP([2, 32, 32, 2], rng=0)
    optimizer = Adam(network.parameters(), lr=0.03)
    batches = [(Tensor(points), labels)]
    fit(network, batches, 150, optimizer)
    return network


def clip_grad_norm_(parameters, max_norm: float) -> float:
    """Scale all gradients together, in place, to a norm of at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor, Variable, or iterable of them
        Those without a gradient are left alone.
    max_norm : float
        The largest norm to allow, not negative.

    Returns
    -------
    float
        The norm before. If it is not finite, no gradient is changed.

    Raises
    ------
    ValueError
        If `max_norm` is negative or not a number.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural
    networks".
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm is {max_norm}; it must not be negative")
    gradients = gradients_of(parameters)
    norm = float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients)))
    if max_norm < norm < np.inf:
        for g in gradients:
            g *= max_norm / norm
    return norm


def changing(network, optimizer=None, rng=None) -> dict[str, object]:
    """Whatever training changes: Tensors, Variables, arrays and generators, by name."""
    everything = {"network": network, "optimizer": optimizer, "rng": rng}
    kinds = (Tensor, Variable, np.ndarray, np.random.Generator)
    return {name: part for name, part in walk(everything) if isinstance(part, kinds)}


def save(path, network, optimizer=None, epoch: int = 0, rng=None) -> None:
    """Write everything that a run needs to go on into a file.

    Parameters
    ----------
    path : str, Path or binary file
        A file that is there already is replaced, and stays as it was if that fails.
    network : Module
        Its Tensors, Variables, arrays and generators are saved. Python's own numbers
        are not: keep what changes, such as a count, in an array.
    optimizer : Optimizer, optional
        What it remembers is saved; its settings, such as the rate, are not.
    epoch : int
        How many epochs are done.
    rng : Generator, or list of them, optional
        What draws the order of the examples, such as ``loader.rng``.
    """
    found = changing(network, optimizer, rng)
    arrays = {name: array_of(part) for name, part in found.items()}
    write_arrays(path, arrays | {"epoch": np.array(epoch)})


def load(path, network, optimizer=None, rng=None) -> int:
    """Bring network, optimizer and generators back to what was saved.

    Parameters
    ----------
    path : str, Path or binary file
        What `save` has written.
    network, optimizer, rng
        Made as those that were saved; what is left out is not looked at.

    Returns
    -------
    int
        How many epochs were done.

    Raises
    ------
    KeyError
        If names are missing or unexpected, as with another kind of optimizer; nothing
        has changed then.
    ValueError
        If a shape differs, or the file is cut off or none of ours; nothing has changed
        then.
    """
    arrays, found = read_arrays(path), changing(network, optimizer, rng)
    refuse_differences(found, arrays, optimizer)
    for name, part in found.items():
        put(part, arrays[name])
    return int(arrays["epoch"])


__all__ = """
    Adam BCEWithLogitsLoss CrossEntropyLoss EarlyStopping MSELoss Optimizer SGD
    accuracy bce_with_logits changing clip_grad_norm_ clip_grad_value_
    confusion_matrix cross_entropy evaluate evaluating f1_scores fit learn_spirals
    learn_xor load mse_loss overfit save train_epoch train_step unreached
""".split()

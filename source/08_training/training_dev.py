# %% [markdown]
r"""
# Module 8: Training

In module 4 somebody sent you 354 numbers, and your network knew two spirals. In this module you find such numbers
yourself: from weights that are drawn at random, with nothing but your own code, in a fraction of a second.

Training is a loop of four lines. The idea is from 1951: take a *noisy* measurement of the slope, go a small step
against it, and repeat (Robbins and Monro, "A stochastic approximation method"). The art is in what surrounds it.
Most training runs that fail don't stop with an error. They run to the end and are a bit worse than they could be, and
nobody knows why. So you'll break each part once, and see what that looks like.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | losses: how wrong is it? | 3 | 60 min |
| 2 | a step: `SGD`, and the four lines; XOR learns | 4 | 80 min |
| 3 | a loop: `train_epoch`, `evaluate`, `fit`; digits learn | 4 | 85 min |
| 4 | a closer look: which digits, and when to stop | 2 | 45 min |
| 5 | `Adam`; two spirals (**milestone M3**); clipping; a run that is interrupted and goes on | 4 | 80 min |
| Use and Analyze | the worst digits; luck and width; a curve and its cause | 2 questions | 30 min |

You need modules 1 to 4 and 7, exported. Cells that show something take their batches from the `DataLoader` of module 6;
no check needs it. `progress()` in a cell shows how far you are.
"""

# %%
#| default_exp core.training
#| export
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

# %% [markdown]
r"""
As in module 7, what comes from `tinytorch.support` is there for speed, safety or comfort. Where you need one of these
functions, the text says what it does. The next cell is for this notebook only:
"""

# %%
import io
import time

import matplotlib.pyplot as plt

from tinytorch.core.autograd import enable_grad
from tinytorch.core.networks import Lambda
from tinytorch.datasets import digits, spirals
from tinytorch.support.plots import draw_losses, draw_matrix, draw_six
from tinytorch.support.six_curves import six_runs
from tito.checks import check, check_raises
from tito.figures import digits_figure, held_bytes, moons_figure, show
from tito.student.progress import progress as progress

# %% [markdown]
r"""
## Build

### 1. How wrong is it?

A loss is one number that says how wrong a network is. Training makes it small and does nothing else. So the loss must
say what you mean.

For predictions that are numbers, take the squared distance, and the mean over all of them:

$$ L = \frac{1}{n} \sum_i (p_i - t_i)^2 $$

Sounds harmless. But suppose that a network gives predictions in the shape `(5, 1)`, as `Dense(…, 1)` does, and the
targets are in the shape `(5,)`. How many differences are there?
"""

# %%
print((np.zeros((5, 1)) - np.zeros(5)).shape)

# %% [markdown]
r"""
Twenty-five: every prediction against every target. No error, and the loss even goes down while you train. It ends
where each prediction is the *mean of all targets*. So a loss must refuse shapes that differ, even if numpy doesn't
mind.

#### Exercise 1: `mse_loss`

If `np.shape(predicted)` and `np.shape(target)` differ, raise a `ValueError` that shows both. Then hand the squares to
`reduced(…, reduction)`, which is given. It takes their mean, their sum, or leaves them all as they are, if
`reduction` is `"mean"`, `"sum"` or `"none"`.

**With numbers:** predictions 1 and 2, targets 0 and 4: $((1 - 0)^2 + (2 - 4)^2) / 2 = 2.5$.
"""


# %% exercise="mse-loss"
#| export
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
    ### BEGIN SOLUTION
    if np.shape(predicted) != np.shape(target):
        raise ValueError(f"shapes differ: {np.shape(predicted)}, {np.shape(target)}")
    return reduced((predicted - target) ** 2, reduction)
    ### END SOLUTION


# %% checks="mse-loss" points=4
_p, _t = Variable([1.0, 2.0]), np.array([0.0, 4.0])
check(mse_loss(_p, _t), 2.5, hint="the mean of 1 and 4")
check(mse_loss(_p, _t, "sum"), 5.0, hint="reduced(squares, reduction)")
check(mse_loss(_p, _t, reduction="none"), [1.0, 4.0], hint="all squares, as they are")
check_raises(
    ValueError,
    lambda: mse_loss(np.zeros((5, 1)), np.zeros(5)),
    hint="(5, 1) and (5,) differ: compare np.shape of both",
)
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, normal, observe, raised, uniform

HOW = ("mean", "sum", "none")


def loss_and_gradient(training, loss, data, *others):
    """What a loss gives, and its gradient, with a random one sent back."""
    x = training.Variable(data)
    out = loss(x, *others)
    seed = np.cos(np.arange(out.size)).reshape(out.shape)
    out.backward(seed)
    return out.numpy(), str(out.dtype), x.grad


@observe(p=normal(3, 4), t=normal(3, 4))
def squared_distances(training, p, t):
    """With each reduction: the loss and its gradient; the targets stay as they are."""
    loss = training.mse_loss
    found = [loss_and_gradient(training, loss, p, t, how) for how in HOW]
    return found, loss(training.Tensor(p), training.Tensor(t)).item(), t


@observe(p=normal(4, dtype="float32"), t=normal(4, dtype="float32"))
def squared_distances_in_float32(training, p, t):
    """The dtype stays."""
    return loss_and_gradient(training, training.mse_loss, p, t)


@observe(p=normal(4, 1), t=normal(4), other=choice("median", "", "all"))
def shapes_that_broadcast_are_refused(training, p, t, other):
    """A column and a row, a row and a number; and a reduction that is none."""
    loss = training.mse_loss
    refused = [
        raised(lambda: loss(training.Variable(p), t)),
        raised(lambda: loss(training.Variable(t), t[:1])),
        raised(lambda: loss(training.Variable(t), t[0])),
        raised(lambda: loss(training.Variable(t), t, other)),
    ]
    return refused, loss(training.Variable(p[:, 0]), t).item()


### END HIDDEN TESTS

# %% [markdown]
r"""
Now answers of yes or no. A network gives a **score** $z$, any number, and $\sigma(z)$ is the probability of yes. With
the target $t$, 1 for yes and 0 for no, the loss is the surprise: $-\ln \sigma(z)$ if the answer is yes, and
$-\ln (1 - \sigma(z))$ if it is no. Written in one line:

$$ L = -\,t \ln \sigma(z) - (1 - t) \ln (1 - \sigma(z)) $$

Write it down like that, and sooner or later a network is very sure, and wrong:
"""

# %%
with np.errstate(divide="ignore"):
    print(-np.log(1 - 1 / (1 + np.exp(np.float32(-40.0)))))

# %% [markdown]
r"""
The true loss is 40, since $-\ln(1 - \sigma(40)) = \ln(1 + e^{40})$. But $\sigma(40)$ is 1 after rounding, and the
logarithm of 0 is infinite. From then on everything is infinite or NaN. So don't compute the probability at all. With
a little algebra, and a step that takes care that `exp` never gets a positive number,

$$ L = \max(z, 0) - z\,t + \ln\left(1 + e^{-|z|}\right) $$

#### Exercise 2: `bce_with_logits`

Its name is short for binary cross-entropy; *logits* is another word for scores. Write the formula with `maximum`, `exp`
and `log` from module 7, and Python's `abs`. First of all, `targets = targets_for(scores, targets)`. That's given: it
refuses another shape and targets that don't lie between 0 and 1, and gives an array of the scores' dtype.

A trap: the slope at $z = 0$ must be $\frac12 - t$, and an untrained network may well give zeros. `maximum(z, 0)` has
the slope $\frac12$ there, but `relu(z)` has 0.
"""


# %% exercise="bce-with-logits"
#| export
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
    ### BEGIN SOLUTION
    targets = targets_for(scores, targets)
    right = maximum(scores, 0) - scores * targets
    return reduced(right + log(1 + exp(-abs(scores))), reduction)
    ### END SOLUTION


# %% checks="bce-with-logits" points=5
_z, _t = Variable([0.0, 40.0, -40.0]), [1.0, 0.0, 0.0]
check(
    bce_with_logits(_z, _t, "none"),
    [0.6931472, 40.0, 0.0],
    hint="max(z, 0) - z t + log(1 + exp(-abs(z)))",
)
check(bce_with_logits(_z, _t), 13.564382, hint="reduced(…, reduction)")
bce_with_logits(_z, _t, "sum").backward()
check(
    _z.grad, [-0.5, 1.0, 0.0], hint="sigmoid(z) - t: minus z t, and maximum, not relu"
)
### BEGIN HIDDEN TESTS


@observe(z=normal(5), t=uniform(5))
def surprise_at_yes_or_no(training, z, t):
    """With each reduction: the loss and its gradient, also for targets between."""
    loss = training.bce_with_logits
    found = [loss_and_gradient(training, loss, 3 * z, t, how) for how in HOW]
    return found, loss(training.Tensor(z), t).item()


@observe(z=normal(4, dtype="float32"), t=integers(6, low=0, high=2))
def surprise_at_what_was_very_sure(training, z, t):
    """Large scores of either sign, zero, and targets in whole numbers, in float32."""
    scores = np.concatenate([100 * z, [0.0, 0.0]]).astype("float32")
    return loss_and_gradient(training, training.bce_with_logits, scores, t, "none")


@observe(z=normal(3, 1), t=uniform(3))
def targets_that_do_not_fit_are_refused(training, z, t):
    """Another shape, and targets beyond 1."""
    loss, x = training.bce_with_logits, training.Variable(z[:, 0])
    refused = (
        raised(lambda: loss(training.Variable(z), t)),
        raised(lambda: loss(x, t + 1)),
    )
    return refused, loss(x, t).item()


### END HIDDEN TESTS

# %% [markdown]
r"""
With more than two classes there is a score for each, and softmax makes probabilities of them. The loss is again the
surprise, minus the logarithm of the probability of the right class. In module 7 you wrote its rule, and
`autograd.cross_entropy(scores, labels)` gives the mean over a batch.

Like the loss above, it wants **scores**, and applies softmax itself. Now somebody ends the network with a softmax, to
have nice probabilities. What is the loss of a network that is perfectly sure, and right?
"""

# %%
sure = np.eye(10, dtype=np.float32)[:1]
print(autograd.cross_entropy(sure, [0]), autograd.cross_entropy(100 * sure, [0]))

# %% [markdown]
r"""
The first is what comes out if the answer goes through softmax a second time. No network can do better than that, so
training never stops pushing, and gradients are small where they should be large. It learns all the same, only
slowly, and that's why it takes people days to find this mistake. (Our loss warns you.)

#### Exercise 3: `cross_entropy`

First of all, `labels = labels_for_loss(scores, labels)`. That's given: it refuses labels that are no class, or not
one for each row.

Now the reductions. For `"mean"`, return what module 7's function gives; it's one operation, and fast. For the others
you need the loss of *each* example:

- `log_softmax(scores)` is the logarithm of all probabilities, a row for each example.
- In row `i`, take the column `labels[i]`: that's an index with two arrays, `[np.arange(len(labels)), labels]`.
- Turn the sign, and hand it to `reduced`.

Each loss also comes as an object, as in PyTorch: `CrossEntropyLoss("sum")` is `cross_entropy` that keeps its
reduction. That's given, below.
"""


# %% exercise="cross-entropy"
#| export
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
    ### BEGIN SOLUTION
    labels = labels_for_loss(scores, labels)
    if reduction == "mean":
        return autograd.cross_entropy(scores, labels)
    rows = np.arange(len(labels))
    right = log_softmax(scores)[rows, labels]
    return reduced(-right, reduction)
    ### END SOLUTION


# %%
#| export
MSELoss = loss_class("MSELoss", mse_loss)
BCEWithLogitsLoss = loss_class("BCEWithLogitsLoss", bce_with_logits)
CrossEntropyLoss = loss_class("CrossEntropyLoss", cross_entropy)

# %% checks="cross-entropy" points=5
_s = Variable([[0.0, 0.0], [np.log(3.0), 0.0]])
check(
    cross_entropy(_s, [0, 0], "none"),
    [0.6931472, 0.2876821],
    hint="-log_softmax(scores), at the label of each row: log 2 and log(4/3)",
)
check(cross_entropy(_s, [0, 1], "sum"), 2.0794415, hint="log 2 + log 4")
check(
    cross_entropy(_s, [0, 1]), 1.0397208, hint="autograd.cross_entropy(scores, labels)"
)
check(CrossEntropyLoss("sum")(_s, [0, 1]), 2.0794415, hint="the same, as an object")
### BEGIN HIDDEN TESTS


@observe(s=normal(5, 3), labels=integers(5, low=0, high=3))
def surprise_at_the_right_class(training, s, labels):
    """With each reduction: the loss and its gradient, also as an object."""
    loss, x = training.cross_entropy, training.Tensor(s)
    found = [loss_and_gradient(training, loss, s, labels, how) for how in HOW]
    layers = [training.CrossEntropyLoss(how)(x, labels).numpy() for how in HOW]
    return found, layers, loss(x, labels).item()


@observe(s=normal(4, 4), labels=integers(4, low=0, high=4))
def surprise_at_each_example(training, s, labels):
    """As many losses as examples, also where there are as many classes; large scores, too."""
    large = 300 * s
    large[0, labels[0]] -= 2000
    found = loss_and_gradient(training, training.cross_entropy, large, labels, "none")
    return found, loss_and_gradient(training, training.cross_entropy, s, labels, "sum")


@observe(s=normal(3, 3), labels=integers(3, low=0, high=3))
def labels_that_do_not_fit_are_refused(training, s, labels):
    """A label that is no class, a column of labels; and a reduction that is none."""
    loss, x = training.cross_entropy, training.Variable(s)
    refused = [
        raised(lambda: loss(x, labels - 3, "none")),
        raised(lambda: loss(x, labels[:, None], "sum")),
        raised(lambda: loss(x, labels, "median")),
    ]
    return refused, loss(x, labels, "sum").item()


### END HIDDEN TESTS

# %% [markdown]
r"""
### 2. A step

Once `backward()` has been called, each parameter has a gradient. What moves them is called an **optimizer**. The
simplest one is stochastic gradient descent:

$$ w \leftarrow w - \eta \, g $$

The factor $\eta$ is called *learning rate*, `lr`. All optimizers have parameters and a rate, so there is a class
`Optimizer` for what they share, and each kind has a `step` of its own.

#### Exercise 4: `SGD`

`Optimizer.__init__` keeps two things: `self.parameters = parameters_to_train(parameters)` and `self.lr =
learning_rate(lr)`. Both functions are given. The first makes a list and refuses an empty one, a parameter that is
there twice, and what needs no gradient; the second refuses a negative rate.

`SGD.step`: for each parameter `p` that has a gradient (`p.grad` is not `None`), change `p.data` **in place**, with
`-=`.

Why in place? The network and the optimizer hold the same object. If you make a new array in a variable of your own,
`w = p.data - self.lr * p.grad`, the optimizer is content, the network has not changed, and nobody complains.
"""


# %% exercise="sgd"
#| export
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
        ### BEGIN SOLUTION
        self.parameters = parameters_to_train(parameters)
        self.lr = learning_rate(lr)
        ### END SOLUTION


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
        ### BEGIN SOLUTION
        for p in self.parameters:
            if p.grad is not None:
                p.data -= self.lr * p.grad
        ### END SOLUTION


# %% checks="sgd" points=5
_w, _still = (
    Tensor([1.0, 2.0], requires_grad=True),
    Tensor([5.0], requires_grad=True),
)
_w.grad = np.array([10.0, -10.0], dtype=np.float32)
_array = _w.data
SGD([_w, _still], lr=0.1).step()
check(_w, [0.0, 3.0], hint="p.data -= self.lr * p.grad")
check(_w.data is _array, True, hint="in place: no new array")
check(_still, [5.0], hint="without a gradient, nothing moves")
check(_w.grad, [10.0, -10.0], hint="the gradient stays as it is")
### BEGIN HIDDEN TESTS


def parameters_of(training, *arrays):
    """Tensors that require a gradient."""
    return [training.Tensor(a.copy(), requires_grad=True) for a in arrays]


@observe(a=normal(2, 3), b=normal(3), g=normal(4, 2, 3), h=normal(4, 3), lr=uniform())
def weights_after_steps(training, a, b, g, h, lr):
    """After four steps, some without a gradient for one of them; gradients stay."""
    w, v = parameters_of(training, a, b)
    optimizer = training.SGD([w, v], lr)
    for n in range(4):
        w.grad, v.grad = g[n], h[n] if n != 1 else None
        optimizer.step()
    return w.data, v.data, w.grad, v.grad, optimizer.lr


@observe(a=normal(3, dtype="float32"), g=normal(3, dtype="float32"), lr=uniform())
def the_arrays_stay_and_their_dtype(training, a, g, lr):
    """Whoever holds the array sees the step; float32 stays, also of a Variable."""
    (w,), v = parameters_of(training, a), training.Variable(a.copy())
    array = w.data
    w.grad, v.grad = g, g.copy()
    training.SGD(iter([w, v]), np.float64(lr)).step()
    return w.data is array, array, str(array.dtype), v.numpy(), str(v.dtype)


@observe(a=normal(3), g=normal(3), first=uniform(), second=uniform())
def the_rate_may_change_between_steps(training, a, g, first, second):
    """A step takes the rate that it has then; refused: a negative one, no parameters, one twice."""
    (w,) = parameters_of(training, a)
    optimizer = training.SGD([w], lr=first)
    w.grad = g
    optimizer.step()
    optimizer.lr = second
    optimizer.step()
    bad = ([w], -first), ([], first), ([w, w], first)
    return w.data, [raised(lambda b=b: training.SGD(*b)) for b in bad]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: `zero_grad`

In module 7, gradients of several backward passes add up. That's right for a value that is used twice, and wrong for two
steps: the second step would go along the slope of *both* losses, the third along three, and so on. So an optimizer
can forget: set the `grad` of each parameter to `None`. Since it's the same for all kinds, it belongs to `Optimizer`.
"""


# %% exercise="zero-grad"
#| export
@extend(Optimizer)
class Forgetting:
    """How an optimizer forgets the gradients of the last step."""

    def zero_grad(self) -> None:
        """Let no parameter have a gradient: its ``grad`` is None."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.grad = None
        ### END SOLUTION


# %% checks="zero-grad" points=3
_w = Tensor([3.0], requires_grad=True)
_optimizer = SGD([_w], lr=0.1)
for _ in range(2):
    _optimizer.zero_grad()
    (_w * _w).sum().backward()
check(_w.grad, [6.0], hint="p.grad = None for each parameter; without that it's 12")
_optimizer.zero_grad()
check(_w.grad, None, hint="None, and not zeros")
### BEGIN HIDDEN TESTS


@observe(a=normal(3), b=normal(2), g=normal(3))
def gradients_are_forgotten(training, a, b, g):
    """Of all parameters, as None; whoever holds the array keeps its numbers."""
    w, v = parameters_of(training, a, b)
    other = training.Variable(b.copy())
    w.grad, other.grad = g, b.copy()
    training.SGD([w, v, other], 0.1).zero_grad()
    return w.grad, v.grad, other.grad, g, w.data, v.data


@observe(a=normal(3), lr=uniform(low=0.1))
def two_steps_on_one_parabola(training, a, lr):
    """Each step goes along the slope where it is, and not along those from before."""
    (w,) = parameters_of(training, a)
    optimizer = training.SGD([w], lr)
    for _ in range(2):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    return w.data


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 6: `train_step`

Here are the four lines of training, out of order. Each is needed; put them into an order that works.

- go back from the loss: `value.backward()`
- move: `optimizer.step()`
- go forwards: `value = checked(loss(network(x), y))`
- forget: `optimizer.zero_grad()`

Return the loss as a number, `value.item()`: a Variable would hold on to the whole graph. `checked` is given. It hands
on a loss, but stops with an error if that is infinite or NaN, *before* a step spoils all weights.

<details>
<summary>What goes wrong in other orders? Think first, then look</summary>

Say you forget first. Going back needs a loss, so it comes after going forwards. If you move before you go back, there's
no gradient, so nothing moves, and that for ever: no error, and a loss that stays as it is. If you forget between going
back and moving, the same happens. And if you never forget, you get the sum of all slopes.

</details>
"""


# %% exercise="train-step"
#| export
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
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    value = checked(loss(network(x), y))
    value.backward()
    optimizer.step()
    return value.item()
    ### END SOLUTION


# %% checks="train-step" points=6
_network = MLP([1, 1])
_network[0].weights.data[:], _network[0].bias.data[:] = 2.0, 0.0
_sgd = SGD(_network.parameters(), lr=0.1)
_batch = Tensor([[1.0], [2.0]]), np.array([[1.0], [2.0]])
_found = train_step(_network, *_batch, _sgd, mse_loss)
check(_found, 2.5, hint="the loss before the step: (1 + 4) / 2")
check(type(_found).__name__, "float", hint="value.item(), no Variable")
check(
    _network[0].weights,
    [[1.5]],
    hint="2 - 0.1 * 5: move after backward(), and forget before it",
)
_found = train_step(_network, *_batch, _sgd, mse_loss)
check(
    _found,
    0.265,
    hint="move after backward(), and don't forget in between",
)
check(_network[0].weights, [[1.34]], hint="each step forgets the last gradient first")
check_raises(
    FloatingPointError,
    lambda: train_step(_network, Tensor([[np.nan]]), [[1.0]], _sgd, mse_loss),
    hint="checked(loss(network(x), y))",
)
### BEGIN HIDDEN TESTS


def small_network(training, a, b):
    """An MLP in float64 with 3 inputs, 4 hidden neurons and 3 scores, of given weights."""
    network = training.MLP([3, 4, 3]).astype("float64")
    network[0].weights.data, network[2].weights.data = a.copy(), b.copy()
    return network


def weights_of(network):
    """All parameters, as arrays."""
    return [np.array(p.data) for p in network.parameters()]


@observe(
    a=normal(3, 4), b=normal(4, 3), x=normal(4, 5, 3), y=integers(4, 5, low=0, high=3)
)
def weights_after_training_steps(training, a, b, x, y):
    """After four steps on four batches: all losses, and all weights."""
    network = small_network(training, a, b)
    optimizer = training.SGD(network.parameters(), 0.5)
    losses = []
    for n in range(4):
        batch = training.Tensor(x[n]), y[n]
        losses.append(training.train_step(network, *batch, optimizer))
    return losses, [type(v).__name__ for v in losses], weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(5, 3), y=normal(5, 3))
def another_loss_and_gradients_from_before(training, a, b, x, y):
    """What was left in a gradient does not count; any loss may be given."""
    network = small_network(training, a, b)
    for p in network.parameters():
        p.grad = np.ones(p.shape)
    optimizer = training.SGD(network.parameters(), 0.1)
    found = training.train_step(
        network, training.Tensor(x), y, optimizer, training.mse_loss
    )
    return found, weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(5, 3), y=integers(5, low=0, high=3))
def a_loss_that_is_not_a_number_moves_nothing(training, a, b, x, y):
    """NaN in an input is refused before the step; the next batch trains as ever."""
    network = small_network(training, a, b)
    optimizer = training.SGD(network.parameters(), 0.5)
    bad = x.copy()
    bad[0, 0] = np.nan
    step = training.train_step
    error = raised(lambda: step(network, training.Tensor(bad), y, optimizer))
    kept = weights_of(network)
    return (
        error,
        kept,
        step(network, training.Tensor(x), y, optimizer),
        weights_of(network),
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
That's all that training is. Before you train on a thousand examples, try *one batch*. A network that can't learn a
handful of examples by heart has a mistake in it, and here you find it in a second. People who train
networks for a living do this first.

There's one mistake that it doesn't show. A layer that no gradient reaches stays as it was drawn, and the others make
up for it. So look at the gradients as well, once, after a step.

#### Exercise 7: `overfit` and `unreached`

`overfit` makes `steps` training steps on one batch, and returns the list of their losses. Count them with
`steps_of(steps, network, optimizer)`, which is given. It's a `range` that takes care: after the first step it warns
you of layers that no gradient has reached, and if a loss is NaN, it puts network and optimizer back to what they were.

How does it find them? Write that, too: `unreached` returns the names of all parameters whose gradient is `None` or
has only zeros. The network knows the names, `network.named_parameters()` (module 4).
"""


# %% exercise="overfit"
#| export
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
    ### BEGIN SOLUTION
    losses = []
    for _ in steps_of(steps, network, optimizer):
        losses.append(train_step(network, x, y, optimizer, loss))
    return losses
    ### END SOLUTION


def unreached(network: Module) -> list[str]:
    """The names of the parameters whose gradient is None, or has only zeros.

    Call it after a training step.
    """
    ### BEGIN SOLUTION
    names = []
    for name, p in network.named_parameters():
        if p.grad is None or not p.grad.any():
            names.append(name)
    return names
    ### END SOLUTION


# %% checks="overfit" points=5
_network = MLP([1, 1])
_network[0].weights.data[:] = 0.0
_sgd = SGD(_network.parameters(), 0.125)
_losses = overfit(_network, Tensor([[1.0]]), [[3.0]], _sgd, mse_loss, steps=4)
check(_losses, [9.0, 2.25, 0.5625, 0.140625], hint="the loss of each step, in a list")
train_step(_network, Tensor([[0.0]]), [[3.0]], _sgd, mse_loss)
check(
    unreached(_network),
    ["layers.0.weights"],
    hint="the input is 0, so the gradient has only zeros; that counts, too",
)
check(
    unreached(MLP([1, 1])),
    ["layers.0.weights", "layers.0.bias"],
    hint="None counts, too",
)
### BEGIN HIDDEN TESTS


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(5, 3),
    y=integers(5, low=0, high=3),
    steps=integers(low=2, high=6),
)
def losses_on_one_batch(training, a, b, x, y, steps):
    """One for each step, before it is made, with any loss; and the weights at the end."""
    network = small_network(training, a, b)
    sgd = training.SGD(network.parameters(), 0.5)
    batch = training.Tensor(x), y
    losses = training.overfit(network, *batch, sgd, steps=steps)
    kinds = type(losses).__name__, [type(v).__name__ for v in losses]
    batch = training.Tensor(x), x
    others = training.overfit(network, *batch, sgd, training.mse_loss, steps=2)
    return losses, kinds, others, weights_of(network)


class Failing:
    """A loss that is infinite from some step on."""

    def __init__(self, training, step):
        self.training, self.left = training, step

    def __call__(self, scores, y):
        self.left -= 1
        return self.training.cross_entropy(scores, y) * (
            np.inf if self.left < 0 else 1.0
        )


class Counting:
    """An optimizer with something to remember: how many steps it has made."""

    def __init__(self, optimizer):
        self.optimizer, self.made = optimizer, np.zeros(1)
        self.zero_grad = optimizer.zero_grad

    def step(self):
        self.made += 1
        self.optimizer.step()


def with_a_cut(training, network):
    """The network, with a hidden layer that nothing goes back through."""
    network.layers.insert(1, lambda x: training.Tensor(x.numpy()))
    return network


def warnings_of(call):
    """What a call warns of: which names of layers the sentences have in them."""
    import warnings

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    names = [f"layers.{n}.{part}" for n in range(4) for part in ("weights", "bias")]
    return [[name for name in names if name in str(w.message)] for w in found]


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(5, 3),
    y=integers(5, low=0, high=3),
    step=integers(low=2, high=5),
)
def care_is_taken_of_one_batch(training, a, b, x, y, step):
    """A loss that is not finite brings the beginning back; a layer that is cut off is named."""
    network = small_network(training, a, b)
    optimizer = Counting(training.SGD(network.parameters(), 0.5))
    batch, failing = (training.Tensor(x), y), Failing(training, step)
    error = raised(lambda: training.overfit(network, *batch, optimizer, failing))
    kept = weights_of(network), optimizer.made.copy()
    cut = with_a_cut(training, small_network(training, a, b))
    sgd = training.SGD(cut.parameters(), 0.5)
    named = warnings_of(lambda: training.overfit(cut, *batch, sgd, steps=2))
    return error, kept, named


@observe(a=normal(3, 4), b=normal(4, 3), g=normal(3), orders=normal(3, 4))
def names_without_a_gradient(training, a, b, g, orders):
    """None, only zeros, and some zeros; gradients of either sign that add up to zero."""
    network = small_network(training, a, b)
    kinds = [None, np.zeros(3), np.array([0.0, g[0], -g[0]]), g]
    found = []
    for order in orders:
        for p, kind in zip(network.parameters(), np.argsort(order)):
            p.grad = kinds[kind]
        found.append(training.unreached(network))
    return found, type(found[0]).__name__, training.unreached(training.MLP([2, 2]))


### END HIDDEN TESTS

# %% [markdown]
r"""
Now XOR, which in module 3 you could only solve by thinking. Eight hidden neurons, a score for yes, and 300 steps on the
four examples:
"""

# %%
corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
exclusive_or = np.array([[0], [1], [1], [0]])
network = MLP([2, 8, 1], rng=0)
sgd = SGD(network.parameters(), lr=1.0)
losses = overfit(network, corners, exclusive_or, sgd, bce_with_logits)
print(losses[::60], unreached(network))
print(network(corners).numpy().ravel(), "yes where it is above 0")

# %% [markdown]
r"""
Nobody told it how. From weights that mean nothing, it has found some that answer all four questions.

And here is a layer that goes through an array and back, "to look at something". The answers are the same, but the way
back ends there:
"""

# %%
network = MLP([2, 8, 8, 1], rng=0)
network.layers.insert(2, Lambda(lambda x: Tensor(x.numpy()), "look"))
overfit(network, corners, exclusive_or, SGD(network.parameters(), 1.0), bce_with_logits)
print(unreached(network))

# %% [markdown]
r"""
### 3. A loop

The digits come back, 64 numbers for each image. Module 6 splits and shuffles them: 1,437 to learn from, in batches of
64, and 360 to look at.
"""

# %% demo=true
from tinytorch.core.dataloader import ArrayDataset, DataLoader, split

images, labels = digits()
pixels = (images.reshape(-1, 64) / 16).astype(np.float32)
seen, new = split(ArrayDataset(pixels, labels), (1437, 360), rng=0)
train, test = DataLoader(seen, 64, shuffle=True, rng=0), DataLoader(new, 100)

# %% [markdown]
r"""
The loss says how wrong a network is, but nobody wants to hear "0.11". They want to know how many are right.

#### Exercise 8: `accuracy`

The answer of a network is the class with the largest score, in each row: `argmax(axis=1)` of the array of scores,
`np.asarray(scores)`. Return the share of rows in which it is the label, as a `float`. (Of equal scores, `argmax` takes
the first.)

`labels_for`, which is given, refuses labels that don't fit. Compare a column of labels with a row of answers, and
numpy makes a square of it, as in section 1.
"""


# %% exercise="accuracy"
#| export
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
    ### BEGIN SOLUTION
    labels = labels_for(scores, labels)
    answers = np.asarray(scores).argmax(axis=1)
    return float((answers == labels).mean())
    ### END SOLUTION


# %% checks="accuracy" points=3
_scores = Tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 9.0, 5.0], [1.0, 1.0, 0.0]])
check(
    accuracy(_scores, [0, 2, 2, 1]),
    0.5,
    hint="the share of right answers; the largest of each row: axis=1",
)
check(type(accuracy(_scores, [0, 2, 2, 1])).__name__, "float", hint="float(…)")
### BEGIN HIDDEN TESTS


@observe(
    s=normal(97, 4), labels=integers(97, low=0, high=4), n=integers(low=50, high=98)
)
def share_of_right_answers(training, s, labels, n):
    """Of a Tensor, a Variable and an array; also if there are as many classes as rows."""
    same = training.Variable(s[:4]), labels[:4]
    part = training.Tensor(s[:n]), labels[:n]
    found = [training.accuracy(*part), training.accuracy(*same)]
    return found, type(found[0]).__name__, training.accuracy(s, labels.tolist())


@observe(
    s=integers(30, 3, low=0, high=2),
    labels=integers(30, low=0, high=3),
    n=integers(low=5, high=30),
)
def equal_scores(training, s, labels, n):
    """The first of the largest counts, and a column of labels is refused."""
    column = raised(lambda: training.accuracy(s[:n], labels[:n, None]))
    return training.accuracy(s[:n], labels[:n]), column


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 9: `evaluating` and `evaluate`

Measure a network on all examples of a loader: the loss, the accuracy, or anything else that a function computes of
predictions and targets. Three things can go wrong.

**The mode.** Some layers work differently in training (module 4). `with evaluating(network):` is a block in which all
switches are off. It's written like `no_grad` in module 7, with `yield` where the block runs. Find all parts with a
switch, `hasattr(part, "training")`, by `walk(network)`; remember their modes; call `network.eval()`; and after the
block, also after an error (`try … finally`), put *each* back as it was. You did the same in `summary`.

**The graph.** Nobody goes back from here, so nothing must be recorded: `with no_grad(), evaluating(network):`.

**The mean.** The last batch is often smaller. Two batches, of 100 examples with 90 % right and of 1 example with
0 %: the mean of both is 45 %, and that's not what 90 right answers of 101 are. So multiply each value by
the number of examples, `len(y)`, add up, and divide at the end by the number of all examples.

Make a number of each value with `float`, and go through `batches_of(batches)`. That's given: it yields
pairs `x, y`, and says so if there are none.
"""


# %% exercise="evaluate"
#| export
@contextmanager
def evaluating(network: Module) -> Iterator[None]:
    """A block in which nothing is in training mode; then each part is as before."""
    ### BEGIN SOLUTION
    switches = [part for _, part in walk(network) if hasattr(part, "training")]
    modes = [part.training for part in switches]
    network.eval()
    try:
        yield
    finally:
        for part, mode in zip(switches, modes):
            part.training = mode
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    total, count = 0.0, 0
    with no_grad(), evaluating(network):
        for x, y in batches_of(batches):
            total += float(measure(network(x), y)) * len(y)
            count += len(y)
    return total / count
    ### END SOLUTION


# %% checks="evaluate" points=7
_batches = [(Tensor(np.eye(3)), [0, 1, 2]), (Tensor(np.eye(3)[:1]), [1])]
_same = MLP([3, 3])
_same[0].weights.data[:] = np.eye(3)
check(evaluate(_same, _batches, accuracy), 0.75, hint="3 of 4 right: weigh by len(y)")
_seen = []


def _look(out, y):
    _seen.append((out.requires_grad, _same.training))
    return 0.0


evaluate(_same, _batches, _look)
check(_seen[0][0], False, hint="no_grad(): nothing is recorded")
check(_seen[0][1], False, hint="network.eval() before the block")
check(_same.training, True, hint="put the switches back after the block")
evaluate(_same.eval(), _batches, accuracy)
check(_same.training, False, hint="what was off before stays off")
check_raises(
    ValueError, lambda: evaluate(_same, [], accuracy), hint="batches_of(batches)"
)
### BEGIN HIDDEN TESTS


class Switched:
    """A layer that notes its mode, and whether something is recorded."""

    def __init__(self, training, mode):
        self.training, self.seen = mode, []
        self.weight = lambda: training.Tensor([1.0], requires_grad=True)

    def __call__(self, x):
        weight = self.weight()
        recorded = bool((weight * 1.0).requires_grad)
        self.seen.append((self.training, recorded))
        return x


def batches_from(training, x, y):
    """Batches of 3 examples, and what is left."""
    pieces = [slice(n, n + 3) for n in range(0, len(x), 3)]
    return [(training.Tensor(x[p]), y[p]) for p in pieces]


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(8, 3),
    y=integers(8, low=0, high=3),
    n=integers(low=4, high=9),
)
def each_example_counts_the_same(training, a, b, x, y, n):
    """Loss and accuracy over batches of unequal size; the weights stay."""
    network = small_network(training, a, b)
    batches = batches_from(training, x[:n], y[:n])
    found = [
        training.evaluate(network, batches, measure)
        for measure in (training.cross_entropy, training.accuracy)
    ]
    return found, [type(v).__name__ for v in found], weights_of(network)


@observe(x=normal(5, 3), mode=integers(low=0, high=2))
def modes_and_records_are_as_before(training, x, mode):
    """Not in training mode, nothing recorded; afterwards each switch is as it was."""
    first, second = Switched(training, mode == 0), Switched(training, mode == 1)
    network = training.MLP([3, 3])
    network.layers = [first, second]
    batches = batches_from(training, x, x)
    found = training.evaluate(network, batches, lambda out, y: float(out.data.max()))

    def fail(out, y):
        raise KeyError("measure")

    error = raised(lambda: training.evaluate(network, batches, fail))
    weight = training.Tensor([1.0], requires_grad=True)
    after = first.training, second.training, bool((weight * 1.0).requires_grad)
    return found, first.seen, second.seen, after, error


@observe(x=normal(4, 3), y=integers(4, low=0, high=3))
def no_batches_are_refused(training, x, y):
    """An empty list, and a generator that has been used up."""
    network, loss = training.MLP([3, 3]).astype("float64"), training.cross_entropy
    network[0].weights.data = np.eye(3)
    used = iter(batches_from(training, x, y))
    first = training.evaluate(network, used, loss)
    refused = [
        raised(lambda b=b: training.evaluate(network, b, loss)) for b in ([], used)
    ]
    return first, refused


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 10: `train_epoch`

An *epoch* is one time through all examples. Switch the network to training with `network.train()`, go through
`batches_of(batches, network, optimizer)`, and make a `step` with each. With these three it takes care, as `steps_of`
does. Return the mean loss over all examples, weighed as above.

`step` is `train_step`, unless somebody passes something faster: module 16 makes one. Add up *numbers*. `train_step` gives
one, so all is well. If you kept Variables, for the mean at the end, each would
hold on to what it was computed from. The cell after the check measures how much that is.
"""


# %% exercise="train-epoch"
#| export
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
    ### BEGIN SOLUTION
    network.train()
    total, count = 0.0, 0
    for x, y in batches_of(batches, network, optimizer):
        value = step(network, x, y, optimizer, loss)
        total += value * len(y)
        count += len(y)
    return total / count
    ### END SOLUTION


# %% checks="train-epoch" points=5
_network = MLP([1, 1]).eval()
_network[0].weights.data[:], _network[0].bias.data[:] = 2.0, 0.0
_batches = [(Tensor([[1.0], [2.0]]), [[1.0], [2.0]]), (Tensor([[0.0]]), [[0.0]])]
_found = train_epoch(_network, _batches, SGD(_network.parameters(), 0.1), mse_loss)
check(_found, 1.69666667, hint="(2 * 2.5 + 1 * 0.09) / 3")
check(_network[0].bias, [-0.24], hint="a step with each batch")
check(_network.training, True, hint="network.train()")
_bad = [*_batches, (Tensor([[np.nan]]), [[0.0]])]
check_raises(
    FloatingPointError,
    lambda: train_epoch(_network, _bad, SGD(_network.parameters(), 0.1), mse_loss),
    hint="each step by step(network, x, y, optimizer, loss)",
)
check(
    _network[0].bias,
    [-0.24],
    hint="as before the epoch: batches_of(batches, network, optimizer)",
)
### BEGIN HIDDEN TESTS


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(8, 3),
    y=integers(8, low=0, high=3),
    n=integers(low=4, high=9),
)
def weights_after_two_epochs(training, a, b, x, y, n):
    """A step for each batch, in their order; the loss of each example counts the same."""
    network = small_network(training, a, b).eval()
    optimizer = training.SGD(network.parameters(), 0.5)
    batches = batches_from(training, x[:n], y[:n])
    losses = [training.train_epoch(network, batches, optimizer) for _ in range(2)]
    kinds = [type(v).__name__ for v in losses]
    return losses, kinds, weights_of(network), network.training


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(7, 3), y=normal(7, 3))
def a_step_that_is_given_is_taken(training, a, b, x, y):
    """By an epoch and by a whole training: what it is called with, and what it gives."""
    network, calls = small_network(training, a, b), []
    optimizer = training.SGD(network.parameters(), 0.1)
    batches = batches_from(training, x, y)

    def step(given, inputs, targets, moving, loss):
        calls.append((inputs.numpy(), targets, given is network, moving is optimizer))
        return training.train_step(given, inputs, targets, moving, loss) + 1.0

    mse = training.mse_loss
    found = training.train_epoch(network, batches, optimizer, mse, step)
    return found, calls, weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(7, 3), y=normal(7, 3))
def an_epoch_with_another_loss(training, a, b, x, y):
    """The loss that is given; batches from a generator; none at all is refused."""
    network = small_network(training, a, b)
    optimizer = training.SGD(network.parameters(), 0.1)
    batches = iter(batches_from(training, x, y))
    found = training.train_epoch(network, batches, optimizer, training.mse_loss)
    again = raised(lambda: training.train_epoch(network, batches, optimizer))
    return found, weights_of(network), again


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(11, 3),
    y=integers(11, low=0, high=3),
    step=integers(low=1, high=4),
)
def care_is_taken_of_an_epoch(training, a, b, x, y, step):
    """A loss that is not finite brings the beginning back; a layer that is cut off is named."""
    network = small_network(training, a, b)
    optimizer = Counting(training.SGD(network.parameters(), 0.5))
    batches, failing = batches_from(training, x, y), Failing(training, step)
    epoch = training.train_epoch
    error = raised(lambda: epoch(network, batches, optimizer, failing))
    kept = weights_of(network), optimizer.made.copy()
    cut = with_a_cut(training, small_network(training, a, b))
    sgd = training.SGD(cut.parameters(), 0.5)
    return error, kept, warnings_of(lambda: epoch(cut, batches, sgd))


### END HIDDEN TESTS

# %% demo=true
x, y = next(iter(train))
for block in (enable_grad, no_grad):
    kept = held_bytes(block()(lambda: cross_entropy(MLP([64, 128, 10])(x), y)))
    print(f"{block.__name__}: a loss that is kept holds {kept:,} bytes")

# %% [markdown]
r"""
#### Exercise 11: `fit`

Now put it all together. `fit` trains for some epochs, and keeps a **history**: a dictionary with a list of numbers for
each name, one number for each epoch.

1. For each epoch in `epochs_of(epochs, train, validation, progress)`, append what `train_epoch` gives, with this `step`,
   to the list `"loss"`. (`epochs_of` is given. It counts, shows how far you are, and refuses validation batches that are the very
   batches of the training.)
2. If there are `validation` batches, append what `evaluate` gives on them, to a list of its own: the loss to
   `"validation_loss"`, and each of `measures` to `"validation_"` and its name, such as `"validation_accuracy"`. A
   function knows its name: `measure.__name__`. `history.setdefault(name, [])` gives the list of that name, a new one
   if there is none.
3. Call each of `callbacks` with `(network, history)`. If any of them gives something true, it was the last epoch.
   Call *all* of them each time: another one may want to see that epoch.
4. Return the history.
"""


# %% exercise="fit"
#| export
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
    ### BEGIN SOLUTION
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
    ### END SOLUTION


# %% checks="fit" points=7
_points = Tensor([[0.0], [1.0], [2.0], [3.0]])
_line, _batch = MLP([1, 1], rng=0), (_points, np.array([[1.0], [3.0], [5.0], [7.0]]))
_other, _calls = [(Tensor([[4.0]]), np.array([[9.0]]))], []


def distance(predicted, target):
    return abs(predicted.numpy() - target).mean()


_history = fit(
    _line,
    [_batch],
    100,
    SGD(_line.parameters(), 0.1),
    mse_loss,
    validation=_other,
    measures=[distance],
    callbacks=[
        lambda network, history: len(history["loss"]) == 90,
        lambda network, history: _calls.append(len(history["loss"])),
    ],
)
check(
    list(_history),
    ["loss", "validation_loss", "validation_distance"],
    hint='"validation_" and the name',
)
check(len(_history["loss"]), 90, hint="a callback that gives True ends it")
check(
    _calls[-1:],
    [90],
    hint="each callback sees each epoch: make a list of their answers, then any(…)",
)
check(len(_history["validation_distance"]), 90, hint="a number for each epoch")
check(
    _line[0].weights,
    [[2.0]],
    hint="the line through these points has the slope 2",
    tolerance=0.01,
)
### BEGIN HIDDEN TESTS


def furthest(predicted, target):
    """The largest score, with a name."""
    return float(np.max(predicted.numpy())) + float(np.sum(target))


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(8, 3),
    y=integers(8, low=0, high=3),
    epochs=integers(low=1, high=4),
)
def history_and_weights(training, a, b, x, y, epochs):
    """Without validation batches: the loss of each epoch, and the weights at the end."""
    network = small_network(training, a, b)
    batches = batches_from(training, x, y)
    optimizer = training.SGD(network.parameters(), 0.5)
    history = training.fit(network, batches, epochs, optimizer)
    kinds = [[type(v).__name__ for v in values] for values in history.values()]
    return list(history.items()), kinds, weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(8, 3), y=normal(8, 3))
def validation_measures_and_does_not_train(training, a, b, x, y):
    """A history of loss and measures on other examples; weights as without them."""
    network = small_network(training, a, b)
    optimizer = training.SGD(network.parameters(), 0.1)
    history = training.fit(
        network,
        batches_from(training, x[:4], y[:4]),
        2,
        optimizer,
        training.mse_loss,
        validation=batches_from(training, x[4:], y[4:]),
        measures=[furthest, training.mse_loss],
    )
    return sorted(history.items()), weights_of(network)


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(4, 3),
    y=integers(4, low=0, high=3),
    last=integers(low=2, high=4),
)
def callbacks_see_each_epoch(training, a, b, x, y, last):
    """The network and the history so far; each is called, and any may end it."""
    network, seen = small_network(training, a, b), []

    def stop(given, history):
        return given is network and len(history["loss"]) == last

    def note(given, history):
        seen.append((given is network, list(history["loss"])))
        return 0

    history = training.fit(
        network,
        batches_from(training, x, y),
        5,
        training.SGD(network.parameters(), 0.5),
        callbacks=[stop, note],
    )
    return seen, history["loss"], weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(8, 3), y=normal(8, 3))
def a_step_goes_through_all_epochs(training, a, b, x, y):
    """How often a step that is given is called, and what the history has of it."""
    network, calls = small_network(training, a, b), []
    sgd, batches = (
        training.SGD(network.parameters(), 0.1),
        batches_from(training, x, y),
    )

    def step(*given):
        calls.append(len(given))
        return training.train_step(*given) + len(calls)

    history = training.fit(network, batches, 3, sgd, training.mse_loss, step=step)
    return history["loss"], calls, weights_of(network)


@observe(a=normal(3, 4), b=normal(4, 3), x=normal(4, 3), y=integers(4, low=0, high=3))
def what_cannot_be_repeated_is_refused(training, a, b, x, y):
    """A generator, and validation with the training batches; no epochs change nothing."""
    network = small_network(training, a, b)
    batches = batches_from(training, x, y)
    optimizer = training.SGD(network.parameters(), 0.5)
    refused = [
        raised(lambda: training.fit(network, iter(batches), 2, optimizer)),
        raised(
            lambda: training.fit(network, batches, 2, optimizer, validation=batches)
        ),
    ]
    none = training.fit(network, batches, 0, optimizer)
    return refused, none["loss"], weights_of(network)


### END HIDDEN TESTS

# %% [markdown]
r"""
Now the digits. How many of the 360 new ones will it read right after 20 epochs?
"""


# %% demo=true
reader = MLP([64, 128, 10], rng=0)
sgd = SGD(reader.parameters(), lr=0.5)
history = fit(reader, train, 20, sgd, validation=test, measures=[accuracy])
figure, axes = plt.subplots(figsize=(6.5, 3))
show(figure, draw_losses(axes, history))
print(f"{history['validation_accuracy'][-1]:.1%} right after the last epoch")

# %% [markdown]
r"""
Your own package reads handwriting, from random weights, in about a second. (As in module 4, a split by chance makes
it easier than in life: most of the new digits are by people whose other digits it knows.)

Now break it. Forget to forget the gradients, once with the rate above, and once with a tenth of it. What will happen?

<details>
<summary>Think first, then look</summary>

Each step goes along the sum of all slopes so far, as a heavy ball does that nobody slows down. With a large rate,
it's out of the valley soon. With a small one it swings, but gets somewhere.

</details>
"""


# %% demo=true
class Forgetful(SGD):
    def zero_grad(self):
        pass


for lr in (0.5, 0.05):
    for kind in (SGD, Forgetful):
        network = MLP([64, 128, 10], rng=0)
        fit(network, train, 20, kind(network.parameters(), lr))
        print(f"{kind.__name__:9} lr={lr}: {evaluate(network, test, accuracy):.1%}")

# %% [markdown]
r"""
The large rate shows the mistake at once. The small one hides it: a result that looks fine, until somebody compares.
That's why you compare weights with numbers you know, as the checks do, and don't only look whether the loss goes
down.

**Question 1** (5 points). A friend's training loop is

```python
for x, y in train:
    value = loss(network(x), y)
    optimizer.zero_grad()
    optimizer.step()
    value.backward()
```

(a) Nothing moves, and there is no error. Why? (b) He deletes the line with `zero_grad()`. Now the second batch gives
an error: an input of `linear` *was changed in place after it was used*. What was changed, by which line, and why
would the gradient be wrong? (c) Which order works, and why must each line be where it is? (d) Another friend
has the right order, but no `zero_grad()` at all. Her slope is always $g$, as on a long even hillside. How far has she
come after $n$ steps, and how far should she have come?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="order" points=5
r"""
**Model answer.** (a) `zero_grad()` sets all gradients to `None` right before `step()`, and a step leaves alone what
has no gradient. What `backward()` finds is thrown away in the next turn. (b) `step()` has changed the weights, after
the forward pass has computed the loss with the old ones. The way back through a layer multiplies by its weights; with
the new ones, the result would be the gradient of no function at all. (c) Forget, forwards, back, move (or forwards,
forget, back, move). Back needs the loss of these very weights, so it comes after forwards and before moving. Moving
needs the gradient, so it comes after back. Forgetting must not stand between back and moving. (d) The gradients add
up: she moves by $\eta g, 2 \eta g, 3 \eta g, \dots$, together $\eta g\, n (n + 1) / 2$ instead of $\eta g\, n$.

**Mark scheme.** 1 point: (a) no gradients when moving. 1 point: (b) the weights, by `step()`. 1 point: (b) the way
back needs the weights of the forward pass. 1 point: (c) a right order with its reasons. 1 point: (d) the sum
$n(n+1)/2$ against $n$.
"""

# %% [markdown]
r"""
### 4. A closer look

The accuracy is one number for ten digits. It can hide a lot: if only 4 of 100 patients are ill, a program that calls
everybody healthy is right in 96 % of all cases, and of no use to anybody.

#### Exercise 12: `confusion_matrix` and `f1_scores`

Count, for each class, what the network says. Row $i$ and column $j$ of the **confusion matrix** say how many
examples of class $i$ were taken for class $j$. The diagonal holds what is right. There are as many classes as scores in
a row.

Class $k$ can fail in two ways. Of what is $k$ (row $k$), some is not found; of what is called $k$ (column $k$), some is
something else. The **F1 score** counts both:

$$ F_k = \frac{2 M_{kk}}{\sum_j M_{kj} + \sum_i M_{ik}} $$

It's 1 if nothing is missed and nothing is wrong, and 0 if nothing is found. A class that neither occurs nor is ever
named has $0 / 0$ there; let its score be 0, without a warning of numpy. (Divide by `np.maximum(sums, 1)`, since a sum
below 1 is 0.)
"""


# %% exercise="confusion-matrix"
#| export
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
    ### BEGIN SOLUTION
    labels = labels_for(scores, labels)
    answers = np.asarray(scores).argmax(axis=1)
    matrix = np.zeros((scores.shape[1], scores.shape[1]), dtype=np.int64)
    for label, answer in zip(labels, answers):
        matrix[label, answer] += 1
    return matrix
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    matrix = np.asarray(matrix)
    sums = matrix.sum(axis=0) + matrix.sum(axis=1)
    return 2 * np.diag(matrix) / np.maximum(sums, 1)
    ### END SOLUTION


# %% checks="confusion-matrix" points=5
_scores = np.eye(3)[[0, 0, 1, 2, 0]]
_matrix = confusion_matrix(_scores, [0, 0, 1, 1, 1])
check(
    _matrix,
    [[2, 0, 0], [1, 1, 1], [0, 0, 0]],
    hint="a row for what it is, a column for what it was taken for",
)
check(f1_scores([[2, 0], [1, 2]]), [0.8, 0.8], hint="2 M[k, k] / (row + column)")
check(f1_scores([[2, 0], [0, 0]]), [1.0, 0.0], hint="0 / 0 is to be 0")
### BEGIN HIDDEN TESTS


@observe(
    s=normal(40, 4), labels=integers(40, low=0, high=4), n=integers(low=17, high=40)
)
def counts_of_what_was_taken_for_what(training, s, labels, n):
    """Of a Tensor and of an array, in whole numbers; what is no class is refused."""
    matrix = training.confusion_matrix(training.Tensor(s[:n]), labels[:n])
    few = training.confusion_matrix(s[:3], [0, 0, 1])
    bad = labels[:n, None], labels[:n] - 4
    refused = [raised(lambda b=b: training.confusion_matrix(s[:n], b)) for b in bad]
    return matrix, matrix.dtype.kind, few, labels, refused


@observe(m=integers(4, 4, low=0, high=9), empty=integers(low=0, high=4))
def f1_of_each_class(training, m, empty):
    """Both ways to fail; 0 for a class without examples that is never named."""
    found = training.f1_scores(m)
    without = m.copy()
    without[empty] = without[:, empty] = 0
    return found, training.f1_scores(without), training.f1_scores(without.tolist())


@observe(m=integers(3, 3, low=0, high=2), n=integers(low=1, high=9))
def f1_of_rare_classes(training, m, n):
    """Also where a class was named or occurred but once."""
    one = np.zeros((3, 3), dtype=int)
    one[0, 1], one[2, 2] = 1, n
    return training.f1_scores(m), training.f1_scores(one), training.f1_scores(n * m)


### END HIDDEN TESTS

# %% [markdown]
r"""
Which of the digits is hardest for your reader, and what does it take it for?
"""

# %% demo=true
matrix = confusion_matrix(reader(Tensor(new[:][0])), new[:][1])
figure, axes = plt.subplots()
show(figure, draw_matrix(axes, matrix))
print("F1:", f1_scores(matrix).round(3))

# %% [markdown]
r"""
How long should you train? Here are 200 digits. The person who wrote down the labels was tired, and 40 of them are wrong. The
network has more than enough weights to learn all 200 by heart, the wrong ones, too. What will both losses do?

<details>
<summary>Think first, then look</summary>

First it learns what most of the examples have in common, and that helps with new digits as well. What is left after
that are the wrong labels. It learns these one by one, and each makes it worse on the new digits.

</details>
"""

# %% demo=true
tired = labels[seen.indices[:200]]
tired[:40] = (tired[:40] + 1) % 10
network, few = MLP([64, 128, 10], rng=0), [(Tensor(seen[:200][0]), tired)]
sgd = SGD(network.parameters(), lr=1.0)
history = fit(network, few, 200, sgd, validation=test)
figure, axes = plt.subplots(figsize=(6.5, 3))
show(figure, draw_losses(axes, history))

# %% [markdown]
r"""
The last is not the best. So stop when it gets no better, and go back to the best.

#### Exercise 13: `EarlyStopping`

It's a callback: `fit` calls it with the network and the history after each epoch. It begins with a `best` that
anything is lower than, `np.inf`, with an empty `state`, and with 0 epochs `waited`. When it's called, it looks at the
last number in `history["validation_loss"]`.

- If that is lower than all before, remember three things: the number in `self.best`; in `self.state` what the network
  is now, by `network.state_dict()`; and that we have waited for 0 epochs since, in `self.waited`.
- If not, we have waited one more. (An equal loss is no better.)
- It is time to stop, `True`, once we have waited for `self.patience` epochs.

`restore(network)` loads the best state. Note that `state_dict()` makes copies. What would happen if it didn't, you know
from module 4.
"""


# %% exercise="early-stopping"
#| export
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
        ### BEGIN SOLUTION
        self.patience, self.waited = patience, 0
        self.best, self.state = np.inf, {}
        ### END SOLUTION

    def __call__(self, network: Module, history: dict) -> bool:
        """Look at the last epoch, and say whether to stop."""
        ### BEGIN SOLUTION
        loss = history["validation_loss"][-1]
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.state = network.state_dict()
        else:
            self.waited += 1
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, network: Module) -> None:
        """Give a network the weights of its best epoch."""
        ### BEGIN SOLUTION
        network.load_state_dict(self.state)
        ### END SOLUTION


# %% checks="early-stopping" points=5
_network, _stopping = MLP([1, 1], rng=0), EarlyStopping(patience=2)
_history: dict = {"validation_loss": []}
_said = []
for _n, _loss in enumerate([3.0, 1.0, 2.0, 0.5, 0.5, 0.7]):
    _network[0].bias.data[:] = _n
    _history["validation_loss"].append(_loss)
    _said.append(bool(_stopping(_network, _history)))
check(_stopping.best, 0.5, hint="the lowest so far")
check(
    _said,
    [False, False, False, False, False, True],
    hint="after patience epochs without a lower one; a lower one begins anew",
)
_stopping.restore(_network)
check(_network[0].bias, [3.0], hint="the weights from when the loss was lowest: a copy")
### BEGIN HIDDEN TESTS


@observe(losses=integers(15, low=0, high=3), patience=integers(low=1, high=4))
def when_it_stops_and_what_it_restores(training, losses, patience):
    """After each epoch, with equal losses among them; the weights are those of the best."""
    network = training.MLP([2, 1], rng=0)
    stopping, history, said = (
        training.EarlyStopping(patience),
        {"validation_loss": []},
        [],
    )
    for n, loss in enumerate(losses):
        network[0].bias.data[:] = n
        history["validation_loss"].append(float(loss - n // 3))
        said.append(bool(stopping(network, history)))
    last = network[0].bias.data.copy()
    stopping.restore(network)
    return said, last, network[0].bias.data, float(stopping.best)


@observe(x=normal(6, 3), y=normal(6, 3), a=normal(3, 4), b=normal(4, 3))
def early_stopping_in_a_run(training, x, y, a, b):
    """As a callback of fit, on other examples; the history ends with it."""
    network = small_network(training, a, b)
    stopping = training.EarlyStopping(patience=2)
    optimizer = training.SGD(network.parameters(), 0.3)
    train, other = [(training.Tensor(x), y)], [(training.Tensor(x), 0.2 * y)]
    history = training.fit(
        network,
        train,
        20,
        optimizer,
        training.mse_loss,
        validation=other,
        callbacks=[stopping],
    )
    stopping.restore(network)
    return history["validation_loss"], weights_of(network)


### END HIDDEN TESTS

# %% [markdown]
r"""
### 5. Better steps, and long runs

One rate for all parameters is crude. Where slopes are large, a step is too long, and where they are small, nothing
moves. **Adam** gives each number in the network a rate of its own (Kingma and Ba, "Adam: a method for stochastic
optimization", 2015). It remembers two things for each: the mean of the last slopes, $m$, and the mean of their
squares, $v$.

$$ m \leftarrow m + (1 - \beta_1)(g - m) \qquad v \leftarrow v + (1 - \beta_2)(g^2 - v) $$

$$ w \leftarrow w - \eta\, \frac{m}{\sqrt{v}} $$

With $\beta_1 = 0.9$, the mean is over about ten steps, and with $\beta_2 = 0.999$ over a thousand. Both begin at 0. How
long is the first step, if the slope is 1?
"""

# %%
print(f"{0.1 * 1.0 / np.sqrt(0.001 * 1.0**2):.2f} times the rate")

# %% [markdown]
r"""
Both means are too small in the beginning, since they remember zeros that never were slopes. And $v$ is too small by
more, so the first steps are too long, just when the network knows least. The cure: after $t$ steps, the zeros still
have the share $\beta^t$ in a mean. Divide by the rest:

$$ \hat m = \frac{m}{1 - \beta_1^t} \qquad \hat v = \frac{v}{1 - \beta_2^t} \qquad
w \leftarrow w - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} $$

The tiny $\varepsilon$ is *outside* the root, and saves us from dividing by 0.

#### Exercise 14: `Adam`

`__init__`: hand parameters and rate on to `super().__init__`, and keep `self.betas` and `self.eps`. Then make what is
to be remembered, all zeros: `self.steps`, an array of whole numbers, with one for each parameter, and the lists
`self.means` and `self.squares`, with an array of the shape and dtype of each parameter.

`step`: for each parameter that has a gradient, number `n`,

1. count its step, and take $t$ as Python's own number, `self.steps[n].item()`;
2. move both means, in place;
3. divide each by $1 - \beta^t$, without changing what is remembered;
4. move `p.data` in place.
"""


# %% exercise="adam"
#| export
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
        ### BEGIN SOLUTION
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps
        self.steps = np.zeros(len(self.parameters), dtype=int)
        self.means = [np.zeros(p.shape, p.dtype) for p in self.parameters]
        self.squares = [np.zeros(p.shape, p.dtype) for p in self.parameters]
        ### END SOLUTION

    def step(self) -> None:
        """Move each parameter that has a gradient."""
        ### BEGIN SOLUTION
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
        ### END SOLUTION


# %% checks="adam" points=8
_w, _v = Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)
_adam, _array = Adam([_w, _v], lr=0.5), _w.data
_w.grad = np.array([4.0], dtype=np.float32)
_adam.step()
check(_w, [0.5], hint="the first step is as long as the rate: divide by 1 - beta**t")
check(_w.data is _array, True, hint="in place: p.data -= …")
check(_v, [2.0], hint="without a gradient, nothing moves")
_w.grad = np.array([-4.0], dtype=np.float32)
_adam.step()
check(_w, [0.5263158], hint="m is 0.4, then 0.4 - 0.44: means remember, in place")
check(_adam.means[0], [-0.04], hint="m += (1 - beta1) * (g - m), in place")
check(_adam.steps.tolist(), [2, 0], hint="each parameter counts its own steps")
_adam = Adam([_v], lr=0.5, eps=4.0)
_v.grad = np.array([4.0], dtype=np.float32)
_adam.step()
check(_v, [1.75], hint="eps is outside of the root: 2 - 0.5 * 4 / (4 + 4)")
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.01),
    betas=uniform(2, low=0.1, high=0.99),
    eps=uniform(low=0.01),
    left_out=integers(low=0, high=3),
)
def weights_after_steps_of_adam(training, a, b, g, h, lr, betas, eps, left_out):
    """After five steps, one of them without a gradient for one parameter."""
    w, v = parameters_of(training, a, b)
    adam = training.Adam([w, v], lr, tuple(betas.tolist()), eps)
    found = []
    for n in range(5):
        w.grad, v.grad = g[n], h[n] if n != left_out else None
        adam.step()
        found.append((w.data.copy(), v.data.copy()))
    return found, g


@observe(a=normal(4), g=normal(3, 4))
def steps_of_adam_as_it_comes(training, a, g):
    """With the usual settings: two of them do not share what they remember."""
    w, v = parameters_of(training, a, a)
    first, second = training.Adam([w]), training.Adam([v])
    for n in range(3):
        w.grad, v.grad = g[n], g[n] * (n == 2)
        first.step()
        if n > 0:
            second.step()
    counts = first.steps, second.steps, first.steps.dtype.kind
    return w.data - a, v.data - a, first.means, first.squares, counts


@observe(a=normal(3, dtype="float32"), g=normal(2, 3, dtype="float32"))
def adam_in_float32(training, a, g):
    """The arrays stay, and the dtype, also of a Variable; a slope of zero moves nothing."""
    (w,), v = parameters_of(training, a), training.Variable(a.copy())
    array, adam = w.data, training.Adam([w, v], 0.1)
    for n in range(2):
        w.grad, v.grad = g[n] * [1, 0, 1], g[n].copy()
        w.grad = w.grad.astype("float32")
        adam.step()
    dtypes = [str(x.dtype) for x in (array, v, *adam.means, *adam.squares)]
    return w.data is array, array, v.numpy(), dtypes


### END HIDDEN TESTS

# %% [markdown]
r"""
Your formula makes a new array for each of its parts, and throws it away again. That's easy to read, and fine here. For
large networks there's `tinytorch.in_place`, whose `Adam` computes the same in memory that it keeps.

#### Exercise 15: `learn_xor` and `learn_spirals` (milestone M3)

You have all it takes, so do it all, from random weights to a network that works.

`learn_xor(width, seed)` makes an `MLP` with 2 inputs, `width` hidden neurons and 1 score, of that seed. It trains it
on the four examples of XOR with `overfit`, `bce_with_logits` and the optimizer you like, and returns it.

`learn_spirals(points, labels)` gets points of two spirals, an array of shape (n, 2), and their labels, 0 or 1. It
returns a network with two scores that tells them apart. Which network, which optimizer and how many epochs is up to
you, but it must take less than a second.

- All points can be one batch: `[(Tensor(points), labels)]`.
- Two hidden layers of 32, `Adam` with `lr=0.03` and 150 epochs are enough; others are, too.
- A network that begins with other weights each time may fail one day. Give `MLP` a seed.
"""


# %% exercise="learn"
#| export
def learn_xor(width: int = 8, seed: int = 0) -> Module:
    """A network that has learned XOR from random weights: above 0 is yes.

    Parameters
    ----------
    width : int
        How many hidden neurons it has.
    seed : int
        Of its first weights.
    """
    ### BEGIN SOLUTION
    x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    network = MLP([2, width, 1], rng=seed)
    optimizer = SGD(network.parameters(), lr=1.0)
    overfit(network, x, y, optimizer, bce_with_logits, steps=200)
    return network
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    network = MLP([2, 32, 32, 2], rng=0)
    optimizer = Adam(network.parameters(), lr=0.03)
    batches = [(Tensor(points), labels)]
    fit(network, batches, 150, optimizer)
    return network
    ### END SOLUTION


# %% checks="learn" milestone="M3" points=6
_corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
check(
    learn_xor(16, seed=1)(_corners).numpy() > 0,
    [[False], [True], [True], [False]],
    hint="a score above 0 for yes; more steps, or a larger rate",
)
_found = learn_spirals(*spirals(200, turns=1, rng=1))
_points, _labels = spirals(500, turns=1, rng=2)
_outside = np.linalg.norm(_points, axis=1) > 0.3
_right = accuracy(_found(Tensor(_points[_outside])), _labels[_outside])
check(_right > 0.98, True, hint="more epochs, or more hidden neurons")
### BEGIN HIDDEN TESTS


def on_spirals(seed, count, noise):
    """Points on two spirals that go once around the middle, and their labels."""
    rng, labels = np.random.default_rng(seed), np.arange(count) % 2
    radius = np.sqrt(rng.uniform(0.1 if noise == 0 else 0.0, 1, size=count))
    angle = 2 * np.pi * (radius + labels / 2)
    arc = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (arc + noise * rng.normal(size=(count, 2))).astype("float32"), labels


@observe(width=choice(14, 15, 17, 18, 19), seed=integers(low=0, high=3), x=normal(4))
def xor_is_learned_from_random_weights(training, width, seed, x):
    """The answers to the four questions; its width; and the same seed gives the same network."""
    network, order = training.learn_xor(width, seed), np.argsort(x)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])[order]
    scores = np.asarray(network(training.Tensor(corners.astype("float32"))))
    again = training.learn_xor(width, seed).parameters()
    same = [bool((p.data == q.data).all()) for p, q in zip(network.parameters(), again)]
    return scores > 0, [p.shape for p in network.parameters()], same


@observe(
    seed=integers(low=0, high=10**6), other=integers(low=0, high=10**6), turn=uniform()
)
def new_points_of_two_spirals(training, seed, other, turn):
    """What the network says of points in the middle of each arm, turned by an angle."""
    c, s = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    turned = np.array([[c, s], [-s, c]], dtype="float32")
    (points, labels), (new, _) = (
        on_spirals(seed, 200, 0.015),
        on_spirals(other, 100, 0),
    )
    mixed = np.random.default_rng(other).permutation(100)
    network = training.learn_spirals(points @ turned, labels)
    scores = np.asarray(network(training.Tensor(new[mixed] @ turned)))
    return scores.argmax(axis=1), isinstance(network, training.Module)


### END HIDDEN TESTS

# %%
points, which = spirals(200, turns=1, rng=0)
moons_figure(learn_spirals(points, which), points, which, "Found from random weights")

# %% [markdown]
r"""
There they are, and nobody has sent you a file.

Sometimes a single step ruins everything. Here are 20 points of a curve, 200 times over. In one of these batches, one
of the targets is 3,000,000, since somebody has pressed a key for too long. What is the loss at the end?
"""

# %% demo=true
x = Tensor(np.linspace(-1, 1, 20)[:, None])
curve = np.tanh(3 * np.asarray(x))
mistyped = np.where(np.arange(20)[:, None] == 3, 3e6, curve)
batches = [(x, curve)] * 100 + [(x, mistyped)] + [(x, curve)] * 100


def loss_at_the_end(kind):
    network = MLP([1, 16, 1], rng=0)
    train_epoch(network, batches, kind(network.parameters(), 0.1), mse_loss)
    return evaluate(network, batches[:1], mse_loss)


print(loss_at_the_end(SGD))

# %% [markdown]
r"""
#### Exercise 16: `clip_grad_norm_`

The direction of such a step may even be right. It's the length that kills. So if the gradient, *all parameters
together*, is longer than `max_norm`, shorten it to that:

$$ \lVert g \rVert = \sqrt{\sum_p \sum_i g_{p,i}^2} \qquad g \leftarrow g \cdot \frac{\text{max}}{\lVert g \rVert}
\quad \text{if } \lVert g \rVert > \text{max} $$

1. Refuse a `max_norm` that is not `>= 0`. (Then NaN is refused, too.)
2. `gradients_of(parameters)`, which is given, is a list of all gradients there are, each array once.
3. Compute the norm of all together, as a `float`. Squares of float32 can overflow; take `g.astype(np.float64)`.
4. If it is larger than `max_norm`, but not infinite, scale each gradient **in place**, with `*=`. If you shorten each
   by itself, the step points somewhere else.
5. Return the norm as it was before.

Until now you had a function of that name from module 7, and the one for single numbers, `clip_grad_value_`, still is.
"""


# %% exercise="clipping"
#| export
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
    ### BEGIN SOLUTION
    if not max_norm >= 0:
        raise ValueError(f"max_norm is {max_norm}; it must not be negative")
    gradients = gradients_of(parameters)
    norm = float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients)))
    if max_norm < norm < np.inf:
        for g in gradients:
            g *= max_norm / norm
    return norm
    ### END SOLUTION


# %% checks="clipping" points=4
_w, _v = Tensor([0.0], requires_grad=True), Tensor([0.0], requires_grad=True)
_w.grad, _v.grad = np.array([3.0]), np.array([4.0])
check(clip_grad_norm_([_w, _v], 10.0), 5.0, hint="the root of 9 + 16")
check(_w.grad, [3.0], hint="a gradient that is short enough stays as it is")
check(clip_grad_norm_([_w, _v], 1.0), 5.0, hint="return the norm from before")
check(
    [_w.grad[0], _v.grad[0]],
    [0.6, 0.8],
    hint="one factor for all: g *= max_norm / norm",
)
### BEGIN HIDDEN TESTS


def with_gradients(training, *gradients):
    """Parameters that have these gradients."""
    found = parameters_of(training, *[np.zeros(np.shape(g)) for g in gradients])
    for p, g in zip(found, gradients):
        p.grad = g
    return found


@observe(g=normal(2, 3), h=normal(4), limit=uniform(high=6.0))
def norm_and_direction(training, g, h, limit):
    """All gradients together, in place; parameters without one are left alone."""
    arrays = g.copy(), h.copy()
    parameters = [*with_gradients(training, *arrays), training.Tensor(g)]
    norm = training.clip_grad_norm_(parameters, limit)
    again = training.clip_grad_norm_(iter(parameters), 2 * limit)
    (still,) = with_gradients(training, g.copy())
    nothing = training.clip_grad_norm_([still], 0), still.grad
    return norm, again, type(norm).__name__, arrays, nothing


@observe(g=normal(3), scale=integers(low=25, high=30))
def gradients_that_are_huge_or_shared(training, g, scale):
    """In float32, whose squares overflow; an array that two parameters share, once."""
    huge = (g * 10.0**scale).astype("float32")
    shared, one = g.copy(), g.copy()
    found = [
        training.clip_grad_norm_(with_gradients(training, huge), 1.0) / 10.0**scale,
        training.clip_grad_norm_(with_gradients(training, shared, shared, one), 0.5),
    ]
    return found, huge, str(huge.dtype), shared, one


@observe(g=normal(3), bad=choice(np.inf, np.nan))
def gradients_that_are_not_finite_stay(training, g, bad):
    """Nothing is scaled then; a limit that is negative is refused."""
    h = np.array([bad, g[0], g[1]])
    parameters = with_gradients(training, g.copy(), h)
    norm = training.clip_grad_norm_(parameters, 0.1)
    refused = raised(lambda: training.clip_grad_norm_(parameters, -1.0))
    return str(norm), parameters[0].grad, str(h[1]), refused


### END HIDDEN TESTS


# %% demo=true
class Clipped(SGD):
    def step(self):
        clip_grad_norm_(self.parameters, 1.0)
        super().step()


print(f"{loss_at_the_end(Clipped):.4f}")

# %% [markdown]
r"""
A long run gets interrupted: a battery, an update, a colleague. If you saved the weights, can you go on as if nothing
had happened? Not quite. Adam would begin with means of zero, and the digits would come in another order.

A run is more than its weights. It's *everything that changes*: the weights and whatever else the network keeps, what
the optimizer remembers, and the state of the generator that shuffles the examples. If one of them is forgotten, the
run that goes on is another run.

#### Exercise 17: `changing`, `save` and `load`

Your `walk` from module 4 finds everything in everything, each part once.

`changing(network, optimizer, rng)`: walk through the dictionary `{"network": network, "optimizer": optimizer, "rng":
rng}`, and return a dictionary of all Tensors, Variables, arrays (`np.ndarray`) and generators (`np.random.Generator`)
in it, by name.

`save`: make arrays of these, each with `array_of(part)`, which is given; add `"epoch"` as `np.array(epoch)`; and hand
path and arrays to `write_arrays`. It writes an `npz` file, the whole or nothing.

`load`: get the arrays by `read_arrays(path)`. Let `refuse_differences(found, arrays, optimizer)` look at everything
first, with `found` from `changing`. Then put each array back with `put(part, array)`. Return the epoch as an `int`.

No *pickle*: a pickled file is a program, and who opens it runs it.
"""


# %% exercise="save-and-load"
#| export
def changing(network, optimizer=None, rng=None) -> dict[str, object]:
    """Whatever training changes: Tensors, Variables, arrays and generators, by name."""
    ### BEGIN SOLUTION
    everything = {"network": network, "optimizer": optimizer, "rng": rng}
    kinds = (Tensor, Variable, np.ndarray, np.random.Generator)
    return {name: part for name, part in walk(everything) if isinstance(part, kinds)}
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    found = changing(network, optimizer, rng)
    arrays = {name: array_of(part) for name, part in found.items()}
    write_arrays(path, arrays | {"epoch": np.array(epoch)})
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    arrays, found = read_arrays(path), changing(network, optimizer, rng)
    refuse_differences(found, arrays, optimizer)
    for name, part in found.items():
        put(part, arrays[name])
    return int(arrays["epoch"])
    ### END SOLUTION


# %% checks="save-and-load" points=7
_network, _rng = MLP([1, 1], rng=0), np.random.default_rng(5)
_adam, _file = Adam(_network.parameters()), io.BytesIO()
_names = list(changing(_network, _adam, _rng))
_expected = """network.layers.0.weights network.layers.0.bias optimizer.steps
    optimizer.means.0 optimizer.means.1 optimizer.squares.0 optimizer.squares.1
    rng""".split()
check(
    [name for name in _expected if name not in _names],
    [],
    hint="these are missing: walk through the dictionary of all three",
)
check(
    [name for name in _names if name not in _expected],
    [],
    hint="these are too many: only Tensors, Variables, arrays and generators",
)
train_epoch(_network, [_batch], _adam, mse_loss)
save(_file, _network, _adam, epoch=1, rng=_rng)
_next = _rng.random()
train_epoch(_network, [_batch], _adam, mse_loss)
_file.seek(0)
_other, _again = MLP([1, 1], rng=1), np.random.default_rng()
_its_adam = Adam(_other.parameters())
check(load(_file, _other, _its_adam, _again), 1, hint="the epoch that was saved")
check(_again.random() == _next, True, hint="put(part, array) for the generator, too")
train_epoch(_other, [_batch], _its_adam, mse_loss)
check(
    _other[0].weights.item() == _network[0].weights.item(),
    True,
    hint="to the last bit: weights, and all that Adam remembers",
)
_file.seek(0)
check_raises(KeyError, lambda: load(_file, MLP([1, 1, 1])), hint="refuse_differences")
### BEGIN HIDDEN TESTS


class Dicing:
    """A layer with a generator, a Variable, a frozen Tensor and an array that it changes."""

    def __init__(self, training, seed):
        self.rng, self.mean = np.random.default_rng(seed), np.zeros(3)
        self.scale = training.Variable(np.ones(3))
        self.frozen = training.Tensor(np.zeros(3))

    def __call__(self, x):
        self.mean += x.numpy().mean(axis=0)
        self.frozen.data = self.frozen.data + 1.0
        noise = self.rng.random(x.shape) + self.mean + self.frozen.data
        return x * noise * self.scale


def a_run(training, a, b, seed):
    """A network with such a layer, Adam, and a generator of orders."""
    network = small_network(training, a, b)
    network.layers.insert(0, Dicing(training, seed))
    optimizer = training.Adam(network.parameters(), 0.1)
    return network, optimizer, np.random.default_rng(seed)


def epochs_of_a_run(training, network, optimizer, rng, x, y, count):
    """Some epochs, each in an order that is drawn."""
    for _ in range(count):
        order = rng.permutation(len(x))
        batches = batches_from(training, x[order], y[order])
        training.train_epoch(network, batches, optimizer)


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    x=normal(7, 3),
    y=integers(7, low=0, high=3),
    seed=integers(low=0, high=10**6),
    epoch=integers(low=1, high=99),
)
def a_run_that_goes_on(training, a, b, x, y, seed, epoch):
    """Interrupted and not interrupted: all weights, draws and frozen numbers."""
    import io

    whole = a_run(training, a, b, seed)
    epochs_of_a_run(training, *whole, x, y, 2)
    file = io.BytesIO()
    training.save(file, whole[0], whole[1], epoch, whole[2])
    epochs_of_a_run(training, *whole, x, y, 2)
    other = a_run(training, b.T, a.T, seed + 1)
    file.seek(0)
    found = training.load(file, other[0], other[1], other[2])
    epochs_of_a_run(training, *other, x, y, 2)
    runs = [(weights_of(n), n[0].mean, n[0].frozen.data) for n, _, _ in (whole, other)]
    return found, type(found).__name__, runs


@observe(
    a=normal(3, 4),
    b=normal(4, 3),
    seed=integers(low=0, high=10**6),
    epoch=integers(low=1, high=99),
)
def what_the_file_holds(training, a, b, seed, epoch):
    """Names and shapes, with and without an optimizer and a generator; no objects."""
    import io

    network, optimizer, rng = a_run(training, a, b, seed)
    found = []
    for more in ({}, {"optimizer": optimizer, "rng": rng}, {"rng": [rng, rng]}):
        file = io.BytesIO()
        training.save(file, network, epoch=epoch, **more)
        file.seek(0)
        arrays = np.load(file, allow_pickle=False)
        found.append([(n, arrays[n].shape) for n in sorted(arrays.files)])
        weights = arrays["network.layers.1.weights"]
    return found, weights, int(arrays["epoch"])


@observe(a=normal(3, 4), b=normal(4, 3), seed=integers(low=0, high=10**6))
def what_does_not_fit_is_refused(training, a, b, seed):
    """Another network, and half of one: an error, and nothing has changed; the weights alone."""
    import io

    network, optimizer, rng = a_run(training, a, b, seed)
    file = io.BytesIO()
    training.save(file, network, optimizer, 3, rng)
    other = training.MLP([3, 4, 3], rng=0).astype("float64")
    before, refused = weights_of(other), []
    for bad in (other, training.MLP([3, 5, 3])):
        bad.layers.insert(0, Dicing(training, 0) if bad is not other else np.tanh)
        file.seek(0)
        refused.append(raised(lambda n=bad: training.load(file, n)))
    same = all((p == q).all() for p, q in zip(before, weights_of(other)))
    other.layers[0] = Dicing(training, seed + 1)
    file.seek(0)
    sgd = training.SGD(other.parameters(), 0.1)
    refused.append(raised(lambda: training.load(file, other, sgd)))
    file.seek(0)
    training.load(file, other)
    return refused, bool(same), weights_of(other), other[0].rng.random()


### END HIDDEN TESTS

# %% [markdown]
r"""
The last check trains one network without a break, and another one that was saved and loaded in between. They agree to
the last bit, and so would yours after a hundred epochs.

That was the last exercise. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    Adam BCEWithLogitsLoss CrossEntropyLoss EarlyStopping MSELoss Optimizer SGD
    accuracy bce_with_logits changing clip_grad_norm_ clip_grad_value_
    confusion_matrix cross_entropy evaluate evaluating f1_scores fit learn_spirals
    learn_xor load mse_loss overfit save train_epoch train_step unreached
""".split()

# %% [markdown]
r"""
## Use

Back to the digits, with Adam, and with early stopping. (It looks at the very digits on which we report. Module 6 says
what's wrong with that, and what to do.) How long does it take, and which images does it find hardest? The loss of
each example tells, with `reduction="none"`. Above each image is what the network says, and what is right.
"""

# %% demo=true
start, stopping = time.process_time(), EarlyStopping(patience=5)
reader = MLP([64, 128, 10], rng=0)
adam = Adam(reader.parameters(), lr=0.003)
fit(reader, train, 40, adam, validation=test, callbacks=[stopping])
stopping.restore(reader)
print(f"{evaluate(reader, test, accuracy):.1%} in {time.process_time() - start:.1f} s")
scores, (x, y) = reader(Tensor(new[:][0])).numpy(), new[:]
worst = np.argsort(cross_entropy(scores, y, "none"))[:-9:-1]
titles = [f"{scores[n].argmax()} for {y[n]}" for n in worst]
digits_figure(x[worst].reshape(-1, 8, 8), titles)

# %% [markdown]
r"""
## Analyze

### Luck and width

XOR can be solved with two hidden neurons. You saw such weights in module 3. But can training *find* them? Train ten
networks of each width, from ten seeds. How many will get there?

<details>
<summary>Think first, then look</summary>

With two neurons, both have to begin in the right place. If one of them is off for all four examples, its gradient is
zero, and it stays off for ever. Of sixteen neurons, some begin right.

</details>
"""


# %% demo=true
for width in (2, 4, 8, 16):
    found = [learn_xor(width, seed)(corners).numpy() > 0 for seed in range(10)]
    print(f"width {width:2}: {sum((f == exclusive_or).all() for f in found)} of 10")

# %% [markdown]
r"""
Networks that are trained are larger than they would have to be. They need the surplus to find an answer, not to hold it.
"""

# %% [markdown]
r"""
### Six curves

Here are six runs of ten epochs on the digits: one that is right, and five in which one thing is wrong. Each picture
shows the loss during training (solid) and on digits of people who are new (dashed). The thin line is $\ln 10$, the
loss of somebody for whom all ten digits are equally likely. They are in no order.

The six are: (1) nothing is wrong; (2) the rate is far too small; (3) the rate is too large; (4) softmax twice; (5)
images and labels were shuffled apart; (6) only 64 examples.
"""


# %% demo=true
figure, axes = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey=True)
show(figure, draw_six(axes, six_runs(fit, SGD, cross_entropy)))

# %% [markdown]
r"""
**Question 2** (5 points). Which picture belongs to which run, and *what in it* tells you so? For the wrong ones, say
how you'd make sure in real life, when nobody gives you a list. (Half of the points are for the reasons.)

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="six-curves" points=5
r"""
**Model answer.** A is (1): both losses fall far, and the second stays a little above. (New people write differently;
that is no mistake.) B is (4), softmax twice: both fall together, but flatten out near 1.5, since with probabilities
as scores the loss can't get below 1.46. To make sure: look at the last layer, or see whether the scores are between 0
and 1. C is (6), few examples: the network knows its own examples by heart, and the others not, so there is a wide
gap. To make sure: take more examples, and see whether the gap closes. D is (2), a rate that's far too small: both go
down together, but hardly. To make sure: take a rate ten times as large. E is (3), a rate that is too large: the first
loss is far above $\ln 10$, and then both stay right at $\ln 10$, because the first steps have switched off nearly all hidden neurons, for all
images, and for good. To make sure: a tenth of the rate. F is (5), labels shuffled apart from their images: there's
nothing to learn, so it starts at $\ln 10$. The first loss falls a little, because some is learned by heart, and the
other rises. To make sure: look at some images with their labels.

**Mark scheme.** 1 point: at least four are right. 1 point: all six are right. 1 point: a reason with a number for B
or F (1.46, $\ln 10$). 1 point: C and F told apart by their gaps, D and E by how they begin. 1 point: at least three
ways to make sure.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`torch.nn.functional` has `mse_loss`, `cross_entropy` and `binary_cross_entropy_with_logits`, with the same
reductions; `torch.nn` has the layers. For shapes that differ but broadcast, `mse_loss` only warns. `torch.optim.SGD`
and `Adam` have `step()` and `zero_grad()`, which sets gradients to `None`, too. `torch.nn.utils.clip_grad_norm_` is
as ours. There is no `fit` in PyTorch: people write the loop themselves, as you did, or take a library such as
Lightning. `torch.save` pickles; since version 2.6, `torch.load` refuses by default to run what it finds.

</details>

## What you have built

- A loss is what you mean by wrong. It takes scores, and it refuses shapes that only happen to fit.
- Forget, forwards, back, move. Each other order fails without an error, or is refused.
- Numbers in the history, no graphs. Nothing recorded and no switch moved by looking.
- Each example counts the same, and the last epoch need not be the best.
- A run is everything that changes. Saved whole, it goes on as if nothing had happened, to the last bit.

Export your module with `python bin/tito.py export 08_training`. Next comes
**module 9, Optimizers**: momentum, schedules, and why Adam isn't always the best. Module 15 can be done now as well.
"""

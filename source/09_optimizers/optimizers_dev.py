# %% [markdown]
r"""
# Module 9: Optimizers

Two people train the same network on the same digits. Both take Adam, with the same rate and the same number of steps.
One network reads handwriting in the end. The other one is far behind. The only difference is a function of three
lines, which says how the rate changes while they train. In this module you write that function, and make both runs
yourself.

In module 8 you had one number, the rate, and nobody told you how to choose it. Here you see what limits it, and you
write the rules that people have found since 1964 to get more out of it. Each rule is a few lines. Each was an answer
to something that went wrong, so first you watch it go wrong.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | a ravine, and what limits the rate; an optimizer with groups; momentum | 4 | 100 min |
| 2 | weight decay, and who's spared | 1 | 25 min |
| 3 | a rate for each number: `Adagrad`, `RMSProp`, `Adam`, `AdamW` | 4 | 80 min |
| 4 | a rate for each moment: schedules, warming up | 3 | 65 min |
| 5 | a run that goes on; how to find a rate; Newton's method without a matrix | 3 | 65 min |
| Use and Analyze | seven optimizers, one problem; a banana; memory and time | 2 questions | 25 min |

You need module 8 and all that it needs, exported. Cells that show something take their batches from module 6. `progress()`
in a cell shows how far you are.
"""

# %%
#| default_exp core.optimizers
#| export
from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable

import numpy as np

from tinytorch.core import training
from tinytorch.core.networks import Module
from tinytorch.core.tensor import Tensor, extend
from tinytorch.core.training import cross_entropy, load, save, train_step
from tinytorch.support.optimizer_state import refuse_other_state
from tinytorch.support.param_groups import GroupMethods, arrays_of, groups_to_train
from tinytorch.support.schedules import (
    Schedule,
    SchedulerMethods,
    again,
    refuse_no_schedule,
)

BETAS = 0.9, 0.999  # what Adam's two means keep, if nobody says otherwise

# %% [markdown]
r"""
What comes from `tinytorch.support` is there for safety and comfort, as before. Where you need it, the text says what it
does. The next cell is for this notebook only:
"""

# %%
import matplotlib.pyplot as plt

from tinytorch.core.networks import MLP
from tinytorch.core.training import accuracy, evaluate, fit, mse_loss
from tinytorch.support.paths import (
    banana,
    draw_costs,
    draw_curves,
    draw_paths,
    draw_schedules,
    draw_sweep,
    places_of,
    ravine,
)
from tinytorch.support.races import (
    banana_paths,
    costs_of,
    digits_batches,
    loss_after_a_break,
    newton_steps,
    race,
    ravine_paths,
    seven,
)
from tito.checks import check, check_raises
from tito.figures import show
from tito.student.progress import progress as progress

# %% [markdown]
r"""
## Build

### 1. A ravine

Here is a valley that is a hundred times as steep to the sides as along its floor:

$$ f(x, y) = \frac{1}{2} x^2 + \frac{1}{2} \cdot 100\, y^2 \qquad \text{with the slopes } x \text{ and } 100\, y $$

The numbers 1 and 100 are its *curvatures*. The valleys of real networks look like this in many of their directions. It's
the reason why one rate is hard to choose.

#### Exercise 1: what a step leaves

In a direction of curvature $c$, a step of gradient descent with the rate $\eta$ turns $x$ into
$x - \eta\, c\, x = (1 - \eta c)\, x$. So each step multiplies the distance to the bottom by the same number.

- `kept_by_a_step` returns that number, $1 - \eta c$.
- `best_rate` returns the rate at which the flattest and the steepest direction shrink equally fast:
  $\eta = 2 / (c_{\min} + c_{\max})$.

`curvatures` is an array, and may have more than two numbers.
"""


# %% exercise="ravine"
def kept_by_a_step(curvatures: np.ndarray, lr: float) -> np.ndarray:
    """By what a step multiplies the distance to the bottom, in each direction."""
    ### BEGIN SOLUTION
    return 1 - lr * curvatures
    ### END SOLUTION


def best_rate(curvatures: np.ndarray) -> float:
    """The rate at which the slowest direction is as fast as it can be."""
    ### BEGIN SOLUTION
    return 2 / (curvatures.min() + curvatures.max())
    ### END SOLUTION


# %% checks="ravine" points=3
_curvatures = np.array([2.0, 10.0, 6.0])
check(
    kept_by_a_step(_curvatures, 0.1),
    [0.8, 0.0, 0.4],
    hint="1 - lr * c, for each of them",
)
check(best_rate(_curvatures), 1 / 6, hint="2 / (smallest + largest)")
check(
    kept_by_a_step(np.array([3.0]), 1.0),
    [-2.0],
    hint="it may be negative: the step goes across the valley",
)
### BEGIN HIDDEN TESTS
from tito.observations import (
    choice,
    integers,
    normal,
    observe,
    raised,
    uniform,
)


@observe(c=uniform(5, low=0.1, high=9.0), lr=uniform(low=0.05), x=normal(5))
def what_steps_leave(optimizers, c, lr, x):
    """In five directions; two steps are the number twice; the curvatures stay."""
    kept = optimizers.kept_by_a_step(c, lr)
    return kept, kept * kept * x, c


@observe(c=uniform(6, low=0.1, high=9.0), n=integers(low=2, high=7))
def the_best_rate_of_some_curvatures(optimizers, c, n):
    """In any order; at that rate the largest and the smallest number differ in their sign."""
    rate = optimizers.best_rate(c[:n])
    return float(rate), optimizers.kept_by_a_step(c[:n], float(rate)), c


### END HIDDEN TESTS

# %% [markdown]
r"""
What happens in the ravine with a rate of 0.019, and what with 0.021? Look at $1 - \eta c$ for $c = 100$.

<details>
<summary>Think first, then look</summary>

$1 - 0.019 \cdot 100 = -0.9$: each step jumps to the other side, a bit closer to the floor. $1 - 0.021 \cdot 100 = -1.1$:
each step jumps to the other side, and is further away. So the rate must be below $2 / c_{\max} = 0.02$. The steepest
direction decides. And the flattest one pays for it: with 0.019 it keeps 0.981 of its distance in each step.

</details>
"""

# %%
curvatures = np.array([1.0, 100.0])
for lr in (0.019, 0.021, best_rate(curvatures)):
    flat, steep = kept_by_a_step(curvatures, lr)
    print(f"lr {lr:.4f}: a step keeps {flat:.4f} and {steep:.4f},", end=" ")
    print(f"100 steps {flat**100:.3f} and {steep**100:.3f}")

# %% [markdown]
r"""
Even the best rate leaves more than a tenth after a hundred steps. To get further, we need better *directions*.

#### Exercise 2: `Optimizer`, what it's given and what it remembers

All optimizers of this module share one frame: for each parameter, go by the rate in some direction.

$$ w \leftarrow w - \eta \cdot \text{direction} $$

Two things are new. **Groups:** parameters may have settings of their own, such as another rate for the last layer. A
group is a dictionary with a list of parameters, `"params"`, and the settings in which it differs. (The names are those of
PyTorch.) **Memory:** most rules remember something about each parameter, such as a mean of its slopes.

`__init__` gets the parameters, and the usual settings in `defaults`, such as `{"lr": 0.1, "momentum": 0.9}`.

1. `groups_to_train(parameters, defaults)` is given. It returns a list of groups, and refuses what can't be trained.
   Keep in `self.param_groups` a list of these groups, each with all settings: those of `defaults`, unless the group has its
   own. (`first | second` makes a dictionary of both; where both have a name, the second one wins.)
2. Keep in `self.state` a list with one dictionary for each parameter: `"steps"`, an array `np.array(0)` that counts, and
   for each name in `self.remembers`, zeros of the parameter's shape and dtype. `self.members()` is given: it yields pairs
   `(parameter, group)`, one parameter after the other.

It inherits `zero_grad` from your `Optimizer` of module 8.
"""


# %% exercise="optimizer"
#| export
class Optimizer(GroupMethods, training.Optimizer):
    """What moves parameters; each kind has a `direction` of its own.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained: parameters, or groups of them. A group is a dictionary
        with ``"params"`` and the settings in which it differs.
    **defaults
        The settings of all groups that have no others: ``lr``, and what the kind needs.

    Attributes
    ----------
    param_groups : list of dict
        The groups, each with ``"params"`` and all settings, which may be changed.
    state : list of dict of ndarray
        What is remembered of each parameter: ``"steps"``, and what is in `remembers`.
    remembers : tuple of str
        Of the class: the names of what is remembered besides, in the parameter's shape.

    Raises
    ------
    TypeError
        If a parameter requires no gradient, or parameters and groups are mixed.
    ValueError
        If there are none, one comes twice, or a setting is unknown or out of its range.
    """

    remembers: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable, **defaults):
        ### BEGIN SOLUTION
        groups = groups_to_train(parameters, defaults)
        self.param_groups = [defaults | group for group in groups]
        self.state = []
        for p, _ in self.members():
            zeros = {name: np.zeros(p.shape, p.dtype) for name in self.remembers}
            self.state.append({"steps": np.array(0)} | zeros)
        ### END SOLUTION


# %% checks="optimizer" points=7
class _Remembering(Optimizer):
    remembers = ("first", "second")


_w, _v = (Tensor(np.ones(n), requires_grad=True) for n in (2, 3))
_groups = [{"params": [_w]}, {"params": [_v], "lr": 0.5}]
_optimizer = _Remembering(_groups, lr=0.1, momentum=0.9)
check(
    [group["lr"] for group in _optimizer.param_groups],
    [0.1, 0.5],
    hint="defaults | group: what the group says wins",
)
check(
    [group["momentum"] for group in _optimizer.param_groups],
    [0.9, 0.9],
    hint="defaults | group: each group has all settings",
)
check(
    [list(memory) for memory in _optimizer.state],
    [["steps", "first", "second"]] * 2,
    hint="a dictionary for each parameter",
)
check(
    [_optimizer.state[0]["first"], _optimizer.state[1]["second"]],
    [np.zeros(2), np.zeros(3)],
    hint="zeros of p.shape, in a dictionary of its own for each parameter",
)
check(
    str(_optimizer.state[0]["first"].dtype),
    "float64",
    hint="np.zeros(p.shape, p.dtype)",
)
check_raises(
    ValueError, lambda: Optimizer([], lr=0.1), hint="groups_to_train refuses it"
)
### BEGIN HIDDEN TESTS


def parameters_of(optimizers, *arrays):
    """Tensors that require a gradient."""
    return [optimizers.Tensor(a.copy(), requires_grad=True) for a in arrays]


def kind_that_remembers(optimizers, *names):
    """A kind of optimizer without a direction."""
    return type("Kind", (optimizers.Optimizer,), {"remembers": names})


@observe(a=normal(2), b=normal(3), lr=uniform(), other=uniform(), keep=uniform())
def settings_of_each_group(optimizers, a, b, lr, other, keep):
    """Its own, or the usual ones; what was given stays as it was."""
    w, v = parameters_of(optimizers, a, b)
    given = [{"params": [w], "lr": other}, {"params": iter([v]), "momentum": keep / 2}]
    defaults = {"lr": lr, "momentum": keep}
    optimizer = optimizers.Optimizer(given, **defaults)
    found = [(g["lr"], g["momentum"], len(g["params"])) for g in optimizer.param_groups]
    same = [p is q for p, q in zip(optimizer.parameters, [w, v])]
    one = optimizers.Optimizer(iter([w, v]), lr=lr)
    return found, same, sorted(given[0]), len(one.param_groups), one.lr


@observe(a=normal(2, 3), b=normal(3), c=normal(2, dtype="float32"), x=normal())
def what_is_remembered(optimizers, a, b, c, x):
    """Zeros by name, for each parameter of each group; no two share an array."""
    kind = kind_that_remembers(optimizers, "one", "two")
    w, v, u = parameters_of(optimizers, a, b, c)
    groups = [{"params": [v, u]}, {"params": [w]}]
    first, second = kind(groups, lr=0.1), kind(groups, lr=0.1)
    found = [
        [(name, m.shape, str(m.dtype)[:3], m.copy()) for name, m in memory.items()]
        for memory in first.state
    ]
    first.state[1]["one"] += x
    first.state[0]["steps"] += 1
    sums = [
        float(m.sum()) for o in (first, second) for s in o.state for m in s.values()
    ]
    return found, sums, str(first.state[1]["two"].dtype), len(second.state)


@observe(a=normal(2), lr=uniform(low=0.1))
def what_cannot_be_trained_is_refused(optimizers, a, lr):
    """None, one twice, a setting that is unknown or negative; and what can be is not."""
    (w,) = parameters_of(optimizers, a)
    bad = [], [w, w], [{"params": [w], "rate": lr}], [{"params": [w], "lr": -lr}]
    refused = [raised(lambda b=b: optimizers.Optimizer(b, lr=lr)) for b in bad]
    refused.append(raised(lambda: optimizers.Optimizer([w], lr=-lr)))
    return refused, optimizers.Optimizer([w], lr=lr).param_groups[0]["lr"]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 3: `step`

Go through all parameters, with their groups and their memories: `zip(self.members(), self.state)` gives pairs of a pair
and a dictionary. For each parameter that has a gradient (`p.grad` is not `None`),

1. count its step, `memory["steps"] += 1`;
2. get its weights and its gradient as arrays, `w, g = arrays_of(p)`, which is given;
3. let weights decay, `g = self.decayed(w, g, group)`, which does nothing until section 2;
4. change `w` in place: minus the group's rate, `group["lr"]`, times `self.direction(w, g, memory, group)`.
"""


# %% exercise="step"
#| export
@extend(Optimizer)
class Stepping:
    """How an optimizer makes a step."""

    def step(self) -> None:
        """Move each parameter that has a gradient: ``w -= lr * direction``."""
        ### BEGIN SOLUTION
        for (p, group), memory in zip(self.members(), self.state):
            if p.grad is not None:
                memory["steps"] += 1
                w, g = arrays_of(p)
                g = self.decayed(w, g, group)
                w -= group["lr"] * self.direction(w, g, memory, group)
        ### END SOLUTION


# %% checks="step" points=7
class _Signs(Optimizer):
    """By the rate, in the direction of the sign."""

    remembers = ("last",)

    def direction(self, w, g, memory, group):
        memory["last"][:] = g
        return np.sign(g)


_w, _v, _still = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
_signs = _Signs([{"params": [_w, _still]}, {"params": [_v], "lr": 0.5}], lr=0.1)
_w.grad, _v.grad = np.array([5.0, -5.0]), np.array([3.0, 0.0])
_array = _w.data
_signs.step()
check(
    _w,
    [0.9, 2.1],
    hint="the rate times self.direction(w, g, memory, group); w = w - … moves nothing",
)
check(_w.data is _array, True, hint="in place: w -= …, no new array")
check(_v, [0.5, 2.0], hint="each group has its own rate")
check(_still, [1.0, 2.0], hint="without a gradient, nothing moves")
check(
    [int(memory["steps"]) for memory in _signs.state],
    [1, 0, 1],
    hint="count only the steps that are made",
)
check(_signs.state[2]["last"], [3.0, 0.0], hint="each parameter has its own memory")
### BEGIN HIDDEN TESTS


def adding_kind(optimizers):
    """Goes along the sum of all gradients so far, with a factor of its own in each group."""

    def direction(self, w, g, memory, group):
        memory["sum"] += g
        return group["push"] * memory["sum"] + 0.1 * w + memory["steps"]

    attributes = {"remembers": ("sum",), "direction": direction}
    return type("Adding", (optimizers.Optimizer,), attributes)


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(4, 2, 3),
    h=normal(4, 3),
    lr=uniform(2, low=0.1),
    push=uniform(2),
    without=integers(low=0, high=4),
)
def where_steps_lead(optimizers, a, b, g, h, lr, push, without):
    """Two groups with their own settings; one parameter is left out once."""
    w, v = parameters_of(optimizers, a, b)
    groups = [{"params": [v], "lr": lr[0], "push": push[0]}, {"params": [w]}]
    optimizer = adding_kind(optimizers)(groups, lr=lr[1], push=push[1])
    for n in range(4):
        w.grad, v.grad = g[n], h[n] if n != without else None
        optimizer.step()
    counts = [int(memory["steps"]) for memory in optimizer.state]
    return w.data, v.data, counts, g, h, [m["sum"] for m in optimizer.state]


@observe(a=normal(3, dtype="float32"), g=normal(2, 3, dtype="float32"), lr=uniform())
def arrays_and_dtypes_stay(optimizers, a, g, lr):
    """Whoever holds the array sees the step; float32 stays, also of a Variable."""
    (w,), v = parameters_of(optimizers, a), optimizers.training.Variable(a.copy())
    arrays = w.data, v.data.data
    optimizer = adding_kind(optimizers)([w, v], lr=np.float64(lr), push=1.0)
    for n in range(2):
        w.grad, v.grad = g[n].copy(), g[n].copy()
        optimizer.step()
    same = w.data is arrays[0], v.data.data is arrays[1]
    return same, arrays, str(w.dtype), str(v.dtype), w.grad


@observe(
    a=normal(3), g=normal(3), lr=uniform(low=0.1), factor=uniform(low=1.5, high=3.0)
)
def decay_is_asked_first(optimizers, a, g, lr, factor):
    """The direction gets the gradient that the decay gives, with weights and group."""
    kind = adding_kind(optimizers)
    kind.decayed = lambda self, w, g, group: g * factor + group["push"] * w
    (w,) = parameters_of(optimizers, a)
    w.grad = g
    optimizer = kind([w], lr=lr, push=0.5)
    optimizer.step()
    return w.data, optimizer.state[0]["sum"], w.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
Now a direction. A ball that rolls down the ravine doesn't jump from side to side. It gets faster along the floor,
where all pushes agree, and across it the pushes cancel. That is **momentum** (Polyak, 1964): a velocity remembers the
slopes, and keeps a share $\mu$ of itself in each step.

$$ v \leftarrow \mu v + g \qquad \text{direction} = v $$

If the slope is always $g$, how large does the velocity get?

<details>
<summary>Think first, then look</summary>

$g + \mu g + \mu^2 g + \dots = g / (1 - \mu)$. With $\mu = 0.9$ that's ten times the slope. So with momentum you often
need a smaller rate.

</details>

Nesterov had a better idea in 1983: the velocity will carry us further anyway, so look where that leads. In the form that's used
today, this is one more step of the velocity, with the slope that we have:

$$ v \leftarrow \mu v + g \qquad \text{direction} = g + \mu v $$

Here, $v$ is the *new* velocity. (Beware of books: some write $v \leftarrow \mu v + (1 - \mu) g$, or put the rate into the
velocity. Each is right, with other rates. We do what PyTorch does.)

#### Exercise 4: `SGD`

`__init__` hands parameters and settings on to `super().__init__`, all settings by their names. `direction` gives the direction:
the velocity is in `memory["velocity"]`; change it in place. The settings are `group["momentum"]`, and
`group["nesterov"]`, which is true or false.

**With numbers:** $\mu = 0.5$, and the slopes 4 and then 2: $v = 4$, then $v = 0.5 \cdot 4 + 2 = 4$. With Nesterov, the
directions are $4 + 0.5 \cdot 4 = 6$ and $2 + 0.5 \cdot 4 = 4$.
"""


# %% exercise="sgd"
#| export
class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    ``g = gradient + weight_decay * w``, ``v = momentum * v + g``, and ``w -= lr * v``;
    with `nesterov`, ``w -= lr * (g + momentum * v)``. At first, v is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate.
    momentum : float
        The share of the velocity that is kept in each step, below 1.
    nesterov : bool
        Whether to look ahead; needs a momentum.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and
    momentum in deep learning".
    """

    remembers = ("velocity",)

    def __init__(self, parameters, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        ### BEGIN SOLUTION
        settings = {"momentum": momentum, "nesterov": nesterov}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)
        ### END SOLUTION

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The velocity, or where it leads."""
        ### BEGIN SOLUTION
        momentum, velocity = group["momentum"], memory["velocity"]
        velocity *= momentum
        velocity += g
        if group["nesterov"]:
            return g + momentum * velocity
        return velocity
        ### END SOLUTION


# %% checks="sgd" points=8
check(places_of(SGD, [4.0, 2.0]), [6.0, 4.0], hint="without momentum: the slope")
check(
    places_of(SGD, [4.0, 2.0], momentum=0.5),
    [6.0, 2.0],
    hint="v = 4, then v = 0.5 * 4 + 2: change the velocity in memory, in place",
)
check(
    places_of(SGD, [4.0, 2.0, 0.0], momentum=0.5),
    [6.0, 2.0, 0.0],
    hint="the velocity goes on where the slope is 0: keep it in memory, in place",
)
check(
    places_of(SGD, [4.0, 2.0], momentum=0.5, nesterov=True),
    [4.0, 0.0],
    hint="g + momentum * velocity, with the new velocity",
)
### BEGIN HIDDEN TESTS


def led(optimizers, kind, a, b, g, h, without=1, **settings):
    """The places of two parameters after each step; one is without a gradient once."""
    w, v = parameters_of(optimizers, a, b)
    optimizer = getattr(optimizers, kind)([w, v], **settings)
    places = []
    for n in range(len(g)):
        w.grad, v.grad = g[n].copy(), h[n].copy() if n != without else None
        optimizer.step()
        places.append((w.data.copy(), v.data.copy()))
    return places, w.grad, optimizer.state


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    keep=uniform(low=0.1, high=0.95),
)
def steps_with_momentum(optimizers, a, b, g, h, lr, keep):
    """All places, and the velocities at the end; the gradients stay."""
    return led(optimizers, "SGD", a, b, g, h, lr=lr, momentum=keep), g


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    keep=uniform(low=0.1, high=0.95),
)
def steps_that_look_ahead(optimizers, a, b, g, h, lr, keep):
    """Nesterov's, and the velocities at the end."""
    return led(optimizers, "SGD", a, b, g, h, lr=lr, momentum=keep, nesterov=True)


@observe(
    a=normal(2, 3), b=normal(3), g=normal(5, 2, 3), h=normal(5, 3), lr=uniform(low=0.1)
)
def steps_without_momentum(optimizers, a, b, g, h, lr):
    """As they were in module 8."""
    return led(optimizers, "SGD", a, b, g, h, without=3, lr=lr)[0]


def in_float32(optimizers, kind, a, g, **settings):
    """Where a step in float32 leads, the dtype, and all settings of the group."""
    (w,) = parameters_of(optimizers, a.astype("float32"))
    optimizer = getattr(optimizers, kind)([w], 0.1, **settings)
    w.grad = g.astype("float32")
    optimizer.step()
    return w.data, str(w.dtype), settings_in(optimizer.param_groups[0])


def settings_in(group):
    """Names and settings of a group, in the order of the alphabet."""
    return [(name, group[name]) for name in sorted(group) if name != "params"]


@observe(a=normal(3), g=normal(3), keep=uniform(low=0.1), decay=uniform(low=0.1))
def momentum_in_float32(optimizers, a, g, keep, decay):
    """The dtype stays, with and without looking ahead; all settings arrive."""
    settings = {"momentum": keep, "weight_decay": decay}
    ahead = in_float32(optimizers, "SGD", a, g, nesterov=True, **settings)
    return in_float32(optimizers, "SGD", a, g, **settings), ahead


@observe(a=normal(3), b=normal(2), g=normal(3, 3), h=normal(3, 2), keep=uniform(2))
def momentum_of_each_group(optimizers, a, b, g, h, keep):
    """Each with its own; changed between the steps."""
    w, v = parameters_of(optimizers, a, b)
    groups = [{"params": [w], "momentum": keep[0]}, {"params": [v]}]
    optimizer = optimizers.SGD(groups, 0.5, 0.3)
    for n in range(3):
        w.grad, v.grad = g[n], h[n]
        optimizer.step()
        optimizer.param_groups[1]["momentum"] = keep[1]
    return w.data, v.data


### END HIDDEN TESTS

# %% [markdown]
r"""
Into the ravine, with four settings of your `SGD`. The map has lines of equal height. How many steps does each need until
$f < 10^{-6}$?
"""

# %% demo=true
figure, axes = plt.subplots(figsize=(8, 4))
show(figure, draw_paths(axes, ravine, ravine_paths(SGD)))

# %% [markdown]
r"""
Momentum gets there with rates that plain descent can't use, since the jumps across the floor cancel. It has a price:
you choose two numbers instead of one, and a ball that rolls can roll too far.

### 2. Who decays

A weight that isn't needed should be zero. So pull all of them to zero, a little in each step, and only those that the
loss defends will stay large. That's **weight decay**. In the loss it would be $\frac{\lambda}{2} \lVert w \rVert^2$, so in
the gradient it is

$$ g \leftarrow g + \lambda w $$

Not every parameter should decay. A bias doesn't make a network more complicated; pulled to zero, it just can't be where it
should be. The same holds for the scales and shifts of module 10. All of these have a single axis, and weights have two
or more. That's what groups are for.

#### Exercise 5: weight decay

- `decayed` returns $g + \lambda w$, with $\lambda$ from `group.get("weight_decay")`. If that's 0 or not there, it
  returns `g` itself. (It must not change `g`: that's the gradient, and others may look at it.)
- `parameter_groups` returns a list of two groups: all parameters with at least two axes (`p.ndim`), with the
  `weight_decay` that was given, and all others, with 0. A group without parameters is left out.
"""


# %% exercise="weight-decay"
#| export
@extend(Optimizer)
class Decaying:
    """How weights are pulled to zero."""

    def decayed(self, w, g, group: dict) -> np.ndarray:
        """The gradient with the pull to zero, ``g + weight_decay * w``."""
        ### BEGIN SOLUTION
        decay = group.get("weight_decay")
        return g + decay * w if decay else g
        ### END SOLUTION


def parameter_groups(network: Module, weight_decay: float) -> list[dict]:
    """Two groups of the parameters of a network: weights, which decay, and all others.

    Parameters
    ----------
    network : Module
        Its parameters with at least two axes decay; biases and scales have one.
    weight_decay : float
        How strongly.

    Returns
    -------
    list of dict
        Groups for an optimizer: first those that decay. One without parameters is left
        out.
    """
    ### BEGIN SOLUTION
    parameters = network.parameters()
    weights = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
    ### END SOLUTION


# %% checks="weight-decay" points=6
_w, _g = np.array([10.0]), np.array([1.0])
_sgd = SGD([Tensor([1.0], requires_grad=True)], 0.1)
check(_sgd.decayed(_w, _g, {"weight_decay": 0.5}), [6.0], hint="g + decay * w")
check(_sgd.decayed(_w, _g, {}) is _g, True, hint="no decay: return g itself")
check(_g, [1.0], hint="make a new array: g + …, and not g += …")
check(places_of(SGD, [1.0], weight_decay=0.5), [4.0], hint="10 - 1 * (1 + 0.5 * 10)")
_groups = parameter_groups(MLP([2, 3, 1]), 0.1)
check(
    [[p.shape for p in group["params"]] for group in _groups],
    [[(2, 3), (3, 1)], [(3,), (1,)]],
    hint="at least two axes, and the others",
)
check(
    [group["weight_decay"] for group in _groups],
    [0.1, 0.0],
    hint="biases don't decay",
)
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    decay=uniform(low=0.1),
    keep=uniform(),
)
def steps_with_decay(optimizers, a, b, g, h, lr, decay, keep):
    """The pull goes through the velocity, too; without a gradient nothing decays."""
    settings = {"lr": lr, "weight_decay": decay, "momentum": keep}
    return led(optimizers, "SGD", a, b, g, h, **settings), g


@observe(w=normal(4), g=normal(4), decay=uniform(low=0.1))
def the_gradient_with_its_pull(optimizers, w, g, decay):
    """A new array; the same one if nothing decays, and neither is changed."""
    (p,) = parameters_of(optimizers, w)
    optimizer = optimizers.Optimizer([p], lr=0.1)
    found = optimizer.decayed(w, g, {"weight_decay": decay})
    still = [optimizer.decayed(w, g, x) is g for x in ({}, {"weight_decay": 0.0})]
    return found, still, w, g


@observe(a=normal(3, 4), b=normal(4, 3), c=normal(2, 2, 2), decay=uniform(low=0.1))
def weights_and_others(optimizers, a, b, c, decay):
    """Which parameters are in which group, and their settings; groups that are empty."""

    class Mixed(optimizers.Module):
        def __init__(self, *arrays):
            self.parts = parameters_of(optimizers, *arrays)

    def seen(*arrays):
        groups = optimizers.parameter_groups(Mixed(*arrays), decay)
        return [([p.data for p in g["params"]], g["weight_decay"]) for g in groups]

    return seen(b[0], a, np.array(1.5), c), seen(a, b), seen(a[0])


@observe(
    a=normal(3, 4), b=normal(4), g=normal(3, 4), h=normal(4), decay=uniform(low=0.1)
)
def only_weights_decay(optimizers, a, b, g, h, decay):
    """After two steps with the groups of a network."""

    class Layer(optimizers.Module):
        def __init__(self):
            self.bias, self.weights = parameters_of(optimizers, b, a)

    layer = Layer()
    sgd = optimizers.SGD(optimizers.parameter_groups(layer, decay), 0.1)
    for _ in range(2):
        layer.weights.grad, layer.bias.grad = g, h
        sgd.step()
    return layer.weights.data, layer.bias.data


### END HIDDEN TESTS

# %% [markdown]
r"""
### 3. A rate for each number

So far, all numbers of a network share one rate. Think of words: the weights of "the" get a slope in every batch, those of
"zebra" in one of a thousand. A rate that's right for one of them is wrong for the other.

**Adagrad** (Duchi, Hazan and Singer, 2011) gives each number a rate of its own. It adds up the squares of all slopes that
a number has had, and divides by the root:

$$ s \leftarrow s + g^2 \qquad \text{direction} = \frac{g}{\sqrt{s} + \varepsilon} $$

The tiny $\varepsilon$ saves us from $0 / 0$; it's outside the root. The first step is as long as the rate, no matter how
steep it is.

#### Exercise 6: `Adagrad`

Write `__init__`, as before, and `direction`, with `memory["squares"]` for $s$ and `group["eps"]` for $\varepsilon$.

**With numbers:** the slopes 3 and 4: $s = 9$, direction $3/3 = 1$; then $s = 25$, direction $4/5$.
"""


# %% exercise="adagrad"
#| export
class Adagrad(Optimizer):
    """Steps that get shorter where slopes were large.

    ``g = gradient + weight_decay * w``, ``s = s + g**2``, and
    ``w -= lr * g / (sqrt(s) + eps)``. At first, s is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate: the length of the first step.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning
    and stochastic optimization".
    """

    remembers = ("squares",)

    def __init__(self, parameters, lr=0.01, eps=1e-10, weight_decay=0.0):
        ### BEGIN SOLUTION
        super().__init__(parameters, lr=lr, eps=eps, weight_decay=weight_decay)
        ### END SOLUTION

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The slope, by the root of all squares so far."""
        ### BEGIN SOLUTION
        squares = memory["squares"]
        squares += g**2
        return g / (np.sqrt(squares) + group["eps"])
        ### END SOLUTION


# %% checks="adagrad" points=5
check(
    places_of(Adagrad, [3.0, 4.0]), [9.0, 8.2], hint="3 / 3, and then 4 / sqrt(9 + 16)"
)
check(
    places_of(Adagrad, [-3.0, 0.0], eps=3.0),
    [10.5, 10.5],
    hint="3 / (sqrt(9) + 3): eps outside of the root",
)
check(places_of(Adagrad, [0.0]), [10.0], hint="0 / (0 + eps)")
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    eps=uniform(low=0.01),
)
def steps_of_adagrad(optimizers, a, b, g, h, lr, eps):
    """All places, and what it remembers; the gradients stay."""
    return led(optimizers, "Adagrad", a, b, g, h, lr=lr, eps=eps), g


@observe(a=normal(3), g=normal(3), eps=uniform(low=0.1), decay=uniform(low=0.1))
def adagrad_in_float32(optimizers, a, g, eps, decay):
    """The dtype stays, and all settings arrive."""
    return in_float32(optimizers, "Adagrad", a, g, eps=eps, weight_decay=decay)


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    decay=uniform(low=0.1),
)
def adagrad_as_it_comes(optimizers, a, b, g, h, decay):
    """With the usual settings; with decay; and slopes of 0 move nothing."""
    still = led(optimizers, "Adagrad", a, b, 0 * g, 0 * h)[0][-1]
    decays = led(optimizers, "Adagrad", a, b, g, h, weight_decay=decay)[0]
    return led(optimizers, "Adagrad", 0 * a, 0 * b, g, h)[0], decays, still


### END HIDDEN TESTS

# %% [markdown]
r"""
Suppose the slope is always 1. How far has Adagrad come after 100 steps of rate 1? And after 10,000?

<details>
<summary>Think first, then look</summary>

Step $n$ has the length $1/\sqrt{n}$. All together, that's about $2\sqrt{n}$: 20 after 100 steps, and 200 after 10,000. It
never stops, but it gets slower for ever.

</details>

Worse: it never forgets. If the first slopes were steep, a number is slow for the rest of its life. **RMSProp** (Hinton, in a
lecture of 2012) takes a running *mean* of the squares instead of a sum, as you know it from Adam:

$$ s \leftarrow s + (1 - \alpha)(g^2 - s) \qquad \text{direction} = \frac{g}{\sqrt{s} + \varepsilon} $$

#### Exercise 7: `RMSProp`

The share that the mean keeps is `group["alpha"]`. Change `memory["squares"]` in place.

**With numbers:** $\alpha = 0.75$, and the slopes 4 and 0: $s = 0.25 \cdot 16 = 4$, direction $4 / 2 = 2$; then $s = 3$.
"""


# %% exercise="rmsprop"
#| export
class RMSProp(Optimizer):
    """Steps that are as long where slopes are large as where they are small.

    ``g = gradient + weight_decay * w``, ``s = alpha * s + (1 - alpha) * g**2``, and
    ``w -= lr * g / (sqrt(s) + eps)``. At first, s is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate, about as far as a number moves in one step.
    alpha : float
        The share of the mean that is kept in each step, below 1.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0.

    References
    ----------
    Hinton (2012), "Neural networks for machine learning", lecture 6e.
    """

    remembers = ("squares",)

    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
        ### BEGIN SOLUTION
        settings = {"alpha": alpha, "eps": eps}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)
        ### END SOLUTION

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The slope, by the root of the mean of its squares."""
        ### BEGIN SOLUTION
        squares = memory["squares"]
        squares += (1 - group["alpha"]) * (g**2 - squares)
        return g / (np.sqrt(squares) + group["eps"])
        ### END SOLUTION


# %% checks="rmsprop" points=5
check(
    places_of(RMSProp, [4.0, 0.0, 4.0], alpha=0.75),
    [8.0, 8.0, 6.4],
    hint="s = 4, 3 and 6.25: s += (1 - alpha) * (g**2 - s)",
)
check(places_of(RMSProp, [4.0], alpha=0.75, eps=2.0), [9.0], hint="4 / (sqrt(4) + 2)")
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    alpha=uniform(high=0.99),
    eps=uniform(low=0.01),
)
def steps_of_rmsprop(optimizers, a, b, g, h, lr, alpha, eps):
    """All places, and what it remembers; the gradients stay."""
    settings = {"lr": lr, "alpha": alpha, "eps": eps}
    return led(optimizers, "RMSProp", a, b, g, h, **settings), g


@observe(a=normal(3), g=normal(3), eps=uniform(low=0.1), decay=uniform(low=0.1))
def rmsprop_in_float32(optimizers, a, g, eps, decay):
    """The dtype stays, and all settings arrive."""
    return in_float32(
        optimizers, "RMSProp", a, g, eps=eps, alpha=0.5, weight_decay=decay
    )


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    decay=uniform(low=0.1),
)
def rmsprop_as_it_comes(optimizers, a, b, g, h, decay):
    """With the usual settings; with decay; and slopes of 0 move nothing."""
    still = led(optimizers, "RMSProp", a, b, 0 * g, 0 * h)[0][-1]
    decays = led(optimizers, "RMSProp", a, b, g, h, weight_decay=decay)[0]
    return led(optimizers, "RMSProp", 0 * a, 0 * b, g, h)[0], decays, still


### END HIDDEN TESTS

# %% [markdown]
r"""
Ten steep slopes at first, and after that 500 gentle ones. How far do they come in the last 500 steps?
"""

# %% demo=true
for kind in (Adagrad, RMSProp):
    places = places_of(kind, [100.0] * 10 + [1.0] * 500, lr=0.01)
    print(f"{kind.__name__:8} {places[9] - places[-1]:.3f}")

# %% [markdown]
r"""
**Adam** is RMSProp with momentum, and with the correction of its first steps. You wrote it in module 8. Here it is again,
in the frame of this module, with groups and decay:

$$ m \leftarrow m + (1 - \beta_1)(g - m) \qquad s \leftarrow s + (1 - \beta_2)(g^2 - s) $$

$$ \text{direction} = \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \varepsilon} $$

#### Exercise 8: `Adam`

The two $\beta$ are in `group["betas"]`. `step` has counted already: $t$ is `memory["steps"].item()`. The means are
`memory["means"]` and `memory["squares"]`; change them in place, and what's remembered is *not* divided.
"""


# %% exercise="adam"
#| export
class Adam(Optimizer):
    """Momentum, and a rate for each number.

    ``g = gradient + weight_decay * w``, ``m = beta1 * m + (1 - beta1) * g``,
    ``s = beta2 * s + (1 - beta2) * g**2``, and after t steps
    ``w -= lr * (m / (1 - beta1**t)) / (sqrt(s / (1 - beta2**t)) + eps)``. At first, m
    and s are 0.

    Parameters
    ----------
    parameters : iterable of Tensor or Variable, or of dict
        What is to be trained, or groups of it.
    lr : float
        The learning rate, about as far as a number moves in one step.
    betas : tuple of float
        The shares of the two means that are kept in each step, below 1.
    eps : float
        Is added to the root.
    weight_decay : float
        How strongly weights are pulled to 0, as a part of the gradient; see `AdamW`.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization".
    """

    remembers = ("means", "squares")

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8, weight_decay=0.0):
        ### BEGIN SOLUTION
        settings = {"betas": betas, "eps": eps}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)
        ### END SOLUTION

    def direction(self, w, g, memory: dict, group: dict) -> np.ndarray:
        """The mean slope, by the root of the mean square, both corrected."""
        ### BEGIN SOLUTION
        (beta1, beta2), t = group["betas"], memory["steps"].item()
        means, squares = memory["means"], memory["squares"]
        means += (1 - beta1) * (g - means)
        squares += (1 - beta2) * (g**2 - squares)
        root = np.sqrt(squares / (1 - beta2**t))
        return means / (1 - beta1**t) / (root + group["eps"])
        ### END SOLUTION


# %% checks="adam" points=7
check(
    places_of(Adam, [4.0, -4.0], lr=0.5),
    [9.5, 9.5263158],
    hint="m is 0.4, then -0.04; s is 0.016, then 0.031984: in place, not divided",
)
check(
    places_of(Adam, [4.0, 2.0], lr=1.0, betas=(0.5, 0.75), eps=2.0),
    [9.3333333, 8.8025171],
    hint="both means by 1 - beta**t, and eps outside of the root",
)
check(
    places_of(Adam, [1.0, 1.0, 1.0], lr=0.1),
    [9.9, 9.8, 9.7],
    hint="with equal slopes, each step is as long as the rate",
)
### BEGIN HIDDEN TESTS


def settings_of_adam(lr, betas, eps, decay=0.0):
    """The settings of Adam, as Python's own."""
    b1, b2 = betas.tolist()
    return {"lr": lr, "betas": (b1, b2), "eps": eps, "weight_decay": decay}


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    betas=uniform(2, low=0.1, high=0.99),
    eps=uniform(low=0.01),
)
def steps_of_adam(optimizers, a, b, g, h, lr, betas, eps):
    """All places, and what it remembers; the gradients stay."""
    settings = settings_of_adam(lr, betas, eps)
    return led(optimizers, "Adam", a, b, g, h, **settings), g


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    decay=uniform(low=0.1),
)
def adam_as_it_comes(optimizers, a, b, g, h, decay):
    """With the usual settings; with decay; and slopes of 0 move nothing."""
    still = led(optimizers, "Adam", a, b, 0 * g, 0 * h)[0][-1]
    decays = led(optimizers, "Adam", a, b, g, h, weight_decay=decay, lr=0.1)[0]
    return led(optimizers, "Adam", 0 * a, 0 * b, g, h)[0], decays, still


@observe(a=normal(3, dtype="float32"), g=normal(3, 3, dtype="float32"), decay=uniform())
def adam_in_float32(optimizers, a, g, decay):
    """What moves and what is remembered keep array and dtype; all settings arrive."""
    (w,) = parameters_of(optimizers, a)
    adam = optimizers.Adam([w], 0.1)
    arrays = adam.state[0]["means"], adam.state[0]["squares"]
    for n in range(3):
        w.grad = g[n]
        adam.step()
    same = [x is y for x, y in zip(arrays, list(adam.state[0].values())[1:])]
    settings = settings_of_adam(0.1, np.array([0.5, 0.75]), 0.1, decay)
    del settings["lr"]
    arrived = in_float32(optimizers, "Adam", a, g[0], **settings)
    return w.data, arrays, [str(x.dtype) for x in (w, *arrays)], same, arrived


### END HIDDEN TESTS

# %% [markdown]
r"""
With Adam and a decay something odd happens. Here are two weights that begin at 10. Their slopes change their sign in each step,
so only the decay moves them far. One weight has slopes of ±0.1, the other one of ±10, and the decay is the same. What is left
of each weight?
"""

# %%
for size in (0.1, 10.0):
    places = places_of(Adam, [size, -size] * 1000, lr=0.01, weight_decay=0.1)
    print(f"slopes of ±{size:4}: {places[-1]:6.2f}")

# %% [markdown]
r"""
The pull to zero is a part of the gradient here, so it's divided by $\sqrt{s}$ as well. Weights with large slopes hardly
decay. Nobody wanted that, and it took years until somebody said so. **AdamW** (Loshchilov and Hutter, 2019) keeps decay
and gradient apart:

$$ w \leftarrow (1 - \eta \lambda)\, w \qquad \text{and then a step of Adam without decay} $$

#### Exercise 9: `AdamW`

`AdamW` is an `Adam`, so it inherits everything that you don't write anew. `__init__` hands everything on, with another usual
decay. `decayed` is the place for the rest: it shrinks `w` itself, *in place*, by $1 - \eta \lambda$, and returns the gradient
as it is. ($\eta$ is the rate of the group.)
"""


# %% exercise="adamw"
#| export
class AdamW(Adam):
    """Adam with a decay that does not go through its means.

    ``w = (1 - lr * weight_decay) * w``, and then a step of `Adam` without decay.

    Parameters
    ----------
    parameters, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        In each step, a weight loses ``lr * weight_decay`` of itself.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization".
    """

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8, weight_decay=0.01):
        ### BEGIN SOLUTION
        super().__init__(parameters, lr, betas, eps, weight_decay)
        ### END SOLUTION

    def decayed(self, w, g, group: dict) -> np.ndarray:
        """The gradient as it is; the weights shrink, in place."""
        ### BEGIN SOLUTION
        w *= 1 - group["lr"] * group["weight_decay"]
        return g
        ### END SOLUTION


# %% checks="adamw" points=6
check(
    places_of(AdamW, [4.0], lr=0.5, weight_decay=0.2),
    [8.5],
    hint="10 * (1 - 0.5 * 0.2) - 0.5: shrink w in place, by rate times decay",
)
check(
    places_of(AdamW, [4.0, -4.0], lr=0.5, weight_decay=0.0),
    [9.5, 9.5263158],
    hint="without decay it's Adam",
)
check(
    places_of(AdamW, [0.0], lr=0.5, weight_decay=0.2),
    [9.0],
    hint="a gradient of 0 stays 0; only the weights shrink",
)
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    lr=uniform(low=0.1),
    betas=uniform(2, low=0.1, high=0.99),
    eps=uniform(low=0.01),
    decay=uniform(),
)
def steps_of_adamw(optimizers, a, b, g, h, lr, betas, eps, decay):
    """All places, and what it remembers; the gradients stay."""
    settings = settings_of_adam(lr, betas, eps, decay)
    return led(optimizers, "AdamW", a, b, g, h, **settings), g


@observe(
    a=normal(2, 3),
    b=normal(3),
    g=normal(5, 2, 3),
    h=normal(5, 3),
    scale=uniform(low=1.0, high=100.0),
)
def adamw_as_it_comes(optimizers, a, b, g, h, scale):
    """With the usual settings; the size of the slopes does not matter to the decay."""
    return led(optimizers, "AdamW", scale * a, scale * b, g, h)[0]


@observe(
    w=normal(3, dtype="float32"), g=normal(3, dtype="float32"), decay=uniform(low=0.1)
)
def weights_shrink_in_place(optimizers, w, g, decay):
    """The gradient stays the same array, and all settings arrive."""
    settings = settings_of_adam(0.1, np.array([0.5, 0.75]), 0.1, decay)
    (p,) = parameters_of(optimizers, w)
    group = optimizers.AdamW([p], **settings).param_groups[0]
    found = optimizers.AdamW([p]).decayed(w, g, group)
    return w, str(w.dtype), found is g, g, settings_in(group)


### END HIDDEN TESTS

# %%
for size in (0.1, 10.0):
    places = places_of(AdamW, [size, -size] * 1000, lr=0.01, weight_decay=0.1)
    print(f"slopes of ±{size:4}: {places[-1]:6.2f}")

# %% [markdown]
r"""
**Question 1** (5 points). Somebody measures the loss in cents instead of dollars, so each gradient is 100 times as large.
Leave $\varepsilon$ out. (a) What becomes of the steps of plain SGD, of SGD with momentum, of Adagrad and of Adam, all without
decay? (b) Which of them need another rate? (c) With a `weight_decay` of 0.01: what becomes of the balance between slope and
decay in SGD, in Adam and in AdamW? What does each of them need, so that its weights move as before?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="cents" points=5
r"""
**Model answer.** (a) Plain SGD: each direction is $g$, so steps are 100 times as long. Momentum: the velocity is a sum of
gradients with fixed factors, so it's 100 times as large, too. Adagrad divides $100 g$ by the root of $100^2 s$: the steps stay
the same. Adam: $m$ is 100 times as large, and so is $\sqrt{s}$: they stay the same. (b) SGD with and without momentum need a
hundredth of the rate. Adagrad and Adam need nothing. (c) In SGD, the direction was $g + \lambda w$ and is now $100 g + \lambda
w$: against the slope, the decay is a hundredth of what it was. It takes 100 times the decay and a hundredth of the rate. In Adam,
the decay is a part of the gradient: $g + \lambda w$ becomes $100 g + \lambda w$, so here as well the decay is a hundredth against
the slope. With 100 times the decay all gradients are 100 times as large, and the division takes that away; the rate stays. In
AdamW, the first part doesn't change and the second has nothing to do with the gradient: it needs nothing.

**Mark scheme.** 1 point: SGD and momentum 100 times as long. 1 point: Adagrad and Adam the same, with the reason. 1 point: (b).
1 point: (c) decay in SGD and Adam a hundredth against the slope. 1 point: AdamW needs nothing, and why.
"""

# %% [markdown]
r"""
### 4. A rate for each moment

At first, the network knows nothing and long steps are fine. Near the bottom, long steps jump about. So let the rate change with
the step. A **schedule** is a function: it takes the number of a step, counted from 0, and gives a *factor* for the rate. It
keeps no count itself, so it can't lose it.

What a schedule needs is listed under its name: `StepLR(30)` has `self.step_size` 30 and `self.gamma` 0.1. (Each is a
`dataclass`, which makes an `__init__` of such a list.)

#### Exercise 10: four formulas

- `StepLR`: $\gamma^{\lfloor n / \text{size} \rfloor}$ at step $n$. The rate stays for `step_size` steps, and is then
  multiplied by `gamma`.
- `ExponentialLR`: $\gamma^n$.
- `cosine(start, end, share)`: a smooth way from `start` to `end`, along half a wave. At a share $q$ of the way, it's
  $\text{end} + (\text{start} - \text{end}) \cdot \frac{1}{2} (1 + \cos \pi q)$. Take 1 for a share above 1, so it stays at the
  end.
- `CosineLR`: that way from 1 to `floor`, in `steps` steps.
"""


# %% exercise="schedules"
#| export
class StepLR(Schedule):
    """A rate that drops now and then: the factor is ``gamma ** (step // step_size)``.

    Parameters
    ----------
    step_size : int
        For how many steps the rate stays.
    gamma : float
        The factor after that.

    Examples
    --------
    >>> [StepLR(2, 0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    step_size: int
    gamma: float = 0.1

    def __call__(self, step: int) -> float:
        ### BEGIN SOLUTION
        return self.gamma ** (step // self.step_size)
        ### END SOLUTION


class ExponentialLR(Schedule):
    """A rate that falls in each step: the factor is ``gamma ** step``."""

    gamma: float

    def __call__(self, step: int) -> float:
        ### BEGIN SOLUTION
        return self.gamma**step
        ### END SOLUTION


def cosine(start: float, end: float, share: float) -> float:
    """What is between two numbers, along half a wave, at a share of the way."""
    ### BEGIN SOLUTION
    wave = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return end + (start - end) * wave
    ### END SOLUTION


class CosineLR(Schedule):
    """A rate that falls along half a wave, and stays at its end.

    The factor is ``floor + (1 - floor) * (1 + cos(pi * step / steps)) / 2``.

    Parameters
    ----------
    steps : int
        When it is at the end.
    floor : float
        The factor there.

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm
    restarts".
    """

    steps: int
    floor: float = 0.0

    def __call__(self, step: int) -> float:
        ### BEGIN SOLUTION
        return cosine(1.0, self.floor, step / self.steps)
        ### END SOLUTION


# %% checks="schedules" points=6
check(
    [StepLR(2, 0.5)(n) for n in range(5)],
    [1.0, 1.0, 0.5, 0.5, 0.25],
    hint="gamma ** (step // step_size)",
)
check(ExponentialLR(0.5)(3), 0.125, hint="gamma ** step")
check(cosine(3.0, 1.0, 0.25), 2.7071068, hint="1 + 2 * (1 + cos(pi / 4)) / 2")
check(
    [CosineLR(4)(n) for n in (0, 2, 4)],
    [1.0, 0.5, 0.0],
    hint="cosine(1.0, floor, share)",
)
check(CosineLR(4, floor=0.1)(9), 0.1, hint="beyond the end it stays: min(share, 1.0)")
### BEGIN HIDDEN TESTS


def factors(schedule, steps):
    """The factors of the first steps."""
    return [float(schedule(step)) for step in range(steps)]


@observe(size=integers(low=2, high=6), gamma=uniform(low=0.1))
def rates_that_drop(optimizers, size, gamma):
    """StepLR and ExponentialLR, step by step."""
    found = factors(optimizers.StepLR(size, gamma), 12)
    return found, factors(optimizers.ExponentialLR(gamma), 5)


@observe(ends=normal(2), share=uniform(2))
def along_half_a_wave(optimizers, ends, share):
    """Up or down, at the ends, between and beyond."""
    start, end = ends.tolist()
    places = 0.0, *share.tolist(), 1.0, 1.0 + share[0]
    return [optimizers.cosine(start, end, float(q)) for q in places]


@observe(steps=integers(low=2, high=9), floor=uniform())
def rates_that_fall_along_a_wave(optimizers, steps, floor):
    """CosineLR with and without a floor, from the start to beyond the end."""
    found = factors(optimizers.CosineLR(steps, floor), 2 * steps)
    return found, factors(optimizers.CosineLR(steps), steps + 1)


### END HIDDEN TESTS

# %% [markdown]
r"""
**Warming up** is the opposite: begin with *short* steps. In the first steps of Adam, its means rest on a few slopes, and in a
deep network these tell little. A wrong step of full length can switch off half of a network for good. So the first rates
rise in a line, and only then fall.

#### Exercise 11: `WarmupCosine` and `OneCycle`

`WarmupCosine`: in the first `warmup` steps the factor rises: $(n + 1) / \text{warmup}$ at step $n$. (Why $n + 1$? With $n$, the
first step would have the length 0.) The steps after that go along `cosine` from 1 to `floor`: the first of them, $n =
\text{warmup}$, has the share 0, and $n = \text{steps}$ the share 1.

`OneCycle` (Smith and Topin, 2018) goes up slowly, to a high rate, and then far down, both along `cosine`. It's at the top, with
the factor 1, at step $\text{top} = \text{pct\_start} \cdot \text{steps} - 1$, and at the bottom in the last step, $\text{steps} - 1$.

- It begins at $1 / \text{div\_factor}$.
- It ends at the number where it began, divided by `final_div_factor`.
"""


# %% exercise="warmup"
#| export
class WarmupCosine(Schedule):
    """A rate that rises in a line, and then falls along half a wave.

    The factor is ``(step + 1) / warmup`` while ``step < warmup``; after that it goes
    from 1 to `floor`, which it reaches at `steps`, as in `CosineLR`.

    Parameters
    ----------
    warmup : int
        For how many steps it rises; may be 0.
    steps : int
        When it is at the end.
    floor : float
        The factor there.
    """

    warmup: int
    steps: int
    floor: float = 0.0

    def __call__(self, step: int) -> float:
        ### BEGIN SOLUTION
        if step < self.warmup:
            return (step + 1) / self.warmup
        share = (step - self.warmup) / (self.steps - self.warmup)
        return cosine(1.0, self.floor, share)
        ### END SOLUTION


class OneCycle(Schedule):
    """A rate that goes up to its highest and far down again, along two half waves.

    The factor goes from ``1 / div_factor`` to 1 at step ``pct_start * steps - 1``, and
    from there to ``1 / (div_factor * final_div_factor)`` at step ``steps - 1``.

    Parameters
    ----------
    steps : int
        How many there are.
    pct_start : float
        The share of the steps in which it goes up.
    div_factor, final_div_factor : float
        By what the highest rate is divided at the start, and the rate of the start at
        the end.

    References
    ----------
    Smith and Topin (2018), "Super-convergence: very fast training of neural networks
    using large learning rates".
    """

    steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __call__(self, step: int) -> float:
        ### BEGIN SOLUTION
        start = 1 / self.div_factor
        top, last = self.pct_start * self.steps - 1, self.steps - 1
        if step <= top:
            return cosine(start, 1.0, step / top)
        share = (step - top) / (last - top)
        return cosine(1.0, start / self.final_div_factor, share)
        ### END SOLUTION


# %% checks="warmup" points=6
check(
    [WarmupCosine(4, 8)(n) for n in (0, 1, 3, 4, 6, 8, 20)],
    [0.25, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0],
    hint="(step + 1) / warmup; then the share is 0 at step 4 and 1 at step 8",
)
check(
    WarmupCosine(0, 2, 0.2)(1),
    0.6,
    hint="without warming up, the wave begins at step 0",
)
check(
    [OneCycle(10, 0.3, 4.0, 10.0)(n) for n in (0, 1, 2)],
    [0.25, 0.625, 1.0],
    hint="up from 1 / div_factor, at the top at step 0.3 * 10 - 1",
)
check(
    [OneCycle(10, 0.4, 4.0, 10.0)(n) for n in (6, 9, 12)],
    [0.5125, 0.025, 0.025],
    hint="down to (1 / 4) / 10 at step 10 - 1",
)
### BEGIN HIDDEN TESTS


@observe(warmup=integers(low=3, high=7), rest=integers(low=2, high=8), floor=uniform())
def rates_that_warm_up(optimizers, warmup, rest, floor):
    """Step by step, to beyond the end; also without warming up."""
    steps = warmup + rest
    found = factors(optimizers.WarmupCosine(warmup, steps, floor), steps + 3)
    return found, factors(optimizers.WarmupCosine(0, rest), rest + 2)


@observe(
    steps=integers(low=11, high=30),
    share=uniform(low=0.2, high=0.7),
    divided=uniform(2, low=2.0, high=30.0),
)
def one_cycle_step_by_step(optimizers, steps, share, divided):
    """Up and down, and beyond; the top may be between two steps."""
    schedule = optimizers.OneCycle(steps, share, *divided.tolist())
    return factors(schedule, steps + 2), factors(optimizers.OneCycle(steps), steps)


### END HIDDEN TESTS

# %%
falling = StepLR(60, 0.5), ExponentialLR(0.98), CosineLR(200)
warming = WarmupCosine(40, 200), OneCycle(200)
figure, axes = plt.subplots(figsize=(8, 3.5))
show(figure, draw_schedules(axes, falling + warming, 201))

# %% [markdown]
r"""
#### Exercise 12: `Scheduler`

It puts a schedule and an optimizer together, and can be used like an optimizer. `fit` doesn't notice.

- `__init__` keeps the two, the rates that the groups have *now* in an array, `self.rates`, and a count of 0,
  `self.steps = np.array(0)`. `refuse_no_schedule(schedule)`, which is given, refuses what can't be called.
- `step` asks the schedule for the factor of step `self.steps.item()`, gives each group the rate that it had at the beginning
  times this factor (as a Python number, by `.item()`), counts, and lets the optimizer make its step.

Don't multiply the rate that a group has at the moment. After two steps with the factor one half it would be a quarter.

Why are the rates and the count *arrays*? Since `save` from module 8 finds arrays, and a run goes on where its schedule was.
"""


# %% exercise="scheduler"
#| export
class Scheduler(SchedulerMethods):
    """An optimizer with a rate that changes from step to step.

    It can be used like an optimizer: `fit` and `train_step` take it.

    Parameters
    ----------
    optimizer : Optimizer
        Makes the steps.
    schedule : callable
        Takes the number of a step, from 0, and gives the factor for the rates.

    Attributes
    ----------
    rates : ndarray
        The rates of the groups, which the factors are for.
    steps : ndarray
        How many steps are done: one number.

    Raises
    ------
    TypeError
        If the schedule cannot be called.
    """

    def __init__(self, optimizer: Optimizer, schedule: Callable):
        ### BEGIN SOLUTION
        refuse_no_schedule(schedule)
        self.optimizer, self.schedule = optimizer, schedule
        self.rates = np.array([group["lr"] for group in optimizer.param_groups])
        self.steps = np.array(0)
        ### END SOLUTION

    def step(self) -> None:
        """Set the rate of each group, and make a step."""
        ### BEGIN SOLUTION
        factor = self.schedule(self.steps.item())
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = (rate * factor).item()
        self.steps += 1
        self.optimizer.step()
        ### END SOLUTION


# %% checks="scheduler" points=7
_w, _v = (Tensor([10.0], requires_grad=True) for _ in range(2))
_sgd = SGD([{"params": [_w]}, {"params": [_v], "lr": 0.5}], lr=1.0)
_scheduler = Scheduler(_sgd, ExponentialLR(0.5))
_rates = []
for _ in range(3):
    _w.grad = _v.grad = np.array([1.0], dtype=np.float32)
    _scheduler.step()
    _rates.append([group["lr"] for group in _sgd.param_groups])
check(
    _rates,
    [[1.0, 0.5], [0.5, 0.25], [0.25, 0.125]],
    hint="the rate from the beginning times the factor; count the steps, from 0",
)
check(_w, [8.25], hint="10 - 1 - 0.5 - 0.25: set the rate before the step")
check(_scheduler.rates, [1.0, 0.5], hint="the rates from the beginning stay")
check(int(_scheduler.steps), 3, hint="self.steps += 1")
check_raises(
    TypeError, lambda: Scheduler(_sgd, 0.5), hint="refuse_no_schedule(schedule)"
)
### BEGIN HIDDEN TESTS


@observe(
    a=normal(2),
    b=normal(3),
    g=normal(5, 2),
    h=normal(5, 3),
    lr=uniform(2, low=0.1),
    factor=uniform(5, low=0.1, high=2.0),
    keep=uniform(),
)
def steps_with_a_schedule(optimizers, a, b, g, h, lr, factor, keep):
    """Two groups; the numbers that the schedule is asked, all rates, and all places."""
    w, v = parameters_of(optimizers, a, b)
    groups = [{"params": [w]}, {"params": [v], "lr": float(lr[1])}]
    optimizer, asked = optimizers.SGD(groups, float(lr[0]), float(keep)), []

    def schedule(step):
        asked.append((step, type(step).__name__))
        return float(factor[step])

    scheduler, seen = optimizers.Scheduler(optimizer, schedule), []
    for n in range(5):
        w.grad, v.grad = g[n], h[n]
        scheduler.step()
        seen.append([group["lr"] for group in optimizer.param_groups])
    kinds = [type(rate).__name__ for rates in seen for rate in rates]
    return asked, seen, kinds, w.data, v.data, scheduler.rates, int(scheduler.steps)


@observe(a=normal(2), g=normal(2), lr=uniform(low=0.1), gamma=uniform(low=0.1))
def a_scheduler_can_be_saved_by_module_8(optimizers, a, g, lr, gamma):
    """It goes on from where its arrays are; what is no schedule is refused."""
    (w,) = parameters_of(optimizers, a)
    optimizer = optimizers.SGD([w], lr)
    scheduler = optimizers.Scheduler(optimizer, lambda step: gamma**step)
    before = optimizer.lr
    scheduler.steps[...], scheduler.rates[...] = 3, lr / 2
    w.grad = g
    scheduler.step()
    arrays = [type(x).__name__ for x in (scheduler.steps, scheduler.rates)]
    refused = raised(lambda: optimizers.Scheduler(optimizer, 0.5))
    return w.data, before, optimizer.lr, arrays, refused, int(scheduler.steps)


### END HIDDEN TESTS

# %% [markdown]
r"""
Now the two runs from the beginning of this module. A network with six hidden layers, ten epochs of digits, and Adam with a rate
that is rather high. First with the same rate all the time, then falling, then with warming up:
"""

# %% demo=true
for schedule in (lambda step: 1.0, CosineLR(230), WarmupCosine(46, 230)):
    network, (train, test) = MLP(7 * [64] + [10], rng=0), digits_batches()
    adam = Scheduler(Adam(network.parameters(), lr=0.05), schedule)
    fit(network, train, 10, adam)
    name = "always 1" if schedule(99) == 1 else repr(schedule)
    print(f"{name:42} {evaluate(network, test, accuracy):.1%}")

# %% [markdown]
r"""
Three lines decide whether this network learns at this rate. They aren't the only cure: with `lr=0.01` it learns without
warming up as well, in the same ten epochs. Try it. Warming up makes the range of rates that work wider, so you can be less
careful.
"""

# %% [markdown]
r"""
### 5. Long runs, and large steps

When you go on with a run after a break, Adam must know its means. If you make a new one, it begins with means of 0, and its
first steps are as long as the rate in *all* numbers, whatever their slopes are. And the settings may have changed on the way, too.

#### Exercise 13: `state_dict` and `load_state_dict`

`state_dict` returns a dictionary with two entries:

- `"state"`: the list of memories, with a *copy* of each array. Without copies, what you keep goes on changing.
- `"param_groups"`: the list of groups, each with its settings. Instead of the parameters, keep how many there are,
  `len(group["params"])`. The weights belong to the network.

`load_state_dict` gets such a dictionary. First, `refuse_other_state(self, saved)`, which is given, refuses what doesn't fit,
before anything has changed. Then put each array back in place, `memory[name][...] = array`, and give each group the settings
that were saved. Its `"params"` stay.
"""


# %% exercise="state"
#| export
@extend(Optimizer)
class Remembering:
    """What an optimizer remembers, to be kept and put back."""

    def state_dict(self) -> dict[str, list]:
        """A copy of what is remembered and of all settings.

        Returns
        -------
        dict
            ``"state"``: for each parameter a dictionary of arrays; ``"param_groups"``:
            the settings of each group, with the number of its parameters as
            ``"params"``.
        """
        ### BEGIN SOLUTION
        state = []
        for memory in self.state:
            state.append({name: array.copy() for name, array in memory.items()})
        groups = []
        for group in self.param_groups:
            groups.append(group | {"params": len(group["params"])})
        return {"state": state, "param_groups": groups}
        ### END SOLUTION

    def load_state_dict(self, saved: dict[str, list]) -> None:
        """Go on where an optimizer was when its `state_dict` was taken.

        Parameters
        ----------
        saved : dict
            What `state_dict` gave; its arrays are copied.

        Raises
        ------
        ValueError
            If it is of another kind, or for other parameters; nothing has changed then.
        """
        ### BEGIN SOLUTION
        refuse_other_state(self, saved)
        for memory, kept in zip(self.state, saved["state"]):
            for name, array in kept.items():
                memory[name][...] = array
        for group, settings in zip(self.param_groups, saved["param_groups"]):
            group.update(settings | {"params": group["params"]})
        ### END SOLUTION


# %% checks="state" points=7
_w = Tensor([10.0, 10.0], requires_grad=True)
_adam = Adam([_w], lr=1.0)
_w.grad = np.array([4.0, 0.0], dtype=np.float32)
_adam.step()
_saved, _weights = _adam.state_dict(), _w.data.copy()
check(
    _saved["param_groups"],
    [
        {
            "lr": 1.0,
            "weight_decay": 0.0,
            "betas": (0.9, 0.999),
            "eps": 1e-8,
            "params": 1,
        }
    ],
    hint='all settings, and "params" as a number',
)
_adam.lr = 0.5
_adam.step()
_after = _w.data.copy()
check(_saved["state"][0]["means"], [0.4, 0.0], hint="a copy, which stays: array.copy()")
_v = Tensor(_weights, requires_grad=True)
_other = Adam([_v], lr=7.0)
_other.load_state_dict(_saved)
check(_other.lr, 1.0, hint="the settings come back, too: group.update(…)")
check(_other.param_groups[0]["params"], [_v], hint='"params" stay as they are')
_other.lr = 0.5
_v.grad = _w.grad
_other.step()
check(
    bool((_v.data == _after).all()), True, hint="to the last bit: put all arrays back"
)
check(
    _saved["state"][0]["means"],
    [0.4, 0.0],
    hint="steps after loading don't change it: memory[name][...] = array copies",
)
check_raises(
    ValueError,
    lambda: SGD([_v], 0.1).load_state_dict(_saved),
    hint="refuse_other_state(self, saved)",
)
### BEGIN HIDDEN TESTS


def some_steps(parameters, optimizer, slopes):
    """Steps with given slopes, of parameters of one shape."""
    for n, slope in enumerate(slopes):
        for number, p in enumerate(parameters):
            p.grad = slope * (number + 1.0) if n != number else None
        optimizer.step()


@observe(
    a=normal(2, 3),
    g=normal(7, 3),
    lr=uniform(2, low=0.1),
    betas=uniform(2, low=0.1, high=0.99),
    kind=choice("Adam", "AdamW"),
)
def a_run_that_goes_on(optimizers, a, g, lr, betas, kind):
    """Interrupted and not: all places, settings and counts, with two groups."""

    def new_run(arrays, rate):
        w, v = parameters_of(optimizers, *arrays)
        groups = [{"params": [w], "lr": rate}, {"params": [v]}]
        settings = settings_of_adam(0.3, betas, 0.01, 0.1)
        return [w, v], getattr(optimizers, kind)(groups, **settings)

    whole, optimizer = new_run(a, float(lr[0]))
    some_steps(whole, optimizer, g[:4])
    optimizer.param_groups[0]["lr"] = float(lr[1])
    saved = optimizer.state_dict()
    other, its_optimizer = new_run([p.data.copy() for p in whole], 0.7)
    some_steps(whole, optimizer, g[4:])
    its_optimizer.load_state_dict(saved)
    some_steps(other, its_optimizer, g[4:])
    same = [p is q for p, q in zip(its_optimizer.parameters, other)]
    rates = [group["lr"] for group in its_optimizer.param_groups]
    return [p.data for p in (*whole, *other)], same, rates, its_optimizer.state


@observe(a=normal(2, 3), g=normal(3, 3), keep=uniform(low=0.1))
def what_a_state_holds(optimizers, a, g, keep):
    """Names and copies; it neither changes nor is changed by what is loaded."""
    parameters = parameters_of(optimizers, *a)
    optimizer = optimizers.SGD(parameters, 0.1, keep)
    some_steps(parameters, optimizer, g[:2])
    saved = optimizer.state_dict()
    first = [memory["velocity"].copy() for memory in saved["state"]]
    optimizer.load_state_dict(saved)
    some_steps(parameters, optimizer, g[2:])
    later = [memory["velocity"] for memory in saved["state"]]
    groups = [sorted(group.items()) for group in saved["param_groups"]]
    return first, later, groups, sorted(saved), len(optimizer.param_groups[0]["params"])


@observe(a=normal(2, 3), g=normal(2, 3))
def another_state_is_refused(optimizers, a, g):
    """Of another kind, of fewer parameters; nothing has changed then."""
    parameters = parameters_of(optimizers, *a)
    adam = optimizers.Adam(parameters, 0.1)
    some_steps(parameters, adam, g)
    bad = [
        optimizers.SGD(parameters, 0.3).state_dict(),
        optimizers.Adam(parameters[:1], 0.3).state_dict(),
    ]
    refused = [raised(lambda b=b: adam.load_state_dict(b)) for b in bad]
    return refused, adam.lr, adam.state


### END HIDDEN TESTS

# %% [markdown]
r"""
How large is the bump if Adam forgets? Six epochs, then a break: the mean loss of the next ten batches, with its means and
without. The rate is rather high here, 0.02, so that you see it; with 0.003 you'd hardly notice.
"""


# %% demo=true
for forgets in (False, True):
    print(f"forgets: {forgets!s:5}  loss {loss_after_a_break(Adam, fit, forgets):.4f}")

# %% [markdown]
r"""
And how do you find a rate to begin with? Try *all* of them, in a single run: begin with a tiny one, and make it larger in each
step. At first nothing happens, then the loss falls, and then it shoots up: that's the wall (Smith, 2017). Take a rate well
before it.

#### Exercise 14: `find_lr`

1. Rates from `lowest` to `highest`, each larger than the one before by the same factor: `np.geomspace(lowest, highest, steps)`.
2. Keep what will change: the network by `save(file, network)` from module 8, into a file in memory, `file = io.BytesIO()`;
   and the optimizer's `state_dict()`.
3. For each rate and each batch of `again(batches)`, which is given and never ends: `optimizer.lr = rate` sets the rate of all
   groups; make a `train_step`, and append its loss to a list. Stop when the loss is more than four times the lowest so far. Stop
   as well when `train_step` raises a `FloatingPointError`, since that's the wall.
4. Put everything back, *also after an error* (`finally`): `file.seek(0)` and `load(file, network)`, then the optimizer's state.
5. Return the rates that were tried, as many as there are losses, and the losses, both as arrays.
"""


# %% exercise="find-lr"
#| export
def find_lr(
    network, batches, optimizer, loss=cross_entropy, lowest=1e-5, highest=10.0, steps=99
) -> tuple[np.ndarray, np.ndarray]:
    """Try rates from tiny to huge in one run, and put everything back.

    Parameters
    ----------
    network, batches, optimizer, loss
        As for `train_epoch`. The batches are gone through as often as it takes.
    lowest, highest : float
        The first rate and the last one.
    steps : int
        How many rates there are, each larger than the one before by the same factor.

    Returns
    -------
    rates, losses : ndarray of shape (tried,)
        The loss right before the step with each rate. It ends early when the loss is
        more than four times its lowest, or no number any more.

    References
    ----------
    Smith (2017), "Cyclical learning rates for training neural networks".
    """
    ### BEGIN SOLUTION
    rates, losses = np.geomspace(lowest, highest, steps), []
    file, state = io.BytesIO(), optimizer.state_dict()
    save(file, network)
    try:
        for rate, (x, y) in zip(rates, again(batches)):
            optimizer.lr = rate
            losses.append(train_step(network, x, y, optimizer, loss))
            if losses[-1] > 4 * min(losses):
                break
    except FloatingPointError:
        pass
    finally:
        file.seek(0)
        load(file, network)
        optimizer.load_state_dict(state)
    return rates[: len(losses)], np.array(losses)
    ### END SOLUTION


# %% checks="find-lr" points=6
_line = MLP([1, 1], rng=0)
_line[0].weights.data[:], _line[0].bias.data[:] = 2.0, 0.0
_batches = [(Tensor([[1.0], [2.0]]), np.array([[1.0], [2.0]]))]
_sgd = SGD(_line.parameters(), lr=0.5, momentum=0.1)
_rates, _losses = find_lr(_line, _batches, _sgd, mse_loss, 0.001, 1e3, steps=7)
check(
    _rates,
    [0.001, 0.01, 0.1, 1.0, 10.0],
    hint="each ten times the last, until the wall",
)
check(_losses[:2], [2.5, 2.4661165], hint="a train_step with each rate")
check(_losses[4] > 4 * _losses.min(), True, hint="the loss at the wall is kept, too")
check(_line[0].weights, [[2.0]], hint="put the network back")
check(_sgd.lr, 0.5, hint="put the optimizer back")
check(int(_sgd.state[0]["steps"]), 0, hint="what it remembers, too")
### BEGIN HIDDEN TESTS


class Counting:
    """A layer that draws from a generator and counts in an array."""

    def __init__(self, seed):
        self.rng, self.count = np.random.default_rng(seed), np.zeros(1)

    def __call__(self, x):
        self.count += 1
        return x * self.rng.uniform(0.9, 1.1)


def line_from(optimizers, a, seed):
    """A network with one layer that draws and one dense one, in float64."""
    MLP = optimizers.training.MLP
    network = MLP([3, 2]).astype("float64")
    network[0].weights.data[:] = a
    network.layers.insert(0, Counting(seed))
    return network


@observe(
    a=normal(3, 2),
    x=normal(3, 5, 3),
    y=normal(3, 5, 2),
    seed=integers(low=0, high=99),
    highest=uniform(low=0.02, high=0.1),
    keep=uniform(low=0.1, high=0.5),
)
def a_sweep_and_what_it_leaves(optimizers, a, x, y, seed, highest, keep):
    """Rates and losses over some rounds; weights, draws and settings are as before."""
    network = line_from(optimizers, a, seed)
    batches = [(optimizers.Tensor(i), j) for i, j in zip(x, y)]
    sgd = optimizers.SGD(network.parameters(), 0.3, keep)
    mse = optimizers.training.mse_loss
    optimizers.train_step(network, *batches[0], sgd, mse)
    before = [m["velocity"].copy() for m in sgd.state]
    kinds = set()

    def loss(out, target):
        kinds.add(type(sgd.lr).__name__)
        return mse(out, target)

    found = optimizers.find_lr(network, batches, sgd, loss, 0.001, highest, 8)
    kinds |= {type(array).__name__ for array in found}
    weights = [p.data.copy() for p in network.parameters()]
    draws = network[0].rng.random(), network[0].count
    after = [m["velocity"] for m in sgd.state]
    counts = [int(m["steps"]) for m in sgd.state]
    return found, weights, draws, before, after, sgd.lr, counts, sorted(kinds)


@observe(
    a=normal(3, 2), x=normal(5, 3), y=normal(5, 2), factor=uniform(low=3.0, high=9.0)
)
def a_sweep_that_hits_the_wall(optimizers, a, x, y, factor):
    """It ends where the loss is four times its lowest; weights are as before."""
    network = optimizers.training.MLP([3, 2]).astype("float64")
    network[0].weights.data[:] = a
    batches = [(optimizers.Tensor(x), y)]
    sgd = optimizers.SGD(network.parameters(), 0.3)
    mse = optimizers.training.mse_loss
    found = optimizers.find_lr(network, batches, sgd, mse, 0.01, 10.0 * factor, 25)
    return found, network[0].weights.data, sgd.lr


@observe(x=normal(5, 3), first=uniform(3, low=1.0, high=1.2), wall=uniform(2, low=0.1))
def where_the_wall_is(optimizers, x, first, wall):
    """Losses that are told beforehand: just below four times the lowest, then above."""
    lowest = float(first.min())
    told = [*first, lowest * (4 - wall[0]), lowest, lowest * (4 + wall[1]), 1.0]
    steps = iter(told)
    network = optimizers.training.MLP([3, 2]).astype("float64")
    sgd, batches = (
        optimizers.SGD(network.parameters(), 0.3),
        [(optimizers.Tensor(x), x)],
    )

    def loss(out, target):
        return out.sum() * 0.0 + float(next(steps))

    return optimizers.find_lr(network, batches, sgd, loss, 0.001, 0.1, 7)


@observe(a=normal(3, 2), x=normal(5, 3), y=normal(5, 2), at=integers(low=1, high=5))
def a_loss_that_fails(optimizers, a, x, y, at):
    """NaN ends the sweep, any other error goes on; in both cases all is put back."""
    mse, calls = optimizers.training.mse_loss, []

    def failing(kind):
        def loss(out, target):
            calls.append(0)
            if len(calls) > at and kind == "error":
                raise KeyError("loss")
            return mse(out, target) * (np.nan if len(calls) > at else 1.0)

        return loss

    found = []
    for kind in ("nan", "error"):
        network = optimizers.training.MLP([3, 2]).astype("float64")
        network[0].weights.data[:] = a
        sgd, batches = (
            optimizers.SGD(network.parameters(), 0.3),
            [(optimizers.Tensor(x), y)],
        )
        calls.clear()
        out = []

        def sweep(kind=kind, network=network, sgd=sgd, batches=batches, out=out):
            out.extend(
                optimizers.find_lr(network, batches, sgd, failing(kind), 0.001, 0.01)
            )

        found.append((raised(sweep), out, network[0].weights.data, sgd.lr))
    return found


### END HIDDEN TESTS

# %% demo=true
network = MLP([64, 128, 10], rng=0)
sgd = SGD(network.parameters(), 0.1, momentum=0.9)
figure, axes = plt.subplots(figsize=(6.5, 3))
show(figure, draw_sweep(axes, *find_lr(network, digits_batches()[0], sgd)))

# %% [markdown]
r"""
All rules so far look at slopes only. Newton's method looks at the curvature as well: with all second derivatives in a matrix
$H$, it steps by $d$ with $H d = g$, to the bottom of a ravine in a single step. But for a million weights $H$ has a million
million numbers.

You don't need $H$. You need its *products* with some vectors, and each of them costs two backward passes (`hvp`, module 15).
The method of **conjugate gradients** solves $H d = g$ with nothing else (Hestenes and Stiefel, 1952). It goes down the ravine
$\frac{1}{2} d^\top H d - g^\top d$, and no step spoils what the ones before it have gained. So in $n$ dimensions, $n$ steps are enough.

#### Exercise 15: `conjugate_gradient`

Solve $A x = b$, with a function `product` that gives $A v$ for any $v$. Begin with $x = 0$, the rest $r = b$, and the direction
$d = b$, as copies. Then, `len(b)` times:

1. If $r \cdot r$ is at most $10^{-20} \cdot b \cdot b$, stop.
2. $q = A d$, and $\alpha = (r \cdot r) / (d \cdot q)$: how far to go.
3. $x$ becomes $x + \alpha d$, and the new rest is $r - \alpha q$.
4. The new direction is the new rest, plus $d$ times (new $r \cdot r$) / (old $r \cdot r$).

Nothing later needs this function, so you can leave it out and come back.
"""


# %% exercise="newton"
#| export
def conjugate_gradient(product: Callable, b: np.ndarray) -> np.ndarray:
    """Solve ``A x = b`` with nothing but products of A with vectors.

    Parameters
    ----------
    product : callable
        Takes an array like `b`, gives the product of A with it; A is symmetric, with
        positive curvature in each direction.
    b : ndarray of shape (n,)
        Not changed.

    Returns
    -------
    ndarray of shape (n,)
        The solution, after at most n products.

    References
    ----------
    Hestenes and Stiefel (1952), "Methods of conjugate gradients for solving linear
    systems".
    """
    ### BEGIN SOLUTION
    x, rest, d = np.zeros_like(b), b.copy(), b.copy()
    for _ in range(len(b)):
        length = rest @ rest
        if length <= 1e-20 * (b @ b):
            break
        q = product(d)
        alpha = length / (d @ q)
        x += alpha * d
        rest -= alpha * q
        d = rest + (rest @ rest) / length * d
    return x
    ### END SOLUTION


# %% checks="newton" points=4
_a, _b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
_asked = []


def _product(v):
    _asked.append(v.copy())
    return _a @ v


_x = conjugate_gradient(_product, _b)
check(_asked[0], [1.0, 2.0], hint="the first direction is b")
check(_b, [1.0, 2.0], hint="b stays: begin with copies")
check(
    [len(_asked), *_asked[1:2]],
    [2, [-0.4375, 0.375]],
    hint="a second step, along the new rest, plus d * (new r·r) / (old r·r)",
)
check(_x, [0.0909091, 0.6363636], hint="x += alpha * d in each step")
check(conjugate_gradient(_product, np.zeros(2)), [0.0, 0.0], hint="stop where b is 0")
### BEGIN HIDDEN TESTS


@observe(m=normal(4, 4), b=normal(4))
def solved_by_products(optimizers, m, b):
    """The solution, what was asked for, and the right side, which stays."""
    a, asked = m @ m.T + 4 * np.eye(4), []

    def product(v):
        asked.append(v.copy())
        return a @ v

    return optimizers.conjugate_gradient(product, b), asked, b


@observe(b=normal(5), c=uniform(2, low=1.0, high=9.0))
def it_stops_when_it_is_there(optimizers, b, c):
    """Two different curvatures take two products, whatever the size; none at all for zeros."""
    curvatures, asked = np.repeat(c, [2, 3]), []

    def product(v):
        asked.append(1)
        return curvatures * v

    found = [optimizers.conjugate_gradient(product, b)]
    counts = [len(asked)]
    for scale in (1e-9, 1e9):
        asked.clear()
        found.append(optimizers.conjugate_gradient(product, scale * b) / scale)
        counts.append(len(asked))
    zeros = optimizers.conjugate_gradient(product, 0 * b)
    return found, counts, zeros


### END HIDDEN TESTS

# %% [markdown]
r"""
If module 15 is there, here is Newton's method in the ravine and in a valley that's bent (Rosenbrock, 1960). Otherwise the cell
says so, and you can come back to it.
"""


# %% demo=true
try:
    for valley, start in ((ravine, [-1.0, 1.0]), (banana, [-1.2, 1.0])):
        count = newton_steps(valley, start, conjugate_gradient)
        print(f"{valley.__name__}: steps until it is below 1e-6: {count}")
except ImportError:
    print("This needs module 15.")

# %% [markdown]
r"""
That was the last exercise. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    Adagrad Adam AdamW CosineLR ExponentialLR OneCycle Optimizer RMSProp SGD Scheduler
    StepLR WarmupCosine conjugate_gradient find_lr parameter_groups
""".split()

# %% [markdown]
r"""
## Use

Seven optimizers, one problem: the digits, 20 epochs, a network with 128 hidden neurons. Each has a rate that does well
here. What will the differences be?

<details>
<summary>Think first, then look</summary>

All of them learn. On the digits they were trained with, momentum gets furthest, and so does Adam once its rate falls along a
wave. On new digits, which are what counts, they hardly differ. On a small problem, with inputs that are scaled well and a good
rate, plain SGD isn't bad at all.

</details>
"""


# %% demo=true
def adamw_cosine(parameters):
    return Scheduler(AdamW(parameters, 0.01), CosineLR(460))


rivals = seven(SGD, Adagrad, RMSProp, Adam, adamw_cosine)
curves = race(rivals, fit, evaluate, accuracy)
figure, axes = plt.subplots(figsize=(8, 4))
show(figure, draw_curves(axes, curves))

# %% [markdown]
r"""
## Analyze

### A banana

Rosenbrock made this valley in 1960 to annoy optimizers, and it still does. The floor is bent like a banana, nearly flat, and
steep at both sides. The bottom is at (1, 1). Which way do they go, and who arrives in 1,500 steps?
"""

# %% demo=true
paths = banana_paths(SGD, Adagrad, RMSProp, Adam)
figure, axes = plt.subplots(figsize=(8, 4.5))
show(figure, draw_paths(axes, banana, paths, low=1e-4))

# %% [markdown]
r"""
### Memory and time

What a rule remembers takes memory, and each line of its formula takes time. Here are both, for a network with 109,386
parameters: the memory in multiples of the weights, and the time of a step. (Ours makes room for a velocity even if there's no
momentum. Your SGD of module 8 doesn't.)
"""

# %% demo=true
costs = costs_of({"SGD, module 8": lambda p: training.SGD(p, 0.1)} | rivals)
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
show(figure, draw_costs(axes, costs))

# %% [markdown]
r"""
**Question 2** (5 points). A language model has 7 billion weights in float32, 4 bytes each. (a) How much memory do weights and
gradients take, and how much does the optimizer remember, with SGD without momentum (as in module 8), with momentum, and with
Adam? (b) Somebody saves such a run with the weights only, and goes on with a new Adam. What is different in its first step, and
why is that worst where slopes have been small for a long time? (c) Somebody else saves everything but the count of the
schedule, a `WarmupCosine`. What happens when the run goes on?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="seven-billion" points=5
r"""
**Model answer.** (a) $7 \cdot 10^9 \cdot 4$ bytes are 28 GB, for the weights and again for the gradients. SGD without momentum
remembers nothing, momentum one array like the weights, 28 GB, and Adam two, 56 GB. So Adam takes 112 GB in all. (b) The means are
0 and $t$ is 1: the corrected means are $g$ and $g^2$, so each number moves by the whole rate, in the direction of a single noisy
slope. Before, the direction was a mean over about ten slopes, in which noise cancels, over the root of the mean square of a thousand. Where
the slopes have been small and of both signs, the steps were much shorter than the rate; now they are as long as everywhere else. (c) It
begins anew to warm up: the rate goes down to nearly 0, up to its highest, and falls as if nothing had been done. A network that
was nearly done is shaken by long steps, and training takes as long as from the start.

**Mark scheme.** 1 point: 28 GB each for weights and gradients. 1 point: 0, 28 and 56 GB. 1 point: (b) the first step is as long as
the rate in each number. 1 point: (b) small or changing slopes had short steps before. 1 point: (c) warms up again, to a high rate.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`torch.optim` has `SGD`, `Adagrad`, `RMSprop`, `Adam` and `AdamW`, with the settings, formulas and names of groups that you used;
`tests/reference/test_optimizers.py` compares them. In `state_dict()`, groups hold the numbers of their parameters, and the
state is kept by number. Schedules are in `torch.optim.lr_scheduler`: `StepLR`, `ExponentialLR`, `CosineAnnealingLR` (which rises
again beyond its end; ours stays), `OneCycleLR`. There, a scheduler has a `step()` of its own, to be called *after* that of the
optimizer; the other order skips the first rate, and there is a warning. `foreach=True` and `fused=True` make the same steps
for all parameters at once.

</details>

## What you have built

- The steepest direction limits the rate, and the flattest one pays for it.
- An optimizer is a direction, and a memory for each parameter. Groups have settings of their own.
- Momentum adds up what agrees. Adagrad, RMSProp and Adam divide by how large slopes are. AdamW keeps decay out of that.
- A schedule is a function of the step. It goes from short steps to long ones and back.
- All that changes belongs to the run: what's remembered, the settings, the count of the schedule.

Export your module with `python bin/tito.py export 09_optimizers`. Module 10 (normalization) is still to come. Module 15 can be done
now, if you haven't done it, and with it Newton's method in section 5.
"""

# %% [markdown]
r"""
# Module 7: Automatic differentiation

So far everything you built runs forwards: tensors hold numbers, layers and activations turn numbers into
other numbers. Nothing learns. Learning needs the opposite direction: *if this weight were a little larger,
how much would the loss change?*, asked for every weight at once. In this module you build the machine that
answers: it records what was computed, then walks the record backwards and gives the gradient of any
expression that you can write in Python, exactly, for about the price of two or three forward passes.

It is the heart of TinyTorch. When it is done, `Dense` and `ReLU`, which you wrote in modules 2 and 3 without
a thought of gradients, can be trained without one changed line.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | the numerical gradient, slow and nearly right: the yardstick for all that follows | 1 | 25 min |
| 2 | one graph worked by hand, forwards and backwards | 1 | 15 min |
| 3 | the table of rules: sums, products, powers | 3 | 40 min |
| 4 | recording: `Operation`, `Variable`, `record` | 3 | 60 min |
| 5 | `backward`, from its failures to its cure; at the end of it your engine runs | 7 | 110 min |
| 6 | more rules: from `exp` to the matrix product and `softmax` | 9 | 100 min |
| 7 | `no_grad` and `grad` | 2 | 30 min |
| 8 | optional: gradients of gradients, Jacobians, Hessians, Newton's method | 2 | 45 min |
| 9 | optional: checkpoints, which give time for memory | 1 | 35 min |
| 10 | optional: operations with a rule of your own | 1 | 20 min |
| 11 | optional: clipping, `gradcheck`, the search for a NaN, hooks | 2 | 45 min |
| Use | a line, a valley, a root, a network on two moons | – | 30 min |
| Analyze | what a gradient costs in time and memory; three written questions | 3 questions | 40 min |

Sections 1 to 7 make the engine; everything else stands on them. With the three questions they carry 82 of the 100
points, and take about seven and a half hours with *Use* and *Analyze*. Sections 8 to 11, worth the other 18, are
for those who want to go on, and take two and a half hours more; *Use* and *Analyze* do without them.

What you need: module 1 (`Tensor`, `apply`, broadcasting), the activations of module 2, `linear` and `Dense`
of module 3; derivatives of one variable and the chain rule. Everything else is derived here.

How to work: each exercise has a text, a cell to complete, and a cell of checks. Run the checks at once: a check that
passes is one line, and the first that does not says what was called, what came, what was expected, and has a hint. When
you change a cell, run it again before its checks. Later exercises build on earlier ones.

Where you stand is what `progress()` says, in a cell of this notebook, and `python bin/tito.py status` in a terminal.
`python bin/tito.py test 07_autograd` runs the whole notebook in a fresh kernel, as grading does; with `--watch` again
after each save. In JupyterLab, *Run All* stops at the first check that is not right. If a result cannot be explained,
restart the kernel and run all cells down to where you are: a cell that was run and then changed leaves its old names
behind.
"""

# %%
#| default_exp core.autograd
#| export
from __future__ import annotations

import contextlib
import itertools
import linecache
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy import ndarray

from tinytorch.core import activations, layers
from tinytorch.core.tensor import (
    Arithmetic,
    Comparisons,
    Conversions,
    Indexing,
    Reductions,
    ReflectedArithmetic,
    Shaping,
    Tensor,
    apply,
    as_array,
    compute,
    getitem,
    value,
)

alarms: list[int] = []  # which threads look for anomalies (section 11): usually none

# %% [markdown]
r"""
The cell above belongs to the library. What the notebook needs besides, for plots, measurements and checks:
"""

# %%
import time
import tracemalloc

import matplotlib.pyplot as plt

from tito.checks import check, check_raises, progress
from tito.figures import show

# %% [markdown]
r"""
## Build

### 1. Why gradients, and what they cost without this module

A network with weights $w_1, \dots, w_n$ and some training examples has one number that says how bad it is:
the loss $L(w_1, \dots, w_n)$. To make it better, change each weight a little against its slope,

$$w_i \leftarrow w_i - \eta\,\frac{\partial L}{\partial w_i},$$

where $\eta$ is a small step. All of training is this line, repeated. The two layers `Dense(784, 128)` and
`Dense(128, 10)`, a small network for small pictures, have
$784 \cdot 128 + 128 + 128 \cdot 10 + 10 = 101{,}770$ weights, so each repetition needs 101,770 slopes. The
list of all of them is the **gradient** of $L$.

#### The slope from its definition

The derivative is a limit, and a limit can be approximated: take a small step $h$, and see what happens.

$$\text{one-sided: } \frac{f(x + h) - f(x)}{h} \qquad\qquad \text{central: } \frac{f(x + h) - f(x - h)}{2h}$$

How good is that? Put Taylor's series
$f(x \pm h) = f(x) \pm h f'(x) + \frac{h^2}{2} f''(x) \pm \frac{h^3}{6} f'''(x) + \dots$ into both:

$$\frac{f(x + h) - f(x)}{h} = f'(x) + \frac{h}{2} f''(x) + \dots \qquad
\frac{f(x + h) - f(x - h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots$$

In the central difference the even terms cancel, so its error shrinks with $h^2$. An example with numbers:
$f(x) = x^3$ at $x = 2$, where the true slope is $3x^2 = 12$, with $h = 0.1$.

| | value | error |
| --- | --- | --- |
| one-sided | $(2.1^3 - 2^3) / 0.1 = (9.261 - 8) / 0.1 = 12.61$ | 0.61 |
| central | $(2.1^3 - 1.9^3) / 0.2 = (9.261 - 6.859) / 0.2 = 12.01$ | 0.01 |

For a function of many numbers, do this for one element after the other, and leave all the others where they
are. For $f(v) = v_0^2 + 3 v_1$ at $(3, 5)$ that gives $(6, 3)$.

#### Exercise 1: `numerical_gradient`

Complete the function below. It will judge every rule that you write later, so it should work for arrays of
any shape, and leave its argument alone.

<details>
<summary>Hint: how to go through the elements of an array of any shape</summary>

`np.ndindex(x.shape)` gives all index tuples of a shape: for `(2, 2)` they are `(0, 0)`, `(0, 1)`, `(1, 0)`,
`(1, 1)`. For the shape `()` of a single number there is one, the empty tuple, and `x[()]` works.

</details>

<details>
<summary>Hint: how not to change <code>x</code></summary>

Make an array `offset` of zeros, put `step` into one place of it, and call `f(x + offset)` and
`f(x - offset)`.

</details>
"""


# %% exercise="numerical-gradient"
#| export
def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element after the other.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, gives a number.
    x : array_like
        Where to differentiate, of any shape; not changed.
    step : float
        How far to step to either side.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, in the shape of `x`.

    Approach
    --------
    1. Copy `x` into a new float64 array: the step has to fit into its elements.
    2. Make an array of zeros for the result.
    3. For each index, call `f` with that one element moved up by `step`, and moved down by `step`.
    4. Store their difference, divided by ``2 * step``.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[index] = step
        gradient[index] = (f(x + offset) - f(x - offset)) / (2 * step)
    return gradient
    ### END SOLUTION


# %% checks="numerical-gradient" points=3
check(
    numerical_gradient(lambda v: v[0] ** 2 + 3 * v[1], [3.0, 5.0]),
    [6.0, 3.0],
    hint="move one element at a time, and leave the others where they are",
)
check(
    numerical_gradient(lambda v: v[0] ** 3, [2.0], step=0.1),
    [12.01],
    hint="step to both sides and divide by 2 * step; 12.61 is the one-sided difference",
)
check(
    numerical_gradient(lambda v: v[0] * v[1], [2, 3]),
    [3.0, 2.0],
    hint="integers cannot hold 2 + 0.00001: make x a float64 array first",
)
_matrix = np.array([[1.0, -2.0], [0.5, 3.0], [4.0, 0.0]])
check(
    numerical_gradient(lambda m: (m * m).sum(), _matrix),
    [[2.0, -4.0], [1.0, 6.0], [8.0, 0.0]],
    hint="the gradient has the shape of x; np.ndindex(x.shape) goes through all indices",
)
_hint = "numerical_gradient must not change x itself: work on a copy"
check(_matrix[0], [1.0, -2.0], hint=_hint, tolerance=1e-12)
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised, uniform


@observe(x=normal(4), a=normal(4, 4))
def gradient_of_a_quadratic_form(autograd, x, a):
    """Every element of a vector is moved by itself."""
    return autograd.numerical_gradient(lambda v: v @ a @ v, x)


@observe(x=normal(2, 3), step=uniform(low=0.3, high=0.6))
def central_difference_with_a_large_step(autograd, x, step):
    """With a large step, a one-sided difference is far off, and so is a wrong divisor."""
    return autograd.numerical_gradient(lambda m: (m**3).sum(), x, step)


@observe(x=normal(2, 1, 3, dtype="float32"), a=normal(2, 1, 3))
def shape_and_dtype_for_a_float32_array(autograd, x, a):
    """The result is float64 and has the shape of x."""
    gradient = autograd.numerical_gradient(lambda m: (a * m * m).sum(), x)
    return gradient.shape, str(gradient.dtype), gradient


@observe(x=integers(3, low=1, high=6))
def integers_are_moved_too(autograd, x):
    """Whole numbers are turned into floats before they are moved."""
    numbers = [int(n) for n in x]
    return autograd.numerical_gradient(lambda v: v[0] * v[1] * v[2], numbers)


@observe(x=normal(5))
def x_stays_as_it_was_and_f_is_called_twice_an_element(autograd, x):
    """Neither the caller's array nor any array given to f changes afterwards."""
    before, seen = x.copy(), []

    def f(v):
        seen.append((v, v.copy()))
        return float(v @ v)

    gradient = autograd.numerical_gradient(f, x)
    unchanged = all(np.array_equal(now, then) for now, then in seen)
    return gradient, bool(np.array_equal(x, before)), unchanged, len(seen)


@observe(x=uniform(low=0.5, high=2.0))
def gradient_by_a_single_number(autograd, x):
    """A single number has the shape (), and so has its gradient."""
    gradient = autograd.numerical_gradient(lambda v: float(v) ** 2, x)
    return np.shape(gradient), float(gradient)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### How wrong is it?

If a smaller step means a smaller error, why not take $h = 10^{-15}$? Measure it: the cell below
differentiates $e^x$ at $x = 1$, where the true slope is $e = 2.718281828\ldots$, with steps from $0.1$ down
to $10^{-15}$.
"""

# %% demo=true
steps = 10.0 ** np.arange(-1, -15.25, -0.25)
true_slope = np.exp(1.0)
one_sided = [np.abs((np.exp(1.0 + h) - np.exp(1.0)) / h - true_slope) for h in steps]
central = [np.abs(numerical_gradient(np.exp, 1.0, h) - true_slope) for h in steps]

print("  step    error one-sided   error central")
for i in range(0, len(steps), 8):
    print(f"{steps[i]:7.0e} {one_sided[i]:16.1e} {central[i]:15.1e}")

figure, axes = plt.subplots(figsize=(7, 3.8))
axes.loglog(steps, one_sided, "o-", markersize=3, label="one-sided difference")
axes.loglog(steps, central, "s-", markersize=3, label="central difference")
axes.set_xlabel("step h")
axes.set_ylabel("error of the slope of exp at 1")
axes.invert_xaxis()
axes.legend()
show(
    figure,
    "Error of the slope of exp at 1 against the step h, which shrinks to the right, both "
    "axes logarithmic. The one-sided difference (circles) falls in proportion to h, the "
    "central one (squares) to its square and so deeper; both rise again when rounding takes "
    "over.",
)

# %% [markdown]
r"""
*The figure: step against error, both axes logarithmic, the step shrinking to the right. Each curve is a V.
The one-sided error falls with slope 1 to about $10^{-8}$ at $h \approx 10^{-8}$, the central one with slope 2
to about $10^{-11}$ at $h \approx 10^{-5}$; from there on both rise again, jagged, along the same line.*

Two errors fight here. On the left is the **truncation** of Taylor's series, $\frac{h^2}{6} f'''$. On the
right is **cancellation**: a float64 has 16 digits, so `f(x + h)` and `f(x - h)` are each wrong by about
$\varepsilon |f| = 2 \cdot 10^{-16}\,|f|$. If they agree in their first 12 digits, the difference has only 4
digits left, and dividing by $2h$ magnifies what is wrong with them to $\varepsilon |f| / h$. The sum
$\frac{h^2}{6} + \frac{\varepsilon}{h}$ is smallest near $h = \sqrt[3]{3 \varepsilon} \approx 10^{-5}$, which
is why that is the default of `step`. Ten good digits are plenty for checking; float32, with its 7 digits,
would leave four.

#### What does it cost?

Two calls of $f$ for each element. Count and time them:
"""

# %%
rng = np.random.default_rng(0)


def seconds(call, repeat=3):
    """The shortest time that a call took, of `repeat` tries."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return np.min(times)


print("elements   calls of f   milliseconds")
for n in (10, 100, 1000):
    start = time.perf_counter()
    numerical_gradient(lambda v: np.tanh(v * v).sum(), rng.normal(size=n))
    print(f"{n:8} {2 * n:12} {1000 * (time.perf_counter() - start):14.1f}")

pictures, weights_1, weights_2 = (
    rng.normal(size=shape).astype(np.float32) for shape in [(64, 784), (784, 128), (128, 10)]
)
forward = seconds(lambda: activations.relu(pictures @ weights_1) @ weights_2, 20)
print(f"\none forward pass of the network, 64 pictures: {1000 * forward:.2f} ms")
print(
    f"its gradient that way, 203,540 passes: {203_540 * forward:.0f} s for a single step of training"
)

# %% [markdown]
r"""
A numerical gradient needs a number of forward passes that grows with the number of weights; training takes
thousands of steps. The engine that you are about to build gets the same gradient, to all digits, for about
the price of two or three forward passes, no matter how many weights there are. You will measure that at the
end.

### 2. One graph, by hand

Before the machine, do its work once yourself. Take

$$f(x, y) = (x + y)(x - y) \qquad\text{at}\qquad x = 2,\; y = 3.$$

A computer evaluates it in three small steps, and each has a name here:

```text
    x = 2 ──┬─────────► [ + ] ──► s = 5  ───┐
            │   ┌─────►                     ├──► [ × ] ──► f = -5
            └───┼─────► [ - ] ──► d = -1 ───┘
    y = 3 ──────┴─────►
```

(In words: $x$ and $y$ both go into the sum $s$, and both into the difference $d$; $s$ and $d$ go into the
product $f$.)

**Forwards**, from left to right: $s = x + y = 5$, then $d = x - y = -1$, then $f = s \cdot d = -5$.

**Backwards**, from right to left. The question at each place is: *how much does $f$ change when this value
changes?*

| step | rule | value |
| --- | --- | --- |
| $\partial f / \partial f$ | f changes by itself | $1$ |
| $\partial f / \partial s$ | $f = s d$, so it is $d$ | $-1$ |
| $\partial f / \partial d$ | $f = s d$, so it is $s$ | $5$ |
| $\partial f / \partial x$ | through $s$: $\frac{\partial f}{\partial s} \cdot \frac{\partial s}{\partial x} = -1 \cdot 1$; through $d$: $\frac{\partial f}{\partial d} \cdot \frac{\partial d}{\partial x} = 5 \cdot 1$; together | $4$ |
| $\partial f / \partial y$ | through $s$: $-1 \cdot 1$; through $d$: $5 \cdot (-1)$; together | $-6$ |

Three things happen in this table, and they are all there is to it:

1. Each step needs only its **own** little derivative (of a product, of a sum, of a difference) and what has
   been found to its right. Nobody looks at the whole formula.
2. Along a path, derivatives are **multiplied** (the chain rule).
3. Where a value is used twice, what comes back from both uses is **added**. $x$ has two paths to $f$:
   $-1 + 5 = 4$.

It is right: $f = x^2 - y^2$, so $\partial f / \partial x = 2x = 4$ and $\partial f / \partial y = -2y = -6$.
And note what the work going backwards gave: the derivatives by *all* inputs, in one pass.

#### Exercise 2: `chain_rule_by_hand`

Write the two tables above as code for any $x$ and $y$. Do not use $x^2 - y^2$: follow the graph, step by
step.
"""


# %% exercise="chain-rule-by-hand"
def chain_rule_by_hand(x: float, y: float) -> dict[str, float]:
    """Every value and every derivative of f = (x + y)(x - y), worked through backwards.

    Parameters
    ----------
    x, y : float
        Where to evaluate.

    Returns
    -------
    dict
        The values ``s = x + y``, ``d = x - y`` and ``f = s * d``, and the derivatives of f by each:
        ``df_ds``, ``df_dd``, ``df_dx`` and ``df_dy``.

    Approach
    --------
    1. Forwards: `s`, `d`, `f`.
    2. Backwards through the product: `df_ds` and `df_dd`.
    3. Backwards through the sum and the difference: `df_dx` and `df_dy`, each from two paths.
    """
    ### BEGIN SOLUTION
    s, d = x + y, x - y
    df_ds, df_dd = d, s
    df_dx = df_ds + df_dd  # each times 1
    df_dy = df_ds - df_dd  # times 1, and times -1
    return {
        "s": s, "d": d, "f": s * d,
        "df_ds": df_ds, "df_dd": df_dd, "df_dx": df_dx, "df_dy": df_dy,
    }  # fmt: skip
    ### END SOLUTION


# %% checks="chain-rule-by-hand" points=2
check(chain_rule_by_hand(2.0, 3.0)["s"], 5.0, hint="forwards: x + y")
check(chain_rule_by_hand(2.0, 3.0)["d"], -1.0, hint="forwards: x - y")
check(chain_rule_by_hand(2.0, 3.0)["f"], -5.0, hint="forwards: s * d")
check(chain_rule_by_hand(2.0, 3.0)["df_ds"], -1.0, hint="f = s * d, so its derivative by s is d")
check(chain_rule_by_hand(2.0, 3.0)["df_dd"], 5.0, hint="f = s * d, so its derivative by d is s")
check(chain_rule_by_hand(2.0, 3.0)["df_dx"], 4.0, hint="add what comes through s and through d")
check(chain_rule_by_hand(2.0, 3.0)["df_dy"], -6.0, hint="the path through d has the factor -1")


### BEGIN HIDDEN TESTS
@observe(x=normal(), y=normal())
def the_values_of_the_worked_graph(autograd, x, y):
    """s, d and f, going forwards."""
    found = autograd.chain_rule_by_hand(x, y)
    return found["s"], found["d"], found["f"]


@observe(x=normal(), y=normal())
def the_derivatives_by_the_two_values_in_between(autograd, x, y):
    """df_ds and df_dd: through the product."""
    found = autograd.chain_rule_by_hand(x, y)
    return found["df_ds"], found["df_dd"]


@observe(x=normal(), y=normal())
def the_derivative_by_x_has_two_paths(autograd, x, y):
    """df_dx: through the sum and through the difference."""
    return autograd.chain_rule_by_hand(x, y)["df_dx"]


@observe(x=normal(), y=normal())
def the_derivative_by_y_has_two_paths_and_one_minus_sign(autograd, x, y):
    """df_dy: through the sum and, with the factor -1, through the difference."""
    return autograd.chain_rule_by_hand(x, y)["df_dy"]


### END HIDDEN TESTS

# %% [markdown]
r"""
The yardstick agrees, to ten digits:
"""

# %%
print(numerical_gradient(lambda v: (v[0] + v[1]) * (v[0] - v[1]), [2.0, 3.0]))

# %% [markdown]
r"""
### 3. The table of rules

By hand you used three facts: how a sum, a difference and a product send a derivative back to their inputs.
The engine keeps such facts in a table. A **rule** belongs to one numpy function and one of its inputs:

`rule(grad, out, x, y)`

- `out` is what the function gave, `x` and `y` are what it was given;
- `grad` is $\partial L / \partial \text{out}$: how the final result $L$ (a loss, say) depends on `out`. It
  comes from the right, one number for each element of `out`, and someone else has worked it out;
- the rule returns $\partial L / \partial x$ (or $\partial L / \partial y$, in the rule for the other input).

By the chain rule this is

$$\frac{\partial L}{\partial x} = \underbrace{\frac{\partial L}{\partial \text{out}}}_{\texttt{grad}} \cdot
\underbrace{\frac{\partial\,\text{out}}{\partial x}}_{\text{this function's own derivative}}.$$

The first factor is forgotten more often than anything else in this module, because in the simplest test,
`grad = 1`, nobody notices.

Arrays need nothing new as long as a function works element by element, $\text{out}_i = f(x_i)$. Only
$\text{out}_i$ depends on $x_i$, so of the sum over all paths just one term is left:

$$\frac{\partial L}{\partial x_i} = \sum_j \frac{\partial L}{\partial \text{out}_j} \frac{\partial\,\text{out}_j}{\partial x_i}
= \texttt{grad}_i \, f'(x_i).$$

Three things a rule does **not** care about, because the engine will do them in one place for all rules:
whether the input was broadcast, whether the value was also used elsewhere, and whether anybody wants the
gradient. And one thing it must never do: change `grad`, `out`, `x` or `y` in place. They belong to others.

Write the rules with operators (`*`, `/`, `**`, `@`), comparisons, methods (`grad.reshape(…)`, `x.sum(axis=…)`) and
functions that work element by element (`np.log`, `np.cos`). Then the same line works for arrays and, where gradients
are to be differentiated once more (section 8), for variables. Others, such as `np.where`, `np.sum` or
`np.broadcast_to`, work for arrays only.

The table is a dictionary of dictionaries, and `derivative` is the decorator that enters a rule:
"""

# %%
#| export
RULES: dict[Callable, dict[int, Callable]] = {}
EVERY = -1


def derivative(function: Callable, argument: int = 0) -> Callable[[Callable], Callable]:
    """Enter a derivative rule into the table.

    A rule ``rule(grad, out, *inputs, **parameters)`` gets the gradient of the loss by the output of
    `function`, that output, and what `function` was called with. It returns the gradient of the loss
    by one input. It gets arrays; operators, methods and element-by-element numpy functions are
    preferred, because they work for variables as well. It may return more axes than the input had:
    the engine sums them.

    Parameters
    ----------
    function : callable
        The numpy function that `apply` is given.
    argument : int
        Which input the rule is for, counted from 0; or `EVERY`: it is for all of them, however many
        there are, and is told which one by a further parameter, `argument`.

    Returns
    -------
    callable
        A decorator that enters the rule and returns it unchanged.
    """

    def enter(rule: Callable) -> Callable:
        if argument == EVERY:
            RULES[function] = RuleForEvery(rule)
        else:
            RULES.setdefault(function, {})[argument] = rule
        return rule

    return enter


class RuleForEvery(dict):
    """The rules of a function with any number of inputs, all made from one."""

    def __init__(self, rule: Callable):
        self.rule = rule

    def __contains__(self, argument: int) -> bool:
        return True

    def __missing__(self, argument: int) -> Callable:
        return partial(self.rule, argument=argument)

    def get(self, argument: int, default=None) -> Callable:
        """The rule for one input, as of any dictionary; there always is one."""
        return self[argument]


# %% [markdown]
r"""
#### Exercise 3: rules of sums

$$\frac{\partial (x + y)}{\partial x} = 1, \quad \frac{\partial (x + y)}{\partial y} = 1, \quad
\frac{\partial (x - y)}{\partial x} = 1, \quad \frac{\partial (x - y)}{\partial y} = -1, \quad
\frac{\partial (-x)}{\partial x} = -1.$$

A sum hands what it gets to both inputs. In numbers, at $x = 5$, $y = 3$ with `grad = 7`: `add_x` and `add_y`
give 7, `subtract_y` gives −7. Each rule here is one line.
"""


# %% exercise="rules-of-sums"
#| export
@derivative(np.add, 0)
def add_x(grad, out, x, y):
    """The derivative of x + y by x is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.add, 1)
def add_y(grad, out, x, y):
    """The derivative of x + y by y is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.subtract, 0)
def subtract_x(grad, out, x, y):
    """The derivative of x - y by x is 1."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


@derivative(np.subtract, 1)
def subtract_y(grad, out, x, y):
    """The derivative of x - y by y is -1."""
    ### BEGIN SOLUTION
    return -grad
    ### END SOLUTION


@derivative(np.negative)
def negative_x(grad, out, x):
    """The derivative of -x is -1."""
    ### BEGIN SOLUTION
    return -grad
    ### END SOLUTION


# %% checks="rules-of-sums" points=2
_grad, _x, _y = np.array([7.0, -2.0]), np.array([5.0, 1.0]), np.array([3.0, 4.0])
check(add_x(_grad, _x + _y, _x, _y), [7.0, -2.0], hint="1 times grad, and not 1")
check(add_y(_grad, _x + _y, _x, _y), [7.0, -2.0], hint="1 times grad, and not 1")
check(subtract_x(_grad, _x - _y, _x, _y), [7.0, -2.0], hint="1 times grad, and not 1")
check(subtract_y(_grad, _x - _y, _x, _y), [-7.0, 2.0], hint="-1 times grad: y is subtracted")
check(negative_x(_grad, -_x, _x), [-7.0, 2.0], hint="-1 times grad")
check(_grad, [7.0, -2.0], hint="a rule must not change grad in place: return a new array")


### BEGIN HIDDEN TESTS
@observe(grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def gradients_by_the_first_of_two_inputs_and_of_a_negative(autograd, grad, x, y):
    """add_x and subtract_x hand the gradient on, negative_x with the opposite sign."""
    first = autograd.add_x(grad, x + y, x, y), autograd.subtract_x(grad, x - y, x, y)
    return first, autograd.negative_x(grad, -x, x)


@observe(grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def gradients_by_the_second_of_two_inputs(autograd, grad, x, y):
    """add_y hands the gradient on, subtract_y with the opposite sign."""
    return autograd.add_y(grad, x + y, x, y), autograd.subtract_y(grad, x - y, x, y)


@observe(grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def sums_and_differences_in_float32(autograd, grad, x):
    """A float32 gradient stays float32, in all five rules."""
    rules = autograd.add_x, autograd.add_y, autograd.subtract_x, autograd.subtract_y
    found = [rule(grad, x, x, x) for rule in rules] + [autograd.negative_x(grad, -x, x)]
    return found, [str(g.dtype) for g in found]


@observe(grad=normal(3), x=normal(3), y=normal(3))
def the_rules_of_sums_stand_in_the_table_and_change_nothing(autograd, grad, x, y):
    """Called through RULES; afterwards grad, x and y are what they were."""
    before = [a.copy() for a in (grad, x, y)]
    rules = autograd.RULES[np.add], autograd.RULES[np.subtract]
    found = [np.array(r[i](grad, x, x, y)) for r in rules for i in (0, 1)]
    found.append(np.array(autograd.RULES[np.negative][0](grad, -x, x)))
    return found, all(np.array_equal(a, b) for a, b in zip(before, (grad, x, y), strict=True))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 4: rules of products and quotients

For a product, each factor is the other's derivative:

$$\frac{\partial (x y)}{\partial x} = y, \qquad \frac{\partial (x y)}{\partial y} = x.$$

For a quotient $q = x / y$, differentiate $q\,y = x$ by $y$, with $x$ fixed:
$\frac{\partial q}{\partial y} y + q = 0$, so

$$\frac{\partial (x / y)}{\partial x} = \frac{1}{y}, \qquad \frac{\partial (x / y)}{\partial y} = -\frac{q}{y} = -\frac{x}{y^2}.$$

The form $-q / y$ is the cheaper one: `out` *is* $q$, and need not be computed again. That is what `out` is
for.

In numbers, at $x = 6$, $y = 3$ with `grad = 2`: the product sends $2 \cdot 3 = 6$ to $x$ and $2 \cdot 6 = 12$
to $y$; the quotient, $q = 2$, sends $2 / 3 = 0.667$ to $x$ and $-2 \cdot 2 / 3 = -1.333$ to $y$.
"""


# %% exercise="rules-of-products"
#| export
@derivative(np.multiply, 0)
def multiply_x(grad, out, x, y):
    """The derivative of x * y by x is y."""
    ### BEGIN SOLUTION
    return grad * y
    ### END SOLUTION


@derivative(np.multiply, 1)
def multiply_y(grad, out, x, y):
    """The derivative of x * y by y is x."""
    ### BEGIN SOLUTION
    return grad * x
    ### END SOLUTION


@derivative(np.divide, 0)
def divide_x(grad, out, x, y):
    """The derivative of x / y by x is 1 / y."""
    ### BEGIN SOLUTION
    return grad / y
    ### END SOLUTION


@derivative(np.divide, 1)
def divide_y(grad, out, x, y):
    """The derivative of x / y by y is -x / y², that is -out / y."""
    ### BEGIN SOLUTION
    return -grad * out / y
    ### END SOLUTION


# %% checks="rules-of-products" points=2
_grad, _x, _y = np.array([2.0, 1.0]), np.array([6.0, -1.0]), np.array([3.0, 4.0])
check(multiply_x(_grad, _x * _y, _x, _y), [6.0, 4.0], hint="grad times the other factor, y")
check(multiply_y(_grad, _x * _y, _x, _y), [12.0, -1.0], hint="grad times the other factor, x")
check(divide_x(_grad, _x / _y, _x, _y), [2 / 3, 0.25], hint="grad times 1 / y")
check(divide_y(_grad, _x / _y, _x, _y), [-4 / 3, 0.0625], hint="grad times -out / y; mind the sign")
check([_grad[0], _x[0], _y[0]], [2.0, 6.0, 3.0], hint="a rule must not change what it is given")


### BEGIN HIDDEN TESTS
@observe(grad=normal(2, 3), x=normal(2, 3), y=normal(2, 3))
def gradients_of_a_product(autograd, grad, x, y):
    """Each factor is the other's derivative."""
    return autograd.multiply_x(grad, x * y, x, y), autograd.multiply_y(grad, x * y, x, y)


@observe(grad=normal(2, 3), x=normal(2, 3), y=uniform(2, 3, low=0.5, high=2.0))
def gradient_of_a_quotient_by_its_numerator(autograd, grad, x, y):
    """1 / y times the gradient."""
    return autograd.divide_x(grad, x / y, x, y)


@observe(grad=normal(2, 3), x=normal(2, 3), y=uniform(2, 3, low=-2.0, high=-0.5))
def gradient_of_a_quotient_by_its_denominator(autograd, grad, x, y):
    """-x / y² times the gradient, here with negative y."""
    return autograd.divide_y(grad, x / y, x, y)


@observe(grad=normal(3, dtype="float32"), x=uniform(3, low=1.0, high=2.0, dtype="float32"))
def python_numbers_keep_a_product_and_a_quotient_in_float32(autograd, grad, x):
    """A Python number as the other input changes no dtype."""
    found = [
        autograd.multiply_x(grad, x * 3.0, x, 3.0),
        autograd.multiply_y(grad, 3.0 * x, 3.0, x),
        autograd.divide_x(grad, x / 3.0, x, 3.0),
        autograd.divide_y(grad, 3.0 / x, 3.0, x),
    ]
    return found, [str(g.dtype) for g in found]


@observe(grad=normal(3), x=normal(3), y=uniform(3, low=0.5, high=2.0))
def the_rules_of_products_stand_in_the_table_and_change_nothing(autograd, grad, x, y):
    """Called through RULES; afterwards grad, x, y and out are what they were."""
    outs = x * y, x / y
    before = [a.copy() for a in (grad, x, y, *outs)]
    found = [
        autograd.RULES[function][i](grad, out, x, y)
        for function, out in zip((np.multiply, np.divide), outs, strict=True)
        for i in (0, 1)
    ]
    after = (grad, x, y, *outs)
    return found, all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: rules of powers

With $x^y = e^{y \log x}$ both derivatives follow from the chain rule:

$$\frac{\partial x^y}{\partial x} = y\,x^{y - 1}, \qquad \frac{\partial x^y}{\partial y} = x^y \log x.$$

In numbers, at $x = 2$, $y = 3$ with `grad = 10`: $10 \cdot 3 \cdot 2^2 = 120$ and
$10 \cdot 8 \cdot \log 2 = 55.45$.

That would be all, if there were no zero. Look at what the formulas give at $x = 0$:
"""

# %%
with np.errstate(all="ignore"):
    x, y = np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0])
    print("x, y                         ", x, y)
    print("y * x ** (y - 1)             ", y * x ** (y - 1))
    print("x ** y * log(x)              ", x**y * np.log(x))

# %% [markdown]
r"""
The first formula gives `nan` at $x = 0$, $y = 0$, because $0 \cdot 0^{-1} = 0 \cdot \infty$. But $x^0 = 1$
for every $x$, also at 0, so its derivative is 0 everywhere. The second gives `nan` at $x = 0$, $y = 2$,
because $0 \cdot \log 0 = 0 \cdot (-\infty)$. But $0^y = 0$ for every positive $y$, so its derivative is 0.
One `nan` in one element of one weight is enough: after the next step of training every number of the network
is `nan`. So a rule has to be right at the edge too:

- where $y = 0$, the derivative by $x$ is 0, whatever $x$ is;
- where $x = 0$ and $y \ge 0$, the derivative by $y$ is 0 (for $y = 0$, too, where mathematics leaves it
  open); where $x = 0$ and $y < 0$, it is infinite, as the formula says, and stays so.

PyTorch has the same conventions.

<details>
<summary>Hint: one way without a case distinction</summary>

`x == 0` is True or False for each element, and in arithmetic these are 1 and 0. So `x + (x == 0)` is $x$, except that
each zero becomes 1. Change only those zeros that do harm:

- in `power_x`, those whose exponent is 0: `x + ((x == 0) & (y == 0))`. Then $1^{-1}$ is finite, and $y = 0$ times that
  is 0;
- in `power_y`, those whose exponent is not negative: `x + ((x == 0) & (y >= 0))`. Then $\log 1$ is 0.

(A case distinction with `np.where` computes both cases, the `nan` too, and does not work for variables.)

</details>
"""


# %% exercise="rules-of-powers"
#| export
@derivative(np.power, 0)
def power_x(grad, out, x, y):
    """The derivative of x ** y by x is y * x ** (y - 1), and 0 wherever y is 0."""
    ### BEGIN SOLUTION
    return grad * y * (x + ((x == 0) & (y == 0))) ** (y - 1)
    ### END SOLUTION


@derivative(np.power, 1)
def power_y(grad, out, x, y):
    """The derivative of x ** y by y is x ** y * log(x), and 0 where x is 0 and y is not negative."""
    ### BEGIN SOLUTION
    return grad * out * np.log(x + ((x == 0) & (y >= 0)))
    ### END SOLUTION


# %% checks="rules-of-powers" points=2
_grad, _x, _y = np.array([10.0, 1.0]), np.array([2.0, 3.0]), np.array([3.0, -1.0])
check(power_x(_grad, _x**_y, _x, _y), [120.0, -1 / 9], hint="grad * y * x ** (y - 1)")
check(power_y(_grad, _x**_y, _x, _y), [55.451774, 0.366204], hint="grad * out * log(x)")
check(power_x(_grad, _x**2, -_x, 2), [-40.0, -6.0], hint="y may be a Python number, x negative")
_zero = np.array([0.0, 0.0])
check(power_x(_grad, _zero**0, _zero, 0), [0.0, 0.0], hint="x ** 0 is 1 everywhere: its slope is 0")
check(
    power_y(_grad, np.array([0.0, 1.0]), _zero, np.array([2.0, 0.0])),
    [0.0, 0.0],
    hint="where x is 0 the derivative by y is 0, not 0 * log(0)",
)
with np.errstate(all="ignore"):
    check(
        power_y(_grad, np.array([np.inf, np.inf]), _zero, -1.0),
        [-np.inf, -np.inf],
        hint="only zeros with y >= 0 become 1; to a negative power the slope stays infinite",
    )
_tensors = [Tensor(v) for v in (_grad, _x**_y, _x, _y)]
check(
    [type(rule(*_tensors)).__name__ for rule in (power_x, power_y)],
    ["Tensor", "Tensor"],
    hint="use operators and np.log, not np.where: a rule has to work for more than arrays",
)


### BEGIN HIDDEN TESTS
@observe(grad=normal(2, 3), x=uniform(2, 3, low=0.5, high=2.0), y=normal(2, 3))
def gradient_of_a_power_by_its_base(autograd, grad, x, y):
    """y * x ** (y - 1) times the gradient."""
    return autograd.power_x(grad, x**y, x, y)


@observe(grad=normal(2, 3), x=uniform(2, 3, low=0.5, high=2.0), y=normal(2, 3))
def gradient_of_a_power_by_its_exponent(autograd, grad, x, y):
    """x ** y * log(x) times the gradient."""
    return autograd.power_y(grad, x**y, x, y)


@observe(grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def powers_in_float32(autograd, grad, x):
    """Bases of any sign with whole exponents; by the exponent; float32 stays float32."""
    found = [autograd.power_x(grad, x**y, x, y) for y in (1, 2, 3)]
    base = np.abs(x)
    found.append(autograd.power_y(grad, base**x, base, x))
    return found, [str(g.dtype) for g in found]


@observe(grad=normal(7), x=normal(2))
def the_slope_of_x_to_the_zero_is_zero_also_at_zero(autograd, grad, x):
    """With exponents as a number and as an array, and bases that are zero and not."""
    x = np.array([0.0, *x, 0.0, 0.0, -1.0, 1.0])
    y = np.array([0.0, 0.0, 2.0, 1.0, 2.5, 0.0, 0.0])
    with np.errstate(all="ignore"):
        return autograd.power_x(grad, x**0, x, 0), autograd.power_x(grad, x**y, x, y)


@observe(grad=normal(5), y=uniform(3, low=0.5, high=2.0))
def the_gradient_by_the_exponent_of_zero_is_zero(autograd, grad, y):
    """Bases that are zero and not, exponents that are positive, zero and (not finite) negative."""
    x = np.array([0.0, 0.0, 3.0, 0.5, 0.0])
    y = np.array([0.0, y[0], y[1], 0.0, -y[2]])
    with np.errstate(all="ignore"):
        return autograd.power_y(grad, x**y, x, y)


@observe(grad=normal(3), x=uniform(3, low=0.5, high=2.0))
def the_rules_of_powers_stand_in_the_table(autograd, grad, x):
    """Called through RULES, with a Python number as exponent or base."""
    rules = autograd.RULES[np.power]
    return rules[0](grad, x**3, x, 3), rules[1](grad, 3.0**x, 3.0, x)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Judging a rule

You have eleven rules, and a yardstick from section 1. Put them together: for random inputs and a **random**
gradient `seed`, the rule's answer must be the numerical gradient of
$L = \sum_i \texttt{seed}_i\,\text{out}_i$, because for this $L$, $\partial L / \partial \text{out}_i$ is just
$\texttt{seed}_i$.
"""


# %%
def largest_errors(function, *inputs, **parameters):
    """For each input that has a rule, how far the rule is from the numerical gradient."""
    out = function(*inputs, **parameters)
    seed = rng.normal(size=np.shape(out))
    errors = []
    for position, rule in sorted(RULES[function].items()):

        def loss(changed, position=position):
            changed_inputs = [*inputs[:position], changed, *inputs[position + 1 :]]
            return (seed * function(*changed_inputs, **parameters)).sum()

        expected = numerical_gradient(loss, inputs[position])
        errors.append(np.abs(rule(seed, out, *inputs, **parameters) - expected).max())
    return errors


def print_errors(cases):
    """One line for each function: the largest error of each of its rules."""
    for function, *inputs in cases:
        errors = "   ".join(f"{error:.0e}" for error in largest_errors(function, *inputs))
        print(f"{function.__name__:12} {errors}")


one, two = rng.uniform(0.5, 2.0, size=(2, 3, 4))
print_errors([(f, one, two) for f in (np.add, np.subtract, np.multiply, np.divide, np.power)])
print_errors([(np.negative, one)])

# %% [markdown]
r"""
All around $10^{-10}$: as exact as the yardstick itself.
"""

# %% [markdown]
r"""
### 4. Recording

By hand you had the picture of the graph before you. A Python program has not: once `f = (x + y) * (x - y)` is
computed, `f` is the number −5, and the sum, the difference and the product that led to it are forgotten. So
something has to take notes while the program runs.

You prepared the place for that in module 1. Every operator, every method and every layer of the framework
reaches numpy through one function, `apply(function, *inputs, **parameters)`, and `apply` asks its inputs
first: *does one of you have a method `__apply__`, and would like to do this yourself?* A `Tensor` has none.
The class of this section, `Variable`, has one, and it will

1. compute the result, as `apply` does for tensors;
2. wrap it in a new `Variable`;
3. keep a note of which function was applied to which inputs: an `Operation`.

So `Dense`, which knows nothing of variables, calls `apply(linear, x, weights, bias)`; if `x` is a `Variable`,
the note is taken. That is the whole trick by which code from earlier modules becomes differentiable.

First, some small things that are given. `recording` is a switch (section 7 turns it off). `creation_order`
counts: each variable takes the next number, and section 5 shows what for. `needs_gradient` asks whether a
gradient has to reach an input: a variable that wants one, or one of a layer's weights, which are tensors with
`requires_grad=True`; a number, an array or an ordinary tensor never needs one.

The last three guard the notes. A rule such as that of the product reads its inputs *again*, on the way back. If
somebody has changed them in place by then (`x.data.data += 1`), the gradient is wrong and nobody notices. So
the values of a result are closed to writing before anybody gets to see them, and of what users can still
change, the leaves, an operation keeps a `fingerprint`, which `refuse_changes` compares before the rules are
called. Linear functions are let off: their rules do not read values; and of a matrix product only those
factors are watched that a rule will read. You need not study these; nothing below depends on them.
"""


# %%
#| export
class Recording(threading.local):
    """Whether operations on variables are recorded; every thread has its own switch."""

    def __init__(self):
        self.enabled = True
        self.before: list[bool] = []
        self.touched: dict | None = None  # while a checkpoint (section 9) notes what it uses


recording = Recording()
creation_order = itertools.count()


def needs_gradient(x) -> bool:
    """Whether a gradient has to reach `x`: a variable, or a layer's weight, that asks for one."""
    return getattr(x, "requires_grad", False)


def missing_rule(function: Callable, position: int) -> NotImplementedError:
    """The error to raise where the table has no rule."""
    name = name_of(function)
    return NotImplementedError(
        f"no derivative rule for input {position} of {name}; enter one with "
        f"@derivative({name}, {position}), or detach() that input"
    )


def name_of(function: Callable) -> str:
    """What to call a function in a message."""
    return getattr(function, "__name__", repr(function))


WITHOUT_SLOPE = {  # numpy's functions whose results have no derivative, so that none is lost
    np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.argmax, np.argmin,
    np.argsort, np.zeros_like, np.ones_like,
}  # fmt: skip


def refuse_variables(data) -> None:
    """Raise an error for a list of variables, which would lose their history in an array."""
    if isinstance(data, (list, tuple)) and any(isinstance(x, Variable) for x in data):
        raise TypeError(
            "a list of Variables would lose how they were computed; join them with stack() or "
            "concatenate(), or give their numbers with item()"
        )


def describe(x) -> str:
    """An input in one word: its kind and shape, or the number itself."""
    return f"{type(x).__name__}{x.shape}" if hasattr(x, "shape") else repr(x)


NOTHING: dict = {}  # the settings of all operations without settings
LINEAR = {np.add, np.subtract, np.negative, np.sum, np.mean, np.reshape, np.transpose, getitem}


def fingerprint(array: np.ndarray) -> bytes:
    """What tells whether an array was changed: all its bytes, or of a large one a sample."""
    if array.size <= 4096:
        return array.tobytes("A")  # in the order of the memory, whatever that is: the fastest
    return array[tuple([slice(None, None, n // 16 or 1) for n in array.shape])].tobytes()


# Of products, which inputs the rule of each input reads: the other factor, and of a bias nothing.
READS = {np.matmul: ({1}, {0}), layers.linear: ({1}, {0}, set())}


def guards_of(function: Callable, inputs: Sequence, values: Sequence) -> tuple:
    """The arrays that rules will read and somebody may still change, each with its fingerprint."""
    read, guards = range(len(values)), ()
    if function in READS:
        rules = zip(inputs, READS[function], strict=True)
        read = set().union(*(positions for x, positions in rules if needs_gradient(x)))
    for position in read:
        v, seen = values[position], getattr(inputs[position], "tensor", True)
        if type(v) is ndarray and seen is not None and v.flags.writeable:
            guards += ((v, fingerprint(v)),)
    return guards


def refuse_changes(operation: Operation) -> None:
    """Raise an error if an array was changed after the operation had used it."""
    for array, before in operation.guards:
        if fingerprint(array) != before:
            raise RuntimeError(
                f"an input of {operation!r} was changed in place after it was used, so the gradient "
                "would be wrong; call backward() before changing it, or change a copy"
            )


# %% [markdown]
r"""
#### Exercise 6: `Operation`

An operation is one note: the function, its inputs, its parameters (an axis, say) and what came out. And it
can be called with a gradient: then it sends that gradient one step back, with the help of the table. Two
worked examples:

| the note | called with | answers | because |
| --- | --- | --- | --- |
| `multiply` of $x = 3$ and $y = 4$, both needing a gradient; `out` 12 | 2 | `[8, 6]` | $2 \cdot 4$ for $x$, $2 \cdot 3$ for $y$ |
| `multiply` of $x = 3$ and the number 4; `out` 12 | 2 | `[8, None]` | nobody asks for the derivative by the number 4 |

The second row matters for more than tidiness. The gradient by a constant costs as much as one by a weight: in
the first layer of a network, the gradient by the pictures is one of the largest matrix products of the whole
backward pass, and nobody wants it. And a function may have no rule for an input that is always a constant;
that must be no error, as long as no gradient has to go there.

The rules work on arrays. The constructor has taken them out of the inputs already, with `value(x)` from module
1, which leaves a number as it is: `values[0]` is the array in `inputs[0]`, and so on.
"""


# %% exercise="operation"
#| export
class Operation:
    """One recorded step of a computation: the `grad_fn` of the variable that it produced.

    Parameters
    ----------
    function : callable
        What was applied.
    inputs : tuple
        To what: variables, tensors, arrays and numbers.
    parameters : dict
        With which settings, such as an axis.
    out : ndarray
        The result.
    values : sequence, optional
        The arrays and numbers in `inputs`; by default they are taken out of them.
    """

    __slots__ = ("__weakref__", "function", "guards", "inputs", "out", "parameters", "values")

    def __init__(
        self,
        function: Callable,
        inputs: tuple,
        parameters: dict,
        out: np.ndarray,
        values: Sequence | None = None,
    ):
        self.function, self.inputs = function, inputs
        self.parameters, self.out = parameters or NOTHING, out
        self.values = values = tuple(map(value, inputs)) if values is None else values
        reads_values = function not in LINEAR or out.base is not None  # a view may be read later
        has_arrays = type(out) is ndarray or type(values[0]) is ndarray
        self.guards = guards_of(function, inputs, values) if reads_values and has_arrays else ()

    def free(self) -> None:
        """Forget everything that needs memory."""
        self.inputs = self.values = self.out = None
        self.guards = ()

    def __call__(self, grad: np.ndarray, out=None, values: list | None = None) -> list:
        """Send a gradient one step back: from the output to the inputs.

        Parameters
        ----------
        grad : ndarray
            The gradient of the loss by the output, of the output's shape.
        out, values : optional
            What to give to the rules in place of the output and the values that were noted; the given
            lines see to it that `out` and `values` are what the rules are to get.

        Returns
        -------
        list
            For each input, what its rule in `RULES` gives; None where no gradient is needed.

        Raises
        ------
        NotImplementedError
            If the table has no rule for an input that needs one; `missing_rule` makes the error.
        RuntimeError
            If an input was changed in place.

        Approach
        --------
        1. Take this function's rules out of `RULES` (there may be none: ``RULES.get(…, {})``).
        2. Go through ``self.inputs`` with their positions. One that needs no gradient gets None.
        3. One that needs a gradient but has no rule (``position not in rules``): raise what
           `missing_rule` gives.
        4. For the others call the rule with `grad`, `out`, all `values`, and ``self.parameters``. Take
           `out` and `values` as they are here, not ``self.out``: section 8 will hand in others.
        """
        if self.guards:
            refuse_changes(self)
        if values is None:
            out, values = self.out, self.values
        ### BEGIN SOLUTION
        rules, parameters = RULES.get(self.function, {}), self.parameters
        arguments, gradients = (grad, out, *values), []
        for position, x in enumerate(self.inputs):
            if not getattr(x, "requires_grad", False):
                gradients.append(None)
            elif position not in rules:
                raise missing_rule(self.function, position)
            elif parameters:
                gradients.append(rules[position](*arguments, **parameters))
            else:  # the same, a little faster
                gradients.append(rules[position](*arguments))
        return gradients
        ### END SOLUTION

    def __repr__(self) -> str:
        inputs = "freed" if self.inputs is None else ", ".join(map(describe, self.inputs))
        return f"<{name_of(self.function)}({inputs})>"


# %% checks="operation" points=4
_x, _y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
check(
    Operation(np.multiply, (_x, _y), {}, np.array(12.0))(np.array(2.0)),
    [8.0, 6.0],
    hint="one gradient for each input, each from the rule for its position",
)
check(
    Operation(np.multiply, (_x, 4.0), {}, np.array(12.0))(np.array(2.0)),
    [8.0, None],
    hint="an input for which needs_gradient is False gets None",
)


@derivative(np.cumsum)
def _cumsum_x(grad, out, x, axis=0):
    return np.flip(np.cumsum(np.flip(grad, axis), axis), axis)


_x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
check(
    Operation(np.cumsum, (_x,), {"axis": 1}, np.array([[1.0, 3.0], [3.0, 7.0]]))(np.ones((2, 2))),
    [[[2.0, 1.0], [2.0, 1.0]]],
    hint="pass the parameters on: rule(grad, out, *values, **parameters), with arrays as values",
)
check_raises(
    NotImplementedError,
    lambda: Operation(np.hypot, (_x, 4.0), {}, np.array([5.0]))(np.array([1.0])),
    hint="raise missing_rule(function, position) where a gradient is needed and there is no rule",
)
check(
    Operation(np.hypot, (3.0, 4.0), {}, np.array([5.0]))(np.array([1.0])),
    [None, None],
    hint="a missing rule is an error only for an input that needs a gradient",
)
_x, _y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
check(
    Operation(np.multiply, (_x, _y), {}, np.array(12.0))(np.array(2.0), np.array(30.0), [5.0, 6.0]),
    [12.0, 10.0],
    hint="give the rules out and values, which this call may be given, not self.out, self.values",
)


### BEGIN HIDDEN TESTS
def weighted(x, y, weight=1.0):
    return weight * x * y


def enter_rules_of_weighted(autograd, seen=None):
    """Rules of our own, which also note the kinds of what they are given."""

    def note(*values):
        if seen is not None:
            seen.append([type(v).__name__ for v in values])

    @autograd.derivative(weighted, 0)
    def weighted_x(grad, out, x, y, weight=1.0):
        note(x, y)
        return grad * weight * y

    @autograd.derivative(weighted, 1)
    def weighted_y(grad, out, x, y, weight=1.0):
        note(x, y)
        return grad * weight * x + 0 * out


@observe(grad=normal(3), x=normal(3), y=normal(3))
def each_input_gets_what_its_own_rule_gives(autograd, grad, x, y):
    """Two inputs, two rules, in the order of the inputs."""
    enter_rules_of_weighted(autograd)
    inputs = [autograd.Tensor(v, requires_grad=True) for v in (x, y)]
    return autograd.Operation(weighted, tuple(inputs), {}, weighted(x, y))(grad)


@observe(grad=normal(3), x=normal(3), y=normal(3))
def an_input_that_needs_no_gradient_gets_none_and_its_rule_is_not_called(autograd, grad, x, y):
    """Constants: an array, and a tensor that does not ask for a gradient."""
    seen = []
    enter_rules_of_weighted(autograd, seen)
    wanted, constant = autograd.Tensor(y, requires_grad=True), autograd.Tensor(x)
    first = autograd.Operation(weighted, (x, wanted), {}, x * y)(grad)
    second = autograd.Operation(weighted, (wanted, constant), {}, x * y)(grad)
    return first, second, len(seen)


@observe(grad=normal(3), x=normal(3), weight=normal())
def rules_get_arrays_numbers_and_the_parameters(autograd, grad, x, weight):
    """The rule sees an array for a tensor, a Python number as it is, and the settings."""
    seen = []
    enter_rules_of_weighted(autograd, seen)
    inputs = autograd.Tensor(x, requires_grad=True), 2.5
    out = weighted(x, 2.5, weight)
    gradients = autograd.Operation(weighted, inputs, {"weight": weight}, out)(grad)
    return gradients, seen


@observe(grad=normal(3), x=normal(3))
def rules_get_the_output(autograd, grad, x):
    """A rule that uses out, such as that of the exponential function."""

    def power_of_two(x):
        return 2**x

    autograd.derivative(power_of_two)(lambda grad, out, x: grad * out * np.log(2))
    operation = autograd.Operation(
        power_of_two, (autograd.Tensor(x, requires_grad=True),), {}, power_of_two(x)
    )
    return operation(grad)


@observe(grad=normal(3), x=normal(3), y=normal(3))
def a_missing_rule_is_an_error_only_where_a_gradient_is_needed(autograd, grad, x, y):
    """The message names the function and the position of the input."""

    def half_known(x, y):
        return x * y

    autograd.derivative(half_known, 0)(lambda grad, out, x, y: grad * y)
    x, wanted = (autograd.Tensor(v, requires_grad=True) for v in (x, y))
    answer = autograd.Operation(half_known, (x, y), {}, np.asarray(x) * y)(grad)
    answer += autograd.Operation(np.hypot, (y, 1.0), {}, y)(grad)
    unknown = raised(lambda: autograd.Operation(np.hypot, (x, y), {}, y)(grad))
    try:
        autograd.Operation(half_known, (x, wanted), {}, np.asarray(x) * y)(grad)
    except NotImplementedError as error:
        return answer, unknown, "half_known" in str(error), "1" in str(error)
    return answer, "nothing raised"


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 7: `Variable`

A variable is what the user of the engine holds: values, and how they came about. It keeps its values in a
`Tensor`, and five facts:

| attribute | of a variable that you make, a **leaf** | of one that was computed |
| --- | --- | --- |
| `data` | a `Tensor` with the values | the same |
| `requires_grad` | whether you want its gradient | True if one of its inputs wants one |
| `grad_fn` | None | the `Operation` that made it |
| `grad` | None at first; after `backward` its gradient | None: only leaves keep theirs |
| `order` | its number in the order of creation | the same |

All operators and methods come from the classes that you wrote in module 1 (`Arithmetic`, `Reductions`, …),
which call `apply`; nothing of them is repeated here. What else users expect, such as `shape`, `detach()` or printing, stands in the given class
`VariableMethods`. What is left for you is the constructor.

Numbers and lists become float32, an array keeps its floating dtype, integers become float32: that is what
`as_array` of module 1 does, and it refuses text, complex numbers and ragged lists. A `Tensor` of floating
dtype is kept as it is, not copied, so that tensor and variable share their values.

<details>
<summary>Hint: the next number</summary>

`creation_order` is an `itertools.count()`: each `next(creation_order)` gives the next integer, 0, 1, 2, …

</details>
"""


# %%
#| export
class VariableMethods:
    """What users expect of a variable besides operators: its shape, a copy without history, hooks."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.array.shape if self.tensor is None else self.tensor.data.shape

    ndim, size, dtype = Tensor.ndim, Tensor.size, Tensor.dtype  # a tensor's: they ask `self.data`

    def detach(self) -> Variable:
        """The same values without a history."""
        return Variable(self.data, requires_grad=False)

    def clip(self, min=None, max=None) -> Variable:
        """What lies below `min` or above `max` is moved to that bound; None is no bound."""
        return record(clip_values, self, min=min, max=max)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def register_hook(self, hook: Callable) -> Handle:
        """Have a function see the gradient of this variable in each backward pass.

        Parameters
        ----------
        hook : callable
            Called with the complete gradient; what it returns takes the gradient's place, unless it
            is None.

        Returns
        -------
        Handle
            Its method ``remove()`` takes the hook off again.

        Raises
        ------
        RuntimeError
            If this variable requires no gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("a Variable that requires no gradient can have no hook")
        self.hooks = {} if self.hooks is None else self.hooks
        key = next(creation_order)
        self.hooks[key] = hook
        return Handle(self.hooks, key)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.data.data, dtype=dtype, copy=copy)

    def __array_function__(self, function, types, args, kwargs):
        if function in WITHOUT_SLOPE:
            arrays = [np.asarray(x) if isinstance(x, Variable) else x for x in args]
            return function(*arrays, **kwargs)
        raise TypeError(
            f"np.{function.__name__} of a Variable does not go through apply, so its gradient would "
            "be lost; use a method such as x.sum(), or detach().numpy() where none is wanted"
        )

    def __setitem__(self, index, new) -> None:
        raise TypeError(
            "the elements of a Variable cannot be assigned, because a backward pass may need the "
            "old ones; compute a new Variable, or change x.data.data before using x"
        )

    @property
    def name(self) -> str | None:
        """What pictures of the graph call it; None until it is given a name."""
        return getattr(self, "label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self.label = name

    def _repr_html_(self) -> str:
        from tinytorch.graph.table import table

        return table(self)

    def __str__(self) -> str:
        return self.around(np.array2string(np.asarray(self), separator=", ", prefix="Variable("))

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", threshold=100)
        return self.around(values.replace("\n", ""))

    def around(self, values: str) -> str:
        """What is printed around the values: the kind, an unusual dtype, the origin."""
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        origin = "" if self.is_leaf else f", grad_fn={self.grad_fn!r}"
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({values}{dtype}{origin}{constant})"


# %% exercise="variable"
#| export
class Variable(
    VariableMethods,
    Arithmetic,
    ReflectedArithmetic,
    Comparisons,
    Reductions,
    Shaping,
    Indexing,
    Conversions,
):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is kept, and a
        Tensor of floating dtype is kept itself.
    requires_grad : bool
        Whether gradients are wanted for it.
    grad_fn : callable, optional
        What to call with the complete gradient of this variable when it is known; without one, the
        variable is a leaf and keeps its gradient in `grad`.

    Attributes
    ----------
    data : Tensor
        The values.
    grad : ndarray or None
        For a leaf, the gradient of all backward passes so far, of the shape and dtype of `data`.
    order : int
        Its number in the order of creation.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, or is ragged.
    """

    __slots__ = (
        "__weakref__", "array", "grad", "grad_fn", "hooks", "label", "order", "requires_grad",
        "tensor",
    )  # fmt: skip

    def __init__(self, data, requires_grad: bool = True, grad_fn: Callable | None = None):
        refuse_variables(data)
        self.array = self.hooks = None
        ### BEGIN SOLUTION
        is_floating_tensor = isinstance(data, Tensor) and data.dtype.kind == "f"
        self.data = data if is_floating_tensor else Tensor(data)
        self.requires_grad = requires_grad
        self.grad_fn = grad_fn
        self.grad = None
        self.order = next(creation_order)
        ### END SOLUTION
        if self.data is not data and self.data.ndim == 0:
            self.data.data = self.data.data[()]  # a numpy number: faster, and it cannot be changed

    @property
    def data(self) -> Tensor:
        """The values. Those of a result are made a tensor when somebody asks for them."""
        if self.tensor is None:
            self.tensor = closed(self.array)
        return self.tensor

    @data.setter
    def data(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` does when one of the inputs is a variable."""
        return record(function, *inputs, **parameters)

    def backward(
        self, gradient=None, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Compute the gradient of this variable by every leaf it was computed from.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss by this variable, in its shape; needed unless it has one
            element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.
        create_graph : bool
            Record the backward pass itself: each ``grad`` becomes a variable that can be
            differentiated again. The graph is kept.

        Raises
        ------
        RuntimeError
            If no gradient is required, or the graph was freed by an earlier backward pass.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph, create_graph)

    @property
    def is_leaf(self) -> bool:
        """Whether it was given, and not computed from others."""
        return self.grad_fn is None


# %% checks="variable" points=2
check(Variable([1.0, 2.0]), [1.0, 2.0], hint="keep the values as a Tensor in self.data")
check(str(Variable(3).dtype), "float32", hint="numbers become float32: Tensor(data)")
check(str(Variable(np.array([3.0])).dtype), "float64", hint="an array keeps its floating dtype")
_weights = Tensor([1.0, 2.0])
check(Variable(_weights).data is _weights, True, hint="a floating Tensor is kept as it is")
_counts = Tensor([1, 2], dtype=np.int64)
check(str(Variable(_counts).dtype), "float32", hint="a Tensor of integers is converted as well")
check(Variable(3.0).requires_grad, True, hint="by default a gradient is wanted")
check(Variable(3.0).grad, None, hint="there is no gradient yet")
check(Variable(3.0).is_leaf, True, hint="grad_fn is None for a variable that you make")
_older, _younger = Variable(1.0), Variable(1.0)
check(_older.order < _younger.order, True, hint="self.order = next(creation_order)")
check_raises(TypeError, lambda: Variable("seven"), hint="Tensor refuses what is not a number")


### BEGIN HIDDEN TESTS
@observe(x=normal(3), n=integers(3))
def values_and_dtypes_of_what_is_given(autograd, x, n):
    """Numbers, lists and integers become float32; floating arrays keep their dtype."""
    given = [float(x[0]), x.tolist(), n, x, x.astype("float32"), autograd.Tensor(n, dtype="int64")]
    variables = [autograd.Variable(v) for v in given]
    kinds = [type(v.data).__name__ for v in variables]
    return kinds, [str(v.dtype) for v in variables], [v.numpy() for v in variables]


@observe(x=normal(3))
def a_floating_tensor_is_kept_as_it_is(autograd, x):
    """Tensor and variable share their values."""
    tensor = autograd.Tensor(x)
    variable = autograd.Variable(tensor)
    return variable.data is tensor, variable.numpy()


@observe(x=normal(3))
def a_leaf_and_a_computed_variable_in_their_first_state(autograd, x):
    """Requires a gradient unless told otherwise, has none yet, and knows its grad_fn."""
    leaf, constant = autograd.Variable(x), autograd.Variable(x, requires_grad=False)
    computed = autograd.Variable(2 * x, grad_fn=print)
    return [
        [v.requires_grad, v.grad is None, v.is_leaf, v.grad_fn is print, v.numpy()]
        for v in (leaf, constant, computed)
    ]


@observe(x=normal(2))
def later_variables_have_higher_numbers(autograd, x):
    """The order of creation, over leaves, constants and computed variables."""
    made = [
        autograd.Variable(x),
        autograd.Variable(2.0, requires_grad=False),
        autograd.Variable(autograd.Tensor(x)),
        autograd.Variable([1.0], grad_fn=print),
    ]
    order = [v.order for v in made]
    return order == sorted(order), len(set(order)), [v.numpy() for v in made]


@observe(x=normal())
def what_is_not_made_of_real_numbers_is_refused(autograd, x):
    """Text, complex numbers and ragged lists, beside a good number."""
    bad = "text", 1j, [[1.0], [1.0, 2.0]], None
    return autograd.Variable(x).item(), [raised(lambda v=v: autograd.Variable(v)) for v in bad]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 8: `record`

Now the two come together: `record` is what happens whenever a variable takes part in a computation. It
computes like `apply`, and takes the note, but only where a note can be of use:

| case | gives |
| --- | --- |
| recording is on, and an input needs a gradient | a `Variable` with an `Operation` as its `grad_fn` |
| no input needs a gradient, or recording is off | a `Variable` without history, `requires_grad=False` |
| the result is not of floating dtype, such as the booleans of `x > 0` or the place of a maximum | the plain array: a step has no slope |

For example, with `x = Variable([1.0, 2.0])`, the expression `x * 3.0` ends up here as
`record(np.multiply, x, 3.0)`. It gives the values `[3.0, 6.0]` and a `grad_fn` whose `inputs` are the
variable `x` **itself** (not its array: through it, the walk back will go on) and the number `3.0`.

Two functions from module 1 do the computing: `value(x)` takes the array out of each input, and
`compute(function, *values, **parameters)` calls numpy and turns its complaints into one sentence. Give
`compute` the *values*: with a variable among them, numpy would ask the variable how to multiply, that is, come
back to `record`, and so on without end.

`record` runs once for every operation of every network, so its own time counts, and a given function does the
same as `compute` faster; use it if you like: `calculate(function, values, parameters)` takes Python's operators
(0.06 µs) for single numbers in place of numpy's functions (0.7 µs). The last lines of `record` are given as well.
They make a variable around a result as `computed(out, note)` does, without the questions that the constructor asks
of what users give; its values are in `array`, and it makes a tensor of them only when somebody asks for `data`. And
they tell sections 9 and 11, which look over the shoulder of every operation, what was computed.
"""


# %%
#| export
NUMBERS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.negative: operator.neg,
}


def calculate(function: Callable, values: list, parameters: dict):
    """What `compute` gives, at less cost."""
    try:
        if (
            function in NUMBERS
            and ndarray is not type(values[0])
            and ndarray is not type(values[-1])
        ):
            return NUMBERS[function](*values)
        out = function(*values, **parameters)
        return out.view() if out is values[0] else out  # a leaf's own array must stay open
    except (ValueError, IndexError, TypeError):
        return compute(function, *values, **parameters)


def computed(out: np.ndarray, note: Operation | None = None) -> Variable:
    """A variable around the result of an operation; without a note it has no history."""
    variable = Variable.__new__(Variable)
    variable.tensor = variable.grad = variable.hooks = None
    variable.array, variable.order = out, next(creation_order)
    variable.grad_fn, variable.requires_grad = note, note is not None
    return variable


def closed(array: np.ndarray) -> Tensor:
    """A tensor around the values of a result, which nobody may change."""
    if type(array) is ndarray:
        array.setflags(False)
    tensor = Tensor.__new__(Tensor)
    tensor.data, tensor.requires_grad, tensor.grad = array, False, None
    return tensor


# %% [markdown]
r"""
Now `record` itself.
"""


# %% exercise="record"
#| export
def record(function: Callable, *inputs, **parameters) -> Variable | np.ndarray:
    """Compute like `apply`, wrap the result in a `Variable`, and remember how it came about.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    *inputs : Variable, Tensor, ndarray, list or number
        Its inputs.
    **parameters
        Its settings.

    Returns
    -------
    Variable or ndarray
        A variable whose `grad_fn` is an `Operation`, if recording is enabled and an input needs a
        gradient; else one without history, that requires no gradient. What is not of floating dtype
        has no derivative, and comes back as a plain array.

    Approach
    --------
    1. Make a list `values` of the values of the inputs, and compute the result, `out`, from it.
    2. If ``out.dtype.kind`` is not ``"f"`` (floating), return it as it is.
    3. If ``recording.enabled`` and any input needs a gradient, let `note` be an `Operation` of the
       function, the inputs as they came, the parameters, the result and the values; else None.
    4. The lines after your own, which are given, make the variable of `out` and `note`.
    """
    ### BEGIN SOLUTION
    values, differentiable = [], False
    for x in inputs:
        if type(x) is Variable:
            values.append(x.array if x.tensor is None else x.tensor.data)
            differentiable = differentiable or x.requires_grad
        else:
            values.append(value(x))
            differentiable = differentiable or needs_gradient(x)
    out = calculate(function, values, parameters)
    if out.dtype.kind != "f":
        return out
    note = None
    if differentiable and recording.enabled:
        note = Operation(function, inputs, parameters, out, values)
    ### END SOLUTION
    variable = Variable.__new__(Variable)  # as computed() does, without the call
    variable.tensor = variable.grad = variable.hooks = None
    variable.array, variable.order = out, next(creation_order)
    variable.grad_fn, variable.requires_grad = note, note is not None
    if note is None and recording.touched is not None:  # inside a checkpoint (section 9)
        recording.touched.update((x, None) for x in inputs if needs_gradient(x))
    if alarms:  # section 11
        look_at(function, values, variable)
    return variable


# %% checks="record" points=4
recording.enabled = True  # whatever an earlier try has left behind
_x = Variable([1.0, 2.0])
_y = record(np.multiply, _x, 3.0)
check(_y, [3.0, 6.0], hint="compute with the values of the inputs")
check(str(_y.dtype), "float32", hint="a Python number stays one, and does not change the dtype")
check(type(_y).__name__, "Variable", hint="wrap the result")
check(_y.grad_fn.function is np.multiply, True, hint="grad_fn is an Operation")
check(
    record(np.multiply, _x, 3.0).grad_fn.inputs[0] is _x,
    True,
    hint="remember the variable itself, not its array",
)
check(_y.grad_fn.out, [3.0, 6.0], hint="the Operation keeps the result's array as well")
_constant = Variable(2.0, requires_grad=False)
check(
    record(np.multiply, _constant, 3.0).requires_grad,
    False,
    hint="no input needs a gradient, so the result needs none, and nothing is remembered",
)
check(
    record(np.multiply, _x, _constant).requires_grad,
    True,
    hint="one input that needs a gradient is enough",
)
check(type(record(np.greater, _x, 1.5)).__name__, "ndarray", hint="booleans have no derivative")
recording.enabled = False
_unrecorded = record(np.multiply, _x, 3.0)
recording.enabled = True
check(_unrecorded.is_leaf, True, hint="record takes no note while recording.enabled is False")
check(_x * 3.0, [3.0, 6.0], hint="the operators of module 1 come here through apply")
check_raises(ValueError, lambda: _x + [1.0, 2.0, 3.0], hint="compute() says what does not fit")


### BEGIN HIDDEN TESTS
@observe(x=normal(2, 3), y=normal(3), weight=normal())
def the_result_and_the_note_of_how_it_came_about(autograd, x, y, weight):
    """The function, the inputs themselves, the parameters, and the output."""
    inputs = autograd.Variable(x), autograd.Tensor(y)
    out = autograd.record(weighted, *inputs, weight=weight)
    note = out.grad_fn
    same = [a is b for a, b in zip(note.inputs, inputs, strict=True)]
    later = [v.order < out.order < autograd.Variable(x).order for v in inputs[:1]]
    kinds = type(out).__name__, type(note).__name__, type(out.data).__name__
    noted = note.function is weighted, same, note.parameters, isinstance(note.out, np.ndarray)
    return kinds, out.numpy(), noted, np.asarray(note.out), out.requires_grad, later


@observe(x=normal(3), y=normal(3))
def results_are_inputs_of_further_operations(autograd, x, y):
    """What was computed is computed with, before and after its data has been looked at."""
    leaf = autograd.Variable(x)
    middle = autograd.record(weighted, leaf, y)
    unseen = autograd.record(weighted, middle, leaf, weight=2.0)
    seen = autograd.record(weighted, autograd.Variable(middle.numpy(), False), middle)
    return (
        unseen.numpy(),
        seen.numpy(),
        [v.grad_fn.inputs[v is seen] is middle for v in (unseen, seen)],
    )


@observe(x=normal(3))
def nothing_is_noted_where_nothing_needs_a_gradient(autograd, x):
    """Constants in, a constant out; one input that needs a gradient is enough for a note."""
    constant, wanted = autograd.Variable(x, requires_grad=False), autograd.Variable(x)
    results = [
        autograd.record(weighted, constant, autograd.Tensor(x)),
        autograd.record(weighted, constant, 2.0),
        autograd.record(weighted, 2.0, wanted),
        autograd.record(weighted, wanted, constant),
    ]
    return [(r.numpy(), r.requires_grad, r.is_leaf) for r in results]


@observe(x=normal(3))
def a_weight_that_needs_a_gradient_is_enough(autograd, x):
    """A tensor with requires_grad=True beside a constant variable: a layer's weight."""
    weight = autograd.Tensor(x, requires_grad=True)
    out = autograd.record(weighted, autograd.Variable(x, requires_grad=False), weight)
    return out.numpy(), out.requires_grad, out.grad_fn.inputs[1] is weight


@observe(x=normal(3))
def nothing_is_noted_while_recording_is_off(autograd, x):
    """The switch decides, and only while it is off."""
    variable = autograd.Variable(x)
    autograd.recording.enabled = False
    try:
        off = autograd.record(weighted, variable, 2.0)
    finally:
        autograd.recording.enabled = True
    on = autograd.record(weighted, variable, 2.0)
    return off.numpy(), off.is_leaf, off.requires_grad, on.is_leaf, on.requires_grad


@observe(x=normal(2, 4))
def what_is_not_floating_comes_back_as_an_array(autograd, x):
    """Booleans and integers have no derivative."""
    variable = autograd.Variable(x)
    positive = autograd.record(np.greater, variable, 0)
    places = autograd.record(np.argmax, variable, axis=1)
    kinds = [isinstance(r, (autograd.Variable, autograd.Tensor)) for r in (positive, places)]
    dtypes = [r.dtype.kind for r in (positive, places)]
    return kinds, dtypes, np.asarray(positive), np.asarray(places)


@observe(x=normal(3, dtype="float32"), y=normal(3), n=uniform(low=1e6, high=1e7))
def dtypes_and_digits_of_results(autograd, x, y, n):
    """float32 with a Python number or list stays float32; with float64 all digits are kept."""
    variable = autograd.Variable(x)
    others = 2.5, [1.0, 2.0, 3.0], y, autograd.Variable(y)
    results = [autograd.record(weighted, variable, other) for other in others]
    difference = autograd.record(np.subtract, autograd.Variable(np.array([n])), n / 3)
    return [str(r.dtype) for r in results], [r.numpy() for r in results], difference.numpy()


@observe(x=normal(3))
def shapes_that_do_not_fit_are_refused_in_a_sentence(autograd, x):
    """Beside a good call; the error is a ValueError that names the function."""
    variable = autograd.Variable(x)
    try:
        autograd.record(np.add, variable, [1.0, 2.0])
    except ValueError as error:
        return autograd.record(np.add, variable, 1.0).numpy(), "add" in str(error)
    return "nothing raised"


### END HIDDEN TESTS

# %% [markdown]
r"""
The operators of module 1 call `apply`, which looks for `__apply__`, which calls `record`: two calls on the way
that take a tenth of the time of a small operation. For the four operators that are used most there is a
shorter way in. It changes nothing but the time:
"""


# %%
#| export
def straight(function: Callable) -> Callable:
    """An operator of variables that goes to `record` straight away; `apply` would come there too."""
    return lambda self, other: record(function, self, other)


Variable.__add__, Variable.__sub__ = straight(np.add), straight(np.subtract)
Variable.__mul__, Variable.__truediv__ = straight(np.multiply), straight(np.divide)

# %% [markdown]
r"""
#### Looking at a record

Nothing can be differentiated yet, but the notes are there. The graph of section 2, as the engine has seen it:
"""


# %%
def show_graph(variable, depth=0):
    """Print how a variable was computed: one line for each value, its inputs further right."""
    origin = "given" if getattr(variable, "is_leaf", True) else repr(variable.grad_fn)
    print(f"{'    ' * depth}{float(variable):5.1f}   {origin}")
    if origin != "given":
        for x in variable.grad_fn.inputs:
            show_graph(x, depth + 1)


x, y = Variable(2.0), Variable(3.0)
f = (x + y) * (x - y)
show_graph(f)

# %% [markdown]
r"""
Read it from the outside in: −5 is a product of 5 and −1; 5 is a sum of 2 and 3, and so on. The same record as a picture,
drawn by a tool of the library that reads your notes and finds the names in this notebook. Inputs are round, the output
has a double line; it has gone back through your rules for the gradients, and has left no trace in `x.grad`:
"""

# %%
from tinytorch.graph import draw, explain, step_backward

draw(f)

# %% [markdown]
r"""
There they are, 4 and −6, found by a tool. What is left for you is to build the machine that does it. One step back
already works, because an `Operation` can be called. With the gradient 1 of $f$ by itself, the product answers
what you found by hand, $\partial f / \partial s = -1$ and $\partial f / \partial d = 5$:
"""

# %%
print([float(part) for part in f.grad_fn(np.array(1.0))])

# %% [markdown]
r"""
### 5. Backward

An operation can send a gradient one step back. What remains is to do this for a whole graph, in the right
order. We start with the obvious way, and watch it fail three times.

#### Failure 1: walking every path

The obvious way is a recursion: *to go back from a variable, ask its operation for the gradients by its
inputs, and go back from each of those.* At a leaf, add what arrives.
"""

# %% demo=true
walks = 0


def naive_backward(variable, grad):
    """The obvious way back: along every path, to its end. It is right, and not usable."""
    global walks
    walks += 1
    if variable.is_leaf:
        variable.grad = grad if variable.grad is None else variable.grad + grad
        return
    for x, part in zip(variable.grad_fn.inputs, variable.grad_fn(grad), strict=True):
        if part is not None:
            naive_backward(x, part)


x, y = Variable(2.0), Variable(3.0)
naive_backward((x + y) * (x - y), np.array(1.0))
print("df/dx =", x.grad, "  df/dy =", y.grad, "  calls:", walks)

# %% [markdown]
r"""
4 and −6: correct, with 7 calls. Now a graph in which values are used twice, `b = a + a; c = b + b; …`, that
is $n$ doublings. It has $n$ operations. How many calls does the recursion make?
"""

# %% demo=true
naive_calls = {}
print(" n   calls     seconds")
for n in range(1, 19):
    z = Variable(1.0)
    for _ in range(n):
        z = z + z
    walks, start = 0, time.perf_counter()
    naive_backward(z, np.array(1.0))
    naive_calls[n] = walks
    print(f"{n:2} {walks:7} {time.perf_counter() - start:11.5f}")

# %% [markdown]
r"""
Each further doubling doubles the calls: $2^{n+1} - 1$. For 18 additions, half a million calls; for 60 it
would be $2 \cdot 10^{18}$, some hundred thousand years. The walk goes along every **path**, and there are
$2^n$ paths from `z` back to `a` through only $n$ operations. This is no rarity: every residual connection
`h + f(h)` doubles the number of paths, and so do the gates of a recurrent cell, which all read the same
state.

#### Failure 2: the stack

And a graph need not branch to be too much. A long loop makes a long chain, and a recursion goes as deep as
the chain is long:
"""

# %% demo=true
z = Variable(1.0)
for _ in range(20_000):
    z = z + 1.0
try:
    naive_backward(z, np.array(1.0))
except RecursionError as error:
    print("RecursionError:", error)

# %% [markdown]
r"""
#### Failure 3: coming too early

So each operation should be visited only once, without recursion. In which order? Let us try from near to far:
first the output, then its inputs, then theirs. Take $a = x^2$, $b = a^2$, $c = a + b$ at $x = 3$, so $a = 9$,
$b = 81$, $c = 90$. The right answer is $c = x^2 + x^4$,
$\partial c / \partial x = 2x + 4x^3 = 6 + 108 = 114$.

| visit | its gradient so far | sends |
| --- | --- | --- |
| $c$ | 1 | 1 to $a$ and 1 to $b$, both at distance one |
| $a$ | 1 | $1 \cdot 2x = 6$ to $x$ |
| $b$ | 1 | $1 \cdot 2a = 18$ to $a$. But $a$ has been visited already! |

$x$ gets 6 instead of 114. $a$ was visited before all its uses had reported. The gradient of a value is
**complete** only when every operation that uses it has sent its share, so each variable must come after
everything that uses it:

| visit | its gradient so far | sends |
| --- | --- | --- |
| $c$ | 1 | 1 to $a$, 1 to $b$ |
| $b$ | 1 | $1 \cdot 2a = 18$ to $a$ |
| $a$ | $1 + 18 = 19$ | $19 \cdot 2x = 114$ to $x$ |

Such an order is called a topological order of the graph (here, of the graph walked backwards). Finding one
takes a special algorithm in general. We get it for nothing: an operation's inputs exist before its output
does. So **from the youngest to the oldest**, every variable comes after everything that uses it; and the age
is in `order`.

#### Exercise 9: `reverse_creation_order`

Collect all computed variables that the outputs depend on, each once, and sort them by age. Two kinds are left
out: leaves (there is nothing to walk on to) and what needs no gradient. Two steps, no recursion:

1. Collect. Keep a set of those found, and a list of those still to be visited. Visit one: look at its inputs,
   and put each that is new into both. A variable enters the list once, when it is found, so each is visited
   once, however many paths lead to it.
2. Sort by `order`, the largest first.

`inputs_of`, given below, tells what a variable was computed from. It also looks after two special cases: a
variable whose `grad_fn` is a plain function of the user's (nothing is known of its inputs), and a graph that
has been freed.

<details>
<summary>Hint: why a set and not a list of those found</summary>

`x in a_list` compares with `==`, and `==` of two variables compares their *elements* and gives an array.
`x in a_set` first compares hashes, which variables take from their identity, so it means *this very object*.
(It is also fast.)

</details>

<details>
<summary>Hint: which inputs to keep</summary>

Inputs may be numbers, arrays and tensors as well. Keep those that are a `Variable`, need a gradient, are not
a leaf, and have not been found yet.

</details>
"""


# %%
#| export
def inputs_of(variable: Variable) -> tuple:
    """What a computed variable was computed from, if that is known and not yet freed."""
    inputs = getattr(variable.grad_fn, "inputs", ())
    if inputs is None:
        raise RuntimeError(
            "backward() has been here before and freed the graph; compute the output again, or "
            "write backward(retain_graph=True) the first time"
        )
    return inputs


# %% exercise="order"
#| export
def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on, the youngest first.

    An operation's inputs exist before its output does, so in this order everything that uses a
    variable comes before the variable itself.

    Parameters
    ----------
    outputs : iterable of Variable
        Where to start; those that are not leaves belong to the result.

    Returns
    -------
    list of Variable
        Each of them once; leaves are left out, and so is what needs no gradient.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.

    Approach
    --------
    1. Start a set of what has been found, with the outputs that are not leaves, and a list of what
       is to be visited, with the same.
    2. Visit each one in the list (what is appended meanwhile is visited too): go through its
       `inputs_of`. Each that is a `Variable`, needs a gradient, is not a leaf and is new goes into
       both.
    3. Return what was found, sorted by `order`, the largest first.
    """
    ### BEGIN SOLUTION
    found = {x for x in outputs if not x.is_leaf}
    nodes = list(found)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            is_computed = isinstance(x, Variable) and x.grad_fn is not None and x.requires_grad
            if is_computed and x not in found:
                found.add(x)
                nodes.append(x)
    nodes.sort(key=operator.attrgetter("order"), reverse=True)
    return nodes
    ### END SOLUTION


# %% checks="order" points=4
_x = Variable(3.0)
_a = _x * _x
_b = _a * _a
_c = _a + _b
check(
    [v.item() for v in reverse_creation_order([_c])],
    [90.0, 81.0, 9.0],
    hint="c, then b, then a: sort by order, the largest first; x is a leaf and left out",
)
_constant = Variable(5.0, requires_grad=False) * 2.0
check(
    [v.item() for v in reverse_creation_order([_a * _constant])],
    [90.0, 9.0],
    hint="what needs no gradient is left out",
)
_silent = Variable(10.0, requires_grad=False, grad_fn=_b.grad_fn)
check(
    [v.item() for v in reverse_creation_order([_a * _silent])],
    [90.0, 9.0],
    hint="what needs no gradient is left out, also if it was computed: ask requires_grad",
)
check(
    [v.item() for v in reverse_creation_order([_b, _x])],
    [81.0, 9.0],
    hint="a leaf among the outputs is left out too",
)
_z = _x
for _ in range(60):
    _z = _z + _z
check(len(reverse_creation_order([_z])), 60, hint="visit each variable once, not once a path")
_z = _x
for _ in range(5000):
    _z = _z + 1.0
check(len(reverse_creation_order([_z])), 5000, hint="a loop with a list, not a recursion")


### BEGIN HIDDEN TESTS
def made_from(autograd, number, *inputs, wanted=True):
    """A computed variable with nothing but a number, by which it is known, and its place in a graph."""
    number = np.array(number)
    note = autograd.Operation(np.add, inputs, {}, number)
    return autograd.Variable(number, requires_grad=wanted, grad_fn=note)


def order_from(autograd, *outputs):
    """The numbers of what is found, in the order in which it is."""
    return [v.item() for v in autograd.reverse_creation_order(outputs)]


@observe(n=integers(low=2, high=5), x=normal(13))
def each_node_of_a_diamond_once_and_the_youngest_first(autograd, n, x):
    """Two paths that part and meet, several times over."""
    numbers = iter(x)
    node = made_from(autograd, next(numbers), autograd.Variable(1.0))
    for _ in range(n):
        left = made_from(autograd, next(numbers), node)
        right = made_from(autograd, next(numbers), node, node)
        node = made_from(autograd, next(numbers), left, right)
    return order_from(autograd, node)


@observe(n=integers(low=2, high=6), x=normal(8))
def a_shared_node_comes_after_its_younger_consumers(autograd, n, x):
    """A short path and a long one from the same node to the output."""
    first = node = made_from(autograd, x[0], autograd.Variable(1.0))
    for i in range(n):
        node = made_from(autograd, x[i + 1], node, 1.0)
    node = made_from(autograd, x[6], first, node)
    return order_from(autograd, made_from(autograd, x[7], node, first))


@observe(x=normal(3), y=normal(3))
def leaves_constants_and_other_inputs_are_left_out(autograd, x, y):
    """Inputs may be leaves, weights, arrays, numbers, and variables that need no gradient."""
    leaf, weight = autograd.Variable(x), autograd.Tensor(x, requires_grad=True)
    constant = made_from(autograd, y[0], leaf, wanted=False)
    node = made_from(autograd, y[1], leaf, weight, 2.0, x, None)
    plain = autograd.Variable(x, requires_grad=False)
    return order_from(autograd, made_from(autograd, y[2], constant, node, plain))


@observe(n=integers(low=1, high=5), x=normal(7))
def several_outputs_one_of_them_inside_the_graph_of_another(autograd, n, x):
    """Outputs in any order, from any iterable, a leaf among them."""
    leaf = autograd.Variable(1.0)
    nodes = [made_from(autograd, x[0], leaf)]
    for i in range(n):
        nodes.append(made_from(autograd, x[i + 1], nodes[-1]))
    nodes.append(made_from(autograd, x[6], leaf))
    outputs = (v for v in (nodes[1], leaf, nodes[-1], nodes[-2]))
    return [v.item() for v in autograd.reverse_creation_order(outputs)]


@observe(n=integers(low=5000, high=6000), x=normal(6000))
def a_chain_of_five_thousand_operations(autograd, n, x):
    """No recursion."""
    z = autograd.Variable(1.0)
    for number in x[:n]:
        z = made_from(autograd, number, z, 1.0)
    return np.array(order_from(autograd, z))


@observe(n=integers(low=55, high=65), x=normal(65))
def sixty_doublings_do_not_take_for_ever(autograd, n, x):
    """Each node once, although there are 2 to the 60 paths."""
    z = autograd.Variable(1.0)
    for number in x[:n]:
        z = made_from(autograd, number, z, z)
    return order_from(autograd, z)


@observe(x=normal(4))
def a_plain_grad_fn_ends_a_path_and_a_freed_graph_is_refused(autograd, x):
    """A variable with a function of the user's is found; its inputs are not known."""
    own = autograd.Variable(np.array(x[0]), grad_fn=lambda grad: None)
    node = made_from(autograd, x[1], own)
    freed = made_from(autograd, x[2], own)
    freed.grad_fn.inputs = None
    last = made_from(autograd, x[3], freed, node)
    return order_from(autograd, node), raised(lambda: order_from(autograd, last))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 10: `unbroadcast`

A rule was allowed to ignore broadcasting. Here is what the engine has to do about it. Let $x$ have the shape
`(2, 3)` and the bias $b$ the shape `(3,)`, and `out = x + b`. Numpy repeats $b$ for each row:
$\text{out}_{ij} = x_{ij} + b_j$. So $b_j$ is used in every row $i$, and what is used several times collects
the sum of all its shares:

$$\frac{\partial L}{\partial b_j} = \sum_i \frac{\partial L}{\partial \text{out}_{ij}} \cdot 1 .$$

The rule of the sum hands on `grad` of shape `(2, 3)`; the gradient of $b$ is that, summed over the axis along
which $b$ was repeated. In numbers:

$$\texttt{grad} = \begin{pmatrix} 1 & 2 & 3 \\ 10 & 20 & 30 \end{pmatrix} \quad\Rightarrow\quad
\frac{\partial L}{\partial b} = (11, 22, 33).$$

Broadcasting knows two ways to repeat, and each has its way back:

| shape of the input | shape of `grad` | repeated | so sum over |
| --- | --- | --- | --- |
| `(3,)` | `(2, 3)` | a new axis in front | axis 0, which disappears |
| `(2, 1)` | `(2, 3)` | an axis of length 1, stretched | axis 1, which stays, with length 1 |
| `(1, 3)` | `(5, 2, 3)` | both | axes 0 and 1; the result is `(1, 3)` |
| `()` | `(2, 3)` | both axes are new | everything |
| `(2, 3)` | `(2, 3)` | nothing | nothing |

<details>
<summary>Hint: which axes</summary>

With `new_axes = grad.ndim - len(shape)`, the axes `0 … new_axes - 1` of `grad` are new, and axis `a` of the
input is axis `a + new_axes` of `grad`.

</details>

<details>
<summary>Hint: how to keep the axes of length 1</summary>

Sum over all these axes at once, `grad.sum(axis=(…))`, and `reshape` the result to `shape`: axes of length 1
can be put back anywhere that way.

</details>
"""


# %% exercise="unbroadcast"
#| export
def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its input was repeated.

    Parameters
    ----------
    grad : ndarray
        A gradient of a shape to which `shape` broadcasts; not changed.
    shape : tuple of int
        The shape of the input.

    Returns
    -------
    ndarray of shape `shape`
        The gradient by the input, of the dtype of `grad`.

    Approach
    --------
    1. Count the axes that `grad` has in front of those of `shape`.
    2. Find the axes that have length 1 in `shape`. (If one has length 1 in `grad` as well, summing
       over it changes nothing.)
    3. Sum over both kinds, and give the result the wanted shape.
    """
    ### BEGIN SOLUTION
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    summed = grad.sum(axis=(*range(new_axes), *stretched))
    return summed.reshape(shape) if stretched else summed
    ### END SOLUTION


# %% checks="unbroadcast" points=3
_grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
check(unbroadcast(_grad, (3,)), [11.0, 22.0, 33.0], hint="sum over the new axis in front")
check(unbroadcast(_grad, (2, 1)), [[6.0], [60.0]], hint="a stretched axis stays, with length 1")
check(unbroadcast(_grad, (1, 3)), [[11.0, 22.0, 33.0]], hint="a stretched axis stays")
check(unbroadcast(_grad, ()), 66.0, hint="a single number was used everywhere: sum everything")
check(unbroadcast(_grad, (2, 3)), _grad, hint="nothing was repeated, so nothing is summed")
check(unbroadcast(np.ones((5, 2, 3)), (2, 1)), [[15.0], [15.0]], hint="both kinds at once")


### BEGIN HIDDEN TESTS
@observe(grad=normal(2, 3, 4))
def new_axes_in_front_are_summed(autograd, grad):
    """One new axis, two of them, and all."""
    return [autograd.unbroadcast(grad, shape) for shape in [(3, 4), (4,), ()]]


@observe(grad=normal(2, 3, 4))
def stretched_axes_are_summed_and_kept(autograd, grad):
    """In front, in the middle, at the end, and all of them."""
    shapes = [(1, 3, 4), (2, 1, 4), (2, 3, 1), (1, 1, 1)]
    return [autograd.unbroadcast(grad, shape) for shape in shapes]


@observe(grad=normal(2, 3, 4))
def new_and_stretched_axes_at_once(autograd, grad):
    """A shape that is both shorter and stretched."""
    return [autograd.unbroadcast(grad, shape) for shape in [(1, 4), (3, 1), (1, 1), (1,)]]


@observe(grad=normal(3, 3), column=normal(3, 1))
def axes_of_length_one_that_were_not_stretched_stay(autograd, grad, column):
    """The same shape: nothing to do. And square shapes, where lengths alone do not tell."""
    return (
        autograd.unbroadcast(grad, (3, 3)),
        autograd.unbroadcast(column, (3, 1)),
        autograd.unbroadcast(grad, (3,)),
        autograd.unbroadcast(column, (1,)),
        autograd.unbroadcast(column[None], (1, 1)),
    )


@observe(grad=normal(2, 3, dtype="float32"))
def float32_stays_and_the_given_gradient_is_not_changed(autograd, grad):
    """The dtype of grad is kept, and so is grad."""
    before = grad.copy()
    found = [autograd.unbroadcast(grad, shape) for shape in [(3,), (2, 1), (2, 3)]]
    return found, [str(g.dtype) for g in found], bool(np.array_equal(before, grad))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Failure 4: two ways to add wrongly

During the walk the gradients found so far are kept in a dictionary, variable → gradient. When a share arrives
for a variable that has one already, both must be added. There are two ways to get this wrong. The first
forgets to add:
"""


# %%
def overwrite(gradients, x, grad):
    """Wrong: the second share replaces the first."""
    gradients[x] = grad


a = Variable(5.0)
gradients = {}
for x, part in zip((a, a), (a + a).grad_fn(np.array(1.0)), strict=True):
    overwrite(gradients, x, part)
print("the derivative of a + a by a:", gradients[a], "instead of 2")


# %% [markdown]
r"""
The second adds, but in place. Look at what happens to $b$, which gets only one share, of ones:
"""


# %%
def add_in_place(gradients, x, grad):
    """Wrong: the stored array may belong to someone else as well."""
    if x in gradients:
        gradients[x] += grad
    else:
        gradients[x] = grad


a, b = Variable([0.0, 0.0, 0.0]), Variable([0.0, 0.0, 0.0])
part_a, part_b = (a + b).grad_fn(np.ones(3))
gradients = {}
add_in_place(gradients, a, part_a)
add_in_place(gradients, b, part_b)
add_in_place(gradients, a, 10 * np.ones(3))
print("gradient of a:", gradients[a], "  gradient of b:", gradients[b], "instead of [1. 1. 1.]")
print("one array for both:", part_a is part_b)

# %% [markdown]
r"""
The rule of the sum hands the *same array* to both inputs. That is right and costs nothing, as long as nobody
changes an array that is not their own. `gradients[a] += …` changes it for $b$ as well.

On the other hand, a new array for every share is expensive where a value is used often, such as the weights of
a recurrent network, which every step uses: a thousand shares, a thousand arrays. So remember which arrays are
our own. The **first** share is taken as it is, without a copy. The **second** makes a new array, the sum; that
one was made here, nobody else has it, and `x` is noted in the set `sums`. Every **further** share can be added
to it in place.

#### Exercise 11: `accumulate`

Add the shares that one operation sends to the gradients of its inputs: each brought to its input's shape
first, and without changing any array that is not our own.
"""


# %% exercise="accumulate"
#| export
def accumulate(gradients: dict, sums: set, inputs: Sequence, parts: Sequence) -> None:
    """Add what an operation sends back to the gradients of its inputs.

    Parameters
    ----------
    gradients : dict
        The gradient of each variable so far; changed by this call.
    sums : set
        The variables whose entry in `gradients` is an array made here, as a sum, to which what
        comes later is added in place; changed as well.
    inputs : sequence
        The inputs of the operation.
    parts : sequence of ndarray or None
        For each input its share, perhaps with axes along which the input was broadcast, or None;
        the arrays are not changed.

    Approach
    --------
    1. For each input and its part: if the part is None, there is nothing to do.
    2. Bring the part to the shape of the input with `unbroadcast`, if it has another one.
    3. If the input has no entry yet, the part is its gradient. If it is in `sums`, add in place
       (``gradients[x] += …``). Else make a new array, the sum, and put the input into `sums`.
    """
    ### BEGIN SOLUTION
    for position, part in enumerate(parts):
        if part is None:
            continue
        x = inputs[position]
        if part.shape != x.shape:
            part = unbroadcast(part, x.shape)
        if x not in gradients:
            gradients[x] = part
        elif x in sums:
            gradients[x] += part
        else:
            gradients[x] = gradients[x] + part
            sums.add(x)
    ### END SOLUTION


# %% checks="accumulate" points=3
_gradients, _sums, _a, _b = {}, set(), Variable([0.0, 0.0]), Variable([0.0, 0.0])
_shared = np.array([1.0, 2.0])
accumulate(_gradients, _sums, [_a, _b], [_shared, _shared])
check(_gradients[_a], [1.0, 2.0], hint="accumulate: the first share is the gradient so far")
accumulate(_gradients, _sums, [_a, _b], [np.array([10.0, 10.0]), None])
check(_gradients[_a], [11.0, 12.0], hint="accumulate adds the second share to the first")
check(_gradients[_b], [1.0, 2.0], hint="accumulate: += changes b's array too; make a new one")
check(_shared, [1.0, 2.0], hint="what is given must not be changed")
check(_a in _sums, True, hint="the sum is an array of our own: put a into sums")
check(_b in _sums, False, hint="b's gradient is an array that it was given: not our own")
_more = np.array([100.0, 100.0])
accumulate(_gradients, _sums, [_a], [_more])
check(_gradients[_a], [111.0, 112.0], hint="accumulate adds the third share too")
accumulate(_gradients, _sums, [_b, _b], [np.ones((3, 2)), _more])
check(_gradients[_b], [104.0, 105.0], hint="accumulate: unbroadcast, and add both shares")
check(_more, [100.0, 100.0], hint="what is given must not be changed")


### BEGIN HIDDEN TESTS
@observe(first=normal(3), second=normal(3), third=normal(3))
def shares_are_added(autograd, first, second, third):
    """One, two and three contributions to the same tensor; another tensor has its own."""
    x, other, gradients, sums = autograd.Tensor(first), autograd.Tensor(first), {}, set()
    after = []
    for share in (first, second, third):
        autograd.accumulate(gradients, sums, [x], [share])
        after.append(np.array(gradients[x]))
    autograd.accumulate(gradients, sums, [other], [second])
    return after, gradients[other], len(gradients)


@observe(shares=normal(4, 3))
def sums_are_noted_and_added_to_in_place(autograd, shares):
    """A first share is no sum yet; a second one makes it an array of its own, which stays."""
    x, gradients, sums, known = autograd.Tensor(shares[0]), {}, set(), []
    for share in shares[:2]:
        autograd.accumulate(gradients, sums, [x], [share])
        known.append(x in sums)
    array = gradients[x]
    for share in shares[2:]:
        autograd.accumulate(gradients, sums, [x], [share])
    return gradients[x], array, known, len(sums)


@observe(shared=normal(3), more=normal(3), last=normal(3))
def arrays_given_to_two_inputs_stay_as_they_are(autograd, shared, more, last):
    """Later shares of one input must not reach the other, nor the arrays themselves."""
    a, b, gradients, sums = autograd.Tensor(shared), autograd.Tensor(shared), {}, set()
    given = [shared, more, last]
    before = [array.copy() for array in given]
    autograd.accumulate(gradients, sums, [a, b], [shared, shared])
    for share in (more, last, more):
        autograd.accumulate(gradients, sums, [a], [share])
    unchanged = [bool(np.array_equal(x, y)) for x, y in zip(given, before, strict=True)]
    return gradients[a], gradients[b], unchanged


@observe(x=normal(3), y=normal(3), shares=normal(4, 3))
def inputs_that_need_no_gradient_and_inputs_that_come_twice(autograd, x, y, shares):
    """None adds nothing and makes no entry; x * x sends two shares to the same input."""
    x, y, gradients, sums = autograd.Tensor(x), autograd.Tensor(y), {}, set()
    autograd.accumulate(gradients, sums, (x, 2.0, y), [shares[0], None, None])
    first = len(gradients)
    autograd.accumulate(gradients, sums, (x, x), [shares[1], shares[2]])
    autograd.accumulate(gradients, sums, (y, y), [shares[3], shares[3]])
    return first, gradients[x], gradients[y], len(gradients), shares


@observe(shares=normal(2, 4, 3), x=normal(1, 3))
def shares_of_a_broadcast_input_get_its_shape(autograd, shares, x):
    """The first, the second and the third contribution are summed to the input's shape."""
    x, y, gradients, sums = autograd.Tensor(x), autograd.Tensor(2.0), {}, set()
    after = []
    for share in (shares[0], shares[1], shares[0]):
        autograd.accumulate(gradients, sums, [x], [share])
        after.append(np.array(gradients[x]))
    autograd.accumulate(gradients, sums, [y], [shares])
    return after, gradients[y]


@observe(shares=normal(3, 3, dtype="float32"))
def float32_shares_make_a_float32_gradient(autograd, shares):
    """The sum has the dtype of its parts."""
    x, gradients, sums = autograd.Tensor(shares[0]), {}, set()
    for share in shares:
        autograd.accumulate(gradients, sums, [x], [share])
    return gradients[x], str(gradients[x].dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 12: `propagate`

Everything is ready for the heart of the engine. Given the gradients of some outputs, go through the graph
from the youngest variable to the oldest. Each variable, when its turn comes, has its complete gradient in the
dictionary: take it out, have its operation send it one step back, and accumulate what the inputs get. What is
left in the dictionary at the end are the gradients of the leaves. On the example of failure 3:

| node | taken out | its operation sends | dictionary afterwards |
| --- | --- | --- | --- |
| (start) | | | $\{c: 1\}$ |
| $c = a + b$ | 1 | 1 to $a$, 1 to $b$ | $\{a: 1,\ b: 1\}$ |
| $b = a \cdot a$ | 1 | 9 to $a$, and 9 to $a$ | $\{a: 19\}$ |
| $a = x \cdot x$ | 19 | 57 to $x$, and 57 to $x$ | $\{x: 114\}$ |

Some details:

- **One step.** `step_back(node, grad, create_graph)`, given, calls the node's `grad_fn` and returns its parts. It
  also looks after what is special: if the `grad_fn` is a plain function of the user's, it is called with a
  copy of the gradient, once, and there are no parts, `[]`. With `create_graph` (section 8) the rules get
  variables in place of arrays, so that what they compute is recorded.
- **Freeing.** The notes keep every value in between alive: in a large network that is most of the memory.
  Once an operation has sent its gradient, its notes are not needed any more, so it is told to forget them,
  `node.grad_fn.free()`, unless the user asked to keep the graph for another pass. For the same reason, do not
  hold on to all the nodes until the end: take one after the other out of their list.
- **Wanted.** Sometimes only certain gradients are wanted (section 7), those of computed variables among them.
  These are noted when they are complete; and the walk does not go on from nodes that lead to nothing wanted,
  so that the graph beyond them is neither walked nor freed. `dead_ends(wanted, nodes)`, given, finds these.
- **A border** (`since`, section 9): only nodes whose `order` is larger are visited. What is older stays in the
  dictionary, as leaves do.
- **Hooks**, given: if a variable has `hooks` (section 11), `after_hooks(x, grad)` is the gradient after they have
  seen it.
"""


# %%
#| export
def after_hooks(x: Variable | Tensor, grad):
    """The gradient of `x` after its hooks, if it has any, have seen it and perhaps replaced it."""
    for hook in list(x.hooks.values()):
        replaced = hook(grad if isinstance(grad, Variable) else np.array(grad))
        if replaced is not None:
            grad = same_shape(replaced, x, "a hook")
    return grad


def same_shape(gradient, x: Variable | Tensor, giver: str):
    """A gradient that a user's function has given for `x`, if it has the right shape."""
    gradient = gradient if isinstance(gradient, Variable) else value(gradient)
    shape = gradient.shape if isinstance(gradient, Variable) else np.shape(gradient)
    if shape != x.shape:
        raise ValueError(
            f"{giver} gave a gradient of shape {shape} for a variable of shape {x.shape}; "
            "return one number for each element"
        )
    return gradient


def itself(x: np.ndarray) -> np.ndarray:
    """``x``, as a function, so that a weight can be made a variable by recording that."""
    return x


@derivative(itself)
def itself_x(grad, out, x):
    """The derivative of x by x is 1."""
    return grad


def linked(operation: Operation) -> list:
    """The values of an operation, as variables where their own gradient may be asked for."""
    return [
        v if not needs_gradient(x) else x if isinstance(x, Variable) else record(itself, x)
        for x, v in zip(operation.inputs, operation.values, strict=True)
    ]


def step_back(node: Variable, grad, create_graph: bool) -> list:
    """What a node sends to its inputs; a plain function as `grad_fn` is called, and sends nothing."""
    step = node.grad_fn
    if not isinstance(step, Operation):
        step(np.array(grad))
        return []
    parts = step(grad, node, linked(step)) if create_graph else step(grad)
    if alarms:
        look_back(node, grad, parts)
    return parts


def dead_ends(wanted: set, nodes: Sequence[Variable]) -> set:
    """Those of `nodes`, the youngest first, from which no way leads back to something wanted."""
    if not wanted:
        return set()
    leading = set()
    for node in reversed(nodes):
        for x in inputs_of(node):
            if needs_gradient(x) and (x in wanted or x in leading):
                leading.add(node)
    return set(nodes) - leading


# %% exercise="propagate"
#| export
def propagate(
    gradients: dict,
    retain_graph: bool = False,
    wanted: Sequence = (),
    create_graph: bool = False,
    since: int = -1,
) -> dict:
    """Send gradients from the outputs of a graph back to its leaves, every node once.

    Parameters
    ----------
    gradients : dict
        The gradient of each output; the dictionary is not changed.
    retain_graph : bool
        If False, every operation is freed once it is done.
    wanted : sequence of Variable or Tensor
        Only the gradients of these are wanted, computed variables among them, and operations that do
        not lead to them are not called; without any, the gradients of all leaves are wanted.
    create_graph : bool
        Give the rules variables in place of arrays, so that the way back is recorded itself.
    since : int
        Go back only to what was created after that; what is older is treated like a leaf.

    Returns
    -------
    dict
        The gradient of each leaf that was reached, and of each variable in `wanted`.

    Raises
    ------
    RuntimeError
        If an earlier backward pass has freed the graph.

    Approach
    --------
    1. Copy the dictionary; make a set of what is wanted, an empty one of `sums` for `accumulate`,
       and an empty dictionary for what is to be kept.
    2. Take the nodes in reverse creation order that are younger than `since`, and find the
       `dead_ends` among them.
    3. For each node take its gradient out of the dictionary (``pop``; if none has arrived, go on with
       the next node), and through `after_hooks`, if it has `hooks`. If it is wanted, keep its gradient.
    4. Unless it is a dead end, `step_back`. If that gives parts (of a plain function there are none),
       accumulate them for the inputs of its `grad_fn`, and then free the `grad_fn`, unless the graph
       is to be retained.
    5. Return what is left, together with what was kept: ``gradients | kept``.
    """
    ### BEGIN SOLUTION
    gradients, sums, kept, wanted = dict(gradients), set(), {}, set(wanted)
    nodes = [x for x in reverse_creation_order(gradients) if x.order > since]
    aside = dead_ends(wanted, nodes)
    nodes.reverse()
    while nodes:
        node = nodes.pop()
        grad = gradients.pop(node, None)
        if grad is None:
            continue
        if node.hooks:
            grad = after_hooks(node, grad)
        if node in wanted:
            kept[node] = grad
        if node not in aside:
            parts = step_back(node, grad, create_graph)
            if parts:
                accumulate(gradients, sums, node.grad_fn.inputs, parts)
                if not retain_graph:
                    node.grad_fn.free()
    return gradients | kept
    ### END SOLUTION


# %% checks="propagate" points=5
_x = Variable(3.0)
_a = _x * _x
_c = _a + _a * _a
_start = {_c: np.array(1.0)}
_gradients = propagate(_start, retain_graph=True)
check(len(_gradients), 1, hint="propagate takes out what was computed; leaves stay")
check(_gradients[_x], 114.0, hint="2 x + 4 x³: accumulate both parts of a product")
check(_c in _start, True, hint="propagate works on a copy of the dictionary")
_gradients = propagate({_c: np.array(2.0)}, wanted=[_a, _x])
check(_gradients[_a], 38.0, hint="2 (1 + 2 a): note the gradient of what is wanted")
check(_gradients.get(_x), 228.0, hint="propagate: a leads on to x, which is wanted too")
check(_a.grad_fn.inputs, None, hint="propagate: free() it, unless retain_graph")
check_raises(RuntimeError, lambda: propagate({_c: np.array(1.0)}), hint="use inputs_of(node)")
_v = Variable([1.0, 2.0])
_w = _v * 2.0
_kept = propagate({_w * _w: np.array([1.0, 1.0])}, wanted=[_w, _v])
check(_kept[_w], [4.0, 8.0], hint="`in` a list compares elements; make a set of what is wanted")
_received = []
_own = Variable(2.0, grad_fn=_received.append)
propagate({_own * 3.0 + _own * 4.0: np.array(1.0)})
check(_received, [7.0], hint="a plain grad_fn is called once, and step_back gives no parts")


### BEGIN HIDDEN TESTS
class Graph:
    """A graph of sums and products whose operations bring their own rules, and are counted."""

    def __init__(self, autograd):
        self.autograd, self.called = autograd, []
        graph = self

        class Step(autograd.Operation):
            def __call__(self, grad, out=None, values=None):
                graph.called.append(self.parameters["name"])
                parts = self.parameters["rule"](grad)
                pairs = zip(self.inputs, parts, strict=True)
                return [part if autograd.needs_gradient(x) else None for x, part in pairs]

        self.Step = Step

    def node(self, out, inputs, rule, name):
        settings = {"rule": rule, "name": name}
        return self.autograd.Variable(out, grad_fn=self.Step(np.add, inputs, settings, out))

    def plus(self, x, y, name=""):
        out = np.asarray(x) + np.asarray(y)
        return self.node(out, (x, y), lambda grad: [grad, grad], name)

    def times(self, x, y, name=""):
        a, b = np.asarray(x), np.asarray(y)
        return self.node(np.asarray(a * b), (x, y), lambda grad: [grad * b, grad * a], name)


@observe(x=normal(3), y=normal(3), seed=normal(3))
def gradients_of_leaves_that_are_used_several_times(autograd, x, y, seed):
    """Shared inputs, a weight and a constant; nothing else is in the result."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.Tensor(y, requires_grad=True)
    constant = autograd.Variable(seed, requires_grad=False)
    a = graph.times(x, y)
    out = graph.plus(graph.times(a, x), graph.times(graph.times(a, a), constant))
    found = autograd.propagate({out: seed})
    return found[x], found[y], len(found)


@observe(x=normal(3), seed=normal(3), n=integers(low=2, high=5))
def each_operation_is_called_once_with_the_complete_gradient(autograd, x, seed, n):
    """A node with one consumer at once and another much later."""
    graph, x = Graph(autograd), autograd.Variable(x)
    first = long = graph.times(x, x, "first")
    for i in range(n):
        long = graph.times(long, first, f"long {i}")
    out = graph.plus(first, graph.plus(long, first, "inner"), "outer")
    found = autograd.propagate({out: seed})
    return found[x], graph.called


@observe(seed=normal(4, 3), x=normal(3), y=normal(4, 1))
def broadcast_inputs_get_gradients_of_their_own_shape(autograd, seed, x, y):
    """Also inside the graph, where the sum goes on."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.Variable(y)
    inner = graph.times(x, x)
    found = autograd.propagate({graph.times(graph.plus(inner, y), inner): seed})
    return found[x], found[y]


@observe(n=integers(low=5000, high=6000), m=integers(low=55, high=60), seed=normal())
def long_chains_and_many_doublings(autograd, n, m, seed):
    """Neither the depth of a graph nor the number of its paths is a limit."""
    graph, x = Graph(autograd), autograd.Variable(np.array(1.0))
    z = x
    for _ in range(n):
        z = graph.plus(z, 1.0)
    w = x
    for _ in range(m):
        w = graph.plus(w, w)
    chain = autograd.propagate({z: np.array(seed)})
    doubled = autograd.propagate({w: np.array(seed)})
    return chain[x], doubled[x], len(graph.called)


@observe(x=normal(3), seed=normal(3))
def operations_are_freed_unless_the_graph_is_retained(autograd, x, seed):
    """With retain_graph a second pass gives the same; after a pass without it, it is refused."""
    graph, x = Graph(autograd), autograd.Variable(x)
    a = graph.times(x, x)
    out = graph.plus(a, x)
    first = autograd.propagate({out: seed}, retain_graph=True)[x]
    kept = [v.grad_fn.inputs is None for v in (a, out)]
    second = autograd.propagate({out: seed}, retain_graph=False)[x]
    freed = [v.grad_fn.inputs is None and v.grad_fn.out is None for v in (a, out)]
    refused = raised(lambda: autograd.propagate({graph.plus(a, x): seed}))
    return first, second, kept, freed, refused


@observe(x=normal(3), y=normal(3), seed=normal(2, 3))
def several_outputs_kept_variables_and_leaves_as_outputs(autograd, x, y, seed):
    """What is asked for is kept, what was given is not changed."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.Variable(y)
    a = graph.times(x, y)
    b = graph.times(a, a)
    start = {a: seed[1], b: seed[0], y: seed[0]}
    found = autograd.propagate(start, wanted=[a, x])
    return found[x], found[y], found[a], len(found), len(start)


@observe(x=normal(3), seed=normal(3))
def a_plain_function_as_grad_fn_is_called_once(autograd, x, seed):
    """With the sum of all shares; what it returns does not matter."""
    graph, received = Graph(autograd), []

    def note(grad):
        received.append(np.array(grad))
        return [grad, grad]

    own = autograd.Variable(x, grad_fn=note)
    leaf = autograd.Variable(x)
    out = graph.plus(graph.times(own, leaf), graph.times(own, own))
    found = autograd.propagate({out: seed})
    return received, found[leaf], len(found)


@observe(x=normal(3), y=normal(3), seed=normal(3))
def what_leads_to_nothing_wanted_is_left_alone(autograd, x, y, seed):
    """Its operations are not called, and its leaves are not in the result."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    beside = graph.times(graph.times(y, y, "far"), y, "beside")
    out = graph.times(graph.times(x, x, "inner"), beside, "outer")
    found = autograd.propagate({out: seed}, retain_graph=True, wanted=[x])
    called = list(graph.called)
    everything = autograd.propagate({out: seed})
    return found[x], len(found), called, everything[y], len(everything), graph.called


@observe(x=normal(3), y=normal(3), seed=normal(3))
def where_no_gradient_arrives_nothing_is_done(autograd, x, y, seed):
    """An operation that sends nothing to one of its inputs, a computed one."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    middle = graph.times(y, y, "not reached")
    rule = lambda grad: [2.0 * grad, None]  # noqa: E731
    out = graph.node(np.array(x), (graph.times(x, x, "inner"), middle), rule, "outer")
    found = autograd.propagate({out: seed}, retain_graph=True)
    asked = autograd.propagate({out: seed}, wanted=[x, middle, y])
    return found[x], len(found), asked[x], len(asked), graph.called


@observe(x=normal(3), y=normal(3), seed=normal(3))
def what_is_older_than_since_is_treated_like_a_leaf(autograd, x, y, seed):
    """Its gradient is in the result, and its operation is neither called nor freed."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    old = graph.times(x, y, "old")
    new = graph.times(graph.times(old, y, "first"), old, "last")
    found = autograd.propagate({new: seed}, since=old.order)
    called, freed = list(graph.called), [v.grad_fn.inputs is None for v in (old, new)]
    return found[old], found[y], len(found), called, freed, autograd.propagate({old: seed})[x]


@observe(x=normal(3), seed=normal(3), factor=uniform(low=2.0, high=3.0))
def hooks_see_the_complete_gradient_and_may_replace_it(autograd, x, seed, factor):
    """What a hook returns goes on, and is kept if it was wanted; None changes nothing."""
    graph, seen, x = Graph(autograd), [], autograd.Variable(x)
    middle = graph.times(x, x)
    middle.register_hook(lambda grad: seen.append(np.array(grad)))
    middle.register_hook(lambda grad: factor * grad)
    found = autograd.propagate({graph.times(middle, middle): seed}, wanted=[middle, x])
    return seen, found[middle], found[x]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 13: `starting_gradient`

Where does the first gradient come from? If the output is the loss itself, one number, it is
$\partial L / \partial L = 1$. If the output has several elements, there is no single derivative to speak of:
the user has to say how the loss depends on each of them, by giving a `gradient` of the output's shape.
Guessing (ones, for example) would give an answer to a question that nobody asked, so it is refused:

| output | `gradient` | result |
| --- | --- | --- |
| shape `()`, or any shape with one element, such as `(1, 1)` | none | ones of that shape |
| shape `(3,)` | none | `ValueError`: call `.sum()` first, or pass a gradient |
| shape `(3,)` | shape `(3,)` | the gradient, in the output's dtype |
| shape `(3,)` | shape `(1,)` or `(2, 3)` | `ValueError`: numpy would broadcast it silently |
| needs no gradient | any | `RuntimeError`: nothing can be differentiated |

A message should say what came, what is wanted, and what to write instead. PyTorch refuses the same cases,
with a `RuntimeError`.
"""


# %% exercise="starting-gradient"
#| export
def starting_gradient(output: Variable, gradient=None) -> np.ndarray:
    """The gradient to start from, of the shape and dtype of `output`.

    Parameters
    ----------
    output : Variable
        Where a backward pass is to start.
    gradient : array_like, optional
        The gradient of the loss by `output`; without one, `output` is the loss, and it is 1.

    Returns
    -------
    ndarray
        The checked gradient.

    Raises
    ------
    RuntimeError
        If `output` requires no gradient.
    ValueError
        If `gradient` has not the shape of `output`, or is missing although `output` has not exactly
        one element.

    Approach
    --------
    1. Refuse an output that requires no gradient.
    2. Refuse a missing gradient, unless ``output.size`` is 1.
    3. Take ones of the output's shape, or the given gradient as an array.
    4. Refuse another shape than the output's; convert the rest to the output's dtype.
    """
    ### BEGIN SOLUTION
    if not output.requires_grad:
        raise RuntimeError(
            f"this Variable of shape {output.shape} requires no gradient, and nothing it was "
            "computed from does; create an input with requires_grad=True"
        )
    if gradient is None and output.size != 1:
        raise ValueError(
            f"backward() needs a gradient for an output of shape {output.shape}; call .sum() "
            "first, or pass backward(gradient) in that shape"
        )
    gradient = np.ones(output.shape) if gradient is None else np.asarray(gradient)
    if gradient.shape != output.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape} and the output {output.shape}; "
            "pass one number for each element of the output"
        )
    return gradient.astype(output.dtype)
    ### END SOLUTION


# %% checks="starting-gradient" points=2
check(starting_gradient(Variable(5.0)), 1.0, hint="the derivative of the loss by itself is 1")
check(starting_gradient(Variable([[5.0]])), [[1.0]], hint="of the shape of the output")
check(str(starting_gradient(Variable(5.0)).dtype), "float32", hint="in the dtype of the output")
_start = starting_gradient(Variable([1.0, 2.0]), [10, 20])
check(_start, [10.0, 20.0], hint="a given gradient is used as it is")
check(str(_start.dtype), "float32", hint="in the dtype of the output, not of what was given")
check_raises(ValueError, lambda: starting_gradient(Variable([1.0, 2.0])), hint="none was given")
check_raises(
    ValueError,
    lambda: starting_gradient(Variable(np.zeros(0))),
    hint="an output without any element has not one element either: output.size != 1",
)
check_raises(
    ValueError,
    lambda: starting_gradient(Variable([1.0, 2.0]), [1.0]),
    hint="numpy would broadcast (1,) silently: compare the shapes",
)
check_raises(
    RuntimeError,
    lambda: starting_gradient(Variable(5.0, requires_grad=False)),
    hint="an output that requires no gradient cannot be differentiated",
)


### BEGIN HIDDEN TESTS
@observe(x=normal(), y=normal(1, 1, dtype="float32"), seed=normal())
def one_for_a_single_element_in_its_shape_and_dtype(autograd, x, y, seed):
    """Outputs of shape () and (1, 1), in float64 and float32; beside a given gradient."""
    outputs = [autograd.Variable(v) for v in (np.array(x), y)]
    found = [autograd.starting_gradient(v) for v in outputs]
    found.append(autograd.starting_gradient(outputs[0], seed))
    return found, [str(g.dtype) for g in found]


@observe(x=normal(2, 3, dtype="float32"), seed=normal(2, 3))
def a_given_gradient_takes_the_dtype_of_the_output(autograd, x, seed):
    """As an array, a list, a tensor, and for a single element as well."""
    x, one = autograd.Variable(x), autograd.Variable(seed[:1, 0])
    given = [(x, seed), (x, seed.tolist()), (x, autograd.Tensor(seed)), (one, [float(seed[1, 1])])]
    found = [autograd.starting_gradient(output, gradient) for output, gradient in given]
    return found, [str(g.dtype) for g in found]


@observe(x=normal(3), seed=normal(3))
def a_missing_gradient_is_refused_unless_there_is_one_element(autograd, x, seed):
    """Outputs of shape (3,), (1,) and (0,); all are content with one of their own shape."""
    outputs = [autograd.Variable(v) for v in (x, x[:1], x[:0])]
    calls = [lambda v=v: autograd.starting_gradient(v) for v in outputs]
    given = [autograd.starting_gradient(v, seed[: v.size]) for v in outputs]
    return [raised(call) for call in calls], given


@observe(x=normal(2, 3), seed=normal(2, 3))
def a_gradient_of_another_shape_is_refused(autograd, x, seed):
    """Also one that numpy would broadcast."""
    x = autograd.Variable(x)
    bad = [seed[0], seed[:, :1], seed[:1], seed[None], 1.0, seed.T]
    good = autograd.starting_gradient(x, seed)
    return good, [raised(lambda g=g: autograd.starting_gradient(x, g)) for g in bad]


@observe(x=normal(), seed=normal())
def an_output_that_requires_no_gradient_is_refused(autograd, x, seed):
    """With a gradient and without."""
    constant, wanted = autograd.Variable(x, requires_grad=False), autograd.Variable(x)
    calls = [
        lambda: autograd.starting_gradient(constant),
        lambda: autograd.starting_gradient(constant, seed),
    ]
    return [raised(call) for call in calls], autograd.starting_gradient(wanted, seed)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Failure 5: a gradient that cannot be changed

At the end, each leaf gets its gradient as `leaf.grad`. People change gradients in place: clipping multiplies
them by 0.5, averaging divides them. What arrives at a leaf is not always fit for it. A rule of somebody's own, for
example, may well repeat one number with `np.broadcast_to`, which makes a view: three elements, one place in
memory, closed to writing. And you saw one array arrive at two leaves: where a sum hands one array to both of its
inputs, scaling the gradients of `a` and `b` to a common norm of 1 scales that array twice, and the norm comes
out wrong without a word.
"""

# %%
arrived = np.broadcast_to(np.array(1.0), (3,))
try:
    arrived *= 0.5
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
r"""
#### Exercise 14: `deposit`

So a leaf takes a **copy**: an array of its own, of the leaf's shape and dtype. Only where it is certain that
nobody else holds the array that arrives (`alone=True`) may the leaf keep it as it is, if it has the right
dtype and is no view of another array; for a large layer, that copy would be a tenth of the whole backward
pass. The given function `own` decides that. When there is a gradient already, from an earlier backward pass, the new one is added to it: PyTorch does the same, and so several
batches can be put together before one step of training (or a wrong step is made by someone who forgets
`zero_grad()`).

The array in `leaf.grad` belongs to the leaf, so here, unlike in `accumulate`, adding in place is right, and
saves a new array for every weight in every pass.
"""


# %%
#| export
def own(gradient: np.ndarray, dtype, alone: bool) -> np.ndarray:
    """A gradient as an array that nobody else holds: itself if that is certain, or else a copy."""
    if alone and gradient.base is None and gradient.flags.writeable and gradient.dtype == dtype:
        return gradient
    return np.array(gradient, dtype=dtype)


# %% exercise="deposit"
#| export
def deposit(leaf: Variable | Tensor, gradient: np.ndarray, alone: bool = False) -> None:
    """Add a gradient to ``leaf.grad``.

    Parameters
    ----------
    leaf : Variable or Tensor
        Where to put it. Afterwards ``leaf.grad`` is an array of the leaf's own shape and dtype that
        nobody else holds, so that it may be changed in place.
    gradient : ndarray
        What to add, in the shape of the leaf; not changed.
    alone : bool
        Nobody else holds `gradient`: it may become ``leaf.grad`` without a copy.

    Approach
    --------
    1. If the leaf has no gradient yet (None), it gets the given one as its `own`.
    2. Else add the given one to the array that is there, in place.
    """
    ### BEGIN SOLUTION
    if leaf.grad is None:
        leaf.grad = own(gradient, leaf.dtype, alone)
    else:
        leaf.grad += gradient
    ### END SOLUTION


# %% checks="deposit" points=2
_leaf, _other = Variable([1.0, 2.0, 3.0]), Variable([1.0, 2.0, 3.0])
deposit(_leaf, np.broadcast_to(np.array(2.0), (3,)))
check(_leaf.grad, [2.0, 2.0, 2.0], hint="the first gradient is the gradient")
check(str(_leaf.grad.dtype), "float32", hint="deposit: in the dtype of the leaf; own(…)")
check(_leaf.grad.flags.writeable, True, hint="take a copy, not the read-only view itself")
_shared = np.array([1.0, 2.0, 3.0], dtype=np.float32)
deposit(_leaf, _shared)
deposit(_other, _shared)
check(_leaf.grad, [3.0, 4.0, 5.0], hint="deposit adds the second gradient to the first")
_other.grad *= 10.0
check(_shared, [1.0, 2.0, 3.0], hint="a copy: nobody else may hold the array in leaf.grad")


### BEGIN HIDDEN TESTS
@observe(x=normal(3, dtype="float32"), first=normal(3), second=normal(3))
def gradients_add_up_in_the_dtype_of_the_leaf(autograd, x, first, second):
    """Three deposits of float64 into a float32 tensor."""
    leaf, after = autograd.Tensor(x, requires_grad=True), []
    for gradient in (first, second, first):
        autograd.deposit(leaf, gradient)
        after.append((np.array(leaf.grad), str(leaf.grad.dtype)))
    return after


@observe(x=normal(2, 3), number=normal())
def a_read_only_view_becomes_an_array_that_can_be_changed(autograd, x, number):
    """What arrives may be a broadcast view; what is kept is an ordinary array."""
    leaf = autograd.Tensor(x, requires_grad=True)
    autograd.deposit(leaf, np.broadcast_to(np.array(number), (2, 3)))
    writeable = leaf.grad.flags.writeable
    leaf.grad[0, 0] = 5.0
    return leaf.grad, writeable


@observe(x=normal(3), shared=normal(3), more=normal(3))
def leaves_that_got_the_same_array_do_not_share_it(autograd, x, shared, more):
    """Changing one gradient in place leaves the other, and the array itself, alone."""
    one, two = autograd.Tensor(x), autograd.Tensor(x)
    before = shared.copy()
    autograd.deposit(one, shared)
    autograd.deposit(two, shared)
    autograd.deposit(one, more)
    two.grad *= 3.0
    return one.grad, two.grad, bool(np.array_equal(shared, before))


@observe(x=normal(), first=normal(), second=normal())
def a_single_number_gets_an_array_of_shape_empty(autograd, x, first, second):
    """Also when what arrives is a numpy number rather than an array."""
    leaf = autograd.Tensor(np.array(x))
    autograd.deposit(leaf, np.float64(first))
    kinds = [type(leaf.grad).__name__]
    autograd.deposit(leaf, np.array(second))
    return float(leaf.grad), np.shape(leaf.grad), kinds


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 15: `backward`

Three steps, each of which you have: the starting gradient; propagate; deposit what arrives at each leaf. The
method `Variable.backward` calls this function.

Two of them come with a given function around them. `start_of` is `starting_gradient`, except that with
`create_graph` it gives a variable. `run_back` calls `propagate` with recording switched off (or on,
with `create_graph`), and without numpy's warnings: at an edge, such as the slope of $\sqrt{x}$ at 0, a rule
rightly gives infinity, and a warning in the middle of your training would not help. It gives a dictionary with
each leaf's gradient.

The array of a gradient is a leaf's `alone` if no other leaf in that dictionary has got the same one before:
keep a set of the `id` of each array that was deposited.

There is one promise to keep: if a call is refused, no `grad` has been touched. So deposit only when
everything has been propagated. And one special case is given: with `create_graph`, gradients are variables,
which are never changed in place, so `deposit_variable` simply adds them.
"""


# %%
#| export
def start_of(output: Variable, gradient, create_graph: bool):
    """The gradient to start from: an array, or a variable if the way back is to be recorded."""
    start = starting_gradient(output, gradient)
    if not create_graph:
        return start
    return gradient if isinstance(gradient, Variable) else Variable(start, requires_grad=False)


def run_back(
    start: dict, retain_graph: bool, create_graph: bool, wanted: Sequence = ()
) -> dict[Variable | Tensor, np.ndarray | Variable]:
    """Propagate gradients, with recording and numpy's warnings as they should be meanwhile."""
    before, recording.enabled = recording.enabled, create_graph
    try:
        with np.errstate(all="ignore"):
            gradients = propagate(start, retain_graph or create_graph, wanted, create_graph)
        for x, gradient in gradients.items():
            if getattr(x, "hooks", None) and x.is_leaf:  # the others' have been called on the way
                gradients[x] = after_hooks(x, gradient)
            if create_graph and gradient.dtype != x.dtype:
                gradients[x] = record(of_dtype, gradients[x], dtype=x.dtype)
        return gradients
    finally:
        recording.enabled = before


def of_dtype(x: np.ndarray, dtype) -> np.ndarray:
    """``x`` in another floating dtype."""
    return x.astype(dtype)


@derivative(of_dtype)
def of_dtype_x(grad, out, x, dtype):
    """The gradient goes back in the dtype of x."""
    return through(of_dtype, grad, dtype=x.dtype)


def deposit_variable(leaf: Variable | Tensor, gradient: Variable) -> None:
    """Add a gradient that has a history of its own to ``leaf.grad``."""
    leaf.grad = gradient if leaf.grad is None else gradient + leaf.grad


# %% exercise="backward"
#| export
def backward(
    output: Variable, gradient=None, retain_graph: bool = False, create_graph: bool = False
) -> None:
    """Add the gradient of `output` by every leaf to the ``grad`` of that leaf.

    Parameters
    ----------
    output : Variable
        Where to start.
    gradient : array_like, optional
        The gradient of the loss by `output`.
    retain_graph : bool
        Keep the graph for another backward pass.
    create_graph : bool
        Record the backward pass itself.

    Raises
    ------
    RuntimeError, ValueError
        As `starting_gradient` and `reverse_creation_order`.

    Approach
    --------
    1. Take the starting gradient, with `start_of`.
    2. `run_back` from a dictionary in which it is the output's gradient.
    3. For each leaf and gradient of what that gives, deposit the gradient, `alone` if no leaf before
       got the same array (with `deposit_variable` if `create_graph`).
    """
    ### BEGIN SOLUTION
    start = start_of(output, gradient, create_graph)
    seen = set()
    for leaf, grad in run_back({output: start}, retain_graph, create_graph).items():
        if create_graph:
            deposit_variable(leaf, grad)
        else:
            deposit(leaf, grad, alone=id(grad) not in seen)
            seen.add(id(grad))
    ### END SOLUTION


# %% checks="backward" points=4
_x, _y = Variable(5.0), Variable(3.0)
(_x * _y + _x**2).backward()
check(_x.grad, 13.0, hint="y + 2 x, at (5, 3)")
check(_y.grad, 5.0, hint="x")
_x, _y = Variable(2.0), Variable(3.0)
_f = (_x + _y) * (_x - _y)
_f.backward(retain_graph=True)
check([_x.grad, _y.grad], [4.0, -6.0], hint="the graph of section 2")
_f.backward()
check([_x.grad, _y.grad], [8.0, -12.0], hint="a second backward() adds to the first")
check_raises(RuntimeError, lambda: _f.backward(), hint="the graph was freed")
_x, _b = Variable([[1.0, 2.0], [3.0, 4.0]]), Variable([10.0, 20.0])
(_x * _b).backward([[1.0, 1.0], [1.0, 2.0]])
check(_x.grad, [[10.0, 20.0], [10.0, 40.0]], hint="pass the gradient on")
check(_b.grad, [4.0, 10.0], hint="summed over the rows in which b was used")
_x = Variable(5.0)
(_x * 2.0).backward(create_graph=True)
check(type(_x.grad).__name__, "Variable", hint="with create_graph use deposit_variable")


### BEGIN HIDDEN TESTS
@observe(x=normal(4, 3), b=normal(3, dtype="float32"), seed=normal(4, 3))
def every_leaf_gets_its_gradient(autograd, x, b, seed):
    """Variables and weights, each in its own shape and dtype; constants get none."""
    graph = Graph(autograd)
    x, b = autograd.Variable(x), autograd.Tensor(b, requires_grad=True)
    constant = autograd.Variable(seed, requires_grad=False)
    out = graph.plus(graph.times(x, b), graph.times(x, constant))
    autograd.backward(out, seed)
    return x.grad, b.grad, str(x.grad.dtype), str(b.grad.dtype), constant.grad, out.grad


@observe(x=normal(), seed=normal())
def a_single_number_needs_no_gradient_to_start_from(autograd, x, seed):
    """And may be given one; a leaf as the output gets it itself."""
    graph = Graph(autograd)
    leaves = [autograd.Variable(np.array(x)) for _ in range(3)]
    autograd.backward(graph.times(leaves[0], leaves[0]))
    autograd.backward(graph.times(leaves[1], leaves[1]), seed)
    autograd.backward(leaves[2], seed)
    return [leaf.grad for leaf in leaves]


@observe(x=normal(3), seeds=normal(3, 3))
def gradients_of_several_passes_add_up(autograd, x, seeds):
    """Two passes through a retained graph, and one through another graph."""
    graph, x = Graph(autograd), autograd.Variable(x)
    out = graph.times(x, x)
    autograd.backward(out, seeds[0], retain_graph=True)
    first = np.array(x.grad)
    autograd.backward(out, seeds[1])
    second = np.array(x.grad)
    autograd.backward(graph.plus(x, x), seeds[2])
    return first, second, x.grad


@observe(x=normal(3), seed=normal(3))
def what_is_refused_touches_no_gradient(autograd, x, seed):
    """A missing gradient, one of another shape, a freed graph, and a constant."""
    graph, x = Graph(autograd), autograd.Variable(x)
    freed, out = graph.times(x, x), graph.times(x, x)
    autograd.backward(freed, seed)
    before = np.array(x.grad)
    constant = autograd.Variable(seed, requires_grad=False)
    calls = [
        lambda: autograd.backward(out),
        lambda: autograd.backward(out, seed[:1]),
        lambda: autograd.backward(freed, seed),
        lambda: autograd.backward(constant, seed),
    ]
    return [raised(call) for call in calls], before, x.grad


@observe(x=normal(3, 3), seed=normal(3))
def gradients_of_several_leaves_share_no_memory(autograd, x, seed):
    """A sum gives all of them the same array; what they keep is their own, also of the seed."""
    graph, leaves = Graph(autograd), [autograd.Variable(v) for v in x]
    autograd.backward(graph.plus(graph.plus(leaves[0], leaves[1]), leaves[2]), seed)
    for factor, leaf in enumerate(leaves, 2):
        leaf.grad *= factor
    return [leaf.grad for leaf in leaves], seed


@observe(x=normal(3), y=normal(3), seeds=normal(2, 3))
def gradients_that_were_recorded_are_variables(autograd, x, y, seeds):
    """With create_graph: they can be differentiated again, they add up, and the graph is kept."""
    enter_rules_of_weighted(autograd)
    x, y = autograd.Variable(x), autograd.Variable(y)
    out = autograd.record(weighted, x, y)
    autograd.backward(out, seeds[0], create_graph=True)
    first = [v.grad for v in (x, y)]
    autograd.backward(out, seeds[1], create_graph=True)
    autograd.backward(out, seeds[0])
    kinds = [[type(g).__name__, g.requires_grad] for g in first]
    return kinds, [np.asarray(g) for g in first], [np.asarray(v.grad) for v in (x, y)]


@observe(x=normal(3), seed=normal(3))
def a_retained_graph_gives_plain_arrays(autograd, x, seed):
    """retain_graph keeps the graph, and records nothing."""
    enter_rules_of_weighted(autograd)
    x = autograd.Variable(x)
    autograd.backward(autograd.record(weighted, x, x), seed, retain_graph=True)
    return type(x.grad).__name__, np.asarray(x.grad)


@observe(x=normal(), seed=normal())
def a_plain_grad_fn_may_call_backward_itself(autograd, x, seed):
    """A function of the user's that passes the gradient on to another graph."""
    graph, x = Graph(autograd), autograd.Variable(np.array(x))
    inner = graph.times(x, x)
    outer = autograd.Variable(np.array(7.0), grad_fn=lambda grad: inner.backward(5.0 * grad))
    autograd.backward(graph.plus(outer, outer), seed)
    return x.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
#### It runs

Your engine differentiates any expression of sums, products, quotients and powers, with broadcasting:
$xy + x^2$ at $(5, 3)$ has the slopes 13 and 5, and you did not have to tell it how. The two failures from the
beginning of this section, again:
"""

# %% demo=true
a = Variable(np.array(1.0))
z = a
for _ in range(60):
    z = z + z
start = time.perf_counter()
z.backward()
print(f"60 doublings: {a.grad:.0f} = 2**60, in {1000 * (time.perf_counter() - start):.1f} ms")

a = Variable(1.0)
z = a
for _ in range(20_000):
    z = z + 1.0
start = time.perf_counter()
z.backward()
print(f"20,000 additions in a row: {a.grad:.0f}, in {1000 * (time.perf_counter() - start):.0f} ms")

# %% [markdown]
r"""
And the graph of section 2 once more, to watch: choose a step with the numbers, or with the arrow keys. Each step is one
turn of the loop in your `propagate`; look at how $x$ and $y$ get their second contribution in the last one, and compare
with the table that you worked out by hand.
"""

# %%
x, y = Variable(2.0), Variable(3.0)
s = x + y
d = x - y
f = s * d
step_backward(f)

# %% [markdown]
r"""
A good place for a break. What is done, and about how long the rest takes:
"""

# %%
progress()

# %% [markdown]
r"""
### 6. More rules

The engine is complete. From here on, every function that gets its rules can be differentiated, alone or
anywhere inside an expression, and nothing else has to be written for it. That is the reward for keeping the
formulas apart from the bookkeeping.

#### Exercise 16: exponentials, logarithms, roots

$$\frac{d}{dx} e^x = e^x, \qquad \frac{d}{dx} \log x = \frac{1}{x}, \qquad
\frac{d}{dx} \sqrt{x} = \frac{1}{2\sqrt{x}} .$$

(The last from $r^2 = x$: differentiated, $2 r \frac{dr}{dx} = 1$.) Two of the three can use `out`: computing
an exponential takes several times as long as multiplying by one that is there already.

In numbers, with `grad = 3`: at $x = 0$ the exponential sends $3 \cdot 1 = 3$; at $x = 2$ the logarithm sends
1.5; at $x = 4$ the root sends $3 / 4 = 0.75$. At $x = 0$ the root is vertical: its slope is infinite, and the
rule says so.
"""


# %% exercise="rules-of-exponentials"
#| export
@derivative(np.exp)
def exp_x(grad, out, x):
    """The derivative of exp(x) is exp(x), that is out."""
    ### BEGIN SOLUTION
    return grad * out
    ### END SOLUTION


@derivative(np.log)
def log_x(grad, out, x):
    """The derivative of log(x) is 1 / x."""
    ### BEGIN SOLUTION
    return grad / x
    ### END SOLUTION


@derivative(np.sqrt)
def sqrt_x(grad, out, x):
    """The derivative of sqrt(x) is 1 / (2 sqrt(x)), and infinite at 0."""
    ### BEGIN SOLUTION
    return grad / (2 * out)
    ### END SOLUTION


# %% checks="rules-of-exponentials" points=2
_grad, _x = np.array([3.0, 1.0]), np.array([0.0, 1.0])
check(exp_x(_grad, np.exp(_x), _x), [3.0, np.e], hint="grad times out")
check(log_x(_grad, np.log(_x + 2), _x + 2), [1.5, 1 / 3], hint="grad times 1 / x")
check(sqrt_x(_grad, np.sqrt(_x + 4), _x + 4), [0.75, 0.223607], hint="grad / (2 * out)")


### BEGIN HIDDEN TESTS
@observe(grad=normal(3, 2), x=normal(3, 2))
def gradient_of_an_exponential(autograd, grad, x):
    """exp(x) times the gradient; by its name and through the table."""
    out = np.exp(x)
    return autograd.exp_x(grad, out, x), autograd.RULES[np.exp][0](grad, out, x)


@observe(grad=normal(3, 2), x=uniform(3, 2, low=0.2, high=3.0))
def gradient_of_a_logarithm(autograd, grad, x):
    """1 / x times the gradient; by its name and through the table."""
    out = np.log(x)
    return autograd.log_x(grad, out, x), autograd.RULES[np.log][0](grad, out, x)


@observe(grad=uniform(3, low=0.5, high=1.0), x=uniform(2, low=0.2, high=3.0))
def gradient_of_a_root_which_is_infinite_at_zero(autograd, grad, x):
    """1 / (2 sqrt(x)) times the gradient; by its name and through the table."""
    x = np.array([*x, 0.0])
    with np.errstate(all="ignore"):
        out = np.sqrt(x)
        found = autograd.sqrt_x(grad, out, x)
        return found, np.isinf(found), autograd.RULES[np.sqrt][0](grad, out, x)


@observe(grad=normal(3, dtype="float32"), x=uniform(3, low=0.2, high=3.0, dtype="float32"))
def exponentials_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    outs = np.exp(x), np.log(x), np.sqrt(x)
    before = [a.copy() for a in (grad, x, *outs)]
    rules = autograd.exp_x, autograd.log_x, autograd.sqrt_x
    found = [rule(grad, out, x) for rule, out in zip(rules, outs, strict=True)]
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, x, *outs), strict=True))
    return found, [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 17: waves and absolute values

$$\frac{d}{dx} \sin x = \cos x, \qquad \frac{d}{dx} \cos x = -\sin x, \qquad
\frac{d}{dx} |x| = \begin{cases} 1 & x > 0 \\ -1 & x < 0 \\ 0 & x = 0 \text{ (convention)} \end{cases}$$

At 0 the absolute value has a corner: the slope is −1 on one side and 1 on the other, and every number in
between would be a fair answer. The middle, 0, is the custom (PyTorch does the same), and it has a sense: a
minimum is reached, so do not move.

Use comparisons such as `x > 0` as factors: True counts as 1, False as 0, and the dtype of `grad` stays what
it is.
"""


# %% exercise="rules-of-waves"
#| export
@derivative(np.sin)
def sin_x(grad, out, x):
    """The derivative of sin(x) is cos(x)."""
    ### BEGIN SOLUTION
    return grad * np.cos(x)
    ### END SOLUTION


@derivative(np.cos)
def cos_x(grad, out, x):
    """The derivative of cos(x) is -sin(x)."""
    ### BEGIN SOLUTION
    return -grad * np.sin(x)
    ### END SOLUTION


@derivative(np.abs)
def abs_x(grad, out, x):
    """The derivative of abs(x) is the sign of x, and 0 at 0."""
    ### BEGIN SOLUTION
    return grad * (x > 0) - grad * (x < 0)
    ### END SOLUTION


# %% checks="rules-of-waves" points=2
_grad, _x = np.array([3.0, 2.0, 1.0]), np.array([0.0, np.pi / 2, np.pi])
check(sin_x(_grad, np.sin(_x), _x), [3.0, 0.0, -1.0], hint="grad * cos(x)")
check(cos_x(_grad, np.cos(_x), _x), [0.0, -2.0, 0.0], hint="-grad * sin(x)")
_x = np.array([5.0, -5.0, 0.0])
check(abs_x(_grad, np.abs(_x), _x), [3.0, -2.0, 0.0], hint="1, -1, and 0 at 0, times grad")


### BEGIN HIDDEN TESTS
@observe(grad=normal(3, 2), x=normal(3, 2))
def gradient_of_a_sine(autograd, grad, x):
    """cos(x) times the gradient; by its name and through the table."""
    out = np.sin(x)
    return autograd.sin_x(grad, out, x), autograd.RULES[np.sin][0](grad, out, x)


@observe(grad=normal(3, 2), x=normal(3, 2))
def gradient_of_a_cosine(autograd, grad, x):
    """-sin(x) times the gradient; by its name and through the table."""
    out = np.cos(x)
    return autograd.cos_x(grad, out, x), autograd.RULES[np.cos][0](grad, out, x)


@observe(grad=normal(5), x=normal(4))
def gradient_of_an_absolute_value_which_is_zero_at_zero(autograd, grad, x):
    """The sign of x times the gradient; by its name and through the table."""
    x = np.array([*x, 0.0])
    out = np.abs(x)
    return autograd.abs_x(grad, out, x), autograd.RULES[np.abs][0](grad, out, x)


@observe(grad=normal(3, dtype="float32"), x=normal(3, dtype="float32"))
def waves_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    before = [a.copy() for a in (grad, x)]
    rules = [(autograd.sin_x, np.sin), (autograd.cos_x, np.cos), (autograd.abs_x, np.abs)]
    found = [rule(grad, function(x), x) for rule, function in rules]
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, x), strict=True))
    return found, [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 18: activations

The three activations of module 2. `relu` is $x$ where $x > 0$ and 0 elsewhere, so its slope is 1 or 0; at the
corner it is 0, as in PyTorch.

For the other two, write the derivative with the output. With $s = \frac{1}{1 + e^{-x}}$:

$$\frac{ds}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2} = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}}
\qquad\text{and}\qquad \frac{e^{-x}}{1 + e^{-x}} = 1 - \frac{1}{1 + e^{-x}},$$

and with $t = \tanh x = \frac{\sinh x}{\cosh x}$, by the rule for quotients,

$$\frac{dt}{dx} = \frac{\cosh^2 x - \sinh^2 x}{\cosh^2 x} = 1 - \left(\frac{\sinh x}{\cosh x}\right)^2 .$$

At $x = 0$: $s = 0.5$ and its slope is 0.25; $t = 0$ and its slope is 1. Far from 0 both slopes vanish: at
$x = 10$ the sigmoid's is 0.000045. A deep network of sigmoids multiplies such factors layer by layer, which
is why `relu` took over.
"""


# %% exercise="rules-of-activations"
#| export
@derivative(activations.relu)
def relu_x(grad, out, x):
    """The derivative of relu(x) is 1 where x is positive, else 0; also at 0."""
    ### BEGIN SOLUTION
    return grad * (x > 0)
    ### END SOLUTION


@derivative(activations.sigmoid)
def sigmoid_x(grad, out, x):
    """The gradient by x of sigmoid(x), from its output alone."""
    ### BEGIN SOLUTION
    return grad * out * (1 - out)
    ### END SOLUTION


@derivative(np.tanh)
def tanh_x(grad, out, x):
    """The gradient by x of tanh(x), from its output alone."""
    ### BEGIN SOLUTION
    return grad * (1 - out * out)
    ### END SOLUTION


# %% checks="rules-of-activations" points=2
_grad, _x = np.array([3.0, 2.0, 1.0]), np.array([5.0, -5.0, 0.0])
check(relu_x(_grad, np.maximum(_x, 0), _x), [3.0, 0.0, 0.0], hint="1 where x > 0, 0 also at 0")
check(sigmoid_x(_grad, np.array([0.5, 0.9, 0.1]), _x), [0.75, 0.18, 0.09], hint="s (1 - s)")
check(tanh_x(_grad, np.array([0.5, 0.9, 0.0]), _x), [2.25, 0.38, 1.0], hint="1 - t²")
_float32 = _grad.astype(np.float32)
check(
    str(relu_x(_float32, _float32, _float32).dtype),
    "float32",
    hint="np.where(x > 0, 1, 0) is an integer array and turns float32 into float64; use (x > 0)",
)


### BEGIN HIDDEN TESTS
@observe(grad=normal(5), x=uniform(2, low=0.01, high=1.0), y=uniform(2, low=1.0, high=5.0))
def gradient_of_relu_which_is_zero_at_zero(autograd, grad, x, y):
    """1 or 0 times the gradient; by its name and through the table."""
    x = np.array([x[0], -x[1], y[0], -y[1], 0.0])
    out = np.maximum(x, 0)
    rule = autograd.RULES[autograd.activations.relu][0]
    return autograd.relu_x(grad, out, x), rule(grad, out, x)


@observe(grad=normal(3, 2), x=normal(3, 2))
def gradient_of_the_sigmoid(autograd, grad, x):
    """s (1 - s) times the gradient; by its name and through the table."""
    out = 1 / (1 + np.exp(-x))
    rule = autograd.RULES[autograd.activations.sigmoid][0]
    return autograd.sigmoid_x(grad, out, x), rule(grad, out, x)


@observe(grad=normal(3, 2), x=normal(3, 2))
def gradient_of_the_hyperbolic_tangent(autograd, grad, x):
    """1 - t² times the gradient; by its name and through the table."""
    out = np.tanh(x)
    return autograd.tanh_x(grad, out, x), autograd.RULES[np.tanh][0](grad, out, x)


@observe(grad=normal(3, dtype="float32"), x=normal(3, dtype="float32"))
def activations_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    out = np.tanh(x)
    before = [a.copy() for a in (grad, out, x)]
    rules = autograd.relu_x, autograd.sigmoid_x, autograd.tanh_x
    found = [rule(grad, out, x) for rule in rules]
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, out, x), strict=True))
    return found, [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 19: sums and means

A reduction is broadcasting the other way round. In $\text{out} = \sum_i x_i$ each $x_i$ counts once, so each
gets the whole gradient; in a mean of $n$ elements each counts $\frac{1}{n}$:

$$\frac{\partial L}{\partial x_i} = \texttt{grad} \cdot 1, \qquad \frac{\partial L}{\partial x_i} = \texttt{grad} \cdot \frac{1}{n}.$$

The work is in the shapes. Sum $x$ of shape `(2, 3)` over axis 1: `out` and `grad` have the shape `(2,)`, and
the gradient of row $i$ is $\texttt{grad}_i$, three times. But `(2,)` does not broadcast to `(2, 3)`; `(2, 1)`
would. So the lost axes have to be given back first, with length 1:

$$\texttt{grad} = (7, 8) \quad\to\quad \begin{pmatrix} 7 \\ 8 \end{pmatrix} \quad\to\quad
\begin{pmatrix} 7 & 7 & 7 \\ 8 & 8 & 8 \end{pmatrix}.$$

The given function `restore_axes` does the first step, for an `axis` that is None, an integer (negative ones
count from the end) or a tuple; what was reduced with `keepdims` has its axes already, and stays as it is. Yours is the second. These rules must return
the **full shape** of `x`: the engine sums what is too large, but it cannot know how to repeat what is too
small.

<details>
<summary>Hint: how many elements went into each mean</summary>

`x` has `x.size` elements, and `out` has `out.size`. Each element of `out` is the mean of equally many.

</details>

<details>
<summary>Hint: repeat to the shape of x, and stay in float32</summary>

Multiply with `np.ones(x.shape, x.dtype)`; `np.ones(x.shape)` alone is float64. (`np.broadcast_to` would be right for
arrays, but is no operator, and does not take variables.)

</details>
"""


# %%
#| export
def restore_axes(reduced, x, axis):
    """Give the result of a reduction of `x` its lost axes back, each with length 1."""
    if axis is None:
        return reduced
    axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


# %% exercise="rules-of-reductions"
#| export
@derivative(np.sum)
def sum_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 times itself to its sum; returns the shape of x."""
    ### BEGIN SOLUTION
    return restore_axes(grad, x, axis) * np.ones(x.shape, x.dtype)
    ### END SOLUTION


@derivative(np.mean)
def mean_x(grad, out, x, axis=None, keepdims=False):
    """Every element of x adds 1 / n times itself to its mean of n; if x is empty, nothing fails."""
    ### BEGIN SOLUTION
    return sum_x(grad, out, x, axis) * (out.size / max(x.size, 1))
    ### END SOLUTION


# %% checks="rules-of-reductions" points=3
_x, _grad = np.zeros((2, 3)), np.array([7.0, 8.0])
check(
    sum_x(_grad, _x.sum(axis=1), _x, axis=1),
    [[7.0, 7.0, 7.0], [8.0, 8.0, 8.0]],
    hint="restore_axes makes (2, 1) of (2,); then repeat it to the shape of x",
)
check(
    mean_x(_grad, _x.mean(axis=-1), _x, axis=-1) * 3,
    [[7.0, 7.0, 7.0], [8.0, 8.0, 8.0]],
    hint="each element counts 1 / 3 of its mean",
)
check(
    mean_x(np.array(6.0), _x.mean(), _x),
    np.full((2, 3), 1.0),
    hint="without an axis, each of the six elements counts 1 / 6; return the full shape of x",
)
check(
    sum_x(np.array([[1.0], [2.0]]), _x.sum(1, keepdims=True), _x, axis=1, keepdims=True),
    [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]],
    hint="with keepdims, grad has the axes already; restore_axes leaves it as it is",
)
_x = np.zeros((2, 3), dtype=np.float32)
check(str(sum_x(_x.sum(1), _x.sum(1), _x, 1).dtype), "float32", hint="np.ones(x.shape, x.dtype)")
_v = Variable(_x)
check(
    type(sum_x(_v.sum(1), _v.sum(1), _v, 1)).__name__,
    "Variable",
    hint="times np.ones(x.shape, x.dtype); np.broadcast_to does not take variables",
)
check(type(mean_x(_v.sum(1), _v.sum(1), _v, 1)).__name__, "Variable", hint="as in sum_x")
### BEGIN HIDDEN TESTS
REDUCTIONS = [None, 0, 1, -1, -2, (0, 2), (-1, 0), (0, 1, 2)]


def reduced_in_every_way(rule, function, x, seeds):
    """A rule's answer for each axis, with and without keepdims, with a random gradient."""
    answers = []
    for axis in REDUCTIONS:
        for keepdims in (False, True):
            out = np.asarray(function(x, axis=axis, keepdims=keepdims))
            grad = seeds.flat[: out.size].reshape(out.shape)
            answers.append(np.array(rule(grad, out, x, axis=axis, keepdims=keepdims)))
    return answers


@observe(grad=normal(2), x=normal(2, 3))
def gradient_of_a_sum_over_the_last_axis(autograd, grad, x):
    """The gradient of each row, repeated."""
    return np.array(autograd.sum_x(grad, x.sum(axis=1), x, axis=1))


@observe(grad=normal(3), x=normal(2, 3))
def gradient_of_a_mean_over_the_first_axis(autograd, grad, x):
    """The gradient of each column, divided by the number of rows."""
    return np.array(autograd.mean_x(grad, x.mean(axis=0), x, axis=0))


@observe(seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_sums_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd.sum_x, np.sum, x, seeds)


@observe(seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_means_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd.mean_x, np.mean, x, seeds)


@observe(grad=normal(3), x=normal(2, 3), one=normal(1))
def gradients_of_means_of_one_element_and_of_none(autograd, grad, x, one):
    """A mean of one element is that element; an array without elements has an empty gradient."""
    with np.errstate(all="ignore"):
        empty = autograd.mean_x(grad, 0 * grad, x[:0], axis=0)
    single = autograd.mean_x(np.array(grad[0]), one.mean(), one)
    rows = autograd.mean_x(grad[:2], x[:, :1].mean(axis=1), x[:, :1], axis=1)
    return np.array(single), np.array(rows), np.array(empty)


@observe(grad=normal(3, dtype="float32"), x=normal(2, 3, dtype="float32"))
def sums_and_means_in_float32_through_the_table(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    before, out = grad.copy(), x.sum(axis=0)
    found = [autograd.RULES[f][0](grad, out, x, axis=0) for f in (np.sum, np.mean)]
    dtypes = [str(g.dtype) for g in found]
    return [np.array(g) for g in found], dtypes, bool(np.array_equal(before, grad))


### END HIDDEN TESTS

# %% [markdown]
r"""
Module 1 has one reduction more, the variance, which is the mean of the squared distances from the mean $\mu$.
Its derivative is $\frac{\partial}{\partial x_i} \frac{1}{n} \sum_j (x_j - \mu)^2 = \frac{2}{n} (x_i - \mu)$: what the
squares give through $\mu$ sums to zero, because the distances do. So your rule of the mean does most of it:
"""


# %%
#| export
@derivative(np.var)
def var_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a variance of n elements by one of them is 2 (x - mean) / n."""
    mean = x.mean(axis=axis, keepdims=True)
    return mean_x(grad, out, x, axis, keepdims) * 2 * (x - mean)


# %% [markdown]
r"""
#### Exercise 20: the maximum

In $\text{out} = \max_i x_i$ only the largest element matters: if it grows by a little, so does the maximum,
and a little change of the others changes nothing. Its derivative is 1, that of the others 0:

$$x = (2, 9, 4), \quad \texttt{grad} = 6 \qquad\Rightarrow\qquad (0, 6, 0).$$

With a **tie**, $x = (9, 2, 9)$, there is a corner again. The whole gradient to both would count it twice; all
of it to the first would depend on the order of the elements. We share it equally, $(3, 0, 3)$, as PyTorch's
`amax` does. A minimum is the same with the smallest element, so one rule serves both: it looks for the places
where $x$ equals `out`.

Ties are not rare: the maximum of a patch of an image after `relu` is often a tie of zeros.

<details>
<summary>Hint: places, shares, dtype</summary>

`x == restore_axes(out, x, axis)` is True at the extreme values. As numbers of the dtype of `x`
(`.astype`), divided by their own sum along `axis` (with `keepdims=True`, so that it broadcasts), they are the
shares.

</details>
"""


# %% exercise="rule-of-the-maximum"
#| export
@derivative(np.max)
@derivative(np.min)
def max_x(grad, out, x, axis=None, keepdims=False):
    """The derivative of a maximum (or minimum) is 1 at its place, else 0; ties share equally.

    Approach
    --------
    1. Find the places where `x` equals `out`, whose lost axes have to be restored first.
    2. Make shares of them: 1 where there is one such place along the axis, 1/2 for two …
    3. Multiply with the gradient, whose lost axes have to be restored as well.
    """
    ### BEGIN SOLUTION
    at_extreme = (x == restore_axes(out, x, axis)).astype(x.dtype)
    share = at_extreme / at_extreme.sum(axis=axis, keepdims=True)
    return restore_axes(grad, x, axis) * share
    ### END SOLUTION


# %% checks="rule-of-the-maximum" points=2
_x = np.array([[2.0, 9.0, 4.0], [9.0, 2.0, 9.0]])
_grad = np.array([6.0, 10.0])
check(
    max_x(_grad, _x.max(axis=1), _x, axis=1),
    [[0.0, 6.0, 0.0], [5.0, 0.0, 5.0]],
    hint="the gradient goes to the largest element of each row; a tie shares it equally",
)
check(
    max_x(_grad, _x.min(axis=1), _x, axis=1),
    [[6.0, 0.0, 0.0], [0.0, 10.0, 0.0]],
    hint="out says what was taken: for a minimum the smallest",
)
check(max_x(np.array(6.0), _x.max(), _x) * 3, 6.0 * (_x == 9), hint="without an axis: one maximum")


### BEGIN HIDDEN TESTS
@observe(grad=normal(3), x=normal(3, 5))
def gradient_of_the_largest_of_each_row(autograd, grad, x):
    """To its place, and nowhere else."""
    return autograd.max_x(grad, x.max(axis=1), x, axis=1)


@observe(grad=normal(4), x=integers(3, 4, low=0, high=3))
def ties_share_the_gradient_equally(autograd, grad, x):
    """For maxima and minima, along an axis and over everything."""
    x = x.astype("float64")
    return [
        autograd.max_x(grad, x.max(axis=0), x, axis=0),
        autograd.max_x(grad, x.min(axis=0), x, axis=0),
        autograd.max_x(grad[0], x.max(), x),
        autograd.max_x(grad[:1], x.min(keepdims=True), x, keepdims=True),
    ]


@observe(seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_maxima_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd.max_x, np.max, x, seeds)


@observe(grad=normal(2, dtype="float32"), x=normal(2, 3, dtype="float32"))
def maxima_and_minima_in_float32_through_the_table(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    before = grad.copy(), x.copy()
    found = [autograd.RULES[f][0](grad, f(x, axis=1), x, axis=1) for f in (np.max, np.min)]
    same = np.array_equal(before[0], grad) and np.array_equal(before[1], x)
    return found, [str(g.dtype) for g in found], bool(same)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 21: the matrix product

Most of the arithmetic of a network is here. For matrices, $\text{out}_{ik} = \sum_j x_{ij}\, y_{jk}$. An
element $x_{ij}$ takes part in all elements of row $i$ of `out`, with the factors $y_{jk}$. Sum over all
paths:

$$\frac{\partial L}{\partial x_{ij}} = \sum_k \texttt{grad}_{ik}\; y_{jk}, \qquad\qquad
\frac{\partial L}{\partial y_{jk}} = \sum_i \texttt{grad}_{ik}\; x_{ij}.$$

Read as matrices: in the first sum $k$ is the second index of both factors, so it is a product with a
transposed $y$; in the second sum $i$ is the first index of both, so it is a product with a transposed $x$.
The shapes leave hardly a choice. With $x$ of shape `(2, 3)` and $y$ of shape `(3, 4)`, `grad` has `(2, 4)`;
to get `(2, 3)` from `(2, 4)` and `(3, 4)` there is one way.

In numbers: $x = \begin{pmatrix} 1 & 2 \end{pmatrix}$, $y = \begin{pmatrix} 3 & 5 \\ 4 & 6 \end{pmatrix}$, so
$\text{out} = \begin{pmatrix} 11 & 17 \end{pmatrix}$. With
$\texttt{grad} = \begin{pmatrix} 1 & 10 \end{pmatrix}$:

$$\frac{\partial L}{\partial x} = \begin{pmatrix} 1 \cdot 3 + 10 \cdot 5 & 1 \cdot 4 + 10 \cdot 6 \end{pmatrix} = \begin{pmatrix} 53 & 64 \end{pmatrix},
\qquad \frac{\partial L}{\partial y} = \begin{pmatrix} 1 \cdot 1 & 1 \cdot 10 \\ 2 \cdot 1 & 2 \cdot 10 \end{pmatrix}.$$

Three complications, all from `np.matmul`:

- **Stacks.** Arrays with more than two axes are stacks of matrices: `(5, 2, 3) @ (5, 3, 4)`. Transposing then
  means to exchange the last two axes only, which the given `swap` does. Stacks broadcast too; the engine sums
  that, as always.
- **A vector on the right** is a column whose length-1 axis is dropped: `(2, 3) @ (3,)` gives `(2,)`. Put the
  axis back, `grad[..., None]`, and a matrix product (or here simply a product with broadcasting) does it.
- **A vector on the left** is a row: `(3,) @ (3, 4)` gives `(4,)`. Its missing axis is the second to last,
  `grad[..., None, :]`. The gradient by it may come out with axes in front, `(1, 3)`: the engine sums them.

| x | y | out | gradient by x | gradient by y |
| --- | --- | --- | --- | --- |
| `(2, 3)` | `(3, 4)` | `(2, 4)` | `(2, 4)` with `(3, 4)` | `(2, 3)` with `(2, 4)` |
| `(2, 3)` | `(3,)` | `(2,)` | `(2, 1)` with `(3,)` | `(2, 3)` with `(2, 1)` |
| `(3,)` | `(3, 4)` | `(4,)` | `(1, 4)` with `(3, 4)` | `(3, 1)` with `(1, 4)` |
| `(3,)` | `(3,)` | `()` | a number with `(3,)` | `(3,)` with a number |

<details>
<summary>Hint: in which order to treat the cases</summary>

In `matmul_x`, first the vector on the right: `grad[..., None]` times `y`, with broadcasting, is right
whatever `x` is. Then, if `x` is a vector, give `grad` its axis; what follows is the case of matrices. In
`matmul_y` begin with the vector on the left.

</details>
"""


# %%
#| export
def swap(x):
    """A matrix, or a stack of them, with its last two axes exchanged."""
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


# %% exercise="rules-of-the-matrix-product"
#| export
@derivative(np.matmul, 0)
def matmul_x(grad, out, x, y):
    """The gradient of x @ y by x; a vector y is a column, a vector x a row."""
    ### BEGIN SOLUTION
    if y.ndim == 1:
        return grad[..., None] * y
    if x.ndim == 1:
        grad = grad[..., None, :]
    return grad @ swap(y)
    ### END SOLUTION


@derivative(np.matmul, 1)
def matmul_y(grad, out, x, y):
    """The gradient of x @ y by y; a vector y is a column, a vector x a row."""
    ### BEGIN SOLUTION
    if x.ndim == 1:
        return x * grad if y.ndim == 1 else x[:, None] * grad[..., None, :]
    if y.ndim == 1:
        return (swap(x) @ grad[..., None])[..., 0]
    return swap(x) @ grad
    ### END SOLUTION


# %% checks="rules-of-the-matrix-product" points=3
_x, _y = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0], [4.0, 6.0]])
_grad = np.array([[1.0, 10.0]])
check(matmul_x(_grad, _x @ _y, _x, _y), [[53.0, 64.0]], hint="grad @ the transpose of y")
check(matmul_y(_grad, _x @ _y, _x, _y), [[1, 10], [2, 20]], hint="the transpose of x @ grad")
_stack = np.arange(8.0).reshape(2, 2, 2), np.ones((2, 2, 1))
check(
    matmul_y(np.ones((2, 2, 1)), np.matmul(*_stack), *_stack),
    [[[2.0], [4.0]], [[10.0], [12.0]]],
    hint="swap() exchanges the last two axes; .T would reverse all three",
)
_v = np.array([1.0, 2.0])
check(matmul_x(_v, _y @ _v, _y, _v), [[1.0, 2.0], [2.0, 4.0]], hint="a vector y is a column")
check(matmul_y(_v, _y @ _v, _y, _v), [11.0, 17.0], hint="a vector y is a column")
check(unbroadcast(matmul_x(_v, _v @ _y, _v, _y), (2,)), [13.0, 16.0], hint="x is a row")
check(matmul_y(_v, _v @ _y, _v, _y), [[1.0, 2.0], [2.0, 4.0]], hint="a vector x is a row")
check(matmul_x(np.array(3.0), _v @ _v, _v, _v), [3.0, 6.0], hint="two vectors: grad times y")
check(matmul_y(np.array(3.0), _v @ _v, _v, _v), [3.0, 6.0], hint="two vectors: grad times x")


### BEGIN HIDDEN TESTS
def folded(gradient, shape):
    """What the engine makes of a gradient with too many axes; here without the engine."""
    gradient = np.asarray(gradient)
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


def both_gradients(rules, grad, x, y):
    out = x @ y
    return [folded(rule(grad, out, x, y), v.shape) for rule, v in zip(rules, (x, y), strict=True)]


@observe(grad=normal(2, 4), x=normal(2, 3), y=normal(3, 4))
def gradients_of_a_product_of_matrices(autograd, grad, x, y):
    """The left factor's gradient, and the right one's."""
    return both_gradients([autograd.matmul_x, autograd.matmul_y], grad, x, y)


@observe(grad=normal(5, 2, 4), x=normal(5, 2, 3), y=normal(3, 4), z=normal(1, 3, 4))
def gradients_of_products_of_stacks(autograd, grad, x, y, z):
    """A stack with a stack of the same length, of length 1, and with a single matrix."""
    rules = [autograd.matmul_x, autograd.matmul_y]
    return [both_gradients(rules, grad, x, other) for other in (np.stack([y] * 5), z, y)]


@observe(grad=normal(2), x=normal(2, 3), y=normal(3), stack=normal(5, 2, 3), more=normal(5, 2))
def gradients_with_a_vector_on_the_right(autograd, grad, x, y, stack, more):
    """A matrix times a vector, and a stack of matrices times a vector."""
    rules = [autograd.matmul_x, autograd.matmul_y]
    return both_gradients(rules, grad, x, y), both_gradients(rules, more, stack, y)


@observe(grad=normal(4), x=normal(3), y=normal(3, 4), stack=normal(5, 3, 4), more=normal(5, 4))
def gradients_with_a_vector_on_the_left(autograd, grad, x, y, stack, more):
    """A vector times a matrix, and a vector times a stack of matrices."""
    rules = [autograd.matmul_x, autograd.matmul_y]
    return both_gradients(rules, grad, x, y), both_gradients(rules, more, x, stack)


@observe(grad=normal(), x=normal(3), y=normal(3))
def gradients_of_a_product_of_two_vectors(autograd, grad, x, y):
    """The result is a single number."""
    return both_gradients([autograd.matmul_x, autograd.matmul_y], np.array(grad), x, y)


@observe(
    grad=normal(2, 4, dtype="float32"),
    x=normal(2, 3, dtype="float32"),
    y=normal(3, 4, dtype="float32"),
)
def matrix_products_in_float32_through_the_table(autograd, grad, x, y):
    """float32 stays float32, also with vectors, and nothing that was given is changed."""
    before = [a.copy() for a in (grad, x, y)]
    rules, found, dtypes = autograd.RULES[np.matmul], [], []
    for a, b in ((x, y), (x[0], y), (x, y[:, 0]), (x[0], y[:, 0])):  # a matrix or a vector each
        out = a @ b
        gradients = [rules[i](np.resize(grad, out.shape), out, a, b) for i in (0, 1)]
        dtypes += [str(g.dtype) for g in gradients]
        found += [folded(g, v.shape) for g, v in zip(gradients, (a, b), strict=True)]
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, x, y), strict=True))
    return found, dtypes, same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 22: the linear layer

`Dense` of module 3 calls `apply(linear, x, weights, bias)`: the product and the sum are one function, so that
one note is taken and not two, and the product without the bias is never kept. Its rules are put together from
ones that you have:

$$\text{out} = x W + b \quad\Rightarrow\quad \frac{\partial\,\text{out}}{\partial (xW)} = 1, \quad \frac{\partial\,\text{out}}{\partial b} = 1 .$$

So by $x$ and by $W$ it is what the rules of the matrix product say, and by $b$ it is the rule of a sum: call those.
Then $x$ may be a batch or, as in module 3, a single example of shape `(features,)`, and you need not tell them apart. The
bias was broadcast over the batch; who sums its gradient?
"""


# %% exercise="rules-of-the-linear-layer"
#| export
@derivative(layers.linear, 0)
def linear_x(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by x."""
    ### BEGIN SOLUTION
    return matmul_x(grad, out, x, weights)
    ### END SOLUTION


@derivative(layers.linear, 1)
def linear_weights(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the weights."""
    ### BEGIN SOLUTION
    return matmul_y(grad, out, x, weights)
    ### END SOLUTION


@derivative(layers.linear, 2)
def linear_bias(grad, out, x, weights, bias):
    """The gradient of x @ weights + bias by the bias: the engine sums it over the batch."""
    ### BEGIN SOLUTION
    return grad
    ### END SOLUTION


# %% checks="rules-of-the-linear-layer" points=2
_x, _w, _b = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0], [4.0, 6.0]]), np.array([7.0, 8.0])
_grad = np.array([[1.0, 10.0]])
check(linear_x(_grad, _x @ _w + _b, _x, _w, _b), [[53.0, 64.0]], hint="as matmul_x")
check(linear_weights(_grad, _x @ _w + _b, _x, _w, _b), [[1, 10], [2, 20]], hint="as matmul_y")
check(
    unbroadcast(np.asarray(linear_bias(_grad, _x @ _w + _b, _x, _w, _b)), (2,)),
    [1.0, 10.0],
    hint="as add_y: hand grad on",
)
_x, _grad = np.array([1.0, 2.0]), np.array([1.0, 10.0])
_one = "one example, not a batch: call matmul_x, matmul_y and add_y, which take that too"
check(unbroadcast(linear_x(_grad, _x @ _w + _b, _x, _w, _b), (2,)), [53.0, 64.0], hint=_one)
check(linear_weights(_grad, _x @ _w + _b, _x, _w, _b), [[1, 10], [2, 20]], hint=_one)
check(linear_bias(_grad, _x @ _w + _b, _x, _w, _b), [1.0, 10.0], hint=_one)


### BEGIN HIDDEN TESTS
def gradient_of_linear(autograd, position, grad, x, weights, bias):
    rule = autograd.RULES[autograd.layers.linear][position]
    shape = (x, weights, bias)[position].shape
    return folded(rule(grad, x @ weights + bias, x, weights, bias), shape)


@observe(grad=normal(5, 2), x=normal(5, 3), w=normal(3, 2), b=normal(2))
def gradient_of_the_linear_layer_by_its_input(autograd, grad, x, w, b):
    """For a batch, and for a single example."""
    batch = gradient_of_linear(autograd, 0, grad, x, w, b)
    return batch, gradient_of_linear(autograd, 0, grad[0], x[0], w, b)


@observe(grad=normal(5, 2), x=normal(5, 3), w=normal(3, 2), b=normal(2))
def gradient_of_the_linear_layer_by_its_weights(autograd, grad, x, w, b):
    """For a batch, and for a single example."""
    batch = gradient_of_linear(autograd, 1, grad, x, w, b)
    return batch, gradient_of_linear(autograd, 1, grad[0], x[0], w, b)


@observe(grad=normal(5, 2), x=normal(5, 3), w=normal(3, 2), b=normal(2))
def gradient_of_the_linear_layer_by_its_bias(autograd, grad, x, w, b):
    """For a batch, and for a single example, beside the other two gradients."""
    batch = [gradient_of_linear(autograd, i, grad, x, w, b) for i in range(3)]
    return batch, gradient_of_linear(autograd, 2, grad[0], x[0], w, b)


@observe(
    grad=normal(5, 2, dtype="float32"),
    x=normal(5, 3, dtype="float32"),
    w=normal(3, 2, dtype="float32"),
)
def linear_layers_in_float32(autograd, grad, x, w):
    """float32 stays float32, and nothing that was given is changed."""
    before = [a.copy() for a in (grad, x, w)]
    rules = autograd.linear_x, autograd.linear_weights, autograd.linear_bias
    found = [rule(grad, x @ w + grad[0], x, w, grad[0]) for rule in rules]
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, x, w), strict=True))
    return found[:2], [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 23: softmax

The first function in this module in which every output depends on every input along the axis:
$p_i = e^{x_i} / \sum_k e^{x_k}$. With the quotient rule,

$$\frac{\partial p_i}{\partial x_j} = \begin{cases} p_i (1 - p_i) & i = j \\ -p_i\, p_j & i \ne j \end{cases}
\qquad\text{or in one line}\qquad \frac{\partial p_i}{\partial x_j} = p_j\,(\delta_{ij} - p_i).$$

For $n$ classes that is a matrix of $n^2$ numbers for each example, and it never has to be built. Sum over the
paths:

$$\frac{\partial L}{\partial x_j} = \sum_i \texttt{grad}_i\; p_j\,(\delta_{ij} - p_i)
= p_j \Big( \texttt{grad}_j - \sum_i \texttt{grad}_i\, p_i \Big).$$

In numbers: $p = (0.2, 0.3, 0.5)$, $\texttt{grad} = (1, 2, 4)$. The sum is $0.2 + 0.6 + 2 = 2.8$, and the
gradient $(0.2 \cdot (1 - 2.8),\ 0.3 \cdot (2 - 2.8),\ 0.5 \cdot (4 - 2.8)) = (-0.36, -0.24, 0.6)$. It adds up
to 0, always: adding the same to all $x$ does not change $p$.

For the logarithm, $\ell_i = \log p_i = x_i - \log \sum_k e^{x_k}$, so
$\frac{\partial \ell_i}{\partial x_j} = \delta_{ij} - p_j$, and

$$\frac{\partial L}{\partial x_j} = \sum_i \texttt{grad}_i\,(\delta_{ij} - p_j) = \texttt{grad}_j - p_j \sum_i \texttt{grad}_i .$$

Here `out` is $\ell$, not $p$; $p$ is not far away.

The sums go along `axis`, for each row (or column) by itself, and have to keep the axis to broadcast again.
"""


# %% exercise="rules-of-softmax"
#| export
@derivative(activations.softmax)
def softmax_x(grad, out, x, axis=-1):
    """The gradient of softmax(x) along an axis by x, from the output alone; the shape of x."""
    ### BEGIN SOLUTION
    return out * (grad - (grad * out).sum(axis=axis, keepdims=True))
    ### END SOLUTION


@derivative(activations.log_softmax)
def log_softmax_x(grad, out, x, axis=-1):
    """The gradient of log_softmax(x) along an axis by x, from the output alone; the shape of x."""
    ### BEGIN SOLUTION
    return grad - np.exp(out) * grad.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% checks="rules-of-softmax" points=2
_p, _grad = np.array([0.2, 0.3, 0.5]), np.array([1.0, 2.0, 4.0])
check(softmax_x(_grad, _p, np.log(_p)), [-0.36, -0.24, 0.6], hint="p (grad - sum of grad p)")
check(log_softmax_x(_grad, np.log(_p), np.log(_p)), [-0.4, -0.1, 0.5], hint="p is exp(out)")
_p, _grad = np.array([[0.2, 0.3], [0.8, 0.7]]), np.array([[1.0, 2.0], [3.0, 5.0]])
check(
    softmax_x(_grad, _p, np.log(_p), axis=0),
    [[-0.32, -0.63], [0.32, 0.63]],
    hint="sum along the given axis, with keepdims=True",
)
check(
    log_softmax_x(_grad, np.log(_p), np.log(_p), axis=0),
    [[0.2, -0.1], [-0.2, 0.1]],
    hint="sum along the given axis, with keepdims=True",
)


### BEGIN HIDDEN TESTS
def probabilities(x, axis):
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


@observe(grad=normal(3, 4), x=normal(3, 4))
def gradient_of_softmax_along_the_last_axis(autograd, grad, x):
    """By its name, without an axis, and through the table with one."""
    out = probabilities(x, -1)
    rule = autograd.RULES[autograd.activations.softmax][0]
    return autograd.softmax_x(grad, out, x), rule(grad, out, x, axis=1)


@observe(grad=normal(3, 4, 2), x=normal(3, 4, 2))
def gradient_of_softmax_along_other_axes(autograd, grad, x):
    """The first axis, and the one in the middle."""
    return [autograd.softmax_x(grad, probabilities(x, a), x, axis=a) for a in (0, 1, -2)]


@observe(grad=normal(3, 4), x=normal(3, 4))
def gradient_of_log_softmax_along_the_last_axis(autograd, grad, x):
    """By its name, without an axis, and through the table with one."""
    out = np.log(probabilities(x, -1))
    rule = autograd.RULES[autograd.activations.log_softmax][0]
    return autograd.log_softmax_x(grad, out, x), rule(grad, out, x, axis=1)


@observe(grad=normal(3, 4, 2), x=normal(3, 4, 2))
def gradient_of_log_softmax_along_other_axes(autograd, grad, x):
    """The first axis, and the one in the middle."""
    outs = [(a, np.log(probabilities(x, a))) for a in (0, 1, -2)]
    return [autograd.log_softmax_x(grad, out, x, axis=a) for a, out in outs]


@observe(grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def softmax_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    out = probabilities(x, -1)
    before = [a.copy() for a in (grad, out, x)]
    found = autograd.softmax_x(grad, out, x), autograd.log_softmax_x(grad, np.log(out), x)
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, out, x), strict=True))
    return found, [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 24: arrangement

`reshape`, `transpose` and indexing move numbers about and change none of them. So each gradient has to be
moved back to the place that its number came from.

- `reshape`: the gradient takes the shape of `x` again.
- `transpose`: `out` has the axes of `x` in another order, and the gradient needs the inverse order. If
  `axes = (2, 0, 1)`, then axis 0 of `out` is axis 2 of `x`, axis 1 is axis 0, axis 2 is axis 1. Back: axis 0
  of `x` is axis 1 of `out`, axis 1 is axis 2, axis 2 is axis 0, that is `(1, 2, 0)`. `np.argsort(axes)` gives
  just that: the place where each number stands. Axes may be negative, −1 for the last, so make them positive
  first (`np.array(axes) % x.ndim`). Without `axes` the order was reversed, and reversing again brings it
  back. Write it as a method, `grad.transpose(*order)`.
- `getitem`, that is `x[index]`: start from zeros in the shape of `x`, and put the gradient at `index`. Write
  that as a function of its own, `scatter`, a pure function of arrays like all others; the rule then calls it
  with `through(scatter, grad, shape=…, index=…)`. (`through`, given, calls a function on arrays, and records
  it if there are variables among its inputs: that is how rules remain usable when the way back is itself
  recorded.)

`scatter` has a trap. An index may name the same element twice, and then the element was *used* twice, so both
gradients have to be added. Numpy's `+=` does not do that:
"""

# %%
gradient = np.zeros(3)
gradient[[0, 0, 2]] += np.array([1.0, 10.0, 100.0])
print("with +=:       ", gradient, " instead of [11, 0, 100]")

gradient = np.zeros(3)
np.add.at(gradient, [0, 0, 2], np.array([1.0, 10.0, 100.0]))
print("with np.add.at:", gradient)

# %% [markdown]
r"""
`np.add.at` goes through the elements one by one and takes some ten times as long as `out[index] = x`. Where an
index cannot name an element twice (whole numbers, slices, booleans; the given `takes_each_once` tells), the
simple assignment will do.
"""


# %%
#| export
def through(function: Callable, *inputs, **parameters):
    """Call a function of arrays; if there is a variable among its inputs, record it."""
    if any(isinstance(x, Variable) for x in inputs):
        return record(function, *inputs, **parameters)
    return function(*inputs, **parameters)


def takes_each_once(index) -> bool:
    """Whether an index cannot name an element twice, as lists of whole numbers can."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(p, plain) or np.asarray(p).dtype == bool for p in parts)


# %% exercise="rules-of-arrangement"
#| export
@derivative(np.reshape)
def reshape_x(grad, out, x, shape):
    """The elements go back to their places in the shape of x."""
    ### BEGIN SOLUTION
    return grad.reshape(x.shape)
    ### END SOLUTION


@derivative(np.transpose)
def transpose_x(grad, out, x, axes=None):
    """The axes go back in the inverse order; `axes` may be negative, and None reverses them."""
    ### BEGIN SOLUTION
    if axes is None:
        return grad.transpose()
    return grad.transpose(np.argsort(np.array(axes) % x.ndim).tolist())
    ### END SOLUTION


def scatter(x: np.ndarray, shape: tuple[int, ...], index) -> np.ndarray:
    """Zeros of the given shape and the dtype of `x`, with `x` added at `index`."""
    ### BEGIN SOLUTION
    out = np.zeros(shape, x.dtype)
    if takes_each_once(index):
        out[index] = x
    else:
        np.add.at(out, index, x)
    return out
    ### END SOLUTION


@derivative(getitem)
def getitem_x(grad, out, x, index):
    """The gradient of what was taken goes back to where it was; what was not taken gets 0."""
    ### BEGIN SOLUTION
    return through(scatter, grad, shape=x.shape, index=index)
    ### END SOLUTION


# %% checks="rules-of-arrangement" points=3
_x = np.zeros((2, 3))
_grad = np.arange(6.0)
check(reshape_x(_grad, _grad, _x, shape=(6,)), [[0, 1, 2], [3, 4, 5]], hint="the shape of x")
check(transpose_x(_grad.reshape(3, 2), _x.T, _x), [[0, 2, 4], [1, 3, 5]], hint="reverse again")
_x, _grad = np.zeros((2, 3, 4)), np.zeros((4, 2, 3))
check(
    transpose_x(_grad, _grad, _x, axes=(2, 0, 1)).shape,
    (2, 3, 4),
    hint="the inverse order, np.argsort(axes); with axes itself the shape would be (3, 4, 2)",
)
check(transpose_x(_grad, _grad, _x, axes=(-1, 0, 1)).shape, (2, 3, 4), hint="axes % x.ndim first")
_x = np.array([5.0, 6.0, 7.0])
check(getitem_x(np.array(2.0), _x[1], _x, index=1), [0.0, 2.0, 0.0], hint="zeros, and the gradient")
check(
    getitem_x(np.array([1.0, 10.0, 100.0]), _x[[0, 0, 2]], _x, index=[0, 0, 2]),
    [11.0, 0.0, 100.0],
    hint="an element that was taken twice gets both gradients: np.add.at",
)
_x = np.zeros((2, 3), dtype=np.float32)
check(
    str(getitem_x(_x[0], _x[0], _x, index=0).dtype),
    "float32",
    hint="zeros in the dtype of the gradient",
)
_v = Variable(_x)
check(
    type(reshape_x(_v, None, _x, shape=(2, 3))).__name__,
    "Variable",
    hint="the method grad.reshape(…) takes variables too; np.reshape does not",
)
check(
    type(transpose_x(_v.T, None, _x, axes=(1, 0))).__name__,
    "Variable",
    hint="grad.transpose(*order) takes variables too; np.transpose does not",
)
check(
    type(getitem_x(_v[0], None, _x, index=0)).__name__,
    "Variable",
    hint="through(scatter, grad, shape=…, index=…) records where grad is a variable",
)


### BEGIN HIDDEN TESTS
@observe(grad=normal(4, 6), x=normal(2, 3, 4))
def gradient_of_reshape(autograd, grad, x):
    """Given as a shape, and with a length of -1; by its name and through the table."""
    rule = autograd.RULES[np.reshape][0]
    return autograd.reshape_x(grad, x.reshape(4, 6), x, shape=(4, 6)), rule(
        grad, x.reshape(4, -1), x, shape=(4, -1)
    )


@observe(grad=normal(4, 3, 2), x=normal(2, 3, 4))
def gradient_of_transpose_without_axes(autograd, grad, x):
    """All axes in reverse order; by its name and through the table."""
    rule = autograd.RULES[np.transpose][0]
    return autograd.transpose_x(grad, x.T, x), rule(grad, x.T, x, axes=None)


@observe(x=normal(2, 3, 4))
def gradient_of_transpose_with_any_order_of_axes(autograd, x):
    """All six orders of three axes, and negative ones."""
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    orders += [(-1, 0, 1), (1, -1, -3), (-2, -1, 0)]
    found = []
    for axes in orders:
        grad = np.cos(3 * x).transpose(axes)
        found.append(autograd.transpose_x(grad, x.transpose(axes), x, axes=axes))
    return found


@observe(x=normal(3, 4), i=integers(low=0, high=3))
def gradient_of_slices_and_single_elements(autograd, x, i):
    """Integers, slices, steps, a new axis, an ellipsis."""
    indices = [i, (i, -1), slice(1, 3), (slice(None), 1), (slice(None, None, 2), slice(3, 0, -1))]
    indices += [(None, i), (..., 2)]
    return [autograd.getitem_x(np.sin(x[index]), x[index], x, index=index) for index in indices]


@observe(x=normal(3, 4), rows=integers(6, low=0, high=3), columns=integers(6, low=0, high=4))
def gradient_of_elements_taken_several_times(autograd, x, rows, columns):
    """Index arrays with repetitions, pairs of them, and a mask; through the table."""
    rule, found = autograd.RULES[autograd.getitem][0], []
    for index in (rows, (rows, columns), (slice(None), columns), x > 0, [0, 0, 2, 0]):
        found.append(rule(np.sin(x[index]), x[index], x, index=index))
    return found


@observe(x=normal(3, 4, dtype="float32"))
def arrangement_in_float32(autograd, x):
    """float32 stays float32, and nothing that was given is changed."""
    grad = np.cos(x)
    before = grad.copy(), x.copy()
    found = [
        autograd.reshape_x(grad.reshape(-1), x.reshape(-1), x, shape=(-1,)),
        autograd.transpose_x(grad.T, x.T, x),
        autograd.transpose_x(grad.T, x.T, x, axes=(1, 0)),
        autograd.getitem_x(grad[1], x[1], x, index=1),
        autograd.getitem_x(grad[[1, 1]], x[[1, 1]], x, index=[1, 1]),
    ]
    same = np.array_equal(before[0], grad) and np.array_equal(before[1], x)
    return found, [str(g.dtype) for g in found], bool(same)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### The rest of the table, given

First the rule of `scatter` itself. It puts numbers into zeros, so its gradient is taken out again, at the same
places: indexing and scattering are each other's way back.

Then seven more functions that a framework needs. They hold nothing new, so their rules are given; read them as
examples, and see how each follows from one that you have written.

- `maximum(x, y)` and `minimum(x, y)` compare element by element. Where both are equal they share, as in your
  rule of the maximum: half each.
- `where(condition, x, y)` takes from $x$ or from $y$, and each gets the gradient of what was taken from it.
- `clip(x, min, max)` passes the gradient on where $x$ lies within the bounds, the bounds included.
- `concatenate` and `stack` join arrays: each gets back its piece of the gradient. They take any number of
  inputs, so one rule serves for all of them, and is told by `argument` which one it is asked for.
- `pad` puts zeros (or another number) around $x$, so its rule cuts them off again.
"""


# %%
#| export
@derivative(scatter)
def scatter_x(grad, out, x, shape, index):
    """What was put at the index is taken from there."""
    return grad[index]


@derivative(np.maximum, 0)
def maximum_x(grad, out, x, y):
    """The derivative of maximum(x, y) by x is 1 where x is larger, and 1/2 where both are equal."""
    return (grad * (x > y) + grad * (x >= y)) * 0.5


@derivative(np.maximum, 1)
def maximum_y(grad, out, x, y):
    """The derivative of maximum(x, y) by y is 1 where y is larger, and 1/2 where both are equal."""
    return (grad * (x < y) + grad * (x <= y)) * 0.5


@derivative(np.minimum, 0)
def minimum_x(grad, out, x, y):
    """Minimum is to maximum as < is to >."""
    return maximum_y(grad, out, x, y)


@derivative(np.minimum, 1)
def minimum_y(grad, out, x, y):
    """Minimum is to maximum as < is to >."""
    return maximum_x(grad, out, x, y)


@derivative(np.where, 1)
def where_x(grad, out, condition, x, y):
    """Where the condition holds, out is x."""
    return through(np.where, condition, grad, 0.0)


@derivative(np.where, 2)
def where_y(grad, out, condition, x, y):
    """Where the condition does not hold, out is y."""
    return through(np.where, condition, 0.0, grad)


def clip_values(x: np.ndarray, min=None, max=None) -> np.ndarray:
    """``x``, with what lies below `min` or above `max` moved to that bound; None is no bound."""
    return np.clip(x, min, max)


@derivative(clip_values)
def clip_x(grad, out, x, min=None, max=None):
    """The derivative is 1 within the bounds and on them, and 0 outside."""
    return grad * (x == out)


def join(*arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays one after the other, along an axis that they have."""
    return np.concatenate(arrays, axis)


@derivative(join, EVERY)
def join_each(grad, out, *arrays, axis, argument):
    """Each array gets the piece of the gradient that stands where the array stood."""
    lengths = [x.shape[axis] for x in arrays]
    start = sum(lengths[:argument])
    piece = slice(start, start + lengths[argument])
    return grad[(slice(None),) * (axis % grad.ndim) + (piece,)]


def pile(*arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays of the same shape side by side, along a new axis."""
    return np.stack(arrays, axis)


@derivative(pile, EVERY)
def pile_each(grad, out, *arrays, axis, argument):
    """Each array gets the layer of the gradient that stands where the array stood."""
    return grad[(slice(None),) * (axis % grad.ndim) + (argument,)]


def surround(x: np.ndarray, pad_width, value: float = 0.0) -> np.ndarray:
    """``x`` with `value` around it, as many as `pad_width` says (as in `numpy.pad`)."""
    return np.pad(x, pad_width, constant_values=value)


@derivative(surround)
def surround_x(grad, out, x, pad_width, value=0.0):
    """What was put around x is cut off again."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    inside = zip(widths, x.shape, strict=True)
    return grad[tuple(slice(before, before + n) for (before, _), n in inside)]


LINEAR |= {scatter, join, pile, surround, itself}  # as in section 4: these rules read no values
for function, name in (
    (clip_values, "clip"),
    (join, "concatenate"),
    (pile, "stack"),
    (surround, "pad"),
):
    function.__name__ = name  # what messages and graphs call it


# %% [markdown]
r"""
And one that is there for speed. The loss of a classifier is the cross-entropy: for each example $n$ with the
scores $x_n$ and the right class $c_n$, the negative logarithm of the probability of that class, on average:

$$L = -\frac{1}{N} \sum_n \log \mathrm{softmax}(x_n)_{c_n} .$$

It can be composed: `-log_softmax(x)[range(N), labels].mean()`. That takes four notes and four steps back. As
one function it takes one of each, and the gradient becomes very simple. With
$\frac{\partial \ell_i}{\partial x_j} = \delta_{ij} - p_j$ from exercise 23,

$$\frac{\partial L}{\partial x_{nj}} = \frac{1}{N} \big( p_{nj} - [\,j = c_n\,] \big) :$$

the probabilities, minus 1 at the right class. Such **fused** functions are where large frameworks get much of
their speed, and each of them has a composed twin that it is tested against.
"""


# %%
#| export
def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean negative logarithm of the probability of the right class.

    Parameters
    ----------
    scores : ndarray of shape (examples, classes)
        Their softmax gives the probabilities.
    labels : integer array of shape (examples,)
        The right class of each example.

    Returns
    -------
    number
        Of the dtype of the scores.
    """
    labels = np.asarray(labels)
    fit = scores.ndim == 2 and labels.shape == scores.shape[:1] and labels.dtype.kind in "iu"
    if not (fit and labels.size and labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise ValueError(
            f"scores of shape {scores.shape} need one whole number from 0 to the number of classes "
            f"- 1 as the label of each row, but got {labels!r:.60}"
        )
    shifted = scores - scores.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return (np.log(np.exp(shifted).sum(axis=1)).sum() - chosen.sum()) / len(labels)


def one_hot(labels: np.ndarray, shape: tuple[int, int], dtype) -> np.ndarray:
    """Rows of zeros, with a 1 at the place that the label names."""
    out = np.zeros(shape, dtype)
    out[np.arange(len(labels)), labels] = 1
    return out


@derivative(softmax_cross_entropy, 0)
def cross_entropy_scores(grad, out, scores, labels):
    """The probabilities, minus 1 at the right class, over the number of examples."""
    probabilities = through(activations.softmax, scores, axis=1)
    right = one_hot(labels, scores.shape, scores.dtype)
    return (probabilities - right) * (grad / len(labels))


# %% [markdown]
r"""
#### Judging all of them

The yardstick of section 3, for every rule in the table, with random inputs and a random gradient. One line
for each function, with the largest error of each of its rules. Nothing should be above $10^{-8}$.
"""

# %%
matrix, column = rng.normal(size=(3, 4)), rng.normal(size=(4,))
positive = rng.uniform(0.5, 2.0, size=(3, 4))
print_errors([(f, positive, positive + 0.5) for f in (np.add, np.subtract, np.multiply)])
print_errors([(f, positive, positive + 0.5) for f in (np.divide, np.power)])
print_errors([(f, positive) for f in (np.exp, np.log, np.sqrt)])
print_errors([(f, matrix) for f in (np.negative, np.sin, np.cos, np.abs, np.tanh)])
print_errors([(f, matrix) for f in (activations.relu, activations.sigmoid)])
print_errors([(f, matrix) for f in (activations.softmax, activations.log_softmax)])
print_errors([(f, matrix) for f in (np.sum, np.mean, np.max, np.min, np.transpose)])
print_errors([(np.matmul, matrix, column), (np.matmul, column, matrix.T)])

# %% [markdown]
r"""
### 7. Functions, `no_grad` and `grad`

The operators and methods are there: `x * y`, `x @ y`, `x.sum()`. The following gives the rest a name, so that
one can write `exp(x)`, `relu(x)` or `softmax(x)`. Numpy's own functions work, too, as long as they are
element by element: `np.exp(x)` of a variable comes back as a variable.

Four of the names are special: `abs`, `max`, `min` and `sum` are also functions of Python itself. If the
module defined them at its top, they would take the place of Python's in every function above, and a `max(…)`
in your own code would suddenly mean something else. So they are handed out on request only: Python calls a
module's `__getattr__` for a name that the module has not, and `from tinytorch.core.autograd import sum` finds
them there.
"""


# %%
#| export
def variable_function(name: str, function: Callable, inputs: int = 1, settings: str = ""):
    """A function of variables and tensors that applies a numpy function.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        The numpy function.
    inputs : int
        How many inputs it has.
    settings : str
        The names of its parameters after the inputs, separated by blanks.

    Returns
    -------
    callable
        Takes the inputs, and the settings by position or by name.
    """
    names = settings.split()

    def applied(*arguments, **parameters):
        if not inputs <= len(arguments) <= inputs + len(names):
            count = "1 input" if inputs == 1 else f"{inputs} inputs"
            too = f", then {', '.join(names)}" if names else ""
            raise TypeError(f"{name} takes {count}{too}; it was given {len(arguments)}")
        parameters.update(zip(names, arguments[inputs:], strict=False))
        return apply(function, *arguments[:inputs], **parameters)

    applied.__name__ = applied.__qualname__ = name
    applied.__doc__ = f"Apply `{function.__name__}` to variables, tensors, arrays and numbers."
    return applied


add = variable_function("add", np.add, 2)
subtract = variable_function("subtract", np.subtract, 2)
multiply = variable_function("multiply", np.multiply, 2)
divide = variable_function("divide", np.divide, 2)
power = variable_function("power", np.power, 2)
negative = variable_function("negative", np.negative)
exp = variable_function("exp", np.exp)
log = variable_function("log", np.log)
sqrt = variable_function("sqrt", np.sqrt)
sin = variable_function("sin", np.sin)
cos = variable_function("cos", np.cos)
tanh = variable_function("tanh", np.tanh)
relu = variable_function("relu", activations.relu)
sigmoid = variable_function("sigmoid", activations.sigmoid)
softmax = variable_function("softmax", activations.softmax, 1, "axis")
log_softmax = variable_function("log_softmax", activations.log_softmax, 1, "axis")
cross_entropy = variable_function("cross_entropy", softmax_cross_entropy, 2)
matmul = variable_function("matmul", np.matmul, 2)
mean = variable_function("mean", np.mean, 1, "axis keepdims")
var = variable_function("var", np.var, 1, "axis keepdims")
maximum = variable_function("maximum", np.maximum, 2)
minimum = variable_function("minimum", np.minimum, 2)
where = variable_function("where", np.where, 3)
clip = variable_function("clip", clip_values, 1, "min max")
reshape = variable_function("reshape", np.reshape, 1, "shape")
transpose = variable_function("transpose", np.transpose, 1, "axes")
pad = variable_function("pad", surround, 1, "pad_width value")


def concatenate(arrays: Sequence, axis: int = 0) -> Variable | Tensor:
    """Variables, tensors or arrays one after the other, along an axis that they have."""
    return apply(join, *several(arrays, "concatenate"), axis=axis)


def stack(arrays: Sequence, axis: int = 0) -> Variable | Tensor:
    """Variables, tensors or arrays of the same shape side by side, along a new axis."""
    return apply(pile, *several(arrays, "stack"), axis=axis)


def several(arrays: Sequence, name: str) -> Sequence:
    """A sequence of at least one variable, tensor or array; else an error."""
    if not isinstance(arrays, (list, tuple)) or not arrays:
        raise TypeError(f"{name} needs a list of variables or arrays, but got {arrays!r:.60}")
    return arrays


NAMED_LIKE_BUILTINS = {
    "abs": variable_function("abs", np.abs),
    "max": variable_function("max", np.max, 1, "axis keepdims"),
    "min": variable_function("min", np.min, 1, "axis keepdims"),
    "sum": variable_function("sum", np.sum, 1, "axis keepdims"),
}


def __getattr__(name: str) -> Callable:
    """`abs`, `max`, `min` and `sum` of this module, which must not hide Python's own in it."""
    if name in NAMED_LIKE_BUILTINS:
        return NAMED_LIKE_BUILTINS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# %% [markdown]
r"""
#### Exercise 25: `no_grad`

When a network is only *used*, nobody will call `backward`, and the notes are a waste: they keep every value
in between alive. So recording can be switched off for a while:

```python
with no_grad():
    prediction = model(x)      # an ordinary variable without history
```

At the end of the block the switch goes back to where it *was*, which is not always "on": blocks can stand
inside each other. It also goes back when the block ends in an error (Python calls `__exit__` in any case).

Because `no_grad` is a `ContextDecorator`, it works on functions too, `@no_grad()`. And there is the catch:
the decorator makes **one** `no_grad` object, and enters it for every call of the function. If the function
calls itself, the same object is entered a second time before it was left. If it remembered the old state in
itself, the inner call would overwrite "on" with "off", and the outer call would restore "off", for good. So
the states are kept on a stack, one for each thread, which is there already: the list `recording.before`.

| step | `recording.before` | `recording.enabled` |
| --- | --- | --- |
| at first | `[]` | True |
| the outer block is entered | `[True]` | False |
| the inner block is entered | `[True, False]` | False |
| the inner block is left | `[True]` | False |
| the outer block is left | `[]` | True |
"""


# %% exercise="no-grad"
#| export
class no_grad(contextlib.ContextDecorator):
    """Do not record, in a ``with no_grad():`` block or a function decorated with ``@no_grad()``.

    What is computed inside has no history and needs no memory for one. The state from before comes
    back at the end of the block, also after an error and in nested blocks.
    """

    def __enter__(self) -> no_grad:
        """Put the present state on the stack, switch recording off, and return this object."""
        ### BEGIN SOLUTION
        recording.before.append(recording.enabled)
        recording.enabled = False
        return self
        ### END SOLUTION

    def __exit__(self, *error) -> None:
        """Take the last state from the stack, and return to it."""
        ### BEGIN SOLUTION
        recording.enabled = recording.before.pop()
        ### END SOLUTION


# %% checks="no-grad" points=2
recording.enabled = True  # whatever an earlier try has left behind
recording.before.clear()
with no_grad():
    check(recording.enabled, False, hint="__enter__ switches recording off")
    with no_grad():
        pass
    check(recording.enabled, False, hint="the inner block returns to the state before it, off")
    check((Variable(2.0) * 3.0).is_leaf, True, hint="record() takes no note while it is off")
check(recording.enabled, True, hint="the outer block returns to the state before it, on")


def _failing():
    with no_grad():
        raise KeyError("inside the block")


check_raises(KeyError, _failing, hint="__exit__ must not return True: that would hide the error")
check(recording.enabled, True, hint="after an error the state comes back as well")


@no_grad()
def _countdown(n):
    return 0 if n == 0 else _countdown(n - 1)


_countdown(3)
check(recording.enabled, True, hint="one object entered several times: use recording.before")


### BEGIN HIDDEN TESTS
def chances(autograd, x):
    """A number that shows which operations were recorded, and a function to compute them with."""
    leaf, total = autograd.Variable(np.array(1.0)), []

    def compute(i):
        out = leaf * float(x[i])
        total.append(out.item() if out.requires_grad else -2 * out.item())

    return total, compute


@observe(n=integers(low=1, high=4), x=normal(8))
def recording_is_off_inside_and_on_again_afterwards(autograd, n, x):
    """Several blocks, one after the other, each of which gives itself."""
    total, compute = chances(autograd, x)
    entered = []
    for i in range(n):
        block = autograd.no_grad()
        with block as given:
            compute(2 * i)
            entered.append(given is block)
        compute(2 * i + 1)
    return total, entered, autograd.recording.enabled


@observe(n=integers(low=2, high=4), x=normal(5))
def nested_blocks_return_to_the_state_before_them(autograd, n, x):
    """Each end of a block, seen from outside it."""
    total, compute = chances(autograd, x)

    def nest(depth):
        if depth:
            with autograd.no_grad():
                nest(depth - 1)
                compute(depth)

    nest(n)
    compute(0)
    return total, autograd.recording.enabled


@observe(n=integers(low=1, high=3), x=normal(4))
def an_error_inside_a_block_comes_out_and_the_state_comes_back(autograd, n, x):
    """Also through several blocks."""
    total, compute = chances(autograd, x)

    def fail(depth):
        with autograd.no_grad():
            compute(depth)
            if depth:
                fail(depth - 1)
            raise KeyError("inside")

    error = raised(lambda: fail(n))
    compute(3)
    return error, total, autograd.recording.enabled


@observe(n=integers(low=2, high=5), x=normal(6))
def a_decorated_function_may_call_itself(autograd, n, x):
    """The same object is entered several times before it is left."""
    total, compute = chances(autograd, x)

    @autograd.no_grad()
    def count(k):
        compute(k)
        return 0.0 if k == 0 else x[k] + count(k - 1)

    found = count(n)
    compute(5)
    return found, total, autograd.recording.enabled


@observe(x=normal(4))
def a_state_that_was_off_before_stays_off(autograd, x):
    """The switch goes back to where it was, which need not be on."""
    total, compute = chances(autograd, x)
    autograd.recording.enabled = False
    try:
        with autograd.no_grad():
            compute(0)
        compute(1)
        autograd.recording.enabled = True
        with autograd.no_grad():
            compute(2)
        compute(3)
    finally:
        autograd.recording.enabled = True
    return total


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 26: `grad`

`backward` leaves its results in the leaves. That is what training wants, and a nuisance elsewhere: it changes
things that belong to others. `grad(outputs, inputs)` is the same computation as a function: it *returns* the
gradients, by just the inputs that are asked for, and touches no `.grad`. Inputs may be leaves or computed
variables (that is what `wanted` is for).

| call | gives |
| --- | --- |
| `grad(y, x)` | `(dy/dx,)`, always a tuple |
| `grad(y, [x, w])` | `(dy/dx, dy/dw)` |
| `grad(y, x, g)` with `y` of shape `(3,)` | the gradient of $\sum_i g_i y_i$ |
| `grad([y, z], x)` | the gradient of $y + z$: both start in the same dictionary |
| `grad([y, z], x, [g, h])` | the gradient of $\sum_i g_i y_i + \sum_i h_i z_i$ |
| `grad(y, u)` where `y` does not depend on `u` | zeros |
| `grad(y, c)` where `c` does not require a gradient | `RuntimeError`: zeros would be a wrong answer |

For $y = x^2 w$ at $x = 3$, $w = 2$: `grad(y, [x, w])` gives $(2xw, x^2) = (12, 9)$.

<details>
<summary>Hint: several outputs, perhaps the same one twice</summary>

Begin with an empty dictionary `start` and an empty set `sums`. For each output and its gradient,
`accumulate(start, sums, [output], [start_of(output, gradient, create_graph)])` enters where to start, and adds if the
output is there already.

</details>
"""


# %%
#| export
def list_of_variables(x, name: str) -> list:
    """One variable, or several, as a list."""
    given = [x] if isinstance(x, (Variable, Tensor)) else x
    if not (isinstance(given, (list, tuple)) and all(hasattr(v, "requires_grad") for v in given)):
        raise TypeError(f"{name} must be a Variable or a list of Variables, but got {x!r:.80}")
    return list(given)


def list_of_gradients(grad_outputs, outputs: list, single: bool) -> list:
    """The gradient to start from for each of the outputs; None where none was given.

    With `single` there is one output, given by itself, and `grad_outputs` is its gradient; else
    `grad_outputs` has one for each.
    """
    given = [grad_outputs] if single else grad_outputs
    given = [None] * len(outputs) if given is None else given
    if len(given) != len(outputs):
        raise ValueError(
            f"there are {len(outputs)} outputs and {len(given)} grad_outputs; "
            "give one for each output, or None"
        )
    return list(given)


# %% exercise="grad"
#| export
def grad(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Tensor | Sequence[Variable | Tensor],
    grad_outputs=None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> tuple:
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; of several, the sum.
    inputs : Variable, Tensor or sequence of them
        By what.
    grad_outputs : array_like, or for a sequence of outputs a sequence of array_like, optional
        For each output, the gradient to start from; needed where it has not exactly one element.
    retain_graph : bool
        Keep the graph for another pass.
    create_graph : bool
        Record the way back, and keep the graph: the gradients are variables, which can be
        differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input a new array of its own shape and dtype; where the outputs do not depend on it,
        zeros (as a variable, they require no gradient).

    Raises
    ------
    RuntimeError
        If an input requires no gradient; and as `Variable.backward`.
    TypeError, ValueError
        If outputs or inputs are no variables, or there are more or fewer `grad_outputs` than
        outputs; and as `Variable.backward`.

    Approach
    --------
    1. Make lists of outputs and inputs, with `list_of_variables`, and of the gradients to start
       from, with `list_of_gradients` (`single`: whether `outputs` was one variable, and no list).
    2. Refuse inputs that need no gradient.
    3. Accumulate what `start_of` gives for each output in a dictionary.
    4. `run_back` from it, with the inputs as what is wanted.
    5. For each input, take a copy of its gradient, or zeros, in its dtype; with `create_graph` the
       gradient itself, or a variable of zeros.
    """
    ### BEGIN SOLUTION
    single = isinstance(outputs, Variable)
    outputs, inputs = list_of_variables(outputs, "outputs"), list_of_variables(inputs, "inputs")
    for x in inputs:
        if not needs_gradient(x):
            raise RuntimeError(
                f"the input {describe(x)} does not require a gradient; create it with "
                "requires_grad=True"
            )
    start, sums = {}, set()
    given = list_of_gradients(grad_outputs, outputs, single)
    for output, gradient in zip(outputs, given, strict=True):
        accumulate(start, sums, [output], [start_of(output, gradient, create_graph)])
    found = run_back(start, retain_graph, create_graph, wanted=inputs)
    gradients = [found[x] if x in found else np.zeros(x.shape, x.dtype) for x in inputs]
    if create_graph:
        return tuple(g if isinstance(g, Variable) else Variable(g, False) for g in gradients)
    seen = set(map(id, given))
    for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):
        gradients[i] = own(g, x.dtype, alone=id(g) not in seen)
        seen.add(id(g))
    return tuple(gradients)
    ### END SOLUTION


# %% checks="grad" points=3
_x, _w, _unused = Variable(3.0), Variable(2.0), Variable([1.0, 1.0])
_square = _x * _x
check(grad(_square * _w, [_x, _w]), (12.0, 9.0), hint="a gradient for each input")
check([_x.grad, _w.grad], [None, None], hint="propagate, but deposit nothing")
_square = _x * _x
check(
    grad(_square * _w, _square), (2.0,), hint="wanted=inputs: by a computed variable, and a tuple"
)
check(grad(_x * _w, _unused), ([0.0, 0.0],), hint="zeros where the output does not depend on it")
check(grad([_x * _w, _x * 5.0], _x), (7.0,), hint="of several outputs, the sum: 2 + 5")
_y = _unused * _x
check(grad(_y, _x, [1.0, 10.0]), (11.0,), hint="start_of(output, gradient, create_graph)")
_y = _x * 5.0
check(grad([_y, _y], _x), (10.0,), hint="an output that comes twice counts twice: accumulate")
_a, _b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
_found = grad(_a + _b, [_a, _b], [1.0, 10.0])
_found[0][:] = 0.0
check(_found[1], [1.0, 10.0], hint="grad gives each input an array of its own: own(…)")
check_raises(
    RuntimeError,
    lambda: grad(_x * _w, Variable(1.0, requires_grad=False)),
    hint="an input that requires no gradient has none, and zeros would be a wrong answer",
)


### BEGIN HIDDEN TESTS
@observe(x=normal(3), w=normal(3, dtype="float32"), seed=normal(3))
def gradients_by_several_inputs_and_by_one(autograd, x, w, seed):
    """A tuple, each in the shape and dtype of its input, for a variable and a weight."""
    x, w = autograd.Variable(x), autograd.Tensor(w, requires_grad=True)
    both = autograd.grad(Graph(autograd).times(x, w), [w, x], seed)
    one = autograd.grad(Graph(autograd).times(x, w), x, seed)
    kinds = type(both).__name__, type(one).__name__
    return both, one, kinds, [str(g.dtype) for g in both]


@observe(x=normal(3), before=normal(3), seed=normal(3))
def no_grad_attribute_is_touched(autograd, x, before, seed):
    """One leaf had a gradient before, two had none; what is returned are arrays of their own."""
    graph = Graph(autograd)
    one, two, three = (autograd.Variable(x) for _ in range(3))
    one.grad = before
    found = autograd.grad(graph.plus(graph.plus(one, two), three), [one, two, three], seed)
    for factor, gradient in enumerate(found, 2):
        gradient *= factor
    return one.grad, two.grad, three.grad, list(found), seed


@observe(x=normal(3), y=normal(3, dtype="float32"), seeds=normal(2, 3))
def recorded_gradients_are_variables_and_keep_the_graph(autograd, x, y, seeds):
    """With create_graph; zeros are variables that require no gradient. With retain_graph: arrays."""
    enter_rules_of_weighted(autograd)
    x, unused = autograd.Variable(x), autograd.Variable(y)
    out = autograd.record(weighted, x, x, weight=2.0)
    found = autograd.grad(out, [x, unused], seeds[0], create_graph=True)
    kept = autograd.grad(out, x, seeds[1], retain_graph=True)
    plain = autograd.grad(out, [unused, x], seeds[1])
    kinds = [(type(g).__name__, str(g.dtype)) for g in (*found, *kept, *plain)]
    needed = [g.requires_grad for g in found]
    return type(found).__name__, kinds, needed, [np.asarray(g) for g in (*found, *kept, *plain)]


@observe(x=normal(3), seed=normal(3))
def gradients_by_computed_variables(autograd, x, seed):
    """A variable in the middle, the output itself, and a leaf behind them."""
    graph, x = Graph(autograd), autograd.Variable(x)
    middle = graph.times(x, x)
    out = graph.plus(graph.times(middle, middle), x)
    return autograd.grad(out, [middle, out, x], seed)


@observe(x=normal(2, 3), seed=normal(3))
def zeros_where_there_is_no_dependence_and_an_error_for_constants(autograd, x, seed):
    """Zeros in the shape of the input; an input that requires no gradient is refused."""
    graph = Graph(autograd)
    wanted, unused = autograd.Variable(seed), autograd.Variable(x)
    constant = autograd.Variable(x, requires_grad=False)
    found = autograd.grad(graph.times(wanted, wanted), [unused, wanted], seed)
    out = graph.times(wanted, wanted)
    refused = [
        raised(lambda i=i: autograd.grad(out, i, seed)) for i in (constant, [wanted, constant])
    ]
    return found, refused


@observe(x=normal(3), seeds=normal(3, 3))
def gradients_of_several_outputs_add_up(autograd, x, seeds):
    """Outputs that share a graph, one of them twice; single numbers need no gradient."""
    graph, x = Graph(autograd), autograd.Variable(x)
    a = graph.times(x, x)
    b = graph.times(a, x)
    many = autograd.grad([a, b, a], x, list(seeds))
    number = autograd.Variable(np.array(seeds[0, 0]))
    outputs = graph.times(number, number), graph.plus(number, 1.0)
    return many, autograd.grad(outputs, [number])


@observe(x=normal(3), seed=normal(3))
def the_graph_is_freed_unless_retained_and_wrong_gradients_are_refused(autograd, x, seed):
    """As in backward."""
    graph, x = Graph(autograd), autograd.Variable(x)
    out = graph.times(x, x)
    refused = [raised(lambda g=g: autograd.grad(out, x, g)) for g in (None, seed[:2], 1.0)]
    found = [autograd.grad(out, x, seed, retain_graph=keep) for keep in (True, False)]
    return refused, found, raised(lambda: autograd.grad(out, x, seed))


### END HIDDEN TESTS

# %% [markdown]
r"""
*Sections 8 to 11 are for those who want to go on. They are worth 18 of the 100 points; the engine is complete
without them. Each adds one tool that every framework has, and needs of sections 1 to 7 only that they work.*

### 8. Gradients of gradients (optional)

A gradient is a function of $x$, too, so it has a gradient of its own. Where does one want it? A Newton step
divides by the second derivative; a loss may punish steep places, $L + \lambda \lVert \nabla L \rVert^2$; the
curvature tells how large a step of training may be. Ask the engine for $f(x) = x^3$ at $x = 2$, where
$f' = 3x^2 = 12$ and $f'' = 6x = 12$:
"""

# %%
x = Variable(np.array(2.0))
(slope,) = grad(x**3, x)
print("first derivative:", slope, type(slope).__name__)
try:
    grad(slope, x)
except TypeError as error:
    print("TypeError:", error)

(slope,) = grad(x**3, x)
print("derivative of x f'(x):", grad(x * slope, x)[0], "instead of", 9 * 2.0**2)

# %% [markdown]
r"""
The gradient is an array: numbers without a history. In the first case the engine at least says so. The second
is worse. $x f'(x) = 3x^3$ has the derivative $9x^2 = 36$, but for the engine `slope` is the constant 12, and
12 is what comes out, without a word.

So the way back has to be recorded like the way there. Look at what is needed for that: a rule such as
`grad * y` is written with an operator. Give it arrays, and it gives an array. Give it *variables*, and the
same line gives a variable, with a note of how it was computed:
"""

# %%
print(repr(multiply_x(np.array(1.0), None, np.array(2.0), np.array(3.0))))
print(repr(multiply_x(Variable(1.0), None, Variable(2.0), Variable(3.0))))

# %% [markdown]
r"""
That is what `create_graph=True` does: recording stays on during the backward pass, and the rules get the
variables themselves in place of their arrays (`linked` in section 5 puts them together). No rule has to be
written twice. The gradients are then variables, which can be differentiated again, as often as you like.
For $x^3$ at 2 the derivatives are 12, 12, 6, and 0 from the fourth on:
"""

# %%
x = Variable(np.array(2.0))
derivative_of_x = x**3
for order in range(1, 5):
    (derivative_of_x,) = grad(derivative_of_x, x, create_graph=True)
    print(f"derivative {order}: {derivative_of_x.item():4.0f}")

(slope,) = grad(x**3, x, create_graph=True)
print("derivative of x f'(x):", grad(x * slope, x)[0])

# %% [markdown]
r"""
The price of this elegance: a rule must not leave the world of variables. The following one is right, as long as
nobody asks for more than the first derivative. `np.asarray` takes the numbers out, and their history stays
behind, so one of the two factors $x$ counts as a constant:
"""


# %%
def cube_of(x):
    return x * x * x


@derivative(cube_of)
def cube_of_x(grad, out, x):
    return grad * 3.0 * x * np.asarray(x)


x = Variable(np.array(2.0))
(first,) = grad(apply(cube_of, x), x, create_graph=True)
print("first derivative:", first.item(), "  second:", grad(first, x)[0], "instead of 12.0")

# %% [markdown]
r"""
Section 11 has a tool that finds such rules, `gradgradcheck`.

#### Functions of functions

The following is given. `vjp`, `jvp` and `hvp` take a function and a place, and return numbers; they make
variables of their own, so that no `.grad` is touched. Four small helpers do the common part, and you will use
the second and the third:

- `call_recorded(f, inputs, create_graph)` makes variables of the inputs, calls `f` with them, recorded, and gives
  `(xs, outputs)`;
- `pull_back(outputs, xs, seeds, create_graph)` is `grad` with a starting gradient for each output, all three
  as tuples: it gives a tuple with a gradient for each of `xs`, zeros where nothing depends on it, and keeps the
  graph for further calls;
- `as_tuple` makes a tuple of one thing, `alike` takes it out again.

With $J$ for the table of the derivatives of all outputs by all inputs, $J_{ij} = \partial y_i / \partial x_j$:

| function | gives | by |
| --- | --- | --- |
| `vjp(f, x, v)` | $v^\top J$, in the shape of the inputs | one backward pass: it is what `backward(v)` computes |
| `jvp(f, x, v)` | $J v$, the slope of all outputs along the direction $v$ | two backward passes |
| `hvp(f, x, v)` | $H v$, where $H$ is the table of second derivatives | two backward passes |

How can $Jv$, the product from the *other* side, come from backward passes? $u^\top J$ is a function of $u$,
and a linear one: its derivative by $u$, along $v$, is $J v$. So go back once from a variable $u$ (its value does
not matter; zeros will do), recorded, and then differentiate the result by $u$, with $v$ as the starting gradient.
"""


# %%
#| export
class enable_grad(no_grad):
    """Record, in a ``with enable_grad():`` block or a decorated function, also inside `no_grad`."""

    def __enter__(self) -> enable_grad:
        """Put the present state on the stack, and switch recording on."""
        super().__enter__()
        recording.enabled = True
        return self


def as_tuple(x) -> tuple:
    """Several things as a tuple; whatever is not a tuple is one thing."""
    return x if isinstance(x, tuple) else (x,)


def alike(results: Sequence, like):
    """One result, or a tuple of several, as `like` is one thing or a tuple."""
    return tuple(results) if isinstance(like, tuple) else results[0]


def call_recorded(f: Callable, inputs, create_graph: bool) -> tuple[tuple, Variable | tuple]:
    """Call `f` with variables of its own to differentiate by; gives these, and the outputs.

    With `create_graph` they stay connected to the history of those inputs that have one.
    """
    with enable_grad():
        xs = tuple(
            record(itself, x) if create_graph and needs_gradient(x) else Variable(value(x))
            for x in as_tuple(inputs)
        )
        outputs = f(*xs)
    outputs = tuple(outputs) if isinstance(outputs, list) else outputs
    for out in as_tuple(outputs):
        if not isinstance(out, Variable):
            raise TypeError(
                f"{name_of(f)} must return a Variable, or a tuple of them, but returned {out!r:.60}"
            )
    return xs, outputs


def only_variable(out, f: Callable) -> Variable:
    """What `f` returned, if it is a Variable; else an error."""
    if not isinstance(out, Variable):
        raise TypeError(f"{name_of(f)} must return a Variable, but returned {out!r:.60}")
    return out


def pull_back(outputs: tuple, xs: tuple, seeds: tuple, create_graph: bool) -> tuple:
    """What `grad` gives, with the graph kept; outputs without a history add nothing."""
    if len(seeds) != len(outputs):
        one_for_each = "1 array" if len(outputs) == 1 else f"a tuple of {len(outputs)} arrays"
        raise ValueError(f"v must be {one_for_each}, but {len(seeds)} were given")
    pairs = [(out, v) for out, v in zip(outputs, seeds, strict=True) if out.requires_grad]
    if pairs:
        kept, seeds = zip(*pairs, strict=True)
        return grad(kept, xs, seeds, retain_graph=True, create_graph=create_graph)
    zeros = [np.zeros(x.shape, x.dtype) for x in xs]
    return tuple(Variable(z, requires_grad=False) for z in zeros) if create_graph else tuple(zeros)


def outputs_of(outputs, create_graph: bool):
    """The outputs as they are given back to the user: without a history, unless it was asked for."""
    return outputs if create_graph else alike([x.detach() for x in as_tuple(outputs)], outputs)


def vjp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and the product of a vector with its Jacobian: one backward pass.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : array_like or Variable, or tuple of them
        Where to differentiate. (A list is an array; several inputs are a tuple.)
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the outputs; 1 for an output with one element.
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    outputs : Variable or tuple of Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the inputs.

    Raises
    ------
    TypeError, ValueError
        If `f` gives no variable, or `v` does not fit the outputs.
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    seeds = (None,) * len(as_tuple(outputs)) if v is None else as_tuple(v)
    products = pull_back(as_tuple(outputs), xs, seeds, create_graph)
    return outputs_of(outputs, create_graph), alike(products, inputs)


def jvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and the product of its Jacobian with a vector: the slope along `v`.

    Exact, by two backward passes: the first gives the gradient by the inputs as a linear function of
    the gradient u of the outputs, and the second differentiates that function by u.

    Parameters
    ----------
    f, inputs, create_graph
        As in `vjp`.
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the inputs; 1 for an input with one element.

    Returns
    -------
    outputs : Variable or tuple of Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the outputs.

    Raises
    ------
    TypeError, ValueError
        As in `vjp`; if `v` does not fit the inputs.

    References
    ----------
    Townsend (2017), "A new trick for calculating Jacobian vector products".
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in as_tuple(outputs))
    seeds = (None,) * len(xs) if v is None else as_tuple(v)
    for x, seed in zip(xs, seeds, strict=False):
        starting_gradient(x, seed)  # refuses what does not fit
    gradients = pull_back(as_tuple(outputs), xs, us, create_graph=True)
    products = pull_back(gradients, us, seeds, create_graph)
    return outputs_of(outputs, create_graph), alike(products, outputs)


def hvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The output of `f`, and the product of its Hessian with a vector, without the Hessian.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable with one element.
    inputs, create_graph
        As in `vjp`.
    v : array_like, or tuple of array_like, optional
        The vector, in the shape of the inputs; 1 for an input with one element.

    Returns
    -------
    output : Variable
        What `f` gave.
    product : ndarray, Variable if `create_graph`, or tuple of them
        In the shape of the inputs.

    Raises
    ------
    TypeError, ValueError
        As in `vjp`; if the output has not exactly one element.

    References
    ----------
    Pearlmutter (1994), "Fast exact multiplication by the Hessian".
    """
    xs, output = call_recorded(f, inputs, create_graph)
    gradients = pull_back((only_variable(output, f),), xs, (None,), create_graph=True)
    seeds = (None,) * len(xs) if v is None else as_tuple(v)
    products = pull_back(gradients, xs, seeds, create_graph)
    return outputs_of(output, create_graph), alike(products, inputs)


# %% [markdown]
r"""
#### Exercise 27: `jacobian_of`

For $f : \mathbb{R}^n \to \mathbb{R}^m$ the table $J$ is called the **Jacobian**. A backward pass that starts with
$v$ gives $v^\top J$; with $v = (0, \dots, 1, \dots, 0)$, 1 at place $i$, that is row $i$. So the whole table takes
a pass for each output. For example

$$f(x_0, x_1) = (x_0 x_1,\; x_0^2) \quad\text{at}\quad (2, 3), \qquad
J = \begin{pmatrix} x_1 & x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 3 & 2 \\ 4 & 0 \end{pmatrix}.$$

| pass | starts with | arrives at $x$ |
| --- | --- | --- |
| 1 | $(1, 0)$ | $(3, 2)$ |
| 2 | $(0, 1)$ | $(4, 0)$ |

Outputs and inputs need not be vectors. An output of shape `(2, 3)` and an input of shape `(4,)` have
$6 \cdot 4$ derivatives, and they are kept in the shape `(2, 3, 4)`: first the indices of the output, then those of
the input. `stacked(rows, shape, dtype)`, given, puts a list of rows together and gives them that shape; it works
for arrays and for variables, and for an output without any element.

Write the function that does this for one output and all inputs; `jacobian`, below, calls it.

<details>
<summary>Hint: all seeds at once</summary>

`np.eye(n)` has the seeds of a vector as its rows. For an output of any shape, `reshape` it to
`(out.size, *out.shape)`: going through its first axis gives one seed after the other, each in the shape of the
output.

</details>

<details>
<summary>Hint: rows for several inputs</summary>

Each `pull_back` gives a tuple with one row for *each* input. `[row[i] for row in rows]` are those of input `i`.

</details>
"""


# %%
#| export
def stacked(rows: Sequence, shape: tuple[int, ...], dtype) -> np.ndarray | Variable:
    """Arrays or variables, one below the other, in a given shape; without any, zeros."""
    if not rows:
        return np.zeros(shape, dtype)
    together = stack if isinstance(rows[0], Variable) else np.stack
    return together(list(rows)).reshape(shape)


# %% exercise="jacobian"
#| export
def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of one output by all inputs, a backward pass for each of its elements.

    Parameters
    ----------
    out : Variable
        The output.
    xs : tuple of Variable
        The inputs.
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    list of ndarray, or of Variable if `create_graph`
        For each input an array of shape ``out.shape + x.shape``: element ``[i, j]`` is the derivative
        of element i of the output by element j of the input (both may be several indices).

    Approach
    --------
    1. For each element of `out` make a seed of its shape: 1 at this element, 0 at the others.
    2. `pull_back` ``(out,)`` by `xs` from each seed, ``(seed,)``: a row for each input.
    3. For each input put its rows together with `stacked`.
    """
    ### BEGIN SOLUTION
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
    return [
        stacked([row[i] for row in rows], out.shape + x.shape, x.dtype) for i, x in enumerate(xs)
    ]
    ### END SOLUTION


# %% checks="jacobian" points=4
_x = Variable(np.array([2.0, 3.0]))
_out = stack([_x[0] * _x[1], _x[0] ** 2])
check(jacobian_of(_out, (_x,)), [[[3.0, 2.0], [4.0, 0.0]]], hint="a row for each output; in a list")
check(_x.grad, None, hint="use pull_back, which touches no .grad")
_a, _b = Variable(np.array([1.0, 2.0])), Variable(np.array([[5.0], [7.0], [9.0]]))
_found = jacobian_of(_a * _b, (_a, _b))
check(
    [j.shape for j in _found],
    [(3, 2, 2), (3, 2, 3, 1)],
    hint="out.shape + x.shape, an array for each x",
)
check(_found[0][1, 0], [7.0, 0.0], hint="element [i, j, k]: the derivative of out[i, j] by x[k]")
check(_found[1][1, 0], [[0.0], [1.0], [0.0]], hint="derivatives by the second input")
check(jacobian_of(_a.sum(), (_a,)), [[1.0, 1.0]], hint="an output of shape () has one seed, 1")
_again = jacobian_of(_x * _x, (_x,), create_graph=True)[0]
check(type(_again).__name__, "Variable", hint="hand create_graph on to pull_back")
check(grad(_again.sum(), _x), ([2.0, 2.0],), hint="hand create_graph on to pull_back")
### BEGIN HIDDEN TESTS


def linear_node(autograd, tables, inputs):
    """A variable that depends linearly on inputs: a table of shape out.shape + x.shape for each."""
    values = [np.tensordot(t, np.asarray(x), x.ndim) for t, x in zip(tables, inputs)]
    out = np.asarray(sum(values))

    class Linear(autograd.Operation):
        def __call__(self, grad, out=None, values=None):
            return [np.tensordot(grad, t, np.ndim(grad)) for t in tables]

    note = Linear(np.add, tuple(inputs), {}, out)
    return autograd.Variable(out, grad_fn=note)


@observe(table=normal(3, 4), x=normal(4))
def jacobian_of_a_vector_by_a_vector(autograd, table, x):
    """A list with one array: row i has the derivatives of output i."""
    x = autograd.Variable(x)
    found = autograd.jacobian_of(linear_node(autograd, [table], [x]), (x,))
    return len(found), found[0]


@observe(first=normal(2, 3, 4), second=normal(2, 3, 3, 2), x=normal(4), y=normal(3, 2))
def jacobians_by_several_inputs_of_any_shape(autograd, first, second, x, y):
    """out.shape + x.shape for each input, in the order of the inputs."""
    x, y = autograd.Variable(x), autograd.Variable(y)
    out = linear_node(autograd, [first, second], [x, y])
    both = list(autograd.jacobian_of(out, (x, y)))
    return both, list(autograd.jacobian_of(out, (y,)))


@observe(table=normal(3), column=normal(3), x=normal(3), y=normal())
def jacobians_of_and_by_single_numbers(autograd, table, column, x, y):
    """An output of shape (), and an input of shape ()."""
    x, y = autograd.Variable(x), autograd.Variable(np.array(y))
    number = autograd.jacobian_of(linear_node(autograd, [table], [x]), (x,))[0]
    vector = autograd.jacobian_of(linear_node(autograd, [column], [y]), (y,))[0]
    return number, vector


@observe(table=normal(2, 3), x=normal(3), before=normal(3), unused=normal(2, 2))
def no_grad_attribute_is_touched_and_no_dependence_gives_zeros(autograd, table, x, before, unused):
    """An input that the output does not depend on has a Jacobian of zeros."""
    x, unused = autograd.Variable(x), autograd.Variable(unused)
    x.grad = before
    out = linear_node(autograd, [table], [x])
    found = autograd.jacobian_of(out, (unused, x))
    return list(found), x.grad, unused.grad


@observe(x=normal(3), a=normal(3, 3), seed=normal(3, 3))
def a_jacobian_that_can_be_differentiated_again(autograd, x, a, seed):
    """With create_graph a variable; without it an array."""
    x = autograd.Variable(x)
    out = (x * x * x * a).sum(axis=1)
    recorded, plain = (autograd.jacobian_of(out, (x,), flag)[0] for flag in (True, False))
    kinds = type(recorded).__name__, type(plain).__name__
    return plain, kinds, recorded.numpy(), autograd.grad(recorded, x, seed)[0]


@observe(x=normal(2, dtype="float32"), table=normal(2, 2, dtype="float32"))
def jacobians_in_float32(autograd, x, table):
    """float32 stays float32."""
    x = autograd.Variable(x)
    found = autograd.jacobian_of(linear_node(autograd, [table], [x]), (x,))[0]
    return found, str(found.dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
`jacobian` itself is given: it calls the function, and then yours for each of its outputs.
"""


# %%
#| export
def jacobian(f: Callable, inputs, create_graph: bool = False):
    """All derivatives of all outputs of a function by all its inputs.

    Parameters
    ----------
    f, inputs, create_graph
        As in `vjp`.

    Returns
    -------
    ndarray of shape ``output.shape + input.shape``, or a tuple of them
        Element ``[i, j]`` is the derivative of element i of the output by element j of the input
        (both may be several indices). For several inputs a tuple, for several outputs a tuple of
        what one output gives; variables if `create_graph`.

    Raises
    ------
    TypeError
        If `f` gives no variable.
    """
    xs, outputs = call_recorded(f, inputs, create_graph)
    tables = [alike(jacobian_of(out, xs, create_graph), inputs) for out in as_tuple(outputs)]
    return alike(tables, outputs)


# %%
print(jacobian(lambda v: stack([v[0] * v[1], v[0] ** 2]), np.array([2.0, 3.0])))

# %% [markdown]
r"""
#### Exercise 28: `hessian`

The table of second derivatives of a function with **one** output is the **Hessian**,
$H_{ij} = \frac{\partial^2 f}{\partial x_i \partial x_j}$. Row $i$ holds the derivatives of $\partial f / \partial x_i$: so
it is the Jacobian of the gradient. For $f(x_0, x_1) = x_0^2 x_1$ at $(2, 3)$:

$$\nabla f = (2 x_0 x_1,\; x_0^2) = (12, 4), \qquad
H = \begin{pmatrix} 2 x_1 & 2 x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 6 & 4 \\ 4 & 0 \end{pmatrix}.$$

Write it with what is there: a function `gradient(*xs)` that gives the gradient of `f` as a tuple of variables
(with a history!), and its `jacobian`. For two inputs, which are given as a tuple, `jacobian` of a tuple of two
gradients is a tuple of two tuples, and that is the answer. One input that is no tuple is treated as a tuple of one,
`as_tuple(inputs)`; then `jacobian` gives a tuple that holds a tuple that holds one table, and the answer is that table.

`only_variable(out, f)`, given, returns `out`, or says in one sentence that `f` should have returned a variable.
"""


# %% exercise="hessian"
#| export
def hessian(f: Callable, inputs, create_graph: bool = False):
    """All second derivatives of a function with one output: the Jacobian of its gradient.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable with one element.
    inputs, create_graph
        As in `vjp`.

    Returns
    -------
    ndarray of shape ``input.shape + input.shape``, or a tuple of tuples of them
        For several inputs, element ``[a][b]`` has the derivatives by input a and input b.

    Raises
    ------
    TypeError, ValueError
        As in `hvp`.

    Approach
    --------
    1. Write a function `gradient(*xs)`: `pull_back` from the output of ``f(*xs)`` by `xs`, recorded
       (``create_graph=True``). The seed is None: the output has one element, and if not, it is refused.
    2. Take the `jacobian` of that, of the inputs as a tuple, with `create_graph`.
    3. For inputs that were no tuple, return the one table that is in it.
    """

    ### BEGIN SOLUTION
    def gradient(*xs):
        return pull_back((only_variable(f(*xs), f),), xs, (None,), create_graph=True)

    tables = jacobian(gradient, as_tuple(inputs), create_graph)
    return tables if isinstance(inputs, tuple) else tables[0][0]
    ### END SOLUTION


# %% checks="hessian" points=3
def _cubic(v):
    return v[0] ** 2 * v[1]


check(
    hessian(_cubic, np.array([2.0, 3.0])),
    [[6.0, 4.0], [4.0, 0.0]],
    hint="the Jacobian of the gradient; for one input that is no tuple its table alone, [0][0]",
)
_product = hessian(lambda x, y: (x * y * y).sum(), (np.array([1.0]), np.array([3.0])))
check(
    _product,
    (([[0.0]], [[6.0]]), ([[6.0]], [[2.0]])),
    hint="for a tuple of inputs, a tuple of tuples: [a][b] holds the derivatives by a and b",
)
check(hessian(lambda v: v.sum(), [1.0, 2.0]), [[0.0, 0.0], [0.0, 0.0]], hint="a plane has none")
_third = hessian(lambda v: v**4, np.array(2.0), create_graph=True)
check(type(_third).__name__, "Variable", hint="hand create_graph on to jacobian")
check_raises(
    ValueError,
    lambda: hessian(lambda v: v * v, [1.0, 2.0]),
    hint="the seed None refuses an output of several elements",
)
check_raises(TypeError, lambda: hessian(lambda v: 5.0, [1.0, 2.0]), hint="only_variable(f(*xs), f)")
### BEGIN HIDDEN TESTS


def with_own_jacobians(autograd):
    """The module, with Jacobians row by row that do not come from the exercise before."""

    def jacobian_of(out, xs, create_graph=False):
        seeds = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
        rows = [autograd.pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
        shapes = [out.shape + x.shape for x in xs]
        return [
            autograd.stacked([row[i] for row in rows], shape, out.dtype)
            for i, shape in enumerate(shapes)
        ]

    autograd.jacobian_of = jacobian_of
    return autograd


@observe(x=normal(3), a=normal(3, 3))
def hessian_of_a_function_of_a_vector(autograd, x, a):
    """Second derivatives that depend on the place, off the diagonal as well."""
    autograd = with_own_jacobians(autograd)
    return autograd.hessian(lambda v: (v * v * (a @ v)).sum(), x)


@observe(x=normal(2, 2), a=normal(2, 2))
def hessian_by_a_matrix_has_the_shape_of_the_matrix_twice(autograd, x, a):
    """x.shape + x.shape."""
    autograd = with_own_jacobians(autograd)
    return autograd.hessian(lambda m: (m * m.T * m * a).sum(), x)


@observe(x=normal(2), y=normal(3, 1))
def hessians_by_several_inputs(autograd, x, y):
    """A tuple of tuples; also for a tuple of one."""
    autograd = with_own_jacobians(autograd)
    two = autograd.hessian(lambda p, q: (p * p * q * q * q).sum(), (x, y))
    one = autograd.hessian(lambda p: (p * p * p).sum(), (x,))
    return [list(row) for row in two], [type(two).__name__, type(two[0]).__name__], one


@observe(x=normal(3), a=normal(3), seed=normal(3, 3))
def a_hessian_that_can_be_differentiated_again(autograd, x, a, seed):
    """With create_graph it is a variable that is connected to the input."""
    autograd = with_own_jacobians(autograd)
    x = autograd.Variable(x)
    found = autograd.hessian(lambda v: (v * v * v * v * a).sum(), x, create_graph=True)
    plain = autograd.hessian(lambda v: (v * v * v * v * a).sum(), x)
    kinds = type(found).__name__, type(plain).__name__
    return found.numpy(), kinds, autograd.grad(found, x, seed), x.grad


@observe(x=normal(3))
def hessians_of_planes_are_zero_and_other_outputs_are_refused(autograd, x):
    """A function that does not bend; one with three outputs; one that gives no variable."""
    autograd = with_own_jacobians(autograd)
    flat = autograd.hessian(lambda v: (v * 3.0).sum(), x)
    curved = autograd.hessian(lambda v: (v * v * v).sum(), x)
    calls = [lambda v: v * v, lambda v: 3.0, lambda v: (v * v).numpy()]
    return flat, curved, [raised(lambda f=f: autograd.hessian(f, x)) for f in calls]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Newton's method in two dimensions

Near a place $p$, a smooth function is almost a bowl: $f(p + d) \approx f(p) + \nabla f \cdot d + \frac{1}{2} d^\top H d$.
The bottom of the bowl is where the gradient of that is 0, $H d = -\nabla f$. Go there, and repeat. On Rosenbrock's
valley, $f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2$, whose lowest point is $(1, 1)$:
"""


# %%
def valley_floor(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


place = np.array([-1.5, 2.0])
for step in range(7):
    height, downhill = vjp(valley_floor, place)
    print(f"step {step}: ({place[0]:10.7f}, {place[1]:10.7f})   f = {height.item():.1e}")
    place = place - np.linalg.solve(hessian(valley_floor, place), downhill)

# %% [markdown]
r"""
Six steps; descent with momentum will take some thousands on the same function, in the section *Use*. (The second
and the fourth step go *up*: Newton's method looks for a flat place, and cares for nothing else.) The price
of a step is the Hessian, and that is the next question.

#### What does a Hessian cost, and who needs it?

The gradient comes from one pass, recorded; then each of its $n$ elements takes another pass back. For the
101,770 weights of section 1, that would be a hundred thousand backward passes for a table of $10^{10}$ numbers,
83 GB of them in float64. But most methods that use a Hessian only ask for its **product** with a vector, $H v$.
And that is the derivative of one number:

$$H v = \nabla \left( \nabla f \cdot v \right),$$

since $v$ is constant. Two backward passes, whatever $n$ is. `hvp` starts the second of them, the one from the
gradient, with $v$. Measured, on a valley in $n$ dimensions:
"""


# %% demo=true
def long_valley(v):
    return ((1 - v[:-1]) ** 2 + 100 * (v[1:] - v[:-1] ** 2) ** 2).sum()


print("  n     gradient   hvp        Hessian        largest difference")
for n in (10, 100, 300):
    place, along = rng.normal(size=(2, n))
    for_gradient = seconds(partial(vjp, long_valley, place), 10)
    for_product = seconds(partial(hvp, long_valley, place, along), 10)
    for_hessian = seconds(partial(hessian, long_valley, place), 2)
    product = hvp(long_valley, place, along)[1]
    difference = np.abs(hessian(long_valley, place) @ along - product).max()
    print(
        f"{n:4} {1000 * for_gradient:8.2f} ms {1000 * for_product:7.2f} ms"
        f" {1000 * for_hessian:8.1f} ms {difference:16.0e}"
    )

# %% [markdown]
r"""
`hvp` costs two to three gradients at every size. The table takes a pass for each row: from 10 to 300 rows its time
grows more than twentyfold.
"""

# %% [markdown]
r"""
### 9. Less memory: checkpoints (optional)

A backward pass needs the values of the way there, so the notes keep all of them alive until it comes. How much
is that? Chains of `tanh` on 10,000 float32 numbers (39 KiB), of different lengths, forwards and backwards:
"""


# %% demo=true
def peak_memory(call):
    """The most memory, in MiB, that a call used above what there was before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


start_of_chain = Variable(np.linspace(-1, 1, 10_000, dtype=np.float32))
layer_calls = 0


def counted_layer(z):
    global layer_calls
    layer_calls += 1
    return tanh(z)


def gradient_of_chain(layers):
    start_of_chain.zero_grad()
    z = start_of_chain
    for layer in layers:
        z = layer(z)
    z.sum().backward()
    return start_of_chain.grad


print("layers   most memory   for each layer")
for n in (10, 100, 1000):
    chain = [counted_layer] * n
    plain_peak = peak_memory(partial(gradient_of_chain, chain))
    print(f"{n:6} {plain_peak:9.2f} MiB {1024 * plain_peak / n:11.1f} KiB")

# %% [markdown]
r"""
In proportion to the depth. For a network that fills a machine, twice the depth needs a second machine.

There is a way out: time for memory. Call a whole piece of the network **without** taking notes, and keep only
what went in and what came out. When the backward pass arrives there, call the piece once more, with notes
this time, go back through these at once, and forget them again. That is `checkpoint(f, *inputs)`: it does what
`f(*inputs)` does, and its note, a `Checkpoint`, is an `Operation` that remembers `f` and its inputs.

`propagate`, which you wrote, does nearly all of it: it goes back through the second record, not further than to its
beginning (`since`). Three details make it right:

- **The weights.** `f` uses more than its inputs: a layer has weights. They come to light in the first call, as
  inputs of operations that want a gradient (`record` enters them in `recording.touched`), and become inputs of the
  note, too.
- **Chance.** If `f` draws random numbers, as dropout does, the second call must draw the same, or the gradient
  belongs to another function than the value. So the state of numpy's random numbers is kept and restored; a
  generator of your own has to be named.
- **The second call comes later.** `f` must do the same then, so it must not depend on anything that has changed
  meanwhile.
"""


# %%
#| export
def random_state(generators: Sequence) -> tuple:
    """The state of numpy's global random numbers, and of the given generators."""
    return np.random.get_state(), [g.bit_generator.state for g in generators]


def set_random_state(state: tuple, generators: Sequence) -> None:
    """Go back to a state that `random_state` gave."""
    np.random.set_state(state[0])
    for generator, one in zip(generators, state[1], strict=True):
        generator.bit_generator.state = one


def checkpoint(f: Callable, *inputs, generators: Sequence[np.random.Generator] = ()) -> Variable:
    """Call `f`, keep only its inputs and its output, and compute it again in the backward pass.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Variable. It may use weights and variables from outside; they get
        their gradients. Called again, it must do the same.
    *inputs : Variable, Tensor, array_like
        Its inputs.
    generators : sequence of numpy.random.Generator
        Generators that `f` draws from: for the second call they go back to the state of the first,
        as numpy's global random numbers do in any case.

    Returns
    -------
    Variable
        What `f` returned.

    Raises
    ------
    TypeError
        If `f` returns anything but a Variable.

    References
    ----------
    Chen, Xu, Zhang and Guestrin (2016), "Training deep nets with sublinear memory cost".
    """
    if not recording.enabled:
        return only_variable(f(*inputs), f)
    state, before, recording.touched = random_state(generators), recording.touched, {}
    try:
        with no_grad():
            out = only_variable(f(*inputs), f)
        given = {id(x) for x in inputs}
        used = (*recording.touched, *([out] if needs_gradient(out) else []))
        outside = [x for x in used if id(x) not in given]
    finally:
        recording.touched = before
    note = Checkpoint(f, (*inputs, *outside), {}, out.data.data)
    note.count, note.state, note.generators = len(inputs), state, generators
    return computed(note.out, note) if any(map(needs_gradient, note.inputs)) else out.detach()


class Checkpoint(Operation):
    """A recorded call of a whole function, of which only the inputs and the output were kept."""

    __slots__ = ("count", "generators", "state")

    def __call__(self, grad, out=None, values=None) -> list:
        """Call the function again, recorded this time, and go back through it."""
        refuse_changes(self)
        create_graph, since = values is not None, next(creation_order)
        now = random_state(self.generators)
        set_random_state(self.state, self.generators)
        try:
            with enable_grad():
                xs = [anew(x, create_graph) for x in self.inputs[: self.count]]
                again = self.function(*xs)
        finally:
            set_random_state(now, self.generators)
        found = propagate({again: grad}, create_graph, (), create_graph, since)
        for x, new in zip(self.inputs, xs, strict=False):
            if new is not x and new in found:
                accumulate(found, set(), [x], [found.pop(new)])  # f may use x from outside as well
        return [found.pop(x, None) if needs_gradient(x) else None for x in self.inputs]


def anew(x, connected: bool):
    """An input for the second call; if it needs a gradient, as a new variable.

    A leaf, so that the way back ends here; or, to be differentiated again, connected to `x`.
    """
    if not needs_gradient(x):
        return x
    return record(itself, x) if connected else Variable(x.data if isinstance(x, Variable) else x)


# %% [markdown]
r"""
The first detail, seen: the gradient of a layer's weights inside a checkpoint. And the second: half of the numbers
are dropped at random, the others doubled. Without the name of the generator, the second call drops others, and
elements that are 0 get a gradient, while elements that are not get none.
"""

# %%
from tinytorch.core.layers import Dense

examples, layer = Variable(rng.normal(size=(4, 3))), Dense(3, 2, rng=1)
checkpoint(lambda z: tanh(layer(z)), examples).sum().backward()
inside, layer.weights.grad = layer.weights.grad, None
tanh(layer(examples)).sum().backward()
print("largest difference to the gradient without:", np.abs(inside - layer.weights.grad).max())

generator = np.random.default_rng(3)


def dropout(z):
    return z * (2.0 * (generator.random(z.shape) < 0.5))


ones = Variable(np.ones(8))
for known in ([], [generator]):
    ones.zero_grad()
    dropped = checkpoint(dropout, ones, generators=known)
    dropped.sum().backward()
    print("\nwith the generator named:" if known else "\nwithout:")
    print(f"  value    {dropped.numpy()}\n  gradient {ones.grad}")

# %% [markdown]
r"""
#### How many checkpoints?

Divide a chain of $n$ layers into $k$ segments, and put a checkpoint around each. Two things need memory: the
values between the segments, which stay until the end, about $k$; and the notes of the one segment that is being
called again, about $n / k$. Together

$$m(k) = k + \frac{n}{k}, \qquad m'(k) = 1 - \frac{n}{k^2} = 0 \quad\text{at}\quad k = \sqrt{n}, \qquad m(\sqrt{n}) = 2\sqrt{n}.$$

| $n = 1000$ | values kept | layers called |
| --- | --- | --- |
| without checkpoints | 1000 | 1000 |
| $k = 1$ | $1 + 1000$: all of them again, only later | 2000 |
| $k = 10$ | $10 + 100 = 110$ | 2000 |
| $k = 32$ | $32 + 32 = 64$ | 2000 |
| $k = 1000$ | $1000 + 1$: no layer's result is forgotten | 2000 |

The work is the same for every $k$: each layer is called twice. Since the way back costs about two ways there, a
third call makes $\frac{4}{3}$ of the time, for 64 values in place of 1000.

#### Exercise 29: `checkpoint_sequential`

Write the function that cuts a list of layers into segments, each in a checkpoint. The segments are to be **nearly
equal**: their lengths differ by at most one, so 11 layers in 4 segments are 2, 3, 3 and 3 of them, in any order.

<details>
<summary>Hint: where to cut</summary>

Segment $i$ of $k$ may go from `i * n // k` to `(i + 1) * n // k`.

</details>

<details>
<summary>Hint: right values, wrong gradients</summary>

A function that is made in a loop, such as `lambda z: run(part, z)`, looks up `part` when it is *called*. The
second call comes in the backward pass: the loop is over, and `part` is the last segment, for all of them. Make the
function in a function of its own, which gets the segment as an argument, or use `partial(run, part)`.

</details>
"""


# %% exercise="checkpoint-sequential"
#| export
def checkpoint_sequential(functions: Sequence[Callable], segments: int, x: Variable) -> Variable:
    """Call functions one after the other, in nearly equal segments with a `checkpoint` around each.

    Parameters
    ----------
    functions : sequence of callable
        Each takes what the one before has returned, the first takes `x`.
    segments : int
        How many segments, from 1 to the number of functions; their lengths differ by at most one.
    x : Variable
        The input.

    Returns
    -------
    Variable
        What the last function returned.

    Raises
    ------
    ValueError
        If there are fewer segments than one, or more than functions.

    Approach
    --------
    1. Refuse a wrong number of segments, in a sentence that gives both numbers.
    2. Write a function `run(part, z)` that calls the functions of a part one after the other.
    3. For each segment find its part of the list, and replace `x` by the `checkpoint` of `run` on that
       part and `x`. Mind that it will be called again later.
    """
    ### BEGIN SOLUTION
    n = len(functions)
    if not 1 <= segments <= n:
        raise ValueError(f"segments must be from 1 to {n}, the functions' number; got {segments}")

    def run(part, z):
        for function in part:
            z = function(z)
        return z

    for i in range(segments):
        part = functions[i * n // segments : (i + 1) * n // segments]
        x = checkpoint(partial(run, part), x)
    return x
    ### END SOLUTION


# %% checks="checkpoint-sequential" points=3
_log = []


def _noting(number):
    def function(z):
        _log.append(number)
        return z * float(number)

    return function


_functions = [_noting(number) for number in (1, 2, 3, 4, 5)]
_x = Variable(2.0)
_y = checkpoint_sequential(_functions, 2, _x)
check(_y, 240.0, hint="checkpoint_sequential: 2 * 1 * 2 * 3 * 4 * 5, one after the other")
check(_log, [1, 2, 3, 4, 5], hint="each function is called once on the way there")
_y.backward()
check(_x.grad, 120.0, hint="checkpoint_sequential: see the hint on right values, wrong gradients")
check(len(_log), 10, hint="each function is called once more on the way back: checkpoint them all")
check(_log[5] in (3, 4), True, hint="two segments of 2 and 3: the later is called again first")
_log.clear()
checkpoint_sequential(_functions, 5, _x).backward()
check(_log[5:], [5, 4, 3, 2, 1], hint="as many segments as functions: one function in each")
check_raises(ValueError, lambda: checkpoint_sequential(_functions, 0, _x), hint="at least one")
check_raises(ValueError, lambda: checkpoint_sequential(_functions, 6, _x), hint="at most five")
### BEGIN HIDDEN TESTS


def layers_that_note(factors):
    """Functions of their own, and the list in which they note their numbers when they are called."""
    log = []

    def layer(number, factor):
        def call(z):
            log.append(number)
            return z * float(factor)

        return call

    return [layer(i, factor) for i, factor in enumerate(factors)], log


def segment_lengths(log):
    """How long the runs of ascending numbers are: the segments, as they were called again."""
    ends = [i for i in range(1, len(log)) if log[i] != log[i - 1] + 1]
    return sorted(int(n) for n in np.diff([0, *ends, len(log)]))


@observe(factors=normal(7), x=normal(3), seed=normal(3), segments=integers(low=2, high=6))
def values_and_gradients_of_different_functions(autograd, factors, x, seed, segments):
    """The same as without checkpoints, though each function does something else."""
    functions, _ = layers_that_note(factors)
    x = autograd.Variable(x)
    out = autograd.checkpoint_sequential(functions, segments, x)
    out.backward(seed)
    return out.numpy(), x.grad


@observe(factors=normal(5), x=normal(3, dtype="float32"), segments=integers(low=1, high=6))
def segments_in_float32(autograd, factors, x, segments):
    """float32 stays float32."""
    x = autograd.Variable(x)
    out = autograd.checkpoint_sequential(layers_that_note(factors)[0], segments, x)
    out.sum().backward()
    return out.numpy(), str(out.dtype), x.grad, str(x.grad.dtype)


@observe(factors=uniform(11, low=0.5, high=1.5), x=normal())
def segments_are_nearly_equal(autograd, factors, x):
    """11 functions in 1, 3, 4, 6, 8 and 11 segments: the lengths, from the order of the second calls."""
    found = []
    for segments in (1, 3, 4, 6, 8, 11):
        functions, log = layers_that_note(factors)
        leaf = autograd.Variable(np.array(x))
        autograd.checkpoint_sequential(functions, segments, leaf).backward()
        found.append((segment_lengths(log[len(factors) :]), leaf.grad))
    return found


@observe(factors=uniform(9, low=0.5, high=1.5), x=normal(), segments=integers(low=1, high=10))
def each_function_is_called_once_there_and_once_back(autograd, factors, x, segments):
    """In its order on the way there; and not again inside no_grad, where there is no way back."""
    functions, log = layers_that_note(factors)
    x = autograd.Variable(x)
    out = autograd.checkpoint_sequential(functions, segments, x)
    there = list(log)
    out.backward()
    log_of_both = sorted(log)
    log.clear()
    with autograd.no_grad():
        last = autograd.checkpoint_sequential(functions, segments, x)
    return there, log_of_both, list(log), last.item(), x.grad


@observe(x=normal(4, 3), weights=normal(5, 3), seed=normal(4, 3), segments=integers(low=1, high=6))
def weights_inside_the_functions_get_their_gradients(autograd, x, weights, seed, segments):
    """Each function multiplies by a weight of its own; the functions come as a tuple."""
    weights = [autograd.Tensor(w, requires_grad=True) for w in weights]
    functions = tuple((lambda z, w=w: z * w) for w in weights)
    x = autograd.Variable(x, requires_grad=False)
    autograd.checkpoint_sequential(functions, segments, x).backward(seed)
    return [w.grad for w in weights]


@observe(factors=normal(4), x=normal())
def wrong_numbers_of_segments_are_refused(autograd, factors, x):
    """Zero, negative, and more than there are functions; the largest that fits is not."""
    functions, log = layers_that_note(factors)
    x = autograd.Variable(x)
    calls = [
        lambda n=n, f=f: autograd.checkpoint_sequential(f, n, x)
        for f, n in [(functions, 0), (functions, -2), (functions, 5), ([], 1), ([], 0)]
    ]
    good = [autograd.checkpoint_sequential(functions, n, x).item() for n in (1, 4)]
    return good, [raised(call) for call in calls], len(log)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Memory against the number of segments

The chain of 1,000 layers again, with every number of segments from 1 to 1,000 (well, seven of them).
"""

# %% demo=true
chain = [counted_layer] * 1000
plain_gradient = gradient_of_chain(chain).copy()
segment_numbers = np.array([1, 4, 16, 32, 64, 250, 1000])
peaks, calls = [], []
for k in segment_numbers:
    layer_calls = 0
    whole = [partial(checkpoint_sequential, chain, int(k))]
    peaks.append(peak_memory(lambda whole=whole: gradient_of_chain(whole)))
    calls.append(layer_calls)
    assert (start_of_chain.grad == plain_gradient).all()

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
left.loglog(segment_numbers, peaks, "o-", label="measured")
left.loglog(
    segment_numbers,
    40_000 / 2**20 * (segment_numbers + 1000 / segment_numbers),
    "--",
    label="k + n / k",
)
left.axhline(plain_peak, color="black", linewidth=1, linestyle=":", label="without checkpoints")
left.set_ylim(1.5, 200)
left.set_ylabel("most memory, MiB")
right.semilogx(segment_numbers, calls, "o-", label="with checkpoints")
right.axhline(1000, color="black", linewidth=1, linestyle=":", label="without checkpoints")
right.set_ylim(0, 2500)
right.set_ylabel("calls of a layer")
for axes in (left, right):
    axes.set_xlabel("segments k")
    axes.legend(loc="upper center" if axes is left else "lower right")
show(
    figure,
    "Left: the most memory against the number of segments k, both axes logarithmic: a valley "
    "with its lowest place near the square root of the number of layers, along the dashed "
    "curve k + n / k and far below the dotted line without checkpoints. Right: the calls of "
    "a layer, about twice those without checkpoints.",
)

best = int(np.argmin(peaks))
print(
    f"without: {plain_peak:.1f} MiB; with {segment_numbers[best]} segments: {peaks[best]:.1f} MiB"
)
plain_time = seconds(lambda: gradient_of_chain(chain))
whole = [partial(checkpoint_sequential, chain, 32)]
time_with_32 = seconds(lambda: gradient_of_chain(whole))
print(f"time: {1000 * plain_time:.0f} ms without, {1000 * time_with_32:.0f} ms with 32 segments")

# %% [markdown]
r"""
*The figure: on the left memory against the number of segments, both logarithmic: a V with its lowest point at 32
segments, 2.7 MiB in place of 39, on the predicted curve $k + n/k$; at both ends nothing is saved. On the right the
calls of a layer: 2,000 for every number of segments, 1,000 without checkpoints.*

The gradients are the same to the last bit. The time lay between equal and nearly twice as long in our
runs, and not at the rule's $\frac{4}{3}$: a `tanh` is so short that fetching memory and Python's own work count as much. For
matrix products, which do much with little memory, the rule holds: 64 layers with $256 \times 256$ weights each took
83 ms without and 111 ms with 8 segments, 1.35 times as long.

A segment may have checkpoints of its own. Three levels, with ten parts at each:
"""

# %% demo=true
layer_calls = 0
hundreds = [partial(checkpoint_sequential, chain[i : i + 100], 10) for i in range(0, 1000, 100)]
whole = [partial(checkpoint_sequential, hundreds, 10)]
print(f"three levels: {peak_memory(lambda: gradient_of_chain(whole)):.1f} MiB, {layer_calls} calls")

# %% [markdown]
r"""
Half of that, for three calls of each layer in place of two.
"""

# %% [markdown]
r"""
### 10. Operations of your own (optional)

Why would anyone write an operation by hand, when the engine differentiates every composition? Take the **softplus**,
$\log(1 + e^x)$, a relu with a rounded corner. Composed, just as the formula says:
"""

# %%
x = Variable(np.array([-800.0, -40.0, 0.0, 40.0, 800.0]))
with np.errstate(over="ignore"):
    naive = log(1 + exp(x))
    naive.sum().backward()
print("value:   ", naive.numpy())
print("gradient:", x.grad)

# %% [markdown]
r"""
At 800 the value is infinite and the gradient `nan`, where 800 and 1 are right. $e^{800}$ is too large for a float64;
then the rule of the logarithm divides by infinity, the rule of the exponential multiplies the 0 that comes out by
infinity, and $0 \cdot \infty$ is `nan`. And at −40 the value is 0, where $4.2 \cdot 10^{-18}$ is right: $1 + e^{-40}$
is 1 in sixteen digits, all that was in the small number is gone.

Both are cured by mathematics, not by the engine. For positive $x$ take $e^x$ out of the logarithm, and use `np.log1p`,
which computes $\log(1 + t)$ without computing $1 + t$ first:

$$\log(1 + e^x) = \max(x, 0) + \log\!\big(1 + e^{-|x|}\big), \qquad \frac{d}{dx} \log(1 + e^x) = \frac{e^x}{1 + e^x} = \sigma(x).$$

The exponent is never positive, so nothing overflows. And the derivative, found on paper, is a function that you
have already, without any detour through infinity. (From the stable formula the engine would find it through
a maximum and an absolute value, and at 0 as $\frac{1}{2} - 0$: right only because the conventions happen to fit.)

A class with two static methods makes an operation of the two formulas:

- `forward(ctx, x)` computes the result, unrecorded, and leaves in `ctx` what the way back will need,
  `ctx.save_for_backward(x)`;
- `backward(ctx, grad)` takes it out, `(x,) = ctx.saved_tensors`, and returns the gradient by each input: one, or a
  tuple.

`YourFunction.apply(x)` runs it and takes the note, a `CustomOperation`. With `create_graph` the saved tensors
are variables that know where they come from, so a `backward` that is written with operators can itself be
differentiated. It is checked, too: another number of gradients than inputs, or a gradient of the wrong shape, is an
error with a sentence. (The names are those of `torch.autograd.Function`.)
"""


# %%
#| export
class Context:
    """What the forward pass of a `Function` leaves for its backward pass.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each input, whether its gradient is wanted.
    saved_tensors : tuple
        What `save_for_backward` was given; variables where it was inputs or results.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]):
        self.needs_input_grad = needs_input_grad
        self.saved: tuple = ()
        self.stand_ins: dict[int, Variable] = {}

    def save_for_backward(self, *saved) -> None:
        """Keep inputs, the output, or whatever else the backward pass will need."""
        self.saved = saved

    @property
    def saved_tensors(self) -> tuple:
        return tuple(self.stand_ins.get(id(x), x) for x in self.saved)


class Function:
    """An operation with a forward and a backward pass of your own.

    Derive from it, write the two static methods, and call ``YourFunction.apply(x, …)``.

    Examples
    --------
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3.0 * x * x
    >>> x = Variable(2.0)
    >>> Cube.apply(x).backward()
    >>> float(x.grad)
    12.0
    """

    @staticmethod
    def forward(ctx: Context, *inputs, **parameters):
        """Compute the result from the inputs, as they were given to `apply`."""
        raise NotImplementedError("a Function needs a static method forward(ctx, …)")

    @staticmethod
    def backward(ctx: Context, grad: Variable):
        """The gradient by each input, from the one by the output; None where there is none.

        With operators of variables, it can itself be differentiated.
        """
        raise NotImplementedError("a Function needs a static method backward(ctx, grad)")

    @classmethod
    def apply(cls, *inputs, **parameters) -> Variable:
        """Run the forward pass, and record it.

        Parameters
        ----------
        *inputs, **parameters
            Handed to `forward`. Gradients are asked for those inputs that require one.

        Returns
        -------
        Variable
            The result of `forward`.

        Raises
        ------
        RuntimeError, ValueError
            In the backward pass, if `backward` gives another number of gradients than there are
            inputs, or a gradient of another shape.
        """
        ctx = Context(tuple(needs_gradient(x) for x in inputs))
        with no_grad():
            result = cls.forward(ctx, *inputs, **parameters)
        array = np.array(value(result)) if any(result is x for x in inputs) else value(result)
        array = as_array(array)
        if not (recording.enabled and any(ctx.needs_input_grad)):
            if recording.touched is not None:
                recording.touched.update((x, None) for x in inputs if needs_gradient(x))
            return computed(array)
        note = CustomOperation(cls, inputs, {}, array)
        note.ctx, note.result = ctx, id(result)
        return computed(array, note)


class CustomOperation(Operation):
    """A recorded call of a `Function`."""

    __slots__ = ("ctx", "result")

    def __call__(self, grad, out=None, values=None) -> list:
        """Call the backward pass that the user has written, and check what it gives."""
        refuse_changes(self)
        if values is not None:
            self.ctx.stand_ins = dict(zip(map(id, self.inputs), values, strict=True))
            self.ctx.stand_ins[self.result] = out
        grad = grad if isinstance(grad, Variable) else computed(grad)
        given = self.function.backward(self.ctx, grad)
        self.ctx.stand_ins = {}
        parts = list(given) if isinstance(given, (tuple, list)) else [given]
        name = f"{name_of(self.function)}.backward"
        if len(parts) != len(self.inputs):
            raise RuntimeError(
                f"{name} gave {len(parts)} gradients for {len(self.inputs)} inputs; "
                "return one for each, and None where there is none"
            )
        for i, (x, part) in enumerate(zip(self.inputs, parts, strict=True)):
            if part is None or not needs_gradient(x):
                parts[i] = None
            else:
                part = part if values is not None and isinstance(part, Variable) else value(part)
                parts[i] = same_shape(part, x, name)
        return parts


# %% [markdown]
r"""
#### Exercise 30: `Softplus`

Write it with the two formulas above. In numbers, from $x = (0, 800)$ with `grad` $= (3, 1)$: the value is
$(\log 2, 800) = (0.693, 800)$, the gradient $(3 \cdot \frac{1}{2}, 1) = (1.5, 1)$.

Inside both methods `x` is a variable, and `grad` is one: use `maximum`, `np.log1p`, `np.exp`, `abs`, `sigmoid` of this
module, and operators, not `np.asarray`. Your `sigmoid` of module 2 does not overflow.
"""


# %% exercise="softplus"
class Softplus(Function):
    """log(1 + exp(x)), for x of any size, to all digits."""

    @staticmethod
    def forward(ctx: Context, x: Variable) -> Variable:
        """Save what the way back needs, and compute max(x, 0) + log1p(exp(-|x|))."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
        ### END SOLUTION

    @staticmethod
    def backward(ctx: Context, grad: Variable) -> Variable:
        """The derivative of log(1 + exp(x)) is sigmoid(x)."""
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad * sigmoid(x)
        ### END SOLUTION


# %% checks="softplus" points=3
_x = Variable(np.array([0.0, 800.0, -800.0]))
_y = Softplus.apply(_x)
check(
    Softplus.apply(_x),
    [np.log(2), 800.0, 0.0],
    hint="max(x, 0) + log1p(exp(-|x|)) does not overflow",
)
_y.backward([3.0, 1.0, 5.0])
check(
    _x.grad, [1.5, 1.0, 0.0], hint="(x,) = ctx.saved_tensors, a tuple; then grad times sigmoid(x)"
)
check(
    Softplus.apply(Variable(np.array(-40.0))).item() / np.exp(-40.0),
    1.0,
    hint="log1p(t), not log(1 + t): at -40 the value is as large as exp(-40)",
)
_x = Variable(np.array([0.0, 1.0]))
(_first,) = grad(Softplus.apply(_x).sum(), _x, create_graph=True)
check(
    grad(_first.sum(), _x),
    ([0.25, 0.196612],),
    hint="the derivative of sigmoid: backward must use variables, not arrays",
)
check(str(Softplus.apply(Variable([1.0])).dtype), "float32", hint="float32 stays float32")
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3))
def values_of_softplus(autograd, x):
    """Around zero, where both formulas agree."""
    out = autograd.Softplus.apply(autograd.Variable(3 * x))
    return out.numpy(), type(out).__name__, type(out.grad_fn).__name__


@observe(large=uniform(3, low=100.0, high=5000.0), small=uniform(3, low=38.0, high=600.0))
def values_of_softplus_far_out(autograd, large, small):
    """x itself far to the right; far to the left exp(x), of which the logarithm is taken here."""
    with np.errstate(all="ignore"):
        right = autograd.Softplus.apply(autograd.Variable(large)).numpy()
        left = autograd.Softplus.apply(autograd.Variable(-small)).numpy()
        return right, np.log(left)


@observe(x=normal(2, 3), seed=normal(2, 3))
def gradients_of_softplus(autograd, x, seed):
    """sigmoid(x) times the gradient that arrives."""
    x = autograd.Variable(x)
    autograd.Softplus.apply(x).backward(seed)
    return x.grad


@observe(
    large=uniform(2, low=720.0, high=5000.0), small=uniform(2, low=38.0, high=600.0), seed=normal(4)
)
def gradients_of_softplus_far_out(autograd, large, small, seed):
    """1 on the right, exp(x) on the left (as a logarithm); no nan."""
    x = autograd.Variable(np.array([*large, *-large, *-small]))
    with np.errstate(all="ignore"):
        autograd.Softplus.apply(x).backward([*seed, 1.0, 1.0])
        return x.grad[:4], np.log(x.grad[4:])


@observe(x=normal(4), seeds=normal(2, 4))
def second_derivatives_of_softplus(autograd, x, seeds):
    """Also far out, where they are 0."""
    x = autograd.Variable(np.array([*x, 900.0, -900.0]))
    ones = np.ones(2)
    with np.errstate(all="ignore"):
        out = autograd.Softplus.apply(x)
        (first,) = autograd.grad(out, x, [*seeds[0], *ones], create_graph=True)
        return autograd.grad(first, x, [*seeds[1], *ones])[0]


@observe(x=normal(3, dtype="float32"))
def softplus_in_float32_and_of_constants(autograd, x):
    """float32 stays float32; a variable that needs no gradient gets no history."""
    wanted, constant = autograd.Variable(x), autograd.Variable(x, requires_grad=False)
    out = autograd.Softplus.apply(wanted)
    out.sum().backward()
    plain = autograd.Softplus.apply(constant)
    return str(out.dtype), str(wanted.grad.dtype), plain.numpy(), plain.is_leaf


### END HIDDEN TESTS

# %% [markdown]
r"""
The same five places as in the beginning:
"""

# %%
x = Variable(np.array([-800.0, -40.0, 0.0, 40.0, 800.0]))
stable = Softplus.apply(x)
stable.sum().backward()
print("value:   ", stable.numpy())
print("gradient:", x.grad)

# %% [markdown]
r"""
And is your rule right in the middle of an expression, too? `explain` compares the rule of every operation with a central
difference, one after the other along the graph, and says which is the first that disagrees. To see what that looks like,
a softplus in whose derivative a minus sign has crept in:
"""


# %%
class Hasty(Softplus):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * sigmoid(-x)


places = np.array([-2.0, 0.5, 3.0])
print(explain(lambda v: (v * Softplus.apply(v)).sum(), places), "\n")
print(explain(lambda v: (v * Hasty.apply(v)).sum(), places))

# %% [markdown]
r"""
### 11. Tools for training and for doubt (optional)

#### Gradients that explode

Fifty times the same step, $z \leftarrow w z + b$, as in a recurrent network. The gradient by $w$ has the factor
$w^{49}$ in it. That is 7,600 for $w = 1.2$, and nearly nothing for $w = 0.8$. The loss wants $z = 1$ in the end; start
at $w = 1.2$, $b = 0.1$, and go down the gradient with a rate of 0.01:
"""


# %% demo=true
def train_recurrent(steps, prepare):
    """Gradient descent on w and b; `prepare` may change the gradients before each step."""
    w, b, losses = Variable(np.array(1.2)), Variable(np.array(0.1)), []
    for _ in range(steps):
        z = 0.0
        for _ in range(50):
            z = w * z + b
        w.zero_grad()
        b.zero_grad()
        loss = (z - 1) ** 2
        loss.backward()
        losses.append(loss.item())
        norm = np.hypot(w.grad, b.grad)
        prepare([w, b])
        w.data.data = w.data.data - 0.01 * w.grad
        b.data.data = b.data.data - 0.01 * b.grad
        if len(losses) in (1, 2, 3, 10, 20, 40, 80):
            print(
                f"loss {losses[-1]:9.2g}   norm of the gradient {norm:8.2g}   then w = {w.item():.3g}"
            )
    return losses


with np.errstate(all="ignore"):
    exploded = train_recurrent(3, prepare=lambda parameters: None)

# %% [markdown]
r"""
One step, and everything is lost: the slope at the start is $1.6 \cdot 10^9$, so the step goes fifteen million to the
left, where the loss is too large for a float64. A slope is a statement about the *neighbourhood*. The steeper it is,
the smaller is the neighbourhood in which it means anything, and the update $-\eta \nabla L$ does the opposite: the
steeper, the further. The direction is good; the length is not. So limit the length. With all gradients of the
network together taken as **one** long vector $g$,

$$g \leftarrow g \cdot \min\!\Big(1, \frac{c}{\lVert g \rVert}\Big), \qquad \lVert g \rVert = \sqrt{\textstyle\sum_i g_i^2}.$$

In numbers: with the gradients $(3, 0)$ and $(4)$ of two parameters and $c = 1$ the norm is 5, and they become
$(0.6, 0)$ and $(0.8)$. With $c = 10$ nothing happens.

#### Exercise 31: `clip_grad_norm_`

The gradients are changed in place (the underscore at the end of the name says so, as in PyTorch). What to watch:

- One norm for all parameters. Clipping each by itself would change the direction.
- float32 ends at $3.4 \cdot 10^{38}$, so the square of $10^{20}$ is infinite already. An exploding gradient gets
  there. Square in float64: `np.square(g, dtype=np.float64)`.
- A norm that is infinite or `nan` cannot be mended by any factor ($0 \cdot \infty$ is `nan`, and all finite elements
  would become 0). Then leave the gradients alone; the caller sees from the norm what has happened.

`gradients_of(parameters)`, given, lists the arrays that are to be scaled: it takes one parameter or several,
leaves out those without a gradient, and gives each array once.
"""


# %%
#| export
def gradients_of(parameters) -> list[np.ndarray]:
    """The gradients of those parameters that have one, as arrays to be changed; each only once.

    A gradient that is a variable (from ``create_graph=True``) is first replaced by an array.
    """
    given = [parameters] if hasattr(parameters, "requires_grad") else list(parameters)
    for x in given:
        if isinstance(x.grad, Variable):
            x.grad = np.array(x.grad.data.data)
    return list({id(x.grad): x.grad for x in given if x.grad is not None}.values())


# %% exercise="clipping"
#| export
def clip_grad_norm_(parameters, max_norm: float) -> float:
    """Scale the gradients of all parameters together, in place, to a norm of at most `max_norm`.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    max_norm : float
        The largest norm to allow, not negative.

    Returns
    -------
    float
        The norm before: the square root of the sum of the squares of all elements of all gradients.
        If it is not finite, no gradient is changed.

    Raises
    ------
    ValueError
        If `max_norm` is negative or not a number.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks".

    Approach
    --------
    1. Refuse a `max_norm` that is not at least 0 (``not max_norm >= 0`` holds for a nan, too).
    2. Add up the squares, in float64, of all `gradients_of` the parameters, and take the root.
    3. If the norm is finite and larger than `max_norm`, multiply each array in place.
    """
    ### BEGIN SOLUTION
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be a number that is not negative, but got {max_norm!r}")
    gradients = gradients_of(parameters)
    norm = float(np.sqrt(sum(np.square(g, dtype=np.float64).sum() for g in gradients)))
    if max_norm < norm < np.inf:
        for g in gradients:
            g *= max_norm / norm
    return norm
    ### END SOLUTION


# %% checks="clipping" points=2
_p, _q, _unused = Variable([1.0, 2.0]), Tensor([3.0], requires_grad=True), Variable(1.0)
_p.grad, _q.grad = np.array([3.0, 0.0]), np.array([4.0])
check(clip_grad_norm_([_p, _q, _unused], 10.0), 5.0, hint="one norm, of all elements together")
check([_p.grad[0], _q.grad[0]], [3.0, 4.0], hint="clip_grad_norm_: a small norm, nothing to do")
_before = _p.grad
check(clip_grad_norm_([_p, _q, _unused], 1.0), 5.0, hint="give the norm before clipping")
check([_p.grad[0], _q.grad[0]], [0.6, 0.8], hint="clip_grad_norm_: all times max_norm / norm")
check(_p.grad is _before, True, hint="in place: g *= …")
_p.grad = np.array([3e20, 4e20], dtype=np.float32)
check(clip_grad_norm_(_p, 1.0) / 5e20, 1.0, hint="square in float64")
_p.grad = np.array([np.inf, 1.0])
clip_grad_norm_(_p, 1.0)
check(_p.grad[1], 1.0, hint="leave the gradients alone if the norm is not finite")
check_raises(ValueError, lambda: clip_grad_norm_([_p], -1.0), hint="a negative norm makes no sense")
### BEGIN HIDDEN TESTS


def with_gradients(autograd, *gradients):
    """Variables and tensors that have these gradients."""
    made = []
    for i, g in enumerate(gradients):
        kind = autograd.Variable if i % 2 else autograd.Tensor
        made.append(kind(np.zeros_like(g), requires_grad=True))
        made[-1].grad = g.copy()
    return made


@observe(a=normal(2, 3), b=normal(4), c=normal(1), part=uniform(low=0.1, high=0.6))
def several_gradients_are_scaled_by_one_factor(autograd, a, b, c, part):
    """To a part of their common norm; the norm before comes back."""
    parameters = with_gradients(autograd, a, b, c)
    norm = autograd.clip_grad_norm_(parameters, part)
    return norm, [p.grad for p in parameters]


@observe(a=normal(2, 3), b=normal(4), more=uniform(low=0.1, high=5.0))
def gradients_with_a_small_norm_stay(autograd, a, b, more):
    """The limit is larger than the norm, and they are not scaled up."""
    parameters = with_gradients(autograd, a, b)
    limit = float(np.sqrt((a * a).sum() + (b * b).sum())) + more
    return autograd.clip_grad_norm_(parameters, limit), [p.grad for p in parameters]


@observe(a=normal(3), b=normal(2, dtype="float32"), limit=uniform(low=0.05, high=0.2))
def the_arrays_themselves_are_changed(autograd, a, b, limit):
    """Seen through the arrays that were there before; dtypes stay."""
    parameters = with_gradients(autograd, a, b)
    arrays = [p.grad for p in parameters]
    autograd.clip_grad_norm_(parameters, limit)
    return arrays, [str(p.grad.dtype) for p in parameters], [p.grad for p in parameters]


@observe(a=normal(3), b=normal(2), limit=uniform(low=0.05, high=0.2))
def one_parameter_any_iterable_and_parameters_without_gradient(autograd, a, b, limit):
    """A single variable; a generator; a parameter that has no gradient; none at all."""
    one, two = with_gradients(autograd, a, b)
    unused = autograd.Variable(a)
    norms = [autograd.clip_grad_norm_((p for p in (unused, one, two)), limit)]
    norms.append(autograd.clip_grad_norm_(two, limit / 10))
    norms.append(autograd.clip_grad_norm_([unused], limit))
    return norms, one.grad, two.grad, unused.grad


@observe(
    a=normal(4, dtype="float32"),
    limit=uniform(low=0.5, high=2.0),
    far=uniform(3, low=1.0, high=2.0),
)
def large_float32_gradients_and_norms_that_are_not_finite(autograd, a, limit, far):
    """1e25 in float32 is clipped as usual; infinity and nan leave everything as it is."""
    with np.errstate(all="ignore"):
        (large,) = with_gradients(autograd, a * np.float32(1e25))
        norm = autograd.clip_grad_norm_([large], limit)
        found = [norm / 1e25, large.grad]
        for strange in (np.inf, np.nan):
            parameters = with_gradients(autograd, far, np.array([strange, far[0]]))
            autograd.clip_grad_norm_(parameters, limit)
            found.append([parameters[0].grad, parameters[1].grad[1]])
    return found


@observe(a=normal(3))
def limits_that_make_no_sense_are_refused_and_zero_is_not(autograd, a):
    """Negative and nan; a limit of zero makes zeros, also of zeros."""
    refused = []
    for limit in (-1.0, float("nan")):
        parameters = with_gradients(autograd, a)
        refused.append(raised(lambda p=parameters, n=limit: autograd.clip_grad_norm_(p, n)))
        refused.append(parameters[0].grad)
    some, none = with_gradients(autograd, a, np.zeros(2))
    norms = [autograd.clip_grad_norm_(p, 0.0) for p in (some, none)]
    return refused, norms, some.grad, none.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
The same training, with a norm of at most 1:
"""

# %% demo=true
clipped = train_recurrent(80, prepare=lambda parameters: clip_grad_norm_(parameters, 1.0))

# %% [markdown]
r"""
From a loss of twenty million to less than 0.1, although the gradient at the start is as long as before: now each step
is at most 0.01 long.

`clip_grad_value_` is simpler, and coarser: each element by itself goes into the interval from $-c$ to $c$. That
changes the direction: $(3, 4)$ becomes $(1, 1)$.
"""


# %%
#| export
def clip_grad_value_(parameters, clip_value: float) -> None:
    """Move every element of every gradient, in place, into ``[-clip_value, clip_value]``.

    Parameters
    ----------
    parameters : Variable, Tensor, or iterable of them
        Those without a gradient are left alone.
    clip_value : float
        The largest element to allow, not negative.

    Raises
    ------
    ValueError
        If `clip_value` is negative or not a number.
    """
    if not clip_value >= 0:
        raise ValueError(
            f"clip_value must be a number that is not negative, but got {clip_value!r}"
        )
    for g in gradients_of(parameters):
        np.clip(g, -clip_value, clip_value, out=g)


# %%
p = Variable([0.0, 0.0])
for clip_in_place in (clip_grad_norm_, clip_grad_value_):
    p.grad = np.array([3.0, 4.0])
    clip_in_place(p, 1.0)
    print(clip_in_place.__name__, p.grad)

# %% [markdown]
r"""
#### Is this gradient right?

You judged your rules with `numerical_gradient`. For whole functions, and for operations that people write
themselves, that yardstick has two weaknesses. The first is the **seed**. One right operation, and four wrong
ones:
"""


# %%
def operation(name, value_of, gradient_of):
    """A Function from two formulas; `gradient_of(grad, x)` may be wrong."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return value_of(x)

    def backward(ctx, grad):
        return gradient_of(grad, *ctx.saved_tensors)

    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type(name, (Function,), methods)


suspects = [
    operation("right", lambda x: x * x, lambda grad, x: 2.0 * grad * x),
    operation("forgets_grad", lambda x: x * x, lambda grad, x: 2.0 * x),
    operation("transposes_once", lambda x: x.T, lambda grad, x: grad),
    operation("forgets_order", lambda x: x[::-1] * 3.0, lambda grad, x: 3.0 * grad),
    operation("wrong_factor", lambda x: x * x, lambda grad, x: 3.0 * grad * x),
]
matrix = rng.normal(size=(3, 3))


def sum_of(suspect, m):
    return suspect.apply(m).sum().item()


for suspect in suspects:
    by_difference = numerical_gradient(partial(sum_of, suspect), matrix)
    x = Variable(matrix)
    suspect.apply(x).sum().backward()
    verdict = "passes" if np.allclose(x.grad, by_difference, atol=1e-6) else "fails"
    print(f"{suspect.__name__:16} {verdict} the test with .sum()")

# %% [markdown]
r"""
Three of the four wrong ones pass: a `sum()` starts with a gradient of ones, all the same, and then a forgotten factor
and a wrong place cannot be seen. So the outputs have to be **weighted at random**: test $L = \sum_i w_i\,y_i$.

The second weakness is the price: two calls for *each* element. But if one only wants to know *whether* all is right,
one number is enough. Choose a random direction $d$ as well, and compare the slope of $L$ along it:

$$\underbrace{\textstyle\sum_j \frac{\partial L}{\partial x_j} d_j}_{\text{by the gradient}} \quad\text{with}\quad
\underbrace{\frac{L(x + \varepsilon d) - L(x - \varepsilon d)}{2 \varepsilon}}_{\text{by the difference}} .$$

If the gradient is wrong by $e \neq 0$, the left side is wrong by $e \cdot d$. For a random $d$ (of normally distributed
numbers) that is a normally distributed number with the standard deviation $\lVert e \rVert$: it is exactly 0 with
probability 0, and the chance that it is smaller than a thousandth of $\lVert e \rVert$ is 0.08 %. So one direction
finds nearly every mistake, at the price of one gradient and two calls, for any number of elements. *Which* element
is wrong it does not say; to explain a failure, and only then, it is worth going through them.

#### Exercise 32: `slopes_along`

Write the heart of `gradcheck`: both slopes. There may be several inputs and several outputs, so inputs, directions
and weights are tuples of arrays, and all of them add up. In numbers: $f(x, y) = x y$ at $(2, 3)$ with the direction
$(1, 10)$ and the weight 5. By the gradient: $5 \cdot (3 \cdot 1 + 2 \cdot 10) = 115$. By the difference with
$\varepsilon = 0.1$: $5 \cdot (2.1 \cdot 4 - 1.9 \cdot 2) / 0.2 = 115$.

<details>
<summary>Hint: what there is</summary>

`vjp(f, xs, weights)[1]` is the tuple of the gradients of $\sum_i w_i y_i$. And `call_recorded(f, xs, False)[1]` calls
`f` with variables made of arrays, and gives what it returned: `as_tuple(…)` of that is a tuple of outputs.

</details>
"""


# %% exercise="gradcheck"
#| export
def slopes_along(
    f: Callable, xs: tuple, directions: Sequence, weights: tuple, eps: float
) -> tuple[float, float]:
    """The slope of the weighted sum of all outputs along a direction, in two ways.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    xs : tuple of ndarray
        Its inputs; not changed.
    directions : sequence of ndarray
        For each input an array of its shape: the direction.
    weights : tuple of ndarray
        For each output an array of its shape: the weights.
    eps : float
        How far to step to either side.

    Returns
    -------
    by_gradient : float
        The gradient of ``sum(weights * outputs)`` times the direction, over all inputs.
    by_difference : float
        The central difference of ``sum(weights * outputs)``, all inputs moved at once:
        from ``x - eps * direction`` to ``x + eps * direction``.

    Approach
    --------
    1. Take the gradients with `vjp`, multiply each by its direction, and add up all elements.
    2. Write a function `total(sign)`: move all inputs by ``sign * eps`` times their directions, call
       `f`, and add up all outputs, weighted.
    3. The second slope is ``(total(1) - total(-1)) / (2 * eps)``.
    """
    ### BEGIN SOLUTION
    gradients = vjp(f, xs, weights)[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def total(sign: int) -> float:
        moved = tuple(x + sign * eps * d for x, d in zip(xs, directions, strict=True))
        outputs = as_tuple(call_recorded(f, moved, False)[1])
        return sum(map(np.vdot, weights, [y.numpy() for y in outputs]))

    return by_gradient, (total(1) - total(-1)) / (2 * eps)
    ### END SOLUTION


# %% checks="gradcheck" points=3
_two, _three, _five = np.array(2.0), np.array(3.0), np.array(5.0)
check(
    slopes_along(
        lambda x, y: x * y, (_two, _three), (np.array(1.0), np.array(10.0)), (_five,), 0.1
    ),
    (115.0, 115.0),
    hint="5 (3 · 1 + 2 · 10), and 5 (2.1 · 4 - 1.9 · 2) / 0.2",
)
check(
    slopes_along(lambda x: x * x * x, (_two,), (np.array(1.0),), (np.array(1.0),), 0.1),
    (12.0, 12.01),
    hint="the central difference, as in section 1; the gradient is exact",
)
check(
    slopes_along(lambda x: (x, x * x), (_two,), (np.array(1.0),), (_five, _three), 0.1),
    (17.0, 17.0),
    hint="several outputs: 5 · 1 + 3 · 4",
)
_vector = np.array([1.0, 2.0])
check(
    slopes_along(
        lambda v: v * v, (_vector,), (np.array([1.0, -1.0]),), (np.array([1.0, 10.0]),), 0.5
    ),
    (-38.0, -38.0),
    hint="1 · 2 · 1 + 10 · 4 · (-1): weights and directions for each element",
)
check(_vector, [1.0, 2.0], hint="make new arrays, and leave the inputs as they are")
### BEGIN HIDDEN TESTS


def crooked(autograd, factor):
    """x³ with a gradient that is wrong by a factor."""

    class Crooked(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * x * x * factor

    return Crooked.apply


@observe(x=normal(2, 3), y=normal(3), directions=normal(3, 3), w=normal(2, 3))
def slopes_of_one_output_by_two_inputs(autograd, x, y, directions, w):
    """Both are moved at once, each along its own direction."""
    along = directions[:2], directions[2]
    return autograd.slopes_along(lambda a, b: a * b * a, (x, y), along, (w,), 1e-3)


@observe(x=normal(3), direction=normal(3), w=normal(3), eps=uniform(low=0.3, high=0.6))
def slopes_with_a_large_step(autograd, x, direction, w, eps):
    """The difference is central, over the step that was asked for; the gradient knows no step."""
    return autograd.slopes_along(lambda a: a * a * a, (x,), (direction,), (w,), eps)


@observe(x=normal(3), direction=normal(3), w=normal(3), v=normal(), u=normal(1, 3))
def slopes_of_several_outputs(autograd, x, direction, w, v, u):
    """A tuple of three outputs of different shapes, each with its weights."""

    def f(a):
        return a * a, (a * 3.0).sum(), (a * a * a).reshape(1, 3)

    return autograd.slopes_along(f, (x,), (direction,), (w, np.array(v), u), 0.2)


@observe(x=normal(4), direction=normal(4), w=normal(4), factor=uniform(low=4.0, high=6.0))
def slopes_of_an_operation_with_a_wrong_gradient(autograd, x, direction, w, factor):
    """The first slope comes from the gradient, right or wrong; the second only from values."""
    f = crooked(autograd, factor)
    return autograd.slopes_along(f, (x,), (direction,), (w,), 0.1)


@observe(x=normal(5, 5), y=normal(5), d=normal(5, 5), w=normal(5))
def inputs_stay_and_the_function_is_called_a_few_times_only(autograd, x, y, d, w):
    """Once for the gradient and twice for the difference, however many elements there are."""
    before, calls = [x.copy(), y.copy()], []

    def f(a, b):
        calls.append(1)
        return (a * a * b).sum(axis=1)

    found = autograd.slopes_along(f, (x, y), (d, d[0]), (w,), 0.3)
    return found, len(calls) <= 4, [np.abs(p - q).max() for p, q in zip(before, (x, y))]


@observe(x=normal(2, 2), factor=uniform(low=4.0, high=6.0))
def gradcheck_passes_what_is_right_and_says_where_another_is_wrong(autograd, x, factor):
    """gradcheck and gradgradcheck, which use the slopes."""
    right, wrong = crooked(autograd, 3.0), crooked(autograd, factor)
    found = [autograd.gradcheck(right, x), autograd.gradgradcheck(right, x)]
    try:
        autograd.gradcheck(wrong, x)
        message = "nothing raised"
    except autograd.GradcheckError as error:
        message = str(error)
    return found, message[:60]


### END HIDDEN TESTS

# %% [markdown]
r"""
The rest is given: `gradcheck` draws weights and a direction, compares, and explains; `gradgradcheck` does the same
for the gradient of a function, and so checks the second derivatives.
"""


# %%
#| export
class GradcheckError(RuntimeError):
    """A gradient that differs from the difference quotient."""


def gradcheck(
    f: Callable, inputs, eps: float = 1e-6, atol: float = 1e-6, rtol: float = 1e-5, rng=0
):
    """Check the gradients of `f` against central differences.

    The check itself is one number: the slope of a random combination of the outputs along a random
    direction. If that is wrong, every element is looked at, to say which.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : float64 array or Variable, or tuple of them
        Where to check; away from corners.
    eps : float
        How far to step.
    atol, rtol : float
        How far the numbers may lie apart: ``atol + rtol * |expected|``.
    rng : numpy.random.Generator or int
        The source of the random directions, or its seed.

    Returns
    -------
    True
        If all agrees.

    Raises
    ------
    GradcheckError
        If not; names the input, the element, and both numbers.
    TypeError
        If an input is not float64, in which differences would be too coarse to judge by.
    """
    rng = np.random.default_rng(rng)
    xs = tuple(np.asarray(value(x)) for x in as_tuple(inputs))
    for position, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(
                f"gradcheck needs float64 inputs, but input {position} is {x.dtype}; "
                "differences in it are too coarse, so convert it with .astype(np.float64)"
            )
    outputs = as_tuple(call_recorded(f, xs, False)[1])
    weights = tuple(rng.normal(size=y.shape) for y in outputs)
    directions = [rng.normal(size=x.shape) for x in xs]
    slopes = slopes_along(f, xs, directions, weights, eps)
    if not agree(*slopes, atol, rtol):
        terms = zip(vjp(f, xs, weights)[1], directions, strict=True)
        size = sum(float(np.abs(g * d).sum()) for g, d in terms)  # rounding errors grow with it
        if not agree(*slopes, atol + rtol * size, rtol):
            raise GradcheckError(explanation(f, xs, weights, eps, atol, rtol, slopes))
    return True


def agree(by_gradient: float, by_difference: float, atol: float, rtol: float) -> bool:
    """Whether two slopes are equal within the tolerance; a nan never is."""
    return abs(by_gradient - by_difference) <= atol + rtol * abs(by_difference)


def explanation(f, xs, weights, eps, atol, rtol, slopes) -> str:
    """Which element of which input has a wrong gradient: the first that differs by itself."""
    for position, x in enumerate(xs):
        for index in np.ndindex(x.shape):
            unit = [np.zeros_like(other) for other in xs]
            unit[position][index] = 1.0
            by_gradient, by_difference = slopes_along(f, xs, unit, weights, eps)
            if not agree(by_gradient, by_difference, atol, rtol):
                place = f"element {index} of input {position}" if index else f"input {position}"
                return (
                    f"the gradient by {place} is {by_gradient:.8g}, but the difference quotient is "
                    f"{by_difference:.8g} (outputs weighted at random)"
                )
    return (
        f"along a random direction the slope is {slopes[0]:.8g} by the gradient and {slopes[1]:.8g} "
        "by the difference quotient, though no single element differs"
    )


def gradgradcheck(f: Callable, inputs, **settings):
    """Check the second derivatives of `f`: `gradcheck` of its gradient along a random direction.

    Parameters
    ----------
    f, inputs, **settings
        As in `gradcheck`.

    Returns
    -------
    True
        If all agrees.

    Raises
    ------
    GradcheckError, TypeError
        As in `gradcheck`.
    """
    rng = np.random.default_rng(settings.get("rng", 0))
    outputs = as_tuple(call_recorded(f, inputs, False)[1])
    seeds = tuple(rng.normal(size=out.shape) for out in outputs)

    def gradient(*xs):
        return pull_back(as_tuple(f(*xs)), xs, seeds, create_graph=True)

    return gradcheck(gradient, inputs, **settings)


# %%
for suspect in suspects:
    try:
        gradcheck(suspect.apply, matrix)
        print(f"{suspect.__name__:16} passes")
    except GradcheckError as error:
        print(f"{suspect.__name__:16} {error}")

try:
    gradgradcheck(lambda v: apply(cube_of, v), np.array([3.0, 4.0]))
except GradcheckError as error:
    print("\nthe rule with np.asarray of section 8, its second derivative:", error)

# %% [markdown]
r"""
All four are found, and so is the rule of section 8 that left the world of variables: its first derivative was right,
so only `gradgradcheck` sees it. And the price, for a $64 \times 64$ matrix, 4,096 elements:
"""

# %% demo=true
large = rng.normal(size=(64, 64))


def through_tanh(m):
    return tanh(m @ m)


weights_of_outputs = rng.normal(size=large.shape)
along_one = seconds(lambda: gradcheck(through_tanh, large), 5)
element_by_element = seconds(
    lambda: numerical_gradient(lambda m: (weights_of_outputs * np.tanh(m @ m)).sum(), large), 1
)
print(f"one random direction: {1000 * along_one:.1f} ms")
print(f"element by element, without any variables: {1000 * element_by_element:.0f} ms")

# %% [markdown]
r"""
Some hundreds of times as fast, and the gap grows with the number of elements. The directions come from a fixed seed, so
that a test gives the same answer every time; `rng=1` takes others.

One thing no check along a direction can do is judge at a corner. At 0 the central difference of relu is $\frac{1}{2}$,
the mean of both sides, and the convention says 0. Check away from corners, and corners by themselves.

#### Where does the NaN come from?

A `nan` in the weights after an hour of training says nothing about where it was made. Here is one that even the forward
pass does not show: the length of a vector, $\sqrt{x^2 + y^2}$, at the origin.
"""

# %%
x, y = Variable(np.array(0.0)), Variable(np.array(1.0))
length = sqrt(x**2 + (y - 1) ** 2)
length.backward()
print("value:", length.item(), "  gradient:", x.grad, y.grad)

# %% [markdown]
r"""
The value is finite, the gradient is not: the slope of the root at 0 is infinite, and the slope of the square is 0. With
`detect_anomaly` the engine looks at every result and every gradient, and stops at the *first* that is not finite
although all that it was made from is. The error names the operation, and the line of **your** program that called it,
also for a gradient: the line is noted when the operation is.
"""


# %%
#| export
class AnomalyError(RuntimeError):
    """An operation made the first number that is not finite."""


class detect_anomaly(contextlib.ContextDecorator):
    """Raise an error at the operation that first makes a NaN or an infinity.

    In a ``with detect_anomaly():`` block or a decorated function; forwards and backwards. The error
    names the operation, what it was given, and the line of the program that called it. Slow: for
    looking for a mistake only.
    """

    def __enter__(self) -> detect_anomaly:
        alarms.append(threading.get_ident())
        return self

    def __exit__(self, *error) -> None:
        alarms.remove(threading.get_ident())


origins: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def users_line() -> str:
    """Where the program outside of TinyTorch is: file, line, and the text of the line."""
    frame = sys._getframe(1)
    functions = (
        record,
        look_at,
        look_back,
        Variable.__add__,
        Variable.__apply__,
        add,
        stack,
        concatenate,
    )
    ours = {function.__code__ for function in functions}  # in a notebook, where they are the user's
    while frame.f_back and (
        frame.f_globals.get("__name__", "").startswith("tinytorch.") or frame.f_code in ours
    ):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    place = "a cell of the notebook" if "ipykernel" in name else name
    return f"{place}, line {line}: {linecache.getline(name, line).strip()}"


def not_finite(x) -> bool:
    """Whether there is a NaN or an infinity among floating numbers."""
    array = np.asarray(value(x))
    return array.dtype.kind == "f" and not np.isfinite(array).all()


def look_at(function: Callable, values: Sequence, out: Variable) -> None:
    """Raise an error if `out` is not finite although all that it was made from is."""
    if out.grad_fn is not None:
        origins[out.grad_fn] = users_line()
    if threading.get_ident() in alarms and not_finite(out) and not any(map(not_finite, values)):
        given = ", ".join(f"{np.asarray(x)!s:.60}" for x in values)
        raise AnomalyError(
            f"{name_of(function)} of {given} gave {np.asarray(out)!s:.60} in {users_line()}"
        )


def look_back(node: Variable, grad, parts: Sequence) -> None:
    """Raise an error if a gradient is not finite although the one that it was made from is."""
    if threading.get_ident() not in alarms or not_finite(grad):
        return
    for position, part in enumerate(parts):
        if part is not None and not_finite(part):
            raise AnomalyError(
                f"the gradient by input {position} of {node.grad_fn!r} is {np.asarray(part)!s:.60}; "
                f"it was called in {origins.get(node.grad_fn, 'a line that was not watched')}"
            )


class Handle:
    """What `register_hook` gives: call ``remove()`` to take the hook off again."""

    def __init__(self, hooks: dict, key: int):
        self.hooks, self.key = hooks, key

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self.hooks.pop(self.key, None)


# %%
try:
    with detect_anomaly():
        x, y = Variable(np.array(0.0)), Variable(np.array(1.0))
        length = sqrt(x**2 + (y - 1) ** 2)
        length.backward()
except AnomalyError as error:
    print("backwards:", error)
try:
    with detect_anomaly(), np.errstate(divide="ignore"):
        logarithms = log(Variable([1.0, 0.0]) * 2.0)
except AnomalyError as error:
    print("forwards: ", error)

# %% [markdown]
r"""
Looking at everything takes time, so switch it on when something is wrong, and off again.

#### Hooks: looking at a gradient as it passes by

`backward` keeps the gradients of leaves only. `register_hook` has a function of yours called with the complete gradient
of *any* variable, at the moment when the walk comes by; and if the function returns something, that takes the
gradient's place from there on. Here eight sigmoids in a row, with a hook on the value after each:
"""

# %%
seen = {}
z = Variable(np.zeros(4))
for depth in range(1, 9):
    z = sigmoid(z)
    z.register_hook(lambda gradient, depth=depth: seen.update({depth: gradient[0]}))
z.sum().backward()
for depth, gradient in sorted(seen.items()):
    print(f"after sigmoid {depth}: {gradient:.1e}")

# %% [markdown]
r"""
From the last to the first, each sigmoid takes away a factor of at least four ($\sigma' \le \frac{1}{4}$): after eight of
them little is left. That is the **vanishing** gradient, the explosion's quiet brother, and a reason why deep
networks use relu.

A hook that returns something, and `remove()`:
"""

# %%
x = Variable(np.array([3.0, -40.0]))
handle = x.register_hook(lambda gradient: np.clip(gradient, -1, 1))
(x * x).sum().backward()
print("with the hook:   ", x.grad)
handle.remove()
x.zero_grad()
(x * x).sum().backward()
print("without the hook:", x.grad)

# %% [markdown]
r"""
## Use

The engine is yours. Three small problems and a network, in which nothing is differentiated by hand any more.

### A line through points

Forty points near the line $y = 2x - 1$. Start with slope and intercept 0, and go down the gradient of the
mean squared error, 100 times. Two details of every such loop:

- the update changes the numbers themselves, `w.data.data` (the array inside the tensor inside the variable),
  and so is not recorded;
- gradients add up over backward passes, so each round begins with `zero_grad()`.
"""

# %%
points = rng.uniform(-1, 1, size=40)
targets = 2 * points - 1 + 0.1 * rng.normal(size=40)
w, b = Variable(0.0), Variable(0.0)

for step in range(101):
    w.zero_grad()
    b.zero_grad()
    loss = ((w * points + b - targets) ** 2).mean()
    loss.backward()
    if step % 20 == 0:
        print(
            f"step {step:3}: loss {loss.item():.5f}, slope {w.item():.4f}, intercept {b.item():.4f}"
        )
    w.data.data -= 0.2 * w.grad
    b.data.data -= 0.2 * b.grad

slope, intercept = np.polyfit(points, targets, 1)
print(f"least squares, solved exactly: slope {slope:.4f}, intercept {intercept:.4f}")

# %% [markdown]
r"""
### The bottom of a valley

Optimisers are tried on Rosenbrock's function, $f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2$: a long, bent, narrow
valley, whose lowest point is $(1, 1)$. The gradient points across the valley rather than along it, so plain
descent creeps. A little momentum helps: keep a velocity, and let each gradient change only that. Here the
gradient comes from `grad`, which leaves nothing behind to be zeroed.
"""

# %% demo=true
position = Variable(np.array([-1.5, 2.0]))
velocity, path = np.zeros(2), []
for _ in range(3000):
    x, y = position
    valley = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    (slope,) = grad(valley, position)
    velocity = 0.97 * velocity - 0.0002 * slope
    path.append(position.numpy().copy())
    position.data.data += velocity
print("after 3,000 steps:", position.numpy(), " height:", valley.item())

# %% demo=true
path = np.array(path)
across, up = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1, 3.2, 200))
figure, axes = plt.subplots(figsize=(6.5, 4))
axes.contour(across, up, np.log((1 - across) ** 2 + 100 * (up - across**2) ** 2), levels=12)
axes.plot(path[:, 0], path[:, 1], color="black", linewidth=1)
axes.plot(1, 1, "r*", markersize=12)
axes.set_xlabel("x")
axes.set_ylabel("y")
show(
    figure,
    "Height lines of a narrow curved valley, and the path of gradient descent with momentum "
    "as a black line: it falls into the valley, follows its floor around the bend, and ends "
    "near the star at (1, 1).",
)

# %% [markdown]
r"""
*The figure: the bent valley as contour lines, and the path: from the upper left it drops to the floor of the
valley, overshoots a few times, and follows the bend around the origin up to the star at (1, 1).*

### A root

Newton's method finds where a function is 0: from $x$, follow the tangent to where *it* is 0, that is
$x - f(x) / f'(x)$. It needs a slope in every step, usually worked out on paper. Here, where is $\cos x = x$?
"""

# %%
x = Variable(np.array(1.0))
for step in range(5):
    height = cos(x) - x
    (slope,) = grad(height, x)
    print(f"step {step}: x = {x.item():.15f}, cos(x) - x = {height.item(): .1e}")
    x = Variable(x.numpy() - height.numpy() / slope)

# %% [markdown]
r"""
The number of correct digits doubles from step to step, as it should with an exact slope.

### A network on two moons

Two classes of points, two half-moons that reach into each other; no straight line divides them. A network with one
hidden layer does, and everything in it is a `Variable` of yours: two matrices, two rows of biases, a `tanh` in between,

$$\text{scores} = \tanh(X W_1 + b_1)\, W_2 + b_2, \qquad L = \text{mean of } -\log p(\text{right class}).$$
"""

# %% demo=true
chance = np.random.default_rng(7)
angles = chance.uniform(0, np.pi, size=300)
labels = np.arange(300) % 2
moons = np.stack([np.cos(angles), np.sin(angles)], axis=1)
moons[labels == 1] = [1.0, 0.5] - moons[labels == 1]
moons += 0.12 * chance.normal(size=moons.shape)

w1, b1 = Variable(chance.normal(size=(2, 16))), Variable(np.zeros(16))
w2, b2 = Variable(chance.normal(size=(16, 2)) / 4), Variable(np.zeros(2))


def scores(points):
    return tanh(points @ w1 + b1) @ w2 + b2


losses = []
start = time.perf_counter()
for step in range(1001):
    loss = cross_entropy(scores(moons), labels)
    for parameter, slope in zip((w1, b1, w2, b2), grad(loss, [w1, b1, w2, b2])):
        parameter.data.data -= 0.5 * slope
    losses.append(loss.item())
    if step % 200 == 0:
        print(f"step {step:4}: loss {losses[-1]:.4f}")
with no_grad():
    right = (scores(moons).numpy().argmax(axis=1) == labels).mean()
print(f"{right:.1%} of the points are right, after {time.perf_counter() - start:.1f} s")

# %% [markdown]
r"""
One step of it as a picture (the names are those of this notebook):
"""

# %% demo=true
loss = cross_entropy(scores(moons), labels)
draw(loss)

# %% [markdown]
r"""
What the network has learnt: the loss of every step, and what it believes of every point of the plane.
"""

# %% demo=true
across, up = np.meshgrid(np.linspace(-1.6, 2.6, 120), np.linspace(-1.2, 1.7, 90))
with no_grad():
    plane = np.stack([across.ravel(), up.ravel()], axis=1)
    belief = softmax(scores(plane)).numpy()[:, 1].reshape(across.shape)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
left.semilogy(losses)
left.set_xlabel("step")
left.set_ylabel("loss")
left.set_title("the loss falls")
shades = right.contourf(
    across, up, belief, levels=np.linspace(0, 1, 11), cmap="coolwarm", alpha=0.6
)
figure.colorbar(shades, label="belief in class 1")
right.contour(across, up, belief, levels=[0.5], colors="black", linewidths=2)
for label, marker in ((0, "o"), (1, "^")):
    chosen = moons[labels == label]
    right.plot(
        chosen[:, 0], chosen[:, 1], marker, markersize=4, color="black", markerfacecolor="none",
        label=f"class {label}",
    )  # fmt: skip
right.set_title("the border between the classes")
right.legend(loc="lower left")
show(
    figure,
    "Left: the loss against the step, falling. Right: two interlocking half moons, class 0 "
    "as circles and class 1 as triangles, and between them a bent black line where the "
    "network believes in both alike.",
)

# %% [markdown]
r"""
*The figure: on the left the loss against the step, on a logarithmic axis: it falls steeply at first, then
slowly, to about 0.014. On the right the two half-moons, circles and triangles, over the network's belief in
colours; the border, a thick black line where the belief is one half, winds between them in an S.*

Now the same with `Dense` and `ReLU` from modules 2 and 3, **exactly as you wrote them then**. They call
`apply`; the first input is a `Variable`, so the operation is recorded; its result is a `Variable`, so the next
one is recorded, too. And the weights are tensors with `requires_grad=True`, so `needs_gradient` says yes and
`deposit` gives each its `grad`. Only the input has to be made a `Variable`; it needs no gradient itself.
"""

# %% demo=true
from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dense

first, relu_layer, second = Dense(2, 16, chance), ReLU(), Dense(16, 2, chance)
parameters = first.parameters() + second.parameters()
inputs = Variable(moons.astype(np.float32), requires_grad=False)
for _ in range(500):
    for parameter in parameters:
        parameter.grad = None
    answers = second(relu_layer(first(inputs)))
    cross_entropy(answers, labels).backward()
    for parameter in parameters:
        parameter.data -= 0.5 * parameter.grad
right = (answers.numpy().argmax(axis=1) == labels).mean()
print(f"with the layers of modules 2 and 3: {right:.1%} of the points are right")

# %% [markdown]
r"""
## Analyze

### What a gradient costs

The promise at the beginning was: a gradient for the price of a few forward passes, however many numbers there
are to differentiate by. Measure it, for a small network that uses one matrix of weights twice,
$L(W) = \sum \tanh(\tanh(X W)\, W)$, where $X$ holds 64 examples. With $k$ features there are $n = k^2$
weights. Three times are taken: the forward pass with variables; forward and backward; and the numerical
gradient.
"""


# %% demo=true
def network_loss(weights, examples):
    return np.tanh(np.tanh(examples @ weights) @ weights).sum()


def forward_and_backward(weights, examples):
    weights.zero_grad()
    network_loss(weights, examples).backward()


widths = np.array([4, 10, 32, 100, 316])
forward_times, gradient_times, numerical_times = [], [], []
print("weights    forward   with backward   ratio      numerical")
for k in widths:
    examples, weights = rng.normal(size=(64, k)), Variable(rng.normal(size=(k, k)) / np.sqrt(k))
    forward_times.append(seconds(partial(network_loss, weights, examples), 50))
    gradient_times.append(seconds(partial(forward_and_backward, weights, examples), 50))
    ratio = gradient_times[-1] / forward_times[-1]
    line = f"{k * k:7} {forward_times[-1] * 1e6:7.0f} µs"
    line += f" {gradient_times[-1] * 1e6:12.0f} µs {ratio:7.1f}"
    if k <= 32:
        loss_of = partial(network_loss, examples=examples)
        numerical_times.append(seconds(partial(numerical_gradient, loss_of, weights), 1))
        line += f" {numerical_times[-1] * 1e6:11.0f} µs"
    print(line)

figure, axes = plt.subplots(figsize=(7, 3.8))
axes.loglog(widths**2, forward_times, "o-", label="forward")
axes.loglog(widths**2, gradient_times, "s-", label="forward and backward")
axes.loglog(widths[:3] ** 2, numerical_times, "^-", label="numerical gradient")
axes.set_xlabel("number of weights")
axes.set_ylabel("seconds")
axes.legend()
show(
    figure,
    "Seconds against the number of weights, both axes logarithmic: forward (circles), "
    "forward and backward (squares) a small multiple above it and parallel to it, and the "
    "numerical gradient (triangles), which rises much more steeply.",
)

# %% [markdown]
r"""
*The figure: seconds against the number of weights, both logarithmic. Forward and forward-and-backward run
side by side, nearly flat at first (what Python itself needs for each operation) and rising at the end, always
about the same small factor apart. The numerical gradient is a steep line far above them: hundreds of times
above at 1,024 weights.*

Forward and backward together cost about two to three times the forward pass, whatever the number of weights.
The reason is in the table of rules: the way back through an operation costs about as much as one or two
operations of the same kind (a product needs two products, a matrix product two matrix products), and each is
done once.

The numerical gradient costs $2n$ forward passes. At the 101,770 weights of section 1 that is the difference
between a millisecond and tens of seconds.

#### Forwards or backwards?

Derivatives can also be carried along *forwards*: with every value, its derivative by one chosen input. One
forward sweep then gives the derivatives of **all outputs by one input**. What you have built is the reverse
mode: one backward sweep gives the derivatives of **one output by all inputs**. For a function from
$\mathbb{R}^n$ to $\mathbb{R}^m$, its $m \times n$ table of derivatives (the Jacobian) comes column by column
the one way, and row by row the other. A loss has $m = 1$. That is why training goes backwards.

### Time grows with the number of operations, not with the number of paths

Chains of different lengths, timed; and below, the recursion of section 5 against your engine on the doublings
`z = z + z`, counted in calls.
"""


# %% demo=true
def backward_of_a_chain(n):
    """The seconds that the backward pass of n operations in a row takes."""
    z = Variable(1.0)
    for _ in range(n):
        z = z * 1.0
    start = time.perf_counter()
    z.backward()
    return time.perf_counter() - start


print("operations   backward    per operation")
for n, tries in ((500, 20), (5_000, 5), (50_000, 2)):
    shortest = np.min([backward_of_a_chain(n) for _ in range(tries)])
    print(f"{n:10} {1000 * shortest:8.1f} ms {1e6 * shortest / n:12.2f} µs")

figure, axes = plt.subplots(figsize=(7, 3.8))
doublings = np.array(sorted(naive_calls))
axes.semilogy(
    doublings, [naive_calls[n] for n in doublings], "o-", label="recursion: $2^{n+1} - 1$"
)
axes.semilogy(doublings, doublings, "s-", label="reverse creation order: $n$")
axes.set_xlabel("doublings n")
axes.set_ylabel("visits")
axes.legend()
show(
    figure,
    "Visits against the number of doublings, logarithmic upwards: recursion (circles) "
    "doubles with each and rises in a straight line, reverse creation order (squares) stays "
    "near the bottom.",
)

# %% [markdown]
r"""
*The figure: visits against the number of doublings, the vertical axis logarithmic. The recursion is a
straight line up to half a million at 18: exponential growth. Your engine is a curve that ends at 18.*

A hundred times as many operations take about a hundred times as long. (Sorting takes somewhat more than in
proportion, $n \log n$ comparisons, but it is a small part of the whole.)

### Memory: what the notes keep alive

Twenty operations in a row, each on a million float32 numbers (3.8 MiB). What is the highest memory use, with
notes and without?
"""


# %% demo=true
def highest_memory(call):
    """The most memory, in MiB, that a call used above what there was before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


million = Variable(np.ones(1_000_000, dtype=np.float32))


def twenty_operations():
    z = million
    for _ in range(20):
        z = tanh(z)
    return z.sum()


def with_backward():
    million.zero_grad()
    twenty_operations().backward()


print(f"recorded:                 {highest_memory(twenty_operations):6.1f} MiB")
print(f"recorded, then backward:  {highest_memory(with_backward):6.1f} MiB")
with no_grad():
    print(f"inside no_grad:           {highest_memory(twenty_operations):6.1f} MiB")

# %% [markdown]
r"""
Recorded, all twenty results stay alive until the backward pass, because the rule of `tanh` will need each of
them: memory grows with the depth. Without notes each is given back as soon as the next is there: two at a
time. The backward pass itself adds little, because it frees each operation right after its turn. The memory
of training *is* the graph, and much of what large systems do to save memory consists in not keeping all of
it.

### Questions

#### Question 1: orders (4 points)

Somebody wants to do without the number `order` in every variable, and suggests to visit the computed
variables by their distance from the output, counted in operations: (a) by the length of the **shortest**
path, near ones first; (b) by the length of the **longest** path, near ones first. Which of the two always
gives right gradients, and which does not? Give a reason for the one, and for the other a small graph of your
own with the wrong number that comes out. Why does the order of creation need no such counting, even if a
program creates its variables in a wild order, with many that have nothing to do with the output in between?
"""

# %% [markdown] answer="orders" points=4
r"""
**Model answer.** What is needed: when a variable's turn comes, every operation that uses it has already sent
its share. (b) is right: if $v$ uses $u$, then the longest path from the output to $u$ is at least one longer
than that to $v$ (take the longest one to $v$ and go on to $u$), so $v$ comes first. (a) is wrong: the
shortest path says only how early *some* user comes. Take $a = 2x$, $b = 3a$, $d = 5b$, $c = a + d$: $a$ has
distance 1 and $b$ distance 2, so $a$ is visited before $b$ and sends only $1 \cdot 2$ to $x$: 2 comes out,
instead of $2 \cdot (1 + 15) = 32$. (The graph of failure 3, where $a$ and $b$ have the same distance and $a$
*may* come first, is half an answer.) Creation: an operation can only be called on inputs that exist. So every
variable is younger than all it was computed from, in any program; sorted from the youngest to the oldest,
users come before what they use. Unrelated variables take numbers too, but only the relative order of
connected ones matters, and the unrelated are not collected.

**Mark scheme.** 1 point: the condition (a variable after everything that uses it), in any words. 1 point: (b)
is right, with a reason why the longest path puts users first. 1 point: (a) is wrong, with a graph and a wrong
number that really comes out. 1 point: inputs exist before outputs, so numbers of connected variables are
always in order, whatever lies between.
"""

# %% [markdown]
r"""
#### Question 2: a test that passes (4 points)

A student writes `def multiply_x(grad, out, x, y): return y`, and tests it: `(x * y).sum().backward()` for
random `x` and `y`, and compares `x.grad` with the numerical gradient. The test passes. Why? Which small
change to the test would have found the mistake, and why does that one find it? Then give an example of a
wrong rule that even the better test, with random inputs, would not find, and say how to test for it.
"""

# %% [markdown] answer="seed-of-ones" points=4
r"""
**Model answer.** The product is followed by nothing but a sum, and the rule of the sum hands 1 to every
element: `grad` is all ones, and `grad * y` and `y` are the same numbers. The forgotten factor can only be
seen when it is not 1. So make it something else: start from a random gradient, `(x * y).backward(seed)`,
compared with the numerical gradient of `(seed * x * y).sum()`; or put another function behind the product,
such as `((x * y) ** 2).sum()`. With a random seed the right answer is `seed * y`, which is different from `y`
in every element with probability 1. What random inputs do not find: a mistake at special places that they
never hit. For example `relu_x` with `x >= 0` in place of `x > 0` (wrong only at exactly 0), a maximum that
gives the whole gradient to every one of several tied elements, `nan` from `x ** 0` at 0, or a mistake that
shows only with broadcast shapes. Test such places on purpose: inputs with exact zeros, ties, repeated
indices, broadcast and empty shapes, with the expected values from the convention (the numerical gradient is
no judge at a corner: there it gives the mean of both sides).

**Mark scheme.** 1 point: `grad` is all ones, because only a sum follows. 1 point: a seed or a following
function that makes it different from 1. 1 point: the reason, the comparison of `seed * y` with `y`. 1 point:
an example that random inputs miss, and inputs that show it.
"""

# %% [markdown]
r"""
#### Question 3: forwards or backwards (4 points)

Forward mode costs about one forward pass for each input that is differentiated by; reverse mode about one for
each output that is differentiated. For each of these, say which mode you would take, and about how many
sweeps each needs for all derivatives: (a) the loss of a network by its 101,770 weights; (b) how the 10,000
pixels of a rendered picture depend on the 3 coordinates of a lamp; (c) the table of derivatives of a layer
with 50 inputs and 50 outputs. For (c) the number of sweeps does not decide: name one thing that does.
Finally: an optimiser needs $\frac{d}{dt} L(w + t u)$ at $t = 0$ for one fixed direction $u$. What does that
cost in forward mode, and why?
"""

# %% [markdown] answer="forward-or-reverse" points=4
r"""
**Model answer.** (a) Reverse: 1 sweep, against 101,770 forward ones; there is one output. (b) Forward: 3
sweeps, one for each coordinate, against 10,000 backward ones, one for each pixel. (c) 50 either way. Memory
decides for forward mode: it carries the derivatives along and can forget every value at once, while reverse
mode has to keep the values (or the notes) of the whole forward pass until it comes back. (Also accepted:
forward mode is simpler, needs no record and no second pass; or reverse mode has been built already.) The
derivative along $u$ is that of a function of the single number $t$: one input, so one forward sweep, started
with the derivatives $u$ for the weights, however many weights there are.

**Mark scheme.** 1 point each for (a) and (b), each with the right mode and both numbers of sweeps. 1 point
for (c): equal numbers, and memory (or another sound reason). 1 point: one sweep, because $t$ is the only
input (or: the derivatives of the weights start as $u$).
"""

# %% [markdown]
r"""
## Summary

| | what you built | in how many lines of yours |
| --- | --- | --- |
| rules | the derivative of each function by each input, as a formula | one or two each |
| recording | `Operation`, `Variable`, `record`: notes of what was computed | about 25 |
| backward | the order, `unbroadcast`, `accumulate`, `propagate`, `deposit` | about 55 |
| around it | `no_grad`, `grad` | about 25 |
| and further | `jacobian`, `hessian`, `checkpoint_sequential`, `Softplus`, `clip_grad_norm_`, the heart of `gradcheck` | about 45 |

What to remember:

- A derivative of anything is made of derivatives of small steps: **multiply along a path, add over paths**.
- The gradient of a value is complete when everything that uses it has reported. **From the youngest to the
  oldest** guarantees that, and visits each operation once: the cost is a few forward passes, for any number
  of inputs.
- What was repeated is summed, what was reduced is repeated; what belongs to others is not changed in place.
- Test with a random seed, broadcast shapes, shared values, zeros and ties. Ones hide mistakes; one random
  direction finds them.
- Rules that are written with operators can be recorded, so a gradient can be differentiated again. What is not
  kept can be computed again. A gradient says where to go, not how far.

What PyTorch does in the same way: `backward()`, `.grad` that adds up, `grad_fn`, `no_grad`, a graph that is
recorded anew in every forward pass and freed by the backward pass, and nodes visited in reverse order of
creation (there, a priority queue ordered by a sequence number, together with a count of the users that have
not reported yet). Its rules live in a table as well, written in a language of their own, from which C++ is
generated.

Next: losses and optimisers on top of this engine, so that the loops of the section *Use* become two lines.

Export your module with `python bin/tito.py export 07_autograd`, and use it: `from tinytorch.core.autograd import Variable`.
"""

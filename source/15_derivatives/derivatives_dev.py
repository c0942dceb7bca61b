# %% [markdown]
r"""
# Module 15: Derivatives

**The story of this module.** Three people come to you on the same morning.

The first has fitted two numbers to a table for a whole night, downhill, a small step at a time. The second has a
network of a thousand layers, and after six hundred of them the memory is full. The third trained happily for an hour;
then the loss was *not a number*, and nobody knows which of ten thousand operations did it.

All three think that they need another engine. They don't. Yours records what happens, goes back through it once,
and lets others watch. On top of it you'll write what the three of them need: derivatives of derivatives, operations
with a rule of your own, a search for the first NaN, and a trade of time for memory. In the whole module you won't
change a line of the engine.

| part | you will |
| --- | --- |
| **1 Derivatives of derivatives** | differentiate twice; put tables of derivatives together; find out when you don't need the table; reach the lowest place in one step |
| **2 Doubt** | find a wrong rule with one random direction; write operations whose rule you know better than the engine; catch the first NaN |
| **3 Memory** | forget what you can compute again, and measure what that saves |
| **4 Watching** | design a guard against changes that make a gradient wrong without a word |

Time: four to five hours. You need module 7, exported. Parts 2 and 3 don't need each other, so take them in any order.
"""

# %%
#| default_exp core.derivatives
#| export
from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tinytorch.core.autograd import (
    Variable,
    creation_order,
    enable_grad,
    grad,
    needs_gradient,
    propagate,
)
from tinytorch.support.anomalies import AnomalyError, is_finite, shares_of, users_line
from tinytorch.support.calls import Call, as_tuple, only_variable, pull_back, stacked
from tinytorch.support.checkpoints import Draws, call_unrecorded, computed_since, input_for
from tinytorch.support.gradient_checks import GradcheckError, compare, gradient_of
from tinytorch.support.own_operations import Function, OwnOperation, recorded
from tinytorch.support.recording import recording, switch

# %% [markdown]
r"""
That was for the library. What follows is for the notebook only.
"""

# %%
import time
import tracemalloc

import matplotlib.pyplot as plt

from tinytorch.core.autograd import (
    cos,
    exp,
    is_computed,
    log,
    maximum,
    numerical_gradient,
    sigmoid,
    sin,
    sqrt,
    stack,
    tanh,
)
from tinytorch.core.layers import Dense
from tinytorch.support.unguarded import without_guards
from tito.checks import check, check_raises
from tito.figures import show

rng = np.random.default_rng(0)

# %% [markdown]
r"""
## Part 1: Derivatives of derivatives

### 1.1 Twice

The slope of $x^3$ is $3x^2$, and the slope of that is $6x$. At $x = 2$ that makes 12 and 12. Let's ask the engine,
once for the slope and then for the slope of what it gave:
"""

# %%
x = Variable(np.array(2.0))
(first,) = grad(x**3, x)
print("first derivative:", first, type(first))
try:
    grad(first, x)
except TypeError as error:
    print("second:", error)

# %% [markdown]
r"""
The first derivative is right, but it is an array. An array has no history, so there's nothing to go back through. The
way back was computed, and nobody took notes.

But the way back is made of the same products and sums as the way there. `create_graph=True` makes the engine record
it: the rules get variables, and `grad` gives you variables. In module 7 that took a single `if`.

**Your task.** Two lines.
"""


# %% exercise="second-derivative"
def second_derivative(f: Callable, x: Variable) -> np.ndarray:
    """The second derivative of a function of one number, at `x`.

    >>> second_derivative(lambda x: x**3, Variable(2.0))
    array(12., dtype=float32)
    """
    ### BEGIN SOLUTION
    (first,) = grad(f(x), x, create_graph=True)
    return grad(first, x)[0]
    ### END SOLUTION


# %% checks="second-derivative" points=4
x = Variable(np.array(2.0))
check(second_derivative(lambda x: x**3, x), 12.0, hint="grad gives a tuple: take its only element")
check(second_derivative(lambda x: x**2 * 5, x), 10.0, hint="differentiate the first derivative")
check(second_derivative(sin, Variable(np.array(0.5))), -np.sin(0.5))
check(x.grad, None, hint="grad touches no .grad; backward would")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised, uniform


def number(derivatives, x):
    """A variable with one number."""
    return derivatives.Variable(np.array(x))


@observe(x=normal(), a=normal(), b=normal())
def second_derivative_of_a_polynomial(derivatives, x, a, b):
    """12 a x² + 6 b x."""
    f = lambda v: v * v * v * v * a + v * v * v * b
    return derivatives.second_derivative(f, number(derivatives, x))


@observe(x=normal(), a=uniform(low=0.5, high=2.0))
def second_derivative_of_a_composition(derivatives, x, a):
    """sin of a times x squared."""
    return derivatives.second_derivative(lambda v: np.sin(v * v * a), number(derivatives, x))


@observe(x=uniform(low=0.5, high=2.0), before=normal())
def no_grad_attribute_is_touched(derivatives, x, before):
    """The input keeps the gradient that it had."""
    x = number(derivatives, x)
    x.grad = np.array(before)
    return derivatives.second_derivative(lambda v: v * v / (v + 3.0), x), x.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
Why stop at two? Near 0, $e^x \cos x = 1 + x - \tfrac{x^3}{3} - \tfrac{x^4}{6} - \tfrac{x^5}{30} + \dots$, and the
$n$-th derivative at 0 is $n!$ times the number in front of $x^n$.

<details>
<summary>Predict: what are the five numbers?</summary>

$1 \cdot 1,\; 2 \cdot 0,\; 6 \cdot (-\tfrac13),\; 24 \cdot (-\tfrac16),\; 120 \cdot (-\tfrac1{30})$, that is
1, 0, −2, −4 and −4.

</details>
"""

# %% demo=true
x = Variable(np.array(0.0))
y = exp(x) * cos(x)
for order in range(1, 6):
    (y,) = grad(y, x, create_graph=True)
    print(f"derivative {order}: {y.item():+.1f}")

# %% [markdown]
r"""
There's one thing left that can go wrong. The slope of $3x$ is 3, wherever you are:
"""

# %%
try:
    print(second_derivative(lambda x: 3 * x, Variable(2.0)))
except RuntimeError as error:
    print(error)

# %% [markdown]
r"""
A constant doesn't depend on $x$, and the engine would rather complain than answer 0: it can't know that you meant it. For
derivatives of any function we need the 0. From here on we use `pull_back(outs, xs, v, create_graph)`. It is `grad`, which
keeps the graph, and sends zeros where an output has no history. `v` is what to start with.

The second helper is `Call(f, inputs)`. It calls `f` with new variables, so that nobody else's `grad` is touched:

| | |
| --- | --- |
| `call.xs`, `call.outs` | what `f` was called with, and what it gave: always tuples of variables |
| `call.out` | the output, of a function that must have only one |
| `call.result` | what the user gets as the output |
| `call.like_inputs(parts)` | your list as the inputs were given: a single thing, or a tuple |
| `call.like_outputs(parts)` | the same for the outputs |
"""

# %%
call = Call(lambda x, y: x * y, (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
print("xs:  ", call.xs)
print("outs:", call.outs)
print("back:", pull_back(call.outs, call.xs, np.array([1.0, 10.0])))

# %% [markdown]
r"""
### 1.2 A table: the Jacobian

For $f : \mathbb{R}^n \to \mathbb{R}^m$ the table of all derivatives, a row for each output and a column for each input,
is the **Jacobian** $J$. A backward pass that starts with $v$ gives $v^\top J$. Start it with $v = (0, \dots, 1, \dots, 0)$,
and you get a row. For example

$$f(x_0, x_1) = (x_0 x_1,\; x_0^2) \quad\text{at}\quad (2, 3), \qquad
J = \begin{pmatrix} x_1 & x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 3 & 2 \\ 4 & 0 \end{pmatrix}.$$

| pass | starts with | arrives at $x$ |
| --- | --- | --- |
| 1 | $(1, 0)$ | $(3, 2)$ |
| 2 | $(0, 1)$ | $(4, 0)$ |

Outputs and inputs needn't be vectors. An output of shape `(2, 3)` and an input of shape `(4,)` have 24 derivatives, and
they go into the shape `(2, 3, 4)`: first the indices of the output, then those of the input.

**Your task.** For one output and a tuple of inputs: a list with the table for each input, in the shape
`out.shape + x.shape`. `stacked(rows, shape, dtype)` puts a list of rows together in a given shape; it takes arrays and
variables, and an empty list, too. Hand `create_graph` on.

<details>
<summary>Hint: all the seeds</summary>

`np.eye(n)` has them as its rows. With `reshape(out.size, *out.shape)` each has the shape of the output.

</details>

<details>
<summary>Hint: rows for several inputs</summary>

Each `pull_back` gives a tuple with a row for *each* input. `[row[i] for row in rows]` are those of input `i`.

</details>
"""


# %% exercise="jacobian"
#| export
def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of one output by each of `xs`: a backward pass for each element of `out`."""
    ### BEGIN SOLUTION
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back(out, xs, seed, create_graph) for seed in seeds]
    tables = []
    for i, x in enumerate(xs):
        tables.append(stacked([row[i] for row in rows], out.shape + x.shape, x.dtype))
    return tables
    ### END SOLUTION


# %% checks="jacobian" points=7
x = Variable(np.array([2.0, 3.0]))
out = stack([x[0] * x[1], x[0] ** 2])
check(jacobian_of(out, (x,)), [[[3.0, 2.0], [4.0, 0.0]]], hint="a row for each output; in a list")
check(x.grad, None, hint="use pull_back, which touches no .grad")
a, b = Variable(np.array([1.0, 2.0])), Variable(np.array([[5.0], [7.0], [9.0]]))
tables = jacobian_of(a * b, (a, b))
check([t.shape for t in tables], [(3, 2, 2), (3, 2, 3, 1)], hint="out.shape + x.shape, for each x")
check(tables[0][1, 0], [7.0, 0.0], hint="element [i, j, k]: the derivative of out[i, j] by x[k]")
check(tables[1][1, 0], [[0.0], [1.0], [0.0]], hint="derivatives by the second input")
check(jacobian_of(a.sum(), (a,)), [[1.0, 1.0]], hint="an output of shape () has one seed, 1")
again = jacobian_of(x * x, (x,), create_graph=True)[0]
check(type(again).__name__, "Variable", hint="hand create_graph on to pull_back")
### BEGIN HIDDEN TESTS


@observe(table=normal(3, 4), x=normal(4))
def jacobian_of_a_vector_by_a_vector(derivatives, table, x):
    """A list with one array: row i has the derivatives of output i."""
    x = derivatives.Variable(x)
    found = derivatives.jacobian_of(table @ (x * x), (x,))
    return len(found), found[0]


@observe(a=normal(2, 3), x=normal(3), y=normal(2, 1))
def jacobians_by_several_inputs_of_any_shape(derivatives, a, x, y):
    """out.shape + x.shape for each input, in the order of the inputs."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    out = x * y * a + y * y
    return list(derivatives.jacobian_of(out, (x, y))), list(derivatives.jacobian_of(out, (y,)))


@observe(x=normal(3), y=normal())
def jacobians_of_and_by_single_numbers(derivatives, x, y):
    """An output of shape (), and an input of shape (); an output without elements."""
    x, y = derivatives.Variable(x), number(derivatives, y)
    by_both = derivatives.jacobian_of((x * x).sum() * y, (x, y))
    return list(by_both), list(derivatives.jacobian_of(x[:0] * y, (x, y)))


@observe(x=normal(3), before=normal(3), unused=normal(2, 2))
def no_dependence_gives_zeros_and_no_grad_is_touched(derivatives, x, before, unused):
    """An input that the output does not depend on has a table of zeros."""
    x, unused = derivatives.Variable(x), derivatives.Variable(unused)
    x.grad = before
    found = derivatives.jacobian_of(x * x, (unused, x))
    return list(found), x.grad, unused.grad


@observe(x=normal(3), a=normal(3, 3), seed=normal(3, 3))
def a_jacobian_that_can_be_differentiated_again(derivatives, x, a, seed):
    """With create_graph a variable; without it an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * a).sum(axis=1)
    recorded, plain = (derivatives.jacobian_of(out, (x,), flag)[0] for flag in (True, False))
    kinds = type(recorded).__name__, type(plain).__name__
    return plain, kinds, recorded.numpy(), derivatives.grad(recorded, x, seed)[0]


@observe(x=normal(2, dtype="float32"))
def jacobians_in_float32(derivatives, x):
    """float32 stays float32."""
    x = derivatives.Variable(x)
    found = derivatives.jacobian_of(x * x, (x,))[0]
    return found, str(found.dtype)


### END HIDDEN TESTS


# %%
#| export
def jacobian(f: Callable, inputs, create_graph: bool = False):
    """All derivatives of all outputs of a function by all its inputs.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable or a tuple of them.
    inputs : array_like or Variable, or tuple of them
        Where to differentiate. (A list is an array; several inputs are a tuple.)
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    ndarray of shape ``output.shape + input.shape``, or a tuple of them
        For several inputs a tuple, for several outputs a tuple of what one output gives.
    """
    call = Call(f, inputs, create_graph)
    tables = [jacobian_of(out, call.xs, create_graph) for out in call.outs]
    return call.like_outputs(call.like_inputs(table) for table in tables)


# %%
print(jacobian(lambda v: stack([v[0] * v[1], v[0] ** 2]), np.array([2.0, 3.0])))

# %% [markdown]
r"""
### 1.3 Rows and columns

Often nobody needs the table, only a product with it. The **vector-Jacobian product** $v^\top J$, `vjp`, is what a
backward pass computes. The other one, the **Jacobian-vector product** $J v$, `jvp`, says how the outputs move when the
inputs move along $v$. With a unit vector it gives a *column*.

Your engine knows no forward mode. Must we write one? There's a trick (Townsend, 2017). What a backward pass makes of a
start $u$ is

$$g(u) = u^\top J,$$

and that is a *linear* function of $u$. Its derivative by $u$ is $J$ itself. So go back once from the outputs, starting
with $u$, and record that. Then go back from $g$ to $u$, starting with $v$: what arrives is $J v$. The value of $u$
doesn't matter, zeros will do.

**With numbers**, for the table above, $J = \begin{pmatrix} 3 & 2 \\ 4 & 0 \end{pmatrix}$ and $v = (1, 10)$:
$v^\top J = (43, 2)$ and $J v = (23, 4)$.

**Your task.** Both products. Each returns `call.result` and the product, `vjp` in the form of the inputs and `jvp` in
that of the outputs. With `create_graph` the products can be differentiated again; `Call` and `pull_back` both take it.

<details>
<summary>Hint: u</summary>

A tuple with a variable for each of `call.outs`: zeros of its shape *and dtype*.

</details>
"""


# %% exercise="vjp-and-jvp"
#| export
def vjp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and ``v @ J``, in the form of the inputs: one backward pass."""
    ### BEGIN SOLUTION
    call = Call(f, inputs, create_graph)
    return call.result, call.like_inputs(pull_back(call.outs, call.xs, v, create_graph))
    ### END SOLUTION


def jvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The outputs of `f`, and ``J @ v``, in the form of the outputs: two backward passes."""
    ### BEGIN SOLUTION
    call = Call(f, inputs, create_graph)
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in call.outs)
    gradients = pull_back(call.outs, call.xs, us, create_graph=True)
    return call.result, call.like_outputs(pull_back(gradients, us, v, create_graph))
    ### END SOLUTION


# %% checks="vjp-and-jvp" points=8
def two_outputs(v):
    return stack([v[0] * v[1], v[0] ** 2])


place, along = np.array([2.0, 3.0]), np.array([1.0, 10.0])
check(vjp(two_outputs, place, along), ([6.0, 4.0], [43.0, 2.0]), hint="one pull_back, from v")
check(jvp(two_outputs, place, along), ([6.0, 4.0], [23.0, 4.0]), hint="record the way back from u")
check(vjp(lambda x, y: x * y, (2.0, 3.0))[1], (3.0, 2.0), hint="like_inputs: a tuple for a tuple")
check(
    jvp(lambda x: (x, x * x), np.array([3.0]), np.array([1.0]))[1],
    ([1.0], [6.0]),
    hint="like_outputs: a tuple for a tuple",
)
check(jvp(lambda x: 3.0 * x, place, along)[1], [3.0, 30.0], hint="a linear function is fine, too")
check_raises(ValueError, lambda: jvp(two_outputs, place, np.ones(3)), hint="v like the inputs")
check(
    type(jvp(two_outputs, place, along, create_graph=True)[1]).__name__,
    "Variable",
    hint="hand create_graph on: to Call, and to the last pull_back",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3), a=normal(4, 3), v=normal(4))
def outputs_and_vjp(derivatives, x, a, v):
    """Of a function from three numbers to four."""
    out, product = derivatives.vjp(lambda p: a @ (p * p), x, v)
    return out.numpy(), product, out.requires_grad


@observe(x=normal(3), a=normal(4, 3), v=normal(3))
def outputs_and_jvp(derivatives, x, a, v):
    """Of a function from three numbers to four."""
    out, product = derivatives.jvp(lambda p: a @ (p * p), x, v)
    return out.numpy(), product, out.requires_grad


@observe(x=normal(3), y=normal(2, 1), v=normal(2, 3), u=normal(2, 1), t=normal(3))
def products_of_several_inputs_and_outputs(derivatives, x, y, v, u, t):
    """Tuples for tuples."""
    f = lambda p, q: (p * q, q * q)
    back = derivatives.vjp(f, (x, y), (v, u))[1]
    forth = derivatives.jvp(f, (x, y), (t, u))[1]
    return [type(back).__name__, *back], [type(forth).__name__, *forth]


@observe(x=normal(3), v=normal(3), w=normal(3), seed=normal(3))
def products_that_can_be_differentiated_again(derivatives, x, v, w, seed):
    """With create_graph they are connected to the input; without it they are arrays."""
    x = derivatives.Variable(x)
    f = lambda p: p * p * p * w
    found = []
    for product in (derivatives.vjp, derivatives.jvp):
        once = product(f, x, v, create_graph=True)[1]
        found.append((once.numpy(), derivatives.grad(once, x, seed)[0]))
        found.append(type(product(f, x, v)[1]).__name__)
    return found, x.grad


@observe(x=normal(3, dtype="float32"), v=normal(3, dtype="float32"), a=normal(3))
def products_of_functions_that_do_not_bend_and_in_float32(derivatives, x, v, a):
    """A linear function; a constant; float32 stays float32."""
    constant = lambda p: derivatives.Variable(a)
    linear = [product(lambda p: p * 3.0, x, v)[1] for product in (derivatives.vjp, derivatives.jvp)]
    flat = [product(constant, x, v)[1] for product in (derivatives.vjp, derivatives.jvp)]
    return linear, [str(p.dtype) for p in linear], flat


@observe(x=normal(3))
def vectors_that_do_not_fit_are_refused(derivatives, x):
    """Too long; one too many; missing; and a function that gives no variable."""
    found = [product(lambda p: p * p, x, x)[1] for product in (derivatives.vjp, derivatives.jvp)]
    for product in (derivatives.vjp, derivatives.jvp):
        for v in (np.ones(4), (x, x), None):
            found.append(raised(lambda p=product, v=v: p(lambda q: q * q, x, v)))
        found.append(raised(lambda p=product: p(lambda q: 3.0, x, x)))
    return found


### END HIDDEN TESTS

# %% [markdown]
r"""
So the table can be had row by row or column by column. Which is cheaper? Here are two functions, a wide one and a tall one.

<details>
<summary>Predict: which of the four times is the longest?</summary>

A wide function (many inputs, few outputs) has few rows, a tall one has few columns. Two of the four need one or two
hundred passes, and the columns pay two ways back for each.

</details>
"""


# %% demo=true
def seconds(call: Callable, tries: int = 5) -> float:
    """The shortest of several times."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


for inputs, outputs in ((200, 2), (2, 200)):
    f, at = partial(np.matmul, rng.normal(size=(outputs, inputs))), rng.normal(size=inputs)
    by_rows = seconds(lambda: [vjp(f, at, row) for row in np.eye(outputs)])
    by_columns = seconds(lambda: [jvp(f, at, column) for column in np.eye(inputs)])
    print(f"{inputs:3} inputs, {outputs:3} outputs: rows {1000 * by_rows:5.1f} ms", end="")
    print(f", columns {1000 * by_columns:5.1f} ms")

# %% [markdown]
r"""
**Question.** A network has 100,000 weights and one loss. A robot arm has 3 joint angles, and a camera picture of it has
30,000 pixels. For each of the two, say whether you would compute the Jacobian by rows or by columns, how many passes that
takes, and why nearly all of deep learning uses reverse mode only.

*Double-click the cell below and write your answer.*
"""

# %% [markdown] answer="rows-or-columns" points=4
r"""
**Model answer.** The network: by rows. There is one output, so one backward pass gives all 100,000 derivatives, by
columns it would take 100,000 products. The arm: by columns. There are three inputs, so three products $Jv$ are enough, by
rows it would take 30,000 passes. Training minimizes one number, the loss, that depends on very many weights: one row is
all there is, and reverse mode computes it in about the time of a forward pass.

**Marks.** Network by rows, one pass: 1. Arm by columns, three products: 1. The number of passes is the number of outputs
(rows) or inputs (columns): 1. A loss is one number that depends on many weights: 1.
"""

# %% [markdown]
r"""
### 1.4 Second derivatives along a direction

All second derivatives of a function with one output form a table, too, the **Hessian** $H$. How large is it for a network
of ordinary size?
"""

# %%
network = [Dense(784, 128, rng=0), Dense(128, 10, rng=1)]
weights = sum(p.size for layer in network for p in layer.parameters())
print(f"{weights:,} weights; their Hessian in float64: {8 * weights**2 / 2**30:.0f} GiB")

# %% [markdown]
r"""
Nobody computes that. But many methods need only the product $H v$ with a vector, and that is the slope of one number
(Pearlmutter, 1994):

$$H v = \nabla \left( \nabla f \cdot v \right).$$

A backward pass from the gradient to the inputs, which starts with $v$. **With numbers:** $f(x_0, x_1) = x_0^2 x_1$ at
$(2, 3)$ has the gradient $(2 x_0 x_1, x_0^2) = (12, 4)$. With $v = (1, 10)$ the slope of $2 x_0 x_1 + 10 x_0^2$ is
$(2 x_1 + 20 x_0,\; 2 x_0) = (46, 4)$.

**Your task.** Two passes and no table. Return `call.result` and the product in the form of the inputs.

<details>
<summary>Hint: one output only</summary>

Start from `call.out`. It refuses a function with several outputs, and `pull_back` without `v` refuses an output with
several elements.

</details>
"""


# %% exercise="hvp"
#| export
def hvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
    """The output of `f`, a single number, and the product of its Hessian with `v`."""
    ### BEGIN SOLUTION
    call = Call(f, inputs, create_graph)
    gradients = pull_back(call.out, call.xs, create_graph=True)
    return call.result, call.like_inputs(pull_back(gradients, call.xs, v, create_graph))
    ### END SOLUTION


# %% checks="hvp" points=6
def square_times(v):
    return v[0] ** 2 * v[1]


check(hvp(square_times, [2.0, 3.0], [1.0, 10.0]), (12.0, [46.0, 4.0]), hint="the output, and H v")
check(
    hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 10.0))[1],
    (46.0, 4.0),
    hint="several inputs: all their gradients together, and a v for each",
)
check(hvp(lambda v: v.sum(), [1.0, 2.0], [1.0, 1.0])[1], [0.0, 0.0], hint="a plane does not bend")
check_raises(ValueError, lambda: hvp(lambda v: v * v, [1.0, 2.0], [1.0, 1.0]), hint="one number")
check_raises(TypeError, lambda: hvp(lambda v: (v[0], v[1]), [1.0, 2.0], [1.0, 1.0]), hint="call.out")
### BEGIN HIDDEN TESTS


@observe(x=normal(4), a=normal(4, 4), v=normal(4))
def output_and_product_with_the_hessian(derivatives, x, a, v):
    """Of a function that bends in every direction."""
    out, product = derivatives.hvp(lambda p: (p * p * (a @ p)).sum(), x, v)
    return out.numpy(), product, out.requires_grad


@observe(x=normal(2), y=normal(3, 1), u=normal(2), v=normal(3, 1))
def product_of_several_inputs(derivatives, x, y, u, v):
    """A tuple for a tuple, also of one."""
    two = derivatives.hvp(lambda p, q: (p * p * q * q).sum(), (x, y), (u, v))[1]
    one = derivatives.hvp(lambda p: (p * p * p).sum(), (x,), (u,))[1]
    return [type(two).__name__, *two], [type(one).__name__, *one]


@observe(x=normal(30), v=normal(30))
def the_work_does_not_grow_with_the_number_of_inputs(derivatives, x, v):
    """How often a gradient is sent, for three inputs and for thirty; and the product."""
    counts = []
    for n in (3, 30):
        sent = []
        with derivatives.recording.watched(sending=lambda variable, g: sent.append(1) or g):
            product = derivatives.hvp(lambda p: (p * p * p).sum(), x[:n], v[:n])[1]
        counts.append(len(sent))
    return product, counts[0] == counts[1]


@observe(x=normal(3), v=normal(3), seed=normal(3))
def a_product_that_can_be_differentiated_again(derivatives, x, v, seed):
    """With create_graph it is connected to the input."""
    x = derivatives.Variable(x)
    f = lambda p: (p * p * p * p).sum()
    once = derivatives.hvp(f, x, v, create_graph=True)[1]
    plain = derivatives.hvp(f, x, v)[1]
    return once.numpy(), derivatives.grad(once, x, seed)[0], type(plain).__name__, x.grad


@observe(x=normal(3), v=normal(3))
def planes_have_zeros_and_other_outputs_are_refused(derivatives, x, v):
    """A plane; three outputs; two of them; no variable at all."""
    flat = derivatives.hvp(lambda p: (p * 3.0).sum(), x, v)[1]
    calls = [lambda p: p * p, lambda p: (p[0], p[1]), lambda p: 3.0]
    return flat, x, [raised(lambda f=f: derivatives.hvp(f, x, v)) for f in calls]


### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.5 The whole Hessian

For a few numbers the table is what one wants. Row $i$ holds the derivatives of $\partial f / \partial x_i$, so the Hessian
is the Jacobian of the gradient. For the function above, at $(2, 3)$:

$$\nabla f = (2 x_0 x_1,\; x_0^2), \qquad
H = \begin{pmatrix} 2 x_1 & 2 x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 6 & 4 \\ 4 & 0 \end{pmatrix}.$$

**Your task.** Write a function `gradient(*xs)` that gives the gradient of `f` as a tuple of variables with a history, and
take its `jacobian`. Several inputs, given as a tuple, make a tuple of tuples of tables: just what `jacobian` gives. A
single input that is no tuple makes one table.

<details>
<summary>Hint: one way for both</summary>

Give `jacobian` always a tuple, `as_tuple(inputs)`. For a single input take the table out of the two tuples around it.
`only_variable(out, f)` returns `out`, and complains if `f` should have returned one variable.

</details>
"""


# %% exercise="hessian"
#| export
def hessian(f: Callable, inputs, create_graph: bool = False):
    """All second derivatives of a function with one output, in the shape ``x.shape + x.shape``."""

    ### BEGIN SOLUTION
    def gradient(*xs):
        return pull_back(only_variable(f(*xs), f), xs, create_graph=True)

    tables = jacobian(gradient, as_tuple(inputs), create_graph)
    return tables if isinstance(inputs, tuple) else tables[0][0]
    ### END SOLUTION


# %% checks="hessian" points=6
check(
    hessian(square_times, [2.0, 3.0]),
    [[6.0, 4.0], [4.0, 0.0]],
    hint="the Jacobian of the gradient; for one input that is no tuple its table alone, [0][0]",
)
check(
    hessian(lambda x, y: (x * y * y).sum(), (np.array([1.0]), np.array([3.0]))),
    (([[0.0]], [[6.0]]), ([[6.0]], [[2.0]])),
    hint="for a tuple of inputs, a tuple of tuples: [a][b] holds the derivatives by a and b",
)
check(hessian(lambda v: v.sum(), [1.0, 2.0]), [[0.0, 0.0], [0.0, 0.0]], hint="a plane has none")
third = hessian(lambda v: v**4, np.array(2.0), create_graph=True)
check(type(third).__name__, "Variable", hint="hand create_graph on to jacobian")
check_raises(ValueError, lambda: hessian(lambda v: v * v, [1.0, 2.0]), hint="one number")
check_raises(TypeError, lambda: hessian(lambda v: 5.0, [1.0, 2.0]), hint="only_variable(f(*xs), f)")
### BEGIN HIDDEN TESTS


def table_by_rows(derivatives, out, xs, create_graph=False):
    """A Jacobian, row by row, that does not come from the exercise before."""
    seeds = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
    rows = [derivatives.pull_back(out, xs, seed, create_graph) for seed in seeds]
    return [
        derivatives.stacked([row[i] for row in rows], out.shape + x.shape, x.dtype)
        for i, x in enumerate(xs)
    ]


def with_own_jacobians(derivatives):
    """The module, with Jacobians that do not come from the exercise before."""
    derivatives.jacobian_of = lambda *given: table_by_rows(derivatives, *given)
    return derivatives


@observe(x=normal(3), a=normal(3, 3))
def hessian_of_a_function_of_a_vector(derivatives, x, a):
    """Second derivatives that depend on the place, off the diagonal as well."""
    return with_own_jacobians(derivatives).hessian(lambda v: (v * v * (a @ v)).sum(), x)


@observe(x=normal(2, 2), a=normal(2, 2))
def hessian_by_a_matrix_has_the_shape_of_the_matrix_twice(derivatives, x, a):
    """x.shape + x.shape."""
    return with_own_jacobians(derivatives).hessian(lambda m: (m * m.T * m * a).sum(), x)


@observe(x=normal(2), y=normal(3, 1))
def hessians_by_several_inputs(derivatives, x, y):
    """A tuple of tuples; also for a tuple of one."""
    derivatives = with_own_jacobians(derivatives)
    two = derivatives.hessian(lambda p, q: (p * p * q * q * q).sum(), (x, y))
    one = derivatives.hessian(lambda p: (p * p * p).sum(), (x,))
    return [list(row) for row in two], [type(two).__name__, type(two[0]).__name__], one


@observe(x=normal(3), a=normal(3), seed=normal(3, 3))
def a_hessian_that_can_be_differentiated_again(derivatives, x, a, seed):
    """With create_graph it is a variable that is connected to the input."""
    derivatives = with_own_jacobians(derivatives)
    x = derivatives.Variable(x)
    found = derivatives.hessian(lambda v: (v * v * v * v * a).sum(), x, create_graph=True)
    plain = derivatives.hessian(lambda v: (v * v * v * v * a).sum(), x)
    kinds = type(found).__name__, type(plain).__name__
    return found.numpy(), kinds, derivatives.grad(found, x, seed), x.grad


@observe(x=normal(3))
def hessians_of_planes_are_zero_and_other_outputs_are_refused(derivatives, x):
    """A function that does not bend; one with three outputs; one that gives no variable."""
    derivatives = with_own_jacobians(derivatives)
    flat = derivatives.hessian(lambda v: (v * 3.0).sum(), x)
    curved = derivatives.hessian(lambda v: (v * v * v).sum(), x)
    calls = [lambda v: v * v, lambda v: 3.0, lambda v: (v * v).numpy()]
    return flat, curved, [raised(lambda f=f: derivatives.hessian(f, x)) for f in calls]


### END HIDDEN TESTS

# %% [markdown]
r"""
Mathematics says that $H$ is symmetric: the order of the two derivatives doesn't matter. The engine computes the two by
different sums, though. Is it symmetric to the last bit?
"""

# %%
mixing = rng.normal(size=(5, 5))
table = hessian(lambda v: (tanh(v @ mixing) * v).sum(), rng.normal(size=5))
print("largest element:", np.abs(table).max())
print("largest difference to its transpose:", np.abs(table - table.T).max())

# %% [markdown]
r"""
### 1.6 Newton's method

Now the first of our three visitors. Near a place $p$ a smooth function is nearly a bowl,

$$f(p + d) \approx f(p) + \nabla f \cdot d + \tfrac{1}{2} d^\top H d ,$$

and its lowest point is where the slope of that is zero: $H d = -\nabla f$. Go there, and look again. That is Newton's
method. Compare it with steps downhill, on a bowl that is a hundred times as steep one way as the other:
"""


# %%
def bowl(v):
    return (v[0] - 1) ** 2 + 100 * (v[1] + 2) ** 2


place, steps = np.array([5.0, 5.0]), 0
while np.linalg.norm(vjp(bowl, place)[1]) > 1e-6:
    place = place - 0.009 * vjp(bowl, place)[1]
    steps += 1
print(f"gradient descent: {steps} steps to {place}")

# %% [markdown]
r"""
A larger rate than 0.01 would climb out on the steep side. So the flat side has to wait.

<details>
<summary>Predict: how many steps does Newton's method take here?</summary>

A bowl *is* a bowl: the approximation is exact. One.

</details>

**Your task.** Go on until the norm of the gradient is at most `tolerance`, for at most `most` steps. Return the place and
the number of steps. `np.linalg.solve(H, g)` solves $H d = g$ without inverting $H$.
"""


# %% exercise="newton"
def newton(f: Callable, x, tolerance: float = 1e-6, most: int = 50) -> tuple[np.ndarray, int]:
    """A place near `x`, a vector, where the gradient of `f` vanishes, and the steps it took."""
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)
    for steps in range(most):
        gradient = vjp(f, x)[1]
        if np.linalg.norm(gradient) <= tolerance:
            return x, steps
        x = x - np.linalg.solve(hessian(f, x), gradient)
    return x, most
    ### END SOLUTION


# %% checks="newton" points=6
check(newton(bowl, np.array([5.0, 5.0])), ([1.0, -2.0], 1), hint="minus: x - H⁻¹ g; then one step")
check(newton(bowl, np.array([1.0, -2.0]))[1], 0, hint="look at the gradient before each step")
check(
    newton(lambda v: (v**4).sum(), np.array([3.0]), most=2),
    ([3.0 * 4 / 9], 2),
    hint="at most `most` steps: of x⁴ each step goes a third of the way",
)
start = np.array([5.0, 5.0])
newton(bowl, start)
check(start, [5.0, 5.0], hint="x = x - …, which makes a new array; x -= … changes the caller's")
### BEGIN HIDDEN TESTS


def slopes_and_curvatures(derivatives):
    """The module, with `vjp` and `hessian` that do not come from the exercises before."""

    def vjp(f, x, v=None, create_graph=False):
        x = derivatives.Variable(np.array(x))
        out = f(x)
        return out.detach(), derivatives.pull_back(out, (x,), v)[0]

    def hessian(f, x, create_graph=False):
        x = derivatives.Variable(np.array(x))
        slope = derivatives.pull_back(f(x), (x,), create_graph=True)[0]
        return table_by_rows(derivatives, slope, (x,))[0]

    derivatives.vjp, derivatives.hessian = vjp, hessian
    return derivatives


@observe(x=normal(3), m=normal(3, 3), b=normal(3))
def a_bowl_takes_one_step(derivatives, x, m, b):
    """Of any shape, from anywhere."""
    h = m @ m.T + np.eye(3)
    f = lambda v: (v * (h @ v)).sum() + (b * v).sum()
    return slopes_and_curvatures(derivatives).newton(f, x, 1e-8)


@observe(x=uniform(2, low=1.0, high=2.0), most=integers(low=3, high=7))
def steps_on_a_function_that_is_no_bowl(derivatives, x, most):
    """The place after a given number of steps, none of which is near enough."""
    f = lambda v: (v * v * v * v).sum() + (v[0] * v[1]) * 0.1
    return slopes_and_curvatures(derivatives).newton(f, x, 1e-12, most)


@observe(x=uniform(2, low=1.0, high=2.0), tolerance=uniform(low=0.01, high=1.0))
def it_stops_where_the_gradient_is_small(derivatives, x, tolerance):
    """The number of steps, and where that is; the start is left alone."""
    before = x.copy()
    f = lambda v: (v * v * v * v).sum()
    return slopes_and_curvatures(derivatives).newton(f, x, tolerance), np.abs(x - before).max()


@observe(a=normal(2))
def no_step_is_taken_where_there_is_none_to_take(derivatives, a):
    """At the lowest point; and with most=0."""
    derivatives = slopes_and_curvatures(derivatives)
    f = lambda v: ((v - a) * (v - a)).sum()
    return derivatives.newton(f, a), derivatives.newton(f, a + 1.0, most=0)


### END HIDDEN TESTS


# %%
def valley(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


for steps in range(8):
    place = newton(valley, np.array([-1.5, 2.0]), most=steps)[0]
    print(f"step {steps}: ({place[0]:10.7f}, {place[1]:10.7f})   f = {vjp(valley, place)[0].item():.1e}")

# %% [markdown]
r"""
That was Rosenbrock's valley, on which steps downhill take thousands. Look at the last lines: the number of right digits
*doubles* with every step. And look closely at the others: some steps go up. Newton's method looks for a flat place and
cares for nothing else; a hilltop would do.

### 1.7 Use: 28 January 1986

On the eve of the last flight of the space shuttle Challenger, engineers argued about the cold: rings of rubber had been
damaged on earlier flights. These are the 23 flights before, the temperature at the start in degrees Fahrenheit, and whether
a ring was found damaged (Dalal, Fowlkes and Hoadley, 1989). The forecast for the next morning was 31 degrees.
"""

# %%
temperature = np.array(
    [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58.0]
)
damaged = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1.0])


def surprise(w):
    """How improbable the damages are: minus the logarithm of their probability."""
    score = w[0] + w[1] * (temperature - 70)
    return (maximum(score, 0) + log(1 + exp(-abs(score))) - damaged * score).sum()


w, steps = newton(surprise, np.zeros(2))
errors = np.sqrt(np.diag(np.linalg.inv(hessian(surprise, w))))
print(f"{steps} steps: at 70 degrees the score is {w[0]:.3f}, and {w[1]:.4f} more for each degree")
print(f"uncertain by {errors[0]:.3f} and {errors[1]:.4f}: the roots of the diagonal of the inverse Hessian")
for degrees in (80, 70, 60, 50, 31):
    print(f"{degrees} °F: damage with probability {sigmoid(w[0] + w[1] * (degrees - 70)):.3f}")

# %% [markdown]
r"""
The gradient tells you where the best fit is. The Hessian tells you how sure you may be of it: where the valley is steep, the data
leave no doubt, where it is flat, many values would do nearly as well. (The coldest flight so far was at 53 degrees. No
statistics can tell you much about 31, but it needn't: every number in that table says *wait*.)

<details>
<summary>The same in PyTorch</summary>

```python
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vjp
H = hessian(surprise, torch.zeros(2))      # several inputs: a tuple, as here
out, product = hvp(surprise, torch.zeros(2), torch.ones(2))
```

The names, the order of the results and the shapes are the same. PyTorch's `jvp` uses the same trick with two backward
passes; `torch.func.jvp` has a real forward mode.

</details>

## Part 2: Doubt

### 2.1 Is this gradient right?

To judge a rule, you have compared it with a central difference. That yardstick has two weaknesses. Here are five operations,
a right one and four with a wrong rule. (`Function` makes an operation of two formulas; you will write one in a moment.)
"""


# %%
def operation(name, formula, rule):
    """An operation from a formula, and a rule that may be wrong."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return formula(x)

    methods = {
        "forward": staticmethod(forward),
        "backward": staticmethod(lambda ctx, grad: rule(grad, *ctx.saved_tensors)),
    }
    return type(name, (Function,), methods).apply


suspects = {
    "right": operation("right", lambda x: x * x, lambda grad, x: 2.0 * grad * x),
    "forgets_grad": operation("forgets_grad", lambda x: x * x, lambda grad, x: 2.0 * x),
    "forgets_transpose": operation("forgets_transpose", lambda x: x.T, lambda grad, x: grad),
    "forgets_order": operation("forgets_order", lambda x: x[::-1] * 3.0, lambda grad, x: 3.0 * grad),
    "wrong_factor": operation("wrong_factor", lambda x: x * x, lambda grad, x: 3.0 * grad * x),
}
matrix = rng.normal(size=(3, 3))
for name, suspect in suspects.items():
    by_difference = numerical_gradient(lambda m, f=suspect: f(Variable(m)).sum().item(), matrix)
    by_rule = vjp(lambda m, f=suspect: f(m).sum(), matrix)[1]
    print(f"{name:18}", "passes" if np.allclose(by_rule, by_difference, atol=1e-6) else "fails")

# %% [markdown]
r"""
Three of the four wrong ones pass. A `sum()` starts the way back with ones, all the same, and then nobody sees a factor that
was forgotten, or a place that was mixed up. So weight the outputs at random: $L = \sum_i w_i\,y_i$.

The second weakness is the price, two calls for *each* element. But if you only want to know *whether* all is right, one
number will do. Draw a random direction $d$ as well, and compare the slope of $L$ along it:

$$\underbrace{\textstyle\sum_j \frac{\partial L}{\partial x_j} d_j}_{\text{by the gradient}} \quad\text{with}\quad
\underbrace{\frac{L(x + \varepsilon d) - L(x - \varepsilon d)}{2 \varepsilon}}_{\text{by the difference}} .$$

If the gradient is wrong by $e \ne 0$, the two differ by $e \cdot d$, and for a random $d$ that is practically never 0.

**With numbers:** $f(x, y) = x y$ at $(2, 3)$, with the direction $(1, 10)$ and the weight 5. By the gradient:
$5\,(3 \cdot 1 + 2 \cdot 10) = 115$. By the difference with $\varepsilon = 0.1$: $5\,(2.1 \cdot 4 - 1.9 \cdot 2) / 0.2 = 115$.

**Your task.** Both slopes. There may be several inputs and several outputs: inputs, directions and weights are tuples of
arrays, and everything is added up. Don't change the inputs.

<details>
<summary>Hint: values and gradients</summary>

`vjp(f, xs, weights)` gives both: the outputs (one, or a tuple: `as_tuple`), and the tuple of gradients of the weighted sum.

</details>

<details>
<summary>Hint: adding up</summary>

`np.vdot(a, b)` multiplies two arrays of the same shape and adds up all products.

</details>
"""


# %% exercise="gradcheck"
#| export
def slopes_along(f: Callable, xs: tuple, directions: Sequence, weights: tuple, eps: float) -> tuple:
    """The slope of the weighted outputs along a direction: by the gradient, by a difference."""
    ### BEGIN SOLUTION
    gradients = vjp(f, xs, weights)[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def total(sign: int) -> float:
        moved = tuple(x + sign * eps * d for x, d in zip(xs, directions, strict=True))
        outs = [out.numpy() for out in Call(f, moved).outs]
        return sum(map(np.vdot, weights, outs))

    return by_gradient, (total(1) - total(-1)) / (2 * eps)
    ### END SOLUTION


# %% checks="gradcheck" points=8
one, two, three, five = (np.array(number) for number in (1.0, 2.0, 3.0, 5.0))
check(
    slopes_along(lambda x, y: x * y, (two, three), (one, 10 * one), (five,), 0.1),
    (115.0, 115.0),
    hint="5 (3 · 1 + 2 · 10), and 5 (2.1 · 4 - 1.9 · 2) / 0.2",
)
check(
    slopes_along(lambda x: x * x * x, (two,), (one,), (one,), 0.1),
    (12.0, 12.01),
    hint="the difference to both sides, over 2 eps; the gradient is exact",
)
check(
    slopes_along(lambda x: (x, x * x), (two,), (one,), (five, three), 0.1),
    (17.0, 17.0),
    hint="several outputs: 5 · 1 + 3 · 4",
)
vector = np.array([1.0, 2.0])
check(
    slopes_along(lambda v: v * v, (vector,), (np.array([1.0, -1.0]),), (np.array([1.0, 10.0]),), 0.5),
    (-38.0, -38.0),
    hint="1 · 2 · 1 + 10 · 4 · (-1): weights and directions for each element",
)
check(vector, [1.0, 2.0], hint="make new arrays, and leave the inputs as they are")
### BEGIN HIDDEN TESTS


def own_products(derivatives):
    """The module, with a `vjp` that does not come from the exercise before."""

    def vjp(f, inputs, v=None, create_graph=False):
        call = derivatives.Call(f, inputs, create_graph)
        found = derivatives.pull_back(call.outs, call.xs, v, create_graph)
        return call.result, call.like_inputs(found)

    derivatives.vjp = vjp
    return derivatives


def crooked(derivatives, factor):
    """x³ with a gradient that is wrong by a factor."""

    class Crooked(derivatives.Function):
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
def slopes_of_one_output_by_two_inputs(derivatives, x, y, directions, w):
    """Both are moved at once, each along its own direction."""
    along = directions[:2], directions[2]
    f = lambda a, b: a * b * a
    return own_products(derivatives).slopes_along(f, (x, y), along, (w,), 1e-3)


@observe(x=normal(3), direction=normal(3), w=normal(3), eps=uniform(low=0.3, high=0.6))
def slopes_with_a_large_step(derivatives, x, direction, w, eps):
    """The difference is central, over the step that was asked for; the gradient knows no step."""
    f = lambda a: a * a * a
    return own_products(derivatives).slopes_along(f, (x,), (direction,), (w,), eps)


@observe(x=normal(3), direction=normal(3), w=normal(3), v=normal(), u=normal(1, 3))
def slopes_of_several_outputs(derivatives, x, direction, w, v, u):
    """A tuple of three outputs of different shapes, each with its weights."""

    def f(a):
        return a * a, (a * 3.0).sum(), (a * a * a).reshape(1, 3)

    weights = (w, np.array(v), u)
    return own_products(derivatives).slopes_along(f, (x,), (direction,), weights, 0.2)


@observe(x=normal(4), direction=normal(4), w=normal(4), factor=uniform(low=4.0, high=6.0))
def slopes_of_an_operation_with_a_wrong_gradient(derivatives, x, direction, w, factor):
    """The first slope comes from the gradient, right or wrong; the second only from values."""
    derivatives = own_products(derivatives)
    return derivatives.slopes_along(crooked(derivatives, factor), (x,), (direction,), (w,), 0.1)


@observe(x=normal(5, 5), y=normal(5), d=normal(5, 5), w=normal(5))
def inputs_stay_and_the_function_is_called_a_few_times_only(derivatives, x, y, d, w):
    """Once for the gradient and twice for the difference, however many elements there are."""
    before, calls = [x.copy(), y.copy()], []

    def f(a, b):
        calls.append(1)
        return (a * a * b).sum(axis=1)

    found = own_products(derivatives).slopes_along(f, (x, y), (d, d[0]), (w,), 0.3)
    return found, len(calls) <= 4, [np.abs(p - q).max() for p, q in zip(before, (x, y))]


@observe(x=normal(2, 2), factor=uniform(low=4.0, high=6.0))
def gradcheck_passes_what_is_right_and_says_where_another_is_wrong(derivatives, x, factor):
    """gradcheck and gradgradcheck, which use the slopes."""
    derivatives = own_products(derivatives)
    right, wrong = crooked(derivatives, 3.0), crooked(derivatives, factor)
    found = [derivatives.gradcheck(right, x), derivatives.gradgradcheck(right, x)]
    try:
        derivatives.gradcheck(wrong, x)
        message = "nothing raised"
    except derivatives.GradcheckError as error:
        message = str(error)
    return found, message[:60]


### END HIDDEN TESTS

# %% [markdown]
r"""
Around it are `gradcheck`, which draws weights and a direction and explains a failure, and `gradgradcheck`, the same for the
gradient: it checks second derivatives.
"""


# %%
#| export
def gradcheck(f: Callable, inputs, eps=1e-6, atol=1e-6, rtol=1e-5, rng=0) -> bool:
    """Check the gradients of `f` at float64 `inputs`, away from corners, along a random direction.

    Returns True, or raises a `GradcheckError` that names the input, the element and both numbers, if
    they lie further apart than ``atol + rtol * |expected|``.
    """
    return compare(slopes_along, f, inputs, eps, atol, rtol, rng)


def gradgradcheck(f: Callable, inputs, **settings) -> bool:
    """Check the second derivatives of `f`: `gradcheck` of its gradient along a random direction."""
    return gradcheck(gradient_of(f, inputs, settings.get("rng", 0)), inputs, **settings)


# %%
for name, suspect in suspects.items():
    try:
        gradcheck(suspect, matrix)
        print(f"{name:18} passes")
    except GradcheckError as error:
        print(f"{name:18} {error}")

# %% [markdown]
r"""
### 2.2 A rule that you know better: softplus

Why would anyone write a rule by hand, when the engine differentiates every composition? Take the **softplus**,
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
At 800 the value is infinite and the gradient is `nan`; 800 and 1 would be right. And at −40 the value is 0, where
$4.2 \cdot 10^{-18}$ is right: $1 + e^{-40}$ is 1 in sixteen digits. Both are cured by mathematics, not by the engine:

$$\log(1 + e^x) = \max(x, 0) + \log\!\big(1 + e^{-|x|}\big), \qquad \frac{d}{dx} \log(1 + e^x) = \frac{e^x}{1 + e^x} = \sigma(x).$$

The exponent is never positive, so nothing overflows, and `np.log1p(t)` computes $\log(1 + t)$ without computing $1 + t$ first.
The derivative you have already, without a detour through infinity.

To the engine an operation is anything that says what it was computed from (`inputs`), that can be called with a gradient,
and that can `free()` its memory. A note of the table is one, but anyone may write another. `Function` does that for you, from two
static methods (the names are those of `torch.autograd.Function`):

- `forward(ctx, x)` computes the result, unrecorded, and leaves what the way back needs: `ctx.save_for_backward(x)`;
- `backward(ctx, grad)` takes it out, `(x,) = ctx.saved_tensors`, and returns the gradient by each input.

`YourFunction.apply(x)` runs it. In both methods `x` and `grad` are variables; as long as you stay with operators and functions of
variables, the way back can itself be differentiated.

**Your task.** Write softplus with the two formulas. From $x = (0, 800)$ with `grad` $= (3, 1)$, the gradient is $(1.5, 1)$.
You need `maximum`, `np.log1p`, `np.exp`, `abs` and `sigmoid`.
"""


# %% exercise="softplus"
class Softplus(Function):
    """log(1 + exp(x)), for x of any size, to all digits."""

    @staticmethod
    def forward(ctx, x: Variable) -> Variable:
        """Save what the way back needs, and compute the value."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return maximum(x, 0.0) + np.log1p(np.exp(-abs(x)))
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad: Variable) -> Variable:
        """The gradient by x, from the one by the output."""
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad * sigmoid(x)
        ### END SOLUTION


# %% checks="softplus" points=7
x = Variable(np.array([0.0, 800.0, -800.0]))
y = Softplus.apply(x)
check(y, [np.log(2), 800.0, 0.0], hint="max(x, 0) + log1p(exp(-|x|)) does not overflow")
y.backward([3.0, 1.0, 5.0])
check(
    x.grad, [1.5, 1.0, 0.0], hint="(x,) = ctx.saved_tensors, a tuple; then grad times sigmoid(x)"
)
check(
    Softplus.apply(Variable(np.array(-40.0))).item() / np.exp(-40.0),
    1.0,
    hint="log1p(t), not log(1 + t): at -40 the value is as large as exp(-40)",
)
x = Variable(np.array([0.0, 1.0]))
(first,) = grad(Softplus.apply(x).sum(), x, create_graph=True)
check(
    grad(first.sum(), x),
    ([0.25, 0.196612],),
    hint="the derivative of sigmoid: backward must use variables, not arrays",
)
check(str(Softplus.apply(Variable([1.0])).dtype), "float32", hint="float32 stays float32")
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3))
def values_of_softplus(derivatives, x):
    """Around zero, where both formulas agree."""
    out = derivatives.Softplus.apply(derivatives.Variable(3 * x))
    return out.numpy(), type(out).__name__, type(out.grad_fn).__name__


@observe(large=uniform(3, low=100.0, high=5000.0), small=uniform(3, low=38.0, high=600.0))
def values_of_softplus_far_out(derivatives, large, small):
    """x itself far to the right; far to the left exp(x), of which the logarithm is taken here."""
    with np.errstate(all="ignore"):
        right = derivatives.Softplus.apply(derivatives.Variable(large)).numpy()
        left = derivatives.Softplus.apply(derivatives.Variable(-small)).numpy()
        return right, np.log(left)


@observe(x=normal(2, 3), seed=normal(2, 3))
def gradients_of_softplus(derivatives, x, seed):
    """sigmoid(x) times the gradient that arrives."""
    x = derivatives.Variable(x)
    derivatives.Softplus.apply(x).backward(seed)
    return x.grad


@observe(
    large=uniform(2, low=720.0, high=5000.0), small=uniform(2, low=38.0, high=600.0), seed=normal(4)
)
def gradients_of_softplus_far_out(derivatives, large, small, seed):
    """1 on the right, exp(x) on the left (as a logarithm); no nan."""
    x = derivatives.Variable(np.array([*large, *-large, *-small]))
    with np.errstate(all="ignore"):
        derivatives.Softplus.apply(x).backward([*seed, 1.0, 1.0])
        return x.grad[:4], np.log(x.grad[4:])


@observe(x=normal(4), seeds=normal(2, 4))
def second_derivatives_of_softplus(derivatives, x, seeds):
    """Also far out, where they are 0."""
    x = derivatives.Variable(np.array([*x, 900.0, -900.0]))
    ones = np.ones(2)
    with np.errstate(all="ignore"):
        out = derivatives.Softplus.apply(x)
        (first,) = derivatives.grad(out, x, [*seeds[0], *ones], create_graph=True)
        return derivatives.grad(first, x, [*seeds[1], *ones])[0]


@observe(x=normal(3, dtype="float32"))
def softplus_in_float32_and_of_constants(derivatives, x):
    """float32 stays float32; a variable that needs no gradient gets no history."""
    wanted, constant = derivatives.Variable(x), derivatives.Variable(x, requires_grad=False)
    out = derivatives.Softplus.apply(wanted)
    out.sum().backward()
    plain = derivatives.Softplus.apply(constant)
    return str(out.dtype), str(wanted.grad.dtype), plain.numpy(), plain.is_leaf


### END HIDDEN TESTS

# %%
x = Variable(np.array([-800.0, -40.0, 0.0, 40.0, 800.0]))
stable = Softplus.apply(x)
stable.sum().backward()
print("value:   ", stable.numpy())
print("gradient:", x.grad)
print("gradcheck:", gradcheck(Softplus.apply, rng.normal(size=5)))

# %% [markdown]
r"""
### 2.3 A rule that is wrong on purpose: straight through

A network on a small chip may only have weights that are multiples of $\tfrac14$ between −1 and 1, so that one fits into four
bits. Round them while training, then? The graph of rounding is a staircase, and its slope is what a staircase has:
"""

# %%
print(numerical_gradient(lambda w: (np.round(w / 0.25) * 0.25).sum(), np.array([0.3, -0.6, 0.9])))

# %% [markdown]
r"""
Zero, everywhere that there is a slope. That is right, and useless: no weight would ever move. So people take a wrong rule,
the **straight-through estimator**: round on the way there, and on the way back let the gradient pass as if nothing had happened,
but only where the value lies within the limits (Hubara and others, 2016). With `step` $= 0.25$ and `limit` $= 1$:

| $x$ | value | gradient, from 7 |
| --- | --- | --- |
| 0.3 | 0.25 | 7 |
| −0.9 | −1 | 7 |
| 1.7 | 1 | 0 |

**Your task.** `np.round(values / step) * step`, clipped to the limits, from the array `x.numpy()`; and back, the gradient where
$|x| \le$ `limit`. You may keep a setting as an attribute of `ctx`. Settings that `apply` gets by name are no inputs, so there's
a gradient for `x` alone.
"""


# %% exercise="straight-through"
class Quantize(Function):
    """x rounded to multiples of `step` within ±`limit`; backwards as if it had not been."""

    @staticmethod
    def forward(ctx, x: Variable, step: float = 0.25, limit: float = 1.0) -> np.ndarray:
        """Save what the way back needs, and round."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        ctx.limit = limit
        return np.clip(np.round(x.numpy() / step) * step, -limit, limit)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad: Variable) -> Variable:
        """The gradient passes where x is within the limits."""
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad * (np.abs(x.numpy()) <= ctx.limit)
        ### END SOLUTION


# %% checks="straight-through" points=5
x = Variable(np.array([0.3, -0.9, 1.7, -3.0]))
y = Quantize.apply(x)
check(y, [0.25, -1.0, 1.0, -1.0], hint="round x / step, times step; then the limits")
y.backward([7.0, 7.0, 7.0, 7.0])
check(x.grad, [7.0, 7.0, 0.0, 0.0], hint="the gradient itself within the limits, 0 outside")
check(Quantize.apply(x, step=0.5, limit=2.0), [0.5, -1.0, 1.5, -2.0], hint="use step and limit")
x.zero_grad()
Quantize.apply(x, limit=2.0).backward([1.0, 2.0, 3.0, 4.0])
check(x.grad, [1.0, 2.0, 3.0, 0.0], hint="keep the limit for the way back: ctx.limit = limit")
check(str(Quantize.apply(Variable([1.0])).dtype), "float32", hint="float32 stays float32")
### BEGIN HIDDEN TESTS


@observe(x=uniform(3, 4, low=-2.0, high=2.0), k=integers(low=2, high=6))
def values_of_quantize(derivatives, x, k):
    """Rounded to the step, within the limits."""
    plain = derivatives.Quantize.apply(derivatives.Variable(x))
    other = derivatives.Quantize.apply(derivatives.Variable(x), step=1.0 / k, limit=1.5)
    return plain.numpy(), other.numpy()


@observe(x=uniform(3, 4, low=-2.0, high=2.0), seed=normal(3, 4), limit=uniform(low=0.5, high=1.5))
def gradients_of_quantize(derivatives, x, seed, limit):
    """The gradient itself within the limits, zero outside."""
    first, second = derivatives.Variable(x), derivatives.Variable(x)
    derivatives.Quantize.apply(first).backward(seed)
    derivatives.Quantize.apply(second, limit=limit).backward(seed)
    return first.grad, second.grad


@observe(x=uniform(4, low=-1.0, high=1.0, dtype="float32"), a=normal(4, dtype="float32"))
def quantize_inside_of_an_expression(derivatives, x, a):
    """A product with what was rounded; float32 stays float32; the input is left alone."""
    before, x = x.copy(), derivatives.Variable(x)
    out = (derivatives.Quantize.apply(x * 1.5) * a).sum()
    out.backward()
    return out.numpy(), str(out.dtype), x.grad, np.abs(x.numpy() - before).max()


@observe(x=normal(3))
def a_value_on_the_limit_is_within_it(derivatives, x):
    """At the limit itself the gradient passes."""
    edge = derivatives.Variable(np.array([1.0, -1.0, 1.0 + 1e-9]))
    derivatives.Quantize.apply(edge).backward(x)
    return edge.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
Let's look for five weights that are stored in steps of a quarter, from 50 examples. We go downhill with real numbers, and the network
only ever sees them rounded:
"""

# %% demo=true
stored = np.array([0.75, -0.5, 0.25, -1.0, 0.0])
examples = rng.normal(size=(50, 5))
w = Variable(np.zeros(5))
for step in range(60):
    loss = ((examples @ Quantize.apply(w) - examples @ stored) ** 2).mean()
    if step % 10 == 0 or loss.item() == 0:
        print(f"step {step:2}: loss {loss.item():.4f}, weights {Quantize.apply(w).numpy()}")
    if loss.item() == 0:
        break
    w.zero_grad()
    loss.backward()
    w.data.data = w.data.data - 0.05 * w.grad

# %% [markdown]
r"""
**Question.** What would `gradcheck` say to `Quantize`, and is it right? Why does the training still find the weights? Say
what the rule is the exact derivative *of*.

*Double-click the cell below and write your answer.*
"""

# %% [markdown] answer="straight-through-and-gradcheck" points=4
r"""
**Model answer.** `gradcheck` raises an error, and it is right: between two steps the values do not move at all, so the central difference
is 0 (or huge, at a jump), and the rule gives 1. The rule is the exact derivative of clipping without rounding,
$x \mapsto \max(-1, \min(x, 1))$, a line that the staircase follows and never leaves by more than half a step. Its slope says
correctly in which direction the loss falls over distances larger than a step, and these are what training needs; the real-valued weight
collects many small steps until the rounded one jumps.

**Marks.** `gradcheck` fails: 1. It is right, the slope is 0: 1. The rule is the derivative of the clipped identity: 1. The direction is right over
distances of more than a step, or: the real weights collect small steps: 1.
"""

# %% [markdown]
r"""
### 2.4 Who made the first NaN?

Our third visitor. Here is a network of one neuron, two groups of points that a line can separate, and the loss as in the textbook,
$-\sum t \log p + (1 - t) \log (1 - p)$:
"""

# %%
points = np.concatenate([rng.normal(-1, 0.3, (20, 2)), rng.normal(1, 0.3, (20, 2))]).astype(np.float32)
targets = np.repeat(np.float32([0, 1]), 20)


def train(steps: int) -> int:
    """Train until the loss is not a number; gives the step at which that was."""
    w = Variable(np.zeros(2, np.float32))
    for step in range(steps):
        p = sigmoid(points @ w)
        loss = -(targets * log(p) + (1 - targets) * log(1 - p)).mean()
        if np.isnan(loss.item()):
            return step
        w.zero_grad()
        loss.backward()
        w.data.data = w.data.data - np.float32(20) * w.grad
    return steps


with np.errstate(all="ignore"):
    print("the loss is not a number at step", train(5000))

# %% [markdown]
r"""
And it can be worse: the value is fine, and only the gradient isn't. The distance of two points, $\sqrt{x^2 + y^2}$, where they meet:
"""

# %%
x, y = Variable(np.array(0.0)), Variable(np.array(1.0))
distance = sqrt(x**2 + (y - 1) ** 2)
distance.backward()
print("value:", distance.item(), "  gradient:", x.grad, y.grad)

# %% [markdown]
r"""
A NaN spreads: what is computed from one is one. So look for the *first*: a result that is not finite although all inputs are, or going
back, a share that is not finite although the gradient it was made from is.

Your engine lets others watch. `recording.watched(computed=…, sending=…)` adds two watchers for the length of a `with` block:

| watcher | is called | returns |
| --- | --- | --- |
| `computed(function, inputs, result)` | after each operation on variables | nothing |
| `sending(variable, grad)` | going back, with the complete gradient of each variable, before it is sent on | the gradient to go on with |

What else you need:

| | |
| --- | --- |
| `is_finite(x)` | whether there is no NaN and no infinity in `x`; it takes anything, None as well |
| `users_line()` | the line of your program that is at work |
| `shares_of(variable, grad)` | a list of what the inputs of `variable` would be sent: it asks the rule; of a leaf, an empty list |
| `AnomalyError.forwards(function, inputs, result)` | the error to raise on the way there |
| `AnomalyError.backwards(operation, position, share, line)` | the error to raise on the way back |

**Your task.** Both watchers. On the way back, the line that matters is the one that *called* the operation. So `look` must note it, for
each operation that is recorded (`result.grad_fn`, None if it isn't), in `lines`; `look_back` looks it up for `variable.grad_fn`. An
operation may be older than the block: then say `"a line that was not watched"`.
"""


# %% exercise="find-the-nan"
#| export
@switch
def detect_anomaly():
    """Raise an AnomalyError at the operation that first makes a NaN or an infinity, there or back.

    In a ``with detect_anomaly():`` block or a decorated function. Slow: for looking for a mistake only.
    """
    lines: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # operation -> line that called it

    def look(function, inputs, result) -> None:
        """Note the line, and complain if the result is the first that is not finite."""
        ### BEGIN SOLUTION
        if result.grad_fn is not None:
            lines[result.grad_fn] = users_line()
        if not is_finite(result) and all(map(is_finite, inputs)):
            raise AnomalyError.forwards(function, inputs, result)
        ### END SOLUTION

    def look_back(variable, grad):
        """Complain if a share is the first that is not finite; give the gradient back."""
        ### BEGIN SOLUTION
        if is_finite(grad):
            for position, share in enumerate(shares_of(variable, grad)):
                if not is_finite(share):
                    line = lines.get(variable.grad_fn, "a line that was not watched")
                    raise AnomalyError.backwards(variable.grad_fn, position, share, line)
        return grad
        ### END SOLUTION

    with recording.watched(computed=look, sending=look_back):
        yield


# %% checks="find-the-nan" points=9
def complaint(program: Callable) -> str:
    """What detect_anomaly says of a program."""
    try:
        with np.errstate(all="ignore"), detect_anomaly():
            program()
    except AnomalyError as error:
        return str(error)
    return "nothing"


def forwards():
    y = log(Variable([1.0, 0.0]) * 2.0)
    return y * 0.0


def backwards():
    root = sqrt(Variable([4.0, 0.0]))
    root.sum().backward()


def inherited():
    (Variable([np.nan, 1.0]) * 2.0).sum().backward()


x = Variable([2.0, 3.0])
with detect_anomaly():
    (x * x).sum().backward()
check(x.grad, [4.0, 6.0], hint="sending watchers return the gradient to go on with")
check(complaint(forwards)[:6], "log of", hint="the first that is not finite, and not what follows")
check("log(Variable" in complaint(forwards), True, hint="AnomalyError.forwards says the line")
check("by input 0 of <sqrt" in complaint(backwards), True, hint="look at each of shares_of")
check("root = sqrt" in complaint(backwards), True, hint="note the line in look, use it in look_back")
check(complaint(inherited), "nothing", hint="no complaint if an input was not finite already")
root = sqrt(Variable([0.0]))
check(
    complaint(root.backward)[-26:], "a line that was not watched", hint="lines.get(…, …): older"
)
### BEGIN HIDDEN TESTS


def complaint_of(derivatives, program):
    """What is said of a program, without the line; and whether another line is named."""
    try:
        with np.errstate(all="ignore"), derivatives.detect_anomaly():
            program()
    except derivatives.AnomalyError as error:
        return str(error).partition(" in ")[0].partition("it was called")[0]
    return "nothing"


@observe(x=uniform(3, low=1.0, high=9.0), place=integers(low=0, high=3))
def the_first_operation_on_the_way_there(derivatives, x, place):
    """A logarithm of zero is named, and not what is computed from it."""
    x[place] = 0.0
    v = derivatives.Variable(x)
    return complaint_of(derivatives, lambda: np.exp(np.log(v * 2.0) * 0.5 + v).sum())


@observe(x=uniform(3, low=1.0, high=9.0), place=integers(low=0, high=3))
def the_first_operation_on_the_way_back(derivatives, x, place):
    """The root of zero has a value, and no slope."""
    x[place] = 0.0
    v, w = derivatives.Variable(x), derivatives.Variable(x + 1.0)
    return complaint_of(derivatives, lambda: (w * np.sqrt(v * v)).sum().backward())


@observe(x=uniform(3, low=1.0, high=9.0), strange=integers(low=0, high=2))
def what_was_not_finite_before_is_no_anomaly(derivatives, x, strange):
    """A NaN or an infinity among the inputs, and the gradients that follow from it."""
    v, w = derivatives.Variable(x), derivatives.Variable(x)
    bad = np.array([(np.nan, np.inf)[strange], 1.0, 2.0])
    said = complaint_of(derivatives, lambda: (v * bad).sum().backward())
    seed = complaint_of(derivatives, lambda: (w * 2.0).backward(bad))
    return said, seed, w.grad[1:], complaint_of(derivatives, lambda: np.log(w * 0.0))


@observe(x=normal(3), seed=normal(3))
def gradients_are_those_of_always(derivatives, x, seed):
    """While watching, and after it; a second derivative as well."""
    v, w = derivatives.Variable(x), derivatives.Variable(x)
    with derivatives.detect_anomaly():
        (v * v * v).backward(seed)
        (first,) = derivatives.grad((w * w * w).sum(), w, create_graph=True)
        second = derivatives.grad(first, w, seed)[0]
    return v.grad, second


@observe(x=uniform(3, low=1.0, high=9.0))
def lines_are_those_that_called_the_operation(derivatives, x):
    """Of a named line; of an operation from before; the watching ends with the block."""
    x[1] = 0.0
    v = derivatives.Variable(x)
    earlier = np.sqrt(v)

    def named():
        called_here = np.sqrt(v)
        called_here.sum().backward()

    found = []
    for program in (named, earlier.sum().backward):
        try:
            with np.errstate(all="ignore"), derivatives.detect_anomaly():
                program()
            found.append("nothing")
        except derivatives.AnomalyError as error:
            words = ("<sqrt", "a line that was not watched")
            found += [word in str(error) for word in words]
    with np.errstate(all="ignore"):
        late = np.log(v).numpy()
    return found, late


### END HIDDEN TESTS

# %%
try:
    with detect_anomaly(), np.errstate(all="ignore"):
        train(5000)
except AnomalyError as error:
    print("training:", error)
try:
    with detect_anomaly():
        x, y = Variable(np.array(0.0)), Variable(np.array(1.0))
        sqrt(x**2 + (y - 1) ** 2).backward()
except AnomalyError as error:
    print("distance:", error)

# %% [markdown]
r"""
In the first case the sigmoid of a large score is 1 in float32, to the last bit, and the logarithm of $1 - 1$ does the rest. It is the
softplus once more, and the cure is the same. (With `cross_entropy` of module 7 it wouldn't have happened.) For the second, people add
a tiny number under the root.

<details>
<summary>The same in PyTorch</summary>

`torch.autograd.gradcheck`, `gradgradcheck`, `detect_anomaly` and `Function` have the same names. `gradcheck(…, fast_mode=True)` uses random
directions, as here; without it, it compares all of the Jacobian. PyTorch's `detect_anomaly` looks at the way back only, and for NaN only, and
prints a traceback of the forward call, as your lines do.

</details>

## Part 3: Memory

### 3.1 What depth costs

The way back needs the values of the way there, so the notes keep them alive. Chains of `tanh` on 10,000 numbers (39 KiB in float32), forwards
and backwards:
"""


# %%
def peak_memory(call: Callable) -> float:
    """The most memory, in MiB, that a call used above what there was before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def gradient_of_chain(layers: Sequence[Callable]) -> np.ndarray:
    """The gradient of the sum of what a chain of layers gives."""
    x = z = Variable(np.linspace(-1, 1, 10_000, dtype=np.float32))
    for layer in layers:
        z = layer(z)
    z.sum().backward()
    return x.grad


for n in (10, 100, 1000):
    plain_peak = peak_memory(lambda n=n: gradient_of_chain([tanh] * n))
    print(f"{n:4} layers: {plain_peak:6.2f} MiB, {1024 * plain_peak / n:6.1f} KiB for each")

# %% [markdown]
r"""
In proportion to the depth. There is a way out, and it costs time: call a whole piece of the network **without** notes, and keep only what
went in and what came out. When the way back arrives there, call the piece once more, now with notes, go back through these at once, and forget
them again (Griewank, 1992; for networks Chen and others, 2016). That is `checkpoint(f, *inputs)`.

To the engine it is one operation, and its share for each input comes from a small backward pass of its own. You have all you need:

| | |
| --- | --- |
| `Draws(generators)` | the state of the random numbers, now; in a block `with draws.again():` the same ones are drawn once more |
| `call_unrecorded(f, inputs)` | calls `f` without notes; gives the result, and a list of everything that needs a gradient and that `f` used, the weights of its layers for instance. A watcher finds them |
| `recorded(operation, out)` | the result as a variable that remembers your operation |
| `input_for(x, connected)` | for the second call a new variable with the values of `x`. If `connected`, it comes from `x`, so that second derivatives find their way; else it is a leaf |
| `next(creation_order)` | a number that is larger than that of every variable so far |
| `computed_since(out, number)` | the variables on the way to `out` that are younger than that number, youngest first |
| `propagate({out: grad}, nodes, retain_graph)` | yours, of module 7: goes back through `nodes` only. What arrives elsewhere is in the dictionary that it returns |

**Your task.** Fill in both functions.

`shares` gets the gradient of the result, which is a variable if a second derivative is wanted: then connect the inputs, and keep the
graph. `self.inputs` has the inputs of `f` first, `self.count` of them, then what else `f` used. Return a list with the share of each of
`self.inputs`: for the inputs of `f` look for the new variables, for the others for themselves. What needs no gradient gets None. The second
call has to be recorded, whatever the state is: `with enable_grad():`.

`checkpoint` notes the draws, *before* it calls `f`. Where nothing is recorded at all (`recording.enabled` is False), it just calls `f`.

<details>
<summary>Hint: the border</summary>

Make the new inputs first, then take a number, then call `f`. Everything younger than the number belongs to the second call. The new inputs are
older, so the way back ends there.

</details>

<details>
<summary>Hint: an input that nobody reached</summary>

`found.get(x)` is None if there is nothing for `x`. Ask only for what `needs_gradient(x)`: an array can be no key.

</details>
"""


# %% exercise="checkpoint"
#| export
class Checkpoint(OwnOperation):
    """A note of a whole call, of which only the inputs and the output are kept."""

    def __init__(self, f: Callable, inputs: Sequence, used: Sequence, draws: Draws):
        super().__init__(f, (*inputs, *used))
        self.count, self.draws = len(inputs), draws

    def shares(self, grad, out: Variable) -> list:
        """Call the function again, recorded this time, and go back through it."""
        ### BEGIN SOLUTION
        twice = isinstance(grad, Variable)
        xs = [input_for(x, connected=twice) for x in self.inputs[: self.count]]
        start = next(creation_order)
        with enable_grad(), self.draws.again():
            again = self.function(*xs)
        found = propagate({again: grad}, computed_since(again, start), retain_graph=twice)
        ends = [*xs, *self.inputs[self.count :]]
        return [found.get(x) if needs_gradient(x) else None for x in ends]
        ### END SOLUTION


def checkpoint(f: Callable, *inputs, generators: Sequence[np.random.Generator] = ()) -> Variable:
    """Call `f`, keep only its inputs and its output, and compute it again in the backward pass.

    `f` returns a Variable. It may use weights from outside, and must do the same when called again;
    random numbers of numpy, and of the `generators` that are named, are drawn again.
    """
    ### BEGIN SOLUTION
    if not recording.enabled:
        return only_variable(f(*inputs), f)
    draws = Draws(generators)
    out, used = call_unrecorded(f, inputs)
    return recorded(Checkpoint(f, inputs, used, draws), out)
    ### END SOLUTION


# %% checks="checkpoint" points=10
x, calls = Variable(np.array([1.0, 2.0])), []


def cube(z):
    calls.append(1)
    return z * z * z


y = checkpoint(cube, x)
check(y, [1.0, 8.0], hint="the value is that of f")
check(len(calls), 1, hint="on the way there, f is called once")
y.backward([1.0, 10.0])
check(x.grad, [3.0, 120.0], hint="propagate from the second result, starting with grad")
check(len(calls), 2, hint="and on the way back once more")
layer = Dense(2, 1, rng=0)
checkpoint(lambda z: tanh(layer(z)), Variable([[1.0, 2.0]], requires_grad=False)).sum().backward()
check(layer.weights.grad is None, False, hint="what f used gets its share: the rest of self.inputs")
generator = np.random.default_rng(3)
ones = Variable(np.ones(20))
dropped = checkpoint(lambda z: z * (generator.random(20) < 0.5), ones, generators=[generator])
dropped.sum().backward()
check(ones.grad, dropped.numpy(), hint="Draws(generators) before the call; draws.again() around the second")
x.zero_grad()
(first,) = grad(checkpoint(cube, x).sum(), x, create_graph=True)
check(grad(first.sum(), x), ([6.0, 12.0],), hint="connected, and retain_graph, if grad is a Variable")
### BEGIN HIDDEN TESTS


@observe(x=normal(3), y=normal(2, 1), seed=normal(2, 3))
def value_and_gradients_of_two_inputs(derivatives, x, y, seed):
    """As without a checkpoint; a number and an array among the inputs."""
    a, b = derivatives.Variable(x), derivatives.Variable(y)
    f = lambda p, q, n, c: np.sin(p * q) * n + p * c
    out = derivatives.checkpoint(f, a, b, 3.0, x + 1.0)
    out.backward(seed)
    return out.numpy(), a.grad, b.grad, out.requires_grad


@observe(x=normal(4, 3), w=normal(3, 2), seed=normal(4, 2))
def weights_from_outside_get_their_gradients(derivatives, x, w, seed):
    """A weight and a computed variable that the function finds; an input that needs no gradient."""
    weight, scale = derivatives.Variable(w), derivatives.Variable(w[0])
    double = scale * 2.0
    f = lambda z: np.tanh(z @ weight) * double
    derivatives.checkpoint(f, derivatives.Variable(x, requires_grad=False)).backward(seed)
    return weight.grad, scale.grad


@observe(x=normal(3))
def an_input_that_is_also_used_from_outside(derivatives, x):
    """It gets both gradients; so does one that is simply handed back."""
    a, b = derivatives.Variable(x), derivatives.Variable(x)
    derivatives.checkpoint(lambda p: p * a * a, a).sum().backward()
    derivatives.checkpoint(lambda p: p, b * 2.0).sum().backward()
    return a.grad, b.grad


@observe(x=normal(4), seed=normal(4))
def second_derivatives_through_a_checkpoint(derivatives, x, seed):
    """Also where one stands inside another."""
    a = derivatives.Variable(x)
    f = lambda p: np.sin(p * p) * p
    out = derivatives.checkpoint(lambda p: derivatives.checkpoint(f, p) * p, a)
    (first,) = derivatives.grad(out.sum(), a, create_graph=True)
    return first.numpy(), derivatives.grad(first, a, seed)[0], a.grad


@observe(x=uniform(30, low=0.5, high=2.0), seed=integers(low=0, high=1000))
def random_numbers_are_the_same_and_go_on_as_before(derivatives, x, seed):
    """numpy's own and those of a generator; afterwards the next ones come."""
    a, generator = derivatives.Variable(x), np.random.default_rng(seed)
    np.random.seed(seed)
    f = lambda p: p * generator.random(30) * np.random.random(30)
    out = derivatives.checkpoint(f, a, generators=[generator])
    between = generator.random(), np.random.random()
    out.sum().backward()
    return out.numpy() - a.grad * x, between, generator.random(), np.random.random()


@observe(x=normal(3))
def calls_there_and_back_and_inside_no_grad(derivatives, x):
    """Once, and once more; without recording an ordinary call; without need, no history."""
    a, calls = derivatives.Variable(x), []

    def f(p):
        calls.append(1)
        return p * p

    out = derivatives.checkpoint(f, a)
    counts = [len(calls)]
    out.sum().backward()
    counts.append(len(calls))
    with derivatives.recording.switched(False):
        plain = derivatives.checkpoint(f, a)
    constant = derivatives.checkpoint(f, derivatives.Variable(x, requires_grad=False))
    counts.append(len(calls))
    return counts, a.grad, plain.numpy(), [v.requires_grad for v in (plain, constant)]


@observe(x=normal(500), depth=integers(low=20, high=40))
def nothing_in_between_is_kept_alive(derivatives, x, depth):
    """The arrays of the middle of the function are gone after the call, and after the way back."""
    import weakref

    alive = []

    def f(p):
        for _ in range(depth):
            p = np.sin(p)
            alive.append(weakref.ref(p))
        return p * 1.0

    a = derivatives.Variable(x)
    out = derivatives.checkpoint(f, a)
    there = sum(r() is not None for r in alive)
    out.sum().backward()
    back = sum(r() is not None for r in alive)
    return there, back, a.grad


@observe(x=normal(3))
def what_would_be_wrong_is_refused(derivatives, x):
    """A function that gives no variable; an input that was changed before the way back."""
    a, b, c = (derivatives.Variable(x.copy()) for _ in range(3))
    out, other = (derivatives.checkpoint(lambda p: p * p, v) for v in (a, b))
    a.data.data[1] += 1.0
    b.data.data = b.data.data + 1.0
    good = derivatives.checkpoint(lambda p: p * p, c)
    good.sum().backward()
    bad = [out.sum().backward, other.sum().backward, lambda: derivatives.checkpoint(lambda p: 3.0, c)]
    return [raised(call) for call in bad], c.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
The chain again, in one checkpoint around each hundred layers. And again the gradients are compared, to the last bit:
"""

# %%
def run(part: Sequence[Callable], z: Variable) -> Variable:
    """Call functions one after the other."""
    for function in part:
        z = function(z)
    return z


ten_pieces = [partial(checkpoint, partial(run, [tanh] * 100))] * 10
print(f"{peak_memory(lambda: gradient_of_chain(ten_pieces)):.2f} MiB instead of {plain_peak:.2f}")
print("equal:", (gradient_of_chain(ten_pieces) == gradient_of_chain([tanh] * 1000)).all())

# %% [markdown]
r"""
### 3.2 How many checkpoints?

Divide a chain of $n$ layers into $k$ segments. Two things need memory: the values between the segments, about $k$, which stay; and the notes of the
one segment that is being called again, about $n / k$. Together

$$m(k) = k + \frac{n}{k}, \qquad m'(k) = 1 - \frac{n}{k^2} = 0 \quad\text{at}\quad k = \sqrt{n}.$$

| $n = 1000$ | values kept |
| --- | --- |
| without checkpoints | 1000 |
| $k = 1$ | $1 + 1000$: all of them again, only later |
| $k = 10$ | $10 + 100 = 110$ |
| $k = 32$ | $32 + 32 = 64$ |
| $k = 1000$ | $1000 + 1$: no layer's result is forgotten |

**Your task.** Cut a list of functions into segments with a checkpoint around each. Their lengths differ by at most one, so 11 functions in 4 segments
are 2, 3, 3 and 3, in any order. Refuse a number of segments that isn't between 1 and the number of functions with a `ValueError` that says both numbers. You
may use `run` from above only if you write it again: that cell isn't exported.

<details>
<summary>Hint: where to cut</summary>

Segment $i$ of $k$ may go from `i * n // k` to `(i + 1) * n // k`.

</details>

<details>
<summary>Hint: right values, wrong gradients</summary>

A function made in a loop, `lambda z: run(part, z)`, looks up `part` when it is *called*. The second call comes on the way back: the loop is over, and
`part` is the last segment, for all of them. `partial(run, part)` keeps it.

</details>
"""


# %% exercise="checkpoint-sequential"
#| export
def checkpoint_sequential(functions: Sequence[Callable], segments: int, x: Variable) -> Variable:
    """Call functions one after the other, in nearly equal segments with a `checkpoint` around each."""
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


# %% checks="checkpoint-sequential" points=6
noted = []


def noting(number):
    def function(z):
        noted.append(number)
        return z * float(number)

    return function


functions = [noting(number) for number in (1, 2, 3, 4, 5)]
x = Variable(2.0)
y = checkpoint_sequential(functions, 2, x)
check(y, 240.0, hint="2 * 1 * 2 * 3 * 4 * 5, one after the other")
check(noted, [1, 2, 3, 4, 5], hint="each function is called once on the way there")
y.backward()
check(x.grad, 120.0, hint="see the hint on right values and wrong gradients")
check(len(noted), 10, hint="each function is called once more on the way back: checkpoint them all")
check(noted[5] in (3, 4), True, hint="two segments of 2 and 3: the later is called again first")
noted.clear()
checkpoint_sequential(functions, 5, x).backward()
check(noted[5:], [5, 4, 3, 2, 1], hint="as many segments as functions: one function in each")
check_raises(ValueError, lambda: checkpoint_sequential(functions, 0, x), hint="at least one")
check_raises(ValueError, lambda: checkpoint_sequential(functions, 6, x), hint="at most five")
### BEGIN HIDDEN TESTS


def with_own_checkpoints(derivatives):
    """The module, with a `checkpoint` that does not come from the exercise before."""

    class Piece(derivatives.OwnOperation):
        def shares(self, grad, out):
            x = derivatives.Variable(np.array(self.inputs[0].numpy()))
            with derivatives.enable_grad():
                again = self.function(x)
            found = derivatives.grad(again, (x, *self.inputs[1:]), np.asarray(grad))
            return list(found)

    def checkpoint(f, *inputs, generators=()):
        if not derivatives.recording.enabled:
            return f(*inputs)
        out, used = derivatives.call_unrecorded(f, inputs)
        used = [x for x in used if x is not inputs[0]]
        return derivatives.recorded(Piece(f, (*inputs, *used)), out)

    derivatives.checkpoint = checkpoint
    return derivatives


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
def values_and_gradients_of_different_functions(derivatives, factors, x, seed, segments):
    """The same as without checkpoints, though each function does something else."""
    derivatives = with_own_checkpoints(derivatives)
    functions, _ = layers_that_note(factors)
    x = derivatives.Variable(x)
    out = derivatives.checkpoint_sequential(functions, segments, x)
    out.backward(seed)
    return out.numpy(), x.grad


@observe(factors=uniform(11, low=0.5, high=1.5), x=normal())
def segments_are_nearly_equal(derivatives, factors, x):
    """11 functions in 1, 3, 4, 6, 8 and 11 segments: the lengths, from the order of the second calls."""
    derivatives, found = with_own_checkpoints(derivatives), []
    for segments in (1, 3, 4, 6, 8, 11):
        functions, log = layers_that_note(factors)
        leaf = derivatives.Variable(np.array(x))
        derivatives.checkpoint_sequential(functions, segments, leaf).backward()
        found.append((segment_lengths(log[len(factors) :]), leaf.grad))
    return found


@observe(factors=uniform(9, low=0.5, high=1.5), x=normal(), segments=integers(low=1, high=10))
def each_function_is_called_once_there_and_once_back(derivatives, factors, x, segments):
    """In its order on the way there; and not again where nothing is recorded."""
    derivatives = with_own_checkpoints(derivatives)
    functions, log = layers_that_note(factors)
    x = derivatives.Variable(np.array(x))
    out = derivatives.checkpoint_sequential(functions, segments, x)
    there = list(log)
    out.backward()
    log_of_both = sorted(log)
    log.clear()
    with derivatives.recording.switched(False):
        last = derivatives.checkpoint_sequential(functions, segments, x)
    return there, log_of_both, list(log), last.item(), x.grad


@observe(x=normal(4, 3), weights=normal(5, 3), seed=normal(4, 3), segments=integers(low=1, high=6))
def weights_inside_the_functions_get_their_gradients(derivatives, x, weights, seed, segments):
    """Each function multiplies by a weight of its own; the functions come as a tuple."""
    derivatives = with_own_checkpoints(derivatives)
    weights = [derivatives.Variable(w) for w in weights]
    functions = tuple((lambda z, w=w: z * w) for w in weights)
    x = derivatives.Variable(x)
    derivatives.checkpoint_sequential(functions, segments, x).backward(seed)
    return [w.grad for w in weights], x.grad


@observe(factors=normal(4), x=normal())
def wrong_numbers_of_segments_are_refused(derivatives, factors, x):
    """Zero, negative, and more than there are functions; the largest that fits is not."""
    derivatives = with_own_checkpoints(derivatives)
    functions, log = layers_that_note(factors)
    x = derivatives.Variable(np.array(x))
    calls = [
        lambda n=n, f=f: derivatives.checkpoint_sequential(f, n, x)
        for f, n in [(functions, 0), (functions, -2), (functions, 5), ([], 1), ([], 0)]
    ]
    good = [derivatives.checkpoint_sequential(functions, n, x).item() for n in (1, 4)]
    return good, [raised(call) for call in calls], len(log)


### END HIDDEN TESTS

# %% demo=true
chain = [tanh] * 1000
numbers = np.array([1, 4, 16, 32, 64, 250, 1000])
peaks, times = [], []
for k in numbers:
    whole = [partial(checkpoint_sequential, chain, int(k))]
    peaks.append(peak_memory(lambda whole=whole: gradient_of_chain(whole)))
    times.append(seconds(lambda whole=whole: gradient_of_chain(whole), 2))
figure, axes = plt.subplots(figsize=(6, 3.8))
axes.loglog(numbers, peaks, "o-", label="measured")
axes.loglog(numbers, plain_peak / 1000 * (numbers + 1000 / numbers), "--", label="k + n / k")
axes.axhline(plain_peak, color="gray", linestyle=":", label="without checkpoints")
axes.set_xlabel("segments k")
axes.set_ylabel("most memory, MiB")
axes.legend()
show(
    figure,
    "The most memory against the number of segments, both logarithmic: a valley whose lowest place is "
    "near the square root of the number of layers, along the dashed curve k + n / k.",
)
best = int(np.argmin(peaks))
plain_time = seconds(lambda: gradient_of_chain(chain), 2)
print(f"least with {numbers[best]} segments: {peaks[best]:.2f} MiB, {peaks[best] / plain_peak:.1%}")
print(f"time: {1000 * plain_time:.0f} ms without, {1000 * times[best]:.0f} ms with {numbers[best]}")

# %% [markdown]
r"""
**Question.** A step back costs about as much as two steps forward. By how much should checkpoints lengthen a training step, by that count? Why doesn't that depend on
the number of segments? And what would you do if even $2\sqrt{n}$ values were too many?

*Double-click the cell below and write your answer.*
"""

# %% [markdown] answer="the-price-of-checkpoints" points=4
r"""
**Model answer.** Without checkpoints: 1 forward and 2 back, 3 units. With them every layer is called once more: 4 units, so a third longer. Whatever the segments
are, each layer belongs to exactly one of them, and each segment is called again once. If that is still too much memory, put checkpoints inside the segments:
with three levels about $3\sqrt[3]{n}$ values are kept, for one more call of each layer.

**Marks.** 4/3, or a third longer: 1. Every layer is called again exactly once, in whichever segment: 1. Checkpoints inside checkpoints: 1. They cost another
call of each layer, or need about the cube root: 1.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`torch.utils.checkpoint.checkpoint(f, *inputs, use_reentrant=False)` and `checkpoint_sequential(functions, segments, x)`. PyTorch, too, restores the random numbers
of its own generator (`preserve_rng_state=True`); generators of your own you'd have to see to. Large language models are trained this way, often with one checkpoint for
each block.

</details>

## Part 4: Watching

### 4.1 A guard of your own

One thing hasn't been said so far: why nobody has got a wrong gradient yet by changing an array too early. A rule reads the values that the operation was computed from, when
the way back comes by. If they are other values by then, the rule computes with those. Your engine has a watcher on duty that notices. Send it home for a moment:
"""

# %%
with without_guards():
    x = Variable(np.array([1.0, 2.0, 3.0]))
    loss = (x * x).sum()
    x.data.data[0] = 100.0  # a step of an optimizer, one line too early
    loss.backward()
    print("gradient by x:", x.grad)

# %% [markdown]
r"""
2 would be right for the first, and nobody said a word. A network trained like that still learns something, just not quite as well as it should. Such mistakes stay for
months.

**Your task: design a guard.** It's an open problem, any design that keeps these promises is right:

- Its two methods are watchers, `recording.watched(guard.computed, guard.sending)`. `sending` raises a `RuntimeError` before a rule reads a value that has changed.
- It notices a change of *any* size, at any place of an array of any length, in what went in and in what came out (rules read both).
- Honest programs pass: arrays with NaN in them, changes *after* the way back, gradients of gradients.
- It keeps no graph alive: when the variables are gone, its notes go, too.

A `result.grad_fn` of the engine has `values`, a list of what went into the operation (arrays, but also numbers), and `result.data.data` is what came out. A
`weakref.WeakKeyDictionary` forgets an entry when its key is gone. Its keys must be compared by identity: operations are, variables with their `==` of elements are not.

<details>
<summary>Hint: three designs</summary>

A copy of each array; its bytes, `array.tobytes()`; or a fingerprint of its bytes, `hashlib.blake2b(…).digest()`, which needs no memory. What do they cost? And what does
`==` say of a NaN?

</details>
"""


# %% exercise="guard"
class Guard:
    """Notices changes in place; its methods `computed` and `sending` are watchers."""

    def __init__(self):
        """Prepare the place for notes."""
        ### BEGIN SOLUTION
        self.notes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        ### END SOLUTION

    def computed(self, function: Callable, inputs: tuple, result: Variable) -> None:
        """Note what the rules will read."""
        ### BEGIN SOLUTION
        if result.grad_fn is not None:
            arrays = [np.asarray(v) for v in (*result.grad_fn.values, result.data.data)]
            self.notes[result.grad_fn] = [(array, array.tobytes()) for array in arrays]
        ### END SOLUTION

    def sending(self, variable: Variable, grad):
        """Raise a RuntimeError if it has changed; give the gradient back."""
        ### BEGIN SOLUTION
        if is_computed(variable):
            for array, before in self.notes.get(variable.grad_fn, ()):
                if array.tobytes() != before:
                    raise RuntimeError(f"an array of {variable.grad_fn!r} was changed in place")
        return grad
        ### END SOLUTION


# %% checks="guard" points=6
def noticed(program: Callable) -> bool:
    """Whether your guard, and only yours, stops a program."""
    guard = Guard()
    with without_guards(), recording.watched(guard.computed, guard.sending):
        try:
            program()
        except RuntimeError:
            return True
    return False


def honest():
    x = Variable(np.array([1.0, np.nan]))
    (x * x * 3.0).sum().backward()
    x.data.data[0] = 5.0


def changes_an_input(size=3, place=0):
    x = Variable(np.ones(size))
    loss = (x * x).sum()
    x.data.data[place] += 1e-9
    loss.backward()


def changes_a_result():
    y = exp(Variable(np.ones(3)))
    y.data.data[1] = 0.0
    y.sum().backward()


check(noticed(honest), False, hint="NaN is not equal to itself, but its bytes are; later is fine")
check(noticed(changes_an_input), True, hint="compare what the rules read, on the way back")
check(noticed(lambda: changes_an_input(100_000, 77_777)), True, hint="every element, not a sample")
check(noticed(changes_a_result), True, hint="rules read the result, too")
with without_guards(), recording.watched(sending=Guard().sending):
    x = Variable(np.array([3.0]))
    (x * x).backward()
check(x.grad, [6.0], hint="give the gradient back; there may be operations without a note")
### BEGIN HIDDEN TESTS


def stopped(derivatives, program):
    """Whether the guard stops a program, with no other guard on duty."""
    guard = derivatives.Guard()
    before = derivatives.recording.watchers
    derivatives.recording.watchers = type(before)([guard.computed], [guard.sending])
    try:
        return raised(program)
    finally:
        derivatives.recording.watchers = before


@observe(x=normal(1000), n=integers(low=1, high=1000), k=integers(low=0, high=1000))
def a_change_of_an_input_of_any_size_at_any_place(derivatives, x, n, k):
    """By very little; and the same program without a change."""

    def program(by):
        v = derivatives.Variable(x[:n].copy())
        loss = (v * v).sum()
        v.data.data[k % n] += by
        loss.backward()
        found.append(v.grad)

    found = []
    said = [stopped(derivatives, lambda by=by: program(by)) for by in (1e-7, 100.0, 0.0)]
    return said, found


@observe(x=normal(40, 5), row=integers(low=0, high=40))
def a_change_through_a_view_and_of_a_matrix(derivatives, x, row):
    """The memory is the same, whoever writes to it."""

    def program(by):
        v, w = derivatives.Variable(x.copy()), derivatives.Variable(x.T.copy())
        loss = (v @ w).sum()
        v.data.data.reshape(-1)[row * 5 + 3] += by
        loss.backward()
        found.append(w.grad)

    found = []
    return [stopped(derivatives, lambda by=by: program(by)) for by in (1.0, 0.0)], found


@observe(x=normal(4), by=uniform(low=0.1, high=1.0))
def a_change_of_a_result(derivatives, x, by):
    """The rule of exp reads its output."""

    def program(by):
        v = derivatives.Variable(x.copy())
        y = np.exp(v)
        y.data.data[2] += by
        y.sum().backward()
        found.append(v.grad)

    found = []
    return [stopped(derivatives, lambda by=by: program(by)) for by in (by, 0.0)], found


@observe(x=normal(4), k=integers(low=0, high=4))
def honest_programs_pass(derivatives, x, k):
    """NaN, steps of training, second derivatives, numbers without axes."""

    def program():
        v = derivatives.Variable(np.where(np.arange(4) == k, np.nan, x))
        (v * v).sum().backward()
        w = derivatives.Variable(x.copy())
        for _ in range(3):
            w.grad = None
            (w * w).sum().backward()
            w.data.data -= 0.1 * w.grad
        (first,) = derivatives.grad((w * w * w).sum(), w, create_graph=True)
        number = derivatives.Variable(np.array(x[0]))
        (number * number * 2.0).backward()
        found.extend([v.grad, w.numpy(), derivatives.grad(first.sum(), w)[0], number.grad])

    found = []
    return stopped(derivatives, program), found


@observe(x=normal(4))
def no_graph_is_kept_alive(derivatives, x):
    """The results are gone as soon as nobody needs them."""
    import gc
    import weakref

    def program():
        v = derivatives.Variable(x.copy())
        for _ in range(5):
            y = v * v
            alive.append(weakref.ref(y))
            y.sum().backward()
        del y
        gc.collect()
        alive.append(v.grad)

    alive = []
    said = stopped(derivatives, program)
    return said, [r() is None for r in alive[:-1]], alive[-1]


### END HIDDEN TESTS

# %% [markdown]
r"""
What does yours cost? A chain of `tanh` with no guard, with yours, and with the one of the library, which keeps bytes only of what somebody can still write to:
"""


# %% demo=true
def watched_chain(guard) -> np.ndarray:
    with without_guards(), recording.watched(guard.computed, guard.sending):
        return gradient_of_chain([tanh] * 200)


def unguarded_chain() -> np.ndarray:
    with without_guards():
        return gradient_of_chain([tanh] * 200)


for name, program in (
    ("no guard", unguarded_chain),
    ("yours", lambda: watched_chain(Guard())),
    ("the library's", partial(gradient_of_chain, [tanh] * 200)),
):
    print(f"{name:14} {1000 * seconds(program):6.1f} ms, {peak_memory(program):6.2f} MiB")

# %% [markdown]
r"""
The library closes the results of operations to writing, which costs nothing, and keeps bytes only of leaves. It is a watcher like yours: `tinytorch/support/guards.py`.

## What you have now

The engine of module 7 records, goes back, and lets others watch. Nothing in it has changed. Functions on top of it give second derivatives, tables and products; notes of a different
kind give rules of your own, and memory for time; watchers find the first NaN and the change that came too early. PyTorch is built the same way: `torch.autograd.functional` and
`torch.utils.checkpoint` are Python on top of the engine, too.

The last cell lists the public names of this module. Export it: `python bin/tito.py export 15_derivatives`.
"""

# %%
#| export
__all__ = [
    "AnomalyError",
    "Function",
    "GradcheckError",
    "checkpoint",
    "checkpoint_sequential",
    "detect_anomaly",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "vjp",
]

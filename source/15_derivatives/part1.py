# %% [markdown]
r"""
# Module 15: Derivatives of derivatives

In 1994 Barak Pearlmutter had a network with more weights than he could write a Hessian for, and needed the Hessian
only to multiply it with a vector. His paper, "Fast exact multiplication by the Hessian", has a few lines of
algebra, and the price of the product is that of two gradients. The matrix never exists.

Your engine of module 7 can do this already. It can also judge its own rules, run in a fraction of its memory, learn
new operations, and find out where a NaN was born. Nothing in it has to change for that. In this module each of these
is a few lines on top of `grad`, `propagate`, and the two kinds of watchers.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | the derivative of a derivative | 1 | 15 min |
| 2 | tables and products: `jacobian`, `jvp`, `hvp`, `hessian`; Newton's method | 5 | 100 min |
| 3 | `gradcheck`: a check for any gradient | 1 | 25 min |
| 4 | operations with a rule of your own | 2 | 35 min |
| 5 | `detect_anomaly`: where a NaN was born | 1 | 20 min |
| 6 | `checkpoint`: less memory for a little more time | 2 | 45 min |
| 7 | a guard of your own design | 1 | 25 min |
| Use and Analyze | the largest step that still converges; three questions | 3 questions | 25 min |

You need module 7, and a little linear algebra: a matrix times a vector. Sections 3 to 7 don't need each other, so you
may take them in any order.
"""

# %%
#| default_exp core.derivatives
#| export
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tinytorch.core.autograd import Variable, creation_order, grad, maximum, propagate, sigmoid
from tinytorch.support.anomaly import (
    AnomalyError,
    make_detector,
    not_finite,
    report_of_gradient,
    report_of_result,
    shares_of,
)
from tinytorch.support.checkpoints import checkpoint_by, recorded_since
from tinytorch.support.custom import Context, Function
from tinytorch.support.functional import (
    make_hessian,
    make_hvp,
    make_jacobian,
    make_jvp,
    make_vjp,
    pull_back,
    stacked,
    values_of,
)
from tinytorch.support.gradchecks import GradcheckError, make_gradcheck, make_gradgradcheck
from tinytorch.support.recording import enable_grad

# %% [markdown]
r"""
What comes from `tinytorch.support` handles the fuss: one input or a tuple of them, random states, error messages.
The next cell is for this notebook only:
"""

# %%
import tracemalloc
import weakref

import matplotlib.pyplot as plt

from tinytorch.core.autograd import cos, cross_entropy, exp, log, numerical_gradient, sqrt, stack, tanh
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor
from tinytorch.support.recording import recording
from tinytorch.support.unguarded import unguarded
from tito.checks import check, check_raises, progress
from tito.figures import seconds, show

rng = np.random.default_rng(0)

# %% [markdown]
r"""
## Build

### 1. The derivative of a derivative

The derivative of $x^3$ is $3x^2$, and the derivative of that is $6x$. So differentiate twice:
"""

# %%
x = Variable(np.array(2.0))
(first,) = grad(x**3, x)
print("the first: ", first)
try:
    grad(first, x)
except TypeError as error:
    print("the second:", error)

# %% [markdown]
r"""
The first derivative is right, but it is an *array*. Your engine worked it out with the switch off, so nobody knows any
more that it came from $x$. `create_graph=True` leaves the switch on during the way back. Then every rule computes
with variables, its operations are noted like any others, and the derivative that arrives has a history of its own.

#### Exercise 1: `second_derivative`

`f` works element by element (as `exp` does), and `x` is a Variable of any shape. Return the second derivatives, one for
each element, as an array. `.sum()` makes one number of the outputs, and because each output depends on its own $x$
only, the gradient of the sum holds each derivative by itself.

In numbers: for $f(x) = x^3$ at $(2, 5)$ the first derivatives are $(12, 75)$ and the second $(12, 30)$.
"""


# %% exercise="second-derivative"
#| export
def second_derivative(f: Callable, x: Variable) -> np.ndarray:
    """The second derivative of `f` at `x`, element by element."""
    ### BEGIN SOLUTION
    (first,) = grad(f(x).sum(), x, create_graph=True)
    return grad(first.sum(), x)[0]
    ### END SOLUTION


# %% checks="second-derivative" points=4
_x = Variable(np.array([2.0, 5.0]))
_found = second_derivative(lambda v: v**3, _x)
check(_found, [12.0, 30.0], hint="the gradient of the gradient: 6 x")
check(type(_found).__name__, "ndarray", hint="grad gives a tuple: take its first element")
check(_x.grad, None, hint="use grad, which touches no .grad")
check(second_derivative(exp, Variable([0.0])), [1.0], hint="exp is its own derivative")
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, normal, observe, raised, uniform


@observe(x=normal(4))
def second_derivatives_of_a_quartic(derivatives, x):
    """Twelve times the square; no .grad is touched."""
    v = derivatives.Variable(x)
    return derivatives.second_derivative(lambda z: z**4 + z**2, v), v.grad


@observe(x=normal(2, 3))
def second_derivatives_of_a_composite(derivatives, x):
    """In the shape of x, of a function of functions, as an array."""
    found = derivatives.second_derivative(
        lambda z: np.exp(z * z) * np.sin(z),
        derivatives.Variable(x),
    )
    return found, type(found).__name__


@observe(x=normal(dtype="float32"))
def second_derivative_of_a_single_number_in_float32(derivatives, x):
    """A number without axes; float32 stays float32."""
    v = derivatives.Variable(np.array(x, dtype="float32"))
    found = derivatives.second_derivative(lambda z: z * z * z, v)
    return found, str(found.dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
Nothing stops you after the second. The series $e^x \cos x = 1 + x - \frac{x^3}{3} - \frac{x^4}{6} - \frac{x^5}{30} + \dots$
says what the derivatives at 0 must be: 1, 0, −2, −4, −4.
"""

# %%
x = Variable(np.array(0.0))
y = exp(x) * cos(x)
for order in range(1, 6):
    (y,) = grad(y, x, create_graph=True)
    print(order, round(y.item(), 12))

# %% [markdown]
r"""
And a straight line? What do you expect as its second derivative, and what comes?
"""

# %%
try:
    print(second_derivative(lambda v: 3 * v, Variable([1.0, 2.0])))
except RuntimeError as error:
    print(error)

# %% [markdown]
r"""
The slope of a line is 3 everywhere. It doesn't depend on $x$, so it has no history, and `grad` refuses. In this module
that is no mistake but a zero. So from here on use `pull_back`, which is `grad` for tuples, keeps the graph, and gives
zeros where nothing depends on anything:

`pull_back(outputs, xs, seeds, create_graph=False)`

- `outputs` and `xs` are tuples of variables. The answer is a tuple, with an array (or a variable) for each of `xs`.
- `seeds` is a tuple with a starting gradient for each output. `None` stands for 1, for an output that is one number.

### 2. Tables and products

#### What a backward pass really gives

Take a function with several outputs, $f(x_0, x_1) = (x_0 x_1,\; x_0^2)$, at $(2, 3)$. All its derivatives make a table,
the **Jacobian**, with a row for each output and a column for each input:

$$J = \begin{pmatrix} x_1 & x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 3 & 2 \\ 4 & 0 \end{pmatrix}$$

A backward pass starts with a vector $v$, one number for each output, and gives $v^\top J$: a *mixture of rows*.

| starts with $v$ | arrives at $x$ | which is |
| --- | --- | --- |
| $(1, 0)$ | $(3, 2)$ | row 0 |
| $(0, 1)$ | $(4, 0)$ | row 1 |
| $(5, 1)$ | $(19, 10)$ | 5 times row 0, plus row 1 |

So the whole table takes a pass for each output. Outputs and inputs need not be vectors: an output of shape `(2, 3)` and
an input of shape `(4,)` have $6 \cdot 4$ derivatives, in a table of shape `(2, 3, 4)`: first the indices of the output,
then those of the input.

#### Exercise 2: `jacobian_of`

`out` is one output, `xs` a tuple of inputs. Make a pass for each element of `out`: 1 there, 0 everywhere else. Return a
list with a table for each input, of shape `out.shape + x.shape`. Hand `create_graph` on to `pull_back`.

`stacked(rows, shape, dtype)` puts a list of rows together in the shape that you ask for, arrays or variables.

<details><summary>Hint: all seeds at once</summary>

The rows of `np.eye(out.size)` are the seeds of a vector. `reshape` them to `(out.size, *out.shape)`, and a loop over
the first axis gives one seed after the other, each in the shape of the output.

</details>

<details><summary>Hint: rows for several inputs</summary>

Each pass gives a tuple with a row for *each* input. `[row[i] for row in rows]` are those of input `i`.

</details>
"""


# %% exercise="jacobian"
#| export
def jacobian_of(out: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All derivatives of `out` by each of `xs`: for each a table of ``out.shape + x.shape``."""
    ### BEGIN SOLUTION
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
    return [
        stacked([row[i] for row in rows], out.shape + x.shape, x.dtype) for i, x in enumerate(xs)
    ]
    ### END SOLUTION


# %% checks="jacobian" points=7
_x = Variable(np.array([2.0, 3.0]))
_out = stack([_x[0] * _x[1], _x[0] ** 2])
check(jacobian_of(_out, (_x,)), [[[3.0, 2.0], [4.0, 0.0]]], hint="a row for each output; in a list")
_a, _b = Variable(np.array([1.0, 2.0])), Variable(np.array([[5.0], [7.0], [9.0]]))
_found = jacobian_of(_a * _b, (_a, _b))
check([j.shape for j in _found], [(3, 2, 2), (3, 2, 3, 1)], hint="out.shape + x.shape, for each x")
check(_found[0][1, 0], [7.0, 0.0], hint="element [i, j, k]: the derivative of out[i, j] by x[k]")
check(_found[1][1, 0], [[0.0], [1.0], [0.0]], hint="derivatives by the second input")
check(jacobian_of(_a.sum(), (_a,)), [[1.0, 1.0]], hint="an output of shape () has one seed, 1")
_again = jacobian_of(_x * _x, (_x,), create_graph=True)[0]
check(type(_again).__name__, "Variable", hint="hand create_graph on to pull_back")


### BEGIN HIDDEN TESTS
@observe(table=normal(3, 4), x=normal(4))
def jacobian_of_a_vector_by_a_vector(derivatives, table, x):
    """A list with one array: row i has the derivatives of output i."""
    v = derivatives.Variable(x)
    found = derivatives.jacobian_of(table @ (v * v), (v,))
    return len(found), found[0]


@observe(x=normal(4), y=normal(3, 2))
def jacobians_by_several_inputs_of_any_shape(derivatives, x, y):
    """out.shape + x.shape for each input, in the order of the inputs."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    out = (x[:3] * x[1:]).reshape(3, 1) * y * x.sum()
    both = list(derivatives.jacobian_of(out, (x, y)))
    return both, list(derivatives.jacobian_of(out, (y,)))


@observe(x=normal(3), y=normal())
def jacobians_of_and_by_single_numbers(derivatives, x, y):
    """An output of shape (), an input of shape (), and an output without any element."""
    x, y = derivatives.Variable(x), derivatives.Variable(np.array(y))
    number = derivatives.jacobian_of((x * x).sum(), (x,))[0]
    vector = derivatives.jacobian_of(x * y * y, (y,))[0]
    empty = derivatives.jacobian_of((x * x)[:0], (x,))[0]
    return number, vector, empty, str(empty.dtype)


@observe(x=normal(3), unused=normal(2, 2))
def no_dependence_gives_zeros_and_no_grad_is_touched(derivatives, x, unused):
    """An input that the output does not depend on has a Jacobian of zeros."""
    x, unused = derivatives.Variable(x), derivatives.Variable(unused)
    found = derivatives.jacobian_of(x * x * x, (unused, x))
    return list(found), x.grad, unused.grad


@observe(x=normal(3), a=normal(3, 3), seed=normal(3, 3))
def a_jacobian_that_can_be_differentiated_again(derivatives, x, a, seed):
    """With create_graph a variable; without it an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * a).sum(axis=1)
    recorded, plain = (derivatives.jacobian_of(out, (x,), flag)[0] for flag in (True, False))
    kinds = type(recorded).__name__, type(plain).__name__
    default = type(derivatives.jacobian_of(out, (x,))[0]).__name__
    return plain, kinds, default, recorded.numpy(), derivatives.grad(recorded, x, seed)[0]


@observe(x=normal(2, dtype="float32"))
def jacobians_in_float32(derivatives, x):
    """float32 stays float32, also of an output without elements."""
    x = derivatives.Variable(x)
    found = derivatives.jacobian_of(x * x, (x,))[0]
    empty = derivatives.jacobian_of((x * x)[:0], (x,))[0]
    return found, str(found.dtype), str(empty.dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
Users have a function and an input, or a tuple of inputs. `make_jacobian` wraps your `jacobian_of` for them: it calls
the function on variables, hands them to you, and gives back one table for one input, and a tuple for a tuple.
"""

# %%
#| export
jacobian = make_jacobian(jacobian_of)

# %%
print(jacobian(lambda v: stack([v[0] * v[1], v[0] ** 2]), np.array([2.0, 3.0])))

# %% [markdown]
r"""
#### Columns

A product with a vector from the left, $v^\top J$, is one backward pass. Users call it `vjp`, *vector-Jacobian product*,
and it is `pull_back` itself. What about a vector from the right, $J v$? It says how all outputs change if the inputs
move along $v$: a mixture of *columns*. With $v = (1, 0)$ in the example it's the first column, $(3, 4)$.

Engines that go forward get this in one pass. Yours goes backward only. It could build the table, a pass for each output.
For a thousand outputs that's a thousand passes, for one slope! There is a better way (Townsend, "A new trick for
calculating Jacobian vector products", 2017). Start a backward pass with a *variable* $u$, and call what arrives $g$:

$$g(u) = u^\top J, \qquad\text{so}\qquad \frac{\partial g_j}{\partial u_i} = J_{ij}.$$

It is linear in $u$, whatever $f$ is. So pull $g$ back to $u$, starting with $v$: $\;\sum_j v_j \, \partial g_j / \partial
u_i = \sum_j J_{ij} v_j = (J v)_i$. Two backward passes make one forward pass. What number should $u$ be? Any: a linear
function has the same derivative everywhere. Zeros will do.

#### Exercise 3: `push_forward`

Write it: `outputs`, `xs` and `vs` are tuples, with a vector in `vs` for each of `xs`; the answer is a tuple with a slope
for each output, in its shape. Make the `us` in the shape and dtype of the outputs.
"""


# %% exercise="vjp-and-jvp"
#| export
def push_forward(outputs: tuple, xs: tuple, vs: tuple, create_graph: bool = False) -> tuple:
    """The Jacobian times a vector: the slopes of all outputs if `xs` move along `vs`."""
    ### BEGIN SOLUTION
    us = tuple(Variable(np.zeros(out.shape, out.dtype)) for out in outputs)
    gradients = pull_back(outputs, xs, us, create_graph=True)
    return pull_back(gradients, us, vs, create_graph)
    ### END SOLUTION


# %% checks="vjp-and-jvp" points=7
_x, _y = Variable(np.array([2.0, 3.0])), Variable(np.array(4.0))
_outs = (stack([_x[0] * _x[1], _x[0] ** 2]), _y * _x.sum())
check(
    push_forward(_outs[:1], (_x,), (np.array([1.0, 0.0]),)),
    ([3.0, 4.0],),
    hint="the first column of the table: pull back to us, starting with vs",
)
check(
    push_forward(_outs, (_x, _y), (np.array([1.0, 10.0]), np.array(100.0))),
    ([32.0, 4.0], 544.0),
    hint="a slope for each output; all inputs move at once",
)
_slope = push_forward(_outs[:1], (_x,), (np.array([1.0, 0.0]),), create_graph=True)[0]
check(type(_slope).__name__, "Variable", hint="hand create_graph on to the second pull_back")
_single = push_forward((Variable([1.0]) * 2.0,), (_x,), ([1.0, 1.0],))
check(_single, ([0.0],), hint="what does not depend on xs has slope 0: let pull_back see to it")


### BEGIN HIDDEN TESTS
@observe(x=normal(3), table=normal(4, 3), v=normal(3))
def slopes_along_a_vector(derivatives, x, table, v):
    """One output, one input, of different lengths."""
    x = derivatives.Variable(x)
    return derivatives.push_forward((table @ (x * x * x),), (x,), (v,))[0]


@observe(x=normal(2, 3), y=normal(3), v=normal(2, 3), w=normal(3))
def slopes_of_several_outputs_along_several_inputs(derivatives, x, y, v, w):
    """A slope for each output, in its shape."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    outs = (x * y * y, (x * x).sum(axis=0), (y * y * y).sum())
    found = derivatives.push_forward(outs, (x, y), (v, w))
    return type(found).__name__, list(found)


@observe(x=normal(3), v=normal(3), w=normal(3))
def slopes_that_can_be_differentiated_again(derivatives, x, v, w):
    """With create_graph a variable; without it, and by default, an array."""
    x = derivatives.Variable(x)
    out = x * x * x
    slope = derivatives.push_forward((out,), (x,), (v,), True)[0]
    plain = derivatives.push_forward((out,), (x,), (v,))[0]
    kinds = type(slope).__name__, type(plain).__name__
    return kinds, plain, derivatives.grad(slope, x, w)[0], x.grad


@observe(x=normal(2, dtype="float32"), v=normal(2, dtype="float32"))
def slopes_in_float32(derivatives, x, v):
    """float32 stays float32."""
    x = derivatives.Variable(x)
    found = derivatives.push_forward((x * x,), (x,), (v,))[0]
    return found, str(found.dtype)


### END HIDDEN TESTS

# %%
#| export
vjp, jvp = make_vjp(pull_back), make_jvp(push_forward)

# %% [markdown]
r"""
A thousand outputs of two inputs: the table row by row, and one column at once. Which do you expect to win, and by how
much?
"""

# %% demo=true
many = rng.normal(size=(1000, 2))
place, along = np.array([1.0, 2.0]), np.array([1.0, 0.0])
rows = seconds(lambda: jacobian(lambda v: tanh(many @ v), place)[:, 0], 1)
column = seconds(lambda: jvp(lambda v: tanh(many @ v), place, along))
print(f"by rows {1000 * rows:.1f} ms, one column {1000 * column:.2f} ms: {rows / column:.0f} times")

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
| Use and Analyze | what 23 flights say; the largest step that still converges; three questions | 3 questions | 35 min |

You need module 7, and a little linear algebra: a matrix times a vector. Sections 3 to 7 don't need each other, so you
may take them in any order.
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
    grad,
    maximum,
    propagate,
    sigmoid,
)
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
from tinytorch.support.gradchecks import GradcheckError as GradcheckError
from tinytorch.support.gradchecks import make_gradcheck, make_gradgradcheck
from tinytorch.support.recording import enable_grad

# %% [markdown]
r"""
What comes from `tinytorch.support` handles the fuss: one input or a tuple of them, random states, error messages.
The next cell is for this notebook only:
"""

# %%
import tracemalloc

import matplotlib.pyplot as plt

from tinytorch.core.autograd import (
    cos,
    cross_entropy,
    exp,
    log,
    numerical_gradient,
    sqrt,
    stack,
    tanh,
)
from tinytorch.core.tensor import Tensor
from tinytorch.support.recording import recording
from tinytorch.support.unguarded import unguarded
from tito.checks import check, check_raises
from tito.figures import seconds, show
from tito.student.progress import progress as progress

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
    """The second derivative of `f` at `x`, element by element.

    Parameters
    ----------
    f : callable
        Works element by element on a Variable; its derivative depends on `x`.
    x : Variable
        Where to differentiate, of any shape.

    Returns
    -------
    ndarray
        A second derivative for each element, in the shape and dtype of `x`.
    """
    ### BEGIN SOLUTION
    (first,) = grad(f(x).sum(), x, create_graph=True)
    return grad(first.sum(), x)[0]
    ### END SOLUTION


# %% checks="second-derivative" points=4
_x = Variable(np.array([2.0, 5.0]))
_found = second_derivative(lambda v: v**3, _x)
check(_found, [12.0, 30.0], hint="the gradient of the gradient: 6 x")
check(
    type(_found).__name__, "ndarray", hint="grad gives a tuple: take its first element"
)
check(_x.grad, None, hint="use grad, which touches no .grad")
check(second_derivative(exp, Variable([0.0])), [1.0], hint="exp is its own derivative")
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, normal, observe, raised, uniform


@observe(x=normal(4), exact=True)
def second_derivatives_of_a_quartic(derivatives, x):
    """Twelve times the square; no .grad is touched."""
    v = derivatives.Variable(x)
    return derivatives.second_derivative(lambda z: z**4 + z**2, v), v.grad


@observe(x=normal(2, 3), exact=True)
def second_derivatives_of_a_composite(derivatives, x):
    """In the shape of x, of a function of functions, as an array."""
    found = derivatives.second_derivative(
        lambda z: np.exp(z * z) * np.sin(z),
        derivatives.Variable(x),
    )
    return found, type(found).__name__


@observe(x=uniform(low=1.0000003, high=1.0000005), a=uniform(low=0.5, high=3.0))
def second_derivative_of_a_single_number_in_float32(derivatives, x, a):
    """A number without axes, right beside a place where the slope has a corner; float32 stays float32."""
    v, a = derivatives.Variable(np.array(x, dtype="float32")), float(a)
    found = derivatives.second_derivative(lambda z: (z - 1) * np.abs(z - 1) * z * a, v)
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
    """All derivatives of `out` by each of `xs`: tables of ``out.shape + x.shape``."""
    ### BEGIN SOLUTION
    seeds = np.eye(out.size).reshape(out.size, *out.shape)
    rows = [pull_back((out,), xs, (seed,), create_graph) for seed in seeds]
    return [
        stacked([row[i] for row in rows], out.shape + x.shape, x.dtype)
        for i, x in enumerate(xs)
    ]
    ### END SOLUTION


# %% checks="jacobian" points=7
_x = Variable(np.array([2.0, 3.0]))
_out = stack([_x[0] * _x[1], _x[0] ** 2])
check(
    jacobian_of(_out, (_x,)),
    [[[3.0, 2.0], [4.0, 0.0]]],
    hint="a row for each output; in a list",
)
_a, _b = Variable(np.array([1.0, 2.0])), Variable(np.array([[5.0], [7.0], [9.0]]))
_found = jacobian_of(_a * _b, (_a, _b))
check(
    [j.shape for j in _found],
    [(3, 2, 2), (3, 2, 3, 1)],
    hint="out.shape + x.shape, for each x",
)
check(
    _found[0][1, 0],
    [7.0, 0.0],
    hint="element [i, j, k]: the derivative of out[i, j] by x[k]",
)
check(_found[1][1, 0], [[0.0], [1.0], [0.0]], hint="derivatives by the second input")
check(
    jacobian_of(_a.sum(), (_a,)),
    [[1.0, 1.0]],
    hint="an output of shape () has one seed, 1",
)
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
    recorded, plain = (
        derivatives.jacobian_of(out, (x,), flag)[0] for flag in (True, False)
    )
    kinds = type(recorded).__name__, type(plain).__name__
    default = type(derivatives.jacobian_of(out, (x,))[0]).__name__
    return (
        plain,
        kinds,
        default,
        recorded.numpy(),
        derivatives.grad(recorded, x, seed)[0],
    )


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
def push_forward(
    outputs: tuple, xs: tuple, vs: tuple, create_graph: bool = False
) -> tuple:
    """The Jacobian times a vector: the slopes of all outputs along `vs`."""
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
    ([23.0, 4.0], 544.0),
    hint="a slope for each output; all inputs move at once",
)
_slope = push_forward(_outs[:1], (_x,), (np.array([1.0, 0.0]),), create_graph=True)[0]
check(
    type(_slope).__name__,
    "Variable",
    hint="hand create_graph on to the second pull_back",
)
_single = push_forward((Variable([1.0]) * 2.0,), (_x,), ([1.0, 1.0],))
check(
    _single,
    ([0.0],),
    hint="what does not depend on xs has slope 0: let pull_back see to it",
)


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
print(f"by rows {1000 * rows:.1f} ms, one column {1000 * column:.2f} ms:", end=" ")
print(f"{rows / column:.0f} times")

# %% [markdown]
r"""
#### The Hessian, and how to do without

The table of *second* derivatives of a function with one output is the **Hessian**,
$H_{ij} = \frac{\partial^2 f}{\partial x_i \partial x_j}$. It says how the landscape bends. For
$f(x_0, x_1) = x_0^2 x_1$ at $(2, 3)$:

$$\nabla f = (2 x_0 x_1,\; x_0^2) = (12, 4), \qquad
H = \begin{pmatrix} 2 x_1 & 2 x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 6 & 4 \\ 4 & 0 \end{pmatrix}.$$

The network for small pictures of module 7 has 101,770 weights. How large is its Hessian?
"""

# %%
print(f"{101_770**2 * 4 / 1e9:.1f} GB in float32")

# %% [markdown]
r"""
But methods that use a Hessian usually ask for its product with a vector only. That is Pearlmutter's idea: row $i$ of $H$
holds the derivatives of the gradient's element $i$, so $H$ is the Jacobian of the gradient, and it is symmetric. A backward
pass *from the gradient*, starting with $v$, gives $v^\top H = H v$. In the example with $v = (1, 10)$:
$(6 + 40,\; 4 + 0) = (46, 4)$.

#### Exercise 4: `hvp_of`

`output` is one number, `vs` has a vector for each of `xs`. Two backward passes, and no table. The answer is a tuple of
arrays in the shapes of `xs`.
"""


# %% exercise="hvp"
#| export
def hvp_of(output: Variable, xs: tuple, vs: tuple, create_graph: bool = False) -> tuple:
    """The Hessian of one number times a vector, without the Hessian."""
    ### BEGIN SOLUTION
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return pull_back(gradients, xs, vs, create_graph)
    ### END SOLUTION


# %% checks="hvp" points=7
_x, _y = Variable(np.array([2.0, 3.0])), Variable(np.array(5.0))
_vs = (np.array([1.0, 10.0]), np.array(100.0))
check(
    hvp_of(_x[0] ** 2 * _x[1], (_x,), _vs[:1]),
    ([46.0, 4.0],),
    hint="pull the gradients back to xs, starting with vs; the answer is a tuple",
)
check(
    hvp_of(_x[0] ** 2 * _y, (_x, _y), _vs),
    ([410.0, 0.0], 4.0),
    hint="all xs at once: 2 y · 1 + 2 x₀ · 100 = 410, and 2 x₀ · 1 = 4",
)
check(hvp_of(_x.sum(), (_x,), _vs[:1]), ([0.0, 0.0],), hint="a plane does not bend")
_again = hvp_of(_x[0] ** 2 * _x[1], (_x,), _vs[:1], create_graph=True)[0]
check(
    type(_again).__name__,
    "Variable",
    hint="hand create_graph on to the second pull_back",
)


### BEGIN HIDDEN TESTS
@observe(x=normal(4), a=normal(4, 4), v=normal(4))
def products_with_the_hessian(derivatives, x, a, v):
    """Of a function whose second derivatives depend on the place."""
    x = derivatives.Variable(x)
    found = derivatives.hvp_of((x * x * (a @ x)).sum(), (x,), (v,))
    return type(found).__name__, len(found), found[0]


@observe(x=normal(2, 2), y=normal(2), v=normal(2, 2), w=normal(2))
def products_by_several_inputs(derivatives, x, y, v, w):
    """Each gets its share of what all the others do."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    found = derivatives.hvp_of((x * x * y * y).sum(), (x, y), (v, w))
    return list(found), x.grad


@observe(x=normal(3), v=normal(3), w=normal(3))
def products_that_can_be_differentiated_again(derivatives, x, v, w):
    """With create_graph a variable; by default an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * x).sum()
    product = derivatives.hvp_of(out, (x,), (v,), True)[0]
    plain = derivatives.hvp_of(out, (x,), (v,))[0]
    kinds = type(product).__name__, type(plain).__name__
    return kinds, plain, derivatives.grad(product, x, w)[0]


@observe(x=normal(60), v=normal(60))
def products_take_two_passes_and_no_table(derivatives, x, v):
    """However many numbers there are; the product itself is right."""
    passes, before = [], derivatives.pull_back

    def counted(*arguments, **parameters):
        passes.append(1)
        return before(*arguments, **parameters)

    derivatives.pull_back = counted
    x = derivatives.Variable(x)
    found = derivatives.hvp_of((x * x * x).sum() * x.sum(), (x,), (v,))[0]
    derivatives.pull_back = before
    return found, len(passes) <= 4


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: `hessian_of`

And sometimes you do want the table. It is the Jacobian of the gradient, and you have both. For several inputs there is a
table for each pair: return a list with a row for each input $a$, and in it a table for each input $b$, of shape
`xs[a].shape + xs[b].shape`.
"""


# %% exercise="hessian"
#| export
def hessian_of(output: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All second derivatives of one number: at [a][b] those by xs[a] and xs[b]."""
    ### BEGIN SOLUTION
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return [jacobian_of(gradient, xs, create_graph) for gradient in gradients]
    ### END SOLUTION


# %% checks="hessian" points=6
_x, _y = Variable(np.array([2.0, 3.0])), Variable(np.array(5.0))
check(
    hessian_of(_x[0] ** 2 * _x[1], (_x,)),
    [[[[6.0, 4.0], [4.0, 0.0]]]],
    hint="the Jacobian of the gradient; for one input, a list of a list of one table",
)
_tables = hessian_of(_x[0] ** 2 * _y, (_x, _y))
check(_tables[0][1], [4.0, 0.0], hint="element [0][1]: by x, then by y")
check(
    [len(row) for row in _tables],
    [2, 2],
    hint="a row for each input, with a table for each input",
)
check(
    hessian_of(_x.sum(), (_x,)),
    [[[[0.0, 0.0], [0.0, 0.0]]]],
    hint="a plane does not bend",
)
_third = hessian_of((_x**4).sum(), (_x,), create_graph=True)
check(
    type(_third[0][0]).__name__, "Variable", hint="hand create_graph on to jacobian_of"
)


### BEGIN HIDDEN TESTS
@observe(x=normal(3), a=normal(3, 3))
def hessian_of_a_function_of_a_vector(derivatives, x, a):
    """Second derivatives that depend on the place, off the diagonal as well."""
    x = derivatives.Variable(x)
    found = derivatives.hessian_of((x * x * (a @ x)).sum(), (x,))
    return len(found), len(found[0]), found[0][0]


@observe(x=normal(2, 2), a=normal(2, 2))
def hessian_by_a_matrix_has_the_shape_of_the_matrix_twice(derivatives, x, a):
    """x.shape + x.shape."""
    x = derivatives.Variable(x)
    return derivatives.hessian_of((x * x.T * x * a).sum(), (x,))[0][0]


@observe(x=normal(2), y=normal(3, 1))
def hessians_by_several_inputs(derivatives, x, y):
    """A row for each input."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    return [
        list(row) for row in derivatives.hessian_of((x * x * y * y * y).sum(), (x, y))
    ]


@observe(x=normal(3), a=normal(3), seed=normal(3, 3))
def a_hessian_that_can_be_differentiated_again(derivatives, x, a, seed):
    """With create_graph a variable; by default an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * x * a).sum()
    found = derivatives.hessian_of(out, (x,), True)[0][0]
    plain = derivatives.hessian_of(out, (x,))[0][0]
    kinds = type(found).__name__, type(plain).__name__
    return kinds, plain, derivatives.grad(found, x, seed)[0], x.grad


### END HIDDEN TESTS

# %%
#| export
hvp, hessian = make_hvp(hvp_of), make_hessian(hessian_of)

# %% [markdown]
r"""
A valley in $n$ dimensions, and what a gradient, a product and a table cost there:
"""


# %% demo=true
def valley(v):
    """Rosenbrock's valley: a flat floor, steep sides, lowest at (1, …, 1)."""
    return ((1 - v[:-1]) ** 2 + 100 * (v[1:] - v[:-1] ** 2) ** 2).sum()


for n in (10, 100, 300):
    place, along = rng.normal(size=(2, n))
    times = [
        seconds(partial(vjp, valley, place)),
        seconds(partial(hvp, valley, place, along)),
        seconds(partial(hessian, valley, place), 1),
    ]
    print(
        n,
        *(
            f"{name} {1000 * t:.2f} ms  "
            for name, t in zip(("gradient", "hvp", "table"), times)
        ),
    )

# %% [markdown]
r"""
#### Newton's method

Near a place $p$, a smooth function is almost a bowl: $f(p + d) \approx f(p) + \nabla f \cdot d + \frac{1}{2} d^\top H d$.
The bowl is flat where its own gradient is zero: $\nabla f + H d = 0$. So solve $H d = -\nabla f$, go to $p + d$, and
repeat. If $f$ *is* a bowl, one step is enough. What does plain gradient descent do in such a bowl, one that is long and
narrow?
"""


# %%
def bowl(v):
    return (v * v * np.array([1.0, 50.0])).sum()


place, count = np.array([3.0, 1.0]), 0
while np.abs(vjp(bowl, place)[1]).max() > 1e-9:
    place, count = place - 0.018 * vjp(bowl, place)[1], count + 1
print("gradient descent:", count, "steps")

# %% [markdown]
r"""
The steep direction allows only small steps, and the flat one would need large ones. Newton's method sees both.

#### Exercise 6: `newton`

Return the place where the gradient is zero, as a float64 array, and the number of steps taken. Stop *before* a step if
no element of the gradient is larger than `tolerance`, in size, and stop in any case after `steps` steps. `start` is a list
or an array, and stays as it is.

`vjp(f, x)[1]` is the gradient, `hessian(f, x)` the table, and `np.linalg.solve(H, g)` solves $H d = g$.
"""


# %% exercise="newton"
#| export
def newton(f: Callable, start, steps: int = 20, tolerance: float = 1e-9) -> tuple:
    """Where the gradient of `f` is zero, and the number of steps there from `start`.

    Parameters
    ----------
    f : callable
        Takes a Variable with one axis, gives a Variable with one element.
    start : array_like
        Where to begin; not changed.
    steps : int
        How many steps to take at most.
    tolerance : float
        The largest element of a gradient, in size, that counts as zero.

    Returns
    -------
    place : ndarray, float64
        The place that was reached.
    count : int
        The number of steps taken.
    """
    ### BEGIN SOLUTION
    x = np.array(start, dtype=np.float64)
    for step in range(steps):
        slope = vjp(f, x)[1]
        if np.abs(slope).max() <= tolerance:
            return x, step
        x = x - np.linalg.solve(hessian(f, x), slope)
    return x, steps
    ### END SOLUTION


# %% checks="newton" points=8
def _bent(v):
    return (v**4).sum() + v[0] * v[1] + v[1] ** 2


check(
    newton(bowl, [3.0, 1.0]),
    ([0.0, 0.0], 1),
    hint="a bowl takes one step: x - solve(H, gradient)",
)
check(
    newton(bowl, [-3.0, -1.0])[1], 1, hint="a slope far below zero is not small: np.abs"
)
check(newton(bowl, [0.0, 0.0])[1], 0, hint="look at the gradient before the step")
check(
    newton(_bent, [2.0, 1.0], steps=1)[0],
    [1.323398, 0.4769],
    hint="one step, and then stop",
)
check(
    newton(_bent, [2.0, 1.0], steps=3)[1],
    3,
    hint="give up after `steps` steps, and say so",
)
_far = newton(lambda v: exp(v).sum() - v.sum(), [3.0, -1.0])[0]
check(_far, [0.0, 0.0], hint="compute gradient and Hessian anew at every place")


### BEGIN HIDDEN TESTS
@observe(start=normal(3), a=normal(3, 3), b=normal(3), exact=True)
def a_bowl_takes_one_step(derivatives, start, a, b):
    """Where the gradient is zero, whatever the start; the start stays as it was."""
    before, table = start.copy(), a @ a.T + np.eye(3)
    f = lambda v: ((v @ table) * v).sum() / 2 - (v * b).sum()  # noqa: E731
    place, count = derivatives.newton(f, start, 20, 1e-6)
    return place, count, np.abs(start - before).max()


@observe(
    start=uniform(2, low=-1.0, high=1.0), steps=integers(low=1, high=4), exact=True
)
def a_few_steps_on_a_curved_function(derivatives, start, steps):
    """Each from where the last one ended."""
    f = lambda v: np.exp(v).sum() + (v * v * v * v).sum() + v[0] * v[1]  # noqa: E731
    place, count = derivatives.newton(f, start, steps=steps, tolerance=0.0)
    return place, count, str(place.dtype)


@observe(start=uniform(2, low=0.5, high=2.0), exact=True)
def the_tolerance_decides_when_to_stop(derivatives, start):
    """In size: a slope that is far below zero is not small. From a list, in float64."""
    f = lambda v: (np.exp(v) - 3.0 * v).sum()  # noqa: E731
    counts = [
        derivatives.newton(f, list(start), 30, t)[1] for t in (10.0, 0.5, 1e-2, 1e-8)
    ]
    low = derivatives.newton(f, list(-start), 30, 1.0)
    one = derivatives.newton(f, [start[0], np.log(3.0)], 30, 1e-3)
    return counts, low, one


@observe(start=uniform(2, low=-0.5, high=0.5), exact=True)
def a_place_that_is_flat_to_begin_with(derivatives, start):
    """A gradient that is exactly as large as the tolerance is small enough; whole numbers become float64."""
    f = lambda v: (v * v).sum()  # noqa: E731
    place, count = derivatives.newton(f, start, 5, float(2 * np.abs(start).max()))
    bent = lambda v: (v * v * v * v).sum() + f(v)  # noqa: E731
    whole = derivatives.newton(bent, [1, 2], 1, 0.1)[0]
    at_once = derivatives.newton(f, [0, 0], 1, 0.1)[0]
    return place, count, whole, str(whole.dtype), at_once, str(at_once.dtype)


### END HIDDEN TESTS


# %% [markdown]
r"""
On Rosenbrock's valley in two dimensions, whose lowest point is (1, 1):
"""

# %%
place, count = newton(
    lambda v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2, [-1.5, 2.0]
)
print(f"after {count} steps at {place}")

# %% [markdown]
r"""
Gradient descent would take thousands of steps there. But Newton's method looks for *flat* places, and cares for nothing
else. It may go up on its way, and end on a saddle or on a summit. And each step costs a whole Hessian.

<details><summary>The same in PyTorch</summary>

`torch.autograd.functional` has `jacobian`, `hessian`, `vjp`, `jvp` and `hvp` with the same arguments, and its `jvp` uses
the same double backward trick. The newer `torch.func` has them as transformations of functions, with a real forward mode
for `jvp`.

</details>

### 3. Is this gradient right?

In module 7 you judged rules with `numerical_gradient`. For whole functions, and for rules that people write themselves,
that has two weaknesses. The first is the seed. One right gradient of $x^2$, and three wrong ones:
"""


# %%
def squaring(gradient_of):
    """A Function that computes x², with a gradient that may be wrong."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return gradient_of(grad, *ctx.saved_tensors)

    return Square.apply


suspects = {
    "right": squaring(lambda grad, x: 2.0 * grad * x),
    "wrong factor": squaring(lambda grad, x: 3.0 * grad * x),
    "forgets grad": squaring(lambda grad, x: 2.0 * x),
    "mixes places": squaring(lambda grad, x: 2.0 * grad[::-1] * x),
}
place = rng.normal(size=3)
for name, suspect in suspects.items():
    by_gradient = vjp(lambda v, f=suspect: f(v).sum(), place)[1]
    passes = np.allclose(
        by_gradient, numerical_gradient(lambda v: (v * v).sum(), place)
    )
    print(f"{name:13} {'passes' if passes else 'fails'} the test with .sum()")

# %% [markdown]
r"""
Two of the three wrong ones pass! A `sum()` starts with ones, all alike, and then a forgotten factor or a wrong place
can't be seen. So *weight the outputs at random*, and check $L = \sum_i w_i y_i$.

The second weakness is the price: two calls for *each* element. To know whether all is right, one number is enough. Choose
a random direction $d$ too, and compare the slope of $L$ along it:

$$\underbrace{\textstyle\sum_j \frac{\partial L}{\partial x_j} d_j}_{\text{by the gradient}} \quad\text{with}\quad
\underbrace{\frac{L(x + \varepsilon d) - L(x - \varepsilon d)}{2 \varepsilon}}_{\text{by the difference}} .$$

A gradient that is wrong by $e$ makes the left side wrong by $e \cdot d$. For a random $d$ that is zero with probability 0.

#### Exercise 7: `slopes_along`

Return both slopes. Inputs, directions and weights are tuples of arrays, and all of them add up. In numbers: $f(x, y) = x y$
at $(2, 3)$ along $(1, 10)$ with the weight 5. By the gradient: $5 \cdot (3 \cdot 1 + 2 \cdot 10) = 115$. By the difference
with $\varepsilon = 0.1$: $5 \cdot (2.1 \cdot 4 - 1.9 \cdot 2) / 0.2 = 115$.

`vjp(f, xs, weights)[1]` is the tuple of the gradients of $L$. `values_of(f, xs)` gives the outputs of `f` at a tuple of
arrays, as a list of arrays. `np.vdot(a, b)` multiplies two arrays element by element and adds everything up.
"""


# %% exercise="gradcheck"
#| export
def slopes_along(
    f: Callable, xs: tuple, directions: Sequence, weights: Sequence, eps: float
) -> tuple[float, float]:
    """The slope of the weighted sum of all outputs along a direction, in two ways."""
    ### BEGIN SOLUTION
    gradients = vjp(f, xs, tuple(weights))[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def weighted_sum(step: float) -> float:
        moved = tuple(x + step * d for x, d in zip(xs, directions))
        return sum(map(np.vdot, weights, values_of(f, moved)))

    return by_gradient, (weighted_sum(eps) - weighted_sum(-eps)) / (2 * eps)
    ### END SOLUTION


# %% checks="gradcheck" points=8
_one, _two, _three, _five = (np.array(n) for n in (1.0, 2.0, 3.0, 5.0))
check(
    slopes_along(
        lambda x, y: x * y, (_two, _three), (_one, np.array(10.0)), (_five,), 0.1
    ),
    (115.0, 115.0),
    hint="5 (3 · 1 + 2 · 10), and 5 (2.1 · 4 - 1.9 · 2) / 0.2",
)
check(
    slopes_along(lambda x: x * x * x, (_two,), (_one,), (_one,), 0.1),
    (12.0, 12.01),
    hint="the central difference, over 2 * eps; the gradient is exact",
)
check(
    slopes_along(lambda x: (x, x * x), (_two,), (_one,), (_five, _three), 0.1),
    (17.0, 17.0),
    hint="several outputs: 5 · 1 + 3 · 4",
)
_vector = np.array([1.0, 2.0])
check(
    slopes_along(
        lambda v: v * v,
        (_vector,),
        (_vector * [1.0, -0.5],),
        (_vector * [1.0, 5.0],),
        0.5,
    ),
    (-38.0, -38.0),
    hint="1 · 2 · 1 + 10 · 4 · (-1): weights and directions for each element",
)
check(_vector, [1.0, 2.0], hint="make new arrays, and leave the inputs alone")


### BEGIN HIDDEN TESTS
@observe(x=normal(2, 3), y=normal(3), directions=normal(3, 3), w=normal(2, 3))
def slopes_of_one_output_by_two_inputs(derivatives, x, y, directions, w):
    """Both are moved at once, each along its own direction."""
    along = directions[:2], directions[2]
    return derivatives.slopes_along(lambda a, b: a * b * a, (x, y), along, (w,), 1e-3)


@observe(x=normal(3), direction=normal(3), w=normal(3), eps=uniform(low=0.3, high=0.6))
def slopes_with_a_large_step(derivatives, x, direction, w, eps):
    """The difference is central, over the step that was asked for; the gradient knows no step."""
    return derivatives.slopes_along(lambda a: a * a * a, (x,), (direction,), (w,), eps)


@observe(x=normal(3), direction=normal(3), w=normal(3), v=normal(), u=normal(1, 3))
def slopes_of_several_outputs(derivatives, x, direction, w, v, u):
    """A tuple of three outputs of different shapes, each with its weights, in a list."""

    def f(a):
        return a * a, (a * 3.0).sum(), (a * a * a).reshape(1, 3)

    return derivatives.slopes_along(f, (x,), (direction,), [w, np.array(v), u], 0.2)


@observe(
    x=normal(4), direction=normal(4), w=normal(4), factor=uniform(low=4.0, high=6.0)
)
def slopes_of_an_operation_with_a_wrong_gradient(derivatives, x, direction, w, factor):
    """The first slope comes from the gradient, right or wrong; the second only from values."""

    class Crooked(derivatives.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a * a

        @staticmethod
        def backward(ctx, grad):
            (a,) = ctx.saved_tensors
            return grad * a * a * factor

    return derivatives.slopes_along(Crooked.apply, (x,), (direction,), (w,), 0.1)


@observe(x=normal(5, 5), y=normal(5), d=normal(5, 5), w=normal(5))
def inputs_stay_and_the_function_is_called_a_few_times_only(derivatives, x, y, d, w):
    """Once for the gradient and twice for the difference, however many elements there are."""
    before, calls = [x.copy(), y.copy()], []

    def f(a, b):
        calls.append(1)
        return (a * a * b).sum(axis=1)

    found = derivatives.slopes_along(f, (x, y), (d, d[0]), (w,), 0.3)
    return found, len(calls) <= 4, [np.abs(p - q).max() for p, q in zip(before, (x, y))]


### END HIDDEN TESTS

# %%
#| export
gradcheck = make_gradcheck(slopes_along)
gradgradcheck = make_gradgradcheck(gradcheck)

# %% [markdown]
r"""
`gradcheck` draws weights and directions, compares, and goes through the elements only to explain a failure.
`gradgradcheck` does the same with the gradient in the place of the function. Your four suspects again:
"""

# %%
for name, suspect in suspects.items():
    try:
        gradcheck(suspect, place)
        print(f"{name:13} passes")
    except GradcheckError as error:
        print(f"{name:13} {error}")

# %% [markdown]
r"""
<details><summary>The same in PyTorch</summary>

`torch.autograd.gradcheck` and `gradgradcheck`; with `fast_mode=True` they go along a random direction, as yours do.

</details>

### 4. Operations of your own

#### When the formula is not enough

Why write a rule by hand, when the engine differentiates every composition? Take the **softplus**, $\log(1 + e^x)$, a relu
with a rounded corner, just as the formula says:
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
At 800 the value should be 800, and the slope 1. $e^{800}$ is too large for a float64, and on the way back that infinity
is multiplied by zero. At −40 the value should be $4.2 \cdot 10^{-18}$: $1 + e^{-40}$ is exactly 1 in sixteen digits, and
the small number is gone.

Mathematics cures both. Take $e^x$ out of the logarithm where $x$ is positive, and use `np.log1p`, which computes $\log(1 + t)$
without computing $1 + t$ first:

$$\log(1 + e^x) = \max(x, 0) + \log\!\big(1 + e^{-|x|}\big), \qquad \frac{d}{dx} \log(1 + e^x) = \frac{e^x}{1 + e^x} = \sigma(x).$$

A class with two static methods makes an operation of two formulas:

- `forward(ctx, x)` computes the result, with recording off. It leaves in `ctx` what the way back needs:
  `ctx.save_for_backward(x)`.
- `backward(ctx, grad)` takes that out, `(x,) = ctx.saved_tensors`, a tuple, and returns the gradient by each input.

Inside both, `x` and `grad` are variables. If `backward` uses operators and functions of variables, the engine can
differentiate your rule, too. `YourFunction.apply(x)` runs it and takes the note.

#### Exercise 8: `Softplus`

Write it with the two formulas. `maximum`, `sigmoid`, `np.abs`, `np.exp` and `np.log1p` all take variables.
"""


# %% exercise="softplus"
#| export
class Softplus(Function):
    """log(1 + exp(x)), for x of any size, to all digits."""

    @staticmethod
    def forward(ctx: Context, x: Variable) -> Variable:
        """Save what the way back needs, and compute the value."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
        ### END SOLUTION

    @staticmethod
    def backward(ctx: Context, grad: Variable) -> Variable:
        """The gradient that arrives, times the derivative."""
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad * sigmoid(x)
        ### END SOLUTION


# %% checks="softplus" points=7
_x = Variable(np.array([0.0, 800.0, -800.0]))
check(Softplus.apply(_x), [np.log(2), 800.0, 0.0], hint="max(x, 0) + log1p(exp(-|x|))")
Softplus.apply(_x).backward([3.0, 1.0, 5.0])
check(
    _x.grad,
    [1.5, 1.0, 0.0],
    hint="(x,) = ctx.saved_tensors, a tuple; then grad times sigmoid(x)",
)
_small = Softplus.apply(Variable(np.array(-40.0))).item()
check(
    _small / np.exp(-40.0),
    1.0,
    hint="log1p(t), not log(1 + t): exp(-40) must not get lost",
)
_x = Variable(np.array([0.0, 1.0]))
(_first,) = grad(Softplus.apply(_x).sum(), _x, create_graph=True)
check(
    grad(_first.sum(), _x),
    ([0.25, 0.196612],),
    hint="backward must use variables, not arrays",
)


### BEGIN HIDDEN TESTS
@observe(x=normal(2, 3))
def values_of_softplus(derivatives, x):
    """Around zero, where both formulas agree."""
    out = derivatives.Softplus.apply(derivatives.Variable(3 * x))
    return out.numpy(), type(out).__name__


@observe(
    large=uniform(3, low=100.0, high=5000.0), small=uniform(3, low=38.0, high=600.0)
)
def values_of_softplus_far_out(derivatives, large, small):
    """x itself far to the right; far to the left exp(x), of which the logarithm is taken here."""
    with np.errstate(all="ignore"):
        right = derivatives.Softplus.apply(derivatives.Variable(large)).numpy()
        left = derivatives.Softplus.apply(derivatives.Variable(-small)).numpy()
        return right, np.log(left)


@observe(x=normal(2, 3), seed=normal(2, 3), exact=True)
def gradients_of_softplus(derivatives, x, seed):
    """sigmoid(x) times the gradient that arrives."""
    x = derivatives.Variable(x)
    derivatives.Softplus.apply(x).backward(seed)
    return x.grad


@observe(
    large=uniform(2, low=720.0, high=5000.0),
    small=uniform(2, low=38.0, high=600.0),
    exact=True,
)
def gradients_of_softplus_far_out(derivatives, large, small):
    """1 on the right, exp(x) on the left (as a logarithm); no nan."""
    x = derivatives.Variable(np.array([*large, *-large, *-small]))
    with np.errstate(all="ignore"):
        derivatives.Softplus.apply(x).backward([3.0, 2.0, 1.0, 1.0, 1.0, 1.0])
        return x.grad[:4], np.log(x.grad[4:])


@observe(x=normal(4), seeds=normal(2, 4))
def second_derivatives_of_softplus(derivatives, x, seeds):
    """Through the rule, with gradients other than 1."""
    x = derivatives.Variable(x)
    out = derivatives.Softplus.apply(x)
    (first,) = derivatives.grad(out, x, seeds[0], create_graph=True)
    return derivatives.grad(first, x, seeds[1])[0]


@observe(x=normal(3, dtype="float32"))
def softplus_in_float32(derivatives, x):
    """float32 stays float32, in second derivatives too."""
    x = derivatives.Variable(x)
    out = derivatives.Softplus.apply(x)
    (first,) = derivatives.grad(out.sum(), x, create_graph=True)
    second = derivatives.grad(first.sum(), x)[0]
    kinds = [str(array.dtype) for array in (out, first, second)]
    return kinds, out.numpy(), first.numpy(), second


### END HIDDEN TESTS

# %% [markdown]
r"""
The same five places, and your rule before the judge:
"""

# %%
x = Variable(np.array([-800.0, -40.0, 0.0, 40.0, 800.0]))
stable = Softplus.apply(x)
stable.sum().backward()
print("value:   ", stable.numpy())
print("gradient:", x.grad)
print(
    gradcheck(Softplus.apply, rng.normal(size=4)),
    gradgradcheck(Softplus.apply, rng.normal(size=4)),
)

# %% [markdown]
r"""
#### A rule that is no derivative, on purpose

Somebody wants a network whose weights are only 1 and −1: a bit each. So the network computes with the *sign* of its
weights. Can it be trained? Twenty hidden signs are to be found from 100 mixtures of them:
"""


# %%
hidden = np.where(rng.normal(size=20) > 0, 1.0, -1.0)
mixtures = rng.normal(size=(100, 20))


def train(sign):
    """Go down the gradient by w, of a loss that sees only the signs of w."""
    w = Variable(0.1 * rng.normal(size=20))
    for _ in range(100):
        w.zero_grad()
        ((mixtures @ sign(w) - mixtures @ hidden) ** 2).mean().backward()
        w.data.data = w.data.data - 0.01 * w.grad
    return int((np.sign(w.numpy()) == hidden).sum())


print("signs that are right:", train(lambda w: w / np.abs(w)), "of 20")

# %% [markdown]
r"""
As good as guessing. The sign is a staircase with one step: flat everywhere, so its slope is 0, and the weights never
move. The true derivative is right and useless.

Bengio, Léonard and Courville (2013) asked what happens if the rule *lies*: forward the sign, backward as if it had been
the identity. They call it the **straight-through estimator**. Hubara and others trained whole networks with it (2016), and
added a limit: where $|x|$ is larger than 1 already, the gradient is cut off, or the weights would run away.

| $x$ | −3 | −0.5 | 0 | 1 | 2 |
| --- | --- | --- | --- | --- | --- |
| forward | −1 | −1 | 1 | 1 | 1 |
| backward, with `grad` 7 | 0 | 7 | 7 | 7 | 0 |

#### Exercise 9: `Sign`

Write it as in the table. At 0 the value is 1, and at ±1 the gradient still passes. float32 stays float32.

<details><summary>Hint</summary>

Comparing a variable with a number gives an array of booleans. `2.0 * mask - 1.0` makes 1 and −1 of it, in float64.
`mask.astype(x.dtype)` has the dtype of `x`.

</details>
"""


# %% exercise="straight-through"
#| export
class Sign(Function):
    """1 where x is at least 0, else -1; the gradient passes where |x| is at most 1."""

    @staticmethod
    def forward(ctx: Context, x: Variable) -> np.ndarray:
        """Save what the way back needs, and give 1 or -1 for each element."""
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return 2 * (x >= 0).astype(x.dtype) - 1
        ### END SOLUTION

    @staticmethod
    def backward(ctx: Context, grad: Variable) -> Variable:
        """Hand the gradient on where x is between -1 and 1, and 0 elsewhere."""
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad * (np.abs(x) <= 1)
        ### END SOLUTION


# %% checks="straight-through" points=6
_x = Variable(np.array([-3.0, -0.5, 0.0, 1.0, 2.0]))
_y = Sign.apply(_x)
check(_y, [-1.0, -1.0, 1.0, 1.0, 1.0], hint="1 where x >= 0, and -1 elsewhere")
_y.backward([7.0, 7.0, 7.0, 7.0, 7.0])
check(_x.grad, [0.0, 7.0, 7.0, 7.0, 0.0], hint="grad where |x| <= 1, and 0 elsewhere")
check(str(Sign.apply(Variable([1.0])).dtype), "float32", hint="mask.astype(x.dtype)")


### BEGIN HIDDEN TESTS
@observe(x=normal(3, 4), seed=normal(3, 4))
def signs_and_what_passes(derivatives, x, seed):
    """Values and gradients around zero, and beyond 1; at 0, at 1 and at -1."""
    x[0, :3] = [0.0, 1.0, -1.0]
    x = derivatives.Variable(2 * x / np.where(np.abs(x) == 1, 2, 1))
    out = derivatives.Sign.apply(x)
    out.backward(seed)
    return out.numpy(), x.grad, str(out.dtype)


@observe(x=normal(6, dtype="float32"), seed=normal(6, dtype="float32"))
def signs_in_float32(derivatives, x, seed):
    """float32 stays float32."""
    x = derivatives.Variable(2 * x)
    out = derivatives.Sign.apply(x)
    out.backward(seed)
    return out.numpy(), str(out.dtype), x.grad, str(x.grad.dtype)


@observe(x=normal(4), seed=normal(4))
def signs_inside_a_formula(derivatives, x, seed):
    """What comes from behind is handed on, times nothing."""
    x = derivatives.Variable(x)
    (derivatives.Sign.apply(x) * x * 3.0).backward(seed)
    return x.grad


### END HIDDEN TESTS

# %%
print("signs that are right:", train(Sign.apply), "of 20")

# %% [markdown]
r"""
What will `gradcheck` say to `Sign`? It is right to complain, and you are right to ignore it.

### 5. Where does the NaN come from?

A network trains for an hour, and then its loss is NaN. An hour of training says nothing about where it was made. Here is
one that even the forward pass doesn't show: the distance between two points that meet.
"""

# %%
x = Variable(np.array([3.0, 4.0]))
for step in range(10):
    length = sqrt((x * x).sum())
    x.zero_grad()
    length.backward()
    print(f"step {step}: length {length.item():.2f}, gradient {x.grad}")
    if not np.isfinite(x.grad).all():
        break
    x.data.data = np.maximum(
        x.data.data - 3.0 * x.grad, 0.0
    )  # not past the other point, (0, 0)

# %% [markdown]
r"""
The value is a harmless 0. But the slope of the root at 0 is infinite, the slope of the square is 0, and $\infty \cdot 0$
is NaN. From here on it spreads to every weight it meets. Only the *first* operation that makes such a number is of any
interest: the one whose inputs were still finite.

The engine has two kinds of watchers, and you write one of each:

- `recording.watched(computed=…)` is told `(function, inputs, result)` after each operation;
- `recording.watched(sending=…)` is told `(variable, grad)` when the complete gradient of a variable is about to be sent
  on, and returns the gradient to go on with.

#### Exercise 10: `check_result` and `check_gradient`

`check_result` raises `AnomalyError(report_of_result(function, inputs, result))` if the result is not finite *although all
inputs are*. `check_gradient` does the same on the way back: if `grad` is finite, look at what each input will get, and at the
first share that is not finite raise `AnomalyError(report_of_gradient(variable, position, share))`, with the position of that
input. In all other cases it returns `grad`.

`not_finite(x)` tells whether there is a NaN or an infinity in `x`; in `None` there is none. `shares_of(variable, grad)` asks the note of the variable:
a list with what each input gets, `None` where nothing, and an empty list for a leaf.
"""


# %% exercise="find-the-nan"
#| export
def check_result(function: Callable, inputs: tuple, result: Variable) -> None:
    """Raise an AnomalyError if a result is not finite, although all inputs are."""
    ### BEGIN SOLUTION
    if not_finite(result) and not any(map(not_finite, inputs)):
        raise AnomalyError(report_of_result(function, inputs, result))
    ### END SOLUTION


def check_gradient(variable: Variable, grad: np.ndarray) -> np.ndarray:
    """Raise an AnomalyError if a finite gradient makes a share that is not finite."""
    ### BEGIN SOLUTION
    if not not_finite(grad):
        for position, share in enumerate(shares_of(variable, grad)):
            if not_finite(share):
                raise AnomalyError(report_of_gradient(variable, position, share))
    return grad
    ### END SOLUTION


# %% checks="find-the-nan" points=8
_inf = Variable([np.inf, 1.0])
check_raises(
    AnomalyError,
    lambda: check_result(np.log, (Variable([0.0]),), _inf),
    hint="finite inputs",
)
check(
    check_result(np.exp, (_inf, 2.0), _inf),
    None,
    hint="an input was infinite before: not the first",
)
_root = sqrt(Variable([1.0, 0.0]))
_ones = np.ones(2)
check_raises(
    AnomalyError,
    lambda: check_gradient(_root, _ones),
    hint="look at shares_of(variable, grad)",
)
check(
    check_gradient(_root, _ones * np.inf),
    [np.inf, np.inf],
    hint="grad was infinite before: return it",
)
check(
    check_gradient(Variable([1.0]) * 2.0, _ones[:1]),
    [1.0],
    hint="all is finite: return grad",
)
with np.errstate(divide="ignore"):
    _quotient = 1.0 / (Variable([0.0]) + 0.0)
try:
    check_gradient(_quotient, np.ones(1))
    _message = "no error"
except AnomalyError as _error:
    _message = str(_error)
check(
    _message[:23],
    "the gradient by input 1",
    hint="position counts the inputs, also those that get None",
)


### BEGIN HIDDEN TESTS
def anomaly(call):
    """The message of an anomaly without the line, or what was returned."""
    try:
        with np.errstate(all="ignore"):
            found = call()
    except Exception as error:
        return type(error).__name__, str(error).partition(" in ")[0].partition(
            "; it was"
        )[0]
    return "nothing", None if found is None else np.asarray(found)


@observe(x=normal(3), place=integers(low=0, high=3))
def results_that_are_not_finite(derivatives, x, place):
    """From finite inputs an error with a report; from others, none. Arrays and numbers are inputs too."""
    bad = x.copy()
    bad[place] = [np.nan, np.inf, -np.inf][place]
    good, bad = derivatives.Variable(x), derivatives.Variable(bad)
    cases = [
        ((good, 2.0), bad),
        ((good, bad), bad),
        ((bad, good), bad),
        ((good, x), good),
    ]
    cases += [((good, bad.numpy()), bad), ((good, np.inf), bad), ((bad, good), good)]
    return [anomaly(lambda c=c: derivatives.check_result(np.add, *c)) for c in cases]


@observe(x=uniform(3, low=0.5, high=2.0), seed=normal(3))
def gradients_that_are_not_finite(derivatives, x, seed):
    """The report names the input and what it would have got."""
    y = x.copy()
    y[1] = 0.0
    root = derivatives.Variable(y) ** 0.5
    quotient = x / (derivatives.Variable(y) + 0.0)
    healthy = derivatives.Variable(x) * derivatives.Variable(y)
    found = [
        anomaly(lambda n=n: derivatives.check_gradient(n, seed))
        for n in (root, quotient, healthy)
    ]
    leaf, single = derivatives.Variable(x), seed.astype("float32")
    kind = str(derivatives.check_gradient(leaf, single).dtype)
    return found, anomaly(lambda: derivatives.check_gradient(leaf, seed)), kind


@observe(x=uniform(3, low=0.5, high=2.0), bad=choice(np.nan, np.inf, -np.inf))
def gradients_that_were_not_finite_before(derivatives, x, bad):
    """Go on as they are: the mistake was made somewhere else."""
    seed = np.array([1.0, bad, x[0]])
    return anomaly(
        lambda: derivatives.check_gradient(derivatives.Variable(x) * 2.0, seed)
    )


### END HIDDEN TESTS

# %%
#| export
detect_anomaly = make_detector(check_result, check_gradient)

# %% [markdown]
r"""
`detect_anomaly` has both called for the length of a block. It also notes the line of *your* program at each operation, so
that a gradient can say where its operation was called:
"""

# %%
try:
    with detect_anomaly():
        x = Variable(np.array([0.0, 0.0]))
        length = sqrt((x * x).sum())
        length.backward()
except AnomalyError as error:
    print("backwards:", error)
try:
    with detect_anomaly(), np.errstate(divide="ignore"):
        log(Variable([1.0, 0.0]) * 2.0)
except AnomalyError as error:
    print("forwards: ", error)

# %% [markdown]
r"""
It computes every share twice and looks at every number, so it's slow: switch it on to look for a mistake, and off again.

<details><summary>The same in PyTorch</summary>

`torch.autograd.detect_anomaly` looks at gradients only, for NaN and not for infinities, and prints the traceback of the
operation that was called.

</details>
"""

# %% [markdown]
r"""
### 6. Less memory: checkpoints

A backward pass needs the values of the way there, so the notes keep them alive. How much is that? Chains of `tanh` on 10,000
float32 numbers, 39 KiB each time:
"""


# %%
start = Variable(np.linspace(-1, 1, 10_000, dtype=np.float32))


def gradient_of_chain(functions):
    """Forward and backward through functions one after the other."""
    start.zero_grad()
    z = start
    for function in functions:
        z = function(z)
    z.sum().backward()
    return start.grad


def peak_memory(call):
    """The most memory, in MiB, that a call used above what there was before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


for n in (10, 100, 1000):
    most = peak_memory(lambda n=n: gradient_of_chain([tanh] * n))
    print(f"{n:5} layers: {most:6.2f} MiB")

# %% [markdown]
r"""
In proportion to the depth. If a network fills your machine, one twice as deep needs a second machine. Or you trade time for
memory: call a whole piece of the network *without* notes, and keep only what went in and what came out. When the backward
pass gets there, call the piece once more, with notes this time, go back through these at once, and forget them
(Chen and others, "Training deep nets with sublinear memory cost", 2016).

`checkpoint_by` does the first call and takes the note. It finds the weights that the function uses besides its inputs: a
watcher sees what operations read. And it restores the state of the random numbers, so that dropout drops the same again.
You write what happens on the way back.

#### Exercise 11: `gradients_again`

Call `f` on `xs` once more, recorded, and send `grad` back through what is *new*. Return what `propagate` returns.

- The backward pass that you are in has recording off. `with enable_grad():` switches it on for a block.
- The way back must not run on into the rest of the graph: that's the business of the pass that you are in. Every Variable
  has a number, `order`. Take the next number, `next(creation_order)`, before you call `f`. Afterwards
  `recorded_since(number, out)` lists the computed variables that `out` depends on and that are younger, the youngest first.
- `propagate(gradients, nodes, retain_graph)` is your own: it starts with a dictionary from variables to gradients. If `grad`
  is a Variable, somebody wants second derivatives. Then keep the graph.
"""


# %% exercise="checkpoint"
#| export
def gradients_again(f: Callable, xs: Sequence, grad) -> dict:
    """Call `f` again, recorded; send `grad` back through what is new, no further."""
    ### BEGIN SOLUTION
    since = next(creation_order)
    with enable_grad():
        out = f(*xs)
    nodes = recorded_since(since, out)
    return propagate({out: grad}, nodes, isinstance(grad, Variable))
    ### END SOLUTION


# %% checks="checkpoint" points=8
_older = Variable([1.0, 2.0])
_x, _grad = _older * 3.0, np.array([1.0, 10.0])
with recording.switched(False):
    _found = gradients_again(lambda z: z * z, [_x], _grad)
check(
    _found.get(_x),
    [6.0, 120.0],
    hint="call f with enable_grad, and propagate {out: grad}",
)
check(
    _older in _found,
    False,
    hint="only what was recorded since: _x is older, so the way ends there",
)
check(_x.grad_fn.inputs is None, False, hint="nothing older may be freed")
_outs = []
gradients_again(lambda z: _outs.append(z * z) or _outs[0], [_x], _grad)
check(
    _outs[0].grad_fn.inputs is None,
    True,
    hint="free what is new, unless grad is a Variable",
)
_found = gradients_again(lambda z: z * z * z, [_x], Variable(_grad))
check(
    type(_found.get(_x)).__name__,
    "Variable",
    hint="keep the graph if grad is a Variable",
)
check(
    grad(_found[_x].sum(), _older),
    ([54.0, 1080.0],),
    hint="keep the graph if grad is a Variable",
)


### BEGIN HIDDEN TESTS
def off(derivatives):
    """Recording switched off, as it is in a backward pass."""
    from tinytorch.support.recording import recording

    return recording.switched(False)


@observe(x=normal(3), y=normal(3), seed=normal(3))
def gradients_of_inputs_and_of_what_is_used_besides(derivatives, x, y, seed):
    """Leaves, and variables from outside, which are not gone through."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    outside = y * 2.0
    with off(derivatives):
        found = derivatives.gradients_again(
            lambda z: z * z * outside + outside, [x], seed
        )
    return found[x], found[outside], y in found, len(found)


@observe(x=normal(3), seed=normal(3))
def older_computed_inputs_are_the_end_and_are_not_freed(derivatives, x, seed):
    """Also where the function gives back what it was given."""
    leaf = derivatives.Variable(x)
    older = leaf * leaf
    with off(derivatives):
        found = derivatives.gradients_again(lambda z: z * z * z, (older,), seed)
        same = derivatives.gradients_again(lambda z: z, (older,), seed)
    (older * 1.0).sum().backward()
    return found[older], leaf in found, same[older], leaf.grad


@observe(x=normal(3), seed=normal(3))
def what_is_new_is_freed_unless_the_gradient_is_a_variable(derivatives, x, seed):
    """Its notes hold nothing afterwards; with a variable they do, and can be differentiated."""
    outs, x = [], derivatives.Variable(x)

    def f(z):
        outs.append(z * z * z)
        return outs[-1]

    with off(derivatives):
        plain = derivatives.gradients_again(f, [x], seed)[x]
    recorded = derivatives.gradients_again(f, [x], derivatives.Variable(seed, False))[x]
    second = derivatives.grad(recorded.sum(), x)[0]
    return plain, [out.grad_fn.inputs is None for out in outs], second


@observe(x=normal(4), y=normal(4), seed=normal(4))
def a_whole_checkpoint(derivatives, x, y, seed):
    """Value and gradients; the function is called once there and once back."""
    calls, x, y = [], derivatives.Variable(x), derivatives.Variable(y)

    def f(z):
        calls.append(1)
        return z * z * y

    out = derivatives.checkpoint_by(derivatives.gradients_again, f, (x * 3.0,), ())
    (out * out).backward(seed)
    return out.numpy(), x.grad, y.grad, len(calls)


### END HIDDEN TESTS


# %%
#| export
def checkpoint(f: Callable, *inputs, generators: Sequence = ()) -> Variable:
    """Call `f`, keep only inputs and output, and compute it again on the way back.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Variable. It may use weights and variables from
        outside; they get their gradients. Called again, it must do the same.
    *inputs : Variable, Tensor, array_like
        Its inputs.
    generators : sequence of numpy.random.Generator
        Generators that `f` draws from: for the second call they go back to the state of
        the first, as numpy's global random numbers do in any case.

    Returns
    -------
    Variable
        What `f` returned.

    Raises
    ------
    TypeError
        If `f` returns anything but a Variable.
    """
    return checkpoint_by(gradients_again, f, inputs, generators)


# %% [markdown]
r"""
Half of the numbers are dropped at random, the others doubled. Name the generator, and the gradient has its zeros where the
value has them:
"""

# %%
generator = np.random.default_rng(3)
ones = Variable(np.ones(8))
for known in ([], [generator]):
    ones.zero_grad()
    dropped = checkpoint(
        lambda z: z * (2.0 * (generator.random(z.shape) < 0.5)), ones, generators=known
    )
    dropped.sum().backward()
    print("named:    " if known else "not named:", dropped.numpy(), ones.grad)

# %% [markdown]
r"""
#### How many checkpoints?

Divide a chain of $n$ layers into $k$ segments, each in a checkpoint. Two things need memory: the values between the segments,
about $k$, and the notes of the one segment that is being called again, about $n / k$. Together $m(k) = k + n / k$, which is
least where $m'(k) = 1 - n / k^2 = 0$: at $k = \sqrt{n}$, with $m = 2 \sqrt{n}$.

| $n = 1000$ | values kept | layers called |
| --- | --- | --- |
| without checkpoints | 1000 | 1000 |
| $k = 1$ | $1 + 1000$: all of them again, only later | 2000 |
| $k = 10$ | $10 + 100 = 110$ | 2000 |
| $k = 32$ | $32 + 32 = 64$ | 2000 |
| $k = 1000$ | $1000 + 1$: no layer's result is forgotten | 2000 |

#### Exercise 12: `checkpoint_sequential`

Cut a list of functions into `segments` nearly equal parts, in order, and call each part in a `checkpoint`. Lengths differ by
at most one: 11 functions in 4 segments are 2, 3, 3 and 3 of them, in any order. Fewer segments than one, or more than
functions, are a ValueError.

<details><summary>Hint: where to cut</summary>

Segment $i$ of $k$ may go from `i * n // k` to `(i + 1) * n // k`.

</details>

<details><summary>Hint: right values, wrong gradients</summary>

A function made in a loop, such as `lambda z: run(part, z)`, looks `part` up when it's *called*. The second call comes in the
backward pass. The loop is over by then, and `part` is the last segment, for all of them. `partial(run, part)` remembers its own.

</details>
"""


# %% exercise="checkpoint-sequential"
#| export
def checkpoint_sequential(
    functions: Sequence[Callable], segments: int, x: Variable
) -> Variable:
    """Call functions in turn, in nearly equal segments, each in a `checkpoint`.

    Parameters
    ----------
    functions : sequence of callable
        Each takes what the one before has returned, the first takes `x`.
    segments : int
        How many, from 1 to the number of functions; their lengths differ by at most 1.
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
    """
    ### BEGIN SOLUTION
    n = len(functions)
    if not 1 <= segments <= n:
        raise ValueError(
            f"segments must be from 1 to {n}, the functions' number; got {segments}"
        )

    def run(part, z):
        for function in part:
            z = function(z)
        return z

    for i in range(segments):
        part = functions[i * n // segments : (i + 1) * n // segments]
        x = checkpoint(partial(run, part), x)
    return x
    ### END SOLUTION


# %% checks="checkpoint-sequential" points=7
_log = []
_functions = [lambda z, n=n: _log.append(n) or z * float(n) for n in (1, 2, 3, 4, 5)]
_x = Variable(2.0)
_y = checkpoint_sequential(_functions, 2, _x)
check(_y, 240.0, hint="2 * 1 * 2 * 3 * 4 * 5, one after the other")
_y.backward()
check(_x.grad, 120.0, hint="see the hint on right values, wrong gradients")
check(
    len(_log),
    10,
    hint="each once on the way there, once more on the way back: checkpoint them all",
)
check(
    _log[5] in (3, 4),
    True,
    hint="two segments of 2 and 3: the later is called again first",
)
check_raises(
    ValueError, lambda: checkpoint_sequential(_functions, 0, _x), hint="at least one"
)
check_raises(
    ValueError, lambda: checkpoint_sequential(_functions, 6, _x), hint="at most five"
)


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


@observe(
    factors=normal(7), x=normal(3), seed=normal(3), segments=integers(low=2, high=6)
)
def values_and_gradients_of_different_functions(
    derivatives, factors, x, seed, segments
):
    """The same as without checkpoints, though each function does something else."""
    functions, _ = layers_that_note(factors)
    x = derivatives.Variable(x)
    out = derivatives.checkpoint_sequential(functions, segments, x)
    out.backward(seed)
    return out.numpy(), x.grad


@observe(factors=uniform(11, low=0.5, high=1.5), x=normal())
def segments_are_nearly_equal(derivatives, factors, x):
    """11 functions in 1, 3, 4, 6, 8 and 11 segments: the lengths, from the order of the second calls."""
    found = []
    for segments in (1, 3, 4, 6, 8, 11):
        functions, log = layers_that_note(factors)
        leaf = derivatives.Variable(np.array(x))
        derivatives.checkpoint_sequential(functions, segments, leaf).backward()
        found.append((segment_lengths(log[len(factors) :]), leaf.grad))
    return found


@observe(
    factors=uniform(9, low=0.5, high=1.5), x=normal(), segments=integers(low=1, high=10)
)
def each_function_is_called_once_there_and_once_back(derivatives, factors, x, segments):
    """In its order on the way there."""
    functions, log = layers_that_note(factors)
    x = derivatives.Variable(x)
    out = derivatives.checkpoint_sequential(functions, segments, x)
    there = list(log)
    out.backward()
    return there, sorted(log), x.grad


@observe(
    x=normal(4, 3),
    weights=normal(5, 3),
    seed=normal(4, 3),
    segments=integers(low=1, high=6),
)
def weights_inside_the_functions_get_their_gradients(
    derivatives, x, weights, seed, segments
):
    """Each function multiplies by a weight of its own; the functions come as a tuple."""
    weights = [derivatives.Variable(w) for w in weights]
    functions = tuple((lambda z, w=w: z * w) for w in weights)
    x = derivatives.Variable(x, requires_grad=False)
    derivatives.checkpoint_sequential(functions, segments, x).backward(seed)
    return [w.grad for w in weights]


@observe(factors=normal(4), x=normal())
def wrong_numbers_of_segments_are_refused(derivatives, factors, x):
    """Zero, negative, and more than there are functions; the largest that fits is not."""
    functions, log = layers_that_note(factors)
    x = derivatives.Variable(x)
    calls = [
        lambda n=n, f=f: derivatives.checkpoint_sequential(f, n, x)
        for f, n in [(functions, 0), (functions, -2), (functions, 5), ([], 1), ([], 0)]
    ]
    good = [derivatives.checkpoint_sequential(functions, n, x).item() for n in (1, 4)]
    return good, [raised(call) for call in calls], len(log)


### END HIDDEN TESTS

# %% [markdown]
r"""
A thousand layers again. Which number of segments needs the least memory?
"""

# %% demo=true
chain = [tanh] * 1000
segment_numbers = np.array([1, 4, 16, 32, 64, 250, 1000])
whole = [[partial(checkpoint_sequential, chain, int(k))] for k in segment_numbers]
peaks = [peak_memory(partial(gradient_of_chain, w)) for w in whole]
plain = peak_memory(partial(gradient_of_chain, chain))
figure, axes = plt.subplots(figsize=(6, 3.8))
axes.loglog(segment_numbers, peaks, "o-", label="measured")
axes.loglog(
    segment_numbers,
    0.038 * (segment_numbers + 1000 / segment_numbers),
    "--",
    label="k + n / k",
)
axes.axhline(plain, color="gray", linestyle=":", label="without checkpoints")
axes.set(xlabel="segments k", ylabel="most memory, MiB")
axes.legend()
show(
    figure,
    "The most memory against the number of segments, both logarithmic: a valley along "
    "k + n / k",
)
best = int(np.argmin(peaks))
print(
    f"without: {plain:.1f} MiB;",
    f"with {segment_numbers[best]} segments: {peaks[best]:.1f} MiB",
)
times = [
    seconds(partial(gradient_of_chain, functions)) for functions in (chain, whole[best])
]
print(f"time: {1000 * times[0]:.0f} ms without, {1000 * times[1]:.0f} ms with")

# %% [markdown]
r"""
<details><summary>The same in PyTorch</summary>

`torch.utils.checkpoint.checkpoint(f, *inputs, use_reentrant=False)` and `checkpoint_sequential`. It restores the state of
its random number generators by itself, since it has only one for each device.

</details>

### 7. A guard

A rule reads the values that an operation was computed from. What if somebody changes them before the backward pass? Your
engine refuses, because a watcher keeps guard. `unguarded()` sends it home for the length of a block:
"""

# %%
with unguarded():
    x = Variable(np.array([2.0, 3.0]))
    y = (x * x).sum()
    x.data.data[0] = 100.0
    y.backward()
    print(x.grad)

# %% [markdown]
r"""
The gradient of $x^2$ at 2 is 4. No error, no warning, and a training that goes wrong for no visible reason.

#### Exercise 13: `Guard`

Design your own. It's a class whose objects have the two methods of watchers:

- `computed(function, inputs, result)` is called after each operation. If the result was recorded, `result.grad_fn` is its
  note (otherwise `None`). `result.grad_fn.values` has the arrays and numbers that it was computed from, and
  `result.data.data` is what came out, which some rules read, too.
- `sending(variable, grad)` is called before the note of the variable is asked. Raise a RuntimeError, in a sentence, if one of
  these arrays isn't what it was, and return `grad` otherwise. A leaf is sent on as well: it has no note, and a weight that is
  a Tensor doesn't even have the attribute.

How to notice a change is up to you, but it must be noticed:

1. of any size: one number in an array of 20,000, in the last digit, also through a view of the same memory;
2. before *each* backward pass, if there are several with `retain_graph=True`.

And honest programs must pass: a NaN equals no NaN, but is no change; after a backward pass, weights *are* changed in place;
and of what was computed before your guard came, it knows nothing.
When a graph is forgotten, so should be what you know about it. (`weakref.WeakKeyDictionary()` is a dictionary that doesn't
keep its keys alive. Notes can be its keys.)
"""


# %% exercise="guard"
#| export
class Guard:
    """Notices if an input of an operation changes before the backward pass."""

    def __init__(self):
        """Nothing is known yet."""
        ### BEGIN SOLUTION
        self.kept = weakref.WeakKeyDictionary()
        ### END SOLUTION

    def computed(self, function: Callable, inputs: tuple, result: Variable) -> None:
        """Remember what was computed from what, if it was recorded."""
        ### BEGIN SOLUTION
        if result.grad_fn is not None:
            arrays = [*result.grad_fn.values, result.data.data]
            self.kept[result.grad_fn] = [(array, np.array(array)) for array in arrays]
        ### END SOLUTION

    def sending(self, variable, grad: np.ndarray) -> np.ndarray:
        """Refuse to go on if something has changed."""
        ### BEGIN SOLUTION
        note = getattr(variable, "grad_fn", None)
        if note is not None:
            for array, before in self.kept.get(note, ()):
                if not np.array_equal(array, before, equal_nan=True):
                    raise RuntimeError(f"what {note!r} was computed from has changed")
        return grad
        ### END SOLUTION


# %% checks="guard" points=8
def _guarded(change, f=lambda v: (v * v).sum(), values=(2.0, 3.0)):
    """What comes of f, a change, and a backward pass under a Guard alone."""
    guard, x = Guard(), Variable(np.array(values))
    with unguarded(), recording.watched(guard.computed, guard.sending):
        y = f(x)
        change(x, y)
        y.backward()
    return x.grad


check(
    _guarded(lambda x, y: None),
    [4.0, 6.0],
    hint="an honest program passes; return grad",
)
check_raises(
    RuntimeError,
    lambda: _guarded(lambda x, y: x.data.data.fill(9.0)),
    hint="copy, and compare",
)
check_raises(
    RuntimeError,
    lambda: _guarded(lambda x, y: x.data.data[-1:].fill(9.0), values=range(2, 20_000)),
    hint="every element counts: the last one has changed",
)
check_raises(
    RuntimeError,
    lambda: _guarded(
        lambda x, y: y.data.data.fill(9.0), lambda v: exp(v.reshape(1, 1)), (0.5,)
    ),
    hint="the rule of exp reads the result: guard that as well",
)
check(
    _guarded(lambda x, y: None, values=(np.nan, 3.0))[1],
    6.0,
    hint="NaN is not equal to NaN",
)
_weight = Tensor([3.0], requires_grad=True)
_guard = Guard()
check(
    _guard.sending(_weight, np.array([5.0])),
    [5.0],
    hint="a Tensor has no grad_fn: getattr(…)",
)


### BEGIN HIDDEN TESTS
def under_guard(derivatives, call):
    """What a call gives, or the kind of its error, with no other guard than the student's."""
    from tinytorch.support.recording import recording
    from tinytorch.support.unguarded import unguarded

    guard = derivatives.Guard()
    try:
        with unguarded(), recording.watched(guard.computed, guard.sending):
            return call()
    except Exception as error:
        return type(error).__name__


@observe(x=normal(20_000), place=integers(low=0, high=20_000))
def the_smallest_change_in_a_large_array(derivatives, x, place):
    """The last digit of one number, through a view; and without a change the gradient."""

    def run(change):
        v = derivatives.Variable(x.copy())
        loss = (v * v).sum()
        if change:
            v.data.data[::-1][place] = np.nextafter(v.data.data[::-1][place], np.inf)
        loss.backward()
        return v.grad[:3]

    return [under_guard(derivatives, lambda c=c: run(c)) for c in (True, False)]


@observe(x=normal(3), y=normal(3))
def changes_of_an_input_a_constant_and_a_result(derivatives, x, y):
    """Each by itself; in the middle of a graph, too."""

    def run(what):
        v, constant = derivatives.Variable(x.copy()), y.copy()
        middle = v * constant
        out = np.exp(middle)
        arrays = {"input": v.data.data, "constant": constant}
        arrays |= {"middle": middle.data.data, "result": out.data.data}
        if what in arrays:
            arrays[what][1] += 1.0
        (out * 2.0).sum().backward()
        return v.grad

    kinds = ("input", "constant", "middle", "result", "nothing")
    return [under_guard(derivatives, lambda k=k: run(k)) for k in kinds]


@observe(x=normal(3))
def before_every_backward_pass(derivatives, x):
    """With retain_graph the second pass is guarded as well."""

    def run(change):
        v = derivatives.Variable(x.copy())
        loss = (v * v * v).sum()
        loss.backward(retain_graph=True)
        if change:
            v.data.data[0] += 1.0
        loss.backward()
        return v.grad

    return [under_guard(derivatives, lambda c=c: run(c)) for c in (True, False)]


@observe(x=normal(3), w=normal(3), rate=uniform(low=0.01, high=0.1))
def honest_training_passes(derivatives, x, w, rate):
    """Weights that change in place after each backward pass; a NaN among the numbers; constants."""

    def run():
        v = derivatives.Variable(w.copy())
        for _ in range(3):
            v.zero_grad()
            ((v * x - 1.0) ** 2).sum().backward()
            v.data.data[:] = v.data.data - rate * v.grad
        with_nan = derivatives.Variable(np.array([np.nan, x[0]]))
        (
            with_nan * with_nan * derivatives.Variable(x[:2], requires_grad=False)
        ).sum().backward()
        unrecorded = derivatives.Variable(x, requires_grad=False) * 2.0
        return v.numpy(), with_nan.grad[1], unrecorded.numpy()

    return under_guard(derivatives, run)


@observe(x=normal(3), seed=normal(3, dtype="float32"))
def leaves_and_what_was_computed_before_the_guard_came(derivatives, x, seed):
    """Weights that are Tensors, in float32 too; a graph of which nothing is known."""
    from tinytorch.core.tensor import Tensor

    weight, v = Tensor(x, requires_grad=True), derivatives.Variable(x)
    older = v * v
    found = derivatives.Guard().sending(weight, seed)

    def run():
        (older * weight).sum().backward()
        return v.grad, weight.grad

    return under_guard(derivatives, run), found, str(found.dtype)


@observe(x=normal(3))
def a_forgotten_graph_is_forgotten(derivatives, x):
    """Nothing keeps the notes of a graph alive that nobody uses any more."""
    import gc
    import weakref

    def run():
        v = derivatives.Variable(x)
        out = v * v
        note = weakref.ref(out.grad_fn)
        (found,) = derivatives.grad(out.sum(), v)
        del out
        gc.collect()
        return note() is None, found

    return under_guard(derivatives, run)


### END HIDDEN TESTS

# %% [markdown]
r"""
What does your guard cost? It copies every array that is read, and compares them all. The engine's own guard is the same idea
with two savings: results are closed to writing, which costs nothing, and arrays that no rule will read are left out.
"""

# %% demo=true
data = Variable(rng.normal(size=(100, 100)))
guard = Guard()


def pass_through():
    tanh(data @ data).sum().backward()


with unguarded():
    without = seconds(pass_through, 20)
    with recording.watched(guard.computed, guard.sending):
        with_yours = seconds(pass_through, 20)
with_the_engines = seconds(pass_through, 20)
print(
    f"unguarded {1000 * without:.1f} ms, yours {1000 * with_yours:.1f} ms, "
    f"the engine's {1000 * with_the_engines:.1f} ms"
)

# %% [markdown]
r"""
## Use

### 23 flights

On the evening of 27 January 1986 engineers argued about the cold. The joints of the space shuttle's rockets were sealed with rings
of rubber, and on some flights a ring had been found damaged. These are the 23 flights before: the temperature at the start in degrees
Fahrenheit, and whether there was damage (Dalal, Fowlkes and Hoadley, "Risk analysis of the space shuttle: pre-Challenger prediction of
failure", 1989). For the next morning 31 degrees were forecast.

Say that damage has the probability $\sigma(a + b\,t)$ at $t$ degrees. The best $a$ and $b$ make the data least surprising, which
means that minus the logarithm of their probability is as small as it can be. Two numbers: a case for `newton`.
"""

# %% demo=true
temperature = np.array(
    [
        66,
        70,
        69,
        68,
        67,
        72,
        73,
        70,
        57,
        63,
        70,
        78,
        67,
        53,
        67,
        75,
        70,
        81,
        76,
        79,
        75,
        76,
        58.0,
    ]
)
damaged = np.array(
    [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
)


def surprise(w):
    score = w[0] + w[1] * temperature
    return (Softplus.apply(score) - damaged * score).sum()


w, count = newton(surprise, [0.0, 0.0])
errors = np.sqrt(np.diag(np.linalg.inv(hessian(surprise, w))))
print(
    f"{count} steps: a = {w[0]:.2f} ± {errors[0]:.2f}, b = {w[1]:.3f} ± {errors[1]:.3f}"
)
for degrees in (80, 70, 60, 50, 31):
    probability = sigmoid(np.array(w[0] + w[1] * degrees))
    print(f"{degrees} °F: damage with probability {probability:.3f}")

# %% [markdown]
r"""
Where do the numbers after ± come from? From the Hessian. Where the valley of the surprise is steep, the data leave no doubt; where it's flat,
many values would do nearly as well. The inverse of the Hessian says how flat, and the roots of its diagonal are the uncertainties that
statisticians give. So the gradient finds the best fit, and the Hessian tells you how far to trust it. (No flight had been colder than 53
degrees, so nobody should trust the last line much. But it doesn't take much to say *wait*.)

### The largest step that still converges

How large may the steps of gradient descent be? In a bowl with the Hessian $H$, the distance from the bottom shrinks along each
eigenvector by the factor $1 - \eta \lambda$, so it grows as soon as $\eta > 2 / \lambda_{\max}$. The largest eigenvalue comes
from products alone: multiply any vector by $H$, again and again, and scale it to length 1. The part along the largest
eigenvalue grows fastest, and in the end nothing else is left.

Here is a classifier with the cross-entropy of module 7, on 300 examples with 20 features. We never see its Hessian.
"""

# %%
features, labels = rng.normal(size=(300, 20)), rng.integers(0, 3, size=300)


def loss_of(w):
    return cross_entropy(features @ w, labels)


w = np.zeros((20, 3))
for _ in range(300):
    w = w - 1.0 * vjp(loss_of, w)[1]
direction = rng.normal(size=w.shape)
for _ in range(100):
    product = hvp(loss_of, w, direction)[1]
    largest = np.sqrt((product**2).sum())
    direction = product / largest
print(
    f"largest eigenvalue {largest:.4f}, so the largest step should be {2 / largest:.3f}"
)

for rate in (0.95 * 2 / largest, 1.05 * 2 / largest):
    v = w + 1e-6 * direction
    for _ in range(400):
        v = v - rate * vjp(loss_of, v)[1]
    print(f"rate {rate:.3f}: distance from the bottom {np.abs(v - w).max():.1e}")

# %% [markdown]
r"""
## Analyze

#### Question 1

A function has 3 inputs and 1,000 outputs, and you want its whole Jacobian. Your `jacobian_of` takes a pass for each output. How
could you get the table with `jvp` instead, with how many backward passes, and for which shapes of functions is each way cheaper?
"""

# %% [markdown] answer="rows-or-columns" points=3
r"""
`jvp` with a unit vector gives one column, so three calls give the table, each with two backward passes (and the recorded first
one can be shared): six, or four, in the place of 1,000. Rows are cheaper for few outputs and many inputs, as a loss of many
weights has; columns are cheaper for few inputs and many outputs.

**Mark scheme.** 1 point: a column for each input, by a unit vector. 1 point: about two passes for each, so about six (four to
six are right). 1 point: rows for few outputs, columns for few inputs.
"""

# %% [markdown]
r"""
#### Question 2

Somebody checks a relu with `gradcheck` at `np.zeros(3)`, and it fails, although module 7's rule is right. A colleague suggests a larger
tolerance. What happens at 0, and what would you do?
"""

# %% [markdown] answer="corners" points=3
r"""
At 0 relu has a corner: its slope is 0 on the left and 1 on the right. The central difference takes the mean of both, one half;
the rule gives 0 by convention. Neither is wrong, there just is no derivative. A tolerance that lets one half pass as 0 would let
nearly every wrong rule pass. Check away from the corner, at random places, and check the convention at the corner by itself.

**Mark scheme.** 1 point: the two sides have different slopes, so no derivative. 1 point: the difference gives their mean, the rule
one of them. 1 point: check elsewhere, and not with a larger tolerance (with a reason).
"""

# %% [markdown]
r"""
#### Question 3

A chain of 1,000 layers runs in 32 segments. Somebody puts checkpoints *inside* each segment, too, so that there are three levels with ten
parts each. Predict: how often is each layer called, how does the memory grow with $n$, and why doesn't the engine need a single new line?
"""

# %% [markdown] answer="three-levels" points=3
r"""
Each layer is called three times: once on the way there; once when its outer segment is called again, inside an inner checkpoint, so still
without notes; and once when that inner checkpoint is called again. Kept at any time are about ten values on each level, $3 \cdot
\sqrt[3]{n}$ instead of $2 \sqrt{n}$. The second call of a segment is an ordinary recorded call, in which a checkpoint is an operation like
any other; its note does its own second call when the gradient arrives.

**Mark scheme.** 1 point: three calls, with a reason. 1 point: the cube root of n (or about thirty values). 1 point: a checkpoint is an
operation with a note, and what is inside is recorded like anything else.
"""

# %% [markdown]
r"""
## What you have built

Derivatives of any order, tables and products, a judge for gradients, operations with rules of your own, a search for the first NaN,
and a chain of a thousand layers in the memory of some sixty. The engine of module 7 did not change by a line: everything here calls
`grad` and `propagate`, wraps a function, or watches.
"""

# %%
#| export
__all__ = """AnomalyError Function GradcheckError Guard Sign Softplus checkpoint
    checkpoint_sequential detect_anomaly gradcheck gradgradcheck hessian hvp jacobian
    jvp newton second_derivative vjp""".split()

# %%
progress()

# %% [markdown]
r"""
# Module 3: Layers

In module 2 you wrote the bends: ReLU, sigmoid, tanh. A bend acts on each number by itself; it never lets two
numbers meet. Here you write the part that does: the **dense layer**, in which every output listens to every
input. A great many networks consist of nothing but dense layers and bends.

**The story of this module.** A greenhouse has three sensors: temperature, humidity and light. A controller should
turn their three readings into two commands: how far to open the window, and how long to water. The simplest
controller gives each sensor a *weight* for each command, adds up, and corrects by a constant. Three sensors and
two commands make six weights and two constants: a 3 × 2 matrix and a vector. For a thousand readings it is the
same matrix, and the thousand sums become one matrix product.

So a network spends almost all its computing time on matrix products, and nearly everything it knows is stored in
such matrices.

| part | you will |
| --- | --- |
| **Build** | write the matrix product with three loops, and then with one; the affine map $xW + b$; two ways to draw the first weights; the class `Dense`; a forward pass through several layers |
| **Use** | set the weights of a network by hand until it computes XOR; let 100 random neurons tell two spirals apart |
| **Analyze** | measure how the time of a matrix product grows; follow a signal through 20 layers; see what a batch is worth |

Time: three to four hours. You need modules 1 and 2, exported.
"""

# %%
#| default_exp core.layers
#| export
from __future__ import annotations

# %%
import os

# One core for numpy, so that the times of part 3 compare one core with one core.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

# %%
#| export
from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import FITS, Tensor, apply

# %% [markdown]
r"""
That was for the library; this is for the notebook only:
"""

# %%
import time

import matplotlib.pyplot as plt

from tinytorch.core.activations import ReLU
from tito.checks import check, check_raises
from tito.figures import show

# %% [markdown]
r"""
## Part 1: Build

### 1.1 The matrix product, by hand

The element in row $i$ and column $j$ of the product $C = AB$ is row $i$ of $A$ times column $j$ of $B$,
number by number, summed:

$$ C_{ij} = \sum_{p=1}^{k} A_{ip} \, B_{pj} $$

$A$ has shape $(n, k)$ and $B$ has shape $(k, m)$. The inner lengths must be equal, the outer ones become the
shape of the result: $(n, k) \cdot (k, m) \to (n, m)$.

**A worked example.** The greenhouse at two times of day, three readings each, and weights for two commands:

$$
\begin{pmatrix} 1 & 0 & 2 \\ 0 & 1 & 1 \end{pmatrix}
\begin{pmatrix} 3 & 1 \\ 2 & 0 \\ 1 & 4 \end{pmatrix}
=
\begin{pmatrix} 1\cdot3 + 0\cdot2 + 2\cdot1 & 1\cdot1 + 0\cdot0 + 2\cdot4 \\ 0\cdot3 + 1\cdot2 + 1\cdot1 & 0\cdot1 + 1\cdot0 + 1\cdot4 \end{pmatrix}
=
\begin{pmatrix} 5 & 9 \\ 3 & 4 \end{pmatrix}
$$

Twelve multiplications for four numbers: $n \cdot k \cdot m = 2 \cdot 3 \cdot 2$. With the additions that's
$2nkm$ floating-point operations. We'll need this count again.

**Your task.** Write the product with three loops, without `@`, `np.dot` and their relatives. Refuse shapes that do
not fit, in one sentence. From now on that is the mistake you will make most often, and the sentence is for you.

<details>
<summary>Hint 1: which loops?</summary>

One over the rows of the first matrix, one over the columns of the second, and inside them one over the length
that both share. The innermost line adds a single product to a single element.

</details>

<details>
<summary>Hint 2: which dtype?</summary>

`np.zeros((n, m))` is float64 whatever goes in. `np.result_type(a, b)` is the dtype that numpy itself would
give to a result of `a` and `b`: float32 for two float32 matrices, an integer for two of integers.

</details>

<details>
<summary>Hint 3: the shapes</summary>

Three things can be wrong: the first is no matrix (`a.ndim != 2`), the second is none, or `a.shape[1]` differs
from `b.shape[0]`. One condition with `or`, one `raise ValueError(f"…")` with both shapes in it.

</details>
"""


# %% exercise="matmul-by-hand"
#| export
def matmul_by_hand(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product with three loops, to see what ``a @ b`` does and why loops are slow.

    Parameters
    ----------
    a : ndarray of shape (n, k)
        The left matrix.
    b : ndarray of shape (k, m)
        The right matrix.

    Returns
    -------
    ndarray of shape (n, m)
        The product, of the dtype that numpy gives to a result of `a` and `b`.

    Raises
    ------
    ValueError
        If one of them is not a matrix, or the inner lengths differ; names both shapes.

    Examples
    --------
    >>> matmul_by_hand(np.array([[1, 0, 2], [0, 1, 1]]), np.array([[3, 1], [2, 0], [1, 4]]))
    array([[5, 9],
           [3, 4]])

    Approach
    --------
    1. Refuse what is not two matrices that fit, with both shapes in the message.
    2. Make a matrix of zeros of the right shape and dtype.
    3. For each row of `a`, each column of `b` and each place along the shared length, add one product.
    """
    ### BEGIN SOLUTION
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(
            f"shapes {a.shape} and {b.shape} do not multiply: the first matrix needs as many "
            "columns as the second has rows; transpose or reshape one of them"
        )
    (n, k), m = a.shape, b.shape[1]
    out = np.zeros((n, m), dtype=np.result_type(a, b))
    for i in range(n):
        for j in range(m):
            for p in range(k):
                out[i, j] += a[i, p] * b[p, j]
    return out
    ### END SOLUTION


# %% checks="matmul-by-hand" points=14
readings = np.array([[1, 0, 2], [0, 1, 1]])
commands = np.array([[3, 1], [2, 0], [1, 4]])
check(
    matmul_by_hand(readings, commands),
    [[5, 9], [3, 4]],
    hint="row times column, summed",
)
check(
    matmul_by_hand(np.ones((2, 4)), np.ones((4, 3))),
    np.full((2, 3), 4.0),
    hint="shape (n, m)",
)
check(
    matmul_by_hand(np.eye(2, k=1), np.eye(2, k=-1)),
    [[1, 0], [0, 0]],
    hint="not element by element",
)
singles = np.ones((1, 2), dtype=np.float32)
check(
    str(matmul_by_hand(singles, singles.T).dtype),
    "float32",
    hint="use np.result_type(a, b)",
)
check_raises(
    ValueError, lambda: matmul_by_hand(readings, commands.T), hint="3 is not 2"
)
check_raises(
    ValueError, lambda: matmul_by_hand(commands, commands), hint="2 is not 3 either"
)
check_raises(
    ValueError,
    lambda: matmul_by_hand(readings[0], commands),
    hint="a vector is no matrix",
)
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised, uniform


def looped(x):
    """The same matrix, but it refuses to be multiplied as a whole."""

    class Looped(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
            if ufunc.__name__ in ("matmul", "vecdot", "matvec", "vecmat"):
                raise TypeError("the product is to be written with loops")
            plain = [np.asarray(i) if isinstance(i, Looped) else i for i in inputs]
            if "out" in parameters:
                outs = parameters["out"]
                parameters["out"] = tuple(
                    np.asarray(o) if isinstance(o, Looped) else o for o in outs
                )
            out = getattr(ufunc, method)(*plain, **parameters)
            return out.view(Looped) if isinstance(out, np.ndarray) else out

        def __array_function__(self, function, types, args, kwargs):
            if function.__name__ in ("dot", "inner", "vdot", "einsum", "tensordot"):
                raise TypeError("the product is to be written with loops")
            return super().__array_function__(function, types, args, kwargs)

        def dot(self, *others, **parameters):
            raise TypeError("the product is to be written with loops")

    return np.array(x).view(Looped)


def message_of(call):
    """What an error says; nothing if there is none."""
    try:
        call()
    except Exception as error:
        return str(error)
    return ""


@observe(a=normal(3, 5), b=normal(5, 4))
def product_of_two_matrices(layers, a, b):
    """Rows times columns, where n, k and m all differ; written with loops, without @."""
    return np.asarray(layers.matmul_by_hand(looped(a), looped(b)))


@observe(a=normal(4, 1), b=normal(1, 3), c=normal(1, 6), d=normal(6, 1))
def product_of_a_column_and_a_row(layers, a, b, c, d):
    """(4, 1) times (1, 3) is (4, 3), and (1, 6) times (6, 1) is (1, 1)."""
    column_times_row = layers.matmul_by_hand(looped(a), looped(b))
    row_times_column = layers.matmul_by_hand(looped(c), looped(d))
    return np.asarray(column_times_row), np.asarray(row_times_column)


@observe(a=normal(3, 3), b=normal(3, 3))
def product_of_square_matrices_is_not_element_by_element(layers, a, b):
    """Nor is it the product in the other order, or with a transpose."""
    return np.asarray(layers.matmul_by_hand(looped(a), looped(b)))


@observe(a=normal(2, 3, dtype="float32"), b=normal(3, 2, dtype="float32"))
def product_keeps_float32(layers, a, b):
    """Two float32 matrices give a float32 matrix; a float64 one makes it float64."""
    a, b = looped(a), looped(b)
    out, mixed = (
        layers.matmul_by_hand(a, b),
        layers.matmul_by_hand(a, b.astype("float64")),
    )
    other = layers.matmul_by_hand(a.astype("float64"), b)
    return np.asarray(out), [str(product.dtype) for product in (out, mixed, other)]


@observe(a=integers(2, 3, low=-9, high=9), b=integers(3, 2, low=-9, high=9))
def product_of_integers_stays_exact(layers, a, b):
    """Integers give integers."""
    out = layers.matmul_by_hand(a, b)
    return np.asarray(out), out.dtype.kind


@observe(a=normal(3, 4), b=normal(4, 2))
def product_is_written_with_loops(layers, a, b):
    """Matrices that refuse @, np.dot and np.einsum can still be multiplied."""
    return np.asarray(layers.matmul_by_hand(looped(a), looped(b)))


@observe(a=normal(2, 3), b=normal(4, 5), c=normal(3, 4))
def shapes_that_do_not_fit_are_refused_with_both_shapes(layers, a, b, c):
    """A ValueError that names both; shapes that fit are multiplied."""
    message = message_of(lambda: layers.matmul_by_hand(a, b))
    error = raised(lambda: layers.matmul_by_hand(a, b))
    good = (
        np.asarray(layers.matmul_by_hand(a, c)),
        np.asarray(layers.matmul_by_hand(c, b)),
    )
    return error, "(2, 3)" in message, "(4, 5)" in message, good


@observe(a=normal(3, 5), b=normal(4, 2))
def inner_length_that_is_too_long_or_too_short_is_refused(layers, a, b):
    """Also where the loops would find a number to multiply with."""
    return (
        raised(lambda: layers.matmul_by_hand(a, b)),
        raised(lambda: layers.matmul_by_hand(a[:, :3], b)),
        raised(lambda: layers.matmul_by_hand(a[:, :1], b)),
        np.asarray(layers.matmul_by_hand(a[:, :4], b)),
    )


@observe(a=normal(3), b=normal(3, 2), stack=normal(2, 3, 3))
def vectors_and_stacks_are_refused(layers, a, b, stack):
    """Only two matrices are multiplied here."""
    return (
        raised(lambda: layers.matmul_by_hand(a, b)),
        raised(lambda: layers.matmul_by_hand(b.T, a)),
        raised(lambda: layers.matmul_by_hand(stack, b)),
        raised(lambda: layers.matmul_by_hand(b.T, stack)),
        np.asarray(layers.matmul_by_hand(stack[0], b)),
    )


@observe(a=normal(2, 3), b=normal(3, 2))
def product_leaves_its_inputs_alone(layers, a, b):
    """Neither matrix is changed."""
    out = np.asarray(layers.matmul_by_hand(a, b)).copy()
    return out, a, b


### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.2 One loop instead of three

How long does it take? Run the next cell. On the machine on which this lesson was tried, the product of two 64
× 64 matrices took 0.11 s by hand, and numpy's 0.000008 s: thirteen thousand times less for the same 262,144
multiplications.
"""


# %%
def best_time(function: Callable, *arguments, patience: float = 0.1) -> float:
    """The shortest time in seconds that a call takes, of three calls or of all that fit in."""
    times, end = [], time.perf_counter() + patience
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)  # the others were disturbed by something else


generator = np.random.default_rng(0)
square = generator.normal(size=(64, 64)).astype(np.float32)

# %% demo=true
by_hand, by_numpy = (
    best_time(matmul_by_hand, square, square),
    best_time(np.matmul, square, square),
)
print(
    f"three loops {by_hand:.4f} s, numpy {by_numpy:.7f} s: a factor of {by_hand / by_numpy:,.0f}"
)
print(f"one turn of the innermost loop: {by_hand / 64**3 * 1e9:.0f} ns")

# %% [markdown]
r"""
It's not the multiplication that takes the time. A turn of the innermost loop fetches two elements, wraps each in a
Python object, multiplies, wraps the product, fetches a third, adds, stores: hundreds of nanoseconds around an
operation that the processor does in less than one. The cure is to do more work in each line of Python.

You can read the same sum the other way round. Instead of asking "what is element $(i, j)$?", ask "what does the
place $p$ contribute to the *whole* result?" It is column $p$ of $A$ times row $p$ of $B$, each number with each:

$$ C = \sum_{p=1}^{k} A_{:,p} \, B_{p,:} \qquad\text{each term of shape } (n, 1) \cdot (1, m) \to (n, m) $$

For the greenhouse that is a sum of three matrices, one for each sensor:

$$
\begin{pmatrix} 1 \\ 0 \end{pmatrix} \begin{pmatrix} 3 & 1 \end{pmatrix} +
\begin{pmatrix} 0 \\ 1 \end{pmatrix} \begin{pmatrix} 2 & 0 \end{pmatrix} +
\begin{pmatrix} 2 \\ 1 \end{pmatrix} \begin{pmatrix} 1 & 4 \end{pmatrix}
= \begin{pmatrix} 3 & 1 \\ 0 & 0 \end{pmatrix} + \begin{pmatrix} 0 & 0 \\ 2 & 0 \end{pmatrix} + \begin{pmatrix} 2 & 8 \\ 1 & 4 \end{pmatrix}
= \begin{pmatrix} 5 & 9 \\ 3 & 4 \end{pmatrix}
$$

**Your task.** Write it with one loop over $p$; the rest is broadcasting. (A matrix of this form, a column times a
row, comes back in a later module.)

<details>
<summary>Hint: a column that broadcasts</summary>

`a[:, p]` has shape `(n,)` and would broadcast as a *row*. `a[:, p, None]` has shape `(n, 1)`: times a row of
shape `(m,)` it gives `(n, m)`.

</details>
"""


# %% exercise="matmul-by-outer"
def matmul_by_outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product with one loop: a sum of columns times rows.

    Parameters
    ----------
    a : ndarray of shape (n, k)
        The left matrix.
    b : ndarray of shape (k, m)
        The right matrix; its shape fits.

    Returns
    -------
    ndarray of shape (n, m)
        The product, of the dtype that numpy gives to a result of `a` and `b`.

    Examples
    --------
    >>> matmul_by_outer(np.array([[1, 0, 2], [0, 1, 1]]), np.array([[3, 1], [2, 0], [1, 4]]))
    array([[5, 9],
           [3, 4]])

    Approach
    --------
    1. Make a matrix of zeros of the right shape and dtype.
    2. For each place along the shared length, add column times row by broadcasting.
    """
    ### BEGIN SOLUTION
    out = np.zeros((a.shape[0], b.shape[1]), dtype=np.result_type(a, b))
    for p in range(a.shape[1]):
        out += a[:, p, None] * b[p]
    return out
    ### END SOLUTION


# %% checks="matmul-by-outer" points=8
check(
    matmul_by_outer(readings, commands),
    [[5, 9], [3, 4]],
    hint="add one matrix for each column of a",
)
check(
    matmul_by_outer(np.ones((2, 1)), np.ones((1, 3))),
    np.ones((2, 3)),
    hint="a column times a row",
)
check(
    str(matmul_by_outer(singles, singles.T).dtype),
    "float32",
    hint="use np.result_type(a, b)",
)
check(
    matmul_by_outer(square, square),
    square @ square,
    hint="should agree with @",
    tolerance=1e-4,
)
### BEGIN HIDDEN TESTS


@observe(a=normal(3, 5), b=normal(5, 4))
def product_as_a_sum_of_columns_times_rows(layers, a, b):
    """The same product, with n, k and m all different; written without @."""
    return np.asarray(layers.matmul_by_outer(looped(a), looped(b)))


@observe(a=normal(3, 3), b=normal(3, 3))
def sum_of_columns_times_rows_of_square_matrices(layers, a, b):
    """A column of the first times a row of the second, not the other way round."""
    return np.asarray(layers.matmul_by_outer(looped(a), looped(b)))


@observe(a=normal(4, 2), b=normal(2, 3))
def sum_of_columns_times_rows_without_a_matrix_product(layers, a, b):
    """Matrices that refuse @, np.dot and np.einsum can still be multiplied."""
    return np.asarray(layers.matmul_by_outer(looped(a), looped(b)))


@observe(a=normal(2, 3, dtype="float32"), b=normal(3, 2, dtype="float32"))
def sum_of_columns_times_rows_keeps_float32(layers, a, b):
    """Two float32 matrices give a float32 matrix; a float64 one on either side makes it float64."""
    out = layers.matmul_by_outer(a, b)
    mixed = (
        layers.matmul_by_outer(a, b.astype("float64")),
        layers.matmul_by_outer(a.astype("float64"), b),
    )
    return np.asarray(out), [str(product.dtype) for product in (out, *mixed)]


@observe(a=normal(2, 3), b=normal(3, 2))
def sum_of_columns_times_rows_leaves_its_inputs_alone(layers, a, b):
    """Neither matrix is changed."""
    out = np.asarray(layers.matmul_by_outer(a, b)).copy()
    return out, a, b


### END HIDDEN TESTS

# %% demo=true
by_outer = best_time(matmul_by_outer, square, square)
print(f"three loops {by_hand:.5f} s, one loop {by_outer:.5f} s, numpy {by_numpy:.7f} s")

# %% [markdown]
r"""
When this lesson was tried, that was 400 times faster than three loops, and numpy was still 30 times ahead of it.
From here on we write `@`. In Part 3 you measure all three for larger matrices.

### 1.3 The affine map

A dense layer computes

$$ y = x W + b \qquad\qquad y_{j} = \sum_{i} x_{i} \, W_{ij} + b_j $$

with one example as a *row* $x$ of shape $(\text{inputs},)$, weights $W$ of shape
$(\text{inputs}, \text{outputs})$ and a bias $b$ of shape $(\text{outputs},)$. Column $j$ of $W$ belongs to
output $j$: these are the weights of **neuron** $j$.

Mathematics books often write $Wx + b$ with $x$ as a column. Rows suit us better: a *batch* of examples is a matrix
with one example in each row, and the same formula works for it:
$(\text{batch}, \text{inputs}) \cdot (\text{inputs}, \text{outputs}) \to (\text{batch}, \text{outputs})$, and
the bias broadcasts over the rows. Whatever axes come before it, `@` uses the last one only.

**A worked example.** Three readings $x = (0.5, -1, 2)$, two commands:

$$
W = \begin{pmatrix} 2 & 0 \\ 1 & 3 \\ 0.5 & -1 \end{pmatrix}, \quad b = (0.1, 4), \qquad
\begin{aligned} y_1 &= 0.5 \cdot 2 + (-1) \cdot 1 + 2 \cdot 0.5 + 0.1 = 1.1 \\ y_2 &= 0.5 \cdot 0 + (-1) \cdot 3 + 2 \cdot (-1) + 4 = -1 \end{aligned}
$$

**A failure first.** What if the bias had the shape of a column? Three examples, two outputs, and numpy
refuses. But with as many examples as outputs it does *not* refuse:
"""

# %%
three_examples = np.zeros((3, 2))  # zeros, so that only the bias is seen
weights_of_three = np.ones((2, 3))
right_bias, wrong_bias = (
    np.array([10.0, 20.0, 30.0]),
    np.array([[10.0], [20.0], [30.0]]),
)
print(
    "bias of shape (3,): each neuron has its own\n",
    three_examples @ weights_of_three + right_bias,
)
print(
    "bias of shape (3, 1): each example has its own\n",
    three_examples @ weights_of_three + wrong_bias,
)

# %% [markdown]
r"""
No error, wrong numbers, and a network that somehow learns a little worse: the most expensive kind of mistake.
That's why a bias here is always a vector of shape `(outputs,)`.

**Your task.** Write the map as a *pure function of arrays*. It knows nothing about tensors; `apply` takes care of
them, as it did for your activations.

<details>
<summary>Hint</summary>

It is the formula, nearly letter by letter. If you find yourself writing a loop, a `reshape` or an `if`, the
broadcasting rules already do it for you.

</details>
"""


# %% exercise="linear"
#| export
def linear(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The affine map ``x W + b``, for one example or a batch of them.

    Parameters
    ----------
    x : ndarray of shape (..., inputs)
        One example per row; any axes may come in front, or none.
    weights : ndarray of shape (inputs, outputs)
        The matrix W; a column for each output.
    bias : ndarray of shape (outputs,)
        The vector b, added to every row.

    Returns
    -------
    ndarray of shape (..., outputs)
        The result; `x` itself is not changed.

    Examples
    --------
    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 0.0], [0.0, 5.0]]), np.array([0.0, 1.0]))
    array([ 3., 11.])

    Approach
    --------
    1. Multiply the rows by the weights with ``@``.
    2. Add the bias.
    """
    ### BEGIN SOLUTION
    return x @ weights + bias
    ### END SOLUTION


# %% checks="linear" points=12
example_weights = np.array([[2.0, 0.0], [1.0, 3.0], [0.5, -1.0]])
example_bias = np.array([0.1, 4.0])
example = np.array([0.5, -1.0, 2.0])
check(
    linear(example, example_weights, example_bias),
    [1.1, -1.0],
    hint="the worked example above",
)
check(
    linear(np.eye(2), np.array([[1, 2], [3, 4]]), np.zeros(2)),
    [[1, 2], [3, 4]],
    hint="x W",
)
batch = np.stack([example, np.zeros(3), np.ones(3)])
expected = [[1.1, -1.0], [0.1, 4.0], [3.6, 6.0]]
check(
    linear(batch, example_weights, example_bias),
    expected,
    hint="each row is an example",
)
check(
    linear(batch[None], example_weights, example_bias).shape,
    (1, 3, 2),
    hint="leading axes stay",
)
check(
    linear(three_examples, weights_of_three, right_bias)[0],
    [10, 20, 30],
    hint="a bias per neuron",
)
halves = (array.astype(np.float32) for array in (batch, example_weights, example_bias))
check(str(linear(*halves).dtype), "float32", hint="float32 in, float32 out")
### BEGIN HIDDEN TESTS


@observe(x=normal(5, 3), w=normal(3, 2), b=normal(2))
def affine_map_of_a_batch(layers, x, w, b):
    """One example a row."""
    return layers.linear(x, w, b)


@observe(x=normal(3), w=normal(3, 4), b=normal(4))
def affine_map_of_one_example(layers, x, w, b):
    """A vector of inputs gives a vector of outputs."""
    return layers.linear(x, w, b)


@observe(x=normal(2, 5, 3), w=normal(3, 4), b=normal(4))
def affine_map_keeps_leading_axes(layers, x, w, b):
    """Only the last axis is multiplied."""
    return layers.linear(x, w, b)


@observe(x=normal(4, 4), w=normal(4, 4), b=normal(4))
def bias_is_added_to_every_row(layers, x, w, b):
    """Also where there are as many examples as outputs, and a column would broadcast."""
    return layers.linear(x, w, b)


@observe(
    x=normal(3, 2, dtype="float32"),
    w=normal(2, 5, dtype="float32"),
    b=normal(5, dtype="float32"),
)
def affine_map_keeps_float32(layers, x, w, b):
    """float32 in, float32 out, and float64 in, float64 out; an array, not a tensor."""
    out, double = layers.linear(x, w, b), layers.linear(x.astype("float64"), w, b)
    return out, str(out.dtype), str(double.dtype), type(out).__name__


@observe(x=normal(3, 2), w=normal(2, 2), b=normal(2))
def affine_map_leaves_its_inputs_alone(layers, x, w, b):
    """Neither x nor the weights nor the bias is changed."""
    out = layers.linear(x, w, b).copy()
    return out, x, w, b


### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.4 Where the weights begin

Training changes the weights step by step. But where does it start? The first two ideas both fail.

**Idea 1: all weights alike**, zero for instance. Watch four neurons that all begin with the weight 0.3.
"""

# %%
signal = generator.normal(size=(3, 5))
print(linear(signal, np.full((5, 4), 0.3), np.zeros(4)).round(4))

# %% [markdown]
r"""
Four equal columns: the neurons give the same answer to every example. Whatever rule changes the weights, it
sees four equal neurons and changes all of them in the same way, so they stay equal for ever. Four neurons do the
work of one. With zeros it's even worse: the output is zero whatever comes in. Random weights break the tie.

**Idea 2: random weights of any size.** Send 500 examples through ten layers with 256 neurons each, with
tanh between the layers, and look at the standard deviation of what comes out of each:
"""


# %% demo=true
def spread_through_layers(
    draw: Callable, depth: int, activation: Callable, width: int = 256
):
    """The standard deviation of the signal after each of several layers, and the signal itself."""
    signal = np.random.default_rng(1).normal(size=(500, width)).astype(np.float32)
    spreads = []
    for _ in range(depth):
        signal = activation(
            linear(signal, draw(width, width), np.zeros(width, dtype=np.float32))
        )
        spreads.append(float(signal.std()))
    return spreads, signal


for size in (0.01, 1.0):
    spreads, signal = spread_through_layers(
        lambda n, m, size=size: generator.normal(0, size, (n, m)).astype(np.float32),
        10,
        np.tanh,
    )
    saturated = np.mean(np.abs(signal) > 0.99)
    print(f"weights of size {size}: after layers 1, 2, 5, 10", end=" ")
    print(", ".join(f"{spreads[layer - 1]:.2g}" for layer in (1, 2, 5, 10)), end="; ")
    print(f"{saturated:.0%} of the last signals lie beyond ±0.99")

# %% [markdown]
r"""
If the weights are too small, the signal shrinks in each layer, and after ten layers nothing is left of it. If they
are too large, most neurons sit at the flat ends of tanh. There they only say "plus" or "minus", and a small change
of a weight changes nothing, so they cannot learn. We call them *saturated*.

**How large is right?** Let the inputs $x_i$ and the weights be independent, with mean 0. The variance of a
sum of independent terms is the sum of their variances:

$$ \operatorname{Var}(y_j) = \sum_{i=1}^{\text{inputs}} \operatorname{Var}(x_i) \operatorname{Var}(W_{ij}) = \text{inputs} \cdot \operatorname{Var}(W) \cdot \operatorname{Var}(x) $$

The signal keeps its size if $\operatorname{Var}(W) = 1/\text{inputs}$. On the way back, when gradients flow
from outputs to inputs, the same argument asks for $1/\text{outputs}$. Xavier Glorot and Yoshua Bengio
proposed the compromise $\operatorname{Var}(W) = 2 / (\text{inputs} + \text{outputs})$. A uniform distribution
in $[-a, a]$ has the variance $a^2/3$, so

$$ a = \sqrt{\frac{6}{\text{inputs} + \text{outputs}}} $$

**With numbers:** for 784 inputs and 128 outputs, $a = \sqrt{6 / 912} = 0.0811$. For 3 inputs and 3 outputs,
$a = 1$.

**Your task.** Draw such weights with the generator `rng` that you are given. Don't use `np.random.seed` and
`np.random.uniform`: they share one hidden state with the whole program, so one more random number anywhere changes
every network, and you can't repeat a run.

<details>
<summary>Hint</summary>

`rng.uniform(low, high, size=…)` draws float64 numbers. Our parameters are float32: `.astype(np.float32)`.

</details>
"""


# %% exercise="initial-weights"
#| export
def initial_weights(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Random weights that keep the size of a signal: uniform in ±sqrt(6 / (inputs + outputs)).

    Parameters
    ----------
    inputs, outputs : int
        The number of features on either side, each at least 1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of shape (inputs, outputs), float32
        The weights, drawn with one call of ``rng.uniform``.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 16.

    Approach
    --------
    1. Compute the limit from both sizes.
    2. Draw all the weights at once, and turn them into float32.
    """
    ### BEGIN SOLUTION
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, size=(inputs, outputs)).astype(np.float32)
    ### END SOLUTION


# %% checks="initial-weights" points=14
def drawn_by(
    function: Callable, inputs: int, outputs: int, seed: int = 0
) -> np.ndarray:
    """The weights that a function draws, with a new generator."""
    return function(inputs, outputs, np.random.default_rng(seed))


def draws_again(function: Callable, first: int, second: int) -> bool:
    """Whether a function draws the same weights with the generators of two seeds."""
    return bool(
        (drawn_by(function, 3, 2, first) == drawn_by(function, 3, 2, second)).all()
    )


check(drawn_by(initial_weights, 784, 128).shape, (784, 128), hint="(inputs, outputs)")
check(
    str(drawn_by(initial_weights, 9, 9).dtype),
    "float32",
    hint="rng.uniform gives float64",
)
check(
    drawn_by(initial_weights, 784, 128).max(),
    0.0811,
    hint="the limit above",
    tolerance=1e-3,
)
check(
    drawn_by(initial_weights, 784, 128).min(),
    -0.0811,
    hint="minus the limit",
    tolerance=1e-3,
)
check(
    np.abs(drawn_by(initial_weights, 99, 51)).mean(),
    0.1,
    hint="uniform, and half of the numbers below half of the limit",
    tolerance=1e-2,
)
check(
    draws_again(initial_weights, 5, 5), True, hint="draw from rng, not from np.random"
)
check(
    draws_again(initial_weights, 5, 6),
    False,
    hint="draw from rng, not from one of your own",
)
### BEGIN HIDDEN TESTS


def ranked(weights):
    """In which order weights come when they are sorted: what was drawn, but not how large it is."""
    return np.argsort(np.ravel(weights)).reshape(np.shape(weights))


@observe(seed=integers(low=0, high=10**6))
def glorot_weights_have_a_column_for_each_output(layers, seed):
    """Shape (inputs, outputs), for more outputs than inputs and for fewer."""
    rng = np.random.default_rng(seed)
    drawn = [layers.initial_weights(*size, rng) for size in ((3, 7), (7, 1))]
    return [ranked(weights) for weights in drawn]


@observe(seed=integers(low=0, high=10**6))
def glorot_weights_are_float32(layers, seed):
    """As all parameters are, in an array of numpy."""
    weights = layers.initial_weights(4, 3, np.random.default_rng(seed))
    return (
        str(weights.dtype),
        type(weights).__name__,
        ranked(weights).ravel(),
    )


@observe(seed=integers(low=0, high=10**6))
def glorot_weights_fill_the_interval_up_to_their_limit(layers, seed):
    """The largest lies just below sqrt(6 / (inputs + outputs)), the smallest just above minus that."""
    weights = layers.initial_weights(5, 9, np.random.default_rng(seed)) / np.sqrt(
        6 / 14
    )
    return weights.max(), weights.min()


@observe(seed=integers(low=0, high=10**6))
def limit_of_glorot_weights_counts_inputs_and_outputs(layers, seed):
    """20 inputs and 980 outputs have the limit of 980 inputs and 20 outputs."""
    rng, limit = np.random.default_rng(seed), np.sqrt(6 / 1000)
    drawn = [layers.initial_weights(*size, rng) for size in ((20, 980), (980, 20))]
    return [np.abs(weights[:2, :2]).astype("float32") / limit for weights in drawn]


@observe(seed=integers(low=0, high=10**6))
def glorot_weights_are_spread_evenly(layers, seed):
    """Uniform: a quarter of the weights in each quarter of the interval."""
    weights = layers.initial_weights(30, 30, np.random.default_rng(seed)) / np.sqrt(0.1)
    counts = np.histogram(weights, bins=4, range=(-1, 1))[0]
    return (counts / weights.size).astype("float32")


@observe(
    seed=integers(low=0, high=10**6),
    inputs=integers(low=1, high=6),
    outputs=integers(low=6, high=11),
)
def glorot_weights_are_the_numbers_of_the_generator(layers, seed, inputs, outputs):
    """Drawn by one call of rng.uniform."""
    return layers.initial_weights(inputs, outputs, np.random.default_rng(seed))


@observe(seed=integers(low=0, high=10**6))
def glorot_weights_differ_from_call_to_call(layers, seed):
    """The generator goes on, and nothing is seeded anew; numpy's global state is left alone."""
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    before = np.random.get_state()[1].copy()
    drawn = [layers.initial_weights(3, 3, rng) for _ in range(2)]
    untouched = bool((np.random.get_state()[1] == before).all())
    return [ranked(weights) for weights in drawn], untouched


### END HIDDEN TESTS

# %% [markdown]
r"""
**And with ReLU?** The argument assumed that nothing is lost between the layers. Tanh is nearly the identity
near 0, but ReLU throws away the negative half. If $z$ is symmetric about 0, half of
$\operatorname{E}[z^2]$ is gone:

$$ \operatorname{E}[\operatorname{relu}(z)^2] = \tfrac12 \operatorname{Var}(z) $$

With Glorot's weights a signal therefore loses a factor of $\sqrt2$ in each layer: after 20 layers
$2^{10} \approx 1000$. Kaiming He and colleagues doubled the variance to make up for it:

$$ \operatorname{Var}(W) = \frac{2}{\text{inputs}} \qquad\text{here: a normal distribution with standard deviation } \sqrt{2 / \text{inputs}} $$

**With numbers:** for 2 inputs the standard deviation is 1, for 784 inputs it is 0.0505; the number of outputs
does not matter.

**Your task.** Draw weights like these.

<details>
<summary>Hint</summary>

`rng.normal(mean, standard deviation, size=…)`: the second argument is the standard deviation, not the
variance.

</details>
"""


# %% exercise="he-weights"
#| export
def he_weights(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """Random weights that keep the size of a signal before ReLU: normal, variance 2 / inputs.

    Parameters
    ----------
    inputs, outputs : int
        The number of features on either side, each at least 1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of shape (inputs, outputs), float32
        The weights, drawn with one call of ``rng.normal``.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", equation 10.

    Approach
    --------
    1. Compute the standard deviation from the number of inputs.
    2. Draw all the weights at once, and turn them into float32.
    """
    ### BEGIN SOLUTION
    spread = np.sqrt(2 / inputs)
    return rng.normal(0, spread, size=(inputs, outputs)).astype(np.float32)
    ### END SOLUTION


# %% checks="he-weights" points=8
check(drawn_by(he_weights, 784, 128).shape, (784, 128), hint="(inputs, outputs)")
check(str(drawn_by(he_weights, 9, 9).dtype), "float32", hint="rng.normal gives float64")
check(
    drawn_by(he_weights, 784, 128).std(),
    0.0505,
    hint="sqrt(2 / inputs)",
    tolerance=1e-3,
)
check(drawn_by(he_weights, 784, 128).mean(), 0.0, hint="the mean is 0", tolerance=1e-2)
check(draws_again(he_weights, 5, 5), True, hint="draw from rng, not from np.random")
check(
    draws_again(he_weights, 5, 6), False, hint="draw from rng, not from one of your own"
)
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6))
def he_weights_are_a_float32_matrix(layers, seed):
    """Shape (inputs, outputs)."""
    weights = layers.he_weights(3, 7, np.random.default_rng(seed))
    return str(weights.dtype), type(weights).__name__, ranked(weights)


@observe(seed=integers(low=0, high=10**6))
def spread_of_he_weights_follows_the_inputs_alone(layers, seed):
    """The standard deviation is sqrt(2 / inputs), for few outputs and for many."""
    rng = np.random.default_rng(seed)
    sizes = ((5, 40), (40, 5))
    ratios = [
        layers.he_weights(*size, rng).std() / np.sqrt(2 / size[0]) for size in sizes
    ]
    return np.array(ratios, dtype="float32")


@observe(seed=integers(low=0, high=10**6))
def he_weights_are_normally_distributed(layers, seed):
    """68 % within one standard deviation, 95 % within two, a few beyond three."""
    weights = layers.he_weights(20, 20, np.random.default_rng(seed))
    weights = np.abs(weights / weights.std())
    shares = [np.mean(weights < limit) for limit in (0.5, 1, 2, 3)]
    return np.array([*shares, weights.max()], dtype="float32")


@observe(
    seed=integers(low=0, high=10**6),
    inputs=integers(low=1, high=6),
    outputs=integers(low=6, high=11),
)
def he_weights_are_the_numbers_of_the_generator(layers, seed, inputs, outputs):
    """Drawn by one call of rng.normal."""
    return layers.he_weights(inputs, outputs, np.random.default_rng(seed))


@observe(seed=integers(low=0, high=10**6))
def he_weights_differ_from_call_to_call(layers, seed):
    """The generator goes on; numpy's global state is left alone."""
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    before = np.random.get_state()[1].copy()
    drawn = [layers.he_weights(3, 3, rng) for _ in range(2)]
    untouched = bool((np.random.get_state()[1] == before).all())
    return [ranked(weights) for weights in drawn], untouched


### END HIDDEN TESTS

# %% [markdown]
r"""
**Question 1** (5 points). A classmate builds a network of 784 inputs, 128 hidden neurons with ReLU, and 10
outputs. All weights of the first matrix begin at 0.5, all of the second at 0.1, all biases at 0. "Training
changes them anyway", he says, "so why bother with random numbers?"

Predict what the 128 hidden values look like for one image, before training and after a hundred steps of
training. Explain why training cannot repair it. What is the smallest change to his network that would?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="why-random" points=5
r"""
**Model answer.** Every hidden neuron computes half the sum of the pixels, so all 128 values are the same
number. Training changes a weight by a rule that looks at the input at that weight, at the neuron's value, and
at how the output depends on that neuron (through the second matrix). All three are the same for all 128
neurons: the same inputs, the same value, and the same outgoing weight 0.1 to each output. So all 128 columns
of the first matrix get the same change, as do all rows of the second; by induction the neurons are still
equal after a hundred steps, or a million. The values change, but together: the network can do no more than
one with a single hidden neuron. Random weights in the *first* matrix are the smallest repair: the columns
then differ from the start (in fact different outgoing weights in the second matrix would do as well, since
they would give the neurons different changes). Random biases alone in the hidden layer break the tie too,
though more weakly.

**Mark scheme.** 1 point: all 128 values are equal before training. 1 point: they are still equal after
training (values differ from before, not from each other). 2 points: the reason is symmetry: equal inputs,
equal values *and* equal outgoing weights give equal changes (1 point if outgoing weights are forgotten). 1
point: a repair that breaks the symmetry, with a reason. No points for "zero gradient" as the reason: the
weights here are not zero.
"""

# %% [markdown]
r"""
### 1.5 The class `Dense`

A **layer** is a function with a memory: it keeps its weights and its bias between calls. They are tensors with
`requires_grad=True`, so that training knows what it may change. To make a layer you say how many `inputs` and
`outputs` it has, and where its random numbers come from.

When it is called, it sends the pure function `linear` through `apply`, together with its input, its weights
and its bias:

```
apply(linear, x, weights, bias)      all of them Tensors  ->  unwrap, compute, wrap  ->  Tensor
                                     one of a class with __apply__  ->  that class decides
```

If the layer computed `Tensor(x.data @ self.weights.data + self.bias.data)`, the numbers would be the same, but
nobody could ever find out *how* the output was made. With `apply`, later inputs and weights can watch.

We also get clear error messages for free. `apply` says which function met which shapes, and looks up what to do
in the dictionary `FITS` of module 1. Here is the sentence for `linear`:
"""

# %%
#| export
FITS["linear"] = (
    "each example, along the last axis of the first, needs as many features as the second (the "
    "weights) has rows; give the layer that many inputs, or reshape the examples"
)

# %% [markdown]
r"""
**Your task.** Write three methods. The constructor refuses sizes below 1 (numpy would gladly make a 0 × 10
matrix), makes the generator, draws the weights with the function `initial`, and begins with a bias of zeros.
`__call__` applies the layer. `parameters` lists what training may change, weights first.

<details>
<summary>Hint 1: a generator, a seed or nothing</summary>

`np.random.default_rng(rng)` takes all three: a generator comes back as it is, a number becomes a generator
with that seed, and `None` one that differs each time.

</details>

<details>
<summary>Hint 2: the shape and the dtype of the bias</summary>

One number for each output, no second axis, of the same dtype as the weights: `np.zeros(outputs)` alone is
float64, and would silently turn every result into float64.

</details>

<details>
<summary>Hint 3: the call</summary>

Hand `apply` the tensors themselves, not their `.data`, and the function itself, not its result:
`apply(function, first, second, third)`.

</details>
"""


# %% exercise="dense"
#| export
class Dense:
    """A fully connected layer: ``x W + b`` with weights and a bias that training can change.

    Parameters
    ----------
    inputs : int
        The number of features of an example.
    outputs : int
        The number of features that the layer makes of them.
    rng : numpy.random.Generator or int, optional
        The source of the initial weights, or its seed.
    initial : callable, optional
        Draws the weights, called as ``initial(inputs, outputs, generator)``; by default
        `initial_weights`. Before a ReLU, `he_weights` suits better.

    Attributes
    ----------
    weights : Tensor of shape (inputs, outputs), float32
        From `initial`, with ``requires_grad=True``.
    bias : Tensor of shape (outputs,)
        Zeros of the dtype of the weights, with ``requires_grad=True``.

    Raises
    ------
    ValueError
        If a size is below 1.

    Approach
    --------
    1. ``__init__``: refuse sizes below 1 in a sentence; make the generator; make the two tensors.
    2. ``__call__``: send `linear`, the input and the two tensors through `apply`.
    3. ``parameters``: a list of the two tensors, the weights first.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        rng: np.random.Generator | int | None = None,
        initial: Callable = initial_weights,
    ):
        ### BEGIN SOLUTION
        if inputs < 1 or outputs < 1:
            raise ValueError(
                f"a layer needs at least one input and one output, but got Dense({inputs}, "
                f"{outputs}); pass the number of features of an example, then that of the result"
            )
        weights = initial(inputs, outputs, np.random.default_rng(rng))
        self.weights = Tensor(weights, requires_grad=True)
        self.bias = Tensor(np.zeros(outputs, dtype=weights.dtype), requires_grad=True)
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape (..., inputs); gives (..., outputs).

        The result is of the kind that the input, the weights and the bias ask for.
        """
        ### BEGIN SOLUTION
        return apply(linear, x, self.weights, self.bias)
        ### END SOLUTION

    def parameters(self) -> list[Tensor]:
        """The tensors that training changes: the weights and the bias."""
        ### BEGIN SOLUTION
        return [self.weights, self.bias]
        ### END SOLUTION

    def __repr__(self) -> str:
        inputs, outputs = self.weights.shape
        return f"Dense({inputs}, {outputs})"


# %% checks="dense" points=18
class Spy:
    """Something that is no tensor, and tells which function a layer asked for."""

    data, shape = np.zeros(3), (3,)

    def __apply__(self, function, *inputs, **parameters):
        return function.__name__


check(Dense(3, 2, rng=0).weights.shape, (3, 2), hint="(inputs, outputs)")
check(Dense(3, 2).bias, [0.0, 0.0], hint="zeros, one for each output")
check(str(Dense(3, 2).weights.dtype), "float32", hint="initial gives float32; keep it")
check(str(Dense(3, 2).bias.dtype), "float32", hint="see hint 2")
check(Dense(3, 2).weights.requires_grad, True, hint="training may change the weights")
check(Dense(3, 2).bias.requires_grad, True, hint="and the bias")
check(
    Dense(2, 2, initial=lambda n, m, rng: np.eye(n)).weights,
    np.eye(2),
    hint="from initial",
)
layer = Dense(3, 2, rng=0)
layer.weights, layer.bias = Tensor(example_weights), Tensor(example_bias)
check(layer(Tensor(example)), [1.1, -1.0], hint="the worked example of 1.3")
check(layer(Tensor(batch)), expected, hint="a batch of three")
check(type(layer(Tensor(batch))).__name__, "Tensor", hint="apply wraps the result")
check(layer(Spy()), "linear", hint="hand linear and the three tensors to apply")
check([p.shape for p in layer.parameters()], [(3, 2), (2,)], hint="the weights first")
same = Dense(3, 2, rng=7).weights == Dense(3, 2, rng=np.random.default_rng(7)).weights
check(bool(same.all()), True, hint="np.random.default_rng takes a seed or a generator")
check_raises(ValueError, lambda: Dense(0, 10), hint="refuse sizes below 1")
check_raises(ValueError, lambda: Dense(10, 0), hint="and on the other side")
check_raises(
    ValueError, lambda: layer(Tensor(np.ones((4, 5)))), hint="leave this to apply"
)
### BEGIN HIDDEN TESTS


def steady(inputs, outputs, rng):
    """Weights that need no luck, and nothing of the student's."""
    return (
        np.arange(1.0, inputs * outputs + 1).reshape(inputs, outputs).astype("float32")
        / 8
    )


def uniform_weights(inputs, outputs, rng):
    """Weights straight from the generator that a layer hands over."""
    return rng.uniform(size=(inputs, outputs)).astype("float32")


def steady_layer(layers, inputs, outputs):
    """A layer with such weights, also where Dense does not use the function `initial`."""
    layer = layers.Dense(inputs, outputs, initial=steady)
    layer.weights = layers.Tensor(steady(inputs, outputs, None))
    return layer


def product(layer, tensor, x):
    """What a layer makes of an array, as an array."""
    return layer(tensor(x)).data


@observe(
    x=normal(5, 3, dtype="float32"),
    w=normal(3, 2, dtype="float32"),
    b=normal(2, dtype="float32"),
)
def dense_layer_of_a_batch(layers, x, w, b):
    """x W + b with the weights and the bias that the layer has now, as a Tensor."""
    layer = layers.Dense(3, 2, initial=steady)
    layer.weights, layer.bias = layers.Tensor(w), layers.Tensor(b)
    out = layer(layers.Tensor(x))
    return out.data, str(out.dtype), type(out).__name__


@observe(x=normal(3), stack=normal(2, 4, 3), b=normal(5))
def dense_layer_of_one_example_and_of_a_stack(layers, x, stack, b):
    """Whatever axes stand in front of the features; a float64 input stays float64."""
    layer = steady_layer(layers, 3, 5)
    layer.bias = layers.Tensor(b)
    one, many = layer(layers.Tensor(x)), layer(layers.Tensor(stack))
    return one.data, many.data, str(one.dtype)


@observe(x=normal(4, 3), b=normal(2))
def dense_layer_goes_through_apply(layers, x, b):
    """An input with a method __apply__ is asked, and gets linear, itself, the weights, the bias."""
    layer, asked = steady_layer(layers, 3, 2), []

    class Probe:
        shape, ndim = x.shape, x.ndim

        def __apply__(self, function, *inputs, **parameters):
            same = [g is e for g, e in zip(inputs, (self, layer.weights, layer.bias))]
            asked.append((function is layers.linear, len(inputs), same, parameters))
            return function(x, inputs[1].data, inputs[2].data)

    layer.bias = layers.Tensor(b)
    return layer(Probe()), asked


@observe(w=normal(3, 2), b=normal(2))
def parameters_are_the_weights_and_then_the_bias(layers, w, b):
    """The very tensors, in a list, in this order, also after they were replaced."""
    layer = layers.Dense(3, 2, initial=steady)
    shapes = [p.shape for p in layer.parameters()]
    layer.weights, layer.bias = layers.Tensor(w), layers.Tensor(b)
    found = layer.parameters()
    same = found[0] is layer.weights, found[1] is layer.bias
    return type(found).__name__, same, shapes, [p.data for p in found]


@observe(x=normal(4, 3))
def parameters_are_tensors_marked_for_training(layers, x):
    """Weights and bias both have requires_grad=True."""
    layer = layers.Dense(3, 2, initial=steady)
    marks = [(type(p).__name__, p.requires_grad) for p in (layer.weights, layer.bias)]
    return marks, product(steady_layer(layers, 3, 2), layers.Tensor, x)


@observe(x=normal(4, 3))
def bias_begins_as_a_vector_of_zeros(layers, x):
    """Of shape (outputs,) and of the dtype of the weights; so a new layer gives x W."""
    layer = steady_layer(layers, 3, 5)
    return layer.bias.data, str(layer.bias.dtype), product(layer, layers.Tensor, x)


@observe(inputs=integers(low=2, high=30), outputs=integers(low=30, high=60))
def weights_come_from_the_function_initial(layers, inputs, outputs):
    """Called once with inputs, outputs and a generator; the bias takes their dtype."""
    calls = []

    def initial(*arguments):
        calls.append((*arguments[:2], type(arguments[2]).__name__))
        return steady(*arguments)

    layer = layers.Dense(inputs, outputs, initial=initial)
    double = layers.Dense(2, 3, initial=lambda n, m, rng: np.ones((n, m)))
    dtypes = [
        str(p.dtype) for p in (layer.weights, layer.bias, double.weights, double.bias)
    ]
    return calls, layer.weights.data, dtypes


@observe(seed=integers(low=0, high=10**6))
def dense_layer_takes_a_seed_or_a_generator(layers, seed):
    """A seed gives the same weights again, a generator goes on from layer to layer."""
    rng = np.random.default_rng(seed)
    drawn = [layers.Dense(3, 2, r, initial=uniform_weights) for r in (seed, rng, rng)]
    return [layer.weights.data for layer in drawn]


@observe(seed=integers(low=0, high=10**6), x=normal(2, 4))
def dense_layers_without_a_seed_differ(layers, seed, x):
    """Whatever state numpy's global generator is in; no seed is built in."""
    drawn = []
    for _ in range(2):
        np.random.seed(seed)
        drawn.append(layers.Dense(4, 4, initial=uniform_weights).weights.data)
    same = bool((drawn[0] == drawn[1]).any())
    return same, drawn[0].shape, product(steady_layer(layers, 4, 4), layers.Tensor, x)


@observe(seed=integers(low=0, high=10**6))
def dense_layer_begins_with_initial_weights(layers, seed):
    """Unless another function is given."""
    return layers.Dense(6, 4, seed).weights.data


@observe(good=integers(low=1, high=9), x=normal(3))
def sizes_below_one_are_refused(layers, good, x):
    """Zero or negative, inputs or outputs; a size of 1 is not."""
    pairs = ((0, good), (good, 0), (-good, good), (good, -1), (0, 0))
    refused = [
        raised(lambda pair=pair: layers.Dense(*pair, initial=steady)) for pair in pairs
    ]
    smallest = steady_layer(layers, 1, good), steady_layer(layers, 3, 1)
    results = [
        product(smallest[0], layers.Tensor, x[:1]),
        product(smallest[1], layers.Tensor, x),
    ]
    return refused, results, [repr(layer) for layer in smallest]


@observe(x=normal(5, 4))
def examples_with_the_wrong_number_of_features_are_refused(layers, x):
    """With the shapes in the message."""
    layer = steady_layer(layers, 3, 2)
    message = message_of(lambda: layer(layers.Tensor(x)))
    refused = (
        raised(lambda: layer(layers.Tensor(x))),
        "(5, 4)" in message,
        "(3, 2)" in message,
    )
    return refused, product(layer, layers.Tensor, x[:, 1:])


@observe(change=normal(), x=normal(3))
def dense_layers_share_nothing(layers, change, x):
    """A change of one layer's parameters is not seen in another."""
    one, two = layers.Dense(3, 2, initial=steady), layers.Dense(3, 2, initial=steady)
    before = two.weights.data.copy()
    one.bias.data += change
    one.weights.data *= change
    same = np.array_equal(two.weights.data, before)
    return (
        same,
        two.bias.data,
        one.bias.data,
        product(steady_layer(layers, 3, 2), layers.Tensor, x),
    )


### END HIDDEN TESTS

# %%
try:
    Dense(784, 128)(Tensor(np.ones((32, 28, 28))))
except ValueError as error:
    print("What you see if you forget to flatten your images:\n", error)

# %% [markdown]
r"""
### 1.6 Several layers

A network is layers one after the other: the output of each is the input of the next. For one hidden layer,

$$ h = \operatorname{relu}(x W_1 + b_1), \qquad y = h W_2 + b_2 $$

**Two tasks.** `forward` sends an input through a list of layers; a layer is anything that you can call.
`parameter_count` says how many numbers training may change. Only some layers have a method `parameters` (your
`ReLU` has none).

**With numbers:** `[Dense(784, 128), ReLU(), Dense(128, 10)]` has $784 \cdot 128 + 128 = 100{,}480$ and
$128 \cdot 10 + 10 = 1{,}290$ parameters, 101,770 together: 407,080 bytes in float32. And
$2 \cdot (784 \cdot 128 + 128 \cdot 10) = 203{,}264$ operations for an example.

<details>
<summary>Hint for forward</summary>

Keep one variable, and let each layer replace it.

</details>

<details>
<summary>Hint for parameter_count</summary>

`hasattr(layer, "parameters")` tells whether there are any; a tensor's `size` is the number of its elements.

</details>
"""


# %% exercise="forward"
def forward(layers: list, x: Tensor) -> Tensor:
    """Send an input through several layers, one after the other.

    Parameters
    ----------
    layers : list of callables
        The layers, the first one first.
    x : Tensor
        The input of the first.

    Returns
    -------
    Tensor
        The output of the last; without any layers, the input.

    Approach
    --------
    1. For each layer in order, replace `x` by what the layer makes of it.
    """
    ### BEGIN SOLUTION
    for layer in layers:
        x = layer(x)
    return x
    ### END SOLUTION


# %% checks="forward" points=6
check(forward([float, str], 3), "3.0", hint="first float, then str")
check(forward([], 5), 5, hint="no layers, no change")
one, two = Dense(2, 3, rng=1), Dense(3, 1, rng=2)
x = Tensor([[1.0, -2.0], [0.5, 0.5]])
check(
    forward([one, ReLU(), two], x),
    two(ReLU()(one(x))),
    hint="each takes the output before it",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3), a=normal(3), b=normal(3))
def layers_are_applied_in_order(layers, x, a, b):
    """The first of the list first."""
    return layers.forward([lambda v: v + a, lambda v: v * b, np.tanh], x)


@observe(x=normal(3))
def each_layer_is_called_once(layers, x):
    """With the output of the one before."""
    seen = []

    def remember(v):
        seen.append(v)
        return v + 1

    out = layers.forward([remember] * 4, x)
    return out, seen


@observe(x=normal(2, 2))
def no_layers_give_back_the_input(layers, x):
    """The very same object; one layer is applied all the same."""
    same = layers.forward([], x) is x
    return same, layers.forward([lambda v: v * v], x)


@observe(x=normal(2, 2))
def forward_leaves_its_list_alone(layers, x):
    """A list that can be used again."""
    network = [np.tanh, np.abs]
    first = layers.forward(network, x)
    return first, layers.forward(network, x), len(network)


### END HIDDEN TESTS


# %% exercise="parameter-count"
def parameter_count(layers: list) -> int:
    """How many numbers training may change in a network.

    Parameters
    ----------
    layers : list of callables
        The layers; some have a method `parameters` that gives a list of tensors.

    Returns
    -------
    int
        The number of elements of all of these tensors together.

    Approach
    --------
    1. Go through the layers that have parameters.
    2. Add up the sizes of the tensors.
    """
    ### BEGIN SOLUTION
    trained = [layer for layer in layers if hasattr(layer, "parameters")]
    return sum(tensor.size for layer in trained for tensor in layer.parameters())
    ### END SOLUTION


# %% checks="parameter-count" points=5
check(
    parameter_count([Dense(784, 128), ReLU(), Dense(128, 10)]),
    101_770,
    hint="see With numbers",
)
check(parameter_count([ReLU()]), 0, hint="a ReLU has no parameters")
### BEGIN HIDDEN TESTS


def holder(*shapes):
    """A layer with parameters of these shapes, whatever Dense does."""
    from tinytorch.core.tensor import Tensor

    class Holder:
        def parameters(self):
            return [Tensor(np.ones(shape)) for shape in shapes]

    return Holder()


@observe(n=integers(low=2, high=30), m=integers(low=30, high=50))
def parameters_of_several_layers_are_counted(layers, n, m):
    """Every element of every tensor of every layer; a whole number."""
    count = layers.parameter_count(
        [holder((n, m), (m,)), np.tanh, holder((m, 3), (3,))]
    )
    return count, np.asarray(count).dtype.kind


@observe(n=integers(low=2, high=30))
def parameters_of_odd_shapes_are_counted(layers, n):
    """One tensor or three, with one axis or three, or none."""
    return int(layers.parameter_count([holder((n,)), holder((2, 3, n), (), (n, 1))]))


@observe(n=integers(low=2, high=30))
def layers_without_parameters_count_nothing(layers, n):
    """Functions, activations, and no layers at all; in front of a layer or behind it."""
    networks = (
        [],
        [np.tanh, holder(), np.abs],
        [np.tanh, holder((n,)), np.abs],
        [holder((n, 2))],
    )
    return [int(layers.parameter_count(network)) for network in networks]


### END HIDDEN TESTS

# %% [markdown]
r"""
## Part 2: Use

### 2.1 A network that computes XOR, without any training

*Exclusive or* is 1 if exactly one of its two inputs is 1. No straight line separates the points
$(0, 1), (1, 0)$ from $(0, 0), (1, 1)$. A single dense layer draws straight lines, so it can't do it. Two of them
with a bend in between can, and you can find the weights by thinking.

Both hidden neurons look at the *sum* of the inputs, which is 0, 1 or 2. Only the second has a bias:

$$ h_1 = \operatorname{relu}(x_1 + x_2), \qquad h_2 = \operatorname{relu}(x_1 + x_2 - 1), \qquad y = v_1 h_1 + v_2 h_2 $$

| $x_1$ | $x_2$ | sum | $h_1$ | $h_2$ | wanted: $y$ |
| --- | --- | --- | --- | --- | --- |
| 0 | 0 | 0 | 0 | 0 | 0 |
| 0 | 1 | 1 | 1 | 0 | 1 |
| 1 | 0 | 1 | 1 | 0 | 1 |
| 1 | 1 | 2 | 2 | 1 | 0 |

**Your task.** Read $v_1$ and $v_2$ off the table, and build the network.

<details>
<summary>Hint 1: setting weights</summary>

`layer = Dense(2, 2)` and then `layer.weights = Tensor([[…, …], […, …]], requires_grad=True)`; the same for
`layer.bias`. Column $j$ of the weights belongs to neuron $j$.

</details>

<details>
<summary>Hint 2: the last layer</summary>

The second row of the table tells you $v_1$; then the fourth leaves one choice for $v_2$. The shape of these
weights is (2, 1).

</details>
"""


# %% exercise="xor-network"
def xor_network() -> list:
    """A network for XOR with weights set by hand: two inputs, two hidden neurons, one output.

    Returns
    -------
    list
        Three layers: a Dense layer of size (2, 2), a ReLU, a Dense layer of size (2, 1). Their
        weights and biases have ``requires_grad=True``, so that training could go on from here.

    Approach
    --------
    1. Make the first layer; set its weights (all 1) and its bias (from the formulas).
    2. Make the last layer; set its weights (from the table); its bias stays 0.
    3. Return the list of layers, with the ReLU in the middle.
    """
    from tinytorch.core.activations import ReLU

    ### BEGIN SOLUTION
    hidden = Dense(2, 2)
    hidden.weights = Tensor([[1, 1], [1, 1]], requires_grad=True)
    hidden.bias = Tensor([0, -1], requires_grad=True)
    output = Dense(2, 1)
    output.weights = Tensor([[1], [-2]], requires_grad=True)
    return [hidden, ReLU(), output]
    ### END SOLUTION


# %% checks="xor-network" points=5
corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
check(len(xor_network()), 3, hint="two Dense layers, and a ReLU between them")
hidden, bend, output = xor_network()
check(
    output(bend(hidden(corners))),
    [[0], [1], [1], [0]],
    hint="y = v1 h1 + v2 h2; bend(hidden(corners)) should show h1 and h2 of the table",
)
check(
    [p.requires_grad for layer in (hidden, output) for p in layer.parameters()],
    [True] * 4,
    hint="each tensor with requires_grad=True",
)
### BEGIN HIDDEN TESTS


def corners_of(order):
    """The four corners of the square, in some order."""
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")[
        np.argsort(order)
    ]


@observe(order=uniform(4), share=normal(4))
def exclusive_or_at_the_four_corners(layers, order, share):
    """In any order, as one batch; computed from the weights and biases alone."""
    hidden, _, output = layers.xor_network()
    hidden_values = np.maximum(
        corners_of(order) @ hidden.weights.data + hidden.bias.data, 0
    )
    found = hidden_values @ output.weights.data + output.bias.data
    return found, share @ found


@observe(order=uniform(4), share=normal(4))
def exclusive_or_of_one_example(layers, order, share):
    """A vector of two inputs gives a vector of one output."""
    network, found = layers.xor_network(), []
    for corner in corners_of(order):
        out = layers.Tensor(corner)
        for layer in network:
            out = layer(out)
        found.append(out.data)
    return found, share @ np.array(found)


@observe(order=uniform(4), share=normal(4))
def network_for_exclusive_or_has_two_layers_and_a_bend(layers, order, share):
    """Dense, ReLU, Dense, with 2 · 2 + 2 and 2 · 1 + 1 parameters that can be trained."""
    network = layers.xor_network()
    out = layers.Tensor(corners_of(order))
    for layer in network:
        out = layer(out)
    parameters = [*network[0].parameters(), *network[2].parameters()]
    kinds = [type(layer).__name__ for layer in network]
    return kinds, [(p.shape, p.requires_grad) for p in parameters], share @ out.data


### END HIDDEN TESTS

# %% [markdown]
r"""
The next cell evaluates the network on 90,000 points between and around the corners. The picture shows, for
each layer, what it makes of the plane. Left: $h_1$, a slope that rises towards the upper right corner from
the line $x_1 + x_2 = 0$ on. Middle: $h_2$, the same slope, but it begins at the line $x_1 + x_2 = 1$. Right:
$y = h_1 - 2 h_2$, a ridge along that line that falls off to both sides; the contour $y = 0.5$ consists of two
parallel lines, with the corners (0, 1) and (1, 0) between them.
"""


# %% demo=true
def plane(low: float, high: float, points: int = 300):
    """A grid of points, as a batch and as coordinates for a picture."""
    axis = np.linspace(low, high, points, dtype=np.float32)
    first, second = np.meshgrid(axis, axis)
    return Tensor(np.stack([first.ravel(), second.ravel()], axis=1)), first, second


points, first, second = plane(-0.5, 1.5)
network = xor_network()
inner, outer = forward(network[:2], points).numpy(), forward(network, points).numpy()
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
for axis, surface, title in zip(
    axes, (inner[:, 0], inner[:, 1], outer[:, 0]), ("h1", "h2", "y")
):
    shown = axis.contourf(
        first, second, surface.reshape(first.shape), levels=12, cmap="viridis"
    )
    axis.scatter(
        [0, 1], [0, 1], marker="o", color="white", edgecolor="black", label="XOR is 0"
    )
    axis.scatter(
        [0, 1], [1, 0], marker="s", color="red", edgecolor="black", label="XOR is 1"
    )
    axis.set(title=title, xlabel="x1", ylabel="x2")
    figure.colorbar(shown, ax=axis)
axes[2].contour(first, second, outer.reshape(first.shape), levels=[0.5], colors="white")
axes[0].legend(loc="lower left")
show(
    figure,
    "Three maps over the plane of x1 and x2: the hidden neurons h1 and h2, each a ramp in "
    "one direction, and the output y, which is high in a band between two lines. Circles "
    "mark the points where XOR is 0, squares those where it is 1; the squares lie in the "
    "band.",
)

# %% [markdown]
r"""
### 2.2 Two spirals and 100 random neurons

Finding weights by thinking does not take us far: here are two spirals that wind around each other one and a half
times. But there is a trick, and you have all you need for it. Leave the hidden layer *random*, as it was drawn.
Only the output layer has to fit, and it is linear in its weights: a least-squares problem, which
`np.linalg.lstsq` solves in one call. (Training all layers at once has to wait for a later module.)

We try four networks: no hidden layer at all; 100 hidden neurons with ReLU and a bias of zero, as `Dense`
begins; the same with random biases; and only 10 neurons with random biases.
"""


# %% demo=true
def two_spirals(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points on two spirals, with a little noise, and which spiral each lies on, as -1 or +1."""
    radius = np.sqrt(rng.uniform(size=count))
    label = rng.integers(2, size=count)
    angle = 3 * np.pi * radius + np.pi * label
    noise = rng.normal(0, 0.015, size=(count, 2))
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise
    return x.astype(np.float32), (2 * label - 1).astype(np.float32)


def fit_output_layer(hidden: list, x: np.ndarray, target: np.ndarray) -> list:
    """The hidden layers, and a Dense layer on top whose weights come from least squares."""
    features = forward(hidden, Tensor(x)).numpy()
    with_bias = np.hstack([features, np.ones((len(x), 1), dtype=np.float32)])
    solution = np.linalg.lstsq(with_bias, target, rcond=1e-6)[0].astype(np.float32)
    output = Dense(features.shape[1], 1)
    output.weights, output.bias = Tensor(solution[:-1, None]), Tensor(solution[-1:])
    return [*hidden, output]


def random_layer(width: int, bias: float, seed: int = 5) -> list:
    """A random hidden layer on two inputs, with biases that reach up to ±bias."""
    rng = np.random.default_rng(seed)
    layer = Dense(2, width, rng, initial=he_weights)
    layer.bias = Tensor(rng.uniform(-bias, bias, size=width).astype(np.float32))
    return [layer, ReLU()]


x_seen, y_seen = two_spirals(600, np.random.default_rng(3))
x_new, y_new = two_spirals(600, np.random.default_rng(4))
networks = {
    "no hidden layer": fit_output_layer([], x_seen, y_seen),
    "100 neurons, bias 0": fit_output_layer(random_layer(100, 0), x_seen, y_seen),
    "10 neurons, random bias": fit_output_layer(random_layer(10, 1), x_seen, y_seen),
    "100 neurons, random bias": fit_output_layer(random_layer(100, 1), x_seen, y_seen),
}
for name, network in networks.items():
    guess = np.sign(forward(network, Tensor(x_new)).numpy()[:, 0])
    print(
        f"{name:25} {parameter_count(network):4} parameters, {np.mean(guess == y_new):.1%} right"
    )

# %% [markdown]
r"""
The picture shows the four decision regions: blue where the network says "first spiral", orange where it says
"second"; the dots are the 600 new points. *No hidden layer:* one straight line. *Bias 0:* the regions are
wedges that meet at the origin. That is no accident: without biases,
$\operatorname{relu}(cxW) = c \operatorname{relu}(xW)$ for $c > 0$. Along each ray from the origin the hidden
values only grow, and the answer changes its sign at most once (because of the constant of the last layer),
however many neurons there are. A spiral needs two or three changes. A bias lets a neuron bend somewhere else
than at the origin. *10 neurons:* a few straight edges that catch the outline. *100 neurons with biases:* the
two arms of the spiral.
"""

# %% demo=true
points, first, second = plane(-1.15, 1.15)
figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
for axis, (name, network) in zip(axes, networks.items()):
    answer = forward(network, points).numpy().reshape(first.shape)
    levels = [-np.inf, 0, np.inf]
    axis.contourf(
        first,
        second,
        answer,
        levels=levels,
        colors=["tab:blue", "tab:orange"],
        alpha=0.4,
    )
    for label, colour, sign in ((-1, "tab:blue", "o"), (1, "tab:orange", "x")):
        axis.scatter(*x_new[y_new == label].T, s=9, color=colour, marker=sign)
    axis.set(title=name, aspect="equal", xticks=[], yticks=[])
show(
    figure,
    "Four maps of a network's answer for two spirals, with the points of both classes as "
    "circles and crosses: a straight border without a hidden layer, a border through the "
    "origin, a few straight edges with 10 neurons, and the two arms of the spiral with 100 "
    "neurons and biases.",
)

# %% [markdown]
r"""
## Part 3: Analyze

### 3.1 How the time of a matrix product grows

We multiply two $n \times n$ matrices for growing $n$, in three ways, and draw time over $n$ with both axes
logarithmic. A time of $c \cdot n^a$ is then a straight line with the slope $a$, the *exponent*. It is fitted
to the three largest sizes. The speed in GFLOP/s (thousand million operations a second) is $2 n^3$ divided by
the time.
"""

# %% demo=true
ways = {
    "three loops": (matmul_by_hand, (8, 16, 32, 64)),
    "one loop": (matmul_by_outer, (8, 16, 32, 64, 128, 256, 512)),
    "numpy": (np.matmul, (8, 16, 32, 64, 128, 256, 512, 1024)),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
exponents = {}
for marker, (name, (multiply, sizes)) in zip("os^vD", ways.items()):
    matrices = [generator.normal(size=(n, n)).astype(np.float32) for n in sizes]
    times = np.array([best_time(multiply, matrix, matrix) for matrix in matrices])
    exponents[name] = np.polyfit(np.log(sizes[-3:]), np.log(times[-3:]), 1)[0]
    speeds = 2 * np.array(sizes) ** 3.0 / times / 1e9
    left.loglog(
        sizes, times, marker + "-", label=f"{name}: exponent {exponents[name]:.2f}"
    )
    right.loglog(
        sizes, speeds, marker + "-", label=f"{name}: up to {speeds.max():.3g} GFLOP/s"
    )
    print(f"{name:12} exponent {exponents[name]:.2f};", end=" ")
    print(f"n = {sizes[-1]:4}: {times[-1]:.4f} s, {speeds[-1]:.4g} GFLOP/s")
left.set(title="time of a product", xlabel="n", ylabel="seconds")
right.set(title="speed", xlabel="n", ylabel="GFLOP/s")
left.legend(loc="lower right", fontsize=8)
right.legend(loc="center right", fontsize=8)
show(
    figure,
    "Left: seconds for a product of two n by n matrices against n, both axes logarithmic, a "
    "rising line for each way to multiply; loops are slowest by far. Right: their speed in "
    "GFLOP/s; numpy's product is fastest.",
)

# %% [markdown]
r"""
**What the picture shows.** Left, three rising lines. That of three loops is straight with a slope of 3 from
the smallest size on: eight times the time for twice the size. The two others begin almost flat, since for
small matrices the fixed price of a call dominates, and then bend upwards to a slope near 3 as well. Right,
the speeds: a flat line near the bottom for three loops, and two lines that rise until they level off.

When this lesson was tried (one core, float32), the figures were

| | exponent | largest size | time there | speed there |
| --- | --- | --- | --- | --- |
| three loops | 3.01 | 64 | 0.11 s | 0.0047 GFLOP/s |
| one loop | 2.85 | 512 | 0.061 s | 4.4 GFLOP/s |
| numpy | 3.00 | 1024 | 0.023 s | 93 GFLOP/s |

(A kink in a line means that another program had the processor for a while: run the cell again.)

All three do the same number of multiplications and have the same exponent; they differ in the constant in
front of it, by a factor of 20,000. There are three reasons: compiled code does not wrap each number in an
object; the processor multiplies eight or sixteen float32 numbers with one instruction; and the library (BLAS)
cuts the matrices into blocks that fit into the cache, so that a number fetched from memory is used many
times. The one loop has the first two, and stops where the memory cannot follow: for each $p$ it reads and
writes all of the result. Now extrapolate: for $n = 1024$, three loops would need $16^3 = 4096$ times as long
as for 64.
"""

# %% demo=true
print(
    f"three loops, n = 1024: about {by_hand * (1024 / 64) ** exponents['three loops'] / 60:.1f} minutes"
)

# %% [markdown]
r"""
**Question 2** (5 points). Use the numbers that *your* cells printed. (a) How many multiplications does a
batch of 256 examples need in `Dense(784, 128)`? Estimate how long `matmul_by_hand` would take for it, and how
long numpy. (b) Someone proposes to rewrite the three loops in C, and expects that the exponent falls from 3
to 2. Say what will get better, what will not, and why.

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="cost-of-a-product" points=5
r"""
**Model answer.** (a) $256 \cdot 784 \cdot 128 = 25{,}690{,}112$ multiplications (with the additions 51
million operations). A turn of the innermost loop took 0.42 µs here, so by hand about 11 s; numpy at some 90
GFLOP/s about 0.6 ms (anything from 0.3 to 3 ms is fine, if it follows from the printed numbers). (b) The
exponent is the number of nested loops: $n^3$ products have to be made, in whichever language. C changes the
time of one turn, by a factor of several hundred, because no Python objects are made; on logarithmic axes the
line moves down and keeps its slope. Only another algorithm changes the exponent (Strassen's has 2.81).

**Mark scheme.** 1 point: the number of multiplications. 1 point: time by hand, from the student's own
measurement, right within a factor of 2. 1 point: time of numpy by way of the measured speed, right within a
factor of 5. 1 point: the constant falls. 1 point: the exponent stays, since it counts products and not
instructions (a better algorithm need not be named).
"""

# %% [markdown]
r"""
### 3.2 A signal on its way through 20 layers

Now we repeat the experiment of 1.4 with your initial weights. Twenty layers of 256 neurons, 500 examples; the
standard deviation after each layer, on a logarithmic axis.
"""

# %% demo=true
weights_rng = np.random.default_rng(2)
relu = ReLU()


def bend_relu(x: np.ndarray) -> np.ndarray:
    """Your ReLU on an array."""
    return relu(Tensor(x)).numpy()


def scaled(size: float) -> Callable:
    """Normally distributed weights of one size, whatever the layer."""
    return lambda n, m: weights_rng.normal(0, size, (n, m)).astype(np.float32)


cases = {
    "tanh, size 0.01": (scaled(0.01), np.tanh),
    "tanh, size 1": (scaled(1.0), np.tanh),
    "tanh, Glorot": (lambda n, m: initial_weights(n, m, weights_rng), np.tanh),
    "ReLU, Glorot": (lambda n, m: initial_weights(n, m, weights_rng), bend_relu),
    "ReLU, He": (lambda n, m: he_weights(n, m, weights_rng), bend_relu),
}
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
for marker, (name, (draw, bend)) in zip("os^vDx", cases.items()):
    spreads, signal = spread_through_layers(draw, 20, bend)
    axis.semilogy(range(1, 21), spreads, marker + "-", label=name)
    per_layer = (spreads[-1] / spreads[9]) ** 0.1
    saturated = (
        f", {np.mean(np.abs(signal) > 0.99):.0%} saturated" if bend is np.tanh else ""
    )
    print(f"{name:16} layer 1: {spreads[0]:.2g}, layer 20: {spreads[-1]:.2g}", end="")
    print(f", factor per layer {per_layer:.2f}{saturated}")
axis.set(
    xlabel="layer",
    ylabel="standard deviation of the signal",
    title="20 layers of 256 neurons",
)
axis.legend()
show(
    figure,
    "Standard deviation of the signal in 20 layers, logarithmic, for each choice of "
    "activation and initial weights: some shrink or grow by a factor in every layer, those "
    "with the weights made for their activation stay level.",
)

# %% [markdown]
r"""
**What the picture shows.** Five lines. "tanh, size 0.01" falls steeply and straight, to about $10^{-16}$
after 20 layers: a factor of $0.01 \cdot \sqrt{256} = 0.16$ for each layer, as the formula for the variance
says. "ReLU, Glorot" falls as well, by a factor of about $1/\sqrt2 = 0.71$ for each layer (measured: 0.72),
and is down to 0.0014 at the end. "ReLU, He" stays in the range where it began: 0.83 after the first layer,
0.67 after the last. "tanh, Glorot" sinks slowly, since tanh always squeezes a little: 0.63 after the first
layer, 0.16 after the last. "tanh, size 1" lies flat at 0.97 on top. That looks healthy but isn't: 87 % of the
signals are saturated. A good standard deviation is necessary, but not enough.

### 3.3 What a batch is worth

The same 256 examples through `Dense(784, 128)`: as one batch, and one after the other.
"""

# %% demo=true
layer = Dense(784, 128, rng=0)
images = Tensor(generator.uniform(size=(256, 784)).astype(np.float32))
singles = [images[i] for i in range(256)]
together = best_time(layer, images)
separately = best_time(lambda: [layer(image) for image in singles])
print(
    f"as a batch {together * 1e3:.2f} ms, one by one {separately * 1e3:.2f} ms",
    end=", ",
)
print(f"a factor of {separately / together:.0f}")

# %% [markdown]
r"""
When this lesson was tried, it took 0.57 ms and 3.4 ms, a factor of 6. The sums are the same, and so is the result.
Part of the difference is the fixed price of 255 more calls. The rest is memory: a vector times a matrix fetches
all 100,352 weights for a single example, and uses each of them once. A batch uses each weight 256 times. That is
one reason why training works with batches.

## Summary

- A matrix product costs $2nkm$ operations. How it is written changes the constant by four orders of
  magnitude, and the exponent not at all.
- `linear` is $xW + b$ with examples in rows; a bias of shape `(outputs,)` broadcasts over them, one of any
  other shape may fail without an error.
- Equal weights stay equal; weights of the wrong size let a signal vanish or saturate, at an exponential rate.
  $\operatorname{Var}(W) = 2/(\text{inputs} + \text{outputs})$ for tanh, $2/\text{inputs}$ for ReLU.
- `Dense` keeps its weights and its bias, lists them as `parameters()`, and computes through `apply`.
- Two layers and a bend do what no single layer can; a bias lets a neuron bend where it likes.

**What comes next.** You have dense layers and bends, and you have chained them by hand, in a list. Module 4 makes
whole networks of them, which know all their parameters, save them and load them.

One question is open. You found XOR's weights by thinking, and the spirals' by least squares. Neither works for the
weights of *all* layers at once. For that you need to know, for each of a hundred thousand weights, in which
direction to change it. That is the gradient, and you compute it in **module 7, Autograd**, which needs nothing but
modules 1 to 3. (Module 5 is still to come.)
"""

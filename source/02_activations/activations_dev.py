# %% [markdown]
r"""
# Module 2: Activations

**The story of this module.** A student stacks fifty layers, one on top of the other, each a matrix product plus a
constant. It takes a day to train. Then her neighbour, who has a single layer, gets exactly the same results
in a minute. Nothing went wrong: fifty straight maps in a row are one straight map. What the tower lacks are
*bends*.

A bend is a function of one number that is not a straight line. It sits between two layers and is called an
**activation**. You will write four of them, and each comes with a trap. The formulas fit into a line each, but on
a computer those lines give *not a number* for quite ordinary inputs. Most of what you learn here is how to write
them so that they never do. You will need that as long as you compute with floating-point numbers.

| part | you will |
| --- | --- |
| **Build** | prove to yourself that layers without bends collapse; write ReLU, sigmoid, tanh, softmax and its logarithm, first by the plain formula, then so that they work for all numbers; make layers of them |
| **Use** | draw any curve with ReLUs; turn scores into probabilities, sharp and blurred |
| **Analyze** | measure slopes and what is left of them after ten layers; count how many neurons fall silent; see what stability costs in time, and what you lose without it |

Time: two to three hours. You need module 1, exported.
"""

# %%
#| default_exp core.activations
#| export
from __future__ import annotations

import numpy as np

from tinytorch.core.tensor import FITS, Tensor, apply

# %% [markdown]
r"""
That was for the library; this is for the notebook only. `warnings_of` calls a function and lists numpy's
warnings; `watch` prints them next to the result. `after` shows an array once a function has been called with it.
"""

# %%
import warnings
from collections.abc import Callable
from functools import partial

import matplotlib.pyplot as plt

from tito.checks import check
from tito.figures import seconds, show


def warnings_of(function: Callable, *arguments, **parameters) -> list[str]:
    """The warnings that a call gives rise to."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **parameters)
    return [str(warning.message) for warning in caught]


def after(function: Callable, x: np.ndarray) -> np.ndarray:
    """What is left of an array once a function has been called with it."""
    function(x)
    return x


def watch(function: Callable, values, **parameters) -> None:
    """Call a function with float32 numbers; print its result and numpy's warnings."""
    values = np.array(values, dtype=np.float32)
    complaints = warnings_of(function, values, **parameters)
    with np.errstate(all="ignore"):
        result = function(values, **parameters)
    print(
        f"{function.__name__}({values.tolist()}) = {result.tolist()}",
        *complaints,
        sep="\n    ",
    )


# %% [markdown]
r"""
## Part 1: Build

### 1.1 Why a network needs bends

A layer without a bend is an *affine map*: with an example as a row $x$,

$$ y = x W_1 + b_1 $$

Put a second one on top, and multiply out:

$$ (x W_1 + b_1) W_2 + b_2 = x \underbrace{W_1 W_2}_{W} + \underbrace{b_1 W_2 + b_2}_{b} $$

That's an affine map again. **With numbers:** one input, two numbers in the middle, one output:

$$
W_1 = \begin{pmatrix} 2 & -1 \end{pmatrix}, \; b_1 = (1, 3), \quad W_2 = \begin{pmatrix} 4 \\ 5 \end{pmatrix}, \; b_2 = (-10) \qquad
\begin{aligned} W &= 2 \cdot 4 + (-1) \cdot 5 = 3 \\ b &= 1 \cdot 4 + 3 \cdot 5 - 10 = 9 \end{aligned}
$$

For $x = 2$ the two layers give $(5, 1)$ and then $5 \cdot 4 + 1 \cdot 5 - 10 = 15$. The single map gives
$2 \cdot 3 + 9 = 15$.

**Your task.** Compute the one map that does the work of two.

<details>
<summary>Hint</summary>

Read it off the formula; `@` is the matrix product. The order matters: $W_1 W_2$ has the shape (inputs of the
first map, outputs of the second).

</details>
"""


# %% exercise="collapse"
def collapse(w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray) -> tuple:
    """The one affine map that two affine maps in a row amount to.

    Parameters
    ----------
    w1 : ndarray of shape (inputs, middle)
        The weights of the first map, ``x @ w1 + b1``.
    b1 : ndarray of shape (middle,)
        Its constants.
    w2 : ndarray of shape (middle, outputs)
        The weights of the second map.
    b2 : ndarray of shape (outputs,)
        Its constants.

    Returns
    -------
    w : ndarray of shape (inputs, outputs)
        The weights of the one map.
    b : ndarray of shape (outputs,)
        Its constants.

    Approach
    --------
    1. The weights: the product of both.
    2. The constants: what the second map makes of those of the first.
    """
    ### BEGIN SOLUTION
    return w1 @ w2, b1 @ w2 + b2
    ### END SOLUTION


# %% checks="collapse" points=6
two_maps = (
    np.array([[2.0, -1.0]]),
    np.array([1.0, 3.0]),
    np.array([[4.0], [5.0]]),
    np.array([-10.0]),
)
check(collapse(*two_maps)[0], [[3.0]], hint="W = W1 W2")
check(
    collapse(*two_maps)[1],
    [9.0],
    hint="b = b1 W2 + b2: the first constants pass through W2 too",
)
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, normal, observe, uniform


@observe(w1=normal(3, 5), b1=normal(5), w2=normal(5, 2), b2=normal(2))
def weights_of_the_one_map(activations, w1, b1, w2, b2):
    """The product of both, in the right order."""
    return activations.collapse(w1, b1, w2, b2)[0]


@observe(w1=normal(3, 5), b1=normal(5), w2=normal(5, 2), b2=normal(2))
def constants_of_the_one_map(activations, w1, b1, w2, b2):
    """Those of the first pass through the second."""
    return activations.collapse(w1, b1, w2, b2)[1]


@observe(w1=normal(4, 4), b1=normal(4), w2=normal(4, 4), b2=normal(4))
def one_map_for_two_of_square_shape(activations, w1, b1, w2, b2):
    """Where every order of the factors has a shape that fits."""
    w, b = activations.collapse(w1, b1, w2, b2)
    return w, b


### END HIDDEN TESTS

# %%
tower_rng = np.random.default_rng(0)
tower = [
    (tower_rng.normal(size=(4, 4)) / 2, tower_rng.normal(size=4)) for _ in range(50)
]
x = tower_rng.normal(size=4)
through_fifty, one_map = x, (np.eye(4), np.zeros(4))
for w, b in tower:
    through_fifty = through_fifty @ w + b
    one_map = collapse(*one_map, w, b)
print("through 50 layers:", through_fifty)
print("through one      :", x @ one_map[0] + one_map[1])

# %% [markdown]
r"""
Fifty layers hold 1,000 numbers, and 20 numbers do the same. Depth is worth nothing without something between the
layers that is not affine.

### 1.2 ReLU

This is the simplest bend: negative numbers become zero, all others stay.

$$ \operatorname{relu}(x) = \max(x, 0) \qquad\qquad \operatorname{relu}(-2) = 0, \quad \operatorname{relu}(0) = 0, \quad \operatorname{relu}(1.5) = 1.5 $$

It is called the *rectified linear unit*, after the rectifier of electrical engineering, which lets a current
pass in one direction only.

What can go wrong in such a short function? Three things, and people have made all three mistakes:

- `x[x < 0] = 0` changes the caller's array. The input of an activation is the output of a layer, and somebody
  may still need it.
- `x * (x > 0)` gives *not a number* for minus infinity, since $-\infty \cdot 0$ is undefined.
- `np.where(x > 0, x, 0)` turns *not a number* into 0. A NaN is the trace of an earlier error. If you wipe it away,
  you will search for that error for a long time.

**Your task.** Write ReLU so that none of these happens.

<details>
<summary>Hint</summary>

numpy has a function of two arguments that returns the larger of them, element by element, broadcasts, and
hands NaN on. It is not `np.max`: that one looks for the largest element of one array.

</details>
"""


# %% exercise="relu"
#| export
def relu(x: np.ndarray) -> np.ndarray:
    """The rectified linear unit, ``max(x, 0)``, element by element.

    Parameters
    ----------
    x : ndarray
        Any shape; it is not changed.

    Returns
    -------
    ndarray
        The same shape and dtype; not a number stays not a number.

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 1.5]))
    array([0. , 0. , 1.5])

    Approach
    --------
    1. Take the larger of `x` and 0, element by element.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0)
    ### END SOLUTION


# %% checks="relu" points=8
check(
    relu(np.array([-2.0, 0.0, 1.5])), [0.0, 0.0, 1.5], hint="negative numbers become 0"
)
check(relu(np.array([[1.0, -1.0], [-3.0, 4.0]])), [[1, 0], [0, 4]], hint="any shape")
check(str(relu(np.float32([-1, 1])).dtype), "float32", hint="the dtype stays")
check(
    relu(np.array([np.nan, -np.inf, np.inf])),
    [np.nan, 0, np.inf],
    hint="NaN stays, -inf is 0",
)
check(
    after(relu, np.array([-1.0, 1.0])),
    [-1.0, 1.0],
    hint="the input must not be changed",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 4))
def relu_of_a_matrix(activations, x):
    """Negative numbers become 0, the others stay."""
    return activations.relu(x)


@observe(x=normal(2, 3, 2), y=normal())
def relu_of_any_shape(activations, x, y):
    """Three axes, none, and no elements at all."""
    empty = activations.relu(np.zeros((0, 3)))
    return (
        activations.relu(x),
        activations.relu(np.array(y)),
        activations.relu(np.array(-3.0)),
        empty,
    )


@observe(x=normal(9, dtype="float32"), n=integers(9, low=-5, high=5))
def relu_keeps_the_dtype(activations, x, n):
    """float32 stays float32, float64 stays float64, integers stay integers."""
    outs = [
        activations.relu(x),
        activations.relu(x.astype("float64")),
        activations.relu(n),
    ]
    return [(out, str(out.dtype)) for out in outs]


@observe(x=normal(6))
def relu_leaves_its_input_alone(activations, x):
    """And gives back a new array, also where there is nothing to change."""
    positive = np.abs(x)
    out, same = activations.relu(x), activations.relu(positive)
    return out.copy(), x, np.shares_memory(out, x), np.shares_memory(same, positive)


@observe(x=normal(12))
def relu_hands_not_a_number_on(activations, x):
    """NaN stays NaN, whatever stands beside it."""
    return activations.relu(np.array([*x[:6], np.nan, *x[6:]]))


@observe(x=normal(1))
def relu_of_the_infinities(activations, x):
    """0 and infinity."""
    return activations.relu(np.array([-np.inf, x[0], np.inf]))


### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.3 Sigmoid

A probability lies between 0 and 1, but a network's output may be any number. The *logistic function*, or sigmoid,
turns one into the other:

$$ \sigma(x) = \frac{1}{1 + e^{-x}} \qquad\qquad \sigma(0) = \tfrac12, \quad \sigma(2) = \frac{1}{1 + 0.1353} = 0.8808, \quad \sigma(-2) = 1 - \sigma(2) = 0.1192 $$

**Your task.** First, write the plain formula.
"""


# %% exercise="plain-sigmoid"
def plain_sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function by its formula, ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : ndarray
        Any shape, numbers of moderate size.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Approach
    --------
    1. Write the formula; `np.exp` works element by element.
    """
    ### BEGIN SOLUTION
    return 1 / (1 + np.exp(-x))
    ### END SOLUTION


# %% checks="plain-sigmoid" points=5
check(
    plain_sigmoid(np.array([-2.0, 0.0, 2.0])),
    [0.119203, 0.5, 0.880797],
    hint="the formula above",
)
check(str(plain_sigmoid(np.float32([-2, 2])).dtype), "float32", hint="the dtype stays")
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 4))
def plain_sigmoid_of_moderate_numbers(activations, x):
    """1 / (1 + exp(-x))."""
    return activations.plain_sigmoid(x)


@observe(x=normal(3, dtype="float32"))
def plain_sigmoid_keeps_float32(activations, x):
    """float32 in, float32 out."""
    out = activations.plain_sigmoid(x)
    return out, str(out.dtype)


@observe(x=uniform(2, 1, 3, low=-20, high=20))
def plain_sigmoid_of_any_shape(activations, x):
    """Also three axes."""
    return activations.plain_sigmoid(x)


### END HIDDEN TESTS

# %% [markdown]
r"""
Now larger numbers. There is also a second formula, the first one expanded by $e^x$:
$\sigma(x) = e^x / (1 + e^x)$. Mathematically, both are the same.
"""


# %%
def other_sigmoid(x: np.ndarray) -> np.ndarray:
    """The second formula."""
    return np.exp(x) / (1 + np.exp(x))


for function in (plain_sigmoid, other_sigmoid):
    watch(function, [-100.0])
    watch(function, [100.0])

# %% [markdown]
r"""
The largest float32 is about $3.4 \cdot 10^{38} = e^{88.7}$; anything larger becomes infinity. (float64 ends at
$e^{709.8}$. It's the same trap, it just snaps later.)

- The first formula fails on the left. $e^{100}$ is infinity, so $\sigma(-100)$ becomes $1/\infty = 0$ instead
  of $3.7 \cdot 10^{-44}$. With a warning, and with a result whose logarithm is $-\infty$.
- The second fails on the right. $\infty / \infty$ is not a number, and one NaN is enough to turn every weight
  of a network into NaN at the next step.

But the first one is fine on the right, and the second on the left: **each is safe where its exponential is at
most 1**. So we use only exponentials of numbers that are not positive. One such exponential serves both sides,
$s = e^{-|x|} \le 1$:

$$ \sigma(x) = \begin{cases} \dfrac{1}{1 + s} & x \ge 0 \\[2ex] \dfrac{s}{1 + s} & x < 0 \end{cases} \qquad s = e^{-|x|} $$

**With numbers:** for $x = -2$, $s = e^{-2} = 0.1353$ and $\sigma = 0.1353 / 1.1353 = 0.1192$.

**Your task.** Write the same function for all numbers, without a warning, and right in the tail:
$\sigma(-80) = e^{-80}$ to all digits, and not 0.

<details>
<summary>Hint 1: choosing without `if`</summary>

`np.where(condition, a, b)` takes from `a` where the condition holds and from `b` elsewhere. It computes
*both* first, so with the two plain formulas as `a` and `b` the warning stays. With $s$ there is nothing to warn
about.

</details>

<details>
<summary>Hint 2: how little must be chosen</summary>

Both cases have the same denominator, so only the numerator is chosen: 1 or $s$.

</details>
"""


# %% exercise="sigmoid"
#| export
def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function ``1 / (1 + exp(-x))``, by element, without overflow.

    Parameters
    ----------
    x : ndarray
        Any shape; it is not changed. Integers are taken as real numbers.

    Returns
    -------
    ndarray
        The same shape and (floating) dtype, between 0 and 1; right to the dtype's
        precision also where it is close to 0; not a number stays not a number.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])

    Approach
    --------
    1. Compute the one exponential that cannot overflow.
    2. Choose the numerator by the sign of `x`, and divide.
    """
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)
    ### END SOLUTION


# %% checks="sigmoid" points=12
check(
    sigmoid(np.array([-2.0, 0.0, 2.0])),
    [0.119203, 0.5, 0.880797],
    hint="as the plain one",
)
large = np.float32([-1000, -100, 100, 1000])
check(
    warnings_of(sigmoid, large),
    [],
    hint="only exp(-|x|); np.where computes both its branches",
)
check(sigmoid(large), [0, 0, 1, 1], hint="0 on the left, 1 on the right, and no NaN")
check(
    np.log(sigmoid(np.array([-80.0, -700.0]))),
    [-80, -700],
    hint="not 0 in the left tail",
)
check(str(sigmoid(np.float32([-2, 2])).dtype), "float32", hint="the dtype stays")
check(
    sigmoid(np.array([-2, 0, 2])),
    [0.119203, 0.5, 0.880797],
    hint="integers are real numbers too",
)
### BEGIN HIDDEN TESTS


def warned(call):
    """Whether numpy had to warn of an overflow, a division by zero or an invalid operation."""
    import warnings

    with (
        warnings.catch_warnings(record=True) as caught,
        np.errstate(over="warn", invalid="warn", divide="warn", under="ignore"),
    ):
        warnings.simplefilter("always")
        call()
    return len(caught) > 0


@observe(x=normal(3, 4))
def sigmoid_of_moderate_numbers(activations, x):
    """1 / (1 + exp(-x))."""
    return activations.sigmoid(x)


@observe(x=uniform(2, 3, 2, low=-30, high=30), y=uniform(low=-3, high=3))
def sigmoid_of_any_shape(activations, x, y):
    """Three axes, and none."""
    return (
        activations.sigmoid(x),
        activations.sigmoid(np.array(y)),
        activations.sigmoid(np.array(0.0)),
    )


@observe(x=uniform(6, low=-9, high=9, dtype="float32"))
def sigmoid_keeps_float32(activations, x):
    """float32 in, float32 out; float64 in, float64 out."""
    out = activations.sigmoid(x)
    return out, str(out.dtype), str(activations.sigmoid(x.astype("float64")).dtype)


@observe(x=uniform(4, low=90, high=1000, dtype="float32"), y=normal(3, dtype="float32"))
def sigmoid_of_large_numbers_is_one(activations, x, y):
    """Without a warning, and never NaN, also with ordinary numbers beside them."""
    x = np.concatenate([x, y])
    return activations.sigmoid(x), warned(lambda: activations.sigmoid(x))


@observe(
    x=uniform(4, low=-1000, high=-110, dtype="float32"), y=normal(3, dtype="float32")
)
def sigmoid_of_very_negative_numbers_is_zero(activations, x, y):
    """Without a warning, also with ordinary numbers beside them."""
    x = np.concatenate([y, x])
    return activations.sigmoid(x), warned(lambda: activations.sigmoid(x))


@observe(
    x=uniform(4, low=-1000, high=-750), y=uniform(4, low=750, high=1000), z=normal(3)
)
def sigmoid_of_float64_does_not_overflow_either(activations, x, y, z):
    """0 on the left and 1 on the right, without a warning."""
    x = np.concatenate([x, z, y])
    return activations.sigmoid(x), warned(lambda: activations.sigmoid(x))


@observe(
    x=uniform(4, low=-97, high=-89, dtype="float32"), y=uniform(4, low=-730, high=-712)
)
def sigmoid_is_positive_as_long_as_its_dtype_can_say_so(activations, x, y):
    """Numbers below the smallest normal one are not 0 yet: their logarithm is x."""
    with np.errstate(all="ignore"):
        return np.log(activations.sigmoid(x)), np.log(activations.sigmoid(y))


@observe(x=uniform(5, low=-700, high=-20))
def sigmoid_is_right_in_its_left_tail(activations, x):
    """Its logarithm there is x itself; it is neither 0 nor clipped."""
    with np.errstate(all="ignore"):
        return np.log(activations.sigmoid(x))


@observe(n=integers(5, low=-6, high=7))
def sigmoid_of_integers(activations, n):
    """Integers are taken as real numbers."""
    return activations.sigmoid(n)


@observe(x=uniform(2, low=-1, high=1))
def sigmoid_of_not_a_number_and_infinity(activations, x):
    """NaN stays NaN; the infinities become 0 and 1."""
    return activations.sigmoid(np.array([x[0], np.nan, -np.inf, np.inf, x[1]]))


@observe(x=normal(6))
def sigmoid_leaves_its_input_alone(activations, x):
    """The caller's array is not changed."""
    out = activations.sigmoid(x)
    return out.copy(), x


### END HIDDEN TESTS

# %%
for function in (plain_sigmoid, other_sigmoid, sigmoid):
    watch(function, [-100.0, 100.0])

# %% [markdown]
r"""
### 1.4 Tanh

Sigmoid's results are all positive. The *hyperbolic tangent* has the same shape, but between -1 and 1,
symmetric about 0:

$$ \tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}} = 2 \sigma(2x) - 1 \qquad\qquad \tanh(0) = 0, \quad \tanh(1) = 0.7616, \quad \tanh(-1) = -0.7616 $$

The formula overflows on both sides. The cure is the same idea as before: expand by $e^{-|x|}$, so that only
exponentials of numbers below 0 are left, and use the symmetry $\tanh(-x) = -\tanh(x)$:

$$ \tanh(x) = \operatorname{sign}(x) \, \frac{1 - t}{1 + t}, \qquad t = e^{-2|x|} $$

**With numbers:** for $x = -1$, $t = e^{-2} = 0.1353$ and $\tanh = -(1 - 0.1353) / 1.1353 = -0.7616$.

**Your task.** Write it with this one exponential (and without `np.tanh`).

<details>
<summary>Hint</summary>

`np.sign` gives -1, 0 or 1.

</details>
"""


# %% exercise="tanh-by-exponentials"
def tanh_by_exponentials(x: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent with one exponential that cannot overflow.

    Parameters
    ----------
    x : ndarray
        Any shape; it is not changed.

    Returns
    -------
    ndarray
        The same shape and dtype, between -1 and 1.

    Approach
    --------
    1. Compute ``t = exp(-2 |x|)``.
    2. Form the quotient, and give it the sign of `x`.
    """
    ### BEGIN SOLUTION
    t = np.exp(-2 * np.abs(x))
    return np.sign(x) * (1 - t) / (1 + t)
    ### END SOLUTION


# %% checks="tanh-by-exponentials" points=7
check(
    tanh_by_exponentials(np.array([-1.0, 0.0, 1.0])),
    [-0.761594, 0, 0.761594],
    hint="mind the sign",
)
check(
    warnings_of(tanh_by_exponentials, large),
    [],
    hint="only exponentials of negative numbers",
)
check(
    tanh_by_exponentials(large), [-1, -1, 1, 1], hint="-1 on the left, 1 on the right"
)
check(
    str(tanh_by_exponentials(np.float32([-2, 2])).dtype),
    "float32",
    hint="the dtype stays",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 4))
def tanh_of_moderate_numbers(activations, x):
    """Positive and negative."""
    return activations.tanh_by_exponentials(x)


@observe(
    x=uniform(2, low=100, high=1000, dtype="float32"), y=normal(2, dtype="float32")
)
def tanh_of_large_numbers(activations, x, y):
    """1 and -1, without a warning, also with ordinary numbers beside them."""
    x = np.concatenate([x, y, -x])
    warns = warned(lambda: activations.tanh_by_exponentials(x))
    return activations.tanh_by_exponentials(x), warns


@observe(x=uniform(6, low=-4, high=4, dtype="float32"))
def tanh_keeps_float32(activations, x):
    """float32 in, float32 out."""
    out = activations.tanh_by_exponentials(x)
    return out, str(out.dtype)


@observe(x=normal(2, 2, 2))
def tanh_of_zeros_and_of_any_shape(activations, x):
    """tanh(0) is 0; the input is left alone."""
    x[0] = 0
    out = activations.tanh_by_exponentials(x)
    return out, x


### END HIDDEN TESTS

# %% [markdown]
r"""
Is that good enough for the library? Overflow is not the only trap. Look at small numbers, where
$\tanh(x) \approx x$:
"""

# %%
for size in (1e-1, 1e-3, 1e-5, 1e-7):
    x = np.float32(size)
    exact = np.tanh(np.float64(x))
    ours, theirs = tanh_by_exponentials(x), np.tanh(x)
    print(
        f"x = {size:7.0e}: relative error {abs(ours / exact - 1):.0e}, of np.tanh",
        end=" ",
    )
    print(f"{abs(theirs / exact - 1):.0e}")

# %% [markdown]
r"""
At $10^{-5}$ our formula is wrong by a tenth of a percent, at $10^{-7}$ by forty percent. The reason is
*cancellation*: $t$ is a float32 just below 1, where neighbouring float32 numbers lie $6 \cdot 10^{-8}$ apart,
so $1 - t = 2 \cdot 10^{-5}$ keeps only two or three right digits. Sigmoid doesn't have this problem: it adds,
and does not subtract. So for the library we take `np.tanh`, which switches to another formula near 0. Knowing
when *not* to use your own function is part of the trade.

### 1.5 Softmax

Sigmoid makes a probability of one score. If there are several classes, each with a score, we want a
probability for each, all positive and with the sum 1:

$$ \operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}} $$

**With numbers:** scores $x = (2, 1, 0)$ have the exponentials $(7.389, 2.718, 1)$ with the sum 11.107, hence
the probabilities $(0.6652, 0.2447, 0.0900)$. A score that is larger by 1 makes a class $e = 2.718$ times as
probable.

Scores come in batches: one example per row, one class per column. So the sum runs along the rows, over the axis
of the *classes*, which is the last one. We call it `axis=-1`, which works for any number of axes in front. But
other axes are possible, so `axis` is a parameter.

**Your task.** Again, first the plain formula.

<details>
<summary>Hint</summary>

The sum must keep its axis with length 1, so that it broadcasts against the exponentials:
`.sum(axis=axis, keepdims=True)`.

</details>
"""


# %% exercise="plain-softmax"
def plain_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Softmax by its formula.

    Parameters
    ----------
    x : ndarray
        Scores of moderate size; at least one axis.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Approach
    --------
    1. Compute the exponentials.
    2. Divide them by their sum along the axis.
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(x)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% checks="plain-softmax" points=5
scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
thirds = [1 / 3, 1 / 3, 1 / 3]
check(
    plain_softmax(scores[:, :2]),
    [[0.731059, 0.268941], [0.5, 0.5]],
    hint="each row by its sum, with keepdims",
)
check(
    plain_softmax(scores),
    [[0.665241, 0.244728, 0.090031], thirds],
    hint="each row sums to 1",
)
check(
    plain_softmax(scores, axis=0).sum(axis=0), [1, 1, 1], hint="use the parameter axis"
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 4))
def plain_softmax_of_rows(activations, x):
    """Along the last axis, unless another is asked for."""
    return activations.plain_softmax(x)


@observe(x=normal(3, 3, 3), axis=choice(0, 1))
def plain_softmax_along_another_axis(activations, x, axis):
    """The sums along that axis are 1."""
    return activations.plain_softmax(x, axis=axis)


@observe(x=normal(5, dtype="float32"))
def plain_softmax_of_a_float32_vector(activations, x):
    """One axis; float32 in, float32 out; the input is left alone."""
    out = activations.plain_softmax(x)
    return out, str(out.dtype), x


### END HIDDEN TESTS

# %%
watch(plain_softmax, [2.0, 1.0, 0.0])
watch(plain_softmax, [100.0, 99.0, 98.0])
watch(plain_softmax, [-200.0, -201.0, -202.0])

# %% [markdown]
r"""
The differences are the same three times, so the result should be $(0.6652, 0.2447, 0.0900)$ three times. But
scores of 100 overflow to $\infty / \infty$, and scores of -200 underflow to $0 / 0$. Such scores are nothing
special: an untrained network with slightly too large weights makes them.

A second failure gives no warning at all. If the axis is wrong, the probabilities are shared among the *examples*.
In a batch of one, each class then gets the probability 1:
"""

# %%
one_example = np.array([[2.0, 1.0, 0.0]])
print("along the classes :", plain_softmax(one_example, axis=-1))
print("along the examples:", plain_softmax(one_example, axis=0))

# %% [markdown]
r"""
Here is the cure for the overflow: if you subtract the same number $m$ from all scores of a row, the result does
not change. (Why? That is question 1.) With $m = \max_j x_j$ the largest exponent is 0:

$$ \operatorname{softmax}(x)_i = \frac{e^{x_i - m}}{\sum_j e^{x_j - m}} $$

**With numbers:** $(100, 99, 98)$ becomes $(0, -1, -2)$ with the exponentials $(1, 0.3679, 0.1353)$ and the
sum 1.5032: $(0.6652, 0.2447, 0.0900)$, as it should be.

The maximum is given. `largest(x, axis)` keeps the axis with length 1, and unlike `x.max` it also takes scores
for no classes at all, shape `(3, 0)`.
"""


# %%
#| export
def largest(x: np.ndarray, axis: int) -> np.ndarray:
    """The maximum along an axis, which stays with length 1; 0 without any elements."""
    return x.max(axis=axis, keepdims=True, initial=None if x.size else 0)


# %%
print(largest(np.array([[2.0, 1.0, 0.0], [100.0, 99.0, 98.0]]), axis=-1))

# %% [markdown]
r"""
**Your task.** Write softmax for all scores, along any axis. A score of $-\infty$ must work too: it says "this
class is impossible", and gets the probability 0.

<details>
<summary>Hint 1: which maximum?</summary>

The one of each row (along `axis`), not the one of the whole array. If one row has scores around 3000 and another
around -2000, the maximum of the whole array is right for the first only, and the second becomes $0/0$.

</details>

<details>
<summary>Hint 2: without changing the input</summary>

`x -= …` changes the caller's array; `x - …` makes a new one.

</details>
"""


# %% exercise="softmax"
#| export
def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities in proportion to ``exp(x)`` along an axis, without overflow.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis; it is not changed. A score of minus
        infinity gets the probability 0.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, -1000.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])

    Approach
    --------
    1. Subtract the maximum along the axis.
    2. Compute the exponentials, and divide them by their sum along the axis.
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(x - largest(x, axis))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% checks="softmax" points=12
check(
    softmax(scores), [[0.665241, 0.244728, 0.090031], thirds], hint="as the plain one"
)
check(
    softmax(scores + [[3000.0], [-2000.0]]),
    softmax(scores),
    hint="each row has its own maximum",
)
check(warnings_of(softmax, 1000 * scores), [], hint="subtract the maximum first")
check(
    softmax(scores, axis=0).sum(axis=0),
    [1, 1, 1],
    hint="the maximum and the sum along axis",
)
check(softmax(np.array([0.0, -np.inf])), [1, 0], hint="minus infinity means impossible")
check(str(softmax(np.float32([1, 2])).dtype), "float32", hint="the dtype stays")
check(
    after(softmax, np.array([2.0, 1.0])),
    [2, 1],
    hint="x - …, not x -= …: leave the input alone",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3, 4))
def softmax_along_the_last_axis(activations, x):
    """Unless another is asked for."""
    return activations.softmax(x)


@observe(x=normal(4, 4, 4), axis=choice(0, 1, -2, -3))
def softmax_along_a_chosen_axis(activations, x, axis):
    """The sums along that axis are 1, and no others."""
    return activations.softmax(x, axis=axis), activations.softmax(x, axis)


@observe(x=normal(5, 1))
def softmax_along_an_axis_of_length_one(activations, x):
    """One class alone is certain; and the probabilities of a column are those of a vector."""
    column, vector = activations.softmax(x, axis=0), activations.softmax(x[:, 0])
    return activations.softmax(x), column, vector


@observe(x=normal(3, 4), shift=choice(800.0, 5000.0, 1e6))
def softmax_of_large_scores(activations, x, shift):
    """Without a warning, and never NaN."""
    return activations.softmax(x + shift), warned(
        lambda: activations.softmax(x + shift)
    )


@observe(x=normal(3, 4), axis=choice(0, 1))
def softmax_where_each_row_has_its_own_level(activations, x, axis):
    """The maximum of one row is of no use to another."""
    x = x + np.array([[-4000.0], [0.0], [3000.0]])
    x = x if axis == 1 else x.T
    return activations.softmax(x, axis=axis), warned(
        lambda: activations.softmax(x, axis=axis)
    )


@observe(x=normal(2, 3))
def softmax_of_impossible_classes(activations, x):
    """A score of minus infinity gets the probability 0, without a warning."""
    x[0, 1], x[1, 2] = -np.inf, -np.inf
    return activations.softmax(x), warned(lambda: activations.softmax(x))


@observe(x=normal(3, 2, dtype="float32"))
def softmax_keeps_float32(activations, x):
    """float32 in, float32 out; float64 in, float64 out; also for scores about 200."""
    out, double = (
        activations.softmax(x + np.float32(200)),
        activations.softmax(x.astype("float64")),
    )
    return out, str(out.dtype), double, str(double.dtype)


@observe(x=normal(3, 4))
def softmax_leaves_its_input_alone(activations, x):
    """The caller's scores are not changed."""
    out = activations.softmax(x)
    return out.copy(), x


### END HIDDEN TESTS

# %% [markdown]
r"""
**Question 1** (5 points). (a) Show that $\operatorname{softmax}(x - m) = \operatorname{softmax}(x)$ for any
number $m$. (b) Why do we take the *maximum* for $m$? Would the mean of the scores do as well, or the minimum?
Give a row of scores for which it would not. (c) What can still underflow after the maximum has been
subtracted, and for which purpose is that harmless?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="why-the-maximum" points=5
r"""
**Model answer.** (a) $e^{x_i - m} = e^{x_i} e^{-m}$, so $e^{-m}$ stands in the numerator and in each term of
the sum, can be put outside the sum, and cancels. (b) With the maximum all exponents are at most 0, so no
exponential can be larger than 1; and one of them is exactly $e^0 = 1$, so the sum is at least 1 and at most
the number of classes: neither overflow nor division by 0 is possible. The mean fails for scores like
$(0, 0, 0, 4000)$ (mean 1000, largest exponent 3000: overflow); the minimum fails already for $(0, 1000)$. (c)
Exponentials of scores far below the maximum underflow to 0, in float32 from about 104 below it. Their
probability is then 0 instead of something below $10^{-45}$: harmless in a sum or for picking a class, since
it is an absolute error of less than $10^{-45}$. It is not harmless for the logarithm.

**Mark scheme.** 1 point: (a) with the cancelling factor. 1 point: (b) no overflow because no exponent is
positive. 1 point: (b) no division by zero because one term is 1. 1 point: a row that fails for the mean or
for the minimum. 1 point: (c) small probabilities become 0, harmless as an absolute error (or: not harmless
for a logarithm).
"""

# %% [markdown]
r"""
### 1.6 The logarithm of softmax

Training asks how probable the *right* class was, and takes the logarithm of that. The obvious
`np.log(softmax(x))` fails where it matters most, when the network was sure and wrong:
"""


# %%
def plain_log_softmax(x: np.ndarray) -> np.ndarray:
    """The logarithm of softmax, in two steps."""
    return np.log(softmax(x))


watch(plain_log_softmax, [2.0, 1.0, 0.0])
watch(plain_log_softmax, [0.0, -120.0])

# %% [markdown]
r"""
The probability of the second class is $e^{-120} \approx 10^{-52}$; the smallest float32 above 0 is
$1.4 \cdot 10^{-45}$. So it becomes 0, and its logarithm $-\infty$, although the true logarithm is an ordinary
number: $-120$. So we take the logarithm on paper, *before* anything underflows:

$$ \log \frac{e^{x_i - m}}{\sum_j e^{x_j - m}} = (x_i - m) - \log \sum_j e^{x_j - m} $$

Where are the traps now? $x_i - m$ is just a difference. The sum lies between 1 and the number of classes, so
its logarithm is harmless.

**With numbers:** $x = (2, 1, 0)$: shifted $(0, -1, -2)$, the sum of the exponentials 1.5032, its logarithm
0.4076; the result $(-0.4076, -1.4076, -2.4076)$.

**Your task.** Write it.

<details>
<summary>Hint</summary>

Give the shifted scores a name; they are needed twice.

</details>
"""


# %% exercise="log-softmax"
#| export
def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `softmax`, exact also where a probability underflows to 0.

    Parameters
    ----------
    x : ndarray
        Scores of any shape with at least one axis; it is not changed.
    axis : int
        The axis along which the exponentials of the results sum to 1.

    Returns
    -------
    ndarray
        The same shape and dtype.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])

    Approach
    --------
    1. Subtract the maximum along the axis.
    2. Subtract the logarithm of the sum of the exponentials along the axis.
    """
    ### BEGIN SOLUTION
    shifted = x - largest(x, axis)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    ### END SOLUTION


# %% checks="log-softmax" points=12
check(
    log_softmax(np.array([2.0, 1.0, 0.0])),
    [-0.407606, -1.407606, -2.407606],
    hint="the formula",
)
check(
    log_softmax(np.float32([0, -120])),
    [0, -120],
    hint="do not call softmax: it has underflowed",
)
check(warnings_of(log_softmax, 1000 * scores), [], hint="subtract the maximum first")
check(
    log_softmax(scores, axis=0)[:, 1],
    [-0.313262, -1.313262],
    hint="use axis in both places",
)
check(str(log_softmax(np.float32([1, 2])).dtype), "float32", hint="the dtype stays")
check(
    after(log_softmax, np.array([2.0, 1.0])),
    [2, 1],
    hint="the input must not be changed",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3, 4))
def log_softmax_along_the_last_axis(activations, x):
    """Unless another is asked for."""
    return activations.log_softmax(x)


@observe(x=normal(4, 4, 4), axis=choice(0, 1, -2, -3))
def log_softmax_along_a_chosen_axis(activations, x, axis):
    """The maximum and the sum are both taken along that axis."""
    return activations.log_softmax(x, axis=axis), activations.log_softmax(x, axis)


@observe(x=normal(2, 3), gap=uniform(low=800, high=3000))
def log_softmax_of_hopeless_classes(activations, x, gap):
    """Where the probability underflows, its logarithm is still an ordinary number."""
    x[:, 1] -= gap
    with np.errstate(all="ignore"):
        return activations.log_softmax(x)


@observe(x=normal(3, 4), shift=choice(800.0, 5000.0, 1e6))
def log_softmax_of_large_scores(activations, x, shift):
    """Without a warning, and never NaN."""
    return activations.log_softmax(x + shift), warned(
        lambda: activations.log_softmax(x + shift)
    )


@observe(x=normal(3, 4), axis=choice(0, 1))
def log_softmax_where_each_row_has_its_own_level(activations, x, axis):
    """The maximum of one row is of no use to another."""
    x = x + np.array([[-4000.0], [0.0], [3000.0]])
    x = x if axis == 1 else x.T
    with np.errstate(all="ignore"):
        return activations.log_softmax(x, axis=axis)


@observe(x=normal(2, 3))
def log_softmax_of_impossible_classes(activations, x):
    """Minus infinity stays minus infinity, without a warning."""
    x[0, 1], x[1, 2] = -np.inf, -np.inf
    return activations.log_softmax(x), warned(lambda: activations.log_softmax(x))


@observe(x=normal(3, 2, dtype="float32"), gap=uniform(low=110, high=180))
def log_softmax_keeps_float32(activations, x, gap):
    """float32 in, float32 out, also for a class that is hopeless in float32."""
    x[:, 1] -= np.float32(gap)
    with np.errstate(all="ignore"):
        out = activations.log_softmax(x)
    return out, str(out.dtype), str(activations.log_softmax(x.astype("float64")).dtype)


@observe(x=normal(3, 4))
def log_softmax_leaves_its_input_alone(activations, x):
    """The caller's scores are not changed."""
    out = activations.log_softmax(x)
    return out.copy(), x


### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.7 From functions to layers

The functions work on arrays. In a network they sit between layers, take tensors, and give tensors. So we wrap
each one in a small class whose objects you can *call*, like a function. Why a class? Some layers have to remember
something (softmax its axis, other layers their weights), and this way you can use them all alike.

How does such a layer get at the numbers in a tensor? It could open the tensor, compute, and wrap the result
itself. But then nobody could follow the computation step by step: all you would see is the end. Module 1 has one
door for that:

```
apply(function, x, …)     x: Tensor  ->  unwrap, compute, wrap  ->  Tensor
                          x: a class with __apply__  ->  that class decides
```

The layer gives `apply` the *function itself* and the input, so whatever `x` is, it can see which function it was.
The result is of the kind that `x` asks for.

Settings, such as an axis, go along by name: `apply(function, x, axis=0)`. The next cell adds to the dictionary
`FITS` of module 1 what `apply` says when an axis does not exist.
"""

# %%
#| export
FITS["softmax"] = FITS["log_softmax"] = (
    "the axis must be one of those that there are, counted from 0, or from the end "
    "as -1, -2, …"
)

# %% [markdown]
r"""
**Your task.** Write the layers `ReLU`, `Sigmoid` and `Tanh`. Each takes one line.

<details>
<summary>Hint 1: the function itself</summary>

`apply(relu, x)` passes the function itself; `apply(relu(x))` would call it first.

</details>

<details>
<summary>Hint 2: which function for Tanh?</summary>

`np.tanh`. You saw why in 1.4.

</details>
"""


# %% exercise="activation-layers"
#| export
class ReLU:
    """`relu` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `relu` to a tensor of any shape."""
        ### BEGIN SOLUTION
        return apply(relu, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "ReLU()"


class Sigmoid:
    """`sigmoid` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `sigmoid` to a tensor of any shape."""
        ### BEGIN SOLUTION
        return apply(sigmoid, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "Sigmoid()"


class Tanh:
    """`np.tanh` as a layer; the result is of the kind that its input asks for."""

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `np.tanh` to a tensor of any shape."""
        ### BEGIN SOLUTION
        return apply(np.tanh, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "Tanh()"


# %% checks="activation-layers" points=8
class Spy:
    """Something that is no tensor, and tells what a layer asked for, and how."""

    data = np.zeros(3)

    def __apply__(self, function, *inputs, **parameters):
        return " ".join(
            [function.__name__, *(f"{name}={x}" for name, x in parameters.items())]
        )


signal = Tensor([-2.0, 0.0, 2.0])
check(ReLU()(signal), [0, 0, 2], hint="apply(function, x)")
check(Sigmoid()(signal), [0.119203, 0.5, 0.880797], hint="apply(function, x)")
check(Tanh()(signal), [-0.964028, 0, 0.964028], hint="apply(function, x)")
check(
    [type(layer(signal)).__name__ for layer in (ReLU(), Sigmoid(), Tanh())],
    ["Tensor"] * 3,
    hint="apply gives a tensor",
)
check(
    [layer(Spy()) for layer in (ReLU(), Sigmoid(), Tanh())],
    ["relu", "sigmoid", "tanh"],
    hint="the layer hands apply the function itself, for Tanh that of numpy",
)
### BEGIN HIDDEN TESTS


class Probe:
    """Something that is no tensor: it notes which function it is asked for, and computes it."""

    def __init__(self, values, notes):
        self.values, self.notes = values, notes

    def __apply__(self, function, *inputs, **parameters):
        self.notes.append((function, [type(x).__name__ for x in inputs], parameters))
        values = [getattr(x, "values", x) for x in inputs]
        return Probe(function(*values, **parameters), self.notes)

    def __mul__(self, other):
        return self.__apply__(np.multiply, self, other)

    def __rmul__(self, other):
        return self.__apply__(np.multiply, other, self)


def asked(layer, x, *known):
    """What comes of an input, and what it was asked for: which of the functions, and how."""
    notes = []
    out = layer(Probe(x, notes))
    return out.values, [
        ([function is k for k in known], inputs, parameters)
        for function, inputs, parameters in notes
    ]


def given(layer, x, tensor):
    """What a layer makes of a tensor, what it is, and what is left of the tensor."""
    before = tensor(x.copy())
    out = layer(before)
    return out.data, str(out.dtype), type(out).__name__, before.data


@observe(x=normal(3, 4))
def relu_layer_gives_a_tensor(activations, x):
    """With what relu gives; the input is left alone."""
    return given(activations.ReLU(), x, activations.Tensor)


@observe(x=normal(2, 3))
def relu_layer_goes_through_apply(activations, x):
    """An input with a method __apply__ is asked for relu, and its answer is the result."""
    return asked(activations.ReLU(), x, activations.relu)


@observe(x=normal(3, 4, dtype="float32"))
def sigmoid_layer_gives_a_tensor(activations, x):
    """With what sigmoid gives, in its dtype; the input is left alone."""
    return given(activations.Sigmoid(), x, activations.Tensor)


@observe(x=normal(2, 3))
def sigmoid_layer_goes_through_apply(activations, x):
    """An input with a method __apply__ is asked for sigmoid, and its answer is the result."""
    return asked(activations.Sigmoid(), x, activations.sigmoid)


@observe(x=normal(2, 3, 2), small=uniform(3, low=-1e-6, high=1e-6, dtype="float32"))
def tanh_layer_gives_a_tensor(activations, x, small):
    """With the hyperbolic tangent, also of small numbers."""
    layer = activations.Tanh()
    tiny = layer(activations.Tensor(small)).data / small
    return given(layer, x, activations.Tensor), tiny


@observe(x=normal(2, 3))
def tanh_layer_goes_through_apply(activations, x):
    """An input with a method __apply__ is asked for np.tanh itself, and its answer is the result."""
    return asked(activations.Tanh(), x, np.tanh)


### END HIDDEN TESTS

# %% [markdown]
r"""
**Your task.** Write the layer `Softmax`, which remembers its axis.

<details>
<summary>Hint</summary>

The constructor stores the axis in `self.axis`, and the call gives it to `apply` by name. Without the name it would
count as a second input, beside `x`.

</details>
"""


# %% exercise="softmax-layer"
#| export
class Softmax:
    """`softmax` as a layer; the result is of the kind that its input asks for.

    Parameters
    ----------
    axis : int
        The axis along which the results sum to 1.

    Approach
    --------
    1. ``__init__``: remember the axis.
    2. ``__call__``: apply `softmax`, with the axis by name.
    """

    def __init__(self, axis: int = -1):
        ### BEGIN SOLUTION
        self.axis = axis
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """Apply `softmax` to a tensor of scores."""
        ### BEGIN SOLUTION
        return apply(softmax, x, axis=self.axis)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Softmax(axis={self.axis})"


# %% checks="softmax-layer" points=5
table = Tensor(scores)
check(Softmax()(table), softmax(scores), hint="along the last axis by default")
check(
    Softmax(axis=0)(table),
    softmax(scores, axis=0),
    hint="along the axis that it was given",
)
check(
    Softmax(axis=0)(Spy()),
    "softmax axis=0",
    hint="through apply, with the axis by name",
)
check(repr(Softmax(axis=1)), "Softmax(axis=1)", hint="the axis belongs into self.axis")
### BEGIN HIDDEN TESTS


@observe(x=normal(4, 4), axis=choice(0, 1, -2))
def softmax_layer_uses_its_axis(activations, x, axis):
    """A Tensor with what softmax gives along that axis."""
    return given(activations.Softmax(axis), x, activations.Tensor)


@observe(x=normal(4, 4, 4))
def softmax_layer_takes_the_last_axis_by_default(activations, x):
    """As softmax itself does."""
    layer = activations.Softmax()
    return given(layer, x, activations.Tensor), layer.axis


@observe(x=normal(3, 3, 3), axis=choice(0, 1, 2, -1))
def softmax_layer_goes_through_apply(activations, x, axis):
    """The input is asked for softmax, with the axis by name, and its answer is the result."""
    return asked(activations.Softmax(axis=axis), x, activations.softmax)


@observe(x=normal(3, 3))
def softmax_layers_with_different_axes(activations, x):
    """Each remembers its own, and says so."""
    layers = activations.Softmax(axis=0), activations.Softmax(axis=1)
    return [(layer(activations.Tensor(x)).data, repr(layer)) for layer in layers]


### END HIDDEN TESTS

# %%
try:
    Softmax(axis=2)(table)
except IndexError as error:
    print(error)

# %% [markdown]
r"""
### 1.8 An activation made of others

Sometimes you can *compose* an activation from what you already have. The *sigmoid linear unit* looks like ReLU
with a round corner:

$$ \operatorname{silu}(x) = x \cdot \sigma(x) \qquad\qquad \operatorname{silu}(2) = 2 \cdot 0.8808 = 1.7616, \quad \operatorname{silu}(-2) = -0.2384 $$

Multiplication is an operator of the tensor, and sigmoid goes through `apply`. So each step goes through the door
by itself.

**Your task.** Write the layer `SiLU`.

<details>
<summary>Hint</summary>

`apply` gives back something that can be multiplied with `x`.

</details>
"""


# %% exercise="silu"
#| export
class SiLU:
    """The sigmoid linear unit ``x * sigmoid(x)`` as a layer, made of two operations.

    References
    ----------
    Elfwing, Uchibe and Doya (2018), "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning"; also called swish.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Apply it to a tensor of any shape.

        Approach
        --------
        1. Apply `sigmoid` to `x`, and multiply by `x`.
        """
        ### BEGIN SOLUTION
        return x * apply(sigmoid, x)
        ### END SOLUTION

    def __repr__(self) -> str:
        return "SiLU()"


# %% checks="silu" points=4
check(SiLU()(signal), [-0.238406, 0, 1.761594], hint="x times sigmoid of x")
check(
    type(SiLU()(signal)).__name__,
    "Tensor",
    hint="apply gives a tensor, and so does a product",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 4))
def silu_is_x_times_sigmoid(activations, x):
    """A Tensor of the same shape and dtype."""
    return given(activations.SiLU(), x, activations.Tensor)


@observe(x=normal(5, dtype="float32"))
def silu_keeps_the_dtype_and_its_input(activations, x):
    """float32 stays float32; the caller's tensor is not changed."""
    return given(activations.SiLU(), x, activations.Tensor)


@observe(x=normal(4))
def silu_goes_through_apply_twice(activations, x):
    """Once for sigmoid, once for the product."""
    values, notes = asked(activations.SiLU(), x, activations.sigmoid, np.multiply)
    return values, [which for which, _, _ in notes]


### END HIDDEN TESTS

# %% [markdown]
r"""
## Part 2: Use

### 2.1 What they look like

The next cell draws your activations between -4 and 4 (left), and sigmoid and tanh together with the straight
lines that they come close to near 0 (right). Left: ReLU is flat up to 0, and then a straight line with slope
1; SiLU follows it far out on both sides, dips to -0.28 near -1.28, and has no corner. Sigmoid climbs from 0
to 1, tanh from -1 to 1. Right: near 0, tanh is the line $x$, and sigmoid the line $\tfrac12 + \tfrac14 x$;
from about 2 on, both are nearly flat.
"""

# %% demo=true
axis_values = np.linspace(-4, 4, 401, dtype=np.float32)
layers = (ReLU(), SiLU(), Sigmoid(), Tanh())
curves = {repr(layer): layer(Tensor(axis_values)).numpy() for layer in layers}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for (name, curve), style in zip(curves.items(), ("-", "--", "-.", ":"), strict=True):
    left.plot(axis_values, curve, style, label=name)
left.set(title="four activations", xlabel="x", ylim=(-1.2, 4))
for name, line in (("Sigmoid()", 0.5 + axis_values / 4), ("Tanh()", axis_values)):
    (drawn,) = right.plot(axis_values, curves[name], label=name)
    right.plot(axis_values, line, "--", color=drawn.get_color())
right.set(title="and the lines near 0", xlabel="x", ylim=(-1.2, 1.2))
for panel in (left, right):
    panel.axhline(0, color="grey", linewidth=0.5)
    panel.legend()
show(
    figure,
    "Left: ReLU, SiLU, sigmoid and tanh between -4 and 4; the first two rise without "
    "bound on the right, the others level off. Right: sigmoid and tanh with the "
    "straight lines that they follow near 0.",
)
print(
    "SiLU's lowest point:",
    curves["SiLU()"].min(),
    "at",
    axis_values[curves["SiLU()"].argmin()],
)

# %% [markdown]
r"""
### 2.2 Any curve, made of ReLUs

How much can one bend do? $\operatorname{relu}(x - k)$ is flat up to the *knot* $k$ and rises with slope 1
from there. Add it with a factor $c$, and it changes the slope by $c$ at $k$, and nothing before. So a sum of them
is a line with a bend at each knot, and you can make any such line:

$$ f(x) = y_0 + \sum_{i} c_i \operatorname{relu}(x - k_i), \qquad c_0 = s_0, \quad c_i = s_i - s_{i-1}, \qquad s_i = \frac{y_{i+1} - y_i}{k_{i+1} - k_i} $$

The line goes through the points $(k_0, y_0), (k_1, y_1), \dots$; $s_i$ is its slope between point $i$ and the
next one.

**With numbers:** the points (0, 1), (2, 5), (3, 4). Slopes $s_0 = 2$ and $s_1 = -1$; so $c_0 = 2$ and
$c_1 = -3$. At $x = 2.5$: $1 + 2 \cdot 2.5 - 3 \cdot 0.5 = 4.5$, halfway between 5 and 4.

This is a network with one hidden layer: the ReLUs are its neurons, the knots are in its biases, and the factors
are the weights of its output.

**Your task.** Compute it.

<details>
<summary>Hint 1: slopes and their changes</summary>

`np.diff(values)` gives the differences of neighbours, one fewer than there are values.
`np.diff(slopes, prepend=0)` keeps the first slope itself: it is the change from the flat part before the
first knot.

</details>

<details>
<summary>Hint 2: all knots at once</summary>

`x[..., None] - knots[:-1]` gets a further axis at the end, one place for each knot but the last. Then `relu`,
and `@` with the factors sums that axis.

</details>
"""


# %% exercise="relu-curve"
def relu_curve(x: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The line through given points as a sum of ReLUs.

    Parameters
    ----------
    x : ndarray
        Where to compute it; any shape.
    knots : ndarray of shape (points,)
        The places of the points, in increasing order, at least two.
    values : ndarray of shape (points,)
        Their heights.

    Returns
    -------
    ndarray
        The shape of `x`: the height of the line; before the first knot its first value,
        after the last knot straight on.

    Approach
    --------
    1. Compute the slopes between neighbouring points.
    2. Compute the factors: how much the slope changes at each knot but the last.
    3. Sum the first value and the ReLUs times their factors.
    """
    ### BEGIN SOLUTION
    slopes = np.diff(values) / np.diff(knots)
    factors = np.diff(slopes, prepend=0)
    return values[0] + relu(x[..., None] - knots[:-1]) @ factors
    ### END SOLUTION


# %% checks="relu-curve" points=6
knots, heights = np.array([0.0, 2.0, 3.0]), np.array([1.0, 5.0, 4.0])
check(relu_curve(knots, knots, heights), heights, hint="it goes through the points")
check(
    relu_curve(np.array([[1.0, 2.5]]), knots, heights),
    [[3.0, 4.5]],
    hint="straight between them; x may have any shape",
)
check(
    relu_curve(np.array([-1.0, 5.0]), knots, heights),
    [1.0, 2.0],
    hint="flat before, straight on after",
)
### BEGIN HIDDEN TESTS


@observe(steps=uniform(5, low=0.2, high=2.0), values=normal(5))
def line_through_the_points(activations, steps, values):
    """At each knot its value."""
    knots = np.cumsum(steps) - 3
    return activations.relu_curve(knots[::-1], knots, values)


@observe(steps=uniform(6, low=0.2, high=2.0), values=normal(6), share=uniform(5))
def line_between_the_points(activations, steps, values, share):
    """Straight from each to the next."""
    knots = np.cumsum(steps) - 3
    return activations.relu_curve(knots[:-1] + share * np.diff(knots), knots, values)


@observe(values=normal(3), far=uniform(low=1, high=9))
def line_beyond_the_points(activations, values, far):
    """Flat before the first, straight on after the last."""
    x = np.array([-far, 3 + far])
    return activations.relu_curve(x, np.array([0.0, 1.0, 3.0]), values)


@observe(x=uniform(2, 3, low=0, high=3), values=normal(2))
def line_with_two_points_and_x_of_any_shape(activations, x, values):
    """A single ReLU will do."""
    return activations.relu_curve(x, np.array([0.5, 2.0]), values)


### END HIDDEN TESTS

# %% [markdown]
r"""
How well does it do for a curve that is round? The next cell replaces one period of the sine by 4, 8, …, 256
ReLUs. Left: the sine and the line with 4 and with 8 pieces; with 8 it is already close to the curve. Right:
the largest error over the number of ReLUs, both axes logarithmic; the dots lie on a line that falls with a
slope of nearly -2. Twice the neurons, a quarter of the error: 0.07 for 8, 0.019 for 16, 0.000075 for 256.
"""

# %% demo=true
x = np.linspace(0, 2 * np.pi, 2001)
counts, errors = np.array([4, 8, 16, 32, 64, 128, 256]), []
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.plot(x, np.sin(x), color="black", label="sine")
for count in counts:
    knots = np.linspace(0, 2 * np.pi, count + 1)
    line = relu_curve(x, knots, np.sin(knots))
    errors.append(np.abs(line - np.sin(x)).max())
    if count <= 8:
        left.plot(x, line, {4: "--", 8: ":"}[count], label=f"{count} ReLUs")
slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
right.loglog(counts, errors, "o-", label=f"slope {slope:.2f}")
right.set(title="largest error", xlabel="number of ReLUs")
left.set(title="the sine made of ReLUs", xlabel="x")
left.legend()
right.legend()
show(
    figure,
    "Left: a sine between 0 and 2π and the broken lines that 4 and 8 ReLUs make of "
    "it; the second is hard to tell from the sine. Right: the largest error against "
    "the number of ReLUs, both axes logarithmic, a straight line that falls with a "
    "slope of about -2.",
)
print(", ".join(f"{count}: {error:.1e}" for count, error in zip(counts, errors)))

# %% [markdown]
r"""
### 2.3 Sharp and blurred probabilities

A language model chooses the next word by softmax over the scores of all words. Dividing the scores by a
*temperature* $T$ first makes the choice bolder or more timid. The picture shows bars for five words and three
temperatures. At $T = 0.25$, nearly everything is on the word with the highest score (0.98); at $T = 1$ it has
0.60; at $T = 4$ the five are almost level, from 0.30 down to 0.12.
"""

# %% demo=true
words = ["cat", "dog", "horse", "hat", "sky"]
word_scores = Tensor([2.5, 1.5, 0.8, 0.2, -1.2])
figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
for place, temperature in enumerate((0.25, 1.0, 4.0)):
    chances = Softmax()(word_scores / temperature).numpy()
    entropy = -(chances * np.log2(chances)).sum()
    axis.bar(
        np.arange(5) + 0.27 * (place - 1),
        chances,
        width=0.25,
        label=f"T = {temperature}",
        hatch=("", "//", "..")[place],
    )
    print(f"T = {temperature}: {chances.round(3)}, entropy {entropy:.2f} bit")
axis.set_xticks(range(5), words)
axis.set(ylabel="probability", title="five words, three temperatures")
axis.legend()
show(
    figure,
    "Bars: the probabilities of cat, dog, horse, hat and sky at three temperatures. "
    "At T = 0.25 nearly all is on cat, at T = 1 cat has 0.60, at T = 4 the five are "
    "almost level.",
)

# %% [markdown]
r"""
## Part 3: Analyze

### 3.1 Slopes, and what is left of them after ten layers

Training asks how the output changes if a weight in the first layer changes a little. That change passes through
every activation on its way, and each one multiplies it by its slope. We measure the slopes by small differences,
$(f(x + h) - f(x - h)) / 2h$.
"""


# %% demo=true
def slope_of(layer: Callable, x: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """How steep a layer's function is at each x, in float64."""
    return (layer(Tensor(x + step)).numpy() - layer(Tensor(x - step)).numpy()) / (
        2 * step
    )


# An even number of points: 0 itself, where ReLU has a corner, is left out.
fine = np.linspace(-5, 5, 1000)
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
for layer, style in zip(
    (ReLU(), SiLU(), Sigmoid(), Tanh()), ("-", "--", "-.", ":"), strict=True
):
    slope = slope_of(layer, fine)
    axis.plot(fine, slope, style, label=repr(layer))
    steepest, at_four = slope.max(), slope_of(layer, np.array([4.0]))[0]
    print(
        f"{layer!r:10} steepest {steepest:.3f}, ten of them {steepest**10:.1e};",
        end=" ",
    )
    print(f"at x = 4 {at_four:.4f}, ten of them {at_four**10:.1e}")
axis.set(title="slopes", xlabel="x")
axis.legend()
show(
    figure,
    "The slopes of four activations between -5 and 5: ReLU's is 0 and then 1, SiLU's "
    "rises a little above 1, sigmoid's has its top of 0.25 at 0, tanh's its top of 1; "
    "the last two vanish on both sides.",
)

# %% [markdown]
r"""
**What the picture shows.** Sigmoid's slope is a low bump, 0.25 at its highest, at 0. Tanh's is four times as
high, 1 at 0, and narrower. ReLU's is a step from 0 to 1. SiLU's rises from about -0.1 to a little above 1 and
comes back to 1.

The numbers say why deep networks were so hard to train as long as sigmoid was the rule: even at the best
point, ten layers leave $0.25^{10} = 9.5 \cdot 10^{-7}$ of a change. At $x = 4$, where a neuron is
*saturated*, it is $0.0177^{10} \approx 3 \cdot 10^{-18}$. With ReLU the factor is 1 or 0: the change passes
unharmed, or not at all.

### 3.2 Neurons that have fallen silent

"Not at all" is ReLU's own problem. A neuron whose sum is negative for *every* example gives 0 for each, has
slope 0 for each, and training can no longer change it: a **dead ReLU**. How does that happen? A
bias that has become too negative is enough. We take 512 neurons with random weights, 1,000 random examples, and
move the bias.
"""

# %% demo=true
silence_rng = np.random.default_rng(1)
examples = silence_rng.normal(size=(1000, 64)).astype(np.float32)
# Divided by 8, so that the sums have spread 1.
weights = (silence_rng.normal(size=(64, 512)) / 8).astype(np.float32)
biases = np.arange(0, -6.5, -0.5, dtype=np.float32)
zeros, dead = [], []
for bias in biases:
    out = ReLU()(Tensor(examples @ weights + bias)).numpy()
    zeros.append(np.mean(out == 0))
    dead.append(np.mean((out == 0).all(axis=0)))
    if bias in (0, -2, -3, -4, -6):
        print(
            f"bias {bias:4}: {zeros[-1]:6.1%} of the outputs are 0,",
            f"{dead[-1]:6.1%} of the neurons dead",
        )
figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
axis.plot(biases, zeros, "o-", label="share of outputs that are 0")
axis.plot(biases, dead, "s-", label="share of neurons that are 0 for all examples")
axis.invert_xaxis()
axis.set(xlabel="bias", title="512 ReLUs, 1000 examples")
axis.legend()
show(
    figure,
    "Shares against a bias that falls from 0 to -6: the share of outputs that are 0 "
    "(circles) rises from a half to all; the share of neurons that are 0 for all "
    "examples (squares) stays at 0 at first and then rises as well.",
)

# %% [markdown]
r"""
**What the picture shows.** The upper line, the share of zeros among all outputs, begins at one half, as it
must, and is at 98 % for a bias of -2. The lower line, the share of dead neurons, is still near 0 there
(0.2 %): a neuron that speaks up for two examples in a hundred is not dead. Then it rises steeply: 37 % at -3,
95 % at -4, all at -6. Between "rarely active", which can be useful, and "dead" lie two units of bias.

**Question 2** (5 points). A network for images has six layers with ReLU between them and softmax at the end.
Its author set all biases to -6, "so that neurons react to strong signals only". It gives exactly the same
probabilities for every image.

(a) Explain why, by the measurement above. (b) Which are the probabilities, if all layers have these biases,
also the last? (c) Name two lines of numpy with which you would have found the cause. (d) Would the network
recover by training? Would it with SiLU instead of ReLU?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="silent-network" points=5
r"""
**Model answer.** (a) The weighted sums have a spread of about 1, so with a bias of -6 practically all are
negative, and ReLU gives 0: in the measurement 100 % of the neurons are dead. From the first such layer on,
the signal is 0 for every image, and what follows depends on the biases alone. (b) All scores of the last
layer are the same, $0 \cdot W - 6 = -6$, so softmax gives $1/n$ to each of the $n$ classes. (c) For instance
`h = relu(x @ w1 + b1)` and then `(h == 0).mean()`, or `(h == 0).all(axis=0).mean()` for dead neurons; also a
look at `h.std()`. (d) Not with ReLU: where all slopes are 0, a change of an earlier weight or bias changes
nothing, so training has no direction to go; only the last bias could change. With SiLU the values and slopes
at -6 are small (about -0.015 and -0.012) but not 0, so it could recover, slowly.

**Mark scheme.** 1 point: (a) all sums are negative, hence all outputs 0, independent of the image. 1 point:
(b) equal probabilities $1/n$, because all scores are equal. 1 point: (c) any two lines that count zeros or
compare examples after a layer. 1 point: (d) no recovery with ReLU because the slope is 0. 1 point: (d) SiLU's
slope there is small but not 0.
"""

# %% [markdown]
r"""
### 3.3 What stability costs in time

Are the careful versions slower? We measure the time per element for arrays of growing length.
"""

# %% demo=true
lengths = [10, 100, 1_000, 10_000, 100_000]
functions = (relu, np.tanh, plain_sigmoid, sigmoid, plain_softmax, softmax, log_softmax)
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
cost = {}
for function, marker in zip(functions, "osv^D*x", strict=True):
    arrays = [
        np.random.default_rng(2).normal(size=n).astype(np.float32) for n in lengths
    ]
    times = np.array([seconds(partial(function, array), 20) for array in arrays])
    cost[function.__name__] = times / lengths
    axis.loglog(lengths, times / lengths * 1e9, marker + "-", label=function.__name__)
axis.set(xlabel="elements", ylabel="ns per element", title="time per element, float32")
axis.legend()
show(
    figure,
    "Nanoseconds per element against the number of elements for seven functions, both "
    "axes logarithmic: all fall while the cost of the call is shared by more "
    "elements, and then level off; relu stays the cheapest.",
)
for name, each in cost.items():
    print(f"{name:14} {each[0] * 10 * 1e6:5.1f} µs for 10 elements,", end=" ")
    print(f"{each[3] * 1e9:5.2f} ns per element for 10,000")
for plain, stable in (("plain_sigmoid", "sigmoid"), ("plain_softmax", "softmax")):
    ratio = cost[stable][3] / cost[plain][3]
    print(f"{stable} costs {ratio:.1f} times as much as {plain}")

# %% [markdown]
r"""
**What the picture shows.** All lines fall at first and then lie flat. Up to about a thousand elements, the
fixed price of each call of numpy counts, some 0.5 µs to 1 µs, and what decides is *how many* calls there are:
one in ReLU, six or seven in log-softmax. From ten thousand on, the work for each element counts.

When this lesson was tried, the stable sigmoid cost 1.9 times as much as the plain one for 10,000 elements,
because of `np.abs` and `np.where`; the stable softmax cost 1.2 times as much, because of the maximum and the
difference. That is the price of a result you can trust.

### 3.4 What you lose without it

Last, the logarithm of a small probability. There are three classes; two have the score 0, and the score of
the third is lower by $g$. The logarithm of its probability is exactly $-g - \log(2 + e^{-g})$. The picture
shows what both ways give in float32, and their errors.
"""

# %% demo=true
gaps = np.sort(np.random.default_rng(3).uniform(0, 130, size=600)).astype(np.float32)
three = np.stack([np.zeros_like(gaps), np.zeros_like(gaps), -gaps], axis=1)
exact = -(gaps.astype(np.float64) + np.log(2 + np.exp(-gaps.astype(np.float64))))
with np.errstate(divide="ignore"):
    in_two_steps = np.log(softmax(three))[:, 2]
at_once = log_softmax(three)[:, 2]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.plot(gaps, in_two_steps, linewidth=5, alpha=0.4, label="log(softmax(x))")
left.plot(gaps, at_once, label="log_softmax(x)")
left.set(title="logarithm of the probability", xlabel="gap", ylim=(-135, 5))
for values, name, sign in (
    (in_two_steps, "log(softmax(x))", "x"),
    (at_once, "log_softmax(x)", "."),
):
    error = np.abs(values - exact)
    right.semilogy(
        gaps,
        np.where(np.isfinite(error) & (error > 0), error, np.nan),
        sign,
        label=name,
    )
right.set(title="error", xlabel="gap")
left.legend()
right.legend()
show(
    figure,
    "Left: the logarithm of a probability against the gap between scores; log_softmax "
    "falls in a straight line, log(softmax(x)) follows it and breaks off near a gap "
    "of 100. Right: the error of both, logarithmic; that of log(softmax(x)) grows "
    "before it breaks off.",
)
finite = np.isfinite(in_two_steps)
print(f"log(softmax) is finite up to a gap of {gaps[finite].max()}")
print(
    f"its largest error up to 85: {np.abs(in_two_steps - exact)[gaps <= 85].max():.1e}",
    end=", ",
)
print(f"from there on: {np.abs(in_two_steps - exact)[finite & (gaps > 85)].max():.1e}")
print(f"largest error of log_softmax: {np.abs(at_once - exact).max():.1e}")

# %% [markdown]
r"""
**What the picture shows.** Left: both ways run down the same straight line; at a gap of about 103 the one of
`log(softmax(x))` ends, because it has become minus infinity, while `log_softmax` goes on. Right: up to a gap of
87 the errors of both stay below $2 \cdot 10^{-6}$. From there on the probability is *subnormal*, a number
below $1.2 \cdot 10^{-38}$ with fewer and fewer digits, and the errors of `log(softmax(x))` rise by more than
five orders of magnitude, to 0.4, before it fails altogether. The wrong digits come before the infinity, and
give no warning.

## Summary

- Affine maps in a row are one affine map. Only a bend between them makes depth worth something. Sums of ReLUs can
  follow any curve, with an error that falls with the square of their number.
- A formula that is right on paper can fail by overflow ($e^{89}$ in float32), underflow (0/0, log 0), or
  cancellation ($1 - t$ for $t \approx 1$). The cures: exponentials of non-positive numbers only; subtract the
  maximum; take the logarithm on paper.
- Activations do not change their input, keep its dtype, and hand NaN on.
- Slopes multiply: sigmoid leaves a millionth after ten layers at best. ReLU passes changes on unharmed, or
  not at all; a bias that is too negative kills it.
- A layer gives its *function* to `apply`, with its settings by name.

**Next**, in module 3, you build what goes between the bends: layers with weights. You write the matrix product at
their heart, and find out with which numbers the weights should begin, so that the signal arrives neither
saturated nor silent.
"""

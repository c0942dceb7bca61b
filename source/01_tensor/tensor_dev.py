# %% [markdown]
r"""
# Module 1: Tensor

On the roof of a school stands a small weather station. Every evening it writes one line: temperature,
humidity, pressure, wind. After a month that is a table of 30 lines and 4 columns, and the first questions
arrive. Which day was the most unusual one? Which earlier day was most like today? How bright was the sky in
the photograph that the camera took at noon?

A table of measurements, a photograph, the sound of the wind, a page of text: a neural network sees them all
in the same form, as a **tensor**, a block of numbers with a shape. Everything you build later in this course
(activations, layers, networks, training) takes tensors and gives tensors. So we start with the tensor.

## What you will have at the end

A Python class of your own that is used like this:

```python
days = Tensor([[14.2, 71, 1009], [19.8, 52, 1021]])      # two days, three measurements
usual = days.mean(axis=0)                                 # a mean for each column
(days - usual) / days.var(axis=0) ** 0.5                  # how unusual each number is
```

You will be able to

- say what the shape, axes, dtype and strides of a tensor are, and where in memory an element lies;
- predict the shape that two tensors give together, and spot the two cases where that rule hides a mistake;
- write Python's operators for a class of your own, in both orders, so that `2 - x` works as well as `x - 2`;
- explain why the whole framework calls numpy in one single place;
- measure what a Python loop, a wider number format and a convenient class cost.

Plan on two to four hours. You need Python functions and classes, and a first acquaintance with numpy.

## How this notebook works

There are three parts: **Build** (write the class), **Use** (play with it), **Analyze** (measure it).

- **Shift+Enter** runs a cell and goes to the next one. Run them from top to bottom, and skip none.
- In cells with `raise NotImplementedError()`, replace that line with your own code. The docstring says what
  comes in and what goes out, and often how to go about it. The hints are folded above the cell; try without
  them first.
- The next cell checks your work. It tells you what it called and what came back, and if that's wrong, what it
  expected, with a hint. Don't go on before it is green: later exercises build on earlier ones.
- If everything behaves strangely, **restart the kernel** (in the menu: Kernel, then Restart Kernel and Run up to
  Selected Cell). Python then forgets all it knows and runs your cells again from the top. Your text stays.
- Three questions ask for an answer in words. To write one, **double-click** the text cell below the question,
  type, and press Shift+Enter. 90 points are for code, 10 for these answers.
- A cell that begins with `#| export` becomes part of your own library, `tinytorch.core.tensor`, which the next
  module imports. Your marks come from your code, tried with other numbers than those you see here.
"""

# %%
#| default_exp core.tensor
#| export
from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# %% [markdown]
r"""
The rest of the notebook needs three more things: the checks, a library for plots, and a small helper that
prints a result or, if something fails, the error in one line. We are going to look at quite a few failures.
"""

# %%
import matplotlib.pyplot as plt

from tito.checks import check, check_raises
from tito.figures import seconds, show


def attempt(action):
    """Print what a call gives; if it fails, the error in one line."""
    try:
        print(action())
    except NotImplementedError:
        raise
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


# %% [markdown]
r"""
# Part 1: Build

## 1.1 What a tensor is

A tensor $T \in \mathbb{R}^{n_0 \times n_1 \times \dots \times n_{k-1}}$ is a block of numbers. It has $k$
**axes**. The lengths of the axes are its **shape**. Its **size** is the number of elements, the product of the
lengths:

$$\text{size} = \prod_{i=0}^{k-1} n_i$$

| axes | usual name | an example | shape | size |
| --- | --- | --- | --- | --- |
| 0 | scalar | the loss of a network | `()` | 1 |
| 1 | vector | the measurements of one day | `(4,)` | 4 |
| 2 | matrix | a month of such days | `(30, 4)` | 120 |
| 3 | | a photograph: height, width, colours | `(48, 64, 3)` | 9,216 |
| 4 | | a batch of 32 photographs | `(32, 48, 64, 3)` | 294,912 |

The empty product is 1: a scalar has no axes and one element.

In memory there is no block, only a row of numbers. The **strides** $s_i$ turn the row into a block: they say
how many elements to skip to get one step further along axis $i$. The element with the index
$(j_0, \dots, j_{k-1})$ lies at

$$\text{offset} = \sum_{i=0}^{k-1} j_i \, s_i, \qquad s_{k-1} = 1, \quad s_i = n_{i+1} \, s_{i+1}.$$

**An example with numbers.** For the shape $(2, 3, 4)$ the strides are $s_2 = 1$, $s_1 = 4 \cdot 1 = 4$,
$s_0 = 3 \cdot 4 = 12$. The element $[1, 2, 3]$ lies at $1 \cdot 12 + 2 \cdot 4 + 3 \cdot 1 = 23$. It's the
last of the 24.

numpy stores its arrays this way (it counts strides in bytes, so we divide by the size of an element):
"""

# %%
block = np.arange(24).reshape(2, 3, 4)
strides = tuple(step // block.itemsize for step in block.strides)
print("strides:", strides)
print("element [1, 2, 3]:", block[1, 2, 3])

# %% [markdown]
r"""
### Exercise: `offset` (3 points)

Your first exercise is one line: the formula above. Replace `raise NotImplementedError()` with your code, and
press Shift+Enter here and in the cell below.

<details><summary>Hint</summary>

`zip(index, strides)` goes through both tuples together, and `sum(…)` adds up what a loop gives:
`sum(p * q for p, q in zip(first, second))`.

</details>
"""


# %% exercise="offset"
def offset(index: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Where in memory an element lies: each index times its stride, added up.

    Examples
    --------
    >>> offset((1, 2, 3), (12, 4, 1))
    23
    """
    ### BEGIN SOLUTION
    return sum(j * s for j, s in zip(index, strides))
    ### END SOLUTION


# %% checks="offset" points=3
check(offset((1, 2, 3), (12, 4, 1)), 23, hint="1 · 12 + 2 · 4 + 3 · 1")
check(offset((0, 0, 0), (12, 4, 1)), 0, hint="the first element is at the beginning")
check(
    offset((2,), (5,)), 10, hint="any number of axes: go through both tuples together"
)
check(offset((), ()), 0, hint="a scalar has one element, at the beginning")
check(
    block.ravel()[offset((1, 0, 2), strides)],
    14,
    hint="a whole number, to be used as an index",
)
### BEGIN HIDDEN TESTS
from tito.observations import integers, observe


@observe(index=integers(3, low=0, high=50), strides=integers(3, low=1, high=99))
def offset_of_three_axes(tensor, index, strides):
    """Each index times its stride, added up: a whole number."""
    place = tensor.offset(tuple(index.tolist()), tuple(strides.tolist()))
    return place, np.asarray(place).dtype.kind


@observe(index=integers(5, low=1, high=50), strides=integers(5, low=1, high=99))
def offset_of_any_number_of_axes(tensor, index, strides):
    """From no axes, where it is 0, to five."""
    index, strides = tuple(index.tolist()), tuple(strides.tolist())
    return [tensor.offset(index[:n], strides[:n]) for n in range(6)]


### END HIDDEN TESTS

# %% [markdown]
r"""
Does memory really look like this? The next cell lays the numbers in a row, and asks your function where one
of them is. Then it reverses the axes of the block.
"""

# %%
row = block.ravel()
print(
    "block[1, 1, 3] is",
    block[1, 1, 3],
    "and row[offset(…)] is",
    row[offset((1, 1, 3), strides)],
)

turned = block.transpose(2, 1, 0)
print(
    "strides with the axes reversed:",
    tuple(step // block.itemsize for step in turned.strides),
)
print("still the same memory:", np.shares_memory(block, turned))

# %% [markdown]
r"""
Reversing the axes reversed the strides and moved no number. An array like this, which shows the memory of
another one in a different arrangement, is called a **view**. We'll meet views again in 1.11, and measure what
they save in Part 3.

The numbers themselves are numpy's business: our tensor has an array inside. The class adds a few decisions
that numpy leaves open, and one door through which every operation goes. We begin with the decisions.

## 1.2 From anything to an array

What goes wrong with plain numpy arrays in a deep-learning framework? The next cell shows three cases.
"""

# %%
# 1. Whole numbers make an integer array, which cuts off the rest: 0.5 becomes 0.
weights = np.array([1, 2, 3])
weights[0] = 0.5
print(weights)

# 2. A bright pixel in a photograph is 250. Brighten it by 10, and it is nearly black.
print(np.array([250], dtype=np.uint8) + np.array([10], dtype=np.uint8))

# 3. One innocent number in an array doubles the memory of everything that it touches.
signal = np.ones(3, dtype=np.float32)
print((signal * 2.0).dtype, (signal * np.array(2.0)).dtype, np.array([1.0, 2.0]).dtype)

# %% [markdown]
r"""
Look at case 3 again. A *Python* number has no dtype, so it follows the array: `float32 * 2.0` is float32. An
*array* has one, even if it holds a single number, and `np.array(2.0)` is float64. When the two meet, the wider
format wins, and from then on each number takes 8 bytes instead of 4.

Deep learning computes in float32 nearly everywhere. About 7 decimal digits are more than enough for a gradient,
and half the bytes means half the memory and, for large arrays, half the time. (You will measure both in Part 3.)
But if somebody *chose* float64, say for a delicate test, we must not take it away. So our rule is:

> **The dtype rule.** A numpy array of floating dtype keeps its dtype. Everything else (Python numbers, lists,
> arrays of integers or booleans) becomes float32. If somebody asks for a dtype, it is that one.

The second decision: what is *not* a tensor? A ragged list, whose rows differ in length, has no shape. Text,
complex numbers and `None` are no real numbers. A good framework refuses them at once, with a sentence that says
what to do, and not twenty calls later. Here is what numpy says, and where it says nothing at all:
"""

# %%
attempt(lambda: np.array([[1.0, 2.0], [3.0]]))
# An "object": computing with it is slow, or fails.
attempt(lambda: np.array([1.0, None]).dtype)
# A text that happens to look like a number.
attempt(lambda: np.array("3.5", dtype=np.float32))

# %% [markdown]
r"""
### Exercise: `as_array` (14 points)

Write the function that makes these decisions. Every tensor of the course will come in through it.

<details><summary>Hint 1: how to see what came</summary>

`np.asarray(data)` makes an array of anything, and does not copy what is an array already. Its `dtype.kind` is
one letter: `"b"` boolean, `"i"` and `"u"` integers, `"f"` floating, `"c"` complex, `"U"` text, `"O"` any
object.

</details>

<details><summary>Hint 2: a list of floats gives float64 too. How to tell it from an array that is float64 by choice?</summary>

After `np.asarray` they look alike. Before it they don't: an array (and a tensor) has an attribute `dtype`, a
list has none. `hasattr(data, "dtype")` asks.

</details>

<details><summary>Hint 3: conversion without needless copies</summary>

`array.astype(dtype, copy=False)` gives back the very same array if it has that dtype already.
`np.array(data)` would always copy: for a network with 100 million weights that is 400 MB for nothing.

</details>
"""


# %% exercise="as-array"
#| export
def as_array(data, dtype=None) -> np.ndarray:
    """Turn a number, a list, an array or a tensor into a numpy array.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. An array that already has the wanted dtype is not copied.
    dtype : data type, optional
        The dtype of the result. Without it, what has a floating dtype already (an
        array, a tensor) keeps it, and everything else (Python numbers, lists, integer
        and boolean arrays) becomes float32.

    Returns
    -------
    ndarray
        The values as an array of real numbers.

    Raises
    ------
    ValueError
        If the lists in `data` are ragged; in words of your own, not numpy's.
    TypeError
        If `data` holds anything but real numbers: text, None, complex numbers.

    Examples
    --------
    >>> as_array([1, 2]).dtype
    dtype('float32')
    >>> as_array(np.zeros(3)).dtype
    dtype('float64')

    Approach
    --------
    1. Let numpy make an array of `data`. If it raises a ValueError, the lists are
       ragged: raise your own ValueError, whose message says what to do.
    2. Unless the kind of its dtype is boolean, integer or floating, raise a TypeError.
    3. If no `dtype` was asked for, find it with the dtype rule.
    4. Return the array in that dtype, copied only if it has to be.
    """
    ### BEGIN SOLUTION
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(
            f"the lists in {data!r:.80} differ in length; make all rows of a tensor equally long"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"a tensor holds real numbers, but got {data!r:.80} of dtype {array.dtype}; "
            "convert it to float first"
        )
    if dtype is None:
        keep = array.dtype.kind == "f" and hasattr(data, "dtype")
        dtype = array.dtype if keep else np.float32
    return array.astype(dtype, copy=False)
    ### END SOLUTION


# %% checks="as-array" points=14
check(
    as_array([[1, 2], [3, 4]]),
    [[1.0, 2.0], [3.0, 4.0]],
    hint="return the values as an array",
)
check(str(as_array(3).dtype), "float32", hint="a Python number becomes float32")
check(str(as_array([0.5, 1.5]).dtype), "float32", hint="a list has no dtype of its own")
check(str(as_array(np.array([1, 2])).dtype), "float32", hint="integers become float32")

chosen = np.array([0.5, 1.5], dtype=np.float64)
check(
    str(as_array(chosen).dtype), "float64", hint="an array of floating dtype keeps it"
)
check(
    str(as_array(chosen, dtype=np.float32).dtype),
    "float32",
    hint="use the dtype asked for",
)
check(
    np.shares_memory(as_array(chosen), chosen),
    True,
    hint="np.asarray and copy=False do not copy",
)

check_raises(
    ValueError, lambda: as_array([[1.0, 2.0], [3.0]]), hint="the rows differ in length"
)
check_raises(
    TypeError, lambda: as_array([1.0, 2j]), hint="a complex number is not a real one"
)
check_raises(TypeError, lambda: as_array("3.5"), hint="look at the kind of the dtype")
check_raises(
    TypeError, lambda: as_array([1.0, None]), hint="look at the kind of the dtype"
)
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


def refusal(action):
    """With which words an action is refused."""
    try:
        action()
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


@observe(number=normal())
def a_number_becomes_a_float32_array(tensor, number):
    """A Python number becomes an array of no axes and dtype float32."""
    whole = tensor.as_array(7)
    array = tensor.as_array(number)
    return array, str(array.dtype), type(array).__name__, whole, str(whole.dtype)


@observe(rows=normal(2, 3, 2))
def nested_lists_become_float32(tensor, rows):
    """A list has no dtype of its own, so it becomes float32; so do tuples, and the empty list."""
    arrays = [
        tensor.as_array(rows.tolist()),
        tensor.as_array(tuple(rows[0, 0])),
        tensor.as_array([]),
    ]
    return arrays, [str(array.dtype) for array in arrays]


@observe(x=normal(3, 2))
def floating_arrays_keep_their_dtype(tensor, x):
    """float16, float32 and float64 arrays stay what they are, the numbers of a list do not."""
    given = [x.astype("float16"), x.astype("float32"), x, x.tolist(), list(x[0])]
    arrays = [tensor.as_array(data) for data in given]
    return arrays, [str(array.dtype) for array in arrays]


@observe(x=integers(2, 4, low=-9, high=9))
def integers_and_booleans_become_float32(tensor, x):
    """Arrays of integers and of booleans become float32."""
    arrays = [
        tensor.as_array(x),
        tensor.as_array(x.astype("uint8")),
        tensor.as_array(x > 0),
    ]
    return arrays, [str(array.dtype) for array in arrays]


@observe(x=normal(4), n=integers(3, low=-9, high=9))
def an_explicit_dtype_decides(tensor, x, n):
    """Whatever comes in, the dtype that was asked for comes out."""
    arrays = [
        tensor.as_array(x, dtype=np.float32),
        tensor.as_array(x.tolist(), dtype=np.float64),
        tensor.as_array(x.astype("float32"), np.float64),
        tensor.as_array(n, dtype=np.int64),
        tensor.as_array(n.tolist(), "int32"),
    ]
    return arrays, [str(array.dtype) for array in arrays]


@observe(x=normal(5))
def nothing_is_copied_without_need(tensor, x):
    """What is written into an array is seen in what shares its memory, and in nothing else."""
    single = x.astype("float32")
    arrays = [
        tensor.as_array(x),
        tensor.as_array(x, dtype=np.float64),
        tensor.as_array(x, dtype=np.float32),
        tensor.as_array(single),
        tensor.as_array(single, np.float32),
        tensor.as_array(single, np.float64),
    ]
    x += 10.0
    single -= 10.0
    return arrays


@observe(x=normal(4))
def ragged_lists_are_refused(tensor, x):
    """Rows of different lengths are a ValueError, at any depth; rows of equal length are none."""
    short, long = x[:2].tolist(), x.tolist()
    said = [
        refusal(lambda make=make: make([short, long]))
        for make in (tensor.as_array, np.array)
    ]
    return (
        tensor.as_array([long, long]),
        said[0] != said[1],
        [
            raised(lambda: tensor.as_array([short, long])),
            raised(lambda: tensor.as_array([[short, short], [short]])),
            raised(lambda: tensor.as_array([long, 1.0])),
            raised(lambda: tensor.as_array([long, short], dtype=np.float64)),
        ],
    )


@observe(x=normal(3))
def text_and_none_are_refused(tensor, x):
    """Text, also text that looks like a number, and None are a TypeError; numbers are not."""
    return (
        tensor.as_array(x.tolist()),
        tensor.as_array(x, dtype=np.float32),
        [
            raised(lambda: tensor.as_array("3.5")),
            raised(lambda: tensor.as_array(["1", "2"])),
            raised(lambda: tensor.as_array(np.array(["1.5"]), dtype=np.float32)),
            raised(lambda: tensor.as_array("2", dtype=np.float64)),
            raised(lambda: tensor.as_array(None)),
            raised(lambda: tensor.as_array([*x.tolist(), None])),
            raised(lambda: tensor.as_array({"a": 1.0})),
        ],
    )


@observe(x=normal(3))
def complex_numbers_are_refused(tensor, x):
    """Complex numbers are a TypeError, as cutting off a part would lose it; real ones are taken."""
    return tensor.as_array(list(x)), [
        raised(lambda: tensor.as_array(x + 1j)),
        raised(lambda: tensor.as_array([1.0, 2j])),
        raised(lambda: tensor.as_array(3j)),
        raised(lambda: tensor.as_array(x * 1j, dtype=np.float32)),
    ]


### END HIDDEN TESTS

# %% [markdown]
r"""
### Question: one small factor (3 points)

A colleague scales the output of a network, a float32 array `x` of 10,000,000 elements, by
`x * np.array(0.5)`. You suggest `x * 0.5`. What is the dtype of each of the two results, how many bytes does
each of them take, and why do they differ? Give the bytes as numbers.

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="one-small-factor" points=3
r"""
**Model answer.** `x * np.array(0.5)` is float64: an array carries a dtype of its own, also one with no axes,
numpy makes it float64, and of two arrays the wider dtype wins. It takes 10,000,000 × 8 = 80,000,000 bytes.
`x * 0.5` is float32: a Python number has no dtype and follows the array. It takes 10,000,000 × 4 = 40,000,000
bytes.

**Marks.** 1 for both dtypes. 1 for both numbers of bytes (also as about 80 and 40 MB, or 76 and 38 MiB). 1
for the reason: the array of one number has a dtype of its own that takes part in the promotion, the Python
number has not. "float64 is more precise" or "numpy always uses float64" alone gives no mark for the reason.
"""

# %% [markdown]
r"""
## 1.3 The class `Tensor`

The class is a thin shell. It keeps the array in `data`, and two attributes that a later module needs for
training: `requires_grad` (may training change this tensor?) and `grad` (its gradient, for now `None`).

Four properties tell what kind of block it is. A property is a method that you read like an attribute: `x.shape`
and not `x.shape()`. Compute each one from `data` and never store it. Then it is never out of date, even if
somebody puts another array into `x.data`.

Two methods are given. numpy calls `__array__` to get at the values, in `np.asarray(x)` or when you plot a
tensor. Python calls `__repr__` to show a tensor as text. The line `__slots__` names the attributes that a tensor
has. It gets no others, so a misspelt one is an error at once, and each tensor takes less memory. (The groups of
methods below say `__slots__ = ()`, because they add no attributes.)

### Exercise: `Tensor` (8 points)

<details><summary>Hint</summary>

You have already written the difficult part: `as_array` decides about dtype, copies and errors. Each property
asks the array in `self.data` for the property of the same name.

</details>
"""


# %% exercise="tensor"
#| export
class Tensor:
    """An n-dimensional array of numbers: the one data structure of the framework.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values, converted as `as_array` does; an array is shared, not copied.
    dtype : data type, optional
        The dtype; by default float32, or the array's own floating dtype.
    requires_grad : bool
        Marks a parameter that training will change. A later module reads it; this one
        only keeps it.

    Attributes
    ----------
    data : ndarray
        The values.
    requires_grad : bool
        As given.
    grad : ndarray or None
        The gradient, of the same shape and dtype as `data`, once one has been computed;
        until then None.

    Raises
    ------
    TypeError, ValueError
        As `as_array`.

    Examples
    --------
    >>> Tensor([[1, 2, 3], [4, 5, 6]]).shape
    (2, 3)

    Approach
    --------
    1. In `__init__`, keep three attributes: the converted data, the mark, and no
       gradient yet.
    2. In each property, return what the array in `data` says.
    """

    # Its attributes, and no others.
    __slots__ = ("__weakref__", "data", "grad", "requires_grad")

    def __init__(self, data, dtype=None, requires_grad: bool = False):
        ### BEGIN SOLUTION
        self.data = as_array(data, dtype)
        self.requires_grad = requires_grad
        self.grad = None
        ### END SOLUTION

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        ### BEGIN SOLUTION
        return self.data.shape
        ### END SOLUTION

    @property
    def ndim(self) -> int:
        """The number of axes."""
        ### BEGIN SOLUTION
        return self.data.ndim
        ### END SOLUTION

    @property
    def size(self) -> int:
        """The number of elements."""
        ### BEGIN SOLUTION
        return self.data.size
        ### END SOLUTION

    @property
    def dtype(self) -> np.dtype:
        """The data type of the elements."""
        ### BEGIN SOLUTION
        return self.data.dtype
        ### END SOLUTION

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """What ``np.asarray(tensor)`` gives: the values, copied only if need be."""
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", threshold=100).replace(
            "\n", ""
        )
        suffix = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}{suffix})"


# %% checks="tensor" points=8
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(x.data, [[1, 2, 3], [4, 5, 6]], hint="keep the array in self.data")
check(x.shape, (2, 3), hint="two rows, three columns")
check(x.ndim, 2, hint="the number of axes")
check(x.size, 6, hint="the number of elements")
check(str(x.dtype), "float32", hint="give the data to as_array")
check(
    str(Tensor([1, 2], dtype=np.float64).dtype),
    "float64",
    hint="hand dtype on to as_array",
)
check(Tensor(5.0).shape, (), hint="a scalar has no axes; numpy's arrays know that")
check(Tensor([1.0]).requires_grad, False, hint="False unless asked for")
check(Tensor([1.0], requires_grad=True).requires_grad, True, hint="keep what was given")
check(Tensor([1.0]).grad, None, hint="no gradient has been computed yet")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


@observe(lengths=integers(4, low=1, high=5))
def shape_axes_and_size(tensor, lengths):
    """The shape, the number of axes and the number of elements, for 0 to 4 axes."""
    tensors = [tensor.Tensor(np.zeros(lengths[:n])) for n in range(5)]
    whole = [
        isinstance(n, (int, np.integer)) for x in tensors for n in (x.ndim, x.size)
    ]
    return [(x.shape, x.ndim, x.size) for x in tensors], whole


@observe(x=normal(2, 3))
def the_dtype_of_a_tensor(tensor, x):
    """float32 by default, the array's own floating dtype, or the one asked for."""
    tensors = [
        tensor.Tensor(x.tolist()),
        tensor.Tensor(x),
        tensor.Tensor(x, dtype=np.float32),
        tensor.Tensor(x.tolist(), np.float64),
        tensor.Tensor([1, 2], dtype=np.int64),
    ]
    return [(t.data, str(t.dtype)) for t in tensors]


@observe(x=normal(3, 2, dtype="float32"))
def an_array_is_shared_and_not_copied(tensor, x):
    """The array inside is the array that was given; what changes in one changes in the other."""
    t = tensor.Tensor(x)
    x[0, 0] = 100.0
    return t.data, type(t.data).__name__, bool(np.shares_memory(t.data, x))


@observe(x=normal(3))
def a_tensor_made_of_a_tensor(tensor, x):
    """It has the same values and the same dtype, in the same memory."""
    first = tensor.Tensor(x)
    second = tensor.Tensor(first)
    return (
        second.data,
        str(second.dtype),
        bool(np.shares_memory(first.data, second.data)),
    )


@observe(x=normal(2))
def attributes_for_training(tensor, x):
    """`requires_grad` is kept as given, by default False; `grad` is None."""
    plain, weight = tensor.Tensor(x), tensor.Tensor(x, requires_grad=True)
    marks = plain.requires_grad, weight.requires_grad, plain.grad, weight.grad
    return marks, plain.data, weight.data


@observe(x=normal(2, 3), lengths=integers(3, low=2, high=9))
def properties_follow_the_data(tensor, x, lengths):
    """Put another array into `data`, and the properties speak of that one."""
    t = tensor.Tensor(x)
    t.data = np.zeros(lengths, dtype="float32")
    return t.shape, t.ndim, t.size, str(t.dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
The last line of a cell shows its tensor; one whose dtype is not float32 says so.
"""

# %%
print(Tensor([[1, 2, 3], [4, 5, 6]]))
Tensor(np.array([0.1, 0.2]))

# %% [markdown]
r"""
## 1.4 A class written in several cells

A tensor needs about forty methods. In one cell they would be a wall of code. So we add them a group at a time,
with a decorator: `@extend(Tensor)` puts the methods of the class below it into `Tensor` as well. With
`@extend(Tensor, Group)` they go into both.
"""


# %%
#| export
def extend(*classes: type) -> Callable[[type], type]:
    """Add the methods of the decorated class to other classes.

    So a long class can be written in several cells, one idea in each. The decorated
    class stays usable by itself: another class that is to have the same methods
    inherits from it.

    Parameters
    ----------
    *classes : type
        The classes to extend.

    Returns
    -------
    callable
        A decorator that returns the decorated class unchanged.
    """

    def add_methods(methods: type) -> type:
        for name, member in vars(methods).items():
            if callable(member) or isinstance(member, (property, classmethod)):
                for cls in classes:
                    setattr(cls, name, member)
        return methods

    return add_methods


# %% [markdown]
r"""
Try it on a dog, which is born silent and then learns a trick:
"""


# %%
class Dog:
    pass


rex = Dog()


@extend(Dog)
class Tricks:
    def speak(self):
        return "woof"


print(rex.speak())

# %% [markdown]
r"""
The first group is given: how a tensor shows itself. At the end of a cell a notebook draws a small table, `print`
writes row below row, and everywhere else, in a list or a message, you see the one line of `__repr__`.
"""


# %%
#| export
@extend(Tensor)
class Display:
    """How a tensor is shown: a table in a notebook, rows in print, else one line."""

    __slots__ = ()

    def __str__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", prefix="Tensor(")
        suffix = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}{suffix})"

    def _repr_html_(self) -> str:
        from tinytorch.graph.table import table

        return table(self)


# %%
Tensor([[1, 2, 3], [4, 5, 6]])

# %% [markdown]
r"""
Why not simply inherit, `class Tensor(Conversions, Arithmetic, …)`? Then all groups would have to be complete
before you could use `Tensor` at all, and you want to try each of them at once. But the groups are still classes,
and a later module builds a second kind of tensor that inherits from them.

So the methods of a group must not depend on how a tensor keeps its values. Inside them, write `np.asarray(self)`
for the values. It works for every class with an `__array__` method.

### The way back: from a tensor to Python and numpy

The next group leads out of the framework again. `x.numpy()` gives the array. `x.item()` gives the only number in
a tensor of one element, as when you print a loss. What if there are more elements? Then "the number" does not
exist, and taking the first one would hide a mistake, so `item` refuses. In the same way `len(x)`, the length of
the first axis, does not exist for a scalar.

### Exercise: `Conversions` (9 points)

<details><summary>Hint 1</summary>

numpy's arrays have a method `item()` too, which gives a Python number if there is exactly one element. Check the
size first: numpy's own error message does not say what to do.

</details>

<details><summary>Hint 2</summary>

`len(array)` of a numpy array is the length of the first axis, `array.shape[0]`. It is not the number of
elements.

</details>
"""


# %% exercise="conversions"
#| export
@extend(Tensor)
class Conversions:
    """From a tensor, or any class with `__array__`, back to Python and numpy."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        """The values as a numpy array, shared with the tensor."""
        ### BEGIN SOLUTION
        return np.asarray(self)
        ### END SOLUTION

    def item(self) -> float | int | bool:
        """The only value of a one-element tensor, as a Python number.

        Returns
        -------
        float, int or bool
            The value; an int or a bool only if the tensor has such a dtype.

        Raises
        ------
        ValueError
            If there is more than one element, or none; names the shape.

        Examples
        --------
        >>> Tensor([[2.5]]).item()
        2.5

        Approach
        --------
        1. Get the values as an array.
        2. Unless it has exactly one element, raise a ValueError that says what to do.
        3. Return the element as a Python number.
        """
        ### BEGIN SOLUTION
        array = np.asarray(self)
        if array.size != 1:
            raise ValueError(
                f"item() needs exactly one element, but the shape is {array.shape}; "
                "index one element, or reduce with sum() or mean() first"
            )
        return array.item()
        ### END SOLUTION

    def __float__(self) -> float:
        return float(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        """The length of the first axis; without axes, a TypeError naming `item()`."""
        ### BEGIN SOLUTION
        array = np.asarray(self)
        if array.ndim == 0:
            raise TypeError(
                "a 0-dimensional tensor has no length; read its value with item()"
            )
        return len(array)
        ### END SOLUTION


# %% checks="conversions" points=9
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(
    type(x.numpy()).__name__, "ndarray", hint="np.asarray(self) gives the array inside"
)
check(x.numpy(), [[1, 2, 3], [4, 5, 6]], hint="the values of the tensor")
check(
    np.shares_memory(x.numpy(), x.data),
    True,
    hint="np.array copies, np.asarray does not",
)
check(Tensor([[2.5]]).item(), 2.5, hint="the one element, whatever the number of axes")
check(
    type(Tensor(2.5).item()).__name__,
    "float",
    hint="a Python float; arrays have a method item()",
)
check(float(Tensor([7])), 7.0, hint="float() calls item()")
check(len(x), 2, hint="the length of the first axis, not the number of elements")
check_raises(
    ValueError, lambda: x.item(), hint="there are six elements: which one would it be?"
)
check_raises(ValueError, lambda: Tensor([]).item(), hint="there is no element at all")
check_raises(
    TypeError, lambda: len(Tensor(2.5)), hint="a scalar has no axes, so no length"
)
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


class HasArray:
    """No tensor, but it has an `__array__` method."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype, copy=copy)


@observe(x=normal(2, 3, dtype="float32"))
def the_array_of_a_tensor(tensor, x):
    """`numpy()` gives an ndarray that shares memory with the tensor."""
    t = tensor.Tensor(x)
    array = t.numpy()
    array[1, 2] = 50.0
    return array, type(array).__name__, str(array.dtype), t.data


@observe(number=normal())
def the_item_of_one_element(tensor, number):
    """Any shape of one element gives it as a Python float."""
    shapes = [(), (1,), (1, 1), (1, 1, 1)]
    items = [tensor.Tensor(np.full(shape, number)).item() for shape in shapes]
    return items, [type(item).__name__ for item in items]


@observe(n=integers(low=-10_000, high=10_000))
def the_item_of_an_integer_tensor(tensor, n):
    """An integer tensor gives a Python int."""
    item = tensor.Tensor([n], dtype=np.int64).item()
    return item, type(item).__name__


@observe(x=normal(3))
def no_item_where_there_is_not_exactly_one(tensor, x):
    """Several elements, or none, are a ValueError that names the shape; one is given."""
    said = [
        str(t.shape) in refusal(t.item)
        for t in (tensor.Tensor(x), tensor.Tensor(x[:0]))
    ]
    return tensor.Tensor(x[1:2]).item(), [
        said,
        raised(lambda: tensor.Tensor(x).item()),
        raised(lambda: tensor.Tensor(x[:2].reshape(1, 2)).item()),
        raised(lambda: tensor.Tensor(x[:0]).item()),
        raised(lambda: float(tensor.Tensor(x))),
        raised(lambda: bool(tensor.Tensor(x))),
    ]


@observe(number=normal())
def as_float_and_as_truth(tensor, number):
    """`float` and `bool` ask `item`."""
    t = tensor.Tensor(np.array([number]))
    return float(t), bool(t), bool(tensor.Tensor(np.zeros((1, 1))))


@observe(lengths=integers(3, low=2, high=30))
def the_length_is_that_of_the_first_axis(tensor, lengths):
    """`len` is the length of the first axis, however many axes there are."""
    return [len(tensor.Tensor(np.zeros(lengths[n:]))) for n in range(3)]


@observe(number=normal(), n=integers(low=2, high=1000))
def a_scalar_has_no_length(tensor, number, n):
    """A TypeError, as for a Python number, that tells of `item`; a vector has one."""
    scalar, vector = tensor.Tensor(np.array(number)), tensor.Tensor(np.zeros(n))
    said = refusal(lambda: len(scalar))
    return raised(lambda: len(scalar)), "item" in said, len(vector)


@observe(x=normal(1, 1))
def conversions_of_any_class_with_an_array(tensor, x):
    """The group must work for another class that inherits it: it needs `__array__` and no `data`."""

    class Other(HasArray, tensor.Conversions):
        pass

    return Other(x).numpy(), Other(x).item(), float(Other(x)), len(Other(x))


### END HIDDEN TESTS

# %% [markdown]
r"""
## 1.5 When shapes differ: broadcasting

The station measured four numbers a day for 30 days, shape `(30, 4)`. The usual value of each measurement is a
vector of shape `(4,)`. To subtract the vector from *every* day, you could copy it 30 times. **Broadcasting**
does the same without the copies: where one operand has length 1 along an axis, its one number is used again
and again.

The rule has two steps. Let the shapes be $(a_0, \dots, a_{k-1})$ and $(b_0, \dots, b_{l-1})$.

1. **Align at the right.** The shorter shape gets axes of length 1 on its *left*, until both have the same
   number of axes.
2. **Compare axis by axis.** The result has along each axis the length

$$c_i = \begin{cases} a_i & \text{if } a_i = b_i \text{ or } b_i = 1 \\ b_i & \text{if } a_i = 1 \\
\text{an error} & \text{otherwise.} \end{cases}$$

**Worked examples.**

| first | second | aligned | result |
| --- | --- | --- | --- |
| `(30, 4)` | `(4,)` | `(30, 4)` and `(1, 4)` | `(30, 4)` |
| `(3, 1)` | `(4,)` | `(3, 1)` and `(1, 4)` | `(3, 4)` |
| `(2, 1, 5)` | `(3, 1)` | `(2, 1, 5)` and `(1, 3, 1)` | `(2, 3, 5)` |
| `(2, 3)` | `()` | `(2, 3)` and `(1, 1)` | `(2, 3)` |
| `(30, 4)` | `(30,)` | `(30, 4)` and `(1, 30)` | an error: 4 is not 30 |

Look at the second row: **both** operands grow. In numbers,

$$\begin{pmatrix} 10 \\ 20 \\ 30 \end{pmatrix} + \begin{pmatrix} 1 & 2 & 3 & 4 \end{pmatrix}
= \begin{pmatrix} 11 & 12 & 13 & 14 \\ 21 & 22 & 23 & 24 \\ 31 & 32 & 33 & 34 \end{pmatrix}$$

The last row is the one that people stumble over: a mean for each *day*, of shape `(30,)`, does not fit a table
with 30 rows, because shapes are aligned at the right. And you are lucky if you stumble. With 4 days instead of
30, the shapes `(4, 4)` and `(4,)` do fit, and every number meets the wrong mean. We come back to that in 1.10.

### Exercise: `broadcast_shape` (12 points)

Write the rule yourself, in plain Python on the two tuples. (numpy knows it too, but this is about you.) The
function stays in the notebook and is not exported.

<details><summary>Hint 1: aligning</summary>

`(1,) * 3` is `(1, 1, 1)`, and `(1,) * 0` is `()`. How many ones does each shape need?

</details>

<details><summary>Hint 2: is the longer one of two lengths not always right?</summary>

Almost. An axis can have length 0: a table that has no days yet. Together with a 1 it gives 0, and `max(0, 1)`
does not.

</details>
"""


# %% exercise="broadcast-shape"
def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that an operation, element by element, on two arrays has.

    Parameters
    ----------
    a, b : tuple of int
        The shapes of the two arrays; neither needs to be the longer one.

    Returns
    -------
    tuple of int
        The shape of the result.

    Raises
    ------
    ValueError
        If the shapes do not fit; names both shapes.

    Examples
    --------
    >>> broadcast_shape((3, 1), (4,))
    (3, 4)

    Approach
    --------
    1. Put ones on the left of the shorter shape.
    2. Go through both shapes together. Where two lengths differ and neither is 1,
       raise a ValueError.
    3. Otherwise the length of the result is the one that is not 1 (or 1, if both are).
    4. Return the lengths as a tuple.
    """
    ### BEGIN SOLUTION
    ndim = max(len(a), len(b))
    left, right = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    lengths = []
    for m, n in zip(left, right, strict=True):
        if m != n and 1 not in (m, n):
            raise ValueError(
                f"shapes {a} and {b} do not fit: along one axis {m} meets {n}"
            )
        lengths.append(n if m == 1 else m)
    return tuple(lengths)
    ### END SOLUTION


# %% checks="broadcast-shape" points=12
check(
    broadcast_shape((3, 1), (3,)),
    (3, 3),
    hint="align at the right, ones on the left: (1, 3)",
)
check(
    broadcast_shape((30, 4), (4,)),
    (30, 4),
    hint="the result has all axes of the longer shape",
)
check(
    broadcast_shape((4,), (30, 4)),
    (30, 4),
    hint="the first shape can be the shorter one",
)
check(broadcast_shape((3, 1), (4,)), (3, 4), hint="both operands can grow")
check(
    broadcast_shape((2, 1, 5), (3, 1)),
    (2, 3, 5),
    hint="compare axis by axis after aligning",
)
check(broadcast_shape((), (2, 3)), (2, 3), hint="a scalar fits to everything")
check(broadcast_shape((0, 4), (1, 4)), (0, 4), hint="of 0 and 1, the one that is not 1")
check(type(broadcast_shape((2,), (2,))).__name__, "tuple", hint="a shape is a tuple")
check_raises(ValueError, lambda: broadcast_shape((30, 4), (30,)), hint="4 meets 30")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


@observe(lengths=integers(4, low=2, high=9), ones=integers(4, low=0, high=2))
def one_of_each_pair_is_one(tensor, lengths, ones):
    """Along each axis one of the two shapes has length 1, and the result the other length."""
    a = tuple(np.where(ones == 1, 1, lengths).tolist())
    b = tuple(np.where(ones == 0, 1, lengths).tolist())
    return tensor.broadcast_shape(a, b), tensor.broadcast_shape(b, a)


@observe(lengths=integers(4, low=2, high=9), missing=integers(low=1, high=4))
def the_shorter_shape_is_filled_on_the_left(tensor, lengths, missing):
    """Alignment is at the right, whichever of the two is shorter."""
    a = tuple(lengths.tolist())
    return tensor.broadcast_shape(a, a[missing:]), tensor.broadcast_shape(
        a[missing:], a
    )


@observe(lengths=integers(3, low=2, high=9))
def equal_shapes_and_scalars(tensor, lengths):
    """Equal shapes stay; a scalar takes the shape of the other one; two scalars give a scalar."""
    a = tuple(lengths.tolist())
    return [
        tensor.broadcast_shape(a, a),
        tensor.broadcast_shape(a, ()),
        tensor.broadcast_shape((), a),
        tensor.broadcast_shape((), ()),
        tensor.broadcast_shape((1, 1), (1,)),
    ]


@observe(n=integers(low=2, high=1000))
def axes_of_length_zero(tensor, n):
    """0 meets 1 and gives 0."""
    return tensor.broadcast_shape((n, 0), (1,)), tensor.broadcast_shape((1, n), (0, 1))


@observe(n=integers(low=2, high=500), m=integers(low=2000, high=3000))
def shapes_that_do_not_fit(tensor, n, m):
    """Different lengths, none of them 1, are a ValueError that names both shapes."""
    said = refusal(lambda: tensor.broadcast_shape((n, m, 5), (m, 4)))
    both = [lengths in said for lengths in (f"{n}, {m}, 5", f"{m}, 4")]
    return (
        tensor.broadcast_shape((n, 1), (m,)),
        both,
        [
            raised(lambda: tensor.broadcast_shape((n,), (n + 1,))),
            raised(lambda: tensor.broadcast_shape((n, n + 2), (n,))),
            raised(lambda: tensor.broadcast_shape((n,), (n, 2 * n))),
            raised(lambda: tensor.broadcast_shape((n, 3, 1), (n + 1, 1, 4))),
            raised(lambda: tensor.broadcast_shape((0,), (n,))),
        ],
    )


@observe(lengths=integers(3, low=2, high=9))
def a_shape_is_a_tuple(tensor, lengths):
    """The result is a tuple of whole numbers, as every shape."""
    a, b, c = lengths.tolist()
    shape = tensor.broadcast_shape((a, 1, c), (b, 1))
    return type(shape).__name__, shape


### END HIDDEN TESTS

# %% [markdown]
r"""
Your function and numpy should agree on every pair of shapes. Let's try a thousand random pairs:
"""

# %%
rng = np.random.default_rng(0)
fitting = 0
for _ in range(1000):
    a, b = (
        tuple(rng.integers(1, 4, size=rng.integers(0, 4)).tolist()) for _ in range(2)
    )
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        expected = "does not fit"
    try:
        found = broadcast_shape(a, b)
    except ValueError:
        found = "does not fit"
    assert found == expected, (a, b, found, expected)
    fitting += expected != "does not fit"
print(f"1000 pairs agree; {fitting} of them fit")

# %% [markdown]
r"""
## 1.6 One door for everything: `apply`

Now for the operators. The first idea is to write each of them out:

```python
def __add__(self, other):
    other = other.data if isinstance(other, Tensor) else other
    return Tensor(self.data + other)
```

and the same for `-`, `*`, `/`, for `sum`, for each activation, for each layer. In a finished framework that's
about a hundred functions, and each of them unwraps, computes and wraps. Suppose that one day you want to count
operations, or to remember for every result how it was computed. You would have to change a hundred functions.
And these two lines already make a decision about dtypes: `Tensor(…)` turns a result of booleans into ones and
zeros.

So we separate two things. **What** is computed is a pure function of arrays, such as `np.add`, which knows
nothing about tensors. **How** a tensor gets in and out is written once, in a function `apply`, and everything
goes through this one door:

$$\texttt{apply}(f, x, y) = \text{wrap}\big( f(\text{unwrap}(x), \text{unwrap}(y)) \big)$$

Some helpers are given. `value` unwraps one input. A number stays a Python number, because of the dtype rule:
`np.asarray(2.0)` would be float64, and you have seen what that does to float32. numpy has numbers too:
`np.sqrt(64)` is a float64 number. We treat it as a number, so a float32 tensor divided by it is still float32.
"""


# %%
#| export
def value(x):
    """The array inside a tensor; a list as an array; any number as a Python number."""
    if isinstance(x, Tensor):
        return x.data
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (list, tuple)):
        return as_array(x)
    if isinstance(x, (np.ndarray, int, float)):
        return x
    return x.__array__() if hasattr(x, "__array__") else x


# %% [markdown]
r"""
`compute` calls the function. If the shapes do not fit, numpy's message often names neither the function nor
what to do, so `compute` says both in one sentence. You needn't study it, only use it:
`compute(function, *values, **parameters)`.
"""

# %%
#| export
BROADCAST = "aligned at the right, two axes must be equally long, or one of length 1"
AXES = (
    "an axis is a whole number from -ndim to ndim - 1, or a tuple of them, each named "
    "once"
)
FITS = {
    "matmul": "the last axis of the first must be as long as the second-to-last (or "
    "only) axis of the second",
    "power": BROADCAST + ", and a negative power needs a floating dtype",
    "sum": AXES,
    "mean": AXES,
    "max": AXES + ", and without elements there is no largest one",
    "min": AXES + ", and without elements there is no smallest one",
    "var": AXES,
    "reshape": "the new shape must have as many elements as the old one, and at most "
    "one -1",
    "transpose": "every axis must be named exactly once",
    "getitem": "an index is made of whole numbers, slices or booleans; it must lie "
    "within its axis, and there can be no more indices than axes",
}


def compute(function: Callable, *values, **parameters):
    """Call a numpy function, and say in one sentence what did not fit.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    *values : ndarray or number
        Its inputs.
    **parameters
        What it needs to know besides, such as an axis.

    Returns
    -------
    ndarray or number
        The result.

    Raises
    ------
    ValueError, IndexError
        If shapes, an axis or an index do not fit; names the function and the shapes.
    TypeError
        If an input is neither a number nor an array of numbers.
    """
    try:
        return function(*values, **parameters)
    except (ValueError, IndexError, TypeError) as error:
        kind = next(
            k for k in (IndexError, TypeError, ValueError) if isinstance(error, k)
        )
        name = getattr(function, "__name__", repr(function))
        given = [describe(x) for x in values]
        given += [f"{key}={describe(setting)}" for key, setting in parameters.items()]
        if not isinstance(function, np.ufunc):
            needs = FITS.get(name, str(error))
        elif kind is TypeError:
            needs = "its inputs must be numbers or tensors"
        else:
            needs = FITS.get(name, BROADCAST)
        raise kind(f"{name} of {', '.join(given)} is not possible: {needs}") from error


def describe(x) -> str:
    """An input in a few words: an array's shape, or else what Python shows of it."""
    return f"shape {x.shape}" if hasattr(x, "shape") else f"{x!r:.60}"


# %%
two, three = np.ones((3, 2), dtype=np.float32), np.ones(3, dtype=np.float32)
print(value(Tensor([1, 2])), value(3.0), value(np.sqrt(64)), value([4, 5]))
attempt(lambda: np.add(two, three))  # numpy's own words …
attempt(lambda: compute(np.add, two, three))  # … and ours
attempt(lambda: compute(np.matmul, two, three))

# %% [markdown]
r"""
The door makes two more decisions.

**The dtype of the result.** numpy has found the right one: floats of the right width for `np.add`, booleans
for `np.isfinite`, integers for `np.argmax`. But `Tensor(result)` alone would apply our dtype rule again and
turn `True` into `1.0`. The rule is for data that comes *in*. A result keeps its dtype, so give it to `Tensor`.

**A door that can be handed over.** A later module builds another kind of tensor, one that has to do more than
compute. It must be able to say: *I want to see every operation that I am part of*. So before `apply` does
anything, it looks for a method `__apply__`: in every input, in every parameter, and inside lists of them. If
it finds one, it calls that method instead, with the same function, the same inputs in the same order, and the
same parameters, and returns the answer as it is. `Tensor` has no such method, so until then only a check below
uses this. It is why nothing in modules 1 to 6 has to change later.

The search is given. `handler_of` finds the method in a single thing or anywhere inside a list:
"""


# %%
#| export
def handler_of(x):
    """The method `__apply__` of an input, or of one in a list of inputs; else None."""
    if not isinstance(x, (list, tuple)):
        return getattr(x, "__apply__", None)
    for part in x:
        handler = handler_of(part)
        if handler is not None:
            return handler
    return None


# %% [markdown]
r"""
### Exercise: `apply` (16 points)

<details><summary>Hint 1: how do I give a list of values to a function as its arguments?</summary>

With a star: `compute(function, *values, **parameters)` passes the elements of `values` one by one, and the
entries of `parameters` by their names.

</details>

<details><summary>Hint 2: the door handed over</summary>

`inputs` is a tuple and `parameters.values()` are the parameters without their names. `handler_of` looks into a
list, so give it one list of everything. What it finds is called like a function, and gets *all* the inputs.

</details>

<details><summary>Hint 3: the dtype</summary>

Every result of a numpy function has a `dtype`. `Tensor` takes one as its second parameter.

</details>
"""


# %% exercise="apply"
#| export
def apply(function: Callable, *inputs, **parameters) -> Tensor:
    """Apply a numpy function to tensors: unwrap the inputs, compute, wrap the result.

    Every operator, method and layer of the framework comes through here. An input or
    parameter that knows better what to do (it has a method `__apply__`) is asked
    instead, with the same arguments.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    *inputs : Tensor, ndarray, list or number
        Its inputs. A number, Python's or numpy's, never changes the dtype.
    **parameters
        What it needs to know besides, such as an axis; passed on as they are.

    Returns
    -------
    Tensor
        The result, of the dtype that numpy gives it.

    Raises
    ------
    ValueError, IndexError, TypeError
        As `compute`.

    Examples
    --------
    >>> apply(np.sum, Tensor([[1, 2], [3, 4]]), axis=0)
    Tensor([4., 6.])

    Approach
    --------
    1. If `handler_of` finds a method among the inputs and the parameters, return what
       it answers to the same arguments.
    2. Unwrap every input with `value`.
    3. Let `compute` call the function on the values, with the parameters.
    4. Wrap the result in a Tensor of the result's own dtype.
    """
    ### BEGIN SOLUTION
    handler = handler_of([*inputs, *parameters.values()])
    if handler:
        return handler(function, *inputs, **parameters)
    out = compute(function, *[value(x) for x in inputs], **parameters)
    return Tensor(out, dtype=out.dtype)
    ### END SOLUTION


# %% checks="apply" points=16
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(type(apply(np.negative, x)).__name__, "Tensor", hint="wrap the result")
check(
    apply(np.add, x, x),
    [[2, 4, 6], [8, 10, 12]],
    hint="unwrap all the inputs, not only one",
)
check(
    apply(np.subtract, [10, 10, 10], x),
    [[9, 8, 7], [6, 5, 4]],
    hint="keep the order of inputs",
)
check(
    apply(np.sum, x, axis=0), [5, 7, 9], hint="hand the parameters on with **parameters"
)
check(
    str(apply(np.multiply, x, 2.0).dtype),
    "float32",
    hint="value() leaves a number a number",
)
check(
    str(apply(np.greater, x, 2.0).dtype),
    "bool",
    hint="the result keeps the dtype numpy gave it",
)


class Parcel:
    """Takes over every operation that it is part of, and only notes what was asked.

    It holds three zeros. If you see numbers in its place, nobody has asked it.
    """

    data = np.zeros(3)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype, copy=copy)

    def __apply__(self, function, *inputs, **parameters):
        return f"{function.__name__} of {len(inputs)} with {sorted(parameters)}"


check(
    apply(np.add, Parcel(), x), "add of 2 with []", hint="ask the __apply__ of an input"
)
check(
    apply(np.add, x, Parcel()),
    "add of 2 with []",
    hint="look at all inputs, not at the first",
)
check(
    apply(np.sum, Parcel(), axis=0),
    "sum of 1 with ['axis']",
    hint="hand on the parameters",
)
check(
    apply(np.add, x, [1, [2, Parcel()]]),
    "add of 2 with []",
    hint="handler_of looks into lists",
)
check(
    apply(np.sum, x, where=Parcel()),
    "sum of 1 with ['where']",
    hint="look at the parameters too",
)
check_raises(ValueError, lambda: apply(np.add, x, [1, 2]), hint="use compute")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"))
def a_function_of_two_tensors(tensor, x, y):
    """All inputs are unwrapped, in their order, and the result is a Tensor."""
    out = tensor.apply(np.subtract, tensor.Tensor(x), tensor.Tensor(y))
    back = tensor.apply(np.subtract, tensor.Tensor(y), tensor.Tensor(x))
    return (
        out.data,
        back.data,
        isinstance(out, tensor.Tensor),
        isinstance(back, tensor.Tensor),
    )


@observe(x=normal(3, dtype="float32"))
def inputs_of_every_kind(tensor, x):
    """Tensors, arrays, lists, numbers, and what has an `__array__`; a list counts as float32."""
    outs = [
        tensor.apply(np.multiply, x, tensor.Tensor(x)),
        tensor.apply(np.multiply, tensor.Tensor(x), x.tolist()),
        tensor.apply(np.multiply, tuple(x.tolist()), tensor.Tensor(x)),
        tensor.apply(np.multiply, 3, tensor.Tensor(x)),
        tensor.apply(np.multiply, HasArray(x), tensor.Tensor(x)),
        tensor.apply(np.exp, x),
    ]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(3, dtype="float32"), number=normal())
def a_number_never_changes_the_dtype(tensor, x, number):
    """float32 and a number, Python's or numpy's, give float32; float16 gives float16."""
    outs = [
        tensor.apply(np.multiply, tensor.Tensor(x), number),
        tensor.apply(np.add, number, tensor.Tensor(x)),
        tensor.apply(np.divide, tensor.Tensor(x), np.sqrt(64)),
        tensor.apply(np.multiply, tensor.Tensor(x.astype("float16")), 2),
    ]
    return [(out.data, str(out.dtype)) for out in outs]


@observe(x=normal(3, 4))
def the_result_keeps_the_dtype_that_numpy_gave(tensor, x):
    """float64 stays float64, booleans stay booleans, integers stay integers."""
    t = tensor.Tensor(x)
    outs = [
        tensor.apply(np.exp, t),
        tensor.apply(np.greater, t, 0.0),
        tensor.apply(np.argmax, t, axis=1),
        tensor.apply(np.add, t, x.astype("float32")),
    ]
    return [(str(out.dtype), out.data) for out in outs]


@observe(x=normal(2, 3, 4, dtype="float32"), axis=integers(low=0, high=3))
def parameters_are_passed_on(tensor, x, axis):
    """By their names, as they are."""
    t = tensor.Tensor(x)
    out = tensor.apply(np.sum, t, axis=axis, keepdims=True)
    return (
        out.data,
        tensor.apply(np.max, t, axis=(0, 2)).data,
        tensor.apply(np.sum, t).data,
    )


@observe(x=normal(4, dtype="float32"), y=normal(4, dtype="float32"))
def a_function_of_three_inputs(tensor, x, y):
    """There can be any number of inputs."""
    out = tensor.apply(np.where, x > 0, tensor.Tensor(x), tensor.Tensor(y))
    return out.data, tensor.apply(
        lambda a, b, c: a * b + c, 2, tensor.Tensor(x), [1.0]
    ).data


@observe(x=normal(3, dtype="float32"), number=normal())
def an_input_that_knows_better_is_asked(tensor, x, number):
    """`__apply__` gets the function, the inputs and the parameters; its answer comes back as it is."""

    class Knowing:
        def __apply__(self, function, *inputs, **parameters):
            numbers = [
                number if other is self else np.asarray(other) for other in inputs
            ]
            whole = any(other is t for other in inputs)
            return [function is np.add, numbers, whole, parameters]

    t, knowing = tensor.Tensor(x), Knowing()
    return [
        tensor.apply(np.add, knowing, t),
        tensor.apply(np.add, t, knowing),
        tensor.apply(np.multiply, 2, t, knowing, axis=1, keepdims=True),
        tensor.apply(np.add, knowing),
    ]


class Knower:
    """Answers every operation with its own number, the shapes of the inputs, and the parameters' names."""

    def __init__(self, number):
        self.number = number

    def __apply__(self, function, *inputs, **parameters):
        kinds = [type(x).__name__ for x in inputs]
        return [
            self.number,
            getattr(function, "__name__", "nameless"),
            kinds,
            sorted(parameters),
        ]


@observe(x=normal(3, dtype="float32"), number=normal())
def an_input_that_knows_better_inside_a_list(tensor, x, number):
    """It is found in a list, in a list of lists and in a tuple, before and after other things."""
    t, knower = tensor.Tensor(x), Knower(number)
    return [
        tensor.apply(np.add, t, [1.0, knower, 2.0]),
        tensor.apply(np.add, [[t, [knower]], t]),
        tensor.apply(np.stack, (t, (t, knower)), axis=0),
    ]


@observe(x=normal(3, dtype="float32"), number=normal())
def a_parameter_that_knows_better(tensor, x, number):
    """It is found among the parameters, also inside a list."""
    t, knower = tensor.Tensor(x), Knower(number)
    return [
        tensor.apply(np.sum, t, axis=0, where=knower),
        tensor.apply(np.sum, t, where=[True, [knower]]),
    ]


@observe(x=normal(2, 3, dtype="float32"))
def an_error_names_the_function_and_the_shapes(tensor, x):
    """What does not fit is refused with the words of `compute`; what fits is computed."""
    t, turned = tensor.Tensor(x), tensor.Tensor(x.T)
    try:
        tensor.apply(np.add, t, turned)
    except ValueError as error:
        said = [word in str(error) for word in ("add", "(2, 3)", "(3, 2)")]
        return said, tensor.apply(np.matmul, t, turned).data


@observe(x=normal(3, dtype="float32"))
def the_inputs_stay_as_they_were(tensor, x):
    """The result has memory of its own."""
    t = tensor.Tensor(x.copy())
    out = tensor.apply(np.add, t, 1.0)
    out.data[0] = 1000.0
    return t.data, out.data


### END HIDDEN TESTS

# %% [markdown]
r"""
With the door open, each operator is one line.

## 1.7 Arithmetic

When Python meets `x + y`, it calls `x.__add__(y)`. There is such a method for each operator; writing them is
called *operator overloading*. Ours all work the same way: the method gives `apply` the numpy function and the
operands, in the order in which they are written. That's all. `apply` takes care of unwrapping, dtype, errors and
wrapping.

| written | method | function | with $x = (1, 2, 4)$, $y = (2, 2, 2)$ |
| --- | --- | --- | --- |
| `x + y` | `__add__` | `np.add` | $(3, 4, 6)$ |
| `x - y` | `__sub__` | `np.subtract` | $(-1, 0, 2)$ |
| `x * y` | `__mul__` | `np.multiply` | $(2, 4, 8)$ |
| `x / y` | `__truediv__` | `np.divide` | $(0.5, 1, 2)$ |
| `x ** y` | `__pow__` | `np.power` | $(1, 4, 16)$ |
| `x @ y` | `__matmul__` | `np.matmul` | $1 \cdot 2 + 2 \cdot 2 + 4 \cdot 2 = 14$ |
| `-x` | `__neg__` | `np.negative` | $(-1, -2, -4)$ |
| `abs(x)` | `__abs__` | `np.abs` | $(1, 2, 4)$ |

All but one work element by element, with broadcasting. The exception is `@`, the matrix product: for $A$ of
shape $(n, k)$ and $B$ of shape $(k, m)$,

$$(A B)_{ij} = \sum_{p=0}^{k-1} A_{ip} \, B_{pj}, \qquad \text{of shape } (n, m).$$

The module on layers takes it apart; here we only connect it.

It matters which function you name. `-x` and `0 - x` give the same numbers, but not through the same function,
and a later module looks up in a table what it needs to know about each function.

### Exercise: `+` (4 points)

You write `__add__`, in one line.

<details><summary>Hint</summary>

Which function, and which two inputs? Give them to `apply`, and return what it gives back.

</details>
"""


# %% exercise="arithmetic"
#| export
@extend(Tensor)
class Arithmetic:
    """The operators ``+ - * / ** @``, minus and `abs`, with the tensor on the left."""

    __slots__ = ()

    def __add__(self, other):
        """``x + y``, where `other` is a Tensor, an array, a list or a number.

        Examples
        --------
        >>> Tensor([1, 2, 4]) + 2
        Tensor([3., 4., 6.])
        """
        ### BEGIN SOLUTION
        return apply(np.add, self, other)
        ### END SOLUTION


# %% checks="arithmetic" points=4
x, y = Tensor([1, 2, 4]), Tensor([2, 2, 2])
check(x + y, [3, 4, 6], hint="np.add")
check(x, [1, 2, 4], hint="x + y makes a new tensor; x stays as it was")
check(x + 10, [11, 12, 14], hint="apply unwraps; a number needs no special case")
check(
    Tensor([[1], [2]]) + x,
    [[2, 3, 5], [3, 4, 6]],
    hint="numpy broadcasts; nothing to do",
)
check(type(x + y).__name__, "Tensor", hint="apply wraps the result")
check(str((x + 0.1).dtype), "float32", hint="a Python number never changes the dtype")
check_raises(ValueError, lambda: x + [1, 2], hint="apply refuses what does not fit")
check(x + Parcel(), "add of 2 with []", hint="hand np.add to apply")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe


def seen_by_apply(tensor, action):
    """What an action asks of `apply`, and what it makes of an answer that is no tensor."""
    seen = []

    def spy(function, *inputs, **parameters):
        inputs = [np.asarray(x) for x in inputs]
        seen.append([getattr(function, "__name__", "nameless"), inputs, parameters])
        return "the answer of apply"

    original, tensor.apply = tensor.apply, spy
    try:
        result = action()
    finally:
        tensor.apply = original
    return result if isinstance(result, str) else type(result).__name__, seen


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"))
def sums(tensor, x, y):
    """x + y for a tensor and a tensor, an array, a list, a number; a new tensor is made."""
    t = tensor.Tensor(x.copy())
    outs = (
        (t + tensor.Tensor(y)).data,
        (t + y).data,
        (t + y.tolist()).data,
        (t + 3).data,
    )
    return outs, t.data


@observe(x=normal(3))
def the_dtype_of_a_sum(tensor, x):
    """A number never changes the dtype; float32 and float64 give float64."""
    double, single, half = [
        tensor.Tensor(x.astype(dtype)) for dtype in ("float64", "float32", "float16")
    ]
    outs = [single + 1, half + 0.5, double + 2.0, single + double]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 2, dtype="float32"), y=normal(2, 2, dtype="float32"))
def a_sum_goes_through_apply(tensor, x, y):
    """np.add and the two operands, in order, are handed to `apply`."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    return seen_by_apply(tensor, lambda: a + b), seen_by_apply(tensor, lambda: b + 2)


### END HIDDEN TESTS

# %% [markdown]
r"""
It works: two tensors can be added. The other seven methods have the same form, so they are given.
"""


# %%
#| export
@extend(Tensor, Arithmetic)
class MoreArithmetic:
    """The other operators of `Arithmetic`, each with its function and operands."""

    __slots__ = ()

    def __sub__(self, other):
        return apply(np.subtract, self, other)

    def __mul__(self, other):
        return apply(np.multiply, self, other)

    def __truediv__(self, other):
        return apply(np.divide, self, other)

    def __pow__(self, other):
        return apply(np.power, self, other)

    def __matmul__(self, other):
        return apply(np.matmul, self, other)

    def __neg__(self):
        return apply(np.negative, self)

    def __abs__(self):
        return apply(np.abs, self)


# %%
x, y = Tensor([1, 2, 4]), Tensor([2, 2, 2])
print(x - y, x * y, x / y, x**y, x @ y, -x, abs(-x))

# %% [markdown]
r"""
## 1.8 When the tensor is on the right

`x - 2` works. What about `2 - x`?
"""

# %%
x = Tensor([1, 2, 4])
attempt(lambda: 2 - x)
attempt(lambda: type(np.array([1.0, 2.0, 4.0]) - x))

# %% [markdown]
r"""
(You see this when the cell runs for the first time. After the next two cells of code, both work.)

The first case: Python calls `(2).__sub__(x)`. The number does not know our class and answers `NotImplemented`.
Python then tries the **reflected** method of the right operand, `x.__rsub__(2)`, and we have none.

The second case is worse, because nothing complains. The left operand is a numpy array. It finds the method
`__array__`, takes our values, and gives an ndarray: the result is no longer a tensor. A later module's tensors
remember how they were computed. They would forget everything before that minus sign, without an error.

The cure for the first case is six reflected methods. Mind the order: $2 - x \neq x - 2$, and in `__rsub__` the
tensor is `self`, although it is written on the **right**.

| written | Python calls | what is computed, for $x = (1, 2, 4)$ |
| --- | --- | --- |
| `2 - x` | `x.__rsub__(2)` | $2 - x = (1, 0, -2)$ |
| `2 / x` | `x.__rtruediv__(2)` | $2 / x = (2, 1, 0.5)$ |
| `2 ** x` | `x.__rpow__(2)` | $2^x = (2, 4, 16)$ |

### Exercise: `2 - x` (5 points)

You write `__rsub__`, in one line.

<details><summary>Hint</summary>

The same function as for `x - 2`, with the operands in the order in which they are *written*. For `2 - x`, which
comes first, `self` or `other`?

</details>
"""


# %% exercise="reflected"
#| export
@extend(Tensor)
class ReflectedArithmetic:
    """The operators ``+ - * / ** @`` with the tensor on the right, as in ``2 - x``."""

    __slots__ = ()

    def __rsub__(self, other):
        """``other - self``: the tensor is the right operand.

        Examples
        --------
        >>> 2 - Tensor([1, 2, 4])
        Tensor([ 1.,  0., -2.])
        """
        ### BEGIN SOLUTION
        return apply(np.subtract, other, self)
        ### END SOLUTION


# %% checks="reflected" points=5
x = Tensor([1, 2, 4])
check(2 - x, [1, 0, -2], hint="2 - x, not x - 2")
check([5, 5, 5] - x, [4, 3, 1], hint="the list is on the left")
check(type(2 - x).__name__, "Tensor", hint="apply wraps the result")
check(str((2 - x).dtype), "float32", hint="hand the number to apply as it is")
check(Parcel() - x, "subtract of 2 with []", hint="hand np.subtract to apply")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"), number=normal())
def differences_from_the_right(tensor, x, y, number):
    """A number or a list, minus a tensor."""
    t = tensor.Tensor(x)
    outs = [number - t, y.tolist() - t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(3, dtype="float32"))
def the_dtype_from_the_right(tensor, x):
    """A number on the left never changes the dtype."""
    outs = [
        0.5 - tensor.Tensor(x.astype(dtype))
        for dtype in ("float16", "float32", "float64")
    ]
    return [(out.data, str(out.dtype)) for out in outs]


@observe(x=normal(2, 2, dtype="float32"), y=normal(2, 2, dtype="float32"))
def the_left_operand_comes_first(tensor, x, y):
    """np.subtract and the operands, the left one first, are handed to `apply`."""
    t, left = tensor.Tensor(x), y.tolist()
    return seen_by_apply(tensor, lambda: left - t), seen_by_apply(
        tensor, lambda: 3.0 - t
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
The other five are given, and with them the cure for the second case. numpy calls a function like `np.exp` or
`np.subtract` a *ufunc*. When a ufunc meets an object with a method `__array_ufunc__`, it leaves everything to
that method, and ours sends the function through our door. So `array - x` gives a tensor, and so does
`np.exp(x)`: all of numpy's functions of one or two operands now take tensors. It refuses just two things:
functions with several results, and settings such as `where=` or `out=` (`array += x` is one of these: it
writes into an existing array).
"""


# %%
#| export
@extend(Tensor, ReflectedArithmetic)
class MoreReflectedArithmetic:
    """The other operators of `ReflectedArithmetic`, and numpy's own functions."""

    __slots__ = ()

    def __radd__(self, other):
        return apply(np.add, other, self)

    def __rmul__(self, other):
        return apply(np.multiply, other, self)

    def __rtruediv__(self, other):
        return apply(np.divide, other, self)

    def __rpow__(self, other):
        return apply(np.power, other, self)

    def __rmatmul__(self, other):
        return apply(np.matmul, other, self)

    def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
        """How numpy's functions meet a tensor: ``np.exp(x)``, ``array < x``.

        The result is what `apply` gives; if that is booleans, it is a plain array.
        """
        if method != "__call__" or ufunc.nout > 1:
            return NotImplemented
        if parameters:
            settings = ", ".join(f"{name}=" for name in parameters)
            raise TypeError(
                f"{ufunc.__name__} of a tensor takes no {settings}; leave it out (for "
                "array += x, write array = array + x), or compute with np.asarray(x)"
            )
        out = apply(ufunc, *inputs)
        return np.asarray(out) if out.dtype == bool else out


# %%
print(10 + x, 3 * x, 2 / x, 2**x, [[1, 0, 0], [0, 0, 1]] @ x)
print(repr(np.array([1.0, 2.0, 4.0]) - x), repr(np.sqrt(x)))
attempt(lambda: np.add(x, 1, where=[True, False, True]))

# %% [markdown]
r"""
## 1.9 Comparisons

Are two tensors equal? Without a method for it, Python asks whether both are the *same object*. So two tensors
with the same numbers would not be equal, and `x < y` would be a TypeError. What you need in practice is a
comparison element by element, which gives one boolean each, a **mask**:

$$x = (1, 5, 3), \quad y = (2, 5, 1): \qquad x < y = (\text{true}, \text{false}, \text{false}), \qquad
x \le y = (\text{true}, \text{true}, \text{false}).$$

Masks select (`x[x > 0]`, in 1.12) and count (`(x > 0).sum()`). A network does not compute with them, and no
gradient ever flows through them. So a comparison gives a plain numpy array of booleans, not a tensor, and does
not go through `apply`: it unwraps with `value` and calls `compute`, which keeps the error messages readable.

Python asks for one thing in return. The objects of a class that defines `__eq__` can be neither in a set nor keys
of a dictionary. The last line of the group makes both possible again, because a later module keeps tensors in a
dictionary. The whole group is given:
"""


# %%
#| export
@extend(Tensor)
class Comparisons:
    """``== != < <= > >=``, element by element; each gives a numpy array of booleans.

    They work for any class with an `__array__` method, and broadcast as the arithmetic
    does. Of two scalars the result is a single numpy boolean.

    Examples
    --------
    >>> Tensor([1, 5, 3]) < 3
    array([ True, False, False])
    """

    __slots__ = ()

    def __eq__(self, other):
        return compute(np.equal, value(self), value(other))

    def __ne__(self, other):
        return compute(np.not_equal, value(self), value(other))

    def __lt__(self, other):
        return compute(np.less, value(self), value(other))

    def __le__(self, other):
        return compute(np.less_equal, value(self), value(other))

    def __gt__(self, other):
        return compute(np.greater, value(self), value(other))

    def __ge__(self, other):
        return compute(np.greater_equal, value(self), value(other))

    # A class with its own == would lose its hash, and could be no dict's key.
    __hash__ = object.__hash__


# %%
x, y = Tensor([1, 5, 3]), Tensor([2, 5, 1])
print("x < y:", x < y, " x <= y:", x <= y, " x == y:", x == y, " x > 2:", x > 2)
print("how many are above 2:", (x > 2).sum())

# %% [markdown]
r"""
## 1.10 From many numbers to few: reductions

A **reduction** makes one number of many: their sum, mean, maximum, minimum or variance. Without an `axis` it
takes all elements. With one it takes the elements along that axis, and the axis disappears. For a table of 2
days and 3 measurements,

$$X = \begin{pmatrix} 1 & 2 & 6 \\ 3 & 4 & 8 \end{pmatrix}$$

| call | result | shape | in words |
| --- | --- | --- | --- |
| `X.sum()` | $24$ | `()` | everything |
| `X.sum(axis=0)` | $(4, 6, 14)$ | `(3,)` | down the rows: a sum for each column |
| `X.sum(axis=1)` | $(9, 15)$ | `(2,)` | along the columns: a sum for each row |
| `X.sum(axis=1, keepdims=True)` | $\begin{pmatrix} 9 \\ 15 \end{pmatrix}$ | `(2, 1)` | the same, as a column |
| `X.sum(axis=(0, 1))` | $24$ | `()` | along both |

Remember: **the axis that you name is the one that disappears.**

The mean and the variance of $n$ numbers are

$$\bar{x} = \frac{1}{n} \sum_i x_i, \qquad \operatorname{var}(x) = \frac{1}{n} \sum_i (x_i - \bar{x})^2.$$

For the second row: $\bar{x} = (3 + 4 + 8) / 3 = 5$ and $\operatorname{var} = (4 + 1 + 9) / 3 \approx 4.667$.
We divide by $n$, as numpy does; statistics often divides by $n - 1$.

### What `keepdims` is for

Subtract from each row its own mean. That looks harmless. We try it with numpy, on a table of 2 × 3 and on one
of 3 × 3:
"""

# %%
table = np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]])
attempt(lambda: table - table.mean(axis=1))

square = np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0], [0.0, 0.0, 3.0]])
wrong = square - square.mean(axis=1)
print(wrong)
print("the means of its rows should be 0:", wrong.mean(axis=1))

# %% [markdown]
r"""
The first one is an error: `(2, 3)` does not fit `(2,)`. The second one is **no error, and wrong**.
Broadcasting aligned the three row means with the three *columns*: the mean of row 0 was subtracted from
column 0, and so on. Only a test with a table that is not square finds this mistake.

With `keepdims=True` the axis is not dropped but keeps length 1. The means are a column, `(3, 1)`, and each
meets its own row:
"""

# %%
right = square - square.mean(axis=1, keepdims=True)
print(right)
print("the means of its rows:", right.mean(axis=1))

# %% [markdown]
r"""
### Exercise: `sum` (5 points)

You write `sum`, in one line.

<details><summary>Hint 1</summary>

`axis` and `keepdims` are parameters, not inputs. `apply` passes on to the function whatever it is given by
name.

</details>

<details><summary>Hint 2: inside a method called `sum`, is `sum` the method?</summary>

No. There, `sum` is Python's own function, and the method is `self.sum`. You need neither of them: take `np.sum`.

</details>
"""


# %% exercise="reductions"
#| export
@extend(Tensor)
class Reductions:
    """From many numbers to few, over all axes or those of `axis` (int or tuple).

    With ``keepdims=True`` a reduced axis stays, with length 1, so that the result still
    broadcasts against the tensor it came from.
    """

    __slots__ = ()

    def sum(self, axis=None, keepdims: bool = False):
        """The sum of the elements, with np.sum.

        Examples
        --------
        >>> Tensor([[1, 2, 6], [3, 4, 8]]).sum(axis=1)
        Tensor([ 9., 15.])
        """
        ### BEGIN SOLUTION
        return apply(np.sum, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION


# %% checks="reductions" points=5
x = Tensor([[1, 2, 6], [3, 4, 8]])
check(x.sum(), 24, hint="without an axis, all elements")
check(
    x.sum(axis=0),
    [4, 6, 14],
    hint="hand axis on; the axis named is the one that disappears",
)
check(x.sum(axis=1), [9, 15], hint="the axis named is the one that disappears")
check(x.sum(axis=1, keepdims=True), [[9], [15]], hint="hand keepdims on as well")
check(x.sum(axis=(0, 1)), 24, hint="several axes as a tuple")
check(type(x.sum()).__name__, "Tensor", hint="through apply")
check_raises(IndexError, lambda: x.sum(axis=2), hint="there are only the axes 0 and 1")


class ReducedParcel(Parcel, Reductions):
    """Inherits your sum, and takes over every operation that it is part of."""


both = "sum of 1 with ['axis', 'keepdims']"
check(ReducedParcel().sum(), both, hint="hand np.sum to apply, with both parameters")
### BEGIN HIDDEN TESTS
import functools

from tito.observations import integers, normal, observe


@observe(x=normal(2, 3, 4, dtype="float32"))
def sums_over_axes(tensor, x):
    """The sum over everything, an axis, several axes; with the axes kept or dropped."""
    t = tensor.Tensor(x)
    outs = [t.sum(), t.sum(axis=0), t.sum(axis=-1), t.sum(axis=(0, 2)), t.sum(2)]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 3, 4, dtype="float32"))
def sums_that_keep_their_axes(tensor, x):
    """A reduced axis stays with length 1, by name or by place."""
    t = tensor.Tensor(x)
    outs = [t.sum(keepdims=True), t.sum(axis=1, keepdims=True), t.sum((1, 2), True)]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 3), axis=integers(low=0, high=2))
def sums_keep_float64(tensor, x, axis):
    """float64 stays float64; the tensor stays as it was."""
    t = tensor.Tensor(x.copy())
    out = t.sum(axis)
    return out.data, str(out.dtype), t.data


@observe(x=normal(2, 3, dtype="float32"))
def sums_go_through_apply(tensor, x):
    """np.sum is handed to `apply`, with `axis` and `keepdims` by their names."""
    t = tensor.Tensor(x)
    found = []
    for arguments in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}):
        answer, seen = seen_by_apply(tensor, functools.partial(t.sum, **arguments))
        found.append(
            (
                answer,
                [(f, i, p.get("axis"), p.get("keepdims", False)) for f, i, p in seen],
            )
        )
    return found


### END HIDDEN TESTS

# %% [markdown]
r"""
Mean, maximum, minimum and variance are the same line with another function, so they are given.
"""


# %%
#| export
@extend(Tensor, Reductions)
class MoreReductions:
    """The other methods of `Reductions`."""

    __slots__ = ()

    def mean(self, axis=None, keepdims: bool = False):
        """The mean of the elements."""
        return apply(np.mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis=None, keepdims: bool = False):
        """The largest element."""
        return apply(np.max, self, axis=axis, keepdims=keepdims)

    def min(self, axis=None, keepdims: bool = False):
        """The smallest element."""
        return apply(np.min, self, axis=axis, keepdims=keepdims)

    def var(self, axis=None, keepdims: bool = False):
        """The variance: the mean of the squared distances from the mean."""
        return apply(np.var, self, axis=axis, keepdims=keepdims)


# %%
x = Tensor([[1, 2, 6], [3, 4, 8]])
print(x.mean(axis=1), x.max(axis=0), x.min(axis=1), x.var(axis=1), x.mean(axis=(0, 1)))

# %% [markdown]
r"""
A warning: write `x.sum()`, not `np.sum(x)`. numpy's reductions are no ufuncs, so `np.sum(x)` does not come
through our door. numpy calls the method `sum` with a parameter that we don't have, and complains. `np.exp(x)` is
fine.

## 1.11 The same numbers in another arrangement

`reshape` reads the same row of numbers with another shape; the size must stay the same. One length may be
`-1`: it is then what is left over. Of 12 elements, `reshape(3, -1)` has the shape `(3, 4)`.

`transpose` changes the order of the axes. `x.transpose(2, 0, 1)` means: the result's axis 0 is the old axis
2, its axis 1 is the old axis 0, its axis 2 the old axis 1. In a formula, for the order
$(p_0, \dots, p_{k-1})$ the new shape is $(n_{p_0}, \dots, n_{p_{k-1}})$. A photograph of shape `(48, 64, 3)`
becomes `(3, 48, 64)`: three grey pictures, one for each colour. Without arguments the order is reversed, and
`x.T` is short for that.

The two are often mixed up, since for a matrix they can give the same shape:

$$X = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}, \quad
\texttt{X.reshape(3, 2)} = \begin{pmatrix} 1 & 2 \\ 3 & 4 \\ 5 & 6 \end{pmatrix}, \quad
\texttt{X.T} = \begin{pmatrix} 1 & 4 \\ 2 & 5 \\ 3 & 6 \end{pmatrix}.$$

`reshape` keeps the reading order of the numbers and breaks the columns; `transpose` keeps the columns (as
rows) and changes the reading order.

Both give views where they can, with new strides on the old memory. That makes them nearly free. It also means
that writing into the result changes the original.

This group is given. Its only trick: `*shape` in the signature makes a tuple of all arguments, so that both
`x.reshape(2, 3)` and `x.reshape((2, 3))` work.
"""


# %%
#| export
@extend(Tensor)
class Shaping:
    """The same numbers in another arrangement; a view where that is possible."""

    __slots__ = ()

    def reshape(self, *shape):
        """The elements in the given shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``.

        One of the lengths may be -1: it is then what the number of elements makes it.
        """
        shape = shape[0] if len(shape) == 1 else shape
        return apply(np.reshape, self, shape=shape)

    def transpose(self, *axes):
        """The axes in the given order, as ``transpose(1, 0)`` or ``transpose((1, 0))``.

        Name for each axis of the result which axis of this tensor it is; without any
        names, the order is reversed.
        """
        axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return apply(np.transpose, self, axes=axes or None)

    @property
    def T(self):
        """The tensor with its axes in reverse order; for a matrix, its transpose."""
        return self.transpose()


# %%
x = Tensor([[1, 2, 3], [4, 5, 6]])
print(x.reshape(3, 2), x.T, sep="\n")
photograph = Tensor(np.zeros((48, 64, 3)))
print(photograph.transpose(2, 0, 1).shape, photograph.reshape(-1, 3).shape)

x.T.data[2, 0] = 100  # written through the view …
print(x)  # … and seen in the original

# %% [markdown]
r"""
## 1.12 Reading a part

`x[index]` calls `x.__getitem__(index)`. The index can be a number (takes one, and the axis disappears), a
slice `1:3` (takes some, and the axis stays), a mask of booleans, an array of positions, or several of these
with commas, one for each axis:

| for $X$ of 1.10 | result | shape |
| --- | --- | --- |
| `X[1]` | $(3, 4, 8)$ | `(3,)` |
| `X[:, 2]` | $(6, 8)$ | `(2,)` |
| `X[:, 1:]` | $\begin{pmatrix} 2 & 6 \\ 4 & 8 \end{pmatrix}$ | `(2, 2)` |
| `X[X > 3]` | $(6, 4, 8)$ | `(3,)` |
| `X[[1, 0, 1]]` | rows 1, 0 and 1 | `(3, 3)` |

numpy can do all of that. We only have to bring it through our door, and the door wants a function. So there is a
function `getitem` that does what the brackets do.

The group has a second method, `__iter__`, for `for day in days:`. Do we need it? Python can go through any
object with `__getitem__`: it asks for `x[0]`, `x[1]`, … until an IndexError comes. A scalar raises that error at
once, so a loop over a scalar would run *zero times*, without a word, and a list of losses made that way would be
empty. `__iter__` asks for `len`, which makes it a TypeError. This group is given too:
"""


# %%
#| export
def getitem(x: np.ndarray, index) -> np.ndarray:
    """``x[index]`` as a function, so that it can go through `apply`."""
    return x[index]


@extend(Tensor)
class Indexing:
    """Reading a part, as in ``x[:, 1:3]`` or ``x[x > 0]``, and one row at a time."""

    __slots__ = ()

    def __getitem__(self, index):
        """``x[index]`` for every index numpy knows; a view for a number or a slice."""
        return apply(getitem, self, index=index)

    def __iter__(self) -> Iterator:
        """The parts along the first axis in turn; without axes, a TypeError."""
        return (self[i] for i in range(len(self)))


# %%
x = Tensor([[1, 2, 6], [3, 4, 8]])
print(x[1], x[:, 2], x[x > 3], x[[1, 0, 1]].shape)
print("the sum of each row:", [row.sum().item() for row in x])
attempt(lambda: list(Tensor(1.0)))
attempt(lambda: x[2])

# %% [markdown]
r"""
That is the tensor. Before we use it, the second written question.

### Question: the loss that could not fall (4 points)

A network predicts one number for each of 32 days, `predictions` of shape `(32,)`. The targets come from a
table with one column, `targets` of shape `(32, 1)`. The loss is written as

```python
loss = ((predictions - targets) ** 2).mean()
```

There is no error. But even with perfect predictions the loss is far from 0, and training makes all the
predictions drift to the same number.

(a) What shape does `predictions - targets` have, and how many numbers does it hold? (b) How many of these
compare a prediction with its *own* target, and what do the others compare? (c) Which common number do the
predictions drift to, and why? (d) Write one line that repairs it.

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="loss-that-could-not-fall" points=4
r"""
**Model answer.** (a) `(32,)` is aligned as `(1, 32)` and meets `(32, 1)`: the result has the shape
`(32, 32)`, 1,024 numbers. (b) Only the 32 on the diagonal compare a prediction with its own target. The other
992 compare the prediction of one day with the target of another day. (c) Each prediction is compared with
*all* the targets equally. The number with the least mean squared distance from all targets is their mean, so
every prediction drifts to the mean of the targets. (d) For instance `targets = targets.reshape(-1)`, or
`targets[:, 0]`, or `predictions.reshape(-1, 1)`; an `assert predictions.shape == targets.shape` finds it, but
does not repair it.

**Marks.** 1 for each part. (a) needs the shape and 1,024. (b) needs 32, and that the rest compares different
days. (c) needs the mean of the targets together with a reason. (d) any line after which both shapes are equal
and the elements correspond; a transposition of `targets` alone, giving `(1, 32)`, is right too if (a) was
understood (`(32,)` and `(1, 32)` give `(1, 32)`).
"""

# %% [markdown]
r"""
# Part 2: Use

## 2.1 The table of the weather station

Here are the 30 days, as numbers drawn at random with a fixed seed: temperature in °C, humidity in %, pressure
in hPa, wind in m/s. Warm days are a little drier here, and where the pressure is low, there is more wind. The
last day is today.
"""

# %%
rng = np.random.default_rng(27)
warmth, calm = rng.normal(size=30), rng.normal(size=30)
days = Tensor(
    np.stack(
        [
            14 + 5 * warmth,
            65 - 6 * warmth + 5 * rng.normal(size=30),
            1013 + 9 * calm,
            np.exp(1.2 - 0.4 * calm + 0.3 * rng.normal(size=30)),
        ],
        axis=1,
    ),
    dtype=np.float32,
)
names = ["temperature", "humidity", "pressure", "wind"]
print(days.shape, days.dtype)
spread = days.var(axis=0)
shares = spread / spread.sum()
for name, mean, variance, share in zip(
    names, days.mean(axis=0), spread, shares, strict=True
):
    print(
        f"{name:12} mean {mean.item():7.1f}   "
        f"standard deviation {variance.item() ** 0.5:4.1f}   "
        f"share of all squared distances {share.item():4.0%}"
    )
# %% [markdown]
r"""
The columns have different units. If you compute a distance between two days from these numbers, the columns
with the largest spread decide it: look at the shares that the cell printed. Write the pressure in pascal instead
of hectopascal, and its differences are 100 times as large. Networks suffer from the same thing: the weights of a
column with large numbers get large gradients.

The cure is to **standardise**: give each column the mean 0 and the standard deviation 1,

$$z_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j}, \qquad \mu_j = \frac{1}{n} \sum_i x_{ij}, \qquad
\sigma_j = \sqrt{\frac{1}{n} \sum_i (x_{ij} - \mu_j)^2}.$$

**An example with numbers.** The column $(1, 3, 8)$ has $\mu = 4$ and
$\sigma^2 = (9 + 1 + 16) / 3 \approx 8.667$, $\sigma \approx 2.944$. It becomes $(-1.019, -0.340, 1.359)$.

One case is left: a sensor that is stuck shows the same number every day. Its $\sigma$ is 0, and $0/0$ is not
a number. Such a column should become all zeros.

### Exercise: `standardise` (7 points)

<details><summary>Hint 1: the square root</summary>

Tensors have no method for it, but `** 0.5` (and `np.sqrt`) work.

</details>

<details><summary>Hint 2: the stuck sensor</summary>

Its numerator is 0 anyway, so just don't divide by 0. Which columns are constant? Those whose largest element
equals their smallest. That comparison is an array of booleans, and a boolean counts as 0 or 1 in a sum: added to
the denominator, it changes only those columns. (Why not ask whether the variance is 0? A mean is rounded. For a
constant of 0.1 the variance in float32 may come out as $10^{-16}$ instead.)

</details>
"""


# %% exercise="standardise"
def standardise(table: Tensor) -> Tensor:
    """Give every column the mean 0 and the standard deviation 1.

    Parameters
    ----------
    table : Tensor of shape (n, columns)
        The measurements, one row for each example; n is at least 1.

    Returns
    -------
    Tensor of shape (n, columns)
        The standardised columns, in the dtype of `table`; a constant one becomes zeros.

    Approach
    --------
    1. Compute the mean and the variance of each column, down the rows.
    2. Find out which columns are constant.
    3. Subtract the mean, and divide by the square root of the variance, or by 1 where
       it is constant.
    """
    ### BEGIN SOLUTION
    deviation = table.var(axis=0) ** 0.5
    constant = table.max(axis=0) == table.min(axis=0)
    return (table - table.mean(axis=0)) / (deviation + constant)
    ### END SOLUTION


# %% checks="standardise" points=7
table = Tensor([[1, 7], [3, 7], [8, 7]])
z = [[-1.0190493, 0], [-0.3396831, 0], [1.3587324, 0]]
check(
    standardise(table)[:, 0],
    [row[0] for row in z],
    hint="(x - mean) / standard deviation",
)
check(standardise(table), z, hint="do not divide by 0 where all elements are equal")
same = Tensor([[0.1]] * 7)
check(
    standardise(same)[:, 0],
    [0] * 7,
    hint="rounded, their variance is not quite 0; use max, min",
)
check(
    standardise(days).mean(axis=0),
    [0, 0, 0, 0],
    hint="per column: axis=0",
    tolerance=1e-3,
)
check(
    standardise(days).var(axis=0),
    [1, 1, 1, 1],
    hint="per column: axis=0",
    tolerance=1e-3,
)
check(
    str(standardise(days).dtype),
    "float32",
    hint="Tensors and numbers only, no float64 arrays",
)
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe


@observe(x=normal(7, 3), shift=normal(3), scale=integers(3, low=1, high=50))
def every_column_is_standardised(tensor, x, shift, scale):
    """The mean of each column is 0 and its standard deviation 1."""
    z = tensor.standardise(tensor.Tensor(x * scale + 10 * shift))
    return z.data, type(z).__name__


@observe(x=normal(4, 4, dtype="float32"))
def a_square_table(tensor, x):
    """As many rows as columns: a mean over the wrong axis would fit as well, and be wrong."""
    z = tensor.standardise(tensor.Tensor(3 * x + 2))
    return z.data, str(z.dtype)


@observe(x=normal(5, 4), stuck=integers(low=-9, high=9))
def constant_columns_become_zeros(tensor, x, stuck):
    """The constant columns give zeros, and the others are standardised as ever."""
    x[:, 1], x[:, 3] = stuck, stuck + 20
    return tensor.standardise(tensor.Tensor(x)).data


@observe(x=normal(7, 1), stuck=normal(40))
def columns_that_are_constant_but_for_rounding(tensor, x, stuck):
    """Their mean is rounded, so the variance that comes out may be tiny instead of 0."""
    table = np.concatenate([x, np.tile(stuck, (7, 1))], axis=1)
    tables = [tensor.Tensor(table.astype(dtype)) for dtype in ("float32", "float64")]
    return [tensor.standardise(t).data for t in tables]


@observe(x=normal(6, 2, dtype="float32"))
def the_table_stays_as_it_was(tensor, x):
    """A new tensor is made."""
    table = tensor.Tensor(x.copy())
    z = tensor.standardise(table)
    return table.data, z.data


### END HIDDEN TESTS

# %% [markdown]
r"""
## 2.2 Which day was most like today?

Two days $a$ and $b$ are alike if the distance between their standardised numbers is small,

$$d(a, b) = \sqrt{\sum_j (a_j - b_j)^2}.$$

For *all* pairs of $n$ days and $m$ days that is a table of $n \times m$ distances. You could write two loops.
Broadcasting does it at once: give $a$ the shape $(n, 1, k)$ and $b$ the shape $(1, m, k)$; their
difference has the shape $(n, m, k)$ and holds each pair; then sum the squares over the last axis.

**An example with numbers.** For $a = ((0, 0), (3, 4))$ and $b = ((0, 0), (0, 4), (3, 0))$ the differences
have the shape $(2, 3, 2)$ and the distances are

$$\begin{pmatrix} 0 & 4 & 3 \\ 5 & 3 & 4 \end{pmatrix}.$$

### Exercise: `distances` (7 points)

<details><summary>Hint</summary>

A new axis of length 1 comes from `reshape`, or from `None` as an index: `a[:, None, :]` has the shape
$(n, 1, k)$.

</details>
"""


# %% exercise="distances"
def distances(a: Tensor, b: Tensor) -> Tensor:
    """The distance of each row of `a` from each row of `b`, without a loop.

    Parameters
    ----------
    a : Tensor of shape (n, k)
        Some points.
    b : Tensor of shape (m, k)
        Other points.

    Returns
    -------
    Tensor of shape (n, m)
        In row i and column j, the distance of point i of `a` from point j of `b`.

    Approach
    --------
    1. Give both another axis of length 1, so that each row of `a` meets each of `b`.
    2. Subtract, square, sum over the measurements, and take the square root.
    """
    ### BEGIN SOLUTION
    differences = a[:, None, :] - b[None, :, :]
    return (differences**2).sum(axis=-1) ** 0.5
    ### END SOLUTION


# %% checks="distances" points=7
a, b = Tensor([[0, 0], [3, 4]]), Tensor([[0, 0], [0, 4], [3, 0]])
check(
    distances(a, b),
    [[0, 4, 3], [5, 3, 4]],
    hint="the shapes are (2, 1, 2) and (1, 3, 2)",
)
check(
    distances(b, a).shape,
    (3, 2),
    hint="the rows of the result belong to the first argument",
)
check(distances(a, a), [[0, 5], [5, 0]], hint="each point is at distance 0 from itself")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe


@observe(a=normal(3, 4), b=normal(5, 4))
def distances_of_every_pair(tensor, a, b):
    """Row i and column j hold the distance of a's row i from b's row j."""
    out = tensor.distances(tensor.Tensor(a), tensor.Tensor(b))
    return out.data, type(out).__name__, str(out.dtype)


@observe(a=normal(4, 4, dtype="float32"), b=normal(4, 4, dtype="float32"))
def distances_where_all_shapes_are_equal(tensor, a, b):
    """As many points as measurements: an axis mixed up would fit as well, and be wrong."""
    out = tensor.distances(tensor.Tensor(a), tensor.Tensor(b))
    return out.data, str(out.dtype)


@observe(a=normal(1, 3), b=normal(6, 3), c=normal(4, 1))
def distances_of_one_point_and_on_a_line(tensor, a, b, c):
    """One point against six, and points with a single measurement."""
    one = tensor.distances(tensor.Tensor(a), tensor.Tensor(b))
    line = tensor.distances(tensor.Tensor(c), tensor.Tensor(c + 1))
    return one.data, line.data


### END HIDDEN TESTS

# %% [markdown]
r"""
Now the two questions from the beginning. The most unusual day is the one whose standardised numbers are
furthest from 0. The day most like today is the one at the smallest distance from it (except today itself).
We ask once with the raw numbers and once with the standardised ones.
"""

# %%
z = standardise(days)
origin = Tensor(np.zeros((1, 4), dtype=np.float32))
unusual = int(np.argmax(distances(z, origin).numpy()))
print(f"most unusual: day {unusual},", np.round(days[unusual].numpy(), 1))

print("today:                ", np.round(days[-1].numpy(), 1))
for label, table in (("raw", days), ("standardised", z)):
    row = distances(table[-1:], table[:-1])[0].numpy()
    nearest = int(np.argmin(row))
    print(f"most alike ({label}): day {nearest},", np.round(days[nearest].numpy(), 1))

# %% [markdown]
r"""
By the raw numbers the most similar day had about half of today's wind, because the wind hardly counts there. By
the standardised ones it is a day that resembles today in all four.

All distances at once are easier to look at than to read. The picture has a row and a column for each day.
Dark means alike, light means different. The diagonal is black, since each day is at distance 0 from itself,
and the picture is symmetric. A light line, across and down, is an unusual day: it is far from all the others. On
the left the numbers are raw, on the right standardised. The two pictures differ because on the left humidity and
pressure decide nearly alone.
"""

# %% demo=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for axis, (label, table) in zip(
    axes, (("raw", days), ("standardised", z)), strict=True
):
    picture = axis.imshow(distances(table, table).numpy(), cmap="magma")
    axis.set(title=f"distances between days, {label}", xlabel="day", ylabel="day")
    figure.colorbar(picture, ax=axis)
figure.tight_layout()
show(
    figure,
    "Two heat maps of the distances between all pairs of days, with a bar for the "
    "shades: raw on the left, standardised on the right. The diagonal is darkest; a "
    "light row and column is a day unlike all others, and these are other days on the "
    "right than on the left.",
)

# %% [markdown]
r"""
## 2.3 A photograph is a tensor

The camera's picture has the shape `(48, 64, 3)`: 48 rows, 64 columns, and for each point three numbers
between 0 and 1, its red, green and blue. We have no camera, so we paint one with tensors: a sky that gets
lighter towards the horizon, a green hill, and a sun. Each is a small piece of broadcasting: a column of
heights `(48, 1, 1)` meets a colour `(3,)` and a row of widths `(1, 64, 1)`.
"""

# %%
height, width = 48, 64
down = Tensor(np.arange(height).reshape(height, 1, 1))
across = Tensor(np.arange(width).reshape(1, width, 1))

sky = [0.25, 0.5, 0.85] + down / height * [0.6, 0.35, 0.1]
meadow = [0.2, 0.45, 0.15] + 0.002 * (across + down)
hills = 34 + 4 * np.sin(across / 7)
is_sun = ((across - 46) ** 2 + (down - 12) ** 2) ** 0.5 < 7

image = Tensor(np.where(down > hills, meadow.numpy(), sky.numpy()), dtype=np.float32)
image = image * ~is_sun + Tensor([1.0, 0.9, 0.5]) * is_sun
print(image.shape, image.dtype, f"{image.size * image.dtype.itemsize:,} bytes")
print("mean of red, green, blue:", image.mean(axis=(0, 1)))
print("brightness of the sky:", (image[:24] @ [0.299, 0.587, 0.114]).mean().item())

# %% [markdown]
r"""
And now one line for each button of a photo app. In the figure, row by row: the picture itself (a blue sky, a
yellow sun at the upper right, a green hill); mirrored, so that the sun is at the upper left; in grey, as the
matrix product of each colour with the weights that the eye gives to red, green and blue; warmer, with a factor
for each colour; the part around the sun; and coarse, where each block of 4 × 4 points becomes its mean, by a
reshape to five axes and a mean over two of them.
"""

# %% demo=true
pictures = {
    "image": image,
    "mirrored: image[:, ::-1]": image[:, ::-1],
    "grey: image @ [0.299, 0.587, 0.114]": image @ [0.299, 0.587, 0.114],
    "warmer: image * [1.0, 0.85, 0.6]": image * [1.0, 0.85, 0.6],
    "a part: image[2:24, 34:60]": image[2:24, 34:60],
    "coarse: mean of 4 × 4 blocks": image.reshape(12, 4, 16, 4, 3).mean(axis=(1, 3)),
}
figure, axes = plt.subplots(2, 3, figsize=(11, 5.5))
for axis, (label, picture) in zip(axes.flat, pictures.items(), strict=True):
    axis.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"{label}\n{picture.shape}", fontsize=9)
    axis.axis("off")
figure.tight_layout()
show(
    figure,
    "Six small pictures made of one image: the image, mirrored, grey, warmer, a part "
    "of it, and coarse with blocks of four by four; each with its shape above it.",
)

# %% [markdown]
r"""
Look at the line for the coarse picture again. The reshape splits the 48 rows into 12 groups of 4, and the 64
columns into 16 groups of 4. It works because reshaping keeps the reading order. A later module uses the same
trick in a layer for pictures: pooling.

# Part 3: Analyze

A framework is convenient, and convenience has a price. We measure three prices: what a Python loop costs, what
our door costs, and what a wider number format costs. Times differ from machine to machine and from run to run,
so take ratios seriously and single numbers lightly. `seconds(call, tries)` measures a call several times and
gives the shortest time. If one point still stands out, another program was busy at that moment: run the cell
again.

## 3.1 What a Python loop costs

The same work, $x_i y_i$ for $n$ numbers, three times: a loop over Python lists, numpy on arrays, and our
tensors.
"""


# %% demo=true
def times_of_a_product(n):
    """The seconds for n products: of a list, of an array, of a tensor."""
    array = rng.normal(size=n).astype(np.float32)
    numbers, tensor = array.tolist(), Tensor(array)
    return [
        seconds(lambda: [p * q for p, q in zip(numbers, numbers)], 9),
        seconds(lambda: array * array, 30),
        seconds(lambda: tensor * tensor, 30),
    ]


sizes = [10**k for k in range(7)]
columns = zip(*[times_of_a_product(n) for n in sizes])
times = dict(zip(["Python list", "numpy array", "Tensor"], columns, strict=True))
print(f"{'n':>9}" + "".join(f"{name:>16}" for name in times) + "   (microseconds)")
for k, n in enumerate(sizes):
    print(
        f"{n:>9,}" + "".join(f"{1e6 * column[k]:>16,.2f}" for column in times.values())
    )

# %% [markdown]
r"""
The plot shows the time of one call against $n$, both axes logarithmic. The line of the list rises straight
from the start: each number costs the same. The lines of numpy and of Tensor begin flat, at a fixed cost for
each *call*, and rise only when the numbers themselves take longer than that. At the left the list wins; at
the right the two others run far below it, and on top of each other.
"""

# %% demo=true
figure, axis = plt.subplots(figsize=(6.5, 4))
for (name, column), marker in zip(times.items(), "so^", strict=True):
    axis.loglog(sizes, [1e6 * t for t in column], marker + "-", label=name)
axis.set(xlabel="number of elements n", ylabel="microseconds for one call")
axis.legend()
axis.grid(alpha=0.3)
show(
    figure,
    "Microseconds for one call against the number of elements, both axes logarithmic. "
    "The list (squares) rises from the start; numpy (circles) and Tensor (triangles) "
    "begin flat and rise together, far below the list at the right.",
)

# %% [markdown]
r"""
When this was written, on a machine with two shared cores, a million products took 60 to 90 ms in the loop and
0.1 to 0.4 ms in numpy: a factor of several hundred. Where does it come from? In the loop, each number is a Python
object somewhere in memory. Python looks up its type before it can multiply, and makes a new object for the
product. In an array the numbers lie side by side, the type is looked up once for all of them, and the processor
multiplies several at a time.

## 3.2 What the door costs

Between numpy and Tensor there is a gap at the left of the plot: a call goes through `__mul__`, `apply`,
`handler_of`, `value`, `compute`, and the making of a `Tensor`. We look at the difference and at the ratio.
"""

# %% demo=true
extra = [t - a for t, a in zip(times["Tensor"], times["numpy array"], strict=True)]
share = [t / a for t, a in zip(times["Tensor"], times["numpy array"], strict=True)]
for n, e, s in zip(sizes, extra, share, strict=True):
    print(f"n = {n:>9,}: {1e6 * e:>8.2f} microseconds more, {s:6.2f} times numpy")

# %% [markdown]
r"""
The plot shows the time of a Tensor as a multiple of numpy's. It begins at a multiple of several and falls
towards 1, the dashed line.
"""

# %% demo=true
figure, axis = plt.subplots(figsize=(6.5, 3.5))
axis.semilogx(sizes, share, "^-")
axis.axhline(1, linestyle="--", color="gray")
axis.set(xlabel="number of elements n", ylabel="time of Tensor / time of numpy", ylim=0)
axis.grid(alpha=0.3)
show(
    figure,
    "Time of Tensor divided by that of numpy against the number of elements: several "
    "times as long for few elements, falling to the dashed line at 1 for many.",
)

# %% [markdown]
r"""
### Question: small tensors or large ones (3 points)

Use the numbers that *you* have just measured (copy those that you use into your answer).

(a) From which of the sizes on does a Tensor take less than 1.5 times the time of numpy? (b) Why is the extra
time of a call about the same for 1 element and for 1,000? (c) You have to compute the outputs of a network
for 1,000 examples. What do your numbers say about doing it example by example, or with all of them in one
tensor?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="small-or-large" points=3
r"""
**Model answer.** (a) As measured; on the machine of the authors the ratio is about 6 for a single element,
about 3 at $n = 10^4$, and below 1.5 from $n = 10^5$ or $10^6$ on. (b) The extra time is spent on a few calls
of Python functions, looking for `__apply__`, unwrapping and making one object. Their number depends on the
number of operations and inputs, not on the number of elements: the elements are touched by numpy alone, and
`as_array` does not copy them. (c) Example by example pays the fixed cost of every operation 1,000 times; in
one tensor it is paid once, and the work for the elements is the same (or less, since numpy's own fixed cost
is saved as well). So: all of them, or large groups, in one tensor.

**Marks.** 1 for each part. (a) any size that agrees with the numbers that the student gives. (b) must say
that the extra work is per call or per operation and that the elements are not touched by it. (c) must derive
"one tensor" from the fixed cost; "vectorised code is faster" alone gives no mark.
"""

# %% [markdown]
r"""
## 3.3 What a wider number costs, and what a narrower one

float32 keeps 24 binary digits, float64 keeps 53. We measure memory, time, and what the missing digits do.
"""


# %% demo=true
def cost_of_a_dtype(dtype, n=500_000):
    """Memory, time and precision of tensors of n elements, in one line."""
    x, y = (Tensor(rng.normal(size=n), dtype=dtype) for _ in range(2))
    return (
        f"{x.dtype}: {x.data.nbytes / 1e6:.0f} MB, "
        f"{1e6 * seconds(lambda: x * y, 99):4.0f} microseconds for a product, "
        f"smallest step after 1: {np.finfo(dtype).eps:.1e}"
    )


for dtype in (np.float32, np.float64):
    print(cost_of_a_dtype(dtype))
print("16,777,216 + 1 in float32:", (Tensor(16_777_216.0) + 1).item())

# %% [markdown]
r"""
Half the memory, and for large tensors about half the time: there is half as much to fetch from memory, and
the processor multiplies twice as many of them in one step. The price is in the last line:
$16{,}777{,}216 = 2^{24}$, and the next whole number needs a 25th digit. The 1 is lost.

When does that matter? Add 0.1 again and again. As the sum grows, its last digits get coarser, and every
addition is rounded to them. The figure shows the relative error of the running sum against the number of
additions, both axes logarithmic: in float32 it rises to several per cent at ten million additions, in float64
it stays more than six orders of magnitude below. The third mark, at the right, is `sum()` of a float32
tensor: numpy adds in pairs of pairs (half plus half), so that numbers of similar size meet, and its error is
near $10^{-7}$, although every single addition is float32 as well.
"""

# %% demo=true
n = 10_000_000
marks = np.unique(np.logspace(1, 7, 60).astype(int))
figure, axis = plt.subplots(figsize=(6.5, 4))
for dtype, style in ((np.float32, "-"), (np.float64, "--")):
    running = np.cumsum(np.full(n, 0.1, dtype=dtype))[marks - 1].astype(np.float64)
    error = np.abs(running / (0.1 * marks) - 1)
    axis.loglog(
        marks,
        np.maximum(error, 1e-17),
        style,
        label=f"one after the other, {dtype.__name__}",
    )
    print(
        f"{dtype.__name__}: {n:,} times 0.1, one after the other, is {running[-1]:,.2f}"
    )
pairwise = Tensor(np.full(n, 0.1, dtype=np.float32)).sum().item()
axis.loglog([n], [abs(pairwise / (0.1 * n) - 1)], "o", label="Tensor.sum(), float32")
axis.set(xlabel="number of additions", ylabel="relative error of the sum")
axis.legend(loc="upper left")
axis.grid(alpha=0.3)
show(
    figure,
    "Relative error of a sum of equal numbers against how many are added, both axes "
    "logarithmic. One after the other in float32 (solid line) the error grows to a "
    "great part of the sum; in float64 (dashed) it stays many orders of magnitude "
    "below; the single point of Tensor.sum() in float32 lies far below the solid line.",
)
print(f"float32: Tensor.sum() gives {pairwise:,.2f}")

# %% [markdown]
r"""
So should you use float64? No: use float32, and think about the order of a long sum. numpy has done that for
you.

## 3.4 What a view saves

Last, back to 1.1. Transposing moves no number. How long does it take for 4 MB, and how long if the numbers are
really moved?
"""

# %% demo=true
matrix = Tensor(rng.normal(size=(1000, 1000)), dtype=np.float32)
view = seconds(lambda: matrix.T, 9)
copy = seconds(lambda: matrix.T.numpy().copy(), 9)
print(
    f"matrix.T: {1e6 * view:.1f} microseconds;",
    f"with a copy: {1e6 * copy:,.0f} microseconds",
)
print(
    "strides in elements:",
    [step // 4 for step in matrix.data.strides],
    end=", transposed ",
)
print([step // 4 for step in matrix.T.data.strides])

# %% [markdown]
r"""
# Summary

You have built a tensor with about 40 methods, and none of them is long. These ideas carry it:

- **Data comes in through `as_array`**: float32 unless somebody chose a floating dtype, shared unless it must be
  converted, refused in a sentence if it is no block of real numbers.
- **Shapes meet by broadcasting**: aligned at the right, equal or 1. It saves loops and copies, and it hides
  two mistakes: a reduced axis that was not kept, and `(n,)` against `(n, 1)`.
- **Every operation goes through `apply`**: a pure function of arrays, unwrapped inputs, one wrapped result.
  The operators only name functions, in the order of the operands.
- **Views are nearly free, loops are not**: reshape, transpose and slices share memory; a Python loop over a
  million numbers is more than a hundred times slower than one call; our door costs a few microseconds for
  each call, whatever the size.

**What you have exported.** `Tensor`, `as_array`, `value`, `compute`, `handler_of`, `apply`, `getitem`, `extend`,
and the groups of methods. Run `python bin/tito.py test --module 01_tensor` to see it checked,
`python bin/tito.py export 01_tensor` to make it yours, and then try in a Python shell:

```python
from tinytorch.core.tensor import Tensor
2 - Tensor([1, 2, 4])
```

**What comes next.** A chain of additions and matrix products, however long, can only draw straight lines: it
equals a single matrix product and a single addition. In **module 2, Activations**, you add what bends them.
`relu`, `sigmoid` and `softmax` will be pure functions of arrays, and they will come through your door:
`apply(relu, x)`.

### If you want to go on

- `np.sum(x)` fails, as 1.10 said. Look up `__array_function__` in numpy's documentation. Which problem would
  it bring for functions that take a *list* of tensors, as `np.concatenate` does?
- Write `broadcast_shape` for any number of shapes, with the one for two and `functools.reduce`.
- Distances by broadcasting need memory for $n \cdot m \cdot k$ numbers. With
  $\lVert a - b \rVert^2 = \lVert a \rVert^2 - 2\, a \cdot b + \lVert b \rVert^2$ it is only $n \cdot m$.
  Write it, compare the times for $n = m = 1000$ and $k = 50$, and find two points for which float32 makes it
  inexact.
"""

# %% [markdown]
r"""
# Module 1: Tensor

On the roof of a school stands a small weather station. Every evening it writes one line: temperature,
humidity, pressure, wind. After a month that is a table of 30 lines and 4 columns, and the first questions
arrive. Which day was the most unusual one? Which earlier day was most like today? How bright was the sky in
the photograph that the camera took at noon?

A table of measurements, a photograph, the sound of the wind, a page of text: a neural network sees all of
them in the same form, as a **tensor**, a block of numbers with a shape. Everything that this course builds
later (activations, layers, networks, training) takes tensors in and gives tensors out. So we start by
building the tensor.

## What you will have at the end

A Python class of your own that is used like this:

```python
days = Tensor([[14.2, 71, 1009], [19.8, 52, 1021]])      # two days, three measurements
usual = days.mean(axis=0)                                 # a mean for each column
(days - usual) / days.var(axis=0) ** 0.5                  # how unusual each number is
```

You will be able to

- say what shape, axis, dtype and stride of a tensor are, and where in memory an element lies;
- predict the shape that two tensors give together, and recognise the two cases where that rule hides a
  mistake;
- write Python's operators for a class of your own, in both orders, so that `2 - x` works as well as `x - 2`;
- explain why the whole framework calls numpy in one single place;
- measure what a Python loop, a wider number format and a convenient class cost.

Plan on two to four hours. You need Python functions and classes, and a first acquaintance with numpy.

## How this notebook works

There are three parts: **Build** (write the class), **Use** (play with it), **Analyze** (measure it).

- In cells with `raise NotImplementedError()`, replace that line by your own code. The docstring is the
  specification: what comes in, what goes out, and an *Approach* in steps. Hints stand in a fold above the
  cell; try without them first.
- The next cell checks your work. Each line of a check tells what was called and what came of it; if something
  differs, it says what was expected, and gives a hint. Do not go on before it is green: the later exercises
  stand on the earlier ones.
- A cell that is marked for `export` in its first line becomes part of your own library,
  `tinytorch.core.tensor`, which the next module imports. Your marks come from that exported code, tried out
  with other numbers than you see here.
- Three questions ask for an answer in words. 90 points are for code, 10 for these answers.
"""

# %%
#| default_exp core.tensor
#| export
from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# %% [markdown]
r"""
The rest of the notebook needs three things more: the checks, a library for plots, and a small helper that
shows a result or, where something fails, the error in one line. We are going to look at quite a few failures.
"""

# %%
import timeit

import matplotlib.pyplot as plt

from tito.checks import check, check_raises
from tito.figures import show


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
**axes**; the lengths of the axes are its **shape**; the number of its elements, its **size**, is the product
of the lengths:

$$\text{size} = \prod_{i=0}^{k-1} n_i$$

| axes | usual name | an example | shape | size |
| --- | --- | --- | --- | --- |
| 0 | scalar | the loss of a network | `()` | 1 |
| 1 | vector | the measurements of one day | `(4,)` | 4 |
| 2 | matrix | a month of such days | `(30, 4)` | 120 |
| 3 | | a photograph: height, width, colours | `(48, 64, 3)` | 9,216 |
| 4 | | a batch of 32 photographs | `(32, 48, 64, 3)` | 294,912 |

The empty product is 1: a scalar has no axes and one element.

In memory there is no block, only a row of numbers one after the other. What turns the row into a block are
the **strides** $s_i$: how many elements to skip to get one step further along axis $i$. The element with the
index $(j_0, \dots, j_{k-1})$ lies at

$$\text{offset} = \sum_{i=0}^{k-1} j_i \, s_i, \qquad s_{k-1} = 1, \quad s_i = n_{i+1} \, s_{i+1}.$$

**An example with numbers.** For the shape $(2, 3, 4)$ the strides are $s_2 = 1$, $s_1 = 4 \cdot 1 = 4$,
$s_0 = 3 \cdot 4 = 12$. The element $[1, 2, 3]$ lies at $1 \cdot 12 + 2 \cdot 4 + 3 \cdot 1 = 23$: it is the
last of the 24.

numpy stores its arrays this way (it counts strides in bytes, so we divide by the size of an element):
"""

# %%
block = np.arange(24).reshape(2, 3, 4)
strides = tuple(step // block.itemsize for step in block.strides)
print("strides:", strides)
print("element [1, 2, 3]:", block[1, 2, 3])

turned = block.transpose(2, 1, 0)
print("strides with the axes reversed:", tuple(step // block.itemsize for step in turned.strides))
print("still the same memory:", np.shares_memory(block, turned))

# %% [markdown]
r"""
Reversing the axes reversed the strides and moved no number. Such an array, which shows the memory of another
one in a different arrangement, is a **view**. We shall meet views again in 1.11, and measure what they save
in Part 3.

The numbers themselves stay numpy's business: our tensor has an array inside. What the class adds is a set of
decisions that numpy leaves open, and one door through which every operation goes. We begin with the
decisions.

## 1.2 From anything to an array

What goes wrong with plain numpy arrays in a deep-learning framework? Run the next cell; it shows three cases.
"""

# %%
# 1. Whole numbers give an integer array, and it cuts off what does not fit: 0.5 becomes 0.
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
Case 3 deserves a second look. A *Python* number has no dtype of its own, so numpy lets it follow the array:
`float32 * 2.0` is float32. An *array* has one, also if it holds a single number, and `np.array(2.0)` is
float64. When the two meet, the wider format wins: from here on each number takes 8 bytes instead of 4.

Deep learning computes in float32 nearly everywhere: 24 bits of precision (about 7 decimal digits) are more
than enough for a gradient, and half the bytes means half the memory and, where memory is the bottleneck, half
the time. (You will measure both in Part 3.) But where somebody *chose* a floating dtype, float64 for a
delicate test say, we must not take it away. So our rule is:

> **The dtype rule.** A numpy array of floating dtype keeps its dtype. Everything else (Python numbers, lists,
> arrays of integers or booleans) becomes float32. If a dtype is asked for explicitly, it is that one.

The second decision: what is *not* a tensor? A ragged list, whose rows differ in length, has no shape. Text,
complex numbers and `None` are no real numbers. A good framework refuses them where they come in, with a
sentence that says what to do, and not twenty calls later. Here is what numpy says, and where it says nothing
at all:
"""

# %%
attempt(lambda: np.array([[1.0, 2.0], [3.0]]))
attempt(lambda: np.array([1.0, None]).dtype)  # an "object": computing with it is slow, or fails
attempt(lambda: np.array("3.5", dtype=np.float32))  # a text that happens to look like a number

# %% [markdown]
r"""
### Exercise: `as_array` (10 points)

Write the function that makes these decisions. Every tensor of the course will be born through it.

<details><summary>Hint 1: how to see what came</summary>

`np.asarray(data)` gives an array for everything; it does not copy what is an array already. Its `dtype.kind`
is one letter: `"b"` boolean, `"i"` and `"u"` integers, `"f"` floating, `"c"` complex, `"U"` text, `"O"` any
object.

</details>

<details><summary>Hint 2: a list of floats gives float64 too. How to tell it from an array that is float64 by choice?</summary>

After `np.asarray` they look alike. Before it they do not: an array (and a tensor) has the attribute `dtype`,
a list has none. `hasattr(data, "dtype")` asks.

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
        The dtype of the result. Without it, what has a floating dtype already (an array, a tensor)
        keeps it, and everything else (Python numbers, lists, integer and boolean arrays) becomes
        float32.

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
    1. Let numpy make an array of `data`. If it raises a ValueError, the lists are ragged: raise your
       own ValueError, whose message says what to do.
    2. If the kind of its dtype is neither boolean, integer nor floating, raise a TypeError.
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


# %% checks="as-array" points=10
check(as_array([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]], hint="return the values as an array")
check(str(as_array(3).dtype), "float32", hint="a Python number becomes float32")
check(str(as_array([0.5, 1.5]).dtype), "float32", hint="a list has no dtype of its own")
check(str(as_array(np.array([1, 2])).dtype), "float32", hint="integers become float32")

chosen = np.array([0.5, 1.5], dtype=np.float64)
check(str(as_array(chosen).dtype), "float64", hint="an array of floating dtype keeps it")
check(str(as_array(chosen, dtype=np.float32).dtype), "float32", hint="use the dtype asked for")
check(
    np.shares_memory(as_array(chosen), chosen), True, hint="np.asarray and copy=False do not copy"
)

check_raises(ValueError, lambda: as_array([[1.0, 2.0], [3.0]]), hint="the rows differ in length")
check_raises(TypeError, lambda: as_array([1.0, 2j]), hint="a complex number is not a real one")
check_raises(TypeError, lambda: as_array("3.5"), hint="look at the kind of the dtype")
check_raises(TypeError, lambda: as_array([1.0, None]), hint="look at the kind of the dtype")
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
    arrays = [tensor.as_array(x), tensor.as_array(x.astype("uint8")), tensor.as_array(x > 0)]
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
    said = [refusal(lambda make=make: make([short, long])) for make in (tensor.as_array, np.array)]
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

The class is a thin shell. It keeps the array in `data`, and two attributes for the training of networks,
which a later module fills with life: `requires_grad` (whether training changes this tensor) and `grad` (its
gradient, for now `None`).

Four properties tell what kind of block it is. A property is a method that is read like an attribute,
`x.shape` and not `x.shape()`. They are computed from `data` whenever they are read, and never stored: so they
can never be out of date, even if somebody puts another array into `x.data`.

Two methods are given. `__array__` is how numpy gets at the values, in `np.asarray(x)` or when matplotlib
plots a tensor. `__repr__` is the line of text in which Python shows a tensor. And the line `__slots__` names the
attributes that a tensor has: it gets no others, so a misspelt one is an error at once, and each tensor takes
less memory. (The groups of methods below say `__slots__ = ()`, because they bring no attributes.)

### Exercise: `Tensor` (6 points)

<details><summary>Hint</summary>

You have written the difficult part already: `as_array` decides about dtype, copies and errors. The properties
ask the array in `self.data` for the property of the same name.

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
        Marks a parameter that training will change. A later module reads it; this one only keeps it.

    Attributes
    ----------
    data : ndarray
        The values.
    requires_grad : bool
        As given.
    grad : ndarray or None
        The gradient, of the same shape and dtype as `data`, once one has been computed; until then
        None.

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
    1. In `__init__`, keep three attributes: the converted data, the mark, and no gradient yet.
    2. In each property, return what the array in `data` says.
    """

    __slots__ = ("__weakref__", "data", "grad", "requires_grad")  # its attributes, and no others

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
        """What ``np.asarray(tensor)`` gives: the values, shared unless a copy is needed."""
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", threshold=100).replace("\n", "")
        suffix = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}{suffix})"


# %% checks="tensor" points=6
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(x.data, [[1, 2, 3], [4, 5, 6]], hint="keep the array in self.data")
check(x.shape, (2, 3), hint="two rows, three columns")
check(x.ndim, 2, hint="the number of axes")
check(x.size, 6, hint="the number of elements")
check(str(x.dtype), "float32", hint="give the data to as_array")
check(str(Tensor([1, 2], dtype=np.float64).dtype), "float64", hint="hand dtype on to as_array")
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
    whole = [isinstance(n, (int, np.integer)) for x in tensors for n in (x.ndim, x.size)]
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
    return second.data, str(second.dtype), bool(np.shares_memory(first.data, second.data))


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

A tensor needs about forty methods. In one cell they would be a wall. So we add them a group at a time, with a
decorator that is given here: `@extend(Tensor)` puts the methods of the class below it into `Tensor` as well.
"""


# %%
#| export
def extend(cls: type) -> Callable[[type], type]:
    """Add the methods of the decorated class to `cls`.

    So a long class can be written in several cells, one idea in each. The decorated class stays
    usable by itself: another class that is to have the same methods inherits from it.

    Parameters
    ----------
    cls : type
        The class to extend.

    Returns
    -------
    callable
        A decorator that returns the decorated class unchanged.
    """

    def add_methods(methods: type) -> type:
        for name, member in vars(methods).items():
            if callable(member) or isinstance(member, (property, classmethod)):
                setattr(cls, name, member)
        return methods

    return add_methods


# %% [markdown]
r"""
A toy shows it: the dog is born silent, and learns a trick in the next lines.
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
sets row below row, and everywhere else, in a list or a message, there is the one line of `__repr__`.
"""


# %%
#| export
@extend(Tensor)
class Display:
    """How a tensor shows itself: a table in a notebook, rows in print, one line elsewhere."""

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
Why not inheritance alone, `class Tensor(Conversions, Arithmetic, …)`? Because then the groups would have to
be complete before `Tensor` can be used at all, and you want to try each of them at once. But the groups
remain classes of their own, and a later module builds a second kind of tensor, one that inherits from them.

For that reason the methods of a group must not depend on how a tensor keeps its values. Inside them, write
`np.asarray(self)` for the values. It works for every class with an `__array__` method.

### The way back: from a tensor to Python and numpy

The next group leads out of the framework again. `x.numpy()` gives the array. `x.item()` gives the only
number in a tensor of one element, as when you print a loss. What if there are more elements? Then "the
number" does not exist, and guessing the first one would hide a mistake; so `item` refuses. By the same
reasoning `len(x)`, the length of the first axis, does not exist for a scalar.

### Exercise: `Conversions` (6 points)

<details><summary>Hint 1</summary>

A numpy array of exactly one element has a method `item()` itself, which gives a Python number. Check the size
first: numpy's own error message for several elements does not say what to do.

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
    """From a tensor back to Python and numpy. Works for any class with an `__array__` method."""

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
            The value; a float, unless the tensor was given another dtype than a floating one.

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
        """The length of the first axis; without axes, a TypeError that tells of `item()`."""
        ### BEGIN SOLUTION
        array = np.asarray(self)
        if array.ndim == 0:
            raise TypeError("a 0-dimensional tensor has no length; read its value with item()")
        return len(array)
        ### END SOLUTION


# %% checks="conversions" points=6
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(type(x.numpy()).__name__, "ndarray", hint="np.asarray(self) gives the array inside")
check(x.numpy(), [[1, 2, 3], [4, 5, 6]], hint="the values of the tensor")
check(np.shares_memory(x.numpy(), x.data), True, hint="np.array copies, np.asarray does not")
check(Tensor([[2.5]]).item(), 2.5, hint="the one element, whatever the number of axes")
check(
    type(Tensor(2.5).item()).__name__, "float", hint="a Python float; arrays have a method item()"
)
check(float(Tensor([7])), 7.0, hint="float() calls item()")
check(len(x), 2, hint="the length of the first axis, not the number of elements")
check_raises(ValueError, lambda: x.item(), hint="there are six elements: which one would it be?")
check_raises(ValueError, lambda: Tensor([]).item(), hint="there is no element at all")
check_raises(TypeError, lambda: len(Tensor(2.5)), hint="a scalar has no axes, so no length")
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
    said = [str(t.shape) in refusal(t.item) for t in (tensor.Tensor(x), tensor.Tensor(x[:0]))]
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
vector of shape `(4,)`. To subtract the vector from *every* day one could copy it 30 times. **Broadcasting**
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

The second row is worth a moment: **both** operands grow. In numbers,

$$\begin{pmatrix} 10 \\ 20 \\ 30 \end{pmatrix} + \begin{pmatrix} 1 & 2 & 3 & 4 \end{pmatrix}
= \begin{pmatrix} 11 & 12 & 13 & 14 \\ 21 & 22 & 23 & 24 \\ 31 & 32 & 33 & 34 \end{pmatrix}$$

The last row is the one that people stumble over: a mean for each *day*, of shape `(30,)`, does not meet a
table with 30 rows, since alignment is at the right. And it is lucky if it stumbles. With 4 days instead of 30
the shapes `(4, 4)` and `(4,)` do fit, and every number would be computed with a mean that belongs to another
one. We come back to that in 1.10.

### Exercise: `broadcast_shape` (8 points)

Write the rule yourself, with plain Python on the two tuples (numpy knows it too, but you are to know it).
This function stays in the notebook and is not exported.

<details><summary>Hint 1: aligning</summary>

`(1,) * 3` is `(1, 1, 1)`, and `(1,) * 0` is `()`. How many ones does each shape need?

</details>

<details><summary>Hint 2: is the longer one of two lengths not always right?</summary>

Almost. An axis can have length 0: a table that has no days yet. With a 1 it gives 0, and `max(0, 1)` does
not.

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
    2. Go through both shapes together. If two lengths differ and neither is 1, raise a ValueError.
    3. Otherwise the length of the result is the one that is not 1 (or 1, if both are).
    4. Return the lengths as a tuple.
    """
    ### BEGIN SOLUTION
    ndim = max(len(a), len(b))
    left, right = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    lengths = []
    for m, n in zip(left, right, strict=True):
        if m != n and 1 not in (m, n):
            raise ValueError(f"shapes {a} and {b} do not fit: along one axis {m} meets {n}")
        lengths.append(n if m == 1 else m)
    return tuple(lengths)
    ### END SOLUTION


# %% checks="broadcast-shape" points=8
check(broadcast_shape((3, 1), (3,)), (3, 3), hint="align at the right, ones on the left: (1, 3)")
check(broadcast_shape((30, 4), (4,)), (30, 4), hint="the result has all axes of the longer shape")
check(broadcast_shape((4,), (30, 4)), (30, 4), hint="the first shape can be the shorter one")
check(broadcast_shape((3, 1), (4,)), (3, 4), hint="both operands can grow")
check(broadcast_shape((2, 1, 5), (3, 1)), (2, 3, 5), hint="compare axis by axis after aligning")
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
    return tensor.broadcast_shape(a, a[missing:]), tensor.broadcast_shape(a[missing:], a)


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


@observe(n=integers(low=2, high=1000), m=integers(low=2, high=1000))
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
Your function and numpy should agree on every pair of shapes. A thousand random pairs are quickly tried:
"""

# %%
rng = np.random.default_rng(0)
fitting = 0
for _ in range(1000):
    a, b = (tuple(rng.integers(1, 4, size=rng.integers(0, 4)).tolist()) for _ in range(2))
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

Now the operators could begin. A first idea is to write each of them out:

```python
def __add__(self, other):
    other = other.data if isinstance(other, Tensor) else other
    return Tensor(self.data + other)
```

and the same for `-`, `*`, `/`, for `sum`, for each activation, for each layer. In a finished framework that
is some hundred functions, and each of them unwraps, computes and wraps. Suppose that one day you want to
count operations, or to remember for every result how it was computed. You would have to change a hundred
functions. And the two lines already hide a decision about dtypes that would be made a hundred times:
`Tensor(…)` turns a result of booleans into ones and zeros.

So we separate two things. **What** is computed is a pure function of arrays, such as `np.add`, which knows
nothing of tensors. **How** a tensor gets in and out is written once, in a function `apply`, and everything
goes through this one door:

$$\texttt{apply}(f, x, y) = \text{wrap}\big( f(\text{unwrap}(x), \text{unwrap}(y)) \big)$$

Two helpers are given. `value` unwraps one input. A number stays a Python number, because of the dtype rule:
`np.asarray(2.0)` would be float64, and you have seen what that does to float32. numpy has numbers too:
`np.sqrt(64)` is a float64 number. We treat it as a number, so a float32 tensor divided by it is still float32.
"""


# %%
#| export
def value(x):
    """The array inside a tensor; a list as an array; a number, also numpy's, as a Python number."""
    if isinstance(x, Tensor):
        return x.data
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (list, tuple)):
        return as_array(x)
    return x.__array__() if hasattr(x, "__array__") else x


# %% [markdown]
r"""
`compute` calls the function. If the shapes do not fit, numpy's message often names neither the function nor
what to do, so `compute` says it in one sentence. You need not study it, only use it:
`compute(function, *values, **parameters)`.
"""

# %%
#| export
BROADCAST = "aligned at the right, two axes must be equally long, or one of length 1"
AXES = "an axis is a whole number from -ndim to ndim - 1, or a tuple of them, each named once"
FITS = {
    "matmul": "the last axis of the first must be as long as the second-to-last (or only) axis "
    "of the second",
    "power": BROADCAST + ", and a negative power needs a floating dtype",
    "sum": AXES,
    "mean": AXES,
    "max": AXES + ", and without elements there is no largest one",
    "min": AXES + ", and without elements there is no smallest one",
    "var": AXES,
    "reshape": "the new shape must have as many elements as the old one, and at most one -1",
    "transpose": "every axis must be named exactly once",
    "getitem": "an index is made of whole numbers, slices or booleans; it must lie within its "
    "axis, and there can be no more indices than axes",
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
        If the shapes, or an axis or index, do not fit; names the function and the shapes.
    TypeError
        If an input is neither a number nor an array of numbers.
    """
    try:
        return function(*values, **parameters)
    except (ValueError, IndexError, TypeError) as error:
        kind = next(k for k in (IndexError, TypeError, ValueError) if isinstance(error, k))
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
    """An input in a few words: the shape of an array, or else what Python shows of it."""
    return f"shape {x.shape}" if hasattr(x, "shape") else f"{x!r:.60}"


# %%
two, three = np.ones((3, 2), dtype=np.float32), np.ones(3, dtype=np.float32)
print(value(Tensor([1, 2])), value(3.0), value([4, 5]))
attempt(lambda: np.add(two, three))  # numpy's own words …
attempt(lambda: compute(np.add, two, three))  # … and ours
attempt(lambda: compute(np.matmul, two, three))

# %% [markdown]
r"""
Two more decisions are hidden in the door.

**The dtype of the result.** numpy has found the right one: floats of the right width for `np.add`, booleans
for `np.isfinite`, integers for `np.argmax`. But `Tensor(result)` alone would apply our dtype rule again and
turn `True` into `1.0`. The rule is for data that comes *in*; a result keeps its dtype, and you say so
explicitly.

**A door that can be handed over.** A later module builds another kind of tensor, one that has to do more than
compute. It must be able to say: *I want to see every operation that I am part of*. So before `apply` does
anything, it looks for a method `__apply__`: in every input, in every parameter, and inside lists of them. If
it finds one, it calls that method instead, with the same function, the same inputs in the same order, and the
same parameters, and returns the answer as it is. `Tensor` has no such method, so until then only a check below
uses this. It is the reason why nothing in modules 1 to 6 has to change later.

The search is given. `handler_of` finds the method in a single thing or anywhere inside a list:
"""


# %%
#| export
def handler_of(x):
    """The method `__apply__` of an input, or of something in a list of inputs; None if there is none."""
    if isinstance(x, (list, tuple)):
        return next((found for found in map(handler_of, x) if found), None)
    return getattr(x, "__apply__", None)


# %% [markdown]
r"""

### Exercise: `apply` (10 points)

<details><summary>Hint 1: how do I hand a list of values to a function as its arguments?</summary>

With a star: `compute(function, *values, **parameters)` hands over the elements of `values` one by one, and
the entries of `parameters` by their names.

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

    Every operator, method and layer of the framework comes through here. An input or parameter that
    knows better what to do (it has a method `__apply__`) is asked instead, with the same arguments.

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
    1. If `handler_of` finds a method among the inputs and the parameters, return what it answers to
       the same arguments.
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


# %% checks="apply" points=10
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(type(apply(np.negative, x)).__name__, "Tensor", hint="wrap the result")
check(apply(np.add, x, x), [[2, 4, 6], [8, 10, 12]], hint="unwrap all the inputs, not only one")
check(apply(np.subtract, [10, 10, 10], x), [[9, 8, 7], [6, 5, 4]], hint="keep the order of inputs")
check(apply(np.sum, x, axis=0), [5, 7, 9], hint="hand the parameters on with **parameters")
check(str(apply(np.multiply, x, 2.0).dtype), "float32", hint="value() leaves a number a number")
check(str(apply(np.greater, x, 2.0).dtype), "bool", hint="the result keeps the dtype numpy gave it")


class Parcel:
    """Takes over every operation that it is part of, and only notes what was asked.

    It holds three zeros. If you see numbers in its place, nobody has asked it.
    """

    data = np.zeros(3)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype, copy=copy)

    def __apply__(self, function, *inputs, **parameters):
        return f"{function.__name__} of {len(inputs)} with {sorted(parameters)}"


check(apply(np.add, Parcel(), x), "add of 2 with []", hint="ask the __apply__ of an input")
check(apply(np.add, x, Parcel()), "add of 2 with []", hint="look at all inputs, not at the first")
check(apply(np.sum, Parcel(), axis=0), "sum of 1 with ['axis']", hint="hand on the parameters")
check(apply(np.add, x, [1, [2, Parcel()]]), "add of 2 with []", hint="handler_of looks into lists")
check(
    apply(np.sum, x, where=Parcel()), "sum of 1 with ['where']", hint="look at the parameters too"
)
check_raises(ValueError, lambda: apply(np.add, x, [1, 2]), hint="use compute")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"))
def a_function_of_two_tensors(tensor, x, y):
    """All inputs are unwrapped, in their order, and the result is a Tensor."""
    out = tensor.apply(np.subtract, tensor.Tensor(x), tensor.Tensor(y))
    back = tensor.apply(np.subtract, tensor.Tensor(y), tensor.Tensor(x))
    return out.data, back.data, isinstance(out, tensor.Tensor), isinstance(back, tensor.Tensor)


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
    return out.data, tensor.apply(np.max, t, axis=(0, 2)).data, tensor.apply(np.sum, t).data


@observe(x=normal(4, dtype="float32"), y=normal(4, dtype="float32"))
def a_function_of_three_inputs(tensor, x, y):
    """There can be any number of inputs."""
    out = tensor.apply(np.where, x > 0, tensor.Tensor(x), tensor.Tensor(y))
    return out.data, tensor.apply(lambda a, b, c: a * b + c, 2, tensor.Tensor(x), [1.0]).data


@observe(x=normal(3, dtype="float32"), number=normal())
def an_input_that_knows_better_is_asked(tensor, x, number):
    """`__apply__` gets the function, the inputs and the parameters; its answer comes back as it is."""

    class Knowing:
        def __apply__(self, function, *inputs, **parameters):
            numbers = [number if other is self else np.asarray(other) for other in inputs]
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
        return [self.number, getattr(function, "__name__", "nameless"), kinds, sorted(parameters)]


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

When Python meets `x + y`, it calls `x.__add__(y)`. For each operator there is such a method; writing them is
called *operator overloading*. Our convention is: a method names the numpy function and hands over the
operands, in the order in which they are written. Nothing else: unwrapping, dtype, errors and wrapping are the
business of `apply`.

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

The module on layers takes it apart; here you only connect it.

Which function is named matters. `-x` and `0 - x` give the same numbers, but not through the same function,
and a later module will look up in a table what it has to know about each function. `np.negative` will be in
that table.

### Exercise: `Arithmetic` (8 points)

<details><summary>Hint</summary>

All eight have the same form. For `+` ask: which function, and which two inputs? Then there is one call of
`apply`, and its result is returned. `-x` and `abs(x)` have a single input.

</details>
"""


# %% exercise="arithmetic"
#| export
@extend(Tensor)
class Arithmetic:
    """The operators ``+ - * / ** @``, minus and `abs`, with the tensor on the left.

    Each hands one numpy function and its operands, in the order in which they are written, to
    `apply`, and returns what comes back. The other operand may be a Tensor, an array, a list or a
    number.

    Examples
    --------
    >>> Tensor([1, 2, 4]) - 2
    Tensor([-1.,  0.,  2.])

    Approach
    --------
    1. Find the numpy function for the operator in the table above.
    2. Hand it to `apply`, with self first and then the other operand, if there is one.
    """

    __slots__ = ()

    def __add__(self, other):
        """``x + y``, with np.add."""
        ### BEGIN SOLUTION
        return apply(np.add, self, other)
        ### END SOLUTION

    def __sub__(self, other):
        """``x - y``, with np.subtract."""
        ### BEGIN SOLUTION
        return apply(np.subtract, self, other)
        ### END SOLUTION

    def __mul__(self, other):
        """``x * y``, element by element, with np.multiply."""
        ### BEGIN SOLUTION
        return apply(np.multiply, self, other)
        ### END SOLUTION

    def __truediv__(self, other):
        """``x / y``, with np.divide."""
        ### BEGIN SOLUTION
        return apply(np.divide, self, other)
        ### END SOLUTION

    def __pow__(self, other):
        """``x ** y``, with np.power."""
        ### BEGIN SOLUTION
        return apply(np.power, self, other)
        ### END SOLUTION

    def __matmul__(self, other):
        """``x @ y``, the matrix product, with np.matmul."""
        ### BEGIN SOLUTION
        return apply(np.matmul, self, other)
        ### END SOLUTION

    def __neg__(self):
        """``-x``, with np.negative."""
        ### BEGIN SOLUTION
        return apply(np.negative, self)
        ### END SOLUTION

    def __abs__(self):
        """``abs(x)``, with np.abs."""
        ### BEGIN SOLUTION
        return apply(np.abs, self)
        ### END SOLUTION


# %% checks="arithmetic" points=8
x, y = Tensor([1, 2, 4]), Tensor([2, 2, 2])
check(x + y, [3, 4, 6], hint="np.add")
check(x, [1, 2, 4], hint="x + y makes a new tensor; x stays as it was")
check(x - y, [-1, 0, 2], hint="np.subtract, with self first")
check(x * y, [2, 4, 8], hint="np.multiply, element by element")
check(x / y, [0.5, 1, 2], hint="np.divide; nothing is rounded")
check(x**y, [1, 4, 16], hint="np.power, with self first")
check(x @ y, 14, hint="np.matmul: the products, and their sum")
check(-x, [-1, -2, -4], hint="np.negative")
check(abs(Tensor([-1, 2])), [1, 2], hint="np.abs")
check(x + 10, [11, 12, 14], hint="apply unwraps; a number needs no special case")
check(Tensor([[1], [2]]) * x, [[1, 2, 4], [2, 4, 8]], hint="numpy broadcasts; nothing to do")
check(type(x + y).__name__, "Tensor", hint="apply wraps the result")
check(str((x / 3).dtype), "float32", hint="a Python number never changes the dtype")
check_raises(ValueError, lambda: x + [1, 2], hint="apply refuses what does not fit")
check(x + Parcel(), "add of 2 with []", hint="hand np.add to apply")
check(x - Parcel(), "subtract of 2 with []", hint="hand np.subtract to apply")
check(x * Parcel(), "multiply of 2 with []", hint="hand np.multiply to apply")
check(x / Parcel(), "divide of 2 with []", hint="hand np.divide to apply")
check(x ** Parcel(), "power of 2 with []", hint="hand np.power to apply")
check(x @ Parcel(), "matmul of 2 with []", hint="hand np.matmul to apply")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe, uniform


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
    """x + y for a tensor and a tensor, an array, a list, a number."""
    t = tensor.Tensor(x)
    return (t + tensor.Tensor(y)).data, (t + y).data, (t + y.tolist()).data, (t + 3).data


@observe(x=normal(3, dtype="float32"), y=normal(2, 3, dtype="float32"))
def differences(tensor, x, y):
    """x - y for a tensor and a tensor, an array, a list, a number."""
    t = tensor.Tensor(x)
    return (t - tensor.Tensor(y)).data, (t - y).data, (t - y.tolist()).data, (t - 3).data


@observe(x=normal(2, 1, dtype="float32"), y=normal(3, dtype="float32"))
def products(tensor, x, y):
    """x * y is the product element by element, with broadcasting of both."""
    t = tensor.Tensor(x)
    return (t * tensor.Tensor(y)).data, (t * y).data, (t * [2.0, 3.0]).data, (t * 3).data


@observe(x=normal(2, 3, dtype="float32"), y=uniform(3, low=0.5, high=2.0, dtype="float32"))
def quotients(tensor, x, y):
    """x / y for a tensor and a tensor, an array, a list, a number; no quotient is rounded down."""
    t = tensor.Tensor(x)
    return (t / tensor.Tensor(y)).data, (t / y).data, (t / y.tolist()).data, (t / 4).data


@observe(x=uniform(2, 3, low=0.5, high=2.0, dtype="float32"), y=normal(3, dtype="float32"))
def powers(tensor, x, y):
    """x ** y for a tensor and a tensor, an array, a number."""
    t = tensor.Tensor(x)
    return (t ** tensor.Tensor(y)).data, (t**y).data, (t**2).data, (t**-0.5).data


@observe(a=normal(2, 3), b=normal(3, 4), v=normal(3))
def matrix_products(tensor, a, b, v):
    """Of two matrices, of a matrix and a vector, of two vectors, of stacks of matrices."""
    t = tensor.Tensor(a)
    stack = tensor.Tensor(np.stack([a, 2 * a]))
    outs = [t @ tensor.Tensor(b), t @ tensor.Tensor(v), tensor.Tensor(v) @ v, stack @ b]
    return [out.data for out in outs]


@observe(x=normal(2, 3, dtype="float32"))
def minus_and_absolute_value(tensor, x):
    """-x and abs(x)."""
    t = tensor.Tensor(x)
    return (-t).data, abs(t).data, abs(-t).data, t.data


@observe(x=uniform(3, low=0.5, high=2.0))
def the_dtype_of_arithmetic(tensor, x):
    """A Python number never changes the dtype; float32 and float64 give float64."""
    single, double = tensor.Tensor(x.astype("float32")), tensor.Tensor(x)
    half = tensor.Tensor(x.astype("float16"))
    outs = [single + 1, single - 0.5, single * 2.5, single / 3, single**2, single @ single]
    outs += [half + 1, half - 0.5, half * 2.5, half / 3, half**2, half @ half]
    outs += [-single, abs(single), double * 2.0, single + double]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 2, dtype="float32"), y=normal(2, 2, dtype="float32"))
def two_operands_go_through_apply(tensor, x, y):
    """Each operator hands its numpy function and its two operands, in order, to `apply`."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    actions = [
        lambda: a + b, lambda: a - b, lambda: a * b, lambda: a / b, lambda: a**b, lambda: a @ b,
    ]  # fmt: skip
    return [seen_by_apply(tensor, action) for action in actions]


@observe(x=normal(2, 2, dtype="float32"))
def one_operand_goes_through_apply(tensor, x):
    """-x and abs(x) hand np.negative and np.abs to `apply`."""
    t = tensor.Tensor(x)
    return seen_by_apply(tensor, lambda: -t), seen_by_apply(tensor, lambda: abs(t))


### END HIDDEN TESTS

# %% [markdown]
r"""
## 1.8 When the tensor stands on the right

`x - 2` works. What about `2 - x`?
"""

# %%
x = Tensor([1, 2, 4])
attempt(lambda: 2 - x)
attempt(lambda: type(np.array([1.0, 2.0, 4.0]) - x))

# %% [markdown]
r"""
(These are the results when the cell runs for the first time. Once you have solved the next exercise, both
work.)

The first case: Python asks the number 2 for `(2).__sub__(x)`. The number does not know our class and answers
`NotImplemented`. Python then tries the **reflected** method of the right operand, `x.__rsub__(2)`, and we
have none.

The second case is worse, for nothing complains. The left operand is a numpy array, which finds the method
`__array__`, helps itself to our values, and gives an ndarray: the result has stopped being a tensor. With a
later module's tensors, which remember how they were computed, everything before that minus sign would be
forgotten, without an error.

The cure for the first are six reflected methods. Mind the order: $2 - x \neq x - 2$, and in `__rsub__` the
tensor is `self`, although it is written on the **right**.

| written | Python calls | what is computed, for $x = (1, 2, 4)$ |
| --- | --- | --- |
| `2 - x` | `x.__rsub__(2)` | $2 - x = (1, 0, -2)$ |
| `2 / x` | `x.__rtruediv__(2)` | $2 / x = (2, 1, 0.5)$ |
| `2 ** x` | `x.__rpow__(2)` | $2^x = (2, 4, 16)$ |

The cure for the second is given, at the end of the cell: a numpy function (numpy calls it a *ufunc*) that
meets an object with a method `__array_ufunc__` leaves everything to it. We send the function through our
door. So `array - x` gives a tensor, and `np.exp(x)` does as well: all of numpy's functions of one or two
operands are open to tensors at one blow. It refuses just two things: a function with several results, and
settings such as `where=` or `out=` (`array += x` is one of these: it writes into an existing array).

### Exercise: `ReflectedArithmetic` (8 points)

<details><summary>Hint</summary>

The same functions as before, the operands in the order in which they are *written*. For `2 - x`: which comes
first, `self` or `other`? For `+` and `*` of numbers the order changes no value, but the convention is the
same for all, and for `@` it is decisive.

</details>
"""


# %% exercise="reflected"
#| export
@extend(Tensor)
class ReflectedArithmetic:
    """The operators ``+ - * / ** @`` with the tensor on the right: ``2 - x``, ``[1, 2] * x``.

    Each hands one numpy function and its operands, in the order in which they are written, to
    `apply`. Here `self` is the right operand.

    Examples
    --------
    >>> 2 - Tensor([1, 2, 4])
    Tensor([ 1.,  0., -2.])

    Approach
    --------
    1. Take the function of the operator from the table of 1.7.
    2. Hand it to `apply` with the left operand first.
    """

    __slots__ = ()

    def __radd__(self, other):
        """``other + self``."""
        ### BEGIN SOLUTION
        return apply(np.add, other, self)
        ### END SOLUTION

    def __rsub__(self, other):
        """``other - self``."""
        ### BEGIN SOLUTION
        return apply(np.subtract, other, self)
        ### END SOLUTION

    def __rmul__(self, other):
        """``other * self``."""
        ### BEGIN SOLUTION
        return apply(np.multiply, other, self)
        ### END SOLUTION

    def __rtruediv__(self, other):
        """``other / self``."""
        ### BEGIN SOLUTION
        return apply(np.divide, other, self)
        ### END SOLUTION

    def __rpow__(self, other):
        """``other ** self``."""
        ### BEGIN SOLUTION
        return apply(np.power, other, self)
        ### END SOLUTION

    def __rmatmul__(self, other):
        """``other @ self``."""
        ### BEGIN SOLUTION
        return apply(np.matmul, other, self)
        ### END SOLUTION

    def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
        """How numpy's own functions meet a tensor: ``np.exp(x)``, ``array * x``, ``array < x``.

        The result is what `apply` gives, or an array of booleans if the function gives booleans.
        """
        if method != "__call__" or ufunc.nout > 1:
            return NotImplemented
        if parameters:
            raise TypeError(
                f"{ufunc.__name__} of a tensor takes no {', '.join(parameters)}; leave it out "
                "(array = array + x, not array += x), or compute with np.asarray(x)"
            )
        out = apply(ufunc, *inputs)
        return np.asarray(out) if out.dtype == bool else out


# %% checks="reflected" points=8
x = Tensor([1, 2, 4])
check(10 + x, [11, 12, 14], hint="np.add")
check(2 - x, [1, 0, -2], hint="2 - x, not x - 2")
check(3 * x, [3, 6, 12], hint="np.multiply")
check(2 / x, [2, 1, 0.5], hint="2 / x, not x / 2")
check(2**x, [2, 4, 16], hint="2 ** x, not x ** 2")
check([[1, 0, 0], [0, 0, 1], [0, 0, 1]] @ x, [1, 4, 4], hint="the list stands on the left")
check([[1, 0, 0], [0, 0, 1]] @ x, [1, 4], hint="the list stands on the left")
check(np.array([1.0, 2.0, 4.0]) - x, [0, 0, 0], hint="numpy's arrays on the left as well")
check(type(np.array([1.0, 2.0, 4.0]) - x).__name__, "Tensor", hint="apply wraps the result")
check(str((2 - x).dtype), "float32", hint="a Python number never changes the dtype")
check(np.sqrt(x), [1, np.sqrt(2), 2], hint="keep __array_ufunc__ as it is")
check(Parcel() / x, "divide of 2 with []", hint="hand np.divide to apply")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe, uniform


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"), number=normal())
def sums_from_the_right(tensor, x, y, number):
    """A number, a list or an array, plus a tensor."""
    t = tensor.Tensor(x)
    outs = [number + t, y.tolist() + t, y + t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(2, 3, dtype="float32"), y=normal(3, dtype="float32"), number=normal())
def differences_from_the_right(tensor, x, y, number):
    """A number, a list or an array, minus a tensor."""
    t = tensor.Tensor(x)
    outs = [number - t, y.tolist() - t, y - t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(2, 3, dtype="float32"), y=normal(2, 1, dtype="float32"), number=normal())
def products_from_the_right(tensor, x, y, number):
    """A number, a list or an array, times a tensor."""
    t = tensor.Tensor(x)
    outs = [number * t, y.tolist() * t, y * t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=uniform(2, 3, low=0.5, high=2.0, dtype="float32"), y=normal(3, dtype="float32"))
def quotients_from_the_right(tensor, x, y):
    """A number, a list or an array, divided by a tensor."""
    t = tensor.Tensor(x)
    outs = [5 / t, y.tolist() / t, y / t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(2, 3, dtype="float32"), base=uniform(low=1.5, high=3.0))
def powers_from_the_right(tensor, x, base):
    """A number or a list to the power of a tensor."""
    t = tensor.Tensor(x)
    outs = [base**t, [base, 2.0, 3.0] ** t]
    return [(out.data, type(out).__name__) for out in outs]


@observe(a=normal(2, 3), b=normal(3, 2))
def matrix_products_from_the_right(tensor, a, b):
    """A list times a tensor; the product in the other order would have another shape."""
    outs = [a.tolist() @ tensor.Tensor(b), b.tolist() @ tensor.Tensor(a)]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=uniform(3, low=0.5, high=2.0, dtype="float32"))
def the_dtype_from_the_right(tensor, x):
    """A Python number on the left never changes the dtype."""
    t, half = tensor.Tensor(x), tensor.Tensor(x.astype("float16"))
    outs = [1 + t, 0.5 - t, 2.5 * t, 3 / t, 2**t]
    outs += [1 + half, 0.5 - half, 2.5 * half, 3 / half, 2**half]
    return [(out.data, str(out.dtype)) for out in outs]


@observe(x=normal(2, 2, dtype="float32"), y=normal(2, 2, dtype="float32"))
def the_left_operand_comes_first(tensor, x, y):
    """Each reflected operator hands its function and the operands, the left one first, to `apply`."""
    t, left = tensor.Tensor(x), y.tolist()
    actions = [
        lambda: left + t, lambda: left - t, lambda: left * t,
        lambda: left / t, lambda: left**t, lambda: left @ t,
    ]  # fmt: skip
    return [seen_by_apply(tensor, action) for action in actions]


### END HIDDEN TESTS

# %% [markdown]
r"""
## 1.9 Comparisons

Are two tensors equal? Without a method of its own, a class compares by identity: `x == y` asks whether both
are the *same object*. So two tensors with the same numbers would not be equal, and `x < y` would be a
TypeError. The comparisons that one needs in practice work element by element and give one boolean each, a
**mask**:

$$x = (1, 5, 3), \quad y = (2, 5, 1): \qquad x < y = (\text{true}, \text{false}, \text{false}), \qquad
x \le y = (\text{true}, \text{true}, \text{false}).$$

Masks select (`x[x > 0]`, in 1.12) and count (`(x > 0).sum()`). They are no data that a network computes with,
and no gradient ever flows through them. Therefore a comparison gives a plain numpy array of booleans, not a
tensor, and does not go through the door of `apply`: unwrap with `value` and call `compute`, which keeps the
error messages readable.

Python demands one thing in return. A class that defines `__eq__` loses its hash, and its objects could be in
no set and no keys of a dictionary. The last line of the cell gets it back; a later module keeps its
book-keeping in a dictionary of tensors.

### Exercise: `Comparisons` (6 points)

<details><summary>Hint</summary>

The functions are `np.equal`, `np.not_equal`, `np.less`, `np.less_equal`, `np.greater` and `np.greater_equal`.
`other` may be a tensor, an array, a list or a number: `value` takes all of them.

</details>
"""


# %% exercise="comparisons"
#| export
@extend(Tensor)
class Comparisons:
    """``== != < <= > >=``, element by element; each gives a numpy array of booleans.

    They work for any class with an `__array__` method, and broadcast as the arithmetic does. Of two
    scalars the result is a single numpy boolean.

    Examples
    --------
    >>> Tensor([1, 5, 3]) < 3
    array([ True, False, False])

    Approach
    --------
    1. Unwrap both operands with `value`.
    2. Let `compute` call the numpy function of that comparison, and return what it gives.
    """

    __slots__ = ()

    def __eq__(self, other):
        """``x == y``."""
        ### BEGIN SOLUTION
        return compute(np.equal, value(self), value(other))
        ### END SOLUTION

    def __ne__(self, other):
        """``x != y``."""
        ### BEGIN SOLUTION
        return compute(np.not_equal, value(self), value(other))
        ### END SOLUTION

    def __lt__(self, other):
        """``x < y``."""
        ### BEGIN SOLUTION
        return compute(np.less, value(self), value(other))
        ### END SOLUTION

    def __le__(self, other):
        """``x <= y``."""
        ### BEGIN SOLUTION
        return compute(np.less_equal, value(self), value(other))
        ### END SOLUTION

    def __gt__(self, other):
        """``x > y``."""
        ### BEGIN SOLUTION
        return compute(np.greater, value(self), value(other))
        ### END SOLUTION

    def __ge__(self, other):
        """``x >= y``."""
        ### BEGIN SOLUTION
        return compute(np.greater_equal, value(self), value(other))
        ### END SOLUTION

    __hash__ = object.__hash__  # a class with its own == would lose it, and could be no dict's key


# %% checks="comparisons" points=6
x, y = Tensor([1, 5, 3]), Tensor([2, 5, 1])
check(x == y, [False, True, False], hint="element by element, not the object as a whole")
check(x != y, [True, False, True], hint="np.not_equal")
check(x < y, [True, False, False], hint="np.less: 5 < 5 is false")
check(x <= y, [True, True, False], hint="np.less_equal: 5 <= 5 is true")
check(x > y, [False, False, True], hint="np.greater: 5 > 5 is false")
check(x >= y, [False, True, True], hint="np.greater_equal: 5 >= 5 is true")
check(x > 2, [False, True, True], hint="value() takes a number as well")
check(type(x == y).__name__, "ndarray", hint="a mask is a plain numpy array")
check(type(x < y).__name__, "ndarray", hint="a mask is a plain numpy array")
check((Tensor([[1], [3]]) >= x).shape, (2, 3), hint="comparisons broadcast")
check({x: "a key"}[x], "a key", hint="keep the line with __hash__")
check_raises(ValueError, lambda: x < [1, 2], hint="use compute")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe


def kind_of(mask):
    return mask, type(mask).__name__, str(mask.dtype)


@observe(x=integers(4, 5, low=0, high=3), y=integers(5, low=0, high=3))
def equal_and_not_equal(tensor, x, y):
    """Element by element, as arrays of booleans."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    return kind_of(a == b), kind_of(a != b)


@observe(x=integers(4, 5, low=0, high=3), y=integers(5, low=0, high=3))
def less_and_less_or_equal(tensor, x, y):
    """Element by element; equal numbers decide between the two."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    return kind_of(a < b), kind_of(a <= b)


@observe(x=integers(4, 5, low=0, high=3), y=integers(5, low=0, high=3))
def greater_and_greater_or_equal(tensor, x, y):
    """Element by element; equal numbers decide between the two."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    return kind_of(a > b), kind_of(a >= b)


@observe(x=integers(3, low=0, high=3))
def comparisons_with_numbers_arrays_and_lists(tensor, x):
    """The other operand may be a number, an array or a list; a number may stand on the left."""
    t, one = tensor.Tensor(x), 1
    return [
        kind_of(t > 1), kind_of(one > t), kind_of(t == 1), kind_of(one <= t),
        kind_of(t <= x), kind_of(t != [0, 1, 2]), kind_of(t < [1, 1, 1]),
    ]  # fmt: skip


@observe(x=normal(2, 1), y=normal(3))
def comparisons_broadcast(tensor, x, y):
    """A column and a row give a table."""
    a, b = tensor.Tensor(x), tensor.Tensor(y)
    return kind_of(a < b), kind_of(b >= a), kind_of(a == b)


@observe(x=normal(20))
def not_a_number_equals_nothing(tensor, x):
    """NaN is not equal to itself, and neither less nor greater than anything."""
    x[1] = np.nan
    t = tensor.Tensor(x)
    masks = [t == t, t != t, t <= t, t >= t, t < 0.0, t > 0.0, t >= 0.0, t <= 0.0]
    return [kind_of(mask) for mask in masks]


@observe(x=integers(4, low=0, high=3), y=integers(4, low=0, high=3))
def comparisons_of_any_class_with_an_array(tensor, x, y):
    """The group must work for another class that inherits it: it needs `__array__` and no more."""

    class Other(tensor.Comparisons, HasArray):
        __array_ufunc__ = None  # numpy's functions refuse it; value() gives its array

    a, b = Other(x), Other(y)
    masks = [a == b, a != b, a < b, a <= b, a > b, a >= b]
    return [kind_of(mask) for mask in masks], len({a: 1, b: 2})


@observe(x=normal(20), y=normal(20))
def shapes_that_cannot_be_compared(tensor, x, y):
    """Each comparison raises a ValueError that names the shapes; what fits is compared."""
    t = tensor.Tensor(x)
    operators = [t.__eq__, t.__ne__, t.__lt__, t.__le__, t.__gt__, t.__ge__]
    said = [refusal(lambda compare=compare: compare([1.0, 2.0, 3.0])) for compare in operators]
    return (
        ["(20,)" in words and "(3,)" in words for words in said],
        kind_of(t < y),
        kind_of(t == x),
        len({t: 1}),
    )


### END HIDDEN TESTS

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

A rule to remember: **the axis that you name is the one that disappears.**

The mean and the variance of $n$ numbers are

$$\bar{x} = \frac{1}{n} \sum_i x_i, \qquad \operatorname{var}(x) = \frac{1}{n} \sum_i (x_i - \bar{x})^2.$$

For the second row: $\bar{x} = (3 + 4 + 8) / 3 = 5$ and $\operatorname{var} = (4 + 1 + 9) / 3 \approx 4.667$.
We divide by $n$, as numpy does; statistics often divides by $n - 1$.

### What `keepdims` is for

Subtract from each row its own mean. It looks harmless. We try it with numpy, on a table of 2 × 3 and on one
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
The first one is an error: `(2, 3)` does not meet `(2,)`. The second one is **no error, and wrong**.
Broadcasting aligned the three row means with the three *columns*: the mean of row 0 was subtracted from
column 0, and so on. A program with this mistake works in every test with a rectangular table… if the tester
is lucky enough to have one.

With `keepdims=True` the axis is not dropped but keeps length 1. The means are a column, `(3, 1)`, and each
meets its own row:
"""

# %%
right = square - square.mean(axis=1, keepdims=True)
print(right)
print("the means of its rows:", right.mean(axis=1))

# %% [markdown]
r"""
### Exercise: `Reductions` (8 points)

<details><summary>Hint 1</summary>

`axis` and `keepdims` are parameters, not inputs. `apply` passes on to the function whatever it is given by
name.

</details>

<details><summary>Hint 2: inside a method called `sum`, is `sum` the method?</summary>

No: inside a method, `sum` is Python's own function, and the method would be `self.sum`. You need neither, but
`np.sum`.

</details>
"""


# %% exercise="reductions"
#| export
@extend(Tensor)
class Reductions:
    """From many numbers to few, over all axes or over those of `axis` (an int or a tuple).

    With ``keepdims=True`` a reduced axis stays, with length 1, so that the result still broadcasts
    against the tensor it came from. Each method hands the numpy function of its name to `apply`,
    with `axis` and `keepdims` as named parameters.

    Examples
    --------
    >>> Tensor([[1, 2, 6], [3, 4, 8]]).mean(axis=1)
    Tensor([3., 5.])

    Approach
    --------
    1. Take numpy's function of the same name as the method.
    2. Hand it to `apply` with the tensor as the only input, and both parameters by their names.
    """

    __slots__ = ()

    def sum(self, axis=None, keepdims: bool = False):
        """The sum of the elements."""
        ### BEGIN SOLUTION
        return apply(np.sum, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION

    def mean(self, axis=None, keepdims: bool = False):
        """The mean of the elements."""
        ### BEGIN SOLUTION
        return apply(np.mean, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION

    def max(self, axis=None, keepdims: bool = False):
        """The largest element."""
        ### BEGIN SOLUTION
        return apply(np.max, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION

    def min(self, axis=None, keepdims: bool = False):
        """The smallest element."""
        ### BEGIN SOLUTION
        return apply(np.min, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION

    def var(self, axis=None, keepdims: bool = False):
        """The variance: the mean of the squared distances from the mean."""
        ### BEGIN SOLUTION
        return apply(np.var, self, axis=axis, keepdims=keepdims)
        ### END SOLUTION


# %% checks="reductions" points=8
x = Tensor([[1, 2, 6], [3, 4, 8]])
check(x.sum(), 24, hint="without an axis, all elements")
check(x.sum(axis=0), [4, 6, 14], hint="hand axis on; the axis named is the one that disappears")
check(x.sum(axis=1), [9, 15], hint="the axis named is the one that disappears")
check(x.sum(axis=1, keepdims=True), [[9], [15]], hint="hand keepdims on as well")
check(x.mean(axis=1), [3, 5], hint="np.mean, with the axis")
check(x.max(axis=0), [3, 4, 8], hint="np.max, with the axis")
check(x.min(axis=1), [1, 3], hint="np.min, with the axis")
check(x.var(axis=1), [14 / 3, 14 / 3], hint="np.var divides by the number of elements")
check(x.mean(axis=(0, 1)), 4, hint="several axes as a tuple")
check(type(x.sum()).__name__, "Tensor", hint="through apply")
check_raises(IndexError, lambda: x.sum(axis=2), hint="there are only the axes 0 and 1")


class ReducedParcel(Parcel, Reductions):
    """Inherits your reductions, and takes over every operation that it is part of."""


both = "of 1 with ['axis', 'keepdims']"
check(ReducedParcel().sum(), f"sum {both}", hint="hand np.sum to apply, with both parameters")
check(ReducedParcel().mean(), f"mean {both}", hint="hand np.mean to apply, with both parameters")
check(ReducedParcel().max(), f"max {both}", hint="hand np.max to apply, with both parameters")
check(ReducedParcel().min(), f"min {both}", hint="hand np.min to apply, with both parameters")
check(ReducedParcel().var(), f"var {both}", hint="hand np.var to apply, with both parameters")
### BEGIN HIDDEN TESTS
import functools

from tito.observations import integers, normal, observe


def reduced_in_every_way(reduce):
    """A reduction over everything, an axis, the last axis, two axes, with the axes kept, by place."""
    outs = [
        reduce(), reduce(axis=0), reduce(axis=-1), reduce(axis=(0, 2)),
        reduce(keepdims=True), reduce(axis=1, keepdims=True), reduce((1, 2), True), reduce(2),
    ]  # fmt: skip
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 3, 4, dtype="float32"))
def sums_over_axes(tensor, x):
    """The sum over everything, an axis, several axes; with the axes kept or dropped."""
    return reduced_in_every_way(tensor.Tensor(x).sum)


@observe(x=normal(2, 3, 4, dtype="float32"))
def means_over_axes(tensor, x):
    """The mean over everything, an axis, several axes; with the axes kept or dropped."""
    return reduced_in_every_way(tensor.Tensor(x).mean)


@observe(x=normal(2, 3, 4, dtype="float32"))
def maxima_over_axes(tensor, x):
    """The largest element of everything, of an axis, of several; with the axes kept or dropped."""
    return reduced_in_every_way(tensor.Tensor(x).max)


@observe(x=normal(2, 3, 4, dtype="float32"))
def minima_over_axes(tensor, x):
    """The smallest element of everything, of an axis, of several; with the axes kept or dropped."""
    return reduced_in_every_way(tensor.Tensor(x).min)


@observe(x=normal(2, 3, 4, dtype="float32"))
def variances_over_axes(tensor, x):
    """The variance divides by the number of elements, and keeps or drops the axes."""
    return reduced_in_every_way(tensor.Tensor(x).var)


@observe(x=normal(2, 3), axis=integers(low=0, high=2))
def reductions_keep_float64(tensor, x, axis):
    """float64 stays float64; the tensor stays as it was."""
    t = tensor.Tensor(x)
    outs = [t.sum(axis), t.mean(axis), t.max(axis), t.min(axis), t.var(axis)]
    return [(out.data, str(out.dtype)) for out in outs], t.data


@observe(x=normal(2, 3, dtype="float32"))
def reductions_go_through_apply(tensor, x):
    """Each hands its numpy function to `apply`, with `axis` and `keepdims` by their names."""
    t = tensor.Tensor(x)
    found = []
    for name in ("sum", "mean", "max", "min", "var"):
        for arguments in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}):
            action = functools.partial(getattr(t, name), **arguments)
            answer, seen = seen_by_apply(tensor, action)
            found.append(
                (answer, [(f, i, p.get("axis"), p.get("keepdims", False)) for f, i, p in seen])
            )
    return found


### END HIDDEN TESTS

# %% [markdown]
r"""
A word of warning about a habit: write `x.sum()`, not `np.sum(x)`. numpy's reductions are no ufuncs, so
`np.sum(x)` does not come through our door; numpy calls the method `sum` with a parameter that we do not have,
and complains. `np.exp(x)` is fine.

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

Both give views where they can, with new strides on the old memory. That makes them nearly free, and it means
that writing into the result changes the original.

### Exercise: `Shaping` (7 points)

Both methods take their numbers in two ways, as people write them: `x.reshape(2, 3)` and `x.reshape((2, 3))`.

<details><summary>Hint 1: two ways of writing</summary>

With `*shape` in the signature, `shape` is a tuple of all arguments: `(2, 3)` for the first way and
`((2, 3),)`, a tuple in a tuple, for the second. If there is exactly one argument and it is not a plain int,
it is what you want.

</details>

<details><summary>Hint 2: no axes at all</summary>

`np.transpose` reverses the order when its `axes` are `None`. An empty tuple would mean "a tensor without
axes". The expression `axes or None` is `None` for an empty tuple.

</details>
"""


# %% exercise="shaping"
#| export
@extend(Tensor)
class Shaping:
    """The same numbers in another arrangement."""

    __slots__ = ()

    def reshape(self, *shape):
        """The elements in the given shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``.

        Parameters
        ----------
        *shape : int, or one tuple of int
            The new lengths. One of them may be -1: it is then what the number of elements makes it.

        Returns
        -------
        Tensor
            A view where that is possible.

        Raises
        ------
        ValueError
            If the number of elements is another one.

        Approach
        --------
        1. If the one argument is a tuple, that is the shape.
        2. Hand np.reshape to `apply`, with a parameter named `shape`.
        """
        ### BEGIN SOLUTION
        shape = shape[0] if len(shape) == 1 else shape
        return apply(np.reshape, self, shape=shape)
        ### END SOLUTION

    def transpose(self, *axes):
        """The axes in the given order, as ``transpose(1, 0)`` or ``transpose((1, 0))``.

        Parameters
        ----------
        *axes : int, or one tuple of int
            For each axis of the result, which one of this tensor it is; without any, in reverse
            order.

        Returns
        -------
        Tensor
            A view.

        Raises
        ------
        ValueError
            If not every axis is named once.

        Approach
        --------
        1. If the one argument is a tuple, these are the axes.
        2. Hand np.transpose to `apply`, with a parameter named `axes`; it is None if there are none.
        """
        ### BEGIN SOLUTION
        axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return apply(np.transpose, self, axes=axes or None)
        ### END SOLUTION

    @property
    def T(self):
        """The tensor with its axes in reverse order; of a matrix, the transposed one."""
        ### BEGIN SOLUTION
        return self.transpose()
        ### END SOLUTION


# %% checks="shaping" points=7
x = Tensor([[1, 2, 3], [4, 5, 6]])
check(x.reshape(3, 2), [[1, 2], [3, 4], [5, 6]], hint="the order of reading stays")
check(x.reshape((3, 2)), [[1, 2], [3, 4], [5, 6]], hint="one argument that is a tuple")
check(x.reshape(6), [1, 2, 3, 4, 5, 6], hint="one argument that is a number")
check(x.reshape(-1, 2).shape, (3, 2), hint="numpy works out the -1")
check(x.transpose(), [[1, 4], [2, 5], [3, 6]], hint="without axes: in reverse order")
check(x.T, [[1, 4], [2, 5], [3, 6]], hint="short for transpose()")

photograph = Tensor(np.zeros((48, 64, 3)))
check(photograph.transpose(2, 0, 1).shape, (3, 48, 64), hint="hand the axes on")
check(photograph.transpose((2, 0, 1)).shape, (3, 48, 64), hint="one argument that is a tuple")
check(photograph.T.shape, (3, 64, 48), hint="all axes in reverse order")
check(np.shares_memory(x.T.data, x.data), True, hint="np.transpose makes a view; do not copy")
check(
    np.shares_memory(x.reshape(6).data, x.data), True, hint="np.reshape makes a view; do not copy"
)
check_raises(ValueError, lambda: x.reshape(4, 2), hint="6 elements are not 8")


class ShapedParcel(Parcel, Shaping):
    """Inherits your arrangements, and takes over every operation that it is part of."""


check(ShapedParcel().reshape(3), "reshape of 1 with ['shape']", hint="shape by its name")
check(ShapedParcel().T, "transpose of 1 with ['axes']", hint="axes by its name")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe, raised


@observe(x=normal(2, 3, 4, dtype="float32"))
def reshaped_by_numbers(tensor, x):
    """reshape(6, 4), reshape(24), and -1 for what is left."""
    t = tensor.Tensor(x)
    outs = [t.reshape(6, 4), t.reshape(24), t.reshape(-1), t.reshape(4, -1), t.reshape(1, 24, 1)]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(2, 6), number=normal())
def reshaped_by_a_tuple(tensor, x, number):
    """reshape((3, 4)), reshape((-1,)), and a scalar from and to one element."""
    t, one = tensor.Tensor(x), tensor.Tensor(np.array([[number]]))
    outs = [
        t.reshape((3, 4)),
        t.reshape((-1,)),
        t.reshape((2, 3, -1)),
        one.reshape(()),
        one.reshape(1),
    ]
    return [(out.data, str(out.dtype)) for out in outs]


@observe(x=normal(2, 3, 4, dtype="float32"))
def transposed_without_axes(tensor, x):
    """transpose() and T reverse the axes, of one, two and three axes."""
    tensors = [tensor.Tensor(x), tensor.Tensor(x[0]), tensor.Tensor(x[0, 0])]
    return [(t.transpose().data, t.T.data, type(t.T).__name__) for t in tensors]


@observe(x=normal(2, 3, 4, dtype="float32"))
def transposed_by_numbers(tensor, x):
    """transpose(2, 0, 1) puts the old axis 2 first; a negative axis counts from the end."""
    t = tensor.Tensor(x)
    outs = [t.transpose(2, 0, 1), t.transpose(1, 2, 0), t.transpose(0, 2, 1), t.transpose(-1, 0, 1)]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(2, 3, 4, dtype="float32"))
def transposed_by_a_tuple(tensor, x):
    """transpose((2, 0, 1)) is transpose(2, 0, 1)."""
    t = tensor.Tensor(x)
    return (
        t.transpose((2, 0, 1)).data,
        t.transpose((0, 2, 1)).data,
        tensor.Tensor(x[0, 0]).transpose(0).data,
    )


@observe(x=normal(2, 6, dtype="float32"))
def other_arrangements_share_the_memory(tensor, x):
    """Writing into a view changes the tensor it came from."""
    t = tensor.Tensor(x)
    t.reshape(3, 4).data[0, 1] = 70.0
    t.T.data[5, 0] = 80.0
    t.transpose(1, 0).data[3, 1] = 90.0
    return t.data, t.shape


@observe(x=normal(2, 6, dtype="float32"))
def arrangements_that_do_not_exist(tensor, x):
    """Another number of elements, or an axis that is left out or named twice, is a ValueError."""
    t = tensor.Tensor(x)
    return (
        t.reshape(4, -1).data,
        t.transpose(1, 0).data,
        [
            raised(lambda: t.reshape(5, 2)),
            raised(lambda: t.reshape((5, -1))),
            raised(lambda: t.transpose(0)),
            raised(lambda: t.transpose(0, 0)),
            raised(lambda: t.transpose((0, 1, 2))),
        ],
    )


@observe(x=normal(2, 6, dtype="float32"))
def arrangements_go_through_apply(tensor, x):
    """np.reshape with its `shape`, np.transpose with its `axes`, by their names, to `apply`."""
    t = tensor.Tensor(x)
    found = []
    for action in (lambda: t.reshape(3, 4), lambda: t.reshape((3, 4)), lambda: t.reshape(12)):
        answer, seen = seen_by_apply(tensor, action)
        found.append(
            (answer, [(f, i, tuple(np.atleast_1d(p["shape"]).tolist())) for f, i, p in seen])
        )
    for action in (
        lambda: t.transpose(1, 0),
        lambda: t.transpose((1, 0)),
        t.transpose,
        lambda: t.T,
    ):
        answer, seen = seen_by_apply(tensor, action)
        found.append((answer, [(f, i, p.get("axes")) for f, i, p in seen]))
    return found


### END HIDDEN TESTS

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

numpy can do all of that; we only have to bring it through our door, and the door wants a function. So a
function `getitem` is given, which does what the brackets do.

The second method is `__iter__`, for `for day in days:`. Do we need it? Python can go through any object with
`__getitem__`: it asks for `x[0]`, `x[1]`, … until an IndexError comes. A scalar raises that error at once. So
a loop over a scalar would run *zero times*, without a word, and a list of losses made that way would be
empty. With `__iter__`, written with `len`, it is a TypeError.

### Exercise: `Indexing` (5 points)

<details><summary>Hint 1</summary>

The index is not a tensor that one could differentiate by; it is a setting, as the axis of a sum is. So it is
a parameter with a name.

</details>

<details><summary>Hint 2: an iterator</summary>

A generator expression `(… for i in range(…))` is an iterator, and it computes its `range` at once when it is
made. In a method with `yield` nothing runs before the first step of the loop; that is as good here.

</details>
"""


# %% exercise="indexing"
#| export
def getitem(x: np.ndarray, index) -> np.ndarray:
    """``x[index]`` as a function, so that it can go through `apply`."""
    return x[index]


@extend(Tensor)
class Indexing:
    """Reading a part: ``x[0]``, ``x[:, 1:3]``, ``x[x > 0]``; and going through the rows."""

    __slots__ = ()

    def __getitem__(self, index):
        """``x[index]``, for every index that numpy knows.

        Parameters
        ----------
        index : int, slice, boolean or integer array, or a tuple of these
            What to take.

        Returns
        -------
        Tensor
            The part; of a number or a slice, a view.

        Raises
        ------
        IndexError
            If an index lies outside its axis, or there are more indices than axes.

        Approach
        --------
        1. Hand `getitem` to `apply`, with a parameter named `index`.
        """
        ### BEGIN SOLUTION
        return apply(getitem, self, index=index)
        ### END SOLUTION

    def __iter__(self) -> Iterator:
        """The parts along the first axis, one after the other: ``x[0]``, ``x[1]``, …

        Raises
        ------
        TypeError
            If there are no axes.

        Approach
        --------
        1. Go through the numbers from 0 to below ``len(self)``.
        2. For each of them, give that part of the tensor.
        """
        ### BEGIN SOLUTION
        return (self[i] for i in range(len(self)))
        ### END SOLUTION


# %% checks="indexing" points=5
x = Tensor([[1, 2, 6], [3, 4, 8]])
check(x[1], [3, 4, 8], hint="hand the index on by its name")
check(x[:, 2], [6, 8], hint="numpy knows this index; hand it on as it is")
check(x[:, 1:], [[2, 6], [4, 8]], hint="numpy knows this index; hand it on as it is")
check(x[0, -1], 6, hint="numpy knows this index; hand it on as it is")
check(x[x > 3], [6, 4, 8], hint="a mask is an index as well")
check(x[[1, 0, 1]].shape, (3, 3), hint="a list of rows is an index as well")
check(type(x[0, 0]).__name__, "Tensor", hint="through apply")
check(np.shares_memory(x[1].data, x.data), True, hint="a row is a view; do not copy")
check([row.sum() for row in x], [9, 15], hint="a loop goes through all rows, from 0 on")
check([type(row).__name__ for row in x], ["Tensor", "Tensor"], hint="self[i] is a Tensor")
check_raises(IndexError, lambda: x[2], hint="use compute, through apply")
check_raises(TypeError, lambda: list(Tensor(1.0)), hint="use len(self)")


class ReadParcel(Parcel, Indexing):
    """Inherits your brackets, and takes over every operation that it is part of."""


check(ReadParcel()[0], "getitem of 1 with ['index']", hint="index by its name")
### BEGIN HIDDEN TESTS
from tito.observations import integers, normal, observe, raised


@observe(x=normal(4, 5, dtype="float32"), i=integers(low=0, high=4), j=integers(low=-5, high=5))
def numbers_as_index(tensor, x, i, j):
    """A number takes one, and its axis disappears; the result is a Tensor, also of one element."""
    t = tensor.Tensor(x)
    outs = [t[i], t[-1], t[i, j], t[:, j]]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(4, 5, 3))
def slices_as_index(tensor, x):
    """A slice keeps its axis; steps, the ellipsis and new axes work as in numpy."""
    t = tensor.Tensor(x)
    outs = [t[1:3], t[:, ::-1], t[::2, 1:-1], t[..., 0], t[:, None, 2], t[-2:, 1, :2], t[2:2]]
    return [(out.data, str(out.dtype), type(out).__name__) for out in outs]


@observe(x=normal(4, 5, dtype="float32"), rows=integers(6, low=0, high=4))
def masks_and_positions_as_index(tensor, x, rows):
    """A mask takes what is true; an array of positions takes them in that order, also repeatedly."""
    t = tensor.Tensor(x)
    outs = [t[x > 0], t[x[:, 0] > 0], t[rows], t[rows, 2], t[[0, -1]]]
    return [(out.data, type(out).__name__) for out in outs]


@observe(x=normal(4, 5, dtype="float32"))
def a_slice_is_a_view(tensor, x):
    """Writing into a slice changes the tensor; writing into what a mask took does not."""
    t = tensor.Tensor(x)
    t[1].data[0] = 50.0
    t[2:, 1].data[1] = 60.0
    t[x > 0].data[:] = 70.0
    return t.data


@observe(x=normal(3, 2, dtype="float32"))
def a_loop_goes_through_the_first_axis(tensor, x):
    """It gives Tensors: the rows of a matrix, the elements of a vector; of a scalar, a TypeError."""
    rows, numbers = list(tensor.Tensor(x)), list(tensor.Tensor(x[:, 0]))
    parts = [(part.data, type(part).__name__) for part in rows + numbers]
    return parts, list(tensor.Tensor(x[:0])), raised(lambda: list(tensor.Tensor(x[0, 0])))


@observe(x=normal(3, 2))
def an_index_that_does_not_exist(tensor, x):
    """Outside the axis, or one index too many, is an IndexError; what lies within is given."""
    t = tensor.Tensor(x)
    return t[2, -2].data, [
        raised(lambda: t[3]),
        raised(lambda: t[0, -3]),
        raised(lambda: t[0, 0, 0]),
        raised(lambda: tensor.Tensor(x[0, 0])[0]),
    ]


@observe(x=normal(3, 4, dtype="float32"))
def reading_goes_through_apply(tensor, x):
    """`getitem` with its `index`, by that name, to `apply`."""
    t = tensor.Tensor(x)
    found = []
    for action in (lambda: t[1], lambda: t[1:, ::2], lambda: t[..., 0]):
        answer, seen = seen_by_apply(tensor, action)
        found.append((answer, [(f, i, repr(p.get("index"))) for f, i, p in seen]))
    return found


### END HIDDEN TESTS

# %% [markdown]
r"""
That is the tensor. Before we use it, a look at the second written question.

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
for name, mean, variance, share in zip(names, days.mean(axis=0), spread, shares, strict=True):
    print(
        f"{name:12} mean {mean.item():7.1f}   standard deviation {variance.item() ** 0.5:4.1f}   "
        f"share of all squared distances {share.item():4.0%}"
    )
# %% [markdown]
r"""
The columns have different units. A distance between two days, computed with these numbers, is ruled by
whatever has the largest spread: humidity and pressure make up 79 % of all squared distances between two days,
the wind 3 %. Somebody who writes the pressure in pascal instead of hectopascal makes its differences 100
times as large. Networks suffer from the same thing: the weights of a column with large numbers get large
gradients.

The remedy is to **standardise**: give each column the mean 0 and the standard deviation 1,

$$z_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j}, \qquad \mu_j = \frac{1}{n} \sum_i x_{ij}, \qquad
\sigma_j = \sqrt{\frac{1}{n} \sum_i (x_{ij} - \mu_j)^2}.$$

**An example with numbers.** The column $(1, 3, 8)$ has $\mu = 4$ and
$\sigma^2 = (9 + 1 + 16) / 3 \approx 8.667$, $\sigma \approx 2.944$. It becomes $(-1.019, -0.340, 1.359)$.

One case is left: a sensor that is stuck shows the same number every day. Its $\sigma$ is 0, and $0/0$ is not
a number. Such a column shall become all zeros: it tells nothing apart.

### Exercise: `standardise` (4 points)

<details><summary>Hint 1: the square root</summary>

Tensors have no method for it, but `** 0.5` (and `np.sqrt`) work.

</details>

<details><summary>Hint 2: the stuck sensor</summary>

Its numerator is 0 in any case; what matters is not to divide by 0. Which columns are constant? Those whose
largest element equals their smallest. That comparison is an array of booleans, and a boolean counts as 0 or 1
in a sum: added to the denominator, it changes only those columns. (Why not ask whether the variance is 0? A
mean is rounded. For a constant of 0.1 the variance in float32 may come out as $10^{-16}$ instead.)

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
        The standardised columns, in the dtype of `table`; zeros for a column that is constant.

    Approach
    --------
    1. Compute the mean and the variance of each column, down the rows.
    2. Find out which columns are constant.
    3. Subtract the mean, and divide by the square root of the variance, or by 1 where it is constant.
    """
    ### BEGIN SOLUTION
    deviation = table.var(axis=0) ** 0.5
    constant = table.max(axis=0) == table.min(axis=0)
    return (table - table.mean(axis=0)) / (deviation + constant)
    ### END SOLUTION


# %% checks="standardise" points=4
table = Tensor([[1, 7], [3, 7], [8, 7]])
z = [[-1.0190493, 0], [-0.3396831, 0], [1.3587324, 0]]
check(standardise(table)[:, 0], [row[0] for row in z], hint="(x - mean) / standard deviation")
check(standardise(table), z, hint="do not divide by 0 where all elements are equal")
same = Tensor([[0.1]] * 7)
check(standardise(same)[:, 0], [0] * 7, hint="rounded, their variance is not quite 0; use max, min")
check(standardise(days).mean(axis=0), [0, 0, 0, 0], hint="per column: axis=0", tolerance=1e-3)
check(standardise(days).var(axis=0), [1, 1, 1, 1], hint="per column: axis=0", tolerance=1e-3)
check(str(standardise(days).dtype), "float32", hint="Tensors and numbers only, no float64 arrays")
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

For *all* pairs of $n$ days and $m$ days that is a table of $n \times m$ distances. One could write two loops.
Broadcasting does it in one stroke: give $a$ the shape $(n, 1, k)$ and $b$ the shape $(1, m, k)$; their
difference has the shape $(n, m, k)$ and holds each pair; then sum the squares over the last axis.

**An example with numbers.** For $a = ((0, 0), (3, 4))$ and $b = ((0, 0), (0, 4), (3, 0))$ the differences
have the shape $(2, 3, 2)$ and the distances are

$$\begin{pmatrix} 0 & 4 & 3 \\ 5 & 3 & 4 \end{pmatrix}.$$

### Exercise: `distances` (4 points)

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
    1. Give both another axis of length 1, so that every row of `a` meets every row of `b`.
    2. Subtract, square, sum over the measurements, and take the square root.
    """
    ### BEGIN SOLUTION
    differences = a[:, None, :] - b[None, :, :]
    return (differences**2).sum(axis=-1) ** 0.5
    ### END SOLUTION


# %% checks="distances" points=4
a, b = Tensor([[0, 0], [3, 4]]), Tensor([[0, 0], [0, 4], [3, 0]])
check(distances(a, b), [[0, 4, 3], [5, 3, 4]], hint="the shapes are (2, 1, 2) and (1, 3, 2)")
check(distances(b, a).shape, (3, 2), hint="the rows of the result belong to the first argument")
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
furthest from 0. The day most like today is the one at the smallest distance from it (today itself excepted).
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
By the raw numbers the most similar day had about half of today's wind, since the wind hardly counts among
them. By the standardised ones it is a day that resembles today in all four.

All distances at once are easier to look at than to read. The picture has a row and a column for each day.
Dark means alike, light means different; the diagonal is black, since each day is at distance 0 from itself,
and the picture is symmetric. A light line, across and down, is an unusual day: it is far from all the others.
On the left with raw numbers, on the right standardised. The two pictures differ because on the left humidity
and pressure decide nearly alone.
"""

# %% demo=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for axis, (label, table) in zip(axes, (("raw", days), ("standardised", z)), strict=True):
    picture = axis.imshow(distances(table, table).numpy(), cmap="magma")
    axis.set(title=f"distances between days, {label}", xlabel="day", ylabel="day")
    figure.colorbar(picture, ax=axis)
figure.tight_layout()
show(
    figure,
    "Two heat maps of the distances between all pairs of days, with a bar for the shades: "
    "raw on the left, standardised on the right. The diagonal is darkest; a light row and "
    "column is a day unlike all others, and these are other days on the right than on the "
    "left.",
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
And now one line for each thing that an app for photographs has a button for. In the figure, from left to
right and row by row: the picture itself (a blue sky, a yellow sun at the upper right, a green hill);
mirrored, so that the sun is at the upper left; in grey, as the matrix product of each colour with the weights
that the eye gives to red, green and blue; warmer, each colour multiplied by a factor of its own; the part
around the sun; and coarse, where each block of 4 × 4 points is replaced by its mean, by a reshape to five
axes and a mean over two of them.
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
    "Six small pictures made of one image: the image, mirrored, grey, warmer, a part of it, "
    "and coarse with blocks of four by four; each with its shape above it.",
)

# %% [markdown]
r"""
Look at the line for the coarse picture again. The reshape splits the 48 rows into 12 groups of 4, and the 64
columns into 16 groups of 4. It works because reshaping keeps the reading order. It is also the first half of
a layer that a later module builds for networks that see: pooling.

# Part 3: Analyze

A framework is a convenience, and convenience has a price. We measure three prices: what a Python loop costs,
what our door costs, and what a wider number format costs. Times differ from machine to machine and from run
to run, so take ratios seriously and single numbers lightly. If one point stands out, another program was busy
at that moment: run the cell again.
"""


# %%
def seconds(action, budget=0.05):
    """How long a call takes: the best of nine rounds that take about `budget` seconds together."""
    action()
    once = timeit.Timer(action).timeit(1)
    calls = max(1, int(budget / 9 / max(once, 1e-7)))
    return min(timeit.Timer(action).repeat(9, calls)) / calls


# %% [markdown]
r"""
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
        seconds(lambda: [p * q for p, q in zip(numbers, numbers)]),
        seconds(lambda: array * array),
        seconds(lambda: tensor * tensor),
    ]


sizes = [10**k for k in range(7)]
columns = zip(*[times_of_a_product(n) for n in sizes])
times = dict(zip(["Python list", "numpy array", "Tensor"], columns, strict=True))
print(f"{'n':>9}" + "".join(f"{name:>16}" for name in times) + "   (microseconds)")
for k, n in enumerate(sizes):
    print(f"{n:>9,}" + "".join(f"{1e6 * column[k]:>16,.2f}" for column in times.values()))

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
    "Microseconds for one call against the number of elements, both axes logarithmic. The "
    "list (squares) rises from the start; numpy (circles) and Tensor (triangles) begin flat "
    "and rise together, far below the list at the right.",
)

# %% [markdown]
r"""
When this was written, on a machine with two shared cores, a million products took, depending on what else the
machine was doing, 60 to 90 ms in the loop and 0.1 to 0.4 ms in numpy: a factor of several hundred. Where does
it come from? In the loop, each number is a Python object somewhere in memory, whose type is looked up before
it can be multiplied, and whose product is a new object. In an array the numbers lie side by side, the type is
looked up once for all of them, and the processor multiplies several at a time.

## 3.2 What the door costs

Between numpy and Tensor there is a gap at the left of the plot: a call goes through `__mul__`, `apply`,
`value`, `compute`, and the making of a `Tensor`. We look at the difference and at the ratio.
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
    "Time of Tensor divided by that of numpy against the number of elements: several times "
    "as long for few elements, falling to the dashed line at 1 for many.",
)

# %% [markdown]
r"""
### Question: small tensors or large ones (3 points)

Use the numbers that *you* have just measured (copy those that you use into your answer).

(a) From which of the sizes on does a Tensor take less than 1.5 times the time of numpy? (b) Why is the extra
time of a call about the same for 1 element and for 1,000? (c) You have to compute the outputs of a network
for 1,000 examples. What do your numbers say about doing it example by example, or with all of them in one
tensor?
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
        f"{1e6 * seconds(lambda: x * y, 0.3):4.0f} microseconds for a product, "
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
        marks, np.maximum(error, 1e-17), style, label=f"one after the other, {dtype.__name__}"
    )
    print(f"{dtype.__name__}: {n:,} times 0.1, one after the other, is {running[-1]:,.2f}")
pairwise = Tensor(np.full(n, 0.1, dtype=np.float32)).sum().item()
axis.loglog([n], [abs(pairwise / (0.1 * n) - 1)], "o", label="Tensor.sum(), float32")
axis.set(xlabel="number of additions", ylabel="relative error of the sum")
axis.legend(loc="upper left")
axis.grid(alpha=0.3)
show(
    figure,
    "Relative error of a sum of equal numbers against how many are added, both axes "
    "logarithmic. One after the other in float32 (solid line) the error grows to a great "
    "part of the sum; in float64 (dashed) it stays many orders of magnitude below; the "
    "single point of Tensor.sum() in float32 lies far below the solid line.",
)
print(f"float32: Tensor.sum() gives {pairwise:,.2f}")

# %% [markdown]
r"""
The lesson is not "use float64". It is: float32 for the data, and some thought about the order of a long sum,
which numpy has taken for you.

## 3.4 What a view saves

Last, the promise of 1.1. Transposing moves no number. How long does it take for 4 MB, and how long if the
numbers are really moved?
"""

# %% demo=true
matrix = Tensor(rng.normal(size=(1000, 1000)), dtype=np.float32)
view = seconds(lambda: matrix.T)
copy = seconds(lambda: matrix.T.numpy().copy())
print(f"matrix.T: {1e6 * view:.1f} microseconds; with a copy: {1e6 * copy:,.0f} microseconds")
print("strides in elements:", [step // 4 for step in matrix.data.strides], end=", transposed ")
print([step // 4 for step in matrix.T.data.strides])

# %% [markdown]
r"""
# Summary

You have built a tensor of about 40 methods with some 80 lines of your own, and none of the methods is long.
What carries it:

- **Data comes in through `as_array`**: float32 unless a floating dtype was chosen, shared unless it must be
  converted, refused in a sentence if it is no block of real numbers.
- **Shapes meet by broadcasting**: aligned at the right, equal or 1. It saves loops and copies, and it hides
  two mistakes: a reduced axis that was not kept, and `(n,)` against `(n, 1)`.
- **Every operation goes through `apply`**: a pure function of arrays, unwrapped inputs, one wrapped result.
  The operators only name functions, in the order of the operands.
- **Views are nearly free, loops are not**: reshape, transpose and slices share memory; a Python loop over a
  million numbers is more than a hundred times slower than one call; our door costs a few microseconds for
  each call, whatever the size.

**What you have exported.** `Tensor`, `as_array`, `value`, `compute`, `apply`, `getitem`, `extend`, and seven
groups of methods. Run `python bin/tito.py test --module 01_tensor` to see it checked,
`python bin/tito.py export 01_tensor` to make it yours, and then try in a Python shell:

```python
from tinytorch.core.tensor import Tensor
2 - Tensor([1, 2, 4])
```

**What comes next.** A chain of additions and matrix products, however long, can only draw straight lines: it
equals a single matrix product and a single addition. In **module 2, Activations**, you add what bends them.
`relu`, `sigmoid` and `softmax` will be pure functions of arrays, and they will come through the door that you
have built: `apply(relu, x)`.

### If you want to go on

- `np.sum(x)` fails, as 1.10 said. Look up `__array_function__` in numpy's documentation. Which problem would
  it bring for functions that take a *list* of tensors, as `np.concatenate` does?
- Write `broadcast_shape` for any number of shapes, with the one for two and `functools.reduce`.
- Distances by broadcasting need memory for $n \cdot m \cdot k$ numbers. With
  $\lVert a - b \rVert^2 = \lVert a \rVert^2 - 2\, a \cdot b + \lVert b \rVert^2$ it is only $n \cdot m$.
  Write it, compare the times for $n = m = 1000$ and $k = 50$, and find two points for which float32 makes it
  inexact.
"""

# %% [markdown]
r"""
# Module 5: Convolutions

The network of module 4 reads handwritten digits, as long as each fills its picture. Now move every digit to the
right, by a pixel or two. How many does it still read?
"""

# %%
#| default_exp core.cnn
#| export
from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dense, he_weights
from tinytorch.core.networks import Module, Sequential
from tinytorch.core.tensor import Tensor, apply
from tinytorch.support import required
from tinytorch.support.images import image_shape
from tinytorch.support.pieces import in_pieces

# %% [markdown]
r"""
That was for the library. (`required` is that of module 4: refusals that you may use, and needn't.) This is for the
notebook only:
"""

# %%
from tinytorch.core.activations import relu
from tinytorch.core.networks import MLP, count_parameters, mlp_from_state, summary
from tinytorch.datasets import digits, place, trained
from tito.checks import check, check_raises
from tito.figures import digits_figure, seconds
from tito.student.progress import progress as progress

rng = np.random.default_rng(0)
images, labels = digits()
images /= 16

# %% demo=true
reader = mlp_from_state(trained("digits"))
for shift in range(4):
    moved = np.pad(images[1437:], ((0, 0), (0, 0), (shift, 0)))[:, :, :8]
    answers = reader(Tensor(moved.reshape(360, 64))).numpy().argmax(axis=1)
    print(f"moved by {shift}: {np.mean(answers == labels[1437:]):.0%} read right")

# %% [markdown]
r"""
For a dense layer, pixel 20 and pixel 21 have nothing to do with each other. What it has learned about a stroke in
one place, it doesn't know in the next. So use the same small set of weights *in every place*. That's a **convolution**.
Fukushima built such a network in 1980 ("Neocognitron"), modelled on what was known about the eye. In 1989 one by LeCun and
others read the ZIP codes on American letters.

Before the end you'll read digits *anywhere* on a sheet. Nothing is trained for it: the weights are drawn at random.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | a window that slides, over a signal and over images | 4 | 80 min |
| 2 | all windows at once: one matrix product | 2 | 50 min |
| 3 | layers; **milestone M2**: digits anywhere | 3 | 60 min |
| 4 | pooling, and what a neuron can see | 3 | 50 min |
| 5 | the way back, from windows to an image | 1 | 20 min |
| Use and Analyze | a famous network; how many weights; what moves along | 2 questions | 35 min |

You need modules 1 to 4, exported. `progress()` in a cell shows how far you are.

## Build

### 1. A window that slides

Begin with one row of numbers, a *signal*, and three weights, a *kernel*. Put the kernel on the first three numbers,
multiply number by number, and add up. Move it by one. And so on, to the end:

```text
signal   1  2  4  8
kernel   1  0 -1              1·1 + 2·0 - 4·1 = -3
            1  0 -1           2·1 + 4·0 - 8·1 = -6
```

Strictly speaking, this is a *correlation*. A convolution turns the kernel round first. Deep learning leaves that
out, and keeps the name.

#### Exercise 1: `correlate`

Return the array of these sums. `signal[i : i + 3]` is a piece of length 3, from place `i`.
"""


# %% exercise="correlate"
def correlate(signal: ndarray, kernel: ndarray) -> ndarray:
    """The sum of the products of the kernel and each piece of the signal."""
    ### BEGIN SOLUTION
    size = len(kernel)
    places = range(len(signal) - size + 1)
    return np.array([(signal[i : i + size] * kernel).sum() for i in places])
    ### END SOLUTION


# %% checks="correlate" points=4
check(
    correlate(np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, -1.0])),
    [-3.0, -6.0],
    hint="the kernel isn't turned round, and it fits in two places",
)
check(
    correlate(np.array([3.0, 0.0, 6.0, 3.0]), np.array([0.5, 0.5])),
    [1.5, 3.0, 4.5],
    hint="four numbers have three pairs of neighbours",
)
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, message_of, normal, observe, raised


@observe(signal=normal(9), kernel=normal(5), size=integers(low=1, high=6))
def kernels_of_any_length(cnn, signal, kernel, size):
    """Every place where the kernel fits; both arrays are left alone."""
    found = cnn.correlate(signal, kernel[:size])
    small = cnn.correlate(signal.astype("float32"), kernel[:size].astype("float32"))
    return found, type(found).__name__, str(small.dtype), signal, kernel


@observe(signal=normal(4), kernel=normal(4))
def a_kernel_as_long_as_the_signal(cnn, signal, kernel):
    """There is one place."""
    return cnn.correlate(signal, kernel)


### END HIDDEN TESTS

# %% [markdown]
r"""
What is it good for? Here is a row of pixels out of a real digit. The kernel $(\frac13, \frac13, \frac13)$ blurs it.
The kernel $(-1, 1)$ answers where the row gets darker, and where lighter: it finds *edges*.
"""

# %% demo=true
row = 16 * images[0, 3]
print("row:    ", row, "\nblurred:", correlate(row, np.ones(3) / 3).round(1))
print("edges:  ", correlate(row, np.array([-1, 1])))

# %% [markdown]
r"""
#### Exercise 2: `output_length`

How many sums come out? Getting that wrong by one is easy, and you notice it three layers later. So one function
knows it, and all others ask it. Two more things may be chosen:

- **stride** $s$: how far the window moves each time;
- **padding** $p$: this many zeros are put at *each* end first.

$$ \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1 $$

for a length $n$ and a kernel of length $k$. Without the floor there would be a last, half window. For $n = 8$, $k = 3$:

| stride | padding | length |
| --- | --- | --- |
| 1 | 0 | 6 |
| 1 | 1 | 8 |
| 2 | 0 | 3 |

Refuse (`ValueError`, with all numbers in the sentence) a window that is longer than what it slides over, a kernel or
a stride below 1, and a negative padding.
"""


# %% exercise="output-length"
#| export
def output_length(length: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """In how many places a window fits.

    Parameters
    ----------
    length : int
        What it slides along.
    kernel : int
        How long it is, at least 1.
    stride : int
        How far it moves each time, at least 1.
    padding : int
        How much is added at each end, at least 0.

    Raises
    ------
    ValueError
        If one of them is too small, or the window is too long; names all.

    Examples
    --------
    >>> output_length(28, 5, stride=2, padding=2)
    14
    """
    ### BEGIN SOLUTION
    required.whole_numbers(kernel=kernel, stride=stride, padding=padding, length=length)
    if min(kernel, stride) < 1 or padding < 0:
        raise ValueError(
            f"kernel and stride are at least 1, and padding is at least 0, but got "
            f"kernel={kernel}, stride={stride}, padding={padding}"
        )
    if kernel > length + 2 * padding:
        raise ValueError(
            f"a window of {kernel} does not fit into a length of {length} with a padding of "
            f"{padding}; use a smaller window or a larger padding"
        )
    return (length + 2 * padding - kernel) // stride + 1
    ### END SOLUTION


# %% checks="output-length" points=6
check(output_length(8, 3), 6, hint="the last window begins at place 5")
check(output_length(8, 3, padding=1), 8, hint="padding is added at both ends")
check(output_length(8, 3, stride=2), 3, hint="windows begin at 0, 2 and 4: round down")
check(output_length(5, 5), 1, hint="a window as long as the signal fits once")
check_raises(ValueError, lambda: output_length(4, 5), hint="a window of 5 in 4 numbers")
check(output_length(4, 5, padding=1), 2, hint="with padding it fits")
check_raises(ValueError, lambda: output_length(4, 0), hint="a window of nothing")
check_raises(ValueError, lambda: output_length(4, 2, 0), hint="a window that stays")
check_raises(ValueError, lambda: output_length(4, 2, 1, -1), hint="negative padding")
### BEGIN HIDDEN TESTS


@observe(numbers=integers(12, 3, low=1, high=8), extra=integers(12, low=0, high=20))
def lengths_for_many_settings(cnn, numbers, extra):
    """A whole number, for every kernel, stride and padding that fit."""
    found = []
    for (kernel, stride, padding), more in zip(numbers.tolist(), extra.tolist()):
        length = cnn.output_length(kernel + more, kernel, stride, padding - 1)
        found.append((int(length), isinstance(length, (int, np.integer))))
    return found


@observe(kernel=integers(low=1, high=9), stride=integers(low=1, high=4))
def defaults_of_stride_and_padding(cnn, kernel, stride):
    """Stride 1, no padding; settings may be named."""
    length = cnn.output_length
    return length(20, kernel), length(20, kernel, stride), length(20, kernel, padding=2)


@observe(length=integers(low=1, high=9), more=integers(low=0, high=99))
def a_window_that_is_too_long(cnn, length, more):
    """It is refused with its sizes, for any padding; one less fits once, and a longer signal helps."""
    found = []
    for padding in range(4):
        kernel = length + 2 * padding + 1
        too_long = lambda: cnn.output_length(length, kernel, 1, padding)  # noqa: B023, E731
        says = message_of(too_long)
        fits = cnn.output_length(length, kernel - 1, 3, padding)
        longer = cnn.output_length(length + more + 1, kernel, 1, padding)
        named = str(kernel) in says, str(length) in says
        found.append((raised(too_long), named, fits, longer))
    return found


@observe(
    kernel=integers(low=1, high=5),
    bad=integers(low=-4, high=0),
    longer=integers(low=9, high=99),
)
def settings_that_cannot_be(cnn, kernel, bad, longer):
    """A kernel or a stride below 1 and a negative padding; the smallest that can be are taken."""
    length = cnn.output_length
    errors = [
        raised(lambda: length(9, bad)),
        raised(lambda: length(9, 0)),
        raised(lambda: length(9, kernel, bad)),
        raised(lambda: length(9, kernel, 0)),
        raised(lambda: length(9, kernel, 1, bad)),
        raised(lambda: length(9, kernel, 1, -1)),
    ]
    return errors, length(longer, kernel, 1, 0), length(longer, 1, kernel)


### END HIDDEN TESTS

# %% [markdown]
r"""
Images shrink, too: from 8 × 8 to 6 × 6, 4 × 4 and 2 × 2, and after three convolutions little is left. And a pixel
at the edge is in fewer windows than one in the middle. Padding helps with both.

From here on, images come in batches, an array of four axes: **(images, channels, height, width)**, in short
$(n, c, h, w)$. A grey image has one channel, a colour image three, and a layer may make any number.

#### Exercise 3: `pad`

Put `padding` rows and columns of `value` around each image, above, below, left and right. Don't pad the first two
axes: an image of zeros would be added to the batch. The dtype stays.

<details>
<summary>Hint</summary>

`np.pad(x, widths, constant_values=value)` takes a pair `(before, after)` for each axis. Or make an array of the new
shape with `np.full`, and put `x` into its middle.

</details>
"""


# %% exercise="pad"
#| export
def pad(x: ndarray, padding: int, value: float = 0.0) -> ndarray:
    """Images of shape (n, c, h, w) with rows and columns of a value around each."""
    ### BEGIN SOLUTION
    around = (padding, padding)
    return np.pad(x, ((0, 0), (0, 0), around, around), constant_values=value)
    ### END SOLUTION


# %% checks="pad" points=5
_x = np.array([[[[1.0, 2.0]]]], dtype=np.float32)
check(pad(_x, 1).shape, (1, 1, 3, 4), hint="the last two axes grow by 2, no other")
check(
    pad(_x, 1)[0, 0],
    [[0, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]],
    hint="zeros all around",
)
check(pad(_x, 1, 9.0)[0, 0, 0], [9, 9, 9, 9], hint="any value may be put around")
check(pad(_x, 0), _x, hint="a padding of 0 adds nothing")
check(str(pad(_x, 1).dtype), "float32", hint="keep the dtype of x")
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3, 4, 5), padding=integers(low=1, high=4), value=normal())
def a_value_around_images(cnn, x, padding, value):
    """On four sides of each image, in every channel; the images are left alone."""
    return cnn.pad(x, padding, value), cnn.pad(x, padding), cnn.pad(x, 0), x


@observe(x=normal(1, 2, 3, 2, dtype="float32"), padding=integers(low=1, high=4))
def padding_keeps_the_dtype(cnn, x, padding):
    """Also with minus infinity around."""
    found = cnn.pad(x, padding, -np.inf)
    return found, str(found.dtype), str(cnn.pad(x, padding).dtype)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 4: `conv2d_by_hand`

In two dimensions, the window slides along the rows *and* along the columns. What lies under it is a *patch*, of all
channels, of shape $(c, k, l)$. A **filter** has the same shape, and makes one number of each patch: the sum of all
products. With $o$ filters, $o$ numbers; these are the channels of the result.

$$ y_{n,o,i,j} = b_o + \sum_{c,u,v} x_{n,\,c,\,si+u,\,sj+v} \; w_{o,c,u,v} $$

`image_shape(x, weights, bias)`, which is given, returns the shape $(n, c, h, w)$ of the images. It also refuses
what doesn't fit, with a sentence: a missing axis (it will happen to you), or filters for another number of channels.

1. Find the shapes, and the number of `rows` and `columns` of the result, with `output_length`.
2. Pad, and make an array of zeros for the result, of the dtype `np.result_type(x, weights)`.
3. For each image, filter and place, take the patch, multiply, and let `np.sum` add up.
4. Add the bias, if there is one: a number for each filter.

<details>
<summary>Hint: four loops in one</summary>

`for image, f, i, j in np.ndindex(out.shape):` goes through all places of an array.

</details>

<details>
<summary>Hint: the bias</summary>

`bias[:, None, None]` has the shape (o, 1, 1), and broadcasts over rows, columns and images.

</details>
"""


# %% exercise="conv2d-by-hand"
#| export
def conv2d_by_hand(
    x: ndarray, weights: ndarray, bias=None, stride=1, padding=0
) -> ndarray:
    """The same as `conv2d`, with loops, to see what it does and why loops are slow."""
    ### BEGIN SOLUTION
    n, _, h, w = image_shape(x, weights, bias)
    o, _, height, width = weights.shape
    rows = output_length(h, height, stride, padding)
    columns = output_length(w, width, stride, padding)
    x = pad(x, padding)
    out = np.zeros((n, o, rows, columns), dtype=np.result_type(x, weights))
    for image, f, i, j in np.ndindex(out.shape):
        top, left = i * stride, j * stride
        patch = x[image, :, top : top + height, left : left + width]
        out[image, f, i, j] = np.sum(patch * weights[f])
    if bias is not None:
        out = out + bias[:, None, None]
    return out
    ### END SOLUTION


# %% checks="conv2d-by-hand" points=9
_x = np.arange(12.0).reshape(1, 1, 3, 4)
_corner = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
check(conv2d_by_hand(_x, _corner)[0, 0], [[-5] * 3] * 2, hint="x[i, j] - x[i+1, j+1]")
check(
    conv2d_by_hand(np.concatenate([_x, 2 * _x], axis=1), np.ones((1, 2, 3, 3)))[0, 0],
    [[135, 162]],
    hint="add up over the channels as well",
)
check(
    conv2d_by_hand(_x, np.ones((2, 1, 3, 3)), np.array([0.0, 100.0])),
    [[[[45, 54]], [[145, 154]]]],
    hint="filter f alone, weights[f], makes channel f; add bias[f] to it",
)
check(
    conv2d_by_hand(_x, np.ones((1, 1, 2, 1)), stride=2, padding=1)[0, 0],
    [[0, 1, 3], [0, 14, 18]],
    hint="windows begin at 0, stride, 2 * stride, … of the padded image",
)
check_raises(
    ValueError, lambda: conv2d_by_hand(_x[0], _corner), hint="three axes: image_shape"
)
### BEGIN HIDDEN TESTS


def settings_of(seed):
    """Shapes, a stride and a padding that fit each other."""
    rng = np.random.default_rng(seed)
    n, c, o = (int(m) for m in rng.integers(1, 4, size=3))
    height, width = (int(m) for m in rng.integers(1, 4, size=2))
    more = [int(m) for m in rng.integers(0, 6, size=2)]
    x = rng.normal(size=(n, c, height + more[0], width + more[1]))
    weights, bias = rng.normal(size=(o, c, height, width)), rng.normal(size=o)
    return x, weights, bias, int(rng.integers(1, 4)), int(rng.integers(0, 4))


@observe(x=normal(2, 3, 5, 6), weights=normal(4, 3, 2, 3), bias=normal(4))
def loops_over_images_filters_and_places(cnn, x, weights, bias):
    """With and without a bias; nothing that was given is changed."""
    both = cnn.conv2d_by_hand(x, weights, bias), cnn.conv2d_by_hand(x, weights)
    return both, x, weights, bias


@observe(seed=integers(low=0, high=10**6))
def loops_for_all_kinds_of_settings(cnn, seed):
    """Any number of images, channels and filters, kernels that are no squares, strides, paddings."""
    return [cnn.conv2d_by_hand(*settings_of(seed + n)) for n in range(4)]


@observe(x=normal(1, 2, 4, 4, dtype="float32"), weights=normal(2, 2, 3, 3))
def the_dtype_of_loops(cnn, x, weights):
    """As numpy has it for a product of both."""
    found = [cnn.conv2d_by_hand(x, w) for w in (weights, weights.astype("float32"))]
    return found[0], [str(out.dtype) for out in found]


@observe(x=normal(2, 3, 4, 4), weights=normal(2, 3, 3, 3))
def loops_refuse_what_does_not_fit(cnn, x, weights):
    """A missing axis, another number of channels (also one that would broadcast), a large window."""
    by_hand = cnn.conv2d_by_hand
    errors = [
        raised(lambda: by_hand(x[0], weights)),
        raised(lambda: by_hand(x, weights[:, :1])),
        raised(lambda: by_hand(x, weights[:, :2])),
        raised(lambda: by_hand(x, weights, weights[0, 0, 0, :1])),
        raised(lambda: by_hand(x[:, :, :2], weights)),
    ]
    return errors, by_hand(x, weights)


### END HIDDEN TESTS

# %% [markdown]
r"""
Filters for edges are old (Sobel, 1968). One answers where an image gets darker from left to right, the other from
top to bottom:
"""

# %% demo=true
sobel = np.array([[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]) / 4
filters = np.concatenate([sobel, sobel.swapaxes(2, 3)])
across, down = np.abs(conv2d_by_hand(images[:1, None], filters, padding=1)[0])
digits_figure(np.stack([images[0], across, down]), ["a digit", "across", "down"])

# %% [markdown]
r"""
Your filters find the strokes that stand upright, and those that lie. Nobody will have to choose such filters by
hand later. But first: how long does a small layer take, with 64 images of 8 × 8 and 16 filters of 3 × 3? It has to make
$64 \cdot 16 \cdot 36 \cdot 9 = 331{,}776$ products. A processor makes about a billion in a second, so the right
answer would be less than a thousandth of a second.
"""

# %% demo=true
batch, filters = images[:64, None], he_weights(9, 16, rng).T.reshape(16, 1, 3, 3)
slow = seconds(lambda: conv2d_by_hand(batch, filters), tries=1)
print(f"{1e3 * slow:.0f} thousandths of a second")

# %% [markdown]
r"""
### 2. All windows at once

Python takes far longer for a turn of the loop than for nine products. In module 3 the cure was numpy's matrix product.
Can a convolution become one? Each filter is a row of $c \cdot k \cdot l$ numbers. If each *window* were a column of
as many, in the same order, then filter times window would be row times column:

```text
image      windows of 2 × 2, as columns

0 1 2        0  1  3  4
3 4 5        1  2  4  5
6 7 8        3  4  6  7
             4  5  7  8
```

#### Exercise 5: `windows`

numpy has a function that finds the windows and copies nothing, `sliding_window_view`. Look at its shape:
"""

# %%
print(sliding_window_view(np.ones((2, 3, 8, 8)), (5, 4), axis=(2, 3)).shape)

# %% [markdown]
r"""
These are image, channel, row of the place, column of the place, row in the window, column in the window. Return an
array of shape $(n,\; c \cdot k \cdot l,\; \text{places})$:

1. Ask `image_shape`, and let `output_length` say how many rows and columns of places there are. (It refuses what
   doesn't fit.)
2. Pad, find the windows, and take every `stride`-th place, with a slice, in both directions.
3. Move the channel and both axes of the window to the front of the places: `transpose`. `reshape` alone would
   give the right shape, and the wrong numbers.
4. `reshape`.
"""


# %% exercise="windows"
#| export
def windows(x: ndarray, kernel: tuple[int, int], stride=1, padding=0) -> ndarray:
    """Every window of images, as a column.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        The images.
    kernel : tuple of int
        The height and the width of a window, (k, l).
    stride, padding : int
        As in `conv2d`.

    Returns
    -------
    ndarray of shape (n, c * k * l, places)
        For each image a matrix. A column is a window, with its channels, rows and
        columns in this order; the places go along the rows of the image.

    Raises
    ------
    ValueError
        If `x` has not four axes, or a window does not fit.
    """
    ### BEGIN SOLUTION
    required.pairs(kernel=kernel)
    n, c, h, w = image_shape(x)
    rows = output_length(h, kernel[0], stride, padding)
    columns = output_length(w, kernel[1], stride, padding)
    x = pad(x, padding) if padding else x
    view = sliding_window_view(x, kernel, axis=(2, 3))
    view = view[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3).copy()
    return view.reshape(n, c * kernel[0] * kernel[1], rows * columns)
    ### END SOLUTION


# %% checks="windows" points=8
check(
    windows(np.arange(9.0).reshape(1, 1, 3, 3), (2, 2)),
    [[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]],
    hint="a window is a column; the places go along the rows",
)
check(
    windows(np.ones((2, 3, 8, 8)), (5, 4)).shape, (2, 60, 20), hint="(n, c k l, places)"
)
_x = np.arange(12.0).reshape(1, 2, 2, 3)
check(
    windows(_x, (2, 1))[0],
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]],
    hint="in a column, the whole first channel comes first",
)
check(
    windows(_x, (2, 2), stride=2, padding=1)[0, 1],
    [0, 0, 3, 5],
    hint="pad first; then every second place, down and across",
)
check_raises(ValueError, lambda: windows(_x, (1, 4)), hint="a window that is too wide")
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6))
def windows_for_all_kinds_of_settings(cnn, seed):
    """Kernels that are no squares, strides, paddings; the images are left alone."""
    found = []
    for n in range(4):
        x, weights, _, stride, padding = settings_of(seed + n)
        found.append((cnn.windows(x, weights.shape[2:], stride, padding), x))
    return found


@observe(x=normal(2, 3, 4, 5, dtype="float32"))
def windows_of_batches_with_channels(cnn, x):
    """In the order of channel, row, column; of the same dtype."""
    found = cnn.windows(x, (3, 2))
    return found, str(found.dtype), cnn.windows(x, (4, 5)), cnn.windows(x, (1, 1))


@observe(x=normal(1, 2, 4, 4), size=integers(low=5, high=9))
def windows_that_do_not_fit(cnn, x, size):
    """Too high, too wide, of an image with three axes; with padding they fit."""
    errors = [
        raised(lambda: cnn.windows(x, (size, 1))),
        raised(lambda: cnn.windows(x, (1, size))),
        raised(lambda: cnn.windows(x[0], (2, 2))),
    ]
    return errors, cnn.windows(x, (size, size), 3, 2 + size // 4)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 6: `conv2d`

Now it's short: the filters as rows, times the windows, plus the bias, in the right shape. `@` multiplies a matrix
with each of a stack of matrices. So a convolution is a *dense layer over windows*, used in every place.

Ask `image_shape(x, weights, bias)` here, too. The result has the shape `(n, o, rows, columns)`.
"""


# %% exercise="conv2d"
#| export
def conv2d(x: ndarray, weights: ndarray, bias=None, stride=1, padding=0) -> ndarray:
    """The convolution of images with filters, which are not turned round.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        Images.
    weights : ndarray of shape (o, c, k, l)
        Filters.
    bias : ndarray of shape (o,), optional
        A number for each filter, added everywhere.
    stride : int
        How far the window moves each time, down and across.
    padding : int
        How many rows and columns of zeros are put on each side first.

    Returns
    -------
    ndarray of shape (n, o, rows, columns)
        For each image and filter the sum of products in each place; `output_length`
        says how many places there are.

    Raises
    ------
    ValueError
        If `x` or `weights` has not four axes, their channels differ, the bias has
        another length, or a window does not fit.

    Examples
    --------
    >>> conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)))
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    ### BEGIN SOLUTION
    n, _, h, w = image_shape(x, weights, bias)
    o, _, height, width = weights.shape
    rows = output_length(h, height, stride, padding)
    columns = output_length(w, width, stride, padding)
    out = weights.reshape(o, -1) @ windows(x, (height, width), stride, padding)
    out = out.reshape(n, o, rows, columns)
    return out if bias is None else out + bias[:, None, None]
    ### END SOLUTION


# %% checks="conv2d" points=8
_x, _w, _b = (
    rng.normal(size=(2, 3, 5, 6)),
    rng.normal(size=(4, 3, 3, 2)),
    rng.normal(size=4),
)
check(conv2d(_x, _w).shape, (2, 4, 3, 5), hint="(images, filters, rows, columns)")
check(conv2d(_x, _w), conv2d_by_hand(_x, _w), hint="filters as rows, times windows")
check(conv2d(_x, _w, _b), conv2d_by_hand(_x, _w, _b), hint="the bias by filter")
check(
    conv2d(_x, _w, _b, stride=2, padding=1),
    conv2d_by_hand(_x, _w, _b, stride=2, padding=1),
    hint="hand stride and padding on",
)
check_raises(ValueError, lambda: conv2d(_x[:, :1], _w), hint="1 channel, filters for 3")
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6))
def convolutions_for_all_kinds_of_settings(cnn, seed):
    """Kernels that are no squares, strides, paddings; nothing that was given is changed."""
    found = []
    for n in range(4):
        x, weights, bias, *settings = settings_of(seed + n)
        found.append((cnn.conv2d(x, weights, bias, *settings), x, weights, bias))
    return found


@observe(x=normal(3, 2, 4, 5), weights=normal(4, 2, 2, 2), bias=normal(4))
def convolutions_with_and_without_bias(cnn, x, weights, bias):
    """Of as many filters as columns, where a bias on the wrong axis would fit."""
    settings = (), (2,), (1, 1), (2, 1)
    found = [cnn.conv2d(x, weights, bias, *given) for given in settings]
    return found, cnn.conv2d(x, weights)


@observe(x=normal(1, 2, 4, 4, dtype="float32"), weights=normal(2, 2, 3, 3))
def the_dtype_of_a_convolution(cnn, x, weights):
    """As numpy has it for a product of both."""
    found = [cnn.conv2d(x, w) for w in (weights, weights.astype("float32"))]
    return found[0], [str(out.dtype) for out in found]


@observe(x=normal(2, 3, 4, 4), weights=normal(2, 3, 3, 3), bias=normal(3))
def what_does_not_fit_a_convolution(cnn, x, weights, bias):
    """A missing axis, other channels, a bias of another length, a large window."""
    conv = cnn.conv2d
    errors = [
        raised(lambda: conv(x[0], weights)),
        raised(lambda: conv(x, weights[:, :1])),
        raised(lambda: conv(x, weights[0])),
        raised(lambda: conv(x, weights, bias)),
        raised(lambda: conv(x, weights, bias[:1])),
        raised(lambda: conv(x[:, :, :2], weights)),
    ]
    return errors, conv(x, weights, bias[:2])


### END HIDDEN TESTS

# %% [markdown]
r"""
How much faster is it?
"""

# %% demo=true
fast = seconds(lambda: conv2d(batch, filters), tries=100)
print(f"{1e3 * fast:.2f} thousandths of a second, {slow / fast:,.0f} times faster")

# %% [markdown]
r"""
So now you can search. Here is a page of 240 digits, and a piece torn out of it: where was it? The distance of a patch
$x$ from the piece $t$ is $\sum (x - t)^2 = \sum x^2 - 2 \sum x t + \sum t^2$. The first two sums are convolutions, which
answer for all places at once. The last is the same everywhere.
"""

# %% demo=true
page = images[:240].reshape(12, 20, 8, 8).swapaxes(1, 2).reshape(1, 1, 96, 160)
piece = images[137, None, None]
distance = conv2d(page**2, np.ones_like(piece)) - 2 * conv2d(page, piece)
row, column = np.unravel_index(distance.argmin(), distance.shape)[2:]
print(f"digit {row // 8 * 20 + column // 8}, at row {row} and column {column}")

# %% [markdown]
r"""
**Question 1** (5 points). (a) Both functions make the same 331,776 products. Where does the time go in
`conv2d_by_hand`, and why doesn't `conv2d` need it? (b) `windows` copies: how many times as many numbers as in the
images are in its result, for 3 × 3 windows, stride 1, and a padding of 1? What is the price of the trick? (c) For
which images and filters would the copying take a *large* share of the time: with 1 filter or with 256? Give a reason.

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="where-the-time-goes" points=5
r"""
**Model answer.** (a) The loop has $64 \cdot 16 \cdot 36 = 36{,}864$ turns. In each, Python interprets some lines,
makes a few array objects and calls numpy, which takes some microseconds, for 9 products that take some nanoseconds.
`conv2d` has a handful of calls in all; the loops run inside numpy and BLAS, in compiled code that works on several
numbers at once and keeps them in the cache. (b) Nine times: every pixel (but for the edges) is in nine windows. The
price is memory, and the time to write it. (c) With 1 filter. The columns are as large for one filter as for 256,
but each number in them is used once for each filter; with 256 filters the products take far more time than the
copying.

**Mark scheme.** 1 point: (a) the turns of the loop in Python, and not the products, take the time. 1 point: (a) a
few calls of compiled code instead. 1 point: (b) nine times. 1 point: (b) memory (or the time to copy). 1 point: (c)
1 filter, since the copies are used once only.
"""

# %% [markdown]
r"""
### 3. Layers

A layer keeps its filters and its bias. How large should the first filters be? For a ReLU, the rule of module 3
(He and others, 2015) says: variance $2 / \text{inputs}$, where *inputs* is how many numbers a neuron adds up.

**Predict:** with 16 channels and 3 × 3 filters, is that 16? What will a signal do in ten layers if we say so?

<details>
<summary>Think first, then look</summary>

A neuron adds up $16 \cdot 3 \cdot 3 = 144$ products, so the weights are 3 times too large, in each layer.

</details>
"""

# %% demo=true
for inputs in (16, 16 * 3 * 3):
    h, sizes = rng.normal(size=(4, 16, 12, 12)), []
    for _ in range(10):
        w = rng.normal(0, np.sqrt(2 / inputs), size=(16, 16, 3, 3))
        h = relu(conv2d(h, w, padding=1))
        sizes.append(f"{h.std():.2g}")
    print(f"variance 2/{inputs}:", *sizes)

# %% [markdown]
r"""
#### Exercise 7: `Conv2D`

`Conv2D(inputs, outputs, kernel)` has `outputs` filters of `kernel` × `kernel`, for images with `inputs` channels.

1. Refuse fewer than one input or output (`ValueError`, with both numbers). For the other settings,
   `output_length(kernel, kernel, stride, padding)` refuses what cannot be, and that's all you call it for.
2. Draw with **one** call, `initial(inputs * kernel * kernel, outputs, generator)`, as in `Dense`. It gives a
   matrix with a *column* for each filter. Make `weights` of shape (outputs, inputs, kernel, kernel) of it: transpose
   first, and then reshape.
3. Both `weights` and `bias` (zeros, of the same dtype) are Tensors with `requires_grad=True`.
4. Keep `stride` and `padding`; the call applies `conv2d` with them: `apply(function, *inputs, stride=…, padding=…)`.
5. It shows itself as `Conv2D(1, 16, 3)`, and says `stride` and `padding` only where they aren't 1 and 0:
   `Conv2D(1, 16, 3, stride=2, padding=1)`.

It inherits from `Module`, so it has `parameters()`, `state_dict()` and the rest already.
"""


# %% exercise="conv-layer"
#| export
class Conv2D(Module):
    """A convolutional layer: filters and a bias that training can change.

    Parameters
    ----------
    inputs, outputs : int
        The number of channels of the images, and of the result: one for each filter.
    kernel : int
        The height and the width of the filters.
    stride, padding : int
        As in `conv2d`.
    rng : numpy.random.Generator or int, optional
        The source of the initial weights, or its seed.
    initial : callable, optional
        Draws them, called once as
        ``initial(inputs * kernel * kernel, outputs, generator)``.

    Attributes
    ----------
    weights : Tensor of shape (outputs, inputs, kernel, kernel), float32
        A filter is a column of what `initial` gave.
    bias : Tensor of shape (outputs,)
        Zeros of the dtype of the weights.

    Raises
    ------
    ValueError
        If a number of channels, the kernel or the stride is below 1, or the padding
        below 0.

    Examples
    --------
    >>> Conv2D(1, 16, 3, padding=1)(Tensor(np.zeros((5, 1, 8, 8)))).shape
    (5, 16, 8, 8)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        rng: np.random.Generator | int | None = None,
        initial: Callable = he_weights,
    ):
        ### BEGIN SOLUTION
        required.whole_numbers(inputs=inputs, outputs=outputs)
        required.functions(initial=initial)
        if min(inputs, outputs) < 1:
            raise ValueError(
                f"a convolution needs at least one channel on either side, but got "
                f"Conv2D({inputs}, {outputs}, …); pass the channels of the images, then the filters"
            )
        output_length(kernel, kernel, stride, padding)
        drawn = initial(inputs * kernel * kernel, outputs, np.random.default_rng(rng))
        weights = drawn.T.reshape(outputs, inputs, kernel, kernel)
        self.weights = Tensor(weights, requires_grad=True)
        self.bias = Tensor(np.zeros(outputs, dtype=weights.dtype), requires_grad=True)
        self.stride, self.padding = stride, padding
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, outputs, rows, columns) of images of shape (n, inputs, h, w)."""
        ### BEGIN SOLUTION
        settings = {"stride": self.stride, "padding": self.padding}
        return apply(conv2d, x, self.weights, self.bias, **settings)
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        outputs, inputs, kernel, _ = self.weights.shape
        stride = f", stride={self.stride}" if self.stride != 1 else ""
        padding = f", padding={self.padding}" if self.padding != 0 else ""
        return f"Conv2D({inputs}, {outputs}, {kernel}{stride}{padding})"
        ### END SOLUTION


# %% checks="conv-layer" points=9
_layer = Conv2D(2, 3, 5, rng=0)
check(_layer.weights.shape, (3, 2, 5, 5), hint="(outputs, inputs, kernel, kernel)")
check(
    _layer.weights.numpy()[1].ravel(),
    he_weights(50, 3, np.random.default_rng(0))[:, 1],
    hint="initial(inputs * kernel * kernel, outputs, …) gives a column for each filter",
)
_x = Tensor(rng.normal(size=(4, 2, 6, 6)))
check(_layer(_x), conv2d(_x.numpy(), _layer.weights.numpy()), hint="apply(conv2d, …)")
_asked = type("Asked", (), {"__apply__": lambda self, function, *_, **__: function})()
check(_layer(_asked) is conv2d, True, hint="apply(conv2d, x, …), and not conv2d(x, …)")
check(
    [name for name, _ in _layer.named_parameters()],
    ["weights", "bias"],
    hint="two Tensors with requires_grad=True",
)
check(
    Conv2D(2, 3, 3, stride=2, padding=1)(_x).shape,
    (4, 3, 3, 3),
    hint="keep stride and padding, and hand them to conv2d",
)
check(repr(_layer), "Conv2D(2, 3, 5)", hint="inputs, outputs, kernel")
check(
    repr(Conv2D(2, 3, 3, stride=2, padding=1)),
    "Conv2D(2, 3, 3, stride=2, padding=1)",
    hint="stride and padding where they aren't 1 and 0",
)
check_raises(ValueError, lambda: Conv2D(0, 3, 3), hint="no channels")
check_raises(ValueError, lambda: Conv2D(2, 3, 0), hint="ask output_length")
### BEGIN HIDDEN TESTS


@observe(
    seed=integers(low=0, high=10**6),
    inputs=integers(low=1, high=4),
    outputs=integers(low=1, high=4),
    kernel=integers(low=1, high=4),
)
def filters_and_bias_of_a_layer(cnn, seed, inputs, outputs, kernel):
    """Drawn once, from a seed or a generator; both are parameters, in float32."""
    rng = np.random.default_rng(seed)
    layers = [cnn.Conv2D(inputs, outputs, kernel, rng=r) for r in (seed, rng, rng)]
    parts_of_it = [(p.data, str(p.dtype)) for m in layers for p in (m.weights, m.bias)]
    return parts_of_it, [name for name, _ in layers[0].named_parameters()]


@observe(
    x=normal(2, 2, 6, 5),
    kernel=integers(low=1, high=4),
    stride=integers(low=1, high=5),
    padding=integers(low=0, high=3),
)
def a_layer_convolves(cnn, x, kernel, stride, padding):
    """With its weights as they are now, its bias, its stride (also a large one) and its padding."""
    found = []
    for size, step, around in ((kernel, stride, padding), (1, 4, 0)):
        layer = cnn.Conv2D(2, 3, size, step, around)
        numbers = np.cos(np.arange(6.0 * size**2))
        layer.weights.data = numbers.reshape(3, 2, size, size)
        layer.bias.data = np.arange(3.0) - 1
        out = layer(cnn.Tensor(x))
        found.append((out.data, type(out).__name__, layer.stride, layer.padding))
    return found


@observe(seed=integers(low=0, high=10**6), dtype=choice("float64", "float16"))
def another_way_to_draw_filters(cnn, seed, dtype):
    """Called once, with the number of inputs of a neuron; the bias has the dtype of the weights."""
    calls = []

    def initial(inputs, outputs, rng):
        calls.append((inputs, outputs))
        return rng.normal(size=(inputs, outputs)).astype(dtype)

    layer = cnn.Conv2D(3, 2, 2, rng=seed, initial=initial)
    return calls, layer.weights.data, str(layer.weights.dtype), str(layer.bias.dtype)


@observe(x=normal(1, 1, 3, 3))
def whoever_answers_apply_is_asked_by_a_layer(cnn, x):
    """The function, its three inputs, and its settings by name."""

    class Asked:
        def __apply__(self, function, *inputs, **settings):
            names = [type(i).__name__ for i in inputs]
            return function is cnn.conv2d, names, settings

    layer = cnn.Conv2D(1, 2, 3, stride=2, padding=1)
    layer.weights.data = np.arange(18.0).reshape(2, 1, 3, 3)
    return layer(Asked()), layer(cnn.Tensor(x)).data


@observe(
    a=integers(low=1, high=9),
    b=integers(low=1, high=9),
    stride=integers(low=1, high=3),
    padding=integers(low=0, high=2),
)
def a_layer_shows_itself(cnn, a, b, stride, padding):
    """Channels and kernel always, stride and padding where they are not 1 and 0."""
    made = cnn.Conv2D(a, b, 2, stride=stride, padding=padding), cnn.Conv2D(b, a, 4)
    others = cnn.Conv2D(a, b, 3, stride=2), cnn.Conv2D(a, b, 3, padding=1)
    return [repr(layer) for layer in (*made, *others)]


@observe(good=integers(low=1, high=5), seed=integers(low=0, high=10**6))
def layers_that_cannot_be(cnn, good, seed):
    """No channels, no filters, no kernel, no stride, a negative padding; the smallest that can be."""
    errors = [
        raised(lambda: cnn.Conv2D(0, good, 3)),
        raised(lambda: cnn.Conv2D(good, 0, 3)),
        raised(lambda: cnn.Conv2D(good, good, 0)),
        raised(lambda: cnn.Conv2D(good, good, 3, 0)),
        raised(lambda: cnn.Conv2D(good, good, 3, 1, -1)),
    ]
    return errors, cnn.Conv2D(good, 1, 1, rng=seed).weights.data


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 8: `GlobalMaxPool` and `Flatten`

A filter gives a number for each place. But does it matter *where* a stroke was found? If not, keep only the
largest number of each channel:

- `GlobalMaxPool()` makes (n, c) of (n, c, h, w): the largest number of each channel. For images of any size.
- `Flatten()` keeps all numbers, in a row for each image: (n, c, h, w) becomes (n, c · h · w). The batch stays: 64
  images don't become one.

Both have no parameters, and show themselves as `GlobalMaxPool()` and `Flatten()`. The methods `max` and
`reshape` of a Tensor do the work. Call `image_shape(x)` in the first one, so that three axes are refused.
"""


# %% exercise="global-pool"
#| export
class GlobalMaxPool(Module):
    """The largest number of each channel, wherever it is."""

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c) of images of shape (n, c, h, w)."""
        ### BEGIN SOLUTION
        image_shape(x)
        return apply(np.max, x, axis=(2, 3))
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        return "GlobalMaxPool()"
        ### END SOLUTION


class Flatten(Module):
    """Each example as one row of numbers."""

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c * h * w) of images of shape (n, c, h, w), or of any other axes."""
        ### BEGIN SOLUTION
        n, *rest = required.shape_of_batch(x)
        return apply(np.reshape, x, shape=(n, math.prod(rest)))
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        return "Flatten()"
        ### END SOLUTION


# %% checks="global-pool" points=6
_x = Tensor(np.arange(24).reshape(2, 3, 2, 2) - 30)
check(
    GlobalMaxPool()(_x),
    [[-27, -23, -19], [-15, -11, -7]],
    hint="the largest of each channel: over the axes 2 and 3",
)
check(Flatten()(_x).shape, (2, 12), hint="the first axis stays")
check(Flatten()(_x)[1], np.arange(-18, -6), hint="reshape, and nothing else")
check(Flatten()(Tensor(np.ones((5, 7)))).shape, (5, 7), hint="any number of axes")
check(
    repr([GlobalMaxPool(), Flatten()]), "[GlobalMaxPool(), Flatten()]", hint="__repr__"
)
check_raises(ValueError, lambda: GlobalMaxPool()(_x[0]), hint="ask image_shape")
### BEGIN HIDDEN TESTS


@observe(x=normal(2, 3, 4, 5), shift=normal())
def the_largest_of_each_channel(cnn, x, shift):
    """Of each image, negative or not, as a Tensor; of any size."""
    pool = cnn.GlobalMaxPool()
    out = pool(cnn.Tensor(x - 9 - shift))
    other = pool(cnn.Tensor(x[:, :, 1:, 2:].astype("float32")))
    return out.data, type(out).__name__, other.data, str(other.dtype), repr(pool)


@observe(x=normal(2, 3, 4, 5))
def a_row_for_each_example(cnn, x):
    """In the order of its numbers; of two, three and four axes."""
    flat = cnn.Flatten()
    out = flat(cnn.Tensor(x.astype("float32")))
    others = [flat(cnn.Tensor(part)).data for part in (x, x[:1], x[0], x[0, 0])]
    return out.data, type(out).__name__, str(out.dtype), others, repr(flat)


@observe(x=normal(3, 4, 4))
def three_axes_are_no_images(cnn, x):
    """They are refused by the pool; with one more they are taken."""
    pool = cnn.GlobalMaxPool()
    return raised(lambda: pool(cnn.Tensor(x))), pool(cnn.Tensor(x[None])).data


### END HIDDEN TESTS

# %% [markdown]
r"""
Now to the sheets. `place` puts each digit somewhere on an empty sheet of 16 × 16 pixels. 1,437 of them, drawn at
random, are known, and 360 are new. (Such a split has each writer in both parts, which makes it easier.)

Which scores fit best? Let each score be a sum of weighted pixels, plus a bias, that should be 1 for the right digit
and 0 for the nine others. The weights with the smallest squared error come from one system of linear equations;
`np.linalg.lstsq` solves it (Legendre, 1805). A column of ones at the end makes the last row of the solution the bias.

The squared error is as small as it can be. How many of the new digits will it read? Pure guessing reads 10 %.
"""

# %%
known, new = np.split(rng.permutation(len(images)), [1437])
sheets = place(images, rng)[:, None]
columns = np.hstack([sheets.reshape(len(sheets), -1), np.ones((len(sheets), 1))])
best = np.linalg.lstsq(columns[known], np.eye(10)[labels[known]])[0]
read = (columns[new] @ best).argmax(axis=1) == labels[new]
print(f"{read.mean():.0%} read right")

# %% [markdown]
r"""
#### Exercise 9: digits anywhere

Now let the equations see something better than pixels: whether each of 400 small filters finds anything on the
sheet, and how much. The filters are *drawn at random*, and stay so.

1. `eyes` is a list of three layers: `Conv2D(1, filters, 5, rng=rng)`, `ReLU()` and `GlobalMaxPool()`.
2. `in_pieces(Sequential(*eyes), sheets)` computes them for 100 sheets at a time, so that the memory suffices. It gives
   an array with a row of 400 numbers for each sheet. (`in_pieces` is given.)
3. Solve the equations as above, with these numbers instead of pixels.
4. Put the solution into a `Dense(filters, 10)`: its last row is the `bias`, the others are the `weights`. Change
   their `data`.
5. Return one network of all four layers.

With that you reach a **milestone**. Nothing in it has been trained by a gradient.
"""


# %% exercise="digits-anywhere"
#| export
def digits_anywhere(sheets: ndarray, labels, filters=400, rng=None) -> Sequential:
    """A network that reads digits wherever they are: random filters, and least squares.

    Parameters
    ----------
    sheets : ndarray of shape (n, 1, h, w)
        Images with a digit on each.
    labels : integer array of shape (n,)
        Which digit.
    filters : int
        How many.
    rng : numpy.random.Generator or int, optional
        The source of the filters, or its seed.
    """
    ### BEGIN SOLUTION
    eyes = [Conv2D(1, filters, 5, rng=rng), ReLU(), GlobalMaxPool()]
    found = in_pieces(Sequential(*eyes), sheets)
    columns = np.hstack([found, np.ones((len(found), 1))])
    best = np.linalg.lstsq(columns, np.eye(10)[labels])[0]
    scores = Dense(filters, 10)
    scores.weights.data, scores.bias.data = best[:-1], best[-1]
    return Sequential(*eyes, scores)
    ### END SOLUTION


# %% checks="digits-anywhere" milestone="M2" points=9
_network = digits_anywhere(sheets[known], labels[known], filters=200, rng=1)
check(
    [type(layer).__name__ for layer in _network],
    ["Conv2D", "ReLU", "GlobalMaxPool", "Dense"],
    hint="one network of four layers",
)
check(repr(_network[0]), "Conv2D(1, 200, 5)", hint="as many filters as are asked for")
check(
    [_network[3].weights.shape, _network[3].bias.shape],
    [(200, 10), (10,)],
    hint="a row for each filter, and the last row, that of the ones, is the bias",
)
check(bool(_network[3].bias.numpy().any()), True, hint="put the bias in, too")
_read = in_pieces(_network, sheets[new]).argmax(axis=1) == labels[new]
check(bool(_read.mean() > 0.92), True, hint="solve for what the eyes find, not pixels")
### BEGIN HIDDEN TESTS


def sheets_of(seed, count):
    """Digits on sheets, in float64, and their labels."""
    from tinytorch.datasets import digits, place

    rng = np.random.default_rng(seed)
    images, labels = digits()
    chosen = rng.permutation(len(images))[:count]
    return place(images[chosen] / 16.0, rng, 13)[:, None].astype("float64"), labels[
        chosen
    ]


@observe(seed=integers(low=0, high=10**6), filters=integers(low=8, high=20))
def what_is_read_on_new_sheets(cnn, seed, filters):
    """The scores of digits that the network has not seen; its filters are those drawn."""
    sheets, labels = sheets_of(seed, 300)
    network = cnn.digits_anywhere(sheets[:250], labels[:250], filters, seed)
    scores = network(cnn.Tensor(sheets[250:])).numpy()
    return scores.astype("float16"), network[0].weights.data, len(network)


@observe(seed=integers(low=0, high=10**6))
def the_equations_are_solved(cnn, seed):
    """Weights and bias of the dense layer, where there are many more sheets than filters."""
    sheets, labels = sheets_of(seed, 200)
    network = cnn.digits_anywhere(sheets, labels, 5, np.random.default_rng(seed))
    dense = network[-1]
    arrays = dense.weights.numpy(), dense.bias.numpy()
    return [a.astype("float16") for a in arrays], [type(m).__name__ for m in network]


### END HIDDEN TESTS

# %% demo=true
network = digits_anywhere(sheets[known], labels[known], rng=2)
answers = in_pieces(network, sheets[new]).argmax(axis=1)
print(f"{np.mean(answers == labels[new]):.1%} read right")
digits_figure(sheets[new[:8], 0], [f"read: {a}" for a in answers[:8]])

# %% [markdown]
r"""
The same sheets, the same equations, and no weight of the filters was ever changed. What a
network is *made of* matters before any training: Jarrett and others measured that in 2009, Saxe and others in 2011.

### 4. Pooling

The global maximum forgets everything about the places, which is a bit much: a face is not just two eyes and a mouth
somewhere. So forget a *little* at a time: keep the largest number of each window of 2 × 2. An image of 28 × 28
becomes one of 14 × 14, and a shift by one pixel changes less.

#### Exercise 10: `max_pool2d`

Windows again, but a column for each would copy everything nine times, for 3 × 3. There is a cheaper way. Look at
*one* pixel of every window, say the upper left: these pixels lie in a grid with the distance `stride`, and a
slice takes all of them at once. With 2 × 2 windows, four slices hold everything.

- `window_pixels` returns a list of slices, one for each pixel `(i, j)` of a window, row by row: all pixels
  `(i, j)` of all windows. It pads with `value` first. With `rows` from `output_length`, the slice along the height is
  `i : i + stride * rows : stride`, and alike along the width.
- `max_pool2d` takes the larger number, slice by slice: `reduce(np.maximum, slices)`, which is
  `maximum(maximum(first, second), third)` and so on. Where `stride` is None, windows lie side by side: it is the kernel.

**With what do you pad?** With zeros, a window of negative numbers at the edge would get a 0 that isn't there. So
pad with what never wins, `-np.inf`. And refuse a padding of more than half the kernel (`ValueError`, with both
numbers): a window could lie in the padding as a whole.
"""


# %% exercise="max-pool"
#| export
def window_pixels(x: ndarray, kernel: int, stride: int, padding: int, value) -> list:
    """For each pixel of a window, row by row, this pixel of all windows of images."""
    ### BEGIN SOLUTION
    _, _, h, w = image_shape(x)
    down = stride * output_length(h, kernel, stride, padding)
    across = stride * output_length(w, kernel, stride, padding)
    if padding > kernel / 2:
        raise ValueError(
            f"a padding of {padding} is more than half of a window of {kernel}, so that windows "
            "could lie outside; use a smaller padding"
        )
    x, slices = pad(x, padding, value), []
    for i, j in np.ndindex(kernel, kernel):
        slices.append(x[:, :, i : i + down : stride, j : j + across : stride])
    return slices
    ### END SOLUTION


def max_pool2d(x: ndarray, kernel: int, stride=None, padding=0) -> ndarray:
    """The largest number of each window.

    Parameters
    ----------
    x : ndarray of shape (n, c, h, w)
        Images.
    kernel : int
        The height and the width of a window.
    stride : int, optional
        How far it moves each time; by default `kernel`.
    padding : int
        How much is put on each side first, at most half of `kernel`; it is never the
        largest.

    Returns
    -------
    ndarray of shape (n, c, rows, columns)
        How many rows and columns there are says `output_length`.

    Raises
    ------
    ValueError
        If `x` has not four axes, a window does not fit, or `padding` is too large.
    """
    ### BEGIN SOLUTION
    stride = kernel if stride is None else stride
    return reduce(np.maximum, window_pixels(x, kernel, stride, padding, -np.inf))
    ### END SOLUTION


# %% checks="max-pool" points=8
_x = np.arange(12.0).reshape(1, 1, 3, 4)
_slices = window_pixels(_x, 2, 2, 0, 0.0)
check(len(_slices), 4, hint="a slice for each pixel of a window")
check([s.ravel() for s in _slices], [[0, 2], [1, 3], [4, 6], [5, 7]], hint="row by row")
check(
    max_pool2d(_x, 2),
    [[[[5, 7]]]],
    hint="the largest of each 2 × 2; the last row is in no window",
)
check(
    max_pool2d(_x, 2, stride=1)[0, 0],
    [[5, 6, 7], [9, 10, 11]],
    hint="windows may overlap: the slice ends at i + stride * rows",
)
check(
    max_pool2d(-_x - 1, 3, 2, padding=1)[0, 0],
    [[-1, -2], [-5, -6]],
    hint="pad with -np.inf: a zero would beat negative numbers",
)
check_raises(
    ValueError, lambda: max_pool2d(_x, 2, padding=2), hint="at most kernel / 2"
)
### BEGIN HIDDEN TESTS


def images_of(seed, least=1):
    """Images and settings of a pool that fit each other; its window has at least this size."""
    rng = np.random.default_rng(seed)
    kernel, stride = int(rng.integers(least, 4)), int(rng.integers(1, 4))
    size = [kernel + int(m) for m in rng.integers(0, 5, size=2)]
    shape = [int(m) for m in rng.integers(1, 4, size=2)] + size
    padding = int(rng.integers(0, kernel // 2 + 1))
    return rng.normal(size=shape) - 1, kernel, stride, padding


@observe(seed=integers(low=0, high=10**6))
def the_largest_of_each_window(cnn, seed):
    """Of images of any size, windows that overlap or leave out; the images are left alone."""
    found = []
    for n in range(8):
        x, *settings = images_of(seed + n)
        found.append((cnn.max_pool2d(x, *settings), cnn.max_pool2d(x, settings[0]), x))
    return found


@observe(seed=integers(low=0, high=10**6), value=normal())
def a_slice_for_each_pixel_of_a_window(cnn, seed, value):
    """Row by row, with the value around."""
    x, *settings = images_of(seed, least=2)
    return [np.array(s) for s in cnn.window_pixels(x, *settings, value)]


@observe(x=normal(2, 2, 5, 6, dtype="float32"))
def negative_numbers_win_against_padding(cnn, x):
    """At every edge; the dtype stays."""
    out = cnn.max_pool2d(x - 20, 3, 2, 1)
    return out, str(out.dtype)


@observe(x=normal(1, 2, 4, 4))
def pools_that_do_not_fit(cnn, x):
    """Too much padding, a window that is too large, three axes; half of the kernel is taken."""
    pool = cnn.max_pool2d
    errors = [
        *[raised(lambda k=k: pool(x, k, padding=k // 2 + 1)) for k in (1, 2, 3, 4)],
        raised(lambda: pool(x, 5)),
        raised(lambda: pool(x[0], 2)),
        raised(lambda: pool(x, 2, 0)),
    ]
    return errors, [pool(x, k, padding=k // 2) for k in (1, 2, 3, 4)]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 11: the average, and both layers

`avg_pool2d` is the mean of each window. Here zeros are the right padding, and they count: a sum over 2 × 2 is
divided by 4, also at the edge.

The layers differ only in their function. So `Pool2D` does the work, and uses `self.pool`, which each of them sets.

- `__init__` keeps `kernel`, `stride` (the kernel, where it is None) and `padding`. Call `output_length(kernel, kernel,
  self.stride, padding)`, which refuses what cannot be.
- The call applies `self.pool` to `x`, with the three settings by name.
- It shows `MaxPool2D(2)`; with a stride that isn't the kernel, or a padding, `MaxPool2D(3, stride=2, padding=1)`.
"""


# %% exercise="avg-pool"
#| export
def avg_pool2d(x: ndarray, kernel: int, stride=None, padding=0) -> ndarray:
    """The mean of each window, with the zeros around; otherwise as `max_pool2d`."""
    ### BEGIN SOLUTION
    stride = kernel if stride is None else stride
    return sum(window_pixels(x, kernel, stride, padding, 0.0)) / kernel**2
    ### END SOLUTION


class Pool2D(Module):
    """A layer that makes one number of each window, with its function `pool`."""

    pool: Callable

    def __init__(self, kernel: int, stride: int | None = None, padding: int = 0):
        ### BEGIN SOLUTION
        self.kernel, self.padding = kernel, padding
        self.stride = kernel if stride is None else stride
        output_length(kernel, kernel, self.stride, padding)
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """Make (n, c, rows, columns) of images of shape (n, c, h, w)."""
        ### BEGIN SOLUTION
        settings = {"stride": self.stride, "padding": self.padding}
        return apply(self.pool, x, kernel=self.kernel, **settings)
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        stride = f", stride={self.stride}" if self.stride != self.kernel else ""
        padding = f", padding={self.padding}" if self.padding != 0 else ""
        return f"{type(self).__name__}({self.kernel}{stride}{padding})"
        ### END SOLUTION


class MaxPool2D(Pool2D):
    """The largest number of each window; it has the settings of `max_pool2d`."""

    pool = staticmethod(max_pool2d)


class AvgPool2D(Pool2D):
    """The mean of each window, as `avg_pool2d`, which has the same settings."""

    pool = staticmethod(avg_pool2d)


# %% checks="avg-pool" points=7
_x = np.arange(12.0).reshape(1, 1, 3, 4)
check(avg_pool2d(_x, 2), [[[[2.5, 4.5]]]], hint="the sum, divided by kernel ** 2")
check(
    avg_pool2d(_x + 4, 2, padding=1)[0, 0, 0, 0], 1.0, hint="zeros around count: 4 / 4"
)
check(
    MaxPool2D(2)(Tensor(_x)), max_pool2d(_x, 2), hint="apply(self.pool, x, kernel=…, …)"
)
check(AvgPool2D(3, 1, 1)(Tensor(_x)), avg_pool2d(_x, 3, 1, 1), hint="three settings")
check(
    repr([MaxPool2D(2), AvgPool2D(3, stride=2, padding=1), MaxPool2D(3, 3)]),
    "[MaxPool2D(2), AvgPool2D(3, stride=2, padding=1), MaxPool2D(3)]",
    hint="type(self).__name__, the kernel, and what isn't the default",
)
check_raises(ValueError, lambda: MaxPool2D(0), hint="ask output_length")
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6))
def the_mean_of_each_window(cnn, seed):
    """Of images of any size, with zeros around that count; the images are left alone."""
    found = []
    for n in range(4):
        x, *settings = images_of(seed + n)
        found.append((cnn.avg_pool2d(x, *settings), cnn.avg_pool2d(x, settings[0]), x))
    return found


@observe(x=normal(2, 2, 5, 6, dtype="float32"))
def the_dtype_of_a_mean(cnn, x):
    """It stays."""
    out = cnn.avg_pool2d(x, 2, 1, 1)
    return out, str(out.dtype)


@observe(seed=integers(low=0, high=10**6), name=choice("MaxPool2D", "AvgPool2D"))
def layers_that_pool(cnn, seed, name):
    """With their settings; a stride of None is the kernel."""
    x, kernel, stride, padding = images_of(seed)
    make = getattr(cnn, name)
    layers = make(kernel, stride, padding), make(kernel), make(1, 3)
    found = [layer(cnn.Tensor(x)) for layer in layers]
    kept = [(m.kernel, m.stride, m.padding) for m in layers]
    return [(out.data, type(out).__name__) for out in found], kept


@observe(x=normal(1, 1, 3, 3), name=choice("MaxPool2D", "AvgPool2D"))
def whoever_answers_apply_is_asked_by_a_pool(cnn, x, name):
    """The function, its input, and its settings by name."""

    class Asked:
        def __apply__(self, function, *inputs, **settings):
            return function.__name__, len(inputs), settings

    layer = getattr(cnn, name)(3, stride=2, padding=1)
    return layer(Asked()), layer(cnn.Tensor(x)).data


@observe(kernel=integers(low=2, high=50), stride=integers(low=1, high=50))
def pools_show_themselves(cnn, kernel, stride):
    """The kernel always, stride and padding where they are not the kernel and 0."""
    made = cnn.MaxPool2D(kernel, stride), cnn.AvgPool2D(kernel, padding=1)
    return [repr(layer) for layer in (*made, cnn.AvgPool2D(kernel, 1, 1))]


@observe(x=normal(1, 1, 3, 3))
def pools_that_cannot_be(cnn, x):
    """No kernel, no stride, a negative padding: refused when they are made."""
    errors = [
        raised(lambda: cnn.MaxPool2D(0)),
        raised(lambda: cnn.AvgPool2D(2, 0)),
        raised(lambda: cnn.MaxPool2D(2, 1, -1)),
    ]
    return errors, cnn.MaxPool2D(1, 1, 0)(cnn.Tensor(x)).data


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 12: what a neuron can see

A neuron of the first layer sees a patch of 3 × 3. One of the second sees 3 × 3 of *those*, and so more of the image.
The side of what it sees is its **receptive field**. Go through the layers with two numbers: `size`, what one neuron
sees so far, and `jump`, how many pixels of the image lie between two neighbours.

- Both begin with 1.
- A kernel of $k$ reaches over $k - 1$ more neighbours, each `jump` pixels further.
- After that, a stride of $s$ makes neighbours $s$ times as far apart.
"""


# %% exercise="receptive-field"
def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many pixels in a row a neuron sees through layers of (kernel, stride)."""
    ### BEGIN SOLUTION
    size, jump = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size
    ### END SOLUTION


# %% checks="receptive-field" points=4
check(receptive_field([(3, 1)]), 3, hint="the kernel itself")
check(receptive_field([(3, 1), (3, 1)]), 5, hint="two more, once more")
check(
    receptive_field([(2, 2), (3, 1)]), 6, hint="after a stride of 2, a step is 2 pixels"
)
check(
    receptive_field([(3, 1), (2, 2)]), 4, hint="a stride counts for later layers only"
)
### BEGIN HIDDEN TESTS


@observe(layers=integers(4, 2, low=2, high=6), count=integers(low=0, high=5))
def fields_of_deep_networks(cnn, layers, count):
    """Kernels and strides of any number of layers, or none."""
    pairs = [(1, 1), *[tuple(int(m) for m in pair) for pair in layers], (3, 1)]
    found = cnn.receptive_field(pairs), cnn.receptive_field(pairs[:count])
    return [int(size) for size in found], isinstance(found[0], (int, np.integer))


### END HIDDEN TESTS

# %% [markdown]
r"""
Is it true? Poke the network: change one pixel after the other, and look whether a neuron in the middle notices. The
dark pixels are those that it sees:
"""

# %% demo=true
deep = Sequential(Conv2D(1, 4, 3), AvgPool2D(2), Conv2D(4, 1, 3), AvgPool2D(2))
pokes = rng.random((1, 1, 24, 24)) + 9 * np.eye(576).reshape(-1, 1, 24, 24)
middle = in_pieces(deep, pokes)[:, 0, 2, 2]
seen = (middle != np.median(middle)).reshape(24, 24)
print(receptive_field([(3, 1), (2, 2), (3, 1), (2, 2)]), "and", seen.any(axis=0).sum())
digits_figure(1.0 * seen[None], [f"it sees {seen.sum()} of {seen.size} pixels"])

# %% [markdown]
r"""
### 5. The way back

`windows` takes an image apart. `fold` puts it together again: it adds each window back where it came from. Where
windows overlap, their numbers *add up*. You need that twice. It shows how often each pixel is looked at; and when
a convolution is to be trained, each pixel collects what all of its windows have to tell it (module 11).

#### Exercise 13: `fold`

1. Bring the columns into the shape (n, c, k, l, rows, columns).
2. Begin with zeros, as large as the *padded* images, of the dtype of the columns.
3. For each pixel `(i, j)` of a window, add it back for all windows at once, with the slices of exercise 10: `+=`.
4. Cut the padding off.
"""


# %% exercise="fold"
#| export
def fold(columns: ndarray, shape: tuple, kernel: tuple, stride=1, padding=0) -> ndarray:
    """Windows added up where they came from: the adjoint of `windows`.

    Parameters
    ----------
    columns : ndarray of shape (n, c * k * l, places)
        As `windows` gives them.
    shape : tuple of int
        That of the images, (n, c, h, w).
    kernel : tuple of int
        The height and the width of a window, (k, l).
    stride, padding : int
        Those that `windows` was given.

    Returns
    -------
    ndarray of shape `shape`
        Where windows overlap, their sum.

    Raises
    ------
    ValueError
        If the columns have not the shape that `windows` gives for these settings.
    """
    ### BEGIN SOLUTION
    required.pairs(kernel=kernel)
    required.shapes_of_images(shape=shape)
    n, c, h, w = shape
    rows = output_length(h, kernel[0], stride, padding)
    across = output_length(w, kernel[1], stride, padding)
    required.columns((n, c * kernel[0] * kernel[1], rows * across), columns)
    parts = np.reshape(columns, (n, c, *kernel, rows, across))
    out = np.zeros((n, c, h + 2 * padding, w + 2 * padding), dtype=columns.dtype)
    for i, j in np.ndindex(*kernel):
        down, right = i + stride * rows, j + stride * across
        out[:, :, i:down:stride, j:right:stride] += parts[:, :, i, j]
    return out[:, :, padding : padding + h, padding : padding + w]
    ### END SOLUTION


# %% checks="fold" points=7
_shape = (1, 1, 3, 3)
_counts = fold(windows(np.ones(_shape), (2, 2)), _shape, (2, 2))
check(
    _counts[0, 0],
    [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    hint="add up where windows overlap",
)
_x = rng.normal(size=(2, 3, 4, 6))
check(
    fold(windows(_x, (2, 3), 3), _x.shape, (2, 3), 3).shape,
    _x.shape,
    hint="the shape of the images, as it was given",
)
check(
    fold(windows(_x, (1, 2), 2), _x.shape, (1, 2), 2)[:, :, ::2],
    _x[:, :, ::2],
    hint="where windows don't overlap, fold undoes windows",
)
check(
    fold(windows(_x, (1, 1), 1, 2), _x.shape, (1, 1), 1, 2),
    _x,
    hint="cut the padding off",
)
_c = rng.normal(size=windows(_x, (3, 2), 2, 1).shape)
check(
    (_x * fold(_c, _x.shape, (3, 2), 2, 1)).sum(),
    (windows(_x, (3, 2), 2, 1) * _c).sum(),
    hint="each number goes back to the pixel that it came from",
)
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6))
def windows_are_added_up(cnn, seed):
    """For all kinds of settings; the columns are left alone."""
    found = []
    for number in range(4):
        x, weights, _, stride, padding = settings_of(seed + number)
        (n, c, h, w), (height, width) = x.shape, weights.shape[2:]
        rows = (h + 2 * padding - height) // stride + 1
        across = (w + 2 * padding - width) // stride + 1
        size = n, c * height * width, rows * across
        columns = np.random.default_rng(seed).normal(size=size)
        folded = cnn.fold(columns, x.shape, (height, width), stride, padding)
        found.append((folded, columns))
    return found


@observe(columns=normal(1, 1, 64))
def a_wide_padding_is_cut_off(cnn, columns):
    """What lies in it belongs to no pixel."""
    return cnn.fold(columns, (1, 1, 2, 2), (1, 1), 1, 3)


@observe(columns=normal(2, 12, 6, dtype="float32"))
def the_dtype_of_a_fold(cnn, columns):
    """That of the columns; shape and settings by position or by name."""
    found = cnn.fold(columns, (2, 2, 3, 5), (2, 3))
    named = cnn.fold(columns, shape=(2, 2, 3, 5), kernel=(2, 3), stride=1, padding=0)
    return found, str(found.dtype), named


@observe(columns=normal(2, 12, 6))
def columns_of_another_shape(cnn, columns):
    """They are refused; those that fit are not."""
    errors = [
        raised(lambda: cnn.fold(columns, (2, 2, 3, 6), (2, 3))),
        raised(lambda: cnn.fold(columns, (2, 2, 3, 5), (4, 3))),
    ]
    return errors, cnn.fold(columns, (2, 2, 3, 5), (2, 3))


### END HIDDEN TESTS

# %% [markdown]
r"""
Here is how often each pixel of 12 × 12 is looked at: with windows of 3 × 3, with the same and a padding of 1, and
with a stride of 2. The chequerboard on the right is well known: networks that *draw* images in such steps leave it in them
(Odena and others, 2016).
"""

# %% demo=true
x, k, settings = np.ones((1, 1, 12, 12)), (3, 3), [(1, 0), (1, 1), (2, 0)]
counts = [fold(windows(x, k, *s), x.shape, k, *s)[0, 0] for s in settings]
digits_figure(np.stack(counts), [f"{c.min():.0f} to {c.max():.0f}" for c in counts])

# %% [markdown]
r"""
`fold` isn't the inverse of `windows`, but its *adjoint*: for any image $x$ and any columns $c$,
$\sum \text{windows}(x) \cdot c = \sum x \cdot \text{fold}(c)$, as your last check has shown. That's what gradients
need.

That was the last part. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    AvgPool2D Conv2D Flatten GlobalMaxPool MaxPool2D avg_pool2d conv2d conv2d_by_hand
    fold max_pool2d output_length windows
""".split()

# %% [markdown]
r"""
## Use

You have all the parts of the network that read cheques in the 1990s, LeNet-5 (LeCun, Bottou, Bengio and Haffner,
1998). Here it is, nearly as it was, for images of 28 × 28. How many inputs does the first dense layer need? You don't
have to know: put any number, and read the message.
"""

# %%
block = [Conv2D(1, 6, 5, padding=2), ReLU(), MaxPool2D(2), Conv2D(6, 16, 5), ReLU()]
lenet = Sequential(*block, MaxPool2D(2), Flatten(), *MLP([400, 120, 84, 10]))
summary(lenet, (1, 28, 28))

# %% [markdown]
r"""
It waits for somebody to train it, which is what modules 7, 8 and 11 are for. Your reader of section 3 is finished.
And since it keeps no places, it isn't tied to a size. It has seen sheets of 16 × 16 only; give it others:
"""

# %% demo=true
for size in (10, 16, 24, 40):
    larger = place(images[new], rng, size)[:, None]
    read = in_pieces(network, larger).argmax(axis=1) == labels[new]
    print(f"{size} × {size}: {read.mean():.1%} read right")

# %% [markdown]
r"""
## Analyze

### How many weights?

The first layer of your reader makes $400 \cdot 12 \cdot 12$ numbers of 256 pixels. How many weights would a dense
layer need for that?
"""

# %% demo=true
print(f"{count_parameters(network[0]):,} and {(256 + 1) * 400 * 12 * 12:,}")

# %% [markdown]
r"""
### What moves along?

Move an image by a pixel, and what a convolution gives should move by a pixel. That's called *equivariance*. Does it
always hold? We move an image down by one and by two, and compare the result with the one of before, moved as far.

**Predict** which of the four numbers are zero.

<details>
<summary>Think first, then look</summary>

With stride 1 every place sees what another place saw before; only the rows that come in at the edge are new, and they
are cut off here. With stride 2, the windows begin at every second row. After a move by two rows, they see what
their neighbours saw. After a move by one, they see pixels that never were in the same window.

</details>
"""

# %% demo=true
x = rng.normal(size=(1, 1, 20, 20))
for stride, move in [(1, 1), (1, 2), (2, 1), (2, 2)]:
    layer = Conv2D(1, 8, 3, stride, rng=0)
    before = np.roll(layer(Tensor(x)).numpy(), move // stride, axis=2)
    after = layer(Tensor(np.roll(x, move, axis=2))).numpy()
    off = np.abs(after - before)[:, :, 2:].max()
    print(f"stride {stride}, moved by {move}: the answers differ by {off:.1g}")

# %% [markdown]
r"""
**Question 2** (5 points). (a) The equations of section 3 knew the same 1,437 sheets, once as pixels and once through
random filters. Why do pixels fail on *new* sheets? (b) The reader forgets where a filter found something. Give two
different sheets that it can't tell apart, or hardly. (c) Leave out the ReLU, and take the *mean* instead of the
maximum. The whole network is then one that section 1 of module 4 would recognise. Which, and what follows for how
many digits it reads? (d) You may try (c) before you answer; write down what you measured.

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="why-filters-read" points=5
r"""
**Model answer.** (a) A weight belongs to one place. On a new sheet the digit lies where few or no known sheets had
it, so that what was learnt for other places says nothing; and averaged over all places, each pixel is equally likely
for every digit. (b) The same digit in two places (that is what it's for); but also two digits on one sheet, left and
right exchanged; or strokes of a digit that are pulled apart by more than a window. (c) A convolution is linear, and a
mean is linear, so the network is one linear map of the pixels: two layers without a bend are one. The mean over
all places even gives nearly the same number whatever the place and the form of the digit: the sum of its ink times
the mean of the filter. So it can't read more than the equations on pixels do. (d) About 20 %.

**Mark scheme.** 1 point: (a) weights belong to places. 1 point: (b) a valid pair. 1 point: (c) everything is linear,
one layer. 1 point: (c) so no better than pixels. 1 point: (d) a measurement of 15 to 25 %, or a plan of one.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`torch.nn.functional.conv2d`, `max_pool2d` and `avg_pool2d` take the same shapes and give the same numbers; `unfold` and
`fold` are our `windows` and `fold`. The layers are `nn.Conv2d(1, 16, kernel_size=3)`, `nn.MaxPool2d(2)`,
`nn.AvgPool2d(2)`, `nn.AdaptiveMaxPool2d(1)` for our `GlobalMaxPool` (it keeps two axes of length 1), and `nn.Flatten()`.
Kernels, strides and paddings may also be pairs there. PyTorch draws its first weights uniformly, in
$\pm 1/\sqrt{c \, k \, l}$.

</details>

## What you have built

- A convolution is a dense layer over windows, with the same weights in every place.
- Loops show what it does. Windows as columns and one matrix product make it fast, and pay with memory.
- `output_length` knows the shapes, and refuses what doesn't fit.
- The number of inputs of a neuron is $c \cdot k \cdot l$, and the first weights have to know it.
- A maximum forgets where. Random filters, a bend and a maximum read digits anywhere.

Export your module with `python bin/tito.py export 05_cnn`. A convolution can't be trained yet: its derivative rules
come in module 11. Next comes **module 6, Data loading**, or **module 7, Autograd**.
"""

# %% [markdown]
r"""
# Module 6: Data loading

A friend sells a program that reads handwriting. "It gets every digit right", he says, "I've tested it on 1,797 of
them." You look inside, and it is two lines long. Run the cells below and see for yourself.

Numbers like his are made every day, mostly by honest people. In this module you build what stands between the data and
a network: datasets, splits, scaling, batches and a *loader*. And you build it so that your own numbers can be believed.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | datasets: examples that you can index | 3 | 60 min |
| 2 | parts that have no example in common, and a scale for all of them | 4 | 80 min |
| 3 | batches, shuffled anew in each epoch, by a `DataLoader` | 2 | 55 min |
| 4 | transforms: digits that come a little moved | 2 | 40 min |
| 5 | sequences of unequal length; loading ahead (you may skip that one) | 2 | 25 min |
| Use and Analyze | a test part that nobody has touched; what a batch costs, what a leak is worth | 2 questions | 35 min |

You need module 1, exported. `progress()` in a cell shows how far you are.
"""

# %%
#| default_exp core.dataloader
#| export
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import isclose

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.support import required
from tinytorch.support.padding import common_dtype
from tinytorch.support.progress_bars import with_progress
from tinytorch.support.shown import Shown
from tinytorch.support.transforming import as_images, transformed

# %% [markdown]
r"""
That was for the library. `required` has one-line refusals for arguments of the wrong kind, such as
`required.whole_numbers(size=2.5)`. Our solutions use them; yours may, and needn't.

This is for the notebook only. Your friend's program is there, too. It's called `nearest`:
for each new image it gives the label of the most similar one that it knows.
"""

# %%
import time
from functools import partial

from tinytorch.datasets import digits, names
from tinytorch.datasets.baselines import nearest, perceptron, read
from tito.checks import check, check_raises
from tito.figures import digits_figure, held_bytes, seconds
from tito.student.progress import progress as progress

rng = np.random.default_rng(0)
images, labels = digits()
images /= 16
print(f"{np.mean(nearest(images, labels, images) == labels):.1%} right")

# %% [markdown]
r"""
Every digit right! And no wonder: the most similar image to one that it knows is that image itself. This number says
nothing about the digits that customers will write.

So some examples must be kept away from the program until it is tested. That's the whole idea of this module, and it's
easy to get wrong in ways that nobody sees.

## Build

### 1. Examples

A *dataset* is anything that has a length and gives you an example by its number: `len(dataset)`, `dataset[3]`. The
images may be in memory, in files, or made by a formula. Here is one of the last kind:
"""


# %%
class Squares:
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return index, index**2


print([example for example, _ in zip(Squares(), range(12))])

# %% [markdown]
r"""
Its length is 5, and a loop over it got 12 examples. Without `zip`, it would never end. A class that doesn't say how
to loop over it gets Python's old way: `[0]`, `[1]`, `[2]`, … until somebody raises an `IndexError`. `Squares` never
does.

#### Exercise 1: `Dataset`

So say it once, for all datasets. `Dataset` is the class that they inherit from; `__len__` and `__getitem__` are
theirs.

- `__iter__` gives one example after the other, as many as `len(self)` says.
- `__repr__` gives the name of the class, `type(self).__name__`, and how many examples there are: `Squares(5 examples)`.
"""


# %% exercise="dataset"
#| export
class Dataset:
    """Examples with numbers: what inherits from it has `__len__` and `__getitem__`."""

    def __iter__(self) -> Iterator:
        """One example after the other."""
        ### BEGIN SOLUTION
        for index in range(len(self)):
            yield self[index]
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        return f"{type(self).__name__}({len(self)} examples)"
        ### END SOLUTION


# %% checks="dataset" points=4
_squares = type("Squares", (Dataset, Squares), {})()
check(
    [example for example, _ in zip(_squares, range(12))],
    [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)],
    hint="self[0], self[1], … as many as len(self) says",
)
check(
    [len(list(zip(_squares, range(12)))) for _ in "ab"],
    [5, 5],
    hint="every loop begins at the first example",
)
check(
    repr(_squares), "Squares(5 examples)", hint="the name of the class, and len(self)"
)
### BEGIN HIDDEN TESTS
from tito.observations import (
    choice,
    integers,
    message_of,
    normal,
    observe,
    raised,
    uniform,
)


def own(dataloader, examples, name="Own"):
    """A dataset that knows single examples only, and never refuses one."""
    asked = []

    def getitem(self, index):
        asked.append(int(index))
        return examples[int(index) % len(examples)]

    methods = {
        "__len__": lambda self: len(examples),
        "__getitem__": getitem,
        "asked": asked,
    }
    return type(name, (dataloader.Dataset,), methods)()


@observe(x=normal(6), count=integers(low=1, high=7))
def a_loop_over_a_dataset(dataloader, x, count):
    """Each example once, in order, and then an end; two loops at once, too."""
    data = own(dataloader, list(x[:count]))
    found = [example for example, _ in zip(data, range(20))]
    first, second = iter(data), iter(data)
    return found, next(first), next(second), len(list(zip(data, range(20))))


@observe(x=normal(6))
def examples_are_asked_for_when_they_are_needed(dataloader, x):
    """And not all of them before the first one is used."""
    data = own(dataloader, list(x))
    found = [example for example, _ in zip(data, range(2))]
    return found, len(data.asked) <= 3


@observe(count=integers(low=1, high=99), name=choice("Files", "A_b"))
def a_dataset_shows_its_length(dataloader, count, name):
    """And the name of its class."""
    return repr(own(dataloader, [0.0] * count, name))


### END HIDDEN TESTS

# %% [markdown]
r"""
Most data are arrays: all images in one, all labels in another, in the same order. If one of the two loses a row, say
the first, because somebody took it for a heading:
"""

# %%
seen = nearest(images[:1437], labels[1:1438], images[1437:])
print(f"{np.mean(seen == labels[1437:]):.1%} right")

# %% [markdown]
r"""
No error, and fewer right than by guessing. `zip` wouldn't complain either: it stops with the shorter one.

#### Exercise 2: `ArrayDataset`

`ArrayDataset(images, labels)` puts arrays side by side. An example is a *tuple*, with one element of each array.

- `__init__` refuses arrays of different lengths, or no arrays at all: a `ValueError` whose sentence shows the
  lengths. It keeps `self.arrays`, a list of arrays (`np.asarray`), and `self.transform`.
- `__len__`: how many examples.
- `fetch(indices)` gives several examples at once: the tuple of `array[indices]` for each array. If there is a
  `transform`, the **first** of them is `transformed(self.transform, …)`. Transforms come in section 4; `transformed`,
  which is given, calls them and looks at what they return.
- `dataset[3]`, a whole number, gives one example: `fetch([3])`, and of each field the first, `field[0]`. Any other
  index, such as the slice `dataset[2:5]`, goes to `fetch` as it is.

numpy takes care of the rest: `dataset[-1]` is the last example, and beyond the end there's an `IndexError`.

<details>
<summary>Hint: a whole number</summary>

`isinstance(index, (int, np.integer))` is true for Python's and for numpy's whole numbers, and not for a slice.

</details>
"""


# %% exercise="array-dataset"
#| export
class ArrayDataset(Dataset):
    """Arrays side by side; an example has one element of each.

    Parameters
    ----------
    *arrays : array_like of shape (count, …)
        Such as images and their labels.
    transform : callable, optional
        Changes what is fetched from the first array: it is given an array of shape
        (examples, …), and returns one of as many examples.

    Raises
    ------
    ValueError
        If the arrays differ in length, or there are none.

    Examples
    --------
    >>> data = ArrayDataset([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [7, 8, 9])
    >>> data[1]
    (array([3., 4.]), np.int64(8))
    >>> data[1:]
    (array([[3., 4.],
           [5., 6.]]), array([8, 9]))
    """

    def __init__(self, *arrays, transform: Callable | None = None):
        ### BEGIN SOLUTION
        required.functions_or_none(transform=transform)
        lengths = required.lengths_of(arrays)
        if len(set(lengths)) != 1:
            raise ValueError(
                f"the arrays have the lengths {lengths}; pass at least one, and all equally long"
            )
        self.arrays = [np.asarray(array) for array in arrays]
        self.transform = transform
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.arrays[0])
        ### END SOLUTION

    def fetch(self, indices) -> tuple[np.ndarray, ...]:
        """Several examples, by indices, a slice or a mask; an array for each field."""
        ### BEGIN SOLUTION
        fields = [array[indices] for array in self.arrays]
        if self.transform is not None:
            fields[0] = transformed(self.transform, fields[0])
        return tuple(fields)
        ### END SOLUTION

    def __getitem__(self, index):
        """One example for a whole number; several for a slice, indices or a mask."""
        ### BEGIN SOLUTION
        if isinstance(index, (int, np.integer)):
            fields = self.fetch([index])
            return tuple(field[0] for field in fields)
        return self.fetch(index)
        ### END SOLUTION


# %% checks="array-dataset" points=8
_data = ArrayDataset(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [7, 8, 9])
check(len(_data), 3, hint="the length of an array")
check(_data[1], (np.array([3.0, 4.0]), 8), hint="a tuple: one element of each array")
check(_data[-1][1], 9, hint="numpy counts from the end by itself")
check(
    _data[1:],
    (np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([8, 9])),
    hint="several: fetch(index)",
)
check(type(_data.fetch([2, 0])).__name__, "tuple", hint="tuple(fields)")
check(_data.fetch([2, 0])[1], np.array([9, 7]), hint="array[indices] of each array")
check_raises(IndexError, lambda: _data[3], hint="let numpy's error through")
check_raises(
    ValueError, lambda: ArrayDataset([1, 2, 3], [4, 5]), hint="compare the lengths"
)
check_raises(ValueError, lambda: ArrayDataset(), hint="no arrays: no length")
_double = ArrayDataset([1.0, 2.0, 3.0], [7.0, 8.0, 9.0], transform=lambda x: x * 2)
check(_double[1], (4.0, 8.0), hint="the transform changes the first field only")
check(_double[1:][0], np.array([4.0, 6.0]), hint="also of several examples: in fetch")
### BEGIN HIDDEN TESTS


def listed(fields):
    """Fields as arrays, with the number of their axes."""
    return [(np.asarray(f), np.ndim(f)) for f in fields], type(fields).__name__


@observe(
    x=normal(6, 2, 3), y=integers(6, low=0, high=9), index=integers(low=-6, high=6)
)
def one_example_of_arrays(dataloader, x, y, index):
    """Counted from either end, with numpy's numbers, too; beyond both ends an IndexError."""
    data = dataloader.ArrayDataset(x, y)
    errors = [raised(lambda k=k: data[k]) for k in (6, -7, np.int64(6))]
    return listed(data[index]), listed(data[np.int64(index)]), errors, len(data)


@observe(
    x=normal(6, 2),
    y=integers(6, low=0, high=9),
    z=normal(6),
    start=integers(low=0, high=4),
)
def several_examples_at_once(dataloader, x, y, z, start):
    """For a slice, a list, an array of indices or a mask; of one array or of three."""
    data, single = dataloader.ArrayDataset(x, y, z), dataloader.ArrayDataset(list(z))
    found = [
        data[start : start + 2],
        data[[5, start]],
        data[np.array([start, 0])],
        data[z > 0],
    ]
    found += [
        data.fetch([start, start]),
        single[start:],
        single[start],
        single.fetch([]),
    ]
    return [listed(fields) for fields in found], len(single)


@observe(x=normal(6, 2), y=normal(6), index=integers(low=0, high=4), scale=normal())
def a_transform_changes_the_first_field(dataloader, x, y, index, scale):
    """It sees arrays with an axis of examples, once for each time something is fetched."""
    seen = []

    def transform(images):
        seen.append(np.shape(images))
        return images * scale + len(images)

    data = dataloader.ArrayDataset(x, y, transform=transform)
    found = [data[index], data[index:], data.fetch([index, 0]), data[np.int64(index)]]
    return [listed(fields) for fields in found], seen, x


@observe(x=normal(6), n=integers(low=1, high=6))
def arrays_that_do_not_fit_are_refused(dataloader, x, n):
    """Different lengths, in a sentence that shows them; and no arrays at all."""
    wrong = lambda: dataloader.ArrayDataset(x, x, x[:n])  # noqa: E731
    text = message_of(wrong)
    shown = ["6" in text, str(n) in text]
    fine = listed(dataloader.ArrayDataset(x, x[::-1])[n - 1])
    return raised(wrong), raised(lambda: dataloader.ArrayDataset()), shown, fine


@observe(x=normal(5), y=normal(5))
def a_dataset_of_arrays_is_a_dataset(dataloader, x, y):
    """With a loop, and the arrays as they are, without a copy."""
    data = dataloader.ArrayDataset(x, y)
    same = [np.shares_memory(a, b) for a, b in zip(data.arrays, (x, y))]
    return (
        list(data),
        same,
        isinstance(data, dataloader.Dataset),
        type(data.arrays).__name__,
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 3: `stack` and `gather`

A network is given many examples in one array, a *batch*. An `ArrayDataset` has arrays already, and `fetch` takes
several rows out of them. Other datasets, such as `Squares` or a plain list of pairs, give one example at a time. Then
somebody has to put them side by side, field by field:

```text
stack([(0, "a"), (5, "b"), (7, "c")])   →   (array([0, 5, 7]), array(["a", "b", "c"]))
```

- `stack(examples)`: a tuple of arrays, one for each field. `zip(*examples)` gives all first fields, then all second
  ones, and so on; `np.stack` makes an array of each. An example that is no tuple and no list is refused with a
  `TypeError`: `zip(*…)` would take an *image* apart, row by row, and never tell you.
- `gather(dataset, indices)`: if the dataset has a method `fetch` (`hasattr`), use it. If not, take `dataset[index]`
  for each of the indices, and stack them.
"""


# %% exercise="collate"
#| export
def stack(examples: Sequence[tuple]) -> tuple[np.ndarray, ...]:
    """Put examples side by side: an array for each field.

    Raises
    ------
    TypeError
        If an example is no tuple and no list of fields.
    """
    ### BEGIN SOLUTION
    for example in examples:
        if not isinstance(example, (tuple, list)):
            raise TypeError(
                f"an example is a tuple of fields, but got {example!r:.60}; for a single field "
                "write (x,)"
            )
    required.equal_numbers_of_fields(examples)
    fields = []
    for field in zip(*examples):
        fields.append(np.stack(field))
    return tuple(fields)
    ### END SOLUTION


def gather(dataset, indices: Sequence[int]) -> tuple[np.ndarray, ...]:
    """The fields of several examples, all at once where the dataset can `fetch`."""
    ### BEGIN SOLUTION
    if hasattr(dataset, "fetch"):
        return dataset.fetch(indices)
    return stack([dataset[index] for index in indices])
    ### END SOLUTION


# %% checks="collate" points=7
check(
    stack([(0, [1.0, 2.0]), (5, [3.0, 4.0])]),
    (np.array([0, 5]), np.array([[1.0, 2.0], [3.0, 4.0]])),
    hint="zip(*examples) gives the fields; np.stack each of them",
)
check(type(stack([(0,), (5,)])[0]).__name__, "ndarray", hint="np.stack each field")
check_raises(
    TypeError, lambda: stack([np.ones(2), np.ones(2)]), hint="an array is no example"
)
check(
    gather(Squares(), [3, 1]),
    (np.array([3, 1]), np.array([9, 1])),
    hint="stack([dataset[3], dataset[1]])",
)
check(gather(_data, [2, 0])[1], np.array([9, 7]), hint="dataset.fetch(indices)")
_calls = []
_watched = ArrayDataset([1.0, 2.0, 3.0], transform=lambda x: _calls.append(len(x)) or x)
gather(_watched, [2, 0])
check(_calls, [2], hint="one fetch for both, not one for each")
### BEGIN HIDDEN TESTS


@observe(x=normal(5, 2, 3), y=integers(5, low=0, high=9), z=normal(5, dtype="float32"))
def fields_side_by_side(dataloader, x, y, z):
    """One array for each field, with the dtype that numpy gives it."""
    found = dataloader.stack(list(zip(x, y, z)))
    lists = dataloader.stack([[1, 2.5], [3, y[0]]])
    single = dataloader.stack([(row,) for row in x])
    return listed(found), [str(f.dtype) for f in found], listed(lists), listed(single)


@observe(x=normal(4, 3), text=choice("ab", "cd"))
def what_is_no_example_is_refused(dataloader, x, text):
    """Rows of an array, numbers, texts, also after an example; a tuple of one field is fine."""
    wrong = [list(x), x, [1.5, 2.5], [text, text], [(x[0],), x[1]]]
    errors = [raised(lambda w=w: dataloader.stack(w)) for w in wrong]
    return errors, listed(dataloader.stack([(x[0],), (x[1],)]))


@observe(x=normal(6, 2), y=integers(6, low=0, high=9), index=integers(3, low=0, high=6))
def examples_one_by_one(dataloader, x, y, index):
    """Of a dataset that knows single examples, and of a list of pairs."""
    pairs = list(zip(x, y))
    data = own(dataloader, pairs)
    found = [dataloader.gather(data, index), dataloader.gather(pairs, index)]
    return [listed(fields) for fields in found], data.asked


@observe(x=normal(6, 2), index=integers(3, low=0, high=6))
def examples_all_at_once(dataloader, x, index):
    """Where a dataset has a method fetch, it is called once, and its result handed on."""
    asked = []

    class Fetching:
        def fetch(self, indices):
            asked.append(np.array(indices))
            return (x[indices] * 2,)

    return listed(dataloader.gather(Fetching(), index)), asked


### END HIDDEN TESTS

# %% [markdown]
r"""
Was the fast way worth it? All digits at once, first from an `ArrayDataset`, then from a list of pairs:
"""

# %% demo=true
for data in (ArrayDataset(images, labels), list(zip(images, labels))):
    print(f"{seconds(partial(gather, data, range(1797))) * 1000:.2f} ms")


# %% [markdown]
r"""
### 2. Parts

To test a program fairly, some examples are put away: the *test part*. The obvious way to get one is to cut off the
last fifth. Many files are sorted, though. Let's cut a sorted one:
"""

# %%
in_order = np.argsort(labels, kind="stable")
print([np.unique(labels[part]) for part in np.split(in_order, [1437])])


# %% [markdown]
r"""
It would be tested on 8 and 9, which it has never seen, and on a few sevens. So a part has to be drawn at random. It doesn't need
copies of the images, only their *numbers*.

#### Exercise 4: `Subset`

`Subset(dataset, indices)` is a dataset that shows some examples of another one. Example 0 of it is the one whose
number is `indices[0]`.

- `__init__` keeps `dataset`, and the numbers as an array: `self.indices = np.arange(len(dataset))[indices]`. That
  one line makes numbers of everything that numpy takes for an index, `[5, 2]`, `-1`, a slice, a mask like
  `labels == 3`. It also refuses numbers that aren't there.
- `__len__`: how many numbers.
- `fetch(indices)`: look up which numbers are meant, and `gather` these from the dataset.
- `subset[2]`, a whole number: the example of the dataset with number `self.indices[2]`. Other indices go to `fetch`.
"""


# %% exercise="subset"
#| export
class Subset(Dataset):
    """Some examples of a dataset, by their indices: a view, without copies.

    Parameters
    ----------
    dataset : Dataset
        Or anything else that has a length and an index, such as a list of tuples.
    indices : sequence of int, slice or mask
        The examples, in the order in which the subset shows them.

    Raises
    ------
    IndexError
        If there is no example of that index.
    """

    def __init__(self, dataset, indices):
        ### BEGIN SOLUTION
        required.datasets(dataset=dataset)
        self.dataset = dataset
        self.indices = np.arange(len(dataset))[indices]
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.indices)
        ### END SOLUTION

    def fetch(self, indices) -> tuple[np.ndarray, ...]:
        """Several examples, as `ArrayDataset.fetch` gives them."""
        ### BEGIN SOLUTION
        return gather(self.dataset, self.indices[indices])
        ### END SOLUTION

    def __getitem__(self, index):
        """One example for a whole number; several for a slice, indices or a mask."""
        ### BEGIN SOLUTION
        if isinstance(index, (int, np.integer)):
            return self.dataset[self.indices[index]]
        return self.fetch(index)
        ### END SOLUTION


# %% checks="subset" points=6
_pairs = [("a", 0), ("b", 1), ("c", 2)]
check(len(Subset(_pairs, [2, 0])), 2, hint="the number of indices")
check(Subset(_pairs, [2, 0])[0], ("c", 2), hint="example indices[0] of the dataset")
check(
    list(Subset(_pairs, [2, 0])),
    [("c", 2), ("a", 0)],
    hint="in the order of the indices",
)
check(Subset(_pairs, [-1])[0], ("c", 2), hint="np.arange(len(dataset))[indices]")
check(
    Subset(_pairs, [2, 0])[:][1],
    np.array([2, 0]),
    hint="a slice: fetch, which looks up the numbers and gathers",
)
check(
    Subset(Subset(_pairs, [2, 0]), [1])[0],
    ("a", 0),
    hint="a subset of a subset: look up twice",
)
check(Subset(_data, [2, 0])[:1][1], np.array([9]), hint="gather(self.dataset, …)")
check_raises(
    IndexError,
    lambda: Subset(_pairs, [3]),
    hint="np.arange(len(dataset))[indices] refuses 3",
)
### BEGIN HIDDEN TESTS


@observe(
    x=normal(8, 2), y=integers(8, low=0, high=9), chosen=integers(5, low=-8, high=8)
)
def some_examples_of_a_dataset(dataloader, x, y, chosen):
    """One by one and several, in the order of the indices; beyond the end an IndexError."""
    part = dataloader.Subset(dataloader.ArrayDataset(x, y), chosen)
    found = [
        part[1],
        part[-1],
        part[np.int64(2)],
        part[1:4],
        part[[3, 0]],
        part.fetch([0, 2]),
    ]
    rows = [listed(fields) for fields in [*found, *part]]
    return rows, len(part), raised(lambda: part[5]), repr(part)


@observe(
    x=normal(8), chosen=integers(6, low=0, high=8), inner=integers(4, low=0, high=6)
)
def a_subset_of_a_subset(dataloader, x, chosen, inner):
    """Also of a dataset that knows single examples, and of a list."""
    found = []
    for data in (
        dataloader.ArrayDataset(x),
        own(dataloader, [(v,) for v in x]),
        [(v,) for v in x],
    ):
        part = dataloader.Subset(dataloader.Subset(data, chosen), inner)
        found.append((listed(part[:]), listed(part[2]), len(part)))
    return found


@observe(x=normal(8), n=integers(low=8, high=99))
def indices_of_every_kind(dataloader, x, n):
    """Masks, slices, a range, none at all; numbers that are not there are refused."""
    data = dataloader.ArrayDataset(x)
    kinds = x > 0, slice(2, None, 3), range(1, 4), [], np.array([7, -8])
    found = [dataloader.Subset(data, kind).indices for kind in kinds]
    wrong = [n], [0, -n - 1], [0.5]
    return found, [raised(lambda w=w: dataloader.Subset(data, w)) for w in wrong]


@observe(x=normal(8), change=normal())
def a_subset_is_a_view(dataloader, x, change):
    """What changes in the dataset is seen in it, and it is a Dataset."""
    data = dataloader.ArrayDataset(x.copy())
    part = dataloader.Subset(data, [5, 1])
    before = listed(part[:])
    data.arrays[0][5] = change
    return (
        before,
        listed(part[:]),
        isinstance(part, dataloader.Dataset),
        part.dataset is data,
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: `split`

Cut a dataset into parts at random, each example in exactly one of them. First, how large is each part? `part_sizes(n,
parts)` gives a list of whole numbers:

- `parts` that add up to 1 (`isclose(sum(parts), 1)`) are *shares*. Each part has `int(n * share)` examples. That
  rounds down, so a few examples may be left over; the first parts get one more each, until none is left.
- Other `parts` are *counts*, and are kept, as whole numbers.
- In the end, if the sizes don't add up to `n`, or one is negative: a `ValueError` that shows the parts.

**With numbers:** 11 examples and `(0.5, 0.3, 0.2)` give 5, 3 and 2. One is left over, so it's `[6, 3, 2]`.

Then `split(dataset, parts, rng)` gives a list of `Subset`s. Make a generator of `rng`, `np.random.default_rng(rng)`,
and draw **one** `permutation(len(dataset))`. The first part takes the first numbers of it, the second those that
follow, and so on. So everybody who writes `rng=0` gets the same parts.

<details>
<summary>Hint: cutting</summary>

Begin with `start = 0`. A part of some size is `order[start : start + size]`, and after it `start` grows by that size.

</details>
"""


# %% exercise="split"
#| export
def part_sizes(n: int, parts: Sequence[float]) -> list[int]:
    """How many of n examples each part gets, by shares or counts."""
    ### BEGIN SOLUTION
    required.lists_of_numbers(parts=parts)
    if isclose(sum(parts), 1):
        sizes = [int(n * share) for share in parts]
        for k in range(n - sum(sizes)):
            sizes[k] += 1
    else:
        sizes = [int(count) for count in parts]
    if sum(sizes) != n or min(sizes) < 0:
        raise ValueError(
            f"the parts {parts} of {n} examples do not fit; shares add up to 1, counts to {n}, and "
            "none is negative"
        )
    return sizes
    ### END SOLUTION


def split(dataset, parts: Sequence[float] = (0.8, 0.2), rng=None) -> list[Subset]:
    """Parts of a dataset, drawn at random, that have no example in common.

    Parameters
    ----------
    dataset : Dataset
        Left as it is.
    parts : sequence of float or int
        The share of each part, which add up to 1, or the number of its examples, which
        add up to ``len(dataset)``. What rounding leaves over goes to the first parts,
        one example each.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. One ``rng.permutation(len(dataset))`` is
        drawn, and the parts take their examples from it in turn.

    Raises
    ------
    ValueError
        If the parts do not add up, or one is negative.

    Examples
    --------
    >>> split(ArrayDataset(np.arange(10.0)), (0.7, 0.3), rng=0)
    [Subset(7 examples), Subset(3 examples)]
    """
    ### BEGIN SOLUTION
    required.datasets(dataset=dataset)
    order = np.random.default_rng(rng).permutation(len(dataset))
    start, found = 0, []
    for size in part_sizes(len(dataset), parts):
        found.append(Subset(dataset, order[start : start + size]))
        start += size
    return found
    ### END SOLUTION


# %% checks="split" points=9
check(part_sizes(10, (0.8, 0.2)), [8, 2], hint="int(n * share)")
check(
    part_sizes(11, (0.5, 0.3, 0.2)),
    [6, 3, 2],
    hint="one is left over: the first part gets it",
)
check(
    part_sizes(10, (0.7, 0.2, 0.1)),
    [7, 2, 1],
    hint="0.7 + 0.2 + 0.1 is not quite 1 for a computer: ask isclose",
)
check(part_sizes(1797, (1437, 360)), [1437, 360], hint="counts are kept")
check_raises(
    ValueError, lambda: part_sizes(10, (0.8, 0.3)), hint="the sizes have to add up to n"
)
check_raises(
    ValueError, lambda: part_sizes(10, (1.5, -0.5)), hint="no size is negative"
)
_parts = split(ArrayDataset(np.arange(11)), (0.5, 0.3, 0.2), rng=0)
check([len(part) for part in _parts], [6, 3, 2], hint="a Subset for each size")
check(
    sorted(int(x) for part in _parts for (x,) in part),
    list(range(11)),
    hint="each example in exactly one part",
)
check(
    _parts[0].indices,
    np.random.default_rng(0).permutation(11)[:6],
    hint="the first numbers of one default_rng(rng).permutation(n)",
)
### BEGIN HIDDEN TESTS


@observe(
    n=integers(low=5, high=200), a=integers(low=1, high=8), b=integers(low=1, high=8)
)
def sizes_of_shares(dataloader, n, a, b):
    """Rounded down, and what is left over goes to the first parts, one each; whole numbers."""
    shares = [a / (a + b + 9), b / (a + b + 9), 4 / (a + b + 9), 5 / (a + b + 9)]
    found = dataloader.part_sizes(n, shares), dataloader.part_sizes(n, (0.5, 0.5))
    thirds = (
        dataloader.part_sizes(n, (1 / 3, 1 / 3, 1 / 3)),
        dataloader.part_sizes(n, (1,)),
    )
    kinds = [isinstance(size, (int, np.integer)) for size in found[0]]
    return [[int(s) for s in sizes] for sizes in (*found, *thirds)], kinds


@observe(n=integers(low=5, high=200), a=integers(low=0, high=5))
def sizes_that_are_counts(dataloader, n, a):
    """Kept if they add up to all; none may be negative, also where shares add up."""
    wrong = (a, n), (0.5, 0.4), (n + a + 1, -a - 1), (1.5, -0.5), (n - 1, 2)
    errors = [raised(lambda w=w: dataloader.part_sizes(n, w)) for w in wrong]
    shown = str(n + 77) in message_of(lambda: dataloader.part_sizes(n, (n + 77, 3)))
    counts = (a, n - a), (0, n), (float(a), float(n - a))
    found = [dataloader.part_sizes(n, parts) for parts in counts]
    kinds = [isinstance(size, (int, np.integer)) for sizes in found for size in sizes]
    return [[int(s) for s in sizes] for sizes in found], kinds, errors, shown


@observe(seed=integers(low=0, high=10**6), n=integers(low=7, high=30))
def parts_of_a_permutation(dataloader, seed, n):
    """One permutation, cut in order; a seed and its generator give the same."""
    data = dataloader.ArrayDataset(np.arange(n))
    generator = np.random.default_rng(seed)
    found = [dataloader.split(data, (0.6, 0.3, 0.1), rng=r) for r in (seed, generator)]
    after = generator.random()
    return [[part.indices for part in parts] for parts in found], after


@observe(seed=integers(low=0, high=10**6), x=normal(9, 2), y=normal(9))
def parts_are_subsets(dataloader, seed, x, y):
    """Of the dataset itself, also of a list; four fifths and one fifth without a word."""
    data = dataloader.ArrayDataset(x, y)
    parts = dataloader.split(data, rng=seed)
    same = [part.dataset is data for part in parts]
    other = dataloader.split([(v,) for v in y], (4, 5), rng=seed)
    kinds = [type(part).__name__ for part in (*parts, *other)]
    return [listed(p[:]) for p in (*parts, *other)], same, kinds


@observe(seed=integers(low=0, high=10**6))
def no_seed_is_built_in(dataloader, seed):
    """Two splits without a seed differ; numpy's own global generator is not used."""
    data, before = dataloader.ArrayDataset(np.arange(60)), np.random.get_state()[2]
    free = [dataloader.split(data)[0].indices for _ in range(2)]
    used = np.random.get_state()[2] != before
    return (
        bool((free[0] == free[1]).all()),
        used,
        dataloader.split(data, rng=seed)[1].indices,
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
Chance isn't always kind. Take only 100 digits, and draw a test part of 20. How many of the ten classes are in it? Ten
tries:
"""

# %%
few = Subset(ArrayDataset(images, labels), range(100))
print([len(np.unique(split(few, rng=seed)[1][:][1])) for seed in range(10)])

# %% [markdown]
r"""
Often a class isn't tested at all, and you'd never know whether your program can read it. Here's the cure: split *each
class* in the same way.

#### Exercise 6: `stratified_split`

1. If there aren't as many `labels` as examples: a `ValueError` that shows both numbers.
2. Draw one permutation of all, `order`, as in `split`.
3. For each class (`np.unique(labels)`), its `members` are the numbers in `order` that belong to it:
   `order[labels[order] == label]`. They go to the parts in this order, as many as `part_sizes(len(members), parts)`
   says.
4. Inside each part, the numbers come **in the order of the permutation**. If you just put class behind class, the
   part is sorted, and section 3 shows what that does.

<details>
<summary>Hint: a part for each example</summary>

Make an array `part_of` with `len(dataset)` zeros (of `dtype=int`). For each class, write the number of the part to its
members: `part_of[members] = np.repeat([0, 1], [8, 2])` writes 0 to eight of them, and 1 to two. In the end, part `k`
is `order[part_of[order] == k]`.

</details>
"""


# %% exercise="stratified-split"
#| export
def stratified_split(dataset, labels, parts=(0.8, 0.2), rng=None) -> list[Subset]:
    """Parts drawn at random in which each class has its share.

    Parameters
    ----------
    dataset : Dataset
        Left as it is.
    labels : array_like of shape (examples,)
        The class of each example.
    parts : sequence of float
        The share of each part; they add up to 1. What rounding leaves over of a class
        goes to the first parts.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. One ``rng.permutation(len(dataset))`` is
        drawn. The members of a class go to the parts in its order, and each part keeps
        its order.

    Raises
    ------
    ValueError
        If the number of labels is not that of the examples, or the parts do not add up.
    """
    ### BEGIN SOLUTION
    required.datasets(dataset=dataset)
    labels = required.labels(labels)
    if len(labels) != len(dataset):
        raise ValueError(
            f"{len(labels)} labels were given for {len(dataset)} examples; pass one for each"
        )
    order = np.random.default_rng(rng).permutation(len(dataset))
    part_of = np.zeros(len(dataset), dtype=int)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        sizes = part_sizes(len(members), parts)
        part_of[members] = np.repeat(np.arange(len(parts)), sizes)
    return [Subset(dataset, order[part_of[order] == k]) for k in range(len(parts))]
    ### END SOLUTION


# %% checks="stratified-split" points=8
_classes = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
_parts = stratified_split(ArrayDataset(np.arange(12)), _classes, (0.75, 0.25), rng=6)
check([len(part) for part in _parts], [9, 3], hint="a share of each class")
check(
    [np.bincount(_classes[part.indices]) for part in _parts],
    [np.array([6, 3]), np.array([2, 1])],
    hint="three quarters of the 8 zeros, and of the 4 ones",
)
check(
    sorted(int(x) for part in _parts for (x,) in part),
    list(range(12)),
    hint="each example in exactly one part",
)
_order = np.random.default_rng(6).permutation(12)
check(
    _parts[1].indices,
    _order[np.isin(_order, _parts[1].indices)],
    hint="a part is in the order of the permutation, not class by class",
)
check(
    sorted(_parts[1].indices[_parts[1].indices < 8].tolist()),
    sorted(_order[_order < 8][6:].tolist()),
    hint="of each class, the first in the permutation go to the first part",
)
check_raises(
    ValueError, lambda: stratified_split(_data, [0, 1]), hint="a label for each example"
)
### BEGIN HIDDEN TESTS


@observe(seed=integers(low=0, high=10**6), y=integers(40, low=0, high=4))
def each_class_has_its_share(dataloader, seed, y):
    """In every part; and in the order of the one permutation."""
    data = dataloader.ArrayDataset(np.ones(40))
    parts = dataloader.stratified_split(data, y, (0.5, 0.3, 0.2), rng=seed)
    counts = [np.bincount(y[part.indices], minlength=4) for part in parts]
    return (
        counts,
        [part.indices for part in parts],
        [part.dataset is data for part in parts],
    )


@observe(seed=integers(low=0, high=10**6), y=integers(30, low=0, high=3))
def classes_of_any_kind(dataloader, seed, y):
    """Texts and lists; four fifths and one fifth without a word; a generator is used once."""
    data, generator = (
        dataloader.ArrayDataset(np.ones(30)),
        np.random.default_rng(seed),
    )
    texts = ["abc"[k] for k in y]
    found = [dataloader.stratified_split(data, texts, rng=r) for r in (seed, generator)]
    return [[part.indices for part in parts] for parts in found], generator.random()


@observe(n=integers(low=3, high=9), seed=integers(low=0, high=10**6))
def labels_that_do_not_fit_are_refused(dataloader, n, seed):
    """Too few and too many of them, with both numbers; and parts that do not add up."""
    data, split = dataloader.ArrayDataset(np.arange(20)), dataloader.stratified_split
    wrong = lambda: split(data, [0] * n)  # noqa: E731
    text = message_of(wrong)
    errors = [raised(wrong), raised(lambda: split(data, [0] * 21))]
    errors.append(raised(lambda: split(data, [0, 1] * 10, (0.5, 0.4))))
    return (
        errors,
        str(n) in text and "20" in text,
        split(data, [0, 1] * 10, rng=seed)[1].indices,
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
Here are the parts for the rest of the module, of all digits:
"""

# %%
train, test = stratified_split(ArrayDataset(images, labels), labels, rng=0)
(x, y), (new, truth) = train[:], test[:]
print(f"{np.mean(nearest(x, y, new) == truth):.1%} of {len(test)} new digits right")


# %% [markdown]
r"""
Less than 100%, and much easier to believe. Now suppose one feature has other units: the pixels of the third column go
from 0 to 1,000, and all others from 0 to 1. The most similar image is then the one with the most similar third column,
whatever else it shows. So features are *standardised*: mean 0 and spread 1, each of them, over all examples.

$$ z = \frac{x - \text{mean}}{\text{spread}} $$

In our images some pixels are always empty. What does the formula do to them?
"""

# %%
with np.errstate(invalid="ignore"):
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
print("pixels that are not a number:", np.isnan(scaled).any(axis=0).sum())
print(f"right: {np.mean(nearest(scaled, y, scaled) == y):.1%}")

# %% [markdown]
r"""
Zero divided by zero is NaN, not a number. Three such pixels make each distance NaN, and the program can't even find
the images that it knows.

#### Exercise 7: `Standardize`

`Standardize(x)` learns the mean and the spread of each feature from some examples, over axis 0. Called with the same
or with other examples, it applies the formula.

- `self.mean`, and `self.spread`, which is the standard deviation (`std`).
- Where a feature has the same value in all examples, the spread is **1**. Ask whether its largest value equals its
  smallest. Don't ask whether the deviation is 0: for a thousand times 0.1, it may be 9.5e-07, from rounding.
- Don't change `x`. (`x -= …` would.)

Learn from the **training part only**. The test part stands for the future, and nobody knows the mean of the future.
"""


# %% exercise="standardize"
#| export
class Standardize(Shown):
    """Give each feature mean 0 and spread 1, as measured on some examples.

    Parameters
    ----------
    x : array_like of shape (examples, …)
        Where mean and spread are measured, over axis 0: the training part.

    Attributes
    ----------
    mean, spread : ndarray of shape (…)
        The mean and the standard deviation of each feature; 1 for one that is always
        the same.
    """

    def __init__(self, x):
        ### BEGIN SOLUTION
        x = required.examples(x)
        constant = x.max(axis=0) == x.min(axis=0)
        self.mean = x.mean(axis=0)
        self.spread = np.where(constant, 1, x.std(axis=0))
        ### END SOLUTION

    def __call__(self, x):
        """The features of some examples, on the scale of those that were measured."""
        ### BEGIN SOLUTION
        required.examples_with(self.mean.shape, x)
        return (x - self.mean) / self.spread
        ### END SOLUTION


# %% checks="standardize" points=7
_x = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 4.0]])
_scale = Standardize(_x)
check(_scale.mean, np.array([2.0, 5.0, 2.0]), hint="over the examples: axis=0")
check(
    _scale.spread,
    np.array([1.0, 1.0, 2.0]),
    hint="std(axis=0), and 1 where all values are equal",
)
check(
    _scale(_x),
    np.array([[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]]),
    hint="(x - mean) / spread",
)
check(_x[0], np.array([1.0, 5.0, 0.0]), hint="x stays as it was: no x -= …")
check(
    _scale(_x[:1]),
    np.array([[-1.0, 0.0, -1.0]]),
    hint="use what was measured; measure nothing here",
)
_tenths = np.full((1000, 2), 0.1, dtype="float32")
check(
    Standardize(_tenths).spread, np.array([1.0, 1.0]), hint="ask whether max equals min"
)
### BEGIN HIDDEN TESTS


@observe(x=normal(6, 2, 3), other=normal(4, 2, 3), scale=uniform(2, 3, low=1, high=50))
def measured_on_some_applied_to_others(dataloader, x, other, scale):
    """Mean and spread of each feature over the examples; both arrays stay as they are."""
    made = dataloader.Standardize(x * scale)
    found = made(x * scale), made(other), made(other[:1])
    again = np.asarray(x * scale), made(other)
    return made.mean, made.spread, found, again, x, other


@observe(value=uniform(3, low=0.1, high=0.9), x=normal(50))
def features_that_never_change(dataloader, value, x):
    """They become 0, and stay as far from it as they are where they do change later."""
    columns = np.stack([np.full(50, value[0]), x, np.full(50, value[1])], axis=1)
    single = np.full((999, 1), value[2], dtype="float32")
    made, rounded = dataloader.Standardize(columns), dataloader.Standardize(single)
    return made(columns), made(columns[:2] + 1), rounded.spread, rounded(single + 1)


@observe(x=normal(6, 3, dtype="float32"), y=normal(6, 3))
def a_dtype_that_stays(dataloader, x, y):
    """float32 gives float32, float64 float64; and lists are fine."""
    found = [dataloader.Standardize(v)(v) for v in (x, y)]
    mean = dataloader.Standardize(y.tolist()).mean
    return [str(f.dtype) for f in found], found, mean


@observe(x=normal(5, 2))
def a_difference_that_is_tiny(dataloader, x):
    """A small spread is a spread, and not taken for none."""
    tiny = 1e-6 * x
    return dataloader.Standardize(tiny)(tiny)


### END HIDDEN TESTS

# %% [markdown]
r"""
The digits with a column in other units: as they come, and on your scale. And in a third way, which looks harmless: each
new digit is standardised *by itself*, since in use they come one at a time.
"""

# %% demo=true
unit = np.where(np.arange(8) == 2, 1000, 1)
scale = Standardize(x * unit)
alone = [Standardize(digit[None])(digit[None]) for digit in new * unit]
print(f"{np.mean(nearest(x * unit, y, new * unit) == truth):6.1%}  as they come")
for what, digit in [("on one scale", scale(new * unit)), ("each by itself", alone)]:
    print(f"{np.mean(nearest(scale(x * unit), y, digit) == truth):6.1%}  {what}")


# %% [markdown]
r"""
A digit alone is its own mean, so it becomes an empty image. Mean and spread belong to the program, like its weights:
measured once, on the training part, and kept.

### 3. Batches

A network learns from a few examples at a time, and goes through all of them again and again. One such round is an
*epoch*, and the few are a *batch*.

#### Exercise 8: `batches`

Cut an order of numbers into pieces of `batch_size`. With 1,437 digits and batches of 64, there are 22 full ones, and
29 digits are left. They make a last, shorter batch. With `drop_last`, they are left out: some layers can't work with
a batch of one. `order` may be an array or a `range`; a piece of it is `order[start : start + batch_size]`.
"""


# %% exercise="batches"
#| export
def batches(order: Sequence[int], batch_size: int, drop_last: bool = False) -> list:
    """An order of numbers in pieces; with `drop_last`, full pieces only."""
    ### BEGIN SOLUTION
    found = []
    for start in range(0, len(order), batch_size):
        piece = order[start : start + batch_size]
        if len(piece) == batch_size or not drop_last:
            found.append(piece)
    return found
    ### END SOLUTION


# %% checks="batches" points=6
_order = np.array([4, 0, 3, 1, 2])
check(
    batches(_order, 2), [[4, 0], [3, 1], [2]], hint="range(0, len(order), batch_size)"
)
check(
    batches(_order, 2, drop_last=True), [[4, 0], [3, 1]], hint="keep full pieces only"
)
check(len(batches(range(6), 3)), 2, hint="no empty piece at the end")
check(
    len(batches(range(6), 3, drop_last=True)), 2, hint="a last piece that is full stays"
)
check(batches(_order[:3], 8), [[4, 0, 3]], hint="one short piece")
check(len(batches([], 8)), 0, hint="no examples, no pieces")
### BEGIN HIDDEN TESTS


@observe(order=integers(12, low=0, high=99), size=integers(low=2, high=6))
def pieces_of_an_order(dataloader, order, size):
    """Full ones, and the rest; none is empty."""
    found = [dataloader.batches(order[:n], size) for n in range(13)]
    return [[np.asarray(piece) for piece in pieces] for pieces in found]


@observe(order=integers(12, low=0, high=99), size=integers(low=2, high=6))
def full_pieces_only(dataloader, order, size):
    """With drop_last, a last piece stays if it is full."""
    found = [dataloader.batches(order[:n], size, drop_last=True) for n in range(13)]
    return [[np.asarray(piece) for piece in pieces] for pieces in found]


### END HIDDEN TESTS

# %% [markdown]
r"""
Does the order of the examples matter? We need something that learns from batches. One of the oldest such machines is
Frank Rosenblatt's *perceptron* (1958). Ours has a *template* for each class, an image of weights, and the template that
fits best wins. Where that's the wrong one, the image is added to the template of its own class, and taken away from that of
the winner. That's all; networks do better, and learn from the same batches. `perceptron(batches)`, which is given,
goes through the batches 10 times and gives the templates, and `read(templates, images)` reads with them.

How well will it read the test part, if it learns from digits that are sorted by class? From shuffled ones? And from
images and labels that were shuffled, each with a permutation of its own?

<details>
<summary>Think first, then look</summary>

Sorted, the last it sees are a hundred nines in a row: it forgets the others. Shuffled apart, an image gets the label
of some other one. There's nothing to learn, and one in ten is right by chance.

</details>
"""

# %%
for what, data, order in [
    ("sorted by class", train, np.argsort(y)),
    ("shuffled", train, rng.permutation(len(y))),
    ("shuffled apart", ArrayDataset(x, rng.permutation(y)), range(len(y))),
]:
    templates = perceptron([data[piece] for piece in batches(order, 64)])
    print(f"{np.mean(read(templates, new) == truth):6.1%}  {what}")


# %% [markdown]
r"""
So examples are shuffled, and a *permutation of their numbers* keeps images and labels together. Shuffling once would
do for the perceptron. But a new order in each epoch costs nothing, and then no two epochs are alike.

One more trap. Instead of a list of all batches, somebody makes a generator of them, which saves memory. Here are three
epochs, and how many examples each of them sees:
"""

# %%
generator = (train[piece] for piece in batches(rng.permutation(len(y)), 64))
print([sum(len(y) for _, y in generator) for epoch in range(3)])

# %% [markdown]
r"""
The first epoch has all examples, the others have none, and nobody complains: a generator can be gone through once. We
need an object that begins anew each time it is asked, and that's what `__iter__` is for.

#### Exercise 9: `DataLoader`

`DataLoader(train, batch_size=64, shuffle=True, rng=0)` is what training loops over, once an epoch.

- `__init__` keeps everything that it's given under its name; only `self.rng` is `np.random.default_rng(rng)`. It's
  made **once**: one made in each epoch, with the same seed, would shuffle alike each time. A `batch_size` below 1 is
  refused: a `ValueError` with its value.
- `__len__`: how many batches an epoch has. `divmod(1437, 64)` gives both numbers that you need.
- `__iter__` gives the batches of one epoch. If `shuffle`, it draws **one** `self.rng.permutation(n)`, where `n` is the
  number of examples; else the order is `0, 1, 2, …`. For each of the `batches` of it,
    - if there is a `collate`, give what it makes of the list of examples, `collate([dataset[index], …])`
    - else `gather` the fields and give a tuple of them. A field with a floating dtype (`field.dtype.kind == "f"`)
      becomes a `Tensor`. All others, such as labels, stay arrays: a Tensor would turn a 3 into 3.0, and that is no
      index.

Write `__iter__` with `yield`: each call of it then makes an iterator of its own, so two loops at once don't disturb
each other. `@with_progress` and `Shown`, which are given, take care of the bar that `progress=True` shows, and of
`repr`.
"""


# %% exercise="dataloader"
#| export
class DataLoader(Shown):
    """The examples of a dataset in batches; each loop over it is an epoch.

    Parameters
    ----------
    dataset : Dataset
        Or anything else that has a length and an index, such as a list of tuples.
    batch_size : int
        How many examples a batch has; the last may have fewer.
    shuffle : bool
        Whether each epoch has an order of its own: one
        ``rng.permutation(len(dataset))``, drawn when its first batch is asked for.
    drop_last : bool
        Whether a last batch that is not full is left out.
    rng : numpy.random.Generator or int, optional
        The source of randomness of all epochs, or its seed.
    collate : callable, optional
        Makes a batch of a list of examples. Without it, a batch is a tuple of fields: a
        Tensor for floating numbers, an array for everything else.
    progress : bool
        Whether a bar in a terminal, or a line in a notebook, shows how far an epoch is.

    Raises
    ------
    ValueError
        If `batch_size` is below 1.

    Examples
    --------
    >>> loader = DataLoader(ArrayDataset(np.zeros((5, 3)), np.arange(5)), batch_size=2)
    >>> len(loader)
    3
    >>> [(x.shape, y.tolist()) for x, y in loader]
    [((2, 3), [0, 1]), ((2, 3), [2, 3]), ((1, 3), [4])]
    """

    def __init__(
        self,
        dataset,
        batch_size: int = 32,
        shuffle: bool = False,
        drop_last: bool = False,
        rng=None,
        collate: Callable | None = None,
        progress: bool = False,
    ):
        ### BEGIN SOLUTION
        required.datasets(dataset=dataset)
        required.whole_numbers(batch_size=batch_size)
        required.functions_or_none(collate=collate)
        if batch_size < 1:
            raise ValueError(
                f"batch_size is {batch_size}; a batch needs at least one example"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate = collate
        self.progress = progress
        self.rng = np.random.default_rng(rng)
        ### END SOLUTION

    def __len__(self) -> int:
        """How many batches an epoch has."""
        ### BEGIN SOLUTION
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if rest == 0 or self.drop_last else full + 1
        ### END SOLUTION

    @with_progress
    def __iter__(self) -> Iterator:
        """The batches of one epoch."""
        ### BEGIN SOLUTION
        order = np.arange(len(self.dataset))
        if self.shuffle:
            order = self.rng.permutation(len(order))
        for indices in batches(order, self.batch_size, self.drop_last):
            if self.collate is not None:
                examples = [self.dataset[index] for index in indices]
                yield self.collate(examples)
            else:
                fields = []
                for field in gather(self.dataset, indices):
                    floating = field.dtype.kind == "f"
                    fields.append(Tensor(field) if floating else field)
                yield tuple(fields)
        ### END SOLUTION


# %% checks="dataloader" points=12
_five = ArrayDataset(np.arange(5.0), np.arange(5))
check(
    [b.tolist() for a, b in DataLoader(_five, 2)],
    [[0, 1], [2, 3], [4]],
    hint="the batches(…) of 0, 1, 2, …, unless shuffle is true",
)
check(
    [(type(a).__name__, type(b).__name__) for a, b in DataLoader(_five, 5)],
    [("Tensor", "ndarray")],
    hint='Tensor(field) where field.dtype.kind == "f"',
)
check(
    type(next(iter(DataLoader(_five, 5)))).__name__, "tuple", hint="yield tuple(fields)"
)
check(
    [len(DataLoader(_five, n, drop_last=d)) for n in (2, 5) for d in (False, True)],
    [3, 2, 1, 1],
    hint="full batches, and one more if some are left and drop_last is false",
)
check(
    all(a.numpy().tolist() == b.tolist() for a, b in DataLoader(_five, 5, True, rng=1)),
    True,
    hint="one order for all fields",
)
_loader = DataLoader(_five, 2, shuffle=True, rng=3)
_epochs = [[k for a, b in _loader for k in b.tolist()] for _ in range(2)]
_expected = np.random.default_rng(3)
check(_epochs[0], _expected.permutation(5).tolist(), hint="self.rng.permutation(n)")
check(
    _epochs[1],
    _expected.permutation(5).tolist(),
    hint="a new permutation each epoch, of one generator, made in __init__",
)
_plain = DataLoader(_five, 2)
check(
    [b.tolist() for (a, b), other in zip(_plain, _plain)],
    [[0, 1], [2, 3], [4]],
    hint="yield; each loop by itself",
)
_lists = DataLoader(_five, 2, collate=len)
check(list(_lists), [2, 2, 1], hint="collate is given a list of examples")
check_raises(ValueError, lambda: DataLoader(_five, 0), hint="at least one example")
### BEGIN HIDDEN TESTS


def epoch(loader):
    """All batches of an epoch: what each field is, and holds."""
    found = []
    for batch in loader:
        fields = [(type(f).__name__, str(f.dtype), np.asarray(f)) for f in batch]
        found.append((type(batch).__name__, fields))
    return found


@observe(x=normal(11, 2), y=integers(11, low=0, high=9), size=integers(low=2, high=6))
def batches_in_order(dataloader, x, y, size):
    """Tensors of floating numbers, arrays of others; as many as the length says."""
    data, found = dataloader.ArrayDataset(x, y, x[:, 0]), []
    for drop in (False, True):
        for n in (size, 1, 11, 12):
            loader = dataloader.DataLoader(data, n, drop_last=drop)
            found.append((epoch(loader), len(loader), len(list(loader))))
    return found


@observe(x=normal(11), seed=integers(low=0, high=10**6), size=integers(low=2, high=6))
def shuffled_epochs(dataloader, x, seed, size):
    """One permutation for each epoch, of one generator; also where that is given."""
    data = dataloader.ArrayDataset(x, np.arange(11))
    generator = np.random.default_rng(seed)
    loaders = [
        dataloader.DataLoader(data, size, shuffle=True, rng=r)
        for r in (seed, generator)
    ]
    found = [[epoch(loader) for _ in range(3)] for loader in loaders]
    return found, generator.random()


@observe(x=normal(9), seed=integers(low=0, high=10**6), drop=choice(True, False))
def two_loops_at_once(dataloader, x, seed, drop):
    """Each has its own place, in a shuffled epoch, too; and a loop that is left changes nothing."""
    loader = dataloader.DataLoader(dataloader.ArrayDataset(x), 2, True, drop, seed)
    pairs = [(np.asarray(a[0]), np.asarray(b[0])) for a, b in zip(loader, loader)]
    for _ in loader:
        break
    return pairs, epoch(loader)


@observe(x=normal(7), seed=integers(low=0, high=10**6))
def what_shuffle_is_for(dataloader, x, seed):
    """Without it nothing is drawn; without a seed, two loaders differ."""
    data, generator = (
        dataloader.ArrayDataset(x, np.arange(7)),
        np.random.default_rng(seed),
    )
    plain = epoch(dataloader.DataLoader(data, 3, rng=generator))
    long = dataloader.ArrayDataset(np.arange(99))
    free = [next(iter(dataloader.DataLoader(long, 99, shuffle=True)))[0] for _ in "ab"]
    return plain, generator.random(), bool((free[0] == free[1]).all())


@observe(x=normal(7), y=integers(7, low=0, high=9), seed=integers(low=0, high=10**6))
def a_collate_of_your_own(dataloader, x, y, seed):
    """It is given the examples of a batch in a list, and what it gives is the batch."""

    def collate(examples):
        return type(examples).__name__, [(float(a), int(b)) for a, b in examples]

    data = dataloader.ArrayDataset(x, y)
    loader = dataloader.DataLoader(data, 3, shuffle=True, rng=seed, collate=collate)
    return list(loader), len(loader)


@observe(
    x=normal(5, 2, dtype="float32"),
    y=integers(5, low=0, high=9),
    flag=integers(5, low=0, high=2),
)
def fields_of_every_kind(dataloader, x, y, flag):
    """From a list of tuples, float32, whole numbers, truth values, texts; and subsets."""
    pairs = [(a, int(b), bool(c), "ab"[c]) for a, b, c in zip(x, y, flag)]
    found = [
        epoch(dataloader.DataLoader(d, 2))
        for d in (pairs, dataloader.Subset(pairs, [3, 1]))
    ]
    return [
        [(kind, [(k, t[:4], v.tolist()) for k, t, v in b]) for kind, b in e]
        for e in found
    ]


@observe(size=integers(low=-5, high=0), x=normal(3))
def no_batch_and_no_examples(dataloader, size, x):
    """A batch size below 1 is refused with its value; an empty dataset gives no batches."""
    data = dataloader.ArrayDataset(x)
    wrong = lambda: dataloader.DataLoader(data, size)  # noqa: E731
    empty = dataloader.DataLoader(dataloader.Subset(data, []), 2, shuffle=True)
    fine = epoch(dataloader.DataLoader(data, 1))
    errors = raised(wrong), raised(lambda: dataloader.DataLoader(data, 0))
    return errors, str(size) in message_of(wrong), list(empty), len(empty), fine


@observe(x=normal(3), n=integers(low=2, high=9))
def settings_are_kept(dataloader, x, n):
    """Under their names, and shown; 32 examples in order unless something else is said."""
    data = dataloader.ArrayDataset(x)
    first, second = (
        dataloader.DataLoader(data),
        dataloader.DataLoader(data, n, True, True, 0, len),
    )
    names = "batch_size", "shuffle", "drop_last", "progress"
    kept = [[getattr(loader, name) for name in names] for loader in (first, second)]
    same = first.dataset is data, second.collate is len, first.collate is None
    return kept, same, epoch(first)


### END HIDDEN TESTS

# %% [markdown]
r"""
Your loader at work, with a perceptron behind it:
"""

# %% demo=true
loader = DataLoader(train, batch_size=64, shuffle=True, rng=0)
print(loader, f"{np.mean(read(perceptron(loader), new) == truth):.1%}", sep="\n")


# %% [markdown]
r"""
**Question 1** (5 points). A training part has 1,437 examples, and `batch_size` is 64. (a) Without a computer: how many
batches has an epoch, how many examples are in the last one, and how many steps are 10 epochs, with and without
`drop_last`? (b) With `drop_last` but without `shuffle`: how many *different* examples does the network see in 10
epochs? Which ones does it never see? (c) With both: why is that better? (d) A friend makes his loader like this:
`def __iter__(self): rng = np.random.default_rng(0); …` and draws a permutation from that `rng`. What is wrong, and
what would he see if he compared two epochs?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="count-batches" points=5
r"""
**Model answer.** (a) $1437 = 22 \cdot 64 + 29$: 23 batches, the last one of 29; 230 steps. With `drop_last` 22
batches and 220 steps, all of 64. (b) 1,408: in each epoch the same 29 examples are left out, the last ones in the
dataset. (c) Each epoch leaves out another 29, drawn at random, so that in the course of some epochs all of them are
seen. (d) The generator is made anew with the same seed in each epoch, so all epochs have the same order. He'd see the
same batches twice. With `drop_last`, it's again the same 29 that are never seen. The generator belongs in `__init__`.

**Mark scheme.** 1 point: 23 batches and 29 examples. 1 point: 230 and 220 steps. 1 point: (b) 1,408, and the last 29.
1 point: (c) others are left out each time. 1 point: (d) the same order in each epoch.
"""

# %% [markdown]
r"""
### 4. Transforms

A customer calls. Her scanner puts each digit a pixel further to the right. A pixel! Surely that's nothing?
"""

# %%
moved = np.roll(new, 1, axis=2)
print(f"{np.mean(nearest(x, y, moved) == truth):.1%} right")


# %% [markdown]
r"""
The program knows digits in one place only. So show it moved ones while it learns: each time an image is fetched, move
it a little, at random. That is called *augmentation*, and makes many examples out of one.

#### Exercise 10: `RandomShift`

`RandomShift(most, rng)` moves each image by up to `most` pixels. A negative `most` is refused: a `ValueError` with its
value. An array `x` of images has the shape `(count, …, height, width)`; there may be an axis of colours between. Begin
`__call__` with `x = as_images(x)`: it's given, and refuses a single image without the axis for the count.

1. Draw **one** `self.rng.random((len(x), 2))`: two numbers from 0 to 1 for each image, so that each gets a shift of its
   own. From them make places from 0 to `2 * most`: `(draws * (2 * most + 1)).astype(int)`.
2. Put `most` rows and columns of zeros around all images: `np.pad`.
3. Cut an image of the old size out of each padded one. The two places say in which row and in which column the cut
   begins.

The result is a new array of the same shape and dtype. `x` stays as it is: it may be the dataset's own array.

<details>
<summary>Hint: padding the last two axes only</summary>

`np.pad(x, [(0, 0)] * (x.ndim - 2) + [(most, most)] * 2)`

</details>

<details>
<summary>Hint: cutting</summary>

For image `n` with the places `row` and `column`: `padded[n, ..., row : row + height, column : column + width]`. An
empty array to put them in is `np.zeros_like(x)`.

</details>
"""


# %% exercise="random-shift"
#| export
class RandomShift(Shown):
    """Move each image by some pixels, at random; what comes in from outside is 0.

    Parameters
    ----------
    most : int
        By how many pixels at most, up or down and to the left or right.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Each call draws one
        ``rng.random((count, 2))``, for the row and the column of each image; a draw d
        cuts out the window that begins at ``int(d * (2 * most + 1))`` of the image with
        `most` zeros around it.

    Raises
    ------
    ValueError
        If `most` is negative.
    """

    def __init__(self, most: int = 1, rng=None):
        ### BEGIN SOLUTION
        required.whole_numbers(most=most)
        if most < 0:
            raise ValueError(f"most is {most}; images are moved by 0 pixels or more")
        self.most = most
        self.rng = np.random.default_rng(rng)
        ### END SOLUTION

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Moved copies of images of shape (count, …, height, width)."""
        ### BEGIN SOLUTION
        x = as_images(x)
        draws = self.rng.random((len(x), 2))
        places = (draws * (2 * self.most + 1)).astype(int)
        around = [(0, 0)] * (x.ndim - 2) + [(self.most, self.most)] * 2
        padded = np.pad(x, around)
        moved = np.zeros_like(x)
        height, width = x.shape[-2:]
        for n, (row, column) in enumerate(places):
            moved[n] = padded[n, ..., row : row + height, column : column + width]
        return moved
        ### END SOLUTION


# %% checks="random-shift" points=7
_image = np.arange(1.0, 10.0).reshape(1, 3, 3)
check(
    RandomShift(1, rng=8)(_image)[0],
    np.array([[0.0, 0.0, 0.0], [2.0, 3.0, 0.0], [5.0, 6.0, 0.0]]),
    hint="its draws make row 0 and column 2: cut there out of the padded image",
)
_same = np.ones((40, 3, 3))
_moved = RandomShift(1, rng=0)(_same)
check(
    len({image.tobytes() for image in _moved}),
    9,
    hint="a shift for each image: all nine occur",
)
check(_same.min(), 1.0, hint="work on a copy")
check(
    RandomShift(2, rng=0)(np.ones((4, 3, 6, 5))).shape,
    (4, 3, 6, 5),
    hint="only the last two axes",
)
check(RandomShift(0)(_image), _image, hint="at most 0: nothing moves")
check_raises(ValueError, lambda: RandomShift(-1), hint="refuse a negative number")
check_raises(ValueError, lambda: RandomShift(1)(_image[0]), hint="x = as_images(x)")
### BEGIN HIDDEN TESTS


@observe(
    x=normal(8, 4, 5), seed=integers(low=0, high=10**6), most=integers(low=0, high=4)
)
def moved_images(dataloader, x, seed, most):
    """Each by its own draw, with zeros from outside; twice with one generator; x stays."""
    generator = np.random.default_rng(seed)
    shift = dataloader.RandomShift(most, rng=generator)
    before = x.copy()
    return shift(x), shift(x[:3]), generator.random(), bool((x == before).all())


@observe(x=normal(4, 3, 5, 4), seed=integers(low=0, high=10**6))
def images_with_colours(dataloader, x, seed):
    """All colours of an image move together; a seed is as good as a generator."""
    return dataloader.RandomShift(2, rng=seed)(x), dataloader.RandomShift(rng=seed)(x)


@observe(x=integers(6, 3, 3, low=1, high=9), seed=integers(low=0, high=10**6))
def the_dtype_of_images_stays(dataloader, x, seed):
    """Whole numbers and float32; no images at all."""
    shift = dataloader.RandomShift(1, rng=seed)
    found = [shift(v) for v in (x, x.astype("float32"), x[:0])]
    wrong = [raised(lambda k=k: dataloader.RandomShift(k)) for k in (-1, -2, 0)]
    wrong.append(raised(lambda: shift(x[0])))
    return found, [str(f.dtype) for f in found], [f.shape for f in found], wrong


### END HIDDEN TESTS

# %% [markdown]
r"""
Now let the program learn three moved copies of each digit, too, and read the customer's digits again. And have a look
at them:
"""

# %% demo=true
shift = RandomShift(1, rng=0)
more = np.concatenate([x, shift(x), shift(x), shift(x)])
print(f"{np.mean(nearest(more, np.tile(y, 4), moved) == truth):.1%} right")
digits_figure(shift(np.repeat(new[:1], 6, axis=0)), ["one digit"] * 6)


# %% [markdown]
r"""
#### Exercise 11: `Compose` and `RandomFlip`

`Compose([a, b, c])` is a transform made of others: `c(b(a(x)))`. It keeps the list as `self.transforms`. The order
matters: shift images first and standardise them then, so that what comes in from outside is paper.

`RandomFlip(probability, rng)` turns each image around, left to right, with that probability. One that isn't from 0 to 1
is refused: a `ValueError` with its value. Call `as_images` again. Then draw **one**
`self.rng.random(len(x))`; an image is flipped where its number is below `self.probability`. Turning around is
`x[..., ::-1]`. Again, `x` stays as it is: work on a copy.
"""


# %% exercise="transforms"
#| export
class Compose(Shown):
    """Several transforms as one, the first one first."""

    def __init__(self, transforms: Sequence[Callable]):
        ### BEGIN SOLUTION
        required.lists_of_functions(transforms=transforms)
        self.transforms = list(transforms)
        ### END SOLUTION

    def __call__(self, x):
        """What is left of some examples after all transforms."""
        ### BEGIN SOLUTION
        for transform in self.transforms:
            x = transform(x)
        return x
        ### END SOLUTION


#| export
class RandomFlip(Shown):
    """Turn images around, left to right, at random.

    Parameters
    ----------
    probability : float
        How likely it is that an image is turned.
    rng : numpy.random.Generator or int, optional
        The source of randomness, or its seed. Each call draws one
        ``rng.random(count)``; an image is turned where its draw is below `probability`.

    Raises
    ------
    ValueError
        If `probability` is not from 0 to 1.
    """

    def __init__(self, probability: float = 0.5, rng=None):
        ### BEGIN SOLUTION
        required.numbers(probability=probability)
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}; it has to be from 0 to 1")
        self.probability = probability
        self.rng = np.random.default_rng(rng)
        ### END SOLUTION

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Copies of images of shape (count, …, height, width), some of them turned."""
        ### BEGIN SOLUTION
        x = as_images(x)
        flip = self.rng.random(len(x)) < self.probability
        turned = x.copy()
        turned[flip] = x[flip][..., ::-1]
        return turned
        ### END SOLUTION


# %% checks="transforms" points=8
check(
    Compose([lambda v: v + 1, lambda v: v * 10])(2.0), 30.0, hint="the first one first"
)
check(Compose([])(2.0), 2.0, hint="no transforms: x as it is")
_rows = np.array([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]])
check(
    RandomFlip(1.0)(_rows),
    np.array([[[3.0, 2.0, 1.0]], [[6.0, 5.0, 4.0]]]),
    hint="x[..., ::-1]",
)
check(_rows[0, 0], np.array([1.0, 2.0, 3.0]), hint="work on a copy")
check(
    RandomFlip(0.0)(_rows), _rows, hint="flip where the draw is below the probability"
)
check_raises(ValueError, lambda: RandomFlip(1.5), hint="0 <= probability <= 1")
check_raises(ValueError, lambda: RandomFlip(-0.5), hint="0 <= probability <= 1")
check_raises(ValueError, lambda: RandomFlip(0.5)(_rows[0]), hint="x = as_images(x)")
_pairs = np.tile([0.0, 1.0], (20, 1, 1))
check(
    RandomFlip(0.3, rng=2)(_pairs)[:, 0, 0] == 1.0,
    np.random.default_rng(2).random(20) < 0.3,
    hint="one self.rng.random(len(x)): each image by itself",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3), a=normal(), b=normal(), n=integers(low=0, high=4))
def transforms_one_after_the_other(dataloader, x, a, b, n):
    """As many as there are; the list that was given is no longer needed."""
    every = [lambda v: v * a, lambda v: v + b, np.tanh, np.abs]
    given, whole = every[:n], dataloader.Compose(every)
    made = dataloader.Compose(given)
    given.clear()
    nested = dataloader.Compose((made, np.cos))
    dtype = str(made(x.astype("float32")).dtype)
    return made(x), made(x), nested(x), whole(x), len(made.transforms), dtype


@observe(
    x=normal(12, 3, 4),
    seed=integers(low=0, high=10**6),
    probability=choice(0.05, 0.1, 0.9, 0.95),
)
def flipped_images(dataloader, x, seed, probability):
    """Each by its own draw; twice with one generator; x stays."""
    generator, before = np.random.default_rng(seed), x.copy()
    flip = dataloader.RandomFlip(probability, rng=generator)
    found = flip(x), flip(x[:5]), generator.random()
    return found, bool((x == before).all()), dataloader.RandomFlip(rng=seed)(x)


@observe(x=integers(6, 2, 3, 4, low=0, high=9), seed=integers(low=0, high=10**6))
def flipped_images_with_colours(dataloader, x, seed):
    """All colours together, with their dtype; no images at all."""
    flip = dataloader.RandomFlip(rng=seed)
    wrong = [raised(lambda p=p: dataloader.RandomFlip(p)) for p in (-0.1, 1.1, 0, 1)]
    wrong.append(raised(lambda: flip(x[0, 0])))
    return flip(x), str(flip(x).dtype), flip(x[:0]).shape, wrong


### END HIDDEN TESTS

# %% [markdown]
r"""
A transform says what you believe: "an image means the same after it". For photographs of cats, a flip is fine. And
for digits? Which of them does your friend's program still read right if all are flipped? A title says what it read,
and what was written.
"""

# %% demo=true
seen = nearest(x, y, RandomFlip(1.0)(new))
print({digit: f"{np.mean(seen[truth == digit] == digit):.0%}" for digit in range(10)})
digits_figure(new[:6, :, ::-1], [f"{b} for {a}" for a, b in zip(truth, seen[:6])])


# %% [markdown]
r"""
0 and 8 hardly mind. But a flipped 2 is no 2, and a flipped 5 isn't read as a 5 once.

There's another trap, and it's about *where* a transform is. Give it to the whole dataset, split afterwards, and the
test part is moved as well, differently each time:
"""

# %% demo=true
all_moved = ArrayDataset(images, labels, transform=RandomShift(1, rng=0))
part = Subset(all_moved, test.indices)
print([f"{np.mean(nearest(x, y, part[:][0]) == truth):.1%}" for _ in range(4)])

# %% [markdown]
r"""
Four answers to one question. So split first, and give the transform to the training part: `ArrayDataset(*train[:],
transform=…)`. Only what is *measured*, such as `Standardize`, goes to all parts.

### 5. Of unequal length

Words don't all have the same length. With a number for each letter, they are lists of different lengths, and numpy
refuses to make an array of them. Here are some first names:
"""

# %%
words = [[ord(letter) - ord("a") + 1 for letter in name] for name in names()]
print(words[:3])


# %% [markdown]
r"""
#### Exercise 12: `pad_sequences`

Fill up the short ones at the end with `value`, and remember what is real. `pad_sequences([[7, 8], [9]])` gives two
arrays of shape (sequences, longest):

```text
[[7, 8],        [[True, True ],
 [9, 0]]         [True, False]]
```

A real 0 looks just like a filled one, and that's why there is a mask.

The first two lines of the function are given. They find the dtype of the numbers: int64, unless `value` or some of the
numbers need another one.
"""


# %% exercise="pad-sequences"
#| export
def pad_sequences(sequences, value=0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of unequal length as one array.

    Parameters
    ----------
    sequences : sequence of sequences
        Such as the letters of each word, as numbers.
    value : int
        What the short ones are filled up with, at the end.

    Returns
    -------
    padded : ndarray of shape (sequences, longest), int64
        Of another dtype only where the numbers need it.
    mask : ndarray of bool, of the same shape
        True where a number is one of a sequence.

    Examples
    --------
    >>> pad_sequences([[7, 8], [9]])[0]
    array([[7, 8],
           [9, 0]])
    """
    dtype = common_dtype(sequences, value)
    ### BEGIN SOLUTION
    longest = max((len(sequence) for sequence in sequences), default=0)
    padded = np.full((len(sequences), longest), value, dtype=dtype)
    mask = np.zeros(padded.shape, dtype=bool)
    for n, sequence in enumerate(sequences):
        padded[n, : len(sequence)] = sequence
        mask[n, : len(sequence)] = True
    return padded, mask
    ### END SOLUTION


# %% checks="pad-sequences" points=6
_padded, _mask = pad_sequences([[7, 8], [9]])
check(_padded, np.array([[7, 8], [9, 0]]), hint="np.full, then the numbers of each row")
check(
    _mask, np.array([[True, True], [True, False]]), hint="True where a number is real"
)
check(
    (str(_padded.dtype), str(_mask.dtype)),
    ("int64", "bool"),
    hint="dtype=dtype, and dtype=bool",
)
check(pad_sequences([[1, 2.5]])[0], [[1, 2.5]], hint="np.full(…, dtype=dtype)")
check(
    pad_sequences([[0, 0], [0]], value=-1)[0],
    np.array([[0, 0], [0, -1]]),
    hint="filled with value",
)
check(
    pad_sequences([[0, 0], [0]])[1],
    np.array([[True, True], [True, False]]),
    hint="a real 0 is real",
)
check(
    pad_sequences([[], [5]])[1], np.array([[False], [True]]), hint="an empty sequence"
)
### BEGIN HIDDEN TESTS


@observe(
    x=integers(12, low=-3, high=9),
    a=integers(low=0, high=5),
    b=integers(low=0, high=5),
    value=integers(low=-9, high=9),
)
def sequences_filled_up(dataloader, x, a, b, value):
    """At the end, with the value; the mask says which numbers are real."""
    rows = [[*x[:a].tolist(), value, 0], x[a : a + b], tuple(x[11:].tolist())]
    found = dataloader.pad_sequences(rows, value), dataloader.pad_sequences(rows)
    return found, [[str(array.dtype) for array in pair] for pair in found]


@observe(x=normal(5), n=integers(low=0, high=4))
def sequences_of_other_numbers(dataloader, x, n):
    """Floating numbers are not cut off; empty sequences, and none at all."""
    found = dataloader.pad_sequences([x[:n], x, []], 0.5)
    empty = dataloader.pad_sequences([[]] * n), dataloader.pad_sequences([])
    mixed = (
        dataloader.pad_sequences([x[:n], x]),
        dataloader.pad_sequences([[n], []], 0.5),
    )
    return found, mixed, [[array.shape for array in pair] for pair in empty]


### END HIDDEN TESTS

# %% [markdown]
r"""
As the `collate` of a loader, it makes batches of words, each as long as its longest word:
"""

# %% demo=true
loader = DataLoader(words, batch_size=4, shuffle=True, rng=0, collate=pad_sequences)
print(*next(iter(loader)), sep="\n")


# %% [markdown]
r"""
#### Exercise 13: `prefetch` (you may skip it)

Nothing later needs this exercise. It's for the curious, and worth two points.

If loading a batch takes as long as computing with it, an epoch takes twice as long as it has to. So load the next
batch *while* somebody works on the last one: in a second thread.

`prefetch(loader)` is a generator that gives the same batches in the same order, one ahead. If loading fails, the error
comes out where the batch would have.

1. `with ThreadPoolExecutor(max_workers=1) as pool:` is a helper that does one thing at a time.
2. `pool.submit(next, iterator, end)` asks it to call `next(iterator, end)` and gives you a *future* at once. `end` is
   what `next` gives when there is nothing left; take an `object()` that nothing else can be.
3. `future.result()` waits until the batch is there. If the call raised an error, it's raised here.
4. Ask for the next one **before** you `yield` the one you have.
"""


# %% exercise="prefetch"
#| export
def prefetch(loader: Iterable) -> Iterator:
    """The batches of a loader, of which a thread loads the next one ahead."""
    ### BEGIN SOLUTION
    iterator, end = iter(loader), object()
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(next, iterator, end)
        while (batch := future.result()) is not end:
            future = pool.submit(next, iterator, end)
            yield batch
    ### END SOLUTION


# %% checks="prefetch" points=2
check(
    list(prefetch([3, 1, None, 2])), [3, 1, None, 2], hint="all of them, in their order"
)
check_raises(
    ZeroDivisionError,
    lambda: list(prefetch(1 / k for k in [1, 0])),
    hint="future.result() raises it",
)
_asked = []
_ahead = prefetch(_asked.append(k) or k for k in range(5))
check(next(_ahead), 0, hint="yield the first batch")
time.sleep(0.1)
check(_asked, [0, 1], hint="submit the next call before you yield")
_ahead.close()
### BEGIN HIDDEN TESTS


@observe(x=normal(6), n=integers(low=0, high=7))
def the_same_batches_in_order(dataloader, x, n):
    """None of them lost, also where they are None or false."""
    given = [*x[:n].tolist(), None, 0.0, *x[n:].tolist()]
    ahead = dataloader.prefetch(given)
    return next(ahead), list(ahead), list(dataloader.prefetch([]))


@observe(x=normal(6), n=integers(low=0, high=6))
def an_error_comes_out_in_its_place(dataloader, x, n):
    """After the batches before it."""
    import threading

    found = []

    def loading():
        for k, value in enumerate(x):
            if k == n:
                raise KeyError("lost")
            yield value, threading.current_thread() is threading.main_thread()

    def loop():
        for batch in dataloader.prefetch(loading()):
            found.append(batch)

    return raised(loop), found


@observe(x=normal(6), n=integers(low=1, high=5))
def one_batch_ahead_in_another_thread(dataloader, x, n):
    """The next one is begun before the last is given; and nothing more."""
    import threading

    asked, begun = [], threading.Event()

    def loading():
        for k, value in enumerate(x):
            asked.append(threading.current_thread() is threading.main_thread())
            if k == n:
                begun.set()
            yield value

    ahead = dataloader.prefetch(loading())
    found = [next(ahead) for _ in range(n)]
    return found, begun.wait(5), len(asked), asked


### END HIDDEN TESTS

# %% [markdown]
r"""
Twenty batches, each of which takes 10 ms to load and 10 ms to use:
"""


# %% demo=true
for how in (iter, prefetch):
    loading = how(time.sleep(0.01) for _ in range(20))
    using = partial(list, (time.sleep(0.01) for _ in loading))
    print(f"{seconds(using, tries=1):.2f} s")


# %% [markdown]
r"""
That was the last part. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    ArrayDataset Compose DataLoader Dataset RandomFlip RandomShift Standardize Subset
    pad_sequences split stratified_split
""".split()

# %% [markdown]
r"""
## Use

A test part that nobody has touched. That's harder than it sounds, because there are things to choose: for how many
epochs should the perceptron learn? If you try some numbers and look at the *test* part to choose, it has helped you
learn, and its number is no longer honest. So there's a third part, for choosing: the *validation part*.
"""

# %% demo=true
parts = stratified_split(train.dataset, labels, (0.6, 0.2, 0.2), rng=1)
(x, y), (new, truth) = parts[1][:], parts[2][:]
found = {}
for epochs in (1, 3, 10, 30):
    templates = perceptron(DataLoader(parts[0], 64, shuffle=True, rng=0), epochs)
    found[np.mean(read(templates, x) == y)] = templates
    print(f"{epochs:2} epochs, validation: {np.mean(read(templates, x) == y):.1%}")
print(f"the best one, test: {np.mean(read(found[max(found)], new) == truth):.1%}")


# %% [markdown]
r"""
The last number is the one to be told, and the cell is run once. If you don't like it and try something else, you have
touched the test part.

Is it the number that a customer will see? Thirteen people wrote these digits, and a random split puts some of each
hand into every part. They wrote one after the other: in `labels`, the same row of about 130 digits comes again and again.
So the end of the file has hands that its beginning hasn't.
Your friend's program, which has read most of the new digits in section 2, meets new hands now:
"""

# %% demo=true
seen = nearest(images[:1437], labels[:1437], images[1437:])
print(f"{np.mean(seen == labels[1437:]):.1%} of {len(seen)} digits by new hands right")


# %% [markdown]
r"""
A split has to look like the future. Will your program meet new hands, new patients, tomorrow's weather? Then whole
hands, whole patients, the last weeks belong in the test part.

Big data sets take their time. With `progress=True`, a loader shows how far it is. Try it, with a `time.sleep(0.05)` in
the loop.

## Analyze

### What a batch costs

A batch can be cut out with a slice, `images[0:64]`, or with a list of numbers, `images[[5, 0, 9, …]]`. And a part can
be a `Subset`, or a copy. What do they cost, for 6,000 images of 28 by 28 pixels?
"""

# %% demo=true
big = ArrayDataset(np.zeros((6000, 28, 28), dtype="float32"))
numbers = rng.permutation(6000)
for index in (slice(0, 64), numbers[:64]):
    shared = np.shares_memory(big[index][0], big.arrays[0])
    print(f"{seconds(partial(big.fetch, index)) * 1e6:5.1f} µs, a view: {shared}")
for make in (partial(Subset, big, numbers[:3000]), partial(big.fetch, numbers[:3000])):
    print(f"{held_bytes(make) / 1024:8,.0f} KiB")


# %% [markdown]
r"""
A slice looks at the same memory and copies nothing, but it can't shuffle. Numbers copy, batch by batch; a `Subset`
keeps the numbers only.

### How large should a batch be?

A batch of 1 changes the weights after each example, a batch of all of them once an epoch. Each batch is a guess of
what *all* examples would say, and a larger one guesses better. How much better? Take the perceptron's first step for
each image, `steps`, and measure how far the mean over a batch is from the mean over all: a row for each size of batch, with
the noise, and with the noise times $\sqrt{\text{batch}}$.

<details>
<summary>Think first, then look</summary>

The mean of $n$ independent numbers has a spread of $1/\sqrt n$ times theirs. Four times the work, half the noise. If
that's so, the last column is nearly the same in all rows.

</details>
"""

# %% demo=true
is_class = np.eye(10)[labels] - np.eye(10)[0]
steps = images.reshape(-1, 64, 1) * is_class[:, None]
for size in (1, 4, 16, 64, 256):
    tries = [steps[rng.integers(0, 1797, size)].mean(axis=0) for _ in range(300)]
    noise = np.sqrt(np.sum((tries - steps.mean(axis=0)) ** 2) / 300)
    print(f"{size:5}  {noise:6.3f}  {noise * np.sqrt(size):6.2f}")


# %% [markdown]
r"""
### What a leak is worth

A coin is thrown for each of 100 patients, and 5,000 things are measured on each, all of them noise. Nobody can predict
a coin: 50% is all there is. Two honest people try. One keeps the 20 of the 5,000 features that agree best with the coins,
and gives them to your friend's program. It knows 80 patients and is tested on 20. He chooses the features with all 100
patients, and then once more with the 80. The other has no features at all: her 1,000 programs guess, and she takes the
one that is best on the 20.
"""

# %% demo=true
measured, coins = rng.normal(size=(100, 5000)), rng.integers(0, 2, 100)
for looked_at in (100, 80):
    fits = np.abs(measured[:looked_at].T @ (2 * coins[:looked_at] - 1))
    chosen = measured[:, fits.argsort()[-20:]]
    seen = nearest(chosen[:80], coins[:80], chosen[80:])
    print(f"features chosen with {looked_at}: {np.mean(seen == coins[80:]):.0%} right")
guesses = rng.integers(0, 2, (1000, 20))
print(f"the best that guess: {np.mean(guesses == coins[80:], axis=1).max():.0%} right")


# %% [markdown]
r"""
The first has happened in published studies of genes (Ambroise and McLachlan, "Selection bias in gene extraction on the
basis of microarray gene-expression data", 2002). Whatever *learns* from examples, also choosing and scaling, may look
at the training part only.

**Question 2** (5 points). Find three leaks in this program. For each, say which line it is in, why it's a leak, and
how to mend it. Then say which number you would believe, if you had to print one, and what has to be done to get it.

```python
images, labels = digits()
x = Standardize(images)(images)                            # line 2
x = np.concatenate([x, RandomShift(1)(x)])                 # line 3
y = np.concatenate([labels, labels])
train, test = stratified_split(ArrayDataset(x, y), y)      # line 5
(new, truth), scores = test[:], []
for epochs in range(1, 100):
    templates = perceptron(DataLoader(train, 64, shuffle=True), epochs)
    scores.append(np.mean(read(templates, new) == truth))  # line 9
print(max(scores))                                         # line 10
```

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="three-leaks" points=5
r"""
**Model answer.** Line 2: mean and spread are measured on all images, those of the test part among them. Split first,
measure on the training part, and apply to both parts. (On digits, that leak is small. But from the inside nobody can
tell.) Line 3: the moved copies are made before the split, so that an image may be in the training part, and its copy in
the test part: the program is tested on images that it nearly knows. Split first, and give the transform to the
training part only. Lines 9 and 10: the number of epochs is chosen by the test part, and the best of 99 scores on it is
printed, which is too high by chance alone. Choose with a validation part. The number to be believed is the score of
the one network that was chosen so, on a test part that is looked at once.

**Mark scheme.** 1 point: scaling on all, and measured on the training part instead. 1 point: copies before the split,
and transform the training part only. 1 point: choosing by the test part, and a validation part instead. 1 point: a
reason for each of them, and not only a name. 1 point: the last number is from a test part that is used once.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`torch.utils.data` has `Dataset`, `TensorDataset` (our `ArrayDataset`), `Subset`, `random_split` (our `split`; shares
are rounded in the same way) and `DataLoader`, with `batch_size=1` unless you say something else. A generator is passed
as `generator=torch.Generator().manual_seed(0)`. `num_workers=2` loads in two other processes, ahead of time.
`torch.nn.utils.rnn.pad_sequence` pads, and makes no mask. Transforms are in torchvision, where they are called for
each example; `RandomHorizontalFlip` is our `RandomFlip`. There is no stratified split; scikit-learn's
`train_test_split(stratify=labels)` is one.

</details>

## What you have built

- A dataset has a length and an index. Several examples at once are faster than one by one.
- Parts have no example in common. A stratified split gives each class its share.
- What is measured is measured on the training part, and applied to all.
- Each loop over a loader is an epoch, with a permutation of its own. Images stay with their labels.
- A transform says what you believe, and belongs to the training part.
- The test part is looked at once.

Export your module with `python bin/tito.py export 06_dataloader`. **Module 7, Autograd**, is next, if you
have done modules 1 to 3: how a network finds its weights. From module 8 on, your loader feeds every training loop.
"""

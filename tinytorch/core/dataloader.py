"""Module 6 of TinyTorch: dataloader.

Made by `tito export` from source/06_dataloader/dataloader_dev.py. Edit that notebook, not this file.
"""

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


class Dataset:
    """Examples with numbers: what inherits from it has `__len__` and `__getitem__`."""

    def __iter__(self) -> Iterator:
        """One example after the other."""
        for index in range(len(self)):
            yield self[index]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} examples)"


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
        required.functions_or_none(transform=transform)
        lengths = required.lengths_of(arrays)
        if len(set(lengths)) != 1:
            raise ValueError(
                f"the arrays have the lengths {lengths}; pass at least one, and all equally long"
            )
        self.arrays = [np.asarray(array) for array in arrays]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.arrays[0])

    def fetch(self, indices) -> tuple[np.ndarray, ...]:
        """Several examples, by indices, a slice or a mask; an array for each field."""
        fields = [array[indices] for array in self.arrays]
        if self.transform is not None:
            fields[0] = transformed(self.transform, fields[0])
        return tuple(fields)

    def __getitem__(self, index):
        """One example for a whole number; several for a slice, indices or a mask."""
        if isinstance(index, (int, np.integer)):
            fields = self.fetch([index])
            return tuple(field[0] for field in fields)
        return self.fetch(index)


def stack(examples: Sequence[tuple]) -> tuple[np.ndarray, ...]:
    """Put examples side by side: an array for each field.

    Raises
    ------
    TypeError
        If an example is no tuple and no list of fields.
    """
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


def gather(dataset, indices: Sequence[int]) -> tuple[np.ndarray, ...]:
    """The fields of several examples, all at once where the dataset can `fetch`."""
    if hasattr(dataset, "fetch"):
        return dataset.fetch(indices)
    return stack([dataset[index] for index in indices])


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
        required.datasets(dataset=dataset)
        self.dataset = dataset
        self.indices = np.arange(len(dataset))[indices]

    def __len__(self) -> int:
        return len(self.indices)

    def fetch(self, indices) -> tuple[np.ndarray, ...]:
        """Several examples, as `ArrayDataset.fetch` gives them."""
        return gather(self.dataset, self.indices[indices])

    def __getitem__(self, index):
        """One example for a whole number; several for a slice, indices or a mask."""
        if isinstance(index, (int, np.integer)):
            return self.dataset[self.indices[index]]
        return self.fetch(index)


def part_sizes(n: int, parts: Sequence[float]) -> list[int]:
    """How many of n examples each part gets, by shares or counts."""
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
    required.datasets(dataset=dataset)
    order = np.random.default_rng(rng).permutation(len(dataset))
    start, found = 0, []
    for size in part_sizes(len(dataset), parts):
        found.append(Subset(dataset, order[start : start + size]))
        start += size
    return found


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
        x = required.examples(x)
        constant = x.max(axis=0) == x.min(axis=0)
        self.mean = x.mean(axis=0)
        self.spread = np.where(constant, 1, x.std(axis=0))

    def __call__(self, x):
        """The features of some examples, on the scale of those that were measured."""
        required.examples_with(self.mean.shape, x)
        return (x - self.mean) / self.spread


def batches(order: Sequence[int], batch_size: int, drop_last: bool = False) -> list:
    """An order of numbers in pieces; with `drop_last`, full pieces only."""
    found = []
    for start in range(0, len(order), batch_size):
        piece = order[start : start + batch_size]
        if len(piece) == batch_size or not drop_last:
            found.append(piece)
    return found


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

    def __len__(self) -> int:
        """How many batches an epoch has."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if rest == 0 or self.drop_last else full + 1

    @with_progress
    def __iter__(self) -> Iterator:
        """The batches of one epoch."""
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
        required.whole_numbers(most=most)
        if most < 0:
            raise ValueError(f"most is {most}; images are moved by 0 pixels or more")
        self.most = most
        self.rng = np.random.default_rng(rng)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Moved copies of images of shape (count, …, height, width)."""
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


class Compose(Shown):
    """Several transforms as one, the first one first."""

    def __init__(self, transforms: Sequence[Callable]):
        required.lists_of_functions(transforms=transforms)
        self.transforms = list(transforms)

    def __call__(self, x):
        """What is left of some examples after all transforms."""
        for transform in self.transforms:
            x = transform(x)
        return x


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
        required.numbers(probability=probability)
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}; it has to be from 0 to 1")
        self.probability = probability
        self.rng = np.random.default_rng(rng)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Copies of images of shape (count, …, height, width), some of them turned."""
        x = as_images(x)
        flip = self.rng.random(len(x)) < self.probability
        turned = x.copy()
        turned[flip] = x[flip][..., ::-1]
        return turned


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
    longest = max((len(sequence) for sequence in sequences), default=0)
    padded = np.full((len(sequences), longest), value, dtype=dtype)
    mask = np.zeros(padded.shape, dtype=bool)
    for n, sequence in enumerate(sequences):
        padded[n, : len(sequence)] = sequence
        mask[n, : len(sequence)] = True
    return padded, mask


def prefetch(loader: Iterable) -> Iterator:
    """The batches of a loader, of which a thread loads the next one ahead."""
    iterator, end = iter(loader), object()
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(next, iterator, end)
        while (batch := future.result()) is not end:
            future = pool.submit(next, iterator, end)
            yield batch


__all__ = """
    ArrayDataset Compose DataLoader Dataset RandomFlip RandomShift Standardize Subset
    pad_sequences split stratified_split
""".split()

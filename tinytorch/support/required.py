"""What networks, convolutions and loaders require; anything else is refused in one sentence."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real

import numpy as np


def shown(given) -> str:
    """What was given, in a few words on one line: an array by its shape."""
    if shape := getattr(given, "shape", ()):
        return f"of shape {tuple(shape)}"
    text = " ".join(repr(given).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def refuse(name: str, given, wanted: str) -> None:
    """Raise a TypeError that says what was given and what is wanted."""
    raise TypeError(f"{name} is {shown(given)}; it has to be {wanted}")


def is_whole(x) -> bool:
    """Whether it is a whole number, Python's or numpy's; True and False are none."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def whole_numbers(**settings) -> None:
    """Refuse the first of some named settings that is no whole number.

    Examples
    --------
    >>> whole_numbers(kernel=3, stride=(2, 2))
    Traceback (most recent call last):
        ...
    TypeError: stride is (2, 2); it has to be one whole number
    """
    for name, given in settings.items():
        if not is_whole(given):
            refuse(name, given, "one whole number")


def numbers(**settings) -> None:
    """Refuse the first of some named settings that is no number."""
    for name, given in settings.items():
        if not isinstance(given, Real) or isinstance(given, bool):
            refuse(name, given, "one number")


def lists_of_numbers(**settings) -> None:
    """Refuse the first of some named settings that is no list of finite numbers."""
    for name, given in settings.items():
        items = listed(given)
        if items is None or not all(isinstance(x, Real) and math.isfinite(x) for x in items):
            refuse(name, given, "a list of numbers")


def lists_of_whole_numbers(**settings) -> None:
    """Refuse the first of some named settings that is no list of whole numbers."""
    for name, given in settings.items():
        items = listed(given)
        if items is None or not all(map(is_whole, items)):
            refuse(name, given, "a list of whole numbers")


def pairs(**settings) -> None:
    """Refuse the first of some named settings that is no pair of whole numbers."""
    for name, given in settings.items():
        items = listed(given)
        if items is None or len(items) != 2 or not all(map(is_whole, items)):
            refuse(name, given, "a pair of whole numbers, (height, width)")


def shapes_of_images(**settings) -> None:
    """Refuse the first of some named settings that is not the shape of a batch of images."""
    for name, given in settings.items():
        items = listed(given)
        if items is None or len(items) != 4 or not all(map(is_whole, items)):
            refuse(name, given, "the four lengths of images, (images, channels, height, width)")


def instances(kind: type, **settings) -> None:
    """Refuse the first of some named settings that is of another class."""
    for name, given in settings.items():
        if not isinstance(given, kind):
            refuse(name, given, f"a {kind.__name__}")


def listed(given) -> list | None:
    """The items of a list, a tuple, a range or an array of one axis; None for anything else."""
    ordered = isinstance(given, (list, tuple, range))
    return list(given) if ordered or getattr(given, "ndim", 0) == 1 else None


def functions(**settings) -> None:
    """Refuse the first of some named settings that cannot be called."""
    for name, given in settings.items():
        if not callable(given):
            refuse(name, given, "a function, or anything else that can be called")


def functions_or_none(**settings) -> None:
    """Refuse the first of some named settings that is neither None nor can be called."""
    functions(**{name: given for name, given in settings.items() if given is not None})


def lists_of_functions(**settings) -> None:
    """Refuse the first of some named settings that is no list of functions."""
    for name, given in settings.items():
        items = listed(given)
        if items is None or not all(map(callable, items)):
            refuse(name, given, "a list of functions")


def layer_makers(**settings) -> None:
    """Refuse the first of some named settings that cannot be called without arguments.

    A class of layers can; a layer, such as ``ReLU()``, wants what goes through it.
    """
    for name, given in settings.items():
        if not callable(given) or not works_without_arguments(given):
            refuse(name, given, "what makes a layer, such as ReLU without parentheses")


def works_without_arguments(function: Callable) -> bool:
    """Whether a function can be called without arguments, as far as its signature says."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # a function in C, whose signature nobody knows
        return True
    return True


def dictionaries(**settings) -> None:
    """Refuse the first of some named settings that is no dictionary with names as keys."""
    for name, given in settings.items():
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            refuse(name, given, "a dictionary of arrays, as state_dict() gives it")


def floating_dtypes(**settings) -> None:
    """Refuse the first of some named settings that is no dtype of floating numbers."""
    for name, given in settings.items():
        if given is None or dtype_of(given).kind != "f":
            refuse(name, given, "a dtype of floating numbers, such as np.float64")


def dtype_of(given) -> np.dtype:
    """The dtype that something names; that of objects for what names none."""
    try:
        return np.dtype(given)
    except TypeError:
        return np.dtype(object)


def datasets(**settings) -> None:
    """Refuse the first of some named settings that has no length or no index."""
    for name, given in settings.items():
        if isinstance(given, type) or not measured(given) or not hasattr(given, "__getitem__"):
            refuse(name, given, "a Dataset, or a list of tuples: it needs a length and an index")


def measured(given) -> bool:
    """Whether something has a length."""
    try:
        return len(given) >= 0
    except TypeError:
        return False


def array_of(given, what: str) -> np.ndarray:
    """An array of what was given.

    Raises
    ------
    TypeError
        If it is no array: a single value, or rows of different lengths.
    """
    try:
        array = np.asarray(given)
    except ValueError:
        raise TypeError(
            f"{what} has rows of different lengths, {shown(given)}; make them equally long"
        ) from None
    if array.ndim == 0:
        refuse(what, given, "an array, or a list")
    return array


def array_of_numbers(given, what: str) -> np.ndarray:
    """An array of the numbers that were given; TypeError if they are none."""
    array = array_of(given, what)
    if array.dtype.kind not in "biuf":
        refuse(what, given, f"made of numbers, but its dtype is {array.dtype}")
    return array


def labels(given) -> np.ndarray:
    """An array of labels; TypeError or ValueError if they are not in one axis."""
    array = array_of(given, "the array of labels")
    if array.ndim != 1:
        raise ValueError(
            f"labels have one axis, but their shape is {array.shape}; pass a class for each example"
        )
    return array


def examples(given) -> np.ndarray:
    """An array of examples; TypeError if they are no numbers, ValueError if there are none."""
    array = array_of_numbers(given, "the array of examples")
    if len(array) == 0:
        raise ValueError(
            f"there are no examples to learn from: the shape is {array.shape}; pass at least one"
        )
    return array


def equal_numbers_of_fields(given: Iterable) -> None:
    """Refuse examples of which some have more fields than others."""
    counts = sorted({len(example) for example in given})
    if len(counts) > 1:
        raise ValueError(
            f"examples of {counts} fields do not fit together; give all of them the same fields"
        )


def columns(wanted: tuple[int, ...], given) -> None:
    """Refuse windows as columns that have another shape than is wanted."""
    if np.shape(given) != wanted:
        raise ValueError(
            f"the columns have shape {np.shape(given)}, but windows of these images make {wanted}; "
            "pass what windows gives for the same shape and settings"
        )


def shape_of_batch(x) -> tuple[int, ...]:
    """The shape of an array or a tensor with an axis of examples; TypeError for anything else."""
    if isinstance(x, type) or not getattr(x, "shape", ()):
        refuse("the batch", x, "an array or a Tensor whose first axis counts the examples")
    return tuple(x.shape)


def examples_with(shape: tuple[int, ...], x) -> None:
    """Refuse examples whose features have not a given shape."""
    found = x.shape if hasattr(x, "shape") else array_of_numbers(x, "the array of examples").shape
    if found[len(found) - len(shape) :] != tuple(shape):
        raise ValueError(
            f"the features of shape {tuple(shape)} that were measured are not those of examples "
            f"of shape {found}; pass examples with the same features"
        )


def lengths_of(arrays: Iterable) -> list[int]:
    """How long each of some arrays is; TypeError for what is no array."""
    return [len(array_of(array, f"array {n}")) for n, array in enumerate(arrays)]

"""Module 1 of TinyTorch: tensor.

Made by `tito export` from source/01_tensor/tensor_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np


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
    """
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
    """

    # Its attributes, and no others.
    __slots__ = ("__weakref__", "data", "grad", "requires_grad")

    def __init__(self, data, dtype=None, requires_grad: bool = False):
        self.data = as_array(data, dtype)
        self.requires_grad = requires_grad
        self.grad = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        """The data type of the elements."""
        return self.data.dtype

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """What ``np.asarray(tensor)`` gives: the values, copied only if need be."""
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", threshold=100).replace(
            "\n", ""
        )
        suffix = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}{suffix})"


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


@extend(Tensor)
class Conversions:
    """From a tensor, or any class with `__array__`, back to Python and numpy."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        """The values as a numpy array, shared with the tensor."""
        return np.asarray(self)

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
        """
        array = np.asarray(self)
        if array.size != 1:
            raise ValueError(
                f"item() needs exactly one element, but the shape is {array.shape}; "
                "index one element, or reduce with sum() or mean() first"
            )
        return array.item()

    def __float__(self) -> float:
        return float(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        """The length of the first axis; without axes, a TypeError naming `item()`."""
        array = np.asarray(self)
        if array.ndim == 0:
            raise TypeError(
                "a 0-dimensional tensor has no length; read its value with item()"
            )
        return len(array)


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


def handler_of(x):
    """The method `__apply__` of an input, or of one in a list of inputs; else None."""
    if not isinstance(x, (list, tuple)):
        return getattr(x, "__apply__", None)
    for part in x:
        handler = handler_of(part)
        if handler is not None:
            return handler
    return None


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
    """
    handler = handler_of([*inputs, *parameters.values()])
    if handler:
        return handler(function, *inputs, **parameters)
    out = compute(function, *[value(x) for x in inputs], **parameters)
    return Tensor(out, dtype=out.dtype)


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
        return apply(np.add, self, other)


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
        return apply(np.subtract, other, self)


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
        return apply(np.sum, self, axis=axis, keepdims=keepdims)


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


__all__ = [
    "AXES",
    "Arithmetic",
    "BROADCAST",
    "Comparisons",
    "Conversions",
    "Display",
    "FITS",
    "Indexing",
    "MoreArithmetic",
    "MoreReductions",
    "MoreReflectedArithmetic",
    "Reductions",
    "ReflectedArithmetic",
    "Shaping",
    "Tensor",
    "apply",
    "as_array",
    "compute",
    "describe",
    "extend",
    "getitem",
    "handler_of",
    "value",
]

# %% [markdown]
r"""
# Module 1: Tensor
"""

# %%
#| default_exp core.tensor
#| export
from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# %%
from tito.checks import check

# %% exercise="as-array"
#| export
def as_array(data, dtype=None) -> np.ndarray:
    """Turn a number, a list, an array or a tensor into a numpy array.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. An array that already has the wanted dtype is not copied.
    dtype : data type, optional
        The dtype of the result. Without it, an array of floating dtype keeps its own, and
        everything else (Python numbers, lists, integer and boolean arrays) becomes float32.

    Returns
    -------
    ndarray
        The values as an array of real numbers.

    Raises
    ------
    ValueError
        If the lists in `data` are ragged.
    TypeError
        If `data` holds anything but real numbers.
    """
    ### BEGIN SOLUTION
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(
            f"the lists in {data!r} differ in length; make all rows of a tensor equally long"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"a tensor holds real numbers, but got {data!r} of dtype {array.dtype}; "
            "convert it to float first"
        )
    if dtype is None:
        keep = array.dtype.kind == "f" and hasattr(data, "dtype")
        dtype = array.dtype if keep else np.float32
    return array.astype(dtype, copy=False)
    ### END SOLUTION

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
        Marks a parameter that training will change. Module 7 reads it; nothing else does.

    Attributes
    ----------
    data : ndarray
        The values.
    grad : ndarray or None
        The gradient, of the same shape and dtype as `data`, once one has been computed.

    Raises
    ------
    TypeError, ValueError
        As `as_array`.
    """

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
        """What ``np.asarray(tensor)`` gives."""
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        values = np.array2string(self.data, separator=", ", prefix="Tensor(")
        suffix = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        return f"Tensor({values}{suffix})"

# %% [markdown]
r"""
Methods can be added to a class later:
"""

# %%
#| export
def extend(cls: type) -> Callable[[type], type]:
    """Add the methods of the decorated class to `cls`.

    So a long class can be written in several cells, one idea in each. The decorated class stays
    usable by itself: another class that is to have the same methods inherits from it.
    """

    def add_methods(methods: type) -> type:
        for name, method in vars(methods).items():
            if name not in ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__"):
                setattr(cls, name, method)
        return methods

    return add_methods

# %% exercise="conversions"
#| export
@extend(Tensor)
class Conversions:
    """From a tensor back to Python and numpy. Works for any class with an `__array__` method."""

    def numpy(self) -> np.ndarray:
        """The values as a numpy array, shared with the tensor."""
        ### BEGIN SOLUTION
        return np.asarray(self)
        ### END SOLUTION

    def item(self) -> float:
        """The only value of a one-element tensor, as a Python number.

        Raises
        ------
        ValueError
            If there is more than one element, or none.
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

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        array = np.asarray(self)
        if array.ndim == 0:
            raise TypeError("a 0-dimensional tensor has no length; read its value with item()")
        return len(array)
        ### END SOLUTION

# %%
#| export
def value(x):
    """The array inside a tensor; a list as an array; everything else (a number, say) as it is."""
    if isinstance(x, (list, tuple)):
        return as_array(x)
    return np.asarray(x) if hasattr(x, "__array__") else x


FITS = {
    "matmul": "the last axis of the first must be as long as the second-to-last (or only) axis "
    "of the second",
    "reshape": "the new shape must have as many elements as the old one",
    "getitem": "an index must lie within its axis, and there can be no more indices than axes",
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
        If the shapes do not fit; names the function and the shapes.
    TypeError
        If an input is neither a number nor an array of numbers.
    """
    try:
        return function(*values, **parameters)
    except (ValueError, IndexError, TypeError) as error:
        kind = next(k for k in (IndexError, TypeError, ValueError) if isinstance(error, k))
        given = [f"shape {x.shape}" if hasattr(x, "shape") else repr(x) for x in values]
        given += [f"{key}={setting!r}" for key, setting in parameters.items()]
        name = getattr(function, "__name__", repr(function))
        if kind is TypeError:
            needs = "its inputs must be numbers or tensors"
        else:
            needs = FITS.get(
                name, "aligned at the right, two axes must be equally long, or one of length 1"
            )
        raise kind(f"{name} of {', '.join(given)} is not possible: {needs}") from error


# %% exercise="apply"
#| export
def apply(function: Callable, *inputs, **parameters) -> Tensor:
    """Apply a numpy function to tensors: unwrap the inputs, compute, wrap the result.

    Every operator, method and layer of the framework comes through here. An input that knows better
    what to do (its class has a method `__apply__`) is asked instead, with the same arguments.

    Parameters
    ----------
    function : callable
        A pure function of arrays.
    *inputs : Tensor, ndarray, list or number
        Its inputs. A Python number stays one, so that it never changes the dtype.
    **parameters
        What it needs to know besides, such as an axis; passed on as they are.

    Returns
    -------
    Tensor
        The result, of the dtype that numpy gives it.
    """
    ### BEGIN SOLUTION
    for x in inputs:
        if hasattr(x, "__apply__"):
            return x.__apply__(function, *inputs, **parameters)
    out = compute(function, *[value(x) for x in inputs], **parameters)
    return Tensor(out, dtype=out.dtype)
    ### END SOLUTION


# %% exercise="arithmetic"
#| export
@extend(Tensor)
class Arithmetic:
    """The operators ``+ - * / ** @``, minus and `abs`, in both orders."""

    def __add__(self, other):
        ### BEGIN SOLUTION
        return apply(np.add, self, other)
        ### END SOLUTION

    def __sub__(self, other):
        ### BEGIN SOLUTION
        return apply(np.subtract, self, other)
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        return apply(np.multiply, self, other)
        ### END SOLUTION

    def __truediv__(self, other):
        ### BEGIN SOLUTION
        return apply(np.divide, self, other)
        ### END SOLUTION

    def __pow__(self, other):
        ### BEGIN SOLUTION
        return apply(np.power, self, other)
        ### END SOLUTION

    def __matmul__(self, other):
        ### BEGIN SOLUTION
        return apply(np.matmul, self, other)
        ### END SOLUTION

    def __neg__(self):
        ### BEGIN SOLUTION
        return apply(np.negative, self)
        ### END SOLUTION

    def __abs__(self):
        ### BEGIN SOLUTION
        return apply(np.abs, self)
        ### END SOLUTION


# %% exercise="reflected"
#| export
@extend(Tensor)
class ReflectedArithmetic:
    """The same operators with the tensor on the right: ``2 - x``, ``array * x``."""

    def __radd__(self, other):
        ### BEGIN SOLUTION
        return apply(np.add, other, self)
        ### END SOLUTION

    def __rsub__(self, other):
        ### BEGIN SOLUTION
        return apply(np.subtract, other, self)
        ### END SOLUTION

    def __rmul__(self, other):
        ### BEGIN SOLUTION
        return apply(np.multiply, other, self)
        ### END SOLUTION

    def __rtruediv__(self, other):
        ### BEGIN SOLUTION
        return apply(np.divide, other, self)
        ### END SOLUTION

    def __rpow__(self, other):
        ### BEGIN SOLUTION
        return apply(np.power, other, self)
        ### END SOLUTION

    def __rmatmul__(self, other):
        ### BEGIN SOLUTION
        return apply(np.matmul, other, self)
        ### END SOLUTION

    def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
        """How numpy's own functions meet a tensor: ``np.exp(x)``, ``array * x``."""
        if method != "__call__":
            return NotImplemented
        return apply(ufunc, *inputs, **parameters)


# %% exercise="comparisons"
#| export
@extend(Tensor)
class Comparisons:
    """``== != < <= > >=``, element by element; each gives a numpy array of booleans."""

    def __eq__(self, other):
        ### BEGIN SOLUTION
        return np.equal(value(self), value(other))
        ### END SOLUTION

    def __ne__(self, other):
        ### BEGIN SOLUTION
        return np.not_equal(value(self), value(other))
        ### END SOLUTION

    def __lt__(self, other):
        ### BEGIN SOLUTION
        return np.less(value(self), value(other))
        ### END SOLUTION

    def __le__(self, other):
        ### BEGIN SOLUTION
        return np.less_equal(value(self), value(other))
        ### END SOLUTION

    def __gt__(self, other):
        ### BEGIN SOLUTION
        return np.greater(value(self), value(other))
        ### END SOLUTION

    def __ge__(self, other):
        ### BEGIN SOLUTION
        return np.greater_equal(value(self), value(other))
        ### END SOLUTION

    __hash__ = object.__hash__  # a class with its own == would lose it, and could be no dict's key


# %% exercise="reductions"
#| export
@extend(Tensor)
class Reductions:
    """From many numbers to few, over all axes or over those of `axis` (an int or a tuple).

    With ``keepdims=True`` a reduced axis stays, with length 1, so that the result still broadcasts
    against the tensor it came from.
    """

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


# %% exercise="shaping"
#| export
@extend(Tensor)
class Shaping:
    """The same numbers in another arrangement."""

    def reshape(self, *shape):
        """The elements in the given shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``.

        One length may be -1: it is then what the number of elements makes it.
        """
        ### BEGIN SOLUTION
        shape = shape[0] if len(shape) == 1 else shape
        return apply(np.reshape, self, shape=shape)
        ### END SOLUTION

    def transpose(self, *axes):
        """The axes in the given order, as ``transpose(1, 0)``; without any, in reverse order."""
        ### BEGIN SOLUTION
        axes = axes[0] if len(axes) == 1 else axes
        return apply(np.transpose, self, axes=axes or None)
        ### END SOLUTION

    @property
    def T(self):
        """The transpose."""
        ### BEGIN SOLUTION
        return self.transpose()
        ### END SOLUTION


# %% exercise="indexing"
#| export
def getitem(x: np.ndarray, index) -> np.ndarray:
    """``x[index]`` as a function, so that it can go through `apply`."""
    return x[index]


@extend(Tensor)
class Indexing:
    """Reading a part: ``x[0]``, ``x[:, 1:3]``, ``x[x > 0]``; and going through the rows."""

    def __getitem__(self, index):
        ### BEGIN SOLUTION
        return apply(getitem, self, index=index)
        ### END SOLUTION

    def __iter__(self) -> Iterator:
        ### BEGIN SOLUTION
        return (self[i] for i in range(len(self)))
        ### END SOLUTION

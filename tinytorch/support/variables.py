"""What a Variable answers besides remembering: its shape, its text, numpy's questions.

Nothing here computes a gradient. It also makes a Tensor that requires a gradient, such as a layer's
weight, answer as a Variable does (`record_leaves`).
"""

from __future__ import annotations

import functools
from operator import attrgetter
from typing import Any

import numpy as np

from tinytorch.core import tensor as tensor_module
from tinytorch.core.tensor import (
    Arithmetic,
    Comparisons,
    Conversions,
    Indexing,
    Reductions,
    ReflectedArithmetic,
    Shaping,
    Tensor,
    apply,
    value,
)
from tinytorch.support import hooks
from tinytorch.support.arrays import clip_values
from tinytorch.support.guards import UsersTurn
from tinytorch.support.losses import (
    holds_gradient,
    refuse_collections,
    refuse_copy,
    refuse_whole_numbers,
)
from tinytorch.support.recording import recording

WITHOUT_SLOPE = {  # numpy's functions whose results have no derivative, so that none is lost
    np.shape,
    np.ndim,
    np.size,
    np.allclose,
    np.isclose,
    np.array_equal,
    np.argmax,
    np.argmin,
    np.argsort,
    np.zeros_like,
    np.ones_like,
    np.result_type,
    np.may_share_memory,
    np.shares_memory,
}


class VariableMethods(
    Arithmetic,
    ReflectedArithmetic,
    Comparisons,
    Reductions,
    Shaping,
    Indexing,
    Conversions,
):
    """The operators and methods of a Tensor, and what else users expect of a Variable."""

    __slots__ = ("hooks", "label")

    shape: Any = property(attrgetter("data.data.shape"), doc="The length of each axis.")
    ndim: Any = property(attrgetter("data.data.ndim"), doc="The number of axes.")
    size: Any = property(attrgetter("data.data.size"), doc="The number of elements.")
    dtype: Any = property(attrgetter("data.data.dtype"), doc="The data type of the elements.")

    @property
    def is_leaf(self) -> bool:
        """Whether it was given, and not computed from others."""
        return self.grad_fn is None

    def detach(self):
        """The same values without a history."""
        return type(self)(self.data, requires_grad=False)

    def clip(self, min=None, max=None):
        """What lies below `min` or above `max` is moved to that bound; None is no bound."""
        return apply(clip_values, self, min, max)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def register_hook(self, hook) -> hooks.Handle:
        """Have a function see the gradient of this variable in each backward pass.

        Parameters
        ----------
        hook : callable
            Called with the complete gradient; what it returns takes the gradient's place, unless it
            is None.

        Returns
        -------
        Handle
            Its method ``remove()`` takes the hook off again.

        Raises
        ------
        RuntimeError
            If this variable requires no gradient.
        """
        return hooks.register(self, hook)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        held = self.data.data
        if dtype is None and copy is None and hasattr(held, "__one_call__"):
            return held  # it stands in for an array
        return np.array(held, dtype=dtype, copy=copy)

    def __array_function__(self, function, types, arguments, parameters):
        return array_function(function, arguments, parameters)

    def __array_ufunc__(self, ufunc, method, *inputs, **parameters):
        refuse_methods_of(ufunc, method, (inputs, parameters))
        return super().__array_ufunc__(ufunc, method, *inputs, **parameters)

    def __setitem__(self, index, new) -> None:
        raise TypeError(
            "the elements of a Variable cannot be assigned, because a backward pass may need the "
            "old ones; compute a new Variable, or change x.data.data before using x"
        )

    def __reduce__(self):
        if not self.is_leaf:
            raise TypeError(
                "a computed Variable cannot be copied or pickled, because its history would be cut "
                "off; use x.detach(), or copy the leaves that it was computed from"
            )
        return type(self), (self.data, self.requires_grad), (None, {"grad": self.grad})

    @property
    def name(self) -> str | None:
        """What pictures of the graph call it; None until it is given a name."""
        return getattr(self, "label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self.label = name

    def _repr_html_(self) -> str:
        from tinytorch.graph.table import table

        return table(self)

    def __str__(self) -> str:
        return self._around(np.array2string(np.asarray(self), separator=", ", prefix="Variable("))

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self), separator=", ", threshold=100)
        return self._around(values.replace("\n", ""))

    def _around(self, values: str) -> str:
        """What is printed around the values: the kind, an unusual dtype, the origin."""
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        origin = "" if self.is_leaf else f", grad_fn={self.grad_fn!r}"
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({values}{dtype}{origin}{constant})"


def straight(function):
    """An operator that asks its variable at once; by way of `apply` it would come there, too."""
    return lambda self, other: self.__apply__(function, self, other)


VariableMethods.__add__, VariableMethods.__sub__ = straight(np.add), straight(np.subtract)
VariableMethods.__mul__, VariableMethods.__truediv__ = straight(np.multiply), straight(np.divide)
VariableMethods.__matmul__ = straight(np.matmul)


def refuse_methods_of(ufunc, method: str, given) -> None:
    """Refuse ``np.add.reduce(x)`` and its like, and functions with two results."""
    if (method != "__call__" or ufunc.nout > 1) and holds_gradient(given):
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise TypeError(
            f"np.{name} of a Variable does not go through apply, so its gradient would be lost; "
            "use a method such as x.sum(), or detach().numpy() where none is wanted"
        )


def refuse_in_place(self, other):
    """``w -= …`` without recording would leave a constant in place of a leaf; else it is w - …."""
    is_leaf = self.requires_grad and getattr(self, "grad_fn", None) is None
    if is_leaf and not recording.enabled:
        data = "data" if isinstance(self, Tensor) else "data.data"
        raise TypeError(
            "inside no_grad() this would replace a leaf by a constant that gets no gradient; "
            f"change its numbers, as in x.{data} -= step"
        )
    return NotImplemented


IN_PLACE = "__iadd__ __isub__ __imul__ __itruediv__ __ipow__ __imatmul__".split()
for name in IN_PLACE:
    setattr(VariableMethods, name, refuse_in_place)


def array_function(function, arguments, parameters):
    """What numpy's functions get: an answer where no gradient is lost, else a sentence."""
    if function is np.where and len(arguments) == 3 and not parameters:
        return apply(np.where, *arguments)
    keeps_all = function in WITHOUT_SLOPE or not holds_gradient((arguments, parameters))
    if keeps_all:
        return function(*bare_arrays(arguments), **bare_arrays(parameters))
    raise TypeError(
        f"np.{function.__name__} of a Variable does not go through apply, so its gradient would "
        "be lost; use a method such as x.sum(), or detach().numpy() where none is wanted"
    )


def bare_arrays(x):
    """Nested lists, tuples and dictionaries with arrays in place of tensors and variables."""
    if type(x) in (list, tuple):
        return type(x)(map(bare_arrays, x))
    if type(x) is dict:
        return {key: bare_arrays(part) for key, part in x.items()}
    if isinstance(x, VariableMethods):
        return x.data.data
    return x.data if isinstance(x, Tensor) else x


def values_of(inputs) -> list:
    """The arrays and numbers in what an operation is given."""
    values = []
    for x in inputs:
        values.append(x.data.data if isinstance(x, VariableMethods) else value(x))
    return values


new = object.__new__


def bare_tensor(array) -> Tensor:
    """A tensor around a result, without the questions that data from outside is asked."""
    tensor = new(Tensor)
    tensor.data, tensor.requires_grad, tensor.grad = array, False, None
    return tensor


def floating_tensor(data) -> Tensor:
    """Data as a tensor of floating dtype; a tensor that is one already is kept itself."""
    if type(data) is Tensor and data.data.dtype.kind == "f":
        return data
    if hasattr(data, "__one_call__"):  # it stands in for an array
        data = data if data.dtype.kind == "f" else data.astype(np.float32)
        return bare_tensor(data if data.ndim else data[()])
    tensor = Tensor(data)
    if tensor.data.ndim == 0:
        tensor.data = tensor.data[()]  # a numpy number: faster, and nobody can change it
    return tensor


class UsersFunction:
    """A plain function that a user gave as ``grad_fn``: it gets the gradient, sends none on."""

    inputs = ()

    def __init__(self, function):
        self.function = function

    def __call__(self, grad, out) -> list:
        with UsersTurn():
            self.function(np.array(grad))
        return []

    def free(self) -> None:
        """There is nothing to forget."""

    def __repr__(self) -> str:
        return repr(self.function)


def operation_of(grad_fn):
    """A user's ``grad_fn`` as an operation without inputs; an operation is kept itself."""
    if grad_fn is None or hasattr(grad_fn, "inputs"):
        return grad_fn
    return UsersFunction(grad_fn)


def array_that_stands_in(data, dtype=None):
    """What stands in for an array, as a Tensor keeps arrays: as floats, and not as a number."""
    if dtype is None:
        dtype = data.dtype if data.dtype.kind == "f" else np.float32
    array = data if isinstance(data, np.ndarray) else data[...]
    return array if array.dtype == dtype else array.astype(dtype)


def record_leaves(record, variable: type) -> None:
    """Have every Tensor that requires a gradient recorded wherever it is used.

    Parameters
    ----------
    record : callable
        What such a tensor answers when `apply` asks its `__apply__`.
    variable : type
        The class of Variables: it answers the same, from now on without a call in between.
    """
    variable.__apply__ = staticmethod(record)

    def recorded(tensor):
        if not tensor.requires_grad:
            raise AttributeError("this tensor requires no gradient")
        refuse_whole_numbers(tensor)
        return record

    guard_tensors()
    Tensor.__apply__ = property(recorded)


@functools.cache
def guard_tensors() -> None:
    """Have tensors refuse what would lose a gradient; once, however often module 7 is run."""

    def array_function_of_a_tensor(tensor, function, types, arguments, parameters):
        return array_function(function, arguments, parameters)

    plain_init, plain_ufunc = Tensor.__init__, Tensor.__array_ufunc__
    plain_compute, plain_array = tensor_module.compute, tensor_module.as_array

    @functools.wraps(plain_array)
    def as_array(data, *arguments, **parameters):
        if recording.enabled:
            refuse_copy(data)
        if hasattr(data, "__one_call__") and isinstance(data, (np.ndarray, np.generic)):
            return array_that_stands_in(data, *arguments, **parameters)
        return plain_array(data, *arguments, **parameters)

    @functools.wraps(plain_compute)
    def compute(function, *values, **parameters):
        if recording.enabled:
            refuse_collections(function, values)
        return plain_compute(function, *values, **parameters)

    @functools.wraps(plain_init)
    def init(tensor, data, *arguments, **parameters):
        if recording.enabled:
            refuse_copy(data)
        plain_init(tensor, data, *arguments, **parameters)

    @functools.wraps(plain_ufunc)
    def array_ufunc(tensor, ufunc, method, *inputs, **parameters):
        refuse_methods_of(ufunc, method, (inputs, parameters))
        return plain_ufunc(tensor, ufunc, method, *inputs, **parameters)

    Tensor.__init__, Tensor.__array_ufunc__ = init, array_ufunc
    tensor_module.compute, tensor_module.as_array = compute, as_array  # what `apply` calls
    Tensor.__array_function__ = array_function_of_a_tensor
    for name in IN_PLACE:
        setattr(Tensor, name, refuse_in_place)

"""Guards against gradients that are wrong without a word: the watchers that are always on.

A rule reads the values that an operation was computed from. If somebody changes such an array
before the backward pass, the gradient would be wrong. So of every array that a rule will read and
somebody can still write to, the bytes are kept, and compared before the rule is called; results are
closed to writing instead, which costs nothing. Arrays and lists among the settings of an operation
(an index, a mask) are replaced by copies of our own.

This is exact for arrays of any size, and for changes through any view of the same memory. It costs
a copy of each such array as long as the graph lives, and the time to make it and to compare.
"""

from __future__ import annotations

import copy
import weakref

import numpy as np
from numpy import ndarray

from tinytorch.core.layers import linear
from tinytorch.core.tensor import getitem
from tinytorch.support.arrays import astype, join, pile, scatter, spread, surround, total
from tinytorch.support.losses import PLAIN, is_plain, refuse_losses, refuse_whole_numbers

LINEAR = (np.add, np.subtract, np.negative, np.sum, np.mean, np.reshape, np.transpose, getitem)
OURS = (total, spread, astype, scatter, join, pile, surround)
# Which inputs the rule of each input reads, of functions whose rules do not read all of them.
READS = {f: {} for f in (*LINEAR, *OURS)} | {f: {0: {1}, 1: {0}} for f in (np.matmul, linear)}


def guard(function, inputs, result) -> None:
    """Keep the bytes of what a rule will read, and close the result to writing."""
    operation, out = result.grad_fn, result.data.data
    if operation is None:
        return
    kept = []
    for position, v in enumerate(operation.values):
        if type(v) is not ndarray:
            if type(v) not in PLAIN and not hasattr(v, "dtype"):
                operation.values[position] = private_array(function, v)
            continue
        x = inputs[position]
        is_ours = v.base is None and getattr(x, "grad_fn", None) is not None
        if not is_ours and may_change(v, x):
            refuse_whole_numbers(x)
            if isinstance(x, (list, tuple)):
                refuse_losses(function, (x,), {})
            if is_read(function, position, inputs):
                kept.append(snapshot_of(v))
            if out is v:
                result.data.data = out = v.view()  # its own array must stay open
    if operation.parameters and not all(map(is_plain, operation.parameters.values())):
        refuse_losses(function, (), operation.parameters)
        operation.parameters = copy.deepcopy(operation.parameters)
    if type(out) is ndarray:
        out.setflags(False)
    operation.kept = (out, *kept)


class Snapshot:
    """What was in an array when it was used."""

    __slots__ = ("__weakref__", "array", "before", "moment", "now")

    def __init__(self, array: ndarray):
        self.array, self.moment = array, None
        self.now = bits_of(array)
        self.before = self.now.copy()

    def holds(self) -> bool:
        """Whether it is still there, bit for bit."""
        same = self.now == self.before
        if self.now.dtype.kind != "u":  # of numbers that no whole number is as long as
            same |= (self.now != self.now) & (self.before != self.before)
        return bool(same.all())

    def held(self) -> bool:
        """The same, looked at once as long as nobody but the engine is at work."""
        if self.moment is not MOMENT[0]:
            if not self.holds():
                return False
            self.moment = MOMENT[0]
        return True


MOMENT = [object()]  # another one as soon as code of the user's may have run


def users_turn() -> None:
    """Code of the user's runs now, and may change any array."""
    MOMENT[0] = object()


SNAPSHOTS: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


def snapshot_of(array: ndarray) -> Snapshot:
    """A new one, or of a large array the last one, if that is still right."""
    if array.nbytes < 1 << 14:
        return Snapshot(array)
    known = SNAPSHOTS.get(id(array))
    if known is None or not known.holds():
        known = SNAPSHOTS[id(array)] = Snapshot(array)
    return known


def bits_of(array: ndarray) -> ndarray:
    """The memory of an array as whole numbers, which are compared exactly and fast."""
    if array.flags.c_contiguous and not array.nbytes % 8 and array.ndim:
        return array.reshape(-1).view(np.uint64)
    if array.itemsize <= 8:
        return array.view(f"u{array.itemsize}")
    return array.view(ndarray)


def check(variable, grad):
    """Refuse to go on from values that have changed."""
    operation = getattr(variable, "grad_fn", None)
    if operation is None:
        return grad
    kept = getattr(operation, "kept", None)
    if kept is None:
        users_turn()  # a plain function of the user's is called next
    elif kept:
        if kept[0] is not variable.data.data:
            refuse(operation, "the result")
        for snapshot in kept[1:]:
            if not snapshot.held():
                refuse(operation)
        inputs, values = operation.inputs, operation.values
        recorded = hasattr(grad, "__apply__")  # then the rules read the variables themselves
        for x, v, rule in zip(inputs, values, operation.rules):  # noqa: B905
            another = rule is not None and x.data is not v and x.data.data is not v
            if another and (recorded or x.shape != v.shape):
                refuse(operation)
    return grad


def refuse(operation, what: str = "an input") -> None:
    """Say that the values of an operation have changed."""
    raise RuntimeError(
        f"{what} of {operation!r} was changed in place after it was used, so the gradient "
        "would be wrong; call backward() before changing it, or change a copy"
    )


def is_read(function, position: int, inputs) -> bool:
    """Whether the rules that will be called read the value of an input."""
    if function not in READS:
        return True
    for i, read in READS[function].items():
        if position in read and getattr(inputs[i], "requires_grad", False):
            return True
    return False


def private_array(function, sequence) -> ndarray:
    """The numbers in a memoryview, a deque, a range and the like, as an array of our own."""
    array = np.array(sequence)
    if not isinstance(sequence, memoryview):
        refuse_losses(function, (list(sequence),), {})
    return array


def may_change(array: ndarray, source) -> bool:
    """Whether somebody can write to the memory of an array: not if a result of ours owns it."""
    if getattr(source, "grad_fn", None) is None:
        return True
    while isinstance(array.base, ndarray):
        array = array.base
    return array.base is not None or array.flags.writeable

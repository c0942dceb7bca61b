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
import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from tinytorch.core.layers import linear
from tinytorch.core.tensor import getitem
from tinytorch.support.arrays import astype, join, pile, scatter, spread, surround, total
from tinytorch.support.losses import PLAIN, is_plain, refuse_losses, refuse_whole_numbers

LINEAR = (np.add, np.subtract, np.negative, np.sum, np.mean, np.reshape, np.transpose, getitem)
OURS = (total, spread, astype, scatter, join, pile, surround)
# Of functions whose rules do not read all inputs: the input whose rule reads the value of an input.
READERS: dict[Callable, dict[int, int]] = {f: {} for f in (*LINEAR, *OURS)} | {
    f: {0: 1, 1: 0} for f in (np.matmul, linear)
}
NO_VARIABLE = object()
NUMBERS = {*PLAIN, np.float32, np.float64}
ARRAYS = {ndarray, np.float32, np.float64}
SMALL = 1 << 13  # bytes; larger arrays share a snapshot, and are compared once in a pass


def guard(function, inputs, result) -> None:
    """Keep the bytes of what a rule will read, and close the result to writing."""
    operation = result.grad_fn
    if operation is None:
        return
    for v in operation.values:
        if type(v) not in NUMBERS:
            guard_inputs(operation, function, inputs, result)
            break
    if operation.parameters and not all(map(is_plain, operation.parameters.values())):
        operation.parameters = copy.deepcopy(operation.parameters)
    operation.result = out = result.data.data
    if type(out) is ndarray:
        if is_theirs(getattr(function, "__module__", "")):  # and left a view of it maybe
            operation.result = result.data.data = out = out.copy(order="K")
        out.setflags(False)  # type: ignore[call-arg]  # numpy declares it by name only


@functools.cache
def is_theirs(module: str | None) -> bool:
    """Whether a function of this module is neither numpy's nor of this package."""
    return (module or "numpy").partition(".")[0] not in ("numpy", "tinytorch", "builtins")


def guard_inputs(operation, function, inputs, result) -> None:
    """Keep the bytes of those inputs that a rule will read and somebody can still write to."""
    values, readers, out = operation.values, READERS.get(function), result.data.data
    for position, v in enumerate(values):
        kind = type(v)
        if kind is ndarray or hasattr(v, "__one_call__"):  # this stands in for an array
            note: Any = getattr(inputs[position], "grad_fn", NO_VARIABLE)
            if note is NO_VARIABLE and (kind is not ndarray or v.dtype.kind != "f"):
                refuse_whole_numbers(inputs[position])
            read = readers is None or is_read(readers, position, operation)
            if read and is_open(note, v):
                operation.kept += ((v, bytes_of(v, kind)),)
            if out is v and kind is ndarray:
                result.data.data = v.view()  # its own array must stay open
        elif kind not in NUMBERS and not hasattr(v, "dtype"):
            values[position] = private_array(function, v)


def is_open(note, v) -> bool:
    """Whether somebody can write to the memory of an input; a note closes the result of its own."""
    if v is getattr(note, "result", note):
        return v.base is not None and may_change(v)  # a view shows somebody's memory
    return True


def is_read(readers: dict, position: int, operation) -> bool:
    """Whether a rule that will be called reads the value of an input."""
    reader = readers.get(position)
    return reader is not None and operation.rules[reader] is not None


def bytes_of(v, kind: type):
    """What is kept of an array."""
    return v.tobytes("A") if kind is not ndarray or v.nbytes <= SMALL else snapshot_of(v)


def check(variable, grad):
    """Refuse to go on from values that have changed."""
    operation = getattr(variable, "grad_fn", None)
    if operation is None:
        return grad
    try:
        kept, result = operation.kept, operation.result
    except AttributeError:  # a plain function of the user's is called next
        return grad
    if result is not variable.data.data and result is not None:
        refuse(operation, "the result")
    for array, before in kept:
        if type(before) is bytes:
            same = array.tobytes("A") == before
        else:
            same = before.holds()
        if not same:
            refuse(operation)
    inputs, values = operation.inputs, operation.values
    if inputs is not None:  # else it is freed, which `inputs_of` refuses
        for position, rule in enumerate(operation.rules):
            if rule is not None:
                data, v = inputs[position].data, values[position]  # of a Variable, its Tensor
                if data is not v and data.data is not v:
                    refuse_replaced(operation, inputs[position], v, grad)
    return grad


def refuse_replaced(operation, x, v, grad) -> None:
    """Refuse an input with new data, if these have another shape or recorded rules read them."""
    recorded = type(grad) not in ARRAYS and hasattr(grad, "grad_fn")
    if recorded or x.shape != v.shape:
        refuse(operation)


def refuse(operation, what: str = "an input") -> None:
    """Say that the values of an operation have changed."""
    raise RuntimeError(
        f"{what} of {operation!r} was changed in place after it was used, so the gradient "
        "would be wrong; call backward() before changing it (in a training loop: before "
        "optimizer.step()), or change a copy"
    )


def private_array(function, sequence) -> ndarray:
    """The numbers in a memoryview, a deque, a range and the like, as an array of our own."""
    array = np.array(sequence)
    if not isinstance(sequence, memoryview):
        refuse_losses(function, (list(sequence),), {})
    return array


def may_change(array: ndarray) -> bool:
    """Whether somebody can write to the memory of a view."""
    owner = owner_of(array)
    return owner.base is not None or owner.flags.writeable


def owner_of(array: ndarray) -> ndarray:
    """The array whose memory a view shows."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


# What is kept of an array


SNAPSHOTS: dict[int, weakref.ref] = {}  # the latest of each array, as long as somebody needs it


class Snapshot:
    """The bytes of a large array, when it was used; compared only once in a backward pass."""

    __slots__ = ("__weakref__", "array", "before", "compared")

    def __init__(self, array: ndarray):
        self.array = array
        self.compared: object = None  # the moment of the last comparison
        self.before = bytearray(in_order(array).data)

    def __del__(self, known=SNAPSHOTS):  # of the module, nothing may be left at the very end
        known.pop(id(self.array), None)

    def holds(self) -> bool:
        """Whether the array still is the same, bit for bit."""
        moment = PASS.moment
        if moment is None or self.compared is not moment:
            if self.before != in_order(self.array):
                return False
            self.compared = moment
        return True


def snapshot_of(array: ndarray) -> Snapshot:
    """What to keep of a large array; of the owner of its memory, if that is hardly larger."""
    owner = owner_of(array)
    array = owner if owner.nbytes <= 2 * array.nbytes else array
    known = SNAPSHOTS.get(id(array))
    snapshot: Snapshot | None = known() if known else None
    if snapshot is None or not snapshot.holds():
        snapshot = Snapshot(array)
        SNAPSHOTS[id(array)] = weakref.ref(snapshot)
    return snapshot


def in_order(array: ndarray) -> ndarray:
    """An array whose elements lie one after the other in memory: itself, turned, or else a copy."""
    if array.flags.c_contiguous:
        return array
    return np.ascontiguousarray(array.T)


# While the engine goes back, nobody else is at work, and an array needs to be compared only once.


class Pass(threading.local):
    """The backward pass that runs in this thread: another object after every turn of the user's."""

    moment: object | None = None


PASS = Pass()


def begin_pass() -> object | None:
    """The engine goes back from here; gives what `end_pass` needs."""
    before, PASS.moment = PASS.moment, object()
    return before


def end_pass(before: object | None) -> None:
    """The pass is over; if it was inside another one, that one goes on after a user's turn."""
    PASS.moment = None if before is None else object()


def users_turn() -> None:
    """Code of the user's has run in the pass, or is about to, and may change any array."""
    if PASS.moment is not None:
        PASS.moment = object()


class UsersTurn:
    """A block of code of the user's in a pass: it may use arrays and change them, as outside."""

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before, PASS.moment = PASS.moment, None

    def __exit__(self, *error) -> None:
        end_pass(self.before)

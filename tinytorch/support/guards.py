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
import threading
import weakref
from collections.abc import Callable

import numpy as np
from numpy import ndarray, ufunc

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
NO_SETTINGS: dict = {}  # one for all operations
NUMBERS = {*PLAIN, np.float32, np.float64}
ARRAYS = {ndarray, np.float32, np.float64}
SMALL = 1 << 13  # bytes; larger arrays share a snapshot, and are compared once in a pass


def guard(function, inputs, result) -> None:
    """Keep the bytes of what a rule will read, and close the result to writing."""
    operation = result.grad_fn
    if operation is None:
        return
    operation.kept, out, readers = (), result.data.data, READERS.get(function)
    for position, v in enumerate(operation.values):
        kind = type(v)
        if kind is ndarray:
            note = getattr(inputs[position], "grad_fn", NO_VARIABLE)
            closed = getattr(note, "result", None) is v  # and if it is no view, nobody has it open
            if not closed or v.base is not None or v is out:
                guard_array(operation, readers, position, note, result)
        elif kind not in NUMBERS:
            guard_other(operation, function, readers, position)
    if not operation.parameters:
        operation.parameters = NO_SETTINGS
    elif not all(map(is_plain, operation.parameters.values())):
        operation.parameters = copy.deepcopy(operation.parameters)
    operation.result = out = result.data.data
    if type(out) is ndarray:
        if type(function) is not ufunc and is_theirs(function):  # and left a view of it maybe
            operation.result = result.data.data = out = out.copy(order="K")
        out.setflags(False)  # type: ignore[call-arg]  # numpy declares it by name only


def is_theirs(function) -> bool:
    """Whether a function is neither numpy's nor of this package."""
    module = getattr(function, "__module__", None) or "numpy"
    return module.partition(".")[0] not in ("numpy", "tinytorch", "builtins")


def guard_array(operation, readers: dict | None, position: int, note, result) -> None:
    """Keep the bytes of an array if a rule will read it and somebody can still write to it."""
    v = operation.values[position]
    if note is NO_VARIABLE and v.dtype.kind != "f":
        refuse_whole_numbers(operation.inputs[position])
    if is_read(operation, readers, position) and (note is None or is_open(note, v)):
        before = v.tobytes("A") if v.nbytes <= SMALL else snapshot_of(v)
        operation.kept = v, before, operation.kept
    if v is result.data.data:
        result.data.data = v.view()  # its own array must stay open


def guard_other(operation, function, readers: dict | None, position: int) -> None:
    """Do the same for what stands in for an array; of a sequence of numbers, take a copy."""
    v, x = operation.values[position], operation.inputs[position]
    if hasattr(v, "__one_call__"):
        note = getattr(x, "grad_fn", NO_VARIABLE)
        if note is NO_VARIABLE:
            refuse_whole_numbers(x)
        if is_read(operation, readers, position) and is_open(note, v):
            operation.kept = v, v.tobytes("A"), operation.kept
    elif not hasattr(v, "dtype"):
        operation.values[position] = private_array(function, v)


def is_open(note, v) -> bool:
    """Whether somebody can write to the memory of an input; a note closes the result of its own."""
    if v is getattr(note, "result", note):
        return v.base is not None and may_change(v)  # a view shows somebody's memory
    return True


def is_read(operation, readers: dict | None, position: int) -> bool:
    """Whether a rule that will be called reads the value of an input."""
    if readers is None:
        return True
    return position in readers and operation.rules[readers[position]] is not None


def check(variable, grad):
    """Refuse to go on from values that have changed."""
    operation = getattr(variable, "grad_fn", None)
    if operation is None:
        return grad
    try:
        kept, result, inputs = operation.kept, operation.result, operation.inputs
    except AttributeError:  # a plain function of the user's is called next
        return grad
    if result is not variable.data.data and result is not None:
        refuse(operation, "the result")
    while kept:
        array, before, kept = kept
        if type(before) is bytes:
            same = array.tobytes("A") == before
        else:
            same = before.holds()
        if not same:
            refuse(operation)
    if inputs is not None:  # else it is freed, which `inputs_of` refuses
        values = operation.values
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

"""What stands in for an array besides answering numpy: its shape, its operators, its refusals.

A stand-in has an `example` with real numbers, a `number` by which a program knows it, and the
`tape` on which it has noted whatever is done with it.
"""

from __future__ import annotations

import copy
import functools
import operator
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import repeat
from types import CodeType, FrameType
from typing import Any

import numpy as np

from tinytorch.core.tensor import Conversions, Tensor, value
from tinytorch.support.blanks import copy_with_layout, without_numbers
from tinytorch.support.calls import DRAWS, METHODS, UFUNCS, getitem, setitem
from tinytorch.support.guards import owner_of
from tinytorch.support.programs import HOLD_NOTHING, Kind, Ref, kind_of, of_the_kind, ref
from tinytorch.support.same_kinds import STEADY, as_traced, is_steady, length_of
from tinytorch.support.silence import silently
from tinytorch.support.variables import VariableMethods


class CannotTrace(TypeError):
    """A step depends on the numbers in its arrays, or does what cannot be followed."""


class NotFollowed(CannotTrace, AttributeError):
    """A method of arrays that cannot be followed."""


# ---- What a call was given, with something else for each stand-in


def mapped(change: Callable, x):
    """Nested tuples, lists, slices and dictionaries, with `change` of each stand-in in them."""
    kind = type(x)
    if kind in HOLD_NOTHING:
        return x
    if kind is tuple or kind is list:
        return kind(
            [
                part
                if type(part) in HOLD_NOTHING
                else change(part)
                if issubclass(type(part), StandInMethods)
                else mapped(change, part)
                for part in x
            ]
        )
    if issubclass(kind, StandInMethods):
        return change(x)
    if kind is slice:
        return slice(*mapped(change, (x.start, x.stop, x.step)))
    if kind is dict:
        return {key: mapped(change, part) for key, part in x.items()} if x else {}
    if isinstance(x, (tuple, list)):  # also a named one: as a program has it, a plain one
        return mapped(change, tuple(x) if isinstance(x, tuple) else list(x))
    held = numbers_in(x)
    return change(held) if issubclass(type(held), StandInMethods) else x


def numbers_in(x):
    """The array inside a Variable or a Tensor; anything else as it is."""
    while type(x) is not np.ndarray and is_tensor(x):
        x = x.data
    return x


def is_tensor(x) -> bool:
    """Whether it is a Tensor or a Variable."""
    return isinstance(x, Tensor) or hasattr(type(x), "grad_fn")


def stand_ins(x) -> list:
    """All stand-ins in nested tuples, lists, slices and dictionaries."""
    found: list = []
    if x is not None:
        collect((x,), found)
    return found


def collect(parts: Iterable, found: list) -> None:
    """Add all stand-ins in some things to a list."""
    for x in parts:
        kind = type(x)
        if kind is Tensor:
            x = x.data
            kind = type(x)
        if kind in HOLD_NOTHING:
            continue
        if issubclass(kind, StandInMethods):
            found.append(x)
        elif kind is tuple or kind is list:
            collect(x, found)
        elif kind is dict:
            if x:
                collect(x.values(), found)
        elif kind is slice:
            collect((x.start, x.stop, x.step), found)
        elif isinstance(x, (tuple, list)):
            collect(x, found)
        else:
            held = numbers_in(x)
            if issubclass(type(held), StandInMethods):
                found.append(held)


EXAMPLE = operator.attrgetter("example")


def examples(x):
    """The same, with the example of each stand-in."""
    return mapped(EXAMPLE, x)


def numbered(x):
    """The same, with a reference for each stand-in."""
    return mapped(lambda s: ref(s.number), x)


# ---- Calls

IN_PLACE: dict[Any, int] = {
    setitem: 0,
    METHODS["fill"]: 0,
    METHODS["sort"]: 0,
    METHODS["partition"]: 0,
}
IN_PLACE |= {np.copyto: 0, np.place: 0, np.putmask: 0, np.put: 0, np.put_along_axis: 0}
IN_PLACE |= {np.fill_diagonal: 0, METHODS["shuffle"]: 1}
BINARY = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split()
COMPARISONS = "lt le gt ge eq ne".split()
COMPARING = {getattr(operator, name) for name in COMPARISONS}
ASK_SHAPES = {np.shape, np.ndim, np.size, np.result_type, np.may_share_memory, np.shares_memory}
ASK_SHAPES |= {np.iscomplexobj, np.isrealobj, np.can_cast}
AS_MANY_AS_NUMBERS_SAY = {
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.unique,
    np.extract,
    np.compress,
}
AS_MANY_AS_NUMBERS_SAY |= {np.bincount, np.histogram, np.trim_zeros, np.union1d}
AS_MANY_AS_NUMBERS_SAY |= {np.intersect1d}
AS_MANY_AS_NUMBERS_SAY |= {np.setdiff1d, np.unique_values, np.unique_counts, np.unique_all}


def written_by(function: Callable, inputs: tuple, settings: dict) -> list:
    """The stand-ins whose memory a call changes."""
    found = stand_ins(settings.get("out"))
    if function in IN_PLACE:
        found += stand_ins(inputs[IN_PLACE[function]])
    elif getattr(function, "__name__", "") == "at" or function in INPLACE_OPERATORS:
        found += stand_ins(inputs[0])
    if function in DRAWS:
        found.append(inputs[0])
    return found


HARMLESS = {getitem, *METHODS.values()}
TAKE_SHAPES = {np.reshape, np.repeat, np.tile, np.resize, np.broadcast_to, np.split, np.pad}
TAKE_SHAPES |= {np.array_split, METHODS["reshape"], METHODS["repeat"]}
SINGLE = "neg pos abs invert".split()
HARMLESS |= {getattr(operator, name) for name in (*BINARY, *COMPARISONS, *SINGLE)}


def on_examples(function: Callable, inputs: tuple, settings: dict):
    """Call a function on the examples of what stands in for them.

    Raises
    ------
    CannotTrace
        If the shape of the result depends on numbers, or an array is changed that is not known.
    """
    refuse_what_numbers_decide(function, inputs, settings)
    if SAID.reports is not None and SAID.reports != reports():
        refuse_reports_of_numbers(SAID.reports)
    if hasattr(function, "is_guard"):
        return np.True_  # it refuses when the program runs
    changed = written_by(function, inputs, settings)
    refuse_what_is_outside(function, settings, changed)
    try:
        return called(function, examples(inputs), examples(settings), bool(changed))
    except (np.linalg.LinAlgError, IndexError) as error:
        if not isinstance(error, IndexError) or stand_ins(inputs[1:]):
            SAID.errors.append(refusal("caught", str(error)))
        raise


def called(function: Callable, plain_inputs: tuple, plain_settings: dict, changed: bool):
    """What a function gives for some examples."""
    if isinstance(function, np.ufunc) or function in HARMLESS:
        out = silently(function, plain_inputs, plain_settings)
        return out if changed or is_shown(out, plain_inputs) else without_numbers(out)
    with np.errstate(all="ignore"):
        if changed:
            return function(*plain_inputs, **plain_settings)
        return closed_to_writing(function, plain_inputs, plain_settings)


def reports() -> tuple:
    """What happens to numpy's errors and warnings: who shows them, and which are filtered how."""
    shows = getattr(warnings, "_showwarnmsg_impl", None), warnings.showwarning
    return np.geterr(), shows, tuple(warnings.filters)  # a list that is changed in place


def refuse_reports_of_numbers(before: tuple) -> None:
    """Refuse a step that has errors raised, or warnings kept, for some numbers."""
    errors, shows, filters = reports()
    raising = [one for one in filters if one[0] == "error" and one not in before[2]]
    if raising or not {"raise", "call", "log"}.isdisjoint(errors.values()):
        raise refused("errors")
    if shows != before[1]:
        raise refused("warnings")


def refuse_what_is_outside(function: Callable, settings: dict, changed: list) -> None:
    """Refuse to change arrays that nothing stands in for."""
    if "out" in settings:
        targets = settings["out"]
        for target in targets if isinstance(targets, tuple) else (targets,):
            if isinstance(target, np.ndarray) and not isinstance(target, StandInMethods):
                raise refused("outside")
    if not changed and (function in IN_PLACE or function in INPLACE_OPERATORS):
        raise refused("outside")


def is_shown(out, inputs: tuple) -> bool:
    """Whether a result is no new array, but a part of an input, one itself, or none."""
    if type(out) is not np.ndarray or out.base is not None:
        return True
    return any(map(operator.is_, repeat(out), inputs))


def closed_to_writing(function: Callable, inputs: tuple, settings: dict):
    """Call a function that ought not to change what it is given."""
    flags = [x.flags for x in inputs if type(x) is np.ndarray]
    flags = [f for f in flags if f.writeable]
    for f in flags:
        f.writeable = False
    try:
        out = function(*inputs, **settings)
    except ValueError as error:
        if "read-only" in str(error) or "output array is not acceptable" in str(error):
            raise refused("writes", getattr(function, "__name__", "a function")) from None
        raise
    finally:
        for f in sorted(flags, key=lambda f: not f.owndata):
            f.writeable = True
    for x in out if isinstance(out, (tuple, list)) else (out,):
        if type(x) is np.ndarray and not x.flags.writeable and function is not np.broadcast_to:
            x.setflags(write=x.base is None or owner_of(x).flags.writeable)
    return out


def memory_owner(array: np.ndarray) -> int:
    """What tells the memory of an array from that of others."""
    if array.base is None:
        return id(array)
    owner = owner_of(array)
    base: Any = owner.base
    while type(base) is memoryview:  # each look at a buffer is another one
        base = base.obj
    if isinstance(base, np.ndarray):
        return memory_owner(base)
    return id(owner if base is None else base)


def refuse_what_numbers_decide(function: Callable, inputs: tuple, settings: dict) -> None:
    """Refuse results with as many elements as the numbers say."""
    if function in AS_MANY_AS_NUMBERS_SAY or (function is np.where and len(inputs) == 1):
        raise refused("mask", function.__name__)
    if function is getitem:
        index = inputs[1] if isinstance(inputs[1], tuple) else (inputs[1],)
        if any(isinstance(part, StandInMethods) and is_mask(part.example) for part in index):
            raise refused("mask", "x[mask]")
        if any(type(part) is slice and stand_ins(part) for part in index):
            raise refused("index")
    elif (function in TAKE_SHAPES and stand_ins((inputs[1:], settings))) or stand_ins(
        settings.get("shape")
    ):
        raise refused("index")


def is_mask(example) -> bool:
    """Whether an index of that kind chooses elements by true and false."""
    return np.asarray(example).dtype == bool


def memory_of(out, known: list) -> int | None:
    """The value whose memory a result shows."""
    if isinstance(out, np.ndarray):
        own = out.base is None and out.flags.owndata  # others in its memory are views of it
        for s in known:
            x = s.example
            if isinstance(x, np.ndarray) and (
                x is out or owner_of(x) is out if own else np.may_share_memory(out, x)
            ):
                return s.number
    return None


class TapeMethods:
    """What a tape keeps: the steps, and of each value its kind and whose memory it shows."""

    stand_in: type
    note: Callable

    def __init__(self):
        self.steps: list = []
        if SAID.reports is not None:  # the trace of a step
            SAID.steps = self.steps
        self.kinds: list[Kind] = []
        self.groups: list[int] = []  # of each value, the first value in the same memory
        self.written: Counter = Counter()  # how often each group has been written to
        self.guards: list = []  # what stands in for the results of checks, perhaps of no use

    def value(self, example, base: int | None = None):
        """What stands in for a new value; `base` is an older one in the same memory."""
        number = len(self.kinds)
        self.kinds.append(kind_of(example))
        self.groups.append(number if base is None else self.groups[base])
        return self.stand_in(self, number, example)

    def version(self, stand_in) -> int:
        """How often the memory of a value has been written to."""
        return self.written[self.groups[stand_in.number]]

    def finish(self, step, out, given):
        """Put a step on the tape; gives what stands in for its result.

        A step that only changes what is there has no number of its own.
        """
        known: list = []
        collect(given, known)
        if isinstance(out, np.ndarray):
            step.function = UFUNCS.get(step.function, step.function)
        if step.function in ASK_SHAPES:
            return out
        if isinstance(out, (bool, str)) or out is None:
            compares = isinstance(out, bool) and step.function in COMPARING
            if not compares and not (out is None and step.writes):
                raise refused("bool")
        self.steps.append(step)
        if step.writes:
            self.written.update({self.groups[n] for n in step.writes})
        if step.writes and (out is None or any(out is s.example for s in known)):
            return next((s for s in known if s.example is out), None)
        made = self.value(out, memory_of(out, known))
        step.out = made.number
        if step.function not in STEADY:
            self.watch(step, made, out)
        if isinstance(out, (tuple, list)):
            return of_the_kind(out, [self.note(getitem, (made, i), {}) for i in range(len(out))])
        return made

    def watch(self, step, made, out) -> None:
        """See to it that a check is made, and that a result is of the same kind each time."""
        if not hasattr(step.function, "is_guard"):
            first = step.inputs[0] if step.inputs else None
            if is_steady(step.function, self.kinds[first.number] if type(first) is Ref else None):
                return
            kind = self.kinds[made.number]
            step.function = as_traced(step.function, kind, length_of(out), step.line)
        self.guards.append(made)


# ---- Refusals

REMEDIES = {
    "bool": "whether it is true depends on the numbers, and a list has no branches; use where()",
    "float": "a Python number of it depends on the numbers; write x.item(), which is noted",
    "index": "a whole number of it depends on the numbers; Python can use it for no shape or index",
    "array": "numpy wants the numbers; use np.stack or np.concatenate, or give the step a Tensor",
    "mask": "{0} has as many elements as the numbers say, and a list must know; use where()",
    "outside": "an array that the step does not know is changed; give compile() what holds it",
    "writes": "{0} changes an array in a way that is not known; use out=, or an index",
    "method": "{0} cannot be traced",
    "id": "where it is in memory is another place at each call; ask whether x is y",
    "text": "a text of it depends on the numbers; return it, and print it outside of the step",
    "hash": "what it finds in a set or a dictionary depends on the numbers; use where()",
    "next": "what an iterator gives next is another thing at each call; take it outside",
    "caught": "an error is caught that depends on the numbers ({0}); ask before, with where()",
    "remembers": "{0} keeps a result that depends on the numbers; call it without lru_cache",
    "keeps": "{0} changes an array at its first call only; call it without lru_cache",
    "warnings": "which warnings are recorded depends on the numbers; look for them outside",
    "errors": "numpy is to raise errors, which depend on the numbers; look for them outside",
}
OURS = ("numpy", "tinytorch", "dataclasses", "contextlib", "functools", "<step")


class Said(threading.local):
    """What was refused in the trace that runs: a step that catches it must not go on in silence.

    Attributes
    ----------
    refusals : list of CannotTrace
        In their order.
    errors : list of CannotTrace
        What to say if the step catches an error of numpy's that depends on the numbers.
    reports : tuple or None
        What happened to numpy's errors and warnings when the trace of a step began; None of others.
    steps : list of Step
        What has been noted.
    """

    def __init__(self):
        self.refusals: list[CannotTrace] = []
        self.errors: list[CannotTrace] = []
        self.reports: Any = None
        self.steps: list = []

    def begin(self) -> None:
        """A trace begins."""
        self.__init__()  # type: ignore[misc]
        self.reports = reports()

    def end(self) -> None:
        """It is over: a list that is made by hand may be made anywhere, and nothing is kept."""
        self.__init__()  # type: ignore[misc]


SAID = Said()


def refused(what: str, *names: str, kind: type[CannotTrace] = CannotTrace) -> CannotTrace:
    """The error that names the user's line, and says what to do; it cannot be caught in a step."""
    SAID.refusals.append(refusal(what, *names, kind=kind))
    return SAID.refusals[-1]


def refusal(what: str, *names: str, kind: type[CannotTrace] = CannotTrace) -> CannotTrace:
    """The same, not to be raised at once."""
    return kind(f"{users_line()}: {REMEDIES[what].format(*names)}{instead()}")


INSTEAD = {  # of functions of the lessons
    "clip_grad_norm_": "; or clip with clip_grad_norm_ of tinytorch.core.autograd",
}


def instead() -> str:
    """What to call instead of a function of the lessons that cannot be followed."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_name not in INSTEAD:
        frame = frame.f_back
    return INSTEAD[frame.f_code.co_name] if frame else ""


def users_line() -> str:
    """The innermost line that is none of numpy's or of the library's."""
    frame: FrameType | None = sys._getframe(1)
    while frame and (frame.f_code.co_filename in OUR_FILES or is_ours(frame)):
        frame = frame.f_back
    if frame is None:
        return "in the step"
    return line_of(frame.f_code, frame.f_lineno)


@functools.lru_cache(maxsize=1000)
def line_of(code: CodeType, number: int) -> str:
    """What a line is called in a message."""
    return f"line {number} of {code.co_name} ({place(code.co_filename)})"


OUR_FILES: set[str] = set()  # as they come up


@functools.lru_cache(maxsize=1000)
def place(file: str) -> str:
    """What a file is called in a message."""
    return "a cell" if "ipykernel" in file else re.split(r"[\\/]", file)[-1]


@functools.lru_cache(maxsize=1000)
def is_our_file(file: str) -> bool:
    """Whether it is numpy's or the library's."""
    is_ours = any(part in file for part in OURS)
    OUR_FILES.update([file] * is_ours)
    return is_ours


def is_ours(frame: FrameType) -> bool:
    """Whether a line is numpy's or the library's, or one of the lesson's in a notebook."""
    if is_our_file(frame.f_code.co_filename):
        return True
    name = frame.f_code.co_name
    if name != "note" and not name.startswith("__"):
        return False
    return isinstance(frame.f_locals.get("self"), (StandInMethods, TapeMethods))


# ---- The methods


class Flags:
    """What a user is told of the memory of an array, which says how it is laid out."""

    def __init__(self, flags):
        self.__dict__["flags"] = flags

    def __getattr__(self, name: str):
        if name not in LAYOUT:
            raise refused("method", f"ndarray.flags.{name}")
        return getattr(self.flags, name)

    def __setattr__(self, name: str, new) -> None:
        raise refused("method", f"ndarray.flags.{name}")

    def __getitem__(self, name: str):
        return getattr(self, NAMES_OF_FLAGS.get(name, name).lower())

    __setitem__ = __setattr__


LAYOUT = {"c_contiguous", "f_contiguous", "contiguous", "fortran", "fnc", "forc", "farray"}
NAMES_OF_FLAGS = {"C": "c_contiguous", "F": "f_contiguous", "CONTIGUOUS": "contiguous"}


def _of_example(name: str) -> property:
    return property(lambda self: getattr(self.example, name))


class StandInMethods:
    """The attributes, operators and methods of an array; each call is noted on a tape."""

    __slots__ = ("example", "number", "tape")

    def __init__(self, tape, number: int, example):
        self.tape, self.number, self.example = tape, number, example

    __class__ = property(lambda self: type(self.example))
    shape, dtype, ndim, size, nbytes, itemsize, strides = map(
        _of_example, "shape dtype ndim size nbytes itemsize strides".split()
    )
    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))

    @property
    def flags(self):
        """How an array lies in memory; of who may write to it, only the library is told."""
        flags = self.example.flags
        return flags if is_ours(sys._getframe(1)) else Flags(flags)

    @property
    def base(self) -> None:
        """Of what is traced, nobody can say in whose memory it will be."""
        if not is_ours(sys._getframe(1)):
            raise refused("method", "ndarray.base")

    def __sizeof__(self) -> int:
        raise refused("method", "ndarray.__sizeof__")

    def __one_call__(self, function: Callable, *inputs, **settings):
        note = self.tape.note
        return note(function, inputs, settings)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        function = METHODS.get(name)
        if function is None or not hasattr(self.example, name):
            may_do_without = is_ours(sys._getframe(1)) or not hasattr(self.example, name)
            kind = type(self.example).__name__
            raise (refusal if may_do_without else refused)(
                "method", f"{kind}.{name}", kind=NotFollowed
            )
        return lambda *inputs, **settings: self.tape.note(function, (self, *inputs), settings)

    def tobytes(self, order: str = "C") -> bytes:
        """What changes when somebody writes to the same memory, for the guards alone."""
        if not is_ours(sys._getframe(1)):
            raise refused("method", "ndarray.tobytes")
        return str(self.tape.version(self)).encode()

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self):
        return (self.tape.note(getitem, (self, i), {}) for i in range(len(self)))

    def __hash__(self) -> int:
        if isinstance(self.example, np.ndarray):
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise refused("hash")

    def __repr__(self) -> str:
        if is_ours(sys._getframe(1)):  # in a message
            return f"<stands in for {kind_of(self.example)}>"
        raise refused("text")

    def __str__(self) -> str:
        raise refused("text")

    def __format__(self, how: str) -> str:
        raise refused("text")

    def __round__(self, digits: int | None = None):
        raise refused("float")

    def __divmod__(self, other):
        return self // other, self % other

    def __rdivmod__(self, other):
        return other // self, other % self

    def __deepcopy__(self, memory):
        return self.copy() if isinstance(self.example, np.ndarray) else self

    def __copy__(self):
        return self.__deepcopy__(None)

    def __array__(self, dtype=None, copy=None):
        raise refused("array")


def _operator(function: Callable, turned: bool = False) -> Callable:
    def method(self, *others):
        if any(type(x) not in HOLD_NOTHING and is_tensor(x) for x in others):
            return NotImplemented
        given = (*others, self) if turned else (self, *others)
        return self.tape.note(function, given, {})

    return method


def _in_place(name: str) -> Callable:
    function, plain = getattr(operator, f"i{name.strip('_')}"), getattr(operator, name)

    def method(self, other):
        changes = isinstance(self.example, np.ndarray)
        return self.tape.note(function if changes else plain, (self, other), {})

    return method


def _of_what_is_held(plain: Callable, same: Callable) -> Callable:
    @functools.wraps(plain)
    def method(self, *given, **settings):
        held = numbers_in(self)
        return same(held) if isinstance(held, StandInMethods) else plain(self, *given, **settings)

    return method


def _in_words(held: StandInMethods) -> str:
    """What is printed of a Tensor or a Variable, in a message of ours."""
    if is_ours(sys._getframe(2)):
        return repr(held)
    raise refused("text")


def _as_array(held: StandInMethods) -> StandInMethods:
    """What stands in for the array of a Variable, but not for numpy, which wants the numbers."""
    if sys._getframe(2).f_code is value.__code__:
        return held
    raise refused("array")


_kind: Any
for _kind in (Tensor, Conversions):  # a Variable has the methods of the second
    _kind.item = _of_what_is_held(_kind.item, lambda held: held.item())
    _kind.numpy = _of_what_is_held(_kind.numpy, lambda held: held)
    _kind.__len__ = _of_what_is_held(_kind.__len__, len)
    _kind.__format__ = _of_what_is_held(_kind.__format__, _in_words)
for _kind in (Tensor, VariableMethods):
    _kind.__str__ = _of_what_is_held(_kind.__str__, _in_words)
    _kind.__repr__ = _of_what_is_held(_kind.__repr__, _in_words)
_kind.__array__ = _of_what_is_held(_kind.__array__, _as_array)
INPLACE_OPERATORS = {getattr(operator, f"i{name.strip('_')}"): name for name in BINARY}
for _name in BINARY:
    _plain = _name.strip("_")
    setattr(StandInMethods, f"__{_plain}__", _operator(getattr(operator, _name)))
    setattr(StandInMethods, f"__r{_plain}__", _operator(getattr(operator, _name), True))
    setattr(StandInMethods, f"__i{_plain}__", _in_place(_name))
for _name in (*COMPARISONS, *SINGLE):
    setattr(StandInMethods, f"__{_name}__", _operator(getattr(operator, _name)))


def on_tape(tape, arguments: tuple) -> list:
    """What stands in for some arguments; those in the same memory are known to be."""
    owners: dict[int, int] = {}
    found = []
    for x in arguments:
        known = owners.get(memory_owner(x)) if isinstance(x, np.ndarray) else None
        found.append(tape.value(own_copy(x), known))
        if isinstance(x, np.ndarray):
            owners.setdefault(memory_owner(x), found[-1].number)
    return found


def own_copy(x):
    """An array like one, a copy of a generator, or a number, which tracing may change."""
    if isinstance(x, np.ndarray):
        blank = without_numbers(x)
        return copy_with_layout(x) if blank is x else blank
    return copy.deepcopy(x) if isinstance(x, np.random.Generator) else x

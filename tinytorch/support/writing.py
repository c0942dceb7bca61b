"""The text of a program: how values, constants, functions and indices are written."""

from __future__ import annotations

import builtins
import keyword
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.support.programs import Ref, Step, used

SIGNS: dict[Any, str] = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.matmul: "@",
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
}
SIGNS |= {
    getattr(operator, f"i{f.__name__.strip('_')}"): f"{sign}="
    for f, sign in list(SIGNS.items())
    if not isinstance(f, np.ufunc) and hasattr(operator, f"i{f.__name__.strip('_')}")
}
PLAIN = (bool, int, float, str, type(None), type(Ellipsis))


class Writer:
    """Names for the values, constants and functions of a program.

    Attributes
    ----------
    space : dict
        What the names stand for that are not values: constants and functions.
    """

    def __init__(self, program):
        self.program, self.space = program, {}
        self.taken = set(program.names.values())
        self.known: dict[int, str] = {}  # the names of what has one, by its id
        self.methods: dict[tuple, Callable] = {}  # of ufuncs, by these and their names

    def value(self, number: int) -> str:
        """The name of a value."""
        return self.program.names.get(number, f"v{number}")

    def named(self, x, name: str) -> str:
        """A name for a constant or a function, the same each time."""
        if id(x) not in self.known:  # what has a name is in the space, and lives
            self.known[id(x)] = self.new_name(x, name)
        return self.known[id(x)]

    def new_name(self, x, name: str) -> str:
        """A name that nothing else has."""
        name = name if name.isidentifier() and not keyword.iskeyword(name) else "f"
        candidate, count = name, 1
        while (
            candidate in self.taken
            or self.space.get(candidate, x) is not x
            or hasattr(builtins, candidate)
        ):
            count += 1
            candidate = f"{name}_{count}"
        self.space[candidate] = x
        return candidate

    def function(self, f: Callable) -> str:
        """The name of a function; ``add.reduce`` becomes ``add_reduce``.

        What first asks whether somebody notes calls is written without that question.
        """
        if id(f) in self.known:
            return self.known[id(f)]
        f = getattr(f, "on_arrays", f)
        owner, name = getattr(f, "__self__", None), getattr(f, "__name__", "f")
        if isinstance(owner, np.ufunc):  # a new object each time
            f = self.methods.setdefault((owner, name), f)
            name = f"{owner.__name__}_{name}"
        return self.named(f, name)

    def text(self, x) -> str:
        """A value, a constant, or nested tuples, lists and dictionaries of them."""
        if type(x) is Ref:
            return self.value(x.number)
        if type(x) is Step:
            return f"({self.text(x.inputs[0])} {SIGNS[x.function]} {self.text(x.inputs[1])})"
        if type(x) is tuple:
            inside = ", ".join(map(self.text, x))
            return f"({inside},)" if len(x) == 1 else f"({inside})"
        if type(x) is list:
            return f"[{', '.join(map(self.text, x))}]"
        if type(x) is dict:
            return "{" + ", ".join(f"{k!r}: {self.text(v)}" for k, v in x.items()) + "}"
        if type(x) is slice:
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if type(x) in PLAIN and not (type(x) is float and not math.isfinite(x)):
            shown = "..." if x is Ellipsis else repr(x)
            return f"({shown})" if shown.startswith("-") else shown
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return self.named(x, np.dtype(x).name)
        return self.named(x, "constant")

    def index(self, x) -> str:
        """What stands between the brackets of an index."""
        if type(x) is slice:
            ends = ["" if part is None else self.text(part) for part in (x.start, x.stop)]
            step = "" if x.step is None else f":{self.text(x.step)}"
            return f"{ends[0]}:{ends[1]}{step}"
        if type(x) is tuple and x:
            return ", ".join(map(self.index, x)) + ("," if len(x) == 1 else "")
        return self.text(x)

    def sign(self, step) -> str | None:
        """The operator that does what a function does with these inputs; else None."""
        if step.function not in SIGNS or step.settings or len(step.inputs) != 2:
            return None
        if isinstance(step.function, np.ufunc):
            kinds = [self.program.kinds[n] for n in used(step)]
            if not any(issubclass(k.type, (np.ndarray, np.generic)) for k in kinds):
                return None
        return SIGNS[step.function]


def described(step, by: Callable | None = None) -> tuple:
    """A step without the number of its result, to be compared."""
    by = by_identity if by is None else by
    function = step.function
    owner = getattr(function, "__self__", None)
    same = (owner, function.__name__) if isinstance(owner, np.ufunc) else function
    return same, by(step.inputs), by(step.settings)


def by_identity(x):
    """Something hashable that is equal for the same constants."""
    kind = type(x)
    if kind is Ref:
        return (Ref, x.number)
    if kind is tuple or kind is list:
        return (kind, *map(by_identity, x))
    if kind is dict:
        return tuple([(k, by_identity(v)) for k, v in sorted(x.items())]) if x else ()
    if kind is slice:
        return ("slice", by_identity(x.start), by_identity(x.stop), by_identity(x.step))
    if isinstance(x, np.dtype):
        return x
    return (kind, repr(x)) if kind in PLAIN else (kind, id(x))


def by_value(x):
    """Something that is equal for constants with the same bits."""
    if type(x) in (tuple, list):
        return (type(x), *map(by_value, x))
    if type(x) is dict:
        return tuple((k, by_value(v)) for k, v in sorted(x.items()))
    if type(x) is slice:
        return ("slice", by_value(x.start), by_value(x.stop), by_value(x.step))
    if isinstance(x, (np.ndarray, np.generic)):
        return (type(x), x.shape, x.dtype, x.tobytes() if x.dtype != object else repr(x))
    if type(x) in PLAIN:
        return (type(x), repr(x))
    if hasattr(x, "__self__"):
        return (by_value(x.__self__), x.__name__) if isinstance(x.__self__, np.ufunc) else x
    return getattr(x, "__code__", x) if getattr(x, "__name__", "") == "<lambda>" else x


def elementwise(step) -> bool:
    """Whether each element of the result needs only the elements at its place."""
    f = step.function
    return f is copied or (isinstance(f, np.ufunc) and f.signature is None)


def may_have_buffer(program, step, last: dict[int, int]) -> bool:
    """Whether a step may write its result into memory that is kept from call to call."""
    f, out = step.function, step.out
    makes = f is room or (isinstance(f, np.ufunc) and f.nout == 1)
    if not makes or step.writes or out is None:
        return False
    own = program.groups[out] == out and program.kinds[out].type is np.ndarray
    return own and last[out] < len(program.steps)


def room(shape: tuple[int, ...], dtype, out: np.ndarray | None = None) -> np.ndarray:
    """An array without contents; `out` itself if there is one."""
    return np.empty(shape, dtype) if out is None else out


def copied(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """A copy of an array; it is `out` if that is given."""
    if out is None:
        return np.array(x)
    np.copyto(out, x)
    return out


def empty(kind) -> np.ndarray:
    """An array without contents, laid out in memory as an example was."""
    made = np.empty(kind.shape, kind.dtype)
    if made.strides == kind.strides:
        return made
    order = sorted(range(len(kind.shape)), key=lambda axis: -abs(kind.strides[axis]))
    made = np.empty([kind.shape[axis] for axis in order], kind.dtype)
    return made.transpose(np.argsort(order)) if order else made


def held_elsewhere(program) -> list[bool]:
    """Of each result, whether it is an array that somebody else holds, and must not share.

    What comes out shares memory with no input, and with no other result. What a step keeps is left
    as the step has it: the same array in two places is one, and a view shows what it is of.
    """
    held = {program.groups[n] for n in program.inputs}
    held |= {program.groups[ref.number] for ref in program.outputs[: program.kept]}
    found = [False] * program.kept
    for ref in program.outputs[program.kept :]:
        group = program.groups[ref.number]
        found.append(group in held and program.kinds[ref.number].type is np.ndarray)
        held.add(group)
    return found


def result_text(program, writer: Writer) -> str:
    """What a program returns; arrays that somebody else holds are copied."""
    texts = [writer.value(ref.number) for ref in program.outputs]
    for i, is_held in enumerate(held_elsewhere(program)):
        if is_held:
            texts[i] = f"{writer.named(np.array, 'array')}({texts[i]})"
    return f"[{', '.join(texts)}]"

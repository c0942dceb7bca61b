"""A first form of module 16: a step is traced once, its list is cleaned, and a text is written and run.

Every call of numpy is a line of the program, writes in place as well, in the order in which the
engine made them: so replaying the list is what the engine did, to the last bit.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

# ---- the list


@dataclass(frozen=True)
class Ref:
    """A value of the program, by its number."""

    number: int

    def __repr__(self) -> str:
        return f"v{self.number}"


@dataclass
class Step:
    """One call: `out = function(*inputs, **settings)`."""

    function: Callable
    inputs: tuple
    settings: dict
    out: int
    writes: tuple[int, ...] = ()  # the values whose memory it changes
    line: str = ""  # where the user wrote it


class CannotTrace(TypeError):
    """The step depends on values."""


REMEDY = {
    "bool": "an if, while, and, or not of an array depends on its numbers; use where()",
    "float": "a Python number of an array depends on its numbers; return the array from the step",
    "index": "a whole number of an array depends on its numbers",
    "array": "numpy wants the numbers of an array that stands in for others; use np.stack or where",
    "mask": "how many elements a mask chooses depends on the numbers; use where()",
}


class StandIn(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands in for an array, and has everything that is done with it noted."""

    __slots__ = ("example", "number", "tape")
    __class__ = property(lambda self: np.ndarray)

    def __init__(self, tape: Tape, number: int, example):
        self.tape, self.number, self.example = tape, number, example

    shape = property(lambda self: self.example.shape)
    dtype = property(lambda self: self.example.dtype)
    ndim = property(lambda self: self.example.ndim)
    size = property(lambda self: self.example.size)
    nbytes = property(lambda self: self.example.nbytes)
    T = property(lambda self: self.transpose())

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.tape.note(function, inputs, settings)

    def __array_function__(self, function, types, inputs, settings):
        return self.tape.note(function, inputs, settings)

    def __one_call__(self, function, *inputs, **settings):
        return self.tape.note(function, inputs, settings)

    def __getitem__(self, index):
        return self.tape.note(getitem, (self, index), {})

    def __setitem__(self, index, new):
        self.tape.note(setitem, (self, index, new), {})

    def __len__(self):
        return len(self.example)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        raise self.tape.refused("bool")

    def __float__(self):
        raise self.tape.refused("float")

    __int__ = __float__
    item = tolist = __float__

    def __index__(self):
        raise self.tape.refused("index")

    def __array__(self, *dtype, **copy):
        if not dtype and not copy:  # not numpy: the course's own `value`
            return self
        raise self.tape.refused("array")

    def __hash__(self):
        return id(self)


def method(name: str) -> Callable:
    def called(self, *inputs, **settings):
        return self.tape.note(METHODS[name], (self, *inputs), settings)

    called.__name__ = name
    return called


def by_name(name: str) -> Callable:
    def function(array, *inputs, **settings):
        return getattr(array, name)(*inputs, **settings)

    function.__name__ = name
    return function


NAMES = """sum mean var std max min argmax argmin prod cumsum reshape transpose astype copy ravel
    squeeze swapaxes repeat take clip round view dot argsort sort fill trace diagonal flatten
    any all""".split()
METHODS = {name: by_name(name) for name in NAMES}
for name in NAMES:
    setattr(StandIn, name, method(name))
IN_PLACE = {"fill", "sort"}


def getitem(array, index):
    return array[index]


def setitem(array, index, new):
    array[index] = new


class Tape:
    """What was called, with what."""

    def __init__(self):
        self.steps: list[Step] = []
        self.examples: list = []  # of each value
        self.groups: list[int] = []  # of each value, the first value in the same memory

    def value(self, example, base: int | None = None) -> StandIn:
        number = len(self.examples)
        self.examples.append(example)
        self.groups.append(number if base is None else self.groups[base])
        return StandIn(self, number, example)

    def note(self, function, inputs, settings):
        """Call the function on the examples, and write a line."""
        refs = referred((inputs, settings))
        if function is getitem and masked(inputs[1]):
            raise self.refused("mask")
        plain_inputs, plain_settings = examples((inputs, settings))
        with np.errstate(all="ignore"):
            out = function(*plain_inputs, **plain_settings)
        ref_inputs, ref_settings = refs
        written = writes(function, inputs, settings)
        step = Step(function, ref_inputs, ref_settings, -1, tuple(x.number for x in written), where())
        target = settings.get("out")
        target = target[0] if isinstance(target, tuple) else target
        if out is None or isinstance(target, StandIn):
            step.out = target.number if target is not None else inputs[0].number
            self.steps.append(step)
            return target
        made = self.result(out, (inputs, settings), step)
        self.steps.append(step)
        return made

    def result(self, out, given, step):
        if isinstance(out, (tuple, list)):
            whole = self.value(out)
            step.out = whole.number
            return type(out)(
                self.note(getitem, (whole, i), {}) if isinstance(x, (np.ndarray, np.generic)) else x
                for i, x in enumerate(out)
            )
        if not isinstance(out, (np.ndarray, np.generic)):
            return out
        made = self.value(out, shared_with(out, given))
        step.out = made.number
        return made

    def refused(self, what: str) -> CannotTrace:
        return CannotTrace(f"{where()}: {REMEDY[what]}")


def where() -> str:
    """The user's line: the innermost one that is not of numpy, of the engine or of ours."""
    frame = sys._getframe(1)
    while frame and any(part in frame.f_code.co_filename for part in ("numpy", "tinytorch", __file__)):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def stand_ins(x):
    """All stand-ins in nested tuples, lists and dictionaries."""
    if type(x) is StandIn:
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from stand_ins(part)
    elif isinstance(x, dict):
        for part in x.values():
            yield from stand_ins(part)


def mapped(change: Callable, x):
    if type(x) is StandIn:
        return change(x)
    if type(x) in (tuple, list):
        return type(x)(mapped(change, part) for part in x)
    if type(x) is slice:
        return slice(*mapped(change, (x.start, x.stop, x.step)))
    return {k: mapped(change, v) for k, v in x.items()} if type(x) is dict else x


def referred(x):
    return mapped(lambda s: Ref(s.number), x)


def examples(x):
    return mapped(lambda s: s.example, x)


def masked(index) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(type(p) is StandIn and p.dtype == bool for p in parts)


def writes(function, inputs, settings) -> list:
    """The stand-ins that a call changes."""
    found = list(stand_ins(settings.get("out")))
    if function is setitem or getattr(function, "__name__", "") in (*IN_PLACE, "at", "copyto", "put"):
        found.append(inputs[0])
    return found


def shared_with(out, given) -> int | None:
    """The value whose memory a result shows."""
    if isinstance(out, np.ndarray):
        for x in stand_ins(given):
            if isinstance(x.example, np.ndarray) and np.may_share_memory(out, x.example):
                return x.number
    return None


# ---- tracing


@dataclass
class Program:
    tape: Tape
    arguments: list[int]
    state: list  # arrays that live outside, by their value's number
    outputs: object = None
    steps: list[Step] = field(default_factory=list)


def trace(step: Callable, arguments: list, holders: list) -> Program:
    """Run a step on stand-ins; `holders` have state, as tensors do in `data`."""
    tape = Tape()
    inputs = [tape.value(np.array(a)) for a in arguments]
    arrays = [h.data for h in holders]
    state = [tape.value(np.array(a)) for a in arrays]
    for h, s in zip(holders, state):
        h.data = s
    try:
        outputs = step(*inputs)
    finally:
        new = [h.data for h in holders]
        for h, a in zip(holders, arrays):
            h.data = a
    program = Program(tape, [x.number for x in inputs], [s.number for s in state], referred(outputs))
    for s, n in zip(state, new):
        if type(n) is StandIn and n.number != s.number:
            tape.note(np.copyto, (s, n), {})
    program.steps = tape.steps
    return program


# ---- cleaning


def used_by(step: Step) -> list[int]:
    return [r.number for r in refs((step.inputs, step.settings))]


def refs(x):
    if type(x) is Ref:
        yield x
    elif type(x) in (tuple, list):
        for p in x:
            yield from refs(p)
    elif type(x) is slice:
        yield from refs((x.start, x.stop, x.step))
    elif type(x) is dict:
        yield from refs(tuple(x.values()))


def without_dead(program: Program) -> None:
    """Keep what an output or a state needs, from the last step to the first."""
    group = program.tape.groups
    needed = {r.number for r in refs((program.outputs,))} | set(program.state)
    memory = {group[n] for n in needed}
    kept = []
    for step in reversed(program.steps):
        alive = step.out in needed or any(group[w] in memory for w in step.writes)
        if alive:
            kept.append(step)
            for n in used_by(step):
                needed.add(n)
                memory.add(group[n])
    program.steps = kept[::-1]


def without_common(program: Program) -> None:
    """Compute once what is computed twice, of memory that nobody wrote to in between."""
    group, version = program.tape.groups, {}
    written = {group[w] for s in program.steps for w in s.writes}
    same, seen, kept = {}, {}, []
    for step in program.steps:
        step.inputs, step.settings = renamed((step.inputs, step.settings), same)
        for w in step.writes:
            version[group[w]] = version.get(group[w], 0) + 1
        if not step.writes and group[step.out] not in written or group[step.out] != step.out:
            versions = tuple(version.get(group[n], 0) for n in used_by(step))
            key = (step.function, text(step.inputs), text(step.settings), versions)
            if key in seen and not step.writes:
                same[step.out] = seen[key]
                continue
            seen[key] = step.out
        kept.append(step)
    program.steps = kept
    program.outputs = renamed((program.outputs,), same)[0]


def renamed(x, same: dict):
    if type(x) is Ref:
        return Ref(same.get(x.number, x.number))
    if type(x) in (tuple, list):
        return type(x)(renamed(p, same) for p in x)
    if type(x) is slice:
        return slice(*renamed((x.start, x.stop, x.step), same))
    return {k: renamed(v, same) for k, v in x.items()} if type(x) is dict else x


def text(x) -> str:
    if isinstance(x, np.ndarray):
        return f"array {id(x)}"
    if type(x) in (tuple, list):
        return f"({', '.join(map(text, x))})"
    if type(x) is dict:
        return text(tuple(x.items()))
    return f"{type(x).__name__} {x!r}"


# ---- writing

OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.matmul: "@"}


class Writer:
    def __init__(self, program: Program):
        self.program, self.constants = program, {}
        self.lines: list[str] = []

    def constant(self, x) -> str:
        if isinstance(x, (bool, int, float, str, type(None), type(Ellipsis))):
            return "..." if x is Ellipsis else repr(x) if x == x and abs_ok(x) else self.named(x, "k")
        return self.named(x, "k")

    def named(self, x, prefix: str) -> str:
        for name, known in self.constants.items():
            if known is x:
                return name
        name = f"{prefix}{len(self.constants)}"
        self.constants[name] = x
        return name

    def expression(self, x) -> str:
        if type(x) is Ref:
            return repr(x)
        if type(x) is tuple:
            return "(" + "".join(f"{self.expression(p)}, " for p in x) + ")"
        if type(x) is list:
            return "[" + ", ".join(map(self.expression, x)) + "]"
        if type(x) is dict:
            return "{" + ", ".join(f"{k!r}: {self.expression(v)}" for k, v in x.items()) + "}"
        if type(x) is slice:
            return f"slice({self.expression(x.start)}, {self.expression(x.stop)}, {self.expression(x.step)})"
        return self.constant(x)

    def call(self, step: Step, out: str = "") -> str:
        f, given = step.function, [self.expression(x) for x in step.inputs]
        if f is getitem:
            return f"{given[0]}[{given[1]}]"
        if f is setitem:
            return f"{given[0]}[{given[1]}] = {given[2]}"
        settings = {k: self.expression(v) for k, v in step.settings.items()}
        if out:
            settings["out"] = out
        rest = [*given, *(f"{k}={v}" for k, v in settings.items())]
        if f in METHODS.values():
            return f"{rest[0]}.{f.__name__}({', '.join(rest[1:])})"
        return f"{self.named(f, short(f))}({', '.join(rest)})"


def abs_ok(x) -> bool:
    return not isinstance(x, float) or abs(x) != float("inf")


def short(f) -> str:
    return getattr(f, "__name__", "f").replace("<lambda>", "f") + "_"


def lifetimes(program: Program) -> dict[int, int]:
    """The last step that uses the memory of each group."""
    group, last = program.tape.groups, {}
    for i, step in enumerate(program.steps):
        for n in [*used_by(step), step.out]:
            last[group[n]] = i
    for r in refs((program.outputs,)):
        last[group[r.number]] = len(program.steps)
    return last


def source(program: Program):
    """The program as Python text, and what it needs to run."""
    tape, writer = program.tape, Writer(program)
    group, last = tape.groups, lifetimes(program)
    fixed = {group[n] for n in [*program.arguments, *program.state]}
    shown = {group[r.number] for r in refs((program.outputs,))}
    free: dict[tuple, list[str]] = {}
    holds: dict[int, tuple] = {}
    buffers: dict[str, np.ndarray] = {}
    names = [f"v{n}" for n in program.arguments]
    for i, step in enumerate(program.steps):
        example, g = tape.examples[step.out], group[step.out]
        can = (
            isinstance(step.function, np.ufunc)
            and not step.writes
            and isinstance(example, np.ndarray)
            and g == step.out
            and g not in fixed
            and g not in shown
        )
        if can:
            kind = (example.shape, example.dtype, example.strides)
            here = free.setdefault(kind, [])
            dying = [
                n for n in used_by(step)
                if isinstance(step.function, np.ufunc) and step.function is not np.matmul
                and group[n] in holds and last[group[n]] == i and holds[group[n]][0] == kind and group[n] == n
            ]
            if dying:
                name = holds.pop(dying[0])[1]
            elif here:
                name = here.pop()
            else:
                name = f"b{len(buffers)}"
                buffers[name] = np.empty_like(example)
            holds[g] = (kind, name)
            line = f"v{step.out} = {writer.call(step, name)}"
        elif step.writes:
            line = writer.call(step)
        else:
            line = f"v{step.out} = {writer.call(step)}"
        shape = getattr(example, "shape", "")
        writer.lines.append(f"    {line}  # {shape}")
        for h in [h for h in holds if last[h] == i and h != g]:
            kind, name = holds.pop(h)
            free[kind].append(name)
        gone = sorted({n for n in used_by(step) if last[group[n]] == i and group[n] not in holds and group[n] not in fixed and n not in program.state and not any(group[n]==group[r.number] for r in refs((program.outputs,)))})
        if gone and i % 1 == 0:
            writer.lines.append("    del " + ", ".join(f"v{n}" for n in gone))
    writer.lines.append(f"    return {writer.expression(program.outputs)}")
    return writer, buffers, names


def compiled(program: Program, state_arrays: list):
    writer, buffers, names = source(program)
    state = {f"v{n}": a for n, a in zip(program.state, state_arrays)}
    head = f"def step({', '.join(names)}):"
    body = "\n".join([head, *writer.lines])
    space = {**writer.constants, **buffers, **state}
    exec(compile(body, "<step>", "exec"), space)
    return space["step"], body, buffers

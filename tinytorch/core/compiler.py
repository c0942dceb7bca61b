from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np

from tinytorch.support.compiling import CompiledMethods, Ready
from tinytorch.support.holders import Holders
from tinytorch.support.stand_ins import (
    METHODS, UFUNCS, CannotTrace, joined, renamed, Ref, StandInMethods, filled, getitem, kind_of, numbered, on_examples,
    own_copy, refs, refused, result_of, setitem, stand_ins, users_line, written_by,
)
from tinytorch.support.writing import (
    IN_PLACE_SIGNS, Writer, by_value, described, elementwise, empty, may_have_buffer, result_text,
)


@dataclass
class Step:
    function: Callable
    inputs: tuple
    settings: dict
    writes: tuple = ()
    line: str = ""
    out: int | None = None


class StandIn(StandInMethods):
    __slots__ = ()
    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.tape.note(function, inputs, settings)
    def __array_function__(self, function, types, inputs, settings):
        return self.tape.note(function, inputs, settings)

    def __getitem__(self, index):
        return self.tape.note(getitem, (self, index), {})

    def __setitem__(self, index, new):
        self.tape.note(setitem, (self, index, new), {})

    def __bool__(self):
        raise refused("bool")

    def __float__(self):
        raise refused("float")

    __int__ = __complex__ = __float__

    def __index__(self):
        raise refused("index")


class Tape:
    def __init__(self):
        self.steps: list[Step] = []
        self.kinds: list = []
        self.groups: list[int] = []
        self.written = Counter()

    def value(self, example, base=None) -> StandIn:
        number = len(self.kinds)
        self.kinds.append(kind_of(example))
        self.groups.append(number if base is None else self.groups[base])
        return StandIn(self, number, example)

    def version(self, stand_in) -> int:
        return self.written[self.groups[stand_in.number]]

    def note(self, function, inputs, settings):
        out = on_examples(function, inputs, settings)
        if isinstance(out, np.ndarray):
            function = UFUNCS.get(function, function)
        changed = tuple(s.number for s in written_by(function, inputs, settings))
        step = Step(function, numbered(tuple(inputs)), numbered(settings), changed, users_line())
        self.written.update({self.groups[n] for n in changed})
        self.steps.append(step)
        return result_of(self, step, out, (inputs, settings))


@dataclass
class Program:
    steps: list
    inputs: list
    outputs: object
    kinds: list
    groups: list
    names: dict = field(default_factory=dict)


def trace(function, *arguments) -> Program:
    tape = Tape()
    inputs = [tape.value(own_copy(a)) for a in arguments]
    outputs = numbered(function(*inputs))
    return Program(tape.steps, [x.number for x in inputs], outputs, tape.kinds, tape.groups)


def evaluate(program, *arguments):
    values = dict(zip(program.inputs, arguments))
    for step in program.steps:
        inputs, settings = filled((step.inputs, step.settings), values.get)
        out = step.function(*inputs, **settings)
        if step.out is not None:
            values[step.out] = out
    return filled(program.outputs, values.get)


def used(step):
    return [r.number for r in refs((step.inputs, step.settings))]


def without_dead(program):
    needed = {r.number for r in refs(program.outputs)} | set(program.inputs)
    memory = {program.groups[n] for n in needed}
    steps = []
    for step in reversed(program.steps):
        changes = {program.groups[w] for w in step.writes}
        if step.out in needed or changes & memory:
            steps.append(step)
            needed.update(used(step))
            memory.update(program.groups[n] for n in used(step))
    return replace(program, steps=steps[::-1])


def without_common(program):
    groups, written = program.groups, {program.groups[w] for s in program.steps for w in s.writes}
    versions, known, same, steps = Counter(), {}, {}, []
    for step in program.steps:
        step = renamed(step, same)
        versions.update({groups[w] for w in step.writes})
        if step.out is not None and not step.writes and may_merge(step.out, groups, written):
            key = described(step), tuple(versions[groups[n]] for n in used(step))
            if key in known:
                same[step.out] = known[key]
                continue
            known[key] = step.out
        steps.append(step)
    return joined(replace(program, steps=steps), same)


def may_merge(out, groups, written):
    return groups[out] != out or out not in written




def lifetimes(program):
    last = {}
    for i, step in enumerate(program.steps):
        for n in (*used(step), step.out):
            if n is not None:
                last[program.groups[n]] = i
    for n in (*program.inputs, *(r.number for r in refs(program.outputs))):
        last[program.groups[n]] = len(program.steps)
    return last


def shared_buffers(program):
    last, chosen, buffers, free = lifetimes(program), {}, [], defaultdict(list)
    for i, step in enumerate(program.steps):
        ending = {program.groups[n] for n in used(step)}
        ending = [g for g in ending if last[g] == i and g in chosen]
        if elementwise(step):
            for g in ending: free[program.kinds[g]].append(chosen[g])
        if may_have_buffer(program, step, last):
            kind = program.kinds[step.out]
            if not free[kind]:
                free[kind].append(len(buffers))
                buffers.append(kind)
            chosen[step.out] = free[kind].pop()
        if not elementwise(step):
            for g in ending: free[program.kinds[g]].append(chosen[g])
    return chosen, buffers



def write_step(step, writer, out=""):
    given = [writer.text(x) for x in step.inputs]
    f, sign = step.function, writer.sign(step)
    if f is getitem:
        text = f"{given[0]}[{writer.index(step.inputs[1])}]"
    elif f is setitem:
        text = f"{given[0]}[{writer.index(step.inputs[1])}] = {given[2]}"
    elif f in IN_PLACE_SIGNS:
        text = f"{given[0]} {IN_PLACE_SIGNS[f]} {given[1]}"
    elif sign and not out:
        text = f"{given[0]} {sign} {given[1]}"
    else:
        rest = [f"{k}={writer.text(v)}" for k, v in step.settings.items()]
        if out:
            rest.append(f"out={out}")
        if f in METHODS.values():
            text = f"{given[0]}.{f.__name__}({', '.join(given[1:] + rest)})"
        else:
            text = f"{writer.function(f)}({', '.join(given + rest)})"
    return text if step.out is None else f"{writer.value(step.out)} = {text}"


def write(program, name="step"):
    writer, (chosen, buffers) = Writer(program), shared_buffers(program)
    lines = [f"def {name}({', '.join(map(writer.value, program.inputs))}):"]
    for step in program.steps:
        out = f"b{chosen[step.out]}" if step.out in chosen else ""
        shown = step.out if step.out is not None else step.writes[0]
        lines.append(f"    {write_step(step, writer, out)}  # {program.kinds[shown]}")
    lines.append(f"    return {result_text(program, writer)}")
    arrays = {f"b{i}": empty(kind) for i, kind in enumerate(buffers)}
    return "\n".join(lines), writer.space, arrays


def first_difference(one, other):
    for a, b in zip_longest(one.steps, other.steps):
        if a is None or b is None or described(a, by_value) != described(b, by_value):
            return a or b
    return None


def with_state(step, slots):
    def pure(state, *arguments):
        for slot, x in zip(slots, state):
            slot.put(x)
        outputs = step(*arguments)
        return outputs, [slot.get() for slot in slots]
    return pure


def cleaned(program):
    return without_copies(without_common(without_dead(program)))


def without_copies(program):
    last, same, steps = lifetimes(program), {}, []
    for i, step in enumerate(program.steps):
        step = renamed(step, same)
        n = needless_copy_of(program, step)
        if n is not None and last[program.groups[n]] == i:
            same[step.out] = n
        else:
            steps.append(step)
    return joined(replace(program, steps=steps), same)


def needless_copy_of(program, step):
    if step.function not in (np.copy, METHODS["copy"]) or step.settings: return None
    (n,) = used(step)
    same_kind = program.kinds[n] == program.kinds[step.out]
    whole = program.kinds[program.groups[n]].size == program.kinds[n].size
    return n if same_kind and whole else None


class Compiled(CompiledMethods):
    def __init__(self, step, *holders):
        self.step, self.holders = step, Holders(step, holders)
        self.kept, self.traces, self.lock = {}, 0, threading.RLock()

    def __call__(self, *arguments, **settings):
        if stand_ins((arguments, settings)):
            return self.step(*arguments, **settings)
        with self.lock:
            call = self.holders.look(arguments, settings)
            if call.walked_again:
                self.kept.clear()
            ready = self.kept.get(call.key)
            if ready is None or not ready.confirmed:
                ready = self.traced(call, ready)
            self.last = ready
            return ready.run(call)


def compile(step, *holders):
    return Compiled(step, *holders)

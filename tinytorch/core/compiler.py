"""Module 16 of TinyTorch: compiler.

Made by `tito export` from source/16_compiler/compiler_dev.py. Edit that notebook, not this file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from tinytorch.core.tensor import extend
from tinytorch.support.calls import METHODS, getitem, setitem
from tinytorch.support.compiling import CompiledMethods, Ready, confirmed
from tinytorch.support.counting import (
    in_python,
    is_arithmetic,
    to_numpy,
    to_python,
    with_twins,
)
from tinytorch.support.programs import (
    Program,
    Step,
    copied_by,
    filled,
    joined,
    may_be_shared,
    refs,
    renamed,
    used,
)
from tinytorch.support.runs import RunMethods, in_pieces
from tinytorch.support.stand_ins import (
    CannotTrace,
    StandInMethods,
    TapeMethods,
    numbered,
    on_examples,
    on_tape,
    refused,
    stand_ins,
    users_line,
    written_by,
)
from tinytorch.support.writing import (
    Writer,
    by_value,
    described,
    elementwise,
    empty,
    may_have_buffer,
    result_text,
)


class StandIn(StandInMethods):
    """Stands in for an array, and has everything that is done with it noted."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method: str, *inputs, **settings):
        """What numpy calls instead of a ufunc, or of a method of one."""
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.tape.note(function, inputs, settings)


class Tape(TapeMethods):
    """What was called, with what."""

    stand_in = StandIn

    def note(self, function: Callable, inputs: tuple, settings: dict):
        """Note a call; gives what stands in for its result."""
        out = on_examples(function, inputs, settings)
        writes = [x.number for x in written_by(function, inputs, settings)]
        given = numbered(inputs), numbered(settings)
        step = Step(function, *given, writes, users_line())
        return self.finish(step, out, (inputs, settings))


@extend(StandIn)
class FunctionsAndParts:
    """The rest of numpy's functions, ``x[index]`` and ``x[index] = new``."""

    def __array_function__(self, function: Callable, types, inputs: tuple, settings):
        """What numpy calls instead of a function that is no ufunc."""
        return self.tape.note(function, inputs, settings)

    def __getitem__(self, index):
        return self.tape.note(getitem, (self, index), {})

    def __setitem__(self, index, new) -> None:
        self.tape.note(setitem, (self, index, new), {})


@extend(StandIn)
class Refusals:
    """What depends on the numbers, which a list cannot know."""

    def __bool__(self) -> bool:
        raise refused("bool")

    def __float__(self) -> float:
        raise refused("float")

    def __int__(self) -> int:
        raise refused("float")

    def __index__(self) -> int:
        raise refused("index")


def trace(function: Callable, *arguments) -> Program:
    """Run a function on stand-ins, and give the list of what it did.

    Parameters
    ----------
    function : callable
        Takes arrays, and gives one, or a tuple, list or dictionary of some.
    *arguments : ndarray
        Examples; they are not changed.

    Raises
    ------
    CannotTrace
        If what the function does depends on the numbers; names the line.
    """
    tape = Tape()
    inputs = on_tape(tape, arguments)
    outputs = numbered(function(*inputs))
    numbers = [x.number for x in inputs]
    return Program(tape.steps, numbers, outputs, tape.kinds, tape.groups)


def evaluate(program: Program, *arguments):
    """Run a program, one step after the other."""
    values = dict(zip(program.inputs, arguments))
    for step in program.steps:
        inputs, settings = filled((step.inputs, step.settings), values.get)
        out = step.function(*inputs, **settings)
        if step.out is not None:
            values[step.out] = out
    return filled(program.outputs, values.get)


def without_dead(program: Program) -> Program:
    """The same program without the steps that nobody needs."""
    groups, steps = program.groups, []
    needed = {*program.inputs, *[ref.number for ref in refs(program.outputs)]}
    memory = {groups[n] for n in needed}
    for step in reversed(program.steps):
        changed = {groups[n] for n in step.writes}
        if step.out in needed or changed & memory:
            steps.append(step)
            needed |= set(used(step))
            memory |= {groups[n] for n in used(step)}
    return replace(program, steps=steps[::-1])


def without_common(program: Program) -> Program:
    """The same program, in which nothing is computed twice."""
    versions, known, same, steps = Counter(), {}, {}, []
    sharing = may_be_shared(program)
    for step in program.steps:
        step = renamed(step, same)
        groups = [program.groups[n] for n in used(step)]
        key = described(step), tuple(versions[group] for group in groups)
        versions.update({program.groups[n] for n in step.writes})
        if sharing(step) and key in known:
            same[step.out] = known[key]
            continue
        if sharing(step):
            known[key] = step.out
        steps.append(step)
    return joined(replace(program, steps=steps), same)


def lifetimes(program: Program) -> dict[int, int]:
    """For each group of values, the place of the last step that has to do with it."""
    last = {}
    for place, step in enumerate(program.steps):
        for n in [*used(step), *step.writes, step.out]:
            if n is not None:
                last[program.groups[n]] = place
    for n in [*program.inputs, *[ref.number for ref in refs(program.outputs)]]:
        last[program.groups[n]] = len(program.steps)
    return last


def without_copies(program: Program) -> Program:
    """The same program without copies of what nobody else holds."""
    last, same, steps = lifetimes(program), {}, []
    for place, step in enumerate(program.steps):
        step = renamed(step, same)
        n = copied_by(program, step)
        if n is not None and last[program.groups[n]] == place:
            same[step.out] = n
        else:
            steps.append(step)
    return joined(replace(program, steps=steps), same)


def write_step(step: Step, writer: Writer, out: str = "") -> str:
    """A step as a line of Python; its result goes into the array `out`, if any."""
    given = [writer.text(x) for x in step.inputs]
    rest = [f"{name}={writer.text(x)}" for name, x in step.settings.items()]
    rest += [f"out={out}"] * bool(out)
    sign = writer.sign(step)
    if step.function in (getitem, setitem):
        text = f"{given[0]}[{writer.index(step.inputs[1])}]"
        text += f" = {given[2]}" if step.function is setitem else ""
    elif sign and not out:
        text = f"{given[0]} {sign} {given[1]}"
    elif step.function in METHODS.values():
        text = f"{given[0]}.{step.function.__name__}({', '.join(given[1:] + rest)})"
    else:
        text = f"{writer.function(step.function)}({', '.join(given + rest)})"
    return text if step.out is None else f"{writer.value(step.out)} = {text}"


def write_lines(program: Program, writer: Writer, buffers: dict[int, str]) -> str:
    """The text of a function named ``step`` that does what a program does."""
    lines = [f"def step({', '.join(map(writer.value, program.inputs))}):"]
    for step in program.steps:
        made = step.writes[0] if step.out is None else step.out
        line = write_step(step, writer, buffers.get(step.out, ""))
        lines.append(f"    {line}  # {program.kinds[made]}")
    lines.append(f"    return {result_text(program, writer)}")
    return "\n".join(lines)


def share_buffers(program: Program) -> tuple[dict, dict]:
    """Which memory results go to: names by value, and kinds by name."""
    last, names, kinds, free = lifetimes(program), {}, {}, defaultdict(list)
    for place, step in enumerate(program.steps):
        groups = {program.groups[n] for n in used(step)}
        ending = [names[g] for g in groups if g in names and last[g] == place]
        if elementwise(step):
            release(ending, kinds, free)
        if may_have_buffer(program, step, last):
            kind = program.kinds[step.out]
            name = free[kind].pop() if free[kind] else f"b{len(kinds)}"
            names[step.out], kinds[name] = name, kind
        if not elementwise(step):
            release(ending, kinds, free)
    return names, kinds


def release(ending: list[str], kinds: dict, free: dict) -> None:
    """Buffers that end are free for others of their kind."""
    for name in ending:
        free[kinds[name]].append(name)


def write(program: Program) -> tuple[str, dict, dict]:
    """The text of a program, what its constants and functions are, and its buffers."""
    writer, (names, kinds) = Writer(program), share_buffers(program)
    text = write_lines(program, writer, names)
    return text, writer.space, {name: empty(kind) for name, kind in kinds.items()}


def same_in_python(program: Program, step: Step) -> bool:
    """Whether a step of single numbers has the same bits if Python does it."""
    if not is_arithmetic(step):
        return False
    return all(program.kinds[n].type is np.float64 for n in used(step))


def with_python_numbers(program: Program) -> Program:
    """The same program, which counts with Python's numbers where it can."""
    wanted = {ref.number for ref in program.outputs}
    for step in program.steps:
        if not same_in_python(program, step):
            wanted |= set(used(step))
    twins, steps = set(), []  # the values that have a number of Python's beside them
    for step in program.steps:
        if not same_in_python(program, step):
            steps.append(step)
            continue
        steps += [to_python(program, n) for n in set(used(step)) - twins]
        twins |= {*used(step), step.out}
        steps.append(in_python(program, step))
        if step.out in wanted:
            steps.append(to_numpy(program, step.out))
    return with_twins(program, steps)


class Run(RunMethods):
    """Elementwise steps that go through their arrays piece by piece."""

    # How the text for a piece is written.
    write = staticmethod(write)

    def is_cut(self, kind) -> bool:
        """Whether a value has the rows of the results, and not only goes with each."""
        return len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]

    def __call__(self, *arrays) -> None:
        """Do all steps on one piece after the other."""
        for start in range(0, self.shape[0], self.length):
            stop = min(start + self.length, self.shape[0])
            step = self.function(stop - start)
            step(*[x[start:stop] if cut else x for x, cut in zip(arrays, self.cut)])


def with_state(step: Callable, slots: list) -> Callable:
    """A step as a function that takes, and gives, what is in some slots, too."""

    def pure(state, *arguments):
        for slot, array in zip(slots, state):
            slot.put(array)
        outputs = step(*arguments)
        return outputs, [slot.get() for slot in slots]

    return pure


def first_difference(one: Program, other: Program) -> Step | None:
    """The first step that is not the same in two programs."""
    for step, second in zip_longest(one.steps, other.steps):
        if step is None or second is None:
            return second or step
        if described(step, by_value) != described(second, by_value):
            return second
    return None


def prepare(call) -> Ready:
    """Trace a step, and clean its program; it is written when it is confirmed."""

    def cleaned(program):
        for clean in (without_dead, without_common, without_copies):
            program = clean(program)
        return program

    def written(program):
        return write(in_pieces(with_python_numbers(program), Run))

    program, takes, template = call.traced(trace, with_state, cleaned)
    return Ready(program, takes, template, evaluate, written)


class Compiled(CompiledMethods):
    """A step that is traced at its first calls, and later runs as a program."""

    def ready_for(self, call) -> Ready:
        """The program for a call."""
        known = self.kept.get(call.key)
        if known is not None and known.confirmed:
            return known
        self.traces += 1
        ready = confirmed(prepare(call), known, self.kept.values(), first_difference)
        self.kept[call.key] = ready
        return ready


@extend(Compiled)
class Calling:
    """A compiled step is called as the step itself."""

    def __call__(self, *arguments, **settings):
        with self.lock:
            if self.holders.tracing or stand_ins((arguments, settings)):
                return self.step(*arguments, **settings)
            call = self.holders.look(arguments, settings)
            self.last = self.ready_for(call)
            return self.last.run(call)


def compile(step: Callable, *holders, backend: str = "auto") -> Compiled:
    """A function that does what a step does, without the engine.

    At its first call with given shapes, dtypes and modes, the step is run on stand-ins
    and becomes a program; at the second it is traced once more, to be sure that nothing
    is frozen; from then on, the program runs. Results have the same bits. In these two
    calls, what the step uses holds stand-ins: no other thread may use it meanwhile,
    but in compiled steps.

    Parameters
    ----------
    step : callable
        Takes arrays, Tensors, Variables, and tuples, lists and dictionaries of them,
        and gives such. What it refers to (networks, optimizers, generators, arrays) is
        found, and changes as if the step had run.
    *holders : object
        Further networks and so on that it changes.
    backend : {"auto", "lines", "loops", "c"}
        Whether `tinytorch.fast` runs the program where it can, by numpy's loops or by
        functions of C; it needs a C compiler. "auto" begins with loops, and goes on
        with C for a program that runs often.

    Returns
    -------
    Compiled
        Its `source` is the text of the program that ran last; `steps`, `buffers`,
        `bytes` and `traces` tell more. Variables that it returns have no history.

    Raises
    ------
    CannotTrace
        When it is called: if what the step does depends on the numbers in its arrays,
        or a second trace shows that something was frozen; names the line.

    Examples
    --------
    >>> double = compile(lambda x: x + x)
    >>> double(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Compiled(step, *holders, backend=backend)


__all__ = """
    CannotTrace Compiled Program Step Tape compile trace
""".split()

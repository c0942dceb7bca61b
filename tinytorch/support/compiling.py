"""Around a compiled step: tracing until nothing is frozen, and running what was written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinytorch.support.holders import Again, Call, restored
from tinytorch.support.stand_ins import CannotTrace, filled, refs, Ref


def renumbered(program, names: list[str]):
    """The same program with values numbered in the order in which they appear; unused inputs go."""
    used = {r.number for s in program.steps for r in refs((s.inputs, s.settings))}
    used |= {r.number for r in refs(program.outputs)} | {w for s in program.steps for w in s.writes}
    kept = [(n, name) for n, name in zip(program.inputs, names, strict=True) if n in used]
    order = [n for n, _ in kept] + [s.out for s in program.steps if s.out is not None]
    new = {n: i for i, n in enumerate(order)}
    groups: dict[int, int] = {}
    for n in order:
        groups.setdefault(program.groups[n], new.get(program.groups[n], new[n]))

    def change(n: int) -> Ref:
        return Ref(new[n])

    steps = [
        replace(
            s,
            inputs=filled(s.inputs, change),
            settings=filled(s.settings, change),
            writes=tuple(new[w] for w in s.writes),
            out=None if s.out is None else new[s.out],
        )
        for s in program.steps
    ]
    return replace(
        program,
        steps=steps,
        inputs=[new[n] for n, _ in kept],
        outputs=filled(program.outputs, change),
        kinds=[program.kinds[n] for n in order],
        groups=[groups[program.groups[n]] for n in order],
        names=identifiers([name for _, name in kept]),
    )


def identifiers(names: list[str]) -> dict[int, str]:
    """Names that Python allows, each another."""
    found: dict[int, str] = {}
    for i, name in enumerate(names):
        name = re.sub(r"\W", "_", name).strip("_") or "x"
        name = f"x{name}" if name[0].isdigit() or re.fullmatch(r"[vb]\d+", name) else name
        while name in found.values():
            name += "_"
        found[i] = name
    return found


class Ready:
    """A program that can be run.

    Attributes
    ----------
    program : Program
        Cleaned.
    source : str
        Its text.
    confirmed : bool
        Whether two traces have given the same.
    """

    def __init__(self, program, takes: list[int], template, written: tuple):
        self.program, self.takes, self.template = program, takes, template
        self.source, self.space, self.buffers = written
        self.confirmed = False
        space = {**self.space, **self.buffers}
        exec(compile(self.source, "<step>", "exec"), space)
        self.function = space["step"]

    def run(self, call: Call):
        """Run it with the values of a call."""
        values = call.values
        with np.errstate(all="ignore"):
            results = self.function(*[values[i] for i in self.takes])
        return call.finish(self.template, results)


class CompiledMethods:
    """What a compiled step says of itself, and how it traces."""

    step: Callable
    holders: Any
    kept: dict
    traces: int
    last: Ready

    def traced(self, call: Call, before: Ready | None) -> Ready:
        """Trace a step at this call; compare with earlier traces."""
        from tinytorch.core import compiler

        while True:
            try:
                ready = self._trace(call, compiler)
                break
            except Again:
                call = self.holders.look(call.arguments, call.settings)
        for known in self.kept.values():
            same = known.program.names == ready.program.names and known.template == ready.template
            if same and compiler.first_difference(known.program, ready.program) is None:
                known.confirmed = True
                self.kept[call.key] = known
                return known
        if before is not None:
            raise frozen(before, ready, compiler)
        self.kept[call.key] = ready
        return ready

    def _trace(self, call: Call, compiler) -> Ready:
        self.traces += 1
        places = call.places()
        with restored(call.walk), restored_slots(call):
            values = [call.values[i] for i in places]
            program = compiler.trace(call.pure(compiler.with_state), *values)
        outputs, template = program.outputs
        program = compiler.cleaned(replace(program, outputs=outputs))
        names = [call.slots[i].name for i in places]
        numbers = dict(zip(program.inputs, places, strict=True))
        kept = used_inputs(program)
        takes = [numbers[n] for n in program.inputs if n in kept]
        program = renumbered(program, names)
        return Ready(program, takes, template, compiler.write(program))

    @property
    def source(self) -> str:
        """The text of the program that ran last."""
        return self.last.source

    @property
    def steps(self) -> list:
        """Its steps."""
        return self.last.program.steps

    @property
    def buffers(self) -> list[np.ndarray]:
        """The arrays that it uses at each call."""
        return list(self.last.buffers.values())

    @property
    def bytes(self) -> int:
        """How much memory these take."""
        return sum(b.nbytes for b in self.buffers)


def used_inputs(program) -> set[int]:
    """The numbers of the inputs that a program needs."""
    used = {r.number for s in program.steps for r in refs((s.inputs, s.settings))}
    return used | {r.number for r in refs(program.outputs)}


class restored_slots:
    """Afterwards, the slots of arguments hold what they held."""

    def __init__(self, call: Call):
        self.call = call

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error) -> None:
        for slot, value in zip(self.call.slots, self.call.values, strict=True):
            slot.put(value)


def frozen(before: Ready, now: Ready, compiler) -> CannotTrace:
    """The error for a program that another trace did not confirm."""
    step = compiler.first_difference(before.program, now.program)
    where = f"{step.line}: " if step is not None else ""
    name = getattr(step.function, "__name__", "a step") if step is not None else "what is returned"
    return CannotTrace(
        f"{where}a second trace differs here, at {name}: something changes from call to call that "
        "the step does not know, such as a counter or a draw; keep it in what compile() is given, "
        "and draw from a generator"
    )

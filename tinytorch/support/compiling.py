"""Around a compiled step: programs that can be run, and that a second trace has confirmed."""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import tinytorch.core.autograd  # noqa: F401  # with it, a Tensor takes what stands in for an array
from tinytorch.support.calls import METHODS, getitem, setitem
from tinytorch.support.holders import Call, Holders
from tinytorch.support.old_gradients import let_go, made_anew
from tinytorch.support.programs import refs
from tinytorch.support.silence import silently
from tinytorch.support.stand_ins import CannotTrace
from tinytorch.support.writing import held_elsewhere


class Ready:
    """A program that can be run: at first step by step, and as a text when it is confirmed.

    To write a program takes longer than to go through it once or twice.

    Parameters
    ----------
    program : Program
        Cleaned and tidied, with all steps one by one.
    takes : list of int
        The slot of each input.
    template : Template
        What its results are for.
    evaluate, written : callable
        What runs a program step by step, and what writes it: they give its results; and its text,
        a function named ``step``, what constants and functions in it stand for, and its memory.

    Attributes
    ----------
    confirmed : bool
        Whether two traces have given the same.
    settled : bool
        Whether it runs as fast as it ever will.
    """

    def __init__(self, program, takes: list[int], template, evaluate: Callable, written: Callable):
        self.program, self.takes, self.template = program, takes, template
        self.evaluate, self.written = evaluate, written
        self.function: Callable | None = None  # that of its text, when it has been written
        self.confirmed, self.settled = False, False
        self.backend, self.runs = "lines", 0

    @functools.cached_property
    def saved(self) -> list[int]:
        """The inputs of which there must be a copy, should the program fail."""
        return written_before_a_risk(self.program)

    @functools.cached_property
    def old_gradients(self) -> list[int]:
        """The slots of large gradients that can be let go; none if the program may fail."""
        if any(map(may_raise, self.program.steps)):
            return []
        return made_anew(self.program, self.takes, self.template)

    @functools.cached_property
    def is_large(self) -> bool:
        """Whether steps one by one would keep much, and loops only what they need."""
        kinds = [self.program.kinds[s.out] for s in self.program.steps if s.out is not None]
        sizes = [kind.size * kind.dtype.itemsize for kind in kinds if kind.type is np.ndarray]
        return sum(sizes) > LARGE

    @functools.cached_property
    def source(self) -> str:
        """Its text, in lines of numpy."""
        source, names, _ = self.written(self.program)
        return "\n\n".join([*(run.source for run in runs_in(names)), source])

    @functools.cached_property
    def buffers(self) -> list[np.ndarray]:
        """The arrays that it uses again at each call."""
        _, names, buffers = self.written(self.program)
        return memory_of(names, buffers)

    def hasten(self, lesson, backend: str) -> None:
        """Run by C from now on, by numpy's inner loops, or by fewer and cheaper lines.

        Its `source` stays that of the lines, which do the same.
        """
        from tinytorch.fast import hastened

        found = hastened(self.program, lesson, backend)
        if found is not None:
            self.run_as(*found[:3])
            self.backend = found[3]

    def run_as(self, source: str, names: dict, buffers: dict) -> None:
        """Run as a text from now on."""
        self.buffers = memory_of(names, buffers)
        self.function = function_of(source, names | buffers)

    def run(self, call: Call):
        """Run it with the values of a call."""
        if self.confirmed:
            call.remember()
        if self.confirmed or self.is_large:
            self.be_fast(call.holders.hasten)
        known = call.values
        values = [known[i] for i in self.takes]
        del known
        if self.old_gradients:
            let_go(call.holders, self.old_gradients)
        before = [(values[i], values[i].copy()) for i in self.saved]
        try:
            results = silently(self.function or self.step_by_step, values)
        except BaseException:
            for array, copy in before:
                array[...] = copy
            raise
        return call.finish(self.template, results)

    def be_fast(self, hasten: Callable | None) -> None:
        """Run as a text, and as the fastest that there is."""
        if not self.settled and hasten is not None:
            hasten(self)
        if self.function is None:
            self.run_as(*self.written(self.program))

    def step_by_step(self, *values) -> list:
        """The results, each in memory of its own, without a text."""
        results = self.evaluate(self.program, *values)
        held = held_elsewhere(self.program)
        return [np.array(x) if is_held else x for x, is_held in zip(results, held, strict=True)]


def runs_in(names: dict) -> list:
    """The runs among what names in a text stand for."""
    return [x for x in names.values() if hasattr(x, "source")]


def memory_of(names: dict, buffers: dict) -> list[np.ndarray]:
    """The memory of a text, and that of the runs in it."""
    return [*buffers.values(), *(x for run in runs_in(names) for x in run.buffers.values())]


def function_of(source: str, space: dict) -> Callable:
    """The function named ``step`` in a text."""
    exec(compile(source, "<step>", "exec"), space)
    return space.pop("step")  # which knows this space; both are free when nobody needs the function


def written_before_a_risk(program) -> list[int]:
    """The inputs that are written to before a step that may raise an error."""
    written: set[int] = set()
    found: set[int] = set()
    for step in program.steps:
        if written and may_raise(step):
            found |= written
        written.update([program.groups[w] for w in step.writes])
    arrays = [n for n in program.inputs if program.kinds[n].type is np.ndarray]
    return sorted(n for n in arrays if program.groups[n] in found)


LOOKS_UP = {getitem, setitem, METHODS["take"], METHODS["choice"]}


def may_raise(step) -> bool:
    """Whether a step that went well in a trace may raise an error for other numbers."""
    where = getattr(step.function, "__module__", None) or ""
    by_numbers = step.function in LOOKS_UP and any(refs(step.inputs[1:2]))
    return (
        by_numbers or where.startswith("numpy.linalg") or hasattr(step.function, "looks_at_values")
    )


def confirmed(
    fresh: Ready, known: Ready | None, others: Iterable[Ready], difference: Callable
) -> Ready:
    """The program to go on with, after another trace.

    Raises
    ------
    CannotTrace
        If an earlier trace for such inputs gave another program; names the line.
    """
    for other in others:
        same = other.takes == fresh.takes and other.template == fresh.template
        if same and is_the_same(other.program, fresh.program, difference):
            other.confirmed = True
            return other
    if known is None:
        return fresh
    step = difference(known.program, fresh.program)
    where, what = ("", "in what is returned") if step is None else (f"{step.line}: ", f"at {step}")
    raise CannotTrace(
        f"{where}a second trace differs {what}; something changes from call to call that the step "
        "does not know, such as a draw, or a counter in a place that is not looked at. Draw from a "
        "generator that the step refers to, and give compile() what holds the counter"
    )


def is_the_same(one, other, difference: Callable) -> bool:
    """Whether two programs are the same; it is one if their traces were."""
    return one is other or (
        one.kinds == other.kinds and one.groups == other.groups and difference(one, other) is None
    )


LARGE = 2**25  # bytes of all that a program computes
OFTEN = 100  # runs after which a program is worth a C compiler's time
HAS_FAST = importlib.util.find_spec("tinytorch.fast") is not None


def checked_backend(backend: str) -> str:
    """A backend's name, if there is one of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if backend not in ("auto", "lines", "loops", "c"):
        raise ValueError(f"there is no backend {backend!r}; choose 'auto', 'lines', 'loops' or 'c'")
    return backend


class CompiledMethods:
    """What a compiled step says of itself."""

    last: Ready | None
    __call__: Callable
    is_compiled_step = True  # its steps refer to what its `refers_to` does
    # One for all steps: while one is traced, what it shares with others holds stand-ins.
    lock = threading.RLock()

    def __init__(self, step: Callable, *holders, backend: str = "auto"):
        self.step, self.holders = step, Holders(step, holders)
        self.backend = checked_backend(backend)
        self.holders.hasten = self._hasten
        self.kept: dict[tuple, Ready] = {}
        self.traces, self.last = 0, None
        self.refers_to = (step, *holders)  # whoever looks for state need not look further

    def __get__(self, owner, kind: type | None = None):
        """In a class, a method like others: its first argument is the object."""
        return self if owner is None else functools.partial(self, owner)

    def _hasten(self, ready: Ready) -> None:
        """Run a confirmed program by loops or C, if there are any.

        A lesson's own compiler runs the lines that it writes, unless it is asked for another way.
        Of itself, a program runs by loops at once, and by C when it has run often: a C compiler
        takes as long as some hundred runs of a small step.
        """
        ready.runs += 1
        in_lesson = type(self).__module__ == "__main__"
        if not HAS_FAST or (in_lesson and self.backend in ("auto", "lines")):
            ready.settled = True
            return
        often = ready.runs > OFTEN
        ready.settled = self.backend != "auto" or often
        if ready.settled or ready.runs == 1:
            better = "c" if often and self.backend == "auto" else self.backend
            lesson = sys.modules[type(self).__module__]
            better = "loops" if better == "auto" else better
            ready.hasten(lesson, better)

    def _ready(self) -> Ready:
        if self.last is None:
            raise RuntimeError("there is no program yet; call the compiled step once")
        return self.last

    @property
    def program(self) -> Any:
        """The program that ran last."""
        return self._ready().program

    @property
    def source(self) -> str:
        """Its text."""
        return self._ready().source

    @property
    def steps(self) -> list:
        """Its steps."""
        return self.program.steps

    @property
    def buffers(self) -> list[np.ndarray]:
        """The arrays that it uses again at each call."""
        return self._ready().buffers

    @property
    def bytes(self) -> int:
        """How much memory these take."""
        return sum(buffer.nbytes for buffer in self.buffers)

    def draw(self):
        """A chart of lifetimes: which value of the lines is in which buffer, and when.

        Returns
        -------
        Picture
            A notebook shows it; see `tinytorch.graph.showing.lifetimes`.
        """
        from tinytorch.graph.showing.lifetimes import draw_lifetimes

        lesson = sys.modules[type(self).__module__]
        program = lesson.in_pieces(lesson.with_python_numbers(self.program), lesson.Run)
        return draw_lifetimes(program, lesson.lifetimes(program), *lesson.share_buffers(program))

    def __repr__(self) -> str:
        name = getattr(self.step, "__name__", "a step")
        if self.last is None:
            return f"compile({name}), not called yet"
        by = {"loops": ", by loops", "c": ", by C"}.get(self.last.backend, "")
        return f"compile({name}): {len(self.steps)} steps, {len(self.buffers)} buffers{by}"

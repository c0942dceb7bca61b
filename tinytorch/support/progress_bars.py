"""How far an epoch is: a bar in a terminal, a line in a notebook, and nothing anywhere else."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

Report = Callable[[int], None]
PAUSE = 0.1  # seconds between two changes of what is shown


def with_progress(iterate: Callable) -> Callable:
    """Let a method ``__iter__`` show how far it is, where the object's `progress` is true.

    The object has a length. Nothing is shown where nobody looks: in a file, a pipe, while grading.
    """

    @functools.wraps(iterate)
    def iterate_and_show(self) -> Iterator:
        batches = iterate(self)
        return shown(batches, len(self)) if getattr(self, "progress", False) else batches

    return iterate_and_show


def shown(batches, total: int) -> Iterator:
    """Hand on some batches, and show how many have been worked on."""
    with where_somebody_looks(total) as report:
        for done, batch in enumerate(batches, 1):
            yield batch
            report(done)


def where_somebody_looks(total: int, what: str = "batches") -> AbstractContextManager[Report]:
    """What shows a count: a bar, a line, or nothing."""
    if in_a_notebook():
        return Line(total, what)
    if sys.stderr.isatty():
        return bar(total, what)
    return nullcontext(lambda done: None)


def in_a_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return hasattr(get_ipython(), "kernel")


def bar(total: int, what: str = "batches") -> AbstractContextManager[Report]:
    """A bar in the terminal, by rich; without rich a line."""
    try:
        return Bar(total)
    except ImportError:
        return Line(total, what)


class Bar:
    """A bar in a terminal, with the time that it still takes."""

    def __init__(self, total: int):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self.progress = Progress(*columns, console=Console(stderr=True))
        self.task = self.progress.add_task("", total=total)

    def __enter__(self) -> Report:
        from rich.errors import LiveError

        with suppress(LiveError):  # a bar around this one has the terminal, with an older rich
            self.progress.start()
        return lambda done: self.progress.update(self.task, completed=done)

    def __exit__(self, *error) -> None:
        self.progress.stop()


class Line:
    """One line that changes: in a notebook an output, in a terminal the line of the cursor."""

    def __init__(self, total: int, what: str = "batches"):
        self.what = what
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.last = self.start - PAUSE
        self.handle: Any = None

    def __enter__(self) -> Report:
        return self.report

    def report(self, done: int) -> None:
        """Show a count, if the last one has been there for a moment, or if it is the last."""
        self.done = done
        if done == self.total or time.monotonic() - self.last >= PAUSE:
            self.show()

    def show(self) -> None:
        """Show the present count instead of the last one."""
        self.last = time.monotonic()
        if not in_a_notebook():
            print(f"\r{self!r}", end="", file=sys.stderr, flush=True)
        elif self.handle is None:
            from IPython.display import display

            self.handle = display(self, display_id=True)
        else:
            self.handle.update(self)

    def __repr__(self) -> str:
        seconds = time.monotonic() - self.start
        return f"{self.done} of {self.total} {self.what}, {seconds:.1f} s"

    def __exit__(self, *error) -> None:
        if not in_a_notebook():
            print(file=sys.stderr)

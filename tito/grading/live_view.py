"""Saying how far grading has come: a bar on a terminal, lines in a log, or JSON."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from tito.files import printable
from tito.grading.report import Graded

SHORT = 0.5  # seconds, after which there is a pace to speak of


class Progress:
    """Says nothing."""

    def begin(self, total: int, jobs: int, dashboard: str) -> None:
        """So many submissions are to be graded, so many at once."""

    def done(self, graded: Graded) -> None:
        """One has a mark, or will have none."""

    def end(self) -> None:
        """That was the last one."""


class Lines(Progress):
    """A line for each submission, with the pace and the time left."""

    def begin(self, total: int, jobs: int, dashboard: str) -> None:
        self.total, self.count, self.start = total, 0, time.monotonic()
        if dashboard:
            self.say(f"Dask dashboard: {dashboard}")
        if total and jobs:
            self.say(f"{total} to grade, {jobs} at once")

    def done(self, graded: Graded) -> None:
        if not graded.new:
            return
        self.count += 1
        seconds = time.monotonic() - self.start
        pace, left = pace_of(self.count, seconds), (self.total - self.count) * seconds / self.count
        said = f" ({pace}, {left:.0f} s left)" if pace else ""
        self.say(f"{self.count}/{self.total} {printable(graded.student)}: {mark_of(graded)}{said}")

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=sys.stderr, flush=True)


class JsonLines(Progress):
    """A JSON object a line on standard output: ``begin``, ``submission`` for each, ``end``."""

    def begin(self, total: int, jobs: int, dashboard: str) -> None:
        self.say(event="begin", total=total, jobs=jobs, dashboard=dashboard)

    def done(self, graded: Graded) -> None:
        self.say(event="submission", **asdict(graded))

    def end(self) -> None:
        self.say(event="end")

    def say(self, **line) -> None:
        """Print a line."""
        print(json.dumps(line), flush=True)


class Bar(Progress):
    """A bar on a terminal."""

    def begin(self, total: int, jobs: int, dashboard: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True, highlight=False)
        if dashboard:
            console.print(f"Dask dashboard: {dashboard}")
        pace = TextColumn("{task.fields[pace]}")
        self.bar = RichProgress(
            BarColumn(),
            MofNCompleteColumn(),
            pace,
            TimeRemainingColumn(),
            TextColumn("{task.fields[latest]}"),
            console=console,
            transient=True,
        )
        self.start, self.count = time.monotonic(), 0
        self.task = self.bar.add_task("", total=total, pace="", latest="")
        self.bar.start()

    def done(self, graded: Graded) -> None:
        if not graded.new:
            return
        self.count += 1
        pace = pace_of(self.count, time.monotonic() - self.start)
        latest = f"{printable(graded.student)}: {mark_of(graded)}"
        self.bar.update(self.task, advance=1, pace=pace, latest=latest)

    def end(self) -> None:
        self.bar.stop()


def pace_of(count: int, seconds: float) -> str:
    """How fast it goes; nothing as long as there is no telling."""
    return f"{count / seconds * 60:.0f} a minute" if seconds > SHORT else ""


def mark_of(graded: Graded) -> str:
    """A mark in words."""
    return "no mark" if graded.score is None else f"{graded.score:g} of {graded.most:g}"


def shown(as_json: bool) -> Progress:
    """What suits whoever is looking."""
    if as_json:
        return JsonLines()
    return Bar() if sys.stderr.isatty() else Lines()

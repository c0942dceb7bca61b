"""Parsing what a student wrote in a process with limits first, so that the grader parses no text
that would take its memory, or its time.

The process is kept, and serves all submissions; only a text that was never seen costs anything.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import select
import subprocess
import sys
import threading
from collections.abc import Iterable

from tito.judge import parse_one
from tito.syntax import refuse_what_is_dear

SECONDS = 1.0  # of CPU, for all texts of a submission; a long honest one takes a twentieth
PATIENCE = 60.0  # seconds until an answer, on a machine that has other things to do
MOST_KNOWN = 20_000  # texts that are remembered, by their hash


class LimitedParser:
    """A process that parses, started when it is needed and again when it has died."""

    def __init__(self):
        self.lock, self.process = threading.Lock(), None
        self.known: set[bytes] = set()
        atexit.register(self.end)

    def too_dear(self, cells: Iterable[Iterable[str]]) -> set[int]:
        """The places of those cells that take too long to parse, or too much memory.

        Parameters
        ----------
        cells : iterable of iterable of str
            For each cell, the texts that are parsed of it; what is refused before it is parsed
            costs nothing, and is not meant.
        """
        left, dear = SECONDS, set()
        with self.lock:
            for number, texts in enumerate(cells):
                for text in texts:
                    if self._is_new(text):
                        took = self._seconds(text, left)
                        left = max(left - took, 0.0)
                        if took == float("inf"):
                            dear.add(number)
                            break
                        self._remember(text)
        return dear

    def _is_new(self, text: str) -> bool:
        try:
            refuse_what_is_dear(text)
        except ValueError:
            return False
        return _digest(text) not in self.known

    def _remember(self, text: str) -> None:
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known.add(_digest(text))

    def _seconds(self, text: str, most: float) -> float:
        """How long a text takes to parse; infinity for one that takes too much."""
        if most <= 0:
            return float("inf")
        if self.process is None or self.process.poll() is not None:
            self._start()
        try:
            request = json.dumps({"text": text, "seconds": most}) + "\n"
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            answer = json.loads(self.process.stdout.readline()) if ready else [False, 0]
        except (OSError, ValueError):  # it was ended by its limits
            answer = [False, 0]
        if answer[0]:
            return answer[1]
        self.end()
        return float("inf")

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", parse_one.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            self.process = None


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


PARSER = LimitedParser()

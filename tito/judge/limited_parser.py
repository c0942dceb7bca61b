"""Parsing what a student wrote in a process with limits first, so that the grader parses no text
that would take its memory, or its time.

The process is kept, and serves all submissions; only a long text that was never seen costs
anything, and short ones as soon as there are very many.
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
SHORT, FREE = 5_000, 150_000  # characters of a text, and of all of them, that cost little at worst
PATIENCE = 60.0  # seconds until an answer, on a machine that has other things to do
MOST_KNOWN = 20_000  # texts that are remembered, by their hash


class LimitedParser:
    """A process that parses, started when it is needed and again when it has died."""

    def __init__(self):
        self.lock, self.process = threading.Lock(), None
        self.known: set[bytes] = set()
        atexit.register(self.end)

    def too_dear(self, cells: Iterable[Iterable[str]]) -> dict[int, str]:
        """Those cells that take too long to parse, or too much memory.

        Parameters
        ----------
        cells : iterable of iterable of str
            For each cell, the texts that are parsed of it.

        Returns
        -------
        dict
            By the place of the cell, why.
        """
        left, free, dear = SECONDS, FREE, {}
        with self.lock:
            for number, texts in enumerate(cells):
                for text in texts:
                    try:
                        if not self._is_new(text):
                            continue
                        if len(text) <= min(SHORT, free):
                            free -= len(text)
                        else:
                            left -= self._seconds(text, left)
                        self._remember(text)
                    except ValueError as error:
                        dear[number] = str(error)
                        break
        return dear

    def _is_new(self, text: str) -> bool:
        """Whether a text was not parsed before; raises as `refuse_what_is_dear`."""
        refuse_what_is_dear(text)
        return _digest(text) not in self.known

    def _seconds(self, text: str, most: float) -> float:
        """How long a text takes to parse.

        Raises
        ------
        ValueError
            If it is too dear; says why.
        """
        parsed, seconds = self._ask(text, most) if most > 0 else (False, 0.0)
        if not parsed:
            self.end()
            raise ValueError("it takes too long or too much memory to parse")
        return seconds

    def _remember(self, text: str) -> None:
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known.add(_digest(text))

    def _ask(self, text: str, most: float) -> tuple[bool, float]:
        """Whether a text was parsed in some seconds, and in how many."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        try:
            request = json.dumps({"text": text, "seconds": most}) + "\n"
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            parsed, seconds = json.loads(self.process.stdout.readline()) if ready else (False, 0.0)
        except (OSError, ValueError):  # it was ended by its limits
            return False, 0.0
        return parsed, seconds

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

"""Running a notebook in an interpreter of its own, for its outputs; no mark depends on it."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from tito import sandbox
from tito.notebook.read import refuse_too_many_values
from tito.steps.outputs import size_of

RUNNER = Path(__file__).with_name("runner.py")  # not imported here: it changes its process
START_UP = 60.0  # seconds until the interpreter is there
MOST_KILLED = 3  # interpreters that are lost by no fault of the notebook's, until it is blamed
GRACE = 4.0  # seconds from an interrupt until the interpreter is killed
ONE_LINE = 50_000_000  # bytes
UPDATE = 20  # bytes that each update of an output counts for, as it takes time
STREAMS = ("stdout", "stderr")


@dataclass(frozen=True)
class Running:
    """How long a notebook may run, and how much it may show.

    Attributes
    ----------
    timeout : float or None
        Seconds for a cell.
    most_timeouts : int
        After so many cells that took too long, the others are not run.
    most_bytes : int
        Of all outputs together, as they stand in the notebook.
    total : float
        Seconds for all cells together.
    """

    timeout: float | None = 60
    most_timeouts: int = 3
    most_bytes: int = 50_000_000
    total: float = 600


@dataclass
class Ran:
    """What came of it.

    Attributes
    ----------
    timeouts : list of int
        The places of the cells that took too long.
    ended : str
        Why not all cells were run; empty if they were.
    late : bool
        Whether that was because all cells together took too long.
    seconds : float
        How long the cells took, without the start of the interpreter.
    """

    timeouts: list[int] = field(default_factory=list)
    ended: str = ""
    late: bool = False
    seconds: float = 0.0


def execute(
    nb,
    folder: Path,
    limits: Running,
    left_out: Collection[int] = (),
    library: Path | None = None,
) -> Ran:
    """Run the code cells of a notebook, and put their outputs into it.

    Parameters
    ----------
    nb : NotebookNode
        The notebook; its outputs and execution counts are replaced.
    folder : Path
        Where its interpreter runs, from which it imports `tinytorch`.
    limits : Running
        How long it may take.
    left_out : collection of int
        The places of cells that are not run; they stay as they are.
    library : Path, optional
        A folder whose contents are in the folder as well, as its interpreter sees it.

    Returns
    -------
    Ran
        What was not run, or not to its end; the outputs up to there are in the notebook.
    """
    for _ in range(MOST_KILLED):
        ran, lost = _execute(nb, folder, limits, left_out, library)
        if not lost:
            return ran
    return _execute(nb, folder, limits, left_out, library)[0]


def _execute(
    nb, folder: Path, limits: Running, left_out: Collection[int], library: Path | None
) -> tuple[Ran, bool]:
    """Run the cells once; also gives whether the interpreter was lost by no fault of theirs."""
    ran, shown = Ran(), Outputs(nb, limits.most_bytes)
    todo = [
        n
        for n, cell in enumerate(nb.cells)
        if cell.cell_type == "code" and cell.source.strip() and n not in left_out
    ]
    if not todo:
        return ran, False
    interpreter = Interpreter(folder, limits.most_bytes, library)
    try:
        started = _run_cells(interpreter, todo, limits, ran, shown)
        if not interpreter.died:
            return ran, False
        return ran, not started or sandbox.was_killed(interpreter.process)
    finally:
        interpreter.end()


def _run_cells(
    interpreter: Interpreter, todo: list[int], limits: Running, ran: Ran, shown: Outputs
) -> bool:
    """Run cells until one ends it all; whether their Python started."""
    if interpreter.wait_for("ready", True, START_UP, shown.take) is None:
        why = f": {interpreter.ended}" if interpreter.ended else f" within {START_UP:.0f} s"
        ran.ended = f"its Python did not start{why}"
        return False
    deadline = time.monotonic() + limits.total
    for number in todo:
        if len(ran.timeouts) >= limits.most_timeouts:
            break
        begin = time.monotonic()
        shown.begin(number)
        left = deadline - begin
        is_last = left < (limits.timeout or limits.total)
        seconds = left if is_last else limits.timeout
        _run_cell(interpreter, number, shown.nb.cells[number].source, seconds, ran, shown)
        ran.seconds += time.monotonic() - begin
        if is_last and number in ran.timeouts:
            ran.timeouts.remove(number)
            ran.late, ran.ended = True, f"all cells together took longer than {limits.total:g} s"
        if ran.ended:
            break
    return True


def _run_cell(
    interpreter: Interpreter, number: int, source: str, seconds: float, ran: Ran, shown: Outputs
) -> None:
    interpreter.send(cell=number, source=source)
    done = interpreter.wait_for("done", number, max(seconds, 0.01), shown.take)
    if done is None and not interpreter.ended:
        interpreter.send(interrupt=number)
        done = interpreter.wait_for("done", number, GRACE, shown.take)
        ran.timeouts.append(number)
        shown.timed_out()
        if done is None and not interpreter.ended:
            ran.ended = "it did not react to an interrupt"
            return
    if done is None:
        ran.ended = interpreter.ended
        return
    if isinstance(done.get("count"), int):
        shown.cell.execution_count = done["count"]
    if done.get("stopped"):
        ran.ended = "it ended its Python"


class Interpreter:
    """A process that runs cells; see runner.py."""

    def __init__(self, folder: Path, most_bytes: int, library: Path | None = None):
        self.process = sandbox.start_python(RUNNER, folder, view="notebook", library=library)
        self.lines: queue.Queue = queue.Queue(maxsize=1000)
        self.most_bytes, self.ended, self.died = most_bytes, "", False
        self.stopping = threading.Event()
        threading.Thread(target=self._receive, daemon=True).start()

    def send(self, **request) -> None:
        """Send one request; whoever is gone does not get it."""
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def wait_for(
        self, key: str, value, seconds: float | None, take: Callable[[dict], None]
    ) -> dict | None:
        """The line that has a key with a value; None if it does not come."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                line = self.lines.get(timeout=left)
            except queue.Empty:
                return None
            if line is None:
                self.died = not self.ended
                self.ended = self.ended or self.process.stopped_because or "its Python died"
                return None
            if line.get(key) == value:
                return line
            if isinstance(line.get("output"), dict):
                try:
                    take(line["output"])
                except TooMuch as error:
                    self.ended = str(error)
                    return None
            if left == 0:
                return None

    def end(self) -> None:
        """End the process and all that it started."""
        self.stopping.set()
        sandbox.kill(self.process)
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()

    def _receive(self) -> None:
        """Pass on each line that is a dictionary, up to a limit; None at the end."""
        taken, too_much = 0, f"it printed more than {self.most_bytes // 1_000_000} MB"
        try:
            while text := self.process.stdout.readline(ONE_LINE):
                taken += len(text)
                if taken > self.most_bytes:
                    self.ended = too_much
                    break
                with contextlib.suppress(ValueError, RecursionError, MemoryError):
                    refuse_too_many_values(text)
                    line = json.loads(text)
                    if isinstance(line, dict):
                        self._put(line)
        except (OSError, ValueError):
            pass
        self._put(None)
        with contextlib.suppress(OSError):
            self.process.stdout.close()

    def _put(self, line: dict | None) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(queue.Full):
                return self.lines.put(line, timeout=1)


class Outputs:
    """Puts outputs into the cells of a notebook, as Jupyter does."""

    def __init__(self, nb, most_bytes: int):
        self.nb, self.cell = nb, None
        self.most_bytes, self.left = most_bytes, most_bytes
        self.clear_before_next = False
        self.displays: dict[str, list] = {}

    def begin(self, number: int) -> None:
        """The outputs that follow are this cell's."""
        self.cell, self.clear_before_next = self.nb.cells[number], False
        self.cell.outputs, self.cell.execution_count = [], None

    def timed_out(self) -> None:
        """Say in the cell that it was stopped, in the words of nbgrader."""
        from nbformat.v4 import new_output

        said = "\x1b[0;31mCellTimeoutError\x1b[0m: No reply from kernel before timeout"
        self.cell.outputs.append(
            new_output("error", ename="CellTimeoutError", evalue="", traceback=[said])
        )

    def take(self, sent: dict) -> None:
        """Take up what was sent; what is malformed is left out."""
        if self.cell is None:
            return
        if sent.get("output_type") == "clear_output":
            self.clear_before_next = bool(sent.get("wait"))
            if not self.clear_before_next:
                self.cell.outputs = []
            return
        output = as_output(sent)
        if output is None:
            return
        name = sent.get("display_id") if isinstance(sent.get("display_id"), str) else None
        for earlier in self.displays.get(name, ()):
            self._make_room(size_of(output) - size_of(earlier) + UPDATE)
            earlier.update(data=output.data, metadata=output.metadata)
        if sent["output_type"] == "update_display_data":
            return
        if self.clear_before_next:
            self.cell.outputs, self.clear_before_next = [], False
        self._make_room(size_of(output))
        self._append(output)
        if name:
            self.displays.setdefault(name, []).append(output)

    def _make_room(self, more: int) -> None:
        """Count so many bytes more; what was cleared stays counted."""
        if more > self.left:
            raise TooMuch(f"it showed more than {self.most_bytes // 1_000_000} MB")
        self.left -= more

    def _append(self, output) -> None:
        last = self.cell.outputs[-1] if self.cell.outputs else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            self.cell.outputs.append(output)


class TooMuch(Exception):
    """The outputs of a notebook, as they stand in it, are more than may be kept."""


def as_output(sent: dict):
    """An output of nbformat, of what a process sent; None if it is none."""
    from nbformat.v4 import new_output

    kind = sent.get("output_type")
    if kind == "stream" and sent.get("name") in STREAMS and isinstance(sent.get("text"), str):
        return new_output("stream", name=sent["name"], text=sent["text"])
    if kind == "error" and _are_texts(sent.get("traceback")):
        name, says = str(sent.get("ename")), str(sent.get("evalue"))
        return new_output("error", ename=name, evalue=says, traceback=sent["traceback"])
    if kind not in ("display_data", "execute_result", "update_display_data"):
        return None
    data, metadata = _bundle(sent.get("data")), sent.get("metadata")
    if data is None or not isinstance(metadata, dict):
        return None
    if kind == "execute_result":
        count = sent.get("execution_count")
        return new_output(
            kind,
            data=data,
            metadata=metadata,
            execution_count=count if type(count) is int else None,
        )
    return new_output("display_data", data=data, metadata=metadata)


def _bundle(data) -> dict | None:
    """Data by its media type: text, or for JSON's types anything."""
    if not isinstance(data, dict):
        return None
    return {
        kind: content
        for kind, content in data.items()
        if isinstance(content, str) or _are_texts(content) or kind.endswith("json")
    }


def _are_texts(lines) -> bool:
    return isinstance(lines, list) and all(isinstance(line, str) for line in lines)

"""Running the notebook on the desk, and reading what its checks showed."""

from __future__ import annotations

import ast
import contextlib
import math
import os
import re
import subprocess
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from tito.course import Module
from tito.errors import TitoError
from tito.notebook.demo_cells import id_of_text, left_out
from tito.notebook.exercises import worth
from tito.notebook.export import sources_by_name
from tito.notebook.names import names_of
from tito.notebook.read import read_notebook
from tito.student.dependents import given_and_taken, users_of
from tito.student.desk import digest, remember
from tito.student.progress import SIGNS, WORDS

CELL_TIMEOUT = 30  # seconds
AFTERWARDS = 30  # seconds for all that is still to run, once a cell has not come to an end
FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")
IN_A_CELL = re.compile(r"\(\d+\.py, line (\d+)\)")  # how IPython places a syntax error
STOPPED = ("Timeout", "KeyboardInterrupt")
UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")
LOOK = "was it renamed, or its cell deleted? see: tito diff"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Checked:
    """What a checks cell showed.

    Attributes
    ----------
    name : str
        The exercise.
    points : float
        What it is worth.
    state : str
        ``"passed"``, ``"not done"``, ``"failed"``, ``"not run"``, or, where another exercise that
        it uses is not right yet, ``"waits"``.
    message : str
        What came, what was expected and the hint, in one line.
    block : tuple of str
        The same as the notebook shows it, without its title.
    """

    name: str
    points: float
    state: str
    message: str = ""
    block: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a terminal shows."""
        title = f"{SIGNS[self.state]} {self.name} ({worth(self.points)})"
        if self.state == "passed":
            return [title]
        if self.state == "waits":
            return [f"{title}: {self.message}"]
        details = self.block or ((f"  {self.message}",) if self.message else ())
        return [f"{title}: {WORDS[self.state]}", *details]


class Desk:
    """A kernel in which the cells of a notebook on the desk are run, one after the other.

    Parameters
    ----------
    module : Module
        Which module; its notebook is read as it is now.
    """

    def __init__(self, module: Module):
        import nbformat

        self.module = module
        self.nb = nbformat.read(module.desk, as_version=4)
        self.dead, self._ran = "", set()
        self.errors: dict[str, str] = {}  # of the exercises' own cells
        self.waits_for: dict[int, str] = {}  # cells that need what did not come to an end
        self.deadline = math.inf
        self.wrong: dict[str, set[int]] = {}  # exercises that fail, and the cells that use them
        self.giver = _givers(module)

    @contextlib.contextmanager
    def kernel(self) -> Iterator[Desk]:
        """Start it, and end it afterwards.

        Raises
        ------
        TitoError
            If there is no kernel to start.
        """
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient import NotebookClient
        from traitlets.config import Config

        folder = str(self.module.desk.parent)
        self.client = NotebookClient(
            self.nb,
            kernel_name="python3",
            timeout=CELL_TIMEOUT,
            interrupt_on_timeout=True,
            allow_errors=True,
            resources={"metadata": {"path": folder}},
            config=Config(KernelManager={"transport_encryption": "auto"}),
            error_on_timeout={"ename": "Timeout", "evalue": "", "traceback": ["Timeout"]},
        )
        environment = {k: v for k, v in os.environ.items() if k != "JPY_SESSION_NAME"}
        environment |= {"PYTHONPATH": str(self.module.root), "MPLBACKEND": "agg"}
        try:
            with self.client.setup_kernel(env=environment, cwd=folder, stderr=subprocess.DEVNULL):
                yield self
        except NoSuchKernel:
            raise TitoError("there is no Python kernel; run: tito doctor") from None

    def todo(self, changed: Collection[int] = ()) -> list[int]:
        """What has to be run for the checks: what has not been yet, and what has changed since.

        Demos, cells of the lesson that only show something, are among it only where another cell
        needs them.
        """
        wanted = set(range(len(self.nb.cells))) - left_out(self.nb.cells, _demo_of)
        return sorted(wanted - self._ran | wanted.intersection(changed))

    def run(self, number: int) -> Checked | None:
        """Run one cell.

        Parameters
        ----------
        number : int
            Its place in the notebook.

        Returns
        -------
        Checked or None
            What it showed, if it is a checks cell.
        """
        from nbclient.exceptions import DeadKernelError

        cell = self.nb.cells[number]
        self._ran.add(number)
        if cell.cell_type != "code":
            return None
        nbgrader = cell.metadata.get("nbgrader", {})
        if number in self.waits_for:
            return _waiting(nbgrader, self.waits_for[number]) if nbgrader.get("grade") else None
        if not self.dead:
            left = max(1, self.deadline - time.monotonic())
            self.client.timeout = math.ceil(min(CELL_TIMEOUT, left))
            try:
                self.client.execute_cell(cell, number)
            except DeadKernelError:
                self.dead = f"a cell before it ended Python (cell {number + 1} of the notebook)"
            if _was_stopped(cell):
                self._go_on_without(number)
        if nbgrader.get("solution"):
            self.errors[nbgrader["grade_id"]] = _told_by_python(cell.source, error_of(cell))
        if not nbgrader.get("grade"):
            return None
        own = self.errors.get(nbgrader["grade_id"].removeprefix("test-"), "")
        found = checked(cell, nbgrader, self.dead, own)
        if _was_stopped(cell):
            where = _where_it_stood(self.nb, number)
            found = replace(found, message=found.message + where, block=())
        return self._if_it_waits(found, number)

    def _if_it_waits(self, found: Checked, number: int) -> Checked:
        """A check that fails and uses an exercise that fails: not a failure of its own."""
        name = found.name
        self.wrong.pop(name, None)
        if found.state != "failed" or self.dead:
            return found
        missing = UNDEFINED.match(found.message)
        giver = self.giver.get(missing[1], "") if missing else ""
        for other, users in self.wrong.items():
            if number in users or other == giver:
                message = f"waits for {other}, which is not right yet"
                return replace(found, state="waits", message=message, block=())
        if giver == name:
            message = f"{missing[1]} is not defined any more; {LOOK}"
            found = replace(found, message=message, block=())
        places = [n for n, c in enumerate(self.nb.cells) if _name_of(c) == name or n == number]
        self.wrong[name] = self._users_of(places)
        return found

    def _users_of(self, places: Collection[int]) -> set[int]:
        """The cells that use what some cells give them."""
        cells = [c.source if c.cell_type == "code" else "" for c in self.nb.cells]
        names = [given_and_taken(source) or (set(), set()) for source in cells]
        given = set().union(*(names[n][0] for n in places))
        return users_of(given, names) - set(places)

    def forget_endless_cells(self) -> None:
        """Let everything be run again: what did not come to an end may have been mended."""
        self.waits_for, self.deadline = {}, math.inf

    def _go_on_without(self, number: int) -> None:
        """After a cell that did not end, run only what does not need it, and not for long."""
        self.deadline = min(self.deadline, time.monotonic() + AFTERWARDS)
        culprit = _stood_in(self.nb, number)
        name = _name_of(self.nb.cells[culprit]) or "that cell"
        for n in self._users_of([culprit]):
            if n > number:
                self.waits_for[n] = name


def _givers(module: Module) -> dict[str, str]:
    """For each name that a cell with a name of its own gives in the release, that cell."""
    if not module.released.exists():
        return {}
    given = sources_by_name(read_notebook(module.released)).items()
    found = [(names_of(source), name) for name, source in given]
    return {name: cell for names, cell in found if names for name in names.defines}


def _name_of(cell) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def errors_in(cell) -> list:
    """The errors among the outputs of a cell."""
    return [o for o in cell.get("outputs", []) if o.output_type == "error"]


def _was_stopped(cell) -> bool:
    errors = errors_in(cell)
    return bool(errors) and errors[-1].ename in STOPPED


def _frames(cell) -> list[tuple[int, int]]:
    """Where a cell that was stopped stood: the numbers of the cells, and of their lines."""
    errors = errors_in(cell)
    text = COLOURS.sub("", "\n".join(errors[-1].traceback)) if errors else ""
    return [(int(number), int(line)) for number, line in FRAME.findall(text)]


def _stood_in(nb, number: int) -> int:
    """The place of the cell in whose code a cell that was stopped stood last."""
    frames = _frames(nb.cells[number])
    counts = {c.get("execution_count"): n for n, c in enumerate(nb.cells)}
    return counts.get(frames[-1][0], number) if frames else number


def _where_it_stood(nb, number: int) -> str:
    """The line that a cell stood at when it was stopped, as in a message."""
    frames = _frames(nb.cells[number])
    if not frames:
        return ""
    count, line = frames[-1]
    lines = nb.cells[_stood_in(nb, number)].source.splitlines()
    text = f": {lines[line - 1].strip()}" if line <= len(lines) else ""
    return f"; it stood at line {line} of cell [{count}]{text}"


def _waiting(nbgrader: dict, name: str) -> Checked:
    message = f"it needs {name.removeprefix('test-')}, which did not come to an end"
    exercise = nbgrader["grade_id"].removeprefix("test-")
    return Checked(exercise, nbgrader.get("points", 0), "not run", message)


def _demo_of(cell) -> str | None:
    """The name that `tito build` gave to a demo, if its text is still the same."""
    name = id_of_text(cell.source)
    return name if cell.metadata.get("tito") == {"demo": name} else None


def run_checks(module: Module, on_result: Callable[[Checked], None]) -> Iterator[Checked]:
    """Run the notebook on the desk in a fresh kernel, and read its checks one by one."""
    with Desk(module).kernel() as desk:
        for number in desk.todo():
            if result := desk.run(number):
                on_result(result)
                yield result


def checked(cell, nbgrader: dict, dead: str, own: str) -> Checked:
    """What a checks cell showed; `own` is the error of the exercise's own cell."""
    name = nbgrader["grade_id"].removeprefix("test-")
    points, message = nbgrader.get("points", 0), dead or error_of(cell)
    if not message:
        return Checked(name, points, "passed")
    if message == "NotImplementedError":
        return Checked(name, points, "not done", block=block_of(cell))
    if own and not dead:
        return Checked(name, points, "failed", f"its own cell does not run: {own}")
    return Checked(name, points, "failed", message, () if dead else block_of(cell))


def _told_by_python(source: str, error: str) -> str:
    """The error of a cell; of one that is no Python what Python says, for IPython says less."""
    if not error.startswith(("SyntaxError", "IndentationError", "TabError")):
        return error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as found:
        return f"{type(found).__name__}: {found.msg} (line {found.lineno})"
    except ValueError:  # a null byte
        pass
    return error


def error_of(cell) -> str:
    """The error that a cell ended with, in one line; nothing if there was none."""
    errors = errors_in(cell)
    if not errors:
        return ""
    error, message = errors[-1], " ".join(errors[-1].evalue.split())[:500]
    message = IN_A_CELL.sub(r"(line \1)", message)
    if error.ename in STOPPED:
        return "it did not come to an end, and was stopped"
    if error.ename == "CheckFailed":
        return message
    return f"{error.ename}: {message}" if message else error.ename


def block_of(cell) -> tuple[str, ...]:
    """The block in which a cell's error was shown, without its title; nothing if in none."""
    errors = errors_in(cell)
    lines = errors[-1].traceback if errors else []
    return tuple(lines[1:]) if lines and lines[0][:2] in ("✗ ", "· ") else ()


def keep_results(module: Module, results: list[Checked]) -> None:
    """Keep how the checks went, for `status` and `progress`."""
    remember(
        module,
        tested={
            "digest": digest(module),
            "passed": sum(r.state == "passed" for r in results),
            "checks": len(results),
            "states": {r.name: r.state for r in results},
        },
    )

"""The sandbox: the one place where processes that run student code are started."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tito.errors import TitoError
from tito.sandbox import limits_only
from tito.sandbox.choice import choose
from tito.sandbox.launch import kill as _kill
from tito.sandbox.policy import Policy, Program

__all__ = [
    "Policy",
    "Program",
    "available",
    "choose",
    "current",
    "kill",
    "resume",
    "start",
    "start_python",
    "stop",
    "trusted",
    "use",
    "was_killed",
]

_policy = Policy()
_trusted = False
_running: set[subprocess.Popen] = set()
_stopped = threading.Event()


def use(policy: Policy) -> None:
    """Make a policy the one of all sandboxes that are started without one of their own."""
    global _policy
    _policy = policy


def current() -> Policy:
    """The policy of `use`."""
    return _policy


def available() -> bool:
    """Whether programs can be started here as the policy of `use` wants."""
    try:
        choose(_policy)
    except TitoError:
        return False
    return True


@contextlib.contextmanager
def trusted() -> Iterator[None]:
    """Run programs without a sandbox: for the course's own code, which needs none."""
    global _trusted
    before, _trusted = _trusted, True
    try:
        yield
    finally:
        _trusted = before


def start(program: Program, policy: Policy | None = None) -> subprocess.Popen:
    """Start a program of untrusted code.

    Parameters
    ----------
    program : Program
        What to run.
    policy : Policy, optional
        Its limits; by default that of `use`.

    Returns
    -------
    subprocess.Popen
        End it with `kill`. Its attribute `stopped_because` says why it was ended before.

    Raises
    ------
    TitoError
        If there is no sandbox here; says what to install.

    Notes
    -----
    The sandbox may also end with the thread that started it.
    """
    if _stopped.is_set():
        raise TitoError("grading was stopped")
    policy = policy or _policy
    backend = limits_only if _trusted else choose(policy)
    process = backend.start(replace(program, folder=program.folder.resolve()), policy)
    _running.add(process)
    return process


def kill(process: subprocess.Popen) -> None:
    """End a process and everything that it started."""
    _kill(process)
    _running.discard(process)


def was_killed(process: subprocess.Popen) -> bool:
    """Whether a process that says no more was ended by somebody else, and is worth another try.

    With bubblewrap, nothing inside can send a signal to the outermost process: whoever killed it
    was the system, short of memory, or a person. Code that ends itself in another sandbox is tried
    again in vain.
    """
    try:
        code = process.wait(timeout=1)
    except subprocess.TimeoutExpired:  # it closed its output, and goes on
        return False
    return code == -signal.SIGKILL and not process.stopped_because


def stop() -> None:
    """End all of them, and start no others until `resume`."""
    _stopped.set()
    for process in list(_running):
        kill(process)


def resume() -> None:
    """Let processes be started again."""
    _stopped.clear()


def start_python(
    script: Path,
    folder: Path,
    view: str = "observer",
    policy: Policy | None = None,
    arguments: tuple[str, ...] = (),
    library: Path | None = None,
) -> subprocess.Popen:
    """Start a Python script of untrusted code, which talks over standard input and output.

    Parameters
    ----------
    script : Path
        What to run.
    folder : Path
        What it works on: it finds a private copy under the same name as its working folder.
    view : str
        ``"observer"`` sees numpy alone; ``"notebook"`` sees all installed packages but those that
        hold solutions, and the visible checks.
    policy : Policy, optional
        Its limits; by default that of `use`.
    arguments : tuple of str
        What it finds in ``sys.argv``.
    library : Path, optional
        A folder that it finds a copy of in its working folder; many processes may share it.

    Returns
    -------
    subprocess.Popen
        With pipes for standard input and output. End it with `kill`.
    """
    program = Program(str(script), folder, view, arguments, library=library)
    return start(program, policy)

"""The one place where a process that runs student code is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tito.errors import TitoError

_stopped = threading.Event()
_running: set[subprocess.Popen] = set()
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def start_python(script: Path, folder: Path) -> subprocess.Popen:
    """Start a Python script for untrusted code, in a process group of its own.

    Parameters
    ----------
    script : Path
        What to run; it gets no arguments, and talks over standard input and output.
    folder : Path
        Its working folder, and its home.

    Returns
    -------
    subprocess.Popen
        With pipes for standard input and output.

    Notes
    -----
    It gets no environment variables but a few, isolated mode (no user site, no ``PYTHON*``
    settings, nothing imported from the working folder), and is killed with all that it started.
    """
    if _stopped.is_set():
        raise TitoError("grading was stopped")
    environment = {key: os.environ[key] for key in KEPT if key in os.environ}
    environment |= {"HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", "-u", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    _running.add(process)
    return process


def kill(process: subprocess.Popen) -> None:
    """End a process and everything in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError, AttributeError):
        process.kill()
    process.wait()
    _running.discard(process)


def stop() -> None:
    """End all of them, and start no others until `resume`."""
    _stopped.set()
    for process in list(_running):
        kill(process)


def resume() -> None:
    """Start processes again."""
    _stopped.clear()

"""A thread that ends sandboxes whose processes hold too much together, of memory or of the disk.

The limit on address space holds for each process alone, and eight of them may have eight times as
much. The folder of a kernel's sockets is the one place on a disk that a sandbox can write to, and
is for sockets only. Where there is no /proc, nothing is watched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tito.sandbox.launch import kill
from tito.sandbox.policy import Policy

INTERVAL = 0.1  # seconds
PROC = Path("/proc")
CONNECTION = "connection.json"
MOST_SOCKETS = 16
MOST_FILES = 100_000  # in memory; the system takes about 1 KiB for each, however empty it is


@dataclass
class Watched:
    """A sandbox, what it may use, and what to do when it has ended."""

    process: subprocess.Popen
    policy: Policy
    afterwards: Callable[[], None]
    shared: Path | None
    in_memory: tuple[str, ...]


_watched: list[Watched] = []
_change = threading.Condition()
_threads: list[threading.Thread] = []


def watch(
    process: subprocess.Popen,
    policy: Policy,
    afterwards: Callable[[], None] = lambda: None,
    shared: Path | None = None,
    in_memory: tuple[str, ...] = (),
) -> None:
    """Watch a process and all that it starts, until it has ended.

    Parameters
    ----------
    process : subprocess.Popen
        The outermost process of a sandbox. If it is ended here, its attribute `stopped_because`
        says why.
    policy : Policy
        How much memory and how many processes it may have.
    afterwards : callable
        Called when it has ended.
    shared : Path, optional
        A folder in which it may make sockets and nothing else.
    in_memory : tuple of str
        Folders that are file systems of its own, in memory.
    """
    process.stopped_because = ""
    with _change:
        _watched.append(Watched(process, policy, afterwards, shared, in_memory))
        if not any(thread.is_alive() for thread in _threads):
            _threads[:] = [threading.Thread(target=_run, name="sandbox watchdog", daemon=True)]
            _threads[0].start()
        _change.notify()


def _run() -> None:
    while True:
        with _change:
            _change.wait_for(lambda: _watched)
            present = list(_watched)
        for watched in present:
            if watched.process.poll() is not None:
                with _change:
                    _watched.remove(watched)
                watched.afterwards()
            else:
                with contextlib.suppress(OSError):
                    _check(watched)
        time.sleep(INTERVAL)


def _check(watched: Watched) -> None:
    family = descendants(watched.process.pid)
    most = watched.policy.memory
    # What processes share after a fork is counted twice at first, and exactly only if need be.
    if sum(map(_resident, family)) > most and sum(map(_proportional, family)) > most:
        watched.process.stopped_because = f"its processes used more than {most / 2**20:g} MiB"
    elif len(family) > 2 * watched.policy.processes:
        watched.process.stopped_because = f"it had {len(family)} processes"
    elif watched.shared is not None and _is_misused(watched.shared, family):
        watched.process.stopped_because = "it wrote files beside its sockets"
    elif any(_files(family, folder) > MOST_FILES for folder in watched.in_memory):
        watched.process.stopped_because = f"it made more than {MOST_FILES} files"
    else:
        return
    for process in reversed(family):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    kill(watched.process)


def _is_misused(folder: Path, family: list[int]) -> bool:
    """Whether there is anything but sockets in a folder, or a file that was removed and is open."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name != CONNECTION]
    if len(found) > MOST_SOCKETS or not all(_is_socket(entry) for entry in found):
        return True
    device = folder.stat().st_dev
    return any(_is_removed_file(file, device) for process in family for file in _open(process))


def _files(family: list[int], folder: str) -> int:
    """How many files there are in a folder as processes see it, where that is not our own."""
    for process in family:
        seen = f"{PROC}/{process}/root{folder}"
        with contextlib.suppress(OSError):
            if os.stat(seen).st_dev != os.stat(folder).st_dev:
                found = os.statvfs(seen)
                return found.f_files - found.f_ffree
    return 0


def _is_socket(entry: os.DirEntry) -> bool:
    try:
        return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return True


def _open(process: int) -> list[Path]:
    try:
        return list((PROC / str(process) / "fd").iterdir())
    except OSError:
        return []


def _is_removed_file(file: Path, device: int) -> bool:
    try:
        found = file.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_dev == device and found.st_nlink == 0


def descendants(process: int) -> list[int]:
    """A process and all that it started, and these started, and so on."""
    family, new = [process], [process]
    while new:
        new = [child for parent in new for child in _children(parent)]
        family += new
    return family


def _children(process: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in (PROC / str(process) / "task").iterdir():
            found += [int(child) for child in (task / "children").read_text("ascii").split()]
    return found


def _resident(process: int) -> int:
    return _sum_of(process, "status", (b"RssAnon:", b"RssShmem:"))


def _proportional(process: int) -> int:
    try:
        return _sum_of(process, "smaps_rollup", (b"Pss:",))
    except PermissionError:
        return _resident(process)


def _sum_of(process: int, file: str, fields: tuple[bytes, ...]) -> int:
    """The sum of some lines of a file in /proc, in bytes; 0 if the process has ended.

    A process chooses its name, which is one of the lines: it need not be UTF-8, and may hold what
    `splitlines` takes for the end of a line.
    """
    try:
        lines = (PROC / str(process) / file).read_bytes().split(b"\n")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(fields))

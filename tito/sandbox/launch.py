"""Starting a process for untrusted code: what all ways of doing it share."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

from tito.sandbox.policy import Policy, Program

KEPT = ("LANG", "LC_ALL", "TZ", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
NOBODY = 65534
MANY_USERS = 2**31  # in a container with fewer, there is one user for all sandboxes


def environment(folder: str) -> dict[str, str]:
    """The environment variables of untrusted code: nothing of the grader's but the language.

    Parameters
    ----------
    folder : str
        Its home.
    """
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    return (
        {"LANG": "C.UTF-8"}
        | kept
        | {
            "PATH": "/usr/bin:/bin",
            "HOME": folder,
            "USER": "student",
            "TMPDIR": "/tmp",
            "IPYTHONDIR": f"{folder}/.ipython",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
    )


def orders(program: Program, policy: Policy, folder: str, path: tuple[str, ...], **more) -> str:
    """What `enter.py` is to do, as its argument."""
    if program.view == "notebook":  # its own modules come before an installed library
        path = (folder, *path)
    settings = {"library": "", "original": "", "user": None, "confine": None, "only": True} | more
    return json.dumps(
        {
            "program": program.run,
            "arguments": program.arguments,
            "folder": folder,
            "path": path,
            "limits": policy.limits,
            **settings,
        }
    )


def other_user() -> int | None:
    """A user without rights to continue as, where this one is root; else None.

    Root is above the limit on processes. Each sandbox gets a user of its own, so that none can
    reach another's processes, and each has its own count of them.
    """
    if os.geteuid() != 0 or _users() <= NOBODY:
        return None
    return random.randrange(2**30, MANY_USERS) if _users() >= MANY_USERS else NOBODY


def _users() -> int:
    """How many users this process can become; 1 in a rootless container."""
    try:
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").split("\n")
    except OSError:
        return 2**32
    return max((int(line.split()[2]) for line in lines if line.strip()), default=1)


def give(folder: Path | None, user: int | None) -> None:
    """Let another user have a folder that is shared with it."""
    if folder is not None and user is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)


def popen(command: list[str], program: Program, variables: dict, **more) -> subprocess.Popen:
    """Start a command, in a process group of its own, with pipes or with none."""
    pipe = subprocess.PIPE if program.pipes else subprocess.DEVNULL
    return subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        env=variables,
        start_new_session=True,
        **more,
    )


def kill(process: subprocess.Popen) -> None:
    """End a process and everything that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError, AttributeError):
        process.kill()
    process.wait()

"""The sandbox of macOS and Windows: a container, where Docker or Podman runs."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import uuid
from dataclasses import replace

from tito.errors import TitoError
from tito.sandbox.launch import KEPT, NOBODY, environment, orders, popen
from tito.sandbox.policy import Policy, Program
from tito.sandbox.view import ENTER, HOME, checks_folder
from tito.sandbox.watchdog import watch

NAME = "container"
INSIDE = "/home/student"


@functools.cache
def engine() -> str:
    """The path of a container program whose daemon answers; empty without one."""
    for name in ("docker", "podman"):
        path = shutil.which(name)
        if path and subprocess.run([path, "info"], capture_output=True).returncode == 0:
            return path
    return ""


def trouble() -> str:
    """Why containers cannot be used; empty if they can."""
    return "" if engine() else "neither Docker nor Podman is running"


def start(program: Program, policy: Policy) -> subprocess.Popen:
    """Start a program in a container of its own, which is removed with it.

    Parameters
    ----------
    program : Program
        What to run; it cannot share a folder, because sockets do not reach into the virtual machine
        that runs containers on macOS and Windows.
    policy : Policy
        Its limits, and the image.

    Returns
    -------
    subprocess.Popen
        Of the container program.
    """
    if program.shared is not None:
        raise TitoError(
            "a container cannot hold a Jupyter kernel here; marks do not depend on it, and outputs "
            "need Linux with bubblewrap"
        )
    name = f"tito-{uuid.uuid4().hex}"
    process = popen(command(program, policy, name), program, dict(os.environ), cwd="/")
    watch(process, policy, lambda: _remove(name))
    return process


def command(program: Program, policy: Policy, name: str) -> list[str]:
    """The command line that runs a program in a container."""
    script = f"{HOME}/program.py"
    shown = {str(ENTER): f"{HOME}/enter.py", str(program.folder): str(program.folder)}
    if program.library is not None:
        shown[str(program.library)] = f"{HOME}/library"
    if program.is_script:
        shown[program.run] = script
    if program.view == "notebook":
        shown[str(checks_folder())] = f"{HOME}/notebook/tito"
    inside = replace(program, run=script) if program.is_script else program
    path = (f"{HOME}/notebook",) if program.view == "notebook" else ()
    order = orders(
        inside,
        policy,
        INSIDE,
        path,
        library=f"{HOME}/library" if program.library else "",
        original=str(program.folder),
        only=False,
    )
    variables = {k: v for k, v in environment(INSIDE).items() if k not in KEPT or k == "LANG"}
    tmpfs = f"size={policy.folder_size},mode=1777"
    return [
        engine() or "docker",
        "run",
        "--rm",
        "--interactive",
        "--name",
        name,
        "--network",
        "none",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--user",
        f"{NOBODY}:{NOBODY}",
        "--security-opt",
        "no-new-privileges",
        "--pids-limit",
        str(policy.processes),
        "--memory",
        str(policy.memory),
        "--memory-swap",
        str(policy.memory),
        "--shm-size",
        str(policy.shm_size),
        "--tmpfs",
        f"/tmp:{tmpfs}",
        "--tmpfs",
        f"{INSIDE}:{tmpfs}",
        *[word for key, value in variables.items() for word in ("--env", f"{key}={value}")],
        *[word for source, place in shown.items() for word in ("--volume", f"{source}:{place}:ro")],
        "--entrypoint",
        "python3",
        policy.image,
        "-I",
        "-B",
        "-u",
        f"{HOME}/enter.py",
        order,
    ]


def _remove(name: str) -> None:
    subprocess.run([engine(), "rm", "--force", name], capture_output=True)

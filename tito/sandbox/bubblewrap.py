"""The sandbox proper: bubblewrap, with namespaces of its own for everything."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import PurePath

from tito.sandbox.interpreter import interpreter
from tito.sandbox.launch import NOBODY, environment, give, orders, other_user, popen
from tito.sandbox.policy import Policy, Program
from tito.sandbox.seccomp import filter_program
from tito.sandbox.view import ABSENT, HOME, View, view
from tito.sandbox.watchdog import watch

NAME = "bubblewrap"
OLDEST = (0, 8)  # knows --disable-userns
# Counts of all processes, files and memory of the machine, of which others' are a part.
ABOUT_THE_MACHINE = (
    "sys loadavg stat meminfo vmstat zoneinfo buddyinfo slabinfo diskstats interrupts softirqs "
    "schedstat locks pressure"
).split()
INSTALL = "install bubblewrap (on Debian and Ubuntu: apt install bubblewrap)"


@functools.cache
def version() -> tuple[int, ...]:
    """The version of the installed bubblewrap; empty if there is none."""
    path = shutil.which("bwrap")
    if path is None:
        return ()
    answer = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", answer))


def trouble() -> str:
    """Why bubblewrap cannot be used; empty if it can, as far as its version tells."""
    if not version():
        return f"bubblewrap is missing; {INSTALL}"
    if version() < OLDEST:
        found = ".".join(map(str, version()))
        return f"bubblewrap is {found}, but 0.8 or newer is needed; {INSTALL}"
    return ""


def start(program: Program, policy: Policy) -> subprocess.Popen:
    """Start a program in a sandbox.

    Parameters
    ----------
    program : Program
        What to run.
    policy : Policy
        Its limits.

    Returns
    -------
    subprocess.Popen
        Of bubblewrap itself: when it ends or is killed, everything inside is killed. It also ends
        with the thread that called this.
    """
    user = other_user()
    give(program.shared, user)
    seen = view(program.view, policy.hidden_packages)
    with _Filter(program) as descriptor:
        command = [shutil.which("bwrap"), *_namespaces(user), *_mounts(program, policy, seen)]
        if descriptor is not None:
            command += ["--seccomp", str(descriptor)]
        inside = orders(
            _moved(program),
            policy,
            str(program.folder),
            seen.path,
            user=user,
            library=f"{HOME}/library" if program.library else "",
            original=f"{HOME}/folder",
        )
        command += ["--", interpreter().program, "-I", "-B", "-u", f"{HOME}/enter.py", inside]
        kept = () if descriptor is None else (descriptor,)
        process = popen(command, program, environment(str(program.folder)), cwd="/", pass_fds=kept)
        in_memory = (str(program.folder), "/tmp", "/dev/shm")
        watch(process, policy, shared=program.shared, in_memory=in_memory)
        return process


def _moved(program: Program) -> Program:
    """The program as it is called inside."""
    if not program.is_script:
        return program
    return replace(program, run=f"{HOME}/{os.path.basename(program.run)}")


def _namespaces(user: int | None) -> list[str]:
    arguments = [f"--unshare-{name}" for name in ("net", "pid", "ipc", "uts", "cgroup-try")]
    if user is None:
        # Root becomes another user itself (enter.py), which cannot be done in a namespace that
        # knows one user only; there the filter refuses new namespaces.
        nobody = str(NOBODY)
        arguments += ["--unshare-user", "--disable-userns", "--uid", nobody, "--gid", nobody]
    arguments += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    return [*arguments, "--chdir", "/"]


def _mounts(program: Program, policy: Policy, seen: View) -> list[str]:
    folder, shared = str(program.folder), program.shared
    shown = [*seen.files, (folder, f"{HOME}/folder")]
    if program.library is not None:
        shown.append((str(program.library), f"{HOME}/library"))
    if program.is_script:
        shown.append((program.run, f"{HOME}/{os.path.basename(program.run)}"))
    arguments = ["--proc", "/proc", "--dev", "/dev"]
    arguments += [*_empty("/tmp", policy.folder_size), *_empty("/dev/shm", policy.shm_size)]
    arguments += _open_folders([folder, str(shared or folder), *(place for _, place in shown)])
    arguments += _empty(folder, policy.folder_size)
    for source, place in shown:
        arguments += ["--ro-bind", source, place]
    for place in seen.masked:
        arguments += ["--ro-bind", _instead_of(place), place]
    for name in ABOUT_THE_MACHINE:
        place = f"/proc/{name}"
        if os.path.exists(place):
            arguments += ["--ro-bind", _instead_of(place), place]
    if shared is not None:
        arguments += ["--bind", str(shared), str(shared)]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/"]


def _instead_of(place: str) -> str:
    """What is shown instead of something that must not be seen: nothing that can be imported."""
    if os.path.isdir(place):
        return str(ABSENT)
    empty = place.endswith(".py") or place.startswith("/proc/")
    return str(ABSENT / "__init__.py") if empty else os.devnull


def _empty(place: str, size: int) -> list[str]:
    """A folder in memory for all users, of limited size."""
    return ["--perms", "1777", "--size", str(size), "--tmpfs", place]


def _open_folders(places: list[str]) -> list[str]:
    """Make the folders above, for all users; else one that is closed outside is closed inside."""
    above = {str(folder) for place in places for folder in PurePath(place).parents} - {"/"}
    return [word for folder in sorted(above) for word in ("--perms", "0755", "--dir", folder)]


class _Filter:
    """The filter in a pipe, from which bubblewrap reads it."""

    def __init__(self, program: Program):
        network = "own" if program.shared else "none"
        self.code = filter_program(network=network, processes=program.view == "notebook")

    def __enter__(self) -> int | None:
        self.descriptor = None
        if self.code:
            self.descriptor, writing = os.pipe()
            os.write(writing, self.code)  # a pipe holds more than that
            os.close(writing)
        return self.descriptor

    def __exit__(self, *error) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)

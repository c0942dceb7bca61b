"""The sandbox where there is no bubblewrap: Landlock, the filter and the limits."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tito.sandbox.interpreter import interpreter
from tito.sandbox.launch import NOBODY, environment, give, orders, other_user, popen
from tito.sandbox.policy import Policy, Program
from tito.sandbox.seccomp import filter_program
from tito.sandbox.view import ENTER, HOME, numpy_folders, view
from tito.sandbox.watchdog import watch

NAME = "landlock"
DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
PROCESSOR = "/proc/cpuinfo"


def trouble() -> str:
    """Why Landlock cannot be used; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "Landlock is Linux's"
    from tito.sandbox.confine import version

    if version() == 0:
        return "this kernel has no Landlock (Linux 5.13 or newer, not switched off)"
    return "" if filter_program() else "no seccomp filter is known for this processor"


def start(program: Program, policy: Policy) -> subprocess.Popen:
    """Start a program that confines itself before it runs anything of a student's.

    Parameters
    ----------
    program : Program
        What to run.
    policy : Policy
        Its limits.

    Returns
    -------
    subprocess.Popen
        The process itself. What it started in a session of its own may outlive it.
    """
    private = Path(tempfile.mkdtemp(prefix="tito-sandbox-")).resolve()
    folder = private / "folder"
    for original in filter(None, (program.library, program.folder)):
        shutil.copytree(original, folder, dirs_exist_ok=True)
    (private / "tmp").mkdir()
    seen, packages = _packages(private, program, policy)
    user = other_user()
    give(private, user)
    give(program.shared, user)
    shared = [str(program.shared)] if program.shared else []
    # Names alone, for imports after a call of importlib.invalidate_caches: numpy.random is one.
    elsewhere = [folder for folder in packages if not folder.startswith(str(private))]
    confine = {
        "list": [*interpreter().standard, *elsewhere],
        "read": [*seen, str(private), str(program.folder), str(ENTER), PROCESSOR],
        "write": [str(folder), str(private / "tmp"), *shared, *DEVICES],
        "filter": filter_program(
            network="listen" if shared else "none",
            alone=False,
            processes=program.view == "notebook",
        ).hex(),
    }
    if program.is_script:
        confine["read"].append(program.run)
    inside = orders(program, policy, str(folder), packages, user=user, confine=confine)
    command = [interpreter().program, "-I", "-B", "-u", str(ENTER), inside]
    variables = environment(str(folder)) | {"TMPDIR": str(private / "tmp")}
    process = popen(command, program, variables, cwd="/")
    watch(process, policy, lambda: _clean(private, user))
    return process


def _clean(private: Path, user: int | None) -> None:
    """Remove what is left of a sandbox: its folder, and processes of a user of its own."""
    if user is not None and user != NOBODY:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if process.stat().st_uid == user:
                    os.kill(int(process.name), signal.SIGKILL)
    shutil.rmtree(private, ignore_errors=True)


def _packages(private: Path, program: Program, policy: Policy) -> tuple[list[str], tuple]:
    """What can be read, and where packages are found: the entries that are not hidden, linked."""
    everything = view(program.view, policy.hidden_packages)
    read = [f for f, place in everything.files if f == place and not _holds_packages(f)]
    for folder in interpreter().standard:
        read += [os.path.join(folder, name) for name in os.listdir(folder) if not _is_site(name)]
    path = []
    if program.view == "observer":
        (private / "observer").mkdir()
        for folder in numpy_folders():
            (private / "observer" / folder.name).symlink_to(folder)
            read.append(str(folder))
        return read, (str(private / "observer"),)
    for source, place in everything.files:
        if place == f"{HOME}/notebook/tito":
            shutil.copytree(source, private / "notebook" / "tito")
    for folder in everything.path[1:]:
        entries = [os.path.join(folder, name) for name in os.listdir(folder)]
        read += [entry for entry in entries if entry not in everything.masked]
        path.append(folder)
    return read, (str(private / "notebook"), *path)


def _holds_packages(folder: str) -> bool:
    """Whether a folder must be allowed entry by entry, because some entries are hidden."""
    return folder in interpreter().standard or _is_site(os.path.basename(folder))


def _is_site(name: str) -> bool:
    return name in ("site-packages", "dist-packages")

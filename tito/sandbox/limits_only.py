"""No sandbox: the limits alone, where an instructor says so."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tito.sandbox.launch import environment, orders, popen
from tito.sandbox.policy import Policy, Program
from tito.sandbox.view import ENTER
from tito.sandbox.watchdog import watch

NAME = "limits"


def start(program: Program, policy: Policy) -> subprocess.Popen:
    """Start a program with the rights of whoever calls this."""
    if program.library is not None:  # the folder is the process's own
        shutil.copytree(program.library, program.folder, dirs_exist_ok=True)
    python = [sys.executable, "-I", "-B", "-u"]
    if sys.platform == "win32":  # has no such limits
        run = [program.run] if program.is_script else ["-m", program.run]
        command = [*python, *run, *program.arguments]
    else:
        command = [
            *python,
            str(ENTER),
            orders(program, policy, str(program.folder), (), only=False),
        ]
    process = popen(command, program, environment(str(program.folder)), cwd=program.folder)
    watch(process, policy)
    return process

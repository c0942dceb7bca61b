"""Environments that have next to nothing, and what is put into them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import ROOT

from tito.author.kit import make_kit
from tito.course import Course

UNREACHABLE = ("Could not find a version", "No matching distribution", "Max retries", "timed out")
GIT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


class Bare:
    """A virtual environment with nothing in it, not even pip: that of the tests fills it."""

    def __init__(self, folder: Path, python: str = sys._base_executable):
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        self.programs = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.programs / "python"

    def install(self, *what: object) -> None:
        """Install with pip; the test is skipped where the package index cannot be reached."""
        options = ["--python", str(self.python), "install", "-q", "--no-compile"]
        command = [sys.executable, "-m", "pip", *options, *map(str, what)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
            pytest.skip(f"the package index has no {what[-1]}, or cannot be reached")
        assert done.returncode == 0, done.stderr

    def borrow(self) -> None:
        """Let it see the packages of the tests, but neither `tito` nor `tinytorch`."""
        site = next(self.python.parents[1].glob("lib/python*/site-packages"))
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, *command: object, **settings) -> subprocess.CompletedProcess:
        """Run a program of this environment."""
        program = self.programs / str(command[0])
        return run(program, *command[1:], **settings)


def run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a command in a folder, without what the tests have in their environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | GIT | variables,
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
    )


def said(done: subprocess.CompletedProcess, code: int = 0) -> str:
    """What a command printed, which has to have ended as it should."""
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def with_kit(course: Course, folder: Path) -> Path:
    """The kit of a small course, which gets what a kit is made of."""
    for name in ("bin", "tito", "locks", "LICENSE", "pyproject.toml"):
        (course.root / name).symlink_to(ROOT / name)
    make_kit(course, folder)
    return folder

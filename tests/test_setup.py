"""From a fresh copy to a running `tito`: bin/tito.py, the locks, the package, the settings."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = ROOT / "bin" / "tito.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COURSE = PROJECT["project"]["optional-dependencies"]["course"]
DEV = PROJECT["dependency-groups"]["dev"]
GENERATED = ("release", "submitted", "autograded", "feedback", "notebooks")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses signals and shell scripts")

# The command that bin/tito.py goes on to: says how it was called, ends with the code it is given.
STAND_IN = """
import json, os, sys, stubtool

def main():
    path = os.environ["PATH"].split(os.pathsep)
    print(json.dumps([sys.argv[1:], sys.executable, path[0], stubtool.version]))
    sys.exit(7 if "fail" in sys.argv else 0)

if __name__ == "__main__":
    main()
"""


class Copy:
    """A copy of the course, with a stand-in for tito and one tiny locked package."""

    def __init__(self, root: Path):
        self.root = root
        self.venv = root / ".venv"
        (root / "bin").mkdir(parents=True)
        shutil.copy(LAUNCHER, root / "bin")
        shutil.copy(ROOT / "pyproject.toml", root)
        (root / "tito").mkdir()
        (root / "tito" / "__init__.py").touch()
        (root / "tito" / "__main__.py").write_text(STAND_IN)
        (root / "locks").mkdir()
        self.lock(1)

    def lock(self, version: int) -> None:
        """Lock the tiny package at a version, for both levels."""
        wheel = tiny_wheel(self.root / "locks", version)
        for level in ("course", "dev"):
            (self.root / "locks" / f"{level}.txt").write_text(f"stubtool @ {wheel.as_uri()}\n")

    def environment(self, tools: Path | None = None) -> dict[str, str]:
        """The variables of a call: of all installers only those in `tools`, and no network."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "PYTHON"))}
        kept["PATH"] = f"{tools}:/usr/bin:/bin" if tools else str(self.root / "no-tools")
        return kept | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_OFFLINE": "1"}

    def command(self, *arguments: str, python: Path | str = sys.executable) -> list[str]:
        return [str(python), str(self.root / "bin" / "tito.py"), *arguments]

    def call(self, *arguments: str, tools: Path | None = None, python=sys.executable, **settings):
        return subprocess.run(
            self.command(*arguments, python=python),
            env=self.environment(tools) | settings,
            cwd=self.root.parent,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def start(self, *arguments: str, tools: Path) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(tools),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def tiny_wheel(folder: Path, version: int) -> Path:
    wheel = folder / f"stubtool-{version}-py3-none-any.whl"
    info = f"stubtool-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("stubtool.py", f"version = {version}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: stubtool\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", f"stubtool.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return wheel


def installer(folder: Path, install: str) -> Path:
    """A folder with a `uv` that does something in particular when it is told to install."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "uv"
    program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then exit 0; fi\n{install}\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "my course")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A `uv` that unpacks the tiny package; faster than pip, and there on every machine."""
    return installer(
        tmp_path / "quick",
        'while [ "$1" != --requirement ]; do shift; done; lock=$2\n'
        'while [ "$1" != --python ]; do shift; done\n'
        'site=$("$2" -c "import sysconfig; print(sysconfig.get_path(\'purelib\'))")\n'
        f"wheel=$(sed -n 's|^stubtool @ file://||p' \"$lock\" | sed 's/%20/ /g')\n"
        f'"{sys.executable}" -m zipfile -e "$wheel" "$site"',
    )


def has_uv() -> bool:
    return shutil.which("uv") is not None and subprocess.run(["uv", "--version"]).returncode == 0


@pytest.fixture
def real_uv(tmp_path: Path) -> Path:
    if not has_uv():
        pytest.skip("no uv on this machine")
    folder = tmp_path / "real uv"
    folder.mkdir()
    found = subprocess.run(["pyenv", "which", "uv"], capture_output=True, text=True)
    return folder


def went_on(result: subprocess.CompletedProcess) -> list:
    assert result.returncode in (0, 7), result.stderr
    return json.loads(result.stdout)

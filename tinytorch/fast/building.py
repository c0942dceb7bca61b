"""The C file: compiled when it is first needed, kept in a directory of one's own, and checked."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("loops.c")
FLAGS = ("-O3", "-ffp-contract=off", "-shared", "-fPIC")
ARRAY_DATA, ARRAY_FLAGS = 16, 64  # bytes from the beginning of an array's object


class NotHere(Exception):
    """Why loops cannot be used on this machine."""


@functools.cache
def library() -> tuple[ctypes.CDLL, ctypes.PyDLL]:
    """The library, once for calls that let other threads run meanwhile, and once for short ones.

    Raises
    ------
    NotHere
        If something is missing, or is not as it is read.
    """
    check_interpreter()
    check_arrays()
    path = compiled()
    try:
        return ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
    except OSError as error:
        raise NotHere(f"the compiled library cannot be loaded ({error})") from None


def check_interpreter() -> None:
    """Refuse interpreters whose objects have other beginnings."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotHere("they need CPython with its global lock")
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        raise NotHere("they need a processor with 64 bits, little-endian")


def check_arrays() -> None:
    """Refuse a numpy whose arrays have other beginnings."""
    for array in (np.zeros(3), np.zeros((2, 2), "f4")[:, 1], np.frombuffer(b"12345678")):
        data = ctypes.c_void_p.from_address(id(array) + ARRAY_DATA).value
        flags = ctypes.c_int.from_address(id(array) + ARRAY_FLAGS).value
        mask = 0x0100 | 0x0400
        if data != array.ctypes.data or flags & mask != array.flags.num & mask:
            raise NotHere("numpy's arrays are laid out otherwise in this version")


def compiled() -> Path:
    """The compiled library; made if it is not in the cache."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("there is no C compiler named cc")
    if not SOURCE.exists():
        raise NotHere("tinytorch/fast/loops.c is not there")
    folder = cache()
    path = folder / f"loops-{version(compiler)}.so"
    if path.exists():
        return path
    try:
        handle, made = tempfile.mkstemp(suffix=".so", dir=folder)
        os.close(handle)
        command = [compiler, *FLAGS, "-o", made, str(SOURCE)]
        done = subprocess.run(command, capture_output=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"cc could not be run ({error})") from None
    if done.returncode:
        Path(made).unlink(missing_ok=True)
        raise NotHere("cc could not compile tinytorch/fast/loops.c")
    os.replace(made, path)
    return path


def version(compiler: str) -> str:
    """A hash of all that the library depends on."""
    real = os.path.realpath(compiler)
    told = os.stat(real)
    parts = (SOURCE.read_text("utf-8"), FLAGS, real, told.st_size, told.st_mtime_ns, np.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def cache() -> Path:
    """A directory that nobody else can write to: that of the user, or else a fresh one."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "tinytorch"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_private(folder):
            return folder
    except (OSError, RuntimeError):
        pass
    return fresh_folder()


def is_private(folder: Path) -> bool:
    """Whether a directory is one's own, closed to others, and can be written to."""
    told = folder.lstat()
    own = stat.S_ISDIR(told.st_mode) and told.st_uid == os.geteuid()
    return own and not told.st_mode & 0o077 and os.access(folder, os.W_OK | os.X_OK)


@functools.cache
def fresh_folder() -> Path:
    """A directory for this process; taken away at its end."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="tinytorch-", ignore_cleanup_errors=True)
    except OSError as error:
        raise NotHere(f"there is no directory to compile in ({error})") from None
    KEPT.append(folder)
    return Path(folder.name)


KEPT: list[tempfile.TemporaryDirectory] = []

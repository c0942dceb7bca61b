"""The C file: compiled when it is first needed, kept in a directory of one's own, and checked."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import stat
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_name("loops.c")
FLAGS = ("-O3", "-ffp-contract=off", "-shared", "-fPIC")
# The same bits as without them: a product and a sum are rounded one after the other, and nothing
# is done in another order. What they leave out is how errors of the processor are told.
FOR_THIS_PROCESSOR = (*FLAGS, "-march=native", "-fno-math-errno", "-fno-trapping-math")
ARRAY_DATA, ARRAY_FLAGS = 16, 64  # bytes from the beginning of an array's object
TUPLE_ITEMS = tuple.__basicsize__  # the same of a tuple's


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
    if not SOURCE.exists():
        raise NotHere("tinytorch/fast/loops.c is not there")
    path = compiled(SOURCE.read_text("utf-8"), "loops", FLAGS)
    return ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))


def check_interpreter() -> None:
    """Refuse interpreters whose objects have other beginnings."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotHere("they need CPython with its global lock")
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        raise NotHere("they need a processor with 64 bits, little-endian")


def check_arrays() -> None:
    """Refuse a numpy whose arrays, or a Python whose tuples, have other beginnings."""
    arrays = (np.zeros(3), np.zeros((2, 2), "f4")[:, 1], np.frombuffer(b"12345678"))
    items = (ctypes.c_void_p * len(arrays)).from_address(id(arrays) + TUPLE_ITEMS)
    if list(items) != list(map(id, arrays)):
        raise NotHere("tuples are laid out otherwise in this version of Python")
    for array in arrays:
        data = ctypes.c_void_p.from_address(id(array) + ARRAY_DATA).value
        flags = ctypes.c_int.from_address(id(array) + ARRAY_FLAGS).value
        mask = 0x0100 | 0x0400
        if data != array.ctypes.data or flags & mask != array.flags.num & mask:
            raise NotHere("numpy's arrays are laid out otherwise in this version")


def compiled(text: str, name: str, flags: tuple[str, ...] = FOR_THIS_PROCESSOR) -> Path:
    """A library of some C; made if it is not in the cache.

    Raises
    ------
    NotHere
        If it cannot be compiled, or cannot be loaded.
    """
    compiler = found("cc")
    if compiler is None:
        raise NotHere("there is no C compiler named cc")
    folder = cache()
    path = folder / f"{name}-{version(compiler, text, flags)}.so"
    if not path.exists():
        make(path, [compiler, *flags, "-x", "c", "-"], text)
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        raise NotHere(f"the compiled library cannot be loaded ({error})") from None
    return path


def found(command: str) -> str | None:
    """Where a command is; `shutil`, which knows, takes more memory than everything here."""
    paths = [os.path.join(folder, command) for folder in os.get_exec_path()]
    return next((p for p in paths if os.path.isfile(p) and os.access(p, os.X_OK)), None)


def make(path: Path, command: list[str], text: str) -> None:
    """Compile into a file of another name first: a process that looks for it finds all or none."""
    import subprocess  # both are needed once on a machine
    import tempfile

    try:
        handle, made = tempfile.mkstemp(suffix=".so", dir=path.parent)
        os.close(handle)
        command = [*command, "-o", made]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"cc could not be run ({error})") from None
    if done.returncode:
        Path(made).unlink(missing_ok=True)
        raise NotHere(f"cc could not compile {path.name.partition('-')[0]}")
    os.replace(made, path)


def version(compiler: str, text: str, flags: tuple[str, ...]) -> str:
    """A hash of all that a library depends on."""
    real = os.path.realpath(compiler)
    told = os.stat(real)
    machine = platform.machine(), np.show_config("dicts")["SIMD Extensions"]
    compiling = real, told.st_size, told.st_mtime_ns
    parts = (text, flags, compiling, np.__version__, machine)
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
    import tempfile

    try:
        folder = tempfile.TemporaryDirectory(prefix="tinytorch-", ignore_cleanup_errors=True)
    except OSError as error:
        raise NotHere(f"there is no directory to compile in ({error})") from None
    KEPT.append(folder)
    return Path(folder.name)


KEPT: list[Any] = []  # directories that are taken away when nobody holds them

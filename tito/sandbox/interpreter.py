"""Which files a Python needs: its program, its standard library and its shared libraries."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tito.errors import TitoError

# Loads all extension modules of the standard library, and what wheels take from the system, and
# says where the loader found them.
PROBE = """
import ctypes, glob, json, os, sysconfig

class Object(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]

names = []

@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Object), ctypes.c_size_t, ctypes.c_void_p)
def note(loaded, size, data):
    names.append(os.fsdecode(loaded.contents.name or b""))
    return 0

folder = sysconfig.get_config_var("DESTSHARED") or os.path.join(
    sysconfig.get_path("platstdlib"), "lib-dynload")
extensions = [p for p in glob.glob(os.path.join(glob.escape(folder), "*.so"))
              if not os.path.basename(p).startswith(("_tkinter", "_test", "_ctypes_test"))]
system = "libm.so.6 libgcc_s.so.1 libstdc++.so.6 libz.so.1 libdl.so.2 librt.so.1 libutil.so.1"
for library in extensions + system.split() + ["libpthread.so.0"]:
    try:
        ctypes.CDLL(library)
    except OSError:
        pass
ctypes.CDLL(None).dl_iterate_phdr(note, None)
print(json.dumps({
    "standard": sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}),
    "libraries": [name for name in names if os.path.isfile(name)],
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that is not a virtual environment's.

    Attributes
    ----------
    program : str
        The executable.
    standard : tuple of str
        The folders of the standard library.
    libraries : tuple of str
        Shared libraries elsewhere, under the names by which the loader looks for them.
    """

    program: str
    standard: tuple[str, ...]
    libraries: tuple[str, ...]


@functools.cache
def interpreter() -> Interpreter:
    """The Python that this one was made from, wherever it is installed."""
    program = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    answer = subprocess.run([program, "-I", "-c", PROBE], capture_output=True, text=True)
    if answer.returncode != 0:
        raise TitoError(f"{program} does not say which libraries it needs: {answer.stderr[-200:]}")
    found = json.loads(answer.stdout)
    standard = tuple(found["standard"])
    elsewhere = [path for path in found["libraries"] if not path.startswith(standard)]
    return Interpreter(program, standard, tuple(dict.fromkeys(elsewhere)))


def site_folders() -> list[Path]:
    """Where packages are installed that this process can import."""
    names = ("site-packages", "dist-packages")
    folders = [Path(p) for p in sys.path if os.path.basename(p.rstrip("/")) in names]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]

"""Hand-ins that are broken, each in another way, and what the report says of it.

Whoever makes one gets the module and its place: of a zip file the file, else the folder in which a
submission of this student lies, with an honest notebook in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from conftest import cell_of, reference

from tito.course import Module
from tito.submission import Submission, zip_bytes

TIME = "2025-11-23 10:00:00.000000 UTC"
Maker = Callable[[Module, Path], None]


def zipped(module: Module, student: str, **changes) -> bytes:
    """An honest zip file, or one with something else in it."""
    files = {module.notebook: json.dumps(reference(module)).encode()}
    values = {"student": student, "module": module.folder, "time": TIME, "files": files} | changes
    return zip_bytes(Submission(**values))


def damaged(module: Module, path: Path) -> None:
    content = bytearray(zipped(module, "damaged"))
    for place in range(len(content) // 2, len(content) // 2 + 40):
        content[place] ^= 0xFF
    path.write_bytes(content)


def truncated(module: Module, path: Path) -> None:
    path.write_bytes(zipped(module, "truncated")[:-100])


def encrypted(module: Module, path: Path) -> None:
    content = bytearray(zipped(module, "encrypted"))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(mark, place + 4)
    path.write_bytes(content)


def bomb(module: Module, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.json", "{}")
        with archive.open(module.notebook, "w", force_zip64=True) as file:
            for _ in range(60):
                file.write(bytes(1_000_000))


def lying_bomb(module: Module, path: Path) -> None:
    """One that says in its list that it unpacks to a hundred bytes."""
    bomb(module, path)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    path.write_bytes(content)


def with_entry(name: str, method: int = zipfile.ZIP_DEFLATED) -> Maker:
    def make(module: Module, path: Path) -> None:
        path.write_bytes(zipped(module, "entry"))
        with zipfile.ZipFile(path, "a", method) as archive:
            archive.writestr(name, "evil" * 100)

    return make


def many_entries(module: Module, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3_000):
            archive.writestr(f"{number}.ipynb", "{}")


def changed_zip(**changes) -> Maker:
    return lambda module, path: (
        path.write_bytes(zipped(module, **{"student": "changed"} | changes)) and None
    )


def strange_record(text: str) -> Maker:
    def make(module: Module, path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("submission.json", text)
            archive.writestr(module.notebook, "{}")

    return make


def pipe(module: Module, path: Path) -> None:
    os.mkfifo(path)


ZIPS: dict[str, tuple[Maker, str]] = {
    "damaged.zip": (damaged, "cannot be unpacked"),
    "truncated.zip": (truncated, "not a zip file"),
    "encrypted.zip": (encrypted, "it is encrypted"),
    "bomb.zip": (bomb, "unpacks to more than 50 MB"),
    "lying-bomb.zip": (lying_bomb, "cannot be unpacked"),
    "slip.zip": (with_entry("../../slipped.txt"), "outside of its folder"),
    "absolute.zip": (with_entry("/tmp/tito-slipped.txt"), "outside of its folder"),
    "dots.zip": (with_entry(".."), "outside of its folder"),
    "long-entry.zip": (with_entry("n" * 300), "is too long"),
    "bzip.zip": (with_entry("a.txt", zipfile.ZIP_BZIP2), "compressed in a way"),
    "many.zip": (many_entries, "more than 1000 files"),
    "text.zip": (lambda module, path: path.write_text("hello") and None, "not a zip file"),
    "empty.zip": (lambda module, path: path.touch(), "not a zip file"),
    "bare.zip": (changed_zip(files={}), "holds no notebook"),
    "soon.zip": (changed_zip(time="2999-01-01 10:00:00.000000 UTC"), "still to come"),
    "timeless.zip": (changed_zip(time="yesterday"), "is no time"),
    "climber.zip": (changed_zip(student="../../climber"), "cannot be a student's name"),
    "record.zip": (strange_record("[" * 100_000), "nobody knows whose"),
    "list.zip": (strange_record("[1]"), "nobody knows whose"),
    "pipe.zip": (pipe, "is a named pipe"),
    "link.zip": (lambda module, path: path.symlink_to("/etc/passwd"), "is a link"),
    "loop.ZIP": (lambda module, path: path.symlink_to(path), "is a link"),
}


def text(content: str | bytes, name: str = "") -> Maker:
    """Another content of the notebook, or of a file beside it."""

    def make(module: Module, folder: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        (folder / (name or module.notebook)).write_bytes(data)

    return make


def nb(change: Callable[[dict], None]) -> Maker:
    def make(module: Module, folder: Path) -> None:
        found = reference(module)
        change(found)
        (folder / module.notebook).write_text(json.dumps(found))

    return make


def source(code: str, exercise: str = "double") -> Maker:
    return nb(lambda found: cell_of(found, exercise).update(source=code))


def added(code: str) -> Maker:
    cell = {
        "cell_type": "code",
        "id": "added",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": code,
    }
    return nb(lambda found: found["cells"].append(cell))


def instead(make: Callable[[Path], object], name: str = "") -> Maker:
    """Something else in the place of the notebook, or beside it."""

    def maker(module: Module, folder: Path) -> None:
        path = folder / (name or module.notebook)
        path.unlink(missing_ok=True)
        make(path)

    return maker


def a_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # its name may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(before)


def a_device(path: Path) -> None:
    with contextlib.suppress(PermissionError):
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero never ends
    if not path.exists():
        os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def the_folder(make: Callable[[Path], object]) -> Maker:
    """Something else in the place of the folder."""

    def maker(module: Module, folder: Path) -> None:
        (folder / module.notebook).unlink()
        folder.rmdir()
        make(folder)

    return maker


def many_files(module: Module, folder: Path) -> None:
    for number in range(2_100):
        (folder / f"{number}.txt").touch()


def a_large_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(60_000_000)  # it has holes, and takes no room


def wrong_types(found: dict) -> None:
    found["metadata"] = {"kernelspec": 7, "language_info": [], "tito": "mine", "widgets": {"a": 1}}
    found["nbformat_minor"] = "five"
    for number, cell in enumerate(found["cells"]):
        cell["metadata"] |= {"tags": number, "jupyter": [], "collapsed": "yes"}
    cell_of(found, "test-double")["metadata"]["nbgrader"] |= {
        "points": "many",
        "schema_version": [],
    }
    cell_of(found, "why-inverse")["attachments"] = [1]


def deep_json(depth: int = 100_000) -> str:
    return '{"cells": ' + "[" * depth + "]" * depth + "}"


GROWING = """from IPython.display import display
handles = [display("a", display_id="same") for _ in range(200)]
handles[0].update("b" * 2_000_000)
"""
NESTED = """from IPython.display import HTML, display
display(HTML("<div>" * 15_000 + "seen"))
display(HTML("&" * 3_000_000))
display(HTML("<p " + " ".join(f"a{n}=1" for n in range(60_000)) + ">"))
"""
ELSE = "is not a notebook"
FINE = ""  # it does no harm, and there is nothing to say

# How each is made, what the report says, and the points of those that have some.
FOLDERS: dict[str, tuple[Maker, str, float | None]] = {
    "empty": (text(""), "it is empty", None),
    "no-json": (text("{"), ELSE, None),
    "binary": (text(bytes(range(256)) * 100), ELSE, None),
    "another-json": (text('{"a": 1}'), "no list of cells", None),
    "a-list": (text("[1, 2]"), "no list of cells", None),
    "a-number": (text("7"), "no list of cells", None),
    "nbformat-3": (text('{"worksheets": [], "nbformat": 3}'), "nbformat 3", None),
    "cells-of-numbers": (text('{"cells": [1]}'), "cell 1 is not a cell", None),
    "huge-integer": (text('{"cells": [' + "9" * 10_000 + "]}"), "digits", None),
    "deep-json": (text(deep_json()), "recursion", None),
    "many-values": (text('{"cells": [' + "[]," * 3_000_000 + "[]]}"), "2,000,000 values", None),
    "many-cells": (
        nb(lambda found: found.update(cells=found["cells"] * 1_000)),
        "more than 5000 cells",
        None,
    ),
    "large": (instead(a_large_file), "more than 50 MB", None),
    "large-beside": (instead(a_large_file, "data.csv"), "more than 50 MB", None),
    "many-files": (many_files, "more than 2000 files", None),
    "pipe": (instead(os.mkfifo), "is a named pipe", None),
    "pipe-beside": (instead(os.mkfifo, "data.csv"), "data.csv is a named pipe", None),
    "socket": (instead(a_socket, "kernel.sock"), "kernel.sock is a socket", None),
    "device": (instead(a_device, "zero.csv"), "zero.csv is a", None),
    "loop": (instead(a_loop), "is a link", None),
    "loop-beside": (instead(a_loop, "data.csv"), "data.csv is a link", None),
    "folder-loop": (the_folder(a_loop), "01_numbers is a link", None),
    "folder-is-file": (the_folder(Path.touch), "is a file where a folder should be", None),
    "notebook-is-folder": (instead(Path.mkdir), "is a folder, not a file", None),
    "no-notebook": (instead(lambda path: (path.parent / "essay.txt").touch()), "is missing", None),
    "bad-time": (text("next week", "timestamp.txt"), "is no time", None),
    "huge-time": (text("1" * 5_000, "timestamp.txt"), "timestamp.txt has more than", None),
    "pipe-time": (instead(os.mkfifo, "timestamp.txt"), "timestamp.txt is a named pipe", None),
    "digits-time": (text("9" * 900, "timestamp.txt"), "is no time", None),
    "other-module": (
        source("#| export\n", "quadruple"),
        "another module's notebook",
        None,
    ),
    "long-name": (text("1", "n" * 245 + ".csv"), FINE, 7),
    "empty-time": (text("", "timestamp.txt"), FINE, 7),
    "duplicate-ids": (
        nb(lambda found: [cell.update(id="same") for cell in found["cells"]] and None),
        FINE,
        7,
    ),
    "wrong-types": (nb(wrong_types), FINE, 7),
    "half-characters": (added('text = "\ud800"'), FINE, 7),
    "null-byte": (source("#| export\nx = '\0'\n"), "does not parse", 3),
    "import-chain": (source("import " + "a." * 40_000 + "a"), "names in a row", 3),
    "attribute-chain": (source("#| export\nx" + ".a" * 45_000), "does not parse", 3),
    "call-chain": (source("#| export\nx" + "(1)" * 30_000), "does not parse", 3),
    "deep-python": (source("#| export\nx = " + "-" * 90_000 + "1"), "to parse", 3),
    "deep-brackets": (source("#| export\nx = " + "[" * 5_000), "does not parse", 3),
    "many-formats": (source("#| export\nx = f'" + "{a}" * 33_000 + "'"), FINE, 3),
    "long-cell": (source("#| export\n" + "x = 1\n" * 5_000_000), "100,000 characters", 3),
    "growing": (added(GROWING), "it showed more than 50 MB", 7),
    "nested-html": (added(NESTED), FINE, 7),
}

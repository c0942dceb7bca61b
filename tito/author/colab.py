"""Notebooks for Colab, which fetch the kit themselves; the released ones stay as they are."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

from tito.author.kit import refuse_unless_new
from tito.course import Course, Module
from tito.errors import UsageError
from tito.files import explained, write_atomically
from tito.notebook.read import read_notebook

RUNS_THERE = Path(__file__).with_name("in_colab.py")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same kit gives the same bytes

FIRST = """\
# @title Run this cell first: it fetches the course. Colab may ask whether it may use your Drive.
colab = None  # anywhere else, this cell does nothing
try:
    import google.colab
except ImportError:
    pass
else:
    import hashlib, io, os, sys, urllib.request, zipfile

    with urllib.request.urlopen("{address}/{name}") as answer:
        kit = answer.read()
    if hashlib.sha256(kit).hexdigest() != "{checksum}":
        raise ImportError("this is not the kit that this notebook was made for")
    zipfile.ZipFile(io.BytesIO(kit)).extractall("TinyTorch")
    sys.path.insert(0, os.path.abspath("TinyTorch"))
    from tito.in_colab import begin

    colab = begin("{folder}")
"""
EXPORT = """\
# Keeps what you have built, for the notebooks that import it.
if colab:
    colab.export()
"""
SUBMIT = """\
# Downloads the file that you hand in; write your id between the quotation marks.
if colab:
    colab.submit("YOUR ID")
"""
TITLE = "## In Colab: keep your module, and hand it in"


def make_colab(course: Course, kit: Path, out: Path, address: str) -> list[Path]:
    """Make notebooks that work in Colab, and the kit as they fetch it.

    Parameters
    ----------
    course : Course
        With released modules.
    kit : Path
        The kit that was made from them.
    out : Path
        The new folder, of which all is meant to be put at `address`.
    address : str
        Where students' notebooks fetch the kit from: an address of the instructor's own.

    Returns
    -------
    list of Path
        The files, relative to `out`.

    Raises
    ------
    UsageError
        If the address is none, or there is something at `out` already.
    """
    refuse(out, address)
    packed = pack(kit)
    checksum = hashlib.sha256(packed).hexdigest()
    name = f"kit-{checksum[:12]}.zip"
    with explained(f"write {out}"):
        out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / name, packed)
    for module in course.modules():
        first = FIRST.format(
            address=address.rstrip("/"), name=name, checksum=checksum, folder=module.folder
        )
        text = json.dumps(for_colab(module, first), indent=1, ensure_ascii=False, sort_keys=True)
        write_atomically(out / module.folder / module.notebook, text + "\n")
    return sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())


def refuse(out: Path, address: str) -> None:
    """Refuse an address that is none, and a folder in which something is."""
    if not re.fullmatch(r"https?://[^\s\"'\\{}]+", address):
        raise UsageError(
            f"--colab {address} is no address; write where you will put the notebooks and the kit, "
            "such as https://example.org/tinytorch"
        )
    refuse_unless_new(out, "the notebooks for Colab would be written there")


def pack(kit: Path) -> bytes:
    """A kit as a zip file, with what a student calls in Colab."""
    memory = io.BytesIO()
    files = {path.relative_to(kit).as_posix(): path for path in kit.rglob("*") if path.is_file()}
    files["tito/in_colab.py"] = RUNS_THERE
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return memory.getvalue()


def for_colab(module: Module, first: str) -> dict:
    """The released notebook with a cell before it and three behind, and Colab's AI switched off."""
    nb = read_notebook(module.released)
    before = added_cell("code", "in-colab-first", first) | {"metadata": {"cellView": "form"}}
    behind = [
        added_cell("markdown", "in-colab-last", TITLE),
        added_cell("code", "in-colab-export", EXPORT),
        added_cell("code", "in-colab-submit", SUBMIT),
    ]
    metadata = nb["metadata"] | {"colab": {"generative_ai_disabled": True, "provenance": []}}
    return nb | {"cells": [before, *nb["cells"], *behind], "metadata": metadata}


def added_cell(kind: str, identity: str, text: str) -> dict:
    """A cell that is not in the release."""
    cell = {"cell_type": kind, "id": identity, "metadata": {}, "source": text.rstrip("\n")}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})

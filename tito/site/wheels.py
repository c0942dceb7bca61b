"""Wheels of pure Python, for browsers: of the course's library, and of a package installed here."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same bytes
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tito site\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Write a wheel of pure Python.

    Parameters
    ----------
    folder : Path
        Where to put it.
    name, version : str
        Of the package.
    files : mapping
        The content of each file, by its path in the wheel.

    Returns
    -------
    Path
        The wheel.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    own = {"METADATA": METADATA.format(name=name, version=version), "WHEEL": WHEEL}
    every = dict(files) | {f"{info}/{key}": text.encode() for key, text in own.items()}
    lines = [f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in every.items()]
    every[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in every.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def installed_files(name: str) -> tuple[str, dict[str, bytes]]:
    """The version of a package that is installed here, and its modules and licences by path."""
    found = distribution(name)
    paths = [path for path in found.files or () if ".." not in path.parts]
    kept = [path for path in paths if path.suffix == ".py" or "licenses" in path.parts]
    return found.version, {path.as_posix(): path.read_binary() for path in kept}

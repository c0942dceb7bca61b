"""Pyodide's distribution: Python for browsers, as the one who publishes the site has it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tito.errors import UsageError
from tito.files import explained

LOCK = "pyodide-lock.json"  # which packages a distribution has, and what each needs
LOADER = "pyodide.mjs"  # what JupyterLite's kernel loads
CORE = (LOADER, "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", LOCK)
# What lessons import, and what JupyterLite's kernel installs when it starts.
WANTED = ("numpy", "matplotlib", "micropip", "ipython", "jedi")
WHERE = "pyodide-VERSION.tar.bz2 among the releases of pyodide/pyodide on GitHub"


@dataclass(frozen=True)
class Pyodide:
    """A distribution of pyodide in a folder.

    Attributes
    ----------
    folder : Path
        With the files.
    lock : dict
        What is in its list of packages.
    """

    folder: Path
    lock: dict

    def packages(self, wanted: Sequence[str] = WANTED) -> dict[str, dict]:
        """The entries of packages and of all that they need, by name; of some it has none."""
        known, found, left = self.lock["packages"], {}, list(wanted)
        while left:
            name = normalized(left.pop())
            if name in known and name not in found:
                found[name] = known[name]
                left += known[name]["depends"]
        return dict(sorted(found.items()))

    def copy_to(self, target: Path, added: Sequence[dict] = ()) -> None:
        """Copy the loader, Python and the packages that are wanted.

        Parameters
        ----------
        target : Path
            The folder, in which the wheels of `added` are already.
        added : sequence of dict
            Entries of wheels of our own.
        """
        packages = self.packages()
        with explained(f"write to {target}"):
            for name in [*CORE, *(entry["file_name"] for entry in packages.values())]:
                shutil.copy(self.folder / name, target / name)
            packages |= {entry["name"]: entry for entry in added}
            text = json.dumps(self.lock | {"packages": packages}, indent=1)
            (target / LOCK).write_text(text, encoding="utf-8")


def normalized(name: str) -> str:
    """The name of a package as lists of packages have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entry_of(wheel: Path, name: str, imports: Sequence[str], needs: Sequence[str]) -> dict:
    """What a list of packages says of a wheel; a cell that imports it gets it without pip."""
    return {
        "depends": list(needs),
        "file_name": wheel.name,
        "imports": list(imports),
        "install_dir": "site",
        "name": name,
        "package_type": "package",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "unvendored_tests": False,
        "version": wheel.name.split("-")[1],
    }


def read_pyodide(given: Path, unpacked: Path) -> Pyodide:
    """A distribution that has all that the notebooks need.

    Parameters
    ----------
    given : Path
        A folder, or an archive as pyodide's project publishes it.
    unpacked : Path
        A folder for what is in an archive.

    Raises
    ------
    UsageError
        If it is no distribution, or lacks something.
    """
    folder = given if given.is_dir() else _unpack(given, unpacked)
    places = [path.parent for path in folder.rglob(LOCK)] or [folder]
    place = min(places, key=lambda path: len(path.parts))
    missing = [name for name in CORE if not (place / name).is_file()]
    if missing:
        raise UsageError(_refusal(given, f"has no {', '.join(missing)}"))
    try:
        found = Pyodide(place, json.loads((place / LOCK).read_text(encoding="utf-8")))
        packages = found.packages()
        files = {name: place / Path(entry["file_name"]).name for name, entry in packages.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(_refusal(given, f"has no list of packages in {LOCK}")) from None
    lacking = [name for name in WANTED if name not in packages]
    lacking += [name for name, file in files.items() if not file.is_file()]
    if lacking:
        first = sorted(lacking, key=lambda name: WANTED.index(name) if name in WANTED else 99)
        more = f" and {len(first) - 3} other packages" if len(first) > 4 else ""
        names = ", ".join(first[:3] if more else first)
        raise UsageError(_refusal(given, f"holds no wheel of {names}{more}"))
    for name, file in files.items():
        if hashlib.sha256(file.read_bytes()).hexdigest() != packages[name]["sha256"]:
            raise UsageError(_refusal(given, f"holds another {file.name} than its list names"))
    return found


def refuse_options(lite: bool, pyodide: Path | None) -> None:
    """Refuse one of `--lite` and `--pyodide` without the other."""
    if lite and pyodide is None:
        raise UsageError(
            "--lite needs --pyodide PATH, with a full distribution of pyodide, as a folder or an "
            f"archive: {WHERE}"
        )
    if pyodide and not lite:
        raise UsageError("--pyodide is only for --lite; add --lite, or leave it out")


def _refusal(given: Path, what: str) -> str:
    return (
        f"--pyodide {given} {what}; what is wanted is a full distribution of pyodide, as a folder "
        f"or an archive: {WHERE}"
    )


def _unpack(archive: Path, folder: Path) -> Path:
    if not archive.exists():
        raise UsageError(_refusal(archive, "is not there"))
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(_refusal(archive, f"cannot be unpacked ({error})")) from None
    return folder

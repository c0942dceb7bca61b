"""Writing files so that none is ever half-written."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tito.errors import TitoError


@contextlib.contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn an error of the operating system into one sentence that begins with `action`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise TitoError(
            f"cannot {action}: {reason.lower()}; make the folder writable or free some space, "
            "then run the command again (nothing was changed)"
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name and rename it, so that readers see all or nothing.

    Parameters
    ----------
    path : Path
        The file; its folder is made if there is none.
    content : str or bytes
        All of its content; text is written as UTF-8.

    Raises
    ------
    TitoError
        If it cannot be written; what was there before is still there.
    """
    data = content.encode() if isinstance(content, str) else content
    with explained(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


@contextlib.contextmanager
def replaced_folder(path: Path) -> Iterator[None]:
    """Keep a copy of a folder while it is being replaced, and put it back if that fails."""
    if not path.exists():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="tito-") as backup:
        shutil.copytree(path, Path(backup) / path.name)
        try:
            yield
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(Path(backup) / path.name, path)
            raise


def printable(text: str) -> str:
    """A text that moves no cursor and changes no colour where it is printed."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def refuse_links(folder: Path) -> None:
    """Make sure that a submission holds its own files, and does not point at somebody else's.

    A zip file may bring links, and would so hand in another one's work, or read any file here.

    Raises
    ------
    TitoError
        If the folder, or something in it, is a symbolic link.
    """
    linked = [p for p in (folder.parent, folder, *sorted(folder.rglob("*"))) if p.is_symlink()]
    if linked:
        raise TitoError(
            f"{printable(linked[0].name)} is a link, not a file or folder; ask for the file itself"
        )

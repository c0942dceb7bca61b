"""Writing files so that none is ever half-written."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tito.errors import StorageError, TitoError

# What is wrong with a disk, and not with what is written to it.
OF_THE_DISK = {errno.ENOSPC, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextlib.contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn an error of the operating system into one sentence that begins with `action`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        kind = StorageError if error.errno in OF_THE_DISK else TitoError
        raise kind(
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
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:30]}.", dir=path.parent)
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


def read_regular(path: Path, most: int) -> bytes:
    """The content of a file that somebody else made: of a file, and of nothing that never ends.

    Parameters
    ----------
    path : Path
        What to read; a link is not followed.
    most : int
        The most bytes that it may have.

    Raises
    ------
    TitoError
        If it is no regular file, or has more.
    OSError
        If it cannot be read.
    """
    refuse_irregular(path, os.lstat(path).st_mode)
    with open(os.open(path, FOR_READING), "rb") as file:
        refuse_irregular(path, os.fstat(file.fileno()).st_mode)  # it may be another one by now
        content = file.read(most + 1)
    if len(content) > most:
        raise TitoError(f"{printable(path.name)} has more than {size(most)}")
    return content


def size(number: int) -> str:
    """A number of bytes in words."""
    return f"{number / 1e6:g} MB" if number >= 1e6 else f"{number / 1e3:g} kB"


MOST_BYTES = 50_000_000  # of all files of a submission

# Opening a pipe does not wait, and no link is followed, where the system can do that.
FOR_READING = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"):
    FOR_READING |= getattr(os, _name, 0)

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def refuse_irregular(path: Path, mode: int) -> None:
    """Refuse what is no file, by its mode as `os.stat` has it."""
    if not stat.S_ISREG(mode):
        name, kind = printable(path.name), KINDS.get(stat.S_IFMT(mode), "a folder")
        raise TitoError(f"{name} is {kind}, not a file; ask for the file itself")

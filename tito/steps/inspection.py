"""What a submission may hold: files and folders, and not too much of them."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tito.errors import TitoError
from tito.files import MOST_BYTES, printable, refuse_irregular, size

MOST_FILES = 2_000  # in a submission


def inspect_submission(folder: Path) -> None:
    """Make sure that a submission holds files and folders, and no more than can be looked at.

    A zip file may bring links, and would so hand in another one's work, or read any file here; and
    whoever reads a pipe waits for ever.

    Raises
    ------
    TitoError
        If the folder, or something in it, is neither a file nor a folder, or if it is too much.
    OSError
        If a folder in it cannot be read.
    """
    for path in (folder.parent, folder):
        if path.is_symlink():
            refuse_irregular(path, stat.S_IFLNK)
    if folder.exists() and not folder.is_dir():
        raise TitoError(f"{printable(folder.name)} is a file where a folder should be")
    total = 0
    for number, entry in enumerate(_entries(folder), 1):
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            refuse_irregular(Path(entry.path), status.st_mode)
            total += status.st_size
        if number > MOST_FILES:
            raise TitoError(f"it has more than {MOST_FILES} files; ask for the notebook alone")
        if total > MOST_BYTES:
            raise TitoError(f"its files have more than {size(MOST_BYTES)}; ask for the notebook")


def _entries(folder: Path) -> Iterator[os.DirEntry]:
    """All that is in a folder and in those below, one after another; nothing of no folder."""
    waiting = [str(folder)] if folder.is_dir() else []
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            found = itertools.islice(entries, MOST_FILES + 1)
            for entry in sorted(found, key=lambda entry: entry.name):
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)

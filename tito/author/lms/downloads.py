"""What Canvas, Moodle and Gradescope give for "download all submissions": zip files and folders.

Nothing of it is trusted: each file is read by itself, has a bound, and is written nowhere by the
name that it has there.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tito.author.lms.gradescope import METADATA, senders_in
from tito.author.lms.senders import Sender
from tito.errors import TitoError, UsageError
from tito.files import MOST_BYTES, printable, read_regular, size
from tito.grading.read_zip import ENCRYPTED, is_litter
from tito.submission import RECORD

MOST_FILES = 20_000
MOST_OF_ALL = 2_000_000_000  # bytes of all files of a download
LONGEST_NAME = 150  # characters of a name that is written here
LONGEST_SIGNED = 500  # characters of one that may say who sent a file
UTC_TIME = b"UT"  # marks, in a zip file, the time that has a zone

# Full Name_12345_assignsubmission_file_/hand-in.zip, or without folders …_file_hand-in.zip
MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+(_.*)?")
# lovelaceada_LATE_12345_67890_hand-in.zip: a user's number, and a file's
CANVAS = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<number>\d+)_(?P<file>\d+)_.+")
# anon_Ab3dE_67890_hand-in.zip
HIDDEN = re.compile(r"(?P<late>LATE_)?anon_(LATE_)?\w+?_(?P<file>\d+)_.+")


@dataclass(frozen=True)
class Entry:
    """A file of a download: where it is in it, its size, when it was put there, its content."""

    parts: tuple[str, ...]
    size: int
    time: datetime | None
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.parts[-1]


@dataclass(frozen=True)
class Delivered:
    """What belongs together in a download: a file, or the files of a hand-in that was unpacked.

    Attributes
    ----------
    name : str
        What it can be called in a folder of its own.
    sender : Sender
        Who sent it, as the platform says.
    time : datetime or None
        When it was sent, or at the latest.
    entries : list of Entry
        Its files.
    """

    name: str
    sender: Sender
    time: datetime | None
    entries: list[Entry] = field(default_factory=list)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[Entry]]:
    """The files of a download.

    Parameters
    ----------
    path : Path
        A zip file as it was downloaded, or a folder that it was unpacked to.

    Raises
    ------
    UsageError
        If it is neither, or holds too much.
    """
    if path.is_dir():
        yield _bounded(path, _in_folder(path))
        return
    if not path.exists():
        raise UsageError(f"there is no {path}; name the zip file that was downloaded, or a folder")
    if path.stat().st_size > MOST_OF_ALL:
        raise UsageError(f"{printable(path.name)} has more than {size(MOST_OF_ALL)}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise UsageError(
            f"{printable(path.name)} is no zip file, or a damaged one ({error}); download it once "
            "more, or name the folder that it was unpacked to"
        ) from None
    with archive:
        yield _bounded(path, (_in_zip(archive, info) for info in archive.infolist()))


def _bounded(path: Path, entries: Iterator[Entry]) -> list[Entry]:
    """The files that a person put there, if they are not too many."""
    found, total = [], 0
    for entry in entries:
        if not entry.parts or is_litter("/".join(entry.parts)):
            continue
        found.append(entry)
        total += entry.size
        if len(found) > MOST_FILES or total > MOST_OF_ALL:
            raise UsageError(
                f"{printable(path.name)} holds more than {MOST_FILES} files or "
                f"{size(MOST_OF_ALL)}; is it a download of hand-ins?"
            )
    return found


def _in_folder(root: Path) -> Iterator[Entry]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder) / name
            facts = path.lstat()
            yield Entry(
                path.relative_to(root).parts,
                facts.st_size if stat.S_ISREG(facts.st_mode) else 0,
                datetime.fromtimestamp(facts.st_mtime, UTC),
                functools.partial(read_regular, path, MOST_BYTES),
            )


def _in_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    parts = () if info.is_dir() else tuple(p for p in info.filename.split("/") if p)
    return Entry(
        parts, info.file_size, time_of_entry(info), functools.partial(_read, archive, info)
    )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of a file in a zip file.

    Raises
    ------
    TitoError
        If it is too large, or what no platform makes.
    """
    if info.file_size > MOST_BYTES:
        raise TitoError(f"it has more than {size(MOST_BYTES)}")
    if info.flag_bits & ENCRYPTED:
        raise TitoError("it is encrypted; ask for it without a password")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise TitoError("it is a link, not a file")
    if ".." in info.filename.split("/") or info.filename.startswith("/"):
        raise TitoError("its name leads out of the download")
    try:
        return archive.read(info)
    except Exception as error:  # of zipfile, zlib, struct: each has its own for what is damaged
        raise TitoError(f"it cannot be unpacked ({error or type(error).__name__})") from None


def time_of_entry(info: zipfile.ZipInfo) -> datetime | None:
    """When a file was put into a zip file; of a time without a zone, that of this machine."""
    try:
        at = info.extra.find(UTC_TIME)
        if at >= 0 and info.extra[at + 4] & 1:
            seconds = int.from_bytes(info.extra[at + 5 : at + 9], "little")
            return datetime.fromtimestamp(seconds, UTC) if seconds else None
        time = datetime(*info.date_time).astimezone(UTC)
    except (ValueError, OverflowError, OSError, IndexError):
        return None
    return time if time.year > 1980 else None  # which stands for none


def delivered_in(entries: list[Entry]) -> list[Delivered]:
    """What belongs together in a download, and who sent it.

    Raises
    ------
    TitoError
        If Gradescope's list of senders cannot be read.
    """
    known: dict[str, Sender] = {}
    for entry in entries:
        if entry.name == METADATA:
            known |= senders_in(entry.read())
    units: dict[tuple[str, ...], list[Entry]] = {}
    records = {entry.parts[:-1] for entry in entries if entry.name == RECORD}
    for entry in entries:
        if entry.name != METADATA:
            folder = entry.parts[:-1]
            units.setdefault(folder if folder in records else entry.parts, []).append(entry)
    taken: set[str] = set()
    return [_delivered(parts, unit, known, taken) for parts, unit in units.items()]


def _delivered(
    parts: tuple[str, ...], unit: list[Entry], known: dict[str, Sender], taken: set[str]
) -> Delivered:
    sender, at = _sender_of(parts, known)
    name = _name_of(parts[at:] if at >= 0 else parts[-2:], taken)
    times = [entry.time for entry in unit if entry.time]
    time = sender.time or (min(max(times), datetime.now(UTC)) if times else None)
    return Delivered(name, sender, time, unit)


def _sender_of(parts: tuple[str, ...], known: dict[str, Sender]) -> tuple[Sender, int]:
    """Who sent a file, and which part of its path says so; -1 if none does."""
    for at, part in enumerate(parts):
        if part in known:
            return known[part], at
        if len(part) > LONGEST_SIGNED:
            continue
        if found := MOODLE.fullmatch(part):
            return Sender("Moodle", names=(found["name"],)), at
        if at == len(parts) - 1 and (found := HIDDEN.fullmatch(part)):
            return Sender("Canvas", late=bool(found["late"]), order=int(found["file"][:18])), at
        if at == len(parts) - 1 and (found := CANVAS.fullmatch(part)):
            late, order = bool(found["late"]), int(found["file"][:18])
            return Sender("Canvas", (found["number"],), (), (found["name"],), late, order), at
    return Sender(), -1


def _name_of(parts: tuple[str, ...], taken: set[str]) -> str:
    """A name for a folder of its own: short, of plain characters, and no other's."""
    plain = re.sub(r"[^\w.@ -]", "_", printable("_".join(parts))).lstrip(". ")
    plain = plain if len(plain) <= LONGEST_NAME else f"{plain[:100]}…{plain[-40:]}"
    name, number = plain or "_", 1
    while name.lower() in taken:
        number += 1
        name = f"{number}_{plain}"
    taken.add(name.lower())
    return name

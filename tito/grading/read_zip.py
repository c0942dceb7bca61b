"""Reading the zip file of a hand-in, whoever made it."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from tito.errors import TitoError
from tito.files import MOST_BYTES, printable, read_regular, size
from tito.submission import RECORD, TIME, Submission

MOST_ENTRIES = 1_000
LARGEST_RECORD = 10_000  # bytes
LONGEST_NAME = 255  # bytes, as file systems have it
ENCRYPTED = 0x1  # among the flags of a zip file's entry


def known_as(name: str) -> str:
    """A name as names are compared: two that look the same, or differ in case, are one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def read_zip(path: Path) -> Submission:
    """Read a submission.

    Parameters
    ----------
    path : Path
        A zip file.

    Returns
    -------
    Submission
        With the files at its top level only.

    Raises
    ------
    TitoError
        If it is no zip file, or a damaged one; if `tito submit` did not make it, or it was changed
        on the way.
    OSError
        If it cannot be read.
    """
    return submission_of(unpacked(read_regular(path, MOST_BYTES)))


def submission_of(files: dict[str, bytes]) -> Submission:
    """The submission that some files are, by the record among them; errors as of `read_zip`."""
    files = dict(files)
    try:
        record = json.loads(files.pop(RECORD)[:LARGEST_RECORD])
        student, module, time = (str(record[key]) for key in ("student", "module", "time"))
        desk, kit = str(record.get("desk", "")), str(record.get("kit", ""))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise TitoError(
            f"it holds no {RECORD}, so nobody knows whose it is; unpack it into "
            "submitted/STUDENT/MODULE/ by hand"
        ) from None
    submission = Submission(student, module, time, files, desk, kit)
    if time_of(submission) > datetime.now(UTC):
        raise TitoError(f"its time {submission.time} is still to come")
    if record.get("sha256") != submission.digest:
        raise TitoError("its files are not those that were handed in (the checksum differs)")
    return submission


def time_of(submission: Submission) -> datetime:
    """When it was handed in.

    Raises
    ------
    TitoError
        If what it says is no time.
    """
    try:
        return datetime.strptime(submission.time, TIME).replace(tzinfo=UTC)
    except ValueError:
        raise TitoError(f"its time {submission.time[:40]!r} is no time") from None


def is_litter(name: str) -> bool:
    """Whether a file is one that macOS or Windows lays beside those of a person."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(
        part in (".DS_Store", "Thumbs.db", "desktop.ini") or part.startswith("._")
        for part in parts[-1:]
    )


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files at the top level of a zip file, or of the one folder that it holds, by name."""
    if content.count(b"PK\x01\x02") > MOST_ENTRIES:  # each entry of its list begins so
        raise TitoError(f"it holds more than {MOST_ENTRIES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                _refuse_strange(entry)
            entries = [e for e in entries if not e.is_dir() and not is_litter(e.filename)]
            names = _at_the_top(entries)
            entries = [e for e in entries if e.filename in names]
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise TitoError(f"it unpacks to more than {size(MOST_BYTES)}")
            return {names[entry.filename]: archive.read(entry) for entry in entries}
    except TitoError:
        raise
    except Exception as error:  # of zipfile, zlib, struct: each has its own for what is damaged
        raise TitoError(
            f"it cannot be unpacked ({error or type(error).__name__}); ask for it once more"
        ) from None


def _at_the_top(entries: list[zipfile.ZipInfo]) -> dict[str, str]:
    """The names at the top level, or in the only folder, as Finder packs one; each without it."""
    names = [entry.filename for entry in entries]
    folders = {name.partition("/")[0] for name in names}
    only = f"{folders.pop()}/" if len(folders) == 1 and all("/" in n for n in names) else ""
    found = {name: name.removeprefix(only) for name in names}
    return {name: short for name, short in found.items() if "/" not in short}


def _refuse_strange(entry: zipfile.ZipInfo) -> None:
    """Refuse what `tito submit` never writes, and what would leave the folder it is unpacked in."""
    name, parts = printable(entry.filename)[:80], PurePosixPath(entry.filename).parts
    if entry.flag_bits & ENCRYPTED:
        raise TitoError(f"it is encrypted (its file {name!r}); ask for it without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise TitoError(f"its file {name!r} is compressed in a way that tito submit never uses")
    if ".." in parts or entry.filename.startswith("/"):
        raise TitoError(f"its file {name!r} would be unpacked outside of its folder")
    if len(entry.filename.encode("utf-8", "replace")) > LONGEST_NAME and len(parts) == 1:
        raise TitoError(f"the name of its file {name!r}… is too long")

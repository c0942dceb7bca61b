"""A submission as a zip file: what `tito submit` makes and `tito grade` reads."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tito.errors import TitoError

RECORD = "submission.json"
TIME = "%Y-%m-%d %H:%M:%S.%f UTC"
LARGEST_FILE = 50_000_000  # bytes, unpacked


@dataclass(frozen=True)
class Submission:
    """What a student hands in.

    Attributes
    ----------
    student : str
        Who.
    module : str
        What: ``07_autograd``.
    time : str
        When, as nbgrader writes it: ``2026-11-23 10:00:00.000000 UTC``.
    files : dict
        The name and content of each file.
    """

    student: str
    module: str
    time: str
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The SHA-256 of the files, which a student can compare with the receipt."""
        total = hashlib.sha256()
        for name in sorted(self.files):
            total.update(name.encode() + b"\0" + self.files[name] + b"\0")
        return total.hexdigest()


def now() -> str:
    """The time, as nbgrader writes it."""
    return datetime.now(UTC).strftime(TIME)


def zip_bytes(submission: Submission) -> bytes:
    """A submission as a zip file."""
    record = {
        "student": submission.student,
        "module": submission.module,
        "time": submission.time,
        "sha256": submission.digest,
    }
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, json.dumps(record, indent=1))
        for name, content in submission.files.items():
            archive.writestr(name, content)
    return memory.getvalue()


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
        If `tito submit` did not make it, or it was changed on the way.
    zipfile.BadZipFile
        If it is not a zip file.
    """
    with zipfile.ZipFile(path) as archive:
        entries = [e for e in archive.infolist() if not e.is_dir() and "/" not in e.filename]
        if sum(entry.file_size for entry in entries) > LARGEST_FILE:
            raise TitoError(f"it unpacks to more than {LARGEST_FILE // 1_000_000} MB")
        files = {entry.filename: archive.read(entry) for entry in entries}
    try:
        record = json.loads(files.pop(RECORD))
        submission = Submission(
            str(record["student"]), str(record["module"]), str(record["time"]), files
        )
    except (KeyError, ValueError, TypeError):
        raise TitoError(
            f"it holds no {RECORD}, so nobody knows whose it is; unpack it into "
            "submitted/STUDENT/MODULE/ by hand"
        ) from None
    try:
        future = datetime.strptime(submission.time, TIME).replace(tzinfo=UTC) > datetime.now(UTC)
    except ValueError:
        raise TitoError(f"its time {submission.time!r} is no time") from None
    if future:
        raise TitoError(f"its time {submission.time} is still to come")
    if record.get("sha256") != submission.digest:
        raise TitoError("its files are not those that were handed in (the checksum differs)")
    return submission

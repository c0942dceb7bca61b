"""What a student hands in, and the zip file that `tito submit` makes of it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime

RECORD = "submission.json"
TIME = "%Y-%m-%d %H:%M:%S.%f UTC"


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
    desk : str
        What tells the desk that it comes from: the same for all hand-ins of one, and no other's.
    kit : str
        The version of the kit that it was made with; nothing if nobody knows.
    """

    student: str
    module: str
    time: str
    files: dict[str, bytes]
    desk: str = ""
    kit: str = ""

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
        "desk": submission.desk,
        "kit": submission.kit,
    }
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, json.dumps(record, indent=1))
        for name, content in submission.files.items():
            archive.writestr(name, content)
    return memory.getvalue()

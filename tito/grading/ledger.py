"""What has been graded: a file beside the gradebook that makes grading resumable."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tito.errors import TitoError, UsageError
from tito.files import explained

TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    module TEXT NOT NULL, student TEXT NOT NULL, digest TEXT NOT NULL, summary TEXT NOT NULL,
    result BLOB NOT NULL, written TEXT, PRIMARY KEY (module, student)
);
"""


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of a submission.

    Attributes
    ----------
    digest : str
        From `tito.grading.task.digest_of`.
    summary : dict
        The ``state``, the ``notes`` and the ``flags`` of the result, and its ``seed``.
    written : str or None
        What was in force when it was put into the gradebook; None if it was not.
    """

    digest: str
    summary: dict
    written: str | None = None


class Ledger:
    """The results of grading, kept until there are newer ones.

    A result is first kept here, then written into the gradebook and ``autograded/``, then marked as
    written. So whatever is interrupted is either graded again, with the same seed and hence the
    same mark, or written again.

    Parameters
    ----------
    path : Path
        The file; it is made if there is none.

    Raises
    ------
    TitoError
        If it cannot be used.
    """

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.db = sqlite3.connect(path, timeout=60, isolation_level=None)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.executescript(TABLES)
        except sqlite3.Error as error:
            raise TitoError(
                f"{path} cannot be used ({error}); delete it, and everything is graded again"
            ) from None

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def seed(self, module: str) -> int:
        """The seed of a run of grading, which nobody can guess: the same until the run is done.

        So all students of a run get the same inputs, also where it was killed and goes on, and
        whoever hands in again gets others.
        """
        key = self.setting("key") or self.set("key", secrets.token_hex(32))
        mixed = hmac.digest(key.encode(), f"{module} {self._run(module)}".encode(), "sha256")
        return int.from_bytes(mixed[:4], "big")

    def next_seed(self, module: str) -> None:
        """Give the next run of grading another seed."""
        self.set(f"runs of {module}", str(self._run(module) + 1))

    def _run(self, module: str) -> int:
        return int(self.setting(f"runs of {module}") or 0)

    def setting(self, name: str) -> str | None:
        """A value that was kept."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str) -> str:
        """Keep a value."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
        return value

    def entries(self, module: str) -> dict[str, Entry]:
        """What is known of the submissions of a module, by student."""
        rows = self.db.execute(
            "SELECT student, digest, summary, written FROM results WHERE module = ?", (module,)
        )
        return {
            s: Entry(digest, json.loads(summary), written) for s, digest, summary, written in rows
        }

    def keep(self, module: str, student: str, entry: Entry, result: dict) -> None:
        """Keep a result; it replaces the one before."""
        data = zlib.compress(json.dumps(result).encode())
        self.db.execute(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, NULL)",
            (module, student, entry.digest, json.dumps(entry.summary), data),
        )

    def result(self, module: str, student: str) -> dict:
        """A result that was kept."""
        row = self.db.execute(
            "SELECT result FROM results WHERE module = ? AND student = ?", (module, student)
        ).fetchone()
        return json.loads(zlib.decompress(row[0]))

    def mark_written(self, module: str, student: str, digest: str, circumstances: str) -> None:
        """Note that a result is in the gradebook."""
        self.db.execute(
            "UPDATE results SET written = ? WHERE module = ? AND student = ? AND digest = ?",
            (circumstances, module, student, digest),
        )


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Make sure that no other command grades this course; ends with the process, however that ends.

    Raises
    ------
    UsageError
        If there is one.
    """
    with explained(f"write to {path.parent}"):
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        db.close()
        if "locked" not in str(error):
            raise TitoError(f"{path} cannot be used: {error}") from None
        raise UsageError("tito grade is running for this course already; wait for it") from None
    try:
        yield
    finally:
        db.close()

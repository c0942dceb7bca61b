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

from tito.errors import StorageError, TitoError, UsageError
from tito.files import explained
from tito.grading.report import STATES

TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    module TEXT NOT NULL, student TEXT NOT NULL, digest TEXT NOT NULL, summary TEXT NOT NULL,
    result BLOB NOT NULL, written TEXT, PRIMARY KEY (module, student)
);
CREATE TABLE IF NOT EXISTS missed (
    module TEXT NOT NULL, student TEXT NOT NULL, seed INTEGER NOT NULL, exercises BLOB NOT NULL,
    PRIMARY KEY (module, student)
);
CREATE TABLE IF NOT EXISTS behaviours (
    digest TEXT NOT NULL, seed INTEGER NOT NULL, code TEXT NOT NULL, behaviour BLOB NOT NULL,
    PRIMARY KEY (digest, seed, code)
);
"""

DAMAGED = ("malformed", "not a database", "no such column", "no column named", "has no column")


class DamagedRow(TitoError):
    """A result that was kept and cannot be read any more: it is to be graded again."""


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
    StorageError
        If it cannot be used, here and in all methods.
    """

    def __init__(self, path: Path):
        self.path = path
        with explained(f"write to {path.parent}"):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._usable():
            self.db = sqlite3.connect(path, timeout=60, isolation_level=None)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.executescript(TABLES)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        """Say in one sentence what is wrong with the file."""
        try:
            yield
        except sqlite3.Error as error:
            said = f"{self.path} cannot be used ({error})"
            if any(sign in str(error) for sign in DAMAGED):
                raise StorageError(
                    f"{said}; it is damaged, or another version's: rename it, and the same command "
                    "grades everybody again; marks given by hand stay, as they are in the gradebook"
                ) from None
            raise StorageError(
                f"{said}; make sure that no other program uses it, that it can be written and that "
                "the disk has space, and run the same command again: what was graded is kept"
            ) from None

    def _do(self, statement: str, *values) -> list[tuple]:
        with self._usable():
            return self.db.execute(statement, values).fetchall()

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
        try:
            return int(self.setting(f"runs of {module}") or 0)
        except ValueError:  # it is damaged; another seed is as good
            return 0

    def setting(self, name: str) -> str | None:
        """A value that was kept."""
        rows = self._do("SELECT value FROM settings WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def set(self, name: str, value: str) -> str:
        """Keep a value."""
        self._do("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)
        return value

    def entries(self, module: str) -> dict[str, Entry]:
        """What is known of the submissions of a module, by student; nothing of what is damaged."""
        rows = self._do(
            "SELECT student, digest, summary, written FROM results WHERE module = ?", module
        )
        found = {student: _entry(*values) for student, *values in rows}
        return {student: entry for student, entry in found.items() if entry}

    def keep(self, module: str, student: str, entry: Entry, result: dict) -> None:
        """Keep a result; it replaces the one before."""
        result = dict(result)
        exercises = _packed(result.pop("missed", []))
        self._do(
            "INSERT OR REPLACE INTO missed VALUES (?, ?, ?, ?)",
            module,
            student,
            entry.summary.get("seed", 0),
            exercises,
        )
        self._do(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, NULL)",
            module,
            student,
            entry.digest,
            json.dumps(entry.summary),
            _packed(result),
        )

    def missed(self, module: str) -> dict[str, tuple[int, list[dict]]]:
        """Of each student, the seed, and the exercises that lost points (`tito.judge.missed`)."""
        rows = self._do("SELECT student, seed, exercises FROM missed WHERE module = ?", module)
        found = {student: (seed, _unpacked(exercises)) for student, seed, exercises in rows}
        return {s: one for s, one in found.items() if isinstance(one[1], list)}

    def behaviours(self, digest: str, seed: int) -> dict[str, dict | None]:
        """How solutions of the module with this digest behave, by what identifies their code."""
        rows = self._do(
            "SELECT code, behaviour FROM behaviours WHERE digest = ? AND seed = ?", digest, seed
        )
        return {code: _unpacked(behaviour) for code, behaviour in rows}

    def keep_behaviour(self, digest: str, seed: int, code: str, behaviour: dict | None) -> None:
        """Keep one of these."""
        self._do(
            "INSERT OR REPLACE INTO behaviours VALUES (?, ?, ?, ?)",
            digest,
            seed,
            code,
            _packed(behaviour),
        )

    def result(self, module: str, student: str) -> dict:
        """A result that was kept.

        Raises
        ------
        DamagedRow
            If it cannot be read any more.
        """
        rows = self._do(
            "SELECT result FROM results WHERE module = ? AND student = ?", module, student
        )
        try:
            result = json.loads(zlib.decompress(rows[0][0]))
            for notebook in result["notebooks"].values():
                json.loads(notebook)["cells"]
        except Exception:  # of whatever stands there
            raise DamagedRow(f"what was kept of {student} in {self.path} is damaged") from None
        return result

    def mark_written(self, module: str, student: str, digest: str, circumstances: str) -> None:
        """Note that a result is in the gradebook."""
        self._do(
            "UPDATE results SET written = ? WHERE module = ? AND student = ? AND digest = ?",
            circumstances,
            module,
            student,
            digest,
        )


def _packed(data) -> bytes:
    return zlib.compress(json.dumps(data).encode())


def _unpacked(data):
    """The inverse of `_packed`; None if it is damaged."""
    try:
        return json.loads(zlib.decompress(data))
    except (TypeError, ValueError, zlib.error):
        return None


def _entry(digest, summary, written) -> Entry | None:
    """An entry, if it is one."""
    try:
        data = json.loads(summary)
        texts = [*data["notes"], *data["flags"], data["state"], digest]
        is_whole = all(isinstance(text, str) for text in texts) and type(data["seed"]) is int
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Entry(digest, data, written) if is_whole and data["state"] in STATES else None


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
    try:
        db = sqlite3.connect(path, timeout=0, isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if "locked" not in str(error):
            raise StorageError(
                f"{path} cannot be used ({error}); make sure that it can be written and that the "
                "disk has space, and run the same command again"
            ) from None
        raise UsageError("tito grade is running for this course already; wait for it") from None
    try:
        yield
    finally:
        db.close()

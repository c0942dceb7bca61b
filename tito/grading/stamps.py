"""When a submission was handed in, as nbgrader keeps it beside the notebook."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tito.errors import TitoError
from tito.files import printable, read_regular

STAMP = "timestamp.txt"
LONGEST_STAMP = 1_000  # bytes


def time_in(folder: Path) -> datetime | None:
    """When a submission was handed in, by the file beside it; None if there is none.

    Raises
    ------
    TitoError
        If the file holds no time: nobody knows then whether it was late.
    """
    from nbgrader.utils import parse_utc

    if not (folder / STAMP).exists():
        return None
    text = read_regular(folder / STAMP, LONGEST_STAMP).decode("utf-8", "replace").strip()
    try:
        return parse_utc(text) if text else None
    except Exception:  # of dateutil, which has many
        raise TitoError(
            f"{STAMP} holds {printable(text[:40])!r}, which is no time; write it like "
            "2026-11-23 10:00:00 UTC, or remove the file"
        ) from None

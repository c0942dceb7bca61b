"""What is dear to work out, kept in a file as long as what it was worked out from is the same."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tito.errors import TitoError
from tito.files import write_atomically

Result = TypeVar("Result")  # of lists, dicts, texts and numbers, as JSON holds them


def kept(path: Path, state: str, work_out: Callable[[], Result]) -> Result:
    """What a file keeps of the same state; else it is worked out, and kept there.

    Parameters
    ----------
    path : Path
        The file. One that is damaged counts as none; where none can be written, nothing is kept.
    state : str
        What identifies all that the result depends on, such as a hash.
    work_out : callable
        Gives the result, as JSON can hold it.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["state"] == state:
            return found["result"]
    result = work_out()
    with contextlib.suppress(TitoError):
        write_atomically(path, json.dumps({"state": state, "result": result}, indent=1))
    return result

"""The engine without its watchers, to see what they are good for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tinytorch.support.recording import Watchers, recording


@contextlib.contextmanager
def without_guards() -> Iterator[None]:
    """Let nobody watch, for the length of a block: changes in place then go unnoticed."""
    before, recording.watchers = recording.watchers, Watchers([], [])
    try:
        yield
    finally:
        recording.watchers = before

"""Switching the guards off that are always on: only to see what would happen without them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tinytorch.support.recording import Watchers, recording


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """For the length of a block, nothing watches for changes in place; never in real programs."""
    before, recording.watchers = recording.watchers, Watchers([], [])
    try:
        yield
    finally:
        recording.watchers = before

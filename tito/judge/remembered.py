"""What is worked out once, also where several threads ask for it at the same moment."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable


def remembered(most: int) -> Callable:
    """As `functools.lru_cache`; but threads wait for the one that works something out.

    Parameters
    ----------
    most : int
        How many results are kept.
    """

    def of(function: Callable) -> Callable:
        found, lock = functools.lru_cache(maxsize=most)(function), threading.Lock()

        @functools.wraps(function)
        def ask(*arguments, **settings):
            with lock:
                return found(*arguments, **settings)

        return ask

    return of

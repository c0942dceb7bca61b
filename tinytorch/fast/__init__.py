"""Compiled steps without Python between their numpy calls, where there is a C compiler.

What each element of a result needs only at its own place is run by numpy's own inner loops, one
after the other, block by block, from one small C function; so the results have the same bits.
"""

from __future__ import annotations

import functools
import os
import warnings

from tinytorch.fast.building import NotHere, library
from tinytorch.fast.rewriting import rewritten
from tinytorch.fast.ufuncs import layout_agrees


def wanted(backend: str) -> bool:
    """Whether a step runs with loops: if that is wished for, and there is what it needs."""
    switched_off = os.environ.get("TINYTORCH_FAST") == "0"
    return backend != "lines" and not switched_off and available()


@functools.cache
def available() -> bool:
    """Whether there are loops here; says once why not."""
    try:
        library()
        if not layout_agrees():
            raise NotHere("numpy's ufuncs are laid out otherwise in this version")
    except NotHere as reason:
        warnings.warn(f"compiled steps run as lines of numpy, not as loops: {reason}", stacklevel=2)
        return False
    return True


__all__ = ["available", "rewritten", "wanted"]

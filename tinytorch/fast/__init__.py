"""Compiled steps without Python between their numpy calls, where there is a C compiler.

What each element of a result needs only at its own place is run by numpy's own inner loops, one
after the other, block by block, from one small C function; so the results have the same bits. The
backend "c" joins those that C has formulas for, sums and products for example, in functions of C.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable

from tinytorch.fast.building import NotHere, library
from tinytorch.fast.formulas import trials
from tinytorch.fast.rewriting import rewritten
from tinytorch.fast.ufuncs import layout_agrees


def hastened(
    program, write: Callable, without_common: Callable, backend: str
) -> tuple[str, dict, dict, str] | None:
    """A program that runs by the best there is, at most that which is wished for.

    Parameters
    ----------
    program : Program
    write, without_common : callable
        What writes a program, and what takes out the steps that are there twice.
    backend : {"loops", "c"}

    Returns
    -------
    tuple or None
        The text, what its names are, its memory, and the backend; None for lines.
    """
    if os.environ.get("TINYTORCH_FAST") == "0" or not available():
        return None
    if backend == "c" and joins():
        try:
            found = rewritten(program, write, without_common, "c")
            return found and (*found, "c")
        except NotHere as reason:
            say_no_c(str(reason))
    found = rewritten(program, write, without_common)
    return found and (*found, "loops")


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


@functools.cache
def joins() -> bool:
    """Whether functions of C can be made here; says once why not."""
    try:
        trials()
    except NotHere as reason:
        say_no_c(str(reason))
        return False
    return True


@functools.cache
def say_no_c(reason: str) -> None:
    """Say once that there is no C, and why."""
    warnings.warn(f"compiled steps run by numpy's loops, not as C: {reason}", stacklevel=2)


__all__ = ["available", "hastened"]

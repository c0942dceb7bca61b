"""Compiled steps without Python between their numpy calls, where there is a C compiler.

What each element of a result needs only at its own place is run by numpy's own inner loops, one
after the other, block by block, from one small C function; so the results have the same bits. Sums
along axes and products of matrices are called there as well, as numpy calls them. The backend "c"
joins those that C has formulas for, sums and products for example, in functions of C.
"""

from __future__ import annotations

import functools
import os
import warnings

from tinytorch.fast.building import NotHere, library
from tinytorch.fast.formulas import trials
from tinytorch.fast.lines import as_lines
from tinytorch.fast.rewriting import rewritten
from tinytorch.fast.ufuncs import layout_agrees


def hastened(program, lesson, backend: str) -> tuple[str, dict, dict, str] | None:
    """A program that runs by the best there is, at most that which is wished for.

    Parameters
    ----------
    program : Program
    lesson : module
        What writes programs, and takes out the steps that are there twice: that of `compile`.
    backend : {"lines", "loops", "c"}

    Returns
    -------
    tuple or None
        The text, what its names are, its memory, and the backend; None if that is switched off.
    """
    if os.environ.get("TINYTORCH_FAST") == "0":
        return None
    found = in_fewer_calls(program, lesson, backend) if backend != "lines" and available() else None
    return found or (*as_lines(program, lesson), "lines")


def in_fewer_calls(program, lesson, backend: str) -> tuple[str, dict, dict, str] | None:
    """A program by C, or else by loops; None if that brings nothing."""
    if backend == "c" and joins():
        try:
            found = rewritten(program, lesson, "c")
            return found and (*found, "c")
        except NotHere as reason:
            say_no_c(str(reason))
    found = rewritten(program, lesson)
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

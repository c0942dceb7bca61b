"""Keeping freed memory, so that large arrays come and go without page faults.

A result of a million numbers takes 0.2 ms to compute into memory that the process has, and 2.8 ms
into memory that the operating system has to provide first, page by page. The C library of Linux
gives large blocks back as soon as they are free, and every step of training asks for them again.
`keep_freed_blocks` tells it to keep up to 256 MiB. Nobody calls it but you: it changes the whole
process, and a process that computes with small arrays gains nothing.
"""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
MIB = 1 << 20


def keep_freed_blocks(kept: int = 256 * MIB, largest: int = 32 * MIB) -> bool:
    """Ask glibc to keep freed memory for the next array, from now on and in the whole process.

    Parameters
    ----------
    kept : int
        How many bytes at most to keep at the end of the heap.
    largest : int
        Blocks from this size on, in bytes, still go back at once; glibc allows at most 32 MiB.

    Returns
    -------
    bool
        Whether there was a glibc to ask, and it agreed. Without glibc, nothing happens.

    References
    ----------
    The GNU C Library manual, "Malloc Tunable Parameters" (mallopt).

    Examples
    --------
    Once, before the training loop:

    >>> from tinytorch import memory
    >>> kept = memory.keep_freed_blocks()
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc: musl, macOS, Windows
        return False
    return bool(mallopt(MMAP_THRESHOLD, largest) and mallopt(TRIM_THRESHOLD, kept))

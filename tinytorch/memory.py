"""What a process can be asked for, so that steps take less time: nobody asks for it but you.

Both change the whole process, and do nothing for the numbers that come out.

`keep_freed_blocks` is for large arrays. A result of a million numbers takes 0.2 ms to compute into
memory that the process has, and 2.8 ms into memory that the operating system has to provide first,
page by page. The C library of Linux gives large blocks back as soon as they are free, and every
step of training asks for them again. The function tells it to keep up to 256 MiB, and asks Linux to
make half of that of large pages, 2 MiB each: a processor remembers where some thousand pages are,
which are a few arrays of small ones, and has to look up all others again and again.

`look_for_cycles_rarely` is for graphs of many operations. Python frees most objects as soon as
nobody refers to them, a graph too. Only of objects that refer to one another in a circle it cannot
tell, so it goes through all objects again and again, to find such: each time that there are some
hundred more than before (700 in Python 3.11). A graph of 10,000 operations has 50,000 objects and
no circle.
"""

from __future__ import annotations

import ctypes
import gc
import mmap

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4  # M_TRIM_THRESHOLD and so on of <malloc.h>
MAPPED_BLOCKS = 1 << 16  # what M_MMAP_MAX is unless somebody changes it
MIB = 1 << 20


def keep_freed_blocks(kept: int = 256 * MIB, largest: int = 32 * MIB) -> bool:
    """Ask glibc to keep freed memory for the next array, from now on and in the whole process.

    Half of what is kept is of large pages, where the system has them to give.

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
    The GNU C Library manual, "Malloc Tunable Parameters" (mallopt); the Linux kernel's "Transparent
    Hugepage Support" (madvise).

    Examples
    --------
    Once, before the training loop:

    >>> from tinytorch import memory
    >>> kept = memory.keep_freed_blocks()
    """
    try:
        library = ctypes.CDLL(None)
        mallopt = library.mallopt
    except (AttributeError, OSError, TypeError):  # not glibc: musl, macOS, Windows
        return False
    agreed = bool(mallopt(MMAP_THRESHOLD, largest) and mallopt(TRIM_THRESHOLD, kept))
    if agreed:
        ask_for_large_pages(library, kept // 2)
    return agreed


def look_for_cycles_rarely(objects: int = 100_000) -> None:
    """Have Python look for garbage in cycles only when there are so many more objects than before.

    What is not in a cycle is freed at once, as ever; what is may stay, with its arrays, until then.

    Parameters
    ----------
    objects : int
        How many containers (lists, instances and so on) more than at the last search. What
        ``gc.get_threshold()`` gave before, ``gc.set_threshold`` sets again.

    Raises
    ------
    ValueError
        If `objects` is not positive; ``gc.disable()`` stops the search altogether.

    References
    ----------
    The documentation of Python's ``gc.set_threshold``.

    Examples
    --------
    Once, before the training loop:

    >>> from tinytorch import memory
    >>> memory.look_for_cycles_rarely()
    """
    if objects < 1:
        raise ValueError(
            f"Python cannot look for cycles every {objects} objects; give a positive number, or "
            "call gc.disable() to have it never look"
        )
    gc.set_threshold(objects, *gc.get_threshold()[1:])


def ask_for_large_pages(library: ctypes.CDLL, size: int) -> None:
    """Have the next `size` bytes of the heap be large pages, once somebody writes to them."""
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.mallopt(MMAP_MAX, 0)  # so that it comes from the heap, and stays there when it is freed
    block = library.malloc(size)
    library.mallopt(MMAP_MAX, MAPPED_BLOCKS)
    if block:
        begin = -(-block // mmap.PAGESIZE) * mmap.PAGESIZE
        library.madvise(begin, block + size - begin, mmap.MADV_HUGEPAGE)
        library.free(block)

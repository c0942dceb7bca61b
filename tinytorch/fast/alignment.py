"""Memory that begins where the widest vectors of a processor do.

numpy's own begins at multiples of 16 bytes. Every second vector of 32 bytes then lies in two lines
of the cache, and takes twice as long.
"""

from __future__ import annotations

import numpy as np

from tinytorch.support.compiling import runs_in

LINE = 64  # bytes of a line of the cache, and of the widest vector


def aligned_bytes(size: int) -> np.ndarray:
    """Some bytes, the first of which is the first in a line of the cache."""
    memory = np.empty(size + LINE, np.uint8)
    begin = -memory.ctypes.data % LINE
    return memory[begin : begin + size]


def laid_out(memory: np.ndarray, like) -> np.ndarray:
    """Bytes as an array like another one, or of a kind, that has no gaps."""
    order = sorted(range(len(like.shape)), key=lambda axis: -abs(like.strides[axis]))
    flat = memory.view(like.dtype).reshape([like.shape[axis] for axis in order])
    return flat.transpose(np.argsort(order)) if order else flat


class Memory:
    """Arrays that are kept from call to call, and used again when nobody needs what is in them."""

    def __init__(self):
        self.arrays: list[np.ndarray] = []
        self.free: dict[int, list[np.ndarray]] = {}

    def take(self, kind) -> tuple[np.ndarray, np.ndarray]:
        """An array laid out as an example was, and the bytes that it is in."""
        memory = self.bytes(kind.size * kind.dtype.itemsize)
        return laid_out(memory, kind), memory

    def bytes(self, size: int) -> np.ndarray:
        """Bytes that nobody needs."""
        free = self.free.get(size)
        if not free:
            self.arrays.append(aligned_bytes(size))
            free = [self.arrays[-1]]
            self.free[size] = free
        return free.pop()

    def give_back(self, memory: np.ndarray) -> None:
        """Let others have these bytes."""
        self.free.setdefault(memory.size, []).append(memory)


def aligned_like(array: np.ndarray) -> np.ndarray:
    """An array without contents, laid out as another one that has no gaps."""
    return laid_out(aligned_bytes(array.nbytes), array)


def with_aligned_memory(text: str, space: dict, buffers: dict) -> tuple[str, dict, dict]:
    """A program as it was written, with other memory."""
    for memory in (buffers, *(run.buffers for run in runs_in(space))):
        for name in memory:  # one after the other, so that there are never all of them twice
            memory[name] = aligned_like(memory[name])
    return text, space, buffers

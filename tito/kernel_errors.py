"""How errors look in a notebook where the traceback would bury them."""

from __future__ import annotations

import traceback

LAST_FRAMES = 3


def shorten_recursion_errors() -> None:
    """Show an endless recursion by its last frames; its traceback would have a thousand."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if shell := get_ipython():
        shell.set_custom_exc((RecursionError,), _show)


def _show(shell, kind, error, trace, tb_offset=None) -> list[str]:
    frames = traceback.extract_tb(trace)[-LAST_FRAMES:]
    names = " → ".join(frame.name for frame in frames)
    sentence = f"RecursionError: a function came back to itself without end ({names} → …)"
    shell._showtraceback(kind, error, [sentence])
    return [sentence]

"""What every data set refuses in the same words."""

from __future__ import annotations


def refuse_below(least: int, **sizes: int) -> None:
    """Refuse the first of some named sizes that is below `least`."""
    for name, size in sizes.items():
        if size < least:
            raise ValueError(f"{name} is {size}; it has to be at least {least}")

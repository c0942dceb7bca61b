"""Small data sets that need no download: two that lie here, the others are made by code.

Where each comes from, and what you may do with it, is in ``LICENCES.md`` beside this file.
"""

from tinytorch.datasets.fashion import fashion
from tinytorch.datasets.images import place
from tinytorch.datasets.points import blobs, moons, spirals
from tinytorch.datasets.stored import digits, names, trained
from tinytorch.datasets.strings import brackets

__all__ = [
    "blobs",
    "brackets",
    "digits",
    "fashion",
    "moons",
    "names",
    "place",
    "spirals",
    "trained",
]

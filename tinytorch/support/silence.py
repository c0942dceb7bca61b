"""Calls without numpy's warnings; to enter `numpy.errstate` takes longer."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np

QUIET: list[contextvars.Context] = []  # in which numpy is silent, and nothing runs now


def silently(function: Callable, inputs: Iterable, settings: Mapping = MappingProxyType({})):
    """Call a function of numpy's, or one that calls nothing else, without its warnings."""
    quiet = QUIET.pop() if QUIET else new_context()
    try:
        return quiet.run(function, *inputs, **settings)
    finally:
        QUIET.append(quiet)


def new_context() -> contextvars.Context:
    """A context in which numpy says nothing."""
    quiet = contextvars.Context()
    quiet.run(np.seterr, all="ignore")
    return quiet

"""What was perhaps meant, where an error or a missing result says so itself."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Iterable

import numpy as np

FORGOTTEN = "did you forget return?"


def perhaps_meant(error: BaseException, frame) -> str:
    """A question about a name that is not there, such as ``did you mean np.subtract?``.

    Parameters
    ----------
    error : BaseException
        What was raised.
    frame : frame
        Where it was raised.

    Returns
    -------
    str
        The question; empty where nothing comes near.
    """
    name = getattr(error, "name", None)
    if not isinstance(name, str):
        return ""
    if isinstance(error, NameError):
        own = frame.f_locals.get("self")
        if own is not None and name in _names_in(own):
            return f"did you mean self.{name}?"
        known = [*frame.f_locals, *frame.f_globals, *dir(builtins)]
        return _question(name, known)
    if isinstance(error, AttributeError):
        known = _names_in(getattr(error, "obj", None))
        owner = "np." if getattr(error, "obj", None) is np else ""
        return _question(name, known, owner)
    return ""


def nothing_came(came) -> bool:
    """Whether a result, or one of several, is None, as that of a function without return is."""
    return came is None or (isinstance(came, list) and any(x is None for x in came))


def _names_in(x) -> list[str]:
    try:
        return [*dir(x), *getattr(type(x), "__slots__", ())]
    except Exception:  # the student's own __dir__; it is not the matter here
        return []


def _question(name: str, known: Iterable[str], owner: str = "") -> str:
    found = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=1, cutoff=0.75)
    return f"did you mean {owner}{found[0]}?" if found else ""

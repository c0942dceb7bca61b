"""Comparing what came with what was expected, and saying how they differ."""

from __future__ import annotations

import math

import numpy as np

DIGITS = 1e-12  # relative; formulas agree to that, and difference quotients do not


def show(x, quoted: bool = False) -> str:
    """A value in one short line; text stands in quotes if asked for."""
    if isinstance(x, np.ndarray):
        x = x.item() if x.ndim == 0 else x.tolist()
    if isinstance(x, float):
        return f"{x:.6g}"
    if isinstance(x, list):
        items = ", ".join(show(item, quoted) for item in x[:9])
        text = f"[{items}, …]" if len(x) > 9 else f"[{items}]"
    elif isinstance(x, dict):
        text = "{" + ", ".join(f"{key}: {show(item, quoted)}" for key, item in x.items()) + "}"
    else:
        text = x if isinstance(x, str) and not quoted else repr(x)
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:119] + "…"


def show_both(actual, expected) -> tuple[str, str]:
    """Two values that differ, so that it can be seen: text that looks like a number in quotes."""
    alike = show(actual) == show(expected)
    return show(actual, alike), show(expected, alike)


def _pair(actual, expected) -> str:
    return "{}, expected {}".format(*show_both(actual, expected))


def difference(actual, expected, tolerance: float | None = None) -> str:
    """Say how two values differ.

    Parameters
    ----------
    actual, expected : ndarray, number, bool, str, None, or list or dict of these
        What came and what was expected.
    tolerance : float, optional
        The largest difference allowed, relative to the larger of 1 and the expected numbers; by
        default it follows the less precise dtype.

    Returns
    -------
    str
        ``"…, expected …"``, or nothing if they agree.
    """
    of_several = isinstance(expected, (list, tuple)) and not isinstance(actual, np.ndarray)
    if of_several or isinstance(expected, dict):
        return _difference_of_collections(actual, expected, tolerance)
    if expected is None or isinstance(expected, str):
        same = type(actual) is type(expected) and actual == expected
        return "" if same else _pair(actual, expected)
    try:
        a, e = np.asarray(actual), np.asarray(expected)
    except ValueError:
        return _pair(actual, expected)
    if a.dtype.kind not in "biuf":
        return _pair(actual, expected)
    if a.shape != e.shape:
        return f"shape {a.shape}, expected shape {e.shape}"
    return _difference_of_numbers(a, e, tolerance)


def _difference_of_collections(actual, expected, tolerance: float | None) -> str:
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            return _pair(actual, expected)
        pairs = [(f"for {key!r}", actual[key], expected[key]) for key in expected]
    elif not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
        return _pair(actual, expected)
    elif all(_is_number(x) for x in [*actual, *expected]):
        wrong = any(difference(a, e, tolerance) for a, e in zip(actual, expected, strict=True))
        return _pair(list(actual), list(expected)) if wrong else ""
    else:
        pairs = [
            (f"as result {n} of {len(expected)}", a, e)
            for n, (a, e) in enumerate(zip(actual, expected, strict=True), 1)
        ]
    for place, a, e in pairs:
        found = difference(a, e, tolerance)
        if found:
            return found.replace(", expected ", f" {place}, expected ", 1)
    return ""


def agree_in_last_digits(actual, expected) -> bool:
    """Whether two values that agree do so to 12 digits, wherever float64 is expected."""
    if isinstance(expected, dict):
        return all(agree_in_last_digits(actual[key], x) for key, x in expected.items())
    if isinstance(expected, (list, tuple)) and not isinstance(actual, np.ndarray):
        pairs = zip(actual, expected, strict=True)
        return all(agree_in_last_digits(a, e) for a, e in pairs)
    e = np.asarray(expected)
    return e.dtype != np.float64 or not disagreement(np.asarray(actual), e, DIGITS).any()


def _is_number(x) -> bool:
    return isinstance(x, (bool, int, float))


def disagreement(a: np.ndarray, e: np.ndarray, tolerance: float | None = None) -> np.ndarray:
    """Where two arrays of one shape disagree.

    Parameters
    ----------
    a, e : ndarray
        What came and what was expected, of one shape.
    tolerance : float, optional
        As in `difference`.

    Returns
    -------
    ndarray of bool
        The same shape.
    """
    if a.dtype.kind in "biu" and e.dtype.kind in "biu":
        return a != e
    allowed = tolerance or _precision(e.dtype, a.dtype)
    a, e = a.astype(np.float64), e.astype(np.float64)
    with np.errstate(all="ignore"):
        close = np.abs(a - e) <= allowed * np.maximum(np.abs(e), 1.0)
    close &= np.isfinite(e)  # an infinity is close to nothing but itself
    return ~(close | (a == e) | (np.isnan(a) & np.isnan(e)))


def _difference_of_numbers(a: np.ndarray, e: np.ndarray, tolerance: float | None) -> str:
    wrong = disagreement(a, e, tolerance)
    if not wrong.any():
        return ""
    if a.dtype.kind == "f" or e.dtype.kind == "f":
        a, e = a.astype(np.float64), e.astype(np.float64)
    both = f"{show(a)}, expected {show(e)}"
    if a.size <= 9 and len(both) <= 80:
        return both
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = ", ".join(map(str, index))
    return f"{show(a[index])} at [{place}], expected {show(e[index])}"


def _precision(expected: np.dtype, actual: np.dtype) -> float:
    """The relative error allowed: that of the expected dtype, or float32's for a float32 answer."""
    if expected == np.float16:
        return math.sqrt(np.finfo(np.float16).eps)
    return 1e-4 if np.float32 in (expected, actual) else 1e-7

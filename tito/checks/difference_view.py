"""Two values side by side, the first difference marked."""

from __future__ import annotations

import numpy as np

from tito.comparison import difference, disagreement, show, show_both

WINDOW = 8  # elements of an axis that are shown
LISTED = 4  # places that are listed


def view(actual, expected, tolerance: float | None = None) -> list[tuple[str, str]]:
    """The rows of a block that show how two different values differ.

    Parameters
    ----------
    actual, expected : ndarray, number, bool, str, None, or list or dict of these
        What came and what was expected.
    tolerance : float, optional
        As in `tito.comparison.difference`.

    Returns
    -------
    list of (str, str)
        What came, what was expected, and where they begin to differ.
    """
    place, actual, expected = _first_pair(actual, expected, tolerance)
    a, e = _array(actual), _array(expected)
    if a is None or e is None:
        rows = list(zip(("came", "expected"), show_both(actual, expected), strict=True))
    elif a.shape != e.shape:
        rows = [("came", _with_shape(a)), ("expected", _with_shape(e))]
    elif a.ndim == 0:
        rows = [("came", show(a)), ("expected", show(e))]
    elif not (wrong := disagreement(a, e, tolerance)).any():  # equal numbers of other kinds
        rows = list(zip(("came", "expected"), show_both(actual, expected), strict=True))
    else:
        rows = _arrays(a, e, wrong)
    if rows[0][0] == "in":
        place = ", ".join(filter(None, [place, rows.pop(0)[1]]))
    return [("in", place), *rows] if place else rows


def _first_pair(actual, expected, tolerance: float | None, place: str = ""):
    """Descend to the first items of collections that differ, and say where they stand."""
    if isinstance(expected, dict) and isinstance(actual, dict) and set(actual) == set(expected):
        pairs = [(repr(key), actual[key], expected[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(actual, list) and len(actual) == len(expected):
        if _array(expected) is not None and _array(actual) is not None:
            return place, actual, expected
        pairs = [
            (f"result {n} of {len(expected)}", a, e)
            for n, (a, e) in enumerate(zip(actual, expected, strict=True), 1)
        ]
    else:
        return place, actual, expected
    for name, a, e in pairs:
        if difference(a, e, tolerance):
            return _first_pair(a, e, tolerance, f"{place}, {name}" if place else name)
    return place, actual, expected


def _array(x) -> np.ndarray | None:
    """Numbers as an array; None for anything else."""
    if x is None or isinstance(x, (str, dict)):
        return None
    if isinstance(x, list) and any(isinstance(item, np.ndarray) for item in x):
        return None
    try:
        array = np.asarray(x)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" else None


def _with_shape(array: np.ndarray) -> str:
    return f"shape {array.shape}" + (f": {show(array)}" if array.size <= WINDOW else "")


def _arrays(a: np.ndarray, e: np.ndarray, wrong: np.ndarray) -> list[tuple[str, str]]:
    """The row that holds the first difference, of both, with a mark below it."""
    places = np.argwhere(wrong)
    first = tuple(int(i) for i in places[0])
    row, column = first[:-1], first[-1]
    begin = min(max(column - WINDOW // 2, 0), max(a.shape[-1] - WINDOW, 0))
    window = slice(begin, begin + WINDOW)
    left = [show(x) for x in a[row][window].tolist()]
    right = [show(x) for x in e[row][window].tolist()]
    widths = [max(len(x), len(y)) for x, y in zip(left, right, strict=True)]
    before = "… " if begin else ""
    after = " …" if begin + WINDOW < a.shape[-1] else ""
    lines = [
        f"{before}[" + ", ".join(x.rjust(w) for x, w in zip(xs, widths, strict=True)) + f"]{after}"
        for xs in (left, right)
    ]
    mark = "".join(
        (" " * (w + 2) if not bad else "^" * w + "  ")
        for w, bad in zip(widths, wrong[row][window], strict=True)
    )
    mark = " " * (len(before) + 1) + mark.rstrip()
    rows = [("came", lines[0]), ("expected", lines[1] + "\n" + mark)]
    if row:
        name = ", ".join(map(str, row))
        rows.insert(0, ("in", f"row [{name}] of shape {a.shape}"))
    return [*rows, ("differs", _where(a, e, places, a.size))]


def _where(a, e, places: np.ndarray, size: int) -> str:
    first = tuple(int(i) for i in places[0])
    at = ", ".join(map(str, first))
    said = f"first at index [{at}]: {show(a[first].item())}, expected {show(e[first].item())}"
    if len(places) == 1:
        return said
    return f"{said}; {len(places)} of {size} elements differ"

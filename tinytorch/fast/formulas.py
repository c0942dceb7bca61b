"""What C writes for elementwise functions, as far as it has numpy's bits; each is tried first.

A NaN is left out of the comparison: which of two NaNs a sum passes on, and with which sign, is for
the processor and the compiler to decide. C must only say that the result is one; who calls it then
asks numpy.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from tinytorch.fast.building import compiled
from tinytorch.fast.ufuncs import NAMES, call

TYPES = {"?": "uint8_t", "f": "float", "d": "double"}
ANY: dict[str, tuple[str, ...]] = {  # of several formulas, the first with numpy's zeros is taken
    "add": ("{0} + {1}",),
    "subtract": ("{0} - {1}",),
    "multiply": ("{0} * {1}",),
    "divide": ("{0} / {1}",),
    "maximum": (
        "({0} > {1}) | ({0} != {0}) ? {0} : {1}",
        "({0} >= {1}) | ({0} != {0}) ? {0} : {1}",
    ),
    "minimum": (
        "({0} < {1}) | ({0} != {0}) ? {0} : {1}",
        "({0} <= {1}) | ({0} != {0}) ? {0} : {1}",
    ),
    "negative": ("-{0}",),
    "positive": ("{0}",),
    "square": ("{0} * {0}",),
    "reciprocal": ("1 / {0}",),
    "sign": ("{0} > 0 ? 1 : {0} < 0 ? -1 : {0} == 0 ? 0 : {0}",),
    "isnan": ("{0} != {0}",),
    "less": ("{0} < {1}",),
    "less_equal": ("{0} <= {1}",),
    "greater": ("{0} > {1}",),
    "greater_equal": ("{0} >= {1}",),
    "equal": ("{0} == {1}",),
    "not_equal": ("{0} != {1}",),
    "logical_and": ("({0} != 0) & ({1} != 0)",),
    "logical_or": ("({0} != 0) | ({1} != 0)",),
    "logical_not": ("{0} == 0",),
}
BY_TYPE = {  # in double precision; those for floats end with an f
    "absolute": "__builtin_fabs",
    "sqrt": "__builtin_sqrt",
    "floor": "__builtin_floor",
    "ceil": "__builtin_ceil",
    "trunc": "__builtin_trunc",
    "rint": "__builtin_rint",
}
HEAD = "#include <stdint.h>\n\n"


def candidates(name: str, types: str) -> tuple[str, ...]:
    """The formulas that a function may have, with {0} and {1} for what it is given."""
    if name in BY_TYPE and types in ("f->f", "d->d"):
        return (f"{BY_TYPE[name]}{'f' if types[0] == 'f' else ''}({{0}})",)
    return ANY.get(name, ())


@functools.cache
def formula(ufunc: np.ufunc, types: str) -> str | None:
    """The formula with numpy's bits; None if there is none."""
    found = enumerate(candidates(ufunc.__name__, types))
    return next((text for i, text in found if agrees(ufunc, types, trial(ufunc, types, i))), None)


def trial(ufunc: np.ufunc, types: str, i: int) -> int:
    """The address of a loop that has a formula, and nothing else."""
    return ctypes.cast(getattr(trials(), trial_name(ufunc, types, i)), ctypes.c_void_p).value or 0


def trial_name(ufunc: np.ufunc, types: str, i: int) -> str:
    """The name of that loop."""
    return f"{ufunc.__name__}_{'_'.join(NAMES[letter] for letter in types.replace('->', ''))}_{i}"


@functools.cache
def trials() -> ctypes.CDLL:
    """All of these loops."""
    ufuncs = [getattr(np, name) for name in (*ANY, *BY_TYPE)]
    pairs = [(ufunc, types) for ufunc in ufuncs for types in dict.fromkeys(ufunc.types)]
    texts = [
        trial_text(trial_name(ufunc, types, i), types, text)
        for ufunc, types in pairs
        if set(types) <= {*TYPES, "-", ">"}
        for i, text in enumerate(candidates(ufunc.__name__, types))
    ]
    return ctypes.CDLL(str(compiled(HEAD + "\n".join(texts), "formulas")))


def trial_text(name: str, types: str, formula: str) -> str:
    """A loop as numpy calls them."""
    *given, out = [TYPES[letter] for letter in types.replace("->", "")]
    reads = [f"*({kind} *)(p[{k}] + i * s[{k}])" for k, kind in enumerate(given)]
    reads = [
        f"{kind} x{k} = {read};" for k, (kind, read) in enumerate(zip(given, reads, strict=True))
    ]
    value = formula.format("x0", "x1")
    return (
        f"void {name}(char **p, const intptr_t *n, const intptr_t *s, void *d)\n"
        f"{{ for (intptr_t i = 0; i < *n; i++) {{ {' '.join(reads)} "
        f"*({out} *)(p[{len(given)}] + i * s[{len(given)}]) = {value}; }} }}\n"
    )


def agrees(ufunc: np.ufunc, types: str, address: int) -> bool:
    """Whether a loop gives the bits of its ufunc, apart from those of NaN."""
    letters = types.replace("->", "")
    for inputs in special(letters[:-1]):
        size = max(x.size for x in inputs)
        out = np.empty(size, letters[-1])
        call((address, 0), [*[np.broadcast_to(x, size) for x in inputs], out])
        with np.errstate(all="ignore"):
            expected = ufunc(*[x[0] if x.size == 1 else x for x in inputs])
        if not same_but_nan(out, np.broadcast_to(expected, size)):
            return False
    return True


def same_but_nan(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether arrays have the same bits, wherever not both have a NaN."""
    if x.dtype != y.dtype:
        return False
    keep = ~(np.isnan(x) & np.isnan(y))
    return x[keep].tobytes() == y[keep].tobytes()


@functools.cache
def special(letters: str) -> list[list[np.ndarray]]:
    """Inputs in which everything meets everything, of several lengths, and single ones."""
    columns = [extremes(letter) for letter in letters]
    all_pairs = [x.ravel() for x in np.meshgrid(*columns)]
    found = [all_pairs]
    for size in (1, 2, 3, 5, 7, 8, 15, 16, 31, 64, 129):
        found += [[x[start:][:size] for x in all_pairs] for start in (0, 11)]
    for k in range(len(letters)):
        for x in columns[k]:
            found.append([*columns[:k], x[None], *columns[k + 1 :]])
    return found


def extremes(letter: str) -> np.ndarray:
    """Zeros, infinities, NaN, the smallest and the largest numbers, and ordinary ones."""
    if letter == "?":
        return np.array([True, False])
    info = np.finfo(letter)
    edges = [0, 1, np.inf, np.nan, info.tiny, info.smallest_subnormal, info.max, info.eps, 0.5, 1.5]
    values = np.array([*edges, *np.random.default_rng(0).normal(size=7) * 3], letter)
    return np.concatenate([values, -values])

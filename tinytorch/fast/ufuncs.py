"""numpy's inner loops: their addresses, read from the ufuncs, and checked."""

from __future__ import annotations

import ctypes
import functools
import operator
from typing import Any

import numpy as np

from tinytorch.fast.building import library

EXACT = """
    add subtract multiply divide maximum minimum negative positive absolute sqrt square reciprocal
    sign floor ceil trunc rint isnan isinf isfinite copysign
    less less_equal greater greater_equal equal not_equal logical_and logical_or logical_not
""".split()
ROUNDED = """
    exp exp2 expm1 log log2 log10 log1p tanh sinh cosh sin cos tan arctan arcsin arccos
""".split()
UFUNCS = {getattr(np, name) for name in (*EXACT, *ROUNDED)}
OPERATORS: dict[Any, np.ufunc] = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.neg: np.negative,
    operator.abs: np.absolute,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
}
IN_PLACE: dict[Any, np.ufunc] = {
    operator.iadd: np.add,
    operator.isub: np.subtract,
    operator.imul: np.multiply,
    operator.itruediv: np.divide,
}
NAMES = {"?": "bool", "f": "float", "d": "double"}
Loop = tuple[int, int]  # the address of a function, and what it is given as its data


class Beginning(ctypes.Structure):
    """How the object of a ufunc begins, by numpy's public header."""

    _fields_ = [
        ("references", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    ]


@functools.cache
def types_of(ufunc: np.ufunc, given: tuple) -> str | None:
    """The types that a ufunc computes with, as ``dd->d``; None if they are others than ours."""
    try:
        found = ufunc.resolve_dtypes((*given, *[None] * ufunc.nout))
    except TypeError:
        return None
    letters = [dtype.char for dtype in found]
    if ufunc.nout != 1 or not set(letters) <= set(NAMES):
        return None
    return f"{''.join(letters[:-1])}->{letters[-1]}"


@functools.cache
def inner_loop(ufunc: np.ufunc, types: str) -> Loop | None:
    """The loop for some types; None if it is not found, or gives other bits than the ufunc."""
    loop = loop_of(ufunc, types)
    return loop if loop and gives_the_same(loop, ufunc, types) else None


def loop_of(ufunc: np.ufunc, types: str) -> Loop | None:
    """The loop for some types, as it stands in a ufunc; None if it is not found."""
    if types not in ufunc.types:
        return None
    begin = Beginning.from_address(id(ufunc))
    told = (begin.nin, begin.nout, begin.nargs, begin.ntypes)
    if told != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None
    place = ufunc.types.index(types)
    numbers = [np.dtype(letter).num for letter in types.replace("->", "")]
    first = place * ufunc.nargs
    if [ord(begin.types[first + k]) for k in range(ufunc.nargs)] != numbers:
        return None
    loop = (begin.functions[place] or 0, (begin.data[place] or 0) if begin.data else 0)
    return loop if loop[0] else None


def gives_the_same(loop: Loop, ufunc: np.ufunc, types: str) -> bool:
    """Whether a loop gives the bits of its ufunc, for arrays of some lengths and single numbers."""
    rng, letters = np.random.default_rng(0), types.replace("->", "")
    for size in (1, 1, 1, 7, 64, 131):
        inputs = [(rng.normal(size=size) * 3).astype(letter) for letter in letters[:-1]]
        out = np.empty(size, letters[-1])
        call(loop, [*inputs, out])
        with np.errstate(all="ignore"):
            expected = ufunc(*inputs)
            single = ufunc(*[x[0] for x in inputs])
        if out.tobytes() != expected.tobytes() or out[:1].tobytes() != single.tobytes():
            return False
    return True


def call(loop: Loop, arrays: list[np.ndarray]) -> None:
    """Call an inner loop on arrays of one length, each with one axis."""
    many = len(arrays)
    places = (ctypes.c_void_p * many)(*[x.ctypes.data for x in arrays])
    steps = (ctypes.c_ssize_t * many)(*[x.strides[0] for x in arrays])
    count = ctypes.c_ssize_t(arrays[0].size)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
    kind(loop[0])(places, ctypes.byref(count), steps, loop[1])


@functools.cache
def own_loop(name: str) -> int:
    """The address of one of the loops in the C file."""
    return ctypes.cast(getattr(library()[0], name), ctypes.c_void_p).value or 0


def conversion(old: str, new: str) -> str | None:
    """The loop that makes numbers of one type another, as numpy does; None if there is none."""
    if old == new and old:
        return f"copy_{NAMES[old]}"
    known = {("?", "f"), ("?", "d"), ("f", "d"), ("d", "f")}
    return f"{NAMES[old]}_to_{NAMES[new]}" if (old, new) in known else None


def layout_agrees() -> bool:
    """Whether ufuncs begin as they are read: asked of sums, before anything else is read."""
    begin = Beginning.from_address(id(np.add))
    told = (begin.nin, begin.nout, begin.nargs, begin.ntypes)
    return told == (np.add.nin, np.add.nout, np.add.nargs, np.add.ntypes) and (
        inner_loop(np.add, "dd->d") is not None
    )

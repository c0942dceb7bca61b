"""Functions whose results may have another shape or dtype for other numbers, such as `numpy.roots`.

What comes after them was made for the result of the trace, so they must give the like of it again.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

import numpy as np

from tinytorch.support.calls import METHODS, getitem
from tinytorch.support.programs import Kind, kind_of

STEADY_NAMES = """
    sum prod mean std var max min amax amin any all argmax argmin sort argsort cumsum cumprod clip
    round around where concatenate concat stack hstack vstack dstack column_stack reshape ravel
    transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis expand_dims squeeze tile roll
    broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d repeat flip flipud fliplr rot90
    pad split array_split hsplit vsplit dsplit take take_along_axis dot vdot inner outer tensordot
    einsum trace diagonal diag tril triu zeros_like ones_like full_like empty_like copy real imag
    diff cross kron interp searchsorted ptp count_nonzero
""".split()
STEADY = {getattr(np, name) for name in STEADY_NAMES}
STEADY |= {np.linalg.norm, np.linalg.inv, np.linalg.solve, np.linalg.det, np.linalg.cholesky}
STEADY |= {*METHODS.values(), *map(vars(operator).get, operator.__all__)}
STEADY |= {f for f in vars(np).values() if isinstance(f, np.ufunc)}


def is_steady(function: Callable, given: Kind | None) -> bool:
    """Whether the shapes and dtypes of what a function is given say those of its result.

    Parameters
    ----------
    function : callable
    given : Kind or None
        Of what it is given first, if that is a value.
    """
    if isinstance(function, np.ufunc) or function in STEADY:
        return True
    if function is getitem:  # perhaps of what has come out of another function
        return given is None or not issubclass(given.type, (tuple, list))
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return True
    return (getattr(function, "__module__", None) or "").startswith("tinytorch.")


@functools.lru_cache(maxsize=1000)
def as_traced(function: Callable, kind: Kind, length: int | None, line: str) -> Callable:
    """A function that refuses to give something else than it gave in the trace.

    Parameters
    ----------
    function : callable
    kind : Kind
        Of what it gave.
    length : int or None
        Of a tuple or a list, how many there were.
    line : str
        Where the user called it.
    """

    @functools.wraps(function)
    def called(*inputs, **settings):
        out = function(*inputs, **settings)
        if kind_of(out) != kind or length_of(out) != length:
            raise other_kind(function, line)
        return out

    called.looks_at_values = True  # type: ignore[attr-defined]  # so it may raise an error
    return called


def length_of(out) -> int | None:
    """How many parts a tuple or a list has; None of anything else."""
    return len(out) if isinstance(out, (tuple, list)) else None


def other_kind(function: Callable, line: str) -> Exception:
    """The error that says what a function gave."""
    from tinytorch.support.stand_ins import CannotTrace  # which needs this module

    of = f"the result of {getattr(function, '__name__', 'a function')}"
    of = "a part of a result" if function is getitem else of
    return CannotTrace(
        f"{line}: {of} has another shape or dtype for these numbers than when the "
        "step was traced, and a list cannot know; call it outside of the step, or use where()"
    )

"""How a tensor or a variable shows itself: a small table in a notebook, one line elsewhere."""

from __future__ import annotations

from html import escape

import numpy as np

from tinytorch.graph.reading import is_variable, values_of


def table(x) -> str:
    """A tensor or a variable as a table of HTML: value, shape, dtype, gradient and origin.

    Parameters
    ----------
    x : Tensor or Variable
        Of any module; values are cut as numpy cuts them.

    Returns
    -------
    str
        A table with a heading for each row.
    """
    array = np.asarray(values_of(x))
    rows = [("value", text(array)), ("shape", str(array.shape)), ("dtype", str(array.dtype))]
    if isinstance(name := getattr(x, "name", None), str):
        rows.insert(0, ("name", name))
    grad = getattr(x, "grad", None)
    if grad is not None:
        rows.append(("gradient", text(np.asarray(values_of(grad)))))
    elif getattr(x, "requires_grad", False) and getattr(x, "grad_fn", None) is None:
        rows.append(("gradient", "none yet"))
    if is_variable(x):
        rows.append(("grad_fn", origin(x)))
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{key}</th>'
        f'<td style="text-align:left"><pre style="margin:0;background:none">{escape(shown)}</pre></td></tr>'
        for key, shown in rows
    )
    return f"<table><caption style="text-align:left">{escape(type(x).__name__)}</caption><tbody>{body}</tbody></table>"


def origin(x) -> str:
    """How a variable was computed."""
    if x.grad_fn is not None:
        return repr(x.grad_fn)
    return "none: a leaf" if getattr(x, "requires_grad", False) else "none: a constant"


def text(array: np.ndarray) -> str:
    """An array as numpy shows it, row below row."""
    return np.array2string(array, separator=", ")

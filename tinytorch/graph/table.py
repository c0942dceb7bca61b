"""How a tensor or a variable shows itself: a small table in a notebook, one line elsewhere."""

from __future__ import annotations

from html import escape

import numpy as np

from tinytorch.graph.reading.nodes import is_variable, values_of

LEFT = "text-align:left"


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
    body = "".join(row(key, shown) for key, shown in rows)
    kind = escape(type(x).__name__)
    return f'<table><caption style="{LEFT}">{kind}</caption><tbody>{body}</tbody></table>'


def row(key: str, shown: str) -> str:
    """One line of the table."""
    pre = f'<pre style="margin:0;background:none">{escape(shown)}</pre>'
    return f'<tr><th scope="row" style="{LEFT}">{key}</th><td style="{LEFT}">{pre}</td></tr>'


def origin(x) -> str:
    """How a variable was computed."""
    if x.grad_fn is not None:
        return repr(x.grad_fn)
    return "none: a leaf" if getattr(x, "requires_grad", False) else "none: a constant"


def text(array: np.ndarray) -> str:
    """An array as numpy shows it, row below row."""
    return np.array2string(array, separator=", ")

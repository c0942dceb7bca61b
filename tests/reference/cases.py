"""Every differentiable function: at which inputs it is tested, and what PyTorch calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tinytorch.core.layers import linear
from tinytorch.core.tensor import apply

from .inputs import (
    INDICES,
    SIDES,
    affine,
    along_an_axis,
    another_shape,
    anything,
    broadcast,
    classified,
    distinct,
    indexed,
    joined,
    matrices,
    near_half,
    near_whole,
    nonzero,
    number_with,
    one,
    padded,
    permutation,
    positive,
    reduction,
    selection,
    stacked,
    whole,
    with_number,
)

# The functions that DESIGN.md promises, under "Contract of module 7".
NAMES = """
    add subtract multiply divide power negative exp log sqrt abs sin cos tanh relu sigmoid softmax
    log_softmax matmul sum mean max min var maximum minimum where clip reshape transpose
    concatenate stack getitem pad
""".split()


@dataclass(frozen=True)
class Case:
    """A function with the calls and the values of the inputs to test it with.

    PyTorch's function is called like ours and has the same name, unless `torch` says how it is
    called: with PyTorch itself, the inputs and the parameters. `ours` says so for our module.
    """

    name: str
    calls: st.SearchStrategy
    values: Callable | tuple[Callable, ...]
    torch: Callable | None = None
    ours: Callable | None = None

    def function(self, module) -> Callable:
        """The function of inputs and parameters, ours or PyTorch's."""
        call = self.torch if module.__name__ == "torch" else self.ours
        if call is None:
            return getattr(module, self.name)
        return lambda *inputs, **parameters: call(module, *inputs, **parameters)


def torch_getitem(t, x, index):
    """Numpy finds which elements are meant: PyTorch knows no negative steps."""
    places = np.arange(x.numel()).reshape(x.shape)[index]
    return t.take(x, t.tensor(np.array(places, order="C")))


def torch_pad(t, x, pad_width, value=0.0):
    """PyTorch starts with the last axis."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2))[::-1].ravel().tolist()
    return t.nn.functional.pad(x, widths, value=value)


CASES = [
    Case("add", broadcast(), anything),
    Case("add", with_number(2, 0.5), anything),
    Case("subtract", broadcast(), anything),
    Case("subtract", number_with(2, 0.5), anything, lambda t, x, y: x - y),
    Case("multiply", broadcast(), anything),
    Case("multiply", number_with(3, -0.5), anything, lambda t, x, y: x * y),
    Case("divide", broadcast(), (anything, nonzero)),
    Case("divide", number_with(3, -0.5), nonzero, lambda t, x, y: x / y),
    Case("power", broadcast(), (positive, anything), lambda t, x, y: x**y),
    Case("power", broadcast(), (positive, whole), lambda t, x, y: t.exp(y * t.log(x))),
    Case("power", with_number(0, 1, 2, 3, -1, -2), nonzero, lambda t, x, y: x**y),
    Case("power", with_number(0.5, -1.5), positive, lambda t, x, y: x**y),
    Case("power", number_with(2, 0.5), anything, lambda t, x, y: x**y),
    Case("negative", one(), anything),
    Case("exp", one(), anything),
    Case("log", one(), positive),
    Case("sqrt", one(), positive),
    Case("abs", one(), nonzero),
    Case("sin", one(), anything),
    Case("cos", one(), anything),
    Case("tanh", one(), anything),
    Case("relu", one(), nonzero),
    Case("sigmoid", one(), anything),
    Case("softmax", along_an_axis(), anything, lambda t, x, axis=-1: t.softmax(x, axis)),
    Case("log_softmax", along_an_axis(), anything, lambda t, x, axis=-1: t.log_softmax(x, axis)),
    Case("matmul", matrices(), anything),
    Case(
        "linear",
        affine(),
        anything,
        lambda t, x, w, b: x @ w + b,
        lambda m, x, w, b: apply(linear, x, w, b),
    ),
    Case(
        "sum",
        reduction(sides=SIDES),
        anything,
        lambda t, x, axis=None, keepdims=False: t.sum(x, axis, keepdims),
    ),
    Case(
        "mean",
        reduction(),
        anything,
        lambda t, x, axis=None, keepdims=False: t.mean(x, axis, keepdims),
    ),
    Case(
        "max",
        reduction(),
        distinct,
        lambda t, x, axis=None, keepdims=False: t.amax(x, () if axis is None else axis, keepdims),
    ),
    Case(
        "min",
        reduction(),
        distinct,
        lambda t, x, axis=None, keepdims=False: t.amin(x, () if axis is None else axis, keepdims),
    ),
    Case(
        "var",
        reduction(),
        anything,
        lambda t, x, axis=None, keepdims=False: t.var(x, axis, correction=0, keepdim=keepdims),
    ),
    Case("maximum", broadcast(), (near_whole, near_half)),
    Case("maximum", with_number(0.5), near_whole, lambda t, x, y: t.maximum(x, t.full_like(x, y))),
    Case("minimum", broadcast(), (near_whole, near_half)),
    Case("minimum", with_number(0.5), near_whole, lambda t, x, y: t.minimum(x, t.full_like(x, y))),
    Case(
        "where",
        selection(),
        anything,
        lambda t, x, y, condition: t.where(t.tensor(condition), x, y),
        lambda m, x, y, condition: m.where(condition, x, y),
    ),
    Case("clip", one({"min": -0.5}, {"max": 0.5}, {"min": -0.5, "max": 1.5}), near_whole),
    Case(
        "reshape",
        another_shape(),
        anything,
        lambda t, x, shape: t.reshape(x, shape if isinstance(shape, tuple) else (shape,)),
    ),
    Case(
        "transpose",
        permutation(),
        anything,
        lambda t, x, axes=None: x.permute(axes or tuple(range(x.ndim))[::-1]),
    ),
    Case(
        "concatenate",
        joined(),
        anything,
        lambda t, *x, axis=0: t.concatenate(x, axis),
        lambda m, *x, **axis: m.concatenate(x, **axis),
    ),
    Case(
        "stack",
        stacked(),
        anything,
        lambda t, *x, axis=0: t.stack(x, axis),
        lambda m, *x, **axis: m.stack(x, **axis),
    ),
    Case("getitem", indexed(), anything, torch_getitem),
    Case(
        "getitem",
        st.tuples(st.just([(3, 4, 2)]), st.sampled_from([{"index": i} for i in INDICES])),
        anything,
        torch_getitem,
    ),
    Case("pad", padded(), anything, torch_pad),
    Case(
        "cross_entropy",
        classified(),
        anything,
        lambda t, x, labels: t.nn.functional.cross_entropy(x, t.tensor(labels)),
        lambda m, x, labels: m.cross_entropy(x, labels),
    ),
]

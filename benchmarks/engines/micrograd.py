"""micrograd: Python's numbers only, so the scalar expression is all it can do."""

from __future__ import annotations

import sys
from collections.abc import Callable

from micrograd.engine import Value
from workloads import Spring

sys.setrecursionlimit(10_000)  # its backward pass walks the graph by recursion


def scalar_expression(data: Spring) -> Callable[[], list]:
    """The spring."""

    def step():
        leaves = x, v, a, h = [Value(number) for number in data[1:]]
        for _ in range(data.steps):
            v = v + a * x
            x = x + h * v
        x.backward()
        return [x.data, *(leaf.grad for leaf in leaves)]

    return step

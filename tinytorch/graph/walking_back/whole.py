"""When every rule agrees: does the gradient of the whole?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytorch.graph.reading.nodes import Graph, values_of
from tinytorch.graph.reading.numbers import brief
from tinytorch.graph.walking_back.backward import walk_back
from tinytorch.graph.walking_back.explanation import Explanation, several
from tinytorch.graph.walking_back.slopes import Comparison, compare


def judge_the_whole(
    f: Callable, make: type, arrays: list, xs: list, graph: Graph, operations: int
) -> Explanation:
    """All rules agree: does the gradient of the whole?"""
    seed = np.random.default_rng(1).uniform(0.5, 1.5, np.shape(graph.output.array))
    walk_back(graph, seed)
    by_walk = {id(node.thing): node.gradient for node in graph.nodes}
    try:
        gradients = gradients_by_backward(graph, xs, seed)
    except Exception as error:  # a student's backward may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Explanation([f"Every rule agrees, but backward() gave {reason:.200}"])

    def weighted(position: int) -> Callable:
        """The outputs, weighted and added up, by one of the inputs."""

        def value_at(array):
            moved = [*arrays[:position], array, *arrays[position + 1 :]]
            return float((seed * np.asarray(values_of(f(*map(make, moved))))).sum())

        return value_at

    counted = 0
    for position, (x, gradient) in enumerate(zip(xs, gradients, strict=True)):
        shape = np.shape(gradient)
        name = next((n.name for n in graph.nodes if n.thing is x), f"input {position}")
        if shape != arrays[position].shape:
            return Explanation(
                [
                    f"Every rule agrees, but {name}.grad has shape {shape} and {name} has "
                    f"{arrays[position].shape}: look at unbroadcast."
                ]
            )
        coarse = np.asarray(gradient).dtype == np.float32
        coarse = coarse or getattr(graph.output.array, "dtype", None) == np.float32
        for c in compare(weighted(position), arrays[position], gradient, coarse):
            counted += 1
            if not c.agrees:
                return whole_is_wrong(name, c, by_walk.get(id(x)))
    rules = "the rules of " + several(operations, "operation")
    numbers = several(counted, "number")
    return Explanation(
        [
            f"All agree with central differences: {rules}, each by itself, and the gradient of the "
            f"whole by {numbers}."
        ],
        agrees=True,
    )


def gradients_by_backward(graph: Graph, xs: list, seed: np.ndarray) -> list:
    """What ``backward`` leaves in the inputs; the ``grad`` of everything else is as it was."""
    others = [n.thing for n in graph.nodes if n.operation is None and hasattr(n.thing, "grad")]
    before = [(x, x.grad) for x in others]
    for x in others:
        x.grad = None
    try:
        if graph.output.operation is not None:
            graph.output.thing.backward(seed)
        return [np.zeros(x.shape) if x.grad is None else values_of(x.grad) for x in xs]
    finally:
        for x, grad in before:
            x.grad = grad


def whole_is_wrong(name: str, c: Comparison, by_walk) -> Explanation:
    """The gradient of the whole disagrees although every rule agrees."""
    element = f", element {list(c.index)}" if c.index else ""
    walked = None if by_walk is None else float(np.asarray(by_walk)[c.index])
    lines = [
        f"Every rule agrees, but not the gradient of the whole by {name}{element}:",
        f"    backward() gives     {c.by_rule:.8g}",
        f"    central difference   {c.by_difference:.8g}",
    ]
    if walked is not None and abs(walked - c.by_difference) <= c.tolerance:
        lines.append(
            f"Going back node by node gives {brief(walked)}: look at how the backward pass orders, "
            "adds up and sums (reverse_creation_order, propagate, unbroadcast)."
        )
    else:
        lines.append(
            "The graph lacks something: look for a value that was computed without being recorded "
            "(detach(), .data, numpy(), no_grad)."
        )
    return Explanation(lines)

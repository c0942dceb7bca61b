"""The backward pass of a graph, step by step, by the rules of its own operations.

It calls each ``grad_fn`` as the engine would, and keeps what comes back to itself: no ``grad`` is
touched, nothing is freed, no hook is called.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytorch.graph.reading.nodes import Graph, Node, is_a_plain_function, operation_name


@dataclass(slots=True)
class Contribution:
    """What one operation sends to one of its inputs."""

    source: Node
    target: Node
    position: int  # which argument of the operation
    slot: int  # which of its inputs that have a box
    part: np.ndarray
    before: np.ndarray | None  # the gradient of the target until now
    total: np.ndarray  # the gradient of the target so far, this part included
    count: int  # how many parts that are


@dataclass(slots=True)
class Step:
    """One operation sends its gradient back."""

    node: Node
    gradient: np.ndarray
    contributions: list[Contribution]


def walk_back(graph: Graph, seed=None) -> list[Step]:
    """Go back through a graph, and enter the gradient of each node into it.

    Parameters
    ----------
    graph : Graph
        As it was read; its nodes get their `gradient`, and it gets a note where the walk must end.
    seed : array_like, optional
        The gradient to start from; by default ones, in the shape of the output.

    Returns
    -------
    list of Step
        From the output on.
    """
    output = graph.output
    dtype = getattr(output.array, "dtype", np.float64)
    start = np.ones(np.shape(output.array), dtype) if seed is None else np.asarray(seed, dtype)
    totals: dict[int, np.ndarray] = {id(output): start}
    counts: dict[int, int] = {}
    steps = []
    for node in reversed(graph.nodes):
        grad = node.gradient = totals.get(id(node))
        if grad is None or node.operation is None:
            continue
        if (parts := parts_of(node, grad, graph.notes)) is None:
            continue
        steps.append(Step(node, grad, spread(node, parts, totals, counts)))
    return steps


def parts_of(node: Node, grad, notes: list[str]) -> list | None:
    """What an operation gives for each of its arguments; None, and a note, where it cannot."""
    if is_a_plain_function(node.operation):
        notes.append(
            f"{node.name} was made by a function, {operation_name(node)}, which cannot be "
            "asked for its parts"
        )
        return None
    if node.operation.inputs is None:
        return None
    try:
        with np.errstate(all="ignore"):
            parts = node.operation(grad, node.thing)
        return list(parts)
    except Exception as error:  # a student's rule may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        notes.append(f"the gradient ends at {node.name}: {operation_name(node)} gave {reason:.160}")
        return None


def spread(node: Node, parts: list, totals: dict, counts: dict) -> list[Contribution]:
    """Add the parts to the gradients of the inputs."""
    contributions, slot = [], -1
    for position, (x, part) in enumerate(zip(node.arguments, parts, strict=False)):
        slot += not isinstance(x, str)
        if part is None or isinstance(x, str) or x.kind == "constant":
            continue
        part, before = summed(np.asarray(part), np.shape(x.array)), totals.get(id(x))
        totals[id(x)] = part if before is None else before + part
        counts[id(x)] = counts.get(id(x), 0) + 1
        told = (part, before, totals[id(x)], counts[id(x)])
        contributions.append(Contribution(node, x, position, slot, *told))
    return contributions


def summed(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient, summed over the axes along which an input of the given shape was broadcast."""
    if part.shape == shape:
        return part
    extra = part.ndim - len(shape)
    axes = [a + extra for a, n in enumerate(shape) if a + extra >= 0 and n == 1]
    part = part.sum(axis=(*range(max(extra, 0)), *axes), keepdims=False)
    return part.reshape(shape) if part.size == np.prod(shape, dtype=int) else part

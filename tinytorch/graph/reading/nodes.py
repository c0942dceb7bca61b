"""Reading the graph of a variable: what was computed from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}


class GraphError(TypeError):
    """Something that has no graph to be drawn, explained in one sentence."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence alone."""
        return [str(self)]


@dataclass(eq=False, slots=True)
class Node:
    """A value in the graph, together with the operation that made it.

    Attributes
    ----------
    thing : object
        The variable, weight or array itself.
    kind : str
        "computed", "leaf" (a variable that was given), "weight" (a tensor that wants a gradient),
        "constant" (wants none), or "folded" (stands for several).
    operation : object or None
        The ``grad_fn``.
    inputs : list of Node
        What it was computed from, in order; once for each time it was used.
    arguments : list of Node or str
        The same with the numbers in between, which have no box of their own.
    name : str
        What to call it.
    gradient : ndarray or None
        The gradient of the output by it, where it is known.
    folded : list of Node
        What a folded node stands for.
    """

    thing: Any
    kind: str
    operation: Any = None
    inputs: list[Node] = field(default_factory=list)
    arguments: list = field(default_factory=list)
    name: str = ""
    gradient: object = None
    folded: list[Node] = field(default_factory=list)

    @property
    def array(self):
        """Its values."""
        return values_of(self.thing)


@dataclass(slots=True)
class Graph:
    """All nodes, each after what it was computed from; the last one is the output."""

    nodes: list[Node]
    notes: list[str] = field(default_factory=list)

    @property
    def output(self) -> Node:
        """What the graph computes."""
        return self.nodes[-1]

    @property
    def edges(self) -> list[tuple[Node, Node]]:
        """From each input to what uses it, once for each use."""
        return [(x, node) for node in self.nodes for x in node.inputs]


def is_variable(x) -> bool:
    """Whether `x` is a variable of some module 7."""
    return hasattr(x, "requires_grad") and hasattr(x, "grad_fn")


def is_variable_like(x) -> bool:
    """Whether a gradient can be kept for `x`: a variable, or a layer's weight."""
    return hasattr(x, "requires_grad")


def is_a_plain_function(operation) -> bool:
    """Whether a ``grad_fn`` is a function of the user's, which says nothing of its inputs."""
    inputs = getattr(operation, "inputs", ())
    return inputs is not None and len(inputs) == 0


def values_of(x):
    """The array or number inside a variable or a tensor."""
    for _ in range(2):
        if is_variable_like(x) and getattr(x, "data", None) is not None:
            x = x.data
    return x if isinstance(x, (np.ndarray, np.generic, int, float)) else np.asarray(x)


def read(output) -> Graph:
    """The graph of everything that a variable was computed from.

    Parameters
    ----------
    output : Variable
        Where to start.

    Returns
    -------
    Graph
        With a note where the graph is not known any further.

    Raises
    ------
    GraphError
        If `output` is no variable.
    """
    if not is_variable(output):
        raise GraphError(
            f"there is a graph only behind a Variable, but this is a {type(output).__name__}; "
            "compute something from a Variable and give its result"
        )
    known: dict[int, Node] = {id(output): node_of(output)}
    graph, waiting = Graph([]), [(known[id(output)], False)]
    done: set[int] = set()
    while waiting:  # depth first, without recursion: a node after all its inputs
        node, inputs_done = waiting.pop()
        if id(node) in done:
            continue
        if inputs_done:
            done.add(id(node))
            graph.nodes.append(node)
            continue
        link(node, known, graph.notes)
        waiting.append((node, True))
        waiting += [(x, False) for x in reversed(node.inputs) if id(x) not in done]
    in_order_of_creation(graph)
    return graph


def node_of(x) -> Node:
    """A node for a value, not yet linked to its inputs."""
    operation = getattr(x, "grad_fn", None)
    if operation is not None:
        return Node(x, "computed", operation)
    wants = getattr(x, "requires_grad", False)
    return Node(x, ("leaf" if is_variable(x) else "weight") if wants else "constant")


def link(node: Node, known: dict[int, Node], notes: list[str]) -> None:
    """Find the inputs of a node."""
    if node.operation is None:
        return
    given = getattr(node.operation, "inputs", ())
    if given is None:
        node.arguments.append("freed")
        note = "a part of this graph was freed by backward(); draw it before, or write "
        notes += [] if notes else [note + "backward(retain_graph=True)"]
    for x in given if isinstance(given, Sequence) else ():
        if is_variable_like(x) or (isinstance(x, (np.ndarray, list, tuple)) and np.ndim(x)):
            x = known.setdefault(id(x), node_of(x))
            node.inputs.append(x)
            node.arguments.append(x)
        else:
            node.arguments.append(f"{values_of(x):.4g}" if is_float(x) else repr(x)[:12])


def is_float(x) -> bool:
    """Whether `x` is a single floating number, perhaps in an array."""
    return isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f"


def in_order_of_creation(graph: Graph) -> None:
    """Sort the computed nodes as they were computed, where the variables know that."""
    orders: dict[int, Any] = {
        id(n): getattr(n.thing, "order", None) for n in graph.nodes if n.operation
    }
    place = {id(node): i for i, node in enumerate(graph.nodes)}
    if all(type(order) is int for order in orders.values()):
        place = {id(n): orders.get(id(n), -1) for n in graph.nodes}
    ordered = sorted(graph.nodes, key=lambda n: place[id(n)])
    after = {id(node): i for i, node in enumerate(ordered)}
    if all(after[id(x)] < after[id(n)] for n in ordered for x in n.inputs):
        graph.nodes = ordered


def operation_name(node: Node) -> str:
    """What the operation of a node is called."""
    function = getattr(node.operation, "function", node.operation)
    name = getattr(function, "__name__", None) or type(function).__name__
    return name.strip("_<>") or name


def formula(node: Node) -> str:
    """How a node was computed, such as ``x * y`` or ``sum(x, axis=0)``."""
    name = operation_name(node)
    given = [x if isinstance(x, str) else x.name for x in node.arguments]
    parameters = getattr(node.operation, "parameters", None) or {}
    if name in INFIX and len(given) == 2:
        return f"{given[0]} {INFIX[name]} {given[1]}"
    if name == "negative" and len(given) == 1:
        return f"-{given[0]}"
    if name == "getitem" and len(given) == 1:
        return f"{given[0]}[{index_text(parameters.get('index'))}]"
    settings = [
        f"{key}={setting!r:.12}"
        for key, setting in parameters.items()
        if setting is not None and setting is not False
    ]
    return f"{name}({', '.join(given + settings)})"


def index_text(index) -> str:
    """An index as one would write it."""
    if isinstance(index, tuple):
        return ", ".join(map(index_text, index))
    if isinstance(index, slice):
        parts = ["" if part is None else str(part) for part in (index.start, index.stop)]
        return ":".join(parts) + ("" if index.step is None else f":{index.step}")
    return "…" if index is Ellipsis or np.ndim(index) else str(index)

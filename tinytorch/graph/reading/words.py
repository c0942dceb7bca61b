"""A graph in words: the text that stands for a picture."""

from __future__ import annotations

from collections import Counter

from tinytorch.graph.reading.folding import contents
from tinytorch.graph.reading.nodes import Graph, Node, formula, operation_name
from tinytorch.graph.reading.numbers import brief, shape_text

PLURAL = {"leaf": "leaves", "weight": "weights", "constant": "constants"}
IN_FULL = 24  # nodes; of larger graphs only a summary is told


def describe(graph: Graph) -> str:
    """What a picture of the graph shows, in sentences.

    Parameters
    ----------
    graph : Graph
        Named, perhaps with gradients.

    Returns
    -------
    str
        Each node with its operation, value and gradient; of a large graph how many there are of
        each.
    """
    count = len(graph.nodes)
    nodes = "1 node" if count == 1 else f"{count} nodes"
    begin = f"Computational graph of {graph.output.name}: {nodes}, from the inputs to the output."
    told = [sentence(node) for node in graph.nodes] if count <= IN_FULL else summary(graph)
    notes = [note[:1].upper() + note[1:] + "." for note in graph.notes]
    return " ".join([begin, *told, *notes])


def sentence(node: Node) -> str:
    """One node in a sentence."""
    if node.kind == "folded":
        origin = f" stands for {contents(node)}"
    elif node.operation is not None:
        origin = f" = {formula(node)}, by {operation_name(node)}"
    else:
        origin = f", a {node.kind}"
    shape = f" of shape {shape_text(node.array)}" if getattr(node.array, "shape", ()) else ""
    gradient = "" if node.gradient is None else f", gradient {brief(node.gradient)}"
    return f"{node.name}{origin}{shape}: value {brief(node.array)}{gradient}."


def summary(graph: Graph) -> list[str]:
    """How many nodes of each kind there are, and the output."""
    inner = [x for node in graph.nodes for x in (node.folded or [node])]
    kinds = Counter(x.kind for x in inner if x.operation is None)
    operations = Counter(operation_name(x) for x in inner if x.operation is not None)
    given = ", ".join(f"{n} {kind if n == 1 else PLURAL[kind]}" for kind, n in kinds.items())
    made = ", ".join(f"{n} {name}" for name, n in operations.most_common())
    told = [f"Given: {given}."] if given else []
    return [*told, f"Operations: {made}.", "The output: " + sentence(graph.output)]

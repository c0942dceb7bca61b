"""Large graphs made small: a chain of operations becomes one box."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tinytorch.graph.reading.nodes import Graph, Node, operation_name


def fold(graph: Graph, most: int) -> Graph:
    """A graph with at most `most` nodes, and a note that says what was folded.

    Parameters
    ----------
    graph : Graph
        Any graph, named; not changed.
    most : int
        How many nodes there may be.

    Returns
    -------
    Graph
        The same one if it is small enough. Else chains (operations, each used by the next one
        only) become one box, together with the leaves that only they use; if that is not
        enough, so does everything that was computed first.
    """
    if len(graph.nodes) <= most:
        return graph
    groups = chains(graph)
    folded = merged(graph, groups)
    note = f"{len(graph.nodes)} nodes are too many for one picture: "
    told = [f"{len(groups)} chains of operations are folded into one box each"] if groups else []
    if len(folded.nodes) > most:
        earliest = folded.nodes[: len(folded.nodes) - most + 1]
        folded = merged(folded, [earliest])
        told.append(f"the {len(everything_in(earliest))} that were computed first are one box")
    folded.notes = [*graph.notes, note + ", and ".join(told)]
    return folded


def chains(graph: Graph) -> list[list[Node]]:
    """Runs of at least three operations, each used by the next only, and what nobody else uses."""
    users: dict[int, set[int]] = {id(node): set() for node in graph.nodes}
    for source, target in graph.edges:
        users[id(source)].add(id(target))
    chain_of: dict[int, list[Node]] = {}
    runs: list[list[Node]] = []
    for node in graph.nodes:
        computed = {id(x): x for x in node.inputs if x.operation is not None}
        before = next(iter(computed.values())) if len(computed) == 1 else None
        if node.operation is None:
            continue
        if before is not None and len(users[id(before)]) == 1 and node is not graph.output:
            run = chain_of[id(before)]
        else:
            runs.append(run := [])
        run.append(node)
        chain_of[id(node)] = run
    runs = [run for run in runs if len(run) >= 3]
    for run in runs:
        members = {id(node) for node in run}
        own = {id(x): x for node in run for x in node.inputs if x.operation is None}
        run[:0] = [x for x in own.values() if users[id(x)] <= members]
    return runs


def merged(graph: Graph, groups: list[list[Node]]) -> Graph:
    """The graph with one node in place of each group, where the last one of the group stood."""
    copies: dict[int, Node] = {}
    for group in groups:
        stand_in = replace(group[-1], kind="folded", inputs=[], folded=everything_in(group))
        copies |= dict.fromkeys(map(id, group), stand_in)
    inside, last = set(copies), {id(group[-1]) for group in groups}
    nodes = []
    for node in graph.nodes:
        copy = copies.setdefault(id(node), replace(node, inputs=[]))
        for x in node.inputs:
            x = copies[id(x)]
            if id(node) not in inside or (x is not copy and x not in copy.inputs):
                copy.inputs.append(x)
        if id(node) not in inside or id(node) in last:
            nodes.append(copy)
    return Graph(nodes, graph.notes)


def everything_in(nodes: list[Node]) -> list[Node]:
    """The nodes, and what folded ones among them stand for."""
    return [part for node in nodes for part in (node.folded or [node])]


def contents(node: Node) -> str:
    """What a folded node stands for, such as ``118 operations: 59 add, 59 multiply``."""
    operations = Counter(operation_name(x) for x in node.folded if x.operation is not None)
    rest = len(node.folded) - operations.total()
    kinds = ", ".join(f"{count} {name}" for name, count in operations.most_common())
    inputs = f" and {rest} input{'s' if rest > 1 else ''}" if rest else ""
    return f"{operations.total()} operations ({kinds}){inputs}"

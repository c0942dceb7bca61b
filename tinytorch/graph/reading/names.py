"""What to call the values of a graph: their own names, or those in the calling program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinytorch.graph.reading.nodes import Graph

LOOKED_AT = 5_000  # so many objects at most: a program may hold very long lists
DEEP = 3  # model.layers[0].weights
JUPYTER = {"In", "Out", "exit", "quit", "get_ipython"}


def name_nodes(graph: Graph, *namespaces: Mapping[str, object]) -> None:
    """Give every node of a graph a name.

    Its own (``x.name = "x"``), else one in the namespaces, the nearest first; lists, dictionaries
    and objects are looked into, so that ``layer.weights`` is found. What has none is ``v1``, ``v2``
    and so on, and the output is ``out``.

    Parameters
    ----------
    graph : Graph
        Whose nodes to name.
    *namespaces : mapping
        Such as the local and the global variables of the caller.
    """
    wanted = {id(node.thing): node for node in graph.nodes}
    for node in graph.nodes:
        own = getattr(node.thing, "name", None)
        node.name = own if isinstance(own, str) else ""
    missing = {key for key, node in wanted.items() if not node.name}
    for namespace in namespaces:
        home = str(namespace.get("__name__", "__main__")).partition(".")[0]
        for name, thing in walk(namespace, {"__main__", "tinytorch", home}):
            if id(thing) in missing:
                wanted[id(thing)].name = name
                missing.discard(id(thing))
    number_the_rest(graph)


def walk(namespace: Mapping[str, object], homes: set[str]) -> Iterator[tuple[str, object]]:
    """Every object that a name leads to, plain names before those of parts."""
    names = [n for n in list(namespace) if n[:1] != "_" and n.isidentifier() and n not in JUPYTER]
    level, looked = [(name, namespace[name]) for name in names], 0
    for _ in range(DEEP):
        yield from level
        looked += len(level)
        level = [part for name, thing in level for part in parts_of(name, thing, homes)]
        level = level[: max(LOOKED_AT - looked, 0)]
    yield from level


def parts_of(name: str, thing: Any, homes: set[str]) -> list[tuple[str, object]]:
    """What a list, a dictionary or an object of the program's own holds, and what it is called."""
    kind = type(thing)
    if kind in (list, tuple):
        return [(f"{name}[{i}]", part) for i, part in enumerate(thing[:500])]
    if kind is dict:
        items = [(key, thing[key]) for key in list(thing)[:500]]
        return [(f"{name}[{key!r:.20}]", part) for key, part in items if type(key) in (str, int)]
    if kind.__module__.partition(".")[0] not in homes or isinstance(thing, type):
        return []
    attributes = getattr(thing, "__dict__", None)
    attributes = attributes if type(attributes) is dict else {}
    return [(f"{name}.{key}", part) for key, part in attributes.items() if key[:1] != "_"]


def number_the_rest(graph: Graph) -> None:
    """Number what has no name yet, in the order of the graph."""
    taken, number = {node.name for node in graph.nodes}, 0
    for node in graph.nodes:
        if node.name:
            continue
        if node is graph.output and "out" not in taken:
            node.name = "out"
            continue
        prefix = "c" if node.kind == "constant" else "v"
        number += 1
        while f"{prefix}{number}" in taken:
            number += 1
        node.name = f"{prefix}{number}"

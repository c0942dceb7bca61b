"""The layers of a graph: boxes, and lanes for what passes between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BETWEEN_BOXES, BETWEEN_LANES = 22.0, 14.0


@dataclass(slots=True)
class Box:
    """A box: its extent along and across the flow, and the place of its centre."""

    depth: float
    breadth: float
    along: float = 0.0
    across: float = 0.0


def depths_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """How many edges the longest way from an input to each node has."""
    depths = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        depths[target] = max(depths[target], depths[source] + 1)
    return depths


def ranks_of(depths: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: after all its inputs, and near its first use if that is shorter."""
    ranks = list(depths)
    users: list[set[int]] = [set() for _ in depths]
    computed: list[set[int]] = [set() for _ in depths]  # what has no inputs itself comes along
    for source, target in edges:
        users[source].add(target)
        if depths[source]:
            computed[target].add(source)
    for node in range(len(ranks) - 1, -1, -1):
        if len(users[node]) > len(computed[node]):
            ranks[node] = min(ranks[user] for user in users[node]) - 1
    return ranks


class Lanes:
    """The layers, in which dummies keep a lane for every value that passes.

    Edges from the same node share their lane as long as they pass the same layers. Items below
    ``len(boxes)`` are boxes, those above are dummies.
    """

    def __init__(self, boxes: list[Box], edges: Sequence[tuple[int, int]]):
        self.boxes, self.edges = boxes, edges
        self.depths = depths_of(len(boxes), edges)
        ranks = ranks_of(self.depths, edges)
        self.rank = list(ranks)
        self.half = [box.breadth / 2 for box in boxes]
        self.before: list[list[int]] = [[] for _ in boxes]
        self.after: list[list[int]] = [[] for _ in boxes]
        self.trunks: list[list[int]] = [[] for _ in boxes]  # the dummies of each source, in order
        for source, target in edges:
            self.link(self.pass_layers(source, ranks[target]), target)
        self.layers: list[list[int]] = [[] for _ in range(max(self.rank, default=0) + 1)]
        for item in self.from_the_end():
            self.layers[self.rank[item]].append(item)
        self.across = [0.0] * len(self.rank)

    def pass_layers(self, source: int, until: int) -> int:
        """The last item on the way from a source to the layer `until`."""
        trunk = self.trunks[source]
        while self.rank[source] + len(trunk) + 1 < until:
            dummy = len(self.rank)
            self.rank.append(self.rank[source] + len(trunk) + 1)
            self.half.append(1.0)
            self.before.append([])
            self.after.append([])
            self.link(trunk[-1] if trunk else source, dummy)
            trunk.append(dummy)
        passed = until - self.rank[source] - 1
        return trunk[passed - 1] if passed else source

    def link(self, start: int, end: int) -> None:
        """Connect two items of neighbouring layers."""
        self.after[start].append(end)
        self.before[end].append(start)

    def from_the_end(self) -> list[int]:
        """All items, depth first from the outputs: neighbours come near each other."""
        seen, order = set(), []
        for start in range(len(self.rank) - 1, -1, -1):
            waiting = [start] if not self.after[start] else []
            while waiting:
                item = waiting.pop()
                if item not in seen:
                    seen.add(item)
                    order.append(item)
                    waiting += reversed(self.before[item])
        return order

    def last_before(self, source: int, target: int) -> int:
        """The item from which an edge enters its box."""
        passed = self.rank[target] - self.rank[source] - 1
        return self.trunks[source][passed - 1] if passed else source

    def gap(self, left: int, right: int) -> float:
        """How far the centres of two neighbours in a layer must be apart."""
        lane = left >= len(self.boxes) or right >= len(self.boxes)
        return self.half[left] + self.half[right] + (BETWEEN_LANES if lane else BETWEEN_BOXES)

"""Places for the boxes of a layered graph, and ways for its edges around them.

Boxes stand in layers, inputs before what uses them. An edge that passes a layer has
a lane of its own there (a dummy, as wide as the edge), so that no edge crosses a box. The order
within the layers is chosen for few crossings, the places for straight edges.

Everything is computed in two directions: `along` the flow, across the layers, and `across` it.

References
----------
Sugiyama, Tagawa and Toda (1981), "Methods for visual understanding of hierarchical system
structures".
Gansner, Koutsofios, North and Vo (1993), "A technique for drawing directed graphs".
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BETWEEN_BOXES, BETWEEN_LANES = 22.0, 14.0
ARROW = 9.0  # straight piece before a box
MARGIN = 18.0


@dataclass(slots=True)
class Box:
    """A box: its extent along and across the flow, and the place of its centre."""

    depth: float
    breadth: float
    along: float = 0.0
    across: float = 0.0


@dataclass(slots=True)
class Layout:
    """Where everything is.

    Attributes
    ----------
    boxes : list of Box
        One for each node.
    routes : list of list of (float, float)
        For each edge its points, (along, across): by turns the end of a straight piece and of a
        bend.
    depth, breadth : float
        The extent of the whole.
    """

    boxes: list[Box]
    routes: list[list[tuple[float, float]]]
    depth: float
    breadth: float


def lay_out(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Find a place for each box and a way for each edge.

    Parameters
    ----------
    sizes : sequence of (depth, breadth)
        Of each node's box; a node comes after those that it has edges from.
    edges : sequence of (int, int)
        From which node to which; several between the same two are allowed.

    Returns
    -------
    Layout
        In which no two boxes overlap and no edge crosses a box.
    """
    boxes = [Box(depth, breadth) for depth, breadth in sizes]
    lanes = Lanes(boxes, edges)
    reduce_crossings(lanes)
    place_across(lanes)
    bands = place_along(lanes)
    routes = [
        route(lanes, bands, *edge, port) for edge, port in zip(edges, ports(lanes), strict=True)
    ]
    breadth = max((p + lanes.half[i] for i, p in enumerate(lanes.across)), default=0.0) + MARGIN
    return Layout(boxes, routes, bands[-1][1] + MARGIN, breadth)


def depths_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """How many edges the longest way from an input to each node has."""
    depths = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        depths[target] = max(depths[target], depths[source] + 1)
    return depths


def ranks_of(depths: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: after all its inputs, and near its first use if that is shorter."""
    ranks, users = list(depths), [set() for _ in depths]
    computed = [set() for _ in depths]  # what has no inputs itself comes along
    for source, target in edges:
        users[source].add(target)
        if depths[source]:
            computed[target].add(source)
    for node in range(len(ranks) - 1, -1, -1):
        if len(users[node]) > len(computed[node]):
            ranks[node] = min([ranks[user] for user in users[node]]) - 1
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

    def weights(self, neighbours: list[list[int]]) -> list[list[tuple[int, float]]]:
        """How much each neighbour pulls: lanes should be straight, and the longest way too."""
        deepest = [0] * len(self.boxes)
        for source, target in self.edges:
            deepest[target] = max(deepest[target], self.depths[source])

        def weight(one: int, other: int) -> float:
            lanes = (one >= len(self.boxes)) + (other >= len(self.boxes))
            if lanes:
                return 8.0 if lanes == 2 else 2.0
            source, target = sorted((one, other), key=self.rank.__getitem__)
            return 12.0 if 0 < self.depths[source] == deepest[target] else 1.0

        return [[(x, weight(item, x)) for x in near] for item, near in enumerate(neighbours)]

    def gap(self, left: int, right: int) -> float:
        """How far the centres of two neighbours in a layer must be apart."""
        lane = left >= len(self.boxes) or right >= len(self.boxes)
        return self.half[left] + self.half[right] + (BETWEEN_LANES if lane else BETWEEN_BOXES)


def reduce_crossings(lanes: Lanes, sweeps: int = 6) -> None:
    """Order every layer by the mean place of its neighbours, forwards and backwards in turn."""
    best, fewest = [list(layer) for layer in lanes.layers], crossings(lanes)
    for sweep in range(sweeps):
        if not fewest:
            break
        forwards = sweep % 2 == 0
        layers = lanes.layers[1:] if forwards else lanes.layers[-2::-1]
        neighbours = lanes.before if forwards else lanes.after
        places = positions(lanes.layers)
        for layer in layers:
            key = {
                item: sum([places[other] for other in near]) / len(near)
                if (near := neighbours[item])
                else places[item]
                for item in layer
            }
            layer.sort(key=key.__getitem__)
            for place, item in enumerate(layer):
                places[item] = place
        if (now := crossings(lanes)) < fewest:
            best, fewest = [list(layer) for layer in lanes.layers], now
    lanes.layers = best
    if fewest and len(lanes.rank) <= 120:
        exchange_neighbours(lanes)


def exchange_neighbours(lanes: Lanes) -> None:
    """Exchange neighbours as long as that removes a crossing; for small graphs."""
    places = positions(lanes.layers)
    for _ in range(8):
        improved = False
        for layer in lanes.layers:
            for i in range(len(layer) - 1):
                left, right = layer[i], layer[i + 1]
                gain = 0
                for near in (lanes.before, lanes.after):
                    for a in near[left]:
                        for b in near[right]:
                            gain += (places[a] > places[b]) - (places[a] < places[b])
                if gain > 0:
                    layer[i], layer[i + 1] = right, left
                    places[left], places[right] = places[right], places[left]
                    improved = True
        if not improved:
            return


def positions(layers: Sequence[Sequence[int]]) -> dict[int, int]:
    """The place of every item in its layer."""
    return {item: place for layer in layers for place, item in enumerate(layer)}


def crossings(lanes: Lanes) -> int:
    """How many pairs of edges cross between the layers, as they are ordered now."""
    places, count = positions(lanes.layers), 0
    for layer in lanes.layers[:-1]:
        passed: list[int] = []
        for item in layer:
            ends = sorted([places[end] for end in lanes.after[item]])
            for end in ends:
                count += len(passed) - bisect_right(passed, end)
            for end in ends:
                insort(passed, end)
    return count


def place_across(lanes: Lanes, sweeps: int = 8) -> None:
    """Place every layer so that edges are as straight as the order allows."""
    across = lanes.across
    for layer in lanes.layers:
        place = 0.0
        for i, item in enumerate(layer):
            place += lanes.gap(layer[i - 1], item) if i else 0.0
            across[item] = place
    gaps = [[0.0] + [lanes.gap(a, b) for a, b in pairwise(layer)] for layer in lanes.layers]
    before, after = lanes.weights(lanes.before), lanes.weights(lanes.after)
    order = range(len(lanes.layers))
    for sweep in range(sweeps):
        last, forwards = sweep >= sweeps - 2, sweep % 2
        for r in order if forwards else reversed(order):
            wanted, weights = [], []
            for item in lanes.layers[r]:
                near = before[item] if forwards else after[item]
                if last or not near:
                    near = before[item] + after[item]
                weight = sum([w for _, w in near])
                pull = sum([w * across[other] for other, w in near])
                wanted.append(pull / weight if weight else across[item])
                weights.append(weight or 0.01)
            places = spread(wanted, weights, gaps[r])
            for item, place in zip(lanes.layers[r], places, strict=True):
                across[item] = place
    edge = min((place - lanes.half[i] for i, place in enumerate(across)), default=0.0)
    lanes.across = [place - edge + MARGIN for place in across]
    for box, place in zip(lanes.boxes, lanes.across, strict=False):
        box.across = place


def spread(wanted: list[float], weights: list[float], gaps: list[float]) -> list[float]:
    """The places nearest to those wanted (least squares) that keep order and distance.

    References
    ----------
    Isotonic regression by pooling neighbours that are in each other's way (Kruskal, 1964).
    """
    shift, shifts = 0.0, []
    groups: list[list[float]] = []  # place, weight, how many
    for place, weight, gap in zip(wanted, weights, gaps, strict=True):
        shift += gap
        shifts.append(shift)
        place, count = place - shift, 1
        while groups and groups[-1][0] > place:
            other, its_weight, its_count = groups.pop()
            place = (place * weight + other * its_weight) / (weight + its_weight)
            weight, count = weight + its_weight, count + its_count
        groups.append([place, weight, count])
    placed = [place for place, _, count in groups for _ in range(int(count))]
    return [place + shift for place, shift in zip(placed, shifts, strict=True)]


def place_along(lanes: Lanes) -> list[tuple[float, float]]:
    """Place the layers one after the other; gives where each begins and ends."""
    bands, start, n = [], MARGIN, len(lanes.boxes)
    for layer in lanes.layers:
        depth = max([lanes.boxes[i].depth for i in layer if i < n], default=0.0)
        for i in layer:
            if i < n:
                lanes.boxes[i].along = start + depth / 2
        bands.append((start, start + depth))
        widest = max(
            [abs(lanes.across[i] - lanes.across[j]) for i in layer for j in lanes.after[i]],
            default=0.0,
        )
        start += depth + ARROW + min(max(30.0, 0.16 * widest), 90.0)
    return bands


def ports(lanes: Lanes) -> list[float]:
    """For each edge, where across the flow it enters its box: several side by side."""
    coming: list[list[tuple[float, int]]] = [[] for _ in lanes.boxes]
    for number, (source, target) in enumerate(lanes.edges):
        passed = lanes.rank[target] - lanes.rank[source] - 1
        last = lanes.trunks[source][passed - 1] if passed else source
        coming[target].append((lanes.across[last], number))
    found = [0.0] * len(lanes.edges)
    for box, edges in zip(lanes.boxes, coming, strict=True):
        step = min(24.0, (box.breadth - 12) / len(edges)) if edges else 0.0
        for place, (_, number) in enumerate(sorted(edges)):
            found[number] = box.across + (place - (len(edges) - 1) / 2) * step
    return found


def route(
    lanes: Lanes, bands: list[tuple[float, float]], source: int, target: int, port: float
) -> list[tuple[float, float]]:
    """The points of one edge: straight through a layer, bent between two."""
    box, end = lanes.boxes[source], lanes.boxes[target]
    points = [(box.along + box.depth / 2, box.across)]
    first, last = lanes.rank[source], lanes.rank[target]
    for r in range(first, last):
        points.append((bands[r][1], points[-1][1]))
        is_last = r + 1 == last
        across = port if is_last else lanes.across[lanes.trunks[source][r - first]]
        points.append((bands[r + 1][0] - (ARROW if is_last else 0.0), across))
    points.append((end.along - end.depth / 2, port))
    return points

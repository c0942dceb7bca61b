"""The places of the items in each layer: edges as straight as the order allows."""

from __future__ import annotations

from itertools import pairwise

from tinytorch.graph.layout.lanes import Lanes

LANE, LANE_END, LONGEST, OTHER = 8.0, 1.0, 12.0, 0.2  # how much an edge pulls
Pulls = list[list[tuple[int, float, float]]]  # for each item: which other, from where, how much


def ports(lanes: Lanes) -> list[float]:
    """For each edge, how far from the middle it enters its box: several side by side."""
    place = {item: i for layer in lanes.layers for i, item in enumerate(layer)}
    coming: list[list[tuple[int, int]]] = [[] for _ in lanes.boxes]
    for number, edge in enumerate(lanes.edges):
        coming[edge[1]].append((place[lanes.last_before(*edge)], number))
    found = [0.0] * len(lanes.edges)
    for box, edges in zip(lanes.boxes, coming, strict=True):
        step = min(24.0, (box.breadth - 12) / len(edges)) if edges else 0.0
        for i, (_, number) in enumerate(sorted(edges)):
            found[number] = (i - (len(edges) - 1) / 2) * step
    return found


def pulls(lanes: Lanes, offsets: list[float]) -> tuple[Pulls, Pulls]:
    """What pulls at each item from the layer before and from the layer after."""
    before: Pulls = [[] for _ in lanes.rank]
    after: Pulls = [[] for _ in lanes.rank]

    def connect(start: int, end: int, offset: float, weight: float) -> None:
        before[end].append((start, -offset, weight))
        after[start].append((end, offset, weight))

    deepest = [0] * len(lanes.boxes)
    for source, target in lanes.edges:
        deepest[target] = max(deepest[target], lanes.depths[source])
    for source, trunk in enumerate(lanes.trunks):
        for one, other in pairwise([source, *trunk]):
            connect(one, other, 0.0, LANE if one != source else LANE_END)
    for (source, target), offset in zip(lanes.edges, offsets, strict=True):
        last = lanes.last_before(source, target)
        is_longest = 0 < lanes.depths[source] == deepest[target]
        connect(
            last, target, offset, LANE_END if last != source else LONGEST if is_longest else OTHER
        )
    return before, after


def place_across(lanes: Lanes, offsets: list[float], sweeps: int = 8) -> None:
    """Place the items of every layer; the last sweeps look both ways."""
    across = lanes.across
    for layer in lanes.layers:
        place = 0.0
        for i, item in enumerate(layer):
            place += lanes.gap(layer[i - 1], item) if i else 0.0
            across[item] = place
    gaps = [[0.0] + [lanes.gap(a, b) for a, b in pairwise(layer)] for layer in lanes.layers]
    before, after = pulls(lanes, offsets)
    both = [one + other for one, other in zip(before, after, strict=True)]
    order = range(len(lanes.layers))
    for sweep in range(sweeps):
        sides = both if sweep >= sweeps - 2 else before if sweep % 2 else after
        for r in order if sweep % 2 else reversed(order):
            wanted, weights = [], []
            for item in lanes.layers[r]:
                near = sides[item] or both[item]
                weight = sum(w for _, _, w in near)
                pull = sum(w * (across[other] + offset) for other, offset, w in near)
                wanted.append(pull / weight if weight else across[item])
                weights.append(weight or 0.01)
            for item, place in zip(lanes.layers[r], spread(wanted, weights, gaps[r]), strict=True):
                across[item] = place


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
        place, count = place - shift, 1.0
        while groups and groups[-1][0] > place:
            other, its_weight, its_count = groups.pop()
            place = (place * weight + other * its_weight) / (weight + its_weight)
            weight, count = weight + its_weight, count + its_count
        groups.append([place, weight, count])
    placed = [place for place, _, count in groups for _ in range(int(count))]
    return [place + shift for place, shift in zip(placed, shifts, strict=True)]

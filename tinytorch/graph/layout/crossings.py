"""The order of the items in each layer: one with few crossings."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from tinytorch.graph.layout.lanes import Lanes


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
                item: sum(places[other] for other in near) / len(near)
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

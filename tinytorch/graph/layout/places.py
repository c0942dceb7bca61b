"""Places for the boxes of a layered graph, and ways for its edges around them.

Boxes stand in layers, inputs before what uses them. An edge that passes a layer has a lane of its
own there (a dummy, as wide as the edge), so that no edge crosses a box. The order within the layers
is chosen for few crossings, the places for straight edges.

Everything is computed in two directions: `along` the flow, across the layers, and `across` it.

References
----------
Sugiyama, Tagawa and Toda (1981), "Methods for visual understanding of hierarchical system
structures".
Gansner, Koutsofios, North and Vo (1993), "A technique for drawing directed graphs".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinytorch.graph.layout.crossings import reduce_crossings
from tinytorch.graph.layout.lanes import Box, Lanes
from tinytorch.graph.layout.straightening import place_across, ports

ARROW = 9.0  # straight piece before a box
MARGIN = 18.0


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
    offsets = ports(lanes)
    place_across(lanes, offsets)
    edge = min((place - half for place, half in zip(lanes.across, lanes.half, strict=True)))
    lanes.across = [place - edge + MARGIN for place in lanes.across]
    for box, place in zip(boxes, lanes.across, strict=False):
        box.across = place
    bands = place_along(lanes)
    routes = [route(lanes, bands, *e, offset) for e, offset in zip(edges, offsets, strict=True)]
    breadth = max(place + half for place, half in zip(lanes.across, lanes.half, strict=True))
    return Layout(boxes, routes, bands[-1][1] + MARGIN, breadth + MARGIN)


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


def route(
    lanes: Lanes, bands: list[tuple[float, float]], source: int, target: int, offset: float
) -> list[tuple[float, float]]:
    """The points of one edge: straight through a layer, bent between two."""
    box, end = lanes.boxes[source], lanes.boxes[target]
    port = end.across + offset
    points = [(box.along + box.depth / 2, box.across)]
    first, last = lanes.rank[source], lanes.rank[target]
    for r in range(first, last):
        points.append((bands[r][1], points[-1][1]))
        is_last = r + 1 == last
        across = port if is_last else lanes.across[lanes.trunks[source][r - first]]
        points.append((bands[r + 1][0] - (ARROW if is_last else 0.0), across))
    points.append((end.along - end.depth / 2, port))
    return points

"""`draw`: the computational graph of a variable as a picture."""

from __future__ import annotations

import sys

from tinytorch.graph.reading.folding import fold
from tinytorch.graph.reading.names import name_nodes
from tinytorch.graph.reading.nodes import Graph, read
from tinytorch.graph.reading.words import describe
from tinytorch.graph.showing.picture import Picture
from tinytorch.graph.showing.svg import Drawing
from tinytorch.graph.walking_back.backward import walk_back

MOST = 200  # nodes in one picture


def draw(z, gradients: bool = True) -> Picture:
    """The computational graph of a variable: names, operations, values, shapes and gradients.

    Parameters
    ----------
    z : Variable
        The output. Its graph must not be freed yet: draw it before ``backward()``.
    gradients : bool
        Show the gradient of `z` (of the sum of its elements) by each value, worked out for the
        picture by the rules of the module that `z` comes from, once that has a backward pass. What
        a leaf has in ``.grad`` is shown besides.

    Returns
    -------
    Picture
        A notebook shows it; ``.svg`` is the image, ``.alt`` the text, and ``.save("graph.svg")``
        writes a file. Of more than 200 nodes, chains are folded into one box each.

    Raises
    ------
    GraphError
        If `z` is no variable.

    Examples
    --------
    >>> x, y = Variable(2.0), Variable(3.0)
    >>> draw((x + y) * (x - y))
    """
    caller = sys._getframe(1)
    graph = read(z)
    name_nodes(graph, caller.f_locals, caller.f_globals)
    if gradients and getattr(z, "requires_grad", False) and has_a_backward_pass(z):
        walk_back(graph)
    return picture_of(graph)


def has_a_backward_pass(z) -> bool:
    """Whether `propagate` is written in the module that a variable comes from; nothing is run."""
    method = getattr(type(z), "backward", None)
    walk = getattr(method, "__globals__", {}).get("propagate")
    code = getattr(walk, "__code__", None)  # as released, it raises NotImplementedError
    return walk is not None and "NotImplementedError" not in getattr(code, "co_names", ())


def picture_of(graph: Graph) -> Picture:
    """A picture of a graph that has its names."""
    graph = fold(graph, MOST)
    alt = describe(graph)
    return Picture(Drawing(graph).svg(alt), alt)

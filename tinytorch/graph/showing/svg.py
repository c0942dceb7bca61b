"""The picture of a graph as SVG."""

from __future__ import annotations

from html import escape

from tinytorch.graph.layout.lanes import depths_of
from tinytorch.graph.layout.places import Layout, lay_out
from tinytorch.graph.reading.folding import contents
from tinytorch.graph.reading.nodes import Graph, Node, formula, operation_name
from tinytorch.graph.reading.numbers import brief, cut, shape_text
from tinytorch.graph.showing.colours import DARK, LIGHT, custom_properties

LETTER, LINE, PADDING = 7.3, 16.0, 11.0  # of a monospaced font of 12 pixels
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
WIDEST = 34  # letters
LONGEST = 1000  # pixels: up to here the picture goes from left to right, else downwards

RULES = [
    f"text{{font:12px {FONT};fill:var(--ink);white-space:pre}}",
    ".name{font-weight:700}",
    ".quiet{fill:var(--quiet)}",
    ".gradient{fill:var(--gradient)}",
    ".box{stroke-width:1.5}",
    ".edge{fill:none;stroke:var(--edge);stroke-width:1.5}",
    ".head{fill:var(--edge)}",
    ".ground{fill:var(--ground);stroke:var(--edge)}",
    *(
        f".{kind} .box{{fill:var(--{kind});stroke:var(--{kind}-line)}}"
        for kind in ("leaf", "computed", "constant", "output")
    ),
]
STYLE = "".join(RULES)
THEMES = (
    f"svg{{{custom_properties(LIGHT)}}}"
    f"@media(prefers-color-scheme:dark){{svg{{{custom_properties(DARK)}}}}}"
)

Line = list[tuple[str, str]]  # pieces of text, each with its class


class Drawing:
    """A graph with its boxes filled and placed.

    Parameters
    ----------
    graph : Graph
        Named, and small enough.
    lines : dict, optional
        The text of each node's box, by the node's id; by default `lines_of`.
    """

    def __init__(self, graph: Graph, lines: dict[int, list[Line]] | None = None):
        self.graph = graph
        self.lines = lines or {id(node): lines_of(node) for node in graph.nodes}
        place = {id(node): i for i, node in enumerate(graph.nodes)}
        edges = [(place[id(x)], place[id(node)]) for x, node in graph.edges]
        sizes = [size_of(self.lines[id(node)], node) for node in graph.nodes]
        self.ends = edges
        self.downwards = length(sizes, edges) > LONGEST
        turned = sizes if not self.downwards else [(height, width) for width, height in sizes]
        coming = [0] * len(sizes)
        for _, target in edges:
            coming[target] += 1
        turned = [(d, max(b, 9.0 * n + 12)) for (d, b), n in zip(turned, coming, strict=True)]
        self.layout: Layout = lay_out(turned, edges)
        width, height = self.layout.depth, self.layout.breadth
        self.width, self.height = (height, width) if self.downwards else (width, height)
        self.notes = [line for note in graph.notes for line in wrapped(note, self.width)]
        self.full_height = self.height + (LINE * len(self.notes) + 6 if self.notes else 0)
        longest = max(map(len, self.notes), default=0)
        self.full_width = max(self.width, longest * LETTER + 24)

    def point(self, along: float, across: float) -> tuple[float, float]:
        """A point of the layout as x and y."""
        return (across, along) if self.downwards else (along, across)

    def rectangle(self, number: int) -> tuple[float, float, float, float]:
        """Left, top, width and height of a box."""
        box = self.layout.boxes[number]
        x, y = self.point(box.along, box.across)
        width, height = self.point(box.depth, box.breadth)
        return x - width / 2, y - height / 2, width, height

    def path(self, number: int, start: int = 0) -> str:
        """The way of one edge from its point `start` on, as the commands of a path."""
        points = [self.point(*point) for point in self.layout.routes[number]]
        pieces = [f"M{points[start][0]:.1f},{points[start][1]:.1f}"]
        for i in range(start + 1, len(points)):
            (px, py), (x, y) = points[i - 1], points[i]
            if i % 2 or abs(px - x if self.downwards else py - y) < 0.05:
                pieces.append(f"L{x:.1f},{y:.1f}")
            elif self.downwards:
                middle = (py + y) / 2
                pieces.append(f"C{px:.1f},{middle:.1f} {x:.1f},{middle:.1f} {x:.1f},{y:.1f}")
            else:
                middle = (px + x) / 2
                pieces.append(f"C{middle:.1f},{py:.1f} {middle:.1f},{y:.1f} {x:.1f},{y:.1f}")
        return "".join(pieces)

    def edges(self) -> str:
        """All edges; where several from one box share their way, it is drawn once."""
        longest: dict[int, list[tuple[float, float]]] = {}
        drawn = []
        for number in sorted(range(len(self.ends)), key=lambda i: len(self.layout.routes[i])):
            route, source = self.layout.routes[number], self.ends[number][0]
            drawn.append(self.edge(number, shared(route, longest.get(source, []))))
            longest[source] = route
        return "".join(drawn)

    def edge(self, number: int, start: int = 0) -> str:
        """One edge with an arrow at its end."""
        x, y = self.point(*self.layout.routes[number][-1])
        head = "l-4,-9h8z" if self.downwards else "l-9,-4v8z"
        return (
            f'<path class="edge" d="{self.path(number, start)}"/>'
            f'<path class="head" d="M{x:.1f},{y:.1f}{head}"/>'
        )

    def edge_back(self, number: int, name: str) -> str:
        """The same way with an arrow at its beginning: a gradient on its way back."""
        x, y = self.point(*self.layout.routes[number][0])
        head = "l-5,11h10z" if self.downwards else "l11,-5v10z"
        return (
            f'<path class="back {name}" d="{self.path(number)}"/>'
            f'<path class="backhead {name}" d="M{x:.1f},{y:.1f}{head}"/>'
        )

    def node(self, number: int, below: str = "", above: str = "") -> str:
        """One box with its text, and perhaps something below and above the text."""
        node = self.graph.nodes[number]
        x, y, width, height = self.rectangle(number)
        lines = self.lines[id(node)]
        kind = kind_of(node, self.graph)
        pile = 8 if node.kind == "folded" else 0
        top = y + (height - pile - LINE * len(lines)) / 2 + 12
        text = "".join(
            f'<text x="{x + PADDING:.1f}" y="{top + LINE * i:.1f}">{spans(line)}</text>'
            for i, line in enumerate(lines)
        )
        shape = outline(node, kind, x, y, width, height)
        return f'<g class="{kind}">{shape}{below}{text}{above}</g>'

    def body(self) -> str:
        """The ground, all edges, all boxes, and the notes."""
        nodes = "".join(self.node(i) for i in range(len(self.graph.nodes)))
        return self.ground() + self.edges() + nodes + self.footer()

    def ground(self) -> str:
        """The ground on which everything is readable."""
        return (
            f'<rect class="ground" x=".5" y=".5" rx="8" width="{self.full_width - 1:.1f}" '
            f'height="{self.full_height - 1:.1f}"/>'
        )

    def footer(self) -> str:
        """What has to be said about the graph, below it."""
        return "".join(
            f'<text class="quiet" x="12" y="{self.height + 8 + LINE * i:.1f}">{escape(line)}</text>'
            for i, line in enumerate(self.notes)
        )

    def svg(self, alt: str) -> str:
        """The whole picture as a document of its own."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.full_width:.0f}" '
            f'height="{self.full_height:.0f}" viewBox="0 0 {self.full_width:.1f} '
            f'{self.full_height:.1f}" role="img"><title>{escape(alt)}</title>'
            f"<style>{THEMES}{STYLE}</style>{self.body()}</svg>"
        )


def shared(route: list[tuple[float, float]], other: list[tuple[float, float]]) -> int:
    """The last point of a route up to which it is the same as another one."""
    same = 0
    while same < min(len(route), len(other)) and route[same] == other[same]:
        same += 1
    return max(same - 1, 0)


def length(sizes: list[tuple[float, float]], edges: list[tuple[int, int]]) -> float:
    """How wide the picture would about be, from left to right."""
    widest: dict[int, float] = {}
    for depth, (width, _) in zip(depths_of(len(sizes), edges), sizes, strict=True):
        widest[depth] = max(widest.get(depth, 0.0), width)
    return sum(widest.values()) + 40 * len(widest)


def kind_of(node: Node, graph: Graph) -> str:
    """The class of a node's box."""
    if node is graph.output:
        return "output"
    return {"weight": "leaf", "folded": "computed"}.get(node.kind, node.kind)


def outline(node: Node, kind: str, x: float, y: float, width: float, height: float) -> str:
    """The outline of a box. What it stands for can be seen by its form: leaves are round, constants
    dashed, folded boxes a pile, and the output has two lines."""
    radius = {"leaf": 18, "constant": 18}.get(kind, 4)
    dashed = ' stroke-dasharray="5 3"' if kind == "constant" else ""

    def rectangle(inset: float, end: float, more: str = "") -> str:
        return (
            f'<rect class="box" x="{x + inset:.1f}" y="{y + inset:.1f}" rx="{radius}" '
            f'width="{width - inset - end:.1f}" height="{height - inset - end:.1f}"{more}/>'
        )

    if node.kind == "folded":
        return rectangle(6, 0) + rectangle(3, 3) + rectangle(0, 6)
    if kind == "output":
        return rectangle(0, 0) + rectangle(3, 3, ' style="fill:none;stroke-width:1"')
    return rectangle(0, 0, dashed)


def spans(line: Line) -> str:
    """A line of text with its pieces marked."""
    return "".join(
        f'<tspan class="{name}">{escape(text)}</tspan>' if name else escape(text)
        for name, text in line
    )


def size_of(lines: list[Line], node: Node) -> tuple[float, float]:
    """The width and height of a box around these lines."""
    longest = max([sum(len(text) for _, text in line) for line in lines], default=0)
    pile = 8 if node.kind == "folded" else 0
    return max(longest, 7) * LETTER + 2 * PADDING + pile, len(lines) * LINE + 12 + pile


def lines_of(node: Node) -> list[Line]:
    """What stands in a box: name and formula, operation and shape, value, gradient."""
    lines = [*heading(node), [("quiet", "value "), ("", brief(node.array))]]
    if node.gradient is not None:
        lines.append([("gradient", f"gradient {brief(node.gradient)}")])
    stored = getattr(node.thing, "grad", None)
    if stored is not None and node.operation is None:
        lines.append([("gradient", f".grad {brief(stored_array(stored))}")])
    return lines


def stored_array(grad):
    """The array in ``x.grad``, which may be a variable."""
    return getattr(getattr(grad, "data", grad), "data", grad) if hasattr(grad, "grad_fn") else grad


def heading(node: Node) -> list[Line]:
    """The first two lines of a box."""
    name = cut(node.name, WIDEST)
    kind, shape = operation_name(node) if node.operation is not None else node.kind, ""
    if getattr(node.array, "shape", ()):
        shape = f" {shape_text(node.array)}"
    if node.kind == "folded":
        first = [("name", name), ("", f" and {len(node.folded) - 1} before")]
        return [first, [("quiet", cut(contents(node), WIDEST))]]
    if node.operation is None:
        return [[("name", name)], [("quiet", cut(kind + shape, WIDEST))]]
    made = cut(f" = {formula(node)}", max(WIDEST - len(name), 10))
    return [[("name", name), ("", made)], [("quiet", cut(kind + shape, WIDEST))]]


def wrapped(text: str, width: float) -> list[str]:
    """A text in lines that fit below a picture of this width."""
    from textwrap import wrap

    return wrap(text, max(int((width - 24) / LETTER), 60))

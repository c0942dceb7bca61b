"""How long a picture of a graph takes, and how large it is; and the pictures of docs/graph.md.

``python benchmarks/graph.py`` measures, writes the table into README.md, and draws the
pictures; with ``--print`` it only prints the table.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from report import only_printing, write_between_marks

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tinytorch.core.activations import ReLU  # noqa: E402
from tinytorch.core.autograd import Variable, cross_entropy  # noqa: E402
from tinytorch.core.layers import Dense  # noqa: E402
from tinytorch.graph import draw, step_backward  # noqa: E402
from tinytorch.graph.reading.nodes import read  # noqa: E402

BEGIN, END = "<!-- pictures: begin -->", "<!-- pictures: end -->"


def expression():
    """The worked graph of module 7."""
    x, y = Variable(2.0), Variable(3.0)
    x.name, y.name = "x", "y"
    s, d = x + y, x - y
    s.name, d.name = "s", "d"
    f = s * d
    f.name = "f"
    return f


rng = np.random.default_rng(0)
first, second = Dense(2, 16, rng), Dense(16, 2, rng)
labels = np.arange(64) % 2


def two_layers():
    """The loss of a network of two layers, with the layers of module 3."""
    numbers = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)
    inputs = Variable(numbers, requires_grad=False)
    loss = cross_entropy(second(ReLU()(first(inputs))), labels)
    loss.name, inputs.name = "loss", "inputs"
    return loss


def two_hundred_nodes():
    """Four masses on springs, eleven small steps of time, and the energy of their motion."""
    places = [Variable(np.array(place)) for place in (0.0, 1.5, 2.0, 3.0)]
    speeds = [Variable(np.array(speed)) for speed in (0.0, 0.0, 0.5, 0.0)]
    stiffness = Variable(np.array(0.1))
    stiffness.name = "stiffness"
    for step in range(12):
        for i in range(4):
            places[i].name, speeds[i].name = f"x{i}({step})", f"v{i}({step})"
        if step < 11:
            forces = [(right - left) * stiffness for left, right in pairwise(places)]
            speeds[0] = speeds[0] + forces[0]
            speeds[1] = speeds[1] + (forces[1] - forces[0])
            speeds[2] = speeds[2] + (forces[2] - forces[1])
            speeds[3] = speeds[3] - forces[2]
            places = [place + speed for place, speed in zip(places, speeds, strict=True)]
    energy = sum(place * place for place in places[1:]) + sum(v * v for v in speeds)
    energy.name = "energy"
    return energy


GRAPHS = {
    "expression": ("the expression graph of module 7", expression),
    "two-layers": ("a network of two layers and its loss", two_layers),
    "two-hundred": ("four masses on springs in 11 steps of time", two_hundred_nodes),
}


def picture(make) -> str:
    """The image of one of the graphs."""
    return draw(make()).svg


def milliseconds(call) -> float:
    """The CPU time of a call: the median of many."""
    times = []
    for _ in range(15):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000 * float(np.median(times))


def main() -> None:
    """Measure, write the table, and draw the pictures."""
    leave = only_printing(__doc__)
    lines = [
        "| graph | nodes | edges | `draw` | image | `step_backward` | page |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (title, make) in GRAPHS.items():
        z = make()
        graph, picture = read(z), draw(z)
        if not leave:
            picture.save(ROOT / "docs" / "images" / f"graph-{name}.svg")
        page = step_backward(z)._repr_html_()
        lines.append(
            f"| {title} | {len(graph.nodes)} | {len(graph.edges)} "
            f"| {milliseconds(lambda z=z: draw(z)._repr_html_()):.1f} ms "
            f"| {len(picture.svg) / 1024:.0f} KiB "
            f"| {milliseconds(lambda z=z: step_backward(z)._repr_html_()):.1f} ms "
            f"| {len(page) / 1024:.0f} KiB |"
        )
    table = "\n".join(lines)
    print(table)
    if not leave:
        write_between_marks(ROOT / "benchmarks" / "README.md", table, BEGIN, END)


if __name__ == "__main__":
    main()

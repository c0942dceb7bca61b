"""The plot: ratios to numpy by hand, one line of dots a workload."""

from __future__ import annotations

from pathlib import Path

from engines import ENGINES, LIMIT, OURS
from measure import Row

STYLES = {  # colour, marker, and how far above its line, so that no dot hides another
    "tinytorch": ("#c1272d", "o", 0.0),
    "torch_eager": ("#0072b2", "s", 0.14),
    "hips": ("#e69f00", "^", -0.14),
    "mygrad": ("#009e73", "D", -0.22),
    "micrograd": ("#7f5fa9", "v", 0.22),
}


def plot(rows: list[Row], engines: list[str], path: Path) -> None:
    """Draw the rows that are ratios, and the targets, on a logarithmic axis.

    Parameters
    ----------
    rows : list of Row
        What was measured.
    engines : list of str
        The engines that took part.
    path : Path
        The SVG file to write; the same figures give the same bytes.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tinytorch"
    from matplotlib import pyplot

    rows = [row for row in rows if row.unit == "×"]
    picture, axes = pyplot.subplots(figsize=(9, 0.62 * len(rows) + 1.5), layout="constrained")
    places = range(len(rows) - 1, -1, -1)
    for place, row in zip(places, rows, strict=True):
        limit = row.target_limit()
        label = "TinyTorch's target" if row is rows[0] else None
        axes.plot([limit, limit], [place - 0.32, place + 0.32], "k-", linewidth=2, label=label)
    for engine in [engine for engine in engines if engine != LIMIT]:
        colour, marker, above = STYLES[engine]
        dots = [
            (row.figures[engine], place + above)
            for place, row in zip(places, rows, strict=True)
            if engine in row.figures
        ]
        xs, ys = zip(*dots, strict=True) if dots else ([], [])
        size = 9 if engine == OURS else 6
        axes.plot(xs, ys, marker, color=colour, markersize=size, label=ENGINES[engine].title)
    axes.axvline(1, color="grey", linewidth=1, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200], labels="1 2 5 10 20 50 100 200".split())
    axes.minorticks_off()
    axes.set_yticks(list(places), labels=[row.title.replace(": ", ":\n") for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("CPU time ÷ that of numpy by hand (dotted line)")
    axes.grid(axis="y", alpha=0.3)
    picture.legend(loc="outside upper center", ncols=6, frameon=False, columnspacing=1)
    picture.savefig(path, metadata={"Date": None})
    pyplot.close(picture)

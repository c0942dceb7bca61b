"""Going down valleys, and drawing how; each ``draw_`` gives the text for those who cannot see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

STYLES = "-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1))
MARKERS = "osD^vPX"
Path = np.ndarray


def descend(f: Callable, start: Sequence[float], make: Callable, steps: int) -> Path:
    """The places that an optimizer goes through, in float64, of shape (steps + 1, 2).

    Parameters
    ----------
    f : callable
        Takes two numbers, arrays or Variables, gives one.
    start : sequence of float
        Where to begin.
    make : callable
        Takes a list with one parameter, gives the optimizer.
    steps : int
        How many to go; fewer if it leaves the map.
    """
    from tinytorch.core.tensor import Tensor

    w: Any = Tensor(np.array(start, dtype=np.float64), requires_grad=True)
    optimizer, path = make([w]), [w.data.copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(w[0], w[1]).backward()
        optimizer.step()
        path.append(w.data.copy())
        if not np.abs(w.data).max() < 1e6:
            break
    return np.array(path)


def ravine(x, y):
    """A valley with the curvatures 1 and 100, with its bottom at (0, 0)."""
    return (x**2 + 100 * y**2) / 2


def banana(x, y):
    """The bent valley of Rosenbrock (1960), with its bottom at (1, 1)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def places_of(
    kind: Callable, slopes: Iterable[float], lr: float = 1.0, **settings: Any
) -> list[float]:
    """Where a weight that begins at 10, in float32, is after a step with each of some slopes."""
    from tinytorch.core.tensor import Tensor

    w: Any = Tensor([10.0], requires_grad=True)
    places: list[float] = []
    optimizer = kind([w], lr=lr, **settings)
    for slope in slopes:
        w.grad = np.array([slope], dtype=np.float32)
        optimizer.step()
        places.append(w.data.item())
    return places


def steps_to(f: Callable, path: Path, low: float = 1e-6) -> int | None:
    """After how many steps `f` is first below `low` on a path; None if it never is."""
    below = np.flatnonzero(f(*path.T) < low)
    return int(below[0]) if below.size else None


def draw_paths(axes: Any, f: Callable, paths: Mapping[str, Path], low: float = 1e-6) -> str:
    """Draw paths on a map of `f`, with their names and when they arrive where it is below `low`."""
    corners = np.concatenate([path[np.abs(path).max(axis=1) < 5] for path in paths.values()])
    low_corner, high_corner = corners.min(axis=0) - 0.2, corners.max(axis=0) + 0.2
    across = np.linspace(low_corner[0], high_corner[0], 150)
    up = np.linspace(low_corner[1], high_corner[1], 150)
    heights = f(*np.meshgrid(across, up))
    axes.contour(across, up, np.log10(heights + low), levels=12, colors=["#9aa7b4"], linewidths=0.6)
    texts = []
    for (name, path), style, marker in zip(paths.items(), STYLES, MARKERS, strict=False):
        arrived = steps_to(f, path, low)
        when = f"{arrived} steps" if arrived is not None else f"not in {len(path) - 1}"
        line = axes.plot(*path.T, linestyle=style, linewidth=1.3, label=f"{name}: {when}")[0]
        axes.plot(*path[-1], marker, color=line.get_color(), markersize=6)
        x, y = path[-1]
        texts.append(f"{name} ends at ({x:.2f}, {y:.2f}), {when}")
    axes.set(xlim=(low_corner[0], high_corner[0]), ylim=(low_corner[1], high_corner[1]))
    axes.set(xlabel="x", ylabel="y")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
    return f"Paths on a map of height lines: {'; '.join(texts)}."


def draw_schedules(axes: Any, schedules: Sequence[Callable], steps: int) -> str:
    """Draw the factors of schedules against the step."""
    texts = []
    for schedule, style in zip(schedules, STYLES, strict=False):
        factors = [schedule(step) for step in range(steps)]
        axes.plot(range(steps), factors, linestyle=style, label=type(schedule).__name__)
        picked = ", ".join(f"{factors[n]:.2f}" for n in (0, steps // 4, steps // 2, steps - 1))
        texts.append(f"{schedule!r} has {picked}")
    axes.set(xlabel="step", ylabel="factor")
    axes.legend(fontsize=8)
    place = "at the start, a quarter, half and the end"
    return f"Factors against the step, {place}: {'; '.join(texts)}."


def draw_sweep(axes: Any, rates: Sequence[float], losses: Sequence[float]) -> str:
    """Draw the loss against the rate, both as a rate finder gives them."""
    axes.semilogx(rates, losses)
    axes.set(xlabel="learning rate", ylabel="loss")
    best = int(np.argmin(losses))
    return (
        f"The loss against the rate: {losses[0]:.2f} at {rates[0]:.1e}, lowest, "
        f"{losses[best]:.2f}, at {rates[best]:.1e}, and {losses[-1]:.2f} at the end, "
        f"at {rates[-1]:.1e}."
    )


def draw_curves(axes: Any, curves: Mapping[str, Sequence[float]]) -> str:
    """Draw losses by their names against the epoch, on a logarithmic scale."""
    texts = []
    for (name, values), style, marker in zip(curves.items(), STYLES, MARKERS, strict=False):
        epochs = range(1, len(values) + 1)
        axes.semilogy(epochs, values, linestyle=style, marker=marker, markersize=3, label=name)
        texts.append(f"{name} goes from {values[0]:.3f} to {values[-1]:.3f}")
    axes.set(xlabel="epoch", ylabel="loss", xticks=epochs[:: max(1, len(epochs) // 10)])
    axes.legend(fontsize=8)
    return f"Losses against the epoch, on a logarithmic scale: {'; '.join(texts)}."


def draw_costs(axes: Sequence[Any], costs: Mapping[str, tuple[float, float]]) -> str:
    """Draw memory, in multiples of the weights, and milliseconds of a step, side by side."""
    titles = "memory (weights = 1)", "time of a step (ms)"
    for number, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        values = [cost[number] for cost in costs.values()]
        bars = axis.barh(list(costs), values, color="#1f77b4", hatch="/" * number)
        axis.bar_label(bars, fmt=("%.1f", "%.2f")[number], padding=2, fontsize=8)
        axis.set(title=title, xlim=(0, 1.15 * max(values)))
    axes[0].invert_yaxis()
    texts = [f"{name} {memory:.1f} and {ms:.2f}" for name, (memory, ms) in costs.items()]
    return f"Bars for memory in multiples of the weights, and milliseconds: {'; '.join(texts)}."

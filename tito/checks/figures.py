"""Figures that can also be read: an image with a text that says what it shows."""

from __future__ import annotations

import base64
import io
import time
import tracemalloc
from collections.abc import Callable
from html import escape

import numpy as np

GREY = "#7a7a7a"  # contrast 4.3 to white, 4.4 to JupyterLab's dark page


class Figure:
    """A drawn figure and the text that stands for it.

    It shows itself as an ``<img>`` with that text, in a notebook, in static HTML and where a screen
    reader reads it.

    Parameters
    ----------
    png : bytes
        The image.
    alt : str
        What is to be seen in it.
    """

    def __init__(self, png: bytes, alt: str):
        self.data = base64.b64encode(png).decode()
        self.alt = alt

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        image = f'<img alt="{escape(self.alt)}" src="data:image/png;base64,{self.data}">'
        bundle = {"text/plain": repr(self), "text/html": image, "image/png": self.data}
        return bundle, {"image/png": {"alt": self.alt}}

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def show(figure, alt: str) -> None:
    """Show a matplotlib figure with a text for those who cannot see it, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What was drawn.
    alt : str
        What is to be seen: the kind of plot, its axes, and what it shows; not "a plot of the loss"
        but how the loss goes.

    Raises
    ------
    ValueError
        If the text is empty.
    """
    if not alt.strip():
        raise ValueError('a figure needs a text that says what it shows: show(figure, "…")')
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    make_readable_on_both(figure)
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight", transparent=True)
    plt.close(figure)
    shown = Figure(buffer.getvalue(), " ".join(alt.split()))
    try:
        from IPython.display import display
    except ImportError:
        print(shown)
    else:
        display(shown)


def make_readable_on_both(figure) -> None:
    """Give what is black in a figure a grey that is read on a white and on a dark page."""
    from matplotlib.legend import Legend

    for legend in figure.findobj(Legend):
        legend.get_frame().set(facecolor="none", edgecolor=GREY)
    for artist in figure.findobj():
        for part in ("color", "facecolor", "edgecolor", "markeredgecolor", "markerfacecolor"):
            get, put = (getattr(artist, f"{verb}_{part}", None) for verb in ("get", "set"))
            if get and put and _is_black(get()):
                put(GREY)


def _is_black(colour) -> bool:
    """Whether it is black that can be seen; several colours are not, unless all of them are."""
    from matplotlib.colors import to_rgba_array

    try:
        colours = to_rgba_array(colour)
    except (ValueError, TypeError):  # "auto", or None
        return False
    return len(colours) > 0 and not colours[:, :3].any() and bool(colours[:, 3].all())


def seconds(call: Callable[[], object], tries: int = 3) -> float:
    """The shortest time that a call took, of several tries, in seconds.

    A call of less than half a millisecond is repeated for about a millisecond in each try.
    """
    first = _mean_seconds(call, 1)
    calls = int(1e-3 / max(first, 1e-7))
    if calls > 1:
        return min(_mean_seconds(call, calls) for _ in range(tries))
    return min([first, *(_mean_seconds(call, 1) for _ in range(tries - 1))])


def _mean_seconds(call: Callable[[], object], calls: int) -> float:
    """How long a call takes, on average over several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def held_bytes(call: Callable[[], object]) -> int:
    """How much memory what a call returns keeps in use, in bytes."""
    call()
    tracemalloc.start()
    try:
        kept = call()
        held = tracemalloc.get_traced_memory()[0]
        del kept
        return held
    finally:
        tracemalloc.stop()


def moons_figure(network: Callable, points: np.ndarray, labels: np.ndarray, title: str) -> None:
    """Show what a network with two scores says of every place in the plane.

    Parameters
    ----------
    network : callable
        Takes an array of shape (places, 2), gives scores of shape (places, 2).
    points : ndarray of shape (examples, 2)
        Where the examples are; those of class 0 are shown as circles, of class 1 as crosses.
    labels : ndarray of shape (examples,)
        Their classes, 0 and 1.
    title : str
        What stands above.
    """
    import matplotlib.pyplot as plt

    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    across, up = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120))
    scores = np.asarray(network(np.stack([across.ravel(), up.ravel()], axis=1)))
    margin = (scores[:, 1] - scores[:, 0]).reshape(across.shape)
    figure, axes = plt.subplots(figsize=(6.5, 4))
    axes.contourf(across, up, margin > 0, levels=[-0.5, 0.5, 1.5], colors=["#dbe9f6", "#fde3cf"])
    axes.contour(across, up, margin, levels=[0], colors="black", linewidths=1.5)
    for label, marker, colour in ((0, "o", "#1f5a94"), (1, "x", "#b34700")):
        axes.scatter(*points[labels == label].T, s=14, marker=marker, color=colour)
    axes.set_title(title)
    show(
        figure,
        f"{title}: the plane in two shades, with a line where the network changes its mind; the "
        "examples of one class are circles, those of the other crosses.",
    )


def digits_figure(images: np.ndarray, titles: list[str]) -> None:
    """Show some small images in a row, each with a title.

    Parameters
    ----------
    images : ndarray of shape (count, height, width)
        The larger a number, the darker its pixel.
    titles : list of str
        What stands above each.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(images), figsize=(1.3 * len(images), 1.6), squeeze=False)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        axis.imshow(image, cmap="Blues")
        axis.set_title(title, fontsize=9)
        axis.set(xticks=[], yticks=[])
    many = f"{len(images)} small images in a row" if len(images) > 1 else "A small image"
    show(figure, f"{many}, titled: {'; '.join(titles)}.")


def two_moons(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of two half moons, one inside the other, which no straight line parts.

    Parameters
    ----------
    count : int
        How many points.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    points : ndarray of shape (count, 2), float64
        Where they are.
    labels : ndarray of shape (count,)
        Which moon each belongs to, 0 and 1 in turn.
    """
    angle, labels = rng.uniform(0, np.pi, size=count), np.arange(count) % 2
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 - 2 * labels[:, None])
    return points + labels[:, None] * [1.0, 0.5] + 0.1 * rng.normal(size=(count, 2)), labels

"""Figures that can also be read: an image with a text that says what it shows."""

from __future__ import annotations

import base64
import io
from html import escape


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
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    shown = Figure(buffer.getvalue(), " ".join(alt.split()))
    try:
        from IPython.display import display
    except ImportError:
        print(shown)
    else:
        display(shown)

"""A picture that shows itself wherever a notebook is shown."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path


class Picture:
    """An SVG image with a text that stands for it.

    In a notebook it is an ``<img>`` with a data URI: that is shown in trusted and untrusted
    notebooks, in static HTML and on GitHub. Elsewhere it is its text.

    Parameters
    ----------
    svg : str
        The image.
    alt : str
        What it shows, in words.
    """

    def __init__(self, svg: str, alt: str):
        self.svg, self.alt = svg, alt

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt)

    def __repr__(self) -> str:
        return self.alt

    def save(self, path: str | os.PathLike) -> None:
        """Write the image into a file, whose name should end in ``.svg``."""
        Path(path).write_text(self.svg, encoding="utf-8")


def image(svg: str, alt: str) -> str:
    """An image as an element of HTML that needs nothing else."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'

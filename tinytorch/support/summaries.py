"""The table of a network's layers, as it is shown."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

HEAD = ("name", "layer", "output shape", "parameters")
LEFT, RIGHT = "text-align:left", "text-align:right"


class Summary(NamedTuple):
    """What each layer of a network gives, and how many parameters it has.

    Attributes
    ----------
    rows : list of tuple
        For each layer its name, what it shows of itself, the shape of its output for one example,
        and the number of its parameters.
    total : int
        How many parameters there are in all, those of a shared layer counted once.
    """

    rows: list[tuple[str, str, tuple[int, ...], int]]
    total: int

    def lines(self) -> list[tuple[str, ...]]:
        """The rows as texts, and the total in the last."""
        rows = [(name, layer, str(shape), f"{n:,}") for name, layer, shape, n in self.rows]
        return [*rows, ("", "in all", "", f"{self.total:,}")]

    def __repr__(self) -> str:
        lines = [HEAD, *self.lines()]
        widths = [max(len(line[n]) for line in lines) for n in range(3)]
        rows = [
            "  ".join([*(f"{text:{w}}" for text, w in zip(line[:3], widths, strict=True)), line[3]])
            for line in lines
        ]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="{LEFT}">{title}</th>' for title in HEAD)
        rows = "".join(
            "<tr>"
            + "".join(f'<td style="{LEFT}">{escape(text)}</td>' for text in line[:3])
            + f'<td style="{RIGHT}">{line[3]}</td></tr>'
            for line in self.lines()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

"""Small figures: bars as SVG, which follow the page's colours and say in words what they show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT = 320, 130
ABOVE, BELOW, SIDE = 16, 30, 12  # room for numbers, for edges, and at both sides
STRIPE = 110  # the width of a bar of shares


def bars(counts: Sequence[int], edges: Sequence[str], unit: str, said: str) -> Markup:
    """A bar for each count.

    Parameters
    ----------
    counts : sequence of int
        How high each bar is; its number is written above it.
    edges : sequence of str
        Where each bar begins, and where the last one ends.
    unit : str
        What is written below all.
    said : str
        What the figure shows, in words.
    """
    wide, floor = (WIDTH - 2 * SIDE) / max(len(counts), 1), HEIGHT - BELOW
    high = (floor - ABOVE) / max(max(counts, default=0), 1)
    parts = []
    for number, count in enumerate(counts):
        x, height = SIDE + number * wide, count * high
        parts.append(
            f'<rect class="bar-of" x="{x + 1:.1f}" y="{floor - height:.1f}" '
            f'width="{wide - 2:.1f}" height="{height:.1f}"/>'
        )
        if count:
            parts.append(_text(x + wide / 2, floor - height - 4, str(count)))
    parts += [_text(SIDE + n * wide, floor + 13, edge) for n, edge in enumerate(edges)]
    parts.append(f'<path class="axis" d="M{SIDE} {floor}H{WIDTH - SIDE}"/>')
    parts.append(_text(WIDTH / 2, HEIGHT - 3, unit))
    return _figure(WIDTH, HEIGHT, said, parts)


def shares(parts_of: Sequence[tuple[int, str]]) -> Markup:
    """One bar that is divided, such as into those with all points, with some, and with none.

    Parameters
    ----------
    parts_of : sequence of (int, str)
        How many, and what they are; each has a colour of its own.
    """
    total, x, parts = sum(count for count, _ in parts_of) or 1, 0.0, []
    for number, (count, _) in enumerate(parts_of):
        width = STRIPE * count / total
        parts.append(f'<rect class="part-{number}" x="{x:.1f}" width="{width:.1f}" height="14"/>')
        x += width
    said = ", ".join(f"{count} {name}" for count, name in parts_of)
    return _figure(STRIPE, 14, said, parts)


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _figure(width: int, height: int, said: str, parts: list[str]) -> Markup:
    return Markup(
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(parts)}</svg>'
    )

"""The modules as a map: what each needs, and how long it takes, from their cards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from tito.course import Module
from tito.notebook.card import hours_of

NUMBERS = re.compile(r"\b(\d+)(?: to (\d+))?\b")
LINK_TARGET = re.compile(r"\]\([^)]*\)")
WIDTH, HEIGHT, ACROSS, DOWN = 132, 46, 148, 78  # of a box, and from one to the next


def needs(modules: Sequence[Module]) -> dict[int, set[int]]:
    """The modules that each needs, by their numbers, as their cards say.

    What stands after a semicolon in a card is for cells that only show something.
    """
    known = {module.number for module in modules}
    found = {}
    for module in modules:
        card = module.source.with_name("README.md")
        text = card.read_text(encoding="utf-8") if card.exists() else ""
        row = re.search(r"^\| *Prerequisites *\|([^|]*)", text, flags=re.M)
        said = LINK_TARGET.sub("]", row[1]).partition(";")[0] if row else ""
        numbers = {
            number
            for first, last in NUMBERS.findall(said)
            for number in range(int(first), int(last or first) + 1)
        }
        found[module.number] = {n for n in numbers & known if n < module.number}
    return found


def direct(wanted: dict[int, set[int]]) -> dict[int, set[int]]:
    """Only those that are not needed through another one already."""
    everything = {}
    for number in sorted(wanted):
        everything[number] = wanted[number].union(*(everything[n] for n in wanted[number]))
    return {
        number: {n for n in ns if not any(n in everything[other] for other in ns)}
        for number, ns in wanted.items()
    }


def layers(wanted: dict[int, set[int]]) -> list[list[int]]:
    """The modules in rows: each below all that it needs."""
    depth: dict[int, int] = {}
    for number in sorted(wanted):
        depth[number] = max((depth[n] + 1 for n in wanted[number]), default=0)
    return [[n for n in sorted(depth) if depth[n] == row] for row in range(max(depth.values()) + 1)]


def in_words(modules: Sequence[Module], wanted: dict[int, set[int]]) -> str:
    """What the map shows, for those who do not see it."""
    parts = []
    for module in modules:
        before = sorted(wanted[module.number])
        needed = f" needs {' and '.join(map(str, before))}" if before else " needs none"
        parts.append(f"{module.number} {module.name}{needed}")
    return f"Map of {len(modules)} modules, from top to bottom: {'; '.join(parts)}."


def module_map(modules: Sequence[Module]) -> str:
    """The map as SVG that takes the colours of its page; each box leads to its lesson."""
    wanted = direct(needs(modules))
    rows = layers(wanted)
    widest = max(map(len, rows))
    place = {
        number: ((widest - len(row)) * ACROSS / 2 + n * ACROSS + 2, y * DOWN + 2)
        for y, row in enumerate(rows)
        for n, number in enumerate(row)
    }
    lines = [
        _edge(place[before], place[number])
        for number in sorted(wanted)
        for before in sorted(wanted[number])
    ]
    boxes = [_box(module, *place[module.number]) for module in modules]
    width = (widest - 1) * ACROSS + WIDTH + 4
    height = (len(rows) - 1) * DOWN + HEIGHT + 4
    words = escape(in_words(modules, wanted))
    return (
        f'<svg class="module-map" role="group" aria-label="{words}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(lines)}{"".join(boxes)}</svg>'
    )


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y, to_x, to_y = start[0] + WIDTH / 2, start[1] + HEIGHT, end[0] + WIDTH / 2, end[1]
    bend = (to_y - y) / 2
    return (
        f'<path class="edge" d="M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} '
        f'{to_x:g} {to_y:g}"/>'
    )


def _box(module: Module, x: float, y: float) -> str:
    hours = hours_of(module)
    middle = x + WIDTH / 2
    time = f'<text x="{middle:g}" y="{y + 37:g}" class="hours">{hours.short()}</text>'
    return (
        f'<a href="lessons/{module.folder}.html"><rect x="{x:g}" y="{y:g}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="6"/><text x="{middle:g}" y="{y + 20 + 6 * (not hours):g}">'
        f"{module.number} {escape(module.name)}</text>{time if hours else ''}</a>"
    )

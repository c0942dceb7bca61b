"""The modules as a map: what each needs, and how long it takes, from their cards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from tito.course import Module
from tito.notebook.card import hours_of

NUMBERS = re.compile(r"\b(\d+)(?: to (\d+))?\b")
LINK_TARGET = re.compile(r"\]\([^)]*\)")
WIDTH, HEIGHT, ACROSS, DOWN = 102, 44, 122, 56  # of a box, and from one to the next


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


def columns(wanted: dict[int, set[int]]) -> list[list[int]]:
    """The modules in columns: each right of all that it needs, and near their height."""
    depth: dict[int, int] = {}
    for number in sorted(wanted):
        depth[number] = max((depth[n] + 1 for n in wanted[number]), default=0)
    found: list[list[int]] = []
    height: dict[int, float] = {}
    for column in range(max(depth.values()) + 1):
        inside = [n for n in sorted(depth) if depth[n] == column]
        mean = {n: sum(height[m] for m in wanted[n]) / max(len(wanted[n]), 1) for n in inside}
        found.append(sorted(inside, key=lambda n: (mean[n], n)))
        height |= {n: row - (len(inside) - 1) / 2 for row, n in enumerate(found[-1])}
    return found


def in_words(modules: Sequence[Module], wanted: dict[int, set[int]]) -> str:
    """What the map shows, for those who do not see it."""
    parts = []
    for module in modules:
        before = sorted(wanted[module.number])
        needed = f" needs {' and '.join(map(str, before))}" if before else " needs none"
        parts.append(f"{module.number} {module.name}{needed}")
    return f"Map of {len(modules)} modules, from left to right: {'; '.join(parts)}."


def module_map(modules: Sequence[Module]) -> str:
    """The map as SVG that takes the colours of its page; each box leads to its lesson."""
    wanted = direct(needs(modules))
    stacks = columns(wanted)
    tallest = max(map(len, stacks))
    place = {
        number: (x * ACROSS + 2, (tallest - len(stack)) * DOWN / 2 + n * DOWN + 2)
        for x, stack in enumerate(stacks)
        for n, number in enumerate(stack)
    }
    lines = [
        _edge(place[before], place[number])
        for number in sorted(wanted)
        for before in sorted(wanted[number])
    ]
    boxes = [_box(module, *place[module.number]) for module in modules]
    width = (len(stacks) - 1) * ACROSS + WIDTH + 4
    height = (tallest - 1) * DOWN + HEIGHT + 4
    words = escape(in_words(modules, wanted))
    return (
        f'<svg class="module-map" role="group" aria-label="{words}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(lines)}{"".join(boxes)}</svg>'
    )


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y, to_x, to_y = start[0] + WIDTH, start[1] + HEIGHT / 2, end[0], end[1] + HEIGHT / 2
    bend = (to_x - x) / 2
    return (
        f'<path class="edge" d="M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} '
        f'{to_x:g} {to_y:g}"/>'
    )


def _box(module: Module, x: float, y: float) -> str:
    hours, middle = hours_of(module), x + WIDTH / 2
    low = (
        f'<text x="{middle:g}" y="{y + 36:g}" class="hours">{hours.short()}</text>' if hours else ""
    )
    return (
        f'<a href="lessons/{module.folder}.html"><rect x="{x:g}" y="{y:g}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="6"/><text x="{middle:g}" y="{y + (19 if hours else 27):g}">'
        f"{module.number} {escape(module.name)}</text>{low}</a>"
    )

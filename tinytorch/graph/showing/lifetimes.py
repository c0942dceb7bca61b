"""`draw_lifetimes`: which value of a program is in which buffer, from which step to which."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from tinytorch.graph.showing.picture import Picture
from tinytorch.graph.showing.svg import LETTER, LINE, STYLE, THEMES, wrapped

ROW, BAR, TOP = 24.0, 18.0, 34.0
WIDEST, NARROWEST, LONGEST = 46.0, 3.0, 780.0  # of a step, and of all steps together
MOST_ROWS, MOST_STEPS = 40, 1000
TOLD = 8  # buffers, and values of each, that are told in words


@dataclass
class Bar:
    """A value in a buffer: from the step that makes it to the last one that needs it."""

    name: str
    shape: str
    begin: int
    end: int


def draw_lifetimes(program, last: dict[int, int], names: dict[int, str], kinds: dict) -> Picture:
    """A chart of lifetimes, with a row for each buffer and a bar for each value in it.

    Parameters
    ----------
    program : Program
        Of module 16.
    last : dict of int
        For each group of values, the place of the last step that has to do with it: `lifetimes`.
    names, kinds : dict
        The buffer of each value that has one, and the kind of each buffer: `share_buffers`.

    Returns
    -------
    Picture
        A notebook shows it; ``.svg`` is the image, ``.alt`` the text, and ``.save("lives.svg")``
        writes a file. It shows the first 40 buffers and the first 1,000 steps.
    """
    rows: dict[str, list[Bar]] = {name: [] for name in kinds}
    for place, step in enumerate(program.steps):
        if step.out in names:
            end = max(last.get(program.groups[step.out], place), place)
            name, shape = program.names.get(step.out, f"v{step.out}"), str(program.kinds[step.out])
            rows[names[step.out]].append(Bar(name, shape, place + 1, end + 1))
    return Chart(rows, len(program.steps)).picture()


class Chart:
    """Rows of bars above an axis of steps.

    Parameters
    ----------
    rows : dict
        The bars of each buffer, in their order.
    steps : int
        How many steps there are.
    """

    def __init__(self, rows: dict[str, list[Bar]], steps: int):
        self.all, self.steps = rows, steps
        self.rows = dict(list(rows.items())[:MOST_ROWS])
        self.shown = min(steps, MOST_STEPS)
        self.step = min(WIDEST, max(NARROWEST, LONGEST / max(self.shown, 1)))
        titles = [len(title(name, bars)) for name, bars in self.rows.items()]
        self.left = max([*titles, 8]) * LETTER + 24
        self.width = max(self.left + self.step * self.shown + 20, 420)
        self.axis = TOP + ROW * len(self.rows)
        self.notes = [line for note in self.remarks() for line in wrapped(note, self.width)]
        self.height = self.axis + 40 + LINE * len(self.notes)

    def picture(self) -> Picture:
        """The chart with a text that stands for it."""
        alt = self.words()
        body = self.ground() + self.grid() + "".join(map(self.row, range(len(self.rows))))
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" '
            f'height="{self.height:.0f}" viewBox="0 0 {self.width:.1f} {self.height:.1f}" '
            f'role="img"><title>{escape(alt)}</title><style>{THEMES}{STYLE}</style>'
            f"{body}{self.footer()}</svg>",
            alt,
        )

    def x(self, step: float) -> float:
        """Where a step is."""
        return self.left + self.step * (step - 0.5)

    def ground(self) -> str:
        """The ground, and what the rows are."""
        return (
            f'<rect class="ground" x=".5" y=".5" rx="8" width="{self.width - 1:.1f}" '
            f'height="{self.height - 1:.1f}"/>'
            f'<text class="quiet" x="12" y="22">buffer</text>'
            f'<text class="quiet" x="{self.left:.1f}" y="22">the values in it, one after the other'
            "</text>"
        )

    def grid(self) -> str:
        """The axis of steps."""
        end = self.left + self.step * self.shown
        parts = [f'<path class="edge" d="M{self.left:.1f},{self.axis:.1f}H{end:.1f}"/>']
        for step in ticks(self.shown):
            x = self.x(step)
            parts.append(f'<path class="edge" d="M{x:.1f},{self.axis:.1f}v5"/>')
            parts.append(text_at(x, self.axis + 18, str(step), "quiet", "middle"))
        parts.append(text_at(12, self.axis + 18, "step", "quiet"))
        return "".join(parts)

    def row(self, number: int) -> str:
        """A buffer with its values."""
        name, bars = list(self.rows.items())[number]
        y = TOP + ROW * number
        parts = [text_at(12, y + 15, title(name, bars))]
        for bar in bars:
            if bar.begin <= self.shown:
                parts.append(self.bar(bar, y))
        return "".join(parts)

    def bar(self, bar: Bar, y: float) -> str:
        """A value, with its name where there is room for it."""
        begin = self.x(bar.begin)
        width = max(self.x(min(bar.end, self.shown)) - begin, min(self.step / 2, 6.0))
        fits = len(bar.name) * LETTER + 6 <= width
        label = text_at(begin + width / 2, y + 15, bar.name, "", "middle") if fits else ""
        told = escape(f"{bar.name} {bar.shape}, {span(bar)}")
        return (
            f'<g class="leaf"><title>{told}</title><rect class="box" x="{begin:.1f}" '
            f'y="{y + 2:.1f}" rx="3" width="{width:.1f}" height="{BAR}"/>{label}</g>'
        )

    def remarks(self) -> list[str]:
        """What has to be said below the chart."""
        many = sum(map(len, self.all.values()))
        found = [f"{many} values take turns in {len(self.all)} buffers."]
        if self.shown < self.steps:
            found.append(f"Shown are the first {self.shown:,} of {self.steps:,} steps.")
        if len(self.rows) < len(self.all):
            found.append(f"Shown are the first {len(self.rows)} of {len(self.all)} buffers.")
        return found

    def footer(self) -> str:
        """The remarks."""
        y = self.axis + 40
        lines = [text_at(12, y + LINE * i, line, "quiet") for i, line in enumerate(self.notes)]
        return "".join(lines)

    def words(self) -> str:
        """The chart in words."""
        many = sum(map(len, self.all.values()))
        found = [f"Lifetimes of {many} values in {len(self.all)} buffers, over {self.steps} steps."]
        for name, bars in list(self.all.items())[:TOLD]:
            lives = [f"{bar.name} {span(bar)}" for bar in bars[:TOLD]]
            lives += [f"and {len(bars) - TOLD} more"] * (len(bars) > TOLD)
            found.append(f"{title(name, bars)}: {', '.join(lives)}.")
        if len(self.all) > TOLD:
            found.append(f"And {len(self.all) - TOLD} more buffers.")
        return " ".join(found)


def title(name: str, bars: list[Bar]) -> str:
    """A buffer with its shape."""
    return f"{name} {bars[0].shape}" if bars else name


def span(bar: Bar) -> str:
    """From when to when a value lives, in words."""
    if bar.begin == bar.end:
        return f"in step {bar.begin}"
    return f"from step {bar.begin} to {bar.end}"


def ticks(most: int) -> list[int]:
    """About ten round numbers from 1 on."""
    apart = next(n for n in (1, 2, 5, 10, 20, 50, 100, 200) if most / n <= 12 or n == 200)
    return [n for n in range(1, most + 1) if n == 1 or n % apart == 0]


def text_at(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """A text somewhere."""
    style = f' class="{kind}"' * bool(kind)
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

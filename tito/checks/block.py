"""The short block in which a check answers: as plain text, and as HTML for a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

LABEL = 10  # characters
WIDE = 200  # characters of a line


@dataclass(frozen=True)
class Block:
    """What is said about one check or one exercise.

    Attributes
    ----------
    mark : str
        ``"✗"``, ``"·"`` or ``"✓"``: the sign, so that nothing depends on colour.
    title : str
        What it is about, and how it stands.
    rows : tuple of (str, str)
        What each line tells, and the line; it may have several.
    hints : tuple of str
        From the gentlest to the plainest.
    """

    mark: str
    title: str
    rows: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()

    def titled(self, title: str) -> Block:
        """The same with another title."""
        return replace(self, title=title)

    def lines(self) -> list[str]:
        """All of it as text, the hints as well."""
        return [f"{self.mark} {self.title}", *_rows(self.rows), *_rows(self.numbered_hints())]

    def numbered_hints(self) -> list[tuple[str, str]]:
        """The hints with what stands before them."""
        if len(self.hints) == 1:
            return [("hint", self.hints[0])]
        return [(f"hint {n}", hint) for n, hint in enumerate(self.hints, 1)]

    def html(self) -> str:
        """All of it as HTML without colours of its own; each hint is folded."""
        rows = "".join(
            f'<tr style="background:none"><th scope="row" style="{CELL}font-weight:normal">'
            f"{escape(label)}</th>"
            f'<td style="{CELL}"><pre style="{PLAIN}">{escape(text)}</pre></td></tr>'
            for label, text in self.rows
        )
        table = f'<table style="margin:0.3em 0"><tbody>{rows}</tbody></table>' if rows else ""
        folds = "".join(
            f'<details><summary style="cursor:pointer">{label.capitalize()}</summary>'
            f'<div style="margin:0.2em 0 0.4em 1.2em">{_marked_up(hint)}</div></details>'
            for label, hint in self.numbered_hints()
        )
        title = f"<div><strong>{self.mark} {escape(self.title)}</strong></div>"
        return f'<div style="{FRAME}">{title}{table}{folds}</div>'


PLAIN = "margin:0;padding:0;background:none;color:inherit;white-space:pre-wrap;text-align:left"
CELL = "text-align:left;vertical-align:top;padding:0.1em 1em 0.1em 0;"
FRAME = "border-left:4px solid currentColor;padding:0.2em 0 0.2em 0.8em;margin:0.3em 0"


def hints_of(hint: str | Sequence[str]) -> tuple[str, ...]:
    """Hints, given as one or several; empty ones are none."""
    several = (hint,) if isinstance(hint, str) else tuple(hint)
    return tuple(" ".join(str(one).split()) for one in several if str(one).strip())


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = []
    for label, text in rows:
        for n, line in enumerate(text.split("\n")):
            cut = line if len(line) <= WIDE else line[: WIDE - 1] + "…"
            lines.append(f"  {'' if n else label:{LABEL}}{cut}".rstrip())
    return lines


def _marked_up(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))

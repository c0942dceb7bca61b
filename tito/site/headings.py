"""One title a page: all other headings are below it."""

from __future__ import annotations

import re

FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
HEADING = re.compile(r"^(#{1,5})(?= )")


def demoted(text: str, seen: bool) -> tuple[str, bool]:
    """Markdown with its headings a level down, and whether a title has been seen.

    Parameters
    ----------
    text : str
        Markdown; what is between fences is left as it is.
    seen : bool
        Whether there was a title before; if not, the first one is left as it is.
    """
    lines, fence = [], ""
    for line in text.split("\n"):
        found = FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence) and line.strip() == found[1]:
            fence = ""
        elif not fence and HEADING.match(line):
            line, seen = (f"#{line}", True) if seen else (line, True)
        lines.append(line)
    return "\n".join(lines), seen

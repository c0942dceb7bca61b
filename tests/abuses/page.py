"""docs/abuses.md: what each attack came to, with nbgrader as it comes and with ours.

python tests/abuses/page.py     # after a change of the attacks: write the page again
python tests/abuses/plain.py    # measure plain nbgrader again (Linux, as root), and write it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from abuses.attacks import ATTACKS  # noqa: E402

PAGE = ROOT / "docs" / "abuses.md"
PLAIN = Path(__file__).with_name("plain.json")
BEGIN, END = "<!-- made by tests/abuses/page.py: -->", "<!-- end -->"
HEADS = (
    "a submission tries to",
    "plain nbgrader",
    "its points",
    "others graded",
    "`tito grade`",
    "its points",
    "others graded",
)


def page() -> str:
    """The page with the table of today."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{_table()}\n\n{END}{rest.partition(END)[2]}"


def _table() -> str:
    plain = json.loads(PLAIN.read_text(encoding="utf-8"))
    lines = [HEADS, ["---"] * len(HEADS), *(_line(name, plain[name]) for name in ATTACKS)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\nPlain: {plain['versions']}."


def _line(name: str, plain: dict) -> tuple[str, ...]:
    ours = ATTACKS[name]
    theirs = (_harm(plain), _points(plain["points"]), plain["others"])
    return (name, *theirs, ours.ours, _points(ours.points), "yes")


def _harm(plain: dict) -> str:
    """What happened, in bold where it worked."""
    return f"**{plain['outcome']}**" if plain["worked"] else plain["outcome"]


def _points(points: float | None) -> str:
    return "no mark" if points is None else f"{points:g} of 7"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

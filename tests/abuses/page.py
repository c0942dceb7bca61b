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
from abuses.channels import CHANNELS, ON_OTHERS, UNSTEADY  # noqa: E402

PAGE = ROOT / "docs" / "abuses.md"
PLAIN = Path(__file__).with_name("plain.json")
BEGIN, END = "<!-- made by tests/abuses/page.py: -->", "<!-- end -->"
CHANNELS_BEGIN = "<!-- of two submissions, made by tests/abuses/page.py: -->"
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
    """The page with the tables of today."""
    text = _with(PAGE.read_text(encoding="utf-8"), BEGIN, _table())
    return _with(text, CHANNELS_BEGIN, _table_of_channels())


def _with(text: str, begin: str, table: str) -> str:
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def _table() -> str:
    plain = json.loads(PLAIN.read_text(encoding="utf-8"))
    lines = [HEADS, ["---"] * len(HEADS), *(_line(name, plain[name]) for name in ATTACKS)]
    return f"{_lines(lines)}\n\nPlain: {plain['versions']}."


def _table_of_channels() -> str:
    """What `tests/tools/test_channels.py` holds of each way, in each sandbox."""
    open_ways = dict.fromkeys(CHANNELS, "**something arrives**")
    open_ways |= dict.fromkeys(UNSTEADY, "that of the machine is seen (not tested)")
    passes = [(name, found, *["nothing arrives"] * 2) for name, found in open_ways.items()]
    changes = [(name, "**is changed**", *["stays as it is"] * 2) for name in ON_OTHERS]
    heads = ("no sandbox", "bubblewrap", "Landlock")
    rule = ("---",) * 4
    return "\n\n".join(
        [
            _lines([("one passes something on through", *heads), rule, *passes]),
            _lines([("one changes, of the account that grades,", *heads), rule, *changes]),
        ]
    )


def _lines(rows) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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

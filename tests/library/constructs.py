"""docs/compiled-steps.md: what a compiled step may hold, and what comes of it.

python tests/library/constructs.py     # after a change of the constructs: write the page again
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import test_calls_again  # noqa: E402
import test_compiler  # noqa: E402
import test_nothing_is_frozen  # noqa: E402
import test_same_kinds  # noqa: E402

from tinytorch.core.compiler import CannotTrace, compile  # noqa: E402

PAGE = ROOT / "docs" / "compiled-steps.md"
END = "<!-- end -->"
WHERE = re.compile(r"^(?:line \d+ of .*? \([^)]*\)|in the step): ")


def page() -> str:
    """The page with the tables of today."""
    text = PAGE.read_text(encoding="utf-8")
    for what, table in (("right", right()), ("seen", seen()), ("refused", refused())):
        begin = f"<!-- {what}, made by tests/library/constructs.py: -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{table}\n\n{END}{rest.partition(END)[2]}"
    return text


def right() -> str:
    """The constructs that have the bits of the plain step; this is tried first."""
    rows = []
    for module, name, calls in (
        (test_compiler, "RIGHT", pairs_of_arrays()),
        (test_same_kinds, "STAYING", [(x,) for x in test_same_kinds.CALLS]),
    ):
        code = examples(module, name)
        for title, step in getattr(module, name).items():
            for backend in test_calls_again.BACKENDS:
                has_the_bits(step, calls, backend)
            rows.append((title, code[title]))
    return in_rows(("a step holds", "for example"), rows)


def has_the_bits(step: Callable, calls: list[tuple], backend: str) -> None:
    """Refuse to write that a step is right if it is not."""
    compiled = compile(step, backend=backend)
    for call in calls:
        with np.errstate(all="ignore"):
            expected = step(*[x.copy() for x in call])
        test_compiler.assert_same_bits(compiled(*[x.copy() for x in call]), expected)


def pairs_of_arrays() -> list[tuple]:
    """What the constructs are given in four calls."""
    rng = np.random.default_rng(7)
    return [(rng.normal(size=(3, 4)), rng.normal(size=(3, 4))) for _ in range(4)]


def seen() -> str:
    """What may change between calls, as tests change it."""
    changes = "; ".join(test_calls_again.CHANGES)
    places = "; ".join(test_nothing_is_frozen.FACTORS)
    return f"- Of what a step refers to: {changes}.\n- A number that is kept in one of these: {places}."


def refused() -> str:
    """The constructs that are refused, each with what is said."""
    rows = []
    x = np.random.default_rng(0).normal(size=(3, 4))
    code = examples(test_compiler, "REFUSED")
    for title, (step, _) in test_compiler.REFUSED.items():
        rows.append((title, code[title], said(step, [x, x + 1])))
    code = examples(test_same_kinds, "CHANGING")
    for title, step in test_same_kinds.CHANGING.items():
        rows.append((title, code[title], said(step, test_same_kinds.CALLS)))
    for title, make in test_nothing_is_frozen.OTHER_ARRAYS.items():
        rows.append((f"an array of another class: {title}", "", said(lambda x: x * x, [make()])))
    return in_rows(("a step holds", "for example", "what is said"), rows)


def said(step: Callable, calls: list) -> str:
    """What is said when a compiled step is refused, at the first call at which it is."""
    compiled = compile(step, backend="lines")
    for x in calls:
        try:
            with np.errstate(all="ignore"):
                compiled(x)
        except CannotTrace as error:
            return re.sub(r"<\w+ (object) at 0x\w+>", r"an \1", WHERE.sub("", str(error)))
    raise AssertionError("it is not refused")


def examples(module, name: str) -> dict[str, str]:
    """The code of the constructs in a dictionary of a module: of those that are one expression."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    found = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )
    values = [node.elts[0] if isinstance(node, ast.Tuple) else node for node in found.values]
    texts = [ast.unparse(node.body) if isinstance(node, ast.Lambda) else "" for node in values]
    return {key.value: text for key, text in zip(found.keys, texts, strict=True)}


def in_rows(heads: tuple, rows: list[tuple]) -> str:
    """A table in Markdown; the second column is code."""
    lines = [heads, ["---"] * len(heads)]
    for title, code, *rest in rows:
        lines.append([title, f"`{code}`" if code else "", *rest])
    return "\n".join(
        "| " + " | ".join(x.replace("|", "\\|") for x in line) + " |" for line in lines
    )


if __name__ == "__main__":
    made = page()
    temporary = PAGE.with_suffix(".new")
    temporary.write_text(made, encoding="utf-8")
    temporary.replace(PAGE)

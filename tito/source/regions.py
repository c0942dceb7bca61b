"""The regions of a source that students do not get: solutions and hidden tests."""

from __future__ import annotations

import re

from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION

BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def blank(source: str) -> str:
    """The text of an exercise as nbgrader releases it: without its solution."""
    return re.sub(
        rf"^([ \t]*)[^\n]*{BEGIN_SOLUTION}.*?{END_SOLUTION}[^\n]*$",
        r"\1# YOUR CODE HERE\n\1raise NotImplementedError()",
        source,
        flags=re.M | re.S,
    )


def without_hidden_tests(source: str) -> str:
    """The text of a checks cell as a student sees it."""
    return re.sub(
        rf"^[^\n]*{BEGIN_HIDDEN}.*?{END_HIDDEN}[^\n]*(\n|\Z)", "", source, flags=re.M | re.S
    ).rstrip("\n")


def hidden_tests(source: str) -> str:
    """The hidden regions of a checks cell, joined."""
    return "\n".join(re.findall(rf"{BEGIN_HIDDEN}[^\n]*\n(.*?){END_HIDDEN}", source, flags=re.S))

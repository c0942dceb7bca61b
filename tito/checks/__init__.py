"""The visible checks of a notebook: what lessons import, and how a cell's errors are shown."""

from tito.checks.assertions import CheckFailed, check, check_raises
from tito.checks.calls import plain
from tito.checks.errors_in_cells import answer_in_blocks

__all__ = ["CheckFailed", "check", "check_raises", "plain"]

answer_in_blocks()

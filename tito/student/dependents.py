"""Which cells of a notebook use what others give them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tito.notebook.names import names_of
from tito.syntax import parse


def given_and_taken(source: str) -> tuple[set[str], set[str]] | None:
    """What a cell gives to others and what it takes.

    Parameters
    ----------
    source : str
        The text of a code cell.

    Returns
    -------
    tuple of (set of str, set of str), or None
        The names that it defines or may change, and those that it reads; None if it is no Python.
    """
    names = names_of(source)
    if names is None:
        return None
    changed = set().union(*(_changed_by(node) for node in parse(source).body))
    return changed | names.defines, set(names.reads | names.reads_later)


def _changed_by(statement: ast.stmt) -> set[str]:
    """Names whose objects a statement at the top of a cell may change in place."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Name) and call.func.id in HARMLESS:
            return set()
        return {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return set()


HARMLESS = ("check", "check_raises", "print", "display")


def users_of(dirty: set[str], names: Sequence[tuple[set[str], set[str]]]) -> set[int]:
    """The cells that use a name, or one that depends on it.

    Parameters
    ----------
    dirty : set of str
        The names.
    names : sequence
        What each cell gives and takes.

    Returns
    -------
    set of int
        Their places.
    """
    while True:
        more = {name for given, taken in names if taken & dirty for name in given}
        if more <= dirty:
            return {n for n, (_, taken) in enumerate(names) if taken & dirty}
        dirty = dirty | more

"""Rerunning the checks that a saved change touches, in a kernel that stays."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator

from tito.course import Module
from tito.errors import TitoError
from tito.notebook.names import names_of
from tito.student.desk import digest, on_desk
from tito.student.running import Checked, Desk, keep_results
from tito.syntax import parse

PAUSE = 0.3  # seconds between two looks at the file


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


def touched(before: list[str], after: list[str]) -> list[int] | None:
    """The cells to run again after a change.

    Parameters
    ----------
    before, after : list of str
        The texts of the code cells, in order.

    Returns
    -------
    list of int or None
        Their places in `after`: the new and changed ones, and the later ones that use a name which
        one of these gives, or which depends on such a name. None if all have to be run in a fresh
        kernel, since cells are gone or moved.
    """
    if len(before) != len(after):
        return None
    changed = {n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]}
    if not changed:
        return []
    if any(after[n] in before or before[n] in after for n in changed):
        return None
    names = [given_and_taken(source) for source in after]
    old = [given_and_taken(before[n]) for n in changed]
    if None in names or None in old:
        return list(range(min(changed), len(after)))
    dirty = set().union(*(names[n][0] for n in changed), *(given for given, _ in old))
    while True:
        more = {name for given, taken in names if taken & dirty for name in given}
        if more <= dirty:
            break
        dirty |= more
    first = min(changed)
    return [n for n in range(first, len(after)) if n in changed or names[n][1] & dirty]


def watch(module: Module, on_results: Callable[[list[Checked]], None]) -> None:
    """Run the checks, and after each change that is saved those which it touches, until Ctrl-C.

    Parameters
    ----------
    module : Module
        Which module; it must have been started.
    on_results : callable
        Called with the results of all checks after each run, in the notebook's order.

    Raises
    ------
    UsageError
        If the module has not been started.
    """
    on_desk(module)
    try:
        while True:
            _in_one_kernel(module, on_results)
    except KeyboardInterrupt:
        return


def _in_one_kernel(module: Module, on_results: Callable[[list[Checked]], None]) -> None:
    """Watch until a change, or a dead kernel, makes a fresh kernel necessary."""
    results: dict[int, Checked] = {}
    desk = Desk(module)
    with desk.kernel():
        todo, seen = desk.todo(), digest(module)
        while True:
            for number in todo:
                if result := desk.run(number):
                    results[number] = result
            found = [results[n] for n in sorted(results)]
            if digest(module) == seen:
                keep_results(module, found)
            on_results(found)
            if desk.dead:
                next(_saved(module, seen))
                return
            for saved in _saved(module, seen):
                seen, todo = saved, _take_over(desk, Desk(module).nb)
                if todo is None:
                    return
                if todo:
                    break


def _saved(module: Module, seen: str) -> Iterator[str]:
    """The checksum of the notebook, each time that it is saved with another content."""
    while True:
        time.sleep(PAUSE)
        try:
            now = digest(module)
            if now != seen:
                Desk(module)  # it may be half written
                yield (seen := now)
        except (OSError, ValueError, TitoError):
            continue


def _take_over(desk: Desk, nb) -> list[int] | None:
    """Put changed texts into the notebook that is running; the places of what is to be run now."""
    code = [[n for n, c in enumerate(b.cells) if c.cell_type == "code"] for b in (desk.nb, nb)]
    if code[0] != code[1]:
        return None
    before, after = ([b.cells[n].source for n in code[0]] for b in (desk.nb, nb))
    places = touched(before, after)
    if places is None:
        return None
    for number in code[0]:
        desk.nb.cells[number].source = nb.cells[number].source
        desk.nb.cells[number].metadata = nb.cells[number].metadata
    changed = {code[0][n] for n in places}
    todo = desk.todo(changed)
    if not changed.issuperset(todo):  # a demo that is needed now comes before what ran already
        return None
    return todo

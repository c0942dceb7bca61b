"""Rerunning the checks that a saved change touches, in a kernel that stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tito.course import Module
from tito.errors import TitoError
from tito.student.dependents import given_and_taken, users_of
from tito.student.desk import digest, on_desk
from tito.student.running import Checked, Desk, keep_results

PAUSE = 0.3  # seconds between two looks at the file


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
    users = users_of(dirty, names)
    return [n for n in range(min(changed), len(after)) if n in changed or n in users]


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
    desk.forget_endless_cells()
    changed = {code[0][n] for n in places}
    todo = desk.todo(changed)
    if not changed.issuperset(todo):  # a demo that is needed now comes before what ran already
        return None
    return todo

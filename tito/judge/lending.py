"""What a student's solution of one exercise uses of the student's other cells.

Honest solutions lean on each other: a helper stands in the cell of another exercise, an import was
added to a cell that was given, a layer is written with a function of the student's own that the
reference does without. A graft takes these along, so that none of this costs points.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tito.judge.pack import Pack
from tito.notebook.export import CodeCell
from tito.syntax import parse


def lent_exercises(
    pack: Pack, cells: list[CodeCell], theirs: list[CodeCell], present: Iterable[str]
) -> dict[str, CodeCell]:
    """The student's other exercises that their solution of one uses.

    Parameters
    ----------
    pack : Pack
        The module.
    cells : list of CodeCell
        All cells of the student's.
    theirs : list of CodeCell
        Those of them that are under test.
    present : iterable of str
        The exercises that are there already, from the reference, and the one under test.

    Returns
    -------
    dict
        The student's cells, by the names of their exercises.
    """
    kept = set(present)
    lenders = {c.name: c for c in cells if c.exercise and not c.error and c.name not in kept}
    lent: dict[str, CodeCell] = {}
    used = used_names(theirs)
    while True:
        found = {
            name: cell
            for name, cell in lenders.items()
            if name not in lent and not pack.is_blank(cell) and defined_names(cell) & used
        }
        if not found:
            return lent
        lent |= found
        used |= used_names(found.values())


def lent_statements(
    cells: list[CodeCell], theirs: list[CodeCell], known: set[str]
) -> list[CodeCell]:
    """What a student's solution uses of what they added to some cells.

    Parameters
    ----------
    cells : list of CodeCell
        Cells that have a counterpart in the reference, which takes their place.
    theirs : list of CodeCell
        The cells under test.
    known : set of str
        The names that the reference defines; nothing of these is lent.

    Returns
    -------
    list of CodeCell
        A cell for each statement: an import, a definition, or an assignment to a name.
    """
    added = [(cell, node) for cell in cells for node in _added(cell, known)]
    used, lent = used_names(theirs), set()
    while True:
        found = [n for n, (_, node) in enumerate(added) if n not in lent and _bound(node) & used]
        if not found:
            return [CodeCell(added[n][0].name, _text(added[n][1])) for n in sorted(lent)]
        lent |= set(found)
        used |= {name for n in found for name in _used(added[n][1])}


def reference_names(pack: Pack) -> set[str]:
    """The names that the reference's cells define."""
    return {n for cell in pack.reference for node in _tree(cell.source).body for n in _bound(node)}


def used_names(cells: Iterable[CodeCell]) -> set[str]:
    """The names and attributes that some cells read."""
    return {name for cell in cells for name in _used(_tree(cell.source))}


def defined_names(cell: CodeCell) -> set[str]:
    """The names that a cell defines, and the methods of its classes."""
    body = _tree(cell.source).body
    inside = [node for cls in body if isinstance(cls, ast.ClassDef) for node in cls.body]
    return {name for node in [*body, *inside] for name in _bound(node)}


@lru_cache(maxsize=256)
def _tree(source: str) -> ast.Module:
    return parse(source)


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _added(cell: CodeCell, known: set[str]) -> Iterator[ast.stmt]:
    """The statements of a cell that define what the reference does not."""
    for node in _tree(cell.source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _added_imports(node, known)
        elif _bound(node) and not _bound(node) & known:
            yield node


def _added_imports(node: ast.Import | ast.ImportFrom, known: set[str]) -> Iterator[ast.stmt]:
    names = [alias for alias in node.names if _name(alias) not in known]
    if not names or getattr(node, "module", "") == "__future__":
        return
    if isinstance(node, ast.Import):
        yield ast.Import(names)
    else:
        yield ast.ImportFrom(node.module, names, node.level)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {_name(alias) for alias in node.names}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        inside = (n for target in targets for n in ast.walk(target))
        return {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return set()


def _text(node: ast.stmt) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:  # expressions in expressions, hundreds deep
        return ""


def _name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]

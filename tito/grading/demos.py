"""Demos: cells that the release gives to everybody and that only show something.

Where a student has not changed one, and nothing that is run needs what it defines, running it again
for grading would only repeat, on a busy machine, a measurement or a figure that they have seen.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tito.grading.pack import Pack
from tito.syntax import parse, scopes

SAID = "This cell was not run for grading: it is as it was given, and only shows something.\n"
COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
UNSURE = (  # what is defined in these may not be defined after them
    *(ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.ClassDef, ast.BoolOp, ast.IfExp),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True)
class Names:
    """What a cell has to do with the names of the other cells.

    Attributes
    ----------
    reads : frozenset of str
        Those it reads when it is run.
    reads_later : frozenset of str
        Those its functions read, whenever they are called.
    defines : frozenset of str
        Those it may give a value.
    """

    reads: frozenset[str]
    reads_later: frozenset[str]
    defines: frozenset[str]


def left_out(pack: Pack, sources: Sequence[str]) -> set[int]:
    """The places of the cells that need not be run.

    Parameters
    ----------
    pack : Pack
        The module.
    sources : sequence of str
        The texts of a submission's cells; empty for what is no code.

    Returns
    -------
    set of int
        Of demos as they were given, of which no other cell that is run needs anything.
    """
    names = [names_of(source) for source in sources]
    out = {n for n, source in enumerate(sources) if source and pack.is_demo(source)}
    while needed := {n for n in out if _is_needed(n, names, out)}:
        out -= needed
    return out


def _is_needed(demo: int, names: list[Names], out: set[int]) -> bool:
    """Whether cells that are run read what a demo defines, and have it from no other cell."""
    run = [n for n in range(len(names)) if n not in out]
    before = [names[n] for n in run if n < demo]
    lacking = names[demo].defines.difference(*(cell.defines for cell in before))
    if any(cell.reads_later & lacking for cell in before):
        return True
    latest = set(names[demo].defines)
    for number in range(demo + 1, len(names)):
        cell = names[number]
        if number not in out and latest & (cell.reads | cell.reads_later - cell.defines):
            return True
        latest -= cell.defines
    return False


@lru_cache(maxsize=4096)
def names_of(source: str) -> Names:
    """The names that a cell reads and defines.

    Parameters
    ----------
    source : str
        Its text. What only a notebook understands (``%timeit f(x)``) reads every word in it.
    """
    reader = Reader()
    try:
        tree, top = parse(source), scopes(source)
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names(frozenset(re.findall(r"[^\W\d]\w*", source)), frozenset(), frozenset())
    symbols = top.get_symbols()
    defines = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    defines |= {s.get_name() for scope in _functions(top) for s in scope.get_symbols()
                if s.is_declared_global()}  # fmt: skip
    return Names(frozenset(reader.reads), frozenset(_read_later(top)), frozenset(defines))


def _functions(scope: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The functions in a scope, at any depth; a comprehension is none, it is run at once."""
    for inner in scope.get_children():
        if inner.get_type() != "class" and inner.get_name() not in COMPREHENSIONS:
            yield inner
        yield from _functions(inner)


def _read_later(top: symtable.SymbolTable) -> set[str]:
    """What functions read of the notebook's names."""
    found: set[str] = set()
    for function in _functions(top):
        scopes_in_it = [function]
        for scope in scopes_in_it:
            scopes_in_it += scope.get_children()
            found |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
    return found


class Reader(ast.NodeVisitor):
    """Goes through a cell in the order in which it is run, but not into its functions.

    What a branch or a loop defines counts as perhaps not defined, so that too many names are read
    rather than too few.

    Attributes
    ----------
    reads : set of str
        The names that are read before the cell has defined them.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self._defined: set[str] = set()

    def visit(self, node: ast.AST) -> None:
        """Visit a node, and forget what it defined if it may not have."""
        before = set(self._defined)
        super().visit(node)
        if isinstance(node, UNSURE):
            self._defined = before
        if isinstance(node, ast.ClassDef):
            self._defined.add(node.name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._defined.add(node.id)
        elif node.id not in self._defined:
            self.reads.add(node.id)

    def visit_alias(self, node: ast.alias) -> None:
        self._defined.add(node.asname or node.name.partition(".")[0])

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all(node.annotation, node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        names = {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        self.reads |= names - self._defined
        self._visit_all(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self._visit_all(node.iter, node.target, *node.body, *node.orelse)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._visit_all(node.type)
        self._defined.add(node.name or "")
        self._visit_all(*node.body)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_comprehension(node, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_comprehension(node, node.key, node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        annotations = [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg)]
        self._visit_all(*_defaults(node), *annotations, node.returns, *node.decorator_list)
        self._defined.add(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(*_defaults(node))

    def _visit_comprehension(self, node, *results: ast.AST) -> None:
        for part in node.generators:
            self._visit_all(part.iter, part.target, *part.ifs)
        self._visit_all(*results)

    def _visit_all(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)


def _defaults(node: ast.FunctionDef | ast.Lambda) -> list[ast.AST | None]:
    return [*node.args.defaults, *node.args.kw_defaults]

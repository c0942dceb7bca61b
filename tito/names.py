"""Which names a cell of a notebook reads, and which it gives a value."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tito.syntax import parse, scopes

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


@lru_cache(maxsize=4096)
def names_of(source: str) -> Names | None:
    """The names that a cell reads and defines; None if it is no Python (``%timeit f(x)``)."""
    reader = Reader()
    try:
        tree, top = parse(source), scopes(source)
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
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

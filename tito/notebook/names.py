"""Which names a cell of a notebook reads, and which it gives a value."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tito.syntax import parse, scopes

COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
UNSURE = (  # what is defined in these may not be defined after them
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match),
    *(ast.With, ast.AsyncWith),  # what a context suppresses is not done to its end
    *(ast.ClassDef, ast.BoolOp, ast.IfExp),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
TEXT_IS_RUN = re.compile(  # where these are given something, names may stand in strings
    r"(?<!def )\b(timeit|Timer|eval(?!\(\))|exec|query|run_line_magic|run_cell|get_ipython|globals"
    r"|locals|vars|dir)\b"
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
    surely : frozenset of str
        Those of them that it gives one if it is run to its end.
    """

    reads: frozenset[str]
    reads_later: frozenset[str]
    defines: frozenset[str]
    surely: frozenset[str]


@lru_cache(maxsize=4096)
def names_of(source: str) -> Names | None:
    """The names that a cell reads and defines; None if it is no Python (``%timeit f(x)``)."""
    reader = Reader()
    try:
        tree, top = parse(source), scopes(source)
        reader.visit(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    defines = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    later: set[str] = set()
    for scope in _in_functions(top):
        later |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
        defines |= {s.get_name() for s in scope.get_symbols() if s.is_declared_global()}
    if TEXT_IS_RUN.search(source):
        reader.reads |= {word for word in words(source) if word[0] != "_"}
    return Names(
        frozenset(reader.reads), frozenset(later), frozenset(defines), frozenset(reader.defined)
    )


def words(source: str) -> frozenset[str]:
    """Everything in a text that might be a name."""
    return frozenset(re.findall(r"[^\W\d]\w*", source))


def _in_functions(top: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """All scopes in functions, and these; a comprehension is no function, it is run at once."""
    todo = [(scope, False) for scope in top.get_children()]
    while todo:
        scope, is_inside = todo.pop()
        is_function = scope.get_type() != "class" and scope.get_name() not in COMPREHENSIONS
        if is_inside or is_function:
            yield scope
        todo += [(inner, is_inside or is_function) for inner in scope.get_children()]


class Reader(ast.NodeVisitor):
    """Goes through a cell in the order in which it is run, but not into its functions.

    What a branch or a loop defines counts as perhaps not defined, so that too many names are read
    rather than too few.

    Attributes
    ----------
    reads : set of str
        The names that are read before the cell has defined them.
    defined : set of str
        The names that it surely defines.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.defined: set[str] = set()

    def visit(self, node: ast.AST) -> None:
        """Visit a node, and forget what it defined if it may not have."""
        if not isinstance(node, UNSURE):
            return super().visit(node)
        before = set(self.defined)
        super().visit(node)
        self.defined = before
        if isinstance(node, ast.ClassDef):
            self.defined.add(node.name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.defined.add(node.id)
        elif node.id not in self.defined:
            self.reads.add(node.id)

    def visit_alias(self, node: ast.alias) -> None:
        self.defined.add(node.asname or node.name.partition(".")[0])

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all(node.annotation, node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        names = {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        self.reads |= names - self.defined
        self._visit_all(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self._visit_all(node.iter, node.target, *node.body, *node.orelse)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._visit_all(node.type)
        self.defined.add(node.name or "")
        self._visit_all(*node.body)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_comprehension(node, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_comprehension(node, node.key, node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        annotations = [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg)]
        self._visit_all(*_defaults(node), *annotations, node.returns, *node.decorator_list)
        self.defined.add(node.name)

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

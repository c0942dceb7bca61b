"""Mutants: small wrong changes of a solution, one for each place and each way to go wrong."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from tito.notebook.export import BEGIN_SOLUTION, END_SOLUTION
from tito.source.percent import Cell
from tito.syntax import parse

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
COMPARISONS = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
NAMES = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "ones": "zeros",
    "ones_like": "zeros_like",
    "empty": "ones",
    "any": "all",
    "all": "any",
    "sin": "cos",
    "cos": "sin",
    "float32": "float64",
    "float64": "float32",
    "ValueError": "KeyError",
    "TypeError": "KeyError",
    "RuntimeError": "KeyError",
    "IndexError": "KeyError",
}
SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Raise,
    ast.Delete,
    ast.Break,
    ast.Continue,
    ast.For,
    ast.While,
    ast.If,
    ast.With,
)


@dataclass(frozen=True)
class Mutant:
    """A solution with one change.

    Attributes
    ----------
    exercise : str
        Whose solution.
    source : str
        The text of the whole cell.
    old, new : str
        The lines that were changed, and what they became.
    """

    exercise: str
    source: str
    old: str
    new: str


def mutants(cell: Cell) -> list[Mutant]:
    """All mutants of an exercise's solution.

    Parameters
    ----------
    cell : Cell
        An exercise.

    Returns
    -------
    list of Mutant
        Each differs from the solution, and from the others, in more than its layout.
    """
    tree = parse(cell.source)
    lines = _solution_lines(cell.source)
    before = ast.unparse(tree)
    texts: dict[str, None] = {}
    for holder, key, node in list(_places(tree)):
        if getattr(node, "lineno", 0) in lines:
            for other in edits(node):
                _put(holder, key, other)
                texts[ast.unparse(ast.fix_missing_locations(tree))] = None
            _put(holder, key, node)
    return [_mutant(cell.name, before, text) for text in texts if _differs(before, text)]


def _differs(before: str, text: str) -> bool:
    try:
        return ast.dump(parse(text)) != ast.dump(parse(before))
    except (SyntaxError, ValueError):
        return False


def _mutant(exercise: str, before: str, after: str) -> Mutant:
    changed = [
        line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "-+"
    ]
    old, new = ("\n".join(line[2:].strip() for line in changed if line[0] == sign) for sign in "-+")
    return Mutant(exercise, after, old, new)


def _solution_lines(source: str) -> set[int]:
    lines, inside = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        if BEGIN_SOLUTION in line or END_SOLUTION in line:
            inside = BEGIN_SOLUTION in line
        elif inside:
            lines.add(number)
    return lines


def _places(node: ast.AST) -> Iterator[tuple[ast.AST | list, str | int, ast.AST]]:
    """Every node below one that a mutant may change, with where it hangs.

    What an error says is no part of the specification, and is left alone; nor is a line that only
    refuses arguments of the wrong kind, as those of `tinytorch.support.required` do.
    """
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            children = [(value, n, child) for n, child in enumerate(value)]
        else:
            children = [(node, name, value)]
        for holder, key, child in children:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield holder, key, child
                if not isinstance(child, ast.Raise):
                    yield from _places(child)
                elif isinstance(child.exc, ast.Call):
                    yield child.exc, "func", child.exc.func


def _is_left_alone(node: ast.AST) -> bool:
    refuses = isinstance(node, ast.Expr) and ast.unparse(node).startswith("required.")
    return refuses or isinstance(node, ast.JoinedStr)


def _put(holder: ast.AST | list, key, node: ast.AST) -> None:
    if isinstance(holder, list):
        holder[key] = node
    else:
        setattr(holder, key, node)


def edits(node: ast.AST) -> Iterator[ast.AST]:
    """What might stand in the place of a node."""
    if isinstance(node, SIMPLE):
        yield ast.Pass()
    for kind, changed in WAYS.items():
        if isinstance(node, kind):
            yield from changed(node)


def _copy(node: ast.AST, **fields) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _operation(node: ast.BinOp) -> Iterator[ast.AST]:
    for other in OPERATORS.get(type(node.op), []):
        yield _copy(node, op=other())
    yield node.left
    yield node.right
    if isinstance(node.op, (ast.Sub, ast.Div, ast.Pow, ast.MatMult, ast.FloorDiv)):
        yield _copy(node, left=node.right, right=node.left)


def _comparison(node: ast.Compare) -> Iterator[ast.AST]:
    for n, op in enumerate(node.ops):
        for other in COMPARISONS.get(type(op), []):
            yield _copy(node, ops=[*node.ops[:n], other(), *node.ops[n + 1 :]])


def _logic(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _copy(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for n in range(len(node.values)):
        rest = [*node.values[:n], *node.values[n + 1 :]]
        yield rest[0] if len(rest) == 1 else _copy(node, values=rest)


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
        if node.value > 0:
            yield ast.Constant(node.value - 1)
    elif isinstance(node.value, float):
        yield ast.Constant(node.value * 2 + 1)


def _call(node: ast.Call) -> Iterator[ast.AST]:
    plain = not any(isinstance(a, ast.Starred) for a in node.args)
    for n in range(len(node.args) - 1):
        swapped = [*node.args[:n], node.args[n + 1], node.args[n], *node.args[n + 2 :]]
        yield _copy(node, args=swapped)
    for n in range(len(node.keywords)):
        yield _copy(node, keywords=[*node.keywords[:n], *node.keywords[n + 1 :]])
    if plain and len(node.args) > 1:
        yield _copy(node, args=node.args[:-1])
    if plain and node.args:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield node.func.value


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math")


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    for name in ("lower", "upper", "step"):
        if getattr(node, name) is not None:
            yield _copy(node, **{name: None})


def _elements(node: ast.Tuple | ast.List) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield _copy(node, elts=[node.elts[1], node.elts[0], *node.elts[2:]])


def _returned(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None:
        yield ast.Return(None)
        wide = ast.Attribute(ast.Name("np", ast.Load()), "float64", ast.Load())
        one = ast.Call(wide, [ast.Constant(1)], [])
        yield ast.Return(ast.BinOp(node.value, ast.Mult(), one))


def _branch(node: ast.If) -> Iterator[ast.AST]:
    yield _copy(node, test=ast.Constant(True))
    yield _copy(node, test=ast.Constant(False))


def _added(node: ast.AugAssign) -> Iterator[ast.AST]:
    target = parse(ast.unparse(node.target)).body[0].value
    target.ctx = ast.Store()
    yield ast.Assign([target], node.value, lineno=node.lineno)
    for other in OPERATORS.get(type(node.op), []):
        yield _copy(node, op=other())


WAYS = {
    ast.BinOp: _operation,
    ast.Compare: _comparison,
    ast.BoolOp: _logic,
    ast.UnaryOp: lambda node: iter([node.operand]),
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.Subscript: lambda node: iter([node.value] if isinstance(node.ctx, ast.Load) else []),
    ast.Name: lambda node: iter([ast.Name(NAMES[node.id], node.ctx)] if node.id in NAMES else []),
    ast.Attribute: lambda node: iter(
        [_copy(node, attr=NAMES[node.attr])] if node.attr in NAMES else []
    ),
    ast.IfExp: lambda node: iter([node.body, node.orelse]),
    ast.Tuple: _elements,
    ast.List: _elements,
    ast.Return: _returned,
    ast.If: _branch,
    ast.AugAssign: _added,
    ast.comprehension: lambda node: (
        _copy(node, ifs=[*node.ifs[:n], *node.ifs[n + 1 :]]) for n in range(len(node.ifs))
    ),
}

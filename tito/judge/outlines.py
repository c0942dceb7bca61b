"""What the text of a cell does and defines, and the code it is compiled to."""

from __future__ import annotations
import __future__

import ast

from tito.syntax import ALONE, parse


def compiled(tree: ast.Module, name: str, future: tuple[str, ...] = ()):
    """A syntax tree as a code object of a file `name`, with features of ``__future__``."""
    flags = 0
    for feature in future:
        flags |= getattr(__future__, feature).compiler_flag
    with ALONE:
        return compile(tree, name, "exec", flags, dont_inherit=True)


def futures(source: str) -> list[str]:
    """The features that a text imports from ``__future__``."""
    imports = [node for node in parse(source).body if isinstance(node, ast.ImportFrom)]
    return [alias.name for node in imports if node.module == "__future__" for alias in node.names]


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same tree (it is changed) with ``pass`` in the place of every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if _is_text(first):
                node.body[0] = ast.copy_location(ast.Pass(), first)
    return tree


def _is_text(node: ast.stmt | None) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def outline(source: str) -> str:
    """What a text does, whatever its layout, comments and docstrings: two that agree are alike."""
    return ast.dump(without_docstrings(parse(source)))


def skeleton(source: str) -> str:
    """What a text defines, whatever its functions do: its outline without their bodies."""
    tree = without_docstrings(parse(source))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = []
    return ast.dump(tree)

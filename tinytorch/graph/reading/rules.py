"""The rule that an operation applies for one of its inputs: what to call it, and what it says."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import re
from types import FunctionType

from tinytorch.graph.reading.nodes import Node, operation_name

LONGEST = 60  # characters of a formula that is shown


def rule_of(node: Node, position: int):
    """The function that the operation of a node calls for one of its inputs; None if unknown."""
    with contextlib.suppress(Exception):  # a student may keep rules in another way
        return node.operation.rules[position]
    return None


def rule_name(node: Node, position: int) -> str:
    """What the rule is called: ``the rule of multiply for input 0 (x)``."""
    name, rule = operation_name(node), rule_of(node, position)
    if rule is None:
        return f"{name}.backward"
    if len(node.arguments) == 1:
        return f"the rule of {name}"
    called = parameter_name(node, rule, position)
    return f"the rule of {name} for input {position}" + (f" ({called})" if called else "")


def parameter_name(node: Node, rule, position: int) -> str:
    """What a rule calls its input; if the rule is made by another one, what the function does."""
    made = getattr(rule, "__closure__", None) and not is_lambda(rule)
    function, at = getattr(node.operation, "function", None), position
    if not (made and isinstance(function, FunctionType)):
        function, at = rule, position + 2
    with contextlib.suppress(TypeError, ValueError, IndexError):
        found = list(inspect.signature(function).parameters.values())[at]
        if found.kind in (found.POSITIONAL_ONLY, found.POSITIONAL_OR_KEYWORD):
            return found.name
    return ""


def is_lambda(rule) -> bool:
    """Whether a rule was written as ``lambda …: …``."""
    return isinstance(rule, FunctionType) and rule.__code__.co_name == "<lambda>"


def rule_formula(node: Node, position: int) -> str:
    """What the rule returns, if that is one short expression in its text; else nothing."""
    rule = rule_of(node, position)
    if not isinstance(rule, FunctionType):
        return ""
    code, formula = rule.__code__, ""
    with contextlib.suppress(OSError, TypeError, ValueError, SyntaxError, RecursionError):
        if is_lambda(rule):
            text = "".join(linecache.getlines(code.co_filename, rule.__globals__))
            formula = body_of_a_lambda(text, code.co_firstlineno, positions_of(code))
        elif not rule.__closure__:  # else it is made by another function, and says little
            lines = [
                x for x in inspect.getsource(rule).rstrip().splitlines() if not re.match(r"\s*#", x)
            ]
            found = re.match(r"\s+return (.+)$", lines[-1])
            formula = found.group(1) if found else ""
    return formula if len(formula) <= LONGEST else ""


def positions_of(code) -> frozenset:
    """Where in the text the parts of a function's code come from, as (line, column, …)."""
    return frozenset((line, at, last, to) for line, last, at, to in code.co_positions())


@functools.lru_cache(maxsize=1000)
def body_of_a_lambda(text: str, line: int, positions: frozenset) -> str:
    """The expression of the lambda that begins in a line and has code with these positions."""
    found = [x for x in lambdas_in(text) if x.lineno == line]
    if len(found) > 1:  # several in one line: that whose body the code is of
        found = [x for x in found if place_of(x.body) in positions]
    if len(found) != 1:
        return ""
    formula = ast.get_source_segment(text, found[0].body) or ""
    return ast.unparse(found[0].body) if "\n" in formula else formula


@functools.lru_cache(maxsize=20)
def lambdas_in(text: str) -> list[ast.Lambda]:
    """All lambdas of a program."""
    return [x for x in ast.walk(ast.parse(text)) if isinstance(x, ast.Lambda)]


def place_of(x: ast.expr) -> tuple:
    """Where an expression begins and ends."""
    return x.lineno, x.col_offset, x.end_lineno, x.end_col_offset

"""Hidden tests as observations: what a module does with random inputs, without a verdict.

See source/README.md for how they are written.
"""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tito.comparison import agree_in_last_digits, difference
from tito.errors import SourceError
from tito.judge.observer import message_of, raised
from tito.source.percent import Cell
from tito.source.regions import hidden_tests
from tito.syntax import parse

__all__ = ["choice", "integers", "message_of", "normal", "observe", "raised", "uniform"]

Sample = Callable[[np.random.Generator], Any]


def normal(*shape: int, dtype: str = "float64") -> Sample:
    """Normally distributed numbers; without a shape, a Python float."""
    return lambda rng: _plain(rng.normal(size=shape), dtype)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, dtype: str = "float64") -> Sample:
    """Uniformly distributed numbers; without a shape, a Python float."""
    return lambda rng: _plain(rng.uniform(low, high, size=shape), dtype)


def integers(*shape: int, low: int = 0, high: int = 10) -> Sample:
    """Integers from `low` to `high` - 1, as int64; without a shape, a Python int."""
    return lambda rng: _plain(rng.integers(low, high, size=shape), "int64")


def choice(*options) -> Sample:
    """One of the options."""
    return lambda rng: options[rng.integers(len(options))]


def _plain(values, dtype: str):
    array = np.asarray(values).astype(dtype)
    return array if array.ndim else array.item()


def observe(exact: bool = False, **inputs: Sample) -> Callable[[Callable], Callable]:
    """Mark a function as an observation, and say what inputs it is to get.

    Parameters
    ----------
    exact : bool
        Whether its float64 answers must agree to 12 digits, which those of a formula do and those
        of a difference quotient do not.
    **inputs
        For each parameter after the first, how to draw it: `normal`, `uniform`, `integers` or
        `choice`.
    """

    def mark(function: Callable) -> Callable:
        return function

    return mark


@dataclass(frozen=True)
class Observation:
    """One observation of a checks cell, as text.

    Attributes
    ----------
    check : str
        The grade_id of its cell.
    name : str
        The function's name.
    says : str
        Its docstring, for the student when it fails.
    source : str
        The function without its decorator, and without its docstring.
    inputs : dict
        How to draw each input.
    exact : bool
        Whether float64 answers must agree to 12 digits.
    """

    check: str
    name: str
    says: str
    source: str
    inputs: dict[str, Sample]
    exact: bool = False

    def fault_of(self, answer, expected) -> str:
        """How an answer differs from the reference's, in one line; empty if it does not."""
        found = difference(answer, expected)
        if not found and self.exact and not agree_in_last_digits(answer, expected):
            return "gave the right numbers, but not to the last digits, as a formula does"
        return found and f"gave {found}"

    @property
    def exercise(self) -> str:
        """The name of the exercise that it tests."""
        return self.check.removeprefix("test-")

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    def draw(self, seed: int) -> dict[str, Any]:
        """The inputs for a seed; those of one observation do not depend on the others."""
        rng = np.random.default_rng([seed, zlib.crc32(f"{self.check} {self.name}".encode())])
        return {name: sample(rng) for name, sample in self.inputs.items()}


SAMPLERS = {"normal": normal, "uniform": uniform, "integers": integers, "choice": choice, "np": np}


def collect(cells: list[Cell]) -> list[Observation | str]:
    """The hidden tests of a module, in order.

    Parameters
    ----------
    cells : list of Cell
        Of its source.

    Returns
    -------
    list of Observation or str
        The observations, and between them the text of the helpers they use.

    Raises
    ------
    SourceError
        If a hidden region is not Python, or an observation's inputs are not.
    """
    program: list[Observation | str] = []
    for cell in cells:
        if cell.role == "checks":
            program += _program(cell)
    return program


def _program(cell: Cell) -> list[Observation | str]:
    try:
        body = parse(hidden_tests(cell.source)).body
    except SyntaxError as error:
        raise SourceError(f"the hidden tests of {cell.name!r} are not Python: {error}") from None
    program: list[Observation | str] = []
    for node in body:
        decorator = _observe_decorator(node)
        if decorator is None and "observe" in " ".join(map(ast.unparse, _decorators(node))):
            raise SourceError(
                f"the hidden tests of {cell.name!r}: write @observe(…) before {node.name!r}, with "
                "parentheses"
            )
        if decorator is not None:
            program.append(_observation(cell, node, decorator))
        elif not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tito")):
            program.append(ast.unparse(node))
    tests = [node for node in body if isinstance(node, ast.FunctionDef)]
    if tests and not any(isinstance(step, Observation) for step in program):
        raise SourceError(
            f"the hidden tests of {cell.name!r} hold functions and no observation; write "
            f"@observe(…) before {tests[0].name!r}"
        )
    return program


def _decorators(node: ast.stmt) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])


def _observe_decorator(node: ast.stmt) -> ast.Call | None:
    for decorator in _decorators(node):
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "observe":
            return decorator
    return None


def _observation(cell: Cell, node: ast.FunctionDef, decorator: ast.Call) -> Observation:
    try:
        inputs = {k.arg: eval(ast.unparse(k.value), dict(SAMPLERS)) for k in decorator.keywords}
    except Exception as error:
        raise SourceError(
            f"the inputs of the observation {node.name!r} in the checks of {cell.name!r} are not "
            f"understood: {error}"
        ) from None
    exact = bool(inputs.pop("exact", False))
    says = ast.get_docstring(node) or ""
    node.decorator_list.remove(decorator)
    if says:
        node.body = node.body[1:] or [ast.Pass()]
    says = " ".join(says.split())
    return Observation(cell.grade_id, node.name, says, ast.unparse(node), inputs, exact)

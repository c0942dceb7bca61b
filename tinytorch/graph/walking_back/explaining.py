"""`explain`: from a wrong gradient to the rule that made it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinytorch.graph.reading.names import name_nodes
from tinytorch.graph.reading.nodes import (
    GraphError,
    Node,
    formula,
    is_a_plain_function,
    is_variable,
    operation_name,
    read,
    values_of,
)
from tinytorch.graph.reading.rules import rule_name
from tinytorch.graph.walking_back.explanation import Explanation
from tinytorch.graph.walking_back.slopes import (
    BrokenRuleError,
    Comparison,
    arguments_of,
    call,
    compare,
    rule_gradients,
)
from tinytorch.graph.walking_back.whole import judge_the_whole


@dataclass(slots=True)
class Finding:
    """A rule that disagrees."""

    node: Node
    position: int
    comparison: Comparison | None = None
    reason: str = ""  # why the rule gave nothing
    hint: str = ""


def explain(f: Callable, *inputs) -> Explanation:
    """Check the gradients of `f`, and if one is wrong, say which operation's rule made it so.

    The rules of all operations are compared with central differences, each by itself, in the order
    in which the operations were computed; then the gradient of the whole.

    Parameters
    ----------
    f : callable
        Takes variables, gives a variable. It is called several times and should do the same each
        time.
    *inputs : array_like or Variable
        Where to check, away from corners; computed with in float64.

    Returns
    -------
    Explanation
        A notebook shows it. No ``.grad`` has changed.

    Raises
    ------
    GraphError
        If there is no class ``Variable`` to be found, or `f` gives no variable that depends on its
        inputs.
    """
    caller = sys._getframe(1)
    make = variable_class(inputs, f, caller.f_globals)
    arrays = [np.array(values_of(x), np.float64) for x in inputs]
    xs = [make(array) for array in arrays]
    out = f(*xs)
    if not is_variable(out):
        raise GraphError(f"f must return a Variable, but it returned a {type(out).__name__}")
    graph = read(out)
    name_nodes(
        graph,
        dict(zip(names_of_parameters(f, len(xs)), xs, strict=True)),
        caller.f_locals,
        caller.f_globals,
    )
    operations = [
        node for node in graph.nodes if node.operation and not is_a_plain_function(node.operation)
    ]
    for number, node in enumerate(operations, 1):
        if finding := first_disagreement(node):
            return report(finding, f"operation {number} of {len(operations)}")
    return judge_the_whole(f, make, arrays, xs, graph, len(operations))


def variable_class(inputs: tuple, f: Callable, namespace: dict) -> type:
    """The class of variables that is meant: that of an input, or what is called so."""
    for x in inputs:
        if is_variable(x):
            return type(x)
    for names in (getattr(f, "__globals__", {}), namespace):
        if isinstance(names.get("Variable"), type):
            return names["Variable"]
    try:
        from tinytorch.core.autograd import Variable
    except Exception as error:
        raise GraphError("there is no class Variable yet; write and run that first") from error
    return Variable


def names_of_parameters(f: Callable, count: int) -> list[str]:
    """What `f` calls its inputs."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"x{i}" for i in range(len(names), count))][:count]


def first_disagreement(node: Node) -> Finding | None:
    """The first rule of an operation that differs from the central difference by its input."""
    if not callable(getattr(node.operation, "function", None)):
        return None  # nothing can be computed again; the gradient of the whole is still judged
    rng = np.random.default_rng(0)
    seed = np.asarray(rng.uniform(0.5, 1.5, np.shape(node.array)))
    seed = seed.astype(getattr(node.array, "dtype", np.float64))
    try:
        parts = rule_gradients(node, seed)
    except BrokenRuleError as error:
        return Finding(node, first_wanted(node), reason=str(error))
    arguments = arguments_of(node)
    coarse = any(getattr(x, "dtype", None) == np.float32 for x in (seed, *parts))
    for position, part in enumerate(parts):
        if part is None or position >= getattr(node.operation, "count", len(parts)):
            continue

        def value_at(x, position=position):
            moved = [*arguments[:position], x, *arguments[position + 1 :]]
            return float((seed * call(node, moved)).sum())

        x = np.asarray(arguments[position], np.float64)
        compared = list(compare(value_at, x, part, coarse))
        wrong = [c for c in compared if not c.agrees]
        if wrong:
            return Finding(node, position, wrong[0], hint=guess(compared, seed, np.shape(x)))
    return None


def first_wanted(node: Node) -> int:
    """The first argument that wants a gradient."""
    wants = [getattr(x, "requires_grad", False) for x in node.operation.inputs]
    return wants.index(True) if True in wants else 0


def guess(compared: list[Comparison], seed: np.ndarray, shape: tuple[int, ...]) -> str:
    """What kind of mistake it looks like; nothing if it looks like none of the usual ones."""
    rule = np.array([c.by_rule for c in compared])
    right = np.array([c.by_difference for c in compared])
    if not np.isfinite(rule).all() or not np.abs(right).max():
        return ""
    if not rule.any():
        return "The rule gives zero everywhere."
    if np.allclose(rule, -right, rtol=1e-3):
        return "The sign is the wrong way round."
    if shape == seed.shape:
        factors = np.array([seed[c.index] for c in compared])
        if np.allclose(rule * factors, right, rtol=1e-3):
            return "It looks as if the factor grad were missing."
        if np.allclose(rule, factors, rtol=1e-3):
            return "It looks as if grad were passed on unchanged."
    ratios = rule[right != 0] / right[right != 0]
    if len(ratios) and np.allclose(ratios, ratios[0], rtol=1e-3) and (len(ratios) > 1 or not shape):
        return f"It is {ratios[0]:.4g} times what it should be."
    return ""


def report(finding: Finding, place: str) -> Explanation:
    """A rule that disagrees, with both numbers."""
    node, position = finding.node, finding.position
    argument = node.arguments[position]
    argument = argument if isinstance(argument, str) else argument.name
    rule = rule_name(node, position)
    lines = [f"The first that disagrees is {rule}, in {place}: {node.name} = {formula(node)}."]
    c = finding.comparison
    if c is None:
        return Explanation([*lines, f"It gives no gradient: {finding.reason:.200}"], rule=rule)
    element = f", element {list(c.index)}" if c.index else ""
    lines += [
        f"Gradient by {argument} (input {position} of {operation_name(node)}{element}), "
        "for a random gradient of its result:",
        f"    the rule gives       {c.by_rule:.8g}",
        f"    central difference   {c.by_difference:.8g}",
    ]
    return Explanation([*lines, *([finding.hint] if finding.hint else [])], rule=rule)

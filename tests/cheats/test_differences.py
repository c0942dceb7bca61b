"""A submission that knows no derivative: all its rules are difference quotients."""

import re
from dataclasses import replace

import pytest
from conftest import ROOT

from tito.course import Course
from tito.judge.asking import Limits, ask
from tito.judge.graft import reference_answers
from tito.judge.observations import Observation
from tito.judge.pack import Pack

QUOTIENT = '''
def by_differences(f, i):
    """A rule for the input i of any function."""
    def rule(grad, out, *values, **parameters):
        values = [np.asarray(v) for v in values]
        x, seed = values[i].astype("float64"), np.asarray(grad).astype("float64")
        share = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            step = STEP
            ends = []
            for moved in (x[index] + step, x[index] - step):
                there = x.copy()
                there[index] = moved
                ends.append((f(*values[:i], there, *values[i + 1:], **parameters), moved))
            (a, right), (b, left) = ends
            share[index] = (seed * (a - b)).sum() / (right - left)
        return share.astype(values[i].dtype)
    return rule
'''
STEPS = ("1e-5", "1e-6 * max(abs(x[index]), 1e-12) + 1e-6 * (x[index] == 0)")
FUNCTIONS = {
    "four-rules": {"np.add": 2, "np.multiply": 2},
    "rules-of-the-matrix-product": {"np.matmul": 2, "layers.linear": 3},
    "rules-of-relu-and-cross-entropy": {"activations.relu": 1, "softmax_cross_entropy": 1},
    "rules-of-differences-and-quotients": {"np.subtract": 2, "np.negative": 1, "np.divide": 2},
    "rules-of-powers": {"np.power": 2},
    "rules-of-functions": {"np.exp": 1, "np.log": 1, "np.sqrt": 1, "np.sin": 1, "np.cos": 1},
    "rules-of-activations": {"np.tanh": 1, "activations.sigmoid": 1, "np.abs": 1},
    "rules-of-softmax": {"activations.softmax": 1, "activations.log_softmax": 1},
    "rules-of-reductions": {"np.sum": 1, "np.mean": 1, "np.var": 1},
}
MAXIMUM = """
def rule_of_the_maximum(grad, out, x, axis=None, keepdims=False):
    largest = np.array_equal(np.max(x, axis=axis, keepdims=keepdims), out)
    rule = by_differences(np.max if largest else np.min, 0)
    return rule(grad, out, x, axis=axis, keepdims=keepdims)
"""


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack.of(Course(ROOT).module("7"))


def by_differences(name: str, source: str, step: str) -> str:
    """An exercise's cell with difference quotients for rules."""
    quotient = QUOTIENT.replace("STEP", step)
    if name == "rule-of-the-maximum":
        return quotient + MAXIMUM
    table = re.search(r"^@table\ndef \w+\(\):\n", source, re.M)[0]
    rows = [
        f"    derivative({function}, *[by_differences({function}, i) for i in range({count})])\n"
        for function, count in FUNCTIONS[name].items()
    ]
    return source[: source.index("@table")] + quotient + table + "".join(rows)


@pytest.mark.parametrize("step", STEPS, ids=["the same step", "a relative step"])
@pytest.mark.parametrize("name", [*FUNCTIONS, "rule-of-the-maximum"])
def test_difference_quotients_earn_no_point_of_a_derivative(pack, name, step):
    cells = [
        replace(cell, source=by_differences(name, cell.source, step), code=None)
        if cell.name == name
        else cell
        for cell in pack.reference
    ]
    program = [
        step if not isinstance(step, Observation) or step.exercise == name else None
        for step in pack.program
    ]
    got = ask(pack.import_name, cells, program, pack.modules, 5, Limits(10, 300), pack.future)
    assert not got.cells, "the cell itself runs"
    expected = reference_answers(pack, 5)
    asked = {n: step for n, step in enumerate(program) if isinstance(step, Observation)}
    assert asked
    right = [
        step.name
        for n, step in asked.items()
        if n in got.answers and not step.fault_of(got.answers[n], expected[n])
    ]
    assert right == []

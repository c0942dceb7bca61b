"""A submission that knows no derivative: it divides differences by small steps."""

import functools
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


OF_THE_SLOPE = """
    def slope(at):
        v = Variable(at)
        return grad(f(v).sum(), v)[0].astype("float64")

    at = x.numpy().astype("float64")
    step = STEP
    return ((slope(at + step) - slope(at - step)) / (2 * step)).astype(x.dtype)
"""
OF_THE_VALUE = """
    def of(at):
        return f(Variable(at)).numpy().astype("float64")

    at = x.numpy().astype("float64")
    step = 100 * (STEP)
    return ((of(at + step) - 2 * of(at) + of(at - step)) / step**2).astype(x.dtype)
"""
A_HESSIAN = """
        at, table = x, np.zeros((len(x), len(x)))
        steps = np.diag(np.broadcast_to(STEP, x.shape))
        for row, step in zip(table, steps):
            row[:] = (vjp(f, x + step)[1] - vjp(f, x - step)[1]) / (2 * step.sum())
        x = x - np.linalg.solve(table, slope)
"""
A_RULE = """
        def of(t):
            return np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))

        at = x.numpy().astype("float64")
        step = STEP
        return grad * ((of(at + step) - of(at - step)) / (2 * step)).astype(x.dtype)
"""
HIGHER_STEPS = ("1e-5", "1e-6 * np.maximum(np.abs(at), 1e-6)")
TWO_GRADIENTS = """    (first,) = grad(f(x).sum(), x, create_graph=True)
    return grad(first.sum(), x)[0]"""
ONE_STEP = "        x = x - np.linalg.solve(hessian(f, x), slope)"
HIGHER = {  # the exercise, its line that knows a derivative, what stands there instead
    "the slope": ("second-derivative", TWO_GRADIENTS, OF_THE_SLOPE),
    "the value": ("second-derivative", TWO_GRADIENTS, OF_THE_VALUE),
    "a Hessian": ("newton", ONE_STEP, A_HESSIAN),
    "a rule": ("softplus", "        return grad * sigmoid(x)", A_RULE),
}


@functools.cache
def pack_of(module: str) -> Pack:
    return Pack.of(Course(ROOT).module(module))


def right_observations(pack: Pack, name: str, source: str) -> list[str]:
    """Which observations of an exercise a cell passes, among the reference's others."""
    cells = [
        replace(cell, source=source, code=None) if cell.name == name else cell
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
    return [
        step.name
        for n, step in asked.items()
        if n in got.answers and not step.fault_of(got.answers[n], expected[n])
    ]


def source_of(pack: Pack, name: str) -> str:
    return next(cell.source for cell in pack.reference if cell.name == name)


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
def test_difference_quotients_earn_no_point_of_a_derivative(name, step):
    pack = pack_of("7")
    cell = by_differences(name, source_of(pack, name), step)
    assert right_observations(pack, name, cell) == []


@pytest.mark.parametrize("step", HIGHER_STEPS, ids=["the same step", "a relative step"])
@pytest.mark.parametrize("of", HIGHER)
def test_differences_of_gradients_earn_no_point_of_a_second_derivative(of, step):
    pack = pack_of("15")
    name, line, instead = HIGHER[of]
    source = source_of(pack, name)
    assert line in source
    right = right_observations(pack, name, source.replace(line, instead.replace("STEP", step)))
    assert [each for each in right if not each.startswith("values_of")] == []

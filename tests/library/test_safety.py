"""What the engine refuses or guards against, and what it leaves behind."""

import ast
import gc
import io
import textwrap
import tokenize
import weakref
from pathlib import Path

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.activations import relu
from tinytorch.core.autograd import Variable, cross_entropy, no_grad, stack, tanh
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import apply

RNG = np.random.default_rng(4)


def change_element(x):
    x.data.data[1] = 100.0


def change_all(x):
    x.data.data *= 2.0


def change_by_numpy(x):
    x.numpy()[...] = 0.0


CHANGES = [change_element, change_all, change_by_numpy]
USES = {
    "multiply": lambda x: x * x,
    "tanh of a view": lambda x: tanh(x[1::2]) * x[0],
    "power": lambda x: x**2,
    "matmul": lambda x: x @ x,
    "reshape, then a product": lambda x: x.reshape(-1, 1) * x.reshape(-1, 1),
    "max": lambda x: x.max() * 1.0,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("use", USES)
def test_a_leaf_changed_in_place_after_it_was_used_is_an_error(use, change):
    x = Variable(np.arange(1.0, 7.0))
    loss = USES[use](x).sum()
    change(x)
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        loss.backward()
    assert x.grad is None


def test_an_array_that_the_user_still_holds_is_watched_too():
    mine, batch = np.ones(3), np.ones(3)
    loss = (Variable(mine) * batch).sum()
    batch[0] = 5.0
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_a_layers_weights_changed_before_backward_are_an_error():
    layer = Dense(3, 2, rng=0)
    x = Variable(np.ones((4, 3)))
    loss = layer(x).sum()
    layer.weights.data -= 0.1
    with pytest.raises(RuntimeError, match="linear"):
        loss.backward()


def test_the_values_of_a_result_cannot_be_changed():
    x = Variable([1.0, 2.0])
    middle = x * 2
    loss = (middle * middle).sum()
    for change in CHANGES:
        with pytest.raises(ValueError, match="read-only"):
            change(middle)
    loss.backward()
    np.testing.assert_array_equal(x.grad, [8, 16])


def test_an_element_that_was_not_used_may_be_changed():
    x = Variable(np.arange(1.0, 7.0))
    y = tanh(x[::2])
    x.data.data[1] = 100.0
    y.sum().backward()
    np.testing.assert_allclose(x.grad[::2], 1 - np.tanh([1, 3, 5]) ** 2)
    assert x.grad[1::2].tolist() == [0, 0, 0]


def test_what_no_rule_reads_may_be_changed():
    x = Variable([1.0, 2.0])
    y = x + 1
    x.data.data += 5.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_new_values_between_two_steps_are_no_error():
    x = Variable(np.ones(3))
    for _ in range(3):
        x.zero_grad()
        (x * x).sum().backward()
        x.data.data -= 0.1 * x.grad
    np.testing.assert_allclose(x.data.data, 0.8**3)


def test_a_single_number_given_new_values_keeps_its_old_gradient():
    x = Variable(3.0)
    y = x * x
    x.data.data += 1.0
    y.backward()
    assert x.grad == 6


def training_step(layers, x, labels):
    for layer in layers:
        layer.weights.grad = layer.bias.grad = None
    out = layers[1](apply(relu, layers[0](x)))
    cross_entropy(out, labels).backward()
    for layer in layers:
        for p in layer.parameters():
            p.data -= 0.1 * p.grad


def test_live_objects_stay_constant_over_100_training_steps():
    layers = [Dense(8, 6, rng=0), Dense(6, 3, rng=1)]
    x, labels = Variable(RNG.normal(size=(5, 8)), False), RNG.integers(3, size=5)
    gc.disable()  # nothing may need it
    try:
        counts = []
        for step in range(110):
            training_step(layers, x, labels)
            if step >= 9:
                counts.append(len(gc.get_objects()))
    finally:
        gc.enable()
    assert max(counts) - min(counts) <= 5


def test_a_training_step_leaves_no_graph_behind():
    x = Variable(np.ones(3))
    middle = x * 2
    alive = [weakref.ref(middle), weakref.ref(middle.grad_fn)]
    loss = (middle * middle).sum()
    del middle
    loss.backward()
    assert [a() for a in alive] == [None, None]


def test_values_in_between_are_given_back_during_the_backward_pass():
    x = Variable(np.ones(3))
    first = tanh(x)
    alive = weakref.ref(first)
    seen = []
    x.register_hook(lambda g: seen.append(alive() is None))
    out = tanh(first).sum()
    del first
    out.backward()
    assert seen == [True]


@pytest.mark.parametrize("leaves", [1, 2, 3])
def test_gradients_are_writable_and_of_the_leafs_own_kind(leaves):
    xs = [Variable(np.ones((2, 3), np.float32)) for _ in range(leaves)]
    total = xs[0] * 1.0
    for x in xs:
        total = total + x
    (total + np.ones((2, 3))).sum().backward()
    for i, x in enumerate(xs):
        assert x.grad.dtype == np.float32 and x.grad.flags.writeable and x.grad.base is None
        for other in xs[:i]:
            assert not np.shares_memory(x.grad, other.grad)


def test_a_given_gradient_stays_the_users():
    x, seed = Variable(np.ones(3)), np.ones(3)
    (x + 0.0).backward(seed)
    x.grad *= 5
    assert seed.tolist() == [1, 1, 1]
    y = Variable(np.ones(3))
    y.backward(seed)
    y.grad *= 5
    assert seed.tolist() == [1, 1, 1]


def test_the_gradients_of_grad_are_the_callers_own():
    x, y = Variable(np.ones(3)), Variable(np.ones(3))
    a, b = autograd.grad((x + y).sum(), [x, y])
    a *= 3
    assert b.tolist() == [1, 1, 1]
    first, again = autograd.grad((x * 2).sum(), [x, x])
    first *= 3
    assert again.tolist() == [2, 2, 2]


def test_a_list_of_variables_is_refused_and_stack_is_named():
    with pytest.raises(TypeError, match=r"stack\(\) or concatenate\(\)"):
        Variable([Variable(1.0), 2.0])
    x = Variable(1.0)
    stack([x * 2, x * 3]).sum().backward()
    assert x.grad == 5


def test_numpy_functions_without_a_derivative_answer():
    x = Variable([[3.0, 1.0]])
    assert np.shape(x) == (1, 2) and np.ndim(x) == 2 and np.allclose(x, [[3, 1]])
    assert np.argmax(x) == 0


def test_empty_arrays_have_empty_gradients():
    for f in (lambda x: x * 2, lambda x: x.sum(), lambda x: tanh(x) @ np.ones((2, 3))):
        x = Variable(np.ones((0, 2)))
        out = f(x)
        out.backward(np.ones(out.shape))
        assert x.grad.shape == (0, 2)
    x = Variable(np.ones((0, 2)))
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        x.mean().backward()
    assert x.grad.shape == (0, 2)


def test_a_result_inside_no_grad_is_a_leaf_that_needs_no_gradient():
    with no_grad():
        y = Variable([1.0]) * 2
    assert y.is_leaf and not y.requires_grad


class Counted(ast.NodeVisitor):
    """The lines of code of a module, without what is no code of the engine.

    Left out are docstrings, imports, the list of public names, and the rules: calls of `derivative`
    with expressions, and the first line of a function decorated with `@table` around such calls.
    Any other statement counts, wherever it is.
    """

    def __init__(self, text: str):
        self.left_out: set[int] = set()
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        blank = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER"}
        parts = [t for t in tokens if tokenize.tok_name[t.type] not in blank]
        self.code = {n for t in parts for n in range(t.start[0], t.end[0] + 1)}
        self.visit(ast.parse(text))

    def lines(self) -> list[int]:
        return sorted(self.code - self.left_out)

    def leave_out(self, start: int, end: int) -> None:
        self.left_out.update(range(start, end + 1))

    def visit_Import(self, node):
        self.leave_out(node.lineno, node.end_lineno)

    visit_ImportFrom = visit_Import

    def visit_Assign(self, node):
        if ast.unparse(node.targets[0]) == "__all__":
            self.leave_out(node.lineno, node.end_lineno)

    def visit_Expr(self, node):
        value = node.value
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        if is_text or (isinstance(value, ast.Call) and ast.unparse(value.func) == "derivative"):
            self.leave_out(node.lineno, node.end_lineno)

    def visit_FunctionDef(self, node):
        if "table" in map(ast.unparse, node.decorator_list):
            self.leave_out(node.decorator_list[0].lineno, node.lineno)
        self.generic_visit(node)


def code_lines(text: str) -> int:
    return len(Counted(text).lines())


SOURCE = Path(autograd.__file__).read_text(encoding="utf-8")


def test_the_engine_fits_on_a_few_screens():
    assert code_lines(SOURCE) <= 150, code_lines(SOURCE)


def test_no_function_of_the_engine_is_long():
    functions = [f for f in ast.walk(ast.parse(SOURCE)) if isinstance(f, ast.FunctionDef)]
    for function in functions:
        length = code_lines(textwrap.dedent(ast.unparse(function)))
        assert length <= 20, f"{function.name} has {length} lines of code"


def test_the_lines_that_are_counted_are_lines():
    """One statement in each, and none too long to be read."""
    lines = SOURCE.splitlines()
    assert all(
        len(lines[n - 1]) <= 100 and ";" not in lines[n - 1] for n in Counted(SOURCE).lines()
    )
    bodies = [
        n.body for n in ast.walk(ast.parse(SOURCE)) if isinstance(getattr(n, "body", 0), list)
    ]
    for body in bodies:
        assert len({statement.lineno for statement in body}) == len(body)


@pytest.mark.parametrize(
    "text, count",
    [
        ("import numpy as np\n\n# why\n__all__ = [\n    'f',\n]\n", 0),
        ('def f(x):\n    """Two\n    lines."""\n    return x\n', 2),
        ("derivative(\n    f,\n    lambda grad, out, x: grad,\n)\n", 0),
        ('@table\ndef rules():\n    """Text."""\n    derivative(f, g)\n    x = 1\n', 1),
        ("def g(grad, out, x):\n    return grad\n\n\nderivative(f, g)\n", 2),
        ("f(\n    1,\n)\nRULES[f] = derivative(f)\n", 4),
    ],
)
def test_what_counts_as_a_line_of_the_engine(text, count):
    assert code_lines(text) == count

"""The engine of module 7, as its users meet it."""

import gc
import threading
import weakref

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.activations import ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.autograd import RULES, Variable, grad, no_grad, numerical_gradient
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor


def test_the_expression_of_the_card():
    x, y = Variable(5.0, requires_grad=True), Variable(3.0, requires_grad=True)
    z = x * y + x**2
    z.backward()
    assert (x.grad, y.grad) == (13, 5)
    assert f"{x.grad} {y.grad}" == "13.0 5.0"


@pytest.mark.parametrize(
    "f, at, expected",
    [
        (lambda x, y: x**2 + 2 * x * y + y**2, (2, 3), (10, 10)),
        (lambda x: x**2 + 3 * x + 1, (2,), (7,)),
        (lambda x, y: x * y + x, (2, 3), (4, 2)),
        (lambda x, y: (x + y) * (x - y), (2, 3), (4, -6)),
    ],
)
def test_the_worked_examples_of_the_card(f, at, expected):
    inputs = [Variable(value) for value in at]
    f(*inputs).backward()
    assert tuple(x.grad for x in inputs) == expected


def test_the_chain_of_two_statements():
    x, y = Variable(2.0), Variable(3.0)
    z = x * y
    w = z + x
    w.backward()
    assert (x.grad, y.grad) == (4, 2)


def test_layers_written_before_variables_pass_gradients():
    x = Variable([[1.0, 2.0, 3.0]])
    layer = Dense(3, 2)
    loss = ReLU()(layer(x)).sum()
    loss.backward()
    assert layer.weights.grad.shape == (3, 2) and layer.bias.grad.shape == (2,)
    np.testing.assert_allclose(layer.weights.grad, np.outer([1, 2, 3], layer.bias.grad))


def test_gradients_through_two_layers_agree_with_differences():
    first, second = Dense(3, 4, rng=0), Dense(4, 2, rng=1)
    data = np.random.default_rng(2).normal(size=(5, 3))
    for layer in (first, second):
        layer.weights.data = layer.weights.data.astype(np.float64)

    def loss(x):
        return (second(Tanh()(first(x))) ** 2).mean()

    x = Variable(data)
    loss(x).backward()
    np.testing.assert_allclose(
        x.grad, numerical_gradient(lambda a: loss(Tensor(a)).item(), data), 1e-6
    )
    weights = first.weights.data

    def by_weights(w):
        first.weights.data = w
        return loss(Tensor(data)).item()

    np.testing.assert_allclose(first.weights.grad, numerical_gradient(by_weights, weights), 1e-6)


def frozen(inputs, outputs):
    """A layer whose weights and bias ask for no gradient."""
    layer = Dense(inputs, outputs, rng=0)
    for tensor in layer.parameters():
        tensor.requires_grad = False
    return layer


@pytest.mark.parametrize("layer", [frozen(3, 2), ReLU(), Sigmoid(), Tanh(), Softmax()], ids=repr)
def test_a_result_is_a_variable_if_anything_in_it_needs_a_gradient(layer):
    data = np.ones((4, 3))
    assert type(layer(Tensor(data))) is Tensor
    for x in (Variable(data), Tensor(data, requires_grad=True)):
        out = layer(x)
        assert type(out) is Variable and out.requires_grad
    constant = layer(Variable(data, requires_grad=False))
    assert type(constant) is Variable and not constant.requires_grad


def test_a_layer_with_weights_gives_a_variable_for_any_input():
    for data in (np.ones((4, 3)), Tensor(np.ones((4, 3))), Variable(np.ones((4, 3)), False)):
        out = Dense(3, 2, rng=0)(data)
        assert type(out) is Variable and out.requires_grad
    with no_grad():
        assert not Dense(3, 2, rng=0)(Tensor(np.ones((4, 3)))).requires_grad


FUNCTIONS = {
    "add": (2, [(3, 4), (4,)]),
    "subtract": (2, [(3, 4), (3, 1)]),
    "multiply": (2, [(2, 1, 3), (4, 3)]),
    "divide": (2, [(3,), (2, 3)]),
    "power": (2, [(3,), (2, 3)]),
    "negative": (1, [(3, 2)]),
    "exp": (1, [(3,)]),
    "log": (1, [(3,)]),
    "sqrt": (1, [()]),
    "abs": (1, [(2, 2)]),
    "sin": (1, [(3,)]),
    "cos": (1, [(3,)]),
    "tanh": (1, [(3,)]),
    "relu": (1, [(3, 3)]),
    "sigmoid": (1, [(4,)]),
    "softmax": (1, [(2, 5)]),
    "log_softmax": (1, [(2, 5)]),
    "matmul": (2, [(5, 2, 3), (3, 4)]),
    "sum": (1, [(2, 3)]),
    "mean": (1, [(2, 3)]),
    "max": (1, [(2, 3)]),
    "min": (1, [(2, 3)]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_agrees_with_central_differences(name, dtype):
    function, (_, shapes) = getattr(autograd, name), FUNCTIONS[name]
    rng = np.random.default_rng(7)
    inputs = [rng.uniform(0.5, 2.0, size=shape) for shape in shapes]
    if name in ("relu", "abs"):
        inputs = [x * rng.choice([-1, 1], size=x.shape) for x in inputs]
    variables = [Variable(x.astype(dtype)) for x in inputs]
    out = function(*variables)
    assert out.dtype == dtype
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    for n, (x, v) in enumerate(zip(inputs, variables, strict=True)):

        def f(a, n=n):
            values = [Tensor(a if i == n else y) for i, y in enumerate(inputs)]
            return float((np.asarray(function(*values)) * seed).sum())

        assert v.grad.dtype == dtype and v.grad.shape == x.shape
        tolerance = 1e-6 if dtype == np.float64 else 1e-3
        np.testing.assert_allclose(v.grad, numerical_gradient(f, x), tolerance, tolerance)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (-1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var"])
def test_reductions_along_axes(name, axis, keepdims):
    rng = np.random.default_rng(1)
    data = rng.normal(size=(2, 3, 4))
    x = Variable(data)
    out = getattr(x, name)(axis=axis, keepdims=keepdims)
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    reduce = getattr(np, name)
    expected = numerical_gradient(lambda a: (reduce(a, axis, keepdims=keepdims) * seed).sum(), data)
    np.testing.assert_allclose(x.grad, expected, 1e-6, 1e-8)


@pytest.mark.parametrize(
    "a, b",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((4, 1, 2, 3), (5, 3, 2)),
    ],
)
def test_matrix_products_of_every_rank(a, b):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=a), rng.normal(size=b)
    vx, vy = Variable(x), Variable(y)
    out = vx @ vy
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    np.testing.assert_allclose(
        vx.grad, numerical_gradient(lambda t: (t @ y * seed).sum(), x), 1e-6, 1e-8
    )
    np.testing.assert_allclose(
        vy.grad, numerical_gradient(lambda t: (x @ t * seed).sum(), y), 1e-6, 1e-8
    )


INDICES = [
    0,
    -1,
    slice(1, 3),
    (slice(None), 1),
    [0, 0, 2],
    np.array([True, False, True]),
    (..., None),
    (1, 2),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(index):
    data = np.random.default_rng(5).normal(size=(3, 4))
    x = Variable(data)
    out = x[index]
    seed = np.random.default_rng(6).normal(size=out.shape)
    out.backward(seed)
    np.testing.assert_allclose(
        x.grad, numerical_gradient(lambda a: (a[index] * seed).sum(), data), 1e-6, 1e-8
    )


def test_conventions_at_the_edges():
    def slope(f, at):
        x = Variable(float(at))
        f(x).backward()
        return float(x.grad)

    assert slope(autograd.relu, 0) == 0
    assert slope(abs, 0) == 0
    assert slope(autograd.sqrt, 0) == np.inf
    assert slope(lambda x: x**0, 0) == 0 == slope(lambda x: x**0, 3)
    assert slope(lambda x: x**2, 0) == 0
    tied = Variable([1.0, 3.0, 3.0])
    tied.max().backward()
    assert tied.grad.tolist() == [0, 0.5, 0.5]


class Counting(dict):
    """A table of rules that counts the rules it hands out."""

    def __init__(self, rules):
        super().__init__(rules)
        self.calls = 0

    def __getitem__(self, position):
        rule = super().__getitem__(position)

        def counted(*arguments, **parameters):
            self.calls += 1
            return rule(*arguments, **parameters)

        return counted


def rules_called(monkeypatch, compute) -> int:
    counting = Counting(RULES[np.add])
    monkeypatch.setitem(RULES, np.add, counting)
    compute().backward()
    return counting.calls


def chain(length):
    def compute():
        z = Variable(1.0)
        for _ in range(length):
            z = z + 1.0
        return z

    return compute


def doubling(times):
    def compute():
        z = Variable(np.float64(1))
        for _ in range(times):
            z = z + z
        return z

    return compute


def test_a_chain_of_50_000_operations_calls_50_000_rules(monkeypatch):
    assert rules_called(monkeypatch, chain(500)) == 500
    assert rules_called(monkeypatch, chain(50_000)) == 50_000


def test_1_000_doublings_call_2_000_rules(monkeypatch):
    assert rules_called(monkeypatch, doubling(10)) == 20
    assert rules_called(monkeypatch, doubling(1_000)) == 2_000


def test_1_000_doublings_have_the_right_gradient():
    x = z = Variable(np.float64(1))
    for _ in range(1_000):
        z = z + z
    z.backward()
    assert x.grad == 2.0**1000


def test_the_work_per_operation_does_not_grow(monkeypatch):
    """Steps of the interpreter, counted: twice the chain is twice the work."""
    import sys

    def steps(length):
        z, count = chain(length)(), 0

        def trace(frame, event, argument):
            nonlocal count
            count += 1
            return None

        sys.setprofile(trace)
        try:
            z.backward()
        finally:
            sys.setprofile(None)
        return count

    short, long = steps(1_000), steps(2_000)
    assert 1.9 < long / short < 2.1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_python_number_never_changes_the_dtype(dtype):
    x = Variable(np.ones(3, dtype))
    for y in (x + 1, 2.5 * x, x / 3, 1 / x, x**2, x**0.5, 2**x, -x, abs(x), x - 1, x @ x):
        assert y.dtype == dtype
        x.zero_grad()
        y.sum().backward()
        assert x.grad.dtype == dtype


def test_what_becomes_of_data():
    assert Variable(3).dtype == Variable([1, 2]).dtype == np.float32
    assert Variable(np.arange(3)).dtype == np.float32
    assert Variable(np.float64(1)).dtype == np.float64
    assert Variable(np.ones(2, np.float16)).dtype == np.float16
    tensor = Tensor([1.0])
    assert Variable(tensor).data is tensor


def test_arrays_and_variables_in_both_orders():
    a, x = np.array([[1.0, 2.0], [3.0, 4.0]]), Variable(np.eye(2))
    for out in (a * x, x * a, a @ x, a + x, a - x, np.multiply(a, x), np.exp(x), Tensor(a) * x):
        assert type(out) is Variable and out.requires_grad


def test_comparisons_give_boolean_arrays():
    x = Variable([1.0, 2.0])
    for result in (x == 1, x < Variable([3.0, 0.0]), x >= Tensor([1.0, 2.0]), np.isnan(x)):
        assert type(result) is np.ndarray and result.dtype == bool


def test_gradients_are_fresh_writable_and_never_shared():
    x, y = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    (x + y).sum().backward()
    assert x.grad.flags.writeable and not np.shares_memory(x.grad, y.grad)
    x.grad *= 10
    assert y.grad.tolist() == [1, 1]
    seed = np.ones(2, np.float32)
    z = Variable([1.0, 2.0])
    z.backward(seed)
    z.grad += 1
    assert seed.tolist() == [1, 1]


def test_gradients_accumulate_until_they_are_zeroed():
    x = Variable(3.0)
    for expected in (6, 12):
        (x**2).backward()
        assert x.grad == expected
    x.zero_grad()
    assert x.grad is None


def test_a_graph_can_be_kept_for_a_second_pass():
    x = Variable(2.0)
    y = x**3
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 24
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_a_plain_function_as_grad_fn_is_called_once_with_the_complete_gradient():
    a, calls = Variable(2.0), []

    def my_own(g):
        calls.append(float(g))
        a.backward(3 * g)

    b = Variable(6.0, grad_fn=my_own)
    (b * 2 + b * b).backward()
    assert calls == [14] and a.grad == 42


def test_the_repr_of_a_grad_fn_names_the_operation_and_its_inputs():
    z = Variable([1.0, 2.0]) * 3
    assert repr(z.grad_fn) == "<multiply(Variable(2,), 3)>"
    assert "grad_fn=<multiply" in repr(z)


def test_functional_gradients_leave_grad_alone():
    x, y = Variable(2.0), Variable(3.0)
    z = x * y
    w = z * z
    assert [float(g) for g in autograd.grad(w, [x, y, z])] == [36, 24, 12]
    assert x.grad is y.grad is z.grad is None


def test_nothing_is_recorded_inside_no_grad():
    x = Variable(2.0)
    with no_grad():
        y = x * 2
    assert y.is_leaf and not y.requires_grad

    @no_grad()
    def f():
        return x * 2

    assert not f().requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert (x * 2).requires_grad


def test_every_thread_has_its_own_switch():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((Variable(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_graph_goes_with_its_output_without_the_garbage_collector():
    gc.disable()
    try:
        y = Variable([1.0, 2.0]) * 2
        alive = weakref.ref(y)
        z = y.sum()
        del y
        assert alive() is not None
        del z
        assert alive() is None
    finally:
        gc.enable()


def twice(out):
    """Go back through a graph that the first pass frees."""
    out.backward()
    out.backward()


def changed(x):
    """Change a leaf between its use and the backward pass."""
    y = x * x
    x.data.data += 1
    y.backward()


def derivatives():
    """Module 15, if it is there."""
    return pytest.importorskip("tinytorch.core.derivatives", exc_type=ImportError)


X = np.arange(3.0)
REFUSED = {
    "text": (lambda: Variable("abc"), TypeError, "'abc'"),
    "ragged lists": (lambda: Variable([[1], [1, 2]]), ValueError, "equally long"),
    "complex numbers": (lambda: Variable(1j), TypeError, "complex128"),
    "objects": (lambda: Variable(object()), TypeError, "real numbers"),
    "@ of wrong shapes": (
        lambda: Variable(np.ones((2, 3))) @ Variable(np.ones((2, 3))),
        ValueError,
        "(2, 3)",
    ),
    "+ of wrong shapes": (
        lambda: Variable(np.ones((2, 3))) + Variable(np.ones(2)),
        ValueError,
        "(2,)",
    ),
    "@ of tensors": (lambda: Tensor([[1.0]]) @ Tensor([1.0, 2.0]), ValueError, "(1, 1)"),
    "+ of text": (lambda: Variable(1.0) + "a", TypeError, "'a'"),
    "a non-scalar": (
        lambda: (Variable([1.0, 2.0]) * 2).backward(),
        ValueError,
        "(2,); call .sum()",
    ),
    "no gradient": (
        lambda: Variable(1.0, requires_grad=False).backward(),
        RuntimeError,
        "requires_grad=True",
    ),
    "a wrong gradient": (
        lambda: (Variable([1.0, 2.0]) * 2).backward([1.0]),
        ValueError,
        "(1,)",
    ),
    "no rule": (lambda: np.floor(Variable(1.5)), NotImplementedError, "floor"),
    "assignment": (lambda: Variable([1.0]).__setitem__(0, 2.0), TypeError, "cannot be assigned"),
    "item of many": (lambda: Variable([1.0, 2.0]).item(), ValueError, "(2,)"),
    "a length of none": (lambda: len(Variable(1.0)), TypeError, "0-dimensional"),
    "an axis out of range": (lambda: Variable([1.0]).sum(axis=3), IndexError, "axis=3"),
    "an index out of range": (lambda: Variable([1.0])[5], IndexError, "index=5"),
    "a reshape that does not fit": (lambda: Variable([1.0]).reshape(2, 3), ValueError, "(2, 3)"),
    "a transpose of too few axes": (
        lambda: autograd.transpose(Variable(np.ones((2, 3))), (0,)),
        ValueError,
        "every axis",
    ),
    "an index of letters": (lambda: Variable([1.0])["a"], IndexError, "index='a'"),
    "softmax along an axis that is not there": (
        lambda: autograd.softmax(Variable([1.0]), 2),
        IndexError,
        "axis=2",
    ),
    "arrays that cannot be joined": (
        lambda: autograd.concatenate([Variable(np.ones((2, 2))), Variable(np.ones(2))]),
        ValueError,
        "concatenate of shape (2, 2), shape (2,)",
    ),
    "arrays that cannot be stacked": (
        lambda: autograd.stack([Variable([1.0]), Variable([1.0, 2.0])]),
        ValueError,
        "stack of",
    ),
    "stack of no list": (lambda: autograd.stack(Variable([1.0])), TypeError, "stack needs a list"),
    "concatenate of nothing": (lambda: autograd.concatenate([]), TypeError, "concatenate needs"),
    "a pad of too many axes": (
        lambda: autograd.pad(Variable([1.0]), ((1, 1), (1, 1))),
        ValueError,
        "pad of shape (1,)",
    ),
    "too many inputs": (
        lambda: autograd.exp(Variable(1.0), 2.0),
        TypeError,
        "takes 1 positional argument",
    ),
    "where with shapes that do not fit": (
        lambda: autograd.where([True, False], Variable([1.0, 2.0, 3.0]), 0.0),
        ValueError,
        "where of",
    ),
    "labels that are no classes": (
        lambda: autograd.cross_entropy(Variable(np.ones((2, 3))), [0, 3]),
        ValueError,
        "whole number",
    ),
    "labels that are no whole numbers": (
        lambda: autograd.cross_entropy(Variable(np.ones((1, 3))), [0.5]),
        ValueError,
        "whole number",
    ),
    "a list of variables": (lambda: Variable([Variable(1.0)]), TypeError, "stack()"),
    "a graph that was freed": (lambda: twice(Variable(1.0) * 2), RuntimeError, "retain_graph=True"),
    "values changed in place": (lambda: changed(Variable([1.0])), RuntimeError, "in place"),
    "a gradient by a constant": (
        lambda: grad(Variable(1.0) * 2, Variable(1.0, requires_grad=False)),
        RuntimeError,
        "does not require a gradient",
    ),
    "a gradient of a number": (
        lambda: grad(3.0, Variable(1.0)),
        TypeError,
        "outputs must be a Var",
    ),
    "a gradient by a list of numbers": (
        lambda: grad(Variable(1.0) * 2, [1.0]),
        TypeError,
        "inputs must be a Variable",
    ),
    "more grad_outputs than outputs": (
        lambda: grad([Variable(1.0)], Variable(1.0), [1.0, 2.0]),
        ValueError,
        "2 grad_outputs",
    ),
    "a Jacobian of a number": (
        lambda: derivatives().jacobian(lambda x: 3.0, X),
        TypeError,
        "must return a Variable",
    ),
    "a Hessian of several outputs": (
        lambda: derivatives().hessian(lambda x: x * 2, X),
        ValueError,
        "(3,)",
    ),
    "a Hessian times a short vector": (
        lambda: derivatives().hvp(lambda x: (x * x).sum(), X, X[:2]),
        ValueError,
        "(2,)",
    ),
    "a Hessian of several outputs times a vector": (
        lambda: derivatives().hvp(lambda x: x * x, X, X),
        ValueError,
        "(3,)",
    ),
    "a short vector times a Jacobian": (
        lambda: derivatives().vjp(lambda x: x * x, X, X[:2]),
        ValueError,
        "(2,)",
    ),
    "no vector times a Jacobian": (
        lambda: derivatives().vjp(lambda x: x * x, X),
        ValueError,
        "(3,)",
    ),
    "a Jacobian times a short vector": (
        lambda: derivatives().jvp(lambda x: x * x, X, X[:2]),
        ValueError,
        "(2,)",
    ),
    "a Jacobian times two vectors": (
        lambda: derivatives().jvp(lambda x: x * x, X, (X, X)),
        ValueError,
        "1 array",
    ),
    "a checkpoint of a number": (
        lambda: derivatives().checkpoint(lambda x: 3.0, Variable(1.0)),
        TypeError,
        "must return a Var",
    ),
    "no segments": (
        lambda: derivatives().checkpoint_sequential([autograd.tanh], 0, Variable(1.0)),
        ValueError,
        "0",
    ),
    "a negative norm": (lambda: autograd.clip_grad_norm_([], -1.0), ValueError, "-1.0"),
    "a negative limit": (lambda: autograd.clip_grad_value_([], -1.0), ValueError, "-1.0"),
    "a check in float32": (
        lambda: derivatives().gradcheck(autograd.tanh, np.ones(3, np.float32)),
        TypeError,
        "float32",
    ),
    "a hook on a constant": (
        lambda: Variable(1.0, requires_grad=False).register_hook(print),
        RuntimeError,
        "no hook",
    ),
    "a function without a forward pass": (
        lambda: derivatives().Function.apply(Variable(1.0)),
        NotImplementedError,
        "forward(ctx",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_one_sentence(case):
    function, error, words = REFUSED[case]
    with pytest.raises(error) as refused:
        function()
    message = str(refused.value)
    assert words in message and "\n" not in message and len(message) < 250


@pytest.mark.parametrize("function", [np.sum, np.concatenate, np.reshape], ids=lambda f: f.__name__)
def test_a_function_that_would_lose_the_gradient_is_refused(function):
    x = Variable([1.0, 2.0])
    arguments = {"concatenate": ([x, x],), "reshape": (x, (2, 1))}.get(function.__name__, (x,))
    with pytest.raises(TypeError, match="its gradient would be lost; use a method such as"):
        function(*arguments)


def test_variables_print_in_a_format():
    assert f"{Variable([1.0, 2.0]).sum():.3f} {Tensor(2.0):6.2f}" == "3.000   2.00"

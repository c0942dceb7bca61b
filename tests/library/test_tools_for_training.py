"""Clipping, checking gradients, and looking for NaN."""

import linecache
import threading

import numpy as np
import pytest

from tinytorch.core.autograd import (
    RULES,
    Variable,
    clip_grad_norm_,
    clip_grad_value_,
    log,
    sqrt,
    tanh,
)
from tinytorch.core.derivatives import (
    AnomalyError,
    GradcheckError,
    detect_anomaly,
    gradcheck,
    gradgradcheck,
)
from tinytorch.core.tensor import Tensor
from tinytorch.support.recording import recording

RNG = np.random.default_rng(3)


def with_gradients(*gradients):
    leaves = [Tensor(np.zeros(np.shape(g)), requires_grad=True) for g in gradients]
    for leaf, g in zip(leaves, gradients, strict=True):
        leaf.grad = None if g is None else np.array(g, dtype=np.float32)
    return leaves


def test_clipping_scales_all_gradients_to_one_norm_in_place():
    leaves = with_gradients([3.0, 0.0], [[4.0]], None)
    arrays = [leaf.grad for leaf in leaves]
    assert clip_grad_norm_(leaves, 1.0) == 5
    np.testing.assert_allclose(leaves[0].grad, [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(leaves[1].grad, [[0.8]], rtol=1e-6)
    assert all(leaf.grad is array for leaf, array in zip(leaves, arrays, strict=True))
    assert clip_grad_norm_(leaves[:2], 2.0) == pytest.approx(1)
    np.testing.assert_allclose(leaves[1].grad, [[0.8]], rtol=1e-6)


def test_after_clipping_a_sum_of_two_leaves_the_norm_is_the_one_asked_for():
    a, b = Variable(np.ones(3)), Variable(np.ones(3))
    (a + b).sum().backward()
    clip_grad_norm_([a, b], 1.0)
    assert np.sqrt((a.grad**2).sum() + (b.grad**2).sum()) == pytest.approx(1)


def test_clipping_one_parameter_a_generator_and_none():
    (leaf,) = with_gradients([30.0])
    clip_grad_norm_(leaf, 3.0)
    assert leaf.grad == 3
    clip_grad_norm_((x for x in [leaf]), 1.5)
    assert leaf.grad == 1.5
    assert clip_grad_norm_([], 1.0) == 0


def test_clipping_by_value():
    leaves = with_gradients([-3.0, 0.5], [[4.0]], None)
    clip_grad_value_(leaves, 1.0)
    np.testing.assert_array_equal(leaves[0].grad, [-1, 0.5])
    np.testing.assert_array_equal(leaves[1].grad, [[1]])


def test_a_limit_that_is_not_a_number_is_refused():
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.raises(ValueError, match="must be a number that is not negative"):
            clip([], np.nan)


def composite(x, y):
    return tanh(x @ y) * y.sum(), x * x


INPUTS = RNG.normal(size=(2, 3)), RNG.normal(size=3)


def test_right_gradients_pass():
    assert gradcheck(composite, INPUTS) is True
    assert gradgradcheck(composite, INPUTS) is True
    assert gradcheck(lambda x: x * 2, 3.0 * np.ones(())) is True


@pytest.mark.parametrize(
    "mistake",
    [
        lambda right: right * 12345,
        lambda right: -right,
        lambda right: right * (1 + 1e-3),
        lambda right: 0 * right,
        lambda right: right * np.array([1, 1, 1.001]),
    ],
)
def test_wrong_gradients_are_found_with_input_element_and_both_numbers(monkeypatch, mistake):
    right = RULES[np.multiply][0]
    monkeypatch.setitem(RULES[np.multiply], 0, lambda *a: mistake(right(*a)))
    with pytest.raises(GradcheckError, match=r"element \(\d,\) of input 0 is .* but the diff"):
        gradcheck(lambda x, y: x * y, (INPUTS[1], INPUTS[1] + 1))


def test_a_forgotten_chain_factor_is_found(monkeypatch):
    monkeypatch.setitem(RULES[np.multiply], 0, lambda grad, out, x, y: y * np.ones_like(grad))
    with pytest.raises(GradcheckError, match="input 0"):
        gradcheck(lambda x, y: x * y, (INPUTS[1], INPUTS[1] + 1))


def test_a_wrong_second_derivative_is_found(monkeypatch):
    def detached(grad, out, x):
        return grad * (1 - np.asarray(out) ** 2)

    monkeypatch.setitem(RULES[np.tanh], 0, detached)
    assert gradcheck(tanh, INPUTS[1])
    with pytest.raises(GradcheckError):
        gradgradcheck(tanh, INPUTS[1])


def test_float32_is_too_coarse_to_check():
    with pytest.raises(TypeError, match="input 0 is float32"):
        gradcheck(tanh, np.ones(3, np.float32))


def test_an_anomaly_forwards_names_the_operation_its_input_and_the_line():
    with pytest.raises(AnomalyError) as found, np.errstate(all="ignore"), detect_anomaly():
        log(Variable([1.0, -1.0]) * 1.0)  # the line that is named
    message = str(found.value)
    assert "log of [ 1. -1.] gave" in message and "nan" in message
    assert __file__ in message and "the line that is named" in message


def test_an_anomaly_in_a_notebook_names_no_temporary_file():
    name, source = "/tmp/ipykernel_12/345.py", "\nlog(Variable(0.0))\n"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    cell = compile(source, name, "exec")
    with pytest.raises(AnomalyError) as found, np.errstate(all="ignore"), detect_anomaly():
        exec(cell, {"log": log, "Variable": Variable})
    assert "in a cell of the notebook, line 2: log(Variable(0.0))" in str(found.value)


def test_an_anomaly_backwards_names_the_line_where_the_operation_was_called():
    with detect_anomaly():
        root = sqrt(Variable([1.0, 0.0]))  # here it was called
        with pytest.raises(AnomalyError) as found:
            root.sum().backward()
    message = str(found.value)
    assert "sqrt" in message and "inf" in message and "here it was called" in message


def test_the_first_operation_is_named_and_not_one_that_inherits_its_nan():
    with (
        pytest.raises(AnomalyError, match=r"^divide of"),
        np.errstate(all="ignore"),
        detect_anomaly(),
    ):
        x = Variable([0.0])
        y = x / x
        tanh(y)
    with detect_anomaly():
        tanh(Variable([np.nan]))  # it was there before


def test_watching_ends_with_the_block_and_concerns_one_thread():
    results = []

    def in_a_thread():
        with np.errstate(all="ignore"):
            results.append(sqrt(Variable([-1.0])))

    with detect_anomaly():
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join()
    assert len(results) == 1 and len(recording.watchers.computed) == 1
    in_a_thread()

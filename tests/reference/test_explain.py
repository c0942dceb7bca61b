"""`explain` acquits every rule of the table, and convicts every one that is made wrong."""

from unittest import mock

import numpy as np
from hypothesis import given, settings

from tinytorch.core.autograd import RULES, Variable, grad
from tinytorch.graph import explain
from tinytorch.support.rules import RuleForEach

from .examples import EVERY_CASE, OURS, SETTINGS, examples

FEW = settings(SETTINGS, max_examples=6)


def called(example):
    """The example as a function of its arrays."""
    return lambda *arrays: example(OURS, list(arrays))


def acquit_and_convict(example) -> None:
    found = explain(called(example), *example.arrays)
    assert found.agrees, found
    if any(array.size == 0 for array in example.arrays):
        return
    wrong = {}
    for function, rules in RULES.items():
        if isinstance(rules, RuleForEach):
            wrong[function] = RuleForEach(twisted(rules.rule))
        else:
            wrong[function] = {position: twisted(rule) for position, rule in rules.items()}
    with mock.patch.dict(RULES, wrong):
        twice = explain(called(example), *example.arrays)
    by_right_rules = [np.abs(g).max() for g in gradients(example)]
    if max(by_right_rules) > 1e-3:  # else half of it is the same
        assert not twice.agrees and twice.rule, twice


def twisted(rule):
    """A rule that gives half as much again."""
    return lambda *arguments, **parameters: 1.5 * rule(*arguments, **parameters)


def gradients(example) -> list[np.ndarray]:
    xs = [Variable(array) for array in example.arrays]
    out = example(OURS, xs)
    return list(grad(out, xs, np.ones(out.shape)))


@EVERY_CASE
def test_right_rules_agree_and_wrong_ones_do_not(case):
    @given(examples(case))
    @FEW
    def judge(example):
        acquit_and_convict(example)

    judge()

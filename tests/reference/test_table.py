"""Nothing that DESIGN.md promises is left without a case, a rule or a line of documentation."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import find

from tinytorch.core import autograd
from tinytorch.core.autograd import RULES, Variable, grad

from .cases import CASES, NAMES
from .examples import OURS, SETTINGS, examples

CARD = Path(__file__).parents[2] / "source" / "07_autograd" / "README.md"


def simplest(case):
    """The simplest example of a case in which no array is empty and none is a constant."""
    return find(
        examples(case),
        lambda x: (
            all(array.size for array in x.arrays)
            and not any(isinstance(constant, np.ndarray) for constant in x.constants.values())
        ),
        settings=SETTINGS,
    )


def gradient_by(example, position):
    """The gradient by one input alone; the others are plain arrays."""
    arrays = list(example.arrays)
    arrays[position] = Variable(arrays[position])
    return grad(example(OURS, arrays).sum(), arrays[position])


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_case_a_rule_for_each_input_and_documentation(name):
    assert callable(getattr(autograd, name))
    cases = [case for case in CASES if case.name == name]
    assert cases, f"add a case of {name} to cases.py"
    for example in map(simplest, cases):
        for position in range(len(example.arrays)):
            gradient_by(example, position)
            with mock.patch.dict(RULES, clear=True), pytest.raises(NotImplementedError):
                gradient_by(example, position)
    assert f"`{name}`" in CARD.read_text(encoding="utf-8"), f"add {name} to {CARD}"

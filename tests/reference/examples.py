"""Random examples of the cases, and their gradients by any engine that has `grad`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tinytorch.core import autograd

from .cases import CASES, Case

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

# The same examples on every machine and in every run.
SETTINGS = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@dataclass(frozen=True)
class Engine:
    """Where the functions of an engine are, and how arrays go in and come out."""

    module: ModuleType
    variable: Callable[[np.ndarray], Any]
    constant: Callable[[np.ndarray], Any]
    array: Callable[[Any], np.ndarray]
    grad: Callable


OURS = Engine(autograd, autograd.Variable, np.asarray, np.asarray, autograd.grad)


@dataclass(frozen=True)
class Example:
    """One call: arrays to differentiate by, and what stands among them and is constant."""

    case: Case
    arrays: list[np.ndarray]
    constants: dict[int, np.ndarray | float]
    parameters: dict
    seed: int

    def __call__(self, engine: Engine, arrays: list):
        """What the function gives at some arrays or variables of the engine."""
        inputs = list(arrays)
        for position, x in sorted(self.constants.items()):
            inputs.insert(position, engine.constant(x) if isinstance(x, np.ndarray) else x)
        return self.case.function(engine.module)(*inputs, **self.parameters)

    def astype(self, dtype) -> Example:
        """The same call with all arrays rounded to a dtype."""
        rounded = {
            i: x.astype(dtype) if isinstance(x, np.ndarray) else x
            for i, x in self.constants.items()
        }
        return replace(self, arrays=[x.astype(dtype) for x in self.arrays], constants=rounded)

    def output(self) -> np.ndarray:
        """What our function gives."""
        return np.asarray(self(OURS, self.arrays))

    def noise(self, *like: np.ndarray) -> list[np.ndarray]:
        """Random arrays of the shapes and dtypes of others; for an example always the same."""
        rng = np.random.default_rng([self.seed, 1])
        return [np.asarray(rng.normal(size=x.shape), dtype=x.dtype) for x in like]


@st.composite
def examples(draw, case: Case) -> Example:
    """A call of a case with random numbers; of several arrays, one may be a constant."""
    inputs, parameters = draw(case.calls)
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    makers = case.values if isinstance(case.values, tuple) else [case.values] * len(inputs)
    inputs = [
        np.asarray(make(rng, x)) if isinstance(x, tuple) else x
        for make, x in zip(makers, inputs, strict=True)
    ]
    arrays = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray)]
    constant = draw(st.sampled_from([None, None, None, *arrays])) if len(arrays) > 1 else None
    variable = [i for i in arrays if i != constant]
    constants = {i: x for i, x in enumerate(inputs) if i not in variable}
    return Example(case, [inputs[i] for i in variable], constants, parameters, seed)


def first_order(engine: Engine, example: Example, arrays: list, seed: np.ndarray) -> list:
    """The gradient of ``sum(seed * example(arrays))`` by each array."""
    variables = [engine.variable(x) for x in arrays]
    gradients = engine.grad(example(engine, variables), variables, engine.constant(seed))
    return [engine.array(g) for g in gradients]


def second_order(engine: Engine, example: Example, arrays: list, seed, weights: list) -> list:
    """The gradient of ``loss + sum(weights * first_order)`` by each array and the seed.

    The loss is ``sum(seed * example(arrays))``; as a summand it keeps everything connected.
    """
    *variables, seed = inputs = [engine.variable(x) for x in [*arrays, seed]]
    out = example(engine, variables)
    gradients = engine.grad(out, variables, seed, create_graph=True)
    for gradient, variable in zip(gradients, variables, strict=True):
        assert (gradient.shape, gradient.dtype) == (variable.shape, variable.dtype)
    total = (out * seed).sum()
    for gradient, weight in zip(gradients, weights, strict=True):
        total = total + (gradient * engine.constant(weight)).sum()
    return [engine.array(g) for g in engine.grad(total, inputs)]

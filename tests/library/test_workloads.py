"""The steps that module 16 measures: compiled they have the engine's bits, and PyTorch agrees."""

import numpy as np
import pytest

from tinytorch.core.compiler import compile
from tinytorch.support import workloads
from tinytorch.support.workloads import same_bits

ALL = {work.name: work for work in workloads.workloads()}


@pytest.mark.parametrize("name", ALL)
def test_a_compiled_workload_has_the_bits_of_the_engine(name):
    work = ALL[name]
    step, fast = work.engine(), compile(work.engine())
    for _ in range(4):
        assert same_bits(step(*work.arguments), fast(*work.arguments))


@pytest.mark.parametrize("name", ALL)
def test_pytorch_is_asked_for_the_same(name):
    pytest.importorskip("torch")
    work = ALL[name]
    step, (other,) = work.engine(), work.peers().values()
    for _ in range(2):
        for x, y in zip(step(*work.arguments), other(*work.arguments), strict=True):
            np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-3, atol=1e-3)


def test_without_pytorch_there_are_no_peers(monkeypatch):
    monkeypatch.setattr(workloads, "HAS_TORCH", False)
    assert all(work.peers() == {} for work in workloads.workloads())


def test_other_bits_are_noticed():
    x = np.array([1.0, 2.0])
    assert same_bits([x, 3.0], [x.copy(), 3.0])
    assert not same_bits([x], [np.nextafter(x, 2)])

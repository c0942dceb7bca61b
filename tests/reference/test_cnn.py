"""Convolution and pooling beside PyTorch's: the same shapes, numbers and refusals.

Compared are 1,344 convolutions, in float64 and in float32, every fourth of them with loops as well;
504 pools of each kind; and 336 times windows, and fold wherever they fit.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinytorch.core.autograd import Variable
from tinytorch.core.cnn import (
    AvgPool2D,
    Conv2D,
    Flatten,
    GlobalMaxPool,
    MaxPool2D,
    avg_pool2d,
    conv2d,
    conv2d_by_hand,
    fold,
    max_pool2d,
    windows,
)
from tinytorch.core.tensor import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)
functional, nn = torch.nn.functional, torch.nn

BATCHES = [(1, 1, 5, 5), (2, 3, 7, 4), (3, 2, 6, 9)]
KERNELS = [(1, 1), (2, 2), (3, 3), (2, 3), (4, 1), (1, 4), (5, 5)]
SETTINGS = list(itertools.product([1, 2, 3, 4], [0, 1, 2, 3]))  # stride, padding


def drawn(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def same(ours, theirs, call: str, tolerance: float = 1e-12) -> None:
    """Both give an array that is equal to rounding, or both refuse."""
    try:
        expected = theirs().detach().numpy()
    except RuntimeError:
        with pytest.raises(ValueError):
            ours()
        return
    found = np.asarray(ours())
    assert found.shape == expected.shape and found.dtype == expected.dtype, call
    assert np.allclose(found, expected, rtol=tolerance, atol=tolerance), call


CONVOLUTIONS = list(itertools.product(BATCHES, KERNELS, SETTINGS, [1, 4], [True, False]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_convolutions(dtype):
    for batch, kernel, (stride, padding), filters, has_bias in CONVOLUTIONS:
        x, weights = drawn(batch).astype(dtype), drawn((filters, batch[1], *kernel)).astype(dtype)
        bias = drawn((filters,)).astype(dtype) if has_bias else None
        arrays = [None if a is None else torch.tensor(a) for a in (x, weights, bias)]
        same(
            lambda a=(x, weights, bias, stride, padding): conv2d(*a),
            lambda a=(*arrays, stride, padding): functional.conv2d(*a),
            f"conv2d of {batch}, {weights.shape}, bias {has_bias}, {stride}, {padding}",
            1e-12 if dtype == np.float64 else 1e-4,
        )


def test_convolutions_by_hand():
    cases = CONVOLUTIONS[::4]
    for batch, kernel, (stride, padding), filters, has_bias in cases:
        x, weights = drawn(batch), drawn((filters, batch[1], *kernel))
        bias = drawn((filters,)) if has_bias else None
        arrays = [None if a is None else torch.tensor(a) for a in (x, weights, bias)]
        same(
            lambda a=(x, weights, bias, stride, padding): conv2d_by_hand(*a),
            lambda a=(*arrays, stride, padding): functional.conv2d(*a),
            f"conv2d_by_hand of {batch}, {weights.shape}, {stride}, {padding}",
        )


POOLS = list(itertools.product(BATCHES, [1, 2, 3, 4, 5, 6], [None, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3]))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(max_pool2d, functional.max_pool2d), (avg_pool2d, functional.avg_pool2d)],
    ids=["maximum", "mean"],
)
def test_pools(ours, theirs):
    for batch, kernel, stride, padding in POOLS:
        x, settings = drawn(batch) - 3, (kernel, stride, padding)
        same(
            lambda x=x, s=settings: ours(x, *s),
            lambda x=x, s=settings: theirs(torch.tensor(x), *s),
            f"pool of {batch}, {kernel}, {stride}, {padding}",
        )


def test_windows_and_fold():
    for batch, kernel, (stride, padding) in itertools.product(BATCHES, KERNELS, SETTINGS):
        x, settings = drawn(batch), {"stride": stride, "padding": padding}
        same(
            lambda x=x, k=kernel, s=settings: windows(x, k, **s),
            lambda x=x, k=kernel, s=settings: functional.unfold(torch.tensor(x), k, **s),
            f"windows of {batch}, {kernel}, {settings}",
        )
        try:
            columns = drawn(windows(x, kernel, **settings).shape)
        except ValueError:
            continue
        same(
            lambda c=columns, b=batch, k=kernel, s=settings: fold(c, b, k, **s),
            lambda c=columns, b=batch, k=kernel, s=settings: functional.fold(
                torch.tensor(c), b[2:], k, **s
            ),
            f"fold of {batch}, {kernel}, {settings}",
        )


LAYERS = [
    (Conv2D(2, 3, 3, rng=0), nn.Conv2d(2, 3, 3)),
    (Conv2D(2, 1, 5, stride=2, padding=2, rng=0), nn.Conv2d(2, 1, 5, stride=2, padding=2)),
    (MaxPool2D(2), nn.MaxPool2d(2)),
    (MaxPool2D(3, stride=2, padding=1), nn.MaxPool2d(3, stride=2, padding=1)),
    (AvgPool2D(3, stride=1), nn.AvgPool2d(3, stride=1)),
    (AvgPool2D(4, padding=2), nn.AvgPool2d(4, padding=2)),
    (GlobalMaxPool(), nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())),
    (Flatten(), nn.Flatten()),
]


@pytest.mark.parametrize("shape", [(4, 2, 7, 8), (1, 2, 6, 6), (2, 2, 9, 5)], ids=str)
@pytest.mark.parametrize(("ours", "theirs"), LAYERS, ids=lambda layer: str(layer))
def test_layers(ours, theirs, shape):
    theirs = theirs.to(torch.float64)
    ours.astype(np.float64)
    theirs.load_state_dict(
        {
            name.replace("weights", "weight"): torch.tensor(a)
            for name, a in ours.state_dict().items()
        }
    )
    x = drawn(shape)
    for parameter in ours.parameters():
        parameter.requires_grad = False
    same(lambda: ours(Tensor(x)), lambda: theirs(torch.tensor(x)), repr(ours))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Flatten(), nn.Flatten()),
        (GlobalMaxPool(), lambda x: torch.amax(x, dim=(2, 3))),
    ],
    ids=["flatten", "global maximum"],
)
def test_gradients_of_the_layers_that_have_rules(ours, theirs):
    x = np.round(drawn((3, 2, 4, 5)), 0)  # ties
    mine, other = Variable(x), torch.tensor(x, requires_grad=True)
    out, expected = ours(mine), theirs(other)
    seed = drawn(out.shape)
    out.backward(seed)
    expected.backward(torch.tensor(seed))
    assert np.allclose(mine.grad, other.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_as_many_cases_as_the_first_lines_say():
    folds = len(BATCHES) * len(KERNELS) * len(SETTINGS)
    assert (len(CONVOLUTIONS), len(POOLS), folds) == (1344, 504, 336)

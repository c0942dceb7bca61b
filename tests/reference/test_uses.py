"""Uses, not rules: every function with every kind of operand, in every place, beside PyTorch.

What a function gives, and what it sends to each leaf, agrees with PyTorch; where PyTorch has no such
use, with the same call on plain arrays and on a weight alone; or it is refused in one sentence.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinytorch.core import autograd
from tinytorch.core.autograd import Variable
from tinytorch.core.tensor import Tensor

from .cases import NAMES
from .report import compared

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:var")
MASK = [True, False, True]

# A function with its differentiable inputs, ours and PyTorch's. All inputs have the shape (3,),
# unless a kind of operand below changes that.
FUNCTIONS = {
    "add": (2, None, None),
    "subtract": (2, None, None),
    "multiply": (2, None, None),
    "divide": (2, None, None),
    "power": (2, None, torch.pow),
    "maximum": (2, None, lambda x, y: torch.maximum(*torch.broadcast_tensors(x, y))),
    "minimum": (2, None, lambda x, y: torch.minimum(*torch.broadcast_tensors(x, y))),
    "matmul": (2, None, None),
    "where": (2, lambda x, y: autograd.where(MASK, x, y), lambda x, y: torch.where(torch.tensor(MASK), x, y)),
    "clip": (3, lambda x, y, z: autograd.clip(x, y, z), torch.clip),
    "linear": (3, lambda x, y, z: autograd.linear(x, y, z), lambda x, y, z: x @ y + z),
    "concatenate": (2, lambda x, y: autograd.concatenate([x, y]), lambda x, y: torch.concatenate([x, y])),
    "stack": (2, lambda x, y: autograd.stack([x, y]), lambda x, y: torch.stack([x, y])),
    **dict.fromkeys("negative exp log sqrt abs sin cos tanh relu sigmoid sum mean".split(), (1, None, None)),
    "softmax": (1, None, lambda x: torch.softmax(x, -1)),
    "log_softmax": (1, None, lambda x: torch.log_softmax(x, -1)),
    "max": (1, None, torch.amax),
    "min": (1, None, torch.amin),
    "var": (1, None, lambda x: torch.var(x, correction=0)),
    "reshape": (1, lambda x: autograd.reshape(x, (-1, 1)), lambda x: x.reshape(-1, 1)),
    "transpose": (1, None, lambda x: x.permute(tuple(reversed(range(x.ndim))))),
    "getitem": (1, lambda x: autograd.getitem(x, ...), lambda x: x[...]),
    "pad": (1, lambda x: autograd.pad(x, 1), lambda x: torch.nn.functional.pad(x, (1, 1) * x.ndim)),
    "cross_entropy": (1, lambda x: autograd.cross_entropy(x, [1] * len(x)),
                      lambda x: torch.nn.functional.cross_entropy(x, torch.ones(len(x), dtype=torch.long))),
}  # fmt: skip
ROWS = {"cross_entropy"}  # its input is a matrix

LEAVES = {
    "variable": lambda data: Variable(np.array(data)),
    "weight": lambda data: Tensor(np.array(data), requires_grad=True),
}
DTYPES = [np.float16, np.float32, np.float64]


def numbers(name: str, position: int, *shape):
    """Positive numbers far from kinks and poles, always the same ones."""
    rng = np.random.default_rng([len(name), position])
    if name == "clip":  # the bounds lie around most of the numbers
        return (
            rng.uniform(0.5, 2.0, shape)
            if position == 0
            else np.full(shape, [0.0, 0.8, 1.6][position])
        )
    return rng.uniform(0.5, 2.0, shape)


OPERANDS = {  # the other operands: what we are given, what PyTorch is given
    "a list": lambda a: (a.tolist(), torch.tensor(a.astype(np.float32))),
    "a tuple": lambda a: (tuple(a.tolist()) if a.ndim else a.tolist(), torch.tensor(a.astype(np.float32))),
    "an array": lambda a: (a, torch.tensor(a)),
    "a tensor": lambda a: (Tensor(a), torch.tensor(a)),
    "a constant": lambda a: (Variable(a, requires_grad=False), torch.tensor(a)),
    "whole numbers": lambda a: (np.ceil(a).astype(np.int64), torch.tensor(np.ceil(a).astype(np.int64))),
    "a tensor of whole numbers": lambda a: (Tensor(np.ceil(a), dtype=np.int64), torch.tensor(np.ceil(a).astype(np.int64))),
    "booleans": lambda a: (a > 0.9, torch.tensor((a > 0.9).astype(a.dtype))),  # it has no x ** booleans
    "np.float64": lambda a: (np.float64(a.flat[0]), float(a.flat[0])),
    "np.float32": lambda a: (np.float32(a.flat[0]), float(np.float32(a.flat[0]))),
    "np.int64": lambda a: (np.int64(2), 2),
    "a float": lambda a: (float(a.flat[0]), float(a.flat[0])),
    "an int": lambda a: (2, 2),
    "another variable": lambda a: (Variable(a.copy()), torch.tensor(a, requires_grad=True)),
    "another weight": lambda a: (Tensor(a.copy(), requires_grad=True), torch.tensor(a, requires_grad=True)),
}  # fmt: skip
NUMBERS = {"np.float64", "np.float32", "np.int64", "a float", "an int"}
SHAPES = {"three": (3,), "no axes": (), "empty": (0,)}


def our_function(name):
    return FUNCTIONS[name][1] or getattr(autograd, name)


def their_function(name):
    return FUNCTIONS[name][2] or getattr(torch, name)


def sentence(error: Exception) -> bool:
    """Whether an error is one sentence of ours."""
    text = str(error)
    kinds = (TypeError, ValueError, IndexError, NotImplementedError, RuntimeError)
    return isinstance(error, kinds) and "\n" not in text and 10 < len(text) < 300


def gradients_of(out, leaves, seed):
    """What each leaf of ours gets."""
    out.backward(seed.astype(out.dtype))
    return [leaf.grad for leaf in leaves]


def check(name, given, theirs, leaves, their_leaves, dtype, only_numbers) -> str:
    """Compare one use with PyTorch; says whether it was compared or refused."""
    try:
        expected = their_function(name)(*theirs)
    except (RuntimeError, TypeError, IndexError, ValueError):
        expected = None
    try:
        out = our_function(name)(*given)
    except Exception as error:
        assert sentence(error), f"{type(error).__name__}: {error}"
        return "refused"
    assert type(out) is Variable and out.requires_grad
    if only_numbers:
        assert out.dtype == dtype, "a number changed the dtype"
    seed = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
    found = gradients_of(out, leaves, seed)
    for leaf, gradient in zip(leaves, found, strict=True):
        assert gradient.shape == leaf.shape and gradient.dtype == leaf.dtype
        assert gradient.flags.writeable and gradient.base is None
    if expected is None:
        return "no such use in PyTorch"
    tolerance = 5e-3 if np.float16 in {x.dtype.type for x in (*leaves, out)} else 1e-5
    assert out.shape == tuple(expected.shape)
    np.testing.assert_allclose(np.asarray(out), expected.numpy(force=True), tolerance, tolerance)
    gradients = torch.autograd.grad(
        expected, their_leaves, torch.tensor(seed).to(expected.dtype), allow_unused=True
    )
    for ours, wanted in zip(found, gradients, strict=True):
        wanted = 0 * ours if wanted is None else wanted.numpy()
        np.testing.assert_allclose(ours, wanted, tolerance, tolerance)
        compared["torch"] += 1
    return "compared"


def leaf_pair(kind, data):
    return LEAVES[kind](data), torch.tensor(data, requires_grad=True)


def made(name, position, shape, dtype):
    shape = (*shape, 3) if name in ROWS else shape
    return np.asarray(numbers(name, position, *shape), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("name", [n for n, (inputs, *_) in FUNCTIONS.items() if inputs == 1])
def test_a_leaf_alone(name, leaf, shape, dtype):
    ours, theirs = leaf_pair(leaf, made(name, 0, SHAPES[shape], dtype))
    said = check(name, [ours], [theirs], [ours], [theirs], dtype, True)
    expected_refusals = {("max", "empty"), ("min", "empty"), ("cross_entropy", "empty"),
                         ("softmax", "no axes"), ("log_softmax", "no axes"),
                         ("cross_entropy", "no axes")}  # fmt: skip
    if (name, shape) not in expected_refusals:
        assert said == "compared", said


PLACES = [
    (name, place)
    for name, (inputs, *_) in FUNCTIONS.items()
    for place in range(inputs)
    if inputs > 1
]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("name, place", PLACES)
def test_a_leaf_in_each_place_with_every_kind_of_operand(name, place, leaf, operand, dtype):
    if (name, place, operand) == ("linear", 2, "booleans"):
        pytest.skip("numpy's matrix product of booleans is boolean")
    count = FUNCTIONS[name][0]
    tried = set()
    for shape in SHAPES:
        data = [made(name, i, SHAPES[shape], dtype) for i in range(count)]
        if name == "linear" and shape == "three":
            data = [made(name, 0, (2, 3), dtype), made(name, 1, (3, 2), dtype), made(name, 2, (2,), dtype)]  # fmt: skip
        if name == "matmul" and shape == "three":
            data[1] = made(name, 1, (3, 2), dtype)
        if operand in NUMBERS and shape == "empty" and not all(d.size for d in data):
            data = [made(name, i, (2,), dtype) if i != place else d for i, d in enumerate(data)]
        mine, other = leaf_pair(leaf, data[place])
        given, theirs = [], []
        leaves, their_leaves = [mine], [other]
        for i in range(count):
            ours, pytorchs = (mine, other) if i == place else OPERANDS[operand](data[i])
            given.append(ours)
            theirs.append(pytorchs if torch.is_tensor(pytorchs) else torch.tensor(pytorchs, dtype=other.dtype))  # fmt: skip
            if i != place and operand.startswith("another"):
                leaves.append(ours)
                their_leaves.append(pytorchs)
        tried.add(check(name, given, theirs, leaves, their_leaves, dtype, operand in NUMBERS))
    assert "compared" in tried or "no such use in PyTorch" in tried or refused_rightly(name, operand, place)  # fmt: skip


def refused_rightly(name: str, operand: str, place: int) -> bool:
    """Uses that have no meaning at any shape: matrices and joins of numbers."""
    return operand in NUMBERS and name in ("matmul", "concatenate", "linear")


def test_every_function_of_the_contract_is_tried():
    assert set(FUNCTIONS) == {*NAMES, "linear", "cross_entropy"}


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_leaf_in_all_places_gets_the_sum(name, leaf):
    count = FUNCTIONS[name][0]
    shape = (2, 2) if name in ("matmul", "linear") else (3,)
    ours, theirs = leaf_pair(leaf, made(name, 0, shape, np.float64))
    said = check(name, [ours] * count, [theirs] * count, [ours], [theirs], np.float64, False)
    assert said == "compared"


@pytest.mark.parametrize("order", list(itertools.permutations(["variable", "weight", "array"])))
def test_leaves_of_both_kinds_and_an_array_in_every_order(order):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=n) for n in ((4, 3), (3, 2), (2,))]
    ours = [
        LEAVES[kind](a) if kind != "array" else a for kind, a in zip(order, arrays, strict=True)
    ]
    theirs = [torch.tensor(a, requires_grad=kind != "array") for kind, a in zip(order, arrays, strict=True)]  # fmt: skip
    leaves = [x for x in ours if not isinstance(x, np.ndarray)]
    their_leaves = [t for t in theirs if t.requires_grad]
    assert check("linear", ours, theirs, leaves, their_leaves, np.float64, False) == "compared"

"""Inputs to test a function with: the values of arrays, and strategies for calls.

A maker of values takes a random generator and a shape, and gives numbers that do not lie near a kink
or a pole. A call is a pair: the inputs, each the shape of an array or a Python number, and a
dictionary of parameters.
"""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst


def anything(rng, shape):
    """Numbers of both signs."""
    return rng.normal(size=shape)


def positive(rng, shape):
    """Numbers from 0.5 to 2."""
    return rng.uniform(0.5, 2, size=shape)


def nonzero(rng, shape):
    """Numbers of both signs, at least 0.5 away from 0."""
    return positive(rng, shape) * rng.choice([-1, 1], size=shape)


def distinct(rng, shape):
    """Numbers at least 0.3 apart."""
    order = rng.permutation(int(np.prod(shape))).reshape(shape)
    return 0.5 * order - 1 + rng.uniform(-0.1, 0.1, size=shape)


def whole(rng, shape):
    """The numbers -2, -1, 0, 1 and 2."""
    return rng.integers(-2, 3, size=shape).astype(np.float64)


def near_whole(rng, shape):
    """Numbers near -2, -1, 0, 1 or 2."""
    return whole(rng, shape) + rng.uniform(-0.2, 0.2, size=shape)


def near_half(rng, shape):
    """Numbers near -1.5, -0.5, 0.5, 1.5 or 2.5, so at least 0.1 away from those of `near_whole`."""
    return near_whole(rng, shape) + 0.5


SIDES = st.sampled_from([2, 3, 1, 2, 3, 2, 3, 0])
FILLED = st.sampled_from([2, 3, 1])


def shapes(min_dims=0, max_dims=3, sides=SIDES):
    """Shapes, more often of many axes than of few, of which some have no elements."""
    dims = st.sampled_from([*range(min_dims, max_dims + 1), max_dims - 1, max_dims])
    return dims.flatmap(lambda n: st.tuples(*[sides] * n))


def optional_axis(ndim, *others):
    """No axis, one counted from either end, or one of the others; as a parameter."""
    axes = [{"axis": axis} for axis in [*range(-ndim, ndim), *others]]
    return st.sampled_from([{}, *axes])


def one(*parameters):
    """An array of any shape, with one of the given dictionaries of parameters."""
    return st.tuples(st.tuples(shapes()), st.sampled_from(parameters or [{}]))


def with_number(*numbers):
    """An array of any shape, and one of the given numbers."""
    return st.tuples(st.tuples(shapes(), st.sampled_from(numbers)), st.just({}))


def number_with(*numbers):
    """One of the given numbers, and an array of any shape."""
    return st.tuples(st.tuples(st.sampled_from(numbers), shapes()), st.just({}))


@st.composite
def broadcast(draw, arrays=2, max_dims=3):
    """Arrays whose shapes broadcast against each other."""
    shape = draw(shapes(max_dims=max_dims))
    fewer = st.sampled_from([0, 0, *range(len(shape) + 1)])
    return [
        tuple(draw(st.sampled_from([n, n, 1])) for n in shape[draw(fewer) :]) for _ in range(arrays)
    ], {}


@st.composite
def matrices(draw):
    """Two factors: vectors, matrices, or stacks of matrices that broadcast."""
    (x, y), _ = draw(broadcast(max_dims=2))
    n, k, m = draw(st.tuples(SIDES, SIDES, SIDES))
    factors = [[(*x, n, k), (*y, k, m)], [(k,), (*y, k, m)], [(*x, n, k), (k,)], [(k,), (k,)]]
    return draw(st.sampled_from([factors[0], *factors])), {}


@st.composite
def selection(draw):
    """Two arrays and a condition; all three broadcast."""
    (condition, *arrays), _ = draw(broadcast(arrays=3))
    return arrays, {"condition": draw(npst.arrays(bool, condition))}


@st.composite
def along_an_axis(draw):
    """An array and one of its axes, or the last one if none is given."""
    shape = draw(shapes(min_dims=1, sides=FILLED))
    return [shape], draw(optional_axis(len(shape)))


@st.composite
def reduction(draw, sides=FILLED):
    """An array; all of its axes, one or some of them; to be kept or not."""
    shape = draw(shapes(sides=sides))
    some = npst.valid_tuple_axes(len(shape), min_size=1) if shape else st.none()
    axis = draw(optional_axis(len(shape), None, draw(some), draw(some)))
    return [shape], axis | draw(st.sampled_from([{}, {"keepdims": True}]))


@st.composite
def another_shape(draw):
    """An array and another shape for it, perhaps with a -1."""
    shape = draw(shapes())
    size = int(np.prod(shape))
    targets = [size, (size,), (1, size), (size, 1), shape[::-1]]
    if size:
        targets += [-1, (-1,), (1, -1), (*shape[:1], -1), (-1, *shape[-1:])]
    return [shape], {"shape": draw(st.sampled_from(targets))}


@st.composite
def permutation(draw):
    """An array and an order of its axes, each counted from either end; or none."""
    shape = draw(shapes())
    n = len(shape)
    orders = [*itertools.permutations(range(n))]
    orders += [tuple(a - n if place % 2 else a for place, a in enumerate(o, 1)) for o in orders]
    return [shape], draw(st.sampled_from([{}, {"axes": None}, *({"axes": o} for o in orders)]))


@st.composite
def joined(draw):
    """One to three arrays that differ in the length of one axis, the first if none is given."""
    shape = draw(shapes(min_dims=1))
    parameters = draw(optional_axis(len(shape)))
    arrays = [list(shape) for _ in range(draw(st.integers(1, 3)))]
    for array in arrays:
        array[parameters.get("axis", 0)] = draw(SIDES)
    return [tuple(array) for array in arrays], parameters


@st.composite
def stacked(draw):
    """One to three arrays of one shape, and an axis of the result, the first if none is given."""
    shape = draw(shapes())
    return [shape] * draw(st.integers(1, 3)), draw(optional_axis(len(shape) + 1))


@st.composite
def indexed(draw):
    """An array and an index: numbers, slices, ... and None; repeated numbers; or a mask."""
    shape = draw(shapes())
    kinds = [
        npst.basic_indices(shape, allow_newaxis=True),
        npst.arrays(bool, shape[: draw(st.integers(0, len(shape)))]),
    ]
    if shape and 0 not in shape:
        kinds.append(npst.integer_array_indices(shape))
    return [shape], {"index": draw(st.one_of(kinds))}


INDICES = [  # of an array of shape (3, 4, 2)
    (slice(None, None, -1), slice(3, 0, -2)),
    (..., None, slice(None, None, -1)),
    (-1, 2, 0),
    [0, 0, 2],
    [[0, -1], [0, 0]],
    (slice(None), [1, 1, -2]),
    ([0, 2, 0], slice(None), [1, 1, 1]),
    (slice(None, None, -2), [3, 3]),
    ([2, 2], ..., None),
    (1, [0, 0]),
    ([0, 0], None, slice(1, 3), 0),
    np.array([True, False, True]),
    (slice(None), np.array([True, False, True, True]), -1),
]


@st.composite
def padded(draw):
    """An array and how much to put around it: one width, one pair, or a pair for each axis."""
    shape = draw(shapes(min_dims=1))
    width = st.integers(0, 2)
    pair = st.tuples(width, width)
    widths = st.one_of(width, pair, st.tuples(*[pair] * len(shape)))
    optional = {"value": st.sampled_from([1.5, -2])}
    return [shape], draw(st.fixed_dictionaries({"pad_width": widths}, optional=optional))


@st.composite
def affine(draw):
    """Examples, weights and a bias."""
    batch, inputs, outputs = draw(st.tuples(shapes(max_dims=2), SIDES, SIDES))
    return [(*batch, inputs), (inputs, outputs), (outputs,)], {}


@st.composite
def classified(draw):
    """Scores, and the right class of each example."""
    examples, classes = draw(FILLED), draw(FILLED)
    labels = npst.arrays(np.int64, examples, elements=st.integers(0, classes - 1))
    return [(examples, classes)], {"labels": draw(labels)}

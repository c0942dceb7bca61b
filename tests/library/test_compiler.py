"""Compiled steps: equal to the engine to the last bit, and never wrong without a word."""

import numpy as np
import pytest

from tinytorch.core.compiler import compile


def arrays_in(x):
    """All arrays and numbers in a result, as arrays."""
    if isinstance(x, (tuple, list)):
        return [array for part in x for array in arrays_in(part)]
    if isinstance(x, dict):
        return arrays_in(list(x.values()))
    return [np.asarray(x.detach() if hasattr(x, "grad_fn") else x)]


def assert_same_bits(found, expected, what=""):
    """Same structure, shapes, dtypes and bits."""
    found, expected = arrays_in(found), arrays_in(expected)
    assert len(found) == len(expected), what
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype), what
        assert x.tobytes() == y.tobytes(), (what, x, y)


# ---- Random programs

ELEMENTWISE = [np.add, np.subtract, np.multiply, np.maximum, np.divide, np.hypot]
ONE = [np.exp, np.tanh, np.sqrt, np.abs, np.negative, np.square, np.sin, np.sign]


def random_move(rng, pool):
    """One call on some of the arrays in `pool`, as a function of the pool; may write in place."""
    a, b = rng.integers(len(pool), size=2)
    x, y = pool[a], pool[b]
    number, single = float(rng.normal()), ONE[rng.integers(len(ONE))]
    axis = int(rng.integers(x.ndim)) if x.ndim else None
    moves = [
        lambda p: single(p[a]),
        lambda p: p[a] * number + 1,
        lambda p: p[a] ** 2,
        lambda p: 1.5 - p[a],
        lambda p: p[a].sum(axis=axis, keepdims=True),
        lambda p: p[a].mean(axis=axis),
        lambda p: np.where(p[a] > 0, p[a], number),
        lambda p: p[a].T,
        lambda p: np.clip(p[a], -1, number + 2),
        lambda p: p[a].reshape(-1),
        lambda p: p[a].max(axis=axis),
        lambda p: p[a].astype("f4" if p[a].dtype == "f8" else "f8"),
        lambda p: p[a].copy(),
    ]
    try:
        np.broadcast_shapes(x.shape, y.shape)
        f = ELEMENTWISE[rng.integers(len(ELEMENTWISE))]
        moves += [lambda p: f(p[a], p[b]), lambda p: p[a] - p[b], lambda p: p[a] * p[b]]
    except ValueError:
        pass
    if x.ndim:
        i = int(rng.integers(x.shape[0]))
        moves += [
            lambda p: p[a][i],
            lambda p: p[a][i:],
            lambda p: p[a][::-1],
            lambda p: p[a][..., None],
            lambda p: p[a][[0, i, i]],
            lambda p: np.cumsum(p[a], axis=0),
            lambda p: written(p, a, (slice(i, None),), number),
            lambda p: written(p, a, (i,), p[a][0]),
            lambda p: added(p, a, number),
            lambda p: masked(p, a),
        ]
    if x.ndim == 2 and y.ndim == 2 and x.shape[1] == y.shape[0]:
        moves.append(lambda p: p[a] @ p[b])
    return moves[rng.integers(len(moves))]


def written(pool, a, index, new):
    pool[a][index] = new


def added(pool, a, number):
    view = pool[a]
    view += number


def masked(pool, a):
    pool[a][pool[a] < 0] = 0


def random_program(seed, length=12):
    """Inputs of a shape and dtype each, and a function of them."""
    rng = np.random.default_rng(seed)
    shapes = [(3, 4), (4,), (4, 3), (3, 1), ()]
    shapes = [shapes[i] for i in rng.integers(len(shapes), size=3)]
    dtypes = rng.choice(["f4", "f8"], size=3)
    pool = [np.array(rng.normal(size=s), dtype=d) for s, d in zip(shapes, dtypes, strict=True)]
    moves, pool = [], [x.copy() for x in pool]
    with np.errstate(all="ignore"):
        for _ in range(length):
            move = random_move(rng, pool)
            out = move(pool)
            moves.append(move)
            if out is not None and out.size:
                pool.append(out)
            else:
                assert out is None or not out.size

    def program(*inputs):
        pool = list(inputs)
        for move in moves:
            out = move(pool)
            if out is not None and out.size:
                pool.append(out)
        return pool[len(inputs) :]

    def fresh(seed):
        rng = np.random.default_rng(seed)
        return [np.array(rng.normal(size=s), dtype=d) for s, d in zip(shapes, dtypes, strict=True)]

    return program, fresh


@pytest.mark.parametrize("block", range(10))
def test_random_programs_give_the_same_bits_on_every_call(block):
    for seed in range(block * 40, block * 40 + 40):
        program, fresh = random_program(seed)
        compiled = compile(program)
        for call in range(4):
            mine, theirs = fresh(call), fresh(call)
            with np.errstate(all="ignore"):
                found, expected = compiled(*mine), program(*theirs)
            assert_same_bits(found, expected, seed)
            assert_same_bits(mine, theirs, (seed, "inputs"))
            assert no_memory_is_shared(found, mine, compiled), seed


def no_memory_is_shared(outputs, inputs, compiled):
    held = [x for x in [*inputs, *compiled.buffers] if isinstance(x, np.ndarray)]
    out = [x for x in arrays_in(outputs) if x.size]
    pairs = [(x, y) for x in out for y in held]
    pairs += [(x, y) for i, x in enumerate(out) for y in out[:i]]
    return not any(np.shares_memory(x, y) for x, y in pairs)

"""One array in two places, and views of another: a compiled step keeps them as the plain step does."""

import types

import numpy as np
import pytest
from test_calls_again import BACKENDS, looked_at

from tinytorch.core.compiler import compile


def state(**arrays):
    """Arrays by name."""
    return types.SimpleNamespace(**arrays)


def one_in_two(s, x):
    out = s.a + s.b
    y = x * 2
    s.a = s.b = y
    return out


def one_in_a_list_too(s, x):
    y = x * 2
    s.rows[0] = s.a = y
    return y + s.b


def a_view_of_what_is_kept(s, x):
    s.b = s.a[:2]
    return s.b * x[:2]


def a_view_of_what_is_new(s, x):
    s.a = x * 2
    s.b = s.a[::-1]
    return s.b


def a_view_of_what_is_given(s, x):
    out = s.b * 2
    s.b = x.reshape(3, 1)[:, 0]
    return out


def what_is_given(s, x):
    out = s.a * 1
    s.a = x
    return out


def swapped(s, x):
    s.a, s.b = s.b, s.a
    return s.a * x


def changed_where_it_is(s, x):
    s.a += x
    return s.view * 2


STEPS = [
    one_in_two,
    one_in_a_list_too,
    a_view_of_what_is_kept,
    a_view_of_what_is_new,
    a_view_of_what_is_given,
    what_is_given,
    swapped,
    changed_where_it_is,
]


def run(step, make, change):
    """What comes out of some calls, and what is kept after each, with changes in between."""
    a = np.arange(3.0)
    s, found = state(a=a, b=np.ones(3), view=a[:2], rows=[np.zeros(3)]), []
    call = make(lambda x: step(s, x))
    for i in range(7):
        x = np.arange(3.0) + i
        out = call(x)
        found.append(np.array(out).tolist())
        change(s, x)
        found.append([s.a.tolist(), s.b.tolist(), s.view.tolist(), s.rows[0].tolist(), x.tolist()])
        assert not any(np.may_share_memory(out, kept) for kept in (s.a, s.b, s.rows[0], x))
    return found


def change_a(s, x):
    s.a += 1


def change_b(s, x):
    s.b *= 3


def change_x(s, x):
    x -= 5


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("change", [lambda s, x: None, change_a, change_b, change_x])
@pytest.mark.parametrize("step", STEPS)
def test_what_is_changed_between_calls_shows_where_it_does_in_the_plain_step(step, change, backend):
    plain = run(lambda s, x: np.array(step(s, x)), lambda step: step, change)
    assert run(step, lambda step: compile(step, backend=backend), change) == plain


def test_what_a_step_puts_into_two_places_is_one_array():
    s = state(a=np.ones(3), b=np.ones(3))
    compiled = compile(lambda x: one_in_two(s, x))
    for _ in range(5):
        compiled(np.ones(3))
        assert s.a is s.b


# ---- Whether two are the same one


def cached(s, x):
    """Something is done anew where another array is held."""
    if s.last is not s.a:
        s.count, s.last = s.count + 1, s.a
    return x * s.count


def compared(s, x):
    return x * (1 + (s.a is s.b) + 2 * (x is s.a) + 4 * (x is s.b))


def put_and_compared(s, x):
    out = x * (1 + (s.a is s.b))
    y = x * 2
    s.a = y
    s.b = y if x.size > 2 else y * 1
    return out


def calls_that_compare(step, make):
    """What comes of calls with arrays that are held, and others, in turns."""
    s = state(a=np.ones(3), b=np.full(3, 2.0), last=None, count=0.0)
    call, found = make(lambda x: step(s, x)), []
    for turn in "ooottaabbooaoathhoto":
        match turn:
            case "t":  # the same one twice, or no more
                s.b = s.a if s.b is not s.a else s.a.copy()
            case "h":
                s.a = s.a.copy()
        x = {"a": s.a, "b": s.b}.get(turn, np.arange(3.0))
        found.append((turn, np.array(call(x)).tolist(), s.count, s.a is s.b))
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("step", [cached, compared, put_and_compared])
def test_a_step_may_ask_whether_two_arrays_are_the_same_one(step, backend):
    expected = calls_that_compare(step, lambda step: step)
    assert calls_that_compare(step, lambda step: compile(step, backend=backend)) == expected


def test_one_array_in_two_places_does_not_make_the_next_look_a_close_one():
    held = np.ones(3)
    s = state(a=held, b=held)
    compiled = compile(lambda x: x + s.a * s.b)
    for _ in range(4):
        compiled(np.ones(3))
    assert looked_at(compiled, np.ones(3))
    assert not looked_at(compiled, held)
    s.b = np.ones(3)
    assert not looked_at(compiled, np.ones(3))


def test_an_array_that_is_given_and_held_is_one_value():
    held = np.ones(3)
    s = state(a=held)
    compiled = compile(lambda x: x + s.a)
    for i in range(5):
        held[...] = i
        assert compiled(held).tolist() == [2.0 * i] * 3
    assert looked_at(compiled, held)
    assert len(compiled.program.inputs) == 1

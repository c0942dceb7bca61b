"""Many variants observed in one process answer what each answers in a process of its own."""

import numpy as np
import pytest
from small_course import SOURCES

from tito.course import Course
from tito.judge.asking import TOO_LONG, Limits
from tito.judge.behaviour import Behaviour, behave_alike, behaviours_of
from tito.judge.pack import Pack
from tito.judge.variants import Variant, ask_alone, ask_variants

BODIES = {
    "right": "return np.multiply(x, 2)",
    "wrong": "return x * 3",
    "raises": "raise ValueError('no')",
    "ends its process": "import os\n    os._exit(3)",
    "spoils numpy": "np.multiply = lambda x, y: x\n    return x",
    "right after that": "return np.multiply(x, 2)",
    "draws": "return x * np.random.default_rng().normal()",
    "no Python": "return x *",
}


def double(body: str) -> Variant:
    return Variant("double", f"#| export\ndef double(x):\n    {body}\n")


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Pack:
    root = tmp_path_factory.mktemp("course")
    for folder, text in SOURCES.items():
        path = root / "source" / folder / f"{folder[3:]}_dev.py"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return Pack.of(Course(root).module("numbers"))


def same(ours, theirs) -> bool:
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[key], theirs[key]) for key in ours
    )


def test_they_answer_what_they_answer_alone(pack):
    variants = [double(body) for body in BODIES.values()]
    together = ask_variants(pack, variants, 7)
    for name, variant, got in zip(BODIES, variants, together, strict=True):
        alone = ask_alone(pack, variant, 7)
        assert same(got.answers, alone.answers), name
        assert got.raised == alone.raised, name
        assert got.faults.keys() == alone.faults.keys(), name
    assert len(together[0].answers) == 2
    assert not together[3].answers
    assert same(together[5].answers, together[0].answers)


def test_what_never_ends_is_said_to_take_too_long_and_the_rest_is_asked(pack):
    body = "while np.ndim(x) == 2:\n        pass\n    return x * 3"
    (got,) = ask_variants(pack, [double(body)], 7)
    assert sorted(map(str, got.raised.values())) == [TOO_LONG]
    assert len(got.answers) == 1
    alone = ask_alone(pack, double(body), 7, Limits(1, 10))
    assert alone.raised == got.raised


def test_there_may_be_none(pack):
    assert ask_variants(pack, [], 7) == []


def test_behaviours_are_equal_where_all_answers_are(pack):
    bodies = ["return x * 3", "return x + 2 * x", "return x * 3.01", "return np.multiply(x, 2)"]
    three, sum_, near, right = behaviours_of(pack, [double(body) for body in bodies], 7)
    assert behave_alike(pack, "double", three, sum_)
    assert not behave_alike(pack, "double", three, near)
    assert right.failed == []
    assert not behave_alike(pack, "double", right, right)  # it is not wrong
    assert not behave_alike(pack, "double", three, None)


def test_one_that_fails_more_is_another(pack):
    bodies = ["return x * 3", "return x * 3 if np.ndim(x) else x * 2"]
    both, one = behaviours_of(pack, [double(body) for body in bodies], 7)
    assert set(one.failed) < set(both.failed)
    assert not behave_alike(pack, "double", both, one)
    assert not behave_alike(pack, "double", one, both)


def test_a_behaviour_goes_through_json(pack):
    (behaviour,) = behaviours_of(pack, [double("return x * 3")], 7)
    again = Behaviour.from_data(behaviour.as_data())
    assert behave_alike(pack, "double", again, behaviour)
    assert Behaviour({"large": np.zeros(10**6)}, {}).as_data() is None


def test_where_objects_lie_in_memory_and_unseeded_draws_make_no_other_behaviour(pack):
    bodies = [
        "raise ValueError(f'{object()!r} is no number')",
        "return x * np.random.default_rng().normal()",
        "return x * np.random.normal()",
        "import random\n    return x * random.random()",
    ]
    variants = [double(body) for body in bodies]
    once, again = (behaviours_of(pack, variants, 7) for _ in range(2))
    for body, ours, theirs in zip(bodies, once, again, strict=True):
        assert len(ours.failed) == 2, body
        assert behave_alike(pack, "double", ours, theirs), body

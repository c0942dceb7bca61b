"""What stays of a solution under other names, layout and order."""

import pytest

from tito.insights.fragments import LONGEST_CELL, fragments_of, names_in

GIVEN = names_in("def mean(x, axis):\n    raise NotImplementedError()")
ORIGINAL = """
def mean(x, axis):
    total = np.sum(x, axis=axis)
    count = x.shape[axis]
    return total / count
"""


def statements(source: str) -> set[str]:
    return set(fragments_of(source, GIVEN).lines)


@pytest.mark.parametrize(
    "same",
    [
        ORIGINAL.replace("total", "t").replace("count", "size"),
        ORIGINAL.replace(
            "np.sum(x, axis=axis)", "np.sum(\n        x,  # all of it\n        axis=axis,\n    )"
        ),
        ORIGINAL.replace("(x, axis):", '(x, axis):\n    """The mean."""'),
        """
def mean(x, axis):
    count = x.shape[axis]
    total = np.sum(x, axis=axis)
    return total / count
""",
    ],
    ids=["other names", "other layout", "a docstring", "another order"],
)
def test_it_stays_the_same(same):
    assert statements(same) == statements(ORIGINAL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("np.sum", "np.mean"),
        ("x.shape", "x.size"),
        ("total / count", "count / total"),
        ("axis=axis", "axis=0"),
    ],
)
def test_another_solution_differs(old, new):
    changed = statements(ORIGINAL.replace(old, new))
    if old == "total / count":  # names that the student chose are numbered
        assert changed == statements(ORIGINAL)
    else:
        assert changed != statements(ORIGINAL)


def test_the_head_of_a_loop_is_a_fragment_and_so_is_what_is_in_it():
    found = fragments_of("for n in range(3):\n    a = n\n    b = a + 1\n")
    assert sorted(found.lines.values()) == [(1, 1), (2, 2), (3, 3)]


def test_helpers_and_comments_are_kept():
    found = fragments_of("# The mean of all rows!\ndef helper(x):\n    return x  # ok\n", GIVEN)
    assert found.helpers == {"helper": 2}
    assert found.comments == {"the mean of all rows": 1}


@pytest.mark.parametrize(
    "source",
    ["def f(:", "x = 1\n" * LONGEST_CELL, "(" * 5000, "a" + ".a" * 3000, "\0", "-" * 9000 + "1"],
    ids=["no Python", "too long", "brackets", "dots", "a zero", "signs"],
)
def test_what_cannot_be_read_has_no_fragments(source):
    assert fragments_of(source).lines == {}
    names_in(source)


def test_there_is_an_end_to_statements():
    assert len(fragments_of("".join(f"a{n} = {n}\n" for n in range(900))).lines) <= 400

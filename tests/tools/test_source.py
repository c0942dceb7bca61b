"""Sources: what is refused, and what becomes of the rest."""

import json
import re

import pytest
from small_course import NUMBERS

from tito.author.build import build
from tito.errors import SourceError
from tito.source.percent import read_source, shorten

REFUSED = {
    "an unknown key": (
        '# %% exercise="double"',
        '# %% exercise="double" pionts=3',
        "unknown key pionts",
    ),
    "a name used twice": ('exercise="halve"', 'exercise="double"', "used twice"),
    "checks without an exercise": ('checks="halve"', 'checks="third"', 'no exercise="third"'),
    "an exercise without checks": (
        re.compile('# %% checks="halve".*?(?=# %%)', re.S),
        "",
        "no checks for exercise halve",
    ),
    "a solution without marks": (
        "    ### BEGIN SOLUTION\n    twice_as_much",
        "    twice_as_much",
        "must alternate",
    ),
    "no solution at all": (
        re.compile(r"    ### BEGIN SOLUTION\n    twice.*?END SOLUTION", re.S),
        "    pass",
        "no ### BEGIN SOLUTION",
    ),
    "an unmarked solution cell": ('# %% exercise="double"', "# %%", "names no exercise"),
    "an export cell that does not parse": ("import numpy as np\n\n# %%", "import\n\n# %%", "line"),
    "a solution outside of a function": (
        '"""Twice `x`.',
        '"""Twice."""\n\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\ndef f():\n    """',
        "not inside a function",
    ),
    "points of no number": ("points=4", 'points="four"', "must be a number"),
    "negative points": ("points=4", "points=-4", "must be a number"),
    "no points": ("points=4", "", "needs points"),
    "points at an exercise": ('exercise="double"', 'exercise="double" points=3', "at its checks"),
    "points at given code": ("# %%\n#| default_exp", "# %% points=2\n#| default_exp", "neither"),
    "two roles": ('exercise="double"', 'exercise="double" checks="double"', "not exercise and"),
    "a name with spaces": ('exercise="double"', 'exercise="Double it"', "joined by hyphens"),
    "hidden tests in the open": (
        "    ### BEGIN SOLUTION\n    if",
        "    ### BEGIN HIDDEN TESTS\n    ### END HIDDEN TESTS\n    ### BEGIN SOLUTION\n    if",
        "belong into a checks cell",
    ),
    "a forgotten begin mark": ("### BEGIN HIDDEN TESTS\n", "", "must alternate"),
    "a misspelt begin mark": ("### BEGIN HIDDEN TESTS", "### BEGIN HIDEN TESTS", "must alternate"),
    "a forgotten end mark": ("### END HIDDEN TESTS\n", "", "must alternate"),
    "both marks misspelt": (
        re.compile("HIDDEN TESTS(.*?)HIDDEN TESTS", re.S),
        r"HIDDEN TEST\1HIDDEN TEST",
        "must alternate",
    ),
    "an observation in the open": (
        re.compile("### (BEGIN|END) HIDDEN TESTS\n"),
        "",
        "stands outside",
    ),
    "an observation without parentheses": ("@observe(x=normal(4))", "@observe", "with parentheses"),
    "no observation at all": (
        re.compile("@observe(.*)\n"),
        "",
        "hold functions and no observation",
    ),
    "an unknown sampler": ("normal(4)", "gauss(4)", "are not understood"),
    "a hidden test that is not Python": (
        "return numbers.halve(x)",
        "return numbers.(x)",
        "not Python",
    ),
    "a visible check that is not Python": (
        "check(halve(3.0), 1.5,",
        "check(halve(3.0), 1.5,,",
        "not Python",
    ),
    "a text exercise": (
        '# %% [markdown] answer="why-inverse"',
        '# %% [markdown] exercise="why"',
        "needs",
    ),
    "graded code": (
        '# %% exercise="double"',
        '# %% nbgrader={"grade": true, "solution": true, "grade_id": "double", "points": 3}',
        "not supported",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_source_that_breaks_a_rule_is_refused_in_one_sentence(small_course, case):
    old, new, expected = REFUSED[case]
    module = small_course.module("numbers")
    text = old.sub(new, NUMBERS) if isinstance(old, re.Pattern) else NUMBERS.replace(old, new, 1)
    assert text != NUMBERS
    module.source.write_text(text)
    with pytest.raises(SourceError, match=re.escape(expected)) as refused:
        build(module)
    assert "numbers_dev.py" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not module.built.exists()


def test_building_twice_gives_the_same_bytes(small_course):
    module = small_course.module("numbers")
    first = build(module).read_bytes()
    module.built.unlink()
    assert build(module).read_bytes() == first


def test_cells_get_stable_ids_and_the_metadata_of_nbgrader(small_course):
    nb = json.loads(build(small_course.module("numbers")).read_text())
    by_id = {cell["id"]: cell for cell in nb["cells"]}
    assert len(by_id) == len(nb["cells"])
    assert by_id["double"]["metadata"] == {
        "nbgrader": {
            "schema_version": 3,
            "grade_id": "double",
            "grade": False,
            "solution": True,
            "locked": False,
            "task": False,
        }
    }
    assert by_id["test-double"]["metadata"]["nbgrader"]["points"] == 4
    assert by_id["test-double"]["metadata"]["nbgrader"]["locked"] is True
    assert by_id["why-inverse"]["cell_type"] == "markdown"
    assert {key for cell in nb["cells"] for key in cell["metadata"]} == {"nbgrader", "tito"}
    (demo,) = [cell for cell in nb["cells"] if "tito" in cell["metadata"]]
    assert demo["metadata"]["tito"] == {"demo": demo["id"]}


def test_points_are_shown_at_each_check(small_course):
    nb = json.loads(build(small_course.module("numbers")).read_text())
    checks = next(cell for cell in nb["cells"] if cell["id"] == "test-double")
    assert "".join(checks["source"]).startswith("# double: 4 points\n")


def test_the_long_form_of_the_create_assignment_panel_is_read_and_can_be_shortened(small_course):
    module = small_course.module("numbers")
    short = [(c.role, c.name, c.points) for c in read_source(module)]
    long = NUMBERS.replace(
        'exercise="double"',
        'nbgrader={"grade": false, "grade_id": "double", "locked": false, "schema_version": 3, '
        '"solution": true, "task": false}',
    ).replace(
        'checks="double" points=4',
        'nbgrader={"grade": true, "grade_id": "test-double", "locked": true, "points": 4, '
        '"schema_version": 3, "solution": false, "task": false}',
    )
    module.source.write_text(long)
    assert [(c.role, c.name, c.points) for c in read_source(module)] == short
    assert shorten(module) == 2
    assert module.source.read_text() == NUMBERS
    assert shorten(module) == 0

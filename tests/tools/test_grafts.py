"""One exercise of a student's among the reference's others: what goes in, and what is not told."""

import base64
import json
import marshal
import os
import types

import pytest
from conftest import reference
from small_course import NUMBERS

from tito.judge import asking
from tito.judge.asking import Limits
from tito.judge.graft import graft, needs, needs_of
from tito.judge.pack import Pack
from tito.judge.reach import reaches_out
from tito.judge.verdicts import grade
from tito.notebook.export import CodeCell, notebook_cells

CHAIN = r'''# %%
#| default_exp core.chain
#| export
import numpy as np


# %% exercise="one"
#| export
def one(x):
    ### BEGIN SOLUTION
    a_secret_of_one = x + 1
    return a_secret_of_one
    ### END SOLUTION


# %% checks="one" points=2
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe

@observe(x=normal(3))
def one_more(chain, x):
    return chain.one(x)
### END HIDDEN TESTS


# %%
#| export
def given(x):
    """Given to everybody."""
    return 2 * x


# %% exercise="two"
#| export
def two(x):
    ### BEGIN SOLUTION
    a_secret_of_two = one(one(x))
    return a_secret_of_two
    ### END SOLUTION


# %% checks="two" points=2
### BEGIN HIDDEN TESTS
@observe(x=normal(3))
def two_more(chain, x):
    return chain.two(x)

@observe(x=normal())
def two_more_than_a_number(chain, x):
    return chain.two(x)
### END HIDDEN TESTS


# %% exercise="five"
#| export
def five(x):
    ### BEGIN SOLUTION
    return x + 5
    ### END SOLUTION


# %% checks="five" points=2
### BEGIN HIDDEN TESTS
@observe(x=normal(3))
def five_more(chain, x):
    return chain.five(x)
### END HIDDEN TESTS


# %% exercise="five-and-two"
#| export
def five_and_two(x):
    ### BEGIN SOLUTION
    return given(two(x)) / 2 + 5
    ### END SOLUTION


# %% checks="five-and-two" points=2
### BEGIN HIDDEN TESTS
@observe(x=normal(3))
def seven_more(chain, x):
    return chain.five_and_two(x)
### END HIDDEN TESTS
'''

WRONG_ONE = "def one(x):\n    return x - 1"
WRONG_TWO = "def two(x):\n    return one(x) + 2"


@pytest.fixture
def chain(small_course):
    folder = small_course.root / "source" / "04_chain"
    folder.mkdir()
    (folder / "chain_dev.py").write_text(CHAIN)
    return small_course.module("04_chain")


def cells_of(module, extra=(), **sources):
    """The reference's cells with other texts for some exercises, and cells of one's own."""
    cells = []
    for cell in Pack.of(module).reference:
        name = cell.name.replace("-", "_")
        before = [
            CodeCell(f"own {n}", text) for n, (place, text) in enumerate(extra) if place == name
        ]
        cells += before
        if name in sources:
            cells.append(CodeCell(cell.name, sources[name], exercise=cell.exercise, id=cell.id))
        else:
            cells.append(cell)
    return cells + [
        CodeCell(f"end {n}", text) for n, (place, text) in enumerate(extra) if not place
    ]


def verdict(module, cells):
    pack = Pack.of(module)
    return grade(pack, needs_of(module, pack), cells, 1, Limits(3, 30))


def lost(module, cells):
    """The exercises that lost an observation, and those that a graft saved."""
    results = verdict(module, cells).results
    failed = {r.observation.exercise for r in results if r.fault}
    return failed, {r.observation.exercise for r in results if r.grafted}


def requests(monkeypatch):
    """What is sent to observers from now on."""
    sent, send = [], asking.send
    monkeypatch.setattr(
        asking, "send", lambda process, data: (sent.append(json.loads(data)), send(process, data))
    )
    return sent


def names_in(code):
    """All names and constants of a code object, and of those in it."""
    found = {
        code.co_name,
        code.co_filename,
        *code.co_names,
        *code.co_varnames,
        *map(str, code.co_consts),
    }
    return found.union(*(names_in(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def test_a_wrong_core_exercise_costs_only_its_own_points(chain):
    assert lost(chain, cells_of(chain, one=WRONG_ONE)) == ({"one"}, {"two", "five-and-two"})


@pytest.mark.parametrize("place", ["one", "two", "five", ""])
def test_a_helper_in_a_cell_of_ones_own_goes_along(chain, place):
    cells = cells_of(
        chain,
        [(place, "def twice(f, x):\n    return f(f(x))")],
        one=WRONG_ONE,
        two="def two(x):\n    return twice(one, x)",
    )
    assert lost(chain, cells) == ({"one"}, {"two", "five-and-two"})


def test_a_helper_in_the_cell_of_another_exercise_goes_along(chain):
    cells = cells_of(
        chain,
        one="import math\nTIMES = 2\ndef often(f, x, n):\n    for _ in range(int(math.pow(n, 1))):\n"
        "        x = f(x)\n    return x\n" + WRONG_ONE,
        two="def two(x):\n    return often(one, x, TIMES)",
    )
    assert lost(chain, cells) == ({"one"}, {"two", "five-and-two"})


def test_what_was_added_to_a_given_cell_goes_along_and_what_was_broken_does_not(chain):
    cells = cells_of(
        chain, one=WRONG_ONE, two="def two(x):\n    return reduce(lambda y, _: one(y), '12', x)"
    )
    cells = [
        CodeCell(c.name, "import numpy as np\nfrom functools import reduce", id=c.id)
        if n == 0
        else CodeCell(c.name, "def given(x):\n    return 0", id=c.id)
        if "def given" in c.source
        else c
        for n, c in enumerate(cells)
    ]
    assert lost(chain, cells) == ({"one"}, {"two", "five-and-two"})


def test_a_solution_may_use_exercises_that_the_reference_does_without(chain):
    cells = cells_of(
        chain,
        one=WRONG_ONE,
        five_and_two="def five_and_two(x):\n    return five(given(two(x)) / 2)",
    )
    assert lost(chain, cells) == ({"one"}, {"two", "five-and-two"})


def test_these_are_the_students_own(chain):
    """The reference's `five` is not needed by `five-and-two`, so it cannot be borrowed."""
    body = "def five_and_two(x):\n    return five(two(x))"
    cells = cells_of(chain, one=WRONG_ONE, five="def five(x):\n    return x", five_and_two=body)
    assert lost(chain, cells) == ({"one", "five", "five-and-two"}, {"two"})
    blank = Pack.of(chain).blank["five"].source
    cells = cells_of(chain, one=WRONG_ONE, five=blank, five_and_two=body)
    assert lost(chain, cells) == ({"one", "five", "five-and-two"}, {"two"})


def test_an_exercise_cannot_be_solved_with_another_ones_reference(chain):
    """`five-and-two` is `five` and `two`, but an observation of `five` needs neither."""
    cells = cells_of(
        chain,
        five="def five(x):\n    return five_and_two(x) - 2",
        five_and_two="def five_and_two(x):\n    return x",
    )
    assert lost(chain, cells) == ({"five", "five-and-two"}, set())


def test_what_exercises_need_is_found_out_in_a_few_processes(chain, started, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    pack = Pack.of(chain)
    found = needs.__wrapped__(pack)
    assert found["two"] == ["one"] and found["five"] == []
    assert len(pack.exercises) == 4
    assert len(started) <= 1 + 2 * 2  # of the reference, of blanks, and of grafts


def test_a_graft_holds_no_reference_of_the_exercise_and_no_text_of_others(chain, monkeypatch):
    pack, needs = Pack.of(chain), needs_of(chain, Pack.of(chain))
    sent = requests(monkeypatch)
    verdict(chain, cells_of(chain, one=WRONG_ONE, two="def two(x):\n    return one(x + 1) + 0"))
    grafts = [r for r in sent if any(cell and "code" in cell for cell in r["cells"])]
    assert len(grafts) == 2
    for request in grafts:
        (tested,) = {
            s["check"].removeprefix("test-") for s in request["program"] if isinstance(s, dict)
        }
        code = [marshal.loads(base64.b64decode(c["code"])) for c in request["cells"] if "code" in c]
        seen = set().union(*map(names_in, code))
        text = " ".join(c.get("source", "") for c in request["cells"])
        for name, secret in (("one", "a_secret_of_one"), ("two", "a_secret_of_two")):
            assert (secret in seen) == (name in needs[tested])
            assert secret not in text
        assert not any(str(chain.root) in name or "given to everybody" in name for name in seen)
        assert [c["name"] for c in request["cells"] if "source" in c] == [tested]
        assert all(
            s is None or isinstance(s, str) or s["check"] == f"test-{tested}"
            for s in request["program"]
        )
    assert pack.reference  # the pack itself is left as it was
    assert all(cell.source for cell in pack.reference)


def test_a_graft_tells_nothing_of_what_it_saw(chain):
    """The values in the student's line are those of their own module, not of the graft."""
    spy = "def two(x):\n    return one(x) * 1000"
    results = verdict(chain, cells_of(chain, one="def one(x):\n    return x - x", two=spy)).results
    (line,) = (r.line for r in results if r.observation.name == "two_more")
    assert "gave [0, 0, 0], expected" in line
    shout = "def two(x):\n    raise ValueError(str(one(x)))"
    results = verdict(
        chain, cells_of(chain, one="def one(x):\n    return 'mine'", two=shout)
    ).results
    lines = [r.line for r in results if r.observation.exercise == "two"]
    assert all("ValueError" in line and "mine" not in line for line in lines)


def test_blank_exercises_are_not_grafted(chain, monkeypatch):
    pack = Pack.of(chain)
    needs_of(chain, pack)
    sent = requests(monkeypatch)
    cells = [pack.blank[c.name] if c.exercise else c for c in pack.reference]
    assert {r.observation.exercise for r in verdict(chain, cells).results if r.fault} == set(
        pack.exercises
    )
    assert not any(cell and "code" in cell for request in sent for cell in request["cells"])


CHANGES = {
    "nothing else": {},
    "a helper in its cell": {
        "five": "def five(x):\n    return x + 5\n\ndef given(x):\n    return 0"
    },
    "a function of it turns a switch": {
        "five": "def five(x):\n    np.seterr(all='warn')\n    return x + 5"
    },
    "a function of it changes another's": {
        "five": "def five(x):\n    one.more = 3\n    return x + 5"
    },
    "another signature": {"five": "def five(x, more=None):\n    return x + 5"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_can_only_be_wrong_by_itself_is_not_observed_again(chain, monkeypatch, change):
    needs_of(chain, Pack.of(chain))
    sent = requests(monkeypatch)
    verdict(
        chain,
        cells_of(chain, one="def one(x):\n    return x + 1", two=WRONG_TWO, **CHANGES[change]),
    )
    grafts = [r for r in sent if any(cell and "code" in cell for cell in r["cells"])]
    tested = {s["check"] for r in grafts for s in r["program"] if isinstance(s, dict)}
    assert ("test-five-and-two" in tested) and ("test-two" in tested) == (change != "nothing else")


@pytest.mark.parametrize("given", ["def given(x):\n    return 0", ""])
def test_a_changed_given_cell_is_still_replaced(chain, given):
    cells = cells_of(chain, five_and_two="def five_and_two(x):\n    return given(two(x)) / 2 + 5")
    cells = [
        CodeCell(c.name, given, id=c.id) if "def given" in c.source else c
        for c in cells
        if given or "def given" not in c.source
    ]
    assert lost(chain, cells) == (set(), {"five-and-two"})


def test_a_cell_that_fails_at_its_end_is_loaded_again_after_another_one_hung(chain):
    """What comes after a definition costs nothing, also where a second process is needed."""
    cells = cells_of(
        chain,
        one="def one(x):\n    return x + 1\nplt.plot(one(np.arange(3)))",
        two="def two(x):\n    while True:\n        pass",
    )
    assert lost(chain, cells)[0] == {"two"}


SHOWS = {
    "plots": "import matplotlib.pyplot as plt\n{}\nfig, (a, b) = plt.subplots(1, 2)\na.plot([1])\n"
    "plt.show()\n",
    "checks": "from tito.checks import check, check_raises\n{}\ncheck(double(1), 2, hint='twice')\n",
    "shows a table": "from IPython.display import HTML, display as show\nimport pandas as pd\n{}\n"
    "show(HTML('<b>2</b>'))\ndisplay(pd.DataFrame({{'x': [1]}}).describe())\n",
    "uses the shell": "{}\nget_ipython().run_line_magic('matplotlib', 'inline')\n",
}


@pytest.mark.parametrize("case", SHOWS)
def test_a_cell_that_also_shows_something_is_loaded_to_its_end(small_course, case):
    module = small_course.module("numbers")
    first = SHOWS[case].format("def double(x):\n    return 2 * x")
    cells = [
        CodeCell("double", first + "def double(x):\n    return x * 2\n", exercise=True)
        if c.name == "double"
        else c
        for c in Pack.of(module).reference
    ]
    found = verdict(module, cells)
    assert found.broken == {}
    assert not any(result.fault for result in found.results)


def test_what_a_notebook_shows_is_no_part_of_an_answer(small_course):
    module = small_course.module("numbers")
    text = "import matplotlib\ndef double(x):\n    return matplotlib.double(x)"
    cells = [
        CodeCell("double", text, exercise=True) if c.name == "double" else c
        for c in Pack.of(module).reference
    ]
    results = verdict(module, cells).results
    assert all(r.fault for r in results if r.observation.exercise == "double")


def test_a_student_cannot_fill_the_graders_memory(small_course):
    module = small_course.module("numbers")
    for huge in ("np.zeros(10**6)", "[[] for _ in range(10**6)]", "{'a' * 10**7: 1.0}"):
        cells = [
            CodeCell("double", f"def double(x):\n    return {huge}", exercise=True)
            if c.name == "double"
            else c
            for c in Pack.of(module).reference
        ]
        results = verdict(module, cells).results
        faults = [r.fault for r in results if r.observation.name == "double_of_a_matrix"]
        assert faults == ["ValueError: the answer is too large"]


def test_the_small_course_is_what_these_tests_take_it_for(small_course):
    module = small_course.module("numbers")
    names = [c.name for c in notebook_cells(reference(module)) if c.exercise]
    assert names == ["double", "halve"] and "halve" in NUMBERS
    assert needs_of(module, Pack.of(module)) == {"double": [], "halve": []}
    assert graft(Pack.of(module), Pack.of(module).reference, "double", [])


REACHES_OUT = {
    "a class": "def f(self):\n    Tensor.requires_grad = True",
    "the class of a parameter": "def f(self):\n    type(self).x = 1",
    "its class, by name": "def f(self):\n    self.__class__.x = 1",
    "an item": "def f(x):\n    TABLE[x] = 1",
    "deleted": "def f(x):\n    del TABLE[x]",
    "added to": "def f(x):\n    counter.calls += 1",
    "a module that it imports": "def f(x):\n    import numpy as np\n    np.sum = 1",
    "a global name": "def f(x):\n    global y\n    y = x",
    "setattr": "def f(x):\n    setattr(Tensor, 'x', 1)",
    "a switch of numpy": "def f(x):\n    np.seterr(all='raise')\n    return x",
    "warnings": "def f(x):\n    warnings.simplefilter('error')",
    "in a tuple": "def f(x):\n    a, Tensor.x = 1, 2",
    "in a loop": "def f(x):\n    for Tensor.x in range(3):\n        pass",
    "no Python": "def f(",
}
ITS_OWN = {
    "nothing": "def f(x):\n    return x + 1",
    "self": "def f(self, x):\n    self.x = x\n    self.table[x] = 1\n    self.a.b += 1",
    "a local name": "def f(x):\n    y = x.copy()\n    y[0] = 1\n    for i, z in enumerate(y):\n        z.a = i",
    "outside of a function": "class A:\n    x = 1\nA.y = 2",
}


@pytest.mark.parametrize("case", REACHES_OUT)
def test_solutions_that_reach_out(case):
    assert reaches_out(REACHES_OUT[case])


@pytest.mark.parametrize("case", ITS_OWN)
def test_solutions_that_keep_to_themselves(case):
    assert not reaches_out(ITS_OWN[case])


def test_a_switch_of_numpy_costs_nobody_else(chain):
    cells = cells_of(
        chain,
        one="def one(x):\n    np.seterr(all='raise')\n    return x + 1",
        five="def five(x):\n    np.exp(-1000.0)\n    return x + 5",
    )
    assert lost(chain, cells) == (set(), set())


HELPED = r"""# %%
#| default_exp core.helped
#| export
from tinytorch.support import helping


# %% exercise="one"
#| export
def one(x):
    ### BEGIN SOLUTION
    return helping.plus(x, 1)
    ### END SOLUTION


# %% checks="one" points=2
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe

@observe(x=normal(3))
def one_more(helped, x):
    return helped.one(x)
### END HIDDEN TESTS


# %% exercise="two"
#| export
def two(x):
    ### BEGIN SOLUTION
    return helping.plus(one(x), 1)
    ### END SOLUTION


# %% checks="two" points=2
### BEGIN HIDDEN TESTS
@observe(x=normal(3))
def two_more(helped, x):
    return helped.two(x)
### END HIDDEN TESTS
"""


@pytest.fixture
def helped(small_course):
    """A module that leans on a part of the library that is written by hand."""
    support = small_course.root / "tinytorch" / "support"
    support.mkdir()
    (support / "__init__.py").touch()
    (support / "helping.py").write_text("def plus(x, y):\n    return x + y\n")
    folder = small_course.root / "source" / "05_helped"
    folder.mkdir()
    (folder / "helped_dev.py").write_text(HELPED)
    return small_course.module("05_helped")


def test_grafts_have_the_library_that_is_written_by_hand(helped):
    assert lost(helped, cells_of(helped)) == (set(), set())
    assert lost(helped, cells_of(helped, one="def one(x):\n    return x")) == ({"one"}, {"two"})
    assert lost(helped, cells_of(helped, two="def two(x):\n    return helping.plus(x, 3)")) == (
        {"two"},
        set(),
    )


PATCHED = "helping.plus = lambda x, y: 0 * x\n\n\ndef one(x):\n    return 0 * x"


def test_who_replaces_a_part_of_the_library_changes_only_the_own_answers(helped):
    """Neither the reference's answers, nor a graft of another exercise, nor the next submission."""
    assert lost(helped, cells_of(helped, one=PATCHED)) == ({"one"}, {"two"})
    both = cells_of(helped, one=PATCHED, two="def two(x):\n    return 0 * x")
    assert lost(helped, both) == ({"one", "two"}, set())
    assert lost(helped, cells_of(helped)) == (set(), set())

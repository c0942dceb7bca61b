"""Demos: which given cells grading leaves out, and what is to be seen in their place."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import calls_of, cell_of, changed, hand_in, reference
from nbformat.v4 import new_code_cell, new_notebook

from tito.author.grade import grade
from tito.author.release import release
from tito.course import Course
from tito.errors import SourceError
from tito.judge.pack import Pack
from tito.judge.workspace import workspace
from tito.notebook.names import names_of
from tito.source.instructors_notebook import notebook
from tito.source.percent import Cell, read_source
from tito.source.reference import reference_text
from tito.source.regions import without_hidden_tests
from tito.steps.cells import Running, execute
from tito.steps.execute_in_workspace import LEFT_OUT, leave_out_demos
from tito.student import actions as student
from tito.student.running import Desk

ROOT = Path(__file__).parents[2]
DEMOS = ["figure = draw(data)", "measured = seconds(lambda: 3)"]


def pack_of(*sources):
    """A pack in which some cells are demos."""
    return Pack("01_x", "x", tuple(Cell("demo", source) for source in sources), ())


def out_of(pack, sources) -> set[int]:
    """The cells that are left out of a submission."""
    cells = [new_code_cell(source) for source in sources]
    return leave_out_demos(new_notebook(cells=cells), SimpleNamespace(pack=pack))


def test_demos_that_nothing_needs_are_left_out():
    cells = ["data = 1", *DEMOS, "print(data)", ""]
    assert out_of(pack_of(*DEMOS), cells) == {1, 2}


def test_what_a_student_changed_is_run():
    cells = ["data = 1", "figure = draw(data, 2)", DEMOS[1]]
    assert out_of(pack_of(*DEMOS), cells) == {2}


def test_layout_and_comments_are_no_change():
    assert out_of(pack_of(*DEMOS), ["figure  = draw( data )  # a picture"]) == {0}


NEEDED = {
    "used in a later cell": "print(figure)",
    "used in a function": "def f():\n    return figure",
    "used in a comprehension": "[figure for _ in range(3)]",
    "used as a default": "def f(x=figure):\n    pass",
    "used in a class": "class A:\n    x = figure",
    "added to": "figure += 1",
    "deleted": "del figure",
    "perhaps replaced before it is used": "if data:\n    figure = 2\nprint(figure)",
    "replaced in a loop that may not run": "for figure in data:\n    pass\nprint(figure)",
    "used by a magic": "%timeit show(figure)",
    "used by a shell command": "!echo {figure}",
    "in a cell that is no Python": "figure (",
    "replaced by what is made of it": "figure = figure.copy()",
    "used in a decorator": "@figure\ndef f():\n    pass",
    "awaited": "await figure",
    "used in a formatted text": "print(f'{figure}')",
    "used by eval": "eval('show(figure)')",
    "used by timeit": "timeit.timeit('show(figure)', globals=globals(), number=1)",
    "used by name": "globals()['figure']",
    "perhaps replaced in a try": "try:\n    figure = f()\nexcept E:\n    pass\nprint(figure)",
    "perhaps replaced in a context": "with suppress(E):\n    figure = f()\nprint(figure)",
}


@pytest.mark.parametrize("use", NEEDED)
def test_demos_that_something_needs_are_run(use):
    assert out_of(pack_of(*DEMOS), [*DEMOS, NEEDED[use]]) == {1}


FREE = {
    "replaced before it is used": "figure = 2\nprint(figure)",
    "a parameter": "def f(figure):\n    return figure",
    "a local name": "def f():\n    figure = 1\n    return figure",
    "a lambda's": "f = lambda figure: figure + 1",
    "a comprehension's": "[figure for figure in range(3)]",
    "a loop's": "for figure in range(3):\n    print(figure)",
    "a context's": "with open('x') as figure:\n    print(figure)",
    "an exception's": "try:\n    f()\nexcept E as figure:\n    print(figure)",
    "an attribute": "print(book.figure)",
    "a keyword": "f(figure=3)",
    "a text": "print('figure')",
    "imported": "import figure\nprint(figure)",
    "imported under its name": "from a import b as figure\nfigure()",
    "a method called eval": "class Net:\n    def eval(self):\n        'Free the figure.'",
    "a network switched to use": "net.eval()  # for the figure",
}


@pytest.mark.parametrize("use", FREE)
def test_another_thing_of_the_same_name_needs_nothing(use):
    assert out_of(pack_of(*DEMOS), [*DEMOS, FREE[use]]) == {0, 1}


def test_what_another_cell_defined_since_is_that_cells():
    assert out_of(pack_of(*DEMOS), [DEMOS[0], "figure = 2", "print(figure)"]) == {0}


MAYBE = {
    "in a try": "try:\n    figure = f()\nexcept E:\n    pass",
    "in a branch": "if data:\n    figure = 2",
    "in a loop": "for n in data:\n    figure = n",
    "in a context": "with suppress(E):\n    figure = 1 / 0",
    "in a function": "def f():\n    global figure\n    figure = 2",
}


@pytest.mark.parametrize("case", MAYBE)
def test_what_another_cell_may_have_defined_since_may_still_be_the_demos(case):
    assert out_of(pack_of(*DEMOS), [*DEMOS, MAYBE[case], "print(figure)"]) == {1}


@pytest.mark.parametrize("name", ["_", "__", "_3", "Out[3]", "In", "_i"])
def test_where_earlier_results_are_used_by_number_everything_is_run(name):
    assert out_of(pack_of(*DEMOS), [*DEMOS, f"print({name})"]) == set()


def test_a_copy_that_a_student_made_is_run():
    assert out_of(pack_of(*DEMOS), [*DEMOS, "x = 1", DEMOS[1], DEMOS[0] + "  # again"]) == {0, 1}


def test_a_demo_that_a_needed_demo_needs_is_run():
    pack = pack_of("a = 1", "b = a + 1", "c = 3")
    assert out_of(pack, ["a = 1", "b = a + 1", "c = 3", "print(b)"]) == {2}
    assert out_of(pack, ["a = 1", "b = a + 1", "c = 3"]) == {0, 1, 2}


def test_a_function_from_before_reads_a_demo_unless_something_else_defined_it():
    helper = "def show():\n    print(figure)"
    assert out_of(pack_of(*DEMOS), [helper, *DEMOS, "show()"]) == {2}
    assert out_of(pack_of(*DEMOS), ["figure = 0\n" + helper, *DEMOS, "show()"]) == {1, 2}


def test_names_of_something_very_deep_are_found():
    source = "x = " + "-" * 10_000 + "figure"
    assert out_of(pack_of(*DEMOS), [*DEMOS, source]) == {1}


LARGE = {
    "one cell": ["x = 1\n" * 10_000],
    "many cells": ["x = 1"] * 1000,
}


@pytest.mark.parametrize("case", LARGE)
def test_nobody_looks_into_what_is_very_large(case):
    assert out_of(pack_of(*DEMOS), [*DEMOS, *LARGE[case]]) == set()


SLOW = {
    "assignments": "\n".join(f"x{n} = {n}" for n in range(4000)),
    "branches": "\n".join(f"if x: x{n} = {n}" for n in range(2500)),
    "functions in functions": "\n".join("lambda: " * 90 + "0" for _ in range(60)),
}


@pytest.mark.parametrize("case", SLOW)
def test_looking_into_a_cell_takes_steps_in_proportion_to_its_length(case):
    """Counted and not timed: half of the cell takes about half of the steps."""
    source = SLOW[case]
    half = "\n".join(source.split("\n")[: source.count("\n") // 2 + 1])
    assert calls(source) < 2.5 * calls(half)


def calls(source: str) -> int:
    """How many calls it takes to find the names of a cell."""
    return calls_of(lambda: names_of.__wrapped__(source))


@pytest.mark.parametrize("module", [module.folder for module in Course(ROOT).modules()])
def test_all_demos_of_the_course_are_left_out_of_its_own_notebooks(module):
    module = Course(ROOT).module(module)
    pack, cells = Pack.of(module), read_source(module)
    sources = [
        "" if c.role in ("text", "answer") else without_hidden_tests(c.source) for c in cells
    ]
    marked = {n for n, cell in enumerate(cells) if cell.role == "demo"}
    assert marked and out_of(pack, sources) == marked


@pytest.mark.parametrize("module", [module.folder for module in Course(ROOT).modules()])
def test_what_is_run_of_the_course_runs_without_its_demos(module):
    """Whatever the names say, nothing else depends on them either."""
    module = Course(ROOT).module(module)
    nb, pack = notebook(read_source(module)), Pack.of(module)
    for cell in nb.cells:
        cell.source = without_hidden_tests(cell.source)
    out = out_of(pack, [c.source if c.cell_type == "code" else "" for c in nb.cells])
    with workspace(pack.modules, pictures=True) as folder:
        (folder / "tinytorch" / "core" / f"{pack.name}.py").write_text(reference_text(module))
        execute(nb, folder, Running(), out)
    errors = [o for c in nb.cells if c.cell_type == "code" for o in c.outputs if "ename" in o]
    assert not errors


def demo_of(nb: dict) -> dict:
    """The cell of the small course that is a demo."""
    (cell,) = [c for c in nb["cells"] if "a demo:" in "".join(c["source"])]
    return cell


def shown(module, student: str) -> str:
    """What a graded notebook shows where the demo is."""
    path = module.root / "autograded" / student / module.folder / module.notebook
    (output,) = demo_of(json.loads(path.read_text()))["outputs"]
    return "".join(output["text"])


def other_demo(nb: dict) -> None:
    """Make the demo show something else."""
    demo_of(nb)["source"] = "print('a demo:', double(np.array([5.0])))"


def with_forged_outputs(nb: dict) -> None:
    """Let the demo come with an output."""
    demo_of(nb)["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "forged"}]


@pytest.mark.parametrize("command", ["tito", "nbgrader"])
def test_it_is_said_where_a_demo_was_left_out(numbers, command):
    hand_in(numbers, "ada", changed(numbers, with_forged_outputs))
    hand_in(numbers, "bob", changed(numbers, other_demo))
    if command == "tito":
        grade(numbers)
    else:
        subprocess.run(["nbgrader", "autograde", numbers.folder], check=True)
    assert shown(numbers, "ada") == LEFT_OUT
    assert shown(numbers, "bob") == "a demo: [10.]\n"


def test_a_setting_has_demos_run(numbers):
    with (numbers.root / "nbgrader_config.py").open("a") as file:
        file.write("c.ExecuteInWorkspace.demos = True\n")
    hand_in(numbers, "ada", reference(numbers))
    grade(numbers)
    assert shown(numbers, "ada") == "a demo: [2. 4.]\n"


WRONG = {
    "a name": ('# %% demo="x"\n1', "demo=true is for code cells"),
    "false": ("# %% demo=false\n1", "demo=true is for code cells"),
    "text": ('# %% [markdown] demo=true\nr"""x"""', "demo=true is for code cells"),
    "an exercise": ('# %% demo=true exercise="x"\n1', "demo=true is for code cells"),
    "exported": ("# %% demo=true\n#| export\nx = 1", "it exports nothing"),
    "a solution": ("# %% demo=true\n### BEGIN SOLUTION\n### END SOLUTION", "holds a solution"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_demo_that_is_none_is_refused(small_course, case):
    text, message = WRONG[case]
    module = small_course.module("numbers")
    module.source.write_text(module.source.read_text() + "\n\n" + text + "\n")
    with pytest.raises(SourceError, match=message):
        read_source(module)


ON_DESK = {
    "unused": (False, "{}"),
    "used": (True, "{}\nassert shown == 3"),
    "changed": (True, "{} "),
}


@pytest.mark.parametrize("case", ON_DESK)
def test_a_students_own_run_leaves_out_demos_that_nothing_needs(numbers, case):
    demo = "shown = open('ran.txt', 'w').close() or 3  # a demo:"
    text = numbers.source.read_text()
    numbers.source.write_text(text.replace('print("a demo:", double(np.array([1.0, 2.0])))', demo))
    release(numbers)
    student.start(numbers)
    is_run, check = ON_DESK[case]
    nb = reference(numbers)
    cell_of(nb, "test-halve")["source"] = check.format(cell_of(nb, "test-halve")["source"])
    demo_of(nb)["source"] += "\n" * (case == "changed")
    numbers.desk.write_text(json.dumps(nb))
    results = student.test(numbers, lambda result: None)
    assert {result.state for result in results} == {"passed"}
    assert (numbers.desk.parent / "ran.txt").exists() == is_run


def test_a_cell_with_the_metadata_of_a_demo_is_none_for_that(numbers):
    student.start(numbers)
    nb = reference(numbers)
    for cell in nb["cells"]:
        cell["metadata"]["tito"] = {"demo": True}
    numbers.desk.write_text(json.dumps(nb))
    assert Desk(numbers).todo() == list(range(len(nb["cells"])))


def test_a_demo_is_run_as_soon_as_a_changed_cell_needs_it(numbers):
    student.start(numbers)
    desk = Desk(numbers)
    (demo,) = [n for n, cell in enumerate(desk.nb.cells) if "a demo:" in cell.source]
    first = desk.todo()
    assert demo not in first and len(first) == len(desk.nb.cells) - 1
    with desk.kernel():
        for number in first:
            desk.run(number)
        assert desk.todo() == []
        desk.nb.cells[demo].source = "shown = 3"
        desk.nb.cells[demo].metadata["tito"] = {"demo": Cell("demo", "shown = 3").id}
        last = len(desk.nb.cells) - 1
        desk.nb.cells[last] = new_code_cell("print(shown)")
        assert desk.todo({last}) == [demo, last]

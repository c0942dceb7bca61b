"""Lessons leave enough to write, and an engine works before half of the lesson is read."""

import pytest
from conftest import ROOT
from lesson_size import HAS_CODE, code_lines, size, size_of, solution_lines, table

from tito.course import Course
from tito.notebook.card import hours_of
from tito.source.percent import Cell, read_source
from tito.source.regions import blank, without_hidden_tests

MODULES = {module.folder: module for module in Course(ROOT).modules()}
LONGEST = 88  # characters; a notebook shows that many without a scroll bar


@pytest.mark.parametrize("folder", MODULES)
def test_every_line_of_code_that_a_student_sees_fits_a_notebook(folder):
    cells = [cell for cell in read_source(MODULES[folder]) if cell.role in ("checks", *HAS_CODE)]
    shown = [without_hidden_tests(blank(cell.source)).split("\n") for cell in cells]
    assert [line for lines in shown for line in lines if len(line) > LONGEST] == []


# The first three give methods that are one call each; module 15 gives the machinery of module 7.
GIVE_MORE = {"01_tensor", "02_activations", "03_layers", "15_derivatives"}
LEAN = [folder for folder in MODULES if folder not in GIVE_MORE]
NEW = [folder for folder in LEAN if folder != "07_autograd"]  # that one is longer, and has its own


@pytest.mark.parametrize("folder", LEAN)
def test_no_more_code_is_given_than_is_written(folder):
    found = size_of(MODULES[folder])
    assert found.given <= found.written, table()


@pytest.mark.parametrize("folder", LEAN)
def test_the_first_exercise_has_at_most_three_lines(folder):
    first = next(cell for cell in read_source(MODULES[folder]) if cell.role == "exercise")
    assert len(code_lines(first.source) & solution_lines(first.source)) <= 3


@pytest.mark.parametrize("folder", NEW)
def test_a_module_has_12_to_17_exercises_and_takes_20_to_25_minutes_for_each(folder):
    found, hours = size_of(MODULES[folder]), hours_of(MODULES[folder])
    assert 12 <= found.exercises <= 17
    assert hours is not None
    assert hours.least * 60 / found.exercises >= 15
    assert hours.most * 60 / found.exercises <= 25


@pytest.mark.parametrize("folder", NEW)
def test_a_lesson_does_not_keep_anybody_waiting(ran_by_a_kernel, folder):
    """Counted in seconds of a processor, on one thread; and no cell ends in an error."""
    cells = ran_by_a_kernel(folder)
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    seconds = [cell.metadata.get("seconds", 0) for cell in cells]
    roles = [cell.role for cell in read_source(MODULES[folder])]
    graded = [took for took, role in zip(seconds, roles, strict=True) if role != "demo"]
    assert 0 < sum(seconds) < 60
    assert sum(graded) < 5


def test_module_7_is_not_too_long_and_has_a_backward_pass_early():
    found = size_of(MODULES["07_autograd"])
    assert found.exercises <= 24, table()
    assert found.exercises_before is not None, "no cell calls .backward()"
    assert found.exercises_before <= 8, table()
    assert found.words_before <= 3000, table()


EXERCISE = '''
class Two:
    """A docstring
    of two lines."""

    def one(self):
        """Another."""
        given = 1  # a remark
        ### BEGIN SOLUTION
        # a remark
        text = """three lines
        that count

        """

        return text
        ### END SOLUTION

    # a remark
    def two(self):
        ### BEGIN SOLUTION
        return (
            2,
        )
        ### END SOLUTION
'''


def test_lines_are_counted_without_remarks_docstrings_and_blank_lines():
    cells = [
        Cell("text", "Words $x + y$ and `code`:\n\n- **eight**"),
        Cell("exercise", EXERCISE, "two"),
        Cell("checks", "Two().one()\nTwo().two()", "two", 3),
        Cell("demo", "%timeit Two()\nx = [\n    1,\n]\n"),
        Cell("code", "#| export\n\ny = 1\n"),
    ]
    found = size(cells)
    assert (found.written, found.given) == (4 + 1 + 3, 4 + 3 + 1)
    assert (found.exercises, found.words) == (1, 8)
    assert found.exercises_before is None


def test_what_comes_before_the_first_backward_pass():
    hidden = "### BEGIN HIDDEN TESTS\nx.backward()\n### END HIDDEN TESTS\n"
    cells = [
        Cell("text", "One two."),
        Cell(
            "exercise",
            "def one(x):\n    ### BEGIN SOLUTION\n    x.backward()\n    ### END SOLUTION\n",
            "one",
        ),
        Cell("checks", f"one(y)\n{hidden}", "one", 3),
        Cell("text", "Three: call `x.backward()`."),
        Cell("code", "def backward(x):\n    backward(x)\n    'x.backward()'\n"),
        Cell("demo", "for x in y:\n    x.sum().backward(1)\n"),
        Cell("text", "Six."),
    ]
    found = size(cells)
    assert (found.exercises_before, found.words_before) == (1, 5)

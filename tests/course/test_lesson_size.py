"""Lessons leave enough to write, and an engine works before half of the lesson is read."""

from conftest import ROOT
from lesson_size import size, size_of, table

from tito.course import Course
from tito.notebook.source import Cell

MODULES = {module.folder: module for module in Course(ROOT).modules()}


def test_no_more_code_is_given_than_is_written_in_module_7():
    found = size_of(MODULES["07_autograd"])
    assert found.given <= found.written, table()


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

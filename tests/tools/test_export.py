"""Export: from cells to a module, without running them."""

import ast
import subprocess
import sys

import pytest
from conftest import cell_of, reference, untouched

from tito.notebook.export import module_text, notebook_cells, without_approach
from tito.source.reference import reference_cells, reference_text
from tito.student.actions import export, start


def test_solution_marks_directives_and_hints_are_left_out(small_course):
    text = reference_text(small_course.module("numbers"))
    assert "SOLUTION" not in text
    assert "#|" not in text
    assert "Approach" not in text and "Multiply by two" not in text
    assert "Returns\n    -------" in text
    assert "return twice_as_much" in text
    assert "hidden" not in text.lower()


def test_an_approach_ends_at_the_next_section_or_with_the_docstring():
    begin = 'def f():\n    """Do it.\n\n    Approach\n    --------\n    1. So.\n\n       And so.\n'
    assert without_approach(begin + '    """\n') == 'def f():\n    """Do it.\n    """\n'
    section = '\n    Returns\n    -------\n    """\n'
    assert without_approach(begin + section) == f'def f():\n    """Do it.\n{section}'
    assert without_approach(begin + "x = 1\n") == begin + "x = 1\n"


def test_reading_a_cell_takes_no_longer_whatever_it_holds():
    """A regular expression once went through all ways to divide the empty lines."""
    endless = "\n\nApproach\n---\n" + "\n" * 5000 + "x"
    assert without_approach(endless) == endless
    assert without_approach("\n\nApproach\n---\n" * 3000)


def test_the_module_says_where_it_comes_from_and_what_it_offers(small_course):
    tree = ast.parse(reference_text(small_course.module("numbers")))
    assert "source/01_numbers/numbers_dev.py" in ast.get_docstring(tree)
    assert ast.unparse(tree.body[-1]) == "__all__ = ['double', 'halve']"


def with_a_list(nb):
    """The text of a module in which an early cell says what is public."""
    listing = {
        "cell_type": "code",
        "metadata": {},
        "source": "#| export\n__all__ = [*'halve twice'.split()]",
    }
    nb["cells"].insert(1, listing)
    return module_text(notebook_cells(nb), "Title", "somewhere")


def test_a_cell_that_says_what_is_public_decides_and_stays_where_it_is(numbers):
    text = with_a_list(reference(numbers))
    assert text.count("__all__") == 1
    assert text.index("__all__ = [*'halve twice'.split()]") < text.index("def double")


def test_without_that_cell_all_public_names_are_listed(numbers):
    nb = reference(numbers)
    with_a_list(nb)
    del nb["cells"][1]
    text = module_text(notebook_cells(nb), "Title", "somewhere")
    assert ast.unparse(ast.parse(text).body[-1]) == "__all__ = ['double', 'halve']"


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    __all__ = []\n",  # a name of the function's own
        "print('__all__ = []')  # __all__ = []",
        "__all__: list\n",  # no value
        "__all__ = [",  # left out, for it does not parse
    ],
)
def test_what_only_looks_like_such_a_cell_decides_nothing(numbers, source):
    nb = reference(numbers)
    nb["cells"].append({"cell_type": "code", "metadata": {}, "source": f"#| export\n{source}"})
    body = ast.parse(module_text(notebook_cells(nb), "Title", "somewhere")).body
    assert "'double'" in ast.unparse(body[-1]) and "'halve'" in ast.unparse(body[-1])


def test_a_cell_that_is_not_exported_does_not_say_what_is_public(numbers):
    nb = reference(numbers)
    nb["cells"].append({"cell_type": "code", "metadata": {}, "source": "__all__ = []"})
    assert "__all__ = []" not in module_text(notebook_cells(nb), "Title", "somewhere")


def test_a_cell_that_does_not_parse_is_left_out_and_named(numbers):
    nb = reference(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x:\n    return 2 * x"
    cells = notebook_cells(nb)
    assert [cell.name for cell in cells if cell.error] == ["double"]
    text = module_text(cells, "Title", "somewhere")
    assert "# Left out: double does not parse (line 2" in text
    names = {}
    exec(compile(text, "module", "exec"), names)
    assert names["halve"](4.0) == 2.0 and "double" not in names


def test_an_exercise_without_export_is_graded_but_not_exported(small_course):
    module = small_course.module("numbers")
    module.source.write_text(
        module.source.read_text().replace('exercise="halve"\n#| export\n', 'exercise="halve"\n')
    )
    assert "halve" in [cell.name for cell in reference_cells(module)]
    assert "halve" not in reference_text(module)


def test_exporting_runs_no_student_code(numbers):
    start(numbers)
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\nopen('i-was-run', 'w')\nraise SystemExit(3)"
    import json

    numbers.desk.write_text(json.dumps(nb))
    path, state = export(numbers)
    assert path == numbers.exported and state.broken == {} and state.blank == ["halve"]
    assert not list(numbers.root.rglob("i-was-run"))


def test_reading_and_exporting_a_notebook_imports_nothing_heavy(numbers):
    start(numbers)
    script = (
        "import sys; from pathlib import Path; from tito.course import Course; from tito.student import actions;"
        "actions.export(Course(Path('.')).module('1'));"
        "print([m for m in ('nbformat', 'nbgrader', 'jupytext', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr

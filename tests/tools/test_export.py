"""Export: from cells to a module, without running them."""

import ast
import subprocess
import sys

from conftest import cell_of, reference, untouched

from tito.export import (
    module_text,
    notebook_cells,
    reference_cells,
    reference_text,
    without_approach,
)
from tito.student import export, start


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


def test_a_cell_that_assigns_all_decides_what_the_module_offers(numbers):
    nb = reference(numbers)
    own = '__all__ = ["halve", "other"]\n__all__ += ["double"]'
    text = numbers.source.read_text()
    numbers.source.write_text(f"{text}\n\n# %%\n#| export\n{own}\n")
    text = reference_text(numbers)
    assert text.count("__all__ =") == 1 and text.endswith(f"{own}\n")
    cell = cell_of(nb, "halve")
    plain = cell["source"]
    cell["source"] = '#| export\n__all__: list = ["x"]\n' + plain.replace("#| export\n", "")
    text = module_text(notebook_cells(nb), "Title", "somewhere")
    assert text.count("__all__") == 1 and '__all__: list = ["x"]' in text


def test_what_only_looks_like_a_listing_decides_nothing(numbers):
    nb, listing = reference(numbers), '__all__ = [\n    "double",'
    cell = cell_of(nb, "halve")
    plain = cell["source"]
    for added in (
        "def f():\n    __all__ = []\n", "__all__: list\n", "x = '__all__ = []'\n",
        "# __all__ = []\n", "__all__ = [\n",
    ):  # fmt: skip
        cell["source"] = plain + "\n" + added
        assert listing in module_text(notebook_cells(nb), "Title", "somewhere"), added


def test_a_cell_that_does_not_parse_is_left_out_and_named(numbers):
    nb = reference(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x:\n    return 2 * x"
    cells = notebook_cells(nb)
    assert [cell.name for cell in cells if cell.error] == ["double"]
    text = module_text(cells, "Title", "somewhere")
    assert "# Left out: double does not parse (line 1" in text
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
        "import sys; from pathlib import Path; from tito.course import Course; from tito import student;"
        "student.export(Course(Path('.')).module('1'));"
        "print([m for m in ('nbformat', 'nbgrader', 'jupytext', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr

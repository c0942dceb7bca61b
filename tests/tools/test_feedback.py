"""The page that a student gets back."""

import json
import re

import pytest
from conftest import cell_of, changed, hand_in, reference
from test_by_hand import give

from tito.author.cells_as_html import formula_html, markdown_html, outputs_html, source_html
from tito.author.feedback import feedback
from tito.author.feedback_page import Mark, Marks, feedback_page
from tito.author.grade import grade
from tito.course import Course
from tito.grading.gradebook import gradebook

pytestmark = pytest.mark.usefixtures("graded_once")

WRONG = "#| export\ndef double(x):\n    return x * 3\n"


@pytest.fixture
def page(numbers) -> str:
    """Ada's, who has one of two exercises right and an answer that somebody marked."""
    hand_in(numbers, "ada", changed(numbers, lambda nb: cell_of(nb, "double").update(source=WRONG)))
    grade(numbers)
    give(numbers, "why-inverse", 2)
    with gradebook(Course(numbers.root)) as book:
        book.find_comment(
            "why-inverse", "numbers_dev", numbers.folder, "ada"
        ).manual_comment = "Say <b>why</b>."
        book.db.commit()
    (path,) = feedback(numbers)
    return path.read_text()


def test_it_begins_with_the_mark_and_what_was_missed(page):
    places = [
        page.index('<p class="mark">5 <small>of 10 points'),
        page.index("What was missed"),
        page.index("double: 0 of 4 points"),
        page.index("  came      [3, 6]\n"),
        page.index("hidden tests passed: 0 of 4 points"),
        page.index("Written answers"),
        page.index("why-inverse: 2 of 3"),
        page.index("All exercises"),
        page.index("Your notebook"),
        page.index('<span class="k">def</span>'),
    ]
    assert places == sorted(places)


def test_it_says_what_to_read_again_and_leads_there(page):
    missed = page.partition("What was missed")[2].partition("All exercises")[0]
    section, place = re.search(r'To read again: <a href="#(cell-\d+)">([^<]+)', missed).groups()[
        ::-1
    ]
    assert section and f'id="{place}"' in page
    own = re.search(r'<a href="#(cell-\d+)">Your code</a>', missed)[1]
    assert "def</span><span" in page.partition(f'id="{own}"')[2].partition('class="cell"')[0]


def test_a_comment_is_text(page):
    assert page.count("Say &lt;b&gt;why&lt;/b&gt;.") == 2 and "<b>why" not in page


def test_it_holds_no_hidden_test_and_asks_for_nothing(page):
    assert "secret_of_the_hidden_test" not in page and "@observe" not in page
    assert "<script" not in page and "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page)


def test_plain_nbgrader_has_its_own_page_all_the_same(numbers):
    hand_in(numbers, "ada", reference(numbers))
    grade(numbers)
    import subprocess

    command = ["nbgrader", "generate_feedback", numbers.folder, "--force"]
    subprocess.run(command, cwd=numbers.root, check=True, capture_output=True)
    path = numbers.root / "feedback" / "ada" / numbers.folder / "numbers_dev.html"
    assert "not marked yet / 3.0" in path.read_text()


def of_cells(*cells: dict) -> str:
    return feedback_page(
        {"cells": list(cells)}, Marks("ada", "01_numbers", cells={"a": Mark(1, 2)})
    )


def code(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": list(outputs)}


ATTACKS = [
    {"cell_type": "markdown", "source": "<script>alert(1)</script>", "metadata": {}},
    {"cell_type": "markdown", "source": '<img src=x onerror="alert(1)">', "metadata": {}},
    {"cell_type": "markdown", "source": "[a](javascript:alert(1))", "metadata": {}},
    {"cell_type": "markdown", "source": "![a](https://example.org/a.png)", "metadata": {}},
    {"cell_type": "markdown", "source": r"$\text{<script>alert(1)</script>}$", "metadata": {}},
    {"cell_type": "markdown", "source": r"$\href{javascript:alert(1)}{x}$", "metadata": {}},
    {"cell_type": "markdown", "source": "$$<img src=x onerror=alert(1)>$$", "metadata": {}},
    {"cell_type": "markdown", "source": "⟦0⟧ ⟦99⟧ $x$", "metadata": {}},
    {"cell_type": "raw", "source": "<script>alert(1)</script>", "metadata": {}},
    code("'</code></pre><script>alert(1)</script>'"),
    code("1", {"output_type": "stream", "name": "stdout", "text": "<script>alert(1)</script>"}),
    code("1", {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>"}}),
    code("1", {"output_type": "display_data", "data": {"text/html": "<a href='javascript:a()'>a"}}),
    code(
        "1", {"output_type": "display_data", "data": {"image/png": '"><script>alert(1)</script>'}}
    ),
    code(
        "1", {"output_type": "display_data", "data": {"image/svg+xml": "<script>alert(1)</script>"}}
    ),
    code(
        "1", {"output_type": "display_data", "data": {"text/latex": "$<script>alert(1)</script>$"}}
    ),
    code(
        "1", {"output_type": "display_data", "data": {"text/markdown": "<script>alert(1)</script>"}}
    ),
    code("1", {"output_type": "error", "ename": "A", "evalue": "", "traceback": ["<script>"]}),
    code("1", {"output_type": "execute_result", "data": {"text/javascript": "alert(1)"}}),
]


@pytest.mark.parametrize("cell", ATTACKS, ids=[json.dumps(cell)[:60] for cell in ATTACKS])
def test_nothing_that_a_student_wrote_runs_or_loads(cell):
    body = of_cells(cell).partition("</head>")[2]
    assert not re.search(r"<script|<[^>]*\son\w+=|javascript:[^<]*\"|<iframe|<object", body)
    assert not re.findall(r"(?:src|href)=[\"']?(?!#|data:image|[\"']#|[\"']data:image)", body)


def test_formulas_are_drawn_without_a_script():
    page = of_cells(
        {"cell_type": "markdown", "source": r"As $\frac{a}{b}$ and $$x^2$$", "metadata": {}}
    )
    assert "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>" in page
    assert (
        page.count("<math") == 2
        and 'display="block"' in page
        and "$" not in page.partition("</style>")[2]
    )


def test_what_is_no_formula_is_shown_as_it_is():
    assert formula_html(r"\frac{", "inline") == r"<code>\frac{</code>"


def test_long_outputs_are_cut():
    text = "a" * 100_000
    assert len(outputs_html([{"output_type": "stream", "name": "stdout", "text": text}])) < 21_000


def test_markdown_and_code_look_like_what_they_are():
    assert "<strong>b</strong>" in markdown_html("a **b**")
    assert '<span class="k">def</span>' in source_html("def f(): pass")


def test_a_notebook_that_cannot_be_read_costs_only_its_own_page(numbers):
    from tito.errors import TitoError

    for student in ("ada", "bob"):
        hand_in(numbers, student, reference(numbers))
    grade(numbers)
    path = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    path.chmod(0o644)
    path.write_text("{")
    with pytest.raises(TitoError, match=r"no feedback for ada .*; that of all others is written"):
        feedback(numbers)
    assert (numbers.root / "feedback" / "bob" / numbers.folder / "numbers_dev.html").exists()

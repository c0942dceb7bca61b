"""What a submission may cost the grader: outputs after updates, time in all, parsing, cleaning."""

import json

import pytest
from conftest import cell_of, changed, hand_in, reference
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tito.author.grade import grade
from tito.course_settings import configuration
from tito.judge import limited_parser
from tito.judge.limited_parser import LimitedParser
from tito.judge.workspace import workspace
from tito.notebook.export import notebook_cells
from tito.steps.cells import Running, execute
from tito.steps.outputs import bound, clean, size_of
from tito.steps.safe_html import is_dear, safe


def code_cell(source: str, name: str = "added") -> dict:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }


def test_all_cells_together_have_one_deadline(numbers, monkeypatch):
    monkeypatch.setitem(configuration(numbers.root)["ExecuteInWorkspace"], "total", 3.0)
    slow = [code_cell("import time; time.sleep(1)", f"slow{n}") for n in range(60)]
    hand_in(numbers, "ada", changed(numbers, lambda nb: nb["cells"].extend(slow)))
    (ada,) = grade(numbers)
    assert (ada.state, ada.score) == ("timed out", 7)
    assert "all cells together took longer than 3 s" in " ".join(ada.notes)


def test_all_grafts_together_have_one_deadline(numbers, monkeypatch):
    monkeypatch.setitem(configuration(numbers.root)["Observe"], "grafts", 0.001)
    nb = reference(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x\n"
    nb["cells"].append(code_cell("#| export\nextra = 1\n"))
    hand_in(numbers, "ada", nb)
    (ada,) = grade(numbers)
    assert ada.score == 3
    assert "grafts: all together took longer than 0.001 s; not tried: double" in ada.notes


def test_all_hidden_tests_together_have_one_deadline(numbers, monkeypatch):
    monkeypatch.setitem(configuration(numbers.root)["Observe"], "total", 0.001)
    hand_in(numbers, "ada", reference(numbers))
    (ada,) = grade(numbers)
    assert any("all together took longer than 0.001 s" in note for note in ada.notes), ada


GROWING = [
    "from IPython.display import display\n"
    "handles = [display('a', display_id='same') for _ in range(100)]",
    "handles[0].update('b' * 100_000)",
    "1 + 1",
]


def test_outputs_are_counted_as_they_stand_after_an_update(tmp_path):
    nb = new_notebook(cells=[new_code_cell(source) for source in GROWING])
    with workspace({}) as folder:
        ran = execute(nb, folder, Running(most_bytes=1_000_000))
    assert ran.ended == "it showed more than 1 MB"
    assert len(json.dumps(nb)) < 1_500_000


def test_many_small_outputs_are_many(tmp_path):
    nb = new_notebook(cells=[new_code_cell("for _ in range(5000):\n    display(1)")])
    with workspace({}) as folder:
        ran = execute(nb, folder, Running(most_bytes=1_000_000))
    assert ran.ended == "it showed more than 1 MB"
    assert len(nb.cells[0].outputs) < 2_000


def test_outputs_of_a_kernel_are_cut_too():
    output = new_output("display_data", data={"text/plain": "a" * 1000})
    nb = new_notebook(cells=[new_code_cell("", outputs=[output] * 10) for _ in range(3)])
    assert not bound(nb, 100_000)
    assert bound(nb, 5_000)
    assert sum(size_of(o) for cell in nb.cells for o in cell.outputs) <= 5_000
    assert [len(cell.outputs) for cell in nb.cells] == [3, 0, 0]


DEAR = {
    "nested": "<div>" * 5_000,
    "nested, and closed under another name": "<div></x>" * 5_000,
    "nested in two kinds": "<b><div>" * 2_000,
    "tags": "<td>a</td>" * 20_000,
    "entities": "&amp;" * 30_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(2_000)) + ">",
    "attributes between slashes": "<p " + "/".join(f"a{n}" for n in range(2_000)) + ">",
    "attributes in quotes": "<p " + "".join(f'a{n}="1"' for n in range(2_000)) + ">",
    "length": "a" * 3_000_000,
}


@pytest.mark.parametrize("kind", DEAR)
def test_html_that_takes_long_to_clean_is_shown_as_text(kind):
    assert is_dear(DEAR[kind])
    assert safe(DEAR[kind]).startswith("<pre>") and len(safe(DEAR[kind])) < 1_000_000


def test_a_table_and_a_picture_are_not_dear():
    row = "<tr>" + "<td title='a' align='left'>1.5 &amp; 2</td>" * 20 + "</tr>"
    picture = f'<img alt="a" src="data:image/png;base64,{"A" * 500_000}">'
    page = f"<div><table><thead>{row}</thead><tbody>{row * 100}</tbody></table><br>{picture}</div>"
    assert not is_dear(page)
    assert "<td" in safe(page) and "<img" in safe(page)


def test_many_pages_of_html_have_a_bound_together():
    html = "<div>" * 150 + "a</p>" * 15_000
    outputs = [new_output("display_data", data={"text/html": html}) for _ in range(20)]
    nb = new_notebook(cells=[new_code_cell("", outputs=outputs)])
    clean(nb)
    texts = [output.data["text/html"] for output in nb.cells[0].outputs]
    assert texts[0].startswith("<div>") and texts[-1].startswith("<pre>")


def errors(source: str) -> list[str]:
    return [cell.error for cell in notebook_cells({"cells": [code_cell("#| export\n" + source)]})]


@pytest.mark.parametrize(
    "source",
    ["x = " + "not " * 20_000 + "1", "x = " + "-" * 90_000 + "1", "lambda: " * 12_000 + "1"],
)
def test_an_error_without_words_is_an_error(source):
    """Python gives up on these with an empty MemoryError."""
    assert errors(source) == ["MemoryError"]


@pytest.mark.parametrize(
    "chain", ["import {}", "from {} import b", "import a, {}", "import \\\n{}"]
)
def test_a_long_chain_of_names_is_not_parsed(chain):
    (error,) = errors(chain.format("a." * 40_000 + "a"))
    assert "names in a row" in error


@pytest.mark.parametrize("text", ["# " + "." * 500 + "\nimport a", "import a\n" + "a.b.c\n" * 500])
def test_dots_that_are_no_chain_do_no_harm(text):
    assert errors(text) == [""]


LONG = [f"x = {n}\n" * 2_000 for n in range(4)]
DEAR_TEXT = "x = " + "-" * 90_000 + "1"


def test_the_parser_is_kept_and_only_what_is_dear_ends_it():
    parser = LimitedParser()
    try:
        assert parser.too_dear([[LONG[0]], [LONG[0] + "y ="]]) == {}
        process = parser.process.pid
        assert parser.too_dear([[LONG[0]], [LONG[1]], ["import a." + "b." * 150 + "c"]]) == {}
        assert parser.process.pid == process
        found = parser.too_dear([[LONG[2]], [DEAR_TEXT], [LONG[0]]])
        assert list(found) == [1] and "too long or too much memory" in found[1]
    finally:
        parser.end()


def test_a_parser_that_somebody_ends_is_started_again():
    parser = LimitedParser()
    try:
        assert parser.too_dear([[LONG[0]]]) == {}
        parser.process.kill()
        parser.process.wait()
        assert parser.too_dear([[LONG[1]]]) == {}
    finally:
        parser.end()


def test_short_texts_need_no_process_unless_they_are_very_many(monkeypatch):
    monkeypatch.setattr(limited_parser, "SECONDS", 0.01)
    parser = LimitedParser()
    try:
        assert parser.too_dear([[f"x = {n}"] for n in range(100)]) == {}
        assert parser.process is None
        many = [[f"x = {n}\n" * 600] for n in range(200)]
        assert 0 < len(parser.too_dear(many)) < 200
    finally:
        parser.end()

"""A lesson's page: what students get, with the outputs that they may see, and one title."""

import base64

from conftest import ROOT
from small_course import NUMBERS

from tito.course import Course
from tito.site.headings import demoted
from tito.site.lesson_pages import lesson_page, released_text, shown_outputs
from tito.site.module_map import columns, direct, module_map, needs
from tito.site.pictures import with_files
from tito.site.run_lessons import Run, hash_of, lesson_of, run_lessons
from tito.source.instructors_notebook import notebook
from tito.source.percent import Cell, read_source

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n a picture").decode()
FIGURE = {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "rising"}}
TEXT = {"output_type": "stream", "name": "stdout", "text": "the answer is 42"}
ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}


def test_a_page_has_the_text_of_the_released_notebook(released_course):
    import nbformat

    for module in released_course.modules():
        cells = read_source(module)
        released = nbformat.read(module.released, as_version=4).cells
        made = notebook(cells).cells
        assert [raw.id for raw in made] == [raw.id for raw in released]
        for cell, raw, there in zip(cells, made, released, strict=True):
            assert released_text(cell, raw.source).rstrip() == there.source.rstrip()


def test_of_a_solution_only_figures_are_shown():
    solution, demo = Cell("exercise", "", "double"), Cell("demo", "")
    assert shown_outputs(solution, [TEXT]) == []
    assert FIGURE in shown_outputs(solution, [TEXT, FIGURE])
    assert TEXT not in shown_outputs(solution, [TEXT, FIGURE])
    assert shown_outputs(demo, [TEXT, FIGURE]) == [TEXT, FIGURE]


def test_what_ended_in_an_error_shows_nothing():
    assert shown_outputs(Cell("checks", "", "double", 1), [TEXT, ERROR]) == []


def test_outputs_go_to_the_cells_they_came_from(small_course):
    module = small_course.module("01")
    demo = next(cell for cell in read_source(module) if cell.role == "demo")
    page = lesson_page(Run(module, {demo.id: [TEXT], "double": [TEXT]}, True), {})
    with_outputs = [cell.id for cell in page.cells if cell.get("outputs")]
    assert with_outputs == [demo.id]


def test_a_picture_becomes_a_file_named_after_its_content():
    files = {}
    shown = with_files(FIGURE, files)
    ((name, content),) = files.items()
    assert content == base64.b64decode(PNG)
    assert shown["data"] == {"text/html": f'<img alt="rising" src="../figures/{name}">'}
    assert with_files(TEXT, files) == TEXT


def test_a_page_has_one_title():
    text = "# A\n\n```\n# a comment\n```\n\n# B\n\n## C\n\n#hash"
    assert demoted(text, False) == ("# A\n\n```\n# a comment\n```\n\n## B\n\n### C\n\n#hash", True)


def test_hidden_tests_are_not_run(small_course):
    for module in small_course.modules():
        assert not any("observe" in cell.source for cell in lesson_of(module).cells)


def test_a_lesson_runs_again_only_if_what_it_depends_on_has_changed(small_course, tmp_path):
    first, second, third = small_course.modules()
    assert [run.is_new for run in run_lessons([first], tmp_path)] == [True]
    (kept,) = run_lessons([first], tmp_path)
    assert not kept.is_new and "a demo: [2. 4.]" in str(kept.outputs)
    before = [hash_of(module) for module in (first, second, third)]
    second.source.write_text(second.source.read_text() + "\n# %%\n1 + 1\n")
    after = [hash_of(module) for module in (first, second, third)]
    assert before[0] == after[0] and before[1] != after[1]
    first.source.write_text(NUMBERS.replace("np.multiply(x, 2)", "np.add(x, x)"))
    assert hash_of(second) != after[1]
    assert [run.is_new for run in run_lessons([first], tmp_path)] == [True]
    assert len(list(tmp_path.glob("01_*"))) == 1


def test_the_map_has_the_prerequisites_of_the_cards():
    modules = Course(ROOT).modules()
    wanted = needs(modules)
    assert wanted[1] == set() and wanted[3] == {1, 2} and wanted[8] == {1, 2, 3, 4, 7}
    assert wanted[9] == {8}  # what only cells need that show something does not count
    assert direct(wanted)[8] == {4, 7}
    order = [number for column in columns(direct(wanted)) for number in column]
    assert sorted(order) == [module.number for module in modules]
    assert all(order.index(n) < order.index(m) for m in wanted for n in wanted[m])
    svg = module_map(modules)
    assert all(f'href="lessons/{module.folder}.html"' in svg for module in modules)

"""Pages that can be read by all: axe-core finds nothing wrong with what is ours on them."""

import re
from pathlib import Path

import axe_core_python
import nbformat
import pytest
from browsing import DARK, in_a_browser, open_notebook, run_all, use_theme, write
from conftest import ROOT, cell_of, untouched

from tito.checks.block import Block
from tito.course import Course
from tito.source.percent import read_source
from tito.student.progress import Progress

AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What the templates of nbconvert and nbgrader bring, which is not ours to change: links in text,
# the language of the page, a place to scroll that takes no keys, and colours of highlighted code.
THEIRS = {"html-has-lang", "link-in-text-block", "scrollable-region-focusable"}
browser_test = in_a_browser


def violations(page, within: str = "body", without: str | None = None) -> list[str]:
    """What axe-core says against a part of a page, in a line for each place."""
    page.evaluate(AXE)
    found = page.evaluate(
        """([within, without, rules]) => axe.run(
            {include: [[within]], exclude: without ? [[without]] : []},
            {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})""",
        [within, without, RULES],
    )
    return [
        f"{rule['id']}: {node['html'][:150]} {node['failureSummary'][:150]}"
        for rule in found["violations"]
        if rule["id"] not in THEIRS
        for node in rule["nodes"]
    ]


class TestPages:
    pytestmark = browser_test

    def test_axe_sees_what_is_wrong(self, page):
        page.set_content("<img src=x><p style='color:#bbb;background:#fff'>pale</p>")
        assert {line.partition(":")[0] for line in violations(page)} >= {
            "image-alt",
            "color-contrast",
        }

    def test_the_released_notebook_as_a_page(self, course, page, tmp_path):
        from nbconvert import HTMLExporter

        module = course.module("07")
        nb = nbformat.read(module.released, as_version=4)
        html, _ = HTMLExporter(template_name="lab", exclude_anchor_links=True).from_notebook_node(
            nb
        )
        (tmp_path / "lesson.html").write_text(html, encoding="utf-8")
        page.goto((tmp_path / "lesson.html").as_uri())
        assert violations(page, ".jp-RenderedHTMLCommon", ".highlight") == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_feedback_page(self, course, page, scheme):
        path = course.root / "feedback" / "ada" / "91_numbers" / "numbers_dev.html"
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        assert violations(page, "body") == []

    @pytest.mark.parametrize("theme", ["JupyterLab Light", DARK])
    def test_what_a_check_and_progress_show_in_jupyterlab(self, course, lab, page, theme):
        module = course.module("91")
        nb = untouched(module)
        cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x + 2"
        nb["cells"].insert(
            0,
            {
                "id": "mine",
                "cell_type": "code",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": "from tito.student.progress import progress\nprogress()",
            },
        )
        write(module, nb)
        use_theme(page, lab, theme)
        try:
            open_notebook(page, lab, module)
            run_all(page)
            page.locator(".jp-OutputArea-output", has_text="not right yet").wait_for()
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            assert violations(page, ".jp-OutputArea-output.jp-RenderedHTMLCommon") == []
        finally:
            use_theme(page, lab, "JupyterLab Light")


# Functions of lessons that draw, and give the words: what they say is held by tests/library.
DRAWN_IN_WORDS = {
    name
    for path in (ROOT / "tinytorch" / "support").glob("*.py")
    for name in re.findall(r"^def (draw_\w+)\(.*\) -> str:$", path.read_text(), re.M)
}


def test_every_figure_of_every_lesson_says_what_it_shows():
    for module in Course(ROOT).modules():
        for cell in read_source(module):
            text = cell.source
            if "plt.subplots" in text or "plt.figure" in text:
                written = re.findall(r"\bshow\(\s*figure,\s*((?:f?\"[^\"]*\"\s*)+)", text)
                drawn = re.findall(r"\bshow\(\s*figure,\s*(draw_\w+)\(", text)
                assert written or drawn, f"{module.folder}: a figure without a text:\n{text[-300:]}"
                assert all(len(alt.split()) >= 10 for alt in written)
                assert set(drawn) <= DRAWN_IN_WORDS
            assert "plt.show()" not in text, module.folder


def test_signs_and_words_stand_where_others_have_colours():
    blocks = [Block("✗", "a"), Block("·", "a"), Block("✓", "a")]
    assert len({block.html() for block in blocks}) == 3
    page = Progress({"a": "passed", "b": "failed", "c": "not done"}, dict.fromkeys("abc", 1.0))
    assert all(
        word in page._repr_html_() for word in ("✓ done", "✗ not right yet", "· not done yet")
    )
    for html in (*(block.html() for block in blocks), page._repr_html_()):
        assert not re.search(r"color:\s*(?!inherit)", html.replace("currentColor", ""))


def test_a_figure_is_an_image_with_a_text_and_none_without(capsys):
    import matplotlib.pyplot as plt

    from tito import figures

    figure, axis = plt.subplots()
    axis.plot([1, 2])
    with pytest.raises(ValueError, match="needs a text"):
        figures.show(figure, " ")
    data, metadata = figures.Figure(b"png", 'a "line" & <more>')._repr_mimebundle_()
    assert '<img alt="a &quot;line&quot; &amp; &lt;more&gt;"' in data["text/html"]
    assert metadata["image/png"]["alt"] == 'a "line" & <more>'

"""A student's way through a notebook, in a real JupyterLab in a real browser.

Skipped, with a line that says so, only where there is no Chromium.
"""

import json
import re
import sys

import pytest
from browsing import (
    DARK,
    in_a_browser,
    keep,
    open_notebook,
    press_shift_enter,
    run_all,
    use_theme,
    write,
)
from conftest import cell_of, reference, untouched

from tito.student import actions as student

pytestmark = in_a_browser
OUTPUT, FOCUSED = ".jp-OutputArea-output", ".jp-CodeCell .cm-focused .cm-content"


def cell(page, text: str):
    """The code cell that holds a text."""
    return page.locator(".jp-CodeCell", has_text=text).first


def type_into(page, text: str, source: str) -> None:
    """Replace the source of the cell that holds a text, as a person does, who sees what happens."""
    page.locator(".jp-CodeCell .jp-InputArea-editor", has_text=text).first.click()
    page.locator(FOCUSED, has_text=text).wait_for()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(source)
    page.locator(FOCUSED, has_text=source.splitlines()[-1].strip()).wait_for()
    press_shift_enter(page)
    page.locator(FOCUSED).wait_for(state="detached")  # the next cell is the active one


def run(page, text: str) -> None:
    """Run the cell that holds a text, or that begins with it and is folded."""
    cell(page, text).locator(".jp-InputPrompt").first.click()
    page.locator(".jp-CodeCell.jp-mod-active", has_text=text).wait_for()
    press_shift_enter(page)


@pytest.fixture
def numbers(course):
    """The small module, its desk as it was released."""
    module = course.module("91")
    module.desk.write_bytes(module.released.read_bytes())
    return module


def test_a_released_notebook_says_not_done_yet_without_an_error(numbers, lab, page):
    open_notebook(page, lab, numbers)
    run_all(page)
    said = cell(page, "# double: 4 points").locator(OUTPUT)
    said.wait_for()
    assert said.inner_text().startswith("· double (4 points): not done yet (double, line ")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    keep(page, "not-done")


def test_a_wrong_and_then_a_right_solution(numbers, lab, page):
    open_notebook(page, lab, numbers)
    run(page, "core.numbers")
    run(page, "from tito.checks import check")
    type_into(page, "Twice `x`", "#| export\ndef double(x):\n    return x + 2")
    checks = "# double: 4 points"
    run(page, checks)
    block = cell(page, checks).locator(OUTPUT, has_text="not right yet")
    block.wait_for()
    text = block.inner_text()
    assert "double(np.array([1.0, 2.0]))" in text and "[2, 4]" in text
    assert "Traceback" not in text
    hint = block.locator("details")
    assert hint.inner_text().strip() == "Hint"
    hint.locator("summary").click()
    assert "two times each" in hint.inner_text()
    keep(page, "wrong")
    type_into(page, "x + 2", "#| export\ndef double(x):\n    return np.multply(x, 2)")
    run(page, checks)
    raised = cell(page, checks).locator(OUTPUT, has_text="AttributeError")
    raised.wait_for()
    assert "return np.multply(x, 2)" in raised.inner_text()
    assert re.search(r"double, line 3 of cell \[\d+\]", raised.inner_text())
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    keep(page, "raised")
    type_into(page, "multply", "#| export\ndef double(x):\n    return np.multiply(x, 2)")
    run(page, checks)
    done = cell(page, checks).locator(OUTPUT, has_text="it is worth 4 points")
    done.wait_for()
    page.keyboard.press("ControlOrMeta+s")
    page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
    keep(page, "right")


def test_progress_counts_what_has_been_done(numbers, lab, page):
    nb = reference(numbers)
    cell_of(nb, "halve")["source"] = cell_of(untouched(numbers), "halve")["source"]
    nb["cells"].append(
        {
            "id": "mine",
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": "from tito.student.progress import progress\nprogress()",
        }
    )
    write(numbers, nb)
    open_notebook(page, lab, numbers)
    for text in ("core.numbers", "from tito.checks import check", "Twice `x`", "# double: 4"):
        run(page, text)
    run(page, "import progress")
    said = cell(page, "import progress").locator(OUTPUT)
    said.wait_for()
    assert "1 of 2 exercises done, 4 of 7 points" in said.inner_text()
    assert "left, by the module's card" in said.inner_text()
    said.locator("summary").click()
    assert "not run" in said.inner_text()
    keep(page, "progress")


def test_validate_shows_the_same_blocks(numbers, lab, page):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x + 2"
    write(numbers, nb)
    open_notebook(page, lab, numbers)
    page.locator(".jp-NotebookPanel-toolbar").get_by_text("Validate").click()
    dialog = page.locator("#validation-message")
    dialog.wait_for()
    text = dialog.inner_text()
    assert "✗ double (4 points): not right yet" in text
    assert "hint      two times each" in text
    assert "· halve (3 points): not done yet" in text
    assert "Traceback" not in text
    keep(page, "validate")


@pytest.mark.parametrize("theme", ["JupyterLab Light", DARK])
def test_a_failing_check_of_module_7_reads_well_in_both_themes(course, lab, page, theme):
    module = course.module("07")
    nb = untouched(module)
    kept = [c for c in nb["cells"] if c["cell_type"] == "code"][:3]
    wrong = cell_of(reference(module), "four-rules")
    wrong["source"] = re.sub(r" *### .*\n?", "", wrong["source"]).rstrip()
    wrong["source"] = wrong["source"].replace("x, y: grad * y", "x, y: y")
    table = next(c for c in nb["cells"] if "RULES = Rules()" in "".join(c["source"]))
    checks = cell_of(nb, "test-four-rules")
    nb["cells"] = [nb["cells"][0], *kept, table, wrong, checks]
    write(module, nb)
    use_theme(page, lab, theme)
    open_notebook(page, lab, module)
    assert page.locator("h1", has_text="Module 7").is_visible()
    run_all(page)
    failed = page.locator(OUTPUT, has_text="✗ ").last
    failed.wait_for(state="attached")
    page.locator(".jp-Cell").last.scroll_into_view_if_needed()
    failed.wait_for()
    text = failed.text_content()
    assert "RULES[np.multiply][0](" in text and "expected" in text and "Traceback" not in text
    failed.locator("summary").first.click()
    assert contrast(page, failed.locator("strong").first) >= 4.5
    assert contrast(page, failed.locator("pre").first) >= 4.5
    assert contrast(page, failed.locator("details div").first) >= 4.5
    keep(page, "check" if theme != DARK else "check-dark")
    use_theme(page, lab, "JupyterLab Light")


def contrast(page, element) -> float:
    """The contrast of a text with what is behind it, as WCAG defines it."""
    found = element.evaluate("""element => {
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        let behind = element;
        const seen = e => numbers(getComputedStyle(e).backgroundColor)[3] !== 0;
        while (behind && !seen(behind)) behind = behind.parentElement;
        return [numbers(getComputedStyle(element).color),
                behind ? numbers(getComputedStyle(behind).backgroundColor) : [255, 255, 255]];
    }""")
    bright, dim = sorted((_luminance(colour[:3]) for colour in found), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour) -> float:
    parts = [c / 255 for c in colour]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_released_notebook_opens_with_its_mathematics(course, lab, page):
    module = course.module("07_autograd")
    module.desk.write_bytes(module.released.read_bytes())
    open_notebook(page, lab, module)
    keep(page, "lesson")
    page.wait_for_selector("mjx-container")
    page.get_by_text(f"Cell 1/{len(untouched(module)['cells'])}", exact=True).wait_for()


def test_test_and_export_from_a_terminal(numbers, lab, page):
    nb = reference(numbers)
    cell_of(nb, "halve")["source"] = cell_of(untouched(numbers), "halve")["source"]
    write(numbers, nb)
    address, token = lab
    page.goto(f"{address}/lab?token={token}&reset")
    page.locator(".jp-LauncherCard", has_text="Terminal").click()
    terminal = page.locator(".jp-Terminal")
    terminal.wait_for()
    page.wait_for_timeout(2000)
    terminal.click()
    program = f"{sys.executable} -m tito"
    page.keyboard.type(
        f"clear; {program} test 91; {program} export 91; {program} status; touch {numbers.root}/done\n"
    )
    done = numbers.root / "done"
    for _ in range(120):
        if done.exists():
            break
        page.wait_for_timeout(500)
    assert done.exists()
    done.unlink()
    keep(page, "terminal")
    record = json.loads((numbers.desk.parent / ".tito.json").read_text())
    assert record["tested"]["states"] == {"double": "passed", "halve": "not done"}
    assert "def double" in numbers.exported.read_text()
    assert student.status(numbers).points == "4 of 7"

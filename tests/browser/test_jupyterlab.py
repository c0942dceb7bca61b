"""A student's and an instructor's view, in a real JupyterLab in a real browser.

Skipped, with a line that says so, only where there is no Chromium.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, cell_of, changed, hand_in, reference, untouched

from tito import student
from tito.course import Course
from tito.instructor import grade, release

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.xdist_group("browser"),
]
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A copy of the course with module 7 released, started and graded."""
    root = tmp_path_factory.mktemp("browser") / "course"
    shutil.copytree(ROOT / "source", root / "source", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copytree(ROOT / "tinytorch", root / "tinytorch")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    course, before = Course(root), os.getcwd()
    os.chdir(root)
    module = course.module("07_autograd")
    release(module)
    student.start(module)
    hand_in(module, "ada", changed(module, _forget_a_factor))
    (graded,) = grade(module)
    assert graded.score is not None, graded.notes
    os.chdir(before)
    return course


def _forget_a_factor(nb):
    cell = cell_of(nb, "rules-of-waves")
    cell["source"] = cell["source"].replace("grad * np.cos(x)", "np.cos(x)")


@pytest.fixture(scope="module")
def lab(course):
    """The address of a JupyterLab that `tito jupyter` has started, and its token."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tito", "jupyter", "--no-browser"], cwd=course.root,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        address = re.search(r"(http://\S+)/lab\?token=(\w+)", process.stdout.readline())
        yield address.groups()
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def keep(page, name: str) -> None:
    """Keep a screenshot where the environment asks for it."""
    if folder := os.environ.get("SCREENSHOTS"):
        news = page.get_by_role("button", name="No", exact=True)  # Jupyter's own news
        if "/lab" in page.url and news.is_visible():
            news.click()
        page.wait_for_timeout(1000)
        page.screenshot(path=f"{folder}/{name}.png")


def open_notebook(page, lab, course):
    address, token = lab
    page.goto(f"{address}/lab/tree/notebooks/07_autograd/autograd_dev.ipynb?token={token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle")


def test_a_student_sees_the_lesson_and_a_failing_check_in_one_line(course, lab, page):
    module = course.module("07_autograd")
    nb = untouched(module)
    kept = [cell for cell in nb["cells"] if cell["cell_type"] == "code"][:3]
    wrong = cell_of(reference(module), "rules-of-products")
    wrong["source"] = re.sub(r" *### .*\n?", "", wrong["source"]).rstrip()
    wrong["source"] = wrong["source"].replace("return grad * y", "return y")
    table = next(c for c in nb["cells"] if "RULES: dict" in "".join(c["source"]))
    names = ["rules-of-products", "test-rules-of-products"]
    nb["cells"] = [nb["cells"][0], *kept, table, wrong, cell_of(nb, names[1])]
    import json

    module.desk.write_text(json.dumps(nb))
    open_notebook(page, lab, course)
    assert page.locator("h1", has_text="Module 7").is_visible()
    page.click(".jp-NotebookPanel-toolbar [data-command='notebook:restart-run-all']")
    page.click(".jp-Dialog button.jp-mod-accept")
    failed = page.locator(".jp-OutputArea-output", has_text="✗ ").last
    failed.wait_for(state="attached")
    page.locator(".jp-Cell").last.scroll_into_view_if_needed()
    failed.wait_for()
    text = failed.text_content().strip()
    assert "multiply_x(" in text and "expected" in text and "Hint:" in text
    assert "Traceback" not in text and len(text.splitlines()) <= 4
    keep(page, "check")


def test_the_released_notebook_opens_with_its_mathematics(course, lab, page):
    module = course.module("07_autograd")
    module.desk.write_bytes(module.released.read_bytes())
    open_notebook(page, lab, course)
    keep(page, "lesson")
    page.wait_for_selector("mjx-container")
    page.get_by_text(f"Cell 1/{len(untouched(module)['cells'])}", exact=True).wait_for()


def test_formgrader_shows_a_submission_with_its_mark_and_messages(lab, page):
    address, token = lab
    page.goto(f"{address}/lab?token={token}")
    page.goto(f"{address}/formgrader/gradebook/07_autograd/autograd_dev")
    row = page.locator("tr", has_text="Submission #1")
    row.wait_for()
    assert "/ 100" in row.inner_text()
    keep(page, "gradebook")
    row.locator("a", has_text="Submission #1").click()
    message = page.locator("text=gradient of a sine").last
    message.wait_for()
    message.scroll_into_view_if_needed()
    assert page.locator("text=hidden tests passed").count() > 20
    keep(page, "formgrader")

"""What the browser tests share: a course with submissions, JupyterLab on it, and Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, cell_of, changed, hand_in
from hostile import hostile_notebook
from small_course import NUMBERS

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.release import release
from tito.course import Course
from tito.student import actions as student

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
in_a_browser = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.xdist_group("browser"),
]
PATIENCE = 60_000  # milliseconds
VIEWPORT = {"width": 1200, "height": 800}
DARK = "JupyterLab Dark"
IDLE = "text=Python 3 (ipykernel) | Idle"


@pytest.fixture(scope="session")
def course(released_module) -> Course:
    """A copy of the course and of a small module 91, both started; three have handed that in."""
    root = released_module("07_autograd").root
    shutil.copytree(ROOT / "tinytorch", root / "tinytorch", dirs_exist_ok=True)
    (root / "source" / "91_numbers").mkdir()
    (root / "source" / "91_numbers" / "numbers_dev.py").write_text(NUMBERS)
    card = "# Numbers\n\n| | |\n| --- | --- |\n| Time | 1–2 hours |\n"
    (root / "source" / "91_numbers" / "README.md").write_text(card)
    course, before = Course(root), os.getcwd()
    os.chdir(root)
    try:
        numbers = course.module("91_numbers")
        release(numbers)
        for module in (course.module("07_autograd"), numbers):
            student.start(module)
        hand_in(numbers, "ada", changed(numbers, _three_times))
        hand_in(numbers, "mallory", hostile_notebook(numbers))
        for graded in grade(numbers):
            assert graded.score is not None, graded.notes
        feedback(numbers, ())
    finally:
        os.chdir(before)
    return course


def _three_times(nb: dict) -> None:
    cell = cell_of(nb, "double")
    cell["source"] = cell["source"].replace("np.multiply(x, 2)", "np.multiply(x, 3)")


@pytest.fixture(scope="session")
def lab(course):
    """The address of a JupyterLab that `tito jupyter` has started, and its token."""
    with jupyterlab(course) as address:
        yield address


@contextlib.contextmanager
def jupyterlab(course: Course, **environment: str) -> Iterator[tuple[str, str]]:
    """Start JupyterLab as `tito jupyter` does; gives its address and its token."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tito", "jupyter", "--no-browser"],
        cwd=course.root,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "SHELL": "/bin/sh"} | environment,
    )
    try:
        address = re.search(r"(http://[^/]+)/lab[^?]*\?token=(\w+)", process.stdout.readline())
        yield address.groups()
    finally:
        process.terminate()
        process.wait(timeout=60)  # it gives JupyterLab 20 seconds to end


@pytest.fixture(scope="module")  # while it is there, no other test of this process can use asyncio
def chromium():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """An empty page."""
    with opened_page(chromium) as page:
        yield page


@contextlib.contextmanager
def opened_page(chromium) -> Iterator:
    """An empty page, in a window of its own."""
    page = chromium.new_page(viewport=VIEWPORT)
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def keep(page, name: str) -> None:
    """Keep a screenshot where the environment asks for it."""
    if folder := os.environ.get("SCREENSHOTS"):
        news = page.get_by_role("button", name="No", exact=True)  # Jupyter's own news
        if "/lab" in page.url and news.is_visible():
            news.click()
        page.wait_for_timeout(700)
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")


def write(module, nb: dict) -> None:
    """Put a notebook on the desk."""
    module.desk.write_text(json.dumps(nb))


def open_notebook(page, lab, module) -> None:
    """Open a module's notebook and wait for its kernel."""
    address, token = lab
    path = f"notebooks/{module.folder}/{module.notebook}"
    page.goto(f"{address}/lab/tree/{path}?token={token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector(IDLE)


def press_shift_enter(page) -> None:
    """Run the active cell, when the kernel has come to rest.

    A kernel that has shown an error drops what reaches it before it has answered; nobody types so
    fast as these tests.
    """
    page.wait_for_selector(IDLE)
    page.keyboard.press("Shift+Enter")


def run_all(page) -> None:
    """Restart the kernel and run all cells."""
    page.click(".jp-NotebookPanel-toolbar [data-command='notebook:restart-run-all']")
    page.click(".jp-Dialog button.jp-mod-accept")


def use_theme(page, lab, name: str) -> None:
    """Set JupyterLab's theme; it is that of the pages opened next."""
    address, token = lab
    url = f"{address}/lab/api/settings/@jupyterlab/apputils-extension:themes?token={token}"
    page.request.put(url, data=json.dumps({"raw": json.dumps({"theme": name})}))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep how the page looked when a test failed."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page and "chromium" in item.fixturenames:
        keep(page, f"failed-{item.name}")
    return report

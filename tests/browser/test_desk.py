"""A student's JupyterLab: the notebook, the desk, and nothing that is not theirs."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from browsing import IDLE, in_a_browser, keep
from conftest import ROOT

from tito.course import Course
from tito.student import actions as student

pytestmark = in_a_browser


@pytest.fixture
def desk(released_once, tmp_path):
    """What a student has: released notebooks and no sources; two are begun."""
    root = tmp_path / "course"
    shutil.copytree(released_once, root)
    shutil.rmtree(root / "source")
    (root / "bin").mkdir()
    course = Course(root)
    for name in ("doubles", "numbers"):
        student.start(course.module(name))
    os.utime(course.module("doubles").desk, (1, 1))
    return course


def test_it_opens_the_last_notebook_and_shows_only_the_desk(desk, page):
    process = subprocess.Popen(
        [sys.executable, "-m", "tito", "jupyter", "--no-browser"],
        cwd=desk.root,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        (url,) = re.findall(r"http\S+", process.stdout.readline())
        assert "/lab/tree/notebooks/01_numbers/numbers_dev.ipynb?token=" in url
        page.goto(url)
        page.wait_for_selector(IDLE)
        assert page.locator(".jp-CodeCell").count() > 0
        menus = page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
        assert "File" in menus and "Nbgrader" not in menus
        assert page.get_by_role("button", name="Validate").is_visible()
        page.wait_for_timeout(2000)  # the question about news would come by now
        assert not page.locator(".jp-toast-button, .Toastify__toast").count()
        assert page.locator("text=Create Assignment").count() == 0
        assert page.locator("text=Launcher").count() == 0
        keep(page, "desk")
        page.locator(".jp-BreadCrumbs-home").click()
        page.wait_for_selector(".jp-DirListing-item >> text=notebooks")
        listed = page.locator(".jp-DirListing-itemText").all_inner_texts()
        assert "notebooks" in listed and not {"release", "bin", "nbgrader_config.py"} & set(listed)
    finally:
        process.terminate()
        process.wait(timeout=60)

"""Pictures and steppers as a reader sees them: on a page, and in a real JupyterLab.

Skipped, with a line that says so, only where there is no Chromium.
"""

import os
import re
import shutil
import subprocess
import sys
import time

import nbformat
import numpy as np
import pytest
from browsing import end

from tinytorch.core.autograd import Variable
from tinytorch.graph import draw, step_backward

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.xdist_group("browser"),
]


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
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()


def outputs() -> tuple[str, str, str]:
    """What a notebook shows of a graph, of its backward pass, and of a variable."""
    x, y = Variable(2.0), Variable(3.0)
    s = x + y
    d = x - y
    f = s * d
    return draw(f)._repr_html_(), step_backward(f)._repr_html_(), f._repr_html_()


def shown(page, stepper: int = 0) -> str:
    """The text that a stepper shows now."""
    return page.locator(".says").nth(stepper).inner_text()


def test_two_steppers_on_a_page_go_by_click_and_by_key_and_leave_each_other_alone(page):
    one, other = outputs()[1], outputs()[1]
    page.set_content(one + other)
    assert shown(page, 0).startswith("Start") and shown(page, 1).startswith("Start")
    page.locator("label", has_text="2").first.click()
    assert shown(page, 0).startswith("Step 2 of 3") and shown(page, 1).startswith("Start")
    page.keyboard.press("ArrowRight")
    assert "5 + (-1) = 4" in shown(page, 0) and shown(page, 1).startswith("Start")
    visible = [text.text_content() for text in page.locator("svg >> nth=0 >> text.s:visible").all()]
    assert sorted(visible) == [
        "gradient -1",
        "gradient -5 + (-1) = -6",
        "gradient 1",
        "gradient 5",
        "gradient 5 + (-1) = 4",
    ]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past the words
    page.keyboard.press("ArrowRight")
    assert shown(page, 1).startswith("Step 1 of 3") and "5 + (-1) = 4" in shown(page, 0)
    if folder := os.environ.get("SCREENSHOTS"):
        page.set_viewport_size({"width": 600, "height": 500})
        page.set_content(one)
        page.locator("label", has_text="3").click()
        page.locator(".stage").screenshot(path=f"{folder}/step-backward.png")


def colours(page) -> tuple[str, str]:
    """The ground of a stepper and the colour of its text."""
    found = page.locator(".stage").first.evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    )
    return tuple(found)


def test_light_and_dark(browser):
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 25, 31)")):
        page = browser.new_page(color_scheme=scheme)
        page.set_content(outputs()[1])
        assert colours(page)[0] == ground
        page.set_content('<body data-jp-theme-light="false">' + outputs()[1])
        assert colours(page)[0] == "rgb(22, 25, 31)"
        page.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with the same notebook trusted and not trusted, and its token."""
    root = tmp_path_factory.mktemp("graph")
    environment = os.environ | {
        "JUPYTER_DATA_DIR": str(root / ".data"),
        "JUPYTER_CONFIG_DIR": str(root / ".config"),
    }
    for name in ("trusted", "untrusted"):
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(name)])
        nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        for html in outputs():
            data = {"text/html": html, "text/plain": "text"}
            output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
            nb.cells.append(nbformat.v4.new_code_cell("z", outputs=[output], execution_count=1))
        nbformat.write(nb, root / f"{name}.ipynb")
    jupyter = [sys.executable, "-m", "jupyter"]
    trust = [*jupyter, "trust", str(root / "trusted.ipynb")]
    subprocess.run(trust, env=environment, check=True, capture_output=True)
    log = root / ".log"  # not a pipe, which would fill up
    with log.open("w") as errors:
        process = subprocess.Popen(
            [
                *jupyter,
                "lab",
                "--no-browser",
                "--allow-root",
                "--ServerApp.port=0",
                f"--ServerApp.root_dir={root}",
            ],
            cwd=root,
            env=environment,
            stderr=errors,
            stdout=subprocess.DEVNULL,
        )
    try:
        yield address_in(log)
    finally:
        end(process)


def address_in(log) -> tuple[str, str]:
    """The address and the token that a starting server writes into its log."""
    for _ in range(600):
        if found := re.search(
            r"(http://(?:127\.0\.0\.1|localhost)\S*)/lab\?token=(\w+)", log.read_text()
        ):
            return found.groups()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def open_notebook(page, lab, name: str) -> None:
    address, token = lab
    page.goto(f"{address}/lab/tree/{name}.ipynb?token={token}&reset")
    page.wait_for_selector(".jp-OutputArea-output table")


def keep(page, name: str) -> None:
    """Keep a screenshot where the environment asks for it."""
    if folder := os.environ.get("LAB_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def image_is_there(page) -> bool:
    image = page.locator(".jp-OutputArea-output img").first
    return image.evaluate("e => e.complete && e.naturalWidth > 100") and (
        "s = x + y, by add" in image.get_attribute("alt")
    )


def test_a_trusted_notebook_has_the_picture_and_a_stepper_that_takes_the_arrow_keys(page, lab):
    open_notebook(page, lab, "trusted")
    assert image_is_there(page)
    page.locator(".bar label", has_text="1").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "5 + (-1) = 4" in shown(page)
    assert not page.locator(".plain").is_visible()
    keep(page, "trusted")


def test_an_untrusted_notebook_has_the_pictures_and_the_words(page, lab):
    open_notebook(page, lab, "untrusted")
    assert image_is_there(page)
    assert not page.locator(".stage").is_visible()
    assert page.locator(".jp-OutputArea-output img").count() == 2
    assert page.locator(".jp-OutputArea-output img").nth(1).is_visible()
    page.get_by_text("in words").click()
    assert page.get_by_text("5 + (-1) = 4").locator("visible=true").count() == 1
    assert np.all([t in page.locator("table").inner_text() for t in ("value", "grad_fn")])
    keep(page, "untrusted")

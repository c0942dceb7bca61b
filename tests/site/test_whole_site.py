"""The site of this course, in a browser: it loads nothing, is found through, and read by all.

The lessons of modules 1 and 7 are run for it, and the pages of all modules made, which takes about
a minute and a half of processor time.
"""

import base64
import json
import shutil

import pytest
from browsing import CHROMIUM, VIEWPORT, opened_page
from conftest import ROOT, cell_of, reference
from test_accessibility import violations

from tito.author.release import release
from tito.site.documents import PAGES
from tito.site.make_site import KEPT, make_site
from tito.site.pdfs import print_lessons
from tito.source.regions import without_hidden_tests

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.xdist_group("site"),
]
KINDS = (
    *("index", "lessons/07_autograd", "cards/07_autograd", "instructors", "benchmarks", "search"),
    *("reference/tensor", "_modules/tinytorch/in_place"),
)


@pytest.fixture(scope="module")
def site(whole_course):
    """The site, made of a copy of the course."""
    root = whole_course.root
    documents = [*PAGES, "README.md", "CITATION.cff", "pyproject.toml", "benchmarks/ratios.svg"]
    for name in documents:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "docs" / "images", root / "docs" / "images", dirs_exist_ok=True)
    modules = [whole_course.module(name) for name in ("01", "07")]
    return make_site(whole_course, root / "site", modules=modules).out


@pytest.fixture(scope="module")
def window(chromium):
    """A window: to open one takes longer than to show most pages."""
    with opened_page(chromium) as window:
        yield window


@pytest.fixture
def page(window):
    """The window, as it was opened."""
    window.emulate_media(color_scheme="null")
    window.set_viewport_size(VIEWPORT)
    window.goto("about:blank")
    return window


def visited(page, site, name: str) -> list[str]:
    """Open a page; gives what it asked others for."""
    asked = []

    def keep(request) -> None:
        asked.append(request.url)

    page.on("request", keep)
    page.goto((site / f"{name}.html").as_uri())
    page.remove_listener("request", keep)
    return [url for url in asked if not url.startswith(("file:", "data:"))]


def test_no_page_asks_anybody_for_anything(site, page):
    names = [path.relative_to(site).with_suffix("") for path in sorted(site.rglob("*.html"))]
    assert len(names) > 60
    assert {str(name): asked for name in names if (asked := visited(page, site, name))} == {}


@pytest.mark.parametrize("words", ["unbroadcast", "momentum", "Sobel"])
def test_the_search_finds(site, page, words):
    page.goto(f"{(site / 'search.html').as_uri()}?q={words}")
    page.locator('#search-results ul.search li a[href*="lessons/"]').first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_everybody_can_read_a_page(site, page, name, scheme):
    page.emulate_media(color_scheme=scheme)
    visited(page, site, name)
    # The colours of programs are those of the other pages, and a lesson has thousands of words.
    assert violations(page, without=".highlight" if name.startswith("lessons/") else None) == []


@pytest.mark.parametrize("name", KINDS)
def test_no_page_is_wider_than_a_telephone(site, page, name):
    page.set_viewport_size({"width": 390, "height": 800})
    visited(page, site, name)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_figures_are_those_of_a_student(site, whole_course):
    """One who has solved the released notebook of module 1, and runs it on the desk."""
    from nbclient import NotebookClient
    from nbformat import reads

    module = whole_course.module("01")
    release(module)
    nb = json.loads(module.released.read_text())
    for solved in reference(module)["cells"]:
        if name := solved["metadata"].get("nbgrader", {}).get("grade_id"):
            cell_of(nb, name)["source"] = without_hidden_tests(solved["source"])
    module.desk.parent.mkdir(parents=True)
    place = {"metadata": {"path": str(module.desk.parent)}}
    ran = NotebookClient(
        reads(json.dumps(nb), as_version=4), kernel_name="python3", resources=place
    ).execute()
    (kept,) = (whole_course.root / KEPT).glob("01_*.json")
    shown = json.loads(kept.read_text())
    same = [
        figures(shown[cell.id]) == figures(cell.outputs) for cell in ran.cells if is_drawn(cell)
    ]
    assert len(same) >= 3 and all(same)
    assert all(
        (site / "figures").joinpath(f"{name}.png").exists()
        for outputs in shown.values()
        for name in figures(outputs)
    )


def is_drawn(cell) -> bool:
    """Whether a cell shows a figure, and not of times, which are others in each run."""
    drawn = bool(figures(cell.get("outputs", [])))
    return drawn and not any(word in cell.source for word in ("seconds", "time of"))


def figures(outputs) -> list[str]:
    """The names of the files that the figures among some outputs have on the site."""
    import hashlib

    images = [output["data"]["image/png"] for output in outputs if "image/png" in str(output)]
    return [hashlib.sha256(base64.b64decode(image)).hexdigest()[:16] for image in images]


def test_a_lesson_can_be_printed(site, tmp_path):
    (tmp_path / "lessons").mkdir()
    for name in ("_static", "figures"):
        shutil.copytree(site / name, tmp_path / name)
    shutil.copy(site / "lessons" / "01_tensor.html", tmp_path / "lessons")
    (pdf,) = print_lessons(tmp_path)
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") > 5

"""A site of a small course: complete, without a leak, and made again only where it has to be."""

import json
import struct
import zlib

import pytest
from browsing import CHROMIUM
from click.testing import CliRunner
from conftest import write_course

from tito.author.leaks import secrets_of
from tito.cli import cli
from tito.errors import TitoError, UsageError
from tito.site import make_site as making
from tito.site.links import broken_links
from tito.site.make_site import make_site, refuse

SECRET = "    twice_as_much = np.multiply(x, 2)\n    return twice_as_much\n"
HIDDEN = "secret_of_the_hidden_test = numbers.double(x)\n    return secret_of_the_hidden_test"
MORE = r'''
# %% [markdown]
r"""
# A second part

With $x^2$, and

$$ y = \frac{1}{2} $$
"""

# %%
from matplotlib import pyplot as plt
from tito.figures import show

figure, axes = plt.subplots(figsize=(1, 1))
show(figure, "A line that rises from the left to the right")
'''

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The small course with a formula and a figure."""
    course = write_course(tmp_path_factory.mktemp("site") / "course")
    source = course.module("01").source
    source.write_text(source.read_text() + MORE)
    return course


@pytest.fixture(scope="module")
def site(course):
    """Its site."""
    return make_site(course, course.root / "site")


def test_every_page_is_there_and_every_link_leads_somewhere(site):
    pages = {path.relative_to(site.out).as_posix() for path in site.out.rglob("*.html")}
    assert {"index.html", "lessons/01_numbers.html", "reference/numbers.html"} <= pages
    assert site.ran == ["01_numbers", "02_doubles", "03_classic"]
    assert broken_links(site.out) == []
    assert not list(site.out.rglob("*.ipynb")) and not list(site.out.glob("_sources/*"))


def test_a_lesson_has_outputs_formulas_and_figures_and_no_solution(site):
    text = (site.out / "lessons" / "01_numbers.html").read_text()
    assert "a demo: [2. 4.]" in text and "YOUR CODE HERE" in text
    assert text.count("<h1") == 1 and text.count("<math") == 2
    assert 'alt="A line that rises from the left to the right" src="../figures/' in text
    assert "twice_as_much" not in text and "secret_of_the_hidden_test" not in text
    assert "<pre>" not in text  # each can be reached by keys


def test_the_reference_has_what_a_docstring_says_and_no_source(site):
    text = (site.out / "reference" / "numbers.html").read_text()
    assert "Half of" in text and "refused with a TypeError" in text
    assert not (site.out / "_modules").exists()
    assert 'href="../lessons/01_numbers.html"' in text


def test_nothing_changed_so_nothing_is_run(course, site):
    assert make_site(course, site.out).ran == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium")
def test_a_lesson_that_was_printed_leads_to_its_pdf(course, site, tmp_path):
    link = 'href="01_numbers.pdf"'
    assert link not in (site.out / "lessons" / "01_numbers.html").read_text()
    printed = make_site(course, tmp_path / "printed", pdf=True).out / "lessons"
    assert link in (printed / "01_numbers.html").read_text()
    assert (printed / "01_numbers.pdf").read_bytes().startswith(b"%PDF")


def test_a_folder_with_something_else_is_not_replaced(course, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is not empty"):
        make_site(course, tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_without_the_extra_one_sentence_says_what_to_install(course, monkeypatch, tmp_path):
    monkeypatch.setattr(making, "NEEDED", ("click", "no_such_package"))
    monkeypatch.chdir(course.root)
    result = CliRunner().invoke(cli, ["site", "--out", str(tmp_path / "site")])
    assert result.exit_code == 1
    assert "needs no_such_package; in the course's folder, run: pip install \".[" in result.output
    assert not (tmp_path / "site").exists()


def test_a_lesson_that_fails_is_named(small_course, tmp_path):
    source = small_course.module("03").source
    source.write_text(source.read_text() + "\n# %%\n1 / 0\n")
    with pytest.raises(TitoError, match=r"03_classic cannot be shown: .*ZeroDivisionError"):
        make_site(small_course, tmp_path / "site")


def test_a_solution_that_a_cell_prints_stops_the_site(small_course, tmp_path):
    source = small_course.module("01").source
    source.write_text(source.read_text() + f"\n# %%\nprint({SECRET!r}[4:])\n")
    with pytest.raises(TitoError, match=r"would give away solutions: .*01_numbers double"):
        make_site(small_course, tmp_path / "site")
    assert list(tmp_path.glob("*site*")) == []


def page(inside: str) -> bytes:
    return f"<!doctype html><html><body>{inside}</body></html>".encode()


def png(kind: bytes, data: bytes) -> bytes:
    """An image with one part that is text."""
    part = struct.pack(">I", len(data)) + kind + data + b"\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + part


def embedded(content: str) -> str:
    import base64

    return f"data:image/svg+xml;base64,{base64.b64encode(content.encode()).decode()}"


LAID_OUT = "def f(x):\n  # another comment\n  twice_as_much = (np.multiply(\n x, 2))\n  return twice_as_much"
PLACES = {
    "an output": ("lessons/01.html", lambda s: page(f"<pre><span>{s}</span></pre>")),
    "a caption": ("index.html", lambda s: page(f"<figcaption>{s}</figcaption>")),
    "the text of an image": ("index.html", lambda s: page(f'<img alt="{s}">')),
    "a comment": ("index.html", lambda s: page(f"<!-- {s} -->")),
    "the search index": (
        "searchindex.js",
        lambda s: f"Search.setIndex({json.dumps({'titles': [s]})})".encode(),
    ),
    "a source link": ("_modules/tinytorch/x.html", lambda s: page(f"<pre>{s}</pre>")),
    "a download": ("_downloads/1/x.ipynb", lambda s: json.dumps({"cells": [], "x": s}).encode()),
    "an image's metadata": ("figures/a.png", lambda s: png(b"tEXt", b"Title\0" + s.encode())),
    "compressed metadata": (
        "figures/a.png",
        lambda s: png(b"zTXt", b"Title\0\0" + zlib.compress(s.encode())),
    ),
    "a picture in the page": ("x.html", lambda s: page(f'<img src="{embedded(s)}">')),
    "the inventory": ("objects.inv", lambda s: b"# Sphinx\n" + zlib.compress(s.encode())),
}


@pytest.mark.parametrize("secret", [SECRET, HIDDEN], ids=["solution", "hidden test"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_is_found(small_course, tmp_path, place, secret):
    name, made = PLACES[place]
    secrets = secrets_of(small_course.module("01"))
    if secret is HIDDEN:
        secret = next(s.text for s in secrets if s.kind == "hidden test")
    html = tmp_path / "html"
    path = html / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made(secret.replace('"', "&quot;") if name.endswith("html") else secret))
    with pytest.raises(TitoError, match=f"give away solutions: {name}: .* of 01_numbers double"):
        refuse(html, secrets)
    path.write_bytes(made("nothing of importance"))
    refuse(html, secrets)


def test_a_solution_in_another_layout_is_found(small_course, tmp_path):
    html = tmp_path / "html"
    html.mkdir()
    (html / "a.html").write_bytes(page(f"<pre>{LAID_OUT}</pre>"))
    with pytest.raises(TitoError, match=r"give away solutions: a\.html"):
        refuse(html, secrets_of(small_course.module("01")))


@pytest.mark.parametrize(
    "inside, wrong",
    [
        ('<a href="nowhere.html">x</a>', "a.html: nowhere.html"),
        ('<a href="#nowhere">x</a>', "a.html: #nowhere"),
        ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js"),
        ("<h1>a</h1><h1>b</h1>", "2 titles; a page has one"),
    ],
)
def test_a_page_that_leads_nowhere_stops_the_site(tmp_path, inside, wrong):
    (tmp_path / "a.html").write_bytes(page(f'<p id="here">{inside}</p><a href="#here">y</a>'))
    with pytest.raises(TitoError) as raised:
        refuse(tmp_path, [])
    assert wrong in str(raised.value)

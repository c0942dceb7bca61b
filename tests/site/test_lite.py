"""The notebooks in JupyterLite: the released ones, and nothing that is asked of anybody else.

Pyodide itself is not here. What stands for it has its list of packages and files of the right
names, but no Python; so no cell runs in these tests.
"""

import functools
import hashlib
import http.server
import json
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from browsing import CHROMIUM
from click.testing import CliRunner
from conftest import ROOT, write_course

from tito.author.leaks import secrets_of
from tito.cli import cli
from tito.course import Course
from tito.errors import UsageError
from tito.site import in_browser
from tito.site.lite import PYODIDE, make_lite
from tito.site.pyodide import CORE, LOCK, WANTED, read_pyodide
from tito.site.site_leaks import leaks_of_site
from tito.student import actions

pytestmark = pytest.mark.xdist_group("site")


def distribution(folder: Path, without: str = "", **changed: str) -> Path:
    """What stands for a distribution of pyodide."""
    packages = {}
    for name in (*WANTED, "contourpy", "pandas"):
        wheel = folder / f"{name}-1.0-py3-none-any.whl"
        wheel.parent.mkdir(parents=True, exist_ok=True)
        wheel.write_bytes(name.encode())
        packages[name] = {
            "depends": ["contourpy"] if name == "matplotlib" else [],
            "file_name": wheel.name,
            "sha256": hashlib.sha256(changed.get(name, name).encode()).hexdigest(),
        }
    for name in CORE:
        (folder / name).write_bytes(b"\0")
    (folder / LOCK).write_text(json.dumps({"info": {}, "packages": packages}))
    for path in folder.glob(f"{without}*") if without else ():
        path.unlink()
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """The small course with the tools that a kit has."""
    course = write_course(tmp_path_factory.mktemp("lite") / "course")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tito", course.root / "tito", ignore=ignored)
    return course


@pytest.fixture(scope="module")
def lite(course, tmp_path_factory) -> Path:
    """Its JupyterLite, as the site has it."""
    work = tmp_path_factory.mktemp("work")
    pyodide = read_pyodide(distribution(work / "given"), work / "unpacked")
    out, added = make_lite(course, pyodide, work)
    pyodide.copy_to(out / PYODIDE, added)
    return out


def test_the_notebooks_are_the_released_ones_between_cells_of_our_own(course, lite):
    for module in course.modules():
        path = Path("files", "notebooks", module.folder, module.notebook)
        cells = json.loads((lite / path).read_text())["cells"]
        assert cells[1:-3] == json.loads(module.released.read_text())["cells"]
        assert all(c["id"].startswith("in-browser-") for c in [cells[0], *cells[-3:]])
        kept = lite / "files" / "release" / module.folder / module.notebook
        assert kept.read_bytes() == module.released.read_bytes()
    listed = json.loads((lite / "api/contents/notebooks/01_numbers/all.json").read_text())
    assert "numbers_dev.ipynb" in [entry["name"] for entry in listed["content"]]


def test_the_course_is_a_pure_wheel_that_a_cell_gets_by_importing_it(lite):
    packages = json.loads((lite / PYODIDE / LOCK).read_text())["packages"]
    assert "pandas" not in packages and not list((lite / PYODIDE).glob("pandas*"))
    assert {"numpy", "contourpy", "comm"} <= set(packages)
    entry = packages["tinytorch-course"]
    wheel = lite / PYODIDE / entry["file_name"]
    assert wheel.name.endswith("-py3-none-any.whl") and set(entry["imports"]) == {
        "tinytorch",
        "tito",
    }
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == entry["sha256"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"tito/in_browser.py", "tito/checks/__init__.py", "tinytorch/__init__.py"} <= set(names)
    assert not [n for n in names if n.startswith(("tito/judge", "tito/author", "tito/grading"))]
    assert not [n for n in names if n.endswith((".so", ".pyd"))]


def test_the_settings_name_only_addresses_of_our_own(lite):
    for path in lite.rglob("jupyter-lite.json"):
        assert "://" not in path.read_text(), path
    data = json.loads((lite / "jupyter-lite.json").read_text())["jupyter-config-data"]
    (kernel,) = data["litePluginSettings"].values()
    assert kernel["disablePyPIFallback"] is True
    for address in [kernel["pyodideUrl"], *kernel["pipliteUrls"]]:
        assert (lite / address.partition("?")[0]).exists()
    assert len(data["federated_extensions"]) == 1


@pytest.mark.parametrize("place", ["files/notebooks/01_numbers/a.ipynb", "static/pyodide/a.whl"])
def test_the_leak_test_reads_it(course, lite, tmp_path, place):
    ours = tmp_path / "lite"
    shutil.copytree(lite / "files", ours / "files")
    shutil.copytree(lite / PYODIDE, ours / PYODIDE)
    secrets = [s for module in course.modules() for s in secrets_of(module)]
    assert leaks_of_site(ours, secrets) == []
    solution = next(s.text for s in secrets if s.kind == "solution")
    if place.endswith("whl"):
        with zipfile.ZipFile(ours / place, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("tito/a.py", solution)
    else:
        (ours / place).write_text(json.dumps({"cells": [], "planted": solution}))
    (found,) = leaks_of_site(ours, secrets)
    assert found.startswith(f"{ours / place}: solution of 01_numbers double")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium")
def test_opening_a_notebook_asks_nobody_else(lite, page):
    handler = functools.partial(Quiet, directory=lite)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address, asked = f"http://127.0.0.1:{server.server_port}/", []
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}lab/index.html?path=notebooks/01_numbers/numbers_dev.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell:has-text('Run this cell first')")
        server.shutdown()
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert len(asked) > 20 and elsewhere == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that says nothing."""

    def log_message(self, *what) -> None:
        pass


@pytest.mark.parametrize(
    "changes, wrong",
    [
        ({"without": "numpy"}, "holds no wheel of numpy; what is wanted is a full distribution"),
        ({"without": "contourpy"}, "holds no wheel of contourpy; "),
        ({"without": "pyodide.asm.wasm"}, "has no pyodide.asm.wasm; "),
        ({"without": LOCK}, f"has no {LOCK}; "),
        ({"numpy": "another"}, "holds another numpy-1.0-py3-none-any.whl than its list names; "),
    ],
)
def test_a_distribution_that_lacks_something_is_refused(tmp_path, changes, wrong):
    with pytest.raises(UsageError) as raised:
        read_pyodide(distribution(tmp_path / "given", **changes), tmp_path)
    assert wrong in str(raised.value) and "among the releases of pyodide" in str(raised.value)


def test_an_archive_is_as_good_as_a_folder(tmp_path):
    distribution(tmp_path / "pyodide")
    with tarfile.open(tmp_path / "given.tar.bz2", "w:bz2") as archive:
        archive.add(tmp_path / "pyodide", "pyodide")
    found = read_pyodide(tmp_path / "given.tar.bz2", tmp_path / "unpacked")
    assert set(found.packages()) == {*WANTED, "contourpy"}
    (tmp_path / "given.tar.bz2").write_bytes(b"no archive")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        read_pyodide(tmp_path / "given.tar.bz2", tmp_path / "again")


@pytest.mark.parametrize(
    "options, wrong",
    [
        (["--lite"], "--lite needs --pyodide PATH"),
        (["--pyodide", "given"], "--pyodide is only for --lite"),
        (["--lite", "--pyodide", "given"], "given holds no wheel of numpy; what is wanted is"),
        (["--lite", "--pyodide", "nowhere"], "nowhere is not there; what is wanted is"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(small_course, options, wrong):
    distribution(small_course.root / "given", without="numpy")
    before = sorted(small_course.root.iterdir())
    done = CliRunner().invoke(cli, ["site", "--out", "made", *options])
    assert done.exit_code == 2 and wrong in done.output and done.output.count("\n") == 1
    assert sorted(small_course.root.iterdir()) == before


def test_a_student_exports_and_hands_in_without_a_process(numbers, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setattr("tito.files.FOR_READING", 0)
    actions.start(numbers)
    desk = in_browser.InBrowser(numbers, tmp_path)
    desk.export()
    assert "tinytorch/core/numbers.py is written." in capsys.readouterr().out
    assert (tmp_path / "numbers.py").read_bytes() == numbers.exported.read_bytes()
    desk.submit("YOUR ID")
    assert "lite: 'YOUR ID' cannot be a student's name" in capsys.readouterr().out
    desk.submit("ada")
    assert "ada handed in 01_numbers" in capsys.readouterr().out
    assert list(numbers.desk.parent.glob("01_numbers-ada-*.zip"))


def test_a_notebook_says_which_module_it_still_needs(
    released_course, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("tito.files.FOR_READING", 0)
    doubles = released_course.module("2")
    actions.start(doubles)
    in_browser.InBrowser(doubles, tmp_path).bring()
    assert "Run lite.export() in the notebook of 01_numbers" in capsys.readouterr().out

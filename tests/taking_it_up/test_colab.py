"""Notebooks for Colab: they fetch the kit, check, export and hand in, without a command line.

Colab itself is not here. What stands for it: an empty folder, a kernel that knows neither `tito` nor
`tinytorch`, and the four functions of `google.colab` that are used.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from bare import with_kit
from click.testing import CliRunner
from conftest import ROOT, reference
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient

from tito.author.colab import for_colab, make_colab
from tito.author.in_colab import InColab
from tito.author.leaks import leaks, secrets_of
from tito.cli import cli
from tito.course import Course
from tito.errors import UsageError
from tito.grading.versions import version_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Colab's machines run Linux")
STAND_INS = {
    "__init__": "",
    "drive": """
import os, pathlib
def mount(place):
    if "NO_DRIVE" in os.environ:
        raise ValueError("mount failed")
    (pathlib.Path(place) / "MyDrive").mkdir(parents=True, exist_ok=True)
""",
    "files": """
import pathlib, shutil
def download(path):
    pathlib.Path("downloads").mkdir(exist_ok=True)
    shutil.copy(path, "downloads")
""",
    "_message": """
import json, os
def blocking_request(kind, request="", timeout_sec=5):
    assert kind == "get_ipynb"
    with open(os.environ["SHOWN"], encoding="utf-8") as file:
        return json.load(file)
""",
}
# The tests' own Python finds `tito` and `tinytorch` of the checkout; Colab's does not.
KERNEL = f"""
import sys
sys.path = [p for p in sys.path if p not in ("", {str(ROOT)!r})]
from ipykernel.kernelapp import IPKernelApp
IPKernelApp.launch_instance()
"""


@dataclass
class Colab:
    """A student's Colab: one session after the other, and a Drive that stays."""

    folder: Path

    def run(self, nb: dict, **variables: str) -> list[str]:
        """Run a notebook in a new session; gives what each cell showed."""
        shutil.rmtree(self.folder / "TinyTorch", ignore_errors=True)
        nb = nbformat.from_dict(nb)
        shown = self.folder.with_name("shown.json")
        shown.write_text(json.dumps({"ipynb": as_colab_saves(nb)}), encoding="utf-8")
        kernel = AsyncKernelManager()
        kernel._kernel_spec = KernelSpec(
            argv=[sys.executable, "-c", KERNEL, "-f", "{connection_file}"], language="python"
        )
        client = NotebookClient(nb, km=kernel, timeout=60, allow_errors=True)
        kept = {k: v for k, v in os.environ.items() if k not in ("JPY_SESSION_NAME", "PYTHONPATH")}
        fakes = str(self.folder.with_name("fakes"))
        kept |= {"PYTHONPATH": fakes, "SHOWN": str(shown)} | variables
        client.execute(env=kept, cwd=str(self.folder))
        return [shown_by(cell) for cell in nb.cells]


def as_colab_saves(nb) -> dict:
    """A notebook as Colab writes it: of an older format, with ids among the metadata."""
    plain = json.loads(nbformat.writes(nb)) | {"nbformat_minor": 0}
    for cell in plain["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
    plain["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return plain


def shown_by(cell) -> str:
    texts = [
        o.get("text")
        or o.get("data", {}).get("text/plain")
        or f"{o.get('ename')}: {o.get('evalue')}"
        for o in cell.get("outputs", [])
    ]
    return "\n".join(texts)


@pytest.fixture
def colab(tmp_path) -> Colab:
    package = tmp_path / "fakes" / "google" / "colab"
    package.mkdir(parents=True)
    for name, text in STAND_INS.items():
        (package / f"{name}.py").write_text(text)
    (tmp_path / "content").mkdir()
    return Colab(tmp_path / "content")


@pytest.fixture
def out(released_course, tmp_path) -> Path:
    """The notebooks for Colab and the kit, at an address where they can be fetched."""
    folder = tmp_path / "public"
    kit = with_kit(released_course, tmp_path / "kit")
    with hosted(folder) as address:
        make_colab(released_course, kit, folder, address)
        yield folder


@contextlib.contextmanager
def hosted(folder: Path):
    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def notebook(out: Path, folder: str) -> dict:
    """A notebook as plain JSON, with the text of each cell in one piece."""
    (path,) = (out / folder).glob("*.ipynb")
    return json.loads(json.dumps(nbformat.read(path, as_version=4)))


def solved(nb: dict, course: Course, folder: str, student: str = "ada") -> dict:
    """With the reference's cells, and the student's id in the last one."""
    cells = reference(course.module(folder))["cells"]
    exercises = [c for c in cells if c["metadata"].get("nbgrader", {}).get("solution")]
    solutions = {cell["id"]: cell["source"] for cell in exercises if cell["cell_type"] == "code"}
    for cell in nb["cells"]:
        cell["source"] = solutions.get(cell["id"], cell["source"]).replace("YOUR ID", student)
    return nb


def test_a_check_says_not_done_yet_in_an_empty_folder(out, colab):
    shown = colab.run(notebook(out, "01_numbers"))
    assert shown[0] == ""
    assert [text for text in shown if text.startswith("· double (4 points): not done yet")]
    assert "Still to do: double, halve." in shown[-2]
    assert "'YOUR ID' cannot be a student's name" in shown[-1]


def test_a_student_checks_exports_goes_on_and_hands_in(out, colab, released_course):
    shown = colab.run(solved(notebook(out, "01_numbers"), released_course, "01_numbers"))
    assert [text for text in shown if "✓ double: all checks in this cell pass" in text]
    assert shown[-2].startswith("tinytorch/core/numbers.py is written.")
    assert "ada handed in 01_numbers" in shown[-1]
    (handed_in,) = (colab.folder / "downloads").glob("01_numbers-ada-*.zip")
    next_one = colab.run(solved(notebook(out, "02_doubles"), released_course, "02_doubles"))
    assert next_one[0] == ""
    assert [text for text in next_one if "✓ quadruple: all checks in this cell pass" in text]

    (released_course.root / "submitted").mkdir()
    shutil.copy(handed_in, released_course.root / "submitted")
    graded = CliRunner().invoke(cli, ["grade", "01_numbers", "--no-sandbox", "--json"])
    assert graded.exit_code == 0, graded.output
    (one,) = [json.loads(line) for line in graded.output.splitlines() if '"ada"' in line]
    assert (one["score"], one["flags"]) == (7, [])


def test_without_drive_what_is_exported_is_downloaded(out, colab):
    shown = colab.run(notebook(out, "02_doubles"), NO_DRIVE="1")
    assert "Google Drive is not used (mount failed)" in shown[0]
    assert "put the file at TinyTorch/tinytorch/core/numbers.py, and then this cell" in shown[0]
    assert (colab.folder / "downloads" / "doubles.py").exists()


@pytest.mark.parametrize("reply", [{}, {"ipynb": None}])
def test_a_browser_that_gives_no_notebook_ends_in_a_sentence(
    reply, numbers, colab, tmp_path, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(tmp_path / "fakes")
    (tmp_path / "shown.json").write_text(json.dumps(reply))
    monkeypatch.setenv("SHOWN", str(tmp_path / "shown.json"))
    InColab(numbers).export()
    assert capsys.readouterr().out.startswith("colab: Colab did not give the notebook; run this")
    assert not numbers.exported.exists()


def test_another_kit_at_the_address_is_refused(out, colab):
    (kit,) = out.glob("kit-*.zip")
    kit.write_bytes(kit.read_bytes() + b" ")
    assert (
        "not the kit that this notebook was made for" in colab.run(notebook(out, "01_numbers"))[0]
    )
    assert not (colab.folder / "TinyTorch").exists()


def test_the_notebooks_are_those_of_the_release_between_cells_of_our_own(out, released_course):
    for module in released_course.modules():
        nb = notebook(out, module.folder)
        given = notebook(released_course.root / "release", module.folder)
        assert nb["cells"][1:-3] == given["cells"]
        own = {cell["id"] for cell in [nb["cells"][0], *nb["cells"][-3:]]}
        assert all(name.startswith("in-colab-") for name in own)
        assert nb["metadata"]["colab"]["generative_ai_disabled"] is True
        text = json.dumps(nb).encode()
        assert version_in(text) == version_in(module.released.read_bytes()) != ""
        nbformat.validate(nbformat.from_dict(nb))


def test_neither_the_notebooks_nor_the_kit_give_anything_away(out, released_course, tmp_path):
    (kit,) = out.glob("kit-*.zip")
    with zipfile.ZipFile(kit) as archive:
        archive.extractall(tmp_path / "unpacked")
    secrets = [s for module in released_course.modules() for s in secrets_of(module)]
    notebooks = list(out.glob("*/*.ipynb"))
    assert len(notebooks) == 3
    assert leaks([*notebooks, tmp_path / "unpacked"], secrets) == []
    others = {path.name for path in (tmp_path / "unpacked" / "tito").iterdir() if path.is_dir()}
    assert others == {"notebook", "checks", "student", "cli"}


def test_outside_of_colab_the_new_cells_do_nothing(released_course):
    nb = for_colab(released_course.module("1"), "colab = None\n")
    names: dict = {}
    for cell in [nb["cells"][0], *nb["cells"][-2:]]:
        exec(cell["source"], names)
    assert names["colab"] is None


def test_the_command_leaves_releases_as_they_are(released_course, tmp_path):
    before = {
        path: path.read_bytes() for path in (released_course.root / "release").rglob("*.ipynb")
    }
    command = ["kit", "--out", str(tmp_path / "handout"), "--colab", "https://example.org/course"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert {path: path.read_bytes() for path in before} == before
    first = notebook(tmp_path / "handout-colab", "01_numbers")["cells"][0]["source"]
    (kit,) = (tmp_path / "handout-colab").glob("kit-*.zip")
    assert f'urlopen("https://example.org/course/{kit.name}")' in first
    assert not list((tmp_path / "handout").rglob("*colab*"))


@pytest.mark.parametrize(
    "address", ["", "example.org", "ftp://example.org", 'https://a"; x', "https://a b"]
)
def test_what_is_no_address_is_refused_before_anything_is_made(released_course, tmp_path, address):
    command = ["kit", "--out", str(tmp_path / "handout"), "--colab", address]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 2 and "is no address; write where you will put" in done.output
    assert not (tmp_path / "handout").exists()


def test_notebooks_are_not_made_over_something(released_course, tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "mine").touch()
    with pytest.raises(UsageError, match="is not empty"):
        make_colab(released_course, tmp_path, tmp_path / "public", "https://example.org")

"""A kit in a git repository: as a template, and pulled into a home folder by nbgitpuller."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from bare import Bare, run, said, with_kit
from click.testing import CliRunner
from conftest import ROOT

from tito.cli import cli

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine"),
    pytest.mark.skipif(os.name == "nt", reason="uses the layout of POSIX environments"),
]


@pytest.fixture
def kit(released_course, tmp_path) -> Path:
    """A kit that its instructor has pushed to a repository."""
    kit = with_kit(released_course, tmp_path / "kit")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "kit.git")
    git(kit, "init", "-q", "-b", "main")
    git(kit, "remote", "add", "origin", tmp_path / "kit.git")
    push(kit)
    return kit


def git(folder: Path, *arguments: object) -> str:
    return said(run("git", *arguments, cwd=folder))


def push(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "As it is now")
    git(folder, "push", "-q", "origin", "main")


def tito(folder: Path, *arguments: str, code: int = 0) -> str:
    """What the launcher of a kit says, where all tools are installed but `tito` and `tinytorch`."""
    launcher = folder / "bin" / "tito.py"
    return said(run(sys.executable, launcher, *arguments, cwd=folder, PYTHONPATH=str(folder)), code)


def solve(desk: Path) -> None:
    """Type in one exercise."""
    nb = json.loads(desk.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        text = "".join(cell["source"])
        if "def double" in text:
            cell["source"] = re.sub(r"# YOUR CODE HERE\n *raise .*", "return x + x", text)
    desk.write_text(json.dumps(nb), encoding="utf-8")


def test_a_student_works_in_a_repository_made_of_the_template(kit, released_course, tmp_path):
    git(tmp_path, "clone", "-q", tmp_path / "kit.git", "ada")
    desk = tmp_path / "ada" / "notebooks" / "01_numbers" / "numbers_dev.ipynb"
    tito(tmp_path / "ada", "start", "1")
    solve(desk)
    tito(tmp_path / "ada", "export", "1")
    tito(tmp_path / "ada", "submit", "1", "--student", "ada")
    push(tmp_path / "ada")
    git(tmp_path, "clone", "-q", tmp_path / "kit.git", "collected")
    (handed_in,) = tmp_path.glob("collected/notebooks/01_numbers/*.zip")
    assert (tmp_path / "collected" / "tinytorch" / "core" / "numbers.py").exists()

    (released_course.root / "submitted").mkdir()
    shutil.copy(handed_in, released_course.root / "submitted")
    graded = CliRunner().invoke(cli, ["grade", "1", "--no-sandbox", "--json"])
    (one,) = [json.loads(line) for line in graded.output.splitlines() if '"ada"' in line]
    assert (one["score"], one["flags"]) == (4, [])


def test_a_repository_of_a_kit_has_all_of_the_kit(kit):
    assert git(kit, "status", "--short", "--ignored") == ""
    assert "release/01_numbers/numbers_dev.ipynb" in git(kit, "ls-files").splitlines()


def test_a_repository_ignores_what_the_launcher_installs(kit):
    for name in (".venv", ".venv.discarded", "tito/__pycache__", "notebooks/.ipynb_checkpoints"):
        (kit / name).mkdir(parents=True)
        (kit / name / "something").touch()
    assert git(kit, "status", "--short") == ""


def test_nbgitpuller_brings_what_is_new_and_keeps_what_a_student_did(kit, tmp_path):
    hub = Bare(tmp_path / "hub")
    hub.borrow()
    hub.install("--no-deps", "nbgitpuller")
    pull = ("gitpuller", (tmp_path / "kit.git").as_uri(), "main", "home")
    said(hub.run(*pull, cwd=tmp_path))
    home = tmp_path / "home"
    tito(home, "start", "1")
    solve(home / "notebooks" / "01_numbers" / "numbers_dev.ipynb")
    tito(home, "export", "1")
    (home / "LICENSE").write_text("mine")
    mine = {p: p.read_bytes() for p in home.glob("notebooks/**/*") if p.is_file()}

    (kit / "release" / "01_numbers" / "README.md").write_text("A newer card\n")
    (kit / "release" / "new.txt").touch()
    push(kit)
    said(hub.run(*pull, cwd=tmp_path))
    assert (home / "release" / "new.txt").exists()
    assert (home / "release" / "01_numbers" / "README.md").read_text() == "A newer card\n"
    assert (home / "LICENSE").read_text() == "mine"
    assert {path: path.read_bytes() for path in mine} == mine
    assert "1 of 2 checks passed" in tito(home, "test", "1", code=1)
    assert "02_doubles" in tito(home, "start", "2")


# A hub starts kernels itself, in the notebook's folder: only PYTHONPATH leads to what was exported.
def test_a_kernel_of_a_hub_finds_the_kit_and_what_was_exported(kit, tmp_path):
    hub = Bare(tmp_path / "hub")
    hub.borrow()
    tito(kit, "start", "1")
    tito(kit, "export", "1")
    program = "import tito, tinytorch.core.numbers as n; print(n.__file__, tito.__file__)"
    folder = kit / "notebooks" / "01_numbers"
    found = said(hub.run("python", "-c", program, cwd=folder, PYTHONPATH=str(kit))).split()
    assert all(Path(name).is_relative_to(kit) for name in found)
    assert "No module named" in said(hub.run("python", "-c", program, cwd=folder), code=1)


# The dev containers


@pytest.mark.parametrize("of", ["the checkout", "a kit"])
def test_a_dev_container_is_of_official_parts(of, kit):
    folder = ROOT if of == "the checkout" else kit
    container = json.loads((folder / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert re.fullmatch(r"python:3\.\d+-(bookworm|trixie)", container["image"])
    assert "python bin/tito.py doctor" in container["postCreateCommand"]
    extensions = container.get("customizations", {}).get("vscode", {}).get("extensions", [])
    assert all(name.startswith(("ms-python.", "ms-toolsai.")) for name in extensions)
    assert "features" not in container

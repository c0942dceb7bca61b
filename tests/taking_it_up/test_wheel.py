"""The wheel and the source distribution, in environments that have nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from bare import UNREACHABLE, Bare, run, said
from conftest import ROOT, write_course
from packaging.requirements import Requirement

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses the layout of POSIX environments")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMAND = re.compile(r"(?:python bin/tito\.py|`tito) ([a-z-]+)")
(NUMPY,) = PROJECT["project"]["dependencies"]
(OLDEST,) = (s.version for s in Requirement(NUMPY).specifier)
LIBRARY = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), flags=re.S)
EVERYTHING = """
import importlib, pkgutil, warnings
warnings.simplefilter("error")
import numpy, tinytorch as tt
names = [m.name for m in pkgutil.walk_packages(tt.__path__, "tinytorch.")]
for name in names:
    importlib.import_module(name)
for name in dir(tt):
    getattr(tt, name)
print(numpy.__version__, len(names), tt.__file__)
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> Path:
    """The wheel and the source distribution, built of a copy."""
    folder = tmp_path_factory.mktemp("distributions")
    for name in ("pyproject.toml", "LICENSE", "README.md", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("tinytorch", "tito", "tests", "source"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    said(run(sys.executable, "-m", "hatchling", "build", "-d", "dist", cwd=folder))
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(distributions) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module", params=[f"numpy=={OLDEST}.*", "numpy"], ids=["oldest", "newest"])
def bare(request, wheel, tmp_path_factory) -> Bare:
    """The wheel, and numpy as old or as new as it may be."""
    made = Bare(tmp_path_factory.mktemp("bare") / "environment")
    made.install(request.param)
    made.install("--no-index", wheel)
    return made


@pytest.fixture(scope="module")
def equipped(wheel, tmp_path_factory) -> Bare:
    """The wheel, and the course tools."""
    made = Bare(tmp_path_factory.mktemp("equipped") / "environment")
    made.borrow()
    made.install("--no-index", "--no-deps", "--ignore-installed", wheel)
    return made


# What is in them


def test_the_source_distribution_gives_the_same_wheel(distributions, wheel, tmp_path):
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    said(run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=folder))
    (again,) = (folder / "dist").glob("*.whl")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_they_hold_no_tests_and_no_lessons(distributions, wheel):
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for name in names | set(zipfile.ZipFile(wheel).namelist()):
        assert not name.startswith(("tests", "source")) and "_dev." not in name, name


def test_they_hold_the_licences_of_the_data(distributions, wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/tinytorch/datasets/LICENCES.md") for name in names)
    assert "tinytorch/datasets/LICENCES.md" in names


def test_of_solutions_the_wheel_holds_what_is_committed(wheel):
    command = ["git", "ls-files", "tinytorch/core"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is no git repository")
    names = zipfile.ZipFile(wheel).namelist()
    core = [name for name in names if name.startswith("tinytorch/core/")]
    assert sorted(core) == sorted(listing.stdout.split())


# Used outside of the checkout


def test_every_module_is_imported_from_the_wheel_without_a_warning(bare, tmp_path):
    version, count, file = said(bare.run("python", "-c", EVERYTHING, cwd=tmp_path)).split()
    assert Path(file).is_relative_to(bare.python.parents[1])
    assert int(count) > 100
    assert version.startswith(f"{OLDEST}.") or "newest" in os.environ["PYTEST_CURRENT_TEST"]


def test_the_examples_of_the_library_run(bare, tmp_path):
    assert LIBRARY
    for block in LIBRARY:
        assert f"# {said(bare.run('python', '-c', block, cwd=tmp_path)).strip()}" in block


def test_without_the_course_tools_the_command_says_so_in_one_sentence(bare, tmp_path):
    for arguments in ([], ["start", "1"], ["--version"]):
        message = said(bare.run("tito", *arguments, cwd=tmp_path), code=1)
        assert message.count("\n") == 1
        assert message.startswith("tito needs the course tools, which are not installed here; run:")


# With the course tools


def test_outside_of_a_course_the_command_says_where_to_go(equipped, tmp_path):
    assert "change into the course's folder" in said(
        equipped.run("tito", "status", cwd=tmp_path), 2
    )
    assert PROJECT["project"]["version"] in said(equipped.run("tito", "--version", cwd=tmp_path))


def test_the_command_of_the_wheel_knows_what_the_readme_names(equipped, tmp_path):
    names = sorted(set(COMMAND.findall((ROOT / "README.md").read_text())))
    assert {"demo", "selftest"} <= set(names)
    for name in names:
        assert f"Usage: tito {name}" in said(equipped.run("tito", name, "--help", cwd=tmp_path))


def test_the_wheel_releases_a_module_begins_it_and_hands_it_in(equipped, tmp_path):
    course = write_course(tmp_path / "course")
    for line in ("release 1", "start 1", "submit 1 --student ada"):
        assert "numbers" in said(equipped.run("tito", *line.split(), cwd=course.root))
    assert list((course.root / "notebooks" / "01_numbers").glob("01_numbers-ada-*.zip"))


# By uv


@pytest.fixture(scope="module")
def uv(tmp_path_factory) -> Path:
    """A uv that works: that of this machine, or one that is fetched."""
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return Path(found)
    made = Bare(tmp_path_factory.mktemp("uv") / "environment")
    made.install("uv")
    return made.programs / "uv"


def by_uv(uv: Path, *command: object, cwd: Path) -> subprocess.CompletedProcess:
    done = run(uv, *command, cwd=cwd, UV_CACHE_DIR=str(cwd / "cache"), UV_NO_PROGRESS="1")
    if done.returncode and any(sign in done.stderr for sign in (*UNREACHABLE, "Failed to fetch")):
        pytest.skip("uv cannot reach the package index")
    return done


def test_uv_runs_the_library_of_the_wheel_without_installing_it(uv, wheel, tmp_path):
    started = ("run", "-q", "--no-project", "--with", wheel, "python", "-c", LIBRARY[0])
    assert f"# {said(by_uv(uv, *started, cwd=tmp_path)).strip()}" in LIBRARY[0]


def test_uvx_runs_the_command_of_the_wheel(uv, wheel, tmp_path):
    done = by_uv(uv, "tool", "run", "-q", "--from", wheel, "tito", "status", cwd=tmp_path)
    assert "tito needs the course tools" in said(done, code=1)

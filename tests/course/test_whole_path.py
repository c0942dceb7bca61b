"""A student with the kit: all modules in order, each importing what was exported before."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from tito.course import Course, Module
from tito.notebook.exercises import UNANSWERED
from tito.notebook.read import read_notebook
from tito.source.percent import read_source

pytestmark = pytest.mark.xdist_group("kit")  # which is made in a quarter of a minute

BLANK = re.compile(r"^( *)# YOUR CODE HERE\n\1raise NotImplementedError\(\)$", re.M)
SOLUTION = re.compile(r"^ *### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION$", re.M | re.S)


def in_a_shell(folder, *arguments) -> subprocess.CompletedProcess:
    """What `tito` does in a folder, with what that folder holds."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tito", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def kit(whole_course, released_module, tmp_path_factory):
    """What a student is given, in a folder of its own."""
    for module in whole_course.modules()[1:]:  # the command releases the first by itself
        root, folder = released_module(module.folder).root, module.folder
        shutil.copytree(root / "release" / folder, whole_course.root / "release" / folder)
        (whole_course.root / ".tito").mkdir(exist_ok=True)
        shutil.copy(root / ".tito" / f"released-{folder}.txt", whole_course.root / ".tito")
    for name in ("bin", "tito", "locks", "pyproject.toml", "LICENSE", "tinytorch"):
        if not (whole_course.root / name).exists():
            (whole_course.root / name).symlink_to(ROOT / name)
    folder = tmp_path_factory.mktemp("student") / "kit"
    made = in_a_shell(whole_course.root, "kit", "--out", str(folder))
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def test_the_kit_holds_what_a_student_needs_and_nothing_of_the_grader(kit):
    files = {str(path.relative_to(kit)) for path in kit.rglob("*") if path.is_file()}
    assert {"bin/tito.py", "LICENSE", "README.md", "tinytorch/core/__init__.py"} <= files
    assert {str(path) for path in Course(ROOT).library()} <= files
    assert {"tinytorch/support/rules.py", "tinytorch/graph/showing/drawing.py"} <= files
    assert not any(name.startswith(("source/", "tests/")) for name in files)
    others = ("judge", "steps", "grading", "sandbox", "author", "audit")
    assert not [name for name in files if name.startswith(tuple(f"tito/{o}" for o in others))]
    tools = [name for name in files if name.endswith(".py") and not name.startswith("tinytorch")]
    assert sum(len((kit / name).read_text().splitlines()) for name in tools) <= 5000
    assert "sandbox" not in (kit / "pyproject.toml").read_text()
    assert sorted(n for n in files if n.startswith("tinytorch/core")) == [
        "tinytorch/core/__init__.py"
    ]
    assert "No such command 'kit'" in in_a_shell(kit, "kit", "--out", "x").stderr


def filled_in(desk: dict, lesson: Module) -> dict:
    """A released notebook into which a student has typed the solutions, and answers."""
    solutions = {
        cell.name: SOLUTION.findall(cell.source)
        for cell in read_source(lesson)
        if cell.role == "exercise"
    }
    for cell in desk["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        text = "".join(cell["source"])
        if name in solutions:
            typed = iter(solutions.pop(name))
            text = BLANK.sub(lambda blank, typed=typed: next(typed), text)
            assert next(typed, None) is None, f"{name} has more solutions than blanks"
        elif UNANSWERED in text:
            text = "What I have measured says so."
        cell["source"] = text
    assert not solutions, f"not in the release: {', '.join(solutions)}"
    return desk


def test_a_student_goes_through_the_kit_from_the_first_module_to_the_last(kit, whole_course):
    modules = Course(kit).modules()
    assert [m.folder for m in modules] == [m.folder for m in whole_course.modules()]
    early = in_a_shell(kit, "start", "07_autograd")
    assert early.returncode == 0 and "run tito export 01_tensor" in early.stdout, early.stderr
    for module in modules:
        name = module.folder
        started = in_a_shell(kit, "start", name)
        assert started.returncode == 0 and "run tito export" not in started.stdout, started.stdout
        blank = in_a_shell(kit, "test", "--module", name)
        assert blank.returncode == 1 and "0 of" in blank.stdout, blank.stdout + blank.stderr
        assert "★" not in blank.stdout
        lesson = whole_course.module(name)
        module.desk.write_text(json.dumps(filled_in(read_notebook(module.desk), lesson)))
        done = in_a_shell(kit, "test", "--module", name)
        assert done.returncode == 0, done.stdout + done.stderr
        exported = in_a_shell(kit, "export", name)
        assert exported.returncode == 0, exported.stderr
        assert "Still to do" not in exported.stdout + exported.stderr
        assert f"notebooks/{name}" in module.exported.read_text()
        handed_in = in_a_shell(kit, "submit", name, "--student", "ada")
        assert handed_in.returncode == 0 and "SHA-256" in handed_in.stdout, handed_in.stderr
        assert "not begun" not in handed_in.stdout + handed_in.stderr
        reached = {c.milestone for c in read_source(lesson) if c.milestone}
        assert set(re.findall(r"★ Milestone (\w+) is reached", done.stdout)) == reached
    listing = in_a_shell(kit, "status").stdout
    assert listing.count("yes") == 2 * len(modules), listing
    milestones = in_a_shell(kit, "milestones").stdout
    named = re.findall(r"\b(M\d+)\b[^\n]*(yes|–)", milestones)
    assert len(named) >= 3 and all(so == "yes" for _, so in named), milestones
    assert all(f"{name} reached" in listing for name, _ in named), listing
    version = (kit / "kit-version.txt").read_text().strip()
    assert f"Kit {version}" in listing and f"Kit {version}" in handed_in.stdout
    assert in_a_shell(kit, "reset", modules[0].folder).returncode == 0

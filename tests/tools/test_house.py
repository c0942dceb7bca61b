"""The rooms of tito: which folder may import which, held by reading the imports."""

import ast
from pathlib import Path

import pytest
from conftest import ROOT

from tito.grading.assignment import GRADER

TITO = ROOT / "tito"
BELOW = {
    "top": {"top"},
    "notebook": {"top"},
    "sandbox": {"top"},
    "source": {"top", "notebook"},
    "checks": {"top", "notebook"},
    "student": {"top", "notebook", "checks"},
    "judge": {"top", "notebook", "source", "sandbox"},
    "steps": {"top", "notebook", "source", "sandbox", "judge"},
    "grading": {"top", "notebook", "source", "sandbox", "judge", "steps"},
    "author": {
        *("top", "notebook", "source", "sandbox", "checks", "student"),
        *("judge", "steps", "grading"),
    },
}
BELOW["audit"] = {*BELOW, "audit", "cli"}
BELOW["insights"] = BELOW["site"] = BELOW["author"] | {"author"}
BELOW["cli"] = {*BELOW, "cli"}
FACES = {"figures.py": "checks", "observations.py": "judge"}  # what lessons import
INSIDE = [
    "judge/observer.py",
    "judge/parse_one.py",
    "steps/runner.py",
    "sandbox/enter.py",
    "sandbox/confine.py",
]
FILES = sorted(path.relative_to(TITO).as_posix() for path in TITO.rglob("*.py"))


def folder_of(name: str) -> str:
    """The room of a file or of an imported module, by its path or its dotted name."""
    parts = name.removeprefix("tito.").replace(".py", "").replace(".", "/").split("/")
    return parts[0] if (TITO / parts[0]).is_dir() else "top"


def imported(path: Path) -> set[str]:
    """The modules of tito that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "tito":
            found |= {f"tito.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
    return {name for name in found if name.split(".")[0] == "tito"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_imports_only_from_its_own_room_and_those_below(name):
    own = FACES.get(name, folder_of(name))
    if name == "__main__.py":
        own = "cli"
    allowed = BELOW[own] | {own}
    wrong = {m for m in imported(TITO / name) if m != "tito" and folder_of(m) not in allowed}
    assert not wrong, f"tito/{name} is in {own} and must not import {', '.join(sorted(wrong))}"


def test_there_is_no_room_that_the_table_does_not_know():
    assert {folder_of(name) for name in FILES} <= set(BELOW)
    assert {p.name for p in TITO.iterdir() if p.is_dir() and any(p.glob("*.py"))} <= set(BELOW)


def test_marks_are_stale_when_any_room_changes_that_decides_them():
    rooms = {"" if room == "top" else room for room in BELOW["steps"] | {"steps"}}
    assert rooms <= set(GRADER)


def test_the_judge_knows_no_gradebook():
    for name in FILES:
        if folder_of(name) == "judge":
            assert "tito.grading.gradebook" not in imported(TITO / name), name


@pytest.mark.parametrize("name", INSIDE)
def test_what_runs_inside_the_sandbox_imports_nothing_of_tito(name):
    assert not imported(TITO / name)


def test_no_two_files_have_the_same_name():
    names = [Path(name).name for name in FILES if not name.endswith("__init__.py")]
    twice = {name for name in names if names.count(name) > 1}
    faces_and_halves = {"figures.py", "observations.py", "student.py"}
    assert twice <= faces_and_halves


def test_the_formatter_decides_nearly_everywhere():
    skip = "# fmt: " + "skip"
    files = [path for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    assert sum(path.read_text(encoding="utf-8").count(skip) for path in files) <= 20

"""A student with the kit: all modules in order, each importing what was exported before."""

import json
import os
import subprocess
import sys

from conftest import ROOT, reference

from tito.author.kit import make_kit
from tito.course import Course
from tito.source.regions import without_hidden_tests


def test_a_student_goes_through_the_kit_from_module_1_to_module_7(whole_course, tmp_path):
    for name in ("bin", "tito", "locks", "pyproject.toml", "LICENSE", "tinytorch"):
        if not (whole_course.root / name).exists():
            (whole_course.root / name).symlink_to(ROOT / name)
    kit = tmp_path / "kit"
    files = {str(path) for path in make_kit(whole_course, kit)}
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

    def tito(*arguments):
        environment = os.environ | {"PYTHONPATH": str(kit)}
        return subprocess.run(
            [sys.executable, "-P", "-m", "tito", *arguments],
            capture_output=True,
            text=True,
            cwd=kit,
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    last = tito("start", "07_autograd")
    assert last.returncode == 0, last.stderr
    assert "run tito export 01_tensor" in last.stdout
    for module in Course(kit).modules():
        name = module.folder
        assert tito("start", name).returncode == 0
        blank = tito("test", "--module", name)
        assert blank.returncode == 1 and "0 of" in blank.stdout, blank.stdout + blank.stderr
        solved = reference(whole_course.module(name))
        for cell in solved["cells"]:
            cell["source"] = without_hidden_tests("".join(cell["source"]))
        module.desk.write_text(json.dumps(solved))
        done = tito("test", "--module", name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert tito("export", name).returncode == 0
        assert f"notebooks/{name}" in module.exported.read_text()
        handed_in = tito("submit", name, "--student", "ada")
        assert handed_in.returncode == 0 and "SHA-256" in handed_in.stdout
    assert "imports" not in tito("start", "07_autograd").stdout
    listing = tito("status").stdout
    assert listing.count("yes") == 2 * len(Course(kit).modules()), listing
    version = (kit / "kit-version.txt").read_text().strip()
    assert f"Kit {version}" in listing and f"Kit {version}" in handed_in.stdout
    assert tito("reset", "01_tensor").returncode == 0
    assert "No such command 'kit'" in tito("kit", "--out", "x").stderr

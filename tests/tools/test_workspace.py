"""The private package `tinytorch` beside a submission."""

import subprocess
import sys

from tito.grading.workspace import workspace

PROGRAM = """
import sys
sys.path.insert(0, ".")
from tinytorch.graph import draw, explain, step_backward
print(draw.__module__, draw(None) if "--draw" not in sys.argv else "")
"""


def run(folder, *arguments) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_notebook_of_a_submission_can_draw():
    with workspace({}, pictures=True) as folder:
        assert run(folder, "--draw") == "tinytorch.graph.drawing"


def test_where_marks_are_decided_pictures_can_be_imported_and_do_nothing():
    with workspace({}) as folder:
        assert run(folder) == "tinytorch.graph None"
        assert [p.name for p in (folder / "tinytorch" / "graph").glob("*.py")] == ["__init__.py"]

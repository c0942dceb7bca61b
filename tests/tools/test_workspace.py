"""The private package `tinytorch` beside a submission."""

import gc
import os
import subprocess
import sys

from conftest import ROOT

from tito.course import Course
from tito.judge.workspace import earlier_modules, library_of, workspace

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
        assert run(folder, "--draw") == "tinytorch.graph.showing.drawing"


def test_where_marks_are_decided_pictures_can_be_imported_and_do_nothing():
    with workspace({}) as folder:
        assert run(folder) == "tinytorch.graph None"
        assert [p.name for p in (folder / "tinytorch" / "graph").glob("*.py")] == ["__init__.py"]


def test_the_library_is_all_there_but_its_pictures_and_the_graded_module():
    course = Course(ROOT)
    module = course.module("autograd")
    modules = earlier_modules(module)
    by_hand = {
        path.relative_to(ROOT / "tinytorch").as_posix()
        for path in (ROOT / "tinytorch").rglob("*.py")
        if path.relative_to(ROOT / "tinytorch").parts[0] not in ("core", "graph")
    }
    assert by_hand | {"core/__init__.py"} <= modules.keys()
    assert {"support/rules.py", "support/recording.py"} <= by_hand
    assert not any(name.startswith("graph/") for name in modules)
    assert "core/tensor.py" in modules and "core/autograd.py" not in modules


def test_a_new_folder_of_the_library_is_there_without_being_named(small_course):
    new = small_course.root / "tinytorch" / "new" / "deeper"
    (new / "__pycache__").mkdir(parents=True)
    (new / "part.py").write_text("answer = 42\n")
    (new / "__pycache__" / "part.py").write_text("1 / 0")
    modules = earlier_modules(small_course.module("doubles"))
    assert set(modules) == {
        "__init__.py",
        "core/__init__.py",
        "core/numbers.py",
        "new/deeper/part.py",
    }
    script = "import sys; sys.path.insert(0, '.'); import tinytorch.new.deeper.part as p; print(p.answer)"
    with workspace(modules) as folder:
        done = subprocess.run([sys.executable, "-I", "-c", script], cwd=folder, capture_output=True)
    assert done.stdout.strip() == b"42", done.stderr


def test_the_library_can_be_imported_where_only_module_1_is():
    modules = earlier_modules(Course(ROOT).module("activations"))
    script = "import sys; sys.path.insert(0, '.'); import tinytorch, tinytorch.core.tensor"
    with workspace(modules) as folder:
        done = subprocess.run([sys.executable, "-I", "-c", script], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_graded_notebook_can_read_the_data_of_the_library():
    module = Course(ROOT).module("04_networks")
    program = (
        "from tinytorch import datasets\n"
        "print(datasets.__file__, datasets.digits()[0].shape, len(datasets.names()),"
        " len(datasets.trained('spirals')))"
    )
    with workspace(earlier_modules(module)) as folder:
        result = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
        )
    assert result.stdout.split()[0].startswith(str(folder)), result.stderr
    assert result.stdout.endswith("(1797, 8, 8) 5163 6\n")


PRINTS = (
    "import sys; sys.path.insert(0, '.'); import tinytorch.part as p; print(p.answer, p.__cached__)"
)


def printed(folder) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", PRINTS], cwd=folder, capture_output=True, text=True
    )
    return done.stdout.split()


def test_a_workspace_is_compiled_and_what_is_written_again_is_compiled_again():
    with workspace({"part.py": "answer = 1"}) as folder:
        answer, compiled = printed(folder)
        assert answer == "1" and os.path.exists(folder / compiled)
        (folder / "tinytorch" / "part.py").write_text("answer = 2")
        assert printed(folder)[0] == "2"


def test_a_class_shares_its_library_which_is_gone_when_nobody_needs_it():
    modules = {"part.py": "answer = 3"}
    library = library_of(modules)
    assert library_of(dict(modules)) is library
    assert library_of(modules, pictures=True) is not library
    folder = library.folder
    for n in range(8):  # more than are kept
        library_of({"part.py": f"answer = {n} + 4"})
    assert folder.exists()
    del library
    gc.collect()
    assert not folder.exists()

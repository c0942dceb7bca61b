"""The course itself: every module through real nbgrader, and the library that it exports."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT, hand_in, reference, untouched

from tito.author.demo import MISTAKES, mark_written_answers
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.leaks import leaks, secrets_of
from tito.author.marks import scores
from tito.course import Course
from tito.source.percent import read_source
from tito.source.reference import reference_text

COURSE = Course(ROOT)
MODULES = [module.folder for module in COURSE.modules()]


def test_the_modules_are_those_of_the_course():
    assert MODULES == [
        "01_tensor",
        "02_activations",
        "03_layers",
        "04_networks",
        "05_cnn",
        "06_dataloader",
        "07_autograd",
        "08_training",
        "09_optimizers",
        "15_derivatives",
        "16_compiler",
    ]


@pytest.mark.parametrize("folder", MODULES)
def test_points_add_up_to_100(folder):
    assert sum(cell.points for cell in read_source(COURSE.module(folder))) == 100


@pytest.mark.parametrize("folder", MODULES)
def test_no_more_than_two_exercises_stand_between_checks(folder):
    waiting = 0
    for cell in read_source(COURSE.module(folder)):
        waiting = {"exercise": waiting + 1, "checks": 0}.get(cell.role, waiting)
        assert waiting <= 2, cell.name


@pytest.mark.parametrize("folder", MODULES)
def test_every_module_asks_for_reasons(folder):
    answers = [cell for cell in read_source(COURSE.module(folder)) if cell.role == "answer"]
    assert 2 <= len(answers) <= 3


def test_module_7_has_at_least_20_exercises():
    cells = read_source(COURSE.module("07_autograd"))
    assert sum(cell.role == "exercise" for cell in cells) >= 20


@pytest.mark.parametrize("folder", MODULES)
def test_the_reference_scores_all_and_the_untouched_release_nothing(
    released_module, folder, monkeypatch
):
    module = released_module(folder)
    course = Course(module.root)
    monkeypatch.chdir(course.root)
    hand_in(module, "reference", reference(module))
    hand_in(module, "untouched", untouched(module))
    report = grade(module)
    assert all(graded.score is not None for graded in report), report
    answers = {c.name: c.source for c in read_source(module) if c.role == "answer"}
    mark_written_answers(module, answers)
    found = scores(course, [module])
    lost = [s for s in found if s.student == "reference" and s.score != s.most]
    assert lost == [], report
    assert sum(s.most for s in found if s.student == "reference") == 100
    kept = [s for s in found if s.student == "untouched" and s.score != 0]
    assert kept == [], report
    notes = {g.student: g.notes for g in report}
    assert notes["reference"] == [] and notes["untouched"] == []
    feedback(module)
    secrets = secrets_of(module)
    assert len(secrets) > 10
    gone_out = [course.root / "release", course.root / "feedback" / "untouched"]
    assert leaks(gone_out, secrets) == []
    pages = [course.root / "feedback" / "reference"]
    assert leaks(pages, secrets, kinds=("hidden test",)) == []


@pytest.mark.parametrize("exercise", MISTAKES)
def test_the_mistakes_of_the_demonstration_fit_the_source(exercise):
    cells = {
        c.name: c.source for c in read_source(COURSE.module("07_autograd")) if c.role == "exercise"
    }
    assert all(cells[exercise].count(right) for right in MISTAKES[exercise][::2])


@pytest.mark.parametrize("folder", MODULES)
def test_the_library_is_what_the_sources_export(folder):
    module = COURSE.module(folder)
    assert module.exported.read_text(encoding="utf-8") == reference_text(module), (
        "run: tito export --reference"
    )


@pytest.mark.parametrize("folder", MODULES)
def test_every_python_block_of_the_card_runs(folder):
    """In a Python of its own, as a reader has it: module 7 changes what the others record."""
    card = (ROOT / "source" / folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", card, flags=re.S)
    assert blocks
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


CARD_SECTIONS = {
    "07_autograd": ["chain rule", "(x + y)(x − y)", "sigmoid", "ReLU", "log", "exp"],
    "15_derivatives": ["Jacobian", "Hessian", "straight-through", "checkpoint"],
}


@pytest.mark.parametrize("folder", MODULES)
def test_the_card_has_all_its_parts(folder):
    card = (ROOT / "source" / folder / "README.md").read_text(encoding="utf-8")
    parts = [
        "Difficulty",
        "hours",
        "Prerequisites",
        "Next",
        "Learning objectives",
        "Build → Use → Analyze",
        "build",
        "workflow",
        "Key concepts",
        "Advanced concepts",
        "Integration",
        "Success criteria",
        "Tips",
        "Common challenges",
        "python bin/tito.py jupyter",
        f"python bin/tito.py test --module {folder}",
    ]
    missing = [p for p in [*parts, *CARD_SECTIONS.get(folder, [])] if p.lower() not in card.lower()]
    assert missing == []


def test_earlier_modules_do_not_know_module_7():
    for folder in MODULES[: MODULES.index("07_autograd")]:
        text = COURSE.module(folder).exported.read_text(encoding="utf-8")
        assert "autograd" not in text and "Variable" not in text


def test_the_library_needs_numpy_only():
    script = (
        "import sys, tinytorch.core.autograd\n"
        "top = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(top - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {_paths()!r}\n{script}"],
        capture_output=True,
        text=True,
    )
    found = {n for n in ast.literal_eval(result.stdout) if not n.startswith("__")}
    assert found == {"numpy", "tinytorch"}, result.stderr


def _paths() -> list[str]:
    import numpy

    return [str(ROOT), str(ROOT.__class__(numpy.__file__).parents[1])]

"""An ordinary nbgrader assignment is graded here as in a course that knows nothing of modules."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, hand_in, reference, write_course
from ordinary_course import (
    ASSIGNMENTS,
    Ordinary,
    autotest,
    copy_of,
    find,
    given,
    manual,
    notebook,
    solution,
    submit,
    write,
    write_sources,
)
from traitlets.config import Config

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.marks import scores, scores_csv
from tito.author.ordinary import check_sources, kept_back, release_ordinary
from tito.course import Course
from tito.course_settings import configuration
from tito.errors import SourceError, TitoError, UsageError
from tito.grading.gradebook import gradebook
from tito.grading.submissions import not_looked_at
from tito.source.modules_and_others import Assigned, all_assignments, find_assignment

pytestmark = pytest.mark.usefixtures("graded_once")


def submissions(assignment: Ordinary, released: Path) -> dict[str, tuple[dict, dict]]:
    """Three students: one did nothing, one all, and one something else."""
    blank = {n: json.loads((released / f"{n}.ipynb").read_text()) for n in assignment.notebooks}
    mixed = copy_of(assignment.notebooks)
    assignment.change(mixed)
    return {
        "blank": (blank, assignment.files),
        "full": (copy_of(assignment.notebooks), assignment.files),
        "mixed": (mixed, assignment.files | assignment.handed_in),
    }


class Untouched:
    """A course of nbgrader's, as its quickstart leaves it."""

    def __init__(self, root: Path):
        from nbgrader.apps import NbGraderAPI

        root.mkdir(exist_ok=True)
        config = Config()
        config.CourseDirectory.root = str(root)
        self.root, self.api = root, NbGraderAPI(config=config)

    def release(self, name: str) -> None:
        result = self.api.generate_assignment(name)
        assert result["success"], result["log"]

    def grade(self, name: str) -> None:
        with pytest.MonkeyPatch.context() as outside:
            # a kernel leaves out what is written to descriptors where it finds pytest
            outside.delenv("PYTEST_CURRENT_TEST", raising=False)
            for path in sorted((self.root / "submitted").iterdir()):
                result = self.api.autograde(name, path.name)
                assert result["success"], result["log"]

    def marks(self, name: str) -> dict:
        with self.api.gradebook as book:
            return marks_in(book, name)


def marks_in(book, name: str) -> dict:
    """All marks of an assignment, and whether a person is to look at them."""
    return {
        (submission.student.id, notebook.name, grade.name): (
            grade.auto_score,
            grade.needs_manual_grade,
            grade.max_score,
            grade.score,
        )
        for submission in book.assignment_submissions(name)
        for notebook in submission.notebooks
        for grade in notebook.grades
    }


def marks(course: Course, name: str) -> dict:
    with gradebook(course) as book:
        return marks_in(book, name)


@pytest.fixture
def course(tmp_path, monkeypatch) -> Course:
    """A course of modules, none of them released."""
    course = write_course(tmp_path / "course")
    monkeypatch.chdir(course.root)
    return course


@pytest.fixture
def both(course, made_once) -> Callable[[str], tuple[Untouched, Assigned]]:
    """Gives an untouched course, which has graded an assignment, and the same one in ours.

    In both, the same three students have handed in.
    """

    def given(name: str) -> tuple[Untouched, Assigned]:
        def make(root: Path) -> None:
            plain = Untouched(root)
            write_sources(root, name, ASSIGNMENTS[name])
            plain.release(name)
            hand_in_to(root, plain.root / "release" / name)
            plain.grade(name)

        def hand_in_to(root: Path, released: Path) -> None:
            for student, handed_in in submissions(ASSIGNMENTS[name], released).items():
                submit(root, name, student, *handed_in)

        plain = Untouched(made_once(f"untouched-{name}", make))
        write_sources(course.root, name, ASSIGNMENTS[name])
        ours = find_assignment(course, name)
        release_ordinary(ours)
        hand_in_to(course.root, plain.root / "release" / name)
        return plain, ours

    return given


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_marks_are_those_of_an_untouched_course(course, both, name):
    plain, ours = both(name)
    report = grade(ours)
    assert all(g.score is not None for g in report), report
    expected = plain.marks(name)
    assert marks(course, name) == expected and len(expected) >= 3
    for student in ("blank", "full", "mixed"):
        kept = [p.relative_to(course.root) for p in files_of(course.root, student, name)]
        assert kept == [p.relative_to(plain.root) for p in files_of(plain.root, student, name)]


def files_of(root: Path, student: str, name: str) -> list[Path]:
    """What is in autograded/, but for what a notebook wrote while it ran."""
    paths = (root / "autograded" / student / name).rglob("*")
    left_out = {"out.txt", "__pycache__"}
    return sorted(p for p in paths if p.is_file() and left_out.isdisjoint(p.parts))


@pytest.mark.parametrize("name", ["asserts", "several", "files", "helpers", "skipped", "warnings"])
def test_plain_autograde_in_this_folder_gives_the_same(course, both, name):
    plain, _ = both(name)
    command = [Path(sys.executable).parent / "nbgrader", "autograde", name]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert marks(course, name) == plain.marks(name)


def test_other_delimiters_are_for_ordinary_assignments_and_not_for_modules(course, tmp_path):
    extra = """
c.ClearSolutions.begin_solution_delimeter = "ANSWER BEGINS"
c.ClearSolutions.end_solution_delimeter = "ANSWER ENDS"
c.ClearSolutions.code_stub = {"python": "... # yours"}
c.ClearSolutions.text_stub = "Write here."
c.ClearHiddenTests.begin_test_delimeter = "SECRET BEGINS"
c.ClearHiddenTests.end_test_delimeter = "SECRET ENDS"
c.IncludeHeaderFooter.header = "source/header.ipynb"
"""
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + extra)
    configuration.cache_clear()
    write(course.root / "source/header.ipynb", json.dumps(notebook(given("HEAD = 1"))).encode())
    nb = notebook(
        solution(
            "square", "def square(x):\n    # ANSWER BEGINS\n    return x * x\n    # ANSWER ENDS"
        ),
        autotest(
            "check",
            2,
            "assert HEAD\n# SECRET BEGINS\nsecret = 9\nassert square(3) == secret, 'three'\n"
            "raise ValueError(secret)\n# SECRET ENDS",
        ),
        manual("why", 1, "Because."),
    )
    write_sources(course.root, "midterm", Ordinary({"midterm": nb}))
    (path,) = release_ordinary(find_assignment(course, "midterm"))
    released = path.read_text()
    assert "HEAD = 1" in released and "... # yours" in released and "Write here." in released
    assert "secret" not in released and "x * x" not in released
    submit(course.root, "midterm", "blank", {"midterm": json.loads(released)}, {})
    submit(course.root, "midterm", "full", {"midterm": with_header(nb)}, {})
    report = {g.student: g for g in grade(find_assignment(course, "midterm"))}
    assert (report["blank"].score, report["blank"].by_hand) == (0, 0)
    pages = {p.parts[-3]: p.read_text() for p in feedback(find_assignment(course, "midterm"))}
    assert all("secret" not in page for page in pages.values())
    assert "AssertionError: three" in pages["blank"] and "ValueError" in pages["full"]
    from tito.author.release import release

    module = course.module("numbers")
    release(module)
    text = module.released.read_text()
    assert "YOUR CODE HERE" in text and "YOUR ANSWER HERE: double-click" in text
    assert "secret_of_the_hidden_test" not in text and "twice_as_much" not in text


def with_header(nb: dict) -> dict:
    return nb | {"cells": [given("HEAD = 1") | {"id": "head"}, *nb["cells"]]}


def test_a_midterm_may_use_what_the_modules_build(course):
    nb = notebook(
        given("import numpy as np\nfrom tinytorch.core.numbers import double"),
        solution("four", "### BEGIN SOLUTION\nfour = double(np.array([2.0]))\n### END SOLUTION"),
        autotest("check", 2, "assert four == 4"),
    )
    write_sources(course.root, "midterm", Ordinary({"midterm": nb}))
    submit(course.root, "midterm", "ada", {"midterm": nb}, {})
    (ada,) = grade(find_assignment(course, "midterm"))
    assert (ada.score, ada.notes) == (2, [])


def test_the_course_library_is_not_there_for_who_does_not_need_it(course):
    nb = notebook(autotest("check", 2, "import tinytorch"))
    write_sources(
        course.root, "exam", Ordinary({"exam": notebook(autotest("check", 2, "assert 1"))})
    )
    submit(course.root, "exam", "ada", {"exam": nb}, {})
    (ada,) = grade(find_assignment(course, "exam"))
    assert ada.score == 2


def test_data_that_the_instructor_links_is_handed_out_and_graded(course, tmp_path):
    nb = notebook(autotest("check", 2, "assert open('data.csv').read() == '7'"))
    write_sources(course.root, "exam", Ordinary({"exam": nb}))
    write(tmp_path / "shared/data.csv", b"7")
    (course.root / "source/exam/data.csv").symlink_to(tmp_path / "shared/data.csv")
    exam = find_assignment(course, "exam")
    release_ordinary(exam)
    released = (exam.release_folder / "data.csv").read_bytes()
    submit(course.root, "exam", "ada", {"exam": nb}, {"data.csv": released})
    (ada,) = grade(exam)
    assert (ada.score, ada.notes) == (2, [])
    kept = course.root / "autograded/ada/exam/data.csv"
    assert kept.read_bytes() == b"7" and not kept.is_symlink()


def test_a_file_of_the_instructors_is_never_held_against_a_student(course):
    helpers = ASSIGNMENTS["helpers"]
    write_sources(course.root, "helpers", helpers)
    submit(course.root, "helpers", "ada", copy_of(helpers.notebooks), helpers.files)
    (ada,) = grade(find_assignment(course, "helpers"))
    assert (ada.score, ada.state, ada.flags) == (3, "graded", [])


def test_who_writes_into_a_cell_that_is_not_run_is_not_flagged(course, both):
    _, skipped = both("skipped")
    assert [(g.student, g.flags) for g in grade(skipped)] == [
        (student, []) for student in ("blank", "full", "mixed")
    ]


def test_release_names_the_files_that_the_settings_keep_back(course):
    files = dict.fromkeys(("a.csv", "web_dev.py", "backups/old.csv", "__pycache__/a.pyc"), b"")
    write_sources(course.root, "exam", Ordinary(ASSIGNMENTS["bare"].notebooks, files))
    exam = find_assignment(course, "exam")
    assert "grading: backups/old.csv, web_dev.py (c.CourseDirectory.ignore" in kept_back(exam)
    release_ordinary(exam)
    released = {p.name for p in exam.release_folder.rglob("*") if p.is_file()}
    assert released == {"a.csv", "bare.ipynb", "old.ipynb"}
    write_sources(course.root, "midterm", ASSIGNMENTS["files"])
    assert kept_back(find_assignment(course, "midterm")) == ""


@pytest.fixture
def midterm(course):
    """An ordinary assignment with two submissions."""
    write_sources(course.root, "midterm", ASSIGNMENTS["several"])
    full = copy_of(ASSIGNMENTS["several"].notebooks)
    for student in ("ada", "bob"):
        submit(course.root, "midterm", student, full, {})
    return find_assignment(course, "midterm")


def test_what_has_not_changed_is_not_graded_again(midterm):
    assert [g.new for g in grade(midterm)] == [True, True]
    assert [g.new for g in grade(midterm)] == [False, False]
    changed = copy_of(ASSIGNMENTS["several"].notebooks)
    find(changed["problem1"], "square")["source"] = "def square(x):\n    return 0"
    submit(midterm.root, "midterm", "bob", changed, {})
    assert [g.new for g in grade(midterm)] == [False, True]
    assert marks(Course(midterm.root), "midterm")["bob", "problem1", "check"][0] == 0


def test_the_marks_of_several_notebooks_are_told_apart(midterm):
    grade(midterm)
    lines = scores_csv(scores(Course(midterm.root), [midterm])).splitlines()
    assert "ada,midterm,problem1/check,2,2,0" in lines
    assert "ada,midterm,problem2/check,3,3,0" in lines
    assert "ada,midterm,total,5,14,3" in lines


def test_a_submission_that_ends_its_kernel_costs_nobody_else(midterm):
    ending = copy_of(ASSIGNMENTS["several"].notebooks)
    find(ending["problem1"], "square")["source"] = "import os\nos._exit(1)"
    submit(midterm.root, "midterm", "ada", ending, {})
    ada, bob = grade(midterm)
    assert bob.score == 5 and ada.state == "crashed"
    found = marks(Course(midterm.root), "midterm")
    assert found["ada", "problem1", "check"][0] == 0 and found["ada", "problem2", "check"][0] == 3
    assert any("what was not run gets no points" in note for note in ada.notes)


def test_a_test_in_which_the_kernel_ends_is_not_passed(midterm):
    ending = copy_of(ASSIGNMENTS["several"].notebooks)
    find(ending["problem1"], "square")["source"] = "def square(x):\n    import os\n    os._exit(0)"
    submit(midterm.root, "midterm", "ada", ending, {})
    grade(midterm)
    assert marks(Course(midterm.root), "midterm")["ada", "problem1", "check"][0] == 0


def test_a_test_whose_outputs_were_cut_is_not_passed(midterm, monkeypatch):
    monkeypatch.setitem(configuration(midterm.root)["ExecuteInWorkspace"], "most_bytes", 100_000)
    loud = copy_of(ASSIGNMENTS["several"].notebooks)
    find(loud["problem1"], "square")["source"] = "print('x' * 200_000)\nsquare = abs"
    submit(midterm.root, "midterm", "ada", loud, {})
    ada, _ = grade(midterm)
    assert marks(Course(midterm.root), "midterm")["ada", "problem1", "check"][0] == 0
    assert any("it was cut" in note for note in ada.notes)


def test_a_submission_cannot_leave_the_sandbox(midterm):
    spying = copy_of(ASSIGNMENTS["several"].notebooks)
    book = midterm.root / "gradebook.db"
    find(spying["problem1"], "square")["source"] = (
        f"import os\nassert not os.path.exists({str(book)!r})\n"
        f"assert not os.path.exists({str(midterm.source_folder)!r})\n"
        "def square(x):\n    return 4"
    )
    submit(midterm.root, "midterm", "ada", spying, {})
    assert grade(midterm)[0].score == 5 and book.exists()


def test_a_file_named_like_what_tests_import_is_not_used(midterm):
    (midterm.root / "submitted/ada/midterm/numpy.py").write_text("raise RuntimeError")
    ada, bob = grade(midterm)
    assert ada.score == bob.score and ada.flags == [
        "problem1: numpy.py was handed in as well; it was not used"
    ] + [f"problem{n}: numpy.py was handed in as well; it was not used" for n in (2, 3)]


def test_a_renamed_notebook_is_found_and_a_missing_one_is_named(midterm):
    folder = midterm.root / "submitted/ada/midterm"
    (folder / "problem2.ipynb").rename(folder / "my problem.ipynb")
    (folder / "problem3.ipynb").unlink()
    ada, _ = grade(midterm)
    assert ada.score == 5
    assert "my problem.ipynb was taken for problem2.ipynb" in ada.notes
    assert "problem3.ipynb is missing: 0 points for it" in ada.notes


def test_a_deleted_test_waits_for_a_person_as_with_nbgrader(midterm):
    cut = copy_of(ASSIGNMENTS["several"].notebooks)
    cut["problem1"]["cells"].remove(find(cut["problem1"], "check"))
    submit(midterm.root, "midterm", "ada", cut, {})
    ada, _ = grade(midterm)
    assert marks(Course(midterm.root), "midterm")["ada", "problem1", "check"][:2] == (None, True)
    assert any("missing, and not added" in note and "check" in note for note in ada.notes)


def test_a_deleted_test_that_nbgrader_adds_is_said_to_be_added(midterm, monkeypatch):
    settings = configuration(midterm.root)["OverwriteCells"]
    monkeypatch.setitem(settings, "add_missing_cells", True)
    cut = copy_of(ASSIGNMENTS["several"].notebooks)
    cut["problem1"]["cells"].remove(find(cut["problem1"], "check"))
    submit(midterm.root, "midterm", "ada", cut, {})
    ada, _ = grade(midterm)
    assert marks(Course(midterm.root), "midterm")["ada", "problem1", "check"][:2] == (2, False)
    assert "problem1: missing, and added by nbgrader: check" in ada.notes


def test_a_test_above_its_points_is_reported_and_everybody_has_a_mark(course):
    nb = notebook(solution("x", "x = 1"), autotest("check", 2, "x * 5"))
    write_sources(course.root, "exam", Ordinary({"exam": nb}))
    submit(course.root, "exam", "ada", {"exam": nb}, {})
    (ada,) = grade(find_assignment(course, "exam"))
    assert ada.score == 0 and any("its score was '5'" in note for note in ada.notes)


def test_a_notebook_without_code_is_graded_without_a_kernel(course, started):
    nb = notebook(manual("why", 4, "Because."))
    write_sources(course.root, "essay", Ordinary({"essay": nb}))
    submit(course.root, "essay", "ada", {"essay": nb}, {})
    (ada,) = grade(find_assignment(course, "essay"))
    assert (ada.state, ada.most, ada.by_hand, ada.notes) == ("graded", 4, 1, [])
    assert started == []


REFUSED = {
    "another language": (
        notebook(autotest("c", 1, "x"), metadata={"kernelspec": {"name": "ir", "language": "R"}}),
        "only notebooks for Python",
    ),
    "a name twice": (
        notebook(autotest("c", 1, "assert 1"), autotest("c", 1, "assert 2")),
        "nbgrader does not take its cells",
    ),
    "nothing that is graded": (notebook(given("x = 1")), "no cell that nbgrader knows"),
    "no notebook": ({"cells": 3}, "is not a notebook"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_build_refuses_in_one_sentence_what_cannot_be_graded(course, case):
    nb, said = REFUSED[case]
    write_sources(course.root, "exam", Ordinary({"exam": nb}))
    with pytest.raises(SourceError, match=said) as refused:
        check_sources(find_assignment(course, "exam"))
    assert "\n" not in str(refused.value) and "source/exam/exam.ipynb" in str(refused.value)


def test_what_nbgrader_refuses_leaves_the_earlier_release(course):
    write_sources(course.root, "exam", ASSIGNMENTS["bare"])
    exam = find_assignment(course, "exam")
    path, _ = release_ordinary(exam)
    before = path.read_bytes()
    broken = notebook(solution("x", "### BEGIN SOLUTION\nx = 1"), autotest("c", 1, "assert x"))
    write(course.root / "source/exam/bare.ipynb", json.dumps(broken).encode())
    with pytest.raises(TitoError, match="exam cannot be released: no end solution"):
        release_ordinary(exam)
    assert path.read_bytes() == before


def test_an_unknown_name_lists_modules_and_other_assignments(course):
    write_sources(course.root, "midterm", ASSIGNMENTS["bare"])
    with pytest.raises(UsageError, match=r"01_numbers.*other assignments: midterm"):
        find_assignment(course, "final")
    assert [one.folder for one in all_assignments(course)][-1] == "midterm"


def test_a_folder_that_is_numbered_like_a_module_may_hold_a_notebook_instead(course):
    write_sources(course.root, "08_midterm", ASSIGNMENTS["files"])
    assert "08_midterm" not in [m.folder for m in course.modules()]
    (path,) = release_ordinary(find_assignment(course, "08_midterm"))
    assert (path.parent / "helpers.py").exists()


def test_the_commands_know_it(midterm):
    def tito(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tito", *arguments], capture_output=True, text=True, env=ENV
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    import os

    ENV = os.environ | {"PYTHONPATH": str(ROOT)}
    shutil.rmtree(midterm.root / "source" / "03_classic")
    assert "source/midterm/problem1.ipynb" in tito("build")
    assert tito("release", "midterm").split() == [
        f"release/midterm/problem{n}.ipynb" for n in (1, 2, 3)
    ]
    assert "5 of 14" in tito("grade", "midterm")
    shown = tito("feedback", "midterm")
    assert "feedback/ada/midterm/problem2.html" in shown
    assert "Not marked yet: 6 answers of 2 students; the pages say so." in shown
    assert "midterm" in tito("scores", "midterm")
    assert not_looked_at(Course(midterm.root)) == []


def test_a_module_is_graded_as_before_beside_it(midterm):
    module = Course(midterm.root).module("numbers")
    grade(midterm)
    hand_in(module, "ada", reference(module))
    (ada,) = grade(module)
    assert (ada.score, ada.by_hand) == (7, 1)

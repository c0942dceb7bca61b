"""Milestones: in the source, in the notebook at the moment of reaching one, and in the commands."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT, cell_of, reference, untouched
from small_course import DOUBLES, NUMBERS

from tito.author.release import release
from tito.course import Course
from tito.errors import SourceError
from tito.notebook.exercises import MILESTONES, exercise_of, header, milestones_of
from tito.source.percent import read_source
from tito.student import actions as student
from tito.student.progress import Progress, progress_of


def tito(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "tito", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def make_halve_a_milestone(course: Course) -> None:
    """Have the exercise `halve` of the first module be a milestone."""
    source = course.module("numbers").source
    source.write_text(NUMBERS.replace("points=3\ncheck", 'points=3 milestone="M1"\ncheck', 1))
    for module in course.modules():
        release(module)


@pytest.fixture
def course(course_after) -> Course:
    """A course in which the exercise `halve` of the first module is a milestone."""
    return course_after("a milestone", make_halve_a_milestone)


@pytest.fixture
def module(course):
    return course.module("numbers")


def put_on_desk(module, nb):
    student.start(module)
    module.desk.write_text(json.dumps(nb))


def half_done(module) -> dict:
    nb = reference(module)
    cell_of(nb, "halve")["source"] = cell_of(untouched(module), "halve")["source"]
    return nb


def test_the_first_line_of_a_checks_cell_names_the_milestone():
    line = header("halve", 3, "M1")
    assert line == "# halve: 3 points, milestone M1\n"
    assert exercise_of(line + "check(1, 1)").milestone == "M1"
    assert exercise_of(header("halve", 3)).milestone == ""
    assert exercise_of("# halve: 3 points, milestone\n") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('checks="quadruple" points=10', 'checks="quadruple" points=10 milestone="M99"'),
        ('checks="quadruple" points=10', 'checks="quadruple" points=10 milestone=1'),
        ('exercise="quadruple"', 'exercise="quadruple" milestone="M1"'),
        ("# %%\nfrom tito", '# %% milestone="M1"\nfrom tito'),
        ('# %% [markdown]\nr"""\n# Module 2', '# %% [markdown] milestone="M1"\nr"""\n# Module 2'),
    ],
)
def test_a_milestone_in_the_wrong_place_is_refused(small_course, old, new):
    module = small_course.module("doubles")
    assert old in DOUBLES
    module.source.write_text(DOUBLES.replace(old, new))
    with pytest.raises(SourceError, match="stands at the checks of its exercise, and is one of M1"):
        read_source(module)


def test_a_milestone_is_reached_when_its_checks_pass(module):
    assert student.status(module).milestone == "M1"
    assert student.milestones(module) == [("M1", "halve", False)]
    put_on_desk(module, half_done(module))
    student.test(module)
    assert student.status(module).milestone == "M1"
    title = MILESTONES["M1"].title
    assert f"Milestone M1, {title}: when halve passes" in repr(progress_of(module, {}))
    module.desk.write_text(json.dumps(reference(module)))
    student.test(module)
    assert student.status(module).milestone == "M1 reached"
    assert student.milestones(module) == [("M1", "halve", True)]
    assert f"Milestone M1, {title}: reached" in repr(progress_of(module, {}))


def test_the_commands_show_milestones(course, module):
    other = tito("milestones", cwd=course.root)
    assert other.returncode == 0 and "M1" in other.stdout and "halve" in other.stdout
    assert "yes" not in other.stdout
    put_on_desk(module, reference(module))
    tested = tito("test", "numbers", cwd=course.root)
    assert "★ Milestone M1 is reached" in tested.stdout
    (line,) = [
        text for text in tito("milestones", cwd=course.root).stdout.splitlines() if "M1" in text
    ]
    assert MILESTONES["M1"].title in line and "01_numbers" in line and "yes" in line
    status = tito("status", cwd=course.root).stdout
    assert "M1 reached" in status


def test_the_commands_show_none_where_there_are_none(released_course):
    shown = tito("milestones", cwd=released_course.root)
    assert shown.returncode == 0 and "M1" not in shown.stdout


def test_a_desk_that_is_no_notebook_has_reached_nothing(module):
    student.start(module)
    module.desk.write_text("no notebook")
    assert student.milestones(module) == [("M1", "halve", False)]
    assert student.status(module).milestone == "–"


def said_by(sources: list[str]) -> list[str]:
    """What cells print in a kernel, one after the other."""
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    config = Config(KernelManager={"transport_encryption": "auto"})
    nb = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(nb, kernel_name="python3", allow_errors=True, config=config).execute()
    return [
        "".join(o.get("text", "") or str(o.get("data", "")) for o in c.outputs) for c in nb.cells
    ]


def test_the_notebook_says_so_at_the_moment_of_reaching_it():
    check = "# halve: 3 points, milestone M1\ncheck(half, 1.5)"
    *_, wrong, _, right, again, shown = said_by(
        [
            "from tito.checks import check\nfrom tito.student.progress import progress\nhalf = 2.0",
            check,
            "half = 1.5",
            check,
            check,
            "progress()",
        ]
    )
    assert "Milestone" not in wrong and "Milestone" not in again
    assert all(sentence in right for sentence in MILESTONES["M1"].sentences())
    assert "Milestone M1" in shown and "reached" in shown


def test_progress_counts_only_milestones_whose_checks_pass():
    progress = Progress({"a": "passed", "b": "failed"}, {"a": 1, "b": 1}, milestones={"b": "M1"})
    assert progress.reached == []
    assert Progress({"b": "passed"}, {"b": 1}, milestones={"b": "M1"}).reached == ["M1"]


def test_every_milestone_of_the_course_belongs_to_one_exercise_and_says_what_it_means():
    found = [
        cell.milestone
        for module in Course(ROOT).modules()
        for cell in read_source(module)
        if cell.milestone
    ]
    assert sorted(found) == sorted(MILESTONES)
    for milestone in MILESTONES.values():
        assert milestone.title and milestone.means.endswith(".") and milestone.then.endswith(".")


def test_milestones_of_a_notebook_are_read_from_its_checks(module):
    assert milestones_of(untouched(module)) == {"halve": "M1"}

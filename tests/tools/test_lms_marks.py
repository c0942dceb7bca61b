"""Files of marks as Canvas, Moodle and Gradescope take them."""

import csv
import io
import re
from datetime import datetime

import pytest
from conftest import ROOT, hand_in, reference, untouched
from test_roster import CANVAS, MOODLE, PLAIN, enrolled, tito, tito_alone

from tito.author.grade import grade
from tito.author.lms.mark_files import mark_file, rounded
from tito.author.marks import scores, scores_csv, without_mark
from tito.course import Course
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.steps.voided import OUT, void

pytestmark = pytest.mark.usefixtures("graded_once")


def mark_by_hand(module, student: str, points: float) -> None:
    with gradebook(Course(module.root)) as book:
        mark = book.find_grade("why-inverse", "numbers_dev", module.folder, student)
        mark.manual_score, mark.needs_manual_grade = points, False
        book.db.commit()


def three_hand_in(course: Course) -> None:
    """Ada is marked, Emmy waits for a person, Sonja hands in nothing, Eve is in no roster."""
    enrolled(course, PLAIN + "sonja,Sonja Kovalevsky,sonja@example.org\n")
    module = course.module("01_numbers")
    for student in ("ada", "emmy", "eve"):
        hand_in(module, student, reference(module))
    grade(module)
    mark_by_hand(module, "ada", 2.5)
    mark_by_hand(module, "eve", 1)


@pytest.fixture
def term(course_after) -> Course:
    """Ada is marked, Emmy waits for a person, Sonja handed in nothing, Eve is in no roster."""
    return course_after("a term", three_hand_in)


def rows(course, platform: str) -> list[list[str]]:
    text = mark_file(course, course.modules(), platform).text
    return list(csv.reader(io.StringIO(text, newline="")))


def test_canvas_columns(term):
    enrolled(term, CANVAS)
    assert rows(term, "canvas") == [
        ["Student", "ID", "SIS Login ID", "Section", "01_numbers"],
        ["    Points Possible", "", "", "", "10"],
        ["Lovelace, Ada", "4711", "ada", "", "9.5"],
        ["Noether, Emmy", "4712", "emmy", "", ""],
        ["Kovalevsky, Sonja", "", "sonja", "", ""],
    ]


def test_moodle_columns(term):
    assert rows(term, "moodle") == [
        ["First name", "Last name", "Email address", "01_numbers"],
        ["Ada", "Lovelace", "ada@example.org", "9.5"],
        ["Emmy", "Noether", "emmy@example.org", ""],
        ["Sonja", "Kovalevsky", "sonja@example.org", ""],
    ]


def test_gradescope_columns(term):
    enrolled(term, CANVAS)
    header, ada, emmy, sonja = rows(term, "gradescope")
    assert header[:4] == ["First Name", "Last Name", "SID", "Email"]
    assert header[4:] == ["01_numbers", "01_numbers - Max Points"]
    assert ada == ["Ada", "Lovelace", "4711", "ada@example.org", "9.5", "10"]
    assert emmy[4:] == sonja[4:] == ["", "10"]


@pytest.mark.parametrize("platform", ["canvas", "moodle", "gradescope"])
def test_the_columns_are_those_in_the_documents(term, platform):
    text = (ROOT / "docs" / "lms.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{platform}` \| (.*?) \|", text, flags=re.M)
    named = re.findall(r"`([^`…]+)`", row)
    header = rows(term, platform)[0]
    own = [column for column in header if not column.startswith("01_numbers")]
    assert own == named[: len(own)]


def test_moodle_gets_no_row_without_what_tells_students_apart(term):
    """Moodle gives the marks of such a row to the student of the row before."""
    enrolled(term, "id,name\nhypatia,Hypatia\n")
    written = mark_file(term, term.modules(), "moodle")
    assert "Hypatia" not in written.text
    assert ["hypatia"] in written.left_out.values() and written.students == 3


def test_moodles_id_number_is_taken_where_there_are_no_e_mails(released_course, numbers):
    enrolled(released_course, MOODLE.replace("ada@example.org", "").replace("emmy@example.org", ""))
    hand_in(numbers, "ada", untouched(numbers))
    grade(numbers)
    assert rows(released_course, "moodle")[0][2] == "ID number"
    assert [row[2] for row in rows(released_course, "moodle")[1:]] == ["ada", "emmy"]


def test_marks_are_those_after_late_penalties(released_course, numbers):
    with (released_course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    enrolled(released_course, PLAIN)
    for student in ("ada", "emmy"):
        hand_in(numbers, student, reference(numbers))
    stamp = released_course.root / "submitted/ada/01_numbers/timestamp.txt"
    stamp.write_text("2026-03-02 12:00:00 UTC\n")
    with gradebook(released_course) as book:
        book.find_assignment("01_numbers").duedate = datetime(2026, 3, 1, 12)
        book.db.commit()
    grade(numbers)
    for student in ("ada", "emmy"):
        mark_by_hand(numbers, student, 1)
    assert [row[-1] for row in rows(released_course, "moodle")[1:]] == ["0", "8"]


def test_a_voided_exercise_changes_marks_and_points_alike(term):
    with gradebook(term) as book:
        void(book, book.find_graded_cell("test-halve", "numbers_dev", "01_numbers"), OUT, "faulty")
        book.db.commit()
    _header, points, ada, *_ = rows(term, "canvas")
    assert (points[-1], ada[-1]) == ("7", "6.5")
    assert rows(term, "gradescope")[-1][-1] == "7", "also for who handed in nothing"


def test_what_is_not_in_the_file_is_said(term):
    said = mark_file(term, term.modules(), "canvas").left_out
    assert said["Answers wait to be marked, so their cells are empty"] == ["emmy"]
    assert said["Not in the roster, so not in the file"] == ["eve"]


@pytest.mark.parametrize("platform", ["canvas", "moodle", "gradescope"])
def test_no_cell_is_run_by_a_spreadsheet(term, platform):
    enrolled(term, 'id,first_name,last_name,email\nmallory,"=1+1","@cmd",m@example.org\n')
    for row in rows(term, platform):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    "row", ["eve,Eve,=cmd@example.org,1", "eve,Eve,-a@example.org,1", "eve,Eve,e@example.org,=1+1"]
)
def test_what_tells_students_apart_is_never_a_formula(released_course, row):
    with pytest.raises(UsageError, match="line 2"):
        enrolled(released_course, f"id,name,email,lms_user_id\n{row}\n")


def test_numbers_are_plain():
    numbers = (0, 10, 9.5, 1 / 3, 2 / 3, -1e-9, 1e-3, 100.0, 1e6)
    assert [rounded(n) for n in numbers] == "0 10 9.5 0.33 0.67 0 0 100 1000000".split()


def test_who_handed_in_nothing_is_in_scores(term):
    numbers = term.module("01_numbers")
    hand_in(numbers, "sonja", reference(numbers))
    enrolled(term, "id,name\nhypatia,Hypatia\n")
    unmarked = {one.student: one.why for one in without_mark(term, term.modules())}
    assert unmarked == {"hypatia": "nothing handed in", "sonja": "not graded yet"}
    text = scores_csv(scores(term, [numbers]), without_mark(term, [numbers]))
    assert "hypatia,01_numbers,nothing handed in,,10,0\n" in text
    shown = tito(term, "scores").stdout
    assert "nothing handed in" in shown and "02_doubles" not in shown


def test_a_place_for_marks_to_come_is_no_mark(term):
    """nbgrader makes one for a student with an extension who has handed in nothing."""
    numbers = term.module("01_numbers")
    with gradebook(term) as book:
        book.update_or_create_submission("01_numbers", "sonja")
    assert "sonja" not in {one.student for one in scores(term, [numbers])}
    assert rows(term, "moodle")[-1] == ["Sonja", "Kovalevsky", "sonja@example.org", ""]


def test_the_command_writes_the_file_and_says_what_is_missing(term):
    done = tito_alone(term, "scores", "--csv", "canvas.csv", "--for", "canvas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("canvas.csv: 3 students, for Canvas.\n")
    assert "Not in the roster, so not in the file: eve." in done.stderr
    assert (term.root / "canvas.csv").read_text().startswith("Student,ID,SIS Login ID,Section,")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--for", "canvas"), "--csv FILE"),
        (("--for", "blackboard", "--csv", "x.csv"), "'blackboard' is not one of"),
        (("--for", "moodle", "--csv", "x.csv", "9"), "no module '9'"),
        (("--for", "moodle", "--csv", "x.csv"), "there is no roster"),
    ],
)
def test_what_cannot_be_written_is_said_and_no_file_is_there(released_course, arguments, said):
    done = tito(released_course, "scores", *arguments)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert not (released_course.root / "x.csv").exists()


def test_a_roster_without_a_hand_in_gives_no_file(released_course):
    enrolled(released_course, PLAIN)
    with pytest.raises(UsageError, match="nobody has handed in"):
        mark_file(released_course, released_course.modules(), "canvas")

"""What is reported of a class: counted in a small one, with statistics in one of twenty."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import cell_of, changed, hand_in, reference, untouched

from tito.author.grade import grade
from tito.author.voiding import void_exercise
from tito.cli import cli
from tito.course import Course
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.grading.naming import Missed
from tito.insights import class_report
from tito.insights.class_report import report_on
from tito.insights.student_names import Anonymous

HALF_WRONG = "#| export\ndef double(x):\n    # asked Ada Lovelace\n    return float(x) * 2\n"
WRONG = "#| export\ndef double(x):\n    return x * 3\n"


def four_hand_in(course: Course) -> None:
    """Four hand in: all right, half wrong, wrong, and nothing written."""
    module = course.module("01_numbers")
    hand_in(module, "ada", reference(module))
    for name, text in (("ben", HALF_WRONG), ("cem", WRONG)):
        hand_in(
            module,
            name,
            changed(module, lambda nb, t=text: cell_of(nb, "double").update(source=t)),
        )
    hand_in(module, "dora", untouched(module))
    grade(module)


@pytest.fixture
def numbers(course_after):
    """Four handed in: all right, half wrong, wrong, and nothing written."""
    return course_after("four hand in", four_hand_in).module("01_numbers")


def report(module, names=None):
    return report_on(Course(module.root), module, names)


def mark(module, points: float) -> None:
    """Mark all written answers."""
    with gradebook(Course(module.root)) as book:
        for submission in book.assignment_submissions(module.folder):
            for given in (one for notebook in submission.notebooks for one in notebook.grades):
                if given.needs_manual_grade:
                    given.manual_score, given.needs_manual_grade = points, False
        book.db.commit()


def exercise(module, name="double"):
    (found,) = [one for one in report(module).exercises if one.name == name]
    return found


def test_all_points_some_and_none_are_counted(numbers):
    double = exercise(numbers)
    assert (double.full, double.partial, double.none) == (1, 1, 2)
    assert (double.points, double.not_begun) == (4, ("dora",))


def test_failed_observations_are_counted_of_what_was_written(numbers):
    assert dict(exercise(numbers).failed) == {"double_of_a_matrix": 2, "double_of_a_number": 1}


def test_equal_behaviour_is_one_group_with_an_example(numbers):
    hand_in(numbers, "eli", changed(numbers, lambda nb: cell_of(nb, "double").update(source=WRONG)))
    grade(numbers)
    first, second = exercise(numbers).groups
    assert (first.students, second.students) == (2, 1)
    assert "x * 3" in first.example and "float(x)" in second.example


def test_a_small_class_has_no_statistics(numbers):
    found = report(numbers)
    assert found.is_small and found.alpha is None and found.median is None
    assert all(one.difficulty is None and one.discrimination is None for one in found.exercises)
    assert found.middle_days is None
    assert sum(found.histogram) == found.students == 4


def test_a_class_of_twenty_has_statistics(numbers):
    for n in range(16):
        right = n % 2
        nb = reference(numbers) if right else untouched(numbers)
        hand_in(numbers, f"s{n:02}", nb)
    grade(numbers)
    found, double = report(numbers), exercise(numbers)
    assert found.students == 20 and not found.is_small
    assert double.difficulty == pytest.approx((9 * 4 + 2) / 80)
    assert 0.5 < double.discrimination <= 1 and 0.5 < found.alpha <= 1


def test_written_answers_wait_or_are_marked(numbers):
    (answer,) = report(numbers).answers
    assert (answer.name, answer.points, answer.marked, answer.waiting) == ("why-inverse", 3, 1, 3)
    mark(numbers, 2)
    (answer,) = report(numbers).answers
    assert (answer.marked, answer.waiting) == (4, 0)


@pytest.mark.parametrize("left_out", [True, False])
def test_what_does_not_count_is_said(numbers, left_out):
    void_exercise(numbers, "double", left_out)
    assert exercise(numbers).does_not_count == ("left out" if left_out else "full marks")


def test_who_handed_in_nothing_is_named(numbers):
    with gradebook(Course(numbers.root)) as book:
        book.add_student("zoe")
    assert report(numbers).without_mark == (("zoe", "nothing handed in"),)


def test_times_are_those_of_release_and_receipts(numbers):
    later = datetime.now(UTC) + timedelta(days=2, hours=12)
    for student in ("ada", "ben"):
        path = numbers.root / "submitted" / student / numbers.folder / "timestamp.txt"
        path.write_text(f"{later:%Y-%m-%d %H:%M:%S.%f} UTC")
    grade(numbers)
    assert [round(days, 1) for days in report(numbers).days] == [2.5, 2.5]


def test_nobody_graded_is_said(released_course):
    with pytest.raises(UsageError, match="run tito grade 01_numbers first"):
        report_on(released_course, released_course.module("01"))
    answer = CliRunner().invoke(cli, ["insights"])
    assert answer.exit_code == 2 and "nobody was graded yet" in answer.output


def test_mistakes_with_a_name_come_before_groups(numbers, monkeypatch):
    known = [
        Missed("ben", "double", ("a",), HALF_WRONG, "only-numbers", "Takes it for a number."),
        Missed("cem", "double", ("a",), WRONG, "", "", "1x1x1"),
    ]
    monkeypatch.setattr(class_report, "missed", lambda course, module: known)
    double = exercise(numbers)
    assert [(m.name, m.says, m.students) for m in double.mistakes] == [
        ("only-numbers", "Takes it for a number.", 1)
    ]
    assert [(g.name, g.students) for g in double.groups] == [("1x1x1", 1)]


class TestCommand:
    def run(self, *arguments):
        answer = CliRunner().invoke(cli, ["insights", *arguments], catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    def test_it_shows_groups_with_code_and_writes_the_page(self, numbers):
        said = self.run("1")
        assert "01_numbers: 4 with a mark, 0 without." in said
        assert "double, group " in said and "return x * 3" in said
        assert "Not begun, by how many: double 1, halve 1." in said
        page = (numbers.root / "insights" / "01_numbers.html").read_text()
        assert ("return" in page and "ben" not in page.replace("benefit", "")) or "dora" in page

    def test_without_a_module_it_shows_all_that_were_graded(self, numbers):
        course = Course(numbers.root)
        doubles = course.module("02")
        hand_in(doubles, "ada", reference(doubles))
        grade(doubles)
        said = self.run()
        assert "insights/term.html" in said
        page = (course.root / "insights" / "term.html").read_text()
        assert "Modules side by side" in page and 'id="02_doubles"' in page
        assert "03_classic" not in page

    def test_no_name_is_in_what_is_anonymous(self, numbers, tmp_path):
        with gradebook(Course(numbers.root)) as book:
            book.update_or_create_student(
                "ben", first_name="Ada", last_name="Lovelace", email="a@b.org"
            )
            book.add_student("zoe-not-here")
        out, data = tmp_path / "page.html", tmp_path / "page.json"
        said = self.run("1", "--anonymous", "--out", str(out), "--json", str(data))
        for text in (out.read_text(), data.read_text(), said):
            for name in ("dora", "Lovelace", "Ada", "ben", "cem", "a@b.org", "zoe-not-here"):
                assert not re.search(rf"(?<!\w){name}(?!\w)", text, re.I), name
        assert "Students are numbers here" in out.read_text()
        assert "float(x) * 2" in data.read_text()
        assert json.loads(data.read_text())["anonymous"] is True

    def test_json_holds_what_the_page_shows(self, numbers, tmp_path):
        self.run("1", "--json", str(tmp_path / "d.json"))
        (module,) = json.loads((tmp_path / "d.json").read_text())["modules"]
        (double,) = [e for e in module["exercises"] if e["name"] == "double"]
        assert double["full"] == 1 and double["not_begun"] == ["dora"]


def test_numbers_for_students_are_drawn_anew():
    names = [f"s{n}" for n in range(30)]
    first, second = Anonymous(names).numbers, Anonymous(names).numbers
    assert first != second and sorted(first.values()) == sorted(second.values())


@pytest.mark.parametrize(
    "code",
    ["# by ada\nada = 1", "x = 'ADA'", 'f"{x} ada"', "'''by\nada'''\nx = 1", "def ada(: # ada"],
)
def test_names_in_comments_and_texts_are_left_out(code):
    shown = Anonymous(["ada"]).code(code)
    assert "[name]" in shown
    assert ("ada = 1" in shown) == ("ada = 1" in code)


def test_code_is_shown_without_characters_that_hide():
    assert Anonymous([]).code("a\u202eb\x00c\td") == "a�b�c   d"
    assert len(Anonymous([]).code("x" * 10**6)) < 5_000
    assert Anonymous([]).code("x\n" * 500).count("\n") < 100

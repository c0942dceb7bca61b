"""What an instructor decides after the fact: exercises that do not count, other dates, releases."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import hand_in, reference, untouched
from test_by_hand import ANOTHER, give, plain_autograde, rewrite, set_due, stamp, state, total

from tito.author.dates import due_dates, give_extension, read_time
from tito.author.dates import set_due as say_due
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.kit import make_kit
from tito.author.marks import scores
from tito.author.release import release
from tito.author.voiding import count_again, exercises_without_marks, void_exercise
from tito.cli import cli
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.grading.gradebook import gradebook
from tito.student.actions import start, submit
from tito.student.due import DUE_DATES

pytestmark = pytest.mark.usefixtures("graded_once")


def all_and_nothing(course: Course) -> None:
    """Ada has everything right, Bob has nothing."""
    module = course.module("01_numbers")
    hand_in(module, "ada", reference(module))
    hand_in(module, "bob", untouched(module))
    grade(module)


@pytest.fixture
def graded(course_after):
    """Ada has everything right, Bob has nothing."""
    return course_after("all and nothing", all_and_nothing).module("01_numbers")


def marks(module) -> dict[str, tuple[float, float]]:
    """Each student's mark, and the points there are."""
    found: dict = {}
    for s in scores(Course(module.root), [module]):
        score, most = found.get(s.student, (0, 0))
        found[s.student] = (score + s.score, most + s.most)
    return found


def run(*arguments: str):
    return CliRunner().invoke(cli, list(arguments))


class TestAnExerciseThatDoesNotCount:
    def test_gives_everybody_its_points(self, graded):
        assert void_exercise(graded, "double", left_out=False) == 1  # Bob's; Ada has them
        assert marks(graded) == {"ada": (7, 10), "bob": (4, 10)}

    def test_or_is_left_out_of_the_sum(self, graded):
        assert void_exercise(graded, "double", left_out=True) == 1
        assert marks(graded) == {"ada": (3, 6), "bob": (0, 6)}

    def test_one_of_the_two_after_the_other(self, graded):
        void_exercise(graded, "double", left_out=True)
        void_exercise(graded, "double", left_out=False)
        assert marks(graded) == {"ada": (7, 10), "bob": (4, 10)}

    @pytest.mark.parametrize("left_out", [True, False])
    def test_counts_again_with_the_marks_it_had(self, graded, left_out):
        give(graded, "test-double", 1.5)
        before = {student: state(graded, student) for student in ("ada", "bob")}
        for exercise in ("double", "why-inverse", "halve"):
            void_exercise(graded, exercise, left_out)
        grade(graded, force=True)
        for exercise in ("double", "why-inverse", "halve"):
            count_again(graded, exercise)
        assert {student: state(graded, student) for student in ("ada", "bob")} == before
        assert exercises_without_marks(graded) == []

    def test_also_for_who_hands_in_later(self, graded):
        void_exercise(graded, "double", left_out=False)
        hand_in(graded, "eve", untouched(graded))
        grade(graded)
        assert marks(graded)["eve"] == (4, 10)
        count_again(graded, "double")
        assert marks(graded)["eve"] == (0, 10)

    @pytest.mark.parametrize("left_out", [True, False])
    def test_hand_ins_are_graded_as_before(self, graded, left_out):
        void_exercise(graded, "double", left_out)
        hand_in(graded, "bob", reference(graded))
        assert {one.state for one in grade(graded)} == {"graded"}
        again = grade(graded, force=True)
        assert {one.student: (one.state, one.notes) for one in again} == {
            "ada": ("graded", []),
            "bob": ("graded", []),
        }
        plain_autograde(graded)
        most = 6 if left_out else 10
        assert marks(graded) == {"ada": (most - 3, most), "bob": (most - 3, most)}
        count_again(graded, "double")
        assert marks(graded) == {"ada": (7, 10), "bob": (7, 10)}

    def test_a_written_answer_no_longer_waits_for_anybody(self, graded):
        assert state(graded)["why-inverse"] == (0, True)
        void_exercise(graded, "why-inverse", left_out=False)
        assert state(graded)["why-inverse"] == (3, False)
        give(graded, "why-inverse", 2)  # somebody marks it all the same
        assert marks(graded)["ada"] == (10, 10)
        count_again(graded, "why-inverse")
        assert state(graded)["why-inverse"] == (2, False)

    def test_extra_credit_that_a_person_gave_is_kept(self, graded):
        give_extra(graded, 0.5)
        void_exercise(graded, "double", left_out=True)
        assert marks(graded)["ada"] == (3, 6)
        give_extra(graded, 2.0)
        assert marks(graded)["ada"] == (3, 6)
        count_again(graded, "double")
        assert marks(graded)["ada"] == (9, 10)

    def test_with_other_points_in_a_later_release(self, graded):
        void_exercise(graded, "double", left_out=True)
        rewrite(graded, 'checks="double" points=4', 'checks="double" points=6')
        release(graded)
        grade(graded)
        assert marks(graded)["ada"] == (3, 6)
        count_again(graded, "double")
        grade(graded, force=True)
        assert marks(graded) == {"ada": (9, 12), "bob": (0, 12)}

    def test_says_so_in_feedback(self, graded):
        void_exercise(graded, "double", left_out=False, because="Its check was\nwrong.")
        void_exercise(graded, "halve", left_out=True)
        page = next(page for page in feedback(graded) if "bob" in page.parts).read_text()
        assert "double does not count</strong>: everybody has its 4 points. Its check was w" in page
        assert "halve does not count</strong>: it is left out of the sum." in page
        assert '<p class="mark">4 <small>of 7 points' in page

    def test_takes_no_late_penalty_with_it(self, graded):
        path = graded.root / "nbgrader_config.py"
        path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
        from tito.course_settings import configuration

        configuration.cache_clear()
        stamp(graded)
        set_due(graded, 30)
        grade(graded)
        void_exercise(graded, "double", left_out=False)
        assert marks(graded)["ada"] == (0, 10)

    def test_by_the_command(self, graded):
        done = run("void", "1", "double", "--full-marks", "--because", "A typo.")
        assert done.output.startswith("double gives everybody its points: 1 mark")
        listed = run("void", "1").output
        assert "double" in listed and "full marks" in listed and "A typo." in listed
        assert run("void", "1", "double", "--undo").exit_code == 0
        assert marks(graded)["bob"] == (0, 10)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("duble", "--leave-out"), "no exercise 'duble'; did you mean double?"),
            (("quotient", "--undo"), "it has double, halve, why-inverse"),
            (("double", "--undo"), "double of 01_numbers counts"),
            (("double",), "choose one: --full-marks, --leave-out, or --undo"),
            (("double", "--undo", "--leave-out"), "choose one"),
        ],
    )
    def test_bad_input_is_told_in_one_sentence(self, graded, arguments, says):
        done = run("void", "1", *arguments)
        assert done.exit_code == 2 and says in done.output and done.output.count("\n") == 1

    def test_before_there_is_a_release(self, small_course):
        done = run("void", "1", "double", "--leave-out")
        assert done.exit_code == 2 and "tito release 01_numbers first" in done.output


def give_extra(module, points: float) -> None:
    """Extra credit for Ada's double, as formgrader gives it."""
    with gradebook(Course(module.root)) as book:
        mark = book.find_grade("test-double", "numbers_dev", module.folder, "ada")
        mark.extra_credit = points
        book.db.commit()


class TestAReleaseAfterHandIns:
    def test_may_have_a_check_more(self, graded):
        give(graded, "why-inverse", 2)
        graded.source.write_text(graded.source.read_text() + ANOTHER)
        release(graded)
        report = {one.student: one for one in grade(graded)}
        assert (report["ada"].score, report["ada"].most) == (9, 12)
        assert state(graded)["why-inverse"] == (2, False)
        assert state(graded, "bob")["test-triple"] == (0, False)
        hand_in(graded, "ada", reference(graded))
        assert next(one for one in grade(graded) if one.student == "ada").score == 11
        assert feedback(graded)

    def test_or_one_less(self, graded):
        give(graded, "why-inverse", 2)
        graded.source.write_text(graded.source.read_text() + ANOTHER)
        release(graded)
        grade(graded)
        graded.source.write_text(graded.source.read_text().removesuffix(ANOTHER))
        release(graded)
        assert {one.student: one.most for one in grade(graded)} == {"ada": 10, "bob": 10}
        assert state(graded)["why-inverse"] == (2, False)

    def test_but_not_one_less_that_a_person_marked(self, graded):
        graded.source.write_text(graded.source.read_text() + ANOTHER)
        release(graded)
        grade(graded)
        give(graded, "test-triple", 1)
        before = graded.released.read_bytes()
        graded.source.write_text(graded.source.read_text().removesuffix(ANOTHER))
        with pytest.raises(TitoError, match="triple is no longer in the source, and was marked by"):
            release(graded)
        assert graded.released.read_bytes() == before
        assert state(graded)["test-triple"] == (1, False)


DUE = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)  # half an hour before what `stamp` says


@pytest.fixture
def strict(numbers):
    """Whoever is late loses everything."""
    from tito.course_settings import configuration

    path = numbers.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    configuration.cache_clear()
    return numbers


class TestDates:
    @pytest.mark.parametrize(
        ("text", "hour"),
        [
            ("2026-12-01 18:00 +01:00", 17),
            ("2026-12-01T18:00+01:00", 17),
            ("2026-12-01T18:00Z", 18),
            ("2026-12-01 18:00:00 UTC", 18),
            ("2026-12-01 18:00 Europe/Berlin", 17),
            ("2026-07-01 18:00 Europe/Berlin", 16),
            ("2026-12-01 9:00 -0500", 14),
        ],
    )
    def test_a_time_has_a_zone(self, text, hour):
        found = read_time(text)
        assert found.utcoffset() == timedelta(0) and found.hour == hour

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("soon", "is no time"),
            ("2026-12-01", "has a day and no time of day"),
            ("2026-12-01 Europe/Berlin", "has a day and no time of day"),
            ("2026-12-01 18:00", "does not say in which zone"),
            ("2026-13-01 18:00 Z", "month must be in 1..12"),
            ("2026-12-01 25:00 Z", "hour must be in 0..23"),
            ("2026-12-01 18:00 Mars/Base", "'Mars/Base' is no zone"),
            ("2026-12-01 18:00 ../../etc/passwd", "is no zone"),
            ("01.12.2026 18:00 +01:00", "is no time"),
        ],
    )
    def test_what_is_no_time_is_told_in_one_sentence(self, numbers, text, says):
        done = run("due", "1", text)
        assert done.exit_code == 2 and says in done.output and done.output.count("\n") == 1
        assert "write it like 2026-12-01 18:00 +01:00" in done.output

    def test_a_due_date_is_said_before_or_after_a_release(self, small_course):
        module = small_course.module("1")
        assert "is due at no time" in run("due", "1").output
        assert "01_numbers is due 2026-12-01" in run("due", "1", "2026-12-01 12:00 Z").output
        release(module)
        assert due_dates(small_course, [module]) == {
            "01_numbers": datetime(2026, 12, 1, 12, tzinfo=UTC)
        }
        assert "at no time" in run("due", "1", "--never").output
        assert due_dates(small_course, [module]) == {}

    def test_an_extension_before_anything_was_handed_in(self, strict):
        with gradebook(Course(strict.root)) as book:
            book.update_or_create_student("ada")
        say_due(strict, DUE)
        assert give_extension(strict, "ada", "48 h") == DUE + timedelta(hours=48)
        assert scores(Course(strict.root), [strict]) == []  # that is no hand-in
        hand_in(strict, "ada", reference(strict))
        hand_in(strict, "bob", reference(strict))
        stamp(strict)
        stamp(strict, "bob")
        assert {one.student: one.score for one in grade(strict)} == {"ada": 7, "bob": 0}

    def test_an_extension_stays_when_the_due_date_moves(self, strict):
        hand_in(strict, "ada", reference(strict))
        stamp(strict)
        say_due(strict, DUE)
        assert grade(strict)[0].score == 0
        give_extension(strict, "ada", "2026-03-02 12:30 Z")
        assert total(strict) == 7
        say_due(strict, DUE - timedelta(days=3))
        assert total(strict) == 7
        give_extension(strict, "ada", None)
        assert total(strict) == 0

    def test_who_has_one_is_shown(self, strict):
        hand_in(strict, "ada", reference(strict))
        run("due", "1", "2026-12-01 12:00 Z")
        done = run("extend", "1", "ada", "--until", "2 days")
        assert done.exit_code == 0 and "ada has until 2026-12-03" in done.output
        assert "ada has until 2026-12-03" in run("due", "1").output
        assert "has no extension any more" in run("extend", "1", "ada", "--undo").output

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("nobody", "--until", "2 days"), "nobody is called 'nobody'"),
            (("ada",), "say --until when, or --undo"),
            (("ada", "--undo"), "ada has no extension for 01_numbers"),
            (("ada", "--until", "later"), "is no time"),
            (("ada", "--until", "2026-11-30 12:00 Z"), "is no later than the due date"),
            (("ada", "--until", "0 days"), "is no later than the due date"),
            (("ada", "--until", "2026-12-03 12:00"), "does not say in which zone"),
        ],
    )
    def test_no_extension_for_bad_input(self, strict, arguments, says):
        hand_in(strict, "ada", reference(strict))
        run("due", "1", "2026-12-01 12:00 Z")
        done = run("extend", "1", *arguments)
        assert done.exit_code == 2 and says in done.output and done.output.count("\n") == 1

    def test_no_extension_of_what_is_never_due(self, strict):
        hand_in(strict, "ada", reference(strict))
        with pytest.raises(UsageError, match="has no due date to be extended"):
            give_extension(strict, "ada", "2 days")


class TestWhatStudentsSeeOfADate:
    @pytest.fixture
    def student_of(self, released_course, tmp_path, monkeypatch):
        """Makes the kit of a course where module 1 is due at a time, and goes into it."""

        def make(due: datetime | None) -> Module:
            say_due(released_course.module("1"), due)
            make_kit(released_course, tmp_path / "kit")
            monkeypatch.chdir(tmp_path / "kit")
            return Course(tmp_path / "kit").module("1")

        return make

    def test_status_and_the_receipt_say_when_a_module_is_due(self, student_of):
        due = datetime.now(UTC) + timedelta(days=3, minutes=5)
        module = student_of(due)
        said = f"01_numbers is due {due.astimezone():%Y-%m-%d %H:%M %z}."
        assert said in run("status").output
        start(module)
        assert said in submit(module, "ada")[0].splitlines()
        assert said in (module.desk.parent / "receipt.txt").read_text().splitlines()

    def test_they_say_when_it_was(self, student_of):
        module = student_of(datetime.now(UTC) - timedelta(minutes=5))
        start(module)
        assert "01_numbers was due 20" in submit(module, "ada")[0]

    def test_they_say_nothing_where_nothing_is_due(self, student_of):
        module = student_of(None)
        assert " due " not in run("status").output
        start(module)
        assert " due " not in submit(module, "ada")[0]

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"01_numbers": 3}', '{"01_numbers": "soon"}'])
    def test_a_damaged_file_of_dates_is_no_matter(self, student_of, text):
        module = student_of(datetime.now(UTC))
        (module.root / DUE_DATES).write_text(text)
        assert run("status").exit_code == 0

"""Hand-ins are graded as they come, and answered with what their visible checks say."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from conftest import cell_of, changed, hand_in, reference, untouched

from tito.author import on_submit
from tito.author.on_submit import Tally, watch
from tito.cli import cli
from tito.errors import StorageError, UsageError
from tito.student.actions import start, submit


def answers_of(module, **settings) -> list:
    """What one look answers."""
    found: list = []
    watch(module, found.append, rounds=1, **settings)
    return found


@pytest.fixture
def ada(numbers):
    """Ada has one of two exercises right."""
    wrong = "#| export\ndef double(x):\n    return x * 3\n"
    hand_in(numbers, "ada", changed(numbers, lambda nb: cell_of(nb, "double").update(source=wrong)))
    return numbers


def test_an_answer_says_what_visible_checks_say_and_no_mark(ada):
    (answer,) = answers_of(ada)
    assert answer.graded.score == 3 and answer.student == "ada"
    text = answer.path.read_text()
    assert answer.path == ada.root / "answers" / "ada" / "01_numbers.txt"
    assert "1 of 2 visible checks passed" in text and "✗ double\n" in text and "✓ halve\n" in text
    assert "      called    double(np.array([1.0, 2.0]))\n      came      [3, 6]\n" in text
    assert "Answer 1 of 3 today." in text
    assert "hidden tests passed" not in text and "double of a matrix" not in text


def test_what_was_answered_is_not_answered_again(ada):
    assert len(answers_of(ada)) == 1
    assert answers_of(ada) == []
    hand_in(ada, "ada", reference(ada))
    hand_in(ada, "bob", untouched(ada))
    assert {answer.student for answer in answers_of(ada)} == {"ada", "bob"}


def test_after_so_many_tries_a_day_a_hand_in_waits(ada, monkeypatch):
    answers_of(ada, tries=1)
    hand_in(ada, "ada", reference(ada))
    (answer,) = answers_of(ada, tries=1)
    assert answer.graded is None and "It has arrived and will be graded" in answer.path.read_text()
    assert answers_of(ada, tries=1) == []  # it is told once
    tomorrow = date.fromordinal(date.today().toordinal() + 1)
    monkeypatch.setattr(on_submit, "date", type("Day", (), {"today": lambda: tomorrow}))
    (answer,) = answers_of(ada, tries=1)
    assert answer.graded.score == 7 and "Answer 1 of 1 today." in answer.path.read_text()


def test_the_command_grades_what_waits(ada):
    answers_of(ada, tries=1)
    hand_in(ada, "ada", reference(ada))
    answers_of(ada, tries=1)
    done = CliRunner().invoke(cli, ["grade", "1", "--json"])
    assert '"score": 7' in done.output


def test_zip_files_are_answered_too(numbers):
    start(numbers)
    submit(numbers, "eve")
    (made,) = numbers.desk.parent.glob("*.zip")
    (numbers.root / "submitted").mkdir(exist_ok=True)
    made.rename(numbers.root / "submitted" / made.name)
    (answer,) = answers_of(numbers)
    assert answer.student == "eve" and answer.graded.score == 0


def test_what_cannot_be_read_is_told_why(numbers):
    folder = numbers.root / "submitted" / "ada" / numbers.folder
    folder.mkdir(parents=True)
    (folder / numbers.notebook).write_text("no notebook")
    (answer,) = answers_of(numbers)
    assert answer.graded.score is None and "not graded: " in answer.path.read_text()
    assert answers_of(numbers) == []


def test_trouble_of_one_round_does_not_end_the_next(ada, monkeypatch):
    grade, said, found = on_submit.grade, [], []
    failing = iter([True, True, False])

    def locked(*arguments):
        if next(failing):
            raise StorageError("gradebook.db cannot be used")
        return grade(*arguments)

    monkeypatch.setattr(on_submit, "grade", locked)
    watch(ada, found.append, every=0.01, rounds=3, on_trouble=said.append)
    assert said == ["gradebook.db cannot be used"] and len(found) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"ada": 3}', '{"ada": {"day": 4, "digest": []}}'])
def test_a_damaged_tally_begins_anew(tmp_path, text):
    path = tmp_path / "tally.json"
    path.write_text(text)
    tally = Tally(path)
    tally.note("ada", "abc")
    assert Tally(path).last("ada") == "abc" and Tally(path).today("ada") == 1
    assert json.loads(path.read_text())


@pytest.mark.parametrize("settings", [{"tries": 0}, {"every": 0}])
def test_bad_settings_are_refused(numbers, settings):
    with pytest.raises(UsageError, match="numbers of at least 1"):
        watch(numbers, print, rounds=1, **settings)


def test_the_command_refuses_what_does_not_go_together(numbers):
    done = CliRunner().invoke(cli, ["grade", "1", "--watch", "--force"])
    assert done.exit_code == 2 and "--watch goes with --tries and --every" in done.output

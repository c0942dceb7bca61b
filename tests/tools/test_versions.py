"""A hand-in says which release it was made from, and grade says what has changed since."""

import json

import pytest
from conftest import hand_in, untouched
from test_roster import tito_alone

from tito.author.grade import grade
from tito.author.release import release
from tito.course import KIT_VERSION
from tito.grading.read_zip import read_zip
from tito.grading.versions import MEMORY, version_in
from tito.student import actions as student
from tito.student.desk import read_desk


def edit(module, before: str, after: str) -> None:
    """Change the source of a module, and release it again."""
    text = module.source.read_text()
    assert before in text
    module.source.write_text(text.replace(before, after))
    release(module)


def notes(module) -> dict[str, list[str]]:
    return {g.student: [n for n in g.notes if "release" in n] for g in grade(module)}


def test_a_hand_in_carries_the_versions_of_the_kit_and_of_the_module(numbers):
    (numbers.root / KIT_VERSION).write_text("0.1.0+1a2b3c4d\n")
    student.start(numbers)
    student.submit(numbers, "ada")
    (path,) = numbers.desk.parent.glob("*.zip")
    sent = read_zip(path)
    assert sent.kit == "0.1.0+1a2b3c4d"
    assert version_in(sent.files[numbers.notebook]) == version_in(numbers.released.read_bytes())
    assert len(version_in(numbers.released.read_bytes())) == 8
    (numbers.root / KIT_VERSION).unlink()
    (numbers.root / "submitted").mkdir()
    path.rename(numbers.root / "submitted" / "ada.zip")
    edit(numbers, "times each", "times every one")
    (said,) = notes(numbers)["ada"]
    assert "kit 0.1.0+1a2b3c4d" in said


def test_an_old_release_is_graded_and_said_with_what_has_changed(numbers):
    hand_in(numbers, "ada", untouched(numbers))
    assert notes(numbers) == {"ada": []}
    edit(numbers, 'hint="divide"', 'hint="divide by two"')
    hand_in(numbers, "emmy", untouched(numbers))
    found = notes(numbers)
    assert found["emmy"] == []
    (said,) = found["ada"]
    assert said.startswith("made from the release of 20")
    assert said.endswith("which is not the one now; changed since: the checks of halve")
    edit(numbers, "Why is the half", "How is the half")
    assert notes(numbers)["emmy"][0].endswith("changed since: the lesson")


def test_hidden_tests_and_another_release_of_the_same_are_no_other_version(numbers):
    hand_in(numbers, "ada", untouched(numbers))
    before = numbers.released.read_bytes()
    release(numbers)
    assert numbers.released.read_bytes() == before
    edit(numbers, '"""Every element counts."""', '"""All elements count."""')
    assert notes(numbers) == {"ada": []}


@pytest.mark.parametrize("memory", [None, "", "[]", "{", '{"01_numbers": [1, {"version": 2}]}'])
def test_a_release_of_which_nothing_is_known_is_said(numbers, memory):
    hand_in(numbers, "ada", untouched(numbers))
    edit(numbers, 'hint="divide"', 'hint="divide by two"')
    path = numbers.root / MEMORY
    path.unlink() if memory is None else path.write_text(memory)
    (said,) = notes(numbers)["ada"]
    assert said.startswith("made from another release (") and said.endswith("is known here")
    release(numbers)
    assert json.loads(path.read_text())["01_numbers"][-1]["version"]


@pytest.mark.parametrize("metadata", [None, 7, {}, {"release": 7}, {"release": "../../x"}])
def test_a_notebook_that_does_not_say_is_graded_without_a_word(numbers, metadata):
    nb = untouched(numbers)
    nb["metadata"]["tinytorch"] = metadata
    hand_in(numbers, "ada", nb)
    assert notes(numbers) == {"ada": []}


def test_the_version_stays_while_a_student_works(numbers):
    done = tito_alone(type("course", (), {"root": numbers.root}), "start", "1")
    assert done.returncode == 0, done.stderr
    assert read_desk(numbers)["metadata"]["tinytorch"]["release"]

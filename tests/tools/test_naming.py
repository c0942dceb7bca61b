"""Mistakes get their names from what they answer, and never from anything else."""

import json

import pytest
from click.testing import CliRunner
from conftest import cell_of, changed, hand_in, reference

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.to_catalogue import move_to_catalogue
from tito.cli import cli
from tito.course import Course
from tito.errors import UsageError
from tito.grading.known_mistakes import NAMED
from tito.grading.naming import missed, name_group, sentences
from tito.source.catalogue import read_catalogue
from tito.source.percent import read_source

pytestmark = pytest.mark.usefixtures("graded_once")

CATALOGUE = """
from tito.source.catalogue import Mistake

MISTAKES = [
    Mistake("left-alone", "double", "Gave back what came.", solution="return x"),
    Mistake("tripled", "double", "Took three for two.", changes={"(x, 2)": "(x, 3)"}),
    Mistake("only-arrays", "halve", "Took a text for the number zero.", solution="return x / 2 if np.ndim(x) else 0.0"),
    Mistake("never-ends", "halve", "Waits.", changes={"return np": "while np.ndim(x): pass\\n    return np"}),
    Mistake("a-word", "double", "Raised a word.", solution='raise KeyError("word")'),
]
"""


@pytest.fixture
def course(numbers):
    """A course of a small module with a catalogue."""
    numbers.source.with_name("mistakes.py").write_text(CATALOGUE, encoding="utf-8")
    return Course(numbers.root)


def wrote(module, student: str, **cells: str) -> None:
    """Hand in the reference with other bodies of some exercises."""

    def change(nb):
        for name, body in cells.items():
            text = f"#| export\ndef {name}(x):\n    {body}\n"
            cell_of(nb, name).update(source=text)

    hand_in(module, student, changed(module, change))


def put_first(module, entry: str) -> None:
    """Put a mistake at the beginning of the catalogue."""
    text = CATALOGUE.replace("MISTAKES = [\n", f"MISTAKES = [\n    {entry},\n")
    module.source.with_name("mistakes.py").write_text(text, encoding="utf-8")


def names(course, module) -> dict:
    """The names of what was missed, by student and exercise."""
    return {(m.student, m.exercise): m.mistake for m in missed(course, module)}


def groups(course, module) -> dict:
    """Who is in which group."""
    found: dict = {}
    for one in missed(course, module):
        if one.group:
            found.setdefault(one.group, []).append(one.student)
    return found


def test_a_mistake_of_the_catalogue_is_known_whatever_it_is_written_like(course, numbers):
    hand_in(numbers, "ada", reference(numbers))
    wrote(
        numbers,
        "bob",
        double="y = x + x\n    return y + x",
        halve="return 0.0 if isinstance(x, str) else x / 2",
    )
    wrote(numbers, "cyd", double="return np.asarray(x)")
    grade(numbers)
    assert names(course, numbers) == {
        ("bob", "double"): "tripled",
        ("bob", "halve"): "only-arrays",
        ("cyd", "double"): "left-alone",
    }


def test_what_differs_in_one_observation_has_no_name(course, numbers):
    wrote(numbers, "bob", double="return x * 3 if np.ndim(x) else x * 2")
    wrote(numbers, "cyd", double="return x * 3.001")
    wrote(numbers, "dan", double='raise KeyError("another word")')
    wrote(numbers, "eve", double='raise KeyError("word")')
    grade(numbers)
    assert names(course, numbers) == {
        ("bob", "double"): "",
        ("cyd", "double"): "",
        ("dan", "double"): "",
        ("eve", "double"): "a-word",
    }


def test_what_never_ends_is_known_again(course, numbers):
    config = numbers.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.Observe.timeout = 2.0\n")
    wrote(numbers, "bob", halve="while np.ndim(x):\n        x = x + 0\n    return x / 2")
    grade(numbers)
    assert names(course, numbers) == {("bob", "halve"): "never-ends"}


def test_what_is_blank_has_neither_a_name_nor_a_group(course, numbers):
    hand_in(numbers, "ada", json.loads(numbers.released.read_text(encoding="utf-8")))
    grade(numbers)
    found = missed(course, numbers)
    assert [(m.exercise, m.blank, m.mistake, m.group) for m in found] == [
        ("double", True, "", ""),
        ("halve", True, "", ""),
    ]


def test_a_mistake_is_known_beside_others_that_it_uses(course, numbers):
    body = "return double(x) / 4 if not isinstance(x, str) else 0"
    wrote(numbers, "bob", double="return x * 3", halve=body)
    grade(numbers)
    assert names(course, numbers) == {("bob", "double"): "tripled", ("bob", "halve"): ""}


def test_what_has_no_name_is_put_together_by_what_it_does(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    wrote(numbers, "cyd", double="return x + 4 * x")
    wrote(numbers, "dan", double="return x * 7")
    grade(numbers)
    assert sorted(groups(course, numbers).values()) == [["bob", "cyd"], ["dan"]]


def test_groups_hold_those_who_handed_in_at_another_time(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    before = groups(course, numbers)
    wrote(numbers, "cyd", double="return x + 4 * x")
    wrote(numbers, "dan", double="return x * 7")
    grade(numbers)
    after = groups(course, numbers)
    assert ["bob", "cyd"] in after.values()
    assert len(after) == 2
    assert name_group(course, numbers, next(iter(before)), "Took five.")[1] == ["bob", "cyd"]


def test_a_name_reaches_all_of_its_group_and_the_next_feedback(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    wrote(numbers, "cyd", double="return x + 4 * x")
    grade(numbers)
    (group,) = groups(course, numbers)
    mistake, reached = name_group(course, numbers, group, "Took  five <for> two.")
    assert (mistake.name, reached) == ("took-five-for-two", ["bob", "cyd"])
    said = {"double": "Took five <for> two."}
    assert sentences(course, numbers) == {"bob": said, "cyd": said}
    pages = [page.read_text(encoding="utf-8") for page in feedback(numbers)]
    assert all("Took five &lt;for&gt; two." in page for page in pages)
    assert groups(course, numbers) == {}


def test_a_name_is_known_in_the_next_class_with_other_inputs(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    (group,) = groups(course, numbers)
    name_group(course, numbers, group, "Took five for two.")
    wrote(numbers, "zoe", double="return x + x + x + x + x")
    grade(numbers)
    assert names(course, numbers)["zoe", "double"] == "took-five-for-two"


def test_a_named_group_can_get_another_sentence(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    (group,) = groups(course, numbers)
    name_group(course, numbers, group, "Took five.")
    name_group(course, numbers, group, "Counted to five.")
    assert sentences(course, numbers, ["bob"]) == {"bob": {"double": "Counted to five."}}
    assert len(json.loads((numbers.root / NAMED).read_text())[numbers.folder]) == 1


def test_a_sentence_without_a_word_is_refused(course, numbers):
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    (group,) = groups(course, numbers)
    for sentence in ("", "  ", "…"):
        with pytest.raises(UsageError, match="sentence is empty"):
            name_group(course, numbers, group, sentence)
    assert not (numbers.root / NAMED).exists()


def test_a_group_that_there_is_not_is_refused(course, numbers):
    wrote(numbers, "bob", double="return x * 3")
    grade(numbers)
    with pytest.raises(UsageError, match="has no group 'abcde'"):
        name_group(course, numbers, "abcde", "A sentence.")


def test_a_damaged_list_of_names_is_told_and_kept(course, numbers):
    wrote(numbers, "bob", double="return x * 3")
    grade(numbers)
    (numbers.root / NAMED).write_text("[", encoding="utf-8")
    with pytest.raises(UsageError, match="is no list of named mistakes"):
        missed(course, numbers)
    assert (numbers.root / NAMED).read_text(encoding="utf-8") == "["


def test_of_equal_mistakes_the_first_of_the_catalogue_is_named(course, numbers):
    put_first(numbers, 'Mistake("thrice", "double", "Counted to three.", solution="return x * 3")')
    wrote(numbers, "bob", double="return x * 3")
    grade(numbers)
    assert names(course, numbers) == {("bob", "double"): "thrice"}


def test_the_catalogue_takes_a_whole_cell(course, numbers):
    cell = "\n#| export\ndef double(x):\n    return x * 9\n"
    put_first(numbers, f'Mistake("nine", "double", "Nine.", cell="""{cell}""")')
    wrote(numbers, "bob", double="return 9 * x")
    grade(numbers)
    assert names(course, numbers) == {("bob", "double"): "nine"}
    cells = tuple(read_source(numbers))
    (nine, *_) = read_catalogue(numbers, cells).mistakes
    assert nine.made_in("anything") == "#| export\ndef double(x):\n    return x * 9\n"


def test_a_name_can_move_to_the_catalogue(course, numbers):
    wrote(numbers, "bob", double='"""Says \\\\ and """\n    return x * 5')
    grade(numbers)
    (group,) = groups(course, numbers)
    mistake, _ = name_group(course, numbers, group, 'Took "five" for two.')
    line = move_to_catalogue(numbers, mistake)
    path = numbers.source.with_name("mistakes.py")
    assert path.read_text(encoding="utf-8").splitlines()[line - 1] == "    Mistake("
    (*_, last) = read_catalogue(numbers, tuple(read_source(numbers))).mistakes
    assert (last.name, last.says) == (mistake.name, 'Took "five" for two.')
    assert json.loads((numbers.root / NAMED).read_text()) == {numbers.folder: []}
    assert names(course, numbers) == {("bob", "double"): mistake.name}


def test_a_catalogue_that_cannot_be_added_to_is_left_as_it_is(course, numbers):
    path = numbers.source.with_name("mistakes.py")
    path.write_text(CATALOGUE + "MISTAKES += []\nMISTAKES = [*MISTAKES]\n")
    before = path.read_text()
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    (group,) = groups(course, numbers)
    mistake, _ = name_group(course, numbers, group, "Took five.")
    path.write_text(before.replace("\n]\n", "]\n"))
    with pytest.raises(UsageError, match="by hand"):
        move_to_catalogue(numbers, mistake)
    assert path.read_text() == before.replace("\n]\n", "]\n")


def test_grade_says_which_mistakes_were_made_most(course, numbers, monkeypatch):
    wrote(numbers, "bob", double="return x * 3")
    wrote(
        numbers,
        "cyd",
        double="return x + x + x",
        halve="return 0.0 if isinstance(x, str) else x / 2",
    )
    monkeypatch.chdir(numbers.root)
    said = CliRunner().invoke(cli, ["grade", "1"]).output
    assert said.splitlines()[-2:] == [
        "double, 2 × tripled: Took three for two.",
        "halve, 1 × only-arrays: Took a text for the number zero.",
    ]


def test_a_catalogue_that_cannot_be_read_costs_no_marks(course, numbers, monkeypatch):
    numbers.source.with_name("mistakes.py").write_text("MISTAKES = [1 / 0]\n")
    wrote(numbers, "bob", double="return x * 3")
    monkeypatch.chdir(numbers.root)
    done = CliRunner().invoke(cli, ["grade", "1"])
    assert done.exit_code == 0
    assert "3 of 10" in done.output
    assert "Mistakes are not named: mistakes.py of 01_numbers cannot be read" in done.output
    done = CliRunner().invoke(cli, ["feedback", "1"])
    assert done.exit_code == 0
    assert "mistakes are not named: mistakes.py of 01_numbers cannot be read" in done.output
    page = numbers.root / "feedback/bob/01_numbers/numbers_dev.html"
    assert "3 of 10" in page.read_text()


def test_the_command_names_a_group(course, numbers, monkeypatch):
    wrote(numbers, "bob", double="return x * 5")
    grade(numbers)
    (group,) = groups(course, numbers)
    monkeypatch.chdir(numbers.root)
    done = CliRunner().invoke(cli, ["name", group, "Took five.", "--to-catalogue"])
    assert done.output.splitlines()[:2] == [
        "01_numbers, double: 1 student: Took five.",
        "source/01_numbers/mistakes.py, line 10: took-five",
    ]
    assert names(course, numbers) == {("bob", "double"): "took-five"}
    refused = CliRunner().invoke(cli, ["name", "zzzzz", "Took five."])
    assert (refused.exit_code, refused.output) == (
        2,
        "tito: there is no group 'zzzzz'; tito insights lists those there are\n",
    )

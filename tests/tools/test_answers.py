"""A written answer that is not in its cell waits for a person all the same."""

import json

import pytest
from conftest import cell_of, hand_in, untouched

from tito.author.grade import grade
from tito.author.marks import scores
from tito.course import Course

SAID = "Because two times a half is one, and both are powers of two."
QUESTION = "Why is the half of a double the number itself?"


def new_cell(source: str = SAID, kind: str = "markdown") -> dict:
    cell = {"cell_type": kind, "id": "mine", "metadata": {}, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def answer(nb: dict) -> dict:
    return cell_of(nb, "why-inverse")


def question(nb: dict) -> dict:
    return next(c for c in nb["cells"] if QUESTION in "".join(c["source"]))


def beside(offset: int, cell: dict):
    def change(nb):
        place = nb["cells"].index(answer(nb))
        nb["cells"].insert(place + offset, cell)

    return change


def retyped(nb):
    place = nb["cells"].index(answer(nb))
    nb["cells"][place] = new_cell()


def as_kind(kind: str):
    def change(nb):
        cell = answer(nb)
        cell.update(cell_type=kind, source=SAID)
        if kind == "code":
            cell.update(outputs=[], execution_count=None)

    return change


def merged(nb):
    """What JupyterLab makes of two cells: a new one, without metadata."""
    above, below = question(nb), answer(nb)
    joined = "".join(above["source"]) + "\n\n" + "".join(below["source"]) + "\n" + SAID
    nb["cells"][nb["cells"].index(above)] = new_cell(joined)
    nb["cells"].remove(below)


def under_the_question(nb):
    question(nb)["source"] = f"{QUESTION}\n\n{SAID}"


def over_the_question(nb):
    question(nb)["source"] = SAID


def first_of_two(nb):
    place = nb["cells"].index(answer(nb))
    copied = json.loads(json.dumps(answer(nb))) | {"id": "copied"}
    answer(nb)["source"] = SAID
    nb["cells"].insert(place + 1, copied)


def both_copies(nb):
    first_of_two(nb)
    nb["cells"][-1]["source"] = "Something else."


def stripped(*kept: str):
    def change(nb):
        answer(nb)["source"] = SAID
        for number, cell in enumerate(nb["cells"]):
            cell["metadata"] = {}
            if "id" not in kept:
                cell["id"] = f"other-{number}"

    return change


def one_stripped(nb):
    answer(nb).update(source=SAID, metadata={}, id="other")


WAYS = {
    "a new cell below": beside(1, new_cell()),
    "a new cell above": beside(0, new_cell()),
    "two new cells": lambda nb: (
        beside(1, new_cell("And that is all."))(nb),
        beside(1, new_cell() | {"id": "other"})(nb),
    ),
    "a new raw cell": beside(1, new_cell(kind="raw")),
    "a comment in a new code cell": beside(1, new_cell(f"# {SAID}", "code")),
    "the cell made anew": retyped,
    "the cell made code": as_kind("code"),
    "the cell made raw": as_kind("raw"),
    "merged into the question": merged,
    "under the question": under_the_question,
    "over the question": over_the_question,
    "the first of two copies": first_of_two,
    "two copies that differ": both_copies,
    "without metadata, by the ids": stripped("id"),
    "without metadata and ids": stripped(),
    "one cell without metadata and id": one_stripped,
}


def graded(module, nb: dict):
    hand_in(module, "ada", nb)
    return grade(module)[0]


def shown(module) -> str:
    """The answer's cell as whoever marks it sees it."""
    path = module.root / "autograded" / "ada" / module.folder / module.notebook
    return "".join(answer(json.loads(path.read_text()))["source"])


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_anywhere_near_its_place_waits_for_a_person(numbers, way):
    nb = untouched(numbers)
    WAYS[way](nb)
    ada = graded(numbers, nb)
    assert ada.by_hand == 1, ada.notes
    assert SAID in shown(numbers)


@pytest.mark.parametrize(
    "way",
    [
        "a new cell below",
        "merged into the question",
        "under the question",
        "without metadata, by the ids",
        "one cell without metadata and id",
    ],
)
def test_a_found_answer_is_the_first_note(numbers, way):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\nraise ValueError"
    WAYS[way](nb)
    ada = graded(numbers, nb)
    assert ada.notes[0].startswith("the answer 'why-inverse' was found ")
    assert "it waits to be marked by hand" in ada.notes[0] and len(ada.notes) > 1


def test_all_that_was_written_into_two_copies_is_shown(numbers):
    nb = untouched(numbers)
    both_copies(nb)
    graded(numbers, nb)
    assert "Something else." in shown(numbers) and SAID in shown(numbers)


def test_an_answer_too_long_to_be_shown_is_named(numbers):
    nb = untouched(numbers)
    answer(nb)["source"] = "Because. " * 3000
    ada = graded(numbers, nb)
    assert ada.by_hand == 1
    assert ada.notes[0].startswith("the answer 'why-inverse' has more than 20,000 characters")


NOTHING = {
    "untouched": lambda nb: None,
    "two untouched copies": lambda nb: (
        first_of_two(nb),
        answer(nb).update(source=nb["cells"][-1]["source"]),
    ),
    "a scratch cell of code": beside(1, new_cell("double(3)", "code")),
    "an older question": lambda nb: question(nb).update(
        source=QUESTION.replace("the number", "exactly the number"), id="old"
    ),
    "merged, and nothing written": lambda nb: (
        question(nb).update(source=f"{QUESTION}\n\n" + "".join(answer(nb)["source"])),
        nb["cells"].remove(answer(nb)),
    ),
    "the cell deleted": lambda nb: nb["cells"].remove(answer(nb)),
}


@pytest.mark.parametrize("case", NOTHING)
def test_nobody_waits_where_nothing_was_written(numbers, case):
    nb = untouched(numbers)
    NOTHING[case](nb)
    ada = graded(numbers, nb)
    assert (ada.by_hand, ada.score) == (0, 0), shown(numbers)


def test_code_that_lost_its_metadata_keeps_its_marks(numbers):
    from conftest import reference

    nb = reference(numbers)
    for number, cell in enumerate(nb["cells"]):
        cell["metadata"], cell["id"] = {}, f"other-{number}"
    assert graded(numbers, nb).score == 7


def test_an_untouched_copy_below_does_not_undo_an_exercise(numbers):
    from conftest import reference

    nb, blank = reference(numbers), untouched(numbers)
    place = nb["cells"].index(cell_of(nb, "double"))
    nb["cells"].insert(place + 1, cell_of(blank, "double") | {"id": "again"})
    ada = graded(numbers, nb)
    assert ada.score == 7
    assert any("last one that is not untouched is graded" in note for note in ada.notes)


def test_plain_autograde_finds_it_too(numbers):
    import subprocess

    nb = untouched(numbers)
    merged(nb)
    hand_in(numbers, "ada", nb)
    done = subprocess.run(["nbgrader", "autograde", numbers.folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {s.exercise: s.by_hand for s in scores(Course(numbers.root), [numbers])}
    assert found["why-inverse"] == 1 and SAID in shown(numbers)

"""Marking shared among people: alike answers, who marks what, and who asks for another look."""

import copy
import random
import re

import pytest
from click.testing import CliRunner
from conftest import ROOT, cell_of, changed, hand_in, untouched
from jupyter_server.auth import User
from nbconvert import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from ordinary_course import ASSIGNMENTS, copy_of, submit, write_sources
from test_by_hand import give, state

from tito.author import sharing
from tito.author.alike import groups, say_the_same, words_of
from tito.author.answers import answers, mark_group
from tito.author.build import build
from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.ordinary import release_ordinary
from tito.cli import cli
from tito.course import Course
from tito.course_settings import configuration
from tito.errors import SourceError, TitoError
from tito.grading.formgrader import who_logged_in
from tito.grading.gradebook import gradebook, nbgrader_api
from tito.grading.markers import shared_out
from tito.grading.model_answers import guide_of, guides
from tito.grading.regrade_requests import asked_in
from tito.grading.who_marked import markings_of, note_marking
from tito.source.modules_and_others import find_assignment

pytestmark = pytest.mark.usefixtures("graded_once")

EXACT = "They undo each other exactly, because only the exponent changes."
MODEL, SCHEME = "undo each other exactly in binary", "the binary digits that stay the same"


def answered(module, student: str, text: str, *more: dict) -> None:
    """Hand in the reference with an answer in words, and cells after all others."""
    nb = changed(module, lambda nb: cell_of(nb, "why-inverse").update(source=text))
    nb["cells"] += more
    hand_in(module, student, nb)


def say(text: str) -> dict:
    return {"cell_type": "markdown", "id": "my-own", "metadata": {}, "source": text}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def marked_by(module, student: str, name: str, points: float, marker: str) -> None:
    """Give a mark, as formgrader does when somebody marks in it."""
    give(module, name, points, student)
    with gradebook(Course(module.root)) as book:
        notebook = module.notebooks[0].removesuffix(".ipynb")
        note_marking(book, book.find_grade(name, notebook, module.folder, student), marker)
        book.db.commit()


def six_answer(course: Course) -> None:
    """Four say the same, one says something else, and one says nothing."""
    numbers = course.module("01_numbers")
    answered(numbers, "ada", EXACT)
    answered(numbers, "bob", EXACT.lower().replace(",", ""))
    answered(numbers, "carla", "**They** undo each other exacty,\nbecause only exponent changes.")
    answered(numbers, "dan", EXACT)
    answered(numbers, "eve", EXACT.replace("exactly", "roughly"))
    hand_in(numbers, "finn", untouched(numbers))
    grade(numbers)


@pytest.fixture
def answered_by_six(course_after):
    """Six answers, graded."""
    return course_after("six answers", six_answer).module("01_numbers")


# Which answers say the same

SAME = {
    "case": ("The Sum is 3.", "the sum is 3"),
    "spaces": ("one  row\n\nof numbers", "one row of numbers"),
    "punctuation": ("No: it stays, always.", "No it stays always"),
    "bold": ("it is **not** so", "it is not so"),
    "articles": ("an array of the numbers", "array of numbers"),
    "a wrong letter": ("it underflows there", "it underflpws there"),
    "a letter left out": ("the gradient grows", "the gradiet grows"),
    "two exchanged": ("the gradient grows", "the gardient grows"),
    "apostrophes": ("it doesn't", "it doesn’t"),
}
DIFFERENT = {
    "not": ("it is not so", "it is so"),
    "a number": ("it takes 80 bytes", "it takes 40 bytes"),
    "a part of a number": ("about 1.5", "about 15"),
    "where the point is": ("it is .5", "it is 5"),
    "a sign": ("it is -1", "it is 1"),
    "an equals sign": ("a != b", "a = b"),
    "a power": ("x**2", "x*2"),
    "the opposite": ("the loss increases", "the loss decreases"),
    "a prefix": ("a symmetric matrix", "an asymmetric matrix"),
    "the dtype": ("it is float32", "it is float64"),
    "the order": ("rows before columns", "columns before rows"),
    "short words": ("the row", "the now"),
    "the case of a letter": ("the size n", "the size N"),
    "contractions": ("it does", "it doesn't"),
}


@pytest.mark.parametrize("case", SAME)
def test_these_say_the_same(case):
    ours, theirs = map(words_of, SAME[case])
    assert say_the_same(ours, theirs) and say_the_same(theirs, ours)


@pytest.mark.parametrize("case", DIFFERENT)
def test_these_do_not_say_the_same(case):
    ours, theirs = map(words_of, DIFFERENT[case])
    assert not say_the_same(ours, theirs) and not say_the_same(theirs, ours)


def test_groups_do_not_depend_on_the_order_and_keep_their_names_when_others_hand_in():
    texts = {"a": "one two", "b": "One, two.", "c": "three", "d": "four gradient", "e": "one two"}
    texts |= {"f": "four gradeint"}
    first = groups(texts)
    mixed = list(texts.items())
    random.Random(0).shuffle(mixed)
    assert groups(dict(mixed)) == first
    assert [sorted(group.members) for group in first] == [["a", "b", "e"], ["d", "f"], ["c"]]
    names = {group.text: group.name for group in first}
    later = {group.text: group.name for group in groups(texts | {"z": "one two", "y": "five"})}
    assert names.items() <= later.items()


def test_answers_are_together_the_largest_group_first(answered_by_six):
    (question,) = answers(answered_by_six)
    assert (question.name, question.most) == ("why-inverse", 3)
    members = [sorted(group.members) for group in question.groups]
    assert members == [["ada", "bob", "carla", "dan"], ["eve"], ["finn"]]
    assert question.groups[-1].name == "blank"
    assert MODEL in question.guide.answer and SCHEME in question.guide.scheme


def test_the_command_lists_answers_with_their_page_and_their_mark(answered_by_six):
    marked_by(answered_by_six, "ada", "why-inverse", 2, "ann")
    code, said = run("answers", "1", "why-inverse", "--server", "https://hub.example/user/ann/")
    with gradebook(Course(answered_by_six.root)) as book:
        name = book.find_submission_notebook("numbers_dev", "01_numbers", "ada").id
    place = f"https://hub.example/user/ann/formgrader/submissions/{name}/#why-inverse"
    assert code == 0 and f"  ada: 2 by ann  {place}" in said
    assert "4 answers: They undo each other exactly" in said
    assert "  finn: 0  " in said and "(nothing is written)" in said


def test_the_page_has_everything_and_runs_nothing(answered_by_six, tmp_path):
    answered(answered_by_six, "<b>gil", "<script>alert(1)</script> & <img src=x onerror=alert(1)>")
    grade(answered_by_six)
    out = tmp_path / "pages" / "answers.html"
    code, said = run("answers", "1", "--out", str(out))
    text = out.read_text(encoding="utf-8")
    assert code == 0 and said.strip().replace("\n", "") == str(out)
    assert "<script" not in text and "<img" not in text and "&lt;script&gt;" in text
    assert MODEL in text and SCHEME in text and "exacty" in text
    assert text.count("/formgrader/submissions/") == 7


def test_a_mark_for_a_group_is_the_mark_of_each(answered_by_six):
    group = answers(answered_by_six)[0].groups[0].name
    code, said = run(
        *("mark", "1", "why-inverse", group, "2.5", "--comment", "Why?", "--marker", "ann")
    )
    assert code == 0 and "2.5 points for ada, bob, carla, dan." in said
    for student in ("ada", "bob", "carla", "dan"):
        assert state(answered_by_six, student)["why-inverse"] == (2.5, False)
    assert state(answered_by_six, "eve")["why-inverse"][1]
    with gradebook(Course(answered_by_six.root)) as book:
        comment = book.find_comment("why-inverse", "numbers_dev", "01_numbers", "carla")
        assert comment.manual_comment == "Why?"
        known = {(m.student, m.marker, m.points) for m in markings_of(book, "01_numbers")}
    assert ("ada", "ann", 2.5) in known and ("carla", "ann", None) in known
    grade(answered_by_six, force=True)
    assert state(answered_by_six, "dan")["why-inverse"] == (2.5, False)


def test_another_mark_or_comment_is_never_replaced_unasked(answered_by_six):
    module, group = answered_by_six, answers(answered_by_six)[0].groups[0].name
    marked_by(module, "ada", "why-inverse", 1, "bob")
    with gradebook(Course(module.root)) as book:
        book.find_comment("why-inverse", "numbers_dev", "01_numbers", "dan").manual_comment = "Hm."
        book.db.commit()
    code, said = run("mark", "1", "why-inverse", group, "2", "--comment", "Good.")
    assert code == 1 and "ada has 1 by bob; dan has another comment" in said
    assert state(module, "ada")["why-inverse"] == (1, False)
    assert state(module, "dan")["why-inverse"][1]
    code, said = run("mark", "1", "why-inverse", group, "2", "--comment", "Good.", "--again")
    assert code == 0 and "2 points for ada, bob, carla, dan." in said
    assert state(module, "ada")["why-inverse"] == (2, False)


def test_a_mark_for_an_earlier_answer_is_not_replaced_unasked(answered_by_six):
    marked_by(answered_by_six, "eve", "why-inverse", 1, "bob")
    answered(answered_by_six, "eve", EXACT)
    grade(answered_by_six)
    group = answers(answered_by_six)[0].groups[0]
    assert "eve" in group.members
    done = mark_group(answered_by_six, "why-inverse", group.name, 3)
    assert done.left == {"eve": "has 1, for an earlier answer"}


def test_an_answer_that_is_just_being_graded_is_not_marked(answered_by_six, monkeypatch):
    from test_by_hand import Killed, die

    from tito.grading.writer import Writer

    group = answers(answered_by_six)[0].groups[0].name
    answered(answered_by_six, "ada", "Something else entirely.")
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(Writer, "_write_files", die)
        grade(answered_by_six)
    with pytest.raises(TitoError, match="ada is being graded"):
        mark_group(answered_by_six, "why-inverse", group, 3)
    assert state(answered_by_six, "bob")["why-inverse"][1]
    grade(answered_by_six)
    assert mark_group(answered_by_six, "why-inverse", group, 3).marked == ["bob", "carla", "dan"]


WRONG = {
    "a module": (["answers", "99"], "there is no module '99'"),
    "a question": (["answers", "1", "why"], "no question 'why'; its questions are: why-inverse"),
    "a question to mark": (["mark", "1", "double", "abcde", "1"], "no question 'double'"),
    "a group": (["mark", "1", "why-inverse", "zzzzz", "1"], "no group 'zzzzz'"),
    "too many points": (["mark", "1", "why-inverse", "blank", "3.5"], "0 to 3 points, not 3.5"),
    "negative points": (["mark", "1", "why-inverse", "blank", "--", "-1"], "0 to 3 points, not -1"),
    "no number": (["mark", "1", "why-inverse", "blank", "nan"], "0 to 3 points, not nan"),
    "infinity": (["mark", "1", "why-inverse", "blank", "inf"], "0 to 3 points, not inf"),
    "nothing to mark": (["assign-markers", "2", "ann"], "no question that is marked by hand"),
    "no marker": (["assign-markers", "1"], "who marks?"),
    "an empty name": (["assign-markers", "1", "ann", " "], "an empty name"),
    "a name twice": (["assign-markers", "1", "ann", "Ann"], "Ann is there twice"),
    "a name of control characters": (["assign-markers", "1", "a\x1b[2J"], "is no name"),
    "a stranger": (["markers", "1", "--of", "zoe"], "'zoe' marks nothing in 01_numbers"),
    "who asks nothing": (["requests", "1", "ada", "double", "--answer", "x"], "ada asks nothing"),
    "an empty answer": (["requests", "1", "ada", "double", "--answer", " "], "answer is empty"),
    "an answer to nobody": (["requests", "1", "--answer", "x"], "an answer is to one request"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_command_is_refused_in_one_sentence(answered_by_six, case):
    arguments, words = WRONG[case]
    before = state(answered_by_six, "finn")
    code, said = run(*arguments)
    assert code == 2 and words in said and len(said.strip().splitlines()) == 1
    assert state(answered_by_six, "finn") == before


# Who marks what


def owners(module) -> dict[str, str]:
    return sharing.standing(module).shares.owners


def test_students_are_shared_out_evenly_and_later_ones_move_nobody(answered_by_six):
    code, said = run("assign-markers", "1", "ann", "bob", "carla")
    before = owners(answered_by_six)
    assert code == 0 and "ann: 2 students (ada, dan)" in said
    assert sorted(before.values()) == ["ann", "ann", "bob", "bob", "carla", "carla"]
    for student in ("aaron", "gil", "zoe"):
        answered(answered_by_six, student, "Because.")
        grade(answered_by_six)
        assert before.items() <= owners(answered_by_six).items()
    now = list(owners(answered_by_six).values())
    assert [now.count(name) for name in ("ann", "bob", "carla")] == [3, 3, 3]


def test_whoever_stays_keeps_what_they_have_begun(answered_by_six):
    sharing.assign_markers(answered_by_six, ["ann", "bob"])
    before = owners(answered_by_six)
    for student in [s for s, owner in before.items() if owner == "ann"]:
        marked_by(answered_by_six, student, "why-inverse", 1, "ann")
    sharing.assign_markers(answered_by_six, ["ann", "carla", "dora"])
    now = owners(answered_by_six)
    assert {s for s, owner in now.items() if owner == "ann"} == {
        s for s, owner in before.items() if owner == "ann"
    }
    assert sorted(now.values()) == ["ann", "ann", "ann", "carla", "carla", "dora"]
    assert state(answered_by_six, "ada")["why-inverse"] == (1, False)


@pytest.mark.parametrize("seed", range(20))
def test_sharing_out_is_even_moves_little_and_nothing_that_is_begun(seed):
    chance = random.Random(seed)
    items = [f"s{n}" for n in range(chance.randrange(1, 40))]
    everybody = list("abcdef")
    people = chance.sample(everybody, chance.randrange(1, 6))
    before = {item: chance.choice(everybody) for item in items if chance.random() < 0.7}
    begun = {item for item in before if chance.random() < 0.3}
    shared = shared_out(items, people, before, begun)
    assert set(shared) == set(items) and set(shared.values()) <= set(people)
    assert all(shared[i] == before[i] for i in begun if before[i] in people)
    loads = {name: list(shared.values()).count(name) for name in people}
    for item in set(items) - begun:
        assert loads[shared[item]] <= min(loads.values()) + 1
    assert shared_out(items, people, shared, begun) == shared


def test_questions_can_be_shared_out(released_course):
    write_sources(released_course.root, "midterm", ASSIGNMENTS["several"])
    write_sources(released_course.root, "midterm", ASSIGNMENTS["tasks"])
    exam = find_assignment(released_course, "midterm")
    release_ordinary(exam)
    submit(released_course.root, "midterm", "ada", copy_of(ASSIGNMENTS["tasks"].notebooks), {})
    grade(exam)
    shares = sharing.assign_markers(exam, ["ann", "bob"], "question")
    assert len(shares.owners) >= 3 and set(shares.owners.values()) == {"ann", "bob"}
    now = sharing.standing(exam)
    assert {one.question for one in now.left("ann")} <= {
        question for question, owner in shares.owners.items() if owner == "ann"
    }
    assert all("/" in question for question in shares.owners)
    for question in answers(exam):
        assert question.most > 0


def test_markers_says_who_has_how_many_left(answered_by_six):
    assert "Nobody is named yet: tito assign-markers 01_numbers" in run("markers", "1")[1]
    run("assign-markers", "1", "ann", "bob")
    mine = [s for s, owner in owners(answered_by_six).items() if owner == "ann"]
    first = next(s for s in mine if s != "finn")
    marked_by(answered_by_six, first, "why-inverse", 2, "ann")
    lines = map(str.split, run("markers", "1")[1].splitlines())
    rows = {line[0]: line[1:] for line in lines if line}
    waiting = [s for s in mine if s not in (first, "finn")]
    assert rows["ann"] == ["3", "1", str(len(waiting))]
    code, said = run("markers", "1", "--of", "ann")
    assert code == 0 and [line.split(",")[0] for line in said.splitlines()] == sorted(waiting)


def test_two_who_mark_the_same_are_named(answered_by_six):
    marked_by(answered_by_six, "ada", "why-inverse", 2, "ann")
    assert "Marked by two" not in run("markers", "1")[1]
    marked_by(answered_by_six, "ada", "why-inverse", 3, "bob")
    said = "ada, why-inverse: ann 2, bob 3"
    assert f"Marked by two: {said}" in run("markers", "1")[1]
    assert f"Marked by two: 01_numbers, {said}" in run("scores", "1")[1]
    answered(answered_by_six, "ada", "Another answer.")
    grade(answered_by_six)
    marked_by(answered_by_six, "ada", "why-inverse", 1, "bob")
    assert "Marked by two" not in run("markers", "1")[1] + run("scores", "1")[1]
    with gradebook(Course(answered_by_six.root)) as book:
        found = [m.points for m in markings_of(book, "01_numbers") if m.student == "ada"]
    assert found == [2, 3, 1]


def test_who_marks_is_the_name_given_or_that_of_the_place(answered_by_six, monkeypatch):
    from tito.grading.who_marked import marker_here

    monkeypatch.setenv("JUPYTERHUB_USER", "hub-ann")
    assert (marker_here(), marker_here(" eve ")) == ("hub-ann", "eve")
    monkeypatch.setenv("TITO_MARKER", "carla")
    assert marker_here() == "carla"


# Model answers


@pytest.mark.parametrize("name", ["Marks", "Mark scheme"])
def test_an_answer_is_divided_into_model_answer_and_mark_scheme(name):
    text = f"**Model answer.** It is 3.\n\nSo.\n\n**{name}.** 1 for 3.\n\n1 for so."
    guide = guide_of(text)
    assert (guide.answer, guide.scheme) == ("It is 3.\n\nSo.", "1 for 3.\n\n1 for so.")


def test_every_answer_of_every_module_has_both():
    for module in Course(ROOT).modules():
        for name, guide in guides(module, module.notebooks[0].removesuffix(".ipynb")).items():
            assert guide.answer and guide.scheme, f"{module.folder} {name}"


WITHOUT = {  # what stands in the source, and what is missing without it
    r"\*\*Model answer\.\*\* .*?(?=\n\n\*\*Mark scheme)": "has no model answer; write",
    r"\*\*Mark scheme\.\*\* ": "has no mark scheme; write",
}


@pytest.mark.parametrize("part", WITHOUT)
def test_build_refuses_an_answer_without_one_of_them(numbers, part):
    text, count = re.subn(part, "", numbers.source.read_text(), flags=re.S)
    numbers.source.write_text(text)
    assert count == 1
    with pytest.raises(SourceError, match="why-inverse") as refused:
        build(numbers)
    assert WITHOUT[part] in str(refused.value)


def test_the_words_model_answer_may_be_left_out(numbers):
    text = numbers.source.read_text()
    numbers.source.write_text(text.replace("**Model answer.** ", ""))
    build(numbers)
    (guide,) = guides(numbers, "numbers_dev").values()
    assert MODEL in guide.answer and SCHEME in guide.scheme


def test_model_answers_are_in_no_file_that_is_given_back(answered_by_six, tmp_path):
    run("answers", "1", "--out", str(tmp_path / "answers.html"))
    run("assign-markers", "1", "ann", "bob")
    nbgrader_api(Course(answered_by_six.root)).generate_feedback("01_numbers", "bob", force=True)
    feedback(answered_by_six)
    for folder in ("autograded", "feedback", "release", "submitted"):
        files = [p for p in (answered_by_six.root / folder).rglob("*") if p.is_file()]
        assert files, folder
        for path in files:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert MODEL not in text and SCHEME not in text and "tito-beside" not in text, path


def page_of(assigned, notebook: str, student: str, **more) -> str:
    """What formgrader shows of a submission, made by its exporter with its resources."""
    config = copy.deepcopy(configuration(assigned.root))
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    with gradebook(Course(assigned.root)) as book:
        one = book.find_submission_notebook(notebook, assigned.folder, student).id
    resources = {
        "assignment_id": assigned.folder,
        "notebook_id": notebook,
        "submission_id": one,
        "index": 0,
        "total": 1,
        "student": student,
    }
    path = assigned.root / "autograded" / student / assigned.folder / f"{notebook}.ipynb"
    return HTMLExporter(config=config).from_filename(str(path), resources | more)[0]


def test_formgraders_page_has_them_and_no_other_page(answered_by_six):
    shown = page_of(answered_by_six, "numbers_dev", "ada")
    assert MODEL in shown and SCHEME in shown and shown.count("tito-guide") > 1
    given_back = page_of(answered_by_six, "numbers_dev", "ada", nbgrader={})
    assert MODEL not in given_back and "tito-beside" not in given_back
    config = copy.deepcopy(configuration(answered_by_six.root))
    path = answered_by_six.root / "autograded/ada/01_numbers/numbers_dev.ipynb"
    assert MODEL not in HTMLExporter(config=config).from_filename(str(path))[0]


def test_formgraders_page_is_there_also_with_a_broken_source(answered_by_six):
    answered_by_six.source.write_text('# %% checks="double" answer="double"\n')
    shown = page_of(answered_by_six, "numbers_dev", "ada")
    assert "Model answers cannot be shown" in shown and "only the exponent changes" in shown


def test_formgraders_page_of_an_ordinary_assignment_has_the_schemes_of_its_tasks(released_course):
    write_sources(released_course.root, "midterm", ASSIGNMENTS["several"])
    write_sources(released_course.root, "midterm", ASSIGNMENTS["tasks"])
    exam = find_assignment(released_course, "midterm")
    release_ordinary(exam)
    notebooks = copy_of(ASSIGNMENTS["several"].notebooks | ASSIGNMENTS["tasks"].notebooks)
    submit(released_course.root, "midterm", "ada", notebooks, {})
    grade(exam)
    guide = page_of(exam, "tasks", "ada").partition('"tito-beside tito-guide"')[2]
    assert "<h3>Mark scheme</h3><p>5 for the plot</p>" in guide.split("</div>")[0]
    guide = page_of(exam, "problem3", "ada").partition('"tito-beside tito-guide"')[2]
    assert "<h3>Model answer</h3><p>Long.</p>" in guide.split("</div>")[0]


def test_who_logs_in_with_a_name_marks_under_it(monkeypatch):
    monkeypatch.setenv("TITO_MARKER", "carla")
    assert who_logged_in(User("ann", "Ann")) == "ann"
    assert who_logged_in({"name": "ann"}) == "ann"
    assert who_logged_in(User("5e0f", "Anonymous Io", "Anonymous Io")) == "carla"
    assert who_logged_in(None) == "carla"


# Another look


def asking(exercise: str, why: str) -> dict:
    return say(f"**Ask again: `{exercise}`**\n\n{why}")


ASKS = asking("double", "Is \0 not\x1b[2J \ud800 three?")


def test_what_no_gradebook_can_hold_is_taken_out_of_a_request(numbers):
    answered(numbers, "ada", f"{EXACT} \ud800 \0", ASKS)
    grade(numbers)
    (one,) = sharing.requests(Course(numbers.root), [numbers])["01_numbers"]
    assert one.why == "Is \ufffd not\ufffd[2J ? three?"
    assert run("answers", "1", "--out", "answers.html")[0] == run("answers", "1")[0] == 0


def test_a_request_travels_with_a_hand_in_and_its_answer_with_feedback(numbers):
    answered(numbers, "ada", EXACT, asking("double", "I think that *three* is right."))
    answered(numbers, "bob", EXACT)
    grade(numbers)
    code, said = run("requests")
    assert code == 0 and "ada" in said and "I think that" in said and "bob" not in said
    (before,) = [p for p in feedback(numbers) if "ada" in p.parts]
    assert "Another look at double" in before.read_text()
    assert "not answered yet" in before.read_text()
    code, said = run(
        *("requests", "1", "ada", "double", "--answer", "No: twice is two.", "--marker", "ann")
    )
    assert code == 0 and "tito feedback 01_numbers" in said
    pages = {page.parts[-3]: page.read_text() for page in feedback(numbers)}
    assert "No: twice is two." in pages["ada"] and "not answered yet" not in pages["ada"]
    assert "nother look" not in pages["bob"]
    assert "Nobody asks" in run("requests")[1] and "No: twice" in run("requests", "--all")[1]


def test_a_request_stays_when_a_later_hand_in_has_it_no_more(numbers):
    answered(numbers, "ada", EXACT, asking("double", "Why?"))
    grade(numbers)
    answered(numbers, "ada", EXACT)
    grade(numbers)
    grade(numbers, force=True)
    found = sharing.requests(Course(numbers.root), [numbers])["01_numbers"]
    assert [(one.student, one.exercise, one.why) for one in found] == [("ada", "double", "Why?")]


def test_a_request_does_not_change_a_mark(numbers):
    answered(numbers, "ada", EXACT)
    grade(numbers)
    give(numbers, "why-inverse", 2)
    before = state(numbers)
    answered(numbers, "ada", EXACT, asking("why-inverse", "I said exactly that."))
    grade(numbers)
    assert state(numbers) == before


FIRST_LINES = {
    "Ask again: double": "double",
    "## Ask again: double": "double",
    "**Ask again:** double": "double",
    "**Ask again: `double`**": "double",
    "ask again : 'double'.": "double",
    "Ask again: test-double because": "double",
    "Never ask again: double": None,
    "Ask again": None,
    "I ask: double": None,
}


@pytest.mark.parametrize("line", FIRST_LINES)
def test_a_request_is_known_by_its_first_line(line):
    found = asked_in([say(f"{line}\n\nBecause of this.")])
    assert [exercise for exercise, _ in found] == ([FIRST_LINES[line]] if FIRST_LINES[line] else [])


def test_a_flood_of_requests_is_bounded():
    found = asked_in([say(f"Ask again: x{n}\n" + "y" * 10_000) for n in range(200)])
    assert len(found) == 50 and all(len(why) == 4000 for _, why in found)


# Without tables of ours


def test_a_gradebook_of_before_shows_everything(answered_by_six):
    give(answered_by_six, "why-inverse", 2)
    assert "Marked by two" not in run("scores")[1]
    assert "  ada: 2  " in run("answers", "1")[1]
    assert "Nobody asks" in run("requests")[1]

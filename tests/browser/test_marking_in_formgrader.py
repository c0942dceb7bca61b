"""Two assistants mark in formgrader: what is beside the answers, and who is known to have marked."""

import shutil

import pytest
from browsing import in_a_browser, jupyterlab, keep
from conftest import cell_of, changed, hand_in, untouched
from test_accessibility import violations
from test_formgrader import open_formgrader

from tito.author import sharing
from tito.author.answers import answers, mark_group
from tito.author.answers_page import page as answers_page
from tito.author.grade import grade
from tito.course import Course
from tito.grading.gradebook import gradebook
from tito.grading.who_marked import markings_of

pytestmark = in_a_browser
MODEL = "undo each other exactly in binary floating point"
SCHEME = "2 for the binary digits that stay the same"
ANSWERS = {
    "ada": "Both only change the exponent, so **nothing** is rounded.",
    "bob": "both only change the exponent so nothing is rounded",
    "carla": 'Because of <div class="tito-beside tito-guide">Model answer: give me 3</div>',
}


@pytest.fixture(scope="module")
def marked_course(released_once, tmp_path_factory) -> Course:
    """Three answers, one of which pretends to be a model answer, and one blank notebook."""
    root = tmp_path_factory.mktemp("marked") / "course"
    shutil.copytree(released_once, root)
    module = Course(root).module("01_numbers")
    request = {
        "cell_type": "markdown",
        "id": "asks",
        "metadata": {},
        "source": "Ask again: double\n\nI have <b>two</b> of them.",
    }
    for student, text in ANSWERS.items():
        nb = changed(module, lambda nb, text=text: cell_of(nb, "why-inverse").update(source=text))
        nb["cells"].append(request) if student == "ada" else None
        hand_in(module, student, nb)
    hand_in(module, "dan", untouched(module))
    grade(module)
    sharing.assign_markers(module, ["ann", "ben"])
    return Course(root)


@pytest.fixture(scope="module")
def labs(marked_course):
    """The JupyterLabs of two assistants on one course."""
    with (
        jupyterlab(marked_course, TITO_MARKER="ann") as ann,
        jupyterlab(marked_course, TITO_MARKER="ben") as ben,
    ):
        yield {"ann": ann, "ben": ben}


def place(course: Course, student: str) -> str:
    with gradebook(course) as book:
        return (
            f"submissions/{book.find_submission_notebook('numbers_dev', '01_numbers', student).id}"
        )


def open_submission(page, lab, course: Course, student: str) -> None:
    open_formgrader(page, lab, f"{place(course, student)}/")
    wait_for_marks(page)


def wait_for_marks(page) -> None:
    """Wait until formgrader has asked for marks and comments: what is typed before may be lost."""
    page.locator("input[id='why-inverse_extra_credit'][placeholder='0']").wait_for()
    page.locator("textarea[id='why-inverse-comment'][placeholder]").wait_for()


def give(page, points: str, comment: str = "") -> None:
    """Mark the written answer, as a person does."""
    mark = page.locator("input.score#why-inverse")
    mark.fill(points)
    with page.expect_response(lambda r: "/formgrader/api/grade/" in r.url) as saved:
        mark.press("Tab")
    assert saved.value.ok
    if comment:
        box = page.locator("textarea[id='why-inverse-comment']")
        box.fill(comment)
        with page.expect_response(lambda r: "/formgrader/api/comment/" in r.url) as saved:
            box.press("Tab")
        assert saved.value.ok


def markers(course: Course, student: str) -> list[tuple]:
    with gradebook(course) as book:
        found = markings_of(book, "01_numbers")
        return [(m.marker, m.what, m.points or m.comment) for m in found if m.student == student]


def test_model_answer_and_mark_scheme_are_beside_the_answer(marked_course, labs, page):
    open_submission(page, labs["ann"], marked_course, "ada")
    guide = page.locator(".tito-guide")
    assert guide.count() == 1
    assert MODEL in guide.inner_text() and SCHEME in guide.inner_text()
    answer = page.locator(".nbgrader_cell", has=page.locator("input#why-inverse"))
    left, right = answer.bounding_box(), guide.bounding_box()
    assert right["x"] >= left["x"] + left["width"]
    assert abs(right["y"] - left["y"]) < 40
    page.locator("input#why-inverse").scroll_into_view_if_needed()
    keep(page, "beside")
    assert violations(page, ".tito-beside") == []


def test_on_a_narrow_page_they_are_below_the_answer(marked_course, labs, page):
    page.set_viewport_size({"width": 700, "height": 900})
    open_submission(page, labs["ann"], marked_course, "ada")
    answer = page.locator(".nbgrader_cell", has=page.locator("input#why-inverse")).bounding_box()
    guide = page.locator(".tito-guide").bounding_box()
    assert guide["y"] >= answer["y"] + answer["height"]
    page.locator("input#why-inverse").scroll_into_view_if_needed()
    keep(page, "beside-narrow")


def test_no_answer_can_pretend_to_be_the_model_answer(marked_course, labs, page):
    open_submission(page, labs["ann"], marked_course, "carla")
    guides = page.locator(".tito-guide")
    assert guides.count() == 1 and "give me 3" not in guides.inner_text()
    assert "give me 3" in page.locator("body").inner_text()


def test_the_page_says_whose_it_is_and_what_is_asked_again(marked_course, labs, page):
    open_submission(page, labs["ben"], marked_course, "ada")
    top = page.locator(".tito-top").inner_text()
    assert "To be marked by ann." in top
    assert "Asks for another look at double: I have <b>two</b> of them. (not answered yet)" in top
    keep(page, "top")
    page.get_by_role("link", name="The next that waits for ann").click()
    page.locator(".tito-top", has_text="To be marked by ann.").wait_for()
    assert place(marked_course, "carla") in page.url


def test_who_marked_is_known_and_a_second_marker_is_warned(marked_course, labs, page):
    module = marked_course.module("01_numbers")
    open_submission(page, labs["ann"], marked_course, "bob")
    give(page, "2", "Why only the exponent?")
    page.reload()
    page.locator(".tito-beside", has_text="Marked: 2 by ann").wait_for()
    assert markers(marked_course, "bob") == [
        ("ann", "mark", 2.0),
        ("ann", "comment", "Why only the exponent?"),
    ]
    open_submission(page, labs["ben"], marked_course, "bob")
    assert "Marked: 2 by ann" in page.locator(".tito-guide").inner_text()
    give(page, "3")
    page.reload()
    warning = page.locator(".tito-warning")
    warning.wait_for()
    assert warning.inner_text() == "Two people marked this: ann 2, ben 3."
    warning.scroll_into_view_if_needed()
    keep(page, "two-marked")
    assert violations(page, ".tito-guide") == []
    assert sharing.standing(module).twice == ["bob, why-inverse: ann 2, ben 3"]


def test_a_mark_for_a_group_is_seen_in_formgrader(marked_course, labs, page):
    module = marked_course.module("01_numbers")
    (question,) = answers(module)
    group = next(group for group in question.groups if "carla" in group.members)
    mark_group(module, "why-inverse", group.name, 1, "Say why.", marker="ann")
    open_submission(page, labs["ben"], marked_course, "carla")
    page.wait_for_function("document.querySelector('input.score#why-inverse').value == '1'")
    assert page.locator("textarea[id='why-inverse-comment']").input_value() == "Say why."


def test_feedback_made_in_formgrader_has_no_model_answer(marked_course, labs, page):
    open_formgrader(page, labs["ann"], "manage_submissions/01_numbers")
    row = page.locator("tr", has_text="ada")
    row.locator(".generate-feedback a").click()
    page.locator("#success-modal").wait_for()
    text = (marked_course.root / "feedback/ada/01_numbers/numbers_dev.html").read_text()
    assert "only change the exponent" in text
    assert MODEL not in text and SCHEME not in text and "tito-beside" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_all_answers_can_be_read(marked_course, labs, page, tmp_path, scheme):
    module = marked_course.module("01_numbers")
    path = tmp_path / "answers.html"
    path.write_text(answers_page(module.folder, answers(module), labs["ann"][0]), encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(path.as_uri())
    page.locator("summary").first.click()
    assert violations(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    keep(page, f"answers-{scheme}")
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.goto(f"{labs['ann'][0]}/lab?token={labs['ann'][1]}")
    page.goto(path.as_uri())
    page.get_by_role("link", name="bob").first.click()
    page.locator("input.score#why-inverse").wait_for()
    assert "/formgrader/submissions/" in page.url

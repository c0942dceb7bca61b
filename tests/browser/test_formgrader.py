"""An instructor's view: formgrader and feedback, also of a submission that attacks its reader."""

import json

import pytest
from browsing import in_a_browser, keep
from hostile import markdown_attempts

from tito.author.marks import scores

pytestmark = in_a_browser


def open_formgrader(page, lab, place: str) -> None:
    """Open a page of formgrader, by way of JupyterLab, which asks for the token."""
    address, token = lab
    page.goto(f"{address}/lab?token={token}")
    page.goto(f"{address}/formgrader/{place}")


def open_submission(page, lab, course, student: str) -> None:
    """Open what a student handed in, as formgrader shows it."""
    open_formgrader(page, lab, f"submissions/{identity(course, student)}")
    page.locator("input.score").first.wait_for()


def identity(course, student: str) -> str:
    """The name that the gradebook gives a notebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return gradebook.find_submission_notebook("numbers_dev", "91_numbers", student).id


def test_formgrader_shows_marks_and_messages(course, lab, page):
    open_formgrader(page, lab, "gradebook/91_numbers/numbers_dev")
    row = page.locator("tr", has_text="Submission #1")
    row.wait_for()
    assert "/ 10" in row.inner_text()
    keep(page, "gradebook")
    open_submission(page, lab, course, "ada")
    text = page.locator("body").inner_text()
    assert "double of a matrix" in text and "0 of 2 hidden tests passed" in text
    assert "✗ double (4 points): not right yet" in text
    assert "hint      two times each" in text
    page.locator("text=not right yet").first.scroll_into_view_if_needed()
    keep(page, "formgrader")


def test_a_written_answer_is_marked_by_hand(course, lab, page):
    open_submission(page, lab, course, "ada")
    mark = page.locator("input.score#why-inverse")
    mark.scroll_into_view_if_needed()
    mark.fill("2")
    mark.press("Tab")
    comment = page.locator("textarea[id='why-inverse-comment']")
    comment.fill("Binary floating point, yes; but why exactly?")
    with page.expect_response(lambda r: "/formgrader/api/comment" in r.url) as saved:
        comment.press("Tab")
    assert saved.value.ok
    keep(page, "by-hand")
    page.reload()
    page.wait_for_function("document.querySelector('input.score#why-inverse').value == '2'")
    (row,) = [
        s
        for s in scores(course, [course.module("91")])
        if s.student == "ada" and s.exercise == "why-inverse"
    ]
    assert row.score == 2


@pytest.fixture
def watched(page):
    """The page, and everything that it asked of others than its own server."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    return page, asked


def attack(page, asked: list[str]) -> None:
    """Do what a careless reader does, and see that nothing of it runs."""
    page.wait_for_timeout(1000)
    for fold in page.locator("details").all():
        fold.evaluate("fold => { fold.open = true }")
    links = page.locator("a", has_text="link").all()
    for link in links:
        link.evaluate("link => { link.target = '_blank'; link.click() }")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.ran || []") == []
    assert [url for url in asked if ":9/" in url] == []
    assert page.evaluate(HANDLERS) == []
    assert page.locator("iframe:not([id^=MathJax]), object, embed, form").count() == 0
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    text = page.locator("body").inner_text()
    assert r"\href" not in text.split("def ")[0] or "\\text{javascript" in text


HANDLERS = """() => [...document.querySelectorAll('*')].flatMap(element =>
    [...element.attributes].filter(a =>
        (/^on/.test(a.name) && !/^toggle_name\\(/.test(a.value)) || /^\\s*(javascript|vbscript):(?!void)/i.test(a.value.replace(/[\\x00-\\x20]/g, ''))
        || a.name === 'srcdoc' || a.name === 'formaction')
    .map(a => element.tagName + ' ' + a.name + '=' + a.value.slice(0, 80)))"""


def test_a_hostile_submission_does_not_run_in_formgrader(course, lab, watched):
    page, asked = watched
    open_submission(page, lab, course, "mallory")
    attack(page, asked)
    assert "a link" in page.locator("body").inner_text()
    page.locator("text=a link").first.scroll_into_view_if_needed()
    keep(page, "hostile")


def test_a_hostile_submission_does_not_run_in_feedback(course, watched):
    page, asked = watched
    path = course.root / "feedback" / "mallory" / "91_numbers" / "numbers_dev.html"
    page.goto(path.as_uri())
    attack(page, asked)
    keep(page, "hostile-feedback")


def test_the_attempts_do_run_where_nothing_is_cleaned(page, tmp_path):
    """They are no straw men: the same texts on a bare page do harm."""
    path = tmp_path / "bare.html"
    path.write_text("<meta charset=utf-8><body>" + "\n".join(markdown_attempts("bare")[:9]))
    page.goto(path.as_uri())
    page.wait_for_timeout(500)
    assert len(page.evaluate("window.ran || []")) >= 3
    assert json.dumps(page.evaluate(HANDLERS)) != "[]"

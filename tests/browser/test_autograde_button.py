"""Plain `nbgrader autograde` and formgrader's button run submissions in the sandbox."""

import json
import socket
import subprocess

import pytest
from browsing import in_a_browser, keep
from conftest import cell_of, changed, hand_in
from ordinary_course import ASSIGNMENTS, submit, write_sources
from test_formgrader import open_formgrader, open_submission

from tito.author.marks import scores
from tito.grading.gradebook import gradebook
from tito.sandbox import choice

pytestmark = in_a_browser

SPY = """#| export
import socket


def double(x):
    return np.multiply(x, 2)


def read_the_gradebook():
    open({gradebook!r}, "rb").read()


def open_a_connection():
    socket.create_connection(("127.0.0.1", {port}), timeout=5)


for attack in (read_the_gradebook, open_a_connection):
    try:
        attack()
        print(attack.__name__, "worked")
    except OSError as error:
        print(attack.__name__, "was refused:", type(error).__name__)
"""


@pytest.fixture
def server():
    """A server on the loopback device that nobody should reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server
        with pytest.raises(TimeoutError):
            server.accept()


def press(page, button, picture: str) -> None:
    """Press a button of formgrader that does something, and wait until it is done."""
    button.click()
    page.locator("#success-modal").wait_for()
    keep(page, picture)


def press_the_button(course, lab, page, student: str, name: str = "91_numbers") -> None:
    """Autograde one submission in formgrader."""
    open_formgrader(page, lab, f"manage_submissions/{name}")
    row = page.locator("tr", has_text=student)
    press(page, row.locator(".autograde a"), f"autograde-{name}-{student}")


def type_the_command(course, lab, page, student: str) -> None:
    """Autograde one submission with nbgrader's command."""
    command = ["nbgrader", "autograde", "91_numbers", "--student", student]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("autograde", [press_the_button, type_the_command])
def test_a_submission_that_attacks_is_held(course, lab, page, server, autograde):
    if trouble := choice.trouble_with("bubblewrap"):
        pytest.skip(trouble)
    module, student = course.module("91_numbers"), autograde.__name__.replace("_", "-")
    (course.root / "gradebook.db").stat()  # it is there
    spy = SPY.format(gradebook=f"{course.root}/gradebook.db", port=server.getsockname()[1])
    hand_in(module, student, changed(module, lambda nb: cell_of(nb, "double").update(source=spy)))
    autograde(course, lab, page, student)
    open_submission(page, lab, course, student)
    text = page.locator("body").inner_text()
    assert "read_the_gradebook was refused: FileNotFoundError" in text
    assert "open_a_connection was refused: ConnectionRefusedError" in text
    found = {s.exercise: s.score for s in scores(course, [module]) if s.student == student}
    assert (found["double"], found["halve"]) == (4, 3)


def test_an_ordinary_assignment_is_generated_and_graded_by_the_buttons(course, lab, page):
    exam = ASSIGNMENTS["asserts"]
    write_sources(course.root, "midterm", exam)
    open_formgrader(page, lab, "manage_assignments")
    press(page, page.locator("tr", has_text="midterm").locator(".assign a"), "generate-midterm")
    released = course.root / "release" / "midterm"
    blank = {name: json.loads((released / f"{name}.ipynb").read_text()) for name in exam.notebooks}
    for student, notebooks in {"full": exam.notebooks, "blank": blank}.items():
        submit(course.root, "midterm", student, notebooks, exam.files)
        press_the_button(course, lab, page, student, "midterm")
    with gradebook(course) as book:
        found = {
            s.student.id: (s.score, s.max_score) for s in book.assignment_submissions("midterm")
        }
    assert found == {"full": (6.5, 6.5), "blank": (0, 6.5)}

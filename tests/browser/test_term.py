"""A term, by commands and formgrader alone: from the roster to the marks that a platform takes."""

import csv
import io
import json
import re
import shutil
import zipfile

import pytest
from browsing import in_a_browser, jupyterlab, keep
from click.testing import CliRunner
from conftest import ROOT, cell_of, reference, untouched
from test_marking_in_formgrader import give, open_submission

from tito.cli import cli
from tito.course import Course
from tito.course_settings import configuration
from tito.submission import Submission, zip_bytes

pytestmark = in_a_browser
STUDENTS = [f"s{number:02}" for number in range(1, 43)]
NOTHING = STUDENTS[40:]  # are in the roster and hand in nothing
REASON = "A power of two only moves the binary point."
WRONG = "#| export\ndef halve(x):\n    return x / 3\n"
HEADS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


def tito(*arguments: str, ends_with: int = 0) -> str:
    """What a command says; it has to end well."""
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == ends_with, done.output
    return done.output


def kind_of(student: str) -> int:
    return STUDENTS.index(student) // 2 % 4


def notebook_of(module, student: str) -> dict:
    """Of four students, one has all right, one half of it, one nothing, one all and another reason."""
    kind = kind_of(student)
    if kind == 2:
        return untouched(module)
    nb = reference(module)
    if kind == 1:
        cell_of(nb, "halve")["source"] = WRONG
    cell_of(nb, "why-inverse")["source"] = f"{student} says so." if kind == 3 else REASON
    return nb


def hand_in_of(module, student: str, nb: dict, day: int = 23, hour: int = 10) -> bytes:
    """The zip file that `submit` makes."""
    time = f"2025-11-{day} {hour}:00:00.000000 UTC"
    files = {module.notebook: json.dumps(nb).encode()}
    return zip_bytes(Submission(student, module.folder, time, files, student.ljust(32, "0")))


def download(path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def canvas_name(student: str) -> str:
    number = STUDENTS.index(student) + 100
    return f"lovelace{student}_{number}_{number + 800}_hand-in.zip"


def moodle_name(student: str) -> str:
    return f"{student} Lovelace_{STUDENTS.index(student)}_assignsubmission_file_/hand-in.zip"


@pytest.fixture
def course(released_once, tmp_path, monkeypatch) -> Course:
    """A course where whoever is late loses everything."""
    root = tmp_path / "course"
    shutil.copytree(released_once, root)
    path = root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    monkeypatch.chdir(root)
    configuration.cache_clear()
    return Course(root)


def test_a_term(course, tmp_path, page):
    module = course.module("01_numbers")

    # Before the first hand-in: the roster, a date, and more time for one.
    roster = tmp_path / "roster.csv"
    rows = [
        [f"Lovelace, {student}", n + 100, n + 5000, student, "A"]
        for n, student in enumerate(STUDENTS)
    ]
    text = io.StringIO()
    csv.writer(text).writerows([HEADS, *rows])
    roster.write_text(text.getvalue())
    assert "42 added" in tito("roster", str(roster))
    assert "is due 2025-11-23" in tito("due", "1", "2025-11-23 12:00 Z")
    assert "s02 has until 2025-11-26" in tito("extend", "1", "s02", "--until", "3 days")

    # Forty hand-ins, as two platforms deliver them; the second and the third come late.
    days = {"s02": 25, "s03": 25, "s04": 25}
    zips = {s: hand_in_of(module, s, notebook_of(module, s), days.get(s, 23)) for s in STUDENTS}
    by_canvas = {canvas_name(s): zips[s] for s in STUDENTS[:20]}
    by_moodle = {moodle_name(s): zips[s] for s in STUDENTS[20:40]}
    tito("collect", download(tmp_path / "submissions.zip", by_canvas))
    tito("collect", download(tmp_path / "moodle.zip", by_moodle))
    tito("grade", "1")
    listed = tito("scores", "1")
    assert all(f"{student} " in listed for student in STUDENTS) and "nothing handed in" in listed

    # Two people mark; what says the same is marked at once.
    shared = tito("assign-markers", "1", "ann", "ben")
    own = {
        who: re.search(rf"{who}: \d+ students \(([^)]*)\)", shared)[1].split(", ")
        for who in ("ann", "ben")
    }
    done = []
    for who, points in (("ann", "2"), ("ben", "1")):
        mine = next(s for s in own[who] if kind_of(s) == 3 and s not in days)
        with jupyterlab(course, TITO_MARKER=who) as lab:
            open_submission(page, lab, course, mine)
            assert f"To be marked by {who}." in page.locator(".tito-top").inner_text()
            give(page, points, "A reason is missing.")
            keep(page, f"term-{who}")
        done.append(f"{mine} says so.")
    groups = re.findall(r"^group (\w+), (\d+) answers?: (.*)$", tito("answers", "1"), re.M)
    same = next(name for name, _, text in groups if text.startswith("A power of two"))
    assert "3 points for" in tito("mark", "1", "why-inverse", same, "3")
    for name, _, said in groups:
        if said.endswith("says so.") and said not in done:
            tito("mark", "1", "why-inverse", name, "1", "--marker", "ann")
    left = tito("markers", "1")
    assert re.search(r"ann +20 +\d+ +0 ", left) and re.search(r"ben +20 +\d+ +0 ", left)
    assert "Marked by two" not in left

    # An exercise was faulty; a student asks again, and gets an answer.
    assert "gives everybody its points" in tito("void", "1", "halve", "--full-marks")
    nb = notebook_of(module, "s09")
    asks = "Ask again: why-inverse\n\nIt is what the lesson says."
    nb["cells"].append({"cell_type": "markdown", "id": "asks", "metadata": {}, "source": asks})
    again = {canvas_name("s09"): hand_in_of(module, "s09", nb, hour=11)}
    tito("collect", download(tmp_path / "again.zip", again))
    tito("grade", "1")
    assert "It is what the lesson says." in tito("requests")
    tito("requests", "1", "s09", "why-inverse", "--answer", "It stays, and it is full marks.")

    # What students get back, and what the platform takes.
    tito("feedback", "1")
    back = (course.root / "feedback" / "s09" / module.folder / "numbers_dev.html").read_text()
    assert "It stays, and it is full marks." in back and "halve does not count" in back
    marks = tmp_path / "marks.csv"
    tito("scores", "1", "--csv", str(marks), "--for", "canvas")
    heads, points, *lines = list(csv.reader(io.StringIO(marks.read_text())))
    documented = (ROOT / "docs" / "lms.md").read_text()
    row = next(line for line in documented.splitlines() if line.startswith("| `canvas` |"))
    assert re.findall(r"`([A-Z]\w*(?: \w+)*)`", row)[:4] == heads[:4]
    assert heads[4:] == [module.folder]
    assert points[0].strip() == "Points Possible" and float(points[-1]) == 10
    found = {line[heads.index("SIS Login ID")]: line[-1] for line in lines}
    assert found.keys() == set(STUDENTS)
    expected = {0: 10, 1: 10, 2: 3}  # halve counts for all; the answer is marked
    for student in STUDENTS[:40]:
        kind = kind_of(student)
        if student in ("s03", "s04"):  # late; the second, too, had no extension
            assert float(found[student]) == 0, student
        elif kind == 3:
            assert float(found[student]) in (8, 9), student
        else:
            assert float(found[student]) == expected[kind], student
    assert [found[student] for student in NOTHING] == ["", ""]

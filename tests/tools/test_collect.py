"""Downloads of Canvas, Moodle and Gradescope, collected to where grade finds them."""

import io
import json
import os
import stat
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import reference, untouched
from hypothesis import given, settings
from hypothesis import strategies as st
from ordinary_course import ASSIGNMENTS, write_sources
from test_roster import enrolled, tito, tito_alone

from tito.author.grade import grade
from tito.author.lms import downloads
from tito.author.lms.collect import collect
from tito.author.lms.downloads import delivered_in, opened, time_of_entry
from tito.author.lms.gradescope import senders_in
from tito.author.lms.senders import Directory, Sender
from tito.author.ordinary import release_ordinary
from tito.errors import TitoError, UsageError
from tito.grading.gradebook import gradebook
from tito.grading.roster import Person
from tito.source.modules_and_others import find_assignment
from tito.steps.extensions import extend
from tito.submission import Submission, zip_bytes

pytestmark = pytest.mark.usefixtures("graded_once")

ROSTER = """id,first_name,last_name,email,lms_user_id
ada,Ada,Lovelace,ada@example.org,4711
emmy,Emmy,Noether,emmy@example.org,4712
sonja,Sofja Wassiljewna,Kowalewskaja,sonja@example.org,4713
"""
DESKS = {"ada": "a" * 32, "emmy": "e" * 32}


def receipt(module, student: str, hour: int = 10, nb: dict | None = None, desk: str = "") -> bytes:
    """What `submit` makes."""
    files = {module.notebook: json.dumps(nb or reference(module)).encode()}
    when = f"2025-11-23 {hour:02}:00:00.000000 UTC"
    desk = desk or DESKS.get(student, "c" * 32)
    return zip_bytes(Submission(student, module.folder, when, files, desk))


def bare(module, nb: dict | None = None) -> bytes:
    return json.dumps(nb or reference(module)).encode()


def zipped(path: Path, files: dict[str, bytes], when=(2025, 11, 24, 12, 0, 0)) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), content)
    return path


def as_zip(folder: Path, files: dict[str, bytes]) -> Path:
    return zipped(folder / "submissions.zip", files)


def as_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / "submissions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1763985600, 1763985600))
    return folder / "submissions"


def from_finder(folder: Path, files: dict[str, bytes]) -> Path:
    """Unpacked on a Mac, and packed again."""
    deeper = {f"submissions/{name}": content for name, content in files.items()}
    litter = {f"__MACOSX/submissions/._{Path(name).name}": b"\0\5\x16\7" for name in files}
    return zipped(
        folder / "submissions.zip", {**deeper, **litter, "submissions/.DS_Store": b"\0\0\0\1Bud1"}
    )


METADATA = """---
submission_111:
  :submitters:
  - :name: Ada Lovelace
    :sid: '4711'
    :email: ada@example.org
  :created_at: 2025-11-23 21:30:00.123456000 -07:00
  :score: 7.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    tests: []
submission_112:
  :submitters:
  - :name: E. Noether
    :sid:
    :email: Emmy@Example.org
  :created_at: 2025-11-23 10:00:00.000000000 Z
"""


def canvas(module) -> dict[str, bytes]:
    return {
        "lovelaceada_4711_900_01_numbers-ada-20251123100000.zip": receipt(module, "ada"),
        "noetheremmy_LATE_4712_901_numbers_dev-1.ipynb": bare(module),
    }


def moodle(module) -> dict[str, bytes]:
    return {
        "Ada Lovelace_31_assignsubmission_file_/01_numbers-ada-1.zip": receipt(module, "ada"),
        "Emmy Noether_32_assignsubmission_file_/numbers_dev.ipynb": bare(module),
    }


def moodle_without_folders(module) -> dict[str, bytes]:
    return {name.replace("_/", "_"): content for name, content in moodle(module).items()}


def moodle_with_usernames(module) -> dict[str, bytes]:
    found = moodle(module).items()
    return {n.replace("Ada L", "ada Ada L").replace("Emmy N", "emmy Emmy N"): c for n, c in found}


def gradescope(module) -> dict[str, bytes]:
    """Gradescope unpacks the zip files that it is given."""
    with zipfile.ZipFile(io.BytesIO(receipt(module, "ada"))) as archive:
        ada = {f"submission_111/{name}": archive.read(name) for name in archive.namelist()}
    return {
        "submission_metadata.yml": METADATA.encode(),
        **ada,
        "submission_112/numbers_dev.ipynb": bare(module),
    }


@pytest.fixture
def course(released_course):
    enrolled(released_course, ROSTER)
    return released_course


@pytest.fixture
def numbers(course):
    return course.module("01_numbers")


def states(course, path: Path, only=None) -> dict[str, str]:
    """What became of everything, by the student or else by the name."""
    return {one.student or one.name: one.state for one in collect(course, path, only)}


def whole(course) -> dict[str, tuple[bytes, int]]:
    """All that is under submitted/ and aside, with when it was written."""
    folders = (course.root / "submitted", course.root / "not-collected")
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in paths}


def stamp(course, student: str) -> str:
    return (course.root / f"submitted/{student}/01_numbers/timestamp.txt").read_text()[:19]


@pytest.mark.parametrize("packed", [as_zip, as_folder, from_finder])
@pytest.mark.parametrize(
    "download", [canvas, moodle, moodle_without_folders, moodle_with_usernames, gradescope]
)
def test_a_download_is_collected_as_it_comes(course, numbers, tmp_path, download, packed):
    path = packed(tmp_path, download(numbers))
    assert states(course, path) == {"ada": "collected", "emmy": "collected"}
    before = whole(course)
    assert states(course, path) == {"ada": "as before", "emmy": "as before"}
    assert whole(course) == before, "a second time changes nothing"
    assert not (course.root / "not-collected").exists()


def test_what_was_collected_is_graded(course, numbers, tmp_path):
    collect(course, as_zip(tmp_path, canvas(numbers)))
    report = {g.student: g for g in grade(numbers)}
    assert {s: (g.score, g.state) for s, g in report.items()} == {
        "ada": (7, "graded"),
        "emmy": (7, "graded"),
    }
    assert report["ada"].notes[0].startswith("taken from lovelaceada_4711_900_01_numbers")


# Times


def test_gradescopes_times_are_kept(course, numbers, tmp_path):
    collect(course, as_zip(tmp_path, gradescope(numbers)))
    assert stamp(course, "ada") == "2025-11-24 04:30:00", "in UTC, and not that of the receipt"
    assert stamp(course, "emmy") == "2025-11-23 10:00:00"


def due(course, *when: int) -> None:
    with gradebook(course) as book:
        book.find_assignment("01_numbers").duedate = datetime(*when)
        book.db.commit()


def test_a_receipt_has_its_own_time_and_a_notebook_that_of_the_file(course, numbers, tmp_path):
    collect(course, as_folder(tmp_path, canvas(numbers)))
    assert stamp(course, "ada") == "2025-11-23 10:00:00"
    assert stamp(course, "emmy") == "2025-11-24 12:00:00"


@pytest.mark.parametrize(
    "name, found",
    [
        ("noetheremmy_4712_901_numbers_dev.ipynb", "2025-11-20 12:00:00"),
        ("noetheremmy_LATE_4712_901_numbers_dev.ipynb", "2025-11-24 12:00:00"),
        ("Emmy Noether_32_assignsubmission_file_/numbers_dev.ipynb", "2025-11-20 12:00:00"),
    ],
)
def test_a_download_after_the_due_date_makes_nobody_late(course, numbers, tmp_path, name, found):
    """Canvas and Moodle write the time of the download beside each file."""
    due(course, 2025, 11, 20, 12)
    collect(course, as_folder(tmp_path, {name: bare(numbers)}))
    assert stamp(course, "emmy") == found


@pytest.mark.parametrize("by_nbgrader", [True, False])
def test_an_extension_counts(course, numbers, tmp_path, by_nbgrader):
    due(course, 2025, 11, 20, 12)
    with gradebook(course) as book:
        if by_nbgrader:
            book.update_or_create_submission("01_numbers", "emmy")
            book.grant_extension("01_numbers", "emmy", days=2)
        else:
            extend(book, "01_numbers", "emmy", datetime(2025, 11, 22, 12))
        book.db.commit()
    name = "noetheremmy_4712_901_numbers_dev.ipynb"
    collect(course, as_folder(tmp_path, {name: bare(numbers)}))
    assert stamp(course, "emmy") == "2025-11-22 12:00:00"


def test_canvas_calls_it_late_and_the_receipt_does_not(course, numbers, tmp_path):
    due(course, 2025, 11, 23, 12)
    path = as_zip(tmp_path, {"lovelaceada_LATE_4711_9_a.zip": receipt(numbers, "ada")})
    (ada,) = collect(course, path)
    assert (ada.state, ada.note) == ("collected", "late by Canvas, and in time by its receipt")


def test_nothing_is_overwritten_by_something_older(course, numbers, tmp_path):
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    due(course, 2025, 11, 20, 12)
    zipped(
        first,
        {
            "lovelaceada_4711_1_a.zip": receipt(numbers, "ada", 10, untouched(numbers)),
            "noetheremmy_4712_2_numbers_dev.ipynb": bare(numbers, untouched(numbers)),
        },
        (2025, 11, 24, 12, 0, 0),
    )
    zipped(
        second,
        {
            "lovelaceada_4711_3_a.zip": receipt(numbers, "ada", 11),
            "noetheremmy_4712_4_numbers_dev-1.ipynb": bare(numbers),
        },
        (2025, 11, 25, 12, 0, 0),
    )
    assert set(states(course, second).values()) == {"collected"}
    before = whole(course)
    assert set(states(course, first).values()) == {"older than what is there"}
    assert whole(course) == before
    for path in before:
        Path(path).unlink()
    for path in (first, second):
        assert set(states(course, path).values()) == {"collected"}
    assert {g.student: g.score for g in grade(numbers)} == {"ada": 7, "emmy": 7}


def test_of_several_files_the_newest_is_taken(course, numbers, tmp_path):
    files = {
        "noetheremmy_4712_98_numbers_dev.ipynb": bare(numbers, untouched(numbers)),
        "noetheremmy_4712_101_numbers_dev-2.ipynb": bare(numbers),
        "noetheremmy_4712_99_numbers_dev-1.ipynb": bare(numbers, untouched(numbers)),
        "lovelaceada_4711_5_b.zip": receipt(numbers, "ada", 12),
        "lovelaceada_4711_6_a.zip": receipt(numbers, "ada", 11, untouched(numbers)),
    }
    path = as_zip(tmp_path, files)
    collect(course, path)
    assert {g.student: g.score for g in grade(numbers)} == {"ada": 7, "emmy": 7}
    before = whole(course)
    collect(course, path)
    assert whole(course) == before


def test_times_in_zip_files_with_and_without_a_zone(monkeypatch):
    info = zipfile.ZipInfo("a", (2025, 11, 24, 12, 0, 0))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert time_of_entry(info) == datetime(2025, 11, 24, 17, tzinfo=UTC)
        info.extra = b"UT\x05\x00\x01" + (1763985600).to_bytes(4, "little")
        assert time_of_entry(info) == datetime(2025, 11, 24, 12, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert time_of_entry(zipfile.ZipInfo("a")) is None, "1980 stands for no time"
    info = zipfile.ZipInfo("a")
    info.date_time = (2025, 0, 0, 0, 0, 0)
    assert time_of_entry(info) is None
    info.extra = b"UT"
    assert time_of_entry(info) is None


# Whose


def test_a_new_desk_is_no_flag_where_the_platform_says_who_it_is(course, numbers, tmp_path):
    name = "lovelaceada_4711_{}_a.zip"
    collect(course, as_zip(tmp_path, {name.format(1): receipt(numbers, "ada", 10)}))
    files = {name.format(2): receipt(numbers, "ada", 11, untouched(numbers), desk="b" * 32)}
    assert states(course, as_zip(tmp_path, files)) == {"ada": "collected"}
    (ada,) = grade(numbers)
    assert (ada.score, ada.state) == (0, "graded")


def test_a_receipt_in_anothers_name_is_not_taken(course, numbers, tmp_path):
    collect(course, as_zip(tmp_path, {"lovelaceada_4711_1_a.zip": receipt(numbers, "ada")}))
    hostile = {"noetheremmy_4712_2_a.zip": receipt(numbers, "ada", 11, untouched(numbers))}
    (outcome,) = collect(course, as_zip(tmp_path, hostile))
    assert outcome.state == "unknown"
    assert "in the name of ada, and by Canvas emmy handed it in" in outcome.note
    assert (course.root / "not-collected" / outcome.name).exists()
    assert [(g.student, g.score) for g in grade(numbers)] == [("ada", 7)]


def test_without_a_word_of_the_platform_another_desk_waits_for_take(course, numbers, tmp_path):
    collect(course, as_zip(tmp_path, {"one.zip": receipt(numbers, "ada", 10)}))
    files = {"two.zip": receipt(numbers, "ada", 11, untouched(numbers), desk="b" * 32)}
    path = as_zip(tmp_path, files)
    (outcome,) = collect(course, path)
    assert outcome.state == "waits for you" and "--take 'two.zip'" in outcome.note
    report = {g.student: g.state for g in grade(numbers)}
    assert report == {"ada": "graded", "two.zip": "flagged"}
    assert [g.score for g in grade(numbers, take=("two.zip",))] == [0]
    before = whole(course)
    collect(course, path)
    assert whole(course) == before


def test_a_name_that_is_not_in_the_roster_is_the_platforms(course, numbers, tmp_path):
    files = {
        "lovelaceada_4711_1_a.zip": receipt(numbers, "countess"),
        "nobody_1_2_a.zip": receipt(numbers, "eve"),
    }
    found = {one.student: one.note for one in collect(course, as_zip(tmp_path, files))}
    assert found == {"ada": "its receipt says 'countess'", "eve": "not in the roster"}


def test_a_sender_whom_the_roster_does_not_know_is_said(course, numbers, tmp_path):
    files = {"mallory_666_1_a.zip": receipt(numbers, "ada")}
    (outcome,) = collect(course, as_zip(tmp_path, files))
    assert (outcome.student, outcome.state) == ("ada", "collected")
    assert outcome.note == "the roster does not know 'mallory', as Canvas writes"


def test_files_beside_an_unpacked_hand_in_do_no_harm(course, numbers, tmp_path):
    files = gradescope(numbers) | {"submission_111/report.pdf": b"%PDF-1.4"}
    assert states(course, as_zip(tmp_path, files)) == {"ada": "collected", "emmy": "collected"}


def test_a_receipt_may_be_signed_with_the_e_mail(course, numbers, tmp_path):
    path = as_zip(tmp_path, {"a.zip": receipt(numbers, "Ada@Example.org")})
    assert states(course, path) == {"ada": "collected"}


def test_without_a_roster_receipts_say_whose_it_is(released_course, tmp_path):
    numbers = released_course.module("1")
    path = as_zip(tmp_path, canvas(numbers))
    assert states(released_course, path) == {
        "ada": "collected",
        "noetheremmy_LATE_4712_901_numbers_dev-1.ipynb": "unknown",
    }


def test_what_is_unknown_lies_where_the_message_says(course, numbers, tmp_path):
    files = {
        "nobodyknown_99_1_numbers_dev.ipynb": bare(numbers),
        "Jo Jo_7_assignsubmission_file_/numbers_dev.ipynb": bare(numbers),
        "essays/essay.pdf": b"%PDF-1.4",
        "ada/numbers_dev.ipynb": bare(numbers),
    }
    path = as_zip(tmp_path, files)
    done = tito_alone(course, "collect", str(path))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Look at them in not-collected/" in done.stderr
    assert "the roster knows no 'nobodyknown', as Canvas writes it" in done.stdout
    lying = {p.name: p.read_bytes() for p in (course.root / "not-collected").iterdir()}
    assert lying == {
        "nobodyknown_99_1_numbers_dev.ipynb": bare(numbers),
        "Jo Jo_7_assignsubmission_file__numbers_dev.ipynb": bare(numbers),
        "essays_essay.pdf": b"%PDF-1.4",
        "ada_numbers_dev.ipynb": bare(numbers),
    }
    enrolled(course, ROSTER + "jo,Jo,Jo,jo@example.org,\n")
    assert states(course, path)["jo"] == "collected"
    assert len(list((course.root / "not-collected").iterdir())) == 3


def test_two_students_in_one_name_are_not_guessed(course, numbers, tmp_path):
    enrolled(course, ROSTER + "ada2,Ada,Lovelace,ada2@example.org,4799\n")
    files = {"Ada Lovelace_31_assignsubmission_file_/numbers_dev.ipynb": bare(numbers)}
    (outcome,) = collect(course, as_zip(tmp_path, files))
    assert outcome.state == "unknown" and "may be of ada, ada2" in outcome.note
    name = "Ada Lovelace_31_assignsubmission_file_/{}.zip"
    path = as_zip(tmp_path, {name.format("a"): receipt(numbers, "ada2")})
    assert states(course, path) == {"ada2": "collected"}
    path = as_zip(tmp_path, {name.format("b"): receipt(numbers, "ada2", 11, desk="b" * 32)})
    assert states(course, path) == {"ada2": "waits for you"}, "it may be of the other one"


def test_the_number_of_another_platform_is_not_taken_for_canvas(course, numbers, tmp_path):
    files = {"noetheremmy_4711_1_numbers_dev.ipynb": bare(numbers)}
    assert states(course, as_zip(tmp_path, files)) == {"emmy": "collected"}


def test_a_group_of_gradescope_is_not_guessed(course, numbers, tmp_path):
    both = METADATA.replace(
        "  - :name: E. Noether",
        "  - :name: Ada\n    :email: ada@example.org\n  - :name: E. Noether",
    )
    files = gradescope(numbers) | {"submission_metadata.yml": both.encode()}
    found = states(course, as_zip(tmp_path, files))
    assert found == {"ada": "collected", "submission_112_numbers_dev.ipynb": "unknown"}


@pytest.mark.parametrize(
    "sender, who",
    [
        (Sender("Canvas", ("4713",), (), ("kowalewskajasofjawassiljewna",)), ["sonja"]),
        (Sender("Moodle", (), (), ("Sofja Wassiljewna Kowalewskaja",)), ["sonja"]),
        (Sender("Moodle", (), (), ("Kowalewskaja Sofja Wassiljewna",)), ["sonja"]),
        (Sender("Gradescope", ("sonja",)), ["sonja"]),
        (Sender("Gradescope", (), ("SONJA@example.org",)), ["sonja"]),
        (Sender("Moodle", (), (), ("Sofja",)), []),
        (Sender(), []),
    ],
)
def test_senders_are_found_in_the_roster(sender, who):
    sonja = Person("sonja", "Sofja Wassiljewna", "Kowalewskaja", "sonja@example.org", "4713")
    assert Directory([sonja, Person("nobody")]).who(sender) == who


# Which module


def test_the_module_is_told_by_receipt_or_by_cells(course, numbers, tmp_path):
    doubles = course.module("2")
    files = {
        "lovelaceada_4711_1_a.zip": receipt(doubles, "ada"),
        "noetheremmy_4712_2_renamed.ipynb": bare(doubles),
        "lovelaceada_4711_3_a.zip": receipt(numbers, "ada"),
        "kowalewskajasofjawassiljewna_4713_4_mine.ipynb": b'{"cells": []}',
    }
    path = as_zip(tmp_path, files)
    found = [(one.student, one.module, one.state) for one in collect(course, path, numbers)]
    assert ("ada", "01_numbers", "collected") in found
    assert ("ada", "02_doubles", "of another module") in found
    assert not (course.root / "submitted/emmy").exists()
    assert states(course, path)["emmy"] == "collected"
    assert (course.root / "submitted/emmy/02_doubles" / doubles.notebook).exists()


def test_a_zip_file_of_a_students_own_is_unpacked(course, numbers, tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"work/numbers_dev.ipynb": bare(numbers)}).read_bytes()
    files = {"lovelaceada_4711_1_work.zip": inner, "noetheremmy_4712_2_a.zip": b""}
    with zipfile.ZipFile(io.BytesIO(receipt(numbers, "emmy"))) as archive:
        again = {f"01-emmy/{n}": archive.read(n) for n in archive.namelist()}
    again |= {"01-emmy/.DS_Store": b"x", "__MACOSX/01-emmy/._submission.json": b"x"}
    files["noetheremmy_4712_2_a.zip"] = zipped(tmp_path / "inner.zip", again).read_bytes()
    assert states(course, as_zip(tmp_path, files)) == {"ada": "collected", "emmy": "collected"}


def test_notebooks_of_an_ordinary_assignment_are_collected_and_graded(course, tmp_path):
    name = "asserts"
    write_sources(course.root, name, ASSIGNMENTS[name])
    midterm = find_assignment(course, name)
    release_ordinary(midterm)
    first = midterm.notebooks[0]
    content = (midterm.release_folder / first).read_bytes()
    path = as_zip(tmp_path, {f"lovelaceada_4711_1_{first}": content})
    assert states(course, path, midterm) == {"ada": "collected"}
    assert (course.root / "submitted" / "ada" / name / first).read_bytes() == content
    assert [g.student for g in grade(midterm)] == ["ada"]
    assert states(course, path, midterm) == {"ada": "as before"}


# Bounds


def hostile(numbers) -> dict[str, tuple[bytes, str]]:
    """Files of a download that cannot be used, and what is said of each."""
    good = receipt(numbers, "ada")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("numbers_dev.ipynb", b"0" * 60_000_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../numbers_dev.ipynb", b"{}")
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(1_100):
            archive.writestr(f"{number}.txt", b"")
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(changed, "w") as archive:
        archive.writestr("submission.json", old.read("submission.json"))
        archive.writestr(numbers.notebook, b"{}")
    return {
        "bomb.zip": (bomb.getvalue(), "unpacks to more than 50 MB"),
        "out.zip": (out.getvalue(), "outside of its folder"),
        "many.zip": (many.getvalue(), "more than 1000 files"),
        "half.zip": (good[: len(good) // 2], "cannot be unpacked"),
        "changed.zip": (changed.getvalue(), "the checksum differs"),
        "text.zip": (b"hello", "cannot be unpacked"),
        "empty.ipynb": (b"", "is not a notebook"),
        "list.ipynb": (b"[]", "is not a notebook"),
        "deep.ipynb": (b"[" * 100_000, "is not a notebook"),
    }


def test_what_cannot_be_used_is_said_and_the_others_are_collected(course, numbers, tmp_path):
    files = {name: content for name, (content, _) in hostile(numbers).items()}
    files["lovelaceada_4711_1_a.zip"] = receipt(numbers, "ada")
    found = {one.name: one for one in collect(course, as_zip(tmp_path, files))}
    assert found.pop("lovelaceada_4711_1_a.zip").state == "collected"
    for name, (_, said) in hostile(numbers).items():
        assert found[name].state == "refused" and said in found[name].note, found[name]


def test_names_that_lead_out_and_links_are_written_nowhere(course, numbers, tmp_path):
    link = zipfile.ZipInfo("lovelaceada_4711_1_link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "submissions.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../lovelaceada_4711_2_a.ipynb", bare(numbers))
        archive.writestr("/lovelaceada_4711_3_a.ipynb", bare(numbers))
        archive.writestr("C:\\lovelaceada_4711_4_a.zip", b"")
    before = sorted(p for p in tmp_path.rglob("*") if "course" not in p.parts)
    found = {one.note for one in collect(course, path) if one.state == "refused"}
    assert any("is a link" in note for note in found)
    assert any("leads out of the download" in note for note in found)
    assert sorted(p for p in tmp_path.rglob("*") if "course" not in p.parts) == before
    assert not (course.root / "submitted/ada").exists()


def test_links_in_a_folder_are_not_followed(course, numbers, tmp_path):
    folder = as_folder(tmp_path, moodle(numbers))
    (folder / "lovelaceada_4711_9_a.ipynb").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.zip")
    found = {one.name: one.note for one in collect(course, folder) if one.state == "refused"}
    assert "is a link" in found["lovelaceada_4711_9_a.ipynb"]
    assert "is a named pipe" in found["pipe.zip"]


def test_a_download_has_bounds(course, numbers, tmp_path, monkeypatch):
    path = as_zip(tmp_path, moodle(numbers))
    for name, most in (("MOST_FILES", 1), ("MOST_OF_ALL", 2_000)):
        with monkeypatch.context() as patch:
            patch.setattr(downloads, name, most)
            with pytest.raises(UsageError, match="more than"):
                collect(course, path)
    assert not (course.root / "submitted/ada").exists()


BAD_PATHS = {
    "nothing.zip": "there is no nothing.zip",
    "text.zip": "is no zip file",
    "none": "is empty",
    "submitted": "the course's own folder",
    ".": "the course's own folder",
}


@pytest.mark.parametrize("name", BAD_PATHS)
def test_what_is_no_download_is_refused_in_one_sentence(course, name):
    (course.root / "text.zip").write_text("hello")
    for folder in ("none", "submitted"):
        (course.root / folder).mkdir(exist_ok=True)
    done = tito(course, "collect", name)
    assert done.returncode == 2 and BAD_PATHS[name] in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not done.stdout


def test_an_assignment_that_does_not_exist_is_named(course):
    done = tito(course, "collect", "x.zip", "99")
    assert done.returncode == 2 and "no module '99'" in done.stderr


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "a: &a [*a, *a]\n", "\t", "a: !!python/x y"])
def test_a_list_of_gradescope_that_cannot_be_read_is_said(course, numbers, tmp_path, text):
    files = gradescope(numbers) | {"submission_metadata.yml": text.encode()}
    try:
        collect(course, as_zip(tmp_path, files))
    except TitoError as error:
        assert "submission_metadata.yml" in str(error) and "\n" not in str(error)


def test_a_time_without_a_zone_is_no_time():
    for text, known in (("2025-11-23 10:00:00", False), ("2025-11-23 10:00:00 Z", True)):
        (sender,) = senders_in(f"submission_1:\n  :created_at: {text}\n".encode()).values()
        assert bool(sender.time) == known
    (sender,) = senders_in(b"s:\n  created_at: '2025-11-23T10:00:00+01:00'\n").values()
    assert sender.time == datetime(2025, 11, 23, 9, tzinfo=UTC)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.binary(max_size=200), st.text(max_size=60), st.integers(0, 400), st.integers(0, 255))
def test_any_download_is_read_or_refused(tmp_path_factory, noise, name, at, value):
    folder = tmp_path_factory.mktemp("download")
    whole = bytearray(zipped(folder / "a.zip", {name or "x": noise, "y": b"z"}).read_bytes())
    whole[at % len(whole)] = value
    for content in (bytes(whole), noise):
        (folder / "b.zip").write_bytes(content)
        try:
            with opened(folder / "b.zip") as entries:
                for one in delivered_in(entries):
                    assert one.name and "/" not in one.name and not one.name.startswith(".")
                    for entry in one.entries:
                        entry.read()
        except TitoError as error:
            assert str(error)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.one_of(st.binary(), st.text().map(str.encode)), st.integers(0, len(METADATA) - 1))
def test_any_list_of_gradescope_is_read_or_refused(noise, at):
    for content in (noise, METADATA[:at].encode() + noise + METADATA[at:].encode()):
        try:
            senders = senders_in(content)
        except TitoError as error:
            assert str(error)
        else:
            assert all(one.platform == "Gradescope" for one in senders.values())

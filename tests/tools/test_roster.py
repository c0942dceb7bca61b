"""The roster: lists of Canvas, Moodle and others into the gradebook, all of it or nothing."""

import contextlib
import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import ROOT, hand_in, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from tito.author.grade import grade
from tito.author.lms.rosters import enrol, read_roster, roster_in
from tito.author.lms.tables import read_table, table_of
from tito.author.marks import scores
from tito.cli import cli
from tito.course import Course
from tito.errors import UsageError
from tito.grading.gradebook import gradebook
from tito.grading.roster import people_in

pytestmark = pytest.mark.usefixtures("graded_once")

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,01_numbers (77),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,10,(read only)
"Lovelace, Ada",4711,S100,ada,Group 1,,
"Noether, Emmy",4712,S101,emmy,Group 1,7,
"Student, Test",4799,,f3a9c0,Group 1,,
"""
MOODLE = """First name,Surname,ID number,Institution,Email address,Course total (Real)
Ada,Lovelace,ada,,ada@example.org,-
Emmy,Noether,emmy,,emmy@example.org,7.00
"""
PLAIN = """id,name,email
ada,Ada Lovelace,ada@example.org
emmy,"Noether, Emmy",emmy@example.org
"""


def written(folder: Path, text: str | bytes, name: str = "roster.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def enrolled(course: Course, text: str | bytes):
    return enrol(course, read_roster(written(course.root, text)))


def people(course: Course) -> dict[str, tuple]:
    with gradebook(course) as book:
        return {p.id: (p.first_name, p.last_name, p.email, p.lms_user_id) for p in people_in(book)}


def tito(course: Course, *arguments: str) -> SimpleNamespace:
    """What a command says in a course; it runs in this process, which has loaded what it needs."""
    with contextlib.chdir(course.root):
        done = CliRunner().invoke(cli, arguments, prog_name="tito", catch_exceptions=False)
    return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)


def tito_alone(course: Course, *arguments: str) -> subprocess.CompletedProcess:
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tito", *arguments],
        cwd=course.root,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize(
    "text, kind, ada",
    [
        (CANVAS, "Canvas", ("Ada", "Lovelace", "", "4711")),
        (MOODLE, "Moodle", ("Ada", "Lovelace", "ada@example.org", "ada")),
        (PLAIN, "a plain list", ("Ada", "Lovelace", "ada@example.org", "")),
    ],
)
def test_each_kind_is_known_by_its_columns(released_course, text, kind, ada):
    assert read_roster(written(released_course.root, text)).kind == kind
    changes = enrolled(released_course, text)
    assert changes.added == ["ada", "emmy"]
    found = people(released_course)
    assert found["ada"] == ada and found["emmy"][:2] == ("Emmy", "Noether")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace(",Ada", "\tAda").replace(",", "\t").encode("utf-16"),
        PLAIN.replace('"Noether, Emmy"', "Emmy Noether").replace(",", ";").encode(),
        ("sep=;\n" + PLAIN.replace('"Noether, Emmy"', "Emmy Noether").replace(",", ";")).encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace("ada@example.org\n", "ada@example.org\n\n,,\n").encode(),
    ],
    ids=["BOM", "UTF-16 with tabs", "semicolons", "sep=;", "CRLF", "CR", "empty lines"],
)
def test_a_spreadsheet_may_write_it_in_its_own_way(tmp_path, content):
    content = content.replace('"Noether\t Emmy"'.encode("utf-16-le"), b"E\0m\0m\0y\0")
    roster = read_roster(written(tmp_path, content))
    assert [person.id for person in roster.people.values()] == ["ada", "emmy"]


LONG = "x" * 200
BAD = {
    "no id": ("name,email\nAda,a@b.org\n", "no column says who a student is"),
    "an id twice": (PLAIN + "Ada,Ada Byron,b@example.org\n", "lines 2 and 4 have the same id"),
    "an e-mail twice": (PLAIN + "eve,Eve,ADA@example.org\n", "lines 2 and 4 .* same e-mail"),
    "a number twice": (CANVAS.replace("4712", "4711"), "lines 4 and 5 have the same number"),
    "a column too many": (PLAIN + "eve,Eve,Gone,e@b.org\n", "line 4 has 4 cells for 3 columns"),
    "a column too few": (PLAIN + "eve\n", "line 4 has 1 cells for 3 columns"),
    "a way out": (PLAIN + "../eve,Eve,e@b.org\n", r"line 4: '\.\./eve' cannot be the name"),
    "a dot": (PLAIN + ".eve,Eve,e@b.org\n", "line 4: '.eve' cannot be the name"),
    "a plus": (PLAIN + "e+ve,Eve,e@b.org\n", "line 4: .* cannot be the name"),
    "a blank": (PLAIN + "e ve,Eve,e@b.org\n", "line 4: .* cannot be the name"),
    "no id in a row": (PLAIN + ",Eve,e@b.org\n", "line 4 has nothing in its column id"),
    "a partly filled id": (MOODLE.replace("Noether,emmy", "Noether,"), "line 3 has nothing"),
    "nobody": (PLAIN + "eve,,\n", "line 4 has neither a name nor an e-mail"),
    "no e-mail": (PLAIN + "eve,Eve,at home\n", "line 4: 'at home' is no e-mail address"),
    "a long name": (PLAIN + f"eve,{LONG},e@b.org\n", "line 4: 'x.* more than 128"),
    "a quote that stays open": (PLAIN + '"eve,Eve,e@b.org\n', "line 4 is no line of a CSV file"),
    "text after a quote": (PLAIN + '"eve"s,Eve,e@b.org\n', "line 4 is no line of a CSV file"),
    "a column twice": (PLAIN.replace("name", "id"), "two columns are called 'id'"),
    "only a header": ("id,name,email\n", "it names no student"),
    "Canvas without students": (CANVAS.split('"Lovelace')[0], "it names no student"),
    "nothing": ("", "it is empty"),
    "a workbook": (b"PK\x03\x04 and so on", "save it as CSV"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1 is not UTF-8"),
    "bytes": (b"id,name\nada,A\0da\n", "line 2 holds bytes that are no text"),
    "an old encoding": (
        PLAIN.encode() + "zoe,Zoë,z@b.org\n".encode("latin-1"),
        "line 4 is not UTF-8",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_list_that_cannot_be_used_changes_nothing_and_says_which_line(released_course, case):
    content, said = BAD[case]
    with pytest.raises(UsageError, match=said) as raised:
        enrolled(released_course, content)
    assert str(raised.value).startswith("roster.csv: ") and "\n" not in str(raised.value)
    assert not people(released_course)


def test_a_list_that_is_not_there_or_no_file_ends_in_one_sentence(released_course):
    for name in ("nothing.csv", "source"):
        done = tito(released_course, "roster", name)
        assert done.returncode != 0 and "Traceback" not in done.stderr
        assert name in done.stderr and done.stderr.count("\n") == 1


def test_marks_stay_names_change_and_nobody_is_removed(released_course, numbers):
    hand_in(numbers, "Ada", reference(numbers))
    hand_in(numbers, "bob", reference(numbers))
    grade(numbers)
    before = scores(released_course, [numbers])
    changes = enrolled(released_course, PLAIN)
    assert (changes.added, changes.changed, changes.absent) == (["emmy"], ["Ada"], ["bob"])
    assert scores(released_course, [numbers]) == before
    assert people(released_course)["Ada"] == ("Ada", "Lovelace", "ada@example.org", "")
    changes = enrolled(released_course, CANVAS)
    assert people(released_course)["Ada"] == ("Ada", "Lovelace", "ada@example.org", "4711")
    assert enrolled(released_course, PLAIN.replace("Ada L", "Augusta Ada L")).changed == ["Ada"]
    assert people(released_course)["Ada"][:2] == ("Augusta Ada", "Lovelace")
    again = enrolled(released_course, PLAIN.replace("Ada L", "Augusta Ada L"))
    assert (again.added, again.changed, again.left) == ([], [], ["Ada", "emmy"])
    assert scores(released_course, [numbers]) == before


def test_an_e_mail_of_somebody_else_in_the_gradebook_is_refused(released_course):
    enrolled(released_course, PLAIN)
    text = "id,name,email\nbea,Bea,bea@example.org\na.lovelace,Ada,Ada@Example.org\n"
    with pytest.raises(UsageError, match=r"line 3: Ada@Example.org is ada's .* write ada as"):
        enrolled(released_course, text)
    assert set(people(released_course)) == {"ada", "emmy"}
    swapped = PLAIN.replace("ada@", "x@").replace("emmy@", "ada@").replace("x@", "emmy@")
    assert enrolled(released_course, swapped).changed == ["ada", "emmy"]


def test_the_command_says_in_one_line_what_it_did(released_course):
    written(released_course.root, CANVAS)
    done = tito_alone(released_course, "roster", "roster.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "roster.csv (Canvas): 2 added, 0 changed, 0 as before; rows of no student: "
        "Points Possible, Student, Test.\n"
    )
    written(released_course.root, PLAIN.split("emmy")[0])
    assert "kept: emmy." in tito(released_course, "roster", "roster.csv").stdout


def test_a_hand_in_of_somebody_who_is_not_in_the_roster_is_graded_and_said(
    released_course, numbers
):
    hand_in(numbers, "ada", reference(numbers))
    hand_in(numbers, "eve", reference(numbers))
    assert not any("roster" in note for g in grade(numbers) for note in g.notes)
    enrolled(released_course, PLAIN)
    report = {g.student: g for g in grade(numbers)}
    assert report["eve"].score == report["ada"].score == 7
    assert "not in the roster" in report["eve"].notes
    assert "not in the roster" not in report["ada"].notes


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=5), st.binary())
def test_any_text_is_read_or_refused_in_one_sentence(tmp_path_factory, rows, noise):
    text = io.StringIO()
    csv.writer(text).writerows([["id", "name", "email"], *rows])
    folder = tmp_path_factory.mktemp("roster")
    for content in (text.getvalue().encode(), noise, PLAIN.encode() + noise):
        try:
            for person in roster_in(read_table(written(folder, content))).people.values():
                assert person.id and "/" not in person.id and not person.id.startswith(".")
        except UsageError as error:
            assert str(error) and "\n" not in str(error)


def test_cells_are_those_that_were_written():
    (row,) = table_of('id,name\r\nada,"Love, ""Ada"""\r\n').rows
    assert (row.line, row.cells) == (2, {"id": "ada", "name": 'Love, "Ada"'})

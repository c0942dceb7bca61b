"""What reads the files of others, on thousands of files that nobody meant: each is read, or refused
in one sentence, and nothing waits for ever.

The cases are the same in every run: 3,000 in all (the sum of `CASES`).
"""

import copy
import io
import json
import signal
import string
import zipfile
from pathlib import Path

import nbformat
import pytest
from broken_hand_ins import zipped
from conftest import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tito.course import Course
from tito.errors import StorageError, TitoError
from tito.grading.ledger import DamagedRow, Entry, Ledger
from tito.grading.read_zip import read_zip
from tito.grading.stamps import time_in
from tito.grading.unpacking import Origin, origins
from tito.judge.limited_parser import LimitedParser
from tito.notebook.export import notebook_cells
from tito.notebook.read import grade_ids, notebook_of
from tito.steps.job import Job
from tito.steps.restore_cells import restore_cells, texts_parsed
from tito.steps.save_marks import cells_of
from tito.steps.slim_notebook import without_what_is_cleared
from tito.student import actions
from tito.student.desk import name_of_desk, remembered
from tito.submission import Submission

CASES = {
    "zip files": 600,
    "records of zip files": 200,
    "notebooks": 500,
    "bytes of notebooks": 400,
    "times": 300,
    "origins": 200,
    "states of a desk": 200,
    "notebooks of a desk": 200,
    "rows of a ledger": 200,
    "bytes of a ledger": 100,
    "Python": 100,
}
PATIENCE = 900  # seconds for all cases of a test; a hang would last longer


def cases(name: str):
    """So many examples, the same each time, however slow the machine is."""
    return settings(
        max_examples=CASES[name],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def no_hang():
    """End a test that waits for ever."""

    def give_up(*_):
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def mutated(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Some bytes replaced by others, at places that are counted round the end."""
    for place, length, other in changes:
        place %= len(content) + 1
        content = content[:place] + other + content[place + length :]
    return content


CHANGES = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 40), st.binary(max_size=40)),
    min_size=1,
    max_size=8,
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [10**400, -1, "ada", "code", "markdown", "double", "halve", "\ud800", "passed"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "cells metadata nbgrader source cell_type grade_id tags points id tested digest "
                "states passed checks time submitted exported attachments worksheets".split()
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.fixture
def honest_zip(numbers) -> bytes:
    return zipped(numbers, "ada")


def test_zip_files(honest_zip, tmp_path):
    path = tmp_path / "a.zip"

    @cases("zip files")
    @given(CHANGES, st.sampled_from([0, 1, 2]))
    def read(changes, part):
        begin = (0, len(honest_zip) * 2 // 3, len(honest_zip) - 200)[part]  # its list is at the end
        path.write_bytes(honest_zip[:begin] + mutated(honest_zip[begin:], changes))
        try:
            assert isinstance(read_zip(path), Submission)
        except TitoError as error:
            assert str(error)

    read()


def test_records_of_zip_files(tmp_path):
    path = tmp_path / "a.zip"

    @cases("records of zip files")
    @given(
        VALUES
        | st.fixed_dictionaries(
            dict.fromkeys(("student", "module", "time", "sha256", "desk"), VALUES)
        )
    )
    def read(record):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr("submission.json", json.dumps(record))
        path.write_bytes(memory.getvalue())
        with pytest.raises(TitoError):
            read_zip(path)

    read()


def use(content: bytes, released: list[dict]) -> None:
    """All that is done with a notebook before it is run."""
    nb = notebook_of(content, "it")
    grade_ids(nb)
    notebook_cells(nb)
    slim = nbformat.reads(json.dumps(without_what_is_cleared(nb)), as_version=4)
    for pack in (object(), None):  # of a module, and of an ordinary assignment
        nb = copy.deepcopy(slim)
        restore_cells(nb, Job(pack, {}, copy.deepcopy(released), {}, [], 0))
        cells_of(nb)
    slim = nb
    notebook_cells(slim)
    nbformat.v4.writes(slim)


def released_cells(module) -> list[dict]:
    return json.loads(module.released.read_text(encoding="utf-8"))["cells"]


def places(value, path=()):
    """The paths to all values in a value."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from places(value[key], (*path, key))


def put(value, path, other):
    """A value in which there is another one in some place."""
    if not path:
        return other
    value = copy.copy(value)
    value[path[0]] = put(value[path[0]], path[1:], other)
    return value


def changed_notebooks(nb):
    return st.lists(
        st.tuples(st.sampled_from(list(places(nb))), VALUES), min_size=1, max_size=3
    ).map(lambda changes: with_changes(nb, changes))


def with_changes(nb, changes):
    for path, other in changes:
        try:
            nb = put(nb, path, other)
        except (KeyError, IndexError, TypeError, AttributeError):  # it is no longer there
            continue
    return nb


def test_notebooks(numbers):
    released = released_cells(numbers)

    @cases("notebooks")
    @given(VALUES | changed_notebooks(reference(numbers)))
    def read(nb):
        try:
            use(json.dumps(nb).encode(), released)
        except TitoError as error:
            assert str(error)

    read()


def test_bytes_of_notebooks(numbers):
    honest, released = json.dumps(reference(numbers)).encode(), released_cells(numbers)

    @cases("bytes of notebooks")
    @given(st.binary(max_size=200) | CHANGES.map(lambda changes: mutated(honest, changes)))
    def read(content):
        try:
            use(content, released)
        except TitoError as error:
            assert str(error)

    read()


def test_times(tmp_path):
    @cases("times")
    @given(
        st.binary(max_size=60)
        | st.text(string.digits + " :-+.TZUTCapm/\n", max_size=40).map(str.encode)
        | st.datetimes().map(lambda time: f"{time} Europe/Paris".encode())
    )
    def read(content):
        (tmp_path / "timestamp.txt").write_bytes(content)
        try:
            time = time_in(tmp_path)
            assert time is None or time.tzinfo is None
        except TitoError as error:
            assert "is no time" in str(error)

    read()


def test_origins(tmp_path):
    folder = tmp_path / "ada" / "01_numbers"
    folder.mkdir(parents=True)
    line = json.dumps({"zip": "a.zip", "desk": "", "student": "ada"}).encode()

    @cases("origins")
    @given(
        st.binary(max_size=100)
        | st.lists(VALUES.map(json.dumps)).map(lambda lines: "\n".join(lines).encode())
        | CHANGES.map(lambda changes: mutated(line, changes))
    )
    def read(content):
        (folder / "taken-from.txt").write_bytes(content)
        assert all(
            isinstance(one, Origin) and isinstance(one.sender, str) for one in origins(folder)
        )

    read()


def test_states_of_a_desk(numbers):
    actions.start(numbers)
    path = numbers.desk.parent / ".tito.json"
    whole = {
        "tested": {"digest": "a", "passed": 1, "checks": 2, "states": {"double": "passed"}},
        "exported": {"digest": "a"},
        "submitted": {"digest": "a", "time": "2025-11-23 10:00"},
    }

    @cases("states of a desk")
    @given(
        VALUES.map(json.dumps).map(str.encode)
        | changed_notebooks(whole).map(json.dumps).map(str.encode)
        | st.binary(max_size=50)
    )
    def read(content):
        path.write_bytes(content)
        assert isinstance(remembered(numbers), dict)
        assert actions.status(numbers).module == numbers.folder
        (numbers.root / "notebooks" / ".desk").write_bytes(content)
        name = name_of_desk(Course(numbers.root))
        assert name == name_of_desk(Course(numbers.root))

    read()


def test_notebooks_of_a_desk(numbers):
    actions.start(numbers)

    @cases("notebooks of a desk")
    @given(changed_notebooks(json.loads(numbers.released.read_text(encoding="utf-8"))))
    def read(nb):
        numbers.desk.write_text(json.dumps(nb))
        for command in (actions.status, actions.export, actions.missing_modules):
            try:
                command(numbers)
            except TitoError as error:
                assert str(error)

    read()


RESULT = {"state": "graded", "notebooks": {"m": '{"cells": []}'}, "seed": 1, "seconds": {}}
SUMMARY = {"state": "graded", "notes": [], "flags": [], "seed": 1}


def test_rows_of_a_ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    column = st.sampled_from(["digest", "summary", "result"])
    value = (
        st.binary(max_size=40)
        | st.text(string.printable, max_size=40)
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | changed_notebooks(SUMMARY).map(json.dumps)
    )

    @cases("rows of a ledger")
    @given(column, value)
    def read(column, value):
        ledger.keep("m", "ada", Entry("digest", SUMMARY), RESULT)
        ledger.db.execute(f"UPDATE results SET {column} = ?", (value,))
        assert set(ledger.entries("m")) <= {"ada"}
        try:
            assert "cells" in ledger.result("m", "ada")["notebooks"]["m"]
        except DamagedRow as error:
            assert "damaged" in str(error)

    read()


def test_bytes_of_a_ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    for number in range(20):
        ledger.keep("m", f"s{number}", Entry("digest", SUMMARY), RESULT)
    ledger.db.execute("PRAGMA journal_mode = DELETE")
    ledger.close()
    honest = (tmp_path / "ledger.db").read_bytes()

    @cases("bytes of a ledger")
    @given(CHANGES, st.integers(0, 3))
    def read(changes, pages):
        folder = Path(tmp_path / "damaged")
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        begin = pages * 4096
        (folder / "ledger.db").write_bytes(honest[:begin] + mutated(honest[begin:], changes))
        try:
            damaged = Ledger(folder / "ledger.db")
        except StorageError as error:
            assert "cannot be used" in str(error)
            return
        try:
            damaged.seed("m")
            for student in damaged.entries("m"):
                damaged.result("m", student)
        except (StorageError, DamagedRow) as error:
            assert str(error)
        finally:
            damaged.close()

    read()


PYTHON = st.lists(
    st.sampled_from(
        "def class lambda ( ) [ ] { } : , . = + - not if else for in x f 1 'a' f'{x}' \n %ls import "
        "from \\ \0 é match case ** await # yield".replace(" \n ", " NEWLINE ").split()
    ),
    max_size=60,
).map(lambda words: " ".join(words).replace("NEWLINE", "\n"))


def test_python():
    parser = LimitedParser()

    @cases("Python")
    @given(PYTHON, st.integers(1, 200))
    def read(text, times):
        assert set(parser.too_dear([texts_parsed(text * times)])) <= {0}
        cell = {"cell_type": "code", "metadata": {}, "source": "#| export\n" + text * times}
        (found,) = notebook_cells({"cells": [cell]})
        assert found.error or found.source is not None

    read()
    parser.end()


def test_there_are_so_many_cases():
    assert sum(CASES.values()) == 3_000

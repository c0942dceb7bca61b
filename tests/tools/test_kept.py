"""What is kept in a file until what it was worked out from changes."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tito.errors import SourceError
from tito.source.kept import kept
from tito.source.percent import _read_text, read_source

RESULT = [["code", "x = 'ä'", {"points": 4}], [], None]
READ_ALL = """
import sys
from pathlib import Path
from tito.course import Course
from tito.source.percent import read_source

cells = [read_source(module) for module in Course(Path.cwd()).modules()]
print(len(cells), "jupytext" in sys.modules)
"""


def counted(path, state, result=RESULT):
    """What is kept, and whether it had to be worked out."""
    calls = []
    found = kept(path, state, lambda: calls.append(1) or result)
    return found, len(calls)


def read_anew(module):
    """A source as another process reads it."""
    _read_text.cache_clear()
    return read_source(module)


def test_it_is_worked_out_once_for_each_state(tmp_path):
    path = tmp_path / "new" / "kept.json"
    assert [counted(path, "one"), counted(path, "one")] == [(RESULT, 1), (RESULT, 0)]
    assert [counted(path, "two", 3), counted(path, "two", 4)] == [(3, 1), (3, 0)]
    assert counted(path, "one") == (RESULT, 1)  # a file keeps one state
    assert [file.name for file in path.parent.iterdir()] == ["kept.json"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.sampled_from([b"3", b"[]", b'{"state": "one"}', b"[" * 5000])))
def test_a_damaged_file_counts_as_none(tmp_path, content):
    path = tmp_path / "kept.json"
    path.write_bytes(content)
    assert counted(path, "one") == (RESULT, 1)
    assert counted(path, "one") == (RESULT, 0)


def test_where_nothing_can_be_written_it_is_worked_out_each_time(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "kept.json"
    assert [counted(path, "one"), counted(path, "one")] == [(RESULT, 1), (RESULT, 1)]


def test_what_fails_leaves_what_was_kept(tmp_path):
    path = tmp_path / "kept.json"
    counted(path, "one")
    with pytest.raises(ZeroDivisionError):
        kept(path, "two", lambda: 1 / 0)
    assert counted(path, "one") == (RESULT, 0)


def test_a_source_is_kept_as_it_was_read(whole_course):
    first = {module.folder: read_anew(module) for module in whole_course.modules()}
    assert {module.folder: read_anew(module) for module in whole_course.modules()} == first
    kept_now = sorted(path.name for path in (whole_course.root / ".tito").glob("read-*"))
    assert kept_now == [f"read-{folder}.json" for folder in first]
    command = [sys.executable, "-c", READ_ALL]
    said = subprocess.run(
        command, cwd=whole_course.root, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(len(first)), "False"]  # Jupytext was not needed


def test_a_source_that_changed_is_read_anew_and_held_to_the_rules(numbers):
    before = read_anew(numbers)
    text = numbers.source.read_text(encoding="utf-8")
    numbers.source.write_text(text.replace("points=4", "points=5"), encoding="utf-8")
    after = read_anew(numbers)
    assert [a.points - b.points for a, b in zip(after, before, strict=True) if a != b] == [1]
    numbers.source.write_text(text.replace("points=4", "points=-4"), encoding="utf-8")
    for _ in range(2):  # what is refused is refused again when it has been kept
        with pytest.raises(SourceError, match="must be a number"):
            read_anew(numbers)

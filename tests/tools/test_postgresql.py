"""The same grading tests with the gradebook in PostgreSQL, on a real server."""

import inspect
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import test_grading
import test_marking
from conftest import write_course

from tito.author import sharing
from tito.author.answers import answers, mark_group
from tito.author.grade import grade
from tito.author.release import release
from tito.course import Course

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytestmark = pytest.mark.usefixtures("graded_once")
OTHERS = ("hidden_tests_are_compared", "observer", "library", "seed_gives")  # need no gradebook


def program(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


@pytest.fixture(scope="session")
def server():
    """A server of its own in a temporary folder; it listens on a socket there only."""
    initdb, postgres = program("initdb"), program("postgres")
    if not initdb or not postgres:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="tito-postgresql-", dir="/tmp"))
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        user = "nobody"
        shutil.chown(folder, user)
    data = folder / "data"
    made = subprocess.run(
        [initdb, "-D", data, "-A", "trust", "-U", "course", "--no-sync"],
        user=user,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [postgres, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(folder)
        yield folder
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _wait_for(folder: Path) -> None:
    for _ in range(300):
        try:
            connection(folder).close()
            return
        except psycopg.OperationalError:
            import time

            time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())


def connection(folder: Path):
    """A connection to the server."""
    return psycopg.connect(host=str(folder), user="course", dbname="postgres", autocommit=True)


def use(root: Path, folder: Path, database: str) -> None:
    """Have a course keep its gradebook in a database."""
    url = f"postgresql+psycopg://course@/{database}?host={folder}"
    path = root / "nbgrader_config.py"
    lines = [line for line in path.read_text().splitlines() if "db_url" not in line]
    path.write_text("\n".join([*lines, f"c.CourseDirectory.db_url = {url!r}", ""]))


@pytest.fixture(scope="session")
def released_on_server(server, tmp_path_factory) -> Path:
    """The small course, released; its gradebook is a template for each test's."""
    course = write_course(tmp_path_factory.mktemp("postgresql") / "course")
    with connection(server) as db:
        db.execute("CREATE DATABASE released")
    use(course.root, server, "released")
    for module in course.modules():
        release(module)
    return course.root


@pytest.fixture
def released_course(server, released_on_server, tmp_path, monkeypatch) -> Course:
    """A course of three small modules, all released, with a database of its own."""
    root = tmp_path / "course"
    shutil.copytree(released_on_server, root)
    database = f"test_{abs(hash(str(tmp_path)))}"
    with connection(server) as db:
        db.execute(f"CREATE DATABASE {database} TEMPLATE released")
    use(root, server, database)
    monkeypatch.chdir(root)
    yield Course(root)
    assert not (root / "gradebook.db").exists()


@pytest.fixture
def numbers(released_course):
    """The first of the small modules, released."""
    return released_course.module("01_numbers")


# The tests of test_grading.py that use these fixtures are this module's as well.
for _name, _test in vars(test_grading).items():
    _wants = set(inspect.signature(_test).parameters) if _name.startswith("test_") else set()
    if _wants & {"numbers", "released_course"} and not any(word in _name for word in OTHERS):
        globals()[_name] = _test


def test_marking_shared_among_people_is_put_down_on_the_server(numbers):
    for student in ("ada", "bob"):
        test_marking.answered(numbers, student, "Only the exponent changes.", test_marking.ASKS)
    grade(numbers)
    shares = sharing.assign_markers(numbers, ["ann", "ben"])
    assert shares.owners == {"ada": "ann", "bob": "ben"}
    (question,) = answers(numbers)
    done = mark_group(numbers, "why-inverse", question.groups[0].name, 2, "Why?", marker="ann")
    assert done.marked == ["ada", "bob"]
    mark_group(numbers, "why-inverse", question.groups[0].name, 3, again=True, marker="ben")
    assert sharing.standing(numbers).twice == [
        "ada, why-inverse: ann 2, ben 3",
        "bob, why-inverse: ann 2, ben 3",
    ]
    sharing.answer(numbers, "ada", "double", "No.", "ann")
    found = sharing.requests(Course(numbers.root), [numbers])["01_numbers"]
    assert {one.student: one.answer for one in found} == {"ada": "No.", "bob": None}

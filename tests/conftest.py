"""What several tests share: a small course, and ways to make submissions."""

# ruff: noqa: E402 (the number of threads is set before numpy is imported)

from __future__ import annotations

import os

# The suite has as many processes as there are cores: threads of BLAS would wait for one another.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import contextlib
import cProfile
import fcntl
import functools
import gc
import hashlib
import json
import pickle
import secrets
import shutil
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from reference import report
from small_course import SOURCES
from sqlalchemy.engine.default import DefaultDialect as Dialect
from sqlalchemy.util import LRUCache

from tito import sandbox
from tito.course import Course, Module
from tito.grading import ledger
from tito.source.instructors_notebook import notebook
from tito.source.percent import read_source

# What else a machine does is no fault of a test's: one of 0.9 ms took half a second once.
hypothesis.settings.register_profile("course", deadline=None)
hypothesis.settings.load_profile("course")
sys.modules.setdefault("rfc3987_syntax", None)
os.environ.pop("TITO_PROGRAM", None)  # set where these tests were started by bin/tito.py
ROOT = Path(__file__).parents[1]
PROGRAMS = str(Path(sys.executable).parent)
if PROGRAMS not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = PROGRAMS + os.pathsep + os.environ["PATH"]


def pytest_configure(config):
    """Have tests/reference say how many gradients it compared, also when workers did it, and give
    all tests in a browser the same JupyterLab."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(report)
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    import browsing
    from nbgrader import api

    config.pluginmanager.register(browsing)
    # For each new gradebook nbgrader starts a program that says this; it is always the same.
    api.get_alembic_version = functools.cache(api.get_alembic_version)
    share_compiled_statements(api)
    give_ledgers_one_key(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for garbage neither while thousands of tests are collected, nor among them afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def share_compiled_statements(api) -> None:
    """Have gradebooks of one kind compile a statement once: SQLAlchemy keeps that for an engine,
    and nbgrader makes one each time that it opens a gradebook."""
    kept, plain = LRUCache(2000), api.create_engine

    @functools.wraps(plain)
    def create_engine(*arguments, **settings):
        engine = plain(*arguments, **settings)
        engine._compiled_cache = kept
        return engine

    Dialect.__hash__ = lambda dialect: hash(type(dialect))
    Dialect.__eq__ = lambda dialect, other: type(dialect) is type(other)
    api.create_engine = create_engine


def give_ledgers_one_key(config) -> None:
    """Have courses draw the same seeds, in each run of the suite others, so that a process asks the
    reference of the small course only once what it answers."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex()
    ledger.secrets = types.SimpleNamespace(token_hex=lambda size: run)


def calls_of(function: Callable, builtins: bool = True) -> int:
    """How many calls something makes, of functions written in C as well, or of Python's alone."""
    profile = cProfile.Profile(builtins=builtins)
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


def write_course(root: Path) -> Course:
    """The sources of the small course, in a folder."""
    for folder, text in SOURCES.items():
        (root / "source" / folder).mkdir(parents=True)
        (root / "source" / folder / f"{folder[3:]}_dev.py").write_text(text)
        (root / "source" / folder / "README.md").write_text(f"# The card of {folder}\n")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for name in ("tinytorch/__init__.py", "tinytorch/core/__init__.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return Course(root)


@pytest.fixture
def small_course(tmp_path, monkeypatch) -> Course:
    """A course of three small modules, nothing released."""
    course = write_course(tmp_path / "course")
    monkeypatch.chdir(course.root)
    return course


@pytest.fixture
def axes():
    """Where something can be drawn."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Gives a folder that the process makes which first needs it, for all that run tests.

    It is not to be changed.
    """
    base = tmp_path_factory.getbasetemp()
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    kept.mkdir(exist_ok=True)

    def made(name: str, make: Callable[[Path], None]) -> Path:
        with (kept / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not (kept / f"{name}.done").exists():
                shutil.rmtree(kept / name, ignore_errors=True)
                make(kept / name)
                (kept / f"{name}.done").touch()
        return kept / name

    return made


@pytest.fixture(scope="session")
def released_once(made_once) -> Path:
    """The small course, released; made once, and copied for each test."""
    from tito.author.release import release

    def make(root: Path) -> None:
        for module in write_course(root).modules():
            release(module)

    return made_once("small-course", make)


@pytest.fixture
def released_course(released_once, tmp_path, monkeypatch) -> Course:
    """A course of three small modules, all released."""
    root = tmp_path / "course"
    shutil.copytree(released_once, root)
    monkeypatch.chdir(root)
    return Course(root)


@pytest.fixture
def course_after(
    made_once, released_once, tmp_path, monkeypatch
) -> Callable[[str, Callable[[Course], None]], Course]:
    """Gives a copy of the small course, released, in which something was done.

    That, which has a name, is done once for all tests; so it does not depend on any of them.
    """

    def after(name: str, do: Callable[[Course], None]) -> Course:
        def make(kept: Path) -> None:
            shutil.copytree(released_once, kept)
            with contextlib.chdir(kept):
                do(Course(kept))

        root = tmp_path / "course"
        shutil.copytree(made_once(name, make), root)
        monkeypatch.chdir(root)
        return Course(root)

    return after


@pytest.fixture
def numbers(released_course) -> Module:
    """The first of the small modules, released."""
    return released_course.module("01_numbers")


def copy_of_the_course(root: Path) -> Course:
    """The sources of this course, and the library that is written by hand, in a folder."""
    for path in Course(ROOT).library():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    shutil.copytree(ROOT / "source", root / "source", ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / ".tito").mkdir()
    for path in (ROOT / ".tito").glob("read-*.json"):  # what Jupytext read, if it did already
        shutil.copy(path, root / ".tito")
    return Course(root)


@pytest.fixture(scope="module")
def whole_course(tmp_path_factory) -> Course:
    """A copy of the course, for one file of tests."""
    return copy_of_the_course(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def released_module(made_once, tmp_path_factory) -> Callable[[str], Module]:
    """Gives a copy of the course in which one of its modules is released."""
    from tito.author.release import release

    def made(folder: str) -> Module:
        def make(root: Path) -> None:
            course = copy_of_the_course(root)
            with contextlib.chdir(root):
                release(course.module(folder))

        root = tmp_path_factory.mktemp(folder) / "course"
        shutil.copytree(made_once(folder, make), root)
        return Course(root).module(folder)

    return made


@pytest.fixture(scope="session")
def ran_by_a_kernel(made_once) -> Callable[[str], list]:
    """Gives the cells of a module, with solutions, as a kernel left them: see `kernel_runs`."""
    from kernel_runs import write_run
    from nbformat import reads

    def ran(folder: str) -> list:
        kept = made_once(f"ran-{folder}", lambda file: write_run(folder, file))
        return reads(kept.read_text(encoding="utf-8"), as_version=4).cells

    return ran


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """The programs that were started in a sandbox."""
    start, started = sandbox.start, []

    def noted(program, *arguments):
        started.append(program.run)
        return start(program, *arguments)

    monkeypatch.setattr(sandbox, "start", noted)
    return started


class NotGraded(Exception):
    """Carries a result that is not to be kept."""


@pytest.fixture
def graded_once(made_once, monkeypatch) -> None:
    """Has the same submission to the same assignment graded once for all tests that use this.

    What it gets depends on these and on the seed alone; what the tests are about comes afterwards.
    """
    from tito.grading import pool

    plain = pool.grade_submission

    def grade_submission(assignment: bytes, submission: bytes, seed: int) -> dict:
        def make(file: Path) -> None:
            result = plain(assignment, submission, seed)
            if "error" in result:
                raise NotGraded(result)
            file.write_bytes(pickle.dumps(result))

        digests = [hashlib.sha256(data).hexdigest() for data in (assignment, submission)]
        try:
            return pickle.loads(made_once(f"graded-{'-'.join(digests)}-{seed}", make).read_bytes())
        except NotGraded as error:
            return error.args[0]

    monkeypatch.setattr(pool, "grade_submission", grade_submission)


def reference(module: Module) -> dict:
    """A notebook with all solutions, as plain JSON."""
    return json.loads(json.dumps(notebook(read_source(module))))


def untouched(module: Module) -> dict:
    """The notebook that a student gets."""
    return json.loads(module.released.read_text(encoding="utf-8"))


def cell_of(nb: dict, grade_id: str) -> dict:
    """The cell of a notebook that has a grade_id."""
    return next(
        c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    )


def hand_in(module: Module, student: str, nb: dict | str, name: str | None = None) -> Path:
    """Put a notebook (or any text) where submissions are looked for."""
    path = module.root / "submitted" / student / module.folder / (name or module.notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nb if isinstance(nb, str) else json.dumps(nb), encoding="utf-8")
    return path


def changed(module: Module, change: Callable[[dict], None]) -> dict:
    """The reference notebook with a change."""
    nb = reference(module)
    change(nb)
    return nb

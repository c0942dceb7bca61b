"""A class graded on all cores or on a cluster: marks as nbgrader's, whatever is killed meanwhile."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, cell_of, changed, hand_in, reference, untouched
from test_grading import ABUSES

from tito.author.grade import grade
from tito.author.marks import scores
from tito.course import Course


def marks(root: Path) -> dict:
    """All marks in the gradebook of a course."""
    course = Course(root)
    return {(s.student, s.exercise): s.score for s in scores(course, course.modules()[:1])}


def test_marks_are_those_of_plain_nbgrader_whatever_a_student_does(numbers, tmp_path):
    for number, (change, *_) in enumerate(ABUSES.values()):
        hand_in(numbers, f"s{number:02}", changed(numbers, change))
    hand_in(numbers, "untouched", untouched(numbers))
    plain = tmp_path / "plain"
    shutil.copytree(numbers.root, plain)
    subprocess.run(["nbgrader", "autograde", numbers.folder], cwd=plain, capture_output=True)
    report = grade(numbers)
    assert all(g.score is not None for g in report)
    found, expected = marks(numbers.root), marks(plain)
    assert found == expected
    for graded in report:
        path = Path("autograded", graded.student, numbers.folder, numbers.notebook)
        ours, theirs = (json.loads((root / path).read_text()) for root in (numbers.root, plain))
        ids = [
            [c["metadata"].get("nbgrader", {}).get("grade_id") for c in nb["cells"]]
            for nb in (ours, theirs)
        ]
        assert ids[0] == ids[1]
        assert ours["metadata"]["tito"].get("flags") == theirs["metadata"]["tito"].get("flags")


# The command, and what may kill it

SLOW = "import time; time.sleep({})"


def hand_in_class(module, count: int, seconds: float = 0.5) -> None:
    """Submissions of which each third is wrong, all of them a little slow."""
    wrong = "#| export\ndef double(x):\n    return 2 * x if np.ndim(x) else x\n"
    for number in range(count):
        nb = reference(module)
        if number % 3 == 0:
            cell_of(nb, "double")["source"] = wrong
        nb["cells"].append(
            {
                "cell_type": "code",
                "id": "slow",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": SLOW.format(seconds),
            }
        )
        hand_in(module, f"s{number:02}", nb)


def expected_of_class(module, count: int) -> dict:
    """Their marks."""
    return {
        (f"s{n:02}", exercise): mark
        for n in range(count)
        for exercise, mark in {
            "double": 2 if n % 3 == 0 else 4,
            "halve": 3,
            "why-inverse": 0,
        }.items()
    }


def tito(root: Path, *arguments: str) -> subprocess.Popen:
    """A tito command in a course."""
    return subprocess.Popen(
        [sys.executable, "-m", "tito", *arguments],
        cwd=root,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def below(command: subprocess.Popen) -> list[psutil.Process]:
    """All processes that a command started, and that these started."""
    return psutil.Process(command.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process]) -> None:
    """None of them is left, at the latest after some seconds."""
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def events(text: str) -> list[dict]:
    """The lines of --json."""
    return [json.loads(line) for line in text.splitlines()]


def resumed(module) -> list[dict]:
    """What the same command does afterwards."""
    command = tito(module.root, "grade", module.folder, "--json")
    out, err = command.communicate(timeout=300)
    assert command.returncode == 0, err
    return [e for e in events(out) if e["event"] == "submission"]


def test_a_command_that_was_killed_goes_on_and_each_has_one_mark(numbers):
    hand_in_class(numbers, 6)
    command = tito(numbers.root, "grade", numbers.folder, "--json")
    seen = 0
    for line in command.stdout:
        seen += json.loads(line)["event"] == "submission"
        if seen == 2:
            break
    started = below(command)
    os.kill(command.pid, signal.SIGKILL)
    command.communicate()
    assert_gone(started)
    found = resumed(numbers)
    assert sorted(e["student"] for e in found) == [f"s{n:02}" for n in range(6)]
    old = [e["student"] for e in found if not e["new"]]
    assert len(old) >= 2, "what was graded before the kill is not graded again"
    assert marks(numbers.root) == expected_of_class(numbers, 6)


def test_killed_at_any_time_again_and_again_the_marks_are_the_same(numbers):
    hand_in_class(numbers, 5, 0.2)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")  # shown when it fails
    for _ in range(3):
        command = tito(numbers.root, "grade", numbers.folder)
        time.sleep(chance.uniform(0.5, 8))
        command.kill()
        command.communicate()
    assert len(resumed(numbers)) == 5
    assert marks(numbers.root) == expected_of_class(numbers, 5), f"seed {seed}"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap to kill")
def test_sandboxes_that_somebody_kills_cost_nobody_anything(numbers):
    hand_in_class(numbers, 5)
    command = tito(numbers.root, "grade", numbers.folder, "--json")
    seed = random.randrange(10**6)
    chance, killed = random.Random(seed), 0
    while killed < 3 and command.poll() is None:
        time.sleep(chance.uniform(0, 1))
        with contextlib.suppress(psutil.NoSuchProcess):  # one that ended by itself meanwhile
            running = [p for p in psutil.Process(command.pid).children() if p.name() == "bwrap"]
            if running and list((numbers.root / ".tito").glob("checked-*")):  # the reference passed
                chance.choice(running).kill()
                killed += 1
    out, err = command.communicate(timeout=300)
    assert command.returncode == 0, f"seed {seed}: {out} {err}"
    assert killed == 3
    found = [e for e in events(out) if e["event"] == "submission"]
    assert {e["state"] for e in found} == {"graded"}, f"seed {seed}: {found}"
    assert marks(numbers.root) == expected_of_class(numbers, 5), f"seed {seed}"


def test_ctrl_c_says_how_to_go_on_and_leaves_no_process(numbers):
    hand_in_class(numbers, 4, 60)
    command = tito(numbers.root, "grade", numbers.folder, "--json")
    assert json.loads(command.stdout.readline())["event"] == "begin"
    time.sleep(4)
    started = below(command)
    os.kill(command.pid, signal.SIGINT)
    begin = time.monotonic()
    _, err = command.communicate(timeout=60)
    assert time.monotonic() - begin < 30, "it does not wait for the submissions"
    assert command.returncode == 130
    assert f"tito grade {numbers.folder}" in err and "Traceback" not in err
    assert_gone(started)


def test_a_submission_that_hangs_dies_or_is_broken_stops_nobody_else(numbers, monkeypatch):
    from tito.course_settings import configuration

    config = configuration(numbers.root)
    monkeypatch.setitem(config["ExecuteInWorkspace"], "timeout", 2)
    monkeypatch.setitem(config["Observe"], "timeout", 2)
    sources = {"hangs": "while True: pass", "dies": "quit()"}
    for student, source in sources.items():
        nb = reference(numbers)
        nb["cells"].append(
            {
                "cell_type": "code",
                "id": "end",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": source,
            }
        )
        hand_in(numbers, student, nb)
    hand_in(numbers, "broken", "{")
    hand_in(numbers, "honest", reference(numbers))
    report = {g.student: g for g in grade(numbers)}
    assert {student: (g.state, g.score) for student, g in report.items()} == {
        "hangs": ("timed out", 7),
        "dies": ("crashed", 7),
        "broken": ("unreadable", None),
        "honest": ("graded", 7),
    }


def test_the_table_names_states_and_the_exit_code_says_whether_all_have_marks(numbers):
    hand_in(numbers, "ada", reference(numbers))
    hand_in(numbers, "bob", "{")
    cheat = "#| export\nimport sys\ndef double(x):\n    return sys._getframe(1).f_locals\n"
    hand_in(numbers, "eve", changed(numbers, lambda nb: cell_of(nb, "double").update(source=cheat)))
    command = tito(numbers.root, "grade", numbers.folder)
    out, err = command.communicate(timeout=300)
    assert command.returncode == 1
    assert "1 graded, 1 unreadable, 1 flagged." in out
    assert "FLAGGED" in out and "bob" in err
    assert "Traceback" not in err
    shutil.rmtree(numbers.root / "submitted" / "bob")
    command = tito(numbers.root, "grade", numbers.folder)
    out, err = command.communicate(timeout=300)
    assert command.returncode == 0 and "Of these, 2 had been graded before." in out


def test_one_job_after_another_gives_the_same(numbers):
    hand_in_class(numbers, 3, 0)
    grade(numbers, jobs=1)
    assert marks(numbers.root) == expected_of_class(numbers, 3)


# A cluster by its address


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers as processes of their own, in another folder."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = folder / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": ""}

    def start(kind: str, *arguments: str) -> subprocess.Popen:
        log = (folder / f"{kind}.log").open("a")
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"distributed.cli.dask_{kind}",
                "--scheduler-file",
                str(path),
                *arguments,
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )

    processes = [
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", ":0")
    ]
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    processes += [start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in "ab"]
    address = json.loads(path.read_text())["address"]
    with distributed.Client(address) as client:
        client.wait_for_workers(2, timeout=120)
    yield address, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


def test_a_cluster_gives_the_same_marks(numbers, cluster):
    address, _ = cluster
    hand_in_class(numbers, 4)
    command = tito(numbers.root, "grade", numbers.folder, "--json", "--scheduler", address)
    out, err = command.communicate(timeout=300)
    assert command.returncode == 0, err
    assert events(out)[0]["dashboard"].startswith("http")
    assert marks(numbers.root) == expected_of_class(numbers, 4)


def test_a_worker_that_is_killed_loses_no_submission(numbers, cluster):
    address, workers = cluster
    hand_in_class(numbers, 6)
    command = tito(numbers.root, "grade", numbers.folder, "--json", "--scheduler", address)
    for line in command.stdout:
        if json.loads(line)["event"] == "submission":
            workers[0].kill()
            break
    out, err = command.communicate(timeout=300)
    assert command.returncode == 0, err
    students = [e["student"] for e in events(line + out) if e["event"] == "submission"]
    assert sorted(students) == [f"s{n:02}" for n in range(6)]
    assert marks(numbers.root) == expected_of_class(numbers, 6)


def test_a_scheduler_that_is_not_there_is_named(numbers):
    hand_in_class(numbers, 1, 0)
    command = tito(numbers.root, "grade", numbers.folder, "--scheduler", "tcp://127.0.0.1:9")
    _, err = command.communicate(timeout=120)
    assert command.returncode == 1
    assert "tcp://127.0.0.1:9 cannot be reached" in err and "Traceback" not in err

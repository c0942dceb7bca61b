"""Nothing lost: a class whose grading is killed, twice, beside one that nobody disturbs.

Two equal classes of the small course of the tests. While the second is graded, a process that runs
a submission is ended with SIGKILL, then the whole command; after that the same command goes on. Run
it from the root:

    python benchmarks/killed.py [--submissions 40] [--seed 1]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from small_class import ENVIRONMENT, class_of, command, marks

ROWS = """
select count(*), count(distinct submitted_assignment.student_id || grade.cell_id) from grade
join submitted_notebook on grade.notebook_id = submitted_notebook.id
join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
"""


def start(module) -> subprocess.Popen:
    """The command that grades."""
    return subprocess.Popen(
        command(module), cwd=module.root, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )


def submissions(lines) -> list[dict]:
    """What was said of each submission; a line that was cut off is none."""
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [event for event in found if event["event"] == "submission"]


def read_until(process: subprocess.Popen, count: int) -> list[str]:
    """The lines of a command until so many submissions are graded."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if len(submissions(lines)) == count:
            break
    return lines


def kill_a_worker(process: subprocess.Popen, chance: random.Random) -> int:
    """End one of the sandboxes that run a submission, as soon as there is one."""
    while True:
        below = psutil.Process(process.pid).children()
        with contextlib.suppress(psutil.NoSuchProcess):
            if below:
                victim = chance.choice(below)
                victim.send_signal(signal.SIGKILL)
                return victim.pid
        time.sleep(0.005)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    settings = parser.parse_args()
    count, chance = settings.submissions, random.Random(settings.seed)
    print(f"{count} submissions, seed {settings.seed}")
    with tempfile.TemporaryDirectory(prefix="tito-killed-") as temporary:
        calm = class_of(Path(temporary) / "calm", count)
        killed = class_of(Path(temporary) / "killed", count)
        undisturbed = submissions(start(calm).communicate()[0].splitlines())
        process = start(killed)
        first = read_until(process, chance.randrange(1, count // 3))
        print(
            f"after {len(submissions(first))}: SIGKILL for worker {kill_a_worker(process, chance)}"
        )
        read_until(process, chance.randrange(count // 4, count // 2))
        time.sleep(chance.random())
        process.kill()
        process.communicate()
        print("then SIGKILL for the command")
        after = start(killed)
        resumed = submissions(after.communicate()[0].splitlines())
        kept = sum(not event["new"] for event in resumed)
        print(f"resumed: exit code {after.returncode}, {kept} kept, {len(resumed) - kept} graded")
        sys.exit(report(calm, killed, undisturbed, resumed, count))


def report(calm, killed, undisturbed: list[dict], resumed: list[dict], count: int) -> int:
    """Compare; gives the exit code."""
    with contextlib.closing(sqlite3.connect(killed.root / "gradebook.db")) as book:
        rows, different = book.execute(ROWS).fetchone()
    found, expected = marks(killed), marks(calm)
    marked = {student for student, _ in found}
    differ = {key for key in found | expected if found.get(key) != expected.get(key)}
    states = {e["student"]: e["state"] for e in undisturbed}
    others = [e["student"] for e in resumed if e["state"] != states[e["student"]]]
    print(f"{len(marked)} marks, {len(differ)} differ, {rows - different} are double")
    print(f"states that differ: {', '.join(others) or 'none'}")
    return int(len(marked) != count or bool(differ) or rows != different)


if __name__ == "__main__":
    main()

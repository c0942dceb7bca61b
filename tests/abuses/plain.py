"""Each attack against plain nbgrader: its own default settings, and nothing of tito.

It runs as an account that owns nothing else, with a network and process table of its own, so that no
attack reaches anything but what was made for it. Run it as root, on Linux, from anywhere:

    python tests/abuses/plain.py [--only "fork bomb (400 processes)"]

It writes tests/abuses/plain.json and docs/abuses.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import cell_of, hand_in, reference, write_course  # noqa: E402
from small_course import NUMBERS  # noqa: E402

from abuses.attacks import ATTACKS, KEPT, Attack, cell  # noqa: E402
from abuses.page import PAGE, PLAIN, page  # noqa: E402
from abuses.victims import MARK, victims  # noqa: E402

USER = 61234
PATIENCE = 100  # seconds for two submissions; nbgrader gives a cell 30
NAMESPACES = [
    "unshare",
    "--pid",
    "--net",
    "--ipc",
    "--mount",
    "--fork",
    "--kill-child",
    "--mount-proc",
]
ALONE = "--in-namespaces"
# The hidden tests of the small course, as one writes them for nbgrader.
HIDDEN = {
    "double": "secret_of_the_hidden_test = np.ones((3, 2))\n"
    "assert (double(secret_of_the_hidden_test) == 2).all()",
    "halve": "assert (halve(np.ones(4)) == 0.5).all()",
}


def plain_text() -> str:
    """The small module without anything of tito: asserts in place of checks and observations."""
    text = NUMBERS.replace("from tito.checks import check\n", "")
    for name, test in HIDDEN.items():
        hidden = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS\n"
        text = re.sub(
            rf'(# %% checks="{name}" points=\d\n).*?### END HIDDEN TESTS\n',
            lambda m, hidden=hidden: m[1] + hidden,
            text,
            flags=re.S,
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=list(ATTACKS))
    parser.add_argument(ALONE, action="store_true", help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if not settings.in_namespaces:
        sys.exit(subprocess.call([*NAMESPACES, sys.executable, *sys.argv, ALONE]))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    open_the_way_to(Path(sys.base_prefix))
    found = json.loads(PLAIN.read_text(encoding="utf-8")) if PLAIN.exists() else {}
    with tempfile.TemporaryDirectory(prefix="plain-") as temporary:
        os.chmod(temporary, 0o755)
        original = course_of(Path(temporary) / "original")
        for name in settings.only or ATTACKS:
            found[name] = measure(ATTACKS[name], original, Path(temporary) / "run")
            print(name, found[name], flush=True)
            PLAIN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    found["versions"] = f"nbgrader {version('nbgrader')}, Python {sys.version.split()[0]}"
    PLAIN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def open_the_way_to(prefix: Path) -> None:
    """Let the account reach the interpreter where a folder above it, as /root, is closed to it; in
    this mount namespace only."""
    closed = [p for p in (*reversed(prefix.parents), prefix) if not p.stat().st_mode & 0o001]
    if closed:
        kept = tempfile.mkdtemp()
        for command in (
            ["mount", "--bind", prefix, kept],
            ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", closed[0]],
            ["mkdir", "-p", prefix],
            ["mount", "--bind", kept, prefix],
        ):
            subprocess.run(command, check=True)


def course_of(root: Path) -> Path:
    """A course with a released module, as nbgrader's documentation makes one."""
    from tito.author.build import build

    course = write_course(root / "course")
    for extra in ("nbgrader_config.py", "tinytorch", "source/02_doubles", "source/03_classic"):
        path = course.root / extra
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    module = course.module("numbers")
    module.source.write_text(plain_text(), encoding="utf-8")
    build(module)
    for student in ("ada-attacks", "zoe"):
        hand_in(module, student, reference(module))
    python = root / "python"
    venv.create(python, symlinks=True)
    packages = next(python.glob("lib/python*/site-packages"))
    (packages / "others.pth").write_text(f"{site_packages()}\n")
    run_nbgrader(root, "generate_assignment", module.folder, user=None)
    return root


def site_packages() -> str:
    """Where nbgrader is installed."""
    import nbgrader

    return str(Path(nbgrader.__file__).parents[1])


def run_nbgrader(root: Path, *arguments: str, user: int | None = USER) -> tuple[str, str]:
    """Run a command of nbgrader; gives what it logged, and why it was ended, if it was."""
    python = next((root / "python" / "bin").glob("python"))
    environment = {
        "HOME": str(root / "home"),
        "SECRET_TOKEN": MARK,
        "LANG": "C.UTF-8",
        "PATH": f"{python.parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    with (root / "log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [python, "-m", "nbgrader", *arguments],
            cwd=root / "course",
            env=environment,
            stdout=log,
            stderr=log,
            **as_user(user),
        )
        try:
            code = process.wait(timeout=PATIENCE)
            ended = "nbgrader was killed" if code < 0 else ""
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended = f"nbgrader hung; we ended it after {PATIENCE} s"
        log.seek(0)
        return log.read(), ended


def as_user(user: int | None) -> dict:
    """How `subprocess` starts a process of an account."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def measure(attack: Attack, original: Path, run: Path) -> dict:
    """What becomes of one attack, and of an honest submission after it."""
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(original, run, symlinks=True)
    (run / "home").mkdir()
    course, name = run / "course", "01_numbers/numbers_dev.ipynb"
    source, path = (
        course / "source/01_numbers/numbers_dev.py",
        course / "submitted/ada-attacks" / name,
    )
    packages = str(next(run.glob("python/lib/python*/site-packages")))
    for place in (run, *run.rglob("*")):
        os.chown(place, USER, USER, follow_symlinks=False)
    with victims(
        course, source, course / "submitted/zoe" / name, run / "home", packages, **as_user(USER)
    ) as there:
        nb = json.loads(path.read_text(encoding="utf-8"))
        cell_of(nb, "double")["source"] = cell(attack, there.place, MARK)
        path.write_text(json.dumps(nb), encoding="utf-8")
        log, ended = run_nbgrader(run, "autograde", "01_numbers")
        traces = there.traces(course)
    kill_all_of_the_user()
    done = course / "autograded/ada-attacks" / name
    shown = outcome(done) if done.exists() else ""
    trace = attack.trace in traces and attack.trace not in ("files",)
    others = "yes" if mark_of(course, "zoe") == KEPT else "**no**"
    return {
        "outcome": "; ".join(filter(None, [shown, ended])) or last_line(log),
        "worked": bool(
            shown
            and not re.match(r"\w+(Error|Exception)\b", shown)
            and not re.match(r"there is no|no notebook", shown)
        )
        or trace
        or bool(ended),
        "points": mark_of(course, "ada-attacks") if done.exists() else None,
        "others": others,
        "traces": sorted(traces),
    }


def outcome(path: Path) -> str:
    """What the attack printed at the end of its cell."""
    outputs = cell_of(json.loads(path.read_text(encoding="utf-8")), "double")["outputs"]
    text = "".join("".join(o.get("text", "")) + str(o.get("ename", "")) for o in outputs)
    found = re.search(">>>(.*?)<<<", text)
    return found[1] if found else ("CellTimeoutError" if "CellTimeoutError" in text else "")


def last_line(log: str) -> str:
    """Why nbgrader could not grade a submission: the last line of its traceback."""
    errors = re.findall(r"(?m)^ *[\w.]*?(\w*(?:Error|Exception)\b.*)", log)
    said = (errors or log.strip().splitlines() or ["nothing was said"])[-1]
    return f"nbgrader gave up: {said[:80]}"


def mark_of(course: Path, student: str) -> float | None:
    """The mark that the gradebook has; None without one."""
    query = (
        "select sum(grade.auto_score), count(grade.auto_score) from grade"
        " join submitted_notebook on grade.notebook_id = submitted_notebook.id"
        " join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id"
        " where submitted_assignment.student_id = ?"
    )
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as book:
        score, count = book.execute(query, (student,)).fetchone()
    return score if count else None


def kill_all_of_the_user() -> None:
    """End what an attack has left; the account has no other processes."""
    if os.fork() == 0:
        os.setgid(USER)
        os.setuid(USER)
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    with contextlib.suppress(ChildProcessError):  # and what they left, for this is process 1
        while True:
            os.wait()


if __name__ == "__main__":
    main()

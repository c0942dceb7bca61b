"""How fast a class is graded: `tito grade` beside `nbgrader autograde`, and beside the limit.

Forty submissions of module 7, a mix of right, blank, wrong and slow, in a course of their own in a
temporary folder; each way begins with an empty gradebook. The limit is what the notebooks' cells
alone take, divided by the cores. Run it from the root, on a quiet machine:

    python benchmarks/grading.py [--submissions 40] [--only nbgrader --only tito …]
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
sys.modules.setdefault("rfc3987_syntax", None)

from tito.course import Course  # noqa: E402
from tito.source import notebook, read_source  # noqa: E402

WAYS = ("nbgrader", "tito", "no sandbox", "dask", "one new of 200")
MODULE = "07_autograd"


def submissions(module, count: int) -> list[dict]:
    """As many notebooks: of four, one is right, one blank, one wrong, and one slow and right."""
    right = json.loads(json.dumps(notebook(read_source(module))))
    blank = json.loads(module.released.read_text(encoding="utf-8"))
    wrong, slow = copy.deepcopy(right), copy.deepcopy(right)
    exercises = [c for c in wrong["cells"] if c["cell_type"] == "code"
                 and c["metadata"].get("nbgrader", {}).get("solution")]  # fmt: skip
    for cell in exercises[::5]:
        cell["source"] = cell["source"].replace("return ", "return 2 * ")
    slow["cells"].append(extra_cell("code", "slow", "import time; time.sleep(1)"))
    made = []
    for number in range(count):
        nb = copy.deepcopy((right, blank, wrong, slow)[number % 4])
        nb["cells"].append(extra_cell("markdown", "name", f"Student {number}"))
        made.append(nb)
    return made


def extra_cell(kind: str, name: str, source: str) -> dict:
    """A cell that a student added."""
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source} | code


def course_of(folder: Path, count: int):
    """A course with one released module and submissions."""
    from tito.instructor import release

    for name in ("source", "tinytorch"):
        ignored = shutil.ignore_patterns("*.ipynb", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    module = Course(folder).module(MODULE)
    release(module)
    for number, nb in enumerate(submissions(module, count)):
        path = folder / "submitted" / f"s{number:04}" / MODULE / module.notebook
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(nb), encoding="utf-8")
    return module


def timed(folder: Path, *command: str) -> float:
    """Seconds that a command takes in a copy of the course's folder as it was."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    begin = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - begin
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def tito(*arguments: str) -> tuple[str, ...]:
    """A command of tito."""
    return (sys.executable, "-m", "tito", *arguments)


def seconds_of_steps(folder: Path) -> dict[str, float]:
    """What the steps took, of all submissions together, from the ledger."""
    from tito.grading.ledger import Ledger

    ledger, total = Ledger(folder / ".tito" / "ledger.db"), {}
    for student in ledger.entries(MODULE):
        for step, seconds in ledger.result(MODULE, student)["seconds"].items():
            total[step] = total.get(step, 0) + seconds
    ledger.close()
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--only", action="append", choices=WAYS, default=[])
    parser.add_argument("--dask-workers", type=int, default=len(os.sched_getaffinity(0)))
    settings = parser.parse_args()
    os.environ["PATH"] = _path()  # nbgrader starts alembic by name
    ways, count = settings.only or WAYS, settings.submissions
    cores, found = len(os.sched_getaffinity(0)), {}
    with tempfile.TemporaryDirectory(prefix="tito-benchmark-") as temporary:
        original = Path(temporary) / "original"
        original.mkdir()
        course_of(original, count)
        run = Path(temporary) / "course"
        for way in ways:
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(original, run)
            measure(way, run, count, settings.dask_workers, cores, found)
    report(found, count, cores)


def measure(
    way: str, run: Path, count: int, workers: int, cores: int, found: dict[str, float]
) -> None:
    """Measure one way of grading."""
    if way == "nbgrader":
        found[way] = timed(run, "nbgrader", "autograde", MODULE)
    elif way == "tito":
        found[way] = timed(run, *tito("grade", MODULE))
        steps = seconds_of_steps(run)
        print({step: round(seconds / count, 2) for step, seconds in steps.items()}, flush=True)
        found["limit"] = steps["cells"] / cores
        found["again, nothing new"] = timed(run, *tito("grade", MODULE))
    elif way == "no sandbox":
        found[way] = timed(run, *tito("grade", MODULE, "--no-sandbox"))
    elif way == "dask":
        with cluster(workers) as address:
            found[way] = timed(run, *tito("grade", MODULE, "--scheduler", address))
    else:
        one_new_of(200, run, found)
    print(f"{way}: {found[way]:.1f} s", flush=True)


def one_new_of(students: int, run: Path, found: dict[str, float]) -> None:
    """A class that is graded already, and one student who hands in again."""
    first = run / "submitted" / "s0000" / MODULE
    for folder in (run / "submitted").iterdir():
        if folder.name != "s0000":
            shutil.rmtree(folder)
    notebook = next(first.glob("*.ipynb"))
    nb = json.loads(notebook.read_text(encoding="utf-8"))
    for number in range(1, students):
        nb["cells"][-1]["source"] = f"Student {number}"
        path = run / "submitted" / f"s{number:04}" / MODULE / notebook.name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(nb), encoding="utf-8")
    timed(run, *tito("grade", MODULE))
    nb["cells"][-1]["source"] = "Handed in again"
    notebook.write_text(json.dumps(nb), encoding="utf-8")
    found["one new of 200"] = timed(run, *tito("grade", MODULE))


class cluster:
    """A Dask scheduler and workers, as processes in another folder."""

    def __init__(self, workers: int):
        self.workers, self.processes = workers, []
        self.folder = tempfile.mkdtemp(prefix="tito-cluster-")

    def __enter__(self) -> str:
        path = Path(self.folder) / "scheduler.json"
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        commands = [("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                     "--scheduler-file", str(path))]  # fmt: skip
        commands += [("worker", "--scheduler-file", str(path), "--nthreads", "1", "--no-dashboard",
                      "--no-nanny")] * self.workers  # fmt: skip
        for command in commands:
            self.processes.append(
                subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_" + command[0],
                                  *command[1:]], cwd=self.folder, env=environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )  # fmt: skip
            while not path.exists():
                time.sleep(0.1)
        return json.loads(path.read_text(encoding="utf-8"))["address"]

    def __exit__(self, *problem) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def report(found: dict[str, float], count: int, cores: int) -> None:
    """Print a table."""
    base, limit = found.get("nbgrader"), found.get("limit")
    print(f"\n{count} submissions of {MODULE}, {cores} cores\n")
    print("| way | seconds | submissions a minute | of nbgrader's time | of the limit |")
    print("| --- | --- | --- | --- | --- |")
    for way, seconds in found.items():
        ours = f"{seconds / base:.2f}" if base else "–"
        ideal = f"{seconds / limit:.1f}" if limit else "–"
        print(f"| {way} | {seconds:.1f} | {count / seconds * 60:.0f} | {ours} | {ideal} |")


if __name__ == "__main__":
    main()

"""How fast a class is graded: `tito grade` beside `nbgrader autograde`, and beside the limit.

Forty submissions of a module, a mix of right, blank, wrong and slow, in a course of their own in a
temporary folder; each way begins with an empty gradebook. The limit is what the notebooks' cells
alone take, one notebook after another, divided by the cores. Run it from the root, on a quiet
machine:

    python benchmarks/grading.py [--module 07_autograd] [--submissions 40] [--only tito …]
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
from tito.source.instructors_notebook import notebook  # noqa: E402
from tito.source.percent import read_source  # noqa: E402

WAYS = ("nbgrader", "tito", "no sandbox", "dask", "one new of 200")


def submissions(module, count: int) -> list[dict]:
    """As many notebooks: of four, one is right, one blank, one wrong, and one slow and right."""
    right = json.loads(json.dumps(notebook(read_source(module))))
    blank = json.loads(module.released.read_text(encoding="utf-8"))
    wrong, slow = copy.deepcopy(right), copy.deepcopy(right)
    exercises = [
        c
        for c in wrong["cells"]
        if c["cell_type"] == "code" and c["metadata"].get("nbgrader", {}).get("solution")
    ]
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


def course_of(folder: Path, name: str, count: int):
    """A course with one released module and submissions."""
    from tito.author.release import release

    for part in ("source", "tinytorch"):
        ignored = shutil.ignore_patterns("*.ipynb", "__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    module = Course(folder).module(name)
    release(module)
    for number, nb in enumerate(submissions(module, count)):
        path = folder / "submitted" / f"s{number:04}" / module.folder / module.notebook
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


class Benchmark:
    """The measurements of one run."""

    def __init__(self, module: str, count: int, workers: int):
        self.name, self.count, self.workers = module, count, workers
        self.cores = len(os.sched_getaffinity(0))
        self.found: dict[str, float] = {}
        self.notes: list[str] = []

    def run(self, ways: list[str]) -> None:
        """Measure some ways of grading, each in a fresh copy of a course."""
        with tempfile.TemporaryDirectory(prefix="tito-benchmark-") as temporary:
            original, run = Path(temporary) / "original", Path(temporary) / "course"
            original.mkdir()
            self.module = course_of(original, self.name, self.count)
            for way in ways:
                shutil.rmtree(run, ignore_errors=True)
                shutil.copytree(original, run)
                getattr(self, way.replace(" ", "_"))(run)
                print(f"{way}: {self.found[way]:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True)

    def nbgrader(self, run: Path) -> None:
        """Plain nbgrader, one after another."""
        self.found["nbgrader"] = timed(run, "nbgrader", "autograde", self.name)

    def tito(self, run: Path) -> None:
        """All cores; then with nothing new, the writer alone, and one after another: the limit."""
        self.found["tito"] = timed(run, *tito("grade", self.name))
        self.found["nothing new"] = timed(run, *tito("grade", self.name))
        self.notes.append(f"The writer alone: {self.writer_rate(run):.0f} submissions a second.")
        timed(run, *tito("grade", self.name, "--force", "--jobs", "1"))
        steps = self.seconds_of_steps(run)
        self.found["limit"] = steps["cells"] / self.cores
        shown = ", ".join(f"{k} {v / self.count:.2f}" for k, v in steps.items() if v > 0.5)
        self.notes.append(f"Seconds of a submission, one after another: {shown}.")

    def no_sandbox(self, run: Path) -> None:
        """The same without a sandbox."""
        self.found["no sandbox"] = timed(run, *tito("grade", self.name, "--no-sandbox"))

    def dask(self, run: Path) -> None:
        """A Dask cluster on this machine, a worker for each core."""
        with cluster(self.workers) as address:
            self.found["dask"] = timed(run, *tito("grade", self.name, "--scheduler", address))

    def one_new_of_200(self, run: Path) -> None:
        """A class that is graded already, and one student who hands in again."""
        shutil.rmtree(run / "submitted")
        nb = json.loads(self.module.released.read_text(encoding="utf-8"))
        nb["cells"].append(extra_cell("markdown", "name", ""))
        for number in range(200):
            nb["cells"][-1]["source"] = f"Student {number}"
            path = run / "submitted" / f"s{number:04}" / self.name / self.module.notebook
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(nb), encoding="utf-8")
        timed(run, *tito("grade", self.name))
        nb["cells"][-1]["source"] = "Handed in again"
        path.write_text(json.dumps(nb), encoding="utf-8")
        self.found["one new of 200"] = timed(run, *tito("grade", self.name))

    def seconds_of_steps(self, run: Path) -> dict[str, float]:
        """What the steps took, of all submissions together."""
        from tito.grading.ledger import Ledger

        ledger, total = Ledger(run / ".tito" / "ledger.db"), {}
        for student in ledger.entries(self.name):
            for step, seconds in ledger.result(self.name, student)["seconds"].items():
                total[step] = total.get(step, 0) + seconds
        ledger.close()
        return total

    def writer_rate(self, run: Path) -> float:
        """How many results a second are put into the gradebook."""
        from tito.grading.ledger import Ledger
        from tito.grading.writer import Writer

        module = Course(run).module(self.name)
        ledger, writer = Ledger(run / ".tito" / "ledger.db"), Writer(module)
        results = {s: ledger.result(self.name, s) for s in ledger.entries(self.name)}
        begin = time.monotonic()
        for student, result in results.items():
            writer.write(student, result)
        seconds = time.monotonic() - begin
        writer.close()
        ledger.close()
        return len(results) / seconds

    def report(self) -> None:
        """Print a table."""
        base, limit = self.found.get("nbgrader"), self.found.get("limit")
        print(f"\n{self.count} submissions of {self.name}, {self.cores} cores\n")
        print("| way | seconds | submissions a minute | of nbgrader's time | of the limit |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for way, seconds in self.found.items():
            pace = "–" if "new" in way else f"{self.count / seconds * 60:.0f}"
            ours = f"{seconds / base:.2f}" if base and "new" not in way else "–"
            ideal = f"{seconds / limit:.1f}" if limit and "new" not in way else "–"
            print(f"| {way} | {seconds:.1f} | {pace} | {ours} | {ideal} |")
        print("\n" + "\n".join(self.notes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--module", default="07_autograd")
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--only", action="append", choices=WAYS, default=[])
    parser.add_argument("--dask-workers", type=int, default=len(os.sched_getaffinity(0)))
    settings = parser.parse_args()
    os.environ["PATH"] = _path()  # nbgrader starts alembic by name
    benchmark = Benchmark(settings.module, settings.submissions, settings.dask_workers)
    benchmark.run(settings.only or list(WAYS))
    benchmark.report()


class cluster:
    """A Dask scheduler and workers, as processes in another folder."""

    def __init__(self, workers: int):
        self.workers, self.processes = workers, []
        self.folder = tempfile.mkdtemp(prefix="tito-cluster-")

    def __enter__(self) -> str:
        path = Path(self.folder) / "scheduler.json"
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        commands = [
            (
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--no-dashboard",
                "--scheduler-file",
                str(path),
            )
        ]
        commands += [
            (
                "worker",
                "--scheduler-file",
                str(path),
                "--nthreads",
                "1",
                "--no-dashboard",
                "--no-nanny",
            )
        ] * self.workers
        for command in commands:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]],
                    cwd=self.folder,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            while not path.exists():
                time.sleep(0.1)
        return json.loads(path.read_text(encoding="utf-8"))["address"]

    def __exit__(self, *problem) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    main()

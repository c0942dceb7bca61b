"""How much memory `tito grade` takes for a large class: the peak of its own process.

Synthetic submissions of the small course of the tests, in a temporary folder. Run it from the root:

    python benchmarks/memory_of_grading.py [--submissions 1000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

from small_class import ENVIRONMENT, MARKS, class_of, command, student, totals

EVERY = 100


def peak(process: int) -> int:
    """The most memory that a process has held so far, in MiB (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=1000)
    count = parser.parse_args().submissions
    with tempfile.TemporaryDirectory(prefix="tito-memory-") as temporary:
        module = class_of(Path(temporary) / "course", count)
        begin, graded = time.monotonic(), 0
        process = subprocess.Popen(
            command(module), cwd=module.root, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
        )
        for line in process.stdout:
            if json.loads(line)["event"] != "submission":
                continue
            graded += 1
            if graded in (1, count) or graded % EVERY == 0:
                seconds = time.monotonic() - begin
                print(f"{graded} submissions, {seconds:.0f} s, {peak(process.pid)} MiB", flush=True)
        expected = {student(n): MARKS[n % len(MARKS)] for n in range(count)}
        print(f"exit code {process.wait()}, all marks right: {totals(module) == expected}")


if __name__ == "__main__":
    main()

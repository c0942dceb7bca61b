"""Starting workers, asking them, and timing imports: each engine in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
    **dict.fromkeys(THREADS, "1"),
    "PYTHONPATH": str(HERE.parent),
    "PYTHONHASHSEED": "0",
}


class Worker:
    """A process of `worker.py`, to be used in a ``with`` statement.

    Parameters
    ----------
    engine, workload : str
        Their keys in `ENGINES` and `WORKLOADS`.

    Attributes
    ----------
    engine : str
        As given.
    greeting : dict
        Its first line: ``ready``, or why not: ``missing`` or ``unable``.
    """

    def __init__(self, engine: str, workload: str):
        self.engine = engine
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), engine, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )
        self.greeting = self.read()

    def read(self) -> dict:
        """The next line that it writes."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self.engine} ended early; its message stands above")
        return json.loads(line)

    def ask(self, do: str, **details) -> dict:
        """Send a request and wait for the answer."""
        print(json.dumps({"do": do, **details}), file=self.process.stdin, flush=True)
        return self.read()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error) -> None:
        self.process.communicate()


def import_seconds(modules: str) -> float:
    """The CPU time of importing modules in a fresh process that has imported numpy already.

    Parameters
    ----------
    modules : str
        Their names, separated by commas.

    Returns
    -------
    float
        Seconds; not a number if one of them is not installed.
    """
    program = (
        "import numpy, time\nbegin = time.process_time()\n"
        f"try:\n    import {modules}\n    print(time.process_time() - begin)\n"
        "except ImportError:\n    print('nan')"
    )
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout)

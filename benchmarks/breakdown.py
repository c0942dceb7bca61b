"""Where TinyTorch's time goes in a workload: ``python benchmarks/breakdown.py chain``.

Prints, for each function, its calls and its own time in a step, from cProfile. Profiling makes
every call of a Python function or a builtin slower, so shares of functions that are called often
look larger than they are; numpy's operators on arrays are part of the function that uses them.
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import os
import pstats
import sys

from processes import ENVIRONMENT, HERE
from workloads import WORKLOADS


def profile(engine: str, workload: str, steps: int) -> pstats.Stats:
    """Profile some steps of a workload, after one that warms up.

    Parameters
    ----------
    engine, workload : str
        Keys of `ENGINES` and `WORKLOADS`.
    steps : int
        How many.

    Returns
    -------
    pstats.Stats
        Of all steps together.
    """
    module = importlib.import_module(f"engines.{engine}")
    step = getattr(module, WORKLOADS[workload].function)(WORKLOADS[workload].data())
    step()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(steps):
        step()
    profiler.disable()
    return pstats.Stats(profiler)


def lines(stats: pstats.Stats, steps: int, count: int) -> list[str]:
    """The functions that cost most by themselves, a line each."""
    functions = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:count]
    return [
        f"{1e6 * own / steps:12.1f} µs {100 * own / stats.total_tt:5.1f} % {calls / steps:10.1f}  "
        + (name if file == "~" else f"{name} ({file.rpartition('/')[2]}:{line})")
        for (file, line, name), (_, calls, own, _, _) in functions
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("--engine", default="tinytorch")
    parser.add_argument("--steps", type=int, default=5)
    chosen = parser.parse_args()
    stats = profile(chosen.engine, chosen.workload, chosen.steps)
    print("own time a step   share      calls  function")
    print("\n".join(lines(stats, chosen.steps, 25)))


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # Threads are counted when numpy is imported, so this has to be another process.
        os.execve(sys.executable, [sys.executable, __file__, *sys.argv[1:]], ENVIRONMENT)
    sys.path.insert(0, str(HERE.parent))
    main()

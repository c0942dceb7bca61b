"""Compare TinyTorch's engine with others: ``python benchmarks/run.py``.

A full run writes its table into README.md and its plot to ratios.svg, both beside this file; one
with ``--compiled`` writes the table of compiled steps there. A run with fewer workloads or engines,
or without one that is not installed, only prints.
"""

from __future__ import annotations

import argparse
import time

from engines import COMPILED, COMPILERS, ENGINES, LIMIT, OURS
from measure import Row, installed, measure, measure_imports
from processes import HERE
from report import (
    COMPILED_MARKS,
    circumstances,
    compiled_table,
    spreads,
    table,
    write_between_marks,
)
from workloads import COMPILED_TARGETS, WORKLOADS


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*WORKLOADS, "import"],
        metavar="WORKLOAD",
        help=f"some of: {', '.join(WORKLOADS)}, import",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=list(ENGINES),
        metavar="ENGINE",
        help=f"some of: {', '.join(ENGINES)}; numpy_by_hand always takes part",
    )
    parser.add_argument(
        "--compiled",
        action="store_true",
        help="what module 16 compiled, beside others; writes a table of its own",
    )
    parser.add_argument("--rounds", type=int, default=15, help="how often each has its turn (15)")
    chosen = parser.parse_args()
    if chosen.rounds < 1:
        parser.error("--rounds must be at least 1")
    return chosen


def write(rows: list[Row], engines: list[str], text: str) -> None:
    """Write table and plot; without matplotlib, leave the old plot and say so."""
    write_between_marks(HERE / "README.md", text)
    print("\nwritten: README.md", end="")
    try:
        from plot import plot

        plot(rows, engines, HERE / "ratios.svg")
        print(", ratios.svg")
    except ModuleNotFoundError as error:
        print(f"; no plot: {error}")


def main() -> None:
    """Measure, print, and after a full run write."""
    chosen = arguments()
    if chosen.compiled:
        chosen.engines = [OURS, "torch_eager", *COMPILERS, *COMPILED]
        chosen.only = chosen.only or list(COMPILED_TARGETS)
    begin = time.monotonic()
    print("BLAS and PyTorch are pinned to one thread; times are CPU times of each process")
    full = [name for name in ENGINES if name not in (*COMPILED, *COMPILERS)]
    asked = chosen.engines or full
    wanted = [name for name in ENGINES if name == LIMIT or name in asked]
    engines = installed(wanted)
    rows = []
    for name in chosen.only or [*WORKLOADS, "import"]:
        print(name)
        if name == "import":
            new = measure_imports(engines, chosen.rounds)
        else:
            new = measure(name, engines, chosen.rounds)
        print("\n".join(spreads(row, engines) for row in new), flush=True)
        rows += new
    made = compiled_table(rows, engines) if chosen.compiled else table(rows, engines)
    text = f"{made}\n\n{circumstances(engines, chosen.rounds)}"
    print(f"\n{text}\n\n{time.monotonic() - begin:.0f} s")
    if chosen.only is None and engines == full:
        write(rows, engines, text)
    if chosen.compiled and chosen.only == list(COMPILED_TARGETS):
        write_between_marks(HERE / "README.md", text, *COMPILED_MARKS)


if __name__ == "__main__":
    main()

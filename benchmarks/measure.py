"""The measuring itself: checks, rounds that take turns, medians."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from check import difference
from engines import ENGINES, LIMIT, OURS
from processes import Worker, import_seconds
from worker import unpacked
from workloads import IMPORT_TARGET, WORKLOADS, Target

SECONDS_A_ROUND = 0.1


@dataclass
class Row:
    """One measured quantity.

    Parameters
    ----------
    title : str
        What was measured.
    unit : str
        ``"×"`` for ratios to numpy by hand; else that of the figures.
    target : Target
        TinyTorch's target.
    figures : dict of str to float
        The medians, by engine.
    ranges : dict of str to (float, float)
        The smallest and the largest round, by engine.
    lacking : dict of str to str
        What to write for an engine without a figure.
    limit : str
        The median for numpy by hand, in its own unit.
    """

    title: str
    unit: str
    target: Target
    figures: dict[str, float] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    limit: str = ""

    def enter(self, engine: str, values: list[float]) -> None:
        """Enter the figures of all rounds of one engine."""
        self.figures[engine] = median(values)
        self.ranges[engine] = min(values), max(values)

    def target_limit(self) -> float:
        """The number that TinyTorch's figure should not exceed in this run."""
        titled = {ENGINES[engine].title: figure for engine, figure in self.figures.items()}
        return self.target.limit(titled)

    def met(self) -> bool:
        """Whether it does not; False where there is no figure."""
        return self.figures.get(OURS, float("inf")) <= self.target_limit()


def microseconds(seconds: float) -> str:
    """A time with a unit that suits it."""
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def installed(engines: list[str]) -> list[str]:
    """The engines whose modules can be imported; says which others are skipped.

    Raises
    ------
    SystemExit
        If TinyTorch or numpy is among those that cannot.
    """
    found = []
    for engine in engines:
        with Worker(engine, "scalar") as worker:
            problem = worker.greeting.get("missing")
        if problem is None:
            found.append(engine)
        elif engine in (LIMIT, OURS):
            raise SystemExit(f"{ENGINES[engine].title} cannot be imported: {problem}")
        else:
            print(f"{ENGINES[engine].title}: skipped, not installed ({problem})")
    return found


def check(workers: list[Worker], tolerance: float) -> None:
    """Compare what one step gives in each process with what it gives in numpy by hand.

    Raises
    ------
    SystemExit
        If one differs by more than the tolerance.
    """
    results = {
        worker.engine: [unpacked(result) for result in worker.ask("results")["results"]]
        for worker in workers
    }
    differences = {
        engine: difference(arrays, results[LIMIT])
        for engine, arrays in results.items()
        if engine != LIMIT
    }
    for engine, distance in differences.items():
        if not distance <= tolerance:
            raise SystemExit(
                f"{ENGINES[engine].title} gives other results than numpy by hand: relative "
                f"difference {distance:.1e}, allowed {tolerance:.0e}; nothing was timed"
            )
    worst = max(differences.values(), default=0.0)
    print(f"  results and gradients agree, relative difference at most {worst:.1e}")


def measure(name: str, engines: list[str], rounds: int) -> list[Row]:
    """Measure one workload in all engines.

    Parameters
    ----------
    name : str
        A key of `WORKLOADS`.
    engines : list of str
        Keys of `ENGINES`, that of numpy by hand among them.
    rounds : int
        How often each engine has its turn.

    Returns
    -------
    list of Row
        The ratios of time, and the peak memory if the workload has a target for that.
    """
    workload = WORKLOADS[name]
    row = Row(workload.title, "×", workload.target)
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(engine, name)) for engine in engines]
        row.lacking = {
            w.engine: ENGINES[w.engine].lacking for w in workers if "unable" in w.greeting
        }
        workers = [worker for worker in workers if "ready" in worker.greeting]
        check(workers, workload.tolerance)
        seconds = {worker.engine: [] for worker in workers}
        for _ in range(rounds):
            for worker in workers:
                answer = worker.ask("time", seconds=SECONDS_A_ROUND)
                seconds[worker.engine].append(answer["seconds"])
    for engine, values in seconds.items():
        row.enter(engine, [a / b for a, b in zip(values, seconds[LIMIT], strict=True)])
    row.limit = microseconds(median(seconds[LIMIT]))
    return [row] if workload.memory_target is None else [row, measure_memory(name, list(seconds))]


def peak_mebibytes(engine: str, name: str) -> float:
    """The peak memory of one workload in one engine, above its data, in a fresh process."""
    with Worker(engine, name) as worker:
        return worker.ask("memory")["bytes"] / 2**20


def measure_memory(name: str, engines: list[str]) -> Row:
    """The peak memory of one workload in each engine, above its data, in a fresh process."""
    row = Row("… its peak memory above the data", "MiB", WORKLOADS[name].memory_target)
    for engine in engines:
        row.enter(engine, [peak_mebibytes(engine, name)])
    if WORKLOADS[name].plain:
        plain = peak_mebibytes(OURS, WORKLOADS[name].plain)
        row.target = Target(
            f"≤ 30 % of the {plain:.0f} MiB without checkpoints", lambda _: 0.3 * plain
        )
    row.limit = f"{row.figures[LIMIT]:.0f} MiB"
    return row


def measure_imports(engines: list[str], rounds: int) -> list[Row]:
    """How long each engine's import takes after numpy's, in fresh processes that take turns."""
    row = Row("import, beyond numpy's own", "ms", IMPORT_TARGET)
    engines = [engine for engine in engines if engine != LIMIT]
    times = {engine: [] for engine in engines}
    for engine in engines:
        import_seconds(ENGINES[engine].imports)  # fills the caches of compiled modules
    for _ in range(rounds):
        for engine in engines:
            times[engine].append(1e3 * import_seconds(ENGINES[engine].imports))
    for engine, values in times.items():
        row.enter(engine, values)
    row.limit, row.lacking = "0 ms", {LIMIT: ENGINES[LIMIT].lacking}
    return [row]

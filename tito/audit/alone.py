"""One exercise wrong in an otherwise right module: it costs its own points, and nobody else's."""

from __future__ import annotations

from tito.audit.findings import Report
from tito.audit.trials import SEEDS, in_parallel
from tito.judge.graft import Needs, leave_out
from tito.judge.pack import Pack
from tito.judge.verdicts import Verdict, grade


def left_out(pack: Pack, needs: Needs, report: Report) -> None:
    """Leave out each exercise alone: it costs all of its own points, and nobody else's."""
    graded = in_parallel(
        lambda name: grade(pack, needs, leave_out(pack, name), SEEDS[0]), pack.exercises
    )
    for name, verdict in zip(pack.exercises, graded, strict=True):
        costs_its_own_only(name, "left out", verdict, report)
        own = [r for r in verdict.results if r.observation.exercise == name]
        if kept := [r.observation.name for r in own if not r.fault]:
            report.add("alone", name, f"left out, it keeps the points of {', '.join(kept)}")


def costs_its_own_only(exercise: str, label: str, verdict: Verdict, report: Report) -> None:
    """Report an exercise that was left out or mistaken, and cost nothing, or others' points."""
    lost = {result.observation.exercise for result in verdict.results if result.fault}
    if others := sorted(lost - {exercise}):
        report.add("alone", exercise, f"{label}: costs points of {', '.join(others)} as well")
    if exercise not in lost:
        report.add("alone", exercise, f"{label}: costs no points")

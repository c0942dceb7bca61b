"""The parts of an audit; each adds what it finds to the report of a module."""

from __future__ import annotations

import ast

from tito.audit.findings import Judged, Report
from tito.audit.known_again import names_of_mutants
from tito.audit.mutants import Mutant, mutants
from tito.audit.trials import SEEDS, Trial, answers_alike, try_changes
from tito.audit.visible import what_checks_say
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.judge.variants import Variant
from tito.source.catalogue import Catalogue, with_solution
from tito.source.percent import Cell
from tito.syntax import parse

CHEAP_SEEDS = (1, 2, 3, 4)  # more than two, for what solves nothing may be right by chance


def count(pack: Pack, report: Report) -> None:
    """Count, and find exercises without hidden tests."""
    exercises = [cell.name for cell in pack.cells if cell.role == "exercise"]
    report.figures["exercises"] = len(exercises)
    report.figures["observations"] = sum(isinstance(s, Observation) for s in pack.program)
    for name in exercises:
        if name not in pack.exercises:
            report.add("hidden tests", name, "its check has no hidden tests, so it gives no points")


def answers(pack: Pack, report: Report) -> None:
    """Find observations whose answers could be made up, or had without solving the exercise."""
    for observation in answers_alike(pack):
        report.add(
            "answers",
            observation.exercise,
            f"{observation.name}: its answer hardly depends on the inputs and could be made up",
        )
    cheap = [
        (label, Variant(cell.name, with_solution(cell.source, text)))
        for cell in pack.cells
        if cell.role == "exercise"
        for label, text in cheap_solutions(cell)
    ]
    variants = [variant for _, variant in cheap]
    enough = {
        (variant.exercise, name, label): None
        for seed in CHEAP_SEEDS
        for (label, variant), trial in zip(cheap, try_changes(pack, variants, seed), strict=True)
        for name in trial.kept
    }
    for exercise, name, label in enough:
        report.add("answers", exercise, f"{name}: {label!r} is enough to pass it")


def cheap_solutions(cell: Cell) -> list[tuple[str, str]]:
    """What somebody might write who has solved nothing: a name for each, and the text."""
    return [
        ("return None", "return None"),
        ("return the first argument", f"return {_first_argument(cell)}"),
        ("raise", 'raise ValueError("no")'),
    ]


def _first_argument(cell: Cell) -> str:
    functions = (n for n in ast.walk(parse(cell.source)) if isinstance(n, ast.FunctionDef))
    names = [[a.arg for a in f.args.args if a.arg not in ("self", "cls")] for f in functions]
    common = set.intersection(*map(set, names)) if names else set()
    first = [given[0] for given in names if given]
    return next((name for name in first if name in common), "self" if not first else first[0])


def all_mutants(pack: Pack, catalogue: Catalogue, report: Report) -> None:
    """Try every mutant of every solution; those that have a name are to have the right one."""
    made = [m for cell in pack.cells if cell.role == "exercise" for m in mutants(cell)]
    variants = [Variant(m.exercise, m.source) for m in made]
    trials = {seed: try_changes(pack, variants, seed) for seed in SEEDS}
    surviving = [m for m, *tried in zip(made, *trials.values(), strict=True) if _lives(tried)]
    names_of_mutants(pack, catalogue, made, trials, report)
    known = {(e.exercise, e.old, e.new) for e in catalogue.equivalents}
    report.survivors = [m for m in surviving if _key(m) not in known]
    report.equivalents = list(catalogue.equivalents)
    report.figures |= {
        "mutants": len(made),
        "killed": len(made) - len(surviving),
        "equivalent": len(surviving) - len(report.survivors),
        "survivors": len(report.survivors),
    }
    for m in report.survivors:
        report.add("mutants", m.exercise, f"keeps all points with {m.new!r} instead of {m.old!r}")
    for exercise, old, new in sorted(known - {_key(m) for m in surviving}):
        report.add(
            "mutants",
            exercise,
            f"{new!r} instead of {old!r} is listed as equivalent, and is no surviving mutant",
        )


def _lives(trials: list[Trial]) -> bool:
    """Whether a changed exercise keeps all its points with one of the seeds."""
    return any(not trial.lost for trial in trials)


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.exercise, mutant.old, mutant.new


LEAST_MISTAKES = {"07_autograd": 15, "15_derivatives": 12}


def visible(pack: Pack, catalogue: Catalogue, report: Report) -> None:
    """See what the visible checks say to each mistake."""
    least = LEAST_MISTAKES.get(pack.folder, 6)
    if len(catalogue.mistakes) < least:
        report.add(
            "visible", "mistakes.py", f"it has {len(catalogue.mistakes)} mistakes, not {least}"
        )
    report.shown = what_checks_say(pack, catalogue.mistakes)
    report.figures |= {
        "mistakes": len(catalogue.mistakes),
        "shown": sum(s.helps for s in report.shown),
        "hidden": sum(bool(s.mistake.hidden) for s in report.shown),
    }
    for shown in report.shown:
        if not shown.helps and not shown.mistake.hidden:
            came = f"says only {shown.message!r}" if shown.message else "passes"
            report.add(
                "visible", shown.mistake.exercise, f"{shown.mistake.name}: the visible check {came}"
            )
        elif shown.helps and shown.mistake.hidden:
            report.add(
                "visible",
                shown.mistake.exercise,
                f"{shown.mistake.name}: marked hidden, but the visible check shows it",
            )


def alternatives(pack: Pack, catalogue: Catalogue, report: Report) -> None:
    """Try right solutions that differ from the reference's: every check is to accept them."""
    sources = {cell.name: cell.source for cell in pack.cells if cell.role == "exercise"}
    solved = {alternative.exercise for alternative in catalogue.alternatives}
    for name in sources:
        if name not in solved:
            report.add("alternatives", name, "mistakes.py has no right alternative for it")
    shown = {s.mistake.name: s for s in what_checks_say(pack, catalogue.alternatives)}
    lost: dict[str, dict[str, None]] = {a.name: {} for a in catalogue.alternatives}
    variants = [Variant(a.exercise, a.made_in(sources[a.exercise])) for a in catalogue.alternatives]
    for seed in SEEDS:
        trials = try_changes(pack, variants, seed)
        for alternative, trial in zip(catalogue.alternatives, trials, strict=True):
            lost[alternative.name] |= dict.fromkeys(trial.lost)
    for alternative in catalogue.alternatives:
        said = shown.get(alternative.name)  # nothing is said where the exercise has no check
        refusal = (said.message or said.error) if said and said.error else ""
        judged = Judged(alternative, refusal, tuple(lost[alternative.name]))
        report.alternatives.append(judged)
        if judged.finding:
            report.add("alternatives", alternative.exercise, judged.finding)
    accepted = sum(not judged.finding for judged in report.alternatives)
    report.figures |= {"alternatives": len(report.alternatives), "accepted": accepted}

"""Is each mistake known again, and nothing else taken for it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tito.audit.alone import costs_its_own_only
from tito.audit.findings import Report
from tito.audit.mutants import Mutant
from tito.audit.trials import Trial, in_parallel, try_changes
from tito.judge.behaviour import Behaviour, behave_alike
from tito.judge.graft import Needs
from tito.judge.pack import Pack
from tito.judge.variants import Variant, changed_cells
from tito.judge.verdicts import grade
from tito.source.catalogue import Catalogue

OTHER_SEEDS = (3, 4)
LUCK = range(5, 13)  # seeds with none of which a mistake is to keep all points
NOTHING = ("", None)


def mistakes_alone(pack: Pack, needs: Needs, catalogue: Catalogue, report: Report) -> None:
    """Grade each mistake alone, with two seeds: it costs its own points, and is known again."""
    variants = _variants(pack, catalogue)
    unknown: dict[str, str] = {}
    for seed in OTHER_SEEDS:
        known = _known(catalogue, try_changes(pack, variants, seed))
        verdicts = in_parallel(
            lambda variant, seed=seed: grade(pack, needs, changed_cells(pack, *variant), seed),
            variants,
        )
        for mistake, verdict in zip(catalogue.mistakes, verdicts, strict=True):
            costs_its_own_only(mistake.exercise, mistake.name, verdict, report)
            found = _name(pack, mistake.exercise, verdict.behaviours.get(mistake.exercise), known)
            ours, theirs = known[mistake.name], known.get(found, NOTHING)
            if not behave_alike(pack, mistake.exercise, ours[1], theirs[1]):
                unknown[mistake.name] = mistake.exercise
    for name, exercise in unknown.items():
        report.add("alone", exercise, f"{name}: its own answers are not known again")
    report.figures["recognised"] = len(catalogue.mistakes) - len(unknown)


def no_mistake_is_lucky(pack: Pack, catalogue: Catalogue, report: Report) -> None:
    """Observe each mistake with some more seeds: it keeps all its points with none of them."""
    variants = _variants(pack, catalogue)
    for seed in LUCK:
        trials = try_changes(pack, variants, seed)
        for mistake, trial in zip(catalogue.mistakes, trials, strict=True):
            if not trial.lost:
                report.add(
                    "alone", mistake.exercise, f"{mistake.name}: passes by luck, seed {seed}"
                )


def names_of_mutants(
    pack: Pack,
    catalogue: Catalogue,
    made: Sequence[Mutant],
    trials: Mapping[int, Sequence[Trial]],
    report: Report,
) -> None:
    """Name mutants by their answers to the inputs of one seed; those to another's are to agree."""
    variants, named = _variants(pack, catalogue), 0
    known = {seed: _known(catalogue, try_changes(pack, variants, seed)) for seed in trials}
    first, *others = trials
    for n, mutant in enumerate(made):
        name = _name(pack, mutant.exercise, trials[first][n].behaviour, known[first])
        named += bool(name)
        for seed in others if name else ():
            ours, theirs = trials[seed][n].behaviour, known[seed][name][1]
            if not behave_alike(pack, mutant.exercise, ours, theirs):
                report.add(
                    "mutants",
                    mutant.exercise,
                    f"{mutant.new!r} instead of {mutant.old!r} is called {name}, and behaves "
                    "otherwise with other inputs",
                )
    report.figures["named"] = named


Behaviours = Mapping[str, tuple[str, Behaviour | None]]


def _variants(pack: Pack, catalogue: Catalogue) -> list[Variant]:
    sources = {cell.name: cell.source for cell in pack.cells if cell.role == "exercise"}
    return [Variant(m.exercise, m.made_in(sources[m.exercise])) for m in catalogue.mistakes]


def _known(catalogue: Catalogue, trials: Sequence[Trial]) -> Behaviours:
    """The exercise and the behaviour of each mistake, by its name."""
    return {
        mistake.name: (mistake.exercise, trial.behaviour)
        for mistake, trial in zip(catalogue.mistakes, trials, strict=True)
    }


def _name(pack: Pack, exercise: str, behaviour: Behaviour | None, known: Behaviours) -> str:
    """The name that the grader gives a behaviour; empty if it has none."""
    return next(
        (
            name
            for name, (where, theirs) in known.items()
            if where == exercise and behave_alike(pack, exercise, behaviour, theirs)
        ),
        "",
    )

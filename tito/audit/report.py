"""What an audit found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tito.audit.catalogue import Equivalent
from tito.audit.mutants import Mutant
from tito.audit.visible import Shown


@dataclass(frozen=True)
class Finding:
    """Something that falls short.

    Attributes
    ----------
    part : str
        The part of the audit: ``"answers"``, ``"mutants"``, ``"leaks"`` …
    where : str
        The exercise or the file.
    what : str
        One sentence.
    """

    part: str
    where: str
    what: str


@dataclass
class Report:
    """The audit of one module.

    Attributes
    ----------
    module : str
        Which: ``07_autograd``.
    figures : dict
        Counts by name: exercises, observations, mutants, killed, equivalent, mistakes, shown …
    findings : list of Finding
        Everything that falls short; empty if all is well.
    survivors : list of Mutant
        The mutants that lost no points and are not known to be equivalent.
    equivalents : list of Equivalent
        The surviving mutants that are known to be no mistakes.
    shown : list of Shown
        What the visible checks say to each mistake.
    seconds : float
        How long it took.
    """

    module: str
    figures: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    equivalents: list[Equivalent] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, part: str, where: str, what: str) -> None:
        """Note something that falls short."""
        self.findings.append(Finding(part, where, what))

    def as_data(self) -> dict:
        """The report as plain data, for JSON."""
        data = asdict(self)
        data["survivors"] = [
            {k: v for k, v in m.items() if k != "source"} for m in data["survivors"]
        ]
        data["shown"] = [
            {"mistake": s.mistake.name, "exercise": s.mistake.exercise, "says": s.mistake.says,
             "error": s.error, "message": s.message, "hidden": s.mistake.hidden}
            for s in self.shown
        ]  # fmt: skip
        return data


COLUMNS: Mapping[str, str] = {
    "exercises": "exercises", "observations": "observations", "mutants": "mutants",
    "killed": "killed", "equivalent": "equivalent", "survivors": "survivors",
    "mistakes": "mistakes", "shown": "shown", "hidden": "hidden",
}  # fmt: skip


def rows(reports: list[Report]) -> list[list[str]]:
    """The table of an audit: a row for each module, the first column its name."""
    return [
        [r.module, *(str(r.figures.get(key, "–")) for key in COLUMNS),
         str(len(r.findings)) if r.findings else "none"]
        for r in reports
    ]  # fmt: skip

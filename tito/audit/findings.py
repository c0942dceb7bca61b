"""What an audit found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tito.audit.mutants import Mutant
from tito.audit.visible import Shown
from tito.source.catalogue import Alternative, Equivalent


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


@dataclass(frozen=True)
class Judged:
    """What the checks say to a right solution.

    Attributes
    ----------
    alternative : Alternative
        Which one.
    refusal : str
        What the visible check says, in one line; nothing if it accepts it.
    lost : tuple of str
        The observations that do not agree with the reference's, with one of the seeds.
    """

    alternative: Alternative
    refusal: str
    lost: tuple[str, ...]

    @property
    def finding(self) -> str:
        """What falls short; nothing if all accept it."""
        hidden, name = ", ".join(self.lost), self.alternative.name
        if self.refusal and self.lost:
            return f"{name}: the visible check says {self.refusal!r}, and it loses {hidden}"
        if self.refusal:
            return f"{name}: hidden tests pass it, but the visible check says {self.refusal!r}"
        return f"{name}: the visible check passes it, but it loses {hidden}" if hidden else ""


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
    alternatives : list of Judged
        What all checks say to each right solution.
    seconds : float
        How long it took.
    made_from : str
        A checksum of what decides whether a solution passes the checks.
    graded_with : str
        A checksum of what release, marks and feedback depend on; of the kit there is none.
    """

    module: str
    figures: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    equivalents: list[Equivalent] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    alternatives: list[Judged] = field(default_factory=list)
    seconds: float = 0.0
    made_from: str = ""
    graded_with: str = ""

    def add(self, part: str, where: str, what: str) -> None:
        """Note something that falls short, once."""
        finding = Finding(part, where, what)
        if finding not in self.findings:
            self.findings.append(finding)

    def as_data(self) -> dict:
        """The report as plain data, for JSON."""
        data = asdict(self)
        data["survivors"] = [
            {k: v for k, v in m.items() if k != "source"} for m in data["survivors"]
        ]
        data["shown"] = [
            {
                "mistake": s.mistake.name,
                "exercise": s.mistake.exercise,
                "says": s.mistake.says,
                "error": s.error,
                "message": s.message,
                "hidden": s.mistake.hidden,
            }
            for s in self.shown
        ]
        data["alternatives"] = [
            {
                "alternative": j.alternative.name,
                "exercise": j.alternative.exercise,
                "explanation": j.alternative.explanation,
                "refusal": j.refusal,
                "lost": list(j.lost),
            }
            for j in self.alternatives
        ]
        return data


COLUMNS: Mapping[str, str] = {
    "exercises": "exercises",
    "observations": "observations",
    "mutants": "mutants",
    "killed": "killed",
    "equivalent": "equivalent",
    "survivors": "survivors",
    "mistakes": "mistakes",
    "shown": "shown",
    "hidden": "hidden",
    "recognised": "recognised",
    "named": "mutants named",
    "accepted": "alternatives",
}


def rows(reports: list[Report]) -> list[list[str]]:
    """The table of an audit: a row for each module, the first column its name."""
    return [
        [
            r.module,
            *(str(r.figures.get(key, "–")) for key in COLUMNS),
            str(len(r.findings)) if r.findings else "none",
        ]
        for r in reports
    ]

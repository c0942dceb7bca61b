"""The page of the documentation that shows what the last audit found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tito.audit.findings import COLUMNS, Report, rows
from tito.audit.made_from import Known
from tito.errors import UsageError
from tito.files import write_atomically

BEGIN, END = "<!-- made by tito audit: -->", "<!-- end -->"
HEADS = ["module", *COLUMNS.values(), "falls short", "made from", "graded with"]
SECTION = re.compile(r"^### (\w+): mutants that are no mistakes\n.*?(?=^### |\Z)", re.M | re.S)


@dataclass(frozen=True)
class Kept:
    """What the page says about a module.

    Attributes
    ----------
    cells : list of str
        Its line in the table: name, figures, what falls short, two checksums.
    section : str
        Its mutants that are no mistakes; empty if there are none.
    """

    cells: list[str]
    section: str

    @property
    def known(self) -> Known:
        """The checksums of what it depends on; none if something falls short, so all is tried."""
        made_from, graded_with = (cell.strip("`–") for cell in self.cells[-2:])
        return Known(made_from, graded_with) if self.cells[-3] == "none" else Known("")


def read_page(path: Path) -> dict[str, Kept]:
    """What a page says, by module; nothing, if it is not there or not such a page."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = text.partition(BEGIN)[2].partition(END)[0]
    sections = {found[1]: found[0].strip() for found in SECTION.finditer(made)}
    kept = {}
    for line in made.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEADS) and cells[0] not in ("module", "---"):
            kept[cells[0]] = Kept(cells, sections.get(cells[0], ""))
    return kept


def write_page(path: Path, reports: list[Report], kept: Mapping[str, Kept] | None = None) -> None:
    """Put the table of an audit, and the mutants that are no mistakes, into a page.

    Parameters
    ----------
    path : Path
        A page in Markdown, with two marks between which the table stands.
    reports : list of Report
        Of all modules that were audited.
    kept : mapping of str to Kept, optional
        What is still true of others, by module; from `read_page`.

    Raises
    ------
    UsageError
        If the page or its marks are not there.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        raise UsageError(f"{path} has no place for the table; write {BEGIN} and {END} into it")
    before, _, rest = text.partition(BEGIN)
    both = dict(kept or {})
    for row, report in zip(rows(reports), reports, strict=True):
        new = Kept(
            [*row, _checksum(report.made_from), _checksum(report.graded_with)], _equivalents(report)
        )
        both[report.module] = _with_what_was_not_tried(new, both.get(report.module))
    both = dict(sorted(both.items()))
    table = [
        _line(HEADS),
        _line(["---"] * len(HEADS)),
        *(_line(one.cells) for one in both.values()),
    ]
    sections = [one.section for one in both.values() if one.section]
    made = "\n\n".join(["\n".join(table), *sections])
    write_atomically(path, f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}")


def _with_what_was_not_tried(new: Kept, old: Kept | None) -> Kept:
    """A new result; where only grading was tried anew, with the old one's figures."""
    if old is None or old.cells[-2] != new.cells[-2]:
        return new
    cells = [
        before if now == "–" else now for now, before in zip(new.cells, old.cells, strict=True)
    ]
    return Kept(cells, new.section or old.section)


def _checksum(text: str) -> str:
    return f"`{text}`" if text else "–"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _equivalents(report: Report) -> str:
    if not report.equivalents:
        return ""
    lines = [
        f"| {e.exercise} | {_code(e.old)} | {_code(e.new)} | {e.because} |"
        for e in report.equivalents
    ]
    heads = [
        "| exercise | instead of | a mutant has | and is no mistake, for |",
        "|" + " --- |" * 4,
    ]
    return "\n".join([f"### {report.module}: mutants that are no mistakes", "", *heads, *lines])


def _code(text: str) -> str:
    """Program text in a cell of a table."""
    lines = [line.replace("|", "\\|") for line in text.splitlines()] or ["nothing"]
    return " ⏎ ".join(f"`{line}`" for line in lines)

"""The page of the documentation that shows what the last audit found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tito.audit.findings import COLUMNS, Report, rows
from tito.errors import UsageError
from tito.files import write_atomically

BEGIN, END = "<!-- made by tito audit: -->", "<!-- end -->"
SECTION = re.compile(r"^### (\w+): mutants that are no mistakes\n.*?(?=^### |\Z)", re.M | re.S)


@dataclass(frozen=True)
class Kept:
    """What the page says about a module.

    Attributes
    ----------
    made_from : str
        The checksum of what that depends on.
    row : str
        Its line in the table.
    section : str
        Its mutants that are no mistakes; empty if there are none.
    """

    made_from: str
    row: str
    section: str


def read_page(path: Path) -> dict[str, Kept]:
    """What a page says, by module; nothing, if it is not there or not such a page."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = text.partition(BEGIN)[2].partition(END)[0]
    sections = {found[1]: found[0].strip() for found in SECTION.finditer(made)}
    kept = {}
    for line in made.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(COLUMNS) + 3 and cells[0] not in ("module", "---"):
            kept[cells[0]] = Kept(cells[-1].strip("`"), line, sections.get(cells[0], ""))
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
    new = {
        report.module: Kept(report.made_from, line, _equivalents(report))
        for report, line in zip(reports, _lines(reports), strict=True)
    }
    both = dict(sorted((dict(kept or {}) | new).items()))
    heads = ["module", *COLUMNS.values(), "falls short", "made from"]
    table = [_line(heads), _line(["---"] * len(heads)), *(one.row for one in both.values())]
    sections = [one.section for one in both.values() if one.section]
    made = "\n\n".join(["\n".join(table), *sections])
    write_atomically(path, f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}")


def _lines(reports: list[Report]) -> list[str]:
    pairs = zip(rows(reports), reports, strict=True)
    return [_line([*row, f"`{report.made_from}`"]) for row, report in pairs]


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

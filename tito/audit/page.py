"""The page of the documentation that shows what the last audit found."""

from __future__ import annotations

from pathlib import Path

from tito.audit.findings import COLUMNS, Report, rows
from tito.errors import UsageError
from tito.files import write_atomically

BEGIN, END = "<!-- made by tito audit: -->", "<!-- end -->"


def write_page(path: Path, reports: list[Report]) -> None:
    """Put the table of an audit, and the mutants that are no mistakes, into a page.

    Parameters
    ----------
    path : Path
        A page in Markdown, with two marks between which the table stands.
    reports : list of Report
        Of all modules.

    Raises
    ------
    UsageError
        If the page or its marks are not there.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        raise UsageError(f"{path} has no place for the table; write {BEGIN} and {END} into it")
    before, _, rest = text.partition(BEGIN)
    made = "\n\n".join([_table(reports), *map(_equivalents, reports)]).strip()
    write_atomically(path, f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}")


def _table(reports: list[Report]) -> str:
    heads = ["module", *COLUMNS.values(), "falls short"]
    lines = [heads, ["---"] * len(heads), *rows(reports)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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

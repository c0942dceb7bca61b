"""The table, in Markdown, and where it goes."""

from __future__ import annotations

import argparse
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from math import isinf
from pathlib import Path

from engines import COMPILED, ENGINES, LIMIT, OURS
from measure import Row
from workloads import COMPILED_TARGETS, WORKLOADS

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
COMPILED_MARKS = "<!-- compiled: begin -->", "<!-- compiled: end -->"


def figure(row: Row, engine: str) -> str:
    """One cell of the table."""
    if engine not in row.figures:
        return row.lacking.get(engine, "–")
    value = row.figures[engine]
    number = f"{value:.0f}" if value >= 20 else f"{value:.2g}" if value < 1 else f"{value:.3g}"
    return number if row.unit == "×" else f"{number} {row.unit}"


def verdict(row: Row) -> str:
    """Whether TinyTorch's target was met in this run, or by how much it was missed."""
    limit = row.target_limit()
    if OURS not in row.figures:
        return "no"
    if isinf(limit):
        return "nothing to compare with"
    return "yes" if row.met() else f"no, {row.figures[OURS] / limit:.1f} times that"


def table(rows: list[Row], engines: list[str]) -> str:
    """The figures of all engines, TinyTorch's beside its targets.

    Parameters
    ----------
    rows : list of Row
        What was measured.
    engines : list of str
        The engines that took part.

    Returns
    -------
    str
        A table in Markdown.
    """
    peers = [engine for engine in engines if engine not in (LIMIT, OURS)]
    head = ["workload", "numpy by hand", "target", "TinyTorch now", "met"]
    lines = [head + [ENGINES[engine].title for engine in peers]]
    lines.append(["---", "---:", "---:", "---:", "---"] + ["---:"] * len(peers))
    for row in rows:
        ours = [row.target.words, f"**{figure(row, OURS)}**", verdict(row)]
        lines.append([row.title, row.limit, *ours, *(figure(row, engine) for engine in peers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def compiled_table(rows: list[Row], engines: list[str]) -> str:
    """The figures of compiled steps, with the targets of lines and of the best backend."""
    targets = {
        WORKLOADS[name].title: (f"≤ {of_lines:g}", f"≤ {of_the_best:g}")
        for name, (of_lines, of_the_best) in COMPILED_TARGETS.items()
    }
    others = [engine for engine in engines if engine not in (LIMIT, *COMPILED)]
    head = ["workload", *(ENGINES[engine].title for engine in [LIMIT, *others, COMPILED[0]])]
    head += ["target", *(ENGINES[engine].title for engine in COMPILED[1:]), "target"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in rows:
        of_lines, of_the_best = targets.get(row.title, ("–", "≤ 20 MiB"))
        cells = [figure(row, engine) for engine in [*others, COMPILED[0]]]
        cells += [of_lines, *(figure(row, engine) for engine in COMPILED[1:]), of_the_best]
        lines.append([row.title, row.limit, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def circumstances(engines: list[str], rounds: int) -> str:
    """What the figures were made with, in two sentences."""
    versions = ", ".join(
        f"{ENGINES[engine].title} {found}"
        for engine in engines
        if engine not in (LIMIT, OURS) and (found := version_of(engine))
    )
    return (
        f"Made with Python {platform.python_version()} and numpy {version_of(LIMIT)} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {rounds} rounds; BLAS "
        f"and PyTorch pinned to one thread. Peers: {versions or 'none'}."
    )


def version_of(engine: str) -> str:
    """The version of an engine's distribution; empty if it is not known."""
    try:
        return version(ENGINES[engine].distribution).partition("+")[0]
    except PackageNotFoundError:
        return ""


def spreads(row: Row, engines: list[str]) -> str:
    """The medians of one row with their ranges, for the terminal."""
    parts = []
    for engine in engines:
        low, high = row.ranges.get(engine, (0, 0))
        spread = f" ({low:.3g}–{high:.3g})" if high > low else ""
        parts.append(f"    {ENGINES[engine].title:14} {figure(row, engine)}{spread}")
    return "\n".join([f"  {row.title} [{row.unit}], numpy by hand {row.limit}", *parts])


def only_printing(about: str | None) -> bool:
    """Read the command line of a measurement without a choice: whether README.md stays as it is."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--print", action="store_true", help="leave README.md as it is")
    return parser.parse_args().print


def write_between_marks(readme: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replace what stands between the two marks of a document."""
    old = readme.read_text(encoding="utf-8")
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    new, count = re.subn(pattern, lambda _: f"{begin}\n\n{text}\n\n{end}", old, flags=re.S)
    if count != 1:
        raise SystemExit(f"{readme.name} needs the marks {begin} and {end} exactly once")
    beside = readme.with_name(readme.name + ".new")
    beside.write_text(new, encoding="utf-8")
    beside.replace(readme)

"""The page of a class: one file that needs no network, no server and no script."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from tito.author.cells_as_html import highlighting, source_html
from tito.insights.class_report import BINS, ExerciseReport, ModuleReport
from tito.insights.item_statistics import FEWEST
from tito.insights.svg import bars, shares

PAGES = Path(__file__).with_name("pages")
MOST_DAYS = 14  # bars; whoever took longer is in the last one
MOST_EVIDENCE = math.log(1e6)  # more than that, chance is not known so well
HARDEST = 3  # exercises that a term's page names


def class_page(reports: Sequence[ModuleReport], anonymous: bool = False) -> str:
    """The page, as HTML.

    Parameters
    ----------
    reports : sequence of ModuleReport
        Of one module, or of several, which then stand side by side first.
    anonymous : bool
        Whether students are numbers in them, which the page then says.
    """
    return _template().render(
        reports=reports,
        anonymous=anonymous,
        fewest=FEWEST,
        highlighting=highlighting(),
    )


def as_json(reports: Sequence[ModuleReport], anonymous: bool = False) -> str:
    """The same as JSON."""
    data = {"anonymous": anonymous, "modules": [asdict(report) for report in reports]}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def histogram_of_marks(report: ModuleReport) -> Markup:
    """How many students have up to 10 % of the points, up to 20 %, and so on."""
    width = 100 // BINS
    said = "; ".join(
        f"{count} from {n * width} to {(n + 1) * width} %"
        for n, count in enumerate(report.histogram)
        if count
    )
    edges = [f"{n * width}" for n in range(BINS + 1)]
    return bars(report.histogram, edges, "% of the points", f"Students by mark: {said or 'none'}")


def histogram_of_days(report: ModuleReport) -> Markup:
    """How many students handed in on the first day after the release, on the second, and so on."""
    per_bar = max(1, math.ceil((max(report.days, default=0) + 1e-9) / MOST_DAYS))
    counts = [0] * MOST_DAYS
    for days in report.days:
        counts[min(MOST_DAYS - 1, int(days // per_bar))] += 1
    last = max((n for n, count in enumerate(counts) if count), default=0) + 1
    edges = [str(n * per_bar) for n in range(last + 1)]
    said = "; ".join(f"{c} after {n * per_bar} days" for n, c in enumerate(counts) if c)
    return bars(counts[:last], edges, "days after the release", f"Students by day: {said}")


def shares_of(exercise: ExerciseReport) -> Markup:
    """How many have all points of an exercise, some, and none, as a bar."""
    parts = (exercise.full, "all points"), (exercise.partial, "some"), (exercise.none, "none")
    return shares(parts)


def hardest(report: ModuleReport) -> list[ExerciseReport]:
    """The exercises in which most students lost points."""
    counting = [one for one in report.exercises if not one.does_not_count]
    lost = [one for one in counting if one.partial + one.none]
    return sorted(lost, key=lambda one: (-one.partial - one.none, one.name))[:HARDEST]


def people(count: int, of: int | None = None) -> str:
    """A number of students in words."""
    if of is not None:
        return f"{count} of {of} students"
    return "1 student" if count == 1 else f"{count} students"


def by_chance(evidence: float) -> str:
    """How often chance makes a pair so alike, in words; not more exact than it is."""
    if evidence > MOST_EVIDENCE:
        return "less than 1 pair in a million"
    pairs = math.exp(evidence)
    digits = 10 ** math.floor(math.log10(pairs))
    return f"about 1 pair in {round(pairs / digits) * digits:,.0f}"


def in_words(name: str) -> str:
    """The name of an observation, in words."""
    return name.replace("_", " ")


def percent(share: float) -> str:
    """A share in words."""
    return f"{100 * share:.0f} %"


@functools.cache
def _template():
    from tito.author import feedback_page

    folders = [PAGES, Path(feedback_page.__file__).with_name("pages")]
    environment = Environment(loader=FileSystemLoader(folders), autoescape=True)
    environment.globals.update(
        histogram_of_marks=histogram_of_marks,
        histogram_of_days=histogram_of_days,
        shares_of=shares_of,
        hardest=hardest,
        people=people,
        by_chance=by_chance,
    )
    environment.filters.update(percent=percent, highlighted=source_html, in_words=in_words)
    return environment.get_template("class.html")

"""An instructor's commands: each calls one function that can be used from Python as well."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tito.cli.shared import chosen, cli, one_module, table
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import printable
from tito.source.modules_and_others import Assigned, all_assignments, find_assignment


def chosen_assignments(names: tuple[str, ...]) -> list[Assigned]:
    """The modules and other assignments that a command is given; all, if it is given none."""
    course = Course.find()
    found = [find_assignment(course, name) for name in names]
    return found or all_assignments(course) or chosen(())


def one_assignment(function):
    """A command for one module or other assignment, given as its argument or with --module."""
    return one_module(function, find_assignment)


@cli.command()
@click.argument("modules", nargs=-1)
def build(modules: tuple[str, ...]) -> None:
    """Make the instructor's notebooks from the sources, and check those of other assignments."""
    from tito.author.build import build as build_notebook
    from tito.author.ordinary import check_sources

    for one in chosen_assignments(modules):
        for path in [build_notebook(one)] if isinstance(one, Module) else check_sources(one):
            click.echo(path.relative_to(one.root))


@cli.command()
@click.argument("modules", nargs=-1, required=True)
def shorten(modules: tuple[str, ...]) -> None:
    """Turn nbgrader={…} in the headers of a source into the short form."""
    from tito.source.percent import shorten as shorten_source

    for module in chosen(modules):
        count = shorten_source(module)
        click.echo(f"{module.source.relative_to(module.root)}: {count} headers shortened")


@cli.command()
@click.argument("modules", nargs=-1, required=True)
def release(modules: tuple[str, ...]) -> None:
    """Build modules or other assignments, and make the notebooks that students get."""
    from tito.author.ordinary import release_ordinary
    from tito.author.release import release as release_module

    for one in chosen_assignments(modules):
        for path in [release_module(one)] if isinstance(one, Module) else release_ordinary(one):
            click.echo(path.relative_to(one.root))


@cli.command()
@one_assignment
@click.option("--student", "students", multiple=True, help="Only this one; may be repeated.")
@click.option("--force", is_flag=True, help="Also what is graded already and has not changed.")
@click.option("--jobs", type=int, help="How many at once; by default the cores, and one more.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Grade on the Dask cluster at this tcp:// address."
)
@click.option("--no-sandbox", is_flag=True, help="Run submissions with all your rights.")
@click.option("--take", multiple=True, help="This zip file, which waits for you to look at it.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, and no table.")
def grade(
    module: Assigned, students: tuple[str, ...], no_sandbox: bool, as_json: bool, **settings
) -> None:
    """Grade what was handed in under submitted/, and say what became of each.

    What is graded already and has not changed is left as it is. Whatever interrupts the command,
    the same command goes on where it stopped.
    """
    from tito.author.grade import grade as grade_module
    from tito.grading.live_view import shown
    from tito.grading.submissions import not_looked_at

    report = grade_module(
        module, students, progress=shown(as_json), sandboxed=not no_sandbox, **settings
    )
    if not as_json:
        _show_grading(module, report)
    without = [printable(g.student) for g in report if g.score is None]
    if without:
        click.echo(f"Without a new mark: {', '.join(without)}.", err=True)
    if aside := not_looked_at(Course(module.root)):
        click.echo(f"Not looked at, as it is no assignment's folder: {', '.join(aside)}.", err=True)
    sys.exit(1 if without else 0)


def _show_grading(module: Assigned, report: list) -> None:
    from tito.grading.report import STATES

    rows = [
        [
            printable(g.student),
            g.state,
            "–" if g.score is None else f"{g.score:g} of {g.most:g}",
            str(g.by_hand or "–"),
            "; ".join([*(f"FLAGGED: {f}" for f in g.flags), *g.notes]),
        ]
        for g in report
    ]
    table(module.folder, ["student", "state", "mark", "to mark by hand", "notes"], rows)
    counts = [(state, sum(g.state == state for g in report)) for state in STATES]
    old = sum(not g.new for g in report)
    said = ", ".join(f"{count} {state}" for state, count in counts if count)
    click.echo(f"{said}." + (f" Of these, {old} had been graded before." if old else ""))


@cli.command()
@one_assignment
@click.option("--student", "students", multiple=True, help="Only this one; may be repeated.")
def feedback(module: Assigned, students: tuple[str, ...]) -> None:
    """Write what students get back, under feedback/."""
    from tito.author import marks

    marks.feedback(module, students, lambda page: click.echo(page.relative_to(module.root)))
    if waiting := marks.not_marked_yet(module, students):
        click.echo(f"Not marked yet: {waiting}; the pages say so.")


@cli.command()
@click.argument("modules", nargs=-1)
@click.option(
    "--csv", "path", type=click.Path(path_type=Path), help="Also write them to this file."
)
def scores(modules: tuple[str, ...], path: Path | None) -> None:
    """Show the marks in the gradebook."""
    from tito.author import marks, sharing
    from tito.files import write_atomically

    found = marks.scores(Course.find(), chosen_assignments(modules))
    rows = [
        [
            printable(student),
            module,
            f"{sum(s.score for s in lines):g}",
            f"{sum(s.most for s in lines):g}",
            str(sum(s.by_hand for s in lines) or "–"),
        ]
        for (student, module), lines in marks.totals(found).items()
    ]
    table("", ["student", "module", "mark", "of", "to mark by hand"], rows)
    for line in sharing.twice(Course.find(), chosen_assignments(modules)):
        click.echo(printable(f"Marked by two: {line}"))
    if path:
        write_atomically(path, marks.scores_csv(found))
        click.echo(path)


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder.")
def kit(out: Path) -> None:
    """Make what students get: tools, notebooks, and a library without solutions."""
    from tito.author.kit import make_kit

    files = make_kit(Course.find(), out.absolute())
    click.echo(f"{out}: {len(files)} files, no solution and no hidden test in any of them.")


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--part", "only", multiple=True, help="Only this part; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    help="Also put the table into this page; what it has and is still true is not tried again.",
)
@click.option("--all", "everything", is_flag=True, help="Try everything, whatever the page says.")
def audit(
    modules: tuple[str, ...],
    only: tuple[str, ...],
    as_json: bool,
    page: Path | None,
    everything: bool,
) -> None:
    """Try wrong solutions on the checks: does one keep its points, does anything leak?"""
    from tito.audit import audit as auditing

    auditing.check_parts(only)
    from tito.audit.page import read_page, write_page

    if page and only:
        raise UsageError("a page shows all parts; leave out --part, or --page")
    kept = read_page(page) if page and not everything else {}
    known = {name: one.made_from for name, one in kept.items()}
    reports = []
    for report in auditing.run(
        chosen_sources(modules), only, lambda text: click.echo(text, err=True), known
    ):
        reports.append(report)
        if page:  # at once: what has been found stays, should the rest be interrupted
            write_page(page, reports, kept)
    if as_json:
        click.echo(json.dumps([report.as_data() for report in reports], indent=1))
    else:
        _show_audit(reports)
    sys.exit(1 if any(report.findings for report in reports) else 0)


def chosen_sources(names: tuple[str, ...]) -> list[Module]:
    """The modules that a command of the instructor is given."""
    if not Course.find().has_sources:
        raise UsageError("this needs the instructor's checkout; there are no sources here")
    return chosen(names)


def _show_audit(reports) -> None:
    from tito.audit import findings as reporting

    columns = ["module", *reporting.COLUMNS.values(), "findings"]
    table("", columns, reporting.rows(reports))
    for report in reports:
        for finding in report.findings:
            click.echo(f"{report.module}, {finding.part}, {finding.where}: {finding.what}")


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), help="An empty folder to work in.")
def demo(out: Path | None) -> None:
    """Do the whole job on module 7 with three made-up students."""
    import tempfile
    import time

    if not Course.find().has_sources:
        raise UsageError(
            "a demonstration needs the instructor's checkout; there are no sources here"
        )
    from tito.author import demo as demonstration

    begin = time.monotonic()
    if out is None:
        out = Path(tempfile.mkdtemp(prefix="tinytorch-demo-"))
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise UsageError(f"{out} is not empty; choose another folder with --out")
    shown = demonstration.run(Course.find(), out.absolute(), click.echo)
    _show_demo(shown)
    click.echo(f"Done in {time.monotonic() - begin:.0f} s; the checkout is as it was.")


def _show_demo(shown) -> None:
    students = sorted({score.student for score in shown.scores})
    by_exercise: dict[str, dict] = {}
    for score in shown.scores:
        by_exercise.setdefault(score.exercise, {})[score.student] = score
    rows = [
        [name, *(f"{marks[s].score:g}" for s in students), f"{marks[students[0]].most:g}"]
        for name, marks in by_exercise.items()
    ]
    sums = [sum(s.score for s in shown.scores if s.student == student) for student in students]
    most = sum(s.most for s in shown.scores if s.student == students[0])
    rows.append(["all", *(f"{total:g}" for total in sums), f"{most:g}"])
    table("Marks in 07_autograd", ["exercise", *students, "of"], rows)
    click.echo("What the students get back:")
    for page in shown.pages:
        click.echo(f"  {page}")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def selftest(arguments: tuple[str, ...]) -> None:
    """Run the project's own test suite; arguments are passed on to pytest."""
    import importlib.util
    import subprocess

    root = Course.find().root
    if importlib.util.find_spec("pytest") is None:
        raise TitoError("pytest is missing; run: pip install --group dev")
    if not (root / "tests").is_dir():
        raise UsageError(f"{root} has no tests; they are in the instructor's checkout")
    parallel = [] if arguments else ["-n", "auto", "--dist", "loadgroup"]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *parallel, *arguments], cwd=root))

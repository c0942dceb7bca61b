"""An instructor's commands: each calls one function that can be used from Python as well."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from inspect import cleandoc
from pathlib import Path

import click

from tito.cli import student
from tito.cli.shared import chosen, cli, in_a_kit, one_module, say, table
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import printable
from tito.source.modules_and_others import Assigned, all_assignments, find_assignment

FOR_INSTRUCTORS = """An instructor's path: roster, kit, release, collect, grade, feedback, scores.
That of a student stands above."""
if not in_a_kit():
    cli.help = f"{cleandoc(cli.help)}\n\n{FOR_INSTRUCTORS}"


def chosen_assignments(names: tuple[str, ...]) -> list[Assigned]:
    """The modules and other assignments that a command is given; all, if it is given none."""
    course = Course.find()
    found = [find_assignment(course, name) for name in names]
    return found or all_assignments(course) or chosen(())


def one_assignment(function):
    """A command for one module or other assignment, given as its argument or with --module."""
    return one_module(function, find_assignment)


# Where there are sources, three of the student's commands can do more.


@cli.command()
@one_module
def start(module: Module) -> None:
    """Put a module's notebook on your desk; your work is never overwritten."""
    if Course(module.root).has_sources and not module.released.exists():
        from tito.author.release import release as release_module  # takes a second to load

        release_module(module)
    student.start.callback(module.folder, None)


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--reference", is_flag=True, help="Regenerate the library from the sources.")
def export(modules: tuple[str, ...], reference: bool) -> None:
    """Write your notebook's code to tinytorch/core."""
    if not reference:
        return student.export.callback(modules)
    if not Course.find().has_sources:
        raise UsageError("--reference needs the sources, and there are none here; leave it out")
    from tito.source.reference import export_reference

    for module in chosen(modules):
        click.echo(export_reference(module).relative_to(module.root))


@cli.command()
@one_module
@click.option("--student", "name", help="Of what was handed in by this student.")
def diff(module: Module, name: str | None) -> None:
    """Show what you changed against the released notebook, cell by cell."""
    from tito.notebook.read import read_notebook

    if name is None:
        return student.show_changes(module)
    path = module.root / "submitted" / name / module.folder / module.notebook
    if not path.exists():
        raise UsageError(f"{name} has not handed in {module.folder}; there is no {path}")
    student.show_changes(module, read_notebook(path))


@cli.command()
@click.argument("modules", nargs=-1)
def build(modules: tuple[str, ...]) -> None:
    """Make the instructor's notebooks from the sources, and check those of other assignments."""
    from tito.author.build import build as build_notebook
    from tito.author.ordinary import check_sources

    for one in chosen_assignments(modules):
        for path in [build_notebook(one)] if isinstance(one, Module) else check_sources(one):
            click.echo(path.relative_to(one.root))
        say_what_is_kept_back(one)


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
        say_what_is_kept_back(one)


def say_what_is_kept_back(one: Assigned) -> None:
    """Say which files of an ordinary assignment students do not get."""
    from tito.author.ordinary import kept_back

    if not isinstance(one, Module) and (sentence := kept_back(one)):
        click.echo(sentence)


@cli.command()
@click.argument("path", metavar="FILE.csv", type=click.Path(path_type=Path))
def roster(path: Path) -> None:
    """Put the students of a list into the gradebook: Canvas', Moodle's, or id, name and email."""
    from tito.author.lms.rosters import enrol, read_roster
    from tito.steps.notes import some_of

    course, found = Course.find(), read_roster(path)
    changes = enrol(course, found)
    said = (
        f"{len(changes.added)} added, {len(changes.changed)} changed, {len(changes.left)} as before"
    )
    if changes.absent:
        said += f"; in the gradebook and not in this list, and kept: {some_of(changes.absent)}"
    if found.left_out:
        said += f"; rows of no student: {some_of(found.left_out)}"
    click.echo(printable(f"{path.name} ({found.kind}): {said}."))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("module_name", metavar="MODULE", required=False)
def collect(path: Path, module_name: str | None) -> None:
    """Put the hand-ins of a download of Canvas, Moodle or Gradescope where grade finds them.

    PATH is the zip file as it was downloaded, or a folder that it was unpacked to.
    """
    from tito.author.lms import collect as collecting

    course = Course.find()
    only = find_assignment(course, module_name) if module_name else None
    outcomes = collecting.collect(course, path, only)
    counts = Counter(one.state for one in outcomes)
    click.echo(", ".join(f"{count} {state}" for state, count in counts.most_common()) + ".")
    for one in outcomes:
        if one.note or one.state in collecting.LEFT_OVER:
            say(printable(f"{one.name}: {', '.join(filter(None, (one.state, one.note)))}"))
    left = [one for one in outcomes if one.state in collecting.LEFT_OVER]
    if left:
        click.echo(
            f"Look at them in {collecting.ASIDE}/; put what is a hand-in into "
            "submitted/STUDENT/MODULE/ by hand.",
            err=True,
        )
    sys.exit(1 if left else 0)


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
@click.option("--watch", is_flag=True, help="Grade and answer what comes in, until Ctrl-C.")
@click.option("--tries", default=3, help="With --watch: how many answers a student gets a day.")
@click.option("--every", default=30.0, help="With --watch: seconds from one look to the next.")
def grade(
    module: Assigned,
    students: tuple[str, ...],
    no_sandbox: bool,
    as_json: bool,
    watch: bool,
    tries: int,
    every: float,
    **settings,
) -> None:
    """Grade what was handed in under submitted/, and say what became of each.

    What is graded already and has not changed is left as it is. Whatever interrupts the command,
    the same command goes on where it stopped.
    """
    from tito.author.grade import grade as grade_module
    from tito.grading.live_view import shown
    from tito.grading.submissions import not_looked_at

    if watch:
        others = [students, no_sandbox, as_json, *settings.values()]
        if any(others):
            raise UsageError("--watch goes with --tries and --every, and with nothing else")
        return _grade_on_submit(module, tries, every)
    report = grade_module(
        module, students, progress=shown(as_json), sandboxed=not no_sandbox, **settings
    )
    if not as_json:
        _show_grading(module, report)
        if isinstance(module, Module):
            _show_mistakes(module)
    without = [printable(g.student) for g in report if g.score is None]
    if without:
        click.echo(f"Without a new mark: {', '.join(without)}.", err=True)
    if aside := not_looked_at(Course(module.root)):
        click.echo(f"Not looked at, as it is no assignment's folder: {', '.join(aside)}.", err=True)
    sys.exit(1 if without else 0)


def _grade_on_submit(module: Assigned, tries: int, every: float) -> None:
    from tito.author.on_submit import Answer, watch

    def show(answer: Answer) -> None:
        graded, name = answer.graded, printable(answer.student)
        mark = "waits, its tries of today are used up"
        if graded:
            mark = graded.state if graded.score is None else f"{graded.score:g} of {graded.most:g}"
        click.echo(f"{name}: {mark}; {answer.path.relative_to(module.root)}")

    click.echo(f"Looking for hand-ins of {module.folder} every {every:g} s; Ctrl-C ends.")
    watch(module, show, tries, every, on_trouble=lambda text: say(f"tito: {text}", err=True))


def _show_mistakes(module: Module) -> None:
    """Show the known mistakes that most students made; nothing if there are none."""
    from tito.grading.naming import missed, most_common

    try:
        found = missed(Course(module.root), module, grouped=False)
    except TitoError as error:  # the marks are written all the same
        return say(f"Mistakes are not named: {error}", err=True)
    for one, count in most_common(found, 5):
        click.echo(f"{one.exercise}, {count} × {one.mistake}: {printable(one.says)}")


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
    from tito.author.feedback import feedback as write_feedback

    write_feedback(
        module,
        students,
        on_page=lambda page: click.echo(page.relative_to(module.root)),
        on_trouble=lambda text: say(f"tito: {text}", err=True),
    )
    if waiting := marks.not_marked_yet(module, students):
        click.echo(f"Not marked yet: {waiting}; the pages say so.")


@cli.command()
@click.argument("modules", nargs=-1)
@click.option(
    "--csv", "path", type=click.Path(path_type=Path), help="Also write them to this file."
)
@click.option(
    "--for",
    "platform",
    type=click.Choice(["canvas", "moodle", "gradescope"]),
    help="Write the file as this platform takes it: a line for each student of the roster.",
)
def scores(modules: tuple[str, ...], path: Path | None, platform: str | None) -> None:
    """Show the marks in the gradebook, and who handed in nothing."""
    from tito.author import marks, sharing
    from tito.files import write_atomically

    if platform and not path:
        raise UsageError("--for says how a file is written; name the file with --csv FILE")
    course, chosen_ones = Course.find(), chosen_assignments(modules)
    found = marks.scores(course, chosen_ones)
    unmarked = marks.without_mark(course, chosen_ones)
    _show_scores(found, unmarked)
    for line in sharing.twice(course, chosen_ones):
        click.echo(printable(f"Marked by two: {line}"))
    if platform:
        _write_mark_file(course, chosen_ones, platform, path)
    elif path:
        write_atomically(path, marks.scores_csv(found, unmarked))
        click.echo(path)


def _show_scores(found: list, unmarked: list) -> None:
    from tito.author import marks

    rows = [
        [
            printable(student),
            module,
            f"{sum(s.score for s in lines):g}",
            f"{sum(s.most for s in lines):g}",
            str(sum(s.by_hand for s in lines) or "–"),
            "",
        ]
        for (student, module), lines in marks.totals(found).items()
    ]
    rows += [[printable(u.student), u.module, "–", f"{u.most:g}", "–", u.why] for u in unmarked]
    columns = ["student", "module", "mark", "of", "to mark by hand", "notes"]
    shown = len(columns) if unmarked else len(columns) - 1
    table("", columns[:shown], [row[:shown] for row in rows])


def _write_mark_file(course: Course, modules: list, platform: str, path: Path) -> None:
    from tito.author.lms.mark_files import mark_file
    from tito.files import write_atomically
    from tito.steps.notes import some_of

    written = mark_file(course, modules, platform)
    write_atomically(path, written.text)
    click.echo(f"{path}: {written.students} students, for {platform.capitalize()}.")
    for why, who in written.left_out.items():
        click.echo(printable(f"{why}: {some_of(who)}."), err=True)


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder.")
@click.option(
    "--colab",
    metavar="ADDRESS",
    help="Also make notebooks for Colab, in OUT-colab, which you then put at this address.",
)
def kit(out: Path, colab: str | None) -> None:
    """Make what students get: tools, notebooks, and a library without solutions."""
    from tito.author.colab import make_colab, refuse
    from tito.author.kit import make_kit

    course, for_colab = Course.find(), Path(f"{out}-colab")
    if colab is not None:
        refuse(for_colab, colab)
    files = make_kit(course, out.absolute())
    click.echo(f"{out}: {len(files)} files, no solution and no hidden test in any of them.")
    if colab is not None:
        files = make_colab(course, out.absolute(), for_colab.absolute(), colab)
        click.echo(f"{for_colab}: {len(files)} files; put all of them at {colab}")


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder.")
@click.option("--pdf", is_flag=True, help="Also print each lesson, with the Chromium installed.")
@click.option("--lite", is_flag=True, help="Also make a JupyterLite with the notebooks.")
@click.option(
    "--pyodide",
    type=click.Path(path_type=Path),
    help="For --lite: a full distribution of pyodide, as a folder or an archive.",
)
def site(out: Path, pdf: bool, lite: bool, pyodide: Path | None) -> None:
    """Make a web site of the course: lessons with their outputs, manuals, the library.

    What has not changed since the last time is not run again. The site needs no server and loads
    nothing from elsewhere. With --lite, the notebooks run in the reader's browser; this part needs
    a web server, and Python for browsers, which --pyodide names.
    """
    from tito.site.make_site import make_site
    from tito.site.pyodide import refuse_options

    refuse_options(lite, pyodide)
    built = make_site(
        Course.find(),
        out.absolute(),
        lambda text: say(text, err=True),
        pdf=pdf,
        pyodide=pyodide and pyodide.absolute(),
    )
    ran = f"{len(built.ran)} lessons were run" if built.ran else "no lesson had to be run"
    click.echo(f"{out}: {built.pages} pages, no solution and no hidden test in any; {ran}.")


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
    known = {name: one.known for name, one in kept.items()}
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
    from tito.author.kit import refuse_unless_new

    begin = time.monotonic()
    if out is None:
        out = Path(tempfile.mkdtemp(prefix="tinytorch-demo-"))
    refuse_unless_new(out)
    out.mkdir(parents=True, exist_ok=True)
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
    # One more than the cores, since tests of browsers and notebooks also wait.
    parallel = [] if arguments else ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadgroup"]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *parallel, *arguments], cwd=root))


@cli.command()
@one_assignment
@click.argument("exercise", required=False)
@click.option("--full-marks", is_flag=True, help="Everybody has its points.")
@click.option("--leave-out", is_flag=True, help="It is taken out of the sum.")
@click.option("--because", default="", metavar="TEXT", help="What students read about it.")
@click.option("--undo", is_flag=True, help="It counts again, with the marks it had.")
def void(
    module: Assigned,
    exercise: str | None,
    full_marks: bool,
    leave_out: bool,
    because: str,
    undo: bool,
) -> None:
    """Have a faulty exercise count no more, or show which do not."""
    from tito.author import voiding

    if exercise is None:
        found = voiding.exercises_without_marks(module)
        rows = [[v.cell.removeprefix("test-"), v.how, f"{v.points:g}", v.because] for v in found]
        table(module.folder, ["does not count", "how", "points", "because"], rows)
        return
    if full_marks + leave_out + undo != 1:
        raise UsageError("choose one: --full-marks, --leave-out, or --undo")
    if undo:
        voiding.count_again(module, exercise)
        click.echo(f"{exercise} counts again, with the marks it had.")
        return
    count = voiding.void_exercise(module, exercise, leave_out, because)
    what = "is left out of the sum" if leave_out else "gives everybody its points"
    click.echo(f"{exercise} {what}: {count} marks. Those that were given are kept (--undo).")


@cli.command()
@one_assignment
@click.argument("time", required=False)
@click.option("--never", is_flag=True, help="It has no due date any more.")
def due(module: Assigned, time: str | None, never: bool) -> None:
    """Say when a module is due, or show it: tito due 07_autograd "2026-12-01 18:00 +01:00"."""
    from tito.author import dates

    if time and never:
        raise UsageError("give a time, or --never, not both")
    if time or never:
        dates.set_due(module, dates.read_time(time) if time else None)
    course = Course(module.root)
    found = dates.due_dates(course, [module]).get(module.folder)
    click.echo(f"{module.folder} is due {dates.shown(found) if found else 'at no time'}.")
    for name, until in dates.all_extensions(course, [module])[module.folder].items():
        click.echo(f"{printable(name)} has until {dates.shown(until)}.")
    if time or never:
        say("Students see it in status and on receipts once you hand out a new kit: tito kit")


@cli.command()
@one_assignment
@click.argument("student")
@click.option("--until", metavar="TIME", help="A time with its zone, or how much longer: 48 h.")
@click.option("--undo", is_flag=True, help="The due date is for this student as well.")
def extend(module: Assigned, student: str, until: str | None, undo: bool) -> None:
    """Give a student more time, also before anything was handed in."""
    from tito.author import dates

    if bool(until) == undo:
        raise UsageError("say --until when, or --undo")
    time = dates.give_extension(module, student, until)
    said = f"has until {dates.shown(time)}" if time else "has no extension any more"
    click.echo(f"{printable(student)} {said} for {module.folder}.")

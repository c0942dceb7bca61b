"""The command line: each command calls one function that can be used from Python as well."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import sys
from pathlib import Path

import click

from tito.course import Course, Module
from tito.errors import TitoError, UsageError

STUDENTS = ("start", "jupyter", "test", "export", "submit", "status", "reset", "doctor")


FOR_STUDENTS = """Build a deep-learning framework, module by module.

Your path: start, jupyter, test, export, submit. Where you stand: status; to begin again:
reset; what is missing: doctor.
"""


def _in_a_kit() -> bool:
    try:
        return not Course.find().has_sources
    except TitoError:
        return False


def say(text: str, err: bool = False) -> None:
    """Print a text; commands in it are written as the user has to type them."""
    program = os.environ.get("TITO_PROGRAM", "tito")
    click.echo(re.sub(rf"\btito (?=({'|'.join(cli.commands)})\b)", f"{program} ", text), err=err)


class Commands(click.Group):
    """A group whose commands end in one sentence when something is wrong.

    Where there are no sources, in a student's kit, only the student's commands are listed.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        names = super().list_commands(context)
        return [name for name in names if name in STUDENTS] if _in_a_kit() else names

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        whole, self.help = self.help, FOR_STUDENTS if _in_a_kit() else self.help
        try:
            super().format_help_text(context, formatter)
        finally:
            self.help = whole

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except TitoError as error:
            say(f"tito: {error}", err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            say("tito: interrupted", err=True)
            context.exit(130)
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            context.exit(0)
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            click.echo(f"tito: {(error.strerror or str(error)).lower()}:{where}", err=True)
            context.exit(1)


def chosen(names: tuple[str, ...]) -> list[Module]:
    """The modules that a command is given; all of them, if it is given none."""
    course = Course.find()
    modules = [course.module(name) for name in names] or course.modules()
    if not modules:
        raise UsageError(f"{course.root} has no modules: neither source/ nor release/ holds any")
    return modules


def one_module(function):
    """A command for one module, given as its argument or with --module."""

    @click.argument("module_name", metavar="MODULE", required=False)
    @click.option("--module", "option", metavar="MODULE", help="The same as the argument.")
    @functools.wraps(function)
    def command(module_name: str | None, option: str | None, **settings):
        name = module_name or option
        if not name:
            command_name = click.get_current_context().info_name
            raise UsageError(
                f"which module? write, for example: tito {command_name} {chosen(())[0].folder}"
            )
        return function(Course.find().module(name), **settings)

    return command


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table; numbers stand at the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for n, column in enumerate(columns):
        numeric = all(re.fullmatch(r"[\d.]+|–", row[n]) for row in rows)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    width = None if sys.stdout.isatty() else 140
    Console(width=width, highlight=False, markup=False).print(drawn)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinytorch")
def cli() -> None:
    """Build a deep-learning framework, module by module.

    A student's path: start, jupyter, test, export, submit; status, reset and doctor help.
    An instructor's path: build, release, grade, feedback, scores; kit makes what students get.
    """


# The student's path


@cli.command()
@one_module
def start(module: Module) -> None:
    """Put a module's notebook on your desk; your work is never overwritten."""
    from tito import student

    new = student.start(module)
    click.echo(f"notebooks/{module.folder}/{module.notebook}")
    if not new:
        say(f"It was there already and is as you left it; tito reset {module.folder} begins again.")
    _say_what_is_missing(module)


def _say_what_is_missing(module: Module) -> None:
    from tito import student

    for missing in student.missing_modules(module):
        say(
            f"It imports {missing.import_name}, which is not there yet: "
            f"finish {missing.folder} and run tito export {missing.folder}."
        )


@cli.command()
@click.argument("module", required=False)
@click.option("--port", type=int, help="Where it listens; by default the first free one from 8888.")
@click.option("--no-browser", is_flag=True, help="Only show the address.")
def jupyter(module: str | None, port: int | None, no_browser: bool) -> None:
    """Open JupyterLab and show its address."""
    from tito import lab

    course = Course.find()
    page = ""
    if module:
        page = str(course.module(module).desk.relative_to(course.root))
    sys.exit(
        lab.start(
            course.root, port, page, not no_browser,
            lambda url: click.echo(f"JupyterLab is at {url}\nIt ends with Ctrl-C."),
        )
    )  # fmt: skip


@cli.command()
@one_module
@click.option("--watch", "watching", is_flag=True, help="Again after each save, until Ctrl-C.")
def test(module: Module, watching: bool) -> None:
    """Run your notebook in a fresh kernel, and show what its checks say."""
    from tito import student
    from tito.desk import on_desk

    on_desk(module)
    if watching:
        _watch(module)
        return
    _say_what_is_missing(module)
    results = student.test(module, _show_check)
    passed = sum(result.state == "passed" for result in results)
    click.echo(f"{passed} of {len(results)} checks passed.")
    for line in student.state(module).lines(with_blank=False):
        say(line)
    sys.exit(0 if passed == len(results) else 1)


def _watch(module: Module) -> None:
    from tito.watching import watch

    def show(results) -> None:
        if sys.stdout.isatty():
            click.clear()
        for result in results:
            _show_check(result)
        passed = sum(result.state == "passed" for result in results)
        click.echo(f"{passed} of {len(results)} checks passed. Save the notebook to run them again")
        click.echo("where it changed; Ctrl-C ends.")

    click.echo(f"Running {module.notebook} …")
    watch(module, show)


def _show_check(checked) -> None:
    colour = {"passed": "green", "failed": "red"}.get(checked.state)
    title, *lines = checked.lines()
    click.echo("\n".join([click.style(title, fg=colour), *lines]))


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--reference", is_flag=True, help="Regenerate the library from the sources.")
def export(modules: tuple[str, ...], reference: bool) -> None:
    """Write your notebook's code to tinytorch/core."""
    from tito import export as exporter
    from tito import student

    if reference:
        for module in chosen(modules):
            click.echo(exporter.export_reference(module).relative_to(module.root))
        return
    if not modules:
        raise UsageError("which module? write, for example: tito export 01_tensor")
    broken = False
    for module in chosen(modules):
        path, state = student.export(module)
        click.echo(path.relative_to(module.root))
        for line in state.lines():
            say(line, err=True)
        broken |= bool(state.broken or state.missing)
    sys.exit(1 if broken else 0)


@cli.command()
@one_module
@click.option("--student", "name", help="Your name in the course; by default that of your account.")
def submit(module: Module, name: str | None) -> None:
    """Hand in a module, and get a receipt."""
    from tito import student

    receipt, state = student.submit(module, name)
    click.echo(receipt)
    if name is None:
        say("That is the name of your account; tito submit --student NAME hands in as another.")
    for line in state.lines():
        say(line)
    click.echo(f"Checks that passed at your last test: {student.status(module).checks}.")


@cli.command()
def status() -> None:
    """Show where you stand with every module."""
    from tito import student

    rows = [student.status(module) for module in chosen(())]
    table(
        "",
        ["module", "begun", "checks", "points", "left", "exported", "submitted"],
        [list(dataclasses.astuple(row)) for row in rows],
    )  # fmt: skip
    click.echo("Points are those of the checks that pass; written answers are marked by hand.")


@cli.command()
@one_module
def reset(module: Module) -> None:
    """Begin a module again; a dated copy of your work is kept."""
    from tito import student

    backup = student.reset(module)
    if backup:
        click.echo(f"Your work is kept as {backup.relative_to(module.root)}.")
    click.echo(f"notebooks/{module.folder}/{module.notebook} is as it was released.")


@cli.command()
def doctor() -> None:
    """Say what is installed, what is missing, and how to fix it."""
    from tito import doctor as examination

    findings = examination.examine(Course.find().root)
    for finding in findings:
        mark = click.style("✓", fg="green") if finding.fine else click.style("✗", fg="red")
        click.echo(f"{mark} {finding.what}: {finding.details}")
    sys.exit(0 if all(finding.fine for finding in findings) else 1)


# The instructor's path


@cli.command()
@click.argument("modules", nargs=-1)
def build(modules: tuple[str, ...]) -> None:
    """Make the instructor's notebooks from the sources."""
    from tito.building import build as build_notebook

    for module in chosen(modules):
        click.echo(build_notebook(module).relative_to(module.root))


@cli.command()
@click.argument("modules", nargs=-1, required=True)
def shorten(modules: tuple[str, ...]) -> None:
    """Turn nbgrader={…} in the headers of a source into the short form."""
    from tito.source import shorten as shorten_source

    for module in chosen(modules):
        count = shorten_source(module)
        click.echo(f"{module.source.relative_to(module.root)}: {count} headers shortened")


@cli.command()
@click.argument("modules", nargs=-1, required=True)
def release(modules: tuple[str, ...]) -> None:
    """Build modules and make the notebooks that students get."""
    from tito.instructor import release as release_module

    for module in chosen(modules):
        click.echo(release_module(module).relative_to(module.root))


@cli.command()
@one_module
@click.option("--student", "students", multiple=True, help="Only this one; may be repeated.")
@click.option("--force", is_flag=True, help="Also what is graded already and has not changed.")
@click.option("--jobs", type=int, help="How many at once; by default the cores, and one more.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Grade on the Dask cluster at this tcp:// address."
)
@click.option("--no-sandbox", is_flag=True, help="Run submissions with all your rights.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, and no table.")
def grade(
    module: Module, students: tuple[str, ...], no_sandbox: bool, as_json: bool, **settings
) -> None:
    """Grade what was handed in under submitted/, and say what became of each.

    What is graded already and has not changed is left as it is. Whatever interrupts the command,
    the same command goes on where it stopped.
    """
    from tito import instructor
    from tito.grading.progress import shown

    report = instructor.grade(
        module, students, progress=shown(as_json), sandboxed=not no_sandbox, **settings
    )
    if not as_json:
        _show_grading(module, report)
    without = [g.student for g in report if g.score is None]
    if without:
        click.echo(f"Without a new mark: {', '.join(without)}.", err=True)
    if aside := instructor.not_looked_at(Course(module.root)):
        click.echo(f"Not looked at, as it is no module's folder: {', '.join(aside)}.", err=True)
    sys.exit(1 if without else 0)


def _show_grading(module: Module, report: list) -> None:
    from tito.grading.report import STATES

    rows = [
        [g.student, g.state, "–" if g.score is None else f"{g.score:g} of {g.most:g}",
         str(g.by_hand or "–"), "; ".join([*(f"FLAGGED: {f}" for f in g.flags), *g.notes])]
        for g in report
    ]  # fmt: skip
    table(module.folder, ["student", "state", "mark", "to mark by hand", "notes"], rows)
    counts = [(state, sum(g.state == state for g in report)) for state in STATES]
    old = sum(not g.new for g in report)
    said = ", ".join(f"{count} {state}" for state, count in counts if count)
    click.echo(f"{said}." + (f" Of these, {old} had been graded before." if old else ""))


@cli.command()
@one_module
@click.option("--student", "students", multiple=True, help="Only this one; may be repeated.")
def feedback(module: Module, students: tuple[str, ...]) -> None:
    """Write what students get back, under feedback/."""
    from tito import instructor

    instructor.feedback(module, students, lambda page: click.echo(page.relative_to(module.root)))


@cli.command()
@click.argument("modules", nargs=-1)
@click.option(
    "--csv", "path", type=click.Path(path_type=Path), help="Also write them to this file."
)
def scores(modules: tuple[str, ...], path: Path | None) -> None:
    """Show the marks in the gradebook."""
    from tito import instructor
    from tito.files import write_atomically

    found = instructor.scores(Course.find(), chosen(modules))
    rows = [
        [student, module, f"{sum(s.score for s in lines):g}", f"{sum(s.most for s in lines):g}",
         str(sum(s.by_hand for s in lines) or "–")]
        for (student, module), lines in instructor.totals(found).items()
    ]  # fmt: skip
    table("", ["student", "module", "mark", "of", "to mark by hand"], rows)
    if path:
        write_atomically(path, instructor.scores_csv(found))
        click.echo(path)


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder.")
def kit(out: Path) -> None:
    """Make what students get: tools, notebooks, and a library without solutions."""
    from tito.kit import make_kit

    files = make_kit(Course.find(), out.absolute())
    click.echo(f"{out}: {len(files)} files, no solution and no hidden test in any of them.")


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--part", "only", multiple=True, help="Only this part; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--page", type=click.Path(path_type=Path), help="Also put the table into this page.")
def audit(
    modules: tuple[str, ...], only: tuple[str, ...], as_json: bool, page: Path | None
) -> None:
    """Try wrong solutions on the checks: does one keep its points, does anything leak?"""
    from tito.audit import audit as auditing

    auditing.check_parts(only)
    reports = auditing.run(chosen_sources(modules), only, lambda text: click.echo(text, err=True))
    if page:
        from tito.audit.page import write_page

        write_page(page, reports)
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
    from tito.audit import report as reporting

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
    from tito import demo as demonstration

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

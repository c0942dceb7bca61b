"""A student's commands: each calls one function that can be used from Python as well."""

from __future__ import annotations

import dataclasses
import sys

import click

from tito.cli.shared import chosen, cli, one_module, say, table
from tito.course import Course, Module
from tito.errors import UsageError


@cli.command()
@one_module
def start(module: Module) -> None:
    """Put a module's notebook on your desk; your work is never overwritten."""
    from tito.student import actions as student

    new = student.start(module)
    click.echo(f"notebooks/{module.folder}/{module.notebook}")
    if not new:
        say(f"It was there already and is as you left it; tito reset {module.folder} begins again.")
    _say_what_is_missing(module)
    say(f"Next: tito jupyter {module.folder}")


def _say_what_is_missing(module: Module) -> None:
    from tito.student import actions as student

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
    """Open JupyterLab with a notebook: the one named, or the last one you worked on."""
    from tito.student import jupyterlab as lab
    from tito.student.desk import last_worked_on, on_desk

    course = Course.find()
    chosen_one = course.module(module) if module else last_worked_on(course)
    page = ""
    if chosen_one and on_desk(chosen_one):
        page = chosen_one.desk.relative_to(course.root).as_posix()
    sys.exit(
        lab.start(
            course.root,
            port,
            page,
            not no_browser,
            lambda url: click.echo(f"JupyterLab is at {url}\nIt ends with Ctrl-C."),
            only_desk=not course.has_sources,
        )
    )


@cli.command()
@one_module
@click.option("--watch", "watching", is_flag=True, help="Again after each save, until Ctrl-C.")
def test(module: Module, watching: bool) -> None:
    """Run your notebook in a fresh kernel, and show what its checks say."""
    from tito.student import actions as student
    from tito.student.desk import on_desk

    on_desk(module)
    if watching:
        _watch(module)
        return
    _say_what_is_missing(module)
    results = student.test(module, _show_check)
    passed = sum(result.state == "passed" for result in results)
    click.echo(f"{passed} of {len(results)} checks passed.")
    for name, _, reached in student.milestones(module):
        if reached:
            say(f"★ Milestone {name} is reached: tito milestones shows all.")
    for line in student.state(module).lines(with_blank=False):
        say(line)
    sys.exit(0 if passed == len(results) else 1)


def _watch(module: Module) -> None:
    from tito.student.watching import watch

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
def export(modules: tuple[str, ...]) -> None:
    """Write your notebook's code to tinytorch/core."""
    from tito.student import actions as student

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
    from tito.student import actions as student

    receipt, state = student.submit(module, name)
    click.echo(receipt)
    if name is None:
        say("That is the name of your account; tito submit --student NAME hands in as another.")
    for line in state.lines():
        say(line)
    click.echo(f"Checks that passed at your last test: {student.status(module).checks}.")


@cli.command()
@one_module
def diff(module: Module) -> None:
    """Show what you changed against the released notebook, cell by cell."""
    show_changes(module)


def show_changes(module: Module, nb: dict | None = None) -> None:
    """Print what is not as it was released in a notebook, or in that on the desk."""
    from tito.notebook.read import read_notebook
    from tito.student.actions import released
    from tito.student.changes import changes
    from tito.student.desk import read_desk

    found = changes(read_notebook(released(module)), nb or read_desk(module))
    for change in found:
        click.echo(click.style(f"{change.cell} ({change.what})", bold=True))
        for line in change.lines:
            click.echo("  " + click.style(line, fg={"+": "green", "-": "red"}.get(line[:1])))
    if not found:
        click.echo(f"{module.folder} is as it was released.")


@cli.command()
def status() -> None:
    """Show where you stand with every module."""
    from tito.student import actions as student
    from tito.student.due import said_of_due_date

    rows = [student.status(module) for module in chosen(())]
    table(
        "",
        ["module", "begun", "checks", "points", "left", "milestone", "exported", "submitted"],
        [list(dataclasses.astuple(row)) for row in rows],
    )
    for line in [line for module in chosen(()) for line in said_of_due_date(module)]:
        click.echo(line)
    click.echo("Points are those of the checks that pass; written answers are marked by hand.")
    if version := Course.find().kit_version:
        click.echo(f"Kit {version}")


@cli.command()
def milestones() -> None:
    """Show the milestones of the course, and which of them you have reached."""
    from tito.notebook.exercises import MILESTONES
    from tito.student import actions as student

    rows = [
        [name, MILESTONES[name].title, module.folder, exercise, "yes" if reached else "–"]
        for module in chosen(())
        for name, exercise, reached in student.milestones(module)
    ]
    table("", ["milestone", "what you build", "module", "exercise", "reached"], rows)
    click.echo("A milestone is reached when the checks of its exercise pass in tito test.")


@cli.command()
@one_module
def reset(module: Module) -> None:
    """Begin a module again; a dated copy of your work is kept."""
    from tito.student import actions as student

    backup = student.reset(module)
    if backup:
        click.echo(f"Your work is kept as {backup.relative_to(module.root)}.")
    click.echo(f"notebooks/{module.folder}/{module.notebook} is as it was released.")


@cli.command()
def doctor() -> None:
    """Say what is installed, what is missing, and how to fix it."""
    from tito.student import doctor as examination

    course = Course.find()
    findings = examination.examine(course.root)
    if course.has_sources:
        from tito.author.sandbox_found import find_sandbox

        findings.append(find_sandbox())
    for finding in findings:
        mark = click.style("✓", fg="green") if finding.fine else click.style("✗", fg="red")
        click.echo(f"{mark} {finding.what}: {finding.details}")
    sys.exit(0 if all(finding.fine for finding in findings) else 1)

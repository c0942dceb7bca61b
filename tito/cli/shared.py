"""What the commands of both halves share: the group, its errors, and how things are printed."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import sys

import click

from tito.course import Course, Module
from tito.errors import TitoError, UsageError

STUDENTS = (
    *("start", "jupyter", "test", "export", "submit"),
    *("diff", "status", "milestones", "reset", "doctor"),
)


FOR_STUDENTS = """Build a deep-learning framework, module by module.

Your path: start, jupyter, test, export, submit. Where you stand: status, milestones; to
begin again: reset; what is missing: doctor.
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


def one_module(function, find=Course.module):
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
        return function(find(Course.find(), name), **settings)

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


def _version() -> str:
    try:
        return importlib.metadata.version("tinytorch-course")
    except importlib.metadata.PackageNotFoundError:  # the sources as they lie there
        return "not installed"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version=_version())
def cli() -> None:
    """Build a deep-learning framework, module by module.

    A student's path: start, jupyter, test, export, submit; status, reset and doctor help.
    An instructor's path: roster, release, collect, grade, feedback, scores; kit makes what
    students get.
    """

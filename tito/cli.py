"""The command line: each command calls one function that can be used from Python as well."""

from __future__ import annotations

import click

from tito.course import Course, Module
from tito.errors import TitoError


class Commands(click.Group):
    """A group whose commands end in one sentence when something is wrong."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except TitoError as error:
            click.echo(f"tito: {error}", err=True)
            context.exit(error.exit_code)


def chosen(names: tuple[str, ...]) -> list[Module]:
    """The modules that a command is given; all of them, if it is given none."""
    course = Course.find()
    return [course.module(name) for name in names] or course.modules()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Build a deep-learning framework, module by module."""


@cli.command()
@click.argument("modules", nargs=-1)
def build(modules: tuple[str, ...]) -> None:
    """Make the instructor's notebooks from the sources."""
    from tito.source import build as build_notebook

    for module in chosen(modules):
        click.echo(build_notebook(module).relative_to(module.root))


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--reference", is_flag=True, help="Regenerate the library from the sources.")
def export(modules: tuple[str, ...], reference: bool) -> None:
    """Write your notebook's code to tinytorch/core."""
    from tito import export as exporter

    for module in chosen(modules):
        if reference:
            click.echo(exporter.export_reference(module).relative_to(module.root))

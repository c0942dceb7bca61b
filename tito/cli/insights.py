"""The commands that show what a class did not understand, and give it names."""

from __future__ import annotations

from pathlib import Path

import click

from tito.cli.shared import chosen, cli, say
from tito.course import Course, Module
from tito.errors import UsageError
from tito.files import printable

FOLDER, TERM = "insights", "term"  # where pages go, and what that of several modules is called


@cli.command()
@click.argument("modules", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), help="Write the page, HTML, to this file.")
@click.option("--json", "data", type=click.Path(path_type=Path), help="Also write it as JSON.")
@click.option("--anonymous", is_flag=True, help="Without names of students.")
def insights(
    modules: tuple[str, ...], out: Path | None, data: Path | None, anonymous: bool
) -> None:
    """Write a page on what the class did not understand, and show it in short.

    Of one module, or of several side by side; of all that were graded, if none is named.
    """
    from tito.files import write_atomically
    from tito.insights.class_page import as_json, class_page
    from tito.insights.class_report import report_on
    from tito.insights.in_short import in_short
    from tito.insights.student_names import Names
    from tito.insights.student_names import anonymous as without_names

    course = _with_sources()
    wanted = _modules(course, modules)
    names = without_names(course) if anonymous else Names()
    reports = [report_on(course, module, names) for module in wanted]
    for line in in_short(reports):
        click.echo(printable(line))
    name = reports[0].module if len(reports) == 1 else TERM
    path = out or course.root / FOLDER / f"{name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, class_page(reports, anonymous))
    click.echo(path if out else path.relative_to(course.root))
    if data:
        write_atomically(data, as_json(reports, anonymous))
        click.echo(data)


@cli.command("name")
@click.argument("group")
@click.argument("sentence")
@click.option("--to-catalogue", is_flag=True, help="Write it into the module's mistakes.py.")
def name_them(group: str, sentence: str, to_catalogue: bool) -> None:
    """Name a GROUP of insights: everybody in it reads the SENTENCE in the next feedback."""
    from tito.author.to_catalogue import move_to_catalogue
    from tito.grading.naming import module_of, name_group

    course = _with_sources()
    module = module_of(course, group)
    mistake, students = name_group(course, module, group, sentence)
    count = f"{len(students)} student{'s' * (len(students) != 1)}"
    click.echo(f"{module.folder}, {mistake.exercise}: {count}: {printable(mistake.says)}")
    if to_catalogue:
        path = module.source.with_name("mistakes.py").relative_to(course.root)
        click.echo(f"{path}, line {move_to_catalogue(module, mistake)}: {mistake.name}")
    say(f"They read it in the next feedback: tito feedback {module.folder}")


def _with_sources() -> Course:
    course = Course.find()
    if not course.has_sources:
        raise UsageError("this needs the instructor's checkout; there are no sources here")
    return course


def _modules(course: Course, names: tuple[str, ...]) -> list[Module]:
    """The modules that are named; else all that somebody was graded in."""
    from tito.author.marks import scores

    if names:
        return list(dict.fromkeys(chosen(names)))
    graded = {score.module for score in scores(course, course.modules())}
    found = [module for module in course.modules() if module.folder in graded]
    if not found:
        raise UsageError("nobody was graded yet; run tito grade first")
    return found

"""An instructor's commands for what people mark: answers, markers, and what is asked again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tito.cli.author import chosen_assignments
from tito.cli.shared import cli, table
from tito.course import Course
from tito.errors import UsageError
from tito.files import printable
from tito.source.modules_and_others import Assigned, find_assignment

SERVER = "http://localhost:8888"
who_marks = click.option("--marker", default="", help="Who marks; else TITO_MARKER or your login.")


def _assignment(name: str) -> Assigned:
    return find_assignment(Course.find(), name)


@cli.command()
@click.argument("module")
@click.argument("question", required=False, default="")
@click.option("--out", type=click.Path(path_type=Path), help="Write a page, HTML, to this file.")
@click.option("--server", default=SERVER, show_default=True, help="Where your JupyterLab is.")
def answers(module: str, question: str, out: Path | None, server: str) -> None:
    """Show the answers to a module's questions, those that say the same together."""
    from tito.author import answers as answering
    from tito.author.answers_page import page
    from tito.files import write_atomically

    assigned = _assignment(module)
    found = answering.answers(assigned, question)
    if out:
        write_atomically(out, page(assigned.folder, found, server))
        click.echo(out)
    else:
        for one in found:
            _show_answers(one, server)


def _show_answers(question, server: str) -> None:
    count = len(question.answers)
    click.echo(f"{question.name}: {question.most:g} points, {count} answers\n")
    for group in question.groups:
        said = " ".join(printable(group.text).split()) or "(nothing is written)"
        size = len(group.members)
        click.echo(f"group {group.name}, {size} answer{'s' * (size != 1)}: {said[:300]}")
        for student in sorted(group.members):
            answer = question.answers[student]
            mark = "no mark" if answer.points is None else f"{answer.points:g}"
            by = f" by {', '.join(answer.given)}" if answer.given else ""
            waits = ", to be looked at" if answer.waits and answer.points is not None else ""
            place = f"{server.rstrip('/')}/formgrader/submissions/{answer.notebook_id}/"
            click.echo(printable(f"  {student}: {mark}{by}{waits}  {place}#{question.cell}"))
        click.echo()


@cli.command()
@click.argument("module")
@click.argument("question")
@click.argument("group")
@click.argument("points", type=float)
@click.option("--comment", default="", help="What the students read.")
@click.option("--again", is_flag=True, help="Also where there is another mark or comment.")
@who_marks
def mark(
    module: str, question: str, group: str, points: float, comment: str, again: bool, marker: str
) -> None:
    """Give all answers of a group, as `tito answers` shows them, the same mark."""
    from tito.author.answers import mark_group

    done = mark_group(_assignment(module), question, group, points, comment, again, marker)
    names = printable(", ".join(done.marked)) or "nobody"
    click.echo(f"{question}, group {group}: {points:g} points for {names}.")
    if done.left:
        why = "; ".join(f"{student} {reason}" for student, reason in done.left.items())
        click.echo(printable(f"Left as it was ({why}); --again replaces it."), err=True)
        sys.exit(1)


@cli.command("assign-markers")
@click.argument("module")
@click.argument("people", nargs=-1)
@click.option(
    "--by",
    type=click.Choice(["student", "question"]),
    default="student",
    show_default=True,
    help="What is shared out.",
)
def assign_markers(module: str, people: tuple[str, ...], by: str) -> None:
    """Share out what is marked by hand; who is named again keeps what they have begun."""
    from tito.author import sharing

    shares = sharing.assign_markers(_assignment(module), people, by)
    for name in shares.markers:
        items = sorted(item for item, owner in shares.owners.items() if owner == name)
        click.echo(printable(f"{name}: {len(items)} {by}s ({', '.join(items) or 'none yet'})"))


@cli.command()
@click.argument("module")
@click.option("--of", "marker", help="List what this person has still to mark.")
@click.option("--server", default=SERVER, show_default=True, help="Where your JupyterLab is.")
def markers(module: str, marker: str | None, server: str) -> None:
    """Show who marks what, and how much is left."""
    from tito.author import sharing

    assigned = _assignment(module)
    if marker is not None:
        for one in sharing.left_of(assigned, marker):
            place = f"{server.rstrip('/')}/formgrader/submissions/{one.notebook_id}/#{one.cell}"
            click.echo(printable(f"{one.student}, {one.question}: {place}"))
        return
    now = sharing.standing(assigned)
    rows = [
        [
            printable(name) or "nobody",
            str(list(now.shares.owners.values()).count(name)),
            str(len(now.of(name)) - len(now.left(name))),
            str(len(now.left(name))),
        ]
        for name in [*now.shares.markers, *([""] if now.of("") else [])]
    ]
    table(assigned.folder, ["marker", f"{now.shares.by}s", "marked", "left"], rows)
    if not now.shares.markers:
        click.echo(f"Nobody is named yet: tito assign-markers {assigned.folder} ann bob")
    for line in now.twice:
        click.echo(printable(f"Marked by two: {line}"))


@cli.command()
@click.argument("module", required=False)
@click.argument("student", required=False)
@click.argument("exercise", required=False)
@click.option("--answer", help="What the student reads in the next feedback.")
@click.option("--all", "everything", is_flag=True, help="Also those that are answered.")
@who_marks
def requests(
    module: str | None,
    student: str | None,
    exercise: str | None,
    answer: str | None,
    everything: bool,
    marker: str,
) -> None:
    """Show who asks for another look at an exercise, and answer."""
    from tito.author import sharing

    if answer is not None:
        if not (module and student and exercise):
            raise UsageError(
                "an answer is to one request; write: "
                'tito requests MODULE STUDENT EXERCISE --answer "…"'
            )
        assigned = _assignment(module)
        sharing.answer(assigned, student, exercise, answer, marker)
        click.echo(printable(f"Answered; tito feedback {assigned.folder} shows it to {student}."))
        return
    found = sharing.requests(Course.find(), chosen_assignments((module,) if module else ()))
    rows = [
        [printable(one.student), folder, printable(one.exercise), printable(one.why), one.answer]
        for folder, asked in found.items()
        for one in asked
        if (everything or one.answer is None)
        and student in (None, one.student)
        and exercise in (None, one.exercise)
    ]
    rows = [[*row[:4], printable(row[4] or "–")] for row in rows]
    columns = ["student", "module", "exercise", "why", "answer"]
    table("", columns, rows) if rows else click.echo("Nobody asks for another look.")

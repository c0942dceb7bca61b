"""One page with all answers to the questions of an assignment: a file that needs nothing else."""

from __future__ import annotations

from html import escape

from tito.author.alike import Group
from tito.author.answers import NOTHING, Answer, Question
from tito.steps.safe_html import markdown2html

STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --box: #f2f5f8; --line: #767676;
  --link: #0b4f86; --wrong: #9c1c1c; }
@media (prefers-color-scheme: dark) { :root { --text: #ececec; --page: #16181b; --box: #23272c;
  --line: #8b9097; --link: #8cc4ff; --wrong: #ff9d94; } }
@media print { :root { color-scheme: light; --text: #000; --page: #fff; --box: #fff; --line: #555;
  --link: #000; --wrong: #000; } section section { break-inside: avoid-page; } }
body { color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); }
pre, code { font: 14px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
details, section section { background: var(--box); border: 1px solid var(--line);
  border-radius: 4px; padding: .5rem 1rem; margin: 1rem 0; }
h3 { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .25rem .5rem; text-align: left;
  vertical-align: top; }
th, td:first-child { white-space: nowrap; }
td pre { margin: 0; }
.warning { color: var(--wrong); font-weight: bold; }
"""


def page(title: str, questions: list[Question], server: str) -> str:
    """The answers as HTML.

    Parameters
    ----------
    title : str
        The name of the assignment.
    questions : list of Question
        What is shown.
    server : str
        Where formgrader's JupyterLab is: ``http://localhost:8888``.
    """
    name = escape(title)
    links = "".join(
        f'<li><a href="#q{number}">{escape(one.name)}</a></li>'
        for number, one in enumerate(questions)
    )
    sections = "".join(_question(n, one, server) for n, one in enumerate(questions))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Answers in {name}</title><style>{STYLE}</style></head>\n<body><main>"
        f"<h1>Answers in {name}</h1>\n<nav aria-label='Questions'><ul>{links}</ul></nav>\n"
        f"{sections}</main></body></html>\n"
    )


def _question(number: int, question: Question, server: str) -> str:
    guide = "".join(
        f"<h3>{title}</h3>{markdown2html({}, text)}"
        for title, text in (
            ("Model answer", question.guide.answer),
            ("Mark scheme", question.guide.scheme),
        )
        if text
    )
    folded = f"<details><summary>How it is marked</summary>{guide}</details>" if guide else ""
    groups = "\n".join(_group(question, group, server) for group in question.groups)
    return (
        f'<section aria-labelledby="q{number}"><h2 id="q{number}">{escape(question.name)} '
        f"({question.most:g} points, {len(question.answers)} answers)</h2>{folded}\n"
        f"{groups or '<p>Nobody has handed it in yet.</p>'}</section>\n"
    )


def _group(question: Question, group: Group[str], server: str) -> str:
    count = len(group.members)
    said = "1 answer" if count == 1 else f"{count} answers"
    rows = "\n".join(
        _row(question.answers[student], text, group, server, question.cell)
        for student, text in sorted(group.members.items())
    )
    is_blank = group.name == NOTHING
    text = "<p>Nothing is written.</p>" if is_blank else f"<pre>{_text(group.text)}</pre>"
    titles = ("student", "mark", "marked by", "text")
    columns = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return (
        f"<section><h3>Group <code>{group.name}</code>: {said}</h3>{text}"
        f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(answer: Answer, text: str, group: Group[str], server: str, cell: str) -> str:
    address = f"{server.rstrip('/')}/formgrader/submissions/{answer.notebook_id}/#{cell}"
    mark = "to mark" if answer.points is None else f"{answer.points:g}"
    mark += ", to be looked at" if answer.waits and answer.points is not None else ""
    by = escape(", ".join(f"{who} {points:g}" for who, points in answer.given.items())) or "–"
    if len(answer.given) > 1:
        by = f'<span class="warning">two people: {by}</span>'
    if answer.owner:
        by += f"<br>for {escape(answer.owner)}"
    other = "" if text == group.text or group.name == NOTHING else f"<pre>{_text(text)}</pre>"
    return (
        f'<tr><td><a href="{escape(address)}">{escape(answer.student)}</a></td><td>{mark}</td>'
        f"<td>{by}</td><td>{other or 'the same'}</td></tr>"
    )


def _text(text: str) -> str:
    return escape(text.strip())

"""Formgrader's page of a submission, with what whoever marks needs beside each answer.

nbgrader's page is made by its own exporter, which takes preprocessors and filters from
``c.HTMLExporter``. What is added here is added while the page is made, and is in no file.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from jinja2 import pass_context
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell

from tito.course import Course
from tito.grading.gradebook import gradebook
from tito.grading.markers import (
    QUESTION,
    STUDENT,
    Shares,
    ToMark,
    all_to_mark,
    question_label,
    shares,
)
from tito.grading.model_answers import Guide, guides
from tito.grading.regrade_requests import Request, requests_of
from tito.grading.who_marked import (
    COMMENT,
    MARK,
    Marking,
    marker_here,
    markings_of,
    marks_of_now,
    note_marking,
)
from tito.source.modules_and_others import find_assignment
from tito.steps.safe_html import markdown2html as safe_markdown

SAVED = re.compile(r"/formgrader/api/(grade|comment)/([^/]+)/?\Z")
STYLE = """
.tito-beside { border: 1px solid #767676; border-left: 4px solid #1f5a8a; background: #f4f8fb;
  color: #1b1b1b; padding: 10px 14px; font-size: 14px; line-height: 1.45; overflow-wrap: anywhere; }
.tito-beside h3 { font-size: 15px; font-weight: bold; margin: 0 0 4px; }
.tito-beside h3 ~ h3 { margin-top: 12px; }
.tito-beside p { margin: 0 0 6px; }
.tito-beside pre, .tito-beside code { background: #fff; color: #1b1b1b; white-space: pre-wrap; }
.tito-beside a { color: #0b4f86; text-decoration: underline; }
.tito-warning { border-left: 4px solid #a94442; padding-left: 8px; font-weight: bold; }
.tito-top { margin-bottom: 18px; }
.cell:has(> .inner_cell > .text_cell_render > style) { display: none; }
@media (min-width: 992px) {
  #notebook-container > .cell:has(+ .cell .tito-guide) { float: left; clear: both; width: 62%; }
  #notebook-container > .cell:has(.tito-guide) { margin-left: 64%; }
  #notebook-container > .cell:has(.tito-guide) + .cell { clear: both; padding-top: 12px; }
}
@media print { .tito-beside { break-inside: avoid; } }
"""


class Ours(str):
    """HTML of our own in the place of a cell's text; no notebook that is handed in can hold it."""


@pass_context
def markdown2html(context, source: str) -> str:
    """A filter of nbconvert's: Markdown as safe HTML, and what is ours as it is."""
    return source if isinstance(source, Ours) else safe_markdown(context, source)


class BesideAnswers(Preprocessor):
    """Puts model answer, mark scheme and who marked beside each answer, in formgrader only."""

    def __init__(self, **settings):
        super().__init__(**settings)
        if self.config.HTMLExporter.get("template_name") == "formgrade":
            record_markers()

    def preprocess(self, nb, resources):
        if "submission_id" not in resources or "nbgrader" in resources:
            return nb, resources  # not formgrader's page: feedback, or somebody's own nbconvert
        try:
            nb.cells = _with_notes(nb.cells, resources)
        except Exception as error:  # the answers are to be marked all the same
            said = f"Model answers cannot be shown: {error}"
            nb.cells.insert(0, _cell(f"<p>{escape(said)}</p>", "tito-top"))
        return nb, resources


def _with_notes(cells: list, resources: dict) -> list:
    """The cells of a notebook, with notes before the first and after those that are marked."""
    course = Course.find(Path(resources["metadata"]["path"]))
    assigned = find_assignment(course, resources["assignment_id"])
    notebook = resources["notebook_id"]
    known = _Known.of(course, assigned.folder, notebook, resources["submission_id"])
    known_guides = guides(assigned, notebook)
    found = [new_markdown_cell(Ours(f"<style>{STYLE}</style>"))]
    if top := known.top():
        found.append(_cell(top, "tito-top"))
    for cell in cells:
        found.append(cell)
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade") or nbgrader.get("task"):
            name = nbgrader["grade_id"]
            by_hand = bool(nbgrader.get("solution") or nbgrader.get("task"))
            parts = [_guide(known_guides.get(name)), known.at(name, by_hand)]
            if any(parts):
                found.append(_cell("".join(parts), "tito-guide" if parts[0] else "tito-note"))
    return found


def _cell(html: str, kind: str):
    return new_markdown_cell(Ours(f'<div class="tito-beside {kind}">{html}</div>'))


def _guide(guide: Guide | None) -> str:
    """A model answer and a mark scheme, as HTML."""
    parts = {"Model answer": guide.answer, "Mark scheme": guide.scheme} if guide else {}
    return "".join(
        f"<h3>{title}</h3>{safe_markdown({}, text)}" for title, text in parts.items() if text
    )


class _Known:
    """What the gradebook says of one submitted notebook."""

    def __init__(
        self,
        student: str,
        notebook: str,
        several: bool,
        shared: Shares,
        given: dict[tuple[str, str, str], dict[str, float]],
        markings: list[Marking],
        requests: list[Request],
        to_mark: list[ToMark],
    ):
        self.student, self.notebook, self.several, self.shared = student, notebook, several, shared
        self.given, self.markings, self.requests = given, markings, requests
        self.to_mark = to_mark

    @classmethod
    def of(cls, course: Course, assignment: str, notebook: str, submission: str) -> _Known:
        """Ask the gradebook."""
        with gradebook(course) as book:
            one = book.find_submission_notebook_by_id(submission)
            student = one.student.id
            several = len(book.find_assignment(assignment).notebooks) > 1
            return cls(
                student,
                notebook,
                several,
                shares(book, assignment),
                marks_of_now(book, assignment),
                [m for m in markings_of(book, assignment) if m.place[:2] == (student, notebook)],
                [r for r in requests_of(book, assignment, student) if r.notebook == notebook],
                all_to_mark(book, assignment),
            )

    def top(self) -> str:
        """What is said before the first cell."""
        parts = []
        if self.shared.by == STUDENT and (owner := self.shared.owner(self.student, "")):
            parts.append(self._whose(owner, self.to_mark))
        for one in self.requests:
            answer = f"answered: {one.answer}" if one.answer else "not answered yet"
            said = f"{escape(one.exercise)}: {escape(one.why or 'no reason given')}"
            parts.append(f"<p>Asks for another look at {said} ({escape(answer)})</p>")
        return "".join(parts)

    def at(self, cell: str, by_hand: bool) -> str:
        """What is said at a cell that is marked."""
        parts, label = [], question_label(self.notebook, cell, self.several)
        if by_hand and self.shared.by == QUESTION and (owner := self.shared.owner("", label)):
            parts.append(self._whose(owner, [one for one in self.to_mark if one.cell == cell]))
        given = self.given.get((self.student, self.notebook, cell), {})
        if len(given) > 1:
            said = ", ".join(f"{marker} {points:g}" for marker, points in given.items())
            parts.append(f'<p class="tito-warning">Two people marked this: {escape(said)}.</p>')
        elif given:
            ((marker, points),) = given.items()
            time = next(m.time for m in reversed(self.markings) if m.cell == cell)
            said = f"{points:g} by {marker}, {time[:16].replace('T', ' ')} UTC"
            parts.append(f"<p>Marked: {escape(said)}.</p>")
        return "".join(parts)

    def _whose(self, owner: str, to_mark: list[ToMark]) -> str:
        """Who is to mark something, and where they go on."""
        others = [one for one in to_mark if one.waits and self._is_another_of(one, owner)]
        said = f"<p>To be marked by <strong>{escape(owner)}</strong>."
        if others:
            later = [one for one in others if one.student > self.student]
            first = (later or others)[0]
            place = f"../{first.notebook_id}/#{first.cell}"
            said += f' <a href="{escape(place)}">The next that waits for {escape(owner)}</a>'
        return f"{said}</p>"

    def _is_another_of(self, one: ToMark, owner: str) -> bool:
        """Whether it is in another submission, and the same person's."""
        here = (one.student, one.notebook) == (self.student, self.notebook)
        return not here and self.shared.owner(one.student, one.question) == owner


def record_markers() -> None:
    """Have the server that formgrader runs in tell us of each mark and comment that is saved.

    Whoever logs in with a name of their own (JupyterHub) marks under it; with a token alone it is
    `marker_here`.
    """
    from jupyter_server.serverapp import ServerApp

    if not ServerApp.initialized() or not hasattr(ServerApp.instance(), "web_app"):
        return
    settings = ServerApp.instance().web_app.settings
    before = settings.get("log_function")
    if getattr(before, "records_markers", False):
        return

    def log(handler, *arguments, **named):
        _record(handler)
        if before is not None:
            before(handler, *arguments, **named)

    log.records_markers = True
    settings["log_function"] = log


def _record(handler) -> None:
    """Put down who saved a mark or a comment, after nbgrader has saved it."""
    saved = SAVED.search(handler.request.path)
    if not saved or handler.request.method != "PUT" or handler.get_status() != 200:
        return
    try:
        book = handler.gradebook
        what, find = {
            "grade": (MARK, book.find_grade_by_id),
            "comment": (COMMENT, book.find_comment_by_id),
        }[saved[1]]
        note_marking(book, find(saved[2]), who_logged_in(handler.current_user), what)
        book.db.commit()
    except Exception:  # the mark itself is saved; it is only not known whose it is
        handler.gradebook.db.rollback()
        handler.log.warning("who gave a mark could not be put down", exc_info=True)


def who_logged_in(user: object) -> str:
    """The name of a user of Jupyter's server; with a token alone, `marker_here`."""
    if isinstance(user, dict):
        name, shown = user.get("username") or user.get("name") or "", user.get("name") or ""
    else:
        name, shown = getattr(user, "username", ""), getattr(user, "name", "") or ""
    return marker_here("" if shown.startswith("Anonymous") else name)

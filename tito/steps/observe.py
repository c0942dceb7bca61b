"""Step 4: marks from observations, written where nbgrader looks for them."""

from __future__ import annotations

from collections import defaultdict

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from tito.errors import TitoError
from tito.judge.asking import Limits
from tito.judge.flags import suspicious
from tito.judge.missed import missed_in
from tito.judge.verdicts import Result, Verdict, grade
from tito.notebook.export import notebook_cells
from tito.sandbox.settings import use_settings
from tito.steps.job import Job, is_ordinary, job_of
from tito.steps.notes import flag, note, some_of

MOST_LINES = 40  # of what a check says


class Observe(NbGraderPreprocessor):
    """Observe the student's module, and write marks and messages into the checks cells."""

    seed = Integer(
        None, help="Draw the random inputs from this seed, to reproduce a mark.", allow_none=True
    ).tag(config=True)
    timeout = Float(10.0, help="Seconds for one observation, or to load a cell.").tag(config=True)
    total = Float(180.0, help="Seconds for all observations of a submission.").tag(config=True)
    grafts = Float(180.0, help="Seconds for those of all its grafts together.").tag(config=True)

    def preprocess(self, nb, resources):
        use_settings(self)
        if is_ordinary(resources):
            return nb, resources
        job = job_of(resources)
        seed = job.seed if self.seed is None else self.seed
        observe_notebook(nb, job, seed, Limits(self.timeout, self.total, self.grafts))
        return nb, resources


def observe_notebook(nb, job: Job, seed: int, limits: Limits) -> None:
    """Observe the module in a notebook, and write marks and messages into its checks cells.

    Parameters
    ----------
    nb : NotebookNode
        A submission, after it was run.
    job : Job
        What is graded.
    seed : int
        Decides the random inputs; it is recorded in the notebook's metadata.
    limits : Limits
        How long to wait.

    Raises
    ------
    TitoError
        If the release does not fit the source.
    """
    cells = notebook_cells(nb)
    verdict = grade(job.pack, job.needs, cells, seed, limits, job.parallel)
    results, broken, strays = verdict.results, verdict.broken, verdict.strays
    job.missed = missed_in(job.pack, cells, verdict)
    note_deadlines(nb, verdict, limits)
    unreadable = {cell.name for cell in cells if cell.error}  # already noted
    for name in broken.keys() - unreadable:
        note(nb, f"the cell {name!r} could not be loaded: {verdict.said[name]}")
    nb.metadata.setdefault("tito", {}).update(seed=seed, checks=job.pack.checks)
    grafted = dict.fromkeys(r.observation.exercise for r in results if r.grafted)
    if grafted:
        note(nb, f"graft: {', '.join(grafted)} (right with the reference's other exercises)")
    if strays:
        flag(nb, f"its process wrote {strays} lines of its own where answers are read")
    for sentence in suspicious(job.pack, nb):
        flag(nb, sentence)
    by_check = defaultdict(list)
    for result in results:
        by_check[result.observation.check].append(result)
    compare_with_visible(nb, by_check)
    for cell in nb.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        grade_id = nbgrader.get("grade_id")
        if nbgrader.get("grade") and grade_id not in by_check and "@observe" in cell.source:
            folder = job.pack.folder
            raise TitoError(
                f"the release has checks {grade_id!r} that the source of {folder} has "
                f"not; name them alike, or run: tito release {folder}"
            )
        if grade_id in by_check:
            write_mark(cell, by_check[grade_id], broken.get(grade_id.removeprefix("test-")))


def note_deadlines(nb, verdict: Verdict, limits: Limits) -> None:
    """Note what was not tried because all of it together took too long."""
    if verdict.late:
        note(nb, f"hidden tests: all together took longer than {limits.total:g} s; some not made")
    if verdict.late_grafts:
        names = some_of([*verdict.late_grafts])
        note(nb, f"grafts: all together took longer than {limits.grafts:g} s; not tried: {names}")


def compare_with_visible(nb, by_check: dict[str, list[Result]]) -> None:
    """Note where the visible checks and the hidden tests of cells disagree."""
    only_shown, only_hidden = [], []
    for cell in nb.cells:
        results = by_check.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if results and cell.get("execution_count"):
            shown_right = not _ended_in_error(cell.outputs)
            right = not any(result.fault for result in results)
            name = cell.metadata["nbgrader"]["grade_id"].removeprefix("test-")
            if shown_right != right:
                (only_shown if shown_right else only_hidden).append(name)
    if only_shown:
        note(nb, f"visible checks pass, hidden tests do not: {some_of(only_shown)}")
    if only_hidden:
        note(nb, f"hidden tests pass, visible checks do not: {some_of(only_hidden)}")


def write_mark(cell, results: list[Result], trouble: str | None = None) -> float:
    """Write what observations showed into the outputs of a checks cell.

    Parameters
    ----------
    cell : NotebookNode
        A checks cell; what its visible checks printed stays, as plain text.
    results : list of Result
        Its observations.
    trouble : str, optional
        Why the exercise's cell could not be loaded.

    Returns
    -------
    float
        The mark: the points times the share of observations that agreed.
    """
    points = float(cell.metadata["nbgrader"]["points"])
    passed = sum(not result.fault for result in results)
    mark = round(points * passed / len(results), 2)
    lines = [f"{passed} of {len(results)} hidden tests passed: {mark:g} of {points:g} points"]
    grafted = sum(result.grafted for result in results)
    if grafted:
        lines.append(f"✓ {grafted} of them pass as soon as your other exercises are right (graft)")
    if trouble and passed < len(results):
        lines.append(f"✗ the exercise's cell could not be loaded: {trouble}")
    lines += [result.line for result in results if result.fault]
    text = visible_text(cell.outputs) + "\n".join(lines) + "\n"
    pictures = [picture for output in cell.outputs for picture in _pictures(output)]
    cell.outputs = [
        *pictures,
        new_output("stream", name="stdout", text=text),
        new_output("execute_result", data={"text/plain": repr(mark)}, execution_count=1),
    ]
    cell.execution_count = 1
    return mark


def _ended_in_error(outputs) -> bool:
    return any(output.output_type == "error" for output in outputs)


def _pictures(output) -> list:
    """The picture in an output, without HTML or scripts that would run where it is read."""
    data = output.get("data", {})
    kept = {kind: data[kind] for kind in ("image/png", "image/jpeg") if kind in data}
    return [new_output("display_data", data=kept)] if kept else []


def visible_text(outputs) -> str:
    """What the visible checks printed, and the error that ended them, as plain text."""
    text = ""
    for output in outputs:
        if output.output_type == "stream":
            text += output.text
        elif output.output_type == "error":
            text += _said(output) + "\n"
    return text if not text or text.endswith("\n") else text + "\n"


def _said(error) -> str:
    """What an error says to the student: the block of a check, else its last line."""
    lines = [line for part in error.traceback for line in str(part).splitlines()]
    if lines and lines[0][:2] in ("✗ ", "· "):
        return "\n".join(lines[:MOST_LINES])
    if error.ename == "NotImplementedError" and not error.evalue:
        return "· not done yet"
    first, *_ = error.evalue.strip().splitlines() or [""]
    return f"✗ {first}" if error.ename == "CheckFailed" else f"✗ {error.ename}: {first}"

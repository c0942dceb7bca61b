"""Steps 2 and 3: export the student's cells, and run the notebook for its outputs and plots.

In a module no mark depends on what happens here; in an ordinary assignment the tests that run here
decide, as with nbgrader.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from traitlets import Bool, Float, Integer

from tito import sandbox
from tito.errors import TitoError
from tito.judge.workspace import library_of, temporary_folder, workspace
from tito.notebook.demo_cells import left_out
from tito.notebook.export import module_text, notebook_cells, title_of
from tito.notebook.read import language_of
from tito.sandbox.provisioner import SandboxedKernelManager
from tito.sandbox.settings import use_settings
from tito.source.regions import BEGIN_HIDDEN, without_hidden_tests
from tito.steps.cells import Ran, Running, execute
from tito.steps.job import IN_POOL, Job, job_of
from tito.steps.notes import flag, note
from tito.steps.outputs import bound, repair

# The files that a notebook may read; nothing that was handed in beside it is ever imported.
DATA = set(".csv .tsv .txt .json .npy .npz .png .jpg .jpeg .gif .svg .md".split())
LEFT_OUT = "This cell was not run for grading: it is as it was given, and only shows something.\n"
OURS = ("tinytorch", "tinytorch_course", "tito")  # not to be imported where it is installed
SAY_SO = "__import__('os').environ['NBGRADER_EXECUTION'] = 'autograde'"
IMPOSTORS = set("numpy tinytorch tito conftest sitecustomize usercustomize ipython_config".split())


def impostors(names: Iterable[str]) -> list[str]:
    """Those files and folders of a submission that are named like what the grader imports."""
    return [
        name
        for name in sorted(names)
        if name.partition(".")[0] in IMPOSTORS and Path(name).suffix not in DATA
    ]


class ExecuteInWorkspace(Execute):
    """Run a submission in the sandbox, in a private folder, without its hidden tests.

    The folder holds the files that were handed in beside the notebook, and a package `tinytorch` of
    the reference's earlier modules and the student's own graded one.
    """

    timeout = Integer(60, help="Seconds that a cell may take.", allow_none=True).tag(config=True)
    most_timeouts = Integer(3, help="Stop executing after so many cells that took too long.").tag(
        config=True
    )
    most_bytes = Integer(50_000_000, help="Of all outputs together.").tag(config=True)

    total = Float(600, help="Seconds for all cells of a notebook together.").tag(config=True)
    demos = Bool(False, help="Run given cells that only show something, too.").tag(config=True)
    note_of_end, tests_decide = "marks do not depend on it", False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, kernel_manager_class=SandboxedKernelManager, **kwargs)

    def preprocess(self, nb, resources, km=None):
        use_settings(self)
        job = job_of(resources)
        if job.is_ordinary:
            self.run_ordinary(nb, job, resources, km)
            return nb, resources
        complete = [cell.source for cell in nb.cells]
        try:
            in_pool, modules = IN_POOL in resources, job.pack.modules
            with temporary_folder() if in_pool else workspace(modules, pictures=True) as folder:
                job.folder = str(folder)
                prepare(nb, job, folder)
                self.left_out = set() if self.demos else leave_out_demos(nb, job)
                if in_pool:
                    job.ran = self.run_without_kernel(nb, folder, modules)
                else:
                    self.run_in_kernel(nb, resources, km, folder)
        finally:
            for cell, source in zip(nb.cells, complete, strict=True):
                cell.source = source
        return nb, resources

    def run_ordinary(self, nb, job: Job, resources, km) -> None:
        """Run an assignment that is no module as nbgrader does: all of it, in a kernel."""
        begin, self.left_out, self.most_timeouts = time.monotonic(), set(), sys.maxsize
        self.kernel_name, self.note_of_end = python_kernel(nb), "what was not run gets no points"
        self.tests_decide = True
        self.on_notebook_start = self.say_so
        policy = sandbox.current()
        if policy.hidden_packages == sandbox.Policy().hidden_packages:
            sandbox.use(replace(policy, hidden_packages=OURS))
        self.timed_out, self.ended = [], ""
        library = workspace(job.library, pictures=True) if job.library else temporary_folder()
        with library as folder:
            job.folder = str(folder)
            write_files(nb, job, folder)
            if any(cell.cell_type == "code" for cell in nb.cells):  # a text needs no kernel
                self.run_in_kernel(nb, resources, km, folder)
        job.ran = Ran(self.timed_out, self.ended, seconds=time.monotonic() - begin)

    def say_so(self, **notebook) -> None:
        """Tell a notebook what it is run for, as nbgrader does."""
        self.kc.execute(SAY_SO, silent=True, store_history=False)

    def run_without_kernel(self, nb, folder: Path, modules: dict[str, str]) -> Ran:
        """Execute in an interpreter that is driven over pipes."""
        limits = Running(self.timeout, self.most_timeouts, self.most_bytes, self.total)
        library = library_of(modules, pictures=True)
        ran = execute(nb, folder, limits, self.left_out, library.folder)
        for number in ran.timeouts:
            self.note_timeout(nb, nb.cells[number], number)
        if ran.ended:
            note(nb, f"the notebook stopped running ({ran.ended}); marks do not depend on it")
        return ran

    def run_in_kernel(self, nb, resources, km, folder: Path) -> None:
        """Execute as nbgrader does."""
        before, resources["metadata"]["path"] = resources["metadata"]["path"], str(folder)
        try:
            self.run(nb, resources, km)
        finally:
            resources["metadata"]["path"] = before

    def run(self, nb, resources, km) -> None:
        """Execute what can be executed."""
        self.timed_out, self.ended = [], ""
        self.deadline = time.monotonic() + self.total
        try:
            super().preprocess(nb, resources, km)
        except Exception as error:  # the others are to be graded
            reason = str(error).strip().splitlines() or [type(error).__name__]
            self.ended = reason[0][:100]
            note(nb, f"the notebook stopped running ({self.ended}); {self.note_of_end}")
        if time.monotonic() > self.deadline:
            self.ended = f"all cells together took longer than {self.total:g} s"
            note(nb, f"the notebook stopped running ({self.ended}); {self.note_of_end}")
        repair(nb)
        before = [len(cell.get("outputs", [])) for cell in nb.cells]
        if bound(nb, self.most_bytes):
            note(nb, f"the notebook showed more than {self.most_bytes // 1_000_000} MB; it was cut")
            for cell, count in zip(nb.cells, before, strict=True):
                if self.tests_decide and len(cell.get("outputs", [])) < count:
                    end_in_error(cell, "OutputTooLong")

    def preprocess_cell(self, cell, resources, index):
        left = self.deadline - time.monotonic()
        if len(self.timed_out) >= self.most_timeouts or index in self.left_out or left <= 0:
            return cell, resources
        whole, self.timeout = self.timeout, min(self.timeout or left, math.ceil(left))
        try:
            cell, resources = super().preprocess_cell(cell, resources, index)
        except Exception as error:
            if self.tests_decide:
                end_in_error(cell, type(error).__name__)
            raise
        finally:
            self.timeout = whole
        if any(o.get("ename") == "CellTimeoutError" for o in cell.get("outputs", [])):
            self.timed_out.append(index)
            self.note_timeout(self.nb, cell, index)
        return cell, resources

    def note_timeout(self, nb, cell, index: int) -> None:
        """Say which cell took too long."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {index + 1}"
        note(nb, f"the cell {name!r} took longer than {self.timeout} s and was stopped")


def end_in_error(cell, name: str) -> None:
    """Have a cell end in an error: nbgrader takes one that shows none for passed."""
    if cell.cell_type == "code":
        cell.outputs.append(new_output("error", ename=name, evalue="", traceback=[name]))


def python_kernel(nb) -> str:
    """The kernel for a notebook: that of the sandbox, whatever name the notebook's own has.

    Raises
    ------
    TitoError
        If it is for another language.
    """
    language = language_of(nb.metadata)
    if language != "python":
        raise TitoError(f"it is a notebook for {language}; only Python is run in the sandbox")
    return "python3"


def write_files(nb, job: Job, folder: Path) -> None:
    """Put the files of an ordinary assignment beside its notebook, as nbgrader does."""
    left_out = impostors({name.partition("/")[0] for name in job.files.keys() - job.given})
    for name in left_out:
        flag(nb, f"{name} was handed in as well; it was not used")
    for name, content in job.files.items():
        if name in job.given or name.partition("/")[0] not in left_out:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def leave_out_demos(nb, job: Job) -> set[int]:
    """The places of demos that need not be run; where their outputs would be, it is said.

    Demos are known by their text, so that one which a student has changed is run, and so is a copy.
    """
    out = left_out(nb.cells, lambda cell: job.pack.demo_of(cell.source))
    for number in out:
        nb.cells[number].outputs = [new_output("stream", name="stdout", text=LEFT_OUT)]
    return out


def prepare(nb, job: Job, folder: Path) -> None:
    """Fill the private folder, and take the hidden tests out of the notebook.

    Parameters
    ----------
    nb : NotebookNode
        A submission.
    job : Job
        With the files that were handed in beside it.
    folder : Path
        From `tito.judge.workspace.workspace`.
    """
    for name, content in job.files.items():
        if Path(name).suffix.lower() in DATA:
            (folder / name).write_bytes(content)
    for name in impostors(job.names):
        flag(nb, f"{name} was handed in as well; it was not used")
    cells = notebook_cells(nb)
    for cell in cells:
        if cell.error:
            note(nb, f"the cell {cell.name!r} does not parse ({cell.error})")
    text = module_text(cells, title_of(job.module), "the submission")
    core = folder / "tinytorch" / "core"
    core.mkdir(parents=True, exist_ok=True)
    (core / f"{job.pack.name}.py").write_text(text, encoding="utf-8")
    for cell in nb.cells:
        if cell.cell_type == "code" and BEGIN_HIDDEN in cell.source:
            cell.source = without_hidden_tests(cell.source)

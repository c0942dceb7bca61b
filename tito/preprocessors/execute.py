"""Steps 2 and 3: export the student's cells, and run the notebook for its outputs and plots.

No mark depends on what happens here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from nbgrader.preprocessors import Execute
from traitlets import Integer

from tito.course import Course, Module
from tito.export import module_text, notebook_cells, title_of
from tito.files import refuse_links
from tito.grading.workspace import earlier_modules, workspace
from tito.preprocessors.notes import flag, note
from tito.sandbox.provisioner import SandboxedKernelManager
from tito.sandbox.settings import use_settings
from tito.source import BEGIN_HIDDEN, without_hidden_tests

# The files that a notebook may read; nothing that was handed in beside it is ever imported.
DATA = set(".csv .tsv .txt .json .npy .npz .png .jpg .jpeg .gif .svg .md".split())
IMPOSTORS = set("numpy tinytorch tito conftest sitecustomize usercustomize ipython_config".split())


def impostors(folder: Path) -> list[str]:
    """The files and folders of a submission that are named like what the grader imports."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [p.name for p in paths if p.name.partition(".")[0] in IMPOSTORS and p.suffix not in DATA]


class ExecuteInWorkspace(Execute):
    """Run a submission in the sandbox, in a private folder, without its hidden tests.

    The folder holds the files that were handed in beside the notebook, and a package `tinytorch` of
    the reference's earlier modules and the student's own graded one.
    """

    timeout = Integer(60, help="Seconds that a cell may take.", allow_none=True).tag(config=True)
    most_timeouts = Integer(3, help="Stop executing after so many cells that took too long.").tag(
        config=True
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, kernel_manager_class=SandboxedKernelManager, **kwargs)

    def preprocess(self, nb, resources, km=None):
        use_settings(self)
        module = Course.find().module(resources["nbgrader"]["assignment"])
        handed_in = Path(resources["metadata"]["path"])
        student = resources["nbgrader"].get("student", "")
        submitted = module.root / "submitted" / student / module.folder
        refuse_links(submitted)  # nbgrader's copies of what they point at are files
        complete = [cell.source for cell in nb.cells]
        try:
            with workspace(earlier_modules(module), pictures=True) as folder:
                self.prepare(module, nb, handed_in, folder)
                for name in impostors(submitted):
                    flag(nb, f"{name} was handed in as well; it was not used")
                resources["metadata"]["path"] = str(folder)
                self.run(nb, resources, km)
        finally:
            resources["metadata"]["path"] = str(handed_in)
            for cell, source in zip(nb.cells, complete, strict=True):
                cell.source = source
        return nb, resources

    def prepare(self, module: Module, nb, handed_in: Path, folder: Path) -> None:
        """Fill the private folder, and take the hidden tests out of the notebook."""
        for path in handed_in.iterdir() if handed_in.is_dir() else ():
            if path.is_file() and path.suffix.lower() in DATA:
                shutil.copy(path, folder / path.name)
        cells = notebook_cells(nb)
        for cell in cells:
            if cell.error:
                note(nb, f"the cell {cell.name!r} does not parse ({cell.error})")
        text = module_text(cells, title_of(module), "the submission")
        (folder / "tinytorch" / "core" / f"{module.name}.py").write_text(text, encoding="utf-8")
        for cell in nb.cells:
            if cell.cell_type == "code" and BEGIN_HIDDEN in cell.source:
                cell.source = without_hidden_tests(cell.source)

    def run(self, nb, resources, km) -> None:
        """Execute what can be executed."""
        self.timeouts = 0
        try:
            super().preprocess(nb, resources, km)
        except Exception as error:  # no mark depends on it, and the others are to be graded
            reason = str(error).strip().splitlines() or [type(error).__name__]
            note(nb, f"the notebook stopped running ({reason[0][:100]}); marks do not depend on it")

    def preprocess_cell(self, cell, resources, index):
        if self.timeouts >= self.most_timeouts:
            return cell, resources
        cell, resources = super().preprocess_cell(cell, resources, index)
        if any(o.get("ename") == "CellTimeoutError" for o in cell.get("outputs", [])):
            self.timeouts += 1
            name = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {index + 1}"
            note(self.nb, f"the cell {name!r} took longer than {self.timeout} s and was stopped")
        return cell, resources

"""nbgrader's settings: plain `nbgrader …` commands, formgrader and `tito` all use them."""

from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    IncludeHeaderFooter,
    InstantiateTests,
    LimitOutput,
    LockCells,
    OverwriteKernelspec,
)

from tito.grading.formgrader import BesideAnswers, markdown2html
from tito.grading.regrade_requests import ShowAnswers
from tito.source.modules_and_others import kept_from_students
from tito.steps.check_scores import CheckScores
from tito.steps.clean_outputs import CleanOutputs
from tito.steps.clear_for_students import ClearHiddenTests, ClearSolutions
from tito.steps.execute_in_workspace import ExecuteInWorkspace
from tito.steps.following import CsvExportPlugin
from tito.steps.get_marks import GetMarks, number_or_words
from tito.steps.hide_tests import HideTests
from tito.steps.ignore_warnings import IgnoreWarnings
from tito.steps.observe import Observe
from tito.steps.overwrite_cells import OverwriteCells
from tito.steps.restore_cells import RestoreCells
from tito.steps.save_cells import SaveCells
from tito.steps.save_marks import SaveMarks

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.course_id = "tinytorch"

# nbgrader copies every other file of an assignment's folder to the students; in a module's folder
# (source/NN_name/) solutions are in such files.
c.CourseDirectory.ignore = [
    "*.pyc",
    "__pycache__",
    ".ipynb_checkpoints",
    "feedback",
    "backups",
    "submission.json",
    "receipt.txt",
    "taken-from.txt",
    *kept_from_students(Path(__file__).parent),
]

# Where students' notebooks are exchanged; without it, `tito submit` makes a zip file.
# c.Exchange.root = "/srv/nbgrader/exchange"

# Releasing: nbgrader's steps, of which two know modules. Settings such as
# c.ClearSolutions.begin_solution_delimeter are for ordinary assignments.
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    InstantiateTests,
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]

# Grading, step by step: sanitize; export and execute; observe; save.
c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    RestoreCells,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    ExecuteInWorkspace,
    CleanOutputs,
    Observe,
    IgnoreWarnings,
    LimitOutput,
    CheckScores,
    SaveMarks,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.ExecuteInWorkspace.timeout = 60  # seconds for a cell
c.ExecuteInWorkspace.total = 600  # seconds for all cells of a notebook together
c.Observe.timeout = 10  # seconds for a hidden test
c.Observe.total = 180  # seconds for all hidden tests of a notebook together
c.Observe.grafts = 180  # seconds for what is tried again with the reference's other exercises

# Submissions run in a sandbox (tito/sandbox/README.md); sizes in bytes.
c.Sandbox.memory = 2 * 2**30  # of all processes of a submission together
c.Sandbox.cpu_seconds = 900  # of one process
c.Sandbox.processes = 128  # and threads

# Formgrader and feedback show what students wrote; none of it runs there.
c.HTMLExporter.filters = {"markdown2html": markdown2html, "float": number_or_words}
c.GenerateFeedback.preprocessors = [GetMarks, ShowAnswers, HideTests, CSSHTMLHeaderPreprocessor]

# Formgrader's page of a submission has the model answers beside; nothing else has them.
c.HTMLExporter.preprocessors = [BesideAnswers]

# `nbgrader export`, after late penalties have followed the marks that were given by hand.
c.ExportApp.plugin_class = CsvExportPlugin

c.KernelManager.transport_encryption = "auto"

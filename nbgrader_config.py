"""nbgrader's settings: plain `nbgrader …` commands, formgrader and `tito` all use them."""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from tito.steps.check_scores import CheckScores
from tito.steps.clean_outputs import CleanOutputs
from tito.steps.execute_in_workspace import ExecuteInWorkspace
from tito.steps.hide_tests import HideTests
from tito.steps.observe import Observe
from tito.steps.restore_cells import RestoreCells
from tito.steps.safe_html import markdown2html

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.course_id = "tinytorch"

# nbgrader copies every other file of source/NN_name/ to the students; solutions live in such files.
c.CourseDirectory.ignore = [
    "*.py",
    "*.pyc",
    "__pycache__",
    ".ipynb_checkpoints",
    "feedback",
    ".*",
    "submission.json",
    "backups",
    "*.zip",
    "receipt.txt",
    "taken-from.txt",
]

# Where students' notebooks are exchanged; without it, `tito submit` makes a zip file.
# c.Exchange.root = "/srv/nbgrader/exchange"

# What students find where they are to write in words.
c.ClearSolutions.text_stub = (
    "✎ *YOUR ANSWER HERE: double-click this line, write over it, and press Shift+Enter.*"
)

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
    IgnorePattern,
    LimitOutput,
    CheckScores,
    SaveAutoGrades,
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

# A warning printed by a test cell is no failure.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"Warning: "

# Formgrader and feedback show what students wrote; none of it runs there.
c.HTMLExporter.filters = {"markdown2html": markdown2html}
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]

c.KernelManager.transport_encryption = "auto"

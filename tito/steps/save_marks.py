"""Step 5: save; what a person marked stays marked until that very cell changes."""

from __future__ import annotations

import hashlib
import json

from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import determine_grade, is_grade, is_solution, is_task
from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, select

SEEN = "tito seen"  # the key, in nbconvert's resources, of what whoever marks has in formgrader

# Beside nbgrader's own tables: for each submitted notebook, what its cells were when it was graded.
GRADED_CELLS = Table(
    "tito_graded_cells",
    MetaData(),
    Column("notebook_id", String(32), primary_key=True),
    Column("cells", Text, nullable=False),
)


class SaveMarks(SaveAutoGrades):
    """nbgrader's SaveAutoGrades, but that it asks for a mark by hand once more only where the
    cell's answer, checks or points are no longer those that were marked."""

    def preprocess(self, nb, resources):
        self.now, self.before = cells_of(nb), None
        self.seen = resources.get(SEEN)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        if self.before is None:
            self.before = self._remember()
        if is_task(cell) and not is_grade(cell):
            grade = self._grade_of(cell)
            if grade.manual_score is not None:
                grade.needs_manual_grade = self._is_open(grade)
                self.gradebook.db.commit()
        return super().preprocess_cell(cell, resources, index)

    def _add_score(self, cell, resources):
        grade = self._grade_of(cell)
        grade.auto_score, _ = determine_grade(cell, self.log)
        if grade.manual_score is None:
            grade.needs_manual_grade = grade.auto_score is None
        else:
            grade.needs_manual_grade = self._is_open(grade)
        self.gradebook.db.commit()

    def _grade_of(self, cell):
        name = cell.metadata["nbgrader"]["grade_id"]
        return self.gradebook.find_grade(
            name, self.notebook_id, self.assignment_id, self.student_id
        )

    def _is_open(self, grade) -> bool:
        """Whether a mark given by hand is to be looked at again."""
        known = [cells for cells in (self.before, self.seen) if cells is not None]
        now = self.now.get(grade.name)
        return grade.needs_manual_grade or any(cells.get(grade.name) != now for cells in known)

    def _remember(self) -> dict[str, str]:
        """Put down what the cells are now; returns what they were."""
        notebook = self.gradebook.find_submission_notebook(
            self.notebook_id, self.assignment_id, self.student_id
        )
        before = forget(self.gradebook.db, notebook)
        text = json.dumps(self.now, sort_keys=True)
        row = insert(GRADED_CELLS).values(notebook_id=notebook.id, cells=text)
        self.gradebook.db.execute(row)
        return json.loads(before) if before else self.seen or {}


def forget(db, notebook) -> str | None:
    """Take out what is put down of a submitted notebook; returns it."""
    GRADED_CELLS.create(db.connection(), checkfirst=True)
    this = GRADED_CELLS.c.notebook_id == notebook.id
    before = db.execute(select(GRADED_CELLS.c.cells).where(this)).scalar()
    db.execute(delete(GRADED_CELLS).where(this))
    return before


def cells_of(nb) -> dict[str, str]:
    """What a mark is given for: a hash of each graded cell's answer, checks and points, by name.

    Parameters
    ----------
    nb : NotebookNode
        A graded notebook.
    """
    checks = nb.metadata.get("tito", {}).get("checks", {})
    solutions = [c for c in nb.cells if is_solution(c)]
    found = {}
    for number, cell in enumerate(nb.cells):
        if is_grade(cell) or is_task(cell):
            nbgrader = cell.metadata["nbgrader"]
            name, points = nbgrader["grade_id"], float(nbgrader.get("points", 0))
            facts = [checks.get(name, cell.source), points, *_answers(nb.cells, number, solutions)]
            found[name] = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return found


def _answers(cells: list, number: int, solutions: list) -> list[str]:
    """What a student wrote for a graded cell, besides what is in the cell itself."""
    cell = cells[number]
    if is_task(cell):
        return _own_below(cells, number)
    if is_solution(cell):
        return []
    name = cell.metadata["nbgrader"]["grade_id"].removeprefix("test-")
    named = [c.source for c in solutions if c.metadata["nbgrader"]["grade_id"] == name]
    return named or _solutions_above(cells, number)


def _own_below(cells: list, number: int) -> list[str]:
    """The cells below a task, down to the next that nbgrader knows."""
    found = []
    for cell in cells[number + 1 :]:
        if cell.metadata.get("nbgrader"):
            break
        found.append(cell.source)
    return found


def _solutions_above(cells: list, number: int) -> list[str]:
    """The nearest cells above a test in which there is a solution, up to the tests before them."""
    found = []
    for cell in reversed(cells[:number]):
        if is_solution(cell) and not is_grade(cell):
            found.append(cell.source)
        elif is_grade(cell) and found:
            break
    return found

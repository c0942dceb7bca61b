"""Releasing again after hand-ins: cells may come and go, unless a person's work hangs on them."""

from __future__ import annotations

from nbgrader.api import Comment, Grade, MissingEntry
from nbgrader.preprocessors import SaveCells as NbgraderSaveCells

KINDS = ("grade", "solution", "task", "source")


class SaveCells(NbgraderSaveCells):
    """nbgrader's SaveCells, which refuses any new or missing cell once there are submissions.

    Here a cell that is new has no marks yet, in any submission, until it is graded again; one that
    is gone takes its marks with it, unless somebody gave one, or a comment, by hand.
    """

    def _create_notebook(self, nb) -> None:
        try:
            notebook = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        except MissingEntry:
            notebook = None
        if notebook is not None and notebook.submissions:
            self._take_out(notebook)
            self._add(notebook)
        super()._create_notebook(nb)

    def _take_out(self, notebook) -> None:
        """Remove the cells that are no longer there, and their marks.

        Raises
        ------
        RuntimeError
            If a person marked one of them, or wrote a comment.
        """
        gone = [
            cell
            for kind in KINDS
            for cell in getattr(notebook, f"{kind}_cells")
            if cell.name not in getattr(self, f"new_{kind}_cells")
        ]
        for cell in gone:
            self._refuse_if_marked(cell)
        for cell in gone:
            for row in [*_rows(cell, "grades"), *_rows(cell, "comments"), cell]:
                self.gradebook.db.delete(row)
        self.gradebook.db.commit()
        self.gradebook.db.expire_all()

    def _refuse_if_marked(self, cell) -> None:
        grades, comments = _rows(cell, "grades"), _rows(cell, "comments")
        marked = {grade.student.id for grade in grades if grade.manual_score is not None}
        marked |= {comment.student.id for comment in comments if comment.manual_comment}
        if marked:
            students = "1 student" if len(marked) == 1 else f"{len(marked)} students"
            exercise = cell.name.removeprefix("test-")
            raise RuntimeError(
                f"{exercise} is no longer in the source, and was marked by hand for {students}; "
                f"put it back, and have it count no more: tito void {self.assignment_id} "
                f"{exercise} --leave-out"
            )

    def _add(self, notebook) -> None:
        """Make places for the marks and comments on cells that are new."""
        for kind in KINDS:
            known = {cell.name for cell in getattr(notebook, f"{kind}_cells")}
            for name, facts in getattr(self, f"new_{kind}_cells").items():
                if name not in known:
                    self._add_cell(notebook, kind, name, facts)

    def _add_cell(self, notebook, kind: str, name: str, facts: dict) -> None:
        make = getattr(self.gradebook, f"update_or_create_{kind}_cell")
        cell = make(name, self.notebook_id, self.assignment_id, **facts)
        for submitted in notebook.submissions:
            if kind in ("grade", "task"):
                self.gradebook.db.add(Grade(cell_id=cell.id, notebook=submitted))
            if kind in ("solution", "task"):
                self.gradebook.db.add(Comment(cell_id=cell.id, notebook=submitted))
        self.gradebook.db.commit()
        self.gradebook.db.expire_all()


def _rows(cell, kind: str) -> list:
    """The marks or the comments on a cell; some kinds of cells have none."""
    return list(getattr(cell, kind, None) or [])

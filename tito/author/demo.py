"""The whole job on one module, with three made-up students."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.marks import Score, scores
from tito.author.release import release
from tito.course import Course, Module
from tito.errors import TitoError
from tito.files import write_atomically
from tito.grading.gradebook import gradebook
from tito.grading.report import Graded
from tito.source.instructors_notebook import notebook
from tito.source.percent import Cell, read_source

# Three mistakes that students make, each in an exercise that no other exercise needs.
MISTAKES = {
    "graph-by-hand": ("dg_dx = t + dg_ds * y", "dg_dx = t"),  # one of two paths
    "rules-of-functions": ("-grad * np.sin(x)", "grad * np.sin(x)"),  # a sign
    "rules-of-softmax": ("keepdims=True", "keepdim=True"),  # another library's spelling
}


@dataclass(frozen=True)
class Demo:
    """What the demonstration gave.

    Attributes
    ----------
    folder : Path
        Where everything lies.
    report : list of Graded
        What became of each submission.
    scores : list of Score
        All marks.
    pages : list of Path
        The feedback.
    """

    folder: Path
    report: list[Graded]
    scores: list[Score]
    pages: list[Path]


def run(course: Course, folder: Path, say: Callable[[str], None]) -> Demo:
    """Build, release, hand in, grade, mark by hand, and give feedback, in a folder of its own.

    Parameters
    ----------
    course : Course
        Whose module 7 is used; it is only read.
    folder : Path
        An empty folder.
    say : callable
        Called with what is being done.

    Returns
    -------
    Demo
        The marks, and where to look.
    """
    shutil.copytree(course.root / "source", folder / "source")
    for path in (Path("nbgrader_config.py"), *course.library()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(course.root / path, folder / path)
    module = Course(folder).module("07_autograd")
    say(f"Building and releasing {module.folder} …")
    release(module)
    say("Three students hand in …")
    cells = read_source(module)
    answers = {cell.name: cell.source for cell in cells if cell.role == "answer"}
    hand_in(module, "ada-reference", notebook(cells))
    hand_in(module, "ben-untouched", json.loads(module.released.read_text(encoding="utf-8")))
    hand_in(module, "cem-mistakes", notebook([_mistaken(cell) for cell in cells]))
    say("Grading with hidden tests, each submission in processes of its own …")
    report = grade(module)
    say("Marking the written answers by hand: full marks for the model answer …")
    mark_written_answers(module, answers)
    say("Writing feedback …")
    pages = feedback(module)
    return Demo(folder, report, scores(Course(folder), [module]), pages)


def _mistaken(cell: Cell) -> Cell:
    """An exercise with the mistake of the third student in it; other cells as they are."""
    if cell.role != "exercise" or cell.name not in MISTAKES:
        return cell
    source, replacements = cell.source, MISTAKES[cell.name]
    for right, wrong in zip(replacements[::2], replacements[1::2], strict=True):
        if right not in source:
            raise TitoError(f"the demonstration's mistake in {cell.name!r} does not fit the source")
        source = source.replace(right, wrong)
    return replace(cell, source=source)


def hand_in(module: Module, student: str, nb: dict) -> None:
    """Put a notebook where a student's submission is looked for."""
    path = module.root / "submitted" / student / module.folder / module.notebook
    write_atomically(path, json.dumps(nb))


def mark_written_answers(module: Module, answers: dict[str, str]) -> None:
    """Do what an instructor does in formgrader: read each written answer and mark it.

    Parameters
    ----------
    module : Module
        Which module.
    answers : dict
        The model answer of each question; an answer that equals it gets full marks, any other none.
    """
    with gradebook(Course(module.root)) as book:
        for submission in book.assignment_submissions(module.folder):
            path = module.root / "autograded" / submission.student.id / module.folder
            nb = json.loads((path / module.notebook).read_text(encoding="utf-8"))
            texts = {
                cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
                for cell in nb["cells"]
                if cell["metadata"].get("nbgrader", {}).get("grade_id") in answers
            }
            for mark in (grade for notebook in submission.notebooks for grade in notebook.grades):
                if mark.needs_manual_grade and mark.name in texts:
                    right = texts[mark.name].strip() == answers[mark.name].strip()
                    mark.manual_score = mark.max_score if right else 0
                    mark.needs_manual_grade = False
        book.db.commit()

"""The page docs/what-students-see.md: typical mistakes, and what the notebook answers.

Run ``python -m tito.audit.what_students_see`` from the root to write it anew.
"""

from __future__ import annotations

from pathlib import Path

from tito.audit.visible import Shown, what_checks_say
from tito.course import Course, Module
from tito.files import write_atomically
from tito.judge.pack import Pack
from tito.source.catalogue import read_catalogue

PAGE = Path("docs") / "what-students-see.md"
HEAD = """# What students see

Mistakes that students make in {title}, each made in the notebook with all
other solutions, and what the cell below answers. In JupyterLab the hints are folded; in a terminal,
in Validate and in feedback they are open. Otherwise it is the same text everywhere.

This page is made by `python -m tito.audit.what_students_see` from
`source/{folder}/mistakes.py`; a test fails when it is stale.
"""


def page(module: Module) -> str:
    """The text of the page.

    Parameters
    ----------
    module : Module
        One that has a catalogue of mistakes.

    Returns
    -------
    str
        Markdown; one section for each exercise with mistakes.
    """
    pack = Pack.of(module)
    mistakes = [m for m in read_catalogue(module, pack.cells).mistakes if not m.hidden]
    sections: dict[str, list[str]] = {}
    for shown in what_checks_say(pack, mistakes):
        sections.setdefault(shown.mistake.exercise, []).append(_entry(shown))
    title = f"module {module.number}, {module.name}"
    parts = [HEAD.format(title=title, folder=module.folder)]
    parts += [f"## {exercise}\n\n" + "\n".join(found) for exercise, found in sections.items()]
    return "\n".join(parts)


def _entry(shown: Shown) -> str:
    said = list(shown.block) or [shown.message or "nothing: the check passes"]
    return f"{shown.mistake.says}\n\n```text\n" + "\n".join(said) + "\n```\n"


def main() -> None:
    """Write the page of module 7."""
    course = Course.find()
    write_atomically(course.root / PAGE, page(course.module("7")))


if __name__ == "__main__":
    main()

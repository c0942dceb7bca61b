"""Writing a mistake that the instructor named into the catalogue of its module."""

from __future__ import annotations

import ast
from textwrap import indent

from tito.course import Module
from tito.errors import SourceError
from tito.files import write_atomically
from tito.grading.known_mistakes import Known, keep_named, named

BEGINNING = '''"""Mistakes that students make; `tito audit` tries them."""

from tito.source.catalogue import Mistake

MISTAKES = [
]
'''


def move_to_catalogue(module: Module, mistake: Known) -> int:
    """Write a mistake at the end of `MISTAKES` in ``mistakes.py``, where it has its name now.

    Parameters
    ----------
    module : Module
        The module.
    mistake : Known
        From `tito.grading.naming.name_group`.

    Returns
    -------
    int
        The line in which it begins.

    Raises
    ------
    SourceError
        If there is no list `MISTAKES` that ends with a line of its own.
    """
    path = module.source.with_name("mistakes.py")
    text = path.read_text(encoding="utf-8") if path.exists() else BEGINNING
    lines, end = text.splitlines(keepends=True), _end_of_list(text)
    if end is None or lines[end].strip() != "]":
        raise SourceError(
            f"{path.name} of {module.folder} has no list MISTAKES whose bracket closes in a line "
            "of its own; write the mistake into it by hand"
        )
    lines.insert(end, _entry(mistake))
    write_atomically(path, "".join(lines))
    keep_named(module, [one for one in named(module) if one.name != mistake.name])
    return end + 1


def _end_of_list(text: str) -> int | None:
    """The number of the last line of `MISTAKES`, from 0."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    for node in body:
        names = [getattr(target, "id", "") for target in getattr(node, "targets", ())]
        if names == ["MISTAKES"] and isinstance(node, ast.Assign):
            return (node.value.end_lineno or 1) - 1
    return None


def _entry(mistake: Known) -> str:
    """The entry, as Python."""
    code = mistake.source.strip("\n").replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    fields = [repr(mistake.name), repr(mistake.exercise), repr(mistake.says)]
    inside = indent("".join(f"{field},\n" for field in fields), " " * 8)
    return (
        f'    Mistake(\n{inside}        cell="""\n{indent(code, " " * 8)}\n        """,\n    ),\n'
    )

"""Step 1, sanitize: whatever a student did to the cells, the graded ones are there, once each."""

from __future__ import annotations

import re
from collections import Counter

from nbgrader.preprocessors import NbGraderPreprocessor

from tito.judge.limited_parser import PARSER
from tito.notebook.export import MAGIC, as_exported
from tito.steps.find_answers import find_answers, places_of
from tito.steps.job import Job, graded_cells, job_of, text_of
from tito.steps.notes import flag, note, some_of
from tito.syntax import LONGEST

DEFINED = re.compile(r"^(?:async +def|def|class) +(\w+)", re.M)
SKIP = "skip-execution"
LEFT_OUT = "# This cell was left out, because it is too long or too dear to parse.\n"


class RestoreCells(NbGraderPreprocessor):
    """Give every cell of the release its metadata back, add missing ones, and free copied ones.

    A copied cell has the grade_id of the original: the last one keeps it, as it is the one that ran
    last, unless it is untouched and another is not. Tags are removed, because some change what is
    run. The text of locked cells is restored by nbgrader's own OverwriteCells, which follows.
    """

    def preprocess(self, nb, resources):
        job = job_of(resources)
        nb.metadata.pop("tito", None)  # ours to write
        if not job.is_ordinary:  # of the others nothing is parsed
            leave_out_dear_cells(nb)
        settings = self.config.get("OverwriteCells", {})
        restore_cells(nb, job, bool(settings.get("add_missing_cells", False)))
        return nb, resources


def texts_parsed(source: str) -> list[str]:
    """All texts that may be parsed where a cell is read, exported or judged."""
    source = source.replace("\r\n", "\n")
    if len(source) > LONGEST:  # it is not parsed at all
        return [source]
    exported = as_exported(source)
    return list(dict.fromkeys([source, exported, MAGIC.sub("", source), MAGIC.sub("", exported)]))


def leave_out_dear_cells(nb) -> None:
    """Put a comment in the place of cells that nobody could parse without harm; it is noted."""
    code = [n for n, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    for place, why in PARSER.too_dear(texts_parsed(nb.cells[n].source) for n in code).items():
        cell, number = nb.cells[code[place]], code[place] + 1
        cell.source = LEFT_OUT
        name = (cell.metadata.get("nbgrader") or {}).get("grade_id") or f"cell {number}"
        note(nb, f"the cell {name!r} was left out: {why}")


def restore_cells(nb, job: Job, tests_come_back: bool = False) -> None:
    """Make sure that every graded cell is in a notebook, once.

    Parameters
    ----------
    nb : NotebookNode
        A submission; notes of what was done are added to its metadata.
    job : Job
        With the cells as they were released.
    tests_come_back : bool
        Whether nbgrader will add missing tests to an ordinary assignment.
    """
    graded = job.graded
    _drop_tags(nb, job)
    names = _names(nb, graded)
    lost = [name for name in graded if name not in names]
    _find_by_id(nb, names, graded)
    _find_by_text(nb, names, graded)
    _note_found(nb, names, graded, [name for name in lost if name in names])
    spare = _choose_among_copies(nb, names, graded, job.is_ordinary)
    for cell, name in zip(nb.cells, names, strict=True):
        if name:
            cell.metadata["nbgrader"] = _copy(graded[name]["metadata"]["nbgrader"])
            _set_type(cell, graded[name]["cell_type"])
    absent = [name for name in graded if name not in names]
    _add_missing(nb, job, absent, tests_come_back)
    find_answers(nb, job.released, spare)


def _drop_tags(nb, job: Job) -> None:
    """Take all tags away, but those with which the instructor keeps cells from being run."""
    kept = [
        c for c in job.released if job.is_ordinary and SKIP in (c["metadata"].get("tags") or [])
    ]
    texts = {text_of(cell).strip() for cell in kept}
    names = {cell["metadata"]["nbgrader"]["grade_id"] for cell in graded_cells(kept)}
    for cell in nb.cells:
        tags = cell.metadata.pop("tags", None)
        if not isinstance(tags, list) or SKIP not in tags:
            continue
        name = (cell.metadata.get("nbgrader") or {}).get("grade_id")
        if name in names or cell.source.strip() in texts:
            cell.metadata["tags"] = [SKIP]
        else:
            flag(nb, f"cells have the tag {SKIP}")


def _names(nb, graded: dict) -> list[str | None]:
    """The name by which nbgrader would know each cell; its metadata are taken away."""
    names = []
    for cell in nb.cells:
        nbgrader = cell.metadata.pop("nbgrader", None)
        name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        names.append(name if isinstance(name, str) and name in graded else None)
    return names


def _find_by_id(nb, names: list[str | None], graded: dict) -> None:
    """Name cells that lost their metadata, and kept the ids that they were released with."""
    by_id = {cell.get("id"): name for name, cell in graded.items() if name not in names}
    by_id.pop(None, None)
    for number, cell in enumerate(nb.cells):
        if names[number] is None and cell.get("id") in by_id:
            names[number] = by_id.pop(cell["id"])


def _find_by_text(nb, names: list[str | None], graded: dict) -> None:
    """Name cells that lost their ids as well: by their text, or by the names that code defines."""
    lost = [name for name in graded if name not in names]
    if not lost:
        return
    released = Counter(text_of(cell).strip() for cell in graded.values())
    texts = [cell.source.strip() for cell in nb.cells]
    defined = [_defined(cell) for cell in nb.cells]
    for name in lost:
        text = text_of(graded[name]).strip()
        if released[text] > 1:
            continue  # each untouched answer has the same
        same = [n for n, other in enumerate(texts) if not names[n] and other == text]
        wanted = set(DEFINED.findall(text)) if _is_exercise(graded[name]) else set()
        if not same and wanted:
            same = [n for n, other in enumerate(defined) if not names[n] and wanted <= other]
        if same:
            names[same[-1]] = name


def _defined(cell) -> set[str]:
    """The names of the functions and classes that a cell of code defines."""
    return set(DEFINED.findall(cell.source)) if cell.cell_type == "code" else set()


def _note_found(nb, names: list[str | None], graded: dict, found: list[str]) -> None:
    """Say which cells had lost their metadata, each answer that waits for a person by itself."""
    others = []
    for name in found:
        cell = nb.cells[names.index(name)]
        if _is_filled_answer(cell, graded[name]):
            note(
                nb, f"the answer {name!r} was found without metadata; it waits to be marked by hand"
            )
        else:
            others.append(name)
    if others:
        note(nb, f"without nbgrader's metadata, and found all the same: {some_of(others)}")


def _is_filled_answer(cell, released: dict) -> bool:
    nbgrader = released["metadata"]["nbgrader"]
    is_answer = bool(nbgrader.get("solution") and nbgrader.get("grade"))
    return is_answer and cell.source.strip() not in ("", text_of(released).strip())


def _is_exercise(cell: dict) -> bool:
    nbgrader = cell["metadata"]["nbgrader"]
    return cell["cell_type"] == "code" and nbgrader.get("solution") and not nbgrader.get("grade")


def _choose_among_copies(
    nb, names: list[str | None], graded: dict, is_ordinary: bool
) -> dict[str, list[str]]:
    """Leave a name to one cell only; returns what else was written in the copies of answers."""
    spare: dict[str, list[str]] = {}
    for name in dict.fromkeys(filter(None, names)):
        copies = [number for number, other in enumerate(names) if other == name]
        if len(copies) == 1:
            continue
        nbgrader = graded[name]["metadata"]["nbgrader"]
        is_answer = bool(nbgrader.get("solution") and nbgrader.get("grade"))
        is_filled = is_answer or (not is_ordinary and _is_exercise(graded[name]))
        untouched = {"", text_of(graded[name]).strip()}
        filled = [n for n in copies if nb.cells[n].source.strip() not in untouched]
        chosen = filled[-1] if filled and is_filled else copies[-1]
        which = "last one" if chosen == copies[-1] else "last one that is not untouched"
        kind = "answer" if is_answer else "cell"
        note(nb, f"the {kind} {name!r} is there more than once; the {which} is graded")
        for number in copies:
            names[number] = name if number == chosen else None
            if is_filled and not is_answer and number > chosen:
                nb.cells[number].source = ""  # else it would undo what the chosen one defines
        if is_answer:
            texts = [nb.cells[n].source.strip() for n in filled if n != chosen]
            texts = [text for text in texts if text != nb.cells[chosen].source.strip()]
            spare |= {name: list(dict.fromkeys(texts))} if texts else {}
    return spare


def _add_missing(nb, job: Job, absent: list[str], tests_come_back: bool) -> None:
    """Put missing cells back; for tests of ordinary assignments, nbgrader's settings decide."""
    graded, left = job.graded, []
    if job.is_ordinary:
        left = [name for name in absent if not _is_marked_by_hand(graded[name])]
        absent = [name for name in absent if name not in left]
    if absent:
        note(nb, f"missing, and added as released: {some_of(absent)}")
    places = places_of(nb, job.released)
    for place, cell in enumerate(job.released):
        if (cell["metadata"].get("nbgrader") or {}).get("grade_id") in absent:
            number = _place(places, place)
            nb.cells.insert(number, _released(cell))
            places.insert(number, place)
    tests = [name for name in left if graded[name]["metadata"]["nbgrader"].get("grade")]
    if tests and tests_come_back:
        note(nb, f"missing, and added by nbgrader: {some_of(tests)}")
    elif tests:
        note(nb, f"missing, and not added (c.OverwriteCells.add_missing_cells): {some_of(tests)}")


def _is_marked_by_hand(cell: dict) -> bool:
    nbgrader = cell["metadata"]["nbgrader"]
    is_text = cell["cell_type"] != "code"
    return bool(
        nbgrader.get("task") or (nbgrader.get("grade") and (nbgrader.get("solution") or is_text))
    )


def _place(places: list[int | None], missing: int) -> int:
    """Where a missing cell belongs: below the nearest cell before it in the release."""
    earlier = [place for place in places if place is not None and place < missing]
    return len(places) - places[::-1].index(max(earlier)) if earlier else 0


def _copy(metadata: dict) -> dict:
    from nbformat import from_dict

    return from_dict(dict(metadata))


def _released(cell: dict):
    from nbformat import from_dict

    return from_dict({**cell, "source": text_of(cell), "id": f"restored-{cell.get('id')}"[:64]})


def _set_type(cell, cell_type: str) -> None:
    if cell.cell_type == cell_type:
        return
    cell.cell_type = cell_type
    for key in ("outputs", "execution_count", "attachments"):
        cell.pop(key, None)
    if cell_type == "code":
        cell.outputs, cell.execution_count = [], None

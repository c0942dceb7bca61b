"""Written answers that are not in their cells: found near their place, they wait for a person."""

from __future__ import annotations

import re

from tito.steps.job import text_of
from tito.steps.notes import note

IN_WORDS = re.compile(r"\b(?:\w{2,}[,;:]? ){4}\w{2,}")  # a sentence, in code too
SHORTEST = 20  # characters of a text that is recognised inside of another
ALIKE = 0.8  # of the words of both: an older wording of a question


def find_answers(nb, released: list[dict], spare: dict[str, list[str]]) -> None:
    """Copy what a student wrote beside an answer's cell into it, so that it waits to be marked.

    Parameters
    ----------
    nb : NotebookNode
        A submission in which every graded cell is; notes are added to its metadata.
    released : list of dict
        The cells as they were released, all of them.
    spare : dict
        What else was written into copies of an answer's cell, by its name.
    """
    places = places_of(nb, released)
    for cell in [cell for cell in nb.cells if _is_answer(cell)]:
        name = cell.metadata["nbgrader"]["grade_id"]
        number = next(n for n, other in enumerate(nb.cells) if other is cell)
        if name in spare:
            _add(cell, spare[name], "in another copy of this cell", replaced=False)
            note(nb, f"the answer {name!r} has other text in another copy; both wait for a person")
        elif (place := places[number]) is not None and _is_untouched(cell, released[place]):
            texts, where = _written_near(nb, places, released, number)
            if texts:
                _add(cell, texts, where, replaced=True)
                note(nb, f"the answer {name!r} was found {where}; it waits to be marked by hand")


def _is_answer(cell) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("grade") and nbgrader.get("solution"))


def _is_untouched(cell, released: dict) -> bool:
    return cell.source.strip() in ("", text_of(released).strip())


def places_of(nb, released: list[dict]) -> list[int | None]:
    """Which released cell each cell is: by its name, its text, its id, or what it holds."""
    names, ids, texts = {}, {}, {}
    for place, cell in enumerate(released):
        name = (cell["metadata"].get("nbgrader") or {}).get("grade_id")
        if name:
            names[name] = place
        else:
            ids.setdefault(cell.get("id"), place)
            texts.setdefault(text_of(cell).strip(), place)
    ids.pop(None, None)
    texts.pop("", None)
    found = []
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        text = cell.source.strip()
        found.append(names.get(name, texts.get(text, ids.get(cell.get("id")))))
    inside = {text: place for text, place in texts.items() if place not in found}
    for number, cell in enumerate(nb.cells):
        if found[number] is None and cell.cell_type != "code":
            held = [
                p for text, p in inside.items() if len(text) >= SHORTEST and text in cell.source
            ]
            found[number] = held[0] if held else None
    return found


def _written_near(
    nb, places: list[int | None], released: list[dict], number: int
) -> tuple[list[str], str]:
    """What is written around an untouched answer, and in which kind of place it is."""
    place = places[number]
    stub, is_code = text_of(released[place]).strip(), nb.cells[number].cell_type == "code"
    question = text_of(released[place - 1]).strip() if place else ""
    above, below = [], []
    for step, found in ((-1, above), (1, below)):
        n = number + step
        while 0 <= n < len(nb.cells) and places[n] is None:
            if text := _own_text(nb.cells[n], question, stub, is_code):
                found.append(text)
            n += step
        if step < 0 and n >= 0 and (text := _added_to(nb.cells[n], released[places[n]], stub)):
            return [text, *reversed(above), *below], "in the question's cell"
    return [*reversed(above), *below], "in a new cell below" if below else "in a new cell above"


def _own_text(cell, question: str, stub: str, is_code: bool) -> str:
    """What a student's own cell says, if that may be an answer."""
    text = cell.source.replace(stub, "").strip()
    if cell.cell_type == "code":
        return text if is_code or IN_WORDS.search(text) else ""
    return "" if _is_like(text, question) else text


def _is_like(text: str, question: str) -> bool:
    """Whether a text is the question, as an earlier release had it: nearly the same words."""
    ours, theirs = set(question.split()), set(text.split())
    return len(ours & theirs) > ALIKE * len(ours | theirs)


def _added_to(cell, released: dict, stub: str) -> str:
    """What was written into a cell of text that was given."""
    given = text_of(released).strip()
    if cell.cell_type == "code" or cell.metadata.get("nbgrader") or cell.source.strip() == given:
        return ""
    text = cell.source.replace(given, "", 1).replace(stub, "").strip()
    return "" if _is_like(text, given) else text


def _add(cell, texts: list[str], where: str, replaced: bool) -> None:
    """Copy texts into an answer's cell; code as comments, as it is run where it stands."""
    kept = cell.source.strip() if cell.cell_type == "code" or not replaced else ""
    said = [f"*Found {where}, and copied here to be marked:*", *texts]
    if cell.cell_type == "code":
        said = ["\n".join(f"# {line}" for line in text.splitlines()) for text in said]
    cell.source = "\n\n".join([kept, *said]).strip()

"""What a notebook that was run may hold: nothing that runs where it is read, no paths of ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from html import escape

from nbformat.v4 import new_output

from tito.steps.safe_html import MOST_TEXT, safe

IMAGES = ("image/png", "image/jpeg")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
LONGEST_TEXT = 20_000  # characters of a cell in words; rendering some texts takes far longer
SPACES = re.compile(r"[ \t]{200,}")
MOST_TAGS_IN_ALL = 100_000  # of all outputs of a notebook
MOST_HTML = 20_000_000  # characters, of the same
OVERHEAD = 500  # bytes that an output takes besides what it shows
KEPT_METADATA = ("kernelspec", "tito")


def clean(nb, folders: Iterable[str] = ()) -> None:
    """Clean a notebook in place.

    Of outputs, text and pictures stay as they are, and HTML is made safe; everything else goes, as
    do metadata that nobody needs. Raw cells, which pages would hold as they are, become text.

    Parameters
    ----------
    nb : NotebookNode
        A notebook that was run.
    folders : iterable of str
        Folders whose names nobody is to read.
    """
    nb.metadata = type(nb.metadata)(
        {key: value for key, value in nb.metadata.items() if key in KEPT_METADATA}
        | {"language_info": {"name": "python"}}
    )
    hidden, html = _pattern(folders), Cleaner()
    for cell in nb.cells:
        _clean_cell(cell)
        if cell.cell_type == "code":
            cell.outputs = [_clean_output(output, hidden, html) for output in cell.outputs]


class Cleaner:
    """Makes HTML safe, as long as a notebook has no more of it than anybody would read."""

    def __init__(self):
        self.tags = self.length = 0

    def safe(self, html: str) -> str:
        """The same HTML without what runs, or its text if there was too much before."""
        self.tags += html.count("<")
        self.length += len(html)
        if self.tags > MOST_TAGS_IN_ALL or self.length > MOST_HTML:
            return f"<pre>{escape(html[:MOST_TEXT])}</pre>"
        return safe(html)


def repair(nb) -> None:
    """Make what a kernel sent well-formed: it may have sent anything, with HTML where a number
    belongs, and what is malformed would leave the whole submission without a mark.

    Parameters
    ----------
    nb : NotebookNode
        A notebook that was run; changed in place.
    """
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.execution_count = _count(cell.get("execution_count"))
            repaired = [_well_formed(output) for output in cell.outputs]
            cell.outputs = [output for output in repaired if output is not None]


def _count(number) -> int | None:
    return number if type(number) is int else None


def _well_formed(output):
    """An output with what its type has, each of the right kind; None if it is no output."""
    kind = output.get("output_type")
    if kind == "stream":
        name = output.get("name") if output.get("name") in ("stdout", "stderr") else "stdout"
        return new_output(kind, name=name, text=_text(output.get("text", "")))
    if kind == "error":
        trace = output.get("traceback")
        trace = [str(line) for line in trace] if isinstance(trace, list) else []
        name, says = str(output.get("ename", "")), str(output.get("evalue", ""))
        return new_output(kind, ename=name, evalue=says, traceback=trace)
    if kind not in ("display_data", "execute_result"):
        return None
    data, metadata = output.get("data"), output.get("metadata")
    more = {"execution_count": _count(output.get("execution_count"))}
    return new_output(
        kind,
        data=data if isinstance(data, dict) else {},
        metadata=metadata if isinstance(metadata, dict) else {},
        **(more if kind == "execute_result" else {}),
    )


def size_of(output) -> int:
    """About how many bytes an output takes, however little it shows."""
    return OVERHEAD + _length(output)


def _length(value) -> int:
    """The characters in all texts of a value, and something for each value besides."""
    total, waiting = 0, [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            total += sum(len(str(key)) for key in value)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        total += 8
    return total


def bound(nb, most: int) -> bool:
    """Take outputs out of a notebook that are more than some bytes; returns whether there were.

    One that is shown in many places counts in each, as it is written in each.
    """
    left, cut = most, False
    for cell in nb.cells:
        if cell.cell_type == "code":
            kept = []
            for output in cell.outputs:
                left -= size_of(output)
                if left < 0:
                    cut = True
                    break
                kept.append(output)
            cell.outputs = kept
    return cut


def _pattern(folders: Iterable[str]) -> re.Pattern:
    """Matches the folders, the longest first, and those of the interpreter."""
    names = {*folders, sys.prefix, sys.base_prefix} - {"/", "/usr", "/usr/local", ""}
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _clean_cell(cell) -> None:
    nbgrader = cell.metadata.get("nbgrader")
    cell.metadata = type(cell.metadata)({"nbgrader": nbgrader} if nbgrader else {})
    if cell.cell_type == "raw":
        cell.cell_type = "markdown"
        cell.source = "\n".join(f"    {line}" for line in cell.source.splitlines())
    if cell.cell_type == "markdown":
        text = SPACES.sub(" " * 200, cell.source)
        cell.source = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
    if "attachments" in cell:
        cell.attachments = {
            name: {kind: data for kind, data in bundle.items() if _is_image(kind, data)}
            for name, bundle in cell.attachments.items()
        }


def _is_image(kind: str, data) -> bool:
    return kind in IMAGES and isinstance(data, str) and bool(BASE64.fullmatch(data))


def _clean_output(output, hidden: re.Pattern, html: Cleaner):
    if output.output_type == "stream":
        output.text = hidden.sub("…", output.text)
    elif output.output_type == "error":
        output.traceback = [hidden.sub("…", line) for line in output.traceback]
        output.evalue = hidden.sub("…", output.evalue)
    else:
        output.data = type(output.data)(_clean_data(output.data, hidden, html))
        output.metadata = type(output.metadata)()
    return output


def _clean_data(data: dict, hidden: re.Pattern, html: Cleaner) -> dict:
    kept = {kind: value for kind, value in data.items() if _is_image(kind, value)}
    if "text/plain" in data:
        kept["text/plain"] = hidden.sub("…", _text(data["text/plain"]))
    if "text/html" in data and not kept.keys() & set(IMAGES):
        kept["text/html"] = html.safe(hidden.sub("…", _text(data["text/html"])))
    return kept


def _text(value) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else str(value)

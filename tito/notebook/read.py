"""Reading notebooks that somebody else wrote: as plain JSON, bounded before it is parsed."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tito.errors import TitoError, UsageError
from tito.files import MOST_BYTES, read_regular

MOST_VALUES = 2_000_000  # of JSON; a list or a dictionary takes a hundred bytes, however empty
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
MOST_CELLS = 5_000


def read_notebook(path: Path) -> dict:
    """Read a notebook as plain JSON.

    Raises
    ------
    UsageError
        If there is no such file.
    TitoError
        If it is not a notebook; says where it breaks off.
    """
    try:
        content = read_regular(path.resolve(), MOST_BYTES)  # one's own may be a link
    except FileNotFoundError:
        raise UsageError(f"there is no notebook {path}") from None
    except (OSError, RuntimeError, TitoError) as error:
        raise TitoError(f"{path} is not a notebook ({error})") from None
    return notebook_of(content, str(path))


def notebook_of(content: bytes, path: str) -> dict:
    """A notebook as plain JSON, of a file's content; as `read_notebook`."""
    if not content.strip():
        raise TitoError(f"{path} is not a notebook (it is empty)")
    try:
        refuse_too_many_values(content)
        nb = json.loads(content.decode("utf-8-sig"))
        if b"\\ud" in content.lower():  # what is half a character cannot be kept
            nb = json.loads(json.dumps(nb, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise TitoError(f"{path} is not a notebook ({error or type(error).__name__})") from None
    if isinstance(nb, dict) and isinstance(nb.get("worksheets"), list):
        raise TitoError(
            f"{path} is a notebook of before 2015 (nbformat 3); open it in JupyterLab and save it"
        )
    if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
        raise TitoError(f"{path} is not a notebook (it has no list of cells)")
    if len(nb["cells"]) > MOST_CELLS:
        raise TitoError(f"{path} has more than {MOST_CELLS} cells")
    for number, cell in enumerate(nb["cells"], 1):
        if not _is_cell(cell):
            raise TitoError(f"{path} is not a notebook (its cell {number} is not a cell)")
        _mend_metadata(cell["metadata"])
    return nb


def refuse_too_many_values(content: bytes, most: int = MOST_VALUES) -> None:
    """Make sure that a text of JSON takes no more memory than its length would let one think.

    Raises
    ------
    ValueError
        If it has too many values.
    """
    if _values(content) > most and _values(STRING.sub(b"", content)) > most:
        raise ValueError(f"it has more than {most:,} values")


def _values(content: bytes) -> int:
    return sum(map(content.count, (b",", b"[", b"{")))


def _is_cell(cell) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return isinstance(cell.get("metadata"), dict) and all(isinstance(s, str) for s in lines)


def _mend_metadata(metadata: dict) -> None:
    """Take out what nbgrader and we never write there, and would stumble over."""
    if not isinstance(metadata.get("tags", []), list):
        del metadata["tags"]
    nbgrader = metadata.get("nbgrader")
    if nbgrader is None:
        return
    if not isinstance(nbgrader, dict) or not isinstance(nbgrader.get("grade_id", ""), str):
        del metadata["nbgrader"]
    elif not _is_number(nbgrader.get("points", 0)):
        nbgrader["points"] = 0


def _is_number(points) -> bool:
    return isinstance(points, (int, float)) and 0 <= points < 1e9


def grade_ids(nb: dict) -> set[str]:
    """The names of the cells that nbgrader knows in a notebook; none of its cells is parsed."""
    found = (cell.get("metadata", {}).get("nbgrader") or {} for cell in nb["cells"])
    return {str(n.get("grade_id")) for n in found if n.get("grade_id")}


def language_of(metadata: dict) -> str:
    """The language of a notebook, by its metadata: Python where they do not say."""
    kernel, info = metadata.get("kernelspec") or {}, metadata.get("language_info") or {}
    return str(kernel.get("language") or info.get("name") or "python").lower()

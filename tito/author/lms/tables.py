"""CSV files, however a learning platform or a spreadsheet wrote them."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from tito.errors import TitoError, UsageError
from tito.files import printable, read_regular

LARGEST_TABLE = 10_000_000  # bytes
SEPARATORS = ",;\t"
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Row:
    """A row of a table: the line it begins at, and its cells by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table; its columns are written small, as they are compared so."""

    columns: list[str]
    rows: list[Row]


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8 or UTF-16, with commas, semicolons or tabs.

    Parameters
    ----------
    path : Path
        The file; its first line names the columns.

    Raises
    ------
    UsageError
        If it is no such file, or a row does not fit the columns; says which line.
    OSError
        If it cannot be read.
    """
    try:
        text = _text_of(read_regular(path.resolve(), LARGEST_TABLE))
        return table_of(text)
    except TitoError as error:
        raise UsageError(f"{printable(path.name)}: {error}") from None


def table_of(text: str) -> Table:
    """The table that is in a text.

    Raises
    ------
    UsageError
        If it is none; says which line.
    """
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower() in {f"sep={s}" for s in SEPARATORS}:  # written by Excel
        text, skipped = rest, 1
    rows = [(line + skipped, cells) for line, cells in _rows(text, _separator(text))]
    if not rows:
        raise UsageError("it is empty; export it once more, as CSV")
    (_, names), *others = rows
    columns = [" ".join(name.split()).lower() for name in names]
    return Table(columns, [Row(line, _fitted(columns, line, cells)) for line, cells in others])


def _text_of(content: bytes) -> str:
    if content.startswith(b"PK"):
        raise UsageError("it is an Excel workbook or a zip file; save it as CSV")
    encoding = next((e for bom, e in ENCODINGS.items() if content.startswith(bom)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"line {line} is not UTF-8; save it as “CSV UTF-8”") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"it is no CSV file (line {line} holds bytes that are no text)")
    return text


def _separator(text: str) -> str:
    """What stands between the cells: what makes the most columns of the first line."""
    lines = text.lstrip().splitlines() or [""]
    return max(SEPARATORS, key=lines[0].count)


def _rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line it begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"line {line} is no line of a CSV file ({error})") from None
    return found


def _fitted(columns: list[str], line: int, cells: list[str]) -> dict[str, str]:
    """The cells of a row by column; of two columns in one name, the first."""
    if len(cells) != len(columns):
        hint = "; a comma inside a cell needs quotes" if len(cells) > len(columns) else ""
        raise UsageError(f"line {line} has {len(cells)} cells for {len(columns)} columns{hint}")
    pairs = zip(reversed(columns), reversed(cells), strict=True)
    return {column: printable(cell).strip() for column, cell in pairs}

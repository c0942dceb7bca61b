"""The leak test of the kit on a built site: all that a reader, or a program of theirs, can read."""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tito.author.leaks import Secret, leaks

EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,([A-Za-z0-9+/=\s]+)")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
PNG = b"\x89PNG\r\n\x1a\n"
MOST_UNPACKED = 10_000_000  # bytes
TEXTS = (".py", ".ipynb", ".md", ".txt", ".json")  # in an archive
COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")


def leaks_of_site(folder: Path, secrets: list[Secret]) -> list[str]:
    """Look for secrets in pages, in what pages do not show, in the index, in pictures.

    Parameters
    ----------
    folder : Path
        The site.
    secrets : list of Secret
        What to look for.

    Returns
    -------
    list of str
        A line for each find: the file, and what it holds.
    """
    found = leaks([folder], secrets)
    with tempfile.TemporaryDirectory(prefix="tito-site-") as name:
        names = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            for text, ending in hidden_texts(path):
                unpacked = Path(name) / f"{len(names)}{ending}"
                unpacked.write_text(text, encoding="utf-8", errors="replace")
                names[str(unpacked)] = path
        for line in leaks([Path(name)], secrets):
            unpacked, _, what = line.partition(": ")
            found.append(f"{names[unpacked]}: {what}")
    return list(dict.fromkeys(found))


def hidden_texts(path: Path) -> Iterator[tuple[str, str]]:
    """The texts in a file that are not seen in its bytes, each with the ending of its kind."""
    content = path.read_bytes()
    if content.startswith(PNG):
        yield "\n".join(texts_of_png(content)), ".txt"
    elif path.suffix in (".whl", ".zip"):
        yield from _members(content)
    elif path.suffix == ".inv":
        yield _unpacked(content), ".txt"
    elif path.suffix in (".html", ".svg"):
        text = content.decode("utf-8", errors="replace")
        page = _Inside(text)
        yield "\n".join(page.values), ".txt"
        yield from ((program, ".py") for program in page.programs)
        yield from ((decoded, ".txt") for decoded in _embedded(text))
    elif path.suffix in (".js", ".json"):
        text = content.decode("utf-8", errors="replace")
        yield "\n".join(_strings(text)), ".txt"


def _members(content: bytes) -> Iterator[tuple[str, str]]:
    """The texts of an archive, each with the ending of its file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if (ending := Path(name).suffix) in TEXTS:
                    yield archive.read(name).decode("utf-8", errors="replace"), ending
    except zipfile.BadZipFile:
        return


class _Inside(HTMLParser):
    """What a page has in attributes and comments, and its blocks of text that may be programs."""

    def __init__(self, text: str):
        super().__init__()
        self.values: list[str] = []
        self.programs: list[str] = []
        self._depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.values += [value for _, value in attributes if value]
        if tag == "pre":
            self._depth += 1
            self.programs.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.programs[-1] += data

    def handle_comment(self, data: str) -> None:
        self.values.append(html.unescape(data))


def _embedded(text: str) -> Iterator[str]:
    """What is inside the pictures and files that stand in a page itself."""
    for encoded in EMBEDDED.findall(html.unescape(text)):
        try:
            content = base64.b64decode(encoded)
        except binascii.Error:
            continue
        if content.startswith(PNG):
            yield "\n".join(texts_of_png(content))
        else:
            yield html.unescape(content.decode("utf-8", errors="replace"))


def _strings(text: str) -> Iterator[str]:
    """The strings of a program or of a file of data, without their escapes."""
    for string in STRING.findall(text):
        try:
            yield str(json.loads(string, strict=False))
        except ValueError:
            yield string


def texts_of_png(content: bytes) -> Iterator[str]:
    """What a PNG image says about itself, unpacked."""
    place = len(PNG)
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 :][:4]
        data = content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind in (b"tEXt", b"eXIf", *COMPRESSED):
            yield data.decode("utf-8", errors="replace")
        if kind in COMPRESSED:
            yield _unpacked(data)


def _unpacked(data: bytes) -> str:
    """What was compressed by zlib somewhere in some bytes; nothing if nothing was."""
    for found in re.finditer(b"\x78", data):
        try:
            unpacked = zlib.decompressobj().decompress(data[found.start() :], MOST_UNPACKED)
        except zlib.error:
            continue
        return unpacked.decode("utf-8", errors="replace")
    return ""

"""Pictures in outputs: each becomes a file, named after its content, with its text beside it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from html import escape

FOLDER = "figures"
ENDINGS = {"png": "png", "jpeg": "jpg", "svg+xml": "svg"}
EMBEDDED = re.compile(r'src="data:image/(png|jpeg|svg\+xml);base64,([A-Za-z0-9+/=\s]+)"')
PICTURES = ("image/png", "image/svg+xml", "image/jpeg")


def is_figure(output: dict) -> bool:
    """Whether an output is a picture."""
    data = output.get("data") or {}
    return any(kind in data for kind in PICTURES) or bool(EMBEDDED.search(_html(data)))


def with_files(output: dict, files: dict[str, bytes]) -> dict:
    """An output whose pictures are files.

    Parameters
    ----------
    output : dict
        As a notebook has it.
    files : dict
        Gets the content of each picture, by its name.

    Returns
    -------
    dict
        The same output with links to ``../figures/NAME``; others are given back as they are.
    """
    data = output.get("data") or {}
    if not is_figure(output):
        return output
    html = _html(data) or _image(data)
    linked = EMBEDDED.sub(lambda found: f'src="{_filed(found[1], found[2], files)}"', html)
    return output | {"data": {"text/html": linked}, "metadata": {}}


def _html(data: dict) -> str:
    text = data.get("text/html", "")
    return "".join(text) if isinstance(text, list) else text


def _image(data: dict) -> str:
    """A picture that has no HTML of its own."""
    kind = next(kind for kind in PICTURES if kind in data)
    text = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
    encoded = base64.b64encode(text.encode()).decode() if kind == "image/svg+xml" else text
    words = data.get("text/plain", "a picture")
    alt = escape(words if isinstance(words, str) else "".join(words))
    return f'<img alt="{alt}" src="data:{kind};base64,{encoded}">'


def _filed(kind: str, encoded: str, files: dict[str, bytes]) -> str:
    try:
        content = base64.b64decode(encoded)
    except binascii.Error:
        content = b""
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ENDINGS[kind]}"
    files[name] = content
    return f"../{FOLDER}/{name}"


def size_of_png(content: bytes) -> tuple[int, int]:
    """The width and the height of a PNG image, in pixels."""
    return struct.unpack(">II", content[16:24])

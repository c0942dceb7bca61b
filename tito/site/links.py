"""Links within the site: each leads to a page, a file and a place that are there."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

REFER = {"href", "src", "srcset", "action", "poster", "data"}
LOAD = {"img", "script", "iframe", "source", "video", "audio", "embed", "object", "form"}
LITE = "lite"  # the folder of the site in which JupyterLite has pages of its own


class _Page(HTMLParser):
    """The places of a page, what it refers to, and what it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.places: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.titles = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.titles += tag == "h1"
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.places.add(value)
            elif name in REFER and value:
                self.links.append((tag, value))


def broken_links(folder: Path) -> list[str]:
    """A line for each link of the site that leads nowhere, or that loads something from elsewhere.

    Parameters
    ----------
    folder : Path
        With pages; links to other sites are not followed, and JupyterLite's pages are not read.
    """
    top = folder.resolve()
    files = sorted(path for path in top.rglob("*.html") if top / LITE not in path.parents)
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in files}
    found = []
    for path, page in pages.items():
        if page.titles > 1:
            found.append(f"{path}: {page.titles} titles; a page has one")
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") or parts.netloc:
                if tag in LOAD:
                    found.append(f"{path}: loads {link}")
            elif not parts.scheme and not _is_there(path, parts, pages):
                found.append(f"{path}: {link}")
    return list(dict.fromkeys(found))


def _is_there(path: Path, parts, pages: dict[Path, _Page]) -> bool:
    target = path
    if parts.path:
        target = Path(os.path.normpath(path.parent / unquote(parts.path)))
        target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return False
    place = unquote(parts.fragment)
    return not place or target not in pages or place in pages[target].places

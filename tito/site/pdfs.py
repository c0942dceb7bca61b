"""Each lesson as a PDF, printed by the Chromium that is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tito.errors import TitoError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LONGEST = 300  # seconds for a page


def browser() -> str:
    """The program of Chromium or Chrome.

    Raises
    ------
    TitoError
        If there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise TitoError(
            "--pdf needs Chromium or Chrome, and there is none; install it, or leave out --pdf"
        )
    return found


def print_lessons(html: Path, say: Callable[[str], None] = lambda text: None) -> list[Path]:
    """Print the lessons of a site; each PDF lies beside its page.

    Parameters
    ----------
    html : Path
        The site.
    say : callable
        Called with a line for each.

    Raises
    ------
    TitoError
        If there is no browser, or it prints nothing.
    """
    program, made = browser(), []
    for page in sorted((html / "lessons").glob("*.html")):
        say(f"Printing {page.stem} …")
        made.append(_print(program, page))
    return made


def _print(program: str, page: Path) -> Path:
    pdf = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="tito-pdf-") as profile:
        command = [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf}",
            page.as_uri(),
        ]
        try:
            subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
        except subprocess.TimeoutExpired:
            pass
    if not pdf.exists() or not pdf.stat().st_size:
        raise TitoError(f"{Path(program).name} did not print {page.name}; try again without --pdf")
    return pdf

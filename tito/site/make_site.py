"""`tito site`: the course to read, as pages that need nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tito.author.leaks import Secret, secrets_of
from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import explained, write_atomically
from tito.site.conf_template import CONF
from tito.site.documents import PAGES, Site, card_page, citation_page, copy_pictures
from tito.site.front_page import front_page
from tito.site.lesson_pages import lesson_page
from tito.site.links import LITE, broken_links
from tito.site.lite import PYODIDE, check_tools, make_lite
from tito.site.pdfs import browser, print_lessons
from tito.site.pictures import FOLDER
from tito.site.private_course import write_library
from tito.site.pyodide import Pyodide, read_pyodide
from tito.site.reference_pages import overview, reference_pages
from tito.site.run_lessons import TITO, Run, run_lessons
from tito.site.site_leaks import leaks_of_site

NEEDED = ("sphinx", "myst_nb", "numpydoc", "furo")
STATIC = Path(__file__).with_name("static")
MADE_BY = "made-by-tito-site.json"  # in a site; without it, a folder is not replaced
WARNING = re.compile(r"^.*(?:WARNING|ERROR|CRITICAL): .*$", re.M)
KEPT = Path(".tito") / "site"


@dataclass(frozen=True)
class Built:
    """What was built.

    Attributes
    ----------
    out : Path
        The folder.
    pages : int
        How many pages it has.
    ran : list of str
        The modules whose lessons were run; those of the others were kept from before.
    """

    out: Path
    pages: int
    ran: list[str]


def make_site(
    course: Course,
    out: Path,
    say: Callable[[str], None] = lambda text: None,
    modules: Sequence[Module] = (),
    pdf: bool = False,
    pyodide: Path | None = None,
) -> Built:
    """Make the site of a course.

    Parameters
    ----------
    course : Course
        With sources.
    out : Path
        A new or empty folder, or one with a site that was made before.
    say : callable
        Called with what is being done.
    modules : sequence of Module
        Whose lessons are run; by default all. The pages of the others are without outputs.
    pdf : bool
        Whether each lesson is printed as well.
    pyodide : Path, optional
        A distribution of pyodide, as a folder or an archive: with one, the notebooks are in a
        JupyterLite as well, in the folder ``lite``.

    Raises
    ------
    UsageError
        If there are no sources here, there is something else at `out`, or pyodide lacks something.
    TitoError
        If Sphinx is missing, a lesson fails, a page or a link is wrong, or a solution, a model
        answer or a hidden test would get out; what was at `out` stays then.
    """
    _check(course, out)
    if pdf:
        browser()
    if pyodide:
        check_tools()
    with explained(f"write to {out.parent}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".site-", dir=out.parent))
    try:
        python = read_pyodide(pyodide, temporary / "pyodide") if pyodide else None
        ran = run_lessons(modules or course.modules(), course.root / KEPT, say)
        runs = {run.module: run for run in ran}
        every = [runs.get(module, Run(module, {}, False)) for module in course.modules()]
        html = _built(course, every, temporary, say, pdf, python)
        pages = len([path for path in html.rglob("*.html") if html / LITE not in path.parents])
        write_atomically(html / MADE_BY, json.dumps({"pages": pages}))
        _replace(out, html)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Built(out, pages, [run.module.folder for run in every if run.is_new])


def _built(
    course: Course,
    runs: Sequence[Run],
    folder: Path,
    say: Callable[[str], None],
    pdf: bool,
    pyodide: Pyodide | None,
) -> Path:
    """The folder of the finished pages, in which nothing is to be found that must not get out."""
    say("Writing pages …")
    write_source(course, runs, folder / "source", folder / "library", pdf, pyodide is not None)
    html, added = run_sphinx(folder), []
    if pdf:
        print_lessons(html, say)
    if pyodide:
        say("Making JupyterLite …")
        lite, added = make_lite(course, pyodide, folder)
        lite.rename(html / LITE)
    say("Looking for leaks and broken links …")
    refuse(html, [secret for module in course.modules() for secret in secrets_of(module)])
    if pyodide:  # all that is not ours comes last, as it was given
        pyodide.copy_to(html / LITE / PYODIDE, added)
    return html


def _check(course: Course, out: Path) -> None:
    if not course.has_sources:
        raise UsageError("a site is made from the sources, and there are none here")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TitoError(
            f"a site needs {', '.join(missing)}; in the course's folder, run: "
            'pip install ".[course,site]"'
        )
    is_site = (out / MADE_BY).exists()
    if out.exists() and not is_site and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty, and no site; choose a new folder with --out")


def write_source(
    course: Course,
    runs: Sequence[Run],
    source: Path,
    library: Path,
    pdf: bool = False,
    lite: bool = False,
) -> None:
    """Write what Sphinx makes the site of.

    Parameters
    ----------
    course : Course
        With sources.
    runs : sequence of Run
        Of all modules, in order.
    source : Path
        The folder for pages, pictures and settings.
    library : Path
        The folder for the package that is documented.
    pdf, lite : bool
        Whether each lesson leads to its PDF, and the first page to a JupyterLite.
    """
    write_library(course, course.modules(), library)
    site, pictures, files = Site.of(course), set(), {}
    texts = {}
    for run in runs:
        page = lesson_page(run, files, pdf)
        texts[f"lessons/{run.module.folder}.ipynb"] = json.dumps(page)
        card = f"source/{run.module.folder}/README.md"
        if card in site.pages:
            texts[f"{site.pages[card]}.md"] = card_page(site, card, pictures)
    for document, page in PAGES.items():
        if document in site.pages:
            texts[f"{page}.md"] = site.page_of(document, pictures)
    reference = reference_pages(site, library)
    texts |= {f"{name}.md": text for name, text in reference.items()}
    texts["reference/index.md"] = overview(course, reference)
    if (course.root / "CITATION.cff").exists():
        texts["citing.md"] = citation_page(course)
    texts["index.md"] = front_page(course, runs, list(texts), files, pictures, lite)
    texts["conf.py"] = _settings(course)
    for name, text in texts.items():
        write_atomically(source / name, text)
    for name, content in files.items():
        write_atomically(source / "extra" / FOLDER / name, content)
    (source / "extra").mkdir(parents=True, exist_ok=True)
    copy_pictures(course, pictures, source)
    shutil.copytree(STATIC, source / "_static", dirs_exist_ok=True)


def _settings(course: Course) -> str:
    project, version = course.root / "pyproject.toml", ""
    if project.exists():
        version = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    hidden = [module.import_name for module in course.modules()]
    return CONF.format(version=version, hidden=hidden)


def run_sphinx(folder: Path) -> Path:
    """Have Sphinx make the pages, in a process of its own; gives their folder.

    Raises
    ------
    TitoError
        If it fails or warns; says the first thing that is wrong.
    """
    html, doctrees = folder / "build" / "html", folder / "build" / "doctrees"
    paths = os.pathsep.join([str(folder / "library"), str(TITO.parent)])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sphinx", "-q", "--keep-going", "-b", "html", "-d", doctrees]
        + [folder / "source", html],
        env=os.environ | {"PYTHONPATH": paths, "MPLBACKEND": "agg", "NO_COLOR": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    said = WARNING.findall(done.stderr) or done.stderr.strip().splitlines()[-1:]
    if done.returncode or said:
        first = said[0].replace(f"{folder}/", "") if said else f"exit code {done.returncode}"
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        raise TitoError(f"the site cannot be built: {first}{more}")
    return html


def refuse(html: Path, secrets: list[Secret]) -> None:
    """Refuse pages that give something away, or that lead nowhere.

    Raises
    ------
    TitoError
        In one sentence, with the first few of what was found.
    """
    for what, found in (
        ("the site would give away solutions", leaks_of_site(html, secrets)),
        ("links of the site lead nowhere", broken_links(html)),
    ):
        if found:
            listing = "; ".join(line.replace(f"{html}/", "") for line in found[:5])
            raise TitoError(f"{what}: {listing}")


def _replace(out: Path, html: Path) -> None:
    """Put a folder where another one is, or none."""
    html.chmod(0o755)
    with explained(f"write {out}"):
        before = html.with_name("before")
        if out.exists():
            out.rename(before)
        try:
            html.rename(out)
        except OSError:
            if before.exists():
                before.rename(out)
            raise

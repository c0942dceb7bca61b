"""The kit: what a class hands to its students."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import tomllib
from pathlib import Path

from tito.author.dates import due_dates
from tito.author.leaks import leaks, secrets_of
from tito.author.release import is_up_to_date, release
from tito.course import KIT_VERSION, Course
from tito.errors import TitoError, UsageError
from tito.files import explained
from tito.source.modules_and_others import KEPT_IN_MODULES
from tito.source.nbgraders_settings import configuration
from tito.student.due import DUE_DATES

# Of tito, a student's half: what all share, notebooks, checks, the desk, and its commands.
TOOLS = (
    "bin",
    "locks/course.txt",
    "LICENSE",
    "tito/py.typed",
    "tito/notebook",
    "tito/checks",
    "tito/student",
    "tito/cli/__init__.py",
    "tito/cli/shared.py",
    "tito/cli/student.py",
)
AUTHORS = ("observations.py",)  # files at the top of tito that only who writes a module needs
GRADERS = re.compile(r"\n# Jupyter finds the sandbox [^\[]*\[project\.entry-points[^\[]*(?=\n\[)")
SETTINGS = '''"""nbgrader's settings for students: how a notebook is handed in."""

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.course_id = {course_id!r}
c.CourseDirectory.ignore = {ignore!r}
c.KernelManager.transport_encryption = "auto"
'''
# In a checkout, release/ and notebooks/ are ignored; of a kit they are what it is made for.
GIT_IGNORES = """\
/.venv
/.venv.discarded
/.nbgrader.log
__pycache__/
.ipynb_checkpoints/
.DS_Store
"""
CONTAINER = {  # a kit in a repository is opened in Codespaces, or as a dev container
    "name": "TinyTorch",
    "image": "python:3.12-bookworm",
    "postCreateCommand": "python bin/tito.py doctor || true",
    "forwardPorts": [8888],
    "customizations": {"vscode": {"extensions": ["ms-python.python", "ms-toolsai.jupyter"]}},
}
EXCHANGE = "c.Exchange.root = {!r}\n"
README = """# TinyTorch: your copy

You build a small deep-learning framework, one notebook after the other. You need Python 3.11 or
newer.

```
python bin/tito.py start {first}    # puts the first notebook on your desk, notebooks/
python bin/tito.py jupyter            # opens it in JupyterLab
python bin/tito.py test {first}     # runs your notebook, one line for each check
python bin/tito.py export {first}   # writes tinytorch/core/{name}.py; later notebooks import it
python bin/tito.py submit {first} --student NAME   # makes the file that you hand in
```

The first command installs what is needed into `.venv` here, which takes a minute or two.
`python bin/tito.py status` shows where you stand with every module. `test --watch` runs the checks
again after each save.
`diff` shows what you changed against the release, `reset` starts a module again (your work is
kept), and `doctor` says what is missing.
If you doubt a mark, add a text cell at the end of the notebook that begins with
`Ask again: NAME-OF-THE-EXERCISE`, write why below, and hand in again.
The modules, in order: {modules}.
"""


def refuse_unless_new(out: Path, why: str = "choose a new folder with --out") -> None:
    """Refuse a folder in which something is, and what is no folder."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; {why}")


def make_kit(course: Course, out: Path) -> list[Path]:
    """Make what students get: tools, released notebooks, and a library without solutions.

    Parameters
    ----------
    course : Course
        With sources.
    out : Path
        The new folder.

    Returns
    -------
    list of Path
        The files, relative to `out`.

    Raises
    ------
    UsageError
        If there is something at `out` already, or there are no sources here.
    TitoError
        If a solution or a hidden test would get out; nothing is left at `out` then.
    """
    if not course.has_sources:
        raise UsageError("a kit is made from the sources, and there are none here")
    refuse_unless_new(out)
    modules = course.modules()
    for module in modules:
        if not is_up_to_date(module):
            release(module)
    with explained(f"write to {out.parent}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".kit-", dir=out.parent))
    try:
        with explained(f"write {out}"):
            _fill(course, temporary)
            found = leaks([temporary], [s for module in modules for s in secrets_of(module)])
            if found:
                listing = "; ".join(line.replace(f"{temporary}/", "") for line in found[:5])
                raise TitoError(f"the kit would give away solutions: {listing}")
            temporary.chmod(0o755)
            if out.exists():
                out.rmdir()
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())


def _fill(course: Course, folder: Path) -> None:
    shared = [f"tito/{p.name}" for p in (course.root / "tito").glob("*.py")]
    shared = [name for name in shared if name.removeprefix("tito/") not in AUTHORS]
    for name in (*TOOLS, *shared, *course.library()):
        _copy(course.root / name, folder / name)
    modules = course.modules()
    for module in modules:
        _copy(module.released.parent, folder / "release" / module.folder)
    project, version = course.root / "pyproject.toml", "0"
    if project.exists():
        text = project.read_text(encoding="utf-8")
        version = tomllib.loads(text)["project"]["version"]
        _write(folder / "pyproject.toml", GRADERS.sub("", text))
    _write(folder / "nbgrader_config.py", _settings(course))
    _write(folder / ".gitignore", GIT_IGNORES)
    (folder / ".devcontainer").mkdir()
    container = json.dumps(CONTAINER, indent=2) + "\n"
    _write(folder / ".devcontainer" / "devcontainer.json", container)
    if due := due_dates(course, modules):
        dates = {folder: time.isoformat() for folder, time in due.items()}
        _write(folder / DUE_DATES, json.dumps(dates, indent=1) + "\n")
    first = modules[0]
    text = README.format(
        first=first.folder, name=first.name, modules=", ".join(m.folder for m in modules)
    )
    _write(folder / "README.md", text)
    _write(folder / KIT_VERSION, f"{version}+{_hash(folder)}\n")


def _copy(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")
    if source.is_dir():
        shutil.copytree(source, target, ignore=ignored)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _settings(course: Course) -> str:
    """Of the settings of the course, those that a student needs."""
    config = configuration(course.root)
    ignore = [p for p in config.CourseDirectory.get("ignore", []) if not Path(p).is_absolute()]
    ignore += [pattern for pattern in KEPT_IN_MODULES if pattern not in ignore]
    text = SETTINGS.format(course_id=str(config.CourseDirectory.course_id), ignore=ignore)
    root = config.get("Exchange", {}).get("root")
    return text + (EXCHANGE.format(str(root)) if root else "")


def _hash(folder: Path) -> str:
    """Eight letters that differ if anything in a kit does."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:8]

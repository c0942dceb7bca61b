"""The kit: what a class hands to its students."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tito.author.leaks import leaks, secrets_of
from tito.author.release import release
from tito.course import Course
from tito.errors import TitoError, UsageError
from tito.files import explained

TOOLS = ("bin", "tito", "locks", "pyproject.toml", "LICENSE", "nbgrader_config.py", ".gitignore")
README = """# TinyTorch: your copy

You build a small deep-learning framework, one notebook after the other. You need Python 3.11 or
newer.

```
python bin/tito.py start {first}    # puts the first notebook on your desk, notebooks/
python bin/tito.py jupyter            # opens JupyterLab and shows its address
python bin/tito.py test {first}     # runs your notebook, one line for each check
python bin/tito.py export {first}   # writes tinytorch/core/{name}.py; later notebooks import it
python bin/tito.py submit {first} --student NAME   # makes the file that you hand in
```

The first command installs what is needed into `.venv` here, which takes a minute or two.
`python bin/tito.py status` shows where you stand with every module, and `progress()` in a cell of
a notebook, where you stand with that one. `test --watch` runs the checks again after each save.
`reset` starts a module again (your work is kept), and `doctor` says what is missing.
The modules, in order: {modules}.
"""


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
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; choose a new folder with --out")
    modules = course.modules()
    for module in modules:
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
    # demo.py quotes scraps of solutions
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints", "demo.py")
    for name in (*TOOLS, *course.library()):
        source, target = course.root / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    modules = course.modules()
    for module in modules:
        shutil.copytree(module.released.parent, folder / "release" / module.folder, ignore=ignored)
    first = modules[0]
    text = README.format(
        first=first.folder, name=first.name, modules=", ".join(m.folder for m in modules)
    )
    (folder / "README.md").write_text(text, encoding="utf-8")

"""JupyterLite: the notebooks of the course in a browser, without a server that runs Python.

The notebooks lie where the desk of a kit has them. The library, the checks and the helpers are a
wheel among pyodide's own, which the first cell of a notebook loads by importing it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

from tito.author.colab import added_cell
from tito.author.kit import make_kit
from tito.course import KIT_VERSION, Course, Module
from tito.errors import TitoError
from tito.files import write_atomically
from tito.notebook.read import read_notebook
from tito.site.pyodide import LOADER, Pyodide, entry_of
from tito.site.wheels import installed_files, write_wheel
from tito.student.due import DUE_DATES

RUNS_THERE = Path(__file__).with_name("in_browser.py")
NEEDED = ("jupyterlite_core", "jupyterlite_pyodide_kernel")
KERNEL = "@jupyterlite/pyodide-kernel-extension"
EXTENSIONS = Path("share", "jupyter", "labextensions")
PACKAGE = "tinytorch-course"
PYODIDE = Path("static", "pyodide")  # in a JupyterLite
APPS = ("lab", "notebooks", "tree")
ON_THE_DRIVE = ("nbgrader_config.py", KIT_VERSION, DUE_DATES, "LICENSE")  # and release/
SAVED_EVERY = 10  # seconds

FIRST = """\
# Run this cell first: it brings the course. It does nothing but in a browser's own Python.
import sys

lite = None
if sys.platform == "emscripten":
    from tito.in_browser import begin

    lite = begin("{folder}")
"""
EXPORT = """\
# Save (Ctrl+S), then run this: it keeps what you have built, for the notebooks that import it.
if lite:
    lite.export()
"""
SUBMIT = """\
# Write your id between the quotation marks, save (Ctrl+S), and run this: it makes the file that
# you hand in.
if lite:
    lite.submit("YOUR ID")
"""
TITLE = "## In the browser: keep your module, and hand it in"
README = """# TinyTorch in the browser

Open the folder `notebooks`, and in it the notebook of {first}. Python runs in your browser. What
you write stays in this browser, on this machine, until you clear its data: download your notebooks
now and then (right click, Download).
"""


def check_tools() -> None:
    """Make sure that JupyterLite is installed.

    Raises
    ------
    TitoError
        If it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TitoError(
            f"--lite needs {', '.join(missing)}; in the course's folder, run: "
            'pip install ".[course,site,lite]"'
        )


def make_lite(course: Course, pyodide: Pyodide, work: Path) -> tuple[Path, list[dict]]:
    """Make a JupyterLite with the released notebooks; pyodide's own files are not in it yet.

    Parameters
    ----------
    course : Course
        With sources.
    pyodide : Pyodide
        What the notebooks will run in.
    work : Path
        A new folder to work in.

    Returns
    -------
    out : Path
        The JupyterLite.
    added : list of dict
        The entries of our own wheels, for `Pyodide.copy_to`.
    """
    kit, project, out = work / "kit", work / "project", work / "lite"
    make_kit(course, kit)
    _write_drive(course, kit, project / "files")
    wheels = out / PYODIDE
    _configure(project)
    _build(project, out)
    wheels.mkdir(parents=True)
    return out, _write_wheels(kit, pyodide, wheels)


def for_browser(module: Module) -> dict:
    """The released notebook with a cell before it and three behind."""
    nb = read_notebook(module.released)
    before = added_cell("code", "in-browser-first", FIRST.format(folder=module.folder))
    behind = [
        added_cell("markdown", "in-browser-last", TITLE),
        added_cell("code", "in-browser-export", EXPORT),
        added_cell("code", "in-browser-submit", SUBMIT),
    ]
    return nb | {"cells": [before, *nb["cells"], *behind]}


def _write_drive(course: Course, kit: Path, drive: Path) -> None:
    """What a student finds: a desk on which every module has been started, and its releases."""
    modules = course.modules()
    for name in [*ON_THE_DRIVE, *_files(kit, "release")]:
        if (kit / name).exists():
            write_atomically(drive / name, (kit / name).read_bytes())
    for module in modules:
        for name in _files(kit, f"release/{module.folder}"):
            place = drive / "notebooks" / Path(name).relative_to("release")
            write_atomically(place, (kit / name).read_bytes())
        text = json.dumps(for_browser(module), indent=1, ensure_ascii=False, sort_keys=True)
        write_atomically(drive / "notebooks" / module.folder / module.notebook, text + "\n")
    write_atomically(drive / "README.md", README.format(first=modules[0].folder))


def _files(kit: Path, folder: str) -> list[str]:
    paths = sorted(path for path in (kit / folder).rglob("*") if path.is_file())
    return [path.relative_to(kit).as_posix() for path in paths]


def _write_wheels(kit: Path, pyodide: Pyodide, folder: Path) -> list[dict]:
    """The wheels that pyodide does not have: the course, and `comm`, which the kernel needs."""
    paths = [*_files(kit, "tinytorch"), *_files(kit, "tito")]
    files = {name: (kit / name).read_bytes() for name in paths}
    files[f"tito/{RUNS_THERE.name}"] = RUNS_THERE.read_bytes()
    wheel = write_wheel(folder, PACKAGE, _version(kit), files)
    added = [entry_of(wheel, PACKAGE, ("tinytorch", "tito"), ("numpy", "matplotlib", "ipython"))]
    if "comm" not in pyodide.lock["packages"]:
        version, files = installed_files("comm")
        added.append(entry_of(write_wheel(folder, "comm", version, files), "comm", ("comm",), ()))
    return added


def _version(kit: Path) -> str:
    project = kit / "pyproject.toml"
    if not project.exists():
        return "0"
    return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]


def _configure(project: Path) -> None:
    """Settings: no extension but the kernel for Python, and no address that is not our own."""
    kernel = {"pyodideUrl": f"./{(PYODIDE / LOADER).as_posix()}", "disablePyPIFallback": True}
    data = {"appName": "TinyTorch", "litePluginSettings": {f"{KERNEL}:kernel": kernel}}
    build = {
        "apps": APPS,
        "contents": ["files"],
        "federated_extensions": [str(Path(sysconfig.get_path("data")) / EXTENSIONS / KERNEL)],
        "ignore_sys_prefix": True,
        "no_libarchive": True,
        "no_sourcemaps": True,
    }
    news = {"checkForUpdates": False, "fetchNews": "false"}
    overrides = {
        "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": SAVED_EVERY},
        "@jupyterlab/apputils-extension:notification": news,
    }
    settings = {"jupyter-lite-schema-version": 0, "jupyter-config-data": data}
    for name, content in (
        ("jupyter-lite.json", settings),
        ("jupyter_lite_config.json", {"LiteBuildConfig": build}),
        ("overrides.json", overrides),
    ):
        write_atomically(project / name, json.dumps(content))


def _build(project: Path, out: Path) -> None:
    """Have JupyterLite put itself together."""
    program = "from jupyterlite_core.app import main; main()"
    keep = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTERLITE_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "build", "--lite-dir", project, "--output-dir", out],
        cwd=project,
        env=keep | {"JUPYTER_CONFIG_DIR": str(project / "no-settings"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode or not (out / "lab" / "index.html").exists():
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise TitoError(f"JupyterLite cannot be built: {said[0] if said else done.returncode}")

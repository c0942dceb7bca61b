"""A private folder with a package `tinytorch` that holds the reference of the earlier modules."""

from __future__ import annotations

import compileall
import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from tito.course import Course, Module
from tito.judge.remembered import remembered
from tito.source.reference import reference_text

DRAWS = "graph"  # the one folder of the library that is not there where marks are decided
GRAPH = Path(__file__).parents[2] / "tinytorch" / "graph"
DATA = GRAPH.with_name("datasets")
NO_GRAPH = '''"""Pictures, which nobody looks at while a module is graded."""


def draw(*arguments, **settings):
    """Draw nothing."""


step_backward = explain = draw
'''


def earlier_modules(module: Module) -> dict[str, str]:
    """What `tinytorch` holds for the graded module: the text of each file, by its path in it.

    These are the files that are written by hand, and the reference of the modules before: a mistake
    in module 1 so costs nothing in module 7. The graded module is not among them.
    """
    course = Course(module.root)
    return _library(course, [m for m in course.modules() if m < module])


def whole_library(course: Course) -> dict[str, str]:
    """What `tinytorch` holds for an assignment that is no module: the reference of all modules."""
    return _library(course, course.modules())


def _library(course: Course, modules: list[Module]) -> dict[str, str]:
    by_hand = {
        path.relative_to("tinytorch").as_posix(): (course.root / path).read_text(encoding="utf-8")
        for path in course.library()
        if path.suffix == ".py" and path.parts[1] != DRAWS
    }
    return by_hand | {f"core/{m.name}.py": reference_text(m) for m in modules}


@contextlib.contextmanager
def workspace(modules: dict[str, str], pictures: bool = False) -> Iterator[Path]:
    """A temporary folder from which `tinytorch` can be imported.

    Parameters
    ----------
    modules : dict
        What it holds, from `earlier_modules`.
    pictures : bool
        Whether `tinytorch.graph` draws. It goes back through graphs by itself, so it is not there
        where marks are decided; only its names are.

    Yields
    ------
    Path
        The folder; it is removed at the end.
    """
    library = library_of(modules, pictures)
    with temporary_folder() as folder:
        shutil.copytree(library.folder, folder, dirs_exist_ok=True)
        yield folder


class Library:
    """A folder with a package `tinytorch`, of which each process of a class gets a copy.

    It is removed as soon as nobody uses it.

    Parameters
    ----------
    modules : dict
        What it holds, from `earlier_modules`.
    pictures : bool
        As in `workspace`.

    Attributes
    ----------
    folder : Path
        Where it is. The programs are there compiled, too: no sandbox keeps what it compiles.
    """

    def __init__(self, modules: dict[str, str], pictures: bool = False):
        self.folder = Path(tempfile.mkdtemp(prefix="tito-library-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        core = self.folder / "tinytorch" / "core"
        core.mkdir(parents=True)
        (self.folder / "tinytorch" / "__init__.py").touch()
        (core / "__init__.py").touch()
        add_graph(self.folder / "tinytorch" / "graph", pictures)
        add_data(self.folder / "tinytorch" / "datasets")
        for name, text in modules.items():
            (self.folder / "tinytorch" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "tinytorch" / name).write_text(text, encoding="utf-8")
        checked = PycInvalidationMode.CHECKED_HASH  # a file that is written again is compiled again
        compileall.compile_dir(self.folder, quiet=2, invalidation_mode=checked)


def library_of(modules: dict[str, str], pictures: bool = False) -> Library:
    """The library of a class, made once; the parameters are those of `Library`."""
    return _library_of(tuple(modules.items()), pictures)


@remembered(8)
def _library_of(modules: tuple[tuple[str, str], ...], pictures: bool) -> Library:
    return Library(dict(modules), pictures)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder in which a notebook runs; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tito-grading-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def add_graph(folder: Path, pictures: bool) -> None:
    """Add `tinytorch.graph`, which notebooks import; without `pictures` one that does nothing."""
    if pictures:
        shutil.copytree(GRAPH, folder, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        folder.mkdir()
        (folder / "__init__.py").write_text(NO_GRAPH, encoding="utf-8")


def add_data(folder: Path) -> None:
    """Add the files of `tinytorch.datasets` that are no programs: what it reads."""
    shutil.copytree(DATA, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))

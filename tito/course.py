"""Where a course lies, and which modules it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tito.errors import UsageError

KIT_VERSION = "kit-version.txt"  # which kit this is; not there in a checkout
MODULE_FOLDER = re.compile(r"(\d\d)_(\w+)")
NOT_OURS = {"__pycache__", ".ipynb_checkpoints"}  # folders that programs make beside what we wrote


@dataclass(frozen=True, order=True)
class Module:
    """One module of a course, such as ``07_autograd``."""

    number: int
    name: str
    root: Path

    @property
    def folder(self) -> str:
        """The module's folder name, which is also nbgrader's assignment name: ``07_autograd``."""
        return f"{self.number:02}_{self.name}"

    @property
    def notebook(self) -> str:
        """The name of its notebook: ``autograd_dev.ipynb``."""
        return f"{self.name}_dev.ipynb"

    @property
    def source(self) -> Path:
        """The file that the instructor edits."""
        return self.root / "source" / self.folder / f"{self.name}_dev.py"

    @property
    def built(self) -> Path:
        """The notebook that `tito build` makes of the source."""
        return self.root / "source" / self.folder / self.notebook

    @property
    def released(self) -> Path:
        """The notebook that students get."""
        return self.root / "release" / self.folder / self.notebook

    @property
    def desk(self) -> Path:
        """The notebook that a student works in."""
        return self.root / "notebooks" / self.folder / self.notebook

    @property
    def import_name(self) -> str:
        """What the exported module is imported as."""
        return f"tinytorch.core.{self.name}"

    @property
    def exported(self) -> Path:
        """The file that the module is exported to."""
        return self.root / "tinytorch" / "core" / f"{self.name}.py"

    @property
    def notebooks(self) -> tuple[str, ...]:
        """The names of its notebooks: a module has one."""
        return (self.notebook,)

    @property
    def source_folder(self) -> Path:
        """The folder in which the instructor writes."""
        return self.source.parent

    @property
    def release_folder(self) -> Path:
        """The folder that students get."""
        return self.released.parent


@dataclass(frozen=True)
class Course:
    """A course: a folder with ``nbgrader_config.py``, and sources or released notebooks."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course that a folder belongs to.

        Parameters
        ----------
        start : Path, optional
            Where to begin looking upwards; by default the current folder.

        Raises
        ------
        UsageError
            If neither the folder nor one above it holds a course.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "nbgrader_config.py").exists():
                return cls(folder)
        raise UsageError(
            f"{start} is not inside a TinyTorch course (no nbgrader_config.py here or above); "
            "change into the course's folder first"
        )

    @property
    def has_sources(self) -> bool:
        """Whether this is an instructor's checkout rather than a student's kit."""
        return any((self.root / "source").glob("*/*_dev.py"))

    @property
    def kit_version(self) -> str:
        """Which kit this is, such as ``0.1.0+1a2b3c4d``; nothing in an instructor's checkout."""
        try:
            return (self.root / KIT_VERSION).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def library(self) -> list[Path]:
        """The files of `tinytorch` that are written by hand, relative to the course's folder.

        These are all but what is exported from notebooks, which is all that ``core/`` holds.
        """
        files = sorted((self.root / "tinytorch").rglob("*"))
        paths = [path.relative_to(self.root) for path in files if path.is_file()]
        return [
            path
            for path in paths
            if NOT_OURS.isdisjoint(path.parts)
            and (path.parts[1] != "core" or path.parts[2:] == ("__init__.py",))
        ]

    def modules(self) -> list[Module]:
        """All modules, in order: those with a source, or in a kit those released."""
        pattern, where = ("*_dev.py", "source") if self.has_sources else ("*.ipynb", "release")
        folders = {path.parent.name for path in (self.root / where).glob(f"*/{pattern}")}
        matches = (MODULE_FOLDER.fullmatch(folder) for folder in folders)
        found = [Module(int(m[1]), m[2], self.root) for m in matches if m]
        return sorted(module for module in found if not self._is_ordinary(module))

    def _is_ordinary(self, module: Module) -> bool:
        """Whether a folder that is named like a module holds notebooks of its own instead."""
        others = {path.name for path in module.source_folder.glob("*.ipynb")} - {module.notebook}
        return bool(others) and self.has_sources and not module.source.exists()

    def module(self, name: str) -> Module:
        """The module called `name`: ``07_autograd``, ``autograd``, ``7`` or ``07``.

        Raises
        ------
        UsageError
            If there is none; the message lists those there are.
        """
        modules = self.modules()
        wanted = name.strip("/").lower()
        for module in modules:
            if wanted in (module.folder, module.name, str(module.number), f"{module.number:02}"):
                return module
        known = ", ".join(module.folder for module in modules) or "none; run tito build first"
        raise UsageError(f"there is no module {name!r}; the modules are: {known}")

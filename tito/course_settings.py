"""The settings of a course, as nbgrader reads them."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from traitlets.config import PyFileConfigLoader

from tito.errors import UsageError

# What nbgrader, or a library below it, reads in a path as a pattern, a variable, the end of the
# path or another character: it would find nothing there, or use the files of another folder.
MISREAD = re.compile(r"[\[?*]|\$\{?\w+|%[0-9A-Fa-f]{2}")


@functools.cache
def configuration(root: Path):
    """The settings in nbgrader_config.py; one that cannot be read is a UsageError, and so is a
    folder in which nbgrader cannot work. A student's kit, without sources, may be anywhere."""
    if (root / "source").is_dir() and (misread := MISREAD.search(str(root))):
        raise UsageError(
            f"nbgrader misreads {misread[0]!r} in the path of a course; rename the folder, or move "
            f"the course: {root}"
        )
    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"nbgrader_config.py cannot be read ({said}); mend it") from None
    config.CourseDirectory.root = str(root)
    return config

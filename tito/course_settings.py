"""The settings of a course, as nbgrader reads them."""

from __future__ import annotations

import functools
from pathlib import Path

from traitlets.config import PyFileConfigLoader

from tito.errors import UsageError


@functools.cache
def configuration(root: Path):
    """The settings in nbgrader_config.py; one that cannot be read is a UsageError."""
    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"nbgrader_config.py cannot be read ({said}); mend it") from None
    config.CourseDirectory.root = str(root)
    return config

"""The settings of a course, as nbgrader reads them."""

from __future__ import annotations

import functools
from pathlib import Path

from traitlets.config import PyFileConfigLoader


@functools.cache
def configuration(root: Path):
    """The settings in nbgrader_config.py."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config

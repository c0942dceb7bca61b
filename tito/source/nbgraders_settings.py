"""nbgrader's settings, for a folder in which it can work."""

from __future__ import annotations

import re
from pathlib import Path

from tito import course_settings
from tito.errors import UsageError

# What nbgrader, or a library below it, reads in a path as a pattern, a variable, the end of the
# path or another character: it would find nothing there, or use the files of another folder.
MISREAD = re.compile(r"[\[?*]|\$\{?\w+|%[0-9A-Fa-f]{2}")


def configuration(root: Path):
    """The settings in nbgrader_config.py.

    Raises
    ------
    UsageError
        If they cannot be read, or nbgrader cannot work in a folder of this name.
    """
    if misread := MISREAD.search(str(root)):
        raise UsageError(
            f"nbgrader misreads {misread[0]!r} in the path of a course; rename the folder, or move "
            f"the course: {root}"
        )
    return course_settings.configuration(root)

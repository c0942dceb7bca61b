"""The command line: a student's half, and an instructor's, which is not in the students' kit."""

from importlib.util import find_spec

from tito.cli import student  # noqa: F401
from tito.cli.shared import cli

if find_spec("tito.cli.author"):
    from tito.cli import author, insights, marking  # noqa: F401

__all__ = ["cli"]

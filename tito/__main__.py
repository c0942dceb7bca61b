"""``tito``, ``python -m tito`` and ``python bin/tito.py``: all end here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# A transitive package of nbformat that takes 3.6 s to import, and that no notebook needs.
sys.modules.setdefault("rfc3987_syntax", None)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):  # a ✓ is a ? where the terminal has none
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        # nbgrader starts alembic, and Jupyter its kernels, by name
        os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")
    for library in ("OPENBLAS", "MKL", "OMP"):  # for matrices as small as a lesson's
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit(
            "tito needs the course tools, which are not installed here; "
            'run: pip install ".[course]" in the course folder'
        )
    from tito.cli import cli

    cli(prog_name="tito")


if __name__ == "__main__":
    main()

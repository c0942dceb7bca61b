"""The sandbox's part of ``tito doctor``: only who grades needs one."""

from __future__ import annotations

from tito.errors import TitoError
from tito.sandbox import Policy, bubblewrap, choice, choose
from tito.sandbox.seccomp import filter_program
from tito.student.doctor import Finding


def find_sandbox() -> Finding:
    """Where submissions would be run."""
    try:
        name = choose(Policy()).NAME
    except TitoError:
        troubles = f"none; {bubblewrap.trouble() or choice.trouble_with('bubblewrap')}"
        return Finding("sandbox for grading", False, troubles)
    details = name
    if name == "bubblewrap":
        details += " " + ".".join(map(str, bubblewrap.version()))
    else:
        trouble = bubblewrap.trouble() or choice.trouble_with("bubblewrap")
        details += f", which holds less than bubblewrap would ({trouble})"
    if not filter_program():
        details += "; no system calls are filtered, for those of this processor are not known"
    return Finding("sandbox for grading", True, details)

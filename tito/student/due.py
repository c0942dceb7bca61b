"""When modules are due, as the kit says; what an instructor allows one student counts besides."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tito.course import Module

DUE_DATES = "due-dates.json"  # in a kit: when modules are due


def said_of_due_date(module: Module) -> list[str]:
    """A line that says when a module is due, or was; none if the kit says nothing."""
    try:
        known = json.loads((module.root / DUE_DATES).read_text(encoding="utf-8"))
        due = datetime.fromisoformat(known[module.folder]).astimezone()
    except (OSError, ValueError, KeyError, TypeError):
        return []
    verb = "was due" if due < datetime.now(UTC) else "is due"
    return [f"{module.folder} {verb} {due:%Y-%m-%d %H:%M %z}."]

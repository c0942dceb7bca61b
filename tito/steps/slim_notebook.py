"""What of a submitted notebook is looked at when it is graded."""

from __future__ import annotations

import re

KEPT = ("nbgrader", "tags", "jupyter", "tito")  # of a cell's metadata


def without_what_is_cleared(nb: dict) -> dict:
    """A notebook without its outputs, and without metadata that no step of grading looks at.

    nbgrader clears the outputs as its first step, but after it has looked at all they hold.
    """
    cells = [_slim(cell) for cell in nb["cells"]]
    minor = nb.get("nbformat_minor")
    return {
        "nbformat": 4,
        "nbformat_minor": minor if type(minor) is int and 0 <= minor <= 5 else 5,
        "metadata": {},
        "cells": cells,
    }


def _slim(cell: dict) -> dict:
    metadata = {key: cell["metadata"][key] for key in KEPT if key in cell["metadata"]}
    slim = {key: cell[key] for key in ("cell_type", "source")} | {"metadata": metadata}
    if re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", str(cell.get("id", ""))):
        slim["id"] = str(cell["id"])
    if cell["cell_type"] == "code":
        return slim | {"outputs": [], "execution_count": None}
    return slim | ({"attachments": _bundles(cell)} if "attachments" in cell else {})


def _bundles(cell: dict) -> dict:
    """A cell's attachments, as far as they are what they should be."""
    found = cell["attachments"] if isinstance(cell["attachments"], dict) else {}
    return {
        name: {kind: data for kind, data in bundle.items() if isinstance(data, str)}
        for name, bundle in found.items()
        if isinstance(bundle, dict)
    }

"""Whether the saved state of an optimizer belongs to an optimizer like this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WHAT_TO_DO = "load it into an optimizer of the same kind, for the same network"


def refuse_other_state(optimizer: Any, saved: Any) -> None:
    """Refuse a state that does not fit an optimizer.

    Raises
    ------
    ValueError
        If it is no state, or groups, parameters, names or shapes differ; says which.
    """
    if not isinstance(saved, Mapping) or set(saved) != {"state", "param_groups"}:
        raise ValueError(
            f"this is no state of an optimizer: {saved!r:.60}; pass what state_dict() gave"
        )
    mine = [len(group["params"]) for group in optimizer.param_groups]
    theirs = [group["params"] for group in saved["param_groups"]]
    if mine != theirs or len(saved["state"]) != len(optimizer.state):
        raise ValueError(
            f"the optimizer has {mine} parameters in its groups, the state {theirs}; {WHAT_TO_DO}"
        )
    for group, kept in zip(optimizer.param_groups, saved["param_groups"], strict=True):
        if set(group) != set(kept):
            raise ValueError(
                f"the optimizer has the settings {_names(group)}, the state {_names(kept)}; "
                f"{WHAT_TO_DO}"
            )
    for number, (memory, kept) in enumerate(zip(optimizer.state, saved["state"], strict=True)):
        shapes = {name: np.shape(array) for name, array in memory.items()}
        others = {name: np.shape(array) for name, array in kept.items()}
        if shapes != others:
            raise ValueError(
                f"for parameter {number}, the optimizer remembers {shapes}, the state {others}; "
                f"{WHAT_TO_DO}"
            )


def _names(group: Mapping[str, Any]) -> str:
    return ", ".join(name for name in group if name != "params")

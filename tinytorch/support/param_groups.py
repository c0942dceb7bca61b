"""What an optimizer is given: parameters in groups, with settings that can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinytorch.support.optimizing import (
    kept_share,
    learning_rate,
    not_negative,
    parameters_to_train,
    two_shares,
)

BELOW_1 = ("momentum", "alpha")
NOT_NEGATIVE = {"lr": "the learning rate", "eps": "eps", "weight_decay": "weight_decay"}


def groups_to_train(parameters: Iterable, defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups of an optimizer, each a new dictionary with a list ``"params"``.

    Parameters
    ----------
    parameters : iterable
        Of Tensors and Variables, which make one group, or of dictionaries: ``"params"``, and the
        settings in which the group differs.
    defaults : mapping
        The settings that the optimizer knows.

    Raises
    ------
    TypeError
        If a parameter requires no gradient, or parameters and groups are mixed.
    ValueError
        If there are no parameters, one comes twice, or a setting is unknown or out of its range.
    """
    if isinstance(parameters, Mapping):
        raise TypeError("an optimizer is given a list of groups; write [group] for one")
    is_parameter = hasattr(parameters, "requires_grad")
    given: list[Any] = [parameters] if is_parameter else list(parameters)
    are_groups = [isinstance(part, Mapping) for part in given]
    if any(are_groups) and not all(are_groups):
        raise TypeError("parameters and groups are mixed; make a group of the parameters, too")
    if not any(are_groups):
        groups = [{"params": parameters_to_train(parameters if is_parameter else given)}]
    else:
        groups = [_group(number, part) for number, part in enumerate(given)]
        parameters_to_train([p for group in groups for p in group["params"]])
    for number, group in enumerate(groups):
        _refuse_unknown(number, group, defaults)
        _refuse_bad({**defaults, **group})
    return groups


def _group(number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a group, with its parameters as a list."""
    if "params" not in given:
        raise ValueError(
            f"group {number} has {sorted(given)}, but no 'params'; write "
            "{'params': network.parameters()}"
        )
    params = given["params"]
    found = [params] if hasattr(params, "requires_grad") else list(params)
    if not found:
        raise ValueError(f"group {number} has no parameters; leave it out, or give it some")
    return {**given, "params": found}


def _refuse_unknown(number: int, group: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    if unknown := sorted(set(group) - set(defaults) - {"params"}):
        raise ValueError(
            f"group {number} sets {', '.join(unknown)}, which this optimizer does not know; it "
            f"knows {', '.join(defaults)}"
        )


def _refuse_bad(settings: Mapping[str, Any]) -> None:
    for name in settings.keys() & NOT_NEGATIVE.keys():
        not_negative(NOT_NEGATIVE[name], settings[name])
    for name in settings.keys() & set(BELOW_1):
        kept_share(name, settings[name])
    if "betas" in settings:
        two_shares(settings["betas"])
    if settings.get("nesterov") and not settings["momentum"]:
        raise ValueError("nesterov needs a momentum; pass one, such as momentum=0.9")


def arrays_of(p) -> tuple[np.ndarray, np.ndarray]:
    """The weights of a parameter, to be changed in place, and its gradient."""
    holder = p.data if hasattr(p.data, "data") and not isinstance(p.data, np.ndarray) else p
    if not isinstance(holder.data, np.ndarray) or not holder.data.flags.writeable:
        holder.data = np.array(holder.data)
    gradient = getattr(p.grad, "data", p.grad) if hasattr(p.grad, "grad_fn") else p.grad
    return holder.data, gradient if isinstance(gradient, np.ndarray) else np.asarray(gradient)


class GroupMethods:
    """How an optimizer with groups shows itself, and is seen by those who know no groups."""

    param_groups: list[dict[str, Any]]

    @property
    def parameters(self) -> list:
        """The parameters of all groups, one after the other."""
        return [p for p, _ in self.members()]

    def members(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Each parameter with its group, one after the other."""
        for group in self.param_groups:
            for p in group["params"]:
                yield p, group

    @property
    def lr(self) -> float:
        """The rate of the first group; when it is set, that of all groups."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, rate: float) -> None:
        rate = learning_rate(rate)
        for group in self.param_groups:
            group["lr"] = rate

    def decayed(self, w: np.ndarray, g: np.ndarray, group: dict[str, Any]) -> np.ndarray:
        """The gradient as it is, until it is said how weights decay."""
        return g

    def direction(self, w, g, memory, group) -> np.ndarray:
        """Where to go: each kind of optimizer says so itself.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say in which direction to go; take a kind that does, "
            "such as SGD, or write a method direction"
        )

    def __repr__(self) -> str:
        count, groups = len(self.parameters), len(self.param_groups)
        places = f" in {groups} groups" if groups > 1 else ""
        rates = ", ".join(dict.fromkeys(f"{group['lr']:g}" for group in self.param_groups))
        return f"{type(self).__name__}({count} parameters{places}, lr={rates})"
